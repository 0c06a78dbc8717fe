# SPDX-License-Identifier: GPL-2.0-or-later
"""User-Mode Linux in the lab: a kernel is built (or Debian's is taken), boots, dies, and the host keeps its core.

    uml-6.1      built from Debian's package linux-source-6.1 with DWARF and a loadable module
    uml-debian   the package user-mode-linux as it is: stripped, no types

The guests die by sysrq-c. The host's kernel writes the core, with the filter
that it has by default and (uml-6.1, "core.full", another run) with everything.
No row of labkit/cases.py: the keys are its own.
"""

import gzip
import hashlib
import os
import resource
import shlex
import shutil
import subprocess
import tarfile
import tempfile
import time

from labkit import guest
from labkit.cache import LabError, read_json, run, write_json

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = "/usr/src/linux-source-6.1.tar.xz"
DEBIAN = "/usr/bin/linux.uml"
CASES = {
    "uml-6.1": {"memory": 96, "cast": "all"},
    "uml-debian": {"memory": 96, "cast": "few"},
}
PROGRAMS = ("actors", "collect")
TIMEOUT = int(os.environ.get("KCODBG_LAB_TIMEOUT", "120"))


def package_version(package):
    p = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, check=False)
    if p.returncode or not p.stdout:
        raise LabError(f"package {package} is not installed (tests/real/packages.txt lists what the lab needs)")
    return p.stdout.decode()


def kernel_key(name):
    if name == "uml-debian":
        return package_version("user-mode-linux")
    with open(os.path.join(HERE, "config"), "rb") as f:
        return package_version("linux-source-6.1") + " " + hashlib.sha256(f.read()).hexdigest()


def build(cache, key):
    """kernels/uml-6.1: `linux` (with DWARF), modules/, config. Minutes the first time."""
    final = cache.path("kernels", "uml-6.1")
    with cache.lock("kernel-uml-6.1"):
        if read_json(os.path.join(final, "kernel.json")).get("key") == key:
            return final
        jobs = str(os.cpu_count() or 1)
        with cache.building("kernels", "uml-6.1") as work:
            tree, out = os.path.join(work, "tree"), os.path.join(work, "out")
            os.makedirs(tree)
            os.makedirs(out)
            run(["tar", "-x", "-C", tree, "--strip-components=1", "-f", SOURCE])
            make = ["nice", "make", "-C", tree, f"O={out}", "ARCH=um", "KBUILD_BUILD_TIMESTAMP=@0",
                    "KBUILD_BUILD_USER=lab", "KBUILD_BUILD_HOST=lab", f"-j{jobs}"]
            run([*make, f"KCONFIG_ALLCONFIG={os.path.join(HERE, 'config')}", "allnoconfig"])
            run([*make, "linux", "modules"])
            os.rename(os.path.join(out, "linux"), os.path.join(work, "linux"))
            os.rename(os.path.join(out, ".config"), os.path.join(work, "config"))
            os.makedirs(os.path.join(work, "modules"))
            for dirpath, _, files in os.walk(out):
                for f in files:
                    if f.endswith(".ko"):
                        os.rename(os.path.join(dirpath, f), os.path.join(work, "modules", f))
            shutil.rmtree(tree)
            shutil.rmtree(out)
            write_json(os.path.join(work, "kernel.json"), {"key": key})
    return final


def build_initrd(path, work, case, modules):
    cc = [*shlex.split(os.environ.get("CC", "cc")), "-std=c17", "-O1", "-Wall", "-Wextra", "-static", "-pthread"]
    cpio = guest.Cpio(path + ".cpio")
    cpio.add_file("bin/busybox", guest.busybox())
    cpio.link("bin/sh", "busybox")
    for name, source in [(p, os.path.join(guest.GUEST, p + ".c")) for p in PROGRAMS] + \
            [("marks", os.path.join(HERE, "marks.c"))]:
        program = os.path.join(work, name)
        run([*cc, "-o", program, source])
        run(["strip", "-o", program + ".stripped", program])
        cpio.add_file("bin/" + name, program + ".stripped")
    with open(os.path.join(HERE, "init"), "rb") as f:
        cpio.add("init", f.read())
    cpio.add("etc/case", f"CAST={case['cast']}\n".encode(), 0o100644)
    for name in sorted(os.listdir(modules)) if modules else []:
        with open(os.path.join(modules, name), "rb") as f:
            cpio.add("modules/" + name, f.read(), 0o100644)
    cpio.close()
    with open(path + ".cpio", "rb") as f, gzip.open(path, "wb", 1) as z:
        shutil.copyfileobj(f, z)


def wants_core():
    # The machine's pattern may name a program: then only who runs it knows where cores go.
    with open("/proc/sys/kernel/core_pattern", encoding="ascii") as f:
        pattern = f.read().strip()
    if pattern.startswith("|") or "/" in pattern:
        raise LabError(f"/proc/sys/kernel/core_pattern is {pattern!r}: the lab needs a plain name, such as \"core\"")
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def boot(linux, initrd, case, folder, everything):
    """Run the guest in @folder until it has died; the path of its core."""
    truth = os.path.join(folder, "truth.img")
    with open(truth, "wb") as f:
        f.truncate(16 << 20)

    def prepare():
        wants_core()
        if everything:
            with open("/proc/self/coredump_filter", "w", encoding="ascii") as f:
                f.write("0x7f")
    argv = [linux, f"mem={case['memory']}M", f"initrd={initrd}", f"ubd0={truth}", "con0=null,fd:1", "con=null", "loglevel=8",
            "uml_dir=" + folder, "umid=guest"]
    with open(os.path.join(folder, "serial.log"), "wb") as log:
        try:
            subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                           timeout=TIMEOUT, preexec_fn=prepare, check=False)
        except subprocess.TimeoutExpired:
            raise LabError(f"the guest has not died after {TIMEOUT} s: see its serial.log") from None
    cores = [f for f in os.listdir(folder) if f.startswith("core")]
    if len(cores) != 1:
        with open(os.path.join(folder, "serial.log"), "rb") as f:
            tail = f.read().decode(errors="replace").splitlines()[-8:]
        raise LabError(f"the host left {len(cores)} cores\n" + "\n".join(tail))
    return os.path.join(folder, cores[0])


def recipe_key(name, kernel):
    h = hashlib.sha256((name + repr(sorted(CASES[name].items())) + kernel).encode())
    for folder, names in ((HERE, ("uml.py", "init", "marks.c")), (guest.GUEST, [p + ".c" for p in PROGRAMS])):
        for n in names:
            with open(os.path.join(folder, n), "rb") as f:
                h.update(n.encode() + b"\0" + f.read())
    return h.hexdigest()


def dump(cache, name, force=False):
    """Make the case unless it is there; returns its meta, with "cached" set or not."""
    case, kernel = CASES[name], kernel_key(name)
    key = recipe_key(name, kernel)
    with cache.lock("case-" + name):
        meta = read_json(cache.path("dumps", name, "meta.json"))
        if meta.get("key") == key and not force:
            return dict(meta, cached=True)
        begin = time.monotonic()
        folder = build(cache, kernel) if name == "uml-6.1" else None
        linux = os.path.join(folder, "linux") if folder else DEBIAN
        built = time.monotonic()
        with cache.building("dumps", name) as out, tempfile.TemporaryDirectory(prefix="kcouml") as work:
            initrd = os.path.join(work, "initrd.gz")
            build_initrd(initrd, work, case, os.path.join(folder, "modules") if folder else None)
            # Each run is another machine, so each core has a truth of its own.
            for variant, everything in (("core", False), ("core.full", True)):
                here = os.path.join(work, variant)
                os.makedirs(here)
                core = boot(linux, initrd, case, here, everything)
                target = os.path.join(out, variant)
                os.makedirs(target)
                shutil.move(core, os.path.join(target, "core"))
                shutil.move(os.path.join(here, "serial.log"), target)
                with tarfile.open(os.path.join(here, "truth.img")) as t:
                    t.extractall(target)
                if name == "uml-debian":
                    break
            shutil.copyfile(linux, os.path.join(out, "linux"))
            shutil.copyfile(os.path.join(work, "marks"), os.path.join(out, "marks"))
            meta = {"case": name, "settings": case, "release": "User-Mode Linux " + kernel.split()[0], "key": key,
                    "seconds": {"build": round(built - begin, 1), "boot": round(time.monotonic() - built, 1)}}
            write_json(os.path.join(out, "meta.json"), meta)
        return dict(meta, cached=False)
