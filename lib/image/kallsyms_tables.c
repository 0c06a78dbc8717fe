// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The arrays of kallsyms: checking them against each other, finding the
 * markers that VMCOREINFO does not name, and reading single symbols.
 *
 * Only tokens and markers (some KiB) are copied. Addresses and names are read
 * where they lie, so that a lookup touches a few pages of the dump.
 */
#include "kallsyms_tables.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

static uint64_t tables_align(uint64_t v, unsigned align)
{
	return (v + align - 1) & ~(uint64_t)(align - 1);
}

static enum kco_status tables_read(struct kallsyms_tables *t, uint64_t va, void *buf, size_t n, struct kco_err *err,
				   const char *what)
{
	enum kco_status st = kco_vread(t->mem, t->space, va, buf, n, NULL, err);

	return st ? kco_context(err, st, "%s", what) : KCO_OK;
}

bool kallsyms_next_name(const uint8_t *data, uint32_t size, uint32_t *pos, struct kallsyms_packed *ret)
{
	uint32_t at = *pos, len;

	if (at >= size)
		return false;
	len = data[at++];
	if (len & 0x80) {
		if (at >= size)
			return false;
		len = (len & 0x7f) | (uint32_t)data[at++] << 7;
	}
	if (len > size - at)
		return false;
	*ret = (struct kallsyms_packed){ data + at, len };
	*pos = at + len;
	return true;
}

char kallsyms_expand(const struct kallsyms_tables *t, const struct kallsyms_packed *name, char buf[KCO_SYMBOL_NAME_MAX])
{
	size_t used = 0, room = KCO_SYMBOL_NAME_MAX - 1;
	char type = '?';
	bool first = true;

	for (uint32_t i = 0; i < name->len && used < room; i++) {
		const char *token = t->tokens + t->token[name->data[i]];
		size_t len = t->token_len[name->data[i]];

		if (first && len) {
			type = *token++;
			len--;
			first = false;
		}
		if (len > room - used)
			len = room - used;
		memcpy(buf + used, token, len);
		used += len;
	}
	buf[used] = '\0';
	return type;
}

enum kco_status kallsyms_block(struct kallsyms_tables *t, uint32_t nr, const uint8_t **data, uint32_t *size,
			       struct kco_err *err)
{
	uint32_t first = t->markers[nr];
	enum kco_status st;

	*size = t->markers[nr + 1] - first;
	if (t->block_nr != nr) {
		t->block_nr = UINT32_MAX;
		st = tables_read(t, t->at.names + first, t->block, *size, err, "kallsyms_names");
		if (st)
			return st;
		t->block_nr = nr;
	}
	*data = t->block;
	return KCO_OK;
}

enum kco_status kallsyms_name(struct kallsyms_tables *t, uint32_t index, char buf[KCO_SYMBOL_NAME_MAX], char *type,
			      struct kco_err *err)
{
	struct kallsyms_packed name;
	const uint8_t *data;
	uint32_t size, pos = 0;
	enum kco_status st;

	if (index >= t->n)
		return kco_fail(err, KCO_E_CORRUPT, "kallsyms: symbol %" PRIu32 " of %" PRIu32, index, t->n);
	st = kallsyms_block(t, index / KALLSYMS_BLOCK, &data, &size, err);
	if (st)
		return st;
	for (uint32_t i = 0; i <= index % KALLSYMS_BLOCK; i++)
		if (!kallsyms_next_name(data, size, &pos, &name))
			return kco_fail(err, KCO_E_CORRUPT,
					"kallsyms_names: symbol %" PRIu32 " crosses the next marker", index);
	*type = kallsyms_expand(t, &name, buf);
	return KCO_OK;
}

enum kco_status kallsyms_addresses(struct kallsyms_tables *t, uint32_t index, uint32_t n, uint64_t *ret,
				   struct kco_err *err)
{
	unsigned width = t->form == KALLSYMS_ABSOLUTE ? 8 : 4;
	uint64_t place = (width == 8 ? t->at.addresses : t->at.offsets) + (uint64_t)index * width;
	uint8_t raw[KALLSYMS_BLOCK * 8];
	enum kco_status st;

	if (n > KALLSYMS_BLOCK || index > t->n || n > t->n - index)
		return kco_fail(err, KCO_E_BUG, "kallsyms: symbols %" PRIu32 "+%" PRIu32, index, n);
	st = tables_read(t, place, raw, (size_t)n * width, err, width == 8 ? "kallsyms_addresses" : "kallsyms_offsets");
	if (st)
		return st;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t value = kco_le_uint(raw + (size_t)i * width, width);
		int64_t offset = (int32_t)(uint32_t)value;

		switch (t->form) {
		case KALLSYMS_ABSOLUTE:
			break;
		case KALLSYMS_FROM_BASE:
			value += t->base;
			break;
		case KALLSYMS_PERCPU_OR_BASE:
			if (offset < 0)
				value = t->base - 1 - (uint64_t)offset;
			break;
		case KALLSYMS_FROM_PLACE:
			value = place + (uint64_t)i * 4 + (uint64_t)offset;
			break;
		}
		ret[i] = value;
	}
	return KCO_OK;
}

enum kco_status kallsyms_lower_bound(struct kallsyms_tables *t, uint64_t addr, uint32_t *ret, struct kco_err *err)
{
	uint32_t low = 0, high = t->n;
	uint64_t some[32];
	enum kco_status st;

	// Single entries until the rest comes in one read.
	while (high - low > 32) {
		uint32_t mid = low + (high - low) / 2;

		st = kallsyms_addresses(t, mid, 1, some, err);
		if (st)
			return st;
		if (some[0] < addr)
			low = mid + 1;
		else
			high = mid;
	}
	st = kallsyms_addresses(t, low, high - low, some, err);
	if (st)
		return st;
	for (uint32_t i = 0; low < high && some[i] < addr; i++)
		low++;
	*ret = low;
	return KCO_OK;
}

static enum kco_status tables_tokens(struct kallsyms_tables *t, struct kco_err *err)
{
	uint8_t raw[KALLSYMS_TOKENS * 2];
	size_t size, got = 0;
	enum kco_status st;

	st = tables_read(t, t->at.token_index, raw, sizeof(raw), err, "kallsyms_token_index");
	if (st)
		return st;
	for (unsigned i = 0; i < KALLSYMS_TOKENS; i++) {
		t->token[i] = kco_le16(raw + i * 2);
		if (i ? t->token[i] <= t->token[i - 1] : t->token[0] != 0)
			return kco_fail(err, KCO_E_CORRUPT, "kallsyms_token_index: entry %u is %u", i, t->token[i]);
	}
	// The end of the last token is not told, its length is.
	size = t->token[KALLSYMS_TOKENS - 1] + (size_t)KCO_SYMBOL_NAME_MAX;
	t->tokens = calloc(1, size + 1);
	if (!t->tokens)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = kco_vread(t->mem, t->space, t->at.token_table, t->tokens, size, &got, err);
	if (st && got <= t->token[KALLSYMS_TOKENS - 1])
		return kco_context(err, st, "kallsyms_token_table");
	for (unsigned i = 0; i < KALLSYMS_TOKENS; i++) {
		size_t max = i + 1 < KALLSYMS_TOKENS ? t->token[i + 1] : got, len;

		len = strnlen(t->tokens + t->token[i], max - t->token[i]);
		if (len == max - t->token[i] || len > UINT8_MAX ||
		    (i + 1 < KALLSYMS_TOKENS && t->token[i] + len + 1 != max))
			return kco_fail(err, KCO_E_CORRUPT,
					"kallsyms_token_table: token %u does not end at the next one", i);
		t->token_len[i] = (uint8_t)len;
	}
	return KCO_OK;
}

/* Walk @n names in @size bytes; @used is what they take. */
static bool tables_walk(const uint8_t *data, uint32_t size, uint32_t n, uint32_t *used)
{
	struct kallsyms_packed name;

	*used = 0;
	while (n--)
		if (!kallsyms_next_name(data, size, used, &name) || name.len == 0)
			return false;
	return true;
}

/* Copy markers of @width bytes from @va; check that they ascend in steps that 256 names can take. */
static bool tables_markers_read(struct kallsyms_tables *t, uint64_t va, unsigned width)
{
	uint8_t raw[512 * 8];
	uint64_t before = 0;

	for (uint32_t i = 0; i < t->nr_blocks;) {
		uint32_t part = t->nr_blocks - i < 512 ? t->nr_blocks - i : 512;

		if (kco_vread(t->mem, t->space, va + (uint64_t)i * width, raw, (size_t)part * width, NULL, NULL))
			return false;
		for (uint32_t k = 0; k < part; k++, i++) {
			uint64_t v = kco_le_uint(raw + (size_t)k * width, width);

			if (i ? v < before + KALLSYMS_BLOCK * 2 || v > before + KALLSYMS_BLOCK * KALLSYMS_NAME_BYTES
			      : v != 0)
				return false;
			t->markers[i] = (uint32_t)v;
			before = v;
		}
	}
	return before <= UINT32_MAX - KALLSYMS_BLOCK * KALLSYMS_NAME_BYTES;
}

/*
 * Do the markers just read, which lie at @va, fit the names: does the first
 * block end where the second begins, and the last where the markers begin? One
 * of the two may be missing from the dump.
 */
static bool tables_markers_fit(struct kallsyms_tables *t, uint64_t va)
{
	uint32_t last = t->nr_blocks - 1, used;
	uint64_t size = va - (t->at.names + t->markers[last]);
	bool proved = false;

	if (size > KALLSYMS_BLOCK * KALLSYMS_NAME_BYTES)
		return false;
	t->markers[t->nr_blocks] = t->markers[last] + (uint32_t)size;
	if (last > 0 && !kco_vread(t->mem, t->space, t->at.names, t->block, t->markers[1], NULL, NULL)) {
		if (!tables_walk(t->block, t->markers[1], KALLSYMS_BLOCK, &used) || used != t->markers[1])
			return false;
		proved = true;
	}
	if (!kco_vread(t->mem, t->space, t->at.names + t->markers[last], t->block, size, NULL, NULL)) {
		if (!tables_walk(t->block, (uint32_t)size, t->n - last * KALLSYMS_BLOCK, &used) ||
		    tables_align(t->at.names + t->markers[last] + used, t->align) != va)
			return false;
		t->markers[t->nr_blocks] = t->markers[last] + used;
		proved = true;
	}
	return proved;
}

/* VMCOREINFO does not name the markers: they end where the token table begins, or where what lies between begins. */
static bool tables_markers_find(struct kallsyms_tables *t)
{
	static const struct {
		unsigned align, width, seq;
	} shapes[] = {
		{ 8, 4, 0 }, { 8, 4, 3 }, { 4, 4, 0 }, { 8, 8, 0 }, { 8, 4, 4 },
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		uint64_t seqs = tables_align((uint64_t)t->n * shapes[i].seq, shapes[i].align);
		uint64_t va = t->at.token_table - seqs -
			      tables_align((uint64_t)t->nr_blocks * shapes[i].width, shapes[i].align);

		t->align = shapes[i].align;
		if (va % t->align || !tables_markers_read(t, va, shapes[i].width) || !tables_markers_fit(t, va))
			continue;
		t->at.markers = va;
		t->gap_first = seqs ? t->at.token_table - seqs : 0;
		return true;
	}
	return false;
}

/* Whatever the order of the arrays is: make markers from the names themselves. */
static enum kco_status tables_markers_make(struct kallsyms_tables *t, struct kco_err *err)
{
	uint64_t at = 0;
	uint32_t used;

	t->align = 8;
	for (uint32_t i = 0; i < t->nr_blocks; i++) {
		uint32_t left = t->n - i * KALLSYMS_BLOCK;
		enum kco_status st;
		size_t got;

		t->markers[i] = (uint32_t)at;
		st = kco_vread(t->mem, t->space, t->at.names + at, t->block, KALLSYMS_BLOCK * KALLSYMS_NAME_BYTES, &got,
			       err);
		if (tables_walk(t->block, (uint32_t)got, left < KALLSYMS_BLOCK ? left : KALLSYMS_BLOCK, &used))
			at += used;
		else if (st)
			return kco_context(err, st, "kallsyms_names");
		else
			return kco_fail(err, KCO_E_CORRUPT, "kallsyms_names: symbols %" PRIu32 " and on are no names",
					i * KALLSYMS_BLOCK);
		if (at > UINT32_MAX)
			return kco_fail(err, KCO_E_CORRUPT, "kallsyms_names: more than 4 GiB");
	}
	t->markers[t->nr_blocks] = (uint32_t)at;
	return KCO_OK;
}

static enum kco_status tables_markers(struct kallsyms_tables *t, struct kco_err *err)
{
	uint32_t largest = 0;
	bool found = false;
	uint8_t *block;
	enum kco_status st;

	t->nr_blocks = (t->n + KALLSYMS_BLOCK - 1) / KALLSYMS_BLOCK;
	t->markers = calloc(t->nr_blocks + 1, sizeof(*t->markers));
	t->block = malloc(KALLSYMS_BLOCK * KALLSYMS_NAME_BYTES);
	if (!t->markers || !t->block)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (unsigned width = 4; t->at.markers && width <= 8 && !found; width += 4) {
		t->align = t->at.markers % 8 ? 4 : 8;
		found = tables_markers_read(t, t->at.markers, width) && tables_markers_fit(t, t->at.markers);
	}
	if (!found && !tables_markers_find(t)) {
		st = tables_markers_make(t, err);
		if (st)
			return st;
	}
	for (uint32_t i = 0; i < t->nr_blocks; i++)
		if (t->markers[i + 1] - t->markers[i] > largest)
			largest = t->markers[i + 1] - t->markers[i];
	block = realloc(t->block, largest);
	if (block)
		t->block = block;
	return KCO_OK;
}

static enum kco_status tables_form(struct kallsyms_tables *t, struct kco_err *err)
{
	uint64_t before = 0, some;
	enum kco_status st;

	if (t->at.offsets && t->at.relative_base) {
		uint64_t last;

		st = kco_vread_uint(t->mem, t->space, t->at.relative_base, 8, &t->base, err);
		if (!st)
			st = kco_vread_uint(t->mem, t->space, t->at.offsets + (uint64_t)(t->n - 1) * 4, 4, &last, err);
		if (st)
			return kco_context(err, st, "kallsyms_offsets");
		// The highest symbol is never per-CPU: its sign tells what signs mean.
		t->form = (int32_t)last < 0 ? KALLSYMS_PERCPU_OR_BASE : KALLSYMS_FROM_BASE;
	} else if (t->at.offsets) {
		t->form = KALLSYMS_FROM_PLACE;
	} else if (t->at.addresses) {
		t->form = KALLSYMS_ABSOLUTE;
	} else {
		return kco_fail(err, KCO_E_CORRUPT, "kallsyms: neither offsets nor addresses are known");
	}
	for (unsigned i = 0; i <= 16; i++) {
		uint32_t index = (uint32_t)((uint64_t)(t->n - 1) * i / 16);

		st = kallsyms_addresses(t, index, 1, &some, err);
		if (st)
			return st;
		if (some < before)
			return kco_fail(err, KCO_E_CORRUPT,
					"kallsyms: symbol %" PRIu32 " at %#" PRIx64 " lies below one before it", index,
					some);
		before = some;
	}
	return KCO_OK;
}

enum kco_status kallsyms_tables_init(struct kallsyms_tables *t, struct kco_mem *mem, const struct kco_space *space,
				     const struct kco_kallsyms_layout *layout, struct kco_err *err)
{
	uint64_t n;
	enum kco_status st;

	*t = (struct kallsyms_tables){ .mem = mem, .space = space, .at = *layout, .block_nr = UINT32_MAX };
	if (!layout->num_syms || !layout->names || !layout->token_table || !layout->token_index)
		return kco_fail(err, KCO_E_NOSYM, "kallsyms: the place of its arrays is not known");
	st = kco_vread_uint(mem, space, layout->num_syms, 4, &n, err);
	if (st)
		return kco_context(err, st, "kallsyms_num_syms");
	if (n == 0 || n > KALLSYMS_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "kallsyms_num_syms is %" PRIu64, n);
	t->n = (uint32_t)n;
	st = tables_tokens(t, err);
	if (!st)
		st = tables_markers(t, err);
	if (!st)
		st = tables_form(t, err);
	return st;
}

void kallsyms_tables_fini(struct kallsyms_tables *t)
{
	free(t->markers);
	free(t->block);
	free(t->tokens);
	t->markers = NULL;
	t->block = NULL;
	t->tokens = NULL;
}
