/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Words and figures as people read them. Pure; every result is to be freed unless it is const. */

#include <scl/scl.h>

/* With the connection in each command that TEXT names: what a message tells the reader to type would else be done
 * to another instance. */
char *sclctl_text_complete (const char *text);

/* Without control characters and broken UTF-8, so that a foreign text cannot steer the terminal. */
char *sclctl_text_harmless (const char *text);
/* Commands in texts name URI from now on. NULL: the one that they have without it. */
void sclctl_text_set_connection (const char *uri);

/* "2 GiB", "1536 MiB". */
char *sclctl_text_mib (guint64 mib);
/* "1.4 GiB", "12 KiB". */
char *sclctl_text_bytes (guint64 bytes);
/* "5 d 3 h", "2 min 8 s"; "-" for a negative number. */
char *sclctl_text_seconds (gint64 seconds);

/* As sclctl_text_seconds; "-" for a VM that does not run. */
char *sclctl_text_uptime (SclVm *vm);

/* As in JSON and on the command line. */
const char *sclctl_text_kind (SclObjectKind kind);
const char *sclctl_text_action (SclAction action);
const char *sclctl_text_vm_state (SclVmState state);
const char *sclctl_text_stopped_by (SclStoppedBy who);
const char *sclctl_text_step_status (SclStepStatus status);
const char *sclctl_text_severity (SclSeverity severity);

/* For people: `network "lan"`, `VM "demo"`, `host`. */
char *sclctl_text_object (SclObjectKind kind, const char *name);
/* All that STEP is about. */
char *sclctl_text_step_object (SclStep *step);

/* All networks of the VM's interfaces, comma-separated. */
char *sclctl_text_vm_networks (SclVmSpec *spec);
/* Whether the VM's processor is there: it runs, is paused, or is shutting down. */
gboolean sclctl_vm_is_on (SclVm *vm);
/* "192.168.20.2 (declared), …"; "-" for none. */
char *sclctl_text_addresses (GListModel *addresses);
/* "tcp 2222:192.168.20.2:22, …"; "-" for none. */
char *sclctl_text_forwards (GListModel *forwards);
/* "192.168.20.0/24". */
char *sclctl_text_subnet (GInetAddress *gateway, guint prefix_length);
/* Comma-separated; "-" for none. */
char *sclctl_text_join (const char *const *words);
