/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kill -9 at random moments of every operation, each time followed by the same again: the state is
 * as if nothing had happened, and nothing is left over. SCL_TEST_KILLS sets how often (default 60),
 * SCL_TEST_SEED the moments. */
#include "network-fixture.h"
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define MAC1 "52:00:00:00:00:01"
#define MAC2 "52:00:00:00:00:02"
/* Somewhat longer than one operation takes, so that some are not killed at all. */
#define SPAN_US 90000

static GPtrArray *
first_state (void)
{
  return make_targets (
      make_target (
          make_spec ("a", "192.168.10.1", "192.168.20.1", 24, "tcp:2222:192.168.20.2:22", NULL),
          "one=" MAC1, "two=" MAC2, NULL),
      make_target (make_spec ("b", "192.168.10.2", "192.168.20.1", 24, NULL), NULL), NULL);
}

/* Other addresses and forwards, and a NIC that has moved. */
static GPtrArray *
second_state (void)
{
  return make_targets (
      make_target (make_spec ("a", "192.168.10.3", "10.0.0.1", 16, "udp:53:10.0.0.2:53", NULL),
                   "two=" MAC2, NULL),
      make_target (
          make_spec ("b", "192.168.10.2", "192.168.20.1", 24, "tcp:80:192.168.20.9:80", NULL),
          "one=" MAC1, NULL),
      NULL);
}

static gboolean
apply_first (SclNetworkBackend *backend, GError **error)
{
  g_autoptr (GPtrArray) targets = first_state ();

  return apply_networks (backend, "gw0", targets, error);
}

static gboolean
apply_second (SclNetworkBackend *backend, GError **error)
{
  g_autoptr (GPtrArray) targets = second_state ();

  return apply_networks (backend, "gw0", targets, error);
}

static gboolean
remove_all (SclNetworkBackend *backend, GError **error)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();

  return _scl_network_backend_remove (backend, "a", NULL, error)
         && _scl_network_backend_remove (backend, "b", NULL, error)
         && apply_networks (backend, NULL, none, error);
}

typedef gboolean (*Operation) (SclNetworkBackend *backend, GError **error);

/* As a new process: without what was read before. */
static void
forget (Fixture *f)
{
  g_object_unref (f->backend);
  f->backend = _scl_kernel_networks_new_at (PREFIX, RUN_DIR, NULL);
}

/* TRUE if it was killed before it ended. */
static gboolean
run_and_kill (SclNetworkBackend *backend, Operation operation, guint microseconds)
{
  struct timespec moment = { 0, (long)microseconds * 1000 };
  pid_t child = fork ();
  int status = 0;

  assert_true (child >= 0);
  if (child == 0)
    _exit (operation (backend, NULL) ? 0 : 1);
  (void)nanosleep (&moment, NULL);
  (void)kill (child, SIGKILL);
  assert_int_equal (waitpid (child, &status, 0), child);
  if (WIFEXITED (status) && WEXITSTATUS (status) != 0)
    fail_msg ("the operation failed by itself");
  return WIFSIGNALED (status);
}

static void
check_state (SclNetworkBackend *backend, Operation operation)
{
  g_autoptr (GPtrArray) targets = operation == apply_first    ? first_state ()
                                  : operation == apply_second ? second_state ()
                                                              : g_ptr_array_new ();
  g_autofree char *links = sh_output ("ip -o link show | grep -c ': tkn' || true");

  if (operation == remove_all)
    {
      assert_nothing_left ();
      return;
    }
  assert_observed (backend, targets);
  assert_string_equal (links, "6");
}

static void
test_kill (void **state)
{
  static const Operation operations[] = { apply_first, apply_second, remove_all };
  Fixture *f = *state;
  const char *kills_text = g_getenv ("SCL_TEST_KILLS");
  const char *seed_text = g_getenv ("SCL_TEST_SEED");
  guint kills = kills_text == NULL ? 60 : (guint)atoi (kills_text);
  guint32 seed = seed_text == NULL ? (guint32)time (NULL) : (guint32)atoi (seed_text);
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  guint killed = 0;

  print_message ("seed %u\n", seed);
  sh ("ip link add gw0 type bridge; ip addr add 203.0.113.2/24 dev gw0; ip link set gw0 up; "
      "ip route add default via 203.0.113.1");
  for (guint i = 0; i < kills; i++)
    {
      Operation operation = operations[g_rand_int_range (random, 0, G_N_ELEMENTS (operations))];

      killed += run_and_kill (f->backend, operation, (guint)g_rand_int_range (random, 0, SPAN_US));
      forget (f);
      /* The same again, or something else. */
      if (g_rand_boolean (random))
        operation = operations[g_rand_int_range (random, 0, G_N_ELEMENTS (operations))];
      assert_ok (operation (f->backend, &error));
      check_state (f->backend, operation);
    }
  print_message ("%u of %u were killed in time\n", killed, kills);
  assert_true (killed > kills / 4);
  assert_ok (remove_all (f->backend, &error));
  assert_nothing_left ();
}

/* A leftover of a network that is not declared any more. All else with such a name is somebody's. */
static void
test_leftover_of_nobody (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = first_state ();
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autofree char *problems = NULL, *left = NULL;

  sh ("cd /run/netns; touch tkn-gone tkn-a_b tkn- tkm-gone tkn-mounted empty tkn-theirs; "
      "echo data > tkn-data; ln -s /dev/null tkn-link; mount --bind empty tkn-mounted; "
      "chown 1 tkn-theirs");
  problems = list_problems (f->backend);
  assert_string_equal (problems, "host: file /run/netns/tkn-gone is left over\n");
  assert_ok (apply_networks (f->backend, NULL, none, &error));
  left = sh_output ("ls /run/netns | tr '\\n' ' '");
  assert_string_equal (left, "empty tkm-gone tkn- tkn-a_b tkn-data tkn-link tkn-mounted tkn-theirs");
  assert_clean (f->backend);
  sh ("umount /run/netns/tkn-mounted; touch /run/netns/tkn-gone");
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_observed (f->backend, targets);
  assert_false (g_file_test (SCL_NETNS_FOLDER "/tkn-gone", G_FILE_TEST_EXISTS));
}

int
main (void)
{
  const struct CMUnitTest tests[] = { network_test (test_kill), network_test (test_leftover_of_nobody) };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
