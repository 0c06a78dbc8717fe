#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The zoo's checker must be able to fail: each comparison, given one wrong thing, says so. Needs no dump and no guest."""

import copy
import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import zoo_compare as compare  # noqa: E402
import zoo_debuggers  # noqa: E402
from selftest import make_case, write  # noqa: E402
from zoo_truth import Zoo  # noqa: E402

MAPS = """00400000-00401000 r--p 00000000 00:02 6                                  /bin/zoo-pie
7f0000000000-7f0000002000 rw-p 00000000 00:00 0 
7f0000010000-7f0000011000 rw-s 00001000 103:02 11                        /srv/odd\tname\x01
7ffff0000000-7ffff0021000 rw-p 00000000 00:00 0                          [stack]
"""
FACTS = [
    {"is": "role", "role": "zoo-pie", "pid": 5, "tid": 5},
    {"is": "marker", "pid": 5, "addr": "0x7f0000000010", "where": "anonymous", "text": "zoo-marker a"},
    {"is": "marker", "pid": 5, "addr": "0x7f0000003100", "where": "zram lz4", "text": "zoo-marker b"},
    {"is": "marker", "pid": 5, "addr": "0x7f0000001000", "where": "file on disk", "text": "zoo-marker c"},
    {"is": "marker", "pid": 5, "addr": "0x7f0000004100", "where": "swap file", "text": "zoo-marker d"},
    {"is": "zeros", "pid": 5, "addr": "0x7f0000001200", "where": "zero page"},
    {"is": "swapped", "pid": 5, "tag": "zram lz4", "device": "/dev/zram0", "pages": 96, "of": 96},
    {"is": "swapped", "pid": 5, "tag": "swap file", "device": "/swap", "pages": 96, "of": 96},
    {"is": "chain", "pid": 5, "tid": 5, "frames": "leaf,?,mid,main,..."},
    {"is": "regs", "pid": 5, "tid": 5, "regs": {"rbx": "0x5a", "rflags": "0x246"}, "dr": ["0x1"] * 8},
    {"is": "vector", "pid": 5, "tid": 5, "regs": {"ymm0": "00" * 31 + "01"}, "st": [1, 2, 3]},
    {"is": "pending", "pid": 5, "tid": 5, "signo": 10, "code": -1, "value": "0x77", "sender": 5, "uid": 0, "queue": "shared"},
    {"is": "pending", "pid": 5, "tid": 5, "signo": 12, "code": -1, "value": "0x78", "sender": 5, "uid": 0, "queue": "thread"},
    {"is": "blocked", "pid": 5, "tid": 5, "signos": [10]},
    {"is": "handler", "pid": 5, "signo": 10, "function": "h", "addr": "0x1230", "flags": "0x10000004", "mask": [1]},
    {"is": "ignored", "pid": 5, "signo": 13},
    {"is": "breakpoint", "kind": "ptrace", "pid": 5, "addr": "0x401010", "access": "x", "function": "f", "original": "0x55"},
    {"is": "uprobe", "where": "/bin/zoo-pie:0x10", "function": "f"},
    {"is": "stop", "pid": 5, "tid": 5, "kind": "trace signal", "status": "0xa7f", "signo": 10, "tracer": 7, "trap": "",
     "si_signo": 10, "si_code": -1, "si_pid": 5, "si_addr": "0x5", "si_value": "0x1234"},
    {"is": "stop", "pid": 6, "tid": 6, "kind": "futex", "syscall": "futex"},
    {"is": "stop", "pid": 7, "tid": 7, "kind": "trace fork", "signo": 5, "tracer": 6, "trap": "TRAP_CHLD", "message": 8},
    {"is": "stop", "pid": 8, "tid": 8, "kind": "zombie", "status": 3},
]
STOPS = {
    5: {"kind": "trace signal", "signal": 10, "tracer": 7, "trap": None, "siginfo":
        {"signo": 10, "code": -1, "pid": 5, "value": "0x1234"}},
    6: {"kind": "futex", "syscall_name": "futex"},
    7: {"kind": "trace fork", "signal": 5, "tracer": 6, "trap": "TRAP_CHLD", "child": 8},
    8: {"kind": "zombie", "status": 0x300},
    9: {"kind": "panic"},
}


def set_at(value, path, new):
    """A copy of nested lists and dicts with one thing changed."""
    out = copy.deepcopy(value)
    at = out
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    return out


class ZooTest(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        make_case(self.work.name, [*((i, f"task{i}", "Z" if i == 8 else "S", 0) for i in range(5, 9)),
                                   (9, "collect", "R", 0)])
        for pid in (5, 6, 7, 9):
            write(f"{self.work.name}/truth/tasks/{pid}/maps", MAPS)
        write(f"{self.work.name}/truth/p5.pages", "7f0000000000 8100000000000123\n7f0000003000 4100000000000040\n"
              "7f0000004000 4100000000000061\n")
        write(f"{self.work.name}/truth/swaps", "Filename Type\n/dev/zram0 partition\n/swap file\n")
        write(f"{self.work.name}/truth/zram0.comp_algorithm", "lzo [lz4] zstd\n")
        write(f"{self.work.name}/truth/zoo.jsonl", "".join(json.dumps(f) + "\n" for f in FACTS))
        write(f"{self.work.name}/truth/kprobes", "ffffffff81000104  k  f+0x4    [FTRACE]\n")
        self.zoo = Zoo(self.work.name)

    def tearDown(self):
        self.work.cleanup()

    def bad(self, problems):
        self.assertTrue(problems, "a wrong answer went by")

    def good(self, problems):
        self.assertEqual(problems, [])

    def test_facts__a_missing_role_is_said(self):
        self.assertIn("no role zoo-mem", compare.facts(self.zoo))
        self.assertNotIn("no role zoo-pie", compare.facts(self.zoo))

    def test_maps__any_differing_line(self):
        text = MAPS.replace("\t", "\\x09").replace("\x01", "\\x01")
        self.good(compare.maps_text(self.zoo, 5, text))
        for wrong in (text.replace("rw-s", "rw-p"), text.replace("103:02", "103:03"), text.replace("[stack]", "[heap]"),
                      text + "0-1 r--p 0 00:00 0\n", text[text.index("\n") + 1:], ""):
            self.bad(compare.maps_text(self.zoo, 5, wrong))

    def test_maps_rows__areas_and_rights(self):
        rows = [{"start": hex(a), "end": hex(b), "perms": p} for a, b, p, _ in self.zoo.areas(5)]
        self.good(compare.maps_rows(self.zoo, 5, rows))
        self.bad(compare.maps_rows(self.zoo, 5, rows[1:]))
        self.bad(compare.maps_rows(self.zoo, 5, set_at(rows, (0, "perms"), "rwxp")))

    def test_chain__patterns(self):
        for want, got, ok in (
                ("a,b", "a b", True), ("a,b", "a", False), ("a,b", "a b c", False), ("a,?,c", "a x c", True),
                ("a,?,c", "a c", False), ("...,c", "a b c", True), ("...,c", "a b", False), ("a,...", "a", True),
                ("a,...,d,...", "a b c d e", True), ("a,...,d", "a d e", False)):
            self.assertEqual(compare.chain_matches(want.split(","), got.split()), ok, (want, got))

    def test_chains__wrong_and_missing_stacks(self):
        self.good(compare.chains(self.zoo, lambda pid, tid: ["leaf", "walk", "mid", "main", "start"]))
        self.bad(compare.chains(self.zoo, lambda pid, tid: ["leaf", "mid", "main"]))
        self.bad(compare.chains(self.zoo, lambda pid, tid: None))
        self.assertEqual(compare.frames_of([{"tid": 5, "user_frames": [{"function": "leaf@V"}, {"function": None}]}]),
                         {5: ["leaf", "??"]})

    def memory(self, **changed):
        texts = {"a": (0x7f0000000010, "zoo-marker a"), "b": (0x7f0000003100, "zoo-marker b"),
                 "d": (0x7f0000004100, "zoo-marker d"), **changed}
        rows = [{"addr": hex(addr), "width": 1, "words": [hex(c) for c in text.encode()]}
                for addr, text in filter(None, texts.values())]
        return {5: compare.memory_of(rows)}

    def test_markers__wrong_missing_and_impossible_bytes(self):
        facts = self.zoo.of("marker")
        self.good(compare.markers(self.memory(), facts, True))
        self.good(compare.markers(self.memory(d=None), facts[:2] * 4 + facts, True))
        self.bad(compare.markers(self.memory(a=(0x7f0000000010, "zoo-marker x")), facts, True))
        self.bad(compare.markers(self.memory(b=None), facts, True))
        self.good(compare.markers(self.memory(b=None), facts, False))
        self.bad(compare.markers(self.memory(b=(0x7f0000003100, "\0" * 12)), facts, False))
        self.bad(compare.markers(self.memory(c=(0x7f0000001000, "zoo-marker c")), facts, True))
        self.bad(compare.markers({}, facts, True))

    def test_page_states__state_compressor_and_swap_area(self):
        def row(addr, **page):
            return {"pid": 5, "address": hex(addr), "page": page}
        rows = [row(0x7f0000000010, state="present"),
                row(0x7f0000003100, state="zram", codec="lz4", swap_name="/dev/zram0", swap_offset=2),
                row(0x7f0000001000, state="file"), row(0x7f0000001200, state="zero"),
                row(0x7f0000004100, state="swap file", swap_name="/swap", swap_offset=3)]
        self.good(compare.page_states(self.zoo, rows))
        for path, new in (((0, "page", "state"), "zero"), ((1, "page", "state"), "swap file"),
                          ((1, "page", "codec"), "lzo"), ((1, "page", "swap_name"), "/dev/zram1"),
                          ((1, "page", "swap_offset"), 3), ((2, "page", "state"), "page cache"),
                          ((3, "page", "state"), "unmapped"), ((4, "page", "state"), "zram"), ((0, "pid"), 6)):
            self.bad(compare.page_states(self.zoo, set_at(rows, path, new)))

    def test_pagemap__another_frame(self):
        rows = [{"pid": 5, "address": "0x7f0000000010", "page": {"state": "present", "pa": "0x123000", "size": 4096}}]
        self.good(compare.pagemap(self.zoo, 5, rows))
        self.bad(compare.pagemap(self.zoo, 5, set_at(rows, (0, "page", "pa"), "0x124000")))
        self.bad(compare.pagemap(self.zoo, 5, set_at(rows, (0, "page", "pa"), None)))

    def test_registers__values_and_their_absence(self):
        rows = [{"tid": 5, "registers": {"rbx": "0x5a", "rflags": "0x246"}}]
        self.good(compare.registers(self.zoo, rows))
        self.good(compare.registers(self.zoo, [{"tid": 5, "registers": {"ebx": "0x5a", "eflags": "0x246"}}]))
        self.bad(compare.registers(self.zoo, set_at(rows, (0, "registers", "rbx"), "0x5b")))
        self.bad(compare.registers(self.zoo, [{"tid": 5, "registers": {"rbx": "0x5a"}}]))
        self.bad(compare.registers(self.zoo, []))

    def many(self):
        """Enough threads for the checks that want a certain number."""
        for tid in range(100, 180):
            self.zoo.tasks[tid] = copy.copy(self.zoo.tasks[5])
            self.zoo.tasks[tid].tid = tid
            self.zoo.quiet.add(tid)
        return range(100, 180)

    def test_sleepers__pc_sp_and_number(self):
        row = {"registers": {"rip": "0x401000", "rsp": "0x7ffc0"}, "syscall": 0}
        rows = [dict(row, tid=tid) for tid in self.many()]
        self.good(compare.sleepers(self.zoo, rows))
        self.bad(compare.sleepers(self.zoo, rows[:9]))
        self.bad(compare.sleepers(self.zoo, set_at(rows, (1, "registers", "rsp"), "0x7ffc8")))
        self.bad(compare.sleepers(self.zoo, set_at(rows, (1, "syscall"), 1)))

    def test_arguments__each(self):
        stop = {"syscall": 0, "args": ["0x1", "0x2", "0x3"]}
        rows = [{"threads": [{"tid": tid, "stop": stop}]} for tid in self.many()]
        self.good(compare.arguments(self.zoo, rows))
        self.bad(compare.arguments(self.zoo, rows[:9]))
        self.bad(compare.arguments(self.zoo, set_at(rows, (1, "threads", 0, "stop", "args", 2), "0x4")))
        self.bad(compare.arguments(self.zoo, set_at(rows, (1, "threads", 0, "stop", "syscall"), 1)))

    def test_vectors__one_byte(self):
        rows = [{"tid": 5, "vector": {"ymm0": "0x01" + "00" * 31, "st0": "0x3fff8000000000000000",
                                      "st1": "0x40008000000000000000", "st2": "0x4000c000000000000000"}}]
        self.good(compare.vectors(self.zoo, rows))
        self.bad(compare.vectors(self.zoo, set_at(rows, (0, "vector", "ymm0"), "0x01")))
        self.bad(compare.vectors(self.zoo, set_at(rows, (0, "vector", "st2"), "0x40008000000000000000")))
        self.bad(compare.vectors(self.zoo, []))

    def test_debug_registers__each(self):
        rows = [{"tid": 5, "debug": {f"dr{i}": "0x1" for i in (0, 1, 2, 3, 6, 7)}}]
        self.good(compare.debug_registers(self.zoo, rows))
        for i in (0, 1, 2, 3, 6, 7):
            self.bad(compare.debug_registers(self.zoo, set_at(rows, (0, "debug", f"dr{i}"), "0x2")))

    def test_signals__queues_masks_handlers(self):
        def info(signo, value):
            return {"siginfo": {"signo": signo, "code": -1, "pid": 5, "uid": 0, "value": value}}
        rows = [{"tid": 5, "blocked": "0x200", "shared_pending": {"set": "0x200", "queue": [info(10, "0x77")]},
                 "private_pending": {"set": "0x800", "queue": [info(12, "0x78")]},
                 "actions": [{"signo": 10, "handler": "0x1230", "mask": "0x1", "flags": "0x14000004", "symbol": "h+0"},
                             {"signo": 13, "handler": "0x1", "mask": "0x0", "flags": "0x0"}]}]
        self.good(compare.signals(self.zoo, rows))
        for path, new in ((("blocked",), "0x0"), (("shared_pending", "set"), "0x0"), (("shared_pending", "queue"), []),
                          (("private_pending", "queue"), [info(12, "0x79")]),
                          (("private_pending", "queue"), [info(12, "0x78")] * 2), (("actions", 0, "handler"), "0x1231"),
                          (("actions", 0, "mask"), "0x3"), (("actions", 0, "flags"), "0x0"),
                          (("actions", 0, "symbol"), "g+0"), (("actions", 1, "handler"), "0x0")):
            self.bad(compare.signals(self.zoo, set_at(rows, (0, *path), new)))

    def test_breakpoints__a_missing_and_an_invented_one(self):
        rows = [{"pid": 5, "kind": "ptrace", "addr": "0x401010", "access": "x", "original": "0x55"},
                {"kind": "uprobe", "path": "/bin/zoo-pie", "offset": "0x10"}, {"kind": "kprobe", "addr": "0xffffffff81000104"}]
        self.good(compare.breakpoints(self.zoo, rows))
        for i in range(3):
            self.bad(compare.breakpoints(self.zoo, rows[:i] + rows[i + 1:]))
        self.bad(compare.breakpoints(self.zoo, set_at(rows, (0, "original"), "0x56")))
        self.bad(compare.breakpoints(self.zoo, set_at(rows, (0, "access"), "w")))
        self.bad(compare.breakpoints(self.zoo, rows + [dict(rows[0], addr="0x401020")]))

    def test_images__path_place_and_build_id(self):
        write(f"{self.work.name}/truth/tasks/5/maps", MAPS.replace("00400000-00401000 r--p", "00400000-00401000 r-xp"))
        rows = [{"path": "/bin/zoo-pie", "start": "0x400000", "build_id": "abcd"}]
        self.good(compare.images(self.zoo, 5, rows, lambda path: "abcd"))
        self.bad(compare.images(self.zoo, 5, rows, lambda path: "abce"))
        self.bad(compare.images(self.zoo, 5, [], lambda path: None))
        self.bad(compare.images(self.zoo, 5, set_at(rows, (0, "start"), "0x401000"), lambda path: None))
        self.bad(compare.images(self.zoo, 5, rows + [{"path": "/lib/x"}], lambda path: None))

    def process_rows(self):
        return [{"pid": t.pid, "name": t.comm.decode(), "ppid": t.ppid, "hidden": False,
                 "threads": [{"tid": t.tid, "state": t.state, "stop": STOPS[t.pid]}]} for t in self.zoo.tasks.values()]

    def test_processes__each_column(self):
        rows = self.process_rows()
        self.good(compare.processes(self.zoo, rows))
        for path, new in (((0, "pid"), 77), ((0, "name"), "x"), ((0, "ppid"), 77), ((0, "hidden"), True),
                          ((0, "threads"), []), ((0, "threads", 0, "tid"), 77), ((0, "threads", 0, "state"), "D")):
            self.bad(compare.processes(self.zoo, set_at(rows, path, new)))

    def test_stops__kind_and_what_goes_with_it(self):
        rows = self.process_rows()
        self.good(compare.stops(self.zoo, rows))
        order = {r["pid"]: i for i, r in enumerate(rows)}
        for pid, path, new in ((5, ("kind",), "syscall"), (5, ("signal",), 11), (5, ("tracer",), 8),
                               (5, ("siginfo", "value"), "0x1235"), (5, ("siginfo", "code"), 0), (5, ("siginfo",), None),
                               (6, ("syscall_name",), "read"), (7, ("child",), 9), (7, ("trap",), "TRAP_LWP"),
                               (8, ("status",), 3), (8, ("kind",), "dead"), (9, ("kind",), "syscall")):
            self.bad(compare.stops(self.zoo, set_at(rows, (order[pid], "threads", 0, "stop", *path), new)))

    def test_lldb__its_output_is_read(self):
        got = zoo_debuggers.lldb_parse(
            "* thread #1, name = 'zoo', stop reason = signal SIGSTOP\n"
            "  * frame #0: 0x00007f9637baddf2 libc.so.6`__libc_pause at pause.c:29:10\n"
            "    frame #1: 0x000055c256b0917b zoo`main(argc=1) + 36\n"
            "    frame #2: 0x000055c256b0917c\n"
            "  thread #2, stop reason = signal 0\n"
            "    frame #0: 0x0000000000000001 zoo`leaf + 4\n"
            "[  0] A3F4-11 0x000055c256b08000 /bin/zoo \n")
        self.assertEqual([[f["name"] for f in t["frames"]] for t in got["threads"]],
                         [["__libc_pause", "main", None], ["leaf"]])
        self.assertEqual([t["stop"] for t in got["threads"]], ["signal SIGSTOP", "signal 0"])
        self.assertEqual(got["images"], [[0x55c256b08000, "/bin/zoo"]])


if __name__ == "__main__":
    unittest.main()
