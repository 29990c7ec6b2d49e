/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-cloud-yaml-private.h"

#define MAX_DEPTH 100
#define MAX_ANCHORS 1000

char *
_scl_cloud_yaml_describe (const char *path, yaml_mark_t mark, const char *what,
                          const char *consequence)
{
  return g_strdup_printf ("%s:%zu:%zu: %s: %s", path, mark.line + 1, mark.column + 1, what,
                          consequence);
}

char *
_scl_cloud_yaml_describe_syntax (const char *path, const yaml_parser_t *parser, const char *text,
                                 gsize size, const char *consequence)
{
  gsize at = parser->problem_mark.index;
  g_autofree char *what
      = g_strdup_printf ("not valid YAML (%s)%s", parser->problem,
                         at < size && text[at] == '\t' ? ", which is indented by spaces" : "");

  if (parser->error == YAML_MEMORY_ERROR)
    g_error ("out of memory");
  return _scl_cloud_yaml_describe (path, parser->problem_mark, what, consequence);
}

static int
step_of (const yaml_event_t *event)
{
  switch (event->type)
    {
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
      return 1;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
      return -1;
    default:
      return 0;
    }
}

static gboolean
has_anchor (const yaml_event_t *event)
{
  return (event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor != NULL)
         || (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.anchor != NULL)
         || (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.anchor != NULL);
}

gboolean
_scl_cloud_yaml_is_plain (const char *text, gsize size)
{
  g_auto (yaml_parser_t) parser = { 0 };
  yaml_event_type_t last = YAML_NO_EVENT;
  int depth = 0;
  int anchors = 0;

  if (yaml_parser_initialize (&parser) == 0)
    g_error ("out of memory");
  yaml_parser_set_input_string (&parser, (const guchar *) text, size);
  while (last != YAML_STREAM_END_EVENT && depth <= MAX_DEPTH && anchors <= MAX_ANCHORS)
    {
      g_auto (yaml_event_t) event = { 0 };

      if (yaml_parser_parse (&parser, &event) == 0)
        return TRUE;
      depth += step_of (&event);
      anchors += has_anchor (&event);
      last = event.type;
    }
  return last == YAML_STREAM_END_EVENT;
}
