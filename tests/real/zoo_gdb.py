# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside gdb on a core file (zoo_debuggers.py): what gdb sees in it, as one line of JSON."""

import json
import re

import gdb

REGISTERS = ("rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip eflags cs ss fs_base gs_base "
             "eax ebx ecx edx esi edi ebp esp eip").split()


def text(command):
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as e:
        return f"error: {e}"


def registers(frame):
    out = {}
    for name in REGISTERS:
        try:
            value = frame.read_register(name)
            out[name] = hex(int(value) & (2 ** (8 * value.type.sizeof) - 1))
        except (gdb.error, ValueError):
            continue
    return out


def vectors(frame):
    out = {}
    for i in range(16):
        try:
            value = frame.read_register(f"ymm{i}")["v32_int8"]
            out[f"ymm{i}"] = "".join(f"{int(value[k]) & 255:02x}" for k in range(32))
        except (gdb.error, ValueError):
            break
    return out


def frames():
    out = []
    frame = gdb.newest_frame()
    while frame is not None and len(out) < 100:
        name = frame.name()
        if frame.type() == gdb.SIGTRAMP_FRAME:
            name = "<signal>"
        out.append({"name": name, "pc": hex(frame.pc())})
        try:
            frame = frame.older()
        except gdb.error:
            break
    return out


answer = {"threads": [], "auxv": [], "libraries": [], "memory": {}}
for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
    thread.switch()
    newest = gdb.newest_frame()
    answer["threads"].append({"tid": thread.ptid[1] or thread.ptid[0], "frames": frames(),
                              "registers": registers(newest), "vectors": vectors(newest)})
for line in text("info auxv").splitlines():
    m = re.match(r"(\d+)\s+\S+\s.*?(0x[0-9a-f]+|\d+|\S+)(?: \".*\")?$", line)
    if m:
        value = m.group(2)
        answer["auxv"].append([int(m.group(1)), int(value, 0) if value[0].isdigit() else value])
for line in text("info sharedlibrary").splitlines():
    m = re.match(r"0x([0-9a-f]+)\s+0x[0-9a-f]+\s+(Yes|No)\s.*?(/\S+)$", line)
    if m:
        answer["libraries"].append([int(m.group(1), 16), m.group(2) == "Yes", m.group(3)])
with open(wanted, encoding="ascii") as wanted_file:  # noqa: F821  set by zoo_debuggers.py
    for line in wanted_file:
        addr, size = (int(v, 16) for v in line.split())
        try:
            answer["memory"][hex(addr)] = bytes(gdb.selected_inferior().read_memory(addr, size)).hex()
        except gdb.error:
            answer["memory"][hex(addr)] = None
print("ZOO " + json.dumps(answer))
