// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as an ORC table, under the layout of a kernel before and after the
 * types were renumbered.
 *
 * The first byte chooses the layout, the next two the number of rows; then come
 * the addresses and the rows. What must hold: a row that is found names
 * registers that exist and rules that are known.
 */
#include "orc.h"

#include <stdlib.h>
#include <string.h>

#include "btf.h"
#include "btfmake.h"
#include "vmem.h"

#define FUZZ_IPS UINT64_C(0xffffffff82000000)
#define FUZZ_ROWS UINT64_C(0xffffffff83000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct kco_orc_layout *fuzz_layout(bool types3)
{
	static struct kco_orc_layout layouts[2];
	struct kco_orc_layout *l = &layouts[types3];
	struct btfmake m;
	struct kco_types *t;
	uint32_t s16, u32;
	uint8_t *data;
	size_t n;

	if (l->entry_size)
		return l;
	btfmake_init(&m, NULL);
	s16 = btfmake_int(&m, "short", 2, 1, 16);
	u32 = btfmake_int(&m, "unsigned int", 4, 0, 32);
	btfmake_type(&m, "orc_entry", 4, 1, 6, 6);
	btfmake_member(&m, "sp_offset", s16, 0, 0);
	btfmake_member(&m, "bp_offset", s16, 16, 0);
	btfmake_member(&m, "sp_reg", u32, 32, 4);
	btfmake_member(&m, "bp_reg", u32, 36, 4);
	btfmake_member(&m, "type", u32, 40, types3 ? 3 : 2);
	btfmake_member(&m, types3 ? "signal" : "end", u32, types3 ? 43 : 42, 1);
	data = btfmake_take(&m, &n);
	if (kco_btf_new_take(data, n, NULL, 8, &t, NULL) || kco_orc_layout_init(l, kco_arch_by_machine(62), t, NULL))
		abort();
	// The layout keeps types of its fields, which nothing reads.
	kco_types_free(t);
	btfmake_fini(&m);
	return l;
}

static void fuzz_row(const struct kco_unwind_row *row, const struct kco_arch_ops *arch)
{
	if (row->kind > KCO_ROW_UNKNOWN || row->nr_saved > KCO_ROW_SAVED_MAX || row->cfa.kind > KCO_RULE_CFA_VALUE ||
	    row->cfa.reg >= arch->nr_regs)
		abort();
	for (unsigned i = 0; i < row->nr_saved; i++)
		if (row->saved[i].reg >= arch->nr_regs || row->saved[i].rule.kind > KCO_RULE_CFA_VALUE)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kco_unwind_tables tables = { 0 };
	struct kco_orc_table table;
	struct kco_unwind_row row;
	struct vmem v = { 0 };
	size_t n, ips;

	if (size < 13)
		return 0;
	tables.layout = *fuzz_layout(data[0] & 1);
	n = (size_t)data[1] | (size_t)data[2] << 8;
	ips = n * 4 < size - 4 ? n * 4 : size - 4;
	vmem_add(&v, FUZZ_IPS, data + 3, ips);
	vmem_add(&v, FUZZ_ROWS, data + 3 + ips, size - 3 - ips);
	if (!vmem_open(&v))
		abort();
	if (!kco_orc_table_init(&table, &tables.layout, v.mem, &v.space, FUZZ_IPS, n * 4, FUZZ_ROWS, n * 6, NULL)) {
		uint64_t span = table.last_pc - table.first_pc;

		tables.tables = &table;
		tables.nr_tables = 1;
		(void)!kco_orc_calibrate(&tables.layout, &table, v.mem, &v.space, NULL);
		for (unsigned i = 0; i <= 32; i++)
			if (!kco_orc_find(&tables, v.mem, &v.space, table.first_pc + span / 32 * i, &row, NULL))
				fuzz_row(&row, v.space.arch);
	}
	vmem_close(&v);
	return 0;
}
