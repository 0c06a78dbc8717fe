// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a FreeBSD dump says of its kernel without the kernel's file: the symbol
 * table that the loader left behind the kernel (lib/image/elf_memsyms.c), and
 * the build-id in the kernel's own ELF header and notes, which its linker
 * scripts put at the start of the image (sys/conf/ldscript.*: SIZEOF_HEADERS).
 *
 * A minidump maps what is looked through; a full dump is physical memory whose
 * map only symbols lead to, so there the table is looked for in the lowest
 * memory, where loaders put kernels.
 */
#include "freebsd.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "elf_memsyms.h"
#include "freebsd_symbols.h"

#define SYMBOLS_PHYS_MAX (UINT64_C(4) << 30)
#define SYMBOLS_NOTES_MAX 4096u

/* Where kernels are linked: the image, and the end of what is looked through behind it. */
static const struct symbols_image {
	uint16_t elf_machine;
	bool elf64;
	uint64_t image, end;
} symbols_images[] = {
	{ EM_X86_64, true, 0xffffffff80200000, 0xffffffffa0000000 },
	{ EM_AARCH64, true, 0xffff000000000000, 0xffff000020000000 },
	{ EM_RISCV, true, 0xffffffc000000000, 0xffffffc020000000 },
	{ EM_386, false, 0xc0400000, 0xd0000000 }, // up to FreeBSD 11
	{ EM_386, false, 0x00800000, 0x20000000 }, // since: the kernel has 4 GiB of its own
};
#define SYMBOLS_IMAGES (sizeof(symbols_images) / sizeof(symbols_images[0]))

/* The first names are in every kernel since 2.0. */
static const char *const symbols_names[] = { "allproc", "panicstr", "KPML4phys", NULL };

static enum kco_status symbols_read_virt(void *arg, uint64_t addr, void *buf, size_t n, size_t *done,
					 struct kco_err *err)
{
	struct kco_session *s = arg;

	return kco_vread(s->mem, &s->kernel, addr, buf, n, done, err);
}

static enum kco_status symbols_read_phys(void *arg, uint64_t addr, void *buf, size_t n, size_t *done,
					 struct kco_err *err)
{
	struct kco_session *s = arg;

	return kco_pread(kco_mem_reader(s->mem), KCO_PADDR(addr), buf, n, done, err);
}

static bool symbols_cancelled(void *arg)
{
	return kco_session_cancelled(arg);
}

static enum kco_status symbols_search(struct kco_session *s, const struct kco_memsyms_request *req,
				      struct kco_symbol_source **ret, struct kco_err *err)
{
	struct kco_memsyms_found found;
	enum kco_status st = kco_elf_memsyms_new(req, ret, &found, err);

	if (!st && found.missing)
		kco_session_warn(s,
				 "%zu bytes of the kernel's symbol table (at %#" PRIx64
				 ") are not in the dump: some symbols are missing",
				 found.missing, found.addr);
	return st;
}

enum kco_status freebsd_symbols(struct kco_session *s, struct kco_symbols *syms, struct kco_err *err)
{
	struct kco_symbol_source *src = s->kernel_symbols;
	enum kco_status st =
		src ? KCO_OK
		    : kco_fail(err, KCO_E_UNSUPPORTED, "where kernels of ELF machine %u lie in memory is not known",
			       s->arch->elf_machine);

	s->kernel_symbols = NULL;
	for (size_t i = 0; !src && i < SYMBOLS_IMAGES; i++) {
		const struct symbols_image *image = &symbols_images[i];
		struct kco_memsyms_request req = {
			.read = symbols_read_virt,
			.cancelled = symbols_cancelled,
			.arg = s,
			.first = image->image,
			.end = image->end,
			.names = symbols_names,
			.elf64 = image->elf64,
		};

		if (image->elf_machine == s->arch->elf_machine)
			st = symbols_search(s, &req, &src, err);
	}
	if (!st)
		kco_symbols_add_take(syms, src);
	return st;
}

enum kco_status freebsd_symbols_phys(struct kco_session *s, struct kco_err *err)
{
	const struct kco_facts *facts = &s->image->facts;
	uint64_t end = facts->max_pfn * (facts->block_size ? facts->block_size : 4096);
	struct kco_memsyms_request req = {
		.read = symbols_read_phys,
		.cancelled = symbols_cancelled,
		.arg = s,
		.end = end && end < SYMBOLS_PHYS_MAX ? end : SYMBOLS_PHYS_MAX,
		.names = symbols_names,
		.elf64 = !facts->elf32,
	};

	return s->kernel_symbols ? KCO_OK : symbols_search(s, &req, &s->kernel_symbols, err);
}

/* The build-id among ELF notes. */
static bool symbols_note_id(const uint8_t *notes, size_t size, uint8_t *id, size_t *id_size)
{
	for (size_t at = 0; at + 12 <= size;) {
		size_t name = kco_le32(notes + at), desc = kco_le32(notes + at + 4);
		size_t desc_at = at + 12 + ((name + 3) & ~(size_t)3);

		if (name > size || desc > size || desc_at + desc > size)
			break;
		if (kco_le32(notes + at + 8) == NT_GNU_BUILD_ID && name == 4 && !memcmp(notes + at + 12, "GNU", 4) &&
		    desc && desc <= *id_size) {
			memcpy(id, notes + desc_at, desc);
			*id_size = desc;
			return true;
		}
		at = desc_at + ((desc + 3) & ~(size_t)3);
	}
	return false;
}

/* The notes that program header @ph at the start of the image names. */
static bool symbols_segment_id(struct kco_session *s, const struct symbols_image *image, const uint8_t *ph, uint8_t *id,
			       size_t *id_size)
{
	uint64_t va = image->elf64 ? kco_le64(ph + 16) : kco_le32(ph + 8);
	uint64_t size = image->elf64 ? kco_le64(ph + 32) : kco_le32(ph + 16);
	uint8_t notes[SYMBOLS_NOTES_MAX];
	size_t done = 0;

	if (kco_le32(ph) != PT_NOTE || va < image->image || va >= image->end)
		return false;
	(void)!kco_kread(s, va, notes, size < sizeof(notes) ? size : sizeof(notes), &done, NULL);
	return symbols_note_id(notes, done, id, id_size);
}

static bool symbols_image_id(struct kco_session *s, const struct symbols_image *image, uint8_t *id, size_t *id_size)
{
	size_t phentsize = image->elf64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), done = 0;
	uint8_t head[1024];
	uint64_t phoff;
	unsigned phnum;

	(void)!kco_kread(s, image->image, head, sizeof(head), &done, NULL);
	if (done < sizeof(Elf64_Ehdr) || memcmp(head, ELFMAG, SELFMAG) != 0 ||
	    head[EI_CLASS] != (image->elf64 ? ELFCLASS64 : ELFCLASS32) || head[EI_DATA] != ELFDATA2LSB)
		return false;
	phoff = image->elf64 ? kco_le64(head + 32) : kco_le32(head + 28);
	phnum = kco_le16(head + (image->elf64 ? 56 : 44));
	for (unsigned i = 0; i < phnum && phoff <= done && (i + 1) * phentsize <= done - phoff; i++)
		if (symbols_segment_id(s, image, head + phoff + i * phentsize, id, id_size))
			return true;
	return false;
}

enum kco_status freebsd_build_id(struct kco_session *s, uint8_t *id, size_t *size, struct kco_err *err)
{
	for (size_t i = 0; i < SYMBOLS_IMAGES; i++)
		if (symbols_images[i].elf_machine == s->arch->elf_machine &&
		    symbols_image_id(s, &symbols_images[i], id, size))
			return KCO_OK;
	return kco_fail(err, KCO_E_NOSYM, "the kernel's image has no build-id");
}
