# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything on a lab host that has a name, as sorted lines: what an apply that was cut short must come back to."""

import contextlib
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys

from . import procs
from .guest import tiny_image
from .lab import Lab
from .libvirtd import Libvirtd
from .scene import Scene
from .tap import TestCase, require

EMPTY = {"version": 1, "networks": {"default": None}}
SPIN = "while True: pass"
# cli; hlt; and again.
HALT = b"\xfa\xf4\xeb\xfd"


def dice(seed=None):
    """(seed, generator); SEED is always the same sample, SCL_TEST_SEED repeats a run."""
    seed = int(os.environ.get("SCL_TEST_SEED", random.SystemRandom().randrange(1 << 32) if seed is None else seed))
    print(f"# seed {seed}", flush=True)
    return seed, random.Random(seed)


def how_much(name, usual, long):
    """What the environment says; else what is usual, or what `tests/run long` is for."""
    return os.environ.get(name, long if "SCL_TEST_LONG" in os.environ else usual)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def busy(count):
    """So many processes that never wait, as a build next to the test."""
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in spinning:
            procs.end(process.pid, 10, signal.SIGKILL)
            process.wait()


class EndStateCase(TestCase):
    """Two networks, a VM that runs and one that does not, beside neighbours that nobody may touch.

    full, empty: manifests; state(): what the host has; assert_state(): whether it is one that was taken before.
    """

    maxDiff = 4000

    def setUp(self):
        require(os.geteuid() == 0, "root")
        self.dir = self.folder()
        self.lab = self.use(Lab.standard())
        self.scl = self.lab.scl
        self.libvirtd = self.use(Libvirtd(self.dir / "lv", self.scl))
        scene = self.scene = self.use(Scene(self.dir, self.libvirtd, self.scl))
        scene.manifest["gatewayInterface"] = "eth0"
        scene.network("red", "192.168.10.1", tcp=["2222:192.168.20.2:22"])
        scene.network("blue", "192.168.11.1", udp=["53:192.168.20.2:53"])
        self.image = self.idle_image()
        self.vm("one", "red")
        self.vm("two", "blue", autoStart=False)
        self.full, self.empty = scene.write(), scene.write(EMPTY)
        self.make_foreign()

    def vm(self, name, network, **settings):
        self.scene.vm(name, "192.168.20.2/24", "192.168.20.1", network, image=self.image, imageSize=64, **settings)

    def idle_image(self):
        """A tiny guest that halts where it would begin to boot: nobody asks it for anything, and an emulated boot keeps a core busy."""
        path = self.dir / "idle.raw"
        shutil.copy(tiny_image(), path)
        with open(path, "r+b") as image:
            image.write(HALT)
        return str(path)

    def make_foreign(self):
        self.scl.run(["ip", "netns", "add", "foreign"])
        self.scl.run(["ip", "link", "add", "foreign0", "type", "bridge"])
        self.scl.nft("table inet foreign {\n chain c {\n type filter hook forward priority 5; policy accept;\n }\n}\n")
        volumes = self.scene.ctl.home / "volumes"
        volumes.mkdir(parents=True)
        for folder in (volumes, *volumes.parents):
            if self.dir in folder.parents:
                folder.chmod(0o711)
        (volumes / "foreign.raw").write_bytes(b"foreign" * 1000)
        self.libvirtd.virsh("define", self.domain_file())

    def domain_file(self):
        path = self.dir / "foreign.xml"
        path.write_text("<domain type='qemu'><name>foreign</name><memory unit='MiB'>16</memory>"
                        "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>")
        return path

    def lines_of(self, what, argv):
        """Output of a program on the host as comparable lines: without link numbers, padding, order of elements."""
        text = re.sub(r"@(if\d+|\S+)", "", self.scl.output(argv, check=False))
        text = re.sub(r"elements = \{([^}]*)\}", lambda found: f"elements {sorted(found[1].replace(',', ' ').split())}", text)
        return [f"{what}: {' '.join(line.split())}" for line in text.splitlines() if line.strip()]

    def namespace_lines(self, name):
        inside = ["ip", "netns", "exec", name]
        return [line for words in (["nft", "-s", "list", "ruleset"], ["ip", "-4", "route"], ["ip", "-4", "-brief", "address"])
                for line in self.lines_of(f"namespace {name}", [*inside, *words])]

    def state(self):
        """Everything on the host that has a name, as sorted lines."""
        lines = [f"file {path.relative_to(self.dir)} {path.stat().st_mode:o}" for path in (self.dir / "state").rglob("*")]
        for name in self.namespaces():
            lines += self.namespace_lines(name)
        # A link's state may still be on its way up.
        lines += [f"link {line.split()[0].partition('@')[0]}" for line in self.scl.output(["ip", "-brief", "link"]).splitlines()]
        for words in (["ip", "rule"], ["ip", "-4", "route", "show", "table", "all"], ["nft", "-s", "list", "ruleset"],
                      ["find", "/run/scl", "/run/netns", "-mindepth", "1"]):
            lines += self.lines_of("host", words)
        lines += [f"domain {name} is {self.libvirtd.state(name)}" for name in self.libvirtd.domains()]
        return sorted(lines)

    def namespaces(self):
        return sorted(line.split()[0] for line in self.scl.output(["ip", "netns", "list"]).splitlines())

    def assert_state(self, wanted):
        found = self.state()
        self.assertEqual(([line for line in found if line not in wanted], [line for line in wanted if line not in found]),
                         ([], []), "(too much, too little)")

    def apply(self, manifest):
        return self.scene.ctl.run("apply", "-f", manifest, "--allow-empty", "--prune", check=0)

    def delete_volumes(self):
        """So that the next way up copies again; what nobody knows as a volume stays."""
        for name in ("one", "two"):
            self.scene.ctl.run("volume", "delete", "--yes", name, check=0)

    def stop_hard(self):
        """A guest in its firmware does not hear the power button: no case about waiting for it."""
        self.scene.ctl.run("vm", "stop", "--force", "one", check=0)
