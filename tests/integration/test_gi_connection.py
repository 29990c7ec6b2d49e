#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The public API from Python: open, plan, apply, list, errors."""

import subprocess
import sys

import scltest
from scltest.gi import HYPERVISORS, TEXT, GiCase, Scl
from scltest.sclctl import fresh_prefix

ONE_LINE = ("import gi; gi.require_version('Scl', '0'); from gi.repository import Scl; "
            "c = Scl.Connection.open('local:?hypervisor=test:///default&prefix={prefix}&state={dir}/state', None); "
            "m = Scl.Manifest.new_from_string(open('{dir}/demo.yaml').read(), '{dir}'); "
            "print(c.plan(m, Scl.ApplyFlags.NONE, None).to_string()); c.apply(m, Scl.ApplyFlags.NONE).wait(None); "
            "c.refresh(None); print([vm.get_name() for vm in c.get_vms()])")


class Both(GiCase):
    """Each on the memory backend and on libvirt's test driver."""

    def each(self):
        for hypervisor in HYPERVISORS:
            with self.subTest(hypervisor):
                yield self.connect(hypervisor)

    def test_plan_apply_list(self):
        for connection in self.each():
            manifest = self.manifest()
            plan = connection.plan(manifest, Scl.ApplyFlags.NONE, None)
            self.assertFalse(plan.is_empty())
            self.assertFalse(plan.has_removals())
            operation = connection.apply(manifest, Scl.ApplyFlags.NONE)
            self.assertTrue(operation.wait(None))
            self.assertEqual(len(operation.get_results()), len(plan.get_steps()))
            self.assertEqual({result.get_status() for result in operation.get_results()}, {Scl.StepStatus.DONE})
            connection.refresh(None)
            self.assertEqual([vm.get_name() for vm in connection.get_vms()], ["demo", "web"])
            states = {vm.get_name(): vm.get_state() for vm in connection.get_vms()}
            self.assertEqual(states, {"demo": Scl.VmState.RUNNING, "web": Scl.VmState.STOPPED})
            connection.close()

    def test_plan_twice_is_empty(self):
        for connection in self.each():
            manifest = self.manifest()
            connection.apply(manifest, Scl.ApplyFlags.NONE).wait(None)
            plan = connection.plan(manifest, Scl.ApplyFlags.NONE, None)
            self.assertTrue(plan.is_empty(), plan.to_string())
            connection.apply(manifest, Scl.ApplyFlags.NONE).wait(None)
            connection.close()

    def test_order_is_that_of_the_calls(self):
        """Begun one right after the other, without a wait: the last one has the last word."""
        connection = self.connect(HYPERVISORS[0])
        connection.apply(self.manifest(), Scl.ApplyFlags.NONE).wait(None)
        connection.refresh(None)
        vm = connection.lookup_vm("demo")
        for _ in range(200):
            begun = [vm.stop(True), vm.start(), vm.stop(True), vm.start()]
            self.assertTrue(all(operation.wait(None) for operation in begun))
            connection.refresh(None)
            self.assertEqual(vm.get_state(), Scl.VmState.RUNNING)
        connection.close()

    def test_stop_stays_and_start(self):
        for connection in self.each():
            connection.apply(self.manifest(), Scl.ApplyFlags.NONE).wait(None)
            connection.refresh(None)
            vm = connection.lookup_vm("demo")
            self.assertTrue(vm.stop(True).wait(None))
            connection.refresh(None)
            self.assertEqual((vm.get_state(), vm.get_stopped_by()), (Scl.VmState.STOPPED, Scl.StoppedBy.USER))
            self.assertTrue(connection.plan(self.manifest(), Scl.ApplyFlags.NONE, None).is_empty())
            self.assertTrue(vm.start().wait(None))
            connection.refresh(None)
            self.assertEqual(vm.get_state(), Scl.VmState.RUNNING)
            connection.close()

    def test_removal_asks(self):
        for connection in self.each():
            connection.apply(self.manifest(), Scl.ApplyFlags.NONE).wait(None)
            less = self.manifest(TEXT.replace("  web: {image: image.raw, autoStart: false}\n", ""))
            self.assertTrue(connection.plan(less, Scl.ApplyFlags.NONE, None).has_removals())
            self.assert_error(Scl.Error.CONFIRM, connection.apply(less, Scl.ApplyFlags.NONE).wait, None)
            connection.refresh(None)
            self.assertIsNotNone(connection.lookup_vm("web"))
            connection.apply(less, Scl.ApplyFlags.PRUNE).wait(None)
            connection.refresh(None)
            self.assertIsNone(connection.lookup_vm("web"))
            self.assertIsNotNone(connection.lookup_volume("web"))
            self.assertFalse(connection.lookup_volume("web").is_used())
            connection.close()


class Objects(GiCase):
    def applied(self):
        connection = self.connect()
        connection.apply(self.manifest(), Scl.ApplyFlags.NONE).wait(None)
        connection.refresh(None)
        return connection

    def test_objects_keep_their_identity(self):
        connection = self.applied()
        before = list(connection.get_vms())
        connection.refresh(None)
        self.assertEqual(before, list(connection.get_vms()))
        self.assertIs(connection.lookup_vm("demo"), before[0])

    def test_one_kind_is_read(self):
        """The other lists stay as they are."""
        connection = self.connect()
        connection.apply(self.manifest(), Scl.ApplyFlags.NONE).wait(None)

        def lengths(kind):
            connection.set_kind(kind)
            connection.refresh(None)
            return [len(objects) for objects in (connection.get_vms(), connection.get_networks(), connection.get_volumes())]

        self.assertEqual(lengths(Scl.ObjectKind.VM), [2, 0, 0])
        self.assertEqual(lengths(Scl.ObjectKind.NETWORK), [2, 1, 0])
        self.assertEqual(lengths(Scl.ObjectKind.HOST), [2, 1, 2])

    def test_properties(self):
        connection = self.applied()
        vm, network = connection.lookup_vm("demo"), connection.lookup_network("default")
        self.assertEqual((vm.props.name, vm.props.spec.props.cores, vm.props.spec.get_disks()[0].get_volume()), ("demo", 2, "demo"))
        self.assertEqual((vm.is_saved(), vm.get_lost_at_stop(), vm.props.lost_at_stop), (False, None, None))
        self.assertEqual(network.get_namespace(), f"{connection.get_prefix()}-default")
        self.assertEqual(network.get_spec().get_external_ip().to_string(), "192.168.10.1")
        self.assertEqual([forward.to_string() for forward in network.get_spec().get_forwards()], ["2222:192.168.20.2:22"])
        self.assertEqual(connection.lookup_volume("demo").get_vm(), "demo")

    def test_list_models(self):
        connection = self.applied()
        vms = connection.get_vms()
        self.assertEqual((len(vms), vms.get_n_items(), vms[1].get_name(), vms.get_item_type().name), (2, 2, "web", "SclVm"))
        self.assertIsNone(vms.get_item(2))
        with self.assertRaises(IndexError):
            vms[2]

    def test_steps(self):
        plan = self.connect().plan(self.manifest(), Scl.ApplyFlags.NONE, None)
        kinds = [(step.get_kind(), step.get_action(), step.get_name()) for step in plan.get_steps()]
        self.assertIn((Scl.ObjectKind.VM, Scl.Action.START, "demo"), kinds)
        self.assertNotIn((Scl.ObjectKind.VM, Scl.Action.START, "web"), kinds)
        for step in plan.get_steps():
            self.assertTrue(step.get_reason())
            self.assertIsNone(step.get_error())
            self.assertTrue(all(need < step.get_id() for need in step.get_needs()))

    def test_round_trip(self):
        manifest = self.manifest()
        for kind in (Scl.ManifestFormat.YAML, Scl.ManifestFormat.JSON):
            self.assertTrue(manifest.equal(self.manifest(manifest.to_string(kind))))

    def test_built_by_hand(self):
        """g_object_new goes around the loader, so the engine checks again."""
        manifest = Scl.Manifest(vms=None, networks=None, gateway_interface="no such interface")
        self.assertEqual(len(manifest.check(None)), 1)
        self.assert_error(Scl.Error.INVALID, manifest.validate, None)
        connection = self.connect()
        self.assert_error(Scl.Error.INVALID, connection.apply(manifest, Scl.ApplyFlags.ALLOW_EMPTY).wait, None)


class ConfirmedRemovals(GiCase):
    """Between the question and its answer somebody else changes the host."""
    BEFORE = "version: 1\nnetworks: {a: {externalIP: 192.168.33.1, gatewayIP: 10.0.0.1}, default: {}}\nvirtualMachines: {old: {image: image.raw}}\n"
    MEANWHILE = BEFORE.replace("old: {image: image.raw}", "old: {image: image.raw}, new: {image: image.raw}").replace(
        "default: {}", "b: {externalIP: 192.168.34.1, gatewayIP: 10.0.1.1}, default: {}")
    WANTED = "version: 1\nnetworks: {default: {}}\nvirtualMachines: {wanted: {image: image.raw}}\n"

    def names(self, connection):
        connection.refresh(None)
        return [each.get_name() for lists in (connection.get_networks(), connection.get_vms(), connection.get_volumes()) for each in lists]

    def shown(self, hypervisor):
        connection = self.connect(hypervisor)
        connection.apply(self.manifest(self.BEFORE), Scl.ApplyFlags.NONE).wait(None)
        return connection, connection.plan(self.manifest(self.WANTED), Scl.ApplyFlags.NONE, None)

    def test_what_was_shown_is_done(self):
        for hypervisor in HYPERVISORS:
            with self.subTest(hypervisor):
                connection, plan = self.shown(hypervisor)
                self.assertTrue(connection.apply_plan(plan).wait(None))
                self.assertEqual(self.names(connection), ["default", "wanted", "old", "wanted"])

    def test_nothing_more_is_removed(self):
        for hypervisor in HYPERVISORS:
            with self.subTest(hypervisor):
                connection, plan = self.shown(hypervisor)
                connection.apply(self.manifest(self.MEANWHILE), Scl.ApplyFlags.NONE).wait(None)
                before = self.names(connection)
                operation = connection.apply_plan(plan)
                message = self.assert_error(Scl.Error.CONFIRM, operation.wait, None)
                self.assertEqual(message, 'the host has changed since the plan was shown: now VM "new", network "b" would be removed, too; '
                                 "nothing was done: plan again")
                self.assertEqual(len(list(operation.get_results())), 0)
                self.assertEqual(self.names(connection), before)
                again = connection.plan(self.manifest(self.WANTED), Scl.ApplyFlags.NONE, None)
                self.assertTrue(connection.apply_plan(again).wait(None))

    def test_less_may_be_left_to_remove(self):
        connection, plan = self.shown("memory")
        connection.refresh(None)
        connection.lookup_vm("old").delete().wait(None)
        self.assertTrue(connection.apply_plan(plan).wait(None))
        self.assertEqual(self.names(connection)[:2], ["default", "wanted"])

    def test_a_word_covers_all(self):
        connection, _plan = self.shown("memory")
        connection.apply(self.manifest(self.MEANWHILE), Scl.ApplyFlags.NONE).wait(None)
        self.assertTrue(connection.apply(self.manifest(self.WANTED), Scl.ApplyFlags.PRUNE).wait(None))
        self.assertEqual(self.names(connection)[:2], ["default", "wanted"])


class Errors(GiCase):
    def test_uris(self):
        for uri in ("nowhere:", "local:?hypervisor=", "local:?wrong=1", self.uri(prefix="UPPER"), "local:?hypervisor=%zz", ""):
            with self.subTest(uri):
                self.assertTrue(self.assert_error(Scl.Error.INVALID, Scl.Connection.open, uri, None))

    def test_manifest(self):
        message = self.assert_error(Scl.Error.INVALID, Scl.Manifest.new_from_string, "version: 1\nvirtualMachine: {}\n", None)
        self.assertIn("virtualMachines", message)

    def test_closed(self):
        connection = self.connect()
        prefix = connection.get_prefix()
        connection.close()
        connection.close()
        self.assertEqual(connection.get_prefix(), prefix)
        self.assert_error(Scl.Error.FAILED, connection.refresh, None)

    def test_empty_manifest(self):
        empty = Scl.Manifest.new(None, None, None)
        self.assert_error(Scl.Error.INVALID, self.connect().plan, empty, Scl.ApplyFlags.NONE, None)

    def test_loader_keeps_all_errors(self):
        loader = Scl.ManifestLoader.new()
        path = self.dir / "wrong.yaml"
        path.write_text("version: 1\nnetwork: {}\nvirtualMachines: {demo: {image: image.raw, cores: none}}\n", encoding="utf-8")
        loader.add_path(str(path))
        self.assert_error(Scl.Error.INVALID, loader.load)
        found = loader.list_diagnostics()
        self.assertEqual([(found_.get_line(), found_.get_severity()) for found_ in found],
                         [(2, Scl.Severity.ERROR), (3, Scl.Severity.ERROR)])
        self.assertTrue(all(found_.get_file() == str(path) for found_ in found))

    def test_names_of_codes(self):
        self.assertEqual(Scl.Error.to_string(Scl.Error.NOT_FOUND), "not-found")


class OneLine(GiCase):
    def test_one_line(self):
        (self.dir / "demo.yaml").write_text(TEXT, encoding="utf-8")
        program = ONE_LINE.format(dir=self.dir, prefix=fresh_prefix())
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=scltest.bound(60),
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("start vm \"demo\"", done.stdout)
        self.assertTrue(done.stdout.endswith("['demo', 'web']\n"), done.stdout)


if __name__ == "__main__":
    scltest.main()
