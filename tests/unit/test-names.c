/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names, marks and numbers that end up in kernels and in libvirt: the values are frozen, because a host
 * that was set up by an older SCL must still be recognised. */
#include "base-test.h"
#include "model/scl-names-private.h"
#include "test-between.h"

static void
assert_text (char *text, const char *expected)
{
  assert_string_equal (text, expected);
  g_free (text);
}

static void
test_link_names (void **state)
{
  /* "sclu-" and ten characters are 15 bytes; with one more it is a digest. */
  assert_text (_scl_names_link ("scl", SCL_LINK_UPLINK, "default"), "sclu-default");
  assert_text (_scl_names_link ("scl", SCL_LINK_UPLINK, "abcdefghij"), "sclu-abcdefghij");
  assert_text (_scl_names_link ("scl", SCL_LINK_UPLINK, "a-very-long-name"), "sclu-nqkyqqva");
  assert_text (_scl_names_link ("abcdef", SCL_LINK_UPLINK, "1234567"), "abcdefu-1234567");
  assert_text (_scl_names_nic ("scl", SCL_LINK_NIC, "demo", 0), "scln-demo-0");
  assert_text (_scl_names_nic ("scl", SCL_LINK_MACVTAP, "demo", 1), "sclm-demo-1");
}

static void
test_link_names_fit (void **state)
{
  static const char *const prefixes[] = { "s", "scl", "abcdef" };

  for (gsize p = 0; p < G_N_ELEMENTS (prefixes); p++)
    for (gsize length = 1; length <= SCL_NAME_MAX; length++)
      {
        g_autofree char *name = g_strnfill (length, 'n');
        g_autofree char *link = _scl_names_link (prefixes[p], SCL_LINK_NIC, name);

        assert_between (strlen (link), 1, SCL_LINK_NAME_MAX);
        assert_null (_scl_names_check_interface (link));
        assert_true (g_str_has_prefix (link, prefixes[p]));
      }
}

static void
test_link_names_differ (void **state)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (int i = 0; i < 5000; i++)
    {
      g_autofree char *name = g_strdup_printf ("a-rather-long-name-%d", i);

      assert_true (g_hash_table_add (seen, _scl_names_link ("scl", SCL_LINK_NIC, name)));
    }
}

static void
test_other_names (void **state)
{
  assert_text (_scl_names_namespace ("scl", "default"), "scl-default");
  assert_text (_scl_names_domain ("scl", "demo"), "demo");
  assert_text (_scl_names_domain ("lab", "demo"), "lab-demo");
}

static void
test_marks (void **state)
{
  g_autofree char *mark = _scl_names_mark ("scl", "default");

  assert_string_equal (mark, "scl:scl:default");
  assert_string_equal (_scl_names_unmark ("scl", mark), "default");
  assert_null (_scl_names_unmark ("sc", mark));
  assert_null (_scl_names_unmark ("scl2", mark));
  assert_null (_scl_names_unmark ("scl", "scl:scl"));
  assert_null (_scl_names_unmark ("scl", "scl:"));
  assert_null (_scl_names_unmark ("scl", ""));
  assert_null (_scl_names_unmark ("scl", NULL));
}

static void
test_mac (void **state)
{
  assert_text (_scl_names_mac ("0123456789abcdef", "scl", "demo", 0), "52:67:e4:33:3f:73");
}

static void
test_macs_differ (void **state)
{
  g_autofree char *mac = _scl_names_mac ("id", "scl", "demo", 0);
  g_autofree char *nic = _scl_names_mac ("id", "scl", "demo", 1);
  g_autofree char *vm = _scl_names_mac ("id", "scl", "dem", 0);
  g_autofree char *prefix = _scl_names_mac ("id", "lab", "demo", 0);
  g_autofree char *host = _scl_names_mac ("id2", "scl", "demo", 0);

  assert_string_not_equal (mac, nic);
  assert_string_not_equal (mac, vm);
  assert_string_not_equal (mac, prefix);
  assert_string_not_equal (mac, host);
}

static void
test_numbers (void **state)
{
  /* SHA-256 of "scl-prefix\0scl\0" begins with b2a67c. */
  assert_int_equal (_scl_names_mark_value ("scl"), (0x7c % 255 + 1) << 16);
  assert_int_equal (_scl_names_table ("scl", 0), 0x5c12a67c);
  assert_int_equal (_scl_names_rule_priority ("scl", 0), 20000 + 2 * 0x67c);
  for (char c = 'a'; c <= 'z'; c++)
    {
      char prefix[] = { c, '\0' };

      assert_int_equal (_scl_names_mark_value (prefix) & ~SCL_MARK_MASK, 0);
      assert_int_not_equal (_scl_names_mark_value (prefix), 0);
      assert_between (_scl_names_rule_priority (prefix, 0) + 1, 1, 32765);
    }
}

/* Each choice is another number, within the range of all of them. */
static void
test_choices (void **state)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_direct_hash, g_direct_equal);

  assert_int_equal (_scl_names_rule_priority ("scl", 0), _scl_names_rule_priority ("doc", 0));
  for (guint i = 0; i < SCL_N_CHOICES; i++)
    {
      guint32 priority = _scl_names_rule_priority ("scl", i);
      guint32 table = _scl_names_table ("scl", i);

      assert_true (_scl_names_is_rule_priority (priority));
      assert_true (g_hash_table_add (seen, GUINT_TO_POINTER (priority)));
      assert_true (_scl_names_is_table (table));
      assert_true (g_hash_table_add (seen, GUINT_TO_POINTER (table)));
    }
  assert_false (_scl_names_is_rule_priority (_scl_names_rule_priority ("scl", 0) + 1));
  assert_false (_scl_names_is_rule_priority (32766));
  assert_false (_scl_names_is_table (254));
}

/* Prefixes may collide in their numbers, so what is marked by them is looked up by more than the number;
 * but neighbours in a lab should not. */
static void
test_numbers_of_neighbours_differ (void **state)
{
  assert_int_not_equal (_scl_names_table ("scl", 0), _scl_names_table ("lab", 0));
  assert_int_not_equal (_scl_names_rule_priority ("scl", 0), _scl_names_rule_priority ("lab", 0));
}

static void
test_labels (void **state)
{
  static const char *const good[] = { "a", "A1", "web-1", "0" };
  static const struct
  {
    const char *name, *wrong;
  } bad[] = { { "", "is empty" },
              { "-a", "must not begin or end with a hyphen (it is a DNS label)" },
              { "a-", "must not begin or end with a hyphen (it is a DNS label)" },
              { "a.b", "may only have letters, digits and hyphens (it is a DNS label)" },
              { "a_b", "may only have letters, digits and hyphens (it is a DNS label)" },
              { "a/b", "may only have letters, digits and hyphens (it is a DNS label)" },
              { "a\nb", "may only have letters, digits and hyphens (it is a DNS label)" },
              { "é", "may only have letters, digits and hyphens (it is a DNS label)" } };
  g_autofree char *longest = g_strnfill (63, 'a');
  g_autofree char *longer = g_strnfill (64, 'a');

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    assert_null (_scl_names_check_label (good[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_string_equal (_scl_names_check_label (bad[i].name), bad[i].wrong);
  assert_null (_scl_names_check_label (longest));
  assert_string_equal (_scl_names_check_label (longer), "is longer than 63 characters");
}

static void
test_prefixes (void **state)
{
  static const char *const good[] = { "s", "scl", "a12345" };
  static const char *const bad[] = { "", "Scl", "1a", "a-b", "abcdefg", "a b", "ä" };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    assert_null (_scl_names_check_prefix (good[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_non_null (_scl_names_check_prefix (bad[i]));
}

/* What is offered instead is none. */
static void
test_nft_words (void **state)
{
  static const char *const good[] = { "scl", "s", "saddr", "logs", "port" };
  const char *const *words = _scl_names_list_nft_words ();

  assert_true (g_strv_length ((char **) words) > 100);
  for (gsize i = 0; words[i] != NULL; i++)
    {
      g_autofree char *other = g_strdup_printf ("%.5s1", words[i]);

      assert_null (_scl_names_check_prefix (words[i]));
      assert_true (_scl_names_is_nft_word (words[i]));
      assert_null (_scl_names_check_prefix (other));
      assert_false (_scl_names_is_nft_word (other));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    assert_false (_scl_names_is_nft_word (good[i]));
}

static void
test_interfaces (void **state)
{
  static const char *const good[] = { "eth0", "wlp2s0", "br-lan.10", "a:b@c_d", "123456789012345" };
  static const char *const bad[] = { "", "1234567890123456", "eth 0", "eth/0", "eth\"0", "eth*", ".", "..", "eth\n" };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    assert_null (_scl_names_check_interface (good[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_non_null (_scl_names_check_interface (bad[i]));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_link_names),
    cmocka_unit_test (test_link_names_fit),
    cmocka_unit_test (test_link_names_differ),
    cmocka_unit_test (test_other_names),
    cmocka_unit_test (test_marks),
    cmocka_unit_test (test_mac),
    cmocka_unit_test (test_macs_differ),
    cmocka_unit_test (test_numbers),
    cmocka_unit_test (test_choices),
    cmocka_unit_test (test_numbers_of_neighbours_differ),
    cmocka_unit_test (test_labels),
    cmocka_unit_test (test_prefixes),
    cmocka_unit_test (test_nft_words), cmocka_unit_test (test_interfaces),
  };

  return cmocka_run_group_tests_name ("names", tests, NULL, NULL);
}
