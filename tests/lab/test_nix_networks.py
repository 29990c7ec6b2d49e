#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guide's "Extended Networking" in Nix, word for word, on real libvirt with guests in it."""

import shutil

import scltest
from scltest import Lab, Libvirtd, net
from scltest.guest import SOURCE
from scltest.scene import Scene, SharedCase, ask, udp_exchange

EXTENDED, ONLY_TCP, ONLY_UDP = "192.168.44.1", "192.168.45.1", "192.168.46.1"
# Each kind of port alone: the original module failed at it.
ALONE = """{
  ctrl-os.vms.networks = {
    tcp = { externalIP = "192.168.45.1"; gatewayIP = "192.168.20.1"; allowedTCPPorts = [ "2222:192.168.20.2:22" ]; };
    udp = { externalIP = "192.168.46.1"; gatewayIP = "192.168.20.1"; allowedUDPPorts = [ "8000:192.168.20.3:8000" ]; };
  };
}
"""


class Extended(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scltest.require(shutil.which("nix-instantiate"), "nix-instantiate")
        cls.lab = cls.share(Lab.standard())
        libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.lab.scl))
        cls.scene = cls.share(Scene(cls.dir, libvirtd, cls.lab.scl))
        # The networks come from Nix, the guests from the test.
        del cls.scene.manifest["networks"]
        for name, address, gateway, network in (("two", "10.0.0.2/8", "10.0.0.1", "demo"), ("three", "10.0.0.3/8", "10.0.0.1", "demo"),
                                                ("tcp", "192.168.20.2/24", "192.168.20.1", "tcp"),
                                                ("udp", "192.168.20.3/24", "192.168.20.1", "udp")):
            cls.scene.vm(name, address, gateway, network)
        cls.inputs = ["-f", SOURCE / "tests/nix/seed/extended.nix", "-f", cls.scene.file("alone.nix", ALONE)]
        cls.scene.apply(None, *cls.inputs)
        cls.guests = {name: cls.scene.guest(name) for name in ("two", "three", "tcp", "udp")}
        for name in ("two", "tcp"):
            cls.guests[name].serve(22)

    def forwarded(self, external, name, inner, gateway):
        """From the host, which a guest sees as its gateway."""
        guest = self.guests[name]
        return udp_exchange(self.lab.scl, external, guest, inner, guest.mac_of(gateway))

    def test_the_guides_network(self):
        self.assertEqual(ask(self.lab.scl, EXTENDED, 2222)[0], "two")
        self.assertEqual(self.forwarded(EXTENDED, "three", "10.0.0.3", "10.0.0.1"), "10.0.0.1")

    def test_default_is_off(self):
        self.assertEqual(sorted(network["name"] for network in self.scene.ctl.json("network", "list")), ["demo", "tcp", "udp"])
        self.assertNotIn("192.168.10.1", self.lab.scl.output(["ip", "route"]))

    def test_only_tcp(self):
        self.assertEqual(ask(self.lab.scl, ONLY_TCP, 2222)[0], "tcp")
        self.assertEqual(net.udp(self.lab.scl, ONLY_TCP, 2222, seconds=1), "timeout")

    def test_only_udp(self):
        self.assertEqual(self.forwarded(ONLY_UDP, "udp", "192.168.20.3", "192.168.20.1"), "192.168.20.1")
        self.assertNotIsInstance(ask(self.lab.scl, ONLY_UDP, 8000, seconds=1), tuple)

    def test_again_changes_nothing(self):
        self.assertIn("nothing to do", self.scene.apply(None, *self.inputs).stdout)


if __name__ == "__main__":
    scltest.main()
