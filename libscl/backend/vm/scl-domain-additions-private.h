/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What somebody else has added to a domain of ours (virsh attach-device, virsh edit): kept over a
 * redefinition as it is. What SCL or libvirt itself sets is none: it is made anew. Pure. */

#include <glib.h>

typedef struct
{
  GString *devices;        /* as XML */
  GString *elements;       /* as XML: beside <devices> */
  GString *metadata;       /* as XML: beside SCL's */
  GPtrArray *targets;      /* char*: names of disks that are taken */
  GHashTable *buses;       /* guint: PCI buses that are taken */
  GHashTable *controllers; /* guint: those of them that are no root port of ours */
  gboolean has_usb;        /* the USB controller is theirs */
  gboolean has_video;
} SclDomainAdditions;

/* XML: the persistent definition with its secrets, as libvirt gives it. NAMES: of _scl_domain_own_names(): what has one
 * of them is SCL's, though somebody has taken its alias away. */
SclDomainAdditions *_scl_domain_additions_new (const char *xml, GHashTable *names, GError **error);
SclDomainAdditions *_scl_domain_additions_ref (SclDomainAdditions *self);
void _scl_domain_additions_unref (SclDomainAdditions *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclDomainAdditions, _scl_domain_additions_unref)

gboolean _scl_domain_additions_has_target (const SclDomainAdditions *self, const char *target);
