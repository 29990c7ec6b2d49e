/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-table.h"

#include "sclctl-text.h"

#include <unistd.h>

typedef struct
{
  char *text;
  SclctlColour colour;
} Cell;

struct _SclctlTable
{
  guint columns;
  GArray *cells; /* of Cell, row by row; the first row has the headings */
};

static void
cell_clear (gpointer data)
{
  g_free (((Cell *)data)->text);
}

static void
take_cell (SclctlTable *self, SclctlColour colour, char *text)
{
  Cell cell = { .text = text, .colour = colour };

  g_array_append_val (self->cells, cell);
}

SclctlTable *
sclctl_table_new (const char *first, ...)
{
  SclctlTable *self = g_new0 (SclctlTable, 1);
  va_list arguments;

  self->cells = g_array_new (FALSE, FALSE, sizeof (Cell));
  g_array_set_clear_func (self->cells, cell_clear);
  va_start (arguments, first);
  for (const char *heading = first; heading != NULL; heading = va_arg (arguments, const char *))
    {
      take_cell (self, SCLCTL_COLOUR_FAINT, g_strdup (heading));
      self->columns++;
    }
  va_end (arguments);
  return self;
}

void
sclctl_table_free (SclctlTable *self)
{
  g_array_unref (self->cells);
  g_free (self);
}

void
sclctl_table_add_coloured (SclctlTable *self, SclctlColour colour, const char *text)
{
  take_cell (self, colour,
             text == NULL || *text == '\0' ? g_strdup ("-") : sclctl_text_harmless (text));
}

void
sclctl_table_add (SclctlTable *self, const char *text)
{
  sclctl_table_add_coloured (self, SCLCTL_COLOUR_NONE, text);
}

void
sclctl_table_take (SclctlTable *self, char *text)
{
  sclctl_table_add (self, text);
  g_free (text);
}

guint
sclctl_text_width (const char *text)
{
  guint width = 0;

  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar character = g_utf8_get_char (at);

      if (g_unichar_iszerowidth (character))
        continue;
      width += g_unichar_iswide (character) ? 2 : 1;
    }
  return width;
}

static guint
column_width (SclctlTable *self, guint column)
{
  guint widest = 0;

  for (guint i = column; i < self->cells->len; i += self->columns)
    widest = MAX (widest, sclctl_text_width (g_array_index (self->cells, Cell, i).text));
  return widest;
}

static void
append_cell (GString *text, const Cell *cell, guint padding, gboolean coloured)
{
  gboolean painted = coloured && cell->colour != SCLCTL_COLOUR_NONE;

  g_string_append_printf (text, "%s%s%s", sclctl_colour_on (cell->colour, painted), cell->text,
                          sclctl_colour_off (painted));
  g_string_append_printf (text, "%*s", (int)padding, "");
}

char *
sclctl_table_to_string (SclctlTable *self, gboolean coloured)
{
  g_autofree guint *widths = g_new (guint, self->columns);
  GString *text = g_string_new (NULL);

  for (guint column = 0; column < self->columns; column++)
    widths[column] = column_width (self, column);
  for (guint i = 0; i < self->cells->len; i++)
    {
      const Cell *cell = &g_array_index (self->cells, Cell, i);
      guint column = i % self->columns;
      gboolean last = column == self->columns - 1;
      guint padding = last ? 0 : widths[column] - sclctl_text_width (cell->text) + 2;

      append_cell (text, cell, padding, coloured);
      if (last)
        g_string_append_c (text, '\n');
    }
  return g_string_free (text, FALSE);
}

void
sclctl_table_print (SclctlTable *self)
{
  g_autofree char *text = sclctl_table_to_string (self, sclctl_shows_colour (stdout));

  g_print ("%s", text);
  /* What follows on the other stream is about it. */
  fflush (stdout);
}

gboolean
sclctl_shows_colour (FILE *stream)
{
  const char *no_colour = g_getenv ("NO_COLOR");
  const char *terminal = g_getenv ("TERM");

  if (no_colour != NULL && *no_colour != '\0')
    return FALSE;
  if (terminal == NULL || g_str_equal (terminal, "dumb"))
    return FALSE;
  return isatty (fileno (stream));
}

const char *
sclctl_colour_on (SclctlColour colour, gboolean coloured)
{
  static const char *const sequences[] = {
    [SCLCTL_COLOUR_NONE] = "",         [SCLCTL_COLOUR_GOOD] = "\033[32m",
    [SCLCTL_COLOUR_BAD] = "\033[31m",  [SCLCTL_COLOUR_CHANGE] = "\033[33m",
    [SCLCTL_COLOUR_FAINT] = "\033[2m",
  };

  return coloured ? sequences[colour] : "";
}

const char *
sclctl_colour_off (gboolean coloured)
{
  return coloured ? "\033[0m" : "";
}
