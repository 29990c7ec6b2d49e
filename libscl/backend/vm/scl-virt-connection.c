/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-embed-root-private.h"
#include "backend/vm/scl-virt-connection-private.h"
#include "backend/vm/scl-virt-event-private.h"
#include <libvirt/virterror.h>
#include <string.h>

#define OLDEST_LIBVIRT 9000000 /* 9.0.0 */
#define KEEPALIVE_SECONDS 5
#define KEEPALIVE_COUNT 3
#define EMBED_URI "qemu:///embed"

/* Shared with libvirt's callbacks, which may still run while the connection is
 * being closed. */
typedef struct
{
  gatomicrefcount refs;
  GMutex lock;
  GCond changed;
  GList *waits;    /* SclVirtWait */
  gboolean broken; /* the handle is dead: open a new one */
  SclVirtEventFunc func;
  gpointer user_data;
} Hub;

struct SclVirtConnection
{
  Hub *hub;
  GMutex open_lock;
  char *uri;
  char *root; /* of the embedded driver; NULL: not embedded */
  gboolean test;
  virConnectPtr handle; /* under hub->lock */
  int lifecycle_id;
  int removed_id;
  int removal_failed_id;
};

struct SclVirtWait
{
  Hub *hub;
  char *domain_name;
  GCancellable *cancellable;
  gulong cancelled_id;
  guint serial; /* events so far */
  guint seen;
};

static GMutex embed_lock;
static char *embed_uri; /* the one that this process has opened */

static Hub *
hub_new (void)
{
  Hub *hub = g_new0 (Hub, 1);

  g_atomic_ref_count_init (&hub->refs);
  g_mutex_init (&hub->lock);
  g_cond_init (&hub->changed);
  return hub;
}

static Hub *
hub_ref (Hub *hub)
{
  g_atomic_ref_count_inc (&hub->refs);
  return hub;
}

static void
hub_unref (void *data)
{
  Hub *hub = data;

  if (!g_atomic_ref_count_dec (&hub->refs))
    return;
  g_mutex_clear (&hub->lock);
  g_cond_clear (&hub->changed);
  g_free (hub);
}

/* DOMAIN_NAME NULL: everybody. Call with the lock held. */
static void
wake (Hub *hub, const char *domain_name)
{
  for (GList *item = hub->waits; item != NULL; item = item->next)
    {
      SclVirtWait *wait = item->data;

      if (domain_name == NULL || strcmp (wait->domain_name, domain_name) == 0)
        wait->serial++;
    }
  g_cond_broadcast (&hub->changed);
}

static int
on_lifecycle (virConnectPtr handle, virDomainPtr domain, int event, int detail, void *opaque)
{
  Hub *hub = opaque;
  const char *name = virDomainGetName (domain);
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  wake (hub, name);
  if (hub->func != NULL)
    hub->func (name, event, detail, hub->user_data);
  return 0;
}

static void
on_device (virConnectPtr handle, virDomainPtr domain, const char *alias, void *opaque)
{
  Hub *hub = opaque;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  wake (hub, virDomainGetName (domain));
}

static void
on_close (virConnectPtr handle, int reason, void *opaque)
{
  Hub *hub = opaque;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  hub->broken = TRUE;
  wake (hub, NULL);
  if (hub->func != NULL)
    hub->func (NULL, 0, 0, hub->user_data);
}

/* libvirt can hold one embedded root per process, and then no qemu:///system
 * beside it. */
static gboolean
claim_embed (const char *uri, const char *root, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&embed_lock);
  int owner;

  if (root == NULL)
    {
      if (embed_uri != NULL && g_str_has_prefix (uri, "qemu:///"))
        return scl_throw (error, SCL_ERROR_BUSY,
                          "%s: this process has already opened the embedded "
                          "hypervisor (%s): use "
                          "another process",
                          uri, embed_uri);
      return TRUE;
    }
  if (embed_uri != NULL && strcmp (embed_uri, uri) != 0)
    return scl_throw (error, SCL_ERROR_BUSY,
                      "%s: this process has already opened %s, and libvirt "
                      "holds only one embedded "
                      "hypervisor per process: use another process",
                      uri, embed_uri);
  /* Before libvirt tries: it does not recover from a failed start of its
   * driver. */
  owner = _scl_embed_root_find_owner (root);
  if (owner > 0)
    return scl_throw (error, SCL_ERROR_BUSY,
                      "%s: process %d has this embedded hypervisor open: end it first", uri, owner);
  if (embed_uri == NULL)
    embed_uri = g_strdup (uri);
  _scl_embed_root_begin (root);
  return TRUE;
}

static gboolean
throw_open (SclVirtConnection *self, GError **error)
{
  g_autoptr (GError) cause = NULL;

  scl_throw_virt (&cause, "cannot connect to %s", self->uri);
  if (self->root == NULL)
    return scl_throw (error, cause->code,
                      "%s: start libvirtd or virtqemud, or use `sclctl run`, "
                      "which needs none",
                      cause->message);
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

static gboolean
register_events (SclVirtConnection *self, virConnectPtr handle, GError **error)
{
  Hub *hub = self->hub;

  self->lifecycle_id = virConnectDomainEventRegisterAny (
      handle, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK (on_lifecycle),
      hub_ref (hub), hub_unref);
  if (self->lifecycle_id < 0)
    {
      hub_unref (hub);
      return scl_throw_virt (
          error, "%s: no events: does the application run its libvirt event loop?", self->uri);
    }
  self->removed_id = virConnectDomainEventRegisterAny (
      handle, NULL, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK (on_device),
      hub_ref (hub), hub_unref);
  if (self->removed_id < 0)
    hub_unref (hub);
  self->removal_failed_id = virConnectDomainEventRegisterAny (
      handle, NULL, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED,
      VIR_DOMAIN_EVENT_CALLBACK (on_device), hub_ref (hub), hub_unref);
  if (self->removal_failed_id < 0)
    hub_unref (hub);
  /* Drivers inside this process have no connection that could break, and would never free HUB. */
  if (self->root == NULL && !self->test
      && virConnectRegisterCloseCallback (handle, on_close, hub_ref (hub), hub_unref) < 0)
    hub_unref (hub);
  (void) virConnectSetKeepAlive (handle, KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
  return TRUE;
}

static void
deregister_events (SclVirtConnection *self, virConnectPtr handle)
{
  const int ids[] = { self->lifecycle_id, self->removed_id, self->removal_failed_id };

  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    if (ids[i] >= 0)
      (void) virConnectDomainEventDeregisterAny (handle, ids[i]);
  if (self->root == NULL && !self->test)
    (void) virConnectUnregisterCloseCallback (handle, on_close);
}

static gboolean
check_version (SclVirtConnection *self, virConnectPtr handle, GError **error)
{
  unsigned long version = 0;
  const char *type = virConnectGetType (handle);

  self->test = g_strcmp0 (type, "TEST") == 0 || g_strcmp0 (type, "Test") == 0;
  if (!self->test && g_strcmp0 (type, "QEMU") != 0)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s: hypervisor %s: only QEMU is supported",
                      self->uri, type != NULL ? type : "?");
  if (virConnectGetLibVersion (handle, &version) < 0)
    return scl_throw_virt (error, "%s: cannot tell libvirt's version", self->uri);
  if (version < OLDEST_LIBVIRT)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s: libvirt %lu.%lu.%lu: 9.0.0 is the oldest",
                      self->uri, version / 1000000, version / 1000 % 1000, version % 1000);
  return TRUE;
}

static virConnectPtr
open_handle (SclVirtConnection *self, GError **error)
{
  g_autoptr (virConnect) handle = NULL;

  if (!claim_embed (self->uri, self->root, error))
    return NULL;
  handle = virConnectOpen (self->uri);
  if (handle == NULL)
    {
      throw_open (self, error);
      return NULL;
    }
  if (!check_version (self, handle, error) || !register_events (self, handle, error))
    return NULL;
  return g_steal_pointer (&handle);
}

/* (transfer full) (nullable) */
static virConnectPtr
peek_alive (SclVirtConnection *self)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->hub->lock);

  /* virConnectIsAlive looks at our side of the socket only. */
  if (self->handle == NULL || self->hub->broken || virConnectIsAlive (self->handle) != 1)
    return NULL;
  (void) virConnectRef (self->handle);
  return self->handle;
}

static void
drop_handle (SclVirtConnection *self)
{
  g_autoptr (virConnect) old = NULL;

  g_mutex_lock (&self->hub->lock);
  old = g_steal_pointer (&self->handle);
  self->hub->broken = FALSE;
  g_mutex_unlock (&self->hub->lock);
  if (old != NULL)
    deregister_events (self, old);
}

virConnectPtr
_scl_virt_connection_get (SclVirtConnection *self, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) opening = NULL;
  virConnectPtr handle = peek_alive (self);

  if (handle != NULL)
    return handle;
  opening = g_mutex_locker_new (&self->open_lock);
  handle = peek_alive (self); /* another thread may have opened it meanwhile */
  if (handle != NULL)
    return handle;
  drop_handle (self);
  handle = open_handle (self, error);
  if (handle == NULL)
    return NULL;
  g_mutex_lock (&self->hub->lock);
  self->handle = handle;
  (void) virConnectRef (handle);
  wake (self->hub, NULL);
  g_mutex_unlock (&self->hub->lock);
  return handle;
}

SclVirtConnection *
_scl_virt_connection_new (const char *uri, const char *state_dir, GError **error)
{
  SclVirtConnection *self = g_new0 (SclVirtConnection, 1);
  g_autoptr (virConnect) handle = NULL;

  self->hub = hub_new ();
  g_mutex_init (&self->open_lock);
  self->lifecycle_id = self->removed_id = self->removal_failed_id = -1;
  if (strcmp (uri, EMBED_URI) != 0)
    self->uri = g_strdup (uri);
  else if ((self->root = _scl_embed_root_prepare (state_dir, error)) != NULL)
    self->uri = _scl_embed_root_to_uri (self->root);
  if (self->uri != NULL)
    {
      _scl_virt_error_silence ();
      _scl_virt_event_register ();
      handle = _scl_virt_connection_get (self, error);
    }
  if (handle == NULL)
    g_clear_pointer (&self, _scl_virt_connection_free);
  return self;
}

void
_scl_virt_connection_free (SclVirtConnection *self)
{
  if (self == NULL)
    return;
  _scl_virt_connection_listen (self, NULL, NULL);
  drop_handle (self);
  hub_unref (self->hub);
  g_mutex_clear (&self->open_lock);
  g_free (self->root);
  g_free (self->uri);
  g_free (self);
}

void
_scl_virt_connection_listen (SclVirtConnection *self, SclVirtEventFunc func, gpointer user_data)
{
  /* The event thread calls FUNC with this lock held. */
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->hub->lock);

  self->hub->func = func;
  self->hub->user_data = user_data;
}

const char *
_scl_virt_connection_get_uri (SclVirtConnection *self)
{
  return self->uri;
}

gboolean
_scl_virt_connection_is_embedded (SclVirtConnection *self)
{
  return self->root != NULL;
}

gboolean
_scl_virt_connection_is_test (SclVirtConnection *self)
{
  return self->test;
}

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Hub *hub = user_data;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&hub->lock);

  g_cond_broadcast (&hub->changed);
}

SclVirtWait *
_scl_virt_wait_begin (SclVirtConnection *self, const char *domain_name, GCancellable *cancellable)
{
  SclVirtWait *wait = g_new0 (SclVirtWait, 1);

  wait->hub = hub_ref (self->hub);
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
  hub_unref (wait->hub);
  g_free (wait->domain_name);
  g_free (wait);
}

gboolean
_scl_virt_wait_next (SclVirtWait *wait, gint64 deadline)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&wait->hub->lock);

  while (wait->serial == wait->seen)
    {
      if (g_cancellable_is_cancelled (wait->cancellable))
        return FALSE;
      if (!g_cond_wait_until (&wait->hub->changed, &wait->hub->lock, deadline)
          && wait->serial == wait->seen)
        return FALSE;
    }
  wait->seen = wait->serial;
  return TRUE;
}
