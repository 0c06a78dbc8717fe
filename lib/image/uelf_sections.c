// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sections of an ELF file: what is in no segment (.symtab, .debug_frame,
 * .gnu_debugdata, .gnu_debuglink). SHF_COMPRESSED ones begin with a
 * compression header: type (1 zlib, 2 zstd), size, alignment.
 */
#include "uelf.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/codec.h>
#include <kco/endian.h>

#define UELF_NAMES ((size_t)4 << 20)

static enum kco_status uelf_sections_at(const struct kco_uelf *elf, uint64_t at, size_t n, void **ret,
					struct kco_err *err)
{
	uint8_t *bytes;
	enum kco_status st;

	*ret = NULL;
	if (at > UINT64_MAX - n)
		return kco_fail(err, KCO_E_CORRUPT, "%zu bytes at offset %#" PRIx64 " of the file", n, at);
	bytes = malloc(n + 1);
	if (!bytes)
		return kco_fail(err, KCO_E_NOMEM, "%zu bytes of a section: out of memory", n);
	st = elf->io.read(elf->io.arg, at, bytes, n, &(size_t){ 0 }, err);
	if (st) {
		free(bytes);
		return st;
	}
	bytes[n] = '\0';
	*ret = bytes;
	return KCO_OK;
}

static void uelf_sections_parse(const struct kco_uelf *elf, const uint8_t *raw, struct kco_uelf_section *ret)
{
	if (elf->elf32)
		*ret = (struct kco_uelf_section){ .name = kco_le32(raw),
						  .type = kco_le32(raw + 4),
						  .flags = kco_le32(raw + 8),
						  .addr = kco_le32(raw + 12),
						  .offset = kco_le32(raw + 16),
						  .size = kco_le32(raw + 20),
						  .link = kco_le32(raw + 24),
						  .entsize = kco_le32(raw + 36) };
	else
		*ret = (struct kco_uelf_section){ .name = kco_le32(raw),
						  .type = kco_le32(raw + 4),
						  .flags = kco_le64(raw + 8),
						  .addr = kco_le64(raw + 16),
						  .offset = kco_le64(raw + 24),
						  .size = kco_le64(raw + 32),
						  .link = kco_le32(raw + 40),
						  .entsize = kco_le64(raw + 56) };
}

/* How many there are and which one has the names; more than fit the header are told by the first. */
static enum kco_status uelf_sections_count(const struct kco_uelf *elf, size_t size, uint64_t *n, uint32_t *names,
					   struct kco_err *err)
{
	struct kco_uelf_section zero;
	void *raw;
	enum kco_status st;

	*n = elf->shnum;
	*names = elf->shstrndx;
	if (*n && *names != SHN_XINDEX)
		return KCO_OK;
	st = uelf_sections_at(elf, elf->shoff, size, &raw, err);
	if (st)
		return st;
	uelf_sections_parse(elf, raw, &zero);
	free(raw);
	*n = *n ? *n : zero.size;
	*names = *names == SHN_XINDEX ? zero.link : *names;
	return KCO_OK;
}

enum kco_status kco_uelf_sections_load(struct kco_uelf *elf, struct kco_err *err)
{
	size_t size = elf->elf32 ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr);
	const struct kco_uelf_section *strings;
	enum kco_status st;
	uint32_t names;
	uint64_t n;
	void *raw;

	if (elf->sections)
		return KCO_OK;
	if (elf->io.mapped || !elf->shoff)
		return kco_fail(err, KCO_E_NOSYM, "it has no section headers");
	if (elf->shentsize != size)
		return kco_fail(err, KCO_E_CORRUPT, "ELF header: section headers of %u bytes", elf->shentsize);
	st = uelf_sections_count(elf, size, &n, &names, err);
	if (!st && (n == 0 || n > KCO_UELF_SECTIONS))
		st = kco_fail(err, KCO_E_CORRUPT, "ELF header: %" PRIu64 " section headers", n);
	if (!st)
		st = uelf_sections_at(elf, elf->shoff, (size_t)n * size, &raw, err);
	if (st)
		return kco_context(err, st, "section headers");
	elf->sections = calloc((size_t)n, sizeof(*elf->sections));
	if (!elf->sections) {
		free(raw);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	elf->nr_sections = (size_t)n;
	for (size_t i = 0; i < n; i++)
		uelf_sections_parse(elf, (uint8_t *)raw + i * size, &elf->sections[i]);
	free(raw);
	strings = names < n ? &elf->sections[names] : NULL;
	if (!strings || strings->type != SHT_STRTAB || strings->size > UELF_NAMES)
		return KCO_OK; // sections without names are still sections
	st = uelf_sections_at(elf, strings->offset, (size_t)strings->size, &raw, err);
	if (st)
		return kco_context(err, st, "names of sections");
	elf->section_names = raw;
	elf->section_names_size = (size_t)strings->size;
	return KCO_OK;
}

const struct kco_uelf_section *kco_uelf_section_find(const struct kco_uelf *elf, const char *name, uint32_t type)
{
	for (size_t i = 1; i < elf->nr_sections; i++) {
		const struct kco_uelf_section *sec = &elf->sections[i];

		if (sec->type == SHT_NOBITS || !sec->size)
			continue;
		// The names end with a NUL of ours, whatever the file has.
		if (name ? sec->name < elf->section_names_size && strcmp(elf->section_names + sec->name, name) == 0
			 : sec->type == type)
			return sec;
	}
	return NULL;
}

static enum kco_status uelf_sections_unpack(const struct kco_uelf *elf, const uint8_t *raw, size_t n, size_t max,
					    void **ret, size_t *ret_n, struct kco_err *err)
{
	size_t head = elf->elf32 ? sizeof(Elf32_Chdr) : sizeof(Elf64_Chdr);
	struct kco_codec *codec;
	uint64_t size;
	uint32_t type;
	uint8_t *out;
	enum kco_status st;

	if (n < head)
		return kco_fail(err, KCO_E_CORRUPT, "a compressed section of %zu bytes", n);
	type = kco_le32(raw);
	size = elf->elf32 ? kco_le32(raw + 4) : kco_le64(raw + 8);
	if (type != ELFCOMPRESS_ZLIB && type != 2)
		return kco_fail(err, KCO_E_UNSUPPORTED, "a section is compressed in an unknown way (%u)", type);
	if (size > max)
		return kco_fail(err, KCO_E_NOMEM, "a compressed section claims %" PRIu64 " bytes", size);
	out = malloc((size_t)size + 1);
	codec = kco_codec_new();
	st = out && codec ? kco_codec_decompress(codec, type == 2 ? KCO_CODEC_ZSTD : KCO_CODEC_ZLIB, raw + head,
						 n - head, out, (size_t)size, err)
			  : kco_fail(err, KCO_E_NOMEM, "a section: out of memory");
	kco_codec_free(codec);
	if (st) {
		free(out);
		return st;
	}
	out[size] = '\0';
	*ret = out;
	*ret_n = (size_t)size;
	return KCO_OK;
}

enum kco_status kco_uelf_section_read_new(const struct kco_uelf *elf, const struct kco_uelf_section *section,
					  size_t max, void **ret, size_t *n, struct kco_err *err)
{
	enum kco_status st;
	void *raw;

	*ret = NULL;
	*n = 0;
	if (section->type == SHT_NOBITS || section->size > max)
		return kco_fail(err, section->type == SHT_NOBITS ? KCO_E_NOSYM : KCO_E_NOMEM,
				"a section of %" PRIu64 " bytes is not read", section->size);
	st = uelf_sections_at(elf, section->offset, (size_t)section->size, &raw, err);
	if (st)
		return st;
	if (!(section->flags & SHF_COMPRESSED)) {
		*ret = raw;
		*n = (size_t)section->size;
		return KCO_OK;
	}
	st = uelf_sections_unpack(elf, raw, (size_t)section->size, max, ret, n, err);
	free(raw);
	return st;
}
