/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An nft table as plain data: how it shall be (made by scl-ruleset, written as text) or how it is
 * (read by scl-nft-json), and the difference between the two. Every rule that we write carries the
 * comment "scl:XXXXXXXX", a digest of its chain and text: a chain is as it shall be if the comments
 * stand in the same order and no rule is without one. Pure. */

#include <glib.h>

#define SCL_NFT_COMMENT "scl:"

typedef struct
{
  char *key;     /* parts joined by " . ", interface names not quoted */
  char *value;   /* of a map; NULL: a set */
  char *comment; /* may be NULL */
} SclNftElement;

typedef struct
{
  char *name;
  char *type; /* as in nft text; NULL if it was read */
  guint size; /* > 0: the kernel fills it while packets pass; its elements are nobody's business */
  guint timeout; /* of its elements, seconds; 0: none */
  GPtrArray *elements;
  GHashTable *by_key; /* the same; keys are theirs */
} SclNftSet;

typedef struct
{
  char *comment; /* NULL: not ours */
  char *text;    /* NULL if it was read */
  char *verdict; /* read: "drop", "accept", "reject" if that is all that the rule does; else NULL */
  char *iif;     /* read: the link that it asks for, maybe with "*" at the end; NULL: any */
  char *oif;
  char *action;  /* read: the same as VERDICT, "return", "jump" or "goto"; NULL: none of these */
  char *target;  /* read: the chain that it jumps or goes to */
  gboolean narrow; /* read: it asks for more than its links */
  gint64 handle; /* 0 unless it was read */
} SclNftRule;

typedef struct
{
  char *name;
  char *type; /* "filter", "nat"; NULL: not a base chain */
  char *hook;
  char *policy;
  int priority;
  GPtrArray *rules;
} SclNftChain;

typedef struct
{
  char *family;
  char *name;
  guint64 handle; /* 0 unless it was read from the kernel */
  guint32 flags;  /* the kernel's NFT_TABLE_F_…; ours have none */
  GPtrArray *sets;
  GPtrArray *chains;
} SclNftTable;

SclNftTable *_scl_nft_table_new (const char *family, const char *name);
void _scl_nft_table_free (SclNftTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclNftTable, _scl_nft_table_free)

SclNftSet *_scl_nft_table_add_set (SclNftTable *table, const char *name, const char *type);
/* One that rules fill, with at most SIZE elements; TIMEOUT in seconds, 0: none. */
void _scl_nft_table_add_dynamic_set (SclNftTable *table, const char *name, const char *type,
                                     guint size, guint timeout);
/* VALUE and COMMENT may be NULL. Equal elements are added once. */
void _scl_nft_set_add (SclNftSet *set, const char *key, const char *value, const char *comment);
gboolean _scl_nft_set_has (SclNftSet *set, const char *key);

SclNftChain *_scl_nft_table_add_chain (SclNftTable *table, const char *name, const char *type,
                                       const char *hook, int priority, const char *policy);
/* A rule as it shall be; its comment is made here. */
void _scl_nft_chain_add (SclNftChain *chain, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* A rule that was read. */
SclNftRule *_scl_nft_chain_add_read (SclNftChain *chain, const char *comment, gint64 handle);

SclNftTable *_scl_nft_tables_find (GPtrArray *tables, const char *family, const char *name);
SclNftSet *_scl_nft_table_find_set (SclNftTable *table, const char *name);
SclNftChain *_scl_nft_table_find_chain (SclNftTable *table, const char *name);

/* Replaces the table in one transaction, whatever it held. */
void _scl_nft_table_append_text (SclNftTable *table, GString *text);

/* Makes OBSERVED (NULL: absent) be as EXPECTED, in the transaction that TEXT is: nothing if it is so;
 * where only elements differ only these, so that what the kernel has counted in other sets stays
 * counted; else the whole table. */
void _scl_nft_table_append_change (SclNftTable *expected, SclNftTable *observed, GString *text);

/* One sentence per difference; OBSERVED may be NULL (the table is absent). */
void _scl_nft_table_compare (SclNftTable *expected, SclNftTable *observed, GPtrArray *problems);

/* Whether a table that has our name was made by somebody else. EXPECTED: what ours looks like. */
gboolean _scl_nft_table_is_foreign (SclNftTable *observed, SclNftTable *expected);
