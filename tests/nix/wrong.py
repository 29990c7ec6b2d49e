# SPDX-License-Identifier: LGPL-2.1-or-later
"""Wrong configurations, and what is said about each.

CHECKS are found by nix/checks.nix, as assertions: NixOS shows all of them at once. TYPES are found by the types of the
options: NixOS shows the first one. Each is (name, value of ctrl-os.vms, texts of the messages).
"""

P = "ctrl-os.vms"
IMAGE = 'image = "/i.raw";'


def vm(text="", name="demo"):
    return f"virtualMachines.{name} = {{ {IMAGE} {text} }};"


def net(text, name="default"):
    return f"networks.{name} = {{ {text} }};"


OTHER = 'externalIP = "192.168.44.1"; gatewayIP = "10.0.0.1"; internalNetmask = "255.0.0.0";'
PRIVATE = "take one from a private range such as 192.168.0.0/16"
DEFAULT = f"{P}.networks.default"
TCP = f"{DEFAULT}.allowedTCPPorts"
DEMO = f"{P}.virtualMachines.demo"


def address(value, why, key="externalIP"):
    return net(f'{key} = "{value}";'), f"{DEFAULT}.{key}: {value} {why}: {PRIVATE}"


def forward(value, message):
    return net(f'allowedTCPPorts = [ "{value}" ];'), f"{TCP}[0]: {message}"


CHECKS = [(name, text, messages) for name, text, *messages in [
    # references
    ("undefined network", vm('network = "nowhere";'), f'{DEMO}.network: network "nowhere" is not defined (defined: default)'),
    ("misspelt network", net(OTHER, "production") + vm('network = "prodution";'),
     f'{DEMO}.network: network "prodution" is not defined (defined: default, production); did you mean "production"?'),
    ("default is off but used", "networks.default = null;" + vm(),
     f'{DEMO}.network: network "default" is switched off by {DEFAULT} = null (defined: none)'),
    ("default is off but used beside another", f"networks.default = null; {net(OTHER, 'dmz')}" + vm(),
     f'{DEMO}.network: network "default" is switched off by {DEFAULT} = null (defined: dmz)'),
    ("another network is null", "networks.foo = null;",
     f'{P}.networks.foo: only the network "default" can be null; leave another one out to remove it'),
    ("another network is null and used", "networks.foo = null;" + vm('network = "foo";'),
     f'{P}.networks.foo: only the network "default" can be null; leave another one out to remove it',
     f'{DEMO}.network: network "foo" is not defined (defined: default)'),
    # ports
    ("host port twice", net('allowedTCPPorts = [ "2222:192.168.20.2:22" "80:192.168.20.2:80" "2222:192.168.20.3:22" ];'),
     f"{TCP}[2]: host port 2222 is already forwarded by {TCP}[0]"),
    ("UDP host port twice", net('allowedUDPPorts = [ "53:192.168.20.2:53" "53:192.168.20.3:53" ];'),
     f"{DEFAULT}.allowedUDPPorts[1]: host port 53 is already forwarded by {DEFAULT}.allowedUDPPorts[0]"),
    # external addresses
    ("one external IP for two networks", net('externalIP = "192.168.10.1"; gatewayIP = "10.0.0.1";', "dmz"),
     f'{P}.networks.dmz.externalIP: is already the external IP of network "default"'),
    ("external IP inside", net('externalIP = "192.168.20.9";'),
     f"{DEFAULT}.externalIP: is inside the network's own subnet 192.168.20.0/24: take an address outside of it"),
    ("external IP is the gateway", net('externalIP = "10.9.9.9"; gatewayIP = "10.0.0.1"; internalNetmask = "255.0.0.0";'),
     f"{DEFAULT}.externalIP: is inside the network's own subnet 10.0.0.0/8: take an address outside of it"),
    ("external IP in 0/8", *address("0.1.2.3", 'is in 0.0.0.0/8 ("this network")')),
    ("external IP in 127/8", *address("127.0.0.1", "is in 127.0.0.0/8 (loopback)")),
    ("external IP in 169.254/16", *address("169.254.1.1", "is in 169.254.0.0/16 (link-local, used by SCL itself)")),
    ("external IP in 224/4", *address("239.0.0.1", "is in 224.0.0.0/4 (multicast)")),
    ("external IP in 240/4", *address("255.255.255.255", "is in 240.0.0.0/4 (reserved)")),
    # gateways
    ("gateway in 127/8", *address("127.0.20.1", "is in 127.0.0.0/8 (loopback)", "gatewayIP")),
    ("gateway in 169.254/16", *address("169.254.77.5", "is in 169.254.0.0/16 (link-local, used by SCL itself)", "gatewayIP")),
    ("gateway is the network address", net('gatewayIP = "192.168.20.0";'),
     f"{DEFAULT}.gatewayIP: is the network address of 192.168.20.0/24: take the next one"),
    ("gateway is the broadcast address", net('gatewayIP = "192.168.20.255";'),
     f"{DEFAULT}.gatewayIP: is the broadcast address of 192.168.20.0/24: take the one before"),
    ("gateway is the broadcast address of a small net", net('gatewayIP = "192.168.20.7"; internalNetmask = "255.255.255.252";'),
     f"{DEFAULT}.gatewayIP: is the broadcast address of 192.168.20.4/30: take the one before"),
    # targets of forwards
    ("forward to outside", *forward("22:10.0.0.2:22", "10.0.0.2 is outside the network's subnet 192.168.20.0/24")),
    ("forward to the gateway", *forward("22:192.168.20.1:22", "192.168.20.1 is the network's gateway: name a VM's address")),
    ("forward to the network address", *forward(
        "22:192.168.20.0:22", "192.168.20.0 is the network address of 192.168.20.0/24: name a VM's address")),
    ("forward to the broadcast address", *forward(
        "22:192.168.20.255:22", "192.168.20.255 is the broadcast address of 192.168.20.0/24: name a VM's address")),
    # names
    ("names of VMs that differ in case", vm(name="Demo") + vm(),
     f"{DEMO}: collides with {P}.virtualMachines.Demo: names must differ in more than upper and lower case"),
    ("names of networks that differ in case", net(OTHER, "Default"),
     f"{DEFAULT}: collides with {P}.networks.Default: names must differ in more than upper and lower case"),
    ("VM name with a dot", vm(name='"a.b"'),
     f'{P}.virtualMachines."a.b": the name "a.b" may only have letters, digits and hyphens (it is a DNS label)'),
    ("VM name with a slash", vm(name='"../x"'),
     f'{P}.virtualMachines."../x": the name "../x" may only have letters, digits and hyphens (it is a DNS label)'),
    ("VM name with a hyphen at the end", vm(name='"a-"'),
     f'{P}.virtualMachines.a-: the name "a-" must not begin or end with a hyphen (it is a DNS label)'),
    ("VM name that is empty", vm(name='""'), f'{P}.virtualMachines."": the name "" is empty'),
    ("VM name that is long", vm(name="a" * 64),
     f'{P}.virtualMachines.{"a" * 64}: the name "{"a" * 64}" is longer than 63 characters'),
    ("network name with a space", net(OTHER, '"my net"'),
     f'{P}.networks."my net": the name "my net" may only have letters, digits and hyphens (it is a DNS label)'),
    ("one unit for a VM and a network", vm(name="network-default"),
     f"{P}.virtualMachines.network-default: its unit vm-network-default.service would be that of {DEFAULT}, too:"
     " rename one of the two"),
    # cards and interfaces
    ("one MAC for two VMs", vm('mac = "52:54:00:AA:00:01";', "a") + vm('mac = "52:54:00:aa:00:01";', "b"),
     f"{P}.virtualMachines.b.mac: 52:54:00:aa:00:01 is already the MAC address of {P}.virtualMachines.a.mac"),
    ("multicast MAC", vm('mac = "53:54:00:12:34:56";'),
     f"{DEMO}.mac: 53:54:00:12:34:56 cannot be the address of a card: the first byte must be even, e.g. 52:…"),
    ("MAC of zeros", vm('mac = "00:00:00:00:00:00";'),
     f"{DEMO}.mac: 00:00:00:00:00:00 cannot be the address of a card: the first byte must be even, e.g. 52:…"),
    ("interface that cannot be", 'gatewayInterface = "..";',
     f'{P}.gatewayInterface: ".." is not a name that an interface can have'),
    # files
    ("image that is a folder", 'virtualMachines.demo.image = "/srv/images/..";',
     f"{DEMO}.image: is the path of a folder, not of a file"),
    ("path with a line break", vm('cloudInitUserConfigFile = "/run/a\\nb";'),
     f"{DEMO}.cloudInitUserConfigFile: has a control character"),
    ("two mistakes are both told", net('externalIP = "127.0.0.1";') + vm('network = "x";'),
     f"{DEFAULT}.externalIP: 127.0.0.1 is in 127.0.0.0/8 (loopback): {PRIVATE}",
     f'{DEMO}.network: network "x" is not defined (defined: default)'),
]]


def typed(option, what):
    return f"A definition for option `{P}.{option}' is not of type `{what}"


ADDRESS = "IPv4 address (four numbers from 0 to 255"
FORWARD = "forward (hostPort:vmIp:vmPort, e.g."
FILE = "file: a derivation, a path, or an absolute path as text"
ITEM = 'networks.default.allowedTCPPorts."[definition 1-entry 1]"'

TYPES = [
    ("address with a number too big", net('externalIP = "192.168.10.256";'), typed("networks.default.externalIP", ADDRESS)),
    ("address with three numbers", net('gatewayIP = "192.168.20";'), typed("networks.default.gatewayIP", ADDRESS)),
    ("address with a leading zero", net('gatewayIP = "192.168.020.1";'), typed("networks.default.gatewayIP", ADDRESS)),
    ("IPv6 address", net('externalIP = "fd00::1";'), typed("networks.default.externalIP", ADDRESS)),
    ("address with a prefix length", net('gatewayIP = "192.168.20.1/24";'), typed("networks.default.gatewayIP", ADDRESS)),
    ("mask with a hole", net('internalNetmask = "255.0.255.0";'), typed("networks.default.internalNetmask", "network mask")),
    ("mask without room", net('internalNetmask = "255.255.255.254";'), typed("networks.default.internalNetmask", "network mask")),
    ("forward without an address", net('allowedTCPPorts = [ "2222:22" ];'), typed(ITEM, FORWARD)),
    ("forward of port 0", net('allowedTCPPorts = [ "0:192.168.20.2:22" ];'), typed(ITEM, FORWARD)),
    ("forward of port 65536", net('allowedTCPPorts = [ "22:192.168.20.2:65536" ];'), typed(ITEM, FORWARD)),
    ("forward that is a number", net("allowedTCPPorts = [ 22 ];"), typed(ITEM, FORWARD)),
    ("forwards that are one text", net('allowedTCPPorts = "2222:192.168.20.2:22";'),
     typed("networks.default.allowedTCPPorts", "list of forward")),
    ("no core", vm("cores = 0;"), typed("virtualMachines.demo.cores", "integer between 1 and 255")),
    ("too many cores", vm("cores = 256;"), typed("virtualMachines.demo.cores", "integer between 1 and 255")),
    ("cores as text", vm('cores = "2";'), typed("virtualMachines.demo.cores", "integer between 1 and 255")),
    ("memory as text with a unit", vm('memorySize = "2G";'), typed("virtualMachines.demo.memorySize", "integer between 16")),
    ("negative size", vm("imageSize = -1;"), typed("virtualMachines.demo.imageSize", "null or integer between 1")),
    ("autoStart as text", vm('autoStart = "yes";'), typed("virtualMachines.demo.autoStart", "boolean")),
    ("unknown firmware", vm('firmware = "efi";'), typed("virtualMachines.demo.firmware", 'one of "uefi", "bios"')),
    ("unknown onChange", vm('onChange = "always";'), typed("virtualMachines.demo.onChange", 'one of "nextBoot", "restart"')),
    ("MAC with dashes", vm('mac = "52-54-00-12-34-56";'), typed("virtualMachines.demo.mac", "null or MAC address")),
    ("relative image", 'virtualMachines.demo.image = "disk.raw";', typed("virtualMachines.demo.image", FILE)),
    ("image in the home folder", 'virtualMachines.demo.image = "~/disk.raw";', typed("virtualMachines.demo.image", FILE)),
    ("image that is a number", "virtualMachines.demo.image = 5;", typed("virtualMachines.demo.image", FILE)),
    ("user config that is an attribute set", vm("cloudInitUserConfigFile = { password = \"x\"; };"),
     typed("virtualMachines.demo.cloudInitUserConfigFile", f"null or {FILE}")),
    ("empty network", vm('network = "";'), typed("virtualMachines.demo.network", "non-empty string")),
    ("long interface", 'gatewayInterface = "a-very-long-name";', typed("gatewayInterface", "null or name of a network interface")),
    ("interface with a slash", 'gatewayInterface = "eth0/1";', typed("gatewayInterface", "null or name of a network interface")),
    ("VM that is null", "virtualMachines.demo = null;", typed("virtualMachines.demo", "submodule")),
    ("relative state folder", 'stateDir = "scl"; gatewayInterface = "eth0";', typed("stateDir", "absolute path of a folder")),
    ("no image", "virtualMachines.demo.cores = 2;", f"The option `{P}.virtualMachines.demo.image' was accessed but has no value"),
    ("no external IP", net('gatewayIP = "10.0.0.1";', "dmz"),
     f"The option `{P}.networks.dmz.externalIP' was accessed but has no value"),
    ("no gateway", net('externalIP = "10.0.0.1";', "dmz"), f"The option `{P}.networks.dmz.gatewayIP' was accessed but has no value"),
    ("misspelt key of a VM", vm("memory = 2048;"), f"The option `{P}.virtualMachines.demo.memory' does not exist"),
    ("misspelt key of a network", net('externalIp = "10.0.0.1";'), f"The option `{P}.networks.default.externalIp' does not exist"),
    ("misspelt key", 'gatewayinterface = "eth0";', f"The option `{P}.gatewayinterface' does not exist"),
    ("version", "version = 1;", f"The option `{P}.version' does not exist"),
]
