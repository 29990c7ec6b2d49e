/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether KVM really runs a guest here. /dev/kvm being there proves nothing:
 * nested virtualisation may be broken. So a guest of a few instructions is run,
 * as QEMU's user, once per boot of the host. */

#include <gio/gio.h>

typedef struct
{
  gboolean kvm;
  char *reason; /* why not; NULL if it works */
  gint64 asked; /* monotonic time, µs */
} SclAccelProbe;

void _scl_accel_probe_free (SclAccelProbe *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclAccelProbe, _scl_accel_probe_free)

/* CACHE_DIR (made if it is missing, root only) keeps the answer together with
 * the boot's id: a "yes" until the next boot, a "no" for some minutes. EMULATOR is QEMU's path. NULL only if it was cancelled. */
SclAccelProbe *_scl_accel_probe_new (const char *cache_dir, const char *emulator,
                                     GCancellable *cancellable);
/* The kept answer of this boot, however old; NULL: nobody has asked. Runs nothing. */
SclAccelProbe *_scl_accel_probe_peek (const char *cache_dir);
/* A "no" that is due to be asked for again. */
gboolean _scl_accel_probe_is_old (const SclAccelProbe *self);
