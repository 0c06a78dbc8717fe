// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kallsyms as a symbol source.
 *
 * By address: a binary search over the sorted addresses in the dump's own
 * pages. Among aliases the kernel's choice is made (get_symbol_pos() in
 * kernel/kallsyms.c): the first of the same address, whose size reaches to the
 * next different one.
 *
 * By name: a binary search over kallsyms_seqs_of_names where the kernel has
 * it, else a hash table of all names that is made on first use.
 */
#include "kallsyms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/arena.h>

#include "kallsyms_names.h"
#include "kallsyms_tables.h"

struct kallsyms {
	struct kco_symbol_source source;
	struct kallsyms_tables tables;
	struct kallsyms_names names;
	struct kco_arena arena;
	/* Names given out, by symbol number: open addressing, a power of two. */
	struct kallsyms_given {
		uint32_t index;
		char type;
		const char *name; /* NULL: free */
	} * given;
	uint32_t nr_given, cap_given;
};

static struct kallsyms *kallsyms_of(struct kco_symbol_source *src)
{
	return (struct kallsyms *)src;
}

static struct kallsyms_given *kallsyms_given_slot(struct kallsyms_given *table, uint32_t cap, uint32_t index)
{
	uint32_t i = index * UINT32_C(0x9e3779b1);

	for (i &= cap - 1; table[i].name && table[i].index != index; i = (i + 1) & (cap - 1))
		;
	return &table[i];
}

static bool kallsyms_given_grow(struct kallsyms *k)
{
	uint32_t cap = k->cap_given ? k->cap_given * 2 : 256;
	struct kallsyms_given *table;

	if (k->nr_given < k->cap_given / 2)
		return true;
	table = calloc(cap, sizeof(*table));
	if (!table)
		return false;
	for (uint32_t i = 0; i < k->cap_given; i++)
		if (k->given[i].name)
			*kallsyms_given_slot(table, cap, k->given[i].index) = k->given[i];
	free(k->given);
	k->given = table;
	k->cap_given = cap;
	return true;
}

/* Name and type of a symbol, kept as long as the source. */
static enum kco_status kallsyms_intern(struct kallsyms *k, uint32_t index, struct kco_symbol *ret, struct kco_err *err)
{
	char buf[KCO_SYMBOL_NAME_MAX];
	struct kallsyms_given *slot;
	enum kco_status st;

	if (!kallsyms_given_grow(k))
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	slot = kallsyms_given_slot(k->given, k->cap_given, index);
	if (!slot->name) {
		struct kallsyms_given new = { .index = index };

		st = kallsyms_name(&k->tables, index, buf, &new.type, err);
		if (st)
			return st;
		new.name = kco_arena_strndup(&k->arena, buf, sizeof(buf));
		if (!new.name)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		*slot = new;
		k->nr_given++;
	}
	ret->name = slot->name;
	ret->type = slot->type;
	return KCO_OK;
}

/* Fill @ret for symbol @index, which lies at @addr; @next is the first symbol at a higher address. */
static enum kco_status kallsyms_symbol(struct kallsyms *k, uint32_t index, uint64_t addr, uint32_t next,
				       struct kco_symbol *ret, struct kco_err *err)
{
	uint64_t end = 0;
	enum kco_status st = KCO_OK;

	*ret = (struct kco_symbol){ .addr = addr };
	if (next < k->tables.n)
		st = kallsyms_addresses(&k->tables, next, 1, &end, err);
	else if (addr <= k->source.last)
		end = k->source.last + 1;
	if (st)
		return st;
	if (end > addr)
		ret->size = end - addr;
	return kallsyms_intern(k, index, ret, err);
}

/* The first symbol above @addr. */
static enum kco_status kallsyms_above(struct kallsyms *k, uint64_t addr, uint32_t *ret, struct kco_err *err)
{
	*ret = k->tables.n;
	return addr == UINT64_MAX ? KCO_OK : kallsyms_lower_bound(&k->tables, addr + 1, ret, err);
}

/* The first of the aliases before symbol @above: its number and their address. */
static enum kco_status kallsyms_first_alias(struct kallsyms *k, uint32_t above, uint32_t *index, uint64_t *addr,
					    struct kco_err *err)
{
	uint64_t some[16];
	uint32_t n = above < 16 ? above : 16, i = n - 1;
	enum kco_status st = kallsyms_addresses(&k->tables, above - n, n, some, err);

	if (st)
		return st;
	*addr = some[i];
	while (i > 0 && some[i - 1] == *addr)
		i--;
	*index = above - n + i;
	if (i == 0 && *index > 0)
		st = kallsyms_lower_bound(&k->tables, *addr, index, err);
	// A table that is not sorted (it is damaged) may contradict itself.
	if (*index >= above)
		*index = above - 1;
	return st;
}

static enum kco_status kallsyms_by_addr(struct kco_symbol_source *src, uint64_t addr, struct kco_symbol *ret,
					struct kco_err *err)
{
	struct kallsyms *k = kallsyms_of(src);
	uint32_t above, index;
	uint64_t at;
	enum kco_status st;

	if (addr < src->first || addr > src->last)
		return kco_fail(err, KCO_E_NOSYM, "%#" PRIx64 " is not in the kernel's image", addr);
	st = kallsyms_above(k, addr, &above, err);
	if (!st && above == 0)
		return kco_fail(err, KCO_E_NOSYM, "no symbol at or below %#" PRIx64, addr);
	if (!st)
		st = kallsyms_first_alias(k, above, &index, &at, err);
	return st ? st : kallsyms_symbol(k, index, at, above, ret, err);
}

static enum kco_status kallsyms_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
					struct kco_err *err)
{
	struct kallsyms *k = kallsyms_of(src);
	uint32_t index, above;
	uint64_t addr;
	enum kco_status st;

	st = kallsyms_names_find(&k->names, &k->tables, name, &index, err);
	if (!st)
		st = kallsyms_addresses(&k->tables, index, 1, &addr, err);
	if (!st)
		st = kallsyms_above(k, addr, &above, err);
	return st ? st : kallsyms_symbol(k, index, addr, above, ret, err);
}

/* Give the symbols of one block. @next: the address of the symbol behind it. */
static bool kallsyms_each_block(struct kallsyms *k, const uint8_t *data, uint32_t size, const uint64_t *addrs,
				uint32_t n, uint64_t next, bool (*fn)(void *arg, const struct kco_symbol *sym),
				void *arg)
{
	char buf[KCO_SYMBOL_NAME_MAX];
	struct kallsyms_packed name;
	uint32_t pos = 0;

	for (uint32_t i = 0; i < n && kallsyms_next_name(data, size, &pos, &name); i++) {
		struct kco_symbol sym = { .addr = addrs[i], .name = buf };
		uint64_t end = next;

		for (uint32_t k2 = i + 1; k2 < n; k2++)
			if (addrs[k2] > addrs[i]) {
				end = addrs[k2];
				break;
			}
		if (end > sym.addr)
			sym.size = end - sym.addr;
		sym.type = kallsyms_expand(&k->tables, &name, buf);
		if (!fn(arg, &sym))
			return false;
	}
	return true;
}

static enum kco_status kallsyms_each(struct kco_symbol_source *src, bool (*fn)(void *arg, const struct kco_symbol *sym),
				     void *arg, struct kco_err *err)
{
	struct kallsyms *k = kallsyms_of(src);
	struct kallsyms_tables *t = &k->tables;
	enum kco_status first_st = KCO_OK;

	for (uint32_t nr = 0; nr < t->nr_blocks; nr++) {
		uint32_t index = nr * KALLSYMS_BLOCK, n = t->n - index, size, above;
		uint64_t addrs[KALLSYMS_BLOCK], next = src->last + 1;
		const uint8_t *data;
		enum kco_status st;
		struct kco_err e;

		if (n > KALLSYMS_BLOCK)
			n = KALLSYMS_BLOCK;
		st = kallsyms_addresses(t, index, n, addrs, &e);
		// The size of the block's last symbols: the next different address may be further on.
		if (!st && addrs[n - 1] < UINT64_MAX && !kallsyms_lower_bound(t, addrs[n - 1] + 1, &above, NULL) &&
		    above < t->n && kallsyms_addresses(t, above, 1, &next, NULL))
			next = 0;
		if (!st)
			st = kallsyms_block(t, nr, &data, &size, &e);
		// A block that cannot be read is left out; the rest is still worth having.
		if (st && !first_st) {
			first_st = st;
			if (err)
				*err = e;
		}
		if (!st && !kallsyms_each_block(k, data, size, addrs, n, next, fn, arg))
			break;
	}
	return first_st;
}

static void kallsyms_free(struct kco_symbol_source *src)
{
	struct kallsyms *k = kallsyms_of(src);

	kallsyms_names_fini(&k->names);
	kallsyms_tables_fini(&k->tables);
	kco_arena_fini(&k->arena);
	free(k->given);
	free(k);
}

static const struct kco_symbol_source_ops kallsyms_ops = {
	.name = "kallsyms",
	.by_addr = kallsyms_by_addr,
	.by_name = kallsyms_by_name,
	.each = kallsyms_each,
	.free = kallsyms_free,
};

/*
 * The addresses that the table speaks for: from the first symbol that is not
 * per-CPU up to _end. Some symbols lie beyond it (x86: .init.scratch), which
 * the kernel's own lookups do not answer for either (is_kernel()).
 */
static enum kco_status kallsyms_range(struct kallsyms *k, struct kco_err *err)
{
	struct kallsyms_tables *t = &k->tables;
	uint32_t first, stop = t->n > 2 * KALLSYMS_BLOCK ? t->n - 2 * KALLSYMS_BLOCK : 0;
	char buf[KCO_SYMBOL_NAME_MAX], type;
	enum kco_status st;

	st = kallsyms_lower_bound(t, KALLSYMS_KERNEL_HALF, &first, err);
	if (!st)
		st = kallsyms_addresses(t, first < t->n ? first : 0, 1, &k->source.first, err);
	if (!st)
		st = kallsyms_addresses(t, t->n - 1, 1, &k->source.last, err);
	if (st)
		return st;
	// Unless _end is met, the last symbol has a page.
	k->source.last |= 0xfff;
	for (uint32_t i = t->n; i > stop; i--) {
		uint64_t end;

		if (kallsyms_name(t, i - 1, buf, &type, NULL) || strcmp(buf, "_end") != 0)
			continue;
		if (!kallsyms_addresses(t, i - 1, 1, &end, NULL) && end > k->source.first)
			k->source.last = end - 1;
		break;
	}
	return KCO_OK;
}

enum kco_status kco_kallsyms_new(struct kco_mem *mem, const struct kco_space *space,
				 const struct kco_kallsyms_layout *layout, struct kco_symbol_source **ret,
				 struct kco_err *err)
{
	struct kallsyms *k = calloc(1, sizeof(*k));
	enum kco_status st;

	if (!k)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	k->source.ops = &kallsyms_ops;
	kco_arena_init(&k->arena);
	st = kallsyms_tables_init(&k->tables, mem, space, layout, err);
	if (!st)
		st = kallsyms_range(k, err);
	if (st) {
		kallsyms_free(&k->source);
		return st;
	}
	*ret = &k->source;
	return KCO_OK;
}
