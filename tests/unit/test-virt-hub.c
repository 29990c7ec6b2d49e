/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose events a hub hears, on libvirt's mock driver. */
#include "backend/vm/scl-virt-event-private.h"
#include "backend/vm/scl-virt-hub-private.h"
#include "base-test.h"

#define URI "test:///default"
#define DOMAIN                                                                                     \
  "<domain type='test'><name>%s</name><memory>1024</memory><os><type>hvm</type></os></domain>"

typedef struct
{
  GMutex lock;
  GCond changed;
  GPtrArray *defined; /* char*: names of domains, in the order of their events */
} Seen;

static void
take (const char *domain_name, int event, int detail, gpointer user_data)
{
  Seen *seen = user_data;

  g_mutex_lock (&seen->lock);
  if (event == VIR_DOMAIN_EVENT_DEFINED)
    g_ptr_array_add (seen->defined, g_strdup (domain_name));
  g_cond_broadcast (&seen->changed);
  g_mutex_unlock (&seen->lock);
}

/* The names that have come when that of a domain has which is defined now. */
static char *
names_up_to (Seen *seen, virConnectPtr handle, const char *name)
{
  gint64 deadline = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  g_autofree char *xml = g_strdup_printf (DOMAIN, name);
  virDomainPtr domain = virDomainDefineXML (handle, xml);
  char *names;

  assert_non_null (domain);
  g_mutex_lock (&seen->lock);
  while (!g_ptr_array_find_with_equal_func (seen->defined, name, g_str_equal, NULL))
    assert_true (g_cond_wait_until (&seen->changed, &seen->lock, deadline));
  g_ptr_array_add (seen->defined, NULL);
  names = g_strjoinv (" ", (char **) seen->defined->pdata);
  g_ptr_array_set_size (seen->defined, 0);
  g_mutex_unlock (&seen->lock);
  assert_int_equal (virDomainUndefine (domain), 0);
  virDomainFree (domain);
  return names;
}

static void
define (virConnectPtr handle, const char *name)
{
  g_autofree char *xml = g_strdup_printf (DOMAIN, name);
  virDomainPtr domain = virDomainDefineXML (handle, xml);

  assert_non_null (domain);
  assert_int_equal (virDomainUndefine (domain), 0);
  virDomainFree (domain);
}

static void
must_register (SclVirtHub *hub, virConnectPtr handle)
{
  g_autoptr (GError) error = NULL;

  if (!_scl_virt_hub_register (hub, handle, SCL_VIRT_TEST, URI, &error))
    fail_msg ("%s", error->message);
}

/* A close that hung is over when the next connection is there: it takes its own callbacks along. */
static void
test_late_close (void **state)
{
  virConnectPtr old = virConnectOpen (URI);
  virConnectPtr next = virConnectOpen (URI);
  virConnectPtr other = virConnectOpen (URI);
  g_autoptr (SclVirtHub) hub = _scl_virt_hub_new ();
  g_autoptr (SclVirtHub) watcher = _scl_virt_hub_new ();
  Seen seen = { .defined = g_ptr_array_new_with_free_func (g_free) };
  Seen control = { .defined = g_ptr_array_new_with_free_func (g_free) };
  g_autofree char *one = NULL;
  g_autofree char *all = NULL;

  _scl_virt_hub_listen (hub, take, &seen);
  _scl_virt_hub_listen (watcher, take, &control);
  must_register (hub, old);
  must_register (hub, next);
  _scl_virt_hub_deregister (hub, old);
  /* Once, from the connection that there is. */
  one = names_up_to (&seen, other, "first");
  assert_string_equal (one, "first");
  _scl_virt_hub_deregister (hub, next);
  /* Events come in order: what the last listener has heard, the others would have. */
  must_register (watcher, other);
  define (other, "second");
  all = names_up_to (&control, other, "third");
  assert_string_equal (all, "second third");
  assert_int_equal (seen.defined->len, 0);
  _scl_virt_hub_deregister (watcher, other);
  _scl_virt_hub_listen (hub, NULL, NULL);
  _scl_virt_hub_listen (watcher, NULL, NULL);
  virConnectClose (other);
  virConnectClose (next);
  virConnectClose (old);
  g_ptr_array_unref (seen.defined);
  g_ptr_array_unref (control.defined);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_late_close),
  };

  _scl_virt_event_register ();
  return cmocka_run_group_tests_name ("virt-hub", tests, NULL, NULL);
}
