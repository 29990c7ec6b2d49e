/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-virt-hub-private.h"
#include "backend/vm/scl-virt-call-private.h"
#include <libvirt/virterror.h>
#include <string.h>

#define KEEPALIVE_SECONDS 5
#define KEEPALIVE_COUNT 3

struct SclVirtHub
{
  gatomicrefcount refs;
  GMutex lock;
  GCond changed;
  GList *waits;    /* SclVirtWait */
  gboolean broken; /* the handle is dead: open a new one */
  gboolean silent; /* for the daemon did not answer libvirt's keepalive */
  SclVirtEventFunc func;
  gpointer user_data;
  SclVirtKind kind;
  virConnectPtr current;     /* borrowed: whose end it is that breaks the hub */
  GHashTable *registrations; /* virConnectPtr to Registration: an old one may be closed after a new one began */
};

typedef struct
{
  int lifecycle_id;
  int removed_id;
  int removal_failed_id;
} Registration;

struct SclVirtWait
{
  SclVirtHub *hub;
  char *domain_name;
  GCancellable *cancellable;
  gulong cancelled_id;
  guint serial; /* events so far */
  guint seen;
};

/* All connections of this process to its embedded hypervisor are one to libvirt, which tracks a
 * callback only once for it. */
static GMutex embed_lock; /* taken before a hub's */
static GList *embed_hubs;
static gboolean embed_registered;

SclVirtHub *
_scl_virt_hub_new (void)
{
  SclVirtHub *hub = g_new0 (SclVirtHub, 1);

  g_atomic_ref_count_init (&hub->refs);
  g_mutex_init (&hub->lock);
  g_cond_init (&hub->changed);
  hub->registrations = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return hub;
}

SclVirtHub *
_scl_virt_hub_ref (SclVirtHub *hub)
{
  g_atomic_ref_count_inc (&hub->refs);
  return hub;
}

void
_scl_virt_hub_unref (gpointer data)
{
  SclVirtHub *hub = data;

  if (!g_atomic_ref_count_dec (&hub->refs))
    return;
  g_hash_table_unref (hub->registrations);
  g_mutex_clear (&hub->lock);
  g_cond_clear (&hub->changed);
  g_free (hub);
}

/* DOMAIN_NAME NULL: everybody. Call with the lock held. */
static void
wake (SclVirtHub *hub, const char *domain_name)
{
  for (GList *item = hub->waits; item != NULL; item = item->next)
    {
      SclVirtWait *wait = item->data;

      if (domain_name == NULL || strcmp (wait->domain_name, domain_name) == 0)
        wait->serial++;
    }
  g_cond_broadcast (&hub->changed);
}

static void
take_lifecycle (SclVirtHub *hub, const char *name, int event, int detail)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  wake (hub, name);
  if (hub->func != NULL)
    hub->func (name, event, detail, hub->user_data);
}

static void
take_device (SclVirtHub *hub, const char *name)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  wake (hub, name);
}

/* HUB NULL in the callbacks: the embedded hypervisor's. */
static int
on_lifecycle (virConnectPtr handle, virDomainPtr domain, int event, int detail, void *hub)
{
  const char *name = virDomainGetName (domain);
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = NULL;

  if (hub != NULL)
    {
      take_lifecycle (hub, name, event, detail);
      return 0;
    }
  locker = g_mutex_locker_new (&embed_lock);
  for (GList *item = embed_hubs; item != NULL; item = item->next)
    take_lifecycle (item->data, name, event, detail);
  return 0;
}

static void
on_device (virConnectPtr handle, virDomainPtr domain, const char *alias, void *hub)
{
  const char *name = virDomainGetName (domain);
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = NULL;

  if (hub != NULL)
    {
      take_device (hub, name);
      return;
    }
  locker = g_mutex_locker_new (&embed_lock);
  for (GList *item = embed_hubs; item != NULL; item = item->next)
    take_device (item->data, name);
}

static void
on_close (virConnectPtr handle, int reason, void *opaque)
{
  SclVirtHub *hub = opaque;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  if (handle != hub->current)
    return;
  hub->broken = TRUE;
  hub->silent = reason == VIR_CONNECT_CLOSE_REASON_KEEPALIVE;
  wake (hub, NULL);
  if (hub->func != NULL)
    hub->func (NULL, 0, 0, hub->user_data);
}

/* HUB NULL: of the embedded hypervisor. -1: libvirt's error. */
static int
register_one (SclVirtHub *hub, virConnectPtr handle, int event, virConnectDomainEventGenericCallback func)
{
  int id = virConnectDomainEventRegisterAny (handle, NULL, event, func,
                                             hub != NULL ? _scl_virt_hub_ref (hub) : NULL,
                                             hub != NULL ? _scl_virt_hub_unref : NULL);

  if (id < 0 && hub != NULL)
    _scl_virt_hub_unref (hub);
  return id;
}

/* Only lifecycle events must be there. */
static gboolean
register_all (SclVirtHub *hub, virConnectPtr handle, Registration *out)
{
  out->lifecycle_id = register_one (hub, handle, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                    VIR_DOMAIN_EVENT_CALLBACK (on_lifecycle));
  if (out->lifecycle_id < 0)
    return FALSE;
  out->removed_id = register_one (hub, handle, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
                                  VIR_DOMAIN_EVENT_CALLBACK (on_device));
  out->removal_failed_id = register_one (hub, handle, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED,
                                         VIR_DOMAIN_EVENT_CALLBACK (on_device));
  return TRUE;
}

static gboolean
register_embedded (SclVirtHub *hub, virConnectPtr handle)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&embed_lock);
  Registration for_good;

  if (!embed_registered && !register_all (NULL, handle, &for_good))
    return FALSE;
  embed_registered = TRUE;
  embed_hubs = g_list_prepend (embed_hubs, _scl_virt_hub_ref (hub));
  return TRUE;
}

static gboolean
register_own (SclVirtHub *hub, virConnectPtr handle)
{
  Registration own;

  if (!register_all (hub, handle, &own))
    return FALSE;
  g_mutex_lock (&hub->lock);
  g_hash_table_insert (hub->registrations, handle, g_memdup2 (&own, sizeof own));
  g_mutex_unlock (&hub->lock);
  return TRUE;
}

gboolean
_scl_virt_hub_register (SclVirtHub *hub, virConnectPtr handle, SclVirtKind kind, const char *uri,
                        GError **error)
{
  gboolean done
      = kind == SCL_VIRT_EMBEDDED ? register_embedded (hub, handle) : register_own (hub, handle);

  if (!done)
    return scl_throw_virt (
        error, "%s: no events: does the application run its libvirt event loop?", uri);
  hub->kind = kind;
  g_mutex_lock (&hub->lock);
  hub->current = handle;
  hub->broken = hub->silent = FALSE;
  g_mutex_unlock (&hub->lock);
  /* Drivers inside this process have no connection that could break, and would never free HUB. */
  if (kind == SCL_VIRT_DAEMON
      && virConnectRegisterCloseCallback (handle, on_close, _scl_virt_hub_ref (hub),
                                          _scl_virt_hub_unref)
             < 0)
    _scl_virt_hub_unref (hub);
  (void) virConnectSetKeepAlive (handle, KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
  return TRUE;
}

static void
deregister_embedded (SclVirtHub *hub)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&embed_lock);
  GList *item = g_list_find (embed_hubs, hub);

  if (item == NULL)
    return;
  embed_hubs = g_list_delete_link (embed_hubs, item);
  _scl_virt_hub_unref (hub);
}

/* FALSE: it is not registered. */
static gboolean
forget_registration (SclVirtHub *hub, virConnectPtr handle, Registration *out)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);
  const Registration *found = g_hash_table_lookup (hub->registrations, handle);

  if (hub->current == handle)
    hub->current = NULL;
  if (found == NULL)
    return FALSE;
  *out = *found;
  return g_hash_table_remove (hub->registrations, handle);
}

static void
deregister_own (virConnectPtr handle, const Registration *own)
{
  const int ids[] = { own->lifecycle_id, own->removed_id, own->removal_failed_id };

  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    if (ids[i] >= 0)
      (void) virConnectDomainEventDeregisterAny (handle, ids[i]);
}

void
_scl_virt_hub_deregister (SclVirtHub *hub, virConnectPtr handle)
{
  Registration own;

  if (hub->kind == SCL_VIRT_EMBEDDED)
    {
      deregister_embedded (hub);
      return;
    }
  if (forget_registration (hub, handle, &own))
    deregister_own (handle, &own);
  if (hub->kind == SCL_VIRT_DAEMON)
    (void) virConnectUnregisterCloseCallback (handle, on_close);
}

gboolean
_scl_virt_hub_is_broken (SclVirtHub *hub)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  return hub->broken;
}

gboolean
_scl_virt_hub_is_silent (SclVirtHub *hub)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  return hub->silent;
}

void
_scl_virt_hub_listen (SclVirtHub *hub, SclVirtEventFunc func, gpointer user_data)
{
  /* The event thread calls FUNC with this lock held. */
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  hub->func = func;
  hub->user_data = user_data;
}

void
_scl_virt_hub_wake (SclVirtHub *hub)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  wake (hub, NULL);
}

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  SclVirtHub *hub = user_data;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  g_cond_broadcast (&hub->changed);
}

SclVirtWait *
_scl_virt_hub_wait (SclVirtHub *hub, const char *domain_name, GCancellable *cancellable)
{
  SclVirtWait *wait = g_new0 (SclVirtWait, 1);

  wait->hub = _scl_virt_hub_ref (hub);
  wait->domain_name = g_strdup (domain_name);
  g_mutex_lock (&wait->hub->lock);
  wait->hub->waits = g_list_prepend (wait->hub->waits, wait);
  g_mutex_unlock (&wait->hub->lock);
  if (cancellable != NULL)
    {
      wait->cancellable = g_object_ref (cancellable);
      wait->cancelled_id
          = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), wait->hub, NULL);
    }
  return wait;
}

void
_scl_virt_wait_end (SclVirtWait *wait)
{
  if (wait->cancellable != NULL)
    g_cancellable_disconnect (wait->cancellable, wait->cancelled_id);
  g_clear_object (&wait->cancellable);
  g_mutex_lock (&wait->hub->lock);
  wait->hub->waits = g_list_remove (wait->hub->waits, wait);
  g_mutex_unlock (&wait->hub->lock);
  _scl_virt_hub_unref (wait->hub);
  g_free (wait->domain_name);
  g_free (wait);
}

gboolean
_scl_virt_wait_next (SclVirtWait *wait, gint64 deadline)
{
  gboolean happened = TRUE;

  /* Whoever watches this thread shall not take it for one that hangs in libvirt. */
  _scl_virt_call_pause ();
  g_mutex_lock (&wait->hub->lock);
  while (happened && wait->serial == wait->seen)
    happened = !g_cancellable_is_cancelled (wait->cancellable)
               && (g_cond_wait_until (&wait->hub->changed, &wait->hub->lock, deadline)
                   || wait->serial != wait->seen);
  if (happened)
    wait->seen = wait->serial;
  g_mutex_unlock (&wait->hub->lock);
  _scl_virt_call_go_on ();
  return happened;
}
