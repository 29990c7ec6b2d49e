# SPDX-License-Identifier: LGPL-2.1-or-later
"""scl-nix: what an evaluation can reach, how long and how much. No way to the network, no file of others."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import scltest
from scltest import procs
from test_scl_nix_case import NixCase


class Restricted(NixCase):
    def refuse(self, value, wanted, *words, **changes):
        done = self.nix(*words, "vms.nix", f"{{\n  gatewayInterface = {value};\n}}", status=1, **changes)
        self.assertRegex(done.stderr, r"^vms\.nix:2:\d+: gatewayInterface: [^\n]+\n$")
        self.assertTrue(any(one in done.stderr for one in ([wanted] if isinstance(wanted, str) else wanted)), done.stderr)

    def test_files_elsewhere(self):
        outside = self.folder()
        (outside / "x.nix").write_text('"eth9"', encoding="utf-8")
        (self.dir / "link.nix").symlink_to(outside / "x.nix")
        hint = "is forbidden in restricted mode; -I FOLDER allows a folder, --unrestricted everything"
        # Newer Nix says it of the folder.
        self.refuse("builtins.readFile /etc/passwd", (f"'/etc/passwd' {hint}", f"'/etc' {hint}"))
        self.refuse("builtins.head (builtins.attrNames (builtins.readDir /etc))", f"'/etc' {hint}")
        for value in (f"import {outside}/x.nix", f"import ../{outside.name}/x.nix", "import ./link.nix"):
            self.refuse(value, hint)
        for words in (["-I", str(outside)], ["-I", f"x={outside}"], ["--unrestricted"]):
            done = self.nix(*words, "vms.nix", f"{{ gatewayInterface = import {outside}/x.nix; }}")
            self.assertEqual(json.loads(done.stdout)["gatewayInterface"], "eth9")
        done = self.nix("-I", f"x={outside}", "vms.nix", "{ gatewayInterface = import <x/x.nix>; }")
        self.assertEqual(json.loads(done.stdout)["gatewayInterface"], "eth9")
        self.refuse("import <nixpkgs>", "was not found in the Nix search path", NIX_PATH=f"nixpkgs={outside}")

    def test_nothing_of_the_environment(self):
        text = '{ gatewayInterface = "a${builtins.getEnv "SECRET"}"; }'
        self.assertEqual(json.loads(self.nix("vms.nix", text, SECRET="b").stdout)["gatewayInterface"], "a")
        done = self.nix("--unrestricted", "vms.nix", text, SECRET="b")
        self.assertEqual(json.loads(done.stdout)["gatewayInterface"], "ab")

    def test_network(self):
        """Nobody is even asked."""
        asked = []
        server = self.use(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        thread = threading.Thread(target=lambda: asked.append(server.accept()), daemon=True)
        thread.start()
        sha = "sha256 = \"" + "0" * 64 + "\";"
        for value in (f'builtins.readFile (builtins.fetchurl "{url}")', f'builtins.readFile (builtins.fetchurl {{ url = "{url}"; {sha} }})',
                      f'(builtins.fetchTarball "{url}")', f'import (builtins.fetchTarball {{ url = "{url}"; {sha} }})',
                      f'"${{builtins.fetchGit "{url}"}}"'):
            for configuration in (None, f"allowed-uris = {url}", "restrict-eval = false"):
                self.refuse(value, "is forbidden in restricted mode; --unrestricted allows it", NIX_CONFIG=configuration)
        self.assertEqual(asked, [])
        self.nix("--unrestricted", "--timeout", "3", "vms.nix", f'{{ gatewayInterface = builtins.readFile (builtins.fetchurl "{url}"); }}',
                 status=1)
        thread.join(scltest.bound(5))
        self.assertEqual(len(asked), 1)
        asked[0][0].close()

    def test_import_from_derivation(self):
        drv = 'derivation { name = "x"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo eth0 > $out" ]; }'
        for value in (f"builtins.readFile ({drv})", f"import ({drv})"):
            self.refuse(value, "the evaluation must not build what it reads (import from derivation); --unrestricted --build allows it")

    def test_programs(self):
        self.refuse('builtins.exec [ "id" ]', "attribute 'exec' missing", NIX_CONFIG="allow-unsafe-native-code-during-evaluation = true")


class Bounded(NixCase):
    def wait_for(self, word):
        """The pid of the program whose command line has WORD."""
        limit = time.monotonic() + scltest.bound(20)
        while time.monotonic() < limit:
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    line = Path(f"/proc/{pid}/cmdline").read_bytes()
                    if line.startswith(b"nix-instantiate\0") and word in line:
                        return int(pid)
                except OSError:
                    continue
        self.fail("nix-instantiate does not run")
        return 0

    # Hours, and no memory.
    ENDLESS = "let l = builtins.genList (n: n) 100000; in { version = builtins.foldl' (a: _: builtins.foldl' (b: _: b) a l) 1 l; }"

    def test_without_end(self):
        begin = time.monotonic()
        done = self.nix("--timeout", "1", "vms.nix", self.ENDLESS, status=1)
        self.assertEqual(done.stderr, "vms.nix: the evaluation did not end within 1 s; --timeout SECONDS gives it more\n")
        self.assertLess(time.monotonic() - begin, scltest.bound(20))

    def test_ends_with_its_parent(self):
        self.write("vms.nix", self.ENDLESS)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            process = subprocess.Popen(self.argv("vms.nix"), cwd=self.dir, env=self.environment(), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            pid = self.wait_for(bytes(self.dir))
            process.send_signal(number)
            self.assertEqual(process.wait(scltest.bound(20)), -number)
            self.assertTrue(procs.wait_gone(pid, scltest.bound(10)))

    def test_too_much(self):
        for text, wanted in (
                ('let s = builtins.concatStringsSep "" (builtins.genList (x: "0123456789") 1000000); in { networks = builtins.listToAttrs '
                 '(builtins.genList (n: { name = "n${toString n}"; value = s; }) 20); }', "vms.nix: the result is larger than 64 MiB\n"),
                ('{ gatewayInterface = builtins.concatStringsSep "" (builtins.genList (x: "0123456789") 2000000); }', "larger than the limit"),
                ("{ version = builtins.length (builtins.genList (x: x) 2000000000); }", "out of memory")):
            with self.subTest(wanted):
                self.assertIn(wanted, self.nix("vms.nix", text, status=1).stderr)

    def test_much_trace(self):
        text = '{ gatewayInterface = builtins.foldl\' (a: n: builtins.trace "line ${toString n}" a) (throw "end") (builtins.genList (n: n) 50000); }'
        self.assertIn("gatewayInterface: end", self.nix("vms.nix", text, status=1).stderr)


class AsOthers(NixCase):
    def test_without_anything(self):
        """A user without home, rights and /nix."""
        scltest.require(os.geteuid() == 0 and shutil.which("setpriv"), "root and setpriv")
        self.write("vms.nix", '{ scl, ... }: { virtualMachines.a = { image = /a; cloudInitUserConfigFile = scl.cloudConfig { }; }; }')
        self.dir.chmod(0o755)
        cache = self.dir / "cache"
        cache.mkdir()
        os.chown(cache, 65534, 65534)
        argv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *self.argv("vms.nix")]
        done = subprocess.run(argv, cwd=self.dir, capture_output=True, text=True, timeout=scltest.bound(60), check=False,
                              env=self.environment(HOME="/nonexistent", XDG_CACHE_HOME=str(cache), SCL_NIX_FILES=None))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f'"{cache}/scl/nix/', done.stdout)


if __name__ == "__main__":
    scltest.main()
