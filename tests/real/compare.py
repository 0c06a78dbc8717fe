# SPDX-License-Identifier: GPL-2.0-or-later
"""The comparisons of check.py. Each takes the truth and rows, and returns its problems, [] for none.

Comparing with a moment before the death needs some care:
  - kernel workers come and go, so one of them may be missing or new;
  - a kernel thread wakes when it likes, and a task that was switched to between the
    guest's two looks may well run again: those may sleep elsewhere now, if they are few;
  - /proc/PID/stack leaves out the scheduler's and the locks' own functions.
"""

import collections

from truth import PF_KTHREAD

# Kernel threads that may be elsewhere than they were; more than that is a bug of ours.
MOVED_MAX = 4
WORKERS_MAX = 4


def number(value):
    """An address in JSON is a string."""
    return int(value, 16) if isinstance(value, str) else value


def by_tid(rows):
    return {r["tid"]: r for r in rows if r.get("tid")}


def strict(truth, task):
    """Nothing but a bug of ours can make this task look different."""
    return task.tid in truth.quiet and not task.flags & PF_KTHREAD


def known_tasks(truth, rows):
    """Rows of tasks that the guest never had. A task that cannot be read has no pid: -1, and a reason."""
    unknown = [r for r in rows if r.get("tid") and r["tid"] not in truth.tasks
               and not str(r.get("comm", "")).startswith("kworker/") and not (r["tid"] == -1 and r.get("why"))]
    out = [f"unknown task {r.get('tid')} {r.get('comm')!r}" for r in unknown]
    return out if len(rows) < 100000 else out + ["endless rows"]


def task_set(truth, rows):
    """Every thread of the guest, once, and an idle task for each CPU."""
    out = known_tasks(truth, rows)
    seen = collections.Counter(r.get("tid") for r in rows)
    out += [f"task {tid} is there {n} times" for tid, n in seen.items() if tid and (n > 1 or tid < 0)]
    gone = [t for tid, t in truth.tasks.items() if tid not in seen]
    workers = [t for t in gone if t.worker()]
    out += [f"no task {t.tid} {t.comm!r}" for t in gone if t not in workers]
    if len(workers) > WORKERS_MAX:
        out.append(f"{len(workers)} kernel workers are missing")
    for tid, t in truth.tasks.items():
        row = next((r for r in rows if r.get("tid") == tid), None)
        if row and row.get("pid") != t.pid:
            out.append(f"task {tid} belongs to {row.get('pid')} instead of {t.pid}")
    idle = sorted(str(r.get("comm")) for r in rows if r.get("tid") == 0)
    want = [f"swapper/{cpu}" for cpu in range(truth.cpus())]
    return out if idle == want else out + [f"idle tasks {idle} instead of {want}"]


def task_facts(truth, rows):
    out = []
    for tid, row in by_tid(rows).items():
        t = truth.tasks.get(tid)
        # A worker's pid may belong to a new worker by now.
        if not t or (t.worker() and not t.comm_matches(str(row.get("comm")))):
            continue

        def differs(what, got, want):
            if got != want:
                out.append(f"task {tid} {t.comm!r}: {what} {got!r} instead of {want!r}")
        if not t.comm_matches(str(row.get("comm"))):
            out.append(f"task {tid}: name {row.get('comm')!r} instead of {t.comm!r}")
        differs("ppid", row.get("ppid"), t.ppid)
        # A kernel thread may have borrowed an address space, which /proc does not show.
        if not t.flags & PF_KTHREAD:
            differs("vsz_kb", row.get("vsz_kb"), t.vsz_kb)
        if abs(row.get("start_ns", 0) // 10000000 - t.start) > 1:
            differs("start (ticks)", row.get("start_ns", 0) // 10000000, t.start)
        if strict(truth, t):
            differs("state", row.get("state"), t.state)
            differs("cpu", row.get("cpu"), t.cpu)
    return out


def shown_frames(truth, frames):
    """kcodbg's frames as /proc/PID/stack would show them."""
    skip = truth.unlisted_text
    out = []
    for f in frames:
        pc = number(f.get("pc")) or 0
        if not any(start <= pc - 1 < end for start, end in skip):
            out.append((f.get("function"), number(f.get("offset")), f.get("module")))
    return out


def stacks(truth, rows):
    """The stack of every task that slept."""
    out, moved, compared = [], [], 0
    for tid, t in truth.tasks.items():
        row = rows.get(tid)
        if not row or t.state == "R" or not t.stack or row.get("active"):
            continue
        got = shown_frames(truth, row.get("frames", []))
        want = [f.key() for f in t.stack]
        compared += 1
        if any(f.get("by") == "scan" for f in row.get("frames", [])):
            out.append(f"task {tid} {t.comm!r}: guessed frames")
        elif got != want:
            text = f"task {tid} {t.comm!r}: {brief(got)} instead of {brief(want)}"
            (out if strict(truth, t) else moved).append(text)
    if len(moved) > MOVED_MAX:
        out += moved
    if compared < len(truth.tasks) - WORKERS_MAX - 12:
        out.append(f"only {compared} stacks of {len(truth.tasks)} tasks could be compared")
    return out


def brief(frames):
    return " ".join(f"{n}+{o:#x}" if isinstance(o, int) else str(n) for n, o, _ in frames) or "(nothing)"


def user_registers(truth, rows):
    """Where quiet user tasks left user mode. /proc/PID/syscall has it for tasks that sleep."""
    out, compared = [], 0
    for tid in truth.quiet:
        want = truth.tasks[tid].user_pc_sp()
        row = rows.get(tid)
        if not want or not row:
            continue
        user = row.get("user") or {}
        got = (number(user.get("pc")), number(user.get("sp")))
        compared += 1
        if got != want:
            out.append(f"task {tid}: user pc, sp {got} instead of {want}")
    return out if compared > 5 else out + [f"only {compared} tasks compared"]


def panic(truth, rows, ps_rows):
    """The panic task is the one that the trace names, and its frames are those of the trace."""
    pid, cpu = truth.panic_pid()
    flagged = [r.get("tid") for r in ps_rows if r.get("panic")]
    out = [] if flagged == [pid] else [f"ps marks {flagged} as the panic task instead of {pid}"]
    if pid not in rows:
        return out + [f"no row of task {pid}"]
    if rows[pid].get("cpu") != cpu:
        out.append(f"the panic task is on CPU {rows[pid].get('cpu')} instead of {cpu}")
    want = [f.key() for f in truth.panic_trace()]
    got = [(f.get("function"), number(f.get("offset")), f.get("module")) for f in rows[pid].get("frames", [])]
    names = [f[0] for f in got]
    if want[0][0] not in names:
        return out + [f"no {want[0][0]} in {brief(got)}"]
    # Those above panic() came later than the print, and panic() itself went on.
    got = got[names.index(want[0][0]):]
    if [want[0][0]] + got[1:] != [want[0][0]] + want[1:]:
        out.append(f"{brief(got)} instead of {brief(want)}")
    return out


def rips(truth, rows, ps_rows):
    """One task for each CPU, whose stack starts where QEMU says that the CPU stood (a real kdump does not tell)."""
    active = {r.get("task"): r.get("cpu") for r in ps_rows if r.get("active")}
    out, want = [], truth.rips()
    if sorted(active.values()) != list(range(truth.cpus())):
        out.append(f"active on the CPUs {sorted(active.values())} instead of {truth.cpus()}")
    for r in rows:
        if r.get("task") not in active:
            continue
        cpu, first = active[r["task"]], (r.get("frames") or [{}])[0]
        # A CPU that an NMI took from user mode has no kernel frame, only user registers.
        if not first and cpu not in want and number((r.get("user") or {}).get("pc")):
            continue
        if first.get("by") != "regs" or number(first.get("pc")) != want.get(cpu, number(first.get("pc"))):
            out.append(f"CPU {cpu} starts at {first.get('pc')} by {first.get('by')} instead of {want.get(cpu, 0):#x}")
    return out


def log(truth, rows):
    got = []
    for r in rows:
        ts = r.get("ts_ns", 0) // 1000
        got += [(f"{ts // 1000000}.{ts % 1000000:06d}", line) for line in str(r.get("text")).split("\n")]
    want, from_dmesg = truth.log()
    if got[:from_dmesg] != want[:from_dmesg]:
        at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), from_dmesg))
        return [f"line {at}: {got[at:at + 1]} instead of {want[at:at + 1]}"]
    if got[from_dmesg:] != want[from_dmesg:]:
        a, b = got[from_dmesg:], want[from_dmesg:]
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        return [f"after dmesg, line {at}: {a[at:at + 1]} instead of {b[at:at + 1]}"]
    return []


def modules(truth, rows):
    want = truth.modules()
    got = {r.get("name"): (number(r.get("base")), r.get("size")) for r in rows}
    out = [f"no module {m}" for m in want if m not in got] + [f"unknown module {m}" for m in got if m not in want]
    out += [f"{m}: {got[m]} instead of {want[m]}" for m in want if m in got and got[m] != want[m]]
    return out + [f"{r.get('name')}: state {r.get('state')}" for r in rows if r.get("state") != "live"]


def system(truth, meta, rows):
    if len(rows) != 1:
        return [f"{len(rows)} rows"]
    row, out = rows[0], []
    want = {k: truth.self[k] for k in ("nodename", "release", "version", "machine")}
    want["cpus"] = truth.cpus()
    want["page_levels"] = 4 if "la57=off" in meta["cpu"] else 5
    for key, value in want.items():
        if row.get(key) != value:
            out.append(f"{key} {row.get(key)!r} instead of {value!r}")
    if number(row.get("kaslr")) != truth.kaslr():
        out.append(f"kaslr {row.get('kaslr')} instead of {truth.kaslr():#x}")
    reason = truth.panic_text()[0].split("not syncing: ")[1]
    if reason not in str(row.get("panic")):
        out.append(f"panic {row.get('panic')!r} without {reason!r}")
    return out


def symbol_list(symbols, rows):
    """All of /proc/kallsyms but the assembler's own labels, which the kernel never answers with either."""
    want = collections.Counter((addr, name, module) for addr, _, name, module in symbols if name[:2] != ".L")
    got = collections.Counter((number(r.get("addr")), r.get("name"), r.get("module")) for r in rows)
    lost = list((want - got).elements())
    mods = {m for _, _, _, m in symbols}
    extra = [s for s in (got - want).elements() if s[2] in mods]
    return [f"no {n} at {a:#x} [{m}]" for a, n, m in lost] + [f"unknown {n} at {a:#x} [{m}]" for a, n, m in extra]


def symbol_addresses(symbols, asked, rows):
    """Each address has the name that the kernel prints for it: of several, the first in its table's order."""
    names = {}
    for addr, _, name, module in symbols:
        if name[:2] != ".L":
            names.setdefault(addr, (name, module))
    got = {number(r.get("addr")): (r.get("name"), r.get("module"), r.get("offset")) for r in rows}
    return [f"{addr:#x} is {got.get(addr)} instead of {names[addr]}" for addr in asked
            if got.get(addr) != (*names[addr], 0)]


def functions(symbols):
    """The addresses of all functions."""
    return sorted({addr for addr, kind, name, _ in symbols if kind in "tTwW" and name[:2] != ".L" and addr >> 63})


def sample_names(symbols):
    """About 200 names, spread over the table."""
    plain = [name for _, _, name, _ in symbols if name.replace("_", "a").isalnum() and not is_number(name)]
    return sorted(set(plain[:: max(1, len(plain) // 200)]))


def is_number(name):
    """A word that an address could be written as."""
    try:
        int(name, 16)
        return True
    except ValueError:
        return False


def symbol_names(symbols, sample, rows):
    names = set(sample)
    want = collections.Counter((addr, name, module) for addr, _, name, module in symbols if name in names)
    got = collections.Counter((number(r.get("addr")), r.get("name"), r.get("module")) for r in rows)
    if want == got:
        return []
    return [f"{n} at {a:#x}: {got[(a, n, m)]} times instead of {want[(a, n, m)]}"
            for a, n, m in (want - got) + (got - want)]


FILE_KEYS = ("dumpfile", "partial", "incomplete", "format", "dump_level", "missing")


def without_file(rows):
    return [{k: v for k, v in r.items() if k not in FILE_KEYS} for r in rows]


def without_running(truth, rows):
    """Without what depends on registers: the rows of the CPUs' tasks."""
    running = {tid for tid, t in truth.tasks.items() if t.state == "R"} | {0, truth.panic_pid()[0]}
    return [r for r in rows if r.get("tid") not in running]


def difference(theirs, ours):
    if theirs == ours:
        return []
    if len(theirs) != len(ours):
        return [f"{len(ours)} rows instead of {len(theirs)}"]
    at = next(i for i, (a, b) in enumerate(zip(theirs, ours)) if a != b)
    keys = [k for k in {**theirs[at], **ours[at]} if theirs[at].get(k) != ours[at].get(k)]
    return [f"row {at} differs in {', '.join(keys)}: {str(ours[at].get(keys[0]))[:200]} "
            f"instead of {str(theirs[at].get(keys[0]))[:200]}"]
