// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What FreeBSD lays out on 64-bit RISC-V: struct pcb and struct trapframe
 * (sys/riscv/include), and the code that makes trap frames
 * (sys/riscv/riscv/exception.S).
 */
#include "freebsd.h"

#include <elf.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct freebsd_reg riscv_pcb[] = {
	{ "pc", { "pcb_ra" }, 0, 8 },
	{ "sp", { "pcb_sp" }, 8, 8 },
	{ "gp", { "pcb_gp" }, 16, 8 },
	{ "tp", { "pcb_tp" }, 24, 8 },
	{ "s0", { "pcb_s[0]" }, FREEBSD_NO_OFFSET, 8 },
	{ "s1", { "pcb_s[1]" }, FREEBSD_NO_OFFSET, 8 },
	{ "s2", { "pcb_s[2]" }, FREEBSD_NO_OFFSET, 8 },
	{ "s3", { "pcb_s[3]" }, FREEBSD_NO_OFFSET, 8 },
	{ "s4", { "pcb_s[4]" }, FREEBSD_NO_OFFSET, 8 },
	{ "s5", { "pcb_s[5]" }, FREEBSD_NO_OFFSET, 8 },
	{ "s6", { "pcb_s[6]" }, FREEBSD_NO_OFFSET, 8 },
	{ "s7", { "pcb_s[7]" }, FREEBSD_NO_OFFSET, 8 },
	{ "s8", { "pcb_s[8]" }, FREEBSD_NO_OFFSET, 8 },
	{ "s9", { "pcb_s[9]" }, FREEBSD_NO_OFFSET, 8 },
	{ "s10", { "pcb_s[10]" }, FREEBSD_NO_OFFSET, 8 },
	{ "s11", { "pcb_s[11]" }, FREEBSD_NO_OFFSET, 8 },
};

static const struct freebsd_reg riscv_frame[] = {
	{ "ra", { "tf_ra" }, 0, 8 },	   { "sp", { "tf_sp" }, 8, 8 },	      { "gp", { "tf_gp" }, 16, 8 },
	{ "tp", { "tf_tp" }, 24, 8 },	   { "t0", { "tf_t[0]" }, 32, 8 },    { "t1", { "tf_t[1]" }, 40, 8 },
	{ "t2", { "tf_t[2]" }, 48, 8 },	   { "t3", { "tf_t[3]" }, 56, 8 },    { "t4", { "tf_t[4]" }, 64, 8 },
	{ "t5", { "tf_t[5]" }, 72, 8 },	   { "t6", { "tf_t[6]" }, 80, 8 },    { "s0", { "tf_s[0]" }, 88, 8 },
	{ "s1", { "tf_s[1]" }, 96, 8 },	   { "s2", { "tf_s[2]" }, 104, 8 },   { "s3", { "tf_s[3]" }, 112, 8 },
	{ "s4", { "tf_s[4]" }, 120, 8 },   { "s5", { "tf_s[5]" }, 128, 8 },   { "s6", { "tf_s[6]" }, 136, 8 },
	{ "s7", { "tf_s[7]" }, 144, 8 },   { "s8", { "tf_s[8]" }, 152, 8 },   { "s9", { "tf_s[9]" }, 160, 8 },
	{ "s10", { "tf_s[10]" }, 168, 8 }, { "s11", { "tf_s[11]" }, 176, 8 }, { "a0", { "tf_a[0]" }, 184, 8 },
	{ "a1", { "tf_a[1]" }, 192, 8 },   { "a2", { "tf_a[2]" }, 200, 8 },   { "a3", { "tf_a[3]" }, 208, 8 },
	{ "a4", { "tf_a[4]" }, 216, 8 },   { "a5", { "tf_a[5]" }, 224, 8 },   { "a6", { "tf_a[6]" }, 232, 8 },
	{ "a7", { "tf_a[7]" }, 240, 8 },   { "pc", { "tf_sepc" }, 248, 8 },   { "sstatus", { "tf_sstatus" }, 256, 8 },
};

/* SPP: the mode that was left */
static bool riscv_user_mode(uint64_t sstatus)
{
	return !(sstatus & 0x100);
}

static bool riscv_is_entry(const char *name)
{
	return !strcmp(name, "cpu_exception_handler_user") || !strcmp(name, "cpu_exception_handler_supervisor") ||
	       !strcmp(name, "fork_trampoline");
}

const struct freebsd_machine freebsd_riscv = {
	.elf_machine = EM_RISCV,
	.name = "riscv",
	.pcb = riscv_pcb,
	.nr_pcb = ARRAY_SIZE(riscv_pcb),
	.frame = riscv_frame,
	.nr_frame = ARRAY_SIZE(riscv_frame),
	.frame_size = 280,
	.mode = "sstatus",
	.user_mode = riscv_user_mode,
	.start = "fork_trampoline",
	.is_entry = riscv_is_entry,
};
