# SPDX-License-Identifier: LGPL-2.1-or-later
"""sclctl -f vms.nix: manifests written in Nix, alone and beside others, on a simulated host."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import scltest
from scltest.guest import SOURCE
from scltest.sclctl import Sclctl
from test_scl_nix_case import NixCase

GOOD = """{ pkgs, ... }: {
  ctrl-os.vms.networks.default.allowedTCPPorts = [ "2222:192.168.20.2:22" ];
  ctrl-os.vms.virtualMachines.demo = {
    image = ./disk.raw;
    imageSize = 64;
    cloudInitUserConfigFile = (pkgs.formats.yaml { }).generate "user.yaml" { password = "marker-of-a-secret"; };
  };
}
"""


class Inputs(NixCase):
    def setUp(self):
        super().setUp()
        with open(self.dir / "disk.raw", "wb") as file:
            file.truncate(3 << 20)
        self.ctl = Sclctl(self.dir / "state", "memory")
        self.good = self.write("vms.nix", GOOD)

    def call(self, *words, status=0, output=None, cwd=None, **changes):
        done = subprocess.run(self.ctl.argv(*words, output=output), cwd=cwd or self.dir, capture_output=True, text=True, timeout=scltest.bound(120),
                              check=False, stdin=subprocess.DEVNULL, env=self.environment(**changes))
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_validate_writes_nothing(self):
        done = self.call("validate", "-f", "vms.nix")
        self.assertEqual((done.stdout, done.stderr), ("valid: 1 VM, 1 network\n", ""))
        self.assertFalse(self.files.exists())
        self.call("validate", "--preflight", "-f", "vms.nix")
        self.assertTrue(self.files.exists())

    def test_programs_get_the_place_in_the_source(self):
        self.write("wrong.nix", "{\n  virtualMachines.demo = {\n    image = ./disk.raw;\n    cores = 0;\n  };\n}\n")
        report = json.loads(self.call("validate", "-f", "wrong.nix", status=1, output="json").stdout)
        [found] = report["diagnostics"]
        self.assertEqual((found["file"], found["line"], found["column"]), ("wrong.nix", 4, 5))
        self.assertTrue(report["error"]["message"].startswith("wrong.nix:4:5: virtualMachines.demo.cores: "))

    def test_plan_and_apply(self):
        done = self.call("plan", "-f", "vms.nix", status=2)
        self.assertEqual(done.stderr, "")
        self.assertIn(f"copied from {self.dir}/disk.raw", done.stdout)
        done = self.call("apply", "-f", "vms.nix")
        self.assertIn('create VM "demo": done', done.stderr)
        for words in (["plan"], ["apply"], ["apply", "-v"]):
            done = self.call(*words, "-f", str(self.good), status=2 if words == ["plan"] else 0, cwd="/")
            self.assertNotIn("marker-of-a-secret", done.stdout + done.stderr)
        self.assertEqual(len(os.listdir(self.files)), 1)

    def test_run(self):
        """Until the VMs are off; here it ends at once, because nothing keeps it."""
        process = subprocess.Popen([self.ctl.program, "run", "--hypervisor", "memory", "--state", str(self.dir / "state"), "-o", "json",
                                    "-f", "vms.nix"], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                   env=self.environment())
        events = []
        for line in process.stdout:
            events.append(json.loads(line))
            if events[-1].get("event") == "ready":
                break
        self.assertEqual(Sclctl.stop(process), 0, events)
        process.stdout.close()

    def test_twice_changes_nothing(self):
        """The simulated host forgets with its process, so one process applies both."""
        typelibs = Path(os.environ.get("GI_TYPELIB_PATH", "/nowhere"))
        if "SCL_TEST_SANITIZE" in os.environ or not (typelibs / "Scl-0.typelib").exists():
            self.skipTest("this build has no introspection")
        first, second = (self.nix("vms.nix").stdout for _ in range(2))
        self.assertEqual(first, second)
        script = ("import gi, sys; gi.require_version('Scl', '0'); from gi.repository import Scl\n"
                  "host = Scl.Connection.open(sys.argv[1], None)\n"
                  "for text in sys.argv[2:]:\n"
                  "    host.apply(Scl.Manifest.new_from_string(text, None), Scl.ApplyFlags.NONE).wait(None)\n"
                  "    print(host.plan(Scl.Manifest.new_from_string(text, None), Scl.ApplyFlags.NONE, None).get_steps().get_n_items())\n")
        done = subprocess.run(["/usr/bin/python3", "-c", script, self.ctl.uri, first, second], capture_output=True, text=True, timeout=scltest.bound(60),
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "0\n0\n"), done.stderr)

    def test_pipe(self):
        done = subprocess.run(self.ctl.argv("plan", "-f", "-"), input=self.nix("vms.nix").stdout, capture_output=True, text=True,
                              timeout=scltest.bound(60), check=False, env=self.environment())
        self.assertEqual((done.returncode, done.stderr), (2, ""))

    def test_place_of_an_error(self):
        self.write("bad.nix", "{\n  virtualMachines.a = {\n    image = ./disk.raw;\n    coers = 2;\n    network = \"lan\";\n  };\n}\n")
        wanted = ('sclctl: bad.nix:4:5: virtualMachines.a.coers: unknown key (did you mean "cores"?)\n'
                  "sclctl: bad.nix:5:5: virtualMachines.a.network: ")
        for verb in ("validate", "plan", "apply", "run"):
            done = self.call(verb, "-f", "bad.nix", status=1)
            self.assertTrue(done.stderr.startswith(wanted), done.stderr)
            self.assertEqual((done.stdout, len(done.stderr.splitlines())), ("", 2))
        report = json.loads(self.call("validate", "-f", "bad.nix", status=1, output="json").stdout)
        self.assertEqual((report["valid"], report["error"]["code"]), (False, "invalid"))
        self.assertIn("bad.nix:4:5: virtualMachines.a.coers", report["error"]["message"])
        self.assertEqual([item["path"] for item in report["diagnostics"]], ["virtualMachines.a.coers", "virtualMachines.a.network"])

    def test_error_of_the_evaluation(self):
        self.write("bad.nix", "{\n  virtualMachines = foo;\n}\n")
        done = self.call("validate", "-f", "bad.nix", status=1)
        self.assertEqual(done.stderr, "sclctl: bad.nix:2:21: undefined variable 'foo'\n")
        self.assertIn("2|   virtualMachines = foo;", self.call("validate", "-vf", "bad.nix", status=1).stderr)
        report = json.loads(self.call("validate", "-f", "bad.nix", status=1, output="json").stdout)
        self.assertEqual(report["error"], {"code": "invalid", "message": "bad.nix:2:21: undefined variable 'foo'"})

    def test_several_inputs(self):
        """What one file declares another may use; what both declare is told with both places."""
        self.write("net.yaml", "networks: {lan: {externalIP: 192.168.44.1, gatewayIP: 10.0.0.1}}\n")
        (self.dir / "sub").mkdir()
        self.write("sub/web.nix", '{\n  virtualMachines.web = { image = ../disk.raw; network = "lan"; };\n}\n')
        words = ["validate", "-f", "vms.nix", "-f", "net.yaml", "-f", "sub/web.nix"]
        self.assertEqual(self.call(*words).stdout, "valid: 2 VMs, 2 networks\n")
        self.assertIn("sub/web.nix:2:48: virtualMachines.web.network: ", self.call("validate", "-f", "sub/web.nix", status=1).stderr)
        self.write("again.nix", "{\n\n  virtualMachines.demo.image = /x.raw;\n}\n")
        done = self.call("validate", "-f", "vms.nix", "-f", "again.nix", status=1)
        self.assertRegex(done.stderr, r"again\.nix:3:3: virtualMachines\.demo: .* two files; the other place is vms\.nix:3:3\n")

    def test_folders_do_not_run_programs(self):
        self.write("a.yaml", "version: 1\n")
        self.write("bad.nix", "throw")
        self.assertEqual(self.call("validate", "-f", str(self.dir)).stdout, "valid: 0 VMs, 1 network\n")
        (self.dir / "folder.nix").mkdir()
        (self.dir / "folder.nix/a.yaml").write_text("version: 1\n", encoding="utf-8")
        self.call("validate", "-f", "folder.nix")

    def test_odd_names(self):
        for name in ("--verbose.nix", "a b.nix", "a\"b.nix", "${x}.nix", "a(b.*).nix", "a\nb.nix"):
            self.write(name, "{\n  virtualMachines.a.imag = 1;\n}\n")
            done = self.call("validate", f"--file={name}", status=1)
            shown = name.replace("\n", "?")
            self.assertTrue(done.stderr.startswith(f"sclctl: {shown}:2:3: virtualMachines.a"), done.stderr)
            self.assertNotIn("as JSON", done.stderr)

    def test_what_is_missing_is_named(self):
        done = self.call("validate", "-f", "vms.nix", status=1, PATH="/nowhere")
        self.assertEqual(done.stderr, "sclctl: vms.nix: nix-instantiate is not installed: install the package nix-bin\n")
        alone = self.dir / "sclctl"
        shutil.copy(self.ctl.program, alone)
        done = subprocess.run([alone, "validate", "-f", "vms.nix"], cwd=self.dir, capture_output=True, text=True, timeout=scltest.bound(60), check=False,
                              env=self.environment(PATH="/nowhere"))
        self.assertEqual((done.returncode, done.stderr),
                         (1, "sclctl: vms.nix: scl-nix is not installed; it is a part of SCL and needs the package nix-bin\n"))

    def test_another_program(self):
        """An scl-nix that answers with something else is an error, not a crash."""
        alone, fake = self.dir / "sclctl", self.dir / "scl-nix"
        shutil.copy(self.ctl.program, alone)
        for answer in ("", "[]", "{}", '{"manifest": "{}"}', '{"manifest": 3, "places": []}', '{"manifest": "{}", "places": 4}', "null", "x" * 100000):
            fake.write_text(f"#!/bin/sh\necho '{answer}'\n", encoding="utf-8")
            fake.chmod(0o755)
            done = subprocess.run([alone, "validate", "-f", "vms.nix"], cwd=self.dir, capture_output=True, text=True, timeout=scltest.bound(60),
                                  check=False, env=self.environment())
            self.assertEqual((done.returncode, done.stderr),
                             (1, "sclctl: vms.nix: scl-nix answered with something else; is it of another version?\n"), answer)


class Document(NixCase):
    """doc/nix-anywhere.md: each expression, and each command with each of them."""

    TEXT = (SOURCE / "doc/nix-anywhere.md").read_text(encoding="utf-8")

    def test_every_command(self):
        expressions = re.findall(r"```nix\n(.*?)```", self.TEXT, re.S)
        commands = [line[2:].replace("sudo ", "") for block in re.findall(r"```console\n(.*?)```", self.TEXT, re.S)
                    for line in block.splitlines()]
        self.assertEqual((len(expressions), len(commands)), (3, 6))
        for name in ("ubuntu.raw", "debian.raw"):
            with open(self.dir / name, "wb") as file:
                file.truncate(3 << 20)
        for text in expressions:
            self.write("vms.nix", text)
            for command in commands:
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=self.dir, capture_output=True, text=True, timeout=scltest.bound(60),
                                      check=False, env=self.environment(PATH=f"{Path(self.program).parent}:{os.environ['PATH']}",
                                                                        SCL_URI=f"local:?hypervisor=memory&state={self.dir}/state"))
                self.assertEqual(done.returncode, 2 if " plan " in command else 0, f"{command}\n{done.stdout}{done.stderr}")


class Manual(NixCase):
    PAGE = SOURCE / "doc/man/scl-nix.1"

    def test_roff(self):
        scltest.require(shutil.which("man"), "man")
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", self.PAGE], capture_output=True, text=True, timeout=scltest.bound(30),
                              check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_mandoc(self):
        scltest.require(shutil.which("mandoc"), "mandoc")
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", self.PAGE], capture_output=True, text=True, timeout=scltest.bound(30), check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_every_option_is_described(self):
        page = self.PAGE.read_text(encoding="utf-8").replace("\\-", "-")
        for option in re.findall(r"--([a-z-]+)", self.nix("--help").stdout):
            self.assertRegex(page, rf"Fl -{option}\b", option)


if __name__ == "__main__":
    scltest.main()
