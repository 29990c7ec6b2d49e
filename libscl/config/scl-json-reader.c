/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-reader-private.h"
#include "config/scl-text-private.h"
#include "config/scl-tree-private.h"
#include <string.h>

/* RFC 8259, with the place of every value, which json-glib does not tell. libyaml reads most of
 * JSON too, but not the surrogate pairs of \u escapes. The text is checked UTF-8 without NUL. */

typedef struct
{
  const SclSource *source;
  SclReport *report;
  SclTree *tree;
  const char *at;
  const char *end;
  guint line;
  guint column;
} Reader;

static SclPlace
here (Reader *self)
{
  return (SclPlace){ .source = self->source, .line = self->line, .column = self->column };
}

static int
peek (Reader *self)
{
  return self->at < self->end ? (guchar) *self->at : -1;
}

static void
advance (Reader *self)
{
  char c = *self->at++;

  if (c == '\n')
    {
      self->line++;
      self->column = 1;
    }
  /* A character counts where its last byte is passed. */
  else if (self->at == self->end || (*self->at & 0xc0) != 0x80)
    self->column++;
}

static gboolean
fail (Reader *self, const char *problem)
{
  _scl_report_syntax (self->report, here (self), "not valid JSON: %s",
                      self->at >= self->end ? "the text ends too early" : problem);
  return FALSE;
}

static void
skip_space (Reader *self)
{
  while (self->at < self->end && strchr (" \t\r\n", *self->at) != NULL)
    advance (self);
}

static gboolean
take (Reader *self, char c)
{
  skip_space (self);
  if (peek (self) != (guchar) c)
    return FALSE;
  advance (self);
  return TRUE;
}

/* Four hexadecimal digits; -1 otherwise. */
static int
read_hex (Reader *self)
{
  int value = 0;

  for (int i = 0; i < 4; i++)
    {
      int digit = peek (self) < 0 ? -1 : g_ascii_xdigit_value ((char) peek (self));

      if (digit < 0)
        return -1;
      value = value << 4 | digit;
      advance (self);
    }
  return value;
}

static gboolean
read_unicode (Reader *self, GString *out)
{
  int unit = read_hex (self);
  int low;

  if (unit < 0)
    return fail (self, "\\u needs four hexadecimal digits");
  if (unit < 0xd800 || unit > 0xdfff)
    {
      g_string_append_unichar (out, (gunichar) unit);
      return TRUE;
    }
  if (unit > 0xdbff || self->end - self->at < 6 || self->at[0] != '\\' || self->at[1] != 'u')
    return fail (self, "half of a surrogate pair");
  advance (self);
  advance (self);
  low = read_hex (self);
  if (low < 0xdc00 || low > 0xdfff)
    return fail (self, "half of a surrogate pair");
  g_string_append_unichar (out,
                           0x10000u + (((gunichar) unit & 0x3ff) << 10) + ((guint) low & 0x3ff));
  return TRUE;
}

static gboolean
read_escape (Reader *self, GString *out)
{
  static const char names[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  const char *found = peek (self) <= 0 ? NULL : strchr (names, peek (self));

  if (peek (self) == 'u')
    {
      advance (self);
      return read_unicode (self, out);
    }
  if (found == NULL)
    return fail (self, "unknown escape after \\");
  advance (self);
  g_string_append_c (out, meanings[found - names]);
  return TRUE;
}

static gboolean
read_string (Reader *self)
{
  SclPlace place = here (self);
  g_autoptr (GString) text = g_string_new (NULL);

  advance (self);
  while (peek (self) != '"')
    {
      char c = (char) peek (self);

      if (peek (self) < 0x20)
        return fail (self, "a string must end on its line, and tabs in it are written \\t");
      advance (self);
      if (c != '\\')
        g_string_append_c (text, c);
      else if (!read_escape (self, text))
        return FALSE;
    }
  advance (self);
  return _scl_tree_scalar (self->tree, text->str, text->len, FALSE, place);
}

static gboolean
is_word_end (int c)
{
  return c < 0 || strchr (" \t\r\n,]}:", c) != NULL;
}

static gboolean
is_json_number (const char *text)
{
  return g_regex_match_simple ("^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$", text,
                               G_REGEX_DOLLAR_ENDONLY, 0);
}

static gboolean
read_word (Reader *self)
{
  static const char *const words[] = { "true", "false", "null", NULL };
  SclPlace place = here (self);
  const char *begin = self->at;
  g_autofree char *word = NULL;
  g_autofree char *quoted = NULL;

  while (!is_word_end (peek (self)))
    advance (self);
  word = g_strndup (begin, (gsize) (self->at - begin));
  if (g_strv_contains (words, word) || (strlen (word) < 64 && is_json_number (word)))
    return _scl_tree_scalar (self->tree, word, strlen (word), TRUE, place);
  quoted = _scl_text_quote (word);
  _scl_report_syntax (self->report, place, "not valid JSON: expected a value, found %s%s", quoted,
                      *word == '/' || *word == '#' ? " (JSON has no comments)"
                                                   : " (text needs double quotes)");
  return FALSE;
}

static gboolean read_value (Reader *self);

static gboolean
read_list (Reader *self)
{
  if (!_scl_tree_begin (self->tree, SCL_NODE_LIST, here (self)))
    return FALSE;
  advance (self);
  if (!take (self, ']'))
    {
      do
        if (!read_value (self))
          return FALSE;
      while (take (self, ','));
      if (!take (self, ']'))
        return fail (self, "expected \",\" or \"]\" after a value");
    }
  _scl_tree_end (self->tree);
  return TRUE;
}

static gboolean
read_pair (Reader *self)
{
  skip_space (self);
  if (peek (self) == '/' || peek (self) == '#')
    return fail (self, "JSON has no comments");
  if (peek (self) != '"')
    return fail (self, peek (self) == '}' ? "there is a \",\" before the \"}\""
                                          : "expected a key in double quotes");
  if (!read_string (self))
    return FALSE;
  if (!take (self, ':'))
    return fail (self, "expected \":\" after a key");
  return read_value (self);
}

static gboolean
read_map (Reader *self)
{
  if (!_scl_tree_begin (self->tree, SCL_NODE_MAP, here (self)))
    return FALSE;
  advance (self);
  if (!take (self, '}'))
    {
      do
        if (!read_pair (self))
          return FALSE;
      while (take (self, ','));
      if (!take (self, '}'))
        return fail (self, "expected \",\" or \"}\" after a value");
    }
  _scl_tree_end (self->tree);
  return TRUE;
}

/* Recursion is bounded by the tree's depth. */
static gboolean
read_value (Reader *self)
{
  skip_space (self);
  switch (peek (self))
    {
    case '{':
      return read_map (self);
    case '[':
      return read_list (self);
    case '"':
      return read_string (self);
    case ',':
    case ']':
    case '}':
    case ':':
    case -1:
      return fail (self, "a value is missing");
    default:
      return read_word (self);
    }
}

SclNode *
_scl_json_read (const SclSource *source, SclReport *report)
{
  g_autoptr (SclTree) tree = _scl_tree_new (report);
  gsize length;
  const char *text = _scl_text_peek (source, &length);
  Reader self = { .source = source,
                  .report = report,
                  .tree = tree,
                  .at = text,
                  .end = text + length,
                  .line = 1,
                  .column = 1 };

  skip_space (&self);
  if (peek (&self) < 0 || !read_value (&self))
    return _scl_tree_steal_root (tree);
  skip_space (&self);
  if (peek (&self) >= 0)
    (void) fail (&self, "there is more text after the end");
  return _scl_tree_steal_root (tree);
}
