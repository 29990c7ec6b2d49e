/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/memory/scl-memory-host-private.h"
#include "base/scl-throw-private.h"

G_DEFINE_FINAL_TYPE (SclMemoryHost, _scl_memory_host, G_TYPE_OBJECT)

static void
scl_memory_host_finalize (GObject *object)
{
  SclMemoryHost *self = SCL_MEMORY_HOST (object);

  g_clear_pointer (&self->host, _scl_host_target_free);
  g_hash_table_unref (self->networks);
  g_hash_table_unref (self->volumes);
  g_hash_table_unref (self->vms);
  g_hash_table_unref (self->seeds);
  g_free (self->prefix);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (_scl_memory_host_parent_class)->finalize (object);
}

static void
_scl_memory_host_class_init (SclMemoryHostClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_memory_host_finalize;
}

static void
_scl_memory_host_init (SclMemoryHost *self)
{
  g_mutex_init (&self->mutex);
  self->fail_after = -1;
  self->networks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                          (GDestroyNotify) _scl_network_target_free);
  self->volumes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                         (GDestroyNotify) _scl_observed_volume_free);
  self->vms = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                     (GDestroyNotify) _scl_observed_vm_free);
  self->seeds = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

SclMemoryHost *
_scl_memory_host_new (const char *prefix)
{
  SclMemoryHost *self = g_object_new (SCL_TYPE_MEMORY_HOST, NULL);

  self->prefix = g_strdup (prefix);
  return self;
}

void
_scl_memory_host_fail_after (SclMemoryHost *self, int count)
{
  g_mutex_lock (&self->mutex);
  self->fail_after = count;
  g_mutex_unlock (&self->mutex);
}

gboolean
_scl_memory_host_may_change (SclMemoryHost *self, GError **error)
{
  if (self->fail_after == 0)
    return scl_throw (error, SCL_ERROR_FAILED, "simulated failure");
  if (self->fail_after > 0)
    self->fail_after--;
  return TRUE;
}
