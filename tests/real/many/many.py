# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest with 20,000 tasks: for tests/bench, and for anyone who wants a long list.

It is no row of labkit/cases.py, since `lab all` and check.py leave it alone, and
it lies in a folder of its own, so that the other cases' keys do not depend on it.
"""

import hashlib
import os
import shlex
import shutil
import tarfile
import tempfile
import time

from labkit import dumps, formats, guest, kernels, qemu
from labkit.cache import LabError, read_json, run, write_json

NAME = "6.1-many"
CASE = {"flavour": "6.1", "cpu": "max,la57=off", "memory": 2048, "cast": "many", "spin": "", "panic": "sysrq",
        "kdump": "", "sysctl": ""}
HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT = int(os.environ.get("KCODBG_LAB_TIMEOUT", "600"))


def recipe_key(kernel):
    """What this case depends on: its row and program, the guest's init, the lab, the kernel."""
    h = hashlib.sha256(repr(sorted(CASE.items())).encode() + kernel["deb"].encode())
    files = [os.path.join(guest.GUEST, "init")]
    for folder in (HERE, os.path.join(guest.HERE, "labkit")):
        files += sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith((".c", ".py")))
    for path in files:
        with open(path, "rb") as f:
            h.update(os.path.basename(path).encode() + b"\0" + f.read())
    return h.hexdigest()


def dump(cache, force=False):
    """Make the case unless it is there; returns its meta, with "cached" set or not."""
    kernel = kernels.kernel(cache, CASE["flavour"])
    key = recipe_key(kernel)
    with cache.lock("case-" + NAME):
        meta = read_json(cache.path("dumps", NAME, "meta.json"))
        if meta.get("key") == key and not force:
            return dict(meta, cached=True)
        with cache.building("dumps", NAME) as out, tempfile.TemporaryDirectory(prefix="kcolab") as work:
            begin = time.monotonic()
            with dumps.ONE_GUEST:
                argv, tasks = boot(kernel, work, out)
            booted = time.monotonic()
            how = variants(work, out)
            meta = {
                "case": NAME, "settings": CASE, "release": kernel["release"], "package": kernel["deb"], "key": key,
                "qemu_args": argv, "tasks": tasks, "variants": how, "lossy": [],
                "seconds": {"boot": round(booted - begin, 1), "variants": round(time.monotonic() - booted, 1)},
            }
            write_json(os.path.join(out, "meta.json"), meta)
        return dict(meta, cached=False)


def boot(kernel, work, out):
    """Run the guest until QEMU has written its memory to work/core; (QEMU's arguments, how many tasks)."""
    programs = guest.build_programs(work)
    program = os.path.join(programs, "actors")
    run([*shlex.split(os.environ.get("CC", "cc")), "-std=c17", "-O1", "-Wall", "-Wextra", "-static", "-s",
         "-o", program, os.path.join(HERE, "many.c")])
    shutil.copyfile(program, os.path.join(programs, "collect"))
    initrd = os.path.join(work, "initrd")
    guest.build_initrd(initrd, CASE, kernel, programs, ["qemu_fw_cfg"])
    disk = os.path.join(work, "truth.img")
    with open(disk, "wb") as f:
        f.truncate(64 << 20)
    machine = qemu.Guest(work, CASE, kernel, initrd, {"truth": disk}, "console=ttyS0 loglevel=8 panic=0")
    try:
        machine.connect()
        machine.wait_log([b"end Kernel panic"], TIMEOUT, bad=(b"init: still here", b"many: a task could not be made"))
        time.sleep(0.2)
        machine.qmp.call("stop")
        machine.qmp.call("dump-guest-memory", paging=False, protocol="file:" + os.path.join(work, "core"))
        machine.qmp.call("quit")
        machine.wait_end(60)
    finally:
        machine.close()
    shutil.copyfile(os.path.join(work, "serial.log"), os.path.join(out, "serial.log"))
    with tarfile.open(disk) as tar:
        tar.extractall(out)
    with open(os.path.join(out, "truth", "tasks"), encoding="ascii", errors="replace") as f:
        tasks = sum(not line.startswith("\t") for line in f)
    if tasks < 20000:
        raise LabError(f"only {tasks} tasks")
    return machine.argv, tasks


def variants(work, out):
    """The kernel's pages, lzo: what a distribution's kdump would have kept."""
    formats.elf_plain_header(os.path.join(work, "core"), os.path.join(work, "plain"), False)
    options = ["-l", "-d", str(kernels.DUMP_LEVEL[CASE["flavour"]])]
    target = os.path.join(out, "vmcore.kdump-lzo")
    run(["makedumpfile", *options, os.path.join(work, "plain"), target], env=dict(os.environ, TMPDIR=work))
    os.chmod(target, 0o644)
    return {"vmcore.kdump-lzo": "makedumpfile " + " ".join(options)}
