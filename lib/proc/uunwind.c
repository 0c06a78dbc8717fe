// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walk over a user stack: from a thread's registers, frame by frame, by
 * the best method that each frame allows.
 *
 *   signal trampoline -> CFI row -> call of a bad pointer -> prologue
 *     -> frame pointer -> scan of the stack
 *
 * It ends well at a frame that says it is the outermost (CFI without a return
 * address, a return address or a frame pointer of 0).
 */
#include <kco/uunwind.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <kco/syscall.h>

#include "uunwind_priv.h"

enum uunwind_result uunwind_note(struct uunwind_walk *w, enum kco_status status, const char *fmt, ...)
{
	va_list ap;

	if (w->trace->status == KCO_OK) {
		w->trace->status = status;
		va_start(ap, fmt);
		if (vsnprintf(w->trace->why, sizeof(w->trace->why), fmt, ap) < 0)
			w->trace->why[0] = '\0';
		va_end(ap);
	}
	return UUNWIND_NONE;
}

bool uunwind_word(struct uunwind_walk *w, uint64_t addr, uint64_t *ret)
{
	return kco_process_read_uint(w->p, addr, w->ptr, ret, NULL) == KCO_OK;
}

bool uunwind_word_or_note(struct uunwind_walk *w, uint64_t addr, uint64_t *ret)
{
	struct kco_err err = KCO_ERR_INIT;
	enum kco_status st = kco_process_read_uint(w->p, addr, w->ptr, ret, &err);

	if (st && (st != KCO_E_UNMAPPED || addr - w->regs.v[w->arch->sp] < w->ptr))
		uunwind_note(w, st, "stack at %#" PRIx64 ": %s", addr, err.msg);
	return st == KCO_OK;
}

bool uunwind_is_code(struct uunwind_walk *w, uint64_t addr)
{
	const struct kco_vma *vma = kco_vma_at(w->p, addr), *all;
	size_t n;

	if (vma)
		return (vma->flags & KCO_VMA_EXEC) != 0;
	return kco_vmas_get(w->p, &all, &n, NULL) != KCO_OK || n == 0;
}

static enum kco_status uunwind_signal_frame(struct uunwind_walk *w, const struct kco_regs *regs,
					    struct kco_regs *interrupted, uint64_t *frame, struct kco_err *err)
{
	enum kco_status (*slot)(struct kco_process * p, const struct kco_regs *regs, bool compat,
				struct kco_regs *interrupted, uint64_t *frame, struct kco_err *err) =
		PROCESS_OS_SLOT(w->p->session, signal_frame);

	return slot ? slot(w->p, regs, w->compat, interrupted, frame, err) : KCO_E_NOSYM;
}

/* What signal handlers return to was never called. */
static bool uunwind_is_trampoline(struct uunwind_walk *w, uint64_t addr)
{
	struct kco_regs at = w->regs, interrupted;
	uint64_t frame;

	kco_regs_set(&at, w->arch->pc, addr);
	return uunwind_signal_frame(w, &at, &interrupted, &frame, NULL) != KCO_E_NOSYM;
}

bool uunwind_is_return(struct uunwind_walk *w, uint64_t addr)
{
	uint8_t code[8];

	if (addr < sizeof(code) || !uunwind_is_code(w, addr) ||
	    kco_process_read(w->p, addr - sizeof(code), code, sizeof(code), NULL, NULL))
		return false;
	return !w->arch->call_before || w->arch->call_before(code, sizeof(code)) || uunwind_is_trampoline(w, addr);
}

/* Where the stack of @sp begins; 0: in no area. */
static uint64_t uunwind_stack_of(struct uunwind_walk *w, uint64_t sp)
{
	const struct kco_vma *vma = kco_vma_at(w->p, sp);

	return vma ? vma->start : 0;
}

/* May the walk go on to @sp? */
static bool uunwind_may_enter(struct uunwind_walk *w, uint64_t sp)
{
	uint64_t stack = uunwind_stack_of(w, sp), last = w->regs.v[w->arch->sp];

	if (stack == uunwind_stack_of(w, last)) {
		// Code that took its return address off the stack, as vfork() does: only where it was interrupted.
		if (sp > last || (sp == last && w->exact))
			return true;
		uunwind_note(w, KCO_E_CORRUPT, "the stack does not go up from %#" PRIx64 " to %#" PRIx64, last, sp);
		return false;
	}
	for (unsigned i = 0; i < w->nr_stacks; i++) {
		if (w->stacks[i] != stack)
			continue;
		uunwind_note(w, KCO_E_CORRUPT, "the stack at %#" PRIx64 " would be entered again at %#" PRIx64, stack,
			     sp);
		return false;
	}
	// Two that are not remembered could lead to each other for ever.
	if (w->nr_stacks == UUNWIND_STACKS_MAX)
		uunwind_note(w, KCO_E_RANGE, "more than %d stacks", UUNWIND_STACKS_MAX);
	return w->nr_stacks < UUNWIND_STACKS_MAX;
}

static void uunwind_enter(struct uunwind_walk *w, uint64_t sp)
{
	uint64_t stack = uunwind_stack_of(w, sp);

	for (unsigned i = 0; i < w->nr_stacks; i++)
		if (w->stacks[i] == stack)
			return;
	if (w->nr_stacks < UUNWIND_STACKS_MAX)
		w->stacks[w->nr_stacks++] = stack;
}

static enum uunwind_result uunwind_add(struct uunwind_walk *w, const struct kco_regs *regs, enum kco_frame_kind kind,
				       enum kco_frame_by by, uint64_t slot)
{
	struct kco_trace *trace = w->trace;
	struct kco_frame *frame;

	if (trace->n == KCO_FRAMES_MAX) {
		uunwind_note(w, KCO_E_RANGE, "more than %d frames", KCO_FRAMES_MAX);
		return UUNWIND_END;
	}
	frame = &trace->frames[trace->n++];
	*frame = (struct kco_frame){ .kind = kind, .by = w->guess ? KCO_BY_SCAN : by, .slot = slot };
	(void)kco_regs_get(regs, w->arch->pc, &frame->pc);
	(void)kco_regs_get(regs, w->arch->sp, &frame->sp);
	(void)kco_regs_get(regs, w->arch->fp, &frame->fp);
	if (kind == KCO_FRAME_EXCEPTION && trace->nr_regs < sizeof(trace->regs) / sizeof(trace->regs[0])) {
		trace->regs[trace->nr_regs] = *regs;
		frame->regs = &trace->regs[trace->nr_regs++];
	}
	if (regs != &w->regs)
		w->regs = *regs;
	uunwind_enter(w, frame->sp);
	w->exact = kind != KCO_FRAME_CALL || trace->n == 1;
	w->scanned = false;
	return UUNWIND_NEXT;
}

/* A saved stack pointer that cannot be read leads nowhere. */
static bool uunwind_knows_sp(struct uunwind_walk *w, const struct kco_regs *regs)
{
	bool known = regs->known >> w->arch->sp & 1;

	if (!known)
		uunwind_note(w, KCO_E_RANGE, "the stack pointer of the caller of frame #%zu is not known",
			     w->trace->n - 1);
	return known;
}

enum uunwind_result uunwind_add_caller(struct uunwind_walk *w, const struct kco_regs *regs, enum kco_frame_by by,
				       uint64_t slot)
{
	uint64_t pc = regs->v[w->arch->pc];

	if (!pc)
		return UUNWIND_END;
	if (!uunwind_is_code(w, pc))
		return uunwind_note(w, KCO_E_CORRUPT, "the return address %#" PRIx64 " of frame #%zu is no code", pc,
				    w->trace->n - 1);
	if (!uunwind_knows_sp(w, regs) || !uunwind_may_enter(w, regs->v[w->arch->sp]))
		return UUNWIND_NONE;
	return uunwind_add(w, regs, KCO_FRAME_CALL, by, slot);
}

/* The frame that a signal interrupted, whose registers were saved at @frame. */
static enum uunwind_result uunwind_add_interrupted(struct uunwind_walk *w, const struct kco_regs *regs,
						   enum kco_frame_by by, uint64_t frame)
{
	uint64_t from = w->regs.v[w->arch->sp], to = regs->v[w->arch->sp];
	bool other = to <= from || uunwind_stack_of(w, to) != uunwind_stack_of(w, from);
	enum uunwind_result result;

	if (!uunwind_knows_sp(w, regs))
		return UUNWIND_NONE;
	for (unsigned i = 0; i < w->nr_signals; i++)
		if (w->signals[i] == frame)
			return uunwind_note(w, KCO_E_CORRUPT, "the signal frame at %#" PRIx64 " leads to itself",
					    frame);
	if (w->nr_signals == UUNWIND_SIGNALS_MAX)
		return uunwind_note(w, KCO_E_RANGE, "more than %d signal frames", UUNWIND_SIGNALS_MAX);
	w->signals[w->nr_signals++] = frame;
	// The kernel saved these registers; what merely looked like them while scanning may be of a signal long ago.
	w->guess = w->guess && w->scanned;
	result = uunwind_add(w, regs, KCO_FRAME_EXCEPTION, by, 0);
	// Handlers on a stack of their own: it may lie in the same area as the one that was interrupted.
	if (result == UUNWIND_NEXT && other)
		w->trace->frames[w->trace->n - 1].stack = "signal";
	return result;
}

static enum uunwind_result uunwind_step_signal(struct uunwind_walk *w)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_regs regs;
	uint64_t frame;
	enum kco_status st;

	if (!uunwind_is_code(w, w->regs.v[w->arch->pc]))
		return UUNWIND_NONE;
	st = uunwind_signal_frame(w, &w->regs, &regs, &frame, &err);
	if (st && st != KCO_E_NOSYM)
		uunwind_note(w, st, "%s", err.msg);
	return st ? UUNWIND_NONE : uunwind_add_interrupted(w, &regs, KCO_BY_REGS, frame);
}

/* DWARF numbers and back; a narrower program's registers are the low halves. */
static int uunwind_dwarf(const struct uunwind_walk *w, unsigned dwarf)
{
	const struct kco_arch_compat *compat = w->compat ? w->arch->compat : NULL;

	if (compat)
		return dwarf < compat->nr_dwarf ? compat->dwarf[dwarf] : -1;
	for (size_t i = 0; i < w->arch->nr_regs; i++)
		if (w->arch->regs[i].dwarf == (int)dwarf)
			return (int)i;
	return -1;
}

static enum kco_status uunwind_read(void *arg, uint64_t va, size_t size, uint64_t *ret, struct kco_err *err)
{
	const struct uunwind_walk *w = arg;

	return kco_process_read_uint(w->p, va, size, ret, err);
}

static enum uunwind_result uunwind_step_row(struct uunwind_walk *w, const struct kco_cfi_row *row,
					    const struct kco_uimage *image)
{
	struct kco_cfi_target t = { .read = uunwind_read, .arg = w, .ptr_size = w->ptr, .bias = image->bias };
	struct kco_cfi_regs regs = { 0 }, caller;
	struct kco_err err = KCO_ERR_INIT;
	struct kco_regs next = { 0 };
	int index[KCO_CFI_REGS];
	uint64_t cfa = 0, slot = 0;
	enum kco_status st;

	for (unsigned i = 0; i < KCO_CFI_REGS; i++) {
		index[i] = uunwind_dwarf(w, i);
		if (index[i] == w->arch->sp)
			t.sp = (uint8_t)i;
		if (index[i] >= 0 && kco_regs_get(&w->regs, (unsigned)index[i], &regs.v[i]))
			regs.known |= UINT32_C(1) << i;
	}
	st = kco_cfi_step(row, &t, &regs, &caller, &cfa, &err);
	if (st)
		return uunwind_note(w, st, "the caller of frame #%zu: %s", w->trace->n - 1, err.msg);
	if (!(caller.known >> row->ra & 1))
		return UUNWIND_END;
	for (unsigned i = 0; i < KCO_CFI_REGS; i++)
		if (index[i] >= 0 && caller.known >> i & 1)
			kco_regs_set(&next, (unsigned)index[i], caller.v[i]);
	// The column of the return address is the caller's pc, whatever register it is.
	kco_regs_set(&next, w->arch->pc, caller.v[row->ra]);
	if (row->regs[row->ra].how == KCO_CFI_OFFSET)
		slot = cfa + (uint64_t)row->regs[row->ra].offset;
	if (row->signal)
		return uunwind_add_interrupted(w, &next, KCO_BY_CFI, w->regs.v[w->arch->sp]);
	return uunwind_add_caller(w, &next, KCO_BY_CFI, slot);
}

/* A thread that has not yet returned from the call that made it: nothing lies on its stack. */
static bool uunwind_newborn(const struct uunwind_walk *w)
{
	const struct kco_thread_regs *regs = w->from;
	const struct kco_syscall *call;
	uint64_t ret;
	int reg = uunwind_dwarf(w, 0); // what a call returns in

	if (w->trace->n != 1 || regs->entry != KCO_ENTRY_SYSCALL || reg < 0 ||
	    !kco_regs_get(&regs->regs, (unsigned)reg, &ret) || ret != 0)
		return false;
	return kco_syscall_get(w->p->session, regs->syscall32, regs->syscall, &call, NULL) == KCO_OK &&
	       (!strcmp(call->name, "clone") || !strcmp(call->name, "clone3"));
}

static enum uunwind_result uunwind_step_without_row(struct uunwind_walk *w)
{
	enum uunwind_result result = UUNWIND_NONE;

	if (uunwind_newborn(w))
		return UUNWIND_END;
	if (w->exact && !uunwind_is_code(w, w->regs.v[w->arch->pc]))
		result = uunwind_step_bad_call(w);
	else if (w->exact)
		result = uunwind_step_prologue(w);
	if (result == UUNWIND_NONE)
		result = uunwind_step_fp(w);
	return result;
}

static enum uunwind_result uunwind_step(struct uunwind_walk *w)
{
	uint64_t pc = w->regs.v[w->arch->pc];
	enum uunwind_result result = uunwind_step_signal(w);
	const struct kco_cfi_row *row;
	const struct kco_uimage *image;

	if (result != UUNWIND_NONE || w->trace->status)
		return result;
	// A call that never returns may be the last of its function: look within it, not behind.
	row = uunwind_find_row(w, pc - !w->exact, &image);
	if (row)
		return uunwind_step_row(w, row, image);
	result = uunwind_step_without_row(w);
	if (result != UUNWIND_NONE || w->trace->status)
		return result;
	w->guess = true;
	result = uunwind_step_scan(w);
	if (result == UUNWIND_NONE)
		uunwind_note(w, KCO_E_NOSYM, "nothing leads on from %#" PRIx64 " (frame #%zu)", pc, w->trace->n - 1);
	return result;
}

enum kco_status kco_unwind_user(struct kco_process *p, const struct kco_thread_regs *regs, struct kco_trace *trace,
				struct kco_err *err)
{
	const struct kco_arch_ops *arch = kco_session_arch(p->session);
	struct uunwind_walk w = {
		.p = p, .arch = arch, .trace = trace, .from = regs, .compat = regs->compat && arch->compat
	};
	uint64_t pc, sp;

	trace->n = trace->nr_regs = 0;
	trace->status = KCO_OK;
	trace->why[0] = '\0';
	w.ptr = w.compat ? arch->compat->ptr_size : arch->ptr_size;
	if (!kco_regs_get(&regs->regs, arch->pc, &pc) || !kco_regs_get(&regs->regs, arch->sp, &sp))
		uunwind_note(&w, KCO_E_RANGE, "the program counter or the stack pointer is not known");
	else if (uunwind_add(&w, &regs->regs, KCO_FRAME_CALL, KCO_BY_REGS, 0) == UUNWIND_NEXT)
		while (uunwind_step(&w) == UUNWIND_NEXT)
			;
	return trace->status ? kco_fail(err, trace->status, "%s", trace->why) : KCO_OK;
}
