/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manifest-test.h"
#include "config/scl-schema-private.h"
#include <json-glib/json-glib.h>
#include <stdio.h>

/* The tables against what is made from them, and against the model. */

static JsonObject *
parse_schema (JsonParser *parser)
{
  g_autofree char *text = scl_manifest_schema ();

  assert_true (json_parser_load_from_data (parser, text, -1, NULL));
  return json_node_get_object (json_parser_get_root (parser));
}

static JsonObject *
follow (JsonObject *root, const char *first, ...)
{
  va_list args;

  va_start (args, first);
  for (const char *key = first; key != NULL; key = va_arg (args, const char *))
    {
      root = json_object_get_object_member (root, key);
      assert_non_null (root);
    }
  va_end (args);
  return root;
}

static void
assert_same_keys (JsonObject *object, const SclObjectSchema *schema)
{
  JsonObject *properties = follow (object, "properties", NULL);
  guint n = 0;

  for (const SclField *field = schema->fields; field->key != NULL; field++, n++)
    {
      JsonObject *property = follow (properties, field->key, NULL);

      assert_non_null (json_object_get_string_member (property, "description"));
    }
  assert_int_equal (json_object_get_size (properties), n);
  assert_false (json_object_get_boolean_member (object, "additionalProperties"));
}

static void
test_schema_follows_the_tables (void **state)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *root = parse_schema (parser);
  JsonObject *vm = follow (root, "$defs", "virtualMachine", NULL);
  JsonObject *preset = follow (root, "$defs", "network-preset", NULL);
  JsonObject *cores = follow (vm, "properties", "cores", NULL);

  assert_string_equal (json_object_get_string_member (root, "$schema"),
                       "https://json-schema.org/draft/2020-12/schema");
  assert_same_keys (root, &_scl_manifest_schema);
  for (const SclField *field = _scl_manifest_schema.fields; field->key != NULL; field++)
    if (field->items != NULL)
      assert_same_keys (follow (root, "$defs", field->items->id, NULL), field->items);
  assert_int_equal (json_object_get_int_member (cores, "maximum"), 255);
  assert_int_equal (json_object_get_int_member (cores, "default"), 1);
  assert_string_equal (
      json_array_get_string_element (json_object_get_array_member (vm, "required"), 0), "image");
  assert_int_equal (json_array_get_length (json_object_get_array_member (preset, "required")), 0);
  assert_string_equal (
      json_object_get_string_member (follow (preset, "properties", "externalIP", NULL), "default"),
      "192.168.10.1");
}

static void
assert_property (const SclObjectSchema *schema, const SclField *field)
{
  GType type = field->part == 0 ? schema->get_type () : schema->parts[field->part - 1].get_type ();
  GObjectClass *klass = g_type_class_ref (type);

  if (field->property != NULL)
    assert_non_null (g_object_class_find_property (klass, field->property));
  g_type_class_unref (klass);
}

static void
test_properties_exist (void **state)
{
  for (const SclField *field = _scl_manifest_schema.fields; field->key != NULL; field++)
    {
      assert_property (&_scl_manifest_schema, field);
      if (field->items == NULL)
        continue;
      for (const SclField *inner = field->items->fields; inner->key != NULL; inner++)
        assert_property (field->items, inner);
    }
}

static void
assert_patterns (const SclObjectSchema *schema)
{
  for (const SclField *field = schema->fields; field->key != NULL; field++)
    {
      const char *const texts[] = { field->example, field->preset, field->fallback };

      if (field->items != NULL)
        assert_patterns (field->items);
      for (guint i = 0; i < G_N_ELEMENTS (texts) && field->pattern != NULL; i++)
        if (texts[i] != NULL && !g_regex_match_simple (field->pattern, texts[i], 0, 0))
          fail_msg ("%s: %s does not match its own pattern", field->key, texts[i]);
      if (field->pattern != NULL)
        assert_false (g_regex_match_simple (field->pattern, "~", 0, 0));
    }
}

static void
test_patterns_match (void **state)
{
  assert_patterns (&_scl_manifest_schema);
}

/* An object of the model that is made without the config layer has the manifest's defaults. */
static void
test_defaults_are_those_of_the_model (void **state)
{
  g_autoptr (SclManifest) manifest = load_text ("virtualMachines: {a: {image: /a.raw}}");
  SclVmSpec *vm = scl_manifest_lookup_vm (manifest, "a");
  g_autoptr (SclVmSpec) bare
      = scl_vm_spec_new ("a", scl_vm_spec_get_disks (vm), scl_vm_spec_get_nics (vm));
  g_autoptr (GObject) nic = g_list_model_get_item (scl_vm_spec_get_nics (vm), 0);
  g_autoptr (SclNetworkSpec) network = scl_network_spec_new ("default");
  g_autofree char *name = NULL;

  assert_true (scl_vm_spec_equal (vm, bare));
  g_object_get (nic, "network", &name, NULL);
  assert_string_equal (name, "default");
  assert_int_equal (
      scl_network_spec_get_prefix_length (network),
      scl_network_spec_get_prefix_length (scl_manifest_lookup_network (manifest, "default")));
}

static char *
describe_type (const SclField *field)
{
  g_auto (GStrv) words = NULL;
  g_autofree char *joined = NULL;

  switch (field->type)
    {
    case SCL_VALUE_UINT:
      if (field->minimum == field->maximum)
        return g_strdup_printf ("number, %" G_GUINT64_FORMAT, field->minimum);
      return g_strdup_printf ("number, %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT "%s%s",
                              field->minimum, field->maximum, field->unit == NULL ? "" : " ",
                              field->unit == NULL ? "" : field->unit);
    case SCL_VALUE_ENUM:
      words = _scl_schema_words (field);
      joined = g_strjoinv ("`, `", words);
      return g_strdup_printf ("`%s`", joined);
    case SCL_VALUE_BOOL:
      return g_strdup ("`true`, `false`");
    case SCL_VALUE_ADDRESS:
      return g_strdup ("IPv4 address");
    case SCL_VALUE_NETMASK:
      return g_strdup ("network mask");
    case SCL_VALUE_MAC:
      return g_strdup ("MAC address");
    case SCL_VALUE_PATH:
      return g_strdup ("path of a file");
    case SCL_VALUE_FORWARDS:
      return g_strdup ("list of `hostPort:vmIp:vmPort`");
    case SCL_VALUE_MAP:
      return g_strdup_printf ("map of %ss by name", field->items->noun);
    default:
      return g_strdup ("text");
    }
}

static char *
describe_default (const SclField *field)
{
  if (field->preset != NULL)
    return g_strdup_printf ("`%s` in the network `default`, else required", field->preset);
  if (field->required)
    return g_strdup ("required");
  if (field->fallback != NULL)
    return g_strdup_printf ("`%s`", field->fallback);
  return g_strdup (field->type == SCL_VALUE_FORWARDS || field->type == SCL_VALUE_MAP ? "empty"
                                                                                     : "none");
}

static void
append_reference (GString *out, const char *title, const SclObjectSchema *schema)
{
  g_string_append_printf (
      out, "\n### %s\n\n| key | value | default | meaning |\n|---|---|---|---|\n", title);
  for (const SclField *field = schema->fields; field->key != NULL; field++)
    {
      g_autofree char *type = describe_type (field);
      g_autofree char *fallback = describe_default (field);

      g_string_append_printf (out, "| `%s` | %s | %s | %s |\n", field->key, type, fallback,
                              field->doc);
    }
}

/* The reference in doc/manifest.md stands between two marks and is what the tables say.
 * SCL_TEST_UPDATE=1 writes it. */
static void
test_reference_is_up_to_date (void **state)
{
  static const char begin[] = "<!-- keys: made from the tables of libscl/config, do not edit -->\n";
  static const char end[] = "\n<!-- end of keys -->\n";
  g_autoptr (GString) reference = g_string_new (NULL);
  g_autofree char *text = NULL;
  g_autofree char *inner = NULL;
  char *from, *to;

  append_reference (reference, "Top level", &_scl_manifest_schema);
  for (const SclField *field = _scl_manifest_schema.fields; field->key != NULL; field++)
    if (field->items != NULL)
      {
        g_autofree char *title = g_strdup_printf ("`%s.NAME`", field->key);

        append_reference (reference, title, field->items);
      }
  assert_true (g_file_get_contents (SCL_TEST_DOC, &text, NULL, NULL));
  from = strstr (text, begin);
  to = strstr (text, end);
  assert_true (from != NULL && to != NULL && from < to);
  from += strlen (begin);
  if (g_getenv ("SCL_TEST_UPDATE") != NULL)
    {
      g_autofree char *head = g_strndup (text, (gsize) (from - text));
      g_autofree char *all = g_strconcat (head, reference->str, to, NULL);

      assert_true (g_file_set_contents (SCL_TEST_DOC, all, -1, NULL));
      return;
    }
  inner = g_strndup (from, (gsize) (to - from));
  assert_string_equal (inner, reference->str);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_schema_follows_the_tables),
    cmocka_unit_test (test_properties_exist),
    cmocka_unit_test (test_patterns_match),
    cmocka_unit_test (test_defaults_are_those_of_the_model),
    cmocka_unit_test (test_reference_is_up_to_date),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
