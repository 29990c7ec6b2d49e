# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network namespaces as hosts.

    with Lab() as lab:
        lan = lab.wire("lan")
        server = lab.host("server").plug(lan, "eth0", "10.77.0.9/24")
        scl = lab.host("scl", machine=True).plug(lan, "eth0", "10.77.0.2/24", gateway="10.77.0.1")
        scl.run(["ip", "address"])

Each host lives in a holder process: its namespaces have no name on the machine and vanish with the
holder, which ends with the test, however the test ends. Lab.standard() is the usual picture.

A host with machine=True stands for a whole machine: own /run (so own /run/netns, /run/scl,
/run/libvirt), own /sys, own /dev whose /dev/tapN come from the kernel's events, as udev would make
them (the kernel's devtmpfs mixes up those of all namespaces). Its guests are emulated unless has_kvm.
"""

import os
import select
import signal
import socket
import stat
import subprocess
import threading
from pathlib import Path

from . import kernel, kvm, procs
from .bounds import bound

NETLINK_KOBJECT_UEVENT = 15
DEVICES = ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "net/tun", "vhost-net", "vhost-vsock", "fuse"]
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}


class Host:
    def __init__(self, lab, name, machine, forwarding, has_kvm=False):
        self.lab = lab
        self.name = name
        self.machine = machine
        self.pid = start_holder(machine, has_kvm)
        self.run(["ip", "link", "set", "lo", "up"])
        if forwarding:
            self.sysctl("net/ipv4/ip_forward", "1")

    def argv(self, command):
        """The command as it must be run on the machine to run on this host."""
        namespaces = ["--net"] + (["--mount"] if self.machine else [])
        return ["nsenter", f"--target={self.pid}", *namespaces, "--wdns=/", "--", *map(str, command)]

    def run(self, command, *, check=True, timeout=None, text=True, capture_output=True, **options):
        """subprocess.run on this host; a failure carries the program's own words."""
        options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
        if "input" in options:
            del options["stdin"]
        done = subprocess.run(self.argv(command), check=False, timeout=timeout or bound(30), text=text, capture_output=capture_output,
                              **options)
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {' '.join(map(str, command))}: status {done.returncode}: {done.stderr}")
        return done

    def output(self, command, **options):
        return self.run(command, **options).stdout

    def popen(self, command, **options):
        """A process on this host. nsenter replaces itself, so its pid is the program's."""
        process = subprocess.Popen(self.argv(command), **options)
        self.lab.processes.append(process)
        return process

    def socket(self, family, kind, protocol=0):
        """A socket that lives on this host, usable from here."""
        result = []

        def make():
            try:
                kernel.setns(f"/proc/{self.pid}/ns/net", kernel.CLONE_NEWNET)
                result.append(socket.socket(family, kind, protocol))
            except OSError as error:
                result.append(error)

        # The thread ends in that namespace; nobody else ever runs on it.
        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if isinstance(result[0], OSError):
            raise result[0]
        return result[0]

    def plug(self, wire, link, address=None, gateway=None, mac=None):
        """Connect a new link of this host to a wire."""
        port = wire.next_port()
        self.run(["ip", "link", "add", link, *(["address", mac] if mac else []), "type", "veth",
                  "peer", "name", port, "netns", str(wire.pid)])
        wire.run(["ip", "link", "set", port, "master", "bridge", "up"])
        self.run(["ip", "link", "set", link, "up"])
        if address:
            self.run(["ip", "address", "add", address, "dev", link])
        if gateway:
            self.run(["ip", "route", "add", "default", "via", gateway, "dev", link])
        return self

    def route(self, *words):
        self.run(["ip", "route", "add", *words])
        return self

    def sysctl(self, name, value=None):
        """Read, or set, /proc/sys/NAME on this host."""
        if value is None:
            return self.output(["cat", f"/proc/sys/{name}"]).strip()
        self.run(["sh", "-c", 'cat > "$0"', f"/proc/sys/{name}"], input=str(value))
        return value

    def nft(self, text):
        self.run(["nft", "-f", "-"], input=text)

    def mac(self, link):
        return self.output(["ip", "-brief", "link", "show", link]).split()[2]

    def ping(self, address, count=1, seconds=2):
        """True if an answer came."""
        done = self.run(["ping", "-n", "-c", str(count), "-W", str(seconds), address], check=False,
                        timeout=bound(seconds * count + 10))
        if done.returncode not in (0, 1):
            raise AssertionError(f"{self.name}: ping {address}: status {done.returncode}: {done.stderr}")
        return done.returncode == 0

    def close(self):
        procs.end(self.pid, 5, signal.SIGKILL)
        try:
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass


class Wire(Host):
    """A switch: a bridge in a namespace of its own."""

    def __init__(self, lab, name):
        super().__init__(lab, name, machine=False, forwarding=False)
        self.ports = 0
        self.run(["ip", "link", "add", "bridge", "type", "bridge", "forward_delay", "0", "stp_state", "0"])
        self.run(["ip", "link", "set", "bridge", "up"])

    def next_port(self):
        self.ports += 1
        return f"port{self.ports}"


class Lab:
    """All hosts of a test. Leaving it ends them and what still runs on them."""

    def __init__(self):
        self.hosts = []
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def host(self, name, machine=False, forwarding=False, has_kvm=False):
        self.hosts.append(Host(self, name, machine, forwarding, has_kvm))
        return self.hosts[-1]

    def wire(self, name):
        self.hosts.append(Wire(self, name))
        return self.hosts[-1]

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                procs.end(process.pid, 10)
            process.wait()
        for host in reversed(self.hosts):
            host.close()
        self.hosts, self.processes = [], []

    @classmethod
    def standard(cls):
        """LAN 10.77.0.0/24 with router .1, SCL host .2 (eth0) and client .50; an internet server behind the router.

        The router knows no route to SCL's networks and the internet none to the LAN's other addresses
        than through NAT-free routing, so a guest that is not masqueraded gets no answer.
        """
        lab = cls()
        try:
            lab.build_standard()
        except BaseException:
            lab.close()
            raise
        return lab

    def build_standard(self):
        self.lan, self.outside = self.wire("lan"), self.wire("outside")
        self.router = self.host("router", forwarding=True)
        self.router.plug(self.lan, "lan0", "10.77.0.1/24").plug(self.outside, "out0", "198.51.100.1/24")
        self.scl = self.host("scl", machine=True).plug(self.lan, "eth0", "10.77.0.2/24", gateway="10.77.0.1")
        self.client = self.host("client").plug(self.lan, "eth0", "10.77.0.50/24", gateway="10.77.0.1")
        self.internet = self.host("internet").plug(self.outside, "eth0", "198.51.100.10/24")
        self.internet.route("10.77.0.0/24", "via", "198.51.100.1")


def start_holder(machine, has_kvm):
    """Fork the process that keeps a host's namespaces; returns its pid when they are ready."""
    source, sink = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(source)
        try:
            kernel.die_with_parent(signal.SIGKILL)
            if os.getppid() == parent:
                hold(machine, has_kvm, sink)
        except BaseException as error:  # pylint: disable=broad-except
            os.write(sink, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(1)
    os.close(sink)
    with os.fdopen(source, "rb") as stream:
        result = stream.read(4096).decode()
    if result != "ok":
        os.waitpid(pid, 0)
        raise RuntimeError(f"cannot make a host of the lab: {result or 'its process died'}")
    return pid


def hold(machine, has_kvm, sink):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kernel.unshare(kernel.CLONE_NEWNET)
    events = None
    if machine:
        kernel.private_mounts()
        events = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_KOBJECT_UEVENT)
        events.bind((0, 1))
        make_machine(has_kvm)
        # libvirt waits 0.2 s for a macvtap's node.
        os.nice(-10)
    os.write(sink, b"ok")
    os.close(sink)
    os.closerange(3, events.fileno() if events else 3)
    while True:
        if events is None:
            signal.pause()
        select.select([events], [], [])
        handle_event(events.recv(65536))


def make_run():
    kernel.mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
    for name in ("lock", "netns", "libvirt"):
        os.mkdir(f"/run/{name}", 0o755)


def make_machine(has_kvm):
    kernel.mount("sysfs", "/sys", "sysfs")
    copy_cgroups()
    make_run()
    make_devices(Path("/dev"), [*DEVICES, *(["kvm"] if has_kvm else [])])
    if kvm.lacks_udev():
        kvm.show_as_udev_would()


def copy_cgroups():
    """A fresh /sys has no cgroups on it; libvirt wants to see the machine's."""
    for line in Path("/proc/1/mounts").read_text(encoding="utf-8").splitlines():
        source, target, kind, options = line.split()[:4]
        if target == "/sys/fs/cgroup" and kind == "cgroup2":
            kernel.mount("cgroup2", target, "cgroup2")
        elif target == "/sys/fs/cgroup":
            kernel.mount("tmpfs", target, "tmpfs", 0, "mode=755")
        elif target.startswith("/sys/fs/cgroup/"):
            os.makedirs(target, exist_ok=True)
            controllers = [word for word in options.split(",") if word not in ("rw", "relatime", "nosuid", "nodev", "noexec")]
            kernel.mount(source, target, kind, 0, ",".join(controllers) if kind == "cgroup" else None)


def make_devices(dev, names):
    """Nodes like the machine's, in a tmpfs; the PTYs stay the machine's."""
    numbers = {name: os.stat(dev / name) for name in names if (dev / name).exists()}
    aside = "/run/pts"
    os.mkdir(aside)
    kernel.bind(dev / "pts", aside)
    unmount_below(dev)
    kernel.mount("tmpfs", dev, "tmpfs", 0, "mode=755")
    for name, info in numbers.items():
        (dev / name).parent.mkdir(exist_ok=True)
        os.mknod(dev / name, info.st_mode, info.st_rdev)
        os.chown(dev / name, info.st_uid, info.st_gid)
        os.chmod(dev / name, stat.S_IMODE(info.st_mode))
    for name in ("pts", "shm"):
        os.mkdir(dev / name)
    kernel.bind(aside, dev / "pts")
    kernel.umount(aside)
    os.rmdir(aside)
    kernel.mount("tmpfs", dev / "shm", "tmpfs", 0, "mode=1777")
    for name, target in LINKS.items():
        os.symlink(target, dev / name)


def unmount_below(folder):
    """libvirt moves every mount below /dev that /proc/mounts names; hidden ones would fail it."""
    for line in reversed(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()):
        target = line.split()[1]
        if target.startswith(f"{folder}/"):
            kernel.umount(target)


def handle_event(message):
    """The udev of the lab: /dev/tapN for a macvtap that appeared here."""
    fields = dict(part.split("=", 1) for part in message.decode(errors="replace").split("\0") if "=" in part)
    if fields.get("SUBSYSTEM") != "macvtap" or "DEVNAME" not in fields:
        return
    path = Path("/dev") / fields["DEVNAME"].removeprefix("/dev/")
    path.unlink(missing_ok=True)
    if fields["ACTION"] == "add":
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(int(fields["MAJOR"]), int(fields["MINOR"])))
