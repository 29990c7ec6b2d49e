/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker.h"

#include "backend/memory/scl-memory-host-private.h"
#include "backend/network/scl-kernel-networks-private.h"
#include "backend/vm/scl-domain-def-private.h"
#include "backend/vm/scl-libvirt-vms-private.h"
#include "backend/volume/scl-file-volumes-private.h"
#include "engine/scl-engine-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

/* Volumes, VMs, and whole plans and applies; each backend real or simulated. */

static SclVolumeBackend *volumes;
static SclVmBackend *vms;
static SclEngine *engine;
static virConnectPtr bare;
static char *bare_xml;

static SclVmSpec *
first_vm (void)
{
  return _scl_list_peek (scl_manifest_get_vms (bench_manifest), 0);
}

static gboolean
throw_virt (GError **error)
{
  return scl_throw (error, SCL_ERROR_BACKEND, "libvirt: %s", virGetLastErrorMessage ());
}

/* --- volumes --- */

/* STATE. */
static gboolean
do_volume_open (char **words, GError **error)
{
  g_clear_object (&volumes);
  volumes = _scl_file_volumes_new (words[0], NULL, BENCH_PREFIX, NULL, error);
  return volumes != NULL;
}

static gboolean
do_volume_create (char **words, GError **error)
{
  SclDiskSpec *disk = _scl_list_peek (scl_vm_spec_get_disks (first_vm ()), 0);

  return _scl_volume_backend_create (volumes, disk, scl_vm_spec_get_name (first_vm ()), NULL,
                                     error);
}

static gboolean
do_volume_remove (char **words, GError **error)
{
  return _scl_volume_backend_remove (volumes, scl_vm_spec_get_name (first_vm ()), NULL, NULL, error);
}

/* --- one VM --- */

static SclVmWiring *
make_wiring (const char *state)
{
  const char *name = scl_vm_spec_get_name (first_vm ());
  g_autofree char *file = g_strconcat (name, ".raw", NULL);
  SclVmWiring *wiring = _scl_vm_wiring_new ();

  g_ptr_array_add (wiring->disk_paths, g_build_filename (state, "volumes", file, NULL));
  wiring->nvram_path = g_build_filename (state, "vms", name, SCL_NVRAM_FILE, NULL);
  wiring->log_path = g_build_filename (state, "vms", name, SCL_CONSOLE_LOG_FILE, NULL);
  g_ptr_array_add (wiring->macs, _scl_names_mac ("bench", BENCH_PREFIX, name, 0));
  g_ptr_array_add (wiring->tap_links, _scl_names_nic (BENCH_PREFIX, SCL_LINK_MACVTAP, name, 0));
  return wiring;
}

/* URI STATE. */
static gboolean
do_vm_open (char **words, GError **error)
{
  vms = _scl_libvirt_vms_new (words[0], BENCH_PREFIX, words[1], NULL, error);
  return vms != NULL;
}

static gboolean
do_vm_close (char **words, GError **error)
{
  g_clear_object (&vms);
  return TRUE;
}

/* STATE. */
static gboolean
do_vm_start (char **words, GError **error)
{
  g_autoptr (SclVmWiring) wiring = make_wiring (words[0]);

  return _scl_vm_backend_define (vms, first_vm (), wiring, NULL, error)
         && _scl_vm_backend_start (vms, scl_vm_spec_get_name (first_vm ()), NULL, error);
}

/* URI STATE: the text that SCL would hand to libvirt. */
static gboolean
do_bare_open (char **words, GError **error)
{
  g_autoptr (SclVmWiring) wiring = make_wiring (words[1]);
  g_autoptr (SclDomainDef) def
      = _scl_domain_def_from_spec (BENCH_PREFIX, first_vm (), wiring, FALSE, NULL, error);

  if (def == NULL)
    return FALSE;
  bare_xml = _scl_domain_def_to_xml (def);
  bare = virConnectOpen (words[0]);
  return bare != NULL || throw_virt (error);
}

static gboolean
do_bare_start (char **words, GError **error)
{
  virDomainPtr domain = virDomainDefineXML (bare, bare_xml);
  gboolean done = domain != NULL && virDomainCreate (domain) == 0;

  if (domain != NULL)
    virDomainFree (domain);
  return done || throw_virt (error);
}

static gboolean
do_bare_clean (char **words, GError **error)
{
  g_autofree char *name = _scl_names_domain (BENCH_PREFIX, scl_vm_spec_get_name (first_vm ()));
  virDomainPtr domain = virDomainLookupByName (bare, name);
  gboolean done = domain != NULL && virDomainDestroy (domain) == 0
                  && virDomainUndefineFlags (domain, VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) == 0;

  if (domain != NULL)
    virDomainFree (domain);
  return done || throw_virt (error);
}

/* --- many domains --- */

/* URI. */
static gboolean
do_list_open (char **words, GError **error)
{
  bare = virConnectOpen (words[0]);
  return bare != NULL || throw_virt (error);
}

/* COUNT: as many must be there. */
static gboolean
do_list (char **words, GError **error)
{
  virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (bare, &domains, 0);
  gboolean done = n >= 0;

  for (int i = 0; i < n; i++)
    {
      char *xml = virDomainGetXMLDesc (domains[i], VIR_DOMAIN_XML_INACTIVE);

      done = done && xml != NULL;
      free (xml);
      virDomainFree (domains[i]);
    }
  free (domains);
  if (!done)
    return throw_virt (error);
  return n == atoi (words[0])
         || scl_throw (error, SCL_ERROR_FAILED, "%d domains, not %s", n, words[0]);
}

/* --- plan and apply --- */

static gboolean
is_memory (const char *word)
{
  return strcmp (word, "memory") == 0;
}

static SclNetworkBackend *
open_networks (const char *word, SclMemoryHost *host, GError **error)
{
  return is_memory (word) ? _scl_memory_networks_new (host)
                          : _scl_kernel_networks_new (BENCH_PREFIX, error);
}

static SclVolumeBackend *
open_volumes (const char *word, SclMemoryHost *host, GError **error)
{
  return is_memory (word) ? _scl_memory_volumes_new (host)
                          : _scl_file_volumes_new (word, NULL, BENCH_PREFIX, NULL, error);
}

static SclVmBackend *
open_vms (const char *word, const char *state, SclMemoryHost *host, GError **error)
{
  return is_memory (word) ? _scl_memory_vms_new (host)
                          : _scl_libvirt_vms_new (word, BENCH_PREFIX, state, NULL, error);
}

/* NETWORKS (kernel or memory), VOLUMES (a folder or memory), VMS (a libvirt URI or memory). */
static gboolean
do_engine_open (char **words, GError **error)
{
  g_autoptr (SclMemoryHost) host = _scl_memory_host_new (BENCH_PREFIX);
  g_autoptr (SclNetworkBackend) networks = open_networks (words[0], host, error);
  g_autoptr (SclVolumeBackend) disks
      = networks != NULL ? open_volumes (words[1], host, error) : NULL;
  g_autoptr (SclVmBackend) machines
      = disks != NULL ? open_vms (words[2], words[1], host, error) : NULL;

  g_clear_object (&engine);
  if (machines != NULL)
    engine = _scl_engine_new (BENCH_PREFIX, "bench", networks, disks, machines);
  return engine != NULL;
}

/* COUNT: as many steps it must have; "some" is any number but none. */
static gboolean
do_plan (char **words, GError **error)
{
  SclDriver *driver = SCL_DRIVER (engine);
  g_autoptr (SclPlan) plan = SCL_DRIVER_GET_IFACE (driver)->plan (driver, bench_manifest,
                                                                  SCL_APPLY_PRUNE, NULL, error);
  guint n = plan == NULL ? 0 : g_list_model_get_n_items (scl_plan_get_steps (plan));
  gboolean some = strcmp (words[0], "some") == 0;
  g_autofree char *text = NULL;

  if (plan == NULL)
    return FALSE;
  if (some ? n > 0 : n == (guint) atoi (words[0]))
    return TRUE;
  text = scl_plan_to_string (plan);
  return scl_throw (error, SCL_ERROR_FAILED, "%u steps, not %s: %.400s", n, words[0], text);
}

static gboolean
apply_work (SclOperation *operation, gpointer manifest, GCancellable *cancellable, GError **error)
{
  SclDriver *driver = SCL_DRIVER (engine);

  return SCL_DRIVER_GET_IFACE (driver)->apply (driver, manifest, SCL_APPLY_PRUNE, NULL,
                                               operation, cancellable, error);
}

static gboolean
apply (SclManifest *manifest, GError **error)
{
  g_autoptr (SclOperation) operation = _scl_operation_start (NULL, "bench", apply_work, manifest, NULL);

  return scl_operation_wait (operation, NULL, error);
}

static gboolean
do_apply (char **words, GError **error)
{
  return apply (bench_manifest, error);
}

static gboolean
do_apply_nothing (char **words, GError **error)
{
  g_autoptr (SclManifest) nothing = scl_manifest_new (NULL, NULL, NULL);

  return apply (nothing, error);
}

const BenchCommand bench_host_commands[] = {
  { "volume-open", 1, do_volume_open },
  { "volume-create", 0, do_volume_create },
  { "volume-remove", 0, do_volume_remove },
  { "vm-open", 2, do_vm_open },
  { "vm-close", 0, do_vm_close },
  { "vm-start", 1, do_vm_start },
  { "bare-open", 2, do_bare_open },
  { "bare-start", 0, do_bare_start },
  { "bare-clean", 0, do_bare_clean },
  { "list-open", 1, do_list_open },
  { "list", 1, do_list },
  { "engine-open", 3, do_engine_open },
  { "plan", 1, do_plan },
  { "apply", 0, do_apply },
  { "apply-nothing", 0, do_apply_nothing },
  { NULL, 0, NULL },
};
