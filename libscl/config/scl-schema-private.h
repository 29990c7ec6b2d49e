/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a manifest can say, as tables: the one place where keys, types, ranges and defaults
 * stand. Builder, suggestions, writer, JSON Schema and doc/manifest.md all follow them. */

#include <gio/gio.h>
#include <scl/scl-enums.h>

typedef enum
{
  SCL_VALUE_TEXT,
  SCL_VALUE_ADDRESS,
  SCL_VALUE_NETMASK, /* kept as prefix length */
  SCL_VALUE_UINT,
  SCL_VALUE_BOOL,
  SCL_VALUE_ENUM,
  SCL_VALUE_MAC,
  SCL_VALUE_PATH,
  SCL_VALUE_FORWARDS, /* a list; two keys share one property */
  SCL_VALUE_MAP,      /* name -> object */
} SclValueType;

typedef struct _SclObjectSchema SclObjectSchema;

typedef struct
{
  const char *key;
  const char *synonyms; /* what other programs call it, blank-separated; NULL: nothing */
  SclValueType type;
  const char *property; /* of the model's object; NULL: checked, but not kept */
  guint part;           /* 0: the object itself, else number of the part that has the property */
  gboolean required;
  gboolean governs;     /* if it is wrong, other errors about its object are likely to follow */
  const char *fallback; /* the default, as one writes it; NULL: none */
  const char *preset;   /* instead of required: the default in a preset object */
  guint64 minimum, maximum;
  const char *unit;
  GType (*enum_type) (void);
  SclProtocol protocol;
  const SclObjectSchema *items;
  const char *refers_to;   /* the key of the map that the value names an object of */
  const char *preset_name; /* the object of a map that is there unless it is null */
  const char *pattern;     /* for the JSON Schema; what is accepted is decided by the parser */
  const char *example;
  const char *doc;
} SclField;

/* An object that the manifest does not spell out: the only item of a list property. */
typedef struct
{
  GType (*get_type) (void);
  const char *list;
  const char *name_property; /* gets the name of the object around it, or NULL */
} SclPart;

/* Keys of other programs that no key stands for, and what does the same. */
typedef struct
{
  const char *keys; /* blank-separated */
  const char *advice;
} SclKeyAdvice;

struct _SclObjectSchema
{
  const char *id; /* in the JSON Schema's $defs */
  const char *noun;
  const char *doc;
  GType (*get_type) (void);
  gboolean named;         /* has a property "name": its key in the map */
  const SclField *fields; /* ends with an empty key */
  const SclKeyAdvice *advice; /* ends with an empty entry; NULL: none */
  const SclPart *parts;   /* part n is parts[n - 1] */
  guint n_parts;
};

#define SCL_MANIFEST_VERSION 1
#define SCL_PARTS_MAX 2

extern const SclObjectSchema _scl_manifest_schema;

/* Borrowed; NULL if SCHEMA has no such key. */
const SclField *_scl_schema_lookup (const SclObjectSchema *schema, const char *key);
/* (transfer container): the keys, NULL-terminated. */
const char **_scl_schema_keys (const SclObjectSchema *schema);
/* The field that other programs call WORD, in any spelling; NULL: none. */
const SclField *_scl_schema_lookup_synonym (const SclObjectSchema *schema, const char *word);
/* What to do instead of giving a key WORD; NULL: nothing is known about it. */
const char *_scl_schema_advise (const SclObjectSchema *schema, const char *word);
/* The values of an enum as one writes them ("nextBoot"). (transfer full) */
char **_scl_schema_words (const SclField *field);
