/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-console-link.h"

#include "sclctl-interrupt.h"
#include "sclctl-terminal.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define ESCAPE 0x1d
#define CHUNK 4096

struct _SclctlLink
{
  GIOStream *stream;
  GCancellable *cancellable;
  SclctlLinkFunc function;
  gpointer user_data;
  SclctlLinkState state;
  gboolean is_raw;
  guint stdin_source;
  guint pending; /* asynchronous calls that have this link as data */
  gboolean freed;
  char from_guest[CHUNK];
  char to_guest[CHUNK];
};

static void read_guest (SclctlLink *self);
static void watch_stdin (SclctlLink *self);

static void
end (SclctlLink *self, SclctlLinkState state)
{
  if (self->state != SCLCTL_LINK_UP)
    return;
  self->state = state;
  g_clear_handle_id (&self->stdin_source, g_source_remove);
  sclctl_terminal_restore ();
  if (!self->freed)
    self->function (self, self->user_data);
}

/* A terminal in raw mode may be non-blocking, if it shares its open file with somebody's stdin. */
static gboolean
write_out (const char *text, gsize length)
{
  while (length > 0)
    {
      struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
      gssize written = write (STDOUT_FILENO, text, length);

      if (written < 0 && errno == EAGAIN)
        poll (&out, 1, -1);
      else if (written < 0 && errno != EINTR)
        return FALSE;
      text += MAX (written, 0);
      length -= (gsize)MAX (written, 0);
    }
  return TRUE;
}

static void
on_guest_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SclctlLink *self = user_data;
  gssize length = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  self->pending--;
  if (self->state != SCLCTL_LINK_UP)
    return;
  if (length <= 0)
    end (self, SCLCTL_LINK_CLOSED);
  else if (!write_out (self->from_guest, (gsize)length))
    end (self, SCLCTL_LINK_FAILED);
  else
    read_guest (self);
}

static void
read_guest (SclctlLink *self)
{
  self->pending++;
  g_input_stream_read_async (g_io_stream_get_input_stream (self->stream), self->from_guest, CHUNK,
                             G_PRIORITY_DEFAULT, self->cancellable, on_guest_read, self);
}

static void
on_guest_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SclctlLink *self = user_data;
  gboolean success
      = g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL);

  self->pending--;
  if (self->state != SCLCTL_LINK_UP)
    return;
  if (!success)
    end (self, SCLCTL_LINK_CLOSED);
  else
    watch_stdin (self);
}

static void
send_to_guest (SclctlLink *self, gsize length)
{
  self->pending++;
  g_output_stream_write_all_async (g_io_stream_get_output_stream (self->stream), self->to_guest,
                                   length, G_PRIORITY_DEFAULT, self->cancellable, on_guest_written,
                                   self);
}

/* The source ends itself each time: stdin is not read while the guest does not take what it got. */
static gboolean
on_stdin (gint fd, GIOCondition condition G_GNUC_UNUSED, gpointer user_data)
{
  SclctlLink *self = user_data;
  gssize length = read (fd, self->to_guest, CHUNK);
  const char *escape;

  self->stdin_source = 0;
  if (length < 0 && (errno == EAGAIN || errno == EINTR))
    {
      watch_stdin (self);
      return G_SOURCE_REMOVE;
    }
  /* The end of a file or pipe ends only what is sent. A terminal that went away ends all. */
  if (length <= 0 && self->is_raw)
    end (self, SCLCTL_LINK_ESCAPED);
  if (length <= 0)
    return G_SOURCE_REMOVE;
  escape = self->is_raw ? memchr (self->to_guest, ESCAPE, (gsize)length) : NULL;
  if (escape != NULL)
    end (self, SCLCTL_LINK_ESCAPED);
  else
    send_to_guest (self, (gsize)length);
  return G_SOURCE_REMOVE;
}

static void
watch_stdin (SclctlLink *self)
{
  self->stdin_source = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_stdin, self);
}

SclctlLink *
sclctl_link_new (GIOStream *stream, SclctlLinkFunc function, gpointer user_data)
{
  SclctlLink *self = g_new0 (SclctlLink, 1);

  self->stream = g_object_ref (stream);
  self->cancellable = g_cancellable_new ();
  self->function = function;
  self->user_data = user_data;
  self->is_raw = sclctl_terminal_make_raw ();
  read_guest (self);
  watch_stdin (self);
  return self;
}

void
sclctl_link_free (SclctlLink *self)
{
  self->freed = TRUE;
  end (self, SCLCTL_LINK_ESCAPED);
  g_cancellable_cancel (self->cancellable);
  while (self->pending > 0)
    g_main_context_iteration (NULL, TRUE);
  g_io_stream_close (self->stream, NULL, NULL);
  g_object_unref (self->stream);
  g_object_unref (self->cancellable);
  g_free (self);
}

SclctlLinkState
sclctl_link_get_state (SclctlLink *self)
{
  return self->state;
}

static void
keep_result (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

GIOStream *
sclctl_open_console (SclVm *vm, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  scl_vm_open_console_async (vm, sclctl_interrupt_get_cancellable (), keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return scl_vm_open_console_finish (vm, result, error);
}
