/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-list-private.h"
#include "model/scl-address-text-private.h"
#include <scl/scl-network-spec.h>
#include <scl/scl-enum-types.h>

/**
 * SclNetworkSpec:
 *
 * A network as it shall be: one namespace, a gateway for its VMs, an external IP for the
 * host, and port forwards. Immutable.
 *
 * Since: 0.1
 */
struct _SclNetworkSpec
{
  GObject parent_instance;
  char *name;
  SclNetworkMode mode;
  GInetAddress *external_ip;
  GInetAddress *gateway_ip;
  guint prefix_length;
  GListModel *forwards;
};

G_DEFINE_FINAL_TYPE (SclNetworkSpec, scl_network_spec, G_TYPE_OBJECT)

typedef enum {
  PROP_NAME = 1,
  PROP_MODE,
  PROP_EXTERNAL_IP,
  PROP_GATEWAY_IP,
  PROP_PREFIX_LENGTH,
  PROP_FORWARDS,
} SclNetworkSpecProperty;

static GParamSpec *properties[PROP_FORWARDS + 1];

static void
scl_network_spec_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclNetworkSpec *self = SCL_NETWORK_SPEC (object);

  switch ((SclNetworkSpecProperty) id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_MODE:
      g_value_set_enum (value, (int) self->mode);
      break;
    case PROP_EXTERNAL_IP:
      g_value_set_object (value, self->external_ip);
      break;
    case PROP_GATEWAY_IP:
      g_value_set_object (value, self->gateway_ip);
      break;
    case PROP_PREFIX_LENGTH:
      g_value_set_uint (value, self->prefix_length);
      break;
    case PROP_FORWARDS:
      g_value_set_object (value, self->forwards);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_network_spec_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SclNetworkSpec *self = SCL_NETWORK_SPEC (object);

  switch ((SclNetworkSpecProperty) id)
    {
    case PROP_NAME:
      self->name = g_value_dup_string (value);
      break;
    case PROP_MODE:
      self->mode = (SclNetworkMode) g_value_get_enum (value);
      break;
    case PROP_EXTERNAL_IP:
      self->external_ip = g_value_dup_object (value);
      break;
    case PROP_GATEWAY_IP:
      self->gateway_ip = g_value_dup_object (value);
      break;
    case PROP_PREFIX_LENGTH:
      self->prefix_length = g_value_get_uint (value);
      break;
    case PROP_FORWARDS:
      self->forwards = _scl_list_freeze (SCL_TYPE_FORWARD_SPEC, g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_network_spec_finalize (GObject *object)
{
  SclNetworkSpec *self = SCL_NETWORK_SPEC (object);

  g_free (self->name);
  g_clear_object (&self->external_ip);
  g_clear_object (&self->gateway_ip);
  g_clear_object (&self->forwards);
  G_OBJECT_CLASS (scl_network_spec_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS)

static void
scl_network_spec_class_init (SclNetworkSpecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_network_spec_get_property;
  object_class->set_property = scl_network_spec_set_property;
  object_class->finalize = scl_network_spec_finalize;

  /**
   * SclNetworkSpec:name:
   *
   * The name, a DNS label.
   *
   * Since: 0.1
   */
  properties[PROP_NAME]
      = g_param_spec_string ("name", NULL, NULL, NULL, FLAGS);
  /**
   * SclNetworkSpec:mode:
   *
   * How it reaches the world.
   *
   * Since: 0.1
   */
  properties[PROP_MODE]
      = g_param_spec_enum ("mode", NULL, NULL, SCL_TYPE_NETWORK_MODE, SCL_NETWORK_MODE_ROUTED, FLAGS);
  /**
   * SclNetworkSpec:external-ip:
   *
   * The address under which the host and the LAN reach its forwards.
   *
   * Since: 0.1
   */
  properties[PROP_EXTERNAL_IP]
      = g_param_spec_object ("external-ip", NULL, NULL, G_TYPE_INET_ADDRESS, FLAGS);
  /**
   * SclNetworkSpec:gateway-ip:
   *
   * The gateway that its VMs use.
   *
   * Since: 0.1
   */
  properties[PROP_GATEWAY_IP]
      = g_param_spec_object ("gateway-ip", NULL, NULL, G_TYPE_INET_ADDRESS, FLAGS);
  /**
   * SclNetworkSpec:prefix-length:
   *
   * Length of the internal network mask in bits.
   *
   * Since: 0.1
   */
  properties[PROP_PREFIX_LENGTH]
      = g_param_spec_uint ("prefix-length", NULL, NULL, 0, G_MAXUINT, 24, FLAGS);
  /**
   * SclNetworkSpec:forwards:
   *
   * Its port forwards, #SclForwardSpec.
   *
   * Since: 0.1
   */
  properties[PROP_FORWARDS]
      = g_param_spec_object ("forwards", NULL, NULL, G_TYPE_LIST_MODEL, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_network_spec_init (SclNetworkSpec *self)
{
}

/**
 * scl_network_spec_new:
 * @name: the name
 *
 * Makes a network spec with nothing but a name; the other properties are given to
 * g_object_new().
 *
 * Returns: (transfer full): a new spec
 *
 * Since: 0.1
 */
SclNetworkSpec *
scl_network_spec_new (const char *name)
{
  return g_object_new (SCL_TYPE_NETWORK_SPEC, "name", name, NULL);
}

/**
 * scl_network_spec_get_name:
 * @self: a #SclNetworkSpec
 *
 * The name, a DNS label.
 *
 * Returns: see #SclNetworkSpec:name
 *
 * Since: 0.1
 */
const char *
scl_network_spec_get_name (SclNetworkSpec *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK_SPEC (self), NULL);

  return self->name;
}

/**
 * scl_network_spec_get_mode:
 * @self: a #SclNetworkSpec
 *
 * How it reaches the world.
 *
 * Returns: see #SclNetworkSpec:mode
 *
 * Since: 0.1
 */
SclNetworkMode
scl_network_spec_get_mode (SclNetworkSpec *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK_SPEC (self), (SclNetworkMode) 0);

  return self->mode;
}

/**
 * scl_network_spec_get_external_ip:
 * @self: a #SclNetworkSpec
 *
 * The address under which the host and the LAN reach its forwards.
 *
 * Returns: (transfer none) (nullable): see #SclNetworkSpec:external-ip
 *
 * Since: 0.1
 */
GInetAddress *
scl_network_spec_get_external_ip (SclNetworkSpec *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK_SPEC (self), NULL);

  return self->external_ip;
}

/**
 * scl_network_spec_get_gateway_ip:
 * @self: a #SclNetworkSpec
 *
 * The gateway that its VMs use.
 *
 * Returns: (transfer none) (nullable): see #SclNetworkSpec:gateway-ip
 *
 * Since: 0.1
 */
GInetAddress *
scl_network_spec_get_gateway_ip (SclNetworkSpec *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK_SPEC (self), NULL);

  return self->gateway_ip;
}

/**
 * scl_network_spec_get_prefix_length:
 * @self: a #SclNetworkSpec
 *
 * Length of the internal network mask in bits.
 *
 * Returns: see #SclNetworkSpec:prefix-length
 *
 * Since: 0.1
 */
guint
scl_network_spec_get_prefix_length (SclNetworkSpec *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK_SPEC (self), 0);

  return self->prefix_length;
}

/**
 * scl_network_spec_get_forwards:
 * @self: a #SclNetworkSpec
 *
 * Its port forwards, #SclForwardSpec.
 *
 * Returns: (transfer none): see #SclNetworkSpec:forwards
 *
 * Since: 0.1
 */
GListModel *
scl_network_spec_get_forwards (SclNetworkSpec *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK_SPEC (self), NULL);

  return self->forwards;
}

static gboolean
has_forward (GListModel *forwards, SclForwardSpec *wanted)
{
  SclForwardSpec *forward;

  for (guint i = 0; (forward = _scl_list_peek (forwards, i)) != NULL; i++)
    if (scl_forward_spec_equal (forward, wanted))
      return TRUE;
  return FALSE;
}

static gboolean
same_forwards (GListModel *a, GListModel *b)
{
  SclForwardSpec *forward;

  if (g_list_model_get_n_items (a) != g_list_model_get_n_items (b))
    return FALSE;
  for (guint i = 0; (forward = _scl_list_peek (a, i)) != NULL; i++)
    if (!has_forward (b, forward))
      return FALSE;
  return TRUE;
}

/**
 * scl_network_spec_equal:
 * @self: a #SclNetworkSpec
 * @other: another
 *
 * Compares all fields; the order of the forwards does not matter.
 *
 * Returns: whether both say the same
 *
 * Since: 0.1
 */
gboolean
scl_network_spec_equal (SclNetworkSpec *self, SclNetworkSpec *other)
{
  g_return_val_if_fail (SCL_IS_NETWORK_SPEC (self) && SCL_IS_NETWORK_SPEC (other), FALSE);

  return g_strcmp0 (self->name, other->name) == 0 && self->mode == other->mode
         && self->prefix_length == other->prefix_length
         && _scl_address_equal (self->external_ip, other->external_ip)
         && _scl_address_equal (self->gateway_ip, other->gateway_ip)
         && same_forwards (self->forwards, other->forwards);
}
