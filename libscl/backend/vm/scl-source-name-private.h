/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files in what QEMU takes for the name of an image: a path, "file:PATH", "fat:rw:PATH", "json:{…}". No I/O. */

#include <glib.h>

typedef void (*SclSourceNameFunc) (const char *path, gpointer user_data);

/* FUNC for each path that NAME may mean: rather one too many. FALSE: it is JSON that cannot be read. */
gboolean _scl_source_name_foreach (const char *name, SclSourceNameFunc func, gpointer user_data);

/* The same for options, "file=NAME,format=raw", where ",," stands for a comma within one. */
void _scl_source_options_foreach (const char *options, SclSourceNameFunc func, gpointer user_data);
