/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Named network namespaces as `ip netns` sees them: bind mounts under /run/netns. Work inside one
 * is done by a thread that is thrown away afterwards, so no thread of the application (nor one of
 * GLib's pools) is ever left in another namespace. A function run there must not call anything of
 * GIO that starts threads: they would inherit the namespace. Knows nothing of networks or marks. */

#include <glib.h>

#define SCL_NETNS_FOLDER "/run/netns"

typedef enum {
  SCL_NETNS_ABSENT,
  SCL_NETNS_LEFTOVER, /* an empty regular file: somebody was killed before the mount */
  SCL_NETNS_OTHER,    /* something that is not a network namespace */
  SCL_NETNS_FOUND,
} SclNetnsState;

typedef gboolean (*SclNetnsFunc) (gpointer data, GError **error);

/* A new namespace without a name, kept alive by the descriptor alone; -1 on error. */
int _scl_netns_create (GError **error);

/* Opens NAME if it is a network namespace; else *OUT_FD is -1. */
SclNetnsState _scl_netns_open (const char *name, int *out_fd);

/* Gives the namespace its name; takes the place of a leftover. */
gboolean _scl_netns_bind (int fd, const char *name, GError **error);

/* Removes the name (a leftover too). Absent is success. */
gboolean _scl_netns_unbind (const char *name, GError **error);

/* Names in /run/netns that begin with START. (transfer full) */
GPtrArray *_scl_netns_list (const char *start);

/* Those that are leftovers: root's empty regular files on which nothing is mounted. (transfer full) */
GPtrArray *_scl_netns_list_leftovers (const char *start);
/* Removes NAME if it still is one. */
gboolean _scl_netns_remove_leftover (const char *name, GError **error);

/* Runs FUNC in the namespace, in a thread of its own, and waits for it. FD -1: right here. */
gboolean _scl_netns_run (int fd, SclNetnsFunc func, gpointer data, GError **error);
