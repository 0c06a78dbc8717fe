// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A module's symbols, as the kernel keeps them for kallsyms (struct
 * mod_kallsyms): an ELF symbol table whose values are relocated, its strings,
 * and one character a symbol for its type.
 *
 * The choice for an address follows find_kallsyms_symbol() in
 * kernel/module/kallsyms.c: the closest value at or below it, of equal values
 * the first in the table; symbols that are undefined, unnamed or mapping
 * symbols do not count. The size reaches to the next value or the end of the
 * piece of memory.
 */
#include "kallsyms.h"

#include <ctype.h>
#include <elf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define MODULE_SYMS_MAX (1u << 20)
#define MODULE_STRINGS_MAX (64u << 20)

/* One symbol that counts; sorted by value, then by place in the table. */
struct module_sym {
	uint64_t value;
	uint32_t index;
	uint32_t name; /* offset into strings */
	char type;
};

struct module_syms {
	struct kco_symbol_source source;
	struct kco_mem *mem;
	const struct kco_space *space;
	struct kco_module_syms at;
	bool tried;
	struct kco_err failed;
	struct module_sym *syms;
	uint32_t n;
	char *strings;
};

static struct module_syms *module_of(struct kco_symbol_source *src)
{
	return (struct module_syms *)src;
}

static int module_compare(const void *a, const void *b)
{
	const struct module_sym *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Symbols that assemblers leave to mark places: "$a", "$d.1", ".L12", "L0" (is_mapping_symbol()). */
static bool module_is_mapping(const char *name)
{
	return name[0] == '$' || (name[0] == '.' && name[1] == 'L') || (name[0] == 'L' && name[1] == '0');
}

/* Strings up to the end of the last one that @raw names. */
static enum kco_status module_load_strings(struct module_syms *m, const Elf64_Sym *raw, size_t *size,
					   struct kco_err *err)
{
	uint32_t last = 0;
	size_t got = 0;
	enum kco_status st;

	for (uint32_t i = 1; i < m->at.num_symtab; i++)
		if (le32toh(raw[i].st_name) > last)
			last = le32toh(raw[i].st_name);
	if (last > MODULE_STRINGS_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "a symbol's name lies %" PRIu32 " bytes into the strings", last);
	*size = (size_t)last + KCO_SYMBOL_NAME_MAX;
	m->strings = malloc(*size + 1);
	if (!m->strings)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = kco_vread(m->mem, m->space, m->at.strtab, m->strings, *size, &got, err);
	// Behind the last string's end nothing needs to be there.
	if (st && got <= last)
		return st;
	*size = got;
	m->strings[got] = '\0';
	return KCO_OK;
}

/*
 * The type's character: from typetab (since Linux 1c7651f43777, v5.2). Kernels
 * before v5.0 wrote it over st_info; the two between, over st_size, and those
 * have none here.
 */
static char module_type(const uint8_t *types, const Elf64_Sym *sym, uint32_t i)
{
	unsigned char c = types ? types[i] : sym->st_info;

	return isalpha(c) || c == '?' ? (char)c : '?';
}

static enum kco_status module_load_all(struct module_syms *m, Elf64_Sym *raw, uint8_t *types, struct kco_err *err)
{
	uint32_t n = m->at.num_symtab;
	enum kco_status st;
	size_t size = 0;

	st = kco_vread(m->mem, m->space, m->at.symtab, raw, (size_t)n * sizeof(*raw), NULL, err);
	if (!st)
		st = module_load_strings(m, raw, &size, err);
	if (st)
		return st;
	if (types && kco_vread(m->mem, m->space, m->at.typetab, types, n, NULL, NULL))
		types = NULL;
	// The first entry of an ELF symbol table is no symbol; nor is what has a longer name than the kernel can hold.
	for (uint32_t i = 1; i < n; i++) {
		uint32_t name = le32toh(raw[i].st_name);

		if (le16toh(raw[i].st_shndx) == SHN_UNDEF || name >= size || m->strings[name] == '\0' ||
		    strnlen(m->strings + name, KCO_SYMBOL_NAME_MAX) == KCO_SYMBOL_NAME_MAX ||
		    module_is_mapping(m->strings + name))
			continue;
		m->syms[m->n++] = (struct module_sym){ .value = le64toh(raw[i].st_value),
						       .index = i,
						       .name = name,
						       .type = module_type(types, &raw[i], i) };
	}
	qsort(m->syms, m->n, sizeof(*m->syms), module_compare);
	return KCO_OK;
}

static enum kco_status module_load(struct module_syms *m, struct kco_err *err)
{
	uint32_t n = m->at.num_symtab;
	uint8_t *types;
	Elf64_Sym *raw;
	enum kco_status st;

	if (n > MODULE_SYMS_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "%" PRIu32 " symbols", n);
	if (n == 0)
		return KCO_OK;
	raw = malloc((size_t)n * sizeof(*raw));
	types = m->at.typetab ? malloc(n) : NULL;
	m->syms = malloc((size_t)n * sizeof(*m->syms));
	if (!raw || !m->syms || (m->at.typetab && !types))
		st = kco_fail(err, KCO_E_NOMEM, "out of memory");
	else
		st = module_load_all(m, raw, types, err);
	free(raw);
	free(types);
	return st;
}

static enum kco_status module_need(struct module_syms *m, struct kco_err *err)
{
	if (!m->tried) {
		enum kco_status st = module_load(m, &m->failed);

		m->tried = true;
		if (st)
			kco_context(&m->failed, st, "symbols of module %s", m->at.module);
		else
			m->failed = KCO_ERR_INIT; // a short read of the strings is none
	}
	if (m->failed.code && err)
		*err = m->failed;
	return m->failed.code;
}

/* The number of symbols with a value of at most @addr. */
static uint32_t module_above(const struct module_syms *m, uint64_t addr)
{
	uint32_t low = 0, high = m->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (m->syms[mid].value <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The piece of the module's memory that holds @addr. */
static bool module_range(const struct module_syms *m, uint64_t addr, uint64_t *first, uint64_t *end)
{
	for (unsigned i = 0; i < m->at.nr_ranges; i++)
		if (addr >= m->at.ranges[i].first && addr < m->at.ranges[i].end) {
			*first = m->at.ranges[i].first;
			*end = m->at.ranges[i].end;
			return true;
		}
	return false;
}

static void module_symbol(const struct module_syms *m, uint32_t i, struct kco_symbol *ret)
{
	const struct module_sym *sym = &m->syms[i];
	uint32_t next = module_above(m, sym->value);
	uint64_t first, end;

	*ret = (struct kco_symbol){
		.addr = sym->value, .name = m->strings + sym->name, .module = m->at.module, .type = sym->type
	};
	if (!module_range(m, sym->value, &first, &end))
		return;
	if (next < m->n && m->syms[next].value < end)
		end = m->syms[next].value;
	ret->size = end - sym->value;
}

static enum kco_status module_by_addr(struct kco_symbol_source *src, uint64_t addr, struct kco_symbol *ret,
				      struct kco_err *err)
{
	struct module_syms *m = module_of(src);
	uint64_t first, end;
	enum kco_status st;
	uint32_t i;

	if (!module_range(m, addr, &first, &end))
		return kco_fail(err, KCO_E_NOSYM, "%#" PRIx64 " is not in module %s", addr, m->at.module);
	st = module_need(m, err);
	if (st)
		return st;
	i = module_above(m, addr);
	if (i == 0 || m->syms[i - 1].value < first)
		return kco_fail(err, KCO_E_NOSYM, "no symbol of module %s at or below %#" PRIx64, m->at.module, addr);
	for (i--; i > 0 && m->syms[i - 1].value == m->syms[i].value; i--)
		;
	module_symbol(m, i, ret);
	return KCO_OK;
}

static enum kco_status module_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
				      struct kco_err *err)
{
	struct module_syms *m = module_of(src);
	enum kco_status st = module_need(m, err);

	if (st)
		return st;
	for (uint32_t i = 0; i < m->n; i++)
		if (strcmp(m->strings + m->syms[i].name, name) == 0) {
			module_symbol(m, i, ret);
			return KCO_OK;
		}
	return kco_fail(err, KCO_E_NOSYM, "no symbol \"%s\" in module %s", name, m->at.module);
}

static enum kco_status module_each(struct kco_symbol_source *src, bool (*fn)(void *arg, const struct kco_symbol *sym),
				   void *arg, struct kco_err *err)
{
	struct module_syms *m = module_of(src);
	enum kco_status st = module_need(m, err);
	struct kco_symbol sym;

	for (uint32_t i = 0; !st && i < m->n; i++) {
		module_symbol(m, i, &sym);
		if (!fn(arg, &sym))
			break;
	}
	return st;
}

static void module_free(struct kco_symbol_source *src)
{
	struct module_syms *m = module_of(src);

	free(m->syms);
	free(m->strings);
	free(m);
}

static const struct kco_symbol_source_ops module_ops = {
	.name = "module",
	.by_addr = module_by_addr,
	.by_name = module_by_name,
	.each = module_each,
	.free = module_free,
};

enum kco_status kco_module_syms_new(struct kco_mem *mem, const struct kco_space *space,
				    const struct kco_module_syms *syms, struct kco_symbol_source **ret,
				    struct kco_err *err)
{
	struct module_syms *m;

	if (syms->nr_ranges > KCO_MODULE_RANGES_MAX)
		return kco_fail(err, KCO_E_BUG, "module %s: %u pieces of memory", syms->module, syms->nr_ranges);
	m = calloc(1, sizeof(*m));
	if (!m)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	m->source.ops = &module_ops;
	m->source.module = syms->module;
	m->mem = mem;
	m->space = space;
	m->at = *syms;
	if (m->at.nr_ranges == 0) {
		m->at.ranges[0].first = syms->first;
		m->at.ranges[0].end = syms->end;
		m->at.nr_ranges = 1;
	}
	m->source.first = UINT64_MAX;
	for (unsigned i = 0; i < m->at.nr_ranges; i++) {
		if (m->at.ranges[i].end <= m->at.ranges[i].first)
			continue;
		if (m->at.ranges[i].first < m->source.first)
			m->source.first = m->at.ranges[i].first;
		if (m->at.ranges[i].end - 1 > m->source.last)
			m->source.last = m->at.ranges[i].end - 1;
	}
	*ret = &m->source;
	return KCO_OK;
}
