// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A table of ELF symbols as a symbol source, whoever read them: sorted by
 * address, a hash of names when the first is asked for.
 *
 * Of several names for one address the kernel's own choice is given, so that
 * output is the same as from the dump's kallsyms. Linux's scripts/kallsyms.c
 * sorts by address, weak ones last, those that the linker script may have
 * made last, fewer leading underscores first, then as nm -n does: by name; the
 * kernel takes the first. Names that it leaves out (scripts/mksysmap) are last.
 */
#include "elf_symtab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

struct elf_symbol {
	uint64_t addr, size;
	const char *name;
	uint16_t rank; /* among those of one address */
	char type;
};

struct kco_elf_symtab {
	struct kco_symbol_source base;
	struct elf_symbol *syms;
	size_t n, cap;
	void *owned;	 /* what names lie in, or NULL */
	uint32_t *slots; /* hash table of names: indices + 1; made when first needed */
	size_t mask;
};

static bool elf_symtab_ends(const char *name, size_t n, const char *end)
{
	size_t k = strlen(end);

	return n >= k && memcmp(name + n - k, end, k) == 0;
}

/* Whether the kernel's own table leaves it out. */
static bool elf_symtab_left_out(const struct elf_symbol *sym)
{
	static const char *const prefixes[] = { "__crc_", "__kstrtab_", "__kstrtabns_", "init_per_cpu__" };

	if (sym->type == 'a')
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(sym->name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static uint16_t elf_symtab_rank(const struct elf_symbol *sym)
{
	size_t n = strlen(sym->name), underscores = strspn(sym->name, "_");
	bool script = n >= 8 && underscores >= 2 &&
		      (strncmp(sym->name + 2, "start_", 6) == 0 || strncmp(sym->name + 2, "stop_", 5) == 0 ||
		       strncmp(sym->name + 2, "end_", 4) == 0 || elf_symtab_ends(sym->name, n, "_start") ||
		       elf_symtab_ends(sym->name, n, "_end"));
	bool weak = sym->type == 'w' || sym->type == 'W';

	return (uint16_t)((elf_symtab_left_out(sym) ? 0x8000u : 0) | (weak ? 0x4000u : 0) | (script ? 0x2000u : 0) |
			  (underscores < 0xff ? underscores : 0xff));
}

static int elf_symtab_compare(const void *a, const void *b)
{
	const struct elf_symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

static struct kco_elf_symtab *elf_symtab_of(struct kco_symbol_source *src)
{
	return (struct kco_elf_symtab *)src;
}

/* How many symbols lie below @addr. */
static size_t elf_symtab_below(const struct kco_elf_symtab *syms, uint64_t addr)
{
	size_t low = 0, high = syms->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (syms->syms[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void elf_symtab_give(const struct kco_elf_symtab *syms, size_t i, struct kco_symbol *ret)
{
	const struct elf_symbol *sym = &syms->syms[i];

	*ret = (struct kco_symbol){
		.addr = sym->addr, .size = sym->size, .name = sym->name, .module = syms->base.module, .type = sym->type
	};
	if (ret->size || sym->addr == UINT64_MAX)
		return;
	i = elf_symtab_below(syms, sym->addr + 1);
	if (i < syms->n)
		ret->size = syms->syms[i].addr - sym->addr;
	// Behind the module's memory are things of others.
	if (syms->base.module && sym->addr >= syms->base.first && sym->addr <= syms->base.last &&
	    (!ret->size || ret->size - 1 > syms->base.last - sym->addr))
		ret->size = syms->base.last - sym->addr + 1;
}

static enum kco_status elf_symtab_by_addr(struct kco_symbol_source *src, uint64_t addr, struct kco_symbol *ret,
					  struct kco_err *err)
{
	struct kco_elf_symtab *syms = elf_symtab_of(src);
	size_t i;

	if (addr >= src->first && addr <= src->last) {
		i = addr == UINT64_MAX ? syms->n : elf_symtab_below(syms, addr + 1);
		if (i && syms->syms[i - 1].addr >= src->first) {
			i = elf_symtab_below(syms, syms->syms[i - 1].addr); // the best of its aliases
			elf_symtab_give(syms, i, ret);
			return KCO_OK;
		}
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol covers %#" PRIx64, addr);
}

static bool elf_symtab_hash(struct kco_elf_symtab *syms)
{
	size_t size = 1024;

	while (size < syms->n * 2)
		size *= 2;
	syms->slots = calloc(size, sizeof(*syms->slots));
	if (!syms->slots)
		return false;
	syms->mask = size - 1;
	for (size_t i = 0; i < syms->n; i++) {
		size_t at = XXH3_64bits(syms->syms[i].name, strlen(syms->syms[i].name)) & syms->mask;

		while (syms->slots[at])
			at = (at + 1) & syms->mask;
		syms->slots[at] = (uint32_t)i + 1;
	}
	return true;
}

/* Several local symbols may share a name: one that others can see wins, then the lowest address. */
static enum kco_status elf_symtab_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
					  struct kco_err *err)
{
	struct kco_elf_symtab *syms = elf_symtab_of(src);
	size_t best = SIZE_MAX;

	if (!syms->slots && !elf_symtab_hash(syms))
		return kco_fail(err, KCO_E_NOMEM, "an index of symbols: out of memory");
	for (size_t at = XXH3_64bits(name, strlen(name)) & syms->mask; syms->slots[at]; at = (at + 1) & syms->mask) {
		size_t i = syms->slots[at] - 1;
		bool global = syms->syms[i].type >= 'A' && syms->syms[i].type <= 'Z';

		if (strcmp(syms->syms[i].name, name) != 0)
			continue;
		if (best == SIZE_MAX || (global && syms->syms[best].type >= 'a'))
			best = i;
	}
	if (best == SIZE_MAX)
		return kco_fail(err, KCO_E_NOSYM, "no symbol '%s'", name);
	elf_symtab_give(syms, best, ret);
	return KCO_OK;
}

static enum kco_status elf_symtab_each(struct kco_symbol_source *src,
				       bool (*fn)(void *arg, const struct kco_symbol *sym), void *arg,
				       struct kco_err *err)
{
	struct kco_elf_symtab *syms = elf_symtab_of(src);
	struct kco_symbol sym;

	(void)err;
	for (size_t i = 0; i < syms->n; i++) {
		elf_symtab_give(syms, i, &sym);
		if (!fn(arg, &sym))
			break;
	}
	return KCO_OK;
}

static void elf_symtab_free(struct kco_symbol_source *src)
{
	struct kco_elf_symtab *syms = elf_symtab_of(src);

	free(syms->syms);
	free(syms->slots);
	free(syms->owned);
	free(syms);
}

static const struct kco_symbol_source_ops elf_symtab_ops = {
	.name = "elf",
	.by_addr = elf_symtab_by_addr,
	.by_name = elf_symtab_by_name,
	.each = elf_symtab_each,
	.free = elf_symtab_free,
};

enum kco_status kco_elf_symtab_new(size_t cap, struct kco_elf_symtab **ret, struct kco_err *err)
{
	struct kco_elf_symtab *t = NULL;

	*ret = NULL;
	if (cap > KCO_ELF_SYMBOLS_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "%zu symbols are more than any kernel has", cap);
	t = calloc(1, sizeof(*t));
	if (t)
		t->syms = malloc((cap ? cap : 1) * sizeof(*t->syms));
	if (!t || !t->syms) {
		free(t);
		return kco_fail(err, KCO_E_NOMEM, "a table of symbols: out of memory");
	}
	t->base.ops = &elf_symtab_ops;
	t->cap = cap;
	*ret = t;
	return KCO_OK;
}

bool kco_elf_symtab_wanted(unsigned type, uint16_t section, const char *name)
{
	if (section == SHN_UNDEF || section == SHN_COMMON || type == STT_FILE || type == STT_SECTION)
		return false;
	return name && *name && *name != '$' && strncmp(name, ".L", 2) != 0;
}

void kco_elf_symtab_add(struct kco_elf_symtab *t, uint64_t addr, uint64_t size, const char *name, char type)
{
	struct elf_symbol *sym = &t->syms[t->n];

	if (t->n == t->cap)
		return;
	*sym = (struct elf_symbol){ .addr = addr, .size = size, .name = name, .type = type };
	sym->rank = elf_symtab_rank(sym);
	t->n++;
}

size_t kco_elf_symtab_count(const struct kco_elf_symtab *t)
{
	return t->n;
}

struct kco_symbol_source *kco_elf_symtab_finish(struct kco_elf_symtab *t, uint64_t first, uint64_t last, void *owned)
{
	qsort(t->syms, t->n, sizeof(*t->syms), elf_symtab_compare);
	t->base.first = first;
	t->base.last = last;
	t->owned = owned;
	return &t->base;
}

void kco_elf_symtab_free(struct kco_elf_symtab *t)
{
	if (t)
		elf_symtab_free(&t->base);
}
