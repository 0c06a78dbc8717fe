// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What FreeBSD lays out on i386: struct pcb (sys/i386/include/pcb.h), struct
 * trapframe (sys/x86/include/frame.h), and the code that makes trap frames
 * (sys/i386/i386/exception.s).
 *
 * A trap from the kernel itself changes no stack: the processor pushes neither
 * esp nor ss, and the frame ends where they would be. A pointer to the frame is
 * the last argument of what entry code calls, so it lies right below the frame.
 */
#include "freebsd.h"

#include <elf.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct freebsd_reg i386_pcb[] = {
	{ "edi", { "pcb_edi" }, 0, 4 },	 { "esi", { "pcb_esi" }, 4, 4 },  { "ebp", { "pcb_ebp" }, 8, 4 },
	{ "esp", { "pcb_esp" }, 12, 4 }, { "ebx", { "pcb_ebx" }, 16, 4 }, { "eip", { "pcb_eip" }, 20, 4 },
};

static const struct freebsd_reg i386_frame[] = {
	{ "fs", { "tf_fs" }, 0, 2 },	      { "es", { "tf_es" }, 4, 2 },    { "ds", { "tf_ds" }, 8, 2 },
	{ "edi", { "tf_edi" }, 12, 4 },	      { "esi", { "tf_esi" }, 16, 4 }, { "ebp", { "tf_ebp" }, 20, 4 },
	{ "ebx", { "tf_ebx" }, 28, 4 },	      { "edx", { "tf_edx" }, 32, 4 }, { "ecx", { "tf_ecx" }, 36, 4 },
	{ "eax", { "tf_eax" }, 40, 4 },	      { "eip", { "tf_eip" }, 52, 4 }, { "cs", { "tf_cs" }, 56, 2 },
	{ "eflags", { "tf_eflags" }, 60, 4 }, { "esp", { "tf_esp" }, 64, 4 }, { "ss", { "tf_ss" }, 68, 2 },
};

static bool i386_user_mode(uint64_t cs)
{
	return (cs & 3) == 3;
}

static bool i386_is_entry(const char *name)
{
	static const char *const names[] = { "calltrap", "fork_trampoline", "doreti_ast", "nmi_mchk_common" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return name[0] == 'X' && name[1] && name[1] != '_';
}

const struct freebsd_machine freebsd_i386 = {
	.elf_machine = EM_386,
	.name = "i386",
	.pcb = i386_pcb,
	.nr_pcb = ARRAY_SIZE(i386_pcb),
	.sp_skip = 4,
	.frame = i386_frame,
	.nr_frame = ARRAY_SIZE(i386_frame),
	.frame_size = 72,
	.mode = "cs",
	.user_mode = i386_user_mode,
	.frame_argument = true,
	.short_kernel_frame = true,
	.start = "fork_trampoline",
	.is_entry = i386_is_entry,
};
