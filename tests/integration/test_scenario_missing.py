#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host that lacks something: the error is one line that names it and the way out, and nothing is changed."""

import os
import subprocess

import scltest
from scltest import Lab, Libvirtd
from scltest.scene import Scene
from scltest.sclctl import Sclctl


class Missing(scltest.TestCase):
    def setUp(self):
        scltest.require(os.geteuid() == 0, "root")
        self.dir = self.folder()
        self.scl = self.use(Lab()).host("scl", machine=True)

    def scene(self, libvirtd=None, firmware="bios"):
        scene = Scene(self.dir, None, self.scl)
        scene.ctl.hypervisor = libvirtd.uri if libvirtd else None
        scene.network("default")
        scene.vm("demo", firmware=firmware, autoStart=False)
        return scene

    def assert_refused(self, scene, *words):
        done = scene.apply(check=None)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual([line.split()[0] for line in self.scl.output(["ip", "-brief", "link"]).splitlines()], ["lo"])
        self.assertEqual(self.scl.output(["ls", "/run/netns"]).split(), [])
        self.assertFalse(list(self.dir.glob("state/**/*.raw")))
        return done.stderr

    def assert_fails(self, scene, words):
        done = scene.apply(check=None)
        self.assertIn(done.returncode, (1, 3), done.stdout + done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(self.scl.output(["ls", "/run/netns"]).split(), [])

    def hide(self, path):
        """On the lab host (only) the program or folder is not there."""
        if os.path.isdir(path):
            self.scl.run(["mount", "-t", "tmpfs", "none", path])
        else:
            self.scl.run(["mount", "--bind", "/dev/null", os.path.realpath(path)])

    def test_not_root(self):
        scene = self.scene()
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                *scene.ctl.argv("apply", "-f", scene.write())]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=scltest.bound(30), check=False, env=scene.ctl.environment())
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("root", done.stderr)

    def test_no_libvirtd(self):
        scene = self.scene()
        scene.ctl = Sclctl(self.dir / "state", None, host=self.scl)
        text = self.assert_refused(scene, "qemu:///system", "sclctl run")
        self.assertEqual(len(text.strip().splitlines()), 1, text)

    def test_no_nft(self):
        libvirtd = self.use(Libvirtd(self.dir / "lv", self.scl))
        self.hide("/usr/sbin")
        self.assert_refused(self.scene(libvirtd), "nftables")

    def replace_nft(self, body):
        """On the lab host (only), and again for each body."""
        script = self.dir / "nft"
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
        if not self.scl.output(["sh", "-c", "mount | grep /nft || true"]):
            self.scl.run(["mount", "--bind", str(script), os.path.realpath("/usr/sbin/nft")])

    def test_odd_nft(self):
        """Whatever it does, it is an error that names it: never a crash, and never a network without rules."""
        scene = self.scene(self.use(Libvirtd(self.dir / "lv", self.scl)))
        self.replace_nft("exit 0")
        self.assert_fails(scene, "nft ended as if all were well, but the kernel's rules are those of before")
        self.replace_nft(": > /dev/null; kill -ABRT $$")
        self.assert_fails(scene, "nft was ended by signal 6 (Aborted)")
        self.replace_nft("exit 3")
        self.assert_fails(scene, "nft failed with status 3 and no message")

    def test_odd_answers_of_nft(self):
        """Asked for the rules of somebody else."""
        scene = self.scene(self.use(Libvirtd(self.dir / "lv", self.scl)))
        self.scl.run(["nft", "add", "table", "inet", "other"])
        for body, words in (("exit 0", '"nft -j list ruleset" printed nothing'),
                            ("echo nonsense", "nft's listing is not JSON"),
                            ("echo '{}'", "nft's listing holds no tables"),
                            ("printf '\\377'", 'the answer of "nft -j list ruleset" is not UTF-8')):
            self.replace_nft(body)
            self.assert_refused(scene, words)

    def test_no_firmware(self):
        for folder in ("/usr/share/OVMF", "/usr/share/qemu/firmware"):
            if os.path.isdir(folder):
                self.hide(folder)
        libvirtd = self.use(Libvirtd(self.dir / "lv", self.scl))
        self.assert_refused(self.scene(libvirtd, firmware="uefi"), "ovmf")

    def test_no_qemu(self):
        self.hide("/usr/bin/qemu-system-x86_64")
        libvirtd = self.use(Libvirtd(self.dir / "lv", self.scl))
        self.assert_refused(self.scene(libvirtd), "qemu-system-x86")


if __name__ == "__main__":
    scltest.main()
