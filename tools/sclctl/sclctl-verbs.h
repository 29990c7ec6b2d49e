/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the commands do; each gives the exit status. */

#include "sclctl-context.h"

int sclctl_apply (SclctlContext *context);
int sclctl_plan (SclctlContext *context);
int sclctl_validate (SclctlContext *context);
int sclctl_schema (SclctlContext *context);
int sclctl_status (SclctlContext *context);
int sclctl_run (SclctlContext *context);
int sclctl_console (SclctlContext *context);
int sclctl_completion (SclctlContext *context);
int sclctl_man_commands (SclctlContext *context);
int sclctl_names (SclctlContext *context);

int sclctl_vm_list (SclctlContext *context);
int sclctl_vm_show (SclctlContext *context);
int sclctl_vm_start (SclctlContext *context);
int sclctl_vm_stop (SclctlContext *context);
int sclctl_vm_restart (SclctlContext *context);
int sclctl_vm_delete (SclctlContext *context);
int sclctl_vm_attach (SclctlContext *context);
int sclctl_vm_logs (SclctlContext *context);

int sclctl_network_list (SclctlContext *context);
int sclctl_network_show (SclctlContext *context);
int sclctl_network_delete (SclctlContext *context);

int sclctl_volume_list (SclctlContext *context);
int sclctl_volume_show (SclctlContext *context);
int sclctl_volume_create (SclctlContext *context);
int sclctl_volume_adopt (SclctlContext *context);
int sclctl_volume_delete (SclctlContext *context);
int sclctl_volume_prune (SclctlContext *context);
