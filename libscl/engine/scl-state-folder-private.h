/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether the state folder may be trusted. What stands below it is run: libvirt starts what a
 * definition in STATE/embed names. So it is judged before a hypervisor is opened, for readers too. */

#include <gio/gio.h>

/* The folder of instance PREFIX: STATE_DIR for the default, else one in it. (transfer full) */
char *_scl_instance_home (const char *state_dir, const char *prefix);

/* Those that have a folder there, for people: "\"scl\", \"run\"", without PREFIX. (transfer full) */
char *_scl_instance_list_others (const char *state_dir, const char *prefix);

/* A folder that is not there yet is fine. QEMU_USER (nullable) may own what libvirt gives it. */
gboolean _scl_state_folder_check (const char *state_dir, const char *prefix, const char *qemu_user,
                                  GError **error);
