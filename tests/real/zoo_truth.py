# SPDX-License-Identifier: GPL-2.0-or-later
"""What the zoo's guests said: truth/zoo.jsonl (zoo/README.md) on top of what truth.py reads."""

import functools
import json
import os
import re
import struct

from truth import Truth


def number(value):
    """Numbers above 32 bits are strings of hex, in the facts as in kcodbg's JSON."""
    return int(value, 16) if isinstance(value, str) else value


class Zoo(Truth):
    def __init__(self, case_dir):
        super().__init__(case_dir)
        self.case_dir = case_dir
        self.facts = [json.loads(line) for line in self.text("zoo.jsonl").splitlines()]
        self.panic_pid = int(self.self["panic_pid"])

    def of(self, kind, pid=None):
        return [f for f in self.facts if f["is"] == kind and pid in (None, f.get("pid"))]

    @functools.cached_property
    def roles(self):
        """role -> [pid]. The last one that a process said is the one it plays."""
        played, out = {}, {}
        for f in self.of("role"):
            played[f["pid"]] = f["role"]
        for pid, role in played.items():
            out.setdefault(role, []).append(pid)
        return out

    def bytes(self, name):
        try:
            with open(os.path.join(self.dir, name), "rb") as f:
                return f.read()
        except OSError:
            return b""

    def pids(self):
        """Processes with memory of their own, without the one that died (its own maps were read while it ran)."""
        return sorted(t.pid for t in self.tasks.values() if t.tid == t.pid and self.bytes(f"tasks/{t.pid}/maps"))

    def threads(self, pid):
        return sorted(t.tid for t in self.tasks.values() if t.pid == pid)

    def maps(self, pid):
        """The lines of /proc/PID/maps."""
        return self.bytes(f"tasks/{pid}/maps").split(b"\n")[:-1]

    def areas(self, pid):
        """[(start, end, permissions, name)]"""
        out = []
        for line in self.maps(pid):
            f = line.split(None, 5)
            start, end = (int(v, 16) for v in f[0].split(b"-"))
            out.append((start, end, f[1].decode(), f[5] if len(f) > 5 else b""))
        return out

    def auxv(self, pid):
        raw = self.bytes(f"tasks/{pid}/auxv")
        word = "<I" if any(f.get("bits") == 32 for f in self.of("role", pid)) else "<Q"
        words = [v[0] for v in struct.iter_unpack(word, raw)]
        # /proc gives all that the kernel keeps room for; a 32-bit process's goes on behind AT_NULL.
        end = next((i for i in range(0, len(words), 2) if words[i] == 0), len(words))
        return words[:end + 2]

    @functools.cache
    def pages(self, pid):
        """va -> entry of /proc/PID/pagemap, of the pages that have one."""
        out = {}
        for line in self.bytes(f"p{pid}.pages").split(b"\n")[:-1]:
            va, entry = line.split()
            out[int(va, 16)] = int(entry, 16)
        return out

    def smaps_total(self, pid, key):
        """Sum of one line of smaps, bytes."""
        return 1024 * sum(map(int, re.findall(rb"^%s: +(\d+) kB" % key, self.bytes(f"p{pid}.smaps"), re.M)))

    def status(self, tid, key):
        m = re.search(rb"^%s:\s*(.*)$" % key, self.bytes(f"tasks/{tid}/status"), re.M)
        return m.group(1).decode() if m else None

    @functools.cached_property
    def swaps(self):
        """The swap areas in the order of their numbers."""
        return [line.split()[0] for line in self.text("swaps").splitlines()[1:]]

    def swap_place(self, pid, va):
        """(swap area, page of it) of a page that pagemap says is swapped, else None."""
        entry = self.pages(pid).get(va & ~0xfff, 0)
        if entry >> 62 != 1 or entry & 0x1f >= len(self.swaps):
            return None
        return self.swaps[entry & 0x1f], entry >> 5 & (1 << 50) - 1

    def zram_codec(self, device):
        """The compressor of /dev/zramN: the one in brackets."""
        return re.search(r"\[(\S+)\]", self.text(os.path.basename(device) + ".comp_algorithm")).group(1)
