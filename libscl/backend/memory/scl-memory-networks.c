/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/memory/scl-memory-host-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-names-private.h"
#include <string.h>

#define SCL_TYPE_MEMORY_NETWORKS (_scl_memory_networks_get_type ())
G_DECLARE_FINAL_TYPE (SclMemoryNetworks, _scl_memory_networks, SCL, MEMORY_NETWORKS, GObject)

struct _SclMemoryNetworks
{
  GObject parent_instance;
  SclMemoryHost *host;
};

static SclNetworkTarget *
copy_target (const SclNetworkTarget *target)
{
  SclNetworkTarget *copy = _scl_network_target_new (target->spec);

  for (guint i = 0; i < target->ports->len; i++)
    {
      SclPort *port = _scl_port_copy (target->ports->pdata[i]);

      port->present = TRUE;
      g_ptr_array_add (copy->ports, port);
    }
  return copy;
}

static SclHostTarget *
copy_host (const SclHostTarget *target)
{
  SclHostTarget *copy = _scl_host_target_new (target->gateway_interface);

  for (guint i = 0; i < target->networks->len; i++)
    g_ptr_array_add (copy->networks, g_object_ref (target->networks->pdata[i]));
  for (guint i = 0; i < target->ports->len; i++)
    g_ptr_array_add (copy->ports, _scl_port_copy (target->ports->pdata[i]));
  return copy;
}

static void
observe_host (SclMemoryHost *host, SclObservation *out)
{
  g_autoptr (GPtrArray) links = NULL;
  g_autoptr (GPtrArray) externals = NULL;

  if (host->host == NULL)
    return;
  out->host.present = TRUE;
  out->host.gateway_interface = g_strdup (host->host->gateway_interface);
  links = _scl_host_target_list_links (host->host, host->prefix);
  externals = _scl_host_target_list_externals (host->host, host->prefix);
  g_ptr_array_extend_and_steal (out->host.links, g_steal_pointer (&links));
  g_ptr_array_extend_and_steal (out->host.externals, g_steal_pointer (&externals));
}

static gboolean
memory_networks_observe (SclNetworkBackend *backend, SclManifest *desired, SclObservation *out,
                         GCancellable *cancellable, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_NETWORKS (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);
  GHashTableIter iter;
  gpointer name, value;

  observe_host (host, out);
  g_hash_table_iter_init (&iter, host->networks);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      SclNetworkTarget *target = value;
      SclObservedNetwork *network = _scl_observed_network_new (name);

      network->spec = g_object_ref (target->spec);
      for (guint i = 0; i < target->ports->len; i++)
        g_ptr_array_add (network->ports, _scl_port_copy (target->ports->pdata[i]));
      g_ptr_array_add (out->networks, network);
    }
  return TRUE;
}

static gboolean
memory_networks_ensure_host (SclNetworkBackend *backend, const SclHostTarget *target,
                             const SclProgress *progress, GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_NETWORKS (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);

  if (!_scl_memory_host_may_change (host, error))
    return FALSE;
  g_clear_pointer (&host->host, _scl_host_target_free);
  if (target->networks->len > 0 || target->ports->len > 0)
    host->host = copy_host (target);
  return TRUE;
}

/* As the kernel does: an address and a pair are in one place only. */
static gboolean
check_conflicts (SclMemoryHost *host, GPtrArray *targets, SclNetworkTarget *target, GError **error)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, host->networks);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      SclNetworkTarget *other = value;
      gboolean together = FALSE;

      for (guint i = 0; i < targets->len; i++)
        together = together
                   || strcmp (name, scl_network_spec_get_name (
                                        ((SclNetworkTarget *) targets->pdata[i])->spec))
                          == 0;
      if (!together
          && _scl_address_equal (scl_network_spec_get_external_ip (other->spec),
                                 scl_network_spec_get_external_ip (target->spec)))
        return scl_throw (error, SCL_ERROR_IN_USE, "network \"%s\" still has the external IP",
                          (const char *) name);
    }
  return TRUE;
}

static void
take_port_from_others (SclMemoryHost *host, const SclPort *port)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, host->networks);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      GPtrArray *ports = ((SclNetworkTarget *) value)->ports;

      for (guint i = ports->len; i > 0; i--)
        if (((SclPort *) ports->pdata[i - 1])->index == port->index
            && strcmp (((SclPort *) ports->pdata[i - 1])->vm, port->vm) == 0)
          g_ptr_array_remove_index (ports, i - 1);
    }
}

static gboolean
memory_networks_ensure (SclNetworkBackend *backend, GPtrArray *targets, const SclProgress *progress,
                        GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_NETWORKS (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);

  for (guint i = 0; i < targets->len; i++)
    if (!check_conflicts (host, targets, targets->pdata[i], error))
      return FALSE;
  if (!_scl_memory_host_may_change (host, error))
    return FALSE;
  for (guint i = 0; i < targets->len; i++)
    {
      SclNetworkTarget *target = targets->pdata[i];

      for (guint p = 0; p < target->ports->len; p++)
        take_port_from_others (host, target->ports->pdata[p]);
    }
  for (guint i = 0; i < targets->len; i++)
    {
      SclNetworkTarget *target = targets->pdata[i];

      g_hash_table_replace (host->networks, g_strdup (scl_network_spec_get_name (target->spec)),
                            copy_target (target));
    }
  return TRUE;
}

static gboolean
memory_networks_remove (SclNetworkBackend *backend, const char *name, const SclProgress *progress,
                        GError **error)
{
  SclMemoryHost *host = SCL_MEMORY_NETWORKS (backend)->host;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host->mutex);

  if (!_scl_memory_host_may_change (host, error))
    return FALSE;
  g_hash_table_remove (host->networks, name);
  return TRUE;
}

static void
memory_networks_backend_init (SclNetworkBackendInterface *iface)
{
  iface->observe = memory_networks_observe;
  iface->ensure_host = memory_networks_ensure_host;
  iface->ensure = memory_networks_ensure;
  iface->remove = memory_networks_remove;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (SclMemoryNetworks, _scl_memory_networks, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SCL_TYPE_NETWORK_BACKEND,
                                                      memory_networks_backend_init))

static void
scl_memory_networks_finalize (GObject *object)
{
  g_object_unref (SCL_MEMORY_NETWORKS (object)->host);
  G_OBJECT_CLASS (_scl_memory_networks_parent_class)->finalize (object);
}

static void
_scl_memory_networks_class_init (SclMemoryNetworksClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_memory_networks_finalize;
}

static void
_scl_memory_networks_init (SclMemoryNetworks *self)
{
}

SclNetworkBackend *
_scl_memory_networks_new (SclMemoryHost *host)
{
  SclMemoryNetworks *self = g_object_new (SCL_TYPE_MEMORY_NETWORKS, NULL);

  self->host = g_object_ref (host);
  return SCL_NETWORK_BACKEND (self);
}
