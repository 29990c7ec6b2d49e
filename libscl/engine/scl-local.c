/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/memory/scl-memory-host-private.h"
#include "backend/network/scl-kernel-networks-private.h"
#include "backend/vm/scl-libvirt-vms-private.h"
#include "backend/vm/scl-virt-uri-private.h"
#include "backend/volume/scl-file-volumes-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include "engine/scl-engine-private.h"
#include "engine/scl-state-folder-private.h"
#include "model/scl-names-private.h"
#include <fcntl.h>
#include <pwd.h>
#include <string.h>

#define SCHEME "local:"
#define DEFAULT_STATE "/var/lib/scl"
#define RUN_DIR "/run/scl"

/* The parameters of "local:?…". */
typedef struct
{
  char *hypervisor;
  char *state;
  char *prefix;
} LocalUri;

static void
local_uri_clear (LocalUri *uri)
{
  g_free (uri->hypervisor);
  g_free (uri->state);
  g_free (uri->prefix);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LocalUri, local_uri_clear)

static gboolean
take_parameter (LocalUri *uri, const char *key, char *value, GError **error)
{
  char **field = strcmp (key, "hypervisor") == 0 ? &uri->hypervisor
                 : strcmp (key, "state") == 0    ? &uri->state
                 : strcmp (key, "prefix") == 0   ? &uri->prefix
                                                 : NULL;

  if (field == NULL)
    {
      g_free (value);
      return scl_throw (error, SCL_ERROR_INVALID,
                        SCHEME " has no parameter \"%s\" (hypervisor, state and prefix are known)", key);
    }
  g_free (*field);
  *field = value;
  return TRUE;
}

/* By hand: a libvirt URI may be given as it is, and itself has '?' and '='. */
static gboolean
parse_parameters (const char *query, LocalUri *uri, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (query, "&", 0);

  for (char **part = parts; *part != NULL; part++)
    {
      char *equals = strchr (*part, '=');
      char *value;

      if (**part == '\0')
        continue;
      if (equals == NULL || equals[1] == '\0')
        return scl_throw (error, SCL_ERROR_INVALID, SCHEME ": parameter \"%s\" has no value", *part);
      *equals = '\0';
      value = g_uri_unescape_string (equals + 1, NULL);
      if (value == NULL)
        return scl_throw (error, SCL_ERROR_INVALID,
                          SCHEME ": the value of %s is not percent-encoded correctly", *part);
      if (!take_parameter (uri, *part, value, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
parse_uri (const char *text, LocalUri *uri, GError **error)
{
  const char *rest = text + strlen (SCHEME);
  const char *wrong;
  char *plain;

  if (*rest != '\0' && *rest != '?')
    return scl_throw (error, SCL_ERROR_INVALID,
                      "%s: after " SCHEME " only ?hypervisor=…&state=…&prefix=… may follow", text);
  if (*rest == '?' && !parse_parameters (rest + 1, uri, error))
    return FALSE;
  uri->hypervisor = uri->hypervisor == NULL ? g_strdup (SCL_HYPERVISOR_DEFAULT) : uri->hypervisor;
  uri->state = uri->state == NULL ? g_strdup (DEFAULT_STATE) : uri->state;
  uri->prefix = uri->prefix == NULL ? g_strdup (SCL_PREFIX_DEFAULT) : uri->prefix;
  wrong = _scl_names_check_prefix (uri->prefix);
  if (wrong != NULL)
    return scl_throw (error, SCL_ERROR_INVALID, "prefix \"%s\" %s", uri->prefix, wrong);
  if (_scl_names_is_nft_word (uri->prefix))
    return scl_throw (error, SCL_ERROR_INVALID,
                      "prefix \"%s\" is a word of nft, which takes no table of that name: choose "
                      "another, \"%.5s1\" for example",
                      uri->prefix, uri->prefix);
  if (!g_path_is_absolute (uri->state))
    return scl_throw (error, SCL_ERROR_INVALID, "state folder \"%s\" is not an absolute path",
                      uri->state);
  /* "LINK/" would be looked at as what the link leads to. */
  plain = g_canonicalize_filename (uri->state, "/");
  g_free (uri->state);
  uri->state = plain;
  return _scl_virt_uri_check (uri->hypervisor, error);
}

/* A host without /etc/machine-id gets a number of its own, kept with the volumes. */
static char *
read_machine_id (const char *state_dir, GError **error)
{
  g_autofree char *path = g_build_filename (state_dir, "machine-id", NULL);
  g_autofree char *made = NULL;
  g_auto (SclFd) dir = -1;
  char *text = NULL;

  if (g_file_get_contents ("/etc/machine-id", &text, NULL, NULL) && g_strstrip (text)[0] != '\0')
    return text;
  g_free (text);
  if (g_file_get_contents (path, &text, NULL, NULL) && g_strstrip (text)[0] != '\0')
    return text;
  made = g_uuid_string_random ();
  dir = _scl_fd_ensure_folder (state_dir, 0711, error);
  if (dir < 0 || !_scl_fd_replace (dir, "machine-id", made, strlen (made), 0600, error))
    return NULL;
  return g_steal_pointer (&made);
}

/* Debian, Fedora and NixOS name the user that QEMU runs as differently. */
static const char *
find_qemu_user (void)
{
  static const char *const users[] = { "libvirt-qemu", "qemu", "qemu-libvirtd" };

  for (gsize i = 0; i < G_N_ELEMENTS (users); i++)
    if (getpwnam (users[i]) != NULL)
      return users[i];
  return users[0];
}

static SclDriver *
open_simulated (const LocalUri *uri, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclMemoryHost) host = _scl_memory_host_new (uri->prefix);
  g_autoptr (SclNetworkBackend) networks = _scl_memory_networks_new (host);
  g_autoptr (SclVolumeBackend) volumes = _scl_memory_volumes_new (host);
  g_autoptr (SclVmBackend) vms = NULL;

  if (strcmp (uri->hypervisor, "memory") == 0)
    vms = _scl_memory_vms_new (host);
  else
    vms = _scl_libvirt_vms_new (uri->hypervisor, uri->prefix, uri->state, cancellable, error);
  return vms == NULL ? NULL
                     : SCL_DRIVER (_scl_engine_new (uri->prefix, "simulated", networks, volumes, vms));
}

/* What 0.1 put into the state folder itself, whatever the prefix was, stays there. */
static SclVolumeBackend *
open_volumes (const LocalUri *uri, GError **error)
{
  g_autofree char *home = _scl_instance_home (uri->state, uri->prefix);
  gboolean is_default = strcmp (uri->prefix, SCL_PREFIX_DEFAULT) == 0;

  return _scl_file_volumes_new (home, is_default ? NULL : uri->state, uri->prefix,
                                find_qemu_user (), error);
}

static gboolean
has_daemon (void)
{
  return access ("/run/libvirt/libvirt-sock", F_OK) == 0
         || access ("/run/libvirt/virtqemud-sock", F_OK) == 0;
}

/* Beside an embedded hypervisor no other can be opened; that matters only if there is one. */
static SclVmBackend *
open_to_ask (const char *hypervisor, const char *prefix, const char *state_dir,
             GCancellable *cancellable, GError **error)
{
  if (strcmp (hypervisor, SCL_HYPERVISOR_DEFAULT) == 0 && !has_daemon ())
    return scl_null_throw (error, SCL_ERROR_BACKEND, "nobody serves %s", hypervisor);
  return _scl_libvirt_vms_new (hypervisor, prefix, state_dir, cancellable, error);
}

static SclDriver *
open_host (const LocalUri *uri, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclNetworkBackend) networks = NULL;
  g_autoptr (SclVolumeBackend) volumes = NULL;
  g_autoptr (SclVmBackend) vms = NULL;
  g_autoptr (SclInstanceClaim) claim = NULL;
  g_autofree char *machine_id = NULL;
  SclEngine *engine;

  if (geteuid () != 0)
    return scl_null_throw (error, SCL_ERROR_PERMISSION,
                           "changing networks and VMs needs root: run it with sudo (or use "
                           "local:?hypervisor=memory to try a manifest out)");
  claim = _scl_instance_claim_new (RUN_DIR, uri->state, uri->prefix, uri->hypervisor);
  if (!_scl_state_folder_check (uri->state, uri->prefix, find_qemu_user (), error)
      || !_scl_instance_claim_check (claim, error))
    return NULL;
  machine_id = read_machine_id (uri->state, error);
  if (machine_id == NULL)
    return NULL;
  networks = _scl_kernel_networks_new (uri->prefix, error);
  if (networks == NULL)
    return NULL;
  volumes = open_volumes (uri, error);
  if (volumes == NULL)
    return NULL;
  vms = _scl_libvirt_vms_new (uri->hypervisor, uri->prefix, uri->state, cancellable, error);
  if (vms == NULL)
    return NULL;
  engine = _scl_engine_new (uri->prefix, machine_id, networks, volumes, vms);
  _scl_engine_set_folders (engine, RUN_DIR, uri->state);
  _scl_engine_set_claim (engine, g_steal_pointer (&claim));
  _scl_engine_set_opener (engine, open_to_ask);
  return SCL_DRIVER (engine);
}

static SclDriver *
open_local (const char *text, GCancellable *cancellable, GError **error)
{
  g_auto (LocalUri) uri = { NULL, NULL, NULL };

  if (!parse_uri (text, &uri, error))
    return NULL;
  /* libvirt's test driver has no host under it: its VMs get simulated networks and volumes. */
  if (strcmp (uri.hypervisor, "memory") == 0 || g_str_has_prefix (uri.hypervisor, "test:"))
    return open_simulated (&uri, cancellable, error);
  return open_host (&uri, cancellable, error);
}

/* The client layer must not know the engine; it learns of it when the library is loaded. */
__attribute__ ((constructor)) static void
register_local (void)
{
  _scl_driver_register (SCHEME, open_local);
}
