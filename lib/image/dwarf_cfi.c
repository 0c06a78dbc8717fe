// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Call frame information: libdw runs the CFA program, this file puts what
 * comes out into a kco_unwind_row. libdw describes each rule as a small DWARF
 * expression (dwarf_frame_cfa(), dwarf_frame_register() in libdw.h); those that
 * compilers make for kernels are a register plus an offset, perhaps fetched.
 */
#include "debuginfo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>

#include "debuginfo_priv.h"

static int cfi_reg(const struct kco_arch_ops *arch, uint64_t dwarf)
{
	for (size_t i = 0; i < arch->nr_regs; i++)
		if (arch->regs[i].dwarf >= 0 && (uint64_t)arch->regs[i].dwarf == dwarf)
			return (int)i;
	return -1;
}

/* "register + offset" as one operation. */
static bool cfi_breg(const struct kco_arch_ops *arch, const Dwarf_Op *op, struct kco_rule *rule)
{
	int64_t offset;
	int reg;

	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		reg = cfi_reg(arch, op->atom - DW_OP_breg0);
		offset = (int64_t)op->number;
	} else if (op->atom == DW_OP_bregx) {
		reg = cfi_reg(arch, op->number);
		offset = (int64_t)op->number2;
	} else {
		return false;
	}
	if (reg < 0 || offset < INT32_MIN || offset > INT32_MAX)
		return false;
	rule->reg = (uint8_t)reg;
	rule->offset = (int32_t)offset;
	return true;
}

/* A constant that is added: one operation, or a constant and DW_OP_plus. How many were used, 0: none. */
static size_t cfi_addend(const Dwarf_Op *ops, size_t n, int32_t *offset)
{
	int64_t value;
	size_t used = 2;

	if (n >= 1 && ops[0].atom == DW_OP_plus_uconst) {
		value = (int64_t)ops[0].number; // negative ones wrap around
		used = 1;
	} else if (n >= 2 && ops[1].atom == DW_OP_plus) {
		if (ops[0].atom >= DW_OP_lit0 && ops[0].atom <= DW_OP_lit31)
			value = ops[0].atom - DW_OP_lit0;
		else if (ops[0].atom >= DW_OP_const1u && ops[0].atom <= DW_OP_consts)
			value = (int64_t)ops[0].number;
		else
			return 0;
	} else {
		return 0;
	}
	if (value < INT32_MIN || value > INT32_MAX)
		return 0;
	*offset = (int32_t)value;
	return used;
}

/* The value that @ops computes, as a rule; false: too much for one. */
static bool cfi_value(const struct kco_arch_ops *arch, const Dwarf_Op *ops, size_t n, struct kco_rule *rule)
{
	*rule = (struct kco_rule){ 0 };
	if (n >= 1 && ops[0].atom == DW_OP_call_frame_cfa) {
		rule->kind = KCO_RULE_CFA_VALUE;
		return n == 1 || cfi_addend(ops + 1, n - 1, &rule->offset) == n - 1;
	}
	if (n < 1 || !cfi_breg(arch, &ops[0], rule))
		return false;
	rule->kind = KCO_RULE_REG;
	if (n == 1)
		return true;
	if (ops[1].atom != DW_OP_deref)
		return false;
	rule->kind = KCO_RULE_REG_DEREF;
	if (n == 2)
		return true;
	if (rule->offset)
		return false;
	rule->kind = KCO_RULE_DEREF_REG;
	return cfi_addend(ops + 2, n - 2, &rule->offset) == n - 2;
}

/* The rule of a register of the caller. What cannot be expressed is as good as undefined. */
static enum kco_status cfi_register(const struct kco_debuginfo *di, const struct kco_arch_ops *arch, Dwarf_Frame *frame,
				    int dwarf, struct kco_rule *rule, struct kco_err *err)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	*rule = (struct kco_rule){ .kind = KCO_RULE_UNDEFINED };
	if (dwarf_frame_register(frame, dwarf, mem, &ops, &n))
		return kco_dwarf_fail(di, err, "a register's rule in its CFI");
	if (n == 0) {
		rule->kind = ops == mem ? KCO_RULE_UNDEFINED : KCO_RULE_SAME;
		// libdw's ABI rows for x86_64 name rax (0) where rbx (3) is meant: backends/x86_64_cfi.c, 0.188.
		if (arch->elf_machine == EM_X86_64 && (dwarf == 0 || dwarf == 3))
			rule->kind = dwarf == 3 ? KCO_RULE_SAME : KCO_RULE_UNDEFINED;
		return KCO_OK;
	}
	if (n == 1 && (ops[0].atom == DW_OP_regx || (ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31))) {
		uint64_t number = ops[0].atom == DW_OP_regx ? ops[0].number : (uint64_t)ops[0].atom - DW_OP_reg0;
		int reg = cfi_reg(arch, number);

		if (reg >= 0)
			*rule = (struct kco_rule){ .kind = KCO_RULE_REG, .reg = (uint8_t)reg };
		return KCO_OK;
	}
	// DW_CFA_expression begins with the CFA on the stack; GCC's computes from a register above it.
	if (n >= 2 && ops[0].atom == DW_OP_call_frame_cfa && cfi_breg(arch, &ops[1], rule)) {
		ops++;
		n--;
	}
	if (ops[n - 1].atom == DW_OP_stack_value) {
		if (!cfi_value(arch, ops, n - 1, rule))
			rule->kind = KCO_RULE_UNDEFINED;
		return KCO_OK;
	}
	// The expression gives the address where the register was saved.
	if (!cfi_value(arch, ops, n, rule))
		rule->kind = KCO_RULE_UNDEFINED;
	else if (rule->kind == KCO_RULE_CFA_VALUE)
		rule->kind = KCO_RULE_CFA;
	else if (rule->kind == KCO_RULE_REG)
		rule->kind = KCO_RULE_REG_DEREF;
	else
		rule->kind = KCO_RULE_UNDEFINED;
	return KCO_OK;
}

static enum kco_status cfi_saved(const struct kco_debuginfo *di, const struct kco_arch_ops *arch, Dwarf_Frame *frame,
				 struct kco_unwind_row *row, struct kco_err *err)
{
	enum kco_status st;
	struct kco_rule rule;

	// Those that can be found first, so that they have a place.
	for (int undefined = 0; undefined < 2; undefined++) {
		for (size_t i = 0; i < arch->nr_regs && row->nr_saved < KCO_ROW_SAVED_MAX; i++) {
			if (arch->regs[i].dwarf < 0 || i == arch->pc || arch->regs[i].size < arch->ptr_size)
				continue;
			st = cfi_register(di, arch, frame, arch->regs[i].dwarf, &rule, err);
			if (st)
				return st;
			if (rule.kind == KCO_RULE_SAME || (rule.kind == KCO_RULE_UNDEFINED) != (undefined == 1))
				continue;
			// The caller's stack pointer is the CFA unless someone says otherwise.
			if (i == arch->sp &&
			    (rule.kind == KCO_RULE_UNDEFINED || (rule.kind == KCO_RULE_CFA_VALUE && rule.offset == 0)))
				continue;
			row->saved[row->nr_saved].reg = (uint8_t)i;
			row->saved[row->nr_saved++].rule = rule;
		}
	}
	return KCO_OK;
}

static enum kco_status cfi_row(const struct kco_debuginfo *di, const struct kco_arch_ops *arch, Dwarf_Frame *frame,
			       struct kco_unwind_row *row, struct kco_err *err)
{
	struct kco_rule ra;
	enum kco_status st;
	Dwarf_Op *ops;
	size_t n;
	int reg;

	*row = (struct kco_unwind_row){ .kind = KCO_ROW_CALL, .by = KCO_BY_CFI };
	reg = dwarf_frame_info(frame, NULL, NULL, &row->signal);
	if (reg < 0 || dwarf_frame_cfa(frame, &ops, &n))
		return kco_dwarf_fail(di, err, "a frame's CFA in its CFI");
	st = cfi_register(di, arch, frame, reg, &ra, err);
	if (st)
		return st;
	if (ra.kind == KCO_RULE_UNDEFINED) {
		row->kind = KCO_ROW_END; // the ABIs' way to mark the outermost frame
		return KCO_OK;
	}
	// What a link register's rule says of itself is "unchanged": it has the return address.
	if (ra.kind == KCO_RULE_SAME && cfi_reg(arch, (uint64_t)reg) >= 0)
		ra = (struct kco_rule){ .kind = KCO_RULE_REG, .reg = (uint8_t)cfi_reg(arch, (uint64_t)reg) };
	row->ra_in_reg = ra.kind == KCO_RULE_REG && ra.offset == 0 && ra.reg != arch->pc;
	if (!n || !cfi_value(arch, ops, n, &row->cfa) || row->cfa.kind == KCO_RULE_CFA_VALUE ||
	    (ra.kind != KCO_RULE_CFA && !row->ra_in_reg)) {
		row->kind = KCO_ROW_UNKNOWN;
		return KCO_OK;
	}
	row->ra_offset = row->ra_in_reg ? 0 : ra.offset;
	row->ra_reg = row->ra_in_reg ? ra.reg : 0;
	return cfi_saved(di, arch, frame, row, err);
}

static void cfi_load(struct kco_debuginfo *di)
{
	Dwarf *dwarf;

	di->cfi_tried = true;
	di->eh_cfi = dwarf_getcfi_elf(di->elf);
	if (kco_debuginfo_dwarf(di, &dwarf, NULL) == KCO_OK)
		di->debug_cfi = dwarf_getcfi(dwarf);
}

static enum kco_status cfi_find(struct kco_debuginfo *di, const struct kco_arch_ops *arch, uint64_t pc,
				struct kco_unwind_row *row, struct kco_err *err)
{
	Dwarf_Frame *frame = NULL;
	enum kco_status st;

	if (di->machine != arch->elf_machine)
		return kco_fail(err, KCO_E_CORRUPT, "%s is for ELF machine %u, not %s", di->path, di->machine,
				arch->name);
	if (!di->cfi_tried)
		cfi_load(di);
	if (!di->eh_cfi && !di->debug_cfi)
		return kco_fail(err, KCO_E_NOSYM, "%s has neither .eh_frame nor .debug_frame", di->path);
	pc -= di->bias;
	if (!(di->eh_cfi && dwarf_cfi_addrframe(di->eh_cfi, pc, &frame) == 0) &&
	    !(di->debug_cfi && dwarf_cfi_addrframe(di->debug_cfi, pc, &frame) == 0))
		return kco_fail(err, KCO_E_NOSYM, "no CFI for %#" PRIx64 ": %s", pc + di->bias, dwarf_errmsg(-1));
	st = cfi_row(di, arch, frame, row, err);
	free(frame);
	return st;
}

enum kco_status kco_debuginfo_cfi(struct kco_debuginfo *di, const struct kco_arch_ops *arch, uint64_t pc,
				  struct kco_unwind_row *row, struct kco_err *err)
{
	enum kco_status st;

	pthread_mutex_lock(&di->lock);
	st = cfi_find(di, arch, pc, row, err);
	pthread_mutex_unlock(&di->lock);
	return st;
}
