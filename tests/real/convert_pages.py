# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages of a dump by readers that share nothing with kcodbg: libkdumpfile's for ELF and kdump files, and a
few lines for LiME and raw memory, which no package reads.

LiME: a header of 32 bytes in front of each range (magic, version, first and last address, 8 bytes reserved),
https://github.com/504ensicsLabs/LiME/blob/master/doc/README.md. Raw: the byte of address N is byte N of the file.
"""

import hashlib
import os
import struct
import sys

try:
    import kdumpfile
except ImportError:
    kdumpfile = None  # convert_check.py looks for a Python that has it; its self test needs none

DEBIAN_PYTHON = "/usr/bin/python3"  # which has Debian's libkdumpfile and drgn
PAGE = 4096
PIECE = 1 << 20
LIME_MAGIC = 0x4C694D45
PT_LOAD, PT_NOTE = 1, 4


def has_kdumpfile(what, script):
    """Goes on with @script in Debian's Python where this one lacks libkdumpfile; False: that has none either."""
    if kdumpfile:
        return True
    # Not realpath(sys.executable): a virtual environment's python is a link to Debian's.
    if sys.executable != DEBIAN_PYTHON and os.path.exists(DEBIAN_PYTHON):
        os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, os.path.abspath(script), *sys.argv[1:]])
    print(f"FAIL {what} - python3-libkdumpfile is there: it is not")
    return False


def digests(data):
    """A digest for each page; the same for the same bytes."""
    view = memoryview(data)
    return [hashlib.blake2b(view[at:at + PAGE], digest_size=16).digest() for at in range(0, len(view), PAGE)]


ZERO = digests(bytes(PAGE))[0]


def program_headers(path):
    """(type, file offset, virtual address, physical address, size) of each, in the file's order."""
    with open(path, "rb") as f:
        head = f.read(64)
        if head[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is no little-endian ELF file of 64 bits")
        phoff, = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        f.seek(phoff)
        table = f.read(size * count)
    for n in range(count):
        kind, _, offset, virtual, physical, filesz = struct.unpack_from("<IIQQQQ", table, n * size)
        yield kind, offset, virtual, physical, filesz


def vmcoreinfo(path):
    """The text of the note of that name in an ELF file."""
    with open(path, "rb") as f:
        for kind, offset, _, _, filesz in program_headers(path):
            if kind != PT_NOTE:
                continue
            f.seek(offset)
            notes, at = f.read(filesz), 0
            while at + 12 <= len(notes):
                name, desc, _ = struct.unpack_from("<III", notes, at)
                start = at + 12 + (name + 3) // 4 * 4
                if notes[at + 12:at + 12 + name] == b"VMCOREINFO\0":
                    return notes[start:start + desc]
                at = start + (desc + 3) // 4 * 4
    return b""


def merged(ranges):
    """[first page, end) without overlaps, ascending."""
    out = []
    for first, end in sorted(ranges):
        if out and first <= out[-1][1]:
            out[-1][1] = max(out[-1][1], end)
        else:
            out.append([first, end])
    return out


def bits(bitmap, limit):
    """[first page, end) of the set bits below @limit, by libkdumpfile's bitmap."""
    at = 0
    while at < limit:
        try:
            first = bitmap.find_set(at)
        except kdumpfile.exceptions.NoDataException:
            return
        if first >= limit:
            return
        try:
            at = min(bitmap.find_clear(first), limit)
        except kdumpfile.exceptions.NoDataException:
            at = limit
        yield first, at


def open_dump(path):
    dump = kdumpfile.kdumpfile(path)
    dump.attr["addrxlat.ostype"] = "linux"
    return dump


def is_elf(path):
    with open(path, "rb") as f:
        return f.read(4) == b"\x7fELF"


def saved(path, dump):
    """[first page, end) that a file has. libkdumpfile 0.5.1 forgets pages of an ELF file whose headers overlap, as
    those of /proc/vmcore do, when it is asked for its bitmap; it reads them all the same."""
    if is_elf(path):
        return merged((p // PAGE, (p + size + PAGE - 1) // PAGE) for kind, _, _, p, size in program_headers(path)
                      if kind == PT_LOAD)
    return list(bits(dump.attr["file.pagemap"], dump.attr["max_pfn"]))


def by_libkdumpfile(path):
    dump, out = open_dump(path), {}
    for first, end in saved(path, dump):
        for at in range(first, end, PIECE // PAGE):
            n = min(PIECE // PAGE, end - at)
            found = digests(dump.read(kdumpfile.KDUMP_MACHPHYSADDR, at * PAGE, n * PAGE))
            out.update(zip(range(at, at + n), found))
    return out


def by_lime(path):
    out = {}
    with open(path, "rb") as f:
        while head := f.read(32):
            magic, version, first, last, _ = struct.unpack("<IIQQQ", head)
            if magic != LIME_MAGIC or version != 1 or first % PAGE or (last + 1) % PAGE or last < first:
                raise ValueError(f"{path}: header {head.hex()} at {f.tell() - 32}")
            for at in range(first, last + 1, PIECE):
                data = f.read(min(PIECE, last + 1 - at))
                if len(data) != min(PIECE, last + 1 - at):
                    raise ValueError(f"{path} ends within {first:#x} to {last:#x}")
                out.update(zip(range(at // PAGE, (at + len(data)) // PAGE), digests(data)))
    return out


def data_of(path):
    """(offset, bytes) of a file's stretches that are no holes, whole pages, a MiB at most at a time."""
    fd = os.open(path, os.O_RDONLY)
    try:
        size, at = os.fstat(fd).st_size, 0
        while at < size:
            try:
                start = os.lseek(fd, at, os.SEEK_DATA) // PAGE * PAGE
            except OSError:
                break
            at = os.lseek(fd, start, os.SEEK_HOLE)
            for piece in range(start, at, PIECE):
                yield piece, os.pread(fd, min(PIECE, at - piece), piece)
    finally:
        os.close(fd)


def by_raw(path):
    """Pages of the stretches that are no holes of the file; the others are zeros."""
    out = {}
    for at, data in data_of(path):
        out.update(zip(range(at // PAGE, (at + len(data)) // PAGE), digests(data)))
    return out


def pages(path, form):
    """{page frame: digest} of a file of format @form."""
    return {"lime": by_lime, "raw": by_raw}.get(form, by_libkdumpfile)(path)


def different(want, got, zeros=False):
    """Problems, [] for the same pages. @zeros: the format cannot tell memory that it lacks from zeros."""
    missing = [p for p in want if p not in got and not (zeros and want[p] == ZERO)]
    more = [p for p in got if p not in want and not (zeros and got[p] == ZERO)]
    changed = [p for p in want if p in got and got[p] != want[p]]
    return [f"{len(pages_)} pages {what}: {' '.join(f'{p:#x}' for p in sorted(pages_)[:5])}"
            for what, pages_ in (("are missing", missing), ("came from nowhere", more), ("differ", changed)) if pages_]
