#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units of the NixOS module on a host that really boots systemd, with libvirtd and tiny guests.

The units are those of nix/units.nix, rendered by tests/nix/render-units.nix for systemd-host/*.nix. The
renderings are committed, since CI has no nixpkgs; SCL_TEST_UPDATE=1 with SCL_NIXPKGS_LIB writes them.
"""

import json
import os
import re
import shutil
import sys

import scltest
from scltest import Lab, net, tiny_image
from scltest.guest import SOURCE, user_script
from scltest.scene import SharedCase
from scltest.systemd_host import SystemdHost, until

sys.path.insert(0, str(SOURCE / "tests/nix"))
import nixtest  # noqa: E402

HERE = SOURCE / "tests/lab/systemd-host"
RENDERINGS = ("configuration", "changed")
SCRIPT = "/usr/local/libexec/scl/scl-service"
EXTERNAL, OUTSIDE = "192.168.10.1", "10.77.0.50"
PORTS = {"demo": 2222, "spare": 2223, "extra": 2224}
BUTTON = "POWER-BUTTON"
# Port 22 and 80 are shells. The image's own reaction to the power button says nothing.
GUEST = """\
ip link set eth0 up
ip address add 192.168.20.{number}/24 dev eth0
ip route add default via 192.168.20.1
printf '#!/bin/sh\\necho {button} > /dev/ttyS0\\nsync\\npoweroff -f\\n' > /etc/acpi/PWRF/00000080
for port in 22 80; do nc -ll -p $port -e /bin/sh > /dev/null 2>&1 & done
"""


def committed(name):
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def rendering(name):
    """The committed one, with the script of the tree."""
    found = committed(name)
    found["files"][SCRIPT] = (SOURCE / "nix/scl-service.sh").read_text(encoding="utf-8")
    return found


class Renderings(scltest.TestCase):
    def test_parse(self):
        done = nixtest.run("--parse", *map(str, HERE.glob("*.nix")))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_are_those_of_the_module(self):
        for name in RENDERINGS:
            fresh = nixtest.evaluate(f"import ./render-units.nix {{ nixpkgs = {nixtest.nixpkgs()}; "
                                     f"configuration = {HERE}/{name}.nix; }}")
            del fresh["files"][SCRIPT]
            if nixtest.updating():
                (HERE / f"{name}.json").write_text(json.dumps(fresh, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            self.assertEqual(committed(name), fresh, f"{name}.json (SCL_TEST_UPDATE=1 writes it)")


class Host(SharedCase):
    """The cases go by name: the first sees the first boot, the last ones reboot. Each begins with demo on and spare off."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scltest.require(shutil.which("systemd-nspawn"), "systemd-nspawn (systemd-container)")
        cls.lab = cls.share(Lab())
        lan = cls.lab.wire("lan")
        client = cls.lab.host("client").plug(lan, "eth0", f"{OUTSIDE}/24")
        cls.share(net.Echo(client, OUTSIDE, 7))
        cls.host = cls.share(SystemdHost(cls.lab, cls.dir, lan, "10.77.0.2/24", OUTSIDE))
        cls.furnish()
        cls.host.boot()

    @classmethod
    def furnish(cls):
        host = cls.host
        host.disk.install(os.environ.get("SCL_BUILD_DIR", str(SOURCE / "build")), "/usr/local")
        state = cls.dir / "state"
        state.mkdir()
        host.binds = {"/var/lib/scl": state, "/srv/tiny.raw": tiny_image()}
        for number, name in enumerate(PORTS, 2):
            host.write(f"/srv/{name}.user", user_script(GUEST.format(number=number, button=BUTTON)))
        host.activate(rendering("configuration"))

    def setUp(self):
        self.since = ["-b"]
        if "test_0" in self.id():
            return
        if self.host.rendering != rendering("configuration"):
            self.assertEqual(self.host.switch(rendering("configuration")), [])
        # Whatever a case that failed has left.
        self.host.systemctl("start" if self.vm("demo") == "running" else "restart", "vm-demo")
        self.host.systemctl("stop", "vm-spare")
        self.boot = self.boot_of("demo")
        self.since = ["--after-cursor", self.host.cursor()]

    def tearDown(self):
        """tap-run shows it if the case failed."""
        if self.host.leader is not None:
            print(f"\n---- {self.id()}", *self.host.messages(*self.since), sep="\n", file=sys.stderr)

    # Guests

    def ask(self, name, command, port=None):
        return net.tcp(self.host, EXTERNAL, port or PORTS[name], f"{command}\n".encode(), seconds=scltest.bound(20)).strip()

    def boot_of(self, name, other_than=None, port=None):
        """The boot ID of a guest that answers by its forward; other_than: of its next boot."""
        def answer():
            words = self.ask(name, "echo $(hostname | tr -d '\"') $(cat /proc/sys/kernel/random/boot_id)", port).split()
            return len(words) == 2 and words[0] == name and words[1] != other_than and words[1]

        return until(answer, f"answer of {name}", 60)

    def vm(self, name):
        """The state that sclctl knows; None: there is no such VM."""
        return {vm["name"]: vm["state"] for vm in json.loads(self.host.output(["sclctl", "-o", "json", "vm", "list"]))}.get(name)

    def assert_on(self, name):
        self.host.settle()
        self.assertEqual((self.vm(name), self.host.state(f"vm-{name}")), ("running", "active"))

    def assert_off(self, name):
        self.host.settle()
        self.assertEqual((self.vm(name), self.host.state(f"vm-{name}")), ("stopped", "inactive"))
        self.assertEqual(self.host.show(f"vm-{name}", "Result"), "success")

    def assert_button(self, name, pressed=True):
        lines = self.host.messages("-u", f"vm-{name}", *self.since)
        self.assertEqual(any(BUTTON in line for line in lines), pressed, "\n".join(lines[-20:]))

    # Boot

    def test_01_boot_starts_what_is_to_run(self):
        active = {unit: self.host.state(unit) for unit in ("scl.target", "scl.service", "vm-network-default", "vm-demo", "vm-spare")}
        self.assertEqual(active, {"scl.target": "active", "scl.service": "active", "vm-network-default": "active",
                                  "vm-demo": "active", "vm-spare": "inactive"})
        self.assertEqual(self.host.show("scl", "SubState"), "exited")
        self.boot_of("demo")
        self.assertEqual((self.vm("demo"), self.vm("spare")), ("running", "stopped"))
        self.assertEqual(self.host.output(["systemctl", "list-units", "--failed", "--plain", "--no-legend"]), "")

    def test_02_boot_leaves_the_guests_console_in_the_journal(self):
        self.host.wait_journal("vm-demo", "TINY-GUEST READY")

    def test_03_systemd_verifies_the_units(self):
        done = self.host.run(["systemd-analyze", "verify", "--man=no", *rendering("configuration")["units"]])
        self.assertEqual([line for line in done.stderr.splitlines() if re.search(r"scl|vm-", line)], [])

    # Power

    def test_10_stopped_stays_off(self):
        self.host.systemctl("stop", "vm-demo")
        self.assert_off("demo")
        self.assert_button("demo")
        for words in (["reload", "scl"], ["start", "scl.target"], ["start", "multi-user.target"]):
            self.host.systemctl(*words)
            self.assert_off("demo")

    def test_11_started_again(self):
        self.host.systemctl("stop", "vm-demo")
        self.host.systemctl("start", "vm-demo")
        self.boot_of("demo", other_than=self.boot)
        self.assert_on("demo")

    def test_12_a_vm_without_auto_start_is_started_and_stopped(self):
        self.host.systemctl("start", "vm-spare")
        self.boot_of("spare")
        self.assert_on("spare")
        self.host.systemctl("stop", "vm-spare")
        self.assert_off("spare")
        self.assert_button("spare")

    def power_off_inside(self, name):
        self.ask(name, "sync; poweroff -f")
        self.host.wait_state(f"vm-{name}", "inactive")
        self.assert_off(name)

    def test_13_a_guest_that_powers_itself_off_stays_off(self):
        self.power_off_inside("demo")
        self.assert_button("demo", pressed=False)
        self.host.systemctl("reload", "scl")
        self.assert_off("demo")

    def test_14_a_killed_qemu_is_started_again(self):
        pid = self.host.output(["cat", "/run/libvirt/qemu/demo.pid"]).strip()
        before = self.host.show("vm-demo", "NRestarts")
        self.host.run(["kill", "-KILL", pid])
        self.boot_of("demo", other_than=self.boot)
        self.assert_on("demo")
        self.assertEqual(int(self.host.show("vm-demo", "NRestarts")), int(before) + 1)

    def test_15_a_restart_of_the_vm_is_no_end_of_the_unit(self):
        before = self.host.show("vm-demo", "MainPID", "NRestarts", "InvocationID")
        self.host.run(["sclctl", "vm", "restart", "demo"])
        self.boot_of("demo", other_than=self.boot)
        self.assert_on("demo")
        self.assertEqual(self.host.show("vm-demo", "MainPID", "NRestarts", "InvocationID"), before)
        self.power_off_inside("demo")

    def assert_goes_on(self):
        """Without a reboot; the unit may have been started again meanwhile."""
        until(lambda: self.host.state("vm-demo") == "active" and self.vm("demo") == "running", "vm-demo is active", 60)
        self.assert_on("demo")
        self.assertEqual(self.boot_of("demo"), self.boot)

    def test_16_a_restarted_libvirtd_takes_no_guest_down(self):
        self.host.systemctl("restart", "libvirtd")
        self.assert_goes_on()
        self.host.systemctl("stop", "vm-demo")
        self.assert_off("demo")
        self.assert_button("demo")

    def test_17_a_killed_libvirtd_takes_no_guest_down(self):
        self.host.systemctl("kill", "--signal=KILL", "--kill-who=main", "libvirtd")
        self.host.wait_state("libvirtd", "active")
        self.assert_goes_on()
        self.host.systemctl("stop", "vm-demo")
        self.assert_off("demo")
        self.assert_button("demo")

    def test_18_a_guest_that_powers_itself_off_after_a_restart_of_libvirtd(self):
        self.host.systemctl("restart", "libvirtd")
        self.assert_goes_on()
        self.power_off_inside("demo")

    def test_19_the_target_stops_and_starts_everything(self):
        self.host.systemctl("stop", "scl.target")
        self.assert_off("demo")
        self.assert_button("demo")
        self.assertEqual([self.host.state(unit) for unit in ("scl", "vm-network-default")], ["inactive", "inactive"])
        self.host.systemctl("start", "scl.target")
        self.boot_of("demo", other_than=self.boot)
        self.assert_on("demo")

    # Rebuild

    def test_20_a_rebuild_with_a_changed_manifest(self):
        main = self.host.show("vm-demo", "MainPID")
        self.assertEqual(self.host.switch(rendering("changed")), [])
        self.assertEqual(self.boot_of("demo", port=2280), self.boot)
        self.assertEqual(self.host.show("vm-demo", "MainPID", "TimeoutStopUSec"), [main, "1min 10s"])
        self.boot_of("extra")
        self.assert_on("extra")
        self.assertEqual(self.vm("spare"), None)

    def test_21_a_rebuild_without_a_running_vm(self):
        self.assertEqual(self.host.switch(rendering("changed")), [])
        self.boot_of("extra")
        self.assertEqual(self.host.switch(rendering("configuration")), [])
        self.assert_button("extra")
        self.assertEqual((self.vm("extra"), self.host.show("vm-extra", "LoadState", "Result")), (None, ["not-found", "success"]))
        self.assertTrue((self.dir / "state/volumes/extra.raw").is_file())
        self.assertEqual(self.boot_of("demo"), self.boot)

    def test_22_a_rebuild_leaves_off_what_is_off(self):
        self.host.systemctl("stop", "vm-demo")
        self.assertEqual(self.host.switch(rendering("changed")), [])
        self.assert_off("demo")
        self.boot_of("extra")

    def test_23_a_manifest_with_an_error_changes_nothing(self):
        before = self.host.show("vm-demo", "MainPID", "InvocationID")
        self.addCleanup(self.host.activate, rendering("configuration"))
        manifest = json.loads(self.host.read("/etc/ctrl-os/vms.json"))
        manifest["virtualMachines"]["demo"]["network"] = "nowhere"
        self.host.write("/etc/ctrl-os/vms.json", json.dumps(manifest))
        done = self.host.systemctl("reload", "scl", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nowhere", "\n".join(self.host.messages("-u", "scl", *self.since)))
        self.assertEqual(self.host.state("scl"), "active")
        self.assert_on("demo")
        self.assertEqual((self.boot_of("demo"), self.host.show("vm-demo", "MainPID", "InvocationID")), (self.boot, before))

    # Firewall

    def way_out(self):
        """How the guest is seen by a host behind the uplink."""
        return self.ask("demo", f"echo hi | nc -w 2 {OUTSIDE} 7")

    def test_30_a_flushed_and_restarted_firewall_has_the_rules_again(self):
        self.assertIn("from 10.77.0.2 ", until(self.way_out, "way out", 20))
        self.host.run(["nft", "flush", "ruleset"])
        self.assertNotIn("from", self.way_out())
        self.host.systemctl("restart", "nftables")
        self.host.settle()
        self.assertIn("from 10.77.0.2 ", until(self.way_out, "way out", 20))
        self.assertIn("table inet filter", self.host.output(["nft", "list", "tables"]))
        self.assertEqual(self.boot_of("demo"), self.boot)

    def test_31_a_reloaded_firewall_has_the_rules_again(self):
        self.host.systemctl("reload", "nftables")
        self.host.settle()
        self.assertIn("from 10.77.0.2 ", until(self.way_out, "way out", 20))

    # Reboot

    def shutdown(self):
        """Power off and boot; returns a function that gives the place, in the journal of the shutdown, of the first
        line of a unit, or about it, with a text."""
        cursor = self.host.cursor()
        self.host.power_off()
        self.host.boot()
        entries = self.host.journal("--after-cursor", cursor)

        def place(unit, text):
            found = [number for number, entry in enumerate(entries) if text in entry["MESSAGE"]
                     and f"{unit}.service" in (entry.get("_SYSTEMD_UNIT"), entry.get("UNIT"))]
            self.assertTrue(found, f"no {text!r} of {unit} at shutdown")
            return found[0]

        return place

    def test_90_guests_are_shut_down_before_libvirtd(self):
        self.host.run(["sclctl", "vm", "start", "spare"])
        self.boot_of("spare")
        self.assertEqual(self.host.state("vm-spare"), "inactive")
        log = self.dir / "state/vms/spare/console.log"
        before = log.stat().st_size
        place = self.shutdown()
        order = [place("vm-demo", "Stopping"), place("vm-demo", BUTTON), place("vm-demo", "Stopped"),
                 place("scl", "Stopping"), place("scl", 'VM "spare"'), place("scl", "Stopped")]
        self.assertEqual(order, sorted(order))
        for unit in ("libvirt-guests", "libvirtd"):
            self.assertGreater(place(unit, "Stopping"), order[-1])
        # It had no unit, and was left to scl.service.
        self.assertIn(BUTTON.encode(), log.read_bytes()[before:])
        self.boot_of("demo", other_than=self.boot)
        self.assert_on("demo")
        self.assert_off("spare")

    def test_91_auto_start_wins_over_a_stop_before_the_reboot(self):
        self.host.systemctl("stop", "vm-demo")
        self.shutdown()
        self.boot_of("demo", other_than=self.boot)
        self.assert_on("demo")
        self.assert_off("spare")


if __name__ == "__main__":
    scltest.main()
