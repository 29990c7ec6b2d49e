# SPDX-License-Identifier: LGPL-2.1-or-later
"""The harness of SCL's scenario tests. Standard library only; run by /usr/bin/python3 as root.

    tap       main(), require(), TestCase: unittest that prints TAP
    bounds    bound(): how long to wait for what must come
    sclctl    Sclctl: the built sclctl with a state folder and a prefix of its own
    guest     tiny_image(), cloud_image(), manifests and seeds for them
    console   Console: runs commands in a tiny guest through its serial console
    libvirtd  Libvirtd: a private libvirtd (support/private-libvirtd)
    lab       Lab: network namespaces as hosts
    debian    a Debian of any release in a folder, and programs in it
    net       echo servers, probes and sniffers on any host of a lab or on this machine
    machine   snapshot(), differences(): what tests must leave as it was

Whatever a test makes carries its pid or lives in namespaces that vanish with its processes.
"""

from .bounds import bound
from .console import Console
from .guest import cloud_image, tiny_image
from .lab import Lab
from .libvirtd import Libvirtd
from .sclctl import Sclctl
from .tap import TestCase, main, require

__all__ = ["Console", "Lab", "Libvirtd", "Sclctl", "TestCase", "bound", "cloud_image", "main", "require", "tiny_image"]
