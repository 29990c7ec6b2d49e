/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is there: read by the backends, compared by the planner, shown by the client.
 * Plain data that owns all its fields; no behaviour, no I/O. Filled in by one thread, then
 * handed over and never changed again. */

#include <scl/scl-enums.h>
#include <scl/scl-network-spec.h>
#include <scl/scl-vm-spec.h>

/* One NIC of one VM as a port of a network. */
typedef struct
{
  char *vm;
  guint index;
  char *mac;        /* lower case */
  char *address;    /* the only one that the guest may use; NULL: any of the subnet that is free */
  gboolean present; /* observed: both ends of the pair are there and wired as they should be */
} SclPort;

SclPort *_scl_port_new (const char *vm, guint index, const char *mac);
SclPort *_scl_port_copy (const SclPort *port);
void _scl_port_free (SclPort *port);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclPort, _scl_port_free)

typedef struct
{
  char *name;
  gboolean foreign;     /* something without our mark has the name: never touched */
  char *foreign_what;   /* e.g. "namespace /run/netns/scl-demo" */
  SclNetworkSpec *spec; /* rebuilt from addresses and ruleset; NULL if it cannot be */
  GPtrArray *ports;     /* SclPort */
  GPtrArray *problems;  /* char*: drift that another apply repairs, one sentence each */
} SclObservedNetwork;

SclObservedNetwork *_scl_observed_network_new (const char *name);
void _scl_observed_network_free (SclObservedNetwork *self);

/* The root namespace's part, one per instance. */
typedef struct
{
  char *gateway_interface; /* that our rules name; NULL: none */
  GPtrArray *links;        /* char*: all links of ours that our guard covers, sorted */
  GPtrArray *externals;    /* char*: "LINK ADDRESS" of each network that our rules know, sorted */
  gboolean present;        /* the table is there */
  GPtrArray *problems;     /* char*: drift that another apply repairs */
  GPtrArray *notes;        /* char*: what apply cannot repair (uplink absent, foreign drop …) */
} SclObservedHost;

typedef struct
{
  char *name;
  char *path;
  guint64 size;      /* bytes */
  guint64 allocated; /* bytes */
  char *image;       /* path it was made from; NULL: unknown (no sidecar) */
  guint64 image_size;
  gint64 image_mtime; /* ns */
  guint64 image_inode;
  gint64 created;    /* seconds since the epoch; 0: unknown */
  char *vm;          /* owner */
  gboolean leftover; /* only its note is there: who made or deleted it was killed. Looking a volume up does
                        not find it */
  gboolean nvram;    /* a leftover: no volume, but the NVRAM of the VM that it is named after, which is PATH */
  gboolean foreign;  /* not this instance's: never touched */
  char *foreign_why; /* what to say of that; NULL: that INSTANCE has it, or that SCL did not make it */
  char *instance;    /* whose it is; NULL: nobody has said so (foreign: SCL did not make it) */
  gboolean unclaimed; /* ours, but its sidecar does not say so yet, or not for good (0.1 did not write
                         it; a change of it was cut short) */
  gboolean note_lost; /* it has no sidecar, or what has that name is none */
  char *noteless; /* ours by the domain of VM alone, since its sidecar is lost or damaged: what that means; NULL: it is
                     not */
  gboolean in_doubt; /* ours unless a VM of another instance uses it: that is asked next */
  char *used_by;     /* a domain that has it open or may open it, and is no VM of ours by its name; asked only
                        for VMs that are yet to be made, and to show it; NULL: none */
  gboolean held;     /* and a QEMU has it open; only looked at while in doubt */
  gboolean image_differs; /* the desired VM names another image, or the file has changed */
} SclObservedVolume;

SclObservedVolume *_scl_observed_volume_new (const char *name);
void _scl_observed_volume_free (SclObservedVolume *self);

typedef struct
{
  char *name;
  gboolean foreign;  /* a domain of that name without our mark: never touched */
  char *foreign_what; /* what to do about it; NULL if the backend does not know */
  SclVmSpec *spec;   /* of the persistent definition, from the metadata; NULL: unreadable */
  SclVmSpec *live_spec; /* that the running QEMU was started with; NULL: not running */
  GPtrArray *macs;   /* char*: of the definition, by NIC number */
  GPtrArray *disk_paths; /* char*: files of the definition, by disk number; NULL where one is missing */
  guint64 disks_taken; /* bit N: disk N of the definition is there, but no volume of ours is: another instance
                          has taken it */
  guint64 disks_moved; /* bit N: disk N of the definition is not there, but its volume is, elsewhere */
  gboolean disks_unseen; /* files of a real host for a simulated one, which cannot miss them */
  SclVmState state;
  char *state_reason;
  SclStoppedBy stopped_by;
  gint64 started;    /* seconds since the epoch; 0: not running */
  char *log_path;    /* console log */
  char *overlay;     /* what another tool has put over a volume, and what that means; NULL: nothing */
  char *deleted;     /* a file of its disks that only the running QEMU has, and what that means: gone when it stops. NULL: none */
  char *saved;       /* off, and its memory is kept: what its next start goes on from, and what that means; NULL: it is not */
  char *undefined;   /* it runs, and somebody has removed its definition: what that means; NULL: it is there */
  char *emulation;   /* it is emulated without being declared so: what that means; NULL: it is not */
  gboolean half_started; /* whoever started it was killed meanwhile: starting it again resumes it */
  gboolean disk_error; /* QEMU has stopped it because it could not read or write; starting it again resumes it */
  gboolean disk_full; /* and that was for lack of room */
  GPtrArray *problems; /* char*: drift of the definition that a redefine repairs */
  GPtrArray *files;  /* char*: all that its domain names; only where these are asked for. NULL: not known */
  GArray *guest_sizes; /* guint64: bytes that the running guest sees of each disk, by number; 0, or
                          none: not known */
  guint64 nics_cut; /* bit N: NIC N of the running QEMU is on no link any more, until it is plugged in again */
  gboolean seed_differs; /* the seed disk does not hold what the desired files say */
} SclObservedVm;

SclObservedVm *_scl_observed_vm_new (const char *name);
void _scl_observed_vm_free (SclObservedVm *self);

typedef struct
{
  gatomicrefcount refs;
  gboolean with_files; /* whoever fills it in notes the files of VMs, too */
  char *machine_id;
  SclObservedHost host;
  GPtrArray *networks; /* SclObservedNetwork, sorted by name */
  GPtrArray *volumes;  /* SclObservedVolume, sorted by name */
  GPtrArray *vms;      /* SclObservedVm, sorted by name */
  GPtrArray *diagnostics; /* SclDiagnostic: what the desired networks meet on this host */
} SclObservation;

SclObservation *_scl_observation_new (void);
SclObservation *_scl_observation_ref (SclObservation *self);
void _scl_observation_unref (SclObservation *self);
void _scl_observation_sort (SclObservation *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclObservation, _scl_observation_unref)

SclObservedNetwork *_scl_observation_lookup_network (SclObservation *self, const char *name);
SclObservedVolume *_scl_observation_lookup_volume (SclObservation *self, const char *name);
/* As _lookup_volume, or what is left of one. */
SclObservedVolume *_scl_observation_lookup_remains (SclObservation *self, const char *name);
SclObservedVm *_scl_observation_lookup_vm (SclObservation *self, const char *name);

/* Name of a volume → that of the VM whose it is. (transfer full); what is in it is SELF's */
GHashTable *_scl_observation_list_users (SclObservation *self);

/* A volume is made before the domain of its VM is. So of a VM (nullable) that is there already, VOLUME,
 * its disk number INDEX, cannot be yet to be made: if it is not in SELF, it is gone. */
gboolean _scl_observation_is_lost (SclObservation *self, const SclObservedVm *vm, const char *volume,
                                   guint index);
/* Of a lost one: its file is there, and is another's. */
gboolean _scl_observation_is_taken (const SclObservedVm *vm, guint index);
/* Its definition names a file that is gone, though the volume is there; a redefinition repairs that. */
gboolean _scl_observation_is_moved (const SclObservedVm *vm, guint index);
/* What to say about one that is lost. (transfer full) */
char *_scl_observation_describe_lost (const SclObservedVm *vm, const char *volume, guint index);
