#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a changed manifest does to a VM: growing, restart or next boot, seeds, autoStart."""

import shutil
import subprocess
from xml.etree import ElementTree

import scltest
from scltest import Lab, Libvirtd
from scltest.scene import Scene, SharedCase

GATEWAY = "192.168.20.1"


class Changes(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        cls.libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.scl))
        cls.scene = cls.share(Scene(cls.dir, cls.libvirtd, cls.scl))
        cls.scene.network("default")
        cls.scene.vm("demo", "192.168.20.2/24", GATEWAY, imageSize=64)
        cls.scene.vm("again", imageSize=64, onChange="restart", shutdownTimeout=30)
        cls.scene.vm("idle", imageSize=64, autoStart=False)
        cls.scene.vm("deaf", imageSize=64, autoStart=False, ignore_power_button=True, shutdownTimeout=1)
        cls.scene.apply()
        cls.demo, cls.again = cls.scene.guest("demo"), cls.scene.guest("again")

    def set(self, name, **settings):
        """These settings from now on."""
        self.scene.manifest["virtualMachines"][name].update(settings)
        return self.scene.apply()

    def vm(self, name):
        return self.scene.ctl.json("vm", "show", name)

    def sectors(self, guest):
        return int(guest.check("cat /sys/block/vda/size"))

    def test_growing_is_seen_inside_the_running_guest(self):
        before = self.demo.boot_id()
        self.set("demo", imageSize=96)
        self.demo.check(f"until [ $(cat /sys/block/vda/size) = {96 << 11} ]; do usleep 50000; done", 15)
        self.assertEqual(self.demo.boot_id(), before)
        self.assertEqual((self.scene.ctl.home / "volumes/demo.raw").stat().st_size, 96 << 20)
        self.assertEqual(self.vm("demo")["pending"], [])

    def test_growing_a_vm_that_is_off(self):
        self.set("idle", imageSize=80)
        self.assertEqual((self.scene.ctl.home / "volumes/idle.raw").stat().st_size, 80 << 20)

    def test_shrinking_is_refused(self):
        manifest = self.scene.copy()
        manifest["virtualMachines"]["idle"]["imageSize"] = 40
        path = self.scene.ctl.home / "volumes/idle.raw"
        before = path.stat().st_size
        done = self.scene.apply(manifest, check=1)
        self.assertIn("idle", done.stderr)
        self.assertEqual(done.stderr.count("never shrinks"), 1, done.stderr)
        self.assertEqual(path.stat().st_size, before)

    def test_another_image_is_told(self):
        """The volume is kept; whoever looks at the VM sees what it really was made from."""
        old = self.scene.manifest["virtualMachines"]["idle"]["image"]
        new = self.scene.folder / "other.raw"
        shutil.copyfile(old, new)
        done = self.set("idle", image=str(new))
        self.assertIn(f"image {old} → {new}, the volume is kept as it is", done.stdout)
        for words in (["plan"], ["apply"]):
            done = self.scene.ctl.run(*words, "-f", self.scene.write(), check=0)
            self.assertIn('sclctl: note: virtualMachines.idle.image: image differs from what volume "idle" was made of', done.stderr)
        shown = self.scene.ctl.run("vm", "show", "idle", check=0).stdout
        self.assertIn(f"from {old}\n", shown)
        self.assertRegex(shown, rf"(?m)^Image differs +{new} is declared; only a new volume is made from it$")
        self.set("idle", image=old)
        self.assertNotIn("Image differs", self.scene.ctl.run("vm", "show", "idle", check=0).stdout)

    def test_change_waits_for_the_next_boot(self):
        before = self.demo.boot_id()
        told = f'sclctl: note: virtualMachines.demo: at its next boot: cores 1 → 2; "{self.scene.ctl.command("vm restart demo")}" has it now\n'
        done = self.set("demo", cores=2)
        self.assertIn("cores 1 → 2, new hardware at its next boot", done.stdout)
        self.assertTrue(done.stderr.endswith(told), done.stderr)
        self.assertEqual(self.demo.boot_id(), before)
        self.assertEqual(self.demo.check("nproc"), "1")
        shown = self.vm("demo")
        self.assertEqual((shown["pending"], shown["cores"], shown["liveCores"]), (["cores 1 → 2"], 2, 1))
        self.assertRegex(self.scene.ctl.run("vm", "show", "demo", check=0).stdout, r"(?m)^Cores +2, now 1$")
        self.assertRegex(self.scene.ctl.run("vm", "list", check=0).stdout, r"(?m)^demo +running .* 1 +96 MiB .*  cores 1 → 2$")
        done = self.scene.apply()
        self.assertIn("nothing to do", done.stdout)
        self.assertEqual(done.stderr, told)
        self.scene.ctl.run("vm", "restart", "demo", check=0)
        type(self).demo = self.scene.guest("demo")
        self.assertEqual(self.demo.check("nproc"), "2")
        self.assertEqual(self.vm("demo")["pending"], [])

    def test_what_was_added_by_hand_stays(self):
        domain = self.scene.domain("idle")
        disk = self.dir / "more.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "8M"], check=True)
        before, memory = self.libvirtd.virsh("dumpxml", "--inactive", domain), self.scene.manifest["virtualMachines"]["idle"]["memorySize"]
        self.set("idle", memorySize=memory + 16)
        self.set("idle", memorySize=memory)
        self.assertEqual(self.libvirtd.virsh("dumpxml", "--inactive", domain), before)
        self.libvirtd.virsh("attach-disk", domain, disk, "vdb", "--config", "--subdriver", "qcow2", "--targetbus", "virtio")
        added = ElementTree.fromstring(self.libvirtd.virsh("dumpxml", "--inactive", domain)).find(f"devices/disk/source[@file='{disk}']/..")
        self.set("idle", memorySize=memory + 16)
        now = ElementTree.fromstring(self.libvirtd.virsh("dumpxml", "--inactive", domain))
        kept = now.findall(f"devices/disk/source[@file='{disk}']/..")
        self.assertEqual([ElementTree.tostring(one) for one in kept], [ElementTree.tostring(added)])
        self.assertEqual(now.find("memory").text, str((memory + 16) << 10))
        self.scene.ctl.run("vm", "start", "idle")
        self.assertIn(str(disk), self.libvirtd.virsh("domblklist", domain))
        self.scene.ctl.run("vm", "stop", "--force", "idle")
        self.libvirtd.virsh("detach-disk", domain, "vdb", "--config")
        self.assertIn("nothing to do", self.scene.apply().stdout)

    def test_an_added_serial_port_leaves_the_guest_its_own(self):
        domain = self.scene.domain("deaf")
        port = self.dir / "port.xml"
        port.write_text('<serial type="pty"><target port="1"/></serial>')
        memory = self.scene.manifest["virtualMachines"]["deaf"]["memorySize"]
        self.libvirtd.virsh("attach-device", domain, port, "--config")
        for size in (memory + 16, memory):
            self.set("deaf", memorySize=size)
            devices = ElementTree.fromstring(self.libvirtd.virsh("dumpxml", "--inactive", domain)).find("devices")
            logs = {one.find("target").get("port"): one.find("log") for one in devices.findall("serial")}
            self.assertEqual(sorted(logs), ["0", "1"])
            self.assertEqual(logs["0"].get("file"), str(self.scene.ctl.home / "vms/deaf/console.log"))
            self.assertIsNone(logs["1"])
            self.assertEqual([one.find("target").get("port") for one in devices.findall("console")], ["0"])
        self.libvirtd.virsh("detach-device", domain, port, "--config")

    def test_change_restarts_if_declared(self):
        before = self.again.boot_id()
        self.set("again", memorySize=128)
        type(self).again = self.scene.guest("again")
        self.assertNotEqual(self.again.boot_id(), before)
        self.assertGreater(int(self.again.check("awk '/MemTotal/ { print $2 }' /proc/meminfo")), 90000)
        self.assertEqual(self.vm("again")["pending"], [])

    def test_power_that_had_to_be_cut_is_told(self):
        told = 'warning: VM "deaf": the guest did not shut down within 1 s (shutdownTimeout), so its power was cut'
        self.scene.ctl.run("vm", "start", "deaf", check=0)
        self.assertIn(told, self.scene.ctl.run("vm", "stop", "deaf", check=0).stderr)
        self.scene.ctl.run("vm", "start", "deaf", check=0)
        self.assertEqual(self.scene.ctl.run("vm", "stop", "-q", "--force", "deaf", check=0).stderr, "")
        self.set("deaf", onChange="restart")
        self.scene.ctl.run("vm", "start", "deaf", check=0)
        self.scene.manifest["virtualMachines"]["deaf"].update(cores=2)
        report = self.scene.ctl.json("apply", "-f", self.scene.write())
        restart = next(step for step in report["steps"] if step["action"] == "restart")
        self.assertEqual((restart["status"], restart["error"]), ("done", None))
        self.assertIn(told.removeprefix("warning: "), restart["remark"])
        self.scene.ctl.run("vm", "stop", "--force", "deaf", check=0)

    def test_new_seed_is_read_at_the_next_boot(self):
        self.scene.vm("demo", "192.168.20.7/24", GATEWAY, imageSize=96, cores=2)
        # A temporary folder that is gone, and no folder for root's programs: as in an old shell, or under cron.
        done = self.scene.apply(env={"TMPDIR": f"{self.dir}/gone", "PATH": "/usr/bin:/bin"})
        self.assertIn("next boot", done.stdout)
        self.scene.ctl.run("vm", "restart", "demo", check=0)
        type(self).demo = self.scene.guest("demo")
        self.assertIn("192.168.20.7/24", self.demo.check("ip address show eth0"))
        self.assertIn("nothing to do", self.scene.apply().stdout)

    def test_auto_start_false_neither_starts_nor_stops(self):
        domain = self.scene.domain("idle")
        self.scene.apply()
        self.assertEqual(self.libvirtd.state(domain), "shut off")
        self.scene.ctl.run("vm", "start", "idle", check=0)
        self.assertIn("nothing to do", self.scene.apply().stdout)
        self.assertEqual(self.libvirtd.state(domain), "running")
        self.scene.ctl.run("vm", "stop", "--force", "idle", check=0)

    def test_secrets_are_not_for_everybody(self):
        seed = next((self.scene.ctl.home / "vms/demo").glob("*.iso"))
        self.assertEqual(seed.stat().st_mode & 0o077, 0)
        self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
        self.assertEqual((seed.stat().st_uid, seed.stat().st_mode & 0o777), (0, 0o600))
        self.scene.ctl.run("vm", "start", "demo", check=0)
        type(self).demo = self.scene.guest("demo")


if __name__ == "__main__":
    scltest.main()
