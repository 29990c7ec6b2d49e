/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every address, route, policy rule and fixed neighbour that an apply makes, deleted alone: observation names a
 * problem, and the next apply makes just that anew. What there is to delete is read from the kernel, so whatever
 * an apply makes one day more is held, too. */
#include "network-lab.h"

/* Each line is what follows "ip" to delete one of them, and all that is known of it. */
#define LIST                                                                                       \
  "(ip%1$s -4 -o addr show | awk '{ peer = $5 == \"peer\" ? \" peer \" $6 : \"\"; "                 \
  "print \"addr del \" $4 peer \" dev \" $2 }'; "                                                   \
  "ip%1$s -4 route show table all | sed 's/ *$//; s/^/route del /'; "                              \
  "ip%1$s -4 rule show | sed 's/^\\([0-9]*\\):\\t/rule del pref \\1 /'; "                           \
  "ip%1$s -4 neigh show nud permanent | awk '{ print \"neigh del \" $1 \" dev \" $3 \" lladdr \" $5 }') "  \
  "| grep -v ' dev lo' | sort"

typedef struct
{
  const char *netns; /* as an option of ip */
  GStrv before;
} Place;

static GStrv
list_things (const Place *place)
{
  g_autofree char *command = g_strdup_printf (LIST, place->netns);
  g_autofree char *text = shell_output (command, &(int){ 0 });

  return g_strsplit (text, "\n", 0);
}

static void
try_deletion (Fixture *f, GPtrArray *targets, const Place *place, GStrv all, const char *thing)
{
  g_autofree char *problems = NULL;
  g_auto (GStrv) after = NULL;

  sh ("ip%s %s", place->netns, thing);
  problems = list_problems (f->backend);
  if (problems[0] == '\0')
    fail_msg ("after \"ip%s %s\" there was no problem", place->netns, thing);
  assert_ok (apply_networks (f->backend, "alt0", targets, &error));
  assert_clean (f->backend);
  after = list_things (place);
  if (!g_strv_equal ((const char *const *)all, (const char *const *)after))
    {
      g_autofree char *one = g_strjoinv ("\n", all);
      g_autofree char *other = g_strjoinv ("\n", after);

      fail_msg ("\"ip%s %s\" was not undone:\n%s\n\nnot\n\n%s", place->netns, thing, other, one);
    }
}

/* How many there were. */
static guint
try_place (Fixture *f, GPtrArray *targets, const Place *place)
{
  g_auto (GStrv) all = list_things (place);
  guint n = 0;

  for (guint i = 0; all[i] != NULL; i++)
    {
      if (place->before != NULL && g_strv_contains ((const char *const *)place->before, all[i]))
        continue;
      try_deletion (f, targets, place, all, all[i]);
      n++;
    }
  return n;
}

/* Two networks: their uplinks have the same address at the host's end. The host's default route goes another
 * way than theirs, so they have a table of their own. */
static void
test_each_is_named_and_made_anew (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();
  Place root = { "", NULL }, inner = { " -n " PREFIX "-a", NULL };

  make_lab ();
  sh ("ip route add default via 198.51.100.1 dev gw0 && ip route add default via 10.77.0.9 dev alt0 metric 100");
  root.before = list_things (&root);
  assert_ok (apply_networks (f->backend, "alt0", targets, &error));
  assert_observed (f->backend, targets);
  /* Two addresses with two routes each, the guard of each (a rule, a route), the table's rules and routes. */
  assert_true (try_place (f, targets, &root) >= 2 * 5 + 3 + 3);
  /* Two addresses, six routes, three rules, one neighbour. */
  assert_true (try_place (f, targets, &inner) >= 12);
  g_strfreev (root.before);
}

/* What others have for the same destination is not taken from them, and does not hide what is missing. */
static void
test_others_routes_stay (void **state)
{
  Fixture *f = *state;
  g_autoptr (GPtrArray) targets = two_networks ();
  g_autofree char *used = NULL;
  g_autofree char *left = NULL;

  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  sh ("ip route add blackhole 192.168.10.1 metric 9 && ip route replace blackhole 192.168.10.1");
  {
    g_autofree char *problems = list_problems (f->backend);

    assert_string_equal (problems, "a: the route to 192.168.10.1/32 through tknu-a is missing\n");
  }
  assert_ok (apply_networks (f->backend, NULL, targets, &error));
  assert_clean (f->backend);
  used = sh_output ("ip route get 192.168.10.1 | head -n1");
  assert_non_null (strstr (used, "dev tknu-a src 169.254.77.1"));
  left = sh_output ("ip route show type blackhole | grep -c 192.168.10.1");
  assert_string_equal (left, "2");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    network_test (test_each_is_named_and_made_anew),
    network_test (test_others_routes_stay),
  };

  if (fixture_enter () < 0)
    return skip_program ("root");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
