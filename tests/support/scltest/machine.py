# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests must leave as it was: a snapshot of the machine and the differences between two.

Tests that run at the same time are left out: what descends from a tap-run that is no ancestor of this process. A tap-run
keeps its daemons, being their subreaper, and what it could not end belongs to nobody when it is gone.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from .bounds import bound

SYSCTL_ROOTS = ["net/ipv4/ip_forward", "net/ipv4/conf", "net/ipv6/conf", "net/bridge", "net/ipv4/neigh",
                "net/netfilter/nf_conntrack_acct"]
SYSCTL_NAMES = re.compile(
    r"/(ip_forward|forwarding|rp_filter|src_valid_mark|arp_[a-z]+|proxy_arp|proxy_delay|route_localnet|accept_local|"
    r"accept_ra|disable_ipv6|addr_gen_mode|send_redirects|bridge-nf-[a-z0-9-]+|nf_conntrack_acct)$")
PROGRAMS = {"libvirtd", "virtlogd", "virtlockd", "virtqemud", "sclctl", "scld", "dnsmasq", "nft", "nsenter", "qemu-img",
            "mmdebstrap", "valgrind"}
FOLDERS = ["/run/scl", "/run/netns"]


def command(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=bound(60), check=False,
                          env={**os.environ, "LC_ALL": "C"})
    return done.stdout if done.returncode == 0 else ""


def links():
    result = []
    for link in json.loads(command("ip", "-details", "-json", "address", "show") or "[]"):
        info = link.get("linkinfo", {})
        addresses = sorted(f"{a['local']}/{a['prefixlen']}" for a in link.get("addr_info", []))
        flags = sorted(set(link.get("flags", [])) - {"LOWER_UP", "NO-CARRIER"})
        result.append(f"{link['ifname']} {info.get('info_kind', 'device')} mac={link.get('address')} mtu={link['mtu']} "
                      f"master={link.get('master')} flags={','.join(flags)} alias={link.get('ifalias')} "
                      f"addresses={','.join(addresses)}")
    return result


def routes():
    lines = command("ip", "-4", "route", "show", "table", "all").splitlines()
    lines += command("ip", "-6", "route", "show", "table", "all").splitlines()
    return [re.sub(r" (expires|error) \S+", "", line).strip() for line in lines]


def rules():
    return [f"{family} {line}" for family in ("-4", "-6") for line in command("ip", family, "rule", "show").splitlines()]


def firewall():
    """Every line with its table and chain in front, without counters and handles."""
    path, result = [], []
    for line in command("nft", "-s", "list", "ruleset").splitlines():
        text = line.strip()
        if text == "}":
            path.pop()
        elif text.endswith("{"):
            path.append(text[:-1].strip())
            result.append(" / ".join(path))
        elif text:
            result.append(" / ".join([*path, text]))
    return result


def sysctls():
    result = []
    for root in SYSCTL_ROOTS:
        base = Path("/proc/sys") / root
        for path in [base] if base.is_file() else sorted(base.rglob("*")):
            if SYSCTL_NAMES.search(str(path)) and path.is_file():
                try:
                    result.append(f"{path.relative_to('/proc/sys')} = {path.read_text(encoding='ascii').strip()}")
                except OSError:
                    continue
    return result


def named_files():
    return [str(path) for folder in FOLDERS for path in [Path(folder), *Path(folder).rglob("*")] if path.exists()]


def tap_nodes():
    """Not the kernel's own: devtmpfs has those of all namespaces, and each vanishes with its link."""
    kinds = [line.split()[1] for line in mounts() if line.split()[0] == "/dev"]
    return [] if kinds[-1:] == ["devtmpfs"] else [str(path) for path in Path("/dev").glob("tap[0-9]*")]


def mounts():
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [f"{line.split()[4]} {line.partition(' - ')[2].split()[0]}" for line in lines]


def parent(pid):
    """None if it has gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return None


def ancestors(pid):
    """From itself up; the last is None if one of them went meanwhile."""
    found = []
    while pid:
        found.append(pid)
        pid = parent(pid)
    return found + [None] if pid is None else found


def is_runner(pid):
    try:
        return any(word.endswith(b"/tap-run") for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:4])
    except OSError:
        return False


def of_parallel_test(pid):
    """Also what is just ending."""
    mine = set(ancestors(os.getpid()))
    line = ancestors(pid)
    return line[-1] is None or any(is_runner(one) for one in line if one not in mine)


def namespaces():
    """Network namespaces that are held by a name or a process of this machine."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            found.setdefault(os.readlink(path), []).append(int(path.parts[2]))
        except OSError:
            continue
    return sorted(name for name, pids in found.items() if not all(map(of_parallel_test, pids)))


def processes():
    """Programs of the kind that SCL and its tests start, on the whole machine."""
    result = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = re.search(r"\((.*)\) (.*)", stat.read_text(errors="replace"), re.S).groups()
            words = Path(stat.parent / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if (name in PROGRAMS or name.startswith("qemu-system")) and not of_parallel_test(int(stat.parent.name)):
            result.append(f"{stat.parent.name} {name} started={fields.split()[19]} {' '.join(words)[:120]}")
    return result


def domains(uri):
    return sorted(command("virsh", "--quiet", "--connect", uri, "list", "--all", "--name").split())


# Of these a host of a lab has its own.
OF_A_HOST = ["link", "route", "rule", "firewall", "sysctl", "file", "tap node", "mount"]
PARTS = {"link": links, "route": routes, "rule": rules, "firewall": firewall, "sysctl": sysctls, "file": named_files,
         "tap node": tap_nodes, "mount": mounts, "network namespace": namespaces, "process": processes}


def snapshot(libvirt_uri=None, parts=tuple(PARTS)):
    result = {name: sorted(PARTS[name]()) for name in parts}
    if libvirt_uri:
        result["domain"] = domains(libvirt_uri)
    return result


def snapshot_of(host):
    """Of a host of a lab (lab.py)."""
    program = "import json, sys; from scltest import machine; json.dump(machine.snapshot(parts=machine.OF_A_HOST), sys.stdout)"
    return json.loads(host.output([sys.executable, "-B", "-c", program], timeout=bound(60),
                                  env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}))


def differences(before, after):
    """Lines such as "link is new: …" and "route is gone: …". A link's own sysctls come and go with it."""
    lines = []
    moved = {item.split()[0] for item in set(before["link"]) ^ set(after["link"])}
    for name in before:
        old, new = ({item for item in side.get(name, []) if name != "sysctl" or item.split("/")[-2] not in moved}
                    for side in (before, after))
        lines += [f"{name} is new: {item}" for item in sorted(new - old)]
        lines += [f"{name} is gone: {item}" for item in sorted(old - new)]
    return lines


def settled_differences(before, seconds=10, take=snapshot):
    """Differences that stay: the kernel takes a namespace's links away some time after its last process."""
    limit = time.monotonic() + bound(seconds)
    while (lines := differences(before, take())) and time.monotonic() < limit:
        time.sleep(0.25)
    return lines


def leftovers(prefix):
    """What still carries a prefix of SCL's: links, namespaces, tables, files. Empty if all is removed."""
    now = snapshot()
    word = re.compile(rf"(^|[ /]){re.escape(prefix)}([a-z]?-|[ ./]|$)")
    return [f"{part}: {item}" for part in ("link", "firewall", "file", "route") for item in now[part] if word.search(item)]
