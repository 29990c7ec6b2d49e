/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-diagnostic-private.h"
#include "model/scl-list-private.h"
#include <scl/scl-manifest.h>

/**
 * SclManifest:
 *
 * Everything that shall be on a host for one instance of SCL: networks and VMs. Immutable. It is
 * the whole truth: what carries the instance's mark and is not in the manifest is to be removed
 * (volumes are always kept).
 *
 * Since: 0.1
 */
struct _SclManifest
{
  GObject parent_instance;
  char *gateway_interface;
  GListModel *networks;
  GListModel *vms;
  GHashTable *network_by_name; /* borrowed from the lists */
  GHashTable *vm_by_name;
};

G_DEFINE_FINAL_TYPE (SclManifest, scl_manifest, G_TYPE_OBJECT)

typedef enum {
  PROP_GATEWAY_INTERFACE = 1,
  PROP_NETWORKS,
  PROP_VMS,
} SclManifestProperty;

static GParamSpec *properties[PROP_VMS + 1];

static void
scl_manifest_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclManifest *self = SCL_MANIFEST (object);

  switch ((SclManifestProperty) id)
    {
    case PROP_GATEWAY_INTERFACE:
      g_value_set_string (value, self->gateway_interface);
      break;
    case PROP_NETWORKS:
      g_value_set_object (value, self->networks);
      break;
    case PROP_VMS:
      g_value_set_object (value, self->vms);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_manifest_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SclManifest *self = SCL_MANIFEST (object);

  switch ((SclManifestProperty) id)
    {
    case PROP_GATEWAY_INTERFACE:
      self->gateway_interface = g_value_dup_string (value);
      break;
    case PROP_NETWORKS:
      self->networks = _scl_list_freeze (SCL_TYPE_NETWORK_SPEC, g_value_get_object (value));
      break;
    case PROP_VMS:
      self->vms = _scl_list_freeze (SCL_TYPE_VM_SPEC, g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
index_names (SclManifest *self)
{
  SclNetworkSpec *network;
  SclVmSpec *vm;

  for (guint i = 0; (network = _scl_list_peek (self->networks, i)) != NULL; i++)
    if (scl_network_spec_get_name (network) != NULL)
      g_hash_table_insert (self->network_by_name, (char *) scl_network_spec_get_name (network),
                           network);
  for (guint i = 0; (vm = _scl_list_peek (self->vms, i)) != NULL; i++)
    if (scl_vm_spec_get_name (vm) != NULL)
      g_hash_table_insert (self->vm_by_name, (char *) scl_vm_spec_get_name (vm), vm);
}

static void
scl_manifest_constructed (GObject *object)
{
  index_names (SCL_MANIFEST (object));
  G_OBJECT_CLASS (scl_manifest_parent_class)->constructed (object);
}

static void
scl_manifest_finalize (GObject *object)
{
  SclManifest *self = SCL_MANIFEST (object);

  g_hash_table_unref (self->network_by_name);
  g_hash_table_unref (self->vm_by_name);
  g_free (self->gateway_interface);
  g_clear_object (&self->networks);
  g_clear_object (&self->vms);
  G_OBJECT_CLASS (scl_manifest_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS)

static void
scl_manifest_class_init (SclManifestClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_manifest_get_property;
  object_class->set_property = scl_manifest_set_property;
  object_class->constructed = scl_manifest_constructed;
  object_class->finalize = scl_manifest_finalize;

  /**
   * SclManifest:gateway-interface:
   *
   * The uplink of all networks; %NULL: they have no internet.
   *
   * Since: 0.1
   */
  properties[PROP_GATEWAY_INTERFACE]
      = g_param_spec_string ("gateway-interface", NULL, NULL, NULL, FLAGS);
  /**
   * SclManifest:networks:
   *
   * The networks, #SclNetworkSpec.
   *
   * Since: 0.1
   */
  properties[PROP_NETWORKS]
      = g_param_spec_object ("networks", NULL, NULL, G_TYPE_LIST_MODEL, FLAGS);
  /**
   * SclManifest:vms:
   *
   * The virtual machines, #SclVmSpec.
   *
   * Since: 0.1
   */
  properties[PROP_VMS] = g_param_spec_object ("vms", NULL, NULL, G_TYPE_LIST_MODEL, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_manifest_init (SclManifest *self)
{
  self->network_by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->vm_by_name = g_hash_table_new (g_str_hash, g_str_equal);
}

/**
 * scl_manifest_new:
 * @gateway_interface: (nullable): uplink of all networks
 * @networks: (nullable): list of #SclNetworkSpec
 * @vms: (nullable): list of #SclVmSpec
 *
 * Makes a manifest. Nothing is checked yet: see scl_manifest_validate(). The network `default` is
 * not added by itself; the manifest loader does that.
 *
 * Returns: (transfer full): a new manifest
 *
 * Since: 0.1
 */
SclManifest *
scl_manifest_new (const char *gateway_interface, GListModel *networks, GListModel *vms)
{
  return g_object_new (SCL_TYPE_MANIFEST, "gateway-interface", gateway_interface, "networks",
                       networks, "vms", vms, NULL);
}

/**
 * scl_manifest_get_gateway_interface:
 * @self: a #SclManifest
 *
 * The uplink of all networks.
 *
 * Returns: (nullable): an interface's name, or %NULL for no internet
 *
 * Since: 0.1
 */
const char *
scl_manifest_get_gateway_interface (SclManifest *self)
{
  g_return_val_if_fail (SCL_IS_MANIFEST (self), NULL);

  return self->gateway_interface;
}

/**
 * scl_manifest_get_networks:
 * @self: a #SclManifest
 *
 * The networks.
 *
 * Returns: (transfer none): an immutable list of #SclNetworkSpec
 *
 * Since: 0.1
 */
GListModel *
scl_manifest_get_networks (SclManifest *self)
{
  g_return_val_if_fail (SCL_IS_MANIFEST (self), NULL);

  return self->networks;
}

/**
 * scl_manifest_get_vms:
 * @self: a #SclManifest
 *
 * The virtual machines.
 *
 * Returns: (transfer none): an immutable list of #SclVmSpec
 *
 * Since: 0.1
 */
GListModel *
scl_manifest_get_vms (SclManifest *self)
{
  g_return_val_if_fail (SCL_IS_MANIFEST (self), NULL);

  return self->vms;
}

/**
 * scl_manifest_lookup_network:
 * @self: a #SclManifest
 * @name: name of a network
 *
 * Looks a network up by its name.
 *
 * Returns: (transfer none) (nullable): the network, or %NULL if there is none of that name
 *
 * Since: 0.1
 */
SclNetworkSpec *
scl_manifest_lookup_network (SclManifest *self, const char *name)
{
  g_return_val_if_fail (SCL_IS_MANIFEST (self) && name != NULL, NULL);

  return g_hash_table_lookup (self->network_by_name, name);
}

/**
 * scl_manifest_lookup_vm:
 * @self: a #SclManifest
 * @name: name of a VM
 *
 * Looks a VM up by its name.
 *
 * Returns: (transfer none) (nullable): the VM, or %NULL if there is none of that name
 *
 * Since: 0.1
 */
SclVmSpec *
scl_manifest_lookup_vm (SclManifest *self, const char *name)
{
  g_return_val_if_fail (SCL_IS_MANIFEST (self) && name != NULL, NULL);

  return g_hash_table_lookup (self->vm_by_name, name);
}

/**
 * scl_manifest_is_empty:
 * @self: a #SclManifest
 *
 * Whether it declares nothing at all.
 *
 * Returns: whether there is neither a network nor a VM
 *
 * Since: 0.1
 */
gboolean
scl_manifest_is_empty (SclManifest *self)
{
  g_return_val_if_fail (SCL_IS_MANIFEST (self), TRUE);

  return g_list_model_get_n_items (self->networks) == 0 && g_list_model_get_n_items (self->vms) == 0;
}

static gboolean
same_networks (SclManifest *self, SclManifest *other)
{
  SclNetworkSpec *network;

  for (guint i = 0; (network = _scl_list_peek (self->networks, i)) != NULL; i++)
    {
      SclNetworkSpec *twin = g_hash_table_lookup (other->network_by_name,
                                                  scl_network_spec_get_name (network));

      if (twin == NULL || !scl_network_spec_equal (network, twin))
        return FALSE;
    }
  return g_list_model_get_n_items (self->networks) == g_list_model_get_n_items (other->networks);
}

static gboolean
same_vms (SclManifest *self, SclManifest *other)
{
  SclVmSpec *vm;

  for (guint i = 0; (vm = _scl_list_peek (self->vms, i)) != NULL; i++)
    {
      SclVmSpec *twin = g_hash_table_lookup (other->vm_by_name, scl_vm_spec_get_name (vm));

      if (twin == NULL || !scl_vm_spec_equal (vm, twin))
        return FALSE;
    }
  return g_list_model_get_n_items (self->vms) == g_list_model_get_n_items (other->vms);
}

/**
 * scl_manifest_equal:
 * @self: a #SclManifest
 * @other: another
 *
 * Compares what two manifests declare; the order of networks and VMs does not matter.
 *
 * Returns: whether both say the same
 *
 * Since: 0.1
 */
gboolean
scl_manifest_equal (SclManifest *self, SclManifest *other)
{
  g_return_val_if_fail (SCL_IS_MANIFEST (self) && SCL_IS_MANIFEST (other), FALSE);

  return g_strcmp0 (self->gateway_interface, other->gateway_interface) == 0
         && same_networks (self, other) && same_vms (self, other);
}

/**
 * scl_manifest_validate:
 * @self: a #SclManifest
 * @prefix: (nullable): name of the instance, %NULL for `scl`
 * @error: location for a #GError, or %NULL
 *
 * As scl_manifest_check(), for callers that only want to know whether it is right.
 *
 * Returns: %TRUE if there is no error, else %FALSE with %SCL_ERROR_INVALID and all errors, one a
 * line
 *
 * Since: 0.1
 */
gboolean
scl_manifest_validate (SclManifest *self, const char *prefix, GError **error)
{
  g_autoptr (GPtrArray) diagnostics = NULL;

  g_return_val_if_fail (SCL_IS_MANIFEST (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  diagnostics = scl_manifest_check (self, prefix);
  return _scl_diagnostic_throw (diagnostics, error);
}
