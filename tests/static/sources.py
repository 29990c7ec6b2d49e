# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tree's files, and C text with comments and strings blanked out. Shared by the static tests."""

import os
import re
import subprocess
from functools import lru_cache
from pathlib import Path

SOURCE = Path(os.environ.get("SCL_SOURCE_DIR", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("SCL_BUILD_DIR", SOURCE / "build"))

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


@lru_cache
def files():
    """Every file that is or would be committed, relative to the source folder."""
    listing = subprocess.run(["git", "-C", str(SOURCE), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             capture_output=True, check=False)
    if listing.returncode:
        names = (str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*"))
    else:
        names = (os.fsdecode(name) for name in listing.stdout.split(b"\0") if name)
    return sorted(name for name in names if (SOURCE / name).is_file())


def c_files(*folders):
    return [name for name in files() if name.endswith((".c", ".h")) and name.startswith(tuple(f + "/" for f in folders))]


@lru_cache
def text(name):
    return (SOURCE / name).read_text(encoding="utf-8")


def blank(match, keep_strings):
    token = match[0]
    if token[0] in "\"'" and keep_strings:
        return token
    inner = re.sub(r"[^\n]", " ", token)
    return token[0] + inner[1:-1] + token[-1] if token[0] in "\"'" else inner


@lru_cache
def code(name, keep_strings=False):
    """The file's text, same length and lines, without comments (and without what strings say)."""
    return TOKEN.sub(lambda match: blank(match, keep_strings), text(name))


def line_of(content, offset):
    return content.count("\n", 0, offset) + 1


def functions(name):
    """(name, line, lines of the body, is static) of each function defined in GNU form. Comments do not count:
    the doc blocks of properties stand inside class_init."""
    lines = code(name).split("\n")
    plain = text(name).split("\n")
    start = None
    for number, line in enumerate(lines):
        if line == "{" and start is None:
            head = head_of(lines, number)
            if head:
                start = (*head, number)
        elif line.startswith("}") and start is not None:
            function, at, static, brace = start
            body = sum(1 for n in range(brace + 1, number) if lines[n].strip() or not plain[n].strip())
            yield function, at + 1, body, static
            start = None


def head_of(lines, brace):
    """The line above a body that begins with the function's name; None for a struct or an initialiser."""
    at = brace - 1
    while at >= 0 and lines[at].startswith((" ", "\t")):
        at -= 1
    match = re.match(r"([A-Za-z_]\w*) \(", lines[at])
    if not match or match[1].startswith(("G_", "SCL_")):
        return None
    return match[1], at, at > 0 and bool(re.search(r"\bstatic\b", lines[at - 1]))
