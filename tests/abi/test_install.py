#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`cmake --install` into an empty folder: what is there, and that C, C++ and Python work with only that."""

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import abilib
import scltest
from scltest.tap import require

PYTHON = """
import gi
gi.require_version("Scl", "0")
from gi.repository import Scl
connection = Scl.Connection.open("local:?hypervisor=memory", None)
print(Scl.version_string(), len(connection.get_vms()))
"""
VERSION = re.search(r"^project \(scl VERSION ([\d.]+)", (abilib.SOURCE / "CMakeLists.txt").read_text(encoding="utf-8"), re.M)[1]
LIBRARY = rf"libscl\.so(\.0|\.{re.escape(VERSION)})?"
# kind of file -> expression that it matches; whatever matches none is not meant to be installed.
EXPECTED = {
    "library": rf"lib/([^/]+/)?{LIBRARY}",
    "header": r"include/scl-0/scl/scl[a-z-]*\.h",
    "pkg-config": r"lib/([^/]+/)?pkgconfig/scl-0\.pc",
    "gir": r"share/gir-1\.0/Scl-0\.gir",
    "typelib": r"lib/([^/]+/)?girepository-1\.0/Scl-0\.typelib",
    "sclctl": r"bin/sclctl",
    "scl-nix": r"bin/scl-nix",
    "scl-nix's library": r"share/scl/nix/[a-z]+\.nix",
    "manual": r"share/man/man1/(sclctl|scl-nix)\.1",
    "manifest manual": r"share/man/man5/scl-manifest\.5",
    "bash": r"share/bash-completion/completions/sclctl",
    "zsh": r"share/zsh/(vendor-completions|site-functions)/_sclctl",
    "fish": r"share/fish/vendor_completions\.d/sclctl\.fish",
    "Python override": r"lib/python3(\.\d+)?/dist-packages/gi/overrides/Scl\.py",
    "Python stubs": r"lib/python3(\.\d+)?/dist-packages/gi-stubs/repository/Scl\.pyi",
    "Python example": r"share/doc/scl/examples/small-fleet\.py",
}


def run(argv, env=None):
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise AssertionError(f"{argv}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Install(scltest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.case = cls("has_all_that_is_meant")
        cls.root = Path(cls.case.folder())
        run(["cmake", "--install", abilib.BUILD], {**os.environ, "DESTDIR": str(cls.root)})
        configured = next(cls.root.rglob("scl-0.pc")).read_text(encoding="utf-8")
        cls.prefix = cls.root / re.search(r"^prefix=/?(.*)$", configured, re.M)[1]
        cls.files = sorted(str(path.relative_to(cls.prefix)) for path in cls.prefix.rglob("*") if not path.is_dir())
        cls.libdir = cls.prefix / next(name for name in cls.files if name.endswith("libscl.so.0")).rpartition("/")[0]

    @classmethod
    def tearDownClass(cls):
        cls.case.doCleanups()

    def has_all_that_is_meant(self):
        """Never run: only lends its folder to the class."""

    def flags(self):
        """pkg-config's, pointing into the folder that stands for /."""
        env = {**os.environ, "PKG_CONFIG_PATH": str(self.libdir / "pkgconfig")}
        flags = run(["pkg-config", "--cflags", "--libs", "scl-0"], env).split()
        return [re.sub(rf"^(-[IL])/{re.escape(str(self.prefix.relative_to(self.root)))}", rf"\1{self.prefix}", flag) for flag in flags]

    def environment(self):
        kept = {key: value for key, value in os.environ.items() if key not in ("LD_LIBRARY_PATH", "GI_TYPELIB_PATH")}
        return {**kept, "LD_LIBRARY_PATH": str(self.libdir), "GI_TYPELIB_PATH": str(self.libdir / "girepository-1.0")}

    def compile_and_run(self, compiler, *options):
        require(shutil.which(compiler) is not None, f"{compiler} is not installed")
        program = self.folder() / "consumer"
        run([compiler, "-Wall", "-Wextra", "-Werror", *options, abilib.HERE / "consumer.c", "-o", program, *self.flags()])
        linked = run(["ldd", program], self.environment())
        self.assertIn(str(self.libdir), linked)
        self.assertEqual(run([program], self.environment()), f"{VERSION} 0\n")

    def test_each_kind_is_there(self):
        for kind, pattern in EXPECTED.items():
            with self.subTest(kind):
                self.assertTrue([name for name in self.files if re.fullmatch(pattern, name)], self.files)

    def test_nothing_else_is_there(self):
        self.assertFalse([name for name in self.files if not any(re.fullmatch(pattern, name) for pattern in EXPECTED.values())])
        outside = [path for path in self.root.rglob("*") if not path.is_dir() and not path.is_relative_to(self.prefix)]
        self.assertFalse(outside)

    def test_no_private_header(self):
        self.assertFalse([name for name in self.files if "private" in name])

    def test_all_public_headers(self):
        installed = {name.rpartition("/")[2] for name in self.files if name.endswith(".h")}
        meant = {path.name for folder in (abilib.SOURCE, abilib.BUILD) for path in (folder / "include/scl").glob("*.h")}
        self.assertEqual(installed, meant)

    def test_build_folder_is_forgotten(self):
        for name in self.files:
            data = (self.prefix / name).read_bytes()
            with self.subTest(name):
                dynamic = run(["readelf", "--dynamic", self.prefix / name]) if data.startswith(b"\x7fELF") else ""
                self.assertNotIn("RUNPATH", dynamic)
                self.assertNotIn("RPATH", dynamic)
                if not data.startswith(b"\x7fELF"):
                    self.assertFalse(str(abilib.BUILD).encode() in data, "names the build folder")

    def test_c(self):
        self.compile_and_run("cc", "-std=c11", "-pedantic")

    def test_cpp(self):
        self.compile_and_run("g++", "-x", "c++", "-std=c++17")

    def test_a_single_header_is_refused(self):
        source = self.folder() / "one.c"
        source.write_text("#include <scl/scl-vm.h>\n", encoding="utf-8")
        done = subprocess.run(["cc", "-fsyntax-only", str(source), *self.flags()], capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Only <scl/scl.h> can be included directly", done.stderr)

    def test_python(self):
        self.assertEqual(run(["/usr/bin/python3", "-c", PYTHON], self.environment()), f"{VERSION} 0\n")

    def test_sclctl(self):
        self.assertEqual(run([self.prefix / "bin/sclctl", "--version"], self.environment()), f"sclctl {VERSION}\n")


if __name__ == "__main__":
    unittest.TestCase.longMessage = True
    scltest.main()
