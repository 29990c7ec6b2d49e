/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-home-private.h"
#include <unistd.h>

struct _SclHome
{
  gatomicrefcount users;
  GMainContext *context;

  GMutex mutex;    /* over what follows */
  GThread *thread; /* the one that may change and read */
  gboolean used;   /* it has */
};

SclHome *
_scl_home_new (void)
{
  SclHome *self = g_new0 (SclHome, 1);

  g_atomic_ref_count_init (&self->users);
  self->context = g_main_context_ref_thread_default ();
  self->thread = g_thread_self ();
  g_mutex_init (&self->mutex);
  return self;
}

SclHome *
_scl_home_ref (SclHome *self)
{
  g_atomic_ref_count_inc (&self->users);
  return self;
}

void
_scl_home_unref (SclHome *self)
{
  if (!g_atomic_ref_count_dec (&self->users))
    return;
  g_main_context_unref (self->context);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static gboolean
is_default (SclHome *self)
{
  return self->context == g_main_context_default ();
}

/* The global context is the main thread's also while that runs no loop. */
static gboolean
runs_context (SclHome *self)
{
  if (g_main_context_is_owner (self->context))
    return TRUE;
  if (!is_default (self) || gettid () != getpid () || !g_main_context_acquire (self->context))
    return FALSE;
  g_main_context_release (self->context);
  return TRUE;
}

gboolean
_scl_home_is_here (SclHome *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (self->thread != g_thread_self () && !runs_context (self))
    return FALSE;
  self->thread = g_thread_self ();
  self->used = TRUE;
  return TRUE;
}

/* A thread without a context of its own shares the global one with a loop that it knows nothing of. */
gboolean
_scl_home_is_served_here (SclHome *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (self->thread != g_thread_self () && self->used && is_default (self))
    return FALSE;
  self->thread = g_thread_self ();
  return TRUE;
}

/* Not g_main_context_invoke_full (): it calls here and now when nobody runs the context. */
GSource *
_scl_home_send (SclHome *self, GSourceFunc func, gpointer data, GDestroyNotify free_data)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, free_data);
  g_source_attach (source, self->context);
  return source;
}
