# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole programs, from their start to their end."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from scltest.bounds import bound
from scltest.libvirtd import Libvirtd

import cases
import harness


def timed(argv, environment=None):
    """Milliseconds."""
    began = time.monotonic()
    done = subprocess.run(list(map(str, argv)), env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          check=False, timeout=bound(300))
    if done.returncode:
        raise harness.Failure(f"{argv[0]}: {done.stderr.strip()}")
    return (time.monotonic() - began) * 1000


class Program:
    """sclctl of a build with a daemon, a state folder and a prefix of its own."""

    def __init__(self, bench, build, number, daemon, count):
        self.bench, self.number = bench, number
        self.folder = bench.folder / f"edit{number}"
        self.folder.mkdir()
        self.folder.chmod(0o711)
        self.argv = [build / "tools/sclctl", "-q", "-c",
                     f"local:?hypervisor={daemon.uri.replace('?', '%3F').replace('&', '%26')}&state={self.folder}/state&prefix=sclv{number}"]
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(build / "libscl")}
        vms = cases.many(count, 1, cases.small_image(bench))
        self.manifests = [self.write(vms, port) for port in (22, 23)]
        self.turn = 0

    def write(self, vms, port):
        network = {"externalIP": f"192.168.1{self.number}.1", "gatewayIP": "10.0.0.1", "internalNetmask": "255.255.0.0",
                   "allowedTCPPorts": [f"2222:10.0.0.2:{port}"]}
        return cases.write_manifest(self.bench, f"edit{self.number}-{port}", {"default": None, "net0": network}, vms)

    def run(self, *words):
        return timed([*self.argv, *words], self.environment)

    def apply(self, path):
        return self.run("apply", "-f", path)

    def edit(self):
        self.turn += 1
        return [self.apply(self.manifests[self.turn % 2])]

    def nothing(self):
        return [self.apply(self.manifests[self.turn % 2])]

    def end(self):
        empty = cases.write_manifest(self.bench, f"edit{self.number}-end", {"default": None}, {})
        self.run("apply", "--prune", "--allow-empty", "-f", empty)
        shutil.rmtree(self.folder)


def lists(bench):
    """What a person waits for; also when a volume has no VM, so that others may use it."""
    count = 10 if bench.quick else 200
    with Libvirtd(bench.folder / "l") as daemon:
        ours = Program(bench, Path(bench.programs[0]).parents[2], 0, daemon, count)
        ours.edit()
        ours.argv.remove("-q")
        virsh = ["virsh", "-c", daemon.uri, "list", "--all"]
        for what in ("", ", one volume alone"):
            for words in (("vm", "list"), ("volume", "list"), ("status",)):
                goal = "≤ 1.2" if words[0] == "vm" else None
                row = bench.row(f"{' '.join(words)}, {count} VMs{what}", "sclctl", "virsh list --all", goal)
                cases.compare(bench, [row], bench.rounds(21),
                              lambda side, words=words: [ours.run(*words) if side == "a" else timed(virsh)])
            if not what:
                ours.run("--yes", "vm", "delete", "vm0")
        ours.end()
    shutil.rmtree(bench.folder / "l")
