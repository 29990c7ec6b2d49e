/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-options.h"

#include "sclctl-habits.h"
#include "sclctl-suggest.h"

#include <string.h>

typedef struct
{
  SclctlContext *context;
  GPtrArray *words;       /* borrowed: everything that is no option */
  GPtrArray *unknown;     /* char *: options that no command has */
  const char *incomplete; /* borrowed: the option that lacks its value */
} Parser;

static gboolean G_GNUC_PRINTF (2, 3) usage_error (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (error != NULL)
    *error = g_error_new_valist (SCL_ERROR, SCL_ERROR_INVALID, format, arguments);
  va_end (arguments);
  return FALSE;
}

static const SclctlOption *
find_in (const SclctlOption *options, const char *name, gsize length, char letter)
{
  for (const SclctlOption *option = options; option != NULL && option->name != NULL; option++)
    {
      if (letter != 0 && option->letter == letter)
        return option;
      if (name != NULL && strlen (option->name) == length
          && strncmp (option->name, name, length) == 0)
        return option;
    }
  return NULL;
}

/* An option has the same form in every command that has it, so it is known before the command is.
 */
static const SclctlOption *
find_anywhere (const char *name, gsize length, char letter)
{
  const SclctlOption *found = find_in (sclctl_global_options, name, length, letter);

  for (const SclctlCommand *command = sclctl_commands; found == NULL && command->verb != NULL;
       command++)
    found = find_in (command->options, name, length, letter);
  return found;
}

static void
set_option (SclctlContext *context, const SclctlOption *option, const char *value)
{
  GPtrArray *values = sclctl_values (context, option->name);

  if (values == NULL)
    {
      values = g_ptr_array_new_with_free_func (g_free);
      g_hash_table_insert (context->options, g_strdup (option->name), values);
    }
  g_ptr_array_add (values, g_strdup (value));
}

/* Gives the number of the following arguments that were used. */
static int
take_option (Parser *parser, const SclctlOption *option, const char *attached, const char *next)
{
  if (option->value == NULL || attached != NULL || next != NULL)
    set_option (parser->context, option,
                option->value == NULL ? ""
                : attached != NULL    ? attached
                                      : next);
  else
    parser->incomplete = option->name;
  return option->value != NULL && attached == NULL ? 1 : 0;
}

static int
take_long (Parser *parser, const char *argument, const char *next)
{
  const char *name = argument + 2;
  const char *equals = strchr (name, '=');
  gsize length = equals == NULL ? strlen (name) : (gsize)(equals - name);
  const SclctlOption *option = find_anywhere (name, length, 0);

  if (option == NULL || (option->value == NULL && equals != NULL))
    {
      g_ptr_array_add (parser->unknown,
                       g_strndup (argument, equals ? length + 2 : strlen (argument)));
      return 0;
    }
  return take_option (parser, option, equals == NULL ? NULL : equals + 1, next);
}

/* -qv, -ojson, -f FILE */
static int
take_letters (Parser *parser, const char *argument, const char *next)
{
  for (const char *letter = argument + 1; *letter != '\0'; letter++)
    {
      const SclctlOption *option = find_anywhere (NULL, 0, *letter);

      if (option == NULL)
        {
          g_ptr_array_add (parser->unknown, g_strdup_printf ("-%c", *letter));
          return 0;
        }
      if (option->value != NULL)
        return take_option (parser, option, letter[1] == '\0' ? NULL : letter + 1, next);
      take_option (parser, option, NULL, NULL);
    }
  return 0;
}

static void
scan (Parser *parser, int argc, char **argv)
{
  gboolean only_words = FALSE;

  for (int i = 1; i < argc; i++)
    {
      const char *argument = argv[i];

      if (only_words || argument[0] != '-' || argument[1] == '\0')
        g_ptr_array_add (parser->words, argv[i]);
      else if (g_str_equal (argument, "--"))
        only_words = TRUE;
      else if (argument[1] == '-')
        i += take_long (parser, argument, argv[i + 1]);
      else
        i += take_letters (parser, argument, argv[i + 1]);
    }
}

static GPtrArray *
list_words (const char *noun)
{
  GPtrArray *words = g_ptr_array_new_with_free_func (g_free);

  for (const SclctlCommand *command = sclctl_commands; command->verb != NULL; command++)
    {
      if (!command->hidden && g_strcmp0 (command->noun, noun) == 0)
        g_ptr_array_add (words, g_strdup (command->verb));
    }
  for (const SclctlNoun *entry = sclctl_nouns; noun == NULL && entry->name != NULL; entry++)
    g_ptr_array_add (words, g_strdup (entry->name));
  return words;
}

static gboolean
unknown_command (const char *noun, const char *word, GError **error)
{
  g_autoptr (GPtrArray) words = list_words (noun);
  const char *near = sclctl_suggest (word, words);
  g_autofree char *prefix = noun == NULL ? g_strdup ("") : g_strconcat (noun, " ", NULL);
  const char *habit = sclctl_habit (noun, word);

  if (habit != NULL)
    return usage_error (error, "unknown command \"%s%s\"%s", prefix, word, habit);
  if (near != NULL)
    return usage_error (error, "unknown command \"%s%s\"; did you mean \"%s%s\"?", prefix, word,
                        prefix, near);
  return usage_error (error, "unknown command \"%s%s\"; see \"sclctl %s--help\"", prefix, word,
                      prefix);
}

static const SclctlNoun *
noun_of_many (const char *word)
{
  g_autofree char *one = g_str_has_suffix (word, "s") ? g_strndup (word, strlen (word) - 1) : NULL;

  return one == NULL ? sclctl_noun_lookup (word) : sclctl_noun_lookup (one);
}

/* "list vms", "start vm web": the words the other way round. */
static gboolean
wrong_order (const char *first, const char *second, GError **error)
{
  const SclctlNoun *noun = second == NULL ? NULL : noun_of_many (second);
  const SclctlCommand *meant = noun == NULL ? NULL : sclctl_command_lookup (noun->name, first);
  g_autofree char *path = meant == NULL ? NULL : sclctl_command_get_path (meant);

  if (path == NULL)
    return FALSE;
  usage_error (error, "unknown command \"%s\"; did you mean \"%s\"?", first, path);
  return TRUE;
}

/* An alias that stands for a noun and a verb. */
static gboolean
is_short (const SclctlCommand *command)
{
  return command->noun != NULL;
}

static gboolean
resolve (GPtrArray *words, const SclctlCommand **out_command, const SclctlNoun **out_noun,
         guint *out_used, GError **error)
{
  const char *first = words->len > 0 ? g_ptr_array_index (words, 0) : NULL;
  const char *second = words->len > 1 ? g_ptr_array_index (words, 1) : NULL;
  const SclctlNoun *noun = first == NULL ? NULL : sclctl_noun_lookup (first);

  *out_noun = noun;
  *out_used = first == NULL ? 0 : noun == NULL || second == NULL ? 1 : 2;
  if (first == NULL || (noun != NULL && second == NULL))
    return TRUE;
  *out_command = noun == NULL ? sclctl_command_lookup (NULL, first)
                              : sclctl_command_lookup (noun->name, second);
  if (noun == NULL && (*out_command == NULL || (is_short (*out_command) && words->len > 2))
      && wrong_order (first, second, error))
    return FALSE;
  if (*out_command != NULL)
    return TRUE;
  return unknown_command (noun == NULL ? NULL : noun->name, noun == NULL ? first : second, error);
}

static void
add_option_names (GPtrArray *names, const SclctlOption *options)
{
  for (const SclctlOption *option = options; option != NULL && option->name != NULL; option++)
    g_ptr_array_add (names, g_strconcat ("--", option->name, NULL));
}

static gboolean
unknown_option (const SclctlCommand *command, const char *option, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = command == NULL ? NULL : sclctl_command_get_path (command);
  const char *near;

  add_option_names (names, sclctl_global_options);
  if (command != NULL)
    add_option_names (names, command->options);
  near = sclctl_suggest (option, names);
  if (near != NULL && !g_str_equal (near, option))
    return usage_error (error, "%s%sunknown option %s; did you mean %s?", path ? path : "",
                        path ? ": " : "", option, near);
  if (near != NULL)
    return usage_error (error, "option %s takes no value", option);
  return usage_error (error, "%s%sunknown option %s; see \"sclctl %s%s--help\"", path ? path : "",
                      path ? ": " : "", option, path ? path : "", path ? " " : "");
}

static gboolean
check_options (Parser *parser, const SclctlCommand *command, GError **error)
{
  GHashTableIter iter;
  gpointer name;

  if (parser->unknown->len > 0)
    return unknown_option (command, g_ptr_array_index (parser->unknown, 0), error);
  if (parser->incomplete != NULL)
    return usage_error (error, "option --%s needs a value", parser->incomplete);
  g_hash_table_iter_init (&iter, parser->context->options);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      g_autofree char *option = g_strconcat ("--", name, NULL);

      if (find_in (sclctl_global_options, name, strlen (name), 0) == NULL
          && (command == NULL || find_in (command->options, name, strlen (name), 0) == NULL))
        return unknown_option (command, option, error);
    }
  return TRUE;
}

static gboolean
is_list (const SclctlCommand *command)
{
  return command != NULL && g_str_equal (command->verb, "list");
}

static gboolean
check_output (const SclctlCommand *command, const char *output, GError **error)
{
  if (g_str_equal (output, "json") || g_str_equal (output, "table"))
    return TRUE;
  if (g_str_equal (output, "name"))
    return is_list (command)
           || usage_error (error, "--output name: only lists have it, such as \"vm list\"");
  if (g_str_equal (output, "yaml"))
    return usage_error (error, "--output yaml: give json, which programs that read YAML read, too");
  if (g_str_equal (output, "wide"))
    return usage_error (error, "--output wide: the table has all columns; \"show NAME\" and json "
                               "have more");
  return usage_error (error, "--output %s: it is table, json or, of lists, name", output);
}

static gboolean
check_values (SclctlContext *context, const SclctlCommand *command, GError **error)
{
  const char *output = sclctl_value (context, "output");
  const char *timeout = sclctl_value (context, "timeout");

  if (output != NULL && !check_output (command, output, error))
    return FALSE;
  if (timeout != NULL && !g_ascii_string_to_unsigned (timeout, 10, 0, 86400, NULL, NULL))
    return usage_error (error, "--timeout %s: not a number of seconds from 0 to 86400", timeout);
  return TRUE;
}

static gboolean
check_arguments (SclctlContext *context, const SclctlCommand *command, GError **error)
{
  g_autofree char *path = sclctl_command_get_path (command);
  guint count = context->arguments->len;

  if (count < command->min_arguments)
    return usage_error (error, "%s: %s is missing; see \"sclctl %s --help\"", path,
                        command->arguments, path);
  if (count > command->max_arguments && find_in (command->options, "file", 4, 0) != NULL)
    return usage_error (error, "%s: a manifest is given with -f: \"sclctl %s -f %s\"", path, path,
                        sclctl_argument (context, 0));
  if (count > command->max_arguments)
    return usage_error (error, "%s: \"%s\" is one argument too many", path,
                        sclctl_argument (context, command->max_arguments));
  return TRUE;
}

/* "help vm start" is "vm start --help". */
static gboolean
take_help_word (GPtrArray *words)
{
  if (words->len == 0 || !g_str_equal (g_ptr_array_index (words, 0), "help"))
    return FALSE;
  g_ptr_array_remove_index (words, 0);
  return TRUE;
}

static SclctlParsed
parse_words (Parser *parser, const SclctlCommand **out_command, const SclctlNoun **out_noun,
             GError **error)
{
  gboolean wants_help = take_help_word (parser->words) || sclctl_has (parser->context, "help");
  guint used = 0;

  if (!resolve (parser->words, out_command, out_noun, &used, error))
    return SCLCTL_PARSED_ERROR;
  if (wants_help)
    return SCLCTL_PARSED_HELP;
  if (!check_options (parser, *out_command, error) || !check_values (parser->context, *out_command, error))
    return SCLCTL_PARSED_ERROR;
  if (sclctl_has (parser->context, "version"))
    return SCLCTL_PARSED_VERSION;
  if (*out_command == NULL)
    return SCLCTL_PARSED_COMMAND;
  for (guint i = used; i < parser->words->len; i++)
    g_ptr_array_add (parser->context->arguments, g_strdup (g_ptr_array_index (parser->words, i)));
  return check_arguments (parser->context, *out_command, error) ? SCLCTL_PARSED_COMMAND
                                                                : SCLCTL_PARSED_ERROR;
}

SclctlParsed
sclctl_parse (int argc, char **argv, SclctlContext *context, const SclctlCommand **out_command,
              const SclctlNoun **out_noun, GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  g_autoptr (GPtrArray) unknown = g_ptr_array_new_with_free_func (g_free);
  Parser parser = { .context = context, .words = words, .unknown = unknown };

  *out_command = NULL;
  *out_noun = NULL;
  scan (&parser, argc, argv);
  return parse_words (&parser, out_command, out_noun, error);
}
