/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A VM's spec as one line of text, kept in the domain's metadata: what the definition was made
 * from. GVariant text of a{sv}; unknown entries are ignored, missing ones take their default, so
 * that other versions of SCL can read it. */

#include <scl/scl-disk-spec.h>
#include <scl/scl-nic-spec.h>
#include <scl/scl-vm-spec.h>

char *_scl_vm_spec_to_text (SclVmSpec *self);
/* The same, owned by SELF. */
const char *_scl_vm_spec_peek_text (SclVmSpec *self);
/* Where it is kept once it was asked for; read and set atomically. */
char **_scl_vm_spec_get_kept_text (SclVmSpec *self);
SclVmSpec *_scl_vm_spec_from_text (const char *text, GError **error);

/* The boot disk and NIC number INDEX, borrowed. NULL if there is none. */
SclDiskSpec *_scl_vm_spec_peek_boot_disk (SclVmSpec *self);
SclNicSpec *_scl_vm_spec_peek_nic (SclVmSpec *self, guint index);
