/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-generate.h"

#include <string.h>

static char *
quote (const char *text)
{
  g_auto (GStrv) quotes = g_strsplit (text, "'", -1);

  return g_strjoinv ("\\'", quotes);
}

static void
append_candidates (GString *text, SclctlComplete complete, const char *words)
{
  static const char *const kinds[] = { [SCLCTL_COMPLETE_VM] = "vm",
                                       [SCLCTL_COMPLETE_NETWORK] = "network",
                                       [SCLCTL_COMPLETE_VOLUME] = "volume",
                                       [SCLCTL_COMPLETE_INSTANCE] = "instance" };

  switch (complete)
    {
    case SCLCTL_COMPLETE_NOTHING:
      break;
    case SCLCTL_COMPLETE_FILE:
      g_string_append (text, " -F");
      break;
    case SCLCTL_COMPLETE_FOLDER:
      g_string_append (text, " -a '(__fish_complete_directories)'");
      break;
    case SCLCTL_COMPLETE_WORDS:
      g_string_append_printf (text, " -a '%s'", words);
      break;
    case SCLCTL_COMPLETE_VM:
    case SCLCTL_COMPLETE_NETWORK:
    case SCLCTL_COMPLETE_VOLUME:
    case SCLCTL_COMPLETE_INSTANCE:
      g_string_append_printf (text, " -a '(__sclctl_names %s)'", kinds[complete]);
      break;
    }
}

/* PATHS is NULL for options of every command. */
static void
append_option (GString *text, const char *paths, const SclctlOption *option)
{
  g_autofree char *help = quote (option->help);

  g_string_append (text, "complete -c sclctl");
  if (paths != NULL)
    g_string_append_printf (text, " -n '__sclctl_at %s'", paths);
  if (option->letter != 0)
    g_string_append_printf (text, " -s %c", option->letter);
  g_string_append_printf (text, " -l %s", option->name);
  if (option->value != NULL)
    g_string_append (text, " -r");
  append_candidates (text, option->complete, option->words);
  g_string_append_printf (text, " -d '%s'\n", help);
}

static void
append_word (GString *text, const char *noun, const char *word, const char *summary)
{
  g_autofree char *quoted = quote (summary);

  g_string_append_printf (text, "complete -c sclctl -n '__sclctl_at \"%s\"' -a %s -d '%s'\n",
                          noun == NULL ? "" : noun, word, quoted);
}

static void
append_command (GString *text, const SclctlCommand *command)
{
  g_autofree char *paths = sclctl_generate_paths (command, "\"", " ");

  append_word (text, command->noun, command->verb, command->summary);
  for (const SclctlOption *option = command->options; option != NULL && option->name != NULL;
       option++)
    append_option (text, paths, option);
  if (command->complete == SCLCTL_COMPLETE_NOTHING)
    return;
  g_string_append_printf (text, "complete -c sclctl -n '__sclctl_at %s'", paths);
  append_candidates (text, command->complete, command->words);
  g_string_append_c (text, '\n');
}

static void
append_names (GString *text)
{
  g_string_append (text, "function __sclctl_names\n"
                         "    set -l connection\n"
                         "    set -l take 0\n"
                         "    for word in (commandline -opc)[2..-1]\n"
                         "        if test $take = 1\n"
                         "            set connection -c $word\n"
                         "            set take 0\n"
                         "            continue\n"
                         "        end\n"
                         "        switch $word\n"
                         "            case -c --connect\n"
                         "                set take 1\n"
                         "            case '--connect=*'\n"
                         "                set connection -c (string replace -- --connect= '' $word)\n"
                         "            case '-c*'\n"
                         "                set connection $word\n"
                         "        end\n"
                         "    end\n"
                         "    sclctl $connection names $argv 2> /dev/null\n"
                         "end\n");
}

static void
append_function (GString *text)
{
  g_autofree char *values = sclctl_generate_value_options (" ");

  g_string_append_printf (text,
                          "function __sclctl_at\n"
                          "    set -l path\n"
                          "    set -l skip 0\n"
                          "    for word in (commandline -opc)[2..-1]\n"
                          "        if test $skip = 1\n"
                          "            set skip 0\n"
                          "            continue\n"
                          "        end\n"
                          "        test $word = sc; and set word network\n"
                          "        switch $word\n"
                          "            case %s\n"
                          "                set skip 1\n"
                          "            case '-*'\n"
                          "            case '*'\n"
                          "                switch \"$path\"\n"
                          "                    case ''\n"
                          "                        set path $word\n"
                          "                    case",
                          values);
  for (const SclctlNoun *noun = sclctl_nouns; noun->name != NULL; noun++)
    g_string_append_printf (text, " %s", noun->name);
  g_string_append (text, "\n"
                         "                        set path \"$path $word\"\n"
                         "                end\n"
                         "        end\n"
                         "    end\n"
                         "    contains -- \"$path\" $argv\n"
                         "end\n");
}

char *
sclctl_generate_fish (void)
{
  GString *text = g_string_new ("# SPDX-License-Identifier: LGPL-2.1-or-later\n"
                                "# Made by \"sclctl completion fish\".\n");

  append_function (text);
  append_names (text);
  g_string_append (text, "complete -c sclctl -f\n");
  for (const SclctlOption *option = sclctl_global_options; option->name != NULL; option++)
    append_option (text, NULL, option);
  for (const SclctlNoun *noun = sclctl_nouns; noun->name != NULL; noun++)
    append_word (text, NULL, noun->name, noun->summary);
  for (const SclctlCommand *command = sclctl_commands; command->verb != NULL; command++)
    {
      if (!command->hidden)
        append_command (text, command);
    }
  return g_string_free (text, FALSE);
}
