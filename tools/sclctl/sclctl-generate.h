/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is made from the table of commands: completion scripts and the commands of sclctl(1). The
 * files in tools/completion/ and doc/man/ are this output; a test compares them. Pure; free the
 * results. */

#include "sclctl-command.h"

/* Long names with dashes, and short ones, of all options that take a value, each once: joined by
 * SEPARATOR. */
char *sclctl_generate_value_options (const char *separator);

/* Its path and that of its alias, each in QUOTE, joined by SEPARATOR: for case labels. */
char *sclctl_generate_paths (const SclctlCommand *command, const char *quote,
                             const char *separator);

/* Calls FUNCTION once per option name, over all commands. */
typedef void (*SclctlOptionFunc) (const SclctlOption *option, gpointer user_data);
void sclctl_generate_each_option (SclctlOptionFunc function, gpointer user_data);

char *sclctl_generate_bash (void);
char *sclctl_generate_zsh (void);
char *sclctl_generate_fish (void);
char *sclctl_generate_man (void);
