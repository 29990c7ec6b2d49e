#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The how-tos, each on an empty host, with guests that boot in seconds."""

import scltest
from scltest import tiny_image

import host
import pages


class HowTo(host.PageCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.begin(tiny_image())

    def setUp(self):
        self.host.clear()


def case_of(name):
    return lambda self: self.run_page(name)


for page in pages.pages():
    if page.host == "tiny":
        setattr(HowTo, "test_" + page.name.removesuffix(".md").replace("/", "_").replace("-", "_"), case_of(page.name))


if __name__ == "__main__":
    scltest.main()
