/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-generate.h"

#include <string.h>

/* For 'NAME:TEXT' of _describe. */
static char *
quote (const char *text)
{
  g_auto (GStrv) colons = g_strsplit (text, ":", -1);
  g_autofree char *escaped = g_strjoinv ("\\:", colons);
  g_auto (GStrv) quotes = g_strsplit (escaped, "'", -1);

  return g_strjoinv ("'\\''", quotes);
}

static void
append_entry (GString *text, const char *dashes, const char *name, const char *summary)
{
  g_autofree char *quoted = quote (summary);

  g_string_append_printf (text, "      '%s%s:%s'\n", dashes, name, quoted);
}

static void
append_options (GString *text, const SclctlOption *options)
{
  for (const SclctlOption *option = options; option != NULL && option->name != NULL; option++)
    append_entry (text, "--", option->name, option->help);
}

static void
append_action (GString *text, SclctlComplete complete, const char *words)
{
  static const char *const kinds[] = { [SCLCTL_COMPLETE_VM] = "vm",
                                       [SCLCTL_COMPLETE_NETWORK] = "network",
                                       [SCLCTL_COMPLETE_VOLUME] = "volume",
                                       [SCLCTL_COMPLETE_INSTANCE] = "instance" };

  switch (complete)
    {
    case SCLCTL_COMPLETE_NOTHING:
      g_string_append (text, "_message 'no more arguments'");
      break;
    case SCLCTL_COMPLETE_FILE:
      g_string_append (text, "_files");
      break;
    case SCLCTL_COMPLETE_FOLDER:
      g_string_append (text, "_files -/");
      break;
    case SCLCTL_COMPLETE_WORDS:
      g_string_append_printf (text, "compadd -- %s", words);
      break;
    case SCLCTL_COMPLETE_VM:
    case SCLCTL_COMPLETE_NETWORK:
    case SCLCTL_COMPLETE_VOLUME:
    case SCLCTL_COMPLETE_INSTANCE:
      g_string_append_printf (text, "compadd -- ${(f)\"$(sclctl $connection names %s 2> /dev/null)\"}",
                              kinds[complete]);
      break;
    }
}

static void
append_value (const SclctlOption *option, gpointer user_data)
{
  GString *text = user_data;

  if (option->value == NULL)
    return;
  g_string_append (text, "    ");
  if (option->letter != 0)
    g_string_append_printf (text, "-%c | ", option->letter);
  g_string_append_printf (text, "--%s) ", option->name);
  append_action (text, option->complete, option->words);
  g_string_append (text, "; return ;;\n");
}

static void
append_noun_case (GString *text, const char *noun)
{
  g_string_append_printf (text, "    '%s') entries=(\n", noun == NULL ? "" : noun);
  for (const SclctlCommand *command = sclctl_commands; command->verb != NULL; command++)
    {
      if (!command->hidden && g_strcmp0 (command->noun, noun) == 0)
        append_entry (text, "", command->verb, command->summary);
    }
  for (const SclctlNoun *entry = sclctl_nouns; noun == NULL && entry->name != NULL; entry++)
    append_entry (text, "", entry->name, entry->summary);
  g_string_append (text, "      ); _describe -t commands command entries ;;\n");
}

static void
append_command_case (GString *text, const SclctlCommand *command)
{
  g_autofree char *paths = sclctl_generate_paths (command, "'", " | ");

  g_string_append_printf (text, "    %s)\n", paths);
  if (command->options != NULL)
    {
      g_string_append (text, "      options+=(\n");
      append_options (text, command->options);
      g_string_append (text, "      )\n");
    }
  g_string_append (text, "      [[ $current == -* ]] || ");
  append_action (text, command->complete, command->words);
  g_string_append (text, "\n      ;;\n");
}

static void
append_path (GString *text)
{
  g_autofree char *values = sclctl_generate_value_options (" | ");

  g_string_append_printf (text,
                          "  for ((i = 2; i < CURRENT; i++)); do\n"
                          "    word=${words[i]}\n"
                          "    [[ $word == sc ]] && word=network\n"
                          "    case $word in\n"
                          "      -c | --connect) connection=(-c ${(Q)words[i + 1]}); ((i++)) ;;\n"
                          "      --connect=*) connection=(-c ${(Q)word#*=}) ;;\n"
                          "      -c*) connection=(-c ${(Q)word#-c}) ;;\n"
                          "      %s) ((i++)) ;;\n"
                          "      -*) ;;\n"
                          "      *)\n"
                          "        case $where in\n"
                          "          '') where=$word ;;\n",
                          values);
  for (const SclctlNoun *noun = sclctl_nouns; noun->name != NULL; noun++)
    g_string_append_printf (text, "          %s) where=\"%s $word\" ;;\n", noun->name, noun->name);
  g_string_append (text, "        esac\n        ;;\n    esac\n  done\n");
}

char *
sclctl_generate_zsh (void)
{
  GString *text = g_string_new ("#compdef sclctl\n"
                                "# SPDX-License-Identifier: LGPL-2.1-or-later\n"
                                "# Made by \"sclctl completion zsh\".\n"
                                "_sclctl ()\n{\n"
                                "  local where='' word i current=${words[CURRENT]}\n"
                                "  local -a entries options connection\n");

  append_path (text);
  g_string_append (text, "  case ${words[CURRENT - 1]} in\n");
  sclctl_generate_each_option (append_value, text);
  g_string_append (text, "  esac\n  options=(\n");
  append_options (text, sclctl_global_options);
  g_string_append (text, "      )\n  case $where in\n");
  append_noun_case (text, NULL);
  for (const SclctlNoun *noun = sclctl_nouns; noun->name != NULL; noun++)
    append_noun_case (text, noun->name);
  for (const SclctlCommand *command = sclctl_commands; command->verb != NULL; command++)
    {
      if (!command->hidden)
        append_command_case (text, command);
    }
  g_string_append (text, "  esac\n"
                         "  [[ $current == -* ]] && _describe -o -t options option options\n"
                         "}\n"
                         "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
                         "  _sclctl \"$@\"\n"
                         "else\n"
                         "  compdef _sclctl sclctl\n"
                         "fi\n");
  return g_string_free (text, FALSE);
}
