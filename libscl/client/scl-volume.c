/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-change-private.h"
#include "client/scl-objects-private.h"
#include "client/scl-request-private.h"

/**
 * SclVolume:
 *
 * A volume that is there. Refreshed in place by its connection.
 *
 * Since: 0.1
 */
struct _SclVolume
{
  GObject parent_instance;
  SclDriver *driver;
  SclHome *home;
  char *name;
  char *path;
  guint64 size_mib;
  guint64 allocated_bytes;
  char *image;
  char *vm;
  gboolean used;
  gboolean foreign;
  gboolean nvram;
  GDateTime *created;
};

G_DEFINE_FINAL_TYPE (SclVolume, scl_volume, G_TYPE_OBJECT)

typedef enum {
  PROP_NAME = 1,
  PROP_PATH,
  PROP_SIZE_MIB,
  PROP_ALLOCATED_BYTES,
  PROP_IMAGE,
  PROP_VM,
  PROP_USED,
  PROP_FOREIGN,
  PROP_CREATED,
  PROP_NVRAM,
} SclVolumeProperty;

static GParamSpec *properties[PROP_NVRAM + 1];

static void
scl_volume_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclVolume *self = SCL_VOLUME (object);

  g_return_if_fail (id == PROP_NAME || _scl_home_is_here (self->home));

  switch ((SclVolumeProperty) id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_SIZE_MIB:
      g_value_set_uint64 (value, self->size_mib);
      break;
    case PROP_ALLOCATED_BYTES:
      g_value_set_uint64 (value, self->allocated_bytes);
      break;
    case PROP_IMAGE:
      g_value_set_string (value, self->image);
      break;
    case PROP_VM:
      g_value_set_string (value, self->vm);
      break;
    case PROP_USED:
      g_value_set_boolean (value, self->used);
      break;
    case PROP_FOREIGN:
      g_value_set_boolean (value, self->foreign);
      break;
    case PROP_CREATED:
      g_value_set_boxed (value, self->created);
      break;
    case PROP_NVRAM:
      g_value_set_boolean (value, self->nvram);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_volume_finalize (GObject *object)
{
  SclVolume *self = SCL_VOLUME (object);

  g_clear_object (&self->driver);
  _scl_home_unref (self->home);
  g_free (self->name);
  g_free (self->path);
  g_free (self->image);
  g_free (self->vm);
  g_clear_pointer (&self->created, g_date_time_unref);
  G_OBJECT_CLASS (scl_volume_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static void
scl_volume_class_init (SclVolumeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_volume_get_property;
  object_class->finalize = scl_volume_finalize;

  /**
   * SclVolume:name:
   *
   * Its name.
   *
   * Since: 0.1
   */
  properties[PROP_NAME]
      = g_param_spec_string ("name", NULL, NULL, NULL, FLAGS);
  /**
   * SclVolume:path:
   *
   * The path of its raw file.
   *
   * Since: 0.1
   */
  properties[PROP_PATH]
      = g_param_spec_string ("path", NULL, NULL, NULL, FLAGS);
  /**
   * SclVolume:size-mib:
   *
   * Its size in MiB.
   *
   * Since: 0.1
   */
  properties[PROP_SIZE_MIB]
      = g_param_spec_uint64 ("size-mib", NULL, NULL, 0, G_MAXUINT64, 0, FLAGS);
  /**
   * SclVolume:allocated-bytes:
   *
   * What it occupies on the file system, in bytes.
   *
   * Since: 0.1
   */
  properties[PROP_ALLOCATED_BYTES]
      = g_param_spec_uint64 ("allocated-bytes", NULL, NULL, 0, G_MAXUINT64, 0, FLAGS);
  /**
   * SclVolume:image:
   *
   * The image that it was made from, or %NULL if that is not known.
   *
   * Since: 0.1
   */
  properties[PROP_IMAGE]
      = g_param_spec_string ("image", NULL, NULL, NULL, FLAGS);
  /**
   * SclVolume:vm:
   *
   * The VM that it was made for, or %NULL if that is not known.
   *
   * Since: 0.1
   */
  properties[PROP_VM]
      = g_param_spec_string ("vm", NULL, NULL, NULL, FLAGS);
  /**
   * SclVolume:used:
   *
   * Whether a VM that is there uses it, or any other domain of the hypervisor: a VM that was renamed, a copy of
 * it, one that somebody made by hand.
   *
   * Since: 0.1
   */
  properties[PROP_USED]
      = g_param_spec_boolean ("used", NULL, NULL, FALSE, FLAGS);
  /**
   * SclVolume:foreign:
   *
   * Whether it is a file that SCL did not make: it is never pruned, and deleted only with
   * %SCL_DELETE_FOREIGN.
   *
   * Since: 0.1
   */
  properties[PROP_FOREIGN]
      = g_param_spec_boolean ("foreign", NULL, NULL, FALSE, FLAGS);
  /**
   * SclVolume:created:
   *
   * When it was made, or %NULL if that is not known.
   *
   * Since: 0.1
   */
  properties[PROP_CREATED]
      = g_param_spec_boxed ("created", NULL, NULL, G_TYPE_DATE_TIME, FLAGS);
  /**
   * SclVolume:nvram:
   *
   * Whether it is no volume: the NVRAM (boot entries and keys) of the VM that it is named after, of which nothing else
   * is left. #SclVolume:path is that file; it is deleted and pruned as a volume is.
   *
   * Since: 0.1
   */
  properties[PROP_NVRAM]
      = g_param_spec_boolean ("nvram", NULL, NULL, FALSE, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_volume_init (SclVolume *self)
{
}

SclVolume *
_scl_volume_new (SclDriver *driver, SclHome *home, const char *name)
{
  SclVolume *self = g_object_new (SCL_TYPE_VOLUME, NULL);

  self->driver = g_object_ref (driver);
  self->home = _scl_home_ref (home);
  self->name = g_strdup (name);
  return self;
}

/**
 * scl_volume_get_name:
 * @self: a #SclVolume
 *
 * Its name.
 *
 * Returns: see #SclVolume:name
 *
 * Since: 0.1
 */
const char *
scl_volume_get_name (SclVolume *self)
{
  g_return_val_if_fail (SCL_IS_VOLUME (self), NULL);

  return self->name;
}

/**
 * scl_volume_get_path:
 * @self: a #SclVolume
 *
 * The path of its raw file.
 *
 * Returns: see #SclVolume:path
 *
 * Since: 0.1
 */
const char *
scl_volume_get_path (SclVolume *self)
{
  g_return_val_if_fail (SCL_IS_VOLUME (self) && _scl_home_is_here (self->home), NULL);

  return self->path;
}

/**
 * scl_volume_get_size_mib:
 * @self: a #SclVolume
 *
 * Its size in MiB.
 *
 * Returns: see #SclVolume:size-mib
 *
 * Since: 0.1
 */
guint64
scl_volume_get_size_mib (SclVolume *self)
{
  g_return_val_if_fail (SCL_IS_VOLUME (self) && _scl_home_is_here (self->home), 0);

  return self->size_mib;
}

/**
 * scl_volume_get_allocated_bytes:
 * @self: a #SclVolume
 *
 * What it occupies on the file system, in bytes.
 *
 * Returns: see #SclVolume:allocated-bytes
 *
 * Since: 0.1
 */
guint64
scl_volume_get_allocated_bytes (SclVolume *self)
{
  g_return_val_if_fail (SCL_IS_VOLUME (self) && _scl_home_is_here (self->home), 0);

  return self->allocated_bytes;
}

/**
 * scl_volume_get_image:
 * @self: a #SclVolume
 *
 * The image that it was made from, or %NULL if that is not known.
 *
 * Returns: (nullable): see #SclVolume:image
 *
 * Since: 0.1
 */
const char *
scl_volume_get_image (SclVolume *self)
{
  g_return_val_if_fail (SCL_IS_VOLUME (self) && _scl_home_is_here (self->home), NULL);

  return self->image;
}

/**
 * scl_volume_get_vm:
 * @self: a #SclVolume
 *
 * The VM that it was made for, or %NULL if that is not known.
 *
 * Returns: (nullable): see #SclVolume:vm
 *
 * Since: 0.1
 */
const char *
scl_volume_get_vm (SclVolume *self)
{
  g_return_val_if_fail (SCL_IS_VOLUME (self) && _scl_home_is_here (self->home), NULL);

  return self->vm;
}

/**
 * scl_volume_is_used:
 * @self: a #SclVolume
 *
 * Whether a VM that is there uses it, or any other domain of the hypervisor: a VM that was renamed, a copy of
 * it, one that somebody made by hand.
 *
 * Returns: see #SclVolume:used
 *
 * Since: 0.1
 */
gboolean
scl_volume_is_used (SclVolume *self)
{
  g_return_val_if_fail (SCL_IS_VOLUME (self) && _scl_home_is_here (self->home), 0);

  return self->used;
}

/**
 * scl_volume_is_foreign:
 * @self: a #SclVolume
 *
 * Whether it is a file that SCL did not make.
 *
 * Returns: see #SclVolume:foreign
 *
 * Since: 0.1
 */
gboolean
scl_volume_is_foreign (SclVolume *self)
{
  g_return_val_if_fail (SCL_IS_VOLUME (self) && _scl_home_is_here (self->home), 0);

  return self->foreign;
}

/**
 * scl_volume_get_created:
 * @self: a #SclVolume
 *
 * When it was made, or %NULL if that is not known.
 *
 * Returns: (transfer none) (nullable): see #SclVolume:created
 *
 * Since: 0.1
 */
GDateTime *
scl_volume_get_created (SclVolume *self)
{
  g_return_val_if_fail (SCL_IS_VOLUME (self) && _scl_home_is_here (self->home), NULL);

  return self->created;
}

/**
 * scl_volume_is_nvram:
 * @self: a #SclVolume
 *
 * Whether it is no volume, but the NVRAM of a VM of which nothing else is left.
 *
 * Returns: see #SclVolume:nvram
 *
 * Since: 0.1
 */
gboolean
scl_volume_is_nvram (SclVolume *self)
{
  g_return_val_if_fail (SCL_IS_VOLUME (self) && _scl_home_is_here (self->home), 0);

  return self->nvram;
}

static gboolean
change_created (SclVolume *self, gint64 seconds)
{
  g_autoptr (GDateTime) created = seconds <= 0 ? NULL : g_date_time_new_from_unix_utc (seconds);

  if (self->created == created
      || (self->created != NULL && created != NULL && g_date_time_equal (self->created, created)))
    return FALSE;
  g_clear_pointer (&self->created, g_date_time_unref);
  self->created = g_steal_pointer (&created);
  return TRUE;
}

static void
tell (SclVolume *self, SclVolumeProperty property, gboolean changed)
{
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

void
_scl_volume_update (SclVolume *self, const SclObservedVolume *observed, gboolean used)
{
  /* Nothing is told before all of it is so. */
  g_object_freeze_notify (G_OBJECT (self));
  tell (self, PROP_PATH, _scl_change_text (&self->path, observed->path));
  tell (self, PROP_SIZE_MIB, SCL_CHANGE (self->size_mib, observed->size >> 20));
  tell (self, PROP_ALLOCATED_BYTES, SCL_CHANGE (self->allocated_bytes, observed->allocated));
  tell (self, PROP_IMAGE, _scl_change_text (&self->image, observed->image));
  tell (self, PROP_VM, _scl_change_text (&self->vm, observed->vm));
  tell (self, PROP_USED, SCL_CHANGE (self->used, used));
  tell (self, PROP_FOREIGN, SCL_CHANGE (self->foreign, observed->foreign));
  tell (self, PROP_NVRAM, SCL_CHANGE (self->nvram, observed->nvram));
  tell (self, PROP_CREATED, change_created (self, observed->created));
  g_object_thaw_notify (G_OBJECT (self));
}

/**
 * scl_volume_delete:
 * @self: a #SclVolume
 * @flags: %SCL_DELETE_FOREIGN for a file that SCL did not make
 *
 * Deletes the volume and all data on it, for good. %SCL_ERROR_IN_USE if a VM or any other domain of the
 * hypervisor uses it, %SCL_ERROR_EXISTS if it is foreign and @flags do not say that this is known.
 *
 * Returns: (transfer full): the operation under way
 *
 * Since: 0.1
 */
SclOperation *
scl_volume_delete (SclVolume *self, SclDeleteFlags flags)
{
  g_return_val_if_fail (SCL_IS_VOLUME (self), NULL);

  return _scl_request_start_removal (self->driver, SCL_OBJECT_KIND_VOLUME, self->name, flags);
}
