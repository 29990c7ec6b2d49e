/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-nft-table-private.h"
#include "base/scl-digest-private.h"
#include <linux/netfilter/nf_tables.h>
#include <string.h>

static void
element_free (gpointer data)
{
  SclNftElement *element = data;

  g_free (element->key);
  g_free (element->value);
  g_free (element->comment);
  g_free (element);
}

static void
set_free (gpointer data)
{
  SclNftSet *set = data;

  g_free (set->name);
  g_free (set->type);
  g_hash_table_unref (set->by_key);
  g_ptr_array_unref (set->elements);
  g_free (set);
}

static void
rule_free (gpointer data)
{
  SclNftRule *rule = data;

  g_free (rule->comment);
  g_free (rule->text);
  g_free (rule->verdict);
  g_free (rule->iif);
  g_free (rule->oif);
  g_free (rule->action);
  g_free (rule->target);
  g_free (rule);
}

static void
chain_free (gpointer data)
{
  SclNftChain *chain = data;

  g_free (chain->name);
  g_free (chain->type);
  g_free (chain->hook);
  g_free (chain->policy);
  g_ptr_array_unref (chain->rules);
  g_free (chain);
}

SclNftTable *
_scl_nft_table_new (const char *family, const char *name)
{
  SclNftTable *table = g_new0 (SclNftTable, 1);

  table->family = g_strdup (family);
  table->name = g_strdup (name);
  table->sets = g_ptr_array_new_with_free_func (set_free);
  table->chains = g_ptr_array_new_with_free_func (chain_free);
  return table;
}

void
_scl_nft_table_free (SclNftTable *table)
{
  g_free (table->family);
  g_free (table->name);
  g_ptr_array_unref (table->sets);
  g_ptr_array_unref (table->chains);
  g_free (table);
}

SclNftSet *
_scl_nft_table_add_set (SclNftTable *table, const char *name, const char *type)
{
  SclNftSet *set = g_new0 (SclNftSet, 1);

  set->name = g_strdup (name);
  set->type = g_strdup (type);
  set->elements = g_ptr_array_new_with_free_func (element_free);
  set->by_key = g_hash_table_new (g_str_hash, g_str_equal);
  g_ptr_array_add (table->sets, set);
  return set;
}

void
_scl_nft_table_add_dynamic_set (SclNftTable *table, const char *name, const char *type, guint size,
                                guint timeout)
{
  SclNftSet *set = _scl_nft_table_add_set (table, name, type);

  set->size = size;
  set->timeout = timeout;
}

static SclNftElement *
find_element (SclNftSet *set, const char *key)
{
  return g_hash_table_lookup (set->by_key, key);
}

gboolean
_scl_nft_set_has (SclNftSet *set, const char *key)
{
  return find_element (set, key) != NULL;
}

void
_scl_nft_set_add (SclNftSet *set, const char *key, const char *value, const char *comment)
{
  SclNftElement *element;

  if (_scl_nft_set_has (set, key))
    return;
  element = g_new0 (SclNftElement, 1);
  element->key = g_strdup (key);
  element->value = g_strdup (value);
  element->comment = g_strdup (comment);
  g_ptr_array_add (set->elements, element);
  g_hash_table_insert (set->by_key, element->key, element);
}

SclNftChain *
_scl_nft_table_add_chain (SclNftTable *table, const char *name, const char *type, const char *hook,
                          int priority, const char *policy)
{
  SclNftChain *chain = g_new0 (SclNftChain, 1);

  chain->name = g_strdup (name);
  chain->type = g_strdup (type);
  chain->hook = g_strdup (hook);
  chain->priority = priority;
  chain->policy = g_strdup (policy);
  chain->rules = g_ptr_array_new_with_free_func (rule_free);
  g_ptr_array_add (table->chains, chain);
  return chain;
}

void
_scl_nft_chain_add (SclNftChain *chain, const char *format, ...)
{
  SclNftRule *rule = g_new0 (SclNftRule, 1);
  g_autofree char *whole = NULL;
  g_autofree char *digest = NULL;
  va_list args;

  va_start (args, format);
  rule->text = g_strdup_vprintf (format, args);
  va_end (args);
  whole = g_strconcat (chain->name, "\n", rule->text, NULL);
  digest = _scl_digest_short (whole);
  rule->comment = g_strconcat (SCL_NFT_COMMENT, digest, NULL);
  g_ptr_array_add (chain->rules, rule);
}

SclNftRule *
_scl_nft_chain_add_read (SclNftChain *chain, const char *comment, gint64 handle)
{
  SclNftRule *rule = g_new0 (SclNftRule, 1);

  rule->comment = g_strdup (comment);
  rule->handle = handle;
  g_ptr_array_add (chain->rules, rule);
  return rule;
}

SclNftTable *
_scl_nft_tables_find (GPtrArray *tables, const char *family, const char *name)
{
  for (guint i = 0; i < tables->len; i++)
    {
      SclNftTable *table = g_ptr_array_index (tables, i);

      if (strcmp (table->family, family) == 0 && strcmp (table->name, name) == 0)
        return table;
    }
  return NULL;
}

SclNftSet *
_scl_nft_table_find_set (SclNftTable *table, const char *name)
{
  for (guint i = 0; i < table->sets->len; i++)
    {
      SclNftSet *set = g_ptr_array_index (table->sets, i);

      if (strcmp (set->name, name) == 0)
        return set;
    }
  return NULL;
}

SclNftChain *
_scl_nft_table_find_chain (SclNftTable *table, const char *name)
{
  for (guint i = 0; i < table->chains->len; i++)
    {
      SclNftChain *chain = g_ptr_array_index (table->chains, i);

      if (strcmp (chain->name, name) == 0)
        return chain;
    }
  return NULL;
}

/* An interface's name may hold characters that mean something to nft. */
static void
append_element (SclNftSet *set, SclNftElement *element, GString *text)
{
  if (g_str_has_prefix (set->type, "ifname"))
    {
      const char *rest = strstr (element->key, " . ");
      gsize length = rest == NULL ? strlen (element->key) : (gsize)(rest - element->key);

      g_string_append_printf (text, "\"%.*s\"%s", (int)length, element->key,
                              rest == NULL ? "" : rest);
    }
  else
    g_string_append (text, element->key);
  if (element->comment != NULL)
    g_string_append_printf (text, " comment \"%s\"", element->comment);
  if (element->value != NULL)
    g_string_append_printf (text, " : %s", element->value);
}

static const char *
kind_of (SclNftSet *set)
{
  return strchr (set->type, ':') != NULL ? "map" : "set";
}

static void
append_elements (SclNftSet *set, GString *text)
{
  g_string_append (text, "{ ");
  for (guint i = 0; i < set->elements->len; i++)
    {
      if (i > 0)
        g_string_append (text, ", ");
      append_element (set, g_ptr_array_index (set->elements, i), text);
    }
  g_string_append (text, " }\n");
}

static void
append_set (SclNftSet *set, GString *text)
{
  g_string_append_printf (text, "  %s %s {\n    type %s\n", kind_of (set), set->name, set->type);
  if (set->size > 0)
    g_string_append_printf (text, "    size %u\n    flags dynamic%s\n", set->size,
                            set->timeout > 0 ? ", timeout" : "");
  if (set->timeout > 0)
    g_string_append_printf (text, "    timeout %us\n", set->timeout);
  if (set->elements->len > 0)
    {
      g_string_append (text, "    elements = ");
      append_elements (set, text);
    }
  g_string_append (text, "  }\n");
}

static void
append_chain (SclNftChain *chain, GString *text)
{
  g_string_append_printf (text, "  chain %s {\n", chain->name);
  if (chain->type != NULL)
    g_string_append_printf (text, "    type %s hook %s priority %d; policy %s;\n", chain->type,
                            chain->hook, chain->priority, chain->policy);
  for (guint i = 0; i < chain->rules->len; i++)
    {
      SclNftRule *rule = g_ptr_array_index (chain->rules, i);

      g_string_append_printf (text, "    %s comment \"%s\"\n", rule->text, rule->comment);
    }
  g_string_append (text, "  }\n");
}

void
_scl_nft_table_append_text (SclNftTable *table, GString *text)
{
  /* nft 1.0 has no "destroy": a table that is named first can be deleted whether or not it was
   * there. */
  g_string_append_printf (text, "table %s %s\ndelete table %s %s\ntable %s %s {\n", table->family,
                          table->name, table->family, table->name, table->family, table->name);
  for (guint i = 0; i < table->sets->len; i++)
    append_set (g_ptr_array_index (table->sets, i), text);
  for (guint i = 0; i < table->chains->len; i++)
    append_chain (g_ptr_array_index (table->chains, i), text);
  g_string_append (text, "}\n");
}

static void G_GNUC_PRINTF (2, 3) add_problem (GPtrArray *problems, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (problems, g_strdup_vprintf (format, args));
  va_end (args);
}

static gboolean
has_same_elements (SclNftSet *expected, SclNftSet *observed)
{
  guint equal = 0;

  for (guint i = 0; i < expected->elements->len; i++)
    {
      SclNftElement *wanted = g_ptr_array_index (expected->elements, i);
      SclNftElement *found = find_element (observed, wanted->key);

      equal += found != NULL && g_strcmp0 (found->value, wanted->value) == 0
               && g_strcmp0 (found->comment, wanted->comment) == 0;
    }
  return equal == expected->elements->len && equal == observed->elements->len;
}

static void
compare_set (SclNftTable *table, SclNftSet *expected, SclNftSet *observed, GPtrArray *problems)
{
  if (observed == NULL)
    add_problem (problems, "nft set %s of table %s %s is missing", expected->name, table->family,
                 table->name);
  else if ((expected->size > 0) != (observed->size > 0))
    add_problem (problems, "nft set %s of table %s %s is of another kind", expected->name,
                 table->family, table->name);
  else if (!has_same_elements (expected, observed))
    add_problem (problems, "nft set %s of table %s %s has other elements", expected->name,
                 table->family, table->name);
}

static gboolean
has_same_rules (SclNftChain *a, SclNftChain *b)
{
  if (a->rules->len != b->rules->len)
    return FALSE;
  for (guint i = 0; i < a->rules->len; i++)
    {
      SclNftRule *x = g_ptr_array_index (a->rules, i);
      SclNftRule *y = g_ptr_array_index (b->rules, i);

      if (g_strcmp0 (x->comment, y->comment) != 0)
        return FALSE;
    }
  return TRUE;
}

static void
compare_chain (SclNftTable *table, SclNftChain *expected, SclNftChain *observed,
               GPtrArray *problems)
{
  if (observed == NULL)
    add_problem (problems, "nft chain %s of table %s %s is missing", expected->name, table->family,
                 table->name);
  else if (g_strcmp0 (expected->hook, observed->hook) != 0
           || g_strcmp0 (expected->type, observed->type) != 0
           || g_strcmp0 (expected->policy, observed->policy) != 0
           || expected->priority != observed->priority)
    add_problem (problems, "nft chain %s of table %s %s has another hook or policy", expected->name,
                 table->family, table->name);
  else if (!has_same_rules (expected, observed))
    add_problem (problems, "nft chain %s of table %s %s has other rules", expected->name,
                 table->family, table->name);
}

static void
compare_chains (SclNftTable *expected, SclNftTable *observed, GPtrArray *problems)
{
  for (guint i = 0; i < expected->chains->len; i++)
    {
      SclNftChain *chain = g_ptr_array_index (expected->chains, i);

      compare_chain (expected, chain, _scl_nft_table_find_chain (observed, chain->name), problems);
    }
  for (guint i = 0; i < observed->chains->len; i++)
    {
      SclNftChain *chain = g_ptr_array_index (observed->chains, i);

      if (_scl_nft_table_find_chain (expected, chain->name) == NULL)
        add_problem (problems, "nft table %s %s has a chain %s that is not ours", expected->family,
                     expected->name, chain->name);
    }
}

/* Of a dormant table all rules are there, and none of them is in force. */
static void
compare_flags (SclNftTable *expected, SclNftTable *observed, GPtrArray *problems)
{
  if (observed->flags == expected->flags)
    return;
  if ((observed->flags & NFT_TABLE_F_DORMANT) != 0)
    add_problem (problems, "nft table %s %s is dormant: none of its rules is in force",
                 expected->family, expected->name);
  else
    add_problem (problems, "nft table %s %s has other flags", expected->family, expected->name);
}

void
_scl_nft_table_compare (SclNftTable *expected, SclNftTable *observed, GPtrArray *problems)
{
  if (observed == NULL)
    {
      add_problem (problems, "nft table %s %s is missing", expected->family, expected->name);
      return;
    }
  compare_flags (expected, observed, problems);
  for (guint i = 0; i < expected->sets->len; i++)
    {
      SclNftSet *set = g_ptr_array_index (expected->sets, i);

      compare_set (expected, set, _scl_nft_table_find_set (observed, set->name), problems);
    }
  compare_chains (expected, observed, problems);
}

/* All but the elements. */
static gboolean
has_same_shape (SclNftTable *expected, SclNftTable *observed)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < expected->sets->len; i++)
    {
      SclNftSet *set = g_ptr_array_index (expected->sets, i);
      SclNftSet *found = _scl_nft_table_find_set (observed, set->name);

      if (found == NULL || (found->size > 0) != (set->size > 0))
        return FALSE;
    }
  compare_flags (expected, observed, problems);
  compare_chains (expected, observed, problems);
  return problems->len == 0;
}

static void
append_refill (SclNftTable *table, SclNftSet *set, GString *text)
{
  g_string_append_printf (text, "flush %s %s %s %s\n", kind_of (set), table->family, table->name,
                          set->name);
  if (set->elements->len == 0)
    return;
  g_string_append_printf (text, "add element %s %s %s ", table->family, table->name, set->name);
  append_elements (set, text);
}

void
_scl_nft_table_append_change (SclNftTable *expected, SclNftTable *observed, GString *text)
{
  if (observed == NULL || !has_same_shape (expected, observed))
    {
      _scl_nft_table_append_text (expected, text);
      return;
    }
  for (guint i = 0; i < expected->sets->len; i++)
    {
      SclNftSet *set = g_ptr_array_index (expected->sets, i);

      if (!has_same_elements (set, _scl_nft_table_find_set (observed, set->name)))
        append_refill (expected, set, text);
    }
}

gboolean
_scl_nft_table_is_foreign (SclNftTable *observed, SclNftTable *expected)
{
  gboolean strange = FALSE;

  for (guint i = 0; i < observed->chains->len; i++)
    {
      SclNftChain *chain = g_ptr_array_index (observed->chains, i);

      strange = strange || _scl_nft_table_find_chain (expected, chain->name) == NULL;
      for (guint j = 0; j < chain->rules->len; j++)
        {
          SclNftRule *rule = g_ptr_array_index (chain->rules, j);

          if (rule->comment != NULL && g_str_has_prefix (rule->comment, SCL_NFT_COMMENT))
            return FALSE;
          strange = TRUE;
        }
    }
  for (guint i = 0; i < observed->sets->len; i++)
    strange = strange
              || _scl_nft_table_find_set (
                     expected, ((SclNftSet *)g_ptr_array_index (observed->sets, i))->name)
                     == NULL;
  return strange;
}
