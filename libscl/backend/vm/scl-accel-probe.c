/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-accel-probe-private.h"
#include "backend/vm/scl-embed-root-private.h"
#include "base/scl-fd-private.h"
#include "base/scl-run-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define CACHE_FILE "accelerator"
#define PROBE_SECONDS 5
/* A host that has just booted is slow, and its /dev/kvm may come late: a "no" is asked for again. */
#define NO_SECONDS 600
#define DISK_SIZE (1u << 20) /* SeaBIOS does not boot from less */
#define STATUS_OK ((0x2a << 1) | 1)

/* A boot sector at 0x7c00 that goes from real mode to 64-bit mode with paging,
 * runs a loop and ends QEMU through isa-debug-exit:
 *
 *   .code16                                   .code64
 *     cli; cld                                long_mode:
 *     xor %ax, %ax                              mov $0x10000, %ecx
 *     mov %ax, %ds; mov %ax, %es              1: loop 1b
 *     mov $0x1000, %edi; mov %edi, %cr3         mov $0x2a, %al
 *     mov $0xc00, %ecx; xor %eax, %eax          out %al, $0xf4
 *     rep stosl                               2: hlt; jmp 2b
 *     movw $0x2003, 0x1000                      .balign 8
 *     movw $0x3003, 0x2000                    gdt: .quad 0, 0x00af9a000000ffff
 *     movb $0x83, 0x3000                      gdtr: .word 15; .long gdt
 *     mov $0x20, %eax; mov %eax, %cr4
 *     mov $0xc0000080, %ecx; rdmsr; or $0x100, %eax; wrmsr
 *     mov %cr0, %eax; or $0x80000001, %eax; mov %eax, %cr0
 *     lgdt gdtr; ljmp $8, $long_mode
 */
static const guint8 boot_sector[] = {
  0xfa, 0xfc, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x66, 0xbf, 0x00, 0x10, 0x00, 0x00, 0x0f,
  0x22, 0xdf, 0x66, 0xb9, 0x00, 0x0c, 0x00, 0x00, 0x66, 0x31, 0xc0, 0x66, 0xf3, 0xab, 0xc7,
  0x06, 0x00, 0x10, 0x03, 0x20, 0xc7, 0x06, 0x00, 0x20, 0x03, 0x30, 0xc6, 0x06, 0x00, 0x30,
  0x83, 0x66, 0xb8, 0x20, 0x00, 0x00, 0x00, 0x0f, 0x22, 0xe0, 0x66, 0xb9, 0x80, 0x00, 0x00,
  0xc0, 0x0f, 0x32, 0x66, 0x0d, 0x00, 0x01, 0x00, 0x00, 0x0f, 0x30, 0x0f, 0x20, 0xc0, 0x66,
  0x0d, 0x01, 0x00, 0x00, 0x80, 0x0f, 0x22, 0xc0, 0x0f, 0x01, 0x16, 0x80, 0x7c, 0xea, 0x5d,
  0x7c, 0x08, 0x00, 0xb9, 0x00, 0x00, 0x01, 0x00, 0xe2, 0xfe, 0xb0, 0x2a, 0xe6, 0xf4, 0xf4,
  0xeb, 0xfd, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0xff, 0xff, 0x00, 0x00, 0x00, 0x9a, 0xaf, 0x00, 0x0f, 0x00, 0x70, 0x7c,
};

void
_scl_accel_probe_free (SclAccelProbe *self)
{
  if (self == NULL)
    return;
  g_free (self->reason);
  g_free (self);
}

static SclAccelProbe *
answer (gboolean kvm, const char *reason)
{
  SclAccelProbe *self = g_new0 (SclAccelProbe, 1);

  self->kvm = kvm;
  self->reason = kvm ? NULL : g_strdup (reason);
  self->asked = g_get_monotonic_time ();
  return self;
}

static char *
read_boot_id (void)
{
  char *id = NULL;

  if (!g_file_get_contents (BOOT_ID_FILE, &id, NULL, NULL))
    return NULL;
  return g_strchomp (id);
}

gboolean
_scl_accel_probe_is_old (const SclAccelProbe *self)
{
  return !self->kvm && g_get_monotonic_time () - self->asked >= NO_SECONDS * G_USEC_PER_SEC;
}

static gboolean
is_fresh (int fd)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  struct stat st;

  return fstat (fd, &st) == 0 && st.st_mtim.tv_sec <= now && now - st.st_mtim.tv_sec < NO_SECONDS;
}

/* Lines: boot id, "kvm" or "tcg", reason. (nullable) */
static SclAccelProbe *
load (int folder, const char *boot_id, gboolean also_old)
{
  g_auto (SclFd) fd = -1;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  fd = _scl_fd_open_regular (folder, CACHE_FILE, NULL, NULL);
  bytes = fd >= 0 ? _scl_fd_read_all (fd, 4096, CACHE_FILE, NULL) : NULL;
  if (bytes == NULL)
    return NULL;
  if (g_bytes_get_size (bytes) == 0)
    return NULL;
  text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  lines = g_strsplit (text, "\n", 3);
  if (g_strv_length (lines) < 3 || strcmp (lines[0], boot_id) != 0)
    return NULL;
  if (strcmp (lines[1], "kvm") != 0 && !also_old && !is_fresh (fd))
    return NULL;
  return answer (strcmp (lines[1], "kvm") == 0, g_strchomp (lines[2]));
}

static void
save (int folder, const char *boot_id, const SclAccelProbe *self)
{
  g_autofree char *text = g_strdup_printf ("%s\n%s\n%s\n", boot_id, self->kvm ? "kvm" : "tcg",
                                           self->reason != NULL ? self->reason : "");

  /* Without it the next process asks again: slower, not wrong. */
  (void) _scl_fd_replace (folder, CACHE_FILE, text, strlen (text), 0600, NULL);
}

static GBytes *
make_disk (void)
{
  guint8 *disk = g_malloc0 (DISK_SIZE);

  memcpy (disk, boot_sector, sizeof boot_sector);
  disk[510] = 0x55;
  disk[511] = 0xaa;
  return g_bytes_new_take (disk, DISK_SIZE);
}

static SclAccelProbe *
judge (const SclRunResult *result)
{
  g_autofree char *reason = NULL;
  char *newline;

  if (result->exit_status == STATUS_OK)
    return answer (TRUE, NULL);
  reason = g_strdup (result->message != NULL && *result->message != '\0'
                         ? result->message
                         : "QEMU ended without running the test guest");
  newline = strchr (reason, '\n');
  if (newline != NULL)
    *newline = '\0';
  return answer (FALSE, reason);
}

/* NULL only if it was cancelled. */
static SclAccelProbe *
run (const char *emulator, GCancellable *cancellable)
{
  const char *const argv[] = { emulator,
                               "-machine",
                               "q35",
                               "-accel",
                               "kvm",
                               "-cpu",
                               "host",
                               "-m",
                               "16",
                               "-nodefaults",
                               "-no-user-config",
                               "-display",
                               "none",
                               "-no-reboot",
                               "-device",
                               "isa-debug-exit,iobase=0xf4,iosize=1",
                               "-drive",
                               "file=/dev/stdin,format=raw,readonly=on,if=none,id=d",
                               "-device",
                               "virtio-blk-pci,drive=d",
                               NULL };
  const char *user = _scl_embed_root_find_user ();
  g_autoptr (GBytes) disk = make_disk ();
  g_autoptr (SclRunResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (user == NULL)
    return answer (FALSE, "there is no user for QEMU");
  if (!g_file_test ("/dev/kvm", G_FILE_TEST_EXISTS))
    return answer (FALSE, "there is no /dev/kvm");
  result = _scl_run (argv, disk, -1, user, PROBE_SECONDS, cancellable, &error);
  if (result != NULL)
    return judge (result);
  if (g_cancellable_is_cancelled (cancellable))
    return NULL;
  if (g_error_matches (error, SCL_ERROR, SCL_ERROR_TIMEOUT))
    return answer (FALSE, "the test guest hung");
  return answer (FALSE, error->message);
}

SclAccelProbe *
_scl_accel_probe_peek (const char *cache_dir)
{
  g_autofree char *boot_id = read_boot_id ();
  g_auto (SclFd) folder = open (cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  return folder >= 0 && boot_id != NULL ? load (folder, boot_id, TRUE) : NULL;
}

SclAccelProbe *
_scl_accel_probe_new (const char *cache_dir, const char *emulator, GCancellable *cancellable)
{
  g_autofree char *boot_id = read_boot_id ();
  g_auto (SclFd) folder = _scl_fd_open_folder (cache_dir, 0700, NULL);
  gboolean cached = folder >= 0 && boot_id != NULL;
  g_autoptr (SclAccelProbe) self = cached ? load (folder, boot_id, FALSE) : NULL;

  if (self != NULL)
    return g_steal_pointer (&self);
  self = run (emulator, cancellable);
  if (self != NULL && cached)
    save (folder, boot_id, self);
  return g_steal_pointer (&self);
}
