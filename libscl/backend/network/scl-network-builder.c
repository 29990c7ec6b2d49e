/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-network-builder-private.h"
#include "backend/network/scl-conntrack-private.h"
#include "backend/network/scl-netns-private.h"
#include "backend/network/scl-network-links-private.h"
#include "backend/network/scl-nft-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "backend/network/scl-xfrm-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>

/* Links that are about to be removed together; never a group that somebody else uses, because the
 * number holds the index of one of them. */
#define SCL_GROUP_DOOMED 0x40000000u

static void
links_free (gpointer data)
{
  SclNetworkLinks *links = data;

  if (links->is_new)
    _scl_network_links_undo (links);
  _scl_network_links_clear (links);
  g_free (links);
}

static GPtrArray *
read_tables (SclNetworkLinks *links, GError **error)
{
  g_autoptr (SclNetlink) sock = NULL;

  if (links->is_new)
    return g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_nft_table_free);
  sock = _scl_netlink_open (links->netns_fd, NETLINK_NETFILTER, error);
  return sock == NULL ? NULL : _scl_nft_read (sock, error);
}

/* By handle: a name may be anything. After ours and apart, for one that a living program owns cannot go. */
static gboolean
remove_strange_tables (SclNetworkLinks *links, GPtrArray *tables, GCancellable *cancellable, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < tables->len; i++)
    {
      const SclNftTable *table = tables->pdata[i];

      if (!_scl_ruleset_is_of_network (table, links->prefix))
        g_string_append_printf (text, "delete table %s handle %" G_GUINT64_FORMAT "\n", table->family,
                                table->handle);
    }
  return text->len == 0 || _scl_nft_apply (links->netns_fd, text->str, cancellable, error);
}

static gboolean
apply_rules (SclNetworkLinks *links, GCancellable *cancellable, GError **error)
{
  g_autoptr (GArray) addresses = _scl_netlink_list_addresses (links->root, error);
  g_autoptr (SclNetworkGuard) guard = addresses == NULL ? NULL : _scl_network_guard_new (addresses);
  g_autoptr (GPtrArray) tables = guard == NULL ? NULL : read_tables (links, error);
  g_autoptr (SclNftTable) network = NULL;
  g_autoptr (SclNftTable) ports
      = _scl_ruleset_ports (links->prefix, links->target->spec, links->target->ports);
  g_autoptr (GString) text = g_string_new (NULL);

  if (tables == NULL)
    return FALSE;
  network = _scl_ruleset_network (links->prefix, links->target->spec, guard);
  _scl_nft_table_append_change (
      network, _scl_nft_tables_find (tables, network->family, network->name), text);
  _scl_nft_table_append_change (ports, _scl_nft_tables_find (tables, ports->family, ports->name),
                                text);
  return (text->len == 0 || _scl_nft_apply (links->netns_fd, text->str, cancellable, error))
         && remove_strange_tables (links, tables, cancellable, error)
         && (links->is_new || _scl_xfrm_flush (links->netns_fd, error));
}

static gboolean
is_forward_of (SclForwardSpec *forward, const SclFlow *flow)
{
  guint8 protocol
      = scl_forward_spec_get_protocol (forward) == SCL_PROTOCOL_UDP ? IPPROTO_UDP : IPPROTO_TCP;

  return flow->protocol == protocol
         && flow->destination_port == scl_forward_spec_get_host_port (forward)
         && flow->reply_source == _scl_address_number (scl_forward_spec_get_address (forward))
         && flow->reply_source_port == scl_forward_spec_get_port (forward);
}

/* A connection through a forward that is no longer there. */
static gboolean
is_stale_flow (const SclFlow *flow, gconstpointer data)
{
  SclNetworkSpec *spec = (SclNetworkSpec *)data;
  GListModel *forwards = scl_network_spec_get_forwards (spec);

  if (!flow->translated_destination)
    return FALSE;
  if (flow->destination != _scl_address_number (scl_network_spec_get_external_ip (spec)))
    return TRUE;
  for (guint i = 0; i < g_list_model_get_n_items (forwards); i++)
    if (is_forward_of (_scl_list_peek (forwards, i), flow))
      return FALSE;
  return TRUE;
}

static gboolean
finish (SclNetworkLinks *links, GCancellable *cancellable, GError **error)
{
  if (!_scl_network_links_prune (links, error) || !apply_rules (links, cancellable, error)
      || !_scl_network_links_raise (links, error))
    return FALSE;
  if (!links->is_new)
    return _scl_conntrack_end (links->netns_fd, is_stale_flow, links->target->spec, error);
  if (!_scl_netns_bind (links->netns_fd, links->netns_name, error))
    return FALSE;
  links->is_new = FALSE;
  return TRUE;
}

/* A pair that moves must not end in a namespace without a name: if we are killed it would be gone,
 * and the running guest's NIC with it. So the namespace comes first, without ports. */
static gboolean
prepare_for_moves (SclNetworkLinks *links, GError **error)
{
  const SclNetworkTarget *target = links->target;
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  SclNetworkTarget bare = { target->spec, none };
  gboolean has_pair = FALSE;
  gboolean done;

  if (!links->is_new || target->ports->len == 0)
    return TRUE;
  if (!_scl_network_links_has_pair (links, &has_pair, error))
    return FALSE;
  if (!has_pair)
    return TRUE;
  links->target = &bare;
  done = _scl_network_links_make (links, error) && finish (links, NULL, error);
  links->target = target;
  return done;
}

static GPtrArray *
open_all (const char *prefix, const char *run_dir, GPtrArray *targets, GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (links_free);

  for (guint i = 0; i < targets->len; i++)
    {
      SclNetworkLinks *links = g_new0 (SclNetworkLinks, 1);

      g_ptr_array_add (all, links);
      if (!_scl_network_links_init (links, prefix, run_dir, g_ptr_array_index (targets, i), error)
          || !prepare_for_moves (links, error))
        return NULL;
    }
  return g_steal_pointer (&all);
}

static gboolean
prefix_network (GError **error, const SclNetworkLinks *links)
{
  g_autofree char *start
      = g_strdup_printf ("network \"%s\": ", scl_network_spec_get_name (links->target->spec));

  if (error != NULL && *error != NULL && !g_str_has_prefix ((*error)->message, start))
    g_prefix_error_literal (error, start);
  return FALSE;
}

/* All links before any rule: a NIC that moves must have left the one network before the other's
 * unknown ports are pruned. */
gboolean
_scl_network_builder_ensure (const char *prefix, const char *run_dir, GPtrArray *targets,
                             const SclProgress *progress, GError **error)
{
  GCancellable *cancellable = progress == NULL ? NULL : progress->cancellable;
  g_autoptr (GPtrArray) all = NULL;

  if (_scl_progress_is_cancelled (progress, error))
    return FALSE;
  all = open_all (prefix, run_dir, targets, error);
  for (guint i = 0; all != NULL && i < all->len; i++)
    if (!_scl_network_links_make (g_ptr_array_index (all, i), error))
      return prefix_network (error, g_ptr_array_index (all, i));
  for (guint i = 0; all != NULL && i < all->len; i++)
    {
      _scl_progress_report (progress, i, all->len, NULL);
      if (!finish (g_ptr_array_index (all, i), cancellable, error))
        return prefix_network (error, g_ptr_array_index (all, i));
    }
  return all != NULL;
}

/* Host ends whose other end is in that namespace: by name, mark and index. */
static GPtrArray *
host_ends (SclNetlink *root, SclNetlink *inner, const char *prefix, const char *network,
           GError **error)
{
  g_autoptr (GPtrArray) ends = g_ptr_array_new_with_free_func ((GDestroyNotify)_scl_link_free);
  g_autoptr (GPtrArray) inside = inner == NULL ? NULL : _scl_netlink_list_links (inner, error);
  g_autofree char *uplink = _scl_names_link (prefix, SCL_LINK_UPLINK, network);
  SclLink *end = NULL;

  if (inner != NULL && inside == NULL)
    return NULL;
  if (!_scl_netlink_lookup_link (root, uplink, &end, error))
    return NULL;
  if (end != NULL)
    g_ptr_array_add (ends, end);
  for (guint i = 0; inside != NULL && i < inside->len; i++)
    {
      SclLink *link = g_ptr_array_index (inside, i);

      if (_scl_names_unmark (prefix, link->alias) == NULL || strcmp (link->name, "lo") == 0
          || strcmp (link->name, SCL_NS_UPLINK) == 0)
        continue;
      if (!_scl_netlink_lookup_link (root, link->name, &end, error))
        return NULL;
      if (end != NULL)
        g_ptr_array_add (ends, end);
    }
  return g_steal_pointer (&ends);
}

/* One message for all of them: each removal waits for the kernel's readers. */
static gboolean
delete_ends (SclNetlink *root, GPtrArray *ends, const char *prefix, GError **error)
{
  guint group = 0;
  int rc = 0;

  for (guint i = 0; rc == 0 && i < ends->len; i++)
    {
      const SclLink *link = g_ptr_array_index (ends, i);

      if (!_scl_network_links_is_own (link, prefix))
        continue;
      if (group == 0)
        group = SCL_GROUP_DOOMED | (guint)link->index;
      rc = _scl_netlink_change_link (root, link->index, &(SclLinkChange){ .group = group });
      if (rc == -ENODEV)
        rc = 0;
    }
  if (rc == 0 && group != 0)
    rc = _scl_netlink_delete_group (root, group);
  return rc == 0 || scl_throw_errno (error, -rc, "cannot remove the host ends");
}

static gboolean
check_mark (SclNetlink *inner, const char *prefix, const char *network, const char *netns,
            GError **error)
{
  gboolean marked = FALSE;

  if (!_scl_network_links_is_marked (inner, prefix, network, &marked, error))
    return FALSE;
  return marked
         || scl_throw (error, SCL_ERROR_EXISTS,
                       "network \"%s\": namespace %s/%s is not ours and was left alone", network,
                       SCL_NETNS_FOLDER, netns);
}

gboolean
_scl_network_builder_remove (const char *prefix, const char *network, const SclProgress *progress,
                             GError **error)
{
  g_autofree char *netns = _scl_names_namespace (prefix, network);
  g_autoptr (SclNetlink) root = NULL;
  g_autoptr (SclNetlink) inner = NULL;
  g_autoptr (GPtrArray) ends = NULL;
  g_auto (SclFd) fd = -1;
  SclNetnsState state;

  if (_scl_progress_is_cancelled (progress, error))
    return FALSE;
  state = _scl_netns_open (netns, &fd);
  if (state == SCL_NETNS_OTHER)
    return scl_throw (error, SCL_ERROR_EXISTS,
                      "network \"%s\": %s/%s is not a network namespace and was left alone",
                      network, SCL_NETNS_FOLDER, netns);
  if (state == SCL_NETNS_FOUND)
    {
      inner = _scl_netlink_open (fd, NETLINK_ROUTE, error);
      if (inner == NULL || !check_mark (inner, prefix, network, netns, error))
        return FALSE;
    }
  root = _scl_netlink_open (-1, NETLINK_ROUTE, error);
  ends = root == NULL ? NULL : host_ends (root, inner, prefix, network, error);
  return ends != NULL && delete_ends (root, ends, prefix, error)
         && _scl_netns_unbind (netns, error);
}
