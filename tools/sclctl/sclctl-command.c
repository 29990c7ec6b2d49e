/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-command.h"

const SclctlNoun *
sclctl_noun_lookup (const char *name)
{
  for (const SclctlNoun *noun = sclctl_nouns; noun->name != NULL; noun++)
    {
      if (g_str_equal (noun->name, name) || g_strcmp0 (noun->alias, name) == 0)
        return noun;
    }
  return NULL;
}

const SclctlCommand *
sclctl_command_lookup (const char *noun, const char *verb)
{
  const SclctlNoun *known = noun == NULL ? NULL : sclctl_noun_lookup (noun);
  const char *real = known == NULL ? noun : known->name;
  g_autofree char *path = real == NULL ? g_strdup (verb) : g_strdup_printf ("%s %s", real, verb);

  for (const SclctlCommand *command = sclctl_commands; command->verb != NULL; command++)
    {
      if ((g_strcmp0 (command->noun, real) == 0 && g_str_equal (command->verb, verb))
          || g_strcmp0 (command->alias, path) == 0)
        return command;
    }
  return NULL;
}

char *
sclctl_command_get_path (const SclctlCommand *command)
{
  if (command->noun == NULL)
    return g_strdup (command->verb);
  return g_strdup_printf ("%s %s", command->noun, command->verb);
}

gboolean
sclctl_command_requires (const SclctlCommand *command, const SclctlOption *option)
{
  return g_strcmp0 (command->required, option->name) == 0;
}
