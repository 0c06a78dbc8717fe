# SPDX-License-Identifier: GPL-2.0-or-later
"""The comparisons of zoo_check.py. Each takes the truth and rows, and returns its problems, [] for none."""

from truth import PF_KTHREAD
from zoo_truth import number

# What a role that is not there would hide. "?" in a chain is any one frame, "..." any number of them.
ROLES = ("zoo-static", "zoo-pie", "zoo-fp", "zoo-dbgframe", "zoo-mini", "zoo-stripped", "zoo-tiny32", "zoo-tiny32-vdso",
         "zoo-regs", "zoo-spin", "zoo-sig-timer", "zoo-sig-timera", "zoo-sig-vdso", "zoo-sig-segv", "zoo-sig-segva",
         "zoo-sig-self", "zoo-sig-trap", "zoo-sig-pend", "zoo-vfork", "zoo-vforked", "zoo-zombie", "zoo-undead",
         "zoo-leaderless", "zoo-stopped", "zoo-perf", "zoo-userfault", "zoo-tracer", "t-exec", "t-fork", "t-vfork",
         "t-vfork-done", "t-clone", "t-entry", "t-leave", "t-exit", "t-signal", "t-fault", "t-seccomp", "t-step",
         "t-break", "t-watch", "t-interrupt", "t-group", "zoo-mem", "zoo-areas", "zoo-ns", "zoo-swap", "zoo-secrets")
FACTS = {"marker": 900, "chain": 70, "stop": 65, "regs": 21, "vector": 4, "xstate": 16, "pending": 8, "swapped": 12,
         "breakpoint": 7, "uprobe": 2, "kprobe": 2, "secret": 5, "secret name": 3}


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
    return bool(got) and ("?" in (want[0], got[0]) or want[0] == got[0]) and chain_matches(want[1:], got[1:])


def chains(zoo, names_of):
    """`names_of(pid, tid)` gives the names of a thread's user frames, innermost first, or None."""
    out = []
    # A thread that said a second chain has entered the later one.
    last = {f["tid"]: f for f in zoo.of("chain")}
    for tid, f in last.items():
        got = names_of(zoo.tasks[tid].pid if tid in zoo.tasks else f["pid"], tid)
        if got is None:
            out.append(f"thread {tid}: no user frames")
        elif not chain_matches(f["frames"].split(","), got):
            out.append(f"thread {tid}: {' '.join(map(str, got)) or '(nothing)'} instead of {f['frames']}")
    return out


def frames_of(rows):
    """tid -> names, of bt's rows. A symbol's version is no part of its name."""
    return {r.get("tid"): [(f.get("function") or "??").split("@")[0] for f in r["user_frames"]]
            for r in rows if "user_frames" in r}


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


def refused(fact):
    """zswap does not take pages that hardly compress: they are written to the swap area behind it."""
    words = fact["text"].split()
    return fact["where"].startswith("zswap") and words[0] in ("zoo-marker", "zoo-end") and (
        int(words[1]) % 8 == 7 or int(words[1]) > 80)


def markers(memory_by_pid, facts_, whole):
    """Every marker is read at its address. With `whole` false (a filtered dump) it may be missing, but never wrong."""
    out, read = [], 0
    for f in facts_:
        want = f["text"].encode()
        got = data_at(memory_by_pid.get(f["pid"], {}), number(f["addr"]), len(want))
        if got is not None and (got != want or f["where"] in LOST):
            out.append(f"process {f['pid']} {f['addr']} ({f['where']}): {got!r} instead of {want!r}")
        elif got is None and whole and f["where"] not in LOST + PERHAPS and not refused(f):
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
}
SWAPPED = ("zram", "zswap", "swap file", "swap cache")


def swapped_state(zoo, fact):
    """(states, compressors, swap area, page of it) of a page that was pushed out.

    The area is not always that of the tag: a CPU keeps some pages of the area before it in store. /proc/PID/pagemap
    knows, but not of shared memory: then area and page are None.
    """
    kind, _, codec = fact["where"].partition(" ")
    place = zoo.swap_place(fact["pid"], number(fact["addr"]))
    device = place[0] if place else {f["tag"]: f["device"] for f in zoo.of("swapped")}[fact["where"]]
    zram = device.startswith("/dev/zram")
    if kind == "zswap":
        # What zswap refuses goes to the area behind it, which may be a zram's page that was in store.
        behind = (("zram",) if zram else ("swap file", "swap cache")) if refused(fact) or not place else ()
        return ("zswap", *behind), (codec, "same-filled", *((zoo.zram_codec(device), "huge") if zram else ())), place
    if zram:
        codec = zoo.zram_codec(device)
        return ("zram",) if place else ("zram", "swap file", "swap cache"), (codec, "same-filled", "huge"), place
    return ("swap file", "swap cache") if place else ("zram", "swap file", "swap cache"), (), place


def page_states(zoo, rows):
    """`memory region`: the state of each marker's page, its swap area and its compressor."""
    out, by_place = [], {(r.get("pid"), number(r.get("address"))): r.get("page") or {} for r in rows}
    for f in zoo.of("marker") + zoo.of("zeros"):
        where = f["where"]
        place = f"process {f['pid']} {f['addr']} ({where})"
        page = by_place.get((f["pid"], number(f["addr"])))
        if page is None:
            out.append(f"{place}: no answer")
            continue
        state = page.get("state")
        if where not in [t["tag"] for t in zoo.of("swapped")]:
            if state not in STATES.get(where, ("present",)):
                out.append(f"{place}: {state!r} instead of {' or '.join(STATES.get(where, ('present',)))}")
            continue
        states, codecs, swap = swapped_state(zoo, f)
        if state not in states:
            out.append(f"{place}: {state!r} instead of {' or '.join(states)}")
        elif state in ("zram", "zswap") and swap and page.get("codec") not in codecs:
            out.append(f"{place}: compressor {page.get('codec')!r} instead of {' or '.join(codecs)}")
        elif swap and state != "present" and (page.get("swap_name"), page.get("swap_offset")) != swap:
            out.append(f"{place}: page {page.get('swap_offset')} of {page.get('swap_name')!r} instead of {swap}")
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


def register_value(registers_, name):
    for other in (name, "eflags" if name == "rflags" else name, "e" + name[1:] if name[0] == "r" else name):
        if other in registers_:
            return number(registers_[other])
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
            want = number(want)
            if name in skip:
                continue
            if name == "orig_rax":
                got, want = row.get("syscall"), None if want >> 63 else want
            else:
                got = register_value(row["registers"], name)
            # The trap flag of a single step is the tracer's, and it does not see it.
            if name == "rflags" and got is not None:
                got, want = got & ~0x100, want & ~0x100
            if got != want:
                out.append(f"thread {f['tid']}: {name} {got if got is None else hex(got)} instead of {f['regs'][name]}")
    return out


def sleepers(zoo, rows):
    """`register read` of everything that slept: /proc/PID/syscall's number, stack pointer and program counter."""
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
        want = int(t.syscall[0])
        if by_tid[tid].get("syscall") != (None if want < 0 else want):
            out.append(f"thread {tid}: system call {by_tid[tid].get('syscall')} instead of {want}")
    return out if compared > 70 else out + [f"only {compared} threads were compared"]


# 1, 2 and 3 as x87 holds them.
X87 = (0x3fff8000000000000000, 0x40008000000000000000, 0x4000c000000000000000)


def vectors(zoo, rows, x87=True):
    """`register read --all`: vector and x87 registers; JSON has each as one number."""
    by_tid, out = {r.get("tid"): r for r in rows}, []
    for f in zoo.of("vector"):
        have = by_tid.get(f["tid"], {}).get("vector") or {}
        want = {name: int.from_bytes(bytes.fromhex(text), "little") for name, text in f["regs"].items()}
        want.update((f"st{i}", value) for i, value in enumerate(X87 if x87 else ()))
        for name, value in want.items():
            got = have.get(name, have.get(name.replace("st", "stmm")))
            if got is None or number(got) != value:
                out.append(f"thread {f['tid']}: {name} {got} instead of {value:#x}")
    return out


def debug_registers(zoo, rows):
    """`register read --all`: what PTRACE_PEEKUSER read."""
    by_tid, out = {r.get("tid"): r for r in rows}, []
    for f in zoo.of("regs"):
        have = by_tid.get(f["tid"], {}).get("debug") or {}
        for i in (0, 1, 2, 3, 6, 7):
            if "dr" in f and number(have.get(f"dr{i}")) != number(f["dr"][i]):
                out.append(f"thread {f['tid']}: dr{i} {have.get(f'dr{i}')} instead of {f['dr'][i]}")
    return out


def arguments(zoo, rows):
    """`process list`: the arguments of system calls are those of /proc/PID/syscall."""
    out, compared = [], 0
    for t in (t for r in rows for t in r.get("threads", [])):
        task = zoo.tasks.get(t.get("tid"))
        if not task or task.flags & PF_KTHREAD or task.tid not in zoo.quiet or len(task.syscall) != 9:
            continue
        if int(task.syscall[0]) < 0:
            continue
        stop = t.get("stop") or {}
        got, want = [number(a) for a in stop.get("args") or []], [int(a, 16) for a in task.syscall[1:7]]
        compared += 1
        if stop.get("syscall") != int(task.syscall[0]) or got != want[:len(got)]:
            out.append(f"thread {task.tid}: system call {stop.get('syscall')} {got} instead of {task.syscall[:7]}")
    return out if compared > 70 else out + [f"only {compared} threads were compared"]


def signals(zoo, rows):
    """`sig`: both queues with what their signals carry, masks, handlers."""
    by_tid, out = {r.get("tid"): r for r in rows}, []
    for f in zoo.of("pending"):
        queue = (by_tid.get(f["tid"], {}).get({"shared": "shared_pending", "thread": "private_pending"}[f["queue"]]) or {})
        want = {"signo": f["signo"], "code": f["code"], "pid": f["sender"], "uid": f["uid"]}
        if f["code"] == -1:  # SI_QUEUE
            want["value"] = number(f["value"])
        found = [i.get("siginfo") or {} for i in queue.get("queue", [])]
        if not any(all(number(i.get(k)) == v for k, v in want.items()) for i in found):
            out.append(f"thread {f['tid']}: no {want} in the {f['queue']} queue of {len(found)}")
        if not number(queue.get("set", "0x0")) >> f["signo"] - 1 & 1:
            out.append(f"thread {f['tid']}: signal {f['signo']} is not in the set of the {f['queue']} queue")
    for tid in {f["tid"] for f in zoo.of("pending")}:
        for queue, key in (("shared", "shared_pending"), ("thread", "private_pending")):
            want = len([f for f in zoo.of("pending") if f["tid"] == tid and f["queue"] == queue])
            got = len((by_tid.get(tid, {}).get(key) or {}).get("queue", []))
            if got != want:
                out.append(f"thread {tid}: {got} signals in the {queue} queue instead of {want}")
    for f in zoo.of("blocked"):
        want = sum(1 << s - 1 for s in f["signos"])
        got = number(by_tid.get(f["tid"], {}).get("blocked", "0x0"))
        if got != want:
            out.append(f"thread {f['tid']}: blocked {got:#x} instead of {want:#x}")
    for f in zoo.of("handler") + zoo.of("ignored"):
        actions = {a.get("signo"): a for a in by_tid.get(f["pid"], {}).get("actions", [])}
        a = actions.get(f["signo"], {})
        if f["is"] == "ignored":
            if number(a.get("handler")) != 1:
                out.append(f"process {f['pid']}: signal {f['signo']} is not ignored: {a}")
            continue
        mask = sum(1 << s - 1 for s in f["mask"])
        if (number(a.get("handler")), number(a.get("mask"))) != (number(f["addr"]), mask):
            out.append(f"process {f['pid']}: signal {f['signo']}: {a} instead of {f['addr']}, mask {mask:#x}")
        # The C library adds SA_RESTORER.
        elif number(a.get("flags", "0x0")) & ~0x04000000 != number(f["flags"]):
            out.append(f"process {f['pid']}: signal {f['signo']}: flags {a.get('flags')} instead of {f['flags']}")
        elif a.get("symbol") and not a["symbol"].startswith(f["function"]):
            out.append(f"process {f['pid']}: signal {f['signo']}: handler {a['symbol']} instead of {f['function']}")
    return out


def breakpoints(zoo, rows):
    """`breakpoints`: each that was set, by kind, process and address."""
    out = []
    for f in zoo.of("breakpoint"):
        found = [r for r in rows if r.get("pid") == f["pid"] and number(r.get("addr")) == number(f["addr"])]
        if not found:
            out.append(f"process {f['pid']}: no {f['kind']} breakpoint at {f['addr']}")
        elif not any(r.get("access") in (f["access"], None) for r in found):
            out.append(f"process {f['pid']} {f['addr']}: access {found[0].get('access')} instead of {f['access']}")
        elif "original" in f and number(found[0].get("original")) not in (None, number(f["original"])):
            out.append(f"process {f['pid']} {f['addr']}: byte {found[0].get('original')} instead of {f['original']}")
    for f in zoo.of("uprobe"):
        path, offset = f["where"].split(":")
        if not any(r.get("path") == path and number(r.get("offset")) == int(offset, 16) for r in rows):
            out.append(f"no uprobe at {f['where']}")
    # A probe may stand behind the instruction that a name begins with; the kernel lists where it put it.
    for line in zoo.text("kprobes").splitlines():
        if not any(number(r.get("addr")) == int(line.split()[0], 16) for r in rows):
            out.append(f"no kprobe at {line}")
    known = {number(f["addr"]) for f in zoo.of("breakpoint")}
    out += [f"a breakpoint that nobody set: {r}" for r in rows
            if r.get("kind") in ("ptrace", "int3") and number(r.get("addr")) not in known]
    return out


def images(zoo, pid, rows, build_id):
    """`image list`: every file of which something is executable, where it begins, and its build-id."""
    want, out = {}, []
    for start, _, _, name in zoo.areas(pid):
        path = name.decode("utf-8", "surrogateescape")
        if path.startswith("/") and any(a[2][2] == "x" and a[3] == name for a in zoo.areas(pid)):
            want.setdefault(path, start)
    if any(name == b"[vdso]" for *_, name in zoo.areas(pid)):
        want["[vdso]"] = next(start for start, _, _, name in zoo.areas(pid) if name == b"[vdso]")
    got = {r.get("path"): r for r in rows}
    for path, start in want.items():
        r = got.get(path)
        if r is None:
            out.append(f"process {pid}: no image {path}")
        elif number(r.get("start")) != start:
            out.append(f"process {pid}: {path} begins at {r.get('start')} instead of {start:#x}")
        elif build_id(path) not in (None, r.get("build_id")):
            out.append(f"process {pid}: {path} has the build-id {r.get('build_id')} instead of {build_id(path)}")
    return out + [f"process {pid}: image {path} is not mapped" for path in got if path not in want]


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


def no_wrong_frames(zoo, names_by_tid):
    """Where user pages are missing, a stack may end early, but its frames are the first ones of the chain."""
    out = []
    for tid, f in {f["tid"]: f for f in zoo.of("chain")}.items():
        want, got = f["frames"].split(","), names_by_tid.get(tid) or []
        for n, name in enumerate(got):
            if n >= len(want) or want[n] in ("?", "..."):
                break
            if name not in (want[n], "??"):
                out.append(f"thread {tid}: frame {n} is {name} instead of {want[n]}")
                break
    return out
