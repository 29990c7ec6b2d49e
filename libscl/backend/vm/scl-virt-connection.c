/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-virt-connection-private.h"
#include "backend/vm/scl-embed-root-private.h"
#include "backend/vm/scl-virt-call-private.h"
#include "backend/vm/scl-virt-event-private.h"
#include "backend/vm/scl-virt-uri-private.h"
#include <libvirt/virterror.h>
#include <string.h>
#include <unistd.h>

#define OLDEST_LIBVIRT 9000000 /* 9.0.0 */
#define CLOSE_SECONDS 5

struct SclVirtConnection
{
  SclVirtHub *hub;
  char *uri;
  char *root; /* of the embedded driver; NULL: not embedded */
  GMutex lock; /* of what follows */
  gboolean test;
  virConnectPtr handle;
  SclVirtCall *opening; /* an Opening; NULL: none is under way */
};

static GMutex embed_lock;
static char *embed_uri; /* the one that this process has opened */
static pid_t embed_pid; /* that process: a child of it only thinks so */
/* Never closed: libvirt registers its driver anew at each open, and at most 16 times per process. */
static virConnectPtr embed_handle;

/* libvirt's state is copied by fork, its threads and its lock are not. */
static gboolean
check_fork (const char *uri, GError **error)
{
  if (embed_uri == NULL || embed_pid == getpid ())
    return TRUE;
  return scl_throw (error, SCL_ERROR_IN_USE,
                    "%s: process %d opened the embedded hypervisor and then forked this one: open "
                    "it in one of them only, in a program that was executed anew",
                    uri, (int) embed_pid);
}

/* libvirt can hold one embedded root per process, and then no qemu:///system
 * beside it. */
static gboolean
claim_embed (const char *uri, const char *root, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&embed_lock);

  if (root == NULL)
    {
      if (embed_uri != NULL && g_str_has_prefix (uri, "qemu:///"))
        return scl_throw (error, SCL_ERROR_IN_USE,
                          "%s: this process has already opened the embedded "
                          "hypervisor (%s): use "
                          "another process",
                          uri, embed_uri);
      return TRUE;
    }
  if (embed_uri != NULL && strcmp (embed_uri, uri) != 0)
    return scl_throw (error, SCL_ERROR_IN_USE,
                      "%s: this process has already opened %s, and libvirt "
                      "holds only one embedded "
                      "hypervisor per process: use another process",
                      uri, embed_uri);
  /* Before libvirt tries: it does not recover from a failed start of its driver. */
  if (!check_fork (uri, error) || !_scl_embed_root_check_free (root, uri, error))
    return FALSE;
  if (embed_uri == NULL)
    {
      embed_uri = g_strdup (uri);
      embed_pid = getpid ();
    }
  return _scl_embed_root_begin (root, error);
}

/* One attempt to connect. */
typedef struct
{
  char *uri;
  char *root;
  SclVirtHub *hub;
  SclVirtKind kind;
  virConnectPtr handle; /* NULL: ERROR says why */
  GError *error;
} Opening;

/* Asks the daemon: in a thread that may be left behind. */
static void
close_handle (SclVirtHub *hub, virConnectPtr handle)
{
  _scl_virt_hub_deregister (hub, handle);
  (void) virConnectClose (handle);
}

static void
opening_free (gpointer data)
{
  Opening *opening = data;

  if (opening->handle != NULL)
    close_handle (opening->hub, opening->handle);
  _scl_virt_hub_unref (opening->hub);
  g_clear_error (&opening->error);
  g_free (opening->uri);
  g_free (opening->root);
  g_free (opening);
}

static gboolean
throw_open (const Opening *opening, GError **error)
{
  g_autoptr (GError) cause = NULL;

  scl_throw_virt (&cause, "cannot connect to %s", opening->uri);
  if (opening->root == NULL)
    return scl_throw (error, cause->code,
                      "%s: start libvirtd or virtqemud, or use `sclctl run`, "
                      "which needs none",
                      cause->message);
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

static SclVirtKind
find_kind (const Opening *opening, const char *type)
{
  if (g_strcmp0 (type, "TEST") == 0 || g_strcmp0 (type, "Test") == 0)
    return SCL_VIRT_TEST;
  return opening->root != NULL ? SCL_VIRT_EMBEDDED : SCL_VIRT_DAEMON;
}

static gboolean
check_version (Opening *opening, virConnectPtr handle, GError **error)
{
  unsigned long version = 0;
  const char *type = virConnectGetType (handle);

  opening->kind = find_kind (opening, type);
  if (opening->kind != SCL_VIRT_TEST && g_strcmp0 (type, "QEMU") != 0)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s: hypervisor %s: only QEMU is supported",
                      opening->uri, type != NULL ? type : "?");
  if (virConnectGetLibVersion (handle, &version) < 0)
    return scl_throw_virt (error, "%s: cannot tell libvirt's version", opening->uri);
  if (version < OLDEST_LIBVIRT)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "%s: libvirt %lu.%lu.%lu: 9.0.0 is the oldest",
                      opening->uri, version / 1000000, version / 1000 % 1000, version % 1000);
  return TRUE;
}

/* (transfer full) */
static virConnectPtr
open_embedded (const char *uri)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&embed_lock);

  if (embed_handle == NULL)
    embed_handle = virConnectOpen (uri);
  if (embed_handle != NULL)
    (void) virConnectRef (embed_handle);
  return embed_handle;
}

/* Without the aliases of libvirt.conf: one could stand for the embedded driver. The test driver knows no flags, and no
 * alias has a colon. (transfer full) */
static virConnectPtr
open_other (const char *uri)
{
  return virConnectOpenAuth (uri, NULL, g_str_has_prefix (uri, "test:") ? 0 : VIR_CONNECT_NO_ALIASES);
}

static void
open_handle (gpointer data, gpointer user_data)
{
  Opening *opening = data;
  g_autoptr (virConnect) handle = NULL;

  if (!claim_embed (opening->uri, opening->root, &opening->error))
    return;
  handle = opening->root != NULL ? open_embedded (opening->uri) : open_other (opening->uri);
  if (handle == NULL)
    {
      throw_open (opening, &opening->error);
      return;
    }
  if (check_version (opening, handle, &opening->error)
      && _scl_virt_hub_register (opening->hub, handle, opening->kind, opening->uri, &opening->error))
    opening->handle = g_steal_pointer (&handle);
}

/* (transfer full) (nullable) Call with the lock held. */
static virConnectPtr
peek_alive (SclVirtConnection *self)
{
  /* virConnectIsAlive looks at our side of the socket only. */
  if (self->handle == NULL || _scl_virt_hub_is_broken (self->hub)
      || virConnectIsAlive (self->handle) != 1)
    return NULL;
  (void) virConnectRef (self->handle);
  return self->handle;
}

/* What is closed, for a thread that may be left behind. */
static void
close_work (gpointer data, gpointer user_data)
{
  Opening *closing = data;

  close_handle (closing->hub, g_steal_pointer (&closing->handle));
}

/* Call with the lock held. */
static void
drop_handle (SclVirtConnection *self)
{
  g_autoptr (SclVirtCall) call = NULL;
  Opening *closing;

  if (self->handle == NULL)
    return;
  closing = g_new0 (Opening, 1);
  closing->hub = _scl_virt_hub_ref (self->hub);
  closing->handle = g_steal_pointer (&self->handle);
  call = _scl_virt_call_start (close_work, closing, opening_free, "closing the connection");
  (void) _scl_virt_call_wait (call, self->uri, CLOSE_SECONDS, CLOSE_SECONDS, NULL, NULL);
}

/* What the attempt came to. Call with the lock held. */
static void
take_over (SclVirtConnection *self)
{
  Opening *opening = _scl_virt_call_get_data (self->opening);

  self->handle = g_steal_pointer (&opening->handle);
  self->test = self->handle != NULL ? opening->kind == SCL_VIRT_TEST : self->test;
  g_clear_pointer (&self->opening, _scl_virt_call_unref);
  _scl_virt_hub_wake (self->hub);
}

/* An attempt that nobody waited for to its end: why it failed then says nothing about now. Call with the
 * lock held. */
static void
end_old_attempt (SclVirtConnection *self)
{
  if (self->opening == NULL)
    return;
  if (_scl_virt_call_is_done (self->opening))
    take_over (self);
  else if (_scl_virt_call_is_refused (self->opening))
    g_clear_pointer (&self->opening, _scl_virt_call_unref);
}

/* Call with the lock held. (transfer full) */
static SclVirtCall *
begin_opening (SclVirtConnection *self)
{
  Opening *opening;

  /* One that hangs is waited for again, so that there is never more than one. */
  if (self->opening != NULL)
    return _scl_virt_call_ref (self->opening);
  drop_handle (self);
  opening = g_new0 (Opening, 1);
  opening->uri = g_strdup (self->uri);
  opening->root = g_strdup (self->root);
  opening->hub = _scl_virt_hub_ref (self->hub);
  self->opening = _scl_virt_call_start (open_handle, opening, opening_free, "connecting");
  return _scl_virt_call_ref (self->opening);
}

/* Takes over what the attempt came to, whoever of those who waited comes first. */
static virConnectPtr
end_opening (SclVirtConnection *self, SclVirtCall *call, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Opening *opening = _scl_virt_call_get_data (call);
  virConnectPtr handle;

  if (self->opening == call)
    take_over (self);
  handle = peek_alive (self);
  if (handle == NULL && opening->error != NULL)
    g_propagate_error (error, g_error_copy (opening->error));
  else if (handle == NULL)
    (void) scl_throw (error, SCL_ERROR_BACKEND, "%s: the connection broke at once", self->uri);
  return handle;
}

static virConnectPtr
get_handle (SclVirtConnection *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclVirtCall) call = NULL;
  guint seconds = self->root != NULL ? SCL_VIRT_CHANGE_SECONDS : SCL_VIRT_READ_SECONDS;
  virConnectPtr handle;

  g_mutex_lock (&self->lock);
  end_old_attempt (self);
  handle = peek_alive (self);
  if (handle == NULL)
    call = begin_opening (self);
  g_mutex_unlock (&self->lock);
  if (handle != NULL)
    return handle;
  if (!_scl_virt_call_wait (call, self->uri, seconds, 0, cancellable, error))
    return NULL;
  return end_opening (self, call, error);
}

virConnectPtr
_scl_virt_connection_get (SclVirtConnection *self, GError **error)
{
  return get_handle (self, NULL, error);
}

SclVirtConnection *
_scl_virt_connection_new (const char *uri, const char *state_dir, GCancellable *cancellable,
                          GError **error)
{
  SclVirtConnection *self;
  g_autoptr (virConnect) handle = NULL;

  if (!_scl_virt_uri_check (uri, error))
    return NULL;
  self = g_new0 (SclVirtConnection, 1);
  self->hub = _scl_virt_hub_new ();
  g_mutex_init (&self->lock);
  if (strcmp (uri, SCL_EMBED_URI) != 0)
    self->uri = g_strdup (uri);
  else if ((self->root = _scl_embed_root_prepare (state_dir, error)) != NULL)
    self->uri = _scl_embed_root_to_uri (self->root);
  if (self->uri != NULL)
    {
      _scl_virt_error_silence ();
      _scl_virt_event_register ();
      handle = get_handle (self, cancellable, error);
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
  _scl_virt_hub_listen (self->hub, NULL, NULL);
  if (self->opening != NULL)
    _scl_virt_call_abandon (self->opening);
  g_clear_pointer (&self->opening, _scl_virt_call_unref);
  drop_handle (self);
  _scl_virt_hub_unref (self->hub);
  g_mutex_clear (&self->lock);
  g_free (self->root);
  g_free (self->uri);
  g_free (self);
}

SclVirtHub *
_scl_virt_connection_get_hub (SclVirtConnection *self)
{
  return self->hub;
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

SclVirtWait *
_scl_virt_wait_begin (SclVirtConnection *self, const char *domain_name, GCancellable *cancellable)
{
  return _scl_virt_hub_wait (self->hub, domain_name, cancellable);
}
