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
