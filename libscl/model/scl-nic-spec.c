/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <scl/scl-nic-spec.h>

/**
 * SclNicSpec:
 *
 * A network card as it shall be. Immutable.
 *
 * Since: 0.1
 */
struct _SclNicSpec
{
  GObject parent_instance;
  char *network;
  char *mac;
};

G_DEFINE_FINAL_TYPE (SclNicSpec, scl_nic_spec, G_TYPE_OBJECT)

typedef enum {
  PROP_NETWORK = 1,
  PROP_MAC,
} SclNicSpecProperty;

static GParamSpec *properties[PROP_MAC + 1];

static void
scl_nic_spec_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclNicSpec *self = SCL_NIC_SPEC (object);

  switch ((SclNicSpecProperty) id)
    {
    case PROP_NETWORK:
      g_value_set_string (value, self->network);
      break;
    case PROP_MAC:
      g_value_set_string (value, self->mac);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_nic_spec_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SclNicSpec *self = SCL_NIC_SPEC (object);

  switch ((SclNicSpecProperty) id)
    {
    case PROP_NETWORK:
      self->network = g_value_dup_string (value);
      break;
    case PROP_MAC:
      self->mac = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_nic_spec_finalize (GObject *object)
{
  SclNicSpec *self = SCL_NIC_SPEC (object);

  g_free (self->network);
  g_free (self->mac);
  G_OBJECT_CLASS (scl_nic_spec_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS)

static void
scl_nic_spec_class_init (SclNicSpecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_nic_spec_get_property;
  object_class->set_property = scl_nic_spec_set_property;
  object_class->finalize = scl_nic_spec_finalize;

  /**
   * SclNicSpec:network:
   *
   * The name of the network that it is connected to.
   *
   * Since: 0.1
   */
  properties[PROP_NETWORK]
      = g_param_spec_string ("network", NULL, NULL, "default", FLAGS);
  /**
   * SclNicSpec:mac:
   *
   * MAC address as six lower-case hexadecimal pairs with colons, or %NULL for a stable one that SCL derives.
   *
   * Since: 0.1
   */
  properties[PROP_MAC]
      = g_param_spec_string ("mac", NULL, NULL, NULL, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_nic_spec_init (SclNicSpec *self)
{
}

/**
 * scl_nic_spec_new:
 * @network: name of the network
 * @mac: (nullable): MAC address, %NULL to have one derived
 *
 * Makes a NIC spec.
 *
 * Returns: (transfer full): a new spec
 *
 * Since: 0.1
 */
SclNicSpec *
scl_nic_spec_new (const char *network, const char *mac)
{
  return g_object_new (SCL_TYPE_NIC_SPEC, "network", network, "mac", mac, NULL);
}

/**
 * scl_nic_spec_get_network:
 * @self: a #SclNicSpec
 *
 * The name of the network that it is connected to.
 *
 * Returns: see #SclNicSpec:network
 *
 * Since: 0.1
 */
const char *
scl_nic_spec_get_network (SclNicSpec *self)
{
  g_return_val_if_fail (SCL_IS_NIC_SPEC (self), NULL);

  return self->network;
}

/**
 * scl_nic_spec_get_mac:
 * @self: a #SclNicSpec
 *
 * MAC address as six lower-case hexadecimal pairs with colons, or %NULL for a stable one that SCL derives.
 *
 * Returns: (nullable): see #SclNicSpec:mac
 *
 * Since: 0.1
 */
const char *
scl_nic_spec_get_mac (SclNicSpec *self)
{
  g_return_val_if_fail (SCL_IS_NIC_SPEC (self), NULL);

  return self->mac;
}

/**
 * scl_nic_spec_equal:
 * @self: a #SclNicSpec
 * @other: another
 *
 * Compares all fields.
 *
 * Returns: whether both say the same
 *
 * Since: 0.1
 */
gboolean
scl_nic_spec_equal (SclNicSpec *self, SclNicSpec *other)
{
  g_return_val_if_fail (SCL_IS_NIC_SPEC (self) && SCL_IS_NIC_SPEC (other), FALSE);

  return g_strcmp0 (self->network, other->network) == 0 && g_strcmp0 (self->mac, other->mac) == 0;
}
