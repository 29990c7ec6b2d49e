/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-run-address.h"

#include "sclctl-json.h"
#include "sclctl-run-view.h"
#include "sclctl-wait.h"

#include <string.h>

/* Tried are the addresses that follow the declared one in its /24, then those of a range that is for
 * tests (RFC 2544), so that nobody else should have them. */
#define NEAR_TRIES 16
#define ALL_TRIES 32
#define RANGE_FIRST ((198u << 24) | (18u << 16))

typedef struct
{
  guint32 declared;
  guint32 used;
  guint tries;
  char *reason; /* who has the declared one */
} Move;

typedef struct
{
  SclctlContext *context;
  SclManifest *declared;
  GHashTable *moves; /* name of a network -> Move */
} Search;

static void
move_free (gpointer data)
{
  Move *self = data;

  g_free (self->reason);
  g_free (self);
}

static guint32
to_number (GInetAddress *address)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);

  return ((guint32)bytes[0] << 24) | ((guint32)bytes[1] << 16) | ((guint32)bytes[2] << 8) | bytes[3];
}

static GInetAddress *
to_address (guint32 number)
{
  guint8 bytes[] = { number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255 };

  return g_inet_address_new_from_bytes (bytes, G_SOCKET_FAMILY_IPV4);
}

static char *
to_text (guint32 number)
{
  g_autoptr (GInetAddress) address = to_address (number);

  return g_inet_address_to_string (address);
}

/* A construct-only object as it is, but for one property. */
static gpointer
copy_with (GObject *object, const char *property, gpointer value)
{
  guint count = 0;
  g_autofree GParamSpec **specs
      = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &count);
  g_autofree const char **names = g_new0 (const char *, count);
  g_autofree GValue *values = g_new0 (GValue, count);
  GObject *copy;

  for (guint i = 0; i < count; i++)
    {
      names[i] = specs[i]->name;
      g_value_init (&values[i], specs[i]->value_type);
      if (g_str_equal (names[i], property))
        g_value_set_object (&values[i], value);
      else
        g_object_get_property (object, names[i], &values[i]);
    }
  copy = g_object_new_with_properties (G_OBJECT_TYPE (object), count, names, values);
  for (guint i = 0; i < count; i++)
    g_value_unset (&values[i]);
  return copy;
}

static SclManifest *
make_manifest (Search *self)
{
  GListModel *networks = scl_manifest_get_networks (self->declared);
  g_autoptr (GListStore) moved = g_list_store_new (SCL_TYPE_NETWORK_SPEC);

  for (guint i = 0; i < g_list_model_get_n_items (networks); i++)
    {
      g_autoptr (SclNetworkSpec) spec = g_list_model_get_item (networks, i);
      Move *move = g_hash_table_lookup (self->moves, scl_network_spec_get_name (spec));
      g_autoptr (GInetAddress) address = move == NULL ? NULL : to_address (move->used);
      g_autoptr (SclNetworkSpec) copy
          = move == NULL ? NULL : copy_with (G_OBJECT (spec), "external-ip", address);

      g_list_store_append (moved, copy != NULL ? copy : spec);
    }
  return copy_with (G_OBJECT (self->declared), "networks", moved);
}

/* (nullable): of the network whose external address a finding is about. */
static SclNetworkSpec *
find_network (Search *self, SclDiagnostic *diagnostic)
{
  GListModel *networks = scl_manifest_get_networks (self->declared);

  for (guint i = 0; i < g_list_model_get_n_items (networks); i++)
    {
      g_autoptr (SclNetworkSpec) spec = g_list_model_get_item (networks, i);
      g_autofree char *path
          = g_strdup_printf ("networks.%s.externalIP", scl_network_spec_get_name (spec));

      if (g_strcmp0 (path, scl_diagnostic_get_path (diagnostic)) == 0
          && scl_network_spec_get_external_ip (spec) != NULL)
        return spec;
    }
  return NULL;
}

static guint32
candidate (const Move *move)
{
  guint32 last = (move->declared & 255) + move->tries;

  if (move->tries > NEAR_TRIES)
    return RANGE_FIRST + move->tries - NEAR_TRIES;
  return (move->declared & ~255u) | (last > 254 ? last - 254 : last);
}

/* The manifest alone says that it cannot be. */
static gboolean
is_contradiction (Search *self)
{
  g_autoptr (SclManifest) manifest = make_manifest (self);
  const char *prefix = scl_connection_get_prefix (self->context->connection);

  return !scl_manifest_validate (manifest, prefix, NULL);
}

static gboolean
advance (Search *self, const char *name, Move *move, GError **error)
{
  g_autofree char *text = to_text (move->declared);

  do
    {
      move->tries++;
      move->used = candidate (move);
    }
  while (move->tries <= ALL_TRIES && is_contradiction (self));
  if (move->tries <= ALL_TRIES)
    return TRUE;
  g_set_error (error, SCL_ERROR, SCL_ERROR_EXISTS,
               "network \"%s\": external IP %s %s, and no other one that was tried is free: declare "
               "one that is",
               name, text, move->reason);
  return FALSE;
}

/* "192.168.10.1 is taken by …: take another address" without the address and the advice. */
static char *
dup_reason (const char *message, guint32 address)
{
  g_autofree char *text = to_text (address);
  const char *rest = g_str_has_prefix (message, text) ? message + strlen (text) + 1 : message;
  const char *advice = g_strrstr (rest, ": take ");

  return advice == NULL ? g_strdup (rest) : g_strndup (rest, (gsize)(advice - rest));
}

static Move *
get_move (Search *self, SclNetworkSpec *spec, SclDiagnostic *diagnostic)
{
  const char *name = scl_network_spec_get_name (spec);
  Move *move = g_hash_table_lookup (self->moves, name);

  if (move != NULL || scl_diagnostic_get_severity (diagnostic) != SCL_SEVERITY_ERROR)
    return move;
  move = g_new0 (Move, 1);
  move->declared = move->used = to_number (scl_network_spec_get_external_ip (spec));
  move->reason = dup_reason (scl_diagnostic_get_message (diagnostic), move->declared);
  g_hash_table_insert (self->moves, g_strdup (name), move);
  return move;
}

/* What we choose must have nothing against it, so warnings count then, too. OUT_MOVED: another plan
 * is needed. */
static gboolean
judge (Search *self, SclPlan *plan, gboolean *out_moved, GError **error)
{
  GListModel *found = scl_plan_get_diagnostics (plan);

  *out_moved = FALSE;
  for (guint i = 0; i < g_list_model_get_n_items (found); i++)
    {
      g_autoptr (SclDiagnostic) diagnostic = g_list_model_get_item (found, i);
      SclNetworkSpec *spec = find_network (self, diagnostic);
      Move *move = spec == NULL ? NULL : get_move (self, spec, diagnostic);

      if (move == NULL)
        continue;
      *out_moved = TRUE;
      if (!advance (self, scl_network_spec_get_name (spec), move, error))
        return FALSE;
    }
  return TRUE;
}

/* "; ssh -p 2222 192.168.10.2", if that is how one of the guests is reached. */
static char *
describe_ssh (SclNetworkSpec *spec, const char *address)
{
  GListModel *forwards = scl_network_spec_get_forwards (spec);

  for (guint i = 0; i < g_list_model_get_n_items (forwards); i++)
    {
      g_autoptr (SclForwardSpec) forward = g_list_model_get_item (forwards, i);

      if (scl_forward_spec_get_protocol (forward) == SCL_PROTOCOL_TCP
          && scl_forward_spec_get_port (forward) == 22)
        return g_strdup_printf ("; ssh -p %u %s", scl_forward_spec_get_host_port (forward), address);
    }
  return g_strdup ("");
}

static void
tell_move (Search *self, SclNetworkSpec *spec, const Move *move)
{
  g_autofree char *declared = to_text (move->declared);
  g_autofree char *used = to_text (move->used);
  g_autofree char *ssh = describe_ssh (spec, used);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "network", scl_network_spec_get_name (spec));
  json_object_set_string_member (object, "declared", declared);
  json_object_set_string_member (object, "used", used);
  json_object_set_string_member (object, "reason", move->reason);
  sclctl_run_event (self->context, "externalIP", object);
  sclctl_tell (self->context, "external IP %s %s: using %s%s", declared, move->reason, used, ssh);
}

static void
tell_moves (Search *self)
{
  GListModel *networks = scl_manifest_get_networks (self->declared);

  for (guint i = 0; i < g_list_model_get_n_items (networks); i++)
    {
      g_autoptr (SclNetworkSpec) spec = g_list_model_get_item (networks, i);
      Move *move = g_hash_table_lookup (self->moves, scl_network_spec_get_name (spec));

      if (move != NULL)
        tell_move (self, spec, move);
    }
}

SclPlan *
sclctl_plan_with_free_addresses (SclctlContext *context, SclManifest **manifest,
                                 SclApplyFlags flags, GError **error)
{
  g_autoptr (SclManifest) declared = g_object_ref (*manifest);
  g_autoptr (GHashTable) moves = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, move_free);
  Search self = { .context = context, .declared = declared, .moves = moves };
  g_autoptr (SclPlan) plan = NULL;
  gboolean moved;

  do
    {
      g_clear_object (&plan);
      plan = sclctl_make_plan (context, *manifest, flags, error);
      if (plan == NULL || !judge (&self, plan, &moved, error))
        return NULL;
      if (moved)
        {
          g_object_unref (*manifest);
          *manifest = make_manifest (&self);
        }
    }
  while (moved);
  tell_moves (&self);
  return g_steal_pointer (&plan);
}
