/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-command.h"

#include "sclctl-verbs.h"

#define OPTION_FILE                                                                                \
  {                                                                                                \
    "file", 'f', "FILE",                                                                           \
        "a manifest (YAML, JSON or *.nix), a folder of them, or - for stdin; may be given several " \
        "times",                                                                                   \
        SCLCTL_COMPLETE_FILE, NULL                                                                 \
  }
#define OPTION_PRUNE                                                                               \
  {                                                                                                \
    "prune", 0, NULL, "remove VMs and networks that the manifest no longer has, without asking",   \
        SCLCTL_COMPLETE_NOTHING, NULL                                                              \
  }
#define OPTION_ALLOW_EMPTY                                                                         \
  {                                                                                                \
    "allow-empty", 0, NULL, "a manifest without any VM and network is meant so; removals are "  \
                              "still asked about",                                                 \
        SCLCTL_COMPLETE_NOTHING, NULL                                                              \
  }
#define OPTION_BOOT                                                                                \
  {                                                                                                \
    "boot", 0, NULL,                                                                               \
        "the host has booted: start every VM with autoStart, whoever stopped it before",           \
        SCLCTL_COMPLETE_NOTHING, NULL                                                              \
  }
#define OPTION_FORCE(text)                                                                         \
  {                                                                                                \
    "force", 0, NULL, text, SCLCTL_COMPLETE_NOTHING, NULL                                          \
  }
#define OPTION_ALL                                                                                 \
  {                                                                                                \
    "all", 0, NULL, "every VM that runs, instead of a NAME", SCLCTL_COMPLETE_NOTHING, NULL         \
  }
#define OPTIONS_END                                                                                \
  {                                                                                                \
    NULL, 0, NULL, NULL, SCLCTL_COMPLETE_NOTHING, NULL                                             \
  }

const SclctlOption sclctl_global_options[] = {
  { "connect", 'c', "URI",
    "where to: local:?hypervisor=…&state=…&prefix=… (default: $SCL_URI, else this host)",
    SCLCTL_COMPLETE_NOTHING, NULL },
  { "output", 'o', "FORMAT", "table for people (default), json for programs, or name: the "
                                "names of a list, one per line",
    SCLCTL_COMPLETE_WORDS, "table json name" },
  { "quiet", 'q', NULL, "only errors; lists show only names", SCLCTL_COMPLETE_NOTHING, NULL },
  { "verbose", 'v', NULL, "also each step as it begins", SCLCTL_COMPLETE_NOTHING, NULL },
  { "yes", 0, NULL, "the answer to every question is yes", SCLCTL_COMPLETE_NOTHING, NULL },
  { "timeout", 0, "SECONDS",
    "how long to wait while somebody else changes the same instance (default 30)",
    SCLCTL_COMPLETE_NOTHING, NULL },
  { "help", 'h', NULL, "show help about the command", SCLCTL_COMPLETE_NOTHING, NULL },
  { "version", 0, NULL, "show the version", SCLCTL_COMPLETE_NOTHING, NULL },
  OPTIONS_END,
};

const SclctlNoun sclctl_nouns[] = {
  { "vm", NULL, "Virtual machines" },
  { "network", "sc", "Networks: each a network namespace of its own (a separation context)" },
  { "volume", NULL, "Volumes: the disks of VMs" },
  { NULL, NULL, NULL },
};

static const SclctlOption apply_options[]
    = { OPTION_FILE, OPTION_PRUNE, OPTION_ALLOW_EMPTY, OPTION_BOOT, OPTIONS_END };
static const SclctlOption validate_options[] = {
  OPTION_FILE,
  { "preflight", 0, NULL, "also check what only the host can tell: files, space, interfaces",
    SCLCTL_COMPLETE_NOTHING, NULL },
  OPTION_ALLOW_EMPTY,
  OPTIONS_END,
};
static const SclctlOption run_options[] = {
  OPTION_FILE,
  { "hypervisor", 0, "URI", "libvirt URI (default qemu:///embed, which needs no libvirtd)",
    SCLCTL_COMPLETE_WORDS, "qemu:///embed qemu:///system test:///default memory" },
  { "state", 0, "DIR", "folder for volumes and other state (default /var/lib/scl)",
    SCLCTL_COMPLETE_FOLDER, NULL },
  { "console", 0, "VM", "connect the terminal to the console of this VM", SCLCTL_COMPLETE_VM,
    NULL },
  { "no-console", 0, NULL, "do not show what the VMs print", SCLCTL_COMPLETE_NOTHING, NULL },
  { "ready-fd", 0, "FD", "write the line \"ready\" to this file descriptor and close it",
    SCLCTL_COMPLETE_NOTHING, NULL },
  { "until-off", 0, NULL, "also end when every VM is off", SCLCTL_COMPLETE_NOTHING, NULL },
  OPTION_PRUNE,
  OPTIONS_END,
};
static const SclctlOption list_vm_options[]
    = { { "running", 0, NULL, "only VMs that are not off", SCLCTL_COMPLETE_NOTHING, NULL },
        OPTIONS_END };
static const SclctlOption stop_options[]
    = { OPTION_ALL, OPTION_FORCE ("switch off at once, without asking the guest to shut down"),
        OPTIONS_END };
static const SclctlOption restart_options[]
    = { OPTION_ALL, OPTION_FORCE ("switch off and on, without asking the guest to shut down"),
        OPTIONS_END };
static const SclctlOption create_options[]
    = { { "from-image", 0, NULL, "copy the image of the VM; what was on the volume is lost",
          SCLCTL_COMPLETE_NOTHING, NULL },
        OPTIONS_END };
static const SclctlOption adopt_options[]
    = { { "from", 0, "INSTANCE", "the instance whose it is: its prefix",
          SCLCTL_COMPLETE_INSTANCE, NULL },
        OPTIONS_END };
static const SclctlOption delete_volume_options[]
    = { { "foreign", 0, NULL, "also a file that SCL did not make", SCLCTL_COMPLETE_NOTHING, NULL },
        OPTIONS_END };
static const SclctlOption attach_options[] = {
  { "start", 0, NULL, "start the VM if it is not running", SCLCTL_COMPLETE_NOTHING, NULL },
  { "stop-on-term", 0, NULL, "shut the VM down when a SIGTERM or Ctrl-C arrives",
    SCLCTL_COMPLETE_NOTHING, NULL },
  OPTIONS_END,
};

static const char *const apply_examples[]
    = { "Bring the host into the state that two manifests describe together",
        "sclctl apply -f networks.yaml -f vms.yaml",
        "A manifest written in Nix; needs only the package nix-bin",
        "sclctl apply -f vms.nix",
        "In a script: also remove what is no longer declared",
        "sclctl apply --prune -f /srv/vms",
        "A report for programs",
        "sclctl apply -o json -f demo.yaml",
        NULL };
static const char *const plan_examples[]
    = { "What would apply do?", "sclctl plan -f demo.yaml",
        "In a script: status 2 says that there is something to do",
        "sclctl plan -q -f demo.yaml || echo changes or an error", NULL };
static const char *const validate_examples[]
    = { "Check a manifest anywhere, without root", "sclctl validate -f demo.yaml",
        "Check it against this host, too", "sclctl validate --preflight -f demo.yaml", NULL };
static const char *const schema_examples[]
    = { "For editors that complete and check YAML", "sclctl schema > scl-manifest.json", NULL };
static const char *const status_examples[]
    = { "Everything at a glance", "sclctl status", "As JSON", "sclctl status -o json", NULL };
static const char *const run_examples[]
    = { "Run the VMs of a manifest until Ctrl-C; nothing else is needed",
        "sclctl run -f demo.yaml",
        "With the terminal on the console of a VM",
        "sclctl run -f demo.yaml --console demo",
        "For a script: one JSON object per line, the event \"ready\" among them",
        "sclctl run -o json -f demo.yaml",
        NULL };
static const char *const console_examples[]
    = { "Log in on the serial console; Ctrl-] leaves it", "sclctl console demo", NULL };
static const char *const completion_examples[]
    = { "In bash, for this session", "source <(sclctl completion bash)", NULL };
static const char *const vm_list_examples[]
    = { "All VMs", "sclctl vm list", "Only their names", "sclctl vm list -q",
        "The names of those that run", "sclctl vm list --running -q", NULL };
static const char *const vm_show_examples[]
    = { "Everything about a VM", "sclctl vm show demo", NULL };
static const char *const vm_start_examples[]
    = { "Start two VMs at the same time", "sclctl vm start web db", NULL };
static const char *const vm_stop_examples[]
    = { "Shut a VM down", "sclctl vm stop demo", "Pull the plug", "sclctl vm stop --force demo",
        "Before the host goes down", "sclctl vm stop --all", NULL };
static const char *const vm_restart_examples[]
    = { "Make pending changes take effect", "sclctl vm restart demo", NULL };
static const char *const vm_delete_examples[]
    = { "Remove a VM; its volume is kept", "sclctl vm delete demo", "In a script",
        "sclctl vm delete --yes demo", NULL };
static const char *const vm_logs_examples[]
    = { "Why did it not come up?", "sclctl vm logs demo | tail -n 40", NULL };
static const char *const vm_attach_examples[]
    = { "As the command of a service", "sclctl vm attach demo --start --stop-on-term", NULL };
static const char *const network_list_examples[] = { "All networks", "sclctl network list", NULL };
static const char *const network_show_examples[]
    = { "Everything about a network", "sclctl network show default", NULL };
static const char *const network_delete_examples[]
    = { "Remove a network that no VM uses", "sclctl network delete lan", NULL };
static const char *const volume_list_examples[] = { "All volumes", "sclctl volume list", NULL };
static const char *const volume_show_examples[]
    = { "Everything about a volume", "sclctl volume show demo", NULL };
static const char *const volume_create_examples[]
    = { "Make the disk of a VM anew whose file is lost for good",
        "sclctl volume create demo --from-image", NULL };
static const char *const volume_adopt_examples[]
    = { "Go on with the disk that \"run\" of the first release made",
        "sclctl -c 'local:?prefix=run' volume adopt demo --from scl",
        "Apply what was tried with \"run\", with its data", "sclctl volume adopt demo --from run", NULL };
static const char *const volume_delete_examples[]
    = { "Delete the disk of a VM that is gone", "sclctl volume delete demo", NULL };
static const char *const volume_prune_examples[]
    = { "List the volumes that no VM uses, and ask whether to delete them", "sclctl volume prune",
        NULL };

const SclctlCommand sclctl_commands[] = {
  { .verb = "run",
    .summary = "Run a manifest in the foreground and take everything down at the end",
    .description
    = "Brings networks and VMs up with a hypervisor inside this process, as the instance \"run\" "
      "(unless --connect names a prefix), so that what is applied is not touched. A network whose "
      "externalIP somebody has already gets a free one for this run, which is printed. Shows the "
      "state of the VMs and "
      "what they print on their consoles, and stays until Ctrl-C or SIGTERM arrives (--until-off: "
      "or all VMs are off). Then the guests are shut down in parallel and VMs and networks "
      "removed; volumes are kept for the next time. Another Ctrl-C says what that waits for, and "
      "one "
      "more switches off what is still on. No libvirtd and no service is needed. The instance is "
      "locked meanwhile.",
    .options = run_options,
    .required = "file",
    .examples = run_examples,
    .run = sclctl_run },
  { .verb = "apply",
    .summary = "Make this host as the manifest says",
    .description
    = "Shows the plan and carries it out, what is independent at the same time. What is already as "
      "declared is left alone. The manifests given are the whole truth: a VM or network that "
      "is no longer in them is removed after a question; without a terminal only with --prune or "
      "--yes, else all is done that needs no removal, what does is named, and the exit status is 3. "
      "Volumes are always kept. Ctrl-C finishes or undoes the running steps and begins no others; a "
      "second one leaves at once, and the same command finishes the rest.",
    .options = apply_options,
    .required = "file",
    .examples = apply_examples,
    .run = sclctl_apply },
  { .verb = "plan",
    .summary = "Show what apply would do",
    .description
    = "Compares the manifest with the host and changes nothing. The exit status is 2 if "
      "there is something to do, and 0 if there is nothing.",
    .options = apply_options,
    .required = "file",
    .examples = plan_examples,
    .run = sclctl_plan },
  { .verb = "validate",
    .summary = "Check manifests",
    .description
    = "Reports every mistake with file, line, column and key. Needs neither root nor a "
      "hypervisor, except with --preflight, which runs the checks that apply does "
      "before it changes anything.",
    .options = validate_options,
    .required = "file",
    .examples = validate_examples,
    .run = sclctl_validate },
  { .verb = "status",
    .summary = "Show networks, VMs, volumes and what is wrong with them",
    .description
    = "An overview of everything that belongs to this instance, and of anything on the "
      "host that keeps it from working. The exit status is 2 if a network, the host or the note "
      "of a volume is not as the last apply made it and another one would repair it, 1 if "
      "something else is wrong that needs a person (a volume is gone), else 0.",
    .examples = status_examples,
    .run = sclctl_status },
  { .verb = "console",
    .arguments = "NAME",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Connect the terminal to the serial console of a VM",
    .description
    = "Everything typed goes to the guest; Ctrl-] ends the connection and leaves the VM "
      "as it is.",
    .examples = console_examples,
    .complete = SCLCTL_COMPLETE_VM,
    .run = sclctl_console },
  { .verb = "schema",
    .summary = "Print the JSON Schema of manifests",
    .description = "For editors and other programs. It is made from the same table that the parser "
                   "uses.",
    .examples = schema_examples,
    .run = sclctl_schema },
  { .verb = "completion",
    .arguments = "SHELL",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Print the completion script for bash, zsh or fish",
    .description = "Packages install these scripts; this is for everybody else.",
    .examples = completion_examples,
    .complete = SCLCTL_COMPLETE_WORDS,
    .words = "bash zsh fish",
    .run = sclctl_completion },
  { .verb = "man-commands",
    .summary = "",
    .description = "",
    .hidden = TRUE,
    .run = sclctl_man_commands },
  { .verb = "names",
    .arguments = "KIND",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "",
    .description = "",
    .hidden = TRUE,
    .run = sclctl_names },

  { .noun = "vm",
    .verb = "list",
    .alias = "vm ls",
    .summary = "List VMs",
    .description
    = "Name, state, network, addresses with where they are known from (declared, lease, "
      "agent, neighbour table), cores, memory, time since the start, and changes that "
      "wait for the next boot. One that is \"stopped, saved\" goes on from memory that another tool has "
      "saved, when it is started.",
    .options = list_vm_options,
    .examples = vm_list_examples,
    .run = sclctl_vm_list },
  { .noun = "vm",
    .verb = "show",
    .arguments = "NAME",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Show everything about a VM",
    .description = "State and why, hardware, disks, addresses, pending changes, log file.",
    .examples = vm_show_examples,
    .complete = SCLCTL_COMPLETE_VM,
    .run = sclctl_vm_show },
  { .noun = "vm",
    .verb = "start",
    .alias = "start",
    .arguments = "NAME…",
    .min_arguments = 1,
    .max_arguments = G_MAXUINT,
    .summary = "Start VMs",
    .description
    = "A VM that runs already is left alone. A VM that was started stays wanted on: apply "
      "starts it again. A VM that is paused goes on. One that a disk error stopped must write "
      "again: if it is stopped again at once, that is an error.",
    .examples = vm_start_examples,
    .complete = SCLCTL_COMPLETE_VM,
    .run = sclctl_vm_start },
  { .noun = "vm",
    .verb = "stop",
    .alias = "stop",
    .arguments = "[NAME…]",
    .max_arguments = G_MAXUINT,
    .summary = "Shut VMs down",
    .description
    = "Asks the guest to shut down and switches it off when shutdownTimeout is over. The "
      "VM stays off, also after apply, until \"vm start\" or until the host boots. A VM whose disk was deleted "
      "while it runs loses it with that: it is stopped after a question only, or with --yes.",
    .options = stop_options,
    .examples = vm_stop_examples,
    .complete = SCLCTL_COMPLETE_VM,
    .run = sclctl_vm_stop },
  { .noun = "vm",
    .verb = "restart",
    .alias = "restart",
    .arguments = "[NAME…]",
    .max_arguments = G_MAXUINT,
    .summary = "Shut VMs down and start them again",
    .description = "Changes that wait for the next boot take effect.",
    .options = restart_options,
    .examples = vm_restart_examples,
    .complete = SCLCTL_COMPLETE_VM,
    .run = sclctl_vm_restart },
  { .noun = "vm",
    .verb = "delete",
    .alias = "vm rm",
    .arguments = "NAME…",
    .min_arguments = 1,
    .max_arguments = G_MAXUINT,
    .summary = "Shut VMs down and remove them; volumes are kept",
    .description = "Asks first. A VM that is still in the manifest comes back with the next apply.",
    .examples = vm_delete_examples,
    .complete = SCLCTL_COMPLETE_VM,
    .run = sclctl_vm_delete },
  { .noun = "vm",
    .verb = "logs",
    .alias = "logs",
    .arguments = "NAME",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Print what a VM has written on its serial console",
    .description
    = "The end of the console's log, also of a VM that is off; of a long one its "
      "last MiB at least. Escape sequences are removed, so that a guest cannot steer the terminal. "
      "\"vm attach\" goes on with what comes, \"console\" also lets one type.",
    .examples = vm_logs_examples,
    .complete = SCLCTL_COMPLETE_VM,
    .run = sclctl_vm_logs },
  { .noun = "vm",
    .verb = "console",
    .arguments = "NAME",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Connect the terminal to the serial console of a VM",
    .description = "The same as \"sclctl console\".",
    .examples = console_examples,
    .complete = SCLCTL_COMPLETE_VM,
    .run = sclctl_console },
  { .noun = "vm",
    .verb = "attach",
    .arguments = "NAME",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Stay in the foreground as long as the VM runs",
    .description
    = "Copies what the VM prints on its console, and ends when the VM is off: with status "
      "0, or 1 if it crashed. For service managers. Ctrl-C and SIGTERM end the command "
      "and leave the VM running, unless --stop-on-term is given. A restart of the VM does "
      "not end it.",
    .options = attach_options,
    .examples = vm_attach_examples,
    .complete = SCLCTL_COMPLETE_VM,
    .run = sclctl_vm_attach },

  { .noun = "network",
    .verb = "list",
    .alias = "network ls",
    .summary = "List networks",
    .description = "Name, external address, subnet, gateway, forwards, VMs and problems.",
    .examples = network_list_examples,
    .run = sclctl_network_list },
  { .noun = "network",
    .verb = "show",
    .arguments = "NAME",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Show everything about a network",
    .description = "Addresses, namespace, forwards, VMs and problems.",
    .examples = network_show_examples,
    .complete = SCLCTL_COMPLETE_NETWORK,
    .run = sclctl_network_show },
  { .noun = "network",
    .verb = "delete",
    .alias = "network rm",
    .arguments = "NAME…",
    .min_arguments = 1,
    .max_arguments = G_MAXUINT,
    .summary = "Remove networks",
    .description
    = "Asks first. A network that is still in the manifest comes back with the next apply.",
    .examples = network_delete_examples,
    .complete = SCLCTL_COMPLETE_NETWORK,
    .run = sclctl_network_delete },

  { .noun = "volume",
    .verb = "list",
    .alias = "volume ls",
    .summary = "List volumes",
    .description = "Name, size, space that it takes, VM, image it was made from, date.",
    .examples = volume_list_examples,
    .run = sclctl_volume_list },
  { .noun = "volume",
    .verb = "show",
    .arguments = "NAME",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Show everything about a volume",
    .description = "File, size, image, VM.",
    .examples = volume_show_examples,
    .complete = SCLCTL_COMPLETE_VOLUME,
    .run = sclctl_volume_show },
  { .noun = "volume",
    .verb = "create",
    .arguments = "NAME",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Make the lost volume of a VM anew",
    .description
    = "For a VM whose volume is gone: apply does not make it anew, because its file may only be out of sight, "
      "as when the state folder is not mounted. The new volume is a copy of the image that the VM was "
      "declared with; apply then starts the VM.",
    .options = create_options,
    .required = "from-image",
    .examples = volume_create_examples,
    .complete = SCLCTL_COMPLETE_VM,
    .run = sclctl_volume_create },
  { .noun = "volume",
    .verb = "adopt",
    .arguments = "NAME",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Take over a volume of another instance",
    .description
    = "The volume and its data become this instance's, and are the other's no more: its file is moved within "
      "the state folder, never copied. Neither instance may be changed meanwhile, no domain may use the volume, and "
      "this instance may have none of that name. The NVRAM of the VM that had it goes along, its seed does not: the "
      "guest's cloud-init takes this for a new machine, with the data that is there.",
    .options = adopt_options,
    .required = "from",
    .examples = volume_adopt_examples,
    .complete = SCLCTL_COMPLETE_NOTHING,
    .run = sclctl_volume_adopt },
  { .noun = "volume",
    .verb = "delete",
    .alias = "volume rm",
    .arguments = "NAME…",
    .min_arguments = 1,
    .max_arguments = G_MAXUINT,
    .summary = "Delete volumes and all data on them",
    .description = "Asks first. A volume that a VM or any other domain uses is not deleted.",
    .options = delete_volume_options,
    .examples = volume_delete_examples,
    .complete = SCLCTL_COMPLETE_VOLUME,
    .run = sclctl_volume_delete },
  { .noun = "volume",
    .verb = "prune",
    .summary = "Delete the volumes that no VM uses",
    .description = "Lists them and asks first, with the NVRAM of VMs that are gone, as are their volumes.",
    .examples = volume_prune_examples,
    .run = sclctl_volume_prune },
  { .verb = NULL },
};
