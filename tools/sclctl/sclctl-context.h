/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One invocation: what was asked for, the connection that serves it, and the way to the user.
 * Results go to stdout, everything else to stderr. */

#include <scl/scl.h>

enum
{
  SCLCTL_EXIT_DONE = 0,
  SCLCTL_EXIT_ERROR = 1,
  SCLCTL_EXIT_CHANGES = 2,
  SCLCTL_EXIT_PARTIAL = 3,
  SCLCTL_EXIT_USAGE = 64,
  SCLCTL_EXIT_LOCKED = 75,
  SCLCTL_EXIT_INTERRUPTED = 130,
};

typedef struct
{
  GHashTable *options;  /* long name -> GPtrArray of values; a flag has the value "" */
  GPtrArray *arguments; /* char *, without the command's own words */
  SclConnection *connection;
} SclctlContext;

SclctlContext *sclctl_context_new (void);
void sclctl_context_free (SclctlContext *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclctlContext, sclctl_context_free)

gboolean sclctl_has (SclctlContext *self, const char *option);
/* The last value given; NULL: none. */
const char *sclctl_value (SclctlContext *self, const char *option);
/* (nullable): all values given. */
GPtrArray *sclctl_values (SclctlContext *self, const char *option);
/* NULL: there is no such argument. */
const char *sclctl_argument (SclctlContext *self, guint index);

gboolean sclctl_is_json (SclctlContext *self);
/* -o name of lists. */
gboolean sclctl_is_names (SclctlContext *self);
gboolean sclctl_is_quiet (SclctlContext *self);
gboolean sclctl_is_verbose (SclctlContext *self);

/* The URI asked for; NULL: the library's choice. */
const char *sclctl_get_uri (SclctlContext *self);

/* Instead of what was asked for. */
void sclctl_set_uri (SclctlContext *self, const char *uri);

/* One "sclctl: …" line on stderr per line of the text. */
void sclctl_complain (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* As sclctl_complain, but not with -q: progress, notes, advice. */
void sclctl_tell (SclctlContext *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* A line for people on stdout: nothing with -q or -o json. */
void sclctl_say (SclctlContext *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* The exit status that an error stands for. */
int sclctl_error_status (const GError *error);

/* Reports the error and gives its exit status. Takes it. */
int sclctl_fail (GError *error);

/* One line on stderr for each of this severity; not with -q. LIST may be NULL. Errors are left to whoever
 * fails. */
void sclctl_tell_severity (SclctlContext *self, GListModel *list, SclSeverity severity);

/* Warnings, and with -v notes. */
void sclctl_tell_diagnostics (SclctlContext *self, GListModel *diagnostics);

/* Whether there is somebody to ask. */
gboolean sclctl_can_ask (SclctlContext *self);
