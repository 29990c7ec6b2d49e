# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host on which the commands of a page run: a lab host with a libvirtd, whose /srv and /var/lib/scl are the test's.

Its reader is root already and has the password at hand: `sudo` runs what it is told, `ssh` types the password.
"""

import os
import re
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from scltest import Lab, Libvirtd, bound
from scltest.scene import SharedCase
from scltest.sclctl import program

import pages
import transcript

STATE = "/var/lib/scl"
WORK = "/srv/vms"
SSH = """\
#!/bin/sh
# A guest that boots answers some time after it was started.
exec sshpass -p nixos /usr/bin/ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \\
  -o PreferredAuthentications=password -o ConnectTimeout=60 -o ConnectionAttempts={attempts} "$@"
"""
BOOT_SECONDS = 200


def updating():
    """SCL_TEST_UPDATE=1 writes what the commands print into the pages."""
    return os.environ.get("SCL_TEST_UPDATE") == "1"


class DocHost:
    """Context manager: share(manager) of the case keeps what it enters."""

    def __init__(self, case, image):
        self.case = case
        self.folder = case.dir
        self.image = image

    def __enter__(self):
        self.lab = self.case.share(Lab.standard())
        self.scl = self.lab.scl
        self.make_folders()
        self.make_programs()
        self.libvirtd = self.case.share(Libvirtd(self.folder / "lv", self.scl))
        return self

    def __exit__(self, *_):
        empty = self.folder / "srv/nothing.json"
        empty.write_text('{"version": 1, "networks": {"default": null}}', encoding="utf-8")
        for name in self.libvirtd.domains():
            self.libvirtd.virsh("destroy", name, check=False)
        self.run("sclctl apply --prune --allow-empty -f /srv/nothing.json")

    def make_folders(self):
        images, state = self.folder / "srv/images", self.folder / "state"
        for path in (images, state, self.folder / "srv/vms"):
            path.mkdir(parents=True)
        (images / "debian-12.raw").touch()
        # Of this host alone: a folder that is removed takes the mounts on it along, everywhere.
        self.scl.run(["mount", "-t", "tmpfs", "tmpfs", Path(STATE).parent])
        self.scl.run(["mkdir", STATE])
        self.scl.run(["mount", "--bind", self.folder / "srv", "/srv"])
        self.scl.run(["mount", "--bind", "-o", "ro", self.image, "/srv/images/debian-12.raw"])
        self.scl.run(["mount", "--bind", state, STATE])

    def make_programs(self):
        folder = self.folder / "bin"
        folder.mkdir()
        for name, text in (("sudo", '#!/bin/sh\nexec "$@"\n'), ("ssh", SSH.format(attempts=int(bound(BOOT_SECONDS))))):
            (folder / name).write_text(text, encoding="utf-8")
            (folder / name).chmod(0o755)
        for name in ("sclctl", "scl-nix"):
            (folder / name).symlink_to(Path(program()).with_name(name))

    def environment(self):
        hypervisor = self.libvirtd.uri
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NIX_")}
        return {**kept, "PATH": f"{self.folder}/bin:{os.environ['PATH']}:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "HOME": str(self.folder),
                "LIBVIRT_DEFAULT_URI": hypervisor, "SCL_URI": f"local:?hypervisor={quote(hypervisor, safe='')}", "G_DEBUG": "fatal-criticals",
                "TERM": "dumb"}

    def run(self, command, seconds=300):
        """(status, what it printed on either stream), as a person sees it."""
        done = self.scl.run(["bash", "-c", f"exec 2>&1\ncd {WORK}\n{command}"], check=False, timeout=bound(seconds), env=self.environment())
        return done.returncode, done.stdout

    def write(self, name, text):
        path = Path(name) if name.startswith("/") else Path(WORK) / name
        self.scl.run(["mkdir", "-p", path.parent])
        self.scl.run(["sh", "-c", 'cat > "$0"', path], input=text)

    def clear(self):
        """As it was before the page: no VM, no network, no volume, no file."""
        self.__exit__()
        self.run(f"rm -rf {WORK}/* {STATE}/*")


class PageCase(SharedCase):
    """Runs pages: what they say to write is written, what they say to type is typed."""

    @classmethod
    def begin(cls, image):
        cls.host = cls.share(DocHost(cls, image))

    def before(self, command):
        """A test waits here for a guest, where a reader would see it come up."""

    def run_page(self, name):
        page = pages.page(name)
        output = {}
        for block in page.blocks:
            if not block.reason:
                self.run_block(block, output)
        if updating() and output:
            rewrite(name, output)

    def run_block(self, block, output):
        if block.before:
            self.assertEqual((0, ""), self.host.run(block.before), f"{block.place}: <!-- before: {block.before} -->")
        if "file" in block.options:
            self.host.write(block.options["file"], block.text)
        if block.kind == "commands":
            results = [(command, *self.run_command(command)) for command in transcript.commands(block)]
            output[block.line] = results

    def run_command(self, command):
        self.before(command)
        begin = time.monotonic()
        status, printed = self.host.run(command.text)
        # On a busy machine a guest is not off within its shutdownTimeout; the page is about one that is.
        printed = re.sub(r"^sclctl: warning: .* so its power was cut: .*\n", "", printed, flags=re.M)
        finding = command.finding(status, printed)
        print(f"# {time.monotonic() - begin:.1f} s  $ {command.text.splitlines()[0]}", flush=True)
        if finding and not updating():
            self.fail(finding)
        return status, printed, finding


def rewrite(name, output):
    """The page with what was printed, where it differs from what it says."""
    path = pages.SOURCE / name
    lines = path.read_text(encoding="utf-8").split("\n")
    for line in sorted(output, reverse=True):
        end = next(n for n in range(line, len(lines)) if re.match(r"^`{3,}$", lines[n]))
        text = []
        for command, _, printed, finding in output[line]:
            first, *rest = command.text.split("\n")
            text += [f"$ {first}", *(f"> {more}" for more in rest)]
            text += printed.rstrip("\n").split("\n") if finding and printed else command.expected
        lines[line:end] = text
    path.write_text("\n".join(lines), encoding="utf-8")


def wait_for_line(path, text, count, seconds):
    """Until a growing file has TEXT in it COUNT times; tail tells of each line as it comes."""
    argv = ["timeout", str(seconds), "tail", "-n", "+1", "-F", path]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tail:
        for line in tail.stdout:
            count -= text.encode() in line
            if count <= 0:
                tail.terminate()
                return
    raise AssertionError(f"no \"{text}\" in {path} within {seconds} s")
