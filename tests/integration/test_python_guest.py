#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python binding and its example with real guests on a private libvirtd."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import scltest
from scltest import kernel, kvm
from scltest.gi import GLib, Scl
from scltest.sclctl import Sclctl
from test_sclctl_simulated import Lines

PROGRAM = Path(os.environ["SCL_SOURCE_DIR"]) / "bindings/python/examples/small-fleet.py"
MANIFEST = """\
networks:
  default: {{externalIP: 192.168.197.1}}
virtualMachines:
  one: {{image: {image}, memorySize: 96, firmware: bios, accelerator: tcg, shutdownTimeout: 60}}
"""


class Guests(scltest.TestCase):
    def setUp(self):
        scltest.require(os.geteuid() == 0, "root")
        self.dir = self.folder()
        self.libvirtd = self.use(scltest.Libvirtd(self.folder()))
        self.ctl = Sclctl(self.dir / "state", self.libvirtd.uri)
        self.manifest = self.write("demo.yaml", MANIFEST.format(image=scltest.tiny_image()))
        self.addCleanup(self.remove_everything)

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def remove_everything(self):
        nothing = self.write("nothing.yaml", "networks: {default: null}\n")
        self.ctl.run("vm", "stop", "--force", "one")
        self.ctl.run("apply", "--prune", "--allow-empty", "-f", nothing)

    def load(self):
        loader = Scl.ManifestLoader.new()
        loader.add_path(str(self.manifest))
        return loader.load()


# A volume outlives its connection and has what the connection had: the last of it goes at the fork's end.
FORKS = """\
import gc, os, sys
from gi.repository import Scl
conn = Scl.Connection.open(sys.argv[1])
conn.refresh()
kept = list(conn.volumes)
assert kept, "it lists no volume"
conn.close()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        del conn, kept
        gc.collect()
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
os._exit(0)  # libvirt's own threads outlive its connections
"""


class Example(Guests):
    def watch(self, *way):
        """The example until its guest has powered itself off; returns what it said."""
        with subprocess.Popen([sys.executable, str(PROGRAM), "--connect", self.ctl.uri, "--watch", *way, str(self.manifest)],
                              stdout=subprocess.PIPE) as process:
            self.addCleanup(process.kill)
            lines, said = Lines(process.stdout), []
            while not said or not said[-1].startswith("one "):
                line = lines.next(60)
                self.assertIsNotNone(line, said)
                said.append(line)
            with scltest.Console.of_domain(self.libvirtd.uri, f"{self.ctl.prefix}-one") as console:
                console.wait_ready()
                console.line("poweroff -f")
                said.append(lines.next(60))
            self.assertEqual(process.wait(scltest.bound(60)), 0)
        return said

    def check(self, said):
        self.assertIn('  start vm "one": new, with autoStart', said)
        self.assertEqual([line.split()[:2] for line in said[-2:]], [["one", "running"], ["one", "stopped"]])
        self.assertEqual(said[-3], "100%")
        self.assertEqual(self.ctl.json("vm", "show", "one")["stoppedBy"], "guest")

    def test_with_a_main_loop(self):
        self.check(self.watch())

    def test_in_asyncio(self):
        self.check(self.watch("--async"))


class Forked(Guests):
    def test_lock_stays_with_who_took_it(self):
        """Both have the same file description, and a fork that ends closes what it inherited."""
        with Scl.Connection.open(self.ctl.uri) as conn:
            conn.lock()
            for call in (conn.unlock, conn.close):
                pid = os.fork()
                if pid == 0:
                    try:
                        call()
                    finally:
                        os._exit(0)
                os.waitpid(pid, 0)
                done = self.ctl.run("--timeout", "0", "apply", "-f", self.manifest, check=75)
                self.assertIn("is locked by", done.stderr)


class ForkedEmbedded(scltest.TestCase):
    """The embedded hypervisor has threads in this process; a fork has none of them."""

    def test_a_fork_ends_well(self):
        scltest.require(os.geteuid() == 0, "root")
        state = self.folder()
        ctl = Sclctl(state, "qemu:///embed")
        (ctl.home / "volumes").mkdir(parents=True)
        with open(ctl.home / "volumes" / "old.raw", "wb") as file:
            file.truncate(1 << 20)
        done = subprocess.run([sys.executable, "-c", FORKS, ctl.uri], capture_output=True, text=True,
                              timeout=scltest.bound(240), check=False)
        self.assertEqual((done.returncode, done.stdout.split()), (0, ["0"] * 20), done.stderr)


class Asyncio(Guests):
    async def cancel_what_waits(self, conn, other):
        """An apply waits for the lock; its task is cancelled."""
        other.lock()
        operation = conn.apply(self.load())
        task = asyncio.ensure_future(operation)
        await asyncio.wait([task], timeout=0.2)
        self.assertFalse(task.done())
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertTrue(operation.is_done())
        self.assertRaises(GLib.Error, operation.wait)
        other.unlock()

    async def read_until(self, stream, text):
        said = b""
        while text not in said:
            chunk = await asyncio.to_thread(stream.get_input_stream().read_bytes, 4096)
            self.assertTrue(chunk.get_size(), said)
            said += chunk.get_data()

    async def life(self):
        with await Scl.Connection.open_async(self.ctl.uri) as conn, Scl.Connection.open(self.ctl.uri) as other:
            await self.cancel_what_waits(conn, other)
            other.lock()
            conn.set_lock_timeout(1)
            with self.assertRaises((Scl.BusyError, Scl.TimeoutError)) as caught:
                await conn.apply_async(self.load())
            self.assertIn("is locked in this process, by: scl_connection_lock()", str(caught.exception))
            other.unlock()
            await conn.apply_async(self.load())
            await conn.refresh_async()
            vm = conn.vms["one"]
            stream = await vm.open_console_async()
            await self.read_until(stream, b"READY")
            stream.close()
            await vm.stop_async()
            await conn.refresh_async()
            self.assertEqual((vm.state, vm.stopped_by), (Scl.VmState.STOPPED, Scl.StoppedBy.USER))
            with self.assertRaises(Scl.InUseError):
                await vm.open_console_async()
            await vm.delete_async()
            await conn.refresh_async()
            self.assertEqual((len(conn.vms), conn.volumes["one"].used), (0, False))
            self.assertRaises(Scl.NotFoundError, vm.start().wait)

    def test_life(self):
        asyncio.run(asyncio.wait_for(self.life(), scltest.bound(240)))


if __name__ == "__main__":
    if os.geteuid() == 0 and kvm.lacks_udev():
        kernel.private_mounts()
        kvm.show_as_udev_would()
    scltest.main()
