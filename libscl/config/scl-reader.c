/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-reader-private.h"
#include "config/scl-text-private.h"
#include <string.h>

/* {"… or {} is JSON; any other text is YAML, also a flow map with plain keys. */
static gboolean
begins_like_json (const SclSource *source)
{
  gsize length, i;
  const char *text = _scl_text_peek (source, &length);

  for (i = 0; i < length && strchr (" \t\r\n", text[i]) != NULL; i++)
    ;
  if (i == length || text[i++] != '{')
    return FALSE;
  for (; i < length && strchr (" \t\r\n", text[i]) != NULL; i++)
    ;
  return i < length && (text[i] == '"' || text[i] == '}');
}

static gboolean
is_json (const SclSource *source)
{
  if (g_str_has_suffix (source->name, ".json"))
    return TRUE;
  if (g_str_has_suffix (source->name, ".yaml") || g_str_has_suffix (source->name, ".yml"))
    return FALSE;
  return begins_like_json (source);
}

SclNode *
_scl_read (const SclSource *source, SclReport *report)
{
  g_autoptr (SclNode) root = NULL;

  if (!_scl_text_check (source, report))
    return NULL;
  root = is_json (source) ? _scl_json_read (source, report) : _scl_yaml_read (source, report);
  if (_scl_report_has_syntax_errors_in (report, source))
    return NULL;
  if (root != NULL && !(root->kind == SCL_NODE_SCALAR && root->plain && *root->text == '\0'))
    return g_steal_pointer (&root);
  _scl_report_syntax (
      report, _scl_text_place (source, 0),
      "the input is empty; write {} if no VM and only the default network is meant");
  return NULL;
}
