#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How helper programs and sclctl itself end, on a lab host with the embedded hypervisor."""

import collections
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

import scltest
from scltest import Lab
from scltest.scene import Scene, SharedCase
from scltest.sclctl import Sclctl


def ignore_children():
    """As a careless service manager or parent leaves it; kept over exec."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


FAULTS = Path(os.environ.get("SCL_BUILD_DIR", scltest.guest.SOURCE / "build")) / "tests/integration/libfault-inject.so"


class Ends(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The leak check cannot stop the embedded hypervisor's threads, and now and then ends the program itself.
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        cls.scene = Scene(cls.dir, None, cls.scl)
        cls.ctl = Sclctl(cls.dir / "s", "qemu:///embed", prefix=cls.scene.ctl.prefix, host=cls.scl)
        cls.scene.network("default")

    def with_nft(self, script):
        """An environment in which a shell script is nft."""
        tools = self.folder()
        (tools / "nft").write_text("#!/bin/sh\n" + script)
        (tools / "nft").chmod(0o755)
        return {**self.ctl.environment(), "PATH": f"{tools}:{os.environ['PATH']}"}

    def tables(self):
        return self.scl.output(["nft", "list", "tables"])

    def test_failed_firewall_with_children_ignored(self):
        """nft fails: so does apply, whoever started it; and with nft back the same apply is enough."""
        manifest = self.scene.write()
        environment = self.with_nft("echo 'nft: broken on purpose' >&2\nexit 1\n")
        done = self.scl.run(self.ctl.argv("apply", "-f", manifest), check=False, timeout=scltest.bound(120), env=environment,
                            preexec_fn=ignore_children)
        self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("broken on purpose", done.stderr)
        self.assertEqual(self.tables(), "")
        done = self.scl.run(self.ctl.argv("apply", "-f", manifest), check=False, timeout=scltest.bound(120),
                            env=self.ctl.environment(), preexec_fn=ignore_children)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"table inet {self.ctl.prefix}", self.tables())
        self.remove_everything()

    def remove_everything(self):
        empty = self.scene.write({"version": 1, "networks": {"default": None}})
        self.ctl.run("apply", "-f", empty, "--allow-empty", "--prune", check=0)

    def test_two_signals_in_the_middle_of_a_change(self):
        """The first says what it finishes, the second leaves, and the same apply goes on from there."""
        manifest = self.scene.write()
        self.addCleanup(self.remove_everything)
        begun, never = (self.folder() / name for name in ("begun", "never"))
        os.mkfifo(begun)
        os.mkfifo(never)
        # To read is quick; to change takes for ever.
        environment = self.with_nft(f'case "$*" in *list*) exec /usr/sbin/nft "$@";; esac\n'
                                    f"echo begun > {begun}\nexec cat {never}\n")
        process = self.scl.popen(self.ctl.argv("apply", "-f", manifest, output="json"), env=environment, text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        with open(begun, encoding="ascii") as file:
            self.assertEqual(file.read(), "begun\n")
        # Both are there when it looks.
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        printed, said = process.communicate(timeout=scltest.bound(60))
        self.assertEqual(process.returncode, 130, said)
        self.assertEqual(json.loads(printed), {"error": {
            "code": "cancelled", "message": "interrupted: left before it was finished; the same command again finishes it"}})
        self.assertRegex(said, r"(?m)^sclctl: interrupted: finishing or undoing create .* \(\d+ s so far\); no other step "
                               r"begins; (Ctrl-C again|another signal) leaves at once$")
        self.assertRegex(said, r"(?m)^sclctl: interrupted: left before it was finished; the same command again finishes it$")
        self.ctl.run("apply", "-f", manifest, check=0)
        self.ctl.run("plan", "-f", manifest, check=0)

    @contextlib.contextmanager
    def opened_gate(self, log):
        """Inside, somebody stands at the gate; when it ends they are let through."""
        opener = subprocess.Popen(["timeout", str(int(scltest.bound(60))), "sh", "-c", 'exec 3> "$0"; echo open; read -r word', self.gate],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with opener:
            self.assertEqual(opener.stdout.readline(), "open\n", log.read_text(errors="replace"))
            yield

    def end_at_gate(self, words, environment, *numbers):
        """The status and the words of a sclctl that gets these signals at once while something waits at the gate."""
        log = self.folder() / "log"
        with open(log, "wb") as sink:
            process = self.scl.popen(self.ctl.argv(*words), env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
        self.addCleanup(process.kill)
        with self.opened_gate(log):
            process.send_signal(signal.SIGSTOP)
            for number in numbers:
                process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            with subprocess.Popen(["timeout", "60", "tail", "-n", "+1", "-F", str(log)], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True) as tail:
                while "interrupted: finishing" not in (line := tail.stdout.readline()):
                    self.assertTrue(line, log.read_text())
                tail.terminate()
        process.wait(timeout=scltest.bound(60))
        return process.returncode, log.read_text()

    def gates(self):
        """Environments in which the first nft that changes something waits, and in which a VM's start does."""
        self.gate = self.folder() / "gate"
        os.mkfifo(self.gate)
        nft = self.with_nft('case "$*" in *list*) exec /usr/sbin/nft "$@";; esac\n'
                            f'[ ! -p {self.gate} ] || {{ cat {self.gate}; rm -f {self.gate}; }}\nexec /usr/sbin/nft "$@"\n')
        start = {**self.ctl.environment(), "LD_PRELOAD": str(FAULTS), "SCL_FAULT_HOLD": "virDomainCreate",
                 "SCL_FAULT_GATE": str(self.gate)}
        return nft, start

    def test_two_signals_while_run_brings_up(self):
        """It has to take down what it has made, so it does not leave at once."""
        status, said = self.end_at_gate(["run", "-f", self.scene.write()], self.gates()[0], signal.SIGTERM, signal.SIGHUP)
        self.assertEqual(status, 130, said)
        self.assertNotIn("left before", said)
        self.assertEqual(self.tables(), "")
        self.assertEqual(self.scl.output(["ls", "/run/netns"]), "")

    def test_nohup(self):
        """What was started so goes on when its terminal is closed; a signal that is meant still ends it."""
        process = self.scl.popen(["nohup", *self.ctl.argv("run", "-f", self.scene.write())], env=self.ctl.environment(),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        said = iter(process.stdout.readline, "")
        self.assertTrue(any("Ctrl-C" in line for line in said))
        mask = re.search(r"SigIgn:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"))[1]
        self.assertTrue(int(mask, 16) & 1 << signal.SIGHUP - 1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=scltest.bound(60))
        self.assertEqual(self.tables(), "")

    def test_a_signal_while_the_guest_starts(self):
        """The start succeeds in spite of it; the VM is ended all the same, without another signal."""
        if "SCL_TEST_SANITIZE" in os.environ:
            self.skipTest("what is preloaded does not go with a sanitizer's runtime")
        self.addCleanup(self.remove_everything)
        self.addCleanup(self.scene.manifest["virtualMachines"].clear)
        self.scene.vm("one", "192.168.20.2/24", "192.168.20.1", autoStart=False, shutdownTimeout=1)
        declared = self.scene.write()
        self.ctl.run("apply", "-f", declared, check=0)
        attach = ["vm", "attach", "--start", "--stop-on-term", "one"]
        status, said = self.end_at_gate(attach, self.gates()[1], signal.SIGTERM)
        self.assertEqual(status, 0, said)
        self.assertEqual([vm["state"] for vm in self.ctl.json("vm", "list")], ["stopped"])
        self.ctl.run("vm", "delete", "--yes", "one", check=0)
        self.scene.manifest["virtualMachines"]["one"]["autoStart"] = True
        status, said = self.end_at_gate(["run", "-f", self.scene.write()], self.gates()[1], signal.SIGTERM)
        self.assertEqual(status, 130, said)
        self.assertIn('start VM "one": done', said)
        self.assertEqual(self.tables(), "")

    def test_a_daemon_that_hangs(self):
        """It takes the connection and says nothing: one signal is enough, in whatever reads and in apply."""
        path = self.folder() / "hung"
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(path))
        listener.listen(8)
        listener.settimeout(scltest.bound(60))
        hung = Sclctl(self.dir / "hung", f"qemu+unix:///system?socket={quote(str(path))}", host=self.scl)
        for words in (["vm", "list"], ["apply", "-f", self.scene.write()]):
            for number in (signal.SIGTERM, signal.SIGINT):
                with self.subTest(words=words, signal=number):
                    process = hung.start(*words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, text=True)
                    self.addCleanup(process.stdout.close)
                    self.addCleanup(process.kill)
                    self.addCleanup(listener.accept()[0].close)
                    process.send_signal(number)
                    said = process.communicate(timeout=scltest.bound(20))[0]
                    self.assertEqual(process.returncode, 130, said)
                    self.assertRegex(said, r"\Asclctl: interrupted.*\n\Z")
        self.assertEqual(self.tables(), "")

    def test_the_end_with_an_embedded_guest(self):
        """The hypervisor's threads still run when sclctl ends: no library is taken from under them."""
        self.addCleanup(self.remove_everything)
        self.addCleanup(self.scene.manifest["virtualMachines"].clear)
        self.scene.vm("one", "192.168.20.2/24", "192.168.20.1")
        self.ctl.run("apply", "-f", self.scene.write(), check=0)
        trace = self.folder()
        for words in (["vm", "list"], ["status"]):
            environment = {**self.ctl.environment(), "LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(trace / words[0])}
            done = self.scl.run(self.ctl.argv(*words), check=False, timeout=scltest.bound(120), env=environment)
            self.assertEqual(done.returncode, 0, done.stderr)
        # One file per process; what it starts is traced, too.
        traced = [text for path in trace.iterdir() if "/libscl.so" in (text := path.read_text(errors="replace"))]
        self.assertEqual(len(traced), 2)
        self.assertEqual([line for text in traced for line in text.splitlines() if "calling fini" in line], [])
        ends = collections.Counter(self.ctl.run(*words).returncode for words in (["vm", "list"], ["status"]) * 30)
        self.assertEqual(ends, {0: 60})


if __name__ == "__main__":
    scltest.main()
