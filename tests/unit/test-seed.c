/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cloud-init texts and the seed disk that holds them. */

#include "backend/volume/scl-cloud-config-private.h"
#include "backend/volume/scl-iso-private.h"
#include "backend/volume/scl-network-config-private.h"
#include "backend/volume/scl-seed-private.h"
#include "backend/volume/scl-user-data-private.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <scl/scl-error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct
{
  char *path;
  int fd;
} Folder;

static int
setup (void **state)
{
  Folder *folder = g_new0 (Folder, 1);

  folder->path = g_dir_make_tmp ("test-seed-XXXXXX", NULL);
  folder->fd = open (folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  *state = folder;
  return folder->fd < 0;
}

static int
teardown (void **state)
{
  Folder *folder = *state;
  g_autoptr (GDir) dir = g_dir_open (folder->path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    (void) unlinkat (folder->fd, name, 0);
  (void) g_rmdir (folder->path);
  (void) close (folder->fd);
  g_free (folder->path);
  g_free (folder);
  return 0;
}

static char *
put (Folder *folder, const char *name, const char *text, gssize size)
{
  char *path = g_build_filename (folder->path, name, NULL);

  assert_true (g_file_set_contents (path, text, size, NULL));
  return path;
}

static SclVmSpec *
make_vm (const char *name, const char *user, const char *network)
{
  return g_object_new (SCL_TYPE_VM_SPEC, "name", name, "user-config-file", user,
                       "network-config-file", network, NULL);
}

static const char *
get (SclSeed *seed, const char *name)
{
  static char text[4096];
  GBytes *bytes = g_hash_table_lookup (seed, name);
  gsize size;
  const char *data;

  if (bytes == NULL)
    return NULL;
  data = g_bytes_get_data (bytes, &size);
  assert_true (size < sizeof text);
  memcpy (text, data, size);
  text[size] = '\0';
  return text;
}

typedef struct
{
  const char *text;
  gsize size; /* 0: a string */
  gboolean known;
} Header;

static const Header headers[] = {
  { "#cloud-config\nusers: []\n", 0, TRUE },
  { "#cloud-config", 0, TRUE },
  { "#CLOUD-CONFIG\n", 0, TRUE },
  { "\n  #cloud-config\n", 0, TRUE },
  { "#cloud-config-archive\n- type: x\n", 0, TRUE },
  { "#cloud-config-jsonp\n[]", 0, TRUE },
  { "#!/bin/sh\necho hi\n", 0, TRUE },
  { "#!", 0, TRUE },
  { "## template: jinja\n#cloud-config\n", 0, TRUE },
  { "## Template: Jinja\n", 0, TRUE },
  { "#include\nhttp://a/b\n", 0, TRUE },
  { "#include-once\nhttp://a/b\n", 0, TRUE },
  { "#cloud-boothook\n", 0, TRUE },
  { "#part-handler\n", 0, TRUE },
  { "#upstart-job\n", 0, TRUE },
  { "Content-Type: multipart/mixed; boundary=\"x\"\nMIME-Version: 1.0\n\n--x", 0, TRUE },
  { "content-type: text/cloud-config\n", 0, TRUE },
  { "MIME-Version: 1.0\n", 0, TRUE },
  { "From nobody Fri Jan 11 07:00:00 1980\nContent-Type: multipart/mixed\n", 0, TRUE },
  { "Subject: x\r\nmime-version: 1.0\r\n\r\n", 0, TRUE },
  { "\x1f\x8b\x08\0\0", 5, TRUE },
  { "users:\n  - name: nixos\n", 0, FALSE },
  { "# a comment\nusers: []\n", 0, FALSE },
  { "# cloud-config\nusers: []\n", 0, FALSE },
  { "## template: mako\n", 0, FALSE },
  { "{\"users\": []}", 0, FALSE },
  { "---\nusers: []\n", 0, FALSE },
  { "users: []\n#cloud-config\n", 0, FALSE },
  { "write_files:\n- content: |\n\n    MIME-Version: 1.0\n", 0, FALSE },
  { "a: 1\n\nmime-version: 1.0\n", 0, FALSE },
  { "#clou", 0, FALSE },
  { "\x1f", 1, FALSE },
  { "\xef\xbb\xbf#cloud-config\n", 0, FALSE },
};

static void
test_headers (void **state)
{
  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      gsize size = headers[i].size != 0 ? headers[i].size : strlen (headers[i].text);

      if (_scl_cloud_config_has_header (headers[i].text, size) != headers[i].known)
        fail_msg ("case %zu: \"%s\"", i, headers[i].text);
    }
}

static const struct
{
  const char *in;
  const char *out;
} completions[] = {
  { NULL, "#cloud-config\n{}\n" },
  { "", "#cloud-config\n{}\n" },
  { " \n\t\n", "#cloud-config\n{}\n" },
  { "\xef\xbb\xbf", "#cloud-config\n{}\n" },
  { "users: []\n", "#cloud-config\nusers: []\n" },
  { "\nusers: []\n", "#cloud-config\n\nusers: []\n" },
  { "#cloud-config\nusers: []\n", "#cloud-config\nusers: []\n" },
  { "\xef\xbb\xbf#cloud-config\na: 1\n", "#cloud-config\na: 1\n" },
  { "\xef\xbb\xbf"
    "a: 1\n",
    "#cloud-config\na: 1\n" },
  { "#!/bin/sh\n", "#!/bin/sh\n" },
};

static void
test_complete (void **state)
{
  for (gsize i = 0; i < G_N_ELEMENTS (completions); i++)
    {
      const char *in = completions[i].in;
      g_autoptr (GBytes) bytes = in != NULL ? g_bytes_new_static (in, strlen (in)) : NULL;
      g_autoptr (GBytes) complete = _scl_cloud_config_complete (bytes);
      g_autoptr (GBytes) wanted
          = g_bytes_new_static (completions[i].out, strlen (completions[i].out));

      if (!g_bytes_equal (complete, wanted))
        fail_msg ("case %zu: \"%.*s\"", i, (int) g_bytes_get_size (complete),
                  (const char *) g_bytes_get_data (complete, NULL));
    }
}

/* NULL: it is read, or is not for YAML. */
static const struct
{
  const char *text, *warning;
} user_data[] = {
  { "", NULL },
  { "#cloud-config\nusers: [default]\n", NULL },
  { "users: [default]\n", NULL },
  { "# a licence\n# cloud-config\n---\nusers: []\n...\n", NULL },
  { "\xef\xbb\xbf#cloud-config\r\na: 1\r\na: 2\r\n", NULL },
  { "# only comments\n", NULL },
  { "#!/bin/sh\n\tif :; then : - : ; fi\n", NULL },
  { "#cloud-config-archive\n- type: text/x-shellscript\n", NULL },
  { "#include\nhttp://example.org/\n", NULL },
  { "## template: jinja\n#cloud-config\n{% if x %}\n\ta: {{ y }}\n", NULL },
  { "Content-Type: multipart/mixed\nMIME-Version: 1.0\n\n\xff\n", NULL },
  { "\x1f\x8b\b\xff\xff", NULL },
  { "#cloud-config\na:\n  b: 1\n c: 2\n",
    "u:4:2: not valid YAML (did not find expected key): cloud-init ignores the whole file" },
  { "\n#cloud-config\na:\n\tb: 1\n",
    "u:4:1: not valid YAML (found character that cannot start any token), which is indented by spaces: "
    "cloud-init ignores the whole file" },
  { "- a\n- b\n", "u:1:1: a list, and no map of keys: cloud-init ignores the whole file" },
  { "#cloud-config\n<a>b</a>\n", "u:2:1: text, and no map of keys: cloud-init ignores the whole file" },
  { "# a comment\n#!/bin/sh\necho\n", "u:3:1: text, and no map of keys: cloud-init ignores the whole file" },
  { "a: 1\n---\nb: 2\n", "u:2:1: a second document: cloud-init ignores the whole file" },
};

static void
test_user_data (void **state)
{
  for (gsize i = 0; i < G_N_ELEMENTS (user_data); i++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_static (user_data[i].text, strlen (user_data[i].text));
      g_autofree char *warning = NULL;

      assert_true (_scl_user_data_check (bytes, "u", &warning, NULL));
      if (g_strcmp0 (warning, user_data[i].warning) != 0)
        fail_msg ("%s: %s", user_data[i].text, warning);
    }
}

static void
test_user_data_that_is_no_text (void **state)
{
  static const char latin[] = "#cloud-config\na: 1\nname: J\xfcrgen\n";
  g_autoptr (GBytes) bytes = g_bytes_new_static (latin, strlen (latin));
  g_autofree char *warning = NULL;
  g_autoptr (GError) error = NULL;

  assert_false (_scl_user_data_check (bytes, "u", &warning, &error));
  assert_true (g_error_matches (error, SCL_ERROR, SCL_ERROR_INVALID));
  assert_string_equal (error->message,
                       "u: line 3 is not UTF-8, so cloud-init ignores the whole file; convert it");
}

#define BY_DHCP ": cloud-init ignores the file and asks for addresses by DHCP"
#define NOTHING ": cloud-init configures no network card at all"
#define NO_PREFIX ": cloud-init takes /24 (IPv6: /64), and netplan nothing of the file"
#define V2 "version: 2\nethernets:\n"

static const struct
{
  const char *text, *warning, *note;
} network_configs[] = {
  { "", NULL, NULL },
  { "# nothing\n", NULL, NULL },
  { V2 "  enp1s0: {dhcp4: true}\n", NULL, NULL },
  { "\xef\xbb\xbfnetwork:\r\n  version: 2\r\n  renderer: NetworkManager\r\n", NULL, NULL },
  { "network: {config: disabled}\n", NULL, NULL },
  { "{\"version\": 1, \"config\": [{\"type\": \"physical\", \"name\": \"eth0\"}]}", NULL, NULL },
  { "version: '1'\nconfig: []\n", NULL, NULL },
  { "version: 2\n\tethernets: {}\n",
    "u:2:1: not valid YAML (found a tab character that violates indentation), which is indented by spaces" BY_DHCP,
    NULL },
  { "- a\n", "u:1:1: no map of keys" BY_DHCP, NULL },
  { "version: 2\n---\na: 1\n", "u:3:1: a second document" BY_DHCP, NULL },
  { "version: 2\n---\na: b: c\n", "u:3:5: not valid YAML (mapping values are not allowed in this context)" BY_DHCP,
    NULL },
  { "network: [a]\n", "u:1:10: no map of keys" NOTHING, NULL },
  { "ethernets:\n  enp1s0: {}\n", "u:1:1: there is no \"version\" (version: 2)" NOTHING, NULL },
  { "network:\n  version: \"2\"\n",
    "u:2:12: the version must be the number 1 or 2, without quotes" NOTHING, NULL },
  { "version: 3\n", "u:1:10: the version must be the number 1 or 2, without quotes" NOTHING, NULL },
  { V2 "  - enp1s0\n", "u:3:3: \"ethernets\" is no map of cards" NOTHING, NULL },
  { V2 "  a: {set-name: lan, match: {macaddress: '52:00:00:00:00:AA'}}\n", NULL, NULL },
  { V2 "  a: {match: {macaddress: '52:00:00:00:00:01'}}\n", NULL, NULL },
  { V2 "  a: {set-name: lan, match: {macaddress: '52:00:00:00:00:01'}}\n",
    "u:3:42: \"set-name\" for a card that this VM does not have (52:00:00:00:00:01)" NOTHING, NULL },
  { V2 "  a: {match: {macaddress: 52:54:00:12:34:56}}\n",
    "u:3:27: YAML takes this MAC address for a number: put it in quotes" NOTHING, NULL },
  { V2 "  a: {match: {macaddress: 52:54:00:12:34:5a}}\n", NULL, NULL },
  { V2 "  a: {match: {macaddress: 02:00:00:00:00:01}}\n", NULL, NULL },
  { V2 "  a: {match: {macaddress: '52:54:00:12:34:56'}}\n", NULL, NULL },
  { V2 "  a: {dhcp4: no, dhcp6: \"no\"}\n",
    "u:3:25: \"dhcp6\" is a text, not yes or no: take the quotes off: cloud-init takes any text for yes", NULL },
  { V2 "  a: {addresses: [10.0.0.2/24, '2001:db8::2/64', {10.0.0.3/24: {label: 'a:b'}}]}\n", NULL, NULL },
  { V2 "  a: {addresses: [10.0.0.2]}\n", "u:3:19: 10.0.0.2 has no prefix length" NO_PREFIX, NULL },
  { V2 "  a: {routes: [{to: 10.1.0.5, via: 10.0.0.1}]}\n", "u:3:21: 10.1.0.5 has no prefix length" NO_PREFIX,
    NULL },
  { V2 "  a: {addresses: 10.0.0.2/24}\n", "u:3:18: \"addresses\" is no list" NOTHING, NULL },
  { V2 "  a: {nameservers: [9.9.9.9]}\n",
    "u:3:20: \"nameservers\" is a list, not {addresses: […]}" NOTHING, NULL },
  { V2 "  a:\n    match: {name: enp*}\n", NULL,
    "u:4:12: \"match\" without \"macaddress\" finds a card by other properties: only an image with netplan does "
    "that; every image takes the card's name as the key instead of \"match\", as enp1s0:" },
  { V2 "  enp1s0:\n    routes: [{to: 10.0.0.0/8, via: 10.1.1.1}, {to: default, via: 10.1.1.1}]\n", NULL,
    "u:4:52: a route to \"default\": only an image with netplan does that; every image takes 0.0.0.0/0" },
};

static void
test_network_configs (void **state)
{
  const char *const macs[] = { "52:00:00:00:00:aa", NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (network_configs); i++)
    {
      const char *text = network_configs[i].text;
      g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
      g_autofree char *note = NULL;
      g_autofree char *warning = _scl_network_config_check (bytes, "u", macs, &note);

      if (g_strcmp0 (warning, network_configs[i].warning) != 0 || g_strcmp0 (note, network_configs[i].note) != 0)
        fail_msg ("%s: %s, %s", text, warning, note);
    }
}

/* While a MAC is to be chosen yet, it may be the one. */
static void
test_network_config_without_macs (void **state)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (
      V2 "  a: {set-name: lan, match: {macaddress: '52:00:00:00:00:01'}}\n",
      strlen (V2 "  a: {set-name: lan, match: {macaddress: '52:00:00:00:00:01'}}\n"));
  g_autofree char *note = NULL;

  assert_null (_scl_network_config_check (bytes, "u", NULL, &note));
  assert_null (note);
}

#define N_BRACKETS 40000

/* Nobody writes that, and libyaml takes seconds for it. */
static void
test_nested_without_end (void **state)
{
  g_autoptr (GString) text = g_string_new ("version: ");
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *note = NULL;
  g_autofree char *warning = NULL;
  clock_t began = clock ();

  for (guint i = 0; i < N_BRACKETS; i++)
    g_string_append_c (text, '[');
  bytes = g_string_free_to_bytes (g_steal_pointer (&text));
  assert_null (_scl_network_config_check (bytes, "u", NULL, &note));
  assert_null (note);
  assert_true (_scl_user_data_check (bytes, "u", &warning, NULL));
  assert_null (warning);
  assert_true ((clock () - began) / (CLOCKS_PER_SEC / 10) < 5);
}

static void
test_contents (void **state)
{
  Folder *folder = *state;
  g_autofree char *user = put (folder, "user.yaml", "users: []\n", -1);
  g_autofree char *network = put (folder, "net.yaml", "version: 2\n", -1);
  g_autoptr (SclVmSpec) vm = make_vm ("demo", user, network);
  g_autoptr (SclSeed) seed = _scl_seed_new (vm, "scl-demo-abc", NULL);
  g_autofree char *id = _scl_seed_get_instance_id (seed);

  assert_int_equal (g_hash_table_size (seed), 3);
  assert_string_equal (get (seed, "user-data"), "#cloud-config\nusers: []\n");
  assert_string_equal (get (seed, "network-config"), "version: 2\n");
  assert_string_equal (get (seed, "meta-data"),
                       "instance-id: \"scl-demo-abc\"\nlocal-hostname: \"demo\"\n");
  assert_string_equal (id, "scl-demo-abc");
}

static void
test_missing_parts (void **state)
{
  Folder *folder = *state;
  g_autofree char *path = put (folder, "x.yaml", "a: 1\n", -1);
  g_autoptr (SclVmSpec) only_network = make_vm ("a", NULL, path);
  g_autoptr (SclVmSpec) only_user = make_vm ("a", path, NULL);
  g_autoptr (SclSeed) network = _scl_seed_new (only_network, "i", NULL);
  g_autoptr (SclSeed) user = _scl_seed_new (only_user, "i", NULL);

  assert_string_equal (get (network, "user-data"), "#cloud-config\n{}\n");
  assert_string_equal (get (network, "network-config"), "a: 1\n");
  assert_int_equal (g_hash_table_size (user), 2);
  assert_null (get (user, "network-config"));
}

/* The files come back byte for byte, whatever is in them. */
static void
test_round_trip (void **state)
{
  Folder *folder = *state;
  static const gsize sizes[] = { 0, 1, 2047, 2048, 2049, 65536, SCL_SEED_INPUT_MAX };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *text = g_malloc0 (sizes[i] + 1);
      g_autofree char *path = NULL;
      g_autoptr (SclVmSpec) vm = NULL;
      g_autoptr (SclSeed) seed = NULL;
      g_autoptr (SclSeed) loaded = NULL;

      for (gsize j = 0; j < sizes[i]; j++)
        text[j] = (char) (j * 7 + i);
      path = put (folder, "net", text, (gssize) sizes[i]);
      vm = make_vm ("demo", NULL, path);
      seed = _scl_seed_new (vm, "i", NULL);
      assert_non_null (seed);
      assert_true (_scl_seed_save (seed, folder->fd, NULL));
      loaded = _scl_seed_load (folder->fd);
      assert_true (_scl_seed_equal (seed, loaded));
    }
}

static void
test_differences (void **state)
{
  Folder *folder = *state;
  g_autofree char *path = put (folder, "x", "a: 1\n", -1);
  g_autofree char *other = put (folder, "y", "a: 2\n", -1);
  g_autoptr (SclVmSpec) vm = make_vm ("demo", path, NULL);
  g_autoptr (SclVmSpec) changed = make_vm ("demo", other, NULL);
  g_autoptr (SclVmSpec) more = make_vm ("demo", path, path);
  g_autoptr (SclSeed) seed = _scl_seed_new (vm, "i", NULL);
  g_autoptr (SclSeed) same = _scl_seed_new (vm, "i", NULL);
  g_autoptr (SclSeed) other_id = _scl_seed_new (vm, "j", NULL);
  g_autoptr (SclSeed) other_text = _scl_seed_new (changed, "i", NULL);
  g_autoptr (SclSeed) more_files = _scl_seed_new (more, "i", NULL);

  assert_true (_scl_seed_equal (seed, same));
  assert_false (_scl_seed_equal (seed, other_id));
  assert_false (_scl_seed_equal (seed, other_text));
  assert_false (_scl_seed_equal (seed, more_files));
  assert_false (_scl_seed_equal (more_files, seed));
  assert_false (_scl_seed_equal (seed, NULL));
  assert_true (_scl_seed_equal (NULL, NULL));
}

static void
assert_refused (const char *path, const char *part)
{
  g_autoptr (SclVmSpec) vm = make_vm ("demo", path, NULL);
  g_autoptr (GError) error = NULL;

  assert_null (_scl_seed_new (vm, "i", &error));
  assert_non_null (error);
  if (strstr (error->message, part) == NULL || strstr (error->message, path) == NULL)
    fail_msg ("\"%s\" lacks \"%s\" or \"%s\"", error->message, part, path);
}

static void
test_bad_inputs (void **state)
{
  Folder *folder = *state;
  g_autofree char *big = g_strnfill (SCL_SEED_INPUT_MAX + 1, 'x');
  g_autofree char *large = put (folder, "large", big, -1);
  g_autofree char *link = g_build_filename (folder->path, "link", NULL);
  g_autofree char *fifo = g_build_filename (folder->path, "fifo", NULL);
  g_autofree char *absent = g_build_filename (folder->path, "absent", NULL);

  assert_int_equal (symlink ("/etc/static/secret", link), 0);
  assert_int_equal (mkfifo (fifo, 0600), 0);
  assert_refused (large, "1048576");
  assert_refused (link, "a symbolic link to /etc/static/secret, which cannot be opened: No such file");
  assert_refused (fifo, "regular file");
  assert_refused (folder->path, "regular file");
  assert_refused (absent, "No such file");
}

/* As environment.etc, secret managers and stow leave them. */
static void
test_inputs_by_links (void **state)
{
  Folder *folder = *state;
  g_autofree char *user = put (folder, "real", "#cloud-config\nhostname: x\n", -1);
  g_autofree char *link = g_build_filename (folder->path, "link", NULL);
  g_autoptr (SclVmSpec) vm = make_vm ("demo", link, NULL);
  g_autoptr (SclSeed) seed = NULL;
  g_autoptr (GError) error = NULL;

  assert_int_equal (symlink ("real", link), 0);
  seed = _scl_seed_new (vm, "i", &error);
  if (seed == NULL)
    fail_msg ("%s", error->message);
  assert_string_equal (get (seed, "user-data"), "#cloud-config\nhostname: x\n");
  assert_int_equal (g_unlink (link), 0);
  assert_int_equal (symlink ("link", link), 0);
  assert_refused (link, "cannot be opened: Too many levels of symbolic links");
}

/* A VM's name goes into YAML. */
static void
test_names (void **state)
{
  g_autoptr (SclVmSpec) null = make_vm ("null", NULL, NULL);
  g_autoptr (SclVmSpec) bad = make_vm ("a\"\nb: c", NULL, NULL);
  g_autoptr (SclSeed) seed = _scl_seed_new (null, "i", NULL);

  assert_non_null (strstr (get (seed, "meta-data"), "local-hostname: \"null\"\n"));
  assert_null (_scl_seed_new (bad, "i", NULL));
}

/* Whatever stands in place of the seed is not one that equals anything. */
static void
test_damaged_image (void **state)
{
  Folder *folder = *state;
  g_autofree char *path = put (folder, SCL_SEED_FILE, "not an image", -1);
  g_autofree char *zeros = g_malloc0 (100000);

  assert_null (_scl_seed_load (folder->fd));
  assert_true (g_file_set_contents (path, zeros, 100000, NULL));
  assert_null (_scl_seed_load (folder->fd));
  assert_int_equal (truncate (path, 0), 0);
  assert_null (_scl_seed_load (folder->fd));
  assert_int_equal (unlink (path), 0);
  assert_null (_scl_seed_load (folder->fd));
}

static void
test_no_instance_id (void **state)
{
  g_autoptr (GHashTable) files = _scl_iso_files_new ();

  assert_null (_scl_seed_get_instance_id (NULL));
  assert_null (_scl_seed_get_instance_id (files));
  g_hash_table_insert (files, g_strdup ("meta-data"), g_bytes_new_static ("instance-id: \"x", 15));
  assert_null (_scl_seed_get_instance_id (files));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_headers),
    cmocka_unit_test (test_complete),
    cmocka_unit_test (test_user_data),
    cmocka_unit_test (test_network_configs),
    cmocka_unit_test (test_network_config_without_macs),
    cmocka_unit_test (test_nested_without_end),
    cmocka_unit_test (test_user_data_that_is_no_text),
    cmocka_unit_test_setup_teardown (test_contents, setup, teardown),
    cmocka_unit_test_setup_teardown (test_missing_parts, setup, teardown),
    cmocka_unit_test_setup_teardown (test_round_trip, setup, teardown),
    cmocka_unit_test_setup_teardown (test_differences, setup, teardown),
    cmocka_unit_test_setup_teardown (test_bad_inputs, setup, teardown),
    cmocka_unit_test_setup_teardown (test_inputs_by_links, setup, teardown),
    cmocka_unit_test (test_names),
    cmocka_unit_test_setup_teardown (test_damaged_image, setup, teardown),
    cmocka_unit_test (test_no_instance_id),
  };

  return cmocka_run_group_tests_name ("seed", tests, NULL, NULL);
}
