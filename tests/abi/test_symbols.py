#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libscl.map, the library and the GIR name the same symbols; nodes of past releases are sealed."""

import unittest

import abilib
import scltest


def in_map():
    return {symbol: name for name, _, symbols in abilib.nodes() for symbol in symbols}


class Symbols(scltest.TestCase):
    def test_map_is_the_library(self):
        self.assertFalse(in_map().items() ^ abilib.exported().items())

    def test_map_is_the_gir(self):
        """A function in the GIR that is not exported fails only when Python calls it."""
        versions = {symbol: f"SCL_{since}" for symbol, since in abilib.versions_of_gir().items()}
        self.assertFalse(in_map().items() ^ versions.items())

    def test_sorted_and_without_wildcards(self):
        for name, _, symbols in abilib.nodes():
            with self.subTest(name):
                self.assertEqual(symbols, sorted(set(symbols)))
        self.assertNotIn("scl_*", abilib.MAP.read_text(encoding="utf-8"))

    def test_nodes_inherit(self):
        nodes = abilib.nodes()
        self.assertEqual([node[1] for node in nodes], [None, *(node[0] for node in nodes[:-1])])

    def test_released_nodes_are_sealed(self):
        self.assertTrue(abilib.SEALED.exists())
        for count, checksum in abilib.sealed():
            with self.subTest(nodes=count):
                self.assertEqual(abilib.seal_of(count), checksum, "a node of a released version has changed")


class Sees(unittest.TestCase):
    def test_the_surface_is_not_empty(self):
        self.assertGreater(len(in_map()), 150)
        self.assertGreater(len(abilib.versions_of_gir()), 150)

    def test_a_seal_sees_a_change(self):
        self.assertNotEqual(abilib.seal_of(1), abilib.seal_of(0))


if __name__ == "__main__":
    scltest.main()
