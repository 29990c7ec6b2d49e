/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <glib-object.h>
#include <scl/scl-macros.h>

G_BEGIN_DECLS

/**
 * SclProtocol:
 * @SCL_PROTOCOL_TCP: TCP
 * @SCL_PROTOCOL_UDP: UDP
 *
 * The transport protocol of a port forward.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_PROTOCOL_TCP,
  SCL_PROTOCOL_UDP,
} SclProtocol;

/**
 * SclNetworkMode:
 * @SCL_NETWORK_MODE_ROUTED: own namespace, routed and masqueraded to the uplink
 *
 * How a network reaches the world.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_NETWORK_MODE_ROUTED,
} SclNetworkMode;

/**
 * SclFirmware:
 * @SCL_FIRMWARE_UEFI: UEFI without secure boot, selected by libvirt
 * @SCL_FIRMWARE_BIOS: PC BIOS
 *
 * What starts the guest.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_FIRMWARE_UEFI,
  SCL_FIRMWARE_BIOS,
} SclFirmware;

/**
 * SclAccelerator:
 * @SCL_ACCELERATOR_AUTO: KVM if it was proven to work on this host, else TCG
 * @SCL_ACCELERATOR_KVM: KVM only
 * @SCL_ACCELERATOR_TCG: QEMU's own emulation
 *
 * How guest code is executed.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_ACCELERATOR_AUTO,
  SCL_ACCELERATOR_KVM,
  SCL_ACCELERATOR_TCG,
} SclAccelerator;

/**
 * SclOnChange:
 * @SCL_ON_CHANGE_NEXT_BOOT: a running VM keeps running; the change waits for its next boot
 * @SCL_ON_CHANGE_RESTART: a running VM is shut down gracefully and started again
 *
 * What apply does when a changed declaration needs a restart.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_ON_CHANGE_NEXT_BOOT,
  SCL_ON_CHANGE_RESTART,
} SclOnChange;

/**
 * SclObjectKind:
 * @SCL_OBJECT_KIND_HOST: the host's own part: its nft table, forwarding, policy routes
 * @SCL_OBJECT_KIND_NETWORK: a network
 * @SCL_OBJECT_KIND_VOLUME: a volume
 * @SCL_OBJECT_KIND_VM: a virtual machine
 *
 * What a plan step, an event or a message is about.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_OBJECT_KIND_HOST,
  SCL_OBJECT_KIND_NETWORK,
  SCL_OBJECT_KIND_VOLUME,
  SCL_OBJECT_KIND_VM,
} SclObjectKind;

/**
 * SclAction:
 * @SCL_ACTION_CREATE: make something that is not there
 * @SCL_ACTION_UPDATE: change something in place
 * @SCL_ACTION_REPAIR: put back what somebody else changed
 * @SCL_ACTION_GROW: enlarge a volume
 * @SCL_ACTION_START: start a VM
 * @SCL_ACTION_RESTART: shut a VM down and start it again
 * @SCL_ACTION_STOP: shut a VM down
 * @SCL_ACTION_DELETE: remove something
 * @SCL_ACTION_RELEASE: take back what removed objects needed
 * @SCL_ACTION_BLOCKED: nothing: the reason is an error, and what needs the object stays as it is
 *
 * What a plan step does.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_ACTION_CREATE,
  SCL_ACTION_UPDATE,
  SCL_ACTION_REPAIR,
  SCL_ACTION_GROW,
  SCL_ACTION_START,
  SCL_ACTION_RESTART,
  SCL_ACTION_STOP,
  SCL_ACTION_DELETE,
  SCL_ACTION_RELEASE,
  SCL_ACTION_BLOCKED,
} SclAction;

/**
 * SclVmState:
 * @SCL_VM_STATE_STOPPED: not running
 * @SCL_VM_STATE_RUNNING: running
 * @SCL_VM_STATE_PAUSED: paused, by a person or after a disk error
 * @SCL_VM_STATE_STOPPING: asked to shut down, still running
 * @SCL_VM_STATE_CRASHED: QEMU or the guest died
 * @SCL_VM_STATE_UNKNOWN: the hypervisor does not tell
 *
 * The state of a VM.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_VM_STATE_STOPPED,
  SCL_VM_STATE_RUNNING,
  SCL_VM_STATE_PAUSED,
  SCL_VM_STATE_STOPPING,
  SCL_VM_STATE_CRASHED,
  SCL_VM_STATE_UNKNOWN,
} SclVmState;

/**
 * SclStoppedBy:
 * @SCL_STOPPED_BY_NOBODY: the VM is wanted on, as its autoStart says
 * @SCL_STOPPED_BY_USER: somebody stopped it with SCL
 * @SCL_STOPPED_BY_GUEST: the guest powered itself off
 *
 * Who wants a VM off. Apply does not start a VM that somebody wants off.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_STOPPED_BY_NOBODY,
  SCL_STOPPED_BY_USER,
  SCL_STOPPED_BY_GUEST,
} SclStoppedBy;

/**
 * SclSeverity:
 * @SCL_SEVERITY_ERROR: nothing is applied
 * @SCL_SEVERITY_WARNING: applied, but something will not be as expected
 * @SCL_SEVERITY_NOTE: worth knowing
 *
 * How grave a diagnostic is.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_SEVERITY_ERROR,
  SCL_SEVERITY_WARNING,
  SCL_SEVERITY_NOTE,
} SclSeverity;

/**
 * SclManifestFormat:
 * @SCL_MANIFEST_FORMAT_YAML: YAML 1.1, as libyaml reads and writes it
 * @SCL_MANIFEST_FORMAT_JSON: JSON
 *
 * The two spellings of a manifest.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_MANIFEST_FORMAT_YAML,
  SCL_MANIFEST_FORMAT_JSON,
} SclManifestFormat;

/**
 * SclApplyFlags:
 * @SCL_APPLY_NONE: removals are planned, but refused by apply
 * @SCL_APPLY_PRUNE: what is no longer declared may be removed (volumes are always kept)
 * @SCL_APPLY_ALLOW_EMPTY: a manifest without any VM and any network is meant so
 * @SCL_APPLY_BOOT: the host has booted: whoever wanted a VM with autoStart off is forgotten
 * @SCL_APPLY_AS_PLANNED: apply carries out the plan that this connection has just made, since
 *   scl_connection_lock(), for the same manifest object and otherwise the same flags, and does not look
 *   at the host a second time. For who has not waited for anything (a user, say) since then. Without
 *   such a plan, or if an operation has begun after it, it means nothing. Of no use to plan.
 *
 * How plan and apply treat what the manifest does not say.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_APPLY_NONE = 0,
  SCL_APPLY_PRUNE = 1 << 0,
  SCL_APPLY_ALLOW_EMPTY = 1 << 1,
  SCL_APPLY_BOOT = 1 << 2,
  SCL_APPLY_AS_PLANNED = 1 << 3,
} SclApplyFlags;

/**
 * SclDeleteFlags:
 * @SCL_DELETE_NONE: only what SCL made
 * @SCL_DELETE_FOREIGN: also a file that SCL did not make
 *
 * What a deletion may delete.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_DELETE_NONE = 0,
  SCL_DELETE_FOREIGN = 1 << 0,
} SclDeleteFlags;

/**
 * SclStepStatus:
 * @SCL_STEP_STATUS_WAITING: not begun
 * @SCL_STEP_STATUS_RUNNING: under way
 * @SCL_STEP_STATUS_DONE: done
 * @SCL_STEP_STATUS_FAILED: failed; what it had made was undone or is found by the next apply
 * @SCL_STEP_STATUS_SKIPPED: not begun because a step that it needs failed
 * @SCL_STEP_STATUS_CANCELLED: not begun because the operation was cancelled
 * @SCL_STEP_STATUS_REFUSED: a removal that was not confirmed
 *
 * What became of a step.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_STEP_STATUS_WAITING,
  SCL_STEP_STATUS_RUNNING,
  SCL_STEP_STATUS_DONE,
  SCL_STEP_STATUS_FAILED,
  SCL_STEP_STATUS_SKIPPED,
  SCL_STEP_STATUS_CANCELLED,
  SCL_STEP_STATUS_REFUSED,
} SclStepStatus;

G_END_DECLS
