#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The way out of one guest: uplinks, no uplink, other people's firewalls. Forwards are never harmed."""

import scltest
from scltest import Lab, Libvirtd, net
from scltest.scene import Scene, SharedCase, ask

EXTERNAL, INNER, GATEWAY = "192.168.10.1", "192.168.20.2", "192.168.20.1"
OUTSIDE = "198.51.100.10"
DOCKER = """\
table ip filter {
  chain DOCKER-USER {
    return
  }
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
    jump DOCKER-USER
  }
}
"""
FIREWALL = """\
table inet site {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
  }
}
"""


class Egress(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = cls.share(Lab.standard())
        cls.scl = cls.lab.scl
        cls.plug_second_uplink()
        cls.lab.client.route(EXTERNAL, "via", "10.77.0.2")
        libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.scl))
        cls.scene = cls.share(Scene(cls.dir, libvirtd, cls.scl))
        cls.scene.manifest["gatewayInterface"] = "eth0"
        cls.scene.network("default", EXTERNAL, GATEWAY, tcp=[f"2222:{INNER}:22"])
        cls.scene.vm("one", f"{INNER}/24", GATEWAY)
        cls.scene.apply()
        cls.one = cls.scene.guest("one")
        cls.one.serve(22)
        cls.share(net.Echo(cls.lab.internet, OUTSIDE, 7))

    @classmethod
    def plug_second_uplink(cls):
        """eth1 at 10.78.0.2, with a client and a router of its own to the same internet."""
        cls.second = cls.lab.wire("second")
        cls.scl.plug(cls.second, "eth1", "10.78.0.2/24")
        cls.neighbour = cls.lab.host("neighbour").plug(cls.second, "eth0", "10.78.0.50/24")
        router = cls.lab.host("second router", forwarding=True)
        router.plug(cls.second, "lan0", "10.78.0.1/24").plug(cls.lab.outside, "out0", "198.51.100.2/24")
        cls.lab.internet.route("10.78.0.0/24", "via", "198.51.100.2")

    def setUp(self):
        """Whatever the case before did to the guest's NIC."""
        self.one.check(f"ip link set eth0 up; ip address replace {INNER}/24 dev eth0; ip route replace default via {GATEWAY}")

    def uplink(self, name):
        """For the rest of the case."""
        manifest = self.scene.copy()
        manifest.pop("gatewayInterface")
        if name:
            manifest["gatewayInterface"] = name
        self.addCleanup(self.scene.apply)
        self.scene.apply(manifest)

    def forward_for_clients_on_eth0(self):
        """SCL does so only for its uplink; for other interfaces the host's owner does."""
        self.scl.sysctl("net/ipv4/conf/eth0/forwarding", "1")
        self.addCleanup(self.scl.sysctl, "net/ipv4/conf/eth0/forwarding", "0")

    def seen_outside(self):
        """The address by which the internet knows the guest; "" if it does not answer."""
        answer = self.one.tcp(OUTSIDE, 7, 2)
        return answer.split()[1] if answer.startswith("from ") else ""

    def assert_forwards(self, *hosts):
        for host in hosts or (self.scl, self.lab.client):
            with self.subTest(forward_from=host.name):
                self.assertEqual(ask(host, EXTERNAL, 2222)[0], "one")

    def test_gateway_interface_with_the_default_route(self):
        self.assertEqual(self.seen_outside(), "10.77.0.2")
        self.assert_forwards()

    def test_no_gateway_interface_is_no_egress(self):
        self.uplink(None)
        self.assertEqual(self.one.reached(OUTSIDE, (OUTSIDE, 7), "10.77.0.1", "10.77.0.50"), [])
        self.assert_forwards(self.scl)

    def test_gateway_interface_that_is_not_there(self):
        self.uplink("eth9")
        self.assertEqual(self.one.reached(OUTSIDE, (OUTSIDE, 7), "10.77.0.1"), [])
        self.assert_forwards(self.scl)
        self.assertIn("eth9", self.scene.ctl.run("status").stdout)

    def test_gateway_interface_without_a_default_route(self):
        self.uplink("eth1")
        self.forward_for_clients_on_eth0()
        with net.Echo(self.neighbour, "10.78.0.50", 7):
            self.assertTrue(self.one.tcp("10.78.0.50", 7).startswith("from 10.78.0.2 "))
        # Nothing goes out by the other uplink instead.
        self.assertEqual(self.one.reached(OUTSIDE, (OUTSIDE, 7), "10.77.0.50"), [])
        self.assert_forwards()

    def test_gateway_interface_whose_default_route_is_not_the_best(self):
        self.scl.route("default", "via", "10.78.0.1", "dev", "eth1", "metric", "500")
        self.addCleanup(self.scl.run, ["ip", "route", "del", "default", "dev", "eth1"])
        self.uplink("eth1")
        self.forward_for_clients_on_eth0()
        self.assertEqual(self.seen_outside(), "10.78.0.2")
        # The host's own way out is as it was, and answers to forwards leave where the question came in.
        self.assertTrue(net.tcp(self.scl, OUTSIDE, 7).startswith("from 10.77.0.2 "))
        self.assert_forwards()
        self.neighbour.route(EXTERNAL, "via", "10.78.0.2")
        self.addCleanup(self.neighbour.run, ["ip", "route", "del", EXTERNAL])
        self.assert_forwards(self.neighbour)

    def test_flushed_ruleset_of_the_host(self):
        self.scl.run(["nft", "flush", "ruleset"])
        self.assert_forwards()
        self.assertEqual(self.seen_outside(), "")
        self.assertIn("host", self.scene.ctl.run("plan", "-f", self.scene.write(), check=2).stdout)
        self.scene.apply()
        self.assertEqual(self.seen_outside(), "10.77.0.2")
        self.assert_forwards()
        self.scene.ctl.run("plan", "-f", self.scene.write(), check=0)

    def test_flushed_ruleset_of_a_network(self):
        self.scl.run(["ip", "netns", "exec", self.scene.namespace("default"), "nft", "flush", "ruleset"])
        self.scene.apply()
        self.assertEqual(self.seen_outside(), "10.77.0.2")
        self.assert_forwards()

    def test_docker_that_drops_what_it_does_not_know(self):
        self.scl.nft(DOCKER)
        self.addCleanup(self.scl.nft, "delete table ip filter\n")
        self.assert_forwards(self.scl)
        self.assertEqual(self.seen_outside(), "")
        self.scene.apply()
        self.assertEqual(self.seen_outside(), "10.77.0.2")
        self.assert_forwards()
        self.assertEqual(self.one.reached("10.77.0.2", ("10.77.0.2", 22)), [])

    def test_firewall_that_drops_is_named_by_status(self):
        self.scl.nft(FIREWALL)
        self.addCleanup(self.scl.nft, "delete table inet site\n")
        self.scene.apply()
        self.assert_forwards(self.scl)
        text = self.scene.ctl.run("status").stdout
        self.assertRegex(text, r"inet site")
        self.assertRegex(text, r"forward")

    def test_rules_of_others_are_left_alone(self):
        self.scl.nft("table inet others {\n chain input {\n type filter hook input priority 0; policy accept;\n"
                     ' tcp dport 9 drop comment "mine"\n }\n}\n')
        self.addCleanup(self.scl.nft, "delete table inet others\n")
        before = self.scl.output(["nft", "-s", "list", "table", "inet", "others"])
        self.uplink("eth1")
        self.uplink("eth0")
        self.assertEqual(self.scl.output(["nft", "-s", "list", "table", "inet", "others"]), before)


if __name__ == "__main__":
    scltest.main()
