# SPDX-License-Identifier: LGPL-2.1-or-later
"""What stands where QEMU would: the tap of a VM that is off, opened by the test. It sends any frame, at wire speed.

    one = TapGuest(lab.scl, "scl", "one", "192.168.20.2", folder)
    one.send(net.arp_request(one.mac, "192.168.20.2", "192.168.20.1"))
    two.wait_for(lambda frame: b"marker" in frame)
"""

import fcntl
import json
import os
import select
import socket
import stat
import struct
import threading

from . import kernel, net
from .bounds import bound

TUNSETIFF = 0x400454CA
IFF_TAP_NO_PI = 0x0002 | 0x1000
FRAME_MIN = 60
FRAME_MAX = 70000


class TapGuest:
    """host: the lab host that SCL runs on; folder: where the tap's node may be made. Who asks for `address` gets an answer."""

    def __init__(self, host, prefix, vm, address, folder):
        links = json.loads(host.output(["ip", "-json", "-details", "link", "show"]))
        tap = next(link for link in links if link.get("linkinfo", {}).get("info_kind") == "macvtap"
                   and link.get("ifalias") == f"scl:{prefix}:{vm}-0")
        self.name, self.link, self.mac, self.address = vm, tap["ifname"], tap["address"], address
        self.fd = self.open(host, tap["ifindex"], folder / f"{vm}.tap")
        self.frames = []
        self.news = threading.Condition()
        self.wakeup, self.end = os.pipe()
        self.thread = threading.Thread(target=self.receive, daemon=True)
        self.thread.start()

    def open(self, host, index, node):
        major, minor = host.output(["cat", f"/sys/class/net/{self.link}/macvtap/tap{index}/dev"]).split(":")
        os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(int(major), int(minor)))
        result = []

        def attach():
            try:
                kernel.setns(f"/proc/{host.pid}/ns/net", kernel.CLONE_NEWNET)
                fd = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
                fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", self.link.encode(), IFF_TAP_NO_PI))
                result.append(fd)
            except OSError as error:
                result.append(error)

        # The thread ends in that namespace; nobody else ever runs on it.
        thread = threading.Thread(target=attach)
        thread.start()
        thread.join()
        if isinstance(result[0], OSError):
            raise result[0]
        return result[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        os.close(self.end)
        self.thread.join(bound(10))
        os.close(self.fd)
        os.close(self.wakeup)

    def receive(self):
        while self.wakeup not in select.select([self.fd, self.wakeup], [], [])[0]:
            frame = net.Frame(os.read(self.fd, FRAME_MAX))
            if frame.type == 0x0806 and frame[21] == 1 and frame.ip_destination == self.address:
                self.send(self.arp_reply(frame))
            with self.news:
                self.frames.append(frame)
                self.news.notify_all()

    def arp_reply(self, asked):
        own = net.mac_bytes(self.mac) + socket.inet_aton(self.address)
        return net.ethernet(asked.source, self.mac, 0x0806, asked[14:21] + b"\2" + own + asked[22:32])

    def send(self, frame):
        os.write(self.fd, bytes(frame) + bytes(max(0, FRAME_MIN - len(frame))))

    def wait_for(self, wanted, seconds=30, what="frame"):
        """The first frame, new or old, for which wanted(frame) is true."""
        with self.news:
            if not self.news.wait_for(lambda: any(map(wanted, self.frames)), bound(seconds)):
                raise AssertionError(f"no {what} at {self.name} within {bound(seconds):.0f} s ({len(self.frames)} other frames)")
            return next(filter(wanted, self.frames))

    def take(self):
        """All frames so far; they are forgotten."""
        with self.news:
            frames, self.frames = self.frames, []
            return frames
