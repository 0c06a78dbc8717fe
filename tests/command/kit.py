# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the program share: a clean environment, made-up dumps, a terminal."""
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import time
import fcntl
import termios

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent.parent / 'fixtures'


MOVES = re.compile('\x1b\\[[0-9;]*[A-HJKP@]')


def environment(kcodbg, home, **more):
    """The variables that a test sees: nothing of the caller's that could change the output."""
    env = {
        'PATH': f'{pathlib.Path(kcodbg).resolve().parent}:/usr/local/bin:/usr/bin:/bin',
        'HOME': str(home),
        'LC_ALL': 'C.UTF-8',
        'TZ': 'UTC',
        'TERM': 'xterm',
        'SCRATCH': str(home),
        'XDG_CACHE_HOME': f'{home}/cache',
        'MODELS': str(pathlib.Path(kcodbg).resolve().parent.parent / 'fixtures/models'),
        'TOOLS': str(HERE),
        'KCODBG_CRASH_DIR': f'{home}/no-crash-folder',
    }
    for keep in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS'):
        if keep in os.environ:
            env[keep] = os.environ[keep]
    env.update(more)
    return env


def elf_core(pages=1, kind=4):
    """An ELF core (kind 4) of zero pages and without notes: a dump that opens and lacks all else."""
    size = pages * 4096
    header = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\x02\x01\x01', kind, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    load = struct.pack('<IIQQQQQQ', 1, 7, 4096, 0, 0, size, size, 4096)
    return (header + load).ljust(4096, b'\0') + bytes(size)


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


def flat_map(path, entries, size=0xfffff000, dense=False):
    """A minidump v1 of FreeBSD/amd64: @entries {number: page} of a flat map of @size bytes (2 TiB), eight pages."""
    header = b'minidump FreeBSD/amd64'.ljust(24, b'\0')
    header += struct.pack('<IIIIQQQ', 1, 4096, 4096, size, 0xfffffe0000000000, 0xfffff80000000000,
                          0xfffff80000008000)
    with open(path, 'wb') as f:
        f.write(header.ljust(4096, b'\0') + b'a log\n'.ljust(4096, b'\0') + b'\xff'.ljust(4096, b'\0'))
        start = f.tell()
        if dense:
            f.write(bytes(size))
        for number, page in entries.items():
            f.seek(start + number * 8)
            f.write(struct.pack('<Q', page * 4096 | 3))
        f.seek(start + size)
        f.write(b''.join(bytes([1 + i]) * 4096 for i in range(8)))


def scratch_files(home):
    """The files that every test finds in $SCRATCH."""
    home = pathlib.Path(home)
    (home / 'empty.elf').write_bytes(elf_core())
    (home / 'vmlinux').write_bytes(elf_core(kind=2))
    (home / 'text').write_text('not a dump\n')


def run(kcodbg, home, args, stdin=None, **env):
    """The program without a terminal: (exit status, stdout, stderr)."""
    got = subprocess.run([kcodbg, *args], input=stdin if stdin is not None else '', capture_output=True, text=True,
                         timeout=120, cwd=home, env=environment(kcodbg, home, **env))
    return got.returncode, got.stdout, got.stderr


class Terminal:
    """A program on a pseudo-terminal, and what it has shown."""

    def __init__(self, argv, env, cwd, rows=24, columns=100):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(argv[0], argv, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
        self.raw = self.seen = ''
        self.at = 0
        self.status = None

    def _read(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b''
        self.raw += data.decode(errors='replace')
        self.seen = MOVES.sub('', self.raw).replace('\r', '')
        return bool(data)

    def expect(self, pattern, timeout=20):
        """Wait until what came since the last match has @pattern; the match is returned.

        Movements of the cursor, which an editor makes between two parts of a word, are left out.
        """
        end = time.monotonic() + timeout
        while True:
            found = re.compile(pattern).search(self.seen, self.at)
            if found:
                self.at = found.end()
                return found
            left = end - time.monotonic()
            if left <= 0 or (not self._read(left) and time.monotonic() < end and self._gone()):
                raise AssertionError(f'{pattern!r} did not appear in {self.seen[self.at:]!r}')

    def _gone(self):
        return not select.select([self.fd], [], [], 0)[0] or not self._read(0)

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait(self, timeout=20):
        """The exit status as subprocess has it."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self._read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                return self.status
        raise AssertionError(f'it does not end; last: {self.seen[self.at:]!r}')

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
