# SPDX-License-Identifier: GPL-2.0-or-later
"""One guest under QEMU: boot, watch the serial log, talk QMP, dump.

Only QEMU's own translator (TCG) is used: hardware virtualisation is not there
on every machine that runs the tests.
"""

import json
import os
import shutil
import socket
import subprocess
import time

from .cache import LabError

QEMU = "qemu-system-x86_64"


class Qmp:
    """The smallest client: one command, one answer, events dropped (QEMU's docs/interop/qmp-spec)."""

    def __init__(self, path, timeout=180):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.f = self.sock.makefile("rw", encoding="utf-8")
        self.f.readline()
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        self.f.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.f.flush()
        while True:
            line = self.f.readline()
            if not line:
                raise LabError(f"qemu went away during {command}")
            answer = json.loads(line)
            if "error" in answer:
                raise LabError(f"qmp {command}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]

    def monitor(self, line):
        return self.call("human-monitor-command", **{"command-line": line})


class Guest:
    """A running machine. Sockets live in `work`, whose path must stay short (108 bytes)."""

    def __init__(self, work, case, kernel, initrd, disks, cmdline):
        self.work = work
        self.case = case
        self.log = os.path.join(work, "serial.log")
        self.started = time.monotonic()
        argv = [
            QEMU, "-accel", "tcg,thread=multi", "-cpu", case["cpu"], "-smp", "2",
            "-m", str(case["memory"]), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-kernel", os.path.join(kernel["dir"], "vmlinuz"), "-initrd", initrd, "-append", cmdline,
            "-serial", "file:" + self.log, "-qmp", f"unix:{work}/qmp,server=on,wait=off",
            "-device", "vmcoreinfo",
        ]
        if case["panic"] == "key":
            argv += ["-device", "virtio-keyboard-pci"]
        for serial, path in disks.items():
            argv += ["-drive", f"if=none,id={serial},file={path},format=raw,discard=unmap,detect-zeroes=unmap",
                     "-device", f"nvme,drive={serial},serial={serial}"]
        self.argv = argv
        if not shutil.which(QEMU):
            raise LabError(f"no {QEMU}: install qemu-system-x86")
        self.err = open(os.path.join(work, "qemu.err"), "w+b")
        self.proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.err, stderr=self.err)
        self.qmp = None

    def text(self):
        try:
            with open(self.log, "rb") as f:
                return f.read()
        except OSError:
            return b""

    def fail(self, what):
        self.err.seek(0)
        tail = self.text()[-2000:].decode(errors="replace")
        raise LabError(f"guest: {what}\n{self.err.read().decode(errors='replace')}{tail}")

    def connect(self):
        deadline = time.monotonic() + 30
        while self.qmp is None:
            try:
                self.qmp = Qmp(os.path.join(self.work, "qmp"))
            except OSError:
                if self.proc.poll() is not None or time.monotonic() > deadline:
                    self.fail("no qmp")
                time.sleep(0.05)

    def wait_log(self, marks, timeout, bad=(b"init: still here", b"Attempted to kill init")):
        """Until one of the marks is in the serial log; returns it."""
        deadline = time.monotonic() + timeout
        while True:
            text = self.text()
            for mark in marks:
                if mark in text:
                    return mark
            for mark in bad:
                if mark in text:
                    self.fail(f"found {mark.decode()!r}")
            if self.proc.poll() is not None:
                self.fail(f"qemu ended with status {self.proc.returncode}")
            if time.monotonic() > deadline:
                self.fail(f"no {marks[0].decode()!r} within {timeout} s")
            time.sleep(0.05)

    def wait_end(self, timeout):
        try:
            self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            self.fail(f"still running after {timeout} s")

    def sysrq(self, key):
        """Magic sysrq on the guest's keyboard."""
        keys = [{"type": "qcode", "data": k} for k in ("alt", "sysrq", key)]
        self.qmp.call("send-key", keys=keys)

    def close(self):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        self.err.close()
