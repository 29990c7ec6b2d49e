/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-virt-event-private.h"
#include <libvirt/libvirt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What the callbacks, which run in the loop's thread, have seen. */
typedef struct
{
  GMutex lock;
  GCond changed;
  GThread *thread;
  guint fired;
  guint freed;
  int events;
  int id;
} Seen;

static void
seen_wait (Seen *seen, guint *counter, guint at_least)
{
  gint64 deadline = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  gboolean in_time = TRUE;

  g_mutex_lock (&seen->lock);
  while (*counter < at_least && in_time)
    in_time = g_cond_wait_until (&seen->changed, &seen->lock, deadline);
  g_mutex_unlock (&seen->lock);
  assert_true (in_time);
}

static void
seen_count (Seen *seen, guint *counter)
{
  g_mutex_lock (&seen->lock);
  seen->thread = g_thread_self ();
  (*counter)++;
  g_cond_broadcast (&seen->changed);
  g_mutex_unlock (&seen->lock);
}

static void
on_free (void *opaque)
{
  Seen *seen = opaque;

  seen_count (seen, &seen->freed);
}

static void
on_timeout (int timer, void *opaque)
{
  Seen *seen = opaque;

  seen_count (seen, &seen->fired);
}

static void
on_handle (int watch, int fd, int events, void *opaque)
{
  Seen *seen = opaque;
  char byte;

  g_atomic_int_set (&seen->events, events);
  if (events & VIR_EVENT_HANDLE_READABLE && read (fd, &byte, 1) < 1)
    virEventUpdateHandle (watch, 0);
  if (!(events & VIR_EVENT_HANDLE_READABLE))
    virEventUpdateHandle (watch, 0);
  seen_count (seen, &seen->fired);
}

static void
on_timeout_once (int timer, void *opaque)
{
  Seen *seen = opaque;

  assert_int_equal (virEventRemoveTimeout (timer), 0);
  seen_count (seen, &seen->fired);
}

static void
test_registers_once (void **state)
{
  assert_true (_scl_virt_event_register ());
  assert_true (_scl_virt_event_register ());
}

static void
test_timeout (void **state)
{
  Seen seen = { 0 };
  int id = virEventAddTimeout (-1, on_timeout, &seen, on_free);

  assert_true (id > 0);
  virEventUpdateTimeout (id, 1);
  seen_wait (&seen, &seen.fired, 3);
  assert_true (seen.thread != g_thread_self ());
  assert_int_equal (virEventRemoveTimeout (id), 0);
  assert_int_equal (virEventRemoveTimeout (id), -1);
  seen_wait (&seen, &seen.freed, 1);
}

#define PUT_OFF_MS 300

/* A later time than the one before is not told to the kernel at once; an earlier one is. */
static void
test_timeout_is_put_off (void **state)
{
  Seen seen = { 0 };
  Seen bell = { 0 };
  gint64 began = g_get_monotonic_time ();
  int id = virEventAddTimeout (PUT_OFF_MS, on_timeout, &seen, on_free);
  int bell_id;
  gboolean in_time;

  virEventUpdateTimeout (id, 3600000);
  in_time = g_get_monotonic_time () - began < PUT_OFF_MS * 1000;
  bell_id = virEventAddTimeout (2 * PUT_OFF_MS, on_timeout, &bell, on_free);
  seen_wait (&bell, &bell.fired, 1);
  if (in_time)
    assert_int_equal (g_atomic_int_get (&seen.fired), 0);
  virEventUpdateTimeout (id, 1);
  seen_wait (&seen, &seen.fired, 2);
  assert_int_equal (virEventRemoveTimeout (id), 0);
  assert_int_equal (virEventRemoveTimeout (bell_id), 0);
  seen_wait (&seen, &seen.freed, 1);
  seen_wait (&bell, &bell.freed, 1);
}

static void
test_removes_itself (void **state)
{
  Seen seen = { 0 };

  assert_true (virEventAddTimeout (0, on_timeout_once, &seen, on_free) > 0);
  seen_wait (&seen, &seen.freed, 1);
  assert_int_equal (seen.fired, 1);
}

static void
test_handle (void **state)
{
  Seen seen = { 0 };
  int fds[2];
  int id;

  assert_int_equal (pipe (fds), 0);
  id = virEventAddHandle (fds[0], 0, on_handle, &seen, on_free);
  assert_true (id > 0);
  assert_int_equal (write (fds[1], "x", 1), 1);
  virEventUpdateHandle (id, VIR_EVENT_HANDLE_READABLE);
  seen_wait (&seen, &seen.fired, 1);
  assert_true (g_atomic_int_get (&seen.events) & VIR_EVENT_HANDLE_READABLE);
  (void) close (fds[1]);
  seen_wait (&seen, &seen.fired, 2);
  assert_true (g_atomic_int_get (&seen.events) & VIR_EVENT_HANDLE_HANGUP);
  assert_int_equal (virEventRemoveHandle (id), 0);
  seen_wait (&seen, &seen.freed, 1);
  (void) close (fds[0]);
}

static gpointer
churn (gpointer data)
{
  Seen *seen = data;

  for (int i = 0; i < 500; i++)
    (void) virEventRemoveTimeout (virEventAddTimeout (0, on_timeout, seen, on_free));
  return NULL;
}

static void
test_many_threads (void **state)
{
  Seen seen = { 0 };
  GThread *threads[4];

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("churn", churn, &seen);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  seen_wait (&seen, &seen.freed, 2000);
}

static void
count_event (virConnectPtr connection, virDomainPtr domain, int event, int detail, void *opaque)
{
  Seen *seen = opaque;

  if (event == VIR_DOMAIN_EVENT_STARTED || event == VIR_DOMAIN_EVENT_STOPPED)
    seen_count (seen, &seen->fired);
}

static void
test_libvirt_uses_it (void **state)
{
  virConnectPtr connection = virConnectOpen ("test:///default");
  virDomainPtr domain = virDomainLookupByName (connection, "test");
  Seen seen = { 0 };
  int id = virConnectDomainEventRegisterAny (connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                             VIR_DOMAIN_EVENT_CALLBACK (count_event), &seen, NULL);

  assert_true (id >= 0);
  assert_int_equal (virDomainDestroy (domain), 0);
  assert_int_equal (virDomainCreate (domain), 0);
  seen_wait (&seen, &seen.fired, 2);
  virConnectDomainEventDeregisterAny (connection, id);
  virDomainFree (domain);
  virConnectClose (connection);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_registers_once), cmocka_unit_test (test_timeout),
    cmocka_unit_test (test_timeout_is_put_off),
    cmocka_unit_test (test_removes_itself), cmocka_unit_test (test_handle),
    cmocka_unit_test (test_many_threads),   cmocka_unit_test (test_libvirt_uses_it),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
