#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The checker must be able to fail: each comparison, given one wrong thing, says so.

Also the writers of the lab's own formats, read back. Needs no dump and no guest.
"""

import copy
import os
import struct
import sys
import tempfile
import unittest
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import compare  # noqa: E402
from labkit import formats, guest  # noqa: E402
from truth import Truth  # noqa: E402

SERIAL = b"""[    0.000000] Linux version 6
collect: done
[    5.000001] Kernel panic - not syncing: sysrq triggered crash
[    5.000002] CPU: 0 PID: 9 Comm: collect Not tainted
[    5.000003] Call Trace:
[    5.000004]  <TASK>
[    5.000005]  dump_stack_lvl+0x44/0x5c
[    5.000006]  panic+0x118/0x2f4
[    5.000007]  ? guess+0x1/0x2
[    5.000008]  tun_read+0x24/0x40 [tun]
[    5.000009] RIP: 0010:clear_user+0xa/0x20
[    5.000010]  entry+0x6e/0xd8
[    5.000011] RIP: 0033:0x432850
[    5.000012]  </TASK>
[    5.000013] ---[ end Kernel panic - not syncing: sysrq triggered crash ]---
"""

STAT = "{tid} ({comm}) {state} 1 0 0 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 500 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())


def make_case(folder, tasks):
    """A guest of a few tasks, as collect.c writes it."""
    t = os.path.join(folder, "truth")
    write(os.path.join(folder, "serial.log"), SERIAL)
    write(f"{t}/self", "panic_pid=9\nnodename=n\nrelease=6\nversion=v\nmachine=x86_64\n")
    write(f"{t}/cpuinfo", "processor\t: 0\nprocessor\t: 1\n")
    write(f"{t}/dmesg", "<5>[    0.000000] Linux version 6\n")
    write(f"{t}/modules", "tun 100 0 - Live 0xffffffffc0000000\n")
    write(f"{t}/registers", "CPU#0\nRAX=0 RIP=ffffffff81000018 RFL\nCPU#1\nRIP=ffffffff81000700 X\n")
    write(f"{t}/kallsyms", "ffffffff81000000 T _text\nffffffff81000000 T panic\nffffffff81000100 t sleeper\n"
          "ffffffff81000200 T __sched_text_start\nffffffff81000200 t schedule\nffffffff81000300 T __sched_text_end\n"
          "ffffffffc0000000 t tun_read\t[tun]\nffffffffc0001000 t prog\t[bpf]\n")
    for sub in ("tasks0", "tasks"):
        for tid, comm, state, flags in tasks:
            d = f"{t}/{sub}/{tid}"
            write(f"{d}/stat", STAT.format(tid=tid, comm=comm, state=state, flags=flags))
            write(f"{d}/status", f"Tgid:\t{tid}\nPPid:\t1\nVmSize:\t  40 kB\nvoluntary_ctxt_switches:\t1\n"
                  "nonvoluntary_ctxt_switches:\t0\n")
            write(f"{d}/comm", comm + "\n")
            write(f"{d}/syscall", "0 0x1 0x2 0x3 0x4 0x5 0x6 0x7ffc0 0x401000\n")
            write(f"{d}/stack", "[<0>] sleeper+0x10/0x20\n[<0>] tun_read+0x8/0x10 [tun]\n")


class CheckerTest(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        names = [(i, f"task{i}", "S", 0) for i in range(2, 9)]
        make_case(self.work.name, [*names, (9, "collect", "R", 0), (30, "bad) S\033[1m", "S", 0)])
        self.truth = Truth(self.work.name)
        frames = [(0xffffffff81000210, "schedule", 16, None), (0xffffffff81000110, "sleeper", 16, None),
                  (0xffffffffc0000008, "tun_read", 8, "tun")]
        self.rows = [{"tid": 0, "pid": 0, "comm": f"swapper/{c}"} for c in (0, 1)]
        for t in self.truth.tasks.values():
            self.rows.append({
                "tid": t.tid, "pid": t.pid, "ppid": 1, "comm": t.comm.decode(), "vsz_kb": 40, "start_ns": 5000000000,
                "state": t.state, "cpu": 1, "user": {"pc": "0x401000", "sp": "0x7ffc0"},
                "frames": [{"pc": hex(p), "function": f, "offset": o, "module": m, "by": "orc"}
                           for p, f, o, m in frames]})
        self.right = copy.deepcopy(self.rows)

    def again(self):
        self.rows = copy.deepcopy(self.right)

    def tearDown(self):
        self.work.cleanup()

    def row(self, tid):
        return next(r for r in self.rows if r["tid"] == tid)

    def check_stacks(self):
        return compare.stacks(self.truth, compare.by_tid(self.rows))

    def test_task_set(self):
        self.assertEqual(compare.task_set(self.truth, self.rows), [])
        for change in (lambda r: r.remove(self.row(5)), lambda r: r.append(dict(self.row(5))),
                       lambda r: r.append({"tid": 77, "comm": "ghost"}), lambda r: r.pop(0),
                       lambda r: self.row(5).update(pid=4)):
            self.again()
            change(self.rows)
            self.assertTrue(compare.task_set(self.truth, self.rows))

    def test_task_facts(self):
        self.assertEqual(compare.task_facts(self.truth, self.rows), [])
        for change in ({"comm": "other"}, {"ppid": 2}, {"state": "D"}, {"cpu": 0}, {"vsz_kb": 44}, {"start_ns": 0}):
            rows = copy.deepcopy(self.rows)
            next(r for r in rows if r["tid"] == 30).update(change)
            self.assertTrue(compare.task_facts(self.truth, rows), change)

    def test_stacks__scheduler_frames_are_left_out(self):
        self.assertEqual(self.check_stacks(), [])

    def test_stacks__each_difference_is_seen(self):
        for change in ({"function": "other"}, {"offset": 17}, {"module": None}, {"by": "scan"}):
            self.again()
            self.row(3)["frames"][-1].update(change)
            self.assertTrue(self.check_stacks(), change)

    def test_stacks__lost_and_extra_frames_are_seen(self):
        self.row(3)["frames"].pop()
        self.assertTrue(self.check_stacks())
        self.again()
        self.row(3)["frames"].append(dict(self.row(3)["frames"][-1]))
        self.assertTrue(self.check_stacks())

    def test_stacks__no_rows_is_a_failure(self):
        self.truth.tasks.update({100 + i: self.truth.tasks[3] for i in range(40)})
        self.assertTrue(compare.stacks(self.truth, {}))

    def test_user_registers(self):
        rows = compare.by_tid(self.rows)
        self.assertEqual(compare.user_registers(self.truth, rows), [])
        rows[4]["user"]["sp"] = "0x7ffc8"
        self.assertTrue(compare.user_registers(self.truth, rows))
        self.assertTrue(compare.user_registers(self.truth, {}))

    def test_panic(self):
        frames = [("delay", 1, None), ("panic", 5, None), ("tun_read", 0x24, "tun"), ("clear_user", 10, None),
                  ("entry", 0x6e, None)]
        row = {"tid": 9, "cpu": 0, "frames": [{"function": f, "offset": o, "module": m} for f, o, m in frames]}
        ps = [{"tid": 9, "panic": True}]
        self.assertEqual(compare.panic(self.truth, {9: row}, ps), [])
        self.assertTrue(compare.panic(self.truth, {9: row}, [{"tid": 8, "panic": True}]))
        for i, change in ((2, {"module": None}), (3, {"function": "x"}), (4, {"offset": 1}), (1, {"function": "p"})):
            wrong = copy.deepcopy(row)
            wrong["frames"][i].update(change)
            self.assertTrue(compare.panic(self.truth, {9: wrong}, ps), change)
        row["frames"].pop()
        self.assertTrue(compare.panic(self.truth, {9: row}, ps))
        self.assertTrue(compare.panic(self.truth, {}, ps))

    def test_rips(self):
        rows = [{"task": "0x1", "frames": [{"pc": "0xffffffff81000018", "by": "regs"}]},
                {"task": "0x2", "frames": [{"pc": "0xffffffff81000700", "by": "regs"}]},
                {"task": "0x3", "frames": [{"pc": "0xffffffff81000701", "by": "regs"}]}]
        ps = [{"task": "0x1", "cpu": 0, "active": True}, {"task": "0x2", "cpu": 1, "active": True},
              {"task": "0x3", "cpu": 1, "active": False}]
        self.assertEqual(compare.rips(self.truth, rows, ps), [])
        self.assertTrue(compare.rips(self.truth, rows, ps[:1]))
        self.assertTrue(compare.rips(self.truth, rows[1:] + [{"task": "0x1", "frames": []}], ps))
        rows[0]["frames"][0]["pc"] = "0xffffffff81000019"
        self.assertTrue(compare.rips(self.truth, rows, ps))

    def test_log(self):
        want, from_dmesg = self.truth.log()
        self.assertEqual((len(want), from_dmesg), (14, 1))
        rows = [{"ts_ns": int(float(ts) * 1e6 + 0.5) * 1000, "text": text} for ts, text in want]
        self.assertEqual(compare.log(self.truth, rows), [])
        self.assertTrue(compare.log(self.truth, rows[:-1]))
        self.assertTrue(compare.log(self.truth, rows[1:]))
        rows[6]["text"] += "."
        self.assertTrue(compare.log(self.truth, rows))

    def test_modules(self):
        row = {"name": "tun", "base": "0xffffffffc0000000", "size": 100, "state": "live"}
        self.assertEqual(compare.modules(self.truth, [row]), [])
        self.assertTrue(compare.modules(self.truth, []))
        self.assertTrue(compare.modules(self.truth, [dict(row, base="0xffffffffc0000001")]))
        self.assertTrue(compare.modules(self.truth, [row, dict(row, name="x")]))

    def test_system(self):
        row = {"nodename": "n", "release": "6", "version": "v", "machine": "x86_64", "cpus": 2, "page_levels": 5,
               "kaslr": "0x0", "panic": "Kernel panic - not syncing: sysrq triggered crash"}
        self.assertEqual(compare.system(self.truth, {"cpu": "max"}, [row]), [])
        self.assertTrue(compare.system(self.truth, {"cpu": "max,la57=off"}, [row]))
        for key in row:
            self.assertTrue(compare.system(self.truth, {"cpu": "max"}, [dict(row, **{key: "0x1"})]), key)

    def test_symbols(self):
        symbols = self.truth.symbols
        self.assertEqual(len(symbols), 7)
        rows = [{"addr": hex(a), "name": n, "module": m, "offset": 0} for a, _, n, m in symbols]
        self.assertEqual(compare.symbol_list(symbols, rows), [])
        self.assertTrue(compare.symbol_list(symbols, rows[1:]))
        self.assertTrue(compare.symbol_list(symbols, rows + [dict(rows[0], name="more")]))
        text = sorted({a for a, *_ in symbols})
        # Later rows of an address win, so turned round the first name does, which is the kernel's choice.
        self.assertEqual(compare.symbol_addresses(symbols, text, rows[::-1]), [])
        self.assertTrue(compare.symbol_addresses(symbols, text, rows))
        self.assertTrue(compare.symbol_addresses(symbols, text, rows[:2:-1]))
        self.assertTrue(compare.symbol_addresses(symbols, text, [dict(r, name="x") for r in rows[::-1]]))
        names = ["panic", "sleeper"]
        self.assertEqual(compare.symbol_names(symbols, names, rows[1:3]), [])
        self.assertTrue(compare.symbol_names(symbols, names, rows[1:2]))

    def test_difference(self):
        self.assertEqual(compare.difference([{"a": 1}], [{"a": 1}]), [])
        self.assertTrue(compare.difference([{"a": 1}], [{"a": 2}]))
        self.assertTrue(compare.difference([{"a": 1}], []))


class FormatsTest(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.work.cleanup()

    def path(self, name):
        return os.path.join(self.work.name, name)

    def test_sparse__keeps_every_byte(self):
        data = b"a" * 5000 + b"\0" * 50000 + b"b" + b"\0" * 8192
        out = formats.Sparse(self.path("s"))
        for i in range(0, len(data), 7001):
            out.write(data[i:i + 7001])
        out.close()
        with open(self.path("s"), "rb") as f:
            self.assertEqual(f.read(), data)

    def test_flatten__replayed_records_give_the_file(self):
        data = b"KDUMP   " + os.urandom(60000)
        write(self.path("in"), data)
        formats.flatten(self.path("in"), self.path("flat"))
        with open(self.path("flat"), "ab") as f:
            f.write(b"\0" * 999)  # as on a disk
        end = formats.flat_length(self.path("flat"))
        self.assertEqual(end, os.path.getsize(self.path("flat")) - 999)
        image, pos = bytearray(len(data)), 4096
        with open(self.path("flat"), "rb") as f:
            flat = f.read()
        while True:
            off, size = struct.unpack_from(">qq", flat, pos)
            if off < 0:
                break
            image[off:off + size] = flat[pos + 16:pos + 16 + size]
            pos += 16 + size
        self.assertEqual(bytes(image), data)

    def test_recompress__each_page_is_stored_or_packed(self):
        pages = [b"\1" * 4096, os.urandom(4096), b"\2" * 4096]
        packed = [zlib.compress(p) for p in pages]
        head = bytearray(4096)
        head[:8] = b"KDUMP   "
        struct.pack_into("<iiI", head, 428, 4096, 1, 2)
        struct.pack_into("<I", head, 424, 1)
        where, descs = 4096 * 4 + 72, b""
        for p, z in zip(pages, packed):
            small = len(z) < 4096
            descs += struct.pack("<QIIQ", where, len(z) if small else 4096, 1 if small else 0, 0)
            where += len(z) if small else 4096
        body = b"".join(z if len(z) < 4096 else p for p, z in zip(pages, packed))
        bitmap = b"\7".ljust(4096, b"\0")
        write(self.path("z"), bytes(head) + b"\0" * 4096 + bitmap + bitmap + descs + body)
        for codec, flag in (("snappy", 4), ("zstd", 0x20)):
            formats.recompress(self.path("z"), self.path(codec), codec)
            with open(self.path(codec), "rb") as f:
                out = f.read()
            rows = list(struct.iter_unpack("<QIIQ", out[4096 * 4:4096 * 4 + 72]))
            self.assertEqual(struct.unpack_from("<I", out, 424)[0], flag)
            self.assertEqual([r[2] for r in rows], [flag, 0, flag])
            self.assertEqual(out[rows[1][0]:rows[1][0] + 4096], pages[1])
            self.assertEqual(rows[2][0] + rows[2][1], len(out))

    def test_cpio__names_and_bytes(self):
        cpio = guest.Cpio(self.path("c"))
        cpio.add("etc/case", b"X=1\n", 0o100644)
        cpio.link("bin/sh", "busybox")
        cpio.close()
        with open(self.path("c"), "rb") as f:
            data = f.read()
        names, pos = [], 0
        while pos < len(data):
            self.assertEqual(data[pos:pos + 6], b"070701")
            size, namesize = int(data[pos + 54:pos + 62], 16), int(data[pos + 94:pos + 102], 16)
            names.append(data[pos + 110:pos + 110 + namesize - 1].decode())
            pos += -(-(110 + namesize) // 4) * 4 + -(-size // 4) * 4
        self.assertEqual(names, ["etc", "etc/case", "bin", "bin/sh", "TRAILER!!!"])


if __name__ == "__main__":
    unittest.main()
