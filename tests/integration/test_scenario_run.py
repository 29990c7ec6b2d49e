#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sclctl run with a tiny guest on the embedded driver, in a lab host: Ctrl-C, again, kill -9, and again."""

import os
import re
import signal
import subprocess

import scltest
from scltest import Lab
from scltest.scene import Scene, SharedCase, wait_log
from scltest.sclctl import Sclctl



class Run(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        scene = Scene(cls.dir, None, cls.scl)
        cls.ctl = Sclctl(cls.dir / "s", prefix=scene.ctl.prefix, host=cls.scl)
        scene.network("default", tcp=["2222:192.168.20.2:22"])
        scene.vm("demo", "192.168.20.2/24", "192.168.20.1", shutdownTimeout=60)
        cls.manifest = scene.write()

    def begin(self):
        """A run that is ready."""
        source, sink = os.pipe()
        log = open(self.dir / "run.log", "ab")
        process = self.ctl.start("run", "-f", self.manifest, "--ready-fd", sink, stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=log, pass_fds=[sink])
        os.close(sink)
        log.close()
        self.addCleanup(process.kill)
        with os.fdopen(source, "rb") as ready:
            said = ready.read()
        self.assertEqual(said, b"ready\n", (self.dir / "run.log").read_text(errors="replace"))
        return process

    def wait_console(self, text):
        """Until it stands in the guest's console log, which begins anew with each run; its growth is the event."""
        wait_log(self.ctl.home / "vms/demo/console.log", text)

    def qemu(self):
        """QEMU processes of this instance: (pid, start)."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read()
            except OSError:
                continue
            if words.startswith(b"/usr/bin/qemu-system") and str(self.dir).encode() in words:
                found.append(int(entry))
        return found

    def assert_gone(self):
        """Nothing is left but the volume and what makes the next start quick."""
        links = self.scl.output(["ip", "-brief", "link"])
        self.assertEqual([line.split()[0] for line in links.splitlines()], ["lo"])
        self.assertEqual(self.scl.output(["ls", "/run/netns"]).split(), [])
        self.assertEqual(self.scl.output(["nft", "list", "tables"]), "")
        self.assertEqual(self.scl.output(["ip", "-4", "route"]), "")
        self.assertEqual(self.qemu(), [])
        self.assertEqual([path.name for path in (self.ctl.home / "volumes").glob("*.raw")], ["demo.raw"])

    def test_ctrl_c_twice_in_a_row(self):
        inode = None
        for _ in range(2):
            process = self.begin()
            self.assertEqual(len(self.qemu()), 1)
            self.wait_console(b"TINY-GUEST READY")
            # QEMU never runs as root.
            self.assertNotEqual(os.stat(f"/proc/{self.qemu()[0]}").st_uid, 0)
            self.assertEqual(Sclctl.stop(process, 120), 0)
            self.assert_gone()
            # The same volume both times.
            now = (self.ctl.home / "volumes/demo.raw").stat().st_ino
            self.assertIn(inode, (None, now))
            inode = now

    def test_killed_run_leaves_a_guest_that_the_next_takes_over(self):
        process = self.begin()
        guests = self.qemu()
        self.assertEqual(len(guests), 1)
        process.kill()
        process.wait()
        self.assertEqual(self.qemu(), guests)
        process = self.begin()
        self.assertEqual(self.qemu(), guests)
        self.assertEqual(Sclctl.stop(process, 120), 0)
        self.assert_gone()

    def test_disk_that_was_deleted_is_not_lost(self):
        """What only QEMU has would go with it: whoever ends the run cannot be asked, so it goes on."""
        process = self.begin()
        guests = self.qemu()
        volume = self.ctl.home / "volumes/demo.raw"
        copy = self.dir / "copy.raw"
        subprocess.run(["cp", "-a", volume, copy], check=True)
        volume.unlink()
        self.assertEqual(Sclctl.stop(process, 120), 3)
        log = (self.dir / "run.log").read_text(errors="replace")
        self.assertIn(f"the VM's disk {volume} was deleted while it runs", log)
        self.assertEqual(self.qemu(), guests)
        [command] = re.findall(r'nothing was taken down: VMs and networks go on; .*"sclctl -c \'(.*)\' vm stop --force --yes demo"', log)
        self.assertEqual(self.ctl.run("-c", command, "vm", "stop", "--force", "demo").returncode, 1)
        self.ctl.run("-c", command, "vm", "stop", "--force", "--yes", "demo", check=0)
        self.assertEqual(self.qemu(), [])
        subprocess.run(["cp", "-a", copy, volume], check=True)
        self.assertEqual(Sclctl.stop(self.begin(), 120), 0)
        self.assert_gone()

    def test_run_locks_the_instance(self):
        process = self.begin()
        done = self.ctl.run("--timeout", "0", "run", "-f", self.manifest)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(f"kill {process.pid}", done.stderr)
        self.assertEqual(Sclctl.stop(process, 120, signal.SIGTERM), 0)
        self.assert_gone()


if __name__ == "__main__":
    scltest.main()
