// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small ELF image made by hand, as it lies in a file. What is loaded:
 *
 *   0x0000  R    Ehdr, Phdr[], build-id note, DT_HASH or DT_GNU_HASH, .dynsym, .dynstr
 *   0x1000  RX   text
 *   0x2000  RW   PT_DYNAMIC, loaded one page higher than it lies in the file
 *
 * and behind it .symtab, .strtab, .shstrtab and the section headers. Symbols
 * are given; all of them are in both tables.
 */
#ifndef KCO_UNIT_UELFMAKE_H
#define KCO_UNIT_UELFMAKE_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "vmem.h"

#define UELFMAKE_TEXT UINT64_C(0x1000)
#define UELFMAKE_DATA UINT64_C(0x2000)	  /* in the file */
#define UELFMAKE_DATA_AT UINT64_C(0x3000) /* loaded there, plus the first address */
#define UELFMAKE_SHNDX 4		  /* of a section that is loaded */
#define UELFMAKE_SIZE UINT64_C(0x3100)	  /* up to the sections */

struct uelfmake_sym {
	const char *name;
	uint64_t value, size;
	uint8_t info;
	uint16_t shndx;
};

struct uelfmake {
	bool elf32, gnu_hash;
	uint64_t first;	    /* address of the first segment: 0 for a library, more for what is prelinked */
	uint64_t relocated; /* what a loader added to the addresses in PT_DYNAMIC */
	uint64_t eh_frame_hdr, eh_frame_hdr_size; /* in the first segment, its bytes are the caller's; size 0: none */
	struct bytes file;
	uint64_t hash, dynsym, dynstr, dynstr_size, note, symtab; /* offsets in the file */
};

static inline void uelfmake_pad(struct bytes *b, uint64_t to)
{
	while (b->n < to)
		bytes_uint(b, 0, 1);
}

static inline void uelfmake_put(struct uelfmake *m, uint64_t v)
{
	bytes_uint(&m->file, v, m->elf32 ? 4 : 8);
}

static inline void uelfmake_phdr(struct uelfmake *m, uint32_t type, uint32_t flags, uint64_t off, uint64_t addr,
				 uint64_t filesz, uint64_t memsz)
{
	bytes_uint(&m->file, type, 4);
	if (!m->elf32)
		bytes_uint(&m->file, flags, 4);
	uelfmake_put(m, off);
	uelfmake_put(m, addr);
	uelfmake_put(m, addr);
	uelfmake_put(m, filesz);
	uelfmake_put(m, memsz);
	if (m->elf32)
		bytes_uint(&m->file, flags, 4);
	uelfmake_put(m, type == PT_LOAD ? 0x1000 : 4);
}

static inline void uelfmake_symbols(struct uelfmake *m, const struct uelfmake_sym *syms, size_t n)
{
	uint32_t name = 1;

	uelfmake_pad(&m->file, m->file.n + (m->elf32 ? 16 : 24));
	for (size_t i = 0; i < n; i++) {
		bytes_uint(&m->file, name, 4);
		if (m->elf32) {
			bytes_uint(&m->file, syms[i].value, 4);
			bytes_uint(&m->file, syms[i].size, 4);
		}
		bytes_uint(&m->file, syms[i].info, 1);
		bytes_uint(&m->file, 0, 1);
		bytes_uint(&m->file, syms[i].shndx, 2);
		if (!m->elf32) {
			bytes_uint(&m->file, syms[i].value, 8);
			bytes_uint(&m->file, syms[i].size, 8);
		}
		name += (uint32_t)strlen(syms[i].name) + 1;
	}
}

static inline void uelfmake_strings(struct bytes *b, const struct uelfmake_sym *syms, size_t n)
{
	bytes_uint(b, 0, 1);
	for (size_t i = 0; i < n; i++)
		bytes_put(b, syms[i].name, strlen(syms[i].name) + 1);
}

static inline void uelfmake_shdr(struct uelfmake *m, uint32_t name, uint32_t type, uint64_t off, uint64_t size,
				 uint32_t link)
{
	bytes_uint(&m->file, name, 4);
	bytes_uint(&m->file, type, 4);
	uelfmake_put(m, type == SHT_PROGBITS ? SHF_ALLOC : 0);
	uelfmake_put(m, 0);
	uelfmake_put(m, off);
	uelfmake_put(m, size);
	bytes_uint(&m->file, link, 4);
	bytes_uint(&m->file, 0, 4);
	uelfmake_put(m, 1);
	uelfmake_put(m, 0);
}

static inline void uelfmake_header(struct uelfmake *m)
{
	size_t ehdr = m->elf32 ? 52 : 64, phdr = m->elf32 ? 32 : 56, n = m->eh_frame_hdr_size ? 6 : 5;

	bytes_put(&m->file, "\177ELF", 4);
	bytes_uint(&m->file, m->elf32 ? 1 : 2, 1);
	bytes_uint(&m->file, 1, 1);
	bytes_uint(&m->file, 1, 1);
	uelfmake_pad(&m->file, 16);
	bytes_uint(&m->file, ET_DYN, 2);
	bytes_uint(&m->file, m->elf32 ? EM_386 : EM_X86_64, 2);
	bytes_uint(&m->file, 1, 4);
	uelfmake_put(m, 0);
	uelfmake_put(m, ehdr);
	uelfmake_put(m, 0); // e_shoff: uelfmake() knows later
	bytes_uint(&m->file, 0, 4);
	bytes_uint(&m->file, ehdr, 2);
	bytes_uint(&m->file, phdr, 2);
	bytes_uint(&m->file, n, 2);
	bytes_uint(&m->file, m->elf32 ? 40 : 64, 2);
	bytes_uint(&m->file, 5, 2);
	bytes_uint(&m->file, 3, 2);
	m->note = ehdr + n * phdr;
	uelfmake_phdr(m, PT_LOAD, PF_R, 0, m->first, 0x1000, 0x1000);
	uelfmake_phdr(m, PT_LOAD, PF_R | PF_X, UELFMAKE_TEXT, m->first + UELFMAKE_TEXT, 0x1000, 0x1000);
	uelfmake_phdr(m, PT_LOAD, PF_R | PF_W, UELFMAKE_DATA, m->first + UELFMAKE_DATA_AT, 0x100, 0x1000);
	uelfmake_phdr(m, PT_DYNAMIC, PF_R, UELFMAKE_DATA, m->first + UELFMAKE_DATA_AT, 0x100, 0x100);
	uelfmake_phdr(m, PT_NOTE, PF_R, m->note, m->first + m->note, 36, 36);
	if (m->eh_frame_hdr_size)
		uelfmake_phdr(m, PT_GNU_EH_FRAME, PF_R, m->eh_frame_hdr, m->first + m->eh_frame_hdr,
			      m->eh_frame_hdr_size, m->eh_frame_hdr_size);
}

static inline void uelfmake_hash(struct uelfmake *m, size_t n)
{
	m->hash = m->file.n;
	if (!m->gnu_hash) {
		const uint32_t words[] = { 1, (uint32_t)n + 1, 1 };

		bytes_put(&m->file, words, sizeof(words));
		uelfmake_pad(&m->file, m->file.n + (n + 1) * 4);
		return;
	}
	// One bucket with all of them behind the null symbol.
	const uint32_t words[] = { 1, 1, 1, 0 };

	bytes_put(&m->file, words, sizeof(words));
	uelfmake_put(m, UINT64_MAX);
	bytes_uint(&m->file, 1, 4);
	for (size_t i = 0; i < n; i++)
		bytes_uint(&m->file, (i + 1) * 2 | (i + 1 == n), 4);
}

static inline void uelfmake_dynamic(struct uelfmake *m)
{
	const uint64_t move = m->first + m->relocated;
	const uint64_t tags[][2] = { { m->gnu_hash ? DT_GNU_HASH : DT_HASH, m->hash + move },
				     { DT_SYMTAB, m->dynsym + move },
				     { DT_STRTAB, m->dynstr + move },
				     { DT_STRSZ, m->dynstr_size },
				     { DT_NULL, 0 } };

	uelfmake_pad(&m->file, UELFMAKE_DATA);
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		uelfmake_put(m, tags[i][0]);
		uelfmake_put(m, tags[i][1]);
	}
}

/** Fill m->file; elf32, gnu_hash, first and relocated are set. free() m->file.p. */
static inline void uelfmake(struct uelfmake *m, const struct uelfmake_sym *syms, size_t n)
{
	static const char names[] = "\0.symtab\0.strtab\0.shstrtab\0.text";
	uint64_t strtab, shstrtab, shoff;

	uelfmake_header(m);
	bytes_put(&m->file, "\4\0\0\0\24\0\0\0\3\0\0\0GNU\0abcdefghijklmnopqrst", 36);
	uelfmake_hash(m, n);
	uelfmake_pad(&m->file, (m->file.n + 7) & ~UINT64_C(7));
	m->dynsym = m->file.n;
	uelfmake_symbols(m, syms, n);
	m->dynstr = m->file.n;
	uelfmake_strings(&m->file, syms, n);
	m->dynstr_size = m->file.n - m->dynstr;
	uelfmake_dynamic(m);
	uelfmake_pad(&m->file, UELFMAKE_SIZE);
	m->symtab = m->file.n;
	uelfmake_symbols(m, syms, n);
	strtab = m->file.n;
	uelfmake_strings(&m->file, syms, n);
	shstrtab = m->file.n;
	bytes_put(&m->file, names, sizeof(names));
	shoff = m->file.n;
	memcpy(m->file.p + (m->elf32 ? 32 : 40), &shoff, m->elf32 ? 4 : 8);
	uelfmake_shdr(m, 0, SHT_NULL, 0, 0, 0);
	uelfmake_shdr(m, 1, SHT_SYMTAB, m->symtab, strtab - m->symtab, 2);
	uelfmake_shdr(m, 9, SHT_STRTAB, strtab, shstrtab - strtab, 0);
	uelfmake_shdr(m, 17, SHT_STRTAB, shstrtab, sizeof(names), 0);
	uelfmake_shdr(m, 27, SHT_PROGBITS, UELFMAKE_TEXT, 0x1000, 0);
}

#endif
