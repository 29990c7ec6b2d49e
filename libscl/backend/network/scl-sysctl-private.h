/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values under /proc/sys/net (of the calling thread's network namespace), and the record of those
 * that were there before us, RUN/PREFIX/sysctl, written before a value is changed. A value that
 * several instances need is given back by the last of them: its record is handed on. */

#include <glib.h>

/* Ports that the host's own sockets are not given by themselves. */
#define SCL_SYSCTL_RESERVED_PORTS "ipv4/ip_local_reserved_ports"

/* PATH is below /proc/sys/net, e.g. "ipv4/ip_forward". NULL if there is no such value. */
char *_scl_sysctl_read (const char *path);
/* A sentence: PATH is VALUE (may be NULL), not WANTED. */
char *_scl_sysctl_explain (const char *path, const char *value, const char *wanted);
/* Writes only if the value differs. */
gboolean _scl_sysctl_write (const char *path, const char *value, GError **error);
/* As above; a value that does not exist on this kernel is success. */
gboolean _scl_sysctl_write_optional (const char *path, const char *value, GError **error);

/* "ipv4/conf/LINK/KEY" */
char *_scl_sysctl_link (const char *link, const char *key);

/* Records what the value was and sets it. */
gboolean _scl_sysctl_borrow (const char *run_dir, const char *prefix, const char *path,
                             const char *value, GError **error);
/* What it was before any instance changed it; NULL: not recorded. */
char *_scl_sysctl_lookup_old (const char *run_dir, const char *prefix, const char *path);
/* Somebody else has set the value meanwhile: it is theirs now. */
gboolean _scl_sysctl_forget (const char *run_dir, const char *prefix, const char *path,
                             GError **error);
/* Gives back all values recorded by PREFIX whose path is not in KEEP (char*; NULL: all). */
gboolean _scl_sysctl_give_back (const char *run_dir, const char *prefix, GPtrArray *keep,
                                GError **error);
