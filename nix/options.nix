# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The manifest's JSON Schema -> NixOS options. A key that the schema gets becomes an option without a
# change here; what the schema cannot say of a key stands in `hints`, and a test finds stale ones.
{ lib }:
let
  inherit (lib) mkOption types literalExpression;
  schema = import ./schema.nix;

  forward = "forward (hostPort:vmIp:vmPort, e.g. \"2222:192.168.20.2:22\")";
  address = "IPv4 address (four numbers from 0 to 255, e.g. \"192.168.20.1\")";

  # what: name of a pattern, for messages. example: a better one than the schema's. note: what only Nix
  # users need to know.
  hints = {
    gatewayInterface.what = "name of a network interface (up to 15 letters, digits and _.:@-)";
    externalIP.what = address;
    gatewayIP.what = address;
    internalNetmask.what = "network mask (128.0.0.0 to 255.255.255.252)";
    allowedTCPPorts.what = forward;
    allowedUDPPorts.what = forward;
    image = {
      what = "file";
      note = "A derivation, a path or text.";
    };
    mac.what = "MAC address (e.g. \"52:54:00:12:34:56\")";
    cloudInitUserConfigFile = {
      what = "file";
      example = "/run/secrets/user-config.yaml";
      note = secretNote;
    };
    cloudInitNetworkConfigFile = {
      what = "file";
      example = "/etc/vms/network-config.yaml";
      note = secretNote;
    };
  };
  secretNote = ''
    A derivation, a path or text. What a derivation or a path names is in the Nix store, where every
    user of the host can read it; what text names is not: that is the way for secrets.'';

  patternType =
    what: pattern:
    types.mkOptionType {
      name = "strMatching";
      description = what;
      descriptionClass = "noun";
      check = value: types.str.check value && builtins.match (schema.bare pattern) value != null;
      inherit (types.str) merge;
    };

  # Text must say the whole path: there is no folder that a shorter one could be meant from.
  isFileText =
    text:
    builtins.substring 0 1 text == "/" && builtins.match (schema.bare schema.filePattern) text != null;

  fileType = types.mkOptionType {
    name = "file";
    description = "file: a derivation, a path, or an absolute path as text";
    descriptionClass = "noun";
    check =
      value:
      if builtins.isString value then
        isFileText value
      else
        builtins.isPath value || (builtins.isAttrs value && value ? outPath);
    merge = lib.mergeEqualOption;
  };

  textType =
    key:
    if key.isPath then
      fileType
    else if key.pattern == null then
      types.nonEmptyStr
    else
      patternType (hints.${key.name}.what or "text matching ${key.pattern}") key.pattern;

  bareType =
    key:
    if key.words != null then
      types.enum key.words
    else if key.type == "integer" then
      types.ints.between key.minimum key.maximum
    else if key.type == "boolean" then
      types.bool
    else if key.type == "array" then
      types.listOf (patternType hints.${key.name}.what key.items.pattern)
    else if key.type == "string" then
      textType key
    else
      throw "schema.json: key ${key.name} has a type that options.nix does not know: ${key.type}";

  # Null is a value only where nothing else could say "none".
  typeOf =
    key: if key.hasDefault || key.required then bareType key else types.nullOr (bareType key);

  descriptionOf =
    key: key.description + lib.optionalString (hints ? ${key.name}.note) "\n\n${hints.${key.name}.note}";

  exampleOf = key: hints.${key.name}.example or (builtins.head key.examples);

  optionOf =
    key:
    mkOption (
      {
        type = typeOf key;
        description = descriptionOf key;
      }
      // lib.optionalAttrs (!key.required) { inherit (key) default; }
      // {
        example = exampleOf key;
      }
    );

  # Which of the two a network is hangs on its name, which is known only inside of `default`: the
  # names and types of the options are the same.
  networkOption =
    name: key:
    let
      preset = schema.preset.${key.name};
    in
    if key.required && !preset.required then
      optionOf (key // { required = true; })
      // lib.optionalAttrs (name == "default") { inherit (preset) default; }
      // {
        defaultText = lib.literalMD "`${builtins.toJSON preset.default}` in the network `default`, else required";
      }
    else
      optionOf key;

  networkModule =
    { name, ... }:
    {
      options = builtins.mapAttrs (_: networkOption name) schema.network;
    };

  vmModule = {
    options = builtins.mapAttrs (_: optionOf) schema.virtualMachine;
  };
in
{
  # For the tests.
  inherit hints;
  examples = builtins.mapAttrs (_: exampleOf) (
    schema.values // schema.network // schema.virtualMachine
  );
  options = builtins.mapAttrs (_: optionOf) schema.values // {
    networks = mkOption {
      type = types.attrsOf (types.nullOr (types.submodule networkModule));
      default = { };
      # As one writes it in Nix, not in YAML.
      description = builtins.replaceStrings [ "default: null" ] [ "default = null" ] schema.networks.description;
      example = literalExpression ''
        {
          default = null;
          demo = {
            externalIP = "192.168.44.1";
            gatewayIP = "10.0.0.1";
            internalNetmask = "255.0.0.0";
            allowedTCPPorts = [ "2222:10.0.0.2:22" ];
          };
        }
      '';
    };
    virtualMachines = mkOption {
      type = types.attrsOf (types.submodule vmModule);
      default = { };
      inherit (schema.virtualMachines) description;
      example = literalExpression ''
        {
          demo = {
            image = "/var/lib/images/debian.raw";
            imageSize = 4096;
            cores = 2;
            memorySize = 2048;
          };
        }
      '';
    };
  };
}
