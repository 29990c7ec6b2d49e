#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sclctl run with its defaults beside VMs that were applied, on the same host and state folder."""

import json
import os
import re
import shlex
import subprocess
from urllib.parse import quote

import scltest
from scltest import Lab, Libvirtd
from scltest.scene import Scene, SharedCase
from scltest.sclctl import Sclctl

TAKEN = 'external IP 192.168.10.1 is taken by network "default" of instance "{}": using {}; ssh -p 2222 {}'


class Default(Sclctl):
    """As people call it: with a state folder, but no prefix."""

    @property
    def uri(self):
        return f"local:?state={quote(str(self.state), safe='')}"


class Beside(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        cls.libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.scl))
        cls.scene = cls.share(Scene(cls.dir, cls.libvirtd, cls.scl))
        cls.scene.network("default", tcp=["2222:192.168.20.2:22"])
        cls.scene.vm("web", "192.168.20.2/24", "192.168.20.1", shutdownTimeout=60)
        cls.scene.apply()
        cls.applied = cls.scene.write()
        trial = cls.scene.copy()
        trial["virtualMachines"]["try"] = trial["virtualMachines"].pop("web")
        cls.trial = cls.scene.write(trial)
        cls.ctl = Default(cls.scene.ctl.state, host=cls.scl)
        cls.log = cls.dir / "run.log"

    def seen(self):
        """What must not change: the guest that runs, its network's links and rules, and that nothing is to be done."""
        namespace = self.scene.namespace("default")
        self.scene.ctl.run("plan", "-f", self.applied, check=0)
        [vm] = self.scene.ctl.json("vm", "list")
        self.assertEqual(vm["state"], "running")
        return (self.libvirtd.virsh("domid", self.scene.domain("web")), self.scene.ctl.json("network", "list"),
                self.scl.output(["ip", "-n", namespace, "-brief", "link"]),
                self.scl.output(["ip", "netns", "exec", namespace, "nft", "-s", "list", "ruleset"]),
                self.scl.output(["nft", "-s", "list", "table", "inet", self.scene.ctl.prefix]))

    def begin(self, *words, manifest=None):
        """A run that is ready, and what it said until then."""
        source, sink = os.pipe()
        with open(self.log, "wb") as log:
            process = self.ctl.start(*words, "run", "-f", manifest or self.trial, "--no-console", "--ready-fd", sink,
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[sink])
        os.close(sink)
        self.addCleanup(process.kill)
        with os.fdopen(source, "rb") as ready:
            said = ready.read()
        text = self.log.read_text(errors="replace")
        self.assertEqual(said, b"ready\n", text)
        return process, text

    def external(self, process):
        """The external addresses of the run's networks, as the host has them."""
        self.assertIsNone(process.poll())
        routes = self.scl.output(["ip", "-4", "route"]).splitlines()
        return sorted(line.split()[0] for line in routes if "dev runu-" in line)

    def test_run_beside_an_applied_host(self):
        before, declared = self.seen(), open(self.trial, "rb").read()
        process, said = self.begin()
        self.assertIn(TAKEN.format(self.scene.ctl.prefix, "192.168.10.2", "192.168.10.2"), said)
        self.assertEqual(self.external(process), ["192.168.10.2"])
        self.assertEqual(self.seen(), before)
        with self.subTest("a second run is told at once who holds it"):
            done = self.ctl.run("run", "-f", self.trial, seconds=25)
            self.assertEqual(done.returncode, 75, done.stderr)
            self.assertIn(f"process {process.pid}", done.stderr)
        with self.subTest("apply names the run that has its address"):
            other = Sclctl(self.dir / "other", self.libvirtd.uri, host=self.scl)
            manifest = self.scene.write({"version": 1, "networks": {"default": {"externalIP": "192.168.10.2"}}})
            done = other.run("apply", "-f", manifest)
            self.assertEqual(done.returncode, 1)
            self.assertIn('192.168.10.2 is taken by network "default" of instance "run"', done.stderr)
        self.assertEqual(Sclctl.stop(process, scltest.bound(120)), 0, self.log.read_text(errors="replace"))
        self.assertEqual(self.seen(), before)
        self.assertEqual(open(self.trial, "rb").read(), declared)
        self.assertEqual([name for name in self.scl.output(["ls", "/run/netns"]).split() if name.startswith("run-")], [])

    def test_addresses_that_others_have(self):
        """An address of the host, two networks that want the same neighbour, a JSON event for programs."""
        self.scl.run(["ip", "address", "add", "192.168.10.254/32", "dev", "lo"])
        self.addCleanup(self.scl.run, ["ip", "address", "del", "192.168.10.254/32", "dev", "lo"])
        networks = {name: {"externalIP": f"192.168.10.{number}", "gatewayIP": "192.168.20.1"}
                    for name, number in (("default", 1), ("host", 254), ("lan", 2))}
        manifest = self.scene.write({"version": 1, "networks": networks})
        process, _ = self.begin("-o", "json", manifest=manifest)
        self.assertEqual(self.external(process), ["192.168.10.2", "192.168.10.3", "192.168.10.4"])
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        moved = {event["network"]: (event["declared"], event["used"]) for event in lines if event["event"] == "externalIP"}
        self.assertEqual(moved, {"default": ("192.168.10.1", "192.168.10.3"), "host": ("192.168.10.254", "192.168.10.4")})
        self.assertEqual(Sclctl.stop(process, scltest.bound(120)), 0)


class Prefixes(SharedCase):
    """Nothing is applied, and no guest runs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        cls.scene = Scene(cls.dir, None, cls.scl)
        cls.scene.network("default")

    def run_until_off(self, ctl, manifest):
        """What a run says whose VMs do not start, so that it ends by itself."""
        process = ctl.start("run", "-f", manifest, "--until-off", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        said = process.communicate(timeout=scltest.bound(120))[0]
        self.assertEqual(process.returncode, 0, said)
        return said

    def test_volume_of_an_older_run(self):
        """What run made with the prefix scl is shown, not taken; the commands that it names go on with it."""
        state = self.dir / "older"
        older, now = Sclctl(state, prefix="scl", host=self.scl), Default(state, host=self.scl)
        self.scene.vm("try", autoStart=False)
        manifest = self.scene.write()
        self.run_until_off(older, manifest)
        volume = state / "volumes/try.raw"
        with open(volume, "r+b") as file:
            file.write(b"MINE")
        number = volume.stat().st_ino
        said = self.run_until_off(now, manifest)
        self.assertIn(f'volume "try": a new one is made; {volume} belongs to instance "scl"', said)
        own = state / "instances/run/volumes/try.raw"
        self.assertTrue(own.exists())
        self.assertNotIn('volume "try"', self.run_until_off(older, manifest))
        commands = [shlex.split(line) for line in re.findall(r'"(sclctl -c [^"]*)"', said)]
        self.assertEqual([words[3:] for words in commands],
                         [["volume", "delete", "try"], ["volume", "adopt", "try", "--from", "scl"]])
        with self.subTest("a volume that is there is not put away"):
            done = self.scl.run([now.program, *commands[1][1:]], check=False, capture_output=True, text=True)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn('instance "run" has a volume "try" already', done.stderr)
        for words in commands:
            self.scl.run([now.program, *words[1:], "--yes"])
        self.assertEqual(list((state / "volumes").iterdir()), [])
        self.assertEqual(own.stat().st_ino, number)
        self.assertNotIn('volume "try"', self.run_until_off(now, manifest))
        with open(own, "rb") as file:
            self.assertEqual(file.read(4), b"MINE")
        self.assertEqual(own.stat().st_ino, number)

    def test_volume_of_an_applied_vm(self):
        """It is that VM's, and no earlier run made it: there is nothing to take over while the VM is there."""
        state = self.dir / "applied"
        applied, now = Sclctl(state, "qemu:///embed", prefix="scl", host=self.scl), Default(state, host=self.scl)
        self.scene.vm("try", autoStart=False)
        applied.run("apply", "-f", self.scene.write(), check=0)
        self.assertNotIn("a new one is made", self.run_until_off(now, self.scene.write()))
        empty = self.scene.write({"version": 1, "networks": {"default": None}})
        applied.run("apply", "-f", empty, "--allow-empty", "--prune", check=0)
        (state / "instances/run/volumes/try.raw").unlink(missing_ok=True)
        (state / "instances/run/volumes/try.json").unlink(missing_ok=True)
        self.assertIn("a new one is made", self.run_until_off(now, self.scene.write()))

    def test_explicit_prefix_stays(self):
        own = Sclctl(self.dir / "own", host=self.scl)
        manifest = self.scene.write({"version": 1, "networks": {"default": {"externalIP": "192.168.44.1"}}})
        said = self.run_until_off(own, manifest)
        self.assertNotIn("external IP", said)


if __name__ == "__main__":
    scltest.main()
