/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-suggest-private.h"
#include <string.h>

#define WORD_MAX 40

/* Lower case, without the separators of other spellings (image_size, image-size). */
static gsize
simplify (const char *word, char out[WORD_MAX + 1])
{
  gsize n = 0;

  for (; *word != '\0' && n < WORD_MAX; word++)
    if (*word != '_' && *word != '-' && *word != ' ')
      out[n++] = g_ascii_tolower (*word);
  out[n] = '\0';
  return n;
}

/* Optimal string alignment: insertions, deletions, replacements, swapped neighbours. */
static guint
distance (const char *a, gsize n, const char *b, gsize m)
{
  guint d[WORD_MAX + 1][WORD_MAX + 1];

  for (gsize i = 0; i <= n; i++)
    d[i][0] = (guint) i;
  for (gsize j = 0; j <= m; j++)
    d[0][j] = (guint) j;
  for (gsize i = 1; i <= n; i++)
    for (gsize j = 1; j <= m; j++)
      {
        guint replaced = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

        d[i][j] = MIN (replaced, MIN (d[i - 1][j], d[i][j - 1]) + 1);
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
          d[i][j] = MIN (d[i][j], d[i - 2][j - 2] + 1);
      }
  return d[n][m];
}

const char *
_scl_suggest (const char *word, const char *const *words)
{
  char wrong[WORD_MAX + 1], right[WORD_MAX + 1];
  const char *best = NULL;
  gsize n, m;
  guint best_distance = G_MAXUINT;

  if (strlen (word) > WORD_MAX)
    return NULL;
  n = simplify (word, wrong);
  for (; *words != NULL && n > 0; words++)
    {
      guint d;

      m = simplify (*words, right);
      d = distance (wrong, n, right, m);
      /* The beginning of a longer key ("memory") is as good as one letter off. */
      if (n >= 4 && strncmp (wrong, right, n) == 0)
        d = MIN (d, 1);
      if (d <= MIN (3, MAX (n, m) / 3) && d < best_distance)
        {
          best = *words;
          best_distance = d;
        }
    }
  return best;
}

gboolean
_scl_suggest_is_one (const char *word, const char *words)
{
  g_auto (GStrv) list = words == NULL ? NULL : g_strsplit (words, " ", -1);
  char wrong[WORD_MAX + 1], known[WORD_MAX + 1];

  (void) simplify (word, wrong);
  for (char **at = list; strlen (word) <= WORD_MAX && at != NULL && *at != NULL; at++)
    {
      (void) simplify (*at, known);
      if (strcmp (wrong, known) == 0)
        return TRUE;
    }
  return FALSE;
}
