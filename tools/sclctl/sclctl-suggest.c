/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-suggest.h"

#include <string.h>

#define LONGEST 64

static gboolean
is_swapped (const char *a, gsize i, const char *b, gsize j)
{
  return i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
}

/* Insertions, removals, replacements and swaps of neighbours that turn A into B. */
static guint
distance (const char *a, const char *b)
{
  guint rows[3][LONGEST + 1];
  gsize n = strlen (a);
  gsize m = strlen (b);

  if (n > LONGEST || m > LONGEST)
    return G_MAXUINT;
  for (gsize j = 0; j <= m; j++)
    rows[0][j] = j;
  for (gsize i = 1; i <= n; i++)
    {
      guint *row = rows[i % 3];
      const guint *above = rows[(i + 2) % 3];

      row[0] = i;
      for (gsize j = 1; j <= m; j++)
        {
          row[j] = MIN (above[j], row[j - 1]) + 1;
          row[j] = MIN (row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
          if (is_swapped (a, i, b, j))
            row[j] = MIN (row[j], rows[(i + 1) % 3][j - 2] + 1);
        }
    }
  return rows[n % 3][m];
}

const char *
sclctl_suggest (const char *word, GPtrArray *candidates)
{
  guint limit = MAX (1, strlen (word) / 3);
  const char *best = NULL;

  for (guint i = 0; i < candidates->len; i++)
    {
      const char *candidate = g_ptr_array_index (candidates, i);
      guint found = distance (word, candidate);

      if (found > limit || (best != NULL && found == limit))
        continue;
      best = candidate;
      limit = found;
    }
  return best;
}
