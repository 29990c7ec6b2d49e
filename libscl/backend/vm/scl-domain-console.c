/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-console-private.h"
#include "base/scl-fd-private.h"
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER_SIZE 4096

typedef struct
{
  char data[BUFFER_SIZE];
  gsize start, end;
} Buffer;

/* Used in libvirt's event thread only, once it runs. */
typedef struct
{
  gatomicrefcount refs; /* of the stream's and of the socket's callback */
  virConnectPtr handle;
  virStreamPtr stream;
  SclFd fd;
  int watch;
  gboolean ended;
  Buffer to_guest, to_user;
} Pump;

static void
pump_unref (void *data)
{
  Pump *pump = data;

  if (!g_atomic_ref_count_dec (&pump->refs))
    return;
  virStreamFree (pump->stream);
  virConnectClose (pump->handle);
  scl_fd_clear (&pump->fd);
  g_free (pump);
}

static void
pump_end (Pump *pump, gboolean stream_is_dead)
{
  if (pump->ended)
    return;
  pump->ended = TRUE;
  /* Freeing the callbacks may drop the last references but for the caller's. */
  (void) virStreamEventRemoveCallback (pump->stream);
  if (!stream_is_dead)
    (void) virStreamAbort (pump->stream);
  (void) shutdown (pump->fd, SHUT_RDWR);
  (void) virEventRemoveHandle (pump->watch);
}

static void
update_interest (Pump *pump)
{
  int stream_events = 0, socket_events = 0;

  if (pump->to_user.end == 0)
    stream_events |= VIR_STREAM_EVENT_READABLE;
  else
    socket_events |= VIR_EVENT_HANDLE_WRITABLE;
  if (pump->to_guest.end == 0)
    socket_events |= VIR_EVENT_HANDLE_READABLE;
  else
    stream_events |= VIR_STREAM_EVENT_WRITABLE;
  (void) virStreamEventUpdateCallback (pump->stream, stream_events);
  virEventUpdateHandle (pump->watch, socket_events);
}

static void
consume (Buffer *buffer, gsize size)
{
  buffer->start += size;
  if (buffer->start == buffer->end)
    buffer->start = buffer->end = 0;
}

/* Each step returns FALSE when its side is over. */
static gboolean
receive_from_guest (Pump *pump)
{
  int got;

  if (pump->to_user.end > 0)
    return TRUE;
  got = virStreamRecv (pump->stream, pump->to_user.data, BUFFER_SIZE);
  if (got > 0)
    pump->to_user.end = (gsize) got;
  return got > 0 || got == -2;
}

static gboolean
send_to_guest (Pump *pump)
{
  int sent;

  if (pump->to_guest.end == 0)
    return TRUE;
  sent = virStreamSend (pump->stream, pump->to_guest.data + pump->to_guest.start,
                        pump->to_guest.end - pump->to_guest.start);
  if (sent > 0)
    consume (&pump->to_guest, (gsize) sent);
  return sent >= 0 || sent == -2;
}

static gboolean
receive_from_user (Pump *pump)
{
  ssize_t got;

  if (pump->to_guest.end > 0)
    return TRUE;
  got = recv (pump->fd, pump->to_guest.data, BUFFER_SIZE, MSG_DONTWAIT);
  if (got > 0)
    pump->to_guest.end = (gsize) got;
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static gboolean
send_to_user (Pump *pump)
{
  ssize_t sent;

  if (pump->to_user.end == 0)
    return TRUE;
  sent = send (pump->fd, pump->to_user.data + pump->to_user.start,
               pump->to_user.end - pump->to_user.start, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0)
    consume (&pump->to_user, (gsize) sent);
  return sent >= 0 || errno == EAGAIN || errno == EINTR;
}

static void
on_stream (virStreamPtr stream, int events, void *opaque)
{
  Pump *pump = opaque;
  gboolean alive = TRUE;

  if (pump->ended)
    return;
  if (events & VIR_STREAM_EVENT_READABLE)
    alive = receive_from_guest (pump) && send_to_user (pump);
  if (alive && (events & VIR_STREAM_EVENT_WRITABLE))
    alive = send_to_guest (pump);
  if (alive && (events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP))
      && !(events & VIR_STREAM_EVENT_READABLE))
    alive = FALSE;
  if (alive)
    update_interest (pump);
  else
    pump_end (pump, FALSE);
}

static void
on_socket (int watch, int fd, int events, void *opaque)
{
  Pump *pump = opaque;
  gboolean alive = TRUE;

  if (pump->ended)
    return;
  if (events & VIR_EVENT_HANDLE_READABLE)
    alive = receive_from_user (pump) && send_to_guest (pump);
  if (alive && (events & VIR_EVENT_HANDLE_WRITABLE))
    alive = send_to_user (pump);
  if (alive && (events & (VIR_EVENT_HANDLE_ERROR | VIR_EVENT_HANDLE_HANGUP))
      && !(events & VIR_EVENT_HANDLE_READABLE))
    alive = FALSE;
  if (alive)
    update_interest (pump);
  else
    pump_end (pump, FALSE);
}

static Pump *
pump_new (virConnectPtr handle, virStreamPtr stream, int fd)
{
  Pump *pump = g_new0 (Pump, 1);

  g_atomic_ref_count_init (&pump->refs);
  (void) virConnectRef (handle);
  (void) virStreamRef (stream);
  pump->handle = handle;
  pump->stream = stream;
  pump->fd = fd;
  pump->watch = -1;
  return pump;
}

/* Takes FD. */
static gboolean
pump_start (virConnectPtr handle, virStreamPtr stream, int fd, const char *vm, GError **error)
{
  Pump *pump = pump_new (handle, stream, fd);

  g_atomic_ref_count_inc (&pump->refs);
  /* Without events: nothing runs before both callbacks are there. */
  pump->watch = virEventAddHandle (fd, 0, on_socket, pump, pump_unref);
  if (pump->watch < 0)
    {
      pump_unref (pump);
      pump_unref (pump);
      return scl_throw (error, SCL_ERROR_BACKEND, "VM \"%s\": console: no event loop", vm);
    }
  g_atomic_ref_count_inc (&pump->refs);
  if (virStreamEventAddCallback (stream, 0, on_stream, pump, pump_unref) < 0)
    {
      scl_throw_virt (error, "VM \"%s\": console", vm);
      virEventRemoveHandle (pump->watch);
      pump_unref (pump);
      pump_unref (pump);
      return FALSE;
    }
  update_interest (pump);
  pump_unref (pump);
  return TRUE;
}

static GIOStream *
wrap (int fd, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, error);

  if (socket == NULL)
    {
      (void) close (fd);
      return NULL;
    }
  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

GIOStream *
_scl_domain_console_open (virConnectPtr handle, virDomainPtr domain, const char *vm, GError **error)
{
  g_autoptr (virStream) stream = virStreamNew (handle, VIR_STREAM_NONBLOCK);
  g_autoptr (GIOStream) user_end = NULL;
  int fds[2];

  if (stream == NULL)
    return scl_null_throw_virt (error, "VM \"%s\": console", vm);
  if (virDomainOpenConsole (domain, NULL, stream, 0) < 0)
    {
      if (_scl_virt_error_is (VIR_ERR_OPERATION_FAILED))
        return scl_null_throw (error, SCL_ERROR_IN_USE,
                               "VM \"%s\": its console is open already: close the other one first",
                               vm);
      return scl_null_throw_virt (error, "VM \"%s\": console", vm);
    }
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
    {
      (void) virStreamAbort (stream);
      return scl_null_throw_errno (error, errno, "VM \"%s\": console", vm);
    }
  user_end = wrap (fds[0], error);
  if (user_end == NULL)
    (void) close (fds[1]);
  if (user_end != NULL && pump_start (handle, stream, fds[1], vm, error))
    return g_steal_pointer (&user_end);
  (void) virStreamAbort (stream);
  return NULL;
}
