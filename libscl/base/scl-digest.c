/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-digest-private.h"
#include <string.h>

#define SHORT_CHARS 8

void
_scl_digest_parts (const char *const *parts, guint8 out_digest[32])
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize size = 32;

  for (; *parts != NULL; parts++)
    g_checksum_update (sum, (const guchar *) *parts, (gssize) strlen (*parts) + 1);
  g_checksum_get_digest (sum, out_digest, &size);
}

char *
_scl_digest_short (const char *text)
{
  static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize size = sizeof digest;
  char *out = g_malloc0 (SHORT_CHARS + 1);
  guint64 bits = 0;

  g_checksum_update (sum, (const guchar *) text, (gssize) strlen (text));
  g_checksum_get_digest (sum, digest, &size);
  for (int i = 0; i < 5; i++)
    bits = bits << 8 | digest[i];
  for (int i = 0; i < SHORT_CHARS; i++)
    out[i] = alphabet[bits >> (35 - 5 * i) & 31];
  return out;
}
