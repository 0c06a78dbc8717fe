// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps over user frames that no CFI describes: hand-written code, programs
 * built without tables, code made at run time.
 *
 * A frame made with a frame pointer is [saved fp][return address]; the
 * architecture's row says where fp points to, and whether a call pushes the
 * return address or leaves it in a register.
 */
#include "uunwind_priv.h"

#define UGUESS_SCAN_WORDS 1024	   /* how far up a return address is looked for */
#define UGUESS_PROLOGUE_MAX 0x2000 /* bytes: how far into a function its pc may be */
#define UGUESS_FRAME_MAX (UINT64_C(1) << 24)

static enum uunwind_result uguess_add(struct uunwind_walk *w, uint64_t pc, uint64_t sp, bool has_fp, uint64_t fp,
				      enum kco_frame_by by, uint64_t slot)
{
	struct kco_regs next = { 0 };

	kco_regs_set(&next, w->arch->pc, pc);
	kco_regs_set(&next, w->arch->sp, sp);
	if (has_fp)
		kco_regs_set(&next, w->arch->fp, fp);
	return uunwind_add_caller(w, &next, by, slot);
}

enum uunwind_result uunwind_step_bad_call(struct uunwind_walk *w)
{
	uint64_t sp = w->regs.v[w->arch->sp], ra;
	struct kco_regs next = w->regs;

	if (w->arch->has_link ? !kco_regs_get(&w->regs, w->arch->link, &ra) : !uunwind_word(w, sp, &ra))
		return UUNWIND_NONE;
	if (!uunwind_is_return(w, ra))
		return UUNWIND_NONE;
	// Nothing ran there: all other registers are the caller's.
	kco_regs_set(&next, w->arch->pc, ra);
	kco_regs_set(&next, w->arch->sp, w->arch->has_link ? sp : sp + w->ptr);
	return uunwind_add_caller(w, &next, KCO_BY_FP, w->arch->has_link ? 0 : sp);
}

/* Does the call before @ret lead to the beginning of what runs at @pc? */
static bool uguess_calls(struct uunwind_walk *w, uint64_t ret, uint64_t pc, uint64_t reach)
{
	uint8_t code[8];
	uint64_t target;

	if (!w->arch->call_target || !uunwind_is_return(w, ret) ||
	    kco_process_read(w->p, ret - sizeof(code), code, sizeof(code), NULL, NULL) ||
	    !w->arch->call_target(code, sizeof(code), ret, &target))
		return false;
	if (w->ptr == 4)
		target = (uint32_t)target;
	return target <= pc && pc - target <= reach;
}

/* Is the function at @pc one that makes no frame with a frame pointer? False, too, when nobody knows. */
static bool uguess_frameless(struct uunwind_walk *w, uint64_t pc)
{
	struct kco_usymbol sym;
	uint8_t code[16];

	return w->arch->sets_fp && kco_usymbol_by_addr(w->p, pc, &sym, NULL) == KCO_OK &&
	       kco_process_read(w->p, sym.addr, code, sizeof(code), NULL, NULL) == KCO_OK &&
	       !w->arch->sets_fp(code, sizeof(code));
}

static uint64_t uguess_from_fp(uint64_t fp, int8_t offset)
{
	return fp + (uint64_t)(int64_t)offset;
}

/* Where the caller's address is still in the register that the call left it in, and not yet in a frame. */
static enum uunwind_result uguess_step_link(struct uunwind_walk *w)
{
	const struct kco_arch_ops *arch = w->arch;
	uint64_t pc = w->regs.v[arch->pc], sp = w->regs.v[arch->sp], ra, fp = 0, saved;
	bool has_fp = kco_regs_get(&w->regs, arch->fp, &fp);

	if (!kco_regs_get(&w->regs, arch->link, &ra) || !uguess_calls(w, ra, pc, UGUESS_PROLOGUE_MAX))
		return UUNWIND_NONE;
	if (has_fp && uunwind_word(w, uguess_from_fp(fp, arch->frame.ra), &saved) && saved == ra)
		return UUNWIND_NONE;
	return uguess_add(w, ra, sp, has_fp, fp, KCO_BY_FP, 0);
}

enum uunwind_result uunwind_step_prologue(struct uunwind_walk *w)
{
	uint64_t pc = w->regs.v[w->arch->pc], sp = w->regs.v[w->arch->sp], ra, fp = 0, pushed;
	bool has_fp = kco_regs_get(&w->regs, w->arch->fp, &fp);

	if (w->arch->has_link)
		return uguess_step_link(w);
	// Before the frame pointer is pushed, and in functions that push nothing.
	if (uunwind_word(w, sp, &ra) &&
	    (uguess_calls(w, ra, pc, UGUESS_PROLOGUE_MAX) || (uunwind_is_return(w, ra) && uguess_frameless(w, pc))))
		return uguess_add(w, ra, sp + w->ptr, has_fp, fp, KCO_BY_FP, sp);
	// After that push, and before the new one is set: within a few bytes of the beginning.
	if (has_fp && uunwind_word(w, sp, &pushed) && pushed == fp && uunwind_word(w, sp + w->ptr, &ra) &&
	    uguess_calls(w, ra, pc, 8))
		return uguess_add(w, ra, sp + 2 * w->ptr, true, fp, KCO_BY_FP, sp + w->ptr);
	return UUNWIND_NONE;
}

enum uunwind_result uunwind_step_fp(struct uunwind_walk *w)
{
	const struct kco_arch_frame *frame = w->compat ? &w->arch->compat->frame : &w->arch->frame;
	uint64_t sp = w->regs.v[w->arch->sp], fp, low, saved, ra;

	if (!kco_regs_get(&w->regs, w->arch->fp, &fp))
		return UUNWIND_NONE;
	// The ABI's mark of the outermost frame, in programs that have frame pointers.
	if (!fp && w->trace->n > 1 && w->trace->frames[w->trace->n - 1].by == KCO_BY_FP)
		return UUNWIND_END;
	low = uguess_from_fp(fp, frame->fp < frame->ra ? frame->fp : frame->ra);
	if (low % w->ptr || low < sp || low - sp > UGUESS_FRAME_MAX ||
	    !uunwind_word(w, uguess_from_fp(fp, frame->fp), &saved) ||
	    !uunwind_word(w, uguess_from_fp(fp, frame->ra), &ra))
		return UUNWIND_NONE;
	if (!ra && !saved)
		return UUNWIND_END;
	if (!uunwind_is_return(w, ra))
		return UUNWIND_NONE;
	return uguess_add(w, ra, uguess_from_fp(fp, frame->sp), true, saved, KCO_BY_FP, uguess_from_fp(fp, frame->ra));
}

enum uunwind_result uunwind_step_scan(struct uunwind_walk *w)
{
	uint64_t sp = w->regs.v[w->arch->sp], word;
	enum uunwind_result result;

	if (sp % w->ptr && sp < UINT64_MAX - w->ptr)
		sp += w->ptr - sp % w->ptr;
	for (unsigned i = 0; i < UGUESS_SCAN_WORDS; i++, sp += w->ptr) {
		if (!uunwind_word_or_note(w, sp, &word))
			return UUNWIND_NONE;
		// The outermost code has nothing above it but arguments.
		if (!uunwind_is_return(w, word))
			continue;
		result = uguess_add(w, word, sp + w->ptr, false, 0, KCO_BY_SCAN, sp);
		w->scanned = result == UUNWIND_NEXT;
		return result;
	}
	return UUNWIND_NONE;
}
