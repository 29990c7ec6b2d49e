# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same work by two builds in one run: A is this one, B the other one. Rows as in cases.py, without rivals."""

import contextlib
import shutil
from pathlib import Path

from scltest.guest import SUPPORT
from scltest.libvirtd import Libvirtd

import cases
import program

NAMES = ("this build", "the other")
GOAL = "not wholly > 1.05"


def alternate(bench, whats, rounds, sides, goal=GOAL):
    """sides: of each build a function that returns the times of its rows. Who begins changes with each pair."""
    rows = [bench.row(what, *NAMES, goal) for what in whats]
    for number in range(bench.rounds(rounds) + 1):
        order = (0, 1) if number % 2 else (1, 0)
        times = dict((side, sides[side]()) for side in order)
        for row, a, b in zip(rows, times[0], times[1]):
            row.add(a, b)
    for row in rows:
        bench.show(row)


class Builds:
    """A worker of each build, and the processor time that they used."""

    def __init__(self, bench, what):
        self.bench, self.what = bench, what
        self.workers = [bench.worker(program) for program in bench.programs]

    def __iter__(self):
        return iter(self.workers)

    def used(self):
        return [worker.cpu() for worker in self.workers]

    @contextlib.contextmanager
    def measured(self):
        before = self.used()
        yield
        a, b = (after - begin for begin, after in zip(before, self.used()))
        self.bench.note(f"{self.what}: processor time without helpers {a:.2f} s / {b:.2f} s, {a / b:.3f}")

    def retire(self):
        for worker, name in zip(self.workers, NAMES):
            self.bench.retire(worker, f"{self.what}, {name}")


def network(bench):
    builds = Builds(bench, "network create and delete")
    for worker in builds:
        worker.call("manifest", cases.write_manifest(bench, "network", cases.DEMO, {}))
        worker.call("network-open")

    def way(worker, *calls):
        return lambda: [worker.call(call) for call in calls]

    with builds.measured():
        alternate(bench, ("network create, backend", "network delete, backend"), 30,
                  [way(worker, "network-create", "network-delete") for worker in builds])
    for worker in builds:
        worker.call("engine-open", "kernel", "memory", "memory")
    with builds.measured():
        alternate(bench, ("network create, apply", "network delete, apply"), 30,
                  [way(worker, "apply", "apply-nothing") for worker in builds])
    builds.retire()


def volume(bench):
    place, mib = bench.folder / "volumes", 64 if bench.quick else 512
    place.mkdir()
    image = place / "image.raw"
    cases.make_image(image, mib)
    builds = Builds(bench, "volume create")
    sides = []
    for number, worker in enumerate(builds):
        state = place / f"state{number}"
        state.mkdir()
        worker.call("manifest", cases.write_manifest(bench, "volume", cases.DEMO,
                                                     {"disk": {"image": str(image), "imageSize": mib, "network": "default"}}))
        worker.call("volume-open", state)

        def create(worker=worker):
            worker.call("run", "sync", "-f", place)
            took = worker.call("volume-create")
            worker.call("volume-remove")
            return [took]
        sides.append(create)
    with builds.measured():
        alternate(bench, ["volume create"], 11, sides)
    builds.retire()
    shutil.rmtree(place)


def vm(bench):
    image = bench.command(SUPPORT / "tiny-guest")
    guest = {"image": image, "cores": 1, "memorySize": 128, "firmware": "bios", "accelerator": "tcg"}
    bench.command("ip", "tuntap", "add", "dev", "sclbm-guest-0", "mode", "tap")
    with Libvirtd(bench.folder / "v") as daemon:
        builds, cleaner, sides = Builds(bench, "VM define + start"), bench.worker(), []
        states = [bench.folder / f"vmstate{number}" for number in range(2)]
        for worker, state in zip([*builds, cleaner], [*states, states[0]]):
            worker.call("manifest", cases.write_manifest(bench, "vm", cases.DEMO, {"guest": guest}))
            for folder in (state, state / "volumes", state / "vms", state / "vms/guest"):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o711)
            shutil.copyfile(image, state / "volumes/guest.raw")
        cleaner.call("bare-open", daemon.uri, states[0])
        for worker, state in zip(builds, states):
            def start(worker=worker, state=state):
                worker.call("vm-open", daemon.uri, state)
                took = worker.call("vm-start", state)
                worker.call("vm-close")
                cleaner.call("bare-clean")
                return [took]
            sides.append(start)
        with builds.measured():
            alternate(bench, ["VM define + start"], 30, sides)
        builds.retire()
        bench.retire(cleaner)
    bench.command("ip", "link", "delete", "sclbm-guest-0")


def plan(bench):
    for count in (10,) if bench.quick else (100, 1000, 10000):
        builds = Builds(bench, f"plan and no-op apply, {count} VMs, memory")
        for worker in builds:
            worker.call("manifest", cases.write_manifest(bench, "plan", cases.networks_of(1),
                                                         cases.many(count, 1, cases.small_image(bench)), None))
            worker.call("engine-open", "memory", "memory", "memory")
        with builds.measured():
            alternate(bench, [f"plan, {count} new VMs"], 21, [lambda w=worker: [w.call("plan", "some")] for worker in builds])
        if count <= 1000:
            for worker in builds:
                worker.call("apply")
                worker.call("plan", 0)
            with builds.measured():
                alternate(bench, [f"no-op apply, {count} VMs"], 21, [lambda w=worker: [w.call("apply")] for worker in builds])
        builds.retire()


def scale(bench):
    """Each build with a daemon and domains of its own, for each may define them in its own way."""
    for count in (10,) if bench.quick else (100, 1000):
        with Libvirtd(bench.folder / "s0") as one, Libvirtd(bench.folder / "s1") as other:
            scale_on(bench, (one, other), count)
        for name in ("s0", "s1"):
            shutil.rmtree(bench.folder / name)


def scale_on(bench, daemons, count):
    builds = Builds(bench, f"no-op apply, {count} domains")
    states = [bench.folder / f"scale{number}" for number in range(2)]
    manifest = cases.write_manifest(bench, "scale", cases.networks_of(1), cases.many(count, 1, cases.small_image(bench)), None)
    for worker, state, daemon in zip(builds, states, daemons):
        state.mkdir()
        state.chmod(0o711)
        worker.call("manifest", manifest)
        worker.call("engine-open", "memory", state, daemon.uri)
        worker.call("apply")
        worker.call("plan", 0)
    with builds.measured():
        alternate(bench, [f"no-op apply, {count} domains"], 21, [lambda w=worker: [w.call("apply")] for worker in builds])
    builds.retire()
    for state in states:
        shutil.rmtree(state)


def forward(bench):
    """From the start of sclctl to its end: one forward of a network is changed, many VMs are defined."""
    count = 10 if bench.quick else 200
    with Libvirtd(bench.folder / "e0") as one, Libvirtd(bench.folder / "e1") as other:
        sides = [program.Program(bench, Path(worker).parents[2], number, daemon, count)
                 for number, (worker, daemon) in enumerate(zip(bench.programs, (one, other)))]
        for side in sides:
            side.edit()
        alternate(bench, [f"sclctl apply, a forward's edit, {count} VMs"], 21, [side.edit for side in sides], "≤ 0.5")
        alternate(bench, [f"sclctl apply, nothing to do, {count} VMs"], 21, [side.nothing for side in sides])
        for side in sides:
            side.end()
    for name in ("e0", "e1"):
        shutil.rmtree(bench.folder / name)


ALL = {"network": network, "volume": volume, "vm": vm, "plan": plan, "scale": scale, "forward": forward}
