#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 of sclctl at random moments of an apply, each followed by an apply: always the same end.

The state of the whole lab host is compared: names of links, namespaces, rules, files, domains. The seed
of the moments is printed; SCL_TEST_SEED repeats a run, SCL_TEST_ROUNDS sets the number of kills.
"""

import os
import random
import re
import subprocess
import time

import scltest
from scltest import Lab, Libvirtd
from scltest.scene import Scene

ROUNDS = int(os.environ.get("SCL_TEST_ROUNDS", "50"))
EMPTY = {"version": 1, "networks": {"default": None}}


class Kill(scltest.TestCase):
    maxDiff = 4000

    def setUp(self):
        scltest.require(os.geteuid() == 0, "root")
        self.dir = self.folder()
        self.lab = self.use(Lab.standard())
        self.scl = self.lab.scl
        self.libvirtd = self.use(Libvirtd(self.dir / "lv", self.scl))
        scene = self.scene = self.use(Scene(self.dir, self.libvirtd, self.scl))
        scene.manifest["gatewayInterface"] = "eth0"
        scene.network("red", "192.168.10.1", tcp=["2222:192.168.20.2:22"])
        scene.network("blue", "192.168.11.1", udp=["53:192.168.20.2:53"])
        scene.vm("one", "192.168.20.2/24", "192.168.20.1", "red", imageSize=64)
        scene.vm("two", "192.168.20.2/24", "192.168.20.1", "blue", imageSize=64, autoStart=False)
        self.full, self.empty = scene.write(), scene.write(EMPTY)
        self.make_foreign()

    def make_foreign(self):
        """Neighbours that nobody may touch."""
        self.scl.run(["ip", "netns", "add", "foreign"])
        self.scl.run(["ip", "link", "add", "foreign0", "type", "bridge"])
        self.scl.nft("table inet foreign {\n chain c {\n type filter hook forward priority 5; policy accept;\n }\n}\n")
        (self.dir / "state/volumes").mkdir(parents=True)
        (self.dir / "state").chmod(0o711)
        (self.dir / "state/volumes").chmod(0o711)
        (self.dir / "state/volumes/foreign.raw").write_bytes(b"foreign" * 1000)
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

    def measure(self):
        """The two end states, and how long the way between them takes."""
        self.apply(self.empty)
        began = time.monotonic()
        self.apply(self.full)
        up = time.monotonic() - began
        full = self.state()
        self.stop_hard()
        began = time.monotonic()
        self.apply(self.empty)
        down = time.monotonic() - began
        self.prune_volumes()
        return full, self.state(), up, down

    def prune_volumes(self):
        """So that the next way up copies again; what nobody knows as a volume stays."""
        for name in ("one", "two"):
            self.scene.ctl.run("volume", "delete", "--yes", name, check=0)

    def stop_hard(self):
        """A guest in its firmware does not hear the power button: no case about waiting for it."""
        self.scene.ctl.run("vm", "stop", "--force", "one", check=0)

    def killed_apply(self, manifest, seconds):
        """True if it was killed in the midst."""
        process = self.scene.ctl.start("apply", "-f", manifest, "--allow-empty", "--prune", stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True

    def test_fifty_random_moments(self):
        seed = int(os.environ.get("SCL_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
        dice = random.Random(seed)
        print(f"# seed {seed}")
        full, empty, up, down = self.measure()
        self.assertLessEqual({f"domain {self.scene.domain('one')} is running", f"domain {self.scene.domain('two')} is shut off",
                              "domain foreign is shut off", "link foreign0", "host: /run/netns/foreign"}, set(full))
        self.assertFalse([line for line in empty if f"{self.scene.ctl.prefix}-" in line])
        killed, is_up = 0, False
        for number in range(ROUNDS):
            with self.subTest(seed=seed, round=number, way="down" if is_up else "up"):
                if is_up:
                    self.stop_hard()
                target, wanted, duration = (self.empty, empty, down) if is_up else (self.full, full, up)
                killed += self.killed_apply(target, dice.uniform(0, duration * 1.1))
                self.apply(target)
                if is_up:
                    self.prune_volumes()
                self.assert_state(wanted)
            is_up = not is_up
        self.assertGreater(killed, ROUNDS // 3, f"too few of {ROUNDS} were killed in the midst")
        print(f"# {killed} of {ROUNDS} killed in the midst; an apply takes {up:.2f} s")

    def test_no_space_while_copying(self):
        small = self.dir / "small"
        small.mkdir(mode=0o711)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=711", "none", str(small)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(small)], check=True)
        ctl = self.scene.ctl
        # The lock's file comes with the first change and stays.
        self.apply(self.empty)
        before = self.state()
        state, ctl.state = ctl.state, small / "state"
        # The lab host has its own mounts: it must see this one too.
        self.scl.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=711", "none", str(small)])
        done = ctl.run("apply", "-f", self.full)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stderr, "free|space")
        self.assertRegex(done.stderr, "MiB|bytes")
        left = self.scl.output(["find", str(small), "-type", "f"]).split()
        self.assertEqual([name for name in left if not name.endswith(("lock", ".lock"))], [])
        ctl.state = state
        self.assert_state(before)


if __name__ == "__main__":
    scltest.main()
