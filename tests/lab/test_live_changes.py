#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes under running guests: nothing reboots, and what is still declared keeps its connections."""

import socket

import scltest
from scltest import Lab, Libvirtd, net
from scltest.scene import Scene, SharedCase, ask, ask_soon, asked

RED, BLUE, GATEWAY = "192.168.10.1", "192.168.11.1", "192.168.20.1"


class LiveChanges(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = cls.share(Lab.standard())
        cls.scl = cls.lab.scl
        for external in (RED, BLUE, "192.168.12.1"):
            cls.lab.client.route(external, "via", "10.77.0.2")
        libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.scl))
        scene = cls.scene = cls.share(Scene(cls.dir, libvirtd, cls.scl))
        scene.manifest["gatewayInterface"] = "eth0"
        scene.network("red", RED, GATEWAY, tcp=["2222:192.168.20.2:22", "2223:192.168.20.3:22"])
        scene.network("blue", BLUE, GATEWAY, tcp=["2222:192.168.20.2:22", "2223:192.168.20.3:22"])
        scene.vm("one", "192.168.20.2/24", GATEWAY, "red")
        scene.vm("two", "192.168.20.3/24", GATEWAY, "red")
        scene.apply()
        cls.one, cls.two = (scene.guest(name) for name in ("one", "two"))
        for guest in (cls.one, cls.two):
            guest.serve(22)
            guest.serve(80)

    def setUp(self):
        self.boots = {guest.name: guest.boot_id() for guest in (self.one, self.two)}

    def tearDown(self):
        self.assertEqual({guest.name: guest.boot_id() for guest in (self.one, self.two)}, self.boots, "a guest rebooted")

    def change(self, edit):
        """For the rest of the case: what edit() makes of the manifest."""
        manifest = self.scene.copy()
        edit(manifest)
        self.addCleanup(self.scene.apply)
        return self.scene.apply(manifest)

    def talk(self, host, address, port):
        """A connection that stays; the function says something over it and returns asked(), or the error.

        seconds: where no answer is to come.
        """
        client = host.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(client.close)
        client.settimeout(scltest.bound(5))
        client.connect((address, port))

        def say(text, seconds=None):
            try:
                client.settimeout(seconds or scltest.bound(5))
                client.sendall(text.encode() + b"\n")
                return asked(client.recv(1000).decode())
            except OSError as error:
                return net.outcome(error)

        self.assertIsInstance(say("first"), tuple)
        return say

    def test_added_forward(self):
        say = self.talk(self.lab.client, RED, 2222)
        self.change(lambda m: m["networks"]["red"]["allowedTCPPorts"].append("8080:192.168.20.2:80"))
        self.assertEqual(ask(self.lab.client, RED, 8080)[0], "one")
        self.assertEqual(say("still here"), ("one", "10.77.0.50", "still here"))

    def test_removed_forward(self):
        gone, kept = self.talk(self.lab.client, RED, 2222), self.talk(self.lab.client, RED, 2223)
        self.change(lambda m: m["networks"]["red"].update(allowedTCPPorts=["2223:192.168.20.3:22"]))
        self.assertNotIsInstance(ask(self.lab.client, RED, 2222, seconds=1), tuple)
        self.assertNotIsInstance(gone("still here?", 2), tuple)
        self.assertEqual(kept("still here"), ("two", "10.77.0.50", "still here"))

    def test_forward_to_another_guest(self):
        self.change(lambda m: m["networks"]["red"].update(allowedTCPPorts=["2222:192.168.20.3:22"]))
        self.assertEqual(ask(self.lab.client, RED, 2222)[0], "two")

    def test_new_external_ip(self):
        self.change(lambda m: m["networks"]["red"].update(externalIP="192.168.12.1"))
        self.assertEqual(ask(self.lab.client, "192.168.12.1", 2222)[0], "one")
        self.assertNotIsInstance(ask(self.lab.client, RED, 2222, seconds=1), tuple)
        with net.Echo(self.lab.internet, "198.51.100.10", 7):
            self.assertIn("from 10.77.0.2", self.one.tcp("198.51.100.10", 7))

    def test_move_to_another_network(self):
        say = self.talk(self.lab.client, RED, 2222)
        self.assertTrue(self.one.ping("192.168.20.3"))
        gateway = self.two.mac_of(GATEWAY)
        self.change(lambda m: m["virtualMachines"]["two"].update(network="blue"))
        # What the guest knows of its gateway stays true.
        self.assertEqual(self.two.mac_of(GATEWAY), gateway)
        # The same address, now in blue.
        self.assertEqual(ask(self.lab.client, BLUE, 2223)[0], "two")
        self.assertNotIsInstance(ask(self.lab.client, RED, 2223, seconds=1), tuple)
        self.assertEqual(self.one.reached("192.168.20.3", ("192.168.20.3", 22)), [])
        self.assertTrue(self.two.ping(GATEWAY))
        self.assertEqual(say("still here"), ("one", "10.77.0.50", "still here"))
        self.scene.apply()
        self.assertEqual(ask_soon(self.lab.client, RED, 2223)[0], "two")
        self.assertTrue(self.one.ping("192.168.20.3"))

    def test_destroyed_nic_pair_is_healed(self):
        self.scl.run(["ip", "link", "del", f"{self.scene.ctl.prefix}n-one-0"])
        self.assertNotIsInstance(ask(self.lab.client, RED, 2222, seconds=1), tuple)
        self.scene.apply()
        # The guest got a new NIC at the old place, which it has to configure again.
        self.one.check("until [ -e /sys/class/net/eth0 ]; do usleep 50000; done")
        self.one.check(f"ip link set eth0 up; ip address add 192.168.20.2/24 dev eth0; ip route add default via {GATEWAY}")
        self.assertEqual(ask_soon(self.lab.client, RED, 2222)[0], "one")

    def test_destroyed_namespace_is_healed(self):
        say = self.talk(self.lab.client, RED, 2222)
        self.scl.run(["ip", "netns", "del", self.scene.namespace("blue")])
        self.scene.apply()
        self.assertEqual(say("still here"), ("one", "10.77.0.50", "still here"))
        self.scene.ctl.run("plan", "-f", self.scene.write(), check=0)

    def test_second_apply_changes_nothing(self):
        say = self.talk(self.lab.client, RED, 2222)
        self.assertIn("nothing to do", self.scene.apply().stdout)
        self.assertEqual(say("still here"), ("one", "10.77.0.50", "still here"))


if __name__ == "__main__":
    scltest.main()
