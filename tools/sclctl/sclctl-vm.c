/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-objects.h"
#include "sclctl-verbs.h"

int
sclctl_vm_list (SclctlContext *context)
{
  return sclctl_list_objects (context, SCL_OBJECT_KIND_VM);
}

int
sclctl_vm_show (SclctlContext *context)
{
  return sclctl_show_object (context, SCL_OBJECT_KIND_VM);
}

static SclOperation *
begin_start (GObject *vm, gboolean force G_GNUC_UNUSED)
{
  return scl_vm_start (SCL_VM (vm));
}

static SclOperation *
begin_stop (GObject *vm, gboolean force)
{
  return scl_vm_stop (SCL_VM (vm), force);
}

static SclOperation *
begin_restart (GObject *vm, gboolean force)
{
  return scl_vm_restart (SCL_VM (vm), force);
}

static SclOperation *
begin_delete (GObject *vm, gboolean force G_GNUC_UNUSED)
{
  return scl_vm_delete (SCL_VM (vm));
}

int
sclctl_vm_start (SclctlContext *context)
{
  return sclctl_power_arguments (context, begin_start, FALSE);
}

int
sclctl_vm_stop (SclctlContext *context)
{
  return sclctl_power_arguments (context, begin_stop, TRUE);
}

int
sclctl_vm_restart (SclctlContext *context)
{
  return sclctl_power_arguments (context, begin_restart, FALSE);
}

int
sclctl_vm_delete (SclctlContext *context)
{
  return sclctl_delete_arguments (context, SCL_OBJECT_KIND_VM, "shut down and delete",
                                  begin_delete);
}
