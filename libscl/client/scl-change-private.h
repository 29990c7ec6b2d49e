/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Setting what a live object shows, and saying whether that is news: only then it is notified. What is
 * the same stays the same pointer. */

#include <glib-object.h>

gboolean _scl_change_text (char **field, const char *text);
/* Takes STRV. */
gboolean _scl_change_strv (char ***field, char **strv);
/* EQUAL compares two that are not NULL. */
gboolean _scl_change_object (gpointer field, gpointer object, GEqualFunc equal);
/* Sets a scalar. */
#define SCL_CHANGE(field, value) ((field) == (value) ? FALSE : ((field) = (value), TRUE))
