# SPDX-License-Identifier: LGPL-2.1-or-later
"""Drive the shell of a tiny guest through its serial console.

    with Console.of_domain(uri, "demo") as console:
        console.wait_ready()
        status, output = console.run("ip -4 address")

The other end is a PTY: libvirt's own, or one on which a program such as `sclctl console` runs. Input
goes line by line to a read-eval loop without echo, so that nothing of it can be taken for output.
"""

import base64
import errno
import os
import pty
import re
import select
import subprocess
import time
import tty

from .bounds import bound

READY = b"TINY-GUEST READY"
PROMPT = b"tiny# "
LINE_MAX = 2000
LOOP = "stty -echo; while IFS= read -r l; do eval \"$l\"; done"


class ConsoleError(AssertionError):
    pass


class Console:
    def __init__(self, fd, process=None):
        self.fd = fd
        self.process = process
        self.log = b""
        self.mark = 0
        self.serial = 0
        self.looping = False

    @classmethod
    def of_pty(cls, path):
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC | os.O_NONBLOCK)
        tty.setraw(fd)
        return cls(fd)

    @classmethod
    def of_domain(cls, uri, name, run=subprocess.run):
        """run: how virsh is run, for a libvirtd that answers only on a lab host."""
        done = run(["virsh", "--connect", uri, "ttyconsole", name], capture_output=True, text=True, timeout=bound(30), check=False)
        path = done.stdout.strip()
        if done.returncode or not path:
            raise ConsoleError(f"{name} has no console: {done.stderr.strip()}")
        return cls.of_pty(path)

    @classmethod
    def of_command(cls, argv, **popen):
        """A program that connects its terminal to the guest's console."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, **popen)
        os.close(slave)
        os.set_blocking(master, False)
        return cls(master, process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(bound(10))
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def text(self):
        """Everything that came so far."""
        return self.log.decode(errors="replace").replace("\r", "")

    def read_some(self, limit):
        """Wait for output until the time `limit`; False if there was none."""
        left = limit - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            return False
        try:
            chunk = os.read(self.fd, 65536)
        except BlockingIOError:
            return True
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            chunk = b""
        if not chunk:
            raise ConsoleError(f"the console was closed; its last output:\n{self.text()[-2000:]}")
        self.log += chunk
        return True

    def send(self, data, seconds=10):
        limit = time.monotonic() + bound(seconds)
        while data:
            left = limit - time.monotonic()
            if left <= 0 or not select.select([], [self.fd], [], left)[1]:
                raise ConsoleError("the console takes no input")
            # Small pieces: a serial port that is not read drops what it cannot hold.
            data = data[os.write(self.fd, data[:64]):]

    def wait_for(self, pattern, seconds=30, what=None):
        """Wait for a regular expression (bytes) behind what was read before; returns the match."""
        limit = time.monotonic() + bound(seconds)
        while not (found := re.compile(pattern, re.S).search(self.log, self.mark)):
            if not self.read_some(limit):
                raise ConsoleError(f"no {what or pattern} on the console within {bound(seconds):.0f} s; its last output:\n"
                                   f"{self.text()[-2000:]}")
        self.mark = found.end()
        return found

    def wait_ready(self, seconds=60):
        """Wait until the guest's shell answers, whether it has booted already or not."""
        self.send(b"\n")
        self.wait_for(re.escape(READY) + b"|" + PROMPT, seconds, "tiny guest")
        return self

    def wait_boot(self, seconds=60):
        """Wait for a boot that has not said READY yet (after a reboot)."""
        self.looping = False
        self.wait_for(re.escape(READY), seconds, "boot of a tiny guest")
        return self

    def start_loop(self):
        self.send(b"\n" + LOOP.encode() + b"\n")
        self.looping = True

    def line(self, text):
        self.send(text.encode() + b"\n")

    def stage(self, command):
        """Bring a command of any length and content into the guest; returns the line that runs it."""
        code = base64.b64encode(command.encode()).decode()
        if len(code) <= LINE_MAX:
            return f'eval "$(echo {code}|base64 -d)"'
        self.line(": > /tmp/.command")
        for start in range(0, len(code), LINE_MAX):
            self.line(f"echo {code[start:start + LINE_MAX]} >> /tmp/.command")
        return 'eval "$(base64 -d /tmp/.command)"'

    def run(self, command, seconds=30):
        """Run a shell command in the guest: (status, output without its last newline). Its stdin is empty."""
        if not self.looping:
            self.start_loop()
        self.serial += 1
        call = self.stage(command)
        # The marks are spelt so that an echo of this line never matches them.
        begin, end = (f"printf '\\n@%s-{self.serial}{more}\\n'" for more in ("", " %d"))
        self.line(f"{begin} BEGIN; ({call}) < /dev/null 2>&1; {end} END $?")
        pattern = b"@BEGIN-%d\r*\n(.*?)\r*\n@END-%d (\\d+)\r*\n" % (self.serial, self.serial)
        try:
            found = self.wait_for(pattern, seconds, f"end of {command!r}")
        except ConsoleError:
            self.interrupt()
            raise
        return int(found[2]), found[1].decode(errors="replace").replace("\r", "").removesuffix("\n")

    def interrupt(self):
        """Ctrl-C also ends our loop; the next command starts it again."""
        self.send(b"\x03")
        self.looping = False

    def check(self, command, seconds=30):
        """As run(), but a failure of the command is one of the test; returns the output."""
        status, output = self.run(command, seconds)
        if status:
            raise ConsoleError(f"in the guest: {command!r} ended with status {status}:\n{output}")
        return output
