/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-change-private.h"

gboolean
_scl_change_text (char **field, const char *text)
{
  if (g_strcmp0 (*field, text) == 0)
    return FALSE;
  g_free (*field);
  *field = g_strdup (text);
  return TRUE;
}

gboolean
_scl_change_strv (char ***field, char **strv)
{
  if (*field != NULL && g_strv_equal ((const char *const *) *field, (const char *const *) strv))
    {
      g_strfreev (strv);
      return FALSE;
    }
  g_strfreev (*field);
  *field = strv;
  return TRUE;
}

gboolean
_scl_change_object (gpointer field, gpointer object, GEqualFunc equal)
{
  GObject **place = field;

  if (*place == object || (*place != NULL && object != NULL && equal (*place, object)))
    return FALSE;
  return g_set_object (place, object);
}
