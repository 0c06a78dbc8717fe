#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what kcodbg reads in the cores of User-Mode Linux with what the guests said, and with gdb.

usage: uml_check.py --kcodbg PROGRAM [--cache DIR] [--case uml-6.1|uml-debian]...

Prints as check.py does.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import compare  # noqa: E402
from check import Answer, Checker  # noqa: E402
from labkit.cache import default_root, read_json  # noqa: E402
from truth import PF_KTHREAD, Truth  # noqa: E402
from uml import uml  # noqa: E402

REGISTERS = ("rip", "rbx", "rdi", "r12", "r13", "r14", "r15")


def marks_of(truth):
    return dict(line.split("=") for line in truth.text("marks").splitlines())


def tasks(truth, rows):
    """compare.task_set() without its rule for names of idle tasks, which count CPUs."""
    out = compare.known_tasks(truth, rows)
    have = {r.get("tid") for r in rows}
    gone = [t for tid, t in truth.tasks.items() if tid not in have and not t.worker()]
    out += [f"no task {t.tid} {t.comm!r}" for t in gone]
    idle = [r.get("comm") for r in rows if r.get("tid") == 0]
    return out if idle == ["swapper"] else out + [f"idle tasks {idle} instead of swapper"]


def stacks(truth, rows, panicked):
    """The frames of every sleeper; /proc begins one below the function that switches."""
    out, moved, compared = [], [], 0
    for tid, t in truth.tasks.items():
        row = rows.get(tid)
        if not row or t.state == "R" or not t.stack or tid == panicked:
            continue
        frames = row.get("frames", [])
        got = [(f.get("function"), compare.number(f.get("offset")), f.get("module")) for f in frames]
        if got and got[0][0] == "switch_threads":
            got.pop(0)
        want = [f.key() for f in t.stack]
        compared += 1
        if any(f.get("by") == "scan" for f in frames):
            out.append(f"task {tid} {t.comm!r}: guessed frames")
        elif got != want:
            text = f"task {tid} {t.comm!r}: {compare.brief(got)} instead of {compare.brief(want)}"
            (out if compare.strict(truth, t) else moved).append(text)
    if len(moved) > compare.MOVED_MAX:
        out += moved
    return out if compared > 20 else out + [f"only {compared} stacks could be compared"]


def maps(path, text):
    """/proc/PID/maps line by line; how many blanks stand before a name does not count."""
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        want = [" ".join(line.split()) for line in f]
    got = [" ".join(line.split()) for line in text.splitlines()]
    return [f"{a!r} instead of {b!r}" for a, b in zip(got, want) if a != b] + \
        ([] if len(got) == len(want) else [f"{len(got)} lines instead of {len(want)}"])


def system(truth, rows):
    row = rows[0] if rows else {}
    want = {k: truth.self[k] for k in ("nodename", "release", "version", "machine")}
    want.update(cpus=1)
    return [f"{k} {row.get(k)!r} instead of {v!r}" for k, v in want.items() if row.get(k) != v] + \
        ([] if "sysrq triggered crash" in str(row.get("panic")) else [f"panic {row.get('panic')!r}"])


def gdb_frames(linux, core):
    """Addresses of the stopped kernel's frames by gdb, inlined ones left out."""
    p = subprocess.run(["gdb", "-q", "-nx", "-batch", "-iex", "set debuginfod enabled off",
                        "-ex", "set print address on", "-ex", "bt", linux, core],
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    text = p.stdout.decode(errors="replace")
    # It shows where the program stopped before it is asked, too.
    return [int(m, 16) for m in re.findall(r"^#\d+\s+0x([0-9a-f]+) in", text[text.rfind("\n#0 "):], re.M)]


def gdb(linux, core, row):
    """From the first frame of the kernel's own on, to the last that gdb names."""
    want = [a for a in gdb_frames(linux, core) if a]
    got = [compare.number(f.get("pc")) for f in row.get("frames", [])]
    if not got or got[0] not in want:
        want = want[1:] if len(want) > 1 else want
        got = got[1:]
    start = want.index(got[0]) if got and got[0] in want else 0
    return [] if len(got) > 5 and got == want[start:] else \
        [f"{[hex(a) for a in got]} instead of {[hex(a) for a in want[start:]]}"]


class UmlChecker(Checker):
    def on(self, files, *command, script=None):
        return Answer([self.program, "--json", "-q", *command, *files], script)

    def text(self, files, script):
        p = subprocess.run([self.program, "-q", *files, "-x", "-"], input=script.encode(), stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, check=False)
        return p.stdout.decode(errors="surrogateescape")

    def case(self, case, only):
        folder = os.path.join(self.root, "dumps", case)
        if not read_json(os.path.join(folder, "meta.json")):
            self.say(case, "-", "the cores are there", [f"no {folder}: run tests/real/lab dump {case}"])
            return
        for variant in ("core",) if case == "uml-debian" else ("core", "core.full"):
            here = os.path.join(folder, variant)
            truth, core = Truth(here), os.path.join(here, "core")
            if case == "uml-debian":
                self.stripped(case, variant, truth, core)
            else:
                self.whole(case, variant, truth, [core, os.path.join(folder, "linux")])

    def whole(self, case, variant, truth, files):
        def say(what, problems):
            self.say(case, variant, what, problems)
        ps, bt = self.on(files, "ps"), self.on(files, "bt", "--all", "-k")
        rows, pid = compare.by_tid(bt.rows), int(truth.self["panic_pid"])
        sys_, log, mod = self.on(files, "sys"), self.on(files, "log"), self.on(files, "mod")
        say("sys", sys_.ended() + system(truth, sys_.rows))
        say("ps: every task is there", ps.ended() + tasks(truth, ps.rows))
        say("ps: names, parents, states, CPUs, sizes", compare.task_facts(truth, ps.rows))
        say("bt: every task is there", bt.ended((0, 1)) + tasks(truth, bt.rows))
        say("bt: sleepers' frames are /proc/PID/stack", stacks(truth, rows, pid))
        say("ps: who panicked", [] if [r["tid"] for r in ps.rows if r.get("active")] == [pid]
            else [f"not {pid}"])
        if shutil.which("gdb"):
            say("bt: the panic task's frames are gdb's", gdb(files[1], files[0], rows.get(pid, {})))
        say("log is dmesg and the serial log", log.ended() + compare.log(truth, log.rows))
        say("mod is /proc/modules", mod.ended() + compare.modules(truth, mod.rows))
        listed = self.on(files, "sym", "-l")
        say("sym: /proc/kallsyms", listed.ended() + compare.symbol_list(truth.symbols, listed.rows))
        self.processes(case, variant, truth, files)

    def processes(self, case, variant, truth, files):
        marks = marks_of(truth)
        row = next(iter(self.on(files, "bt", marks["pid"]).rows), {})
        user = (row.get("user") or {})
        regs = {k: compare.number(v) for k, v in {**user, **(user.get("regs") or {})}.items() if isinstance(v, str)}
        regs.setdefault("rip", regs.get("pc"))
        self.say(case, variant, "bt: registers of a program", [
            f"{r} {regs.get(r)} instead of {marks[r]}" for r in REGISTERS if regs.get(r) != int(marks[r], 16)])
        at = int(marks["at"], 16)
        text = self.text(files, f"process attach {marks['pid']}\n" + "".join(
            f"memory read -f s -c 1 {at + offset:#x}\n" for offset in (0, 4096, 4 * 4096 - 8)) +
            f"memory region {at + 8192:#x}\n")
        want = ("kcodbg page of a guest process", "nobody may read this one", "across a border")
        self.say(case, variant, "memory of a program", [f"no {w!r} in {text!r}" for w in want if w not in text])
        problems = []
        programs = [t for t in truth.tasks.values() if t.tid == t.pid and not t.flags & PF_KTHREAD
                    and t.tid in truth.quiet and os.path.exists(os.path.join(truth.dir, "tasks", str(t.tid), "maps"))]
        for t in programs:
            shown = self.text(files, f"process attach {t.pid}\nmaps\n").split("\n", 1)[-1]
            problems += [f"{t.pid}: {p}" for p in maps(os.path.join(truth.dir, "tasks", str(t.tid), "maps"), shown)]
        self.say(case, variant, f"maps: /proc/PID/maps of {len(programs)} programs",
                 problems if len(programs) > 5 else problems + ["too few programs"])

    def stripped(self, case, variant, truth, core):
        """Symbols and the release are there, and what is not is named."""
        listed = self.on([core], "sym", "-l")
        self.say(case, variant, "sym: /proc/kallsyms", listed.ended() +
                 compare.symbol_list(truth.symbols, listed.rows))
        sys_ = self.on([core], "sys")
        row = sys_.rows[0] if sys_.rows else {}
        self.say(case, variant, "sys: the release, and what is missing", [
            f"{k}: {row.get(k)!r}" for k, w in (("release", truth.self["release"]),) if row.get(k) != w] +
            ([] if "types" in str(row.get("missing")) else [f"missing {row.get('missing')!r}"]))
        for command in ("ps", "bt", "log"):
            a = self.on([core], command)
            self.say(case, variant, f"{command}: says that there are no types",
                     [] if a.status and "types" in a.err else [f"exit status {a.status}: {a.err!r}"])


def main():
    p = argparse.ArgumentParser(prog="uml_check.py", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kcodbg", required=True, metavar="PROGRAM")
    p.add_argument("--cache", default=default_root(), metavar="DIR")
    p.add_argument("--case", action="append", default=[], metavar="CASE")
    args = p.parse_args()
    checker = UmlChecker(args.kcodbg, args.cache)
    for case in args.case or uml.CASES:
        if case not in uml.CASES:
            checker.say(case, "-", "is a case of the lab", [f"there are: {' '.join(uml.CASES)}"])
            continue
        checker.case(case, [])
    print(f"{checker.passed} passed, {checker.failed} failed")
    return 1 if checker.failed or not checker.passed else 0


if __name__ == "__main__":
    sys.exit(main())
