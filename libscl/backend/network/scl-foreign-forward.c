/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-foreign-firewall-private.h"
#include <string.h>

/* The name that the compatible iptables and ufw use. */
#define FILTER_TABLE "filter"
#define DOCKER_CHAIN "DOCKER-USER"
#define UFW_CHAIN "ufw-user-forward"

typedef enum
{
  FATE_OPEN, /* goes on to the next rule */
  FATE_RETURN,
  FATE_ACCEPT,
  FATE_DROP
} Fate;

/* A packet between two links, of which nothing else is known. It fares the same at each visit of a chain, and
 * chains that call each other in many ways are many visits. */
typedef struct
{
  SclNftTable *table;
  const char *in;
  const char *out;
  GHashTable *fates; /* chain → Fate, of those that it has been in */
} Passage;

/* NAME NULL: a link that no rule can know. */
static gboolean
matches (const char *pattern, const char *name)
{
  gsize length = pattern == NULL ? 0 : strlen (pattern);

  if (pattern == NULL)
    return TRUE;
  if (name == NULL)
    return FALSE;
  return pattern[length - 1] == '*' ? strncmp (pattern, name, length - 1) == 0
                                    : strcmp (pattern, name) == 0;
}

static Fate follow (const Passage *passage, const char *chain_name);

/* A rule that asks for more than links is taken for one that does not apply. */
static gboolean
applies (const Passage *passage, const SclNftRule *rule)
{
  return !rule->narrow && rule->action != NULL && matches (rule->iif, passage->in)
         && matches (rule->oif, passage->out);
}

static Fate
apply_rule (const Passage *passage, const SclNftRule *rule)
{
  if (strcmp (rule->action, "accept") == 0)
    return FATE_ACCEPT;
  if (strcmp (rule->action, "drop") == 0 || strcmp (rule->action, "reject") == 0)
    return FATE_DROP;
  if (strcmp (rule->action, "return") == 0)
    return FATE_RETURN;
  return follow (passage, rule->target);
}

static Fate
walk (const Passage *passage, const char *chain_name)
{
  SclNftChain *chain = _scl_nft_table_find_chain (passage->table, chain_name);

  for (guint i = 0; chain != NULL && i < chain->rules->len; i++)
    {
      const SclNftRule *rule = chain->rules->pdata[i];
      Fate fate = applies (passage, rule) ? apply_rule (passage, rule) : FATE_OPEN;

      if (fate != FATE_OPEN)
        return fate == FATE_RETURN ? FATE_OPEN : fate;
      if (applies (passage, rule) && strcmp (rule->action, "goto") == 0)
        return FATE_OPEN;
    }
  return FATE_OPEN;
}

/* While a chain is being walked it is taken for one that decides nothing: the kernel has no loops. */
static Fate
follow (const Passage *passage, const char *chain_name)
{
  gpointer known = NULL;
  Fate fate;

  if (chain_name == NULL)
    return FATE_OPEN;
  if (g_hash_table_lookup_extended (passage->fates, chain_name, NULL, &known))
    return GPOINTER_TO_INT (known);
  g_hash_table_insert (passage->fates, (char *) chain_name, GINT_TO_POINTER (FATE_OPEN));
  fate = walk (passage, chain_name);
  g_hash_table_insert (passage->fates, (char *) chain_name, GINT_TO_POINTER (fate));
  return fate;
}

static gboolean
passes (SclNftTable *table, SclNftChain *chain, const char *in, const char *out)
{
  g_autoptr (GHashTable) fates = g_hash_table_new (g_str_hash, g_str_equal);

  return follow (&(Passage){ table, in, out, fates }, chain->name) == FATE_ACCEPT;
}

/* Both ways, for each of our uplinks. */
static gboolean
accepts_all (SclNftTable *table, SclNftChain *chain, GPtrArray *uplinks, const char *gateway)
{
  for (guint i = 0; i < uplinks->len; i++)
    if (!passes (table, chain, uplinks->pdata[i], gateway)
        || !passes (table, chain, gateway, uplinks->pdata[i]))
      return FALSE;
  return uplinks->len > 0;
}

/* What the chain does to a packet that none of its rules accepts; NULL: lets it pass. */
static const char *
drops_how (SclNftChain *chain)
{
  SclNftRule *last
      = chain->rules->len == 0 ? NULL : g_ptr_array_index (chain->rules, chain->rules->len - 1);

  if (last != NULL && g_strcmp0 (last->verdict, "accept") == 0)
    return NULL;
  if (last != NULL && last->verdict != NULL)
    return "with its last rule";
  return g_strcmp0 (chain->policy, "drop") == 0 ? "by its policy" : NULL;
}

/* What is put into ufw's chains by nft is gone with its next reload, and its own rules are not. A link's
 * name ends with "+" there for all that begin so. */
static char *
explain_ufw (const char *prefix, const char *gateway)
{
  g_autofree char *out = gateway == NULL ? g_strdup ("") : g_strdup_printf (" out on %s", gateway);
  g_autofree char *in = gateway == NULL ? g_strdup ("") : g_strdup_printf (" in on %s", gateway);

  return g_strdup_printf ("ufw drops forwarded packets: let them pass with "
                          "\"ufw route allow in on %su-+%s\" and \"ufw route allow%s out on %su-+\"",
                          prefix, out, in, prefix);
}

static char *
explain_how (SclNftTable *table, SclNftChain *chain, const char *how, const char *prefix,
             const char *gateway)
{
  if (strcmp (table->name, "firewalld") == 0)
    return g_strdup_printf ("firewalld rejects forwarded packets: add a policy that lets the "
                            "interfaces %su-* pass (firewall-cmd --permanent --new-policy …)",
                            prefix);
  if (_scl_nft_table_find_chain (table, UFW_CHAIN) != NULL)
    return explain_ufw (prefix, gateway);
  return g_strdup_printf ("nft chain %s of table %s %s drops forwarded packets %s: accept "
                          "iifname and oifname \"%su-*\" there",
                          chain->name, table->family, table->name, how, prefix);
}

static void
explain_legacy (GPtrArray *notes)
{
  g_autofree char *names = NULL;

  if (g_file_get_contents ("/proc/net/ip_tables_names", &names, NULL, NULL)
      && strstr (names, FILTER_TABLE) != NULL)
    g_ptr_array_add (notes, g_strdup ("legacy iptables has a filter table: SCL cannot see whether "
                                      "its FORWARD chain drops (see iptables-legacy -S FORWARD)"));
}

/* Docker's has a place for our accepts. */
static gboolean
is_to_be_judged (SclNftTable *table, const char *prefix)
{
  if (strcmp (table->family, "ip") != 0 && strcmp (table->family, "inet") != 0)
    return FALSE;
  return strcmp (table->name, prefix) != 0
         && (strcmp (table->family, "ip") != 0 || strcmp (table->name, FILTER_TABLE) != 0
             || _scl_nft_table_find_chain (table, DOCKER_CHAIN) == NULL);
}

void
_scl_foreign_firewall_explain (GPtrArray *tables, const char *prefix, GPtrArray *uplinks,
                               const char *gateway, GPtrArray *notes)
{
  for (guint i = 0; i < tables->len; i++)
    {
      SclNftTable *table = g_ptr_array_index (tables, i);

      for (guint j = 0; is_to_be_judged (table, prefix) && j < table->chains->len; j++)
        {
          SclNftChain *chain = g_ptr_array_index (table->chains, j);
          gboolean forwards = g_strcmp0 (chain->type, "filter") == 0
                              && g_strcmp0 (chain->hook, "forward") == 0;
          const char *how = forwards ? drops_how (chain) : NULL;

          if (how != NULL && !accepts_all (table, chain, uplinks, gateway))
            g_ptr_array_add (notes, explain_how (table, chain, how, prefix, gateway));
        }
    }
  explain_legacy (notes);
}
