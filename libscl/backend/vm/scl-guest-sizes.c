/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-guest-sizes-private.h"

#define ANSWER_SECONDS 5

struct SclGuestSizes
{
  gatomicrefcount refs; /* ours and the thread's */
  GPtrArray *domains;   /* virDomainPtr, ending with NULL */
  gboolean wait_for_busy;
  GMutex lock;          /* of what follows */
  GCond changed;
  gboolean is_answered;
  GHashTable *sizes; /* "DOMAIN/TARGET" to guint64* */
};

void
_scl_guest_sizes_unref (SclGuestSizes *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  for (guint i = 0; i + 1 < self->domains->len; i++)
    virDomainFree (g_ptr_array_index (self->domains, i));
  g_ptr_array_unref (self->domains);
  g_hash_table_unref (self->sizes);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

static void
add_disk (SclGuestSizes *self, virDomainStatsRecordPtr record, guint number)
{
  g_autofree char *name_field = g_strdup_printf ("block.%u.name", number);
  g_autofree char *size_field = g_strdup_printf ("block.%u.capacity", number);
  const char *target = NULL;
  unsigned long long size = 0;

  if (virTypedParamsGetString (record->params, record->nparams, name_field, &target) == 1
      && virTypedParamsGetULLong (record->params, record->nparams, size_field, &size) == 1)
    g_hash_table_insert (self->sizes, g_strjoin ("/", virDomainGetName (record->dom), target, NULL),
                         g_memdup2 (&(guint64){ size }, sizeof (guint64)));
}

static void
take_answer (SclGuestSizes *self, virDomainStatsRecordPtr *records, int n)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  for (int i = 0; i < n; i++)
    {
      unsigned int disks = 0;

      (void) virTypedParamsGetUInt (records[i]->params, records[i]->nparams, "block.count", &disks);
      for (guint number = 0; number < disks; number++)
        add_disk (self, records[i], number);
    }
  self->is_answered = TRUE;
  g_cond_broadcast (&self->changed);
}

static gpointer
ask (gpointer data)
{
  SclGuestSizes *self = data;
  virDomainStatsRecordPtr *records = NULL;
  /* A domain whose QEMU is busy with another question is left out, unless that is waited for. */
  int n = virDomainListGetStats ((virDomainPtr *) self->domains->pdata, VIR_DOMAIN_STATS_BLOCK,
                                 &records,
                                 self->wait_for_busy ? 0 : VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);

  take_answer (self, records, n);
  if (n >= 0)
    virDomainStatsRecordListFree (records);
  _scl_guest_sizes_unref (self);
  return NULL;
}

SclGuestSizes *
_scl_guest_sizes_ask (GPtrArray *domains, gboolean wait_for_busy)
{
  SclGuestSizes *self = g_new0 (SclGuestSizes, 1);
  GThread *thread;

  g_atomic_ref_count_init (&self->refs);
  self->wait_for_busy = wait_for_busy;
  self->domains = g_ptr_array_sized_new (domains->len + 1);
  for (guint i = 0; i < domains->len; i++)
    {
      (void) virDomainRef (g_ptr_array_index (domains, i));
      g_ptr_array_add (self->domains, g_ptr_array_index (domains, i));
    }
  g_ptr_array_add (self->domains, NULL);
  self->sizes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  if (domains->len == 0)
    return self;
  g_atomic_ref_count_inc (&self->refs);
  thread = g_thread_try_new ("scl-sizes", ask, self, NULL);
  if (thread != NULL)
    g_thread_unref (thread);
  else
    (void) ask (self);
  return self;
}

void
_scl_guest_sizes_wait (SclGuestSizes *self)
{
  gint64 deadline = g_get_monotonic_time () + ANSWER_SECONDS * G_USEC_PER_SEC;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  while (self->domains->len > 1 && !self->is_answered
         && g_cond_wait_until (&self->changed, &self->lock, deadline))
    ;
}

guint64
_scl_guest_sizes_get (SclGuestSizes *self, const char *domain_name, const char *target)
{
  g_autofree char *key = g_strjoin ("/", domain_name, target, NULL);
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  const guint64 *size = g_hash_table_lookup (self->sizes, key);

  return size != NULL ? *size : 0;
}
