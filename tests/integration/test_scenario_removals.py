#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What volume delete, volume prune and the removal of a VM must leave: files that SCL did not make, and files that any
domain of the hypervisor uses, whoever defined it and however it names them.
"""

import json
import os
import subprocess
from xml.sax.saxutils import quoteattr

import scltest
from scltest import Lab, Libvirtd
from scltest.scene import Scene, SharedCase

DOMAIN = ("<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory>"
          "<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>"
          "<disk type='file' device='{device}'><driver name='qemu' type='{format}'/><source file='{path}'/>"
          "<target dev='sda' bus='sata'/>{rest}</disk></devices></domain>")


IN_POOL = ("<domain type='qemu'><name>pooled</name><memory unit='MiB'>32</memory>"
           "<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>"
           "<disk type='volume' device='disk'><driver name='qemu' type='raw'/><source pool='removals' volume='demo.raw'/>"
           "<target dev='sda' bus='sata'/></disk></devices></domain>")
AS_ARGUMENT = ("<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>handed</name>"
               "<memory unit='MiB'>32</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>"
               "<qemu:commandline><qemu:arg value='-drive'/>"
               "<qemu:arg value='file={path},format=raw,if=virtio'/></qemu:commandline></domain>")

HANDED = ("<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>handed</name>"
          "<memory unit='MiB'>32</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>"
          "<qemu:commandline>{arguments}</qemu:commandline></domain>")

SHARING = ("<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>sharing</name>"
           "<memory unit='MiB'>32</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>{share}</domain>")


class Removals(SharedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scl = cls.share(Lab()).host("scl", machine=True)
        cls.libvirtd = cls.share(Libvirtd(cls.dir / "lv", cls.scl))

    def setUp(self):
        self.dir = self.folder()
        self.scene = self.use(Scene(self.dir, self.libvirtd, self.scl))
        self.scene.network("default")
        for name in ("demo", "other"):
            self.scene.vm(name, "192.168.20.2/24", "192.168.20.1", autoStart=False)
        self.ctl = self.scene.ctl
        self.volumes = self.ctl.home / "volumes"
        self.scene.apply()

    def leave_volumes(self):
        """The VMs go, their volumes stay."""
        manifest = self.scene.copy()
        manifest["virtualMachines"] = {}
        self.scene.apply(manifest, "--prune")

    def define(self, name, path, kind="raw", device="disk", rest="", verb="define"):
        text = DOMAIN.format(name=name, path=path, format=kind, device=device, rest=rest)
        self.libvirtd.virsh(verb, self.scene.file(f"{name}.xml", text))
        # Before the scene's own end.
        self.addCleanup(self.libvirtd.virsh, "undefine", name, check=False)
        self.addCleanup(self.libvirtd.virsh, "destroy", name, check=False)

    def files(self):
        return sorted(path.name for path in self.volumes.iterdir())

    def assert_kept(self, domain):
        """Nobody deletes demo, and who is in the way is said; it is shown as used, and the other one is pruned."""
        done = self.ctl.run("volume", "delete", "--yes", "demo")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f'domain "{domain}" uses', done.stderr)
        self.assertEqual({volume["name"]: volume["used"] for volume in self.ctl.json("volume", "list")},
                         {"demo": True, "other": False})
        done = self.ctl.run("volume", "prune", "--yes", check=0)
        self.assertNotIn("demo", done.stdout + done.stderr)
        self.assertEqual(self.files(), ["demo.json", "demo.raw"])

    def prune_slowly(self, meanwhile):
        """What it asked, its exit status, and what it printed and said after the yes, before which something happens."""
        ours, its = os.openpty()
        self.addCleanup(os.close, ours)
        process = self.ctl.start("volume", "prune", stdin=its, stdout=subprocess.PIPE, stderr=its)
        os.close(its)
        text = b""
        while b"[y/N]" not in text:
            text += os.read(ours, 4096)
        meanwhile()
        os.write(ours, b"y\n")
        output = process.communicate(timeout=scltest.bound(60))[0].decode()
        return text.decode(), process.returncode, output, os.read(ours, 65536).decode()

    def test_prune_takes_what_was_shown(self):
        """While it asks, another volume gets free: nobody has agreed to lose that one."""
        self.ctl.run("vm", "delete", "--yes", "demo", check=0)
        asked, status, _, _ = self.prune_slowly(lambda: self.ctl.run("vm", "delete", "--yes", "other", check=0))
        self.assertNotIn("other", asked)
        self.assertEqual(status, 0)
        self.assertEqual(self.files(), ["other.json", "other.raw"])

    def test_used_since_it_was_shown(self):
        """That one is kept, and does not keep the other; what became of each is said."""
        self.leave_volumes()
        name = f"{self.ctl.prefix}late"
        asked, status, output, said = self.prune_slowly(lambda: self.define(name, self.volumes / "demo.raw"))
        self.assertIn('volume "demo", volume "other"', asked)
        self.assertEqual((status, self.files()), (3, ["demo.json", "demo.raw"]))
        self.assertIn("1 done, 1 failed", output)
        self.assertIn('delete volume "other": done', said)
        self.assertEqual(said.count(f'volume "demo": domain "{name}" uses'), 1, said)
        self.libvirtd.virsh("undefine", name)
        report = self.ctl.json("volume", "prune", "--yes")
        self.assertEqual((report["status"], report["error"]), ("done", None))
        self.assertEqual([(step["action"], step["name"], step["status"]) for step in report["steps"]],
                         [("delete", "demo", "done")])
        self.assertEqual(self.ctl.json("volume", "prune")["status"], "nothing")

    def host_has(self, *command):
        return self.ctl.prefix in self.scl.output(command)

    def uplink_is_open(self):
        """Whether VMs have a way out of the host, as far as its table goes."""
        return '"lo"' in self.scl.output(["nft", "list", "set", "inet", self.ctl.prefix, "gateway"])

    def test_after_a_flush_of_the_hosts_rules(self):
        """What they said of the gateway is gone with them: a delete makes nothing that is only half of it."""
        self.scene.manifest["gatewayInterface"] = "lo"
        self.scene.network("second", "192.168.11.1")
        self.scene.apply()
        self.assertTrue(self.uplink_is_open())
        self.scl.run(["nft", "flush", "ruleset"])
        self.ctl.run("vm", "delete", "--yes", "other", check=0)
        self.ctl.run("network", "delete", "--yes", "second", check=0)
        self.assertFalse(self.host_has("nft", "list", "tables"))
        self.assertIn(f"nft table inet {self.ctl.prefix} is missing", self.ctl.run("status", check=2).stdout)
        manifest = self.scene.copy()
        del manifest["networks"]["second"], manifest["virtualMachines"]["other"]
        self.scene.apply(manifest)
        self.assertTrue(self.uplink_is_open())
        self.ctl.run("status", check=0)
        self.assertIn(self.ctl.prefix, self.scl.output(["ip", "rule"]))
        # With the last of them goes what no rule of nft is.
        self.scl.run(["nft", "flush", "ruleset"])
        self.ctl.run("vm", "delete", "--yes", "demo", check=0)
        self.ctl.run("network", "delete", "--yes", "default", check=0)
        for command in (["ip", "rule"], ["nft", "list", "tables"], ["ip", "-brief", "link"]):
            self.assertFalse(self.host_has(*command), command)
        self.assertEqual(self.scl.output(["ip", "xfrm", "policy"]), "")

    def test_refused_removal_of_a_network_whose_address_is_taken_over(self):
        """Nothing is made for the one that waits: the host stays as it is, again and again, until somebody confirms."""
        manifest = self.scene.copy()
        manifest["networks"] = {"default": None, "home": manifest["networks"]["default"]}
        for vm in manifest["virtualMachines"].values():
            vm["network"] = "home"
        for _ in range(2):
            done = self.scene.apply(manifest, check=3)
            self.assertEqual(done.stdout.splitlines()[-1], "5 skipped, 1 refused")
            self.assertIn('not done, because it needs a removal that was not confirmed: update host, create network "home", '
                          'update VM "demo", update VM "other"\n', done.stderr)
            self.assertIn('network "default": not removed, though no longer declared; "apply --prune" removes it', done.stderr)
            self.ctl.run("status", check=0)
        self.scene.apply(manifest, "--prune")
        self.ctl.run("status", check=0)
        self.assertEqual([network["name"] for network in self.ctl.json("network", "list")], ["home"])
        self.assertIn("nothing to do", self.scene.apply(manifest).stdout)

    def test_file_without_our_mark(self):
        precious = self.volumes / "precious.raw"
        precious.write_bytes(b"precious" * 1000)
        self.leave_volumes()
        listed = {volume["name"]: volume["foreign"] for volume in self.ctl.json("volume", "list")}
        self.assertEqual(listed, {"demo": False, "other": False, "precious": True})
        self.assertRegex(self.ctl.run("volume", "list", check=0).stdout, r"(?m)^precious .* foreign ")
        self.ctl.run("volume", "prune", "--yes", check=0)
        self.assertEqual(self.files(), ["precious.raw"])
        self.assertEqual(self.ctl.run("volume", "prune", "--yes", check=0).stdout, "nothing to do: there is no unused volume\n")
        done = self.ctl.run("volume", "delete", "--yes", "precious", check=1)
        self.assertIn(f"{precious} was not made by SCL", done.stderr)
        self.assertIn("volume delete --foreign precious", done.stderr)
        self.assertEqual(precious.read_bytes(), b"precious" * 1000)
        self.ctl.run("volume", "delete", "--yes", "--foreign", "precious", check=0)
        self.assertEqual(self.files(), [])

    def define_text(self, name, text):
        self.libvirtd.virsh("undefine", name, check=False)
        self.libvirtd.virsh("define", self.scene.file(f"{name}.xml", text))
        self.addCleanup(self.libvirtd.virsh, "undefine", name, check=False)

    def test_named_by_a_storage_pool(self):
        self.leave_volumes()
        self.libvirtd.virsh("pool-define-as", "removals", "dir", "--target", self.volumes)
        self.addCleanup(self.libvirtd.virsh, "pool-undefine", "removals")
        self.define_text("pooled", IN_POOL)
        self.assert_kept("pooled")

    def test_handed_on_to_qemu(self):
        self.leave_volumes()
        self.define_text("handed", AS_ARGUMENT.format(path=self.volumes / "demo.raw"))
        self.assert_kept("handed")

    def test_handed_on_by_other_spellings(self):
        """All of them have QEMU open demo.raw."""
        self.leave_volumes()
        path = self.volumes / "demo.raw"
        blockdev = json.dumps({"driver": "file", "node-name": "n", "filename": str(path)}).replace("/", "\\/")
        (self.dir / "x,y=z").symlink_to(self.volumes)
        odd = f"{self.dir}/x,,y=z/demo.raw"
        for words in (("-drive", f"file=file:{path},format=raw"), ("-hda", f"file:{path}"), ("-blockdev", blockdev),
                      ("-drive", f"file={odd},format=raw"), ("-drive", f"format=raw,file=json:{blockdev.replace(',', ',,')}"),
                      ("-drive", f"file=json:{{'driver':'file',,'filename':'{path}'}}")):
            with self.subTest(words=words):
                arguments = "".join(f"<qemu:arg value={quoteattr(word)}/>" for word in words)
                self.define_text("handed", HANDED.format(arguments=arguments))
                done = self.ctl.run("volume", "delete", "--yes", "demo", check=1)
                self.assertIn('domain "handed" uses', done.stderr)
                self.assertEqual(self.files(), ["demo.json", "demo.raw", "other.json", "other.raw"])

    def test_backing_file_in_json(self):
        self.leave_volumes()
        text = json.dumps({"driver": "raw", "file": {"driver": "file", "filename": str(self.volumes / "demo.raw")}})
        top = self.image("qcow2", "top.qcow2", "-u", "-b", "json:" + text.replace("/", "\\/"), "-F", "raw", "1M")
        name = f"{self.ctl.prefix}json"
        self.define(name, top, "qcow2")
        self.assert_kept(name)

    def snapshot(self, name, domain, disk):
        """Of another tool; DOMAIN is what it goes back to."""
        text = ("<domainsnapshot><name>before</name><state>shutoff</state><creationTime>1700000000</creationTime>"
                f"<disks><disk name='{disk}' snapshot='internal'/></disks>{domain}</domainsnapshot>")
        self.libvirtd.virsh("snapshot-create", name, self.scene.file("snapshot.xml", text), "--redefine")
        self.addCleanup(self.libvirtd.virsh, "snapshot-delete", "--metadata", name, "before", check=False)

    def test_vm_with_a_snapshot(self):
        """Only its domain says what another tool can go back to."""
        name = self.scene.domain("demo")
        self.snapshot(name, self.libvirtd.virsh("dumpxml", name), "vda")
        manifest = self.scene.copy()
        del manifest["virtualMachines"]["demo"]
        for done in (self.ctl.run("vm", "delete", "--yes", "demo"),
                     self.ctl.run("apply", "-f", self.scene.write(manifest), "--prune")):
            self.assertNotEqual(done.returncode, 0)
            self.assertIn('VM "demo": another tool has made 1 snapshot(s) of it ("before")', done.stderr)
            self.assertIn(f"virsh snapshot-delete --metadata {name} before", done.stderr)
            self.assertIn("before", self.libvirtd.virsh("snapshot-list", name, "--name"))
        self.libvirtd.virsh("snapshot-delete", "--metadata", name, "before")
        self.ctl.run("vm", "delete", "--yes", "demo", check=0)

    def test_snapshot_names_it(self):
        """What a snapshot goes back to, whatever the domain has by now."""
        self.leave_volumes()
        name = f"{self.ctl.prefix}back"
        self.define(name, self.volumes / "demo.raw")
        domain = self.libvirtd.virsh("dumpxml", name)
        self.libvirtd.virsh("detach-disk", name, "sda", "--config")
        self.snapshot(name, domain, "sda")
        self.assert_kept(name)
        done = self.ctl.run("volume", "delete", "--yes", "demo", check=1)
        self.assertIn('in its snapshot "before": it is kept', done.stderr)
        self.assertIn(f"virsh snapshot-delete --metadata {name} before", done.stderr)
        self.libvirtd.virsh("snapshot-delete", "--metadata", name, "before")
        self.ctl.run("volume", "prune", "--yes", check=0)
        self.assertEqual(self.files(), [])

    def test_folder_that_a_domain_shares(self):
        """All that is in it is the guest's, too, whatever the folder is called there."""
        self.leave_volumes()
        (self.dir / "link").symlink_to(self.ctl.state)
        shares = (f"<devices><disk type='dir' device='floppy'><driver name='qemu' type='fat'/><source dir='{self.volumes}'/>"
                  "<target dev='fda' bus='fdc'/><readonly/></disk></devices>",
                  f"<devices><filesystem type='mount'><source dir='{self.dir}/link'/><target dir='t'/></filesystem></devices>",
                  f"<qemu:commandline><qemu:arg value='-virtfs'/><qemu:arg value='local,path={self.ctl.home},mount_tag=t,"
                  "security_model=none'/></qemu:commandline>")
        for share in shares:
            with self.subTest(share):
                self.define_text("sharing", SHARING.format(share=share))
                for words in (("delete", "--yes", "demo"), ("prune", "--yes")):
                    done = self.ctl.run("volume", *words)
                    self.assertNotIn("done", done.stdout)
                self.assertIn('domain "sharing" uses', self.ctl.run("volume", "delete", "--yes", "demo", check=1).stderr)
                self.assertEqual(self.files(), ["demo.json", "demo.raw", "other.json", "other.raw"])
        self.libvirtd.virsh("undefine", "sharing")
        self.ctl.run("volume", "prune", "--yes", check=0)
        self.assertEqual(self.files(), [])

    def test_foreign_file_in_use(self):
        path = self.volumes / "precious.raw"
        path.write_bytes(b"precious" * 1000)
        self.define(f"{self.ctl.prefix}user", path)
        done = self.ctl.run("volume", "delete", "--yes", "--foreign", "precious")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f'domain "{self.ctl.prefix}user" uses', done.stderr)
        self.assertTrue(path.exists())

    def test_renamed_domain(self):
        name = f"{self.ctl.prefix}renamed"
        self.libvirtd.virsh("domrename", self.scene.domain("demo"), name)
        self.addCleanup(self.libvirtd.virsh, "undefine", name, check=False)
        self.leave_volumes()
        self.assert_kept(name)

    def test_by_another_path(self):
        (self.dir / "link").symlink_to(self.volumes)
        name = f"{self.ctl.prefix}clone"
        self.define(name, self.dir / "link" / "demo.raw")
        self.leave_volumes()
        self.assert_kept(name)

    def test_running_domain_that_is_not_defined(self):
        self.leave_volumes()
        name = f"{self.ctl.prefix}live"
        self.define(name, self.volumes / "demo.raw", verb="create")
        self.assert_kept(name)
        self.libvirtd.virsh("destroy", name)
        self.ctl.run("volume", "prune", "--yes", check=0)
        self.assertEqual(self.files(), [])

    def test_below_overlays(self):
        """The definition names only the uppermost."""
        below, above = self.dir / "below.qcow2", self.dir / "above.qcow2"
        for path, backing, kind in ((below, self.volumes / "demo.raw", "raw"), (above, below.name, "qcow2")):
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(backing), "-F", kind, str(path)], check=True)
        name = f"{self.ctl.prefix}overlay"
        self.define(name, above, "qcow2")
        self.leave_volumes()
        self.assert_kept(name)

    def test_data_file_of_a_qcow2(self):
        top = self.dir / "top.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={self.dir}/data.raw,data_file_raw=on",
                        str(top), "1M"], check=True)
        (self.dir / "data.raw").unlink()
        (self.dir / "data.raw").symlink_to(self.volumes / "demo.raw")
        name = f"{self.ctl.prefix}data"
        self.define(name, top, "qcow2")
        self.leave_volumes()
        self.assert_kept(name)

    def image(self, kind, name, *words):
        path = self.dir / name
        subprocess.run(["qemu-img", "create", "-q", "-f", kind, *map(str, words[:-1]), str(path), *words[-1:]], check=True)
        return path

    def test_below_other_formats(self):
        """What only QEMU can read, in the middle of a chain too; only the content of a raw file is nobody's word."""
        demo = self.volumes / "demo.raw"
        other = self.image("qcow2", "other.qcow2", "-b", self.volumes / "other.raw", "-F", "raw", "1M")
        qed = self.image("qed", "middle.qed", "-b", demo, "-F", "raw", "1M")
        top = self.image("qcow2", "top.qcow2", "-b", qed, "-F", "qed", "1M")
        self.leave_volumes()
        for path, kind in ((qed, "qed"), (top, "qcow2")):
            name = f"{self.ctl.prefix}{kind}"
            self.define(name, path, kind)
            done = self.ctl.run("volume", "delete", "--yes", "demo")
            self.assertIn(f'domain "{name}" uses {demo}', done.stderr)
            self.assertTrue(demo.exists())
            self.libvirtd.virsh("undefine", name)
        guest = self.dir / "guest.raw"
        guest.write_bytes(other.read_bytes())
        self.define(f"{self.ctl.prefix}guest", self.image("qcow2", "over.qcow2", "-b", guest, "-F", "raw", "1M"), "qcow2")
        self.ctl.run("volume", "delete", "--yes", "other", check=0)

    def test_extent_of_a_vmdk(self):
        flat = self.image("vmdk", "base.vmdk", "-o", "subformat=monolithicFlat", "1M")
        top = self.image("vmdk", "top.vmdk", "-b", flat, "-F", "vmdk", "1M")
        (self.dir / "base-flat.vmdk").unlink()
        (self.dir / "base-flat.vmdk").symlink_to(self.volumes / "demo.raw")
        name = f"{self.ctl.prefix}vmdk"
        self.define(name, top, "vmdk")
        self.leave_volumes()
        self.assert_kept(name)

    def test_chain_that_is_not_known(self):
        """Nobody can say what it stands on: nothing at all is removed, until somebody has repaired it."""
        broken = self.dir / "broken.qed"
        broken.write_bytes(b"no header")
        above = self.image("qcow2", "above.qcow2", "-u", "-b", "nbd:127.0.0.1:9", "-F", "qcow2", "1M")
        self.leave_volumes()
        for path, kind in ((broken, "qed"), (above, "qcow2")):
            name = f"{self.ctl.prefix}{kind}"
            self.define(name, path, kind)
            for words in (("delete", "--yes", "demo"), ("prune", "--yes")):
                done = self.ctl.run("volume", *words, check=1)
                self.assertIn(f'domain "{name}": nothing is removed while it is not known which files it uses', done.stderr)
                self.assertIn(str(path), done.stderr)
                self.assertEqual(self.files(), ["demo.json", "demo.raw", "other.json", "other.raw"])
            self.libvirtd.virsh("undefine", name)
        self.ctl.run("volume", "prune", "--yes", check=0)
        self.assertEqual(self.files(), [])

    def test_list_of_which_one_is_gone(self):
        """As after a kill: the same again deletes the rest, and says what it did not find."""
        self.leave_volumes()
        self.ctl.run("volume", "delete", "--yes", "demo", check=0)
        done = self.ctl.run("volume", "delete", "--yes", "demo", "other", check=3)
        self.assertEqual(done.stderr.count('"demo"'), 1, done.stderr)
        self.assertEqual(self.files(), [])
        self.ctl.run("volume", "delete", "--yes", "demo", "other", check=1)

    def test_saved_domain(self):
        """What a saved guest goes on with, whatever its next boot would use."""
        self.leave_volumes()
        name = f"{self.ctl.prefix}saved"
        self.define(name, self.volumes / "demo.raw")
        self.libvirtd.virsh("start", name)
        self.libvirtd.virsh("managedsave", name)
        self.addCleanup(self.libvirtd.virsh, "managedsave-remove", name, check=False)
        self.libvirtd.virsh("detach-disk", name, "sda", "--config")
        self.assertNotIn("demo.raw", self.libvirtd.virsh("dumpxml", name))
        self.assert_kept(name)
        self.libvirtd.virsh("managedsave-remove", name)
        self.ctl.run("volume", "prune", "--yes", check=0)
        self.assertEqual(self.files(), [])

    def test_content_of_a_raw_disk_says_nothing(self):
        """A guest must not keep volumes of others by writing a header on its own disk."""
        mine, name = self.dir / "guest.raw", f"{self.ctl.prefix}guest"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(self.volumes / "demo.raw"), "-F", "raw", str(mine)],
                       check=True)
        self.define(name, mine)
        self.leave_volumes()
        self.ctl.run("volume", "prune", "--yes", check=0)
        self.assertEqual(self.files(), [])

    def test_seed_that_a_clone_uses(self):
        folder = self.ctl.home / "vms/demo"
        (folder / "nvram.fd").write_bytes(b"variables")
        name = f"{self.ctl.prefix}seed"
        self.define(name, folder / "seed.iso", device="cdrom")
        before = os.stat(folder / "seed.iso").st_ino
        self.leave_volumes()
        self.assertEqual(os.stat(folder / "seed.iso").st_ino, before)
        self.assertFalse((self.ctl.home / "vms/other/seed.iso").exists())
        self.assertEqual((folder / "nvram.fd").read_bytes(), b"variables")
        self.libvirtd.virsh("undefine", name)
        self.ctl.run("volume", "prune", "--yes", check=0)
        self.assertFalse((folder / "nvram.fd").exists())

    def test_seed_that_a_clone_uses_is_not_rewritten(self):
        seed = self.ctl.home / "vms/demo/seed.iso"
        name = f"{self.ctl.prefix}clone"
        self.define(name, seed, device="cdrom")
        before = (os.stat(seed).st_ino, seed.read_bytes())
        manifest = self.scene.copy()
        for vm in manifest["virtualMachines"].values():
            vm["cloudInitUserConfigFile"] = self.scene.file("other.yaml", "#cloud-config\nhostname: other\n")
        done = self.scene.apply(manifest, check=3)
        self.assertIn(f'VM "demo": domain "{name}" uses its seed {seed}, which is left as it is', done.stderr)
        self.assertIn('update VM "other": done', done.stderr)
        self.assertEqual((os.stat(seed).st_ino, seed.read_bytes()), before)
        for vm in manifest["virtualMachines"].values():
            for key in ("cloudInitUserConfigFile", "cloudInitNetworkConfigFile"):
                vm.pop(key, None)
        self.scene.apply(manifest)
        self.assertEqual((os.stat(seed).st_ino, seed.read_bytes()), before)
        self.assertFalse((self.ctl.home / "vms/other/seed.iso").exists())
        self.libvirtd.virsh("undefine", name)


if __name__ == "__main__":
    scltest.main()
