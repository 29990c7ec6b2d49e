# SPDX-License-Identifier: LGPL-2.1-or-later
"""/dev/kvm as udev would make it, for machines that have no udev.

There the node belongs to root alone. libvirt finds KVM when it probes QEMU as root and misses it when it
looks as QEMU's user, and so probes again at each of its questions: some ten seconds per VM.
"""

import os
import shutil
import stat
import tempfile

from . import kernel


def lacks_udev():
    try:
        return stat.S_IMODE(os.stat("/dev/kvm").st_mode) == 0o600
    except FileNotFoundError:
        return False


def show_as_udev_would():
    """Only in a mount namespace of one's own (kernel.private_mounts)."""
    number = os.stat("/dev/kvm").st_rdev
    folder = tempfile.mkdtemp(prefix=f"scltest-{os.getpid()}-")
    kernel.mount("tmpfs", folder, "tmpfs")
    node = os.path.join(folder, "kvm")
    os.mknod(node, stat.S_IFCHR | 0o660, number)
    os.chmod(node, 0o660)
    shutil.chown(node, "root", "kvm")
    kernel.bind(node, "/dev/kvm")
    kernel.umount(folder)
    os.rmdir(folder)
