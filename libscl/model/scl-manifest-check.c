/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-address-text-private.h"
#include "model/scl-diagnostic-private.h"
#include "model/scl-list-private.h"
#include "model/scl-names-private.h"
#include <scl/scl-disk-spec.h>
#include <scl/scl-manifest.h>
#include <scl/scl-nic-spec.h>
#include <string.h>

/* What one check collects. The tables tell who had a name first, so that the second one gets the
 * error. */
typedef struct
{
  SclManifest *manifest;
  const char *prefix;
  GPtrArray *diagnostics;
  GHashTable *links;  /* link name -> what it is for */
  GHashTable *macs;   /* MAC -> path of the NIC */
  GHashTable *volumes; /* volume without regard to case -> path of the disk */
  GHashTable *folded; /* kind/name without regard to case -> path */
} Check;

static void add (Check *check, const char *path, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
add (Check *check, const char *path, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (check->diagnostics, scl_diagnostic_new (SCL_SEVERITY_ERROR, path, message));
}

/* FALSE if the name cannot be used, so that nothing else is said of the object. */
static gboolean
check_name (Check *check, const char *kind, const char *name, const char *path)
{
  const char *wrong = _scl_names_check_label (name == NULL ? "" : name);
  g_autofree char *lower = NULL;
  g_autofree char *key = NULL;
  const char *first;

  if (wrong != NULL)
    {
      add (check, path, "the name \"%s\" %s", name == NULL ? "" : name, wrong);
      return FALSE;
    }
  lower = g_ascii_strdown (name, -1);
  key = g_strdup_printf ("%s/%s", kind, lower);
  first = g_hash_table_lookup (check->folded, key);
  if (first != NULL)
    {
      add (check, path, "collides with %s: names must differ in more than upper and lower case",
           first);
      return TRUE;
    }
  g_hash_table_insert (check->folded, g_steal_pointer (&key), g_strdup (path));
  return TRUE;
}

static void
claim_link (Check *check, char *link, const char *path)
{
  const char *first = g_hash_table_lookup (check->links, link);

  if (first != NULL && strcmp (first, path) != 0)
    {
      add (check, path, "needs the link name %s, as %s does: rename one of the two", link, first);
      g_free (link);
      return;
    }
  g_hash_table_replace (check->links, link, g_strdup (path));
}

static void
check_host_address (Check *check, GInetAddress *address, const char *path)
{
  g_autofree char *text = NULL;
  const char *wrong;

  if (address == NULL)
    {
      add (check, path, "is missing: say which IPv4 address, e.g. 192.168.30.1");
      return;
    }
  wrong = _scl_address_unusable (address);
  if (wrong == NULL)
    return;
  text = g_inet_address_to_string (address);
  add (check, path, "%s %s: take one from a private range such as 192.168.0.0/16", text, wrong);
}

/* The internal subnet of a network. */
typedef struct
{
  guint32 mask, first, last, gateway;
} Subnet;

static Subnet
subnet_of (SclNetworkSpec *network)
{
  Subnet s = { .mask = _scl_address_mask (scl_network_spec_get_prefix_length (network)) };

  s.gateway = _scl_address_number (scl_network_spec_get_gateway_ip (network));
  s.first = s.gateway & s.mask;
  s.last = s.first | ~s.mask;
  return s;
}

static char *
subnet_to_string (SclNetworkSpec *network)
{
  Subnet s = subnet_of (network);
  g_autoptr (GInetAddress) first = _scl_address_from_number (s.first);
  g_autofree char *text = g_inet_address_to_string (first);

  return g_strdup_printf ("%s/%u", text, scl_network_spec_get_prefix_length (network));
}

static void
check_gateway (Check *check, SclNetworkSpec *network, const char *base)
{
  g_autofree char *path = g_strdup_printf ("%s.gatewayIP", base);
  g_autofree char *subnet = NULL;
  Subnet s;

  check_host_address (check, scl_network_spec_get_gateway_ip (network), path);
  if (scl_network_spec_get_gateway_ip (network) == NULL)
    return;
  s = subnet_of (network);
  subnet = subnet_to_string (network);
  if (s.gateway == s.first)
    add (check, path, "is the network address of %s: take the next one", subnet);
  else if (s.gateway == s.last)
    add (check, path, "is the broadcast address of %s: take the one before", subnet);
}

static void
check_external (Check *check, SclNetworkSpec *network, const char *base)
{
  g_autofree char *path = g_strdup_printf ("%s.externalIP", base);
  GInetAddress *external = scl_network_spec_get_external_ip (network);
  g_autofree char *subnet = NULL;
  Subnet s;

  check_host_address (check, external, path);
  if (external == NULL || scl_network_spec_get_gateway_ip (network) == NULL)
    return;
  s = subnet_of (network);
  if ((_scl_address_number (external) & s.mask) != s.first)
    return;
  subnet = subnet_to_string (network);
  add (check, path, "is inside the network's own subnet %s: take an address outside of it", subnet);
}

static void
check_forward_target (Check *check, SclNetworkSpec *network, SclForwardSpec *forward,
                      const char *path)
{
  GInetAddress *address = scl_forward_spec_get_address (forward);
  g_autofree char *text = address == NULL ? NULL : g_inet_address_to_string (address);
  g_autofree char *subnet = NULL;
  guint32 number;
  Subnet s;

  if (address == NULL || scl_network_spec_get_gateway_ip (network) == NULL)
    return;
  number = _scl_address_number (address);
  s = subnet_of (network);
  subnet = subnet_to_string (network);
  if ((number & s.mask) != s.first)
    add (check, path, "%s is outside the network's subnet %s", text, subnet);
  else if (number == s.gateway)
    add (check, path, "%s is the network's gateway: name a VM's address", text);
  else if (number == s.first || number == s.last)
    add (check, path, "%s is the %s address of %s: name a VM's address", text,
         number == s.first ? "network" : "broadcast", subnet);
}

static const char *
forward_key (SclForwardSpec *forward)
{
  return scl_forward_spec_get_protocol (forward) == SCL_PROTOCOL_TCP ? "allowedTCPPorts"
                                                                      : "allowedUDPPorts";
}

static void
check_forwards (Check *check, SclNetworkSpec *network, const char *base)
{
  g_autoptr (GHashTable) taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  guint count[2] = { 0, 0 };
  SclForwardSpec *forward;

  for (guint i = 0;
       (forward = _scl_list_peek (scl_network_spec_get_forwards (network), i)) != NULL; i++)
    {
      SclProtocol protocol = scl_forward_spec_get_protocol (forward);
      g_autofree char *path
          = g_strdup_printf ("%s.%s[%u]", base, forward_key (forward), count[protocol]++);
      char *key = g_strdup_printf ("%u/%u", (guint) protocol,
                                   scl_forward_spec_get_host_port (forward));
      const char *first = g_hash_table_lookup (taken, key);

      check_forward_target (check, network, forward, path);
      if (scl_forward_spec_get_host_port (forward) == 0 || scl_forward_spec_get_port (forward) == 0)
        add (check, path, "ports are numbers from 1 to 65535");
      if (first != NULL)
        add (check, path, "host port %u is already forwarded by %s",
             scl_forward_spec_get_host_port (forward), first);
      g_hash_table_replace (taken, key, g_strdup (first != NULL ? first : path));
    }
}

static void
check_network (Check *check, SclNetworkSpec *network)
{
  const char *name = scl_network_spec_get_name (network);
  g_autofree char *base = g_strdup_printf ("networks.%s", name == NULL ? "" : name);
  guint length = scl_network_spec_get_prefix_length (network);

  if (!check_name (check, "network", name, base))
    return;
  if (length < 1 || length > 30)
    {
      g_autofree char *path = g_strdup_printf ("%s.internalNetmask", base);

      add (check, path, "the mask must have 1 to 30 bits, not %u", length);
      return;
    }
  check_gateway (check, network, base);
  check_external (check, network, base);
  check_forwards (check, network, base);
  claim_link (check, _scl_names_link (check->prefix, SCL_LINK_UPLINK, name), base);
}

static void
check_external_ips_differ (Check *check)
{
  g_autoptr (GHashTable) taken = g_hash_table_new (g_direct_hash, g_direct_equal);
  SclNetworkSpec *network, *first;

  for (guint i = 0; (network = _scl_list_peek (scl_manifest_get_networks (check->manifest), i)) != NULL;
       i++)
    {
      GInetAddress *external = scl_network_spec_get_external_ip (network);
      g_autofree char *path
          = g_strdup_printf ("networks.%s.externalIP", scl_network_spec_get_name (network));

      if (external == NULL)
        continue;
      first = g_hash_table_lookup (taken, GUINT_TO_POINTER (_scl_address_number (external)));
      if (first != NULL)
        add (check, path, "is already the external IP of network \"%s\"",
             scl_network_spec_get_name (first));
      else
        g_hash_table_insert (taken, GUINT_TO_POINTER (_scl_address_number (external)), network);
    }
}

static gboolean
mac_is_well_formed (const char *mac)
{
  for (int i = 0; i < 17; i++)
    if (i % 3 == 2 ? mac[i] != ':' : !g_ascii_isxdigit (mac[i]))
      return FALSE;
  return mac[17] == '\0';
}

static void
check_mac (Check *check, const char *mac, const char *path)
{
  g_autofree char *lower = NULL;
  const char *first;

  if (mac == NULL)
    return;
  if (!mac_is_well_formed (mac))
    {
      add (check, path, "\"%s\" is not a MAC address (e.g. 52:54:00:12:34:56)", mac);
      return;
    }
  lower = g_ascii_strdown (mac, -1);
  if ((g_ascii_xdigit_value (mac[1]) & 1) != 0 || strcmp (lower, "00:00:00:00:00:00") == 0)
    {
      add (check, path, "%s cannot be the address of a card: the first byte must be even, e.g. 52:…",
           mac);
      return;
    }
  first = g_hash_table_lookup (check->macs, lower);
  if (first != NULL)
    add (check, path, "%s is already the MAC address of %s", mac, first);
  else
    g_hash_table_insert (check->macs, g_steal_pointer (&lower), g_strdup (path));
}

/* The names of the networks, for a message. */
static const char *
known_networks (Check *check, GString *into)
{
  SclNetworkSpec *network;

  for (guint i = 0; (network = _scl_list_peek (scl_manifest_get_networks (check->manifest), i)) != NULL;
       i++)
    {
      /* Every VM may be wrong: the list must not grow with the manifest. */
      if (i == 8)
        {
          g_string_append (into, ", …");
          break;
        }
      g_string_append_printf (into, "%s%s", i > 0 ? ", " : "", scl_network_spec_get_name (network));
    }
  return into->len > 0 ? into->str : "none";
}

static void
check_nics (Check *check, SclVmSpec *vm, const char *base)
{
  const char *name = scl_vm_spec_get_name (vm);
  SclNicSpec *nic;

  for (guint i = 0; (nic = _scl_list_peek (scl_vm_spec_get_nics (vm), i)) != NULL; i++)
    {
      const char *network = scl_nic_spec_get_network (nic);
      g_autofree char *nic_path = i == 0 ? g_strdup (base) : g_strdup_printf ("%s.nics[%u]", base, i);
      g_autofree char *network_path = g_strdup_printf ("%s.network", nic_path);
      g_autofree char *mac_path = g_strdup_printf ("%s.mac", nic_path);
      g_autoptr (GString) known = g_string_new (NULL);

      if (network == NULL || scl_manifest_lookup_network (check->manifest, network) == NULL)
        add (check, network_path, "network \"%s\" is not defined (defined: %s)",
             network == NULL ? "" : network, known_networks (check, known));
      check_mac (check, scl_nic_spec_get_mac (nic), mac_path);
      claim_link (check, _scl_names_nic (check->prefix, SCL_LINK_NIC, name, i), base);
      claim_link (check, _scl_names_nic (check->prefix, SCL_LINK_MACVTAP, name, i), base);
    }
}

/* Two disks with one volume would write over each other. */
static void
check_volume (Check *check, const char *volume, const char *path)
{
  const char *wrong = _scl_names_check_label (volume == NULL ? "" : volume);
  g_autofree char *lower = NULL;
  const char *first;

  if (wrong != NULL)
    {
      add (check, path, "\"%s\" cannot be the name of its volume: it %s", volume == NULL ? "" : volume, wrong);
      return;
    }
  lower = g_ascii_strdown (volume, -1);
  first = g_hash_table_lookup (check->volumes, lower);
  if (first != NULL)
    add (check, path, "volume \"%s\" is already that of %s: each disk needs one of its own", volume, first);
  else
    g_hash_table_insert (check->volumes, g_steal_pointer (&lower), g_strdup (path));
}

static void
check_image (Check *check, const char *image, const char *what_for, const char *path)
{
  if (image == NULL)
    add (check, path, "is missing: say which raw image %s", what_for);
  else if (!g_path_is_absolute (image))
    add (check, path, "\"%s\" is not an absolute path", image);
}

static void
check_boot_volume (Check *check, SclVmSpec *vm, const char *volume, const char *path)
{
  const char *name = scl_vm_spec_get_name (vm);

  if (g_strcmp0 (volume, name) != 0)
    add (check, path, "a boot volume is named after its VM, not \"%s\"", volume);
}

/* A manifest's text has one disk of a VM. A library may build more, of which each has a place of its own. */
static void
check_disks (Check *check, SclVmSpec *vm, const char *base)
{
  g_autofree char *boot_path = g_strdup_printf ("%s.image", base);
  SclDiskSpec *disk = _scl_list_peek (scl_vm_spec_get_disks (vm), 0);

  check_image (check, disk == NULL ? NULL : scl_disk_spec_get_image (disk), "the VM boots from", boot_path);
  if (disk != NULL)
    check_boot_volume (check, vm, scl_disk_spec_get_volume (disk), boot_path);
  for (guint i = 1; (disk = _scl_list_peek (scl_vm_spec_get_disks (vm), i)) != NULL; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s.disks[%u]", base, i);

      check_image (check, scl_disk_spec_get_image (disk), "it is made from", path);
      check_volume (check, scl_disk_spec_get_volume (disk), path);
    }
}

static void
check_file (Check *check, const char *file, const char *base, const char *key)
{
  g_autofree char *path = g_strdup_printf ("%s.%s", base, key);

  if (file != NULL && !g_path_is_absolute (file))
    add (check, path, "\"%s\" is not an absolute path", file);
}

static void
check_vm (Check *check, SclVmSpec *vm)
{
  const char *name = scl_vm_spec_get_name (vm);
  g_autofree char *base = g_strdup_printf ("virtualMachines.%s", name == NULL ? "" : name);
  g_autofree char *cores = g_strdup_printf ("%s.cores", base);
  g_autofree char *memory = g_strdup_printf ("%s.memorySize", base);

  if (!check_name (check, "vm", name, base))
    return;
  if (scl_vm_spec_get_cores (vm) == 0)
    add (check, cores, "must be at least 1");
  if (scl_vm_spec_get_memory_mib (vm) == 0)
    add (check, memory, "must be at least 1 MiB");
  check_disks (check, vm, base);
  check_nics (check, vm, base);
  check_file (check, scl_vm_spec_get_user_config_file (vm), base, "cloudInitUserConfigFile");
  check_file (check, scl_vm_spec_get_network_config_file (vm), base, "cloudInitNetworkConfigFile");
}

/* Before any disk is looked at: one that comes first may have another VM's. VMs with one name are told of by
 * their names. */
static void
claim_boot_volumes (Check *check)
{
  SclVmSpec *vm;

  for (guint i = 0; (vm = _scl_list_peek (scl_manifest_get_vms (check->manifest), i)) != NULL; i++)
    if (scl_vm_spec_get_name (vm) != NULL)
      g_hash_table_insert (check->volumes, g_ascii_strdown (scl_vm_spec_get_name (vm), -1),
                           g_strdup_printf ("virtualMachines.%s", scl_vm_spec_get_name (vm)));
}

static void
check_gateway_interface (Check *check)
{
  const char *name = scl_manifest_get_gateway_interface (check->manifest);
  const char *wrong = name == NULL ? NULL : _scl_names_check_interface (name);

  if (wrong != NULL)
    add (check, "gatewayInterface", "\"%s\" %s", name, wrong);
}

static void
check_all (Check *check)
{
  SclNetworkSpec *network;
  SclVmSpec *vm;

  check_gateway_interface (check);
  for (guint i = 0; (network = _scl_list_peek (scl_manifest_get_networks (check->manifest), i)) != NULL;
       i++)
    check_network (check, network);
  check_external_ips_differ (check);
  claim_boot_volumes (check);
  for (guint i = 0; (vm = _scl_list_peek (scl_manifest_get_vms (check->manifest), i)) != NULL; i++)
    check_vm (check, vm);
}

/**
 * scl_manifest_check:
 * @self: a #SclManifest
 * @prefix: (nullable): name of the instance, %NULL for `scl`; names of links depend on it
 *
 * Checks everything that can be known without looking at a host: names, addresses, ports and
 * what they refer to. All errors are found, not only the first.
 *
 * Returns: (transfer container) (element-type SclDiagnostic): what is wrong; empty if all is right
 *
 * Since: 0.1
 */
GPtrArray *
scl_manifest_check (SclManifest *self, const char *prefix)
{
  Check check = { .manifest = self, .prefix = prefix == NULL ? SCL_PREFIX_DEFAULT : prefix };

  g_return_val_if_fail (SCL_IS_MANIFEST (self), NULL);

  check.diagnostics = g_ptr_array_new_with_free_func (g_object_unref);
  check.links = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  check.macs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  check.volumes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  check.folded = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  check_all (&check);
  g_hash_table_unref (check.links);
  g_hash_table_unref (check.macs);
  g_hash_table_unref (check.volumes);
  g_hash_table_unref (check.folded);
  return check.diagnostics;
}
