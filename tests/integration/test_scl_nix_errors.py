# SPDX-License-Identifier: LGPL-2.1-or-later
"""scl-nix: wrong expressions. Each is one line (or one per mistake), with its place in the Nix source."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import scltest
from scltest.guest import SOURCE
from test_scl_nix_case import NixCase

class Errors(NixCase):
    def refuse(self, text, *wanted, words=()):
        """The lines on stderr begin with "vms.nix", as wanted; of several versions of Nix, each with its own words and places, as one."""
        done = self.nix(*words, "vms.nix", text, status=1)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), len(wanted), done.stderr)
        for line, begin in zip(lines, wanted):
            self.assertTrue(line.startswith(begin), f"{line}\ninstead of\n{begin}")
        return done.stderr

    def test_of_the_language(self):
        for text, wanted in (
                ("{\n  version = 1\n  a = 2;\n}", "vms.nix:3:5: syntax error, unexpected '='"),
                ("{\n  version = 1;",
                 ("vms.nix:2:14: syntax error, unexpected end of file", "vms.nix:2:15: syntax error, unexpected end of file")),
                ("{\n  version = foo;\n}", "vms.nix:2:13: undefined variable 'foo'"),
                ("let x = y;\n y = x; in {\n  gatewayInterface = x;\n}", "vms.nix:1:9: gatewayInterface: infinite recursion encountered"),
                ('{\n  gatewayInterface = throw "not so";\n}',
                 ("vms.nix:2:3: gatewayInterface: not so", "vms.nix:2:22: gatewayInterface: not so")),
                ('{\n  gatewayInterface = throw "two\\nlines";\n}',
                 ("vms.nix:2:3: gatewayInterface: two lines", "vms.nix:2:22: gatewayInterface: two lines")),
                ('{\n  gatewayInterface = abort "no";\n}',
                 ("vms.nix:2:3: gatewayInterface: evaluation aborted", "vms.nix:2:22: gatewayInterface: evaluation aborted")),
                ('{\n  version = 1 + "x";\n}', "vms.nix:2:17: version: cannot add a string to an integer"),
                ('{\n  gatewayInterface = "${1}";\n}', "vms.nix:2:23: gatewayInterface: cannot coerce an integer to a string"),
                ("{\n  version = assert 1 == 2; 1;\n}",
                 ("vms.nix:2:13: version: assertion '(1 == 2)' failed", "vms.nix:2:13: version: an integer with value '1' is not equal")),
                ("{\n  version = 1;\n  version = 2;\n}", "vms.nix:3:3: attribute 'version' already defined at "),
                ("{\n  version = { }.x;\n}", "vms.nix:2:13: version: attribute 'x' missing"),
                ("{\n  version = builtins.head [ ];\n}",
                 ("vms.nix:2:13: version: list index 0 is out of bounds", "vms.nix:2:13: version: 'builtins.head' called on an empty list")),
                ("let f = x: 1 + f x; in {\n  version = f 1;\n}",
                 ("vms.nix: stack overflow (possible infinite recursion)", "vms.nix:1:16: version: stack overflow; max-call-depth")),
                ("{\n  version = x: x;\n}", "vms.nix:2:3: version: is a function, where a value is needed"),
                ("let x = { inherit x; }; in {\n  networks = x;\n}", ("vms.nix:1:18: networks.x.x.x", "vms.nix:1:19: networks.x.x.x")),
                ("# {", ("vms.nix:1:1: syntax error, unexpected end of file", "vms.nix:1:4: syntax error, unexpected end of file"))):
            with self.subTest(text):
                self.refuse(text, wanted)

    def test_as_strong_as_a_default(self):
        """A conflict for nixpkgs, too."""
        for text, wanted in (
                ("{ lib, ... }: {\n  virtualMachines.a.cores = lib.mkOptionDefault 3;\n}",
                 "vms.nix:2:3: virtualMachines.a.cores: is as strong as its default, 1, but is another; mkDefault makes it stronger"),
                ('{ lib, ... }: {\n  ctrl-os.vms.gatewayInterface = lib.mkOptionDefault "eth0";\n}',
                 "vms.nix:2:3: gatewayInterface: is as strong as its default, null, but is another")):
            with self.subTest(text):
                self.refuse(text, wanted)

    def test_of_the_form(self):
        for text, wanted in (
                ('"{"', "vms.nix: it is a text; an attribute set, a function"),
                ("[ { } ]", "vms.nix: it is a list;"),
                ("{ foo }: { gatewayInterface = foo; }",
                 'vms.nix:1:12: gatewayInterface: the function wants the argument "foo"; there are scl, pkgs, lib and config'),
                ("{ pkgs, inputs, ... }: {\n  gatewayInterface = inputs.x;\n}",
                 ('vms.nix:2:3: gatewayInterface: the function wants the argument "inputs"',
                  'vms.nix:2:22: gatewayInterface: the function wants the argument "inputs"')),
                ("{ imports = [ ]; }", "vms.nix: the module does not set ctrl-os.vms"),
                ("{ config.x = 1; }", "vms.nix: the module does not set ctrl-os.vms"),
                ("{ imports = [ 3 ]; }", "vms.nix:1:3: imports: an import is a number, not a module"),
                ("{\n  ctrl-os.vms = { };\n  networks = { };\n}", "vms.nix: sets networks beside ctrl-os.vms"),
                ("{ ctrl-os.vms = { }; virtualMachines.a.image = 1; }", "vms.nix: sets virtualMachines beside"),
                ("{ config, ... }: {\n  ctrl-os.vms.gatewayInterface = config.networking.hostName;\n}",
                 "vms.nix:2:34: gatewayInterface: attribute 'networking' missing; NixOS' own options have no value here"),
                ('{ lib, ... }: {\n  imports = [ { ctrl-os.vms.version = 1; } ];\n  ctrl-os.vms.version = 2;\n}',
                 "vms.nix:"),
                ("{ lib, ... }: {\n  gatewayInterface = lib.strings.x;\n}",
                 "vms.nix:2:22: gatewayInterface: attribute 'x' missing in the stand-in for nixpkgs' lib; use the real one: scl-nix -I"),
                ("{ pkgs, ... }: {\n  gatewayInterface = pkgs.frobnicate;\n}",
                 "vms.nix:2:22: gatewayInterface: attribute 'frobnicate' missing in the stand-in for nixpkgs; use nixpkgs:"),
                ('{ pkgs, ... }: {\n  gatewayInterface = "${pkgs.qemu-utils}/bin";\n}',
                 "vms.nix:2:3: gatewayInterface: pkgs.qemu-utils needs nixpkgs"),
                ('{ scl, ... }: {\n  gatewayInterface = "${scl.cloudConfig { }}";\n}',
                 "vms.nix:2:23: gatewayInterface: a generated file cannot be a part of a text"),
                ('{ scl, ... }: {\n  gatewayInterface = scl.text "../x" "";\n}',
                 'vms.nix:2:3: gatewayInterface: "../x" is no name of a file')):
            with self.subTest(text):
                self.refuse(text, wanted)
        self.assertIn("is defined differently at", self.refuse(
            "{\n  imports = [ { ctrl-os.vms.version = 1; } ];\n  ctrl-os.vms.version = 2;\n}", "vms.nix:"))
        self.assertIn("there are: a, b", self.refuse("{ a = { }; b = { }; }", 'vms.nix: there is no attribute "c"', words=("-A", "c")))

    def test_of_the_manifest(self):
        """Every mistake, where it is in the source; also in a file of its own, and in lists."""
        self.write("net.nix", '{\n  allowedTCPPorts = [ "80:192.168.20.2:80"\n    "81:10.0.0.1:80" ];\n}')
        text = """{
  version = 1;
  networks.default = import ./net.nix;
  networks.lan = { externalIP = "192.168.44.300";
    gatewayIP = "10.0.0.1"; };
  virtualMachines = {
    a = { image = /a.raw; coers = 2; };
    b = { image = /b.raw;
          cores = "two"; memorySize = 1.5; };
    c = { };
    d.image = /d.raw; d.network = "nope";
  };
}"""
        found = self.refuse(text, "net.nix:2:3: networks.default.allowedTCPPorts[1]: ", "vms.nix:4:20: networks.lan.externalIP: ",
                            "vms.nix:7:27: virtualMachines.a.coers: ", "vms.nix:9:11: virtualMachines.b.cores: ",
                            "vms.nix:9:26: virtualMachines.b.memorySize: ", "vms.nix:10:5: virtualMachines.c",
                            "vms.nix:11:23: virtualMachines.d.network: ")
        self.assertIn('(did you mean "cores"?)', found)

    def test_of_modules(self):
        """Of options of the user's own: the place is that of the definition which is wrong, or of the declaration."""
        read = "  config.ctrl-os.vms.virtualMachines.a = { image = /a; cores = config.lab.n; };\n}"
        head = "{ config, lib, ... }: {\n"
        number = "  options.lab.n = lib.mkOption { type = lib.types.port; };\n"
        for text, wanted in (
                (number + "  config.lab.n =\n   \"x\";\n" + read, "vms.nix:3:3: lab.n: is not of the type: 16 bit unsigned integer"),
                (number + read, "vms.nix:2:3: lab.n: is used but not defined"),
                (number + "  config.lab.m = 3;\n" + read, "vms.nix:3:3: lab.m: there is no such option"),
                (number + "  config.lab = 3;\n" + read, "vms.nix:3:3: lab: is a number, where an attribute set is needed"),
                (number + "  lab.n = 3;\n" + read, 'vms.nix:3:3: lab: stands beside "config" or "options" of a module; move it into "config"'),
                (number + "  imports = [ { lab.n = 3; } ];\n  config.lab.n = 4;\n" + read, "vms.nix:4:3: lab.n: is defined differently at "),
                (number + "  config.lab.n = config.lab.n;\n" + read, r"vms.nix:\d+:\d+: virtualMachines.a.cores: infinite recursion encountered"),
                ("  imports = lib.optional config.lab.n ./x.nix;\n" + read, r"vms.nix:2:\d+: imports: infinite recursion encountered"),
                ("  config = if config.lab.n then { } else { lab.n = true; };\n}", r"vms.nix:2:\d+: infinite recursion encountered"),
                ("  options.lab.n = 3;\n" + read, "vms.nix:2:3: lab.n: is declared as a number, where mkOption is needed"),
                ("  options.lab.n = lib.mkOption { default = 1; readOnly = true; };\n  config.lab.n = 2;\n" + read, "vms.nix:3:3: lab.n: is read-only"),
                ("  options.lab.n = lib.mkOption { default = 1; };\n  imports = [ { options.lab.n = lib.mkOption { default = 2; }; } ];\n" + read,
                 'vms.nix:3:17: lab.n: is declared twice, and both say "default"'),
                ("  assertions = [\n    { assertion = config.ctrl-os.vms.gatewayInterface != null; message = \"no gateway\"; } ];\n"
                 "  ctrl-os.vms.virtualMachines.a.image = /a;\n}", "vms.nix:3:64: assertion failed: no gateway"),
                ("  ctrl-os.vms.virtualMachines.a = { name, ... }: {\n    image = /a;\n    coers = 2;\n  };\n}",
                 "vms.nix:4:5: virtualMachines.a.coers: unknown key"),
                ("  ctrl-os.vms.virtualMachines.a.cores = lib.toposort 1;\n}",
                 r"vms.nix:2:\d+: virtualMachines.a.cores: lib.toposort is not in scl-nix's stand-in for nixpkgs' lib; use the real one: scl-nix -I"),
                ("  ctrl-os.vms.virtualMachines.a.cores = with lib.strings; levenshtein 1;\n}",
                 r"vms.nix:2:\d+: virtualMachines.a.cores: lib.strings.levenshtein is not in scl-nix's stand-in")):
            with self.subTest(text):
                self.assertRegex(self.refuse(head + text, "vms.nix:"), f"^{wanted}")

    def test_warnings(self):
        done = self.nix("-q", "vms.nix", '{ warnings = [ "old" ]; ctrl-os.vms.virtualMachines.a.image = /a; }')
        self.assertEqual(done.stderr, "vms.nix: warning: old\n")

    def test_more_of_the_manifest(self):
        for text, wanted in (
                ("{\n  networks.lan = null;\n}", "vms.nix:2:3: networks.lan"),
                ("{\n  networks.default = 3;\n}", "vms.nix:2:3: networks.default: "),
                ("{\n  virtualMachines.a = { image = /a.raw; network = \"x\"; };\n}", "vms.nix:2:41: virtualMachines.a.network: "),
                ("{\n  virtualMachines.a_b.image = /a.raw;\n}", "vms.nix:2:3: virtualMachines.a_b"),
                ("{\n  version = 2;\n}", "vms.nix:2:3: version: "),
                ("{\n  virtualmachines = { };\n}", "vms.nix:2:3: virtualmachines: "),
                ('{\n  gatewayInterface = "eth0\\n";\n}', "vms.nix:2:3: "),
                ('{\n  virtualMachines.a.image = "";\n}', "vms.nix:2:3: virtualMachines.a.image: "),
                ("{\n  virtualMachines.a = { image = /a.raw; autoStart = 1; };\n}", "vms.nix:2:41: virtualMachines.a.autoStart: ")):
            with self.subTest(text):
                self.refuse(text, wanted)

    def test_derivations_and_store_paths(self):
        drv = 'derivation { name = "x.raw"; system = "x"; builder = "/bin/sh"; }'
        for value, wanted in ((drv, "is made by a derivation, which is not built here; give a path to a file"),
                              (f'"${{{drv}}}/disk.raw"', "is made by a derivation"),
                              ('"${./vms.nix}"', "would be copied to the Nix store, because the path is in a text; write the path alone"),
                              ('builtins.toFile "x" "y"', "would be copied to the Nix store")):
            self.refuse(f"{{\n  virtualMachines.a.image = {value};\n}}", f"vms.nix:2:3: virtualMachines.a.image: {wanted}")
        self.refuse("{ scl, ... }: {\n  virtualMachines.a = { image = /a;\n   cloudInitUserConfigFile = scl.cloudConfig { x = ./vms.nix; }; };\n}",
                    "vms.nix:3:4: virtualMachines.a.cloudInitUserConfigFile: would be copied to the Nix store")

    def test_verbose_shows_the_trace(self):
        done = self.nix("-v", "vms.nix", "{\n  version = foo;\n}", status=1)
        self.assertIn("undefined variable 'foo'", done.stderr.splitlines()[0])
        self.assertIn("2|   version = foo;", done.stderr)

    def test_trace_is_shown(self):
        text = '{ gatewayInterface = builtins.trace (builtins.fromJSON "\\"\\\\u001b[31mhello\\"") "eth0"; }'
        self.assertRegex(self.nix("-q", "vms.nix", text).stderr, r"^trace: [^\n\x1b]*hello\n$")

    def test_files_that_are_none(self):
        (self.dir / "folder.nix").mkdir()
        for name, wanted in (("missing.nix", "missing.nix: No such file or directory\n"), ("folder.nix", "folder.nix: is a folder; name the file"),
                             ("", ": No such file"), ("/dev/null", "/dev/null: is not a regular file\n")):
            self.assertTrue(self.nix("--", name, status=1).stderr.startswith(wanted), name)
        (self.dir / "bin.nix").write_bytes(b'{ gatewayInterface = "\xff\xfe"; }')
        self.assertEqual(self.nix("bin.nix", status=1).stderr, "bin.nix: the result has text that is not UTF-8\n")

    def test_usage(self):
        for words, wanted in (([], "which expression?"), (["a", "b"], '"b" is one argument too many'), (["--frob", "a"], "Unknown option --frob"),
                              (["--timeout", "0", "a"], "--timeout 0: not a number"), (["--arg", "x", "a"], "--arg x: it is NAME=VALUE"),
                              (["--argstr", "sclFile=/etc/passwd", "a"], "names that begin with scl are taken"),
                              (["-I", "nixpkgs=https://x/y.tar.gz", "a"], "needs --unrestricted"), (["-I", "channel:x", "a"], "is not on this"),
                              (["-I", "x=flake:nixpkgs", "a"], "is not on this machine")):
            done = self.nix(*words, status=64)
            self.assertRegex(done.stderr, r"^scl-nix: [^\n]+\n$")
            self.assertIn(wanted, done.stderr)
        self.assertRegex(self.nix("--version").stdout, r"^scl-nix \d+\.\d+\.\d+\n$")
        text = self.nix("--help").stdout
        self.assertIn("Examples:\n", text)
        self.assertIn("scl-nix -q vms.nix", text)

    def test_nix_is_not_installed(self):
        done = self.nix("vms.nix", "{ }", status=1, PATH="/nowhere")
        self.assertEqual(done.stderr, "vms.nix: nix-instantiate is not installed: install the package nix-bin\n")

    def test_output_that_cannot_be_written(self):
        self.write("vms.nix", "{ }")
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run(self.argv("vms.nix"), cwd=self.dir, stdout=full, stderr=subprocess.PIPE, text=True, timeout=scltest.bound(60),
                                  check=False, env=self.environment())
        self.assertEqual((done.returncode, done.stderr), (1, "scl-nix: cannot write the result\n"))

    def test_cannot_write_the_files(self):
        text = '{ scl, ... }: { virtualMachines.a = { image = /a; cloudInitUserConfigFile = scl.cloudConfig { }; }; }'
        done = self.nix("--files", "/proc/scl/nix", "vms.nix", text, status=1)
        self.assertRegex(done.stderr, r"^vms\.nix: /proc/scl/nix: cannot make the folder: ")


class Newer(NixCase):
    """What Nix 2.26 says, stored: the message comes last, and it has words of its own for text that is not UTF-8."""

    def answer(self, name, text):
        self.write("vms.nix", text)
        stored = (SOURCE / f"tests/data/nix/2.26-{name}.txt").read_text(encoding="utf-8")
        stored = stored.replace("@FILE@", f"{self.dir}/vms.nix").replace("@LIBRARY@", str(SOURCE / "bindings/nix/lib"))
        self.write("stored", stored)
        fake = self.write("nix-instantiate", '#!/bin/sh\ncat "${0%/*}/stored" >&2\nexit 1\n')
        fake.chmod(0o755)
        return self.nix("vms.nix", status=1, PATH=f"{self.dir}:{os.environ['PATH']}").stderr

    def test_stored(self):
        for name, text, wanted in (
                ("utf8", "{ }", "vms.nix: the result has text that is not UTF-8"),
                ("type", "{ config, lib, ... }: {", "vms.nix:3:3: lab.n: is not of the type: 16 bit unsigned integer"),
                ("missing", "{ pkgs, ... }: {", "vms.nix:2:22: gatewayInterface: attribute 'frobnicate' missing in the stand-in for nixpkgs; use nixpkgs: "
                 "scl-nix -I nixpkgs=PATH --unrestricted --build")):
            with self.subTest(name):
                self.assertEqual(self.answer(name, text), f"{wanted}\n")

    def test_numbers(self):
        """2.0 is no whole number, whether Nix prints it as 2 or as 2.0."""
        done = self.nix("vms.nix", "{\n  virtualMachines.a = { image = /a.raw;\n    cores = 2.0; };\n}", status=1)
        self.assertRegex(done.stderr, r"^vms\.nix:3:5: virtualMachines\.a\.cores: [^\n]*2\.0[^\n]*\n$")


class Injection(NixCase):
    """Whatever a name is, it is only a name."""

    NAMES = ["''${builtins.abort \"x\"}.nix", 'a"b.nix', "a'b.nix", "${x}.nix", "a b;c.nix", "$(id).nix", "a=b.nix", "--option.nix", "-A.nix",
             "a#b.nix", "ünï.nix", "a\\b.nix", "a\nb.nix", "`id`.nix"]

    def test_file_names(self):
        for name in self.NAMES:
            with self.subTest(name):
                self.write(name, "{ virtualMachines.a.image = ./disk.raw; }")
                done = self.nix("--", name)
                self.assertIn(f'"{self.dir}/disk.raw"', done.stdout)
                (self.dir / name).write_text("{\n  version = 3; }", encoding="utf-8")
                self.assertIn(f"{name.replace(chr(10), '?')}:2:3: version", self.nix("--", name, status=1).stderr)

    def test_folder_names(self):
        for name in ("x=y", 'q"r', "${z}", "a b", "nl\nx", "https:"):
            with self.subTest(name), tempfile.TemporaryDirectory(prefix=name, dir=self.dir) as folder:
                Path(f"{folder}/vms.nix").write_text("{ version = import ./one.nix; }", encoding="utf-8")
                Path(f"{folder}/one.nix").write_text("1", encoding="utf-8")
                self.assertEqual(self.nix("-q", f"{folder}/vms.nix").stderr, "")

    def test_attribute_names(self):
        for name in (r"\${x}", r"a\"b", r"a\nb", "--option", "a b", "<script>", "a.b", "''"):
            with self.subTest(name):
                done = self.nix("vms.nix", f'{{\n  virtualMachines."{name}".image = /a.raw;\n}}', status=1)
                self.assertRegex(done.stderr, r"^(vms\.nix:2:3: [^\n\x1b]+\n)+$")

    def test_values_of_arguments(self):
        text = "{ x, ... }: { virtualMachines.a.image = x; }"
        for value in ("/''${y}", '/"', "/--option", "/a;b", '/${builtins.abort "z"}', "/a=b"):
            done = self.nix("--argstr", f"x={value}", "vms.nix", text)
            self.assertEqual(json.loads(done.stdout)["virtualMachines"]["a"]["image"], value)
        for attr in ('a"b', "''${x}", "--option", "a b"):
            self.assertIn("there is no attribute", self.nix(f"--attr={attr}", "--argstr", "x=/1", "vms.nix", text, status=1).stderr)


if __name__ == "__main__":
    scltest.main()
