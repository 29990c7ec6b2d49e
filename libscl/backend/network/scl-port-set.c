/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-port-set-private.h"
#include <string.h>

#define PORTS (G_MAXUINT16 + 1)

/* What is no list is none: the kernel would not have written it. */
static guint8 *
parse (const char *text)
{
  guint8 *ports = g_new0 (guint8, PORTS);
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);

  for (gsize i = 0; parts[i] != NULL; i++)
    {
      g_auto (GStrv) ends = g_strsplit (g_strstrip (parts[i]), "-", 2);
      guint64 first, last;

      if (ends[0] == NULL || !g_ascii_string_to_unsigned (ends[0], 10, 0, G_MAXUINT16, &first, NULL)
          || !g_ascii_string_to_unsigned (ends[1] == NULL ? ends[0] : ends[1], 10, first,
                                          G_MAXUINT16, &last, NULL))
        continue;
      memset (ports + first, 1, last - first + 1);
    }
  return ports;
}

static char *
to_text (const guint8 *ports)
{
  GString *text = g_string_new (NULL);

  for (guint first = 0; first < PORTS; first++)
    {
      guint last = first;

      if (ports[first] == 0)
        continue;
      while (last + 1 < PORTS && ports[last + 1] != 0)
        last++;
      g_string_append_printf (text, "%s%u", text->len > 0 ? "," : "", first);
      if (last > first)
        g_string_append_printf (text, "-%u", last);
      first = last;
    }
  return g_string_free (text, FALSE);
}

char *
_scl_port_set_with (const char *text, guint first, guint last)
{
  g_autofree guint8 *ports = parse (text);

  memset (ports + first, 1, last - first + 1);
  return to_text (ports);
}

char *
_scl_port_set_restore (const char *text, const char *old, guint first, guint last)
{
  g_autofree guint8 *ports = parse (text);
  g_autofree guint8 *before = parse (old);

  memcpy (ports + first, before + first, last - first + 1);
  return to_text (ports);
}
