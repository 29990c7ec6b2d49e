/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-console-log-private.h"
#include "backend/vm/scl-embed-root-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-file-lock-private.h"
#include "base/scl-throw-private.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A socket's name holds 107 bytes, and libvirt makes this one for each running domain: its number in
 * five digits, of its name at most 20 bytes. */
#define LONGEST_SOCKET "/lib/qemu/domain-12345-aaaaaaaaaaaaaaaaaaaa/monitor.sock"
#define ROOT_MAX (107 - (sizeof LONGEST_SOCKET - 1))

static const char *const qemu_users[] = { "libvirt-qemu", "qemu-libvirtd", "qemu" };

const char *
_scl_embed_root_find_user (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (qemu_users); i++)
    if (getpwnam (qemu_users[i]) != NULL)
      return qemu_users[i];
  return NULL;
}

static char *
group_name (const char *user)
{
  /* A user's group of the same name is made with it by all distributions'
   * packages; the number works everywhere. */
  const struct passwd *entry = getpwnam (user);

  return g_strdup_printf ("+%u", (guint) (entry != NULL ? entry->pw_gid : 0));
}

/* Two processes that open the root at the same time must not write it at the same time. */
static gboolean
has_text (int folder, const char *name, const char *text)
{
  g_auto (SclFd) fd = _scl_fd_open_regular (folder, name, NULL, NULL);
  g_autoptr (GBytes) bytes = fd >= 0 ? _scl_fd_read_all (fd, 65536, name, NULL) : NULL;
  g_autoptr (GBytes) wanted = g_bytes_new_static (text, strlen (text));

  return bytes != NULL && g_bytes_equal (bytes, wanted);
}

static gboolean
write_config (const char *root, GError **error)
{
  g_autofree char *folder = g_build_filename (root, "etc", NULL);
  const char *user = _scl_embed_root_find_user ();
  g_autofree char *group = NULL;
  g_autofree char *text = NULL;
  g_auto (SclFd) fd = -1;

  if (user == NULL)
    return scl_throw (error, SCL_ERROR_MISSING,
                      "no user for QEMU (libvirt-qemu, qemu-libvirtd or qemu): install "
                      "libvirt-daemon-system");
  group = group_name (user);
  /* stdio_handler: there is no virtlogd that would write the console logs.
   * remember_owner: files of VMs are root's when they are off, and a killed
   * process must not leave counts in their xattrs. */
  text = g_strdup_printf ("# Written by SCL at every start.\n"
                          "stdio_handler = \"file\"\n"
                          "user = \"%s\"\n"
                          "group = \"%s\"\n"
                          "dynamic_ownership = 1\n"
                          "remember_owner = 0\n"
                          "clear_emulator_capabilities = 1\n",
                          user, group);
  fd = _scl_fd_open_folder (folder, 0755, error);
  return fd >= 0
         && (has_text (fd, "qemu.conf", text)
             || _scl_fd_replace (fd, "qemu.conf", text, strlen (text), 0644, error));
}

char *
_scl_embed_root_prepare (const char *state_dir, GError **error)
{
  g_autofree char *root = g_build_filename (state_dir, "embed", NULL);
  g_auto (SclFd) fd = -1;

  if (strlen (root) > ROOT_MAX)
    return scl_null_throw (error, SCL_ERROR_INVALID,
                           "state folder \"%s\": its name is too long for the embedded hypervisor "
                           "(at most %d bytes)",
                           state_dir, (int) (ROOT_MAX - strlen ("/embed")));
  fd = _scl_fd_open_folder (root, 0711, error);
  if (fd < 0)
    return scl_null_prefix (error, "embedded hypervisor");
  return g_steal_pointer (&root);
}

char *
_scl_embed_root_to_uri (const char *root_dir)
{
  g_autofree char *escaped = g_uri_escape_string (root_dir, "/", FALSE);

  return g_strdup_printf ("qemu:///embed?root=%s", escaped);
}

gboolean
_scl_embed_root_check_free (const char *root_dir, const char *uri, GError **error)
{
  g_autofree char *folder = g_build_filename (root_dir, "run", "qemu", NULL);
  g_autofree char *pid_file = g_build_filename (folder, "driver.pid", NULL);
  struct flock lock;

  (void) g_mkdir_with_parents (folder, 0711);
  if (!_scl_file_lock_find_holder (pid_file, &lock, error))
    return FALSE;
  if (lock.l_type == F_UNLCK || lock.l_pid == getpid ())
    return TRUE;
  if (lock.l_type == F_WRLCK)
    return scl_throw (error, SCL_ERROR_IN_USE,
                      "%s: process %d has this embedded hypervisor open, alone until it ends: wait, "
                      "or end it (a sclctl run: Ctrl-C there, or kill %d)",
                      uri, (int) lock.l_pid, (int) lock.l_pid);
  return scl_throw (error, SCL_ERROR_IN_USE,
                    "%s: process %d holds %s for reading, so that libvirt cannot lock it: end that "
                    "process",
                    uri, (int) lock.l_pid, pid_file);
}

/* libvirt's library writes its log on stderr, where it would stand between the
 * lines of a program's own output. Somebody who has asked for a log keeps it.
 */
static void
redirect_log (const char *root_dir)
{
  int (*set_outputs) (const char *outputs) = dlsym (RTLD_DEFAULT, "virLogSetOutputs");
  g_autofree char *path = g_build_filename (root_dir, "libvirt.log", NULL);
  g_autofree char *outputs = g_strdup_printf ("3:file:%s", path);

  if (set_outputs == NULL || g_getenv ("LIBVIRT_LOG_OUTPUTS") != NULL
      || g_getenv ("LIBVIRT_DEBUG") != NULL)
    return;
  _scl_console_log_trim (path);
  (void) set_outputs (outputs);
}

gboolean
_scl_embed_root_begin (const char *root_dir, GError **error)
{
  static gsize once = 0;

  if (!write_config (root_dir, error))
    return scl_prefix (error, "embedded hypervisor");
  if (!g_once_init_enter (&once))
    return TRUE;
  (void) virInitialize ();
  redirect_log (root_dir);
  g_once_init_leave (&once, 1);
  return TRUE;
}
