/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-uri.h"

#include <string.h>

gboolean
sclctl_uri_is_local (const char *uri)
{
  return uri == NULL || g_str_has_prefix (uri, "local:");
}

char *
sclctl_uri_get (const char *uri, const char *parameter)
{
  const char *query = uri == NULL ? NULL : strchr (uri, '?');
  g_autoptr (GHashTable) parameters = NULL;

  if (query == NULL)
    return NULL;
  parameters = g_uri_parse_params (query + 1, -1, "&", G_URI_PARAMS_NONE, NULL);
  if (parameters == NULL)
    return NULL;
  return g_strdup (g_hash_table_lookup (parameters, parameter));
}

static gboolean
is_parameter (const char *pair, const char *parameter)
{
  gsize length = strlen (parameter);

  return strncmp (pair, parameter, length) == 0 && pair[length] == '=';
}

char *
sclctl_uri_with (const char *uri, const char *parameter, const char *value)
{
  const char *query = uri == NULL ? NULL : strchr (uri, '?');
  g_auto (GStrv) pairs = g_strsplit (query == NULL ? "" : query + 1, "&", -1);
  g_autofree char *encoded = NULL;
  GString *text = g_string_new ("local:?");

  if (value == NULL)
    {
      g_string_free (text, TRUE);
      return g_strdup (uri);
    }
  for (guint i = 0; pairs[i] != NULL; i++)
    {
      if (*pairs[i] != '\0' && !is_parameter (pairs[i], parameter))
        g_string_append_printf (text, "%s&", pairs[i]);
    }
  encoded = g_uri_escape_string (value, "/:", FALSE);
  g_string_append_printf (text, "%s=%s", parameter, encoded);
  return g_string_free (text, FALSE);
}

gboolean
sclctl_uri_needs_root (const char *uri)
{
  g_autofree char *hypervisor = sclctl_uri_get (uri, "hypervisor");

  if (!sclctl_uri_is_local (uri))
    return FALSE;
  return hypervisor == NULL
         || !(g_str_equal (hypervisor, "memory") || g_str_has_prefix (hypervisor, "test:///"));
}
