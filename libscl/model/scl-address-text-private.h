/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* IPv4 addresses as text and number. Strict: four decimal parts without leading zeros. */

#include <gio/gio.h>

GInetAddress *_scl_address_parse (const char *text, GError **error);
/* Dotted mask to prefix length, 1 to 30; 0 and an error otherwise. */
guint _scl_address_parse_netmask (const char *text, GError **error);
char *_scl_address_netmask (guint prefix_length);
/* NULL equals only NULL. */
gboolean _scl_address_equal (GInetAddress *a, GInetAddress *b);
/* Host byte order. */
guint32 _scl_address_number (GInetAddress *address);
GInetAddress *_scl_address_from_number (guint32 number);
guint32 _scl_address_mask (guint prefix_length);
/* NULL, or why no host can have the address: "is in 127.0.0.0/8 (loopback)". */
const char *_scl_address_unusable (GInetAddress *address);
