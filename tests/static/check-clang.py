#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""clang has no more to say about the code than gcc: every file of the product, with warnings as errors."""

import concurrent.futures
import json
import os
import shlex
import shutil
import subprocess

import scltest
from scltest.tap import require
from sources import BUILD, SOURCE

PRODUCT = ("libscl/", "tools/", "bindings/")
# clang does not count a variable's clean-up as a use of it, and VIR_DOMAIN_EVENT_CALLBACK is libvirt's own cast; as in CMakeLists.txt.
OPTIONS = ["-fsyntax-only", "-Werror", "-Wno-unused-variable", "-Wno-unknown-warning-option", "-Wno-cast-function-type-mismatch"]


def entries():
    found = json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8"))
    return [entry for entry in found if os.path.relpath(entry["file"], SOURCE).startswith(PRODUCT)]


def words_of(entry):
    """The compiler's words without what makes an object, and without sanitizers, which clang may lack."""
    words = shlex.split(entry["command"])[1:]
    for option in ("-o", "-c"):
        del words[words.index(option):words.index(option) + (2 if option == "-o" else 1)]
    return [word for word in words if not word.startswith("-fsanitize")]


class Headers:
    """GLib's headers, compiled once for each set of options: they are more than half of the work."""

    def __init__(self, folder):
        self.folder = folder
        self.known = {}

    def words(self, entry):
        """What names them; to be asked by one thread."""
        options = tuple(word for word in words_of(entry) if word != entry["file"])
        if options not in self.known:
            path = self.folder / f"{len(self.known)}.pch"
            subprocess.run(["clang", *options, *OPTIONS[1:], "-x", "c-header", "-o", path, "-"], cwd=entry["directory"],
                           input=b"#include <gio/gio.h>\n", check=True)
            self.known[options] = ["-include-pch", str(path)]
        return self.known[options]


def findings(entry, headers=()):
    done = subprocess.run(["clang", *headers, *words_of(entry), *OPTIONS], cwd=entry["directory"], capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if ": error: " in line or ": warning: " in line] or (
        [f"{entry['file']}: clang: status {done.returncode}"] if done.returncode else [])


class Clang(scltest.TestCase):
    def test_no_warnings(self):
        require(shutil.which("clang") is not None, "clang is not installed")
        headers = Headers(self.folder())
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            found = [line for lines in pool.map(findings, entries(), map(headers.words, entries())) for line in lines]
        self.assertFalse(found, "\n" + "\n".join(found))

    def test_it_sees_all(self):
        self.assertGreater(len(entries()), 100)

    def test_it_can_fail(self):
        require(shutil.which("clang") is not None, "clang is not installed")
        source = self.folder() / "wrong.c"
        source.write_text("int main (void) { int i; return i; }\n", encoding="utf-8")
        entry = entries()[0]
        wrong = {**entry, "file": str(source), "command": entry["command"].replace(entry["file"], str(source))}
        self.assertTrue(findings(wrong))
        self.assertTrue(findings(wrong, Headers(self.folder()).words(wrong)))


if __name__ == "__main__":
    scltest.main()
