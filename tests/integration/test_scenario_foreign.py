#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Things of others with names that we want, two instances side by side, manifests that drop something.

The guests are never started (autoStart: false): names are enough.
"""

import re
from pathlib import Path

import scltest
from scltest import Lab, Libvirtd, procs
from scltest.scene import Scene, SharedCase
from test_sclctl_terminal import Terminal

DOMAIN = ("<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory>"
          "<os><type arch='x86_64' machine='q35'>hvm</type></os><description>foreign</description></domain>")


class Names(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = cls.share(Lab())
        cls.scl = cls.lab.host("scl", machine=True)
        cls.libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.scl))

    def setUp(self):
        folder = self.folder()
        self.scene = self.use(Scene(folder, self.libvirtd, self.scl))
        self.scene.network("default", tcp=["2222:192.168.20.2:22"])
        self.scene.vm("demo", "192.168.20.2/24", "192.168.20.1", autoStart=False)
        self.prefix = self.scene.ctl.prefix

    def links(self):
        return {line.split()[0].partition("@")[0] for line in self.scl.output(["ip", "-brief", "link"]).splitlines()}

    def namespaces(self):
        return {line.split()[0] for line in self.scl.output(["ip", "netns", "list"]).splitlines()}

    def refused(self, *words):
        """An apply that fails, and says each of these words; returns what it said."""
        done = self.scene.apply(check=None)
        self.assertIn(done.returncode, (1, 3), done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        return done.stderr

    def test_foreign_domain(self):
        name = self.scene.domain("demo")
        path = self.scene.file("foreign.xml", DOMAIN.format(name=name))
        self.libvirtd.virsh("define", path)
        self.addCleanup(self.libvirtd.virsh, "undefine", name, check=False)
        before = self.libvirtd.virsh("dumpxml", name)
        self.refused(name)
        self.assertEqual(self.libvirtd.virsh("dumpxml", name), before)

    def test_memory_of_the_host(self):
        """All of it, also where the NUMA nodes have less by their own count."""
        mib = int(re.search(r"MemTotal: +(\d+) kB", Path("/proc/meminfo").read_text())[1]) // 1024
        self.scene.vm("demo", "192.168.20.2/24", "192.168.20.1", autoStart=False, memorySize=mib + 1)
        self.refused(f"{mib + 1} MiB: the host has {mib} MiB")
        self.scene.vm("demo", "192.168.20.2/24", "192.168.20.1", autoStart=False, memorySize=mib)
        self.assertNotIn("the host has", self.scene.apply(check=0).stderr)

    def test_foreign_namespace(self):
        name = self.scene.namespace("default")
        self.scl.run(["ip", "netns", "add", name])
        self.addCleanup(self.scl.run, ["ip", "netns", "del", name], check=False)
        self.scl.run(["ip", "netns", "exec", name, "ip", "link", "add", "theirs", "type", "bridge"])
        self.refused(name)
        inside = self.scl.output(["ip", "netns", "exec", name, "ip", "-brief", "link"])
        self.assertEqual(sorted(line.split()[0] for line in inside.splitlines()), ["lo", "theirs"])
        self.assertNotIn(f"{self.prefix}u-default", self.links())

    def test_foreign_link(self):
        for name in (f"{self.prefix}u-default", f"{self.prefix}n-demo-0"):
            with self.subTest(link=name):
                self.scl.run(["ip", "link", "add", name, "type", "bridge"])
                self.addCleanup(self.scl.run, ["ip", "link", "del", name], check=False)
                before = self.scl.output(["ip", "-details", "link", "show", name])
                self.refused(name)
                self.assertEqual(self.scl.output(["ip", "-details", "link", "show", name]), before)
                self.scl.run(["ip", "link", "del", name])
        self.scene.apply()

    def test_foreign_nft_table(self):
        text = f"table inet {self.prefix} {{\n chain mine {{\n type filter hook input priority 5; policy accept;\n }}\n}}\n"
        self.scl.nft(text)
        self.addCleanup(self.scl.run, ["nft", "delete", "table", "inet", self.prefix], check=False)
        before = self.scl.output(["nft", "list", "table", "inet", self.prefix])
        self.refused(self.prefix)
        self.assertEqual(self.scl.output(["nft", "list", "table", "inet", self.prefix]), before)

    def test_foreign_volume_file(self):
        volumes = self.scene.ctl.home / "volumes"
        volumes.mkdir(parents=True)
        (volumes / "demo.raw").write_bytes(b"somebody's data" * 100)
        self.refused("demo.raw")
        self.assertEqual((volumes / "demo.raw").read_bytes(), b"somebody's data" * 100)

    def test_everything_goes_when_the_foreign_thing_is_gone(self):
        name = self.scene.namespace("default")
        self.scl.run(["ip", "netns", "add", name])
        self.refused(name)
        self.scl.run(["ip", "netns", "del", name])
        self.scene.apply()
        self.assertIn(name, self.namespaces())

    def test_leftover_of_a_reboot_is_no_namespace(self):
        """An empty regular file in /run/netns is what a crash leaves."""
        self.scl.run(["touch", f"/run/netns/{self.scene.namespace('default')}"])
        self.scene.apply()
        self.scl.run(["ip", "netns", "exec", self.scene.namespace("default"), "true"])

    def second(self):
        """Another instance with the same manifest."""
        folder = self.folder()
        other = self.use(Scene(folder, self.libvirtd, self.scl))
        other.manifest = self.scene.copy()
        return other

    def test_two_instances_side_by_side(self):
        other = self.second()
        other.manifest["networks"]["default"]["externalIP"] = "192.168.15.1"
        self.scene.apply()
        mine = self.state_of(self.scene)
        other.apply()
        self.assertEqual(self.state_of(self.scene), mine)
        self.assertLessEqual({self.scene.namespace("default"), other.namespace("default")}, self.namespaces())
        self.assertLessEqual({self.scene.domain("demo"), other.domain("demo")}, set(self.libvirtd.domains()))
        self.assertIn("nothing to do", self.scene.apply().stdout)
        other.apply({"networks": {"default": None}}, "--allow-empty", "--prune")
        self.assertEqual(self.state_of(self.scene), mine)
        self.assertNotIn(other.namespace("default"), self.namespaces())

    def state_of(self, scene):
        """What carries the instance's name, rule by rule."""
        inside = ["ip", "netns", "exec", scene.namespace("default")]
        return [self.scl.output(["nft", "-s", "list", "table", "inet", scene.ctl.prefix]),
                self.scl.output([*inside, "nft", "-s", "list", "ruleset"]),
                sorted(name for name in self.links() if name.startswith(scene.ctl.prefix)),
                self.libvirtd.virsh("dumpxml", "--inactive", scene.domain("demo"))]

    def test_two_instances_with_one_external_ip(self):
        self.scene.apply()
        mine = self.state_of(self.scene)
        done = self.second().apply(check=1)
        self.assertIn("192.168.10.1", done.stderr)
        self.assertEqual(self.state_of(self.scene), mine)

    def test_dropped_vm_is_refused_without_a_terminal(self):
        self.scene.apply()
        manifest = self.scene.copy()
        manifest["virtualMachines"] = {}
        done = self.scene.apply({**manifest, "networks": {"default": None}}, "--allow-empty", check=3)
        # Nothing of what waits for the removal: that would be removed, too.
        self.assertEqual(done.stderr.splitlines(), ['sclctl: VM "demo", network "default": not removed, though no longer declared; '
                                                    '"apply --prune" removes it'])
        self.assertIn(self.scene.domain("demo"), self.libvirtd.domains())
        self.scene.apply(manifest, "--prune")
        self.assertNotIn(self.scene.domain("demo"), self.libvirtd.domains())
        self.assertTrue((self.scene.ctl.home / "volumes/demo.raw").exists())
        # And back: the volume is taken again, not copied anew.
        before = (self.scene.ctl.home / "volumes/demo.raw").stat().st_ino
        self.scene.apply()
        self.assertEqual((self.scene.ctl.home / "volumes/demo.raw").stat().st_ino, before)

    def test_dropped_vm_is_asked_about_on_a_terminal(self):
        self.scene.apply()
        manifest = self.scene.copy()
        manifest["virtualMachines"] = {}
        ctl = self.scene.ctl
        for keys, status, left in (("k\n", 3, True), ("n\n", 1, True), ("y\n", 0, False)):
            with self.subTest(keys=keys):
                terminal = Terminal(self.scl.argv(ctl.argv("apply", "-f", self.scene.write(manifest))))
                with terminal:
                    terminal.expect(r'This removes VM "demo"')
                    terminal.type(keys)
                    self.assertEqual(terminal.end(), status, terminal.text)
                self.assertEqual(self.scene.domain("demo") in self.libvirtd.domains(), left)

    def test_locked_instance_names_the_holder(self):
        self.scene.vm("demo", "192.168.20.2/24", "192.168.20.1", autoStart=False, shutdownTimeout=30)
        self.scene.apply()
        # A stop that waits for a guest that does not listen holds the lock.
        self.scene.ctl.run("vm", "start", "demo", check=0)
        manifest = self.scene.copy()
        manifest["virtualMachines"] = {}
        holder = self.scene.ctl.start("apply", "-v", "-f", self.scene.write(manifest), "--prune", stdout=-1, stderr=-2, text=True)
        self.addCleanup(holder.stdout.close)
        seen = ""
        while "delete VM" not in seen:
            line = holder.stdout.readline()
            self.assertTrue(line, seen)
            seen = line
        done = self.scene.ctl.run("--timeout", "0", "apply", "-f", self.scene.write(manifest), "--prune")
        self.assertEqual(done.returncode, 75, done.stdout + done.stderr)
        self.assertIn(str(holder.pid), done.stderr)
        procs.end(holder.pid)
        holder.wait()


if __name__ == "__main__":
    scltest.main()
