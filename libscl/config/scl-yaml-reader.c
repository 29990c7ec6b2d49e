/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-reader-private.h"
#include "config/scl-text-private.h"
#include "config/scl-tree-private.h"
#include <string.h>
#include <yaml.h>

#define CORE_TAG "tag:yaml.org,2002:"

typedef struct
{
  const SclSource *source;
  SclReport *report;
  SclTree *tree;
  yaml_parser_t *parser;
  guint n_documents;
} Reader;

static SclPlace
place_of (Reader *self, yaml_mark_t mark)
{
  return (SclPlace){ .source = self->source,
                     .line = (guint) mark.line + 1,
                     .column = (guint) mark.column + 1 };
}

static gboolean
is_tab_at (Reader *self, yaml_mark_t mark)
{
  gsize length;
  const char *text = _scl_text_peek (self->source, &length);

  return mark.index < length && text[mark.index] == '\t';
}

static void
report_syntax (Reader *self)
{
  yaml_parser_t *parser = self->parser;
  SclPlace place = place_of (self, parser->problem_mark);
  g_autofree char *context = NULL;

  if (parser->error == YAML_MEMORY_ERROR)
    g_error ("out of memory");
  if (parser->error == YAML_READER_ERROR)
    place = _scl_text_place (self->source, parser->problem_offset);
  if (parser->context != NULL && parser->context_mark.line != parser->problem_mark.line)
    context = g_strdup_printf (" %s that begins at %zu:%zu", parser->context,
                               parser->context_mark.line + 1, parser->context_mark.column + 1);
  _scl_report_syntax (
      self->report, place, "not valid YAML: %s%s%s", parser->problem,
      context == NULL ? "" : context,
      is_tab_at (self, parser->problem_mark) ? " (YAML is indented by spaces, not by tabs)" : "");
}

/* What YAML offers and a manifest does not need; refused, not ignored. FALSE: the node cannot be
 * understood without it. */
static gboolean
accept_extras (Reader *self, const yaml_event_t *event, const yaml_char_t *anchor,
               const yaml_char_t *tag)
{
  g_autofree char *path = NULL;
  g_autofree char *message = NULL;

  if (anchor == NULL && tag == NULL)
    return TRUE;
  path = _scl_tree_path (self->tree);
  if (tag == NULL)
    message = g_strdup_printf ("anchors (&%s) are not accepted; write the value out",
                               (const char *) anchor);
  else if (g_str_has_prefix ((const char *) tag, CORE_TAG))
    message
        = g_strdup_printf ("tags (!!%s) are not accepted", (const char *) tag + strlen (CORE_TAG));
  else
    message = g_strdup_printf ("tags (%s) are not accepted", (const char *) tag);
  /* Without its anchor a value is still what it is. */
  if (tag == NULL)
    _scl_report_add_at (self->report, place_of (self, event->start_mark), path, message);
  else
    _scl_tree_report (self->tree, place_of (self, event->start_mark), message);
  return tag == NULL;
}

static gboolean
read_alias (Reader *self, const yaml_event_t *event)
{
  SclPlace place = place_of (self, event->start_mark);
  g_autofree char *message = g_strdup_printf ("aliases (*%s) are not accepted; write the value out",
                                              (const char *) event->data.alias.anchor);

  _scl_tree_report (self->tree, place, message);
  return _scl_tree_broken (self->tree, place);
}

static gboolean
read_scalar (Reader *self, const yaml_event_t *event)
{
  if (!accept_extras (self, event, event->data.scalar.anchor, event->data.scalar.tag))
    return _scl_tree_broken (self->tree, place_of (self, event->start_mark));
  return _scl_tree_scalar (
      self->tree, (const char *) event->data.scalar.value, event->data.scalar.length,
      event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, place_of (self, event->start_mark));
}

static gboolean
begin (Reader *self, const yaml_event_t *event, SclNodeKind kind, const yaml_char_t *anchor,
       const yaml_char_t *tag)
{
  gboolean accepted = accept_extras (self, event, anchor, tag);

  if (!_scl_tree_begin (self->tree, kind, place_of (self, event->start_mark)))
    return FALSE;
  if (!accepted)
    _scl_tree_break (self->tree);
  return TRUE;
}

static gboolean
read_document_start (Reader *self, const yaml_event_t *event)
{
  if (++self->n_documents == 1)
    return TRUE;
  _scl_report_syntax (self->report, place_of (self, event->start_mark),
                      "more than one document in a file; give each its own file");
  return FALSE;
}

/* FALSE: stop reading. */
static gboolean
read_event (Reader *self, const yaml_event_t *event)
{
  switch (event->type)
    {
    case YAML_DOCUMENT_START_EVENT:
      return read_document_start (self, event);
    case YAML_ALIAS_EVENT:
      return read_alias (self, event);
    case YAML_SCALAR_EVENT:
      return read_scalar (self, event);
    case YAML_SEQUENCE_START_EVENT:
      return begin (self, event, SCL_NODE_LIST, event->data.sequence_start.anchor,
                    event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
      return begin (self, event, SCL_NODE_MAP, event->data.mapping_start.anchor,
                    event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      _scl_tree_end (self->tree);
      return TRUE;
    case YAML_STREAM_END_EVENT:
      return FALSE;
    default:
      return TRUE;
    }
}

static void
read_stream (Reader *self)
{
  gboolean more = TRUE;

  while (more)
    {
      yaml_event_t event;

      if (!yaml_parser_parse (self->parser, &event))
        {
          report_syntax (self);
          return;
        }
      more = read_event (self, &event);
      yaml_event_delete (&event);
    }
}

SclNode *
_scl_yaml_read (const SclSource *source, SclReport *report)
{
  g_autoptr (SclTree) tree = _scl_tree_new (report);
  yaml_parser_t parser;
  Reader self = { .source = source, .report = report, .tree = tree, .parser = &parser };
  gsize length;
  const char *text = _scl_text_peek (source, &length);

  if (!yaml_parser_initialize (&parser))
    g_error ("out of memory");
  yaml_parser_set_encoding (&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string (&parser, (const unsigned char *) text, length);
  read_stream (&self);
  yaml_parser_delete (&parser);
  return _scl_tree_steal_root (tree);
}
