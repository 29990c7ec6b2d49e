/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-uplink-routes-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-address-text-private.h"
#include <linux/rtnetlink.h>

#define N_ROUTES 2

/* As the kernel makes them, so that they go with the address. Every uplink has the same one: there are as
 * many local routes to it. */
static void
list_wanted (const SclLinkAddress *address, SclRoute wanted[N_ROUTES])
{
  wanted[0] = (SclRoute){ .destination = address->local, .source = address->local,
                          .prefix_length = 32, .table = RT_TABLE_LOCAL, .index = address->index,
                          .protocol = RTPROT_KERNEL, .type = RTN_LOCAL, .scope = RT_SCOPE_HOST };
  wanted[1] = (SclRoute){ .destination = address->peer, .source = address->local,
                          .prefix_length = 32, .table = RT_TABLE_MAIN, .index = address->index,
                          .protocol = RTPROT_KERNEL, .type = RTN_UNICAST, .scope = RT_SCOPE_LINK };
}

static gboolean
has_route (GArray *routes, const SclRoute *route)
{
  for (guint i = 0; i < routes->len; i++)
    if (_scl_route_equal (&g_array_index (routes, SclRoute, i), route))
      return TRUE;
  return FALSE;
}

static char *
route_text (const SclLink *link, const SclRoute *route)
{
  g_autoptr (GInetAddress) address = _scl_address_from_number (route->destination);
  g_autofree char *to = g_inet_address_to_string (address);

  return g_strdup_printf ("the route to %s/32 through %s%s", to, link->name,
                          route->table == RT_TABLE_LOCAL ? " (table 255)" : "");
}

void
_scl_uplink_routes_check (GArray *routes, const SclLink *link, const SclLinkAddress *address,
                          GPtrArray *problems)
{
  SclRoute wanted[N_ROUTES];

  list_wanted (address, wanted);
  for (guint i = 0; i < N_ROUTES; i++)
    {
      g_autofree char *text = route_text (link, &wanted[i]);

      if (!has_route (routes, &wanted[i]))
        g_ptr_array_add (problems, g_strdup_printf ("%s is missing", text));
    }
}

gboolean
_scl_uplink_routes_ensure (SclNetlink *root, const SclLink *link, const SclLinkAddress *address,
                           GError **error)
{
  SclRoute wanted[N_ROUTES];

  list_wanted (address, wanted);
  for (guint i = 0; i < N_ROUTES; i++)
    {
      int rc = _scl_netlink_add_route (root, &wanted[i]);
      g_autofree char *text = rc < 0 ? route_text (link, &wanted[i]) : NULL;

      if (rc < 0)
        return scl_throw_errno (error, -rc, "%s: cannot add it", text);
    }
  return TRUE;
}
