/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <gio/gio.h>
#include <scl/scl-enums.h>
#include <scl/scl-macros.h>

G_BEGIN_DECLS

#define SCL_TYPE_VM_SPEC (scl_vm_spec_get_type ())
SCL_PUBLIC
G_DECLARE_FINAL_TYPE (SclVmSpec, scl_vm_spec, SCL, VM_SPEC, GObject)

SCL_PUBLIC SclVmSpec *scl_vm_spec_new (const char *name, GListModel *disks, GListModel *nics);
SCL_PUBLIC const char *scl_vm_spec_get_name (SclVmSpec *self);
SCL_PUBLIC guint scl_vm_spec_get_cores (SclVmSpec *self);
SCL_PUBLIC guint64 scl_vm_spec_get_memory_mib (SclVmSpec *self);
SCL_PUBLIC gboolean scl_vm_spec_get_auto_start (SclVmSpec *self);
SCL_PUBLIC SclFirmware scl_vm_spec_get_firmware (SclVmSpec *self);
SCL_PUBLIC SclAccelerator scl_vm_spec_get_accelerator (SclVmSpec *self);
SCL_PUBLIC guint scl_vm_spec_get_shutdown_timeout (SclVmSpec *self);
SCL_PUBLIC SclOnChange scl_vm_spec_get_on_change (SclVmSpec *self);
SCL_PUBLIC const char *scl_vm_spec_get_user_config_file (SclVmSpec *self);
SCL_PUBLIC const char *scl_vm_spec_get_network_config_file (SclVmSpec *self);
SCL_PUBLIC GListModel *scl_vm_spec_get_disks (SclVmSpec *self);
SCL_PUBLIC GListModel *scl_vm_spec_get_nics (SclVmSpec *self);
SCL_PUBLIC gboolean scl_vm_spec_has_seed (SclVmSpec *self);
SCL_PUBLIC gboolean scl_vm_spec_equal (SclVmSpec *self, SclVmSpec *other);

G_END_DECLS
