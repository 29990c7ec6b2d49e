/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-libvirt-vms-parts-private.h"

static const char *
reason_off (int reason)
{
  switch (reason)
    {
    case VIR_DOMAIN_SHUTOFF_SHUTDOWN:
      return "shut down";
    case VIR_DOMAIN_SHUTOFF_DESTROYED:
      return "power was cut";
    case VIR_DOMAIN_SHUTOFF_CRASHED:
      return "QEMU died";
    case VIR_DOMAIN_SHUTOFF_FAILED:
      return "the last start failed";
    case VIR_DOMAIN_SHUTOFF_SAVED:
      return "saved to disk";
    case VIR_DOMAIN_SHUTOFF_MIGRATED:
      return "migrated away";
    case VIR_DOMAIN_SHUTOFF_DAEMON:
      return "libvirt lost it when it was restarted";
    default:
      return NULL;
    }
}

static const char *
reason_paused (int reason)
{
  switch (reason)
    {
    case VIR_DOMAIN_PAUSED_IOERROR:
      return "a disk error";
    case VIR_DOMAIN_PAUSED_USER:
      return "paused by somebody";
    case VIR_DOMAIN_PAUSED_STARTING_UP:
      return "starting";
    case VIR_DOMAIN_PAUSED_SHUTTING_DOWN:
      return "shutting down";
    case VIR_DOMAIN_PAUSED_CRASHED:
      return "the guest crashed";
    default:
      return NULL;
    }
}

SclVmState
_scl_libvirt_vms_map_state (int state, int reason, const char **out_reason)
{
  *out_reason = NULL;
  switch (state)
    {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
      if (reason == VIR_DOMAIN_RUNNING_CRASHED)
        *out_reason = "the guest crashed and was restarted";
      return SCL_VM_STATE_RUNNING;
    case VIR_DOMAIN_PAUSED:
      *out_reason = reason_paused (reason);
      return SCL_VM_STATE_PAUSED;
    case VIR_DOMAIN_PMSUSPENDED:
      *out_reason = "the guest sleeps";
      return SCL_VM_STATE_PAUSED;
    case VIR_DOMAIN_SHUTDOWN:
      return SCL_VM_STATE_STOPPING;
    case VIR_DOMAIN_SHUTOFF:
      *out_reason = reason_off (reason);
      return reason == VIR_DOMAIN_SHUTOFF_CRASHED ? SCL_VM_STATE_CRASHED : SCL_VM_STATE_STOPPED;
    case VIR_DOMAIN_CRASHED:
      *out_reason = "the guest crashed";
      return SCL_VM_STATE_CRASHED;
    default:
      return SCL_VM_STATE_UNKNOWN;
    }
}
