/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Command line -> command and context, by the table. Options may stand anywhere. Pure. */

#include "sclctl-command.h"

typedef enum {
  SCLCTL_PARSED_COMMAND,
  SCLCTL_PARSED_HELP,
  SCLCTL_PARSED_VERSION,
  SCLCTL_PARSED_ERROR,
} SclctlParsed;

/* OUT_COMMAND is what to run, or what help is wanted about (NULL: all); OUT_NOUN is set when the
 * command line names a noun only. */
SclctlParsed sclctl_parse (int argc, char **argv, SclctlContext *context,
                           const SclctlCommand **out_command, const SclctlNoun **out_noun,
                           GError **error);
