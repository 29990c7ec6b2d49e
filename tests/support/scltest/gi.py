# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library through GObject introspection, over simulated hosts. Import only where gi is there."""

import gi

gi.require_version("Scl", "0")
from gi.repository import GLib, Scl  # noqa: E402

from .bounds import bound  # noqa: E402
from .sclctl import fresh_prefix  # noqa: E402
from .tap import TestCase  # noqa: E402

TEXT = """\
version: 1
networks:
  default:
    allowedTCPPorts: ["2222:192.168.20.2:22"]
virtualMachines:
  demo: {image: image.raw, cores: 2}
  web: {image: image.raw, autoStart: false}
"""
HYPERVISORS = ("memory", "test:///default")


class GiCase(TestCase):
    def setUp(self):
        self.dir = self.folder()
        with open(self.dir / "image.raw", "wb") as file:
            file.truncate(3 << 20)

    def uri(self, hypervisor="memory", **parameters):
        said = {"hypervisor": hypervisor, "state": str(self.dir / "state"), "prefix": fresh_prefix(), **parameters}
        return "local:?" + "&".join(f"{key}={value}" for key, value in said.items())

    def connect(self, hypervisor="memory"):
        return Scl.Connection.open(self.uri(hypervisor), None)

    def manifest(self, text=TEXT):
        return Scl.Manifest.new_from_string(text, str(self.dir))

    def assert_error(self, code, call, *arguments):
        """The call fails with this code of our domain; returns the message."""
        with self.assertRaises(GLib.Error) as caught:
            call(*arguments)
        error = caught.exception
        self.assertTrue(error.matches(Scl.Error.quark(), code), f"{error.domain} {error.code}: {error.message}")
        return error.message


def in_loop(start, seconds=20):
    """Run a main loop until START's callback calls done(); the bound is a failure."""
    loop = GLib.MainLoop()
    late = []

    def too_late():
        late.append(True)
        loop.quit()
        return GLib.SOURCE_REMOVE

    timer = GLib.timeout_add_seconds(int(bound(seconds)), too_late)
    start(loop.quit)
    loop.run()
    if late:
        raise AssertionError(f"nothing came within {bound(seconds):.0f} s")
    GLib.source_remove(timer)
