/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-generate.h"

#include <string.h>

static void
append_options (GString *text, const SclctlOption *options)
{
  for (const SclctlOption *option = options; option != NULL && option->name != NULL; option++)
    g_string_append_printf (text, " --%s", option->name);
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
      g_string_append (text, "COMPREPLY=()");
      break;
    case SCLCTL_COMPLETE_FILE:
      g_string_append (text, "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")");
      break;
    case SCLCTL_COMPLETE_FOLDER:
      g_string_append (text, "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")");
      break;
    case SCLCTL_COMPLETE_WORDS:
      g_string_append_printf (text, "mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\")", words);
      break;
    case SCLCTL_COMPLETE_VM:
    case SCLCTL_COMPLETE_NETWORK:
    case SCLCTL_COMPLETE_VOLUME:
    case SCLCTL_COMPLETE_INSTANCE:
      g_string_append_printf (text, "_sclctl_names %s", kinds[complete]);
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
append_words (GString *text, const char *noun)
{
  for (const SclctlCommand *command = sclctl_commands; command->verb != NULL; command++)
    {
      if (!command->hidden && g_strcmp0 (command->noun, noun) == 0)
        g_string_append_printf (text, " %s", command->verb);
    }
  for (const SclctlNoun *entry = sclctl_nouns; noun == NULL && entry->name != NULL; entry++)
    g_string_append_printf (text, " %s%s%s", entry->name, entry->alias ? " " : "",
                            entry->alias ? entry->alias : "");
}

static void
append_noun_case (GString *text, const char *noun)
{
  g_string_append_printf (text, "    '%s') words='", noun == NULL ? "" : noun);
  append_words (text, noun);
  g_string_append (text, "' ;;\n");
}

static void
append_command_case (GString *text, const SclctlCommand *command)
{
  g_autofree char *paths = sclctl_generate_paths (command, "'", " | ");

  g_string_append_printf (text, "    %s)\n      options+='", paths);
  append_options (text, command->options);
  g_string_append (text, "'\n      [[ $cur == -* ]] || ");
  append_action (text, command->complete, command->words);
  g_string_append (text, "\n      ;;\n");
}

static void
append_path (GString *text)
{
  g_autofree char *values = sclctl_generate_value_options (" | ");

  g_string_append_printf (text,
                          "  for ((i = 1; i < ${#said[@]}; i++)); do\n"
                          "    word=${said[i]}\n"
                          "    [[ $word == sc ]] && word=network\n"
                          "    case $word in\n"
                          "      -c | --connect) connection=(-c \"${said[i + 1]}\"); ((i++)) ;;\n"
                          "      --connect=*) connection=(-c \"${word#*=}\") ;;\n"
                          "      -c*) connection=(-c \"${word#-c}\") ;;\n"
                          "      %s) ((i++)) ;;\n"
                          "      -*) ;;\n"
                          "      *)\n"
                          "        case $path in\n"
                          "          '') path=$word ;;\n",
                          values);
  for (const SclctlNoun *noun = sclctl_nouns; noun->name != NULL; noun++)
    g_string_append_printf (text, "          %s) path=\"%s $word\" ;;\n", noun->name, noun->name);
  g_string_append (text, "        esac\n        ;;\n    esac\n  done\n");
}

char *
sclctl_generate_bash (void)
{
  GString *text
      = g_string_new ("# SPDX-License-Identifier: LGPL-2.1-or-later\n"
                      "# Made by \"sclctl completion bash\".\n"
                      /* COMP_WORDS is cut at ":" and "=", which connections are full of. */
                      "# The words before the one at the cursor, as the shell passes them.\n"
                      "_sclctl_said ()\n{\n"
                      "  local line=${COMP_LINE:0:COMP_POINT} word='' quote='' char i\n"
                      "  for ((i = 0; i < ${#line}; i++)); do\n"
                      "    char=${line:i:1}\n"
                      "    if [[ $char == \"$quote\" ]]; then\n"
                      "      quote=''\n"
                      "    elif [[ -n $quote ]]; then\n"
                      "      word+=$char\n"
                      "    elif [[ $char == [\\'\\\"] ]]; then\n"
                      "      quote=$char\n"
                      "    elif [[ $char == \\\\ ]]; then\n"
                      "      ((i++))\n"
                      "      word+=${line:i:1}\n"
                      "    elif [[ $char == ' ' ]]; then\n"
                      "      [[ -z $word ]] || said+=(\"$word\")\n"
                      "      word=''\n"
                      "    else\n"
                      "      word+=$char\n"
                      "    fi\n"
                      "  done\n"
                      "}\n"
                      /* compgen -W would expand what comes from disk. */
                      "# The names of a kind that begin with the word at the cursor, as they are.\n"
                      "_sclctl_names ()\n{\n"
                      "  local name\n"
                      "  while IFS= read -r name; do\n"
                      "    [[ $name != \"$cur\"* ]] || COMPREPLY+=(\"$name\")\n"
                      "  done < <(sclctl \"${connection[@]}\" names \"$1\" 2> /dev/null)\n"
                      "}\n"
                      "_sclctl ()\n{\n"
                      "  local cur=${COMP_WORDS[COMP_CWORD]}\n"
                      "  local path='' words='' options='' word i\n"
                      "  local -a said=() connection=()\n"
                      "  COMPREPLY=()\n"
                      "  _sclctl_said\n");

  append_path (text);
  g_string_append (text, "  case ${said[-1]} in\n");
  sclctl_generate_each_option (append_value, text);
  g_string_append (text, "  esac\n  options='");
  append_options (text, sclctl_global_options);
  g_string_append (text, "'\n  case $path in\n");
  append_noun_case (text, NULL);
  for (const SclctlNoun *noun = sclctl_nouns; noun->name != NULL; noun++)
    append_noun_case (text, noun->name);
  for (const SclctlCommand *command = sclctl_commands; command->verb != NULL; command++)
    {
      if (!command->hidden)
        append_command_case (text, command);
    }
  g_string_append (
      text, "  esac\n"
            "  [[ $cur == -* ]] && words=$options\n"
            "  [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
            "}\n"
            "complete -o filenames -F _sclctl sclctl\n");
  return g_string_free (text, FALSE);
}
