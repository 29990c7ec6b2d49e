#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A state folder that somebody else owns: nothing in it is run, whatever is asked."""

import os
import subprocess

import scltest
from scltest import Lab
from scltest.scene import Scene, SharedCase
from scltest.sclctl import Sclctl

NOBODY = 65534

DOMAIN = """\
<domain type='qemu'><name>x</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices><emulator>{program}</emulator></devices></domain>
"""


class Owner(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        scene = Scene(cls.dir, None, cls.scl)
        scene.network("default")
        scene.vm("demo", autoStart=False)
        cls.manifest = scene.write()
        cls.ran = cls.dir / "ran"
        cls.ran.write_text("")
        cls.ran.chmod(0o666)
        program = cls.dir / "program"
        program.write_text(f"#!/bin/sh\nid >> {cls.ran}\nexit 1\n")
        program.chmod(0o755)
        cls.program = program

    def state(self, name):
        """A state folder with a domain that libvirt starts by itself, all of it somebody's."""
        state = self.dir / name
        definitions = state / "embed/etc/qemu"
        (definitions / "autostart").mkdir(parents=True)
        (definitions / "x.xml").write_text(DOMAIN.format(program=self.program))
        (definitions / "autostart/x.xml").symlink_to("../x.xml")
        return state

    def tree(self, state):
        return sorted((path, os.lstat(path).st_uid, os.lstat(path).st_mode, os.lstat(path).st_mtime_ns)
                      for path in subprocess.run(["find", state], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines())

    def refused(self, state, named, hypervisor="qemu:///embed"):
        ctl = Sclctl(state, hypervisor, host=self.scl)
        before = self.tree(state)
        for words in (("vm", "list"), ("status",), ("plan", "-f", self.manifest), ("apply", "-f", self.manifest, "--yes"),
                      ("volume", "prune", "--yes")):
            with self.subTest(words=words):
                done = ctl.run(*words)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(str(named), done.stderr)
                self.assertIn("state=", done.stderr)
        self.assertEqual(self.tree(state), before)
        self.assertEqual(self.ran.read_text(), "")

    def test_all_of_it(self):
        state = self.state("all")
        for path, *_ in self.tree(state):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        self.refused(state, f"{state}: user \"nobody\" owns it")

    def test_only_the_top_was_taken_over(self):
        state = self.state("below")
        for path, *_ in self.tree(state):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        os.chown(state, 0, 0)
        self.refused(state, f"{state}/embed: user \"nobody\" owns it")

    def test_one_definition(self):
        state = self.state("one")
        os.chown(state / "embed/etc/qemu/x.xml", NOBODY, NOBODY)
        self.refused(state, f"{state}/embed/etc/qemu/x.xml: user \"nobody\" owns it")

    def test_links(self):
        """Nothing is done before they are seen, whoever asks."""
        elsewhere = self.dir / "elsewhere"
        elsewhere.mkdir()
        for number, name in enumerate(("volumes", "embed/etc/qemu/networks", "embed/run")):
            state = self.state(f"link{number}")
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            (state / name).symlink_to(elsewhere)
            self.refused(state, f"{state}/{name}: is a symbolic link")
        self.assertEqual(list(elsewhere.iterdir()), [])

    def test_the_folder_itself_may_be_a_link(self):
        """All that changes something goes through it; who owns the link, and what it leads to, is judged."""
        real, link = self.dir / "real", self.dir / "link"
        link.symlink_to(real)
        words = (("apply", "-f", self.manifest), ("apply", "-f", self.manifest), ("vm", "stop", "demo"), ("vm", "delete", "demo", "--yes"),
                 ("volume", "delete", "demo", "--yes"), ("network", "delete", "default", "--yes"))
        done = Sclctl(link, "qemu:///embed", host=self.scl).run("vm", "list")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(f"{link}: is a symbolic link to {real}, which cannot be opened", done.stderr)
        self.assertFalse(real.exists())
        real.mkdir()
        for state in (link, f"{link}/"):
            ctl = Sclctl(state, "qemu:///embed", host=self.scl)
            ctl.state = state  # a Path has no slash at its end
            for command in words:
                with self.subTest(state=state, words=command):
                    done = ctl.run(*command)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    self.assertEqual(any(real.rglob("demo.raw")), command[0] in ("apply", "vm"))
        os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
        for state in (link, f"{link}/"):
            ctl = Sclctl(state, "qemu:///embed", host=self.scl)
            ctl.state = state
            done = ctl.run("vm", "list")
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(f"{link}: user \"nobody\" owns it", done.stderr)

    def test_a_file(self):
        state = self.dir / "file"
        state.write_text("")
        done = Sclctl(state, "qemu:///embed", host=self.scl).run("vm", "list")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(f"{state}: is not a folder", done.stderr)
        self.assertIn("state=", done.stderr)

    def test_others_may_write(self):
        state = self.state("open")
        state.chmod(0o777)
        self.refused(state, f"{state}: others can write into it")

    def test_another_root(self):
        """Nobody has judged that one, whoever it belongs to."""
        root = self.state("root") / "embed"
        state = self.dir / "empty"
        state.mkdir()
        before = self.tree(root)
        for spelling in (f"qemu:///embed?root={root}", f"qemu:/embed?root={root}", f"qemu:///%65mbed?root={root}"):
            self.refused(state, f'hypervisor "{spelling}"', spelling)
        self.assertEqual(self.tree(root), before)


if __name__ == "__main__":
    scltest.main()
