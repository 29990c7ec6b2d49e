# SPDX-License-Identifier: LGPL-2.1-or-later
"""A manifest as a dict, the sclctl that applies it, and its tiny guests.

    scene = Scene(folder, libvirtd, host=lab.scl)
    scene.network("default", tcp=["2222:192.168.20.2:22"])
    scene.vm("one", "192.168.20.2/24", "192.168.20.1")
    scene.apply()
    scene.guest("one").check("ping -c 1 192.168.20.1")
"""

import atexit
import concurrent.futures
import contextlib
import copy
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from . import net
from .bounds import bound
from .console import Console
from .guest import network_config, tiny_image, user_script
from .sclctl import Sclctl
from .tap import TestCase, require

WHO = """\
cat > /tmp/who <<'END'
#!/bin/sh
inode=$(readlink /proc/$$/fd/0); inode=${inode#*[}
peer=$(awk -v inode="${inode%]}" '$10 == inode { sub (/:.*/, "", $3); print substr ($3, length ($3) - 7) }' /proc/net/tcp*)
while read -r line; do echo "$(hostname | tr -d '"') $peer $line"; done
END
chmod 755 /tmp/who
"""


class SharedCase(TestCase):
    """Cases that share a lab and its guests. What setUpClass enters is left at the end of the class, and
    also when the runner's timeout ends the program, for which unittest runs no clean-up of classes.
    """

    @classmethod
    def setUpClass(cls):
        require(os.geteuid() == 0, "root")
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        atexit.register(cls.stack.close)
        cls.dir = Path(tempfile.mkdtemp(prefix=f"scltest-{os.getpid()}-", dir=os.environ.get("SCL_TEST_TMP", "/tmp")))
        cls.dir.chmod(0o711)
        cls.stack.callback(shutil.rmtree, cls.dir, ignore_errors=True)

    @classmethod
    def share(cls, manager):
        """Enter a context manager for all cases."""
        return cls.stack.enter_context(manager)


class Guest:
    """A tiny guest with a shell on its console."""

    def __init__(self, name, console, link="eth0"):
        self.name = name
        self.console = console
        self.link = link
        self.sniffer = 0
        self.run = console.run
        self.check = console.check
        self.check(WHO)
        self.mac = self.check(f"cat /sys/class/net/{link}/address")

    def boot_id(self):
        return self.check("cat /proc/sys/kernel/random/boot_id")

    def ping(self, address, seconds=10):
        return self.run(f"ping -c 1 -W {seconds} {address}", seconds + 20)[0] == 0

    def tcp(self, address, port, seconds=None):
        """What a server says to "hello"; "" if there was no connection. seconds: as for net.tcp()."""
        seconds = seconds or int(bound(12))
        status, answer = self.run(f"echo hello | timeout {seconds + 10} nc -w {seconds} {address} {port}", seconds + 30)
        return "" if status else answer

    def reached(self, *targets, seconds=1):
        """Which of these answer: addresses (ping) and (address, port) pairs (TCP), all tried at the same time."""
        parts = []
        for number, target in enumerate(targets):
            probe = f"ping -c 1 -W {seconds} {target}" if isinstance(target, str) else \
                f"timeout {seconds + 1} nc -w {seconds} {target[0]} {target[1]} < /dev/null"
            parts.append(f"{{ {probe} > /dev/null 2>&1 && echo {number}; }} &")
        done = self.check("\n".join([*parts, "wait"]), seconds + 30)
        return [targets[number] for number in sorted(map(int, done.split()))]

    def serve(self, port):
        """A TCP server that answers each line with who asked; see asked()."""
        self.check(f"nc -ll -p {port} -e /tmp/who > /dev/null 2>&1 &")
        self.check(f"until netstat -tln | grep -q ':{port} '; do usleep 20000; done")

    def mac_of(self, address):
        self.run(f"ping -c 1 -W {int(bound(3))} {address}")
        return self.check(f"ip neigh show {address}").split("lladdr ")[1].split()[0]

    def send(self, frame, count=1):
        self.check(net.guest_frame(self.link, frame, count))

    def sniff(self):
        """Begin to note all frames that come in: none that is sent after this is missed."""
        self.sniffer += 1
        self.check(f"mkfifo /tmp/sniff{self.sniffer}; frame sniff {self.link} 3600 > /tmp/frames{self.sniffer} 2> /tmp/sniff{self.sniffer} & "
                   f"echo $! > /tmp/sniffer; read -r said < /tmp/sniff{self.sniffer}; echo $said; [ \"$said\" = ready ]")

    def sniffed(self, marker, seconds=15):
        """All frames up to the one with `marker` (bytes) in it, which must come."""
        self.check(f"until grep -q {marker.hex()} /tmp/frames{self.sniffer}; do usleep 50000; done", seconds)
        text = self.check(f"kill $(cat /tmp/sniffer); cat /tmp/frames{self.sniffer}")
        return [net.Frame.fromhex(line) for line in text.split()]


def asked(answer):
    """Of an answer of Guest.serve(): (name of the guest, address that it saw, text)."""
    name, peer, text = answer.split(None, 2)
    return name, socket.inet_ntoa(bytes.fromhex(peer)[::-1]), text.strip()


def asked_in_parallel(probes, seconds=1):
    """ask() for each (host, address, port), all at the same time."""
    with concurrent.futures.ThreadPoolExecutor(len(probes)) as pool:
        return list(pool.map(lambda probe: ask(*probe, seconds=seconds), probes))


def ask(host, address, port, text="hello", **options):
    """asked() of a forward, or what net.tcp() says instead of an answer."""
    answer = net.tcp(host, address, port, f"{text}\n".encode(), **options)
    return asked(answer) if " " in answer else answer


def ask_soon(host, address, port, seconds=15):
    """ask() again until there is an answer: a gateway that just gave up on a guest says so for some seconds."""
    limit = time.monotonic() + bound(seconds)
    while not isinstance(answer := ask(host, address, port, seconds=2), tuple):
        if time.monotonic() > limit:
            raise AssertionError(f"{address}:{port} from {host.name}: still {answer} after {bound(seconds):.0f} s")
        time.sleep(0.2)
    return answer


def wait_log(path, text, seconds=90):
    """Until `text` (bytes) stands in a guest's console log; its growth is the event."""
    with subprocess.Popen(["timeout", str(bound(seconds)), "tail", "-n", "+1", "-F", str(path)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as tail:
        seen = b""
        while text not in seen:
            line = tail.stdout.readline()
            if not line:
                raise AssertionError(f"no {text} in the console log within {bound(seconds):.0f} s: {seen[-500:]}")
            seen += line
        tail.terminate()


def udp_exchange(host, external, guest, inner, gateway_mac, port=8000):
    """A datagram to the forward and the guest's answer to it: the address that the guest saw."""
    guest.sniff()
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(bound(10))
        # Not connected, so deaf to the guest's kernel, which knows no such port.
        client.sendto(b"question", (external, port))
        request = next(f for f in guest.sniffed(b"question") if f.ports and f.ports[1] == port)
        guest.send(net.udp_packet(gateway_mac, guest.mac, inner, request.ip_source, port, request.ports[0], b"answer"))
        answer = client.recvfrom(100)
    if answer != (b"answer", (external, port)):
        raise AssertionError(f"{external}:{port} answered {answer}")
    return request.ip_source


class Scene:
    """folder: of the test; libvirtd: where the guests run; host: the lab host, or None for this machine."""

    def __init__(self, folder, libvirtd, host=None, prefix=None):
        self.folder = folder
        self.libvirtd = libvirtd
        self.ctl = Sclctl(folder / "state", libvirtd.uri if libvirtd else None, prefix=prefix, host=host)
        self.manifest = {"version": 1, "networks": {"default": None}, "virtualMachines": {}}
        self.consoles = {}
        self.written = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in list(self.consoles):
            self.leave(name)
        if self.libvirtd:
            empty = self.write({"version": 1, "networks": {"default": None}})
            for name in self.libvirtd.domains():
                self.libvirtd.virsh("destroy", name, check=False)
            self.ctl.run("apply", "-f", empty, "--allow-empty", "--prune")

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def network(self, name, external="192.168.10.1", gateway="192.168.20.1", tcp=(), udp=(), netmask="255.255.255.0"):
        self.manifest["networks"][name] = {"externalIP": external, "gatewayIP": gateway, "internalNetmask": netmask,
                                           "allowedTCPPorts": list(tcp), "allowedUDPPorts": list(udp)}

    def vm(self, name, address=None, gateway=None, network="default", script=None, ignore_power_button=False, **settings):
        vm = {"image": str(tiny_image(ignore_power_button)), "memorySize": 96, "firmware": "bios", "accelerator": "tcg",
              "network": network, **settings}
        if address:
            vm["cloudInitNetworkConfigFile"] = self.file(f"{name}.net", network_config((address, gateway)))
        if script:
            vm["cloudInitUserConfigFile"] = self.file(f"{name}.user", user_script(script))
        self.manifest["virtualMachines"][name] = vm

    def copy(self):
        """The manifest as it is now, to go back to or to change."""
        return copy.deepcopy(self.manifest)

    def write(self, manifest=None):
        self.written += 1
        return self.file(f"manifest-{self.written}.json", json.dumps(manifest or self.manifest, indent=1))

    def apply(self, manifest=None, *words, check=0, **options):
        return self.ctl.run("apply", "-f", self.write(manifest), *words, check=check, **options)

    def domain(self, name):
        return f"{self.ctl.prefix}-{name}"

    def namespace(self, name):
        return f"{self.ctl.prefix}-{name}"

    def leave(self, name):
        """Give up the console of a guest, with its shell as it was."""
        console = self.consoles.pop(name, None)
        if console is None:
            return
        try:
            console.interrupt()
        except (OSError, AssertionError):
            pass
        console.close()

    def console(self, name):
        """The only reader of a guest's console: an earlier one is closed."""
        self.leave(name)
        self.consoles[name] = Console.of_domain(self.libvirtd.uri, self.domain(name), self.libvirtd.call)
        return self.consoles[name]

    def guest(self, name, seconds=90):
        return Guest(name, self.console(name).wait_ready(seconds))
