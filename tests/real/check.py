#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what kcodbg reads in the lab's dumps with what the guests said themselves.

usage: check.py --kcodbg PROGRAM [--cache DIR] [--case CASE]... [--variant VARIANT]...

Prints one line a check, "ok CASE VARIANT what" or "FAIL CASE VARIANT what: why",
and "N passed, N failed" on the last line. A dump that is not there is a failure.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import compare  # noqa: E402
from labkit import cases  # noqa: E402
from labkit.cache import default_root, read_json  # noqa: E402
from truth import Truth  # noqa: E402

TIMEOUT = int(os.environ.get("KCODBG_CHECK_TIMEOUT", "120"))
REFERENCE = "vmcore.elf"
# No registers in there: what ran on a CPU cannot be unwound.
WITHOUT_NOTES = ("vmcore.raw", "vmcore.lime")
REQUIRED = {
    False: ("vmcore.elf", "vmcore.elf-paging", "vmcore.flat-zlib", "vmcore.flat-lzo", "vmcore.flat-snappy",
            "vmcore.flat-elf", "vmcore.flat-lzo.gz", "vmcore.kdump-lzo", "vmcore.kdump-zlib", "vmcore.kdump-snappy",
            "vmcore.kdump-zstd", "vmcore.filtered", "vmcore.d31", "vmcore.makedumpfile-E", "vmcore.split1",
            "vmcore.split2", "vmcore.split3", "vmcore.incomplete", "vmcore.lime", "vmcore.raw"),
    True: ("vmcore.elf", "vmcore.flat", "vmcore.kdump"),
}


class Answer:
    """One run of the program: its rows, and how it ended."""

    def __init__(self, argv, script=None):
        begin = time.monotonic()
        self.rows, self.problems = [], []
        try:
            p = subprocess.run(argv, input=script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT,
                               check=False, env=dict(os.environ, DEBUGINFOD_URLS=""))
            self.status, self.err, out = p.returncode, p.stderr.decode(errors="replace"), p.stdout
        except subprocess.TimeoutExpired:
            self.status, self.err, out = -1, f"no end after {TIMEOUT} s", b""
        self.seconds = time.monotonic() - begin
        for n, line in enumerate(out.split(b"\n")[:-1], 1):
            try:
                self.rows.append(json.loads(line))
            except ValueError:
                self.problems.append(f"output line {n} is no JSON: {line[:80]!r}")
        if out and not out.endswith(b"\n"):
            self.problems.append("the last line has no end")

    def ended(self, allowed=(0,)):
        """Problems of the run itself."""
        if self.status in allowed:
            return self.problems
        last = self.err.strip().splitlines()[-1:] or ["nothing on stderr"]
        return self.problems + [f"exit status {self.status}: {last[0]}"]


class Checker:
    def __init__(self, program, root):
        self.program = program
        self.root = root
        self.passed = self.failed = 0

    def say(self, case, variant, what, problems):
        if not problems:
            self.passed += 1
            print(f"ok {case} {variant} {what}", flush=True)
            return
        self.failed += 1
        shown = "; ".join(map(str, problems[:4])) + (f"; and {len(problems) - 4} more" if len(problems) > 4 else "")
        print(f"FAIL {case} {variant} {what}: {shown}", flush=True)

    def ask(self, files, *command, script=None):
        argv = [self.program, "--json", "-q"]
        for f in files:
            argv += ["-c", f]
        if files[0].endswith(".raw"):
            argv += ["--format", "raw"]  # a bare image is taken for one only when told so
        return Answer(argv + list(command), script)

    def case(self, case, only):
        folder = os.path.join(self.root, "dumps", case)
        meta = read_json(os.path.join(folder, "meta.json"))
        if not meta:
            self.say(case, "-", "the dumps are there", [f"no {folder}: run tests/real/lab dump {case}"])
            return
        kdump = bool(meta["settings"]["kdump"])
        missing = [v for v in REQUIRED[kdump] if not os.path.exists(os.path.join(folder, v))]
        self.say(case, "-", "the dumps are there", missing)
        truth = Truth(folder)
        variants = {v: [os.path.join(folder, v)] for v in REQUIRED[kdump] if "split" not in v}
        if not kdump:
            variants["vmcore.split"] = [os.path.join(folder, f"vmcore.split{i}") for i in (1, 2, 3)]
        whole = [v for v in variants if v not in meta["lossy"]]
        reference = self.read(variants[REFERENCE])
        self.symbols(case, truth, variants[REFERENCE])
        picked = [v for v in variants if not only or v in only]
        for v in only:
            if v not in variants:
                self.say(case, v, "is a variant of the case", ["no such variant"])
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda v: reference if v == REFERENCE else self.read(variants[v]), picked))
        for variant, got in zip(picked, answers):
            if variant in whole:
                self.whole(case, variant, meta, truth, got)
                if variant != REFERENCE:
                    self.same(case, variant, truth, reference, got)
            else:
                self.lossy(case, variant, truth, got)

    def read(self, files):
        # Kernel stacks only: whether user stacks can be read depends on what a dump's filter left (zoo_check.py has those).
        words = {"bt --all": ["bt", "--all", "-k"]}
        return {c: self.ask(files, *words.get(c, [c])) for c in ("sys", "ps", "bt --all", "log", "mod")}

    def whole(self, case, variant, meta, truth, got):
        """A dump that lacks nothing: everything in it must be what the guest said."""
        notes = variant not in WITHOUT_NOTES
        sys_, ps, bt, log, mod = (got[c] for c in ("sys", "ps", "bt --all", "log", "mod"))
        rows = {r.get("tid"): r for r in bt.rows if r.get("tid")}
        allowed = (0,) if notes else (0, 1)
        say = self.say
        say(case, variant, "sys", sys_.ended(allowed) + compare.system(truth, meta, sys_.rows))
        say(case, variant, "ps: every task is there", ps.ended() + compare.task_set(truth, ps.rows))
        say(case, variant, "ps: names, parents, states, CPUs, sizes", compare.task_facts(truth, ps.rows))
        say(case, variant, "bt: every task is there", bt.ended(allowed) + compare.task_set(truth, bt.rows))
        say(case, variant, "bt: sleepers' frames are /proc/PID/stack", compare.stacks(truth, rows))
        say(case, variant, "bt: user registers are /proc/PID/syscall", compare.user_registers(truth, rows))
        if notes:
            say(case, variant, "bt: the panic task's frames are the printed trace", compare.panic(truth, rows, ps.rows))
            say(case, variant, "bt: each CPU's first frame is its RIP", compare.rips(truth, bt.rows, ps.rows))
        say(case, variant, "log is dmesg and the serial log", log.ended() + compare.log(truth, log.rows))
        say(case, variant, "mod is /proc/modules", mod.ended() + compare.modules(truth, mod.rows))

    def same(self, case, variant, truth, reference, got):
        """The same memory in another file must give the same rows."""
        for command, answer in got.items():
            theirs = reference[command].rows
            ours = answer.rows
            if command == "sys":
                theirs, ours = compare.without_file(theirs), compare.without_file(ours)
            if variant in WITHOUT_NOTES:
                theirs, ours = compare.without_running(truth, theirs), compare.without_running(truth, ours)
            self.say(case, variant, f"{command}: same as {REFERENCE}", compare.difference(theirs, ours))

    def lossy(self, case, variant, truth, got):
        """A dump that lacks much: it must be read as far as it goes, and never taken for a whole one."""
        for command, answer in got.items():
            problems = answer.ended((0, 1, 3, 4))
            if command in ("ps", "bt --all"):
                problems += compare.known_tasks(truth, answer.rows)
                if answer.status == 0:
                    problems += compare.task_set(truth, answer.rows)
            if command == "bt --all" and answer.status == 0:
                problems += compare.stacks(truth, {r.get("tid"): r for r in answer.rows if r.get("tid")})
            self.say(case, variant, f"{command}: ends well on a dump with holes", problems)

    def symbols(self, case, truth, files):
        """Every symbol both ways, in one run each."""
        symbols = truth.symbols
        listed = self.ask(files, "sym", "-l")
        self.say(case, REFERENCE, f"sym: {len(symbols)} names of /proc/kallsyms", listed.ended() +
                 compare.symbol_list(symbols, listed.rows))
        text = compare.functions(symbols)
        script = "".join("sym " + " ".join(f"{a:x}" for a in text[i:i + 50]) + "\n" for i in range(0, len(text), 50))
        looked = self.ask(files, "-x", "-", script=script.encode())
        self.say(case, REFERENCE, f"sym: {len(text)} functions by address", looked.ended() +
                 compare.symbol_addresses(symbols, text, looked.rows))
        sample = compare.sample_names(symbols)
        named = self.ask(files, "sym", *sample)
        self.say(case, REFERENCE, f"sym: {len(sample)} symbols by name", named.ended() +
                 compare.symbol_names(symbols, sample, named.rows))


def main():
    p = argparse.ArgumentParser(prog="check.py", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kcodbg", required=True, metavar="PROGRAM")
    p.add_argument("--cache", default=default_root(), metavar="DIR")
    p.add_argument("--case", action="append", default=[], metavar="CASE")
    p.add_argument("--variant", action="append", default=[], metavar="VARIANT")
    args = p.parse_args()
    checker = Checker(args.kcodbg, args.cache)
    for case in args.case or cases.CASES:
        if case not in cases.CASES:
            checker.say(case, "-", "is a case of the lab", [f"there are: {' '.join(cases.CASES)}"])
            continue
        checker.case(case, args.variant)
    print(f"{checker.passed} passed, {checker.failed} failed")
    return 1 if checker.failed or not checker.passed else 0


if __name__ == "__main__":
    sys.exit(main())
