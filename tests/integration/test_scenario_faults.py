#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One call fails that would change something (see support/fault-inject.c), wherever that is: sclctl says so and
fails, or has found another way; the same command again comes to the same end as if nothing had been.

A round is a way up and down again, with one failure in each of its commands. SCL_TEST_FAULTS is the number of
failures, or "all": each call of each command once, or "FIRST-LAST": these calls of them. The seed is printed;
SCL_TEST_SEED repeats a run.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import scltest
from scltest.endstate import EndStateCase, dice, digest, how_much

WANTED = how_much("SCL_TEST_FAULTS", "40", "all")
LIBRARY = Path(os.environ.get("SCL_BUILD_DIR", scltest.guest.SOURCE / "build")) / "tests/integration/libfault-inject.so"
# "network "blue": network blue: …"
TWICE = re.compile(r'\b(network|volume|VM) "([^"\n]+)": (?:[^\n]*[ :(])?\1 "?\2\b')
ERRORS = {"EIO": 5, "ENOMEM": 12, "ENOSPC": 28}


@dataclass
class Command:
    name: str
    words: list
    keeps: tuple = ()
    detour: bool = False
    calls: int = 0
    end: list = None


@dataclass
class Fault:
    at: int
    late: bool
    error: str

    @classmethod
    def at_random(cls, numbers, at):
        return cls(at, numbers.random() < 0.5, numbers.choice(sorted(ERRORS)))

    def environment(self, log):
        return {"LD_PRELOAD": str(LIBRARY), "SCL_FAULT_LOG": str(log), "SCL_FAULT_AT": str(self.at),
                "SCL_FAULT_ERRNO": str(ERRORS[self.error]), **({"SCL_FAULT_LATE": "1"} if self.late else {})}

# What changes something, by whom it is asked: each has its faults.
KINDS = {"helper", "netlink", "write", "renameat", "linkat", "unlinkat", "virDomainCreate", "virDomainUndefineFlags"}
# One sample for every run, so that a change is compared with itself; `tests/run long` takes all.
SAMPLE = 2303501798


class Faults(EndStateCase):
    def setUp(self):
        super().setUp()
        self.log = self.dir / "calls"
        apply = ["apply", "--allow-empty", "--prune", "-f"]
        self.commands = [
            Command("up", [*apply, self.full]),
            Command("change", [*apply, self.changed()], ("two.raw", "foreign.raw"), detour=True),
            Command("stop", ["vm", "stop", "--force", "one"], ("two.raw", "foreign.raw")),
            Command("down", [*apply, self.empty], ("one.raw", "two.raw", "foreign.raw")),
            Command("delete", ["volume", "delete", "--yes", "one", "two"], ("foreign.raw",))]

    def again(self, command):
        """The same once more. What was deleted before something failed cannot be deleted again: so one by one."""
        if command.name != "delete":
            return [self.scene.ctl.run(*command.words)]
        done = [self.scene.ctl.run("volume", "delete", "--yes", name) for name in ("one", "two")]
        return [each for each in done if "there is none" not in each.stderr]

    def changed(self):
        scene = self.scene
        scene.network("red", "192.168.10.1", tcp=["2222:192.168.20.2:22", "2223:192.168.20.3:22"])
        scene.network("green", "192.168.12.1")
        self.vm("two", "blue", autoStart=False, memorySize=112)
        return scene.write()

    def run_with(self, command, fault):
        """(the finished process, the call that failed, all of them)"""
        self.log.unlink(missing_ok=True)
        done = self.scene.ctl.run(*command.words, env=fault.environment(self.log))
        calls = self.log.read_text().splitlines() if self.log.exists() else []
        return done, next((call for call in calls if call.startswith("!")), None), calls

    def learn(self):
        """How many calls each command makes, and what it comes to."""
        seen = set()
        for command in self.commands:
            done, _, calls = self.run_with(command, Fault(0, False, "EIO"))
            self.assertEqual(done.returncode, 0, f"{command.name}: {done.stderr}")
            self.assertTrue(calls, f"{command.name} changes nothing, as far as the library sees")
            command.calls = len(calls)
            command.end = self.state()
            seen |= {call.split()[1] for call in calls}
        self.assertEqual(KINDS - seen, set(), "no fault would come there")

    def some_faults(self, numbers):
        return [[Fault.at_random(numbers, numbers.randint(1, command.calls)) for command in self.commands]
                for _ in range(-(-int(WANTED) // len(self.commands)))]

    def all_faults(self, numbers):
        """A command that makes fewer calls than the others goes well in the rounds that are left, or is left out if
        neither a fault nor the way back needs it; a call's fault is the same whichever calls are wanted."""
        most = max(command.calls for command in self.commands)
        first, last = (1, most) if WANTED == "all" else map(int, WANTED.split("-"))
        each = [[Fault.at_random(numbers, at) for _ in self.commands] for at in range(1, most + 1)]
        return [[fault if fault.at <= command.calls else None for command, fault in zip(self.commands, faults)]
                for faults in each[first - 1:last]]

    def faults(self, numbers):
        """Rounds: a fault, or none, for each command."""
        return self.some_faults(numbers) if WANTED.isdigit() else self.all_faults(numbers)

    def forget_notes(self, command):
        """A volume's note whose own removal failed, after the volume's, stays; it says nothing about any file."""
        if command.name == "delete":
            for note in (self.dir / "state").rglob("volumes/*.json"):
                if not note.with_suffix(".raw").exists():
                    note.unlink()

    def contents(self, names):
        return {str(path): digest(path) for path in sorted((self.dir / "state").rglob("*.raw")) if path.name in names}

    def fail_and_repeat(self, command, fault):
        before = self.contents(command.keeps)
        self.assertEqual(len(before), len(command.keeps))
        done, failed, _ = self.run_with(command, fault)
        said = f"{failed}: status {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}"
        try:
            if failed is None or done.returncode == 0:
                # Not so many calls this time, or there was another way, or only a lock's file or an empty folder stays
                # for the next one.
                self.assertEqual(done.returncode, 0, said)
                if failed is None or not re.search("unlink|rmdir", failed):
                    self.assert_state(command.end)
            else:
                self.assertIn(done.returncode, (1, 3, 4), said)
                self.assertTrue(re.search(r"(?m)^sclctl: .", done.stderr), said)
                self.assertFalse(TWICE.search(done.stderr), said)
            self.assertEqual(self.contents(command.keeps), before)
        finally:
            repeated = self.again(command)
        for again in repeated:
            self.assertEqual(again.returncode, 0, f"again after {said}\nagain:\n{again.stdout[-1500:]}{again.stderr[-1500:]}")
        if failed is not None and "unlinkat" in failed:
            self.forget_notes(command)
        self.assert_state(command.end)
        self.assertEqual(self.contents(command.keeps), before)
        return failed is not None

    def go_well(self, command):
        self.assertEqual([done.stderr for done in self.again(command) if done.returncode], [])

    def test_each_ends_as_if_nothing_had_been(self):
        seed, numbers = dice(SAMPLE)
        self.learn()
        rounds = self.faults(numbers)
        print(f"# calls: {', '.join(f'{command.name} {command.calls}' for command in self.commands)}; {len(rounds)} rounds", flush=True)
        tried = hit = 0
        for number, faults in enumerate(rounds):
            for position, (command, fault) in enumerate(zip(self.commands, faults)):
                if command.detour and not any(faults[position:]):
                    continue
                with self.subTest(seed=seed, round=number, command=command.name, fault=fault):
                    if fault is None:
                        self.go_well(command)
                        continue
                    tried += 1
                    hit += self.fail_and_repeat(command, fault)
        print(f"# {hit} of {tried} calls failed")
        self.assertGreater(hit, tried // 2)


if __name__ == "__main__":
    scltest.main()
