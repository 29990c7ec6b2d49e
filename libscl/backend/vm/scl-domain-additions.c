/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-additions-private.h"

#include "backend/vm/scl-domain-node-private.h"
#include "backend/vm/scl-domain-own-private.h"
#include "base/scl-throw-private.h"
#include <libxml/parser.h>
#include <string.h>

/* What the domain has, or is about to have, of SCL. */
typedef struct
{
  GHashTable *names; /* char*: files, MACs, taps */
  gboolean has_log;  /* a serial port of it writes SCL's log */
} Own;

typedef gboolean (*IsOwnFunc) (const xmlNode *device, const Own *own);

static gboolean
is_name (const Own *own, const xmlNode *node, const char *attribute)
{
  g_autofree char *value = _scl_node_attribute (node, attribute);

  return value != NULL && g_hash_table_contains (own->names, value);
}

/* Also with another name, or with none: it would be there twice. */
static gboolean
is_own_disk (const xmlNode *device, const Own *own)
{
  return _scl_domain_own_has_alias (device)
         || is_name (own, _scl_node_child (device, "source"), "file");
}

static gboolean
is_own_nic (const xmlNode *device, const Own *own)
{
  return _scl_domain_own_has_alias (device)
         || is_name (own, _scl_node_child (device, "mac"), "address")
         || is_name (own, _scl_node_child (device, "target"), "dev");
}

static guint
number_of (const xmlNode *node, const char *name)
{
  g_autofree char *text = _scl_node_attribute (node, name);

  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 0) : 0;
}

/* libvirt adds the root itself, and SATA to each q35. */
static gboolean
is_own_controller (const xmlNode *device, const Own *own G_GNUC_UNUSED)
{
  g_autofree char *type = _scl_node_attribute (device, "type");
  g_autofree char *model = _scl_node_attribute (device, "model");
  gboolean is_first = number_of (device, "index") == 0;

  if (g_strcmp0 (type, "pci") == 0)
    return is_first || g_strcmp0 (model, "pcie-root-port") == 0;
  if (g_strcmp0 (type, "usb") == 0)
    return g_strcmp0 (model, "none") == 0;
  return is_first && (g_strcmp0 (type, "sata") == 0 || g_strcmp0 (type, "virtio-serial") == 0);
}

static gboolean
is_own_channel (const xmlNode *device, const Own *own G_GNUC_UNUSED)
{
  return _scl_node_attribute_is (_scl_node_child (device, "target"), "name",
                                 "org.qemu.guest_agent.0");
}

static gboolean
writes_own_log (const xmlNode *device, const Own *own)
{
  return is_name (own, _scl_node_child (device, "log"), "file");
}

static gboolean
is_own_serial (const xmlNode *device, const Own *own)
{
  return own->has_log ? writes_own_log (device, own)
                      : number_of (_scl_node_child (device, "target"), "port") == 0;
}

/* Another name of the first serial port, whichever that is. */
static gboolean
is_own_console (const xmlNode *device, const Own *own G_GNUC_UNUSED)
{
  g_autofree char *type = _scl_node_attribute (_scl_node_child (device, "target"), "type");

  return type == NULL || strcmp (type, "serial") == 0;
}

static gboolean
is_own_rng (const xmlNode *device, const Own *own G_GNUC_UNUSED)
{
  const xmlNode *address = _scl_node_child (device, "address");

  return number_of (address, "bus") == 0 && number_of (address, "slot") == SCL_DOMAIN_RNG_SLOT;
}

static gboolean
is_absent (const xmlNode *device, const Own *own G_GNUC_UNUSED)
{
  return _scl_node_attribute_is (_scl_node_child (device, "model"), "type", "none")
         || _scl_node_attribute_is (device, "type", "none");
}

static gboolean
is_ps2 (const xmlNode *device, const Own *own G_GNUC_UNUSED)
{
  return _scl_node_attribute_is (device, "bus", "ps2");
}

/* libvirt >= 9.1 adds what the chipset has. */
static gboolean
is_chipset_watchdog (const xmlNode *device, const Own *own G_GNUC_UNUSED)
{
  return _scl_node_attribute_is (device, "model", "itco")
         && _scl_node_attribute_is (device, "action", "reset");
}

static gboolean
is_always_own (const xmlNode *device G_GNUC_UNUSED, const Own *own G_GNUC_UNUSED)
{
  return TRUE;
}

static const struct
{
  const char *name;
  IsOwnFunc is_own;
} kinds[] = {
  { "emulator", is_always_own },
  { "memballoon", is_always_own },
  { "disk", is_own_disk },
  { "interface", is_own_nic },
  { "controller", is_own_controller },
  { "channel", is_own_channel },
  { "serial", is_own_serial },
  { "console", is_own_console },
  { "rng", is_own_rng },
  { "video", is_absent },
  { "audio", is_absent },
  { "input", is_ps2 },
  { "watchdog", is_chipset_watchdog },
};

static gboolean
is_own_device (const xmlNode *device, const Own *own)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (_scl_node_is_element (device, kinds[i].name))
      return kinds[i].is_own (device, own);
  return FALSE;
}

/* What SCL's definition has beside its devices. */
static gboolean
is_own_element (const xmlNode *node, const Own *own G_GNUC_UNUSED)
{
  static const char *const names[]
      = { "name", "uuid",  "metadata",    "memory",    "currentMemory", "vcpu",    "os", "features",
          "cpu",  "clock", "on_poweroff", "on_reboot", "on_crash",      "devices", NULL };

  return g_strv_contains (names, (const char *) node->name);
}

static gboolean
is_own_metadata (const xmlNode *node, const Own *own G_GNUC_UNUSED)
{
  return node->ns != NULL && strcmp ((const char *) node->ns->href, SCL_DOMAIN_NAMESPACE) == 0;
}

/* With the name space that the document's root has declared for it. */
static void
append_node (GString *out, xmlNode *node)
{
  xmlBuffer *buffer = xmlBufferCreate ();

  if (node->ns != NULL && node->ns->prefix != NULL)
    (void) xmlNewNs (node, node->ns->href, node->ns->prefix);
  (void) xmlNodeDump (buffer, node->doc, node, 0, 0);
  g_string_append (out, (const char *) xmlBufferContent (buffer));
  xmlBufferFree (buffer);
}

static void
append_others (GString *out, const xmlNode *parent, IsOwnFunc is_own)
{
  if (parent == NULL)
    return;
  for (xmlNode *node = parent->children; node != NULL; node = node->next)
    if (node->type == XML_ELEMENT_NODE && !is_own (node, NULL))
      append_node (out, node);
}

/* The first to boot from is SCL's disk. */
static void
drop_first_boot (xmlNode *device)
{
  xmlNode *boot = _scl_node_child (device, "boot");

  if (!_scl_node_attribute_is (boot, "order", "1"))
    return;
  xmlUnlinkNode (boot);
  xmlFreeNode (boot);
}

/* The first port is SCL's: libvirt finds another one. */
static void
drop_first_port (xmlNode *device)
{
  xmlNode *target = _scl_node_is_element (device, "serial") ? _scl_node_child (device, "target") : NULL;

  if (target != NULL && number_of (target, "port") == 0)
    (void) xmlUnsetProp (target, (const xmlChar *) "port");
}

static void
note_controller (SclDomainAdditions *self, guint index)
{
  g_hash_table_add (self->buses, GUINT_TO_POINTER (index));
  g_hash_table_add (self->controllers, GUINT_TO_POINTER (index));
}

static void
note_place (SclDomainAdditions *self, const xmlNode *device)
{
  const xmlNode *address = _scl_node_child (device, "address");
  guint bus = number_of (address, "bus");
  char *target = _scl_node_is_element (device, "disk")
                     ? _scl_node_attribute (_scl_node_child (device, "target"), "dev")
                     : NULL;

  if (target != NULL)
    g_ptr_array_add (self->targets, target);
  if (_scl_node_attribute_is (address, "type", "pci") && bus != 0)
    g_hash_table_add (self->buses, GUINT_TO_POINTER (bus));
  if (_scl_node_is_element (device, "controller") && _scl_node_attribute_is (device, "type", "pci"))
    note_controller (self, number_of (device, "index"));
}

static void
add_device (SclDomainAdditions *self, xmlNode *device)
{
  note_place (self, device);
  drop_first_boot (device);
  drop_first_port (device);
  self->has_video |= _scl_node_is_element (device, "video");
  self->has_usb |= _scl_node_is_element (device, "controller")
                   && _scl_node_attribute_is (device, "type", "usb");
  append_node (self->devices, device);
}

static void
clear (gpointer data)
{
  SclDomainAdditions *self = data;

  g_string_free (self->devices, TRUE);
  g_string_free (self->elements, TRUE);
  g_string_free (self->metadata, TRUE);
  g_ptr_array_unref (self->targets);
  g_hash_table_unref (self->buses);
  g_hash_table_unref (self->controllers);
}

SclDomainAdditions *
_scl_domain_additions_ref (SclDomainAdditions *self)
{
  return self != NULL ? g_rc_box_acquire (self) : NULL;
}

void
_scl_domain_additions_unref (SclDomainAdditions *self)
{
  if (self != NULL)
    g_rc_box_release_full (self, clear);
}

static SclDomainAdditions *
additions_new (void)
{
  SclDomainAdditions *self = g_rc_box_new0 (SclDomainAdditions);

  self->devices = g_string_new (NULL);
  self->elements = g_string_new (NULL);
  self->metadata = g_string_new (NULL);
  self->targets = g_ptr_array_new_with_free_func (g_free);
  self->buses = g_hash_table_new (NULL, NULL);
  self->controllers = g_hash_table_new (NULL, NULL);
  return self;
}

static gboolean
has_own_log (const xmlNode *devices, const Own *own)
{
  for (const xmlNode *node = devices->children; node != NULL; node = node->next)
    if (_scl_node_is_element (node, "serial") && writes_own_log (node, own))
      return TRUE;
  return FALSE;
}

static void
add_devices (SclDomainAdditions *self, const xmlNode *devices, GHashTable *names)
{
  Own own = { .names = names };

  own.has_log = has_own_log (devices, &own);
  for (xmlNode *node = devices->children; node != NULL; node = node->next)
    if (node->type == XML_ELEMENT_NODE && !is_own_device (node, &own))
      add_device (self, node);
}

SclDomainAdditions *
_scl_domain_additions_new (const char *xml, GHashTable *names, GError **error)
{
  g_autoptr (SclDomainAdditions) self = additions_new ();
  g_autoptr (xmlDoc) document = xmlReadMemory (xml, (int) strlen (xml), "domain.xml", NULL,
                                               XML_PARSE_NONET | XML_PARSE_NOERROR
                                                   | XML_PARSE_NOWARNING | XML_PARSE_NOBLANKS);
  const xmlNode *domain = document != NULL ? xmlDocGetRootElement (document) : NULL;
  const xmlNode *devices = _scl_node_child (domain, "devices");

  if (domain == NULL)
    return scl_null_throw (error, SCL_ERROR_BACKEND, "libvirt's domain XML cannot be read");
  append_others (self->elements, domain, is_own_element);
  append_others (self->metadata, _scl_node_child (domain, "metadata"), is_own_metadata);
  if (devices != NULL)
    add_devices (self, devices, names);
  return g_steal_pointer (&self);
}

gboolean
_scl_domain_additions_has_target (const SclDomainAdditions *self, const char *target)
{
  for (guint i = 0; self != NULL && i < self->targets->len; i++)
    if (strcmp (g_ptr_array_index (self->targets, i), target) == 0)
      return TRUE;
  return FALSE;
}
