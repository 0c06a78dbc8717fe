# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's cache: where things lie, and how they get there in one piece.

    ROOT/pkgs/*.deb                 packages as downloaded
    ROOT/kernels/FLAVOUR/...        unpacked kernels
    ROOT/dumps/CASE/...             one guest, its dumps and its truth

Everything is built in ROOT/tmp and renamed into place when it is complete, so
a reader never sees half of it, and an interrupted run leaves nothing behind
but files in ROOT/tmp. One lock per product keeps two runs from building the
same thing: the second one waits, and then finds it done.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile


class LabError(Exception):
    """Something the user can act on; printed without a traceback."""


def default_root():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "kcodbg")


class Cache:
    def __init__(self, root=None):
        self.root = os.path.abspath(root or default_root())
        for sub in ("pkgs", "kernels", "dumps", "tmp"):
            os.makedirs(os.path.join(self.root, sub), exist_ok=True)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    @contextlib.contextmanager
    def lock(self, name):
        with open(self.path("tmp", name.replace("/", "_") + ".lock"), "w") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def building(self, *parts):
        """A new directory that becomes ROOT/parts when the block ends well."""
        final = self.path(*parts)
        work = tempfile.mkdtemp(prefix=parts[-1] + ".", dir=self.path("tmp"))
        os.chmod(work, 0o755)
        try:
            yield work
            old = None
            if os.path.lexists(final):
                old = tempfile.mkdtemp(prefix=parts[-1] + ".old.", dir=self.path("tmp"))
                os.rename(final, os.path.join(old, "was"))
            os.rename(work, final)
            if old:
                shutil.rmtree(old, ignore_errors=True)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise


def read_json(path):
    """The object in a file, or {} when there is none (or only half of one)."""
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except (OSError, ValueError):
        return {}


def write_json(path, obj):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(obj, f, indent=1, sort_keys=True)
        f.write("\n")


def run(argv, **kw):
    """Run a program; its output is shown only when it fails."""
    try:
        p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **kw)
    except FileNotFoundError:
        raise LabError(f"{argv[0]}: not installed (tests/real/packages.txt lists what the lab needs)") from None
    if p.returncode:
        tail = p.stdout.decode(errors="replace").strip().splitlines()[-12:]
        raise LabError(f"{argv[0]}: exit status {p.returncode}: {' '.join(map(str, argv))}\n" + "\n".join(tail))
    return p.stdout.decode(errors="replace")
