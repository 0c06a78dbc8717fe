// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Headers, notes and the dynamic section of an ELF image.
 *
 *   Ehdr -> Phdr[] -> PT_LOAD       what of the file lies where
 *                  -> PT_NOTE       build-id: namesz, descsz, type 3, "GNU", id
 *                  -> PT_DYNAMIC    (tag, value)[]: DT_SYMTAB, DT_STRTAB, DT_HASH, DT_GNU_HASH
 *
 * Layouts: System V ABI, chapters 4 and 5; DT_GNU_HASH: binutils,
 * bfd/elflink.c. Loaders such as glibc's add the bias to the addresses in
 * PT_DYNAMIC in place, others (musl, the vdso's) do not: both are understood.
 */
#include "uelf.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define UELF_NOTES 64		/* of one segment */
#define UELF_DYNAMIC 1024	/* entries */
#define UELF_SYMBOLS (1u << 20) /* of a .dynsym; the largest of a distribution have some 10^5 */
#define UELF_BUCKETS (1u << 20)
#define UELF_PAGE UINT64_C(4096)

static enum kco_status uelf_at(const struct kco_uelf *elf, uint64_t at, void *buf, size_t n, size_t *done,
			       struct kco_err *err)
{
	size_t got = 0;
	enum kco_status st;

	if (n && at > UINT64_MAX - (n - 1))
		return kco_fail(err, KCO_E_RANGE, "%zu bytes at %#" PRIx64 " wrap around", n, at);
	st = elf->io.read(elf->io.arg, at, buf, n, &got, err);
	if (done)
		*done = got;
	return st;
}

static enum kco_status uelf_header(struct kco_uelf *elf, const uint8_t *raw, size_t got, uint16_t *phnum,
				   struct kco_err *err)
{
	size_t need, phentsize;

	if (got < EI_NIDENT || memcmp(raw, ELFMAG, SELFMAG) != 0)
		return kco_fail(err, KCO_E_BADFILE, "no ELF header at %#" PRIx64, elf->base);
	if (raw[EI_CLASS] != ELFCLASS32 && raw[EI_CLASS] != ELFCLASS64)
		return kco_fail(err, KCO_E_CORRUPT, "ELF header: class %u", raw[EI_CLASS]);
	if (raw[EI_DATA] != ELFDATA2LSB)
		return kco_fail(err, KCO_E_UNSUPPORTED, "ELF header: byte order %u is not supported", raw[EI_DATA]);
	elf->elf32 = raw[EI_CLASS] == ELFCLASS32;
	need = elf->elf32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);
	if (got < need)
		return kco_fail(err, KCO_E_TRUNCATED, "ELF header: %zu of %zu bytes", got, need);
	elf->type = kco_le16(raw + 16);
	elf->machine = kco_le16(raw + 18);
	elf->phoff = elf->elf32 ? kco_le32(raw + 28) : kco_le64(raw + 32);
	elf->shoff = elf->elf32 ? kco_le32(raw + 32) : kco_le64(raw + 40);
	raw += elf->elf32 ? 42 : 54;
	phentsize = kco_le16(raw);
	*phnum = kco_le16(raw + 2);
	elf->shentsize = kco_le16(raw + 4);
	elf->shnum = kco_le16(raw + 6);
	elf->shstrndx = kco_le16(raw + 8);
	if (elf->type != ET_EXEC && elf->type != ET_DYN)
		return kco_fail(err, KCO_E_UNSUPPORTED, "ELF type %u is neither a program nor a library", elf->type);
	if (*phnum > KCO_UELF_PHDRS)
		return kco_fail(err, KCO_E_CORRUPT, "ELF header: %u program headers", *phnum);
	if (*phnum && phentsize != (elf->elf32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr)))
		return kco_fail(err, KCO_E_CORRUPT, "ELF header: program headers of %zu bytes", phentsize);
	return KCO_OK;
}

static void uelf_phdr(const struct kco_uelf *elf, const uint8_t *raw, struct kco_uelf_phdr *ret)
{
	if (elf->elf32)
		*ret = (struct kco_uelf_phdr){ .type = kco_le32(raw),
					       .offset = kco_le32(raw + 4),
					       .vaddr = kco_le32(raw + 8),
					       .filesz = kco_le32(raw + 16),
					       .memsz = kco_le32(raw + 20),
					       .flags = kco_le32(raw + 24),
					       .align = kco_le32(raw + 28) };
	else
		*ret = (struct kco_uelf_phdr){ .type = kco_le32(raw),
					       .flags = kco_le32(raw + 4),
					       .offset = kco_le64(raw + 8),
					       .vaddr = kco_le64(raw + 16),
					       .filesz = kco_le64(raw + 32),
					       .memsz = kco_le64(raw + 40),
					       .align = kco_le64(raw + 48) };
}

/* Segments that are loaded: their sums must make sense, and the image has an extent. */
static enum kco_status uelf_loads(struct kco_uelf *elf, struct kco_err *err)
{
	elf->low = UINT64_MAX;
	for (size_t i = 0; i < elf->nr_phdrs; i++) {
		const struct kco_uelf_phdr *ph = &elf->phdrs[i];

		if (ph->type != PT_LOAD || !ph->memsz)
			continue;
		if (ph->filesz > ph->memsz || ph->vaddr > UINT64_MAX - ph->memsz ||
		    ph->offset > UINT64_MAX - ph->filesz)
			return kco_fail(err, KCO_E_CORRUPT,
					"program header %zu: %#" PRIx64 " bytes of the file for %#" PRIx64
					" at %#" PRIx64,
					i, ph->filesz, ph->memsz, ph->vaddr);
		if (ph->vaddr < elf->low)
			elf->low = ph->vaddr;
		if (ph->vaddr + ph->memsz > elf->high)
			elf->high = ph->vaddr + ph->memsz;
	}
	if (elf->low > elf->high)
		elf->low = elf->high = 0;
	return KCO_OK;
}

enum kco_status kco_uelf_init(struct kco_uelf *elf, const struct kco_uelf_io *io, uint64_t base, struct kco_err *err)
{
	uint8_t raw[sizeof(Elf64_Ehdr)], table[KCO_UELF_PHDRS * sizeof(Elf64_Phdr)];
	size_t got, size;
	uint16_t phnum = 0;
	enum kco_status st;

	*elf = (struct kco_uelf){ .io = *io, .base = base };
	st = uelf_at(elf, base, raw, sizeof(raw), &got, err);
	if (st && got < sizeof(Elf32_Ehdr))
		return st;
	st = uelf_header(elf, raw, got, &phnum, err);
	if (st || !phnum)
		return st;
	size = elf->elf32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
	if (elf->phoff > UINT64_MAX - base)
		return kco_fail(err, KCO_E_CORRUPT, "ELF header: program headers at %#" PRIx64, elf->phoff);
	st = uelf_at(elf, base + elf->phoff, table, phnum * size, NULL, err);
	if (st)
		return kco_context(err, st, "program headers");
	elf->phdrs = calloc(phnum, sizeof(*elf->phdrs));
	if (!elf->phdrs)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	elf->nr_phdrs = phnum;
	for (size_t i = 0; i < phnum; i++)
		uelf_phdr(elf, table + i * size, &elf->phdrs[i]);
	return uelf_loads(elf, err);
}

void kco_uelf_fini(struct kco_uelf *elf)
{
	free(elf->phdrs);
	free(elf->sections);
	free(elf->section_names);
	elf->phdrs = NULL;
	elf->sections = NULL;
	elf->section_names = NULL;
	elf->nr_phdrs = elf->nr_sections = 0;
}

bool kco_uelf_bias(const struct kco_uelf *elf, uint64_t start, uint64_t offset, bool exec, uint64_t *ret)
{
	int best = 0;

	for (size_t i = 0; i < elf->nr_phdrs; i++) {
		const struct kco_uelf_phdr *ph = &elf->phdrs[i];
		uint64_t first = ph->offset & ~(UELF_PAGE - 1);
		int score;

		if (ph->type != PT_LOAD || !ph->filesz || offset < first || offset >= ph->offset + ph->filesz)
			continue;
		// Its beginning is surer than its middle, which a split by mprotect() leaves.
		score = 1 + 2 * (offset == first) + ((ph->flags & PF_X) != 0 ? exec : !exec);
		if (score <= best)
			continue;
		best = score;
		*ret = start - (ph->vaddr - ph->offset + offset);
	}
	if (elf->elf32)
		*ret = (uint32_t)*ret;
	return best > 0;
}

bool kco_uelf_maps(const struct kco_uelf *elf, uint64_t start, uint64_t offset)
{
	for (size_t i = 0; i < elf->nr_phdrs; i++) {
		const struct kco_uelf_phdr *ph = &elf->phdrs[i];
		uint64_t at = ph->vaddr - ph->offset + offset + elf->bias;

		if (ph->type == PT_LOAD && ph->filesz && offset >= (ph->offset & ~(UELF_PAGE - 1)) &&
		    offset < ph->offset + ph->filesz && start == (elf->elf32 ? (uint32_t)at : at))
			return true;
	}
	return false;
}

const struct kco_uelf_phdr *kco_uelf_load_at(const struct kco_uelf *elf, uint64_t vaddr)
{
	for (size_t i = 0; i < elf->nr_phdrs; i++)
		if (elf->phdrs[i].type == PT_LOAD && vaddr >= elf->phdrs[i].vaddr &&
		    vaddr - elf->phdrs[i].vaddr < elf->phdrs[i].memsz)
			return &elf->phdrs[i];
	return NULL;
}

const struct kco_uelf_phdr *kco_uelf_phdr_find(const struct kco_uelf *elf, uint32_t type)
{
	for (size_t i = 0; i < elf->nr_phdrs; i++)
		if (elf->phdrs[i].type == type)
			return &elf->phdrs[i];
	return NULL;
}

enum kco_status kco_uelf_read(const struct kco_uelf *elf, uint64_t vaddr, void *buf, size_t n, size_t *done,
			      struct kco_err *err)
{
	const struct kco_uelf_phdr *ph;
	uint64_t left;
	enum kco_status st;

	if (done)
		*done = 0;
	if (elf->io.mapped) {
		uint64_t at = vaddr + elf->bias;

		return uelf_at(elf, elf->elf32 ? (uint32_t)at : at, buf, n, done, err);
	}
	ph = kco_uelf_load_at(elf, vaddr);
	if (!ph || vaddr - ph->vaddr >= ph->filesz)
		return kco_fail(err, KCO_E_RANGE, "the file has nothing for %#" PRIx64, vaddr);
	left = ph->filesz - (vaddr - ph->vaddr);
	st = uelf_at(elf, ph->offset + (vaddr - ph->vaddr), buf, n < left ? n : (size_t)left, done, err);
	if (!st && n > left)
		return kco_fail(err, KCO_E_RANGE, "the file has nothing for %#" PRIx64, vaddr + left);
	return st;
}

enum kco_status kco_uelf_read_new(const struct kco_uelf *elf, uint64_t vaddr, size_t n, void **ret, struct kco_err *err)
{
	uint8_t *bytes = malloc(n + 1);
	enum kco_status st;

	*ret = NULL;
	if (!bytes)
		return kco_fail(err, KCO_E_NOMEM, "%zu bytes of an image: out of memory", n);
	st = kco_uelf_read(elf, vaddr, bytes, n, NULL, err);
	if (st) {
		free(bytes);
		return st;
	}
	bytes[n] = '\0';
	*ret = bytes;
	return KCO_OK;
}

/* Notes of @size bytes at @at, an address without the bias or (@offset) an offset in a file. */
static bool uelf_note(const struct kco_uelf *elf, bool offset, uint64_t at, uint64_t size, uint64_t align,
		      uint8_t id[KCO_UELF_BUILD_ID], size_t *id_size)
{
	uint64_t pos = 0;

	align = align == 8 ? 8 : 4;
	for (int i = 0; i < UELF_NOTES && size - pos >= 16; i++) {
		uint8_t raw[16];
		uint64_t namesz, descsz, desc, next;
		enum kco_status st;

		if (at > UINT64_MAX - size)
			return false;
		st = offset ? uelf_at(elf, at + pos, raw, 16, NULL, NULL)
			    : kco_uelf_read(elf, at + pos, raw, 16, NULL, NULL);
		if (st)
			return false;
		namesz = kco_le32(raw);
		descsz = kco_le32(raw + 4);
		desc = pos + ((12 + namesz + align - 1) & ~(align - 1));
		next = desc + ((descsz + align - 1) & ~(align - 1));
		if (desc > size || descsz > size - desc)
			return false;
		if (kco_le32(raw + 8) == NT_GNU_BUILD_ID && namesz == 4 && memcmp(raw + 12, "GNU", 4) == 0 && descsz &&
		    descsz <= KCO_UELF_BUILD_ID) {
			st = offset ? uelf_at(elf, at + desc, id, descsz, NULL, NULL)
				    : kco_uelf_read(elf, at + desc, id, descsz, NULL, NULL);
			*id_size = descsz;
			return st == KCO_OK;
		}
		if (next > size)
			return false;
		pos = next;
	}
	return false;
}

enum kco_status kco_uelf_build_id(const struct kco_uelf *elf, uint8_t id[KCO_UELF_BUILD_ID], size_t *size,
				  struct kco_err *err)
{
	*size = 0;
	// Program headers of a file of debug information alone point nowhere: sections first.
	for (size_t i = 0; i < elf->nr_sections; i++)
		if (elf->sections[i].type == SHT_NOTE &&
		    uelf_note(elf, true, elf->sections[i].offset, elf->sections[i].size, 4, id, size))
			return KCO_OK;
	for (size_t i = 0; i < elf->nr_phdrs; i++)
		if (elf->phdrs[i].type == PT_NOTE &&
		    uelf_note(elf, !elf->io.mapped, elf->io.mapped ? elf->phdrs[i].vaddr : elf->phdrs[i].offset,
			      elf->phdrs[i].filesz, elf->phdrs[i].align, id, size))
			return KCO_OK;
	*size = 0;
	return kco_fail(err, KCO_E_NOSYM, "it has no build-id");
}

/* Loaders may have added the bias. */
static uint64_t uelf_unbiased(const struct kco_uelf *elf, uint64_t v)
{
	uint64_t less = elf->elf32 ? (uint32_t)(v - elf->bias) : v - elf->bias;

	if (elf->io.mapped && less >= elf->low && less < elf->high)
		return less;
	return v >= elf->low && v < elf->high ? v : 0;
}

static void uelf_dynamic_tag(const struct kco_uelf *elf, struct kco_uelf_dynamic *dyn, uint64_t tag, uint64_t v)
{
	switch (tag) {
	case DT_SYMTAB:
		dyn->symtab = uelf_unbiased(elf, v);
		break;
	case DT_STRTAB:
		dyn->strtab = uelf_unbiased(elf, v);
		break;
	case DT_STRSZ:
		dyn->strsz = v;
		break;
	case DT_HASH:
		dyn->hash = uelf_unbiased(elf, v);
		break;
	case DT_GNU_HASH:
		dyn->gnu_hash = uelf_unbiased(elf, v);
		break;
	case DT_SONAME:
		dyn->soname = v;
		dyn->has_soname = true;
		break;
	case DT_DEBUG:
		dyn->debug = v;
		break;
	case DT_JMPREL:
		dyn->jmprel = uelf_unbiased(elf, v);
		break;
	case DT_PLTRELSZ:
		dyn->pltrelsz = v;
		break;
	case DT_PLTGOT:
		dyn->pltgot = uelf_unbiased(elf, v);
		break;
	case DT_PLTREL:
		dyn->rela = v == DT_RELA;
		break;
	}
}

enum kco_status kco_uelf_dynamic(const struct kco_uelf *elf, struct kco_uelf_dynamic *ret, struct kco_err *err)
{
	const struct kco_uelf_phdr *ph = kco_uelf_phdr_find(elf, PT_DYNAMIC);
	size_t size = elf->elf32 ? 8 : 16;

	*ret = (struct kco_uelf_dynamic){ 0 };
	if (!ph)
		return kco_fail(err, KCO_E_NOSYM, "it has no dynamic section");
	for (size_t i = 0; i < UELF_DYNAMIC && i < ph->filesz / size; i++) {
		uint8_t raw[16];
		uint64_t tag;
		enum kco_status st = kco_uelf_read(elf, ph->vaddr + i * size, raw, size, NULL, err);

		if (st)
			return kco_context(err, st, "dynamic section");
		tag = elf->elf32 ? kco_le32(raw) : kco_le64(raw);
		if (tag == DT_NULL)
			return KCO_OK;
		uelf_dynamic_tag(elf, ret, tag, elf->elf32 ? kco_le32(raw + 4) : kco_le64(raw + 8));
	}
	return KCO_OK; // without its end, as far as it goes
}

/* The last chain ends with an odd number: nothing else says how many symbols there are. */
static enum kco_status uelf_gnu_hash(const struct kco_uelf *elf, uint64_t at, size_t *ret, struct kco_err *err)
{
	uint32_t nr_buckets, first, bloom, last = 0;
	uint8_t raw[16], *buckets;
	enum kco_status st = kco_uelf_read(elf, at, raw, sizeof(raw), NULL, err);
	uint64_t chains;

	if (st)
		return st;
	nr_buckets = kco_le32(raw);
	first = kco_le32(raw + 4);
	bloom = kco_le32(raw + 8);
	if (nr_buckets > UELF_BUCKETS || bloom > UELF_BUCKETS || first > UELF_SYMBOLS)
		return kco_fail(err, KCO_E_CORRUPT, "DT_GNU_HASH: %u buckets, %u symbols before them", nr_buckets,
				first);
	at += sizeof(raw) + (uint64_t)bloom * (elf->elf32 ? 4 : 8);
	st = kco_uelf_read_new(elf, at, (size_t)nr_buckets * 4, (void **)&buckets, err);
	if (st)
		return st;
	for (uint32_t i = 0; i < nr_buckets; i++)
		if (kco_le32(buckets + i * 4) > last)
			last = kco_le32(buckets + i * 4);
	free(buckets);
	if (last < first) {
		*ret = first; // all buckets are empty
		return KCO_OK;
	}
	for (chains = at + (uint64_t)nr_buckets * 4; last < UELF_SYMBOLS; last++) {
		st = kco_uelf_read(elf, chains + (uint64_t)(last - first) * 4, raw, 4, NULL, err);
		if (st)
			return st;
		if (raw[0] & 1) {
			*ret = (size_t)last + 1;
			return KCO_OK;
		}
	}
	return kco_fail(err, KCO_E_CORRUPT, "DT_GNU_HASH: its last chain has no end");
}

enum kco_status kco_uelf_dynsym_count(const struct kco_uelf *elf, const struct kco_uelf_dynamic *dyn, size_t *ret,
				      struct kco_err *err)
{
	enum kco_status st;
	uint64_t n;

	*ret = 0;
	if (dyn->hash) {
		uint8_t raw[8];

		st = kco_uelf_read(elf, dyn->hash, raw, sizeof(raw), NULL, err);
		n = kco_le32(raw + 4);
	} else if (dyn->gnu_hash) {
		size_t count = 0;

		st = uelf_gnu_hash(elf, dyn->gnu_hash, &count, err);
		n = count;
	} else {
		// Linkers put the strings right behind the symbols.
		if (!dyn->symtab || dyn->strtab <= dyn->symtab)
			return kco_fail(err, KCO_E_NOSYM, "it has no hash table, which counts its symbols");
		st = KCO_OK;
		n = (dyn->strtab - dyn->symtab) / kco_uelf_sym_size(elf);
	}
	if (st)
		return kco_context(err, st, "number of symbols");
	if (n > UELF_SYMBOLS)
		return kco_fail(err, KCO_E_CORRUPT, "it claims %" PRIu64 " symbols", n);
	*ret = (size_t)n;
	return KCO_OK;
}
