/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a reader makes of bytes: a bounded tree of maps, lists and scalars, each with its place.
 * It knows nothing about manifests; scalars stay text, typed only by how they are written. */

#include <glib.h>

/* Bounds of one input. 10,000 VMs with every key given are about 270,000 nodes and 5 MiB. */
#define SCL_INPUT_MAX_BYTES (16u << 20)
#define SCL_INPUT_MAX_NODES (1u << 19)
#define SCL_INPUT_MAX_DEPTH 16u
#define SCL_INPUT_MAX_SCALAR (64u << 10)
#define SCL_INPUT_MAX_KEY 1024u

/* One input. NAME is what diagnostics call it; BASE_DIR is absolute or NULL. */
typedef struct
{
  char *name;
  char *base_dir;
  GBytes *bytes;
  guint number; /* order of reading */
  char *member; /* absolute path, if it was found in a folder; NULL: somebody named it */
  GVariant
      *origins; /* a(suu): where each line of a generated input comes from; NULL: it was written */
} SclSource;

SclSource *_scl_source_new (const char *name, const char *base_dir, GBytes *bytes, guint number);
void _scl_source_free (SclSource *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclSource, _scl_source_free)

typedef struct
{
  const SclSource *source;
  guint line;   /* from 1 */
  guint column; /* from 1, in characters */
} SclPlace;

/* What to tell the user: the place itself, or where the generated line comes from. FILE is
 * borrowed; NULL: no source. LINE 0: only the file is known. */
typedef struct
{
  const char *file;
  guint line;
  guint column;
} SclOrigin;

SclOrigin _scl_place_origin (SclPlace place);
/* "FILE:LINE:COLUMN" of the origin. (transfer full) */
char *_scl_place_describe (SclPlace place);

typedef enum
{
  SCL_NODE_SCALAR,
  SCL_NODE_LIST,
  SCL_NODE_MAP,
  SCL_NODE_BROKEN, /* an error was reported for it already */
} SclNodeKind;

/* What a scalar is by the core schema of YAML 1.2, which agrees with JSON. */
typedef enum
{
  SCL_SCALAR_TEXT,
  SCL_SCALAR_NULL,
  SCL_SCALAR_BOOL,
  SCL_SCALAR_NUMBER,
} SclScalarKind;

typedef struct _SclNode SclNode;
struct _SclNode
{
  SclNodeKind kind;
  gboolean plain;   /* a scalar without quotes */
  gboolean damaged; /* a map that lost a key, which was reported */
  SclPlace place;
  guint position;    /* of a list's item, as written */
  char *text;        /* of a scalar */
  GPtrArray *keys;   /* of a map: scalars, as many as values */
  GPtrArray *values; /* of a map or list */
};

SclNode *_scl_node_new (SclNodeKind kind, SclPlace place);
SclNode *_scl_node_new_scalar (const char *text, gsize length, gboolean plain, SclPlace place);
void _scl_node_free (SclNode *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclNode, _scl_node_free)

/* Both take the nodes over. */
void _scl_node_add_pair (SclNode *map, SclNode *key, SclNode *value);
void _scl_node_add_item (SclNode *list, SclNode *item);
/* Removes a list's items of kind SCL_NODE_BROKEN, or a map's pairs whose key is. */
void _scl_node_drop_broken (SclNode *self);
/* Borrowed; NULL if MAP has no such key. Linear: for small maps. */
SclNode *_scl_node_lookup (SclNode *map, const char *key);

SclScalarKind _scl_node_scalar_kind (const SclNode *self);
gboolean _scl_node_is_null (const SclNode *self);
/* "a list", "a number", … for messages. */
const char *_scl_node_describe (const SclNode *self);

/* Called for each node below ROOT with its path, parents first. PATH is how the model calls it,
 * SHOWN how the user wrote it (they differ in a list that lost an item). KEY is NULL in lists. */
typedef void (*SclNodeVisitor) (const char *path, const char *shown, SclNode *key, SclNode *value,
                                gpointer data);
void _scl_node_walk (SclNode *root, SclNodeVisitor visitor, gpointer data);
char *_scl_path_key (const char *path, const char *key);
char *_scl_path_item (const char *path, guint index);
