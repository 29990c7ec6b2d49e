/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/scl-engine-private.h"

typedef struct
{
  SclEngine *engine;
  SclManifest *desired;
  SclObservation *out;
  GCancellable *cancellable;
  GError *error;
  gboolean ok;
} NetworkReading;

/* A backend without a preflight needs nothing of the host. */
static gboolean
preflight_networks (NetworkReading *reading)
{
  SclNetworkBackend *networks = reading->engine->networks;

  return reading->desired == NULL || SCL_NETWORK_BACKEND_GET_IFACE (networks)->preflight == NULL
         || _scl_network_backend_preflight (networks, reading->desired, reading->out->diagnostics,
                                            reading->cancellable, &reading->error);
}

/* VMs take longer to read: there is time to check the networks meanwhile. */
static gpointer
read_networks (gpointer data)
{
  NetworkReading *reading = data;

  reading->ok = _scl_network_backend_observe (reading->engine->networks, reading->desired,
                                              reading->out, reading->cancellable, &reading->error)
                && preflight_networks (reading);
  return NULL;
}

/* Networks and VMs are read at the same time: they fill different fields. */
static gboolean
read_networks_and_vms (SclEngine *self, SclManifest *desired, SclObservation *out,
                       GCancellable *cancellable, GError **error)
{
  NetworkReading reading
      = { .engine = self, .desired = desired, .out = out, .cancellable = cancellable };
  GThread *thread
      = self->max_workers > 1 ? g_thread_try_new ("scl-observe", read_networks, &reading, NULL) : NULL;
  gboolean ok = _scl_vm_backend_observe (self->vms, desired, out, cancellable, error);

  if (thread != NULL)
    (void) g_thread_join (thread);
  else
    (void) read_networks (&reading);
  if (!reading.ok && ok)
    g_propagate_error (error, reading.error);
  else
    g_clear_error (&reading.error);
  return ok && reading.ok;
}

static SclObservation *
observation_new (SclEngine *self)
{
  SclObservation *out = _scl_observation_new ();

  out->machine_id = g_strdup (self->machine_id);
  return out;
}

static gboolean
read_volumes (SclEngine *self, SclManifest *desired, SclObservation *out, GCancellable *cancellable,
              GError **error)
{
  return _scl_volume_backend_observe (self->volumes, desired, out, cancellable, error)
         && _scl_engine_settle_owners (self, out, cancellable, error);
}

static SclObservation *
look (SclEngine *self, SclManifest *desired, gboolean *out_is_late, GCancellable *cancellable,
      GError **error)
{
  g_autoptr (SclObservation) out = observation_new (self);

  if (!read_networks_and_vms (self, desired, out, cancellable, error))
    return NULL;
  _scl_observation_sort (out);
  if (!read_volumes (self, desired, out, cancellable, error))
    return NULL;
  _scl_observation_sort (out);
  if (desired != NULL && !_scl_engine_note_users (self, desired, out, out_is_late, cancellable, error))
    return NULL;
  return g_steal_pointer (&out);
}

/* libvirt ends what a process asked of it that was killed since: so a VM may come while one looks. */
SclObservation *
_scl_engine_observe (SclEngine *self, SclManifest *desired, GCancellable *cancellable, GError **error)
{
  gboolean is_late = FALSE;
  g_autoptr (SclObservation) out = look (self, desired, &is_late, cancellable, error);

  if (out == NULL || !is_late)
    return g_steal_pointer (&out);
  return look (self, desired, &is_late, cancellable, error);
}

static gboolean
read_for (SclEngine *self, SclObjectKind kind, SclObservation *out, GCancellable *cancellable,
          GError **error)
{
  if (kind == SCL_OBJECT_KIND_HOST)
    return read_networks_and_vms (self, NULL, out, cancellable, error);
  return kind == SCL_OBJECT_KIND_NETWORK
             ? _scl_network_backend_observe (self->networks, NULL, out, cancellable, error)
             : _scl_vm_backend_observe (self->vms, NULL, out, cancellable, error);
}

SclObservation *
_scl_engine_observe_to_show (SclEngine *self, SclObjectKind kind, GCancellable *cancellable,
                             GError **error)
{
  gboolean with_volumes = kind == SCL_OBJECT_KIND_HOST || kind == SCL_OBJECT_KIND_VOLUME;
  g_autoptr (SclObservation) out = observation_new (self);

  out->with_files = with_volumes;
  if (!read_for (self, kind, out, cancellable, error))
    return NULL;
  _scl_observation_sort (out);
  if (with_volumes
      && (!read_volumes (self, NULL, out, cancellable, error)
          || !_scl_engine_note_other_users (self, out, cancellable, error)))
    return NULL;
  _scl_observation_sort (out);
  return g_steal_pointer (&out);
}
