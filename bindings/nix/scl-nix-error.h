/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What Nix says about an error, a page of it, as one line: FILE:LINE:COLUMN: OPTION: MESSAGE. */

#include "scl-nix-source.h"

/* MESSAGE is what Nix wrote to stderr. Free the result. */
char *nix_error_line (const NixSource *source, const char *message);
