/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-network-links-private.h"
#include "backend/network/scl-netns-private.h"
#include "backend/network/scl-network-port-private.h"
#include "backend/network/scl-network-tap-private.h"
#include "backend/network/scl-network-addresses-private.h"
#include "backend/network/scl-link-settings-private.h"
#include "backend/network/scl-network-sysctls-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "base/scl-digest-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-names-private.h"
#include <net/if.h>
#include <string.h>

/* Somebody who makes a link of our name again and again is not waited for. */
#define ATTEMPTS 4

#define NIC_FLAGS (IFF_NOARP)

char *
_scl_network_links_mac (const char *prefix, const char *kind, const char *name)
{
  const char *parts[] = { prefix, kind, name, NULL };
  guint8 d[32];

  _scl_digest_parts (parts, d);
  return g_strdup_printf ("02:%02x:%02x:%02x:%02x:%02x", d[0], d[1], d[2], d[3], d[4]);
}

char *
_scl_network_links_gateway_mac (const char *prefix)
{
  return _scl_network_links_mac (prefix, SCL_NS_BRIDGE, "");
}

char *
_scl_network_links_describe_owner (const SclLink *link)
{
  g_auto (GStrv) mark = g_strsplit (link == NULL || link->alias == NULL ? "" : link->alias, ":", 3);

  if (g_strv_length (mark) == 3 && strcmp (mark[0], "scl") == 0)
    return g_strdup_printf ("taken by network \"%s\" of instance \"%s\"", mark[2], mark[1]);
  return g_strdup_printf ("already routed to %s", link == NULL ? "another interface" : link->name);
}

gboolean
_scl_network_links_is_own (const SclLink *link, const char *prefix)
{
  if (link->alias != NULL && link->alias[0] != '\0')
    return _scl_names_unmark (prefix, link->alias) != NULL;
  return (g_strcmp0 (link->kind, "veth") == 0 || g_strcmp0 (link->kind, "macvtap") == 0)
         && (link->group == SCL_GROUP_UPLINK || link->group == SCL_GROUP_NIC);
}

gboolean
_scl_network_links_is_marked (SclNetlink *inner, const char *prefix, const char *network,
                              gboolean *out_marked, GError **error)
{
  g_autoptr (SclLink) lo = NULL;
  g_autofree char *mark = _scl_names_mark (prefix, network);

  if (!_scl_netlink_lookup_link (inner, "lo", &lo, error))
    return FALSE;
  *out_marked = lo != NULL && g_strcmp0 (lo->alias, mark) == 0;
  return TRUE;
}

static gboolean
throw_link (GError **error, int rc, const char *what, const char *name)
{
  return rc >= 0 || scl_throw_errno (error, -rc, "link %s: cannot %s", name, what);
}

/* Changes only what differs. */
static gboolean
sync_link (SclNetlink *sock, const SclLink *link, SclLinkChange wanted, GError **error)
{
  if (g_strcmp0 (link->alias, wanted.alias) == 0)
    wanted.alias = NULL;
  if (wanted.mac != NULL
      && g_ascii_strcasecmp (link->mac == NULL ? "" : link->mac, wanted.mac) == 0)
    wanted.mac = NULL;
  if (link->master == (wanted.master == SCL_LINK_ALONE ? 0 : wanted.master))
    wanted.master = 0;
  if (link->group == wanted.group)
    wanted.group = 0;
  if ((link->flags & wanted.flags_mask) == (wanted.flags & wanted.flags_mask))
    wanted.flags_mask = 0;
  wanted.flags &= wanted.flags_mask;
  if (wanted.alias == NULL && wanted.mac == NULL && wanted.master == 0 && wanted.group == 0
      && wanted.flags_mask == 0)
    return TRUE;
  return throw_link (error, _scl_netlink_change_link (sock, link->index, &wanted), "set it up",
                     link->name);
}

static gboolean
open_existing (SclNetworkLinks *self, GError **error)
{
  const char *network = scl_network_spec_get_name (self->target->spec);
  gboolean marked = FALSE;

  self->inner = _scl_netlink_open (self->netns_fd, NETLINK_ROUTE, error);
  if (self->inner == NULL
      || !_scl_network_links_is_marked (self->inner, self->prefix, network, &marked, error))
    return FALSE;
  return marked
         || scl_throw (error, SCL_ERROR_EXISTS,
                       "network \"%s\": namespace %s/%s is not ours: remove or rename it", network,
                       SCL_NETNS_FOLDER, self->netns_name);
}

static gboolean
open_new (SclNetworkLinks *self, GError **error)
{
  self->is_new = TRUE;
  self->netns_fd = _scl_netns_create (error);
  if (self->netns_fd < 0)
    return FALSE;
  self->inner = _scl_netlink_open (self->netns_fd, NETLINK_ROUTE, error);
  return self->inner != NULL;
}

gboolean
_scl_network_links_init (SclNetworkLinks *self, const char *prefix, const char *run_dir,
                         const SclNetworkTarget *target, GError **error)
{
  const char *network = scl_network_spec_get_name (target->spec);

  self->prefix = prefix;
  self->run_dir = run_dir;
  self->target = target;
  self->netns_fd = -1;
  self->netns_name = _scl_names_namespace (prefix, network);
  self->uplink = _scl_names_link (prefix, SCL_LINK_UPLINK, network);
  self->root = _scl_netlink_open (-1, NETLINK_ROUTE, error);
  if (self->root == NULL)
    return FALSE;
  switch (_scl_netns_open (self->netns_name, &self->netns_fd))
    {
    case SCL_NETNS_FOUND:
      return open_existing (self, error);
    case SCL_NETNS_OTHER:
      return scl_throw (error, SCL_ERROR_EXISTS,
                        "network \"%s\": %s/%s is not a network namespace: remove or rename it",
                        network, SCL_NETNS_FOLDER, self->netns_name);
    case SCL_NETNS_ABSENT:
    case SCL_NETNS_LEFTOVER:
    default:
      return open_new (self, error);
    }
}

void
_scl_network_links_clear (SclNetworkLinks *self)
{
  g_clear_pointer (&self->netns_name, g_free);
  g_clear_pointer (&self->uplink, g_free);
  g_clear_pointer (&self->root, nl_socket_free);
  g_clear_pointer (&self->inner, nl_socket_free);
  g_clear_pointer (&self->settled, g_free);
  scl_fd_clear (&self->netns_fd);
}

static gboolean
lookup_own (SclNetworkLinks *self, const char *name, SclLink **out, GError **error)
{
  g_autoptr (SclLink) link = NULL;

  *out = NULL;
  if (!_scl_netlink_lookup_link (self->root, name, &link, error))
    return FALSE;
  if (link != NULL && !_scl_network_links_is_own (link, self->prefix))
    return scl_throw (error, SCL_ERROR_EXISTS,
                      "network \"%s\": link %s exists and is not ours: remove or rename it",
                      scl_network_spec_get_name (self->target->spec), name);
  *out = g_steal_pointer (&link);
  return TRUE;
}

static gboolean
is_pair (const SclLink *outer, const SclLink *inner)
{
  return outer != NULL && inner != NULL && outer->peer == inner->index
         && inner->peer == outer->index;
}

static gboolean
delete_end (SclNetlink *sock, const SclLink *link, GError **error)
{
  return link == NULL
         || throw_link (error, _scl_netlink_delete_link (sock, link->index), "remove it",
                        link->name);
}

/* A link of our name may be there again at any time: of a namespace that is just dying. */
static gboolean
create_pair (SclNetworkLinks *self, const SclVethEnd *outer, const SclVethEnd *inner,
             GError **error)
{
  int rc = -EEXIST;

  for (guint i = 0; i < ATTEMPTS && rc == -EEXIST; i++)
    {
      g_autoptr (SclLink) in_the_way = NULL;

      rc = _scl_netlink_add_veth (self->root, outer, inner, self->netns_fd);
      if (rc == -EEXIST
          && (!lookup_own (self, outer->name, &in_the_way, error)
              || !delete_end (self->root, in_the_way, error)))
        return FALSE;
    }
  return throw_link (error, rc, "make it", outer->name);
}

/* Removes what is left of the pair and makes it anew. */
static gboolean
recreate_pair (SclNetworkLinks *self, const SclVethEnd *outer, const SclVethEnd *inner,
               const SclLink *outer_link, GPtrArray *inner_links, GError **error)
{
  return delete_end (self->root, outer_link, error)
         && delete_end (self->inner, _scl_links_find (inner_links, inner->name), error)
         && create_pair (self, outer, inner, error);
}

static gboolean
lookup_both (SclNetworkLinks *self, const char *outer_name, const char *inner_name, SclLink **outer,
             SclLink **inner, GError **error)
{
  g_clear_pointer (outer, _scl_link_free);
  g_clear_pointer (inner, _scl_link_free);
  return _scl_netlink_need_link (self->root, outer_name, outer, error)
         && _scl_netlink_need_link (self->inner, inner_name, inner, error);
}

static gboolean
make_uplink (SclNetworkLinks *self, GPtrArray *inner_links, GError **error)
{
  const char *network = scl_network_spec_get_name (self->target->spec);
  g_autofree char *mark = _scl_names_mark (self->prefix, network);
  g_autofree char *outer_mac = _scl_network_links_mac (self->prefix, "uplink-host", network);
  g_autofree char *inner_mac = _scl_network_links_mac (self->prefix, "uplink", network);
  SclVethEnd outer_end = { self->uplink, outer_mac, SCL_GROUP_UPLINK, 0 };
  SclVethEnd inner_end = { SCL_NS_UPLINK, inner_mac, 0, 0 };
  g_autoptr (SclLink) outer = NULL;
  g_autoptr (SclLink) inner = NULL;

  if (!lookup_own (self, self->uplink, &outer, error))
    return FALSE;
  if (!is_pair (outer, _scl_links_find (inner_links, SCL_NS_UPLINK))
      && !recreate_pair (self, &outer_end, &inner_end, outer, inner_links, error))
    return FALSE;
  if (!lookup_both (self, self->uplink, SCL_NS_UPLINK, &outer, &inner, error))
    return FALSE;
  return sync_link (self->root, outer,
                    (SclLinkChange){ .alias = mark,
                                     .mac = outer_mac,
                                     .master = SCL_LINK_ALONE,
                                     .group = SCL_GROUP_UPLINK,
                                     .flags_mask = IFF_NOARP },
                    error)
         && sync_link (self->inner, inner,
                       (SclLinkChange){ .alias = mark,
                                        .mac = inner_mac,
                                        .master = SCL_LINK_ALONE,
                                        .flags_mask = IFF_NOARP },
                       error)
         && _scl_link_settings_write (_scl_wishes_uplink_host, self->root, -1, self->uplink, error)
         && _scl_link_settings_write (_scl_wishes_uplink, self->inner, self->netns_fd, SCL_NS_UPLINK,
                                      error);
}

static gboolean
make_bridge (SclNetworkLinks *self, GPtrArray *inner_links, int *out_index, GError **error)
{
  g_autofree char *mac = _scl_network_links_gateway_mac (self->prefix);
  SclLink *old = _scl_links_find (inner_links, SCL_NS_BRIDGE);
  g_autoptr (SclLink) bridge = NULL;

  if (old != NULL && g_strcmp0 (old->kind, "bridge") != 0)
    {
      if (!delete_end (self->inner, old, error))
        return FALSE;
      old = NULL;
    }
  if (old == NULL
      && !throw_link (error, _scl_netlink_add_bridge (self->inner, SCL_NS_BRIDGE, mac), "make it",
                      SCL_NS_BRIDGE))
    return FALSE;
  if (!_scl_netlink_need_link (self->inner, SCL_NS_BRIDGE, &bridge, error))
    return FALSE;
  *out_index = bridge->index;
  if (bridge->linklocal_learn == TRUE
      && !throw_link (error, _scl_netlink_stop_linklocal_learn (self->inner, bridge->index),
                      "set it up", SCL_NS_BRIDGE))
    return FALSE;
  return sync_link (self->inner, bridge,
                    (SclLinkChange){ .mac = mac, .master = SCL_LINK_ALONE, .flags_mask = IFF_NOARP }, error)
         && _scl_link_settings_write (_scl_wishes_bridge, self->inner, self->netns_fd, SCL_NS_BRIDGE,
                                      error);
}

/* Looks for the inner end of OUTER in NETNS and moves it into our namespace. */
static gboolean
move_from (SclNetworkLinks *self, const char *netns, const SclLink *outer, gboolean *out_moved,
           GError **error)
{
  g_auto (SclFd) fd = -1;
  g_autoptr (SclNetlink) other = NULL;
  g_autoptr (SclLink) inner = NULL;
  SclLinkChange move = { .netns_fd = self->netns_fd };

  if (_scl_netns_open (netns, &fd) != SCL_NETNS_FOUND)
    return TRUE;
  other = _scl_netlink_open (fd, NETLINK_ROUTE, error);
  if (other == NULL || !_scl_netlink_lookup_link (other, outer->name, &inner, error))
    return FALSE;
  if (!is_pair (outer, inner))
    return TRUE;
  *out_moved = TRUE;
  return throw_link (error, _scl_netlink_change_link (other, inner->index, &move),
                     "move it to another namespace", outer->name);
}

static gboolean
move_port (SclNetworkLinks *self, const SclLink *outer, GPtrArray *inner_links, gboolean *out_moved,
           GError **error)
{
  g_autofree char *start = g_strconcat (self->prefix, "-", NULL);
  g_autoptr (GPtrArray) names = _scl_netns_list (start);

  *out_moved = FALSE;
  if (!delete_end (self->inner, _scl_links_find (inner_links, outer->name), error))
    return FALSE;
  for (guint i = 0; i < names->len && !*out_moved; i++)
    {
      const char *name = g_ptr_array_index (names, i);

      if (strcmp (name, self->netns_name) != 0 && !move_from (self, name, outer, out_moved, error))
        return FALSE;
    }
  return TRUE;
}

/* Both ends of the port's pair where they belong, however they are set. */
static gboolean
place_port (SclNetworkLinks *self, const SclVethEnd *outer_end, const SclVethEnd *inner_end,
            GPtrArray *inner_links, GError **error)
{
  g_autoptr (SclLink) outer = NULL;
  gboolean moved = FALSE;

  if (!lookup_own (self, outer_end->name, &outer, error))
    return FALSE;
  if (is_pair (outer, _scl_links_find (inner_links, inner_end->name)))
    return TRUE;
  if (outer != NULL && !move_port (self, outer, inner_links, &moved, error))
    return FALSE;
  if (moved)
    return TRUE;
  if (outer == NULL)
    return recreate_pair (self, outer_end, inner_end, NULL, inner_links, error);
  return delete_end (self->root, outer, error) && create_pair (self, outer_end, inner_end, error);
}

static gboolean
make_port (SclNetworkLinks *self, const SclPort *port, GPtrArray *inner_links, int bridge,
           GError **error)
{
  g_autofree char *link = _scl_names_nic (self->prefix, SCL_LINK_NIC, port->vm, port->index);
  g_autofree char *name = g_strdup_printf ("%s-%u", port->vm, port->index);
  g_autofree char *mark = _scl_names_mark (self->prefix, name);
  g_autofree char *mac = _scl_network_links_mac (self->prefix, "port", name);
  SclVethEnd outer_end = { link, port->mac, SCL_GROUP_NIC, NIC_FLAGS };
  SclVethEnd inner_end = { link, mac, 0, 0 };
  g_autoptr (SclLink) outer = NULL;
  g_autoptr (SclLink) inner = NULL;

  if (!place_port (self, &outer_end, &inner_end, inner_links, error)
      || !lookup_both (self, link, link, &outer, &inner, error))
    return FALSE;
  return sync_link (self->root, outer,
                    (SclLinkChange){ .alias = mark,
                                     .mac = port->mac,
                                     .master = SCL_LINK_ALONE,
                                     .group = SCL_GROUP_NIC,
                                     .flags = NIC_FLAGS,
                                     .flags_mask = NIC_FLAGS },
                    error)
         && _scl_link_settings_write (_scl_wishes_nic, self->root, -1, link, error)
         && _scl_network_tap_make (self->root, self->prefix, port, outer, error)
         && sync_link (self->inner, inner,
                       (SclLinkChange){ .alias = mark, .mac = mac, .master = bridge }, error)
         && _scl_link_settings_write (_scl_wishes_port, self->inner, self->netns_fd, link, error);
}

static gboolean
write_namespace_sysctls (gpointer data, GError **error)
{
  const SclNetworkLinks *self = data;

  return _scl_sysctls_write (_scl_sysctls_namespace, error)
         && (!self->is_new || _scl_sysctls_write (_scl_sysctls_birth, error));
}

static gboolean
mark_namespace (SclNetworkLinks *self, GError **error)
{
  const char *network = scl_network_spec_get_name (self->target->spec);
  g_autofree char *mark = _scl_names_mark (self->prefix, network);
  g_autoptr (SclLink) lo = NULL;

  if (!_scl_netlink_lookup_link (self->inner, "lo", &lo, error) || lo == NULL)
    return FALSE;
  return sync_link (self->inner, lo,
                    (SclLinkChange){ .alias = mark, .flags = IFF_UP, .flags_mask = IFF_UP }, error);
}

/* With hundreds of ports a look at all of them is cheaper than setting each once more. */
static gboolean
look_at_ports (SclNetworkLinks *self, GPtrArray *inner_links, int bridge, GError **error)
{
  const SclLink *old_bridge = _scl_links_find (inner_links, SCL_NS_BRIDGE);
  g_autoptr (GPtrArray) root_links = NULL;

  g_clear_pointer (&self->settled, g_free);
  if (self->is_new || self->target->ports->len == 0 || old_bridge == NULL
      || old_bridge->index != bridge)
    return TRUE;
  root_links = _scl_netlink_list_links (self->root, error);
  if (root_links == NULL)
    return FALSE;
  self->settled = g_new0 (gboolean, self->target->ports->len);
  for (guint i = 0; i < self->target->ports->len; i++)
    self->settled[i] = _scl_network_port_is_right (
        self->prefix, g_ptr_array_index (self->target->ports, i), root_links, inner_links);
  return TRUE;
}

static gboolean
is_settled (SclNetworkLinks *self, guint port)
{
  return self->settled != NULL && self->settled[port];
}

gboolean
_scl_network_links_make (SclNetworkLinks *self, GError **error)
{
  g_autoptr (GPtrArray) inner_links = NULL;
  int bridge = 0;

  if (!_scl_netns_run (self->netns_fd, write_namespace_sysctls, self, error)
      || !mark_namespace (self, error))
    return FALSE;
  inner_links = _scl_netlink_list_links (self->inner, error);
  if (inner_links == NULL || !make_uplink (self, inner_links, error)
      || !make_bridge (self, inner_links, &bridge, error)
      || !look_at_ports (self, inner_links, bridge, error))
    return FALSE;
  for (guint i = 0; i < self->target->ports->len; i++)
    if (!is_settled (self, i)
        && !make_port (self, g_ptr_array_index (self->target->ports, i), inner_links, bridge, error))
      return FALSE;
  return _scl_network_addresses_make (self, bridge, error);
}

static GHashTable *
list_wanted_ports (SclNetworkLinks *self)
{
  GHashTable *wanted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < self->target->ports->len; i++)
    {
      SclPort *port = g_ptr_array_index (self->target->ports, i);

      g_hash_table_add (wanted, _scl_names_nic (self->prefix, SCL_LINK_NIC, port->vm, port->index));
    }
  return wanted;
}

/* Somebody else's link is not ours to remove. */
static gboolean
remove_strange_port (SclNetworkLinks *self, const SclLink *link, const SclLink *bridge, GError **error)
{
  return bridge == NULL || link->master != bridge->index
         || sync_link (self->inner, link, (SclLinkChange){ .master = SCL_LINK_ALONE }, error);
}

gboolean
_scl_network_links_prune (SclNetworkLinks *self, GError **error)
{
  g_autoptr (GPtrArray) links = _scl_netlink_list_links (self->inner, error);
  g_autoptr (GHashTable) wanted = list_wanted_ports (self);
  const SclLink *bridge = links == NULL ? NULL : _scl_links_find (links, SCL_NS_BRIDGE);

  for (guint i = 0; links != NULL && i < links->len; i++)
    {
      SclLink *link = g_ptr_array_index (links, i);

      if (strcmp (link->name, "lo") == 0 || strcmp (link->name, SCL_NS_UPLINK) == 0
          || g_hash_table_contains (wanted, link->name))
        continue;
      if (_scl_names_unmark (self->prefix, link->alias) == NULL
              ? !remove_strange_port (self, link, bridge, error)
              : !delete_end (self->inner, link, error))
        return FALSE;
    }
  return links != NULL;
}

static gboolean
raise_link (SclNetlink *sock, const char *name, GError **error)
{
  g_autoptr (SclLink) link = NULL;

  if (!_scl_netlink_need_link (sock, name, &link, error))
    return FALSE;
  return sync_link (sock, link, (SclLinkChange){ .flags = IFF_UP, .flags_mask = IFF_UP }, error);
}

gboolean
_scl_network_links_raise (SclNetworkLinks *self, GError **error)
{
  if (!raise_link (self->inner, SCL_NS_BRIDGE, error)
      || !raise_link (self->inner, SCL_NS_UPLINK, error)
      || !raise_link (self->root, self->uplink, error))
    return FALSE;
  for (guint i = 0; i < self->target->ports->len; i++)
    {
      SclPort *port = g_ptr_array_index (self->target->ports, i);
      g_autofree char *link = _scl_names_nic (self->prefix, SCL_LINK_NIC, port->vm, port->index);

      if (is_settled (self, i))
        continue;
      if (!raise_link (self->inner, link, error) || !raise_link (self->root, link, error)
          || !_scl_network_tap_raise (self->root, self->prefix, port, error))
        return FALSE;
    }
  return _scl_network_addresses_make_tables (self, error);
}

gboolean
_scl_network_links_has_pair (SclNetworkLinks *self, gboolean *out_has, GError **error)
{
  *out_has = FALSE;
  for (guint i = 0; i < self->target->ports->len && !*out_has; i++)
    {
      SclPort *port = g_ptr_array_index (self->target->ports, i);
      g_autofree char *name = _scl_names_nic (self->prefix, SCL_LINK_NIC, port->vm, port->index);
      g_autoptr (SclLink) link = NULL;

      if (!lookup_own (self, name, &link, error))
        return FALSE;
      *out_has = link != NULL;
    }
  return TRUE;
}

void
_scl_network_links_undo (SclNetworkLinks *self)
{
  g_autoptr (GPtrArray) links
      = self->inner == NULL ? NULL : _scl_netlink_list_links (self->inner, NULL);

  for (guint i = 0; links != NULL && i < links->len; i++)
    {
      SclLink *link = g_ptr_array_index (links, i);

      if (g_strcmp0 (link->kind, "veth") == 0)
        (void)_scl_netlink_delete_link (self->inner, link->index);
    }
}
