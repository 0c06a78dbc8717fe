#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The checker of convert must be able to fail: each comparison, given one wrong thing, says so. Needs no dump, no
libkdumpfile and none of the programs that it asks."""

import os
import struct
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import convert_check  # noqa: E402
import convert_pages  # noqa: E402
import convert_peers  # noqa: E402
from convert_pages import PAGE, ZERO, different, digests  # noqa: E402

A, B = b"a" * PAGE, b"b" * PAGE
INFO = b"NUMBER(SECTION_SIZE_BITS)=27\nNUMBER(phys_base)=-4096\n"


def lime(*ranges):
    return b"".join(struct.pack("<IIQQQ", 0x4C694D45, 1, at, at + len(data) - 1, 0) + data for at, data in ranges)


def elf(*loads):
    """An ELF core with a note of VMCOREINFO and these ranges of memory."""
    note = struct.pack("<III", 11, len(INFO), 0) + b"VMCOREINFO\0".ljust(12, b"\0") + INFO.ljust(-len(INFO) % 4 + len(INFO), b"\0")
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(loads) + 1, 0, 0, 0)
    at = 64 + 56 * (len(loads) + 1)
    table, data = struct.pack("<IIQQQQQQ", 4, 0, at, 0, 0, len(note), len(note), 0), note
    for start, content in loads:
        table += struct.pack("<IIQQQQQQ", 1, 7, at + len(data), 0, start, len(content), len(content), 0)
        data += content
    return head + table + data


class Said:
    """A checker that remembers."""

    def __init__(self):
        self.root, self.tmp, self.passed, self.failed, self.skipped = "", "", [], [], []

    def say(self, _case, variant, what, problems):
        (self.failed if problems else self.passed).append((variant, what, problems))

    def skip(self, _case, variant, what, why):
        self.skipped.append((variant, what, why))


class FakePeer(convert_peers.Peer):
    name = "sh"
    forms = ("elf",)

    def tell(self, path):
        if path == "unreadable":
            raise convert_peers.CannotOpen("no such format")
        return path


class FakePeers(convert_peers.Peers):
    def __init__(self, originals, ours):  # pylint: disable=super-init-not-called
        self.check, self.case, self.originals, self.ours = Said(), "case", originals, {"elf": ours}
        self.peer(FakePeer(self))


class Self(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def test_pages(self):
        a, b = digests(A + B)
        self.assertFalse(different({1: a, 2: b}, {1: a, 2: b}))
        self.assertIn("missing", different({1: a, 2: b}, {1: a})[0])
        self.assertIn("nowhere", different({1: a}, {1: a, 2: b})[0])
        self.assertIn("differ", different({1: a}, {1: b})[0])
        self.assertIn("nowhere", different({1: a}, {1: a, 2: ZERO})[0])
        self.assertFalse(different({1: a}, {1: a, 2: ZERO}, True))
        self.assertTrue(different({1: a}, {1: ZERO}, True))

    def test_readers(self):
        a, b = digests(A + B)
        path = self.write("lime", lime((0, A), (5 * PAGE, B + A)))
        self.assertEqual(convert_pages.by_lime(path), {0: a, 5: b, 6: a})
        with self.assertRaises(ValueError):
            convert_pages.by_lime(self.write("lime", lime((0, A))[:-PAGE] + b"short"))
        with self.assertRaises(ValueError):
            convert_pages.by_lime(self.write("lime", b"X" + lime((0, A))[1:]))
        got = convert_pages.by_raw(self.write("raw", bytes(PAGE) + B))
        self.assertEqual(got[1], b)
        self.assertEqual(convert_pages.vmcoreinfo(self.write("elf", elf((0, A)))), INFO)

    def test_digest_knows_where_bytes_are(self):
        one = convert_check.digest_of(self.write("raw", A + bytes(PAGE)))
        self.assertNotEqual(one, convert_check.digest_of(self.write("raw", bytes(PAGE) + A)))
        self.assertNotEqual(one, convert_check.digest_of(self.write("raw", A + bytes(2 * PAGE))))

    def test_answers(self):
        def difference(a, b):
            return convert_check.text_difference((0, a), (0, b))
        self.assertFalse(difference("    FORMAT: elf\nx", "    FORMAT: kdump\nx"))
        self.assertFalse(difference("<not saved: 1: the page was left out by the dump's filter>",
                                    "<out of range: 1: outside the memory that the dump describes>"))
        self.assertTrue(difference("<not saved: 1: a>", "<not saved: 2: a>"))
        self.assertTrue(difference("<not saved: 1: a>", "<corrupt: 1: a>"))
        self.assertTrue(difference("a\nb", "a\nc"))
        self.assertTrue(difference("a\nb", "a"))
        self.assertTrue(convert_check.text_difference((0, "a"), (1, "a")))

    def test_filter(self):
        source = self.write("vmcore.elf", elf((0, A)))
        self.write("truth/iomem", b"00001000-0009fbff : System RAM\n100000000-1000fffff : Reserved\n")
        ram, section, rom = 0x50, 0x7fff, 0x100000
        reasons = convert_peers.without_struct_page(source, self.folder, [ram, section, rom], {})
        self.assertEqual(list(reasons), [rom])

    def test_peers(self):
        both = ("vmcore.elf", "vmcore.elf-paging")
        same = FakePeers(dict.fromkeys(both, "a"), "a").check
        self.assertEqual((len(same.passed), same.failed, same.skipped), (1, [], []))
        self.assertEqual(len(FakePeers(dict.fromkeys(both, "a"), "b").check.failed), 1)
        self.assertEqual(len(FakePeers(dict.fromkeys(both, "a"), "unreadable").check.failed), 1)
        neither = FakePeers(dict.fromkeys(both, "unreadable"), "unreadable").check
        self.assertEqual((neither.passed, neither.failed, len(neither.skipped)), ([], [], 1))
        absent = type("Absent", (FakePeer,), {"name": "no-such-program"})
        peers = FakePeers(dict.fromkeys(both, "a"), "a")
        peers.check = Said()
        peers.peer(absent(peers))
        self.assertEqual((peers.check.passed, len(peers.check.skipped)), ([], 1))

    def test_what_programs_say(self):
        class Known:
            places = [(0x1000, b"12345678" * 4)]
        words = "\t0x3837363534333231" * 2
        text = f"0x1000:{words}\n0x1010:{words}\nrip 0x1\nrip 0x2\n"
        gdb = convert_peers.Gdb(Known)
        self.assertFalse(gdb.wrong(text))
        self.assertTrue(gdb.wrong(text.replace("0x38", "0x39", 1)))
        self.assertTrue(gdb.wrong(text.replace("rip 0x2\n", "")))
        drgn = convert_peers.Drgn(Known)
        self.assertFalse(drgn.wrong("0x1000 " + (b"12345678" * 4).hex()))
        self.assertTrue(drgn.wrong("0x1000 00"))
        for peer in (convert_peers.Makedumpfile, convert_peers.Crash, convert_peers.Libkdumpfile):
            self.assertTrue(peer(Known).wrong("little"))


if __name__ == "__main__":
    unittest.main()
