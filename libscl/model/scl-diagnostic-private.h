/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only way to make a diagnostic with a place in a file. */

#include <scl/scl-diagnostic.h>

/* LINE and COLUMN count from 1; 0: unknown. */
SclDiagnostic *_scl_diagnostic_new_located (SclSeverity severity, const char *path,
                                            const char *message, const char *file, guint line,
                                            guint column);

/* Appends a new diagnostic whose path and message are formatted. */
void _scl_diagnostic_add (GPtrArray *diagnostics, SclSeverity severity, const char *path,
                          const char *format, ...) G_GNUC_PRINTF (4, 5);

/* Whether one of them is an error. */
gboolean _scl_diagnostic_has_error (GPtrArray *diagnostics);

/* SCL_ERROR_INVALID with all errors, one a line; TRUE if there is none. */
gboolean _scl_diagnostic_throw (GPtrArray *diagnostics, GError **error);
