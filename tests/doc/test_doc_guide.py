#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guide from its first page to its last, as a reader goes through it, with a real Debian cloud image.

One host, one guest: a page goes on where the one before it ended. The README's example comes where
its VM is up.
"""

import shutil

import scltest
from scltest import cloud_image

import host
import pages

BEFORE_README = "doc/guide/03-cloud-init.md"


def order():
    found = []
    for name in pages.names():
        if pages.page(name).host == "cloud" and name != "README.md":
            found += [name, "README.md"] if name == BEFORE_README else [name]
    return found


class Guide(host.PageCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scltest.require(shutil.which("sshpass"), "sshpass")
        cls.begin(cloud_image())
        cls.is_up = False

    def before(self, command):
        """The user and the password are there when cloud-init says that it is done."""
        if command.first() == "ssh" and not self.is_up:
            host.wait_for_line(self.host.folder / "state/vms/demo/console.log", "Datasource DataSourceNoCloud", 1, scltest.bound(host.BOOT_SECONDS))
            type(self).is_up = True

    def test_guide(self):
        names = order()
        self.assertGreater(len(names), 5)
        for name in names:
            with self.subTest(name):
                self.run_page(name)


if __name__ == "__main__":
    scltest.main()
