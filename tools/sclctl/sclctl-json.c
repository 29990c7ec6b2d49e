/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-json.h"

#include "sclctl-failure.h"
#include "sclctl-text.h"

#include <math.h>
#include <stdio.h>

JsonNode *
sclctl_json_node (JsonObject *object)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (node, object);
  return node;
}

void
sclctl_json_set (JsonObject *object, const char *key, JsonNode *node)
{
  json_object_set_member (object, key, node != NULL ? node : json_node_new (JSON_NODE_NULL));
}

void
sclctl_json_set_text (JsonObject *object, const char *key, const char *text)
{
  g_autofree char *valid = text == NULL ? NULL : g_utf8_make_valid (text, -1);

  if (valid == NULL)
    json_object_set_null_member (object, key);
  else
    json_object_set_string_member (object, key, valid);
}

/* A text for people, which may say what to type. */
static void
set_message (JsonObject *object, const char *key, const char *text)
{
  g_autofree char *complete = text == NULL ? NULL : sclctl_text_complete (text);

  sclctl_json_set_text (object, key, complete);
}

static void
set_number (JsonObject *object, const char *key, guint64 number)
{
  json_object_set_int_member (object, key, (gint64)MIN (number, G_MAXINT64));
}

static void
set_address (JsonObject *object, const char *key, GInetAddress *address)
{
  g_autofree char *text = address == NULL ? NULL : g_inet_address_to_string (address);

  sclctl_json_set_text (object, key, text);
}

static void
set_time (JsonObject *object, const char *key, GDateTime *time)
{
  g_autoptr (GDateTime) utc = time == NULL ? NULL : g_date_time_to_utc (time);
  g_autofree char *text = utc == NULL ? NULL : g_date_time_format (utc, "%Y-%m-%dT%H:%M:%SZ");

  sclctl_json_set_text (object, key, text);
}

static void
set_words (JsonObject *object, const char *key, const char *const *words)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    json_array_add_string_element (array, words[i]);
  json_object_set_array_member (object, key, array);
}

JsonNode *
sclctl_json_list (GListModel *list, SclctlJsonFunc function)
{
  JsonArray *array = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  for (guint i = 0; list != NULL && i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (list, i);

      json_array_add_element (array, function (item));
    }
  json_node_take_array (node, array);
  return node;
}

static JsonNode *
forward_to_json (SclForwardSpec *forward)
{
  JsonObject *object = json_object_new ();
  gboolean udp = scl_forward_spec_get_protocol (forward) == SCL_PROTOCOL_UDP;

  json_object_set_string_member (object, "protocol", udp ? "udp" : "tcp");
  set_number (object, "hostPort", scl_forward_spec_get_host_port (forward));
  set_address (object, "address", scl_forward_spec_get_address (forward));
  set_number (object, "port", scl_forward_spec_get_port (forward));
  return sclctl_json_node (object);
}

static void
set_network_spec (JsonObject *object, SclNetworkSpec *spec)
{
  set_address (object, "externalIP", scl_network_spec_get_external_ip (spec));
  set_address (object, "gatewayIP", scl_network_spec_get_gateway_ip (spec));
  set_number (object, "prefixLength", scl_network_spec_get_prefix_length (spec));
  sclctl_json_set (
      object, "forwards",
      sclctl_json_list (scl_network_spec_get_forwards (spec), SCLCTL_JSON_FUNC (forward_to_json)));
}

JsonNode *
sclctl_json_network (SclNetwork *network)
{
  JsonObject *object = json_object_new ();
  SclNetworkSpec *spec = scl_network_get_spec (network);

  sclctl_json_set_text (object, "name", scl_network_get_name (network));
  sclctl_json_set_text (object, "namespace", scl_network_get_namespace (network));
  if (spec != NULL)
    set_network_spec (object, spec);
  set_words (object, "vms", scl_network_get_vms (network));
  set_words (object, "problems", scl_network_get_problems (network));
  return sclctl_json_node (object);
}

JsonNode *
sclctl_json_volume (SclVolume *volume)
{
  JsonObject *object = json_object_new ();

  sclctl_json_set_text (object, "name", scl_volume_get_name (volume));
  sclctl_json_set_text (object, "kind", scl_volume_is_nvram (volume) ? "nvram" : "volume");
  sclctl_json_set_text (object, "path", scl_volume_get_path (volume));
  set_number (object, "sizeMiB", scl_volume_get_size_mib (volume));
  set_number (object, "allocatedBytes", scl_volume_get_allocated_bytes (volume));
  sclctl_json_set_text (object, "image", scl_volume_get_image (volume));
  sclctl_json_set_text (object, "vm", scl_volume_get_vm (volume));
  json_object_set_boolean_member (object, "used", scl_volume_is_used (volume));
  json_object_set_boolean_member (object, "foreign", scl_volume_is_foreign (volume));
  set_time (object, "created", scl_volume_get_created (volume));
  return sclctl_json_node (object);
}

static JsonNode *
address_to_json (SclAddress *address)
{
  JsonObject *object = json_object_new ();

  set_address (object, "address", scl_address_get_address (address));
  sclctl_json_set_text (object, "source", scl_address_get_source (address));
  return sclctl_json_node (object);
}

static JsonNode *
nic_to_json (SclNicSpec *nic)
{
  JsonObject *object = json_object_new ();

  sclctl_json_set_text (object, "network", scl_nic_spec_get_network (nic));
  sclctl_json_set_text (object, "mac", scl_nic_spec_get_mac (nic));
  return sclctl_json_node (object);
}

static JsonNode *
disk_to_json (SclDiskSpec *disk)
{
  JsonObject *object = json_object_new ();

  sclctl_json_set_text (object, "volume", scl_disk_spec_get_volume (disk));
  sclctl_json_set_text (object, "image", scl_disk_spec_get_image (disk));
  set_number (object, "sizeMiB", scl_disk_spec_get_size_mib (disk));
  return sclctl_json_node (object);
}

static void
set_vm_spec (JsonObject *object, SclVmSpec *spec)
{
  static const char *const accelerators[] = { "auto", "kvm", "tcg" };
  gboolean bios = scl_vm_spec_get_firmware (spec) == SCL_FIRMWARE_BIOS;
  gboolean restart = scl_vm_spec_get_on_change (spec) == SCL_ON_CHANGE_RESTART;

  set_number (object, "cores", scl_vm_spec_get_cores (spec));
  set_number (object, "memoryMiB", scl_vm_spec_get_memory_mib (spec));
  json_object_set_boolean_member (object, "autoStart", scl_vm_spec_get_auto_start (spec));
  json_object_set_string_member (object, "firmware", bios ? "bios" : "uefi");
  json_object_set_string_member (object, "accelerator",
                                 accelerators[MIN (scl_vm_spec_get_accelerator (spec), 2)]);
  json_object_set_string_member (object, "onChange", restart ? "restart" : "nextBoot");
  set_number (object, "shutdownTimeoutSeconds", scl_vm_spec_get_shutdown_timeout (spec));
  sclctl_json_set (
      object, "disks",
      sclctl_json_list (scl_vm_spec_get_disks (spec), SCLCTL_JSON_FUNC (disk_to_json)));
  sclctl_json_set (object, "nics",
                   sclctl_json_list (scl_vm_spec_get_nics (spec), SCLCTL_JSON_FUNC (nic_to_json)));
}

static void
set_vm_uptime (JsonObject *object, SclVm *vm)
{
  if (!sclctl_vm_is_on (vm) || scl_vm_get_uptime (vm) < 0)
    json_object_set_null_member (object, "uptimeSeconds");
  else
    json_object_set_int_member (object, "uptimeSeconds", scl_vm_get_uptime (vm));
}

static void
set_vm_live (JsonObject *object, SclVmSpec *live)
{
  if (live == NULL)
    {
      json_object_set_null_member (object, "liveCores");
      json_object_set_null_member (object, "liveMemoryMiB");
      return;
    }
  set_number (object, "liveCores", scl_vm_spec_get_cores (live));
  set_number (object, "liveMemoryMiB", scl_vm_spec_get_memory_mib (live));
}

JsonNode *
sclctl_json_vm (SclVm *vm)
{
  JsonObject *object = json_object_new ();
  SclVmSpec *spec = scl_vm_get_spec (vm);

  sclctl_json_set_text (object, "name", scl_vm_get_name (vm));
  sclctl_json_set_text (object, "state", sclctl_text_vm_state (scl_vm_get_state (vm)));
  sclctl_json_set_text (object, "stateReason", scl_vm_get_state_reason (vm));
  sclctl_json_set_text (object, "stoppedBy", sclctl_text_stopped_by (scl_vm_get_stopped_by (vm)));
  json_object_set_boolean_member (object, "saved", scl_vm_is_saved (vm));
  set_message (object, "lostAtStop", scl_vm_get_lost_at_stop (vm));
  set_vm_uptime (object, vm);
  sclctl_json_set (
      object, "addresses",
      sclctl_json_list (scl_vm_get_addresses (vm), SCLCTL_JSON_FUNC (address_to_json)));
  set_words (object, "pending", scl_vm_get_pending (vm));
  set_vm_live (object, scl_vm_get_live_spec (vm));
  sclctl_json_set_text (object, "logPath", scl_vm_get_log_path (vm));
  if (spec != NULL)
    set_vm_spec (object, spec);
  return sclctl_json_node (object);
}

static void
set_step (JsonObject *object, SclStep *step)
{
  const guint *needs;
  gsize n_needs = 0;
  JsonArray *array = json_array_new ();
  JsonArray *names = json_array_new ();

  set_number (object, "id", scl_step_get_id (step));
  sclctl_json_set_text (object, "action", sclctl_text_action (scl_step_get_action (step)));
  sclctl_json_set_text (object, "kind", sclctl_text_kind (scl_step_get_kind (step)));
  sclctl_json_set_text (object, "name", scl_step_get_name (step));
  for (const char *const *name = scl_step_get_names (step); *name != NULL; name++)
    json_array_add_string_element (names, *name);
  json_object_set_array_member (object, "names", names);
  set_message (object, "reason", scl_step_get_reason (step));
  json_object_set_boolean_member (object, "removal", scl_step_is_removal (step));
  needs = scl_step_get_needs (step, &n_needs);
  for (gsize i = 0; i < n_needs; i++)
    json_array_add_int_element (array, needs[i]);
  json_object_set_array_member (object, "needs", array);
}

JsonNode *
sclctl_json_step (SclStep *step)
{
  JsonObject *object = json_object_new ();

  set_step (object, step);
  return sclctl_json_node (object);
}

JsonNode *
sclctl_json_result (SclStepResult *result)
{
  JsonObject *object = json_object_new ();
  g_autofree char *message = NULL;

  set_step (object, scl_step_result_get_step (result));
  sclctl_json_set_text (object, "status",
                        sclctl_text_step_status (scl_step_result_get_status (result)));
  json_object_set_double_member (object, "seconds",
                                 round (scl_step_result_get_seconds (result) * 1000) / 1000);
  sclctl_json_set (object, "error", sclctl_json_error (scl_step_result_get_error (result)));
  g_object_get (result, "message", &message, NULL);
  set_message (object, "remark", message);
  return sclctl_json_node (object);
}

JsonNode *
sclctl_json_diagnostic (SclDiagnostic *diagnostic)
{
  JsonObject *object = json_object_new ();

  sclctl_json_set_text (object, "severity",
                        sclctl_text_severity (scl_diagnostic_get_severity (diagnostic)));
  sclctl_json_set_text (object, "file", scl_diagnostic_get_file (diagnostic));
  set_number (object, "line", scl_diagnostic_get_line (diagnostic));
  set_number (object, "column", scl_diagnostic_get_column (diagnostic));
  sclctl_json_set_text (object, "path", scl_diagnostic_get_path (diagnostic));
  set_message (object, "message", scl_diagnostic_get_message (diagnostic));
  return sclctl_json_node (object);
}

JsonNode *
sclctl_json_error (const GError *error)
{
  JsonObject *object;

  if (error == NULL)
    return json_node_new (JSON_NODE_NULL);
  object = json_object_new ();
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    json_object_set_string_member (object, "code", "cancelled");
  else if (error->domain == SCL_ERROR)
    sclctl_json_set_text (object, "code", scl_error_to_string (error->code));
  else
    json_object_set_string_member (object, "code", "failed");
  set_message (object, "message", error->message);
  return sclctl_json_node (object);
}

static void
print_node (JsonNode *node, gboolean pretty)
{
  g_autofree char *text = json_to_string (node, pretty);

  json_node_unref (node);
  sclctl_failure_set_answered ();
  g_print ("%s\n", text);
}

void
sclctl_json_print (JsonNode *node)
{
  print_node (node, TRUE);
}

void
sclctl_json_print_line (JsonNode *node)
{
  print_node (node, FALSE);
  fflush (stdout);
}
