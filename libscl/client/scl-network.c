/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-change-private.h"
#include "client/scl-objects-private.h"
#include "client/scl-request-private.h"
#include "model/scl-names-private.h"

/**
 * SclNetwork:
 *
 * A network that is there: its namespace, what it is set to, who is connected. Refreshed in
 * place by its connection.
 *
 * Since: 0.1
 */
struct _SclNetwork
{
  GObject parent_instance;
  SclDriver *driver;
  SclHome *home;
  char *name;
  SclNetworkSpec *spec;
  char *namespace;
  char **vms;
  char **problems;
};

G_DEFINE_FINAL_TYPE (SclNetwork, scl_network, G_TYPE_OBJECT)

typedef enum {
  PROP_NAME = 1,
  PROP_SPEC,
  PROP_NAMESPACE,
  PROP_VMS,
  PROP_PROBLEMS,
} SclNetworkProperty;

static GParamSpec *properties[PROP_PROBLEMS + 1];

static void
scl_network_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclNetwork *self = SCL_NETWORK (object);

  g_return_if_fail (id == PROP_NAME || _scl_home_is_here (self->home));

  switch ((SclNetworkProperty) id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_SPEC:
      g_value_set_object (value, self->spec);
      break;
    case PROP_NAMESPACE:
      g_value_set_string (value, self->namespace);
      break;
    case PROP_VMS:
      g_value_set_boxed (value, self->vms);
      break;
    case PROP_PROBLEMS:
      g_value_set_boxed (value, self->problems);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_network_finalize (GObject *object)
{
  SclNetwork *self = SCL_NETWORK (object);

  g_clear_object (&self->driver);
  _scl_home_unref (self->home);
  g_free (self->name);
  g_clear_object (&self->spec);
  g_free (self->namespace);
  g_strfreev (self->vms);
  g_strfreev (self->problems);
  G_OBJECT_CLASS (scl_network_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static void
scl_network_class_init (SclNetworkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_network_get_property;
  object_class->finalize = scl_network_finalize;

  /**
   * SclNetwork:name:
   *
   * Its name.
   *
   * Since: 0.1
   */
  properties[PROP_NAME]
      = g_param_spec_string ("name", NULL, NULL, NULL, FLAGS);
  /**
   * SclNetwork:spec:
   *
   * What it is set to, read back from the kernel; %NULL if it is incomplete.
   *
   * Since: 0.1
   */
  properties[PROP_SPEC]
      = g_param_spec_object ("spec", NULL, NULL, SCL_TYPE_NETWORK_SPEC, FLAGS);
  /**
   * SclNetwork:namespace:
   *
   * The name of its network namespace, as `ip netns` knows it.
   *
   * Since: 0.1
   */
  properties[PROP_NAMESPACE]
      = g_param_spec_string ("namespace", NULL, NULL, NULL, FLAGS);
  /**
   * SclNetwork:vms:
   *
   * Names of the VMs that are connected to it.
   *
   * Since: 0.1
   */
  properties[PROP_VMS]
      = g_param_spec_boxed ("vms", NULL, NULL, G_TYPE_STRV, FLAGS);
  /**
   * SclNetwork:problems:
   *
   * What is not as it should be; the next apply repairs it.
   *
   * Since: 0.1
   */
  properties[PROP_PROBLEMS]
      = g_param_spec_boxed ("problems", NULL, NULL, G_TYPE_STRV, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_network_init (SclNetwork *self)
{
}

SclNetwork *
_scl_network_new (SclDriver *driver, SclHome *home, const char *name)
{
  SclNetwork *self = g_object_new (SCL_TYPE_NETWORK, NULL);

  self->driver = g_object_ref (driver);
  self->home = _scl_home_ref (home);
  self->name = g_strdup (name);
  self->namespace
      = _scl_names_namespace (SCL_DRIVER_GET_IFACE (driver)->get_prefix (driver), name);
  return self;
}

/**
 * scl_network_get_name:
 * @self: a #SclNetwork
 *
 * Its name.
 *
 * Returns: see #SclNetwork:name
 *
 * Since: 0.1
 */
const char *
scl_network_get_name (SclNetwork *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK (self), NULL);

  return self->name;
}

/**
 * scl_network_get_spec:
 * @self: a #SclNetwork
 *
 * What it is set to, read back from the kernel; %NULL if it is incomplete.
 *
 * Returns: (transfer none) (nullable): see #SclNetwork:spec
 *
 * Since: 0.1
 */
SclNetworkSpec *
scl_network_get_spec (SclNetwork *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK (self) && _scl_home_is_here (self->home), NULL);

  return self->spec;
}

/**
 * scl_network_get_namespace:
 * @self: a #SclNetwork
 *
 * The name of its network namespace, as `ip netns` knows it.
 *
 * Returns: see #SclNetwork:namespace
 *
 * Since: 0.1
 */
const char *
scl_network_get_namespace (SclNetwork *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK (self), NULL);

  return self->namespace;
}

/**
 * scl_network_get_vms:
 * @self: a #SclNetwork
 *
 * Names of the VMs that are connected to it.
 *
 * Returns: (transfer none) (array zero-terminated=1): see #SclNetwork:vms
 *
 * Since: 0.1
 */
const char *const *
scl_network_get_vms (SclNetwork *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK (self) && _scl_home_is_here (self->home), NULL);

  return (const char *const *) self->vms;
}

/**
 * scl_network_get_problems:
 * @self: a #SclNetwork
 *
 * What is not as it should be; the next apply repairs it.
 *
 * Returns: (transfer none) (array zero-terminated=1): see #SclNetwork:problems
 *
 * Since: 0.1
 */
const char *const *
scl_network_get_problems (SclNetwork *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK (self) && _scl_home_is_here (self->home), NULL);

  return (const char *const *) self->problems;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

/* By name, each once: a VM may have several NICs in a network. */
static char **
list_vms (GPtrArray *ports)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < ports->len; i++)
    g_ptr_array_add (names, ((SclPort *) ports->pdata[i])->vm);
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    if (i == 0 || g_strcmp0 (names->pdata[i - 1], names->pdata[i]) != 0)
      g_strv_builder_add (builder, names->pdata[i]);
  return g_strv_builder_end (builder);
}

static char **
list_strings (GPtrArray *strings)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < strings->len; i++)
    g_strv_builder_add (builder, strings->pdata[i]);
  return g_strv_builder_end (builder);
}

static void
tell (SclNetwork *self, SclNetworkProperty property, gboolean changed)
{
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

void
_scl_network_update (SclNetwork *self, const SclObservedNetwork *observed)
{
  /* Nothing is told before all of it is so. */
  g_object_freeze_notify (G_OBJECT (self));
  tell (self, PROP_SPEC,
        _scl_change_object (&self->spec, observed->spec, (GEqualFunc) scl_network_spec_equal));
  tell (self, PROP_VMS, _scl_change_strv (&self->vms, list_vms (observed->ports)));
  tell (self, PROP_PROBLEMS, _scl_change_strv (&self->problems, list_strings (observed->problems)));
  g_object_thaw_notify (G_OBJECT (self));
}

/**
 * scl_network_delete:
 * @self: a #SclNetwork
 *
 * Removes the network: namespace, links and rules. %SCL_ERROR_IN_USE if a VM is connected to it.
 *
 * Returns: (transfer full): the operation under way
 *
 * Since: 0.1
 */
SclOperation *
scl_network_delete (SclNetwork *self)
{
  g_return_val_if_fail (SCL_IS_NETWORK (self), NULL);

  return _scl_request_start_removal (self->driver, SCL_OBJECT_KIND_NETWORK, self->name,
                                     SCL_DELETE_NONE);
}
