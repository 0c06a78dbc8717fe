// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a kernel stack tells of why its thread stands still: functions that
 * every kernel on x86-64 has in these places, by name.
 *
 *   stop_this_cpu, crash_nmi_callback, ...   the CPU was stopped by the one that panicked
 *   asm_exc_page_fault, ...                  an exception is being handled
 *   struct vm_fault on the stack             which address a page fault waits for
 *   the first function beyond the scheduler  where it waits
 */
#include "linux_stop.h"

#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define STACK_MAX 65536
#define STACK_NMI 2
#define STACK_PF 14

/* The task's kernel frames, in storage that the next call reuses; NULL: none. */
static const struct kco_trace *stack_frames(struct kco_session *s, const struct kco_task *task)
{
	struct linux_stops *stops = linux_stops_load(s);

	if (!stops)
		return NULL;
	if (!stops->trace)
		stops->trace = malloc(sizeof(*stops->trace));
	if (!stops->trace || (!stops->unwinder && kco_unwinder_new(s, &stops->unwinder, NULL)))
		return NULL;
	stops->trace->n = 0;
	(void)!kco_unwind_task(stops->unwinder, task, stops->trace, NULL);
	return stops->trace;
}

/* The function of a frame; a return address may lie behind its end. "" unknown. */
static const char *stack_function(struct kco_session *s, const struct kco_frame *frame)
{
	struct kco_symbol sym;
	uint64_t pc = frame->pc - (frame->kind == KCO_FRAME_CALL && frame->slot);

	return kco_symbols_by_addr(s->symbols, pc, &sym, NULL) ? "" : sym.name;
}

static bool stack_named(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* arch/x86/include/asm/idtentry.h: the entry points that DECLARE_IDTENTRY makes; vectors: asm/trapnr.h. */
static int stack_vector(const char *name)
{
	static const struct {
		const char *name;
		int vector;
	} entries[] = {
		{ "divide_error", 0 },
		{ "debug", 1 },
		{ "int3", 3 },
		{ "overflow", 4 },
		{ "bounds", 5 },
		{ "invalid_op", 6 },
		{ "device_not_available", 7 },
		{ "double_fault", 8 },
		{ "coproc_segment_overrun", 9 },
		{ "invalid_tss", 10 },
		{ "segment_not_present", 11 },
		{ "stack_segment", 12 },
		{ "general_protection", 13 },
		{ "page_fault", STACK_PF },
		{ "coprocessor_error", 16 },
		{ "alignment_check", 17 },
		{ "machine_check", 18 },
		{ "simd_coprocessor_error", 19 },
		{ "virtualization_exception", 20 },
		{ "control_protection", 21 },
	};

	/* Since v5.8 asm_exc_NAME; before, the plain name. */
	if (!strncmp(name, "asm_exc_", 8))
		name += 8;
	else if (!strncmp(name, "asm_", 4) || !strncmp(name, "exc_", 4))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (!strcmp(name, entries[i].name))
			return entries[i].vector;
	return -1;
}

/*
 * Who stops the other CPUs: native_stop_other_cpus() by the reboot vector or
 * NMI, nmi_shootdown_cpus() of kexec, the hypervisors' own.
 */
static bool stack_stopped(const char *name)
{
	static const char *const names[] = { "stop_this_cpu",	      "crash_nmi_callback",
					     "kdump_nmi_callback",    "nmi_shootdown_cpus_callback",
					     "smp_stop_nmi_callback", "sysvec_reboot",
					     "smp_reboot_interrupt",  "panic_smp_self_stop",
					     "nmi_panic_self_stop",   "crash_smp_send_stop" };

	return stack_named(name, names, ARRAY_SIZE(names));
}

void linux_stop_stack_running(struct kco_process *p, const struct kco_task *task, struct kco_stop *stop)
{
	static const char *const nmi[] = { "asm_exc_nmi", "exc_nmi", "default_do_nmi",
					   "nmi_handle",  "do_nmi",  "end_repeat_nmi" };
	struct kco_session *s = p->session;
	const struct kco_trace *trace = stack_frames(s, task);
	bool stopped = false, by_nmi = false;
	int vector = -1;

	for (size_t i = 0; trace && i < trace->n; i++) {
		const struct kco_frame *frame = &trace->frames[i];
		const char *name;

		if (frame->kind == KCO_FRAME_USER || frame->by == KCO_BY_SCAN)
			continue;
		name = stack_function(s, frame);
		if (!stopped && stack_stopped(name)) {
			stopped = true;
			stop->wchan = name;
		}
		by_nmi |= stack_named(name, nmi, ARRAY_SIZE(nmi));
		if (vector < 0)
			vector = stack_vector(name);
	}
	if (stopped) {
		stop->kind = KCO_STOP_NMI;
		stop->vector = by_nmi ? STACK_NMI : -1;
	} else if (vector >= 0) {
		stop->kind = KCO_STOP_EXCEPTION;
		stop->vector = vector;
		if (vector == STACK_PF)
			linux_stop_stack_waiting(p, task, stop);
	}
}

/*
 * __handle_mm_fault() keeps a struct vm_fault on its stack. What lies there
 * is one when it points to the area that holds the address beside the pointer.
 */
static bool stack_fault_address(struct kco_process *p, const struct kco_task *task, uint64_t *ret)
{
	const struct linux_stops *stops = linux_of(p->session)->stops;
	uint8_t *stack;
	size_t n = 0;
	bool found = false;

	if (!stops->vmf.size || !task->stack || task->stack_size > STACK_MAX)
		return false;
	stack = malloc(task->stack_size);
	if (!stack)
		return false;
	if (kco_kread(p->session, task->stack, stack, task->stack_size, &n, NULL) && n < stops->vmf.size)
		n = 0;
	for (size_t i = 0; !found && i + stops->vmf.size <= n; i += 8) {
		uint64_t vma, address, real;
		const struct kco_vma *at;

		if (!kco_field_get(&stops->vmf.vma, stack + i, n - i, &vma) ||
		    !kco_field_get(&stops->vmf.address, stack + i, n - i, &address) ||
		    !kco_field_get(&stops->vmf.real_address, stack + i, n - i, &real))
			break;
		if (vma >> 63 == 0 || address >> 63 || (real ^ address) & ~UINT64_C(0xfff))
			continue;
		at = kco_vma_at(p, address);
		found = at && at->addr == vma;
		*ret = real;
	}
	free(stack);
	return found;
}

void linux_stop_stack_waiting(struct kco_process *p, const struct kco_task *task, struct kco_stop *stop)
{
	const struct kco_trace *trace = stack_frames(p->session, task);
	int vector = -1;

	for (size_t i = 0; trace && i < trace->n && vector < 0; i++)
		if (trace->frames[i].kind != KCO_FRAME_USER)
			vector = stack_vector(stack_function(p->session, &trace->frames[i]));
	if (vector < 0)
		return;
	stop->vector = vector;
	stop->kind = vector == STACK_PF && !(task->flags & KCO_TASK_ACTIVE) ? KCO_STOP_PAGE_FAULT : KCO_STOP_EXCEPTION;
	if (vector == STACK_PF)
		stop->has_addr = stack_fault_address(p, task, &stop->addr);
}

/* As the kernel's get_wchan(): what lies in .sched.text is the scheduler (include/linux/sched/debug.h: __sched). */
const char *linux_wchan(struct kco_process *p, const struct kco_task *task, uint64_t *addr)
{
	struct kco_session *s = p->session;
	const struct kco_trace *trace;
	const struct linux_stops *stops;

	if (task->flags & KCO_TASK_ACTIVE || task->state == 'R' || !(trace = stack_frames(s, task)))
		return NULL;
	stops = linux_of(s)->stops;
	for (size_t i = 0; i < trace->n; i++) {
		const struct kco_frame *frame = &trace->frames[i];
		const char *name = stack_function(s, frame);

		if (!*name || !strncmp(name, "__switch_to", 11) ||
		    (frame->pc >= stops->sched_start && frame->pc < stops->sched_end))
			continue;
		if (frame->kind == KCO_FRAME_USER)
			break;
		if (addr)
			*addr = frame->pc;
		return name;
	}
	return NULL;
}
