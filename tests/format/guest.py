#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Cores of processes in which a mapped file is the memory of a machine (User-Mode Linux), good and bad.

Usage: guest.py --bin DIR --kcodbg PATH --work DIR [--sanitized] [--seed FILE]

The cores are made here, from the words of the ELF gABI and Linux fs/binfmt_elf.c, and read by dumpfacts (the format),
breakdump (damaged ones) and kcodbg (the personality). --seed FILE only writes one core, for the fuzzer's corpus.
"""
import argparse
import os
import pathlib
import struct
import subprocess
import sys
import zlib

PAGE = 4096
BASE = 0x60000000
MEMORY = 0x400000  # where the file's mapping begins, behind the program
FILE = '/dev/shm/vm_file-x (deleted)'
PROGRAM = '/usr/bin/linux'


def page(n):
    """A page that no other is equal to."""
    return struct.pack('<Q', 0x1122334455667788 + n) * (PAGE // 8)


class Core:
    """One core: what is mapped, what of it has bytes, what the notes say."""

    def __init__(self, wide=True):
        self.wide = wide
        self.loads = []  # (va, bytes, memsz)
        self.files = []  # (start, end, offset in pages, name)
        self.page_size, self.count, self.cut = PAGE, None, 0

    def map(self, va, data, memsz=None, name=None, offset=0):
        memsz = len(data) if memsz is None else memsz
        self.loads.append((va, data, memsz))
        if name:
            self.files.append((va, va + memsz, offset // PAGE, name))
        return self

    def note_file(self):
        word = '<Q' if self.wide else '<I'
        count = len(self.files) if self.count is None else self.count
        out = struct.pack(word, count) + struct.pack(word, self.page_size)
        for start, end, offset, _ in self.files:
            out += b''.join(struct.pack(word, v) for v in (start, end, offset))
        out += b''.join(name.encode() + b'\0' for *_, name in self.files)
        return out[:len(out) - self.cut]

    @staticmethod
    def note(kind, desc):
        return struct.pack('<III', 5, len(desc), kind) + b'CORE\0\0\0\0' + desc + b'\0' * (-len(desc) % 4)

    def bytes(self):
        notes = self.note(1, b'\0' * (336 if self.wide else 144)) + self.note(6, b'\0' * 16) + \
            self.note(0x46494c45, self.note_file())
        ehdr, phdr = (64, 56) if self.wide else (52, 32)
        at = ehdr + phdr * (1 + len(self.loads))
        heads = [(4, at, 0, len(notes), 0)]
        where = (at + len(notes) + PAGE - 1) // PAGE * PAGE
        body = b'\0' * (where - at - len(notes))
        for va, data, memsz in self.loads:
            heads.append((1, where, va, len(data), memsz))
            body += data
            where += len(data)
        out = b'\x7fELF' + bytes([2 if self.wide else 1, 1, 1, 0]) + b'\0' * 8
        out += struct.pack('<HHI' + ('QQQ' if self.wide else 'III') + 'IHHHHHH', 4, 62 if self.wide else 3, 1, 0, ehdr, 0,
                           0, ehdr, phdr, len(heads), 0, 0, 0)
        for kind, off, va, size, memsz in heads:
            out += struct.pack('<IIQQQQQQ', kind, 7, off, va, 0, size, memsz, PAGE) if self.wide else \
                struct.pack('<IIIIIIII', kind, off, va, 0, size, memsz, 7, PAGE)
        return out + notes + body


def machine(wide=True, base=BASE):
    """The program (its text without bytes), the memory, one more piece of it, a library of the host's."""
    core = Core(wide)
    core.map(base, page(0) + page(1), name=PROGRAM)
    core.map(base + 2 * PAGE, b'', PAGE, PROGRAM, 2 * PAGE)
    core.map(base + MEMORY, b''.join(page(16 + i) for i in range(4)), name=FILE, offset=MEMORY)
    core.map(0x70000000, page(18), name=FILE, offset=MEMORY + 2 * PAGE)
    return core.map(0x71000000, page(99), name='/lib/libc.so.6')


class Failure(Exception):
    pass


class Tester:
    def __init__(self, args):
        self.args, self.work = args, pathlib.Path(args.work)
        self.work.mkdir(parents=True, exist_ok=True)

    def run(self, argv, allowed=(0,)):
        env = dict(os.environ, ASAN_OPTIONS='exitcode=99', DEBUGINFOD_URLS='')
        got = subprocess.run(argv, capture_output=True, text=True, errors='replace', timeout=120, env=env, check=False)
        if got.returncode not in allowed or 'runtime error' in got.stderr or 'Sanitizer' in got.stderr:
            raise Failure(f'{argv}: exit status {got.returncode}: {got.stderr[:1000]}')
        return got

    def facts(self, name, data):
        """What dumpfacts says of a core, and that kcodbg takes it, or leaves it, in good manners."""
        path = self.work / name
        path.write_bytes(data)
        lines = self.run([os.path.join(self.args.bin, 'dumpfacts'), str(path)]).stdout.splitlines()
        for command in ('sys', 'ps', 'log', 'sym panic'):
            got = self.run([self.args.kcodbg, *command.split(), str(path)], (0, 1, 2, 3, 4))
            if got.returncode and not got.stderr.strip() and 'MISSING:' not in got.stdout:
                raise Failure(f'{name}: {command} fails without a reason')
        return lines


def want(lines, *texts):
    for text in texts:
        if not any(text in line for line in lines):
            raise Failure(f'no {text!r} in\n' + '\n'.join(lines))


def crc(n):
    return f'{zlib.crc32(page(n)):08x}'


def test_memory_is_found_at_its_place(t):
    """The program at 0, the file behind it; virtual memory as the process had it."""
    for wide in (True, False):
        for base in (BASE, 0x8000000):
            lines = t.facts('good', machine(wide, base).bytes())
            want(lines, 'status ok', f'fact memory_end {MEMORY + 4 * PAGE:#x}')
            # Pages are lines "phys ADDRESS crc SUM", or a range of equal ones.
            for kind, addr, n in [('phys', 0, 0), ('phys', PAGE, 1), ('virt', base, 0), ('virt', 0x70000000, 18),
                                  ('virt', 0x71000000, 99)] + [('phys', MEMORY + i * PAGE, 16 + i) for i in range(4)]:
                hit = [line for line in lines if line.startswith(f'{kind} ') and crc(n) in line]
                if not any(int(line.split()[1].split('-')[0], 16) == addr for line in hit):
                    raise Failure(f'{kind} {addr:#x} is not page {n}:\n' + '\n'.join(lines))


def test_offsets_in_bytes(t):
    """gdb's gcore says that pages have one byte."""
    core = machine()
    core.page_size = 1
    core.files = [(s, e, o * PAGE, n) for s, e, o, n in core.files]
    want(t.facts('gcore', core.bytes()), 'status ok', f'fact memory_end {MEMORY + 4 * PAGE:#x}')


def test_text_without_bytes_is_not_saved(t):
    want(t.facts('hole', machine().bytes()), "left out by the filter of the host's core dumps")


def test_filter_that_left_the_memory_out_is_named(t):
    core = machine()
    core.loads = [(va, b'' if va in (BASE + MEMORY, 0x70000000) else data, memsz) for va, data, memsz in core.loads]
    want(t.facts('filtered', core.bytes()), "warn the machine's memory is not in the core", 'coredump_filter')


def test_any_other_process_is_refused(t):
    plain = Core().map(BASE, page(0), name=PROGRAM).map(0x71000000, page(9), name='/lib/libc.so.6')
    want(t.facts('plain', plain.bytes()), 'core of a process, not of a kernel')
    # A deleted file whose beginning is where no program begins: somebody's temporary file.
    temp = Core().map(BASE, page(0), name=PROGRAM).map(0x72000000, page(9), name=FILE, offset=PAGE)
    want(t.facts('temp', temp.bytes()), 'core of a process, not of a kernel')
    # From its own beginning on: a program that was replaced while it ran.
    own = Core().map(BASE, page(0), name=PROGRAM + ' (deleted)')
    want(t.facts('own', own.bytes()), 'core of a process, not of a kernel')


def test_overlapping_mappings(t):
    core = machine()
    core.files.append((BASE + MEMORY + PAGE, BASE + MEMORY + 3 * PAGE, MEMORY // PAGE, FILE))
    want(t.facts('overlap', core.bytes()), 'status ok', 'warn mappings of the machine')


def test_notes_that_lie(t):
    for count in (2**61, 2**64 - 1, 6):
        core = machine()
        core.count = count
        lines = t.facts('count', core.bytes())
        want(lines, 'status ok' if count == 6 else 'status corrupt')
    for size in (0, 2, 5000, 2**40):
        core = machine()
        core.page_size = size
        want(t.facts('pagesize', core.bytes()), 'status corrupt', 'counts in pages')
    core = machine()
    core.files = [(s, e, 2**63, n) if n == FILE else (s, e, o, n) for s, e, o, n in core.files]
    want(t.facts('offset', core.bytes()), 'core of a process, not of a kernel')
    for cut in range(1, 200, 7):
        core = machine()
        core.cut = cut
        t.facts('cut', core.bytes())


def test_truncated_cores(t):
    data = machine().bytes()
    want(t.facts('short', data[:-3 * PAGE]), 'warn truncated', 'status ok')
    for size in range(0, len(data), 509):
        (t.work / 'cut').write_bytes(data[:size])
        t.run([os.path.join(t.args.bin, 'dumpfacts'), str(t.work / 'cut')])


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--bin')
    p.add_argument('--kcodbg')
    p.add_argument('--work')
    p.add_argument('--sanitized', action='store_true')
    p.add_argument('--seed')
    args = p.parse_args()
    if args.seed:
        # Headers and notes are what there is to read; memory is only missed.
        pathlib.Path(args.seed).write_bytes(machine().bytes()[:PAGE].rstrip(b'\0') + b'\0' * 16)
        return 0
    failed = 0
    for name, test in sorted(globals().items()):
        if not name.startswith('test_'):
            continue
        try:
            test(Tester(args))
            print(f'ok {name}')
        except Failure as e:
            failed += 1
            print(f'FAIL {name}: {e}')
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
