// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of threads and CPUs of NetBSD and OpenBSD on amd64, and trap
 * frames.
 *
 * cpu_switchto() (sys/arch/amd64/amd64/locore.S) pushes the callee-saved
 * registers, a struct switchframe (frame.h), and leaves pcb_rsp and pcb_rbp:
 *
 *   pcb_rsp -> r15 r14 r13 r12 [rbp] rbx, return address     ([rbp]: OpenBSD)
 *
 * Whose registers are where:
 *
 *   who wrote the dump: savectx(&dumppcb) keeps rsp, which points to its return
 *       address, and rbp; the thread is the one whose stack, or whose CPU's
 *       interrupt stack, rsp lies on
 *   a thread on another CPU: ci_ddb_regs, if the kernel's debugger had stopped
 *       that CPU; else nobody saved them (the CPU was halted after the dump)
 *   every other thread: the switch frame
 *
 * Entry code is assembly without CFI: alltraps, Xsyscall, Xintr_*... (amd64_trap.S,
 * vector.S). It calls C with a struct trapframe on top of the stack, or under a
 * few words more: the interrupt level, and where the stack for interrupts
 * begins, the stack pointer that was left. The frame is where its code segment,
 * its program counter and its stack pointer make sense together.
 */
#include "bsd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/mem.h>

#include "bsd_text.h"
#include "x86_64.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define AMD64_FRAME_MAX 1024u
#define AMD64_FRAME_WORDS 5u /* so many words may lie over a trap frame */
#define AMD64_RED_ZONE 16u   /* above the frame of user mode, to the end of the stack */
#define AMD64_INTRSTACK UINT64_C(8192)
#define AMD64_KERNEL UINT64_C(0xffff800000000000)
#define AMD64_PAGE UINT64_C(4096)
#define AMD64_SELECTOR_MAX 0x100u

struct amd64_member {
	uint8_t reg;
	const char *name;
	uint8_t size;
	uint16_t offset; /* without types */
};

struct bsd_amd64 {
	struct kco_regset frame, sw;
	struct kco_regset_entry frame_entries[26], sw_entries[8];
	struct kco_err frame_err, pcb_err; /* why they are not known, or code KCO_OK */
	uint64_t sw_size;
	struct kco_field rsp, rbp, top; /* of struct pcb */
	bool has_top;
	uint64_t dump_rsp, dump_rbp; /* 0 unknown */
};

static const struct amd64_member amd64_frame[] = {
	{ X86_64_RDI, "tf_rdi", 8, 0 }, { X86_64_RSI, "tf_rsi", 8, 0 }, { X86_64_RDX, "tf_rdx", 8, 0 },
	{ X86_64_RCX, "tf_rcx", 8, 0 }, { X86_64_R8, "tf_r8", 8, 0 },	{ X86_64_R9, "tf_r9", 8, 0 },
	{ X86_64_R10, "tf_r10", 8, 0 }, { X86_64_R11, "tf_r11", 8, 0 }, { X86_64_R12, "tf_r12", 8, 0 },
	{ X86_64_R13, "tf_r13", 8, 0 }, { X86_64_R14, "tf_r14", 8, 0 }, { X86_64_R15, "tf_r15", 8, 0 },
	{ X86_64_RBP, "tf_rbp", 8, 0 }, { X86_64_RBX, "tf_rbx", 8, 0 }, { X86_64_RAX, "tf_rax", 8, 0 },
	{ X86_64_RIP, "tf_rip", 8, 0 }, { X86_64_CS, "tf_cs", 2, 0 },	{ X86_64_RFLAGS, "tf_rflags", 8, 0 },
	{ X86_64_RSP, "tf_rsp", 8, 0 }, { X86_64_SS, "tf_ss", 2, 0 },	{ X86_64_DS, "tf_ds", 2, 0 },
	{ X86_64_ES, "tf_es", 2, 0 },	{ X86_64_FS, "tf_fs", 2, 0 },	{ X86_64_GS, "tf_gs", 2, 0 },
};

/* The program counter is the last word of both. */
static const struct amd64_member amd64_switch[] = {
	{ X86_64_R15, "sf_r15", 8, 0 },	 { X86_64_R14, "sf_r14", 8, 8 },  { X86_64_R13, "sf_r13", 8, 16 },
	{ X86_64_R12, "sf_r12", 8, 24 }, { X86_64_RBX, "sf_rbx", 8, 32 }, { X86_64_RIP, "sf_rip", 8, 40 },
};

static const struct kco_regset_entry amd64_iret[] = {
	{ X86_64_RIP, 0, 8 },  { X86_64_CS, 8, 2 },  { X86_64_RFLAGS, 16, 8 },
	{ X86_64_RSP, 24, 8 }, { X86_64_SS, 32, 2 },
};
static const struct kco_regset amd64_iret_set = { NULL, 0, 40, amd64_iret, ARRAY_SIZE(amd64_iret) };

static enum kco_status amd64_regset(struct kco_session *s, const char *type, const struct amd64_member *members,
				    size_t n, struct kco_regset *set, struct kco_regset_entry *entries,
				    struct kco_err *err)
{
	uint64_t size;
	size_t used = 0;
	enum kco_status st = s->types ? kco_types_sizeof(s->types, type, &size, err)
				      : kco_fail(err, KCO_E_NOTYPE, "no types: struct %s is not known", type);

	if (!st && size > AMD64_FRAME_MAX)
		st = kco_fail(err, KCO_E_CORRUPT, "struct %s of %" PRIu64 " bytes makes no sense", type, size);
	for (size_t i = 0; !st && i < n; i++) {
		struct kco_field f;
		struct kco_err missing = KCO_ERR_INIT;

		// OpenBSD's frames have no segment registers but cs and ss, since its 6.4.
		if (os_field(s, type, &f, &missing, members[i].name, NULL)) {
			if (members[i].size == 8 || members[i].reg == X86_64_CS)
				st = kco_fail(err, missing.code, "%s", missing.msg);
			continue;
		}
		if (f.offset + members[i].size <= size)
			entries[used++] =
				(struct kco_regset_entry){ members[i].reg, (uint16_t)f.offset, members[i].size };
	}
	if (!st)
		*set = (struct kco_regset){ .desc_size = (uint32_t)size, .entries = entries, .nr_entries = used };
	return st;
}

static void amd64_load_switch(struct kco_session *s, struct bsd_amd64 *a)
{
	size_t n = ARRAY_SIZE(amd64_switch);

	if (!amd64_regset(s, "switchframe", amd64_switch, n, &a->sw, a->sw_entries, NULL))
		return;
	/* A kernel file that never needed the struct: its layout has not changed since it has a name. */
	for (size_t i = 0; i < n; i++)
		a->sw_entries[i] = (struct kco_regset_entry){ amd64_switch[i].reg, amd64_switch[i].offset, 8 };
	if (bsd_of(s)->flavour == &openbsd_flavour) {
		// rbp lies between.
		a->sw_entries[4].offset += 8;
		a->sw_entries[5].offset += 8;
	}
	a->sw = (struct kco_regset){ .desc_size = a->sw_entries[5].offset + 8u,
				     .entries = a->sw_entries,
				     .nr_entries = n };
}

static void amd64_load_pcb(struct kco_session *s, struct bsd_amd64 *a)
{
	uint64_t dumppcb;

	if (os_field(s, "pcb", &a->rsp, &a->pcb_err, "pcb_rsp", NULL) ||
	    os_field(s, "pcb", &a->rbp, &a->pcb_err, "pcb_rbp", NULL))
		return;
	a->has_top = !os_field(s, "pcb", &a->top, NULL, bsd_of(s)->flavour->stack_top, NULL);
	if (os_symbol(s, &dumppcb, NULL, "dumppcb", NULL) || kco_kread_field(s, dumppcb, &a->rsp, &a->dump_rsp, NULL) ||
	    kco_kread_field(s, dumppcb, &a->rbp, &a->dump_rbp, NULL))
		a->dump_rsp = a->dump_rbp = 0;
}

/* Loaded on the session's thread, whose symbols and types are asked; NULL: out of memory. */
static struct bsd_amd64 *amd64_load(struct kco_session *s)
{
	struct bsd_os *os = bsd_of(s);
	struct bsd_amd64 *a;

	if (os->amd64)
		return os->amd64;
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	if (!kco_session_need(s, KCO_NEED_SYMS, &a->pcb_err))
		(void)!kco_session_need(s, KCO_NEED_TYPES, &a->pcb_err);
	(void)!amd64_regset(s, "trapframe", amd64_frame, ARRAY_SIZE(amd64_frame), &a->frame, a->frame_entries,
			    &a->frame_err);
	if (!a->pcb_err.code) {
		amd64_load_switch(s, a);
		amd64_load_pcb(s, a);
	}
	(void)!bsd_cpus_load(s, NULL);
	return os->amd64 = a;
}

void bsd_amd64_fini(struct kco_session *s)
{
	struct bsd_os *os = bsd_of(s);

	free(os->amd64);
	os->amd64 = NULL;
	bsd_text_free(os->text);
	os->text = NULL;
}

uint64_t bsd_dump_sp(struct kco_session *s)
{
	const struct bsd_amd64 *a = amd64_load(s);

	return a ? a->dump_rsp : 0;
}

/*
 * The pcb tells where the stack begins, 16 bytes under its end; OpenBSD puts
 * up to a page at random between. Under the stack lies what holds the pcb.
 */
bool bsd_stack(struct kco_session *s, uint64_t pcb, uint64_t base, uint64_t *first, uint64_t *end)
{
	const struct bsd_amd64 *a = amd64_load(s);
	uint64_t top;

	if (!a || !a->has_top || kco_kread_field(s, pcb, &a->top, &top, NULL) || top < AMD64_KERNEL ||
	    top > UINT64_MAX - 2 * AMD64_PAGE)
		return false;
	top = (top + AMD64_RED_ZONE + AMD64_PAGE - 1) & ~(AMD64_PAGE - 1);
	*end = top;
	*first = base < top && top - base <= BSD_STACK_MAX ? base & ~(AMD64_PAGE - 1) : top - BSD_STACK_MAX / 4;
	return true;
}

static bool amd64_is_text(struct kco_session *s, uint64_t pc)
{
	return bsd_text_has(bsd_of(s)->text, pc);
}

/*
 * What savectx() left: its return address, and the frame of who called it. That
 * function went on and called others, which return to it, too, if to another place.
 */
static enum kco_status amd64_dump_regs(struct kco_session *s, const struct bsd_amd64 *a, struct kco_mem *mem,
				       struct kco_regs *regs, struct kco_err *err)
{
	uint64_t pc, fp = a->dump_rbp, sp = a->dump_rsp + 8;
	enum kco_status st = kco_vread_uint(mem, &s->kernel, a->dump_rsp, 8, &pc, err);

	if (st || !amd64_is_text(s, pc)) {
		st = kco_vread_uint(mem, &s->kernel, a->dump_rbp + 8, 8, &pc, err);
		if (!st)
			st = kco_vread_uint(mem, &s->kernel, a->dump_rbp, 8, &fp, err);
		sp = a->dump_rbp + 16;
	}
	if (st)
		return kco_context(err, st, "dumppcb");
	kco_regs_set(regs, X86_64_RIP, pc);
	kco_regs_set(regs, X86_64_RSP, sp);
	kco_regs_set(regs, X86_64_RBP, fp);
	return KCO_OK;
}

static enum kco_status amd64_frame_regs(struct kco_session *s, const struct bsd_amd64 *a, struct kco_mem *mem,
					uint64_t frame, struct kco_regs *regs, struct kco_err *err)
{
	uint8_t bytes[AMD64_FRAME_MAX];
	enum kco_status st = KCO_OK;

	if (!a->frame.nr_entries)
		return kco_fail(err, a->frame_err.code ? a->frame_err.code : KCO_E_NOTYPE, "%s", a->frame_err.msg);
	st = kco_vread(mem, &s->kernel, frame, bytes, a->frame.desc_size, NULL, err);
	if (!st)
		kco_regset_decode(&a->frame, bytes, a->frame.desc_size, regs);
	return st;
}

static bool amd64_in_intrstack(const struct bsd_cpu *cpu, uint64_t sp)
{
	return cpu->intrstack > AMD64_INTRSTACK && sp < cpu->intrstack + AMD64_RED_ZONE &&
	       sp >= cpu->intrstack + AMD64_RED_ZONE - AMD64_INTRSTACK;
}

static enum kco_status amd64_running(struct kco_session *s, const struct bsd_amd64 *a, struct kco_mem *mem, int number,
				     uint64_t first, uint64_t end, struct kco_regs *regs, struct kco_err *err)
{
	const struct bsd_os *os = bsd_of(s);
	const struct bsd_cpu *cpu = number >= 0 && (unsigned)number < os->nr_cpus ? &os->cpus[number] : NULL;

	if (a->dump_rsp &&
	    ((a->dump_rsp >= first && a->dump_rsp < end) || (cpu && amd64_in_intrstack(cpu, a->dump_rsp))))
		return amd64_dump_regs(s, a, mem, regs, err);
	if (cpu && cpu->ddb_regs)
		return kco_context(err, amd64_frame_regs(s, a, mem, cpu->ddb_regs, regs, err), "ci_ddb_regs of CPU %d",
				   number);
	return kco_fail(err, KCO_E_RANGE,
			"CPU %d was running when the kernel died, and ddb had not stopped it: it left no registers",
			number);
}

static enum kco_status amd64_switched(struct kco_session *s, const struct bsd_amd64 *a, struct kco_mem *mem,
				      uint64_t pcb, struct kco_regs *regs, struct kco_err *err)
{
	uint8_t bytes[AMD64_FRAME_MAX];
	uint64_t sp, fp;
	enum kco_status st = kco_vread_uint(mem, &s->kernel, pcb + a->rsp.offset, 8, &sp, err);

	if (!st)
		st = kco_vread_uint(mem, &s->kernel, pcb + a->rbp.offset, 8, &fp, err);
	if (st)
		return kco_context(err, st, "pcb at %#" PRIx64, pcb);
	st = kco_vread(mem, &s->kernel, sp, bytes, a->sw.desc_size, NULL, err);
	if (st)
		return kco_context(err, st, "switch frame at %#" PRIx64, sp);
	kco_regset_decode(&a->sw, bytes, a->sw.desc_size, regs);
	kco_regs_set(regs, X86_64_RBP, fp);
	kco_regs_set(regs, X86_64_RSP, sp + a->sw.desc_size);
	return KCO_OK;
}

enum kco_status bsd_task_regs(struct kco_session *s, struct kco_mem *mem, const struct kco_task *task,
			      struct kco_regs *regs, struct kco_err *err)
{
	const struct bsd_amd64 *a = amd64_load(s);
	const struct bsd_thread *thread;

	*regs = (struct kco_regs){ 0 };
	if (!a)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (a->pcb_err.code)
		return kco_fail(err, a->pcb_err.code, "%s", a->pcb_err.msg);
	if (task->flags & KCO_TASK_ACTIVE)
		return amd64_running(s, a, mem, task->cpu, task->stack, task->stack + task->stack_size, regs, err);
	thread = bsd_thread(s, task->addr);
	if (!thread || !thread->pcb)
		return kco_fail(err, KCO_E_RANGE, "the thread has no pcb: it has given its stack back");
	return amd64_switched(s, a, mem, thread->pcb, regs, err);
}

enum kco_status bsd_cpu_regs(struct kco_session *s, unsigned cpu, struct kco_regs *regs, struct kco_err *err)
{
	const struct bsd_amd64 *a = amd64_load(s);
	const struct kco_task *task;
	enum kco_status st = bsd_cpus_load(s, err);

	*regs = (struct kco_regs){ 0 };
	if (st)
		return st;
	if (!a)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (!bsd_cpu_online(s, cpu))
		return kco_fail(err, KCO_E_RANGE, "no CPU %u: there are %u", cpu, bsd_of(s)->nr_cpus);
	(void)bsd_is_text(s, 0);
	task = kco_task_by_addr(s, bsd_of(s)->cpus[cpu].curthread);
	return amd64_running(s, a, s->mem, (int)cpu, task ? task->stack : 0, task ? task->stack + task->stack_size : 0,
			     regs, err);
}

size_t bsd_cpu_stacks(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max)
{
	const struct bsd_os *os = bsd_of(s);

	if (bsd_cpus_load(s, NULL) || cpu >= os->nr_cpus || !max || os->cpus[cpu].intrstack < AMD64_KERNEL)
		return 0;
	ranges[0] = (struct kco_stack_range){ "interrupt", os->cpus[cpu].intrstack + AMD64_RED_ZONE - AMD64_INTRSTACK,
					      os->cpus[cpu].intrstack + AMD64_RED_ZONE };
	return 1;
}

/* The gates of the IDT and of system calls are X and a name; what they share has names of its own. */
static bool amd64_is_entry(const char *name)
{
	static const char *const names[] = {
		"alltraps",	  "calltrap",	     "recall_trap",	 "handle_syscall",
		"lwp_trampoline", "proc_trampoline", "child_trampoline", "kernuser_reenter"
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return !strncmp(name, "alltraps_", 9) || !strncmp(name, "intr_user_", 10) ||
	       (name[0] == 'X' && (name[1] == 'U' || (name[1] >= 'a' && name[1] <= 'z')));
}

bool bsd_is_text(struct kco_session *s, uint64_t pc)
{
	static const char *const first[] = { "kernel_text", "__kernel_text", NULL }, *const end[] = { "etext", "_etext",
												      NULL };
	static const struct bsd_text_rule rule = {
		.is_entry = amd64_is_entry,
		.starts = { "lwp_trampoline", "proc_trampoline", "child_trampoline" },
		.first = first,
		.end = end,
	};
	struct bsd_os *os = bsd_of(s);

	if (!os->text) {
		// On the session's thread, before workers start: all that they will ask for.
		(void)amd64_load(s);
		os->text = bsd_text_new(s, &rule);
	}
	return bsd_text_has(os->text, pc);
}

const struct kco_regset *bsd_trap_frame(struct kco_session *s, bool hardware_part_only)
{
	const struct bsd_amd64 *a = amd64_load(s);

	if (hardware_part_only)
		return &amd64_iret_set;
	return a && a->frame.nr_entries ? &a->frame : NULL;
}

bool bsd_regs_user(struct kco_session *s, const struct kco_regs *regs)
{
	uint64_t cs;

	(void)s;
	return kco_regs_get(regs, X86_64_CS, &cs) && (cs & 3) == 3;
}

/* Could these be the registers that a trap frame keeps? */
static bool amd64_plausible(struct kco_session *s, const struct kco_regs *regs)
{
	uint64_t cs = regs->v[X86_64_CS], pc = regs->v[X86_64_RIP], sp = regs->v[X86_64_RSP];

	if (!cs || cs >= AMD64_SELECTOR_MAX || regs->v[X86_64_SS] >= AMD64_SELECTOR_MAX)
		return false;
	if ((cs & 3) == 3)
		return pc && pc < AMD64_KERNEL && sp < AMD64_KERNEL;
	return !(cs & 3) && amd64_is_text(s, pc) && sp >= AMD64_KERNEL;
}

static enum kco_status amd64_find_frame(struct kco_session *s, const struct bsd_amd64 *a, struct kco_mem *mem,
					uint64_t sp, struct kco_regs *regs, uint64_t *frame, struct kco_err *err)
{
	for (unsigned i = 0; i < 2 * AMD64_FRAME_WORDS; i++) {
		uint64_t at = sp + 8 * (i % AMD64_FRAME_WORDS);
		enum kco_status st;

		// Second, what those words point to.
		if (i >= AMD64_FRAME_WORDS &&
		    (kco_vread_uint(mem, &s->kernel, at, 8, &at, NULL) || at < AMD64_KERNEL || at % 8))
			continue;
		*regs = (struct kco_regs){ 0 };
		st = amd64_frame_regs(s, a, mem, at, regs, err);
		if (st && i == 0)
			return st;
		if (!st && amd64_plausible(s, regs)) {
			*frame = at;
			return KCO_OK;
		}
	}
	return KCO_DONE;
}

enum kco_status bsd_entry_frame(struct kco_session *s, struct kco_mem *mem, const struct kco_regs *regs, bool exact,
				struct kco_regs *interrupted, uint64_t *frame, struct kco_err *err)
{
	const struct bsd_amd64 *a = amd64_load(s);
	enum kco_status st;

	if (!a || !a->frame.nr_entries || !bsd_text_is_entry(bsd_of(s)->text, regs->v[X86_64_RIP], exact))
		return KCO_E_NOSYM;
	st = amd64_find_frame(s, a, mem, regs->v[X86_64_RSP], interrupted, frame, err);
	// Nothing like a frame: a thread of the kernel began here, whose frame nobody filled.
	return st == KCO_E_NOSYM ? KCO_E_CORRUPT : st;
}
