# SPDX-License-Identifier: GPL-2.0-or-later
"""The comparisons of zoo_check.py. Each takes the truth and rows, and returns its problems, [] for none."""

from zoo_truth import number

# What a role that is not there would hide. "?" in a chain is any one frame, "..." any number of them.
ROLES = ("zoo-static", "zoo-pie", "zoo-fp", "zoo-dbgframe", "zoo-mini", "zoo-stripped", "zoo-tiny32", "zoo-tiny32-vdso",
         "zoo-regs", "zoo-spin", "zoo-sig-timer", "zoo-sig-timera", "zoo-sig-vdso", "zoo-sig-segv", "zoo-sig-segva",
         "zoo-sig-self", "zoo-sig-trap", "zoo-sig-pend", "zoo-vfork", "zoo-vforked", "zoo-zombie", "zoo-undead",
         "zoo-leaderless", "zoo-stopped", "zoo-perf", "zoo-userfault", "zoo-tracer", "t-exec", "t-fork", "t-vfork",
         "t-vfork-done", "t-clone", "t-entry", "t-leave", "t-exit", "t-signal", "t-fault", "t-seccomp", "t-step",
         "t-break", "t-watch", "t-interrupt", "t-group", "zoo-mem", "zoo-areas", "zoo-ns", "zoo-swap")
FACTS = {"marker": 900, "chain": 70, "stop": 65, "regs": 21, "vector": 4, "xstate": 16, "pending": 8, "swapped": 12,
         "breakpoint": 7, "uprobe": 2, "kprobe": 2}


def facts(zoo):
    """The guest played every role, and said enough for the other checks to mean something."""
    out = [f"no role {r}" for r in ROLES if r not in zoo.roles]
    out += [f"only {len(zoo.of(k))} facts about {k}" for k, n in FACTS.items() if len(zoo.of(k)) < n]
    # Names of anonymous memory need a kernel option that Debian does not set.
    out += [f"missing in the guest: {f['what']}: {f['why']}" for f in zoo.of("missing")
            if f["what"] != "names of anonymous memory"]
    return out


def shown(raw):
    """A line of /proc/PID/maps as `maps` prints it: docs/commands/maps.md."""
    out = []
    for c in raw.decode("utf-8", "surrogateescape"):
        b = ord(c)
        if 0xdc80 <= b <= 0xdcff:
            out.append(f"\\x{b - 0xdc00:02x}")
        else:
            out.append(f"\\x{b:02x}" if b < 0x20 or b == 0x7f else c)
    return "".join(out)


def maps_text(zoo, pid, text):
    want = [shown(line) for line in zoo.maps(pid)]
    got = text.split("\n")[:-1]
    out = [f"process {pid}: {g!r} instead of {w!r}" for g, w in zip(got, want) if g != w]
    if len(got) != len(want):
        out.append(f"process {pid}: {len(got)} areas instead of {len(want)}")
    return out


def maps_rows(zoo, pid, rows):
    want = [(start, end, perms) for start, end, perms, _ in zoo.areas(pid)]
    got = [(number(r["start"]), number(r["end"]), r["perms"]) for r in rows if "start" in r]
    return [] if got == want else [f"process {pid}: {len(got)} areas, {len(set(want) - set(got))} wanted are not there"]


def chain_matches(want, got):
    """Is the list of names `got` what the pattern `want` says?"""
    if not want:
        return not got
    if want[0] == "...":
        return any(chain_matches(want[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and (want[0] in ("?", got[0])) and chain_matches(want[1:], got[1:])


def chains(zoo, names_of, only=None):
    """`names_of(pid, tid)` gives the names of a thread's user frames, innermost first, or None."""
    out = []
    # A thread that said a second chain has entered the later one.
    last = {f["tid"]: f for f in zoo.of("chain")}
    for tid, f in last.items():
        if only and f["pid"] not in only:
            continue
        got = names_of(zoo.tasks[tid].pid if tid in zoo.tasks else f["pid"], tid)
        if got is None:
            out.append(f"thread {tid}: no user frames")
        elif not chain_matches(f["frames"].split(","), got):
            out.append(f"thread {tid}: {' '.join(map(str, got)) or '(nothing)'} instead of {f['frames']}")
    return out


def frames_of(rows):
    """(tid -> names) of bt's rows."""
    out = {}
    for r in rows:
        if "frames" in r:
            out[r.get("tid")] = [f.get("function") or "??" for f in r["frames"]]
    return out


def memory_of(rows):
    """Bytes by address, of rows of `rd -8` and `memory read`: a dict of runs that can be looked up by data_at()."""
    out = {}
    for r in rows:
        if "words" in r and "addr" in r:
            base = number(r["addr"])
            for i, w in enumerate(r["words"]):
                if w is not None:
                    out[base + i] = number(w)
        elif isinstance(r.get("bytes"), str):
            base = number(r.get("address", r.get("addr")))
            for i, b in enumerate(bytes.fromhex(r["bytes"].replace(" ", ""))):
                out[base + i] = b
    return out


def data_at(memory, addr, size):
    """The bytes there, or None if one is missing."""
    got = [memory.get(addr + i) for i in range(size)]
    return None if None in got else bytes(got)


# Where the bytes of a marker are not in the dump: nothing but the truth may be said of them.
LOST = ("file on disk",)
# In a swap file, but perhaps still in the swap cache too.
PERHAPS = ("swap partition", "swap file")


def markers(memory_by_pid, facts_, whole):
    """Every marker is read at its address. With `whole` false (a filtered dump) it may be missing, but never wrong."""
    out, read = [], 0
    for f in facts_:
        want = f["text"].encode()
        got = data_at(memory_by_pid.get(f["pid"], {}), number(f["addr"]), len(want))
        if got is not None and (got != want or f["where"] in LOST):
            out.append(f"process {f['pid']} {f['addr']} ({f['where']}): {got!r} instead of {want!r}")
        elif got is None and whole and f["where"] not in LOST + PERHAPS:
            out.append(f"process {f['pid']} {f['addr']} ({f['where']}): not read")
        read += got == want
    if whole and read < len(facts_) * 3 // 4:
        out.append(f"only {read} of {len(facts_)} markers were read")
    return out


# Kind of memory in the facts -> states of a page in kcodbg's words (lib/include/kco/page.h).
STATES = {
    "zero page": ("zero", "present"),
    "never touched": ("zero",),
    "page cache": ("page cache", "present"),
    "file on disk": ("file",),
    "no access": ("no access", "present"),
    "swap partition": ("swap file", "swap cache"),
    "swap file": ("swap file", "swap cache"),
}


def page_states(zoo, rows):
    """`memory region`: the state of each marker's page, its swap area and its compressor."""
    out, by_place = [], {(r.get("pid"), number(r.get("address"))): r.get("page") or {} for r in rows}
    devices = {f["tag"]: f["device"] for f in zoo.of("swapped")}
    for f in zoo.of("marker") + zoo.of("zeros"):
        place = f"process {f['pid']} {f['addr']} ({f['where']})"
        page = by_place.get((f["pid"], number(f["addr"])))
        if page is None:
            out.append(f"{place}: no answer")
            continue
        where, state = f["where"], page.get("state")
        kind, _, codec = where.partition(" ")
        if kind in ("zram", "zswap"):
            want = (kind,)
        else:
            want = STATES.get(where, ("present",))
        if state not in want:
            # Shared memory in swap has no entry in the page tables; a page may be back in the cache.
            out.append(f"{place}: {state!r} instead of {' or '.join(want)}")
        elif kind in ("zram", "zswap") and page.get("codec") not in (codec, "same-filled", "huge"):
            out.append(f"{place}: compressor {page.get('codec')!r} instead of {codec!r}")
        if where in devices and state in ("zram", "zswap", "swap file", "swap cache") and page.get("swap") != devices[where]:
            out.append(f"{place}: swap area {page.get('swap')!r} instead of {devices[where]!r}")
    return out


def pagemap(zoo, pid, rows):
    """`memory region` of pages that pagemap has present: the same physical address."""
    want, out = zoo.pages(pid), []
    for r in rows:
        page, va = r.get("page") or {}, number(r.get("address", "0x0"))
        entry = want.get(va & ~0xfff)
        if r.get("pid") == pid and entry is not None and entry >> 63 and page.get("state") == "present":
            pfn = entry & ((1 << 55) - 1)
            if page.get("pa") is None or number(page["pa"]) >> 12 != pfn:
                out.append(f"process {pid} {va:#x}: physical {page.get('pa')} of {page.get('size')} instead of frame {pfn:#x}")
    return out


def register_value(registers, name):
    for other in (name, "eflags" if name == "rflags" else name, "e" + name[1:] if name[0] == "r" else name):
        if other in registers:
            return number(registers[other])
    return None


def registers(zoo, rows, skip=()):
    """`register read`: every register whose contents are known."""
    by_tid, out = {r.get("tid"): r for r in rows}, []
    for f in zoo.of("regs"):
        row = by_tid.get(f["tid"])
        if not row or "registers" not in row:
            out.append(f"thread {f['tid']}: no registers")
            continue
        for name, want in f["regs"].items():
            if name in skip:
                continue
            got = register_value(row["registers"], name)
            # What a system call returns is not yet in its place; its number is.
            if name == "rax" and got is None:
                continue
            if got != number(want):
                out.append(f"thread {f['tid']}: {name} {got if got is None else hex(got)} instead of {want}")
    return out


def sleepers(zoo, rows):
    """`register read` of everything that slept: /proc/PID/syscall's arguments, stack pointer and program counter."""
    by_tid, out, compared = {r.get("tid"): r for r in rows}, [], 0
    for tid, t in zoo.tasks.items():
        want = t.user_pc_sp()
        if not want or tid not in zoo.quiet or tid not in by_tid:
            continue
        compared += 1
        regs = by_tid[tid].get("registers", {})
        got = (register_value(regs, "rip"), register_value(regs, "rsp"))
        if got != want:
            out.append(f"thread {tid}: pc and sp {got} instead of {want}")
        if len(t.syscall) == 9 and int(t.syscall[0]) >= 0:
            args = [number(a) for a in by_tid[tid].get("args", [])]
            if args[:6] != [int(a, 16) for a in t.syscall[1:7]] or by_tid[tid].get("syscall") != int(t.syscall[0]):
                out.append(f"thread {tid}: system call {by_tid[tid].get('syscall')} {args} instead of {t.syscall}")
    return out if compared > 70 else out + [f"only {compared} threads were compared"]


def vector_value(row, name):
    vectors_ = row.get("vector") or row.get("vectors") or row.get("registers") or {}
    value = vectors_.get(name)
    return value.get("bytes") if isinstance(value, dict) else value


def vectors(zoo, rows):
    """`register read --all`: vector registers byte for byte, lowest first."""
    by_tid, out = {r.get("tid"): r for r in rows}, []
    for f in zoo.of("vector"):
        for name, want in f["regs"].items():
            got = vector_value(by_tid.get(f["tid"], {}), name)
            if got is None or got.replace(" ", "") != want:
                out.append(f"thread {f['tid']}: {name} {got} instead of {want}")
    return out


def processes(zoo, rows):
    """`process list -a`: every process with its threads, their names and states."""
    out, by_pid = [], {r.get("pid"): r for r in rows}
    for pid in sorted({t.pid for t in zoo.tasks.values()}):
        leader, row = zoo.tasks.get(pid), by_pid.get(pid)
        if leader is None or leader.worker():
            continue  # kernel workers come and go
        if row is None:
            out.append(f"no process {pid} {leader.comm!r}")
            continue
        if not leader.comm_matches(row.get("name", "")):
            out.append(f"process {pid}: name {row.get('name')!r} instead of {leader.comm!r}")
        if row.get("ppid") != leader.ppid:
            out.append(f"process {pid}: parent {row.get('ppid')} instead of {leader.ppid}")
        if row.get("hidden") != (not zoo.bytes(f"tasks/{pid}/maps") and leader.state != "Z"):
            out.append(f"process {pid} {leader.comm!r}: hidden {row.get('hidden')}")
        got = sorted(t.get("tid") for t in row.get("threads", []))
        if got != zoo.threads(pid):
            out.append(f"process {pid}: threads {got} instead of {zoo.threads(pid)}")
        for t in row.get("threads", []):
            if t.get("tid") in zoo.quiet and t.get("state") != zoo.tasks[t["tid"]].state:
                out.append(f"thread {t['tid']}: state {t.get('state')!r} instead of {zoo.tasks[t['tid']].state!r}")
    return out


# A program cannot know how the kernel stops its CPU when another one panics.
KINDS = {"none": ("user mode", "nmi"), "group": ("group stop",)}


def stops(zoo, rows):
    """`process list`: the stop reason of each thread that said what it would be."""
    threads = {t.get("tid"): t for r in rows for t in r.get("threads", [])}
    out = []
    for f in {f["tid"]: f for f in zoo.of("stop")}.values():
        tid, want = f["tid"], KINDS.get(f["kind"], (f["kind"],))
        stop = threads.get(tid, {}).get("stop") or {}

        def differs(what, got, expected):
            if got != expected:
                out.append(f"thread {tid} ({f['kind']}): {what} {got!r} instead of {expected!r}")
        if stop.get("kind") not in want:
            out.append(f"thread {tid}: {stop.get('kind')!r} instead of {' or '.join(want)}")
            continue
        for key, mine in (("syscall", "syscall_name"), ("child", "child"), ("tracer", "tracer"), ("signo", "signal")):
            if key in f:
                differs(mine, stop.get(mine), f[key])
        if f.get("trap"):
            differs("trap", stop.get("trap"), f["trap"])
        if "addr" in f:
            differs("address", number(stop.get("addr")), number(f["addr"]))
        if f["kind"] in ("zombie", "trace exit"):
            status = f.get("status", 0) if f["kind"] == "zombie" else f["message"] >> 8
            differs("exit status", stop.get("status"), status << 8)
        if f["kind"] in ("trace fork", "trace vfork", "trace clone", "trace vfork done"):
            differs("child", stop.get("child"), f["message"])
        if f["kind"] in ("breakpoint", "watchpoint"):
            places = [b for b in zoo.of("breakpoint", f["pid"]) if "unreached" not in b.get("function", "")]
            differs("address", number(stop.get("addr")), number(places[0]["addr"]))
        if f["kind"] == "trace signal":
            info = stop.get("siginfo") or {}
            differs("si_signo", info.get("signo"), f["si_signo"])
            differs("si_code", info.get("code"), f["si_code"])
            if f["si_code"] > 0:
                differs("si_addr", number(info.get("addr")), number(f["si_addr"]))
            else:
                differs("si_value", number(info.get("value")), number(f["si_value"]))
                differs("si_pid", info.get("pid"), f["si_pid"])
    panic = (threads.get(zoo.panic_pid, {}).get("stop") or {}).get("kind")
    if panic != "panic":
        out.append(f"thread {zoo.panic_pid}: {panic!r} instead of panic")
    return out
