# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest said about itself before it died: the parsers of DUMPS/CASE/truth and serial.log."""

import functools
import os
import re

PF_WQ_WORKER = 0x20
PF_KTHREAD = 0x200000

FRAME = re.compile(r"([^\s:]+?)\+0x([0-9a-f]+)/0x[0-9a-f]+(?: \[(\S+?)(?: [0-9a-f]+)?\])?")


class Frame:
    """One function of a stack: name, offset of the return address, module or None."""

    def __init__(self, name, offset, module):
        self.name, self.offset, self.module = name, offset, module

    def __repr__(self):
        return f"{self.name}+{self.offset:#x}" + (f"[{self.module}]" if self.module else "")

    def key(self):
        return (self.name, self.offset, self.module)


def frame_of(text):
    m = FRAME.search(text)
    return Frame(m.group(1), int(m.group(2), 16), m.group(3)) if m else None


class Task:
    """One thread, from /proc/PID/task/TID."""

    def __init__(self, folder, tid):
        def read(name):
            try:
                with open(os.path.join(folder, str(tid), name), "rb") as f:
                    return f.read()
            except OSError:
                return b""
        stat = read("stat")
        # The name may hold anything, a bracket too: the fields follow the last one.
        fields = stat[stat.rindex(b")") + 2:].split()
        status = dict(re.findall(rb"^(\w+):\s*(.*)$", read("status"), re.M))
        self.tid = tid
        self.pid = int(status[b"Tgid"])
        self.ppid = int(status[b"PPid"])
        self.comm = read("comm")[:-1]
        self.state = fields[0].decode()
        self.flags = int(fields[6])
        self.start = int(fields[19])
        self.cpu = int(fields[36])
        self.switches = (status.get(b"voluntary_ctxt_switches"), status.get(b"nonvoluntary_ctxt_switches"))
        self.vsz_kb = int(status.get(b"VmSize", b"0").split()[0])
        self.syscall = read("syscall").decode().split()
        self.stack = [f for f in map(frame_of, read("stack").decode().splitlines()) if f]

    def worker(self):
        """The kernel makes and ends these as it likes; ext4's initialises tables and is gone."""
        return bool(self.flags & PF_WQ_WORKER) or (bool(self.flags & PF_KTHREAD) and self.comm == b"ext4lazyinit")

    def comm_matches(self, comm):
        """Is `comm` (a string from JSON) the 15 bytes that the kernel keeps of this name?

        /proc adds to the names of kernel threads what is kept elsewhere.
        """
        want = self.comm
        if self.flags & PF_KTHREAD:
            want = want[:15]
            if self.worker():
                want = re.split(rb"[-+]", want)[0]
                comm = re.split(r"[-+]", comm)[0]
        # JSON holds no bytes that are no UTF-8: docs/json.md says that they become \xNN.
        return comm == want.decode("utf-8", "backslashreplace")

    def user_pc_sp(self):
        """Where a task that sleeps in a system call (or a fault) left user mode; None for others."""
        if len(self.syscall) < 3 or self.flags & PF_KTHREAD:
            return None
        sp, pc = (int(v, 16) for v in self.syscall[-2:])
        return (pc, sp) if pc else None


class Truth:
    def __init__(self, case_dir):
        self.dir = os.path.join(case_dir, "truth")
        with open(os.path.join(case_dir, "serial.log"), "rb") as f:
            self.serial = f.read().replace(b"\r", b"")
        self.tasks = self._tasks("tasks")
        before = self._tasks("tasks0")
        # Asleep all the time between the two looks: not switched to once, and not on a CPU.
        self.quiet = {t.tid for t in self.tasks.values()
                      if t.state != "R" and t.tid in before and before[t.tid].switches == t.switches
                      and before[t.tid].start == t.start}
        self.self = dict(line.split("=", 1) for line in self.text("self").splitlines())

    def text(self, name):
        with open(os.path.join(self.dir, name), encoding="utf-8", errors="surrogateescape") as f:
            return f.read()

    def _tasks(self, sub):
        folder = os.path.join(self.dir, sub)
        return {int(t): Task(folder, int(t)) for t in os.listdir(folder)}

    def cpus(self):
        return len(re.findall(r"^processor\s*:", self.text("cpuinfo"), re.M))

    @functools.cached_property
    def symbols(self):
        """[(address, type, name, module or None)], pseudo modules such as [bpf] left out."""
        known, out = self.modules(), []
        for line in self.text("kallsyms").splitlines():
            addr, kind, name, *module = line.split()
            module = module[0].strip("[]") if module else None
            if module is None or module in known:
                out.append((int(addr, 16), kind, name, module))
        return out

    def modules(self):
        """name -> (address, size), in the order of /proc/modules."""
        out = {}
        if not os.path.exists(os.path.join(self.dir, "modules")):
            return out  # an empty file is no file
        for line in self.text("modules").splitlines():
            f = line.split()
            out[f[0]] = (int(f[5], 16), int(f[1]))
        return out

    @functools.cached_property
    def unlisted_text(self):
        """Ranges of text that /proc/PID/stack leaves out: the scheduler's and the locks'."""
        marks = {n: a for a, _, n, m in self.symbols
                 if m is None and re.fullmatch(r"__(sched|lock)_text_(start|end)", n)}
        return [(marks[f"__{k}_text_start"], marks[f"__{k}_text_end"]) for k in ("sched", "lock")
                if f"__{k}_text_start" in marks]

    def kernel_lines(self):
        """[(time as printed, text)] of the serial log, without what a crash kernel printed later.

        It begins with its version; its init's own lines begin with "kdump: ".
        """
        out = []
        for line in self.serial.decode(errors="replace").split("\n"):
            m = re.match(r"\[ *(\d+\.\d+)\] ?(.*)", line)
            if line.startswith("kdump: "):
                break
            if not m:
                continue
            # A slow guest's clock may be set back in its boot; a boot begins with its version.
            if m.group(2).startswith("Linux version ") and out:
                break
            out.append(m.groups())
        return out

    def panic_text(self):
        """The lines of the panic, from its first one on."""
        text = [line for _, line in self.kernel_lines()]
        return text[next(i for i, line in enumerate(text) if line.startswith("Kernel panic - not syncing")):]

    def panic_pid(self):
        for line in self.panic_text():
            m = re.search(r"CPU: (\d+) (?:UID: \d+ )?PID: (\d+) Comm:", line)
            if m:
                return int(m.group(2)), int(m.group(1))
        raise ValueError("no panic in serial.log")

    def panic_trace(self):
        """The reliable frames of the printed trace, interrupted functions included, from panic() on."""
        out, inside = [], False
        for line in self.panic_text():
            if line.startswith("Call Trace:"):
                inside = True
            elif line.startswith(("Kernel Offset", "---[ end")):
                break
            elif inside and line.startswith("RIP: 0010:"):
                out.append(frame_of(line))
            elif inside and not line.startswith(" ? "):
                frame = frame_of(line) if re.match(r" \S+\+0x", line) else None
                if frame:
                    out.append(frame)
        while out and out[0].name.startswith(("dump_stack", "show_")):
            out.pop(0)
        return out

    def log(self):
        """The lines that klogctl gave and those printed after them; and the number of the former."""
        out = []
        for line in self.text("dmesg").split("\n"):
            m = re.match(r"<\d+>\[ *(\d+\.\d+)\] ?(.*)", line)
            if m:
                out.append(m.groups())
        printed = self.kernel_lines()
        # The console has every line too, so the last one that both have ends the first part.
        at = len(printed) - printed[::-1].index(out[-1])
        return out + printed[at:], len(out)

    def kaslr(self):
        """How far _text is from where x86_64 kernels are linked."""
        return next(addr for addr, _, name, _ in self.symbols if name == "_text") - 0xFFFFFFFF81000000

    def rips(self):
        """CPU -> RIP, as QEMU saw them when it stopped the machine; empty for a real kdump."""
        try:
            text = self.text("registers")
        except OSError:
            return {}
        return {int(c): int(r, 16) for c, r in re.findall(r"CPU#(\d+).*?RIP=([0-9a-f]+)", text, re.S)}
