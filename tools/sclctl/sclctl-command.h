/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of commands. Parsing, --help, suggestions, completion files and the command part of the
 * man page all read it; nothing about a command is written anywhere else. */

#include "sclctl-context.h"

/* What the shell may complete a value or an argument with. */
typedef enum {
  SCLCTL_COMPLETE_NOTHING,
  SCLCTL_COMPLETE_FILE,
  SCLCTL_COMPLETE_FOLDER,
  SCLCTL_COMPLETE_WORDS,
  SCLCTL_COMPLETE_VM,
  SCLCTL_COMPLETE_NETWORK,
  SCLCTL_COMPLETE_VOLUME,
  SCLCTL_COMPLETE_INSTANCE,
} SclctlComplete;

typedef struct
{
  const char *name;  /* long name without dashes */
  char letter;       /* 0: no short name */
  const char *value; /* what stands for the value in help; NULL: a flag */
  const char *help;  /* one sentence without full stop */
  SclctlComplete complete;
  const char *words; /* for SCLCTL_COMPLETE_WORDS, blank-separated */
} SclctlOption;

typedef struct
{
  const char *noun; /* NULL: a command of its own */
  const char *verb;
  const char *alias;     /* the whole path that means the same ("start"); NULL: none */
  const char *arguments; /* as in the synopsis; NULL: none */
  guint min_arguments;
  guint max_arguments;
  const char *summary;
  const char *description;
  const SclctlOption *options; /* ends with a NULL name; NULL: only the global ones */
  const char *required;        /* the option that it does nothing without; NULL: none */
  const char *const *examples; /* NULL-terminated pairs: what it is for, command line */
  SclctlComplete complete;
  const char *words;
  gboolean hidden;
  int (*run) (SclctlContext *context);
} SclctlCommand;

typedef struct
{
  const char *name;
  const char *alias; /* NULL: none */
  const char *summary;
} SclctlNoun;

/* Both end with an entry whose name or verb is NULL. */
extern const SclctlCommand sclctl_commands[];
extern const SclctlNoun sclctl_nouns[];
extern const SclctlOption sclctl_global_options[];

/* NOUN may be an alias or NULL; VERB may be that of an alias. NULL: there is none. */
const SclctlCommand *sclctl_command_lookup (const char *noun, const char *verb);

/* By name or alias. */
const SclctlNoun *sclctl_noun_lookup (const char *name);

gboolean sclctl_command_requires (const SclctlCommand *command, const SclctlOption *option);

/* "vm start" or "apply"; free it. */
char *sclctl_command_get_path (const SclctlCommand *command);
