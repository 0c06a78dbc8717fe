// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An index of names, made once for a vmlinux: kernels carry no .debug_names.
 * One pass over the top level of each unit takes most of a second for 160 MB of
 * .debug_info; the index (about 2 MB) goes to the cache.
 *
 * The payload is an array of entries, sorted by hash, then kind:
 *
 *   u64 XXH3-64 of the name     u64 kind << 60 | alt << 59 | offset of the DIE
 *
 * alt: the DIE lies in the file that .gnu_debugaltlink names. An entry is a
 * hint: the DIE at its offset has to have the name and the tag, or else the
 * whole index is thrown away and made anew.
 */
#include "debuginfo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <xxhash.h>

#include "debuginfo_priv.h"

#define NAMES_SUFFIX "names"
#define NAMES_VERSION 1
#define NAMES_MAX ((size_t)16 << 20)

#define WHERE_KIND_SHIFT 60
#define WHERE_ALT (1ULL << 59)
#define WHERE_OFFSET (WHERE_ALT - 1)

#define NAMES_LANG_RUST 0x1c /* DW_LANG_Rust; dwarf.h may be older */

struct names_entry {
	uint64_t hash, where;
};

struct kco_dwarf_names {
	struct names_entry *entries;
	size_t n;
	bool cached;	    /* from a file that someone may have made up */
	bool damaged;	    /* a unit could not be read to its end ... */
	uint64_t damage;    /* ... the one at this offset */
	uint32_t *in_order; /* indices by offset, for kco_dwarf_names_next() */
	size_t nr_in_order;
};

/* The index in the making: entries as they are found, and a hash table of indices + 1. */
struct names_builder {
	struct names_entry *entries;
	size_t n, cap;
	uint32_t *slots;
	size_t mask;
	bool failed; /* out of memory */
	bool damaged;
	uint64_t damage;
};

static unsigned names_kind(const struct names_entry *entry)
{
	return (unsigned)(entry->where >> WHERE_KIND_SHIFT);
}

static bool names_grow(struct names_builder *b)
{
	size_t cap = b->cap ? b->cap * 2 : 32768, mask = cap * 2 - 1;
	struct names_entry *entries;
	uint32_t *slots;

	if (cap > NAMES_MAX)
		return false;
	entries = realloc(b->entries, cap * sizeof(*entries));
	if (entries)
		b->entries = entries;
	slots = calloc(mask + 1, sizeof(*slots));
	if (!entries || !slots) {
		free(slots);
		return false;
	}
	for (size_t i = 0; i < b->n; i++) {
		size_t at = b->entries[i].hash & mask;

		while (slots[at])
			at = (at + 1) & mask;
		slots[at] = (uint32_t)i + 1;
	}
	free(b->slots);
	b->slots = slots;
	b->cap = cap;
	b->mask = mask;
	return true;
}

/* Add it, unless its name and kind have been seen. */
static void names_add(struct names_builder *b, enum kco_dwarf_name_kind kind, Dwarf_Die *die, bool alt)
{
	const char *name = dwarf_diename(die);
	uint64_t hash, offset;
	size_t at;

	if (!name || !*name)
		return;
	if (b->n == b->cap && !names_grow(b)) {
		b->failed = true;
		return;
	}
	hash = XXH3_64bits(name, strlen(name));
	for (at = hash & b->mask; b->slots[at]; at = (at + 1) & b->mask) {
		const struct names_entry *old = &b->entries[b->slots[at] - 1];

		if (old->hash == hash && names_kind(old) == (unsigned)kind)
			return;
	}
	if (kind < KCO_DWARF_BASE && dwarf_hasattr(die, DW_AT_declaration))
		return;
	offset = dwarf_dieoffset(die);
	if (offset & ~WHERE_OFFSET)
		return;
	b->slots[at] = (uint32_t)b->n + 1;
	b->entries[b->n++] =
		(struct names_entry){ hash, (uint64_t)kind << WHERE_KIND_SHIFT | (alt ? WHERE_ALT : 0) | offset };
}

static bool names_scan_enumerators(struct names_builder *b, Dwarf_Die *type, bool alt)
{
	Dwarf_Die die;
	int r;

	for (r = dwarf_child(type, &die); r == 0; r = kco_dwarf_next(&die))
		if (dwarf_tag(&die) == DW_TAG_enumerator)
			names_add(b, KCO_DWARF_ENUMERATOR, &die, alt);
	return r > 0;
}

static bool names_scan_die(struct names_builder *b, Dwarf_Die *die, bool alt)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
		names_add(b, KCO_DWARF_STRUCT, die, alt);
		return true;
	case DW_TAG_union_type:
		names_add(b, KCO_DWARF_UNION, die, alt);
		return true;
	case DW_TAG_enumeration_type:
		names_add(b, KCO_DWARF_ENUM, die, alt);
		return names_scan_enumerators(b, die, alt);
	case DW_TAG_typedef:
		names_add(b, KCO_DWARF_TYPEDEF, die, alt);
		return true;
	case DW_TAG_base_type:
		names_add(b, KCO_DWARF_BASE, die, alt);
		return true;
	case DW_TAG_variable:
		names_add(b, dwarf_hasattr(die, DW_AT_declaration) ? KCO_DWARF_DECLARED : KCO_DWARF_VARIABLE, die, alt);
		return true;
	}
	return true;
}

/* Rust keeps its types in namespaces, and its base types would shadow C's; pahole leaves it out of BTF too. */
static bool names_wants_unit(Dwarf_Die *cu, Dwarf_Half version, uint8_t unit_type)
{
	if (version < 5 && unit_type == DW_UT_type) // in .debug_types, whose offsets are its own
		return false;
	return dwarf_srclang(cu) != NAMES_LANG_RUST;
}

/* 0 done, 1 cancelled. What libdw cannot read is left out and noted. */
static int names_scan(struct kco_debuginfo *di, struct names_builder *b, Dwarf *dwarf, bool alt)
{
	Dwarf_CU *cu = NULL, *next;
	uint64_t done = 0, total = 0;
	uint8_t unit_type;
	Dwarf_Half version;
	Dwarf_Die unit, die;
	uint64_t offset = 0;
	int r, ru;

	while ((ru = dwarf_get_units(dwarf, cu, &next, NULL, NULL, NULL, NULL)) == 0) {
		cu = next;
		total++;
	}
	cu = NULL;
	while (!b->failed && (ru = dwarf_get_units(dwarf, cu, &next, &version, &unit_type, &unit, NULL)) == 0) {
		bool good = true;

		cu = next;
		offset = dwarf_dieoffset(&unit);
		if (done++ % 64 == 0 && !kco_debuginfo_progress(di, "indexing the names in its DWARF", done, total))
			return 1;
		if (!names_wants_unit(&unit, version, unit_type))
			continue;
		for (r = dwarf_child(&unit, &die); r == 0 && good && !b->failed; r = kco_dwarf_next(&die))
			good = names_scan_die(b, &die, alt);
		if ((r < 0 || !good) && !b->damaged) {
			b->damaged = true;
			b->damage = offset;
		}
	}
	if (ru < 0 && !b->damaged) {
		b->damaged = true;
		b->damage = offset;
	}
	return 0;
}

static int names_compare(const void *a, const void *b)
{
	const struct names_entry *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->where < y->where ? -1 : x->where > y->where;
}

static enum kco_status names_build_new(struct kco_debuginfo *di, struct kco_dwarf_names **ret, struct kco_err *err)
{
	struct names_builder b = { 0 };
	struct kco_dwarf_names *names;
	enum kco_status st;
	Dwarf *dwarf, *alt;
	int cancelled;

	st = kco_debuginfo_dwarf(di, &dwarf, err);
	if (st)
		return st;
	cancelled = names_scan(di, &b, dwarf, false);
	alt = dwarf_getalt(dwarf);
	if (alt && !cancelled)
		cancelled = names_scan(di, &b, alt, true);
	free(b.slots);
	names = calloc(1, sizeof(*names));
	if (cancelled || b.failed || !names) {
		free(b.entries);
		free(names);
		return cancelled ? kco_fail(err, KCO_E_CANCELLED, "indexing %s was interrupted", di->path)
				 : kco_fail(err, KCO_E_NOMEM, "an index of the names in %s: out of memory", di->path);
	}
	if (b.n)
		qsort(b.entries, b.n, sizeof(*b.entries), names_compare);
	*names = (struct kco_dwarf_names){ .entries = b.entries, .n = b.n, .damaged = b.damaged, .damage = b.damage };
	if (!b.damaged)
		kco_debuginfo_cache_store(di, NAMES_SUFFIX, NAMES_VERSION, b.entries, b.n * sizeof(*b.entries));
	*ret = names;
	return KCO_OK;
}

static struct kco_dwarf_names *names_load_new(struct kco_debuginfo *di)
{
	struct kco_dwarf_names *names;
	struct names_entry *entries;
	size_t size, n;

	entries = kco_debuginfo_cache_load_new(di, NAMES_SUFFIX, NAMES_VERSION, &size);
	if (!entries)
		return NULL;
	n = size / sizeof(*entries);
	if (!n || n * sizeof(*entries) != size)
		goto bad;
	for (size_t i = 0; i < n; i++)
		if (names_kind(&entries[i]) >= KCO_DWARF_NAME_KINDS ||
		    (i && names_compare(&entries[i - 1], &entries[i]) >= 0))
			goto bad;
	names = calloc(1, sizeof(*names));
	if (!names)
		goto bad;
	*names = (struct kco_dwarf_names){ .entries = entries, .n = n, .cached = true };
	return names;
bad:
	free(entries);
	return NULL;
}

void kco_dwarf_names_free(struct kco_dwarf_names *names)
{
	if (!names)
		return;
	free(names->entries);
	free(names->in_order);
	free(names);
}

static enum kco_status names_get(struct kco_debuginfo *di, bool trust_cache, struct kco_err *err)
{
	struct kco_dwarf_names *names = NULL;
	enum kco_status st;
	Dwarf *dwarf;

	if (di->names && (trust_cache || !di->names->cached))
		return KCO_OK;
	st = kco_debuginfo_dwarf(di, &dwarf, err);
	if (st)
		return st;
	if (trust_cache)
		names = names_load_new(di);
	if (!names) {
		st = names_build_new(di, &names, err);
		if (st)
			return st;
	}
	kco_dwarf_names_free(di->names);
	di->names = names;
	return KCO_OK;
}

static const struct names_entry *names_search(const struct kco_dwarf_names *names, enum kco_dwarf_name_kind kind,
					      uint64_t hash)
{
	struct names_entry key = { hash, (uint64_t)kind << WHERE_KIND_SHIFT };
	size_t low = 0, high = names->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (names_compare(&names->entries[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == names->n || names->entries[low].hash != hash || names_kind(&names->entries[low]) != (unsigned)kind)
		return NULL;
	return &names->entries[low];
}

static bool names_tag_is(enum kco_dwarf_name_kind kind, int tag)
{
	static const int tags[KCO_DWARF_NAME_KINDS] = {
		[KCO_DWARF_STRUCT] = DW_TAG_structure_type, [KCO_DWARF_UNION] = DW_TAG_union_type,
		[KCO_DWARF_ENUM] = DW_TAG_enumeration_type, [KCO_DWARF_TYPEDEF] = DW_TAG_typedef,
		[KCO_DWARF_BASE] = DW_TAG_base_type,	    [KCO_DWARF_ENUMERATOR] = DW_TAG_enumerator,
		[KCO_DWARF_VARIABLE] = DW_TAG_variable,	    [KCO_DWARF_DECLARED] = DW_TAG_variable,
	};

	return tag == tags[kind] || (kind == KCO_DWARF_STRUCT && tag == DW_TAG_class_type);
}

/* The DIE of an entry, when it is what the entry says; @name NULL: any. */
static bool names_die(struct kco_debuginfo *di, const struct names_entry *entry, const char *name, Dwarf_Die *ret)
{
	Dwarf *dwarf = entry->where & WHERE_ALT ? dwarf_getalt(di->dwarf) : di->dwarf;
	enum kco_dwarf_name_kind kind = (enum kco_dwarf_name_kind)names_kind(entry);
	const char *got;

	if (!dwarf || !dwarf_offdie(dwarf, entry->where & WHERE_OFFSET, ret) || !names_tag_is(kind, dwarf_tag(ret)))
		return false;
	if (kind < KCO_DWARF_BASE && dwarf_hasattr(ret, DW_AT_declaration))
		return false;
	got = dwarf_diename(ret);
	return got && (!name || strcmp(got, name) == 0);
}

static enum kco_status names_none(const struct kco_debuginfo *di, enum kco_dwarf_name_kind kind, const char *name,
				  struct kco_err *err)
{
	static const char *const words[KCO_DWARF_NAME_KINDS] = {
		[KCO_DWARF_STRUCT] = "struct ",
		[KCO_DWARF_UNION] = "union ",
		[KCO_DWARF_ENUM] = "enum ",
		[KCO_DWARF_TYPEDEF] = "",
		[KCO_DWARF_BASE] = "",
		[KCO_DWARF_ENUMERATOR] = "enumerator ",
		[KCO_DWARF_VARIABLE] = "variable ",
		[KCO_DWARF_DECLARED] = "variable ",
	};

	if (di->names->damaged)
		return kco_fail(err, KCO_E_CORRUPT,
				"no %s%s in what could be read of the DWARF: the unit at %#" PRIx64 " is damaged (%s)",
				words[kind], name, di->names->damage, di->path);
	return kco_fail(err, KCO_E_NOTYPE, "no %s%s in the DWARF", words[kind], name);
}

enum kco_status kco_dwarf_names_find(struct kco_debuginfo *di, enum kco_dwarf_name_kind kind, const char *name,
				     Dwarf_Die *ret, struct kco_err *err)
{
	uint64_t hash = XXH3_64bits(name, strlen(name));
	const struct names_entry *entry;
	enum kco_status st;

	for (int attempt = 0; attempt < 2; attempt++) {
		st = names_get(di, attempt == 0, err);
		if (st)
			return st;
		entry = names_search(di->names, kind, hash);
		if (!entry && kind == KCO_DWARF_VARIABLE)
			entry = names_search(di->names, KCO_DWARF_DECLARED, hash);
		if (!entry)
			return names_none(di, kind, name, err);
		if (names_die(di, entry, name, ret))
			return KCO_OK;
		if (!di->names->cached)
			break;
	}
	return kco_fail(err, KCO_E_CORRUPT, "%s: the DIE of '%s' does not read the same twice", di->path, name);
}

static int names_compare_offset(const void *a, const void *b, void *entries)
{
	const struct names_entry *e = entries;
	uint64_t x = e[*(const uint32_t *)a].where << (64 - WHERE_KIND_SHIFT);
	uint64_t y = e[*(const uint32_t *)b].where << (64 - WHERE_KIND_SHIFT);

	return x < y ? -1 : x > y;
}

static enum kco_status names_order(struct kco_dwarf_names *names, struct kco_err *err)
{
	size_t n = 0;

	names->in_order = malloc((names->n ? names->n : 1) * sizeof(*names->in_order));
	if (!names->in_order)
		return kco_fail(err, KCO_E_NOMEM, "a list of types: out of memory");
	for (size_t i = 0; i < names->n; i++)
		if (names_kind(&names->entries[i]) <= KCO_DWARF_TYPEDEF)
			names->in_order[n++] = (uint32_t)i;
	names->nr_in_order = n;
	qsort_r(names->in_order, n, sizeof(*names->in_order), names_compare_offset, names->entries);
	return KCO_OK;
}

enum kco_status kco_dwarf_names_next(struct kco_debuginfo *di, size_t *cursor, enum kco_dwarf_name_kind *kind,
				     Dwarf_Die *die, struct kco_err *err)
{
	const struct names_entry *entry;
	enum kco_status st;

	st = names_get(di, true, err);
	if (!st && !di->names->in_order)
		st = names_order(di->names, err);
	if (st)
		return st;
	while (*cursor < di->names->nr_in_order) {
		entry = &di->names->entries[di->names->in_order[(*cursor)++]];
		if (!names_die(di, entry, NULL, die))
			continue;
		*kind = (enum kco_dwarf_name_kind)names_kind(entry);
		return KCO_OK;
	}
	return KCO_DONE;
}
