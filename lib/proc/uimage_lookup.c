// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols of processes by address and by name, unwind tables, and bytes that
 * are not in memory.
 */
#include <kco/uimage.h>

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>

#include "uimage_priv.h"

#define LOOKUP_FRAME ((size_t)64 << 20) /* bytes of a .debug_frame */

static struct uimage *lookup_priv(struct process_images *images, const struct kco_uimage *image)
{
	return &images->priv[image - images->list];
}

/* The shared part of the image at @i. */
static enum kco_status lookup_file(struct process_images *images, const struct kco_uimage *image,
				   struct uimage_file **ret, struct kco_err *err)
{
	return uimage_file_get(&images->list[image - images->list], lookup_priv(images, image), ret, err);
}

static void lookup_give(const struct kco_uimage *image, const struct kco_usym *sym, struct kco_usymbol *ret)
{
	uint64_t addr = sym->addr + image->bias;

	*ret = (struct kco_usymbol){ .addr = image->elf32 ? (uint32_t)addr : addr,
				     .size = sym->size,
				     .name = sym->name,
				     .image = image,
				     .type = sym->type };
}

enum kco_status kco_usymbol_by_addr(struct kco_process *p, uint64_t va, struct kco_usymbol *ret, struct kco_err *err)
{
	struct process_images *images;
	const struct kco_uimage *image;
	const struct kco_usym *sym;
	struct uimage_file *file;
	uint64_t vaddr;
	enum kco_status st = uimage_get(p, &images, err);

	if (st)
		return st;
	image = kco_uimage_at(p, va);
	if (!image)
		return kco_fail(err, KCO_E_NOSYM, "no image holds %#" PRIx64, va);
	st = lookup_file(images, image, &file, err);
	if (st)
		return kco_context(err, KCO_E_NOSYM, "%.80s", image->path);
	vaddr = image->elf32 ? (uint32_t)(va - image->bias) : va - image->bias;
	sym = kco_usymtab_by_addr(&file->syms, &lookup_priv(images, image)->elf, vaddr);
	if (!sym)
		return kco_fail(err, KCO_E_NOSYM, "no symbol of %.80s covers %#" PRIx64, image->path, va);
	lookup_give(image, sym, ret);
	return KCO_OK;
}

/* Whether "libc`..." or "libc.so.6`..." means @image. */
static bool lookup_named(const struct kco_uimage *image, const char *name, size_t n)
{
	const char *slash = strrchr(image->path, '/');

	return strncmp(slash ? slash + 1 : image->path, name, n) == 0;
}

static bool lookup_in(struct process_images *images, size_t i, const char *name, struct kco_usymbol *ret)
{
	const struct kco_usym *sym = NULL;
	struct uimage_file *file;

	if (!lookup_file(images, &images->list[i], &file, NULL))
		sym = kco_usymtab_by_name(&file->syms, name);
	if (sym)
		lookup_give(&images->list[i], sym, ret);
	return sym != NULL;
}

enum kco_status kco_usymbol_next(struct kco_process *p, const char *name, size_t *cursor, struct kco_usymbol *ret,
				 struct kco_err *err)
{
	const char *tick = strchr(name, '`'), *bare = tick ? tick + 1 : name;
	size_t prefix = tick ? (size_t)(tick - name) : 0;
	struct process_images *images;
	bool any = false;
	enum kco_status st = uimage_get(p, &images, err);

	if (st)
		return st;
	// The main program first, as its loader resolves names.
	while (*cursor <= images->n) {
		size_t i = (*cursor)++, at = i ? i - 1 : images->main;

		if (at == images->n || (i && at == images->main) ||
		    (tick && !lookup_named(&images->list[at], name, prefix)))
			continue;
		any = true;
		if (lookup_in(images, at, bare, ret))
			return KCO_OK;
	}
	if (tick && !any)
		return kco_fail(err, KCO_E_NOSYM, "process %" PRId64 " has no image '%.*s'", p->pid,
				prefix < 80 ? (int)prefix : 80, name);
	return kco_fail(err, KCO_E_NOSYM, "no symbol '%.80s' in process %" PRId64, bare, p->pid);
}

enum kco_status kco_usymbol_by_name(struct kco_process *p, const char *name, struct kco_usymbol *ret,
				    struct kco_err *err)
{
	size_t cursor = 0;

	return kco_usymbol_next(p, name, &cursor, ret, err);
}

/* .eh_frame from its header's pointer, in the one encoding that linkers use: sdata4, pcrel. */
static uint64_t lookup_eh_frame(struct kco_process *p, uint64_t hdr)
{
	uint8_t raw[8];

	if (kco_process_read(p, hdr, raw, sizeof(raw), NULL, NULL) || raw[0] != 1 || raw[1] != 0x1b)
		return 0;
	return hdr + 4 + (uint64_t)(int64_t)(int32_t)kco_le32(raw + 4);
}

static struct uimage_source *lookup_sources(struct uimage_file *file, int i)
{
	struct uimage_source *all[] = { &file->cached, &file->symbols, &file->binary };

	return all[i];
}

static void lookup_frame_load(struct uimage_file *file)
{
	for (int i = 0; i < 3 && !file->debug_frame; i++) {
		const struct uimage_source *src = lookup_sources(file, i);
		const struct kco_uelf_section *sec = kco_uelf_section_find(&src->elf, ".debug_frame", 0);

		if (sec && kco_uelf_section_read_new(&src->elf, sec, LOOKUP_FRAME, &file->debug_frame,
						     &file->debug_frame_size, NULL))
			file->debug_frame = NULL;
	}
	file->frame_tried = true;
}

/* Sections know where .eh_frame ends, and where it is when there is no header for it (static programs). */
static void lookup_frame_section(struct uimage_file *file, const struct kco_uimage *image,
				 struct kco_uimage_unwind *ret)
{
	for (int i = 0; i < 3 && !ret->eh_frame_size; i++) {
		const struct uimage_source *src = lookup_sources(file, i);

		for (size_t k = 1; k < src->elf.nr_sections; k++) {
			const struct kco_uelf_section *sec = &src->elf.sections[k];

			// Files of debug information keep its address, though not its bytes.
			if (!(sec->flags & SHF_ALLOC) || sec->name >= src->elf.section_names_size ||
			    strcmp(src->elf.section_names + sec->name, ".eh_frame") != 0)
				continue;
			ret->eh_frame = image->bias + sec->addr;
			ret->eh_frame_size = sec->size;
		}
	}
}

enum kco_status kco_uimage_unwind_get(struct kco_process *p, const struct kco_uimage *image,
				      struct kco_uimage_unwind *ret, struct kco_err *err)
{
	const struct kco_uelf_phdr *ph;
	struct process_images *images;
	struct uimage_file *file;
	enum kco_status st = uimage_get(p, &images, err);

	*ret = (struct kco_uimage_unwind){ 0 };
	if (!st)
		st = lookup_file(images, image, &file, err);
	if (st)
		return st;
	ph = kco_uelf_phdr_find(&lookup_priv(images, image)->elf, PT_GNU_EH_FRAME);
	if (ph && ph->memsz) {
		ret->eh_frame_hdr = image->bias + ph->vaddr;
		ret->eh_frame_hdr_size = ph->memsz;
		ret->eh_frame = lookup_eh_frame(p, ret->eh_frame_hdr);
	}
	lookup_frame_section(file, image, ret);
	if (!file->frame_tried)
		lookup_frame_load(file);
	ret->debug_frame = file->debug_frame;
	ret->debug_frame_size = file->debug_frame_size;
	return KCO_OK;
}

enum kco_status kco_uimage_read(struct kco_process *p, const struct kco_uimage *image, uint64_t va, void *buf, size_t n,
				size_t *done, struct kco_err *err)
{
	size_t got = 0, part;
	struct process_images *images;
	const struct kco_uelf_phdr *ph;
	struct uimage_file *file;
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st = kco_process_read(p, va, buf, n, &got, &why);

	// What a program may write is only in its memory.
	if (st && !uimage_get(p, &images, NULL) && !lookup_file(images, image, &file, NULL) && file->binary.open) {
		ph = kco_uelf_load_at(&file->binary.elf, va + got - image->bias);
		if (ph && !(ph->flags & PF_W)) {
			st = kco_uelf_read(&file->binary.elf, va + got - image->bias, (uint8_t *)buf + got, n - got,
					   &part, NULL);
			got += part;
		}
	}
	if (done)
		*done = got;
	return got == n ? KCO_OK : kco_fail(err, why.code ? why.code : st, "%s", why.msg);
}
