/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-names-private.h"
#include "base/scl-digest-private.h"
#include <string.h>

#define TABLE_FIRST 0x5c100000u
#define PRIORITY_FIRST 20000u

char *
_scl_names_link (const char *prefix, SclLinkKind kind, const char *name)
{
  g_autofree char *plain = g_strdup_printf ("%s%c-%s", prefix, (char) kind, name);
  g_autofree char *digest = NULL;

  if (strlen (plain) <= SCL_LINK_NAME_MAX)
    return g_steal_pointer (&plain);
  digest = _scl_digest_short (name);
  return g_strdup_printf ("%s%c-%.*s", prefix, (char) kind,
                          (int) (SCL_LINK_NAME_MAX - strlen (prefix) - 2), digest);
}

char *
_scl_names_nic (const char *prefix, SclLinkKind kind, const char *vm, guint index)
{
  g_autofree char *name = g_strdup_printf ("%s-%u", vm, index);

  return _scl_names_link (prefix, kind, name);
}

char *
_scl_names_namespace (const char *prefix, const char *network)
{
  return g_strdup_printf ("%s-%s", prefix, network);
}

char *
_scl_names_domain (const char *prefix, const char *vm)
{
  return strcmp (prefix, SCL_PREFIX_DEFAULT) == 0 ? g_strdup (vm)
                                                  : g_strdup_printf ("%s-%s", prefix, vm);
}

char *
_scl_names_mark (const char *prefix, const char *name)
{
  return g_strdup_printf ("scl:%s:%s", prefix, name);
}

const char *
_scl_names_unmark (const char *prefix, const char *alias)
{
  gsize length = strlen (prefix);

  if (alias == NULL || strncmp (alias, "scl:", 4) != 0 || strncmp (alias + 4, prefix, length) != 0)
    return NULL;
  return alias[4 + length] == ':' ? alias + 4 + length + 1 : NULL;
}

char *
_scl_names_mac (const char *machine_id, const char *prefix, const char *vm, guint index)
{
  g_autofree char *number = g_strdup_printf ("%u", index);
  const char *parts[] = { machine_id, prefix, vm, number, NULL };
  guint8 d[32];

  _scl_digest_parts (parts, d);
  return g_strdup_printf ("52:%02x:%02x:%02x:%02x:%02x", d[0], d[1], d[2], d[3], d[4]);
}

static guint32
prefix_number (const char *prefix, guint32 bits)
{
  const char *parts[] = { "scl-prefix", prefix, NULL };
  guint8 d[32];

  _scl_digest_parts (parts, d);
  return ((guint32) d[0] << 16 | (guint32) d[1] << 8 | d[2]) & ((1u << bits) - 1);
}

guint32
_scl_names_mark_value (const char *prefix)
{
  return (prefix_number (prefix, 8) % 255 + 1) << 16;
}

guint32
_scl_names_table (const char *prefix, guint choice)
{
  return TABLE_FIRST | ((prefix_number (prefix, 20) + choice) & 0xfffffu);
}

gboolean
_scl_names_is_table (guint32 table)
{
  return (table & ~0xfffffu) == TABLE_FIRST;
}

guint32
_scl_names_rule_priority (const char *prefix, guint choice)
{
  return PRIORITY_FIRST + 2 * ((prefix_number (prefix, 12) + choice) % SCL_N_CHOICES);
}

gboolean
_scl_names_is_rule_priority (guint32 priority)
{
  return priority >= PRIORITY_FIRST && priority < PRIORITY_FIRST + 2 * SCL_N_CHOICES
         && priority % 2 == 0;
}

guint32
_scl_names_number (const char *prefix)
{
  guint32 number = 0;

  /* Six places of 37 digits (the last of them: nothing) would be too many, but the first place has
   * 26. */
  for (gsize i = 0; i < 6; i++)
    {
      char c = i < strlen (prefix) ? prefix[i] : '\0';
      guint32 digit = c == '\0' ? 36 : c >= 'a' ? (guint32)(c - 'a') : 26 + (guint32)(c - '0');

      number = number * 37 + digit;
    }
  return number;
}

const char *
_scl_names_check_label (const char *name)
{
  gsize length = strlen (name);

  if (length == 0)
    return "is empty";
  if (length > SCL_NAME_MAX)
    return "is longer than 63 characters";
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (name[i]) && name[i] != '-')
      return "may only have letters, digits and hyphens (it is a DNS label)";
  if (name[0] == '-' || name[length - 1] == '-')
    return "must not begin or end with a hyphen (it is a DNS label)";
  return NULL;
}

const char *
_scl_names_check_prefix (const char *prefix)
{
  gsize length = strlen (prefix);

  if (length == 0 || length > 6 || !g_ascii_islower (prefix[0]))
    return "must be 1 to 6 lower-case letters and digits and begin with a letter";
  for (gsize i = 1; i < length; i++)
    if (!g_ascii_islower (prefix[i]) && !g_ascii_isdigit (prefix[i]))
      return "must be 1 to 6 lower-case letters and digits and begin with a letter";
  return NULL;
}

const char *const *
_scl_names_list_nft_words (void)
{
  static const char *const words[] = {
    "accept", "add", "ah", "all", "and", "arp", "bridge", "cgroup", "chain", "comp", "cpu",
    "create", "ct", "day", "dccp", "define", "delete", "device", "dnat", "drop", "dst", "dup",
    "ecn", "eq", "esp", "ether", "exists", "export", "exthdr", "fib", "flags", "flow", "flush",
    "frag", "fwd", "ge", "get", "goto", "gt", "handle", "hbh", "hook", "hour", "icmp", "icmpv6",
    "igmp", "iif", "import", "index", "inet", "insert", "ip", "ip6", "ipsec", "jhash", "jump", "le",
    "limit", "list", "log", "lshift", "lt", "map", "mark", "meta", "meter", "mh", "ne", "netdev",
    "not", "numgen", "oif", "or", "osf", "policy", "queue", "quota", "random", "reject", "rename",
    "reset", "return", "rshift", "rt", "rt0", "rt2", "rule", "sctp", "set", "size", "skgid",
    "skuid", "snat", "socket", "srh", "table", "tcp", "th", "time", "tproxy", "type", "typeof",
    "udp", "update", "vlan", "vmap", "xor", "xt", NULL
  };

  return words;
}

gboolean
_scl_names_is_nft_word (const char *prefix)
{
  return g_strv_contains (_scl_names_list_nft_words (), prefix);
}

const char *
_scl_names_check_interface (const char *name)
{
  gsize length = strlen (name);

  if (length == 0)
    return "is empty";
  if (length > SCL_LINK_NAME_MAX)
    return "is longer than the 15 characters that an interface's name can have";
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (name[i]) && strchr ("_.:@-", name[i]) == NULL)
      return "may only have letters, digits and _.:@-";
  if (strcmp (name, ".") == 0 || strcmp (name, "..") == 0)
    return "is not a name that an interface can have";
  return NULL;
}
