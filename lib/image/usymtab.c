// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols of an image: read, ranked, sorted by address, hashed by name.
 *
 * Symbols may nest and leave gaps. `reach` ends the search backwards for one
 * that covers an address: nothing before it comes so far.
 */
#include "usymtab.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include <kco/endian.h>

#define USYMTAB_MAX ((size_t)8 << 20)	    /* symbols of one image */
#define USYMTAB_STRINGS ((size_t)256 << 20) /* bytes of a string table in a file */
#define USYMTAB_DYNSTR ((uint64_t)16 << 20) /* bytes of one in memory */
#define USYMTAB_BACK 1024		    /* symbols that are looked at for one that covers an address */
#define USYMTAB_NAME 4095

void kco_usymtab_fini(struct kco_usymtab *tab)
{
	for (size_t i = 0; i < tab->nr_strings; i++)
		free(tab->strings[i]);
	free(tab->strings);
	free(tab->slots);
	free(tab->v);
	*tab = (struct kco_usymtab){ 0 };
}

static enum kco_status usymtab_strings(struct kco_usymtab *tab, char *strings, struct kco_err *err)
{
	char **grown = realloc(tab->strings, (tab->nr_strings + 1) * sizeof(*grown));

	if (!grown) {
		free(strings);
		return kco_fail(err, KCO_E_NOMEM, "symbols: out of memory");
	}
	tab->strings = grown;
	tab->strings[tab->nr_strings++] = strings;
	return KCO_OK;
}

/* As nm has it, but told from segments: there need not be sections. */
static char usymtab_type(const struct kco_uelf_phdr *ph, uint64_t addr, unsigned type, unsigned bind)
{
	char c;

	if (type == STT_GNU_IFUNC)
		return 'i';
	if (bind == STB_GNU_UNIQUE)
		return 'u';
	if (bind == STB_WEAK)
		return type == STT_OBJECT ? 'V' : 'W';
	if (ph->flags & PF_W)
		c = addr - ph->vaddr >= ph->filesz ? 'b' : 'd';
	else
		c = ph->flags & PF_X && type != STT_OBJECT ? 't' : 'r';
	return bind == STB_LOCAL ? c : (char)(c - 'a' + 'A');
}

static uint16_t usymtab_rank(const struct kco_usym *sym, unsigned type, unsigned bind)
{
	size_t underscores = strspn(sym->name, "_");
	unsigned order = bind == STB_WEAK ? 2 : bind == STB_LOCAL ? 1 : 0;

	return (uint16_t)((sym->size ? 0 : 0x8000u) | (type == STT_NOTYPE ? 0x4000u : 0) | order << 12 |
			  (underscores < 0xff ? underscores : 0xff));
}

static bool usymtab_wanted(const char *name, unsigned type, unsigned bind, unsigned shndx)
{
	if (shndx == SHN_UNDEF || shndx == SHN_ABS || shndx == SHN_COMMON)
		return false;
	if (type != STT_NOTYPE && type != STT_OBJECT && type != STT_FUNC && type != STT_GNU_IFUNC)
		return false;
	if (bind != STB_LOCAL && bind != STB_GLOBAL && bind != STB_WEAK && bind != STB_GNU_UNIQUE)
		return false;
	// "$x" and the like tell code from data in a text section.
	return *name && *name != '$' && strncmp(name, ".L", 2) != 0;
}

/* Sections that are not loaded (.gnu.warning.*) have symbols, too. */
static bool usymtab_loaded(const struct kco_uelf *file, unsigned shndx)
{
	return !file || shndx >= file->nr_sections || file->sections[shndx].flags & SHF_ALLOC;
}

/* "memcpy@@GLIBC_2.14" is memcpy, with one @ the one for programs that were linked before there was the other. */
static void usymtab_version(struct kco_usym *sym, char *name)
{
	char *at = strchr(name, '@');

	sym->name = name;
	if (!at || at == name)
		return;
	sym->old = at[1] != '@' && at[1];
	*at = '\0';
}

static enum kco_status usymtab_reserve(struct kco_usymtab *tab, size_t n, struct kco_err *err)
{
	struct kco_usym *grown;

	if (n > USYMTAB_MAX || tab->n + n > USYMTAB_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "it claims %zu symbols", n);
	if (tab->n + n <= tab->cap)
		return KCO_OK;
	grown = realloc(tab->v, (tab->n + n) * sizeof(*grown));
	if (!grown)
		return kco_fail(err, KCO_E_NOMEM, "symbols: out of memory");
	tab->v = grown;
	tab->cap = tab->n + n;
	return KCO_OK;
}

enum kco_status kco_usymtab_add(struct kco_usymtab *tab, const struct kco_uelf *elf, const struct kco_uelf *file,
				const void *syms, size_t n_syms, char *strings, size_t n_strings, struct kco_err *err)
{
	size_t size = kco_uelf_sym_size(elf), n = n_syms / size, named = 0;
	enum kco_status st = usymtab_strings(tab, strings, err);

	if (!st)
		st = usymtab_reserve(tab, n, err);
	if (st)
		return st;
	tab->sorted = false;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *raw = (const uint8_t *)syms + i * size;
		uint32_t name = kco_le32(raw);
		uint8_t info = raw[elf->elf32 ? 12 : 4];
		unsigned type = info & 15, bind = info >> 4, shndx = kco_le16(raw + (elf->elf32 ? 14 : 6));
		struct kco_usym *sym = &tab->v[tab->n];
		const struct kco_uelf_phdr *ph;
		size_t len;

		if (name >= n_strings || !usymtab_wanted(strings + name, type, bind, shndx) ||
		    !usymtab_loaded(file, shndx))
			continue;
		len = strnlen(strings + name, USYMTAB_NAME + 1);
		// Names share ends of each other, but not a table of megabytes once for each symbol.
		named += len;
		if (named > n_strings * 8 + 65536)
			return kco_fail(err, KCO_E_CORRUPT, "its symbols' names overlap");
		if (len > USYMTAB_NAME)
			continue;
		*sym = (struct kco_usym){ .addr = elf->elf32 ? kco_le32(raw + 4) : kco_le64(raw + 8),
					  .size = elf->elf32 ? kco_le32(raw + 8) : kco_le64(raw + 16) };
		usymtab_version(sym, strings + name);
		ph = kco_uelf_load_at(elf, sym->addr);
		if (!ph)
			continue;
		if (sym->size > ph->vaddr + ph->memsz - sym->addr)
			sym->size = ph->vaddr + ph->memsz - sym->addr;
		sym->type = usymtab_type(ph, sym->addr, type, bind);
		sym->rank = usymtab_rank(sym, type, bind);
		tab->n++;
	}
	return KCO_OK;
}

enum kco_status kco_usymtab_add_dynamic(struct kco_usymtab *tab, const struct kco_uelf *elf, struct kco_err *err)
{
	struct kco_uelf_dynamic dyn;
	void *syms = NULL, *strings;
	size_t n = 0;
	enum kco_status st = kco_uelf_dynamic(elf, &dyn, err);

	if (!st && (!dyn.symtab || !dyn.strtab || !dyn.strsz))
		st = kco_fail(err, KCO_E_NOSYM, "its dynamic section has no symbols");
	if (!st && dyn.strsz > USYMTAB_DYNSTR)
		st = kco_fail(err, KCO_E_CORRUPT, "its dynamic section claims %#llx bytes of names",
			      (unsigned long long)dyn.strsz);
	if (!st)
		st = kco_uelf_dynsym_count(elf, &dyn, &n, err);
	if (!st)
		st = kco_uelf_read_new(elf, dyn.symtab, n * kco_uelf_sym_size(elf), &syms, err);
	if (!st)
		st = kco_uelf_read_new(elf, dyn.strtab, (size_t)dyn.strsz, &strings, err);
	if (!st)
		st = kco_usymtab_add(tab, elf, NULL, syms, n * kco_uelf_sym_size(elf), strings, (size_t)dyn.strsz, err);
	free(syms);
	return st;
}

enum kco_status kco_usymtab_add_section(struct kco_usymtab *tab, const struct kco_uelf *elf,
					const struct kco_uelf *image, uint32_t type, struct kco_err *err)
{
	const struct kco_uelf_section *sec = kco_uelf_section_find(elf, NULL, type), *names;
	void *syms = NULL, *strings;
	size_t n, n_strings;
	enum kco_status st;

	if (!sec || sec->link >= elf->nr_sections)
		return kco_fail(err, KCO_E_NOSYM, "it has no symbol table");
	if (elf->elf32 != image->elf32)
		return kco_fail(err, KCO_E_CORRUPT, "its symbol table is of another word size");
	names = &elf->sections[sec->link];
	st = kco_uelf_section_read_new(elf, sec, USYMTAB_MAX * 24, &syms, &n, err);
	if (!st)
		st = kco_uelf_section_read_new(elf, names, USYMTAB_STRINGS, &strings, &n_strings, err);
	if (!st)
		st = kco_usymtab_add(tab, image, elf, syms, n, strings, n_strings, err);
	free(syms);
	return st ? kco_context(err, st, "symbol table") : KCO_OK;
}

static int usymtab_compare(const void *a, const void *b)
{
	const struct kco_usym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

void kco_usymtab_sort(struct kco_usymtab *tab)
{
	uint64_t reach = 0;

	if (tab->sorted)
		return;
	if (tab->n)
		qsort(tab->v, tab->n, sizeof(*tab->v), usymtab_compare);
	for (size_t i = 0; i < tab->n; i++) {
		if (tab->v[i].addr + tab->v[i].size > reach)
			reach = tab->v[i].addr + tab->v[i].size;
		tab->v[i].reach = reach;
	}
	free(tab->slots);
	tab->slots = NULL;
	tab->sorted = true;
}

/* How many symbols lie at or below @vaddr. */
static size_t usymtab_upto(const struct kco_usymtab *tab, uint64_t vaddr)
{
	size_t low = 0, high = tab->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (tab->v[mid].addr <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The first of its aliases, which is the best; those that do not reach @vaddr are none. */
static const struct kco_usym *usymtab_best(const struct kco_usymtab *tab, size_t i, uint64_t vaddr)
{
	const struct kco_usym *best = &tab->v[i];

	for (int back = 0; i > 0 && tab->v[i - 1].addr == best->addr && back < USYMTAB_BACK; back++) {
		i--;
		if (vaddr - tab->v[i].addr < tab->v[i].size)
			best = &tab->v[i];
	}
	return best;
}

const struct kco_usym *kco_usymtab_by_addr(const struct kco_usymtab *tab, const struct kco_uelf *image, uint64_t vaddr)
{
	size_t n = usymtab_upto(tab, vaddr), i = n;

	for (int back = 0; i > 0 && tab->v[i - 1].reach > vaddr && back < USYMTAB_BACK; back++) {
		i--;
		if (vaddr - tab->v[i].addr < tab->v[i].size)
			return usymtab_best(tab, i, vaddr);
	}
	if (!n || tab->v[n - 1].size || kco_uelf_load_at(image, vaddr) != kco_uelf_load_at(image, tab->v[n - 1].addr))
		return NULL;
	// None of its aliases has a size: those would come first.
	for (i = n - 1; i > 0 && n - i < USYMTAB_BACK && tab->v[i - 1].addr == tab->v[i].addr; i--)
		;
	return tab->v[i].size ? NULL : &tab->v[i];
}

/* Of several with one name: what other files see, in its newest version. */
static int usymtab_worth(const struct kco_usym *sym)
{
	bool local = sym->type >= 'a' && sym->type <= 'z' && sym->type != 'i' && sym->type != 'u';

	return local ? 0 : sym->old ? 1 : 2;
}

/* The slot that has @name, or the empty one where it belongs. */
static size_t usymtab_slot(const struct kco_usymtab *tab, const char *name)
{
	// Seeded, so that nobody makes names that all fall into one slot.
	size_t at = XXH3_64bits_withSeed(name, strlen(name), (uintptr_t)tab->slots) & tab->mask;

	while (tab->slots[at] && strcmp(tab->v[tab->slots[at] - 1].name, name) != 0)
		at = (at + 1) & tab->mask;
	return at;
}

static bool usymtab_hash(struct kco_usymtab *tab)
{
	size_t size = 256;

	while (size < tab->n * 2)
		size *= 2;
	tab->slots = calloc(size, sizeof(*tab->slots));
	if (!tab->slots)
		return false;
	tab->mask = size - 1;
	for (size_t i = 0; i < tab->n; i++) {
		size_t at = usymtab_slot(tab, tab->v[i].name);

		if (!tab->slots[at] || usymtab_worth(&tab->v[i]) > usymtab_worth(&tab->v[tab->slots[at] - 1]))
			tab->slots[at] = (uint32_t)i + 1;
	}
	return true;
}

const struct kco_usym *kco_usymtab_by_name(struct kco_usymtab *tab, const char *name)
{
	size_t at;

	if (!tab->n || (!tab->slots && !usymtab_hash(tab)))
		return NULL;
	at = usymtab_slot(tab, name);
	return tab->slots[at] ? &tab->v[tab->slots[at] - 1] : NULL;
}
