/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-def-private.h"

const SclDomainEnd _scl_domain_ends[] = { { "on_poweroff", "destroy" },
                                          { "on_reboot", "restart" },
                                          { "on_crash", "destroy" },
                                          { NULL, NULL } };

/* Every %s is escaped. FORMAT is a constant of this file. */
static void add (GString *out, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add (GString *out, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_markup_vprintf_escaped (format, args);
  va_end (args);
  g_string_append (out, text);
}

/* PREFIX "scl:" inside the domain's XML, "" for virDomainSetMetadata. */
static void
add_metadata (GString *out, const SclDomainDef *self, const char *prefix)
{
  const char *spec_text = self->spec_text != NULL ? self->spec_text : "";
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, spec_text, -1);

  add (out, "<%svm", prefix);
  if (*prefix != '\0')
    add (out, " xmlns:" SCL_DOMAIN_KEY "='" SCL_DOMAIN_NAMESPACE "'");
  add (out, " version='1' instance='%s' name='%s' spec='sha256:%s' stoppedBy='%s'", self->instance,
       self->vm_name, digest, _scl_domain_mark_to_string (self->mark));
  if (self->stopper != NULL)
    add (out, " stopper='%s'", self->stopper);
  g_string_append_c (out, '>');
  if (self->spec_text != NULL)
    add (out, "<%sspec>%s</%sspec>", prefix, self->spec_text, prefix);
  if (self->fields != NULL)
    add (out, "<%sfields>%s</%sfields>", prefix, self->fields, prefix);
  add (out, "</%svm>", prefix);
}

static void
add_attribute (GString *out, const char *name, const char *value)
{
  if (value != NULL)
    add (out, " %s='%s'", name, value);
}

static void
add_loader (GString *out, const SclDomainDef *self)
{
  if (self->loader == NULL && self->loader_format == NULL)
    return;
  g_string_append (out, self->loader != NULL ? "<loader readonly='yes' type='pflash'" : "<loader");
  add_attribute (out, "format", self->loader_format);
  if (self->loader != NULL)
    add (out, ">%s</loader>", self->loader);
  else
    g_string_append (out, "/>");
}

static void
add_nvram (GString *out, const SclDomainDef *self)
{
  g_string_append (out, "<nvram");
  add_attribute (out, "template", self->nvram_template);
  add_attribute (out, "templateFormat", self->nvram_template_format);
  add_attribute (out, "format", self->nvram_format);
  add (out, ">%s</nvram>", self->nvram);
}

static void
add_firmware (GString *out, const SclDomainDef *self)
{
  gboolean efi = self->firmware == SCL_FIRMWARE_UEFI;

  /* Never a loader of our own choice: libvirt finds the image that fits. */
  g_string_append (out, efi ? "<os firmware='efi'>" : "<os>");
  add (out, "<type arch='x86_64' machine='%s'>hvm</type>", self->machine);
  if (efi)
    {
      g_string_append (out, "<firmware><feature enabled='no' name='secure-boot'/></firmware>");
      add_loader (out, self);
      add_nvram (out, self);
    }
  g_string_append (out, "</os><features><acpi/><apic/></features>");
}

static void
add_cpu (GString *out, const SclDomainDef *self)
{
  if (self->kvm)
    g_string_append (out, "<cpu mode='host-passthrough'/>"
                          "<clock offset='utc'><timer name='hpet' present='no'/></clock>");
  else
    /* Five-level paging would cost an emulated guest one more lookup per page
     * walk. */
    g_string_append (out, "<cpu mode='maximum'><feature policy='disable' name='la57'/></cpu>"
                          "<clock offset='utc'/>");
}

static void
add_disk (GString *out, const SclDomainDisk *disk, const char *alias, guint boot_order,
          gboolean read_only)
{
  g_string_append (out, "<disk type='file' device='disk'>");
  /* Always raw, whatever the guest writes into its first sectors. */
  g_string_append (out, read_only ? "<driver name='qemu' type='raw'/>"
                                  : "<driver name='qemu' type='raw' "
                                    "error_policy='stop' discard='unmap'/>");
  add (out, "<source file='%s'/><target dev='%s' bus='virtio'/>", disk->path, disk->target);
  if (read_only)
    g_string_append (out, "<readonly/>");
  if (boot_order > 0)
    add (out, "<boot order='%u'/>", boot_order);
  add (out,
       "<alias name='ua-%s'/><address type='pci' domain='0' bus='%u' slot='0' "
       "function='0'/>",
       alias, disk->bus);
  g_string_append (out, "</disk>");
}

static void
add_disks (GString *out, const SclDomainDef *self)
{
  for (guint i = 0; i < self->disks->len; i++)
    {
      g_autofree char *alias = g_strdup_printf ("disk%u", i);

      if (g_ptr_array_index (self->disks, i) != NULL)
        add_disk (out, g_ptr_array_index (self->disks, i), alias, i == 0 ? 1 : 0, FALSE);
    }
  if (self->seed != NULL)
    add_disk (out, self->seed, "seed", 0, TRUE);
}

char *
_scl_domain_nic_to_xml (const SclDomainNic *nic, guint index)
{
  return g_markup_printf_escaped ("<interface type='ethernet'><mac address='%s'/><target dev='%s' "
                                  "managed='no'/>"
                                  "<model type='virtio'/><alias name='ua-nic%u'/>"
                                  "<address type='pci' domain='0' bus='%u' slot='0' "
                                  "function='0'/></interface>",
                                  nic->mac, nic->tap, index, nic->bus);
}

static void
add_nics (GString *out, const SclDomainDef *self)
{
  for (guint i = 0; i < self->nics->len; i++)
    {
      const SclDomainNic *nic = g_ptr_array_index (self->nics, i);
      g_autofree char *xml = nic != NULL ? _scl_domain_nic_to_xml (nic, i) : g_strdup ("");

      g_string_append (out, xml);
    }
}

static void
add_agent (GString *out, const SclDomainDef *self)
{
  g_string_append (out, "<channel type='unix'>");
  if (self->agent != NULL)
    add (out, "<source mode='bind' path='%s'/>", self->agent);
  g_string_append (out, "<target type='virtio' name='org.qemu.guest_agent.0'/></channel>");
}

/* Without those whose number is another PCI controller's. */
static void
add_ports (GString *out, const SclDomainDef *self)
{
  for (guint i = 1; i <= self->ports; i++)
    if (self->additions == NULL
        || !g_hash_table_contains (self->additions->controllers, GUINT_TO_POINTER (i)))
      add (out, "<controller type='pci' index='%u' model='pcie-root-port'/>", i);
}

/* What every VM has. It sits on the root bus, so that root ports are left to
 * NICs, disks and what is plugged in later. */
static void
add_fixtures (GString *out, const SclDomainDef *self)
{
  static const char fixed[]
      = "<controller type='virtio-serial' index='0'>"
        "<address type='pci' domain='0' bus='0' slot='0x10' "
        "function='0'/></controller>"
        "<memballoon model='virtio'>"
        "<address type='pci' domain='0' bus='0' slot='0x11' "
        "function='0'/></memballoon>"
        "<rng model='virtio'><backend model='random'>/dev/urandom</backend>"
        "<address type='pci' domain='0' bus='0' slot='" G_STRINGIFY (SCL_DOMAIN_RNG_SLOT) "' function='0'/></rng>";
  const SclDomainAdditions *additions = self->additions;

  add_ports (out, self);
  if (additions == NULL || !additions->has_usb)
    g_string_append (out, "<controller type='usb' model='none'/>");
  g_string_append (out, fixed);
  if (additions == NULL || !additions->has_video)
    g_string_append (out, "<video><model type='none'/></video>");
  add_agent (out, self);
  /* With its number: without one libvirt gives it what is free behind those that were added. */
  add (out,
       "<serial type='pty'><log file='%s' append='on'/><target type='isa-serial' port='0'/></serial>",
       self->log);
  g_string_append (out, "<console type='pty'><target type='serial' port='0'/></console>");
}

char *
_scl_domain_def_to_xml (const SclDomainDef *self)
{
  GString *out = g_string_sized_new (8192);

  g_string_append (out, self->kvm ? "<domain type='kvm'>" : "<domain type='qemu'>");
  add (out, "<name>%s</name>", self->domain_name);
  if (self->uuid != NULL)
    add (out, "<uuid>%s</uuid>", self->uuid);
  g_string_append (out, "<metadata>");
  add_metadata (out, self, SCL_DOMAIN_KEY ":");
  if (self->additions != NULL)
    g_string_append (out, self->additions->metadata->str);
  g_string_append (out, "</metadata>");
  add (out, "<memory unit='KiB'>%" G_GUINT64_FORMAT "</memory>", self->memory_kib);
  add (out, "<vcpu placement='static'>%u</vcpu>", self->cores);
  add_firmware (out, self);
  add_cpu (out, self);
  for (const SclDomainEnd *end = _scl_domain_ends; end->event != NULL; end++)
    add (out, "<%s>%s</%s>", end->event, end->action, end->event);
  g_string_append (out, "<devices>");
  add_disks (out, self);
  add_nics (out, self);
  add_fixtures (out, self);
  if (self->additions != NULL)
    g_string_append (out, self->additions->devices->str);
  g_string_append (out, "</devices>");
  if (self->additions != NULL)
    g_string_append (out, self->additions->elements->str);
  g_string_append (out, "</domain>");
  return g_string_free (out, FALSE);
}

char *
_scl_domain_def_to_metadata (const SclDomainDef *self)
{
  GString *out = g_string_new (NULL);

  add_metadata (out, self, "");
  return g_string_free (out, FALSE);
}
