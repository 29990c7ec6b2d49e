/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-watch.h"

struct _SclctlWatch
{
  SclConnection *connection;
  SclctlWatchFunc function;
  gpointer user_data;
  gulong handler;
  gboolean refreshing;
  gboolean again; /* something changed while refreshing */
};

static void refresh (SclctlWatch *self);

static void
on_refreshed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SclctlWatch *self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean again = self->again;

  self->refreshing = FALSE;
  self->again = FALSE;
  if (!scl_connection_refresh_finish (SCL_CONNECTION (source), result, &error))
    sclctl_complain ("%s", error->message);
  else if (self->handler != 0)
    self->function (self->user_data);
  if (again && self->handler != 0)
    refresh (self);
}

static void
refresh (SclctlWatch *self)
{
  if (self->refreshing)
    {
      self->again = TRUE;
      return;
    }
  self->refreshing = TRUE;
  scl_connection_refresh_async (self->connection, NULL, on_refreshed, self);
}

static void
on_object_changed (SclConnection *connection G_GNUC_UNUSED, SclObjectKind kind G_GNUC_UNUSED,
                   const char *name G_GNUC_UNUSED, gpointer user_data)
{
  refresh (user_data);
}

SclctlWatch *
sclctl_watch_new (SclConnection *connection, SclctlWatchFunc function, gpointer user_data)
{
  SclctlWatch *self = g_new0 (SclctlWatch, 1);

  self->connection = g_object_ref (connection);
  self->function = function;
  self->user_data = user_data;
  self->handler
      = g_signal_connect (connection, "object-changed", G_CALLBACK (on_object_changed), self);
  return self;
}

void
sclctl_watch_settle (SclctlWatch *self)
{
  refresh (self);
  while (self->refreshing)
    g_main_context_iteration (NULL, TRUE);
}

void
sclctl_watch_free (SclctlWatch *self)
{
  g_clear_signal_handler (&self->handler, self->connection);
  while (self->refreshing)
    g_main_context_iteration (NULL, TRUE);
  g_object_unref (self->connection);
  g_free (self);
}
