/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Short stable digests for names and addresses. */

#include <glib.h>

/* The first 8 base32 characters (RFC 4648, lower case) of SHA-256. (transfer full) */
char *_scl_digest_short (const char *text);

/* SHA-256 of the parts, each followed by a NUL byte, so that parts cannot run together. */
void _scl_digest_parts (const char *const *parts, guint8 out_digest[32]);
