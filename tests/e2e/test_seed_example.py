#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guide's example with a real Debian cloud image, in a lab host whose uplink is called eth0.

Once in YAML by `sclctl run` (the embedded driver, no libvirtd), once in Nix, translated by scl-nix, by `sclctl
apply` on a private libvirtd.
"""

import os
import select
import shutil
import subprocess
import time
from pathlib import Path

import scltest
from scltest import Lab, Libvirtd, Sclctl, cloud_image, net
from scltest.guest import SOURCE

EXTERNAL = "192.168.10.1"
OUTSIDE = "198.51.100.10"
SSH_OPTIONS = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
               "-o", "PreferredAuthentications=password", "-o", "ConnectTimeout=60", "-p", "2222"]
# A boot takes 25 to 90 of them under emulation, and two guests may boot on two cores.
BOOT_SECONDS = 200


def write_example(folder):
    for name in ("demo.yaml", "cloud-init-user-config.yaml", "cloud-init-network-config.yaml"):
        shutil.copy(SOURCE / "tests/data/seed" / name, folder)
    # The image is the one thing that the guide leaves to the reader.
    text = (folder / "demo.yaml").read_text(encoding="utf-8").replace("image.raw", str(cloud_image()))
    (folder / "demo.yaml").write_text(text, encoding="utf-8")
    return folder / "demo.yaml"


def translate_guide(folder, ctl):
    """The guide's own Nix, which leaves only the image to the reader, as JSON."""
    program = Path(ctl.program).with_name("scl-nix")
    done = subprocess.run([program, "--files", folder / "files", "--argstr", f"imageRaw={cloud_image()}",
                           SOURCE / "tests/nix/seed/cloud-init.nix"], capture_output=True, text=True, timeout=scltest.bound(60), check=False)
    if done.returncode:
        raise AssertionError(f"scl-nix: {done.stderr}")
    (folder / "demo.json").write_text(done.stdout, encoding="utf-8")
    return folder / "demo.json"


def read_ready(source, process, seconds):
    """Until `run` has written its line to the descriptor, or has ended."""
    if not select.select([source], [], [], seconds)[0]:
        raise AssertionError("sclctl run did not get ready")
    line = os.read(source, 64)
    if not line:
        raise AssertionError(f"sclctl run ended with {process.wait(scltest.bound(30))}")


def wait_for_line(path, text, seconds):
    """Until a line of a growing file has TEXT in it; tail tells of each line as it comes."""
    deadline = time.monotonic() + seconds
    tail = subprocess.Popen(["tail", "-n", "+1", "-F", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    seen = b""
    try:
        while text.encode() not in seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([tail.stdout], [], [], left)[0]:
                raise AssertionError(f"no \"{text}\" in {path} within {seconds} s; its end: {seen[-2000:].decode(errors='replace')}")
            seen += os.read(tail.stdout.fileno(), 65536)
    finally:
        tail.kill()
        tail.wait()
        tail.stdout.close()


class Example:
    """What both ways must show; the guest is up when it begins."""

    def ssh(self, command):
        argv = ["sshpass", "-p", "nixos", "ssh", *SSH_OPTIONS, f"nixos@{EXTERNAL}", command]
        return self.lab.scl.run(argv, timeout=scltest.bound(60)).stdout.strip()

    def test_login_with_the_password(self):
        self.assertEqual(self.ssh("whoami"), "nixos")

    def test_hostname(self):
        self.assertEqual(self.ssh("hostname"), "demo")

    def test_address(self):
        self.assertIn("192.168.20.2/24", self.ssh("ip -4 -o address show"))

    def test_the_root_file_system_has_grown(self):
        self.assertGreater(int(self.ssh("df --output=size -BM / | tail -n 1").strip(" M")), 3800)

    def test_cores_and_memory(self):
        self.assertEqual(self.ssh("nproc"), "2")
        self.assertGreater(int(self.ssh("awk '/MemTotal/ {print $2}' /proc/meminfo")), 1900000)

    def test_the_internet_is_reached_by_the_uplinks_address(self):
        answer = self.ssh(f"bash -c 'exec 3<>/dev/tcp/{OUTSIDE}/7; echo hi >&3; head -n 1 <&3'")
        self.assertRegex(answer, r"^from 10\.77\.0\.2 \d+: hi")

    def test_the_lan_reaches_the_forward_and_keeps_its_source(self):
        self.lab.client.route(f"{EXTERNAL}/32", "via", "10.77.0.2")
        self.addCleanup(self.lab.client.run, ["ip", "route", "del", f"{EXTERNAL}/32"])
        argv = ["sshpass", "-p", "nixos", "ssh", *SSH_OPTIONS, f"nixos@{EXTERNAL}", "echo $SSH_CONNECTION"]
        seen = self.lab.client.run(argv, timeout=scltest.bound(60)).stdout.split()
        self.assertEqual(seen[0], "10.77.0.50")

    def test_the_host_is_out_of_reach(self):
        with net.Echo(self.lab.scl, "10.77.0.2", 4711):
            command = "timeout 3 bash -c 'exec 3<>/dev/tcp/10.77.0.2/4711' 2>/dev/null && echo reached || echo no"
            self.assertEqual(self.ssh(command), "no")


class Base(scltest.TestCase):
    @classmethod
    def setUpClass(cls):
        scltest.require(os.geteuid() == 0, "root")
        scltest.require(shutil.which("sshpass"), "sshpass")
        case = cls("run")
        cls.addClassCleanup(case.doCleanups)
        cls.folder_path = case.folder()
        cls.state = cls.folder_path / "s"
        cls.manifest = write_example(cls.folder_path)
        cls.lab = cls.enterClassContext(Lab.standard())
        cls.enterClassContext(net.Echo(cls.lab.internet, OUTSIDE, 7))
        cls.begin()
        wait_for_line(cls.state / "vms/demo/console.log", "Datasource DataSourceNoCloud", scltest.bound(BOOT_SECONDS))


class OnTheEmbeddedDriver(Example, Base):
    @classmethod
    def begin(cls):
        cls.ctl = Sclctl(cls.state, prefix="scl", host=cls.lab.scl)
        source, sink = os.pipe()
        log = open(cls.folder_path / "run.log", "wb")
        cls.addClassCleanup(log.close)
        cls.run_process = cls.ctl.start("run", "-f", cls.manifest, "--no-console", "--ready-fd", str(sink),
                                        pass_fds=[sink], stdout=log, stderr=log)
        cls.addClassCleanup(cls.end)
        os.close(sink)
        read_ready(source, cls.run_process, scltest.bound(300))
        os.close(source)

    @classmethod
    def end(cls):
        Sclctl.stop(cls.run_process, 180)

    def test_zz_ctrl_c_leaves_nothing_but_the_volume(self):
        status = Sclctl.stop(self.run_process, 180)
        self.assertIn(status, (0, 130), (self.folder_path / "run.log").read_text(encoding="utf-8")[-2000:])
        self.assertEqual(self.lab.scl.output(["ip", "netns"]).strip(), "")
        self.assertNotIn("scl", self.lab.scl.output(["ip", "-brief", "link"]))
        self.assertNotIn("table inet scl", self.lab.scl.output(["nft", "list", "tables"]))
        self.assertTrue((self.state / "volumes/demo.raw").is_file())
        self.assertFalse((self.state / "vms/demo/seed.iso").exists())


class OnALibvirtd(Example, Base):
    @classmethod
    def begin(cls):
        libvirtd = cls.enterClassContext(Libvirtd(cls.folder_path / "lv", cls.lab.scl))
        cls.ctl = Sclctl(cls.state, libvirtd.uri, prefix="scl", host=cls.lab.scl)
        cls.manifest = translate_guide(cls.folder_path, cls.ctl)
        cls.ctl.run("apply", "-f", cls.manifest, seconds=300, check=0)
        cls.addClassCleanup(cls.ctl.run, "vm", "delete", "demo", "--yes", seconds=180)

    def test_a_second_apply_changes_nothing(self):
        self.ctl.run("plan", "-f", self.manifest, check=0)


if __name__ == "__main__":
    scltest.main()
