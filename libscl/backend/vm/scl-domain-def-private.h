/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What SCL sets in a libvirt domain, and nothing else: made from a spec and its
 * wiring, written as XML, read back from XML, compared field by field. Pure
 * data, no libvirt, no I/O.
 *
 * The definition is generated. What is kept over a redefinition: UUID, machine
 * version, PCI addresses, who wants the VM off, and what somebody has added. */

#include "backend/vm/scl-domain-additions-private.h"
#include "backend/vm/scl-vm-backend-private.h"

#define SCL_DOMAIN_NAMESPACE "urn:scl:vm:1"
#define SCL_DOMAIN_KEY "scl"
#define SCL_DOMAIN_SPARE_PORTS 8
#define SCL_DOMAIN_RNG_SLOT 0x12

/* Who wants the VM off, as the metadata has it. CLEARED: it is off, or was when
 * it started, and nobody wanted it (a restart is under way, the host has
 * booted): libvirt's reason says nothing. */
typedef enum
{
  SCL_DOMAIN_MARK_NOBODY,
  SCL_DOMAIN_MARK_USER,
  SCL_DOMAIN_MARK_GUEST,
  SCL_DOMAIN_MARK_CLEARED,
} SclDomainMark;

const char *_scl_domain_mark_to_string (SclDomainMark mark);
SclDomainMark _scl_domain_mark_from_string (const char *text); /* unknown: NOBODY */

typedef struct
{
  char *path;
  char *format; /* of the file, as QEMU is told; read only */
  char *target; /* vda … */
  guint bus;    /* of its root port; 0: none yet */
  gboolean unnamed; /* its alias was taken away */
} SclDomainDisk;

typedef struct
{
  char *tap;
  char *mac;
  guint bus;
  gboolean unnamed;
} SclDomainNic;

typedef struct
{
  char *domain_name;
  char *uuid;    /* NULL: libvirt makes one */
  char *machine; /* "q35" or a pinned version of it */
  gboolean active;         /* read from a domain that was running then */
  gboolean kvm;
  guint cores;
  guint64 memory_kib;
  SclFirmware firmware;
  char *nvram;
  /* libvirt >= 9.2 stores what it has chosen; without a loader it chooses anew, within the formats. */
  char *loader;
  char *loader_format;
  char *nvram_template;
  char *nvram_template_format;
  char *nvram_format;
  char *log;
  char *agent;         /* socket of the agent's channel; NULL: libvirt finds a place */
  char *tty;           /* of a running domain */
  GPtrArray *disks;    /* SclDomainDisk by number; NULL where one is missing */
  SclDomainDisk *seed; /* NULL: none */
  GPtrArray *nics;     /* SclDomainNic by number; NULL where one is missing */
  guint ports;         /* PCIe root ports */
  SclDomainAdditions *additions; /* what else the new definition shall have; NULL: nothing */
  GPtrArray *ends;     /* char*: what follows on an end that is not what SCL sets, a sentence each */

  /* The metadata element. */
  gboolean marked; /* it is there */
  char *instance;
  char *vm_name;
  char *spec_text;
  char *fields; /* _scl_domain_def_format_fields() when SCL defined it */
  SclDomainMark mark;
  char *stopper; /* who is at it, see scl-stop-owner; NULL: nobody */
} SclDomainDef;

SclDomainDef *_scl_domain_def_new (void);
void _scl_domain_def_free (SclDomainDef *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclDomainDef, _scl_domain_def_free)

/* EXISTING (nullable) is the domain as it is. Text that XML cannot carry is
 * SCL_ERROR_INVALID. */
SclDomainDef *_scl_domain_def_from_spec (const char *prefix, SclVmSpec *spec,
                                         const SclVmWiring *wiring, gboolean kvm,
                                         const SclDomainDef *existing, GError **error);

/* TRUE if the domain carries the mark of instance PREFIX and the name that we
 * gave it: a renamed or cloned domain is not ours, although the mark was copied
 * with it. */
gboolean _scl_domain_def_is_ours (const SclDomainDef *self, const char *prefix);

/* "key=value" lines of all that SCL sets. */
char *_scl_domain_def_format_fields (const SclDomainDef *self);
/* char*, a sentence for each field that is not as SCL set it. (transfer full)
 */
GPtrArray *_scl_domain_def_list_changes (const SclDomainDef *self);

/* Forgets what libvirt has chosen, but for the format of the NVRAM that there is. */
void _scl_domain_def_forget_loader (SclDomainDef *self);
/* Forgets that, too. NVRAM_FORMAT (nullable) binds the next choice. */
void _scl_domain_def_choose_firmware (SclDomainDef *self, const char *nvram_format);

/* scl-domain-overlay.c */

/* Disks whose file is another one than SCL set, and there, are that one from here on: what was written since is in
 * it. The first of those files; NULL: there is none. (transfer full) OUT_TARGET (nullable): its disk, of SELF, if it
 * stands on what SCL set, NULL if it does not; left alone without such a file. */
char *_scl_domain_def_skip_overlays (SclDomainDef *self, const char **out_target);

/* scl-domain-xml.c */

/* What the guest's ends lead to, as SCL sets it; the last has no event. */
typedef struct
{
  const char *event;
  const char *action;
} SclDomainEnd;

extern const SclDomainEnd _scl_domain_ends[];
char *_scl_domain_def_to_xml (const SclDomainDef *self);
/* The metadata element alone, without a namespace, as virDomainSetMetadata
 * wants it. */
char *_scl_domain_def_to_metadata (const SclDomainDef *self);
char *_scl_domain_nic_to_xml (const SclDomainNic *nic, guint index);

/* scl-domain-read.c */
SclDomainDef *_scl_domain_def_from_xml (const char *xml, GError **error);
