#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every Python and C program of the pages, as it stands, on a simulated host; and every systemd unit."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import scltest
from scltest.guest import SOURCE
from scltest.sclctl import program

import pages

MANIFEST = """\
version: 1
networks:
  default: {allowedTCPPorts: ["2222:192.168.20.2:22"]}
virtualMachines:
  demo: {image: /srv/images/debian-12.raw, cores: 2}
"""
SIMULATED = "local:?hypervisor=memory"


class Programs(scltest.TestCase):
    def setUp(self):
        self.dir = self.folder()
        (self.dir / "demo.yaml").write_text(MANIFEST, encoding="utf-8")
        self.build = Path(os.environ["SCL_BUILD_DIR"])

    def text(self, block):
        """The one change: the real host of the text is a simulated one."""
        return block.text.replace('"local:"', f'"{SIMULATED}"')

    def run_program(self, *argv, **environment):
        done = subprocess.run(argv, cwd=self.dir, capture_output=True, text=True, timeout=scltest.bound(60), check=False,
                              env={**os.environ, "G_DEBUG": "fatal-criticals", "LC_ALL": "C.UTF-8", **environment})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_python(self):
        scltest.require(list((self.build / "libscl").glob("Scl-*.typelib")), "the typelib (-DSCL_INTROSPECTION=ON)")
        path = f"{SOURCE}/bindings/python:{os.environ.get('PYTHONPATH', '')}"
        found = pages.blocks("python")
        self.assertGreater(len(found), 3)
        for block in found:
            with self.subTest(block.place):
                self.assertTrue(self.run_program("/usr/bin/python3", "-c", self.text(block), PYTHONPATH=path))

    def flags(self):
        """As `pkg-config --cflags --libs scl-0` of an installed SCL, for the build tree."""
        done = subprocess.run(["pkg-config", "--cflags", "--libs", "gio-2.0"], capture_output=True, text=True, timeout=scltest.bound(30), check=False)
        scltest.require(done.returncode == 0, "pkg-config and GLib's headers")
        library = self.build / "libscl"
        return [f"-I{SOURCE}/include", f"-I{self.build}/include", f"-I{library}", f"-L{library}", f"-Wl,-rpath,{library}", "-lscl",
                *shlex.split(done.stdout)]

    def test_c(self):
        found = pages.blocks("c")
        self.assertGreater(len(found), 0)
        for block in found:
            with self.subTest(block.place):
                source = self.dir / "program.c"
                source.write_text(self.text(block), encoding="utf-8")
                self.run_program("cc", "-Wall", "-Wextra", "-Werror", "-o", "program", source.name, *self.flags())
                self.assertTrue(self.run_program("./program"))

    def test_units(self):
        scltest.require(shutil.which("systemd-analyze"), "systemd-analyze")
        found = pages.blocks("ini")
        self.assertGreater(len(found), 0)
        for block in found:
            with self.subTest(block.place):
                path = self.dir / block.options["file"]
                path.write_text(block.text.replace("/usr/local/bin/sclctl", program()), encoding="utf-8")
                self.run_program("systemd-analyze", "verify", "--recursive-errors=no", "--man=no", str(path))

    def test_the_packaged_unit_is_the_guides(self):
        unit = next(block for block in pages.blocks("ini") if block.options["file"] == "scl.service")
        packaged = (SOURCE / "tools/debian/scl.service").read_text(encoding="utf-8")
        self.assertEqual(unit.text.replace("/usr/local/bin/", "/usr/bin/"), packaged)


if __name__ == "__main__":
    scltest.main()
