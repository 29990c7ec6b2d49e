#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Print the folder for Python modules of an installation, relative to its prefix.

    python-site.py PREFIX

Under the interpreter's own prefix it is where gi is, under another one that it looks into (as Debian's does into
/usr/local) that one. Under any other prefix it is the same as under its own; there PYTHONPATH has to name it.
"""

import importlib.util
import site
import sys
from pathlib import Path

USUAL = Path("lib/python3/dist-packages")


def own():
    """Where gi is."""
    gi = importlib.util.find_spec("gi")
    folder = Path(gi.origin).parents[1] if gi and gi.origin else Path(sys.prefix) / USUAL
    return folder.relative_to(sys.prefix) if folder.is_relative_to(sys.prefix) else USUAL


def of(prefix):
    if prefix == Path(sys.prefix):
        return own()
    seen = [Path(path) for path in site.getsitepackages() if not Path(sys.prefix).is_relative_to(prefix)]
    return next((path.relative_to(prefix) for path in seen if path.is_relative_to(prefix)), own())


if __name__ == "__main__":
    print(of(Path(sys.argv[1])))
