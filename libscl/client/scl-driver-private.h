/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What stands behind an SclConnection: the engine in this process ("local:"), later a daemon. Its
 * methods block and may be called from any thread. */

#include "client/scl-operation-private.h"
#include "plan/scl-observation-private.h"
#include <scl/scl-manifest.h>
#include <scl/scl-plan.h>

/* TRUE: this process is the one that opened the first connection. FALSE with SCL_ERROR_UNSUPPORTED in a fork of
 * it: threads that serve connections were not forked, and locks stay with the opener. Nothing may be done there
 * that takes a lock or gives one back. */
gboolean _scl_driver_check_process (GError **error);

#define SCL_TYPE_DRIVER (_scl_driver_get_type ())
G_DECLARE_INTERFACE (SclDriver, _scl_driver, SCL, DRIVER, GObject)

/* Something has changed. Called in any thread. */
typedef void (*SclDriverEventFunc) (SclObjectKind kind, const char *name, gpointer user_data);

struct _SclDriverInterface
{
  GTypeInterface g_iface;

  const char *(*get_prefix) (SclDriver *self);
  /* What there is to show of objects of KIND; HOST: everything. */
  SclObservation *(*observe) (SclDriver *self, SclObjectKind kind, GCancellable *cancellable,
                              GError **error);
  /* FALSE: the instance has no volume NAME, and whose it is. */
  gboolean (*check_volume) (SclDriver *self, const char *name, GCancellable *cancellable, GError **error);
  SclPlan *(*plan) (SclDriver *self, SclManifest *manifest, SclApplyFlags flags,
                    GCancellable *cancellable, GError **error);
  /* Reports steps to OPERATION; fails as scl_connection_apply says. CONFIRMED (nullable): the plan that
   * was shown; nothing is done if more would be removed than it says. */
  gboolean (*apply) (SclDriver *self, SclManifest *manifest, SclApplyFlags flags, SclPlan *confirmed,
                     SclOperation *operation, GCancellable *cancellable, GError **error);
  gboolean (*start_vm) (SclDriver *self, const char *name, SclOperation *operation,
                        GCancellable *cancellable, GError **error);
  gboolean (*stop_vm) (SclDriver *self, const char *name, gboolean force, SclOperation *operation,
                       GCancellable *cancellable, GError **error);
  gboolean (*restart_vm) (SclDriver *self, const char *name, gboolean force, SclOperation *operation,
                          GCancellable *cancellable, GError **error);
  gboolean (*remove) (SclDriver *self, SclObjectKind kind, const char *name, SclDeleteFlags flags,
                      SclOperation *operation, GCancellable *cancellable, GError **error);
  /* Reports a step for each of NAMES (NULL: all that nothing uses) to OPERATION. */
  gboolean (*prune_volumes) (SclDriver *self, const char *const *names, SclOperation *operation,
                             GCancellable *cancellable, GError **error);
  gboolean (*create_volume) (SclDriver *self, const char *name, SclOperation *operation,
                             GCancellable *cancellable, GError **error);
  gboolean (*adopt_volume) (SclDriver *self, const char *name, const char *from,
                            SclOperation *operation, GCancellable *cancellable, GError **error);
  gboolean (*tear_down) (SclDriver *self, SclOperation *operation, GCancellable *cancellable,
                         GError **error);
  GIOStream *(*open_console) (SclDriver *self, const char *vm, GCancellable *cancellable,
                              GError **error);
  /* Addresses beyond the declared ones of OBSERVATION's VMs, by VM: a GPtrArray of SclAddress each, empty
   * for one that does not run. (transfer full) */
  GPtrArray *(*list_addresses) (SclDriver *self, SclObservation *observation,
                                GCancellable *cancellable);
  gboolean (*lock) (SclDriver *self, GCancellable *cancellable, GError **error);
  void (*unlock) (SclDriver *self);
  void (*set_lock_timeout) (SclDriver *self, guint timeout);
  /* OPERATION has begun, and its thread will call one of the above: in this order, whichever thread
   * comes first. Nullable, as its end: OPERATION has ended, whether it called or not. */
  void (*reserve) (SclDriver *self, SclOperation *operation);
  void (*give_back) (SclDriver *self, SclOperation *operation);
  void (*watch) (SclDriver *self, SclDriverEventFunc func, gpointer user_data);
};

/* Opens the driver that URI names. Set by the layers that have drivers, before the first open. */
typedef SclDriver *(*SclDriverOpenFunc) (const char *uri, GCancellable *cancellable, GError **error);

/* Tells that URIs beginning with SCHEME ("local:") are opened by OPEN. */
void _scl_driver_register (const char *scheme, SclDriverOpenFunc open);
SclDriver *_scl_driver_open (const char *uri, GCancellable *cancellable, GError **error);
