/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/volume/scl-copy-private.h"

#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#define COPY_STEP (8u * 1024 * 1024)
#define COPY_BUFFER (1024u * 1024)
#define COPY_REPORT_INTERVAL (50 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  int in;
  int out;
  guint64 size;
  SclCopyMethod method;
  const char *name;
  const SclProgress *progress;
  gint64 reported; /* monotonic time */
  guint8 *buffer;
} SclCopy;

/* These three set ERROR and are always -1. */
static gssize
copy_fail_read (SclCopy *self, int errno_value, GError **error)
{
  (void) scl_throw_errno (error, errno_value, "%s: cannot read", self->name);
  return -1;
}

static gssize
copy_fail_write (SclCopy *self, int errno_value, GError **error)
{
  (void) scl_throw_errno (error, errno_value, "%s: cannot write the copy", self->name);
  return -1;
}

static gssize
copy_fail_short (SclCopy *self, GError **error)
{
  (void) scl_throw (error, SCL_ERROR_IN_USE,
                    "%s: became shorter while it was copied; try again when nobody writes it",
                    self->name);
  return -1;
}

static void
copy_report (SclCopy *self, guint64 done)
{
  gint64 now = g_get_monotonic_time ();

  if (done < self->size && now - self->reported < COPY_REPORT_INTERVAL)
    return;
  self->reported = now;
  _scl_progress_report (self->progress, done, self->size, NULL);
}

/* Errors that mean "not between these two files", as opposed to a failing disk. */
static gboolean
copy_is_unsupported (int errno_value)
{
  return errno_value == EXDEV || errno_value == EOPNOTSUPP || errno_value == EINVAL
         || errno_value == ENOSYS || errno_value == ENOTTY || errno_value == EPERM
         || errno_value == ETXTBSY;
}

static gssize
copy_write (SclCopy *self, guint64 offset, gsize length, GError **error)
{
  gsize done = 0;

  while (done < length)
    {
      gssize n = pwrite (self->out, self->buffer + done, length - done, (off_t) (offset + done));

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return copy_fail_write (self, errno, error);
      done += (gsize) n;
    }
  return (gssize) done;
}

/* These two return how many bytes they copied (> 0), or -1. */
static gssize
copy_read_write (SclCopy *self, guint64 offset, gsize length, GError **error)
{
  gssize n;

  if (self->buffer == NULL)
    self->buffer = g_malloc (COPY_BUFFER);
  do
    n = pread (self->in, self->buffer, MIN (length, COPY_BUFFER), (off_t) offset);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return copy_fail_read (self, errno, error);
  if (n == 0)
    return copy_fail_short (self, error);
  return copy_write (self, offset, (gsize) n, error);
}

static gssize
copy_range (SclCopy *self, guint64 offset, gsize length, GError **error)
{
  off_t from = (off_t) offset;
  off_t to = (off_t) offset;
  gssize n;

  do
    n = copy_file_range (self->in, &from, self->out, &to, length, 0);
  while (n < 0 && errno == EINTR);
  if (n > 0)
    return n;
  if (n < 0 && !copy_is_unsupported (errno))
    return copy_fail_write (self, errno, error);
  /* Some file systems answer 0 where others say EOPNOTSUPP: reading tells the end for certain. */
  self->method = SCL_COPY_READ_WRITE;
  return copy_read_write (self, offset, length, error);
}

static gboolean
copy_extent (SclCopy *self, guint64 start, guint64 end, GError **error)
{
  guint64 flushed = start;

  while (start < end)
    {
      gsize length = (gsize) MIN (end - start, COPY_STEP);
      gssize n;

      if (_scl_progress_is_cancelled (self->progress, error))
        return FALSE;
      n = self->method == SCL_COPY_RANGE ? copy_range (self, start, length, error)
                                         : copy_read_write (self, start, length, error);
      if (n < 0)
        return FALSE;
      start += (guint64) n;
      /* The caller will wait for the disk anyway: let it begin to write now. Only a hint. */
      if (start - flushed >= COPY_STEP || start == end)
        {
          (void) sync_file_range (self->out, (off_t) flushed, (off_t) (start - flushed),
                                  SYNC_FILE_RANGE_WRITE);
          flushed = start;
        }
      copy_report (self, start);
    }
  return TRUE;
}

/* The next run of data at or behind *START. FALSE: only a hole is left. Where the file system does
 * not know about holes all is data. */
static gboolean
copy_next_extent (SclCopy *self, guint64 *start, guint64 *end)
{
  off_t data = lseek (self->in, (off_t) *start, SEEK_DATA);
  off_t hole;

  if (data < 0 && errno == ENXIO)
    return FALSE;
  if (data >= 0)
    *start = (guint64) data;
  hole = data < 0 ? -1 : lseek (self->in, data, SEEK_HOLE);
  *end = hole > data ? MIN ((guint64) hole, self->size) : self->size;
  return *start < self->size;
}

static gboolean
copy_extents (SclCopy *self, GError **error)
{
  guint64 start = 0;
  guint64 end = 0;

  while (start < self->size && copy_next_extent (self, &start, &end))
    {
      if (!copy_extent (self, start, end, error))
        return FALSE;
      start = end;
    }
  return TRUE;
}

gboolean
_scl_copy (int in, int out, guint64 size, SclCopyMethod best, const char *name,
           const SclProgress *progress, SclCopyMethod *out_method, GError **error)
{
  SclCopy self = { in, out, size, MAX (best, SCL_COPY_RANGE), name, progress, 0, NULL };

  if (_scl_progress_is_cancelled (progress, error))
    return FALSE;
  copy_report (&self, 0);
  if (best == SCL_COPY_REFLINK && ioctl (out, FICLONE, in) == 0)
    self.method = SCL_COPY_REFLINK;
  else if (best == SCL_COPY_REFLINK && !copy_is_unsupported (errno))
    return copy_fail_write (&self, errno, error) > 0;
  else if (!copy_extents (&self, error))
    {
      g_free (self.buffer);
      return FALSE;
    }
  g_free (self.buffer);
  copy_report (&self, size);
  if (out_method != NULL)
    *out_method = self.method;
  return TRUE;
}

gboolean
_scl_copy_can_reflink (int in, int folder)
{
  g_auto (SclFd) out = openat (folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

  return out >= 0 && ioctl (out, FICLONE, in) == 0;
}
