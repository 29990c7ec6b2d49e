/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything that is wrong with the inputs: diagnostics with their places, sorted at the end,
 * bounded in number. Remembers the paths that are wrong, so that one mistake is reported once. */

#include "config/scl-node-private.h"
#include <scl/scl-diagnostic.h>

#define SCL_REPORT_MAX 1000u

typedef struct _SclReport SclReport;

SclReport *_scl_report_new (void);
void _scl_report_free (SclReport *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclReport, _scl_report_free)

/* PATH may be NULL or "" (syntax, the whole input). SUGGESTION may be NULL. */
void _scl_report_add (SclReport *self, SclSeverity severity, SclPlace place, const char *path,
                      const char *suggestion, const char *format, ...) G_GNUC_PRINTF (6, 7);
#define _scl_report_error(self, place, path, ...)                                                  \
  _scl_report_add (self, SCL_SEVERITY_ERROR, place, path, NULL, __VA_ARGS__)

/* An error near PATH that does not make what is at PATH wrong. */
void _scl_report_add_at (SclReport *self, SclPlace place, const char *path, const char *message);

/* An error of the input's form: what the rest of the inputs means is unknown. */
void _scl_report_syntax (SclReport *self, SclPlace place, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

gboolean _scl_report_has_errors (SclReport *self);
gboolean _scl_report_has_syntax_errors (SclReport *self);
gboolean _scl_report_has_syntax_errors_in (SclReport *self, const SclSource *source);
/* Whether PATH itself or an object around it is known to be wrong. */
gboolean _scl_report_knows (SclReport *self, const char *path);

/* Sorted by input, line, column. (transfer container) */
GPtrArray *_scl_report_list (SclReport *self);
