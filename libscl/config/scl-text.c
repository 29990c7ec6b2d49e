/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-text-private.h"
#include <string.h>

#define SHOWN_MAX 80
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static gboolean
is_forbidden (gunichar c)
{
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

char *
_scl_text_quote (const char *text)
{
  GString *out = g_string_new ("\"");
  guint shown = 0;

  for (; *text != '\0' && shown < SHOWN_MAX; text = g_utf8_next_char (text), shown++)
    {
      gunichar c = g_utf8_get_char (text);

      if (is_forbidden (c))
        g_string_append_printf (out, "\\u%04x", c);
      else
        g_string_append_unichar (out, c);
    }
  g_string_append (out, *text == '\0' ? "\"" : "…\"");
  return g_string_free (out, FALSE);
}

gunichar
_scl_text_find_control (const char *text, gsize length, gboolean *out_found)
{
  const char *end = text + length;

  for (; text < end; text = g_utf8_next_char (text))
    if (is_forbidden (g_utf8_get_char (text)))
      {
        *out_found = TRUE;
        return g_utf8_get_char (text);
      }
  *out_found = FALSE;
  return 0;
}

const char *
_scl_text_peek (const SclSource *source, gsize *out_length)
{
  const char *text = g_bytes_get_data (source->bytes, out_length);

  if (*out_length >= 3 && memcmp (text, BYTE_ORDER_MARK, 3) == 0)
    {
      *out_length -= 3;
      return text + 3;
    }
  return text == NULL ? "" : text;
}

SclPlace
_scl_text_place (const SclSource *source, gsize offset)
{
  gsize length;
  const char *text = _scl_text_peek (source, &length);
  SclPlace place = { .source = source, .line = 1, .column = 1 };

  for (gsize i = 0; i < MIN (offset, length); i++)
    if (text[i] == '\n')
      {
        place.line++;
        place.column = 1;
      }
    else if ((text[i] & 0xc0) != 0x80)
      place.column++;
  return place;
}

/* What libyaml's reader and JSON both refuse, said in our words and at its place. */
static char *
find_bad_character (const char *text, gsize length, gsize *out_offset)
{
  for (const char *at = text; at < text + length; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      *out_offset = (gsize) (at - text);
      if (c == 0)
        return g_strdup ("a NUL byte (is this a text file?)");
      if (c != '\t' && c != '\n' && c != '\r' && c != 0x85 && (c < 0x20 || (c >= 0x7f && c < 0xa0)))
        return g_strdup_printf ("the control character U+%04X", c);
      if (c == 0xfeff || c == 0xfffe || c == 0xffff)
        return g_strdup_printf ("U+%04X, which cannot stand in text", c);
    }
  return NULL;
}

gboolean
_scl_text_check (const SclSource *source, SclReport *report)
{
  gsize length, offset = 0;
  const char *text = _scl_text_peek (source, &length);
  const char *end = text;
  g_autofree char *problem = NULL;

  if (length > SCL_INPUT_MAX_BYTES)
    {
      _scl_report_syntax (report, _scl_text_place (source, 0), "larger than the limit of %u MiB",
                          SCL_INPUT_MAX_BYTES >> 20);
      return FALSE;
    }
  /* A NUL ends the validation too; it is named below. */
  if (!g_utf8_validate_len (text, length, &end) && *end != '\0')
    {
      _scl_report_syntax (report, _scl_text_place (source, (gsize) (end - text)),
                          "not UTF-8 (byte 0x%02x); save the file as UTF-8", (guint8) *end);
      return FALSE;
    }
  problem = find_bad_character (text, (gsize) (end - text) + (end < text + length), &offset);
  if (problem != NULL)
    _scl_report_syntax (report, _scl_text_place (source, offset), "contains %s", problem);
  return problem == NULL;
}
