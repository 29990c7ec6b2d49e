#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""10,000 calls of each kind: memory, threads and descriptors stay where they are."""

import gc
import os
from pathlib import Path

import scltest
from scltest.gi import GiCase, Scl

CALLS = 10_000
# One leaked small allocation per call would be at least 16 bytes × CALLS; Python's own arenas come in 1 MiB.
LIMIT_KIB = 1536
# GLib keeps as many threads for tasks; on a busy machine one call's has not ended when the next one asks for one, and
# a thread that was joined is in /proc a little longer.
POOL = 10


def resident_kib():
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0])


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def threads():
    return len(os.listdir("/proc/self/task"))


class Leaks(GiCase):
    def setUp(self):
        super().setUp()
        self.connection = self.connect()
        self.connection.apply(self.manifest(), Scl.ApplyFlags.NONE).wait(None)
        self.connection.refresh(None)

    def stays(self, call, calls=CALLS, limit=LIMIT_KIB):
        for _ in range(calls // 10):
            call()
        before, fds, count = resident_kib(), descriptors(), threads()
        for _ in range(calls):
            call()
        self.assertLess(resident_kib() - before, limit)
        self.assertEqual(descriptors(), fds)
        self.assertLessEqual(threads(), count + POOL)

    def test_lists_and_properties(self):
        self.stays(lambda: [(vm.props.name, vm.get_spec().get_disks()[0].get_image(), vm.get_pending(), vm.get_state_reason(),
                             list(vm.get_addresses())) for vm in self.connection.get_vms()])

    def test_manifests(self):
        text = self.manifest().to_string(Scl.ManifestFormat.YAML)
        self.stays(lambda: self.manifest(text).to_string(Scl.ManifestFormat.JSON))

    def test_diagnostics(self):
        wrong = Scl.Manifest(gateway_interface="a b")
        self.stays(lambda: [found.to_string() for found in wrong.check(None)])

    def test_errors(self):
        def fail():
            try:
                Scl.Manifest.new_from_string("version: 2\n", None)
            except Exception as error:  # noqa: BLE001
                return error.message
            raise AssertionError("accepted")
        self.stays(fail)

    def test_plans(self):
        manifest = self.manifest()
        self.stays(lambda: [step.to_string() for step in
                            self.connection.plan(manifest, Scl.ApplyFlags.NONE, None).get_steps()])

    def test_refresh(self):
        self.stays(lambda: self.connection.refresh(None))

    def test_operations(self):
        manifest = self.manifest()
        self.stays(lambda: self.connection.apply(manifest, Scl.ApplyFlags.NONE).wait(None))

    def test_connections(self):
        uri = self.uri()
        self.stays(lambda: Scl.Connection.open(uri, None).close())


if __name__ == "__main__":
    scltest.main()
