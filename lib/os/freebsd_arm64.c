// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What FreeBSD lays out on arm64: struct pcb and struct trapframe
 * (sys/arm64/include), and the code that makes trap frames
 * (sys/arm64/arm64/exception.S).
 *
 * A pcb had all registers in pcb_x[]; since FreeBSD 14 it begins with x19.
 * What is called lr there is where the saved thread goes on. Entry code keeps a
 * frame record behind the trap frame, so that its frame pointer leads there.
 */
#include "freebsd.h"

#include <elf.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The old array is longer: where it has the member, the first name is right. */
static const struct freebsd_reg arm64_pcb[] = {
	{ "x19", { "pcb_x[19]", "pcb_x[0]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x20", { "pcb_x[20]", "pcb_x[1]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x21", { "pcb_x[21]", "pcb_x[2]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x22", { "pcb_x[22]", "pcb_x[3]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x23", { "pcb_x[23]", "pcb_x[4]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x24", { "pcb_x[24]", "pcb_x[5]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x25", { "pcb_x[25]", "pcb_x[6]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x26", { "pcb_x[26]", "pcb_x[7]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x27", { "pcb_x[27]", "pcb_x[8]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x28", { "pcb_x[28]", "pcb_x[9]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x29", { "pcb_x[29]", "pcb_x[10]" }, FREEBSD_NO_OFFSET, 8 },
	{ "pc", { "pcb_x[30]", "pcb_x[11]" }, FREEBSD_NO_OFFSET, 8 },
	{ "sp", { "pcb_sp" }, FREEBSD_NO_OFFSET, 8 },
};

static const struct freebsd_reg arm64_frame[] = {
	{ "sp", { "tf_sp" }, FREEBSD_NO_OFFSET, 8 },	 { "x30", { "tf_lr" }, FREEBSD_NO_OFFSET, 8 },
	{ "pc", { "tf_elr" }, FREEBSD_NO_OFFSET, 8 },	 { "cpsr", { "tf_spsr" }, FREEBSD_NO_OFFSET, 4 },
	{ "x0", { "tf_x[0]" }, FREEBSD_NO_OFFSET, 8 },	 { "x1", { "tf_x[1]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x2", { "tf_x[2]" }, FREEBSD_NO_OFFSET, 8 },	 { "x3", { "tf_x[3]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x4", { "tf_x[4]" }, FREEBSD_NO_OFFSET, 8 },	 { "x5", { "tf_x[5]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x6", { "tf_x[6]" }, FREEBSD_NO_OFFSET, 8 },	 { "x7", { "tf_x[7]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x8", { "tf_x[8]" }, FREEBSD_NO_OFFSET, 8 },	 { "x9", { "tf_x[9]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x10", { "tf_x[10]" }, FREEBSD_NO_OFFSET, 8 }, { "x11", { "tf_x[11]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x12", { "tf_x[12]" }, FREEBSD_NO_OFFSET, 8 }, { "x13", { "tf_x[13]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x14", { "tf_x[14]" }, FREEBSD_NO_OFFSET, 8 }, { "x15", { "tf_x[15]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x16", { "tf_x[16]" }, FREEBSD_NO_OFFSET, 8 }, { "x17", { "tf_x[17]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x18", { "tf_x[18]" }, FREEBSD_NO_OFFSET, 8 }, { "x19", { "tf_x[19]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x20", { "tf_x[20]" }, FREEBSD_NO_OFFSET, 8 }, { "x21", { "tf_x[21]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x22", { "tf_x[22]" }, FREEBSD_NO_OFFSET, 8 }, { "x23", { "tf_x[23]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x24", { "tf_x[24]" }, FREEBSD_NO_OFFSET, 8 }, { "x25", { "tf_x[25]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x26", { "tf_x[26]" }, FREEBSD_NO_OFFSET, 8 }, { "x27", { "tf_x[27]" }, FREEBSD_NO_OFFSET, 8 },
	{ "x28", { "tf_x[28]" }, FREEBSD_NO_OFFSET, 8 }, { "x29", { "tf_x[29]" }, FREEBSD_NO_OFFSET, 8 },
};

/* M[3:0]: EL0 */
static bool arm64_user_mode(uint64_t cpsr)
{
	return !(cpsr & 15);
}

static bool arm64_is_entry(const char *name)
{
	return !strncmp(name, "handle_el", 9) || !strcmp(name, "handle_serror") || !strcmp(name, "fork_trampoline");
}

const struct freebsd_machine freebsd_arm64 = {
	.elf_machine = EM_AARCH64,
	.name = "arm64",
	.pcb = arm64_pcb,
	.nr_pcb = ARRAY_SIZE(arm64_pcb),
	.frame = arm64_frame,
	.nr_frame = ARRAY_SIZE(arm64_frame),
	.mode = "cpsr",
	.user_mode = arm64_user_mode,
	.frame_below_fp = true,
	.start = "fork_trampoline",
	.is_entry = arm64_is_entry,
};
