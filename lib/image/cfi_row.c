// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Call frame instructions (DW_CFA_*): from the start of a function to the row
 * of one program counter.
 *
 * Reaches no further than the entry that holds them, and keeps a bounded
 * number of remembered states; there are no jumps, so it ends.
 */
#include "cfi_priv.h"

#include <inttypes.h>
#include <string.h>

#define CFI_STATES_MAX 16

#define CFA_ADVANCE_LOC 0x40 /* in the high two bits */
#define CFA_OFFSET 0x80
#define CFA_RESTORE 0xc0
#define CFA_NOP 0x00
#define CFA_SET_LOC 0x01
#define CFA_ADVANCE_LOC1 0x02
#define CFA_ADVANCE_LOC2 0x03
#define CFA_ADVANCE_LOC4 0x04
#define CFA_OFFSET_EXTENDED 0x05
#define CFA_RESTORE_EXTENDED 0x06
#define CFA_UNDEFINED 0x07
#define CFA_SAME_VALUE 0x08
#define CFA_REGISTER 0x09
#define CFA_REMEMBER_STATE 0x0a
#define CFA_RESTORE_STATE 0x0b
#define CFA_DEF_CFA 0x0c
#define CFA_DEF_CFA_REGISTER 0x0d
#define CFA_DEF_CFA_OFFSET 0x0e
#define CFA_DEF_CFA_EXPRESSION 0x0f
#define CFA_EXPRESSION 0x10
#define CFA_OFFSET_EXTENDED_SF 0x11
#define CFA_DEF_CFA_SF 0x12
#define CFA_DEF_CFA_OFFSET_SF 0x13
#define CFA_VAL_OFFSET 0x14
#define CFA_VAL_OFFSET_SF 0x15
#define CFA_VAL_EXPRESSION 0x16
#define CFA_MIPS_ADVANCE_LOC8 0x1d
#define CFA_GNU_ARGS_SIZE 0x2e
#define CFA_GNU_NEGATIVE_OFFSET_EXTENDED 0x2f

/* The rules of one state; the bytes of expressions are the row's, and stay. */
struct cfi_state {
	struct kco_cfi_rule cfa, regs[KCO_CFI_REGS];
};

struct cfi_run {
	struct cfi_cursor c;
	const struct cfi_cie *cie;
	struct kco_cfi_row *row;
	uint64_t pc;
	uint64_t loc;	    /* the current row begins here */
	bool done;	    /* the row of pc is complete */
	bool have_initial;  /* the CIE's instructions were run */
	unsigned nr_states; /* remembered */
	struct cfi_state initial, states[CFI_STATES_MAX];
};

static void cfi_save(const struct kco_cfi_row *row, struct cfi_state *state)
{
	state->cfa = row->cfa;
	memcpy(state->regs, row->regs, sizeof(state->regs));
}

static void cfi_load(struct kco_cfi_row *row, const struct cfi_state *state)
{
	row->cfa = state->cfa;
	memcpy(row->regs, state->regs, sizeof(row->regs));
}

/* The row that begins now is for addresses from @to. */
static void cfi_advance(struct cfi_run *r, uint64_t to)
{
	// A CIE's instructions have no place of their own.
	if (!r->have_initial || to < r->loc) {
		cfi_bad(&r->c, KCO_E_CORRUPT);
		return;
	}
	if (r->pc < to) {
		r->row->end = to;
		r->done = true;
		return;
	}
	r->loc = r->row->first = to;
}

static void cfi_advance_by(struct cfi_run *r, uint64_t delta)
{
	uint64_t bytes, to;

	if (__builtin_mul_overflow(delta, r->cie->code_align, &bytes) || __builtin_add_overflow(r->loc, bytes, &to))
		cfi_bad(&r->c, KCO_E_CORRUPT);
	else
		cfi_advance(r, to);
}

static void cfi_set(struct cfi_run *r, uint64_t reg, struct kco_cfi_rule rule)
{
	// Columns that nobody asks for: vector registers, flags.
	if (reg < KCO_CFI_REGS && !r->c.status)
		r->row->regs[reg] = rule;
}

static void cfi_set_offset(struct cfi_run *r, uint64_t reg, enum kco_cfi_how how, int64_t factored)
{
	int64_t offset;

	if (__builtin_mul_overflow(factored, r->cie->data_align, &offset))
		cfi_bad(&r->c, KCO_E_CORRUPT);
	else
		cfi_set(r, reg, (struct kco_cfi_rule){ .how = (uint8_t)how, .offset = offset });
}

static uint8_t cfi_reg(uint64_t reg)
{
	return reg < KCO_CFI_REGS ? (uint8_t)reg : KCO_CFI_REGS;
}

/* Take a block as an expression; those of columns that are not kept are skipped. */
static struct kco_cfi_rule cfi_expression(struct cfi_run *r, enum kco_cfi_how how, bool keep)
{
	struct kco_cfi_rule rule = { .how = (uint8_t)how };
	uint64_t n = cfi_uleb(&r->c);

	if (!keep) {
		cfi_skip(&r->c, n);
		return rule;
	}
	if (n > sizeof(r->row->expr) - r->row->expr_used) {
		cfi_bad(&r->c, KCO_E_UNSUPPORTED);
		return rule;
	}
	rule.expr_at = r->row->expr_used;
	rule.expr_len = (uint16_t)n;
	cfi_bytes(&r->c, r->row->expr + rule.expr_at, (size_t)n);
	r->row->expr_used = (uint16_t)(r->row->expr_used + n);
	return rule;
}

static void cfi_restore(struct cfi_run *r, uint64_t reg)
{
	if (!r->have_initial)
		cfi_bad(&r->c, KCO_E_CORRUPT);
	else if (reg < KCO_CFI_REGS)
		cfi_set(r, reg, r->initial.regs[reg]);
}

static void cfi_def_cfa(struct cfi_run *r, uint64_t reg, int64_t offset)
{
	r->row->cfa = (struct kco_cfi_rule){ .how = KCO_CFI_REGISTER, .reg = cfi_reg(reg), .offset = offset };
}

/* The instructions that change a part of the CFA's rule need one of register and offset. */
static void cfi_cfa_part(struct cfi_run *r, bool reg, uint64_t value)
{
	if (r->row->cfa.how != KCO_CFI_REGISTER)
		cfi_bad(&r->c, KCO_E_CORRUPT);
	else if (reg)
		r->row->cfa.reg = cfi_reg(value);
	else
		r->row->cfa.offset = (int64_t)value;
}

static int64_t cfi_factored(struct cfi_run *r)
{
	int64_t n = cfi_sleb(&r->c), ret = 0;

	if (__builtin_mul_overflow(n, r->cie->data_align, &ret))
		cfi_bad(&r->c, KCO_E_CORRUPT);
	return ret;
}

static void cfi_states(struct cfi_run *r, bool remember)
{
	if (remember ? r->nr_states == CFI_STATES_MAX : r->nr_states == 0)
		cfi_bad(&r->c, remember ? KCO_E_UNSUPPORTED : KCO_E_CORRUPT);
	else if (remember)
		cfi_save(r->row, &r->states[r->nr_states++]);
	else
		cfi_load(r->row, &r->states[--r->nr_states]);
}

/* Instructions that say where the next row begins. False: @op is none of them. */
static bool cfi_op_location(struct cfi_run *r, uint8_t op)
{
	struct cfi_cursor *c = &r->c;

	switch (op) {
	case CFA_SET_LOC:
		cfi_advance(r, cfi_pointer(c, r->cie->fde_encoding, 0));
		break;
	case CFA_ADVANCE_LOC1:
		cfi_advance_by(r, cfi_uint(c, 1));
		break;
	case CFA_ADVANCE_LOC2:
		cfi_advance_by(r, cfi_uint(c, 2));
		break;
	case CFA_ADVANCE_LOC4:
		cfi_advance_by(r, cfi_uint(c, 4));
		break;
	case CFA_MIPS_ADVANCE_LOC8:
		cfi_advance_by(r, cfi_uint(c, 8));
		break;
	default:
		return false;
	}
	return true;
}

/* Instructions that define the CFA. False: @op is none of them. */
static bool cfi_op_cfa(struct cfi_run *r, uint8_t op)
{
	struct cfi_cursor *c = &r->c;
	uint64_t reg;

	switch (op) {
	case CFA_DEF_CFA:
		reg = cfi_uleb(c);
		cfi_def_cfa(r, reg, (int64_t)cfi_uleb(c));
		break;
	case CFA_DEF_CFA_SF:
		reg = cfi_uleb(c);
		cfi_def_cfa(r, reg, cfi_factored(r));
		break;
	case CFA_DEF_CFA_REGISTER:
		cfi_cfa_part(r, true, cfi_uleb(c));
		break;
	case CFA_DEF_CFA_OFFSET:
		cfi_cfa_part(r, false, cfi_uleb(c));
		break;
	case CFA_DEF_CFA_OFFSET_SF:
		cfi_cfa_part(r, false, (uint64_t)cfi_factored(r));
		break;
	case CFA_DEF_CFA_EXPRESSION:
		r->row->cfa = cfi_expression(r, KCO_CFI_VAL_EXPR, true);
		break;
	default:
		return false;
	}
	return true;
}

/* Instructions on one register; the others. */
static void cfi_op_register(struct cfi_run *r, uint8_t op)
{
	struct cfi_cursor *c = &r->c;
	uint64_t reg = cfi_uleb(c), other;

	switch (op) {
	case CFA_OFFSET_EXTENDED:
		cfi_set_offset(r, reg, KCO_CFI_OFFSET, (int64_t)cfi_uleb(c));
		break;
	case CFA_OFFSET_EXTENDED_SF:
		cfi_set_offset(r, reg, KCO_CFI_OFFSET, cfi_sleb(c));
		break;
	case CFA_GNU_NEGATIVE_OFFSET_EXTENDED:
		other = cfi_uleb(c);
		if (other > INT64_MAX)
			cfi_bad(c, KCO_E_CORRUPT);
		else
			cfi_set_offset(r, reg, KCO_CFI_OFFSET, -(int64_t)other);
		break;
	case CFA_VAL_OFFSET:
		cfi_set_offset(r, reg, KCO_CFI_VAL_OFFSET, (int64_t)cfi_uleb(c));
		break;
	case CFA_VAL_OFFSET_SF:
		cfi_set_offset(r, reg, KCO_CFI_VAL_OFFSET, cfi_sleb(c));
		break;
	case CFA_RESTORE_EXTENDED:
		cfi_restore(r, reg);
		break;
	case CFA_UNDEFINED:
		cfi_set(r, reg, (struct kco_cfi_rule){ .how = KCO_CFI_UNDEFINED });
		break;
	case CFA_SAME_VALUE:
		cfi_set(r, reg, (struct kco_cfi_rule){ .how = KCO_CFI_SAME });
		break;
	case CFA_REGISTER:
		cfi_set(r, reg, (struct kco_cfi_rule){ .how = KCO_CFI_REGISTER, .reg = cfi_reg(cfi_uleb(c)) });
		break;
	case CFA_EXPRESSION:
		cfi_set(r, reg, cfi_expression(r, KCO_CFI_EXPR, reg < KCO_CFI_REGS));
		break;
	case CFA_VAL_EXPRESSION:
		cfi_set(r, reg, cfi_expression(r, KCO_CFI_VAL_EXPR, reg < KCO_CFI_REGS));
		break;
	case CFA_GNU_ARGS_SIZE: // reg is a size, which only exceptions need
		break;
	default:
		cfi_bad(c, KCO_E_UNSUPPORTED);
	}
}

static void cfi_op(struct cfi_run *r, uint8_t op)
{
	uint8_t low = op & 0x3f;

	switch (op & 0xc0) {
	case CFA_ADVANCE_LOC:
		cfi_advance_by(r, low);
		return;
	case CFA_OFFSET:
		cfi_set_offset(r, low, KCO_CFI_OFFSET, (int64_t)cfi_uleb(&r->c));
		return;
	case CFA_RESTORE:
		cfi_restore(r, low);
		return;
	}
	if (op == CFA_NOP || cfi_op_location(r, op) || cfi_op_cfa(r, op))
		return;
	if (op == CFA_REMEMBER_STATE || op == CFA_RESTORE_STATE)
		cfi_states(r, op == CFA_REMEMBER_STATE);
	else
		cfi_op_register(r, op);
}

static void cfi_ops(struct cfi_run *r, const struct kco_cfi *cfi, uint64_t at, uint64_t end)
{
	cfi_seek(&r->c, cfi, at, end);
	while (r->c.at < end && !r->c.status && !r->done)
		cfi_op(r, (uint8_t)cfi_uint(&r->c, 1));
}

enum kco_status cfi_run(const struct kco_cfi *cfi, const struct cfi_fde *fde, const struct cfi_cie *cie, uint64_t pc,
			struct kco_cfi_row *row, struct kco_err *err)
{
	struct cfi_run r;

	// Not the states: they are large, and written before they are read.
	r.cie = cie;
	r.row = row;
	r.pc = pc;
	r.loc = fde->first;
	r.done = r.have_initial = false;
	r.nr_states = 0;
	memset(row, 0, offsetof(struct kco_cfi_row, expr));
	row->first = fde->first;
	row->end = fde->end;
	row->ra = cie->ra;
	row->signal = cie->signal;
	row->debug_frame = cfi->debug_frame;
	cfi_ops(&r, cfi, cie->insns, cie->insns_end);
	if (r.c.status)
		return cfi_fail(&r.c, err, "the CIE", fde->cie);
	cfi_save(row, &r.initial);
	r.have_initial = true;
	r.nr_states = 0;
	cfi_ops(&r, cfi, fde->insns, fde->insns_end);
	if (r.c.status)
		return cfi_fail(&r.c, err, "the FDE's instructions", fde->insns);
	if (row->cfa.how == KCO_CFI_UNSPECIFIED && row->regs[row->ra].how != KCO_CFI_UNDEFINED)
		return kco_fail(err, KCO_E_CORRUPT, "the FDE for %#" PRIx64 " defines no CFA", pc);
	return KCO_OK;
}
