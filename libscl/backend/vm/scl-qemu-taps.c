/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-qemu-taps-private.h"
#include "backend/vm/scl-qemu-files-private.h"
#include <net/if.h>
#include <sys/stat.h>

static gboolean
is_newer (const struct stat *a, const struct stat *b)
{
  return a->st_mtim.tv_sec > b->st_mtim.tv_sec
         || (a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec > b->st_mtim.tv_nsec);
}

static gboolean
is_same_file (const char *path, gconstpointer data)
{
  const struct stat *file = data;
  struct stat info;

  return stat (path, &info) == 0 && info.st_dev == file->st_dev && info.st_ino == file->st_ino;
}

/* TRUE also if that cannot be told. Devices' numbers are given again, and paths are those of a mount
 * namespace: the file itself says whether it is the one. */
static gboolean
has_open (const char *pid_file, const struct stat *device)
{
  guint64 pid = _scl_qemu_files_read_pid (pid_file);
  gboolean seen;
  g_autofree char *file = _scl_qemu_files_find (pid, is_same_file, device, &seen);

  return file != NULL || !seen;
}

/* A device that is older than QEMU is what it has opened: only where a link was made under a running
 * guest its files are looked at. */
static gboolean
is_cut (const SclDomainNic *nic, const char *pid_file)
{
  unsigned int index = nic->tap == NULL ? 0 : if_nametoindex (nic->tap);
  g_autofree char *device = g_strdup_printf ("/dev/tap%u", index);
  struct stat tap, start;

  if (index == 0 || stat (device, &tap) < 0 || !S_ISCHR (tap.st_mode) || stat (pid_file, &start) < 0)
    return FALSE;
  return is_newer (&tap, &start) && !has_open (pid_file, &tap);
}

guint64
_scl_qemu_taps_find_cut (const SclDomainDef *live, guint n_nics, const char *pid_file)
{
  guint64 cut = 0;

  for (guint i = 0; i < MIN (n_nics, 64); i++)
    {
      const SclDomainNic *nic = i < live->nics->len ? g_ptr_array_index (live->nics, i) : NULL;

      if (nic == NULL || is_cut (nic, pid_file))
        cut |= G_GUINT64_CONSTANT (1) << i;
    }
  return cut;
}
