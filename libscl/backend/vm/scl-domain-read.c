/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-node-private.h"
#include "backend/vm/scl-domain-own-private.h"
#include "base/scl-throw-private.h"
#include <libxml/parser.h>
#include <string.h>

#define DEVICES "\n  <devices>"
#define DEVICES_END "\n  </devices>"
#define DEVICE "\n    <"

/* What follows a device on the same level. */
static const char *
next_device (const char *device, const char *end)
{
  const char *next = strstr (device + 1, DEVICE);

  while (next != NULL && next < end && next[strlen (DEVICE)] == '/')
    next = strstr (next + 1, DEVICE);
  return next != NULL && next < end ? next : end;
}

static gboolean
is_read (const char *device)
{
  static const char *const kinds[] = { "disk ", "interface ", "serial ", "channel " };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_prefix (device + strlen (DEVICE), kinds[i]))
      return TRUE;
  return FALSE;
}

static gboolean
is_port (const char *device, const char *end)
{
  const char *start = device + strlen (DEVICE);
  const char *line_end = strchr (start, '>');

  return g_str_has_prefix (start, "controller type='pci'") && line_end < end
         && g_strstr_len (start, line_end - start, "model='pcie-root-port'") != NULL;
}

/* The last one: metadata may hold anything. */
static const char *
find_devices (const char *xml)
{
  const char *found = NULL;

  for (const char *at = strstr (xml, DEVICES); at != NULL; at = strstr (at + 1, DEVICES))
    found = at;
  return found;
}

/* XML without the devices that nobody reads, most of them, which costs less than to parse them. It is
 * libvirt's own text, with one device on lines of its own: behind the metadata, which are anybody's, '<'
 * is nothing but markup. In other text nothing is found and all is kept. OUT_PORTS: what was left out. */
static char *
leave_out_devices (const char *xml, guint *out_ports)
{
  const char *start = find_devices (xml);
  const char *end = start != NULL ? strstr (start, DEVICES_END) : NULL;
  GString *kept;

  if (end == NULL)
    return g_strdup (xml);
  kept = g_string_sized_new (strlen (xml));
  g_string_append_len (kept, xml, start + strlen (DEVICES) - xml);
  for (const char *device = next_device (start, end), *next; device < end; device = next)
    {
      next = next_device (device, end);
      if (is_read (device))
        g_string_append_len (kept, device, next - device);
      else if (is_port (device, next))
        *out_ports += 1;
    }
  g_string_append (kept, end);
  return g_string_free (kept, FALSE);
}

/* A thread that reads a thousand domains makes one parser, not a thousand. */
static GPrivate parser = G_PRIVATE_INIT ((GDestroyNotify) xmlFreeParserCtxt);

static xmlDoc *
parse (const char *xml)
{
  xmlParserCtxt *context = g_private_get (&parser);

  if (context == NULL)
    {
      context = xmlNewParserCtxt ();
      g_private_set (&parser, context);
    }
  return xmlCtxtReadMemory (context, xml, (int) strlen (xml), "domain.xml", NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING
                                | XML_PARSE_NOBLANKS | XML_PARSE_COMPACT);
}

static guint64
number (const char *text)
{
  return text != NULL ? g_ascii_strtoull (text, NULL, 10) : 0;
}

static guint64
memory_kib (const xmlNode *node)
{
  static const struct
  {
    const char *unit;
    guint64 bytes;
  } units[] = { { "KiB", 1024 }, { "k", 1024 },     { "MiB", 1048576 },    { "M", 1048576 },
                { "b", 1 },      { "bytes", 1 },    { "GiB", 1073741824 }, { "G", 1073741824 },
                { "KB", 1000 },  { "MB", 1000000 }, { "GB", 1000000000 } };
  g_autofree char *unit = _scl_node_attribute (node, "unit");
  g_autofree char *text = _scl_node_content (node);

  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_strcmp0 (unit, units[i].unit) == 0)
      return number (text) * units[i].bytes / 1024;
  return number (text);
}

static void
read_metadata (SclDomainDef *self, const xmlNode *domain)
{
  const xmlNode *metadata = _scl_node_child (domain, "metadata");
  g_autofree char *mark = NULL;
  const xmlNode *node;

  for (node = metadata != NULL ? metadata->children : NULL; node != NULL; node = node->next)
    if (_scl_node_is_element (node, "vm") && node->ns != NULL
        && strcmp ((const char *) node->ns->href, SCL_DOMAIN_NAMESPACE) == 0)
      break;
  if (node == NULL)
    return;
  self->marked = TRUE;
  self->instance = _scl_node_attribute (node, "instance");
  self->vm_name = _scl_node_attribute (node, "name");
  mark = _scl_node_attribute (node, "stoppedBy");
  self->mark = _scl_domain_mark_from_string (mark);
  self->stopper = _scl_node_attribute (node, "stopper");
  self->spec_text = _scl_node_content (_scl_node_child (node, "spec"));
  self->fields = _scl_node_content (_scl_node_child (node, "fields"));
}

static void
read_firmware (SclDomainDef *self, const xmlNode *loader, const xmlNode *nvram)
{
  g_autofree char *path = _scl_node_content (loader);

  self->loader = path != NULL && *path != '\0' ? g_steal_pointer (&path) : NULL;
  self->loader_format = _scl_node_attribute (loader, "format");
  self->nvram_template = _scl_node_attribute (nvram, "template");
  self->nvram_template_format = _scl_node_attribute (nvram, "templateFormat");
  self->nvram_format = _scl_node_attribute (nvram, "format");
}

static void
read_machine (SclDomainDef *self, const xmlNode *domain)
{
  const xmlNode *os = _scl_node_child (domain, "os");
  g_autofree char *cores = _scl_node_content (_scl_node_child (domain, "vcpu"));

  self->domain_name = _scl_node_content (_scl_node_child (domain, "name"));
  self->uuid = _scl_node_content (_scl_node_child (domain, "uuid"));
  self->active = xmlHasProp (domain, (const xmlChar *) "id") != NULL;
  self->kvm = _scl_node_attribute_is (domain, "type", "kvm");
  self->cores = (guint) number (cores);
  self->memory_kib = memory_kib (_scl_node_child (domain, "memory"));
  self->machine = _scl_node_attribute (_scl_node_child (os, "type"), "machine");
  self->firmware
      = _scl_node_attribute_is (os, "firmware", "efi") ? SCL_FIRMWARE_UEFI : SCL_FIRMWARE_BIOS;
  self->nvram = _scl_node_content (_scl_node_child (os, "nvram"));
  read_firmware (self, _scl_node_child (os, "loader"), _scl_node_child (os, "nvram"));
}

/* 0 unless the device is alone on a root port. */
static guint
read_bus (const xmlNode *device)
{
  g_autofree char *bus = _scl_node_attribute (_scl_node_child (device, "address"), "bus");
  g_autofree char *slot = _scl_node_attribute (_scl_node_child (device, "address"), "slot");

  if (bus == NULL || slot == NULL || g_ascii_strtoull (slot, NULL, 0) != 0)
    return 0;
  return (guint) g_ascii_strtoull (bus, NULL, 0);
}

static void
put (GPtrArray *array, guint index, gpointer item)
{
  if (array->len <= index)
    g_ptr_array_set_size (array, (int) index + 1);
  g_ptr_array_index (array, index) = item;
}

static gboolean
is_taken (const GPtrArray *array, guint index)
{
  return index < array->len && g_ptr_array_index (array, index) != NULL;
}

static void
take_disk (SclDomainDef *self, const xmlNode *device, gboolean is_seed, guint index, gboolean unnamed)
{
  SclDomainDisk *disk;

  if (is_seed ? self->seed != NULL : is_taken (self->disks, index))
    return;
  disk = g_new0 (SclDomainDisk, 1);
  disk->path = _scl_node_attribute (_scl_node_child (device, "source"), "file");
  disk->format = _scl_node_attribute (_scl_node_child (device, "driver"), "type");
  disk->target = _scl_node_attribute (_scl_node_child (device, "target"), "dev");
  disk->bus = read_bus (device);
  disk->unnamed = unnamed;
  if (is_seed)
    self->seed = disk;
  else
    put (self->disks, index, disk);
}

static void
read_disk (SclDomainDef *self, const xmlNode *device)
{
  gboolean is_seed
      = _scl_node_attribute_is (_scl_node_child (device, "alias"), "name", "ua-seed");
  guint index = 0;

  if (is_seed || _scl_domain_own_read_index (device, "ua-disk", &index))
    take_disk (self, device, is_seed, index, FALSE);
}

static void
read_unnamed_disk (SclDomainDef *self, const xmlNode *device)
{
  g_autofree char *path = _scl_node_attribute (_scl_node_child (device, "source"), "file");
  g_autofree char *seed = _scl_domain_own_get_field (self->fields, "seed disk");
  gboolean is_seed = path != NULL && g_strcmp0 (path, seed) == 0;
  guint index = 0;

  if (is_seed || _scl_domain_own_find_disk (self->fields, path, &index))
    take_disk (self, device, is_seed, index, TRUE);
}

static void
take_nic (SclDomainDef *self, const xmlNode *device, guint index, gboolean unnamed)
{
  const xmlNode *target = _scl_node_child (device, "target");
  SclDomainNic *nic;

  if (is_taken (self->nics, index))
    return;
  nic = g_new0 (SclDomainNic, 1);
  if (_scl_node_attribute_is (device, "type", "ethernet")
      && _scl_node_attribute_is (target, "managed", "no"))
    nic->tap = _scl_node_attribute (target, "dev");
  nic->mac = _scl_node_attribute (_scl_node_child (device, "mac"), "address");
  nic->bus = read_bus (device);
  nic->unnamed = unnamed;
  put (self->nics, index, nic);
}

static void
read_nic (SclDomainDef *self, const xmlNode *device)
{
  guint index;

  if (_scl_domain_own_read_index (device, "ua-nic", &index))
    take_nic (self, device, index, FALSE);
}

static void
read_unnamed_nic (SclDomainDef *self, const xmlNode *device)
{
  g_autofree char *mac = _scl_node_attribute (_scl_node_child (device, "mac"), "address");
  g_autofree char *tap = _scl_node_attribute (_scl_node_child (device, "target"), "dev");
  guint index;

  if (_scl_domain_own_find_nic (self->fields, mac, tap, &index))
    take_nic (self, device, index, TRUE);
}

/* The first one, until there is the one that SCL set. */
static void
read_serial (SclDomainDef *self, const xmlNode *device)
{
  g_autofree char *log = _scl_node_attribute (_scl_node_child (device, "log"), "file");
  g_autofree char *set = _scl_domain_own_get_field (self->fields, "console log");

  if (self->log != NULL && (g_strcmp0 (log, set) != 0 || g_strcmp0 (self->log, set) == 0))
    return;
  g_free (self->log);
  g_free (self->tty);
  self->log = g_steal_pointer (&log);
  self->tty = _scl_node_attribute (_scl_node_child (device, "source"), "path");
}

static void
read_channel (SclDomainDef *self, const xmlNode *device)
{
  const xmlNode *source = _scl_node_child (device, "source");

  /* Only with a mode is it a place that we chose. */
  if (self->agent == NULL && _scl_node_attribute_is (source, "mode", "bind"))
    self->agent = _scl_node_attribute (source, "path");
}

static void
read_controller (SclDomainDef *self, const xmlNode *device)
{
  if (_scl_node_attribute_is (device, "type", "pci")
      && _scl_node_attribute_is (device, "model", "pcie-root-port"))
    self->ports++;
}

typedef struct
{
  const char *name;
  void (*read) (SclDomainDef *self, const xmlNode *device);
} Reader;

static const Reader readers[] = { { "disk", read_disk },
                                  { "interface", read_nic },
                                  { "serial", read_serial },
                                  { "channel", read_channel },
                                  { "controller", read_controller },
                                  { NULL, NULL } };
/* Only in a place that no device with its alias has taken. */
static const Reader unnamed_readers[]
    = { { "disk", read_unnamed_disk }, { "interface", read_unnamed_nic }, { NULL, NULL } };

static void
read_device (SclDomainDef *self, const xmlNode *device, const Reader *reader)
{
  for (; reader->name != NULL; reader++)
    if (_scl_node_is_element (device, reader->name))
      reader->read (self, device);
}

static void
read_devices (SclDomainDef *self, const xmlNode *devices)
{
  if (devices == NULL)
    return;
  for (const xmlNode *node = devices->children; node != NULL; node = node->next)
    read_device (self, node, readers);
  for (const xmlNode *node = devices->children; node != NULL; node = node->next)
    if (!_scl_domain_own_has_alias (node))
      read_device (self, node, unnamed_readers);
}

/* What a guest's poweroff, reboot or crash leads to decides who wanted its end. */
static void
read_ends (SclDomainDef *self, const xmlNode *domain)
{
  for (const SclDomainEnd *end = _scl_domain_ends; end->event != NULL; end++)
    {
      g_autofree char *action = _scl_node_content (_scl_node_child (domain, end->event));

      if (action != NULL && strcmp (action, end->action) != 0)
        g_ptr_array_add (self->ends,
                         g_strdup_printf ("%s is %s, SCL set %s", end->event, action, end->action));
    }
}

SclDomainDef *
_scl_domain_def_from_xml (const char *xml, GError **error)
{
  g_autoptr (SclDomainDef) self = _scl_domain_def_new ();
  g_autofree char *text = leave_out_devices (xml, &self->ports);
  g_autoptr (xmlDoc) document = parse (text);
  const xmlNode *domain = document != NULL ? xmlDocGetRootElement (document) : NULL;

  if (domain == NULL || !_scl_node_is_element (domain, "domain"))
    return scl_null_throw (error, SCL_ERROR_BACKEND, "libvirt's domain XML cannot be read");
  read_machine (self, domain);
  read_metadata (self, domain);
  read_ends (self, domain);
  read_devices (self, _scl_node_child (domain, "devices"));
  return g_steal_pointer (&self);
}
