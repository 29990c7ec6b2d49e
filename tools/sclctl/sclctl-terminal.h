/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Raw mode of the terminal on stdin. Whatever ends the process, short of SIGKILL, puts it back. */

#include <glib.h>

/* FALSE if stdin is no terminal. */
gboolean sclctl_terminal_make_raw (void);

/* Harmless if it is not raw; may be called from a signal handler. */
void sclctl_terminal_restore (void);

/* Columns and rows of the terminal on stderr; 80 and 24 if it does not tell. */
void sclctl_terminal_get_size (guint *out_columns, guint *out_rows);
