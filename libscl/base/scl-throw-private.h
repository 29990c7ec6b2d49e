/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sets a GError in one line: `return scl_throw (error, SCL_ERROR_INVALID, …)`.
 * Messages are lower case, name the object first and end without a full stop. */

#include <errno.h>
#include <gio/gio.h>
#include <scl/scl-error.h>

/* Always FALSE, so that a gboolean function returns it. */
gboolean scl_throw (GError **error, SclError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* As scl_throw, with the code and the text of ERRNO_VALUE (take errno before anything else). */
gboolean scl_throw_errno (GError **error, int errno_value, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* Prefixes "FORMAT: " to *ERROR; always FALSE. */
gboolean scl_prefix (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* For functions that return a pointer. */
#define scl_null_throw(...) ((void) scl_throw (__VA_ARGS__), NULL)
#define scl_null_throw_errno(...) ((void) scl_throw_errno (__VA_ARGS__), NULL)
#define scl_null_prefix(...) ((void) scl_prefix (__VA_ARGS__), NULL)
