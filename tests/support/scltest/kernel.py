# SPDX-License-Identifier: LGPL-2.1-or-later
"""The few system calls that Python 3.11 lacks. Each raises OSError with the object's name."""

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_MOVE = 0x2000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, name):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def unshare(flags):
    _check(_libc.unshare(flags), "unshare")


def setns(path, kind):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(fd, kind), str(path))
    finally:
        os.close(fd)


def mount(source, target, fstype=None, flags=0, data=None):
    def encode(text):
        return None if text is None else os.fsencode(text)

    _check(_libc.mount(encode(source), encode(target), encode(fstype), ctypes.c_ulong(flags), encode(data)), str(target))


def umount(target, flags=MNT_DETACH):
    _check(_libc.umount2(os.fsencode(target), flags), str(target))


def bind(source, target):
    mount(source, target, None, MS_BIND | MS_REC)


def private_mounts():
    """A mount namespace of our own, from which nothing goes back to the machine."""
    unshare(CLONE_NEWNS)
    mount("none", "/", None, MS_REC | MS_PRIVATE)


def become_subreaper():
    """Daemons among our descendants become our children when their parents end."""
    _check(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def die_with_parent(signal_number):
    _check(_libc.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0), "prctl")
