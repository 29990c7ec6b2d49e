# SPDX-License-Identifier: LGPL-2.1-or-later
"""sclctl's commands one after the other, as an administrator gives them, on a private libvirtd."""

import fcntl
import os
import re
import signal
import subprocess

import scltest
from scltest import kernel, kvm
from scltest.console import Console
from scltest.sclctl import Sclctl
from test_sclctl_simulated import Lines

MANIFEST = """\
networks:
  default: {{externalIP: 192.168.198.1, allowedTCPPorts: ["2222:192.168.20.2:22"]}}
virtualMachines:
  one: {vm}
  two: {vm}
"""
VM = "{{image: {image}, memorySize: 128, firmware: bios, accelerator: tcg, shutdownTimeout: 60, autoStart: {auto}}}"

class Daemon(scltest.TestCase):
    def setUp(self):
        scltest.require(os.geteuid() == 0, "root")
        self.dir = self.folder()
        self.libvirtd = self.use(scltest.Libvirtd(self.folder()))
        self.ctl = Sclctl(self.dir / "state", self.libvirtd.uri)
        self.addCleanup(self.remove_everything)

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def manifest(self, auto="true"):
        return self.write("demo.yaml", MANIFEST.format(vm=VM.format(image=scltest.tiny_image(), auto=auto)))

    def remove_everything(self):
        nothing = self.write("nothing.yaml", "networks: {default: null}\n")
        self.ctl.run("apply", "--prune", "--allow-empty", "-f", nothing)

    def states(self):
        return {vm["name"]: vm["state"] for vm in self.ctl.json("vm", "list")}

    def begin(self, *words, pipe="stdout"):
        process = self.ctl.start(*words, stdin=subprocess.DEVNULL, **{pipe: subprocess.PIPE})
        self.addCleanup(getattr(process, pipe).close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, Lines(getattr(process, pipe))

    def test_life(self):
        manifest = self.manifest()
        self.ctl.run("apply", "-f", manifest, check=0)
        self.assertEqual(self.ctl.run("apply", "-f", manifest, check=0).stdout,
                         "nothing to do: everything is as declared\n")
        self.ctl.run("plan", "-f", manifest, check=0)
        self.assertEqual(self.states(), {"one": "running", "two": "running"})
        [network] = self.ctl.json("network", "list")
        self.assertEqual((network["name"], sorted(network["vms"]), network["problems"]), ("default", ["one", "two"], []))
        self.assertEqual([(volume["name"], volume["used"]) for volume in self.ctl.json("volume", "list")],
                         [("one", True), ("two", True)])

        with self.subTest("a user's stop lasts"):
            self.ctl.run("vm", "stop", "one", check=0)
            self.assertEqual(self.ctl.json("vm", "show", "one")["stoppedBy"], "user")
            self.ctl.run("apply", "-f", manifest, check=0)
            self.assertEqual(self.states(), {"one": "stopped", "two": "running"})
            self.ctl.run("vm", "start", "one", check=0)
            self.ctl.run("vm", "restart", "--force", "one", "two", check=0)
            self.assertEqual(self.states(), {"one": "running", "two": "running"})

        with self.subTest("volumes outlive their VMs and can be pruned"):
            self.ctl.run("vm", "delete", "--yes", "one", "two", check=0)
            self.assertEqual(self.states(), {})
            self.assertEqual(len(self.ctl.json("volume", "list")), 2)
            done = self.ctl.run("volume", "prune", check=1)
            self.assertIn('delete with all data volume "one", volume "two" needs a yes', done.stderr)
            self.ctl.run("volume", "delete", "--yes", "one", check=0)
            self.ctl.run("volume", "prune", "--yes", check=0)
            self.assertEqual(self.ctl.json("volume", "list"), [])

        with self.subTest("a network"):
            self.ctl.run("network", "delete", "--yes", "default", check=0)
            self.assertEqual(self.ctl.json("network", "list"), [])

    def test_lock(self):
        manifest = self.manifest("false")
        os.makedirs("/run/scl/.lock", mode=0o700, exist_ok=True)
        with open(f"/run/scl/.lock/{self.ctl.prefix}.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            done = self.ctl.run("--timeout", "1", "apply", "-f", manifest)
            self.assertEqual((done.returncode, done.stdout), (75, ""))
            self.assertIn(f"locked by process {os.getpid()}", done.stderr)
            self.assertEqual(self.ctl.run("vm", "list", "-q", check=0).stdout, "", "looking needs no lock")
            process, lines = self.begin("apply", "-f", manifest, pipe="stderr")
            self.assertEqual(lines.next(),
                             "sclctl: somebody else is changing this instance; waiting until they are done")
        self.assertEqual(process.wait(scltest.bound(60)), 0)

    def test_console(self):
        self.ctl.run("apply", "-f", self.manifest(), check=0)
        with Console.of_command(self.ctl.argv("console", "one")) as console:
            console.wait_ready()
            self.assertEqual(console.check("hostname; echo $((6 * 7))").split()[-1], "42")
            # A second one is told what is the matter.
            done = self.ctl.run("console", "one", seconds=30)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertTrue(done.stderr.startswith('sclctl: VM "one"'), done.stderr)

    def test_console_prints_no_document(self):
        """What the guest prints is the output, whatever ends it."""
        self.ctl.run("apply", "-f", self.manifest(), check=0)
        process = subprocess.Popen(self.ctl.argv("console", "one", output="json"), env=self.ctl.environment(), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process:
            self.addCleanup(process.kill)
            self.assertEqual(Lines(process.stderr).next(60), 'sclctl: console of VM "one"')
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(scltest.bound(60)), 130)
            self.assertNotIn('"error"', process.stdout.read())

    def test_attach(self):
        self.ctl.run("apply", "-f", self.manifest("false"), check=0)
        done = self.ctl.run("vm", "attach", "one")
        self.assertEqual((done.returncode, done.stderr),
                         (1, 'sclctl: VM "one": it does not run; --start starts it\n'))
        process, lines = self.begin("vm", "attach", "one", "--start", "--stop-on-term")
        while "READY" not in (line := lines.next(60)):
            self.assertIsNotNone(line)
        with Console.of_command(self.ctl.argv("console", "one")) as console:
            console.wait_ready()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(scltest.bound(90)), 0)
        self.assertEqual(self.states()["one"], "stopped")

    def attach(self, name):
        process, lines = self.begin("vm", "attach", name, "--start", "--stop-on-term")
        while "READY" not in (line := lines.next(60)):
            self.assertIsNotNone(line)
        return process, lines

    def test_attach_goes_on_over_a_restart(self):
        """For a service manager the VM never went away."""
        self.ctl.run("apply", "-f", self.manifest("false"), check=0)
        process, lines = self.attach("one")
        self.ctl.run("vm", "restart", "one", check=0)
        while "READY" not in (line := lines.next(60)):
            self.assertIsNotNone(line, "attach has ended")
        self.ctl.run("vm", "restart", "--force", "one", check=0)
        while "READY" not in (line := lines.next(60)):
            self.assertIsNotNone(line, "attach has ended")
        self.assertIsNone(process.poll())
        self.ctl.run("vm", "stop", "one", check=0)
        self.assertEqual(process.wait(scltest.bound(30)), 0, "a user's stop ends it at once")

    def test_all(self):
        self.ctl.run("apply", "-f", self.manifest("false"), check=0)
        self.assertEqual(self.ctl.run("vm", "stop", "--all", check=0).stdout, "")
        self.ctl.run("vm", "start", "one", check=0)
        self.assertEqual(self.ctl.run("vm", "list", "--running", "-q", check=0).stdout, "one\n")
        self.assertEqual([vm["name"] for vm in self.ctl.json("vm", "list", "--running")], ["one"])
        self.ctl.run("vm", "restart", "--all", "--force", check=0)
        self.assertEqual(self.states(), {"one": "running", "two": "stopped"})
        self.ctl.run("vm", "stop", "--all", "--force", check=0)
        self.assertEqual(self.states(), {"one": "stopped", "two": "stopped"})
        self.assertEqual(self.ctl.run("vm", "list", "--running", "-q", check=0).stdout, "")

    def test_attach_ends_with_the_guest(self):
        self.ctl.run("apply", "-f", self.manifest("false"), check=0)
        process, lines = self.begin("vm", "attach", "two", "--start")
        while "READY" not in (line := lines.next(60)):
            self.assertIsNotNone(line)
        with Console.of_command(self.ctl.argv("console", "two")) as console:
            console.wait_ready()
            console.line("poweroff -f")
            self.assertEqual(process.wait(scltest.bound(60)), 0)
        self.assertEqual(self.ctl.json("vm", "show", "two")["stoppedBy"], "guest")

    def test_interrupted_apply(self):
        """Ctrl-C: what runs is finished, the rest is not begun, and the same apply does it."""
        manifest = self.manifest()
        process, lines = self.begin("-v", "apply", "-f", manifest, pipe="stderr")
        while "begins" not in (line := lines.next(60)):
            self.assertIsNotNone(line)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(scltest.bound(120)), 130)
        said = []
        while (line := lines.next()) is not None:
            said.append(line)
        self.assertTrue(any(re.match(r"sclctl: interrupted: finishing or undoing .*\(\d+ s so far\).*; no other step begins; "
                                     "Ctrl-C again leaves at once$", line) for line in said), said)
        self.assertRegex(said[-1], r"^sclctl: interrupted: \d+ of \d+ steps were done; the same again does the rest$")
        self.ctl.run("apply", "-f", manifest, check=0)
        self.assertEqual(self.states(), {"one": "running", "two": "running"})

if __name__ == "__main__":
    if os.geteuid() == 0 and kvm.lacks_udev():
        kernel.private_mounts()
        kvm.show_as_udev_would()
    scltest.main()
