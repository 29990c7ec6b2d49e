/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-console-link.h"
#include "sclctl-failure.h"
#include "sclctl-interrupt.h"
#include "sclctl-objects.h"
#include "sclctl-verbs.h"
#include "sclctl-wait.h"

#include <unistd.h>

static void
on_link_end (SclctlLink *link G_GNUC_UNUSED, gpointer user_data G_GNUC_UNUSED)
{
}

static int
report_end (SclctlContext *context, const char *name, SclctlLinkState state)
{
  switch (state)
    {
    case SCLCTL_LINK_UP:
      sclctl_complain ("interrupted");
      return SCLCTL_EXIT_INTERRUPTED;
    case SCLCTL_LINK_ESCAPED:
      sclctl_tell (context, "left the console; VM \"%s\" goes on", name);
      return SCLCTL_EXIT_DONE;
    case SCLCTL_LINK_CLOSED:
      sclctl_tell (context, "VM \"%s\" closed the console: it is off, or somebody else took it",
                   name);
      return SCLCTL_EXIT_DONE;
    case SCLCTL_LINK_FAILED:
      break;
    }
  sclctl_complain ("cannot write to stdout any more");
  return SCLCTL_EXIT_ERROR;
}

static int
join_console (SclctlContext *context, const char *name, GIOStream *stream)
{
  g_autoptr (SclctlLink) link = NULL;
  GCancellable *cancellable = sclctl_interrupt_get_cancellable ();

  /* What the guest prints is the output. */
  sclctl_failure_set_answered ();
  sclctl_tell (context, "console of VM \"%s\"%s", name,
               isatty (STDIN_FILENO) ? "; Ctrl-] leaves it" : "");
  link = sclctl_link_new (stream, on_link_end, NULL);
  while (sclctl_link_get_state (link) == SCLCTL_LINK_UP
         && !g_cancellable_is_cancelled (cancellable))
    g_main_context_iteration (NULL, TRUE);
  if (sclctl_link_get_state (link) != SCLCTL_LINK_UP)
    return report_end (context, name, sclctl_link_get_state (link));
  g_clear_pointer (&link, sclctl_link_free);
  return report_end (context, name, SCLCTL_LINK_UP);
}

int
sclctl_console (SclctlContext *context)
{
  const char *name = sclctl_argument (context, 0);
  g_autoptr (GObject) vm = NULL;
  g_autoptr (GIOStream) stream = NULL;
  GError *error = NULL;

  if (!sclctl_look (context, &error))
    return sclctl_fail (error);
  vm = sclctl_find_object (context, SCL_OBJECT_KIND_VM, name, &error);
  if (vm == NULL)
    return sclctl_fail (error);
  stream = sclctl_open_console (SCL_VM (vm), &error);
  if (stream == NULL)
    return sclctl_fail (error);
  return join_console (context, name, stream);
}
