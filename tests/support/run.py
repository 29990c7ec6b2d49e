# SPDX-License-Identifier: LGPL-2.1-or-later
"""Configure, build, run the tests of some kinds, and check that the machine is as it was.

The last line is "N passed, N failed, N skipped"; the exit status is 1 if anything failed.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
sys.path.insert(0, str(HERE))
from scltest import kernel, kvm, machine  # noqa: E402

KINDS = ["static", "unit", "integration", "lab", "e2e"]
# Not of "all": they take an hour.
LONG = ["long"]
# Not of "all" either: the tree and its tests on another Debian, each some 12 minutes.
RELEASES = {"debian13": "trixie", "unstable": "sid"}
NEED_ROOT = {"integration", "lab", "e2e", *LONG, *RELEASES}
SANITIZERS = "address,undefined"
TAIL_LINES = 60
SLOWEST = 8


class Failure(Exception):
    pass


def arguments():
    parser = argparse.ArgumentParser(prog="tests/run", description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND",
                        help=f"{', '.join(KINDS)}, all (the default: all of these), sanitize (unit and integration with "
                             "AddressSanitizer and UBSan, \"threads\" with ThreadSanitizer), long (each failure and 200 kills: an hour), "
                             "debian13 and unstable (the tree on that Debian, in a root of its own)")
    parser.add_argument("-k", metavar="PATTERN", dest="pattern",
                        help="only the programs whose name matches this regular expression")
    parser.add_argument("--without", metavar="PATTERN", help="not the programs whose name matches this regular expression")
    parser.add_argument("--no-install", action="store_true", help="install no packages")
    parser.add_argument("--build-dir", type=Path, default=SOURCE / "build", metavar="DIR", help="default: %(default)s")
    options = parser.parse_args()
    wrong = set(options.kinds) - {*KINDS, *LONG, *RELEASES, "all", "sanitize"}
    if wrong:
        parser.error(f"no such kind: {' '.join(sorted(wrong))}")
    return options


def build(folder, kinds, settings):
    """Quiet if it works; all that was said if it does not."""
    target = ["--target", "threads"] if kinds == ["threads"] else []
    for argv in (["cmake", "-S", str(SOURCE), "-B", str(folder), "-G", "Ninja", "-DSCL_TESTS=ON", *settings],
                 ["cmake", "--build", str(folder), *target]):
        print(f"# {' '.join(argv)}", flush=True)
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False)
        if done.returncode:
            print(done.stdout)
            raise Failure(f"{' '.join(argv[:2])} failed with status {done.returncode}")


# With sanitizers: not what boots guests for minutes, measures, is about Nix or texts, or loads the library into another program.
NOT_SANITIZED = "^(scenario-|bench|sclctl-(console|daemon)|test-libvirt-vms-(daemon|embed|survivor)|test-file-volumes-mounts|gi-|abi-|nix-|doc-|scl-support)"


def selection(kinds, options, environment):
    without = [options.without] if options.without else []
    without += [NOT_SANITIZED] if "SCL_TEST_SANITIZE" in environment else []
    return ["-L", f"^({'|'.join(kinds)})$", *(["-R", options.pattern] if options.pattern else []),
            *(["-E", "|".join(without)] if without else [])]


def chosen(folder, kinds, options, environment):
    listing = subprocess.run(["ctest", "--test-dir", str(folder), "--show-only=json-v1", *selection(kinds, options, environment)],
                             capture_output=True, text=True, check=True).stdout
    return [test["name"] for test in json.loads(listing)["tests"]]


def run_tests(folder, kinds, options, environment):
    """Run them; returns {program: result}. A program without a result died before it could report."""
    names = chosen(folder, kinds, options, environment)
    logs = folder / "tests/logs"
    for name in names:
        (logs / f"{name}.json").unlink(missing_ok=True)
    if names:
        subprocess.run(["ctest", "--test-dir", str(folder), "--progress", "-j2", *selection(kinds, options, environment)],
                       env={**os.environ, **environment}, stdin=subprocess.DEVNULL, check=False)
    return {name: result_of(logs / f"{name}.json") for name in names}


def result_of(path):
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {"passed": [], "failed": ["did not run or did not report"], "skipped": [], "seconds": 0}


def show_failure(folder, name, result):
    print(f"\n==== {name} failed: {'; '.join(result['failed'])}")
    for suffix in ("tap", "err"):
        path = folder / f"tests/logs/{name}.{suffix}"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        if lines:
            print(f"---- the end of {path}")
            print("\n".join(lines[-TAIL_LINES:]))


def show_slowest(results):
    slow = sorted(results.items(), key=lambda item: -item[1]["seconds"])[:SLOWEST]
    print("\nslowest: " + ", ".join(f"{name} {result['seconds']:.1f} s" for name, result in slow))


def report(folder, results):
    """Print what is worth reading; returns the sums."""
    for name, result in results.items():
        if result["failed"]:
            show_failure(folder, name, result)
    skips = [f"{name}: {reason}" for name, result in results.items() for reason in result["skipped"]]
    if skips:
        print("\nskipped:\n  " + "\n  ".join(skips))
    if results:
        show_slowest(results)
    return [sum(len(result[key]) for result in results.values()) for key in ("passed", "failed", "skipped")]


def run_release(suite, options):
    """The sums of its last line; everything else is shown as it comes."""
    argv = [HERE / "debian-release", suite, *(["-k", options.pattern] if options.pattern else [])]
    line = ""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stdout:
            print(line, end="", flush=True)
    return sums_of(line)


def sums_of(line):
    sums = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped\n?", line)
    return [int(number) for number in sums.groups()] if sums else [0, 1, 0]


def plan(options):
    """(folder, kinds, cmake settings, environment) of each build that is asked for."""
    wanted = options.kinds or ["all"]
    kinds = [kind for kind in [*KINDS, *LONG] if kind in wanted or ("all" in wanted and kind in KINDS)]
    # Valgrind's programs run beside the others.
    ordinary = [*kinds, *(["sanitize"] if "sanitize" in wanted else [])]
    plans = [(options.build_dir, ordinary, [], {})] if ordinary else []
    if "sanitize" in wanted:
        settings = ["-DCMAKE_BUILD_TYPE=Debug", f"-DSCL_SANITIZE={SANITIZERS}", "-DSCL_INTROSPECTION=OFF"]
        environment = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "SCL_TEST_TIMEOUT_FACTOR": "3",
                       "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", "SCL_TEST_SANITIZE": "1"}
        folder = options.build_dir.with_name(options.build_dir.name + "-sanitize")
        plans.append((folder, ["unit", "integration"], settings, environment))
        settings = ["-DCMAKE_BUILD_TYPE=Debug", "-DSCL_SANITIZE=thread", "-DSCL_INTROSPECTION=OFF"]
        folder = options.build_dir.with_name(options.build_dir.name + "-threads")
        plans.append((folder, ["threads"], settings, {"SCL_TEST_TIMEOUT_FACTOR": "3"}))
    return plans


NAMES = Path("/run/netns")


@contextlib.contextmanager
def own_names():
    """A /run/netns of the tests' own, and a /dev/kvm as udev would make it; the machine's stay as they are."""
    made = not NAMES.exists()
    kernel.private_mounts()
    NAMES.mkdir(exist_ok=True)
    try:
        kernel.mount("tmpfs", NAMES, "tmpfs")
        if kvm.lacks_udev():
            kvm.show_as_udev_would()
        yield
    finally:
        kernel.umount(NAMES)
        if made:
            NAMES.rmdir()


def surroundings(options, plans):
    if os.geteuid() == 0:
        return own_names()
    if NEED_ROOT & {*options.kinds, *(kind for _, kinds, _, _ in plans for kind in kinds)}:
        raise Failure(f"{', '.join(sorted(NEED_ROOT))} tests need root: sudo tests/run (or: tests/run unit static)")
    return contextlib.nullcontext()


def run_all(options, plans):
    """Returns the sums, and what the tests have left on the machine."""
    total = [0, 0, 0]
    for folder, kinds, settings, _ in plans:
        build(folder, kinds, settings)
    before = machine.snapshot()
    for folder, kinds, _, environment in plans:
        results = run_tests(folder, kinds, options, environment)
        total = [a + b for a, b in zip(total, report(folder, results))]
    for suite in [suite for kind, suite in RELEASES.items() if kind in options.kinds]:
        total = [a + b for a, b in zip(total, run_release(suite, options))]
    return total, machine.settled_differences(before)


def main():
    options = arguments()
    plans = plan(options)
    begin = time.monotonic()
    total, changed = [0, 1, 0], []
    try:
        with surroundings(options, plans):
            total, changed = run_all(options, plans)
    except Failure as failure:
        print(f"tests/run: {failure}", file=sys.stderr)
    else:
        total[1 if changed else 0] += 1
    if changed:
        print("\n==== the machine is not as it was:\n  " + "\n  ".join(changed))
    print(f"\n{time.monotonic() - begin:.0f} s")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    sys.exit(1 if total[1] else 0)


if __name__ == "__main__":
    main()
