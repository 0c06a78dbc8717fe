#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps that kcodbg wrote, beside those it read: round trips, and what other programs read in both.

usage: convert_check.py --kcodbg PROGRAM [--cache DIR] [--part trips|filter|peers]...

Prints as check.py does, and "not compared" lines for what could not be: a program that is not here, or that cannot
open the original either. Those count for themselves: they are not among those that passed.
"""

import argparse
import concurrent.futures
import hashlib
import itertools
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import compare  # noqa: E402
import convert_pages  # noqa: E402
import convert_peers  # noqa: E402
from check import Checker  # noqa: E402
from convert_pages import different, pages  # noqa: E402
from labkit.cache import default_root  # noqa: E402
from truth import Truth  # noqa: E402

# How each is asked for. Without notes registers are lost; raw memory has no gaps either.
FORMATS = {"elf": ["-t", "elf"], "kdump-none": ["-c", "none"], "kdump-zlib": ["-c", "zlib"],
           "kdump-lzo": ["-c", "lzo"], "kdump-snappy": ["-c", "snappy"], "kdump-zstd": ["-c", "zstd"],
           "lime": ["-t", "lime"], "raw": ["-t", "raw"]}
WITHOUT_NOTES = ("lime", "raw")
TOUCHED = "bt --all; ps; log; mod; sys; files; sig; process list -a"
# Everything that a session can be asked for without arguments, and a process to be attached.
COMMANDS = """sys
ps
bt --all
bt --all -f
log
mod
process list -a
breakpoints
sig
files
vm
sym -l
vtop linux_banner
rd linux_banner 8
process attach 1
maps
vm
image list
thread list
register read
process status
memory region 0x400000
memory read -c 4 0x400000
process detach
"""
# Lines that name the file, and the words for a page that is not there: a kdump file knows what was RAM and that a
# filter left it out, an ELF file has a gap.
ABOUT_FILE = re.compile(r"^ *(DUMPFILE|FORMAT|DUMP LEVEL): ")
ABSENT = re.compile(r"(?<=<)(not saved|out of range)(?=: )|(not saved|beyond the dump)(?= at physical address)|"
                    r"the page was left out by the dump's filter|outside the memory that the dump describes|"
                    r"no memory there in the dumped machine")


def normal(line):
    return ABSENT.sub("no page", line)


def text_difference(want, got):
    """Of two answers (exit status, text)."""
    if want == got:
        return []
    if want[0] != got[0]:
        return [f"exit status {got[0]} instead of {want[0]}"]
    a, b = ([line for line in text.split("\n") if not ABOUT_FILE.match(line)] for text in (want[1], got[1]))
    out = [f"line {n}: {y!r} instead of {x!r}" for n, (x, y) in enumerate(zip(a, b), 1)
           if x != y and normal(x) != normal(y)]
    return out + ([f"{len(b)} lines instead of {len(a)}"] if len(a) != len(b) else [])


def digest_of(path):
    """Of a file's size and bytes; holes are not read."""
    total = hashlib.blake2b(str(os.path.getsize(path)).encode())
    for at, data in convert_pages.data_of(path):
        for block, digest in enumerate(convert_pages.digests(data), at // convert_pages.PAGE):
            if digest != convert_pages.ZERO:
                total.update(b"%d" % block + digest)
    return total.hexdigest()


class ConvertChecker(Checker):
    def __init__(self, program, root, tmp):
        super().__init__(program, root)
        self.tmp, self.skipped = tmp, 0
        self.info = {}  # VMCOREINFO of a case, for files without notes
        self.answers, self.found, self.digests = {}, {}, {}

    def skip(self, case, variant, what, why):
        self.skipped += 1
        print(f"not compared {case} {variant} {what}: {why}", flush=True)

    def dump(self, case, name):
        path = os.path.join(self.root, "dumps", case, name)
        if os.path.exists(path):
            return path
        self.say(case, name, "is there", [f"no {path}: run tests/real/lab dump {case}"])
        return None

    def how(self, case, form):
        """The words that open a file of this format."""
        return (["--format", "raw"] if form == "raw" else []) + \
            (["--vmcoreinfo", self.info[case]] if form in WITHOUT_NOTES and case in self.info else [])

    def convert(self, case, source, form, name, target, *more):
        """Write it; returns its path, or says why not."""
        out = os.path.join(self.tmp, name)
        p = subprocess.run([self.program, "-q", *self.how(case, form), "convert", "-f", *FORMATS[target], *more,
                            "-o", out, source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if p.returncode:
            last = p.stderr.decode(errors="replace").strip().splitlines()[-1:]
            self.say(case, name, f"convert {' '.join(FORMATS[target])}", [f"exit status {p.returncode}: {last}"])
            return None
        return out

    def digest(self, path):
        """Once for every file that stays."""
        key = path, os.stat(path).st_ino, os.stat(path).st_mtime_ns
        if key not in self.digests:
            self.digests[key] = digest_of(path)
        return self.digests[key]

    def pages_of(self, path, form):
        """Those of the same bytes are read once."""
        key = form if form in WITHOUT_NOTES else "", self.digest(path)
        if key not in self.found:
            self.found[key] = pages(path, form)
        return self.found[key]

    def answer(self, case, path, form):
        """What all commands say about it: (exit status, text)."""
        key = case, form if form in WITHOUT_NOTES else "", self.digest(path)
        if key not in self.answers:
            p = subprocess.run([self.program, "-q", *self.how(case, form), path, "-x", "-"], input=COMMANDS.encode(),
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                               env=dict(os.environ, DEBUGINFOD_URLS=""))
            self.answers[key] = p.returncode, p.stdout.decode(errors="surrogateescape")
        return self.answers[key]

    def registers_lost(self, case, path, form, source):
        """A file without notes beside the original: what does not depend on registers."""
        truth, problems = Truth(os.path.join(self.root, "dumps", case)), []
        for words in (["sys"], ["ps"], ["bt", "--all", "-k"], ["log"], ["mod"]):
            key = source, words[0]
            if key not in self.answers:
                self.answers[key] = self.ask([source], *words)
            theirs, ours = self.answers[key].rows, self.ask([path], *self.how(case, form), *words).rows
            if words == ["sys"]:
                theirs, ours = compare.without_file(theirs), compare.without_file(ours)
            theirs, ours = compare.without_running(truth, theirs), compare.without_running(truth, ours)
            problems += [f"{' '.join(words)}: {p}" for p in compare.difference(theirs, ours)]
        return problems

    # Whole dumps

    def whole(self, case, name, targets, back):
        """Into each format, and from those with notes back into one."""
        source = self.dump(case, name)
        if not source:
            return
        form = "elf" if convert_pages.is_elf(source) else "kdump"
        before, want = digest_of(source), pages(source, form)
        said = self.answer(case, source, form)
        first = self.convert(case, source, form, f"{case}.{back}", back)
        for target in targets:
            path = first if target == back else self.convert(case, source, form, f"{case}.{target}", target)
            if not path:
                continue
            variant = f"{name}->{target}"
            self.say(case, variant, f"the same {len(want)} pages", different(want, pages(path, target), target == "raw"))
            if target in WITHOUT_NOTES:
                self.say(case, variant, "commands say the same but for registers",
                         self.registers_lost(case, path, target, source))
            else:
                self.say(case, variant, "every command says the same",
                         text_difference(said, self.answer(case, path, target)))
            again = None if target in (back, *WITHOUT_NOTES) else \
                self.convert(case, path, target, f"{case}.again", back)
            if again:
                self.say(case, f"{variant}->{back}", "the same pages and answers",
                         different(want, pages(again, back)) + text_difference(said, self.answer(case, again, back)))
        self.say(case, name, "is as it was", [] if digest_of(source) == before else ["it was changed"])

    # Every pair of formats

    def pair(self, case, files, a, b):
        """A to B and back to A: [] or what is wrong."""
        there = self.convert(case, files[a], a, f"{a}.{b}", b)
        if not there:
            return ["it could not be written"]
        # Who went through a format without notes, or without gaps, must say what that one says.
        theirs = next((form for form in ("raw", "lime") if form in (a, b)), "elf")
        zeros = "raw" in (a, b)

        def wrong(path, form):
            return [f"{form}: {p}" for p in different(self.pages_of(files[a], a), self.pages_of(path, form), zeros) +
                    self.said(case, files, theirs, path, form)]
        out = wrong(there, b)
        # The very file that the way back of the pair (b, a) starts from: it is looked at there.
        if self.digest(there) != self.digest(files[b]):
            back = self.convert(case, there, b, f"{a}.{b}.{a}", a)
            out += [f"back: {p}" for p in wrong(back, a)] if back else ["it could not be written back"]
            if back:
                os.unlink(back)
        os.unlink(there)
        return out

    def said(self, case, files, theirs, path, form):
        return text_difference(self.answer(case, files[theirs], theirs), self.answer(case, path, form))

    def pairs(self, case, name):
        """On the pages that commands read: few and full of gaps."""
        source = self.dump(case, name)
        if not source:
            return
        touched = self.convert(case, source, "elf", f"{case}.touched", "kdump-zstd", "--touched", TOUCHED)
        if not touched:
            return
        self.info[case] = os.path.join(self.tmp, "vmcoreinfo")
        with open(self.info[case], "wb") as f:
            f.write(convert_pages.vmcoreinfo(source))
        want, original = pages(touched, "kdump"), pages(source, "elf")
        self.say(case, "touched", f"its {len(want)} pages are those of {name}", ([] if len(want) > 1000 else ["too few"]) +
                 different(want, {p: d for p, d in original.items() if p in want}))
        files = {form: self.convert(case, touched, "kdump", f"{case}.{form}", form) for form in FORMATS}
        if None in files.values():
            return
        for form, path in files.items():
            self.say(case, f"touched->{form}", "the same pages",
                     different(want, self.pages_of(path, form), form == "raw"))
            if form not in WITHOUT_NOTES:
                self.say(case, f"touched->{form}", "every command says the same",
                         self.said(case, {"elf": touched}, "elf", path, form))
        every = list(itertools.product(FORMATS, FORMATS))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda ab: self.pair(case, files, *ab), every))
        for (a, b), problems in zip(every, results):
            self.say(case, f"{a}->{b}->{a}", "the same pages and answers", problems)
        del self.info[case]

    def trips(self):
        # Its ROM ends at 4 GiB, so raw memory of it would be mostly a hole; the other codecs are among peers().
        self.whole("6.1-small", "vmcore.elf", ("elf", "kdump-zstd", "lime"), "elf")
        self.whole("6.12-kdump", "vmcore.kdump", ("elf", "lime", "raw"), "kdump-zstd")
        self.whole("zoo-6.1", "vmcore.filtered", ("elf",), "kdump-lzo")
        self.pairs("6.1-small", "vmcore.elf")

    # What makedumpfile leaves out

    def filtered(self, case, explained):
        """-d 31 of both: the same pages, but for those that @explained has a reason for."""
        source, theirs = self.dump(case, "vmcore.elf"), self.dump(case, "vmcore.d31")
        ours = source and theirs and self.convert(case, source, "elf", f"{case}.d31", "kdump-lzo", "-d", "31")
        if not ours:
            return
        a, b = pages(theirs, "kdump"), pages(ours, "kdump")
        self.say(case, "convert -d 31", f"the bytes of the {len(a.keys() & b.keys())} pages that both keep",
                 different({p: d for p, d in a.items() if p in b}, {p: d for p, d in b.items() if p in a}))
        differ = sorted(a.keys() ^ b.keys())
        reasons = explained(source, os.path.join(self.root, "dumps", case), differ, b)
        counts = {why: len([p for p in differ if reasons.get(p) == why]) for why in sorted(set(reasons.values()))}
        self.say(case, "convert -d 31", "the pages that makedumpfile keeps, but for " +
                 (", ".join(f"{n} of {why}" for why, n in counts.items()) or "none"),
                 ([] if len(a) > 5000 else [f"makedumpfile kept {len(a)}"]) +
                 [f"page {p:#x} is kept by {'makedumpfile' if p in a else 'kcodbg'} only"
                  for p in differ if p not in reasons])

    def filter(self):
        self.filtered("6.1-small", convert_peers.without_struct_page)
        self.filtered("6.1-4l", convert_peers.without_struct_page)
        self.filtered("6.12-4l", convert_peers.without_struct_page_or_slab)

    # Other programs

    def peers(self):
        case = "6.1-small"
        names = {f: self.dump(case, f) for f in ("vmcore.elf", "vmcore.elf-paging", "vmcore.kdump-zlib",
                                                 "vmcore.kdump-lzo", "vmcore.kdump-snappy", "vmcore.kdump-zstd")}
        if None in names.values():
            return
        ours = {form: self.convert(case, names["vmcore.elf"], "elf", f"{case}.{form}", form) for form in FORMATS
                if form not in WITHOUT_NOTES}
        if None not in ours.values():
            convert_peers.Peers(self, case, names, ours).run()


def main():
    p = argparse.ArgumentParser(prog="convert_check.py", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kcodbg", required=True, metavar="PROGRAM")
    p.add_argument("--cache", default=default_root(), metavar="DIR")
    p.add_argument("--part", action="append", choices=("trips", "filter", "peers"))
    args = p.parse_args()
    if not convert_pages.has_kdumpfile("convert", __file__):
        print("0 passed, 1 failed, 0 not compared")
        return 1
    with tempfile.TemporaryDirectory(prefix="kcodbg-convert-") as tmp:
        checker = ConvertChecker(args.kcodbg, args.cache, tmp)
        for part in args.part or ("trips", "filter", "peers"):
            getattr(checker, part)()
    print(f"{checker.passed} passed, {checker.failed} failed, {checker.skipped} not compared")
    return 1 if checker.failed or not checker.passed else 0


if __name__ == "__main__":
    sys.exit(main())
