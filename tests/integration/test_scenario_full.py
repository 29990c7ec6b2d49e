#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's file system is full, and a guest that writes is stopped by QEMU for it."""

import subprocess

import scltest
from scltest import Lab, Libvirtd, bound
from scltest.scene import Scene, SharedCase

SIZE = 96


class Full(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Before the others come: each has mounts of its own, a copy of those that are there.
        state = cls.dir / "state"
        state.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=711", "none", str(state)], check=True)
        cls.stack.callback(subprocess.run, ["umount", "-l", str(state)], check=True)
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        cls.libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.scl))
        cls.scene = cls.share(Scene(cls.dir, cls.libvirtd, cls.scl))
        cls.ctl = cls.scene.ctl
        cls.volumes = cls.ctl.home / "volumes"
        cls.scene.network("default")
        cls.scene.vm("demo", imageSize=4 * SIZE)
        cls.scene.apply()
        cls.guest = cls.scene.guest("demo")

    def state(self):
        return self.ctl.json("vm", "show", "demo")["state"]

    def plan(self, check):
        return self.ctl.run("plan", "-f", self.scene.write(), check=check).stdout

    def test_a_guest_that_is_stopped_for_it(self):
        filler = self.volumes / "filler"
        self.scl.run(["dd", "if=/dev/zero", f"of={filler}", "bs=1M", f"count={2 * SIZE}"], check=False, timeout=bound(60))
        self.guest.check("mkfifo /tmp/done")
        # Nobody answers any more when it has begun.
        self.guest.console.line(f"(dd if=/dev/zero of=/dev/vda bs=1M seek={2 * SIZE} count=8 conv=notrunc,fsync > /tmp/dd 2>&1; echo $? > /tmp/done) &")
        self.libvirtd.wait_state(f"{self.ctl.prefix}-demo", "paused")

        status = self.ctl.run("status").stdout
        self.assertIn("a disk error stopped it: make room on the file system of its volumes, then let it go on", status)
        self.assertIn(self.ctl.command("vm start demo"), status)
        self.assertRegex(self.plan(2), r'start +VM "demo" +a disk error stopped it: the file system of its volumes was full')

        for verb in (["vm", "start", "demo"], ["apply", "-f", self.scene.write()]):
            done = self.ctl.run(*verb)
            self.assertNotEqual(done.returncode, 0, done.stdout)
            self.assertIn('VM "demo": a disk error stopped it again at once: make room on the file system of its volumes', done.stderr)
            self.assertEqual(self.state(), "paused")

        self.scl.run(["rm", filler])
        self.ctl.run("apply", "-f", self.scene.write(), check=0)
        self.assertEqual(self.state(), "running")
        self.assertIn("nothing to do", self.plan(0))
        self.assertNotIn("disk error", self.ctl.run("status").stdout)
        # Nothing of what the guest wrote is lost.
        self.guest.check('[ "$(cat /tmp/done)" = 0 ]', 60)


if __name__ == "__main__":
    scltest.main()
