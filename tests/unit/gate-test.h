/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What one thread says and another waits for: flags of the test's own, under this lock. Every wait has a bound. */

#include <glib.h>

#define GATE_BOUND (60 * G_TIME_SPAN_SECOND)

typedef struct
{
  GMutex mutex;
  GCond cond;
} Gate;

static inline void
gate_init (Gate *gate)
{
  g_mutex_init (&gate->mutex);
  g_cond_init (&gate->cond);
}

static inline void
gate_clear (Gate *gate)
{
  g_mutex_clear (&gate->mutex);
  g_cond_clear (&gate->cond);
}

static inline void
gate_set (Gate *gate, gboolean *what)
{
  g_mutex_lock (&gate->mutex);
  *what = TRUE;
  g_cond_broadcast (&gate->cond);
  g_mutex_unlock (&gate->mutex);
}

static inline void
gate_count (Gate *gate, guint *counter)
{
  g_mutex_lock (&gate->mutex);
  (*counter)++;
  g_cond_broadcast (&gate->cond);
  g_mutex_unlock (&gate->mutex);
}

/* FALSE if it was too late. */
static inline gboolean
gate_await_count (Gate *gate, const guint *counter, guint at_least)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&gate->mutex);
  gint64 end = g_get_monotonic_time () + GATE_BOUND;

  while (*counter < at_least)
    if (!g_cond_wait_until (&gate->cond, &gate->mutex, end))
      return FALSE;
  return TRUE;
}

static inline gboolean
gate_await (Gate *gate, const gboolean *what)
{
  return gate_await_count (gate, (const guint *) what, TRUE);
}
