/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker.h"

#include "backend/network/scl-kernel-networks-private.h"
#include "backend/network/scl-netlink-private.h"
#include "backend/network/scl-nft-table-private.h"
#include "backend/network/scl-ruleset-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

/* A network by SCL's backend, by libvirt's network driver, and the text of SCL's rules for those
 * who build the same by hand. */

static SclNetworkBackend *backend;
static virConnectPtr hypervisor;
static virNetworkPtr virtual_network;

static SclNetworkSpec *
first_network (void)
{
  return _scl_list_peek (scl_manifest_get_networks (bench_manifest), 0);
}

SclHostTarget *
bench_host_target (gboolean with_network)
{
  SclHostTarget *target = _scl_host_target_new (
      with_network ? scl_manifest_get_gateway_interface (bench_manifest) : NULL);

  if (with_network)
    g_ptr_array_add (target->networks, g_object_ref (first_network ()));
  return target;
}

char *
bench_network_rules (const char *prefix)
{
  g_autoptr (GPtrArray) ports = g_ptr_array_new ();
  g_autoptr (GArray) addresses = g_array_new (FALSE, FALSE, sizeof (SclLinkAddress));
  g_autoptr (SclNetworkGuard) guard = _scl_network_guard_new (addresses);
  g_autoptr (SclNftTable) network = _scl_ruleset_network (prefix, first_network (), guard);
  g_autoptr (SclNftTable) bridge = _scl_ruleset_ports (prefix, first_network (), ports);
  GString *text = g_string_new (NULL);

  _scl_nft_table_append_text (network, text);
  _scl_nft_table_append_text (bridge, text);
  return g_string_free (text, FALSE);
}

char *
bench_host_rules (const char *prefix)
{
  SclHostTarget *target = bench_host_target (TRUE);
  g_autoptr (GPtrArray) uplinks = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) nics = g_ptr_array_new ();
  g_autoptr (GPtrArray) externals = _scl_host_target_list_externals (target, prefix);
  SclHostRules rules = { .gateway_interface = target->gateway_interface, .uplinks = uplinks,
                         .externals = externals, .nics = nics, .closed = TRUE };
  g_autoptr (SclNftTable) table = NULL;
  GString *text = g_string_new (NULL);

  g_ptr_array_add (uplinks, _scl_names_link (prefix, SCL_LINK_UPLINK,
                                             scl_network_spec_get_name (first_network ())));
  table = _scl_ruleset_host (prefix, &rules);
  _scl_nft_table_append_text (table, text);
  _scl_host_target_free (target);
  return g_string_free (text, FALSE);
}

static gboolean
do_rules (char **words, GError **error)
{
  g_autofree char *network = bench_network_rules (words[0]);
  g_autofree char *host = bench_host_rules (words[0]);

  return g_file_set_contents (words[1], network, -1, error)
         && g_file_set_contents (words[2], host, -1, error);
}

static gboolean
do_open (char **words, GError **error)
{
  g_clear_object (&backend);
  backend = _scl_kernel_networks_new (BENCH_PREFIX, error);
  return backend != NULL;
}

static gboolean
ensure_host (gboolean with_network, GError **error)
{
  SclHostTarget *target = bench_host_target (with_network);
  gboolean done = _scl_network_backend_ensure_host (backend, target, NULL, error);

  _scl_host_target_free (target);
  return done;
}

static gboolean
do_create (char **words, GError **error)
{
  g_autoptr (GPtrArray) targets
      = g_ptr_array_new_with_free_func ((GDestroyNotify) _scl_network_target_free);

  g_ptr_array_add (targets, _scl_network_target_new (first_network ()));
  return ensure_host (TRUE, error) && _scl_network_backend_ensure (backend, targets, NULL, error);
}

static gboolean
do_delete (char **words, GError **error)
{
  return _scl_network_backend_remove (backend, scl_network_spec_get_name (first_network ()), NULL,
                                      error)
         && ensure_host (FALSE, error);
}

static gboolean
throw_virt (GError **error)
{
  return scl_throw (error, SCL_ERROR_BACKEND, "libvirt: %s", virGetLastErrorMessage ());
}

/* URI, file with the network's XML. */
static gboolean
do_virt_open (char **words, GError **error)
{
  g_autofree char *xml = NULL;

  if (!g_file_get_contents (words[1], &xml, NULL, error))
    return FALSE;
  hypervisor = virConnectOpen (words[0]);
  virtual_network = hypervisor != NULL ? virNetworkDefineXML (hypervisor, xml) : NULL;
  return virtual_network != NULL || throw_virt (error);
}

static gboolean
do_virt_start (char **words, GError **error)
{
  return virNetworkCreate (virtual_network) == 0 || throw_virt (error);
}

static gboolean
do_virt_destroy (char **words, GError **error)
{
  return virNetworkDestroy (virtual_network) == 0 || throw_virt (error);
}

const BenchCommand bench_network_commands[] = {
  { "network-rules", 3, do_rules },       { "network-open", 0, do_open },
  { "network-create", 0, do_create },     { "network-delete", 0, do_delete },
  { "virt-network-open", 2, do_virt_open }, { "virt-network-start", 0, do_virt_start },
  { "virt-network-destroy", 0, do_virt_destroy }, { NULL, 0, NULL },
};
