// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DWARF expressions, as far as call frame information has them, on a stack of
 * words; and the step from a frame to its caller by a row.
 *
 * Expressions can jump backwards: a limit on operations ends what loops.
 */
#include "cfi.h"

#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>

#define EXPR_STACK_MAX 64
#define EXPR_STEPS_MAX 4096

enum expr_op {
	OP_ADDR = 0x03,
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08,
	OP_CONST1S,
	OP_CONST2U,
	OP_CONST2S,
	OP_CONST4U,
	OP_CONST4S,
	OP_CONST8U,
	OP_CONST8S,
	OP_CONSTU,
	OP_CONSTS,
	OP_DUP,
	OP_DROP,
	OP_OVER,
	OP_PICK,
	OP_SWAP,
	OP_ROT,
	OP_ABS = 0x19,
	OP_AND,
	OP_DIV,
	OP_MINUS,
	OP_MOD,
	OP_MUL,
	OP_NEG,
	OP_NOT,
	OP_OR,
	OP_PLUS,
	OP_PLUS_UCONST,
	OP_SHL,
	OP_SHR,
	OP_SHRA,
	OP_XOR,
	OP_BRA,
	OP_EQ,
	OP_GE,
	OP_GT,
	OP_LE,
	OP_LT,
	OP_NE,
	OP_SKIP,
	OP_LIT0,
	OP_LIT31 = 0x4f,
	OP_REG0,
	OP_REG31 = 0x6f,
	OP_BREG0,
	OP_BREG31 = 0x8f,
	OP_REGX,
	OP_BREGX = 0x92,
	OP_DEREF_SIZE = 0x94,
	OP_NOP = 0x96,
};

struct expr {
	const uint8_t *code;
	size_t n, at;
	const struct kco_cfi_target *t;
	const struct kco_cfi_regs *regs;
	struct kco_err *err;
	enum kco_status status;
	unsigned depth;
	uint64_t stack[EXPR_STACK_MAX];
};

static uint64_t expr_narrow(const struct expr *e, uint64_t value)
{
	return e->t->ptr_size == 4 ? (uint32_t)value : value;
}

static int64_t expr_signed(const struct expr *e, uint64_t value)
{
	return e->t->ptr_size == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

static void expr_bad(struct expr *e, enum kco_status status, const char *what)
{
	if (!e->status)
		e->status = kco_fail(e->err, status, "DWARF expression: %s at byte %zu of %zu", what, e->at, e->n);
}

static void expr_push(struct expr *e, uint64_t value)
{
	if (e->depth == EXPR_STACK_MAX)
		expr_bad(e, KCO_E_UNSUPPORTED, "the stack is full");
	else if (!e->status)
		e->stack[e->depth++] = expr_narrow(e, value);
}

static uint64_t expr_pop(struct expr *e)
{
	if (!e->depth) {
		expr_bad(e, KCO_E_CORRUPT, "the stack is empty");
		return 0;
	}
	return e->stack[--e->depth];
}

static uint64_t expr_uint(struct expr *e, size_t size)
{
	uint64_t value;

	if (size > e->n - e->at) {
		expr_bad(e, KCO_E_CORRUPT, "an operand is cut off");
		e->at = e->n;
		return 0;
	}
	value = kco_le_uint(e->code + e->at, size);
	e->at += size;
	return value;
}

static int64_t expr_sint(struct expr *e, size_t size)
{
	uint64_t value = expr_uint(e, size);

	if (size < 8 && value >> (8 * size - 1) & 1)
		value |= UINT64_MAX << 8 * size;
	return (int64_t)value;
}

static uint64_t expr_leb(struct expr *e, bool is_signed)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = (uint8_t)expr_uint(e, 1);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !e->status && shift < 140);
	if (is_signed && shift < 64 && byte & 0x40)
		value |= UINT64_MAX << shift;
	return value;
}

static uint64_t expr_reg(struct expr *e, uint64_t reg)
{
	if (reg >= KCO_CFI_REGS || !(e->regs->known >> reg & 1)) {
		expr_bad(e, KCO_E_NOSYM, "a register is not known");
		return 0;
	}
	return e->regs->v[reg];
}

static void expr_deref(struct expr *e, size_t size)
{
	uint64_t addr = expr_pop(e), value = 0;

	if (size == 0 || size > e->t->ptr_size || size & (size - 1)) {
		expr_bad(e, KCO_E_CORRUPT, "a read of an impossible size");
		return;
	}
	if (!e->status)
		e->status = e->t->read(e->t->arg, addr, size, &value, e->err);
	expr_push(e, value);
}

static void expr_jump(struct expr *e, bool taken)
{
	int64_t delta = expr_sint(e, 2), to = (int64_t)e->at + delta;

	if (!taken || e->status)
		return;
	if (to < 0 || to > (int64_t)e->n)
		expr_bad(e, KCO_E_CORRUPT, "a jump leads outside");
	else
		e->at = (size_t)to;
}

/* Constants and literals. False: @op is none. */
static bool expr_constant(struct expr *e, uint8_t op)
{
	if (op >= OP_LIT0 && op <= OP_LIT31)
		expr_push(e, (uint64_t)(op - OP_LIT0));
	else if (op == OP_CONSTU || op == OP_CONSTS)
		expr_push(e, expr_leb(e, op == OP_CONSTS));
	else if (op >= OP_CONST1U && op <= OP_CONST8S && !((op - OP_CONST1U) & 1))
		expr_push(e, expr_uint(e, (size_t)1 << (op - OP_CONST1U) / 2));
	else if (op >= OP_CONST1U && op <= OP_CONST8S)
		expr_push(e, (uint64_t)expr_sint(e, (size_t)1 << (op - OP_CONST1U) / 2));
	else
		return false;
	return true;
}

/* Registers and memory. False: @op is none of these. */
static bool expr_location(struct expr *e, uint8_t op)
{
	uint64_t reg;

	if (op >= OP_BREG0 && op <= OP_BREG31) {
		reg = expr_reg(e, (uint64_t)(op - OP_BREG0));
		expr_push(e, reg + expr_leb(e, true));
	} else if (op >= OP_REG0 && op <= OP_REG31) {
		expr_push(e, expr_reg(e, (uint64_t)(op - OP_REG0))); // as GCC's unwinder has it
	} else if (op == OP_REGX) {
		expr_push(e, expr_reg(e, expr_leb(e, false)));
	} else if (op == OP_BREGX) {
		reg = expr_reg(e, expr_leb(e, false));
		expr_push(e, reg + expr_leb(e, true));
	} else if (op == OP_ADDR) {
		expr_push(e, expr_uint(e, e->t->ptr_size) + e->t->bias);
	} else if (op == OP_DEREF) {
		expr_deref(e, e->t->ptr_size);
	} else if (op == OP_DEREF_SIZE) {
		expr_deref(e, (size_t)expr_uint(e, 1));
	} else {
		return false;
	}
	return true;
}

static void expr_pick(struct expr *e, uint64_t n)
{
	if (n >= e->depth)
		expr_bad(e, KCO_E_CORRUPT, "the stack is not that deep");
	else
		expr_push(e, e->stack[e->depth - 1 - n]);
}

static void expr_rot(struct expr *e)
{
	uint64_t top = expr_pop(e), second = expr_pop(e), third = expr_pop(e);

	expr_push(e, top);
	expr_push(e, third);
	expr_push(e, second);
}

/* Rearranging the stack, jumps. False: @op is none of these. */
static bool expr_stack(struct expr *e, uint8_t op)
{
	uint64_t a, b;

	switch (op) {
	case OP_DUP:
		expr_pick(e, 0);
		break;
	case OP_OVER:
		expr_pick(e, 1);
		break;
	case OP_PICK:
		expr_pick(e, expr_uint(e, 1));
		break;
	case OP_DROP:
		(void)expr_pop(e);
		break;
	case OP_SWAP:
		a = expr_pop(e);
		b = expr_pop(e);
		expr_push(e, a);
		expr_push(e, b);
		break;
	case OP_ROT:
		expr_rot(e);
		break;
	case OP_SKIP:
		expr_jump(e, true);
		break;
	case OP_BRA:
		a = expr_pop(e);
		expr_jump(e, a != 0);
		break;
	case OP_NOP:
		break;
	default:
		return false;
	}
	return true;
}

/* On one operand. False: @op is none of these. */
static bool expr_unary(struct expr *e, uint8_t op)
{
	uint64_t a;

	switch (op) {
	case OP_ABS:
		a = expr_pop(e);
		expr_push(e, expr_signed(e, a) < 0 ? -a : a);
		break;
	case OP_NEG:
		expr_push(e, -expr_pop(e));
		break;
	case OP_NOT:
		expr_push(e, ~expr_pop(e));
		break;
	case OP_PLUS_UCONST:
		a = expr_pop(e);
		expr_push(e, a + expr_leb(e, false));
		break;
	default:
		return false;
	}
	return true;
}

static uint64_t expr_shift(const struct expr *e, uint8_t op, uint64_t a, uint64_t by)
{
	int64_t s = expr_signed(e, a);

	if (by >= 8U * e->t->ptr_size)
		return op == OP_SHRA && s < 0 ? UINT64_MAX : 0;
	if (op == OP_SHL)
		return a << by;
	if (op == OP_SHR || s >= 0)
		return a >> by;
	return ~(~(uint64_t)s >> by);
}

static uint64_t expr_divide(struct expr *e, uint8_t op, uint64_t a, uint64_t b)
{
	int64_t x = expr_signed(e, a), y = expr_signed(e, b);

	if (!b) {
		expr_bad(e, KCO_E_CORRUPT, "a division by zero");
		return 0;
	}
	if (op == OP_MOD)
		return a % b;
	return y == -1 ? -a : (uint64_t)(x / y);
}

static void expr_binary(struct expr *e, uint8_t op)
{
	uint64_t b = expr_pop(e), a = expr_pop(e);
	int64_t x = expr_signed(e, a), y = expr_signed(e, b);

	switch (op) {
	case OP_AND:
		expr_push(e, a & b);
		break;
	case OP_OR:
		expr_push(e, a | b);
		break;
	case OP_XOR:
		expr_push(e, a ^ b);
		break;
	case OP_PLUS:
		expr_push(e, a + b);
		break;
	case OP_MINUS:
		expr_push(e, a - b);
		break;
	case OP_MUL:
		expr_push(e, a * b);
		break;
	case OP_DIV:
	case OP_MOD:
		expr_push(e, expr_divide(e, op, a, b));
		break;
	case OP_SHL:
	case OP_SHR:
	case OP_SHRA:
		expr_push(e, expr_shift(e, op, a, b));
		break;
	case OP_EQ:
		expr_push(e, x == y);
		break;
	case OP_NE:
		expr_push(e, x != y);
		break;
	case OP_GE:
		expr_push(e, x >= y);
		break;
	case OP_GT:
		expr_push(e, x > y);
		break;
	case OP_LE:
		expr_push(e, x <= y);
		break;
	case OP_LT:
		expr_push(e, x < y);
		break;
	default:
		expr_bad(e, KCO_E_UNSUPPORTED, "an unknown operation");
	}
}

enum kco_status kco_cfi_eval(const uint8_t *code, size_t n, const struct kco_cfi_target *t,
			     const struct kco_cfi_regs *regs, const uint64_t *initial, uint64_t *ret,
			     struct kco_err *err)
{
	struct expr e = { .code = code, .n = n, .t = t, .regs = regs, .err = err };
	unsigned steps = 0;

	if (initial)
		expr_push(&e, *initial);
	while (e.at < e.n && !e.status) {
		uint8_t op = (uint8_t)expr_uint(&e, 1);

		if (++steps > EXPR_STEPS_MAX)
			expr_bad(&e, KCO_E_CORRUPT, "it does not end");
		else if (!expr_constant(&e, op) && !expr_location(&e, op) && !expr_stack(&e, op) && !expr_unary(&e, op))
			expr_binary(&e, op);
	}
	*ret = expr_pop(&e);
	return e.status;
}

struct cfi_step {
	const struct kco_cfi_row *row;
	const struct kco_cfi_target *t;
	const struct kco_cfi_regs *regs;
	uint64_t cfa;
};

static enum kco_status cfi_eval_rule(const struct cfi_step *s, const struct kco_cfi_rule *rule, bool with_cfa,
				     uint64_t *ret, struct kco_err *err)
{
	struct kco_cfi_target t = *s->t;

	// What lies in the process was relocated by its loader.
	if (!s->row->debug_frame)
		t.bias = 0;
	return kco_cfi_eval(s->row->expr + rule->expr_at, rule->expr_len, &t, s->regs, with_cfa ? &s->cfa : NULL, ret,
			    err);
}

static enum kco_status cfi_step_cfa(struct cfi_step *s, struct kco_err *err)
{
	const struct kco_cfi_rule *rule = &s->row->cfa;

	if (rule->how == KCO_CFI_VAL_EXPR)
		return cfi_eval_rule(s, rule, false, &s->cfa, err);
	if (rule->how != KCO_CFI_REGISTER || rule->reg >= KCO_CFI_REGS || !(s->regs->known >> rule->reg & 1))
		return kco_fail(err, KCO_E_NOSYM, "the CFA's register is not known");
	s->cfa = s->regs->v[rule->reg] + (uint64_t)rule->offset;
	if (s->t->ptr_size == 4)
		s->cfa = (uint32_t)s->cfa;
	return KCO_OK;
}

/* The value of register @reg in the caller. */
static enum kco_status cfi_step_reg(const struct cfi_step *s, unsigned reg, uint64_t *ret, struct kco_err *err)
{
	const struct kco_cfi_rule *rule = &s->row->regs[reg];
	unsigned from = rule->how == KCO_CFI_REGISTER ? rule->reg : reg;
	uint64_t at = s->cfa + (uint64_t)rule->offset;
	enum kco_status st = KCO_OK;

	switch ((enum kco_cfi_how)rule->how) {
	case KCO_CFI_UNDEFINED:
		return kco_fail(err, KCO_E_NOSYM, "register %u is not saved", reg);
	case KCO_CFI_UNSPECIFIED:
	case KCO_CFI_SAME:
	case KCO_CFI_REGISTER:
		if (rule->how == KCO_CFI_UNSPECIFIED && reg == s->t->sp) {
			*ret = s->cfa;
			return KCO_OK;
		}
		if (from >= KCO_CFI_REGS || !(s->regs->known >> from & 1))
			return kco_fail(err, KCO_E_NOSYM, "register %u is not known", from);
		*ret = s->regs->v[from];
		return KCO_OK;
	case KCO_CFI_VAL_OFFSET:
		*ret = at;
		return KCO_OK;
	case KCO_CFI_OFFSET:
		break;
	case KCO_CFI_EXPR:
		st = cfi_eval_rule(s, rule, true, &at, err);
		break;
	case KCO_CFI_VAL_EXPR:
		return cfi_eval_rule(s, rule, true, ret, err);
	}
	if (s->t->ptr_size == 4)
		at = (uint32_t)at;
	return st ? st : s->t->read(s->t->arg, at, s->t->ptr_size, ret, err);
}

enum kco_status kco_cfi_step(const struct kco_cfi_row *row, const struct kco_cfi_target *t,
			     const struct kco_cfi_regs *regs, struct kco_cfi_regs *caller, uint64_t *cfa,
			     struct kco_err *err)
{
	struct cfi_step s = { .row = row, .t = t, .regs = regs };
	bool outermost = row->regs[row->ra].how == KCO_CFI_UNDEFINED;
	enum kco_status st = outermost ? KCO_OK : cfi_step_cfa(&s, err);

	*caller = (struct kco_cfi_regs){ 0 };
	if (st || outermost)
		return st;
	*cfa = s.cfa;
	for (unsigned reg = 0; reg < KCO_CFI_REGS; reg++) {
		uint64_t value;

		// A return address that is not told is none.
		if (reg == row->ra && row->regs[reg].how == KCO_CFI_UNSPECIFIED)
			return kco_fail(err, KCO_E_CORRUPT, "the CFI does not tell the return address");
		st = cfi_step_reg(&s, reg, &value, reg == row->ra ? err : NULL);
		if (st && reg == row->ra)
			return st;
		if (st)
			continue;
		caller->v[reg] = t->ptr_size == 4 ? (uint32_t)value : value;
		caller->known |= UINT32_C(1) << reg;
	}
	return KCO_OK;
}
