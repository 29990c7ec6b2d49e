/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/scl-schema-private.h"
#include "config/scl-suggest-private.h"
#include <scl/scl-disk-spec.h>
#include <scl/scl-enum-types.h>
#include <scl/scl-manifest.h>
#include <scl/scl-nic-spec.h>
#include <string.h>

#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define ADDRESS OCTET "(\\." OCTET "){3}"
#define PORT                                                                                       \
  "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
#define MASK_PART "(0|128|192|224|240|248|252|254)"
#define MASK                                                                                       \
  "((128|192|224|240|248|252|254)\\.0\\.0\\.0|255\\." MASK_PART "\\.0\\.0|255\\.255\\." MASK_PART  \
  "\\.0|255\\.255\\.255\\.(0|128|192|224|240|248|252))"
/* Not the home folder's short form, not a folder, one line. */
#define FILE_PATH "^[^~](.*[^/])?$"

static const SclField network_fields[] = {
  { .key = "externalIP",
    .type = SCL_VALUE_ADDRESS,
    .property = "external-ip",
    .required = TRUE,
    .preset = "192.168.10.1",
    .pattern = "^" ADDRESS "$",
    .example = "192.168.44.1",
    .doc = "Address under which the host, and whatever routes to the host, reaches the forwards of "
           "the network. It must not be in the subnet of the network." },
  { .key = "gatewayIP",
    .synonyms = "gateway router",
    .type = SCL_VALUE_ADDRESS,
    .property = "gateway-ip",
    .required = TRUE,
    .governs = TRUE,
    .preset = "192.168.20.1",
    .pattern = "^" ADDRESS "$",
    .example = "10.0.0.1",
    .doc = "Address inside of the network that its VMs use as their gateway." },
  { .key = "internalNetmask",
    .synonyms = "netmask mask",
    .type = SCL_VALUE_NETMASK,
    .property = "prefix-length",
    .governs = TRUE,
    .fallback = "255.255.255.0",
    .pattern = "^" MASK "$",
    .example = "255.0.0.0",
    .doc = "Mask of the subnet inside of the network, 128.0.0.0 to 255.255.255.252." },
  { .key = "allowedTCPPorts",
    .synonyms = "ports forwards portForwards forwardPorts hostPorts tcp",
    .type = SCL_VALUE_FORWARDS,
    .property = "forwards",
    .protocol = SCL_PROTOCOL_TCP,
    .pattern = "^" PORT ":" ADDRESS ":" PORT "$",
    .example = "2222:192.168.20.2:22",
    .doc = "Forwards of TCP ports, each `hostPort:vmIp:vmPort`: hostPort of externalIP leads to "
           "vmPort of the VM that has vmIp." },
  { .key = "allowedUDPPorts",
    .synonyms = "udp",
    .type = SCL_VALUE_FORWARDS,
    .property = "forwards",
    .protocol = SCL_PROTOCOL_UDP,
    .pattern = "^" PORT ":" ADDRESS ":" PORT "$",
    .example = "8000:192.168.20.3:8000",
    .doc = "Forwards of UDP ports, written as those of TCP." },
  { 0 },
};

static const SclKeyAdvice network_advice[] = {
  { "subnet cidr range address addresses",
    "a network's subnet is given by its gatewayIP and its internalNetmask" },
  { "ip", "a network has two addresses: gatewayIP inside, externalIP outside" },
  { "dhcp dns", "a network hands out no addresses: give each VM its own in its "
                "cloudInitNetworkConfigFile" },
  { 0 },
};

static const SclObjectSchema network_schema = {
  .id = "network",
  .noun = "network",
  .doc = "A network: separated from the host and from other networks by a namespace of its own.",
  .get_type = scl_network_spec_get_type,
  .named = TRUE,
  .fields = network_fields,
  .advice = network_advice,
};

enum
{
  PART_DISK = 1,
  PART_NIC
};

static const SclPart vm_parts[] = {
  { .get_type = scl_disk_spec_get_type, .list = "disks", .name_property = "volume" },
  { .get_type = scl_nic_spec_get_type, .list = "nics" },
};

static const SclField vm_fields[] = {
  { .key = "image",
    .synonyms = "baseImage source template",
    .type = SCL_VALUE_PATH,
    .property = "image",
    .part = PART_DISK,
    .required = TRUE,
    .pattern = FILE_PATH,
    .example = "/var/lib/images/debian.raw",
    .doc = "Raw disk image that the VM's volume is made from, once. The image itself is never "
           "written to." },
  { .key = "imageSize",
    .synonyms = "diskSize size volumeSize rootSize",
    .type = SCL_VALUE_UINT,
    .property = "size-mib",
    .part = PART_DISK,
    .minimum = 1,
    .maximum = 64u << 20,
    .unit = "MiB",
    .example = "4096",
    .doc = "Size of the volume. Without it: that of the image, rounded up to a MiB. It can grow, "
           "but never shrink." },
  { .key = "cores",
    .synonyms = "cpus cpu vcpus vcpu smp",
    .type = SCL_VALUE_UINT,
    .property = "cores",
    .fallback = "1",
    .minimum = 1,
    .maximum = 255,
    .example = "2",
    .doc = "Number of virtual CPU cores." },
  { .key = "memorySize",
    .synonyms = "ram mem memory memoryMiB maxmem",
    .type = SCL_VALUE_UINT,
    .property = "memory-mib",
    .fallback = "1024",
    .minimum = 16,
    .maximum = 16u << 20,
    .unit = "MiB",
    .example = "2048",
    .doc = "Memory of the VM." },
  { .key = "network",
    .synonyms = "net networkName",
    .type = SCL_VALUE_TEXT,
    .property = "network",
    .part = PART_NIC,
    .refers_to = "networks",
    .fallback = "default",
    .example = "default",
    .doc = "The network that the VM is in, a key of `networks`." },
  { .key = "mac",
    .synonyms = "macAddress hwaddr ether",
    .type = SCL_VALUE_MAC,
    .property = "mac",
    .part = PART_NIC,
    .pattern = "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$",
    .example = "52:54:00:12:34:56",
    .doc = "MAC address of the VM's network card. Without it one is derived that stays the same." },
  { .key = "autoStart",
    .type = SCL_VALUE_BOOL,
    .property = "auto-start",
    .fallback = "true",
    .example = "false",
    .doc = "Whether the VM is started when it is new and when the host boots." },
  { .key = "cloudInitUserConfigFile",
    .synonyms = "userData cloudInit userDataFile cicustom",
    .type = SCL_VALUE_PATH,
    .property = "user-config-file",
    .pattern = FILE_PATH,
    .example = "/path/to/user-config.yaml",
    .doc = "User data for cloud-init in the VM. Read when the manifest is applied." },
  { .key = "cloudInitNetworkConfigFile",
    .synonyms = "networkConfig networkData ipconfig",
    .type = SCL_VALUE_PATH,
    .property = "network-config-file",
    .pattern = FILE_PATH,
    .example = "/path/to/network-config.yaml",
    .doc = "Network configuration for cloud-init in the VM. Read when the manifest is applied." },
  { .key = "firmware",
    .type = SCL_VALUE_ENUM,
    .property = "firmware",
    .enum_type = scl_firmware_get_type,
    .fallback = "uefi",
    .example = "bios",
    .doc = "What starts the guest: UEFI without secure boot, or a PC BIOS." },
  { .key = "accelerator",
    .type = SCL_VALUE_ENUM,
    .property = "accelerator",
    .enum_type = scl_accelerator_get_type,
    .fallback = "auto",
    .example = "tcg",
    .doc = "How guest code is executed: by KVM, by QEMU's own emulation (tcg), or by KVM if it "
           "was proven to work on this host, else tcg (auto)." },
  { .key = "shutdownTimeout",
    .type = SCL_VALUE_UINT,
    .property = "shutdown-timeout",
    .fallback = "90",
    .minimum = 1,
    .maximum = 86400,
    .unit = "s",
    .example = "30",
    .doc = "How long a guest may take to shut down before it is switched off." },
  { .key = "onChange",
    .type = SCL_VALUE_ENUM,
    .property = "on-change",
    .enum_type = scl_on_change_get_type,
    .fallback = "nextBoot",
    .example = "restart",
    .doc = "What happens to a running VM when a change needs a restart: it waits for the next boot "
           "of the VM, or the VM is restarted." },
  { 0 },
};

static const SclKeyAdvice vm_advice[] = {
  { "disk disks volumes drives storage",
    "a VM has one disk, its volume: it is made from image, and imageSize (MiB) is its size" },
  { "ip ipAddress address addresses ip4 ipv4",
    "a VM's address is set in the guest: in the file of cloudInitNetworkConfigFile" },
  { "sshKey sshKeys sshAuthorizedKeys authorizedKeys user users password hostname packages runcmd",
    "it belongs into the guest's user data: the file of cloudInitUserConfigFile" },
  { "interfaces nics networks networkInterfaces",
    "a VM has one network card: network is the name of its network, mac its address" },
  { "name", "a VM's name is its key in virtualMachines" },
  { "hostForward portForward ports forwards",
    "forwards belong to the network: allowedTCPPorts and allowedUDPPorts" },
  { "state running desiredState enabled",
    "a VM is started by autoStart, \"vm start\" and \"vm stop\"" },
  { 0 },
};

static const SclObjectSchema vm_schema = {
  .id = "virtualMachine",
  .noun = "VM",
  .doc = "A virtual machine.",
  .get_type = scl_vm_spec_get_type,
  .named = TRUE,
  .fields = vm_fields,
  .advice = vm_advice,
  .parts = vm_parts,
  .n_parts = G_N_ELEMENTS (vm_parts),
};

static const SclField manifest_fields[] = {
  { .key = "version",
    .type = SCL_VALUE_UINT,
    .minimum = SCL_MANIFEST_VERSION,
    .maximum = SCL_MANIFEST_VERSION,
    .fallback = G_STRINGIFY (SCL_MANIFEST_VERSION),
    .example = "1",
    .doc = "Version of the manifest's format." },
  { .key = "gatewayInterface",
    .synonyms = "uplink wan externalInterface",
    .type = SCL_VALUE_TEXT,
    .property = "gateway-interface",
    .pattern = "^[A-Za-z0-9_.:@-]{1,15}$",
    .example = "eth0",
    .doc
    = "Interface of the host that leads to the internet. Without it no network has internet." },
  { .key = "networks",
    .type = SCL_VALUE_MAP,
    .property = "networks",
    .items = &network_schema,
    .preset_name = "default",
    .doc = "The networks by name. The network `default` is always there, with defaults of its own; "
           "`default: null` switches it off." },
  { .key = "virtualMachines",
    .synonyms = "vms machines guests domains instances",
    .type = SCL_VALUE_MAP,
    .property = "vms",
    .items = &vm_schema,
    .doc = "The virtual machines by name." },
  { 0 },
};

const SclObjectSchema _scl_manifest_schema = {
  .id = "manifest",
  .noun = "manifest",
  .doc = "Networks and virtual machines as SCL shall make and keep them.",
  .get_type = scl_manifest_get_type,
  .fields = manifest_fields,
};

const SclField *
_scl_schema_lookup (const SclObjectSchema *schema, const char *key)
{
  for (const SclField *field = schema->fields; field->key != NULL; field++)
    if (strcmp (field->key, key) == 0)
      return field;
  return NULL;
}

const char **
_scl_schema_keys (const SclObjectSchema *schema)
{
  GPtrArray *keys = g_ptr_array_new ();

  for (const SclField *field = schema->fields; field->key != NULL; field++)
    g_ptr_array_add (keys, (gpointer) field->key);
  g_ptr_array_add (keys, NULL);
  return (const char **) g_ptr_array_free (keys, FALSE);
}

const SclField *
_scl_schema_lookup_synonym (const SclObjectSchema *schema, const char *word)
{
  for (const SclField *field = schema->fields; field->key != NULL; field++)
    if (_scl_suggest_is_one (word, field->synonyms))
      return field;
  return NULL;
}

const char *
_scl_schema_advise (const SclObjectSchema *schema, const char *word)
{
  for (const SclKeyAdvice *at = schema->advice; at != NULL && at->keys != NULL; at++)
    if (_scl_suggest_is_one (word, at->keys))
      return at->advice;
  return NULL;
}

/* next-boot -> nextBoot */
static char *
camel_case (const char *nick)
{
  GString *word = g_string_new (NULL);

  for (; *nick != '\0'; nick++)
    if (nick[0] == '-' && nick[1] != '\0')
      g_string_append_c (word, g_ascii_toupper (*++nick));
    else
      g_string_append_c (word, *nick);
  return g_string_free (word, FALSE);
}

char **
_scl_schema_words (const SclField *field)
{
  GEnumClass *klass = g_type_class_ref (field->enum_type ());
  char **words = g_new0 (char *, klass->n_values + 1);

  for (guint i = 0; i < klass->n_values; i++)
    words[i] = camel_case (klass->values[i].value_nick);
  g_type_class_unref (klass);
  return words;
}
