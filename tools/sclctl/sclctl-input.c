/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-input.h"

#include "sclctl-nix.h"
#include "sclctl-uri.h"

#include <gio/gunixinputstream.h>
#include <unistd.h>

/* The loader refuses more than 16 MiB; what is beyond that need not be read. */
#define MOST (17 * 1024 * 1024)

gboolean
sclctl_has_input (SclctlContext *context)
{
  if (sclctl_has (context, "file"))
    return TRUE;
  sclctl_complain ("which manifest? give -f FILE, a folder, or - for stdin");
  return FALSE;
}

static gboolean
add_stdin (SclManifestLoader *loader, GError **error)
{
  g_autoptr (GInputStream) input = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autofree guint8 *chunk = g_malloc (65536);
  g_autoptr (GBytes) bytes = NULL;
  gssize length;

  do
    {
      length = g_input_stream_read (input, chunk, 65536, NULL, error);
      if (length < 0 || !g_output_stream_write_all (memory, chunk, length, NULL, NULL, error))
        return FALSE;
    }
  while (length > 0
         && g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (memory)) < MOST);
  if (!g_output_stream_close (memory, NULL, error))
    return FALSE;
  bytes = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
  return scl_manifest_loader_add_bytes (loader, bytes, "<stdin>", NULL, error);
}

/* What is read, and for whom. */
typedef struct
{
  SclctlContext *context;
  SclManifestLoader *loader;
  gboolean pure;
} Inputs;

static gboolean
add_input (Inputs *inputs, const char *file, GError **error)
{
  if (g_str_equal (file, "-"))
    return add_stdin (inputs->loader, error);
  if (sclctl_nix_is (file))
    return sclctl_nix_add (inputs->context, inputs->loader, file, inputs->pure, error);
  return scl_manifest_loader_add_path (inputs->loader, file, NULL, error);
}

static gboolean
add_inputs (Inputs *inputs, GError **error)
{
  GPtrArray *files = sclctl_values (inputs->context, "file");

  for (guint i = 0; i < files->len; i++)
    if (!add_input (inputs, g_ptr_array_index (files, i), error))
      return FALSE;
  return TRUE;
}

static void
set_prefix (SclctlContext *context, SclManifestLoader *loader)
{
  g_autofree char *prefix = sclctl_uri_get (sclctl_get_uri (context), "prefix");

  if (context->connection != NULL)
    scl_manifest_loader_set_prefix (loader, scl_connection_get_prefix (context->connection));
  else if (prefix != NULL)
    scl_manifest_loader_set_prefix (loader, prefix);
}

static void
tell_warnings (SclctlContext *context, SclManifestLoader *loader)
{
  g_autoptr (GPtrArray) found = scl_manifest_loader_list_diagnostics (loader);
  g_autoptr (GListStore) list = g_list_store_new (SCL_TYPE_DIAGNOSTIC);

  for (guint i = 0; i < found->len; i++)
    g_list_store_append (list, g_ptr_array_index (found, i));
  sclctl_tell_diagnostics (context, G_LIST_MODEL (list));
}

SclManifest *
sclctl_load (SclctlContext *context, SclManifestLoader **out_loader, GError **error)
{
  g_autoptr (SclManifestLoader) loader = scl_manifest_loader_new ();
  /* Who wants the loader's findings only validates, which writes nothing. */
  gboolean pure = out_loader != NULL && !sclctl_has (context, "preflight");
  Inputs inputs = { .context = context, .loader = loader, .pure = pure };
  SclManifest *manifest;

  set_prefix (context, loader);
  if (out_loader != NULL)
    *out_loader = g_object_ref (loader);
  if (!add_inputs (&inputs, error))
    return NULL;
  manifest = scl_manifest_loader_load (loader, NULL, error);
  tell_warnings (context, loader);
  return manifest;
}

SclApplyFlags
sclctl_apply_flags (SclctlContext *context)
{
  SclApplyFlags flags = SCL_APPLY_NONE;

  if (sclctl_has (context, "prune") || sclctl_has (context, "yes"))
    flags |= SCL_APPLY_PRUNE;
  if (sclctl_has (context, "allow-empty"))
    flags |= SCL_APPLY_ALLOW_EMPTY;
  if (sclctl_has (context, "boot"))
    flags |= SCL_APPLY_BOOT;
  return flags;
}
