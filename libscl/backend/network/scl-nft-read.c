/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-nft-private.h"
#include "base/scl-throw-private.h"
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netlink/msg.h>
#include <string.h>

/* A listing that changes while it is read is read again, that often. */
#define ATTEMPTS 8

/* What nft writes into the kernel for its own use (libnftnl's udata.h): type, length, text. */
#define USERDATA_COMMENT 0

/* nft's numbers of data types (nftables' datatype.h); of a concatenation six bits each, the first
 * one highest. The kernel only stores them. */
enum
{
  TYPE_BITS = 6,
  TYPE_IPADDR = 7,
  TYPE_ETHERADDR = 9,
  TYPE_INET_PROTOCOL = 12,
  TYPE_INET_SERVICE = 13,
  TYPE_IFNAME = 41,
};

static const struct
{
  guint type;
  gsize size;
} type_sizes[] = { { TYPE_IPADDR, 4 },
                   { TYPE_ETHERADDR, 6 },
                   { TYPE_INET_PROTOCOL, 1 },
                   { TYPE_INET_SERVICE, 2 },
                   { TYPE_IFNAME, 16 } };

/* One reading of a namespace's ruleset. */
typedef struct
{
  GPtrArray *tables;
  GArray *sets; /* SetPlace, in the order of the kernel */
} Reading;

typedef struct
{
  guint8 family;
  SclNftTable *table;
  SclNftSet *set;
  guint32 key_type;
  guint32 data_type;
} SetPlace;

static const char *
family_name (guint8 family)
{
  switch (family)
    {
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_IPV6:
      return "ip6";
    case NFPROTO_ARP:
      return "arp";
    case NFPROTO_BRIDGE:
      return "bridge";
    case NFPROTO_NETDEV:
      return "netdev";
    default:
      return "unknown";
    }
}

static const char *
hook_name (guint32 hook)
{
  static const char *const names[]
      = { "prerouting", "input", "forward", "output", "postrouting", "ingress" };

  return hook < G_N_ELEMENTS (names) ? names[hook] : "unknown";
}

static const struct nfgenmsg *
payload_of (const struct nlmsghdr *header)
{
  return nlmsg_data (header);
}

static gboolean
parse (const struct nlmsghdr *header, struct nlattr **tb, int max)
{
  return nlmsg_parse ((struct nlmsghdr *) header, sizeof (struct nfgenmsg), tb, max, NULL) == 0;
}

static struct nl_msg *
new_msg (int type, int flags, guint8 family)
{
  struct nfgenmsg payload = { .nfgen_family = family, .version = NFNETLINK_V0 };
  struct nl_msg *msg = nlmsg_alloc_simple (NFNL_SUBSYS_NFTABLES << 8 | type, flags);

  nlmsg_append (msg, &payload, sizeof payload, NLMSG_ALIGNTO);
  return msg;
}

static guint32
be32_of (struct nlattr *attr)
{
  return attr == NULL ? 0 : g_ntohl (nla_get_u32 (attr));
}

/* (nullable) (transfer full) */
static char *
comment_of (struct nlattr *userdata)
{
  const guint8 *data = userdata != NULL ? nla_data (userdata) : NULL;
  gsize left = userdata != NULL ? (gsize) nla_len (userdata) : 0;

  while (left >= 2 && left >= 2u + data[1])
    {
      if (data[0] == USERDATA_COMMENT)
        return g_strndup ((const char *) data + 2, data[1]);
      left -= 2u + data[1];
      data += 2u + data[1];
    }
  return NULL;
}

static SclNftTable *
table_of (Reading *reading, const struct nlmsghdr *header, struct nlattr *name)
{
  return name == NULL ? NULL
                      : _scl_nft_tables_find (reading->tables,
                                              family_name (payload_of (header)->nfgen_family),
                                              nla_get_string (name));
}

static void
add_table (const struct nlmsghdr *header, gpointer data)
{
  Reading *reading = data;
  struct nlattr *tb[NFTA_TABLE_MAX + 1];
  SclNftTable *table;

  if (!parse (header, tb, NFTA_TABLE_MAX) || tb[NFTA_TABLE_NAME] == NULL)
    return;
  table = _scl_nft_table_new (family_name (payload_of (header)->nfgen_family),
                              nla_get_string (tb[NFTA_TABLE_NAME]));
  if (tb[NFTA_TABLE_HANDLE] != NULL)
    table->handle = GUINT64_FROM_BE (nla_get_u64 (tb[NFTA_TABLE_HANDLE]));
  table->flags = be32_of (tb[NFTA_TABLE_FLAGS]);
  g_ptr_array_add (reading->tables, table);
}

static void
add_chain (const struct nlmsghdr *header, gpointer data)
{
  struct nlattr *tb[NFTA_CHAIN_MAX + 1];
  struct nlattr *hook[NFTA_HOOK_MAX + 1];
  SclNftTable *table;
  const char *name;

  if (!parse (header, tb, NFTA_CHAIN_MAX) || tb[NFTA_CHAIN_NAME] == NULL)
    return;
  table = table_of (data, header, tb[NFTA_CHAIN_TABLE]);
  if (table == NULL)
    return;
  name = nla_get_string (tb[NFTA_CHAIN_NAME]);
  if (tb[NFTA_CHAIN_HOOK] == NULL
      || nla_parse_nested (hook, NFTA_HOOK_MAX, tb[NFTA_CHAIN_HOOK], NULL) < 0)
    _scl_nft_table_add_chain (table, name, NULL, NULL, 0, NULL);
  else
    _scl_nft_table_add_chain (
        table, name, tb[NFTA_CHAIN_TYPE] != NULL ? nla_get_string (tb[NFTA_CHAIN_TYPE]) : NULL,
        hook_name (be32_of (hook[NFTA_HOOK_HOOKNUM])), (int) be32_of (hook[NFTA_HOOK_PRIORITY]),
        be32_of (tb[NFTA_CHAIN_POLICY]) == NF_DROP ? "drop" : "accept");
}

static void
add_rule (const struct nlmsghdr *header, gpointer data)
{
  struct nlattr *tb[NFTA_RULE_MAX + 1];
  g_autofree char *comment = NULL;
  SclNftTable *table;
  SclNftChain *chain;

  if (!parse (header, tb, NFTA_RULE_MAX) || tb[NFTA_RULE_CHAIN] == NULL
      || tb[NFTA_RULE_HANDLE] == NULL)
    return;
  table = table_of (data, header, tb[NFTA_RULE_TABLE]);
  chain = table == NULL ? NULL
                        : _scl_nft_table_find_chain (table, nla_get_string (tb[NFTA_RULE_CHAIN]));
  if (chain == NULL)
    return;
  comment = comment_of (tb[NFTA_RULE_USERDATA]);
  _scl_nft_chain_add_read (chain, comment,
                           (gint64) GUINT64_FROM_BE (nla_get_u64 (tb[NFTA_RULE_HANDLE])));
}

/* Sets without a name belong to a rule. */
static void
add_set (const struct nlmsghdr *header, gpointer data)
{
  Reading *reading = data;
  struct nlattr *tb[NFTA_SET_MAX + 1];
  SetPlace place = { .family = payload_of (header)->nfgen_family };

  if (!parse (header, tb, NFTA_SET_MAX) || tb[NFTA_SET_NAME] == NULL
      || (be32_of (tb[NFTA_SET_FLAGS]) & NFT_SET_ANONYMOUS) != 0)
    return;
  place.table = table_of (reading, header, tb[NFTA_SET_TABLE]);
  if (place.table == NULL)
    return;
  place.set = _scl_nft_table_add_set (place.table, nla_get_string (tb[NFTA_SET_NAME]), NULL);
  if ((be32_of (tb[NFTA_SET_FLAGS]) & NFT_SET_EVAL) != 0)
    {
      place.set->size = 1;
      return;
    }
  place.key_type = be32_of (tb[NFTA_SET_KEY_TYPE]);
  place.data_type = be32_of (tb[NFTA_SET_DATA_TYPE]);
  g_array_append_val (reading->sets, place);
}

/* --- elements --- */

static gsize
size_of (guint type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (type_sizes); i++)
    if (type_sizes[i].type == type)
      return type_sizes[i].size;
  return 0;
}

static void
append_value (GString *text, guint type, const guint8 *b)
{
  switch (type)
    {
    case TYPE_IPADDR:
      g_string_append_printf (text, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
      break;
    case TYPE_ETHERADDR:
      g_string_append_printf (text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
                              b[5]);
      break;
    case TYPE_INET_PROTOCOL:
      if (b[0] == IPPROTO_TCP || b[0] == IPPROTO_UDP)
        g_string_append (text, b[0] == IPPROTO_TCP ? "tcp" : "udp");
      else
        g_string_append_printf (text, "%u", b[0]);
      break;
    case TYPE_INET_SERVICE:
      g_string_append_printf (text, "%u", b[0] << 8 | b[1]);
      break;
    default:
      g_string_append_len (text, (const char *) b, (gssize) strnlen ((const char *) b, 16));
      break;
    }
}

/* "tcp . 2222"; NULL if it is of a type that SCL does not use. Parts begin at multiples of four. */
static char *
text_of_value (struct nlattr *nested, guint32 types)
{
  g_autoptr (GString) text = g_string_new (NULL);
  struct nlattr *tb[NFTA_DATA_MAX + 1];
  const guint8 *bytes;
  gsize left;
  int shift = 0;

  if (nested == NULL || nla_parse_nested (tb, NFTA_DATA_MAX, nested, NULL) < 0
      || tb[NFTA_DATA_VALUE] == NULL)
    return NULL;
  bytes = nla_data (tb[NFTA_DATA_VALUE]);
  left = (gsize) nla_len (tb[NFTA_DATA_VALUE]);
  while (shift < 32 - TYPE_BITS && types >> (shift + TYPE_BITS) != 0)
    shift += TYPE_BITS;
  for (; shift >= 0; shift -= TYPE_BITS)
    {
      guint type = types >> shift & ((1u << TYPE_BITS) - 1);
      gsize size = size_of (type);
      gsize step = (size + 3) & ~(gsize) 3;

      if (size == 0 || size > left)
        return NULL;
      append_value (text, type, bytes);
      if (shift > 0)
        g_string_append (text, " . ");
      bytes += MIN (step, left);
      left -= MIN (step, left);
    }
  return g_strdup (text->str);
}

static void
add_element (const SetPlace *place, struct nlattr *nested)
{
  struct nlattr *tb[NFTA_SET_ELEM_MAX + 1];
  g_autofree char *comment = NULL;
  g_autofree char *value = NULL;
  g_autofree char *key = NULL;

  if (nla_parse_nested (tb, NFTA_SET_ELEM_MAX, nested, NULL) < 0)
    return;
  key = text_of_value (tb[NFTA_SET_ELEM_KEY], place->key_type);
  value = text_of_value (tb[NFTA_SET_ELEM_DATA], place->data_type);
  comment = comment_of (tb[NFTA_SET_ELEM_USERDATA]);
  /* Something that we did not put there is a difference, whatever it is. */
  _scl_nft_set_add (place->set, key != NULL ? key : "unknown", value, comment);
}

static void
add_elements (const struct nlmsghdr *header, gpointer data)
{
  struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1];
  struct nlattr *element;
  int left;

  if (!parse (header, tb, NFTA_SET_ELEM_LIST_MAX) || tb[NFTA_SET_ELEM_LIST_ELEMENTS] == NULL)
    return;
  nla_for_each_nested (element, tb[NFTA_SET_ELEM_LIST_ELEMENTS], left) add_element (data, element);
}

static gboolean
read_elements (SclNetlink *sock, SetPlace *place, GError **error)
{
  struct nl_msg *msg = new_msg (NFT_MSG_GETSETELEM, NLM_F_DUMP, place->family);

  nla_put_string (msg, NFTA_SET_ELEM_LIST_TABLE, place->table->name);
  nla_put_string (msg, NFTA_SET_ELEM_LIST_SET, place->set->name);
  return _scl_netlink_dump (sock, msg, add_elements, place, "elements of an nft set", error);
}

/* --- a ruleset --- */

static void
take_generation (const struct nlmsghdr *header, gpointer data)
{
  struct nlattr *tb[NFTA_GEN_MAX + 1];

  if (parse (header, tb, NFTA_GEN_MAX))
    *(guint32 *) data = be32_of (tb[NFTA_GEN_ID]);
}

guint32
_scl_nft_read_generation (SclNetlink *sock)
{
  guint32 generation = 0;

  if (!_scl_netlink_dump (sock, new_msg (NFT_MSG_GETGEN, 0, AF_UNSPEC), take_generation,
                          &generation, "nft generation", NULL))
    return 0;
  return generation;
}

static gboolean
read_once (SclNetlink *sock, Reading *reading, GError **error)
{
  static const struct
  {
    int type;
    SclNetlinkFunc func;
    const char *what;
  } parts[] = { { NFT_MSG_GETTABLE, add_table, "nft tables" },
                { NFT_MSG_GETCHAIN, add_chain, "nft chains" },
                { NFT_MSG_GETRULE, add_rule, "nft rules" },
                { NFT_MSG_GETSET, add_set, "nft sets" } };

  g_ptr_array_set_size (reading->tables, 0);
  g_array_set_size (reading->sets, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    if (!_scl_netlink_dump (sock, new_msg (parts[i].type, NLM_F_DUMP, AF_UNSPEC), parts[i].func,
                            reading, parts[i].what, error))
      return FALSE;
  for (guint i = 0; i < reading->sets->len; i++)
    if (!read_elements (sock, &g_array_index (reading->sets, SetPlace, i), error))
      return FALSE;
  return TRUE;
}

GPtrArray *
_scl_nft_read (SclNetlink *sock, GError **error)
{
  g_autoptr (GPtrArray) tables
      = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_nft_table_free);
  g_autoptr (GArray) sets = g_array_new (FALSE, FALSE, sizeof (SetPlace));
  Reading reading = { tables, sets };

  for (int i = 0; i < ATTEMPTS; i++)
    {
      g_autoptr (GError) local = NULL;
      guint32 before = _scl_nft_read_generation (sock);
      gboolean done = read_once (sock, &reading, &local);

      if (before != _scl_nft_read_generation (sock))
        continue; /* a set may have gone between two questions, so an error says nothing either */
      if (done)
        return g_steal_pointer (&tables);
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  return scl_null_throw (error, SCL_ERROR_TIMEOUT, "the nft ruleset changes all the time");
}
