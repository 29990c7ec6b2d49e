# SPDX-License-Identifier: LGPL-2.1-or-later
{ lib, ... }:
let
  guests = [ { name = "a"; ports = [ 22 80 ]; } { name = "b"; ports = [ 443 ]; } { name = "c"; ports = [ ]; } ];
  forwards = lib.concatLists (lib.imap1 (n: guest: lib.forEach guest.ports (port: "${toString (10000 * n + port)}:192.168.20.${toString (10 + n)}:${toString port}")) guests);
in
{
  ctrl-os.vms.networks.default.allowedTCPPorts = lib.unique (forwards ++ lib.optionals (lib.length forwards > 2) [ "9000:192.168.20.11:9000" ]);
  ctrl-os.vms.virtualMachines = lib.foldl' (found: guest: found // { ${guest.name} = { image = "/srv/${guest.name}.raw"; }; }) { } guests;
}
