/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-generate.h"

#include <string.h>

/* ASCII only, and nothing that roff takes for a request or an escape. */
static char *
escape (const char *text)
{
  GString *escaped = g_string_new (NULL);

  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      if (g_utf8_get_char (at) == 0x2026)
        g_string_append (escaped, "...");
      else if (*at == '\\')
        g_string_append (escaped, "\\e");
      else if (*at == '-')
        g_string_append (escaped, "\\-");
      else
        g_string_append_unichar (escaped, g_utf8_get_char (at));
    }
  if (*escaped->str == '.' || *escaped->str == '\'')
    g_string_prepend (escaped, "\\&");
  return g_string_free (escaped, FALSE);
}

/* A sentence per line, as mdoc wants it. */
static void
append_sentences (GString *text, const char *sentences)
{
  g_auto (GStrv) parts = g_strsplit (sentences, ". ", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autofree char *line = escape (parts[i]);

      g_string_append_printf (text, "%s%s\n", line, parts[i + 1] != NULL ? "." : "");
    }
}

static void
append_option (GString *text, const SclctlOption *option)
{
  g_autofree char *help = escape (option->help);

  g_string_append (text, ".It ");
  if (option->letter != 0)
    g_string_append_printf (text, "Fl %c , ", option->letter);
  g_string_append_printf (text, "Fl \\-%s", option->name);
  if (option->value != NULL)
    g_string_append_printf (text, " Ar %s", option->value);
  g_string_append_printf (text, "\n%c%s.\n", g_ascii_toupper (help[0]), help + 1);
}

static void
append_options (GString *text, const SclctlOption *options)
{
  if (options == NULL)
    return;
  g_string_append (text, ".Bl -tag -width Ds\n");
  for (const SclctlOption *option = options; option->name != NULL; option++)
    append_option (text, option);
  g_string_append (text, ".El\n");
}

static void
append_synopsis (GString *text, const SclctlCommand *command)
{
  g_autofree char *path = sclctl_command_get_path (command);
  g_autofree char *arguments = command->arguments ? escape (command->arguments) : NULL;

  g_string_append_printf (text, ".Nm\n.Cm %s\n", path);
  for (const SclctlOption *option = command->options; option != NULL && option->name != NULL;
       option++)
    {
      g_autofree char *dashes = option->letter != 0 ? g_strdup_printf ("%c", option->letter)
                                                    : g_strdup_printf ("\\-%s", option->name);

      g_string_append_printf (text, "%s %s%s%s\n", sclctl_command_requires (command, option) ? ".Fl" : ".Op Fl", dashes, option->value ? " Ar " : "",
                              option->value ? option->value : "");
    }
  if (arguments != NULL)
    g_string_append_printf (text, ".Ar %s\n", arguments);
}

static void
append_examples (GString *text, const SclctlCommand *command)
{
  for (guint i = 0; command->examples != NULL && command->examples[i] != NULL; i += 2)
    {
      g_autofree char *what = escape (command->examples[i]);
      g_autofree char *how = escape (command->examples[i + 1]);

      g_string_append_printf (text, ".Pp\n%s:\n.Dl %s\n", what, how);
    }
}

char *
sclctl_generate_man (void)
{
  GString *text = g_string_new (NULL);

  for (const SclctlCommand *command = sclctl_commands; command->verb != NULL; command++)
    {
      g_autofree char *path = sclctl_command_get_path (command);

      if (command->hidden)
        continue;
      g_string_append_printf (text, ".Ss %s\n", path);
      append_synopsis (text, command);
      if (command->alias != NULL)
        g_string_append_printf (text, ".Pp\n.Cm %s\nis the same.\n", command->alias);
      g_string_append (text, ".Pp\n");
      append_sentences (text, command->description);
      append_options (text, command->options);
      append_examples (text, command);
    }
  g_string_append (text, ".Sh OPTIONS OF EVERY COMMAND\n");
  append_options (text, sclctl_global_options);
  return g_string_free (text, FALSE);
}
