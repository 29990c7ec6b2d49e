/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether cloud-init will make something of network-config. With some faults it configures no card
 * at all, not even by DHCP, and its stages still look well. Pure. */

#include <glib.h>

/* MACS: of the VM's cards, NULL-terminated; NULL: not all are known. The warning says what
 * cloud-init cannot use, *OUT_NOTE what only some images understand; of each the first, with line
 * and column. NULL: there is none. (transfer full) (nullable) */
char *_scl_network_config_check (GBytes *text, const char *path, const char *const *macs,
                                 char **out_note);
