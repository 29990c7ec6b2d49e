/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-connection-private.h"
#include "base/scl-throw-private.h"
#include <scl/scl-enum-types.h>

#define DEFAULT_URI "local:"

/**
 * SclConnection:
 *
 * The one way in, as virConnect is in libvirt: everything that is there is reached from it, and
 * everything is changed through it.
 *
 * `local:` is the engine in this process. It takes parameters (percent-encoded):
 * `hypervisor=` (`qemu:///system` by default, another libvirt QEMU or test URI, `qemu:///embed` for
 * libvirt's QEMU driver inside this process, or `memory`), `state=` (a folder, /var/lib/scl by default)
 * and `prefix=` (`scl` by default): instances with different prefixes on one host never meet.
 *
 * Every call that looks, plans, changes, locks or closes may be made from any thread and needs no
 * main loop; after a close in another thread those under way end with an error or with what they
 * had read. The lists, and the objects in them except for their names and verbs, belong to one thread:
 * the one that opened the connection, or whoever runs its thread-default main context. What is read by
 * scl_connection_refresh() in another thread is sent there. A call of theirs in a wrong thread is refused
 * with a critical. Signals and property notifications are emitted in the opener's thread-default main
 * context, those of lists and objects also in its scl_connection_refresh(). Changes of one object are told
 * in their order, changes of several in any.
 *
 * libscl runs libvirt's events on a thread of its own, unless the application has registered an event
 * implementation before the first open; then the application must run it.
 *
 * Since: 0.1
 */

G_DEFINE_FINAL_TYPE (SclConnection, scl_connection, G_TYPE_OBJECT)

typedef enum {
  PROP_URI = 1,
  PROP_NETWORKS,
  PROP_VOLUMES,
  PROP_VMS,
  PROP_DIAGNOSTICS,
} SclConnectionProperty;

static GParamSpec *properties[PROP_DIAGNOSTICS + 1];
static guint object_changed_signal;

static void
scl_connection_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclConnection *self = SCL_CONNECTION (object);

  g_return_if_fail (id == PROP_URI || _scl_home_is_here (self->home));

  switch ((SclConnectionProperty) id)
    {
    case PROP_URI:
      g_value_set_string (value, self->uri);
      break;
    case PROP_NETWORKS:
      g_value_set_object (value, self->networks);
      break;
    case PROP_VOLUMES:
      g_value_set_object (value, self->volumes);
      break;
    case PROP_VMS:
      g_value_set_object (value, self->vms);
      break;
    case PROP_DIAGNOSTICS:
      g_value_set_object (value, self->diagnostics);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_connection_dispose (GObject *object)
{
  scl_connection_close (SCL_CONNECTION (object));
  G_OBJECT_CLASS (scl_connection_parent_class)->dispose (object);
}

static void
scl_connection_finalize (GObject *object)
{
  SclConnection *self = SCL_CONNECTION (object);

  g_free (self->uri);
  g_free (self->prefix);
  _scl_home_unref (self->home);
  g_clear_pointer (&self->reading, _scl_reading_free);
  g_mutex_clear (&self->mutex);
  g_object_unref (self->networks);
  g_object_unref (self->volumes);
  g_object_unref (self->vms);
  g_object_unref (self->diagnostics);
  G_OBJECT_CLASS (scl_connection_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static void
install_properties (GObjectClass *object_class)
{
  /**
   * SclConnection:uri:
   *
   * What was opened.
   *
   * Since: 0.1
   */
  properties[PROP_URI] = g_param_spec_string ("uri", NULL, NULL, NULL, FLAGS);
  /**
   * SclConnection:networks:
   *
   * The networks that are there, #SclNetwork, as of the last refresh.
   *
   * Since: 0.1
   */
  properties[PROP_NETWORKS]
      = g_param_spec_object ("networks", NULL, NULL, G_TYPE_LIST_MODEL, FLAGS);
  /**
   * SclConnection:volumes:
   *
   * The volumes that are there, #SclVolume, as of the last refresh.
   *
   * Since: 0.1
   */
  properties[PROP_VOLUMES] = g_param_spec_object ("volumes", NULL, NULL, G_TYPE_LIST_MODEL, FLAGS);
  /**
   * SclConnection:vms:
   *
   * The VMs that are there, #SclVm, as of the last refresh.
   *
   * Since: 0.1
   */
  properties[PROP_VMS] = g_param_spec_object ("vms", NULL, NULL, G_TYPE_LIST_MODEL, FLAGS);
  /**
   * SclConnection:diagnostics:
   *
   * What there is to say about the host as of the last refresh, #SclDiagnostic.
   *
   * Since: 0.1
   */
  properties[PROP_DIAGNOSTICS]
      = g_param_spec_object ("diagnostics", NULL, NULL, G_TYPE_LIST_MODEL, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_connection_class_init (SclConnectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_connection_get_property;
  object_class->dispose = scl_connection_dispose;
  object_class->finalize = scl_connection_finalize;
  install_properties (object_class);

  /**
   * SclConnection::object-changed:
   * @self: the connection
   * @kind: what kind of object
   * @name: its name; empty: any of that kind, since the hypervisor was away for a while
   *
   * Something has changed, by SCL or behind its back; a refresh tells what.
   *
   * Since: 0.1
   */
  object_changed_signal
      = g_signal_new ("object-changed", SCL_TYPE_CONNECTION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, SCL_TYPE_OBJECT_KIND, G_TYPE_STRING);
}

static void
scl_connection_init (SclConnection *self)
{
  self->home = _scl_home_new ();
  g_mutex_init (&self->mutex);
  self->networks = g_list_store_new (SCL_TYPE_NETWORK);
  self->volumes = g_list_store_new (SCL_TYPE_VOLUME);
  self->vms = g_list_store_new (SCL_TYPE_VM);
  self->diagnostics = g_list_store_new (SCL_TYPE_DIAGNOSTIC);
}

typedef struct
{
  GWeakRef connection;
  SclObjectKind kind;
  char *name;
} Change;

static void
change_free (gpointer data)
{
  Change *change = data;

  g_weak_ref_clear (&change->connection);
  g_free (change->name);
  g_free (change);
}

static gboolean
emit_change (gpointer data)
{
  Change *change = data;
  g_autoptr (SclConnection) self = g_weak_ref_get (&change->connection);

  if (self != NULL)
    g_signal_emit (self, object_changed_signal, 0, change->kind, change->name);
  return G_SOURCE_REMOVE;
}

/* In a thread of the driver. The connection lives: close ends the watching before it goes. */
static void
on_change (SclObjectKind kind, const char *name, gpointer user_data)
{
  SclConnection *self = user_data;
  g_autoptr (GSource) source = NULL;
  Change *change;

  /* Where no loop runs, what is sent would pile up. */
  if (!g_signal_has_handler_pending (self, object_changed_signal, 0, FALSE))
    return;
  change = g_new0 (Change, 1);
  g_weak_ref_init (&change->connection, self);
  change->kind = kind;
  change->name = g_strdup (name);
  source = _scl_home_send (self->home, emit_change, change, change_free);
}

SclConnection *
_scl_connection_new (const char *uri, SclDriver *driver)
{
  SclConnection *self = g_object_new (SCL_TYPE_CONNECTION, NULL);

  self->uri = g_strdup (uri);
  self->prefix = g_strdup (SCL_DRIVER_GET_IFACE (driver)->get_prefix (driver));
  self->driver = g_object_ref (driver);
  SCL_DRIVER_GET_IFACE (driver)->watch (driver, on_change, self);
  return self;
}

/**
 * scl_connection_open:
 * @uri: (nullable): what to open, %NULL for `local:`
 * @cancellable: (nullable): a #GCancellable
 * @error: location for a #GError, or %NULL
 *
 * Opens a connection. Nothing is read yet: see scl_connection_refresh().
 *
 * The threads of an embedded hypervisor (`local:?hypervisor=qemu:///embed`) go on until the process is
 * gone, also after the connection is closed. End such a process with `_exit()`: exit() takes
 * libraries from under them, which now and then is a crash after everything is done.
 *
 * A fork() of a process that has opened a connection can use neither that nor open one of its own:
 * %SCL_ERROR_UNSUPPORTED. The threads that serve connections are not there.
 *
 * Returns: (transfer full): a new connection, or %NULL: %SCL_ERROR_INVALID (wrong URI),
 * %SCL_ERROR_PERMISSION (not root), %SCL_ERROR_NOT_FOUND (no libvirtd), %SCL_ERROR_IN_USE (the prefix
 * is another instance's, or another embedded root is open in this process)
 *
 * Since: 0.1
 */
SclConnection *
scl_connection_open (const char *uri, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclDriver) driver = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  uri = uri == NULL ? DEFAULT_URI : uri;
  driver = _scl_driver_open (uri, cancellable, error);
  return driver == NULL ? NULL : _scl_connection_new (uri, driver);
}

SclDriver *
_scl_connection_ref_driver (SclConnection *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;

  if (!_scl_driver_check_process (error))
    return NULL;
  locker = g_mutex_locker_new (&self->mutex);
  if (self->driver == NULL)
    return scl_null_throw (error, SCL_ERROR_FAILED, "the connection is closed");
  return g_object_ref (self->driver);
}

gboolean
_scl_connection_check_open (SclConnection *self, GError **error)
{
  g_autoptr (SclDriver) driver = _scl_connection_ref_driver (self, error);

  return driver != NULL;
}

/**
 * scl_connection_close:
 * @self: a #SclConnection
 *
 * Closes the connection and gives up its lock, with the last operation that runs under it. Running
 * operations go on. Closing twice is harmless.
 *
 * Since: 0.1
 */
void
scl_connection_close (SclConnection *self)
{
  g_autoptr (SclDriver) driver = NULL;

  g_return_if_fail (SCL_IS_CONNECTION (self));

  /* The lock is that of the process that opened it. */
  if (!_scl_driver_check_process (NULL))
    return;
  g_mutex_lock (&self->mutex);
  driver = g_steal_pointer (&self->driver);
  g_mutex_unlock (&self->mutex);
  if (driver == NULL)
    return;
  SCL_DRIVER_GET_IFACE (driver)->watch (driver, NULL, NULL);
  SCL_DRIVER_GET_IFACE (driver)->unlock (driver);
}

/**
 * scl_connection_get_uri:
 * @self: a #SclConnection
 *
 * What was opened.
 *
 * Returns: the URI
 *
 * Since: 0.1
 */
const char *
scl_connection_get_uri (SclConnection *self)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self), NULL);

  return self->uri;
}

/**
 * scl_connection_get_prefix:
 * @self: a #SclConnection
 *
 * The name of the instance: the first part of every name that it makes.
 *
 * Returns: e.g. "scl"
 *
 * Since: 0.1
 */
const char *
scl_connection_get_prefix (SclConnection *self)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self), NULL);

  return self->prefix;
}

/**
 * scl_connection_set_lock_timeout:
 * @self: a #SclConnection
 * @seconds: how long operations wait for the instance's lock; 0: not at all
 *
 * Bounds the wait for whoever is changing the same instance: an operation of this process, on any
 * connection, or another process. 30 by default.
 *
 * Since: 0.1
 */
void
scl_connection_set_lock_timeout (SclConnection *self, guint seconds)
{
  g_autoptr (SclDriver) driver = NULL;

  g_return_if_fail (SCL_IS_CONNECTION (self));

  driver = _scl_connection_ref_driver (self, NULL);
  g_return_if_fail (driver != NULL);
  SCL_DRIVER_GET_IFACE (driver)->set_lock_timeout (driver, seconds);
}

/**
 * scl_connection_lock:
 * @self: a #SclConnection
 * @cancellable: (nullable): a #GCancellable
 * @error: location for a #GError, or %NULL
 *
 * Holds the instance's lock until scl_connection_unlock(), over several operations of this connection;
 * they still follow one another. Operations take it by themselves otherwise. Twice is once.
 *
 * Returns: %TRUE, or %FALSE with %SCL_ERROR_BUSY that names the operation or the pid of the process that
 * has it
 *
 * Since: 0.1
 */
gboolean
scl_connection_lock (SclConnection *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclDriver) driver = NULL;

  g_return_val_if_fail (SCL_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  driver = _scl_connection_ref_driver (self, error);
  return driver != NULL && SCL_DRIVER_GET_IFACE (driver)->lock (driver, cancellable, error);
}

/**
 * scl_connection_unlock:
 * @self: a #SclConnection
 *
 * Gives up what scl_connection_lock() took, with the last operation that runs under it.
 *
 * Since: 0.1
 */
void
scl_connection_unlock (SclConnection *self)
{
  g_autoptr (SclDriver) driver = NULL;

  g_return_if_fail (SCL_IS_CONNECTION (self));

  driver = _scl_connection_ref_driver (self, NULL);
  if (driver != NULL)
    SCL_DRIVER_GET_IFACE (driver)->unlock (driver);
}

/**
 * scl_connection_get_networks:
 * @self: a #SclConnection
 *
 * The networks that were there at the last refresh, by name.
 *
 * Returns: (transfer none): a live list of #SclNetwork
 *
 * Since: 0.1
 */
GListModel *
scl_connection_get_networks (SclConnection *self)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self) && _scl_home_is_here (self->home), NULL);

  return G_LIST_MODEL (self->networks);
}

/**
 * scl_connection_get_volumes:
 * @self: a #SclConnection
 *
 * The volumes that were there at the last refresh, by name.
 *
 * Returns: (transfer none): a live list of #SclVolume
 *
 * Since: 0.1
 */
GListModel *
scl_connection_get_volumes (SclConnection *self)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self) && _scl_home_is_here (self->home), NULL);

  return G_LIST_MODEL (self->volumes);
}

/**
 * scl_connection_get_vms:
 * @self: a #SclConnection
 *
 * The VMs that were there at the last refresh, by name.
 *
 * Returns: (transfer none): a live list of #SclVm
 *
 * Since: 0.1
 */
GListModel *
scl_connection_get_vms (SclConnection *self)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self) && _scl_home_is_here (self->home), NULL);

  return G_LIST_MODEL (self->vms);
}

/**
 * scl_connection_get_diagnostics:
 * @self: a #SclConnection
 *
 * What there was to say about the host at the last refresh.
 *
 * Returns: (transfer none): a live list of #SclDiagnostic
 *
 * Since: 0.1
 */
GListModel *
scl_connection_get_diagnostics (SclConnection *self)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self) && _scl_home_is_here (self->home), NULL);

  return G_LIST_MODEL (self->diagnostics);
}

/* All three kinds of objects have a "name"; borrowed from the list. */
static gpointer
lookup (GListStore *list, const char *name)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (list)); i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (G_LIST_MODEL (list), i);
      g_autofree char *its_name = NULL;

      g_object_get (item, "name", &its_name, NULL);
      if (g_strcmp0 (its_name, name) == 0)
        return item;
    }
  return NULL;
}

/**
 * scl_connection_lookup_network:
 * @self: a #SclConnection
 * @name: name of a network
 *
 * Looks up a network in the list of the last refresh.
 *
 * Returns: (transfer none) (nullable): the network, or %NULL if there is none
 *
 * Since: 0.1
 */
SclNetwork *
scl_connection_lookup_network (SclConnection *self, const char *name)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self) && name != NULL, NULL);
  g_return_val_if_fail (_scl_home_is_here (self->home), NULL);

  return lookup (self->networks, name);
}

/**
 * scl_connection_lookup_volume:
 * @self: a #SclConnection
 * @name: name of a volume
 *
 * Looks up a volume in the list of the last refresh.
 *
 * Returns: (transfer none) (nullable): the volume, or %NULL if there is none
 *
 * Since: 0.1
 */
SclVolume *
scl_connection_lookup_volume (SclConnection *self, const char *name)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self) && name != NULL, NULL);
  g_return_val_if_fail (_scl_home_is_here (self->home), NULL);

  return lookup (self->volumes, name);
}

/**
 * scl_connection_lookup_vm:
 * @self: a #SclConnection
 * @name: name of a VM
 *
 * Looks up a VM in the list of the last refresh.
 *
 * Returns: (transfer none) (nullable): the VM, or %NULL if there is none
 *
 * Since: 0.1
 */
SclVm *
scl_connection_lookup_vm (SclConnection *self, const char *name)
{
  g_return_val_if_fail (SCL_IS_CONNECTION (self) && name != NULL, NULL);
  g_return_val_if_fail (_scl_home_is_here (self->home), NULL);

  return lookup (self->vms, name);
}
