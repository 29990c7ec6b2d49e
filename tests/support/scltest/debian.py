# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Debian of any release in a folder, and programs in it.

    root = debian.cached_root("debian-trixie", key, lambda root, log: debian.bootstrap(root, log, "trixie", PACKAGES))
    with debian.copy_of(root, work) as place:
        debian.inside(place, ["tests/run", "unit"], cwd="/srv/scl")
"""

import contextlib
import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

from . import kernel
from .bounds import bound
from .guest import SOURCE, SUPPORT

KEEP_SECONDS = 7 * 24 * 3600
LEFT_OUT = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*"]
# No Python but Debian's.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Where ccache is installed, compilers are its links.
ENVIRONMENT = {"PATH": f"/usr/lib/ccache:{PATH}", "CCACHE_DIR": "/var/cache/ccache", "LC_ALL": "C.UTF-8", "HOME": "/root",
               "DEBIAN_FRONTEND": "noninteractive"}
PASSED_ON = ["CI", "SCL_TEST_REQUIRE", "SCL_TEST_TIMEOUT_FACTOR", "SCL_TEST_SEED"]


class Failure(Exception):
    pass


class Missing(Exception):
    pass


def cloud_image_tool():
    """It knows how this machine's apt reaches its mirrors."""
    spec = spec_from_loader("cloud_image", SourceFileLoader("cloud_image", str(SOURCE / "tools/cloud-image")))
    tool = module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def own_release():
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def sources_of(tool, suite):
    """The machine's own mirrors, for another release."""
    tool.SUITE, known = own_release(), tool.SUITE
    lines = [line.split() for line in tool.host_sources().splitlines()]
    release = tool.SUITE if any(line[2] == tool.SUITE for line in lines) else known
    # Unstable is one archive.
    return "".join(f"deb {uri} {name.replace(release, suite)} {component}\n" for _, uri, name, component in lines
                   if suite != "sid" or name == release)


def reach(suite):
    """Raises Missing if the mirror has no such release, or does not answer."""
    _, uri, name, _ = next(line.split() for line in sources_of(cloud_image_tool(), suite).splitlines() if line.split()[2] == suite)
    with tempfile.TemporaryDirectory() as folder:
        argv = ["/usr/lib/apt/apt-helper", "download-file", f"{uri.rstrip('/')}/dists/{name}/InRelease", f"{folder}/InRelease"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False, timeout=bound(60))
    if done.returncode:
        raise Missing(f"{argv[2]}: {(done.stderr.strip().splitlines() or ['no answer'])[0]}")


def bootstrap(root, log, suite, packages, variant="minbase", options=(), left_out=LEFT_OUT):
    """Install a Debian into a folder that is not there yet."""
    tool = cloud_image_tool()
    apt = [f"--aptopt={option}" for option in [*tool.host_apt_options(), 'Acquire::Languages "none";', 'APT::Sandbox::User "root";']]
    # Not --dpkgopt: then mmdebstrap runs a filter over each package that it unpacks itself, which takes longer than the rest of it.
    excluded = "".join(f"path-exclude={pattern}\\n" for pattern in left_out)
    dpkg = ["--dpkgopt=force-unsafe-io", f"--essential-hook=printf '{excluded}' > \"$1/etc/dpkg/dpkg.cfg.d/99left-out\""]
    include = [f"--include={','.join(packages)}"] if packages else []
    # Whatever ends it, its mounts are gone before somebody removes the folder.
    argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "mmdebstrap", "--mode=root", f"--variant={variant}",
            "--components=main", *include, *apt, *dpkg, *options, suite, str(root), "-"]
    with open(log, "wb") as stream:
        done = subprocess.run(argv, input=sources_of(tool, suite).encode(), stdout=stream, stderr=stream, check=False,
                              timeout=bound(900), env={**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8"})
    if done.returncode:
        raise Failure(f"mmdebstrap ended with status {done.returncode}:\n{tool.tail(log)}")


def cache_folder():
    cache = Path(os.environ.get("SCL_TEST_CACHE", "/var/cache/scl-test"))
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def cached_root(kind, key, make):
    """The path of a root that make(root, log) has made, now or before. It is read-only material: see copy_of."""
    cache = cache_folder()
    target = cache / f"{kind}-{key}"
    # One lock a kind: nobody is to wait for another kind's minutes.
    with open(cache / f".{kind}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            forget_old(cache, kind)
            print(f"{kind}: installing Debian into a folder, some minutes", file=sys.stderr, flush=True)
            make_root(cache, kind, target, make)
        os.utime(target)
    return target


def make_root(cache, kind, target, make):
    work = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=cache))
    try:
        make(work / "root", work / "log")
        (work / "root").rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def forget_old(cache, kind):
    """Not at once: another checkout may still be testing with its own."""
    for stale in cache.glob(f".{kind}-*"):
        shutil.rmtree(stale, ignore_errors=True)
    for root in cache.glob(f"{kind}-*"):
        if time.time() - root.stat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def copy_of(root, folder, shared=()):
    """The root to write to, in this process's own mount namespace; folder is empty, on a file system that overlays may lie on.
    shared: pairs of a path inside and a folder of this machine that is seen there."""
    place = folder / "place"
    for name in ("place", "upper", "work", "tmp", "var-tmp"):
        (folder / name).mkdir()
    kernel.private_mounts()
    kernel.mount("overlay", place, "overlay", 0, f"lowerdir={root},upperdir={folder / 'upper'},workdir={folder / 'work'}")
    # Tests' files lie on a file system of the machine, as they do elsewhere.
    for name, outside in (("tmp", folder / "tmp"), ("var/tmp", folder / "var-tmp"), *shared):
        (place / name).mkdir(parents=True, exist_ok=True)
        kernel.bind(outside, place / name)
    for name in ("tmp", "var/tmp"):
        (place / name).chmod(0o1777)
    shutil.copy("/etc/resolv.conf", place / "etc/resolv.conf")
    try:
        yield place
    finally:
        kernel.umount(place)


def inside(place, command, cwd="/", seconds=600, network=False):
    """What Popen takes to run a command in a root, on a machine of its own (support/inside); network: with the machine's, to reach its
    mirrors."""
    namespaces = ["--mount", "--pid", "--uts", "--ipc", *([] if network else ["--net"])]
    return {"args": ["timeout", "--foreground", "--signal=KILL", str(bound(seconds)), "unshare", *namespaces, "--fork", "--kill-child",
                     "/usr/bin/python3", "-B", str(SUPPORT / "inside"), str(place), cwd, *map(str, command)],
            "env": {**ENVIRONMENT, **{name: os.environ[name] for name in PASSED_ON if name in os.environ}},
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
