# SPDX-License-Identifier: LGPL-2.1-or-later
"""What makes gi.repository.Scl feel like Python: exceptions by code, `with`, `await`, lists by name, attributes.

Only sugar: all of it can be had without this file from what introspection offers, and nothing about VMs is
decided here. doc/python.md is the reference for users.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import inspect
import select
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar, overload

from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import Gio, GLib, GObject

Scl = get_introspection_module("Scl")
T = TypeVar("T")
__all__ = ["NamedList", "SclError"]


# --- exceptions by code ---


class SclError(GLib.Error):
    """An error of libscl; each code of Scl.Error has a subclass: Scl.NotFoundError, Scl.BusyError and so on."""

    code: int = 0

    def __init__(self, message: str, domain: str = GLib.quark_to_string(Scl.Error.quark()), code: int | None = None) -> None:
        super().__init__(message, domain, self.code if code is None else code)

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"


# What Python itself raises in such a case, for whoever catches that.
_ALSO = {"not_found": [KeyError], "permission": [PermissionError], "timeout": [TimeoutError]}


def _error_class(value):
    code = value.get_name()
    name = "".join(word.capitalize() for word in code.split("_")) + "Error"
    return type(name, (SclError, *_ALSO.get(code, [])),
                {"__module__": "gi.repository.Scl", "__doc__": f"Code Scl.Error.{code.upper()}.", "code": value.get_value()})


SclError.__module__ = "gi.repository.Scl"
_BY_CODE = {value.get_value(): _error_class(value) for value in Scl.Error.__info__.get_values()}
globals().update({error.__name__: error for error in _BY_CODE.values()})
__all__ += [error.__name__ for error in _BY_CODE.values()]


def _translated(error):
    if error.domain != GLib.quark_to_string(Scl.Error.quark()):
        return error
    return _BY_CODE.get(error.code, SclError)(error.message, error.domain, error.code)


def _raising(function):
    """The function, with its errors raised by their code."""
    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except GLib.Error as error:
            raise _translated(error) from None
    return call


# --- all classes: errors by code, getters as attributes ---


def _attribute(getter):
    # Looked up at each reading, because a getter may have an override.
    return property(lambda self: getattr(self, getter)(), doc=f"What {getter}() returns.")


def _property(name):
    return property(lambda self: self.get_property(name), doc=f"The property {name}.")


def _prepare(cls):
    for method in cls.__info__.get_methods():
        name = method.get_name()
        if method.can_throw_gerror():
            raising = _raising(getattr(cls, name))
            setattr(cls, name, raising if method.is_method() else staticmethod(raising))
        if name.startswith("get_") and not hasattr(cls, name[4:]):
            setattr(cls, name[4:], _attribute(name))
    for pspec in cls.__info__.get_properties():
        name = pspec.get_name()
        if not hasattr(cls, name.replace("-", "_")):
            setattr(cls, name.replace("-", "_"), _property(name))


for _name in dir(Scl):
    if inspect.isclass(_class := getattr(Scl, _name)) and issubclass(_class, GObject.Object):
        _prepare(_class)


# --- asyncio: its loop serves the GLib context of its thread while somebody waits ---


class _PollFD(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_ushort), ("revents", ctypes.c_ushort)]


# The one call that is needed and that PyGObject cannot make: what a context waits for.
_glib = ctypes.CDLL("libglib-2.0.so.0")
_glib.g_main_context_ref_thread_default.restype = ctypes.c_void_p
_glib.g_main_context_unref.argtypes = [ctypes.c_void_p]
_glib.g_main_context_query.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int),
                                       ctypes.POINTER(_PollFD), ctypes.c_int]


def _query(context, priority):
    """What a context waits for: milliseconds (-1: no matter how long), {descriptor: events}."""
    timeout, size, count = ctypes.c_int(-1), 0, 8
    while size < count:
        size = count
        found = (_PollFD * size)()
        count = _glib.g_main_context_query(context, priority, ctypes.byref(timeout), found, size)
    return timeout.value, {each.fd: each.events for each in found[:count]}


@contextlib.contextmanager
def _default(context):
    """What is begun inside calls back in this context."""
    context.push_thread_default()
    try:
        yield
    finally:
        context.pop_thread_default()


class _Service:
    """Lets an asyncio loop hand out what comes to a GLib context: callbacks, signals, notifications.

    It waits for the same descriptors as a GLib main loop would, so it neither polls nor needs a thread.
    """

    def __init__(self, loop):
        self.loop = loop
        self.users = 0
        self.descriptors = {}
        self.next = None
        self.context = GLib.MainContext.ref_thread_default()
        if not self.context.acquire():
            # A main loop runs it in another thread, where no callback of ours must come.
            self.context = GLib.MainContext.new()
            self.context.acquire()
        with _default(self.context):
            self.pointer = _glib.g_main_context_ref_thread_default()
        self.epoll = select.epoll()
        loop.add_reader(self.epoll.fileno(), self.serve)

    def close(self):
        self.plan(None)
        self.loop.remove_reader(self.epoll.fileno())
        self.epoll.close()
        self.context.release()
        _glib.g_main_context_unref(self.pointer)

    def plan(self, handle):
        """Only one turn is planned at a time."""
        if self.next is not None:
            self.next.cancel()
        self.next = handle

    def soon(self):
        self.plan(self.loop.call_soon(self.serve))

    def serve(self):
        """Hand out what has come, and let the loop wait for more."""
        self.plan(None)
        self.context.iteration(False)
        # What was handed out may have ended the last wait.
        if self.users == 0:
            return
        ready, priority = self.context.prepare()
        timeout, descriptors = _query(self.pointer, priority)
        # Of an asyncio loop that itself runs on this context we are one of the descriptors.
        descriptors.pop(self.epoll.fileno(), None)
        self.watch(descriptors)
        if ready or timeout == 0:
            self.soon()
        elif timeout > 0:
            self.plan(self.loop.call_later(timeout / 1000, self.serve))

    def watch(self, descriptors):
        # A number may be of another file than before, so nothing is taken over from the last turn.
        for descriptor in self.descriptors:
            with contextlib.suppress(OSError):
                self.epoll.unregister(descriptor)
        self.descriptors = descriptors
        for descriptor, events in descriptors.items():
            self.epoll.register(descriptor, events)


_services: dict[asyncio.AbstractEventLoop, _Service] = {}


@contextlib.contextmanager
def _serving():
    """The context that the running asyncio loop serves meanwhile."""
    loop = asyncio.get_running_loop()
    service = _services.get(loop) or _services.setdefault(loop, _Service(loop))
    service.users += 1
    try:
        # A wake-up tells only of what other threads send; what is begun next may have ended at once.
        service.soon()
        yield service.context
    finally:
        service.users -= 1
        if service.users == 0:
            _services.pop(loop).close()


async def _end_of(future, cancel):
    """Wait for an end. A task that is cancelled has that cancelled for which it waits, and waits for its end."""
    cancelled = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
            cancel()
    if cancelled is not None:
        raise cancelled


async def _call(begin, finish, cancel):
    """Begin an asynchronous call of libscl, wait for its end and return what it returns."""
    with _serving() as context:
        ended = asyncio.get_running_loop().create_future()
        with _default(context):
            begin(lambda _source, result: ended.set_result(result))
        await _end_of(ended, cancel)
        with _default(context):
            return finish(ended.result())


def _twin(begin, finish, cancellable, callback, data):
    """With a callback GLib's way, without one an awaitable."""
    if callback is not None:
        return begin(cancellable, callback, *data)
    cancellable = cancellable or Gio.Cancellable()
    return _call(lambda done: begin(cancellable, done), finish, cancellable.cancel)


async def _operation(start):
    with _serving() as context:
        with _default(context):
            operation = start()
        await operation
        return operation


# --- lists ---


class NamedList(Sequence[T]):
    """The objects of a connection by place and by name, as refresh() saw them last."""

    def __init__(self, model: Gio.ListModel, kind: str, lookup: Callable[[str], T | None]) -> None:
        self._model = model
        self._kind = kind
        self._lookup = lookup

    @overload
    def __getitem__(self, key: int | str) -> T: ...

    @overload
    def __getitem__(self, key: slice) -> list[T]: ...

    def __getitem__(self, key):
        if not isinstance(key, str):
            return self._model[key]
        found = self._lookup(key)
        if found is None:
            raise _BY_CODE[Scl.Error.NOT_FOUND](f'{self._kind} "{key}" does not exist')
        return found

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str):
            return self._lookup(key) is not None
        return any(item is key for item in self._model)

    def __len__(self) -> int:
        return len(self._model)

    def __iter__(self) -> Iterator[T]:
        return iter(self._model)

    def __repr__(self) -> str:
        return repr(list(self))

    def get(self, name: str, default: T | None = None) -> T | None:
        """The object of that name, or the default."""
        return self[name] if name in self else default


NamedList.__module__ = "gi.repository.Scl"


# --- classes ---


def _overrides(cls):
    __all__.append(cls.__name__)
    return override(cls)


def _flags(flags, prune, allow_empty, boot):
    for wanted, flag in ((prune, Scl.ApplyFlags.PRUNE), (allow_empty, Scl.ApplyFlags.ALLOW_EMPTY), (boot, Scl.ApplyFlags.BOOT)):
        flags |= flag if wanted else Scl.ApplyFlags.NONE
    return flags


def _nick(value):
    return value.value_nick


@_overrides
class Connection(Scl.Connection):
    def __enter__(self) -> Scl.Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Scl.Connection:
        """As `with`; besides, signals are handed out whatever is awaited inside."""
        self._serving = _serving()
        self._serving.__enter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        self._serving.__exit__(None, None, None)

    def __repr__(self) -> str:
        return f"<Scl.Connection {self.get_uri()!r}>"

    @property
    def networks(self) -> NamedList[Scl.Network]:
        """The networks, by place and by name."""
        return NamedList(self.get_networks(), "network", self.lookup_network)

    @property
    def volumes(self) -> NamedList[Scl.Volume]:
        """The volumes, by place and by name."""
        return NamedList(self.get_volumes(), "volume", self.lookup_volume)

    @property
    def vms(self) -> NamedList[Scl.Vm]:
        """The VMs, by place and by name."""
        return NamedList(self.get_vms(), "VM", self.lookup_vm)

    def plan(self, manifest: Scl.Manifest, flags: Scl.ApplyFlags = Scl.ApplyFlags.NONE,
             cancellable: Gio.Cancellable | None = None, *, prune: bool = False, allow_empty: bool = False, boot: bool = False) -> Scl.Plan:
        """What an apply would do now, and why; changes nothing."""
        return super().plan(manifest, _flags(flags, prune, allow_empty, boot), cancellable)

    def apply(self, manifest: Scl.Manifest, flags: Scl.ApplyFlags = Scl.ApplyFlags.NONE,
              *, prune: bool = False, allow_empty: bool = False, boot: bool = False) -> Scl.Operation:
        """Begin to make the host match the manifest."""
        return super().apply(manifest, _flags(flags, prune, allow_empty, boot))

    @staticmethod
    def open_async(uri: str | None = None, cancellable: Gio.Cancellable | None = None,
                   callback: Gio.AsyncReadyCallback | None = None, *data: Any) -> Awaitable[Scl.Connection]:
        """As open(); without a callback to be awaited."""
        return _twin(functools.partial(Scl.Connection.open_async, uri), Scl.Connection.open_finish, cancellable, callback, data)

    def refresh_async(self, cancellable: Gio.Cancellable | None = None, callback: Gio.AsyncReadyCallback | None = None,
                      *data: Any) -> Awaitable[bool]:
        """As refresh(); without a callback to be awaited."""
        return _twin(super().refresh_async, self.refresh_finish, cancellable, callback, data)

    def check_volume_async(self, name: str, cancellable: Gio.Cancellable | None = None,
                           callback: Gio.AsyncReadyCallback | None = None, *data: Any) -> Awaitable[bool]:
        """As check_volume(); without a callback to be awaited."""
        return _twin(functools.partial(super().check_volume_async, name), self.check_volume_finish, cancellable, callback, data)

    def plan_async(self, manifest: Scl.Manifest, flags: Scl.ApplyFlags = Scl.ApplyFlags.NONE,
                   cancellable: Gio.Cancellable | None = None, callback: Gio.AsyncReadyCallback | None = None, *data: Any,
                   prune: bool = False, allow_empty: bool = False, boot: bool = False) -> Awaitable[Scl.Plan]:
        """As plan(); without a callback to be awaited."""
        begin = functools.partial(super().plan_async, manifest, _flags(flags, prune, allow_empty, boot))
        return _twin(begin, self.plan_finish, cancellable, callback, data)

    async def apply_async(self, manifest: Scl.Manifest, flags: Scl.ApplyFlags = Scl.ApplyFlags.NONE,
                          *, prune: bool = False, allow_empty: bool = False, boot: bool = False) -> Scl.Operation:
        """apply() and its end."""
        return await _operation(lambda: self.apply(manifest, flags, prune=prune, allow_empty=allow_empty, boot=boot))

    async def apply_plan_async(self, plan: Scl.Plan) -> Scl.Operation:
        """apply_plan() and its end."""
        return await _operation(lambda: self.apply_plan(plan))

    def prune_volumes(self, names: Sequence[str] | None = None) -> Scl.Operation:
        """Deletes those of NAMES that nothing uses; None: all of that kind."""
        return super().prune_volumes(names)

    async def prune_volumes_async(self, names: Sequence[str] | None = None) -> Scl.Operation:
        """prune_volumes() and its end."""
        return await _operation(lambda: self.prune_volumes(names))

    async def create_volume_async(self, name: str) -> Scl.Operation:
        """create_volume() and its end."""
        return await _operation(lambda: self.create_volume(name))

    async def adopt_volume_async(self, name: str, instance: str) -> Scl.Operation:
        """adopt_volume() and its end."""
        return await _operation(lambda: self.adopt_volume(name, instance))

    async def tear_down_async(self) -> Scl.Operation:
        """tear_down() and its end."""
        return await _operation(self.tear_down)


@_overrides
class Operation(Scl.Operation):
    def __await__(self) -> Generator[Any, None, bool]:
        return self.wait_async().__await__()

    def __iter__(self) -> Iterator[Scl.StepResult]:
        return iter(self.get_results())

    def __repr__(self) -> str:
        return f"<Scl.Operation {self.get_description()!r} {'done' if self.is_done() else 'under way'}>"

    def wait_async(self, cancellable: Gio.Cancellable | None = None, callback: Gio.AsyncReadyCallback | None = None,
                   *data: Any) -> Awaitable[bool]:
        """As wait(); without a callback to be awaited, and cancelling the task that awaits it cancels the operation."""
        begin = super().wait_async
        if callback is not None:
            return begin(cancellable, callback, *data)
        return _call(lambda done: begin(cancellable, done), self.wait_finish, self.cancel)


@_overrides
class StepResult(Scl.StepResult):
    def get_error(self) -> GLib.Error | None:
        """Why it failed, as an exception of its code; None if it did not."""
        error = super().get_error()
        return error and _translated(error)

    def __repr__(self) -> str:
        return f"<Scl.StepResult {_nick(self.get_status())}: {self.get_step()}>"


@_overrides
class Address(Scl.Address):
    def __str__(self) -> str:
        return self.get_address().to_string()

    def __repr__(self) -> str:
        return f"<Scl.Address {self} {self.get_source()}>"


@_overrides
class Vm(Scl.Vm):
    def __repr__(self) -> str:
        return f"<Scl.Vm {self.get_name()!r} {_nick(self.get_state())}>"

    @property
    def addresses(self) -> list[Scl.Address]:
        """Those known at the last refresh; get_addresses() is the live list."""
        return list(self.get_addresses())

    def stop(self, force: bool = False) -> Scl.Operation:
        """Begin to shut it down; force: to switch it off."""
        return super().stop(force)

    def restart(self, force: bool = False) -> Scl.Operation:
        """Begin to restart it; force: without asking the guest."""
        return super().restart(force)

    async def start_async(self) -> Scl.Operation:
        """start() and its end."""
        return await _operation(self.start)

    async def stop_async(self, force: bool = False) -> Scl.Operation:
        """stop() and its end."""
        return await _operation(lambda: self.stop(force))

    async def restart_async(self, force: bool = False) -> Scl.Operation:
        """restart() and its end."""
        return await _operation(lambda: self.restart(force))

    async def delete_async(self) -> Scl.Operation:
        """delete() and its end."""
        return await _operation(self.delete)

    def open_console_async(self, cancellable: Gio.Cancellable | None = None,
                           callback: Gio.AsyncReadyCallback | None = None, *data: Any) -> Awaitable[Gio.IOStream]:
        """As open_console(); without a callback to be awaited."""
        return _twin(super().open_console_async, self.open_console_finish, cancellable, callback, data)


@_overrides
class Network(Scl.Network):
    def __repr__(self) -> str:
        return f"<Scl.Network {self.get_name()!r}>"

    async def delete_async(self) -> Scl.Operation:
        """delete() and its end."""
        return await _operation(self.delete)


@_overrides
class Volume(Scl.Volume):
    def __repr__(self) -> str:
        return f"<Scl.Volume {self.get_name()!r} {self.get_size_mib()} MiB{'' if self.is_used() else ' unused'}>"

    def delete(self, flags: Scl.DeleteFlags = Scl.DeleteFlags.NONE) -> Scl.Operation:
        """Delete it and all data on it, for good."""
        return super().delete(flags)

    async def delete_async(self, flags: Scl.DeleteFlags = Scl.DeleteFlags.NONE) -> Scl.Operation:
        """delete() and its end."""
        return await _operation(lambda: self.delete(flags))


@_overrides
class Plan(Scl.Plan):
    def __iter__(self) -> Iterator[Scl.Step]:
        return iter(self.get_steps())

    def __len__(self) -> int:
        return len(self.get_steps())

    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        return f"<Scl.Plan of {len(self)} steps>"


@_overrides
class Step(Scl.Step):
    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        return f"<Scl.Step {self.get_id()}: {self}>"


@_overrides
class Diagnostic(Scl.Diagnostic):
    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        return f"<Scl.Diagnostic {_nick(self.get_severity())}: {self}>"


@_overrides
class ForwardSpec(Scl.ForwardSpec):
    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        return f"<Scl.ForwardSpec {_nick(self.get_protocol())} {self}>"


@_overrides
class Manifest(Scl.Manifest):
    def __str__(self) -> str:
        return self.to_string(Scl.ManifestFormat.YAML)
