/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-cloud-yaml-private.h"

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
