// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The symbol table that FreeBSD's loader puts behind the kernel, for its
 * debugger and its linker (stand/common/load_elf.c, __elfN(loadimage);
 * sys/kern/link_elf.c, link_elf_preload_parse_symbols()):
 *
 *   word  size of the symbols in bytes        a word is a long: 8 bytes, 4 in ELF32
 *   Elf64_Sym[]  as in the file; the first one is all zero
 *   word  size of the names                   aligned to a word
 *   names, each with its NUL; the first is empty
 *
 * Where it lies is in metadata that only symbols lead to, so it is found by
 * its shape: a word that is a multiple of a symbol's size, a symbol of zeros
 * behind it, and as far behind as the word says a second size, whose names
 * the symbols point into. A name that every kernel has tells the kernel's
 * table from a preloaded module's.
 *
 * A module's table is the same two arrays without their sizes in front; the
 * linker's struct of the module points at them (elf_file.ddbsymtab, ddbsymcnt,
 * ddbstrtab, ddbstrcnt). The linker of objects (sys/kern/link_elf_obj.c) adds
 * the sections' addresses to the values in memory, that of shared objects
 * (link_elf.c) leaves them as they were linked, at 0.
 */
#include "elf_memsyms.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "elf_symtab.h"

#define MEMSYMS_CHUNK ((size_t)1 << 20)
#define MEMSYMS_OVERLAP 64u /* a word and a symbol */
#define MEMSYMS_PAGE 4096u
#define MEMSYMS_MIN 64u		   /* symbols; a kernel has more */
#define MEMSYMS_MAX (4u << 20)	   /* symbols */
#define MEMSYMS_NAMES (128u << 20) /* bytes of names */
#define MEMSYMS_SAMPLE 64u
#define MEMSYMS_SECTIONS 4096u
#define MEMSYMS_LOWEST (1u << 20) /* no kernel has anything in the lowest MiB of its addresses */

struct memsyms {
	const struct kco_memsyms_request *req;
	unsigned word, sym; /* bytes */
	uint64_t syms_at, syms_size, names_at, names_size;
	uint8_t *syms;
	char *names;
	size_t missing;
};

struct memsyms_sym {
	uint32_t name;
	uint8_t info, other;
	uint16_t section;
	uint64_t value, size;
};

static uint64_t memsyms_word(const struct memsyms *m, const uint8_t *p)
{
	return m->word == 8 ? kco_le64(p) : kco_le32(p);
}

static void memsyms_sym(const struct memsyms *m, const uint8_t *p, struct memsyms_sym *sym)
{
	if (m->sym == sizeof(Elf64_Sym))
		*sym =
			(struct memsyms_sym){ kco_le32(p),     p[4], p[5], kco_le16(p + 6), kco_le64(p + 8),
					      kco_le64(p + 16) };
	else
		*sym = (struct memsyms_sym){ kco_le32(p),      p[12],		p[13],
					     kco_le16(p + 14), kco_le32(p + 4), kco_le32(p + 8) };
}

/* Read into @buf what can be read of [addr, addr+n); the rest, page by page, is zero. How much is missing. */
static size_t memsyms_read(const struct memsyms *m, uint64_t addr, void *buf, size_t n)
{
	uint8_t *to = buf;
	size_t at = 0, missing = 0;

	while (at < n) {
		size_t got = 0, skip;
		enum kco_status st = m->req->read(m->req->arg, addr + at, to + at, n - at, &got, NULL);

		at += got;
		if (!st || at >= n)
			break;
		skip = MEMSYMS_PAGE - (size_t)((addr + at) % MEMSYMS_PAGE);
		if (skip > n - at)
			skip = n - at;
		memset(to + at, 0, skip);
		at += skip;
		missing += skip;
	}
	return missing;
}

/* Could @size be that of a kernel's symbols? */
static bool memsyms_size_fits(const struct memsyms *m, uint64_t size)
{
	return size >= (uint64_t)MEMSYMS_MIN * m->sym && size <= (uint64_t)MEMSYMS_MAX * m->sym && size % m->sym == 0;
}

static bool memsyms_sym_fits(const struct memsyms *m, const struct memsyms_sym *sym)
{
	unsigned bind = ELF64_ST_BIND(sym->info), type = ELF64_ST_TYPE(sym->info);

	return sym->name < m->names_size && (bind <= STB_WEAK || bind == STB_GNU_UNIQUE) &&
	       (type <= STT_TLS || type == STT_GNU_IFUNC) && sym->other <= 3;
}

/* Do the first symbols point into names of the known size? */
static bool memsyms_sample_fits(const struct memsyms *m)
{
	uint8_t raw[MEMSYMS_SAMPLE * sizeof(Elf64_Sym)];
	uint64_t n = m->syms_size / m->sym;
	struct memsyms_sym sym;
	unsigned named = 0;

	n = n < MEMSYMS_SAMPLE ? n : MEMSYMS_SAMPLE;
	if (memsyms_read(m, m->syms_at, raw, (size_t)n * m->sym))
		return false;
	for (unsigned i = 1; i < n; i++) {
		memsyms_sym(m, raw + (size_t)i * m->sym, &sym);
		if (!memsyms_sym_fits(m, &sym))
			return false;
		named += sym.name != 0;
	}
	return named > 0;
}

/* Is there a table at @at? Looks at its second size and at the first symbols. */
static bool memsyms_proves(struct memsyms *m, uint64_t at, uint64_t size)
{
	uint8_t word[9];

	m->syms_at = at + m->word;
	m->syms_size = size;
	m->names_at = (at + m->word + size + m->word - 1) & ~(uint64_t)(m->word - 1);
	if (m->names_at < at || memsyms_read(m, m->names_at, word, m->word + 1u))
		return false;
	m->names_size = memsyms_word(m, word);
	if (m->names_size < MEMSYMS_MIN || m->names_size > MEMSYMS_NAMES || word[m->word] != '\0')
		return false;
	m->names_at += m->word;
	return memsyms_sample_fits(m);
}

/* The section whose symbols are functions is code: without section headers nothing else says so. */
static char memsyms_type(const struct memsyms_sym *sym, const bool *code)
{
	unsigned bind = ELF64_ST_BIND(sym->info), type = ELF64_ST_TYPE(sym->info);
	char c;

	if (bind == STB_WEAK)
		return type == STT_OBJECT ? 'V' : 'W';
	if (sym->section == SHN_ABS)
		c = 'a';
	else if (type == STT_FUNC || (sym->section < MEMSYMS_SECTIONS && code[sym->section]))
		c = 't';
	else
		c = 'd';
	return bind == STB_LOCAL ? c : (char)(c - 'a' + 'A');
}

static bool memsyms_has(const struct memsyms *m, const char *name)
{
	for (const char *const *want = m->req->names; *want; want++)
		if (strcmp(*want, name) == 0)
			return true;
	return false;
}

static const char *memsyms_name(const struct memsyms *m, const struct memsyms_sym *sym)
{
	return sym->name < m->names_size ? m->names + sym->name : "";
}

static bool memsyms_wanted(const struct memsyms *m, const struct memsyms_sym *sym)
{
	// Reserved sections but the absolute one are the linker's notes to itself.
	return (sym->section < SHN_LORESERVE || sym->section == SHN_ABS) &&
	       kco_elf_symtab_wanted(ELF64_ST_TYPE(sym->info), sym->section, memsyms_name(m, sym));
}

static void memsyms_find_code(const struct memsyms *m, bool code[MEMSYMS_SECTIONS])
{
	struct memsyms_sym sym;

	for (uint64_t at = 0; at < m->syms_size; at += m->sym) {
		memsyms_sym(m, m->syms + at, &sym);
		if (ELF64_ST_TYPE(sym.info) == STT_FUNC && sym.section < MEMSYMS_SECTIONS)
			code[sym.section] = true;
	}
}

/* All of the table, which is in m->syms and m->names. */
static void memsyms_fill(const struct memsyms *m, struct kco_elf_symtab *table, bool *proved, uint64_t *first,
			 uint64_t *last)
{
	bool code[MEMSYMS_SECTIONS] = { false };
	struct memsyms_sym sym;

	*first = UINT64_MAX;
	*last = 0;
	memsyms_find_code(m, code);
	for (uint64_t at = 0; at < m->syms_size; at += m->sym) {
		memsyms_sym(m, m->syms + at, &sym);
		if (!memsyms_wanted(m, &sym))
			continue;
		*proved |= memsyms_has(m, memsyms_name(m, &sym));
		kco_elf_symtab_add(table, sym.value, sym.size, memsyms_name(m, &sym), memsyms_type(&sym, code));
		if (sym.section == SHN_ABS)
			continue;
		if (sym.value < *first)
			*first = sym.value;
		if (sym.size && sym.value + sym.size - 1 >= sym.value && sym.value + sym.size - 1 > *last)
			*last = sym.value + sym.size - 1;
		if (sym.value > *last)
			*last = sym.value;
	}
}

/* Read both arrays. What is missing of them is zero. */
static enum kco_status memsyms_get(struct memsyms *m, struct kco_err *err)
{
	m->syms = malloc(m->syms_size);
	m->names = malloc(m->names_size + 1);
	if (!m->syms || !m->names)
		return kco_fail(err, KCO_E_NOMEM, "the symbols at %#" PRIx64 ": out of memory", m->syms_at);
	m->missing = memsyms_read(m, m->syms_at, m->syms, m->syms_size);
	m->missing += memsyms_read(m, m->names_at, m->names, m->names_size);
	m->names[m->names_size] = '\0';
	return KCO_OK;
}

static void memsyms_put(struct memsyms *m)
{
	free(m->syms);
	free(m->names);
	m->syms = NULL;
	m->names = NULL;
}

/* Make the source of a table that was proved by its shape. KCO_E_NOSYM: it has none of the names. */
static enum kco_status memsyms_load(struct memsyms *m, struct kco_symbol_source **ret, struct kco_err *err)
{
	struct kco_elf_symtab *table = NULL;
	uint64_t first, last;
	bool proved = false;
	enum kco_status st = memsyms_get(m, err);

	if (!st)
		st = kco_elf_symtab_new(m->syms_size / m->sym, &table, err);
	if (st)
		return st;
	memsyms_fill(m, table, &proved, &first, &last);
	if (!proved) {
		kco_elf_symtab_free(table);
		return kco_fail(err, KCO_E_NOSYM, "the symbols at %#" PRIx64 " are not a kernel's", m->syms_at);
	}
	*ret = kco_elf_symtab_finish(table, first, last, m->names);
	m->names = NULL;
	return KCO_OK;
}

/* Look through a chunk of @n bytes at @addr; MEMSYMS_OVERLAP more are behind it. */
static enum kco_status memsyms_scan(struct memsyms *m, const uint8_t *chunk, uint64_t addr, size_t n,
				    struct kco_symbol_source **ret, struct kco_err *err)
{
	static const uint8_t zeros[sizeof(Elf64_Sym)];

	for (size_t at = 0; at < n; at += m->word) {
		uint64_t size = memsyms_word(m, chunk + at);
		enum kco_status st;

		if (!memsyms_size_fits(m, size) || memcmp(chunk + at + m->word, zeros, m->sym) != 0 ||
		    !memsyms_proves(m, addr + at, size))
			continue;
		st = memsyms_load(m, ret, err);
		memsyms_put(m);
		if (st != KCO_E_NOSYM)
			return st;
	}
	return KCO_E_NOSYM;
}

enum kco_status kco_elf_memsyms_new(const struct kco_memsyms_request *req, struct kco_symbol_source **ret,
				    struct kco_memsyms_found *found, struct kco_err *err)
{
	struct memsyms m = {
		.req = req,
		.word = req->elf64 ? 8 : 4,
		.sym = req->elf64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym),
	};
	uint8_t *chunk = malloc(MEMSYMS_CHUNK + MEMSYMS_OVERLAP);
	enum kco_status st = KCO_E_NOSYM;

	*ret = NULL;
	if (!chunk)
		return kco_fail(err, KCO_E_NOMEM, "a search for symbols: out of memory");
	for (uint64_t addr = req->first; addr < req->end && st == KCO_E_NOSYM;) {
		size_t n = req->end - addr < MEMSYMS_CHUNK ? (size_t)(req->end - addr) : MEMSYMS_CHUNK;

		if (req->cancelled && req->cancelled(req->arg)) {
			free(chunk);
			return kco_fail(err, KCO_E_CANCELLED, "the search for symbols was interrupted");
		}
		// Nothing here, nothing to look at: most of what is not mapped.
		if (memsyms_read(&m, addr, chunk, n + MEMSYMS_OVERLAP) < n + MEMSYMS_OVERLAP)
			st = memsyms_scan(&m, chunk, addr, n, ret, err);
		if (__builtin_add_overflow(addr, n, &addr))
			break;
	}
	free(chunk);
	if (st == KCO_E_NOSYM)
		return kco_fail(err, KCO_E_NOSYM, "no symbol table in memory from %#" PRIx64 " to %#" PRIx64,
				req->first, req->end);
	if (!st)
		*found = (struct kco_memsyms_found){ m.syms_at - m.word, m.syms_size / m.sym, m.missing };
	return st;
}

static struct memsyms memsyms_of(const struct kco_memsyms_request *req, const struct kco_memsyms_table *t)
{
	return (struct memsyms){
		.req = req,
		.word = req->elf64 ? 8 : 4,
		.sym = req->elf64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym),
		.syms_at = t->syms,
		.syms_size = t->symbols * (req->elf64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym)),
		.names_at = t->names,
		.names_size = t->names_size,
	};
}

bool kco_elf_memsyms_fits(const struct kco_memsyms_request *req, const struct kco_memsyms_table *t)
{
	static const uint8_t zeros[sizeof(Elf64_Sym)];
	uint8_t first[sizeof(Elf64_Sym)], ends[2];
	struct memsyms m;

	if (t->symbols < 2 || t->symbols > MEMSYMS_MAX || t->names_size < 2 || t->names_size > MEMSYMS_NAMES ||
	    t->names > UINT64_MAX - t->names_size)
		return false;
	m = memsyms_of(req, t);
	if (t->syms > UINT64_MAX - m.syms_size)
		return false;
	return !memsyms_read(&m, t->syms, first, m.sym) && !memcmp(first, zeros, m.sym) &&
	       !memsyms_read(&m, t->names, ends, 1) && !ends[0] &&
	       !memsyms_read(&m, t->names + t->names_size - 1, ends + 1, 1) && !ends[1] && memsyms_sample_fits(&m);
}

/* How many of the symbols would lie in the module with @bias. */
static size_t memsyms_in_module(const struct memsyms *m, const struct kco_memsyms_table *t, uint64_t bias, size_t *of)
{
	struct memsyms_sym sym;
	size_t n = 0;

	*of = 0;
	for (uint64_t at = 0; at < m->syms_size; at += m->sym) {
		memsyms_sym(m, m->syms + at, &sym);
		if (!memsyms_wanted(m, &sym) || sym.section == SHN_ABS)
			continue;
		++*of;
		n += sym.value + bias >= t->first && sym.value + bias <= t->last;
	}
	return n;
}

/* The module's symbols from m->syms and m->names, whose values lack @bias. */
static void memsyms_fill_module(const struct memsyms *m, const struct kco_memsyms_table *t, uint64_t bias,
				struct kco_elf_symtab *table, struct kco_memsyms_found *found)
{
	bool code[MEMSYMS_SECTIONS] = { false };
	struct memsyms_sym sym;

	memsyms_find_code(m, code);
	for (uint64_t at = 0; at < m->syms_size; at += m->sym) {
		uint64_t last;

		memsyms_sym(m, m->syms + at, &sym);
		if (!memsyms_wanted(m, &sym))
			continue;
		if (sym.section != SHN_ABS)
			sym.value += bias;
		// In a section that was not loaded: an offset still.
		if (sym.section != SHN_ABS && sym.value < MEMSYMS_LOWEST)
			continue;
		kco_elf_symtab_add(table, sym.value, sym.size, memsyms_name(m, &sym), memsyms_type(&sym, code));
		if (ELF64_ST_TYPE(sym.info) != STT_FUNC || sym.value < t->first || sym.value > t->last)
			continue;
		last = sym.size ? sym.size - 1 : 0;
		last = last > t->last - sym.value ? t->last : sym.value + last;
		if (last >= found->code_last)
			found->code_last = last;
	}
}

enum kco_status kco_elf_memsyms_at_new(const struct kco_memsyms_request *req, const struct kco_memsyms_table *t,
				       struct kco_symbol_source **ret, struct kco_memsyms_found *found,
				       struct kco_err *err)
{
	struct memsyms m;
	struct kco_elf_symtab *table = NULL;
	size_t placed = 0, relative = 0, of = 0;
	enum kco_status st;

	*ret = NULL;
	if (!kco_elf_memsyms_fits(req, t))
		return kco_fail(err, KCO_E_CORRUPT, "there is no symbol table at %#" PRIx64, t->syms);
	m = memsyms_of(req, t);
	st = memsyms_get(&m, err);
	if (!st) {
		placed = memsyms_in_module(&m, t, 0, &of);
		relative = memsyms_in_module(&m, t, t->first, &of);
		// Per-CPU variables and sections that are not loaded lie elsewhere.
		if (!of || (placed > relative ? placed : relative) < of / 2)
			st = kco_fail(err, KCO_E_CORRUPT,
				      "of %zu symbols at %#" PRIx64 " only %zu are in the module's memory", of, t->syms,
				      placed > relative ? placed : relative);
	}
	if (!st)
		st = kco_elf_symtab_new(m.syms_size / m.sym, &table, err);
	if (!st) {
		*found = (struct kco_memsyms_found){ t->syms, t->symbols, m.missing, 0 };
		memsyms_fill_module(&m, t, placed >= relative ? 0 : t->first, table, found);
		*ret = kco_elf_symtab_finish(table, t->first, t->last, m.names);
		(*ret)->module = t->module;
		m.names = NULL;
	}
	memsyms_put(&m);
	return st;
}
