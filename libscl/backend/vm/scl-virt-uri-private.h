/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which hypervisors may be asked for. No connection is made. */

#include <gio/gio.h>

#define SCL_EMBED_URI "qemu:///embed"

/* FALSE with SCL_ERROR_INVALID: URI leads to libvirt's embedded driver by another spelling than SCL_EMBED_URI, or with
 * parameters. That driver runs what the definitions in its root name, so only SCL chooses which folder that is. */
gboolean _scl_virt_uri_check (const char *uri, GError **error);
