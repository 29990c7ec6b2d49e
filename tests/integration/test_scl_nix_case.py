# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of scl-nix share; no test itself."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import scltest
from scltest.sclctl import program


class NixCase(scltest.TestCase):
    def setUp(self):
        scltest.require(shutil.which("nix-instantiate"), "nix-bin")
        self.dir = self.folder()
        self.files = self.dir / "files"
        self.program = str(Path(program()).with_name("scl-nix"))

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path

    @staticmethod
    def read(path):
        return Path(path).read_text(encoding="utf-8")

    def argv(self, *words):
        return [self.program, *words]

    def environment(self, **changes):
        """As of a user who has nothing of Nix set; None unsets."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("NIX_") and key != "SCL_NIX_LIB"}
        values = {**clean, "G_DEBUG": "fatal-criticals", "LC_ALL": "C.UTF-8", "SCL_NIX_FILES": str(self.files),
                  "HOME": str(self.dir), "XDG_CACHE_HOME": str(self.dir / "cache"), **changes}
        return {key: value for key, value in values.items() if value is not None}

    def nix(self, *words, status=0, cwd=None, **changes):
        """The finished scl-nix. A text after the name of the file is what it has in it."""
        words = list(words)
        if len(words) > 1 and "{" in words[-1] and words[-2].endswith(".nix"):
            self.write(words[-2], words.pop())
        done = subprocess.run(self.argv(*words), cwd=cwd or self.dir, capture_output=True, timeout=scltest.bound(120), check=False,
                              stdin=subprocess.DEVNULL, env=self.environment(**changes))
        done.stdout, done.stderr = (data.decode("utf-8", "surrogateescape") for data in (done.stdout, done.stderr))
        self.assertEqual(done.returncode, status, f"{words}\n{done.stdout}{done.stderr}")
        if status:
            self.assertEqual(done.stdout, "")
        return done

    def manifest(self, text):
        """What the expression becomes; nothing is said about it."""
        done = self.nix("vms.nix", text)
        self.assertEqual(done.stderr, "")
        return json.loads(done.stdout)
