// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small ELF reader for images of processes: 32 and 64 bit, little endian.
 *
 * Its bytes come through a callback, either as they are mapped in a process
 * (by address) or as they lie in a file (by offset). All of them are hostile:
 * counts are bounded, sums are checked, chains end.
 *
 *   mapped: at = vaddr + bias          file: at = offset
 */
#ifndef KCO_UELF_H
#define KCO_UELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>

#define KCO_UELF_PHDRS 128
#define KCO_UELF_SECTIONS 65536
#define KCO_UELF_BUILD_ID 64

struct kco_uelf_io {
	/* Read @n bytes at @at; *@done is the valid prefix. All of them, or an error. */
	enum kco_status (*read)(void *arg, uint64_t at, void *buf, size_t n, size_t *done, struct kco_err *err);
	void *arg;
	bool mapped; /* @at is an address and not an offset */
};

struct kco_uelf_phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, filesz, memsz, align;
};

struct kco_uelf_section {
	uint32_t name, type, link;
	uint64_t flags, addr, offset, size, entsize;
};

struct kco_uelf {
	struct kco_uelf_io io;
	uint64_t bias; /* mapped: what to add to vaddr; the caller's to set, see kco_uelf_bias() */
	uint64_t base; /* mapped: address of the ELF header */
	bool elf32;
	uint16_t type, machine;
	uint64_t phoff, shoff;
	uint16_t shnum, shentsize, shstrndx;
	struct kco_uelf_phdr *phdrs;
	size_t nr_phdrs;
	uint64_t low,
		high; /* of all PT_LOADs, without the bias; high is one past the last byte. Equal: there is none */
	struct kco_uelf_section *sections; /* kco_uelf_sections_load() */
	size_t nr_sections;
	char *section_names;
	size_t section_names_size;
};

/**
 * Read the ELF header at @base (0 of a file) and the program headers, which are
 * copied. KCO_E_BADFILE: no ELF file. KCO_E_UNSUPPORTED: big endian, no
 * executable and no library. KCO_E_CORRUPT: its headers contradict each other.
 * kco_uelf_fini() in any case.
 */
enum kco_status kco_uelf_init(struct kco_uelf *elf, const struct kco_uelf_io *io, uint64_t base,
			      struct kco_err *err) KCO_MUST_USE;
void kco_uelf_fini(struct kco_uelf *elf);

/**
 * The bias of an image that has @offset of its file mapped at @start. @exec:
 * that mapping is executable, which chooses between two segments that share a
 * page of the file. False: no segment is loaded from there.
 */
bool kco_uelf_bias(const struct kco_uelf *elf, uint64_t start, uint64_t offset, bool exec, uint64_t *ret);
/** Whether some segment with elf->bias has @offset of the file at @start. */
bool kco_uelf_maps(const struct kco_uelf *elf, uint64_t start, uint64_t offset);
/** The PT_LOAD that has @vaddr, or NULL. */
const struct kco_uelf_phdr *kco_uelf_load_at(const struct kco_uelf *elf, uint64_t vaddr);
const struct kco_uelf_phdr *kco_uelf_phdr_find(const struct kco_uelf *elf, uint32_t type);

/** Read what the file has for @vaddr (without the bias). Of a file: not beyond what its segment holds, KCO_E_RANGE. */
enum kco_status kco_uelf_read(const struct kco_uelf *elf, uint64_t vaddr, void *buf, size_t n, size_t *done,
			      struct kco_err *err) KCO_MUST_USE;
/** The build-id. KCO_E_NOSYM: it has none. */
enum kco_status kco_uelf_build_id(const struct kco_uelf *elf, uint8_t id[KCO_UELF_BUILD_ID], size_t *size,
				  struct kco_err *err) KCO_MUST_USE;

/** What PT_DYNAMIC says. Addresses without the bias, 0: not there. */
struct kco_uelf_dynamic {
	uint64_t symtab, strtab, strsz, hash, gnu_hash;
	uint64_t soname; /* offset in the strings */
	bool has_soname;
	uint64_t debug; /* address of r_debug in the process, as the loader left it */
	uint64_t jmprel, pltrelsz, pltgot;
	bool rela;
};
enum kco_status kco_uelf_dynamic(const struct kco_uelf *elf, struct kco_uelf_dynamic *ret,
				 struct kco_err *err) KCO_MUST_USE;
/** How many symbols .dynsym has, by its hash tables. */
enum kco_status kco_uelf_dynsym_count(const struct kco_uelf *elf, const struct kco_uelf_dynamic *dyn, size_t *ret,
				      struct kco_err *err) KCO_MUST_USE;
static inline size_t kco_uelf_sym_size(const struct kco_uelf *elf)
{
	return elf->elf32 ? 16 : 24;
}
/** @n bytes at @vaddr, malloc()ed with a NUL behind them. */
enum kco_status kco_uelf_read_new(const struct kco_uelf *elf, uint64_t vaddr, size_t n, void **ret,
				  struct kco_err *err) KCO_MUST_USE;

/* uelf_sections.c: of a file only. */

/** Section headers and their names, once. KCO_E_NOSYM: it has none. */
enum kco_status kco_uelf_sections_load(struct kco_uelf *elf, struct kco_err *err) KCO_MUST_USE;
/** By name, or (@name NULL) the first of @type. NULL: there is none, or it has no bytes in the file. */
const struct kco_uelf_section *kco_uelf_section_find(const struct kco_uelf *elf, const char *name, uint32_t type);
/** Its bytes, decompressed, malloc()ed with a NUL behind them. At most @max of them, else KCO_E_NOMEM. */
enum kco_status kco_uelf_section_read_new(const struct kco_uelf *elf, const struct kco_uelf_section *section,
					  size_t max, void **ret, size_t *n, struct kco_err *err) KCO_MUST_USE;

/* uelf_xz.c */

/** Unpack an xz stream (.gnu_debugdata). At most @max bytes come out, else KCO_E_NOMEM. */
enum kco_status kco_uelf_unxz_new(const void *src, size_t n, size_t max, void **ret, size_t *ret_n,
				  struct kco_err *err) KCO_MUST_USE;

#endif
