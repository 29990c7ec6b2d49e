/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-schema-private.h"
#include "config/scl-value-private.h"
#include "config/scl-writer-private.h"

/* JSON Schema, draft 2020-12, from the tables. What goes across objects cannot be said in it. */

#define NAME_PATTERN "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"

static void
add_string (JsonBuilder *builder, const char *key, const char *text)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_string_value (builder, text);
}

static void
begin (JsonBuilder *builder, const char *key)
{
  if (key != NULL)
    json_builder_set_member_name (builder, key);
  json_builder_begin_object (builder);
}

static const char *
json_type (const SclField *field)
{
  switch (field->type)
    {
    case SCL_VALUE_UINT:
      return "integer";
    case SCL_VALUE_BOOL:
      return "boolean";
    case SCL_VALUE_FORWARDS:
      return "array";
    case SCL_VALUE_MAP:
      return "object";
    default:
      return "string";
    }
}

/* What may be left out may be null too. */
static void
add_type (JsonBuilder *builder, const SclField *field, gboolean required)
{
  json_builder_set_member_name (builder, "type");
  if (required)
    {
      json_builder_add_string_value (builder, json_type (field));
      return;
    }
  json_builder_begin_array (builder);
  json_builder_add_string_value (builder, json_type (field));
  json_builder_add_string_value (builder, "null");
  json_builder_end_array (builder);
}

static void
add_words (JsonBuilder *builder, const SclField *field, gboolean required)
{
  g_auto (GStrv) words = _scl_schema_words (field);

  json_builder_set_member_name (builder, "enum");
  json_builder_begin_array (builder);
  for (guint i = 0; words[i] != NULL; i++)
    json_builder_add_string_value (builder, words[i]);
  if (!required)
    json_builder_add_null_value (builder);
  json_builder_end_array (builder);
}

static void
add_value (JsonBuilder *builder, const SclField *field, const char *text)
{
  if (field->type == SCL_VALUE_BOOL)
    json_builder_add_boolean_value (builder, *text == 't');
  else if (field->type == SCL_VALUE_UINT)
    json_builder_add_int_value (builder, g_ascii_strtoll (text, NULL, 10));
  else
    json_builder_add_string_value (builder, text);
}

static void
add_default (JsonBuilder *builder, const SclField *field, const char *text)
{
  if (text == NULL)
    return;
  json_builder_set_member_name (builder, "default");
  add_value (builder, field, text);
}

static void
add_example (JsonBuilder *builder, const SclField *field)
{
  if (field->example == NULL)
    return;
  json_builder_set_member_name (builder, "examples");
  json_builder_begin_array (builder);
  if (field->type == SCL_VALUE_FORWARDS)
    json_builder_begin_array (builder);
  add_value (builder, field, field->example);
  if (field->type == SCL_VALUE_FORWARDS)
    json_builder_end_array (builder);
  json_builder_end_array (builder);
}

static void
add_reference (JsonBuilder *builder, const char *id, const char *suffix)
{
  g_autofree char *target = g_strconcat ("#/$defs/", id, suffix, NULL);

  add_string (builder, "$ref", target);
}

/* The preset object has its own definition: nothing in it is required, and it may be null. */
static void
add_items (JsonBuilder *builder, const SclField *field)
{
  begin (builder, "propertyNames");
  add_string (builder, "pattern", NAME_PATTERN);
  json_builder_end_object (builder);
  if (field->preset_name != NULL)
    {
      begin (builder, "properties");
      begin (builder, field->preset_name);
      json_builder_set_member_name (builder, "anyOf");
      json_builder_begin_array (builder);
      begin (builder, NULL);
      add_reference (builder, field->items->id, "-preset");
      json_builder_end_object (builder);
      begin (builder, NULL);
      add_string (builder, "type", "null");
      json_builder_end_object (builder);
      json_builder_end_array (builder);
      json_builder_end_object (builder);
      json_builder_end_object (builder);
    }
  begin (builder, "additionalProperties");
  add_reference (builder, field->items->id, "");
  json_builder_end_object (builder);
}

static void
add_forwards (JsonBuilder *builder, const SclField *field)
{
  json_builder_set_member_name (builder, "default");
  json_builder_begin_array (builder);
  json_builder_end_array (builder);
  begin (builder, "items");
  add_string (builder, "type", "string");
  add_string (builder, "pattern", field->pattern);
  json_builder_end_object (builder);
}

static void
add_range (JsonBuilder *builder, const SclField *field)
{
  json_builder_set_member_name (builder, "minimum");
  json_builder_add_int_value (builder, (gint64) field->minimum);
  json_builder_set_member_name (builder, "maximum");
  json_builder_add_int_value (builder, (gint64) field->maximum);
}

static void
add_field (JsonBuilder *builder, const SclField *field, gboolean preset)
{
  gboolean required = field->required && !(preset && field->preset != NULL);
  g_autofree char *doc = field->unit == NULL
                             ? g_strdup (field->doc)
                             : g_strdup_printf ("%s In %s.", field->doc, field->unit);

  begin (builder, field->key);
  add_string (builder, "description", doc);
  add_type (builder, field, required);
  if (field->type == SCL_VALUE_MAP)
    add_items (builder, field);
  else if (field->type == SCL_VALUE_FORWARDS)
    add_forwards (builder, field);
  else if (field->type == SCL_VALUE_UINT)
    add_range (builder, field);
  else if (field->type == SCL_VALUE_ENUM)
    add_words (builder, field, required);
  else if (field->pattern != NULL)
    add_string (builder, "pattern", field->pattern);
  else if (field->type != SCL_VALUE_BOOL)
    {
      json_builder_set_member_name (builder, "minLength");
      json_builder_add_int_value (builder, 1);
    }
  add_default (builder, field, preset && field->preset != NULL ? field->preset : field->fallback);
  add_example (builder, field);
  json_builder_end_object (builder);
}

static void
add_object (JsonBuilder *builder, const SclObjectSchema *schema, gboolean preset)
{
  add_string (builder, "description", schema->doc);
  add_string (builder, "type", "object");
  json_builder_set_member_name (builder, "additionalProperties");
  json_builder_add_boolean_value (builder, FALSE);
  json_builder_set_member_name (builder, "required");
  json_builder_begin_array (builder);
  for (const SclField *field = schema->fields; field->key != NULL; field++)
    if (field->required && !(preset && field->preset != NULL))
      json_builder_add_string_value (builder, field->key);
  json_builder_end_array (builder);
  begin (builder, "properties");
  for (const SclField *field = schema->fields; field->key != NULL; field++)
    add_field (builder, field, preset);
  json_builder_end_object (builder);
}

static void
add_definition (JsonBuilder *builder, const SclObjectSchema *schema, gboolean preset)
{
  g_autofree char *id = g_strconcat (schema->id, preset ? "-preset" : "", NULL);

  begin (builder, id);
  add_object (builder, schema, preset);
  json_builder_end_object (builder);
}

char *
_scl_schema_to_json (void)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  begin (builder, NULL);
  add_string (builder, "$schema", "https://json-schema.org/draft/2020-12/schema");
  add_string (builder, "title", "SCL manifest");
  add_object (builder, &_scl_manifest_schema, FALSE);
  begin (builder, "$defs");
  for (const SclField *field = _scl_manifest_schema.fields; field->key != NULL; field++)
    {
      if (field->type == SCL_VALUE_MAP)
        add_definition (builder, field->items, FALSE);
      if (field->preset_name != NULL)
        add_definition (builder, field->items, TRUE);
    }
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  return _scl_write_json (builder);
}
