# SPDX-License-Identifier: GPL-2.0-or-later
"""Core files that kcodbg saved: their notes, and what gdb and lldb see in them, against what the processes said."""

import os
import re
import struct

import zoo_compare as compare
import zoo_debuggers
from zoo_truth import number

NT_PRSTATUS, NT_FPREGSET, NT_PRPSINFO, NT_AUXV = 1, 2, 3, 6
NT_SIGINFO, NT_FILE, NT_X86_XSTATE = 0x53494749, 0x46494c45, 0x202


def read_core(path):
    """([(p_vaddr, p_offset, p_filesz, p_memsz)], [(type, bytes)], bits) of an ELF core file."""
    with open(path, "rb") as f:
        head = f.read(64)
        narrow = head[4] == 1
        if head[:4] != b"\x7fELF" or struct.unpack_from("<H", head, 16)[0] != 4:
            raise ValueError("no ELF core file")
        phoff, = struct.unpack_from("<I" if narrow else "<Q", head, 28 if narrow else 32)
        size, count = struct.unpack_from("<HH", head, 42 if narrow else 54)
        loads, notes = [], []
        for i in range(count):
            f.seek(phoff + i * size)
            raw = f.read(size)
            if narrow:
                kind, offset, va, _, filesz, memsz, _, _ = struct.unpack_from("<8I", raw)
            else:
                kind, _, offset, va, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", raw)
            if kind == 1:
                loads.append((va, offset, filesz, memsz))
            elif kind == 4:
                f.seek(offset)
                notes += split_notes(f.read(filesz))
        return loads, notes, 32 if narrow else 64


def split_notes(raw):
    out, at = [], 0
    while at + 12 <= len(raw):
        namesz, descsz, kind = struct.unpack_from("<III", raw, at)
        at += 12 + (namesz + 3 & ~3)
        out.append((kind, raw[at:at + descsz]))
        at += descsz + 3 & ~3
    return out


def living(zoo, pid):
    """Its threads that have registers: not those that have ended."""
    return [tid for tid in zoo.threads(pid) if zoo.tasks[tid].state not in "ZX"]


def notes(zoo, pid, path):
    """Every note of every thread; the XSAVE area is the one that ptrace read; no page without bytes is given as zeros."""
    out = []
    try:
        loads, found, bits = read_core(path)
    except (ValueError, struct.error) as e:
        return [f"process {pid}: {e}"]
    threads = living(zoo, pid)
    kinds = [kind for kind, _ in found]
    for kind, want in ((NT_PRSTATUS, len(threads)), (NT_PRPSINFO, 1), (NT_AUXV, 1), (NT_FILE, 1),
                       (NT_SIGINFO, len(threads)), (NT_X86_XSTATE, len(threads))):
        if kinds.count(kind) != want:
            out.append(f"process {pid}: {kinds.count(kind)} notes of type {kind:#x} instead of {want}")
    tids = [struct.unpack_from("<i", desc, 32 if bits == 64 else 24)[0] for kind, desc in found if kind == NT_PRSTATUS]
    if sorted(tids) != threads:
        out.append(f"process {pid}: NT_PRSTATUS of {tids} instead of {threads}")
    xstates = [desc for kind, desc in found if kind == NT_X86_XSTATE]
    for f in zoo.of("xstate", pid):
        want = bytes.fromhex(f["bytes"])
        got = dict(zip(tids, xstates)).get(f["tid"], b"")
        # Bytes 464 to 511 are for software: the kernel's own idea of them is no register.
        if got[:464] != want[:464] or got[512:len(want)] != want[512:]:
            where = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
            out.append(f"thread {f['tid']}: the XSAVE area ({len(got)} bytes) differs at {where}")
    return out + areas(zoo, pid, loads)


def areas(zoo, pid, loads):
    """Every area with a page in memory is a segment (or several), and nothing is that is no area."""
    pages = zoo.pages(pid)
    out = []
    covered = sorted((va, va + memsz) for va, _, _, memsz in loads)
    joined = []
    for start, end in covered:
        if joined and joined[-1][1] == start:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    for start, end, _, name in zoo.areas(pid):
        if name in (b"[vvar]", b"[vsyscall]", b"[vvar_vclock]"):
            continue
        # What nobody can read is in no segment: pages of a file that were never touched, and are not cached.
        if name.startswith(b"/srv/") and not any(va in pages for va in range(start, end, 4096)):
            continue
        if not any(a <= start and end <= b for a, b in joined):
            out.append(f"process {pid}: no segment for {start:x}-{end:x} {name.decode(errors='replace')}")
    mapped = [(a[0], a[1]) for a in zoo.areas(pid)]
    out += [f"process {pid}: a segment at {a:x}-{b:x}, where nothing is mapped" for a, b in covered
            if a < b and not any(s <= a < e for s, e in mapped)]
    return out


def program(zoo, pid, sysroot):
    path = next((name.decode() for _, _, perms, name in zoo.areas(pid) if name.startswith(b"/bin/")), "/bin/none")
    return os.path.join(sysroot, path.lstrip("/"))


def frame_names(names):
    """lldb makes names up for functions without symbols; its 14 reads neither .gnu_debugdata nor a debug directory."""
    return ["?" if (n or "").startswith("___lldb_unnamed") else n or "??" for n in names]


def in_gdb(zoo, pid, core, sysroot):
    facts = [f for f in zoo.of("marker", pid)]
    try:
        seen = zoo_debuggers.gdb(core, program(zoo, pid, sysroot), sysroot,
                                 [(number(f["addr"]), len(f["text"])) for f in facts])
    except zoo_debuggers.DebuggerError as e:
        return [f"process {pid}: {e}"]
    # Without any tables gdb goes by the prologues, and those that realign the stack are beyond it.
    out = same_threads(zoo, pid, seen, pid not in zoo.roles.get("zoo-fp", []))
    # The programs' sources are those of this tree; memfd, SysV memory and the like are files that nobody can open.
    out += [f"process {pid}: {w}" for w in seen["warnings"]
            if "Source file is more recent" not in w and not re.search(r"Can't open file (/memfd:|/SYSV|/anon_hugepage|"
                                                                       r"/dev/zero|/srv/)", w)]
    rows = [{"tid": t["tid"], "registers": t["registers"],
             "vector": {k: hex(int.from_bytes(bytes.fromhex(v), "little")) for k, v in t["vectors"].items()}}
            for t in seen["threads"]]
    only = Only(zoo, pid)
    out += compare.registers(only, rows, ("orig_rax",))
    out += compare.vectors(only, rows, x87=False)
    memory = {int(a, 16) + i: b for a, text in seen["memory"].items() if text
              for i, b in enumerate(bytes.fromhex(text))}
    out += compare.markers({pid: memory}, facts, True)
    auxv = zoo.auxv(pid)
    want = [list(pair) for pair in zip(auxv[::2], auxv[1::2])]
    got = [pair for pair in seen["auxv"]]
    if [k for k, _ in got] != [k for k, _ in want]:
        out.append(f"process {pid}: auxv {got} instead of {want}")
    out += [f"process {pid}: auxv {k} is {v} instead of {w}" for (k, v), (_, w) in zip(got, want)
            if isinstance(v, int) and v != w]
    return out + libraries(zoo, pid, seen["libraries"])


def libraries(zoo, pid, seen):
    """`info sharedlibrary` has every library that is mapped, with its symbols read."""
    have = {os.path.basename(path) for _, read, path in seen if read}
    want = {os.path.basename(name.decode()) for _, _, perms, name in zoo.areas(pid)
            if b".so" in name and "x" in perms}
    return [] if want <= have else [f"process {pid}: libraries {sorted(have)} instead of {sorted(want)}"]


def in_lldb(zoo, pid, core, sysroot):
    try:
        seen = zoo_debuggers.lldb(core, program(zoo, pid, sysroot), sysroot)
    except zoo_debuggers.DebuggerError as e:
        return [f"process {pid}: {e}"]
    # lldb 14 does not get out of a handler that interrupted the vdso; gdb does, from the same file.
    out = same_threads(zoo, pid, seen, pid not in zoo.roles.get("zoo-sig-vdso", []))
    out += [f"process {pid}: {e}" for e in seen["errors"]]
    have = {os.path.basename(path.split(" ")[0]) for _, path in seen["images"]}
    want = {os.path.basename(name.decode()) for _, _, perms, name in zoo.areas(pid)
            if name.startswith((b"/bin", b"/lib", b"/usr")) and "x" in perms}
    return out if want <= have else out + [f"process {pid}: images {sorted(have)} instead of {sorted(want)}"]


def same_threads(zoo, pid, seen, stacks=True):
    tids = sorted(t["tid"] for t in seen["threads"])
    out = [] if tids == living(zoo, pid) else [f"process {pid}: threads {tids} instead of {living(zoo, pid)}"]
    if not stacks:
        return out
    names = {t["tid"]: frame_names([f["name"] for f in t["frames"]]) for t in seen["threads"]}
    return out + compare.chains(Only(zoo, pid, living(zoo, pid)), lambda _, tid: names.get(tid))


class Only:
    """The facts about one process (or some of its threads)."""

    def __init__(self, zoo, pid, tids=None):
        self.zoo, self.pid, self.tids, self.tasks = zoo, pid, tids, zoo.tasks

    def of(self, kind, pid=None):
        return [f for f in self.zoo.of(kind, pid or self.pid)
                if self.tids is None or f.get("tid", self.pid) in self.tids]
