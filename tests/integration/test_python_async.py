#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The override in asyncio: plain asyncio.run(), no GLib main loop anywhere unless a case says so."""

import asyncio
import contextlib
import gc
import os
import selectors
import signal
import threading
from unittest import mock

import scltest
from gi.repository import Gio
from scltest.gi import HYPERVISORS, GiCase, GLib, Scl, in_loop

# Only after gi.repository.Scl, which loads it.
from gi.overrides import Scl as override  # isort: skip

SECONDS = scltest.bound(60)


def many(count):
    vms = "".join(f"  v{number}: {{image: image.raw}}\n" for number in range(count))
    return f"version: 1\nnetworks: {{default: {{}}}}\nvirtualMachines:\n{vms}"


MANY = many(100)
# So many that an apply is not over before it can be cancelled.
LONG = many(1000)


def in_asyncio(case):
    """A coroutine as a test case, bounded; afterwards nothing of the bridge is left."""
    def run(self):
        asyncio.run(asyncio.wait_for(case(self), SECONDS))
        self.assertEqual(override._services, {})
    return run


def at(number, loop):
    """A future that ends when it was called that often, and what to call."""
    reached, calls = loop.create_future(), []

    def call(*arguments):
        calls.append(arguments)
        if len(calls) == number:
            reached.set_result(calls)
    return reached, call


class Calls(GiCase):
    @in_asyncio
    async def test_open_plan_apply_refresh(self):
        for hypervisor in HYPERVISORS:
            with self.subTest(hypervisor), await Scl.Connection.open_async(self.uri(hypervisor)) as conn:
                plan = await conn.plan_async(self.manifest())
                operation = await conn.apply_async(self.manifest())
                self.assertEqual((len(list(operation)), operation.is_done()), (len(plan), True))
                self.assertTrue(await conn.refresh_async())
                self.assertEqual([vm.name for vm in conn.vms], ["demo", "web"])
                self.assertFalse(await conn.plan_async(self.manifest(), Scl.ApplyFlags.NONE))

    @in_asyncio
    async def test_vms(self):
        for hypervisor in HYPERVISORS:
            with self.subTest(hypervisor), await Scl.Connection.open_async(self.uri(hypervisor)) as conn:
                await conn.apply_async(self.manifest())
                await conn.refresh_async()
                vm = conn.vms["demo"]
                for called, state in ((vm.stop_async(True), "STOPPED"), (vm.start_async(), "RUNNING"), (vm.restart_async(), "RUNNING")):
                    self.assertTrue((await called).is_done())
                    await conn.refresh_async()
                    self.assertEqual(vm.state, getattr(Scl.VmState, state))
                with self.assertRaisesRegex(GLib.Error, "is there"):
                    await conn.create_volume_async("demo")
                self.assertTrue(await conn.check_volume_async("demo"))
                with self.assertRaisesRegex(Scl.NotFoundError, 'volume "none" does not exist'):
                    await conn.check_volume_async("none")
                await conn.vms["web"].delete_async()
                await conn.refresh_async()
                self.assertEqual((len(conn.vms), conn.volumes["web"].used), (1, False))
                await conn.volumes["web"].delete_async()
                await conn.tear_down_async()
                await conn.prune_volumes_async()
                await conn.refresh_async()
                self.assertEqual([len(conn.vms), len(conn.networks), len(conn.volumes)], [0, 0, 0])

    @in_asyncio
    async def test_flags(self):
        with self.connect() as conn:
            await conn.apply_async(self.manifest())
            empty = Scl.Manifest.new()
            self.assertTrue((await conn.plan_async(empty, prune=True, allow_empty=True)).has_removals())
            await conn.apply_async(empty, Scl.ApplyFlags.PRUNE, allow_empty=True)
            await conn.refresh_async()
            self.assertEqual(len(conn.vms), 0)

    @in_asyncio
    async def test_an_operation_can_be_awaited(self):
        with self.connect() as conn:
            operation = conn.apply(self.manifest())
            self.assertIs(await operation, True)
            self.assertIs(await operation, True)
            self.assertIs(await operation.wait_async(), True)
            self.assertEqual({result.status for result in operation}, {Scl.StepStatus.DONE})

    @in_asyncio
    async def test_ten_at_once(self):
        with self.connect("test:///default") as conn:
            manifest = self.manifest(MANY)
            plans = await asyncio.gather(*(conn.plan_async(manifest) for _ in range(10)))
            self.assertEqual(len({str(plan) for plan in plans}), 1)
            await conn.apply_async(manifest)
            await conn.refresh_async()
            ten = conn.vms[:10]
            await asyncio.gather(*(vm.stop_async(force=True) for vm in ten))
            await conn.refresh_async()
            self.assertEqual({vm.state for vm in ten}, {Scl.VmState.STOPPED})
            self.assertEqual({vm.state for vm in conn.vms[10:]}, {Scl.VmState.RUNNING})
            await asyncio.gather(conn.refresh_async(), conn.plan_async(manifest), *(vm.start_async() for vm in ten))

    @in_asyncio
    async def test_the_loop_goes_on_meanwhile(self):
        with self.connect("test:///default") as conn:
            operation = conn.apply(self.manifest(MANY))
            turns = 0
            waiting = asyncio.ensure_future(operation)
            while not waiting.done():
                turns += 1
                await asyncio.sleep(0)
            self.assertGreater(turns, 10)


class Errors(GiCase):
    @in_asyncio
    async def test_codes(self):
        with self.assertRaises(Scl.InvalidError):
            await Scl.Connection.open_async("nowhere:")
        with self.connect() as conn:
            for call in (conn.plan_async, conn.apply_async):
                with self.assertRaises(Scl.InvalidError):
                    await call(Scl.Manifest.new())
            await conn.apply_async(self.manifest())
            await conn.refresh_async()
            web = conn.vms["web"]
            await web.delete_async()
            with self.assertRaises(Scl.NotFoundError):
                await web.start_async()
        with self.assertRaises(Scl.FailedError):
            await conn.refresh_async()

    @in_asyncio
    async def test_console(self):
        with self.connect() as conn:
            await conn.apply_async(self.manifest())
            await conn.refresh_async()
            with self.assertRaises(Scl.SclError):
                await conn.vms["web"].open_console_async()

    @in_asyncio
    async def test_of_ten_one_fails(self):
        with self.connect() as conn:
            manifests = [self.manifest()] * 9 + [Scl.Manifest.new()]
            done = await asyncio.gather(*map(conn.plan_async, manifests), return_exceptions=True)
            self.assertEqual([type(each) for each in done], [Scl.Plan] * 9 + [Scl.InvalidError])

    @in_asyncio
    async def test_cancelled_by_somebody_else(self):
        cancellable = Gio.Cancellable()
        cancellable.cancel()
        with self.connect() as conn, self.assertRaises(GLib.Error) as caught:
            await conn.plan_async(self.manifest(), cancellable=cancellable)
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))


class Cancelling(GiCase):
    def assert_cancelled(self, operation):
        """It has ended before its end."""
        self.assertTrue(operation.is_done())
        with self.assertRaises(GLib.Error) as caught:
            operation.wait()
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), caught.exception)
        # None at all if it was still planning.
        self.assertNotEqual({result.status for result in operation}, {Scl.StepStatus.DONE})

    @in_asyncio
    async def test_a_task(self):
        with self.connect("test:///default") as conn:
            operation = conn.apply(self.manifest(LONG))
            begun, progress = at(1, asyncio.get_running_loop())
            operation.connect("notify::fraction", progress)
            task = asyncio.ensure_future(operation)
            await begun
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assert_cancelled(operation)
            await conn.apply_async(self.manifest(LONG))
            self.assertFalse(await conn.plan_async(self.manifest(LONG)))

    @in_asyncio
    async def test_a_time_limit(self):
        with self.connect("test:///default") as conn:
            operation = conn.apply(self.manifest(LONG))
            with self.assertRaises(TimeoutError):
                await asyncio.wait_for(operation, 0.01)
            self.assert_cancelled(operation)

    @in_asyncio
    async def test_before_it_began(self):
        with self.connect() as conn:
            task = asyncio.ensure_future(conn.apply_async(self.manifest()))
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            await conn.refresh_async()
            self.assertEqual(len(conn.vms), 0)

    @in_asyncio
    async def test_calls(self):
        with self.connect("test:///default") as conn:
            for called in (conn.plan_async(self.manifest(LONG)), conn.refresh_async(), Scl.Connection.open_async(self.uri())):
                task = asyncio.ensure_future(called)
                await asyncio.sleep(0)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task

    def test_ctrl_c(self):
        """asyncio.run() cancels its main task, and that the operation."""
        async def main():
            with self.connect("test:///default") as conn:
                self.operation = conn.apply(self.manifest(LONG))
                self.operation.connect("notify::fraction", interrupt)
                await self.operation

        def interrupt(operation, _pspec):
            operation.disconnect_by_func(interrupt)
            os.kill(os.getpid(), signal.SIGINT)

        self.assertRaises(KeyboardInterrupt, asyncio.run, main())
        self.assert_cancelled(self.operation)


class Signals(GiCase):
    @in_asyncio
    async def test_progress_comes_in_the_loop(self):
        with self.connect() as conn:
            operation, seen = conn.apply(self.manifest()), []
            operation.connect("notify::fraction", lambda operation, _: seen.append((operation.fraction, threading.get_ident())))
            await operation
            self.assertEqual(seen[-1], (1.0, threading.get_ident()))
            self.assertEqual(len({thread for _, thread in seen}), 1)

    @in_asyncio
    async def test_changes_come_while_anything_is_awaited(self):
        loop = asyncio.get_running_loop()
        async with await Scl.Connection.open_async(self.uri("test:///default")) as conn:
            await conn.apply_async(self.manifest())
            await conn.refresh_async()
            changed = loop.create_future()
            # Others may come before it: no order is promised across objects.
            conn.connect("object-changed", lambda _, *what: what == (Scl.ObjectKind.VM, "demo") and not changed.done()
                         and changed.set_result(threading.get_ident()))
            # In no thread that knows of asyncio; and awaited is nothing of libscl's.
            demo = conn.vms["demo"]
            await asyncio.to_thread(lambda: demo.stop(True).wait())
            self.assertEqual(await changed, threading.get_ident())
        with self.assertRaises(Scl.FailedError):
            conn.refresh()

    @in_asyncio
    async def test_waiting_does_not_turn(self):
        """Nothing is asked again and again while nothing happens."""
        async with await Scl.Connection.open_async(self.uri()):
            await asyncio.sleep(0)
            with mock.patch.object(override._Service, "soon") as soon, mock.patch.object(GLib.MainContext, "iteration") as turn:
                await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.2)
            self.assertEqual((soon.call_count, turn.call_count), (0, 0))

    @in_asyncio
    async def test_timers_of_glib_run(self):
        loop = asyncio.get_running_loop()
        async with await Scl.Connection.open_async(self.uri()):
            fired, call = at(3, loop)
            GLib.timeout_add(5, lambda: call() or not fired.done())
            self.assertEqual(len(await fired), 3)

    @in_asyncio
    async def test_a_busy_idle_source_does_not_starve_asyncio(self):
        stopped = []
        GLib.idle_add(lambda: not stopped)
        async with await Scl.Connection.open_async(self.uri()) as conn:
            for _ in range(10):
                await asyncio.sleep(0)
            await conn.refresh_async()
            stopped.append(True)


class OnGLib(selectors.SelectSelector):
    """What an event loop on top of GLib does: it waits by iterating the default context."""

    def __init__(self):
        super().__init__()
        self.sources = {}
        self.ready = False

    def register(self, fileobj, events, data=None):
        key = super().register(fileobj, events, data)
        condition = {selectors.EVENT_READ: GLib.IOCondition.IN, selectors.EVENT_WRITE: GLib.IOCondition.OUT}[events]
        self.sources[key.fd] = GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, key.fd, condition, self.wake)
        return key

    def unregister(self, fileobj):
        key = super().unregister(fileobj)
        GLib.source_remove(self.sources.pop(key.fd))
        return key

    def wake(self, *_):
        self.ready = True
        return GLib.SOURCE_CONTINUE

    def select(self, timeout=None):
        self.ready = False
        timer = None if timeout is None else GLib.timeout_add(max(0, int(timeout * 1000)), self.wake)
        while not self.ready:
            GLib.MainContext.default().iteration(True)
        if timer is not None:
            GLib.source_remove(timer)
        return super().select(0)


class Threads(GiCase):
    def work(self, ended):
        """An asyncio loop in this thread."""
        async def main():
            with await Scl.Connection.open_async(self.uri("test:///default")) as conn:
                await conn.apply_async(self.manifest())
                await asyncio.gather(*(conn.refresh_async() for _ in range(10)))
                return [vm.name for vm in conn.vms]
        ended.append(asyncio.run(asyncio.wait_for(main(), SECONDS)))

    def test_beside_a_main_loop(self):
        """The default context is run by GLib in the main thread, asyncio is in another."""
        ended = []

        def start(done):
            threading.Thread(target=lambda: (self.work(ended), GLib.idle_add(done))).start()

        in_loop(start)
        self.assertEqual(ended, [["demo", "web"]])

    def test_two_loops(self):
        ended = []
        threads = [threading.Thread(target=self.work, args=[ended]) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        self.assertEqual(ended, [["demo", "web"]] * 2)

    def test_a_loop_on_top_of_glib(self):
        async def main():
            async with await Scl.Connection.open_async(self.uri("test:///default")) as conn:
                seen, operation = [], conn.apply(self.manifest())
                operation.connect("notify::fraction", lambda operation, _: seen.append(operation.fraction))
                await operation
                await asyncio.gather(*(conn.refresh_async() for _ in range(10)))
                return seen[-1]
        with contextlib.closing(asyncio.SelectorEventLoop(OnGLib())) as loop:
            self.assertEqual(loop.run_until_complete(asyncio.wait_for(main(), SECONDS)), 1.0)

    def test_afterwards_a_main_loop_works(self):
        self.work([])
        conn = self.use(self.connect())
        operation = conn.apply(self.manifest())
        in_loop(lambda done: operation.wait_async(None, lambda *_: done()))
        self.assertEqual(operation.fraction, 1.0)

    def test_a_dropped_call_is_no_crash(self):
        async def main():
            conn = self.connect()
            waiting = conn.refresh_async()
            waiting.close()
            del waiting
            gc.collect()
            await conn.refresh_async()
        asyncio.run(main())


if __name__ == "__main__":
    scltest.main()
