/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-feed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENT_MS 50

struct _SclctlFeed
{
  char *path;
  int fd;
  off_t offset;
  GFileMonitor *monitor;
  SclctlFeedFunc function;
  gpointer user_data;
};

static void
open_log (SclctlFeed *self)
{
  if (self->fd < 0)
    self->fd = open (self->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

static void
close_log (SclctlFeed *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  self->offset = 0;
}

void
sclctl_feed_drain (SclctlFeed *self)
{
  char chunk[16384];
  struct stat status;
  gssize length;

  open_log (self);
  if (self->fd < 0 || fstat (self->fd, &status) != 0 || !S_ISREG (status.st_mode))
    return;
  /* Somebody cut it. */
  if (status.st_size < self->offset)
    self->offset = 0;
  while ((length = pread (self->fd, chunk, sizeof chunk, self->offset)) > 0)
    {
      self->offset += length;
      self->function (chunk, (gsize)length, self->user_data);
    }
}

/* Whether another file has the name now. */
static gboolean
is_replaced (SclctlFeed *self)
{
  struct stat ours;
  struct stat theirs;

  return self->fd >= 0 && fstat (self->fd, &ours) == 0 && stat (self->path, &theirs) == 0
         && (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev);
}

static void
on_changed (GFileMonitor *monitor G_GNUC_UNUSED, GFile *file G_GNUC_UNUSED,
            GFile *other G_GNUC_UNUSED, GFileMonitorEvent event, gpointer user_data)
{
  SclctlFeed *self = user_data;

  sclctl_feed_drain (self);
  if (event == G_FILE_MONITOR_EVENT_DELETED
      || (event == G_FILE_MONITOR_EVENT_CREATED && is_replaced (self)))
    {
      close_log (self);
      sclctl_feed_drain (self);
    }
}

static void
watch (SclctlFeed *self)
{
  g_autoptr (GFile) file = g_file_new_for_path (self->path);

  self->monitor = g_file_monitor_file (file, G_FILE_MONITOR_NONE, NULL, NULL);
  if (self->monitor == NULL)
    return;
  g_file_monitor_set_rate_limit (self->monitor, EVENT_MS);
  g_signal_connect (self->monitor, "changed", G_CALLBACK (on_changed), self);
}

SclctlFeed *
sclctl_feed_new (const char *path, SclctlFeedFunc function, gpointer user_data)
{
  SclctlFeed *self = g_new0 (SclctlFeed, 1);
  struct stat status;

  self->path = g_strdup (path);
  self->fd = -1;
  self->function = function;
  self->user_data = user_data;
  open_log (self);
  if (self->fd >= 0 && fstat (self->fd, &status) == 0)
    self->offset = status.st_size;
  watch (self);
  return self;
}

void
sclctl_feed_free (SclctlFeed *self)
{
  if (self->monitor != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->monitor, self);
      g_file_monitor_cancel (self->monitor);
    }
  g_clear_object (&self->monitor);
  close_log (self);
  g_free (self->path);
  g_free (self);
}
