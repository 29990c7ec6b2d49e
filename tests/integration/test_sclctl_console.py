# SPDX-License-Identifier: LGPL-2.1-or-later
"""sclctl run with real guests on the embedded hypervisor: consoles, the terminal, the end."""

import json
import os
import re
import signal
import subprocess
import termios

import scltest
from scltest import kernel, kvm
from scltest.sclctl import Sclctl
from test_sclctl_simulated import Lines
from test_sclctl_terminal import Terminal

VM = "{{image: {image}, memorySize: 128, firmware: bios, accelerator: tcg, shutdownTimeout: {timeout}}}"


class RealGuests(scltest.TestCase):
    def setUp(self):
        scltest.require(os.geteuid() == 0, "root")
        self.dir = self.folder()
        self.ctl = Sclctl(self.dir)

    def write(self, *names, ignore_power_button=False, timeout=240):
        vm = VM.format(image=scltest.tiny_image(ignore_power_button), timeout=timeout)
        path = self.dir / "guests.yaml"
        path.write_text("networks: {default: {externalIP: 192.168.199.1}}\nvirtualMachines:\n"
                        + "".join(f"  {name}: {vm}\n" for name in names), encoding="utf-8")
        return path

    def assert_gone(self):
        """Whatever carries the prefix is gone; the volumes are there."""
        links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
        self.assertNotRegex(links, rf"\b{self.ctl.prefix}[a-z]-")
        self.assertEqual([name for name in os.listdir("/run/netns") if name.startswith(f"{self.ctl.prefix}-")], [])
        self.assertTrue(list((self.ctl.home / "volumes").glob("*.raw")))

    def finish(self, process):
        """Takes down what a failed test left running; if it still can, the same way as a user."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(scltest.bound(60))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def begin(self, *words):
        terminal = self.use(Terminal(self.ctl.argv("run", *words)))
        self.addCleanup(self.finish, terminal.process)
        return terminal

    def begin_without_terminal(self, *words):
        process = self.ctl.start(*words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(self.finish, process)
        return process, Lines(process.stdout)

    def test_console(self):
        terminal = self.begin("-f", self.write("one"), "--console", "one")
        terminal.expect(r'console of VM "one"; Ctrl-\] leaves it', 120)
        terminal.expect("READY", 60)
        self.assertFalse(termios.tcgetattr(terminal.slave)[3] & termios.ISIG, "the terminal is raw")
        terminal.type("\necho $((6 * 7))-answer\n")
        # What comes while the shell sets up its prompt is lost to it.
        terminal.expect(r"42-answer\s+tiny# ")
        # Ctrl-C is the guest's.
        # The guest's shell is deaf to it until the program is there: it says so itself.
        terminal.type("sh -c 'echo wait-$((6 * 7)); exec cat'\n")
        terminal.expect("wait-42")
        terminal.type("\x03")
        # The guest's kernel may echo it after the shell has ended the line.
        terminal.expect(r"\^C\s*tiny# ")
        terminal.type("echo still-$((6 * 7))\n")
        terminal.expect("still-42")
        terminal.type("\x1d")
        terminal.expect("left the console; Ctrl-C shuts everything down")
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)
        terminal.type("\x03")
        terminal.expect(r'delete VM "one": done', 90)
        self.assertEqual(terminal.end(), 0)
        self.assert_gone()

    def test_terminal_after_a_crash(self):
        terminal = self.begin("-f", self.write("one"), "--console", "one")
        terminal.expect(r'console of VM "one"; Ctrl-\] leaves it', 120)
        terminal.expect("READY", 60)
        terminal.process.send_signal(signal.SIGSEGV)
        self.assertEqual(terminal.process.wait(scltest.bound(30)), -signal.SIGSEGV)
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)
        # What it left behind is taken over, and taken down.
        process, lines = self.begin_without_terminal("run", "-f", self.write("one"))
        while not (lines.next(120) or "ready").startswith("ready"):
            pass
        self.assertEqual(Sclctl.stop(process), 0)
        self.assert_gone()

    def test_several_consoles(self):
        process, lines = self.begin_without_terminal("-o", "json", "run", "-f", self.write("one", "two"))
        waiting = {"one", "two"}
        events = []
        while waiting:
            line = lines.next(120)
            self.assertIsNotNone(line, events)
            event = json.loads(line)
            events.append(event["event"])
            if event["event"] == "console" and "READY" in event["text"]:
                waiting.discard(event["vm"])
            if event["event"] == "console":
                self.assertIsNone(re.search("[\x00-\x08\x0a-\x1f\x7f]", event["text"]))
        self.assertEqual(Sclctl.stop(process), 0)
        self.assert_gone()

    def test_deaf_guest(self):
        """Ctrl-C shuts down, the next says what that waits for, the third switches off."""
        terminal = self.begin("-f", self.write("deaf", ignore_power_button=True, timeout=600), "--no-console")
        terminal.expect("ready; Ctrl-C shuts everything down", 120)
        terminal.type("\x03")
        terminal.expect(r'\^C\nsclctl: finishing: shutting down VM "deaf" \(up to \d+ s\), then removing networks; '
                        "volumes are kept; Ctrl-C twice more switches off\n")
        terminal.expect(r'  delete VM "deaf"  ')
        terminal.type("\x03")
        terminal.expect(r'sclctl: finishing: shutting down VM "deaf" \(up to \d+ s\); Ctrl-C again switches off '
                        "what is still on\n")
        terminal.type("\x03")
        terminal.expect('sclctl: switching VM "deaf" off')
        terminal.expect('delete VM "deaf": done', 60)
        self.assertEqual(terminal.end(), 0)
        self.assert_gone()


if __name__ == "__main__":
    if os.geteuid() == 0 and kvm.lacks_udev():
        kernel.private_mounts()
        kvm.show_as_udev_would()
    scltest.main()
