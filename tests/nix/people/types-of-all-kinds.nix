# SPDX-License-Identifier: LGPL-2.1-or-later
{ config, lib, ... }:
let
  inherit (lib) types;
  cfg = config.kinds;
  option = type: default: lib.mkOption { inherit type default; };
in
{
  options.kinds = {
    text = option types.lines "";
    words = option types.commas "";
    either = option (types.either types.int types.str) 3;
    many = option (types.oneOf [ types.bool types.int (types.listOf types.int) ]) true;
    coerced = option (types.coercedTo types.int (n: "v${toString n}") types.str) 5;
    checked = option (types.addCheck types.int (n: n > 3)) 4;
    matching = option (types.strMatching "[a-z]+") "abc";
    lazy = option (types.lazyAttrsOf types.int) { };
    made = option (types.functionTo types.str) (name: "/srv/${name}.raw");
    bools = option (types.listOf types.bool) [ ];
    unique = option (types.uniq types.int) 7;
    raw = option types.raw null;
    set = option types.attrs { };
  };
  config = lib.mkMerge [
    { kinds = { text = "one"; words = "a"; lazy.x = 1; bools = [ true ]; raw = 3; set.p = 1; }; }
    { kinds = { text = "two"; words = "b"; lazy.y = 2; many = [ 4 5 ]; set.q = 2; }; }
    {
      ctrl-os.vms.virtualMachines = {
        "${cfg.matching}" = { image = cfg.made (lib.replaceStrings [ "\n" "," ] [ "-" "+" ] "${cfg.text}_${cfg.words}"); cores = cfg.either; };
        "${cfg.coerced}" = { image = cfg.made "x"; cores = cfg.checked + lib.last cfg.many; memorySize = 1000 + cfg.unique + cfg.raw + cfg.lazy.x + cfg.lazy.y; autoStart = lib.head cfg.bools; };
        set = { image = cfg.made (lib.concatStringsSep "-" (lib.attrNames cfg.set)); };
      };
    }
  ];
}
