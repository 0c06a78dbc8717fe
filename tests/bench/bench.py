#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kcodbg beside crash and drgn on the same dumps, in one run. See README.md.

Every round runs each program once, in turn, so that a machine whose speed drifts slows all of
them alike; a first round, which is not counted, warms the page cache and keeps the output, whose
tasks are counted. Figures are whole processes', as the operating system accounts them.

It judges nothing: the exit status is 1 only when kcodbg itself failed.
"""
import argparse
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'tests' / 'command'))

from kit import sparse_tib  # noqa: E402

PYTHON = '/usr/bin/python3'  # Debian's, which has Debian's drgn
SLOW_ROUNDS = 3  # for what takes seconds
COPIES = 6  # of the memory of a dump, so that what opening takes does not count
MEAN_RUN = 16.1  # pages, of the distribution in minidump_512g()

DRGN_BT = r'''
import drgn, sys
from drgn.helpers.linux.pid import for_each_task
prog = drgn.Program()
prog.set_core_dump(sys.argv[1])
prog.load_debug_info([sys.argv[2]])
for task in for_each_task(prog):
    try:
        print('PID:', task.pid.value_(), task.comm.string_(), prog.stack_trace(task), sep='\n')
    except Exception as e:
        print('PID:', e)
'''


class Row:
    """One program. `tasks` finds a task in its output; `slow` ones run in the first rounds only; the file `out` is
    deleted before each."""

    def __init__(self, label, argv, tasks=None, stdin=b'', slow=False, out=None):
        self.out = out
        self.label, self.argv, self.stdin, self.slow = label, [str(a) for a in argv], stdin, slow
        self.tasks = re.compile(tasks.encode()) if tasks else None
        self.runs = []  # (seconds, seconds on a CPU, peak MiB, exit status)
        self.count = None

    def run(self, tmp, env, keep):
        target, source = tmp / 'out', tmp / 'in'
        source.write_bytes(self.stdin)
        if self.out:
            self.out.unlink(missing_ok=True)
        with open(target if keep else os.devnull, 'wb') as out, open(source, 'rb') as stdin, \
                open(os.devnull, 'wb') as null:
            start = time.monotonic()
            p = subprocess.Popen(self.argv, stdin=stdin, stdout=out, stderr=null, env=env)
            _, status, usage = os.wait4(p.pid, 0)
            seconds = time.monotonic() - start
        p.returncode = os.waitstatus_to_exitcode(status)
        if keep and self.tasks:
            # Line by line: a child's peak begins at what this process takes.
            with open(target, 'rb') as f:
                self.count = sum(bool(self.tasks.match(line)) for line in f)
        return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, p.returncode


def data_of(fd):
    """(offset, size) of what a file holds between its holes."""
    at, end = 0, os.fstat(fd).st_size
    while at < end:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, at - start


class Copy(Row):
    """The yardstick of save-core: the same bytes to the same places of as many files, each synced and renamed."""

    def __init__(self, source):
        super().__init__('copying what was saved', [])
        self.source, self.bytes = source, 0

    def copy(self, source, target, chunk):
        a = os.open(source, os.O_RDONLY)
        b = os.open(f'{target}.new', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for at, size in data_of(a):
            self.bytes += size
            for off in range(0, size, len(chunk)):
                n = os.preadv(a, [chunk[:size - off]], at + off)
                os.pwrite(b, chunk[:n], at + off)
        os.fsync(b)
        os.close(a)
        os.close(b)
        os.rename(f'{target}.new', target)

    def run(self, tmp, env, keep):
        target, chunk = tmp / 'copies', memoryview(bytearray(1 << 20))
        target.mkdir(exist_ok=True)
        self.bytes = 0
        start, cpu = time.monotonic(), time.process_time()
        for source in self.source.iterdir():
            self.copy(source, target / source.name, chunk)
        return time.monotonic() - start, time.process_time() - cpu, 0, 0


def measure(rows, rounds, tmp, env):
    for n in range(rounds + 1):
        for row in rows:
            if row.slow and n > min(SLOW_ROUNDS, rounds):
                continue
            one = row.run(tmp, env, n == 0)
            if n:
                row.runs.append(one)


def median_ratio(a, b, without=None):
    """The median of a / (b - without), round by round."""
    return statistics.median(x / max(y - z, 1e-9) for x, y, z in zip(a, b, without or [0] * len(b)))


def report(title, rows, floor):
    """Print a table; returns how many rows of kcodbg failed. A child's peak begins at what it was forked from."""
    print(f'\n{title}\n  {"":<28} {"median":>9} {"least":>9} {"CPU":>9} {"peak":>9} {"ratio":>7} {"tasks":>6}')
    failed = 0
    for row in rows:
        seconds, cpu, mem, status = zip(*row.runs)
        ratios = [a[0] / b[0] for a, b in zip(row.runs, rows[0].runs)]
        bad = [s for s in status if s not in (0, 1)]
        peak = statistics.median(mem)
        peak = f'{peak:.1f} MiB' if peak > floor else f'<{floor:.0f} MiB'
        print(f'  {row.label:<28} {statistics.median(seconds) * 1e3:6.1f} ms {min(seconds) * 1e3:6.1f} ms'
              f' {statistics.median(cpu) * 1e3:6.1f} ms {peak:>9} {statistics.median(ratios):7.2f}'
              f' {"" if row.count is None else row.count:>6}' + (f'  EXIT STATUS {bad[0]}' if bad else ''))
        failed += bool(bad) and row.label.startswith('kcodbg')
    return failed


def larger(source, path, copies):
    """The dump of a machine with @copies times the memory: an ELF core whose PT_LOADs come again GiBs later.

    Holes stay holes. What a filter looks at has no counterpart for the copies.
    """
    with open(source, 'rb') as f, open(path, 'wb') as out:
        head = bytearray(f.read(64))
        phoff, = struct.unpack_from('<Q', head, 32)
        size, count = struct.unpack_from('<HH', head, 54)
        f.seek(phoff)
        table = [list(struct.unpack('<IIQQQQQQ', f.read(size))) for _ in range(count)]
        notes = next(row for row in table if row[0] == 4)
        loads = [row for row in table if row[0] == 1]
        struct.pack_into('<H', head, 56, 1 + copies * len(loads))
        at = round_page(64 + size * (1 + copies * len(loads)))
        rows, jobs = [[*notes[:2], at, *notes[3:]]], [(notes[2], at, notes[5])]
        at = round_page(at + notes[5])
        for n in range(copies):
            for kind, flags, offset, va, pa, filesz, memsz, align in loads:
                rows.append([kind, flags, at, va if n == 0 else 0, pa + (n << 30), filesz, memsz, align])
                jobs.append((offset, at, filesz))
                at = round_page(at + filesz)
        out.write(head + b''.join(struct.pack('<IIQQQQQQ', *row) for row in rows))
        out.truncate(at)
        for start, target, length in jobs:
            for offset, n in data_of(f.fileno()):
                first, end = max(offset, start), min(offset + n, start + length)
                while first < end:
                    first += os.copy_file_range(f.fileno(), out.fileno(), min(end - first, 1 << 26), first,
                                                target + first - start)


def apart(make, path):
    """make(path) in a process of its own: what this one once took would be every later child's peak."""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(w, json.dumps(make(path)).encode())
        os._exit(0)
    os.close(w)
    with os.fdopen(r) as f:
        text = f.read()
    os.waitpid(pid, 0)
    return json.loads(text)


def round_page(n):
    return (n + 4095) & ~4095


def set_run(bitmap, first, end):
    """Bits [first, end), the least significant first."""
    if first // 8 == end // 8:
        bitmap[first // 8] |= (1 << end % 8) - (1 << first % 8)
        return
    bitmap[first // 8] |= 0xff & ~((1 << first % 8) - 1)
    bitmap[first // 8 + 1:end // 8] = b'\xff' * (end // 8 - first // 8 - 1)
    if end % 8:
        bitmap[end // 8] |= (1 << end % 8) - 1


def minidump_512g(path):
    """FreeBSD's of an amd64 machine with 512 GiB, version 3: 6 % of its pages, in runs of 1 to some thousand; sparse.

    Returns (offset of the page bitmap, its bits, an address that was saved, pages saved).
    """
    rand = random.Random(512)
    ram = ((0x1000, 0x9f000), (0x100000, 0x7ff00000), (0x100000000, 0x8080000000))
    bits = sum(end - start for start, end in ram) // 4096
    bitmap = bytearray(round_page(bits // 8 + 8))
    at, total, saved = 0x200, 0, None
    while True:
        # What a kernel has in its maps: many single pages, few long runs.
        run = min(int(rand.paretovariate(0.9)), 8192)
        if at + run >= bits:
            break
        set_run(bitmap, at, at + run)
        total += run
        # Into the third range, whose bits begin behind those of the others.
        if at > bits // 2 and not saved:
            saved = 0x100000000 + (at - sum(end - start for start, end in ram[:2]) // 4096) * 4096
        at += run + 1 + int(rand.expovariate(0.06 / 0.94 / MEAN_RUN))
    avail = b''.join(struct.pack('<QQ', *r) for r in ram).ljust(4096, b'\0')
    msgbuf, kmap = 96 << 10, 1 << 16
    head = struct.pack('<24s4I3QI', b'minidump FreeBSD/amd64', 3, msgbuf, len(bitmap), kmap, 0xffffffff80000000,
                       0xfffff80000000000, 0xfffff88080000000, len(avail))
    where = 4096 + msgbuf + len(avail)
    with open(path, 'wb') as f:
        f.write(head.ljust(4096 + msgbuf, b'\0') + avail + bitmap)
        f.truncate(where + len(bitmap) + kmap + total * 4096)
    return where, bits, saved, total


def kcore_million(path):
    """NetBSD's sparse kernel core: a million ranges of 1 to 16 pages. Returns (its table, ranges, data, an address)."""
    rand, ranges, at = random.Random(7), 1000000, 0x1000
    rows = []
    for _ in range(ranges):
        size = rand.randrange(1, 17) * 4096
        rows.append((at, size))
        at += size + rand.randrange(1, 64) * 4096
    cpu = 16 + 16 * ranges
    data = 16 + 8 + cpu + 8
    total = sum(size for _, size in rows)
    with open(path, 'wb') as f:
        f.write(struct.pack('>I', 157 << 16 | 0x8fca) + struct.pack('<HHI', 16, 8, 2) + bytes(4))
        f.write(struct.pack('>I', 1 << 26 | 157 << 16 | 0x8fac) + struct.pack('<I', cpu))
        f.write(struct.pack('<QQ', 0x1000, ranges) + b''.join(struct.pack('<QQ', *r) for r in rows))
        f.write(struct.pack('>I', 2 << 26 | 157 << 16 | 0x8fac) + struct.pack('<I', total & 0xffffffff))
        f.truncate(data + total)
    return 16 + 8 + 16, ranges, data, rows[ranges // 2][0]


class Bench:
    def __init__(self, args, tmp):
        self.args, self.tmp, self.k = args, tmp, args.kcodbg
        self.dumps = args.cache / 'dumps'
        self.main = self.dumps / '6.1-4l' / 'vmcore.kdump-lzo'
        self.many = self.dumps / '6.1-many' / 'vmcore.kdump-lzo'
        self.vmlinux = args.cache / 'kernels' / '6.1' / 'vmlinux'
        self.crash = shutil.which('crash')
        self.drgn = subprocess.run([PYTHON, '-c', 'import drgn'], capture_output=True, check=False).returncode == 0
        (tmp / 'bt.py').write_text(DRGN_BT)
        # An index of its own, so that "cached" means: by this program, in this run.
        self.env = dict(os.environ, XDG_CACHE_HOME=str(tmp / 'cache'))
        self.env.pop('DEBUGINFOD_URLS', None)
        self.floor = Row('', ['true']).run(tmp, self.env, False)[2] * 1.01
        self.failed = 0

    def ours(self, label, *argv, tasks=None, out=None):
        return Row('kcodbg ' + label, [self.k, *argv], tasks, out=out)

    def others(self, command, dump, drgn=True):
        """The rows of what is installed."""
        if self.crash and self.vmlinux.exists():
            word = {'foreach bt': '^PID: ', 'ps': r'^>?\s*\d+\s+\d+\s+\d+\s+[0-9a-f]{16}'}[command]
            yield Row('crash ' + command, [self.crash, '-s', self.vmlinux, dump], word,
                      command.encode() + b'\nquit\n', True)
        if drgn and self.drgn and self.vmlinux.exists():
            yield Row('drgn, every task', [PYTHON, self.tmp / 'bt.py', dump, self.vmlinux], '^PID:', slow=True)

    def table(self, title, rows):
        if self.args.only and not any(w in title for w in self.args.only.split(',')):
            return None
        rows = list(rows)
        measure(rows, self.args.rounds, self.tmp, self.env)
        self.failed += report(title, rows, self.floor)
        return rows

    def formats(self):
        folder = self.main.parent
        for name in ('kdump-lzo', 'kdump-zlib', 'kdump-zstd', 'kdump-snappy', 'filtered', 'elf', 'elf-paging',
                     'makedumpfile-E', 'lime', 'raw', 'flat-lzo', 'flat-elf', 'flat-lzo.gz'):
            if (folder / f'vmcore.{name}').exists():
                extra = ('--raw-base=0',) if name == 'raw' else ()
                yield self.ours(name, *extra, '--json', 'bt', '--all', folder / f'vmcore.{name}', tasks='^{"pid"')
        split = [folder / f'vmcore.split{i}' for i in (1, 2, 3)]
        if all(p.exists() for p in split):
            yield self.ours('split in three', *(w for p in split for w in ('-c', p)), '--json', 'bt', '--all',
                            tasks='^{"pid"')

    def lines(self):
        argv = ('-s', self.vmlinux, '-c', self.main, 'bt', '--all', '-l')
        first = Row('', [self.k, *argv]).run(self.tmp, self.env, False)
        rows = [self.ours('bt --all -l', *argv, tasks='^PID: '),
                self.ours('bt --all, no vmlinux', 'bt', '--all', self.main, tasks='^PID: ')]
        if self.table('bt --all -l with a vmlinux of 590 MB, index cached (150 ms)', rows):
            print(f'  making the index, once: {first[0]:.1f} s, {first[2]:.0f} MiB')

    def twenty_thousand(self):
        if not self.many.exists():
            print(f'\nnot there, left out: {self.many} (tests/real/lab dump 6.1-many)')
            return
        rows = [self.ours('bt --all', '--json', 'bt', '--all', self.many, tasks='^{"pid"'),
                self.ours('bt --all, --jobs 1', '--jobs', '1', '--json', 'bt', '--all', self.many, tasks='^{"pid"'),
                self.ours('bt --all, text', 'bt', '--all', self.many, tasks='^PID: '),
                self.ours('ps', '--json', 'ps', self.many, tasks='^{"pid"')]
        if self.table('20,000 tasks, both cores (50 us a task)', rows):
            for row in rows[:3]:
                print(f'  {row.label}: {statistics.median(r[0] for r in row.runs) / row.count * 1e6:.1f} us a task,'
                      f' opening and listing included')
            self.compare_many()

    def compare_many(self):
        """Are they the right stacks? Function names beside /proc/TID/stack of the guest."""
        text = subprocess.run([self.k, '--json', 'bt', '--all', self.many], stdout=subprocess.PIPE, check=False,
                              env=self.env).stdout
        found = {row['tid']: [f['function'] for f in row['frames']] for row in map(json.loads, text.splitlines())
                 if row['tid']}
        truth = {}
        for line in (self.many.parent / 'truth' / 'tasks').read_text().splitlines():
            if line[0] == '\t':
                truth[tid].append(line.split()[1].split('+')[0])
            else:
                tid = int(line.split()[1])
                truth[tid] = []
        # /proc leaves out the scheduler's own functions, so ours may have more at the top.
        same = sum(bool(want) and [f for f in found.get(tid, ()) if f in want][:len(want)] == want
                   for tid, want in truth.items())
        print(f'  {sum(tid in found for tid in truth)} of the {len(truth)} tasks that the guest listed are there,'
              f' {same} with the stack it printed')

    def lookups(self, title, *argv):
        """What a lookup takes: the medians of as many runs as there are rounds."""
        tool = pathlib.Path(self.k).resolve().parent.parent / 'tests' / 'bench' / 'lookup'
        if self.args.only and not any(w in title for w in self.args.only.split(',')):
            return
        if not tool.exists():
            print(f'\nnot there, left out: {tool} (cmake --build --preset release --target lookup)')
            return
        runs = [[float(n) for n in subprocess.run([tool, *map(str, argv)], stdout=subprocess.PIPE, check=True)
                 .stdout.split()] for _ in range(self.args.rounds)]
        any_order, ascending, index, found, _ = (statistics.median(run) for run in zip(*runs))
        print(f'\n{title}\n  in no order {any_order:.1f} ns, ascending {ascending:.1f} ns, least of all'
              f' {min(run[0] for run in runs):.1f} ns; {found:.0f} % of the addresses have a page;'
              f' making the index {index:.1f} ms')

    def bsd(self):
        """Files with much to look through and nothing in it."""
        path = self.tmp / 'minidump'
        bitmap, bits, saved, total = apart(minidump_512g, path)
        self.table('minidump of a 512 GiB machine: open, one page is read (100 ms, 64 MiB)',
                   [self.ours('rd -p', 'rd', '-p', hex(saved), '1', path)])
        self.lookups(f'minidump page lookup, {total * 100 / bits:.1f} % of {bits} pages (50 ns)',
                     'minidump', path, bitmap, bits)
        path.unlink()
        path = self.tmp / 'kcore'
        table, ranges, data, saved = apart(kcore_million, path)
        self.table('kcore with a million segments: open, one page is read',
                   [self.ours('rd -p', 'rd', '-p', hex(saved), '1', path)])
        self.lookups('kcore with a million segments: lookup', 'kcore', path, table, ranges, data)
        path.unlink()

    def save_core(self):
        """Whole processes as core files beside a plain copy of the pages in them; opening the dump apart."""
        dump = next((d for d in (self.dumps / n / 'vmcore.elf' for n in ('zoo-6.1', '6.1-4l')) if d.exists()), None)
        if not dump:
            return
        cores = self.tmp / 'cores'
        rows = self.table(f'process save-core --all of {dump.parent.name} (80% of the speed of copying the pages)',
                          [self.ours('save-core --all', 'process', 'save-core', '--force', '--all', cores, dump),
                           self.ours('process list', 'process', 'list', dump), Copy(cores)])
        if rows:
            save, opening, copy = ([run[0] for run in row.runs] for row in rows)
            cpu = [[run[1] for run in row.runs] for row in rows]
            print(f'  {rows[2].bytes >> 20} MiB in {len(list(cores.iterdir()))} files;'
                  f' speed of copying: {median_ratio(copy, save, opening):.2f} with the dump open'
                  f' ({median_ratio(copy, save):.2f} with the opening), CPU {median_ratio(cpu[2], cpu[0], cpu[1]):.2f}')

    def beside_makedumpfile(self, source, level, name, flag):
        """The same codec and the same filter; what both wrote is on the disk in the end."""
        out, theirs = self.tmp / 'converted', self.tmp / 'theirs'
        rows = [self.ours('convert', '-q', 'convert', '-d', level, '-c', name, '-o', out, source, out=out)]
        # With threads 1.7.2 is slower than without, and sometimes aborts: shown for the fast codec only.
        for threads in ((), ('--num-threads', os.cpu_count())) if name == 'lzo' else ((),):
            argv = shlex.join(map(str, ('makedumpfile', '-f', flag, '-d', level, *threads, source, theirs)))
            rows.append(Row('makedumpfile' + (', all cores' if threads else ''),
                            ['sh', '-c', f'{argv} && sync {shlex.quote(str(theirs))}'], slow=bool(threads), out=theirs))
        rows = self.table(f'convert -d {level} -c {name} of {source.parent.name}, beside makedumpfile'
                          ' (1.5 of its throughput)', rows)
        for row in rows[1:] if rows else ():
            print(f'  throughput of {row.label}: {median_ratio([r[0] for r in row.runs], [r[0] for r in rows[0].runs]):.2f}')
        for path in (out, theirs):
            path.unlink(missing_ok=True)

    def beside_codec(self, source, copies, pages, name):
        """What the codec alone takes for the pages that are written, with as many threads as there are CPUs."""
        out = self.tmp / 'converted'
        tool = pathlib.Path(self.k).resolve().parent.parent / 'tests' / 'bench' / 'codec'
        if not tool.exists():
            print(f'\nnot there, left out: {tool} (cmake --build --preset release --target codec)')
            return
        rows = self.table(f'convert -c {name} of {copies} times the memory of 6.1-kdump beside the codec alone'
                          ' (0.85 of its throughput)',
                          [self.ours('convert', '-q', 'convert', '-c', name, '-o', out, source, out=out),
                           self.ours('opening: sys', 'sys', source)])
        if rows:
            alone = [copies * float(subprocess.run([tool, name, str(os.cpu_count()), pages], check=True,
                                                   stdout=subprocess.PIPE).stdout.split()[0]) for _ in rows[0].runs]
            ours, opening = ([run[0] for run in row.runs] for row in rows)
            print(f'  {source.stat().st_size / statistics.median(ours) / 1e6:.0f} MB of memory a second; the codec alone'
                  f' {statistics.median(alone) * 1e3:.0f} ms: {median_ratio(alone, ours):.2f} of its throughput,'
                  f' {median_ratio(alone, ours, opening):.2f} without the opening')
        out.unlink(missing_ok=True)

    def beside_cp(self, source):
        out, copy = self.tmp / 'converted', self.tmp / 'copy'
        words = shlex.join(['cp', '--reflink=never', str(source), str(copy)])
        rows = self.table('convert -t elf beside cp, both synced (0.7 of its speed)',
                          [self.ours('convert', '-q', 'convert', '-t', 'elf', '-o', out, source, out=out),
                           Row('cp', ['sh', '-c', f'{words} && sync {shlex.quote(str(copy))}'], out=copy)])
        if rows:
            print(f'  speed of cp: {median_ratio(*([run[0] for run in row.runs] for row in rows[::-1])):.2f}')
        for path in (out, copy):
            path.unlink(missing_ok=True)

    def convert_real(self, small):
        # Debian's makedumpfile has neither zstd nor snappy.
        if shutil.which('makedumpfile'):
            for level, name, flag in ((0, 'zlib', '-c'), (0, 'lzo', '-l'), (31, 'zlib', '-c'), (31, 'lzo', '-l')):
                self.beside_makedumpfile(small, level, name, flag)
            if self.many.exists():
                self.beside_makedumpfile(self.many, 0, 'zlib', '-c')
        else:
            print('not there, left out: makedumpfile')
        large, pages = self.tmp / 'large', self.tmp / 'pages.lime'
        apart(lambda path: larger(small, path, COPIES), large)
        subprocess.run([self.k, '-q', 'convert', '-t', 'lime', '-o', pages, small], check=True, stdout=subprocess.DEVNULL,
                       env=self.env)
        for name in ('zstd', 'zlib', 'lzo'):
            self.beside_codec(large, COPIES, pages, name)
        self.beside_cp(large)
        for path in (large, pages):
            path.unlink()

    def convert(self):
        """Large files are made only for tables that were asked for."""
        wanted = not self.args.only or any(w in 'convert' for w in self.args.only.split(','))
        small = self.dumps / '6.1-kdump' / 'vmcore.elf'
        if not small.exists():
            print(f'\nnot there, left out: {small} (tests/real/lab dump 6.1-kdump), and converting beside makedumpfile')
        elif wanted:
            self.convert_real(small)
        source, out = self.tmp / 'source', self.tmp / 'converted'
        sparse_tib(source)
        self.table('convert a sparse dump of 1 TiB (128 MiB)',
                   [self.ours(f'convert -t {form}', '-q', 'convert', '-t', form, '-o', out, source, out=out)
                    for form in ('kdump', 'elf', 'lime')])
        source.unlink()
        with open(source, 'wb') as f:
            f.truncate(16 << 30)
        self.table('convert 16 GiB of raw memory that is one hole (128 MiB)',
                   [self.ours(f'convert -t {form}', '-q', '--format', 'raw', 'convert', '-t', form, '-o', out, source,
                              out=out) for form in ('kdump', 'elf')])
        for path in (source, out):
            path.unlink(missing_ok=True)

    def run(self):
        for what, there in (('crash', self.crash), ('python3-drgn', self.drgn), (self.vmlinux, self.vmlinux.exists())):
            if not there:
                print(f'not there, left out: {what}')
        load = os.getloadavg()[0]
        if self.main.exists():
            self.linux()
        else:
            print(f'not there, left out: {self.main} (tests/real/lab dump 6.1-4l), and all that needs a real dump')
        self.convert()
        self.bsd()
        print(f'\n{os.cpu_count()} CPUs; load average {load:.1f} before, {os.getloadavg()[0]:.1f} after')
        return 1 if self.failed else 0

    def linux(self):
        self.table('bt --all, 256 MB guest, kdump lzo, no vmlinux for kcodbg (50 ms, 40 MiB)',
                   [self.ours('bt --all', 'bt', '--all', self.main, tasks='^PID: '),
                    *self.others('foreach bt', self.main)])
        self.table('ps, the same dump (20 ms)',
                   [self.ours('ps', 'ps', self.main, tasks=r'^>?\s*\d+\s+\d+\s+\d+\s+[0-9a-f]{16}'),
                    *self.others('ps', self.main, drgn=False)])
        self.table('process list, the same guest, whole memory (25 ms)',
                   [self.ours('process list', 'process', 'list', self.main.with_name('vmcore.elf'), tasks='^Process '),
                    self.ours('process list -a', 'process', 'list', '-a', self.main.with_name('vmcore.elf'),
                              tasks='^Process ')])
        self.table('formats: bt --all of the same guest', self.formats())
        if self.vmlinux.exists():
            self.lines()
        tib = self.tmp / 'tib'
        sparse_tib(tib)
        self.table('open: a sparse dump of 1 TiB beside the one of 256 MB; one page is read (the same, 64 MiB)',
                   [self.ours('rd -p, 256 MB', 'rd', '-p', '0x100000', '1', self.main),
                    self.ours('rd -p, 1 TiB', 'rd', '-p', '0x100000', '1', tib)])
        self.twenty_thousand()
        self.table('user stacks of about 30 processes, 256 MB guest, ELF (100 ms)',
                   [self.ours('bt --all -u', 'bt', '--all', '-u', self.dumps / '6.1-4l' / 'vmcore.elf', tasks='^PID: '),
                    self.ours('bt --all -k', 'bt', '--all', '-k', self.dumps / '6.1-4l' / 'vmcore.elf', tasks='^PID: '),
                    self.ours('bt --all', 'bt', '--all', self.dumps / '6.1-4l' / 'vmcore.elf', tasks='^PID: ')])
        self.save_core()


def main():
    cache = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache') / 'kcodbg'
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--kcodbg', default=str(ROOT / 'build/release/cli/kcodbg'), metavar='PATH')
    p.add_argument('--cache', type=pathlib.Path, default=cache, metavar='DIR', help="the lab's")
    p.add_argument('--rounds', type=int, default=9, metavar='N')
    p.add_argument('--only', default='', metavar='WORD,...', help='tables whose title has one of the words')
    args = p.parse_args()
    if args.rounds < 1 or not os.access(args.kcodbg, os.X_OK):
        p.error('--rounds of at least 1, and a program to run, please: see --kcodbg')
    with tempfile.TemporaryDirectory() as tmp:
        return Bench(args, pathlib.Path(tmp)).run()


if __name__ == '__main__':
    sys.exit(main())
