#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what kcodbg says of the zoo's processes with what they said themselves before their kernel died.

usage: zoo_check.py --kcodbg PROGRAM [--cache DIR] [--case CASE]... [--variant VARIANT]... [--only WORD]...

Prints one line a check, as check.py does. A dump that is not there is a failure, and so is a
command that is not there.
"""

import argparse
import concurrent.futures
import functools
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import zoo_compare as compare  # noqa: E402
import zoo_cores as cores  # noqa: E402
from check import TIMEOUT, Checker  # noqa: E402
from labkit.cache import default_root, read_json  # noqa: E402
from zoo import zoo  # noqa: E402
from zoo_truth import Zoo  # noqa: E402

REFERENCE = "vmcore.elf"
VARIANTS = ("vmcore.elf", "vmcore.filtered")
WORKERS = int(os.environ.get("KCODBG_CHECK_JOBS", "2"))


class ZooChecker(Checker):
    def __init__(self, program, root, only):
        super().__init__(program, root)
        self.only = only

    def wanted(self, word):
        return not self.only or word in self.only

    def text(self, file, *command):
        """Standard output and exit status of a run without --json."""
        p = subprocess.run([self.program, "-q", "-c", file, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=TIMEOUT, check=False, env=dict(os.environ, DEBUGINFOD_URLS=""))
        return p.stdout.decode(errors="replace"), p.returncode

    def script(self, file, lines, *options):
        """Many commands in few runs, side by side: their rows in order."""
        chunks = [lines[i::WORKERS] for i in range(WORKERS)]
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            answers = list(pool.map(
                lambda chunk: self.ask([file], *options, "-x", "-", script="".join(c + "\n" for c in chunk).encode()),
                filter(None, chunks)))
        return [r for a in answers for r in a.rows], [p for a in answers for p in a.ended((0, 1, 2))]

    def case(self, case, only):
        folder = os.path.join(self.root, "dumps", case)
        meta = read_json(os.path.join(folder, "meta.json"))
        missing = [v for v in VARIANTS if not os.path.exists(os.path.join(folder, v))]
        if not meta or missing:
            self.say(case, "-", "the dumps are there", [f"{folder}: no {' '.join(missing)}: run tests/real/lab dump {case}"])
            return
        truth = Zoo(folder)
        self.say(case, "-", "the dumps are there, and every role was played", compare.facts(truth))
        for variant in only or VARIANTS:
            if variant not in VARIANTS:
                self.say(case, variant, "is a variant of the case", [f"there are: {' '.join(VARIANTS)}"])
                continue
            file = os.path.join(folder, variant)
            for word, check in CHECKS.items():
                if self.wanted(word):
                    check(self, case, variant, truth, file)

    def maps(self, case, variant, truth, file):
        def one(pid):
            text, status = self.text(file, "maps", "-p", str(pid))
            return compare.maps_text(truth, pid, text) + ([] if status == 0 else [f"process {pid}: exit status {status}"])
        pids = truth.pids()
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            problems = [p for answer in pool.map(one, pids) for p in answer]
        self.say(case, variant, f"maps: /proc/PID/maps of {len(pids)} processes", problems)
        rows, problems = self.script(file, [f"maps -p {pid}" for pid in pids])
        for pid in pids:
            problems += compare.maps_rows(truth, pid, [r for r in rows if r.get("pid") == pid])
        self.say(case, variant, "maps --json: the same areas", problems)

    def memory(self, case, variant, truth, file):
        facts = truth.of("marker")
        by_pid = {}
        for f in facts:
            by_pid.setdefault(f["pid"], []).append(f)

        def one(pid):
            script = "".join(f"memory read -p {pid} -f bytes -c {len(f['text'])} {f['addr']}\n" for f in by_pid[pid])
            return pid, self.ask([file], "-x", "-", script=script.encode())
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            answers = dict(pool.map(one, by_pid))
        problems = [p for a in answers.values() for p in a.ended((0, 1, 2))]
        memory = {pid: compare.memory_of(a.rows) for pid, a in answers.items()}
        self.say(case, variant, f"memory read: {len(facts)} markers",
                 problems + compare.markers(memory, facts, variant == REFERENCE))

    def pages(self, case, variant, truth, file):
        lines = [f"memory region -p {f['pid']} {f['addr']}" for f in truth.of("marker") + truth.of("zeros")]
        rows, problems = self.script(file, lines)
        if variant == REFERENCE:
            self.say(case, variant, f"memory region: the states of {len(lines)} pages",
                     problems + compare.page_states(truth, rows))
        sample = [pid for role in ("zoo-pie", "zoo-mem", "zoo-tiny32") for pid in truth.roles[role]]
        lines = [f"memory region -p {pid} {va:#x}" for pid in sample for va in sorted(truth.pages(pid))[::7]]
        rows, problems = self.script(file, lines)
        for pid in sample:
            problems += compare.pagemap(truth, pid, rows)
        self.say(case, variant, f"memory region: {len(lines)} pages are where /proc/PID/pagemap has them", problems)

    def registers(self, case, variant, truth, file):
        tids = sorted(t.tid for t in truth.tasks.values() if truth.bytes(f"tasks/{t.pid}/maps"))
        rows, problems = self.script(file, [f"register read --all -t {tid}" for tid in tids])
        self.say(case, variant, "register read: /proc/PID/syscall of all that slept",
                 problems + compare.sleepers(truth, rows))
        self.say(case, variant, "register read: known contents", compare.registers(truth, rows))
        self.say(case, variant, "register read --all: vector registers", compare.vectors(truth, rows))
        self.say(case, variant, "register read --all: debug registers", compare.debug_registers(truth, rows))

    def signals(self, case, variant, truth, file):
        rows, problems = self.script(file, [f"sig {pid}" for pid in truth.roles["zoo-sig-pend"]])
        self.say(case, variant, "sig: pending signals, masks, handlers", problems + compare.signals(truth, rows))

    def breakpoints(self, case, variant, truth, file):
        answer = self.ask([file], "breakpoints")
        # Those in text need the text.
        if variant == REFERENCE:
            self.say(case, variant, "breakpoints: each that was set", answer.ended() +
                     compare.breakpoints(truth, answer.rows))

    def images(self, case, variant, truth, file):
        sysroot = os.path.join(os.path.dirname(file), "sysroot")
        pids = [pid for pid in truth.pids() if pid != truth.panic_pid]
        rows, problems = self.script(file, [f"image list -p {pid}" for pid in pids], "--sysroot", sysroot)
        known = functools.cache(lambda path: build_id(sysroot + path))
        for pid in pids if variant == REFERENCE else []:
            problems += compare.images(truth, pid, [r for r in rows if r.get("pid") == pid], known)
        self.say(case, variant, f"image list: images of {len(pids)} processes", problems)

    def processes(self, case, variant, truth, file):
        listed = self.ask([file], "process", "list", "-a")
        self.say(case, variant, "process list: every process and its threads",
                 listed.ended() + compare.processes(truth, listed.rows))
        self.say(case, variant, "process list: stop reasons", compare.stops(truth, listed.rows))
        self.say(case, variant, "process list: arguments of system calls", compare.arguments(truth, listed.rows))

    def stacks(self, case, variant, truth, file):
        sysroot = os.path.join(os.path.dirname(file), "sysroot")
        answer = self.ask([file], "--sysroot", sysroot, "bt", "--all", "-u")
        names = compare.frames_of(answer.rows)
        if variant == REFERENCE:
            self.say(case, variant, "bt -u: the known chains", answer.ended((0, 1)) +
                     compare.chains(truth, lambda pid, tid: names.get(tid)))
        else:
            self.say(case, variant, "bt -u: no frame that is not of the chain", answer.ended((0, 1)) +
                     compare.no_wrong_frames(truth, names))

    def cores(self, case, variant, truth, file):
        """Core files of one process of each program: Debian's debuggers see what the processes said."""
        if variant != REFERENCE:
            return
        sysroot = os.path.join(os.path.dirname(file), "sysroot")
        pids = [(role, truth.roles[role][0]) for role in CORES]
        with tempfile.TemporaryDirectory(prefix="kcozoo") as work:
            def one(pid):
                core = os.path.join(work, f"core.{pid}")
                text, status = self.text(file, "process", "save-core", str(pid), "-o", core)
                return core if status in (0, 1) and os.path.exists(core) else f"exit status {status}: {text[-200:]}"
            with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
                saved = dict(zip(pids, pool.map(one, [pid for _, pid in pids])))
                problems = [f"process {pid} ({role}): {why}" for (role, pid), why in saved.items() if why[0] != "/"]
                self.say(case, variant, f"process save-core: {len(pids)} processes", problems)
                there = [(role, pid, core) for (role, pid), core in saved.items() if core[0] == "/"]
                notes = [p for role, pid, core in there for p in cores.notes(truth, pid, core)]
                self.say(case, variant, "core files: notes and pages", notes or ([] if there else ["none"]))
                for name, look in (("gdb", cores.in_gdb), ("lldb", cores.in_lldb)):
                    answers = pool.map(lambda at: look(truth, at[1], at[2], sysroot), there)
                    self.say(case, variant, f"core files in {name}",
                             [p for answer in answers for p in answer] or ([] if there else ["none"]))


CORES = ("zoo-static", "zoo-pie", "zoo-fp", "zoo-dbgframe", "zoo-mini", "zoo-stripped", "zoo-regs", "zoo-sig-timer",
         "zoo-sig-segva", "zoo-sig-vdso", "zoo-stopped", "t-signal", "t-watch", "t-break", "zoo-mem",
         "zoo-tiny32", "zoo-tiny32-vdso", "zoo-spin")
CHECKS = {"maps": ZooChecker.maps, "processes": ZooChecker.processes, "memory": ZooChecker.memory,
          "pages": ZooChecker.pages, "registers": ZooChecker.registers, "signals": ZooChecker.signals,
          "breakpoints": ZooChecker.breakpoints, "images": ZooChecker.images, "stacks": ZooChecker.stacks,
          "cores": ZooChecker.cores}


def build_id(path):
    """The build-id of a file, None if there is no such file or it has none."""
    p = subprocess.run(["readelf", "-n", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    found = [line.split()[-1] for line in p.stdout.decode(errors="replace").splitlines() if "Build ID:" in line]
    return found[0] if found else None


def main():
    p = argparse.ArgumentParser(prog="zoo_check.py", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kcodbg", required=True, metavar="PROGRAM")
    p.add_argument("--cache", default=default_root(), metavar="DIR")
    p.add_argument("--case", action="append", default=[], metavar="CASE")
    p.add_argument("--variant", action="append", default=[], metavar="VARIANT")
    p.add_argument("--only", action="append", default=[], choices=sorted(CHECKS), metavar="WORD")
    args = p.parse_args()
    checker = ZooChecker(args.kcodbg, args.cache, args.only)
    for case in args.case or zoo.CASES:
        if case in zoo.CASES:
            checker.case(case, args.variant)
        else:
            checker.say(case, "-", "is a case of the zoo", [f"there are: {' '.join(zoo.CASES)}"])
    print(f"{checker.passed} passed, {checker.failed} failed")
    return 1 if checker.failed or not checker.passed else 0


if __name__ == "__main__":
    sys.exit(main())
