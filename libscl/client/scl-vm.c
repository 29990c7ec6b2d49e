/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/scl-change-private.h"
#include "client/scl-objects-private.h"
#include "model/scl-list-private.h"
#include "model/scl-vm-spec-private.h"
#include <scl/scl-enum-types.h>

/**
 * SclVm:
 *
 * A virtual machine that is there. Refreshed in place by its connection.
 *
 * Since: 0.1
 */
struct _SclVm
{
  GObject parent_instance;
  SclDriver *driver;
  SclHome *home;
  char *name;
  SclVmSpec *spec;
  SclVmSpec *live_spec;
  SclVmState state;
  char *state_reason;
  SclStoppedBy stopped_by;
  gboolean saved;
  char *lost_at_stop;
  gint64 uptime;
  char **pending;
  GListModel *addresses;
  char *log_path;
};

G_DEFINE_FINAL_TYPE (SclVm, scl_vm, G_TYPE_OBJECT)

typedef enum {
  PROP_NAME = 1,
  PROP_SPEC,
  PROP_LIVE_SPEC,
  PROP_STATE,
  PROP_STATE_REASON,
  PROP_STOPPED_BY,
  PROP_SAVED,
  PROP_LOST_AT_STOP,
  PROP_UPTIME,
  PROP_PENDING,
  PROP_ADDRESSES,
  PROP_LOG_PATH,
} SclVmProperty;

static GParamSpec *properties[PROP_LOG_PATH + 1];

static void
scl_vm_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SclVm *self = SCL_VM (object);

  g_return_if_fail (id == PROP_NAME || _scl_home_is_here (self->home));

  switch ((SclVmProperty) id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_SPEC:
      g_value_set_object (value, self->spec);
      break;
    case PROP_LIVE_SPEC:
      g_value_set_object (value, self->live_spec);
      break;
    case PROP_STATE:
      g_value_set_enum (value, (int) self->state);
      break;
    case PROP_STATE_REASON:
      g_value_set_string (value, self->state_reason);
      break;
    case PROP_STOPPED_BY:
      g_value_set_enum (value, (int) self->stopped_by);
      break;
    case PROP_SAVED:
      g_value_set_boolean (value, self->saved);
      break;
    case PROP_LOST_AT_STOP:
      g_value_set_string (value, self->lost_at_stop);
      break;
    case PROP_UPTIME:
      g_value_set_int64 (value, self->uptime);
      break;
    case PROP_PENDING:
      g_value_set_boxed (value, self->pending);
      break;
    case PROP_ADDRESSES:
      g_value_set_object (value, self->addresses);
      break;
    case PROP_LOG_PATH:
      g_value_set_string (value, self->log_path);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
scl_vm_finalize (GObject *object)
{
  SclVm *self = SCL_VM (object);

  g_clear_object (&self->driver);
  _scl_home_unref (self->home);
  g_free (self->name);
  g_clear_object (&self->spec);
  g_clear_object (&self->live_spec);
  g_free (self->state_reason);
  g_free (self->lost_at_stop);
  g_strfreev (self->pending);
  g_clear_object (&self->addresses);
  g_free (self->log_path);
  G_OBJECT_CLASS (scl_vm_parent_class)->finalize (object);
}

#define FLAGS (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static void
scl_vm_class_init (SclVmClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = scl_vm_get_property;
  object_class->finalize = scl_vm_finalize;

  /**
   * SclVm:name:
   *
   * Its name.
   *
   * Since: 0.1
   */
  properties[PROP_NAME]
      = g_param_spec_string ("name", NULL, NULL, NULL, FLAGS);
  /**
   * SclVm:spec:
   *
   * What it is declared as, read back from its definition; %NULL if that cannot be read.
   *
   * Since: 0.1
   */
  properties[PROP_SPEC]
      = g_param_spec_object ("spec", NULL, NULL, SCL_TYPE_VM_SPEC, FLAGS);
  /**
   * SclVm:live-spec:
   *
   * What the guest was started with and has now, %NULL if it does not run. Cores, memory and other hardware
   * can be other ones than in #SclVm:spec until its next boot: #SclVm:pending.
   *
   * Since: 0.1
   */
  properties[PROP_LIVE_SPEC]
      = g_param_spec_object ("live-spec", NULL, NULL, SCL_TYPE_VM_SPEC, FLAGS);
  /**
   * SclVm:state:
   *
   * Whether it runs.
   *
   * Since: 0.1
   */
  properties[PROP_STATE]
      = g_param_spec_enum ("state", NULL, NULL, SCL_TYPE_VM_STATE, SCL_VM_STATE_STOPPED, FLAGS);
  /**
   * SclVm:state-reason:
   *
   * Why it is in that state, for people.
   *
   * Since: 0.1
   */
  properties[PROP_STATE_REASON]
      = g_param_spec_string ("state-reason", NULL, NULL, NULL, FLAGS);
  /**
   * SclVm:stopped-by:
   *
   * Who wants it off.
   *
   * Since: 0.1
   */
  properties[PROP_STOPPED_BY]
      = g_param_spec_enum ("stopped-by", NULL, NULL, SCL_TYPE_STOPPED_BY, SCL_STOPPED_BY_NOBODY, FLAGS);
  /**
   * SclVm:saved:
   *
   * Whether it is off and its memory is kept (`virsh managedsave`): its next start goes on from there, and is no
   * boot.
   *
   * Since: 0.1
   */
  properties[PROP_SAVED]
      = g_param_spec_boolean ("saved", NULL, NULL, FALSE, FLAGS);
  /**
   * SclVm:lost-at-stop:
   *
   * What is lost for good when it stops, and how to keep it, for people: a disk whose file was deleted while the
   * guest runs from it. Mostly %NULL: nothing. scl_vm_stop() does not ask: whoever calls it should have.
   *
   * Since: 0.1
   */
  properties[PROP_LOST_AT_STOP]
      = g_param_spec_string ("lost-at-stop", NULL, NULL, NULL, FLAGS);
  /**
   * SclVm:uptime:
   *
   * Seconds since it was started; 0 if it does not run, -1 if that is not known.
   *
   * Since: 0.1
   */
  properties[PROP_UPTIME]
      = g_param_spec_int64 ("uptime", NULL, NULL, -1, G_MAXINT64, 0, FLAGS);
  /**
   * SclVm:pending:
   *
   * What changes at its next boot.
   *
   * Since: 0.1
   */
  properties[PROP_PENDING]
      = g_param_spec_boxed ("pending", NULL, NULL, G_TYPE_STRV, FLAGS);
  /**
   * SclVm:addresses:
   *
   * Its addresses, #SclAddress.
   *
   * Since: 0.1
   */
  properties[PROP_ADDRESSES]
      = g_param_spec_object ("addresses", NULL, NULL, G_TYPE_LIST_MODEL, FLAGS);
  /**
   * SclVm:log-path:
   *
   * The file that its serial console is logged to.
   *
   * Since: 0.1
   */
  properties[PROP_LOG_PATH]
      = g_param_spec_string ("log-path", NULL, NULL, NULL, FLAGS);
  g_object_class_install_properties (object_class, G_N_ELEMENTS (properties), properties);
}

static void
scl_vm_init (SclVm *self)
{
}

SclVm *
_scl_vm_new (SclDriver *driver, SclHome *home, const char *name)
{
  SclVm *self = g_object_new (SCL_TYPE_VM, NULL);

  self->driver = g_object_ref (driver);
  self->home = _scl_home_ref (home);
  self->name = g_strdup (name);
  return self;
}

SclDriver *
_scl_vm_peek_driver (SclVm *self)
{
  return self->driver;
}

/**
 * scl_vm_get_name:
 * @self: a #SclVm
 *
 * Its name.
 *
 * Returns: see #SclVm:name
 *
 * Since: 0.1
 */
const char *
scl_vm_get_name (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self), NULL);

  return self->name;
}

/**
 * scl_vm_get_spec:
 * @self: a #SclVm
 *
 * What it is declared as, read back from its definition; %NULL if that cannot be read.
 *
 * Returns: (transfer none) (nullable): see #SclVm:spec
 *
 * Since: 0.1
 */
SclVmSpec *
scl_vm_get_spec (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self) && _scl_home_is_here (self->home), NULL);

  return self->spec;
}

/**
 * scl_vm_get_live_spec:
 * @self: a #SclVm
 *
 * What the guest was started with and has now, which can be other hardware than is declared.
 *
 * Returns: (transfer none) (nullable): see #SclVm:live-spec
 *
 * Since: 0.1
 */
SclVmSpec *
scl_vm_get_live_spec (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self) && _scl_home_is_here (self->home), NULL);

  return self->live_spec;
}

/**
 * scl_vm_get_state:
 * @self: a #SclVm
 *
 * Whether it runs.
 *
 * Returns: see #SclVm:state
 *
 * Since: 0.1
 */
SclVmState
scl_vm_get_state (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self) && _scl_home_is_here (self->home), SCL_VM_STATE_STOPPED);

  return self->state;
}

/**
 * scl_vm_get_state_reason:
 * @self: a #SclVm
 *
 * Why it is in that state, for people.
 *
 * Returns: (nullable): see #SclVm:state-reason
 *
 * Since: 0.1
 */
const char *
scl_vm_get_state_reason (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self) && _scl_home_is_here (self->home), NULL);

  return self->state_reason;
}

/**
 * scl_vm_get_stopped_by:
 * @self: a #SclVm
 *
 * Who wants it off.
 *
 * Returns: see #SclVm:stopped-by
 *
 * Since: 0.1
 */
SclStoppedBy
scl_vm_get_stopped_by (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self) && _scl_home_is_here (self->home), SCL_STOPPED_BY_NOBODY);

  return self->stopped_by;
}

/**
 * scl_vm_is_saved:
 * @self: a #SclVm
 *
 * Whether it is off and its next start goes on from saved memory.
 *
 * Returns: see #SclVm:saved
 *
 * Since: 0.1
 */
gboolean
scl_vm_is_saved (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self) && _scl_home_is_here (self->home), FALSE);

  return self->saved;
}

/**
 * scl_vm_get_lost_at_stop:
 * @self: a #SclVm
 *
 * What is lost for good when it stops, for people.
 *
 * Returns: (nullable): see #SclVm:lost-at-stop
 *
 * Since: 0.1
 */
const char *
scl_vm_get_lost_at_stop (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self) && _scl_home_is_here (self->home), NULL);

  return self->lost_at_stop;
}

/**
 * scl_vm_get_uptime:
 * @self: a #SclVm
 *
 * Seconds since it was started; 0 if it does not run, -1 if that is not known.
 *
 * Returns: see #SclVm:uptime
 *
 * Since: 0.1
 */
gint64
scl_vm_get_uptime (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self) && _scl_home_is_here (self->home), 0);

  return self->uptime;
}

/**
 * scl_vm_get_pending:
 * @self: a #SclVm
 *
 * What changes at its next boot.
 *
 * Returns: (transfer none) (array zero-terminated=1): see #SclVm:pending
 *
 * Since: 0.1
 */
const char *const *
scl_vm_get_pending (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self) && _scl_home_is_here (self->home), NULL);

  return (const char *const *) self->pending;
}

/**
 * scl_vm_get_addresses:
 * @self: a #SclVm
 *
 * Its addresses, #SclAddress.
 *
 * Returns: (transfer none): see #SclVm:addresses
 *
 * Since: 0.1
 */
GListModel *
scl_vm_get_addresses (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self) && _scl_home_is_here (self->home), NULL);

  return self->addresses;
}

/**
 * scl_vm_get_log_path:
 * @self: a #SclVm
 *
 * The file that its serial console is logged to.
 *
 * Returns: (nullable): see #SclVm:log-path
 *
 * Since: 0.1
 */
const char *
scl_vm_get_log_path (SclVm *self)
{
  g_return_val_if_fail (SCL_IS_VM (self) && _scl_home_is_here (self->home), NULL);

  return self->log_path;
}

static char **
list_pending (const SclObservedVm *observed)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *restart = NULL;

  if (observed->spec != NULL && observed->live_spec != NULL)
    restart = _scl_planner_describe_restart (observed->live_spec, observed->spec);
  if (restart != NULL)
    g_strv_builder_add (builder, restart);
  return g_strv_builder_end (builder);
}

static gboolean
is_same_address (SclAddress *a, SclAddress *b)
{
  return g_inet_address_equal (scl_address_get_address (a), scl_address_get_address (b))
         && g_strcmp0 (scl_address_get_source (a), scl_address_get_source (b)) == 0;
}

static gboolean
are_same_addresses (gconstpointer a, gconstpointer b)
{
  GListModel *one = (GListModel *) a, *other = (GListModel *) b;
  guint n = g_list_model_get_n_items (one);
  gboolean same = n == g_list_model_get_n_items (other);

  for (guint i = 0; same && i < n; i++)
    same = is_same_address (_scl_list_peek (one, i), _scl_list_peek (other, i));
  return same;
}

static void
tell (SclVm *self, SclVmProperty property, gboolean changed)
{
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static gint64
find_uptime (const SclObservedVm *observed)
{
  if (observed->started != 0)
    return MAX (0, g_get_real_time () / G_USEC_PER_SEC - observed->started);
  return observed->live_spec != NULL ? -1 : 0;
}

void
_scl_vm_update (SclVm *self, const SclObservedVm *observed, GPtrArray *addresses)
{
  gint64 uptime = find_uptime (observed);
  g_autoptr (GListModel) list = _scl_list_new (SCL_TYPE_ADDRESS, addresses);

  /* Nothing is told before all of it is so. */
  g_object_freeze_notify (G_OBJECT (self));
  tell (self, PROP_SPEC,
        _scl_change_object (&self->spec, observed->spec, (GEqualFunc) scl_vm_spec_equal));
  tell (self, PROP_LIVE_SPEC,
        _scl_change_object (&self->live_spec, observed->live_spec, (GEqualFunc) scl_vm_spec_equal));
  tell (self, PROP_STATE, SCL_CHANGE (self->state, observed->state));
  tell (self, PROP_STATE_REASON, _scl_change_text (&self->state_reason, observed->state_reason));
  tell (self, PROP_STOPPED_BY, SCL_CHANGE (self->stopped_by, observed->stopped_by));
  tell (self, PROP_SAVED, SCL_CHANGE (self->saved, observed->saved != NULL));
  tell (self, PROP_LOST_AT_STOP, _scl_change_text (&self->lost_at_stop, observed->deleted));
  tell (self, PROP_UPTIME, SCL_CHANGE (self->uptime, uptime));
  tell (self, PROP_PENDING, _scl_change_strv (&self->pending, list_pending (observed)));
  tell (self, PROP_ADDRESSES, _scl_change_object (&self->addresses, list, are_same_addresses));
  tell (self, PROP_LOG_PATH, _scl_change_text (&self->log_path, observed->log_path));
  g_object_thaw_notify (G_OBJECT (self));
}
