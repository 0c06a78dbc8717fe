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

struct memsyms {
	const struct kco_memsyms_request *req;
	unsigned word, sym; /* bytes */
	uint64_t at;	    /* of the word before the symbols */
	uint64_t syms_size, names_at, names_size;
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

/* Is there a table at @at? Looks at its second size and at the first symbols. */
static bool memsyms_proves(struct memsyms *m, uint64_t at, uint64_t size)
{
	uint8_t raw[MEMSYMS_SAMPLE * sizeof(Elf64_Sym)], word[9];
	struct memsyms_sym sym;
	unsigned named = 0;

	m->at = at;
	m->syms_size = size;
	m->names_at = (at + m->word + size + m->word - 1) & ~(uint64_t)(m->word - 1);
	if (m->names_at < at || memsyms_read(m, m->names_at, word, m->word + 1u))
		return false;
	m->names_size = memsyms_word(m, word);
	if (m->names_size < MEMSYMS_MIN || m->names_size > MEMSYMS_NAMES || word[m->word] != '\0')
		return false;
	if (memsyms_read(m, at + m->word, raw, (size_t)MEMSYMS_SAMPLE * m->sym))
		return false;
	for (unsigned i = 1; i < MEMSYMS_SAMPLE; i++) {
		memsyms_sym(m, raw + (size_t)i * m->sym, &sym);
		if (!memsyms_sym_fits(m, &sym))
			return false;
		named += sym.name != 0;
	}
	return named > 0;
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

/* All of the table, which is in m->syms and m->names. */
static void memsyms_fill(const struct memsyms *m, struct kco_elf_symtab *table, bool *proved, uint64_t *first,
			 uint64_t *last)
{
	bool code[MEMSYMS_SECTIONS] = { false };
	struct memsyms_sym sym;

	*first = UINT64_MAX;
	*last = 0;
	for (uint64_t at = 0; at < m->syms_size; at += m->sym) {
		memsyms_sym(m, m->syms + at, &sym);
		if (ELF64_ST_TYPE(sym.info) == STT_FUNC && sym.section < MEMSYMS_SECTIONS)
			code[sym.section] = true;
	}
	for (uint64_t at = 0; at < m->syms_size; at += m->sym) {
		const char *name;

		memsyms_sym(m, m->syms + at, &sym);
		name = sym.name < m->names_size ? m->names + sym.name : "";
		if (!kco_elf_symtab_wanted(ELF64_ST_TYPE(sym.info), sym.section, name))
			continue;
		*proved |= memsyms_has(m, name);
		kco_elf_symtab_add(table, sym.value, sym.size, name, memsyms_type(&sym, code));
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

/* Make the source of a table that was proved by its shape. KCO_E_NOSYM: it has none of the names. */
static enum kco_status memsyms_load(struct memsyms *m, struct kco_symbol_source **ret, struct kco_err *err)
{
	struct kco_elf_symtab *table = NULL;
	uint64_t first, last;
	bool proved = false;
	enum kco_status st;

	m->syms = malloc(m->syms_size);
	m->names = malloc(m->names_size + 1);
	if (!m->syms || !m->names)
		return kco_fail(err, KCO_E_NOMEM, "the symbols at %#" PRIx64 ": out of memory", m->at);
	m->missing = memsyms_read(m, m->at + m->word, m->syms, m->syms_size);
	m->missing += memsyms_read(m, m->names_at + m->word, m->names, m->names_size);
	m->names[m->names_size] = '\0';
	st = kco_elf_symtab_new(m->syms_size / m->sym, &table, err);
	if (st)
		return st;
	memsyms_fill(m, table, &proved, &first, &last);
	if (!proved) {
		kco_elf_symtab_free(table);
		return kco_fail(err, KCO_E_NOSYM, "the symbols at %#" PRIx64 " are not a kernel's", m->at);
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
		free(m->syms);
		free(m->names);
		m->syms = NULL;
		m->names = NULL;
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
		*found = (struct kco_memsyms_found){ m.at, m.syms_size / m.sym, m.missing };
	return st;
}
