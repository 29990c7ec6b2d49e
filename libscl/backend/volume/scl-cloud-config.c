/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-cloud-config-private.h"

#include <string.h>

#define HEADER "#cloud-config\n"
#define EMPTY HEADER "{}\n"
/* cloud-init looks for "mime-version:" in so many bytes. */
#define MIME_WINDOW 4096

/* cloud-init compares with the beginning, after white space, without regard to case. So the longer
 * ones (#cloud-config-archive, #cloud-config-jsonp, #include-once) are covered; #upstart-job is
 * known to old versions only. */
static const char *const headers[] = {
  "#cloud-config", "#!",           "#include",           "#cloud-boothook",
  "#part-handler", "#upstart-job", "## template: jinja", "content-type:",
  "mime-version:", "from ",
};

static gboolean
text_starts_with (const char *text, gsize size, const char *prefix)
{
  gsize length = strlen (prefix);

  return size >= length && g_ascii_strncasecmp (text, prefix, length) == 0;
}

static void
text_skip_space (const char **text, gsize *size)
{
  while (*size > 0
         && (g_ascii_isspace (**text) || (**text >= 0x1c && **text <= 0x1f) || **text == '\v'))
    {
      (*text)++;
      (*size)--;
    }
}

/* "MIME-Version:" begins a line of the header block, which ends at the first empty line. */
static gboolean
text_is_mime (const char *text, gsize size)
{
  gsize left = MIN (size, MIME_WINDOW);

  while (left > 0 && *text != '\n' && *text != '\r')
    {
      const char *end = memchr (text, '\n', left);

      if (text_starts_with (text, left, "mime-version:"))
        return TRUE;
      if (end == NULL)
        return FALSE;
      left -= (gsize) (end + 1 - text);
      text = end + 1;
    }
  return FALSE;
}

gboolean
_scl_cloud_config_has_header (const void *data, gsize size)
{
  const char *text = data;

  if (size >= 2 && memcmp (text, "\x1f\x8b", 2) == 0)
    return TRUE;
  text_skip_space (&text, &size);
  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    if (text_starts_with (text, size, headers[i]))
      return TRUE;
  return text_is_mime (text, size);
}

/* cloud-init recognises no header behind a byte order mark. */
static void
text_skip_bom (const char **text, gsize *size)
{
  if (*size >= 3 && memcmp (*text, "\xef\xbb\xbf", 3) == 0)
    {
      *text += 3;
      *size -= 3;
    }
}

GBytes *
_scl_cloud_config_complete (GBytes *bytes)
{
  gsize size = 0;
  const char *text = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  const char *rest;
  gsize rest_size;
  GByteArray *out;

  if (size > 0)
    text_skip_bom (&text, &size);
  rest = text;
  rest_size = size;
  text_skip_space (&rest, &rest_size);
  if (rest_size == 0)
    return g_bytes_new_static (EMPTY, strlen (EMPTY));
  if (_scl_cloud_config_has_header (text, size))
    return g_bytes_new (text, size);
  out = g_byte_array_new ();
  g_byte_array_append (out, (const guint8 *) HEADER, (guint) strlen (HEADER));
  g_byte_array_append (out, (const guint8 *) text, (guint) size);
  return g_byte_array_free_to_bytes (out);
}
