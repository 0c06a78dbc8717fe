#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Gives what `convert --flatten` and `convert --split` write to makedumpfile, which wrote such files first.

usage: streams_check.py --kcodbg PROGRAM [--cache DIR] [--case CASE]...

makedumpfile -R must make of a stream, byte for byte, the file that is written without --flatten; of a split set
makedumpfile --reassemble must make a dump with the same memory, and kcodbg itself the very file that is written
without --split. Prints as check.py does.
"""

import argparse
import filecmp
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from check import Checker  # noqa: E402
from labkit import cases  # noqa: E402
from labkit.cache import default_root  # noqa: E402

SOURCE = "vmcore.elf"
# One codec that makedumpfile of Debian 12 knows, one that it does not: it need not look into pages for this.
CASES = (("kdump", ["-c", "lzo"]), ("kdump", ["-c", "zstd", "-d", "31"]), ("elf", []), ("elf", ["-d", "31"]))


class Streams:
    def __init__(self, checker, case, folder):
        self.checker, self.case, self.folder = checker, case, folder
        self.source = os.path.join(checker.root, "dumps", case, SOURCE)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *argv, **how):
        """Complaints about a program that failed."""
        p = subprocess.run(argv, stderr=subprocess.PIPE, timeout=300, check=False,
                           **{"stdout": subprocess.DEVNULL, **how})
        last = p.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return [f"{os.path.basename(argv[0])}: exit status {p.returncode}: {''.join(last)}"] if p.returncode else []

    def convert(self, *argv, **how):
        return self.run(self.checker.program, "-q", *argv, **how)

    def equal(self, a, b):
        same = os.path.exists(a) and os.path.exists(b) and filecmp.cmp(a, b, shallow=False)
        return [] if same else [f"{os.path.basename(a)} and {os.path.basename(b)} differ"]

    def messages(self, dump):
        """What makedumpfile reads from the dump itself: its pages, through its page tables."""
        p = subprocess.run(["makedumpfile", "--dump-dmesg", dump, self.path("dmesg"), "-f"], capture_output=True,
                           timeout=300, check=False)
        with open(self.path("dmesg"), "rb") as f:
            return f.read() if p.returncode == 0 else b""

    def flattened(self, target, options):
        plain, stream, back = self.path("plain"), self.path("stream"), self.path("back")
        words = ["convert", "-t", target, *options]
        with open(stream, "wb") as f:
            problems = self.convert("--core", self.source, *words, "--flatten", "-o", "-", stdout=f)
        with open(stream, "rb") as f:
            problems += self.run("makedumpfile", "-R", back, stdin=f)
        problems += self.convert("--core", stream, *words, "-f", "-o", self.path("again"))
        problems += self.equal(plain, back) + self.equal(plain, self.path("again"))
        self.checker.say(self.case, f"{target} {' '.join(options)}".strip(), "flattened", problems)

    def split(self, options):
        plain, whole = self.path("plain"), self.path("whole")
        parts = [self.path(f"part.{i}") for i in (1, 2, 3)]
        cores = [w for p in parts for w in ("--core", p)]
        problems = self.convert("--core", self.source, "convert", *options, "-f", "--split", "3",
                                "-o", self.path("part"))
        problems += self.run("makedumpfile", "--reassemble", *parts, whole)
        problems += self.convert(*cores, "convert", *options, "-f", "-o", self.path("again"))
        problems += self.equal(plain, self.path("again"))
        for dump, lime in ((plain, "plain.lime"), (whole, "whole.lime")):
            problems += self.convert("--core", dump, "convert", "-t", "lime", "-f", "-o", self.path(lime))
        problems += self.equal(self.path("plain.lime"), self.path("whole.lime"))
        if "zstd" not in options:
            text = self.messages(plain)
            problems += [] if len(text) > 10000 else ["makedumpfile reads no messages"]
            problems += [] if self.messages(whole) == text else ["makedumpfile reads other messages when reassembled"]
        self.checker.say(self.case, f"kdump {' '.join(options)}", "split", problems)

    def all(self):
        for target, options in CASES:
            problems = self.convert("--core", self.source, "convert", "-t", target, *options, "-o", self.path("plain"))
            self.checker.say(self.case, f"{target} {' '.join(options)}".strip(), "convert", problems)
            if not problems:
                self.flattened(target, options)
            if not problems and target == "kdump":
                self.split(options)
            for name in os.listdir(self.folder):
                os.unlink(self.path(name))


def main():
    p = argparse.ArgumentParser(prog="streams_check.py", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kcodbg", required=True, metavar="PROGRAM")
    p.add_argument("--cache", default=default_root(), metavar="DIR")
    p.add_argument("--case", action="append", default=[], metavar="CASE")
    args = p.parse_args()
    checker = Checker(args.kcodbg, args.cache)
    for case in args.case or cases.CASES:
        with tempfile.TemporaryDirectory(prefix="kcodbg-streams-") as folder:
            Streams(checker, case, folder).all()
    print(f"{checker.passed} passed, {checker.failed} failed")
    return 1 if checker.failed or not checker.passed else 0


if __name__ == "__main__":
    sys.exit(main())
