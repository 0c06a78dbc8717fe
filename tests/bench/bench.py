#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kcodbg beside crash and drgn on the same dump, in one run.

Usage: bench.py [--kcodbg PATH] [--cache DIR] [--rounds N] [--only NAME,...]

Every round runs each program once, in turn, so that a machine whose speed drifts
slows all of them alike; the page cache is warm (one round is not counted). Figures are whole processes': wall
time and peak memory as the operating system accounts them, medians over the rounds; the ratio is taken
round by round. It judges nothing and exits 0 unless a program that ran failed.

What is not installed (crash, drgn, a vmlinux, the case with 20,000 tasks) is said and left out.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

DRGN_BT = r'''
import drgn, sys
from drgn.helpers.linux.pid import for_each_task
prog = drgn.Program()
prog.set_core_dump(sys.argv[1])
prog.load_debug_info([sys.argv[2]])
for task in for_each_task(prog):
    try:
        print(task.comm.string_(), prog.stack_trace(task))
    except Exception as e:
        print(e)
'''


def run(argv, stdin=None):
    """One run: (seconds, peak MiB, exit status)."""
    start = time.monotonic()
    with open(os.devnull, 'r+b') as null:
        p = subprocess.Popen(argv, stdin=subprocess.PIPE if stdin else null, stdout=null, stderr=null)
        if stdin:
            try:
                p.stdin.write(stdin)
                p.stdin.close()
            except BrokenPipeError:
                pass
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - start, usage.ru_maxrss / 1024, p.returncode


def sparse_tib(path):
    """A kdump of a machine with 1 TiB of RAM of which three pages were saved; sparse on disk, too."""
    block, pfns = 4096, 1 << 28
    half = (pfns // 8 + block - 1) // block
    uts = b''.join(s.ljust(65, b'\0') for s in (b'Linux', b'n', b'6.1.0', b'#1', b'x86_64', b''))
    head = b'KDUMP   ' + struct.pack('<i', 6) + uts
    head = head.ljust(408, b'\0') + struct.pack('<QQIiiIIIIIIi', 0, 0, 0, block, 1, 2 * half, pfns, 0, 0, 3, 0, 1)
    sub = struct.pack('<QiiQQQQQQQQQQQ', 0, 31, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, pfns, pfns)
    saved = (0x100, pfns // 2, pfns - 1)
    with open(path, 'wb') as f:
        f.write(head.ljust(block, b'\0') + sub.ljust(block, b'\0'))
        for bitmap in (0, 1):
            for pfn in saved:
                f.seek((2 + bitmap * half) * block + pfn // 8)
                f.write(bytes([1 << pfn % 8]))
        at = (2 + 2 * half) * block
        data = at + 24 * len(saved)
        f.seek(at)
        for i in range(len(saved)):
            f.write(struct.pack('<QIIQ', data + i * block, block, 0, 0))
        f.write(b'\x5a' * (block * len(saved)))


class Bench:
    def __init__(self, name, rows):
        self.name, self.rows = name, rows  # rows: (label, argv, stdin or None); the first is ours

    def measure(self, rounds):
        got = {label: [] for label, _, _ in self.rows}
        for n in range(rounds + 1):
            for label, argv, stdin in self.rows:
                one = run(argv, stdin)
                if n:
                    got[label].append(one)
        return got


def report(bench, got):
    print(f'\n{bench.name}')
    first = bench.rows[0][0]
    failed = 0
    for label, _, _ in bench.rows:
        secs = [s for s, _, _ in got[label]]
        ratios = [s / o for (s, _, _), (o, _, _) in zip(got[label], got[first])]
        bad = [r for _, _, r in got[label] if r not in (0, 1)]
        mem = statistics.median(m for _, m, _ in got[label])
        print(f'  {label:<28} {statistics.median(secs) * 1000:9.1f} ms  (min {min(secs) * 1000:.1f}, max'
              f' {max(secs) * 1000:.1f})  {mem:8.1f} MiB  x {statistics.median(ratios):.2f}'
              + (f'  EXIT STATUS {bad[0]}' if bad else ''))
        failed += bool(bad) and label == first
    return failed


def benches(args, tmp):
    k = args.kcodbg
    dumps = args.cache / 'dumps'
    main = dumps / '6.1-4l' / 'vmcore.kdump-lzo'
    vmlinux = args.cache / 'kernels' / '6.1' / 'vmlinux'
    crash, drgn = shutil.which('crash'), None
    if subprocess.run(['/usr/bin/python3', '-c', 'import drgn'], capture_output=True).returncode == 0:
        drgn = tmp / 'bt.py'
        drgn.write_text(DRGN_BT)
    for what, there in (('crash', crash), ('python3-drgn', drgn), (str(vmlinux), vmlinux.exists())):
        if not there:
            print(f'not there, left out: {what}')
    if not main.exists():
        sys.exit(f'bench: {main} is not there: run tests/real/lab dump 6.1-4l')
    rows = [('kcodbg bt --all', [k, 'bt', '--all', main], None)]
    if crash and vmlinux.exists():
        rows.append(('crash foreach bt', [crash, '-s', vmlinux, main], b'foreach bt\nquit\n'))
    if drgn and vmlinux.exists():
        rows.append(('drgn, every task', ['/usr/bin/python3', drgn, main, vmlinux], None))
    yield Bench('bt --all, 256 MB guest, kdump lzo, no vmlinux for kcodbg', rows)
    yield Bench('the same from other formats',
                [(f'kcodbg bt --all {v}', [k, 'bt', '--all', dumps / '6.1-4l' / f'vmcore.{v}'], None)
                 for v in ('kdump-lzo', 'kdump-zlib', 'kdump-zstd', 'kdump-snappy', 'elf', 'flat-lzo')
                 if (dumps / '6.1-4l' / f'vmcore.{v}').exists()])
    rows = [('kcodbg ps', [k, 'ps', main], None)]
    if crash and vmlinux.exists():
        rows.append(('crash ps', [crash, '-s', vmlinux, main], b'ps\nquit\n'))
    yield Bench('ps', rows)
    if vmlinux.exists():
        yield Bench('bt --all -l with a vmlinux, index cached',
                    [('kcodbg bt --all -l', [k, '-s', vmlinux, '-c', main, 'bt', '--all', '-l'], None)])
    tib = tmp / 'tib'
    sparse_tib(tib)
    yield Bench('open: 1 TiB sparse kdump beside the 256 MB one (reads one page)',
                [('kcodbg rd -p, 1 TiB', [k, 'rd', '-p', '0x100000', '1', tib], None),
                 ('kcodbg rd -p, 256 MB', [k, 'rd', '-p', '0x100000', '1', main], None)])
    many = dumps / '6.1-many' / 'vmcore.kdump-lzo'
    if many.exists():
        yield Bench('20,000 tasks: bt --all; ps beside it is what opening and listing cost',
                    [('kcodbg bt --all', [k, '--json', 'bt', '--all', many], None),
                     ('kcodbg --jobs 1 bt --all', [k, '--jobs', '1', '--json', 'bt', '--all', many], None),
                     ('kcodbg ps', [k, '--json', 'ps', many], None)])
    else:
        print(f'not there, left out: {many} (tests/real/lab dump 6.1-many)')


def main():
    cache = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache') / 'kcodbg'
    p = argparse.ArgumentParser(description='kcodbg beside crash and drgn')
    p.add_argument('--kcodbg', default=str(ROOT / 'build/release/cli/kcodbg'))
    p.add_argument('--cache', type=pathlib.Path, default=cache)
    p.add_argument('--rounds', type=int, default=7)
    p.add_argument('--only', default='')
    args = p.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        for bench in benches(args, pathlib.Path(tmp)):
            if args.only and not any(w in bench.name for w in args.only.split(',')):
                continue
            failed += report(bench, bench.measure(args.rounds))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
