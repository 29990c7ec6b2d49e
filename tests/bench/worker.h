/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The program behind `run`: reads one command per line (words with tabs between), does it and
 * answers "ok NANOSECONDS" or "error MESSAGE". Only the work is inside the time, so A and B can be
 * interleaved by whoever drives it. */

#include "base/scl-throw-private.h"
#include "plan/scl-target-private.h"
#include <scl/scl-manifest.h>

#define BENCH_PREFIX "sclb"

typedef gboolean (*BenchFunc) (char **words, GError **error);

typedef struct
{
  const char *name;
  guint n_words; /* after the name; at least */
  BenchFunc func;
} BenchCommand;

extern const BenchCommand bench_network_commands[];
extern const BenchCommand bench_floor_commands[];
extern const BenchCommand bench_host_commands[];

/* What "manifest FILE" has read; NULL before. */
extern SclManifest *bench_manifest;

/* Runs a program to its end; INPUT (may be NULL) is its stdin. */
gboolean bench_run (char **argv, const char *input, GError **error);
/* The rules that SCL would make for the manifest's first network, as nft text. */
char *bench_network_rules (const char *prefix);
char *bench_host_rules (const char *prefix);
SclHostTarget *bench_host_target (gboolean with_network);
