#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""shellcheck on every shell script; Python programs at least compile."""

import ast
import re
import shutil
import subprocess

import scltest
from scltest.tap import require
from sources import SOURCE, files

SHELL = re.compile(rb"\A#!\s*/(usr/)?bin/(env )?(ba|da)?sh\b")
PYTHON = re.compile(rb"\A#!.*\bpython3\b")


def head(name):
    with open(SOURCE / name, "rb") as file:
        return file.read(100)


def of_kind(pattern, suffix):
    return [name for name in files() if not name.startswith("tests/fuzz/corpus/")
            and (name.endswith(suffix) or pattern.match(head(name)))]


class Scripts(scltest.TestCase):
    def test_shellcheck(self):
        require(shutil.which("shellcheck") is not None, "shellcheck is not installed")
        # The tiny guest's init runs under busybox, whose shell is a dash.
        scripts = [name for name in of_kind(SHELL, ".sh") if not name.endswith(".init")]
        self.assertTrue(scripts)
        done = subprocess.run(["shellcheck", "--severity=warning", "--external-sources", "--format=gcc", *scripts], cwd=SOURCE,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, "\n" + done.stdout + done.stderr)

    def test_bash_completion(self):
        require(shutil.which("bash") is not None, "bash is not installed")
        subprocess.run(["bash", "-n", "tools/completion/sclctl.bash"], cwd=SOURCE, check=True)

    def test_python_compiles(self):
        programs = of_kind(PYTHON, ".py")
        self.assertGreater(len(programs), 10)
        for name in programs:
            with self.subTest(name):
                ast.parse((SOURCE / name).read_text(encoding="utf-8"), name)


if __name__ == "__main__":
    scltest.main()
