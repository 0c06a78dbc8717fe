# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's gdb and lldb on core files of the zoo's processes: what they see there."""

import json
import os
import re
import subprocess
import tempfile

GDB = "gdb"
LLDB = "lldb-14"
TIMEOUT = int(os.environ.get("KCODBG_CHECK_TIMEOUT", "120"))


class DebuggerError(Exception):
    pass


def run(argv):
    try:
        p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=TIMEOUT, check=False, env=dict(os.environ, DEBUGINFOD_URLS="", LC_ALL="C"))
    except FileNotFoundError:
        raise DebuggerError(f"{argv[0]}: not installed (tests/real/packages.txt)") from None
    except subprocess.TimeoutExpired:
        raise DebuggerError(f"{argv[0]}: no end after {TIMEOUT} s") from None
    return p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")


def gdb(core, program, sysroot, memory=()):
    """{"threads": [...], "auxv": [...], "libraries": [...], "memory": {address: hex}}"""
    with tempfile.NamedTemporaryFile("w", suffix=".wanted") as f:
        f.writelines(f"{addr:x} {size:x}\n" for addr, size in memory)
        f.flush()
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zoo_gdb.py")
        out, err = run([GDB, "-nx", "-batch", "-iex", "set auto-load no", "-iex", f"set sysroot {sysroot}",
                        "-iex", f"set debug-file-directory {sysroot}/usr/lib/debug",
                        "-ex", f"file {program}", "-ex", f"core-file {core}",
                        "-ex", f"python wanted = {f.name!r}", "-x", script])
    line = next((line for line in out.splitlines() if line.startswith("ZOO ")), None)
    if line is None:
        raise DebuggerError(f"gdb said nothing: {err.strip().splitlines()[-1:]}")
    answer = json.loads(line[4:])
    answer["warnings"] = [w for w in (out + err).splitlines() if w.lower().startswith("warning")]
    return answer


FRAME = re.compile(r"frame #(\d+): (0x[0-9a-f]+)(?: ([^`\s]+)`(.+?)(?: \+ \d+)?(?: at .*)?)?$")


def lldb_parse(text):
    """The threads of `thread backtrace all`, and the images."""
    threads, images = [], []
    for line in text.splitlines():
        m = re.match(r"[* ] thread #(\d+)(?:: tid = (\d+))?(?:, name = '(.*?)')?(?:, stop reason = (.*))?", line)
        if m and "frame #" not in line:
            threads.append({"tid": int(m.group(2) or 0), "name": m.group(3), "stop": m.group(4), "frames": []})
            continue
        m = FRAME.search(line.rstrip())
        if m and threads and line.lstrip("* ").startswith("frame #"):
            name = m.group(4)
            threads[-1]["frames"].append({"pc": m.group(2), "name": name.split("(")[0] if name else None})
            continue
        m = re.match(r"\[\s*\d+\] ([0-9A-F-]*)\s*(0x[0-9a-f]+) (.*)$", line)
        if m:
            images.append([int(m.group(2), 16), m.group(3).strip()])
    return {"threads": threads, "images": images}


def lldb(core, program, sysroot):
    """{"threads": [...], "images": [...]}"""
    out, err = run([LLDB, "--no-lldbinit", "--batch",
                    "-O", f"platform select --sysroot {sysroot} remote-linux",
                    "-o", f"target create --core {core} {program}",
                    "-o", "thread list", "-o", "thread backtrace all", "-o", "image list"])
    at = out.find("(lldb) thread backtrace all")
    if at < 0:
        raise DebuggerError(f"lldb said nothing: {err.strip().splitlines()[-1:]}")
    answer = lldb_parse(out[at:])
    listed = re.findall(r"thread #\d+: tid = (\d+)", out[:at])
    for thread, tid in zip(answer["threads"], listed):
        thread["tid"] = int(tid)
    answer["errors"] = [e for e in err.splitlines() if e.startswith("error")]
    return answer
