#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How helper programs and sclctl itself end, on a lab host with the embedded hypervisor."""

import os
import signal

import scltest
from scltest import Lab
from scltest.scene import Scene, SharedCase
from scltest.sclctl import Sclctl


def ignore_children():
    """As a careless service manager or parent leaves it; kept over exec."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


class Ends(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        cls.scene = Scene(cls.dir, None, cls.scl)
        cls.ctl = Sclctl(cls.dir / "s", "qemu:///embed", prefix=cls.scene.ctl.prefix, host=cls.scl)
        cls.scene.network("default")

    def tables(self):
        return self.scl.output(["nft", "list", "tables"])

    def test_failed_firewall_with_children_ignored(self):
        """nft fails: so does apply, whoever started it; and with nft back the same apply is enough."""
        manifest = self.scene.write()
        tools = self.folder()
        (tools / "nft").write_text("#!/bin/sh\necho 'nft: broken on purpose' >&2\nexit 1\n")
        (tools / "nft").chmod(0o755)
        environment = {**self.ctl.environment(), "PATH": f"{tools}:{os.environ['PATH']}"}
        done = self.scl.run(self.ctl.argv("apply", "-f", manifest), check=False, timeout=120, env=environment,
                            preexec_fn=ignore_children)
        self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("broken on purpose", done.stderr)
        self.assertEqual(self.tables(), "")
        done = self.scl.run(self.ctl.argv("apply", "-f", manifest), check=False, timeout=120,
                            env=self.ctl.environment(), preexec_fn=ignore_children)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"table inet {self.ctl.prefix}", self.tables())


if __name__ == "__main__":
    scltest.main()
