/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* --help of every level, from the table. Pure; free the results. */

#include "sclctl-command.h"

char *sclctl_help (void);
char *sclctl_help_noun (const SclctlNoun *noun);
char *sclctl_help_command (const SclctlCommand *command);

/* "sclctl apply -f FILE [OPTION…]". */
char *sclctl_help_synopsis (const SclctlCommand *command);

/* "-f, --file FILE". */
char *sclctl_help_option (const SclctlOption *option);
