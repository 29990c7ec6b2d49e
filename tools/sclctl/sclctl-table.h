/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text tables: columns as wide as their widest cell on the screen, colour only where it is seen. */

#include <glib.h>
#include <stdio.h>

typedef enum {
  SCLCTL_COLOUR_NONE,
  SCLCTL_COLOUR_GOOD,
  SCLCTL_COLOUR_BAD,
  SCLCTL_COLOUR_CHANGE,
  SCLCTL_COLOUR_FAINT,
} SclctlColour;

typedef struct _SclctlTable SclctlTable;

/* The headings end with NULL. */
SclctlTable *sclctl_table_new (const char *first, ...) G_GNUC_NULL_TERMINATED;
void sclctl_table_free (SclctlTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclctlTable, sclctl_table_free)

/* One cell of the current row; the row is full after the last column. NULL is "-". */
void sclctl_table_add (SclctlTable *self, const char *text);
void sclctl_table_add_coloured (SclctlTable *self, SclctlColour colour, const char *text);
/* As sclctl_table_add; takes the text. */
void sclctl_table_take (SclctlTable *self, char *text);

/* The whole table; free it. */
char *sclctl_table_to_string (SclctlTable *self, gboolean coloured);
/* To stdout. */
void sclctl_table_print (SclctlTable *self);

/* Columns of a screen that the text takes. */
guint sclctl_text_width (const char *text);

/* Whether the stream is a terminal that may show colours (NO_COLOR, TERM=dumb). */
gboolean sclctl_shows_colour (FILE *stream);
/* The escape sequence that begins a colour; "" if not COLOURED. */
const char *sclctl_colour_on (SclctlColour colour, gboolean coloured);
const char *sclctl_colour_off (gboolean coloured);
