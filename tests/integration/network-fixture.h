/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Each test has a root network namespace of its own, with its own /run/netns and run folder: the
 * machine's own is never seen. The whole program enters a mount namespace first, so nothing is left
 * if it is killed. */

#include "backend/network/scl-kernel-networks-private.h"
#include "backend/network/scl-netns-private.h"
#include "model/scl-names-private.h"
#include <scl/scl-error.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "test-skip.h"

#define PREFIX "tkn"
#define RUN_DIR "/run/netns/.run"

typedef struct
{
  SclNetworkBackend *backend;
  SclNetworkBackend *other; /* a second instance; NULL unless a test makes it */
} Fixture;

static inline char *
shell_output (const char *command, int *status)
{
  const char *argv[] = { "/bin/sh", "-c", command, NULL };
  char *output = NULL;
  GError *error = NULL;

  if (!g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, status,
                     &error))
    fail_msg ("%s: %s", command, error->message);
  return g_strchomp (output);
}

/* Runs a shell command in the test's root namespace; must succeed. */
static inline void G_GNUC_PRINTF (1, 2) sh (const char *format, ...)
{
  g_autofree char *command = NULL;
  g_autofree char *output = NULL;
  va_list args;
  int status = 0;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  output = shell_output (command, &status);
  if (status != 0)
    fail_msg ("failed: %s\n%s", command, output);
}

static inline char *G_GNUC_PRINTF (1, 2) sh_output (const char *format, ...)
{
  g_autofree char *command = NULL;
  va_list args;
  int status = 0;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  return shell_output (command, &status);
}

#define assert_ok(expression)                                                                      \
  do                                                                                               \
    {                                                                                              \
      GError *error = NULL;                                                                        \
      if (!(expression))                                                                           \
        fail_msg ("%s: %s", #expression, error == NULL ? "no error" : error->message);             \
    }                                                                                              \
  while (0)

#define assert_throws(expression, wanted)                                                          \
  do                                                                                               \
    {                                                                                              \
      GError *error = NULL;                                                                        \
      if (expression)                                                                              \
        fail_msg ("%s did not fail", #expression);                                                 \
      if (!g_error_matches (error, SCL_ERROR, wanted))                                             \
        fail_msg ("%s: %s", #expression, error->message);                                          \
      g_clear_error (&error);                                                                      \
    }                                                                                              \
  while (0)

static inline int
fixture_enter (void)
{
  if (geteuid () != 0 || unshare (CLONE_NEWNS | CLONE_NEWNET) < 0)
    return -1;
  if (mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return -1;
  (void)mkdir (SCL_NETNS_FOLDER, 0755);
  return 0;
}

static inline int
fixture_setup (void **state)
{
  Fixture *f = g_new0 (Fixture, 1);

  if (unshare (CLONE_NEWNET) < 0 || mount ("scl-test", SCL_NETNS_FOLDER, "tmpfs", 0, NULL) < 0)
    return -1;
  /* /sys/class/net must show the new namespace to the programs that we run. */
  f->backend = _scl_kernel_networks_new_at (PREFIX, RUN_DIR, NULL);
  *state = f;
  sh ("ip link set lo up");
  return 0;
}

static inline int
fixture_teardown (void **state)
{
  Fixture *f = *state;

  g_clear_object (&f->backend);
  g_clear_object (&f->other);
  g_free (f);
  while (umount2 (SCL_NETNS_FOLDER, MNT_DETACH) == 0)
    ;
  return 0;
}

#define network_test(func) cmocka_unit_test_setup_teardown (func, fixture_setup, fixture_teardown)

/* "tcp:2222:192.168.20.2:22", … NULL */
static inline SclNetworkSpec *
make_spec (const char *name, const char *external, const char *gateway, guint length, ...)
{
  g_autoptr (GListStore) forwards = g_list_store_new (SCL_TYPE_FORWARD_SPEC);
  g_autoptr (GInetAddress) external_ip = g_inet_address_new_from_string (external);
  g_autoptr (GInetAddress) gateway_ip = g_inet_address_new_from_string (gateway);
  const char *text;
  va_list args;

  va_start (args, length);
  while ((text = va_arg (args, const char *)) != NULL)
    {
      SclProtocol protocol = text[0] == 'u' ? SCL_PROTOCOL_UDP : SCL_PROTOCOL_TCP;
      g_autoptr (SclForwardSpec) forward
          = scl_forward_spec_new_from_string (protocol, text + 4, NULL);

      assert_non_null (forward);
      g_list_store_append (forwards, forward);
    }
  va_end (args);
  return g_object_new (SCL_TYPE_NETWORK_SPEC, "name", name, "external-ip", external_ip,
                       "gateway-ip", gateway_ip, "prefix-length", length, "forwards", forwards,
                       NULL);
}

/* Takes SPEC. Ports: "vm=mac", … NULL */
static inline SclNetworkTarget *
make_target (SclNetworkSpec *spec, ...)
{
  SclNetworkTarget *target = _scl_network_target_new (spec);
  const char *text;
  va_list args;

  va_start (args, spec);
  while ((text = va_arg (args, const char *)) != NULL)
    {
      g_auto (GStrv) parts = g_strsplit (text, "=", 2);

      g_ptr_array_add (target->ports, _scl_port_new (parts[0], 0, parts[1]));
    }
  va_end (args);
  g_object_unref (spec);
  return target;
}

static inline GPtrArray *
make_targets (SclNetworkTarget *first, ...)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify)_scl_network_target_free);
  SclNetworkTarget *target = first;
  va_list args;

  va_start (args, first);
  for (; target != NULL; target = va_arg (args, SclNetworkTarget *))
    g_ptr_array_add (all, target);
  va_end (args);
  return all;
}

static inline SclHostTarget *
make_host (const char *gateway, GPtrArray *targets)
{
  SclHostTarget *host = _scl_host_target_new (gateway);

  for (guint i = 0; i < targets->len; i++)
    {
      SclNetworkTarget *target = targets->pdata[i];

      g_ptr_array_add (host->networks, g_object_ref (target->spec));
      for (guint j = 0; j < target->ports->len; j++)
        g_ptr_array_add (host->ports, _scl_port_copy (target->ports->pdata[j]));
    }
  return host;
}

static inline gboolean
apply_networks (SclNetworkBackend *backend, const char *gateway, GPtrArray *targets, GError **error)
{
  SclHostTarget *host = make_host (gateway, targets);
  gboolean done
      = _scl_network_backend_ensure_host (backend, host, NULL, error)
        && (targets->len == 0 || _scl_network_backend_ensure (backend, targets, NULL, error));

  _scl_host_target_free (host);
  return done;
}

static inline SclObservation *
observe_networks (SclNetworkBackend *backend)
{
  SclObservation *seen = _scl_observation_new ();

  assert_ok (_scl_network_backend_observe (backend, NULL, seen, NULL, &error));
  return seen;
}

/* All problems, one per line. */
static inline char *
list_problems (SclNetworkBackend *backend)
{
  g_autoptr (SclObservation) seen = observe_networks (backend);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < seen->host.problems->len; i++)
    g_string_append_printf (text, "host: %s\n", (char *)seen->host.problems->pdata[i]);
  for (guint i = 0; i < seen->networks->len; i++)
    {
      SclObservedNetwork *network = seen->networks->pdata[i];

      for (guint j = 0; j < network->problems->len; j++)
        g_string_append_printf (text, "%s: %s\n", network->name,
                                (char *)network->problems->pdata[j]);
    }
  return g_strdup (text->str);
}

static inline void
assert_clean (SclNetworkBackend *backend)
{
  g_autofree char *problems = list_problems (backend);

  if (problems[0] != '\0')
    fail_msg ("problems: %s", problems);
}

/* Observed networks and ports are exactly those of the targets. */
static inline void
assert_observed (SclNetworkBackend *backend, GPtrArray *targets)
{
  g_autoptr (SclObservation) seen = observe_networks (backend);

  assert_clean (backend);
  assert_int_equal (seen->networks->len, targets->len);
  for (guint i = 0; i < targets->len; i++)
    {
      SclNetworkTarget *target = targets->pdata[i];
      SclObservedNetwork *network
          = _scl_observation_lookup_network (seen, scl_network_spec_get_name (target->spec));

      assert_non_null (network);
      assert_non_null (network->spec);
      assert_true (scl_network_spec_equal (network->spec, target->spec));
      assert_int_equal (network->ports->len, target->ports->len);
      for (guint j = 0; j < network->ports->len; j++)
        {
          SclPort *port = network->ports->pdata[j];
          gboolean found = FALSE;

          for (guint k = 0; k < target->ports->len; k++)
            {
              SclPort *wanted = target->ports->pdata[k];

              found = found
                      || (strcmp (wanted->vm, port->vm) == 0 && wanted->index == port->index
                          && strcmp (wanted->mac, port->mac) == 0);
            }
          assert_true (found);
          assert_true (port->present);
        }
    }
}

/* Nothing of any instance is left in this root namespace. */
static inline void
assert_nothing_left (void)
{
  g_autofree char *links = sh_output ("ip -o link show | grep -c ': tkn' || true");
  g_autofree char *names = sh_output ("ls " SCL_NETNS_FOLDER " | grep -c '^tkn' || true");
  g_autofree char *tables = sh_output ("nft list tables | grep -c tkn || true");
  g_autofree char *rules
      = sh_output ("ip rule | grep -vc 'lookup local\\|lookup main\\|lookup default' || true");
  g_autofree char *saved = sh_output ("ls " RUN_DIR " 2>/dev/null | wc -l");

  assert_string_equal (links, "0");
  assert_string_equal (names, "0");
  assert_string_equal (tables, "0");
  assert_string_equal (rules, "0");
  assert_string_equal (saved, "0");
}
