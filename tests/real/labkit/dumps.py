# SPDX-License-Identifier: GPL-2.0-or-later
"""One case: boot its guest, let it die, keep its memory in every format."""

import contextlib
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

from . import cases, formats, guest, kernels, qemu
from .cache import LabError, read_json, run, write_json

HERE = guest.HERE
BOOT_TIMEOUT = int(os.environ.get("KCODBG_LAB_TIMEOUT", "120"))
# One guest keeps two CPUs busy; only what follows it runs beside the next one.
ONE_GUEST = threading.Lock()


def recipe_key(name, kernel):
    """What a cached case depends on: its row, every source of the lab, the kernel."""
    h = hashlib.sha256(repr(sorted(cases.case(name).items())).encode())
    h.update(kernel["deb"].encode())
    for folder in ("guest", "host", "labkit"):
        for entry in sorted(os.listdir(os.path.join(HERE, folder))):
            path = os.path.join(HERE, folder, entry)
            # The other cases' rows are no part of this one.
            if entry == "cases.py" or not os.path.isfile(path):
                continue
            with open(path, "rb") as f:
                h.update(entry.encode() + b"\0" + f.read())
    h.update(repr(cases.MODULES[cases.case(name)["cast"]]).encode())
    return h.hexdigest()


def dump(cache, name, force=False):
    """Make the case unless it is there; returns its meta, with "cached" set or not."""
    kernel = kernels.kernel(cache, cases.case(name)["flavour"])
    key = recipe_key(name, kernel)
    final = cache.path("dumps", name)
    with cache.lock("case-" + name):
        meta = read_json(os.path.join(final, "meta.json"))
        if meta.get("key") == key and not force:
            return dict(meta, cached=True)
        with cache.building("dumps", name) as out:
            meta = build(name, cases.case(name), kernel, out)
            meta["key"] = key
            write_json(os.path.join(out, "meta.json"), meta)
        return dict(meta, cached=False)


def build(name, case, kernel, out):
    # Unix socket paths are short, so the sockets do not live below the cache.
    with tempfile.TemporaryDirectory(prefix="kcolab") as work:
        initrd = os.path.join(work, "initrd")
        guest.build_initrd(initrd, case, kernel, guest.build_programs(work), cases.MODULES[case["cast"]])
        with ONE_GUEST:
            begin = time.monotonic()
            try:
                argv, cmdline, how = boot(case, kernel, work, initrd, out)
            except LabError as e:
                # A guest that hangs in its boot says nothing about kcodbg; a second one that does is worth a look.
                print(f"lab: {name}: once more, after {e}", file=sys.stderr, flush=True)
                argv, cmdline, how = boot(case, kernel, work, initrd, out)
            booted = time.monotonic()
        finish(case, work, out)
    if not case["kdump"]:
        how.update(variants(out, case))
    return {
        "case": name, "settings": case, "release": kernel["release"], "package": kernel["deb"],
        "cpu": case["cpu"], "qemu": run([qemu.QEMU, "--version"]).splitlines()[0],
        "makedumpfile": run(["makedumpfile", "-v"]).splitlines()[0],
        "qemu_args": argv, "cmdline": cmdline, "variants": how, "lossy": [] if case["kdump"] else lossy(case),
        "seconds": {"boot and dump": round(booted - begin, 1), "variants": round(time.monotonic() - booted, 1)},
    }


def boot(case, kernel, work, initrd, out):
    """Run the guest until its dumps are written; (QEMU's arguments, kernel command line, how each was made)."""
    names = ("truth", "dump", "copy") if case["kdump"] else ("truth",)
    disks = {n: os.path.join(work, n + ".img") for n in names}
    for path in disks.values():
        with open(path, "wb") as f:
            f.truncate(case["memory"] << 20)
    for stale in ("serial.log", "qmp"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(work, stale))
    cmdline = "console=ttyS0 loglevel=8 panic=0" + (" crashkernel=256M" if case["kdump"] else "")
    machine = qemu.Guest(work, case, kernel, initrd, disks, cmdline)
    try:
        machine.connect()
        how = die_kdump(machine) if case["kdump"] else die_qemu(machine, case, out)
    finally:
        machine.close()
    return machine.argv, cmdline, how


def finish(case, work, out):
    """Bring everything else of a guest that is gone into the case's folder."""
    shutil.copyfile(os.path.join(work, "serial.log"), os.path.join(out, "serial.log"))
    with tarfile.open(os.path.join(work, "truth.img")) as tar:
        tar.extractall(out)
    if case["kdump"]:
        finish_kdump(work, out)
    for variant in ("vmcore.elf", "vmcore.elf-paging"):
        if os.path.exists(os.path.join(out, variant)):
            formats.dig_holes(os.path.join(out, variant))


def die_qemu(machine, case, out):
    """The panic, then QEMU's own dumps of the stopped machine."""
    end = b"end Kernel panic"
    if case["panic"] != "sysrq":
        machine.wait_log([b"collect: done"], BOOT_TIMEOUT)
        time.sleep(0.3)
        if case["panic"] == "key":
            machine.sysrq("c")
        else:
            machine.qmp.call("inject-nmi")
    machine.wait_log([end], BOOT_TIMEOUT)
    time.sleep(0.2)
    machine.qmp.call("stop")
    os.makedirs(os.path.join(out, "truth"), exist_ok=True)
    with open(os.path.join(out, "truth", "registers"), "w", encoding="utf-8") as f:
        f.write(machine.qmp.monitor("info registers -a"))
    known = machine.qmp.call("query-dump-guest-memory-capability")["formats"]
    how = {}

    def take(variant, paging, **options):
        path = os.path.join(out, variant)
        machine.qmp.call("dump-guest-memory", paging=paging, protocol="file:" + path, **options)
        os.chmod(path, 0o644)
        how[variant] = f"qemu dump-guest-memory paging={paging} {options.get('format', 'elf')}"

    take("vmcore.elf", False)
    take("vmcore.elf-paging", True)
    for codec in ("zlib", "lzo", "snappy"):
        if "kdump-" + codec in known:
            take("vmcore.flat-" + codec, False, format="kdump-" + codec)
    machine.qmp.call("quit")
    machine.wait_end(30)
    return how


def die_kdump(machine):
    """The panic boots the crash kernel, which writes the dump and switches the machine off."""
    machine.wait_log([b"kdump: finished"], BOOT_TIMEOUT)
    machine.wait_end(60)
    if b"makedumpfile exit status 0" not in machine.text():
        machine.fail("makedumpfile failed in the crash kernel")
    return {"vmcore.flat": f"makedumpfile {machine.case['kdump']} in the crash kernel",
            "vmcore.kdump": "makedumpfile -R of vmcore.flat",
            "vmcore.elf": "a copy of /proc/vmcore made in the crash kernel"}


def finish_kdump(work, out):
    flat, kdump, elf = (os.path.join(out, "vmcore." + n) for n in ("flat", "kdump", "elf"))
    shutil.copyfile(os.path.join(work, "dump.img"), flat)
    os.truncate(flat, formats.flat_length(flat))
    with open(flat, "rb") as f:
        run(["makedumpfile", "-R", kdump], stdin=f)
    os.chmod(kdump, 0o644)
    shutil.copyfile(os.path.join(work, "copy.img"), elf)
    with open(os.path.join(work, "serial.log"), "rb") as f:
        os.truncate(elf, int(f.read().split(b"kdump: copied ")[1].split()[0]))


# variant -> makedumpfile's options, and its source. With the firmware at the end
# of the 4 GiB makedumpfile -E complains of its own bitmap. LEVEL is the kernel's
# best dump level.
MAKEDUMPFILE = {
    "vmcore.kdump-lzo": ("-l -d 0", "all"),
    "vmcore.kdump-zlib": ("-c -d 0", "all"),
    "vmcore.flat-lzo": ("-F -l -d 0", "all"),
    "vmcore.d31": ("-l -d 31", "ram"),
    "vmcore.filtered": ("-l -d LEVEL", "ram"),
    "vmcore.makedumpfile-E": ("-E -d LEVEL", "ram"),
    "vmcore.flat-elf": ("-F -E -d LEVEL", "ram"),
}


def variants(out, case):
    """The formats that are made from QEMU's core afterwards."""
    def path(variant):
        return os.path.join(out, variant)

    level = str(kernels.DUMP_LEVEL[case["flavour"]])
    how = {}
    source = {"all": path("source.all"), "ram": path("source.ram")}
    for kind, copy in source.items():
        formats.elf_plain_header(path("vmcore.elf"), copy, kind == "all")
    env = dict(os.environ, TMPDIR=out)
    for variant, (options, kind) in MAKEDUMPFILE.items():
        options = options.replace("LEVEL", level)
        if os.path.exists(path(variant)):
            continue
        how[variant] = "makedumpfile " + options
        makedumpfile(options.split(), source[kind], path(variant), env)
    split = [path(f"vmcore.split{i}") for i in (1, 2, 3)]
    options = ["--split", "--splitblock-size", "4", "-l", "-d", level]
    run(["makedumpfile", *options, source["ram"], *split], env=env)
    how.update({os.path.basename(p): "makedumpfile " + " ".join(options) for p in split})
    incomplete(path("vmcore.kdump-lzo"), source["all"], path("vmcore.incomplete"), env)
    how["vmcore.incomplete"] = "makedumpfile -l -d 0, disk full at 60 %"
    own_variants(path, how)
    for copy in source.values():
        os.unlink(copy)
    for variant in how:
        os.chmod(path(variant), 0o644)
        if not os.path.getsize(path(variant)):
            raise LabError(f"{variant} is empty")
    return how


def own_variants(path, how):
    """Those that no installed program writes."""
    for codec in formats.CODECS:
        formats.recompress(path("vmcore.kdump-zlib"), path("vmcore.kdump-" + codec), codec)
        how["vmcore.kdump-" + codec] = "the pages of vmcore.kdump-zlib, packed by the lab"
    if not os.path.exists(path("vmcore.flat-snappy")):
        formats.flatten(path("vmcore.kdump-snappy"), path("vmcore.flat-snappy"))
        how["vmcore.flat-snappy"] = "vmcore.kdump-snappy, flattened by the lab"
    formats.write_lime(path("vmcore.elf"), path("vmcore.lime"))
    formats.write_raw(path("vmcore.elf"), path("vmcore.raw"))
    how["vmcore.lime"] = how["vmcore.raw"] = "the RAM of vmcore.elf, written by the lab"
    with open(path("vmcore.flat-lzo"), "rb") as f, gzip.open(path("vmcore.flat-lzo.gz"), "wb", 1) as g:
        shutil.copyfileobj(f, g)
    how["vmcore.flat-lzo.gz"] = "vmcore.flat-lzo, gzipped"


# What cannot be whole: a full disk, and user pages filtered by a makedumpfile
# that takes slab pages for them.
def lossy(case):
    return ["vmcore.incomplete"] + (["vmcore.d31"] if kernels.DUMP_LEVEL[case["flavour"]] != 31 else [])


def makedumpfile(options, source, target, env):
    if "-F" not in options:
        run(["makedumpfile", *options, source, target], env=env)
        return
    with open(target, "wb") as f:
        p = subprocess.run(["makedumpfile", *options, source], stdout=f, stderr=subprocess.PIPE, env=env, check=False)
    if p.returncode:
        raise LabError(f"makedumpfile {' '.join(options)}: {p.stderr.decode(errors='replace')}")


def incomplete(whole, source, target, env):
    """A dump cut short by a full disk; makedumpfile itself marks it so."""
    with tempfile.TemporaryDirectory() as work:
        shim = os.path.join(work, "enospc.so")
        run(["cc", "-std=c17", "-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", shim,
             os.path.join(HERE, "host", "enospc.c"), "-ldl"])
        env = dict(env, LD_PRELOAD=shim, ENOSPC_FILE=os.path.basename(target),
                   ENOSPC_AT=str(os.path.getsize(whole) * 6 // 10))
        p = subprocess.run(["makedumpfile", "-l", "-d", "0", source, target], env=env, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with open(target, "rb") as f:
        status = formats.read_at(f, 424, 4)[0]
    if p.returncode == 0 or not status & 8:
        raise LabError(f"makedumpfile did not notice the full disk: {p.stdout.decode(errors='replace')}")
