#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make a host match a manifest, say what happens meanwhile, and list the VMs.

    small-fleet.py --connect 'local:?hypervisor=memory' demo.yaml

With --watch it stays until no VM runs any more. --async does the same in asyncio.
"""

import argparse
import asyncio
import sys

import gi

gi.require_version("Scl", "0")
from gi.repository import GLib, Scl  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", help="file or folder with the declaration")
    parser.add_argument("-c", "--connect", metavar="URI", default="local:", help="the host (default: %(default)s)")
    parser.add_argument("--prune", action="store_true", help="remove what the manifest does not name")
    parser.add_argument("--watch", action="store_true", help="stay until no VM runs any more")
    parser.add_argument("--async", dest="in_asyncio", action="store_true", help="use asyncio instead of a GLib main loop")
    return parser.parse_args()


# --- what both ways share ---


def say(text):
    print(text, flush=True)


def load(path):
    loader = Scl.ManifestLoader.new()
    loader.add_path(path)
    return loader.load()


def show_plan(plan):
    for diagnostic in plan.diagnostics:
        say(diagnostic)
    say(f"{len(plan)} steps" if plan else "nothing to do")
    for step in plan:
        say(f"  {step}")


def show_progress(operation, _pspec):
    say(f"{operation.fraction:4.0%}")


def show_failures(operation):
    for result in operation:
        if result.error is not None:
            say(f"{result.step}: {result.error}")


def show_vms(conn):
    for vm in conn.vms:
        addresses = " ".join(each.address.to_string() for each in vm.addresses) or "-"
        say(f"{vm.name:16} {vm.state.value_nick:10} {addresses}")


def any_runs(conn):
    # One that is stopping still holds its disk.
    return any(vm.state not in (Scl.VmState.STOPPED, Scl.VmState.CRASHED) for vm in conn.vms)


# --- with a GLib main loop ---


def follow(operation):
    """Wait for the end; the main loop brings the progress."""
    loop = GLib.MainLoop()
    operation.connect("notify::fraction", show_progress)
    operation.wait_async(None, lambda *_: loop.quit())
    try:
        loop.run()
    except KeyboardInterrupt:
        operation.cancel()
    operation.wait()


def watch(conn):
    loop = GLib.MainLoop()

    def changed(*_):
        conn.refresh()
        if not any_runs(conn):
            loop.quit()

    conn.connect("object-changed", changed)
    # What changed before the handler was there sends no signal to it.
    conn.refresh()
    if any_runs(conn):
        loop.run()


def run(arguments):
    with Scl.Connection.open(arguments.connect) as conn:
        manifest = load(arguments.manifest)
        show_plan(conn.plan(manifest, prune=arguments.prune))
        operation = conn.apply(manifest, prune=arguments.prune)
        try:
            follow(operation)
        except Scl.PartialError:
            show_failures(operation)
            raise
        conn.refresh()
        show_vms(conn)
        if arguments.watch:
            watch(conn)
            show_vms(conn)


# --- in asyncio ---


async def watch_async(conn):
    happened = asyncio.Event()
    conn.connect("object-changed", lambda *_: happened.set())
    await conn.refresh_async()
    while any_runs(conn):
        await happened.wait()
        happened.clear()
        await conn.refresh_async()


async def run_async(arguments):
    async with await Scl.Connection.open_async(arguments.connect) as conn:
        manifest = load(arguments.manifest)
        show_plan(await conn.plan_async(manifest, prune=arguments.prune))
        operation = conn.apply(manifest, prune=arguments.prune)
        operation.connect("notify::fraction", show_progress)
        try:
            await operation
        except Scl.PartialError:
            show_failures(operation)
            raise
        await conn.refresh_async()
        show_vms(conn)
        if arguments.watch:
            await watch_async(conn)
            show_vms(conn)


def main():
    arguments = parse_arguments()
    try:
        if arguments.in_asyncio:
            asyncio.run(run_async(arguments))
        else:
            run(arguments)
    except Scl.ConfirmError as error:
        return f"{error}: --prune allows it"
    except Scl.BusyError as error:
        say(f"somebody else is at work: {error}")
        return 75
    except (Scl.SclError, GLib.Error) as error:
        return error.message
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
