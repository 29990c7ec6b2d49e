# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is wrong with the values of the options, as a list of texts: all that can be known without a
# host, as libscl/model/scl-manifest-check.c has it. Types are not looked at: the options have them.
# Builtins only. What is left to `sclctl validate` when the manifest is built: two long names with one link name.
let
  address = import ./address.nix;
  schema = import ./schema.nix;
  text = import ./text.nix;

  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    elemAt
    filter
    genList
    length
    match
    stringLength
    ;

  optional = condition: item: if condition then [ item ] else [ ];

  # A name as one writes it in Nix.
  attribute = name: if match "[A-Za-z_][A-Za-z0-9_'-]*" name != null then name else builtins.toJSON name;

  top = "ctrl-os.vms";
  networkPath = name: "${top}.networks.${attribute name}";
  vmPath = name: "${top}.virtualMachines.${attribute name}";

  # For each of ITEMS that has the key of one before it: complain ITEM FIRST.
  duplicates =
    keyOf: complain: items:
    let
      step =
        state: item:
        let
          key = keyOf item;
        in
        if state.seen ? ${key} then
          state // { found = state.found ++ [ (complain item state.seen.${key}) ]; }
        else
          state // { seen = state.seen // { ${key} = item; }; };
    in
    (builtins.foldl' step {
      seen = { };
      found = [ ];
    } items).found;

  # Names

  labelProblem =
    name:
    if name == "" then
      "is empty"
    else if stringLength name > 63 then
      "is longer than 63 characters"
    else if match "[A-Za-z0-9-]+" name == null then
      "may only have letters, digits and hyphens (it is a DNS label)"
    else if match (schema.bare schema.namePattern) name == null then
      "must not begin or end with a hyphen (it is a DNS label)"
    else
      null;

  checkLabel =
    pathOf: name:
    let
      problem = labelProblem name;
    in
    optional (problem != null) "${pathOf name}: the name \"${name}\" ${problem}";

  checkNames =
    pathOf: names:
    concatMap (checkLabel pathOf) names
    ++ duplicates text.toLower (
      name: first:
      "${pathOf name}: collides with ${pathOf first}: names must differ in more than upper and lower case"
    ) names;

  # The units vm-NAME.service and vm-network-NAME.service must be two.
  checkUnits =
    config:
    concatMap (
      name:
      let
        network = elemAt (match "network-(.*)" name) 0;
      in
      optional (match "network-.*" name != null && config.networks.${network} or null != null)
        "${vmPath name}: its unit vm-${name}.service would be that of ${networkPath network}, too: rename one of the two"
    ) (attrNames config.virtualMachines);

  checkInterface =
    config:
    optional (config.gatewayInterface == "." || config.gatewayInterface == "..")
      "${top}.gatewayInterface: \"${config.gatewayInterface}\" is not a name that an interface can have";

  # Addresses

  checkUsable =
    path: value:
    let
      number = address.parse value;
      problem = if number == null then null else address.unusable number;
    in
    optional (problem != null)
      "${path}: ${value} ${problem}: take one from a private range such as 192.168.0.0/16";

  checkGateway =
    path: subnet:
    optional (subnet.gateway == subnet.first)
      "${path}: is the network address of ${subnet.text}: take the next one"
    ++ optional (subnet.gateway == subnet.last)
      "${path}: is the broadcast address of ${subnet.text}: take the one before";

  checkExternal =
    path: subnet: value:
    let
      number = address.parse value;
    in
    optional (number != null && address.contains subnet number)
      "${path}: is inside the network's own subnet ${subnet.text}: take an address outside of it";

  # Forwards

  forwardsOf =
    path: key: list:
    genList (
      n:
      let
        parts = match "([0-9]+):([0-9.]+):[0-9]+" (elemAt list n);
      in
      {
        path = "${path}.${key}[${toString n}]";
        protocol = key;
        hostPort = if parts == null then "" else elemAt parts 0;
        target = if parts == null then "" else elemAt parts 1;
      }
    ) (length list);

  forwardProblem =
    subnet: forward:
    let
      number = address.parse forward.target;
    in
    if number == null then
      null
    else if !address.contains subnet number then
      "is outside the network's subnet ${subnet.text}"
    else if number == subnet.gateway then
      "is the network's gateway: name a VM's address"
    else if number == subnet.first then
      "is the network address of ${subnet.text}: name a VM's address"
    else if number == subnet.last then
      "is the broadcast address of ${subnet.text}: name a VM's address"
    else
      null;

  checkForward =
    subnet: forward:
    let
      problem = forwardProblem subnet forward;
    in
    optional (problem != null) "${forward.path}: ${forward.target} ${problem}";

  checkHostPorts =
    duplicates (forward: "${forward.protocol} ${forward.hostPort}") (
      forward: first: "${forward.path}: host port ${forward.hostPort} is already forwarded by ${first.path}"
    );

  # Networks

  checkNetwork =
    config: name:
    let
      network = config.networks.${name};
      path = networkPath name;
      subnet = address.subnet network.gatewayIP network.internalNetmask;
      forwards =
        forwardsOf path "allowedTCPPorts" network.allowedTCPPorts
        ++ forwardsOf path "allowedUDPPorts" network.allowedUDPPorts;
    in
    checkUsable "${path}.gatewayIP" network.gatewayIP
    ++ checkUsable "${path}.externalIP" network.externalIP
    ++ checkHostPorts forwards
    ++ (
      if subnet == null then
        [ ]
      else
        checkGateway "${path}.gatewayIP" subnet
        ++ checkExternal "${path}.externalIP" subnet network.externalIP
        ++ concatMap (checkForward subnet) forwards
    );

  checkExternalIPs =
    config:
    duplicates (name: config.networks.${name}.externalIP) (
      name: first: "${networkPath name}.externalIP: is already the external IP of network \"${first}\""
    );

  checkNull =
    config: name:
    optional (config.networks.${name} == null && name != "default")
      "${networkPath name}: only the network \"default\" can be null; leave another one out to remove it";

  isThere = config: name: config.networks.${name} or null != null;

  checkNetworks =
    config:
    let
      names = attrNames config.networks;
      there = filter (isThere config) names;
    in
    checkNames networkPath names
    ++ concatMap (checkNull config) names
    ++ concatMap (checkNetwork config) there
    ++ checkExternalIPs config there;

  # VMs

  # Every VM may be wrong: the list must not grow with the configuration.
  listOf =
    names:
    if names == [ ] then
      "none"
    else
      concatStringsSep ", " (genList (elemAt names) (if length names > 8 then 8 else length names))
      + (if length names > 8 then ", …" else "");

  missingNetwork =
    config: wanted:
    let
      names = filter (isThere config) (attrNames config.networks);
      meant = text.suggest wanted names;
    in
    if wanted == "default" && config.networks ? default then
      "network \"default\" is switched off by ${networkPath "default"} = null (defined: ${listOf names})"
    else
      "network \"${wanted}\" is not defined (defined: ${listOf names})"
      + (if meant == null then "" else "; did you mean \"${meant}\"?");

  checkMac =
    path: mac:
    optional (
      mac != null
      && (match ".[13579bBdDfF].*" mac != null || match "[0:]*" mac != null)
    ) "${path}: ${mac} cannot be the address of a card: the first byte must be even, e.g. 52:…";

  checkFile =
    vm: path: key:
    let
      value = vm.${key};
    in
    if !builtins.isString value then
      [ ]
    else
      optional (match ".*/\\.\\.?" value != null) "${path}.${key}: is the path of a folder, not of a file"
      ++ optional (match ".*[[:cntrl:]].*" value != null) "${path}.${key}: has a control character"
      ++ optional (stringLength value > 4095) "${path}.${key}: the path is longer than 4095 bytes";

  fileKeys = filter (key: schema.virtualMachine.${key}.isPath) (attrNames schema.virtualMachine);

  checkVm =
    config: name:
    let
      vm = config.virtualMachines.${name};
      path = vmPath name;
    in
    optional (!isThere config vm.network) "${path}.network: ${missingNetwork config vm.network}"
    ++ checkMac "${path}.mac" vm.mac
    ++ concatMap (checkFile vm path) fileKeys;

  checkMacs =
    config: names:
    duplicates (name: text.toLower config.virtualMachines.${name}.mac) (
      name: first:
      "${vmPath name}.mac: ${config.virtualMachines.${name}.mac} is already the MAC address of ${vmPath first}.mac"
    ) (filter (name: config.virtualMachines.${name}.mac != null) names);

  checkVms =
    config:
    let
      names = attrNames config.virtualMachines;
    in
    checkNames vmPath names ++ concatMap (checkVm config) names ++ checkMacs config names;
in
config:
checkInterface config ++ checkNetworks config ++ checkVms config ++ checkUnits config
