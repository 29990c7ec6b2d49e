/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-fd-private.h"
#include "base/scl-throw-private.h"
#include "config/scl-builder-private.h"
#include "config/scl-guest-files-private.h"
#include "config/scl-merger-private.h"
#include "config/scl-text-private.h"
#include "config/scl-writer-private.h"
#include "model/scl-diagnostic-private.h"
#include "model/scl-names-private.h"
#include <fcntl.h>
#include <scl/scl-manifest-loader.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define UNNAMED_INPUT "manifest"

/**
 * SclManifestLoader:
 *
 * Reads manifests, YAML or JSON, from files, folders and memory, and merges them into one
 * #SclManifest. All errors of all inputs are found in one go, each with file, line and column.
 *
 * A loader is used by one thread at a time. It reads the inputs when they are added and can load
 * several times.
 *
 * Since: 0.1
 */
struct _SclManifestLoader
{
  GObject parent_instance;
  char *prefix;
  GPtrArray *sources;
  GPtrArray *diagnostics; /* of the last load */
};

G_DEFINE_FINAL_TYPE (SclManifestLoader, scl_manifest_loader, G_TYPE_OBJECT)

static void
scl_manifest_loader_finalize (GObject *object)
{
  SclManifestLoader *self = SCL_MANIFEST_LOADER (object);

  g_free (self->prefix);
  g_ptr_array_unref (self->sources);
  g_ptr_array_unref (self->diagnostics);
  G_OBJECT_CLASS (scl_manifest_loader_parent_class)->finalize (object);
}

static void
scl_manifest_loader_class_init (SclManifestLoaderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_manifest_loader_finalize;
}

static void
source_free (gpointer source)
{
  _scl_source_free (source);
}

static void
scl_manifest_loader_init (SclManifestLoader *self)
{
  self->prefix = g_strdup (SCL_PREFIX_DEFAULT);
  self->sources = g_ptr_array_new_with_free_func (source_free);
  self->diagnostics = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * scl_manifest_loader_new:
 *
 * Makes a loader without any input.
 *
 * Returns: (transfer full): a new loader
 *
 * Since: 0.1
 */
SclManifestLoader *
scl_manifest_loader_new (void)
{
  return g_object_new (SCL_TYPE_MANIFEST_LOADER, NULL);
}

/**
 * scl_manifest_loader_set_prefix:
 * @self: a #SclManifestLoader
 * @prefix: (nullable): name of the instance; %NULL for `scl`
 *
 * Sets for which instance the manifest is: whether two names collide depends on it.
 *
 * Since: 0.1
 */
void
scl_manifest_loader_set_prefix (SclManifestLoader *self, const char *prefix)
{
  g_return_if_fail (SCL_IS_MANIFEST_LOADER (self));

  g_free (self->prefix);
  self->prefix = g_strdup (prefix == NULL ? SCL_PREFIX_DEFAULT : prefix);
}

static void
add_source (SclManifestLoader *self, const char *name, const char *base_dir, GBytes *bytes)
{
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  g_autofree char *shown = g_strdelimit (g_strdup (valid), "\n\r\t", '?');

  g_ptr_array_add (self->sources, _scl_source_new (shown, base_dir, bytes, self->sources->len));
}

/* The folder that PATH names, absolute, links as they are. */
static char *
dup_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *current = NULL;

  if (g_path_is_absolute (folder))
    return g_steal_pointer (&folder);
  current = g_get_current_dir ();
  if (strcmp (folder, ".") == 0)
    return g_steal_pointer (&current);
  return g_build_filename (current, folder, NULL);
}

static gboolean
throw_unresolved (GError **error, int errno_value, const char *path, const char *folder)
{
  struct stat info;

  if (errno_value != ENOENT)
    return scl_throw_errno (error, errno_value, "%s: cannot open", path);
  /* As a shell's <(…) has it: what has no name has no path that could be followed. */
  if (stat (path, &info) == 0)
    return scl_throw (error, SCL_ERROR_INVALID,
                      "%s: is a pipe, not a regular file: give it as standard input, with - for its name", path);
  if (g_path_is_absolute (path))
    return scl_throw (error, SCL_ERROR_NOT_FOUND,
                      "%s: there is no such manifest: check the path, it is a file's or a folder's", path);
  return scl_throw (error, SCL_ERROR_NOT_FOUND,
                    "%s: there is no such manifest: it was looked for in %s; check the path, it is a file's or a "
                    "folder's",
                    path, folder);
}

static gboolean
add_file (SclManifestLoader *self, const char *path, GError **error)
{
  /* The user names the input, by way of links too (/etc of NixOS is made of them). */
  g_autofree char *target = realpath (path, NULL);
  g_autofree char *folder = dup_folder (path);
  g_autoptr (GBytes) bytes = NULL;
  g_auto (SclFd) fd = -1;

  if (target == NULL)
    return throw_unresolved (error, errno, path, folder);
  fd = _scl_fd_open_regular (AT_FDCWD, target, NULL, error);
  if (fd < 0)
    return FALSE;
  bytes = _scl_fd_read_all (fd, SCL_INPUT_MAX_BYTES, path, error);
  if (bytes == NULL)
    return FALSE;
  add_source (self, path, folder, bytes);
  return TRUE;
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
is_manifest_name (const char *name)
{
  return name[0] != '.'
         && (g_str_has_suffix (name, ".yaml") || g_str_has_suffix (name, ".yml")
             || g_str_has_suffix (name, ".json"));
}

static GPtrArray *
list_folder (const char *path, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) local = NULL;
  g_autoptr (GDir) dir = g_dir_open (path, 0, &local);
  const char *name;

  if (dir == NULL)
    return scl_null_throw (error, SCL_ERROR_PERMISSION, "%s: cannot read the folder: %s", path,
                           local->message);
  while ((name = g_dir_read_name (dir)) != NULL)
    if (is_manifest_name (name))
      g_ptr_array_add (names, g_strdup (name));
  if (names->len == 0)
    return scl_null_throw (error, SCL_ERROR_INVALID,
                           "%s: the folder has no *.yaml, *.yml or *.json file", path);
  g_ptr_array_sort (names, compare_strings);
  return g_steal_pointer (&names);
}

static void
mark_member (SclSource *source, const char *path)
{
  source->member = g_canonicalize_filename (path, NULL);
}

static gboolean
add_folder (SclManifestLoader *self, const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) names = list_folder (path, error);

  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      g_autofree char *file = g_build_filename (path, names->pdata[i], NULL);

      if (g_cancellable_set_error_if_cancelled (cancellable, error)
          || !add_file (self, file, error))
        return FALSE;
      mark_member (self->sources->pdata[self->sources->len - 1], file);
    }
  return names != NULL;
}

/**
 * scl_manifest_loader_add_path:
 * @self: a #SclManifestLoader
 * @path: (type filename): a file or a folder
 * @cancellable: (nullable): a #GCancellable, asked before each file
 * @error: location for a #GError, or %NULL
 *
 * Adds a file, or those files of a folder whose names end in `.yaml`, `.yml` or `.json` and do not
 * begin with a dot, in the order of their names, and are no cloud-init files: those that a VM names
 * are left out, those that only look so with a warning. Relative paths in a file are relative to the
 * folder of that file. Only regular files of up to 16 MiB are read; @path may be a symbolic link.
 *
 * Returns: %TRUE if everything was read. %SCL_ERROR_NOT_FOUND, %SCL_ERROR_PERMISSION, or
 *   %SCL_ERROR_INVALID if it is no regular file, too large, or a folder without manifests;
 *   %G_IO_ERROR_CANCELLED, after which some files of a folder may have been added
 *
 * Since: 0.1
 */
gboolean
scl_manifest_loader_add_path (SclManifestLoader *self, const char *path, GCancellable *cancellable,
                              GError **error)
{
  g_return_val_if_fail (SCL_IS_MANIFEST_LOADER (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (*path == '\0')
    return scl_throw (error, SCL_ERROR_INVALID, "the path of a manifest must not be empty");
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return add_folder (self, path, cancellable, error);
  return !g_cancellable_set_error_if_cancelled (cancellable, error)
         && add_file (self, path, error);
}

/**
 * scl_manifest_loader_add_bytes:
 * @self: a #SclManifestLoader
 * @bytes: the manifest
 * @file_name: (nullable) (type filename): what diagnostics call it; JSON if it ends in `.json`,
 * YAML if it ends in `.yaml` or `.yml`, otherwise whichever it looks like
 * @base_dir: (nullable) (type filename): the absolute folder that relative paths are relative to;
 *   %NULL: only absolute paths are accepted
 * @error: location for a #GError, or %NULL
 *
 * Adds a manifest from memory, such as standard input.
 *
 * Returns: %TRUE if it was added; %SCL_ERROR_INVALID if it is larger than 16 MiB or @base_dir is
 * not absolute
 *
 * Since: 0.1
 */
gboolean
scl_manifest_loader_add_bytes (SclManifestLoader *self, GBytes *bytes, const char *file_name,
                               const char *base_dir, GError **error)
{
  const char *name = file_name == NULL ? UNNAMED_INPUT : file_name;

  g_return_val_if_fail (SCL_IS_MANIFEST_LOADER (self), FALSE);
  g_return_val_if_fail (bytes != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (g_bytes_get_size (bytes) > SCL_INPUT_MAX_BYTES)
    return scl_throw (error, SCL_ERROR_INVALID, "%s: larger than the limit of %u bytes", name,
                      SCL_INPUT_MAX_BYTES);
  if (base_dir != NULL && !g_path_is_absolute (base_dir))
    return scl_throw (error, SCL_ERROR_INVALID, "%s: the folder \"%s\" is not an absolute path",
                      name, base_dir);
  add_source (self, name, base_dir, bytes);
  return TRUE;
}

/**
 * scl_manifest_loader_add_generated:
 * @self: a #SclManifestLoader
 * @bytes: the manifest
 * @file_name: (type filename): what diagnostics call it where they know no better place
 * @base_dir: (nullable) (type filename): as for scl_manifest_loader_add_bytes()
 * @origins: of type `a(suu)`: for each line of @bytes the file, line and column that it was made
 * from; an empty file if that is not known. A floating reference is taken
 * @error: location for a #GError, or %NULL
 *
 * Adds a manifest that a program has made of something else, such as an expression in Nix.
 * Diagnostics name the places in that, and are sorted by them.
 *
 * Returns: %TRUE if it was added; errors as of scl_manifest_loader_add_bytes(), and
 *   %SCL_ERROR_INVALID if @origins is of another type
 *
 * Since: 0.1
 */
gboolean
scl_manifest_loader_add_generated (SclManifestLoader *self, GBytes *bytes, const char *file_name,
                                   const char *base_dir, GVariant *origins, GError **error)
{
  g_autoptr (GVariant) held = NULL;
  SclSource *source;

  g_return_val_if_fail (SCL_IS_MANIFEST_LOADER (self), FALSE);
  g_return_val_if_fail (file_name != NULL && origins != NULL, FALSE);

  held = g_variant_ref_sink (origins);
  if (!g_variant_is_of_type (held, G_VARIANT_TYPE ("a(suu)")))
    return scl_throw (error, SCL_ERROR_INVALID,
                      "%s: the origins of its lines are of type %s, not a(suu)", file_name,
                      g_variant_get_type_string (held));
  if (!scl_manifest_loader_add_bytes (self, bytes, file_name, base_dir, error))
    return FALSE;
  source = self->sources->pdata[self->sources->len - 1];
  source->origins = g_steal_pointer (&held);
  return TRUE;
}

/* NULL: cancelled. What comes after the reading takes less time than a file. */
static SclManifest *
read_all (SclManifestLoader *self, SclReport *report, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) roots
      = _scl_guest_files_read_others (self->sources, report, cancellable, error);
  g_autoptr (SclNode) merged = NULL;
  g_autoptr (SclManifest) manifest = NULL;

  if (roots == NULL)
    return NULL;
  if (roots->len == 0 && !_scl_report_has_errors (report))
    _scl_report_syntax (report, _scl_text_place (self->sources->pdata[0], 0),
                        "of what was given, nothing is a manifest");
  merged = _scl_merge (roots, report);
  manifest = _scl_build (merged, report);
  _scl_build_check (manifest, merged, self->prefix, report);
  return g_steal_pointer (&manifest);
}

/**
 * scl_manifest_loader_load:
 * @self: a #SclManifestLoader
 * @cancellable: (nullable): a #GCancellable, asked before each input is read
 * @error: location for a #GError, or %NULL
 *
 * Reads, merges and checks everything that was added. Networks and VMs are sorted by name.
 *
 * Returns: (transfer full): the manifest, or %NULL with %SCL_ERROR_INVALID, whose message has every
 *   error on a line of its own, as `file:line:column: path: message`; %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
SclManifest *
scl_manifest_loader_load (SclManifestLoader *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (SclReport) report = NULL;
  g_autoptr (SclManifest) manifest = NULL;
  const char *problem;

  g_return_val_if_fail (SCL_IS_MANIFEST_LOADER (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_ptr_array_set_size (self->diagnostics, 0);
  problem = _scl_names_check_prefix (self->prefix);
  if (problem != NULL)
    return scl_null_throw (error, SCL_ERROR_INVALID, "prefix \"%s\": %s", self->prefix, problem);
  if (self->sources->len == 0)
    return scl_null_throw (error, SCL_ERROR_INVALID, "no manifest was given");
  report = _scl_report_new ();
  manifest = read_all (self, report, cancellable, error);
  if (manifest == NULL)
    return NULL;
  g_ptr_array_unref (self->diagnostics);
  self->diagnostics = _scl_report_list (report);
  if (!_scl_diagnostic_throw (self->diagnostics, error))
    return NULL;
  return g_steal_pointer (&manifest);
}

/**
 * scl_manifest_loader_list_diagnostics:
 * @self: a #SclManifestLoader
 *
 * What the last load found, errors and warnings, in the order of inputs, lines and columns. At most
 * 1000, and a note if there may be more.
 *
 * Returns: (transfer container) (element-type SclDiagnostic): the diagnostics; empty before a load
 *
 * Since: 0.1
 */
GPtrArray *
scl_manifest_loader_list_diagnostics (SclManifestLoader *self)
{
  GPtrArray *list;

  g_return_val_if_fail (SCL_IS_MANIFEST_LOADER (self), NULL);

  list = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < self->diagnostics->len; i++)
    g_ptr_array_add (list, g_object_ref (self->diagnostics->pdata[i]));
  return list;
}

/**
 * scl_manifest_new_from_string:
 * @text: a manifest, YAML or JSON
 * @base_dir: (nullable) (type filename): the absolute folder that relative paths are relative to
 * @error: location for a #GError, or %NULL
 *
 * Reads one manifest from a string, for the instance `scl`. #SclManifestLoader can do more.
 *
 * Returns: (transfer full): the manifest, or %NULL with %SCL_ERROR_INVALID as of
 *   scl_manifest_loader_load()
 *
 * Since: 0.1
 */
SclManifest *
scl_manifest_new_from_string (const char *text, const char *base_dir, GError **error)
{
  g_autoptr (SclManifestLoader) loader = NULL;
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (text != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  loader = scl_manifest_loader_new ();
  bytes = g_bytes_new (text, strlen (text));
  if (!scl_manifest_loader_add_bytes (loader, bytes, NULL, base_dir, error))
    return NULL;
  return scl_manifest_loader_load (loader, NULL, error);
}

/**
 * scl_manifest_to_string:
 * @self: a #SclManifest
 * @format: YAML or JSON
 * @error: location for a #GError, or %NULL
 *
 * Writes a manifest down. Keys with their default value are left out, networks and VMs are sorted
 * by name and paths are absolute. For a manifest that scl_manifest_validate() accepts, reading the
 * text back gives an equal manifest, and writing that one gives the same text. What was built with this library
 * and text cannot say (a second disk or network card of a VM, none of the latter, a volume that is not named after its VM) is an
 * error that names the VM and the key.
 *
 * Returns: (transfer full): the text, with a newline at its end, or %NULL: %SCL_ERROR_UNSUPPORTED
 *
 * Since: 0.1
 */
char *
scl_manifest_to_string (SclManifest *self, SclManifestFormat format, GError **error)
{
  g_return_val_if_fail (SCL_IS_MANIFEST (self), NULL);
  g_return_val_if_fail (format == SCL_MANIFEST_FORMAT_YAML || format == SCL_MANIFEST_FORMAT_JSON,
                        NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return _scl_write (self, format, error);
}

/**
 * scl_manifest_schema:
 *
 * The JSON Schema (draft 2020-12) of manifests, for editors and generators, made from the
 * tables that the parser uses. References between objects are only checked by
 * scl_manifest_check().
 *
 * Returns: (transfer full): JSON
 *
 * Since: 0.1
 */
char *
scl_manifest_schema (void)
{
  return _scl_schema_to_json ();
}
