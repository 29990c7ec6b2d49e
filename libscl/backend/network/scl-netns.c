/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-netns-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/vfs.h>

/* More mounts than this on one name are not ours to take away. */
#define STACK_MAX 16

typedef struct
{
  int fd; /* -1: make a new namespace */
  SclNetnsFunc func;
  gpointer data;
  gboolean done;
  GError *error;
} Visit;

static gpointer
visit_thread (gpointer data)
{
  Visit *visit = data;
  int rc = visit->fd < 0 ? unshare (CLONE_NEWNET) : setns (visit->fd, CLONE_NEWNET);

  if (rc < 0)
    scl_throw_errno (&visit->error, errno, "cannot enter a network namespace");
  else
    visit->done = visit->func (visit->data, &visit->error);
  return NULL;
}

static gboolean
visit_run (Visit *visit, GError **error)
{
  GThread *thread = g_thread_try_new ("scl-netns", visit_thread, visit, error);

  if (thread == NULL)
    return FALSE;
  g_thread_join (thread);
  if (visit->error != NULL)
    g_propagate_error (error, visit->error);
  return visit->done;
}

gboolean
_scl_netns_run (int fd, SclNetnsFunc func, gpointer data, GError **error)
{
  Visit visit = { .fd = fd, .func = func, .data = data };

  return fd < 0 ? func (data, error) : visit_run (&visit, error);
}

static gboolean
open_self (gpointer data, GError **error)
{
  int *fd = data;

  /* Not /proc/self: that is the main thread's namespace. */
  *fd = open ("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  return *fd >= 0 || scl_throw_errno (error, errno, "cannot open a new network namespace");
}

int
_scl_netns_create (GError **error)
{
  int fd = -1;
  Visit visit = { .fd = -1, .func = open_self, .data = &fd };

  return visit_run (&visit, error) ? fd : -1;
}

static char *
path_of (const char *name)
{
  return g_build_filename (SCL_NETNS_FOLDER, name, NULL);
}

SclNetnsState
_scl_netns_open (const char *name, int *out_fd)
{
  g_autofree char *path = path_of (name);
  g_auto (SclFd) fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  struct statfs fs;
  struct stat st;

  *out_fd = -1;
  if (fd < 0)
    return errno == ENOENT ? SCL_NETNS_ABSENT : SCL_NETNS_OTHER;
  if (fstatfs (fd, &fs) == 0 && fs.f_type == NSFS_MAGIC
      && ioctl (fd, NS_GET_NSTYPE) == CLONE_NEWNET)
    {
      *out_fd = scl_fd_steal (&fd);
      return SCL_NETNS_FOUND;
    }
  if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && st.st_size == 0)
    return SCL_NETNS_LEFTOVER;
  return SCL_NETNS_OTHER;
}

/* As `ip netns add` makes it: a shared mount on itself, so that names are seen in all mount
 * namespaces that were made before. */
static gboolean
prepare_folder (GError **error)
{
  const char *folder = SCL_NETNS_FOLDER;

  if (g_mkdir_with_parents (folder, 0755) < 0)
    return scl_throw_errno (error, errno, "%s: cannot make the folder", folder);
  if (mount ("", folder, "none", MS_SHARED | MS_REC, NULL) == 0)
    return TRUE;
  if (errno != EINVAL || mount (folder, folder, "none", MS_BIND | MS_REC, NULL) < 0
      || mount ("", folder, "none", MS_SHARED | MS_REC, NULL) < 0)
    return scl_throw_errno (error, errno, "%s: cannot make it a shared mount", folder);
  return TRUE;
}

static gboolean
make_mount_point (const char *name, const char *path, GError **error)
{
  int other = -1;
  int fd = open (path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);

  if (fd >= 0)
    {
      (void)close (fd);
      return TRUE;
    }
  if (errno != EEXIST)
    return scl_throw_errno (error, errno, "namespace %s: cannot make %s", name, path);
  if (_scl_netns_open (name, &other) == SCL_NETNS_LEFTOVER)
    return TRUE;
  scl_fd_clear (&other);
  return scl_throw (error, SCL_ERROR_EXISTS, "namespace %s: %s exists and is not ours", name, path);
}

gboolean
_scl_netns_bind (int fd, const char *name, GError **error)
{
  /* Two threads that both find the folder unprepared would stack a mount over the other's name. */
  static GMutex mutex;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&mutex);
  g_autofree char *path = path_of (name);
  g_autofree char *source = g_strdup_printf ("/proc/self/fd/%d", fd);

  if (!prepare_folder (error) || !make_mount_point (name, path, error))
    return FALSE;
  if (mount (source, path, "none", MS_BIND, NULL) == 0)
    return TRUE;
  scl_throw_errno (error, errno, "namespace %s: cannot mount it on %s", name, path);
  (void)unlink (path);
  return FALSE;
}

gboolean
_scl_netns_unbind (const char *name, GError **error)
{
  g_autofree char *path = path_of (name);

  for (guint i = 0; i < STACK_MAX && umount2 (path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0; i++)
    ;
  if (unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  return scl_throw_errno (error, errno, "namespace %s: cannot remove %s", name, path);
}

GPtrArray *
_scl_netns_list (const char *start)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (SCL_NETNS_FOLDER, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, start))
      g_ptr_array_add (names, g_strdup (name));
  return g_steal_pointer (&names);
}

/* Somebody may have mounted another empty file on it. */
static gboolean
is_leftover (const char *path)
{
  struct statx st;

  return statx (AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_SIZE | STATX_UID, &st) == 0
         && S_ISREG (st.stx_mode) && st.stx_size == 0 && st.stx_uid == 0
         && (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0;
}

GPtrArray *
_scl_netns_list_leftovers (const char *start)
{
  GPtrArray *names = _scl_netns_list (start);

  for (guint i = names->len; i > 0; i--)
    {
      g_autofree char *path = path_of (names->pdata[i - 1]);

      if (!is_leftover (path))
        g_ptr_array_remove_index (names, i - 1);
    }
  return names;
}

gboolean
_scl_netns_remove_leftover (const char *name, GError **error)
{
  g_autofree char *path = path_of (name);

  if (!is_leftover (path) || unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  return scl_throw_errno (error, errno, "%s: cannot remove what is left over", path);
}
