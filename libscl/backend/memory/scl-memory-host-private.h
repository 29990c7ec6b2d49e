/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host that exists only in memory: the state behind the memory twins of the three backends, for
 * tests, dry runs and simulation at scale. Nothing of it outlives the process. */

#include "backend/network/scl-network-backend-private.h"
#include "backend/vm/scl-vm-backend-private.h"
#include "backend/volume/scl-volume-backend-private.h"

#define SCL_TYPE_MEMORY_HOST (_scl_memory_host_get_type ())
G_DECLARE_FINAL_TYPE (SclMemoryHost, _scl_memory_host, SCL, MEMORY_HOST, GObject)

struct _SclMemoryHost
{
  GObject parent_instance;
  char *prefix;
  GMutex mutex;            /* over everything below */
  SclHostTarget *host;     /* NULL: the table is not there */
  GHashTable *networks;    /* name -> SclNetworkTarget */
  GHashTable *volumes;     /* name -> SclObservedVolume */
  GHashTable *vms;         /* name -> SclObservedVm */
  GHashTable *seeds;       /* VM -> text that stands for the seed's content */
  SclVmEventFunc watcher;
  gpointer watcher_data;
  int fail_after;          /* tests: that many changes succeed, then each fails; -1: never */
};

SclMemoryHost *_scl_memory_host_new (const char *prefix);

/* For tests: every change from the COUNT-th on fails, as if the process had been killed there. */
void _scl_memory_host_fail_after (SclMemoryHost *self, int count);
/* Called by the twins before a change, with the mutex held. */
gboolean _scl_memory_host_may_change (SclMemoryHost *self, GError **error);

SclNetworkBackend *_scl_memory_networks_new (SclMemoryHost *host);
SclVolumeBackend *_scl_memory_volumes_new (SclMemoryHost *host);
SclVmBackend *_scl_memory_vms_new (SclMemoryHost *host);
