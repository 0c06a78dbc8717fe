// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What FreeBSD lays out on amd64: struct pcb (sys/amd64/include/pcb.h, whose
 * first members debuggers may rely on), struct trapframe
 * (sys/x86/include/frame.h), the code that makes trap frames
 * (sys/amd64/amd64/exception.S) and the stacks that the processor switches to
 * (sys/amd64/amd64/machdep.c, mp_machdep.c).
 *
 * Each of those stacks ends with its struct nmi_pcpu, below which the task
 * state segment's tss_istN points:
 *
 *   1 double faults   2 NMI   3 machine checks   4 debug exceptions
 */
#include "freebsd.h"

#include <elf.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define STACK_PAGE UINT64_C(4096) /* each of the four has one */
/* The processor's own layout. */
#define TSS_IST1 36
#define TSS_SIZE 104

static const struct freebsd_reg amd64_pcb[] = {
	{ "r15", { "pcb_r15" }, 0, 8 },	 { "r14", { "pcb_r14" }, 8, 8 },  { "r13", { "pcb_r13" }, 16, 8 },
	{ "r12", { "pcb_r12" }, 24, 8 }, { "rbp", { "pcb_rbp" }, 32, 8 }, { "rsp", { "pcb_rsp" }, 40, 8 },
	{ "rbx", { "pcb_rbx" }, 48, 8 }, { "rip", { "pcb_rip" }, 56, 8 },
};

static const struct freebsd_reg amd64_frame[] = {
	{ "rdi", { "tf_rdi" }, 0, 8 },	       { "rsi", { "tf_rsi" }, 8, 8 },	{ "rdx", { "tf_rdx" }, 16, 8 },
	{ "rcx", { "tf_rcx" }, 24, 8 },	       { "r8", { "tf_r8" }, 32, 8 },	{ "r9", { "tf_r9" }, 40, 8 },
	{ "rax", { "tf_rax" }, 48, 8 },	       { "rbx", { "tf_rbx" }, 56, 8 },	{ "rbp", { "tf_rbp" }, 64, 8 },
	{ "r10", { "tf_r10" }, 72, 8 },	       { "r11", { "tf_r11" }, 80, 8 },	{ "r12", { "tf_r12" }, 88, 8 },
	{ "r13", { "tf_r13" }, 96, 8 },	       { "r14", { "tf_r14" }, 104, 8 }, { "r15", { "tf_r15" }, 112, 8 },
	{ "fs", { "tf_fs" }, 124, 2 },	       { "gs", { "tf_gs" }, 126, 2 },	{ "es", { "tf_es" }, 140, 2 },
	{ "ds", { "tf_ds" }, 142, 2 },	       { "rip", { "tf_rip" }, 152, 8 }, { "cs", { "tf_cs" }, 160, 2 },
	{ "rflags", { "tf_rflags" }, 168, 8 }, { "rsp", { "tf_rsp" }, 176, 8 }, { "ss", { "tf_ss" }, 184, 2 },
};

static bool amd64_user_mode(uint64_t cs)
{
	return (cs & 3) == 3;
}

/* IDT entries are X and a name. doreti_ast calls ast() on the way out, the frame in the same place. */
static bool amd64_is_entry(const char *name)
{
	static const char *const names[] = { "calltrap",	"nmi_calltrap", "mchk_calltrap", "fast_syscall_common",
					     "fork_trampoline", "doreti_ast" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return name[0] == 'X' && name[1] && name[1] != '_';
}

/* The task state segment of @cpu: in its struct pcpu, in older kernels one of an array. */
static bool amd64_tss(struct kco_session *s, unsigned cpu, uint64_t *ret)
{
	const struct freebsd_cpu *c = freebsd_cpu(s, cpu);
	struct kco_field f;
	uint64_t tss, size;

	if (c && c->pcpu && !os_field(s, "pcpu", &f, NULL, "pc_common_tss", NULL)) {
		*ret = c->pcpu + f.offset;
		return true;
	}
	if (c && c->pcpu && !os_field(s, "pcpu", &f, NULL, "pc_commontssp", NULL) &&
	    !kco_kread_field(s, c->pcpu, &f, &tss, NULL) && tss) {
		*ret = tss;
		return true;
	}
	if (os_symbol(s, &tss, NULL, "common_tss", NULL))
		return false;
	*ret = tss + cpu * (s->types && !kco_types_sizeof(s->types, "amd64tss", &size, NULL) ? size : TSS_SIZE);
	return true;
}

static size_t amd64_stacks(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max)
{
	static const char *const names[] = { "#DF", "NMI", "#MC", "#DB" };
	size_t n = 0;
	uint64_t tss, top;

	if (!amd64_tss(s, cpu, &tss))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names) && n < max; i++) {
		if (kco_kread_uint(s, tss + TSS_IST1 + 8 * i, 8, &top, NULL) || top <= STACK_PAGE ||
		    top > UINT64_MAX - STACK_PAGE)
			continue;
		top = (top + STACK_PAGE - 1) & ~(STACK_PAGE - 1);
		ranges[n++] = (struct kco_stack_range){ names[i], top - STACK_PAGE, top };
	}
	return n;
}

const struct freebsd_machine freebsd_amd64 = {
	.elf_machine = EM_X86_64,
	.name = "amd64",
	.pcb = amd64_pcb,
	.nr_pcb = ARRAY_SIZE(amd64_pcb),
	.pcb_size = 320,
	.sp_skip = 8,
	.frame = amd64_frame,
	.nr_frame = ARRAY_SIZE(amd64_frame),
	.frame_size = 192,
	.mode = "cs",
	.user_mode = amd64_user_mode,
	.start = "fork_trampoline",
	.is_entry = amd64_is_entry,
	.stacks = amd64_stacks,
};
