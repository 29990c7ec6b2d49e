/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-value-private.h"
#include "config/scl-suggest-private.h"
#include "config/scl-text-private.h"
#include "model/scl-address-text-private.h"
#include <scl/scl-forward-spec.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_BYTES 4095

typedef struct
{
  const SclField *field;
  const SclNode *node;
  const char *path;
  SclReport *report;
} Parse;

#define fail(parse, ...)                                                                           \
  (_scl_report_error ((parse)->report, (parse)->node->place, (parse)->path, __VA_ARGS__), FALSE)

static gboolean
fail_error (Parse *parse, GError *error)
{
  _scl_report_error (parse->report, parse->node->place, parse->path, "%s", error->message);
  g_error_free (error);
  return FALSE;
}

static gboolean
fail_type (Parse *parse, const char *expected)
{
  return fail (parse, "expected %s, found %s", expected, _scl_node_describe (parse->node));
}

/* Whether a number could be meant, had it quotes. */
static gboolean
is_free_text (const SclField *field)
{
  return field->type == SCL_VALUE_TEXT || field->type == SCL_VALUE_PATH;
}

static gboolean
check_text (Parse *parse)
{
  g_autofree char *quoted = NULL;

  if (parse->node->kind != SCL_NODE_SCALAR)
    return fail_type (parse, "text");
  quoted = _scl_text_quote (parse->node->text);
  if (_scl_node_scalar_kind (parse->node) == SCL_SCALAR_NULL)
    return fail_type (parse, "text");
  if (_scl_node_scalar_kind (parse->node) != SCL_SCALAR_TEXT && is_free_text (parse->field))
    return fail (parse, "expected text, found %s; put it in quotes: %s",
                 _scl_node_describe (parse->node), quoted);
  if (_scl_node_scalar_kind (parse->node) != SCL_SCALAR_TEXT)
    return fail (parse, "expected text such as \"%s\", found %s", parse->field->example,
                 _scl_node_describe (parse->node));
  return *parse->node->text != '\0' || fail (parse, "must not be empty");
}

static gboolean
parse_text (Parse *parse, GValue *out)
{
  if (!check_text (parse))
    return FALSE;
  g_value_init (out, G_TYPE_STRING);
  g_value_set_string (out, parse->node->text);
  return TRUE;
}

static gboolean
parse_address (Parse *parse, GValue *out)
{
  GError *error = NULL;
  GInetAddress *address;

  if (!check_text (parse))
    return FALSE;
  address = _scl_address_parse (parse->node->text, &error);
  if (address == NULL)
    return fail_error (parse, error);
  g_value_init (out, G_TYPE_INET_ADDRESS);
  g_value_take_object (out, address);
  return TRUE;
}

static gboolean
parse_netmask (Parse *parse, GValue *out)
{
  GError *error = NULL;
  guint length;

  if (!check_text (parse))
    return FALSE;
  length = _scl_address_parse_netmask (parse->node->text, &error);
  if (length == 0)
    return fail_error (parse, error);
  g_value_init (out, G_TYPE_UINT);
  g_value_set_uint (out, length);
  return TRUE;
}

static gboolean
fail_range (Parse *parse)
{
  const SclField *field = parse->field;

  if (field->minimum == field->maximum)
    return fail (parse, "this SCL reads %s %" G_GUINT64_FORMAT ", not %s", field->key,
                 field->minimum, parse->node->text);
  return fail (parse,
               "%.40s is out of range: from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT "%s%s",
               parse->node->text, field->minimum, field->maximum, field->unit == NULL ? "" : " ",
               field->unit == NULL ? "" : field->unit);
}

static gboolean
is_digits (const char *text)
{
  return *text != '\0' && text[strspn (text, "0123456789")] == '\0';
}

/* How many of FIELD's units a letter stands for, as 1/1024 of one; 0: nothing. */
static guint64
letter_weight (const SclField *field, const char *letters)
{
  static const struct
  {
    const char *unit;
    const char *letters;
    guint64 weight;
  } known[] = {
    { "MiB", "k kb kib ki", 1 },
    { "MiB", "m mb mib mi", 1024 },
    { "MiB", "g gb gib gi", 1024 * 1024 },
    { "MiB", "t tb tib ti", 1024 * 1024 * 1024 },
    { "s", "s sec seconds", 1024 },
    { "s", "m min minutes", 60 * 1024 },
    { "s", "h hours", 3600 * 1024 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_strcmp0 (field->unit, known[i].unit) == 0
        && _scl_suggest_is_one (letters, known[i].letters))
      return known[i].weight;
  return 0;
}

/* What "10G" is in the key's own unit: "; write 10240". NULL: nothing that it could be. */
static char *
convert_unit (const SclField *field, const char *text)
{
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);
  guint64 weight = letter_weight (field, text + digits);
  guint64 value;

  if (weight == 0
      || !g_ascii_string_to_unsigned (number, 10, 1, G_MAXUINT64 / weight, &value, NULL)
      || value * weight % 1024 != 0 || value * weight / 1024 < field->minimum
      || value * weight / 1024 > field->maximum)
    return NULL;
  return g_strdup_printf ("; write %" G_GUINT64_FORMAT, value * weight / 1024);
}

/* Octal, hexadecimal, sexagesimal (22:22) and 1e3 are not read: what they mean depends on the
 * version of YAML. */
static gboolean
parse_uint (Parse *parse, GValue *out)
{
  const char *text = parse->node->text;
  g_autofree char *quoted = NULL;
  g_autofree char *converted = NULL;
  guint64 number = 0;

  if (parse->node->kind != SCL_NODE_SCALAR)
    return fail_type (parse, "a whole number");
  if (!parse->node->plain && is_digits (text))
    return fail (parse, "expected a whole number, found text; write %.40s without quotes", text);
  quoted = _scl_text_quote (text);
  if (text[0] == '-' && is_digits (text + 1) && parse->node->plain)
    return fail_range (parse);
  if (!parse->node->plain || !is_digits (text) || (text[0] == '0' && text[1] != '\0'))
    {
      converted = convert_unit (parse->field, text);
      return fail (parse, "%s is not a whole decimal number%s%s%s", quoted,
                   parse->field->unit == NULL ? "" : " of ",
                   parse->field->unit == NULL ? "" : parse->field->unit,
                   converted == NULL ? "" : converted);
    }
  if (!g_ascii_string_to_unsigned (text, 10, parse->field->minimum, parse->field->maximum, &number,
                                   NULL))
    return fail_range (parse);
  g_value_init (out, G_TYPE_UINT64);
  g_value_set_uint64 (out, number);
  return TRUE;
}

static const char *
suggest_bool (const char *text)
{
  static const char *const yes[] = { "true", "yes", "on", "y", "1", NULL };
  static const char *const no[] = { "false", "no", "off", "n", "0", NULL };
  g_autofree char *lower = g_ascii_strdown (text, -1);

  if (g_strv_contains (yes, lower))
    return "true";
  return g_strv_contains (no, lower) ? "false" : NULL;
}

static gboolean
parse_bool (Parse *parse, GValue *out)
{
  const char *text = parse->node->text;
  g_autofree char *quoted = NULL;

  if (parse->node->kind != SCL_NODE_SCALAR)
    return fail_type (parse, "true or false");
  if (!parse->node->plain && (strcmp (text, "true") == 0 || strcmp (text, "false") == 0))
    return fail (parse, "expected true or false, found text; write %s without quotes", text);
  if (!parse->node->plain || (strcmp (text, "true") != 0 && strcmp (text, "false") != 0))
    {
      quoted = _scl_text_quote (text);
      _scl_report_add (parse->report, SCL_SEVERITY_ERROR, parse->node->place, parse->path,
                       suggest_bool (text), "expected true or false, found %s", quoted);
      return FALSE;
    }
  g_value_init (out, G_TYPE_BOOLEAN);
  g_value_set_boolean (out, *text == 't');
  return TRUE;
}

static gboolean
parse_enum (Parse *parse, GValue *out)
{
  g_auto (GStrv) words = NULL;
  g_autofree char *quoted = NULL;
  g_autofree char *all = NULL;
  GEnumClass *klass;

  if (!check_text (parse))
    return FALSE;
  words = _scl_schema_words (parse->field);
  for (guint i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], parse->node->text) == 0)
      {
        klass = g_type_class_ref (parse->field->enum_type ());
        g_value_init (out, parse->field->enum_type ());
        g_value_set_enum (out, klass->values[i].value);
        g_type_class_unref (klass);
        return TRUE;
      }
  quoted = _scl_text_quote (parse->node->text);
  all = g_strjoinv (", ", words);
  _scl_report_add (parse->report, SCL_SEVERITY_ERROR, parse->node->place, parse->path,
                   _scl_suggest (parse->node->text, (const char *const *) words),
                   "%s is not one of %s", quoted, all);
  return FALSE;
}

/* One address has one spelling in the model. Whether it is a MAC address is the model's check. */
static gboolean
parse_mac (Parse *parse, GValue *out)
{
  if (!check_text (parse))
    return FALSE;
  g_value_init (out, G_TYPE_STRING);
  g_value_take_string (out, g_ascii_strdown (parse->node->text, -1));
  return TRUE;
}

static gboolean
check_whole_path (Parse *parse, const char *whole)
{
  gboolean found = FALSE;

  if (strlen (whole) > PATH_MAX_BYTES)
    return fail (parse, "the path is longer than %d bytes", PATH_MAX_BYTES);
  if (g_utf8_validate (whole, -1, NULL))
    (void) _scl_text_find_control (whole, strlen (whole), &found);
  else
    found = TRUE;
  return !found
         || fail (parse, "the folder of the manifest has a name that is not UTF-8 or has control "
                         "characters; write the whole path of another folder");
}

/* scheme://, as in RFC 3986. */
static gboolean
is_url (const char *text)
{
  gsize scheme = strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

  return scheme > 0 && g_ascii_isalpha (text[0]) && g_str_has_prefix (text + scheme, "://");
}

/* What people write where a path belongs. */
static gboolean
check_path_text (Parse *parse, const char *text)
{
  if (text[0] == '~')
    return fail (parse, "~ is not expanded; write the whole path");
  if (g_str_has_prefix (text, "$HOME/") || g_str_has_prefix (text, "${HOME}/"))
    return fail (parse, "variables are not expanded; write the whole path");
  if (g_str_has_prefix (text, "file://"))
    return fail (parse, "expected a path, found a URL; leave file:// out");
  if (is_url (text))
    return fail (parse, "expected the path of a file, found a URL; download it and give the path");
  return TRUE;
}

static gboolean
parse_path (Parse *parse, GValue *out)
{
  const char *text = parse->node->text;
  const SclSource *source = parse->node->place.source;
  g_autofree char *whole = NULL;

  if (!check_text (parse) || !check_path_text (parse, text))
    return FALSE;
  if (g_str_has_suffix (text, "/") || g_str_has_suffix (text, "/.")
      || g_str_has_suffix (text, "/.."))
    return fail (parse, "is the path of a folder, not of a file");
  if (!g_path_is_absolute (text) && source->base_dir == NULL)
    return fail (parse, "must be an absolute path, since the manifest is not read from a file");
  while (g_str_has_prefix (text, "./"))
    text += 2;
  whole = g_path_is_absolute (text) ? g_strdup (text)
                                    : g_build_filename (source->base_dir, text, NULL);
  if (!check_whole_path (parse, whole))
    return FALSE;
  g_value_init (out, G_TYPE_STRING);
  g_value_take_string (out, g_steal_pointer (&whole));
  return TRUE;
}

static gboolean
parse_forward (Parse *parse, GValue *out)
{
  GError *error = NULL;
  SclForwardSpec *forward;

  if (!check_text (parse))
    return FALSE;
  forward = scl_forward_spec_new_from_string (parse->field->protocol, parse->node->text, &error);
  if (forward == NULL)
    return fail_error (parse, error);
  g_value_init (out, SCL_TYPE_FORWARD_SPEC);
  g_value_take_object (out, forward);
  return TRUE;
}

static char *
format_text (const SclField *field, const GValue *value)
{
  return g_value_dup_string (value);
}

static char *
format_address (const SclField *field, const GValue *value)
{
  GInetAddress *address = g_value_get_object (value);

  return address == NULL ? NULL : g_inet_address_to_string (address);
}

static char *
format_netmask (const SclField *field, const GValue *value)
{
  return _scl_address_netmask (g_value_get_uint (value));
}

/* 0 is how the model says that nothing is said. */
static char *
format_uint (const SclField *field, const GValue *value)
{
  guint64 number
      = G_VALUE_HOLDS_UINT (value) ? g_value_get_uint (value) : g_value_get_uint64 (value);

  return number == 0 ? NULL : g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

static char *
format_bool (const SclField *field, const GValue *value)
{
  return g_strdup (g_value_get_boolean (value) ? "true" : "false");
}

static char *
format_enum (const SclField *field, const GValue *value)
{
  g_auto (GStrv) words = _scl_schema_words (field);
  GEnumClass *klass = g_type_class_ref (field->enum_type ());
  char *word = NULL;

  for (guint i = 0; i < klass->n_values; i++)
    if (klass->values[i].value == g_value_get_enum (value))
      word = g_strdup (words[i]);
  g_type_class_unref (klass);
  return word;
}

static char *
format_forward (const SclField *field, const GValue *value)
{
  return scl_forward_spec_to_string (g_value_get_object (value));
}

static const struct
{
  gboolean (*parse) (Parse *parse, GValue *out);
  char *(*format) (const SclField *field, const GValue *value);
} types[] = {
  [SCL_VALUE_TEXT] = { parse_text, format_text },
  [SCL_VALUE_ADDRESS] = { parse_address, format_address },
  [SCL_VALUE_NETMASK] = { parse_netmask, format_netmask },
  [SCL_VALUE_UINT] = { parse_uint, format_uint },
  [SCL_VALUE_BOOL] = { parse_bool, format_bool },
  [SCL_VALUE_ENUM] = { parse_enum, format_enum },
  [SCL_VALUE_MAC] = { parse_mac, format_text },
  [SCL_VALUE_PATH] = { parse_path, format_text },
  [SCL_VALUE_FORWARDS] = { parse_forward, format_forward },
};

gboolean
_scl_value_parse (const SclField *field, const SclNode *node, const char *path, SclReport *report,
                  GValue *out)
{
  Parse parse = { .field = field, .node = node, .path = path, .report = report };

  return types[field->type].parse (&parse, out);
}

char *
_scl_value_format (const SclField *field, const GValue *value)
{
  return types[field->type].format (field, value);
}

gboolean
_scl_value_is_plain (const SclField *field)
{
  return field->type == SCL_VALUE_UINT || field->type == SCL_VALUE_BOOL;
}
