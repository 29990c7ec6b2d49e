/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-generate.h"

#include "sclctl-help.h"
#include "sclctl-objects.h"
#include "sclctl-uri.h"
#include "sclctl-verbs.h"
#include "sclctl-wait.h"

#include <string.h>

static void
each_of (const SclctlOption *options, GHashTable *seen, SclctlOptionFunc function,
         gpointer user_data)
{
  for (const SclctlOption *option = options; option != NULL && option->name != NULL; option++)
    {
      if (g_hash_table_add (seen, (gpointer)option->name))
        function (option, user_data);
    }
}

void
sclctl_generate_each_option (SclctlOptionFunc function, gpointer user_data)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  each_of (sclctl_global_options, seen, function, user_data);
  for (const SclctlCommand *command = sclctl_commands; command->verb != NULL; command++)
    each_of (command->options, seen, function, user_data);
}

typedef struct
{
  GString *text;
  const char *separator;
} Joining;

static void
join_value_option (const SclctlOption *option, gpointer user_data)
{
  Joining *joining = user_data;

  if (option->value == NULL)
    return;
  g_string_append_printf (joining->text, "%s--%s", joining->text->len > 0 ? joining->separator : "",
                          option->name);
  if (option->letter != 0)
    g_string_append_printf (joining->text, "%s-%c", joining->separator, option->letter);
}

char *
sclctl_generate_value_options (const char *separator)
{
  Joining joining = { .text = g_string_new (NULL), .separator = separator };

  sclctl_generate_each_option (join_value_option, &joining);
  return g_string_free (joining.text, FALSE);
}

char *
sclctl_generate_paths (const SclctlCommand *command, const char *quote, const char *separator)
{
  g_autofree char *path = sclctl_command_get_path (command);

  if (command->alias == NULL)
    return g_strconcat (quote, path, quote, NULL);
  return g_strconcat (quote, path, quote, separator, quote, command->alias, quote, NULL);
}

int
sclctl_completion (SclctlContext *context)
{
  const char *shell = sclctl_argument (context, 0);
  g_autofree char *text = NULL;

  if (g_str_equal (shell, "bash"))
    text = sclctl_generate_bash ();
  else if (g_str_equal (shell, "zsh"))
    text = sclctl_generate_zsh ();
  else if (g_str_equal (shell, "fish"))
    text = sclctl_generate_fish ();
  else
    {
      sclctl_complain ("completion %s: it is bash, zsh or fish", shell);
      return SCLCTL_EXIT_USAGE;
    }
  g_print ("%s", text);
  return SCLCTL_EXIT_DONE;
}

int
sclctl_man_commands (SclctlContext *context G_GNUC_UNUSED)
{
  g_autofree char *text = sclctl_generate_man ();

  g_print ("%s", text);
  return SCLCTL_EXIT_DONE;
}

static gboolean
parse_kind (const char *text, SclObjectKind *out_kind)
{
  static const char *const names[] = { "vm", "network", "volume" };
  static const SclObjectKind kinds[]
      = { SCL_OBJECT_KIND_VM, SCL_OBJECT_KIND_NETWORK, SCL_OBJECT_KIND_VOLUME };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      *out_kind = kinds[i];
      if (g_str_equal (text, names[i]))
        return TRUE;
    }
  return FALSE;
}

/* As the library allows; whoever may write the folder chooses the names in it. */
static gboolean
is_prefix (const char *name)
{
  return g_regex_match_simple ("^[a-z][a-z0-9]{0,5}$", name, G_REGEX_DOLLAR_ENDONLY, 0);
}

/* No connection knows others than its own: those that have volumes in the same state folder. */
static int
print_instances (SclctlContext *context)
{
  g_autofree char *given = sclctl_uri_get (sclctl_get_uri (context), "state");
  g_autofree char *prefix = sclctl_uri_get (sclctl_get_uri (context), "prefix");
  const char *state = given != NULL ? given : SCLCTL_DEFAULT_STATE;
  const char *own = prefix != NULL ? prefix : SCLCTL_FIRST_PREFIX;
  g_autofree char *instances = g_build_filename (state, "instances", NULL);
  g_autofree char *first = g_build_filename (state, "volumes", NULL);
  g_autoptr (GDir) dir = g_dir_open (instances, 0, NULL);
  const char *name;

  if (!g_str_equal (own, SCLCTL_FIRST_PREFIX) && g_file_test (first, G_FILE_TEST_IS_DIR))
    g_print ("%s\n", SCLCTL_FIRST_PREFIX);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *volumes = g_build_filename (instances, name, "volumes", NULL);

      if (is_prefix (name) && !g_str_equal (own, name) && g_file_test (volumes, G_FILE_TEST_IS_DIR))
        g_print ("%s\n", name);
    }
  return SCLCTL_EXIT_DONE;
}

/* For completion: silent when nothing can be asked. */
int
sclctl_names (SclctlContext *context)
{
  SclObjectKind kind;
  g_autoptr (GError) error = NULL;
  GListModel *list;

  if (g_str_equal (sclctl_argument (context, 0), "instance"))
    return print_instances (context);
  if (!parse_kind (sclctl_argument (context, 0), &kind))
    return SCLCTL_EXIT_USAGE;
  if (!sclctl_open (context, &error) || !sclctl_refresh (context, &error))
    return SCLCTL_EXIT_ERROR;
  list = sclctl_get_objects (context, kind);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (GObject) object = g_list_model_get_item (list, i);
      g_autofree char *name = NULL;

      g_object_get (object, "name", &name, NULL);
      g_print ("%s\n", name);
    }
  return SCLCTL_EXIT_DONE;
}
