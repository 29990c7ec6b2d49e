/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-console-log-private.h"
#include "base/scl-fd-private.h"
#include <fcntl.h>
#include <gio/gio.h>

struct SclConsoleLogs
{
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  GHashTable *monitors; /* path → GFileMonitor, used in the thread only */
};

typedef struct
{
  SclConsoleLogs *logs;
  char *path;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  g_free (request->path);
  g_free (request);
}

void
_scl_console_log_trim (const char *path)
{
  g_autofree char *old_path = g_strconcat (path, ".old", NULL);
  g_auto (SclFd) in = open (path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  g_auto (SclFd) out = -1;
  struct stat st;
  off_t from;

  if (in < 0 || fstat (in, &st) < 0 || !S_ISREG (st.st_mode) || st.st_size <= SCL_CONSOLE_LOG_MAX)
    return;
  out = open (old_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (out < 0)
    return;
  from = st.st_size - SCL_CONSOLE_LOG_MAX;
  while (from < st.st_size
         && copy_file_range (in, &from, out, NULL, (size_t) (st.st_size - from), 0) > 0)
    ;
  (void) ftruncate (in, 0);
}

static void
on_changed (GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event,
            gpointer user_data)
{
  const char *path = user_data;

  if (event == G_FILE_MONITOR_EVENT_CHANGED || event == G_FILE_MONITOR_EVENT_CREATED)
    _scl_console_log_trim (path);
}

static gboolean
watch_path (gpointer data)
{
  Request *request = data;
  g_autoptr (GFile) file = g_file_new_for_path (request->path);
  GFileMonitor *monitor;
  char *path;

  if (g_hash_table_contains (request->logs->monitors, request->path))
    return G_SOURCE_REMOVE;
  monitor = g_file_monitor_file (file, G_FILE_MONITOR_NONE, NULL, NULL);
  if (monitor == NULL)
    return G_SOURCE_REMOVE;
  path = g_strdup (request->path);
  g_hash_table_insert (request->logs->monitors, path, monitor);
  g_signal_connect (monitor, "changed", G_CALLBACK (on_changed), path);
  _scl_console_log_trim (path);
  return G_SOURCE_REMOVE;
}

static void
monitor_free (gpointer data)
{
  GFileMonitor *monitor = data;

  g_signal_handlers_disconnect_matched (monitor, G_SIGNAL_MATCH_FUNC, 0, 0, NULL,
                                        (gpointer) on_changed, NULL);
  g_file_monitor_cancel (monitor);
  g_object_unref (monitor);
}

static gpointer
run (gpointer data)
{
  SclConsoleLogs *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_hash_table_remove_all (self->monitors);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

SclConsoleLogs *
_scl_console_logs_new (void)
{
  SclConsoleLogs *self = g_new0 (SclConsoleLogs, 1);

  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->monitors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, monitor_free);
  /* Where there is no thread to spare, logs grow until the next who opens the hypervisor. */
  self->thread = g_thread_try_new ("scl-console-log", run, self, NULL);
  return self;
}

static gboolean
quit (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

void
_scl_console_logs_free (SclConsoleLogs *self)
{
  g_autoptr (GSource) source = NULL;

  if (self == NULL)
    return;
  /* As a source of the loop: quitting it before it runs would be lost. */
  source = g_idle_source_new ();
  g_source_set_callback (source, quit, self->loop, NULL);
  g_source_attach (source, self->context);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_hash_table_unref (self->monitors);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_free (self);
}

void
_scl_console_logs_add (SclConsoleLogs *self, const char *path)
{
  Request *request;

  if (self->thread == NULL)
    return;
  request = g_new0 (Request, 1);
  request->logs = self;
  request->path = g_strdup (path);
  g_main_context_invoke_full (self->context, G_PRIORITY_DEFAULT, watch_path, request, request_free);
}
