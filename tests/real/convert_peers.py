# SPDX-License-Identifier: GPL-2.0-or-later
"""What other programs read in a dump that kcodbg wrote, beside what they read in the one it was made from; and why
kcodbg's filter and makedumpfile's leave out other pages."""

import importlib.util
import os
import re
import shutil
import subprocess

import convert_pages
from convert_pages import PAGE, PT_LOAD, different, kdumpfile, pages
from truth import Truth

TIMEOUT = 300
KERNEL_MAP = 0xffffffff80000000  # __START_KERNEL_map
PRESERVED = re.compile(r"^\s*DUMPFILE: ")  # the only line of crash's that names the file
CRASH = b"sys\nps\nbt\nbt -a\nlog\nmod\nvtop linux_banner\nrd linux_banner 8\nquit\n"
TASKS = """
import drgn, sys
from drgn.helpers.linux.pid import for_each_task
prog = drgn.Program()
prog.set_core_dump(sys.argv[1])
prog.load_debug_info([sys.argv[2]])
for task in for_each_task(prog):
    try:
        trace = str(prog.stack_trace(task))
    except Exception as e:
        trace = str(e)
    print(task.pid.value_(), task.comm.string_(), trace, sep="\\n")
"""


class CannotOpen(Exception):
    pass


def run(argv, stdin=b""):
    """Its standard output; what it says when it fails becomes the reason."""
    try:
        p = subprocess.run([str(a) for a in argv], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=TIMEOUT, check=False, env=dict(os.environ, DEBUGINFOD_URLS="", LC_ALL="C.UTF-8"))
    except subprocess.TimeoutExpired:
        raise CannotOpen(f"{argv[0]} does not end") from None
    if p.returncode:
        text = (p.stdout + b"\n" + p.stderr).decode(errors="replace").strip().splitlines()
        raise CannotOpen(next((t for t in text if re.search("unsupported|error|can't|cannot", t, re.I)),
                              (text or ["?"])[-1]).strip())
    return p.stdout.decode(errors="surrogateescape")


# Why filters differ

def numbers(source):
    return dict(re.findall(r"^(?:NUMBER|OFFSET|SIZE)\((.*)\)=(-?[0-9]+)$",
                           convert_pages.vmcoreinfo(source).decode(), re.M))


def iomem(folder):
    """[first, last) of the guest's "System RAM", by itself."""
    with open(os.path.join(folder, "truth", "iomem"), encoding="ascii") as f:
        return [(int(a, 16), int(b, 16) + 1) for a, b in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) : System RAM$",
                                                                    f.read(), re.M)]


def without_struct_page(source, folder, differ, _kept):
    """Memory that QEMU saved and Linux has no struct page for: a sparse section without any RAM."""
    size = 1 << int(numbers(source)["SECTION_SIZE_BITS"])
    ram = iomem(folder)
    return {p: "ROM without struct page" for p in differ
            if not any(a < (p * PAGE // size + 1) * size and b > p * PAGE // size * size for a, b in ram)}


def without_struct_page_or_slab(source, folder, differ, kept):
    """Since Linux 6.10 slab pages are told by page_type, in the bits where makedumpfile 1.7.2 looks for a count of
    mappings: it takes them for pages of processes. Those of them that kcodbg keeps are looked at one by one."""
    out = without_struct_page(source, folder, differ, kept)
    known, dump = numbers(source), convert_pages.open_dump(source)
    (at,) = [a for a, _, name, _ in Truth(folder).symbols if name == "vmemmap_base"]

    def struct_page(address):
        return dump.read(kdumpfile.KDUMP_KVADDR, address, int(known["SIZE"] if "SIZE" in known else known["page"]))

    def number(data, name, size):
        offset = int(known[name])
        return int.from_bytes(data[offset:offset + size], "little")

    base = int.from_bytes(dump.read(kdumpfile.KDUMP_KVADDR, at, 8), "little")
    for p in differ:
        if p in out or p not in kept:
            continue
        page = struct_page(base + p * int(known["page"]))
        head = number(page, "page.compound_head", 8)
        if head & 1:
            page = struct_page(head - 1)
        # The type is in the top byte; below it is what the allocator keeps there.
        if number(page, "page._mapcount", 4) >> 24 == int(known["PAGE_SLAB_MAPCOUNT_VALUE"]) + (1 << 32) >> 24:
            out[p] = "slab"
    return out


# Programs

class Peer:
    """A program. tell() gives what it reads in a dump, as text, or raises CannotOpen."""

    name = ""
    forms = ("elf", "kdump-none", "kdump-zlib", "kdump-lzo", "kdump-snappy", "kdump-zstd")

    def __init__(self, peers):
        self.p = peers

    def missing(self):
        """Why it cannot be asked at all."""
        return None if shutil.which(self.name) else "not installed"

    def tell(self, path):
        raise NotImplementedError

    def wrong(self, text):
        """Problems of what it says, where something else knows better."""
        del text
        return []


class Libkdumpfile(Peer):
    name = "libkdumpfile"

    def missing(self):
        return None

    def tell(self, path):
        """Everything it knows of the machine; memory is compared page by page elsewhere."""
        def walk(node, prefix=""):
            for key in node:
                value = node[key]
                if isinstance(value, kdumpfile.attr_dir):
                    yield from walk(value, f"{prefix}{key}.")
                elif isinstance(value, (int, str)):
                    yield f"{prefix}{key} = {value}"
        try:
            attr = convert_pages.open_dump(path).attr
            # A kdump header has the machine's names even where the original's had none, and no CPU's pid.
            return "\n".join(sorted(line for top in ("cpu", "linux.vmcoreinfo", "arch")
                                    for line in walk(attr[top], f"{top}.")))
        except kdumpfile.exceptions.KDumpBaseException as e:
            raise CannotOpen(str(e)) from None

    def wrong(self, text):
        return [f"no {w}" for w in ("cpu.number = 2", "cpu.1.reg.rip = ", "arch.name = x86_64", "SYMBOL.init_uts_ns")
                if w not in text]


class Gdb(Peer):
    """Kernel text and the direct map by their virtual addresses, and registers of each CPU."""

    name = "gdb"
    forms = ("elf",)

    def tell(self, path):
        places = self.p.places
        words = [w for a, _ in places for w in ("-ex", f"x/4xg {a:#x}")]
        text = run(["gdb", "-q", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", f"core-file {path}",
                    *words, "-ex", "thread apply all -q info registers rip rsp rbp cs eflags"])
        if text.count(":\t0x") < 2 * len(places):
            raise CannotOpen("it reads no memory by virtual address in there")
        return text

    def wrong(self, text):
        found = {int(a, 16): b"".join(int(w, 16).to_bytes(8, "little") for w in words.split())
                 for a, words in re.findall(r"^0x([0-9a-f]+)(?: <.*>)?:((?:\t0x[0-9a-f]+)+)", text, re.M)}
        return [f"{a:#x} is {found.get(a, b'').hex()} instead of {want[:16].hex()}"
                for a, want in self.p.places if found.get(a) != want[:16]] + \
            ([] if len(re.findall(r"^rip ", text, re.M)) == 2 else ["not the registers of two CPUs"])


class Drgn(Peer):
    """Memory by physical and by virtual address; with a vmlinux every task and its stack."""

    name = "drgn"

    def missing(self):
        return None if importlib.util.find_spec("drgn") else "not installed"

    def tell(self, path):
        import drgn  # pylint: disable=import-outside-toplevel
        prog = drgn.Program()
        try:
            prog.set_core_dump(path)
            out = [f"{a:#x} {prog.read(a, 32).hex()}" for a, _ in self.p.places]
            out += [f"physical {a:#x} {prog.read(a, 4096, True).hex()}" for a in self.p.physical]
        except (drgn.FaultError, ValueError, LookupError, OSError) as e:
            raise CannotOpen(f"{type(e).__name__}: {e}") from None
        if self.p.vmlinux:
            out.append(run(["/usr/bin/python3", "-c", TASKS, path, self.p.vmlinux]))
        return "\n".join(out)

    def wrong(self, text):
        return [f"{a:#x} is not {want.hex()}" for a, want in self.p.places if f"{a:#x} {want.hex()}" not in text]


class Makedumpfile(Peer):
    """The kernel's log. What its filter makes of a file: Peers.refiltered()."""

    name = "makedumpfile"

    def tell(self, path):
        log = os.path.join(self.p.check.tmp, "dmesg")
        run(["makedumpfile", "--dump-dmesg", "-f", path, log])
        with open(log, encoding="utf-8", errors="surrogateescape") as f:
            return f.read()

    def wrong(self, text):
        return [] if "sysrq triggered crash" in text and text.count("\n") > 100 else ["not the whole log"]


class Crash(Peer):
    name = "crash"
    forms = ("elf", "kdump-none", "kdump-zlib", "kdump-zstd")

    def missing(self):
        return super().missing() or (None if self.p.vmlinux else "no vmlinux: run tests/real/lab debug 6.1")

    def tell(self, path):
        text = run(["crash", "-s", self.p.vmlinux, path], CRASH)
        return "\n".join(line for line in text.splitlines() if not PRESERVED.match(line))

    def wrong(self, text):
        return [f"no {w!r}" for w in ("linux_banner", "sysrq triggered crash", "RELEASE: 6.1", "RIP: ") if w not in text]


class Peers:
    def __init__(self, check, case, originals, ours):
        self.check, self.case, self.originals, self.ours = check, case, originals, ours
        folder = os.path.join(check.root, "dumps", case)
        vmlinux = os.path.join(check.root, "kernels", "6.1", "vmlinux")
        self.vmlinux = vmlinux if os.path.exists(vmlinux) else None
        self.places, self.physical = self.known(originals["vmcore.elf"], Truth(folder))

    def known(self, source, truth):
        """[(virtual address, the 32 bytes there)] of text and the direct map, by the file's own offsets; and some
        physical addresses."""
        offset = int(numbers(source)["phys_base"])
        symbols = {name: a for a, _, name, module in truth.symbols if not module}

        def physical(address, size):
            for kind, at, _, start, length in convert_pages.program_headers(source):
                if kind == PT_LOAD and start <= address < start + length:
                    with open(source, "rb") as f:
                        f.seek(at + address - start)
                        return f.read(size)
            raise ValueError(f"{source} lacks {address:#x}")

        text = [symbols[n] for n in ("_stext", "do_nanosleep", "linux_banner", "page_offset_base")]
        at = [a - KERNEL_MAP + offset for a in text]
        base = int.from_bytes(physical(at[-1], 8), "little")
        direct = [(base + a, physical(a, 32)) for a in (0x1000, 0x100000, at[0], at[1])]
        return [(a, physical(p, 32)) for a, p in zip(text, at)] + direct, [0x1000, at[0] & -PAGE, 0x5000000]

    def same_format(self, form):
        if form == "elf":
            return ["vmcore.elf", "vmcore.elf-paging"]
        # The lab has none without compression.
        return ["vmcore.kdump-zlib" if form == "kdump-none" else f"vmcore.{form}"]

    def ask(self, peer, path):
        try:
            return peer.tell(path), None
        except CannotOpen as e:
            return None, str(e)

    def peer(self, peer):
        why = peer.missing()
        if why:
            self.check.skip(self.case, peer.name, "reads what kcodbg wrote", why)
            return
        answers = {n: self.ask(peer, n and self.originals[n]) for form in peer.forms for n in self.same_format(form)}
        spare = next((text for text, _ in answers.values() if text is not None), None)
        for form in peer.forms:
            theirs = [answers[n] for n in self.same_format(form)]
            want = next((text for text, _ in theirs if text is not None), None)
            got, why = self.ask(peer, self.ours[form])
            if got is None and want is None:
                self.check.skip(self.case, peer.name, f"reads {form}", f"nor the original: {theirs[0][1]}")
                continue
            problems = [why] if got is None else []
            if got is not None:
                problems = peer.wrong(got)
                if got != (want or spare):
                    a, b = (want or spare or "").splitlines(), got.splitlines()
                    problems += [f"line {n}: {y!r} instead of {x!r}"[:400] for n, (x, y) in enumerate(zip(a, b), 1)
                                 if x != y][:3] or [f"{len(b)} lines instead of {len(a)}"]
            self.check.say(self.case, peer.name, f"reads the same in {form}" +
                           ("" if want is not None else ", which in the original's it does not"), problems)

    def memory(self):
        """Page by page, every codec."""
        want = pages(self.originals["vmcore.elf"], "elf")
        for form, path in self.ours.items():
            self.check.say(self.case, "libkdumpfile", f"reads the same {len(want)} pages in {form}",
                           different(want, pages(path, form)))

    def refiltered(self):
        """makedumpfile's filter run on what kcodbg made of a dump, and on the dump. Not 6.1-small's: makedumpfile 1.7.2
        fails on a kdump file with memory at 4 GiB and none below, QEMU's own, too."""
        case, check = "6.1-kdump", self.check
        source = check.dump(case, "vmcore.kdump")
        if not source or not shutil.which("makedumpfile"):
            return
        results = {}
        for form in ("", "elf", "kdump-none", "kdump-zlib", "kdump-lzo"):
            path = check.convert(case, source, "kdump", f"{case}.{form}", form) if form else source
            again = os.path.join(check.tmp, "again")
            try:
                run(["makedumpfile", "-f", "-l", "-d", "31", path, again])
                results[form] = pages(again, "kdump"), []
            except (CannotOpen, TypeError) as e:
                results[form] = {}, [str(e)]
            if form:
                check.say(case, "makedumpfile", f"-d 31 of {form} keeps the {len(results[''][0])} pages that it keeps of "
                          "the original", results[""][1] + results[form][1] + different(results[""][0], results[form][0]))

    def run(self):
        self.memory()
        for kind in (Libkdumpfile, Gdb, Drgn, Makedumpfile, Crash):
            self.peer(kind(self))
        self.refiltered()
