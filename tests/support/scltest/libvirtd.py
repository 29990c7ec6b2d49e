# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private libvirtd for a test; see support/private-libvirtd."""

import subprocess

from .bounds import bound
from .guest import SUPPORT

PROGRAM = str(SUPPORT / "private-libvirtd")


class Libvirtd:
    """Context manager; uri is what clients (and SclConnection's hypervisor=) get.

    folder: an empty folder with a short path; host: a lab host on which it runs.
    """

    def __init__(self, folder, host=None):
        self.folder = folder
        self.call = host.run if host else subprocess.run
        self.popen = host.popen if host else subprocess.Popen
        self.uri = None

    def tell(self, *words):
        done = self.call([PROGRAM, *words], capture_output=True, text=True, timeout=bound(180), check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def __enter__(self):
        self.uri = self.tell("start", str(self.folder))
        return self

    def __exit__(self, *_):
        self.tell("stop", str(self.folder))

    def start(self, argv):
        return self.popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def kill(self):
        """kill -9 of libvirtd; its guests live on."""
        self.tell("kill", str(self.folder))

    def restart(self):
        self.tell("restart", str(self.folder))

    def virsh(self, *argv, seconds=60, check=True):
        """Run virsh on this daemon; returns its output."""
        done = self.call(["virsh", "--quiet", "--connect", self.uri, *map(str, argv)], capture_output=True, text=True,
                         timeout=bound(seconds), check=False)
        if check and done.returncode:
            raise RuntimeError(f"virsh {' '.join(map(str, argv))}: {done.stderr.strip()}")
        return done.stdout

    def state(self, name):
        return self.virsh("domstate", name).strip()

    def wait_state(self, name, wanted, seconds=60):
        """Wait until a domain is "running", "shut off", …; asks again at each of its events."""
        argv = ["virsh", "--connect", self.uri, "event", "--domain", name, "--event", "lifecycle", "--loop"]
        with self.start([*argv, "--timeout", str(int(bound(seconds)))]) as events:
            try:
                while self.state(name) != wanted:
                    if not events.stdout.readline():
                        raise AssertionError(f"{name} is {self.state(name)}, not {wanted}, after {bound(seconds):.0f} s")
            finally:
                events.terminate()

    def domains(self):
        return sorted(self.virsh("list", "--all", "--name").split())
