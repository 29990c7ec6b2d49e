/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The little that sclctl has to know about "local:" URIs. Pure; free the results. */

#include <glib.h>

#define SCLCTL_DEFAULT_STATE "/var/lib/scl"
/* The only one whose volumes are not below STATE/instances. */
#define SCLCTL_FIRST_PREFIX "scl"

/* NULL stands for the library's choice. */
gboolean sclctl_uri_is_local (const char *uri);

/* Decoded; NULL: not given. */
char *sclctl_uri_get (const char *uri, const char *parameter);

/* URI with the parameter set, encoded; VALUE may be NULL, which changes nothing. */
char *sclctl_uri_with (const char *uri, const char *parameter, const char *value);

/* Whether the engine will run in this process and work on the host itself. */
gboolean sclctl_uri_needs_root (const char *uri);
