/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/scl-target-private.h"
#include "model/scl-names-private.h"
#include <string.h>

SclNetworkTarget *
_scl_network_target_new (SclNetworkSpec *spec)
{
  SclNetworkTarget *self = g_new0 (SclNetworkTarget, 1);

  self->spec = g_object_ref (spec);
  self->ports = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_port_free);
  return self;
}

void
_scl_network_target_free (SclNetworkTarget *self)
{
  g_object_unref (self->spec);
  g_ptr_array_unref (self->ports);
  g_free (self);
}

SclHostTarget *
_scl_host_target_new (const char *gateway_interface)
{
  SclHostTarget *self = g_new0 (SclHostTarget, 1);

  self->gateway_interface = g_strdup (gateway_interface);
  self->networks = g_ptr_array_new_with_free_func (g_object_unref);
  self->ports = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_port_free);
  return self;
}

void
_scl_host_target_free (SclHostTarget *self)
{
  g_free (self->gateway_interface);
  g_ptr_array_unref (self->networks);
  g_ptr_array_unref (self->ports);
  g_free (self);
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
_scl_host_target_list_links (const SclHostTarget *self, const char *prefix)
{
  GPtrArray *links = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < self->networks->len; i++)
    g_ptr_array_add (links, _scl_names_link (prefix, SCL_LINK_UPLINK,
                                             scl_network_spec_get_name (self->networks->pdata[i])));
  for (guint i = 0; i < self->ports->len; i++)
    {
      const SclPort *port = self->ports->pdata[i];

      g_ptr_array_add (links, _scl_names_nic (prefix, SCL_LINK_NIC, port->vm, port->index));
      g_ptr_array_add (links, _scl_names_nic (prefix, SCL_LINK_MACVTAP, port->vm, port->index));
    }
  g_ptr_array_sort (links, compare_strings);
  return links;
}

GPtrArray *
_scl_host_target_list_externals (const SclHostTarget *self, const char *prefix)
{
  GPtrArray *externals = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < self->networks->len; i++)
    {
      SclNetworkSpec *spec = self->networks->pdata[i];
      GInetAddress *external = scl_network_spec_get_external_ip (spec);
      g_autofree char *link = NULL;
      g_autofree char *text = NULL;

      if (external == NULL)
        continue;
      link = _scl_names_link (prefix, SCL_LINK_UPLINK, scl_network_spec_get_name (spec));
      text = g_inet_address_to_string (external);
      g_ptr_array_add (externals, g_strdup_printf ("%s %s", link, text));
    }
  g_ptr_array_sort (externals, compare_strings);
  return externals;
}
