/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-network-port-private.h"
#include "backend/network/scl-network-links-private.h"
#include "backend/network/scl-link-settings-private.h"
#include "backend/network/scl-network-tap-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "model/scl-names-private.h"
#include <net/if.h>

static void G_GNUC_PRINTF (2, 3) add (GPtrArray *problems, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (problems, g_strdup_vprintf (format, args));
  va_end (args);
}

void
_scl_network_port_check_up (const SclLink *link, const char *name, GPtrArray *problems)
{
  if (link == NULL)
    add (problems, "link %s is missing", name);
  else if ((link->flags & IFF_UP) == 0)
    add (problems, "link %s is down", name);
}

void
_scl_network_port_check_mac (const SclLink *link, const char *mac, GPtrArray *problems)
{
  if (link != NULL && g_ascii_strcasecmp (link->mac == NULL ? "" : link->mac, mac) != 0)
    add (problems, "link %s has the MAC %s, not %s", link->name, link->mac, mac);
}

void
_scl_network_port_check_alone (const SclLink *link, const char *place, GPtrArray *problems)
{
  if (link != NULL && link->master != 0)
    add (problems, "link %s%s has a master (link %d)", link->name, place, link->master);
}

static void
check_outer (const char *prefix, const SclPort *port, const SclLink *outer, const char *mark,
             GPtrArray *problems)
{
  g_autofree char *name = _scl_names_nic (prefix, SCL_LINK_NIC, port->vm, port->index);

  _scl_network_port_check_up (outer, name, problems);
  _scl_network_port_check_mac (outer, port->mac, problems);
  if (outer == NULL)
    return;
  if (g_strcmp0 (outer->alias, mark) != 0)
    add (problems, "link %s has lost its mark", name);
  if ((outer->flags & IFF_NOARP) == 0)
    add (problems, "link %s answers ARP", name);
  if (outer->group != SCL_GROUP_NIC)
    add (problems, "link %s has another group", name);
  _scl_network_port_check_alone (outer, "", problems);
  _scl_link_settings_check (_scl_wishes_nic, outer, "", problems);
}

/* A bridge that is down has ports that are disabled. */
static void
check_settings (const SclLink *inner, const SclLink *bridge, GPtrArray *problems)
{
  SclLink port = *inner;

  if (bridge == NULL || (bridge->flags & IFF_UP) == 0)
    port.settings[SCL_PORT_STATE] = SCL_LINK_UNKNOWN;
  _scl_link_settings_check (_scl_wishes_port, &port, " in the namespace", problems);
}

static void
check_inner (const char *prefix, const SclPort *port, const SclLink *inner, const SclLink *bridge,
             GPtrArray *problems)
{
  g_autofree char *link = _scl_names_nic (prefix, SCL_LINK_NIC, port->vm, port->index);
  g_autofree char *name = g_strdup_printf ("%s-%u", port->vm, port->index);
  g_autofree char *mark = _scl_names_mark (prefix, name);
  g_autofree char *mac = _scl_network_links_mac (prefix, "port", name);

  _scl_network_port_check_up (inner, link, problems);
  _scl_network_port_check_mac (inner, mac, problems);
  if (inner != NULL && bridge != NULL && inner->master != bridge->index)
    add (problems, "link %s is no port of %s", link, SCL_NS_BRIDGE);
  if (inner != NULL && g_strcmp0 (inner->alias, mark) != 0)
    add (problems, "the port %s has lost its mark", link);
  if (inner != NULL)
    check_settings (inner, bridge, problems);
}

static gboolean
is_pair (const SclLink *outer, const SclLink *inner)
{
  return outer->peer == inner->index && inner->peer == outer->index;
}

void
_scl_network_port_check (const char *prefix, const SclPort *port, GPtrArray *root_links,
                         GPtrArray *inner_links, GPtrArray *problems)
{
  g_autofree char *link = _scl_names_nic (prefix, SCL_LINK_NIC, port->vm, port->index);
  g_autofree char *name = g_strdup_printf ("%s-%u", port->vm, port->index);
  g_autofree char *mark = _scl_names_mark (prefix, name);
  const SclLink *outer = _scl_links_find (root_links, link);
  const SclLink *inner = _scl_links_find (inner_links, link);

  check_outer (prefix, port, outer, mark, problems);
  check_inner (prefix, port, inner, _scl_links_find (inner_links, SCL_NS_BRIDGE), problems);
  if (outer != NULL && inner != NULL && !is_pair (outer, inner))
    add (problems, "link %s in the host is not the other end of the port", link);
  _scl_network_tap_check (root_links, prefix, port, outer, problems);
}

gboolean
_scl_network_port_is_right (const char *prefix, const SclPort *port, GPtrArray *root_links,
                            GPtrArray *inner_links)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);

  _scl_network_port_check (prefix, port, root_links, inner_links, problems);
  return problems->len == 0;
}

gboolean
_scl_network_port_is_wired (const char *prefix, const SclPort *port, GPtrArray *root_links,
                            GPtrArray *inner_links)
{
  g_autofree char *link = _scl_names_nic (prefix, SCL_LINK_NIC, port->vm, port->index);
  const SclLink *outer = _scl_links_find (root_links, link);
  const SclLink *inner = _scl_links_find (inner_links, link);

  return outer != NULL && inner != NULL && is_pair (outer, inner)
         && _scl_network_tap_is_there (root_links, prefix, port, outer);
}
