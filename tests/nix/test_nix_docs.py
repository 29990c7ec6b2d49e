#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""doc/options.md is what nix/options-doc.nix makes of the options."""

import nixtest
import scltest
from nixtest import SOURCE, evaluate


def made(wanted):
    return evaluate(f"""(import ../../nix/options-doc.nix {{ lib = import ({nixtest.nixpkgs()} + "/lib"); }}).{wanted}""")


class Reference(scltest.TestCase):
    def test_is_up_to_date(self):
        text = made("markdown")
        path = SOURCE / "doc/options.md"
        if nixtest.updating():
            path.write_text(text, encoding="utf-8")
        self.assertEqual(path.read_text(encoding="utf-8"), text, "doc/options.md (SCL_TEST_UPDATE=1 writes it)")

    def test_everything_is_described(self):
        options = made("list")
        self.assertGreater(len(options), 20)
        self.assertFalse([option["name"] for option in options if not option["description"].strip()])
        names = [option["name"] for option in options]
        self.assertNotIn("ctrl-os.vms.manifest", names, "internal options are not for users")
        for seed in ("gatewayInterface", "networks.<name>.externalIP", "networks.<name>.allowedUDPPorts",
                     "virtualMachines.<name>.cloudInitUserConfigFile", "virtualMachines.<name>.autoStart"):
            self.assertIn(f"ctrl-os.vms.{seed}", names)


class WithoutNixpkgs(scltest.TestCase):
    def test_every_key_of_the_schema_is_in_the_reference(self):
        text = (SOURCE / "doc/options.md").read_text(encoding="utf-8")
        keys = evaluate("""let s = import ../../nix/schema.nix; of = prefix: keys: map (key: prefix + key) (builtins.attrNames keys);
          in of "" s.values ++ of "networks.<name>." s.network ++ of "virtualMachines.<name>." s.virtualMachine""")
        self.assertFalse([key for key in keys if f"## `ctrl-os.vms.{key}`\n" not in text])


if __name__ == "__main__":
    scltest.main()
