/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <scl/scl-disk-spec.h>

/**
 * SclDiskSpec:
 *
 * A disk as it shall be: the name of its volume, the image that the volume is made from
 * and its size. Immutable; a spec that was made with wrong values is refused by
 * scl_manifest_validate().
 *
 * Since: 0.1
 */
struct _SclDiskSpec
{
  GObject parent_instance;
  char *volume;
  char *image;
  guint64 size_mib;
};

G_DEFINE_FINAL_TYPE (SclDiskSpec, scl_disk_spec, G_TYPE_OBJECT)

typedef enum {
  PROP_VOLUME = 1,
  PROP_IMAGE,
  PROP_SIZE_MIB,
} SclDiskSpecProperty;

static GParamSpec *properties[PROP_SIZE_MIB + 1];

static void
scl_disk_spec_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclDiskSpec *self = SCL_DISK_SPEC (object);

  switch ((SclDiskSpecProperty) id)
    {
    case PROP_VOLUME:
      g_value_set_string (value, self->volume);
      break;
    case PROP_IMAGE:
      g_value_set_string (value, self->image);
      break;
    case PROP_SIZE_MIB:
      g_value_set_uint64 (value, self->size_mib);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_disk_spec_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SclDiskSpec *self = SCL_DISK_SPEC (object);

  switch ((SclDiskSpecProperty) id)
    {
    case PROP_VOLUME:
      self->volume = g_value_dup_string (value);
      break;
    case PROP_IMAGE:
      self->image = g_value_dup_string (value);
      break;
    case PROP_SIZE_MIB:
      self->size_mib = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_disk_spec_finalize (GObject *object)
{
  SclDiskSpec *self = SCL_DISK_SPEC (object);

  g_free (self->volume);
  g_free (self->image);
  G_OBJECT_CLASS (scl_disk_spec_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS)

static void
scl_disk_spec_class_init (SclDiskSpecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_disk_spec_get_property;
  object_class->set_property = scl_disk_spec_set_property;
  object_class->finalize = scl_disk_spec_finalize;

  /**
   * SclDiskSpec:volume:
   *
   * The name of the volume; a boot volume is named after its VM.
   *
   * Since: 0.1
   */
  properties[PROP_VOLUME]
      = g_param_spec_string ("volume", NULL, NULL, NULL, FLAGS);
  /**
   * SclDiskSpec:image:
   *
   * Absolute path of the raw image that a new volume is copied from.
   *
   * Since: 0.1
   */
  properties[PROP_IMAGE]
      = g_param_spec_string ("image", NULL, NULL, NULL, FLAGS);
  /**
   * SclDiskSpec:size-mib:
   *
   * Size in MiB; 0 means the size of the image, rounded up.
   *
   * Since: 0.1
   */
  properties[PROP_SIZE_MIB]
      = g_param_spec_uint64 ("size-mib", NULL, NULL, 0, G_MAXUINT64, 0, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_disk_spec_init (SclDiskSpec *self)
{
}

/**
 * scl_disk_spec_new:
 * @volume: name of the volume
 * @image: (nullable): absolute path of a raw image
 * @size_mib: size in MiB, 0 for the image's own
 *
 * Makes a disk spec.
 *
 * Returns: (transfer full): a new spec
 *
 * Since: 0.1
 */
SclDiskSpec *
scl_disk_spec_new (const char *volume, const char *image, guint64 size_mib)
{
  return g_object_new (SCL_TYPE_DISK_SPEC, "volume", volume, "image", image, "size-mib", size_mib,
                       NULL);
}

/**
 * scl_disk_spec_get_volume:
 * @self: a #SclDiskSpec
 *
 * The name of the volume; a boot volume is named after its VM.
 *
 * Returns: see #SclDiskSpec:volume
 *
 * Since: 0.1
 */
const char *
scl_disk_spec_get_volume (SclDiskSpec *self)
{
  g_return_val_if_fail (SCL_IS_DISK_SPEC (self), NULL);

  return self->volume;
}

/**
 * scl_disk_spec_get_image:
 * @self: a #SclDiskSpec
 *
 * Absolute path of the raw image that a new volume is copied from.
 *
 * Returns: (nullable): see #SclDiskSpec:image
 *
 * Since: 0.1
 */
const char *
scl_disk_spec_get_image (SclDiskSpec *self)
{
  g_return_val_if_fail (SCL_IS_DISK_SPEC (self), NULL);

  return self->image;
}

/**
 * scl_disk_spec_get_size_mib:
 * @self: a #SclDiskSpec
 *
 * Size in MiB; 0 means the size of the image, rounded up.
 *
 * Returns: see #SclDiskSpec:size-mib
 *
 * Since: 0.1
 */
guint64
scl_disk_spec_get_size_mib (SclDiskSpec *self)
{
  g_return_val_if_fail (SCL_IS_DISK_SPEC (self), 0);

  return self->size_mib;
}

/**
 * scl_disk_spec_equal:
 * @self: a #SclDiskSpec
 * @other: another
 *
 * Compares all fields.
 *
 * Returns: whether both say the same
 *
 * Since: 0.1
 */
gboolean
scl_disk_spec_equal (SclDiskSpec *self, SclDiskSpec *other)
{
  g_return_val_if_fail (SCL_IS_DISK_SPEC (self) && SCL_IS_DISK_SPEC (other), FALSE);

  return g_strcmp0 (self->volume, other->volume) == 0 && g_strcmp0 (self->image, other->image) == 0
         && self->size_mib == other->size_mib;
}
