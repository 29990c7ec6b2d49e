/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-host-sets-private.h"
#include "backend/network/scl-network-links-private.h"
#include "model/scl-names-private.h"
#include <string.h>

#define NAMED_ELEMENTS 4

static void
add_nic (SclNftSet *nics, const char *prefix, SclLinkKind kind, const SclPort *port)
{
  g_autofree char *name = _scl_names_nic (prefix, kind, port->vm, port->index);

  _scl_nft_set_add (nics, name, NULL, NULL);
}

static void
add_network (SclNftTable *wanted, const char *prefix, const SclObservedNetwork *network)
{
  SclNftSet *nics = _scl_nft_table_find_set (wanted, SCL_SET_NICS);
  SclNftSet *externals = _scl_nft_table_find_set (wanted, SCL_SET_EXTERNALS);
  g_autofree char *uplink = _scl_names_link (prefix, SCL_LINK_UPLINK, network->name);

  _scl_nft_set_add (_scl_nft_table_find_set (wanted, SCL_SET_UPLINKS), uplink, NULL, NULL);
  for (guint i = 0; i < network->ports->len; i++)
    {
      add_nic (nics, prefix, SCL_LINK_NIC, network->ports->pdata[i]);
      add_nic (nics, prefix, SCL_LINK_MACVTAP, network->ports->pdata[i]);
    }
  if (network->spec != NULL)
    {
      g_autofree char *address
          = g_inet_address_to_string (scl_network_spec_get_external_ip (network->spec));
      g_autofree char *key = g_strconcat (uplink, " . ", address, NULL);

      _scl_nft_set_add (externals, key, NULL, NULL);
    }
}

/* Nobody knows the address of a network that has lost its own; that is a problem of the network. */
static SclNftTable *
list_wanted (const char *prefix, GPtrArray *networks, gboolean *out_all_addresses)
{
  SclNftTable *wanted = _scl_nft_table_new ("inet", prefix);

  *out_all_addresses = TRUE;
  (void) _scl_nft_table_add_set (wanted, SCL_SET_UPLINKS, "ifname");
  (void) _scl_nft_table_add_set (wanted, SCL_SET_NICS, "ifname");
  (void) _scl_nft_table_add_set (wanted, SCL_SET_EXTERNALS, "ifname . ipv4_addr");
  for (guint i = 0; i < networks->len; i++)
    {
      const SclObservedNetwork *network = networks->pdata[i];

      if (network->foreign)
        continue;
      add_network (wanted, prefix, network);
      *out_all_addresses = *out_all_addresses && network->spec != NULL;
    }
  return wanted;
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Elements of SET that OTHER has not, sorted, for the kernel keeps them in no order. A link of ours that no
 * network has is named as a leftover: until it goes it may be in a set. (transfer container) */
static GPtrArray *
list_only_in (SclNftSet *set, SclNftSet *other, const char *prefix, GPtrArray *root_links)
{
  GPtrArray *only = g_ptr_array_new ();

  for (guint i = 0; i < set->elements->len; i++)
    {
      char *key = ((SclNftElement *) set->elements->pdata[i])->key;
      const SclLink *link = _scl_nft_set_has (other, key) || root_links == NULL
                                ? NULL
                                : _scl_links_find (root_links, key);

      if (!_scl_nft_set_has (other, key)
          && (link == NULL || !_scl_network_links_is_own (link, prefix)))
        g_ptr_array_add (only, key);
    }
  g_ptr_array_sort (only, compare_keys);
  return only;
}

/* "a, b and 7 more" (transfer full) */
static char *
describe (GPtrArray *keys)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < MIN (keys->len, NAMED_ELEMENTS); i++)
    g_string_append_printf (text, "%s%s", i == 0 ? "" : ", ", (char *) keys->pdata[i]);
  if (keys->len > NAMED_ELEMENTS)
    g_string_append_printf (text, " and %u more", keys->len - NAMED_ELEMENTS);
  return g_string_free (text, FALSE);
}

static void
check_set (const char *prefix, SclNftSet *wanted, SclNftSet *found, GPtrArray *root_links,
           GPtrArray *problems)
{
  g_autoptr (GPtrArray) lacking = list_only_in (wanted, found, prefix, NULL);
  g_autoptr (GPtrArray) strange = list_only_in (found, wanted, prefix, root_links);
  g_autofree char *lacks = describe (lacking);
  g_autofree char *has = describe (strange);

  if (lacking->len > 0)
    g_ptr_array_add (problems, g_strdup_printf ("nft set %s of table inet %s lacks %s", wanted->name,
                                                prefix, lacks));
  if (strange->len > 0)
    g_ptr_array_add (problems,
                     g_strdup_printf ("nft set %s of table inet %s has %s, which no network of "
                                      "this instance has",
                                      wanted->name, prefix, has));
}

void
_scl_host_sets_check (const char *prefix, SclNftTable *table, GPtrArray *root_links,
                      GPtrArray *networks, GPtrArray *problems)
{
  gboolean all_addresses;
  g_autoptr (SclNftTable) wanted = list_wanted (prefix, networks, &all_addresses);

  for (guint i = 0; i < wanted->sets->len; i++)
    {
      SclNftSet *set = wanted->sets->pdata[i];
      SclNftSet *found = _scl_nft_table_find_set (table, set->name);

      if (found != NULL && (all_addresses || g_strcmp0 (set->name, SCL_SET_EXTERNALS) != 0))
        check_set (prefix, set, found, root_links, problems);
    }
}
