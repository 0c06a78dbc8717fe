# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases: one guest each. To add one, add a row (see README.md).

    flavour   which kernel (kernels.FLAVOURS)
    cpu       QEMU's -cpu; `max` has 5-level paging, `max,la57=off` has 4
    memory    MiB of guest memory
    cast      which actors play: all | few
    spin      what one CPU does when the kernel dies: "user CPU" | "kernel CPU"
    panic     sysrq: the guest's own process writes c to /proc/sysrq-trigger
              key: sysrq on the keyboard, so in an interrupt (of CPU 1)
              nmi: an NMI from outside
    kdump     makedumpfile's options in the crash kernel; none: QEMU writes the dump
    sysctl    settings made just before the end
"""

CASES = {
    "6.1-4l": {"flavour": "6.1", "cpu": "max,la57=off", "spin": "user 1"},
    "6.1-la57": {"flavour": "6.1", "cpu": "max", "spin": "kernel 1"},
    "6.12-4l": {"flavour": "6.12", "cpu": "max,la57=off", "spin": "user 1"},
    "6.12-la57": {"flavour": "6.12", "cpu": "max", "spin": "kernel 1"},
    "6.1-small": {"flavour": "6.1", "cpu": "max,la57=off", "spin": "user 1", "cast": "few", "memory": 96},
    "6.1-irq": {"flavour": "6.1", "cpu": "max,la57=off", "spin": "kernel 1", "panic": "key"},
    "6.12-nmi": {"flavour": "6.12", "cpu": "max", "spin": "kernel 0", "panic": "nmi",
                 "sysctl": "kernel.unknown_nmi_panic=1"},
    "6.1-kdump": {"flavour": "6.1", "cpu": "max,la57=off", "spin": "user 1", "memory": 640,
                  "kdump": "-F -l -d 31"},
    "6.12-kdump": {"flavour": "6.12", "cpu": "max", "spin": "kernel 1", "memory": 640,
                   "kdump": "-F -l -d 23"},
}

DEFAULTS = {"memory": 256, "cast": "all", "panic": "sysrq", "kdump": "", "sysctl": ""}

# Loaded in the guest, with what they depend on; a built-in one is passed over.
# pktgen starts kernel threads that sleep in the module's own code.
MODULES = {
    "all": ["qemu_fw_cfg", "loop", "dummy", "veth", "tun", "vhost_net", "vsock", "fuse", "overlay", "bridge", "pktgen"],
    "few": ["qemu_fw_cfg", "tun", "dummy"],
}


def case(name):
    return dict(DEFAULTS, **CASES[name])
