#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/package-debian: its packages by lintian's rules, and in a clean Debian from the installation to the purge."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import scltest
from scltest import debian
from scltest.guest import SOURCE

TOOL = SOURCE / "tools/package-debian"
NAMES = {"libscl0", "libscl-dev", "gir1.2-scl-0", "python3-scl", "scl"}
OLDER = "0.0.9"
PACKAGER = {"DEBFULLNAME": "Tests of SCL", "DEBEMAIL": "tests@scl.example"}
STATE = "var/lib/scl"
CALL = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}
NOTE = {"version": 1, "id": "5c1d0012-0000-4000-8000-000000000001", "instance": "scl", "vm": "demo", "created": "2026-01-02T03:04:05Z",
        "image": {"path": "/srv/images/debian-12.raw", "size": 1, "mtimeNs": 1, "inode": 1}}
DOMAIN = "<domain><devices><disk type='file'><driver name='qemu' type='{}'/><source file='{}'/></disk></devices></domain>\n"


def run(*argv, seconds=60, status=0, **options):
    done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, timeout=scltest.bound(seconds), **options)
    if done.returncode != status:
        raise AssertionError(f"{' '.join(map(str, argv))}: status {done.returncode}, not {status}\n{done.stdout[-6000:]}")
    return done.stdout


def field(package, name):
    return run("dpkg-deb", "--field", package, name).strip()


def readme(fence):
    """The first block of README.md that begins so."""
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    return re.search(rf"^```{re.escape(fence)}[^\n]*\n(.*?)^```$", text, re.M | re.S)[1]


def under_lower_version(packages, work):
    """The same packages as those of an earlier version, each with a file that the later one has not."""
    for number, package in enumerate(packages):
        tree = work / f"tree{number}"
        run("dpkg-deb", "--raw-extract", package, tree)
        control = tree / "DEBIAN/control"
        version = field(package, "Version")
        control.write_text(control.read_text(encoding="utf-8").replace(version, OLDER), encoding="utf-8")
        for shlibs in tree.glob("DEBIAN/shlibs"):
            shlibs.write_text(shlibs.read_text(encoding="utf-8").replace(version, OLDER), encoding="utf-8")
        (tree / "usr/share/doc" / field(package, "Package") / "older").write_text("older\n", encoding="utf-8")
        run("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, work)
        shutil.rmtree(tree)
    return sorted(work.glob("*.deb"))


class Root:
    """A Debian of nothing but apt, of which only the packages of the test are asked for."""

    def __init__(self, path):
        self.path = path
        debian.bootstrap(path, path.with_suffix(".log"), debian.own_release(), [], "apt", ["--skip=cleanup/apt"], ["/usr/share/locale/*"])
        shutil.copy("/etc/resolv.conf", path / "etc/resolv.conf")

    def run(self, *argv, seconds=60, status=0):
        """In processes of its own, so that those of the machine are neither seen nor touched."""
        return run(*CALL, f"--mount-proc={self.path}/proc", "chroot", self.path, *argv, seconds=seconds, status=status, env=ENVIRONMENT)

    def install(self, packages):
        folder = self.path / "srv/packages"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for package in packages:
            shutil.copy(package, folder)
        names = [f"/srv/packages/{package.name}" for package in packages]
        return self.run("apt-get", "install", "-y", "-q", "--no-install-recommends", *names, seconds=240)

    def versions(self):
        """Those of ours that are installed."""
        listing = self.run("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\n")
        return {name: version for state, name, version in map(str.split, listing.splitlines()) if state == "ii" and name in NAMES}

    def answer(self, yes):
        self.run("sh", "-c", f"echo 'scl scl/purge-volumes boolean {str(yes).lower()}' | debconf-set-selections")

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def volume(self, home, name, noted=True):
        self.write(f"{home}/volumes/{name}.raw", "data\n")
        self.write(f"{home}/vms/{name}/seed.iso", "seed\n")
        if noted:
            self.write(f"{home}/volumes/{name}.json", json.dumps({**NOTE, "vm": name}, indent=2) + "\n")

    def left(self):
        base = self.path / STATE
        return {str(path.relative_to(base)) for path in base.rglob("*") if path.is_file()}


class Packages(scltest.TestCase):
    @classmethod
    def setUpClass(cls):
        scltest.require(os.geteuid() == 0, "root")
        for program in ("dpkg-buildpackage", "dh", "dh_python3", "lintian", "mmdebstrap", "git"):
            scltest.require(shutil.which(program) is not None, f"{program} (tools/packages install package image)")
        cls.case = cls("test_lintian")
        cls.output = cls.case.folder()
        cls.listing = run(TOOL, "--no-install", "--output", cls.output, seconds=400, env={**os.environ, **PACKAGER})
        cls.packages = sorted(cls.output.glob("*.deb"))

    @classmethod
    def tearDownClass(cls):
        cls.case.doCleanups()

    def package(self, name):
        return next(package for package in self.packages if package.name.startswith(f"{name}_"))

    def unpacked(self, name):
        folder = self.folder() / name
        run("dpkg-deb", "--raw-extract", self.package(name), folder)
        return folder

    def test_names_and_versions(self):
        self.assertEqual({field(package, "Package") for package in self.packages}, NAMES)
        for package in self.packages:
            self.assertRegex(field(package, "Version"), r"^\d+\.\d+\.\d+\+(git\d{8}\.\d{6}\.[0-9a-f]{7,}|dev\d{8}\.\d{6})$")
            self.assertIn(str(package), self.listing)

    def test_the_abi_is_not_sealed(self):
        """Each package fits exactly the library of the same build."""
        version = field(self.package("libscl0"), "Version")
        for name in ("libscl-dev", "gir1.2-scl-0", "scl"):
            self.assertIn(f"libscl0 (= {version})", field(self.package(name), "Depends"))
        self.assertIn(f"gir1.2-scl-0 (= {version})", field(self.package("python3-scl"), "Depends"))
        # Debian's name for the package that has the GIR file; lintian of Debian 12 does not ask for it.
        self.assertEqual(field(self.package("libscl-dev"), "Provides"), f"gir1.2-scl-0-dev (= {version})")
        shlibs = (self.unpacked("libscl0") / "DEBIAN/shlibs").read_text(encoding="utf-8")
        self.assertEqual(shlibs, f"libscl 0 libscl0 (= {version})\n")

    def test_lintian(self):
        changes = next(self.output.glob("*.changes"))
        run("lintian", "--allow-root", "--fail-on", "error,warning", changes, seconds=120)

    def test_hardened(self):
        for path in [self.unpacked("scl") / "usr/bin/sclctl", *(self.unpacked("libscl0") / "usr/lib").rglob("libscl.so.0.*")]:
            told = run("readelf", "--wide", "--dynamic", "--dyn-syms", path)
            found = {word for word in ("BIND_NOW", "__stack_chk_fail", "__snprintf_chk") if word in told}
            self.assertLessEqual({"BIND_NOW", "__stack_chk_fail"}, found, path.name)
        self.assertIn("__snprintf_chk", found)

    def test_no_vm_is_stopped(self):
        """Stopping the service would: nothing of the package's may do it, and nothing starts or enables it."""
        control = self.unpacked("scl") / "DEBIAN"
        for script in ("preinst", "postinst", "prerm", "postrm"):
            text = (control / script).read_text(encoding="utf-8") if (control / script).exists() else ""
            self.assertNotRegex(text, r"deb-systemd-invoke|invoke-rc\.d|systemctl[^\n]*\b(start|stop|restart)\b")

    def test_wrong_calls(self):
        self.assertIn("--version needs a value", run(TOOL, "--version", status=64))
        self.assertIn("not a version", run(TOOL, "--no-install", "--version", "0.1-2", status=1))
        self.assertIn("Usage", run(TOOL, "--nonsense", status=64))

    def test_from_installation_to_purge(self):
        root = Root(self.folder() / "root")
        work = self.folder()
        version = field(self.package("scl"), "Version")
        root.install(under_lower_version(self.packages, work))
        self.assertEqual(root.versions(), dict.fromkeys(NAMES, OLDER))
        self.use_it(root)
        root.install(self.packages)
        self.assertEqual(root.versions(), dict.fromkeys(NAMES, version))
        self.assertEqual(list(root.path.glob("usr/share/doc/*/older")), [])
        self.use_it(root)
        self.not_enabled(root)
        self.remove(root)
        self.purge_without_an_answer(root)
        self.purge_with_no(root)
        self.purge_with_yes(root)
        self.purge_with_unclear_disks(root)

    def use_it(self, root):
        """README's example, with nothing but what was installed."""
        root.write("root/demo.yaml", readme("yaml manifest file=demo.yaml"))
        simulated = "local:?hypervisor=memory"
        plan = root.run("sh", "-c", f"cd && sclctl -c '{simulated}' plan -f demo.yaml", status=2)
        self.assertRegex(plan, r'create +VM "demo"')
        self.assertRegex(root.run("sh", "-c", f"cd && sclctl -c '{simulated}' apply -f demo.yaml"), r'start VM "demo": done')
        program = readme("python program").replace('"local:"', f'"{simulated}"')
        root.write("root/demo.py", program)
        self.assertRegex(root.run("sh", "-c", "cd && python3 demo.py"), r"\['demo'\]\n\Z")

    def not_enabled(self, root):
        self.assertTrue((root.path / "lib/systemd/system/scl.service").exists() or (root.path / "usr/lib/systemd/system/scl.service").exists())
        self.assertFalse([path for path in (root.path / "etc/systemd").rglob("scl.service")])

    def remove(self, root):
        root.volume(STATE, "demo")
        before = root.left()
        root.run("apt-get", "remove", "-y", "-q", *NAMES)
        self.assertEqual(root.versions(), {})
        self.assertFalse((root.path / "usr/bin/sclctl").exists())
        self.assertEqual(root.left(), before)

    def purge_without_an_answer(self, root):
        before = root.left()
        said = root.run("dpkg", "--purge", "scl")
        self.assertIn("scl: kept: /var/lib/scl (1 volumes", said)
        self.assertEqual(root.left(), before)

    def purge_with_no(self, root):
        root.install(self.packages)
        root.answer(False)
        before = root.left()
        self.assertIn("scl: kept: /var/lib/scl", root.run("dpkg", "--purge", "scl", "python3-scl"))
        self.assertEqual(root.left(), before)

    def purge_with_yes(self, root):
        """What is SCL's goes; what is another's, or may be in use, stays and is named."""
        root.install(self.packages)
        root.answer(True)
        root.volume(STATE, "opened")
        root.volume(STATE, "defined")
        root.volume(STATE, "copied", noted=False)
        root.volume(f"{STATE}/instances/lab", "lab")
        root.write("etc/libvirt/qemu/x.xml", DOMAIN.format("raw", "/var/lib/scl/volumes/defined.raw"))
        said = root.run("sh", "-c", "exec 5< /var/lib/scl/volumes/opened.raw; exec dpkg --purge scl")
        kept = {f"volumes/{name}" for name in ("opened.raw", "opened.json", "defined.raw", "defined.json", "copied.raw")}
        self.assertEqual(root.left(), kept | {f"vms/{name}/seed.iso" for name in ("opened", "defined", "copied")})
        for line in ("deleted: /var/lib/scl/volumes/demo.raw", "deleted: /var/lib/scl/instances/lab/volumes/lab.raw",
                     "kept: /var/lib/scl/volumes/opened.raw, which a running VM uses",
                     "kept: /var/lib/scl/volumes/defined.raw, the disk of a VM", "kept: /var/lib/scl/volumes/copied.raw"):
            self.assertIn(f"scl: {line}", said)

    def purge_with_unclear_disks(self, root):
        """An image of another format may stand on a volume without saying so in the definition."""
        root.install(self.packages)
        root.answer(True)
        root.write("etc/libvirt/qemu/x.xml", DOMAIN.format("qcow2", "/srv/overlay.qcow2"))
        before = root.left()
        self.assertIn("so nothing is deleted", root.run("dpkg", "--purge", "scl"))
        self.assertEqual(root.left(), before)
        (root.path / "etc/libvirt/qemu/x.xml").unlink()
        (root.path / STATE / "volumes/copied.raw").unlink()
        root.install(self.packages)
        root.answer(True)
        self.assertNotIn("kept", root.run("dpkg", "--purge", "scl"))
        self.assertFalse((root.path / STATE).exists(), root.left())


if __name__ == "__main__":
    scltest.main()
