# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host that boots systemd: Debian (support/systemd-root) in systemd-nspawn, on a host of a lab.

    host = SystemdHost(lab, folder, lan, "10.77.0.2/24", "10.77.0.1")
    host.write("/etc/systemd/system/x.service", TEXT)
    host.boot()
    host.systemctl("start", "x")
    host.power_off()
    host.boot()             # /etc and /var as they were, network and /run new

Its disk is an overlay in this process's own mount namespace. Each boot gets a lab host of its own, so
that links, rules and routes are gone after it. The container meets nothing of the machine: no machined,
no udev, /sys and /proc/sys (but for its network) read-only, cgroups of its own.
"""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from . import kernel, lab, procs
from .bounds import bound
from .guest import SUPPORT
from .tap import require

BOOT_SECONDS = 120
OFF_SECONDS = 120
MACHINE = "systemd-host"
UNITS = "/etc/systemd/system"
CAPABILITIES = "/var/cache/libvirt/qemu/capabilities"
# Of the machine, not of the container.
DROPPED = "CAP_SYS_TIME,CAP_SYS_MODULE,CAP_SYS_RAWIO,CAP_SYSLOG,CAP_WAKE_ALARM"
# No /dev/kvm: guests are emulated, and whether KVM works is not the question here.
NODES = ["/dev/net/tun", "/dev/vhost-net"]
CGROUPS = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"]
INTO_CGROUPS = """
for place in $1; do mkdir "$place"; echo $$ > "$place/cgroup.procs"; done
shift; exec "$@"
"""


def until(condition, what, seconds=30):
    """The first true value of condition()."""
    limit = time.monotonic() + bound(seconds)
    while not (value := condition()):
        if time.monotonic() > limit:
            raise AssertionError(f"{what}: not within {bound(seconds):.0f} s")
        time.sleep(0.1)
    return value


def debian_root():
    done = subprocess.run([str(SUPPORT / "systemd-root")], capture_output=True, text=True, timeout=bound(600), check=False)
    require(done.returncode == 0, f"a Debian root: {done.stderr.strip()[-500:]}")
    return Path(done.stdout.strip())


class Disk:
    """The root file system over all boots."""

    def __init__(self, folder):
        self.base = debian_root()
        self.root, self.layers = folder / "root", folder / "layers"
        self.capabilities = self.base.with_name(f"{self.base.name}.capabilities")
        kernel.private_mounts()
        self.root.mkdir()
        self.layers.mkdir()
        # A tmpfs can be the upper layer whatever the machine's file systems are.
        kernel.mount("tmpfs", self.layers, "tmpfs", 0, "mode=755")
        upper, work = self.layers / "upper", self.layers / "work"
        upper.mkdir()
        work.mkdir()
        kernel.mount("overlay", self.root, "overlay", 0, f"lowerdir={self.base},upperdir={upper},workdir={work}")
        self.load_capabilities()

    def path(self, name):
        return self.root / name.lstrip("/")

    def load_capabilities(self):
        """What libvirt found out about QEMU in an earlier test: it would take 10 s again."""
        if self.capabilities.is_dir():
            shutil.copytree(self.capabilities, self.path(CAPABILITIES), dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))

    def save_capabilities(self):
        self.capabilities.mkdir(exist_ok=True)
        for source in self.path(CAPABILITIES).glob("*.xml"):
            target = self.capabilities / source.name
            if not target.exists() or target.read_bytes() != source.read_bytes():
                fresh = target.with_name(f".{target.name}.{os.getpid()}")
                shutil.copyfile(source, fresh)
                fresh.rename(target)

    def close(self):
        self.save_capabilities()
        for path in (self.root, self.layers):
            kernel.umount(path)

    def install(self, build, prefix):
        """What `cmake --install` installs."""
        subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DESTDIR": str(self.root)})
        subprocess.run(["ldconfig", "-r", self.root], check=True)


class SystemdHost:
    name = MACHINE

    def __init__(self, the_lab, folder, wire, address, gateway):
        """binds, {inside: outside}: paths of this machine that are seen in the container."""
        self.lab, self.folder = the_lab, folder
        self.wire, self.address, self.gateway = wire, address, gateway
        self.disk = Disk(folder)
        self.binds = {}
        self.rendering = {"units": {}, "links": {}, "files": {}}
        self.host = self.container = self.udev = self.leader = self.leader_began = None
        self.boots = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.pull_the_plug()
        finally:
            self.forget_boot()
            self.disk.close()

    # Files

    def read(self, name):
        return self.disk.path(name).read_text(encoding="utf-8", errors="replace")

    def write(self, name, text, mode=0o644):
        path = self.disk.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    # Power

    def boot(self):
        """Until systemd says that all of its start jobs are done."""
        self.boots += 1
        self.host = self.lab.host(f"{MACHINE} {self.boots}", machine=True)
        # The same MAC after each boot, as of the same card.
        self.host.plug(self.wire, "eth0", self.address, self.gateway, mac="02:00:00:00:77:02")
        events = self.host.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, lab.NETLINK_KOBJECT_UEVENT)
        with events, Notifications(self.folder / f"notify-{self.boots}") as notifications:
            events.bind((0, 1))
            self.container = self.start_container(notifications.path)
            self.leader = int(notifications.wait_for("X_NSPAWN_LEADER_PID", self.container, BOOT_SECONDS))
            self.leader_began = procs.start_time(self.leader)
            self.udev = start_udev(events, self.leader)
            notifications.wait_for("READY", self.container, BOOT_SECONDS)

    def start_container(self, notify):
        log = open(self.folder / f"console-{self.boots}.log", "wb")
        argv = ["systemd-nspawn", f"--directory={self.disk.root}", "--boot", f"--machine={MACHINE}", "--register=no", "--keep-unit",
                "--settings=no", "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--private-users=no",
                "--console=read-only", "--notify-ready=yes", "--capability=all", f"--drop-capability={DROPPED}",
                *(f"--bind={node}" for node in NODES if os.path.exists(node)),
                *(f"--bind={outside}:{inside}" for inside, outside in self.binds.items())]
        environment = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(notify), "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}
        places = " ".join(self.cgroups())
        with log:
            return self.host.popen(["sh", "-ec", INTO_CGROUPS, "sh", places, *argv], env=environment, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)

    def cgroups(self):
        """Of the hierarchies that systemd uses: a place of our own for all of the container."""
        mounts = self.host.output(["cat", "/proc/mounts"]).splitlines()
        kinds = {fields[1]: fields[2:4] for fields in map(str.split, mounts)}
        return [f"{place}/scltest-{os.getpid()}-{self.boots}" for place in CGROUPS
                if place in kinds and (kinds[place][0] == "cgroup2" or "name=systemd" in kinds[place][1])]

    def power_off(self, seconds=OFF_SECONDS):
        """As the power button of this host."""
        self.systemctl("--no-block", "poweroff")
        if not procs.wait_gone(self.container.pid, bound(seconds)):
            raise AssertionError(f"the container is not off within {bound(seconds):.0f} s; its console:\n{self.console()[-3000:]}")
        status = self.container.wait()
        self.forget_boot()
        if status:
            raise AssertionError(f"systemd-nspawn ended with status {status}; its console:\n{self.console()[-3000:]}")

    def pull_the_plug(self):
        """The container outlives a killed systemd-nspawn, but not its own PID 1."""
        if self.leader is not None and procs.start_time(self.leader) == self.leader_began:
            procs.end(self.leader, 10, signal.SIGKILL)
        if self.container is not None:
            procs.end(self.container.pid, 10)

    def console(self):
        return (self.folder / f"console-{self.boots}.log").read_text(encoding="utf-8", errors="replace")

    def forget_boot(self):
        if self.udev is not None:
            procs.end(self.udev, 5, signal.SIGKILL)
            os.waitpid(self.udev, 0)
        if self.container is not None:
            self.container.wait()
            self.lab.processes.remove(self.container)
            remove_cgroups(self.host, self.cgroups())
        if self.host is not None:
            self.host.close()
            self.lab.hosts.remove(self.host)
        self.host = self.container = self.udev = self.leader = self.leader_began = None

    # Programs

    def argv(self, command):
        return ["nsenter", f"--target={self.leader}", "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--root",
                "--wdns=/", "--", "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL=C.UTF-8", *map(str, command)]

    def run(self, command, *, check=True, timeout=None, text=True, **options):
        """subprocess.run in the container; a failure carries the program's own words."""
        options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
        if "input" in options:
            del options["stdin"]
        done = subprocess.run(self.argv(command), check=False, timeout=timeout or bound(60), text=text, capture_output=True, **options)
        if check and done.returncode:
            raise AssertionError(f"{MACHINE}: {' '.join(map(str, command))}: status {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def output(self, command, **options):
        return self.run(command, **options).stdout

    def socket(self, *kind):
        return self.host.socket(*kind)

    def systemctl(self, *words, **options):
        return self.run(["systemctl", *words], **{"timeout": bound(120), **options})

    # Units

    def show(self, unit, *properties):
        """The values, in the order that is asked for."""
        text = self.output(["systemctl", "show", unit, *(f"--property={name}" for name in properties)])
        found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        values = [found[name] for name in properties]
        return values[0] if len(values) == 1 else values

    def state(self, unit):
        return self.show(unit, "ActiveState")

    def wait_state(self, unit, state, seconds=30):
        until(lambda: self.state(unit) == state, f"{unit} is {state}", seconds)

    def settle(self, seconds=60):
        """Until systemd has no job left."""
        until(lambda: not self.output(["systemctl", "list-jobs", "--no-legend"]).strip(), "the end of all jobs", seconds)

    # Configuration: what tests/nix/render-units.nix prints

    def activate(self, rendering):
        """The new /etc in the place of the old one."""
        for name in [*self.rendering["units"], *self.rendering["links"]]:
            self.disk.path(f"{UNITS}/{name}").unlink(missing_ok=True)
        for name, text in rendering["units"].items():
            self.write(f"{UNITS}/{name}", text)
        for name, target in rendering["links"].items():
            path = self.disk.path(f"{UNITS}/{name}")
            path.parent.mkdir(exist_ok=True)
            path.symlink_to(target)
        for name, text in rendering["files"].items():
            self.write(name, text, 0o755 if text.startswith("#!") else 0o644)
        self.rendering = rendering

    def active_units(self):
        listing = self.output(["systemctl", "list-units", "--state=active,activating,reloading", "--plain", "--no-legend"])
        return {line.split()[0] for line in listing.splitlines()}

    def switch(self, rendering):
        """As NixOS' switch-to-configuration, in its order. Returns the steps that failed: with any, a rebuild fails."""
        steps = plan_switch(self.rendering["units"], rendering["units"], self.active_units())
        failed = []

        def do(verb):
            if steps[verb] and self.systemctl(verb, *sorted(steps[verb]), check=False).returncode:
                failed.append(f"{verb} {' '.join(sorted(steps[verb]))}")

        do("stop")
        self.activate(rendering)
        self.systemctl("daemon-reload")
        for verb in ("reload", "restart", "start"):
            do(verb)
        return failed

    # Journal

    def journal(self, *words):
        """Entries as dicts; words are those of journalctl."""
        self.run(["journalctl", "--sync"])
        text = self.output(["journalctl", "--quiet", "--no-pager", "-o", "json", "--all", *words])
        entries = [json.loads(line) for line in text.splitlines()]
        for entry in entries:
            # A list of bytes if there is one among them that no text has, such as a console's escape.
            message = entry.get("MESSAGE") or ""
            entry["MESSAGE"] = bytes(message).decode(errors="replace") if isinstance(message, list) else message
        return entries

    def messages(self, *words):
        return [entry["MESSAGE"] for entry in self.journal(*words)]

    def cursor(self):
        """Behind what the journal holds now."""
        return self.journal("-n", "1")[-1]["__CURSOR"]

    def wait_journal(self, unit, pattern, cursor=None, seconds=60):
        """Until a line of a unit, after a cursor or in this boot, matches."""
        argv = ["journalctl", "-f", "-o", "cat", "--no-pager", "--all", "--unit", unit,
                *(["--after-cursor", cursor] if cursor else ["-b", "-n", "all"])]
        process = subprocess.Popen(self.argv(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        try:
            return read_until(process.stdout, pattern, seconds, f"{unit} in the journal")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def plan_switch(before, after, active):
    """What switch-to-configuration would do with which units; of targets it starts all that are active again."""
    steps = {"stop": set(), "reload": set(), "restart": set(), "start": {name for name in active & after.keys()
                                                                         if name.endswith(".target")} | {"multi-user.target"}}
    for name in sorted(active & before.keys()):
        if name not in after:
            steps["stop"].add(name)
        elif after[name] != before[name] and name.endswith(".service"):
            plan_change(name, after[name], steps)
    return steps


def plan_change(name, text, steps):
    if "X-ReloadIfChanged=true\n" in text:
        steps["reload"].add(name)
    elif "X-RestartIfChanged=false\n" in text:
        return
    elif "X-StopIfChanged=false\n" in text:
        steps["restart"].add(name)
    else:
        steps["stop"].add(name)
        steps["start"].add(name)


def read_until(stream, pattern, seconds, what):
    limit = time.monotonic() + bound(seconds)
    seen = b""
    while not (found := re.search(pattern.encode(), seen)):
        left = limit - time.monotonic()
        if left <= 0 or not select.select([stream], [], [], left)[0]:
            raise AssertionError(f"{what}: no {pattern!r} within {bound(seconds):.0f} s; its end:\n{seen[-2000:].decode(errors='replace')}")
        chunk = os.read(stream.fileno(), 65536)
        if not chunk:
            raise AssertionError(f"{what}: ended without {pattern!r}:\n{seen[-2000:].decode(errors='replace')}")
        seen += chunk
    return found[0].decode(errors="replace")


class Notifications:
    """What systemd-nspawn says to its service manager."""

    def __init__(self, path):
        self.path = path
        self.fields = {}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.path.unlink()

    def wait_for(self, field, process, seconds):
        limit = time.monotonic() + bound(seconds)
        end = os.pidfd_open(process.pid)
        try:
            while field not in self.fields:
                ready = select.select([self.socket, end], [], [], max(0, limit - time.monotonic()))[0]
                if self.socket not in ready:
                    raise AssertionError(f"systemd-nspawn {'ended' if ready else f'said nothing of {field} within {bound(seconds):.0f} s'}")
                self.fields.update(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines() if "=" in line)
        finally:
            os.close(end)
        return self.fields[field]


def start_udev(events, leader):
    """The udev of the container, for nodes of macvtaps: the lab's, in the container's mount namespace."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            kernel.die_with_parent(signal.SIGKILL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.closerange(3, events.fileno())
            os.closerange(events.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
            if os.getppid() == parent:
                kernel.setns(f"/proc/{leader}/ns/mnt", kernel.CLONE_NEWNS)
                # libvirt waits 0.2 s for a node.
                os.nice(-10)
                while True:
                    lab.handle_event(events.recv(65536))
        os._exit(1)
    return pid


def remove_cgroups(host, places):
    """Bottom up; the last processes may still be on their way out."""
    base = Path(f"/proc/{host.pid}/root")
    for place in places:
        until(lambda p=base / place.lstrip("/"): remove_tree_of_folders(p), f"removal of {place}", 10)


def remove_tree_of_folders(path):
    for folder, _, _ in os.walk(path, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return not path.exists()
