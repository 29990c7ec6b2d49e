/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-spawn-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define GROUPS_MAX 64
#define STACK_BYTES (256u << 10) /* a sanitizer wants more than the few KiB that are used */

#ifdef __SANITIZE_THREAD__
#define BORROWED 0 /* ThreadSanitizer takes every clone for a fork, and notes that in its own memory */
#else
#define BORROWED CLONE_VM
#endif
#define MASK_BYTES (_NSIG / 8) /* the kernel's sigset_t */

/* What the child needs, at the beginning of the memory that holds its stack: both see it. It makes system
 * calls only: what libraries (glibc's setuid(), a sanitizer's sigaction()) keep in mind is ours. */
typedef struct
{
  const char *program; /* full path */
  char *const *argv;
  char **environment;
  int netns_fd;
  int fds[3];
  gboolean has_user;
  uid_t uid;
  gid_t gid;
  gid_t groups[GROUPS_MAX];
  int n_groups;
  pid_t parent;
  guint fd_limit;
  gboolean reset[_NSIG]; /* by signal: to its default */
  sigset_t mask;
  int failure; /* errno, if it did not become the program */
} Child;

static const char *
package_of (const char *program)
{
  static const struct
  {
    const char *program, *package;
  } known[] = { { "nft", "nftables" },
                { "qemu-img", "qemu-utils" },
                { "qemu-system-x86_64", "qemu-system-x86" },
                { "dnsmasq", "dnsmasq-base" },
                { "swtpm", "swtpm" } };

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    if (strcmp (known[i].program, program) == 0)
      return known[i].package;
  return NULL;
}

static gboolean
throw_missing (const char *program, GError **error)
{
  g_autofree char *name = g_path_get_basename (program);
  const char *package = package_of (name);

  if (package == NULL)
    return scl_throw (error, SCL_ERROR_MISSING, "%s is not installed", name);
  return scl_throw (error, SCL_ERROR_MISSING, "%s is not installed: install the package %s", name,
                    package);
}

static gboolean
lookup_user (const char *user, Child *child, GError **error)
{
  struct passwd entry, *found = NULL;
  char buffer[4096];

  if (user == NULL)
    return TRUE;
  (void) getpwnam_r (user, &entry, buffer, sizeof buffer, &found);
  if (found == NULL)
    return scl_throw (error, SCL_ERROR_NOT_FOUND, "user %s does not exist", user);
  child->has_user = TRUE;
  child->uid = entry.pw_uid;
  child->gid = entry.pw_gid;
  child->n_groups = GROUPS_MAX;
  if (getgrouplist (user, entry.pw_gid, child->groups, &child->n_groups) < 0)
    return scl_throw (error, SCL_ERROR_UNSUPPORTED, "user %s is in more than %d groups", user,
                      GROUPS_MAX);
  return TRUE;
}

/* --- the child --- */

static void
reset_signals (const Child *child)
{
  /* All zero is the default, whatever the order of the kernel's fields. */
  static const gulong standard[8];

  for (int number = 1; number < _NSIG; number++)
    if (child->reset[number])
      (void) syscall (SYS_rt_sigaction, number, standard, NULL, (gsize) MASK_BYTES);
}

static void
close_others (guint limit)
{
  if (syscall (SYS_close_range, 3u, ~0u, 0) == 0)
    return;
  for (guint fd = 3; fd < limit; fd++)
    (void) syscall (SYS_close, fd);
}

static gboolean
take_user (const Child *child)
{
  return !child->has_user
         || (syscall (SYS_setgroups, (size_t) child->n_groups, child->groups) == 0
             && syscall (SYS_setgid, child->gid) == 0 && syscall (SYS_setuid, child->uid) == 0);
}

static gboolean
take_fds (const Child *child)
{
  for (int i = 0; i < 3; i++)
    if (syscall (SYS_dup3, child->fds[i], i, 0) < 0)
      return FALSE;
  return TRUE;
}

static int
be_child (void *data)
{
  Child *child = data;

  reset_signals (child);
  /* A program that outlives a killed SCL would finish its change after the next apply has begun.
   * (After setuid, which clears it.) */
  if ((child->netns_fd < 0 || setns (child->netns_fd, CLONE_NEWNET) == 0) && take_fds (child)
      && take_user (child) && prctl (PR_SET_PDEATHSIG, SIGKILL) == 0
      && syscall (SYS_getppid) == child->parent)
    {
      close_others (child->fd_limit);
      (void) syscall (SYS_rt_sigprocmask, SIG_SETMASK, &child->mask, NULL, (gsize) MASK_BYTES);
      (void) execve (child->program, child->argv, child->environment);
    }
  child->failure = errno;
  (void) syscall (SYS_exit_group, 126);
  return 126;
}

/* --- the parent --- */

/* Handlers are ours, and would run in our memory. What is ignored stays so, but for what programs
 * rely on. */
static void
choose_signals (Child *child)
{
  struct sigaction now;

  for (int number = 1; number < _NSIG; number++)
    child->reset[number] = sigaction (number, NULL, &now) == 0 && now.sa_handler != SIG_DFL
                           && (now.sa_handler != SIG_IGN || number == SIGPIPE || number == SIGCHLD);
}

/* Above those of the standard streams, which a caller may have closed. */
static int
move_up (int fd)
{
  int moved = fd >= 3 ? fd : fcntl (fd, F_DUPFD_CLOEXEC, 3);

  if (moved != fd)
    (void) close (fd);
  return moved;
}

static gboolean
open_pipe (SclFd *out_read, SclFd *out_write, GError **error)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) != 0)
    return scl_throw_errno (error, errno, "cannot make a pipe");
  *out_read = move_up (ends[0]);
  *out_write = move_up (ends[1]);
  return (*out_read >= 0 && *out_write >= 0) || scl_throw_errno (error, errno, "cannot make a pipe");
}

static guint
fd_limit (void)
{
  struct rlimit limit;

  return getrlimit (RLIMIT_NOFILE, &limit) == 0 ? (guint) MIN (limit.rlim_cur, 65536) : 1024;
}

/* Where another user's rights are taken the memory is copied: whether a process may be looked into
 * belongs to its memory, and would be changed for ours. */
static pid_t
clone_child (Child *child)
{
  int flags = CLONE_VFORK | SIGCHLD | (child->has_user ? 0 : BORROWED);
  sigset_t all;
  pid_t pid;

  (void) sigfillset (&all);
  (void) pthread_sigmask (SIG_SETMASK, &all, &child->mask);
  choose_signals (child);
  pid = clone (be_child, (char *) child + STACK_BYTES, flags, child);
  (void) pthread_sigmask (SIG_SETMASK, &child->mask, NULL);
  return pid;
}

static gboolean
throw_failure (const char *program, int failure, GError **error)
{
  return failure == ENOENT ? throw_missing (program, error)
                           : scl_throw_errno (error, failure, "cannot run %s", program);
}

static gboolean
start (Child *child, const char *name, GPid *out_pid, GError **error)
{
  pid_t pid = clone_child (child);

  if (pid < 0)
    return scl_throw_errno (error, errno, "cannot run %s", name);
  if (child->failure != 0)
    {
      (void) TEMP_FAILURE_RETRY (waitpid (pid, NULL, 0));
      return throw_failure (name, child->failure, error);
    }
  *out_pid = pid;
  return TRUE;
}

static gboolean
prepare (const SclSpawn *self, Child *child, const char *program, GError **error)
{
  child->program = program;
  child->argv = (char *const *) self->argv;
  child->environment = environ;
  child->netns_fd = self->netns_fd;
  child->parent = getpid ();
  child->fd_limit = fd_limit ();
  return lookup_user (self->user, child, error);
}

static gboolean
spawn (const SclSpawn *self, Child *child, const char *program, GPid *out_pid, int *out_out,
       int *out_err, GError **error)
{
  g_auto (SclFd) out = -1, out_end = -1, err = -1, err_end = -1, in = -1;
  g_autofree char *name = g_path_get_basename (self->argv[0]);

  if (!prepare (self, child, program, error) || !open_pipe (&out, &out_end, error)
      || !open_pipe (&err, &err_end, error))
    return FALSE;
  in = fcntl (self->in, F_DUPFD_CLOEXEC, 3);
  if (in < 0)
    return scl_throw_errno (error, errno, "cannot run %s", name);
  memcpy (child->fds, (int[]){ in, out_end, err_end }, sizeof child->fds);
  if (!start (child, name, out_pid, error))
    return FALSE;
  *out_out = scl_fd_steal (&out);
  *out_err = scl_fd_steal (&err);
  return TRUE;
}

char *
_scl_find_program (const char *name)
{
  static const char *const folders[]
      = { "/usr/local/sbin", "/usr/sbin", "/sbin", "/run/current-system/sw/bin" };
  char *found = g_find_program_in_path (name);

  for (gsize i = 0; found == NULL && !g_path_is_absolute (name) && i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename (folders[i], name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_EXECUTABLE) && !g_file_test (path, G_FILE_TEST_IS_DIR))
        found = g_steal_pointer (&path);
    }
  return found;
}

gboolean
_scl_spawn (const SclSpawn *self, GPid *out_pid, int *out_out, int *out_err, GError **error)
{
  g_autofree char *program = _scl_find_program (self->argv[0]);
  Child *child;
  gboolean ok;

  if (program == NULL)
    return throw_missing (self->argv[0], error);
  child = mmap (NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (child == MAP_FAILED)
    return scl_throw_errno (error, errno, "cannot run %s", self->argv[0]);
  ok = spawn (self, child, program, out_pid, out_out, out_err, error);
  (void) munmap (child, STACK_BYTES);
  return ok;
}
