# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's programs and its initramfs."""

import os
import re
import shlex
import shutil
import subprocess

from . import kernels
from .cache import LabError, run

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GUEST = os.path.join(HERE, "guest")
PROGRAMS = ("actors", "spin", "collect", "kload")


class Cpio:
    """An archive in the "newc" form that the kernel unpacks (its Documentation: initramfs buffer format)."""

    def __init__(self, path):
        self.f = open(path, "wb")
        self.ino = 0
        self.dirs = set()

    def _entry(self, name, mode, data=b""):
        self.ino += 1
        raw = name.encode() + b"\0"
        fields = (self.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        self.f.write(b"070701" + b"".join(b"%08X" % v for v in fields))
        self.f.write(raw + b"\0" * (-(110 + len(raw)) % 4))
        self.f.write(data + b"\0" * (-len(data) % 4))

    def _parents(self, name):
        parts = name.split("/")[:-1]
        for i in range(len(parts)):
            d = "/".join(parts[: i + 1])
            if d not in self.dirs:
                self.dirs.add(d)
                self._entry(d, 0o040755)

    def add(self, name, data, mode=0o100755):
        self._parents(name)
        self._entry(name, mode, data)

    def add_file(self, name, path):
        with open(path, "rb") as f:
            self.add(name, f.read())

    def link(self, name, target):
        self.add(name, target.encode(), 0o120777)

    def close(self):
        self._entry("TRAILER!!!", 0)
        self.f.close()


def build_programs(work):
    """Compile the guest's programs, static; returns their folder."""
    cc = shlex.split(os.environ.get("CC", "cc"))
    out = os.path.join(work, "bin")
    os.makedirs(out)
    for name in PROGRAMS:
        run([*cc, "-std=c17", "-O1", "-Wall", "-Wextra", "-static", "-pthread", "-s",
             "-o", os.path.join(out, name), os.path.join(GUEST, name + ".c")])
    return out


def busybox():
    for path in ("/bin/busybox", "/usr/bin/busybox"):
        if os.path.exists(path):
            with open(path, "rb") as f:
                if b"ld-linux" in f.read(1 << 16):
                    raise LabError(f"{path} is not static: install busybox-static")
            return path
    raise LabError("no busybox: install busybox-static")


def common(cpio, settings):
    cpio.add_file("bin/busybox", busybox())
    cpio.link("bin/sh", "busybox")
    with open(os.path.join(GUEST, "init"), "rb") as f:
        cpio.add("init", f.read())
    text = "".join(f"{k}={shlex.quote(v)}\n" for k, v in settings.items())
    cpio.add("etc/case", text.encode(), 0o100644)


def libraries(program):
    """The shared libraries of a dynamic program, its loader included."""
    text = subprocess.run(["ldd", program], stdout=subprocess.PIPE, check=True).stdout.decode()
    return [m.group(1) for m in re.finditer(r"(?:=> |^\s*)(/\S+) \(0x", text, re.M)]


def build_kdump_initrd(path, settings):
    """The crash kernel's initramfs: busybox and Debian's makedumpfile."""
    program = shutil.which("makedumpfile", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin")
    if not program:
        raise LabError("no makedumpfile")
    cpio = Cpio(path)
    common(cpio, settings)
    cpio.add_file("bin/makedumpfile", program)
    for lib in libraries(program):
        cpio.add_file(lib.lstrip("/"), lib)
    cpio.close()


def build_initrd(path, case, kernel, programs, modules):
    """The guest's initramfs. `modules` is the list of names of the case's cast."""
    if case["panic"] == "key":
        modules = [*modules, "virtio_pci", "virtio_input"]
    loaded = kernels.modules_in_order(kernel, modules)
    settings = {
        "CAST": case["cast"], "SPIN": case["spin"], "SYSCTL": case["sysctl"],
        "PANIC": "sysrq" if case["panic"] == "sysrq" else "wait",
        "KEYBOARD_CPUS": "2" if case["panic"] == "key" else "",
        "MODULES": " ".join(name for name, _ in loaded),
        "KDUMP_OPTIONS": case["kdump"],
        "KDUMP_CMDLINE": "console=ttyS0 loglevel=4 panic=1 nr_cpus=1 irqpoll reset_devices",
    }
    cpio = Cpio(path)
    common(cpio, settings)
    for name in PROGRAMS:
        cpio.add_file("bin/" + name, os.path.join(programs, name))
    for name, data in loaded:
        cpio.add(f"modules/{name}.ko", data, 0o100644)
    if case["kdump"]:
        second = path + ".kdump"
        build_kdump_initrd(second, settings)
        cpio.add_file("kdump/vmlinuz", os.path.join(kernel["dir"], "vmlinuz"))
        cpio.add_file("kdump/initrd", second)
        os.unlink(second)
    cpio.close()
