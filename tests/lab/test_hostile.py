#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hostile tenant: hundreds of kinds of frames from the tap of "one", and where each of them comes out.

"one" and "two" are in "red", "three" is in "blue" with the same subnet. The whole table is sent again and again while
applies change networks beside, and once before. Every frame carries a number of its own.
"""

import json
import socket
import struct
import threading

import scltest
from scltest import Lab, Libvirtd, net
from scltest.scene import Scene, SharedCase
from scltest.tapguest import TapGuest

APPLIES = 30
ONE, TWO, GATEWAY = "10.1.0.2", "10.1.0.3", "10.1.0.1"
RED, BLUE, GREEN = "192.168.151.1", "192.168.152.1", "192.168.153.1"
OUTSIDE, CLIENT, ROUTER, HOST = "198.51.100.10", "10.77.0.50", "10.77.0.1", "10.77.0.2"
HOST_END = "169.254.77.1"
TO_ALL = "ff:ff:ff:ff:ff:ff"
STRANGER = "02:11:22:33:44:55"
ICMP, IGMP, IPIP, TCP, UDP, GRE, ESP, OSPF, VRRP, SCTP = 1, 2, 4, 6, 17, 47, 50, 89, 112, 132

# Where a frame comes out.
NOWHERE = frozenset()
NEIGHBOUR = frozenset(["neighbour"])
UPLINK = frozenset(["uplink"])
# The gateway's own answer, which carries the question's text.
ANSWER = frozenset(["answer"])


def mark(number):
    return b"MARK%08d" % number


def ip(source, target, protocol, payload, ttl=64, options=b"", flags=0, offset=0, ident=0):
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, 4 * words + len(payload), ident, flags << 13 | offset, ttl, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(target)) + options
    return head[:10] + struct.pack("!H", net.checksum(head)) + head[12:] + payload


def with_checksum(source, target, protocol, text, at):
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, protocol, len(text))
    return text[:at] + struct.pack("!H", net.checksum(pseudo + text)) + text[at + 2:]


def udp(source, target, data, sport=4000, dport=9999):
    return with_checksum(source, target, UDP, struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data, 6)


def tcp(source, target, data, sport=4001, dport=22, flags=2):
    head = struct.pack("!HHIIBBHHH", sport, dport, 1000, 0, 0x50, flags, 1024, 0, 0)
    return with_checksum(source, target, TCP, head + data, 16)


def icmp(kind, data, code=0, rest=b"\0\1\0\1"):
    text = struct.pack("!BBH", kind, code, 0) + rest + data
    return text[:2] + struct.pack("!H", net.checksum(text)) + text[4:]


class Table:
    """The kinds of frames: (name, where it comes out, function that makes it from its mark)."""

    def __init__(self, own, neighbour, gateway, blue):
        self.own, self.neighbour, self.gateway, self.blue = own, neighbour, gateway, blue
        self.rows = []
        for fill in (self.legal, self.senders, self.arp, self.other_types, self.to_bridge_groups, self.options, self.icmp,
                     self.groups, self.protocols, self.host_addresses, self.tcp_flags, self.fragments):
            fill()

    def row(self, name, where, make):
        self.rows.append((name, where, make))

    def eth(self, payload, to=None, source=None, kind=0x0800):
        return net.ethernet(to or self.gateway, source or self.own, kind, payload)

    def udp(self, name, where, target=OUTSIDE, source=ONE, to=None, mac=None, sport=4000, dport=9999, **header):
        self.row(name, where, lambda data: self.eth(
            ip(source, target, UDP, udp(source, target, data, sport, dport), **header), to, mac))

    def legal(self):
        self.udp("UDP to the internet", UPLINK)
        for name, target in (("client", CLIENT), ("router", ROUTER)):
            self.udp(f"UDP to the LAN's {name}", UPLINK, target)
        self.udp("UDP to the neighbour", NEIGHBOUR, TWO, to=self.neighbour)
        self.row("ping of the gateway", ANSWER, lambda data: self.eth(ip(ONE, GATEWAY, ICMP, icmp(8, data))))
        self.row("ping of the internet", UPLINK, lambda data: self.eth(ip(ONE, OUTSIDE, ICMP, icmp(8, data))))
        self.row("TCP to the internet", UPLINK, lambda data: self.eth(ip(ONE, OUTSIDE, TCP, tcp(ONE, OUTSIDE, data))))

    def senders(self):
        for name, mac in (("a stranger's", STRANGER), ("the neighbour's", self.neighbour), ("the gateway's", self.gateway),
                          ("a multicast", "01:00:5e:00:00:05"), ("no", "00:00:00:00:00:00"), ("another tenant's", self.blue)):
            for target, to in ((OUTSIDE, self.gateway), (TWO, self.neighbour), ("10.1.0.255", TO_ALL)):
                self.udp(f"{name} MAC to {target}", NOWHERE, target, to=to, mac=mac)
        for source in (GATEWAY, "10.1.0.0", "10.1.0.255", "192.168.200.2", "8.8.8.8", "127.0.0.1", HOST_END, RED, BLUE, HOST,
                       CLIENT, "0.0.0.0", "255.255.255.255", "224.0.0.1", "10.1.1.2"):
            for target, to in ((OUTSIDE, self.gateway), (TWO, self.neighbour), ("10.1.0.255", TO_ALL)):
                self.udp(f"from {source} to {target}", NOWHERE, target, source, to)
        self.udp("DHCP request", NEIGHBOUR, "255.255.255.255", "0.0.0.0", TO_ALL, sport=68, dport=67)
        self.udp("from 0.0.0.0 to another port", NOWHERE, "255.255.255.255", "0.0.0.0", TO_ALL, sport=68, dport=69)
        self.udp("DHCP request to the gateway only", NOWHERE, GATEWAY, "0.0.0.0", sport=68, dport=67)
        for sport in (67, 68, 1067):
            self.udp(f"DHCP offer from port {sport}", NOWHERE, "255.255.255.255", to=TO_ALL, sport=sport, dport=68)
            self.udp(f"DHCP offer to the neighbour from port {sport}", NOWHERE, TWO, to=self.neighbour, sport=sport, dport=68)
        self.udp("from port 68 to another", NEIGHBOUR, TWO, to=self.neighbour, sport=68, dport=69)
        self.udp("DHCP offer as the gateway", NOWHERE, "255.255.255.255", GATEWAY, TO_ALL, sport=67, dport=68)

    def one_arp(self, name, where, operation, sender_mac, sender, target, to=TO_ALL, mac=None, head=(1, 0x0800, 6, 4), kind=0x0806):
        body = struct.pack("!HHBBH", *head, operation) + net.mac_bytes(sender_mac) + socket.inet_aton(sender) + bytes(6)
        body += socket.inet_aton(target)
        self.row(f"ARP {name}", where, lambda data: net.ethernet(to, mac or self.own, kind, body + data))

    def arp(self):
        own, other = self.own, self.neighbour
        self.one_arp("request for the neighbour", NEIGHBOUR, 1, own, ONE, TWO)
        self.one_arp("probe", NEIGHBOUR, 1, own, "0.0.0.0", "10.1.0.77")
        self.one_arp("announcement", NEIGHBOUR, 1, own, ONE, ONE)
        for sender in (GATEWAY, "10.1.0.0", "10.1.0.255", HOST, RED, "8.8.8.8", HOST_END):
            for operation in (1, 2):
                self.one_arp(f"operation {operation} as {sender}", NOWHERE, operation, own, sender, TWO)
            self.one_arp(f"to the neighbour as {sender}", NOWHERE, 2, own, sender, TWO, to=other)
        for name, mac, outer in (("another sender", other, own), ("another frame's sender", own, other), ("another's MACs", other, other),
                                 ("a stranger's MACs", STRANGER, STRANGER)):
            for operation in (1, 2):
                self.one_arp(f"operation {operation}, {name}", NOWHERE, operation, mac, ONE, TWO, mac=outer)
        self.one_arp("probe with another's MAC", NOWHERE, 1, other, "0.0.0.0", "10.1.0.78")
        self.one_arp("reply of nobody", NOWHERE, 2, own, "0.0.0.0", "10.1.0.79")
        self.one_arp("of a longer hardware address", NOWHERE, 1, own, ONE, TWO, head=(1, 0x0800, 8, 4))
        self.one_arp("of other hardware", NOWHERE, 1, own, ONE, TWO, head=(6, 0x0800, 6, 4))
        self.one_arp("of another protocol", NOWHERE, 1, own, ONE, TWO, head=(1, 0x86DD, 6, 4))
        self.one_arp("the reverse way", NOWHERE, 3, own, "0.0.0.0", "0.0.0.0", kind=0x8035)

    def other_types(self):
        packet = struct.pack("!IHBB", 0x60000000, 20, UDP, 255) + socket.inet_pton(socket.AF_INET6, "fe80::5")
        for target, to in (("ff02::1", "33:33:00:00:00:01"), ("ff02::fb", "33:33:00:00:00:fb"), ("fe80::1", self.gateway),
                           ("fe80::2", self.neighbour), ("ff02::2", TO_ALL)):
            self.row(f"IPv6 to {target}", NOWHERE, lambda data, target=target, to=to: self.eth(
                packet + socket.inet_pton(socket.AF_INET6, target) + bytes(8) + data, to, kind=0x86DD))
        for kind in (0x8100, 0x88A8, 0x9100, 0x8847, 0x8863, 0x8864, 0x88A2, 0x888E, 0x88CC, 0x8808, 0x22F0, 0x0805, 60):
            for to in (self.gateway, self.neighbour, TO_ALL):
                self.row(f"type {kind:#06x} to {to}", NOWHERE, lambda data, kind=kind, to=to: self.eth(
                    b"\0\5\x08\0" + ip(ONE, TWO, UDP, udp(ONE, TWO, data)), to, kind=kind))

    def to_bridge_groups(self):
        """What the bridge keeps for itself, or hands on as any group; see also test_bridge_learns_nothing."""
        for last in range(16):
            to = f"01:80:c2:00:00:{last:02x}"
            for name, source in (("own", self.own), ("the neighbour's", self.neighbour), ("a stranger's", f"02:00:00:00:77:{last:02x}")):
                self.row(f"LLDP to {to} with {name} MAC", NOWHERE, lambda data, to=to, source=source: self.eth(data * 4, to, source, 0x88CC))
            if last in (1, 2, 3, 13, 14):
                for target in (GATEWAY, OUTSIDE, HOST, RED):
                    self.udp(f"UDP to {target} in a frame to {to}", NOWHERE, target, to=to)

    def options(self):
        for name, kind in (("loose", 0x83), ("strict", 0x89)):
            for via in (HOST, BLUE, OUTSIDE, TWO):
                self.udp(f"{name} source route by {via}", NOWHERE, GATEWAY, options=bytes([kind, 7, 4]) + socket.inet_aton(via) + b"\0")
        self.udp("source route to the internet by the host", NOWHERE, OUTSIDE, options=b"\x83\7\4" + socket.inet_aton(HOST) + b"\0")
        self.udp("time to live of 1", NOWHERE, ttl=1)
        self.udp("time to live of 2", NOWHERE, ttl=2)

    def icmp(self):
        for kind in (9, 10, 13, 15, 17):
            self.row(f"ICMP {kind} to the gateway", NOWHERE,
                     lambda data, kind=kind: self.eth(ip(ONE, GATEWAY, ICMP, icmp(kind, data + bytes(8)))))
        for target in (GATEWAY, HOST, BLUE, OUTSIDE, CLIENT):
            quoted = ip(target, ONE, TCP, tcp(target, ONE, b"", 22, 40000))[:28]
            for kind, code in ((3, 4), (5, 1), (11, 0)):
                self.row(f"ICMP {kind} to {target} about a connection that is not", NOWHERE, lambda data, t=target, k=kind, c=code, q=quoted:
                         self.eth(ip(ONE, t, ICMP, icmp(k, q + data, c, b"\0\0\2\x58"))))
        for target in (HOST, HOST_END, BLUE, GREEN, "127.0.0.1"):
            self.row(f"ping of {target}", NOWHERE, lambda data, t=target: self.eth(ip(ONE, t, ICMP, icmp(8, data))))

    def groups(self):
        for target, to in (("10.1.0.255", TO_ALL), ("255.255.255.255", TO_ALL), ("224.0.0.1", "01:00:5e:00:00:01"),
                           ("224.0.0.251", "01:00:5e:00:00:fb"), ("239.255.255.250", "01:00:5e:7f:ff:fa")):
            self.udp(f"UDP to {target}", NEIGHBOUR, target, to=to)
            self.row(f"ping of {target}", NEIGHBOUR, lambda data, t=target, to=to: self.eth(ip(ONE, t, ICMP, icmp(8, data)), to))
            self.udp(f"UDP to {target} in a frame to the gateway", NOWHERE, target)
        self.row("IGMP report", NEIGHBOUR, lambda data: self.eth(ip(ONE, "224.0.0.22", IGMP, b"\x22" + bytes(7) + data, 1, b"\x94\4\0\0"),
                                                                 "01:00:5e:00:00:16"))
        for target in ("10.1.0.0", "10.77.0.255", "10.77.0.0", "192.168.152.255"):
            self.udp(f"UDP to {target} by the gateway", NOWHERE if target != "192.168.152.255" else UPLINK, target)

    def protocols(self):
        for protocol in (IGMP, IPIP, GRE, ESP, OSPF, VRRP, SCTP, 41, 255):
            for target in (HOST, HOST_END, GATEWAY, RED, BLUE, GREEN):
                self.row(f"protocol {protocol} to {target}", NOWHERE, lambda data, t=target, p=protocol: self.eth(
                    ip(ONE, t, p, ip(ONE, t, UDP, udp(ONE, t, data)) if p == IPIP else b"\0\0\x08\0\0\0\0\1" + data + bytes(16))))

    def host_addresses(self):
        for target in ("127.0.0.1", "127.1.2.3", HOST_END, HOST, RED, BLUE, GREEN, "0.0.0.0", GATEWAY, "192.168.200.2", "10.99.0.1"):
            # No network of the host's: the router's to refuse.
            where = UPLINK if target in ("192.168.200.2", "10.99.0.1") else NOWHERE
            self.udp(f"UDP to {target}", where, target)
            self.row(f"TCP to {target}", where, lambda data, t=target: self.eth(ip(ONE, t, TCP, tcp(ONE, t, data))))
        for target in (BLUE, GREEN):
            self.udp(f"UDP to a forward of {target}", NOWHERE, target, dport=5353)
            self.row(f"TCP to a forward of {target}", NOWHERE, lambda data, t=target: self.eth(ip(ONE, t, TCP, tcp(ONE, t, data, dport=2222))))
        for mac in (self.blue, STRANGER):
            self.udp(f"to the host in a frame to {mac}", NEIGHBOUR, HOST, to=mac)

    def tcp_flags(self):
        for flags in (0x10, 0x12, 0x04, 0x01, 0x29, 0x00):
            for target in (HOST, RED, BLUE):
                self.row(f"TCP flags {flags:#04x} to {target}", NOWHERE,
                         lambda data, t=target, f=flags: self.eth(ip(ONE, t, TCP, tcp(ONE, t, data, 4002, 22, f))))

    def fragments(self):
        self.row("second fragment alone, to the internet", NOWHERE, lambda data: self.eth(
            ip(ONE, OUTSIDE, UDP, data + bytes(12), offset=10, ident=779)))
        self.row("second fragment alone, to the host", NOWHERE, lambda data: self.eth(
            ip(ONE, HOST, UDP, data + bytes(12), offset=10, ident=780)))


class Hostile(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = cls.share(Lab.standard())
        cls.scl = cls.lab.scl
        scene = cls.scene = cls.share(Scene(cls.dir, cls.share(Libvirtd(cls.dir / "lv", cls.scl)), cls.scl))
        scene.manifest["gatewayInterface"] = "eth0"
        scene.network("red", RED, GATEWAY, tcp=[f"2222:{ONE}:22", f"2223:{TWO}:22"], udp=[f"5353:{ONE}:53"])
        scene.network("blue", BLUE, GATEWAY, tcp=[f"2222:{ONE}:22"], udp=[f"5353:{ONE}:53"])
        scene.network("green", GREEN, "192.168.200.1", tcp=["2222:192.168.200.2:22"], udp=["5353:192.168.200.2:53"])
        for vm, network in (("one", "red"), ("two", "red"), ("three", "blue")):
            scene.vm(vm, network=network, autoStart=False)
        scene.apply()
        cls.one, cls.two, cls.three = (
            cls.share(TapGuest(cls.scl, scene.ctl.prefix, vm, address, cls.dir))
            for vm, address in (("one", ONE), ("two", TWO), ("three", ONE)))
        cls.listen()
        cls.table = Table(cls.one.mac, cls.two.mac, cls.gateway_mac(), cls.three.mac)
        cls.number = 0

    @classmethod
    def gateway_mac(cls):
        for guest, address in ((cls.one, ONE), (cls.two, TWO)):
            guest.send(net.arp_request(guest.mac, address, GATEWAY))
        return cls.one.wait_for(lambda frame: frame.type == 0x0806 and frame.ip_source == GATEWAY, what="answer of the gateway").source

    @classmethod
    def listen(cls):
        """What comes to the host's own stack is read where the rules are behind it: from raw sockets."""
        cls.uplink = cls.share(net.Sniffer(cls.scl, "eth0", outgoing=True))
        cls.stack_sockets = []
        for protocol in (ICMP, IGMP, IPIP, TCP, UDP, GRE, ESP, SCTP, 41, OSPF, VRRP):
            raw = cls.share(cls.scl.socket(socket.AF_INET, socket.SOCK_RAW, protocol))
            raw.setblocking(False)
            cls.stack_sockets.append(raw)

    def heard_by_host(self):
        heard = []
        for raw in self.stack_sockets:
            try:
                while True:
                    heard.append(raw.recv(65536))
            except BlockingIOError:
                pass
        return heard

    def send_all(self):
        """Each row once, then what shows that all of it is through. The rows by their marks."""
        sent = {}
        for name, where, make in self.table.rows:
            type(self).number += 1
            sent[mark(self.number)] = (name, where)
            self.one.send(make(mark(self.number)))
        type(self).number += 2
        last, last_for_all = mark(self.number - 1), mark(self.number)
        for _, _, make in self.table.rows[:5]:
            self.one.send(make(last))
        # The kernel hands what is for all to a macvtap later than what is for one.
        self.one.send(net.arp_request(self.one.mac, ONE, TWO) + last_for_all)
        self.two.wait_for(lambda frame: last in frame, what="last frame")
        self.two.wait_for(lambda frame: last_for_all in frame, what="last broadcast")
        self.one.wait_for(lambda frame: last in frame, what="last answer of the gateway")
        self.uplink.wait_for(lambda frame: last in frame, seconds=30, what="last packet")
        return sent

    def seen(self):
        """Mark → where."""
        found = {}
        for where, frames in (("neighbour", self.two.take()), ("answer", self.one.take()), ("another network", self.three.take()),
                              ("uplink", self.uplink.drain()), ("the host", self.heard_by_host())):
            for frame in frames:
                at = bytes(frame).find(b"MARK")
                if at >= 0 and not (where == "answer" and self.is_no_answer(frame)):
                    found.setdefault(bytes(frame)[at:at + 12], set()).add(where)
        self.uplink.frames.clear()
        return found

    @staticmethod
    def is_no_answer(frame):
        """From where it may talk to, or an error that quotes the packet."""
        return frame.ip_source in (OUTSIDE, CLIENT, ROUTER) or (
            frame.type == 0x0800 and frame[23] == ICMP and frame[34] in (3, 11))

    def wrong_in_one_round(self):
        sent, wrong = self.send_all(), []
        found = self.seen()
        for number, (name, where) in sent.items():
            if found.get(number, set()) != where:
                wrong.append(f"{name}: {sorted(found.get(number, []))}, not {sorted(where)}")
        return wrong

    def bridge_table(self):
        return self.scl.output(["ip", "netns", "exec", self.scene.namespace("red"), "bridge", "-json", "fdb", "show", "br", "lan"])

    def test_every_frame(self):
        self.assertGreaterEqual(len(self.table.rows), 256)
        self.assertEqual(self.wrong_in_one_round(), [])

    def test_bridge_learns_nothing(self):
        self.assertEqual(self.wrong_in_one_round(), [])
        self.two.send(net.arp_request(self.two.mac, TWO, GATEWAY))
        self.assertEqual(self.wrong_in_one_round(), [])
        learned = {(entry["mac"], entry["ifname"]) for entry in json.loads(self.bridge_table()) if "permanent" not in entry.get("state", "")}
        port = self.scene.ctl.prefix + "n-{}-0"
        self.assertLessEqual(learned, {(guest.mac, port.format(guest.name)) for guest in (self.one, self.two)})

    def test_only_the_gateway_answers_arp(self):
        wanted = (RED, HOST_END, HOST, BLUE, GREEN, ROUTER, "127.0.0.1", "10.1.0.0", "10.1.0.255", "0.0.0.0", GATEWAY)
        self.one.take()
        for target in wanted:
            self.one.send(net.arp_request(self.one.mac, ONE, target))
        self.assertEqual(self.wrong_of_answers(), {GATEWAY})

    def wrong_of_answers(self):
        self.one.wait_for(lambda frame: frame.type == 0x0806 and frame[21] == 2 and frame.ip_source == GATEWAY, what="answer")
        return {frame.ip_source for frame in self.one.take() if frame.type == 0x0806 and frame[21] == 2}

    def test_every_frame_while_networks_change(self):
        errors = []
        done = threading.Event()
        changing = threading.Thread(target=self.change_networks, args=(errors, done))
        changing.start()
        self.addCleanup(changing.join)
        rounds = 0
        while not done.is_set():
            wrong = self.wrong_in_one_round()
            self.assertEqual(wrong, [], f"in round {rounds}")
            rounds += 1
        self.assertEqual(errors, [])
        self.assertGreater(rounds, 1)

    def change_networks(self, errors, done):
        """Beside "red" and in it: forwards, a network that comes and goes, another external address."""
        try:
            for number in range(APPLIES):
                manifest = self.scene.copy()
                networks = manifest["networks"]
                if number % 2 == 0:
                    networks["red"]["allowedTCPPorts"].append(f"{3000 + number}:{TWO}:80")
                if number % 3 == 0:
                    networks["more"] = {"externalIP": "192.168.154.1", "gatewayIP": GATEWAY, "internalNetmask": "255.255.255.0"}
                if number % 5 == 0:
                    networks["blue"]["gatewayIP"] = "10.1.0.9"
                self.scene.apply(manifest, "--prune")
            self.scene.apply(None, "--prune")
        except Exception as error:  # pylint: disable=broad-except
            errors.append(str(error))
        finally:
            done.set()


if __name__ == "__main__":
    scltest.main()
