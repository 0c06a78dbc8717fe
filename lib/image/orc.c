// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ORC tables: what their bits mean, and the row for a program counter.
 *
 * The generations of struct orc_entry (6 bytes, packed; sp_offset, bp_offset,
 * sp_reg:4, bp_reg:4 are in all of them):
 *
 *   since v4.14          type:2                 call 0, regs 1, regs partial 2; no base: unknown or end
 *   d31a580266ee (v4.18) type:2 end:1           no base and end: the outermost frame
 *   ffb1b4a41016 (v6.3)  type:2 signal:1 end:1  signal: the caller was interrupted
 *   f7515d9fe8fc, fb799447ae29 (v6.4)
 *                        type:3 signal:1        undefined 0, end 1, call 2, regs 3, regs partial 4
 *
 * Before `signal`, a regs row meant it. Stable kernels have taken any of these,
 * so nothing is concluded from a release.
 */
#include "orc.h"

#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>

#define ORC_BASES 16
#define ORC_ENTRY_MAX 64
#define ORC_SAMPLE_RUNS 8		  /* rows looked at to learn what types mean: runs ... */
#define ORC_SAMPLE_RUN 64		  /* ... of so many */
#define ORC_TABLE_MAX (UINT64_C(1) << 28) /* rows */
#define ORC_RUN 64			  /* ips that are read at once when so few are left */

enum orc_meaning {
	ORC_TYPE_2BIT,
	ORC_TYPE_3BIT,
};

static void orc_set_meaning(struct kco_orc_layout *l, enum orc_meaning meaning)
{
	if (meaning == ORC_TYPE_3BIT) {
		l->type_undefined = 0;
		l->type_end = 1;
		l->type_call = 2;
		l->type_regs = 3;
		l->type_regs_partial = 4;
	} else {
		l->type_undefined = -1;
		l->type_end = -1;
		l->type_call = 0;
		l->type_regs = 1;
		l->type_regs_partial = 2;
	}
}

/* Bases as asm/orc_types.h numbers them; the same in all kernels. */
static enum kco_status orc_layout_regs(struct kco_orc_layout *l, const struct kco_arch_ops *arch, struct kco_err *err)
{
	static const struct {
		uint8_t value;
		const char *name;
		enum kco_rule_kind kind;
	} bases[] = {
		{ 2, "rdx", KCO_RULE_REG },
		{ 3, "rdi", KCO_RULE_REG },
		{ 4, "rbp", KCO_RULE_REG },
		{ 5, "rsp", KCO_RULE_REG },
		{ 6, "r10", KCO_RULE_REG },
		{ 7, "r13", KCO_RULE_REG },
		// The offset counts before the load for BP, behind it for SP (87ccc826bf1c, v5.12; before, it was 0).
		{ 8, "rbp", KCO_RULE_REG_DEREF },
		{ 9, "rsp", KCO_RULE_DEREF_REG },
	};
	static const char *const lost[] = { "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8",
					    "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };
	int reg;

	_Static_assert(sizeof(lost) / sizeof(*lost) + 1 <= KCO_ROW_SAVED_MAX, "a row has room for all of them");
	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
		reg = kco_arch_reg(arch, bases[i].name);
		if (reg < 0)
			return kco_fail(err, KCO_E_UNSUPPORTED, "ORC unwind tables of %s are not supported",
					arch->name);
		l->regs[bases[i].value] = (struct kco_rule){ .kind = bases[i].kind, .reg = (uint8_t)reg };
	}
	for (size_t i = 0; i < sizeof(lost) / sizeof(*lost); i++) {
		reg = kco_arch_reg(arch, lost[i]);
		if (reg >= 0)
			l->lost[l->nr_lost++] = (uint8_t)reg;
	}
	l->sp_reg_sp = 5;
	l->bp_cfa = 1;
	l->bp_self = 4;
	l->fp = arch->fp;
	l->ra_offset = -(int32_t)arch->ptr_size;
	return KCO_OK;
}

enum kco_status kco_orc_layout_init(struct kco_orc_layout *layout, const struct kco_arch_ops *arch,
				    struct kco_types *types, struct kco_err *err)
{
	const struct {
		const char *member;
		struct kco_field *field;
		bool may_miss;
	} members[] = {
		{ "sp_offset", &layout->sp_offset, false },
		{ "bp_offset", &layout->bp_offset, false },
		{ "sp_reg", &layout->sp_reg, false },
		{ "bp_reg", &layout->bp_reg, false },
		{ "type", &layout->type, false },
		{ "signal", &layout->signal, true },
		{ "end", &layout->end, true },
	};
	uint64_t size;
	enum kco_status st;

	*layout = (struct kco_orc_layout){ 0 };
	st = orc_layout_regs(layout, arch, err);
	if (!st)
		st = kco_types_sizeof(types, "orc_entry", &size, err);
	if (st)
		return st;
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		st = kco_types_field(types, "orc_entry", members[i].member, members[i].field, err);
		if (st == KCO_E_NOTYPE && members[i].may_miss) {
			members[i].field->size = 0;
			continue;
		}
		if (st)
			return st;
		if (members[i].field->size > 8 || members[i].field->offset + members[i].field->size > size)
			return kco_fail(err, KCO_E_NOTYPE, "orc_entry.%s is of no known form", members[i].member);
	}
	if (size == 0 || size > ORC_ENTRY_MAX || layout->sp_reg.bit_size > 4 || layout->type.bit_size == 0)
		return kco_fail(err, KCO_E_NOTYPE, "struct orc_entry is of no known form");
	layout->entry_size = (uint32_t)size;
	orc_set_meaning(layout, layout->type.bit_size >= 3 ? ORC_TYPE_3BIT : ORC_TYPE_2BIT);
	return KCO_OK;
}

/* One entry of the ip table as an address: it is relative to its own place. */
static uint64_t orc_ip_at(const struct kco_orc_table *table, uint64_t index, const uint8_t raw[4])
{
	return table->ip + index * 4 + (uint64_t)(int64_t)(int32_t)kco_le32(raw);
}

static enum kco_status orc_ip(const struct kco_orc_table *table, struct kco_mem *mem, const struct kco_space *space,
			      uint64_t index, uint64_t *ret, struct kco_err *err)
{
	uint8_t raw[4];
	enum kco_status st = kco_vread(mem, space, table->ip + index * 4, raw, sizeof(raw), NULL, err);

	if (!st)
		*ret = orc_ip_at(table, index, raw);
	return st ? kco_context(err, st, "ORC table") : KCO_OK;
}

static enum kco_status orc_entry(const struct kco_orc_table *table, const struct kco_orc_layout *layout,
				 struct kco_mem *mem, const struct kco_space *space, uint64_t index,
				 uint8_t raw[ORC_ENTRY_MAX], struct kco_err *err)
{
	enum kco_status st =
		kco_vread(mem, space, table->entries + index * layout->entry_size, raw, layout->entry_size, NULL, err);

	return st ? kco_context(err, st, "ORC table") : KCO_OK;
}

enum kco_status kco_orc_table_init(struct kco_orc_table *table, const struct kco_orc_layout *layout,
				   struct kco_mem *mem, const struct kco_space *space, uint64_t ip, uint64_t ip_size,
				   uint64_t entries, uint64_t entries_size, struct kco_err *err)
{
	uint64_t before = 0, pc = 0;

	*table = (struct kco_orc_table){ .ip = ip, .entries = entries, .count = ip_size / 4 };
	if (table->count == 0 || table->count > ORC_TABLE_MAX || ip_size % 4 ||
	    entries_size != table->count * layout->entry_size)
		return kco_fail(err, KCO_E_CORRUPT,
				"ORC table: %" PRIu64 " bytes of addresses and %" PRIu64 " of rows of %" PRIu32,
				ip_size, entries_size, layout->entry_size);
	for (unsigned i = 0; i <= 8; i++) {
		enum kco_status st = orc_ip(table, mem, space, (table->count - 1) * i / 8, &pc, err);

		if (st)
			return st;
		if (i == 0)
			table->first_pc = before = pc;
		if (pc < before)
			return kco_fail(err, KCO_E_CORRUPT, "ORC table: %#" PRIx64 " comes behind %#" PRIx64, pc,
					before);
		before = pc;
	}
	table->last_pc = pc;
	return KCO_OK;
}

static uint64_t orc_get(const struct kco_field *field, const uint8_t *raw, uint32_t size)
{
	uint64_t v = 0;

	if (field->size && !kco_field_get(field, raw, size, &v))
		return 0;
	return v;
}

enum kco_status kco_orc_calibrate(struct kco_orc_layout *layout, const struct kco_orc_table *table, struct kco_mem *mem,
				  const struct kco_space *space, struct kco_err *err)
{
	unsigned counts[8] = { 0 }, seen = 0, most = 0;
	uint64_t run = table->count < ORC_SAMPLE_RUN ? table->count : ORC_SAMPLE_RUN;
	uint8_t raw[ORC_SAMPLE_RUN * ORC_ENTRY_MAX];

	// A few runs of neighbours, so that few pages are touched. What cannot be read does not vote.
	for (uint64_t i = 0; i < ORC_SAMPLE_RUNS; i++) {
		uint64_t first = (table->count - run) * i / ORC_SAMPLE_RUNS;
		const uint8_t *p = raw, *end = raw + run * layout->entry_size;

		if (kco_vread(mem, space, table->entries + first * layout->entry_size, raw, (size_t)(end - raw), NULL,
			      NULL))
			continue;
		for (; p < end; p += layout->entry_size) {
			if (orc_get(&layout->sp_reg, p, layout->entry_size) != (uint64_t)layout->sp_reg_sp)
				continue;
			counts[orc_get(&layout->type, p, layout->entry_size) & 7]++;
			seen++;
		}
	}
	for (unsigned i = 1; i < 8; i++)
		if (counts[i] > counts[most])
			most = i;
	if (seen == 0)
		return kco_fail(err, KCO_E_CORRUPT,
				"ORC table: no row that could be read is based on the stack pointer");
	if ((most != 0 && most != 2) || counts[most] < seen / 2)
		return kco_fail(err, KCO_E_CORRUPT, "ORC table: %u of %u rows are of type %u, which is no call",
				counts[most], seen, most);
	orc_set_meaning(layout, most == 2 ? ORC_TYPE_3BIT : ORC_TYPE_2BIT);
	return KCO_OK;
}

/* The last row at or below @pc; the first one begins at or below it. */
static enum kco_status orc_search(const struct kco_orc_table *table, struct kco_mem *mem, const struct kco_space *space,
				  uint64_t pc, uint64_t *ret, struct kco_err *err)
{
	uint64_t low = 0, high = table->count, ip = 0;
	uint8_t run[ORC_RUN * 4];
	enum kco_status st;

	// Rows [0, low) are at or below pc, those from high on are above it.
	while (high - low > ORC_RUN) {
		uint64_t mid = low + (high - low) / 2;

		st = orc_ip(table, mem, space, mid, &ip, err);
		if (st)
			return st;
		if (ip <= pc)
			low = mid + 1;
		else
			high = mid;
	}
	st = kco_vread(mem, space, table->ip + low * 4, run, (size_t)(high - low) * 4, NULL, err);
	if (st)
		return kco_context(err, st, "ORC table");
	for (const uint8_t *p = run; low < high && orc_ip_at(table, low, p) <= pc; p += 4)
		low++;
	if (low == 0)
		return kco_fail(err, KCO_E_NOSYM, "no unwind row for %#" PRIx64, pc);
	*ret = low - 1;
	return KCO_OK;
}

static enum kco_row_kind orc_kind(const struct kco_orc_layout *l, const uint8_t *raw, uint64_t sp_reg)
{
	int type = (int)orc_get(&l->type, raw, l->entry_size);

	if (l->type_end >= 0) {
		if (type == l->type_undefined)
			return KCO_ROW_UNKNOWN;
		if (type == l->type_end)
			return KCO_ROW_END;
	} else if (sp_reg == 0) {
		// The oldest kernels stop at any row without a base, so they cannot tell either.
		return l->end.size && !orc_get(&l->end, raw, l->entry_size) ? KCO_ROW_UNKNOWN : KCO_ROW_END;
	}
	if (type == l->type_call)
		return KCO_ROW_CALL;
	if (type == l->type_regs)
		return KCO_ROW_REGS;
	if (type == l->type_regs_partial)
		return KCO_ROW_REGS_PARTIAL;
	return KCO_ROW_UNKNOWN;
}

static void orc_row(const struct kco_orc_layout *l, const uint8_t *raw, struct kco_unwind_row *row)
{
	uint64_t sp_reg = orc_get(&l->sp_reg, raw, l->entry_size), bp_reg = orc_get(&l->bp_reg, raw, l->entry_size);
	int32_t bp_offset = (int32_t)orc_get(&l->bp_offset, raw, l->entry_size);

	memset(row, 0, sizeof(*row));
	row->by = KCO_BY_ORC;
	row->kind = orc_kind(l, raw, sp_reg);
	if (row->kind == KCO_ROW_UNKNOWN || row->kind == KCO_ROW_END)
		return;
	row->cfa = l->regs[sp_reg & (ORC_BASES - 1)];
	if (row->cfa.kind == KCO_RULE_UNDEFINED) {
		row->kind = KCO_ROW_UNKNOWN;
		return;
	}
	// The kernel adds no offset to R10, R13, DX and DI; objtool writes one for DX in the NMI entry, where it is
	// due.
	row->cfa.offset = (int32_t)orc_get(&l->sp_offset, raw, l->entry_size);
	row->signal = l->signal.size ? orc_get(&l->signal, raw, l->entry_size) != 0 : row->kind != KCO_ROW_CALL;
	row->ra_offset = l->ra_offset;
	if (bp_reg != 0) {
		row->saved[0].reg = l->fp;
		row->saved[0].rule = (struct kco_rule){ .kind = KCO_RULE_UNDEFINED, .offset = bp_offset };
		if (bp_reg == (uint64_t)l->bp_cfa)
			row->saved[0].rule.kind = KCO_RULE_CFA;
		else if (bp_reg == (uint64_t)l->bp_self)
			row->saved[0].rule = (struct kco_rule){ KCO_RULE_REG_DEREF, l->fp, bp_offset };
		row->nr_saved = 1;
	}
	for (unsigned i = 0; row->kind == KCO_ROW_CALL && i < l->nr_lost; i++) {
		row->saved[row->nr_saved].reg = l->lost[i];
		row->saved[row->nr_saved++].rule = (struct kco_rule){ .kind = KCO_RULE_UNDEFINED };
	}
}

/* The table that speaks for @pc. Bounds may overlap (a module's freed init text): the latest start wins. */
static const struct kco_orc_table *orc_table(const struct kco_unwind_tables *tables, uint64_t pc)
{
	size_t low = 0, high = tables->nr_tables;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (tables->tables[mid].first_pc <= pc)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- > 0)
		if (pc <= tables->tables[low].last_pc)
			return &tables->tables[low];
	return NULL;
}

enum kco_status kco_orc_find(const struct kco_unwind_tables *tables, struct kco_mem *mem, const struct kco_space *space,
			     uint64_t pc, struct kco_unwind_row *row, struct kco_err *err)
{
	const struct kco_orc_table *table = orc_table(tables, pc);
	uint8_t raw[ORC_ENTRY_MAX];
	uint64_t index = 0;
	enum kco_status st;

	if (!table)
		return kco_fail(err, KCO_E_NOSYM, "no unwind table for %#" PRIx64, pc);
	st = orc_search(table, mem, space, pc, &index, err);
	if (!st)
		st = orc_entry(table, &tables->layout, mem, space, index, raw, err);
	if (!st)
		orc_row(&tables->layout, raw, row);
	return st;
}
