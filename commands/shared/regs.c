// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers as crash lays them out, and as a JSON object.
 *
 * The rows of an architecture are data: which registers, in which order, with
 * which labels. One without rows gets three registers a line.
 */
#include "regs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REGS_PER_ROW 3

struct regs_cell {
	const char *label;
	const char *reg;
	int digits;
	bool linux_only; /* other kernels save no such thing: left out when it is not known */
};

struct regs_layout {
	const char *arch;
	struct regs_cell rows[8][REGS_PER_ROW];
};

// The x86_64 rows of crash's bt.
static const struct regs_layout regs_layouts[] = {
	{ "x86_64",
	  {
		  { { "RIP", "rip", 16 }, { "RSP", "rsp", 16 }, { "RFLAGS", "rflags", 8 } },
		  { { "RAX", "rax", 16 }, { "RBX", "rbx", 16 }, { "RCX", "rcx", 16 } },
		  { { "RDX", "rdx", 16 }, { "RSI", "rsi", 16 }, { "RDI", "rdi", 16 } },
		  { { "RBP", "rbp", 16 }, { " R8", "r8", 16 }, { " R9", "r9", 16 } },
		  { { "R10", "r10", 16 }, { "R11", "r11", 16 }, { "R12", "r12", 16 } },
		  { { "R13", "r13", 16 }, { "R14", "r14", 16 }, { "R15", "r15", 16 } },
		  { { "ORIG_RAX", "orig_rax", 16, true }, { "CS", "cs", 4 }, { "SS", "ss", 4 } },
	  } },
};

static const struct regs_layout *regs_layout(const struct kco_arch_ops *arch)
{
	for (size_t i = 0; i < sizeof(regs_layouts) / sizeof(regs_layouts[0]); i++)
		if (!strcmp(regs_layouts[i].arch, arch->name))
			return &regs_layouts[i];
	return NULL;
}

static bool regs_by_name(const struct kco_arch_ops *arch, const struct kco_regs *regs, const char *name, uint64_t *ret)
{
	int reg = kco_arch_reg(arch, name);

	return reg >= 0 && kco_regs_get(regs, (unsigned)reg, ret);
}

static void regs_row(struct kco_out *out, const struct kco_arch_ops *arch, const struct kco_regs *regs,
		     const struct regs_cell *cells)
{
	uint64_t value;
	bool any = false;

	for (int i = 0; i < REGS_PER_ROW; i++)
		any |= cells[i].reg && regs_by_name(arch, regs, cells[i].reg, &value);
	if (!any)
		return;
	any = false;
	for (int i = 0; i < REGS_PER_ROW && cells[i].reg; i++) {
		if (cells[i].linux_only && !regs_by_name(arch, regs, cells[i].reg, &value))
			continue;
		kco_text(out, "%s%s: ", any ? "  " : "    ", cells[i].label);
		any = true;
		if (regs_by_name(arch, regs, cells[i].reg, &value))
			kco_text(out, "%0*" PRIx64, cells[i].digits, value);
		else
			kco_text(out, "%.*s", cells[i].digits, "????????????????");
	}
	kco_text(out, "\n");
}

void kco_regs_text(struct kco_out *out, const struct kco_arch_ops *arch, const struct kco_regs *regs)
{
	const struct regs_layout *layout = regs_layout(arch);
	unsigned cells = 0;
	uint64_t value;

	if (layout) {
		for (size_t i = 0; i < sizeof(layout->rows) / sizeof(layout->rows[0]); i++)
			regs_row(out, arch, regs, layout->rows[i]);
		return;
	}
	for (unsigned i = 0; i < arch->nr_regs; i++) {
		if (!arch->regs[i].name || !kco_regs_get(regs, i, &value))
			continue;
		kco_text(out, "%s%s: %0*" PRIx64,
			 cells % REGS_PER_ROW ? "  "
			 : cells	      ? "\n    "
					      : "    ",
			 arch->regs[i].name, arch->regs[i].size * 2, value);
		cells++;
	}
	if (cells)
		kco_text(out, "\n");
}

void kco_regs_json(struct kco_out *out, const char *key, const struct kco_arch_ops *arch, const struct kco_regs *regs)
{
	uint64_t value;

	kco_json_object(out, key);
	for (unsigned i = 0; i < arch->nr_regs; i++)
		if (arch->regs[i].name && kco_regs_get(regs, i, &value))
			kco_json_addr(out, arch->regs[i].name, value);
	kco_json_end(out);
}
