// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Linux lays out on x86_64: where the registers of tasks and CPUs are.
 *
 * A blocked task's registers were pushed by __switch_to_asm: task.thread.sp
 * points to a struct inactive_task_frame (arch/x86/include/asm/switch_to.h).
 * A trap frame is struct pt_regs (arch/x86/include/asm/ptrace.h), of which
 * the processor pushes the last five words.
 *
 * Registers in a dump belong to CPUs. A hypervisor's notes have one for each,
 * in the order of its own numbers, and their GS base tells whose they are:
 * the kernel's GS base is the CPU's per-CPU offset. A kdump kernel makes
 * PRSTATUS notes of what each CPU left in crash_notes, without those that
 * left nothing: so what lies in memory is asked first, the file's order last.
 */
#include "linux_x86_64.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "linux.h"
#include "linux_x86_64_stacks.h"
#include "x86_64.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CR0_PG (UINT64_C(1) << 31)
#define PRSTATUS_SIZE 336
#define CPU_STACKS_MAX 16

/* One CPU's, loaded on first use. */
struct linux_x86_64_cpu {
	bool tried_stacks, tried_regs;
	size_t nr_stacks;
	struct kco_stack_range stacks[CPU_STACKS_MAX];
	struct kco_regs regs;
	struct kco_err err; /* why there are no registers */
};

struct linux_x86_64 {
	struct kco_err frame_err; /* why switch frames cannot be read, or code KCO_OK */
	struct kco_field thread_sp;
	uint64_t frame_size;
	struct {
		uint8_t reg;
		struct kco_field field;
	} frame[7];
	bool tried_crash_notes, crash_notes_used;
	uint64_t top_padding; /* between the user's pt_regs and the end of the stack */
	unsigned nr_cpus;
	struct linux_x86_64_cpu **cpus;
};

static const struct kco_regset_entry x86_64_pt_regs[] = {
	{ X86_64_R15, 0, 8 },	{ X86_64_R14, 8, 8 },	{ X86_64_R13, 16, 8 },	   { X86_64_R12, 24, 8 },
	{ X86_64_RBP, 32, 8 },	{ X86_64_RBX, 40, 8 },	{ X86_64_R11, 48, 8 },	   { X86_64_R10, 56, 8 },
	{ X86_64_R9, 64, 8 },	{ X86_64_R8, 72, 8 },	{ X86_64_RAX, 80, 8 },	   { X86_64_RCX, 88, 8 },
	{ X86_64_RDX, 96, 8 },	{ X86_64_RSI, 104, 8 }, { X86_64_RDI, 112, 8 },	   { X86_64_ORIG_RAX, 120, 8 },
	{ X86_64_RIP, 128, 8 }, { X86_64_CS, 136, 2 },	{ X86_64_RFLAGS, 144, 8 }, { X86_64_RSP, 152, 8 },
	{ X86_64_SS, 160, 2 },
};
#define PT_REGS_SIZE 168

static const struct kco_regset_entry x86_64_iret[] = {
	{ X86_64_RIP, 0, 8 },  { X86_64_CS, 8, 2 },  { X86_64_RFLAGS, 16, 8 },
	{ X86_64_RSP, 24, 8 }, { X86_64_SS, 32, 2 },
};

static const struct kco_regset x86_64_trap_frames[2] = {
	{ NULL, 0, PT_REGS_SIZE, x86_64_pt_regs, ARRAY_SIZE(x86_64_pt_regs) },
	{ NULL, 0, 40, x86_64_iret, ARRAY_SIZE(x86_64_iret) },
};

static enum kco_status x86_64_load_frame(struct kco_session *s, struct linux_x86_64 *x)
{
	static const struct {
		uint8_t reg;
		const char *member;
	} members[] = {
		{ X86_64_R15, "r15" }, { X86_64_R14, "r14" }, { X86_64_R13, "r13" },	  { X86_64_R12, "r12" },
		{ X86_64_RBX, "bx" },  { X86_64_RBP, "bp" },  { X86_64_RIP, "ret_addr" },
	};
	enum kco_status st = kco_types_field(s->types, "task_struct", "thread.sp", &x->thread_sp, &x->frame_err);

	if (!st)
		st = kco_types_sizeof(s->types, "inactive_task_frame", &x->frame_size, &x->frame_err);
	for (size_t i = 0; !st && i < ARRAY_SIZE(members); i++) {
		x->frame[i].reg = members[i].reg;
		st = kco_types_field(s->types, "inactive_task_frame", members[i].member, &x->frame[i].field,
				     &x->frame_err);
	}
	if (!st && x->frame_size > 256)
		st = kco_fail(&x->frame_err, KCO_E_CORRUPT, "struct inactive_task_frame of %" PRIu64 " bytes",
			      x->frame_size);
	return st;
}

/* Loaded on the session's thread, whose symbols and types are asked; NULL: out of memory. */
static struct linux_x86_64 *x86_64_load(struct kco_session *s)
{
	struct linux_os *os = linux_of(s);
	struct linux_x86_64 *x;
	uint64_t addr;

	if (os->x86_64)
		return os->x86_64;
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	if (!kco_session_need(s, KCO_NEED_SYMS | KCO_NEED_TYPES, &x->frame_err))
		(void)x86_64_load_frame(s, x);
	// CONFIG_X86_FRED (since v6.9) keeps 16 bytes free above pt_regs: TOP_OF_KERNEL_STACK_PADDING.
	if (s->symbols && !os_symbol(s, &addr, NULL, "asm_fred_entrypoint_user", NULL))
		x->top_padding = 16;
	if (linux_cpu_count(s, &x->nr_cpus, NULL) == KCO_OK)
		x->cpus = calloc(x->nr_cpus, sizeof(struct linux_x86_64_cpu *));
	if (!x->cpus)
		x->nr_cpus = 0;
	return os->x86_64 = x;
}

void linux_x86_64_fini(struct kco_session *s)
{
	struct linux_x86_64 *x = linux_of(s)->x86_64;

	if (!x)
		return;
	for (unsigned cpu = 0; cpu < x->nr_cpus; cpu++)
		free(x->cpus[cpu]);
	free(x->cpus);
	free(x);
	linux_of(s)->x86_64 = NULL;
}

static struct linux_x86_64_cpu *x86_64_cpu(struct kco_session *s, unsigned cpu)
{
	struct linux_x86_64 *x = x86_64_load(s);

	if (!x || cpu >= x->nr_cpus)
		return NULL;
	if (!x->cpus[cpu])
		x->cpus[cpu] = calloc(1, sizeof(*x->cpus[cpu]));
	return x->cpus[cpu];
}

size_t linux_x86_64_cpu_stacks(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max)
{
	struct linux_x86_64_cpu *c = x86_64_cpu(s, cpu);

	if (!c)
		return 0;
	if (!c->tried_stacks) {
		c->tried_stacks = true;
		c->nr_stacks = linux_x86_64_stacks_load(s, cpu, c->stacks, CPU_STACKS_MAX);
	}
	if (max > c->nr_stacks)
		max = c->nr_stacks;
	memcpy(ranges, c->stacks, max * sizeof(*ranges));
	return max;
}

const struct kco_regset *linux_x86_64_trap_frame(struct kco_session *s, bool hardware_part_only)
{
	(void)s;
	return &x86_64_trap_frames[hardware_part_only];
}

uint64_t linux_x86_64_user_regs(struct kco_session *s, const struct kco_task *task)
{
	struct linux_x86_64 *x = x86_64_load(s);

	if (!x || !task->stack || task->flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE))
		return 0;
	return task->stack + task->stack_size - x->top_padding - PT_REGS_SIZE;
}

bool linux_x86_64_regs_user(struct kco_session *s, const struct kco_regs *regs)
{
	uint64_t cs;

	(void)s;
	return kco_regs_get(regs, X86_64_CS, &cs) && (cs & 3) == 3;
}

/* A register set of a note, or NULL when its size is not the one described (a CPU outside of long mode: 144). */
static const struct kco_regset *x86_64_regset(const struct kco_session *s, const char *note, uint32_t size)
{
	for (size_t i = 0; i < s->arch->nr_regsets; i++)
		if (!strcmp(s->arch->regsets[i].note, note) && s->arch->regsets[i].desc_size == size)
			return &s->arch->regsets[i];
	return NULL;
}

static bool x86_64_decode(const struct kco_session *s, const struct kco_note *note, struct kco_regs *regs)
{
	const struct kco_regset *set = x86_64_regset(s, note->name, note->size);

	*regs = (struct kco_regs){ 0 };
	if (set)
		kco_regset_decode(set, note->desc, note->size, regs);
	return set != NULL;
}

/* In kernel mode GS is the CPU's per-CPU base; in user mode, and for a moment at the border, it is swapped away. */
static bool x86_64_regs_of_cpu(struct kco_session *s, const struct kco_regs *regs, unsigned cpu)
{
	uint64_t base, gs;

	if (linux_percpu(s, 0, cpu, &base, NULL))
		return false;
	return (kco_regs_get(regs, X86_64_GS_BASE, &gs) && gs == base) ||
	       (kco_regs_get(regs, X86_64_KERNEL_GS_BASE, &gs) && gs == base);
}

/* The note named @name whose GS base is that of @cpu, else the one with its number if it is nobody else's. */
static const struct kco_note *x86_64_note_by_gs(struct kco_session *s, const char *name, uint32_t type, unsigned cpu)
{
	const struct kco_note *note, *nth = NULL;
	struct kco_regs regs;
	unsigned nr_cpus;

	for (size_t i = 0; (note = kco_image_note(s->image, name, type, i)); i++) {
		if (i == cpu)
			nth = note;
		if (x86_64_decode(s, note, &regs) && x86_64_regs_of_cpu(s, &regs, cpu))
			return note;
	}
	if (!nth || linux_cpu_count(s, &nr_cpus, NULL) || !x86_64_decode(s, nth, &regs))
		return nth;
	for (unsigned other = 0; other < nr_cpus; other++)
		if (x86_64_regs_of_cpu(s, &regs, other))
			return NULL;
	return nth;
}

static enum kco_status x86_64_cpu_regs_qemu(struct kco_session *s, unsigned cpu, struct kco_regs *regs,
					    struct kco_err *err)
{
	const struct kco_note *note = x86_64_note_by_gs(s, "QEMU", 0, cpu);
	uint64_t cr0;

	if (!note)
		return kco_fail(err, KCO_E_RANGE, "no note holds the registers of CPU %u", cpu);
	if (!x86_64_decode(s, note, regs))
		return kco_fail(err, KCO_E_UNSUPPORTED, "the QEMU note of CPU %u has %u bytes, not 440", cpu,
				note->size);
	if (kco_regs_get(regs, X86_64_CR0, &cr0) && !(cr0 & CR0_PG))
		return kco_fail(err, KCO_E_RANGE, "CPU %u did not run the kernel: its paging was off", cpu);
	return KCO_OK;
}

/* What the CPU itself saved when the kernel crashed: an ELF note in its copy of crash_notes (kernel/kexec_core.c). */
static enum kco_status x86_64_cpu_regs_memory(struct kco_session *s, unsigned cpu, struct kco_regs *regs,
					      struct kco_err *err)
{
	const struct kco_regset *set = x86_64_regset(s, "CORE", PRSTATUS_SIZE);
	uint8_t note[20 + PRSTATUS_SIZE];
	uint64_t notes, addr;
	enum kco_status st = os_variable(s, "crash_notes", 8, &notes, err);

	if (!st && !notes)
		return kco_fail(err, KCO_E_NOSYM, "crash_notes was never allocated");
	if (!st)
		st = linux_percpu(s, notes, cpu, &addr, err);
	if (!st)
		st = kco_kread(s, addr, note, sizeof(note), NULL, err);
	if (st)
		return kco_context(err, st, "crash_notes of CPU %u", cpu);
	if (!set || kco_le32(note) != 5 || kco_le32(note + 4) != PRSTATUS_SIZE || kco_le32(note + 8) != NT_PRSTATUS ||
	    memcmp(note + 12, "CORE", 5))
		return kco_fail(err, KCO_E_RANGE, "CPU %u left no registers when the kernel crashed", cpu);
	*regs = (struct kco_regs){ 0 };
	kco_regset_decode(set, note + 20, PRSTATUS_SIZE, regs);
	// A kernel leaves these two as the task's own were, which is not what the CPU had.
	regs->known &= ~(UINT64_C(1) << X86_64_FS_BASE | UINT64_C(1) << X86_64_GS_BASE);
	return KCO_OK;
}

/* Did any CPU leave notes in memory? Then a CPU without has none; else the file's notes are another writer's. */
static bool x86_64_crash_notes_used(struct kco_session *s)
{
	struct linux_x86_64 *x = linux_of(s)->x86_64;
	struct kco_regs regs;

	for (unsigned cpu = 0; x && cpu < x->nr_cpus && !x->tried_crash_notes; cpu++)
		x->crash_notes_used |= x86_64_cpu_regs_memory(s, cpu, &regs, NULL) == KCO_OK;
	if (x)
		x->tried_crash_notes = true;
	return x && x->crash_notes_used;
}

/* Without anything else: PRSTATUS notes in CPU order, of all CPUs or of those online. */
static enum kco_status x86_64_cpu_regs_order(struct kco_session *s, unsigned cpu, struct kco_regs *regs,
					     struct kco_err *err)
{
	size_t nr_notes = 0, nr_online = 0, nth = cpu;
	const struct kco_note *note;
	unsigned nr_cpus = 0;

	while (kco_image_note(s->image, "CORE", NT_PRSTATUS, nr_notes))
		nr_notes++;
	(void)linux_cpu_count(s, &nr_cpus, NULL);
	for (unsigned other = 0; other < nr_cpus; other++) {
		if (other == cpu)
			nth = nr_online;
		nr_online += linux_cpu_online(s, other);
	}
	if (nr_notes == nr_online && !linux_cpu_online(s, cpu))
		return kco_fail(err, KCO_E_RANGE, "CPU %u was offline: the dump's %zu notes belong to others", cpu,
				nr_notes);
	if (nr_notes != nr_online)
		nth = cpu;
	note = kco_image_note(s->image, "CORE", NT_PRSTATUS, nth);
	if (!note)
		return kco_fail(err, KCO_E_RANGE, "the dump holds no registers of CPU %u", cpu);
	if (!x86_64_decode(s, note, regs))
		return kco_fail(err, KCO_E_RANGE, "CPU %u did not run the kernel: its note has %u bytes", cpu,
				note->size);
	return KCO_OK;
}

static enum kco_status x86_64_cpu_regs_load(struct kco_session *s, unsigned cpu, struct kco_regs *regs,
					    struct kco_err *err)
{
	enum kco_status st;

	if (kco_image_note(s->image, "QEMU", 0, 0))
		return x86_64_cpu_regs_qemu(s, cpu, regs, err);
	st = x86_64_cpu_regs_memory(s, cpu, regs, err);
	if (!st || x86_64_crash_notes_used(s) || !kco_image_note(s->image, "CORE", NT_PRSTATUS, 0))
		return st;
	return x86_64_cpu_regs_order(s, cpu, regs, err);
}

enum kco_status linux_x86_64_cpu_regs(struct kco_session *s, unsigned cpu, struct kco_regs *regs, struct kco_err *err)
{
	struct linux_x86_64_cpu *c = x86_64_cpu(s, cpu);

	if (!c) {
		unsigned nr_cpus;
		enum kco_status st = linux_cpu_count(s, &nr_cpus, err);

		return st ? st : kco_fail(err, KCO_E_RANGE, "no CPU %u: there are %u", cpu, nr_cpus);
	}
	if (!c->tried_regs) {
		c->tried_regs = true;
		c->err = KCO_ERR_INIT;
		c->err.code = x86_64_cpu_regs_load(s, cpu, &c->regs, &c->err);
	}
	*regs = c->regs;
	if (c->err.code && err)
		*err = c->err;
	return c->err.code;
}

static enum kco_status x86_64_switch_frame(struct kco_session *s, struct kco_mem *mem, const struct kco_task *task,
					   struct kco_regs *regs, struct kco_err *err)
{
	struct linux_x86_64 *x = x86_64_load(s);
	uint8_t frame[256];
	uint64_t sp, value;
	enum kco_status st;

	if (!x)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (x->frame_err.code) {
		if (err)
			*err = x->frame_err;
		return x->frame_err.code;
	}
	st = kco_vread_uint(mem, &s->kernel, task->addr + x->thread_sp.offset, 8, &sp, err);
	if (st)
		return kco_context(err, st, "thread.sp");
	if (sp < task->stack || sp - task->stack > task->stack_size - x->frame_size)
		return kco_fail(err, KCO_E_CORRUPT,
				"thread.sp %#" PRIx64 " is not on the task's stack (%#" PRIx64 ", %u bytes)", sp,
				task->stack, task->stack_size);
	st = kco_vread(mem, &s->kernel, sp, frame, (size_t)x->frame_size, NULL, err);
	if (st)
		return kco_context(err, st, "switch frame");
	for (size_t i = 0; i < ARRAY_SIZE(x->frame); i++)
		if (kco_field_get(&x->frame[i].field, frame, (size_t)x->frame_size, &value))
			kco_regs_set(regs, x->frame[i].reg, value);
	kco_regs_set(regs, X86_64_RSP, sp + x->frame_size);
	return KCO_OK;
}

enum kco_status linux_x86_64_task_regs(struct kco_session *s, struct kco_mem *mem, const struct kco_task *task,
				       struct kco_regs *regs, struct kco_err *err)
{
	*regs = (struct kco_regs){ 0 };
	if (!(task->flags & KCO_TASK_ACTIVE))
		return x86_64_switch_frame(s, mem, task, regs, err);
	if (task->cpu < 0)
		return kco_fail(err, KCO_E_RANGE, "the task was running, but its CPU is not known");
	return linux_x86_64_cpu_regs(s, (unsigned)task->cpu, regs, err);
}
