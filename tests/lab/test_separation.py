#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who reaches whom, with real guests: two in "red", one in "blue" with the same subnet, one in "green"."""

import socket

import scltest
from scltest import Lab, Libvirtd, net
from scltest.scene import Scene, SharedCase, ask, asked, asked_in_parallel, udp_exchange

RED, BLUE, GREEN = "192.168.10.1", "192.168.11.1", "192.168.44.1"
GATEWAY = "192.168.20.1"
OUTSIDE = "198.51.100.10"
LAN_ADDRESS = "10.77.0.2"
# On a bridge of the host, as containers have one.
SECRET = "10.99.0.1"
HOST_END = "169.254.77.1"


class Separation(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = cls.share(Lab.standard())
        cls.scl = cls.lab.scl
        for words in (("link", "add", "inside", "up", "type", "bridge"), ("address", "add", f"{SECRET}/24", "dev", "inside")):
            cls.scl.run(["ip", *words])
        for external in (RED, BLUE):
            cls.lab.client.route(external, "via", LAN_ADDRESS)
        cls.plug_side()
        libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.scl))
        cls.scene = cls.share(Scene(cls.dir, libvirtd, cls.scl))
        cls.build()

    @classmethod
    def plug_side(cls):
        """A second LAN, whose addresses "green" does not take for its own; its host routes as the first one does."""
        side = cls.lab.wire("side")
        cls.scl.plug(side, "eth1", "172.20.0.2/24")
        cls.scl.sysctl("net/ipv4/conf/eth1/forwarding", "1")
        cls.side = cls.lab.host("side client").plug(side, "eth0", "172.20.0.50/24")
        cls.side.route(GREEN, "via", "172.20.0.2")

    @classmethod
    def build(cls):
        scene = cls.scene
        scene.manifest["gatewayInterface"] = "eth0"
        scene.network("red", RED, GATEWAY, tcp=["2222:192.168.20.2:22", "2223:192.168.20.3:22"])
        scene.network("blue", BLUE, GATEWAY, udp=["8000:192.168.20.2:8000"])
        # The article's extended example.
        scene.network("green", GREEN, "10.0.0.1", netmask="255.0.0.0", tcp=["2222:10.0.0.2:22"], udp=["8000:10.0.0.2:8000"])
        scene.vm("one", "192.168.20.2/24", GATEWAY, "red")
        scene.vm("two", "192.168.20.3/24", GATEWAY, "red")
        scene.vm("three", "192.168.20.2/24", GATEWAY, "blue")
        scene.vm("four", "10.0.0.2/8", "10.0.0.1", "green")
        scene.apply()
        cls.one, cls.two, cls.three, cls.four = cls.guests = [scene.guest(name) for name in ("one", "two", "three", "four")]
        for guest in cls.guests:
            guest.serve(22)
        cls.gateway_mac = cls.one.mac_of(GATEWAY)

    def test_guests_of_one_network_reach_each_other(self):
        self.assertEqual(self.one.reached("192.168.20.3", GATEWAY, seconds=20), ["192.168.20.3", GATEWAY])
        self.assertEqual(asked(self.one.tcp("192.168.20.3", 22))[:2], ("two", "192.168.20.2"))

    def test_no_path_between_networks(self):
        self.assertEqual(self.one.reached("10.0.0.2", ("10.0.0.2", 22)), [])
        self.assertEqual(self.four.reached("192.168.20.2", ("192.168.20.2", 22), "192.168.20.3", ("192.168.20.3", 22)), [])

    def test_no_path_between_networks_with_equal_subnets(self):
        self.assertEqual(self.three.reached("192.168.20.3", ("192.168.20.3", 22)), [])
        # .2 is in both: each sees its own.
        self.assertEqual(asked(self.two.tcp("192.168.20.2", 22))[0], "one")
        self.assertEqual(asked(self.three.tcp("192.168.20.2", 22))[0], "three")

    def test_no_path_to_the_external_ip_of_another_network(self):
        for guest, addresses in ((self.one, (GREEN, BLUE)), (self.three, (RED, GREEN)), (self.four, (RED, BLUE))):
            with self.subTest(guest=guest.name):
                self.assertEqual(guest.reached(*addresses, *((address, 2222) for address in addresses)), [])

    def test_no_path_to_a_host_address(self):
        addresses = [LAN_ADDRESS, SECRET, HOST_END, "10.99.0.255", "10.77.0.255"]
        with net.Echo(self.scl, "0.0.0.0", 7) as tcp, net.Echo(self.scl, "0.0.0.0", 53, "udp") as udp:
            self.assertIn("from 10.77.0.50", net.tcp(self.lab.client, LAN_ADDRESS, 7))
            self.assertIn("from 10.77.0.50", net.udp(self.lab.client, LAN_ADDRESS, 53))
            for guest in self.guests:
                self.assertEqual(guest.reached(*addresses, *((address, 7) for address in addresses)), [])
            for address in addresses:
                mac = self.gateway_mac
                self.one.send(net.udp_packet(mac, self.one.mac, "192.168.20.2", address, 5353, 53, b"question"))
            # In order on the same path: what the guest sent before would have come before this.
            self.assertIn("from", self.answer_of_internet(self.one))
            self.assertEqual({peer for peer, _, _ in tcp.seen + udp.seen}, {"10.77.0.50"})

    def answer_of_internet(self, guest):
        with net.Echo(self.lab.internet, OUTSIDE, 7):
            return guest.tcp(OUTSIDE, 7)

    def test_after_a_flush_of_the_hosts_rules(self):
        """What is shut stays shut without any rule of nft in the host, and forwards go on; apply brings the rest back."""
        self.assertEqual(ask(self.scl, GREEN, 2222)[0], "four")
        with net.Echo(self.scl, "0.0.0.0", 7) as tcp, net.Echo(self.scl, "0.0.0.0", 53, "udp") as udp:
            self.scl.run(["nft", "flush", "ruleset"])
            self.addCleanup(self.scene.apply)
            self.assertIn("from 10.77.0.50", net.tcp(self.lab.client, LAN_ADDRESS, 7))
            for guest, others in ((self.one, (GREEN, BLUE)), (self.three, (RED, GREEN))):
                shut = [LAN_ADDRESS, SECRET, HOST_END, *others]
                for address in shut:
                    guest.send(net.udp_packet(guest.mac_of(GATEWAY), guest.mac, "192.168.20.2", address, 5353, 53, b"question"))
                targets = [*shut, *((address, port) for address in shut for port in (7, 2222))]
                self.assertEqual(guest.reached(*targets), [], guest.name)
            for host in (self.scl, self.lab.client):
                self.assertEqual(ask(host, RED, 2222)[0], "one")
            self.assertIn(f"nft table inet {self.scene.ctl.prefix} is missing", self.scene.ctl.run("status", check=2).stdout)
            self.scene.apply()
            # In order on the same path: what the guest sent before would have come before this.
            self.assertIn("from", self.answer_of_internet(self.one))
            self.assertEqual({peer for peer, _, _ in tcp.seen + udp.seen}, {"10.77.0.50"})
        self.scene.ctl.run("status", check=0)
        self.assertEqual(ask(self.lab.client, RED, 2222)[0], "one")

    def test_egress_is_translated_to_the_uplinks_address(self):
        for guest in self.guests:
            with self.subTest(guest=guest.name):
                self.assertRegex(self.answer_of_internet(guest), f"^from {LAN_ADDRESS} [0-9]+: hello")
        with net.Echo(self.lab.internet, OUTSIDE, 53, "udp") as server:
            self.one.check(f"nslookup -type=a x.test {OUTSIDE} > /dev/null 2>&1 & echo $! > /tmp/asking")
            server.wait_seen()
            self.one.run("kill $(cat /tmp/asking)")
            self.assertEqual({peer for peer, _, _ in server.seen}, {LAN_ADDRESS})
        self.assertTrue(self.one.ping(OUTSIDE))
        # The LAN of the uplink and the uplink's router.
        self.assertTrue(self.one.ping("10.77.0.1"))

    def test_tcp_forward_from_host_and_lan(self):
        self.assertEqual(ask(self.scl, RED, 2222), ("one", GATEWAY, "hello"))
        self.assertEqual(ask(self.scl, RED, 2223), ("two", GATEWAY, "hello"))
        self.assertEqual(ask(self.scl, GREEN, 2222), ("four", "10.0.0.1", "hello"))
        self.assertEqual(ask(self.lab.client, RED, 2222), ("one", "10.77.0.50", "hello"))
        self.assertEqual(ask(self.side, GREEN, 2222), ("four", "172.20.0.50", "hello"))

    def test_only_what_is_forwarded_comes_in(self):
        probes = [(host, *target) for host in (self.scl, self.lab.client, self.side)
                  for target in ((RED, 22), (RED, 2224), (BLUE, 2222), (BLUE, 8000), (GREEN, 8000), (GREEN, 22))]
        self.assertEqual([answer for answer in asked_in_parallel(probes) if isinstance(answer, tuple)], [])
        # Nor by a route to the inside.
        for host, via in ((self.scl, RED), (self.lab.client, LAN_ADDRESS)):
            host.route("192.168.20.0/24", "via", via, *(["onlink"] if host is self.scl else []), "dev",
                       self.device(host, via))
            self.addCleanup(host.run, ["ip", "route", "del", "192.168.20.0/24"])
            self.assertNotIsInstance(ask(host, "192.168.20.2", 22, seconds=1), tuple)

    @staticmethod
    def device(host, address):
        words = host.output(["ip", "route", "get", address]).split()
        return words[words.index("dev") + 1]

    def test_udp_forward_from_host_and_lan(self):
        cases = ((self.lab.client, "10.77.0.50", BLUE, self.three, "192.168.20.2", GATEWAY),
                 (self.side, "172.20.0.50", GREEN, self.four, "10.0.0.2", "10.0.0.1"))
        for client, address, external, guest, inner, gateway in cases:
            with self.subTest(guest=guest.name):
                mac = guest.mac_of(gateway)
                self.assertEqual(udp_exchange(client, external, guest, inner, mac), address)
                self.assertEqual(udp_exchange(self.scl, external, guest, inner, mac), gateway)

    def test_udp_only_and_tcp_only_networks(self):
        """red forwards only TCP, blue only UDP; neither's port number opens the other protocol."""
        self.assertEqual(net.udp(self.scl, RED, 2222, seconds=1), "timeout")
        self.assertNotIsInstance(ask(self.scl, BLUE, 8000, seconds=1), tuple)
        self.assertEqual(ask(self.scl, RED, 2222)[0], "one")

    def test_hairpin_by_the_own_external_ip(self):
        self.assertEqual(asked(self.one.tcp(RED, 2223))[0], "two")
        self.assertEqual(asked(self.two.tcp(RED, 2222))[0], "one")
        self.assertEqual(asked(self.one.tcp(RED, 2222))[0], "one")

    def test_guest_with_its_own_link_local_route(self):
        self.one.check("ip route add 169.254.0.0/16 dev eth0")
        self.addCleanup(self.one.check, "ip route del 169.254.0.0/16 dev eth0")
        self.assertEqual(ask(self.scl, RED, 2222)[0], "one")

    def test_guest_without_a_gateway_answers_the_host(self):
        self.one.check("ip route del default")
        self.addCleanup(self.one.check, f"ip route add default via {GATEWAY}")
        self.assertEqual(ask(self.scl, RED, 2222)[0], "one")

    def neighbour_sees(self, frames):
        """Which of these frames of "one" come to "two": the senders of those that did."""
        self.two.sniff()
        for frame in frames:
            self.one.send(frame)
        marker = b"the last frame"
        self.one.send(net.udp_packet("ff:ff:ff:ff:ff:ff", self.one.mac, "192.168.20.2", "192.168.20.255", 9, 9, marker))
        return self.two.sniffed(marker)

    def test_multicast_between_guests(self):
        mdns = net.udp_packet("01:00:5e:00:00:fb", self.one.mac, "192.168.20.2", "224.0.0.251", 5353, 5353, b"who is two.local")

        def came():
            self.two.check("ip link set eth0 promisc on")
            return [frame for frame in self.neighbour_sees([mdns]) if b"who is two.local" in frame]

        self.assertEqual(len(came()), 1)
        with self.subTest("after a start without sclctl"):
            for verb in ("destroy", "start"):
                self.scene.libvirtd.virsh(verb, self.scene.domain("two"))
            type(self).two = self.guests[1] = self.scene.guest("two")
            self.two.serve(22)
            self.assertEqual(len(came()), 1)

    def test_spoofed_mac_is_dropped(self):
        false = "02:00:00:00:66:01"
        to_all = "ff:ff:ff:ff:ff:ff"
        seen = self.neighbour_sees([
            net.udp_packet(to_all, false, "192.168.20.2", "192.168.20.255", 9, 9, b"spoofed"),
            net.udp_packet(self.two.mac, self.two.mac, "192.168.20.2", "192.168.20.3", 9, 9, b"spoofed"),
            net.arp_request(false, "192.168.20.2", "192.168.20.3"),
            net.arp_request(self.one.mac, "192.168.20.2", "192.168.20.3", source_mac=false)])
        self.assertNotIn(false, [frame.source for frame in seen])
        self.assertFalse([frame for frame in seen if b"spoofed" in frame])

    def test_spoofed_arp_is_dropped(self):
        senders = [GATEWAY, "192.168.20.0", "192.168.20.255", "10.77.0.1", "192.168.10.1"]
        false_mac = net.ethernet("ff:ff:ff:ff:ff:ff", self.one.mac, 0x0806,
                                 net.arp_request("02:00:00:00:66:02", "192.168.20.2", "192.168.20.3")[14:])
        seen = self.neighbour_sees([*(net.arp_request(self.one.mac, sender, "192.168.20.3") for sender in senders), false_mac])
        arps = [frame for frame in seen if frame.type == 0x0806]
        self.assertEqual([frame.ip_source for frame in arps if frame.source == self.one.mac
                          and frame.ip_source in senders], [])
        self.assertFalse([frame for frame in arps if net.mac_bytes("02:00:00:00:66:02") in frame[14:]])

    def test_spoofed_ip_source_and_gateway_are_dropped(self):
        sources = [GATEWAY, "192.168.20.0", "192.168.20.255", "203.0.113.7", "10.77.0.50", "0.0.0.0", "127.0.0.1"]
        seen = self.neighbour_sees([net.udp_packet(self.two.mac, self.one.mac, source, "192.168.20.3", 9, 9, b"spoofed")
                                    for source in sources])
        self.assertFalse([frame for frame in seen if b"spoofed" in frame])

    def test_spoofed_source_does_not_leave_by_the_uplink(self):
        with net.Sniffer(self.scl, "eth0", outgoing=True) as uplink:
            for source in ("203.0.113.7", GATEWAY, "10.77.0.50", "10.0.0.2"):
                self.one.send(net.udp_packet(self.gateway_mac, self.one.mac, source, OUTSIDE, 9, 9, b"spoofed"))
            self.one.send(net.udp_packet(self.gateway_mac, self.one.mac, "192.168.20.2", OUTSIDE, 9, 9, b"honest"))
            uplink.wait_for(lambda frame: b"honest" in frame, what="honest packet")
            self.assertFalse([frame for frame in uplink.frames if b"spoofed" in frame])

    def test_ipv6_is_dropped(self):
        packet = bytes.fromhex("6000000000080001fe80000000000000000000000000000bff020000000000000000000000000001") + b"spoofed6"
        seen = self.neighbour_sees([net.ethernet("33:33:00:00:00:01", self.one.mac, 0x86DD, packet)])
        self.assertFalse([frame for frame in seen if b"spoofed6" in frame])

    def test_arp_for_host_addresses_gets_no_answer(self):
        wanted = [LAN_ADDRESS, SECRET, HOST_END, "127.0.0.1", BLUE, GREEN, "10.0.0.1"]
        self.one.sniff()
        for address in wanted:
            self.one.send(net.arp_request(self.one.mac, "192.168.20.2", address))
        # The gateway answers, after all the others had their chance.
        self.one.check(f"arping -f -w {int(scltest.bound(10))} -I eth0 {GATEWAY}")
        marker = net.mac_bytes(self.one.mac) + net.mac_bytes(self.gateway_mac) + b"\x08\x06"
        seen = [frame for frame in self.one.sniffed(marker) if frame.type == 0x0806]
        self.assertFalse([frame.ip_source for frame in seen if frame.ip_source in wanted])
        self.assertIn(GATEWAY, [frame.ip_source for frame in seen])

    def test_dhcp_discover_reaches_no_socket_of_the_host(self):
        with self.scl.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            server.bind(("0.0.0.0", 67))
            self.one.send(net.dhcp_discover(self.one.mac), 3)
            self.assertIn("from", self.answer_of_internet(self.one))
            # Control: the socket hears what is meant for it.
            with self.lab.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"control", (LAN_ADDRESS, 67))
            server.settimeout(scltest.bound(5))
            self.assertEqual(server.recv(2000), b"control")
        self.assertEqual(self.one.run("udhcpc -i eth0 -n -q -t 2 -T 1 -s /bin/true")[0], 1)


if __name__ == "__main__":
    scltest.main()
