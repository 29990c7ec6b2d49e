#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks of VMs that are there already: growth that nobody told, lost volumes, other tools' snapshots.

The VMs have no system and stay in their firmware: what counts is what QEMU has, and nothing boots here.
"""

import json
import os
import re
import shlex
import shutil
import subprocess

import scltest
from scltest import Lab, Libvirtd
from scltest.scene import Scene, SharedCase

MIB = 1 << 20


class Disks(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        cls.libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.scl))
        cls.scene = cls.share(Scene(cls.dir, cls.libvirtd, cls.scl))
        cls.image = cls.dir / "image.raw"
        cls.image.write_bytes(b"\x01" + bytes(4 * MIB - 1))
        cls.scene.network("default")
        for name in ("demo", "other"):
            cls.scene.vm(name, image=str(cls.image), imageSize=16, memorySize=64)
        cls.declared = cls.scene.copy()

    def setUp(self):
        """Each case begins with two running VMs and ends with none, and without their volumes."""
        self.scene.manifest = self.copy_of(self.declared)
        self.scene.apply()
        self.addCleanup(self.remove_all)

    def copy_of(self, manifest):
        self.scene.manifest = manifest
        return self.scene.copy()

    def remove_all(self):
        for name in self.libvirtd.domains():
            self.libvirtd.virsh("destroy", name, check=False)
        self.scene.manifest = self.copy_of(self.declared)
        del self.scene.manifest["virtualMachines"]
        self.scene.apply(None, "--prune", "--allow-empty")
        self.scene.ctl.run("volume", "prune", "--yes", check=0)

    def volume(self, name="demo"):
        return self.scene.ctl.home / f"volumes/{name}.raw"

    def set(self, check=0, name="demo", **settings):
        self.scene.manifest["virtualMachines"][name].update(settings)
        return self.scene.apply(check=check)

    def plan(self, check):
        return self.scene.ctl.run("plan", "-f", self.scene.write(), check=check)

    def vm(self, name="demo"):
        return self.scene.ctl.json("vm", "show", name)

    def guest_mib(self, name="demo"):
        """What QEMU shows its guest."""
        text = self.libvirtd.virsh("domblkinfo", self.scene.domain(name), "vda")
        return int(text.split("Capacity:")[1].split()[0]) / MIB

    def begin_stop(self, name):
        """A `vm stop` that has pressed the button; it tells a terminal so."""
        os.environ["TERM"] = "xterm"
        ours, its = os.openpty()
        self.addCleanup(os.close, ours)
        process = self.scene.ctl.start("vm", "stop", name, stdout=-3, stderr=its)
        os.close(its)
        text = b""
        while b"waiting for the guest" not in text:
            text += os.read(ours, 4096)
        return process

    def test_killed_stop_leaves_a_running_vm(self):
        """It is stopping while somebody is at it; its disk grows live meanwhile and afterwards."""
        self.set(shutdownTimeout=600)
        stop = self.begin_stop("demo")
        self.assertEqual(self.vm()["state"], "stopping")
        stop.kill()
        stop.wait()
        self.assertEqual((self.vm()["state"], self.vm()["stoppedBy"]), ("running", "nobody"))
        self.set(imageSize=24)
        self.assertEqual(self.guest_mib(), 24)
        # No wish is left over: an end that nobody wanted is not the user's.
        self.libvirtd.virsh("destroy", self.scene.domain("demo"))
        self.assertRegex(self.scene.apply().stdout, r'start +VM "demo"')

    def test_interrupted_stop_leaves_a_running_vm(self):
        self.set(shutdownTimeout=600)
        stop = self.begin_stop("demo")
        self.assertEqual(self.scene.ctl.stop(stop), 130)
        self.assertEqual((self.vm()["state"], self.vm()["stoppedBy"]), ("running", "nobody"))

    def test_growth_that_the_guest_was_not_told(self):
        """Whoever made the file larger was killed before he told."""
        os.truncate(self.volume(), 24 * MIB)
        self.scene.manifest["virtualMachines"]["demo"]["imageSize"] = 24
        self.assertRegex(self.plan(2).stdout, r'grow +volume "demo" +the running guest sees 16 MiB of 24')
        self.scene.apply()
        self.assertEqual(self.guest_mib(), 24)
        self.assertIn("nothing to do", self.scene.apply().stdout)

    def test_growth_while_paused(self):
        self.libvirtd.virsh("suspend", self.scene.domain("demo"))
        self.set(imageSize=24)
        self.assertEqual((self.vm()["state"], self.guest_mib()), ("paused", 24))
        self.assertIn("nothing to do", self.scene.apply().stdout)

    def test_disk_that_another_tool_led_away(self):
        """As blockcopy and blockpull leave it: a definition by SCL would go back to old data."""
        name = self.scene.domain("demo")
        for kind in ("raw", "qcow2"):
            self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
            away = self.dir / f"led-away.{kind}"
            subprocess.run(["qemu-img", "convert", "-O", kind, self.volume(), away], check=True)
            definition = self.libvirtd.virsh("dumpxml", "--inactive", name)
            changed = definition.replace(f"'{self.volume()}'", f"'{away}'").replace("type='raw'", f"type='{kind}'", 1)
            self.libvirtd.virsh("define", self.scene.file("changed.xml", changed))
            told = f"another tool has led its disk to {away}"
            self.assertRegex(self.scene.ctl.run("status", check=0).stdout, f"{told}.*{re.escape(self.scene.ctl.command('vm stop demo'))}")
            self.scene.manifest["virtualMachines"]["demo"]["memorySize"] = 80
            self.assertIn(told, self.scene.apply(check=1).stderr)
            self.scene.manifest["virtualMachines"]["demo"]["memorySize"] = 64
            self.scene.apply(None, "--boot")
            self.assertIn(f"file='{away}'", self.libvirtd.virsh("dumpxml", name))
            self.assertIn(told, self.scene.ctl.run("vm", "delete", "--yes", "demo", check=1).stderr)
            self.assertTrue(away.exists())
            # Moved away by whoever decides, it is not missed.
            self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
            away.unlink()
            self.scene.apply(None, "--boot")
            self.assertIn(f"file='{self.volume()}'", self.libvirtd.virsh("dumpxml", name))

    def belongings(self, name):
        """Its files beside its disk, and its links."""
        links = json.loads(self.scl.output(["ip", "-j", "link"]))
        return sorted(os.listdir(self.scene.ctl.home / "vms" / name)), sorted(link["ifname"] for link in links)

    def test_folder_of_a_vm_is_cleaned_away(self):
        """It has its console's log and what its files make; its data is in its volume."""
        self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
        shutil.rmtree(self.scene.ctl.home / "vms/demo")
        self.scene.ctl.run("vm", "start", "demo", check=0)
        self.assertEqual(self.vm()["state"], "running")
        self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
        shutil.rmtree(self.scene.ctl.home / "vms/demo")
        self.scene.apply(None, "--boot")
        self.assertEqual(self.vm()["state"], "running")

    def test_saved_vm(self):
        """Its memory is as much the guest's as its disk is: it goes on with it, and is not removed with it."""
        name = self.scene.domain("demo")
        without = self.scene.copy()
        del without["virtualMachines"]["demo"]
        self.libvirtd.virsh("managedsave", name)
        self.assertEqual(self.vm()["state"], "stopped")
        self.assertEqual((self.vm()["saved"], self.vm("other")["saved"]), (True, False))
        self.assertRegex(self.scene.ctl.run("vm", "list").stdout, r"(?m)^demo +stopped, saved ")
        self.assertIn("stopped (its memory is saved)", self.scene.ctl.run("vm", "show", "demo").stdout)
        told = "virtualMachines.demo: another tool has saved its memory (virsh managedsave): its next start goes on from there"
        self.assertIn(told, self.scene.ctl.run("status", check=0).stdout)
        self.assertRegex(self.plan(2).stdout, r'start +VM "demo" +autoStart, and it goes on from its saved memory')
        self.scene.manifest["virtualMachines"]["demo"]["memorySize"] = 80
        self.assertIn("64 → 80 MiB, new hardware when it boots: before that it goes on from its saved memory", self.plan(2).stdout)
        self.scene.manifest["virtualMachines"]["demo"].update(memorySize=64, autoStart=False)
        self.scene.apply()
        self.assertIn(f"note: {told}", self.plan(0).stderr)
        self.scene.manifest["virtualMachines"]["demo"]["autoStart"] = True
        before = self.belongings("demo")
        for done in (self.scene.apply(without, "--prune", check=1), self.scene.ctl.run("vm", "delete", "--yes", "demo", check=1)):
            self.assertIn('VM "demo": another tool has saved its memory (virsh managedsave), which would be lost', done.stderr)
            self.assertIn(f"virsh managedsave-remove {name}", done.stderr)
        self.assertRegex(self.libvirtd.virsh("dominfo", name), "Managed save: +yes")
        # Nothing has gone before that was found, so the way out is one.
        self.assertEqual(self.belongings("demo"), before)
        self.assertIn('VM "demo": it goes on from the memory that another tool has saved',
                      self.scene.ctl.run("vm", "start", "demo", check=0).stderr)
        self.assertFalse(self.vm()["saved"])
        self.libvirtd.virsh("managedsave", name)
        # What has changed meanwhile waits for a boot, which this is not; a disk grows as that of any running guest.
        self.set(memorySize=80, imageSize=24)
        self.assertEqual(self.vm()["state"], "running")
        self.assertIn("<memory unit='KiB'>65536<", self.libvirtd.virsh("dumpxml", name))
        self.assertIn("64 → 80 MiB", str(self.vm()["pending"]))
        self.assertIn("nothing to do", self.scene.apply().stdout)
        self.assertEqual(self.guest_mib(), 24)
        # Given up by its verb, nothing is in the way.
        self.libvirtd.virsh("managedsave", name)
        self.libvirtd.virsh("managedsave-remove", name)
        self.scene.apply(without, "--prune")
        self.assertEqual(self.libvirtd.domains(), [self.scene.domain("other")])

    def test_lost_volume_of_a_saved_vm(self):
        """What it remembers of the old disk would be written over the new one."""
        name = self.scene.domain("demo")
        self.libvirtd.virsh("managedsave", name)
        os.unlink(self.volume())
        done = self.scene.ctl.run("volume", "create", "demo", "--from-image", check=1)
        self.assertIn('volume "demo" is not made anew: VM "demo": another tool has saved its memory', done.stderr)
        self.assertIn(f"virsh managedsave-remove {name}", done.stderr)
        self.assertFalse(self.volume().exists())
        self.libvirtd.virsh("managedsave-remove", name)
        self.scene.ctl.run("volume", "create", "demo", "--from-image", check=0)
        self.assertEqual(self.volume().stat().st_size, 16 * MIB)

    def test_lost_volume_is_not_made_anew(self):
        """The state folder's volumes are not mounted; the other VM goes on."""
        self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
        self.volume().rename(self.dir / "away.raw")
        before = self.libvirtd.virsh("dumpxml", "--inactive", self.scene.domain("demo"))
        self.scene.manifest["virtualMachines"]["demo"]["memorySize"] = 80
        self.scene.manifest["virtualMachines"]["other"]["memorySize"] = 80
        for done in (self.plan(1), self.scene.apply(None, "--boot", check=3),
                     self.scene.ctl.run("vm", "start", "demo", check=1), self.scene.ctl.run("vm", "restart", "demo", check=1)):
            self.assertIn(f'volume "demo" of VM "demo" is gone ({self.volume()}): is {self.scene.ctl.state} mounted?', done.stderr)
            self.assertEqual((done.stdout + done.stderr).count(self.scene.ctl.command("volume create demo --from-image")), 1, done.stdout + done.stderr)
        self.assertNotIn('blocked volume "demo": failed', self.scene.apply(None, "--boot", check=None).stderr)
        self.assertIn("is gone", self.scene.ctl.run("validate", "--preflight", "-f", self.scene.write(), check=1).stderr)
        self.assertFalse(self.volume().exists())
        self.assertEqual(self.libvirtd.state(self.scene.domain("demo")), "shut off")
        self.assertEqual(self.libvirtd.virsh("dumpxml", "--inactive", self.scene.domain("demo")), before)
        self.assertIn(str(80 << 10), self.libvirtd.virsh("dumpxml", "--inactive", self.scene.domain("other")))
        (self.dir / "away.raw").rename(self.volume())
        self.scene.apply(None, "--boot")
        self.assertEqual(self.libvirtd.state(self.scene.domain("demo")), "running")

    def test_lost_volume_whose_image_has_moved(self):
        """Both ways that the message says work."""
        moved = self.image.with_name("moved.raw")
        self.scene.ctl.run("vm", "stop", "--force", "--yes", "demo", check=0)
        for way in ("link", "vm delete"):
            self.image.rename(moved)
            try:
                os.unlink(self.volume())
                done = self.scene.ctl.run("volume", "create", "demo", "--from-image", check=1)
                self.assertIn(f'{self.image}: cannot open: No such file or directory: that is the image that VM "demo" was made with', done.stderr)
                self.assertIn("a link will do", done.stderr)
                self.assertIn(self.scene.ctl.command("vm delete demo"), done.stderr)
                if way == "link":
                    self.image.symlink_to(moved)
                    self.scene.ctl.run("volume", "create", "demo", "--from-image", check=0)
                else:
                    self.scene.ctl.run("vm", "delete", "demo", "--yes", check=0)
                    self.set(image=str(moved), autoStart=False)
            finally:
                self.image.unlink(missing_ok=True)
                moved.rename(self.image)
            self.assertEqual(self.volume().stat().st_size, 16 * MIB)

    def seed_id(self, name="demo"):
        """The instance-id that cloud-init finds; another one would set the guest up once more."""
        seed = (self.scene.ctl.home / f"vms/{name}/seed.iso").read_bytes()
        return re.search(rb"instance-id: ?(\S+)", seed).group(1)

    def test_lost_note(self):
        """The VM's domain tells whose the volume is: so it stays the instance's when that goes, too."""
        told = 'volume "demo" has lost its note'
        note = self.volume().with_suffix(".json")
        (self.dir / "user-data").write_text("#cloud-config\n{}\n")
        self.set(cloudInitUserConfigFile=str(self.dir / "user-data"))
        seed = self.seed_id()
        for damage in (None, b"", b'{"id": ', b'{"somebody": "else"}'):
            with self.subTest(damage=damage):
                was = note.read_bytes()
                note.unlink()
                if damage is not None:
                    note.write_bytes(damage)
                status = self.scene.ctl.run("status", check=2)
                self.assertIn(told, status.stdout + status.stderr)
                self.assertIn("error: volumes.demo: ", status.stdout + status.stderr)
                self.assertEqual(self.scene.ctl.json("volume", "show", "demo")["vm"], "demo")
                plan = self.plan(2)
                self.assertRegex(plan.stdout, 'repair +volume "demo"')
                self.assertEqual(note.read_bytes() if damage is not None else None, damage)
                self.scene.apply()
                now = json.loads(note.read_text())
                before = json.loads(was)
                self.assertEqual([now[key] for key in ("instance", "vm")], [before[key] for key in ("instance", "vm")])
                self.assertEqual(now["image"]["path"], str(self.image))
                self.assertNotIn("pending", now)
                self.assertEqual(note.stat().st_mode & 0o777, 0o600)
                self.plan(0)
                self.assertNotIn(told, self.scene.ctl.run("status", check=0).stdout)
        self.assertEqual(sorted(path.read_bytes() for path in note.parent.glob("demo.json.damaged-*")),
                         [b"", b'{"id": ', b'{"somebody": "else"}'])
        self.assertEqual(self.seed_id(), seed)
        for path in note.parent.glob("demo.json.damaged-*"):
            path.unlink()
        self.scene.ctl.run("vm", "stop", "--force", "--yes", "demo", check=0)
        note.unlink()
        self.scene.ctl.run("vm", "delete", "demo", "--yes", check=0)
        self.scene.apply()
        self.assertEqual(self.scene.ctl.json("volume", "show", "demo")["vm"], "demo")

    def test_lost_note_of_what_is_not_ours(self):
        """What a domain of ours does not name as that volume is nobody's, whatever it is called."""
        stranger = self.volume("stranger")
        stranger.write_bytes(b"precious")
        self.scene.ctl.run("vm", "stop", "--force", "--yes", "other", check=0)
        self.scene.ctl.run("vm", "delete", "other", "--yes", check=0)
        self.volume("other").with_suffix(".json").unlink()
        self.scene.manifest["virtualMachines"].pop("other")
        self.scene.apply()
        self.assertEqual([path.name for path in stranger.parent.glob("*.json")], ["demo.json"])
        self.assertEqual(stranger.read_bytes(), b"precious")
        stranger.unlink()
        self.volume("other").unlink()

    def test_nothing_is_written_where_state_is_not_mounted(self):
        self.scene.ctl.run("vm", "stop", "--force", "demo", "other", check=0)
        state, away = self.scene.ctl.state, self.dir / "away"
        state.rename(away)
        state.mkdir(mode=0o711)
        done = self.scene.apply(None, "--boot", check=None)
        self.assertIn(done.returncode, (1, 3))
        self.assertIn(f"is {state} mounted?", done.stderr)
        self.assertEqual(sorted(state.rglob("*")), [])
        state.rmdir()
        away.rename(state)
        self.scene.apply(None, "--boot")
        self.assertEqual(self.libvirtd.state(self.scene.domain("demo")), "running")

    def test_lost_volume_is_made_anew_by_its_verb(self):
        self.assertIn("is there", self.scene.ctl.run("volume", "create", "demo", "--from-image", check=1).stderr)
        os.unlink(self.volume())
        self.assertIn("still runs", self.scene.ctl.run("volume", "create", "demo", "--from-image", check=1).stderr)
        self.assertEqual(self.vm()["state"], "running")
        self.scene.ctl.run("vm", "stop", "--force", "--yes", "demo", check=0)
        self.assertIn("--from-image", self.scene.ctl.run("volume", "create", "demo", check=64).stderr)
        self.scene.ctl.run("volume", "create", "demo", "--from-image", check=0)
        self.assertEqual(self.volume().stat().st_size, 16 * MIB)
        self.scene.apply(None, "--boot")
        self.assertEqual(self.libvirtd.state(self.scene.domain("demo")), "running")

    def refuse_loss(self, told, *words, check=1):
        """It says what would be lost, asks nobody, and the VM goes on."""
        done = self.scene.ctl.run(*words, check=check)
        self.assertIn(told, done.stderr)
        self.assertEqual(self.libvirtd.state(self.scene.domain("demo")), "running")
        return done.stderr

    def check_document_of_two_failures(self):
        """Nobody agrees to lose "demo", and "other" cannot be stopped: the document tells what the status is of."""
        path = f"/run/scl/.lock/{self.scene.ctl.prefix}.lock"
        holder = self.scl.popen(["flock", path, "sh", "-c", "echo; read -r line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(holder.stdout.read(1), b"\n")
        document = self.scene.ctl.json("--timeout", "0", "vm", "stop", "--force", "demo", "other", check=75)
        holder.communicate(b"\n", timeout=scltest.bound(30))
        self.assertEqual(document["error"]["code"], "busy")

    def test_lost_volume_of_a_vm_called_network(self):
        """Its errors are not those of a VM's network, which an apply would repair."""
        self.scene.vm("network", autoStart=False)
        self.scene.apply()
        os.unlink(self.volume("network"))
        status = self.scene.ctl.run("status", check=1).stdout
        self.assertRegex(status, r"error: virtualMachines\.network: .*volume \"network\"")

    def test_disk_that_is_deleted_under_a_running_guest(self):
        """What is on it is gone with QEMU: nothing ends that without a yes, and what the message says keeps it."""
        with open(self.volume(), "r+b") as file:
            file.seek(8 * MIB)
            file.write(b"MINE")
        os.unlink(self.volume())
        told = f"the VM's disk {self.volume()} was deleted while it runs: what is on it is lost for good when the VM stops"
        status = self.scene.ctl.run("status", check=1).stdout
        self.assertIn(told, status)
        self.assertNotIn("mounted?", status)
        self.assertIn(told, self.vm()["lostAtStop"])
        self.assertIsNone(self.vm("other")["lostAtStop"])
        for words in (("stop", "demo"), ("stop", "--force", "demo")):
            self.assertIn("needs a yes", self.refuse_loss(told, "vm", *words))
        for words in (("restart", "demo"), ("delete", "--yes", "demo")):
            self.refuse_loss(told, "vm", *words)
        without = self.scene.copy()
        del without["virtualMachines"]["demo"]
        self.refuse_loss(told, "apply", "--prune", "-f", self.scene.write(without), check=None)
        self.scene.manifest["virtualMachines"]["demo"].update(memorySize=80, onChange="restart")
        self.refuse_loss(told, "apply", "-f", self.scene.write(), check=None)
        self.refuse_loss(told, "plan", "-f", self.scene.write())
        self.check_document_of_two_failures()
        self.refuse_loss(told, "vm", "stop", "--force", "--all", check=3)
        self.assertEqual(self.vm("other")["state"], "stopped")
        self.libvirtd.virsh("suspend", self.scene.domain("demo"))
        copy = re.search(r"\((cp --sparse=always [^)]*)\)", status)[1]
        self.assertTrue(copy.endswith(f" '{self.volume()}'"), copy)
        subprocess.run(shlex.split(copy), check=True)
        self.scene.ctl.run("vm", "stop", "--force", "--yes", "demo", check=0)
        self.scene.ctl.run("vm", "start", "demo", check=0)
        with open(self.volume(), "rb") as file:
            file.seek(8 * MIB)
            self.assertEqual(file.read(4), b"MINE")
        self.assertNotIn("was deleted", self.scene.ctl.run("status", check=0).stdout)

    def test_the_folder_of_a_running_vm_is_gone_too(self):
        """What the message says to do works, and the volume is the instance's again."""
        shutil.rmtree(self.volume().parent)
        status = self.scene.ctl.run("status", check=1).stdout
        self.libvirtd.virsh("suspend", self.scene.domain("demo"))
        copies = re.findall(r"\((mkdir -p [^)]* && cp --sparse=always [^)]*)\)", status)
        self.assertEqual(len(copies), 2, status)
        for copy in copies:
            subprocess.run(copy, shell=True, check=True)
        self.scene.ctl.run("vm", "stop", "--force", "--yes", "demo", "other", check=0)
        self.scene.apply(None, "--boot")
        self.assertEqual(self.scene.ctl.json("volume", "show", "demo")["vm"], "demo")
        self.assertTrue(self.volume().with_suffix(".json").exists())
        self.scene.ctl.run("status", check=0)

    def write_over(self, command):
        """What the guest writes, while it is off: into the file over its volume."""
        self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
        subprocess.run(["qemu-io", "-f", "qcow2", "-c", command, self.volume().with_name("demo.backup")], check=True,
                       stdout=subprocess.DEVNULL)
        self.scene.ctl.run("vm", "start", "demo", check=0)

    def test_snapshot_of_another_tool_is_left_alone(self):
        name = self.scene.domain("demo")
        self.libvirtd.virsh("snapshot-create-as", name, "backup", "--disk-only", "--atomic", "--no-metadata")
        self.write_over("write -P 65 8M 4k")
        done = self.plan(0)
        self.assertIn("nothing to do", done.stdout)
        self.assertIn("another tool has put", done.stderr)
        self.assertIn("another tool has put", self.scene.ctl.run("status").stdout)
        # What is declared and not done is no "nothing to do", and how to have it done depends on whether it runs.
        merge = f"virsh blockcommit {name} vda --active --pivot"
        waits = self.set(check=1, memorySize=80, imageSize=24).stderr
        self.assertIn('VM "demo": memory 64 → 80 MiB, size 16 → 24 MiB, which waits: another tool has put', waits)
        report = self.scene.ctl.json("plan", "-f", self.scene.write(), check=1)
        self.assertEqual(report["error"]["code"], "in-use")
        self.assertIn(f"until that is merged ({merge})", waits)
        done = self.plan(1)
        self.assertRegex(done.stdout, r'blocked +VM "demo"')
        self.assertIn("memory 64 → 80 MiB", done.stderr)
        self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
        self.assertIn(f"(start it first: {self.scene.ctl.command('vm start demo')}, then {merge})", self.plan(1).stderr)
        self.scene.ctl.run("vm", "start", "demo", check=0)
        self.assertIn("demo.backup", self.libvirtd.virsh("domblklist", name, "--inactive"))
        self.assertEqual(self.volume().stat().st_size, 16 * MIB)
        self.assertIn("another tool has put", self.scene.ctl.run("vm", "delete", "--yes", "demo", check=1).stderr)
        self.scene.ctl.run("vm", "restart", "--force", "demo", check=0)
        self.assertIn("demo.backup", self.libvirtd.virsh("domblklist", name))
        # Merged, all is as ever.
        self.libvirtd.virsh("blockcommit", name, "vda", "--active", "--pivot", "--wait")
        self.assertNotIn("another tool", self.scene.apply().stderr)
        self.assertIn("demo.raw", self.libvirtd.virsh("domblklist", name, "--inactive"))
        self.assertEqual(self.guest_mib(), 24)
        with open(self.volume(), "rb") as volume:
            volume.seek(8 * MIB)
            self.assertEqual(volume.read(4096), b"A" * 4096)
        self.assertIn("nothing to do", self.scene.apply().stdout)

    def copy_domain(self, name):
        """Define a clone of demo, as virt-clone does without its copy of the disk."""
        text = self.libvirtd.virsh("dumpxml", "--inactive", self.scene.domain("demo"))
        text = re.sub(r"<uuid>.*?</uuid>|<interface.*?</interface>|<channel.*?</channel>|<log file=[^>]*>", "", text, flags=re.DOTALL)
        self.libvirtd.virsh("define", self.scene.file("clone.xml", text.replace(f"<name>{self.scene.domain('demo')}<", f"<name>{name}<")))

    def test_disk_of_a_renamed_domain_is_not_given_to_a_new_one(self):
        name = self.scene.domain("demo")
        self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
        self.libvirtd.virsh("domrename", name, "elsewhere")
        self.addCleanup(self.libvirtd.virsh, "undefine", "elsewhere", "--keep-nvram", check=False)
        for done in (self.plan(1), self.scene.apply(check=1)):
            self.assertIn(f'VM "demo" is not made: domain "elsewhere" uses its volume ({self.volume()})', done.stderr)
            self.assertIn(f"virsh domrename elsewhere {name}", done.stderr)
        self.assertNotIn(name, self.libvirtd.domains())
        self.libvirtd.virsh("domrename", "elsewhere", name)
        self.scene.apply(None, "--boot")
        self.assertEqual(self.libvirtd.state(name), "running")

    def test_start_beside_a_clone_that_runs(self):
        self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
        self.copy_domain("clone")
        self.addCleanup(self.libvirtd.virsh, "undefine", "clone", check=False)
        self.addCleanup(self.libvirtd.virsh, "destroy", "clone", check=False)
        self.libvirtd.virsh("start", "clone")
        done = self.scene.ctl.run("vm", "start", "demo", check=1)
        self.assertIn('VM "demo": cannot start: domain "clone" runs with its volume: end that one first (virsh shutdown clone)',
                      done.stderr)
        self.assertNotIn("lock", done.stderr)
        self.libvirtd.virsh("destroy", "clone")
        # Nobody's domain: a program that has it open as QEMU does.
        with subprocess.Popen(["qemu-io", "-f", "raw", self.volume()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as backup:
            backup.stdin.write("length\n")
            backup.stdin.flush()
            self.assertIn("16", backup.stdout.readline())
            done = self.scene.ctl.run("vm", "start", "demo", check=1)
            self.assertIn(f"another program has its volume open (a backup, qemu-nbd …): wait for it, or end it (fuser '{self.volume()}')",
                          done.stderr)
            backup.stdin.close()
        self.scene.ctl.run("vm", "start", "demo", check=0)

    def keep_answer(self, answer):
        """What a trial of KVM has said on this boot."""
        folder = f"/run/scl/{self.scene.ctl.prefix}"
        self.scl.run(["sh", "-c", f"mkdir -p {folder}; {{ cat /proc/sys/kernel/random/boot_id; printf '{answer}'; }} > {folder}/accelerator"],
                     check=True)

    def test_emulation_that_nobody_declared(self):
        """A host that was slow when it was tried: told as long as it is so, and repaired when it is not."""
        self.keep_answer("tcg\\nthe test guest hung\\n")
        self.set(accelerator="auto")
        told = 'is emulated (TCG), which is slow, though /dev/kvm is there: a test guest did not run with it (the test guest hung)'
        # The lab's host has none: nothing to complain about. Then one comes that does not work.
        self.assertNotIn("is emulated", self.scene.ctl.run("status", check=0).stdout)
        self.scl.run(["touch", "/dev/kvm"], check=True)
        self.addCleanup(self.scl.run, ["rm", "/dev/kvm"], check=True)
        self.assertIn(f"virtualMachines.demo: {told}", self.scene.ctl.run("status", check=0).stdout)
        self.assertIn(told, self.plan(0).stderr)
        self.assertNotIn("virtualMachines.other: is emulated", self.scene.ctl.run("status").stdout)
        self.keep_answer("kvm\\n\\n")
        self.assertIn("KVM works here now: apply again, then restart it", self.scene.ctl.run("status", check=0).stdout)
        self.assertRegex(self.plan(2).stdout, r'repair +VM "demo" +KVM works here now')

    def test_uptime_that_is_not_known(self):
        """The daemon has a /run of its own: when QEMU was started cannot be seen from here."""
        self.assertIsNone(self.vm()["uptimeSeconds"])
        self.assertRegex(self.scene.ctl.run("vm", "show", "demo", check=0).stdout, r"Uptime:? +-\n")

    def test_other_ends_than_declared_are_repaired(self):
        name = self.scene.domain("demo")
        text = self.libvirtd.virsh("dumpxml", "--inactive", name)
        changed = self.scene.file("demo.xml", text.replace("<on_reboot>restart", "<on_reboot>destroy"))
        self.libvirtd.virsh("define", changed)
        self.assertRegex(self.scene.apply().stdout, r'repair +VM "demo" +on_reboot is destroy, SCL set restart')
        self.assertIn("<on_reboot>restart", self.libvirtd.virsh("dumpxml", "--inactive", name))


if __name__ == "__main__":
    scltest.main()
