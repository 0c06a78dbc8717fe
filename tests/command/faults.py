#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Converting on disks that misbehave, and ends in the middle of the work.

  faults.py KCODBG FAULTS.SO [DUMP]

faults.c, loaded in front of libc, makes transfers short, disks full, sectors bad, and sends signals after so many
bytes. Whatever happens: no part of a file under the wanted name, what was there before stays, nothing else is left,
and the dump is not touched.
"""
import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

import kit

KCODBG = FAULTS = DUMP = None
PAGE = 4096
FORMATS = {'kdump': [], 'elf': ['-t', 'elf'], 'lime': ['-t', 'lime'], 'raw': ['-t', 'raw'],
           'touched': ['--touched', 'ps; log']}


def kdump_pages(data):
    """{page frame: (offset, size of what is stored)} of a kdump-compressed file, and the frames in order.

    Layout: the file IMPLEMENTATION of makedumpfile. Header (one block): block size at 428, blocks of the sub header at 432,
    of both bitmaps at 436; then sub header, bitmap of RAM, bitmap of what was dumped, a descriptor (offset, size,
    flags, page flags) for each bit of the second.
    """
    block, sub, bitmaps = struct.unpack_from('<iii', data, 428)
    at, half = (1 + sub) * block, bitmaps // 2 * block
    bitmap = data[at + half:at + 2 * half]
    frames = [8 * i + bit for i, byte in enumerate(bitmap) if byte for bit in range(8) if byte >> bit & 1]
    return {p: struct.unpack_from('<qI', data, at + 2 * half + 24 * i) for i, p in enumerate(frames)}


def lime_pages(path):
    """{page frame: bytes}"""
    out = {}
    with open(path, 'rb') as f:
        while head := f.read(32):
            _, _, first, last, _ = struct.unpack('<IIQQQ', head)
            out.update((p, f.read(PAGE)) for p in range(first // PAGE, last // PAGE + 1))
    return out


class Faults(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='kcodbg-faults-')
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        self.source = self.home / 'small.kdump'
        shutil.copyfile(DUMP, self.source)
        self.before = hashlib.sha256(self.source.read_bytes()).digest()

    def tearDown(self):
        self.assertEqual(hashlib.sha256(self.source.read_bytes()).digest(), self.before, 'the dump was changed')

    def argv(self, *args):
        return [KCODBG, '-q', 'convert', *args, self.source]

    def environment(self, **faults):
        env = kit.environment(KCODBG, self.home / 'cache', **{f'FAULT_{k.upper()}': str(v) for k, v in faults.items()})
        env['LD_PRELOAD'] = FAULTS
        env['ASAN_OPTIONS'] = env.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'
        return env

    def convert(self, *args, before=None, **faults):
        p = subprocess.run(self.argv(*args), cwd=self.home, env=self.environment(**faults), capture_output=True,
                           text=True, timeout=120, check=False, preexec_fn=before)
        return p.returncode, p.stdout, p.stderr

    def left(self):
        return sorted(p.name for p in self.home.iterdir() if p.name not in ('small.kdump', 'cache'))

    def clean(self, name):
        """What comes out when nothing goes wrong."""
        status, _, err = self.convert('-o', f'clean.{name}', *FORMATS[name])
        self.assertEqual((status, err), (0, ''))
        data = (self.home / f'clean.{name}').read_bytes()
        (self.home / f'clean.{name}').unlink()
        return data

    def fails(self, said, *args, status=1, **faults):
        """It ends with that status, says so, and leaves nothing; with --force the old file stays."""
        got, _, err = self.convert('-o', 'out', *args, **faults)
        self.assertEqual((got, self.left()), (status, []), (args, faults, err))
        self.assertRegex(err, said)
        (self.home / 'out').write_text('what was there')
        got, _, err = self.convert('-f', '-o', 'out', *args, **faults)
        self.assertEqual((got, self.left()), (status, ['out']), (args, faults, err))
        self.assertEqual((self.home / 'out').read_text(), 'what was there')
        (self.home / 'out').unlink()

    def test_short_transfers(self):
        for name in FORMATS:
            want = self.clean(name)
            self.assertEqual(self.convert('-o', 'out', *FORMATS[name], short=1999)[0], 0)
            self.assertEqual((self.home / 'out').read_bytes(), want, name)
            (self.home / 'out').unlink()

    def test_a_disk_that_becomes_full(self):
        for name in FORMATS:
            self.fails('No space left on device', *FORMATS[name], enospc=300000)
        self.fails('No space left on device', '-t', 'elf', enospc=0)

    def test_the_last_byte_does_not_fit(self):
        for name in ('kdump', 'lime'):
            # How much it writes is not the size of the file: zeros are holes, headers are written in parts.
            self.assertEqual(self.convert('-o', 'out', *FORMATS[name], total=self.home / 'total')[0], 0)
            total = int((self.home / 'total').read_text())
            for path in ('total', 'out'):
                (self.home / path).unlink()
            self.fails('No space left on device', *FORMATS[name], enospc=total - 1)
            self.assertEqual(self.convert('-o', 'out', *FORMATS[name], enospc=total)[0], 0)
            (self.home / 'out').unlink()

    def test_a_disk_that_is_too_small_is_known_before(self):
        for name in ('kdump', 'elf', 'lime', 'raw'):
            size = sum(1 for _ in self.blocks(self.clean(name))) * 512
            # Not one byte is written: that would fail in another way.
            self.fails(r'about [0-9]+ MiB are needed, [0-9]+ MiB are free: nothing was written', *FORMATS[name],
                       free=size // 2, enospc=0)
            self.assertEqual(self.convert('-o', 'out', *FORMATS[name], free=size * 21 // 20)[0], 0, name)
            (self.home / 'out').unlink()

    def blocks(self, data):
        return (at for at in range(0, len(data), 512) if data[at:at + 512].strip(b'\0'))

    def test_a_disk_that_does_not_sync(self):
        for name in ('kdump', 'elf', 'touched'):
            self.fails('Input/output error', *FORMATS[name], fsync=1)

    def test_a_file_that_may_not_grow(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        status, _, err = self.convert('-o', 'out', '-t', 'elf', before=limit)
        self.assertEqual((status, self.left()), (1, []))
        self.assertIn('File too large', err)

    def damage(self):
        """Some bytes in the middle of the file, and the pages that lie there."""
        data = self.source.read_bytes()
        first, end = len(data) // 2, len(data) // 2 + 30000
        bad = {p for p, (at, size) in kdump_pages(data).items() if at < end and at + size > first}
        self.assertGreater(len(bad), 5)
        return f'small.kdump:{first}-{end}', bad

    def test_bad_sectors_end_it(self):
        where, _ = self.damage()
        for name in ('kdump', 'elf', 'lime'):
            # The same codec: pages are taken over as they are; another one: they are unpacked.
            self.fails('small.kdump: reading .* Input/output error', *FORMATS[name], eio=where)
        self.fails('Input/output error', '-c', 'lzo', eio=where)

    def test_bad_sectors_are_told_stretch_by_stretch_and_left_out(self):
        where, bad = self.damage()
        self.assertEqual(self.convert('-o', 'clean', '-t', 'lime')[0], 0)
        want = {p: data for p, data in lime_pages(self.home / 'clean').items() if p not in bad}
        for name in ('lime', 'kdump', 'elf'):
            status, out, _ = self.convert('-k', '--json', '-o', 'out', *FORMATS[name], eio=where)
            self.assertEqual(status, 1)
            rows = [json.loads(line) for line in out.splitlines()]
            told = [(int(r['first'], 16), int(r['last'], 16)) for r in rows if 'first' in r]
            pages = [p for first, last in told for p in range(first // PAGE, last // PAGE + 1)]
            self.assertEqual((set(pages), len(pages)), (bad, len(bad)), name)
            # Stretches, not pages.
            self.assertTrue(all(a[1] + 1 < b[0] for a, b in zip(told, told[1:])), told)
            self.assertTrue(all('Input/output error' in r['why'] or r['error'] for r in rows if 'first' in r))
            self.assertEqual(rows[-1]['damaged_bytes'], len(bad) * PAGE)
            if name != 'lime':
                subprocess.run([KCODBG, '-q', 'convert', '-t', 'lime', '-o', 'as.lime', 'out'], cwd=self.home, check=True,
                               stdout=subprocess.DEVNULL, env=kit.environment(KCODBG, self.home / 'cache'))
                (self.home / 'as.lime').rename(self.home / 'out')
            self.assertEqual(lime_pages(self.home / 'out'), want, name)
            (self.home / 'out').unlink()
        (self.home / 'clean').unlink()

    def test_signals_leave_nothing(self):
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
            for name in ('kdump', 'elf'):
                self.fails('^', *FORMATS[name], status=-sig, signal=f'{int(sig)}@1000000')

    def test_file_systems_without_nameless_files(self):
        self.assertEqual(self.convert('-o', 'out', '-t', 'elf', no_tmpfile=1)[0], 0)
        self.assertEqual((self.home / 'out').read_bytes(), self.clean('elf'))
        self.assertEqual((self.home / 'out').stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.convert('-f', '-o', 'out', '-t', 'lime', no_tmpfile=1)[0], 0)
        self.assertEqual((self.home / 'out').read_bytes(), self.clean('lime'))
        (self.home / 'out').unlink()
        self.fails('No space left on device', '-t', 'elf', no_tmpfile=1, enospc=300000)
        self.fails('^', '-t', 'elf', no_tmpfile=1, status=-signal.SIGINT, signal=f'{int(signal.SIGINT)}@1000000')
        # What nobody can clean up says what it is.
        self.assertEqual(self.convert('-o', 'out', '-t', 'elf', no_tmpfile=1, signal='9@1000000')[0], -signal.SIGKILL)
        (name,) = self.left()
        self.assertRegex(name, r'^out\.partial-\w{6}$')
        (self.home / name).unlink()

    def test_a_file_of_that_name_appears_meanwhile(self):
        for more in ({}, {'no_tmpfile': 1}):
            child = subprocess.Popen(self.argv('-o', 'out', '-t', 'elf'), cwd=self.home, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, text=True,
                                     env=self.environment(signal=f'{int(signal.SIGSTOP)}@1000000', **more))
            self.assertTrue(os.WIFSTOPPED(os.waitpid(child.pid, os.WUNTRACED)[1]))
            (self.home / 'out').write_text("somebody else's")
            child.send_signal(signal.SIGCONT)
            self.assertIn('File exists', child.communicate(timeout=60)[1])
            self.assertEqual((child.returncode, self.left()), (1, ['out']))
            self.assertEqual((self.home / 'out').read_text(), "somebody else's")
            (self.home / 'out').unlink()


if __name__ == '__main__':
    KCODBG, FAULTS = (str(pathlib.Path(a).resolve()) for a in sys.argv[1:3])
    DUMP = str(pathlib.Path(sys.argv[3] if len(sys.argv) > 3 else kit.FIXTURES / 'small.kdump').resolve())
    unittest.main(argv=sys.argv[:1])
