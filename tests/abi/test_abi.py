#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""abidiff against the stored ABI: nothing removed or changed, and nothing added unrecorded."""

import re
import shutil
import subprocess
import unittest

import abilib
import scltest
from scltest.tap import require


def has_debug_info():
    done = subprocess.run(["readelf", "--section-headers", "--wide", str(abilib.library())], capture_output=True, text=True, check=True)
    return ".debug_info" in done.stdout


def symbols_of(path):
    """What the library exports; newer dumps list beside it what the library takes from others."""
    text = path.read_text(encoding="utf-8")
    exported = re.findall(r"<elf-(?:function|variable)-symbols>(.*?)</elf-", text, re.S)
    return set(re.findall(r"<elf-symbol name='(\w+)'", "".join(exported)))


def format_of(path):
    """Its major version: abidiff compares only equal ones."""
    return re.search(r"<abi-corpus[^>]* version='(\d+)", path.read_text(encoding="utf-8")).group(1)


class Abi(scltest.TestCase):
    def setUp(self):
        require(shutil.which("abidw") is not None, "abidw is not installed (package abigail-tools)")
        require(has_debug_info(), "the library has no debug information")
        self.new = self.folder() / "new.abi"
        abilib.write_abi(self.new)

    def test_as_stored(self):
        if format_of(self.new) != format_of(abilib.stored_abi()):
            self.skipTest("this abidw writes another format than the one that wrote the stored ABI")
        status, said = abilib.compare_abi(abilib.stored_abi(), self.new)
        self.assertEqual(status, 0, f"{said}\nif additions are meant: tests/abi/update BUILD-FOLDER")

    def test_symbols_as_stored(self):
        symbols = symbols_of(self.new)
        self.assertGreater(len(symbols), 100)
        self.assertEqual(symbols, symbols_of(abilib.stored_abi()))

    def test_a_break_is_seen(self):
        """The same dump with one parameter less is a break, so the comparison is not blind."""
        text = self.new.read_text(encoding="utf-8")
        broken = self.folder() / "broken.abi"
        changed = re.sub(r"(<function-decl name='scl_vm_stop'.*?)<parameter [^>]*/>\s*(</function-decl>|<return)", r"\1\2", text, count=1,
                         flags=re.S)
        self.assertNotEqual(changed, text)
        broken.write_text(changed, encoding="utf-8")
        self.assertNotEqual(abilib.compare_abi(self.new, broken)[0], 0)


if __name__ == "__main__":
    scltest.main()
