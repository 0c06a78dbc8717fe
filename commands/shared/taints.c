// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taint bits as letters.
 *
 * Since Linux 7fd8329ba502 (v4.10) the kernel has taint_flags[], whose entries
 * hold the letter for a set and for a clear bit. Before, and where the table
 * cannot be read, the letters are those of Documentation/admin-guide/
 * tainted-kernels.rst.
 */
#include "taints.h"

#include <stdio.h>
#include <string.h>

static const char taints_documented[] = "PFSRMBUDAWCIOELKXTNJ";

struct taints_table {
	uint64_t addr, entry_size, count;
	struct kco_field letter;
};

/* The kernel's table; false when it has none that can be used. */
static bool taints_table(struct kco_cmd_ctx *ctx, struct taints_table *table)
{
	struct kco_session *s = ctx->session;
	struct kco_types *types;
	struct kco_symbol sym;

	if (kco_session_need(s, KCO_NEED_SYMS | KCO_NEED_TYPES, NULL) != KCO_OK)
		return false;
	types = kco_session_types(s);
	// The first kernels with the table called the member "true".
	if (kco_symbols_by_name(kco_session_symbols(s), "taint_flags", &sym, NULL) != KCO_OK ||
	    kco_types_sizeof(types, "taint_flag", &table->entry_size, NULL) != KCO_OK || !table->entry_size ||
	    (kco_types_field(types, "taint_flag", "c_true", &table->letter, NULL) != KCO_OK &&
	     kco_types_field(types, "taint_flag", "true", &table->letter, NULL) != KCO_OK))
		return false;
	table->addr = sym.addr;
	table->count = sym.size / table->entry_size; // the symbol's size may include padding
	return table->count > 0;
}

static char taints_letter(struct kco_cmd_ctx *ctx, const struct taints_table *table, unsigned bit)
{
	uint64_t c;

	if (table && bit < table->count &&
	    kco_kread_field(ctx->session, table->addr + bit * table->entry_size, &table->letter, &c, NULL) == KCO_OK &&
	    c > ' ' && c < 0x7f)
		return (char)c;
	return bit < sizeof(taints_documented) - 1 ? taints_documented[bit] : '\0';
}

const char *kco_taints_text(struct kco_cmd_ctx *ctx, uint64_t taints, char *buf)
{
	struct taints_table table;
	bool known = taints && taints_table(ctx, &table);
	uint64_t unknown = 0;
	size_t n = 0;

	for (unsigned bit = 0; bit < 64; bit++) {
		char c;

		if (!(taints >> bit & 1))
			continue;
		c = taints_letter(ctx, known ? &table : NULL, bit);
		if (c && n < 40)
			buf[n++] = c;
		else
			unknown |= UINT64_C(1) << bit;
	}
	buf[n] = '\0';
	if (unknown)
		snprintf(buf + n, KCO_TAINTS_MAX - n, "%s0x%llx", n ? "+" : "", (unsigned long long)unknown);
	return buf;
}
