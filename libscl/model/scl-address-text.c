/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-address-text-private.h"
#include "base/scl-throw-private.h"
#include <string.h>

/* One to three digits without a leading zero; -1 otherwise. */
static int
parse_part (const char **at)
{
  const char *begin = *at;
  int value = 0;

  while (g_ascii_isdigit (**at) && *at - begin < 3)
    value = value * 10 + (*(*at)++ - '0');
  if (*at == begin || value > 255 || (*begin == '0' && *at - begin > 1))
    return -1;
  return value;
}

static gboolean
parse_number (const char *text, guint32 *out)
{
  guint32 number = 0;

  for (int i = 0; i < 4; i++)
    {
      int part;

      if (i > 0 && *text++ != '.')
        return FALSE;
      part = parse_part (&text);
      if (part < 0)
        return FALSE;
      number = number << 8 | (guint32) part;
    }
  *out = number;
  return *text == '\0';
}

GInetAddress *
_scl_address_parse (const char *text, GError **error)
{
  guint32 number;

  if (strchr (text, ':') != NULL)
    return scl_null_throw (error, SCL_ERROR_INVALID,
                           "\"%s\" is not an IPv4 address (IPv6 is not supported yet)", text);
  if (!parse_number (text, &number))
    return scl_null_throw (error, SCL_ERROR_INVALID,
                           "\"%s\" is not an IPv4 address (four numbers from 0 to 255, e.g. 192.168.20.1)",
                           text);
  return _scl_address_from_number (number);
}

guint
_scl_address_parse_netmask (const char *text, GError **error)
{
  guint32 number;

  if (parse_number (text, &number))
    for (guint length = 1; length <= 30; length++)
      if (number == _scl_address_mask (length))
        return length;
  scl_throw (error, SCL_ERROR_INVALID,
             "\"%s\" is not a network mask from 128.0.0.0 to 255.255.255.252, e.g. 255.255.255.0", text);
  return 0;
}

char *
_scl_address_netmask (guint prefix_length)
{
  g_autoptr (GInetAddress) mask = _scl_address_from_number (_scl_address_mask (prefix_length));

  return g_inet_address_to_string (mask);
}

gboolean
_scl_address_equal (GInetAddress *a, GInetAddress *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  return g_inet_address_equal (a, b);
}

guint32
_scl_address_number (GInetAddress *address)
{
  guint32 network_order = 0;

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4)
    memcpy (&network_order, g_inet_address_to_bytes (address), sizeof network_order);
  return g_ntohl (network_order);
}

GInetAddress *
_scl_address_from_number (guint32 number)
{
  guint32 network_order = g_htonl (number);

  return g_inet_address_new_from_bytes ((const guint8 *) &network_order, G_SOCKET_FAMILY_IPV4);
}

guint32
_scl_address_mask (guint prefix_length)
{
  return prefix_length == 0 ? 0 : ~0u << (32 - MIN (prefix_length, 32));
}

const char *
_scl_address_unusable (GInetAddress *address)
{
  guint32 number = _scl_address_number (address);

  if (g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV4)
    return "is not an IPv4 address (IPv6 is not supported yet)";
  if (number >> 24 == 0)
    return "is in 0.0.0.0/8 (\"this network\")";
  if (number >> 24 == 127)
    return "is in 127.0.0.0/8 (loopback)";
  if (number >> 16 == 0xa9fe)
    return "is in 169.254.0.0/16 (link-local, used by SCL itself)";
  if (number >> 28 == 0xe)
    return "is in 224.0.0.0/4 (multicast)";
  if (number >> 28 == 0xf)
    return "is in 240.0.0.0/4 (reserved)";
  return NULL;
}
