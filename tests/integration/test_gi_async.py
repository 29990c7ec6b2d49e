#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asynchronous calls, signals and notifications in a GLib main loop."""

import threading

import scltest
from scltest.gi import HYPERVISORS, GiCase, GLib, Scl, in_loop


class Async(GiCase):
    def test_open_plan_apply_refresh(self):
        for hypervisor in HYPERVISORS:
            with self.subTest(hypervisor):
                self.assertEqual(self.run_all(hypervisor), ["open", "plan", "apply", "refresh"])

    def run_all(self, hypervisor):
        said = []

        def start(done):
            def opened(_source, result):
                self.connection = Scl.Connection.open_finish(result)
                said.append("open")
                self.connection.plan_async(self.manifest(), Scl.ApplyFlags.NONE, None, planned)

            def planned(connection, result):
                self.assertFalse(connection.plan_finish(result).is_empty())
                said.append("plan")
                self.operation = connection.apply(self.manifest(), Scl.ApplyFlags.NONE)
                self.operation.wait_async(None, applied)

            def applied(operation, result):
                self.assertTrue(operation.wait_finish(result))
                said.append("apply")
                self.connection.refresh_async(None, refreshed)

            def refreshed(connection, result):
                self.assertTrue(connection.refresh_finish(result))
                said.append("refresh")
                done()

            Scl.Connection.open_async(self.uri(hypervisor), None, opened)

        in_loop(start)
        self.assertEqual([vm.get_name() for vm in self.connection.get_vms()], ["demo", "web"])
        self.connection.close()
        return said

    def test_async_error(self):
        caught = []

        def start(done):
            def opened(_source, result):
                try:
                    Scl.Connection.open_finish(result)
                except GLib.Error as error:
                    caught.append(error)
                done()
            Scl.Connection.open_async("nowhere:", None, opened)

        in_loop(start)
        self.assertTrue(caught[0].matches(Scl.Error.quark(), Scl.Error.INVALID), caught)

    def test_failed_operation(self):
        connection = self.connect()
        caught = []

        def start(done):
            def ended(operation, result):
                try:
                    operation.wait_finish(result)
                except GLib.Error as error:
                    caught.append(error)
                done()
            connection.apply(Scl.Manifest.new(None, None, None), Scl.ApplyFlags.NONE).wait_async(None, ended)

        in_loop(start)
        self.assertTrue(caught[0].matches(Scl.Error.quark(), Scl.Error.INVALID), caught)


class Signals(GiCase):
    def test_object_changed_comes_in_this_thread(self):
        for hypervisor in HYPERVISORS:
            with self.subTest(hypervisor):
                connection = self.connect(hypervisor)
                seen = []

                def start(done):
                    def changed(_connection, kind, name):
                        seen.append((kind, name, threading.get_ident()))
                        if (kind, name) == (Scl.ObjectKind.VM, "demo"):
                            done()
                    connection.connect("object-changed", changed)
                    self.operation = connection.apply(self.manifest(), Scl.ApplyFlags.NONE)

                in_loop(start)
                self.operation.wait(None)
                self.assertEqual({thread for _, _, thread in seen}, {threading.get_ident()})
                self.assertIn((Scl.ObjectKind.VM, "demo", threading.get_ident()), seen)
                connection.close()

    def test_nothing_comes_without_a_loop(self):
        """A program that only makes synchronous calls is never called from another thread."""
        connection = self.connect()
        seen = []
        connection.connect("object-changed", lambda *_: seen.append(threading.get_ident()))
        connection.apply(self.manifest(), Scl.ApplyFlags.NONE).wait(None)
        self.assertEqual(seen, [])
        while GLib.MainContext.default().iteration(False):
            pass
        self.assertEqual(set(seen), {threading.get_ident()})

    def test_notifications_of_an_operation(self):
        connection = self.connect()
        names = []

        def start(done):
            self.operation = connection.apply(self.manifest(), Scl.ApplyFlags.NONE)

            def notified(operation, pspec):
                names.append(pspec.name)
                if operation.props.done:
                    done()
            self.operation.connect("notify", notified)

        in_loop(start)
        self.assertIn("fraction", names)
        self.assertEqual(names[-1], "done")
        self.assertEqual(self.operation.get_fraction(), 1.0)

    def changes_of(self, connection, begin):
        """What BEGIN's operation changes, as (kind, name)."""
        changes = []
        handler = connection.connect("object-changed", lambda _connection, kind, name: changes.append((kind, name)))
        begin().wait(None)
        while GLib.MainContext.default().iteration(False):
            pass
        connection.disconnect(handler)
        return changes

    def test_each_object_is_told_by_a_name_that_exists(self):
        text = ("version: 1\nvirtualMachines: {{demo: {{image: image.raw, network: a}}}}\nnetworks:\n"
                "  a: {{externalIP: {}, gatewayIP: 10.0.0.1}}\n  b: {{externalIP: {}, gatewayIP: 10.0.1.1}}\n")
        connection = self.connect()
        connection.apply(self.manifest(text.format("192.168.33.1", "192.168.34.1")), Scl.ApplyFlags.NONE).wait(None)
        # Two networks that change places are one step.
        swapped = self.manifest(text.format("192.168.34.1", "192.168.33.1"))
        steps = [step for step in connection.plan(swapped, Scl.ApplyFlags.NONE, None).get_steps()
                 if step.get_kind() == Scl.ObjectKind.NETWORK]
        self.assertEqual([(step.get_name(), step.get_names()) for step in steps], [("a", ["a", "b"])])
        changes = self.changes_of(connection, lambda: connection.apply(swapped, Scl.ApplyFlags.NONE))
        connection.refresh(None)
        networks = [name for kind, name in changes if kind == Scl.ObjectKind.NETWORK]
        self.assertEqual(sorted(networks), ["a", "b"])
        self.assertTrue(all(connection.lookup_network(name) for name in networks))

    def test_deletions_are_told(self):
        connection = self.connect()
        connection.apply(self.manifest(), Scl.ApplyFlags.NONE).wait(None)
        connection.refresh(None)
        changes = self.changes_of(connection, connection.lookup_vm("demo").delete)
        self.assertIn((Scl.ObjectKind.VM, "demo"), changes)
        self.assertIn((Scl.ObjectKind.NETWORK, "default"), changes, "its port has gone")
        self.changes_of(connection, connection.lookup_vm("web").delete)
        self.assertEqual(self.changes_of(connection, connection.lookup_network("default").delete), [(Scl.ObjectKind.NETWORK, "default")])
        self.assertEqual(self.changes_of(connection, lambda: connection.lookup_volume("web").delete(Scl.DeleteFlags.NONE)),
                         [(Scl.ObjectKind.VOLUME, "web")])

    def test_lists_tell_what_changes(self):
        connection = self.connect()
        changes = []
        connection.get_vms().connect("items-changed", lambda _list, at, removed, added: changes.append((at, removed, added)))
        connection.apply(self.manifest(), Scl.ApplyFlags.NONE).wait(None)
        connection.refresh(None)
        connection.refresh(None)
        self.assertEqual(sum(added - removed for _, removed, added in changes), 2)
        count = len(changes)
        connection.refresh(None)
        self.assertEqual(len(changes), count)

    def test_properties_notify(self):
        connection = self.connect()
        connection.apply(self.manifest(), Scl.ApplyFlags.NONE).wait(None)
        connection.refresh(None)
        vm = connection.lookup_vm("demo")
        states = []
        vm.connect("notify::state", lambda vm, _pspec: states.append(vm.get_state()))
        vm.stop(True).wait(None)
        connection.refresh(None)
        self.assertEqual(states[-1:], [Scl.VmState.STOPPED])


if __name__ == "__main__":
    scltest.main()
