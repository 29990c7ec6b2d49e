/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-def-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-names-private.h"
#include "model/scl-vm-spec-private.h"
#include <string.h>

static const char *const mark_names[] = { "nobody", "user", "guest", "cleared" };

const char *
_scl_domain_mark_to_string (SclDomainMark mark)
{
  return mark_names[mark];
}

SclDomainMark
_scl_domain_mark_from_string (const char *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (mark_names); i++)
    if (g_strcmp0 (text, mark_names[i]) == 0)
      return (SclDomainMark) i;
  return SCL_DOMAIN_MARK_NOBODY;
}

static void
disk_free (gpointer data)
{
  SclDomainDisk *disk = data;

  if (disk == NULL)
    return;
  g_free (disk->path);
  g_free (disk->format);
  g_free (disk->target);
  g_free (disk);
}

static void
nic_free (gpointer data)
{
  SclDomainNic *nic = data;

  if (nic == NULL)
    return;
  g_free (nic->tap);
  g_free (nic->mac);
  g_free (nic);
}

SclDomainDef *
_scl_domain_def_new (void)
{
  SclDomainDef *self = g_new0 (SclDomainDef, 1);

  self->disks = g_ptr_array_new_with_free_func (disk_free);
  self->nics = g_ptr_array_new_with_free_func (nic_free);
  self->ends = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
_scl_domain_def_free (SclDomainDef *self)
{
  if (self == NULL)
    return;
  g_free (self->domain_name);
  g_free (self->uuid);
  g_free (self->machine);
  g_free (self->nvram);
  _scl_domain_def_choose_firmware (self, NULL);
  g_free (self->log);
  g_free (self->agent);
  g_free (self->tty);
  g_ptr_array_unref (self->disks);
  disk_free (self->seed);
  g_ptr_array_unref (self->nics);
  g_ptr_array_unref (self->ends);
  _scl_domain_additions_unref (self->additions);
  g_free (self->instance);
  g_free (self->vm_name);
  g_free (self->spec_text);
  g_free (self->fields);
  g_free (self->stopper);
  g_free (self);
}

/* Control characters cannot be written in XML 1.0, not even escaped. */
static gboolean
check_text (const char *vm, const char *what, const char *text, GError **error)
{
  if (text == NULL)
    return scl_throw (error, SCL_ERROR_INVALID, "VM \"%s\": no %s", vm, what);
  if (!g_utf8_validate (text, -1, NULL))
    return scl_throw (error, SCL_ERROR_INVALID, "VM \"%s\": the %s is not UTF-8", vm, what);
  for (const char *p = text; *p != '\0'; p++)
    if ((guchar) *p < 0x20 || *p == 0x7f)
      return scl_throw (error, SCL_ERROR_INVALID,
                        "VM \"%s\": the %s has a control character (%d): rename it", vm, what, *p);
  return TRUE;
}

static SclDomainDisk *
disk_new (const char *path, const char *target, const SclDomainDisk *existing)
{
  SclDomainDisk *disk = g_new0 (SclDomainDisk, 1);

  disk->path = g_strdup (path);
  disk->target = g_strdup (existing != NULL ? existing->target : target);
  disk->bus = existing != NULL ? existing->bus : 0;
  return disk;
}

static gboolean
has_target (const SclDomainDef *self, const char *target)
{
  for (guint i = 0; i < self->disks->len; i++)
    {
      const SclDomainDisk *disk = g_ptr_array_index (self->disks, i);

      if (disk != NULL && g_strcmp0 (disk->target, target) == 0)
        return TRUE;
    }
  return self->seed != NULL && g_strcmp0 (self->seed->target, target) == 0;
}

/* Guests see the order of PCI addresses, not this name: it only has to be
 * unique and stable. */
static char *
pick_target (const SclDomainDef *self, const SclDomainDef *existing)
{
  for (char letter = 'a'; letter <= 'z'; letter++)
    {
      g_autofree char *target = g_strdup_printf ("vd%c", letter);

      if (!has_target (self, target) && (existing == NULL || !has_target (existing, target))
          && !_scl_domain_additions_has_target (self->additions, target))
        return g_steal_pointer (&target);
    }
  return NULL;
}

static gboolean
add_disks (SclDomainDef *self, const SclVmWiring *wiring, const SclDomainDef *existing,
           GError **error)
{
  for (guint i = 0; i < wiring->disk_paths->len; i++)
    {
      const char *path = g_ptr_array_index (wiring->disk_paths, i);
      const SclDomainDisk *old = existing != NULL && i < existing->disks->len
                                     ? g_ptr_array_index (existing->disks, i)
                                     : NULL;
      g_autofree char *target = pick_target (self, existing);

      if (!check_text (self->vm_name, "disk's path", path, error))
        return FALSE;
      if (target == NULL)
        return scl_throw (error, SCL_ERROR_INVALID, "VM \"%s\": too many disks", self->vm_name);
      g_ptr_array_add (self->disks, disk_new (path, target, old));
    }
  if (wiring->seed_path != NULL)
    {
      g_autofree char *target = pick_target (self, existing);

      if (!check_text (self->vm_name, "seed's path", wiring->seed_path, error))
        return FALSE;
      if (target == NULL)
        return scl_throw (error, SCL_ERROR_INVALID, "VM \"%s\": too many disks", self->vm_name);
      self->seed = disk_new (wiring->seed_path, target, existing != NULL ? existing->seed : NULL);
    }
  return TRUE;
}

static gboolean
add_nics (SclDomainDef *self, const SclVmWiring *wiring, const SclDomainDef *existing,
          GError **error)
{
  for (guint i = 0; i < wiring->tap_links->len; i++)
    {
      SclDomainNic *nic = g_new0 (SclDomainNic, 1);
      const SclDomainNic *old = existing != NULL && i < existing->nics->len
                                    ? g_ptr_array_index (existing->nics, i)
                                    : NULL;

      g_ptr_array_add (self->nics, nic);
      nic->tap = g_strdup (g_ptr_array_index (wiring->tap_links, i));
      nic->mac = g_ascii_strdown (g_ptr_array_index (wiring->macs, i), -1);
      nic->bus = old != NULL ? old->bus : 0;
      if (!check_text (self->vm_name, "NIC's macvtap name", nic->tap, error)
          || !check_text (self->vm_name, "NIC's MAC", nic->mac, error))
        return FALSE;
    }
  return TRUE;
}

typedef void (*BusFunc) (guint *bus, gpointer user_data);

/* NICs first: NIC n of a new domain is alone on bus n + 1. */
static void
foreach_bus (SclDomainDef *self, BusFunc func, gpointer user_data)
{
  for (guint i = 0; i < self->nics->len; i++)
    func (&((SclDomainNic *) g_ptr_array_index (self->nics, i))->bus, user_data);
  for (guint i = 0; i < self->disks->len; i++)
    func (&((SclDomainDisk *) g_ptr_array_index (self->disks, i))->bus, user_data);
  if (self->seed != NULL)
    func (&self->seed->bus, user_data);
}

static void
note_bus (guint *bus, gpointer user_data)
{
  GHashTable *used = user_data;

  /* A bus of 0 is a device that somebody put elsewhere: it gets a port of its
   * own. */
  if (*bus != 0 && !g_hash_table_add (used, GUINT_TO_POINTER (*bus)))
    *bus = 0;
}

static void
assign_bus (guint *bus, gpointer user_data)
{
  GHashTable *used = user_data;

  if (*bus != 0)
    return;
  *bus = 1;
  while (g_hash_table_contains (used, GUINT_TO_POINTER (*bus)))
    *bus += 1;
  g_hash_table_add (used, GUINT_TO_POINTER (*bus));
}

static void
highest_bus (guint *bus, gpointer user_data)
{
  guint *highest = user_data;

  *highest = MAX (*highest, *bus);
}

/* An added device stays where it is: one of ours that is on the same port moves. */
static void
note_additions (const SclDomainAdditions *additions, GHashTable *used, guint *highest)
{
  GHashTableIter iter;
  gpointer bus;

  if (additions == NULL)
    return;
  g_hash_table_iter_init (&iter, additions->buses);
  while (g_hash_table_iter_next (&iter, &bus, NULL))
    {
      g_hash_table_add (used, bus);
      *highest = MAX (*highest, GPOINTER_TO_UINT (bus));
    }
}

static void
assign_buses (SclDomainDef *self, const SclDomainDef *existing)
{
  g_autoptr (GHashTable) used = g_hash_table_new (NULL, NULL);
  guint highest = 0;

  note_additions (self->additions, used, &highest);
  foreach_bus (self, note_bus, used);
  foreach_bus (self, assign_bus, used);
  foreach_bus (self, highest_bus, &highest);
  self->ports = MAX (highest, g_hash_table_size (used) + SCL_DOMAIN_SPARE_PORTS);
  if (existing != NULL)
    self->ports = MAX (self->ports, existing->ports);
}

void
_scl_domain_def_forget_loader (SclDomainDef *self)
{
  g_clear_pointer (&self->loader, g_free);
  g_clear_pointer (&self->loader_format, g_free);
  g_clear_pointer (&self->nvram_template, g_free);
  g_clear_pointer (&self->nvram_template_format, g_free);
}

void
_scl_domain_def_choose_firmware (SclDomainDef *self, const char *nvram_format)
{
  _scl_domain_def_forget_loader (self);
  g_free (self->nvram_format);
  self->loader_format = g_strdup (nvram_format);
  self->nvram_format = g_strdup (nvram_format);
}

/* A guest's NVRAM belongs to the firmware that made it. */
static void
keep_firmware (SclDomainDef *self, const SclDomainDef *existing)
{
  if (existing == NULL || existing->firmware != SCL_FIRMWARE_UEFI
      || g_strcmp0 (existing->nvram, self->nvram) != 0)
    return;
  self->nvram_format = g_strdup (existing->nvram_format);
  if (existing->loader == NULL)
    return;
  self->loader = g_strdup (existing->loader);
  self->loader_format = g_strdup (existing->loader_format);
  self->nvram_template = g_strdup (existing->nvram_template);
  self->nvram_template_format = g_strdup (existing->nvram_template_format);
}

static void
keep_identity (SclDomainDef *self, const SclDomainDef *existing)
{
  gboolean is_q35
      = existing != NULL && existing->machine != NULL && strstr (existing->machine, "q35") != NULL;

  self->machine = g_strdup (is_q35 ? existing->machine : "q35");
  self->uuid = g_strdup (existing != NULL ? existing->uuid : NULL);
  self->mark = existing != NULL ? existing->mark : SCL_DOMAIN_MARK_NOBODY;
  self->stopper = g_strdup (existing != NULL ? existing->stopper : NULL);
  self->additions = _scl_domain_additions_ref (existing != NULL ? existing->additions : NULL);
}

SclDomainDef *
_scl_domain_def_from_spec (const char *prefix, SclVmSpec *spec, const SclVmWiring *wiring,
                           gboolean kvm, const SclDomainDef *existing, GError **error)
{
  g_autoptr (SclDomainDef) self = _scl_domain_def_new ();
  const char *name = scl_vm_spec_get_name (spec);

  self->marked = TRUE;
  self->instance = g_strdup (prefix);
  self->vm_name = g_strdup (name);
  self->domain_name = _scl_names_domain (prefix, name);
  self->spec_text = _scl_vm_spec_to_text (spec);
  self->kvm = kvm;
  self->cores = scl_vm_spec_get_cores (spec);
  self->memory_kib = scl_vm_spec_get_memory_mib (spec) * 1024;
  self->firmware = scl_vm_spec_get_firmware (spec);
  self->log = g_strdup (wiring->log_path);
  keep_identity (self, existing);
  if (self->firmware == SCL_FIRMWARE_UEFI)
    {
      self->nvram = g_strdup (wiring->nvram_path);
      if (!check_text (name, "NVRAM's path", self->nvram, error))
        return NULL;
      keep_firmware (self, existing);
    }
  if (!check_text (name, "console log's path", self->log, error)
      || !check_text (name, "spec", self->spec_text, error)
      || !add_disks (self, wiring, existing, error) || !add_nics (self, wiring, existing, error))
    return NULL;
  assign_buses (self, existing);
  self->fields = _scl_domain_def_format_fields (self);
  return g_steal_pointer (&self);
}

gboolean
_scl_domain_def_is_ours (const SclDomainDef *self, const char *prefix)
{
  g_autofree char *name = NULL;

  if (!self->marked || self->vm_name == NULL || g_strcmp0 (self->instance, prefix) != 0)
    return FALSE;
  name = _scl_names_domain (prefix, self->vm_name);
  return g_strcmp0 (name, self->domain_name) == 0;
}

static const char *
or_none (const char *text)
{
  return text != NULL ? text : "(none)";
}

/* SCL sets none that is. */
static const char *
say_unnamed (gboolean unnamed)
{
  return unnamed ? " without its alias" : "";
}

char *
_scl_domain_def_format_fields (const SclDomainDef *self)
{
  GString *out = g_string_new (NULL);

  g_string_append_printf (out, "accelerator=%s\n", self->kvm ? "kvm" : "tcg");
  g_string_append_printf (out, "cores=%u\n", self->cores);
  g_string_append_printf (out, "memory=%" G_GUINT64_FORMAT " KiB\n", self->memory_kib);
  g_string_append_printf (out, "firmware=%s\n",
                          self->firmware == SCL_FIRMWARE_UEFI ? "uefi" : "bios");
  if (self->firmware == SCL_FIRMWARE_UEFI)
    g_string_append_printf (out, "NVRAM=%s\n", or_none (self->nvram));
  g_string_append_printf (out, "console log=%s\n", or_none (self->log));
  for (guint i = 0; i < self->disks->len; i++)
    {
      const SclDomainDisk *disk = g_ptr_array_index (self->disks, i);

      g_string_append_printf (out, "disk %u=%s%s\n", i, or_none (disk != NULL ? disk->path : NULL),
                              say_unnamed (disk != NULL && disk->unnamed));
    }
  if (self->seed != NULL)
    g_string_append_printf (out, "seed disk=%s%s\n", or_none (self->seed->path),
                            say_unnamed (self->seed->unnamed));
  for (guint i = 0; i < self->nics->len; i++)
    {
      const SclDomainNic *nic = g_ptr_array_index (self->nics, i);

      if (nic == NULL)
        g_string_append_printf (out, "NIC %u=(none)\n", i);
      else
        g_string_append_printf (out, "NIC %u=%s on %s%s\n", i, or_none (nic->mac), or_none (nic->tap),
                                say_unnamed (nic->unnamed));
    }
  return g_string_free (out, FALSE);
}

static GHashTable *
parse_fields (const char *text)
{
  GHashTable *fields = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      const char *equals = strchr (*line, '=');

      if (equals != NULL)
        g_hash_table_replace (fields, g_strndup (*line, equals - *line), g_strdup (equals + 1));
    }
  return fields;
}

static void
add_field_changes (const SclDomainDef *self, GPtrArray *changes)
{
  g_autofree char *text = _scl_domain_def_format_fields (self);
  g_autoptr (GHashTable) now = NULL;
  g_auto (GStrv) lines = NULL;

  if (g_strcmp0 (text, self->fields) == 0)
    return;
  if (self->fields == NULL)
    {
      g_ptr_array_add (changes, g_strdup ("the definition does not say what SCL set"));
      return;
    }
  now = parse_fields (text);
  lines = g_strsplit (self->fields, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      const char *equals = strchr (*line, '=');
      g_autofree char *key = equals != NULL ? g_strndup (*line, equals - *line) : NULL;
      const char *value = key != NULL ? g_hash_table_lookup (now, key) : NULL;

      if (key != NULL && g_strcmp0 (value, equals + 1) != 0)
        g_ptr_array_add (
            changes, g_strdup_printf ("%s is %s, SCL set %s", key, or_none (value), equals + 1));
    }
  /* Something that SCL did not set carries one of our names. */
  if (changes->len == 0)
    g_ptr_array_add (changes, g_strdup ("a device was added under one of SCL's names"));
}

GPtrArray *
_scl_domain_def_list_changes (const SclDomainDef *self)
{
  GPtrArray *changes = g_ptr_array_new_with_free_func (g_free);

  add_field_changes (self, changes);
  for (guint i = 0; i < self->ends->len; i++)
    g_ptr_array_add (changes, g_strdup (g_ptr_array_index (self->ends, i)));
  return changes;
}
