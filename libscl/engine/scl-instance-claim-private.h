/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who an instance is on this host: one hypervisor and one state folder per prefix. Noted twice, in
 * RUN/PREFIX/instance (for all callers of this boot) and in the instance's own folder (which stays over
 * a reboot), from before its first change until nothing of it is left. No lock: the caller has it. */

#include <gio/gio.h>

typedef struct _SclInstanceClaim SclInstanceClaim;

SclInstanceClaim *_scl_instance_claim_new (const char *run_dir, const char *state_dir,
                                           const char *prefix, const char *hypervisor);
void _scl_instance_claim_free (SclInstanceClaim *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclInstanceClaim, _scl_instance_claim_free)

/* SCL_ERROR_IN_USE, naming the holder, if the prefix or the folder is somebody else's. Changes nothing. */
gboolean _scl_instance_claim_check (SclInstanceClaim *self, GError **error);
/* Checks and notes. OUT_NEW: it was not ours before. Not IN_FOLDER: the folder may be one that is not
 * mounted, nothing is written there. */
gboolean _scl_instance_claim_take (SclInstanceClaim *self, gboolean in_folder, gboolean *out_new,
                                   GError **error);
/* The hypervisor of another instance in the same state folder, if it is known and not this one's; NULL: it has
 * nothing there now, or is of 0.1, or it is the same. OUT_KNOWN: that is noted. (transfer full) */
char *_scl_instance_claim_find_elsewhere (SclInstanceClaim *self, const char *prefix,
                                          gboolean *out_known);
/* The process that is changing instance PREFIX now, or has it open for itself; 0: none. */
int _scl_instance_claim_find_process (SclInstanceClaim *self, const char *prefix);
/* The URI that connects to instance PREFIX, as its notes have it; HYPERVISOR (nullable): it is on that one. What is not
 * noted is taken to be as this instance's. In single quotes a shell takes it as one word. (transfer full) */
char *_scl_instance_claim_connect_to (SclInstanceClaim *self, const char *prefix,
                                      const char *hypervisor);
/* The state folder of instance PREFIX where that is known to be another one than this instance's; else NULL. (transfer full) */
char *_scl_instance_claim_find_state (SclInstanceClaim *self, const char *prefix);
gboolean _scl_instance_claim_is_on (SclInstanceClaim *self, const char *hypervisor);
/* Whether one of the two notes is there. */
gboolean _scl_instance_claim_is_noted (SclInstanceClaim *self);
void _scl_instance_claim_give_up (SclInstanceClaim *self);
