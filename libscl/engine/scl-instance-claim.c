/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/scl-instance-claim-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include "engine/scl-instance-lock-private.h"
#include "engine/scl-state-folder-private.h"
#include "model/scl-names-private.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "instance"
#define GROUP "instance"
#define MAX_SIZE 65536
#define NETNS_DIR "/run/netns"

struct _SclInstanceClaim
{
  char *run_dir;
  char *state; /* as it is on this host, without links */
  char *prefix;
  char *hypervisor;
};

typedef struct
{
  char *hypervisor;
  char *state;
  char *prefix; /* nullable */
} Holder;

static void
holder_clear (Holder *holder)
{
  g_clear_pointer (&holder->hypervisor, g_free);
  g_clear_pointer (&holder->state, g_free);
  g_clear_pointer (&holder->prefix, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Holder, holder_clear)

/* One host, however it is written. */
static char *
normalise_hypervisor (const char *uri)
{
  return strcmp (uri, "qemu+unix:///system") == 0 ? g_strdup ("qemu:///system") : g_strdup (uri);
}

/* Without links, also if the last folders are yet to be made: it has the same name before and after. */
static char *
normalise_state (const char *state_dir)
{
  g_autofree char *plain = g_canonicalize_filename (state_dir, "/");
  char *real = realpath (plain, NULL);
  g_autofree char *name = NULL;
  g_autofree char *above = NULL;
  g_autofree char *resolved = NULL;
  char *path;

  if (real == NULL && plain[1] != '\0')
    {
      name = g_path_get_basename (plain);
      above = g_path_get_dirname (plain);
      resolved = normalise_state (above);
      return g_build_filename (resolved, name, NULL);
    }
  path = g_strdup (real != NULL ? real : plain);
  free (real);
  return path;
}

SclInstanceClaim *
_scl_instance_claim_new (const char *run_dir, const char *state_dir, const char *prefix,
                         const char *hypervisor)
{
  SclInstanceClaim *self = g_new0 (SclInstanceClaim, 1);

  self->run_dir = g_strdup (run_dir);
  self->state = normalise_state (state_dir);
  self->prefix = g_strdup (prefix);
  self->hypervisor = normalise_hypervisor (hypervisor);
  return self;
}

void
_scl_instance_claim_free (SclInstanceClaim *self)
{
  g_free (self->run_dir);
  g_free (self->state);
  g_free (self->prefix);
  g_free (self->hypervisor);
  g_free (self);
}

/* FALSE: there is no note, or none that can be read. */
static gboolean
read_holder (const char *folder, Holder *out_holder)
{
  g_autofree char *path = g_build_filename (folder, FILE_NAME, NULL);
  g_auto (SclFd) fd = _scl_fd_open_regular (AT_FDCWD, path, NULL, NULL);
  g_autoptr (GBytes) bytes = fd < 0 ? NULL : _scl_fd_read_all (fd, MAX_SIZE, path, NULL);
  g_autoptr (GKeyFile) file = g_key_file_new ();

  if (bytes == NULL || !g_key_file_load_from_bytes (file, bytes, G_KEY_FILE_NONE, NULL))
    return FALSE;
  out_holder->hypervisor = g_key_file_get_string (file, GROUP, "hypervisor", NULL);
  out_holder->state = g_key_file_get_string (file, GROUP, "state", NULL);
  out_holder->prefix = g_key_file_get_string (file, GROUP, "prefix", NULL);
  if (out_holder->hypervisor != NULL && out_holder->state != NULL)
    return TRUE;
  holder_clear (out_holder);
  return FALSE;
}

static gboolean
write_holder (SclInstanceClaim *self, int fd, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *text = NULL;
  gsize size;

  g_key_file_set_string (file, GROUP, "hypervisor", self->hypervisor);
  g_key_file_set_string (file, GROUP, "state", self->state);
  g_key_file_set_string (file, GROUP, "prefix", self->prefix);
  text = g_key_file_to_data (file, &size, NULL);
  return _scl_fd_replace (fd, FILE_NAME, text, size, 0600, error);
}

static gboolean
has_namespaces (SclInstanceClaim *self)
{
  g_autofree char *start = g_strdup_printf ("%s-", self->prefix);
  g_autoptr (GDir) dir = g_dir_open (NETNS_DIR, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, start))
      return TRUE;
  return FALSE;
}

/* Its state folder was thrown away, with the note in it, and so was all that it had. */
static gboolean
is_stale (SclInstanceClaim *self, const Holder *holder)
{
  g_autofree char *home = _scl_instance_home (holder->state, self->prefix);
  g_autofree char *path = g_build_filename (home, FILE_NAME, NULL);

  return !g_file_test (path, G_FILE_TEST_EXISTS) && !has_namespaces (self);
}

/* Whatever it is called: it may be mounted in two places. */
static gboolean
is_same_folder (const char *one, const char *other)
{
  g_autofree char *first = _scl_fd_identify (one);
  g_autofree char *second = _scl_fd_identify (other);

  return strcmp (first, second) == 0;
}

static gboolean
is_ours (SclInstanceClaim *self, const Holder *holder)
{
  return strcmp (holder->hypervisor, self->hypervisor) == 0
         && is_same_folder (holder->state, self->state);
}

/* A libvirt URI stays legible: its '?' and '=' may stand as they are. */
static char *
format_uri (const char *hypervisor, const char *state, const char *prefix)
{
  g_autofree char *where = g_uri_escape_string (hypervisor, "/:?=+,@", TRUE);
  g_autofree char *folder = g_uri_escape_string (state, "/", TRUE);

  return g_strdup_printf ("local:?hypervisor=%s&state=%s&prefix=%s", where, folder, prefix);
}

char *
_scl_instance_claim_connect_to (SclInstanceClaim *self, const char *prefix, const char *hypervisor)
{
  g_autofree char *home = _scl_instance_home (self->state, prefix);
  g_autofree char *run = g_build_filename (self->run_dir, prefix, NULL);
  g_auto (Holder) kept = { NULL, NULL, NULL };
  g_auto (Holder) now = { NULL, NULL, NULL };

  /* The state folder may have been moved since the note in it was written. */
  if (read_holder (home, &kept))
    return format_uri (hypervisor != NULL ? hypervisor : kept.hypervisor, self->state, prefix);
  if (read_holder (run, &now))
    return format_uri (hypervisor != NULL ? hypervisor : now.hypervisor, now.state, prefix);
  return format_uri (hypervisor != NULL ? hypervisor : self->hypervisor, self->state, prefix);
}

char *
_scl_instance_claim_find_state (SclInstanceClaim *self, const char *prefix)
{
  g_autofree char *home = _scl_instance_home (self->state, prefix);
  g_autofree char *run = g_build_filename (self->run_dir, prefix, NULL);
  g_auto (Holder) kept = { NULL, NULL, NULL };
  g_auto (Holder) now = { NULL, NULL, NULL };

  return read_holder (home, &kept) || !read_holder (run, &now) || is_same_folder (now.state, self->state)
             ? NULL
             : g_steal_pointer (&now.state);
}

/* Only the process that has the embedded hypervisor open can talk to it. */
static gboolean
throw_embedded (SclInstanceClaim *self, const Holder *holder, int pid, GError **error)
{
  return scl_throw (error, SCL_ERROR_IN_USE,
                    "instance \"%s\" of this host is held by process %d, hypervisor %s with state folder %s: "
                    "it is open in that process alone until it ends (a sclctl run: Ctrl-C there, or kill "
                    "%d); or give this one another prefix=",
                    self->prefix, pid, holder->hypervisor, holder->state, pid);
}

static gboolean
throw_held (SclInstanceClaim *self, const Holder *holder, GError **error)
{
  int pid = _scl_instance_lock_find_holder (self->run_dir, self->prefix);
  g_autofree char *process = pid == 0 ? g_strdup ("") : g_strdup_printf ("process %d, ", pid);
  g_autofree char *uri = format_uri (holder->hypervisor, holder->state, self->prefix);

  if (pid != 0 && g_str_has_prefix (holder->hypervisor, "qemu:///embed"))
    return throw_embedded (self, holder, pid, error);
  return scl_throw (error, SCL_ERROR_IN_USE,
                    "instance \"%s\" of this host is held by %shypervisor %s with state folder %s: connect "
                    "to that (sclctl -c '%s' …), or give this one another prefix=",
                    self->prefix, process, holder->hypervisor, holder->state, uri);
}

/* FOLDER is to be the state folder, or the instance's own one in it; a note of another instance there
 * says that it is that one's. */
static gboolean
check_folder (SclInstanceClaim *self, const char *folder, const char *owner, GError **error)
{
  g_auto (Holder) kept = { NULL, NULL, NULL };

  if (!read_holder (folder, &kept) || kept.prefix == NULL || strcmp (kept.prefix, owner) == 0)
    return TRUE;
  return scl_throw (error, SCL_ERROR_IN_USE,
                    "%s is the folder of instance \"%s\" (state folder %s), it cannot be instance "
                    "\"%s\"'s: name another one with state=",
                    folder, kept.prefix, kept.state, self->prefix);
}

/* What both notes say; *OUT_NOTED: they are there, and ours. */
static gboolean
look (SclInstanceClaim *self, gboolean *out_noted, GError **error)
{
  g_autofree char *run = g_build_filename (self->run_dir, self->prefix, NULL);
  g_autofree char *home = _scl_instance_home (self->state, self->prefix);
  g_auto (Holder) now = { NULL, NULL, NULL };
  g_auto (Holder) kept = { NULL, NULL, NULL };
  gboolean has_now = read_holder (run, &now);
  gboolean has_kept = read_holder (home, &kept);

  *out_noted = FALSE;
  if (!check_folder (self, self->state, SCL_PREFIX_DEFAULT, error)
      || !check_folder (self, home, self->prefix, error))
    return FALSE;
  if (has_now && !is_ours (self, &now) && !is_stale (self, &now))
    return throw_held (self, &now, error);
  /* A state folder may be moved or mounted elsewhere; its hypervisor stays the same. */
  if (has_kept && strcmp (kept.hypervisor, self->hypervisor) != 0)
    {
      g_free (kept.state);
      kept.state = g_strdup (self->state);
      return throw_held (self, &kept, error);
    }
  *out_noted = has_now && has_kept && is_ours (self, &now) && is_ours (self, &kept);
  return TRUE;
}

gboolean
_scl_instance_claim_check (SclInstanceClaim *self, GError **error)
{
  gboolean noted;

  return look (self, &noted, error);
}

static gboolean
note_in_run (SclInstanceClaim *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->run_dir, self->prefix, NULL);
  g_auto (SclFd) fd = _scl_fd_open_folder (path, 0700, error);

  return fd >= 0 && write_holder (self, fd, error);
}

static gboolean
note_in_home (SclInstanceClaim *self, GError **error)
{
  g_autofree char *home = _scl_instance_home (self->state, self->prefix);
  g_autofree char *above = g_path_get_dirname (home);
  g_auto (SclFd) state = _scl_fd_open_state_folder (self->state, error);
  g_auto (SclFd) instances = -1;
  g_auto (SclFd) fd = -1;

  if (state < 0)
    return FALSE;
  if (strcmp (home, self->state) == 0)
    return write_holder (self, state, error);
  instances = _scl_fd_open_folder (above, 0711, error);
  fd = instances < 0 ? -1 : _scl_fd_open_folder (home, 0711, error);
  return fd >= 0 && write_holder (self, fd, error);
}

/* The folder's note first: while it is missing, the other one counts for nothing. */
static gboolean
note (SclInstanceClaim *self, gboolean in_folder, GError **error)
{
  return (!in_folder || note_in_home (self, error)) && note_in_run (self, error);
}

gboolean
_scl_instance_claim_take (SclInstanceClaim *self, gboolean in_folder, gboolean *out_new,
                          GError **error)
{
  gboolean noted;

  if (!look (self, &noted, error))
    return FALSE;
  *out_new = !noted;
  return noted || note (self, in_folder, error);
}

gboolean
_scl_instance_claim_is_on (SclInstanceClaim *self, const char *hypervisor)
{
  return strcmp (self->hypervisor, hypervisor) == 0;
}

char *
_scl_instance_claim_find_elsewhere (SclInstanceClaim *self, const char *prefix, gboolean *out_known)
{
  g_autofree char *home = _scl_instance_home (self->state, prefix);
  g_autofree char *run = g_build_filename (self->run_dir, prefix, NULL);
  g_auto (Holder) holder = { NULL, NULL, NULL };

  *out_known = read_holder (home, &holder)
               || (read_holder (run, &holder) && is_same_folder (holder.state, self->state));
  return *out_known && !_scl_instance_claim_is_on (self, holder.hypervisor)
             ? g_steal_pointer (&holder.hypervisor)
             : NULL;
}

int
_scl_instance_claim_find_process (SclInstanceClaim *self, const char *prefix)
{
  return _scl_instance_lock_find_holder (self->run_dir, prefix);
}

static gboolean
is_in (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, FILE_NAME, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

gboolean
_scl_instance_claim_is_noted (SclInstanceClaim *self)
{
  g_autofree char *run = g_build_filename (self->run_dir, self->prefix, NULL);
  g_autofree char *home = _scl_instance_home (self->state, self->prefix);

  return is_in (run) || is_in (home);
}

static void
forget (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, FILE_NAME, NULL);

  (void) unlink (path);
}

void
_scl_instance_claim_give_up (SclInstanceClaim *self)
{
  g_autofree char *run = g_build_filename (self->run_dir, self->prefix, NULL);
  g_autofree char *home = _scl_instance_home (self->state, self->prefix);

  forget (run);
  (void) rmdir (run);
  forget (home);
}
