#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 of sclctl at random moments of an apply, each followed by an apply: always the same end.

The state of the whole lab host is compared: names of links, namespaces, rules, files, domains. Every other pair
of rounds, a way up and a way down, has two processes beside it that never wait. The seed of the moments is
printed; SCL_TEST_SEED repeats a run, SCL_TEST_ROUNDS sets the number of kills.
"""

import subprocess
import time

import scltest
from scltest.endstate import EndStateCase, busy, dice, how_much

ROUNDS = int(how_much("SCL_TEST_ROUNDS", "50", "200"))


class Kill(EndStateCase):
    def measure(self):
        """The two end states, and how long the way between them takes."""
        self.apply(self.empty)
        began = time.monotonic()
        self.apply(self.full)
        up = time.monotonic() - began
        full = self.state()
        self.stop_hard()
        began = time.monotonic()
        self.apply(self.empty)
        down = time.monotonic() - began
        self.delete_volumes()
        return full, self.state(), up, down

    def killed_apply(self, manifest, seconds):
        """True if it was killed in the midst."""
        process = self.scene.ctl.start("apply", "-f", manifest, "--allow-empty", "--prune", stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True

    def kill_and_repeat(self, target, seconds, load):
        with busy(load):
            killed = self.killed_apply(target, seconds)
            self.apply(target)
        return killed

    def test_random_moments(self):
        seed, moments = dice()
        full, empty, up, down = self.measure()
        self.assertLessEqual({f"domain {self.scene.domain('one')} is running", f"domain {self.scene.domain('two')} is shut off",
                              "domain foreign is shut off", "link foreign0", "host: /run/netns/foreign"}, set(full))
        self.assertFalse([line for line in empty if f"{self.scene.ctl.prefix}-" in line])
        killed, is_up = 0, False
        for number in range(ROUNDS):
            # Two more on the two cores slow the apply down as much.
            load = 2 if number % 4 >= 2 else 0
            with self.subTest(seed=seed, round=number, way="down" if is_up else "up", load=load):
                if is_up:
                    self.stop_hard()
                target, wanted, duration = (self.empty, empty, down) if is_up else (self.full, full, up)
                killed += self.kill_and_repeat(target, moments.uniform(0, duration * (2.2 if load else 1.1)), load)
                if is_up:
                    self.delete_volumes()
                self.assert_state(wanted)
            is_up = not is_up
        self.assertGreater(killed, ROUNDS // 3, f"too few of {ROUNDS} were killed in the midst")
        print(f"# {killed} of {ROUNDS} killed in the midst; an apply takes {up:.2f} s")

    def test_no_space_while_copying(self):
        small = self.dir / "small"
        small.mkdir(mode=0o711)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=711", "none", str(small)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(small)], check=True)
        ctl = self.scene.ctl
        # The lock's file comes with the first change and stays.
        self.apply(self.empty)
        before = self.state()
        state, ctl.state = ctl.state, small / "state"
        # The lab host has its own mounts: it must see this one too.
        self.scl.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=711", "none", str(small)])
        done = ctl.run("apply", "-f", self.full)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stderr, "free|space")
        self.assertRegex(done.stderr, "MiB|bytes")
        left = self.scl.output(["find", str(small), "-type", "f"]).split()
        self.assertEqual([name for name in left if not name.endswith(("lock", ".lock"))], [])
        ctl.state = state
        self.assert_state(before)


if __name__ == "__main__":
    scltest.main()
