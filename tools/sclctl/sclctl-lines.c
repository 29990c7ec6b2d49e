/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-lines.h"

#define LONGEST 4096

typedef enum {
  STATE_TEXT,
  STATE_ESCAPE,  /* after ESC */
  STATE_CONTROL, /* ESC [ … until a letter */
  STATE_STRING,  /* ESC ] P ^ _ … until BEL or ESC \ */
} State;

struct _SclctlLines
{
  SclctlLineFunc function;
  gpointer user_data;
  GString *line;
  State state;
};

SclctlLines *
sclctl_lines_new (SclctlLineFunc function, gpointer user_data)
{
  SclctlLines *self = g_new0 (SclctlLines, 1);

  self->function = function;
  self->user_data = user_data;
  self->line = g_string_new (NULL);
  return self;
}

void
sclctl_lines_free (SclctlLines *self)
{
  g_string_free (self->line, TRUE);
  g_free (self);
}

static void
deliver (SclctlLines *self)
{
  g_autofree char *valid = g_utf8_make_valid (self->line->str, (gssize)self->line->len);

  g_string_truncate (self->line, 0);
  self->function (valid, self->user_data);
}

void
sclctl_lines_flush (SclctlLines *self)
{
  if (self->line->len > 0)
    deliver (self);
}

static void
push_text (SclctlLines *self, char byte)
{
  if (byte == '\033')
    self->state = STATE_ESCAPE;
  else if (byte == '\n')
    deliver (self);
  else if (byte == '\t' || ((guchar)byte >= 0x20 && byte != 0x7f))
    g_string_append_c (self->line, byte);
  if (self->line->len >= LONGEST)
    deliver (self);
}

static State
after_escape (char byte)
{
  switch (byte)
    {
    case '[':
      return STATE_CONTROL;
    case ']':
    case 'P':
    case '^':
    case '_':
      return STATE_STRING;
    default:
      /* Two more bytes at most follow, such as in ESC ( B; what is in between is 0x20 to 0x2f. */
      return byte >= 0x20 && byte <= 0x2f ? STATE_ESCAPE : STATE_TEXT;
    }
}

static void
push (SclctlLines *self, char byte)
{
  switch (self->state)
    {
    case STATE_TEXT:
      push_text (self, byte);
      break;
    case STATE_ESCAPE:
      self->state = after_escape (byte);
      break;
    case STATE_CONTROL:
      if (byte == '\n' || (byte >= 0x40 && byte != 0x7f))
        self->state = STATE_TEXT;
      break;
    case STATE_STRING:
      if (byte == '\a' || byte == '\n')
        self->state = STATE_TEXT;
      else if (byte == '\033')
        self->state = STATE_ESCAPE;
      break;
    }
}

void
sclctl_lines_push (SclctlLines *self, const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    push (self, text[i]);
}
