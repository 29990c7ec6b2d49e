#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody changes a network by hand: what the commands say of it, and that one apply ends it.

Every single setting is tried in test-kernel-network-settings; here is one of each kind, as a user meets them.
"""

import scltest
from scltest import Lab
from scltest.scene import Scene, SharedCase
from scltest.sclctl import Sclctl

HERE = "in the namespace"
CHANGES = [
    ("ip link set lan mtu 1280", f"link lan {HERE} has mtu 1280, not 1500"),
    ("ip link set lan type bridge mcast_snooping 1", f"link lan {HERE} has mcast_snooping 1, not 0"),
    ("sysctl -qw net.ipv4.ip_forward=0", "sysctl ipv4/ip_forward is 0, not 1"),
    ("sysctl -qw net.ipv4.conf.uplink.arp_ignore=1", f"sysctl ipv4/conf/uplink/arp_ignore {HERE} is 1, not 0"),
    ("ip route add 10.0.0.0/8 via 192.168.20.9", f"the route to 10.0.0.0/8 via 192.168.20.9 through lan {HERE} is not ours"),
    ("ip rule add pref 100 table 99", f"the policy rule 100 {HERE} is not ours"),
    ("ip neigh del 169.254.77.1 dev uplink", f"link uplink {HERE} has not the fixed neighbour 169.254.77.1"),
    ("tc qdisc add dev lan root pfifo limit 1", f"link lan {HERE} has the queueing discipline pfifo, which is not ours"),
]


class Settings(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        cls.scene = Scene(cls.dir, None, cls.scl)
        cls.ctl = Sclctl(cls.dir / "s", "qemu:///embed", prefix=cls.scene.ctl.prefix, host=cls.scl)
        cls.scene.network("default")
        cls.call("apply", 0)

    @classmethod
    def call(cls, verb, check):
        return cls.ctl.run(verb, "-f", cls.scene.write(), check=check)

    def test_each_kind(self):
        for command, problem in CHANGES:
            with self.subTest(command):
                self.scl.run(["ip", "netns", "exec", f"{self.ctl.prefix}-default", *command.split()])
                self.assertIn(problem, self.ctl.run("status", check=2).stdout)
                plan = self.call("plan", 2).stdout
                self.assertRegex(plan, r'repair +network "default"')
                self.assertIn(problem, plan)
                self.call("apply", 0)
                self.assertIn("nothing to do", self.call("plan", 0).stdout)
                self.assertNotIn(problem, self.ctl.run("status", check=0).stdout)

    def test_a_default_route_through_our_link(self):
        link = f"{self.ctl.prefix}u-default"
        problem = f"the host has a default route through {link}, which is not ours: keep DHCP clients off our links"
        self.scl.run(["ip", "route", "add", "default", "dev", link, "metric", "1005"])
        self.assertIn(problem, self.ctl.run("status", check=2).stdout)
        self.assertIn(problem, self.call("plan", 2).stdout)
        self.call("apply", 0)
        self.assertIn("nothing to do", self.call("plan", 0).stdout)
        self.assertEqual(self.scl.output(["ip", "route", "show", "default"]), "")


if __name__ == "__main__":
    scltest.main()
