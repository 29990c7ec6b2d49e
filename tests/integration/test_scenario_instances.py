#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two instances on one host: whatever one of them does, nothing of the other changes."""

import contextlib
import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import scltest
from scltest import Lab, Libvirtd
from scltest.endstate import EMPTY, digest
from scltest.scene import Scene, SharedCase, wait_log
from scltest.sclctl import Sclctl, fresh_prefix

FAULTS = Path(os.environ.get("SCL_BUILD_DIR", scltest.guest.SOURCE / "build")) / "tests/integration/libfault-inject.so"
# Each is carried out by the second instance; all of them change something of it.
ANEW = ("volume", "create", "--from-image", "demo")
VERBS = (("apply",), ("vm", "start", "demo"), ("vm", "restart", "--force", "demo", "up"), ("vm", "stop", "--force", "demo"), ANEW,
         ("vm", "stop", "--force", "--all"), ("vm", "delete", "--yes", "demo", "up"), ("network", "delete", "--yes", "default"),
         ("volume", "delete", "--yes", "demo", "up"), ("apply",), ("vm", "stop", "--force", "--all"), ("apply", "empty"),
         ("volume", "prune", "--yes"))


class Host(SharedCase):
    """One host for instances of all kinds."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = cls.share(Lab.standard())
        cls.scl = cls.lab.scl
        cls.libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.scl))

    def scene(self, folder, prefix, external):
        scene = self.use(Scene(folder, self.libvirtd, self.scl, prefix))
        scene.manifest["gatewayInterface"] = "eth0"
        scene.network("default", external, tcp=["2222:192.168.20.2:22"])
        scene.vm("demo", "192.168.20.2/24", "192.168.20.1", autoStart=False)
        return scene

    def domain(self, ctl, vm):
        return f"{ctl.prefix}-{vm}" if ctl.prefix != "scl" else vm

    def lines(self, words):
        return [" ".join(line.split()) for line in self.scl.output(words, check=False).splitlines()]

    def files(self, home):
        """Name, mode, owner, number, time and content of each."""
        found = []
        for path in sorted(home.rglob("*")):
            info = os.lstat(path)
            content = digest(path) if path.is_file() else "-"
            found.append((str(path), oct(info.st_mode), info.st_uid, info.st_ino, info.st_mtime_ns, content))
        return [entry for entry in found if not entry[0].endswith(".lock")]

    def snapshot(self, ctl):
        """All that instance CTL has on this host."""
        name, domain = f"{ctl.prefix}-default", self.domain(ctl, "demo")
        inside = ["ip", "netns", "exec", name]
        links = [line for line in self.lines(["ip", "-o", "-d", "link"]) if f": {ctl.prefix}u-" in line or f": {ctl.prefix}n-" in line]
        # The state of a link may still be on its way up.
        return {"volumes": self.files(ctl.home / "volumes"), "vms": self.files(ctl.home / "vms"),
                "domain": self.libvirtd.virsh("dumpxml", "--inactive", domain),
                "power": self.libvirtd.state(domain),
                "inside": self.lines([*inside, "nft", "-s", "list", "ruleset"]) + self.lines([*inside, "ip", "-4", "route"]),
                "table": self.lines(["nft", "-s", "list", "table", "inet", ctl.prefix]),
                "links": [line.split(":")[1] for line in links],
                "record": self.lines(["cat", f"/run/scl/{ctl.prefix}/instance"]),
                "neighbour": self.lines(["ip", "rule"]) + self.lines(["ip", "-4", "route", "show", "table", "all"])}

    def assert_untouched(self, before, ctl, words):
        now = self.snapshot(ctl)
        missing = [line for line in before.pop("neighbour") if line not in now["neighbour"]]
        now.pop("neighbour")
        self.assertEqual(missing, [], f"rules and routes of {ctl.prefix} after {words}")
        self.assertEqual(now, before, f"{ctl.prefix} after {words}")

    def carry_out(self, scene, words):
        if words == ("apply",):
            return scene.ctl.run("apply", "-f", scene.write())
        if words == ("apply", "empty"):
            return scene.ctl.run("apply", "-f", scene.write(EMPTY), "--allow-empty", "--prune")
        if words == ANEW:
            (scene.ctl.home / "volumes/demo.raw").unlink()
        return scene.ctl.run(*words)


class Matrix(Host):
    def add_running(self, scene):
        """A VM that runs, and without a system changes nothing."""
        blank = scene.folder / "blank.raw"
        blank.write_bytes(b"\x01" + bytes((4 << 20) - 1))
        scene.vm("up", image=str(blank), memorySize=64)

    def snapshot(self, ctl):
        running = self.domain(ctl, "up")
        return {**super().snapshot(ctl), "running": self.libvirtd.virsh("domid", running) + self.libvirtd.virsh("dumpxml", running)}

    def every_verb(self, first, second):
        self.add_running(first)
        self.add_running(second)
        first.apply()
        before = self.snapshot(first.ctl)
        self.assertEqual(len(before["volumes"]), 4, before["volumes"])
        for words in VERBS:
            with self.subTest(verb=words):
                done = self.carry_out(second, words)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assert_untouched(dict(before), first.ctl, words)
        self.assertIn("nothing to do", first.apply().stdout)

    def test_same_state_and_names(self):
        folder = self.folder()
        self.every_verb(self.scene(folder, None, "192.168.10.1"), self.scene(folder, None, "192.168.11.1"))

    def test_numbers_that_meet(self):
        """The hashes of these two meet: equal preferences of rules, equal marks."""
        folder = self.folder()
        self.every_verb(self.scene(folder, "scl", "192.168.10.1"), self.scene(folder, "doc", "192.168.11.1"))

    def test_numbers_that_meet_the_other_way_round(self):
        folder = self.folder()
        self.every_verb(self.scene(folder, "doc", "192.168.11.1"), self.scene(folder, "scl", "192.168.10.1"))


class Instances(Host):
    def refused(self, first, other):
        first.apply()
        before = self.snapshot(first.ctl)
        there = self.files(other.state) if other.state != first.ctl.state else []
        for words in (("vm", "list"), ("status",), ("plan",), *VERBS):
            with self.subTest(verb=words):
                file = first.write(EMPTY if "empty" in words else None)
                if words[0] in ("apply", "plan"):
                    words = (words[0], "-f", file, "--allow-empty", *(("--prune",) if words[0] == "apply" else ()))
                done = other.run(*words)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(f'instance "{other.prefix}" of this host is held by hypervisor {first.ctl.hypervisor} with state '
                              f"folder {first.ctl.state}", done.stderr)
                self.assertRegex(done.stderr, r"connect to that \(sclctl -c 'local:\?hypervisor=[^']*&state=[^']*' ")
                self.assert_untouched(dict(before), first.ctl, words)
        if other.state != first.ctl.state:
            self.assertEqual(self.files(other.state), there)

    def test_same_prefix_on_another_hypervisor(self):
        first = self.scene(self.folder(), None, "192.168.10.1")
        self.refused(first, Sclctl(first.ctl.state, "qemu:///embed", first.ctl.prefix, self.scl))

    def test_same_prefix_with_another_state(self):
        first = self.scene(self.folder(), None, "192.168.10.1")
        self.refused(first, Sclctl(self.folder() / "s", first.ctl.hypervisor, first.ctl.prefix, self.scl))

    def test_folder_of_another_instance_as_state(self):
        """Its note stays what it is, and nothing of it is used."""
        first = self.scene(self.folder(), None, "192.168.10.1")
        first.apply()
        before = self.snapshot(first.ctl)
        for prefix in ("scl", fresh_prefix()):
            other = Sclctl(first.ctl.home, first.ctl.hypervisor, prefix, self.scl)
            for words in (("vm", "list"), ("apply", "-f", first.write())):
                done = other.run(*words, check=1)
                self.assertIn(f'{first.ctl.home} is the folder of instance "{first.ctl.prefix}"', done.stderr)
                self.assert_untouched(dict(before), first.ctl, words)
        self.assertIn("nothing to do", first.apply().stdout)

    def test_two_take_one_address(self):
        """Both have seen that nobody has it; the second one to take it is told who was first, and no guest's port is another's."""
        first, late = (self.scene(self.folder(), None, "192.168.10.1") for _ in range(2))
        for scene in (first, late):
            scene.manifest["virtualMachines"] = {}
        gate, log = self.dir / "gate", self.dir / "calls"
        os.mkfifo(gate)
        held = {"LD_PRELOAD": str(FAULTS), "SCL_FAULT_HOLD": "helper", "SCL_FAULT_GATE": str(gate), "SCL_FAULT_LOG": str(log)}
        process = self.scl.popen(late.ctl.argv("apply", "-f", late.write()), env={**late.ctl.environment(), **held},
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        wait_log(log, b" helper\n")
        first.apply()
        (self.dir / "open").touch()
        # Who waits at the gate goes on, and nobody waits there any more.
        with open(gate, "wb"):
            os.rename(self.dir / "open", gate)
        said = process.communicate(timeout=scltest.bound(120))[1]
        self.assertEqual(process.returncode, 3, said)
        self.assertIn(f'is taken by network "default" of instance "{first.ctl.prefix}" by now', said)
        self.assertIn(f'192.168.10.1 is taken by network "default" of instance "{first.ctl.prefix}"',
                      late.ctl.run("apply", "-f", late.write(), check=1).stderr)
        self.assertEqual(len([line for line in self.lines(["ip", "-4", "route"]) if line.startswith("192.168.10.1 ")]), 1)
        first.apply()
        self.assertIn("nothing to do", first.apply().stdout)
        # The way out of the other one.
        late.network("default", "192.168.10.9")
        late.apply()
        self.assertIn("nothing to do", first.apply().stdout)

    def test_prefix_is_free_when_nothing_is_left(self):
        first = self.scene(self.folder(), None, "192.168.10.1")
        other = Sclctl(self.folder() / "s", first.ctl.hypervisor, first.ctl.prefix, self.scl)
        for words in ((), ("vm", "delete", "--yes", "demo")):
            first.apply()
            if words:
                first.ctl.run(*words, check=0)
                first.ctl.run("network", "delete", "--yes", "default", check=0)
            else:
                self.carry_out(first, ("apply", "empty"))
            self.assertFalse((first.ctl.home / "instance").exists())
            other.run("apply", "-f", first.write(), check=0)
            self.assertEqual(first.ctl.run("vm", "list").returncode, 1)
            other.run("apply", "-f", first.write(EMPTY), "--allow-empty", "--prune", check=0)
        self.assertEqual(first.ctl.json("volume", "list")[0]["name"], "demo")

    def test_killed_before_it_gave_the_prefix_up(self):
        """All is removed and the notes are still there: the same again removes them, and once more has nothing to do."""
        first = self.scene(self.folder(), None, "192.168.10.1")
        notes = [first.ctl.home / "instance", Path(f"/run/scl/{first.ctl.prefix}/instance")]
        first.apply()
        kept = [self.scl.output(["cat", str(path)]) for path in notes]
        for left in ((0, 1), (0,), (1,)):
            with self.subTest(left=left):
                self.carry_out(first, ("apply", "empty"))
                for number in left:
                    self.scl.run(["mkdir", "-p", str(notes[number].parent)])
                    self.scl.run(["tee", str(notes[number])], input=kept[number])
                self.assertEqual(self.carry_out(first, ("apply", "empty")).returncode, 0)
                self.scl.run(["sh", "-c", f"! [ -e {notes[0]} ] && ! [ -e {notes[1]} ]"])
                self.assertIn("nothing to do", self.carry_out(first, ("apply", "empty")).stdout)

    def test_reboot(self):
        """/run is empty then; the state folder still says which hypervisor its VMs are on."""
        first = self.scene(self.folder(), None, "192.168.10.1")
        first.apply()
        self.scl.run(["rm", f"/run/scl/{first.ctl.prefix}/instance"])
        other = Sclctl(first.ctl.state, "qemu:///embed", first.ctl.prefix, self.scl)
        done = other.run("vm", "list")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"held by hypervisor {first.ctl.hypervisor}", done.stderr)
        self.assertIn("nothing to do", first.apply().stdout)


class Before(Host):
    """State that 0.1 made: one folder for the volumes of all instances, no word in them whose they are."""

    def make_old(self, scene):
        """What 0.1 would have left of it."""
        home, state = scene.ctl.home, scene.ctl.state
        for part in ("volumes", "vms"):
            with contextlib.suppress(FileExistsError):
                (state / part).mkdir(mode=0o711)
            for path in (home / part).iterdir():
                path.rename(state / part / path.name)
            (home / part).rmdir()
        sidecar = state / "volumes/demo.json"
        said = json.loads(sidecar.read_text())
        self.assertEqual(said.pop("instance"), scene.ctl.prefix)
        sidecar.write_text(json.dumps(said))
        text = self.libvirtd.virsh("dumpxml", "--inactive", scene.domain("demo"))
        self.libvirtd.virsh("define", scene.file("old.xml", text.replace(f"{home}/", f"{state}/")))
        (home / "instance").unlink()
        self.scl.run(["rm", f"/run/scl/{scene.ctl.prefix}/instance"])

    def setUp(self):
        folder = self.folder()
        self.old = self.scene(folder, fresh_prefix(), "192.168.10.1")
        self.default = Sclctl(self.old.ctl.state, self.libvirtd.uri, "scl", self.scl)
        self.old.apply()
        self.make_old(self.old)
        self.path = self.old.ctl.state / "volumes/demo.raw"
        self.number = self.path.stat().st_ino

    def volumes(self, ctl):
        return [(volume["name"], volume["path"], volume["used"]) for volume in ctl.json("volume", "list")]

    def test_goes_on_where_it_is(self):
        # Before anything was written about it: reading alone knows.
        self.assertEqual(self.volumes(self.old.ctl), [("demo", str(self.path), True)])
        self.assertEqual(self.volumes(self.default), [])
        self.assertIn("nothing to do", self.old.apply().stdout)
        self.old.ctl.run("vm", "start", "demo", check=0)
        self.assertIn(str(self.path), self.libvirtd.virsh("domblklist", self.old.domain("demo")))
        self.old.ctl.run("vm", "stop", "--force", "demo", check=0)
        self.old.manifest["virtualMachines"]["demo"]["memorySize"] = 112
        self.old.apply()
        self.assertEqual(self.path.stat().st_ino, self.number)
        self.assertFalse((self.old.ctl.home / "volumes").exists())

    def test_default_instance_leaves_it(self):
        self.default.run("volume", "prune", "--yes", check=0)
        self.assertEqual(self.default.run("volume", "delete", "--yes", "demo").returncode, 1)
        scene = self.scene(self.old.folder, "scl", "192.168.11.1")
        done = scene.apply(check=1)
        self.assertIn(f'{self.path} exists and belongs to instance "{self.old.ctl.prefix}"', done.stderr)
        self.assertEqual(self.path.stat().st_ino, self.number)

    def test_file_that_another_instance_has_taken(self):
        """With 0.1 two instances could have one file for their VMs. The other has claimed it first."""
        sidecar = self.path.with_suffix(".json")
        sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "instance": "scl"}))
        before = self.path.read_bytes()
        for words in (["vm", "start", "demo"], ["volume", "create", "demo", "--from-image"]):
            done = self.old.ctl.run(*words, check=1)
            self.assertIn(f"the VM's domain names {self.path}, which another one has taken over", done.stderr)
            self.assertIn(self.old.ctl.command("vm delete demo"), done.stderr)
        self.assertIn("which another one has taken over", self.old.apply(check=1).stderr)
        self.assertEqual(self.libvirtd.state(self.old.domain("demo")), "shut off")
        self.assertFalse((self.old.ctl.home / "volumes").exists())
        # The way out that it names.
        self.old.ctl.run("vm", "delete", "--yes", "demo", check=0)
        self.old.apply()
        own = self.old.ctl.home / "volumes/demo.raw"
        self.assertIn(str(own), self.libvirtd.virsh("domblklist", self.old.domain("demo")))
        self.assertEqual((self.path.stat().st_ino, self.path.read_bytes()), (self.number, before))

    def test_file_that_is_lost(self):
        """What is made anew is made where the instance's volumes are now, and its domain is led there."""
        for path in (self.path, self.path.with_suffix(".json")):
            path.unlink()
        self.assertIn("is gone", self.old.ctl.run("vm", "start", "demo", check=1).stderr)
        self.old.ctl.run("volume", "create", "demo", "--from-image", check=0)
        own = self.old.ctl.home / "volumes/demo.raw"
        self.assertTrue(own.exists())
        self.assertIn(f"`{self.old.ctl.command('apply')}` gives it the volume", self.old.ctl.run("vm", "start", "demo", check=1).stderr)
        self.assertIn(f"disk 0 is {self.path}, which is gone; its volume is {own}", self.old.apply().stdout)
        self.old.ctl.run("vm", "start", "demo", check=0)
        self.assertIn(str(own), self.libvirtd.virsh("domblklist", self.old.domain("demo")))
        self.assertIn("nothing to do", self.old.apply().stdout)

    def test_stays_its_own_when_the_vm_is_gone(self):
        manifest = self.old.copy()
        manifest["virtualMachines"] = {}
        self.old.apply(manifest, "--prune")
        self.assertEqual(self.volumes(self.old.ctl), [("demo", str(self.path), False)])
        self.assertEqual(self.volumes(self.default), [])
        self.default.run("volume", "prune", "--yes", check=0)
        self.old.apply()
        self.assertEqual(self.path.stat().st_ino, self.number)
        self.old.apply(manifest, "--prune")
        self.old.ctl.run("volume", "prune", "--yes", check=0)
        self.assertFalse(self.path.exists())


class Adopting(Host):
    """One instance takes over what the other has made."""

    def setUp(self):
        folder = self.folder()
        self.first = self.scene(folder, None, "192.168.10.1")
        self.second = self.scene(folder, None, "192.168.11.1")
        self.first.apply()
        self.path = self.first.ctl.home / "volumes/demo.raw"
        with open(self.path, "r+b") as file:
            file.write(b"MINE")
        self.number = self.path.stat().st_ino

    def adopt(self, check=0, by=None, whose=None, name="demo"):
        by, whose = by or self.second, whose or self.first
        return by.ctl.run("volume", "adopt", name, "--from", getattr(whose, "ctl", whose).prefix, check=check)

    def refused(self, *words, **options):
        """One error with all of WORDS, and nothing of the first instance is changed. What it says."""
        before = self.snapshot(self.first.ctl)
        done = self.adopt(check=1, **options)
        step, said = done.stderr.splitlines()
        self.assertEqual((done.stdout, step.partition(": ")[2]), ("", "failed"))
        for word in words:
            self.assertIn(word, said)
        self.assert_untouched(before, self.first.ctl, words)
        self.assertEqual(list(self.second.ctl.home.glob("volumes/*")), [])
        return said

    def names(self, scene):
        return [volume["name"] for volume in scene.ctl.json("volume", "list")]

    def test_goes_on_with_its_data(self):
        prefix, domain = self.first.ctl.prefix, self.first.domain("demo")
        said = self.refused(f'domain "{domain}" names {self.path}: it is VM "demo" of instance "{prefix}"')
        printed = shlex.split(re.search(r"\(sclctl (-c '.*' vm delete demo)\)", said)[1])
        self.second.ctl.run(*printed, "--yes", check=0)
        self.assertEqual(self.names(self.first), ["demo"])
        self.adopt()
        self.assertEqual((self.names(self.first), self.names(self.second)), ([], ["demo"]))
        self.assertEqual(list((self.first.ctl.home / "volumes").iterdir()), [])
        own = self.second.ctl.home / "volumes/demo.raw"
        self.second.apply()
        self.assertIn(str(own), self.libvirtd.virsh("domblklist", self.second.domain("demo")))
        self.assertIn("nothing to do", self.second.apply().stdout)
        with open(own, "rb") as file:
            self.assertEqual((file.read(4), own.stat().st_ino), (b"MINE", self.number))
        with self.subTest("once more, and when both have one"):
            self.assertIn(f'instance "{prefix}" has no volume "demo"', self.adopt(check=1).stderr)
            self.first.apply()
            self.assertIn(f'instance "{self.second.ctl.prefix}" has a volume "demo" already, {own}', self.adopt(check=1).stderr)
            self.assertEqual(own.stat().st_ino, self.number)

    def test_whose_it_is(self):
        """Not listed as ours, shown or deleted; whose it is and both ways on are said, wherever it lies."""
        default = Sclctl(self.first.ctl.state, self.libvirtd.uri, "scl", self.scl)
        before = self.snapshot(self.first.ctl)
        for ctl in (self.second.ctl, default):
            for words in (["volume", "show", "demo"], ["volume", "delete", "--yes", "--foreign", "demo"]):
                with self.subTest(by=ctl.prefix, verb=words[1]):
                    done = ctl.run(*words, check=1)
                    self.assertEqual((done.stdout, len(done.stderr.splitlines())), ("", 1))
                    self.assertIn(f'volume "demo" belongs to instance "{self.first.ctl.prefix}"', done.stderr)
                    show = re.search(r"\(sclctl (-c '.*' volume show demo)\)", done.stderr)[1]
                    self.assertIn(str(self.path), ctl.run(*shlex.split(show), check=0).stdout)
                    self.assertIn(f"volume adopt demo --from {self.first.ctl.prefix}` takes it over", done.stderr)
            self.assertEqual(ctl.json("volume", "list"), [])
            self.assertIn("there is none", ctl.run("volume", "show", "other", check=1).stderr)
        self.assert_untouched(before, self.first.ctl, "show and delete")

    def test_what_others_use(self):
        """A domain made by hand, and one whose disk stands on the volume."""
        self.first.ctl.run("vm", "delete", "--yes", "demo", check=0)
        self.second.ctl.home.mkdir(parents=True, exist_ok=True)
        overlay = self.first.folder / "overlay.qcow2"
        self.scl.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", self.path, "-F", "raw", str(overlay)])
        for kind, file in (("raw", self.path), ("qcow2", overlay)):
            with self.subTest(disk=kind):
                name = f"{self.first.ctl.prefix}-hand"
                xml = (f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory><os><type arch='x86_64' "
                       f"machine='q35'>hvm</type></os><devices><disk type='file'><driver name='qemu' type='{kind}'/>"
                       f"<source file='{file}'/><target dev='vda' bus='virtio'/></disk></devices></domain>")
                self.libvirtd.virsh("define", self.first.file("hand.xml", xml))
                done = self.adopt(check=1)
                self.assertIn(f'domain "{name}" names {self.path}: take it away from the domain first', done.stderr)
                self.libvirtd.virsh("undefine", name)
        self.adopt()
        self.assertEqual((self.second.ctl.home / "volumes/demo.raw").stat().st_ino, self.number)

    def test_names(self):
        self.refused("there is no instance \"nobody\" in", f'"{self.first.ctl.prefix}"', whose=Sclctl("/", prefix="nobody"))
        self.refused(f'instance "{self.second.ctl.prefix}" is this one', whose=self.second)
        self.refused('has no volume "other"', "volume list", name="other")

    def test_both_are_locked(self):
        """Whoever is at work with either is named, and nothing is done."""
        for scene in (self.first, self.second):
            with self.subTest(locked=scene.ctl.prefix):
                path = f"/run/scl/.lock/{scene.ctl.prefix}.lock"
                holder = self.scl.popen(["flock", path, "sh", "-c", "echo; read -r line"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
                self.assertEqual(holder.stdout.read(1), b"\n")
                done = self.second.ctl.run("--timeout", "0", "volume", "adopt", "demo", "--from", self.first.ctl.prefix, check=75)
                holder.communicate(b"\n", timeout=scltest.bound(30))
                self.assertIn(f'instance "{scene.ctl.prefix}" is locked by', done.stderr)
                self.assertEqual(self.path.stat().st_ino, self.number)

    def test_nvram(self):
        """It goes with the volume of the VM that it is the NVRAM of; one that is left alone is shown and pruned."""
        self.first.ctl.run("vm", "delete", "--yes", "demo", check=0)
        theirs, ours = (ctl.home / "vms/demo/nvram.fd" for ctl in (self.first.ctl, self.second.ctl))
        theirs.parent.mkdir(parents=True, exist_ok=True)
        theirs.write_bytes(b"variables")
        number = theirs.stat().st_ino
        name = f"{self.first.ctl.prefix}-hand"
        xml = (f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory><os><type arch='x86_64' machine='q35'>hvm</type>"
               f"<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader><nvram>{theirs}</nvram></os>"
               "<features><acpi/></features></domain>")
        self.libvirtd.virsh("define", self.first.file("hand.xml", xml))
        self.assertIn(f'domain "{name}" names {theirs}', self.adopt(check=1).stderr)
        self.assertEqual((self.path.stat().st_ino, theirs.stat().st_ino), (self.number, number))
        self.libvirtd.virsh("undefine", "--keep-nvram", name)
        self.adopt()
        self.assertEqual((ours.stat().st_ino, theirs.exists()), (number, False))
        with self.subTest("it stays for a VM that has its volume"):
            self.assertEqual([volume["kind"] for volume in self.second.ctl.json("volume", "list")], ["volume"])
        with self.subTest("alone"):
            kept = ours.with_name("kept.fd")
            ours.rename(kept)
            self.second.ctl.run("volume", "delete", "--yes", "demo", check=0)
            kept.rename(ours)
            self.assertEqual([(one["name"], one["kind"], one["used"]) for one in self.second.ctl.json("volume", "list")],
                             [("demo", "nvram", False)])
            done = self.second.ctl.run("volume", "prune", check=1)
            self.assertIn("KIND", done.stdout.splitlines()[0])
            self.assertIn('delete with all data the NVRAM of VM "demo" needs a yes', done.stderr)
            self.assertEqual(ours.stat().st_ino, number)
            self.second.ctl.run("volume", "prune", "--yes", check=0)
            self.assertFalse(ours.parent.exists())
            self.assertEqual(self.second.ctl.json("volume", "list"), [])

    def test_hypervisor_of_the_other(self):
        """Its VMs are on another hypervisor: that is asked, too, and one that does not answer keeps the volume."""
        with Libvirtd(self.folder() / "other", self.scl) as libvirtd:
            other = Sclctl(self.first.ctl.state, libvirtd.uri, self.second.ctl.prefix, self.scl)
            words = ("volume", "adopt", "demo", "--from", self.first.ctl.prefix)
            done = other.run(*words, check=1)
            self.assertIn(f'domain "{self.first.domain("demo")}" names {self.path}', done.stderr)
            self.first.ctl.run("vm", "delete", "--yes", "demo", check=0)
            note = f"/run/scl/{self.first.ctl.prefix}/instance"
            gone = self.libvirtd.uri.replace("libvirt-sock", "libvirt-gone")
            self.assertNotEqual(gone, self.libvirtd.uri)
            for path in (note, self.first.ctl.home / "instance"):
                self.scl.run(["sed", "-i", f"s,{self.libvirtd.uri},{gone},", str(path)])
            self.assertIn(f"may be on hypervisor {gone}, whose domains cannot be asked", other.run(*words, check=1).stderr)
            for path in (note, self.first.ctl.home / "instance"):
                self.scl.run(["sed", "-i", f"s,{gone},{self.libvirtd.uri},", str(path)])
            self.assertEqual(self.path.stat().st_ino, self.number)
            other.run(*words, check=0)
            self.assertEqual((other.home / "volumes/demo.raw").stat().st_ino, self.number)


if __name__ == "__main__":
    scltest.main()
