#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the override adds to synchronous calls: exceptions, `with`, lists by name, defaults, texts."""

import builtins
import inspect
import os
import pickle
import select
import signal
import subprocess
import sys

import scltest
from gi.repository import Gio, GObject
from scltest.gi import HYPERVISORS, TEXT, GiCase, GLib, Scl

# Only after gi.repository.Scl, which loads it.
from gi.overrides import Scl as override  # isort: skip

DOMAIN = GLib.quark_to_string(Scl.Error.quark())
CODES = {value.get_name(): value.get_value() for value in Scl.Error.__info__.get_values()}


def class_of(code):
    return getattr(Scl, "".join(word.capitalize() for word in code.split("_")) + "Error")


class Exceptions(GiCase):
    def test_each_code_has_one(self):
        self.assertGreaterEqual(len(CODES), 14)
        for code, number in CODES.items():
            with self.subTest(code):
                call = override._raising(lambda number=number: self.raise_(GLib.Error("no", DOMAIN, number)))
                with self.assertRaises(class_of(code)) as caught:
                    call()
                error = caught.exception
                self.assertIs(type(error), class_of(code))
                self.assertIsInstance(error, (Scl.SclError, GLib.Error))
                self.assertTrue(error.matches(Scl.Error.quark(), number))
                self.assertEqual((str(error), error.message, error.domain, error.code), ("no", "no", DOMAIN, number))

    @staticmethod
    def raise_(error):
        raise error

    def test_python_knows_some_of_them(self):
        self.assertTrue(issubclass(Scl.NotFoundError, builtins.KeyError))
        self.assertTrue(issubclass(Scl.PermissionError, builtins.PermissionError))
        self.assertTrue(issubclass(Scl.TimeoutError, builtins.TimeoutError))

    def test_others_stay_what_they_are(self):
        for error in (GLib.Error("no", "g-io-error-quark", Gio.IOErrorEnum.CANCELLED), ValueError("no")):
            with self.assertRaises(type(error)) as caught:
                override._raising(lambda error=error: self.raise_(error))()
            self.assertIs(type(caught.exception), type(error))
        unknown = override._translated(GLib.Error("of a newer library", DOMAIN, 999))
        self.assertEqual((type(unknown), unknown.code), (Scl.SclError, 999))

    def test_made_in_python(self):
        error = pickle.loads(pickle.dumps(Scl.BusyError("locked")))
        self.assertEqual((repr(error), error.code, error.domain), ("BusyError('locked')", Scl.Error.BUSY, DOMAIN))

    def test_of_calls(self):
        self.assertRaises(Scl.InvalidError, Scl.Connection.open, "nowhere:")
        self.assertRaises(Scl.InvalidError, Scl.Manifest.new_from_string, "version: 7\n")
        self.assertRaises(Scl.InvalidError, Scl.ForwardSpec.new_from_string, Scl.Protocol.TCP, "x")
        self.assertRaises(Scl.NotFoundError, Scl.ManifestLoader.new().add_path, str(self.dir / "missing.yaml"))
        closed = self.connect()
        closed.close()
        self.assertRaises(Scl.FailedError, closed.refresh)
        self.assertRaises(Scl.FailedError, closed.apply(self.manifest()).wait)

    def test_of_operations(self):
        with self.connect() as conn:
            conn.apply(self.manifest()).wait()
            less = conn.apply(self.manifest(TEXT.replace("  web: {image: image.raw, autoStart: false}\n", "")))
            self.assertRaises(Scl.ConfirmError, less.wait)
            [refused] = [result for result in less if result.status == Scl.StepStatus.REFUSED]
            self.assertTrue(refused.error is None or isinstance(refused.error, Scl.SclError))
            conn.refresh()
            web = conn.vms["web"]
            web.delete().wait()
            self.assertRaises(KeyError, web.start().wait)

    def test_cancelled_is_glibs(self):
        cancellable = Gio.Cancellable()
        cancellable.cancel()
        with self.connect() as conn, self.assertRaises(GLib.Error) as caught:
            conn.apply(self.manifest(TEXT + "  more: {image: image.raw}\n")).wait(cancellable)
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))
        self.assertNotIsInstance(caught.exception, Scl.SclError)

    def test_traceback_is_short(self):
        done = subprocess.run([sys.executable, "-c", "from gi.repository import Scl\nScl.Connection.open('nowhere:')"],
                              capture_output=True, text=True, check=False)
        self.assertIn("\ngi.repository.Scl.InvalidError: \"nowhere:\"", done.stderr)
        self.assertNotIn("During handling", done.stderr)


class Connections(GiCase):
    def applied(self, hypervisor="memory"):
        conn = self.use(self.connect(hypervisor))
        conn.apply(self.manifest()).wait()
        conn.refresh()
        return conn

    def test_closed_at_the_end(self):
        with self.assertRaises(ZeroDivisionError), self.connect() as conn:
            self.assertIsInstance(conn, Scl.Connection)
            raise ZeroDivisionError
        with self.assertRaises(Scl.FailedError):
            conn.refresh()

    def test_lists_by_name(self):
        for hypervisor in HYPERVISORS:
            with self.subTest(hypervisor):
                conn = self.applied(hypervisor)
                self.assertEqual([vm.name for vm in conn.vms], ["demo", "web"])
                self.assertIs(conn.vms["demo"], conn.lookup_vm("demo"))
                self.assertEqual((conn.networks["default"].name, conn.volumes["web"].vm), ("default", "web"))
                self.assertEqual([len(conn.vms), len(conn.networks), len(conn.volumes), len(conn.diagnostics)], [2, 1, 2, 0])

    def test_a_name_that_is_not_there(self):
        conn = self.applied()
        for names, what in ((conn.vms, "VM"), (conn.networks, "network"), (conn.volumes, "volume")):
            with self.assertRaises(Scl.NotFoundError) as caught:
                names["none"]
            self.assertEqual(str(caught.exception), f'{what} "none" does not exist')
            self.assertNotIn("none", names)
            self.assertIsNone(names.get("none"))
        self.assertRaises(LookupError, lambda: conn.vms["none"])

    def test_lists_by_place(self):
        conn = self.applied()
        demo, web = conn.vms
        self.assertEqual([conn.vms[0], conn.vms[-1], *conn.vms[::-1]], [demo, web, web, demo])
        self.assertTrue("demo" in conn.vms and demo in conn.vms and None not in conn.vms)
        self.assertEqual((conn.vms.index(web), list(reversed(conn.vms)), conn.vms.get("web")), (1, [web, demo], web))
        self.assertRaises(IndexError, lambda: conn.vms[2])
        self.assertRaises(TypeError, lambda: conn.vms[None])

    def test_lists_follow(self):
        conn = self.applied()
        vms = conn.vms
        conn.vms["web"].delete().wait()
        conn.refresh()
        self.assertEqual([vm.name for vm in vms], ["demo"])

    def test_flags_and_words(self):
        conn = self.applied()
        empty = Scl.Manifest.new()
        self.assertRaises(Scl.InvalidError, conn.plan, empty)
        words, flags = conn.plan(empty, prune=True, allow_empty=True), Scl.ApplyFlags.PRUNE | Scl.ApplyFlags.ALLOW_EMPTY
        self.assertEqual(str(words), str(conn.plan(empty, flags, None)))
        self.assertTrue(conn.apply(empty, Scl.ApplyFlags.PRUNE, allow_empty=True).wait())
        self.assertTrue(conn.apply(self.manifest(), boot=True).wait(None))
        self.assertTrue(conn.plan(self.manifest()).is_empty())

    def test_vm(self):
        conn = self.applied()
        vm = conn.vms["demo"]
        for begin, state in ((lambda: vm.stop(force=True), "STOPPED"), (vm.start, "RUNNING"), (vm.restart, "RUNNING")):
            self.assertTrue(begin().wait())
            conn.refresh()
            self.assertEqual(vm.state, getattr(Scl.VmState, state))


class Forked(GiCase):
    def in_fork(self, call):
        """What the call says in a fork of this process, which does nothing else and ends at once."""
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.write(write, repr(call()).encode())
            except BaseException as error:
                os.write(write, f"{type(error).__name__}: {error}".encode())
            finally:
                os._exit(0)
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as pipe:
            ready, _, _ = select.select([pipe], [], [], scltest.bound(30))
            if not ready:
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self.assertTrue(ready, "it hangs")
            return pipe.read()

    def test_each_call_says_so(self):
        uri = self.uri()
        conn = Scl.Connection.open(uri)
        conn.apply(self.manifest()).wait()
        conn.refresh()
        demo = conn.vms["demo"]
        message = (f"UnsupportedError: process {os.getpid()} had opened a connection when it forked this one: what serves connections is "
                   "not forked; ")
        for call in (conn.refresh, lambda: Scl.Connection.open(uri), lambda: conn.plan(self.manifest()), conn.lock,
                     lambda: conn.apply(self.manifest()).wait(), lambda: demo.start().wait(), demo.open_console):
            said = self.in_fork(call)
            self.assertTrue(said.startswith(message), said)
        demo.stop(force=True).wait()


class Texts(GiCase):
    def test_addresses(self):
        class Known:
            get_address = staticmethod(lambda: Gio.InetAddress.new_from_string("192.168.20.2"))
            get_source = staticmethod(lambda: "agent")
            __str__ = override.Address.__str__

        self.assertEqual(override.Address.__repr__(Known()), "<Scl.Address 192.168.20.2 agent>")
        with self.connect() as conn:
            conn.apply(self.manifest()).wait()
            conn.refresh()
            self.assertEqual(repr(conn.vms["demo"].addresses), "[]")

    def test_repr(self):
        with self.connect() as conn:
            plan = conn.plan(self.manifest())
            self.assertRegex(repr(plan), r"^<Scl\.Plan of \d steps>$")
            self.assertRegex(repr(list(plan)[0]), r"^<Scl\.Step 0: create host: .*>$")
            operation = conn.apply(self.manifest())
            operation.wait()
            self.assertEqual(repr(operation), "<Scl.Operation 'apply' done>")
            self.assertRegex(repr(list(operation)[0]), r"^<Scl\.StepResult done: create host: .*>$")
            conn.refresh()
            self.assertEqual(repr(conn.vms), "[<Scl.Vm 'demo' running>, <Scl.Vm 'web' stopped>]")
            self.assertEqual(repr(conn.networks), "[<Scl.Network 'default'>]")
            self.assertRegex(repr(conn.volumes["demo"]), r"^<Scl\.Volume 'demo' \d+ MiB>$")
            self.assertEqual(repr(conn), f"<Scl.Connection {conn.uri!r}>")

    def test_str(self):
        manifest = self.manifest()
        self.assertEqual(self.manifest(str(manifest)).equal(manifest), True)
        [forward] = manifest.lookup_network("default").forwards
        self.assertEqual((str(forward), repr(forward)),
                         ("2222:192.168.20.2:22", "<Scl.ForwardSpec tcp 2222:192.168.20.2:22>"))
        diagnostic = Scl.Diagnostic.new(Scl.Severity.WARNING, "networks.a", "odd")
        self.assertEqual((str(diagnostic), repr(diagnostic)),
                         (diagnostic.to_string(), f"<Scl.Diagnostic warning: {diagnostic.to_string()}>"))
        with self.connect() as conn:
            plan = conn.plan(manifest)
            self.assertEqual((str(plan), "\n".join(map(str, plan))), (plan.to_string(), plan.to_string().rstrip("\n")))

    def test_an_empty_plan_is_false(self):
        with self.connect() as conn:
            conn.apply(self.manifest()).wait()
            self.assertFalse(conn.plan(self.manifest()))
            self.assertTrue(conn.plan(self.manifest(TEXT + "  more: {image: image.raw}\n")))


class Attributes(GiCase):
    def test_as_getters(self):
        with self.connect() as conn:
            operation = conn.apply(self.manifest())
            operation.wait()
            conn.refresh()
            manifest = self.manifest()
            for thing in (conn, operation, operation.results[0], operation.results[0].step, conn.vms[0], conn.networks[0],
                          conn.volumes[0], manifest, manifest.vms[0], manifest.networks[0], manifest.vms[0].disks[0],
                          manifest.vms[0].nics[0], manifest.networks[0].forwards[0], conn.plan(manifest),
                          Scl.Diagnostic.new(Scl.Severity.NOTE, "here", "so")):
                self.compare(thing)

    def compare(self, thing):
        getters = [method.get_name() for method in type(thing).__info__.get_methods() if method.get_name().startswith("get_")]
        for getter in getters:
            with self.subTest(f"{type(thing).__name__}.{getter}"):
                value = getattr(thing, getter)()
                if not isinstance(value, GObject.Object):
                    self.assertEqual(getattr(thing, getter[4:]), value)
                else:
                    self.assertTrue(hasattr(thing, getter[4:]))

    def test_properties_without_getter(self):
        with self.connect() as conn:
            operation = conn.apply(self.manifest())
            operation.wait()
            self.assertEqual((operation.done, operation.results[0].fraction), (True, operation.results[0].props.fraction))

    def test_everything_public_says_what_it_is_for(self):
        for name in override.__all__:
            for member, value in vars(getattr(Scl, name)).items():
                if inspect.isfunction(value) and not member.startswith("_"):
                    with self.subTest(f"{name}.{member}"):
                        self.assertTrue(value.__doc__)


if __name__ == "__main__":
    scltest.main()
