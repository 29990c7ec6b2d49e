/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-json.h"
#include "sclctl-lines.h"
#include "sclctl-objects.h"
#include "sclctl-verbs.h"
#include "sclctl-wait.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void
add_line (const char *line, gpointer user_data)
{
  GString *text = user_data;

  g_string_append (text, line);
  g_string_append_c (text, '\n');
}

/* As long as it was when it was opened: the guest may write without end. */
static void
push_rest (SclctlLines *lines, int fd, off_t size)
{
  char chunk[16384];
  off_t offset = 0;
  gssize length;

  while (offset < size
         && (length = pread (fd, chunk, MIN ((off_t)sizeof chunk, size - offset), offset)) > 0)
    {
      sclctl_lines_push (lines, chunk, (gsize)length);
      offset += length;
    }
}

/* FALSE: it cannot be read; errno says why. */
static gboolean
push_file (SclctlLines *lines, const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat status;

  if (fd < 0)
    return FALSE;
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    push_rest (lines, fd, status.st_size);
  close (fd);
  return TRUE;
}

/* What was moved aside when the log became long, then the log. (transfer full) */
static char *
read_log (const char *name, const char *path, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *old = g_strconcat (path, ".old", NULL);
  SclctlLines *lines = sclctl_lines_new (add_line, text);
  gboolean read;
  int reason;

  (void) push_file (lines, old);
  read = push_file (lines, path);
  reason = errno;
  sclctl_lines_flush (lines);
  sclctl_lines_free (lines);
  if (read)
    return g_string_free (g_steal_pointer (&text), FALSE);
  if (reason == ENOENT)
    g_set_error (error, SCL_ERROR, SCL_ERROR_NOT_FOUND,
                 "VM \"%s\": has no console log yet: it was never started", name);
  else
    g_set_error (error, SCL_ERROR, SCL_ERROR_FAILED, "VM \"%s\": %s: cannot be read: %s", name,
                 path, g_strerror (reason));
  return NULL;
}

static char *
find_log (SclVm *vm, GError **error)
{
  const char *path = scl_vm_get_log_path (vm);

  if (path != NULL)
    return read_log (scl_vm_get_name (vm), path, error);
  g_set_error (error, SCL_ERROR, SCL_ERROR_NOT_FOUND,
               "VM \"%s\": its console is not logged by SCL", scl_vm_get_name (vm));
  return NULL;
}

static void
print (SclctlContext *context, SclVm *vm, const char *text)
{
  JsonObject *object;

  if (!sclctl_is_json (context))
    {
      g_print ("%s", text);
      return;
    }
  object = json_object_new ();
  sclctl_json_set_text (object, "vm", scl_vm_get_name (vm));
  sclctl_json_set_text (object, "path", scl_vm_get_log_path (vm));
  sclctl_json_set_text (object, "text", text);
  sclctl_json_print (sclctl_json_node (object));
}

int
sclctl_vm_logs (SclctlContext *context)
{
  g_autoptr (GObject) vm = NULL;
  g_autofree char *text = NULL;
  GError *error = NULL;

  if (!sclctl_look (context, &error))
    return sclctl_fail (error);
  vm = sclctl_find_object (context, SCL_OBJECT_KIND_VM, sclctl_argument (context, 0), &error);
  if (vm == NULL)
    return sclctl_fail (error);
  text = find_log (SCL_VM (vm), &error);
  if (text == NULL)
    return sclctl_fail (error);
  print (context, SCL_VM (vm), text);
  return SCLCTL_EXIT_DONE;
}
