/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-additions-private.h"

#include "backend/vm/scl-domain-def-private.h"
#include "backend/vm/scl-domain-node-private.h"
#include "base/scl-throw-private.h"
#include <libxml/parser.h>
#include <string.h>

typedef gboolean (*IsOwnFunc) (const xmlNode *device);

static gboolean
has_own_alias (const xmlNode *device)
{
  g_autofree char *alias = _scl_node_attribute (_scl_node_child (device, "alias"), "name");

  return alias != NULL
         && (g_str_has_prefix (alias, "ua-disk") || g_str_has_prefix (alias, "ua-nic")
             || strcmp (alias, "ua-seed") == 0);
}

static guint
number_of (const xmlNode *node, const char *name)
{
  g_autofree char *text = _scl_node_attribute (node, name);

  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 0) : 0;
}

/* libvirt adds the root itself, and SATA to each q35. */
static gboolean
is_own_controller (const xmlNode *device)
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
is_own_channel (const xmlNode *device)
{
  return _scl_node_attribute_is (_scl_node_child (device, "target"), "name",
                                 "org.qemu.guest_agent.0");
}

static gboolean
is_own_port (const xmlNode *device)
{
  const xmlNode *target = _scl_node_child (device, "target");

  return number_of (target, "port") == 0 && !_scl_node_attribute_is (target, "type", "virtio");
}

static gboolean
is_own_rng (const xmlNode *device)
{
  const xmlNode *address = _scl_node_child (device, "address");

  return number_of (address, "bus") == 0 && number_of (address, "slot") == SCL_DOMAIN_RNG_SLOT;
}

static gboolean
is_absent (const xmlNode *device)
{
  return _scl_node_attribute_is (_scl_node_child (device, "model"), "type", "none")
         || _scl_node_attribute_is (device, "type", "none");
}

static gboolean
is_ps2 (const xmlNode *device)
{
  return _scl_node_attribute_is (device, "bus", "ps2");
}

/* libvirt >= 9.1 adds what the chipset has. */
static gboolean
is_chipset_watchdog (const xmlNode *device)
{
  return _scl_node_attribute_is (device, "model", "itco")
         && _scl_node_attribute_is (device, "action", "reset");
}

static gboolean
is_always_own (const xmlNode *device G_GNUC_UNUSED)
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
  { "disk", has_own_alias },
  { "interface", has_own_alias },
  { "controller", is_own_controller },
  { "channel", is_own_channel },
  { "serial", is_own_port },
  { "console", is_own_port },
  { "rng", is_own_rng },
  { "video", is_absent },
  { "audio", is_absent },
  { "input", is_ps2 },
  { "watchdog", is_chipset_watchdog },
};

static gboolean
is_own_device (const xmlNode *device)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (_scl_node_is_element (device, kinds[i].name))
      return kinds[i].is_own (device);
  return FALSE;
}

/* What SCL's definition has beside its devices. */
static gboolean
is_own_element (const xmlNode *node)
{
  static const char *const names[]
      = { "name", "uuid",  "metadata",    "memory",    "currentMemory", "vcpu",    "os", "features",
          "cpu",  "clock", "on_poweroff", "on_reboot", "on_crash",      "devices", NULL };

  return g_strv_contains (names, (const char *) node->name);
}

static gboolean
is_own_metadata (const xmlNode *node)
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
    if (node->type == XML_ELEMENT_NODE && !is_own (node))
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

SclDomainAdditions *
_scl_domain_additions_new (const char *xml, GError **error)
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
  for (xmlNode *node = devices != NULL ? devices->children : NULL; node != NULL; node = node->next)
    if (node->type == XML_ELEMENT_NODE && !is_own_device (node))
      add_device (self, node);
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
