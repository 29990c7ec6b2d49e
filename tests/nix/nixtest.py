# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nix expressions as seen by tests. Evaluation only: no store, no builder, no network."""

import json
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from scltest.bounds import bound
from scltest.guest import SOURCE
from scltest.tap import require

HERE = SOURCE / "tests/nix"
MODULE = SOURCE / "nix"
STORE_PATH = re.compile(r"/nix/store/[0-9a-z]{32}-")
# The dummy store has no folder for GC roots to warn about.
TOOL = ["nix-instantiate", "--store", "dummy://"]


class Error(Exception):
    """What nix-instantiate said when it failed."""


def updating():
    """SCL_TEST_UPDATE=1 writes what is expected."""
    return os.environ.get("SCL_TEST_UPDATE") == "1"


def nixpkgs():
    """A folder with nixpkgs' lib/. Not in CI: it is nobody's package, and its copy does not belong into the tree."""
    path = os.environ.get("SCL_NIXPKGS_LIB", "")
    if not path:
        raise unittest.SkipTest("SCL_NIXPKGS_LIB does not name a copy of nixpkgs.lib")
    if not (Path(path) / "lib/default.nix").is_file():
        raise AssertionError(f"SCL_NIXPKGS_LIB={path} has no lib/default.nix")
    return path


def run(*words, folder=None):
    require(shutil.which("nix-instantiate") is not None, "nix-instantiate is not installed (nix-bin)")
    return subprocess.run([*TOOL, *words], cwd=folder or HERE, capture_output=True, text=True, timeout=bound(120), check=False)


def evaluate(expression):
    """The value of a Nix expression; names of files in it are relative to tests/nix."""
    done = run("--eval", "--strict", "--json", "--expr", expression)
    if done.returncode:
        raise Error(done.stderr)
    return json.loads(done.stdout)


def module(wanted, *modules, extra=""):
    """WANTED, an expression that may use config, options, failures, lib and pkgs, of the real module with MODULES."""
    return evaluate(f"""
      let evaluated = import ./eval.nix {{
            nixpkgs = {nixpkgs()};
            modules = [ {" ".join(f"({text})" for text in modules)} ]; {extra}
          }};
      in with evaluated; {wanted}""")


def anonymous(value):
    """The same with store paths that do not depend on what they are made from."""
    return json.loads(STORE_PATH.sub("/nix/store/HASH-", json.dumps(value)))


def check_golden(test, name, value):
    """VALUE against golden/NAME: JSON, or text as it is."""
    path = HERE / "golden" / name
    text = value if isinstance(value, str) else json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if updating():
        path.write_text(text, encoding="utf-8")
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    test.assertEqual(expected, text, f"{path.relative_to(SOURCE)} (SCL_TEST_UPDATE=1 writes it)")
