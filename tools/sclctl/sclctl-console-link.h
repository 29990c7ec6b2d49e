/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Joins stdin and stdout with the console of a VM, in the main loop. A terminal is raw meanwhile.
 */

#include "sclctl-context.h"

typedef enum {
  SCLCTL_LINK_UP,
  SCLCTL_LINK_ESCAPED, /* Ctrl-] */
  SCLCTL_LINK_CLOSED,  /* by the other side: the VM is off, or somebody else has the console */
  SCLCTL_LINK_FAILED,
} SclctlLinkState;

typedef struct _SclctlLink SclctlLink;
typedef void (*SclctlLinkFunc) (SclctlLink *link, gpointer user_data);

/* FUNCTION is called once, when the link is no longer up; the terminal is as before then. */
SclctlLink *sclctl_link_new (GIOStream *stream, SclctlLinkFunc function, gpointer user_data);
void sclctl_link_free (SclctlLink *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclctlLink, sclctl_link_free)

SclctlLinkState sclctl_link_get_state (SclctlLink *self);

/* Opens the console of a VM and waits until it is open. */
GIOStream *sclctl_open_console (SclVm *vm, GError **error);
