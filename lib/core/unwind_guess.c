// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps without an unwind row: by the frame pointer where it is plausible,
 * over a call of a bad pointer, and by whatever on the stack could be a
 * return address.
 *
 * A frame made with a frame pointer is [saved fp][return address]; the
 * architecture's row says where fp points to. A kernel built with frame pointers marks a trap frame on the stack by
 * a frame pointer to it with the lowest bit set (Linux ENCODE_FRAME_POINTER).
 */
#include "unwind_priv.h"

#include <inttypes.h>

#define GUESS_FRAME_MAX 4096	  /* bytes: how far up a caller is looked for */
#define GUESS_TOP_PADDING 16	  /* bytes: what a kernel may leave free at the end of a stack */
#define GUESS_FUNCTION_MAX 0x4000 /* bytes: how far into a function its pc may be */

static enum unwind_result unwind_step_tagged(struct unwind_walk *w, uint64_t addr)
{
	struct kco_regs regs = { 0 };
	unsigned at = unwind_find_stack(w, addr);

	if (at == UNWIND_NOWHERE || (at == w->stack && addr < w->regs.v[w->uw->arch->sp]) ||
	    (at != w->stack && w->visited >> at & 1) || !unwind_read_trap(w, addr, false, &regs))
		return UNWIND_NONE;
	// Any odd number on the stack could be meant: only what interrupted something is a trap frame.
	if (!unwind_regs_user(w, &regs) && (!unwind_is_text(w, regs.v[w->uw->arch->pc]) ||
					    unwind_find_stack(w, regs.v[w->uw->arch->sp]) == UNWIND_NOWHERE))
		return UNWIND_NONE;
	return unwind_add_trap(w, &regs, KCO_BY_FP, addr);
}

static uint64_t unwind_from_fp(uint64_t fp, int8_t offset)
{
	return fp + (uint64_t)(int64_t)offset;
}

/* Does the call before @ret lead into the function of @pc, of which only an address is known? */
static bool unwind_calls_into(struct unwind_walk *w, uint64_t ret, uint64_t pc)
{
	const struct kco_arch_ops *arch = w->uw->arch;
	const struct kco_unwind_row *row;
	uint64_t target;
	uint8_t code[8];

	if (!arch->call_target ||
	    kco_vread(w->uw->mem, w->uw->space, ret - sizeof(code), code, sizeof(code), NULL, NULL) ||
	    !arch->call_target(code, sizeof(code), ret, &target) || target > pc || pc - target > GUESS_FUNCTION_MAX)
		return false;
	// The tables leave out whole functions: what they describe is another one.
	row = unwind_find_row(w->uw, target);
	return !row || row->kind == KCO_ROW_UNKNOWN;
}

/*
 * Of what was interrupted before it saved the register that its call left the
 * return address in, or never does: that register says who called. False, too,
 * when the frame pointer leads there already.
 */
static bool unwind_step_link(struct unwind_walk *w)
{
	const struct kco_arch_ops *arch = w->uw->arch;
	struct kco_regs next = { 0 };
	uint64_t ra, fp, saved;
	bool has_fp;

	if (!arch->has_link || !w->exact || !kco_regs_get(&w->regs, arch->link, &ra) || !unwind_is_text(w, ra) ||
	    !unwind_calls_into(w, ra, w->regs.v[arch->pc]))
		return false;
	has_fp = kco_regs_get(&w->regs, arch->fp, &fp);
	if (has_fp && unwind_from_fp(fp, arch->frame.ra) >= w->regs.v[arch->sp] &&
	    !kco_vread_ptr(w->uw->mem, w->uw->space, unwind_from_fp(fp, arch->frame.ra), &saved, NULL) && saved == ra)
		return false;
	kco_regs_set(&next, arch->pc, ra);
	kco_regs_set(&next, arch->sp, w->regs.v[arch->sp]);
	if (has_fp)
		kco_regs_set(&next, arch->fp, fp);
	return unwind_add(w, &next, KCO_FRAME_CALL, KCO_BY_FP, 0, w->regs.v[arch->sp]) == UNWIND_NEXT;
}

enum unwind_result unwind_step_fp(struct unwind_walk *w)
{
	const struct kco_arch_ops *arch = w->uw->arch;
	const struct kco_space *space = w->uw->space;
	unsigned ptr = arch->ptr_size, at;
	struct kco_regs next = { 0 };
	uint64_t fp, low, saved, ra;

	if (unwind_step_link(w))
		return UNWIND_NEXT;
	if (!kco_regs_get(&w->regs, arch->fp, &fp))
		return UNWIND_NONE;
	// The outermost frame of a kernel with frame pointers has none. With tables, none means anything.
	if (!fp && !w->exact && !w->uw->tables && !w->uw->di)
		return unwind_finish(w);
	if (fp & 1 && !((fp - 1) % ptr))
		return unwind_step_tagged(w, fp - 1);
	low = unwind_from_fp(fp, arch->frame.fp < arch->frame.ra ? arch->frame.fp : arch->frame.ra);
	at = unwind_find_stack(w, low);
	if (low % ptr || at == UNWIND_NOWHERE || (at == w->stack && low < w->regs.v[arch->sp]) ||
	    (at != w->stack && w->visited >> at & 1) || low > w->stacks[at].end - 2 * ptr)
		return UNWIND_NONE;
	if (kco_vread_ptr(w->uw->mem, space, unwind_from_fp(fp, arch->frame.fp), &saved, NULL) ||
	    kco_vread_ptr(w->uw->mem, space, unwind_from_fp(fp, arch->frame.ra), &ra, NULL))
		return UNWIND_NONE;
	if (!unwind_is_return(w, ra, true))
		return UNWIND_NONE;
	kco_regs_set(&next, arch->pc, ra);
	kco_regs_set(&next, arch->sp, unwind_from_fp(fp, arch->frame.sp));
	kco_regs_set(&next, arch->fp, saved);
	return unwind_add(w, &next, KCO_FRAME_CALL, KCO_BY_FP, unwind_from_fp(fp, arch->frame.ra), low);
}

/* Nothing but a trap frame fits above @sp on the task's own stack: its outermost function is there. */
static bool unwind_at_top(struct unwind_walk *w, uint64_t sp, size_t trap_size)
{
	uint64_t (*user_regs)(struct kco_session * s, const struct kco_task *task) = KCO_OS_SLOT(w->uw->os, user_regs);
	uint64_t top = user_regs ? user_regs(w->uw->s, w->task) : 0;

	if (w->stack != 0)
		return false;
	return top ? sp == top : w->stacks[0].end - sp <= trap_size + GUESS_TOP_PADDING;
}

enum unwind_result unwind_step_entry(struct unwind_walk *w)
{
	const struct kco_regset *(*trap_frame)(struct kco_session * s, bool hardware_part_only) =
		KCO_OS_SLOT(w->uw->os, trap_frame);
	const struct kco_regset *set = trap_frame ? trap_frame(w->uw->s, false) : NULL;
	const struct kco_arch_ops *arch = w->uw->arch;
	uint64_t sp = w->regs.v[arch->sp], old_sp;
	struct kco_regs regs = { 0 };
	unsigned to;

	if (!set || w->exact || w->stack == UNWIND_NOWHERE || unwind_find_stack(w, sp) != w->stack)
		return UNWIND_NONE;
	if (unwind_at_top(w, sp, set->desc_size))
		return unwind_finish(w);
	if (w->stacks[w->stack].end - sp < set->desc_size || !unwind_read_trap(w, sp, false, &regs))
		return UNWIND_NONE;
	old_sp = regs.v[arch->sp];
	to = unwind_find_stack(w, old_sp);
	if (unwind_regs_user(w, &regs) || !unwind_is_text(w, regs.v[arch->pc]) || to == UNWIND_NOWHERE ||
	    (to == w->stack ? old_sp < sp + set->desc_size : w->visited >> to & 1))
		return UNWIND_NONE;
	return unwind_add_trap(w, &regs, KCO_BY_SCAN, sp);
}

bool unwind_step_known_entry(struct unwind_walk *w, enum unwind_result *result)
{
	enum kco_status (*entry_frame)(struct kco_session * s, struct kco_mem * mem, const struct kco_regs *regs,
				       bool exact, struct kco_regs *interrupted, uint64_t *frame, struct kco_err *err) =
		KCO_OS_SLOT(w->uw->os, entry_frame);
	struct kco_err err = KCO_ERR_INIT;
	struct kco_regs regs = { 0 };
	uint64_t frame = 0;
	enum kco_status st;

	st = entry_frame ? entry_frame(w->uw->s, w->uw->mem, &w->regs, w->exact, &regs, &frame, &err) : KCO_E_NOSYM;
	if (st == KCO_E_NOSYM)
		return false;
	if (st == KCO_DONE)
		*result = UNWIND_END;
	else if (st)
		*result = unwind_note(w, st, "trap frame above #%zu: %s", w->trace->n - 1, err.msg);
	else if (unwind_find_stack(w, frame) == UNWIND_NOWHERE)
		*result = unwind_note(w, KCO_E_CORRUPT,
				      "the trap frame above #%zu would be at %#" PRIx64 ", on no stack of the task",
				      w->trace->n - 1, frame);
	else
		*result = unwind_add_trap(w, &regs, w->guess ? KCO_BY_SCAN : KCO_BY_REGS, frame);
	return true;
}

enum unwind_result unwind_step_bad_call(struct unwind_walk *w)
{
	const struct kco_arch_ops *arch = w->uw->arch;
	uint64_t sp = w->regs.v[arch->sp], pc = w->regs.v[arch->pc], ra, fp;
	struct kco_regs next = { 0 };

	if (w->stack == UNWIND_NOWHERE || (arch->has_link ? !kco_regs_get(&w->regs, arch->link, &ra)
							  : kco_vread_ptr(w->uw->mem, w->uw->space, sp, &ra, NULL)))
		return UNWIND_NONE;
	if (!unwind_is_return(w, ra, true))
		return UNWIND_NONE;
	kco_regs_set(&next, arch->pc, ra);
	kco_regs_set(&next, arch->sp, arch->has_link ? sp : sp + arch->ptr_size);
	if (kco_regs_get(&w->regs, arch->fp, &fp))
		kco_regs_set(&next, arch->fp, fp);
	// A call of a null pointer is so common that the kernel has a row for it; a call of any other is likely.
	return unwind_add(w, &next, KCO_FRAME_CALL, pc && pc + 1 ? KCO_BY_SCAN : KCO_BY_ORC, arch->has_link ? 0 : sp,
			  sp);
}

enum unwind_result unwind_step_caller(struct unwind_walk *w)
{
	const struct kco_arch_ops *arch = w->uw->arch;
	unsigned ptr = arch->ptr_size;
	uint64_t pc = w->regs.v[arch->pc], first = w->regs.v[arch->sp], sp = first, end, word, fp;
	enum kco_frame_by by = KCO_BY_SCAN;
	struct kco_regs next = { 0 };

	if (w->stack == UNWIND_NOWHERE || sp % ptr || sp < w->stacks[w->stack].first)
		return UNWIND_NONE;
	end = w->stacks[w->stack].end;
	if (end - sp > GUESS_FRAME_MAX)
		end = sp + GUESS_FRAME_MAX;
	for (;; sp += ptr) {
		if (sp >= end || kco_vread_ptr(w->uw->mem, w->uw->space, sp, &word, NULL))
			return UNWIND_NONE;
		if (unwind_is_text(w, word) && unwind_calls_into(w, word, pc))
			break;
	}
	kco_regs_set(&next, arch->pc, word);
	kco_regs_set(&next, arch->sp, sp + ptr);
	// Where the frame pointer has the return address, too, it is no guess: two witnesses say the same.
	if (kco_regs_get(&w->regs, arch->fp, &fp) && unwind_from_fp(fp, arch->frame.ra) == sp)
		by = KCO_BY_FP;
	// A frame pointer into the skipped frame is the function's own, and the caller's lies there.
	if (kco_regs_get(&w->regs, arch->fp, &fp) &&
	    (fp < first || unwind_from_fp(fp, arch->frame.fp) > sp ||
	     !kco_vread_ptr(w->uw->mem, w->uw->space, unwind_from_fp(fp, arch->frame.fp), &fp, NULL)))
		kco_regs_set(&next, arch->fp, fp);
	return unwind_add(w, &next, KCO_FRAME_CALL, by, sp, sp);
}

/* Where the words end that could be return addresses: the user's registers lie above all frames. */
static uint64_t unwind_scan_end(struct unwind_walk *w, uint64_t sp)
{
	uint64_t (*user_regs)(struct kco_session * s, const struct kco_task *task) = KCO_OS_SLOT(w->uw->os, user_regs);
	uint64_t end = w->stacks[w->stack].end, top;

	top = w->stack == 0 && user_regs ? user_regs(w->uw->s, w->task) : 0;
	return top >= sp && top < end ? top : end;
}

/*
 * A CPU's stack that was scanned to its end: where to go on. The first word
 * pushed on an interrupt stack is the stack pointer that was left.
 */
static bool unwind_scan_leave(struct unwind_walk *w, uint64_t *sp)
{
	unsigned ptr = w->uw->arch->ptr_size, to;
	uint64_t link;

	if (w->stack == 0 || kco_vread_ptr(w->uw->mem, w->uw->space, w->stacks[w->stack].end - ptr, &link, NULL) ||
	    link % ptr)
		return false;
	to = unwind_find_stack(w, link);
	if (to == UNWIND_NOWHERE || w->visited >> to & 1)
		return false;
	// Not entered yet: that is what the frame does that is found there.
	*sp = link;
	return true;
}

enum unwind_result unwind_step_scan(struct unwind_walk *w)
{
	const struct kco_arch_ops *arch = w->uw->arch;
	unsigned ptr = arch->ptr_size, stack = w->stack;
	uint64_t sp = (w->regs.v[arch->sp] + ptr - 1) / ptr * ptr, end, word;

	if (stack == UNWIND_NOWHERE)
		return UNWIND_END;
	if (sp < w->stacks[stack].first)
		sp = w->stacks[stack].first;
	end = unwind_scan_end(w, sp);
	for (;; sp += ptr) {
		struct kco_regs next = { 0 };

		if (sp >= end || end - sp < ptr) {
			if (w->stack != stack || !unwind_scan_leave(w, &sp))
				return unwind_finish(w);
			stack = unwind_find_stack(w, sp);
			end = w->stacks[stack].end;
		}
		if (!unwind_read(w, sp, &word))
			return UNWIND_END;
		if (!unwind_is_return(w, word, true))
			continue;
		kco_regs_set(&next, arch->pc, word);
		kco_regs_set(&next, arch->sp, sp + ptr);
		return unwind_add(w, &next, KCO_FRAME_CALL, KCO_BY_SCAN, sp, sp);
	}
}

/* Follow the rows from the return address @word at @slot; true when they lead to the end of the stack. */
static bool unwind_chain_from(struct unwind_walk *w, uint64_t slot, uint64_t word)
{
	const struct kco_arch_ops *arch = w->uw->arch;
	struct kco_regs first = { 0 };
	enum unwind_result result;
	uint64_t fp;

	w->trace->n = w->trace->nr_regs = 0;
	w->guess = true;
	w->stack = UNWIND_NOWHERE;
	w->visited = 0;
	kco_regs_set(&first, arch->pc, word);
	kco_regs_set(&first, arch->sp, slot + arch->ptr_size);
	// Rows of a kernel with frame pointers ask for it, and it lies below where it leads upwards.
	if (!w->uw->tables &&
	    !kco_vread_ptr(w->uw->mem, w->uw->space, unwind_from_fp(slot, (int8_t)(arch->frame.fp - arch->frame.ra)),
			   &fp, NULL) &&
	    fp > slot && unwind_find_stack(w, fp) == 0)
		kco_regs_set(&first, arch->fp, fp);
	result = unwind_add(w, &first, KCO_FRAME_CALL, KCO_BY_SCAN, slot, slot);
	w->trace->frames[0].stack = NULL;
	while (result == UNWIND_NEXT) {
		const struct kco_unwind_row *row;

		if (unwind_step_known_entry(w, &result))
			continue;
		row = unwind_find_row(w->uw, w->regs.v[arch->pc] - !w->exact);
		if (!row || row->kind == KCO_ROW_UNKNOWN)
			return false;
		result = unwind_step_row(w, row);
	}
	return result == UNWIND_END;
}

void unwind_guess_chain(struct unwind_walk *w)
{
	unsigned ptr = w->uw->arch->ptr_size;
	uint64_t addr, word;

	for (addr = w->stacks[0].first; addr < w->stacks[0].end && w->stacks[0].end - addr >= ptr; addr += ptr)
		if (!kco_vread_ptr(w->uw->mem, w->uw->space, addr, &word, NULL) && unwind_is_return(w, word, true) &&
		    unwind_chain_from(w, addr, word))
			return;
	w->trace->n = w->trace->nr_regs = 0;
}
