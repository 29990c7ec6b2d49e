#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""10,000 calls through the override: memory, objects, threads and descriptors stay where they are."""

import asyncio
import gc

import gi
import scltest
from scltest.gi import GiCase, Scl
from test_gi_leaks import CALLS, LIMIT_KIB, POOL, descriptors, resident_kib, threads

# Caches of the interpreter and of asyncio may fill a little meanwhile.
OBJECTS = 200
# PyGObject before 3.44.2 loses the native half of every callback, whoever's it is: Gio.File.query_info_async() too.
CALLBACK_BYTES = 0 if gi.version_info >= (3, 44, 2) else 136


def counts():
    gc.collect()
    return len(gc.get_objects()), descriptors(), threads()


class Leaks(GiCase):
    def setUp(self):
        super().setUp()
        self.conn = self.use(self.connect())
        self.conn.apply(self.manifest()).wait()
        self.conn.refresh()
        self.text = str(self.manifest())

    def assert_flat(self, before, kib, callbacks=0):
        objects, fds, count = counts()
        self.assertLess(objects - before[0], OBJECTS)
        self.assertEqual(fds, before[1])
        self.assertLessEqual(count, before[2] + POOL)
        self.assertLess(resident_kib() - kib, LIMIT_KIB + callbacks * CALLBACK_BYTES // 1024)

    def stays(self, call, calls=CALLS):
        for _ in range(calls // 10):
            call()
        before, kib = counts(), resident_kib()
        for _ in range(calls):
            call()
        self.assert_flat(before, kib)

    def stays_awaited(self, call, calls=CALLS):
        async def main():
            for _ in range(calls // 10):
                await call()
            before, kib = counts(), resident_kib()
            for _ in range(calls):
                await call()
            self.assert_flat(before, kib, calls)
        asyncio.run(main())

    def test_lists(self):
        conn = self.conn
        self.stays(lambda: (conn.vms["demo"].state, "web" in conn.vms, conn.vms[::-1], repr(conn.volumes),
                            conn.vms[0].spec.disks[0].image))

    def test_exceptions(self):
        def fail():
            with self.assertRaises(Scl.InvalidError):
                Scl.Manifest.new_from_string("version: 2\n")
            with self.assertRaises(KeyError):
                self.conn.vms["none"]
        self.stays(fail)

    def test_texts(self):
        plan = self.conn.plan(Scl.Manifest.new(), prune=True, allow_empty=True)
        self.stays(lambda: (str(plan), [repr(step) for step in plan]))

    def test_connections(self):
        def use():
            with Scl.Connection.open(self.uri()) as conn:
                len(conn.vms)
        self.stays(use)

    def test_awaited_calls(self):
        self.stays_awaited(self.conn.refresh_async)

    def test_awaited_operations(self):
        self.stays_awaited(lambda: self.conn.apply_async(self.manifest(self.text)))

    def test_awaited_signals(self):
        async def follow():
            operation = self.conn.apply(self.manifest(self.text), boot=True)
            operation.connect("notify", lambda *_: None)
            await operation
        self.stays_awaited(follow)

    def test_awaited_errors(self):
        empty = Scl.Manifest.new()

        async def fail():
            with self.assertRaises(Scl.InvalidError):
                await self.conn.plan_async(empty)
        self.stays_awaited(fail)

    def test_cancelled(self):
        async def cancel():
            task = asyncio.ensure_future(self.conn.refresh_async())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        self.stays_awaited(cancel)

    def test_loops(self):
        self.stays(lambda: asyncio.run(self.conn.refresh_async()), CALLS // 10)


if __name__ == "__main__":
    scltest.main()
