#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every public symbol is documented, and the reference can be generated without a warning."""

import shutil
import subprocess

import abilib
import scltest
from scltest.tap import require

CONFIG = abilib.SOURCE / "doc/api/scl.toml"


class Docs(scltest.TestCase):
    def docgen(self, verb, *options):
        require(shutil.which("gi-docgen") is not None, "gi-docgen is not installed")
        done = subprocess.run(["gi-docgen", verb, "--fatal-warnings", "--config", str(CONFIG), "--add-include-path=/usr/share/gir-1.0",
                               *options, str(abilib.BUILD / "libscl/Scl-0.gir")], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"\n{done.stdout[-6000:]}{done.stderr[-3000:]}")

    def test_everything_is_documented(self):
        self.docgen("check")

    def test_the_reference_can_be_made(self):
        folder = self.folder()
        self.docgen("generate", "--quiet", "--content-dir", str(CONFIG.parent), "--output-dir", str(folder))
        made = {path.name for path in folder.rglob("*.html")}
        self.assertTrue({"class.Connection.html", "error.Error.html", "overview.html"} <= made, sorted(made)[:20])


if __name__ == "__main__":
    scltest.main()
