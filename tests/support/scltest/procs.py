# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes: who they are, waiting for their end without polling, ending exactly one's own."""

import os
import select
import signal
import time
from pathlib import Path


def start_time(pid):
    """Ticks since boot at which a process began; with the pid it names the process for good. None: gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[19])


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text(encoding="ascii").split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def wait_gone(pid, seconds):
    """True if the process ended in time. A zombie counts as ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)


def end(pid, seconds=10, first=signal.SIGTERM):
    """Ask a process to end; kill it when the time is over. True if it ended by itself."""
    try:
        os.kill(pid, first)
    except ProcessLookupError:
        return True
    if wait_gone(pid, seconds):
        return True
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return True
    wait_gone(pid, seconds)
    return False


def reap():
    """Collect every child that has ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def end_children(seconds=10, keep=()):
    """For a subreaper: end all children but some, also those that daemons leave behind meanwhile."""
    limit = time.monotonic() + seconds
    while pids := set(children(os.getpid())).difference(keep):
        for pid in pids:
            end(pid, max(0, limit - time.monotonic()))
        reap()
