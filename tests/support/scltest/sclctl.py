# SPDX-License-Identifier: LGPL-2.1-or-later
"""The built sclctl, with a state folder and a prefix of its own."""

import itertools
import json
import os
import re
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from .bounds import bound
from .guest import SOURCE

_numbers = itertools.count()


def program():
    """SCLCTL, or sclctl in SCL_BUILD_DIR (default: build/ of the source)."""
    if os.environ.get("SCLCTL"):
        return os.environ["SCLCTL"]
    build = Path(os.environ.get("SCL_BUILD_DIR", SOURCE / "build"))
    usual = build / "tools/sclctl/sclctl"
    found = next((path for path in [usual, *build.rglob("sclctl")] if path.is_file() and os.access(path, os.X_OK)), None)
    if found is None:
        raise FileNotFoundError(f"no sclctl in {build} (build it, or set SCLCTL or SCL_BUILD_DIR)")
    return str(found)


def fresh_prefix():
    """A prefix that no other test uses at the same time: "t", four digits of the pid, a letter."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    pid, word = os.getpid(), ""
    for _ in range(4):
        pid, rest = divmod(pid, 36)
        word = digits[rest] + word
    return f"t{word}{digits[next(_numbers) % 36]}"


def untimed(text):
    """What it prints without how long steps took, "done (2 s)": that is the machine's."""
    return re.sub(r"(: done) \([^()\n]+\)$", r"\1", text, flags=re.M)


class Sclctl:
    """sclctl on local:?hypervisor=…&state=…&prefix=….

    state: a folder (see TestCase.folder); hypervisor: libvirt URI, "memory" or None for `run`, which
    brings its own; host: a lab host to run on.
    """

    def __init__(self, state, hypervisor=None, prefix=None, host=None):
        self.state = Path(state)
        self.prefix = prefix or fresh_prefix()
        self.hypervisor = hypervisor
        self.host = host
        self.program = program()

    @property
    def uri(self):
        parameters = {"state": str(self.state), "prefix": self.prefix}
        if self.hypervisor:
            parameters["hypervisor"] = self.hypervisor
        return "local:?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in parameters.items())

    @property
    def home(self):
        """Where volumes/ and vms/ of this instance are."""
        return self.state if self.prefix == "scl" else self.state / "instances" / self.prefix

    def argv(self, *words, output=None):
        options = ["--connect", self.uri]
        if output:
            options += ["-o", output]
        return [self.program, *options, *map(str, words)]

    def command(self, words):
        """As messages name a command: one that does it to this instance."""
        return f"sclctl -c '{self.uri}' {words}"

    def environment(self):
        return {**os.environ, "G_DEBUG": "fatal-criticals", "LC_ALL": "C.UTF-8"}

    def run(self, *words, seconds=120, stdin="", output=None, check=None, env=None):
        """The finished process; check: the exit status that is wanted; env: variables besides the usual ones."""
        call = self.host.run if self.host else subprocess.run
        done = call(self.argv(*words, output=output), input=stdin, capture_output=True, text=True, timeout=bound(seconds),
                    check=False, env={**self.environment(), **(env or {})})
        if check is not None and done.returncode != check:
            raise AssertionError(f"sclctl {' '.join(map(str, words))}: status {done.returncode} instead of {check}\n"
                                 f"{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def json(self, *words, seconds=120, stdin="", check=0):
        """What the command prints with -o json."""
        return json.loads(self.run(*words, seconds=seconds, stdin=stdin, output="json", check=check).stdout or "null")

    def start(self, *words, **popen):
        """A running sclctl (run, console, vm attach); end it with stop()."""
        call = self.host.popen if self.host else subprocess.Popen
        return call(self.argv(*words), env=self.environment(), **popen)

    @staticmethod
    def stop(process, seconds=120, number=signal.SIGINT):
        """Ctrl-C, a bounded wait, the exit status."""
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(bound(seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"sclctl did not end within {bound(seconds):.0f} s of signal {number}") from None
