// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where Linux keeps the interrupt, exception and entry stacks of an x86_64 CPU.
 *
 *   IRQ               hardirq_stack_ptr points to the highest word, or one past it
 *                     (arch/x86/kernel/irq_64.c). For some releases a member of pcpu_hot; in
 *                     old kernels the variable is irq_stack_ptr.
 *   exceptions        cea_exception_stacks points to struct cea_exception_stacks, whose
 *                     NAME_stack members they are (arch/x86/include/asm/cpu_entry_area.h).
 *                     Before, and where that cannot be read: the tops in the task state
 *                     segment (struct x86_hw_tss, arch/x86/include/asm/processor.h).
 *   entry trampoline  ends at the task state segment's sp0, in kernels that have one.
 */
#include "linux_x86_64_stacks.h"

#include <string.h>

#include "linux.h"

#define STACK_PAGE UINT64_C(4096)
#define IRQ_STACK_SIZE UINT64_C(16384)

struct stacks {
	struct kco_session *s;
	unsigned cpu;
	struct kco_stack_range *ranges;
	size_t n, max;
};

static void stacks_add(struct stacks *st, const char *name, uint64_t first, uint64_t size)
{
	uint64_t end;

	if (!first || !size || st->n == st->max || __builtin_add_overflow(first, size, &end))
		return;
	// One stack by two ways is one stack.
	for (size_t i = 0; i < st->n; i++)
		if (first < st->ranges[i].end && end > st->ranges[i].first)
			return;
	st->ranges[st->n++] = (struct kco_stack_range){ name, first, end };
}

/* The word at this CPU's copy of per-CPU symbol @name + @offset. */
static bool stacks_percpu(struct stacks *st, const char *name, uint64_t offset, uint64_t *ret)
{
	uint64_t addr;

	return !kco_percpu_addr(st->s, name, (int)st->cpu, &addr, NULL) &&
	       !kco_kread_uint(st->s, addr + offset, 8, ret, NULL);
}

static void stacks_irq(struct stacks *st)
{
	uint64_t top, size;
	struct kco_field field;

	if (kco_types_sizeof(st->s->types, "irq_stack", &size, NULL))
		size = IRQ_STACK_SIZE;
	if (kco_types_field(st->s->types, "pcpu_hot", "hardirq_stack_ptr", &field, NULL) ||
	    !stacks_percpu(st, "pcpu_hot", field.offset, &top)) {
		if (!stacks_percpu(st, "hardirq_stack_ptr", 0, &top) && !stacks_percpu(st, "irq_stack_ptr", 0, &top))
			return;
	}
	// Stacks are aligned to pages: one word below the top is the same page's end.
	top = (top + STACK_PAGE - 1) & ~(STACK_PAGE - 1);
	if (size >= STACK_PAGE && size <= 16 * IRQ_STACK_SIZE && top > size)
		stacks_add(st, "IRQ", top - size, size);
}

static bool stacks_exceptions(struct stacks *st)
{
	static const struct {
		const char *member, *name;
	} members[] = {
		{ "DF_stack", "#DF" },	 { "NMI_stack", "NMI" }, { "DB_stack", "#DB" }, { "DB1_stack", "#DB1" },
		{ "DB2_stack", "#DB2" }, { "MCE_stack", "#MC" }, { "VC_stack", "#VC" }, { "VC2_stack", "#VC2" },
	};
	uint64_t base;
	bool any = false;

	if (!stacks_percpu(st, "cea_exception_stacks", 0, &base) || !base)
		return false;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct kco_field field;

		if (kco_types_field(st->s->types, "cea_exception_stacks", members[i].member, &field, NULL))
			continue;
		// Those of features that the build lacks have no bytes.
		stacks_add(st, members[i].name, base + field.offset, field.size);
		any = true;
	}
	return any;
}

/* Address of this CPU's hardware task state segment, and its field @member. */
static bool stacks_tss(struct stacks *st, const char *member, uint64_t *ret)
{
	static const char *const names[] = { "cpu_tss_rw", "cpu_tss", "init_tss" };
	struct kco_field field;

	if (kco_types_field(st->s->types, "tss_struct", member, &field, NULL))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (stacks_percpu(st, names[i], field.offset, ret))
			return true;
	return false;
}

/*
 * Tops of the interrupt stack table in the order of kernels before
 * cea_exception_stacks: #DF, NMI, #DB (two pages), #MC.
 */
static void stacks_ist(struct stacks *st)
{
	static const struct {
		const char *member, *name;
		uint64_t size;
	} ist[] = {
		{ "x86_tss.ist[0]", "#DF", STACK_PAGE },
		{ "x86_tss.ist[1]", "NMI", STACK_PAGE },
		{ "x86_tss.ist[2]", "#DB", 2 * STACK_PAGE },
		{ "x86_tss.ist[3]", "#MC", STACK_PAGE },
	};

	for (size_t i = 0; i < sizeof(ist) / sizeof(ist[0]); i++) {
		uint64_t top;

		if (stacks_tss(st, ist[i].member, &top) && top > ist[i].size)
			stacks_add(st, ist[i].name, top - ist[i].size, ist[i].size);
	}
}

static void stacks_entry(struct stacks *st)
{
	uint64_t size, top;

	// Kernels without the type have the task's stack there.
	if (kco_types_sizeof(st->s->types, "entry_stack", &size, NULL) &&
	    kco_types_sizeof(st->s->types, "SYSENTER_stack", &size, NULL))
		return;
	if (size <= STACK_PAGE && stacks_tss(st, "x86_tss.sp0", &top) && top > size)
		stacks_add(st, "entry trampoline", top - size, size);
}

size_t linux_x86_64_stacks_load(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max)
{
	struct stacks st = { .s = s, .cpu = cpu, .ranges = ranges, .max = max };

	if (kco_session_need(s, KCO_NEED_SYMS | KCO_NEED_TYPES, NULL))
		return 0;
	stacks_irq(&st);
	if (!stacks_exceptions(&st))
		stacks_ist(&st);
	stacks_entry(&st);
	return st.n;
}
