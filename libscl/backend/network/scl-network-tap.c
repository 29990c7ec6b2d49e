/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-network-tap-private.h"
#include "backend/network/scl-network-links-private.h"
#include "backend/network/scl-link-settings-private.h"
#include "backend/network/scl-network-port-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-names-private.h"
#include <net/if.h>

/* In passthrough mode a macvtap hands multicast on only for groups that itself has joined; the guest
 * knows its own. */
#define TAP_FLAGS (IFF_NOARP | IFF_ALLMULTI)

static char *
tap_name (const char *prefix, const SclPort *port)
{
  return _scl_names_nic (prefix, SCL_LINK_MACVTAP, port->vm, port->index);
}

static char *
tap_mark (const char *prefix, const SclPort *port)
{
  g_autofree char *name = g_strdup_printf ("%s-%u", port->vm, port->index);

  return _scl_names_mark (prefix, name);
}

/* Nobody else can put a macvtap on our host end: in passthrough mode there is room for one. */
static gboolean
is_on (const SclLink *tap, const SclLink *outer)
{
  return g_strcmp0 (tap->kind, "macvtap") == 0 && tap->peer == outer->index;
}

static gboolean
throw_rc (GError **error, int rc, const char *what, const char *name)
{
  return rc >= 0 || scl_throw_errno (error, -rc, "link %s: cannot %s", name, what);
}

static gboolean
lookup (SclNetlink *root, const char *name, SclLink **out, GError **error)
{
  g_clear_pointer (out, _scl_link_free);
  return _scl_netlink_need_link (root, name, out, error);
}

static gboolean
create (SclNetlink *root, const char *name, const SclPort *port, const SclLink *outer,
        GError **error)
{
  return throw_rc (error,
                   _scl_netlink_add_macvtap (root, name, outer->index, port->mac, SCL_GROUP_NIC),
                   "make it", name);
}

static gboolean
remove_wrong (SclNetlink *root, const char *prefix, const SclLink *tap, GError **error)
{
  if (!_scl_network_links_is_own (tap, prefix))
    return scl_throw (error, SCL_ERROR_EXISTS,
                      "link %s exists and is not ours: remove or rename it", tap->name);
  return throw_rc (error, _scl_netlink_delete_link (root, tap->index), "remove it", tap->name);
}

static gboolean
set_up (SclNetlink *root, const char *name, const char *mark, const SclPort *port, GError **error)
{
  g_autoptr (SclLink) tap = NULL;
  SclLinkChange change
      = { .alias = mark, .group = SCL_GROUP_NIC, .flags = TAP_FLAGS, .flags_mask = TAP_FLAGS };

  if (!lookup (root, name, &tap, error))
    return FALSE;
  if (g_ascii_strcasecmp (tap->mac == NULL ? "" : tap->mac, port->mac) != 0)
    change.mac = port->mac;
  if (tap->master != 0)
    change.master = SCL_LINK_ALONE;
  if (change.mac == NULL && change.master == 0 && g_strcmp0 (tap->alias, mark) == 0 && tap->group == SCL_GROUP_NIC
      && (tap->flags & TAP_FLAGS) == TAP_FLAGS)
    return TRUE;
  return throw_rc (error, _scl_netlink_change_link (root, tap->index, &change), "set it up", name);
}

gboolean
_scl_network_tap_make (SclNetlink *root, const char *prefix, const SclPort *port,
                       const SclLink *outer, GError **error)
{
  g_autofree char *name = tap_name (prefix, port);
  g_autofree char *mark = tap_mark (prefix, port);
  g_autoptr (SclLink) tap = NULL;

  if (!_scl_netlink_lookup_link (root, name, &tap, error))
    return FALSE;
  if (tap != NULL && !is_on (tap, outer))
    {
      if (!remove_wrong (root, prefix, tap, error))
        return FALSE;
      g_clear_pointer (&tap, _scl_link_free);
    }
  return (tap != NULL || create (root, name, port, outer, error))
         && set_up (root, name, mark, port, error) && _scl_link_settings_write (_scl_wishes_nic, root, -1, name, error);
}

gboolean
_scl_network_tap_raise (SclNetlink *root, const char *prefix, const SclPort *port, GError **error)
{
  g_autofree char *name = tap_name (prefix, port);
  g_autoptr (SclLink) tap = NULL;
  SclLinkChange up = { .flags = IFF_UP, .flags_mask = IFF_UP };

  if (!lookup (root, name, &tap, error))
    return FALSE;
  return (tap->flags & IFF_UP) != 0
         || throw_rc (error, _scl_netlink_change_link (root, tap->index, &up), "raise it", name);
}

gboolean
_scl_network_tap_is_there (GPtrArray *root_links, const char *prefix, const SclPort *port,
                           const SclLink *outer)
{
  g_autofree char *name = tap_name (prefix, port);
  SclLink *tap = _scl_links_find (root_links, name);

  return tap != NULL && is_on (tap, outer);
}

static void
complain (GPtrArray *problems, const char *name, const char *what)
{
  g_ptr_array_add (problems, g_strdup_printf ("link %s %s", name, what));
}

void
_scl_network_tap_check (GPtrArray *root_links, const char *prefix, const SclPort *port,
                        const SclLink *outer, GPtrArray *problems)
{
  g_autofree char *name = tap_name (prefix, port);
  g_autofree char *mark = tap_mark (prefix, port);
  SclLink *tap = _scl_links_find (root_links, name);

  if (tap == NULL || outer == NULL || !is_on (tap, outer))
    {
      complain (problems, name, "is not there");
      return;
    }
  if ((tap->flags & IFF_UP) == 0)
    complain (problems, name, "is down");
  if ((tap->flags & IFF_NOARP) == 0)
    complain (problems, name, "answers ARP");
  if ((tap->flags & IFF_ALLMULTI) == 0)
    complain (problems, name, "keeps multicast from the guest");
  if (g_strcmp0 (tap->alias, mark) != 0)
    complain (problems, name, "has lost its mark");
  if (tap->group != SCL_GROUP_NIC)
    complain (problems, name, "has another group");
  _scl_network_port_check_alone (tap, "", problems);
  _scl_link_settings_check (_scl_wishes_nic, tap, "", problems);
}
