#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units that the module makes: their text, what a rebuild does to them, and the flaws that they must not have."""

import os
import re
import shutil
import subprocess

import nixtest
import scltest
import wrong
from nixtest import SOURCE, anonymous, check_golden, module
from scltest.tap import require

BASE = wrong.vm("cores = 2; memorySize = 2048;") + 'gatewayInterface = "eth0";'
HARDWARE = ("cores = 8;", "memorySize = 4096;", "imageSize = 9000;", 'mac = "52:54:00:00:00:09";', 'firmware = "bios";',
            'accelerator = "tcg";', 'onChange = "restart";', 'cloudInitUserConfigFile = "/u.yaml";', "autoStart = false;")


def render(text, *others, package="/usr/local"):
    """The rendered units of ctrl-os.vms = { TEXT } beside other modules."""
    modules = " ".join(f"({other})" for other in (f"{{ ctrl-os.vms = {{ {text} }}; }}", *others))
    return nixtest.evaluate(f"""import ./render-units.nix {{ nixpkgs = {nixtest.nixpkgs()}; package = "{package}";
                                  configuration = {{ imports = [ {modules} ]; }}; }}""")


def units(text, *others):
    return render(text, *others)["units"]


def without_trigger(unit):
    return re.sub(r"X-Reload-Triggers=.*\n", "", unit)


def changed(before, after):
    """Names of the units that differ: what a rebuild would look at."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


class Text(scltest.TestCase):
    def test_golden(self):
        found = render(BASE + wrong.net(wrong.OTHER, "dmz") + wrong.vm('network = "dmz"; autoStart = false; shutdownTimeout = 200;', "b"),
                       "{ networking.nftables.enable = true; virtualisation.docker.enable = true; }")
        text = "".join(f"### {name}\n{unit}\n" for name, unit in sorted(found["units"].items()))
        links = "".join(f"{link} -> {to}\n" for link, to in sorted(found["links"].items()))
        check_golden(self, "units.txt", anonymous(f"{text}### links\n{links}"))

    def test_systemd_understands_them(self):
        require(shutil.which("systemd-analyze") is not None, "systemd-analyze is not installed")
        folder = self.folder()
        for program in ("bin/sclctl", "libexec/scl/scl-service"):
            path = folder / "usr" / program
            path.parent.mkdir(parents=True)
            path.write_text("#!/bin/sh\n", encoding="utf-8")
            path.chmod(0o755)
        found = render(BASE, "{ networking.nftables.enable = true; }", package=str(folder / "usr"))
        self.assertEqual(self.complaints(folder, found["units"]), [])
        broken = found["units"]["vm-demo.service"].replace("Restart=", "restart=")
        self.assertTrue(self.complaints(folder, {"vm-demo.service": broken}), "this test sees nothing")

    @staticmethod
    def complaints(folder, texts):
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *(folder / name for name in texts)], capture_output=True,
                              text=True, timeout=scltest.bound(60), check=False, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"})
        return [line for line in done.stderr.splitlines() if str(folder) in line or re.match(r"(scl|vm-)", line)]

    def test_uri_is_one_word_for_systemd(self):
        unit = units(BASE + 'hypervisor = "qemu+unix:///system?socket=/run/a b&c"; stateDir = "/srv/a+b";')["scl.service"]
        self.assertIn('Environment="SCL_URI=local:?hypervisor=qemu%%2Bunix:///system%%3Fsocket%%3D/run/a%%20b%%26c'
                      '&state=/srv/a%%2Bb"\n', unit)
        shell = module("config.environment.sessionVariables", '{ ctrl-os.vms = { stateDir = "/srv/vms"; gatewayInterface = "e"; }; }')
        self.assertEqual(shell, {"SCL_URI": "local:?hypervisor=qemu:///system&state=/srv/vms"})
        self.assertEqual(module("config.environment.sessionVariables", '{ ctrl-os.vms.gatewayInterface = "e"; }'), {})

    def test_no_mount_namespace(self):
        """Names of network namespaces made in one would be seen by nobody else."""
        forbidden = re.compile(r"^(Private(?!Users)|Protect|ReadOnly|ReadWrite|Inaccessible|Bind|Mount|RootDir|Temporary|ProcSubset)", re.M)
        for name, text in units(BASE).items():
            self.assertFalse(forbidden.search(text.partition("[Service]")[2]), name)


class Rebuild(scltest.TestCase):
    def test_hardware_changes_no_unit_but_by_reload(self):
        """Also: memory and cores have no restart in store, as the original's had."""
        before = units(BASE)
        for change in HARDWARE:
            after = units(BASE.replace(wrong.IMAGE, wrong.IMAGE + change).replace("cores = 2;", "" if "cores" in change else "cores = 2;")
                          .replace("memorySize = 2048;", "" if "memory" in change else "memorySize = 2048;"))
            with self.subTest(change):
                self.assertEqual(changed(before, after), {"scl.service"})
                self.assertEqual(*[without_trigger(each["scl.service"]) for each in (before, after)])

    def test_scl_service_reloads(self):
        unit = units(BASE)["scl.service"]
        self.assertIn("X-ReloadIfChanged=true\n", unit)
        self.assertRegex(unit, r"X-Reload-Triggers=/nix/store/.*vms\.json\n")
        self.assertNotIn("X-RestartIfChanged", unit)

    def test_vm_units_are_never_restarted(self):
        unit = units(BASE)["vm-demo.service"]
        self.assertIn("X-RestartIfChanged=false\nX-StopIfChanged=false\n", unit)
        self.assertNotIn("X-StopOnRemoval", unit, "the unit of a removed VM is to be stopped before scl.service removes the VM")

    def test_removed_vm_is_stopped_before_it_is_removed(self):
        unit = units(BASE)["vm-demo.service"]
        self.assertIn("vm attach demo --start --stop-on-term\n", unit)
        self.assertIn("KillMode=mixed\n", unit)
        self.assertIn("TimeoutStopSec=120\n", unit)
        self.assertNotIn("vm-demo.service", units('gatewayInterface = "eth0";'))

    def test_shutdown_is_ordered(self):
        """What starts after is stopped before: guests, then scl.service, then what would suspend or cut them."""
        found = units(BASE + wrong.vm("shutdownTimeout = 300;", "slow"))
        after = {name: set(re.search(r"^After=(.*)$", found[name], re.M)[1].split()) for name in ("scl.service", "vm-demo.service")}
        self.assertLessEqual({"libvirtd.service", "libvirt-guests.service", "scl.service", "vm-network-default.service"},
                             after["vm-demo.service"])
        self.assertLessEqual({"libvirtd.service", "libvirt-guests.service", "network.target"}, after["scl.service"])
        self.assertIn("TimeoutStopSec=330\n", found["scl.service"])

    def test_firewall_gives_our_rules_back(self):
        for text, unit in (("", "firewall"), ("networking.nftables.enable = true;", "nftables"),
                           ("virtualisation.docker.enable = true;", "docker")):
            found = render(BASE, f"{{ {text} }}")
            self.assertRegex(found["units"]["scl.service"], rf"ReloadPropagatedFrom=.*{unit}\.service")
            self.assertRegex(found["units"]["scl.service"], rf"After=.*{unit}\.service")
            self.assertIn(f"{unit}.service.wants/scl-firewall.service", found["links"])
            self.assertIn("try-reload-or-restart --no-block scl.service", found["units"]["scl-firewall.service"])
        self.assertNotIn("scl-firewall.service", units(BASE, "{ networking.firewall.enable = false; }"))

    def test_units_of_another_hypervisor(self):
        found = module("{ inherit (config.virtualisation.libvirtd) enable; after = config.systemd.services.vm-demo.after; }",
                       f'{{ ctrl-os.vms = {{ {BASE} hypervisor = "test:///default"; }}; }}')
        self.assertFalse(found["enable"])
        self.assertNotIn("libvirtd.service", found["after"])


class Host(scltest.TestCase):
    def test_golden(self):
        wanted = """{ inherit (config) boot networking virtualisation; inherit (config.systemd) network;
                      etc = builtins.attrNames config.environment.etc; }"""
        found = module(wanted, f"{{ ctrl-os.vms = {{ {BASE} }}; networking.nftables.enable = true; networking.firewall.filterForward = true; }}")
        check_golden(self, "host.json", found)

    def test_everything_gives_way_to_the_user(self):
        found = module("{ inherit (config.networking.firewall) checkReversePath; inherit (config.virtualisation.libvirtd) qemu enable; }",
                       f"""{{ ctrl-os.vms = {{ {BASE} }}; networking.firewall.checkReversePath = false;
                              virtualisation.libvirtd = {{ enable = false; qemu.runAsRoot = true; }}; }}""")
        self.assertEqual(found, {"checkReversePath": False, "enable": False, "qemu": {"runAsRoot": True}})

    def test_without_an_uplink_routing_is_left_alone(self):
        found = module("[ config.networking.firewall.checkReversePath config.systemd.network.config.networkConfig ]",
                       f"{{ ctrl-os.vms = {{ {wrong.vm()} }}; }}")
        self.assertEqual(found, [True, {}])

    def test_link_names_are_those_of_the_library(self):
        names = (SOURCE / "libscl/model/scl-names.c").read_text(encoding="utf-8")
        self.assertIn('"%s%c-%s"', names, "host.nix matches PREFIX + kind + '-'")
        kinds = re.findall(r"SCL_LINK_[A-Z]+ = '(.)'", (SOURCE / "libscl/model/scl-names-private.h").read_text(encoding="utf-8"))
        self.assertEqual(kinds, ["u", "n", "m"], "host.nix knows these; the uplink's is in extraForwardRules")


class Flaws(scltest.TestCase):
    """What users of the original ctrl-os.vms ran into."""

    def manifest(self, text):
        return module("config.ctrl-os.vms.manifest", f"{{ ctrl-os.vms = {{ {text} }}; }}")

    def test_cores_and_memory_may_be_left_out(self):
        demo = self.manifest(wrong.vm())["virtualMachines"]["demo"]
        self.assertEqual((demo["cores"], demo["memorySize"]), (1, 1024))

    def test_network_with_udp_forwards_only(self):
        default = self.manifest(wrong.net('allowedUDPPorts = [ "53:192.168.20.2:53" ];') + wrong.vm())["networks"]["default"]
        self.assertEqual((default["allowedTCPPorts"], default["allowedUDPPorts"]), ([], ["53:192.168.20.2:53"]))

    def test_network_config_without_user_config(self):
        demo = self.manifest(wrong.vm('cloudInitNetworkConfigFile = "/n.yaml";'))["virtualMachines"]["demo"]
        self.assertEqual((demo["cloudInitNetworkConfigFile"], "cloudInitUserConfigFile" in demo), ("/n.yaml", False))

    def test_keys_of_units_are_spelt_as_systemd_spells_them(self):
        """And what is meant to bring something back is in a unit that ends: a network has no process that could get lost."""
        for name, text in units(BASE).items():
            keys = re.findall(r"^([^=\[#]+)=", text, re.M)
            self.assertFalse([key for key in keys if not re.fullmatch(r"(X-)?[A-Z][A-Za-z-]*", key)], name)
        self.assertIn("Restart=on-failure\n", units(BASE)["vm-demo.service"])

    def test_external_ip_stays_when_something_else_is_set(self):
        for text in ("", wrong.net('allowedTCPPorts = [ "2222:192.168.20.2:22" ];'), wrong.net('gatewayIP = "10.0.0.1";')):
            self.assertEqual(self.manifest(text + wrong.vm())["networks"]["default"]["externalIP"], "192.168.10.1")

    def test_new_image_size_is_applied(self):
        before, after = units(BASE), units(BASE.replace(wrong.IMAGE, wrong.IMAGE + "imageSize = 9000;"))
        self.assertEqual(changed(before, after), {"scl.service"})

    def test_new_image_is_no_new_disk(self):
        """The volume is the VM's by name: nothing of the image is in the name of anything."""
        before, after = units(BASE), units(BASE.replace("/i.raw", "/new.raw"))
        self.assertEqual(changed(before, after), {"scl.service"})
        self.assertEqual(list(self.manifest(BASE.replace("/i.raw", "/new.raw"))["virtualMachines"]), ["demo"])

    def test_move_to_another_network_stops_nothing(self):
        other = wrong.net(wrong.OTHER, "dmz")
        before = units(BASE + other)
        after = units(BASE.replace(wrong.IMAGE, wrong.IMAGE + 'network = "dmz";') + other)
        self.assertEqual(changed(before, after), {"scl.service", "vm-demo.service"})
        self.assertIn("X-RestartIfChanged=false\n", after["vm-demo.service"])

    def test_change_of_hardware_is_no_power_cycle(self):
        after = units(BASE.replace("cores = 2;", "cores = 4;"))
        self.assertEqual(changed(units(BASE), after), {"scl.service"})

    def test_change_of_a_forward_stops_no_vm(self):
        after = units(BASE + wrong.net('allowedTCPPorts = [ "2222:192.168.20.2:22" ];'))
        self.assertEqual(changed(units(BASE), after), {"scl.service"})
        for name, text in after.items():
            self.assertFalse(re.search(r"^(Requires|BindsTo|Requisite)=", text, re.M), f"{name} would be stopped with another unit")

    def test_guest_that_powers_itself_off_stays_off(self):
        """Attach ends with 0, so nothing starts it again. No target wants the unit: a rebuild starts all targets."""
        found = render(BASE)
        self.assertIn("Restart=on-failure\n", found["units"]["vm-demo.service"])
        self.assertNotIn("RemainAfterExit", found["units"]["vm-demo.service"])
        wanted = [link for link in found["links"] if link.endswith("/vm-demo.service")]
        self.assertEqual(wanted, [])

    def test_mistakes_are_found(self):
        names = {name for name, *_ in wrong.CHECKS + wrong.TYPES}
        self.assertLessEqual({"undefined network", "names of VMs that differ in case", "another network is null",
                              "one external IP for two networks", "forward without an address"}, names)

    def test_long_names_are_no_mistake(self):
        long = "a-name-of-a-vm-that-no-interface-could-have"
        self.assertIn(f"vm-{long}.service", units(wrong.vm(name=long)))


class Script(scltest.TestCase):
    """nix/scl-service.sh with programs that write down how they were called."""

    def setUp(self):
        self.place = self.folder()
        self.mark = self.place / "started"
        self.program("systemctl", 'echo "systemctl $*" >>"$CALLS"')
        self.status(0)

    def program(self, name, text):
        path = self.place / name
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def status(self, number):
        self.program("sclctl", f'''echo "sclctl $*" >>"$CALLS"
case "$*" in *"vm list"*) echo a; echo c ;; apply*) exit {number} ;; esac''')

    def call(self, verb):
        calls = self.place / "calls"
        calls.write_text("", encoding="utf-8")
        done = subprocess.run(["sh", SOURCE / "nix/scl-service.sh", verb, "/m.json"], capture_output=True, text=True, timeout=scltest.bound(30),
                              check=False, env={**os.environ, "PATH": f"{self.place}:{os.environ['PATH']}", "CALLS": str(calls),
                                                "SCL_STARTED_MARK": str(self.mark)})
        return done.returncode, calls.read_text(encoding="utf-8").splitlines()

    APPLY = "sclctl apply --timeout 600 --prune --allow-empty"
    ATTACH = ["sclctl vm list --running -q", "systemctl start --no-block vm-a.service", "systemctl start --no-block vm-c.service"]

    def test_boot_then_reload(self):
        self.assertEqual(self.call("start"), (0, [f"{self.APPLY} --boot -f /m.json", *self.ATTACH]))
        self.assertEqual(self.call("reload"), (0, [f"{self.APPLY} -f /m.json", *self.ATTACH]))

    def test_stop_then_start_is_like_a_boot(self):
        self.call("start")
        self.assertEqual(self.call("stop"), (0, ["sclctl vm stop --all"]))
        self.assertEqual(self.call("start")[1][0], f"{self.APPLY} --boot -f /m.json")

    def test_partial_start_is_a_failure_that_leaves_units_and_wishes_alone(self):
        self.status(3)
        self.assertEqual(self.call("start"), (3, [f"{self.APPLY} --boot -f /m.json", *self.ATTACH]))
        self.status(0)
        self.assertEqual(self.call("start")[1][0], f"{self.APPLY} -f /m.json", "a rebuild starts what has failed, and it is no boot")

    def test_start_that_did_nothing_is_tried_again_as_a_boot(self):
        self.status(1)
        self.assertEqual(self.call("start")[0], 1)
        self.assertEqual(self.call("start")[1][0], f"{self.APPLY} --boot -f /m.json")

    def test_failed_reload_fails(self):
        self.status(1)
        self.assertEqual(self.call("reload")[0], 1)

    def test_wrong_verb(self):
        self.assertEqual(self.call("frobnicate"), (64, []))


if __name__ == "__main__":
    scltest.main()
