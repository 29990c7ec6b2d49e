# SPDX-License-Identifier: LGPL-2.1-or-later
"""unittest that prints one TAP line per test case.

A test program ends with `scltest.main()`. Arguments are patterns as in `unittest -k`. SIGTERM (the
runner's timeout) raises SystemExit in the test, so that its clean-up runs, and is the last thing that runs.
"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path


def required():
    """True where a missing thing is a failure: in CI everything must really run."""
    return os.environ.get("SCL_TEST_REQUIRE") == "1"


def require(condition, what):
    """Skip the test because a thing is missing; in CI (SCL_TEST_REQUIRE=1) fail instead."""
    if condition:
        return
    if required():
        raise AssertionError(f"missing here, though SCL_TEST_REQUIRE=1: {what}")
    raise unittest.SkipTest(what)


class TestCase(unittest.TestCase):
    """With a working folder that QEMU's user can walk through, named after the test's process."""

    maxDiff = None

    def folder(self):
        """A fresh folder, removed after the test."""
        path = Path(tempfile.mkdtemp(prefix=f"scltest-{os.getpid()}-", dir=os.environ.get("SCL_TEST_TMP", "/tmp")))
        path.chmod(0o711)
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def use(self, manager):
        """Enter a context manager for the rest of the test."""
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        return stack.enter_context(manager)


class TapResult(unittest.TestResult):
    """Prints the line of a case when the case and its clean-up are over."""

    def __init__(self, stream):
        super().__init__()
        self.stream = stream
        self.count = 0
        self.bad = 0
        self.begin = 0.0
        self.reasons = []
        self.skip = None

    def say(self, text):
        self.stream.write(text + "\n")
        self.stream.flush()

    def line(self, name, seconds=None):
        self.count += 1
        failed = bool(self.reasons)
        self.bad += failed
        directive = f" # SKIP {self.skip}" if self.skip is not None and not failed else ""
        self.say(f"{'not ok' if failed else 'ok'} {self.count} - {name}{directive}")
        for reason in self.reasons:
            for text in reason.splitlines():
                self.say(f"# {text}")
        if seconds is not None:
            self.say(f"# {seconds:.2f} s")
        self.reasons = []
        self.skip = None

    def startTest(self, test):
        super().startTest(test)
        self.begin = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        self.line(short_name(test), time.monotonic() - self.begin)

    def fail_with(self, test, err):
        self.reasons.append(self._exc_info_to_string(err, test).rstrip())
        if not isinstance(test, unittest.TestCase):
            self.line(str(test))

    def addError(self, test, err):
        self.fail_with(test, err)

    def addFailure(self, test, err):
        self.fail_with(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.reasons.append(f"{subtest}:\n{self._exc_info_to_string(err, test).rstrip()}")

    def addSkip(self, test, reason):
        self.skip = reason
        if not isinstance(test, unittest.TestCase):
            self.line(str(test))

    def addUnexpectedSuccess(self, test):
        self.reasons.append("was expected to fail and did not")

    def wasSuccessful(self):
        return self.bad == 0


def short_name(test):
    return test.id().removeprefix("__main__.")


def end_on_signal(result):
    """unittest takes SystemExit for an error of the sub-test or case that it comes in, and goes on with the next."""
    def end(number, _frame):
        result.failfast = True
        result.stop()
        sys.exit(128 + number)
    return end


def main(module="__main__"):
    """Run the test cases of a module; the plan comes last, so a program that dies has none."""
    result = TapResult(sys.stdout)
    signal.signal(signal.SIGTERM, end_on_signal(result))
    loader = unittest.TestLoader()
    patterns = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if patterns:
        loader.testNamePatterns = [p if "*" in p else f"*{p}*" for p in patterns]
    suite = loader.loadTestsFromModule(sys.modules[module])
    suite.run(result)
    result.say(f"1..{result.count}")
    sys.exit(0 if result.wasSuccessful() else 1)
