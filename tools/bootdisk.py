# SPDX-License-Identifier: LGPL-2.1-or-later
"""Raw GPT disks that boot under SeaBIOS and OVMF, written without root and without loop devices.

Used by tools/cloud-image and tests/support/tiny-guest. A disk has three partitions: a BIOS boot
partition (GRUB's core image), an EFI system partition, and, if a file system image is given, a
root partition that comes last so that it can grow.
"""

import os
import struct
import subprocess
from pathlib import Path

SECTOR = 512
MIB = 1024 * 1024
GRUB_PC = Path("/usr/lib/grub/i386-pc")

# Where GRUB's boot code keeps the place of its next stage: include/grub/i386/pc/boot.h.
BOOT_KERNEL_SECTOR = 0x5C
DISKBOOT_FIRST_BLOCKLIST = 0x1F4
BOOT_CODE_SIZE = 440

MODULES = ["part_gpt", "fat", "normal", "linux", "search", "search_fs_uuid", "search_label", "ext2", "echo", "test", "serial"]
MODULES_PC = [*MODULES, "biosdisk"]
MODULES_EFI = [*MODULES, "all_video"]


def run(*argv, **kwargs):
    """Run a program; its output belongs to the log, not to our result."""
    subprocess.run([str(a) for a in argv], check=True, stdout=subprocess.DEVNULL, **kwargs)


def grub_image(target, modules, config, output):
    run("grub-mkimage", "-O", target, "-p", "/grub", "-c", config, "-o", output, *modules)


def make_esp(image, size, uuid, files):
    """Write a FAT file system. files maps a path in it to a path on this machine."""
    with open(image, "wb") as stream:
        stream.truncate(size)
    run("mkfs.vfat", "-n", "ESP", "-i", uuid, image)

    folders = {str(parent) for name in files for parent in Path(name).parents if str(parent) != "."}
    for folder in sorted(folders):
        run("mmd", "-i", image, f"::/{folder}")
    for name, source in files.items():
        run("mcopy", "-i", image, source, f"::/{name}")


def copy_into(disk, offset, source):
    """Copy a file into the disk; holes stay holes."""
    run("dd", f"if={source}", f"of={disk}", "bs=1M", f"seek={offset // MIB}",
        "conv=notrunc,sparse", "status=none")


def embed_bios(disk, core, core_offset):
    """Do what grub-bios-setup does: boot code into the MBR, core image into its partition."""
    first = core_offset // SECTOR
    boot = bytearray((GRUB_PC / "boot.img").read_bytes()[:BOOT_CODE_SIZE])
    struct.pack_into("<Q", boot, BOOT_KERNEL_SECTOR, first)

    image = bytearray(Path(core).read_bytes())
    struct.pack_into("<Q", image, DISKBOOT_FIRST_BLOCKLIST, first + 1)

    with open(disk, "r+b") as stream:
        stream.write(boot)
        stream.seek(core_offset)
        stream.write(image)


def make_disk(disk, *, work, uuid, config, esp_size, esp_files, root=None):
    """Write the disk image.

    work: a folder for intermediate files; uuid: 8 hex digits, the ESP's serial number;
    config: GRUB commands that boot; they run with $root set to the ESP;
    esp_files: what the ESP holds besides GRUB; root: an ext4 image for the root partition.
    """
    work = Path(work)
    script = work / "grub-early.cfg"
    script.write_text(f"search --no-floppy --fs-uuid --set=root {uuid[:4]}-{uuid[4:]}\n{config}\n")

    efi = work / "BOOTX64.EFI"
    core = work / "core.img"
    esp = work / "esp.img"
    grub_image("x86_64-efi", MODULES_EFI, script, efi)
    grub_image("i386-pc", MODULES_PC, script, core)
    make_esp(esp, esp_size, uuid, {**esp_files, "EFI/BOOT/BOOTX64.EFI": efi})

    bios_offset, esp_offset = MIB, 2 * MIB
    root_offset = esp_offset + esp_size
    root_size = os.path.getsize(root) if root else 0
    with open(disk, "wb") as stream:
        stream.truncate(root_offset + root_size + MIB)

    layout = [
        "label: gpt",
        f"start={bios_offset // SECTOR}, size={MIB // SECTOR}, type=21686148-6449-6E6F-744E-656564454649, name=bios",
        f"start={esp_offset // SECTOR}, size={esp_size // SECTOR}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=esp",
    ]
    if root:
        layout.append(f"start={root_offset // SECTOR}, size={root_size // SECTOR}, "
                      "type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root")
    run("sfdisk", "--quiet", disk, input="\n".join(layout).encode())

    copy_into(disk, esp_offset, esp)
    if root:
        copy_into(disk, root_offset, root)
    embed_bios(disk, core, bios_offset)
