# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guest images and what goes into their seeds."""

import os
import subprocess
from pathlib import Path

from .bounds import bound
from .tap import require

SUPPORT = Path(__file__).resolve().parent.parent
SOURCE = SUPPORT.parent.parent


def tiny_image(ignore_power_button=False, login=False):
    """Path of the tiny guest's image; read-only material, boot copies of it. login: it has an ssh server."""
    argv = [str(SUPPORT / "tiny-guest")]
    if ignore_power_button:
        argv.append("--ignore-power-button")
    if login:
        argv.append("--login")
    done = subprocess.run(argv, capture_output=True, text=True, timeout=bound(600), check=False)
    require(done.returncode == 0, f"a tiny guest: {done.stderr.strip()}")
    return Path(done.stdout.strip())


def cloud_image():
    """Path of the Debian cloud image (tools/cloud-image); built at the first call."""
    folder = os.environ.get("SCL_TEST_IMAGES", "/var/cache/scl/images")
    done = subprocess.run([str(SOURCE / "tools/cloud-image"), "--folder", folder], capture_output=True, text=True,
                          timeout=bound(1200), check=False)
    require(done.returncode == 0, f"a cloud image: {done.stderr.strip()[-500:]}")
    return Path(done.stdout.strip())


def network_config(*links):
    """NoCloud network-config: one (address/prefix, gateway or None) per NIC, in their order."""
    lines = ["version: 2", "ethernets:"]
    for number, (address, gateway) in enumerate(links):
        lines += [f"  id{number}:", f"    match: {{name: 'enp{number + 1}s0'}}", "    addresses:", f"    - {address}"]
        if gateway:
            lines.append(f"    gateway4: {gateway}")
    return "\n".join(lines) + "\n"


def user_script(text):
    """user-data that the tiny guest runs at boot, before it says READY."""
    return "#!/bin/sh\n" + text
