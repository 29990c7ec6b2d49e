# SPDX-License-Identifier: LGPL-2.1-or-later
"""sclctl on a terminal: colours, questions, Ctrl-C. On libvirt's test driver, so without any VM."""

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time

import scltest
from scltest.guest import SOURCE
from scltest.sclctl import Sclctl

MANIFEST = "virtualMachines: {demo: {image: image.raw}}\n"


class Terminal:
    """A program on a terminal of its own, whose Ctrl-C reaches it."""

    def __init__(self, argv, **environment):
        self.fd, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.text = ""
        clean = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                        env={**clean, "TERM": "xterm", "G_DEBUG": "fatal-criticals", **environment})
        self.slave = slave

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.fd)
        os.close(self.slave)

    def expect(self, pattern, seconds=30):
        limit = time.monotonic() + scltest.bound(seconds)
        while not re.search(pattern, self.text):
            if not select.select([self.fd], [], [], max(0, limit - time.monotonic()))[0]:
                raise AssertionError(f"no {pattern!r} within {scltest.bound(seconds):.0f} s in {self.text!r}")
            self.text += os.read(self.fd, 65536).decode().replace("\r", "")

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def end(self):
        """Its status, when all that it wrote has been read."""
        status = self.process.wait(scltest.bound(30))
        while select.select([self.fd], [], [], 0)[0]:
            self.text += os.read(self.fd, 65536).decode().replace("\r", "")
        return status


class OnTerminal(scltest.TestCase):
    def setUp(self):
        self.dir = self.folder()
        with open(self.dir / "image.raw", "wb") as file:
            file.truncate(1 << 20)
        (self.dir / "demo.yaml").write_text(MANIFEST, encoding="utf-8")
        domain = (SOURCE / "tests/data/vm/bios.xml").read_text(encoding="utf-8")
        (self.dir / "node.xml").write_text(f"<node>{domain}</node>", encoding="utf-8")
        self.ctl = Sclctl(self.dir / "state", f"test://{self.dir}/node.xml", prefix="scl")

    def begin(self, *words, **environment):
        return self.use(Terminal(self.ctl.argv(*words), **environment))

    def test_colours(self):
        terminal = self.begin("vm", "list")
        self.assertEqual(terminal.end(), 0)
        self.assertIn("bios  \033[32mrunning\033[0m", terminal.text)
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            terminal = self.begin("vm", "list", **environment)
            self.assertEqual(terminal.end(), 0)
            self.assertIn("bios  running", terminal.text)
            self.assertNotIn("\033", terminal.text)
        terminal = self.begin("vm", "list", NO_COLOR="")
        self.assertEqual(terminal.end(), 0)
        self.assertIn("\033[32m", terminal.text)

    def apply(self, keys):
        terminal = self.begin("apply", "-f", self.dir / "demo.yaml")
        terminal.expect(r'This removes VM "bios" \(volumes are kept\)\.\nRemove\? .*:')
        terminal.type(keys)
        return terminal.end(), terminal.text

    def test_removal_yes(self):
        status, text = self.apply("y\n")
        self.assertEqual(status, 0)
        self.assertIn('delete VM "bios": done', text)

    def test_removal_keep(self):
        status, text = self.apply("k\n")
        self.assertEqual(status, 3)
        self.assertIn('start VM "demo": done', text)
        self.assertIn('VM "bios": not removed, though no longer declared', text)

    def test_removal_no(self):
        for keys in ("\n", "n\n", "\x04"):
            status, text = self.apply(keys)
            self.assertEqual(status, 1)
            self.assertIn("sclctl: nothing was changed\n", text)
            self.assertNotIn(": done", text)

    def test_removal_interrupted(self):
        status, text = self.apply("\x03")
        self.assertEqual(status, 130)
        self.assertIn("sclctl: nothing was changed\n", text)

    def test_no_question_if_the_answer_was_given(self):
        terminal = self.begin("apply", "--prune", "-f", self.dir / "demo.yaml")
        self.assertEqual(terminal.end(), 0)
        self.assertNotIn("?", terminal.text)

    def test_delete(self):
        for keys, status in (("y\n", 0), ("\n", 1), ("\x03", 130)):
            terminal = self.begin("vm", "delete", "bios")
            terminal.expect(r'Really shut down and delete VM "bios"\? \[y/N\]')
            terminal.type(keys)
            self.assertEqual(terminal.end(), status)
            self.assertEqual('delete VM "bios": done' in terminal.text, status == 0)

    def test_run_until_interrupted(self):
        terminal = self.begin("run", "--yes", "-f", self.dir / "demo.yaml")
        terminal.expect("ready; Ctrl-C shuts everything down")
        terminal.type("\x03")
        self.assertEqual(terminal.end(), 0)
        self.assertIn('delete VM "demo": done', terminal.text)

    def test_terminal_is_as_before(self):
        terminal = self.begin("console", "bios")
        self.assertEqual(terminal.end(), 1)
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)


if __name__ == "__main__":
    scltest.main()
