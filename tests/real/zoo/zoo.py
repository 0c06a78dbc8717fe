# SPDX-License-Identifier: GPL-2.0-or-later
"""The zoo: guests full of processes in known states, for everything that kcodbg says about processes.

Cases of their own, as many/ is one: the other cases' keys do not depend on what lies here. They
use Debian's usual kernels and not the cloud ones, which lack zswap.
"""

import contextlib
import hashlib
import lzma
import os
import shlex
import shutil
import sys
import tarfile
import tempfile
import time

from labkit import dumps, formats, guest, kernels, qemu
from labkit.cache import LabError, read_json, run, write_json

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULTS = {"memory": 384, "cast": "zoo", "spin": "", "panic": "sysrq", "kdump": "", "sysctl": ""}
# zswap: compressor/pool, each with pages of its own.
CASES = {
    "zoo-6.1": dict(DEFAULTS, flavour="6.1-amd64", cpu="max,la57=off",
                    zswap="lzo/zbud zstd/zsmalloc lz4/z3fold lz4hc/zbud deflate/zsmalloc"),
    "zoo-6.12": dict(DEFAULTS, flavour="6.12-amd64", cpu="max",
                     zswap="lzo/zsmalloc zstd/zsmalloc lz4/zbud lz4hc/zsmalloc deflate/zsmalloc lzo-rle/zbud"),
}
kernels.FLAVOURS.update({"6.1-amd64": "linux-image-amd64", "6.12-amd64": "linux-image-6.12-amd64"})
kernels.DUMP_LEVEL.update({"6.1-amd64": 31, "6.12-amd64": 23})

MODULES = ["qemu_fw_cfg", "crc32c_generic", "crct10dif_generic", "crc64_rocksoft_generic", "nvme", "ext4", "lzo",
           "lzo-rle", "lz4", "lz4hc", "zstd", "deflate", "842", "zsmalloc", "zbud", "z3fold", "zram"]
DISKS = {"truth": 128, "swap": 32, "zswap": 64, "files": 32}

CFLAGS = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-fno-stack-protector", "-pthread", "-Wl,--build-id"]
NO_EH = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"]
# program -> source files, options. What is no library of the system is in libzoo.so.
STATIC = ["-static"]
SHARED = ["-pie", "-fPIE"]
PROGRAMS = {
    "zoo-static": (["stack.c", "lib.c"], STATIC),
    "zoo-pie": (["stack.c"], SHARED),
    "zoo-fp": (["stack.c"], [*SHARED, *NO_EH, "-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer"]),
    "zoo-dbgframe": (["stack.c"], [*SHARED, *NO_EH, "-g"]),
    "zoo-mini": (["stack.c"], SHARED),
    "zoo-stripped": (["stack.c"], SHARED),
    "zoo-regs": (["regs.c"], STATIC),
    "zoo-sig": (["sig.c"], SHARED),
    "zoo-life": (["life.c"], SHARED),
    "zoo-trace": (["trace.c"], SHARED),
    "zoo-mem": (["mem.c"], STATIC),
    "zoo-secrets": (["secrets.c"], STATIC),
    "facts": (["facts.c"], STATIC),
}
LIBRARY = "usr/lib/zoo/libzoo.so"


def recipe_key(case, kernel):
    """What a case depends on: its row, everything here, the lab, the guest's collector, the kernel."""
    h = hashlib.sha256(repr(sorted(case.items())).encode() + kernel["deb"].encode())
    files = [os.path.join(guest.GUEST, "collect.c")]
    for folder, endings in ((HERE, (".c", ".h", ".py", "init")), (os.path.join(guest.HERE, "labkit"), (".py",))):
        files += sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(endings) and n != "cases.py")
    for path in files:
        with open(path, "rb") as f:
            h.update(os.path.basename(path).encode() + b"\0" + f.read())
    return h.hexdigest()


def dump(cache, name, force=False):
    """Make the case unless it is there; returns its meta, with "cached" set or not."""
    case = CASES[name]
    kernel = kernels.kernel(cache, case["flavour"])
    key = recipe_key(case, kernel)
    with cache.lock("case-" + name):
        meta = read_json(cache.path("dumps", name, "meta.json"))
        if meta.get("key") == key and not force:
            return dict(meta, cached=True)
        with cache.building("dumps", name) as out, tempfile.TemporaryDirectory(prefix="kcolab") as work:
            root = os.path.join(out, "sysroot")
            uprobes = build(root)
            initrd = os.path.join(work, "initrd")
            build_initrd(initrd, root, work, case, kernel, uprobes)
            with dumps.ONE_GUEST:
                begin = time.monotonic()
                try:
                    argv = boot(case, kernel, work, initrd, out)
                except LabError as e:
                    print(f"lab: {name}: once more, after {e}", file=sys.stderr, flush=True)
                    argv = boot(case, kernel, work, initrd, out)
                booted = time.monotonic()
            how = variants(work, out, case)
            meta = {
                "case": name, "settings": case, "release": kernel["release"], "package": kernel["deb"], "key": key,
                "qemu_args": argv, "variants": how, "lossy": [],
                "seconds": {"boot and dump": round(booted - begin, 1),
                            "variants": round(time.monotonic() - booted, 1)},
            }
            write_json(os.path.join(out, "meta.json"), meta)
        return dict(meta, cached=False)


def compiler(*args):
    run([*shlex.split(os.environ.get("CC", "cc")), *args])


def build(root):
    """The guest's own programs with their libraries, laid out as in the guest; the uprobes' places."""
    binaries = os.path.join(root, "bin")
    os.makedirs(binaries)
    library = os.path.join(root, LIBRARY)
    os.makedirs(os.path.dirname(library))
    compiler(*CFLAGS, "-shared", "-fPIC", "-Wl,-soname,libzoo.so", "-o", library, os.path.join(HERE, "lib.c"))
    for name, (sources, options) in PROGRAMS.items():
        link = [] if "-static" in options or "stack.c" not in sources else [library, "-Wl,-rpath,/usr/lib/zoo"]
        compiler(*CFLAGS, *options, "-o", os.path.join(binaries, name), *(os.path.join(HERE, s) for s in sources), *link)
    compiler("-std=gnu17", "-O2", "-Wall", "-Wextra", "-m32", "-march=i686", "-nostdlib", "-ffreestanding", "-static", "-fno-pie",
             "-no-pie", "-fno-stack-protector", "-fomit-frame-pointer", "-Wl,--build-id", "-Wl,--eh-frame-hdr",
             "-o", os.path.join(binaries, "zoo-tiny32"), os.path.join(HERE, "tiny32.c"))
    uprobes = [f"/bin/zoo-pie:{file_offset(os.path.join(binaries, 'zoo-pie'), 'stack_probed'):#x}=stack_probed",
               f"/{LIBRARY}:{file_offset(library, 'zoolib_probed'):#x}=zoolib_probed"]
    mini_debuginfo(os.path.join(binaries, "zoo-mini"))
    separate_debuginfo(os.path.join(binaries, "zoo-stripped"), root)
    for path in guest.libraries(os.path.join(binaries, "zoo-pie")):
        if not path.endswith("libzoo.so"):
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            shutil.copyfile(path, root + path)
            os.chmod(root + path, 0o755)
    return uprobes


def file_offset(path, symbol):
    """Where a function of a program stands in its file."""
    text = run(["readelf", "-sW", path])
    addr = next(int(f[1], 16) for f in map(str.split, text.splitlines()) if len(f) == 8 and f[7] == symbol)
    for f in map(str.split, run(["readelf", "-lW", path]).splitlines()):
        if f and f[0] == "LOAD" and int(f[2], 16) <= addr < int(f[2], 16) + int(f[4], 16):
            return addr - int(f[2], 16) + int(f[1], 16)
    raise LabError(f"{path}: no segment holds {symbol}")


def mini_debuginfo(path):
    """Strip a program, but for .gnu_debugdata as Fedora makes it: its functions' symbols, packed by xz."""
    with tempfile.TemporaryDirectory() as work:
        keep, debug, mini, packed = (os.path.join(work, n) for n in ("keep", "debug", "mini", "mini.xz"))
        dynamic = {line.split()[0] for line in run(["nm", "-D", "-P", "--defined-only", path]).splitlines()}
        with open(keep, "w", encoding="ascii") as f:
            for line in run(["nm", "-P", "--defined-only", path]).splitlines():
                name, kind = line.split()[:2]
                if kind in "Tt" and name not in dynamic:
                    f.write(name + "\n")
        run(["objcopy", "--only-keep-debug", path, debug])
        run(["objcopy", "-S", "--remove-section", ".comment", "--keep-symbols=" + keep, debug, mini])
        with open(mini, "rb") as f, open(packed, "wb") as g:
            g.write(lzma.compress(f.read()))
        run(["strip", "--strip-all", path])
        run(["objcopy", "--add-section", ".gnu_debugdata=" + packed, path])


def separate_debuginfo(path, root):
    """Strip a program; its symbols lie where debuggers look for them, by build-id."""
    note = next(line for line in run(["readelf", "-n", path]).splitlines() if "Build ID:" in line).split()[-1]
    folder = os.path.join(root, "usr/lib/debug/.build-id", note[:2])
    os.makedirs(folder)
    run(["objcopy", "--only-keep-debug", path, os.path.join(folder, note[2:] + ".debug")])
    run(["strip", "--strip-all", path])


def build_initrd(path, root, work, case, kernel, uprobes):
    loaded = kernels.modules_in_order(kernel, MODULES)
    settings = {"MODULES": " ".join(name for name, _ in loaded), "UPROBES": " ".join(uprobes), "ZSWAP": case["zswap"]}
    cpio = guest.Cpio(path)
    cpio.add_file("bin/busybox", guest.busybox())
    cpio.link("bin/sh", "busybox")
    cpio.add_file("init", os.path.join(HERE, "init"))
    cpio.add("etc/case", "".join(f"{k}={shlex.quote(v)}\n" for k, v in settings.items()).encode(), 0o100644)
    compiler("-std=c17", "-O1", "-static", "-s", "-o", os.path.join(work, "collect"),
             os.path.join(guest.GUEST, "collect.c"))
    cpio.add_file("bin/collect", os.path.join(work, "collect"))
    for folder, _, files in os.walk(root):
        for name in sorted(files):
            full = os.path.join(folder, name)
            if not name.endswith(".debug"):
                cpio.add_file(os.path.relpath(full, root), full)
    for name, data in loaded:
        cpio.add(f"modules/{name}.ko", data, 0o100644)
    cpio.close()


def boot(case, kernel, work, initrd, out):
    """Run the guest until QEMU has written its memory; QEMU's arguments."""
    for stale in ("serial.log", "qmp"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(work, stale))
    disks = {name: os.path.join(work, name + ".img") for name in DISKS}
    for name, path in disks.items():
        with open(path, "wb") as f:
            f.truncate(DISKS[name] << 20)
    machine = qemu.Guest(work, case, kernel, initrd, disks, "console=ttyS0 loglevel=8 panic=0")
    try:
        machine.connect()
        machine.wait_log([b"end Kernel panic"], dumps.BOOT_TIMEOUT)
        time.sleep(0.2)
        machine.qmp.call("stop")
        registers = machine.qmp.monitor("info registers -a")
        machine.qmp.call("dump-guest-memory", paging=False, protocol="file:" + os.path.join(work, "core"))
        machine.qmp.call("quit")
        machine.wait_end(30)
    finally:
        shutil.copyfile(os.path.join(work, "serial.log"), os.path.join(out, "serial.log"))
        machine.close()
    with tarfile.open(disks["truth"]) as tar:
        tar.extractall(out)
    with open(os.path.join(out, "truth", "registers"), "w", encoding="utf-8") as f:
        f.write(registers)
    shutil.copyfile(os.path.join(work, "core"), os.path.join(out, "vmcore.elf"))
    os.chmod(os.path.join(out, "vmcore.elf"), 0o644)
    formats.dig_holes(os.path.join(out, "vmcore.elf"))
    return machine.argv


def variants(work, out, case):
    """The whole memory, and what a distribution's kdump would have kept of it."""
    formats.elf_plain_header(os.path.join(work, "core"), os.path.join(work, "plain"), False)
    options = ["-l", "-d", str(kernels.DUMP_LEVEL[case["flavour"]])]
    target = os.path.join(out, "vmcore.filtered")
    run(["makedumpfile", *options, os.path.join(work, "plain"), target], env=dict(os.environ, TMPDIR=work))
    os.chmod(target, 0o644)
    return {"vmcore.elf": "qemu dump-guest-memory", "vmcore.filtered": "makedumpfile " + " ".join(options)}
