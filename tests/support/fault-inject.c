/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fault-inject: LD_PRELOADed into sclctl, it counts the calls by which libscl and sclctl change something
 * and makes one of them fail.
 *
 *   SCL_FAULT_AT=N     the call that fails, from 1 on; 0: none
 *   SCL_FAULT_LATE=1   it fails when it has been done (an answer that got lost), where that can be
 *   SCL_FAULT_ERRNO=E  of a system call; EIO if it is not set
 *   SCL_FAULT_LOG=FILE one line per counted call; "!" in front of the one that failed
 *   SCL_FAULT_HOLD=NAME calls of this function wait at SCL_FAULT_GATE, a FIFO, until somebody has opened and
 *                      closed its other end
 *
 * Calls of other libraries (libvirt's own threads, GLib) are not counted, nor those of children.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <linux/fs.h>
#include <netlink/netlink.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALLER __builtin_return_address (0)

typedef enum
{
  GOES_ON,
  FAILS,
  FAILS_LATE,
} Fate;

static atomic_long calls;
static pid_t main_process;
static int log_fd = -1;

static long
number_of (const char *name, long usual)
{
  const char *text = getenv (name);

  return text != NULL ? strtol (text, NULL, 10) : usual;
}

__attribute__ ((constructor)) static void
begin (void)
{
  const char *path = getenv ("SCL_FAULT_LOG");
  int (*real_open) (const char *, int, ...) = dlsym (RTLD_NEXT, "open");

  main_process = getpid ();
  if (path != NULL)
    log_fd = real_open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int
is_ours (void *caller)
{
  Dl_info info;
  const char *name;

  if (getpid () != main_process || dladdr (caller, &info) == 0 || info.dli_fname == NULL)
    return 0;
  name = strrchr (info.dli_fname, '/');
  name = name != NULL ? name + 1 : info.dli_fname;
  return strncmp (name, "libscl.so", 9) == 0 || strcmp (name, "sclctl") == 0;
}

static void
note (const char *what, long number, Fate fate)
{
  char line[200];
  int length = snprintf (line, sizeof line, "%s%ld %s\n", fate != GOES_ON ? "!" : "", number, what);
  ssize_t (*real_write) (int, const void *, size_t) = dlsym (RTLD_NEXT, "write");

  if (log_fd >= 0 && real_write (log_fd, line, (size_t) length) < 0)
    abort ();
}

/* To open it is to wait for the other end. */
static void
hold (const char *what)
{
  const char *held = getenv ("SCL_FAULT_HOLD");
  const char *gate = getenv ("SCL_FAULT_GATE");
  char byte;
  int fd;

  if (held == NULL || gate == NULL || strcmp (held, what) != 0)
    return;
  fd = ((int (*) (const char *, int, ...)) dlsym (RTLD_NEXT, "open")) (gate, O_RDONLY | O_CLOEXEC);
  while (read (fd, &byte, 1) > 0)
    continue;
  (void) close (fd);
}

static Fate
fate_of (const char *what, void *caller)
{
  Fate fate = GOES_ON;
  long number;

  if (!is_ours (caller))
    return fate;
  number = atomic_fetch_add (&calls, 1) + 1;
  if (number == number_of ("SCL_FAULT_AT", 0))
    fate = number_of ("SCL_FAULT_LATE", 0) ? FAILS_LATE : FAILS;
  note (what, number, fate);
  hold (what);
  return fate;
}

static int
no_number (void)
{
  errno = (int) number_of ("SCL_FAULT_ERRNO", EIO);
  return -1;
}

/* System calls: what is done late is done. */
#define REAL(name) ((__typeof__ (&name)) dlsym (RTLD_NEXT, #name))
#define SYSTEM_CALL(type, name, parameters, arguments)                                                       \
  type name parameters                                                                                       \
  {                                                                                                          \
    Fate fate = fate_of (#name, CALLER);                                                                     \
                                                                                                             \
    if (fate == FAILS)                                                                                       \
      return no_number ();                                                                                   \
    if (fate == GOES_ON)                                                                                     \
      return REAL (name) arguments;                                                                          \
    return REAL (name) arguments < 0 ? -1 : no_number ();                                                    \
  }

SYSTEM_CALL (int, unlink, (const char *path), (path))
SYSTEM_CALL (int, rmdir, (const char *path), (path))
SYSTEM_CALL (int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
SYSTEM_CALL (int, mkdir, (const char *path, mode_t mode), (path, mode))
SYSTEM_CALL (int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode))
SYSTEM_CALL (int, linkat, (int from, const char *old, int to, const char *new, int flags), (from, old, to, new, flags))
SYSTEM_CALL (int, rename, (const char *old, const char *new), (old, new))
SYSTEM_CALL (int, renameat, (int from, const char *old, int to, const char *new), (from, old, to, new))
SYSTEM_CALL (int, renameat2, (int from, const char *old, int to, const char *new, unsigned int flags), (from, old, to, new, flags))
SYSTEM_CALL (int, ftruncate, (int fd, off_t size), (fd, size))
SYSTEM_CALL (int, fchmod, (int fd, mode_t mode), (fd, mode))
SYSTEM_CALL (int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group))
SYSTEM_CALL (int, fsync, (int fd), (fd))
SYSTEM_CALL (int, unshare, (int flags), (flags))
SYSTEM_CALL (int, setns, (int fd, int kind), (fd, kind))
SYSTEM_CALL (int, umount2, (const char *path, int flags), (path, flags))
SYSTEM_CALL (int, mount, (const char *source, const char *target, const char *kind, unsigned long flags, const void *data),
             (source, target, kind, flags, data))
SYSTEM_CALL (ssize_t, pwrite, (int fd, const void *data, size_t size, off_t offset), (fd, data, size, offset))
SYSTEM_CALL (ssize_t, copy_file_range, (int in, off_t *from, int out, off_t *to, size_t size, unsigned int flags),
             (in, from, out, to, size, flags))

/* Of files only: what wakes a thread up changes nothing. */
ssize_t
write (int fd, const void *data, size_t size)
{
  struct stat info;
  Fate fate = fstat (fd, &info) == 0 && S_ISREG (info.st_mode) ? fate_of ("write", CALLER) : GOES_ON;

  if (fate == FAILS)
    return no_number ();
  if (fate == GOES_ON)
    return REAL (write) (fd, data, size);
  return REAL (write) (fd, data, size) < 0 ? -1 : no_number ();
}

int
ioctl (int fd, unsigned long request, ...)
{
  va_list list;
  void *argument;

  va_start (list, request);
  argument = va_arg (list, void *);
  va_end (list);
  if (request == FICLONE && fate_of ("ioctl FICLONE", CALLER) != GOES_ON)
    return no_number ();
  return REAL (ioctl) (fd, request, argument);
}

static int
makes (int flags)
{
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

int
openat (int folder, const char *path, int flags, ...)
{
  va_list list;
  mode_t mode = 0;

  if (makes (flags))
    {
      va_start (list, flags);
      mode = va_arg (list, mode_t);
      va_end (list);
      if (fate_of ("openat", CALLER) != GOES_ON)
        return no_number ();
    }
  return REAL (openat) (folder, path, flags, mode);
}

int
open (const char *path, int flags, ...)
{
  va_list list;
  mode_t mode = 0;

  if (makes (flags))
    {
      va_start (list, flags);
      mode = va_arg (list, mode_t);
      va_end (list);
      if (fate_of ("open", CALLER) != GOES_ON)
        return no_number ();
    }
  return REAL (open) (path, flags, mode);
}

int
nl_send_auto_complete (struct nl_sock *sock, struct nl_msg *message)
{
  return fate_of ("netlink", CALLER) != GOES_ON ? -NLE_NOMEM : REAL (nl_send_auto_complete) (sock, message);
}

static int
end_with_one (void *unused)
{
  return 1;
}

/* A helper that does not start; late: one that fails. */
int
clone (int (*child) (void *), void *stack, int flags, void *data, ...)
{
  Fate fate = fate_of ("helper", CALLER);

  return fate == FAILS ? no_number () : REAL (clone) (fate == FAILS_LATE ? end_with_one : child, stack, flags, data);
}

/* libvirt: an error of the driver, as from a QEMU that did not do it; late: from a daemon that went away. */
static void
set_virt_error (void)
{
  char message[] = "injected failure";
  virError error = { .code = VIR_ERR_OPERATION_FAILED, .domain = VIR_FROM_QEMU, .message = message, .level = VIR_ERR_ERROR };
  int (*set) (virErrorPtr) = dlsym (RTLD_NEXT, "virSetError");

  (void) set (&error);
}

#define VIRT_CALL(name, parameters, arguments)                                                               \
  int name parameters                                                                                        \
  {                                                                                                          \
    Fate fate = fate_of (#name, CALLER);                                                                     \
    int result = fate == FAILS ? -1 : REAL (name) arguments;                                                 \
                                                                                                             \
    if (fate == GOES_ON || (fate == FAILS_LATE && result < 0))                                               \
      return result;                                                                                         \
    set_virt_error ();                                                                                       \
    return -1;                                                                                               \
  }

VIRT_CALL (virDomainCreate, (virDomainPtr domain), (domain))
VIRT_CALL (virDomainDestroy, (virDomainPtr domain), (domain))
VIRT_CALL (virDomainResume, (virDomainPtr domain), (domain))
VIRT_CALL (virDomainShutdown, (virDomainPtr domain), (domain))
VIRT_CALL (virDomainShutdownFlags, (virDomainPtr domain, unsigned int flags), (domain, flags))
VIRT_CALL (virDomainUndefine, (virDomainPtr domain), (domain))
VIRT_CALL (virDomainUndefineFlags, (virDomainPtr domain, unsigned int flags), (domain, flags))
VIRT_CALL (virDomainAttachDeviceFlags, (virDomainPtr domain, const char *xml, unsigned int flags), (domain, xml, flags))
VIRT_CALL (virDomainDetachDeviceFlags, (virDomainPtr domain, const char *xml, unsigned int flags), (domain, xml, flags))
VIRT_CALL (virDomainBlockResize, (virDomainPtr domain, const char *disk, unsigned long long size, unsigned int flags),
           (domain, disk, size, flags))
VIRT_CALL (virDomainSetMetadata,
           (virDomainPtr domain, int type, const char *metadata, const char *key, const char *uri, unsigned int flags),
           (domain, type, metadata, key, uri, flags))

virDomainPtr
virDomainDefineXMLFlags (virConnectPtr connection, const char *xml, unsigned int flags)
{
  Fate fate = fate_of ("virDomainDefineXMLFlags", CALLER);
  virDomainPtr domain = fate == FAILS ? NULL : REAL (virDomainDefineXMLFlags) (connection, xml, flags);

  if (fate == GOES_ON || (fate == FAILS_LATE && domain == NULL))
    return domain;
  if (domain != NULL)
    REAL (virDomainFree) (domain);
  set_virt_error ();
  return NULL;
}
