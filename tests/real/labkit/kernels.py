# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels: downloaded as packages, unpacked, never installed."""

import glob
import lzma
import os
import re
import shutil
import subprocess
import time

from . import cases
from .cache import LabError, read_json, run, write_json

# flavour -> the package that always depends on the newest kernel of its kind
FLAVOURS = {
    "6.1": "linux-image-cloud-amd64",
    "6.12": "linux-image-6.12-cloud-amd64",
}

# The highest dump level that Debian 12's makedumpfile (1.7.2) gets right. The
# slab flag left page.flags in Linux 6.10, which 1.7.2 does not know: with 8 (user
# pages) it drops slab pages of newer kernels, tasks among them.
DUMP_LEVEL = {"6.1": 31, "6.12": 23}

APT = ["-o", "APT::Sandbox::User=root"]


def newest_package(flavour):
    meta = FLAVOURS[flavour]
    text = run(["apt-cache", "depends", "--important", meta])
    m = re.search(r"Depends: (linux-image-\S+)", text)
    if not m:
        raise LabError(f"{meta}: apt knows no kernel of that name (apt-get update?)")
    return m.group(1)


def download(cache, package):
    """The package's file in pkgs/, fetched unless it is there already."""
    have = sorted(glob.glob(glob.escape(cache.path("pkgs", package)) + "_*.deb"))
    if have:
        return have[-1]
    with cache.lock("download-" + package):
        work = cache.path("tmp", "download-" + package)
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        for attempt in range(3):
            try:
                run(["apt-get", *APT, "download", package], cwd=work)
                break
            except LabError:
                if attempt == 2:
                    raise
                time.sleep(5)
        (name,) = os.listdir(work)
        os.rename(os.path.join(work, name), cache.path("pkgs", name))
        os.rmdir(work)
        return cache.path("pkgs", name)


def packages(cache, update=False):
    """Download each flavour's kernel; a cached choice stays until asked to update."""
    chosen = {}
    with cache.lock("packages"):
        for flavour in FLAVOURS:
            note = cache.path("pkgs", f"chosen-{flavour}.json")
            cached = None if update else read_json(note).get("package")
            package = cached or newest_package(flavour)
            chosen[flavour] = download(cache, package)
            if package != cached:
                write_json(note + ".new", {"package": package})
                os.rename(note + ".new", note)
    return chosen


def kernel(cache, flavour):
    """Unpack one kernel; returns {release, dir, deb, package}."""
    deb = packages(cache)[flavour]
    final = cache.path("kernels", flavour)
    with cache.lock("kernel-" + flavour):
        if read_json(os.path.join(final, "kernel.json")).get("deb") != os.path.basename(deb):
            unpack(cache, flavour, deb)
    info = read_json(os.path.join(final, "kernel.json"))
    return dict(info, dir=final)


def unpack(cache, flavour, deb):
    with cache.building("kernels", flavour) as work:
        tree = os.path.join(work, "tree")
        run(["dpkg-deb", "-x", deb, tree])
        (vmlinuz,) = glob.glob(os.path.join(tree, "boot", "vmlinuz-*"))
        release = os.path.basename(vmlinuz)[len("vmlinuz-"):]
        for name in ("vmlinuz", "System.map", "config"):
            os.rename(os.path.join(tree, "boot", f"{name}-{release}"), os.path.join(work, name))
        for lib in ("lib", "usr/lib"):
            modules = os.path.join(tree, lib, "modules", release)
            if os.path.isdir(modules):
                os.rename(modules, os.path.join(work, "modules"))
        shutil.rmtree(tree)
        with open(os.path.join(work, "release"), "w", encoding="ascii") as f:
            f.write(release + "\n")
        write_json(os.path.join(work, "kernel.json"), {
            "deb": os.path.basename(deb), "release": release,
            "package": os.path.basename(deb).split("_")[0],
        })


def module_bytes(info, name):
    """A module's ELF file, unpacked, or None."""
    want = name.replace("-", "_")
    for dirpath, _, files in os.walk(os.path.join(info["dir"], "modules", "kernel")):
        for f in files:
            stem, dot, ext = f.partition(".ko")
            if not dot or stem.replace("-", "_") != want:
                continue
            with open(os.path.join(dirpath, f), "rb") as fh:
                data = fh.read()
            return lzma.decompress(data) if ext == ".xz" else data
    return None


def modules_in_order(info, names):
    """[(name, bytes)] of the named modules after what they depend on; built-in ones are left out."""
    out, seen = [], set()

    def add(name):
        if name in seen:
            return
        seen.add(name)
        data = module_bytes(info, name)
        if data is None:
            return
        m = re.search(rb"\0depends=([^\0]*)\0", data)
        for dep in filter(None, m.group(1).decode().split(",") if m else []):
            add(dep)
        out.append((name, data))

    for name in names:
        add(name)
    return out


def keep_debug_modules(info, tree):
    """The DWARF of the modules that the guests load, in debug-modules/; all of them would be 1 GiB."""
    names = sorted({n for cast in cases.MODULES.values() for n in cast})
    want = {name.replace("-", "_") for name, _ in modules_in_order(info, names)}
    target = os.path.join(info["dir"], "debug-modules")
    os.makedirs(target, exist_ok=True)
    for dirpath, _, files in os.walk(tree):
        for f in files:
            if f.partition(".ko")[0].replace("-", "_") in want:
                os.rename(os.path.join(dirpath, f), os.path.join(target, f))


def debug(cache, flavour):
    """Put the kernel's vmlinux with DWARF (and its modules') next to it."""
    info = kernel(cache, flavour)
    final = os.path.join(info["dir"], "vmlinux")
    if os.path.exists(final):
        return final
    try:
        deb = download(cache, info["package"] + "-dbg")
    except LabError as e:
        raise LabError(f"{e}\nno debug package of the cached kernel; `lab packages --update` moves on to the newest") from None
    with cache.lock("debug-" + flavour):
        if os.path.exists(final):
            return final
        work = cache.path("tmp", "debug-" + flavour)
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as p:
            run(["tar", "-x", "-C", work, "--strip-components=4", "./usr/lib/debug"], stdin=p.stdout)
        (vmlinux,) = glob.glob(os.path.join(work, "boot", "vmlinux-*"))
        keep_debug_modules(info, os.path.join(work, "lib", "modules"))
        # The kernel's own package has but a stub of it.
        (symbols,) = glob.glob(os.path.join(work, "boot", "System.map-*"))
        os.rename(symbols, os.path.join(info["dir"], "System.map"))
        os.rename(vmlinux, final)
        shutil.rmtree(work)
    return final
