#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""VMs of the embedded hypervisor, which each process opens anew: what nobody told QEMU, starts beside removals.

Most of the VMs have no system and stay in their firmware.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import scltest
from scltest import Lab
from scltest.scene import Scene, SharedCase, wait_log
from scltest.sclctl import Sclctl

MIB = 1 << 20
OTHERS = ("a", "b", "c", "d")
ROUNDS = 6


class Embed(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        cls.scene = Scene(cls.dir, None, cls.scl)
        cls.ctl = Sclctl(cls.dir / "s", "qemu:///embed", prefix=cls.scene.ctl.prefix, host=cls.scl)
        cls.image = cls.dir / "image.raw"
        cls.image.write_bytes(b"\x01" + bytes(4 * MIB - 1))
        cls.scene.network("default")

    def setUp(self):
        self.scene.manifest["virtualMachines"] = {}
        self.addCleanup(self.remove_all)

    def remove_all(self):
        names = [vm["name"] for vm in self.ctl.json("vm", "list")]
        if names:
            self.ctl.run("vm", "stop", "--force", "--yes", *names, check=0)
        empty = self.scene.write({"version": 1, "networks": {"default": None}})
        self.ctl.run("apply", "-f", empty, "--prune", "--allow-empty", check=0)
        self.ctl.run("volume", "prune", "--yes", check=0)
        self.assertEqual(self.scl.run(["test", "-e", f"/run/scl/{self.ctl.prefix}/agent"], check=False).returncode, 1)

    def vm(self, name, **settings):
        self.scene.vm(name, image=str(self.image), imageSize=16, memorySize=64, **settings)

    def call(self, verb, *words, check=0):
        return self.ctl.run(verb, "-f", self.scene.write(), *words, check=check)

    def state(self, name):
        return self.ctl.json("vm", "show", name)["state"]

    def test_growth_is_seen_at_the_first_look(self):
        """Whoever made the file larger was killed before he told; QEMU is only just found again by the next process."""
        self.vm("demo")
        self.call("apply")
        os.truncate(self.ctl.home / "volumes/demo.raw", 24 * MIB)
        self.scene.manifest["virtualMachines"]["demo"]["imageSize"] = 24
        self.assertRegex(self.call("plan", check=2).stdout, r'grow +volume "demo" +the running guest sees 16 MiB of 24')
        self.call("apply")
        self.assertIn("nothing to do", self.call("plan").stdout)

    def virsh(self, verb):
        uri = f"qemu:///embed?root={self.ctl.state}/embed"
        self.scl.run(["virsh", "-c", uri, verb, f"{self.ctl.prefix}-demo"], check=True, timeout=scltest.bound(60))

    def test_new_link_under_a_paused_guest(self):
        """It cannot let go of its card: nothing waits for it, and what waits for it is told until it is done."""
        self.scene.vm("demo")
        self.call("apply")
        wait_log(self.ctl.home / "vms/demo/console.log", b"TINY-GUEST READY")
        self.virsh("suspend")
        self.scl.run(["ip", "link", "del", f"{self.ctl.prefix}n-demo-0"])
        done = self.call("apply", check=3)
        self.assertIn('VM "demo" is paused, and only a guest that runs lets go of its network card', done.stderr)
        self.assertNotIn("failed", done.stderr.replace("1 failed", ""))
        # The link is there again; that the guest is not on it stays to be seen.
        plan = self.call("plan", check=1)
        self.assertRegex(plan.stdout, r'blocked +VM "demo"')
        self.assertNotRegex(plan.stdout, r"repair")
        cut = "error: virtualMachines.demo.network: its network card has lost its link and is to be plugged in again"
        self.assertIn(f"{cut}, which a paused guest cannot bear", self.ctl.run("status", check=2).stdout)
        self.ctl.run("vm", "start", "demo", check=0)
        self.assertIn(f"{cut}: apply again", self.ctl.run("status", check=2).stdout)
        self.assertRegex(self.call("plan", check=2).stdout, r'VM "demo" +its network card is plugged in again')
        self.call("apply")
        self.assertIn("nothing to do", self.call("plan").stdout)
        self.assertNotIn("network card", self.ctl.run("status", check=0).stdout)

    def test_disk_that_is_replaced_under_a_running_guest(self):
        """What is at its path is not what the guest has."""
        self.vm("demo")
        self.call("apply")
        volume = self.ctl.home / "volumes/demo.raw"
        self.assertIsNone(self.ctl.json("vm", "show", "demo")["lostAtStop"])
        volume.unlink()
        volume.write_bytes(bytes(16 * MIB))
        told = f"the VM's disk {volume} was deleted while it runs, and another file is in its place"
        self.assertIn(told, self.ctl.run("status", check=1).stdout)
        self.assertIn(told, self.ctl.run("vm", "stop", "--force", "demo", check=1).stderr)
        self.assertEqual(self.state("demo"), "running")
        self.ctl.run("vm", "stop", "--force", "--yes", "demo", check=0)
        self.assertNotIn("was deleted", self.ctl.run("status").stdout)

    def test_attached_to_a_disk_that_was_deleted(self):
        """Who sends the signal cannot be asked: the guest goes on, and what only it has with it."""
        self.vm("demo")
        self.call("apply")
        follower = self.ctl.start("vm", "attach", "demo", "--stop-on-term", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(follower.kill)
        self.assertIn('VM "demo" runs', follower.stderr.readline())
        (self.ctl.home / "volumes/demo.raw").unlink()
        follower.send_signal(signal.SIGTERM)
        self.assertIn("was deleted while it runs", follower.communicate(timeout=scltest.bound(120))[1])
        self.assertEqual((follower.returncode, self.state("demo")), (1, "running"))
        self.ctl.run("vm", "stop", "--force", "--yes", "demo", check=0)

    def hold_qemu(self):
        """From now on a guest's QEMU says its pid and waits at the gate; what libvirt asks of QEMU goes on."""
        found, real, wrapper = shutil.which("qemu-system-x86_64"), self.dir / "bin/qemu", self.dir / "wrapper"
        held, gate = self.dir / "held", self.dir / "gate"
        real.parent.mkdir()
        real.touch()
        os.mkfifo(gate)
        held.touch()
        held.chmod(0o666)
        # Elsewhere QEMU does not find its own files.
        modules = next(Path("/usr/lib").glob("*/qemu/accel-tcg-x86_64.so")).parent
        files = " ".join(f"-L {folder}" for folder in self.scl.output([found, "-L", "help"]).split())
        wrapper.write_text(f"""#!/bin/sh
export QEMU_MODULE_DIR={modules}
case " $*" in *" -name guest="*) echo $$ > {held}; read go < {gate}; set -- {files} "$@" ;; esac
exec {real} "$@"
""", encoding="ascii")
        wrapper.chmod(0o755)
        for source, target in ((found, real), (wrapper, found)):
            self.scl.run(["mount", "--bind", source, target])
            self.addCleanup(self.scl.run, ["umount", "-l", target])
        return held, gate

    def test_start_that_is_killed(self):
        """libvirt's driver goes with sclctl, and the next process ends the QEMU that had not come up: nothing has crashed."""
        self.vm("demo", autoStart=False)
        self.call("apply")
        held, gate = self.hold_qemu()
        starter = self.ctl.start("vm", "start", "demo")
        self.addCleanup(starter.kill)
        wait_log(held, b"\n")
        pid = held.read_text(encoding="ascii").strip()
        wait_log(self.ctl.state / f"embed/run/qemu/{self.ctl.prefix}-demo.xml", f"reason='starting up' pid='{pid}'".encode())
        starter.kill()
        starter.communicate()
        # A QEMU that does not answer holds up nobody who only looks.
        self.assertEqual(self.ctl.json("vm", "show", "demo")["stateReason"], "starting")
        self.assertRegex(self.ctl.run("status", check=0).stdout, r"demo +paused")
        # Who waits there is known: the open does not.
        os.write(os.open(gate, os.O_WRONLY | os.O_NONBLOCK), b"go\n")
        gate.unlink()
        gate.write_text("open\n", encoding="ascii")
        self.ctl.run("vm", "start", "demo", check=0)
        self.assertEqual(self.state("demo"), "running")
        self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_start_while_others_go(self):
        """The folder of the agents' sockets goes with the last VM and comes with the first, both in one apply."""
        for _ in range(ROUNDS):
            self.scene.manifest["virtualMachines"] = {}
            for name in OTHERS:
                self.vm(name, autoStart=False)
            self.call("apply", "--prune")
            self.scene.manifest["virtualMachines"] = {}
            self.vm("demo")
            self.call("apply", "--prune")
            self.assertEqual([(vm["name"], vm["state"]) for vm in self.ctl.json("vm", "list")], [("demo", "running")])
            self.ctl.run("vm", "stop", "--force", "demo", check=0)


if __name__ == "__main__":
    scltest.main()
