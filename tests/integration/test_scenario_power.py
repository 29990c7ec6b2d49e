#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What others do to a guest, and what apply makes of it: one guest on a private libvirtd in a lab host."""

import os
import re
import signal
import subprocess
from pathlib import Path

import scltest
from scltest import Lab, Libvirtd, procs
from scltest.scene import Scene, SharedCase, ask
from test_sclctl_simulated import Lines

EXTERNAL, INNER, GATEWAY = "192.168.10.1", "192.168.20.2", "192.168.20.1"


class Power(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = cls.share(Lab())
        cls.scl = cls.lab.host("scl", machine=True)
        cls.libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.scl))
        cls.scene = cls.share(Scene(cls.dir, cls.libvirtd, cls.scl))
        cls.scene.network("default", EXTERNAL, GATEWAY, tcp=[f"2222:{INNER}:22"])
        cls.scene.vm("demo", f"{INNER}/24", GATEWAY, shutdownTimeout=240)
        cls.name = cls.scene.domain("demo")
        cls.scene.apply()

    def setUp(self):
        """Each case begins with a running guest."""
        if self.libvirtd.state(self.name) != "running":
            self.scene.ctl.run("vm", "start", "demo", check=0)

    def assert_network(self):
        """The guest that runs now answers by the forward, and reaches its gateway."""
        guest = self.scene.guest("demo")
        guest.serve(22)
        self.assertEqual(ask(self.scl, EXTERNAL, 2222), ("demo", GATEWAY, "hello"))
        self.assertTrue(guest.ping(GATEWAY))
        return guest

    def pid(self):
        return int(Path(f"{self.libvirtd.folder}/run/qemu/{self.name}.pid").read_text())

    def kill_qemu(self):
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(procs.wait_gone(pid, scltest.bound(20)))
        self.libvirtd.wait_state(self.name, "shut off")

    def vm(self):
        return self.scene.ctl.json("vm", "show", "demo")

    def test_network_after_destroy_and_start_by_virsh(self):
        self.libvirtd.virsh("destroy", self.name)
        self.libvirtd.virsh("start", self.name)
        self.assert_network()

    def test_network_after_a_killed_qemu_and_start_by_virsh(self):
        self.kill_qemu()
        self.libvirtd.virsh("start", self.name)
        self.assert_network()

    def test_network_after_a_reboot_of_the_guest(self):
        guest = self.assert_network()
        before = guest.boot_id()
        guest.console.line("reboot -f")
        guest.console.wait_boot(90)
        guest = self.assert_network()
        self.assertNotEqual(guest.boot_id(), before)

    def test_network_after_a_restart_of_libvirtd(self):
        guest = self.assert_network()
        before = guest.boot_id()
        self.libvirtd.kill()
        self.libvirtd.restart()
        self.assertEqual(ask(self.scl, EXTERNAL, 2222)[0], "demo")
        self.assertIn("nothing to do", self.scene.apply().stdout)
        self.assertEqual(guest.boot_id(), before)

    def test_killed_qemu_is_started_by_apply(self):
        self.kill_qemu()
        self.assertRegex(self.scene.apply().stdout, r'start +VM "demo"')
        self.assert_network()

    def test_start_waits_for_what_libvirt_does(self):
        """After 30 s libvirt refuses a change of a domain that it is changing, here for a resume that QEMU does not answer."""
        self.libvirtd.virsh("suspend", self.name)
        pid = self.pid()
        os.kill(pid, signal.SIGSTOP)
        argv = ["stdbuf", "-oL", "virsh", "--connect", self.libvirtd.uri, f"echo connected; resume {self.name}"]
        with self.libvirtd.start(argv) as other:
            self.assertEqual(other.stdout.readline(), "connected\n")
            ours = self.scene.ctl.start("vm", "start", "demo", stdout=subprocess.DEVNULL)
            try:
                with self.assertRaises(subprocess.TimeoutExpired):
                    ours.wait(40)
            finally:
                os.kill(pid, signal.SIGCONT)
            self.assertEqual((ours.wait(scltest.bound(60)), other.wait(scltest.bound(60))), (0, 0))
        self.assert_network()

    def test_stopped_by_the_user_stays_off(self):
        self.scene.ctl.run("vm", "stop", "demo", check=0)
        self.assertEqual(self.libvirtd.state(self.name), "shut off")
        self.assertEqual((self.vm()["state"], self.vm()["stoppedBy"]), ("stopped", "user"))
        self.assertIn("nothing to do", self.scene.apply().stdout)
        self.assertEqual(self.libvirtd.state(self.name), "shut off")
        self.scene.ctl.run("vm", "start", "demo", check=0)
        self.assertEqual(self.vm()["stoppedBy"], "nobody")
        self.assert_network()
        self.scene.apply()
        self.assertEqual(self.libvirtd.state(self.name), "running")

    def test_switched_off_by_the_guest_stays_off(self):
        self.scene.guest("demo").console.line("poweroff -f")
        self.libvirtd.wait_state(self.name, "shut off")
        self.assertIn("nothing to do", self.scene.apply().stdout)
        self.assertEqual((self.vm()["state"], self.vm()["stoppedBy"]), ("stopped", "guest"))
        self.scene.ctl.run("vm", "start", "demo", check=0)
        self.scene.apply()
        self.assert_network()

    def definition(self):
        """Its lines: in which order libvirt writes the controllers is its own affair."""
        return sorted(self.libvirtd.virsh("dumpxml", "--inactive", self.name).splitlines())

    def undefined(self):
        """Somebody removes its definition while it runs; returns its UUID."""
        uuid = self.libvirtd.virsh("domuuid", self.name).strip()
        self.libvirtd.virsh("undefine", self.name)
        self.assertRegex(self.libvirtd.virsh("dominfo", self.name), r"Persistent: +no")
        return uuid

    def test_removed_definition_is_made_again(self):
        before = self.definition()
        guest = self.scene.guest("demo")
        boot = guest.boot_id()
        self.undefined()
        problem = "its definition was removed while it runs (virsh undefine): without one it is gone when it stops"
        self.assertIn(f"error: virtualMachines.demo: {problem}: apply again", self.scene.ctl.run("status", check=1).stdout)
        self.assertIn(problem, self.scene.ctl.run("plan", "-f", self.scene.write(), check=2).stdout)
        self.assertRegex(self.scene.apply().stdout, r'repair +VM "demo"')
        self.assertEqual(self.definition(), before)
        self.assertEqual(guest.boot_id(), boot)
        self.assertIn("nothing to do", self.scene.apply().stdout)
        with self.subTest("libvirtd has forgotten what was to boot next"):
            self.undefined()
            self.libvirtd.kill()
            self.libvirtd.restart()
            self.scene.apply()
            # And libvirt's defaults by name: the partition of its cgroups, who owns files.
            self.assertLessEqual(set(before), set(self.definition()))
            self.assertIn("nothing to do", self.scene.apply().stdout)

    def test_vm_without_definition_is_stopped_and_restarted(self):
        for words, state in ((("vm", "stop", "--force", "demo"), "shut off"), (("vm", "restart", "--force", "demo"), "running")):
            with self.subTest(words=words):
                uuid = self.undefined()
                self.scene.ctl.run(*words, check=0)
                self.assertEqual((self.libvirtd.state(self.name), self.libvirtd.virsh("domuuid", self.name).strip()), (state, uuid))
                self.assertEqual(self.vm()["stoppedBy"], "user" if state == "shut off" else "nobody")
                # It is as it was left.
                self.assertIn("nothing to do", self.scene.apply().stdout)
                self.scene.ctl.run("vm", "start", "demo", check=0)

    def test_vm_without_definition_is_removed(self):
        volume = self.scene.ctl.home / "volumes/demo.raw"
        for words in (("vm", "delete", "--yes", "demo"), ("apply", "-f", self.scene.write({**self.scene.copy(), "virtualMachines": {}}), "--prune")):
            with self.subTest(words=words):
                self.undefined()
                self.scene.ctl.run(*words, check=0)
                self.assertNotIn(self.name, self.libvirtd.domains())
                self.assertTrue(volume.exists())
                self.scene.apply()
                self.assertEqual(self.libvirtd.state(self.name), "running")

    def test_attached_vm_without_definition_is_stopped(self):
        process = self.attach("--stop-on-term")
        self.undefined()
        self.scene.guest("demo")
        self.assertEqual(self.scene.ctl.stop(process, 90, signal.SIGTERM), 0)
        self.assertEqual(self.libvirtd.state(self.name), "shut off")

    def test_boot_of_the_host_starts_what_was_stopped(self):
        self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
        self.scene.apply(None, "--boot")
        self.assertEqual(self.libvirtd.state(self.name), "running")

    def attach(self, *words, until=""):
        """It is attached when this returns, and has shown that the guest said `until`."""
        process = self.scene.ctl.start("vm", "attach", "demo", *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        lines, text = Lines(process.stdout), ""
        while not ('VM "demo" runs' in text and until in text):
            line = lines.next()
            self.assertIsNotNone(line, text)
            text += line + "\n"
        return process

    def test_attach_runs_the_vm_as_a_service(self):
        self.scene.ctl.run("vm", "stop", "--force", "demo", check=0)
        process = self.attach("--start", "--stop-on-term", until="TINY-GUEST READY")
        self.assertEqual(self.libvirtd.state(self.name), "running")
        self.assertEqual(self.scene.ctl.stop(process, 90, signal.SIGTERM), 0)
        self.assertEqual(self.libvirtd.state(self.name), "shut off")
        # By the power button, not by force.
        self.assertRegex(self.libvirtd.virsh("domstate", self.name, "--reason"), "shutdown")

    def test_attach_ends_with_the_vm(self):
        process = self.attach()
        guest = self.scene.guest("demo")
        guest.console.line("poweroff -f")
        self.assertEqual(process.wait(scltest.bound(60)), 0)

    def test_attached_program_locks_nobody_out(self):
        self.attach()
        self.assertIn("nothing to do", self.scene.apply().stdout)

    def test_console_shows_what_the_guest_said(self):
        log = Path(self.vm()["logPath"])
        self.assertTrue(re.search("TINY-GUEST READY", log.read_text(errors="replace")))
        self.assertEqual(log.stat().st_mode & 0o077, 0)


if __name__ == "__main__":
    scltest.main()
