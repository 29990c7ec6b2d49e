/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-throw-private.h"
#include "model/scl-address-text-private.h"
#include <scl/scl-forward-spec.h>
#include <scl/scl-enum-types.h>

/**
 * SclForwardSpec:
 *
 * A port forward as it shall be: a port of the network's external IP that leads to a port
 * of a VM. Immutable. Written as `hostPort:vmIp:vmPort`, as in ctrl-os.vms.
 *
 * Since: 0.1
 */
struct _SclForwardSpec
{
  GObject parent_instance;
  SclProtocol protocol;
  guint16 host_port;
  GInetAddress *address;
  guint16 port;
};

G_DEFINE_FINAL_TYPE (SclForwardSpec, scl_forward_spec, G_TYPE_OBJECT)

typedef enum {
  PROP_PROTOCOL = 1,
  PROP_HOST_PORT,
  PROP_ADDRESS,
  PROP_PORT,
} SclForwardSpecProperty;

static GParamSpec *properties[PROP_PORT + 1];

static void
scl_forward_spec_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclForwardSpec *self = SCL_FORWARD_SPEC (object);

  switch ((SclForwardSpecProperty) id)
    {
    case PROP_PROTOCOL:
      g_value_set_enum (value, (int) self->protocol);
      break;
    case PROP_HOST_PORT:
      g_value_set_uint (value, self->host_port);
      break;
    case PROP_ADDRESS:
      g_value_set_object (value, self->address);
      break;
    case PROP_PORT:
      g_value_set_uint (value, self->port);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_forward_spec_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SclForwardSpec *self = SCL_FORWARD_SPEC (object);

  switch ((SclForwardSpecProperty) id)
    {
    case PROP_PROTOCOL:
      self->protocol = (SclProtocol) g_value_get_enum (value);
      break;
    case PROP_HOST_PORT:
      self->host_port = (guint16) g_value_get_uint (value);
      break;
    case PROP_ADDRESS:
      self->address = g_value_dup_object (value);
      break;
    case PROP_PORT:
      self->port = (guint16) g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_forward_spec_finalize (GObject *object)
{
  SclForwardSpec *self = SCL_FORWARD_SPEC (object);

  g_clear_object (&self->address);
  G_OBJECT_CLASS (scl_forward_spec_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS)

static void
scl_forward_spec_class_init (SclForwardSpecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_forward_spec_get_property;
  object_class->set_property = scl_forward_spec_set_property;
  object_class->finalize = scl_forward_spec_finalize;

  /**
   * SclForwardSpec:protocol:
   *
   * TCP or UDP.
   *
   * Since: 0.1
   */
  properties[PROP_PROTOCOL]
      = g_param_spec_enum ("protocol", NULL, NULL, SCL_TYPE_PROTOCOL, SCL_PROTOCOL_TCP, FLAGS);
  /**
   * SclForwardSpec:host-port:
   *
   * Port of the external IP, 1 to 65535.
   *
   * Since: 0.1
   */
  properties[PROP_HOST_PORT]
      = g_param_spec_uint ("host-port", NULL, NULL, 0, G_MAXUINT16, 0, FLAGS);
  /**
   * SclForwardSpec:address:
   *
   * Address of the VM in the network.
   *
   * Since: 0.1
   */
  properties[PROP_ADDRESS]
      = g_param_spec_object ("address", NULL, NULL, G_TYPE_INET_ADDRESS, FLAGS);
  /**
   * SclForwardSpec:port:
   *
   * Port of the VM, 1 to 65535.
   *
   * Since: 0.1
   */
  properties[PROP_PORT]
      = g_param_spec_uint ("port", NULL, NULL, 0, G_MAXUINT16, 0, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_forward_spec_init (SclForwardSpec *self)
{
}

/**
 * scl_forward_spec_new:
 * @protocol: TCP or UDP
 * @host_port: port of the external IP
 * @address: the VM's address
 * @port: port of the VM
 *
 * Makes a forward.
 *
 * Returns: (transfer full): a new spec
 *
 * Since: 0.1
 */
SclForwardSpec *
scl_forward_spec_new (SclProtocol protocol, guint16 host_port, GInetAddress *address, guint16 port)
{
  return g_object_new (SCL_TYPE_FORWARD_SPEC, "protocol", protocol, "host-port", (guint) host_port,
                       "address", address, "port", (guint) port, NULL);
}

/* Decimal digits only, 1 to 65535; 0 otherwise. */
static guint16
parse_port (const char *text)
{
  guint64 value = 0;

  if (!g_ascii_isdigit (text[0]) || (text[0] == '0')
      || !g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT16, &value, NULL))
    return 0;
  return (guint16) value;
}

/**
 * scl_forward_spec_new_from_string:
 * @protocol: TCP or UDP
 * @text: `hostPort:vmIp:vmPort`
 * @error: location for a #GError, or %NULL
 *
 * Reads the notation of ctrl-os.vms, e.g. `2222:192.168.20.2:22`.
 *
 * Returns: (transfer full): a new spec, or %NULL with %SCL_ERROR_INVALID
 *
 * Since: 0.1
 */
SclForwardSpec *
scl_forward_spec_new_from_string (SclProtocol protocol, const char *text, GError **error)
{
  g_auto (GStrv) parts = NULL;
  g_autoptr (GInetAddress) address = NULL;
  guint16 host_port, port;

  g_return_val_if_fail (text != NULL, NULL);

  parts = g_strsplit (text, ":", 0);
  if (g_strv_length (parts) != 3)
    return scl_null_throw (error, SCL_ERROR_INVALID,
                           "a forward is written hostPort:vmIp:vmPort, e.g. \"2222:192.168.20.2:22\"");
  host_port = parse_port (parts[0]);
  if (host_port == 0)
    return scl_null_throw (error, SCL_ERROR_INVALID, "host port \"%s\" is not a number from 1 to 65535",
                           parts[0]);
  address = _scl_address_parse (parts[1], error);
  if (address == NULL)
    return NULL;
  port = parse_port (parts[2]);
  if (port == 0)
    return scl_null_throw (error, SCL_ERROR_INVALID, "VM port \"%s\" is not a number from 1 to 65535",
                           parts[2]);
  return scl_forward_spec_new (protocol, host_port, address, port);
}

/**
 * scl_forward_spec_get_protocol:
 * @self: a #SclForwardSpec
 *
 * TCP or UDP.
 *
 * Returns: see #SclForwardSpec:protocol
 *
 * Since: 0.1
 */
SclProtocol
scl_forward_spec_get_protocol (SclForwardSpec *self)
{
  g_return_val_if_fail (SCL_IS_FORWARD_SPEC (self), (SclProtocol) 0);

  return self->protocol;
}

/**
 * scl_forward_spec_get_host_port:
 * @self: a #SclForwardSpec
 *
 * Port of the external IP, 1 to 65535.
 *
 * Returns: see #SclForwardSpec:host-port
 *
 * Since: 0.1
 */
guint16
scl_forward_spec_get_host_port (SclForwardSpec *self)
{
  g_return_val_if_fail (SCL_IS_FORWARD_SPEC (self), 0);

  return self->host_port;
}

/**
 * scl_forward_spec_get_address:
 * @self: a #SclForwardSpec
 *
 * Address of the VM in the network.
 *
 * Returns: (transfer none) (nullable): see #SclForwardSpec:address
 *
 * Since: 0.1
 */
GInetAddress *
scl_forward_spec_get_address (SclForwardSpec *self)
{
  g_return_val_if_fail (SCL_IS_FORWARD_SPEC (self), NULL);

  return self->address;
}

/**
 * scl_forward_spec_get_port:
 * @self: a #SclForwardSpec
 *
 * Port of the VM, 1 to 65535.
 *
 * Returns: see #SclForwardSpec:port
 *
 * Since: 0.1
 */
guint16
scl_forward_spec_get_port (SclForwardSpec *self)
{
  g_return_val_if_fail (SCL_IS_FORWARD_SPEC (self), 0);

  return self->port;
}

/**
 * scl_forward_spec_to_string:
 * @self: a #SclForwardSpec
 *
 * The notation of ctrl-os.vms, without the protocol.
 *
 * Returns: (transfer full): e.g. `2222:192.168.20.2:22`
 *
 * Since: 0.1
 */
char *
scl_forward_spec_to_string (SclForwardSpec *self)
{
  g_autofree char *address = NULL;

  g_return_val_if_fail (SCL_IS_FORWARD_SPEC (self), NULL);

  address = self->address == NULL ? g_strdup ("?") : g_inet_address_to_string (self->address);
  return g_strdup_printf ("%u:%s:%u", self->host_port, address, self->port);
}

/**
 * scl_forward_spec_equal:
 * @self: a #SclForwardSpec
 * @other: another
 *
 * Compares all fields.
 *
 * Returns: whether both say the same
 *
 * Since: 0.1
 */
gboolean
scl_forward_spec_equal (SclForwardSpec *self, SclForwardSpec *other)
{
  g_return_val_if_fail (SCL_IS_FORWARD_SPEC (self) && SCL_IS_FORWARD_SPEC (other), FALSE);

  return self->protocol == other->protocol && self->host_port == other->host_port
         && self->port == other->port && _scl_address_equal (self->address, other->address);
}
