#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Redacted dumps of the zoo: what its programs planted is in none of them, and what the kernel knows is in all.

usage: redact_check.py --kcodbg PROGRAM [--cache DIR] [--case CASE]...

The bytes are read by libkdumpfile (kdump) or by a few lines here (ELF), not by kcodbg. Each text is looked for in the
plain dump first: that it is not in another one means something only then. Prints as check.py does.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import convert_pages  # noqa: E402
import zoo_compare  # noqa: E402
from check import TIMEOUT, Checker  # noqa: E402
from convert_check import ABOUT_FILE  # noqa: E402
from labkit.cache import default_root  # noqa: E402
from zoo_truth import Zoo  # noqa: E402

CASES = ("zoo-6.1", "zoo-6.12")
# Every marker begins like this; a piece of one is one too many.
BEGINNINGS = (b"zoo-marker", b"zoo-same", b"ZOO-SAME", b"zoo-secret-")
# name of the new file, words for it, words for the dump that it is made of ("": the plain one), names gone, too
FILES = (
    ("elf", ["-t", "elf", "--redact"], "", False),
    ("kdump-zstd", ["--redact"], "", False),
    ("kdump-lzo", ["-c", "lzo", "--redact"], "lzo", False),  # whose pages would be copied as they are
    ("kdump-names", ["--redact-names"], "", True),
)
COMMANDS = ("ps", "log", "mod", "sig", "sys", "ps -t", "files", "maps", "vm", "thread list")
NAMELESS = ("ps", "log", "mod", "sig", "sys", "ps -t")  # those that show no names of files
TOUCHED = "bt --all; ps; log; mod; sys; sig"
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../command/convert/unseen"), encoding="utf-8") as keys:
    KEYS = {line.split(".")[1].strip() for line in keys if line.startswith("redacted.")}  # that the text on JSON names
POOLS = {"input_pool": 8, "base_crng": 4}  # words


def elf_ranges(path):
    """Each range of memory of an ELF dump, a stretch at a time, without its holes."""
    with open(path, "rb") as f:
        for kind, offset, _, _, size in convert_pages.program_headers(path):
            if kind == convert_pages.PT_LOAD:
                f.seek(offset)
                yield f.read(size)


def kdump_ranges(path):
    dump = convert_pages.open_dump(path)
    for first, end in convert_pages.saved(path, dump):
        yield b"".join(dump.read(convert_pages.kdumpfile.KDUMP_MACHPHYSADDR, at * convert_pages.PAGE,
                                 min(256, end - at) * convert_pages.PAGE) for at in range(first, end, 256))


def search(path, planted):
    """{text: how often} of those that are in a dump, and its pieces of markers."""
    any_of = re.compile(b"|".join(map(re.escape, sorted({t[:8] for t in planted}))))
    beginnings = re.compile(b"|".join(BEGINNINGS))
    by_head = {}
    for text in planted:
        by_head.setdefault(text[:8], []).append(text)
    found, pieces = {}, {}
    for data in (elf_ranges if convert_pages.is_elf(path) else kdump_ranges)(path):
        for match in any_of.finditer(data):
            for text in by_head[match.group()]:
                if data.startswith(text, match.start()):
                    found[text] = found.get(text, 0) + 1
        for match in beginnings.finditer(data):
            piece = data[match.start():match.start() + 40].split(b"\0")[0]
            pieces[piece] = pieces.get(piece, 0) + 1
    return found, pieces


def planted_in(truth):
    """Texts, and names of files."""
    texts = {f["text"].encode() for f in truth.of("marker")}
    texts |= {f["backwards"][::-1].encode() for f in truth.of("secret")}
    return texts, {f["backwards"][::-1].encode() for f in truth.of("secret name")}


def leaks(found, pieces, wanted, allowed):
    """Problems: what is there and must not be."""
    out = [f"{text!r} {found[text]} times" for text in sorted(wanted) if text in found]
    return out + [f"a piece of one: {p!r}" for p in sorted(pieces) if not any(p.startswith(a[:40]) for a in allowed)]


class RedactChecker(Checker):
    def __init__(self, program, root, tmp):
        super().__init__(program, root)
        self.tmp = tmp

    def run(self, file, *command):
        p = subprocess.run([self.program, "-q", "-c", file, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=TIMEOUT, check=False, env=dict(os.environ, DEBUGINFOD_URLS=""))
        return p.returncode, p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")

    def convert(self, case, source, name, words):
        path = os.path.join(self.tmp, f"{case}.{name}")
        answer = self.ask([source], "convert", *words, "-o", path)
        problems, told = answer.ended(), [r["redacted"] for r in answer.rows if "redacted" in r]
        if any(w.startswith("--redact") for w in words):
            problems += [f"not documented, or not told: {k}" for k in KEYS ^ {k for r in told for k in r}]
        self.say(case, name, "convert", problems + [w for r in told for w in r.get("not_found", [])])
        return path if os.path.exists(path) else None

    def plain(self, case, path, texts, names):
        """The plain dump must have what the others must not."""
        found, _ = search(path, texts | names)
        # Pages on a disk, or whose bytes are compressed, are in no dump; what the kernel alone has is.
        kept = [t for t in sorted(texts | names) if t.startswith(b"zoo-secret-") and t not in found and b"-freed-" not in t]
        self.say(case, "plain", f"{len(found)} of {len(texts | names)} planted texts are in it, of those that the kernel "
                 "keeps each", [f"no {t!r}" for t in kept] + ([] if len(found) * 2 > len(texts) else ["too few"]))

    def commands(self, case, plain, name, path, nameless):
        for command in NAMELESS if nameless else COMMANDS:
            (status, want, _), (got_status, got, err) = self.run(plain, *command.split()), self.run(path, *command.split())
            a, b = ([line for line in text.split("\n") if not ABOUT_FILE.match(line)] for text in (want, got))
            problems = [f"line {n}: {y!r} instead of {x!r}" for n, (x, y) in enumerate(zip(a, b), 1) if x != y]
            if len(a) != len(b) or status != got_status:
                problems.append(f"{len(b)} lines instead of {len(a)}, exit status {got_status}: {err.strip()[-200:]}")
            self.say(case, name, f"{command}: as in the plain dump", problems)

    def stacks(self, case, plain, name, path):
        """The kernel's part of every stack; what user mode did needs its memory."""
        def rows(file):
            answer = self.ask([file], "bt", "--all")
            return [{k: v for k, v in r.items() if not k.startswith("user_") and k != "syscall"} for r in answer.rows]
        want, got = rows(plain), rows(path)
        problems = [f"tid {x.get('tid')}: {k} is {y.get(k)} instead of {x[k]}" for x, y in zip(want, got) for k in x
                    if x[k] != y.get(k)]
        if len(want) != len(got) or len(want) < 100:
            problems.append(f"{len(got)} stacks instead of {len(want)}")
        self.say(case, name, f"bt --all: the kernel's part of {len(want)} stacks", problems)

    def reasons(self, case, plain, name, path):
        # A string in a system call's arguments is user mode's memory.
        a, b = (re.findall("stop reason = (.*)", self.run(file, "process", "list", "-a")[1]) for file in (plain, path))
        problems = [f"{y} instead of {x}" for x, y in zip(a, b) if x != y and '"' not in x]
        self.say(case, name, f"process list: {len(a)} stop reasons", problems + (["not as many"] if len(a) != len(b) else []))

    def pools(self, case, plain, name, path):
        def words(file, symbol, n):
            return [int(w, 16) for r in self.ask([file], "rd", symbol, str(n)).rows for w in r.get("words", [])]
        problems = []
        for symbol, n in POOLS.items():
            before, after = words(plain, symbol, n), words(path, symbol, n)
            if len(after) != n or any(after):
                problems.append(f"{symbol} is {after}")
            if len(before) != n or not any(before):
                problems.append(f"{symbol} is blank in the plain dump")
        self.say(case, name, "the entropy pools are blank", problems)

    def vectors(self, case, plain, name, path, truth):
        """Vector and x87 registers of known contents: each as it was in the plain dump, none in the other."""
        facts = truth.of("vector")
        script = "".join(f"register read --all -t {f['tid']}\n" for f in facts).encode()
        wrong = [len(zoo_compare.vectors(truth, self.ask([file], "-x", "-", script=script).rows)) for file in (plain, path)]
        known = sum(len(f["regs"]) + len(zoo_compare.X87) for f in facts)
        self.say(case, name, f"none of {known} vector registers is in it",
                 [] if known and wrong == [0, known] else [f"{wrong[0]} unknown in the plain dump, {wrong[1]} in this"])

    def case(self, case, only):
        folder = os.path.join(self.root, "dumps", case)
        plain = os.path.join(folder, "vmcore.elf")
        if not os.path.exists(plain):
            self.say(case, "-", "the dump is there", [f"no {plain}: run tests/real/lab dump {case}"])
            return
        truth = Zoo(folder)
        texts, names = planted_in(truth)
        self.plain(case, plain, texts, names)
        packed = self.convert(case, plain, "lzo", ["-c", "lzo"])
        for name, words, source, nameless in FILES:
            path = self.convert(case, packed if source else plain, name, words)
            if not path:
                continue
            found, pieces = search(path, texts | names)
            self.say(case, name, "nothing of what was planted is in it",
                     leaks(found, pieces, texts | (names if nameless else set()), set() if nameless else names))
            if not nameless:
                self.say(case, name, "names of files are in it", [f"no {n!r}" for n in names if n not in found])
            if source == "" and name != "elf":
                self.commands(case, plain, name, path, nameless)
                self.stacks(case, plain, name, path)
                self.reasons(case, plain, name, path)
            if name == "kdump-names":
                self.pools(case, plain, name, path)
                self.vectors(case, plain, name, path, truth)
            os.unlink(path)
        if packed:
            os.unlink(packed)
        self.touched(case, plain, texts, names)

    def touched(self, case, plain, texts, names):
        path = self.convert(case, plain, "touched", ["--touched", TOUCHED, "--redact-names"])
        if path:
            found, pieces = search(path, texts | names)
            self.say(case, "touched", "nothing of what was planted is in it", leaks(found, pieces, texts | names, set()))
            self.commands(case, plain, "touched", path, True)
            self.stacks(case, plain, "touched", path)


def main():
    p = argparse.ArgumentParser(prog="redact_check.py", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kcodbg", required=True, metavar="PROGRAM")
    p.add_argument("--cache", default=default_root(), metavar="DIR")
    p.add_argument("--case", action="append", choices=CASES)
    args = p.parse_args()
    if not convert_pages.has_kdumpfile("redact", __file__):
        print("0 passed, 1 failed")
        return 1
    with tempfile.TemporaryDirectory(prefix="kcodbg-redact-") as tmp:
        checker = RedactChecker(args.kcodbg, args.cache, tmp)
        for case in args.case or CASES:
            checker.case(case, None)
    print(f"{checker.passed} passed, {checker.failed} failed")
    return 1 if checker.failed or not checker.passed else 0


if __name__ == "__main__":
    sys.exit(main())
