#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of the harness itself: a lab, a private libvirtd in it, tiny guests and their consoles."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import scltest  # noqa: E402
from scltest import Console, Lab, Libvirtd, debian, machine, net, procs, scene, tapfile  # noqa: E402
from scltest.guest import SOURCE  # noqa: E402

DOMAIN = """\
<domain type='qemu'>
  <name>{name}</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
  <cpu mode='custom'><model>qemu64</model></cpu>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{disk}'/><target dev='vda' bus='virtio'/></disk>
    {nic}
    <serial type='pty'/>
  </devices>
</domain>
"""
NIC = "<interface type='direct'><source dev='{link}' mode='passthrough'/><model type='virtio'/></interface>"


ENDED = """\
import os
import signal

import scltest


class It(scltest.TestCase):
    def test_one(self):
        self.addCleanup(print, "cleaned")
        for number in range(2):
            with self.subTest():
                print("part", number)
                os.kill(os.getpid(), signal.SIGTERM)

    def test_two(self):
        print("next")


scltest.main()
"""


class Base(scltest.TestCase):
    def setUp(self):
        scltest.require(os.geteuid() == 0, "root")

    def guest(self, libvirtd, folder, name, nic="", ignore=False):
        disk = folder / f"{name}.raw"
        shutil.copy(scltest.tiny_image(ignore), disk)
        shutil.chown(disk, "libvirt-qemu")
        xml = folder / f"{name}.xml"
        xml.write_text(DOMAIN.format(name=name, disk=disk, nic=nic))
        libvirtd.virsh("define", xml)
        libvirtd.virsh("start", name)
        return self.use(Console.of_domain(libvirtd.uri, name, libvirtd.call)).wait_ready()


def on_a_machine_of_its_own(case):
    """The case is run again in namespaces and with a /run of its own, where nobody else makes or ends anything."""
    @functools.wraps(case)
    def run(self):
        if os.environ.get("SCL_SELFTEST_ALONE"):
            case(self)
            return
        alone = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        alone += ["sh", "-ec", "mount -t tmpfs tmpfs /run; exec \"$@\"", "sh"]
        done = subprocess.run([*alone, sys.executable, __file__, case.__name__], capture_output=True, text=True, check=False,
                              timeout=scltest.bound(60), env={**os.environ, "SCL_SELFTEST_ALONE": "1"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
    return run


class Snapshot(Base):
    @on_a_machine_of_its_own
    def test_names_every_difference(self):
        link = f"st{os.getpid() % 100000}"
        before = machine.snapshot()
        self.assertEqual(machine.differences(before, machine.snapshot()), [])
        subprocess.run(["ip", "link", "add", link, "type", "bridge"], check=True)
        try:
            text = "\n".join(machine.differences(before, machine.snapshot()))
        finally:
            subprocess.run(["ip", "link", "del", link], check=True)
        self.assertIn(f"link is new: {link} bridge", text)
        self.assertNotIn("sysctl", text)
        self.assertEqual(machine.settled_differences(before), [])


    def start_sclctl(self, *runner):
        """A process of that name, which is there for sure."""
        folder = self.folder()
        program, up = folder / "sclctl", folder / "up"
        os.mkfifo(up)
        program.write_text(f"#!/bin/sh\necho up > {up}\nread line < {up}\n")
        program.chmod(0o755)
        process = subprocess.Popen([*runner, program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(procs.end, process.pid)
        self.assertEqual(up.read_text(), "up\n")

    @on_a_machine_of_its_own
    def test_leaves_parallel_tests_out(self):
        runner = Path(__file__).resolve().with_name("tap-run")
        before = machine.snapshot()
        self.start_sclctl(runner, "--name", "other", "--logs", self.folder(), "--plain", "--")
        self.assertEqual(machine.differences(before, machine.snapshot()), [])
        self.start_sclctl()
        self.assertRegex("\n".join(machine.differences(before, machine.snapshot())), r"^process is new: \d+ sclctl [^\n]*$")


class Runner(scltest.TestCase):
    """tap-run, and what it makes of a program's words."""

    def tap_run(self, script, *options):
        """The result of a program; it is a shell's."""
        logs = self.folder()
        runner = Path(__file__).resolve().with_name("tap-run")
        subprocess.run([runner, "--name", "it", "--logs", logs, *options, "--", "sh", "-c", script], capture_output=True,
                       check=False, timeout=scltest.bound(60), env={**os.environ, "SCL_TEST_TIMEOUT_FACTOR": "0.1"})
        return json.loads((logs / "it.json").read_text(encoding="utf-8"))

    def test_a_skip_says_why(self):
        for text, reason in (("ok 1 - one # SKIP no root", "no root"), ("# skip: no root\nnot ok 1 # SKIP one", "no root"),
                             ("ok 1 - one # SKIP", None), ("not ok 1 # SKIP one", None), ("# skip: it\nok 1 - a\nnot ok 2 # SKIP one", None)):
            with self.subTest(text):
                summary = tapfile.parse(text)
                self.assertEqual((summary.skipped, summary.failed), ([f"one: {reason}"], []) if reason else
                                 ([], ["one: skipped, and does not say why"]))
        self.assertEqual(tapfile.parse("1..0 # SKIP root").skipped, ["all: root"])

    def test_a_plain_program_says_why_it_skips(self):
        self.assertEqual(self.tap_run("echo no tool >&2; exit 77", "--plain")["skipped"], ["it: no tool"])
        self.assertEqual(self.tap_run("exit 77", "--plain")["failed"], ["it: skipped, and does not say why"])

    def test_no_program_sets_what_a_person_may_set(self):
        """What ctest is told to set wins over the environment that it is started with."""
        build = os.environ["SCL_BUILD_DIR"]
        listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True, check=True,
                                 timeout=scltest.bound(60)).stdout
        theirs = set(re.findall(r"`(SCL_TEST_[A-Z]+)", (scltest.guest.SOURCE / "tests/README.md").read_text(encoding="utf-8")))
        self.assertLessEqual({"SCL_TEST_FAULTS", "SCL_TEST_ROUNDS", "SCL_TEST_SEED"}, theirs)
        for test in json.loads(listing)["tests"]:
            set_here = {setting.partition("=")[0] for each in test["properties"] if each["name"] == "ENVIRONMENT" for setting in each["value"]}
            with self.subTest(test["name"]):
                self.assertEqual(set_here & theirs, set())

    def test_sigterm_ends_a_program(self):
        """Where it comes in, the clean-up runs; no other part of the case does, and no other case."""
        done = subprocess.run([sys.executable, "-c", ENDED], capture_output=True, text=True, check=False, timeout=scltest.bound(60))
        said = [line for line in done.stdout.splitlines() if not line.startswith("#")]
        self.assertEqual((said, done.returncode), (["part 0", "cleaned", "not ok 1 - It.test_one", "1..1"], 1), done.stderr)

    def test_a_host_of_its_own_is_looked_at_afterwards(self):
        scltest.require(os.geteuid() == 0, "root")
        clean = "ip link show; [ \"$(ls /sys/class/net)\" = lo ]; ip link add it type bridge; ip link del it"
        self.assertEqual(self.tap_run(clean, "--plain", "--host")["failed"], [])
        [failure] = self.tap_run("ip link add it type bridge; touch /run/scl/it", "--plain", "--host")["failed"]
        self.assertRegex(failure, "^its host is not as it was: link is new: it bridge .*; file is new: /run/scl/it$")
        self.assertFalse(Path("/run/scl/it").exists())
        # What it leaves running is ended, and its host lives until that is done.
        [failure] = self.tap_run("setsid sh -c 'echo > /run/x; sleep 1000' > /dev/null 2>&1 & exec cat < /dev/null", "--plain", "--host")["failed"]
        self.assertRegex(failure, "^left processes behind: ")


class LabTest(Base):
    def setUp(self):
        super().setUp()
        self.lab = self.use(Lab.standard())

    def test_hosts_reach_each_other(self):
        internet, scl = self.lab.internet, self.lab.scl
        with net.Echo(internet, "198.51.100.10", 7), net.Echo(internet, "198.51.100.10", 7, "udp"):
            self.assertRegex(net.tcp(scl, "198.51.100.10", 7), "^from 10.77.0.2 [0-9]+: hello$")
            self.assertRegex(net.udp(scl, "198.51.100.10", 7), "^from 10.77.0.2 [0-9]+: hello$")
        self.assertEqual(net.tcp(scl, "198.51.100.10", 7), "refused")
        self.assertTrue(self.lab.client.ping("10.77.0.2"))
        self.assertFalse(self.lab.client.ping("10.77.0.3", seconds=1))

    def test_sniffer_sees_forged_frames(self):
        frame = net.arp_request("02:00:00:00:00:07", "10.77.0.7", "10.77.0.50")
        with net.Sniffer(self.lab.client, "eth0") as sniffer, self.lab.scl.socket(17, 3, 0x0300) as raw:
            raw.bind(("eth0", 3))
            raw.send(frame)
            seen = sniffer.wait_for(lambda f: f.source == "02:00:00:00:00:07")
        self.assertEqual((seen.type, seen.ip_source, seen.ip_destination), (0x0806, "10.77.0.7", "10.77.0.50"))

    def test_machine_is_its_own(self):
        names = self.lab.scl.output(["ls", "/sys/class/net"]).split()
        self.assertEqual(names, ["eth0", "lo"])
        self.lab.scl.run(["ip", "netns", "add", "inside"])
        self.assertFalse(Path("/run/netns/inside").exists())

    def test_macvtap_has_its_node(self):
        scl = self.lab.scl
        scl.run(["ip", "link", "add", "mv", "link", "eth0", "type", "macvtap"])
        index = scl.output(["cat", "/sys/class/net/mv/ifindex"]).strip()
        scl.run(["sh", "-c", f"exec 3<> /dev/tap{index}"])


class Guests(Base):
    def test_two_guests_on_a_private_libvirtd_in_a_lab(self):
        lab = self.use(Lab.standard())
        folder = self.folder()
        libvirtd = self.use(Libvirtd(folder / "lv", lab.scl))
        for link in ("a", "b"):
            lab.scl.plug(lab.lan, f"nic-{link}")
        one = self.guest(libvirtd, folder, "one", NIC.format(link="nic-a"))
        two = self.guest(libvirtd, folder, "two", NIC.format(link="nic-b"))
        one.check("ip link set eth0 up; ip address add 10.77.0.11/24 dev eth0")
        two.check("ip link set eth0 up; ip address add 10.77.0.12/24 dev eth0; ip route add default via 10.77.0.1")
        one.check("ping -c 2 -W 5 10.77.0.12")
        with net.Echo(lab.internet, "198.51.100.10", 7):
            self.assertIn("from 10.77.0.12", two.check("echo x | nc -w 5 198.51.100.10 7"))
        with net.Sniffer(lab.client, "eth0") as sniffer:
            one.check(net.guest_frame("eth0", net.dhcp_discover("02:00:00:00:00:09")))
            seen = sniffer.wait_for(lambda f: f.ports == (68, 67))
        self.assertEqual(seen.source, "02:00:00:00:00:09")

        # QEMU of a killed and restarted libvirtd is taken over, and the power button works.
        libvirtd.kill()
        libvirtd.restart()
        self.assertEqual(libvirtd.domains(), ["one", "two"])
        libvirtd.virsh("shutdown", "two", "--mode", "acpi")
        libvirtd.wait_state("two", "shut off", 20)

    def test_a_guests_sniffer_misses_nothing(self):
        """It is asked for a frame that is sent the moment it says that it listens."""
        lab = self.use(Lab.standard())
        folder = self.folder()
        libvirtd = self.use(Libvirtd(folder / "lv", lab.scl))
        lab.scl.plug(lab.lan, "nic-a")
        guest = scene.Guest("one", self.guest(libvirtd, folder, "one", NIC.format(link="nic-a")))
        guest.check("ip link set eth0 up")
        with lab.client.socket(17, 3) as raw:
            raw.bind(("eth0", 3))
            for number in range(20):
                frame = net.udp_packet("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:07", "10.77.0.50", "10.77.0.255", 9, 9, b"number %03d" % number)
                guest.sniff()
                raw.send(frame)
                self.assertTrue(guest.sniffed(b"number %03d" % number))

    def test_guest_that_ignores_the_power_button(self):
        folder = self.folder()
        libvirtd = self.use(Libvirtd(folder / "lv"))
        console = self.guest(libvirtd, folder, "deaf", ignore=True)
        libvirtd.virsh("shutdown", "deaf", "--mode", "acpi")
        # Two seconds later (by the guest's clock) it still answers.
        self.assertEqual(console.run("sleep 2; echo alive"), (0, "alive"))

    def test_console_carries_any_command(self):
        folder = self.folder()
        libvirtd = self.use(Libvirtd(folder / "lv"))
        console = self.guest(libvirtd, folder, "one")
        long = "x" * 5000
        self.assertEqual(console.run(f"printf '%s\\n' '{long}' \"$HOME\" 'a\"b$c'; exit 3"), (3, f"{long}\n/root\na\"b$c"))
        with self.assertRaises(AssertionError):
            console.run("sleep 100", seconds=1)
        self.assertEqual(console.run("echo back"), (0, "back"))
        console.send(b"reboot -f\n")
        console.wait_boot()
        self.assertEqual(console.run("hostname"), (0, "tiny-guest"))


class Processes(Base):
    def test_end_kills_what_does_not_listen(self):
        child = subprocess.Popen(["sh", "-c", "trap '' TERM; echo up; sleep 100 & wait; wait"], stdout=subprocess.PIPE,
                                 start_new_session=True)
        child.stdout.readline()
        self.assertFalse(procs.end(child.pid, 0.5))
        self.assertEqual(child.wait(), -signal.SIGKILL)
        os.killpg(child.pid, signal.SIGKILL)
        child.stdout.close()


class OtherRoot(Base):
    """What runs in the root of another release meets nothing of this machine, and ends with its command."""

    def root(self):
        root = self.folder() / "root"
        for name in ("bin", "dev", "etc", "proc", "run", "sys", "tmp", "var/tmp"):
            (root / name).mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), root / "bin/busybox")
        for name in ("ip", "ls", "sh", "sleep"):
            (root / "bin" / name).symlink_to("busybox")
        return root

    def run_in(self, place, script, **options):
        done = subprocess.run(check=False, **debian.inside(place, ["sh", "-c", script], "/tmp", 30, **options))
        return done.returncode, done.stdout.split()

    def test_meets_nothing_of_the_machine(self):
        root = self.root()
        with debian.copy_of(root, self.folder()) as place:
            self.assertEqual(self.run_in(place, "pwd; ls /sys/class/net; ls /run; exit 3"), (3, ["/tmp", "lo", "libvirt", "lock", "netns"]))
            self.assertEqual(self.run_in(place, "ls /sys/class/net", network=True), (0, sorted(os.listdir("/sys/class/net"))))
            self.assertEqual(self.run_in(place, "kill -9 $$"), (128 + signal.SIGKILL, []))
            self.run_in(place, "echo > /etc/new")
            self.assertTrue((place / "etc/new").exists())
        self.assertFalse((root / "etc/new").exists())

    def test_nothing_outlives_the_command(self):
        with debian.copy_of(self.root(), self.folder()) as place:
            # It keeps the pipe's end that is waited for.
            self.assertEqual(self.run_in(place, "sleep 100000 & echo up"), (0, ["up"]))


# Whatever the machine's own apt is told, nothing answers here.
NO_MIRROR = """Dir::Etc::parts "/nonexistent"; Dir::Etc::main "/nonexistent";
Acquire::Retries "0"; Acquire::http::Proxy "http://127.0.0.1:9"; Acquire::https::Proxy "http://127.0.0.1:9";
"""


class Release(Base):
    def without_a_mirror(self, required):
        folder = self.folder()
        (folder / "apt.conf").write_text(NO_MIRROR, encoding="utf-8")
        environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "SCL_TEST_CACHE": str(folder), "SCL_TEST_REQUIRE": required}
        return subprocess.run([Path(__file__).with_name("debian-release"), "trixie"], env=environment, stdout=subprocess.PIPE, text=True,
                              check=False, timeout=scltest.bound(60))

    def test_no_mirror_is_a_skip_that_says_why(self):
        scltest.require((SOURCE / ".git").exists() and shutil.which("mmdebstrap"), "a clone, mmdebstrap")
        done = self.without_a_mirror("0")
        self.assertRegex(done.stdout, r"(?s)\nskipped: trixie: http\S+/dists/trixie/InRelease: \S.*\n0 passed, 0 failed, 1 skipped\n\Z")
        self.assertEqual(done.returncode, 0)

    def test_no_mirror_is_a_failure_where_nothing_may_be_missing(self):
        done = self.without_a_mirror("1")
        self.assertRegex(done.stdout, r"(?s)\n==== trixie: .*\n0 passed, 1 failed, 0 skipped\n\Z")
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    scltest.main()
