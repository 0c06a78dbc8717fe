// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unwind rows: found for a pc (ORC first, CFI where there is none) and applied.
 *
 * The rules are those of the kernel's own unwinder (arch/x86/kernel/unwind_orc.c):
 * a return address is looked up one byte before itself, so that a call of a
 * function that never returns is found in its own function; of ORC's frames
 * only the stack pointer and the frame pointer are known.
 *
 * The traces of all tasks hold few distinct addresses: each is looked up once.
 * The memo is a hash table of indices into a dense array of rows, and starts
 * anew when it is full.
 */
#include "unwind_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "debuginfo.h"
#include "orc.h"

#define MEMO_SLOTS_BITS 10
#define MEMO_SLOTS (1u << MEMO_SLOTS_BITS)
#define MEMO_ROWS (MEMO_SLOTS / 2)

struct memo_row {
	uint64_t pc;
	bool found;
	struct kco_unwind_row row;
};

struct unwind_memo {
	uint16_t slots[MEMO_SLOTS]; /* index + 1 into rows, 0 empty */
	unsigned n;
	struct memo_row rows[MEMO_ROWS];
};

struct unwind_memo *unwind_memo_new(void)
{
	return calloc(1, sizeof(struct unwind_memo));
}

void unwind_memo_free(struct unwind_memo *memo)
{
	free(memo);
}

static bool unwind_look_up(struct kco_unwinder *uw, uint64_t pc, struct kco_unwind_row *row)
{
	if (uw->tables && kco_orc_find(uw->tables, uw->mem, uw->space, pc, row, NULL) == KCO_OK &&
	    row->kind != KCO_ROW_UNKNOWN)
		return true;
	if (uw->di && kco_debuginfo_cfi(uw->di, uw->arch, pc, row, NULL) == KCO_OK)
		return true;
	return uw->tables && kco_orc_find(uw->tables, uw->mem, uw->space, pc, row, NULL) == KCO_OK;
}

const struct kco_unwind_row *unwind_find_row(struct kco_unwinder *uw, uint64_t pc)
{
	struct unwind_memo *memo = uw->memo;
	size_t slot = (size_t)(pc * UINT64_C(0x9e3779b97f4a7c15) >> (64 - MEMO_SLOTS_BITS));
	struct memo_row *row;

	if (!uw->tables && !uw->di)
		return NULL;
	for (; memo->slots[slot]; slot = (slot + 1) % MEMO_SLOTS) {
		row = &memo->rows[memo->slots[slot] - 1];
		if (row->pc == pc)
			return row->found ? &row->row : NULL;
	}
	if (memo->n == MEMO_ROWS) {
		memset(memo->slots, 0, sizeof(memo->slots));
		memo->n = 0;
		slot = (size_t)(pc * UINT64_C(0x9e3779b97f4a7c15) >> (64 - MEMO_SLOTS_BITS));
	}
	row = &memo->rows[memo->n++];
	memo->slots[slot] = (uint16_t)memo->n;
	row->pc = pc;
	row->found = unwind_look_up(uw, pc, &row->row);
	return row->found ? &row->row : NULL;
}

static bool unwind_reg(struct unwind_walk *w, unsigned reg, uint64_t *ret)
{
	if (kco_regs_get(&w->regs, reg, ret))
		return true;
	unwind_note(w, KCO_E_RANGE, "frame #%zu: unwinding from %#" PRIx64 " takes %s, which is not known",
		    w->trace->n - 1, w->regs.v[w->uw->arch->pc],
		    reg < w->uw->arch->nr_regs ? w->uw->arch->regs[reg].name : "a register");
	return false;
}

static bool unwind_cfa(struct unwind_walk *w, const struct kco_rule *rule, uint64_t *cfa)
{
	uint64_t base;

	switch (rule->kind) {
	case KCO_RULE_REG:
		if (!unwind_reg(w, rule->reg, &base))
			return false;
		*cfa = base + (uint64_t)(int64_t)rule->offset;
		return true;
	case KCO_RULE_REG_DEREF:
		return unwind_reg(w, rule->reg, &base) && unwind_read(w, base + (uint64_t)(int64_t)rule->offset, cfa);
	case KCO_RULE_DEREF_REG:
		if (!unwind_reg(w, rule->reg, &base) || !unwind_read(w, base, cfa))
			return false;
		*cfa += (uint64_t)(int64_t)rule->offset;
		return true;
	default:
		unwind_note(w, KCO_E_UNSUPPORTED, "the unwind row for %#" PRIx64 " has no base that can be computed",
			    w->regs.v[w->uw->arch->pc]);
		return false;
	}
}

/* A callee-saved register of the caller. What cannot be had becomes unknown. */
static void unwind_restore(struct unwind_walk *w, const struct kco_rule *rule, uint64_t cfa, unsigned reg,
			   struct kco_regs *next)
{
	struct kco_mem *mem = w->uw->mem;
	uint64_t offset = (uint64_t)(int64_t)rule->offset, value = 0;
	bool known = false;

	switch (rule->kind) {
	case KCO_RULE_SAME:
		known = kco_regs_get(&w->regs, reg, &value);
		break;
	case KCO_RULE_REG:
		known = kco_regs_get(&w->regs, rule->reg, &value);
		value += offset;
		break;
	case KCO_RULE_REG_DEREF:
		known = kco_regs_get(&w->regs, rule->reg, &value) &&
			!kco_vread_ptr(mem, w->uw->space, value + offset, &value, NULL);
		break;
	case KCO_RULE_DEREF_REG:
		known = kco_regs_get(&w->regs, rule->reg, &value) &&
			!kco_vread_ptr(mem, w->uw->space, value, &value, NULL);
		value += offset;
		break;
	case KCO_RULE_CFA:
		known = !kco_vread_ptr(mem, w->uw->space, cfa + offset, &value, NULL);
		break;
	case KCO_RULE_CFA_VALUE:
		value = cfa + offset;
		known = true;
		break;
	case KCO_RULE_UNDEFINED:
		break;
	}
	if (known)
		kco_regs_set(next, reg, value);
	else if (reg < KCO_REGS_MAX)
		next->known &= ~(UINT64_C(1) << reg);
}

static enum unwind_result unwind_call(struct unwind_walk *w, const struct kco_unwind_row *row, uint64_t cfa,
				      uint64_t ra, uint64_t slot)
{
	const struct kco_arch_ops *arch = w->uw->arch;
	struct kco_regs next = w->regs;
	enum unwind_result result;

	kco_regs_set(&next, arch->sp, cfa);
	for (unsigned i = 0; i < row->nr_saved && i < KCO_ROW_SAVED_MAX; i++)
		unwind_restore(w, &row->saved[i].rule, cfa, row->saved[i].reg, &next);
	kco_regs_set(&next, arch->pc, ra);
	result = unwind_add(w, &next, KCO_FRAME_CALL, row->by, slot, slot ? slot : cfa);
	w->exact = row->signal;
	return result;
}

/*
 * The return address is in a register. Only who was interrupted may have it
 * there: a caller's was overwritten by its call. So this is done once a frame
 * that is exact, and the walk ends though the stack need not go up.
 */
static enum unwind_result unwind_step_leaf(struct unwind_walk *w, const struct kco_unwind_row *row, uint64_t cfa)
{
	uint64_t ra;

	if (!w->exact)
		return unwind_note(w, KCO_E_CORRUPT,
				   "frame #%zu called another, but its return address was never saved",
				   w->trace->n - 1);
	if (!unwind_reg(w, row->ra_reg, &ra))
		return UNWIND_NONE;
	if (cfa < w->regs.v[w->uw->arch->sp] || !unwind_is_return(w, ra, w->guess))
		return unwind_note(w, KCO_E_CORRUPT, "the return address %#" PRIx64 " of frame #%zu in %s is not code",
				   ra, w->trace->n - 1, w->uw->arch->regs[row->ra_reg].name);
	return unwind_call(w, row, cfa, ra, 0);
}

static enum unwind_result unwind_step_call(struct unwind_walk *w, const struct kco_unwind_row *row, uint64_t cfa)
{
	const struct kco_arch_ops *arch = w->uw->arch;
	uint64_t slot = cfa + (uint64_t)(int64_t)row->ra_offset, ra;

	// Rows that know no interrupt stacks end with them, which is no tear: a scan goes on from there.
	if (w->stack != 0 && w->stack != UNWIND_NOWHERE && slot - w->stacks[w->stack].end < 2 * arch->ptr_size)
		return UNWIND_NONE;
	if (!unwind_may_enter(w, slot, cfa) || !unwind_read(w, slot, &ra))
		return UNWIND_NONE;
	// Where a stack begins, whoever began there has nowhere to return to.
	if (!unwind_is_return(w, ra, w->guess) && w->stack == 0 && cfa == w->stacks[0].end)
		return unwind_finish(w);
	if (!unwind_is_return(w, ra, w->guess))
		return unwind_note(w, KCO_E_CORRUPT,
				   "the return address %#" PRIx64 " of frame #%zu at %#" PRIx64 " is not code", ra,
				   w->trace->n - 1, slot);
	return unwind_call(w, row, cfa, ra, slot);
}

static enum unwind_result unwind_step_trap(struct unwind_walk *w, const struct kco_unwind_row *row, uint64_t cfa)
{
	bool partial = row->kind == KCO_ROW_REGS_PARTIAL;
	const struct kco_arch_ops *arch = w->uw->arch;
	unsigned at = unwind_find_stack(w, cfa);
	struct kco_regs next = { 0 };
	uint64_t fp;

	if (at == UNWIND_NOWHERE || (at != w->stack && w->visited >> at & 1))
		return unwind_note(w, KCO_E_CORRUPT,
				   "the trap frame above #%zu would be at %#" PRIx64 ", on no stack of the task",
				   w->trace->n - 1, cfa);
	// Where the CPU pushed its part only, the other registers are still the interrupted ones.
	if (partial && w->exact)
		next = w->regs;
	else if (partial && kco_regs_get(&w->regs, arch->fp, &fp))
		kco_regs_set(&next, arch->fp, fp);
	if (!unwind_read_trap(w, cfa, partial, &next))
		return UNWIND_NONE;
	for (unsigned i = 0; i < row->nr_saved && i < KCO_ROW_SAVED_MAX; i++)
		unwind_restore(w, &row->saved[i].rule, cfa, row->saved[i].reg, &next);
	return unwind_add_trap(w, &next, row->by, cfa);
}

enum unwind_result unwind_step_row(struct unwind_walk *w, const struct kco_unwind_row *row)
{
	uint64_t cfa;

	if (row->kind == KCO_ROW_END)
		return unwind_finish(w);
	if (!unwind_cfa(w, &row->cfa, &cfa))
		return UNWIND_NONE;
	if (row->kind == KCO_ROW_CALL && row->ra_in_reg)
		return unwind_step_leaf(w, row, cfa);
	if (row->kind == KCO_ROW_CALL)
		return unwind_step_call(w, row, cfa);
	return unwind_step_trap(w, row, cfa);
}
