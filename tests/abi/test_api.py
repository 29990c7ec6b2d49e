#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""api.txt is what the GIR says: enum values, properties, signals, signatures with annotations."""

import difflib
import unittest

import abilib
import scltest


class Api(scltest.TestCase):
    def test_as_recorded(self):
        then, now = (text.splitlines() for text in (abilib.API.read_text(encoding="utf-8"), abilib.api()))
        diff = "\n".join(difflib.unified_diff(then, now, "api.txt", "this build", lineterm="", n=0))
        self.assertFalse(diff, f"the public API differs; if that is meant: tests/abi/update BUILD-FOLDER\n{diff}")

    def test_no_list_is_returned_with_full_transfer(self):
        """PyGObject 3.42 frees such an array twice."""
        wrong = [line for line in abilib.api().splitlines() if "-> GLib.PtrArray" in line and "transfer-ownership=full" in
                 line.partition("-> ")[2]]
        self.assertFalse(wrong)

    def test_no_foreign_type_is_in_a_signature(self):
        wrong = [line for line in abilib.api().splitlines() if "?" in line.replace("\"", "") or "gpointer" in line.partition("-> ")[2]]
        self.assertFalse(wrong)


class Sees(unittest.TestCase):
    def test_kinds(self):
        kinds = {line.split()[0] for line in abilib.api().splitlines()}
        self.assertTrue({"class", "enumeration", "bitfield", "value", "property", "method", "function", "constructor"} <= kinds, kinds)

    def test_values(self):
        self.assertIn('value SCL_ERROR_NOT_FOUND = 2 "not-found"\n', abilib.api())


if __name__ == "__main__":
    scltest.main()
