# SPDX-License-Identifier: GPL-2.0-or-later
"""The few dump formats that the lab has to write itself.

Debian 12's makedumpfile is built without snappy and zstd, and its QEMU without
lzo and snappy, so those variants are made here from a zlib one: same pages,
other codec, by the C libraries that everybody uses. Layouts: makedumpfile's
IMPLEMENTATION and diskdump_mod.h, QEMU's include/sysemu/dump.h, LiME's doc/.
"""

import ctypes
import os
import struct
import zlib

from .cache import LabError

PAGE = 4096
FLAT_HEADER = struct.pack(">16sqq", b"makedumpfile", 1, 1).ljust(PAGE, b"\0")
FLAT_END = struct.pack(">qq", -1, -1)
ZERO = b"\0" * PAGE
FIRMWARE = 0xFD000000  # where QEMU's video memory and ROMs begin


class Sparse:
    """A file written in order whose runs of zeros become holes."""

    def __init__(self, path):
        self.f = open(path, "wb")
        self.size = 0

    def write(self, data):
        view = memoryview(data)
        # Pieces end at the file's own blocks, so that their holes are whole blocks.
        while len(view):
            n = PAGE - self.size % PAGE
            piece, view = view[:n], view[n:]
            self.size += len(piece)
            if piece == ZERO[:len(piece)]:
                self.f.seek(self.size)
            else:
                self.f.write(piece)

    def close(self):
        self.f.truncate(self.size)
        self.f.close()


def read_at(f, off, n):
    data = os.pread(f.fileno(), n, off)
    if len(data) != n:
        raise LabError(f"{f.name}: ends at {off + len(data):#x}, wanted {off + n:#x}")
    return data


def dig_holes(path):
    """Rewrite a file with holes for its zeros."""
    out = Sparse(path + ".sparse")
    with open(path, "rb") as f:
        while True:
            data = f.read(1 << 20)
            if not data:
                break
            out.write(data)
    out.close()
    os.rename(path + ".sparse", path)


def elf_segments(f):
    """[(type, offset, vaddr, paddr, filesz, memsz)] of an ELF64 core."""
    h = read_at(f, 0, 64)
    phoff, phnum = struct.unpack_from("<Q", h, 32)[0], struct.unpack_from("<H", h, 56)[0]
    out = []
    for i in range(phnum):
        p = struct.unpack("<IIQQQQQQ", read_at(f, phoff + 56 * i, 56))
        out.append((p[0], p[2], p[3], p[4], p[5], p[6]))
    return out


def elf_plain_header(src, dst, firmware):
    """A copy of a QEMU core whose program headers follow the ELF header.

    QEMU 7.2 puts a section header in between and writes e_ehsize 8;
    makedumpfile expects the program headers at 64, whatever e_phoff says.
    Without firmware, the segments of the ROM below 4 GiB are left out.
    """
    dig = Sparse(dst)
    with open(src, "rb") as f:
        h = bytearray(read_at(f, 0, 64))
        phoff, phnum = struct.unpack_from("<Q", h, 32)[0], struct.unpack_from("<H", h, 56)[0]
        table = read_at(f, phoff, 56 * phnum)
        rows = [table[i:i + 56] for i in range(0, len(table), 56)]
        if not firmware:
            rows = [r for r in rows if struct.unpack_from("<Q", r, 24)[0] < FIRMWARE]
        ph, phnum = b"".join(rows), len(rows)
        first = min(struct.unpack_from("<Q", ph, 56 * i + 8)[0] for i in range(phnum))
        if 64 + len(ph) > first:
            raise LabError(f"{src}: no room for {phnum} program headers")
        struct.pack_into("<QQIHHHHHH", h, 32, 64, 0, 0, 64, 56, phnum, 0, 0, 0)
        dig.write((bytes(h) + ph).ljust(first, b"\0"))
        f.seek(first)
        while True:
            data = f.read(1 << 20)
            if not data:
                break
            dig.write(data)
    dig.close()


def elf_ram(path):
    """The RAM segments of a core without paging: [(paddr, offset, size)], firmware left out."""
    with open(path, "rb") as f:
        return [(p, off, size) for kind, off, _, p, size, _ in elf_segments(f) if kind == 1 and p < FIRMWARE]


def write_lime(src, dst):
    """LiME: each range behind a header of 32 bytes."""
    out = Sparse(dst)
    with open(src, "rb") as f:
        for paddr, off, size in elf_ram(src):
            out.write(struct.pack("<IIQQQ", 0x4C694D45, 1, paddr, paddr + size - 1, 0))
            for i in range(0, size, 1 << 20):
                out.write(read_at(f, off + i, min(1 << 20, size - i)))
    out.close()


def write_raw(src, dst):
    """Guest memory from physical address 0 on, nothing else."""
    out = Sparse(dst)
    with open(src, "rb") as f:
        for paddr, off, size in elf_ram(src):
            if paddr != out.size:
                raise LabError(f"{src}: a hole in memory before {paddr:#x}")
            for i in range(0, size, 1 << 20):
                out.write(read_at(f, off + i, min(1 << 20, size - i)))
    out.close()


def library(*names):
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise LabError(f"no {names[0]}: install it (packages.txt)")


def snappy_codec():
    lib = library("libsnappy.so.1")
    buf = ctypes.create_string_buffer(2 * PAGE)
    size = ctypes.c_size_t()

    def pack(data):
        size.value = len(buf)
        if lib.snappy_compress(data, ctypes.c_size_t(len(data)), buf, ctypes.byref(size)):
            raise LabError("snappy_compress")
        return buf.raw[:size.value]
    return 4, pack


def zstd_codec():
    lib = library("libzstd.so.1")
    lib.ZSTD_compress.restype = ctypes.c_size_t
    lib.ZSTD_isError.argtypes = [ctypes.c_size_t]
    buf = ctypes.create_string_buffer(2 * PAGE)

    def pack(data):
        n = lib.ZSTD_compress(buf, ctypes.c_size_t(len(buf)), data, ctypes.c_size_t(len(data)), 1)
        if lib.ZSTD_isError(n):
            raise LabError("ZSTD_compress")
        return buf.raw[:n]
    return 0x20, pack


CODECS = {"snappy": snappy_codec, "zstd": zstd_codec}


def recompress(src, dst, codec):
    """A kdump-compressed file with zlib pages, written anew with another codec."""
    flag, pack = CODECS[codec]()
    with open(src, "rb") as f, open(dst, "wb") as out:
        head = bytearray(read_at(f, 0, PAGE))
        block, sub, bitmap = struct.unpack_from("<iiI", head, 428)
        if head[:8] != b"KDUMP   " or block != PAGE:
            raise LabError(f"{src}: not a kdump of {PAGE}-byte blocks")
        table = PAGE * (1 + sub + bitmap)
        bits = read_at(f, PAGE * (1 + sub) + PAGE * bitmap // 2, PAGE * bitmap // 2)
        count = int.from_bytes(bits, "little").bit_count()
        status = struct.unpack_from("<I", head, 424)[0]
        struct.pack_into("<I", head, 424, status & ~0x27 | flag)
        out.write(head + read_at(f, PAGE, table - PAGE))
        descs = read_at(f, table, 24 * count)
        new, where, done = bytearray(), table + 24 * count, {}
        out.seek(where)
        for off, size, flags, page_flags in struct.iter_unpack("<QIIQ", descs):
            if off not in done:
                data = read_at(f, off, size)
                data = zlib.decompress(data) if flags & 1 else data
                packed = pack(data)
                done[off] = (where, len(packed), flag) if len(packed) < PAGE else (where, PAGE, 0)
                out.write(packed if len(packed) < PAGE else data)
                where += done[off][1]
            new += struct.pack("<QIIQ", *done[off], page_flags)
        out.seek(table)
        out.write(new)


def flatten(src, dst):
    """The flattened stream of a file, with what the format allows and makedumpfile does at times:
    pieces out of order, and a header that is written twice, the second time right.
    """
    size = os.path.getsize(src)
    with open(src, "rb") as f, open(dst, "wb") as out:
        out.write(FLAT_HEADER)

        def record(off, data):
            out.write(struct.pack(">qq", off, len(data)) + data)

        record(0, b"KDUMP   ".ljust(464, b"\xee"))
        steps = list(range(464, size, 3 * PAGE + 17))
        for off in steps[1::2] + steps[0::2]:
            record(off, read_at(f, off, min(3 * PAGE + 17, size - off)))
        record(0, read_at(f, 0, 464))
        out.write(FLAT_END)


def flat_length(path):
    """How long the flattened stream at the start of a disk is."""
    with open(path, "rb") as f:
        if read_at(f, 0, 12) != b"makedumpfile":
            raise LabError(f"{path}: no flattened stream")
        pos = PAGE
        while True:
            off, size = struct.unpack(">qq", read_at(f, pos, 16))
            pos += 16
            if off < 0:
                return pos
            pos += size
