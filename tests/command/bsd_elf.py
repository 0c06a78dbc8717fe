#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `convert -t elf` makes of a BSD's dump: gdb reads threads and memory from it, and a damaged note is harmless.

  bsd_elf.py KCODBG [TEST...]

gdb has to be there (scripts/packages.txt): without it the tests of gdb fail.
"""
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import kit

KCODBG = None
MADE = None  # a folder of what was converted
DUMPS = [('freebsd_amd64', 'minidump3'), ('freebsd_amd64', 'full'), ('netbsd_amd64', 'core'),
         ('netbsd_amd64', 'sparse'), ('openbsd_amd64', 'core')]
# A thread's first frame and the others as gdb prints them.
FRAME = re.compile(r'^#(\d+) +(?:0x([0-9a-f]+) in )?(\S+) \(', re.M)


class Base(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory(prefix='kcodbg-bsd-elf-')
        self.home = pathlib.Path(self.tmp.name)
        self.models = pathlib.Path(kit.environment(KCODBG, self.home)['MODELS'])

    def tearDown(self):
        self.tmp.cleanup()

    def kernel(self, model):
        return str(self.models / f'{model}.elf')

    def convert(self, model, dump):
        out = MADE / f'{model}.{dump}.elf'
        if out.exists():
            return out
        status, _, err = kit.run(KCODBG, self.home, ['convert', '-t', 'elf', '-o', str(out),
                                                     str(self.models / f'{model}.{dump}'), self.kernel(model)])
        self.assertEqual((status, err), (0, ''))
        return out

    def rows(self, core, model, *command):
        _, out, _ = kit.run(KCODBG, self.home, [*command, '--json', str(core), self.kernel(model)])
        return [json.loads(line) for line in out.splitlines()]


class Gdb(Base):
    def gdb(self, kernel, core, *commands, options=()):
        self.assertTrue(shutil.which('gdb'), 'gdb is not installed: see scripts/packages.txt')
        words = [w for c in ('set pagination off', 'set width 0', *commands) for w in ('-ex', c)]
        got = subprocess.run(['gdb', '-nx', '-batch', *options, str(kernel), str(core), *words], capture_output=True,
                             text=True, timeout=120, env=kit.environment(KCODBG, self.home), cwd=self.home)
        self.assertEqual(got.returncode, 0, got.stderr[-2000:])
        return got.stdout

    def thread_ids(self, tasks):
        """The ids that notes have: the kernel's, and where these are not unique pid << 16 | tid."""
        ids = [t['tid'] for t in tasks]
        return ids if len(set(ids)) == len(ids) else [t['pid'] << 16 | t['tid'] for t in tasks]

    def check_threads(self, kernel, core, model, **more):
        tasks = self.rows(core, model, 'ps')
        self.assertGreater(len(tasks), 5)
        out = self.gdb(kernel, core, 'info threads', **more)
        listed = [int(n) for n in re.findall(r'^[* ] +\d+ +LWP (\d+)', out, re.M)]
        self.assertEqual(sorted(listed), sorted(self.thread_ids(tasks)))
        first = tasks[[t['panic'] for t in tasks].index(True)]
        current = re.search(r'^\* +\d+ +LWP (\d+)', out, re.M)
        self.assertEqual(int(current.group(1)), dict(zip([t['task'] for t in tasks],
                                                         self.thread_ids(tasks)))[first['task']])

    def test_info_threads_lists_the_threads_of_ps(self):
        for model, dump in DUMPS:
            with self.subTest(model=model, dump=dump):
                self.check_threads(self.kernel(model), self.convert(model, dump), model)

    def test_a_kernel_file_that_names_freebsd_needs_the_osabi_told(self):
        kernel = self.home / 'kernel'
        image = bytearray(pathlib.Path(self.kernel('freebsd_amd64')).read_bytes())
        image[7] = 9  # EI_OSABI: what FreeBSD's linker writes and Debian's gdb does not know
        kernel.write_bytes(image)
        self.check_threads(kernel, self.convert('freebsd_amd64', 'minidump3'), 'freebsd_amd64',
                           options=['-iex', 'set osabi GNU/Linux'])

    @staticmethod
    def own_frames(frames):
        """Those up to where entry code begins: from there on gdb knows no way, and kcodbg knows the trap frame."""
        for i, frame in enumerate(frames):
            if frame['by'] not in ('regs', 'cfi', 'fp') or (i and frame['by'] == 'regs'):
                return frames[:i]
        return frames

    def check_frames(self, model, dump):
        core = self.convert(model, dump)
        tasks = self.rows(core, model, 'bt', '--all', '-k')
        ids = self.thread_ids(tasks)
        out = self.gdb(self.kernel(model), core, 'set backtrace past-main on', 'thread apply all bt')
        traces = {}
        for part in re.split(r'^Thread ', out, flags=re.M)[1:]:
            tid = int(re.match(r'\d+ \(LWP (\d+)\)', part).group(1))
            traces[tid] = [(int(pc or '0', 16), name) for _, pc, name in FRAME.findall(part)]
        compared = deep = 0
        for tid, task in zip(ids, tasks):
            frames = self.own_frames(task.get('frames', []))
            want = [(int(f['pc'], 16), f['function']) for f in frames]
            if not want:
                continue
            got = traces[tid][:len(want)]
            if not got[0][0]:
                got[0] = (want[0][0], got[0][1])  # at the beginning of a line gdb leaves the address out
            self.assertEqual(got, want, f'thread {tid}')
            compared += 1
            deep += len(want) > 4
        self.assertGreater(compared, 5)
        self.assertGreater(deep, 3)

    def test_bt_has_the_frames_of_kcodbg(self):
        for model, dump in DUMPS:
            with self.subTest(model=model, dump=dump):
                self.check_frames(model, dump)

    def test_both_maps_of_memory_are_there(self):
        core = self.convert('freebsd_amd64', 'minidump3')
        row = self.rows(core, 'freebsd_amd64', 'vtop', 'version')[0]
        # DMAP_MIN_ADDRESS of the model is what amd64 has had since FreeBSD 9.
        out = self.gdb(self.kernel('freebsd_amd64'), core, f'x/s {row["va"]}',
                       f'x/s {0xfffff80000000000 + int(row["pa"], 16):#x}')
        self.assertEqual(len(re.findall(r'"FreeBSD 12\.1-RELEASE', out)), 2, out)


class Note(Base):
    """The note KCODBG with other bytes: what it says is left out, with a warning, and nothing worse happens."""

    def setUp(self):
        super().setUp()
        self.bytes = self.convert('freebsd_amd64', 'minidump3').read_bytes()
        self.core = self.home / 'changed.elf'
        name = self.bytes.index(b'KCODBG\0')
        self.at, self.size = name + 8, struct.unpack_from('<I', self.bytes, name - 8)[0]

    def items(self):
        """tag: (offset of the item in the file, size)"""
        found, at = {}, self.at + 4
        while at < self.at + self.size:
            tag, size = struct.unpack_from('<II', self.bytes, at)
            found[tag] = (at, size)
            at += 8 + (size + 3 & ~3)
        return found

    def changed(self, at, fmt, *values, command=('ps',)):
        data = bytearray(self.bytes)
        struct.pack_into(fmt, data, at, *values)
        self.core.write_bytes(data)
        status, out, err = kit.run(KCODBG, self.home, [*command, str(self.core), self.kernel('freebsd_amd64')])
        self.assertIn(status, (0, 1, 3, 4), err)
        self.assertNotIn('Sanitizer', err)
        self.assertNotIn('runtime error', err)
        return status, out, err

    def test_it_is_as_documented(self):
        self.assertEqual(struct.unpack_from('<I', self.bytes, self.at)[0], 1)
        items = self.items()
        at, size = items[1]
        self.assertEqual(self.bytes[at + 8:at + 8 + size], b'FreeBSD')
        self.assertLessEqual({1, 8, 21, 33, 34}, set(items))

    def test_an_unknown_version(self):
        _, _, err = self.changed(self.at, '<I', 2)
        self.assertIn('is of version 2, 1 is known', err)

    def test_a_note_that_ends_within_its_version(self):
        _, _, err = self.changed(self.at - 16, '<I', 2)
        self.assertIn('KCODBG (2 bytes)', err)

    def test_an_item_that_runs_over_the_end(self):
        at, _ = self.items()[1]
        for size in (0xffffffff, self.size, self.size - 11):
            _, _, err = self.changed(at + 4, '<I', size)
            self.assertIn('damaged at 4 of its', err)

    def test_a_last_item_without_room_for_its_head(self):
        at, _ = self.items()[max(self.items())]
        _, _, err = self.changed(self.at - 16, '<I', at - self.at + 5)
        self.assertIn('damaged at', err)

    def test_texts_and_numbers_of_wrong_sizes(self):
        items = self.items()
        at, size = items[8]
        # Longer than a name of the system may be; not the size of a number.
        self.assertGreater(size, 64)
        self.assertNotEqual(size % 16, 0)
        for tag in (1, 16, 17, 18, 20, 21, 33, 34):
            _, _, err = self.changed(at, '<I', tag)
            self.assertIn(f'has an item {tag} of {size} bytes that makes no sense', err)

    def test_a_tag_of_a_later_writer(self):
        status, _, err = self.changed(self.items()[8][0], '<I', 999)
        self.assertEqual((status, err), (0, ''))

    def test_ranges_that_end_before_they_begin_or_are_everything(self):
        at, size = self.items()[33]
        self.assertEqual(size % 16, 0)
        for first, last in ((5, 4), (0, 2 ** 64 - 1)):
            _, _, err = self.changed(at + 8, '<QQ', first, last)
            self.assertIn('has an item 33', err)

    def test_ranges_over_everything_hide_no_memory(self):
        at, _ = self.items()[33]
        want = self.changed(at, '')
        self.assertEqual(self.changed(at + 8, '<QQ', 1 << 63, 2 ** 64 - 1), want)
        self.assertEqual(self.changed(self.items()[34][0] + 8, '<QQ', 0, 2 ** 64 - 1), want)

    def test_page_tables_that_are_nowhere(self):
        at, _ = self.items()[34]  # 16 bytes, as tag 18 has
        for root, levels in ((0x7fffffff000, 4), (2 ** 64 - 1, 5), (0x200001, 0)):
            data = struct.pack('<IIQQ', 18, 16, root, levels)
            status, _, err = self.changed(at, f'{len(data)}s', data)
            self.assertNotEqual((status, err), (0, ''))
        _, _, err = self.changed(at, '24s', struct.pack('<IIQQ', 18, 16, 0, 7))
        self.assertIn('has an item 18', err)
        _, _, err = self.changed(at, '24s', struct.pack('<IIQQ', 18, 16, 0, 3))
        self.assertIn('page tables have 3 levels', err)


class Maps(Base):
    """Page tables that lead in circles and over each other."""

    def setUp(self):
        super().setUp()
        self.bytes = bytearray(self.convert('openbsd_amd64', 'core').read_bytes())
        note = self.bytes.index(b'KCODBG\0') + 8
        at = self.bytes.index(struct.pack('<II', 18, 16), note)
        self.root = struct.unpack_from('<Q', self.bytes, at + 8)[0]

    def offset(self, pa):
        for i in range(struct.unpack_from('<H', self.bytes, 56)[0]):
            kind, _, off, _, first, size = struct.unpack_from('<IIQQQQ', self.bytes, 64 + 56 * i)
            if kind == 1 and first <= pa < first + size:
                return off + pa - first
        raise AssertionError(f'no memory at {pa:#x}')

    def test_the_work_is_bounded_and_a_warning_tells_what_is_left_out(self):
        table = 0x2000000  # of zeros; from now on a table at each level, all of whose entries lead to itself
        self.assertFalse(any(self.bytes[self.offset(table):self.offset(table) + 4096]))
        struct.pack_into('<512Q', self.bytes, self.offset(table), *[table | 3] * 512)
        struct.pack_into('<Q', self.bytes, self.offset(self.root) + 8 * 400, table | 3)
        dump, out = self.home / 'loop', self.home / 'out.elf'
        dump.write_bytes(self.bytes)
        status, _, err = kit.run(KCODBG, self.home, ['convert', '-t', 'elf', '-o', str(out), str(dump),
                                                     self.kernel('openbsd_amd64')])
        self.assertEqual(status, 0, err)
        self.assertIn("not all of the kernel's virtual addresses are in the new file", err)
        want, got = [kit.run(KCODBG, self.home, ['ps', str(f), self.kernel('openbsd_amd64')]) for f in (dump, out)]
        self.assertEqual(got, want)

    def test_addresses_that_lie_on_each_other(self):
        count = struct.unpack_from('<H', self.bytes, 56)[0]
        for i in range(1, count):
            struct.pack_into('<Q', self.bytes, 64 + 56 * i + 16, 0xffffffff80000000 + i * 4096)
        dump = self.home / 'overlap'
        dump.write_bytes(self.bytes)
        status, out, _ = kit.run(KCODBG, self.home, ['ps', str(dump), self.kernel('openbsd_amd64')])
        self.assertEqual((status, 'sysctl' in out), (0, True))  # by the page tables, which have the last word


class Again(Base):
    def test_what_was_converted_converts_to_the_same_answers(self):
        core = self.convert('freebsd_amd64', 'minidump3')
        again = self.home / 'again.elf'
        status, _, err = kit.run(KCODBG, self.home, ['convert', '-t', 'elf', '-o', str(again), str(core),
                                                     self.kernel('freebsd_amd64')])
        self.assertEqual((status, err), (0, ''))
        self.assertEqual(again.read_bytes().count(b'KCODBG\0'), 1)
        for command in ('ps', 'bt', 'log'):
            words = [command, *(['--all', '-k'] if command == 'bt' else [])]
            answers = [kit.run(KCODBG, self.home, [*words, str(c), self.kernel('freebsd_amd64')]) for c in (core, again)]
            self.assertEqual(*answers)

    def test_why_there_is_no_memory_of_processes_is_kept(self):
        core = self.convert('freebsd_amd64', 'minidump3')
        words = 'process attach 701\nmemory read 0x1000\n'
        want, got = [kit.run(KCODBG, self.home, [str(c), self.kernel('freebsd_amd64')], stdin=words)
                     for c in (self.models / 'freebsd_amd64.minidump3', core)]
        self.assertIn('a minidump holds no memory of processes', ''.join(want[1:]))
        self.assertEqual(got, want)

    def test_maps_of_other_machines(self):
        # Addresses of the recipes: large pages, small ones, none, the very last page.
        places = {'minidump-i386': (0xc0400000, 0xc1000000, 0xc1001000, 0xc1002000, 0xfffff000),
                  'minidump-pae': (0xc0400000,),
                  'minidump-arm64': (0xffff000000000000, 0xffff000000003000, 0xffff000000801000, 0xffff000000004000),
                  'minidump-riscv': (0xffffffc000000000, 0xffffffc000003000, 0xffffffc000801000, 0xffffffc000004000)}
        for recipe, addresses in places.items():
            dump, out = self.home / recipe, self.home / f'{recipe}.elf'
            subprocess.run([self.models.parent / 'kdmk', kit.FIXTURES / f'{recipe}.kd', 'minidump', dump], check=True)
            status, _, err = kit.run(KCODBG, self.home, ['convert', '-t', 'elf', '-o', str(out), str(dump)])
            self.assertEqual(status, 0, err)
            self.assertIn('no thread has a note in the new file', err)
            for addr in addresses:
                with self.subTest(recipe=recipe, addr=hex(addr)):
                    want, got = [kit.run(KCODBG, self.home, ['rd', '-x', hex(addr), '64', str(f)]) for f in (dump, out)]
                    self.assertEqual(got, want)


if __name__ == '__main__':
    KCODBG = str(pathlib.Path(sys.argv.pop(1)).resolve())
    with tempfile.TemporaryDirectory(prefix='kcodbg-bsd-elf-') as made:
        MADE = pathlib.Path(made)
        unittest.main()
