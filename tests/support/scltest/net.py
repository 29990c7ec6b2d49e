# SPDX-License-Identifier: LGPL-2.1-or-later
"""Echo servers, probes and sniffers on any host.

A host is anything with socket(family, type, protocol): a lab host, or HERE for this machine's own
namespace. A socket stays in the namespace in which it was made, so all of this runs in the test's own
process: no helper to start, nothing left behind.
"""

import select
import socket
import struct
import threading
import time

from .bounds import bound

ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4


class Here:
    """This machine's own network namespace (that of the test)."""

    name = "this machine"

    @staticmethod
    def socket(family, kind, protocol=0):
        return socket.socket(family, kind, protocol)


HERE = Here()


class Echo:
    """A server that answers "from ADDRESS PORT: DATA", so that the other side learns how it was seen."""

    def __init__(self, host, address, port, protocol="tcp"):
        self.protocol = protocol
        self.seen = []
        self.news = threading.Condition()
        self.listener = host.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        if protocol == "tcp":
            self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.wakeup, self.end = socket.socketpair()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.end.close()
        self.thread.join(bound(10))
        self.listener.close()
        self.wakeup.close()

    def reply(self, peer, data):
        with self.news:
            self.seen.append((peer[0], peer[1], data))
            self.news.notify_all()
        return f"from {peer[0]} {peer[1]}: ".encode() + data

    def wait_seen(self):
        """Until somebody has asked, whether or not the answer is of use there."""
        with self.news:
            if not self.news.wait_for(lambda: self.seen, bound(10)):
                raise AssertionError(f"nobody asked port {self.port} within {bound(10):.0f} s")

    def serve(self):
        clients = {}
        while True:
            ready = select.select([self.listener, self.wakeup, *clients], [], [])[0]
            if self.wakeup in ready:
                break
            for one in ready:
                if one is self.listener and self.protocol == "tcp":
                    client, peer = one.accept()
                    clients[client] = peer
                elif one is self.listener:
                    data, peer = one.recvfrom(65536)
                    one.sendto(self.reply(peer, data), peer)
                else:
                    self.answer(one, clients)
        for client in clients:
            client.close()

    def answer(self, client, clients):
        try:
            data = client.recv(65536)
            if data:
                client.sendall(self.reply(clients[client], data))
                return
        except OSError:
            pass
        del clients[client]
        client.close()


def tcp(host, address, port, data=b"hello", seconds=None, source=None):
    """Connect, send, read one answer. Returns the answer, or "refused", "timeout", "unreachable", "reset".

    seconds: where no answer is to come; else it has a generous time.
    """
    with host.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(seconds or bound(12))
        try:
            if source:
                client.bind((source, 0))
            client.connect((address, port))
            client.sendall(data)
            return client.recv(65536).decode(errors="replace")
        except OSError as error:
            return outcome(error)


def udp(host, address, port, data=b"hello", seconds=None, source=None, tries=4):
    """Send datagrams until one answer comes (within `seconds` in all); results and seconds as for tcp()."""
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        try:
            if source:
                client.bind((source, 0))
            client.connect((address, port))
            for _ in range(tries):
                client.send(data)
                if select.select([client], [], [], (seconds or bound(12)) / tries)[0]:
                    return client.recv(65536).decode(errors="replace")
        except OSError as error:
            return outcome(error)
    return "timeout"


def outcome(error):
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionResetError):
        return "reset"
    return "unreachable"


def wait_tcp(host, address, port, seconds=30):
    """Wait until a server is there that answers; retries a refused connection, bounded."""
    limit = time.monotonic() + bound(seconds)
    while (result := tcp(host, address, port, seconds=2)) in ("refused", "timeout", "unreachable", "reset"):
        if time.monotonic() > limit:
            raise AssertionError(f"{address}:{port} from {host.name}: still {result} after {bound(seconds):.0f} s")
        time.sleep(0.1)
    return result


class Frame(bytes):
    """An Ethernet frame with its fields by name."""

    @property
    def destination(self):
        return self[0:6].hex(":")

    @property
    def source(self):
        return self[6:12].hex(":")

    @property
    def type(self):
        return int.from_bytes(self[12:14], "big")

    @property
    def ip_source(self):
        """IPv4 source, or the sender of an ARP message; else None."""
        offset = {0x0800: 26, 0x0806: 28}.get(self.type)
        return socket.inet_ntoa(self[offset:offset + 4]) if offset and len(self) >= offset + 4 else None

    @property
    def ip_destination(self):
        offset = {0x0800: 30, 0x0806: 38}.get(self.type)
        return socket.inet_ntoa(self[offset:offset + 4]) if offset and len(self) >= offset + 4 else None

    @property
    def ports(self):
        """(source, destination) of TCP or UDP in IPv4, else None."""
        if self.type != 0x0800 or self[23] not in (6, 17):
            return None
        start = 14 + (self[14] & 15) * 4
        return struct.unpack("!HH", self[start:start + 4])


class Sniffer:
    """All frames that come in on a link (or on all links) of a host, and with outgoing=True those that leave.

    To prove that nothing came through, send something allowed afterwards, wait_for() that, and look at
    frames: silence alone proves nothing.
    """

    def __init__(self, host, link=None, outgoing=False):
        self.frames = []
        self.outgoing = outgoing
        self.name = f"{host.name}:{link or '*'}"
        # Without a protocol it hears nothing until it is bound: bind() of a socket that hears already makes it deaf for a while.
        self.socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((link or "", ETH_P_ALL))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read(self, seconds):
        """Take in what is there, waiting at most `seconds` for the first frame. False: nothing came."""
        if not select.select([self.socket], [], [], max(0, seconds))[0]:
            return False
        data, address = self.socket.recvfrom(65536)
        if self.outgoing or address[2] != PACKET_OUTGOING:
            self.frames.append(Frame(data))
        return True

    def drain(self):
        while self.read(0):
            pass
        return self.frames

    def wait_for(self, wanted, seconds=10, what="frame"):
        """The first frame, new or old, for which wanted(frame) is true."""
        limit = time.monotonic() + bound(seconds)
        looked = 0
        while True:
            for frame in self.frames[looked:]:
                if wanted(frame):
                    return frame
            looked = len(self.frames)
            if not self.read(limit - time.monotonic()) and time.monotonic() >= limit:
                raise AssertionError(f"no {what} on {self.name} within {bound(seconds):.0f} s ({looked} other frames)")


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def ethernet(destination, source, kind, payload):
    return mac_bytes(destination) + mac_bytes(source) + kind.to_bytes(2, "big") + payload


def arp_request(mac, sender, target, source_mac=None):
    """A broadcast "who has target"; source_mac forges the Ethernet source only."""
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac_bytes(mac) + socket.inet_aton(sender)
    body += bytes(6) + socket.inet_aton(target)
    return ethernet("ff:ff:ff:ff:ff:ff", source_mac or mac, 0x0806, body)


def checksum(data):
    padded = data + bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp_packet(mac_to, mac_from, address_from, address_to, port_from, port_to, data=b"x"):
    """A whole UDP frame with any addresses."""
    payload = struct.pack("!HHHH", port_from, port_to, 8 + len(data), 0) + data
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, 17, 0,
                         socket.inet_aton(address_from), socket.inet_aton(address_to))
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return ethernet(mac_to, mac_from, 0x0800, header + payload)


def dhcp_discover(mac):
    """A broadcast DHCPDISCOVER."""
    body = struct.pack("!BBBBIHH16s16s", 1, 1, 6, 0, 0x53434C, 0, 0x8000, bytes(16), mac_bytes(mac))
    body += bytes(192) + bytes.fromhex("63825363") + bytes.fromhex("350101ff")
    return udp_packet("ff:ff:ff:ff:ff:ff", mac, "0.0.0.0", "255.255.255.255", 68, 67, body)


def guest_frame(link, frame, count=1):
    """The command that sends a frame from within the tiny guest."""
    return f"frame send {link} {frame.hex()} {count}"
