/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lists of ports as the kernel writes them in net.ipv4.ip_local_reserved_ports: "80,8000-8010". Pure.
 */

#include <glib.h>

/* TEXT with FIRST to LAST in it too; sorted, as the kernel would print it. (transfer full) */
char *_scl_port_set_with (const char *text, guint first, guint last);
/* TEXT with FIRST to LAST as they are in OLD, and everything else as it is. (transfer full) */
char *_scl_port_set_restore (const char *text, const char *old, guint first, guint last);
