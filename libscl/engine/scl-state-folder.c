/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/scl-state-folder-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include "model/scl-names-private.h"
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

/* Deeper than libvirt ever nests, and a bound for whoever wants us to walk for ever. */
#define MAX_DEPTH 16

typedef struct
{
  uid_t qemu; /* may own what libvirt gives it; our own user: nobody else may */
  char *embed; /* STATE/embed */
  GError **error;
} Judge;

static gboolean
refuse (Judge *judge, const char *path, const char *why)
{
  return scl_throw (judge->error, SCL_ERROR_PERMISSION,
                    "%s: %s, and what is in a state folder is run: give it to root (chown root, chmod "
                    "go-w) if you trust all that is in it, or name another folder with state=",
                    path, why);
}

static gboolean
refuse_link (Judge *judge, const char *path, const char *what)
{
  return scl_throw (judge->error, SCL_ERROR_INVALID,
                    "%s: is %s, so that what is behind it could not be judged: put the folder itself "
                    "there, or mount it there (mount --bind), or name another folder with state=",
                    path, what);
}

static gboolean
judge_owner (Judge *judge, const char *path, const struct stat *info, mode_t forbidden)
{
  struct passwd *owner;
  g_autofree char *why = NULL;

  if (info->st_uid == geteuid () || (info->st_uid == judge->qemu && (forbidden & S_IWGRP) == 0))
    return S_ISLNK (info->st_mode) || S_ISSOCK (info->st_mode) || (info->st_mode & forbidden) == 0
           || refuse (judge, path, "others can write into it");
  owner = getpwuid (info->st_uid);
  why = owner != NULL ? g_strdup_printf ("user \"%s\" owns it", owner->pw_name)
                      : g_strdup_printf ("user %u owns it", (guint) info->st_uid);
  return refuse (judge, path, why);
}

/* libvirt's own links lead to a definition beside them; behind others nothing has been judged. */
static gboolean
judge_link (Judge *judge, const char *path)
{
  char *target = realpath (path, NULL);
  char *root = realpath (judge->embed, NULL);
  gsize length = root != NULL ? strlen (root) : 0;
  gboolean ok = target == NULL
                || (root != NULL && strncmp (target, root, length) == 0 && target[length] == '/'
                    && !g_file_test (target, G_FILE_TEST_IS_DIR));

  free (target);
  free (root);
  return ok || refuse_link (judge, path, "a symbolic link to a folder, or to something outside");
}

static gboolean judge_entry (Judge *judge, int folder, const char *path, const char *name,
                             mode_t forbidden, guint depth);

/* Takes FD. */
static gboolean
judge_content (Judge *judge, int fd, const char *path, mode_t forbidden, guint depth)
{
  DIR *stream = fdopendir (fd);
  struct dirent *entry;
  gboolean ok = TRUE;

  if (stream == NULL)
    {
      ok = scl_throw_errno (judge->error, errno, "%s: cannot read the folder", path);
      (void) close (fd);
      return ok;
    }
  while (ok && (entry = readdir (stream)) != NULL)
    ok = g_str_equal (entry->d_name, ".") || g_str_equal (entry->d_name, "..")
         || judge_entry (judge, dirfd (stream), path, entry->d_name, forbidden, depth);
  (void) closedir (stream);
  return ok;
}

/* What has gone meanwhile is fine: libvirt of another process may be at work. */
static gboolean
judge_entry (Judge *judge, int folder, const char *path, const char *name, mode_t forbidden,
             guint depth)
{
  g_autofree char *full = g_build_filename (path, name, NULL);
  struct stat info;
  int fd;

  if (fstatat (folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
    return TRUE;
  if (!judge_owner (judge, full, &info, forbidden))
    return FALSE;
  /* Where QEMU's user may make links, libvirt reads no definitions. */
  if (S_ISLNK (info.st_mode) && info.st_uid == geteuid ())
    return judge_link (judge, full);
  if (!S_ISDIR (info.st_mode))
    return TRUE;
  if (depth >= MAX_DEPTH)
    return refuse (judge, full, "it lies deeper than anything that libvirt makes");
  fd = openat (folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  return fd < 0 || judge_content (judge, fd, full, forbidden, depth + 1);
}

/* The definitions are root's alone; around them libvirt gives things to the QEMU user. */
static gboolean
judge_embed (Judge *judge)
{
  g_autofree char *definitions = g_build_filename (judge->embed, "etc", NULL);
  const struct
  {
    const char *path;
    mode_t forbidden;
  } parts[] = { { definitions, S_IWGRP | S_IWOTH }, { judge->embed, S_IWOTH } };

  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      int fd = open (parts[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

      if (fd >= 0 && !judge_content (judge, fd, parts[i].path, parts[i].forbidden, 0))
        return FALSE;
    }
  return TRUE;
}

static gboolean
judge_folder (Judge *judge, const char *path)
{
  struct stat info;

  return lstat (path, &info) != 0 || judge_owner (judge, path, &info, S_IWGRP | S_IWOTH | S_ISVTX);
}

/* Below the state folder itself, which may be a link. */
static gboolean
judge_folder_below (Judge *judge, const char *path)
{
  struct stat info;

  if (!judge_folder (judge, path))
    return FALSE;
  if (lstat (path, &info) != 0 || S_ISDIR (info.st_mode))
    return TRUE;
  return refuse_link (judge, path, S_ISLNK (info.st_mode) ? "a symbolic link" : "no folder");
}

/* What somebody opens by its name as root, or gives to QEMU's user. */
static gboolean
judge_vm_files (Judge *judge, int vms, const char *path, const char *vm)
{
  const char *const files[] = { "nvram.fd", "console.log", "seed.iso" };

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *name = g_build_filename (vm, files[i], NULL);
      g_autofree char *full = g_build_filename (path, name, NULL);
      struct stat info;

      if (fstatat (vms, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK (info.st_mode))
        return scl_throw (judge->error, SCL_ERROR_INVALID,
                          "%s: is a symbolic link, and what it leads to would be given to QEMU, or written: put the "
                          "file itself there, or name another folder with state=",
                          full);
    }
  return TRUE;
}

static gboolean
judge_vm (Judge *judge, int vms, const char *path, const char *vm)
{
  g_autofree char *full = g_build_filename (path, vm, NULL);
  struct stat info;

  if (fstatat (vms, vm, &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG (info.st_mode))
    return TRUE;
  return judge_folder_below (judge, full) && judge_vm_files (judge, vms, path, vm);
}

/* The folder of each VM: a restored one may be somebody else's. */
static gboolean
judge_vms (Judge *judge, const char *home)
{
  g_autofree char *path = g_build_filename (home, "vms", NULL);
  DIR *stream = opendir (path);
  struct dirent *entry;
  gboolean ok = stream != NULL || errno == ENOENT
                || scl_throw_errno (judge->error, errno, "%s: cannot read the folder", path);

  while (ok && stream != NULL && (entry = readdir (stream)) != NULL)
    ok = g_str_equal (entry->d_name, ".") || g_str_equal (entry->d_name, "..")
         || judge_vm (judge, dirfd (stream), path, entry->d_name);
  if (stream != NULL)
    (void) closedir (stream);
  return ok;
}

/* Where a link leads. What is there and is no folder would hide all that is asked for. */
static gboolean
judge_top (Judge *judge, const char *path)
{
  struct stat info;
  int number = stat (path, &info) == 0 ? 0 : errno;
  g_autofree char *target = number == 0 ? NULL : g_file_read_link (path, NULL);

  if (number == 0 && S_ISDIR (info.st_mode))
    return judge_owner (judge, path, &info, S_IWGRP | S_IWOTH | S_ISVTX);
  if (number == 0)
    return scl_throw (judge->error, SCL_ERROR_INVALID,
                      "%s: is not a folder, so that it cannot be the state folder: move it away, or name a folder "
                      "with state=",
                      path);
  if (target != NULL)
    return scl_throw (judge->error, SCL_ERROR_INVALID,
                      "%s: is a symbolic link to %s, which cannot be opened (%s): make or mount what it leads to, "
                      "or name another folder with state=",
                      path, target, g_strerror (number));
  return number == ENOENT
         || scl_throw_errno (judge->error, number, "%s: cannot be the state folder, name another with state=", path);
}

static gboolean
judge_folders (Judge *judge, const char *state_dir, const char *prefix)
{
  const char *const below[] = { "embed", "embed/etc", "volumes", "vms", "instances" };
  const char *const ours[] = { "", "volumes", "vms" };

  if (!judge_top (judge, state_dir) || !judge_folder (judge, state_dir))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (below); i++)
    {
      g_autofree char *path = g_build_filename (state_dir, below[i], NULL);

      if (!judge_folder_below (judge, path))
        return FALSE;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (ours); i++)
    {
      g_autofree char *path = g_build_filename (state_dir, "instances", prefix, ours[i], NULL);

      if (!judge_folder_below (judge, path))
        return FALSE;
    }
  return TRUE;
}

char *
_scl_instance_home (const char *state_dir, const char *prefix)
{
  return strcmp (prefix, SCL_PREFIX_DEFAULT) == 0
             ? g_strdup (state_dir)
             : g_build_filename (state_dir, "instances", prefix, NULL);
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static void
add_other (GPtrArray *others, const char *name, const char *prefix)
{
  if (strcmp (name, prefix) != 0 && _scl_names_check_prefix (name) == NULL)
    g_ptr_array_add (others, g_strdup_printf ("\"%s\"", name));
}

char *
_scl_instance_list_others (const char *state_dir, const char *prefix)
{
  g_autofree char *instances = g_build_filename (state_dir, "instances", NULL);
  g_autofree char *volumes = g_build_filename (state_dir, "volumes", NULL);
  g_autoptr (GDir) dir = g_dir_open (instances, 0, NULL);
  g_autoptr (GPtrArray) others = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (g_file_test (volumes, G_FILE_TEST_IS_DIR))
    add_other (others, SCL_PREFIX_DEFAULT, prefix);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    add_other (others, name, prefix);
  g_ptr_array_sort (others, compare_texts);
  g_ptr_array_add (others, NULL);
  return g_strjoinv (", ", (char **) others->pdata);
}

gboolean
_scl_state_folder_check (const char *state_dir, const char *prefix, const char *qemu_user,
                         GError **error)
{
  struct passwd *user = qemu_user != NULL ? getpwnam (qemu_user) : NULL;
  g_autofree char *embed = g_build_filename (state_dir, "embed", NULL);
  g_autofree char *home = _scl_instance_home (state_dir, prefix);
  Judge judge = { .qemu = user != NULL ? user->pw_uid : geteuid (), .embed = embed, .error = error };

  return judge_folders (&judge, state_dir, prefix) && judge_vms (&judge, home)
         && judge_embed (&judge);
}
