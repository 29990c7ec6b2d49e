# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workers, interleaved rounds, statistics, the table."""

import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from scltest import bound, kernel

RESAMPLES = 4000


class Failure(Exception):
    pass


class Worker:
    """One scl-bench process. call() returns the milliseconds that the work itself took."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def call(self, *words):
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer.startswith("ok "):
            raise Failure(answer.removeprefix("error ") or f"the worker died at {words[0]}")
        return int(answer.split()[1]) / 1e6

    def cpu(self):
        """Processor time so far, seconds, without that of programs that it ran."""
        # As clock_getcpuclockid() makes it of a pid.
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def peak(self):
        """Largest resident set so far, MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait(bound(60))
        self.process.stdout.close()


def confidence(ratios):
    """95 % interval of the median ratio, by bootstrap with a fixed seed."""
    source = random.Random(1)
    medians = sorted(statistics.median(source.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    return medians[int(RESAMPLES * 0.025)], medians[int(RESAMPLES * 0.975)]


class Row:
    """A against B: times in ms by round, the first one apart."""

    def __init__(self, what, a, b, goal=None):
        self.what, self.a, self.b, self.goal = what, a, b, goal
        self.first, self.times_a, self.times_b = None, [], []

    def add(self, a, b):
        if self.first is None:
            self.first = (a, b)
        else:
            self.times_a.append(a)
            self.times_b.append(b)

    def to_json(self):
        result = {"what": self.what, "a": self.a, "b": self.b, "goal": self.goal, "firstMs": self.first,
                  "aMs": spread(self.times_a)}
        if self.b:
            ratios = [a / b for a, b in zip(self.times_a, self.times_b)]
            result |= {"bMs": spread(self.times_b), "ratio": spread(ratios), "ratio95": confidence(ratios)}
            result["differenceMs"] = spread([a - b for a, b in zip(self.times_a, self.times_b)])
        return result


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values),
            "values": [round(value, 4) for value in values]}


def text_of(values, form="{:.1f}"):
    return f"{form} ({form}-{form})".format(values["median"], values["min"], values["max"])


class Bench:
    """All of a run: a network namespace, /run and state folder of its own, rows, facts."""

    def __init__(self, programs, rounds, quick):
        self.programs, self.wanted_rounds, self.quick = list(map(str, programs)), rounds, quick
        self.rows, self.peaks, self.notes, self.workers = [], [], [], []
        self.folder = None

    def __enter__(self):
        kernel.unshare(kernel.CLONE_NEWNET)
        kernel.private_mounts()
        self.folder = Path(tempfile.mkdtemp(prefix="scl-bench-", dir="/var/tmp"))
        try:
            self.set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def set_up(self):
        self.folder.chmod(0o711)
        self.use_own_sys()
        kernel.mount("tmpfs", "/run", "tmpfs")
        for argv in (["ip", "link", "set", "lo", "up"], ["ip", "link", "add", "gw0", "type", "bridge"],
                     ["ip", "address", "add", "198.51.100.2/24", "dev", "gw0"], ["ip", "link", "set", "gw0", "up"],
                     ["ip", "route", "add", "default", "via", "198.51.100.1"]):
            self.command(*argv)

    def use_own_sys(self):
        """/sys/class/net is that of the mounter's namespace."""
        keep = self.folder / "cgroup"
        keep.mkdir()
        kernel.bind("/sys/fs/cgroup", keep)
        kernel.mount("sysfs", "/sys", "sysfs")
        kernel.bind(keep, "/sys/fs/cgroup")
        kernel.umount(keep)

    def __exit__(self, *_):
        for worker in self.workers:
            worker.close()
        shutil.rmtree(self.folder)

    def command(self, *argv, seconds=300):
        done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=seconds, check=False,
                              stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Failure(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")
        return done.stdout.strip()

    def rounds(self, usual):
        return self.wanted_rounds or usual

    def worker(self, program=None):
        worker = Worker(program or self.programs[0])
        self.workers.append(worker)
        return worker

    def retire(self, worker, what=None):
        if what:
            self.peaks.append({"what": what, "mib": round(worker.peak(), 1)})
        self.workers.remove(worker)
        worker.close()

    def note(self, text):
        self.notes.append(text)
        print(f"note: {text}", flush=True)

    def row(self, what, a, b=None, goal=None):
        row = Row(what, a, b, goal)
        self.rows.append(row)
        return row

    def show(self, row):
        data = row.to_json()
        print(f"\n{row.what}: {row.a}" + (f" / {row.b}" if row.b else ""))
        print(f"  {row.a}: {text_of(data['aMs'])} ms, {data['aMs']['n']} rounds; first {row.first[0]:.1f}")
        if row.b:
            low, high = data["ratio95"]
            print(f"  {row.b}: {text_of(data['bMs'])} ms; first {row.first[1]:.1f}")
            print(f"  ratio {text_of(data['ratio'], '{:.3f}')}, 95 % interval {low:.3f}-{high:.3f}")
            print(f"  difference {text_of(data['differenceMs'])} ms")
        if row.goal:
            print(f"  goal: {row.goal}", flush=True)

    def report(self):
        rows = [row.to_json() for row in self.rows]
        names = [f"{row['what']}: {row['a']}" + (f" / {row['b']}" if row["b"] else "") for row in rows]
        wide = max(map(len, names), default=0)
        print(f"\n{'':{wide}}{'A ms':>10}{'B ms':>10}{'A/B':>8}{'95 %':>15}  goal")
        for name, row in zip(names, rows):
            rest = f"{'':>33}"
            if row["b"]:
                low, high = row["ratio95"]
                rest = f"{row['bMs']['median']:10.1f}{row['ratio']['median']:8.3f}{f'{low:.3f}-{high:.3f}':>15}"
            print(f"{name:{wide}}{row['aMs']['median']:10.1f}{rest}  {row['goal'] or ''}")
        for peak in self.peaks:
            print(f"peak memory, {peak['what']}: {peak['mib']} MiB")
        return {"rows": rows, "peaks": self.peaks, "notes": self.notes, "load": os.getloadavg(),
                "cpus": os.cpu_count(), "kernel": os.uname().release, "quick": self.quick}
