// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An ELF core of a kernel, 64-bit little-endian.
 *
 *   Ehdr | Phdr[n] | (Shdr[1]) | notes | bytes of each run of memory
 *
 * A PT_LOAD for each run: p_paddr always, p_vaddr by the direct map where the
 * source knows it (gdb needs it; 0 means "physical only", as QEMU writes). Each
 * other map of the source gets PT_LOADs of its own over the same bytes. Memory
 * that the source does not have is a gap between runs, never p_filesz <
 * p_memsz: readers differ in what that means. Offsets agree with addresses to
 * 4096 bytes, so that the file can be mapped. p_align is 0 all the same, as in
 * /proc/vmcore: crash takes a file with aligned offsets and a p_align for one of
 * netdump, whose kernels were never moved (is_netdump() in its netdump.c). With
 * 65535 headers or more their number is section header 0's sh_info (PN_XNUM, the
 * ELF gABI). Facts that ELF has no place for are in a note KCODBG (facts_note.h).
 */
#include "elf_write.h"

#include "facts_note.h"
#include "runs_write.h"

#include <kco/endian.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define ELF_WRITE_PAGE 4096u
/* What elf.c reads back. */
#define ELF_WRITE_PHDRS_MAX (UINT32_C(1) << 22)

struct elf_writer {
	const struct kco_write_source *src;
	struct kco_sink *sink;
	struct kco_filed_run *runs;
	size_t nr_runs;
	Elf64_Phdr *phdrs;
	size_t nr_phdrs, cap_phdrs;
	uint64_t notes_size, size;
	uint8_t *facts; /* the note KCODBG, NULL none */
	size_t facts_size;
};

static const struct kco_write_map *elf_direct_map(const struct kco_write_source *src)
{
	for (size_t i = 0; i < src->nr_maps; i++)
		if (src->maps[i].direct)
			return &src->maps[i];
	return NULL;
}

static enum kco_status elf_add_phdr(struct elf_writer *w, const Elf64_Phdr *ph, struct kco_err *err)
{
	if (w->nr_phdrs == w->cap_phdrs) {
		size_t cap = w->cap_phdrs ? w->cap_phdrs * 2 : 64;
		Elf64_Phdr *grown = cap > 2 * ELF_WRITE_PHDRS_MAX ? NULL : reallocarray(w->phdrs, cap, sizeof(*grown));

		if (!grown)
			return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu program headers", cap);
		w->phdrs = grown;
		w->cap_phdrs = cap;
	}
	w->phdrs[w->nr_phdrs++] = *ph;
	return KCO_OK;
}

/* Note @i of those to write: the facts behind all others; false: there are no more. */
static bool elf_note(const struct elf_writer *w, size_t i, struct kco_note *ret)
{
	const struct kco_image *img = w->src->image;

	if (kco_write_note(img, i, ret))
		return true;
	if (!w->facts || (i && !kco_write_note(img, i - 1, ret)))
		return false;
	*ret = (struct kco_note){ KCO_FACTS_NOTE_NAME, KCO_FACTS_NOTE_TYPE, (uint32_t)w->facts_size, w->facts };
	return true;
}

static enum kco_status elf_put_notes(struct elf_writer *w, uint64_t off, struct kco_err *err)
{
	uint8_t *buf = calloc(1, w->notes_size ? w->notes_size : 1), *p = buf;
	enum kco_status status;
	struct kco_note note;

	if (!buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for the notes");
	for (size_t i = 0; elf_note(w, i, &note); i++) {
		(void)kco_write_note_put(p, &note);
		p += kco_write_note_size(&note);
	}
	status = kco_sink_write(w->sink, buf, w->notes_size, off, err);
	free(buf);
	return status;
}

/* The headers of the part of @map that the file has bytes of. */
static enum kco_status elf_add_map(struct elf_writer *w, const struct kco_write_map *map, struct kco_err *err)
{
	uint64_t last = map->pa + (map->size - 1);
	enum kco_status status = KCO_OK;

	for (size_t i = kco_runs_find(w->runs, w->nr_runs, map->pa);
	     status == KCO_OK && i < w->nr_runs && w->runs[i].first <= last; i++) {
		uint64_t first = w->runs[i].first > map->pa ? w->runs[i].first : map->pa;
		uint64_t end = w->runs[i].last < last ? w->runs[i].last : last;
		Elf64_Phdr ph = {
			.p_type = PT_LOAD,
			.p_flags = PF_R | (map->write ? PF_W : 0u) | (map->exec ? PF_X : 0u),
			.p_offset = w->runs[i].offset + (first - w->runs[i].first),
			.p_vaddr = map->va + (first - map->pa),
			.p_paddr = first,
			.p_filesz = end - first + 1,
			.p_memsz = end - first + 1,
		};

		status = elf_add_phdr(w, &ph, err);
	}
	return status;
}

/* How many headers the maps will take, which decides where the bytes begin; counted no further than readers take. */
static size_t elf_count_maps(const struct elf_writer *w)
{
	size_t n = 0;

	for (size_t m = 0; m < w->src->nr_maps && n <= ELF_WRITE_PHDRS_MAX; m++) {
		const struct kco_write_map *map = &w->src->maps[m];

		for (size_t i = kco_runs_find(w->runs, w->nr_runs, map->pa);
		     !map->direct && map->size && n <= ELF_WRITE_PHDRS_MAX && i < w->nr_runs &&
		     w->runs[i].first <= map->pa + (map->size - 1);
		     i++)
			n++;
	}
	return n;
}

static enum kco_status elf_layout(struct elf_writer *w, struct kco_err *err)
{
	const struct kco_write_map *direct = elf_direct_map(w->src);
	size_t count = 1 + w->nr_runs + elf_count_maps(w);
	uint64_t at = sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Phdr) + sizeof(Elf64_Shdr);
	enum kco_status status = KCO_OK;
	struct kco_note note;

	if (count > ELF_WRITE_PHDRS_MAX)
		return kco_fail(err, KCO_E_UNSUPPORTED, "%zu program headers are more than readers take", count);
	for (size_t i = 0; elf_note(w, i, &note); i++)
		w->notes_size += kco_write_note_size(&note);
	status = elf_add_phdr(
		w,
		&(Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = at, .p_filesz = w->notes_size, .p_memsz = w->notes_size },
		err);
	at += w->notes_size;
	for (size_t i = 0; status == KCO_OK && i < w->nr_runs; i++) {
		struct kco_filed_run *run = &w->runs[i];
		uint64_t size = run->last - run->first + 1;
		bool mapped = direct && run->first >= direct->pa && run->last - direct->pa < direct->size;
		Elf64_Phdr ph = { .p_type = PT_LOAD,
				  .p_flags = PF_R | PF_W | PF_X,
				  .p_paddr = run->first,
				  .p_vaddr = mapped ? direct->va + (run->first - direct->pa) : 0,
				  .p_filesz = size,
				  .p_memsz = size };

		// The next offset that agrees with the address.
		at += (run->first - at) & (ELF_WRITE_PAGE - 1);
		run->offset = ph.p_offset = at;
		at += size;
		status = elf_add_phdr(w, &ph, err);
	}
	for (size_t i = 0; status == KCO_OK && i < w->src->nr_maps; i++)
		if (!w->src->maps[i].direct && w->src->maps[i].size)
			status = elf_add_map(w, &w->src->maps[i], err);
	w->size = at;
	return status;
}

static enum kco_status elf_put_headers(struct elf_writer *w, struct kco_err *err)
{
	const struct kco_facts *facts = &w->src->image->facts;
	bool many = w->nr_phdrs >= PN_XNUM;
	uint64_t shoff = sizeof(Elf64_Ehdr) + w->nr_phdrs * sizeof(Elf64_Phdr);
	Elf64_Ehdr eh = { .e_type = htole16(ET_CORE),
			  .e_machine = htole16(facts->elf_machine),
			  .e_version = htole32(EV_CURRENT),
			  .e_phoff = htole64(sizeof(eh)),
			  .e_ehsize = htole16(sizeof(eh)),
			  .e_phentsize = htole16(sizeof(Elf64_Phdr)),
			  .e_phnum = htole16(many ? PN_XNUM : (uint16_t)w->nr_phdrs),
			  .e_shentsize = htole16(sizeof(Elf64_Shdr)),
			  .e_shnum = htole16(many),
			  .e_shoff = many ? htole64(shoff) : 0 };
	Elf64_Shdr sh = { .sh_info = htole32((uint32_t)w->nr_phdrs) };
	enum kco_status status;

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	for (size_t i = 0; i < w->nr_phdrs; i++) {
		Elf64_Phdr *p = &w->phdrs[i];

		*p =
			(Elf64_Phdr){ htole32(p->p_type),  htole32(p->p_flags), htole64(p->p_offset),
				      htole64(p->p_vaddr), htole64(p->p_paddr), htole64(p->p_filesz),
				      htole64(p->p_memsz), htole64(p->p_align) };
	}
	status = kco_sink_write(w->sink, &eh, sizeof(eh), 0, err);
	if (status == KCO_OK)
		status = kco_sink_write(w->sink, w->phdrs, w->nr_phdrs * sizeof(*w->phdrs), sizeof(eh), err);
	if (status == KCO_OK && many)
		status = kco_sink_write(w->sink, &sh, sizeof(sh), shoff, err);
	return status;
}

enum kco_status kco_elf_write(const struct kco_write_source *src, struct kco_sink *sink, struct kco_err *err)
{
	struct elf_writer w = { .src = src, .sink = sink };
	enum kco_status status;

	status = kco_runs_new(src, ELF_WRITE_PHDRS_MAX, &w.runs, &w.nr_runs, err);
	if (status == KCO_OK)
		status = kco_facts_note_new(src, &w.facts, &w.facts_size, err);
	if (status == KCO_OK)
		status = elf_layout(&w, err);
	if (status == KCO_OK)
		status = elf_put_notes(&w, w.phdrs[0].p_offset, err);
	if (status == KCO_OK)
		status = elf_put_headers(&w, err);
	if (status == KCO_OK)
		status = kco_runs_write(src, w.runs, w.nr_runs, sink, w.size, err);
	free(w.facts);
	free(w.runs);
	free(w.phdrs);
	return status;
}
