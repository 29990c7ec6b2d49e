/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Specs and wirings for tests of the VM backend. */

#include "backend/vm/scl-vm-backend-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <scl/scl-disk-spec.h>
#include <scl/scl-nic-spec.h>

typedef struct
{
  const char *name;
  guint cores;        /* 0: 1 */
  guint64 memory_mib; /* 0: 128 */
  SclFirmware firmware;
  SclAccelerator accelerator;
  guint n_nics;
  gboolean seed;
} VmPlan;

static inline SclVmSpec *
vm_plan_to_spec (const VmPlan *plan)
{
  g_autoptr (GPtrArray) disk_specs = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) nic_specs = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GListModel) disks = NULL;
  g_autoptr (GListModel) nics = NULL;

  g_ptr_array_add (disk_specs, scl_disk_spec_new (plan->name, "/images/image.raw", 0));
  for (guint i = 0; i < plan->n_nics; i++)
    g_ptr_array_add (nic_specs, scl_nic_spec_new ("default", NULL));
  disks = _scl_list_new (SCL_TYPE_DISK_SPEC, disk_specs);
  nics = _scl_list_new (SCL_TYPE_NIC_SPEC, nic_specs);
  return g_object_new (SCL_TYPE_VM_SPEC, "name", plan->name, "cores", MAX (plan->cores, 1u),
                       "memory-mib", plan->memory_mib > 0 ? plan->memory_mib : (guint64) 128,
                       "firmware", plan->firmware, "accelerator", plan->accelerator,
                       "user-config-file", plan->seed ? "/config/user.yaml" : NULL, "disks", disks,
                       "nics", nics, NULL);
}

/* Files under FOLDER, names of the instance PREFIX. */
static inline SclVmWiring *
vm_plan_to_wiring (const VmPlan *plan, const char *prefix, const char *folder)
{
  SclVmWiring *wiring = _scl_vm_wiring_new ();
  g_autofree char *disk = g_strconcat (plan->name, ".raw", NULL);
  g_autofree char *own = g_build_filename (folder, "vms", plan->name, NULL);

  g_ptr_array_add (wiring->disk_paths, g_build_filename (folder, "volumes", disk, NULL));
  wiring->seed_path = plan->seed ? g_build_filename (own, "seed.iso", NULL) : NULL;
  wiring->nvram_path = g_build_filename (own, "VARS.fd", NULL);
  wiring->log_path = g_build_filename (own, "console.log", NULL);
  for (guint i = 0; i < plan->n_nics; i++)
    {
      g_ptr_array_add (wiring->macs, _scl_names_mac ("machine", prefix, plan->name, i));
      g_ptr_array_add (wiring->tap_links, _scl_names_nic (prefix, SCL_LINK_MACVTAP, plan->name, i));
    }
  return wiring;
}
