/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-help.h"

#include "sclctl-table.h"

#define WIDTH 80

static const char *const general_examples[]
    = { "Run a manifest in the foreground, without any service",
        "sudo sclctl run -f demo.yaml",
        "Show what would change, then change it",
        "sudo sclctl plan -f demo.yaml && sudo sclctl apply -f demo.yaml",
        "What is there",
        "sudo sclctl status",
        "The serial console of a VM",
        "sudo sclctl console demo",
        NULL };

char *
sclctl_help_option (const SclctlOption *option)
{
  GString *text = g_string_new (NULL);

  if (option->letter != 0)
    g_string_append_printf (text, "-%c, ", option->letter);
  g_string_append_printf (text, "--%s", option->name);
  if (option->value != NULL)
    g_string_append_printf (text, " %s", option->value);
  return g_string_free (text, FALSE);
}

char *
sclctl_help_synopsis (const SclctlCommand *command)
{
  g_autofree char *path = sclctl_command_get_path (command);
  GString *text = g_string_new ("sclctl ");

  g_string_append (text, path);
  for (const SclctlOption *option = command->options; option != NULL && option->name != NULL;
       option++)
    {
      g_autofree char *dashes = option->letter != 0 ? g_strdup_printf ("-%c", option->letter)
                                                    : g_strdup_printf ("--%s", option->name);

      gboolean required = sclctl_command_requires (command, option);

      g_string_append_printf (text, " %s%s%s%s%s", required ? "" : "[", dashes,
                              option->value ? " " : "", option->value ? option->value : "",
                              required ? "" : "]");
    }
  if (command->arguments != NULL)
    g_string_append_printf (text, " %s", command->arguments);
  return g_string_free (text, FALSE);
}

/* Breaks the lines of a paragraph, each indented. */
static void
append_wrapped (GString *text, const char *paragraph, guint indent)
{
  g_auto (GStrv) words = g_strsplit_set (paragraph, " \n", -1);
  guint column = WIDTH;

  for (guint i = 0; words[i] != NULL; i++)
    {
      guint width = sclctl_text_width (words[i]);

      if (column + 1 + width > WIDTH)
        {
          g_string_append_printf (text, "%s%*s", i == 0 ? "" : "\n", (int)indent, "");
          column = indent;
        }
      else
        {
          g_string_append_c (text, ' ');
          column++;
        }
      g_string_append (text, words[i]);
      column += width;
    }
  g_string_append_c (text, '\n');
}

/* LEFT in a column of its own, TEXT beside it, or below if there is no room. */
static void
append_entry (GString *text, const char *left, const char *right, guint column)
{
  g_autoptr (GString) wrapped = g_string_new (NULL);
  guint width = sclctl_text_width (left) + 2;

  append_wrapped (wrapped, right, column);
  g_string_append_printf (text, "  %s", left);
  if (width + 2 > column)
    g_string_append_printf (text, "\n%s", wrapped->str);
  else
    g_string_append_printf (text, "%*s%s", (int)(column - width), "", wrapped->str + column);
}

static void
append_options (GString *text, const char *title, const SclctlOption *options)
{
  if (options == NULL || options->name == NULL)
    return;
  g_string_append_printf (text, "\n%s:\n", title);
  for (const SclctlOption *option = options; option->name != NULL; option++)
    {
      g_autofree char *left = sclctl_help_option (option);

      append_entry (text, left, option->help, 26);
    }
}

static void
append_examples (GString *text, const char *const *examples)
{
  if (examples == NULL)
    return;
  g_string_append (text, "\nExamples:\n");
  for (guint i = 0; examples[i] != NULL; i += 2)
    g_string_append_printf (text, "  # %s\n  %s\n", examples[i], examples[i + 1]);
}

static void
append_commands (GString *text, const char *noun)
{
  for (const SclctlCommand *command = sclctl_commands; command->verb != NULL; command++)
    {
      g_autofree char *left = NULL;

      if (command->hidden || g_strcmp0 (command->noun, noun) != 0)
        continue;
      left = g_strdup_printf ("%s%s%s", command->verb, command->arguments ? " " : "",
                              command->arguments ? command->arguments : "");
      append_entry (text, left, command->summary, 26);
    }
}

char *
sclctl_help (void)
{
  GString *text = g_string_new ("Virtual machines, disks and separated networks, as declared.\n\n"
                                "Usage: sclctl [OPTION…] COMMAND [ARGUMENT…]\n\nCommands:\n");

  append_commands (text, NULL);
  g_string_append (text, "\nCommands about one kind of object:\n");
  for (const SclctlNoun *noun = sclctl_nouns; noun->name != NULL; noun++)
    {
      g_autofree char *left = g_strdup_printf ("%s COMMAND", noun->name);

      append_entry (text, left, noun->summary, 26);
    }
  append_options (text, "Options of every command", sclctl_global_options);
  append_examples (text, general_examples);
  g_string_append (text,
                   "\nExit status: 0 done or nothing to do, 1 error, 2 plan found changes,\n"
                   "3 partly done, 64 wrong usage, 75 locked by somebody else, 130 interrupted.\n"
                   "More: \"sclctl COMMAND --help\", sclctl(1), scl-manifest(5).\n");
  return g_string_free (text, FALSE);
}

char *
sclctl_help_noun (const SclctlNoun *noun)
{
  GString *text = g_string_new (NULL);

  append_wrapped (text, noun->summary, 0);
  g_string_append_printf (text, "\nUsage: sclctl %s COMMAND [OPTION…] [NAME…]\n", noun->name);
  if (noun->alias != NULL)
    g_string_append_printf (text, "       sclctl %s COMMAND … is the same.\n", noun->alias);
  g_string_append (text, "\nCommands:\n");
  append_commands (text, noun->name);
  append_options (text, "Options of every command", sclctl_global_options);
  return g_string_free (text, FALSE);
}

char *
sclctl_help_command (const SclctlCommand *command)
{
  g_autofree char *synopsis = sclctl_help_synopsis (command);
  GString *text = g_string_new (NULL);

  append_wrapped (text, command->summary, 0);
  g_string_append (text, "\nUsage:\n");
  append_wrapped (text, synopsis, 2);
  if (command->alias != NULL)
    g_string_append_printf (text, "  sclctl %s … is the same.\n", command->alias);
  g_string_append_c (text, '\n');
  append_wrapped (text, command->description, 0);
  append_options (text, "Options", command->options);
  append_options (text, "Options of every command", sclctl_global_options);
  append_examples (text, command->examples);
  return g_string_free (text, FALSE);
}
