#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two who change one instance, with real networks: in one process, and in two with a question between them."""

import os
import pty
import re
import select
import sys
import time

import scltest
from scltest import Lab, Libvirtd
from scltest.sclctl import Sclctl

EXTERNAL = "192.168.156."

# In the lab's host: two applies at once on one connection, with its lock held and without it.
TWO_APPLIES = """
import sys, gi
gi.require_version("Scl", "0")
from gi.repository import Scl
conn = Scl.Connection.open(sys.argv[1], None)
texts = [open(path).read() for path in sys.argv[2:4]]
manifests = [Scl.Manifest.new_from_string(text, None) for text in texts]
for held in (False, True):
    if held:
        conn.lock(None)
    for operation in [conn.apply(manifest, Scl.ApplyFlags.PRUNE) for manifest in manifests]:
        operation.wait(None)
    # Either may have been the first: each begins in a thread of its own.
    plans = [conn.plan(manifest, Scl.ApplyFlags.PRUNE, None) for manifest in manifests]
    print(held, [plan.is_empty() for plan in plans].count(True))
conn.tear_down().wait(None)
"""


def networks(numbers, subnet=20):
    lines = "".join(f"  n{number}: {{externalIP: {EXTERNAL}{number + 1}, gatewayIP: 10.{subnet}.{number}.1}}\n" for number in numbers)
    return f"version: 1\nvirtualMachines: {{}}\nnetworks:\n  default: null\n{lines}"


class TwoAtOnce(scltest.TestCase):
    def setUp(self):
        self.dir = self.folder()
        self.scl = self.use(Lab()).host("scl", machine=True)
        # The embedded hypervisor would be of one process only.
        libvirtd = self.use(Libvirtd(self.dir / "lv", self.scl))
        self.ctl = Sclctl(self.dir / "state", libvirtd.uri, host=self.scl)
        self.addCleanup(self.ctl.run, "apply", "--prune", "--allow-empty", "-f", self.write("none.yaml", "version: 1\n"))

    def write(self, name, text):
        (self.dir / name).write_text(text, encoding="utf-8")
        return str(self.dir / name)

    def names(self):
        return self.ctl.run("network", "list", "-q", check=0).stdout.split()

    def test_in_one_process(self):
        files = [self.write(f"{subnet}.yaml", networks(range(6), subnet)) for subnet in (20, 30)]
        done = self.scl.run([sys.executable, "-c", TWO_APPLIES, self.ctl.uri, *files], timeout=scltest.bound(90))
        self.assertEqual(done.stdout, "False 1\nTrue 1\n", done.stderr)

    def test_a_question_between(self):
        """What is added while somebody is asked is not removed by the answer."""
        before, meanwhile = (self.write(f"{n}.yaml", networks(range(n))) for n in (2, 3))
        wanted = self.write("wanted.yaml", networks([0]))
        self.ctl.run("apply", "-f", before, check=0)
        master, slave = pty.openpty()
        asking = self.scl.popen(self.ctl.argv("apply", "-f", wanted), stdin=slave, stdout=slave, stderr=slave,
                                env=self.ctl.environment())
        os.close(slave)
        text = self.read_until(master, "Remove\\?")
        self.ctl.run("apply", "-f", meanwhile, check=0)
        os.write(master, b"y\n")
        self.assertEqual(asking.wait(scltest.bound(30)), 1, text)
        self.assertIn('now network "n2" would be removed, too; nothing was done', self.read_until(master, "plan again"))
        os.close(master)
        self.assertEqual(self.names(), ["n0", "n1", "n2"])
        self.ctl.run("apply", "--prune", "-f", wanted, check=0)
        self.assertEqual(self.names(), ["n0"])

    def read_until(self, terminal, pattern):
        text, limit = "", time.monotonic() + scltest.bound(30)
        while not re.search(pattern, text):
            self.assertTrue(select.select([terminal], [], [], max(0, limit - time.monotonic()))[0], f"no {pattern!r} in {text!r}")
            text += os.read(terminal, 65536).decode()
        return text


if __name__ == "__main__":
    scltest.main()
