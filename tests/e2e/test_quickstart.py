#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/quickstart --check on a lab host: from the tree to a login. Its build is the one under test."""

import os
import subprocess
from pathlib import Path

import scltest
from scltest import Lab
from scltest.guest import SOURCE


PROGRAM = str(SOURCE / "tools/quickstart")


class Quickstart(scltest.TestCase):
    def setUp(self):
        scltest.require(os.geteuid() == 0, "root")
        self.dir = self.folder()
        self.scl = self.use(Lab.standard()).scl
        self.show_build()

    def show_build(self):
        """On the lab host (only) the build under test is where quickstart has its own."""
        build = Path(os.environ.get("SCL_BUILD_DIR", SOURCE / "build")).resolve()
        if build != SOURCE / "build":
            scltest.require((SOURCE / "build").is_dir(), "a folder build in the source, to be covered by the build under test")
            self.scl.run(["mount", "--bind", str(build), str(SOURCE / "build")])

    def quickstart(self, *words, seconds=60):
        argv = [PROGRAM, "--check", "--no-install", "--uplink", "none", "--folder", str(self.dir / "q"), *words]
        patience = {"SCL_QUICKSTART_LOGIN_SECONDS": str(int(scltest.bound(300)))}
        return self.scl.run(argv, check=False, timeout=scltest.bound(seconds), env={**os.environ, **patience})

    def logs_in(self, *words, seconds):
        done = self.quickstart(*words, seconds=seconds)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-3000:])
        self.assertIn("nixos", done.stdout.split())
        # Nothing is left but the volume.
        self.assertEqual(self.scl.output(["ls", "/run/netns"]).split(), [])
        self.assertNotIn("quick", self.scl.output(["ip", "link"]) + self.scl.output(["nft", "list", "tables"]))
        self.assertTrue((self.dir / "q/instances/quick/volumes/demo.raw").exists())


class WithCloudImage(Quickstart):
    def test_check_ends_with_a_login(self):
        scltest.cloud_image()
        self.logs_in(seconds=800)


class WithTinyGuest(Quickstart):
    """Of an image of one's own; without minutes of a real guest's boot."""

    def test_check_ends_with_a_login(self):
        image = scltest.tiny_image(login=True)
        self.logs_in("--image", str(image), seconds=150)
        self.assertIn(f'image: "{image}"', (self.dir / "q/demo.yaml").read_text(encoding="utf-8"))

    def test_refuses_what_it_cannot_have(self):
        done = self.quickstart("--image", str(self.dir / "none.raw"))
        self.assertEqual((done.returncode, done.stderr), (1, f"quickstart: there is no image {self.dir}/none.raw\n"))
        self.scl.run(["ip", "address", "add", "192.168.10.1/32", "dev", "lo"])
        done = self.quickstart()
        self.assertEqual(done.returncode, 1)
        self.assertIn("192.168.10.1 is an address of this machine already", done.stderr)
        done = subprocess.run([PROGRAM, "--uplink"], capture_output=True, text=True, timeout=scltest.bound(20), check=False)
        self.assertEqual(done.returncode, 64)


if __name__ == "__main__":
    scltest.main()
