/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-kernel-networks-private.h"
#include "backend/network/scl-host-network-private.h"
#include "backend/network/scl-host-strays-private.h"
#include "backend/network/scl-netns-private.h"
#include "backend/network/scl-network-builder-private.h"
#include "backend/network/scl-network-observer-private.h"
#include "backend/network/scl-network-preflight-private.h"
#include "backend/network/scl-nft-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-address-text-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <string.h>

#define WORKERS_MAX 8

struct _SclKernelNetworks
{
  GObject parent_instance;
  char *prefix;
  char *run_dir;
  GMutex lock;        /* of the two below */
  GPtrArray *tables;  /* the root namespace's ruleset … */
  guint32 generation; /* … at this generation; 0: none */
};

static void scl_kernel_networks_iface_init (SclNetworkBackendInterface *iface);

G_DEFINE_TYPE_WITH_CODE (SclKernelNetworks, _scl_kernel_networks, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (SCL_TYPE_NETWORK_BACKEND,
                                                scl_kernel_networks_iface_init))

static void
scl_kernel_networks_finalize (GObject *object)
{
  SclKernelNetworks *self = SCL_KERNEL_NETWORKS (object);

  g_clear_pointer (&self->tables, g_ptr_array_unref);
  g_free (self->prefix);
  g_free (self->run_dir);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (_scl_kernel_networks_parent_class)->finalize (object);
}

static void
_scl_kernel_networks_class_init (SclKernelNetworksClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_kernel_networks_finalize;
}

static void
_scl_kernel_networks_init (SclKernelNetworks *self)
{
  g_mutex_init (&self->lock);
}

SclNetworkBackend *
_scl_kernel_networks_new_at (const char *prefix, const char *run_dir, GError **error)
{
  SclKernelNetworks *self;

  if (_scl_names_check_prefix (prefix) != NULL)
    return scl_null_throw (error, SCL_ERROR_INVALID, "prefix \"%s\" %s", prefix,
                           _scl_names_check_prefix (prefix));
  self = g_object_new (SCL_TYPE_KERNEL_NETWORKS, NULL);
  self->prefix = g_strdup (prefix);
  self->run_dir = g_strdup (run_dir);
  return SCL_NETWORK_BACKEND (self);
}

SclNetworkBackend *
_scl_kernel_networks_new (const char *prefix, GError **error)
{
  return _scl_kernel_networks_new_at (prefix, SCL_RUN_DIR, error);
}

/* --- the root namespace's ruleset --- */

/* What a rule of somebody else does is known to nft only. */
static gboolean
are_all_ours (GPtrArray *tables, const char *prefix)
{
  for (guint i = 0; i < tables->len; i++)
    if (strcmp (((SclNftTable *) tables->pdata[i])->name, prefix) != 0)
      return FALSE;
  return TRUE;
}

/* What nft 1.0.6 prints as a table's flags is something else. */
static void
take_flags (GPtrArray *tables, GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    {
      const SclNftTable *source = from->pdata[i];
      SclNftTable *table = _scl_nft_tables_find (tables, source->family, source->name);

      if (table != NULL)
        table->flags = source->flags;
    }
}

/* Of a dormant table nft 1.0.6 may print a document that breaks off. */
static void
blame_dormant (GPtrArray *tables, GError **error)
{
  for (guint i = 0; i < tables->len; i++)
    {
      const SclNftTable *table = tables->pdata[i];

      if ((table->flags & NFT_TABLE_F_DORMANT) == 0)
        continue;
      (void) scl_prefix (error, "nft table %s %s is dormant, which this nft cannot list as JSON: wake it (nft add table %s %s) "
                         "or delete it", table->family, table->name, table->family, table->name);
      return;
    }
}

static GPtrArray *
read_root_tables (SclKernelNetworks *self, SclNetlink *sock, GCancellable *cancellable,
                  GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GPtrArray) tables = _scl_nft_read (sock, &local_error);
  g_autoptr (GPtrArray) listed = NULL;

  if (tables != NULL && are_all_ours (tables, self->prefix))
    return g_steal_pointer (&tables);
  /* Where others change theirs all the time, the next look finds the flags. */
  if (tables == NULL && !g_error_matches (local_error, SCL_ERROR, SCL_ERROR_TIMEOUT))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  listed = _scl_nft_list (-1, cancellable, error);
  if (listed != NULL && tables != NULL)
    take_flags (listed, tables);
  else if (tables != NULL)
    blame_dormant (tables, error);
  return g_steal_pointer (&listed);
}

/* Between two calls of one apply nothing has changed. */
static GPtrArray *
list_root_tables (SclKernelNetworks *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclNetlink) sock = _scl_netlink_open (-1, NETLINK_NETFILTER, error);
  guint32 generation = sock == NULL ? 0 : _scl_nft_read_generation (sock);
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  if (sock == NULL)
    return NULL;
  if (generation == 0 || generation != self->generation || self->tables == NULL)
    {
      g_autoptr (GPtrArray) tables = read_root_tables (self, sock, cancellable, error);

      if (tables == NULL)
        return NULL;
      g_clear_pointer (&self->tables, g_ptr_array_unref);
      self->tables = g_steal_pointer (&tables);
      self->generation = generation;
    }
  return g_ptr_array_ref (self->tables);
}

/* --- observe --- */

/* Names shared out to a few threads. */
typedef struct
{
  SclKernelNetworks *self;
  GPtrArray *names;
  SclRootReading root;
  GCancellable *cancellable;
  GPtrArray *found; /* by position in NAMES; NULL: absent */
  GHashTable *peers; /* what _scl_host_network_list_peers lists; under the lock of SELF */
  GError **errors;
  int next;
} Sweep;

static gpointer
sweep_thread (gpointer data)
{
  Sweep *sweep = data;
  g_autoptr (GArray) peers = g_array_new (FALSE, FALSE, sizeof (int));
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = NULL;
  guint i;

  while ((i = (guint)g_atomic_int_add (&sweep->next, 1)) < sweep->names->len)
    {
      SclObservedNetwork *network = NULL;

      if (!g_cancellable_set_error_if_cancelled (sweep->cancellable, &sweep->errors[i])
          && _scl_network_observer_read (sweep->self->prefix, sweep->names->pdata[i],
                                         &sweep->root, peers, &network, &sweep->errors[i]))
        sweep->found->pdata[i] = network;
    }
  locker = g_mutex_locker_new (&sweep->self->lock);
  for (i = 0; i < peers->len; i++)
    g_hash_table_add (sweep->peers, GINT_TO_POINTER (g_array_index (peers, int, i)));
  return NULL;
}

static gboolean
sweep_run (Sweep *sweep, SclObservation *out, GError **error)
{
  GThread *threads[WORKERS_MAX] = { NULL };
  guint n = MIN (MIN (sweep->names->len, WORKERS_MAX), 2 * g_get_num_processors ());
  gboolean done = TRUE;

  for (guint i = 1; i < n; i++)
    threads[i] = g_thread_try_new ("scl-observe", sweep_thread, sweep, NULL);
  (void)sweep_thread (sweep);
  for (guint i = 1; i < n; i++)
    if (threads[i] != NULL)
      g_thread_join (threads[i]);
  for (guint i = 0; i < sweep->names->len; i++)
    {
      if (sweep->found->pdata[i] != NULL)
        g_ptr_array_add (out->networks, g_steal_pointer (&sweep->found->pdata[i]));
      if (sweep->errors[i] == NULL)
        continue;
      g_prefix_error (&sweep->errors[i], "network \"%s\": ", (char *)sweep->names->pdata[i]);
      if (done)
        g_propagate_error (error, g_steal_pointer (&sweep->errors[i]));
      g_clear_error (&sweep->errors[i]);
      done = FALSE;
    }
  return done;
}

/* Every namespace that has our prefix, and every name that is wanted. */
static GPtrArray *
names_to_observe (SclKernelNetworks *self, SclManifest *desired)
{
  g_autofree char *start = g_strconcat (self->prefix, "-", NULL);
  GPtrArray *names = _scl_netns_list (start);
  SclNetworkSpec *spec;

  for (guint i = 0; i < names->len; i++)
    {
      char *name = names->pdata[i];

      names->pdata[i] = g_strdup (name + strlen (start));
      g_free (name);
    }
  for (guint i = 0;
       desired != NULL && (spec = _scl_list_peek (scl_manifest_get_networks (desired), i)) != NULL;
       i++)
    if (!g_ptr_array_find_with_equal_func (names, scl_network_spec_get_name (spec), g_str_equal,
                                           NULL))
      g_ptr_array_add (names, g_strdup (scl_network_spec_get_name (spec)));
  return names;
}

/* A namespace that only looks like ours is nobody's business unless its name is wanted. */
static void
drop_strangers (SclObservation *out, SclManifest *desired)
{
  for (guint i = out->networks->len; i > 0; i--)
    {
      SclObservedNetwork *network = out->networks->pdata[i - 1];

      if (network->foreign
          && (desired == NULL || scl_manifest_lookup_network (desired, network->name) == NULL))
        g_ptr_array_remove_index (out->networks, i - 1);
    }
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  const SclObservedNetwork *one = *(const SclObservedNetwork *const *)a;
  const SclObservedNetwork *other = *(const SclObservedNetwork *const *)b;

  return strcmp (one->name, other->name);
}

static gboolean
scl_kernel_networks_observe (SclNetworkBackend *backend, SclManifest *desired, SclObservation *out,
                             GCancellable *cancellable, GError **error)
{
  SclKernelNetworks *self = SCL_KERNEL_NETWORKS (backend);
  g_autoptr (SclNetlink) root = _scl_netlink_open (-1, NETLINK_ROUTE, error);
  g_autoptr (GPtrArray) links = root == NULL ? NULL : _scl_netlink_list_links (root, error);
  g_autoptr (GArray) addresses = links == NULL ? NULL : _scl_netlink_list_addresses (root, error);
  g_autoptr (GArray) routes = addresses == NULL ? NULL : _scl_netlink_list_routes (root, error);
  g_autoptr (GPtrArray) tables
      = routes == NULL ? NULL : list_root_tables (self, cancellable, error);
  g_autoptr (GHashTable) peers = g_hash_table_new (g_direct_hash, g_direct_equal);
  g_autoptr (GPtrArray) names = names_to_observe (self, desired);
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autofree GError **errors = g_new0 (GError *, names->len + 1);
  Sweep sweep = { self,        names, { links, addresses, routes },
                  cancellable, found, peers, errors, 0 };
  SclHostNetwork host = { self->prefix, self->run_dir, tables };

  if (tables == NULL)
    return FALSE;
  g_ptr_array_set_size (found, (int)names->len);
  if (!sweep_run (&sweep, out, error)
      || !_scl_host_network_observe (&host, links, peers, out->networks, &out->host, error))
    return FALSE;
  _scl_host_strays_check (self->prefix, &sweep.root, out->host.problems, out->host.notes);
  drop_strangers (out, desired);
  /* The networks only: the VMs are being read by another thread. */
  g_ptr_array_sort (out->networks, compare_names);
  return TRUE;
}

/* --- the other methods --- */

static gboolean
scl_kernel_networks_preflight (SclNetworkBackend *backend, SclManifest *manifest,
                               GPtrArray *diagnostics, GCancellable *cancellable, GError **error)
{
  SclKernelNetworks *self = SCL_KERNEL_NETWORKS (backend);
  g_autoptr (GPtrArray) tables = NULL;

  if (g_list_model_get_n_items (scl_manifest_get_networks (manifest)) == 0
      || !_scl_network_preflight_check_tools (diagnostics))
    return TRUE;
  tables = list_root_tables (self, cancellable, error);
  return tables != NULL
         && _scl_network_preflight_run (self->prefix, manifest, tables, diagnostics, error);
}

static gboolean
scl_kernel_networks_ensure_host (SclNetworkBackend *backend, const SclHostTarget *target,
                                 const SclProgress *progress, GError **error)
{
  SclKernelNetworks *self = SCL_KERNEL_NETWORKS (backend);
  GCancellable *cancellable = progress == NULL ? NULL : progress->cancellable;
  g_autoptr (GPtrArray) tables = NULL;
  SclHostNetwork host = { self->prefix, self->run_dir, NULL };

  if (_scl_progress_is_cancelled (progress, error))
    return FALSE;
  tables = list_root_tables (self, cancellable, error);
  host.tables = tables;
  return tables != NULL && _scl_host_network_ensure (&host, target, progress, error);
}

static gboolean
scl_kernel_networks_ensure (SclNetworkBackend *backend, GPtrArray *targets,
                            const SclProgress *progress, GError **error)
{
  SclKernelNetworks *self = SCL_KERNEL_NETWORKS (backend);

  return _scl_network_builder_ensure (self->prefix, self->run_dir, targets, progress, error);
}

static gboolean
scl_kernel_networks_remove (SclNetworkBackend *backend, const char *name,
                            const SclProgress *progress, GError **error)
{
  return _scl_network_builder_remove (SCL_KERNEL_NETWORKS (backend)->prefix, name, progress, error);
}

static GPtrArray *
scl_kernel_networks_list_neighbours (SclNetworkBackend *backend, const char *network,
                                     const char *mac)
{
  SclKernelNetworks *self = SCL_KERNEL_NETWORKS (backend);
  g_autofree char *name = _scl_names_namespace (self->prefix, network);
  g_auto (SclFd) fd = -1;
  g_autoptr (SclNetlink) inner = NULL;
  g_autoptr (SclLink) bridge = NULL;
  g_autoptr (GArray) found = NULL;
  g_autoptr (GPtrArray) addresses = NULL;

  if (_scl_netns_open (name, &fd) != SCL_NETNS_FOUND)
    return NULL;
  inner = _scl_netlink_open (fd, NETLINK_ROUTE, NULL);
  if (inner == NULL || !_scl_netlink_lookup_link (inner, SCL_NS_BRIDGE, &bridge, NULL)
      || bridge == NULL)
    return NULL;
  found = _scl_netlink_list_neighbours (inner, bridge->index, mac, NULL);
  if (found == NULL)
    return NULL;
  addresses = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < found->len; i++)
    g_ptr_array_add (addresses, _scl_address_from_number (g_array_index (found, guint32, i)));
  return g_steal_pointer (&addresses);
}

static void
scl_kernel_networks_iface_init (SclNetworkBackendInterface *iface)
{
  iface->preflight = scl_kernel_networks_preflight;
  iface->observe = scl_kernel_networks_observe;
  iface->ensure_host = scl_kernel_networks_ensure_host;
  iface->ensure = scl_kernel_networks_ensure;
  iface->remove = scl_kernel_networks_remove;
  iface->list_neighbours = scl_kernel_networks_list_neighbours;
}
