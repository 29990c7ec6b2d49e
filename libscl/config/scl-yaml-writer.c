/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-yaml-writer-private.h"
#include <string.h>
#include <yaml.h>

static int
append (void *data, unsigned char *buffer, size_t size)
{
  g_string_append_len (data, (const char *) buffer, (gssize) size);
  return 1;
}

/* Only what is text in YAML 1.1 and 1.2 alike: words and paths, and addresses. */
static gboolean
needs_quotes (const char *text)
{
  static const char *const words[]
      = { "y", "n", "yes", "no", "on", "off", "true", "false", "null", NULL };
  g_autofree char *lower = g_ascii_strdown (text, -1);
  gboolean word = g_ascii_isalpha (text[0]) || text[0] == '/';
  const char *dot = strchr (text, '.');
  gboolean address = dot != NULL && strchr (dot + 1, '.') != NULL
                     && text[strspn (text, "0123456789.")] == '\0' && g_ascii_isdigit (text[0]);

  for (const char *at = text; *at != '\0' && word; at++)
    word = g_ascii_isalnum (*at) || strchr ("/._-", *at) != NULL;
  return !(word || address) || g_strv_contains (words, lower);
}

static void
emit (yaml_emitter_t *emitter, yaml_event_t *event)
{
  if (!yaml_emitter_emit (emitter, event))
    g_error ("libyaml refuses to write: %s", emitter->problem);
}

static void
emit_scalar (yaml_emitter_t *emitter, const SclNode *node)
{
  gboolean quoted = !node->plain && needs_quotes (node->text);
  yaml_event_t event;

  yaml_scalar_event_initialize (&event, NULL, NULL, (const yaml_char_t *) node->text,
                                (int) strlen (node->text), TRUE, TRUE,
                                quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE);
  emit (emitter, &event);
}

static void
emit_node (yaml_emitter_t *emitter, const SclNode *node)
{
  gboolean is_map = node->kind == SCL_NODE_MAP;
  yaml_event_t event;

  if (node->kind == SCL_NODE_SCALAR)
    {
      emit_scalar (emitter, node);
      return;
    }
  if (is_map)
    yaml_mapping_start_event_initialize (&event, NULL, NULL, TRUE, YAML_BLOCK_MAPPING_STYLE);
  else
    yaml_sequence_start_event_initialize (&event, NULL, NULL, TRUE, YAML_BLOCK_SEQUENCE_STYLE);
  emit (emitter, &event);
  for (guint i = 0; i < node->values->len; i++)
    {
      if (is_map)
        emit_node (emitter, node->keys->pdata[i]);
      emit_node (emitter, node->values->pdata[i]);
    }
  if (is_map)
    yaml_mapping_end_event_initialize (&event);
  else
    yaml_sequence_end_event_initialize (&event);
  emit (emitter, &event);
}

char *
_scl_yaml_write (SclNode *root)
{
  GString *text = g_string_new (NULL);
  yaml_emitter_t emitter;
  yaml_event_t event;

  if (!yaml_emitter_initialize (&emitter))
    g_error ("out of memory");
  yaml_emitter_set_output (&emitter, append, text);
  yaml_emitter_set_unicode (&emitter, 1);
  yaml_emitter_set_width (&emitter, -1);
  yaml_stream_start_event_initialize (&event, YAML_UTF8_ENCODING);
  emit (&emitter, &event);
  yaml_document_start_event_initialize (&event, NULL, NULL, NULL, TRUE);
  emit (&emitter, &event);
  emit_node (&emitter, root);
  yaml_document_end_event_initialize (&event, TRUE);
  emit (&emitter, &event);
  yaml_stream_end_event_initialize (&event);
  emit (&emitter, &event);
  yaml_emitter_delete (&emitter);
  return g_string_free (text, FALSE);
}
