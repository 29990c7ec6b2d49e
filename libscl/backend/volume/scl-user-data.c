/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-user-data-private.h"

#include "backend/volume/scl-cloud-config-private.h"
#include "backend/volume/scl-cloud-yaml-private.h"
#include "base/scl-throw-private.h"
#include <string.h>

#define IGNORED "cloud-init ignores the whole file"

/* As the seed will have it: a header is put before what has none. */
static gboolean
is_cloud_config (GBytes *given)
{
  static const char header[] = "#cloud-config";
  g_autoptr (GBytes) complete = _scl_cloud_config_complete (given);
  gsize size;
  const char *text = g_bytes_get_data (complete, &size);

  while (size > 0 && g_ascii_isspace (*text))
    {
      text++;
      size--;
    }
  return size > strlen (header) && g_ascii_strncasecmp (text, header, strlen (header)) == 0
         && text[strlen (header)] != '-';
}

/* Nothing but comments is not wrong. */
static const char *
wrong_root (const yaml_event_t *event)
{
  if (event->type == YAML_SEQUENCE_START_EVENT)
    return "a list, and no map of keys";
  if (event->type == YAML_SCALAR_EVENT && event->data.scalar.length > 0)
    return "text, and no map of keys";
  return NULL;
}

/* To the end: what is wrong behind a good beginning is as bad. (nullable) */
static char *
find_fault (const char *text, gsize size, const char *path)
{
  g_auto (yaml_parser_t) parser = { 0 };
  yaml_event_type_t last = YAML_NO_EVENT;
  guint documents = 0;

  if (yaml_parser_initialize (&parser) == 0)
    g_error ("out of memory");
  yaml_parser_set_input_string (&parser, (const guchar *) text, size);
  while (last != YAML_STREAM_END_EVENT)
    {
      g_auto (yaml_event_t) event = { 0 };
      const char *wrong = NULL;

      if (yaml_parser_parse (&parser, &event) == 0)
        return _scl_cloud_yaml_describe_syntax (path, &parser, text, size, IGNORED);
      if (event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1)
        wrong = "a second document";
      else if (last == YAML_DOCUMENT_START_EVENT)
        wrong = wrong_root (&event);
      if (wrong != NULL)
        return _scl_cloud_yaml_describe (path, event.start_mark, wrong, IGNORED);
      last = event.type;
    }
  return NULL;
}

static gsize
line_of (const char *text, const char *end)
{
  gsize line = 1;

  for (; text < end; text++)
    line += *text == '\n';
  return line;
}

gboolean
_scl_user_data_check (GBytes *given, const char *path, char **out_warning, GError **error)
{
  gsize size;
  const char *text = g_bytes_get_data (given, &size);
  const char *end;

  *out_warning = NULL;
  if (size == 0 || !is_cloud_config (given))
    return TRUE;
  if (!g_utf8_validate (text, (gssize) size, &end))
    return scl_throw (error, SCL_ERROR_INVALID, "%s: line %zu is not UTF-8, so " IGNORED "; convert it",
                      path, line_of (text, end));
  if (_scl_cloud_yaml_is_plain (text, size))
    *out_warning = find_fault (text, size, path);
  return TRUE;
}
