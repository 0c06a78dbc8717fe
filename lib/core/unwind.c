// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unwinders and the walk: from the registers a task has, frame by frame, by
 * the best method that each frame allows, to the outermost frame or to the
 * reason why it cannot be reached.
 *
 *   row (ORC, else CFI) -> frame pointer -> scan of the stack
 *
 * After a scan the rows are tried again, but what follows stays a guess until
 * a trap frame gives registers to rely on.
 */
#include <kco/unwind.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unwind_priv.h"

#define UNWIND_PAGE UINT64_C(4096)
#define UNWIND_TRAP_MAX 1024

enum kco_status kco_unwinder_new(struct kco_session *s, struct kco_unwinder **ret, struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_OS, err);
	struct kco_err why = KCO_ERR_INIT;
	struct kco_unwind_tables *tables;
	struct kco_unwinder *uw;

	if (st)
		return st;
	uw = calloc(1, sizeof(*uw));
	if (uw) {
		uw->s = s;
		uw->os = s->os;
		uw->arch = s->arch;
		uw->space = &s->kernel;
		uw->memo = unwind_memo_new();
	}
	if (!uw || !uw->memo) {
		kco_unwinder_free(uw);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	st = kco_mem_new(s->image, &uw->mem, err);
	if (st) {
		kco_unwinder_free(uw);
		return st;
	}
	// All that is made on first use is made here, on the session's thread.
	if (kco_session_unwind_tables(s, &tables, &why) == KCO_OK)
		uw->tables = tables;
	if ((s->debuginfo || (!uw->tables && s->opts.vmlinux)) && kco_debuginfo_get(s, &uw->di, NULL))
		uw->di = NULL;
	if (!uw->tables && !uw->di)
		kco_session_warn(s, "no unwind tables (%s): stacks are followed by frame pointers or guessed", why.msg);
	if (KCO_OS_SLOT(uw->os, is_text))
		(void)KCO_OS_SLOT(uw->os, is_text)(s, 0);
	*ret = uw;
	return KCO_OK;
}

void kco_unwinder_free(struct kco_unwinder *uw)
{
	if (!uw)
		return;
	kco_mem_free(uw->mem);
	unwind_memo_free(uw->memo);
	free(uw);
}

enum unwind_result unwind_note(struct unwind_walk *w, enum kco_status status, const char *fmt, ...)
{
	va_list ap;

	if (w->trace->status == KCO_OK) {
		w->trace->status = status;
		va_start(ap, fmt);
		if (vsnprintf(w->trace->why, sizeof(w->trace->why), fmt, ap) < 0)
			w->trace->why[0] = '\0';
		va_end(ap);
	}
	return UNWIND_NONE;
}

bool unwind_read(struct unwind_walk *w, uint64_t addr, uint64_t *ret)
{
	struct kco_err err;
	enum kco_status st = kco_vread_ptr(w->uw->mem, w->uw->space, addr, ret, NULL);

	if (st == KCO_OK)
		return true;
	err = KCO_ERR_INIT;
	st = kco_vread_ptr(w->uw->mem, w->uw->space, addr, ret, &err);
	unwind_note(w, st, "stack at %#" PRIx64 ": %s", addr, err.msg);
	return false;
}

unsigned unwind_find_stack(const struct unwind_walk *w, uint64_t addr)
{
	for (unsigned i = 0; i < w->nr_stacks; i++)
		if (addr >= w->stacks[i].first && addr < w->stacks[i].end)
			return i;
	return UNWIND_NOWHERE;
}

bool unwind_may_enter(struct unwind_walk *w, uint64_t addr, uint64_t sp)
{
	unsigned to = unwind_find_stack(w, addr);

	if (to == UNWIND_NOWHERE) {
		unwind_note(w, KCO_E_CORRUPT,
			    "the frame above #%zu would be at %#" PRIx64 ", on no stack of the task%s", w->trace->n - 1,
			    addr, w->nr_stacks > 1 ? " or its CPU" : "");
		return false;
	}
	if (to == w->stack && sp <= w->regs.v[w->uw->arch->sp]) {
		unwind_note(w, KCO_E_CORRUPT, "the stack does not go up from %#" PRIx64 " to %#" PRIx64,
			    w->regs.v[w->uw->arch->sp], sp);
		return false;
	}
	if (to != w->stack && w->visited >> to & 1) {
		unwind_note(w, KCO_E_CORRUPT, "the %s stack would be entered again at %#" PRIx64, w->stacks[to].name,
			    addr);
		return false;
	}
	return true;
}

/* The last frame now lies on the stack of @addr. Returns the stack's name when it is another one. */
static const char *unwind_enter(struct unwind_walk *w, uint64_t addr)
{
	unsigned from = w->stack;

	w->stack = unwind_find_stack(w, addr);
	// A stack that overflowed into its guard page is still that stack.
	if (w->stack == UNWIND_NOWHERE)
		w->stack = unwind_find_stack(w, (addr + UNWIND_PAGE - 1) & ~(UNWIND_PAGE - 1));
	if (w->stack == from || w->stack == UNWIND_NOWHERE)
		return NULL;
	w->visited |= UINT32_C(1) << w->stack;
	return w->stacks[w->stack].name;
}

enum unwind_result unwind_add(struct unwind_walk *w, const struct kco_regs *regs, enum kco_frame_kind kind,
			      enum kco_frame_by by, uint64_t slot, uint64_t addr)
{
	const struct kco_arch_ops *arch = w->uw->arch;
	struct kco_trace *trace = w->trace;
	struct kco_frame *frame;

	if (trace->n == KCO_FRAMES_MAX) {
		unwind_note(w, KCO_E_RANGE, "more than %d frames", KCO_FRAMES_MAX);
		return UNWIND_END;
	}
	frame = &trace->frames[trace->n++];
	*frame = (struct kco_frame){ .kind = kind, .by = w->guess ? KCO_BY_SCAN : by, .slot = slot };
	(void)kco_regs_get(regs, arch->pc, &frame->pc);
	(void)kco_regs_get(regs, arch->sp, &frame->sp);
	(void)kco_regs_get(regs, arch->fp, &frame->fp);
	if (kind != KCO_FRAME_USER)
		frame->stack = unwind_enter(w, addr);
	if (kind != KCO_FRAME_CALL && trace->nr_regs < sizeof(trace->regs) / sizeof(trace->regs[0])) {
		trace->regs[trace->nr_regs] = *regs;
		frame->regs = &trace->regs[trace->nr_regs++];
	}
	if (regs != &w->regs)
		w->regs = *regs;
	w->exact = kind != KCO_FRAME_CALL;
	return kind == KCO_FRAME_USER ? UNWIND_END : UNWIND_NEXT;
}

bool unwind_is_text(struct unwind_walk *w, uint64_t addr)
{
	bool (*is_text)(struct kco_session * s, uint64_t pc) = KCO_OS_SLOT(w->uw->os, is_text);

	return is_text && is_text(w->uw->s, addr);
}

/* Does a call end right before @addr? */
static bool unwind_call_before(struct unwind_walk *w, uint64_t addr)
{
	const struct kco_arch_ops *arch = w->uw->arch;
	uint8_t code[8];

	enum kco_status st;

	if (addr < sizeof(code))
		return false;
	st = kco_vread(w->uw->mem, w->uw->space, addr - sizeof(code), code, sizeof(code), NULL, NULL);
	// The core of a process leaves out code that its file has: nothing speaks against an address in there.
	if (st == KCO_E_NOT_SAVED || st == KCO_E_RANGE)
		return unwind_is_text(w, addr);
	if (st)
		return false;
	return !arch->call_before || arch->call_before(code, sizeof(code));
}

bool unwind_is_return(struct unwind_walk *w, uint64_t addr, bool strict)
{
	if (unwind_is_text(w, addr))
		return !strict || unwind_call_before(w, addr);
	// Code that is made at run time (BPF, trampolines) is no symbol's text.
	return !strict && unwind_call_before(w, addr);
}

bool unwind_read_trap(struct unwind_walk *w, uint64_t addr, bool hardware_part_only, struct kco_regs *regs)
{
	const struct kco_regset *(*trap_frame)(struct kco_session * s, bool hardware_part_only) =
		KCO_OS_SLOT(w->uw->os, trap_frame);
	const struct kco_regset *set = trap_frame ? trap_frame(w->uw->s, hardware_part_only) : NULL;
	struct kco_err err = KCO_ERR_INIT;
	uint8_t bytes[UNWIND_TRAP_MAX];
	enum kco_status st;

	if (!set || set->desc_size > sizeof(bytes)) {
		unwind_note(w, KCO_E_UNSUPPORTED, "trap frames are not known here");
		return false;
	}
	st = kco_vread(w->uw->mem, w->uw->space, addr, bytes, set->desc_size, NULL, &err);
	if (st) {
		unwind_note(w, st, "trap frame at %#" PRIx64 ": %s", addr, err.msg);
		return false;
	}
	kco_regset_decode(set, bytes, set->desc_size, regs);
	return true;
}

bool unwind_regs_user(const struct unwind_walk *w, const struct kco_regs *regs)
{
	bool (*regs_user)(struct kco_session * s, const struct kco_regs *regs) = KCO_OS_SLOT(w->uw->os, regs_user);

	return regs_user && regs_user(w->uw->s, regs);
}

enum unwind_result unwind_add_trap(struct unwind_walk *w, const struct kco_regs *regs, enum kco_frame_by by,
				   uint64_t addr)
{
	uint64_t pc = regs->v[w->uw->arch->pc], sp = regs->v[w->uw->arch->sp];
	unsigned to;

	if (unwind_regs_user(w, regs))
		return unwind_add(w, regs, KCO_FRAME_USER, by, addr, 0);
	if (!pc && !sp)
		return unwind_note(w, KCO_E_CORRUPT, "the trap frame at %#" PRIx64 " is empty", addr);
	to = unwind_find_stack(w, sp);
	if (to == UNWIND_NOWHERE)
		to = unwind_find_stack(w, (sp + UNWIND_PAGE - 1) & ~(UNWIND_PAGE - 1));
	// The frame tells what was interrupted even where the stack that it names cannot be followed.
	if (to == UNWIND_NOWHERE || (to != w->stack && w->visited >> to & 1) ||
	    (to == w->stack && sp <= w->regs.v[w->uw->arch->sp])) {
		(void)unwind_add(w, regs, KCO_FRAME_EXCEPTION, by, addr, sp);
		unwind_note(w, KCO_E_CORRUPT, "the stack pointer %#" PRIx64 " of the trap frame at %#" PRIx64 " %s", sp,
			    addr, to == UNWIND_NOWHERE ? "is on no stack of the task" : "leads back");
		return UNWIND_END;
	}
	w->guess = false;
	return unwind_add(w, regs, KCO_FRAME_EXCEPTION, by, addr, sp);
}

enum unwind_result unwind_finish(struct unwind_walk *w)
{
	uint64_t (*user_regs)(struct kco_session * s, const struct kco_task *task) = KCO_OS_SLOT(w->uw->os, user_regs);
	uint64_t addr = user_regs ? user_regs(w->uw->s, w->task) : 0;
	struct kco_regs regs = { 0 };

	// Where entries are known by name, the stack of a thread that ran leads to the one it came by: the place may
	// hold those of an earlier visit.
	if (KCO_OS_SLOT(w->uw->os, entry_frame) && w->task->flags & KCO_TASK_ACTIVE)
		return UNWIND_END;
	// Only from the task's own stack, which is the first; they may lie elsewhere, in the task itself.
	if (!addr || w->stack != 0 || (unwind_find_stack(w, addr) == 0 && addr < w->regs.v[w->uw->arch->sp]) ||
	    !unwind_read_trap(w, addr, false, &regs))
		return UNWIND_END;
	// A thread that never was in user mode has registers of zeros.
	if (unwind_regs_user(w, &regs) && regs.v[w->uw->arch->pc]) {
		w->guess = false; // they lie where they always do
		(void)unwind_add(w, &regs, KCO_FRAME_USER, KCO_BY_REGS, addr, 0);
	}
	return UNWIND_END;
}

/* A pc that no row describes. */
static enum unwind_result unwind_step_without_row(struct unwind_walk *w)
{
	uint64_t pc = w->regs.v[w->uw->arch->pc];
	const struct kco_frame *last = &w->trace->frames[w->trace->n - 1];
	// Two in a row are no accident: this kernel has frame pointers.
	bool by_fp = w->trace->n > 2 && last[0].by == KCO_BY_FP && last[-1].by == KCO_BY_FP;
	bool tables = w->uw->tables || w->uw->di;
	enum unwind_result result = UNWIND_NONE;

	if (unwind_is_text(w, pc)) {
		result = unwind_step_entry(w);
		if (result == UNWIND_NONE && tables)
			result = unwind_step_caller(w);
	} else if (w->exact) {
		result = unwind_step_bad_call(w);
	}
	if (result == UNWIND_NONE)
		result = unwind_step_fp(w);
	// A kernel without tables and without frame pointers is no fault of the stack.
	if (result == UNWIND_NONE && (tables || by_fp))
		unwind_note(w, by_fp ? KCO_E_CORRUPT : KCO_E_NOSYM, "nothing leads on from %#" PRIx64 " (frame #%zu)",
			    pc, w->trace->n - 1);
	return result;
}

static enum unwind_result unwind_step(struct unwind_walk *w)
{
	// A call that never returns may be the last of its function: look within it, not behind.
	uint64_t pc = w->regs.v[w->uw->arch->pc] - !w->exact;
	enum unwind_result result;
	bool entry = unwind_step_known_entry(w, &result);
	const struct kco_unwind_row *row = entry ? NULL : unwind_find_row(w->uw, pc);

	if (entry)
		; // told by the personality, however it went
	else if (row && row->kind != KCO_ROW_UNKNOWN)
		result = unwind_step_row(w, row);
	else
		result = unwind_step_without_row(w);
	if (result == UNWIND_NONE) {
		w->guess = true;
		result = unwind_step_scan(w);
	}
	return result;
}

static void unwind_load_stacks(struct unwind_walk *w)
{
	size_t (*cpu_stacks)(struct kco_session * s, unsigned cpu, struct kco_stack_range *ranges, size_t max) =
		KCO_OS_SLOT(w->uw->os, cpu_stacks);
	uint64_t end;

	if (__builtin_add_overflow(w->task->stack, w->task->stack_size, &end))
		end = UINT64_MAX;
	w->stacks[0] = (struct kco_stack_range){ "task", w->task->stack, end };
	w->nr_stacks = 1;
	if (w->task->flags & KCO_TASK_ACTIVE && w->task->cpu >= 0 && cpu_stacks)
		w->nr_stacks += cpu_stacks(w->uw->s, (unsigned)w->task->cpu, w->stacks + 1, UNWIND_STACKS_MAX - 1);
}

static enum kco_status unwind_result(const struct kco_trace *trace, struct kco_err *err)
{
	if (trace->status)
		return kco_fail(err, trace->status, "%s", trace->why);
	return KCO_OK;
}

enum kco_status kco_unwind_regs(struct kco_unwinder *uw, const struct kco_task *task, const struct kco_regs *regs,
				struct kco_trace *trace, struct kco_err *err)
{
	struct unwind_walk w = { .uw = uw, .task = task, .trace = trace, .stack = UNWIND_NOWHERE };
	enum kco_frame_kind kind = KCO_FRAME_CALL;
	uint64_t pc, sp;

	trace->n = trace->nr_regs = 0;
	trace->status = KCO_OK;
	trace->why[0] = '\0';
	unwind_load_stacks(&w);
	if (!kco_regs_get(regs, uw->arch->pc, &pc) || !kco_regs_get(regs, uw->arch->sp, &sp)) {
		unwind_note(&w, KCO_E_RANGE, "the program counter or the stack pointer is not known");
		return unwind_result(trace, err);
	}
	if (unwind_regs_user(&w, regs))
		kind = KCO_FRAME_USER;
	if (unwind_add(&w, regs, kind, KCO_BY_REGS, 0, sp) == UNWIND_END)
		return unwind_result(trace, err);
	if (w.stack == 0)
		trace->frames[0].stack = NULL; // where one expects it
	if (w.stack == UNWIND_NOWHERE)
		unwind_note(&w, KCO_E_CORRUPT, "the stack pointer %#" PRIx64 " is on no stack of the task%s", sp,
			    w.nr_stacks > 1 ? " or its CPU" : "");
	// What a switch left is a return address, unless the task never ran: then it is where it will begin.
	w.exact = !unwind_is_return(&w, pc, true) || task->flags & KCO_TASK_ACTIVE;
	while (unwind_step(&w) == UNWIND_NEXT)
		;
	return unwind_result(trace, err);
}

enum kco_status kco_unwind_task(struct kco_unwinder *uw, const struct kco_task *task, struct kco_trace *trace,
				struct kco_err *err)
{
	struct kco_err why = KCO_ERR_INIT;
	struct kco_regs regs;
	enum kco_status st;

	trace->n = trace->nr_regs = 0;
	trace->status = KCO_OK;
	trace->why[0] = '\0';
	// The dead have given their stacks back.
	if (!task->stack)
		return KCO_OK;
	if (!KCO_OS_SLOT(uw->os, task_regs))
		st = kco_fail(&why, KCO_E_UNSUPPORTED, "registers of tasks are not known on %s", uw->os->title);
	else
		st = KCO_OS_SLOT(uw->os, task_regs)(uw->s, uw->mem, task, &regs, &why);
	if (st == KCO_OK)
		return kco_unwind_regs(uw, task, &regs, trace, err);
	// Where the CPU's registers are lost, the stack may still tell how the task came to run.
	if (st == KCO_E_RANGE && (uw->tables || uw->di)) {
		struct unwind_walk w = { .uw = uw, .task = task, .trace = trace };

		unwind_load_stacks(&w);
		unwind_guess_chain(&w);
	}
	trace->status = st;
	snprintf(trace->why, sizeof(trace->why), "%.*s", (int)sizeof(trace->why) - 1, why.msg);
	return unwind_result(trace, err);
}

const char *kco_frame_by_name(enum kco_frame_by by)
{
	static const char *const names[] = {
		[KCO_BY_REGS] = "regs", [KCO_BY_ORC] = "orc",	[KCO_BY_CFI] = "cfi",
		[KCO_BY_FP] = "fp",	[KCO_BY_SCAN] = "scan",
	};

	return (size_t)by < sizeof(names) / sizeof(names[0]) ? names[by] : "scan";
}
