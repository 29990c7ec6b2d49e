/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* In a folder of manifests may lie what VMs hand on to their guests: cloud-init files, in YAML too.
 * Tells which they are; it reads no files and knows of manifests only what it takes for that. */

#include "config/scl-report-private.h"
#include <gio/gio.h>

/* The trees of those SOURCES that are to be merged. A file that was found in a folder and that a VM
 * names is left out, one that only looks like cloud-init's with a warning. NULL: cancelled. (transfer full) */
GPtrArray *_scl_guest_files_read_others (GPtrArray *sources, SclReport *report,
                                         GCancellable *cancellable, GError **error);
