# SPDX-License-Identifier: LGPL-2.1-or-later
"""Blocks of commands with what they print.

    $ command                  # a comment that says "status 2" names the exit status, else it is 0
    > its next line
    what it prints; … stands for any text, on a line of its own for any lines

A block that shows no output at all says nothing about it, nor whether a plan finds something to do.
How long a step took, "done (2 s)", is the machine's: no page says it.
"""

import re
from dataclasses import dataclass, field

from scltest.sclctl import untimed

STATUS = re.compile(r"#.*\bstatus (\d+)")


@dataclass
class Command:
    text: str
    place: str
    expected: list = field(default_factory=list)
    silent: bool = False

    @property
    def status(self):
        match = STATUS.search(self.text)
        return int(match[1]) if match else 0

    def first(self):
        """The program, without sudo."""
        words = self.text.split()
        return words[1] if words[0] == "sudo" and len(words) > 1 else words[0]

    def finding(self, status, output):
        """What differs from what the page says; None if nothing does."""
        if self.silent and (status == self.status or (status == 2 and " plan " in self.text)):
            return None
        if not self.silent and status == self.status and matches(self.expected, output):
            return None
        said = "\n".join(self.expected)
        return (f"{self.place}: $ {self.text}\nstatus {status} instead of {self.status}; it printed\n{output}"
                f"\nand the page says\n{said}")


def commands(block):
    found = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        place = f"{block.page}:{number}"
        if line.startswith("$ "):
            found.append(Command(line[2:], place))
        elif not found:
            raise AssertionError(f"{place}: output without a command")
        elif line.startswith("> ") and not found[-1].expected:
            found[-1].text += "\n" + line[2:]
        else:
            found[-1].expected.append(line)
    silent = not any(command.expected for command in found)
    for command in found:
        command.silent = silent
    return found


def pattern(lines):
    parts = []
    for line in lines:
        if line.strip() == "…":
            parts.append(r"(?:[^\n]*\n)*")
        else:
            parts.append("[^\n]*".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ \t]*\n")
    return re.compile("".join(parts))


def matches(expected, output):
    """Nothing said about the output means that it prints nothing."""
    text = untimed(output.replace("\r", ""))
    if text and not text.endswith("\n"):
        text += "\n"
    return bool(pattern(expected).fullmatch(text))
