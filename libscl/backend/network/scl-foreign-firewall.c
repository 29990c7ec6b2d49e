/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-foreign-firewall-private.h"
#include "backend/network/scl-nft-private.h"
#include "base/scl-digest-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <string.h>

#define RECORD "foreign-rules"
#define DOCKER_TABLE "filter"
#define DOCKER_CHAIN "DOCKER-USER"

/* A rule that we want in somebody else's chain. Only matches that iptables-nft can read: it refuses
 * the whole table otherwise, and Docker with it. */
typedef struct
{
  char *text;
  char *comment;
} Wanted;

static void
wanted_free (gpointer data)
{
  Wanted *wanted = data;

  g_free (wanted->text);
  g_free (wanted->comment);
  g_free (wanted);
}

static char *
comment_start (const char *prefix)
{
  return g_strdup_printf ("%s%s:", SCL_NFT_COMMENT, prefix);
}

static void
add_wanted (GPtrArray *all, const char *prefix, const char *match, const char *link)
{
  Wanted *wanted = g_new0 (Wanted, 1);
  g_autofree char *start = comment_start (prefix);
  g_autofree char *digest = NULL;

  wanted->text = g_strdup_printf ("%s \"%s\" accept", match, link);
  digest = _scl_digest_short (wanted->text);
  wanted->comment = g_strconcat (start, digest, NULL);
  g_ptr_array_add (all, wanted);
}

static GPtrArray *
list_wanted (const char *prefix, GPtrArray *uplinks)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (wanted_free);

  for (guint i = 0; i < uplinks->len; i++)
    {
      add_wanted (all, prefix, "iifname", g_ptr_array_index (uplinks, i));
      add_wanted (all, prefix, "oifname", g_ptr_array_index (uplinks, i));
    }
  return all;
}

static SclNftChain *
find_docker (GPtrArray *tables)
{
  SclNftTable *table = _scl_nft_tables_find (tables, "ip", DOCKER_TABLE);

  return table == NULL ? NULL : _scl_nft_table_find_chain (table, DOCKER_CHAIN);
}

/* Our rules in the chain. (transfer container) */
static GPtrArray *
list_present (SclNftChain *chain, const char *prefix)
{
  GPtrArray *present = g_ptr_array_new ();
  g_autofree char *start = comment_start (prefix);

  for (guint i = 0; chain != NULL && i < chain->rules->len; i++)
    {
      SclNftRule *rule = g_ptr_array_index (chain->rules, i);

      if (rule->comment != NULL && g_str_has_prefix (rule->comment, start))
        g_ptr_array_add (present, rule);
    }
  return present;
}

static gboolean
is_same (GPtrArray *wanted, GPtrArray *present)
{
  if (wanted->len != present->len)
    return FALSE;
  for (guint i = 0; i < wanted->len; i++)
    {
      Wanted *want = g_ptr_array_index (wanted, i);
      gboolean found = FALSE;

      for (guint j = 0; !found && j < present->len; j++)
        found
            = strcmp (((SclNftRule *)g_ptr_array_index (present, j))->comment, want->comment) == 0;
      if (!found)
        return FALSE;
    }
  return TRUE;
}

gboolean
_scl_foreign_firewall_is_done (GPtrArray *tables, const char *prefix, GPtrArray *uplinks)
{
  SclNftChain *chain = find_docker (tables);
  g_autoptr (GPtrArray) wanted = list_wanted (prefix, uplinks);
  g_autoptr (GPtrArray) present = list_present (chain, prefix);

  return chain == NULL || is_same (wanted, present);
}

static gboolean
write_record (const char *run_dir, const char *prefix, GError **error)
{
  static const char text[] = "ip " DOCKER_TABLE " " DOCKER_CHAIN "\n";
  g_autofree char *folder = g_build_filename (run_dir, prefix, NULL);
  g_auto (SclFd) dirfd = _scl_fd_open_folder (folder, 0700, error);

  return dirfd >= 0 && _scl_fd_replace (dirfd, RECORD, text, strlen (text), 0600, error);
}

static void
remove_record (const char *run_dir, const char *prefix)
{
  g_autofree char *folder = g_build_filename (run_dir, prefix, NULL);
  g_autofree char *file = g_build_filename (folder, RECORD, NULL);

  (void)unlink (file);
  (void)rmdir (folder);
}

gboolean
_scl_foreign_firewall_ensure (GPtrArray *tables, const char *run_dir, const char *prefix,
                              GPtrArray *uplinks, GCancellable *cancellable, GError **error)
{
  SclNftChain *chain = find_docker (tables);
  g_autoptr (GPtrArray) wanted = list_wanted (prefix, uplinks);
  g_autoptr (GPtrArray) present = list_present (chain, prefix);
  g_autoptr (GString) text = g_string_new (NULL);

  if (chain != NULL && !is_same (wanted, present))
    {
      if (wanted->len > 0 && !write_record (run_dir, prefix, error))
        return FALSE;
      for (guint i = 0; i < present->len; i++)
        g_string_append_printf (text, "delete rule ip %s %s handle %" G_GINT64_FORMAT "\n",
                                DOCKER_TABLE, DOCKER_CHAIN,
                                ((SclNftRule *)g_ptr_array_index (present, i))->handle);
      for (guint i = 0; i < wanted->len; i++)
        {
          Wanted *want = g_ptr_array_index (wanted, i);

          g_string_append_printf (text, "insert rule ip %s %s %s comment \"%s\"\n", DOCKER_TABLE,
                                  DOCKER_CHAIN, want->text, want->comment);
        }
      if (!_scl_nft_apply (-1, text->str, cancellable, error))
        return scl_prefix (error, "chain %s", DOCKER_CHAIN);
    }
  if (wanted->len == 0)
    remove_record (run_dir, prefix);
  return TRUE;
}
