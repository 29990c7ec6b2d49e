/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest agents that are asked for addresses. The domains are those of libvirt's mock driver, which has
 * no agents: the three calls that reach one are this program's. */
#include <libvirt/virterror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libvirt-vms-fixture.h"
#include "test-between.h"

#define MANY 40

/* --- the agents --- */

static GMutex lock;
static GCond ended;
static GHashTable *limits; /* domain → the limit that is set now */
static gboolean silent;    /* they take as long as the limit */
static guint asked, at_once, most_at_once;

int
virDomainAgentSetResponseTimeout (virDomainPtr domain, int timeout, unsigned int flags)
{
  g_mutex_lock (&lock);
  g_hash_table_replace (limits, g_strdup (virDomainGetName (domain)), GINT_TO_POINTER (timeout));
  g_mutex_unlock (&lock);
  return 0;
}

static virDomainInterfacePtr
make_interface (const char *address)
{
  virDomainInterfacePtr interface = calloc (1, sizeof *interface);

  interface->addrs = calloc (1, sizeof *interface->addrs);
  interface->addrs[0].addr = strdup (address);
  interface->naddrs = 1;
  return interface;
}

int
virDomainInterfaceAddresses (virDomainPtr domain, virDomainInterfacePtr **interfaces,
                             unsigned int source, unsigned int flags)
{
  gint64 limit;

  g_mutex_lock (&lock);
  asked++;
  at_once++;
  most_at_once = MAX (most_at_once, at_once);
  limit = g_get_monotonic_time ()
          + GPOINTER_TO_INT (g_hash_table_lookup (limits, virDomainGetName (domain)))
                * G_USEC_PER_SEC;
  /* Nobody signals: a silent agent ends with its limit. */
  while (silent && g_cond_wait_until (&ended, &lock, limit))
    ;
  at_once--;
  g_mutex_unlock (&lock);
  if (silent)
    return -1;
  *interfaces = calloc (1, sizeof **interfaces);
  (*interfaces)[0] = make_interface ("192.168.20.7");
  return 1;
}

/* --- the VMs --- */

static int
set_up_many (void **state)
{
  int status = set_up (state);
  Fixture *fixture = *state;

  limits = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  asked = at_once = most_at_once = 0;
  silent = FALSE;
  for (guint i = 0; i < MANY; i++)
    {
      g_autofree char *name = g_strdup_printf ("vm-%02u", i);
      const VmPlan plan = { .name = name, .n_nics = 1 };
      g_autoptr (GError) error = NULL;

      define (fixture->vms, &plan);
      if (!_scl_vm_backend_start (fixture->vms, name, NULL, &error))
        fail_msg ("%s", error->message);
    }
  return status;
}

static int
tear_down_many (void **state)
{
  int status = tear_down (state);

  g_clear_pointer (&limits, g_hash_table_unref);
  return status;
}

static void
assert_limits_are_libvirts (void)
{
  GHashTableIter iter;
  gpointer limit;

  g_mutex_lock (&lock);
  g_hash_table_iter_init (&iter, limits);
  while (g_hash_table_iter_next (&iter, NULL, &limit))
    assert_int_equal (GPOINTER_TO_INT (limit), VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK);
  g_mutex_unlock (&lock);
}

static void
test_addresses (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclObservation) seen = observe (fixture->vms, NULL);
  g_autoptr (GPtrArray) told = _scl_vm_backend_list_agent_addresses (fixture->vms, seen, NULL);

  assert_int_equal (told->len, seen->vms->len);
  assert_int_equal (asked, MANY);
  for (guint i = 0; i < told->len; i++)
    {
      GPtrArray *addresses = told->pdata[i];
      g_autofree char *text = NULL;

      assert_int_equal (addresses->len, 1);
      text = g_inet_address_to_string (addresses->pdata[0]);
      assert_string_equal (text, "192.168.20.7");
    }
  assert_limits_are_libvirts ();
}

/* One after the other they would take as many seconds as there are. */
static void
test_silent_agents (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclObservation) seen = observe (fixture->vms, NULL);
  g_autoptr (GPtrArray) told = NULL;
  gint64 begin = g_get_monotonic_time ();

  silent = TRUE;
  told = _scl_vm_backend_list_agent_addresses (fixture->vms, seen, NULL);
  assert_true (g_get_monotonic_time () - begin < MANY / 4 * G_USEC_PER_SEC);
  for (guint i = 0; i < told->len; i++)
    assert_null (told->pdata[i]);
  assert_between (most_at_once, 2, 4);
  assert_limits_are_libvirts ();
}

static gpointer
cancel_when_asked (gpointer cancellable)
{
  for (gboolean is_asked = FALSE; !is_asked; g_thread_yield ())
    {
      g_mutex_lock (&lock);
      is_asked = at_once > 0;
      g_mutex_unlock (&lock);
    }
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancelled (void **state)
{
  Fixture *fixture = *state;
  g_autoptr (SclObservation) seen = observe (fixture->vms, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) told = NULL;
  GThread *thread;
  guint still_asking;

  silent = TRUE;
  thread = g_thread_new ("cancel", cancel_when_asked, cancellable);
  told = _scl_vm_backend_list_agent_addresses (fixture->vms, seen, cancellable);
  g_mutex_lock (&lock);
  still_asking = at_once;
  g_mutex_unlock (&lock);
  g_thread_join (thread);
  /* They were left behind, and give the limits back when they end. */
  assert_between (still_asking, 1, 4);
  for (gboolean busy = TRUE; busy; g_thread_yield ())
    {
      g_mutex_lock (&lock);
      busy = at_once > 0;
      g_mutex_unlock (&lock);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_addresses, set_up_many, tear_down_many),
    cmocka_unit_test_setup_teardown (test_silent_agents, set_up_many, tear_down_many),
    cmocka_unit_test_setup_teardown (test_cancelled, set_up_many, tear_down_many),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
