/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-text.h"

#include <string.h>

static char *connection; /* as the reader has to type it; NULL: the usual one */

void
sclctl_text_set_connection (const char *uri)
{
  g_free (connection);
  connection = uri == NULL ? NULL : g_shell_quote (uri);
}

char *
sclctl_text_complete (const char *text)
{
  static GRegex *command = NULL;
  g_autofree char *with = NULL;

  if (connection == NULL || strstr (text, "sclctl ") == NULL)
    return g_strdup (text);
  if (command == NULL)
    command = g_regex_new ("\\bsclctl (?=(apply|plan|status|vm|volume|network|start|stop|restart|logs|console)\\b"
                           "(?![^\"`']*--help))",
                           G_REGEX_DEFAULT, G_REGEX_MATCH_DEFAULT, NULL);
  with = g_strdup_printf ("sclctl -c %s ", connection);
  return g_regex_replace_literal (command, text, -1, 0, with, G_REGEX_MATCH_DEFAULT, NULL);
}

char *
sclctl_text_harmless (const char *text)
{
  g_autofree char *readable = g_utf8_make_valid (text, -1);
  g_autofree char *valid = sclctl_text_complete (readable);
  GString *clean = g_string_new (NULL);

  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar character = g_utf8_get_char (at);

      if (character == '\t')
        g_string_append_c (clean, ' ');
      else if (g_unichar_iscntrl (character))
        g_string_append_printf (clean, "\\x%02x", character);
      else
        g_string_append_unichar (clean, character);
    }
  return g_string_free (clean, FALSE);
}

char *
sclctl_text_mib (guint64 mib)
{
  if (mib >= 1024 && mib % 1024 == 0)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " GiB", mib / 1024);
  return g_strdup_printf ("%" G_GUINT64_FORMAT " MiB", mib);
}

char *
sclctl_text_bytes (guint64 bytes)
{
  g_autofree char *text = g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);
  /* GLib puts a no-break space there, which breaks column tools. */
  g_auto (GStrv) parts = g_strsplit (text, "\302\240", 2);

  return g_strjoinv (" ", parts);
}

char *
sclctl_text_seconds (gint64 seconds)
{
  gint64 minutes = seconds / 60;
  gint64 hours = minutes / 60;

  if (seconds < 0)
    return g_strdup ("-");
  if (minutes == 0)
    return g_strdup_printf ("%d s", (int)seconds);
  if (hours == 0)
    return g_strdup_printf ("%d min %d s", (int)minutes, (int)(seconds % 60));
  if (hours < 24)
    return g_strdup_printf ("%d h %d min", (int)hours, (int)(minutes % 60));
  return g_strdup_printf ("%" G_GINT64_FORMAT " d %d h", hours / 24, (int)(hours % 24));
}

gboolean
sclctl_vm_is_on (SclVm *vm)
{
  SclVmState state = scl_vm_get_state (vm);

  return state == SCL_VM_STATE_RUNNING || state == SCL_VM_STATE_PAUSED
         || state == SCL_VM_STATE_STOPPING;
}

char *
sclctl_text_uptime (SclVm *vm)
{
  return sclctl_text_seconds (sclctl_vm_is_on (vm) ? scl_vm_get_uptime (vm) : -1);
}

const char *
sclctl_text_kind (SclObjectKind kind)
{
  switch (kind)
    {
    case SCL_OBJECT_KIND_HOST:
      return "host";
    case SCL_OBJECT_KIND_NETWORK:
      return "network";
    case SCL_OBJECT_KIND_VOLUME:
      return "volume";
    case SCL_OBJECT_KIND_VM:
      return "vm";
    }
  return "object";
}

const char *
sclctl_text_action (SclAction action)
{
  static const char *const names[] = {
    [SCL_ACTION_CREATE] = "create",   [SCL_ACTION_UPDATE] = "update",
    [SCL_ACTION_REPAIR] = "repair",   [SCL_ACTION_GROW] = "grow",
    [SCL_ACTION_START] = "start",     [SCL_ACTION_RESTART] = "restart",
    [SCL_ACTION_STOP] = "stop",       [SCL_ACTION_DELETE] = "delete",
    [SCL_ACTION_RELEASE] = "release", [SCL_ACTION_BLOCKED] = "blocked",
  };

  return action < G_N_ELEMENTS (names) ? names[action] : "change";
}

const char *
sclctl_text_vm_state (SclVmState state)
{
  static const char *const names[] = {
    [SCL_VM_STATE_STOPPED] = "stopped", [SCL_VM_STATE_RUNNING] = "running",
    [SCL_VM_STATE_PAUSED] = "paused",   [SCL_VM_STATE_STOPPING] = "stopping",
    [SCL_VM_STATE_CRASHED] = "crashed", [SCL_VM_STATE_UNKNOWN] = "unknown",
  };

  return state < G_N_ELEMENTS (names) ? names[state] : "unknown";
}

const char *
sclctl_text_stopped_by (SclStoppedBy who)
{
  static const char *const names[] = {
    [SCL_STOPPED_BY_NOBODY] = "nobody",
    [SCL_STOPPED_BY_USER] = "user",
    [SCL_STOPPED_BY_GUEST] = "guest",
  };

  return who < G_N_ELEMENTS (names) ? names[who] : "nobody";
}

const char *
sclctl_text_step_status (SclStepStatus status)
{
  static const char *const names[] = {
    [SCL_STEP_STATUS_WAITING] = "waiting", [SCL_STEP_STATUS_RUNNING] = "running",
    [SCL_STEP_STATUS_DONE] = "done",       [SCL_STEP_STATUS_FAILED] = "failed",
    [SCL_STEP_STATUS_SKIPPED] = "skipped", [SCL_STEP_STATUS_CANCELLED] = "cancelled",
    [SCL_STEP_STATUS_REFUSED] = "refused",
  };

  return status < G_N_ELEMENTS (names) ? names[status] : "unknown";
}

const char *
sclctl_text_severity (SclSeverity severity)
{
  switch (severity)
    {
    case SCL_SEVERITY_ERROR:
      return "error";
    case SCL_SEVERITY_WARNING:
      return "warning";
    case SCL_SEVERITY_NOTE:
      return "note";
    }
  return "error";
}

static const char *
kind_in_text (SclObjectKind kind)
{
  return kind == SCL_OBJECT_KIND_VM ? "VM" : sclctl_text_kind (kind);
}

char *
sclctl_text_object (SclObjectKind kind, const char *name)
{
  if (kind == SCL_OBJECT_KIND_HOST || name == NULL || *name == '\0')
    return g_strdup (sclctl_text_kind (kind));
  return g_strdup_printf ("%s \"%s\"", kind_in_text (kind), name);
}

char *
sclctl_text_step_object (SclStep *step)
{
  char **names = (char **)scl_step_get_names (step);
  g_autofree char *quoted = NULL;

  if (g_strv_length (names) < 2)
    return sclctl_text_object (scl_step_get_kind (step), scl_step_get_name (step));
  quoted = g_strjoinv ("\", \"", names);
  return g_strdup_printf ("%ss \"%s\"", kind_in_text (scl_step_get_kind (step)), quoted);
}

static void
append_word (GString *text, const char *word)
{
  if (text->len > 0)
    g_string_append (text, ", ");
  g_string_append (text, word);
}

static char *
finish_words (GString *text)
{
  if (text->len == 0)
    g_string_append_c (text, '-');
  return g_string_free (text, FALSE);
}

char *
sclctl_text_vm_networks (SclVmSpec *spec)
{
  GListModel *nics = spec == NULL ? NULL : scl_vm_spec_get_nics (spec);
  GString *text = g_string_new (NULL);

  for (guint i = 0; nics != NULL && i < g_list_model_get_n_items (nics); i++)
    {
      g_autoptr (SclNicSpec) nic = g_list_model_get_item (nics, i);

      append_word (text, scl_nic_spec_get_network (nic));
    }
  return finish_words (text);
}

char *
sclctl_text_addresses (GListModel *addresses)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; addresses != NULL && i < g_list_model_get_n_items (addresses); i++)
    {
      g_autoptr (SclAddress) address = g_list_model_get_item (addresses, i);
      g_autofree char *number = g_inet_address_to_string (scl_address_get_address (address));
      g_autofree char *word = g_strdup_printf ("%s (%s)", number, scl_address_get_source (address));

      append_word (text, word);
    }
  return finish_words (text);
}

char *
sclctl_text_forwards (GListModel *forwards)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; forwards != NULL && i < g_list_model_get_n_items (forwards); i++)
    {
      g_autoptr (SclForwardSpec) forward = g_list_model_get_item (forwards, i);
      gboolean udp = scl_forward_spec_get_protocol (forward) == SCL_PROTOCOL_UDP;
      g_autofree char *ports = scl_forward_spec_to_string (forward);
      g_autofree char *word = g_strdup_printf ("%s %s", udp ? "udp" : "tcp", ports);

      append_word (text, word);
    }
  return finish_words (text);
}

char *
sclctl_text_subnet (GInetAddress *gateway, guint prefix_length)
{
  gsize size = g_inet_address_get_native_size (gateway);
  g_autofree guint8 *bytes = g_memdup2 (g_inet_address_to_bytes (gateway), size);
  g_autoptr (GInetAddress) base = NULL;
  g_autofree char *text = NULL;

  for (gsize i = 0; i < size; i++)
    {
      guint bits = prefix_length > 8 * i ? MIN (8, prefix_length - 8 * i) : 0;

      bytes[i] &= 0xff00 >> bits;
    }
  base = g_inet_address_new_from_bytes (bytes, g_inet_address_get_family (gateway));
  text = g_inet_address_to_string (base);
  return g_strdup_printf ("%s/%u", text, prefix_length);
}

char *
sclctl_text_join (const char *const *words)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    append_word (text, words[i]);
  return finish_words (text);
}
