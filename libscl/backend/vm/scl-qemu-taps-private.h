/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a running QEMU still has the links that its NICs are to be on. Must not ask QEMU or libvirt: they
 * do not know that a macvtap was deleted and another one of its name made. */

#include "backend/vm/scl-domain-def-private.h"

/* Of what LIVE, the definition that runs, should have of N_NICS: bit N where NIC N is not there (somebody was killed
 * between unplugging and plugging in) or is on a link that is no more. PID_FILE is QEMU's; what cannot
 * be read counts as there, and a link that is not there as the network's matter. */
guint64 _scl_qemu_taps_find_cut (const SclDomainDef *live, guint n_nics, const char *pid_file);
