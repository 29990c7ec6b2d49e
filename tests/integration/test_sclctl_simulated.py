# SPDX-License-Identifier: LGPL-2.1-or-later
"""sclctl's commands against simulated hosts: no root, no VM, no network is needed or touched.

memory begins empty in every process. libvirt's test driver begins with the VMs of a file, so that
there is something to remove, to stop and to ask about.
"""

import json
import os
import re
import select
import signal
import subprocess
import time

import scltest
from scltest.guest import SOURCE
from scltest.sclctl import Sclctl, untimed

MANIFEST = """\
version: 1
networks:
  default:
    allowedTCPPorts: ["2222:192.168.20.2:22"]
    allowedUDPPorts: ["53:192.168.20.2:5353"]
virtualMachines:
  demo: {image: image.raw, imageSize: 64, cores: 2, memorySize: 1536}
  web: {image: image.raw, autoStart: false}
"""


class Simulated(scltest.TestCase):
    def setUp(self):
        self.dir = self.folder()
        self.image = self.dir / "image.raw"
        with open(self.image, "wb") as file:
            file.truncate(3 << 20)
        self.manifest = self.write("demo.yaml", MANIFEST)
        self.ctl = Sclctl(self.dir / "state", "memory")

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def node(self, *replaced):
        """sclctl on a host that has the running VM "bios", which the manifest has not."""
        domain = (SOURCE / "tests/data/vm/bios.xml").read_text(encoding="utf-8")
        for old, new in replaced:
            self.assertIn(old, domain)
            domain = domain.replace(old, new)
        node = self.write("node.xml", f"<node>{domain}</node>")
        return Sclctl(self.dir / "state", f"test://{node}", prefix="scl")

    def errors(self, done, status=1):
        """Its errors, of which each is one line."""
        self.assertEqual(done.returncode, status, done.stderr)
        lines = done.stderr.splitlines()
        self.assertTrue(lines)
        for line in lines:
            self.assertTrue(line.startswith("sclctl: "), line)
        return [line.removeprefix("sclctl: ") for line in lines]


class Validate(Simulated):
    def test_valid(self):
        for words in ([], ["--preflight"]):
            done = self.ctl.run("validate", *words, "-f", self.manifest, check=0)
            self.assertEqual((done.stdout, done.stderr), ("valid: 2 VMs, 1 network\n", ""))
        self.assertEqual(self.ctl.run("validate", "-qf", self.manifest, check=0).stdout, "")
        self.assertEqual(self.ctl.json("validate", "-f", self.manifest), {"valid": True, "diagnostics": [], "error": None})

    def test_every_error_is_one_line(self):
        bad = self.write("bad.yaml", "version: 1\nvirtualMachines:\n  a: {image: x.raw, coers: 2}\n"
                                     "  b: {image: y.raw, network: lan}\n")
        done = self.ctl.run("validate", "-f", bad)
        self.assertEqual(done.stdout, "")
        found = self.errors(done)
        self.assertEqual(len(found), 2, found)
        self.assertRegex(found[0], rf"^{re.escape(str(bad))}:3:\d+: .*coers.*cores")
        self.assertRegex(found[1], rf"^{re.escape(str(bad))}:4:\d+: .*lan")
        report = self.ctl.json("validate", "-f", bad, check=1)
        self.assertEqual([(item["severity"], item["line"]) for item in report["diagnostics"]], [("error", 3), ("error", 4)])
        self.assertEqual((report["valid"], report["error"]["code"]), (False, "invalid"))

    def test_stdin(self):
        text = MANIFEST.replace("image.raw", str(self.image))
        self.ctl.run("validate", "-f", "-", stdin=text, check=0)
        self.assertIn("absolute", self.errors(self.ctl.run("validate", "-f", "-", stdin=MANIFEST))[0])

    def test_several_inputs(self):
        more = self.write("more.yaml", "virtualMachines: {third: {image: image.raw}}\n")
        done = self.ctl.run("validate", "-f", self.manifest, "-f", more, check=0)
        self.assertIn("3 VMs", done.stdout)
        self.assertIn("3 VMs", self.ctl.run("validate", "-f", self.dir, check=0).stdout)
        self.errors(self.ctl.run("validate", "-f", self.manifest, "-f", self.manifest))
        self.errors(self.ctl.run("validate", "-f", self.dir / "missing.yaml"))


class PlanAndApply(Simulated):
    STEPS = [("create", "host", "host"), ("create", "network", "default"), ("create", "volume", "demo"),
             ("create", "volume", "web"), ("create", "vm", "demo"), ("start", "vm", "demo"), ("create", "vm", "web")]

    def test_plan(self):
        done = self.ctl.run("plan", "-f", self.manifest, check=2)
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r'(?m)^\+  create  network "default"  \S')
        self.assertRegex(done.stdout, r'(?m)^\+  start   VM "demo"          \S')
        self.assertNotIn("\033", done.stdout)
        self.assertEqual(self.ctl.run("plan", "-qf", self.manifest, check=2).stdout, "")
        report = self.ctl.json("plan", "-f", self.manifest, check=2)
        self.assertEqual(report["status"], "changes")
        self.assertEqual([(s["action"], s["kind"], s["name"]) for s in report["steps"]], self.STEPS)
        for step in report["steps"]:
            self.assertTrue(all(need < step["id"] for need in step["needs"]))

    def test_apply(self):
        done = self.ctl.run("apply", "-f", self.manifest, check=0)
        self.assertEqual(sorted(untimed(done.stderr).splitlines()), sorted(
            ["create host: done", 'create network "default": done', 'create volume "demo": done',
             'create volume "web": done', 'create VM "demo": done', 'start VM "demo": done', 'create VM "web": done']))
        self.assertTrue(done.stdout.endswith("\n7 done\n"), done.stdout)
        done = self.ctl.run("apply", "-qf", self.manifest, check=0)
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_apply_json(self):
        done = self.ctl.run("apply", "-f", self.manifest, output="json", check=0)
        self.assertEqual(done.stderr, "")
        report = json.loads(done.stdout)
        self.assertEqual((report["status"], report["error"]), ("done", None))
        self.assertEqual([(s["action"], s["kind"], s["name"]) for s in report["steps"]], self.STEPS)
        self.assertEqual({s["status"] for s in report["steps"]}, {"done"})

    def test_nothing_is_done_with_an_error(self):
        bad = self.write("bad.yaml", "virtualMachines: {a: {image: x.raw, coers: 2}}\n")
        done = self.ctl.run("apply", "-f", bad)
        self.assertEqual((done.stdout, len(self.errors(done))), ("", 1))
        self.assertEqual(self.ctl.json("apply", "-f", bad, check=1)["status"], "invalid")
        self.errors(self.ctl.run("plan", "-f", bad))

    def test_empty(self):
        empty = self.write("empty.yaml", "networks: {default: null}\n")
        self.errors(self.ctl.run("apply", "-f", empty))
        done = self.ctl.run("apply", "--allow-empty", "-f", empty, check=0)
        self.assertEqual(done.stdout, "nothing to do: everything is as declared\n")
        self.assertEqual(self.ctl.json("apply", "--allow-empty", "-f", empty)["status"], "nothing")
        self.ctl.run("plan", "--allow-empty", "-f", empty, check=0)

    def test_removal_without_terminal(self):
        node = self.node()
        done = node.run("apply", "-f", self.manifest, check=3)
        self.assertEqual([line for line in done.stderr.splitlines() if line.startswith("sclctl: ")],
                         ['sclctl: VM "bios": not removed, though no longer declared; "apply --prune" removes it'])
        self.assertIn("7 done, 1 refused", done.stdout)
        self.assertIn('-  delete  VM "bios"', done.stdout)
        report = node.json("apply", "-f", self.manifest, check=3)
        self.assertEqual((report["status"], report["error"]["code"]), ("refused", "confirm"))
        self.assertEqual([s["name"] for s in report["steps"] if s["status"] == "refused"], ["bios"])
        self.assertEqual([s["name"] for s in report["steps"] if s["removal"]], ["bios"])

    def test_removal_that_is_wanted(self):
        for option in ("--prune", "--yes"):
            done = self.node().run("apply", option, "-f", self.manifest, check=0)
            self.assertIn('delete VM "bios": done', done.stderr)
            self.assertIn("8 done", done.stdout)


class Objects(Simulated):
    def test_lists(self):
        node = self.node()
        lines = node.run("vm", "list", check=0).stdout.splitlines()
        self.assertEqual(lines[0].split(), "NAME STATE NETWORK ADDRESSES CORES MEMORY UPTIME PENDING".split())
        self.assertRegex(lines[1], r"^bios  running  -        -          1      128 MiB  -       -$")
        self.assertEqual(node.run("vm", "list", "-q", check=0).stdout, "bios\n")
        self.assertEqual(node.run("vm", "ls", "-o", "name", check=0).stdout, "bios\n")
        self.assertEqual(node.run("names", "vm", check=0).stdout, "bios\n")
        [vm] = node.json("vm", "list")
        self.assertEqual(vm, node.json("vm", "show", "bios") | {"uptimeSeconds": vm["uptimeSeconds"]})
        self.assertEqual({key: vm[key] for key in ("name", "state", "cores", "memoryMiB", "autoStart", "firmware", "disks")},
                         {"name": "bios", "state": "running", "cores": 1, "memoryMiB": 128, "autoStart": True,
                          "firmware": "bios", "disks": [{"volume": "bios", "image": "/images/image.raw", "sizeMiB": 0}]})
        self.assertEqual(node.json("network", "list"), [])
        self.assertEqual(node.json("sc", "list"), [])
        self.assertEqual(node.json("volume", "list"), [])

    def test_status(self):
        node = self.node()
        self.assertIn("bios  running", node.run("status", check=0).stdout)
        status = node.json("status")
        self.assertEqual(list(status), ["uri", "prefix", "networks", "vms", "volumes", "diagnostics"])
        self.assertEqual((status["uri"], status["prefix"], len(status["vms"])), (node.uri, "scl", 1))

    def test_network_of_a_vm_is_gone(self):
        """As after a restart of the host: the VMs are there, their networks are not."""
        none = "&apos;nics&apos;: &lt;@a(ss) []&gt;"
        nics = none.replace("@a(ss) []", "[" + ", ".join(["(&apos;lan&apos;, &apos;&apos;)"] * 2) + "]")
        node = self.node((none, nics))
        lost = 'virtualMachines.bios.network: network "lan" of VM "bios" is not there: apply again'
        done = node.run("status", check=2)
        self.assertEqual(done.stdout.splitlines()[0], "No networks.")
        self.assertEqual(done.stdout.splitlines()[-1], f"error: {lost}")
        self.assertEqual(done.stdout.count("is not there"), 1)
        self.assertEqual([one["severity"] for one in node.json("status", check=2)["diagnostics"]], ["error"])

    def test_no_such_object(self):
        node = self.node()
        for words in (["vm", "show", "bois"], ["vm", "stop", "bios", "bois"], ["console", "bois"], ["vm", "attach", "bois"],
                      ["vm", "delete", "--yes", "bois"]):
            self.assertEqual(self.errors(node.run(*words)), ['VM "bois": there is none; did you mean "bios"?'])
        self.assertEqual(self.errors(node.run("network", "show", "lan")),
                         [f'network "lan": there is none; "{node.command("network list")}" shows what there is'])

    def test_power(self):
        node = self.node()
        for verb in ("stop", "restart", "start"):
            done = node.run("vm", verb, "bios", check=0)
            self.assertEqual((done.stdout, untimed(done.stderr)), ("", f'{verb} VM "bios": done\n'))
        self.assertEqual(node.run("vm", "stop", "--force", "-q", "bios", check=0).stderr, "")

    def test_delete_asks(self):
        node = self.node()
        self.assertEqual(self.errors(node.run("vm", "delete", "bios")),
                         ['not done: shut down and delete VM "bios" needs a yes, and there is no terminal to ask: give --yes'])
        node.run("vm", "delete", "--yes", "bios", check=0)

    def test_logs(self):
        log = self.dir / "console.log"
        node = self.node(("/state/vms/bios/console.log", str(log)))
        self.assertEqual(self.errors(node.run("vm", "logs", "bios")), ['VM "bios": has no console log yet: it was never started'])
        log.write_bytes(b"\033[1mREADY\033[0m\r\n\033]0;title\007login: \xff")
        (self.dir / "console.log.old").write_bytes(b"before\n")
        self.assertEqual(node.run("logs", "bios", check=0).stdout, "before\nREADY\nlogin: \ufffd\n")
        self.assertEqual(node.json("vm", "logs", "bios"),
                         {"vm": "bios", "path": str(log), "text": "before\nREADY\nlogin: \ufffd\n"})
        log.unlink()
        log.symlink_to(self.manifest)
        self.assertIn("cannot be read", self.errors(node.run("vm", "logs", "bios"))[0])

    def test_prune_of_nothing(self):
        self.assertEqual(self.ctl.run("volume", "prune", check=0).stdout, "nothing to do: there is no unused volume\n")

    def test_schema(self):
        self.assertEqual(self.ctl.json("schema")["type"], "object")


class Failures(Simulated):
    """With -o json a program that reads stdout finds one document, whatever the verb is and why it failed."""

    # What each verb is called with; all but those of OFFLINE open a connection.
    VERBS = {"run": ["-f", "M"], "apply": ["-f", "M"], "plan": ["-f", "M"], "validate": ["--preflight", "-f", "M"], "status": [],
             "console": ["a"], "schema": [], "completion": ["bash"], "vm list": [], "vm show": ["a"], "vm start": ["a"],
             "vm stop": ["a"], "vm restart": ["a"], "vm delete": ["a"], "vm logs": ["a"], "vm console": ["a"], "vm attach": ["a"], "network list": [],
             "network show": ["a"], "network delete": ["a"], "volume list": [], "volume show": ["a"], "volume create": ["--from-image", "a"],
             "volume adopt": ["a", "--from", "lab"], "volume delete": ["a"], "volume prune": []}
    OFFLINE = {"schema", "completion"}
    # One object is looked for, and there is none.
    NAMES = {"console", "vm show", "vm start", "vm stop", "vm restart", "vm delete", "vm logs", "vm console", "vm attach", "network show", "network delete",
             "volume show", "volume delete"}

    def failure(self, uri, *words):
        done = subprocess.run([self.ctl.program, "-c", uri, "-o", "json", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=scltest.bound(60), check=False)
        error = json.loads(done.stdout)["error"]
        self.assertEqual(sorted(error), ["code", "message"], words)
        if words not in ((), ("vm",)):
            self.assertIn(error["message"].split("\n")[0], done.stderr, words)
        return done.returncode, error["code"]

    def words(self, verb):
        return [*verb.split(), *(str(self.manifest) if word == "M" else word for word in self.VERBS[verb])]

    def test_all_verbs_are_here(self):
        self.assertEqual(set(self.VERBS), set(re.findall(r"(?m)^\.Ss (.+)$", self.ctl.run("man-commands", check=0).stdout)))

    def test_no_connection(self):
        for verb in set(self.VERBS) - self.OFFLINE:
            self.assertEqual(self.failure("local:?hypervisor=memory&prefix=NOT", *self.words(verb)), (1, "invalid"), verb)

    def test_no_such_object(self):
        for verb in self.NAMES:
            self.assertEqual(self.failure("local:?hypervisor=memory", *self.words(verb)), (1, "not-found"), verb)

    def test_wrong_usage(self):
        for verb in self.VERBS:
            self.assertEqual(self.failure("local:?hypervisor=memory", *self.words(verb), "--nonsense"), (64, "invalid"), verb)
        for words in ([], ["vm"], ["vm", "lst"], ["vm", "show"], ["apply"], ["vm", "stop"], ["volume", "adopt", "a"], ["volume", "create", "a"],
                      ["vm", "list", "x"], ["vm", "list", "--timeout", "x"]):
            self.assertEqual(self.failure("local:?hypervisor=memory", *words), (64, "invalid"), words)

    def test_no_yes(self):
        self.assertEqual(self.failure(self.node().uri, "vm", "delete", "bios"), (1, "confirm"))

    def test_a_result_is_one_document(self):
        """What has told its failure itself does not tell it twice, and what has succeeded tells none."""
        empty = self.write("empty.yaml", "networks: {default: null}\n")
        self.assertEqual(self.ctl.json("apply", "-f", empty, check=1)["error"]["code"], "invalid")
        self.assertEqual(self.node().run("vm", "start", "bios", output="json", check=0).stdout, "")


class Lines:
    """The lines of a pipe, each waited for within a bound."""

    def __init__(self, pipe):
        self.fd = pipe.fileno()
        self.rest = b""

    def next(self, seconds=30):
        """A line without its end; None at the end of the pipe."""
        limit = time.monotonic() + scltest.bound(seconds)
        while b"\n" not in self.rest:
            if not select.select([self.fd], [], [], max(0, limit - time.monotonic()))[0]:
                raise AssertionError(f"no line within {scltest.bound(seconds):.0f} s behind {self.rest!r}")
            chunk = os.read(self.fd, 65536)
            if not chunk:
                return None
            self.rest += chunk
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode()


class Run(Simulated):
    def begin(self, *words, output="json", hypervisor="memory", **popen):
        ctl = Sclctl(self.dir / "state", hypervisor)
        process = ctl.start("-o", output, "run", "-f", self.manifest, *words, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen)
        self.addCleanup(self.end, process)
        self.lines = Lines(process.stdout)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def event(self, name):
        """The next event of that name."""
        while (line := self.lines.next()) is not None:
            event = json.loads(line)
            if event["event"] == name:
                return event
        raise AssertionError(f"the end instead of the event {name}")

    def test_life(self):
        for hypervisor in ("memory", "test:///default"):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                with self.subTest(hypervisor=hypervisor, signal=number):
                    process = self.begin(hypervisor=hypervisor)
                    self.assertEqual(self.event("applied")["status"], "done")
                    ready = self.event("ready")
                    self.assertEqual([(vm["name"], vm["state"]) for vm in ready["vms"]],
                                     [("demo", "running"), ("web", "stopped")])
                    self.assertEqual([network["name"] for network in ready["networks"]], ["default"])
                    self.assertEqual(ready["networks"][0]["forwards"],
                                     [{"protocol": "tcp", "hostPort": 2222, "address": "192.168.20.2", "port": 22},
                                      {"protocol": "udp", "hostPort": 53, "address": "192.168.20.2", "port": 5353}])
                    process.send_signal(number)
                    self.event("stopping")
                    self.assertEqual(self.event("ended")["exitStatus"], 0)
                    self.assertEqual(process.wait(scltest.bound(30)), 0)

    def test_ready_fd(self):
        reader, writer = os.pipe()
        process = self.begin("--ready-fd", str(writer), pass_fds=[writer])
        os.close(writer)
        self.addCleanup(os.close, reader)
        self.assertTrue(select.select([reader], [], [], scltest.bound(30))[0])
        self.assertEqual(os.read(reader, 100), b"ready\n")
        self.assertEqual(os.read(reader, 100), b"", "it is closed after the line")
        self.assertEqual(Sclctl.stop(process, 30), 0)

    def test_until_off(self):
        self.manifest = self.write("off.yaml", "virtualMachines: {web: {image: image.raw, autoStart: false}}\n")
        process = self.begin("--until-off")
        self.assertEqual(self.event("ended")["exitStatus"], 0)
        self.assertEqual(process.wait(scltest.bound(30)), 0)

    def test_text(self):
        process = self.begin(output="table")
        while not (line := self.lines.next()).startswith("ready"):
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=scltest.bound(30))
        self.assertEqual(process.returncode, 0)
        self.assertIn('delete VM "demo": done\n', untimed(err.decode()))
        self.assertEqual(out, b"4 done\n")

    def test_what_is_there_already(self):
        """Elsewhere than in the embedded hypervisor somebody may want to keep it."""
        done = self.node().run("run", "-f", self.manifest)
        self.assertEqual(done.returncode, 1)
        self.assertIn('sclctl: not done: take over 1 VM that instance "scl" has already', done.stderr)
        self.assertNotIn("done\n", done.stderr.replace(": not done", ""))

    def test_refused(self):
        done = self.ctl.run("run", "-f", self.manifest, "--console", "nobody")
        self.assertEqual(self.errors(done, 64), ["--console nobody: the manifest has no such VM"])
        done = subprocess.run([self.ctl.program, "-c", "https://host:8008", "run", "-f", self.manifest],
                              capture_output=True, text=True, timeout=scltest.bound(30), check=False)
        self.errors(done, 64)


class Attach(Simulated):
    def begin(self, *words):
        process = self.node().start("vm", "attach", "bios", *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        self.addCleanup(Run.end, process)
        self.lines = Lines(process.stderr)
        self.assertEqual(self.lines.next(), 'sclctl: VM "bios" runs')
        return process

    def test_leave(self):
        process = self.begin()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(scltest.bound(30)), 130)
        self.assertEqual(self.lines.next(), 'sclctl: left VM "bios", which goes on')
        self.assertIsNone(self.lines.next())

    def test_stop_on_term(self):
        process = self.begin("--start", "--stop-on-term")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(scltest.bound(30)), 0)
        self.assertEqual(self.lines.next(), 'sclctl: finishing: shutting down VM "bios" (up to 90 s)')
        self.assertEqual(untimed(self.lines.next()), 'stop VM "bios": done')
        self.assertIsNone(self.lines.next())


if __name__ == "__main__":
    scltest.main()
