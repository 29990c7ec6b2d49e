/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-address-private.h"

/**
 * SclAddress:
 *
 * An address of a VM and how it is known.
 *
 * Since: 0.1
 */
struct _SclAddress
{
  GObject parent_instance;
  GInetAddress *address;
  const char *source;
};

G_DEFINE_FINAL_TYPE (SclAddress, scl_address, G_TYPE_OBJECT)

static void
scl_address_finalize (GObject *object)
{
  g_clear_object (&SCL_ADDRESS (object)->address);
  G_OBJECT_CLASS (scl_address_parent_class)->finalize (object);
}

static void
scl_address_class_init (SclAddressClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_address_finalize;
}

static void
scl_address_init (SclAddress *self)
{
}

SclAddress *
_scl_address_new (GInetAddress *address, const char *source)
{
  SclAddress *self = g_object_new (SCL_TYPE_ADDRESS, NULL);

  self->address = g_object_ref (address);
  self->source = g_intern_string (source);
  return self;
}

/**
 * scl_address_get_address:
 * @self: a #SclAddress
 *
 * The address.
 *
 * Returns: (transfer none): the address
 *
 * Since: 0.1
 */
GInetAddress *
scl_address_get_address (SclAddress *self)
{
  g_return_val_if_fail (SCL_IS_ADDRESS (self), NULL);

  return self->address;
}

/**
 * scl_address_get_source:
 * @self: a #SclAddress
 *
 * How the address is known: `declared` (a forward leads to it), `agent` (the guest agent told),
 * `neighbour` (seen on the network), `lease` (given by DHCP).
 *
 * Returns: a static string
 *
 * Since: 0.1
 */
const char *
scl_address_get_source (SclAddress *self)
{
  g_return_val_if_fail (SCL_IS_ADDRESS (self), NULL);

  return self->source;
}
