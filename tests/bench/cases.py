# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured. Each case leaves the bench's own namespace and folder as it found them."""

import json
import shutil

from scltest import kernel
from scltest.guest import SUPPORT
from scltest.libvirtd import Libvirtd

import harness

MIB = 1024 * 1024
NETWORK_XML = """<network><name>sclb</name><forward mode='nat'/><bridge name='sclbvirbr' stp='off' delay='0'/>
<ip address='192.168.20.1' netmask='255.255.255.0'><dhcp><range start='192.168.20.2' end='192.168.20.200'/></dhcp></ip>
</network>
"""
# What a person would write, with the rules (files) that SCL makes.
CREATE_SCRIPT = """\
set -e
ip netns add scls-default
ip netns exec scls-default sysctl -qw {sysctls}
ip link add sclsu-default type veth peer name uplink netns scls-default
sysctl -qw net.ipv6.conf.sclsu-default.disable_ipv6=1 net.ipv4.conf.sclsu-default.forwarding=1 \\
  net.ipv4.conf.sclsu-default.rp_filter=1 net.ipv4.conf.sclsu-default.send_redirects=0 \\
  net.ipv4.conf.sclsu-default.accept_redirects=0
ip address add 169.254.77.1 peer 192.168.10.1 dev sclsu-default
ip link set sclsu-default up
ip -n scls-default link set lo up
ip -n scls-default link add lan type bridge stp_state 0 forward_delay 0 mcast_snooping 0
ip netns exec scls-default sysctl -qw net.ipv4.conf.lan.arp_ignore=1
ip -n scls-default address add 192.168.20.1/24 dev lan
ip -n scls-default link set lan up
ip -n scls-default address add 192.168.10.1 peer 169.254.77.1 dev uplink
ip -n scls-default link set uplink up
ip -n scls-default route add default via 169.254.77.1 dev uplink
ip netns exec scls-default nft -f {network}
sysctl -qw net.ipv4.conf.gw0.forwarding=1
nft -f {host}
"""
DELETE_SCRIPT = """\
set -e
ip link delete sclsu-default
ip netns delete scls-default
nft delete table inet scls
sysctl -qw net.ipv4.conf.gw0.forwarding=0
"""
SYSCTLS = ("net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 net.ipv4.ip_forward=1 "
           "net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.all.send_redirects=0 "
           "net.ipv4.conf.default.send_redirects=0 net.ipv4.conf.all.accept_redirects=0 "
           "net.ipv4.conf.all.accept_source_route=0")


def network_of(number):
    return {"externalIP": f"192.168.10.{number + 1}", "gatewayIP": f"10.{number}.0.1", "internalNetmask": "255.255.0.0"}


def write_manifest(bench, name, networks, vms, gateway="gw0"):
    path = bench.folder / f"{name}.json"
    path.write_text(json.dumps({"version": 1, "gatewayInterface": gateway, "networks": networks,
                                "virtualMachines": vms}), encoding="utf-8")
    return path


def compare(bench, rows, rounds, turn):
    """turn(side) returns the times of its rows; A's and B's turns alternate, the first pair is apart."""
    for _ in range(rounds + 1):
        a, b = turn("a"), turn("b")
        for row, time_a, time_b in zip(rows, a, b):
            row.add(time_a, time_b)
    for row in rows:
        bench.show(row)


def alone(bench, row, rounds, work):
    for _ in range(rounds + 1):
        row.add(work(), None)
    bench.show(row)


# --- networks ---

DEMO = {"default": {"externalIP": "192.168.10.1", "gatewayIP": "192.168.20.1", "internalNetmask": "255.255.255.0",
                    "allowedTCPPorts": ["2222:192.168.20.2:22"]}}


def against(bench, name, goals, ours, theirs):
    """ours and theirs: (create, delete) functions."""
    rows = [bench.row("network create", name[0], name[1], goals[0]), bench.row("network delete", name[0], name[1], goals[1])]
    compare(bench, rows, bench.rounds(15), lambda side: [work() for work in (ours if side == "a" else theirs)])


def network(bench):
    worker = bench.worker()
    worker.call("manifest", write_manifest(bench, "network", DEMO, {}))
    worker.call("network-open")
    rules, script = [bench.folder / name for name in ("rules.ns", "rules.host")], bench.folder / "create.sh"
    worker.call("network-rules", "scls", *rules)
    script.write_text(CREATE_SCRIPT.format(sysctls=SYSCTLS, network=rules[0], host=rules[1]), encoding="ascii")
    end = bench.folder / "delete.sh"
    end.write_text(DELETE_SCRIPT, encoding="ascii")

    backend = [lambda: worker.call("network-create"), lambda: worker.call("network-delete")]
    scripts = [lambda: worker.call("run", "sh", script), lambda: worker.call("run", "sh", end)]
    floor = [lambda: worker.call("floor-create"), lambda: worker.call("floor-delete")]
    whole = [lambda: worker.call("apply"), lambda: worker.call("apply-nothing")]
    against(bench, ("SCL's backend", "ip/nft script"), ("≤ 0.6", None), backend, scripts)
    against(bench, ("SCL's backend", "bare floor"), ("≤ 1.3", None), backend, floor)
    worker.call("engine-open", "kernel", "memory", "memory")
    against(bench, ("SCL's apply", "ip/nft script"), ("≤ 0.6", None), whole, scripts)
    against(bench, ("SCL's apply", "bare floor"), (None, None), whole, floor)
    libvirt_network(bench, worker, backend)
    bench.retire(worker, "network create and delete")


def libvirt_network(bench, worker, backend):
    xml = bench.folder / "network.xml"
    xml.write_text(NETWORK_XML, encoding="ascii")
    with Libvirtd(bench.folder / "n") as daemon:
        worker.call("virt-network-open", daemon.uri, xml)
        theirs = [lambda: worker.call("virt-network-start"), lambda: worker.call("virt-network-destroy")]
        against(bench, ("SCL's backend", "libvirt net-start"), (None, None), backend, theirs)


# --- volumes ---

def make_image(path, mib):
    """Data with a hole after each MiB: what an image looks like that has free space."""
    with open(path, "wb") as stream, open("/dev/urandom", "rb") as source:
        for number in range(mib // 2):
            stream.seek(number * 2 * MIB)
            stream.write(source.read(MIB))
        stream.truncate(mib * MIB)


def volume_on(bench, folder, what, goal):
    image, target = folder / "image.raw", folder / "copies"
    state = folder / "state"
    mib = 64 if bench.quick else 512
    make_image(image, mib)
    target.mkdir()
    state.mkdir()
    worker = bench.worker()
    vm = {"image": str(image), "imageSize": mib, "network": "default"}
    worker.call("manifest", write_manifest(bench, "volume", DEMO, {"disk": vm}))
    worker.call("volume-open", state)
    bench.command("sync", "-f", folder)

    def ours():
        worker.call("run", "sync", "-f", folder)
        time = worker.call("volume-create")
        worker.call("volume-remove")
        return [time]

    def theirs(line):
        worker.call("run", "sync", "-f", folder)
        time = worker.call("run", "sh", "-c", line, "sh", image, target / "disk.raw", target)
        (target / "disk.raw").unlink()
        return [time]

    copy = 'cp --reflink=auto --sparse=auto "$1" "$2" && sync "$2" "$3"'
    convert = 'qemu-img convert -O raw "$1" "$2" && sync "$2" "$3"'
    rounds = bench.rounds(11)
    row = bench.row(f"volume create, {what}", "SCL", "cp + sync", goal)
    compare(bench, [row], rounds, lambda side: ours() if side == "a" else theirs(copy))
    row = bench.row(f"volume create, {what}", "SCL", "qemu-img + sync")
    compare(bench, [row], rounds, lambda side: ours() if side == "a" else theirs(convert))
    bench.retire(worker, f"volume create, {what}")
    shutil.rmtree(state)
    shutil.rmtree(target)
    image.unlink()


def on_loop(bench, kind):
    """A file system that shares blocks, in a file; nothing if loop devices do not work here."""
    disk, place = bench.folder / f"{kind}.disk", bench.folder / kind
    place.mkdir()
    with open(disk, "wb") as stream:
        stream.truncate(3072 * MIB)
    try:
        bench.command(f"mkfs.{kind}", "-q", disk)
        device = bench.command("losetup", "--find", "--show", disk)
    except (harness.Failure, FileNotFoundError) as problem:
        bench.note(f"volume create on {kind} skipped: {problem}")
        return
    try:
        kernel.mount(device, str(place), kind)
        volume_on(bench, place, f"{kind} reflink", "≤ 1.1, ≤ 20 ms")
        kernel.umount(str(place), 0)
    finally:
        bench.command("losetup", "--detach", device)
        disk.unlink()


def volume(bench):
    place = bench.folder / "plain"
    place.mkdir()
    kind = bench.command("stat", "--file-system", "--format=%T", place)
    volume_on(bench, place, kind, "≤ 1.1")
    for kind in ("xfs", "btrfs"):
        on_loop(bench, kind)


# --- one VM ---

def vm(bench):
    state, image = bench.folder / "vmstate", bench.command(SUPPORT / "tiny-guest")
    for folder in (state, state / "volumes", state / "vms", state / "vms/guest"):
        folder.mkdir()
        folder.chmod(0o711)
    shutil.copyfile(image, state / "volumes/guest.raw")
    guest = {"image": image, "cores": 1, "memorySize": 128, "firmware": "bios", "accelerator": "tcg"}
    bench.command("ip", "tuntap", "add", "dev", "sclbm-guest-0", "mode", "tap")
    with Libvirtd(bench.folder / "v") as daemon:
        scl, bare = bench.worker(), bench.worker()
        for worker in (scl, bare):
            worker.call("manifest", write_manifest(bench, "vm", DEMO, {"guest": guest}))
        bare.call("bare-open", daemon.uri, state)

        def turn(side):
            if side == "b":
                time = bare.call("bare-start")
            else:
                scl.call("vm-open", daemon.uri, state)
                time = scl.call("vm-start", state)
                scl.call("vm-close")
            bare.call("bare-clean")
            return [time]

        row = bench.row("VM define + start", "SCL", "bare libvirt", "≤ 1.05")
        compare(bench, [row], bench.rounds(30), turn)
        bench.retire(scl, "VM define + start, SCL")
        bench.retire(bare, "VM define + start, bare libvirt")
    bench.command("ip", "link", "delete", "sclbm-guest-0")


# --- plan and apply ---

def many(count, networks, image):
    """VMs spread over networks."""
    return {f"vm{i}": {"image": str(image), "network": f"net{i % networks}", "firmware": "bios", "accelerator": "tcg",
                       "autoStart": False} for i in range(count)}


def networks_of(count):
    return {"default": None, **{f"net{i}": network_of(i) for i in range(count)}}


def small_image(bench):
    image = bench.folder / "small.raw"
    if not image.exists():
        make_image(image, 2)
    return image


def plan(bench):
    """On the memory backend: the planner and the engine alone."""
    for count in (10, 100) if bench.quick else (10, 100, 1000, 10000):
        worker = bench.worker()
        worker.call("manifest", write_manifest(bench, "plan", networks_of(1), many(count, 1, small_image(bench)), None))
        worker.call("engine-open", "memory", "memory", "memory")
        rounds = bench.rounds(11)
        alone(bench, bench.row(f"plan, {count} new VMs", "memory", goal="≤ 500 ms" if count == 10000 else None), rounds,
              lambda: worker.call("plan", "some"))
        if count <= 1000:
            worker.call("apply")
            worker.call("plan", 0)
            alone(bench, bench.row(f"no-op apply, {count} VMs", "memory"), rounds, lambda: worker.call("apply"))
        bench.retire(worker, f"plan and no-op apply, {count} VMs, memory")


def scale(bench):
    """No-op apply with many domains of a real QEMU driver, networks simulated and real."""
    for count in (10,) if bench.quick else (10, 100, 1000):
        with Libvirtd(bench.folder / "s") as daemon:
            scale_on(bench, daemon, count)
        shutil.rmtree(bench.folder / "s")


def scale_on(bench, daemon, count):
    state = bench.folder / "scale"
    state.mkdir()
    state.chmod(0o711)
    lister, ours = bench.worker(), bench.worker()
    lister.call("list-open", daemon.uri)
    ours.call("manifest", write_manifest(bench, "scale", networks_of(1), many(count, 1, small_image(bench)), None))
    ours.call("engine-open", "memory", state, daemon.uri)
    bench.note(f"first apply of {count} VMs: {ours.call('apply'):.0f} ms")
    ours.call("plan", 0)
    row = bench.row(f"no-op apply, {count} domains", "SCL", "list + XML", "≤ 1.25")
    compare(bench, [row], bench.rounds(11), lambda side: [ours.call("apply") if side == "a" else lister.call("list", count)])
    bench.retire(ours, f"no-op apply, {count} domains")
    bench.retire(lister, f"list + XML, {count} domains")
    with_networks(bench, daemon, state, count)
    shutil.rmtree(state)


def with_networks(bench, daemon, state, count):
    """The same domains, their 20 networks simulated (B) or in the kernel (A)."""
    real, simulated = bench.worker(), bench.worker()
    manifest = write_manifest(bench, "scale20", networks_of(20), many(count, 20, small_image(bench)))
    for worker, kind in ((real, "kernel"), (simulated, "memory")):
        worker.call("manifest", manifest)
        worker.call("engine-open", kind, state, daemon.uri)
        worker.call("apply")
        worker.call("plan", 0)
    row = bench.row(f"no-op apply, {count} domains, 20 networks", "real networks", "simulated", "≤ 100 ms more")
    compare(bench, [row], bench.rounds(11), lambda side: [(real if side == "a" else simulated).call("apply")])
    real.call("apply-nothing")
    bench.retire(real, f"no-op apply, {count} domains, 20 networks")
    bench.retire(simulated)


ALL = {"network": network, "volume": volume, "vm": vm, "plan": plan, "scale": scale}
