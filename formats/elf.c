// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ELF cores of kernels: kexec's /proc/vmcore, QEMU's dump-guest-memory with
 * and without paging, makedumpfile -E.
 *
 *   Ehdr | Phdr[n] anywhere (e_phoff) | PT_NOTEs | PT_LOADs' bytes
 *
 * Layout: the ELF gABI (sections "ELF Header", "Program Header"). Little-endian
 * of both classes. With 65535 headers or more e_phnum is 0xffff (PN_XNUM) and
 * the count is section header 0's sh_info. QEMU 7.2 writes e_ehsize 8 and puts
 * the headers at 192: only e_phoff and e_phentsize are believed.
 *
 * What a PT_LOAD means here:
 * - p_vaddr 0 or equal to p_paddr is QEMU's way to say "physical only"; laid
 *   over virtual space it would shadow user addresses. Only kernel addresses
 *   (the upper half) become virtual segments.
 * - All p_paddr 0 or ~0 (while p_vaddr is not 0): there is no physical view.
 * - A later header wins over an earlier one, but memory without bytes in the
 *   file (p_filesz < p_memsz: left out by makedumpfile's filter, or zero) never
 *   hides memory with bytes. It reads KCO_E_NOT_SAVED, not as zeros.
 * - p_offset ~0 is how QEMU marks a range outside of its begin/length filter.
 *
 * A header of type PT_DUMP_DELTA has no memory: its p_vaddr is an address of the
 * kernel, its p_paddr the physical one (sys/arm/arm/dump_machdep.c of FreeBSD
 * 12.1; other machines' full dumps later). Its number is in the range that
 * each system has to itself, where nobody else is known to use it.
 *
 * A note KCODBG (shared/facts_note.h) is a converter's: it has what the headers of
 * the original dump said.
 *
 * The core of a process is no kernel's, unless the process is one: User-Mode
 * Linux, which maps the machine's memory from a file (shared/elf_guest.h).
 */
#include <kco/endian.h>
#include <kco/format.h>

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "elf_guest.h"
#include "elf_pieces.h"
#include "elf_write.h"
#include "facts_note.h"

/* makedumpfile splits a PT_LOAD at each 1 MiB of left-out pages: a million for a filtered TiB. */
#define ELF_PHDRS_MAX (UINT32_C(1) << 22)
#define ELF_PHDR_BATCH 256u
#define ELF_PT_DUMP_DELTA 0x6fb5d000u
#define ELF_E_FLAGS_INCOMPLETE 1u /* DUMP_ELF_INCOMPLETE in makedumpfile.c */

struct elf_header {
	bool class32;
	uint8_t osabi;
	uint16_t type, machine;
	uint64_t phoff, shoff;
	uint32_t flags;
	uint16_t phentsize, phnum, shentsize, shnum;
};

struct elf_phdr {
	uint32_t type;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
	uint32_t flags;
};

struct elf_loads {
	struct elf_phdr *v;
	size_t n, cap;
};

/* Fields of the 64-bit and the 32-bit Ehdr: those behind e_entry differ in size and place. */
static void elf_header_parse(struct elf_header *h, const uint8_t *raw)
{
	size_t word, rest;

	h->class32 = raw[EI_CLASS] == ELFCLASS32;
	word = h->class32 ? 4 : 8;
	h->osabi = raw[EI_OSABI];
	h->type = kco_le16(raw + 16);
	h->machine = kco_le16(raw + 18);
	h->phoff = kco_le_uint(raw + 24 + word, word);
	h->shoff = kco_le_uint(raw + 24 + 2 * word, word);
	rest = 24 + 3 * word;
	h->flags = kco_le32(raw + rest);
	h->phentsize = kco_le16(raw + rest + 6);
	h->phnum = kco_le16(raw + rest + 8);
	h->shentsize = kco_le16(raw + rest + 10);
	h->shnum = kco_le16(raw + rest + 12);
}

static void elf_phdr_parse(struct elf_phdr *p, const uint8_t *raw, bool class32)
{
	if (class32) {
		*p =
			(struct elf_phdr){ kco_le32(raw),      kco_le32(raw + 4),  kco_le32(raw + 8),
					   kco_le32(raw + 12), kco_le32(raw + 16), kco_le32(raw + 20),
					   kco_le32(raw + 28), kco_le32(raw + 24) };
		// All bits set means "none" in either class.
		p->offset = p->offset == UINT32_MAX ? UINT64_MAX : p->offset;
		p->paddr = p->paddr == UINT32_MAX ? UINT64_MAX : p->paddr;
		return;
	}
	*p = (struct elf_phdr){ kco_le32(raw),	    kco_le64(raw + 8),	kco_le64(raw + 16), kco_le64(raw + 24),
				kco_le64(raw + 32), kco_le64(raw + 40), kco_le64(raw + 48), kco_le32(raw + 4) };
}

static int elf_probe(const struct kco_head *head)
{
	struct elf_header h;

	if (head->head_size < SELFMAG || memcmp(head->head, ELFMAG, SELFMAG))
		return 0;
	// Cut short, not a core, or one we do not read: only the open can say so.
	if (head->head_size < sizeof(Elf64_Ehdr) || head->head[EI_DATA] != ELFDATA2LSB)
		return 60;
	elf_header_parse(&h, head->head);
	if (h.type != ET_CORE)
		return 60;
	// A Xen core has sections only and is the libkdumpfile row's.
	return h.phnum == 0 && h.shnum != 0 ? 20 : 90;
}

static const char *elf_type_name(uint16_t type)
{
	switch (type) {
	case ET_REL:
		return "an object file or module (ET_REL)";
	case ET_EXEC:
		return "an executable (ET_EXEC)";
	case ET_DYN:
		return "a shared object (ET_DYN)";
	}
	return "an ELF file but no core";
}

static enum kco_status elf_header_read(struct kco_io *io, struct elf_header *h, struct kco_err *err)
{
	uint8_t raw[sizeof(Elf64_Ehdr)];
	enum kco_status status = kco_io_read(io, raw, sizeof(raw), 0, NULL, err);

	if (status != KCO_OK)
		return kco_context(err, status, "ELF header");
	if (memcmp(raw, ELFMAG, SELFMAG))
		return kco_fail(err, KCO_E_BADFILE, "no ELF file");
	if (raw[EI_CLASS] != ELFCLASS32 && raw[EI_CLASS] != ELFCLASS64)
		return kco_fail(err, KCO_E_CORRUPT, "ELF class %u is neither 32 nor 64 bits", raw[EI_CLASS]);
	if (raw[EI_DATA] != ELFDATA2LSB)
		return kco_fail(err, KCO_E_UNSUPPORTED, "big-endian ELF file");
	elf_header_parse(h, raw);
	if (h->type != ET_CORE)
		return kco_fail(err, KCO_E_BADFILE, "%s, not a dump; if it is the vmlinux, name the dump before it",
				elf_type_name(h->type));
	return KCO_OK;
}

/* How many program headers there are, checked against the file. */
static enum kco_status elf_phdr_count(struct kco_io *io, const struct elf_header *h, uint64_t *ret, struct kco_err *err)
{
	size_t want = h->class32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
	uint64_t end;

	*ret = h->phnum;
	if (h->phnum == PN_XNUM) {
		uint8_t raw[4];
		size_t at = h->class32 ? offsetof(Elf32_Shdr, sh_info) : offsetof(Elf64_Shdr, sh_info);

		if (!h->shoff || __builtin_add_overflow(h->shoff, at, &end))
			return kco_fail(err, KCO_E_CORRUPT, "e_phnum is PN_XNUM but there is no section header");
		if (kco_io_read(io, raw, sizeof(raw), end, NULL, err) != KCO_OK)
			return kco_context(err, KCO_E_TRUNCATED, "section header 0 (number of program headers)");
		*ret = kco_le32(raw);
	}
	if (*ret == 0)
		return kco_fail(err, KCO_E_CORRUPT, "a core without program headers");
	if (h->phentsize != want)
		return kco_fail(err, KCO_E_CORRUPT, "program headers of %u bytes instead of %zu", h->phentsize, want);
	if (*ret > ELF_PHDRS_MAX)
		return kco_fail(err, KCO_E_NOMEM, "%" PRIu64 " program headers, the limit is %" PRIu32, *ret,
				ELF_PHDRS_MAX);
	if (__builtin_add_overflow(h->phoff, *ret * want, &end) || end > io->size)
		return kco_fail(err, KCO_E_TRUNCATED,
				"truncated: %" PRIu64 " program headers at %#" PRIx64 ", the file ends at %#" PRIx64,
				*ret, h->phoff, io->size);
	return KCO_OK;
}

static enum kco_status elf_keep(struct elf_loads *loads, const struct elf_phdr *p, struct kco_err *err)
{
	if (loads->n == loads->cap) {
		size_t cap = loads->cap ? loads->cap * 2 : 64;
		struct elf_phdr *v = reallocarray(loads->v, cap, sizeof(*v));

		if (!v)
			return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu program headers", cap);
		loads->v = v;
		loads->cap = cap;
	}
	loads->v[loads->n++] = *p;
	return KCO_OK;
}

/* Fix what contradicts itself in a PT_LOAD; false: nothing of it can be used. */
static bool elf_load_fix(struct kco_image *img, struct elf_phdr *p, unsigned *clipped)
{
	uint64_t end;

	if (p->memsz == 0 || p->offset == UINT64_MAX)
		return false;
	if (p->filesz > p->memsz) {
		if ((*clipped)++ == 0)
			kco_image_warn(img, "p_filesz %#" PRIx64 " is more than p_memsz %#" PRIx64 ", using the latter",
				       p->filesz, p->memsz);
		p->filesz = p->memsz;
	}
	// Bytes beyond 2^64 of the file are nowhere.
	if (__builtin_add_overflow(p->offset, p->filesz, &end))
		p->filesz = UINT64_MAX - p->offset;
	return true;
}

/* What is neither memory nor notes. */
static void elf_other_phdr(struct kco_image *img, const struct elf_phdr *p)
{
	if (p->type != ELF_PT_DUMP_DELTA || p->paddr == UINT64_MAX)
		return;
	img->facts.kernel_va = p->vaddr;
	img->facts.kernel_pa = p->paddr;
	img->facts.has_kernel_pa = true;
}

static enum kco_status elf_phdrs_read(struct kco_image *img, struct kco_io *io, const struct elf_header *h,
				      uint64_t count, struct elf_loads *loads, struct kco_err *err)
{
	size_t size = h->phentsize;
	uint8_t raw[ELF_PHDR_BATCH * sizeof(Elf64_Phdr)];
	enum kco_status status = KCO_OK;
	unsigned clipped = 0;

	for (uint64_t i = 0; status == KCO_OK && i < count; i += ELF_PHDR_BATCH) {
		size_t n = count - i < ELF_PHDR_BATCH ? (size_t)(count - i) : ELF_PHDR_BATCH;

		status = kco_io_read(io, raw, n * size, h->phoff + i * size, NULL, err);
		if (status != KCO_OK)
			return kco_context(err, status, "program headers");
		for (size_t k = 0; status == KCO_OK && k < n; k++) {
			struct kco_err note_err = KCO_ERR_INIT;
			struct elf_phdr p;

			elf_phdr_parse(&p, raw + k * size, h->class32);
			if (p.type == PT_LOAD && elf_load_fix(img, &p, &clipped))
				status = elf_keep(loads, &p, err);
			else if (p.type == PT_NOTE && p.filesz &&
				 kco_image_add_notes(img, io, p.offset, p.filesz, p.align == 8 ? 8 : 4, &note_err) !=
					 KCO_OK)
				kco_image_warn(img, "notes: %s", note_err.msg);
			else
				elf_other_phdr(img, &p);
		}
	}
	return status;
}

static bool elf_no_paddr(uint64_t paddr)
{
	return paddr == 0 || paddr == UINT64_MAX;
}

/* Do the headers carry physical addresses at all? */
static bool elf_has_phys(const struct elf_loads *loads)
{
	bool any_vaddr = false;

	for (size_t i = 0; i < loads->n; i++) {
		if (!elf_no_paddr(loads->v[i].paddr))
			return true;
		any_vaddr |= loads->v[i].vaddr != 0;
	}
	return !any_vaddr;
}

/* The unit in which a converted file maps @va. */
static uint32_t elf_map_page(const struct kco_image *img, const struct kco_facts_maps *maps, uint64_t va)
{
	if (va >= maps->direct.first && va <= maps->direct.last)
		return 0;
	return img->facts.block_size ? img->facts.block_size : 4096;
}

static enum kco_status elf_segments(struct kco_image *img, struct kco_io *io, const struct elf_header *h,
				    const struct elf_loads *loads, const struct kco_facts_maps *maps,
				    enum kco_addr_kind kind, struct kco_err *err)
{
	uint64_t upper = h->class32 ? UINT64_C(1) << 31 : UINT64_C(1) << 63;
	struct kco_elf_piece *v = calloc(2 * loads->n + maps->nr_spans, sizeof(*v));
	bool has_phys = elf_has_phys(loads), mapped = kind == KCO_VIRT && maps->known && has_phys;
	enum kco_status status;
	size_t n = 0;

	// A converted file has virtual addresses of the kernel only, and those of 32-bit machines are low.
	if (mapped)
		upper = 1;
	if (!v)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu program headers", loads->n);
	for (size_t i = 0; i < loads->n; i++) {
		const struct elf_phdr *p = &loads->v[i];
		uint64_t first = kind == KCO_PHYS ? p->paddr : p->vaddr, hole;
		bool write = p->flags & PF_W, exec = p->flags & PF_X;

		if (kind == KCO_PHYS ? !has_phys || p->paddr == UINT64_MAX
				     : has_phys && (p->vaddr < upper || p->vaddr == p->paddr))
			continue;
		if (p->filesz)
			v[n++] = (struct kco_elf_piece){ .first = first,
							 .size = p->filesz,
							 .offset = p->offset,
							 .pa = p->paddr,
							 .prio = 1 + loads->n + i,
							 .mapped = mapped,
							 .page = elf_map_page(img, maps, p->vaddr),
							 .write = write,
							 .exec = exec };
		if (p->filesz < p->memsz && !__builtin_add_overflow(first, p->filesz, &hole))
			v[n++] = (struct kco_elf_piece){
				.first = hole, .size = p->memsz - p->filesz, .prio = 1 + i, .hole = true
			};
	}
	for (size_t i = 0; mapped && i < maps->nr_spans; i++)
		v[n++] = (struct kco_elf_piece){ .first = maps->spans[i].first,
						 .size = maps->spans[i].last - maps->spans[i].first + 1,
						 .hole = true,
						 .mapped = true,
						 .unmapped = true };
	status = kco_elf_pieces_add(img, io, kind, v, n, err);
	free(v);
	return status;
}

/* The kernel writes NT_FILE and NT_AUXV for processes; no writer of kernel dumps does. Only some are a kernel. */
static enum kco_status elf_check_process(struct kco_image *img, const struct elf_header *h,
					 struct kco_elf_guest **guest, struct kco_err *err)
{
	enum kco_status status;

	*guest = NULL;
	if (img->facts.vmcoreinfo ||
	    (!kco_image_note(img, "CORE", NT_FILE, 0) && !kco_image_note(img, "CORE", NT_AUXV, 0)))
		return KCO_OK;
	status = kco_elf_guest_find(img, h->class32, guest, err);
	if (status != KCO_OK || *guest)
		return status;
	return kco_fail(err, KCO_E_BADFILE, "core of a process, not of a kernel (gdb reads it)");
}

/* The address space of a process that is a kernel. */
static enum kco_status elf_guest_segments(struct kco_image *img, struct kco_io *io, struct kco_elf_guest *guest,
					  const struct elf_loads *loads, struct kco_err *err)
{
	struct kco_elf_piece *v = calloc(loads->n, 2 * sizeof(*v));
	enum kco_status status;
	uint64_t hole;
	size_t n = 0;

	if (!v)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu program headers", loads->n);
	for (size_t i = 0; i < loads->n; i++) {
		const struct elf_phdr *p = &loads->v[i];

		v[n++] = (struct kco_elf_piece){ .first = p->vaddr, .size = p->filesz, .offset = p->offset, .prio = i };
		if (p->filesz < p->memsz && !__builtin_add_overflow(p->vaddr, p->filesz, &hole))
			v[n++] = (struct kco_elf_piece){
				.first = hole, .size = p->memsz - p->filesz, .prio = i, .hole = true
			};
	}
	status = kco_elf_guest_add(img, io, guest, v, n, err);
	free(v);
	return status;
}

static void elf_facts(struct kco_image *img, struct kco_io *io, const struct elf_header *h,
		      const struct elf_loads *loads, bool threads)
{
	bool has_phys = elf_has_phys(loads);
	uint64_t end = 0, missing = 0, total = 0, block = img->facts.block_size ? img->facts.block_size : 4096;

	img->facts.elf_machine = h->machine;
	img->facts.elf_osabi = h->osabi;
	img->facts.elf32 |= h->class32;
	// Offline CPUs leave no note: a lower bound. Notes of a converted file may be of threads.
	for (size_t i = 0; !threads && i < img->nr_notes; i++)
		img->facts.nr_cpus += img->notes[i].type == NT_PRSTATUS && !strcmp(img->notes[i].name, "CORE");
	// Elsewhere (ppc64, riscv) the flags are the ABI's.
	img->facts.incomplete = (h->machine == EM_X86_64 || h->machine == EM_386 || h->machine == EM_AARCH64) &&
				(h->flags & ELF_E_FLAGS_INCOMPLETE);
	for (size_t i = 0; i < loads->n; i++) {
		const struct elf_phdr *p = &loads->v[i];
		uint64_t last;

		if (has_phys && p->paddr != UINT64_MAX && !__builtin_add_overflow(p->paddr, p->memsz - 1, &last) &&
		    last / block + 1 > img->facts.max_pfn)
			img->facts.max_pfn = last / block + 1;
		total += p->filesz >> 10;
		if (p->offset + p->filesz <= io->size)
			continue;
		missing += (p->offset > io->size ? p->filesz : p->offset + p->filesz - io->size) >> 10;
		if (p->offset + p->filesz > end)
			end = p->offset + p->filesz;
	}
	if (end)
		kco_image_warn(img,
			       "truncated: the file ends at %" PRIu64 " of %" PRIu64 " bytes, %" PRIu64 " of %" PRIu64
			       " KiB of memory are missing",
			       io->size, end, missing, total);
	if (img->facts.incomplete)
		kco_image_warn(img, "incomplete dump: its writer ran out of space");
}

static enum kco_status elf_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	struct kco_io *io = img->files[0];
	struct kco_elf_guest *guest = NULL;
	struct elf_loads loads = { 0 };
	struct kco_facts_maps maps;
	struct elf_header h;
	enum kco_status status;
	uint64_t count = 0;
	bool kept;

	(void)opts;
	if (img->nr_files > 1)
		return kco_fail(err, KCO_E_USAGE, "%zu files given, but an ELF core is one file", img->nr_files);
	status = elf_header_read(io, &h, err);
	if (status == KCO_OK)
		status = elf_phdr_count(io, &h, &count, err);
	if (status == KCO_OK)
		status = elf_phdrs_read(img, io, &h, count, &loads, err);
	kept = kco_facts_note_read(img, &maps);
	if (status == KCO_OK)
		status = elf_check_process(img, &h, &guest, err);
	if (status == KCO_OK && loads.n == 0)
		status = kco_fail(err, KCO_E_CORRUPT, "a core without memory (no PT_LOAD)");
	if (status == KCO_OK && guest)
		status = elf_guest_segments(img, io, guest, &loads, err);
	if (status == KCO_OK && !guest)
		status = elf_segments(img, io, &h, &loads, &maps, KCO_PHYS, err);
	if (status == KCO_OK && !guest)
		status = elf_segments(img, io, &h, &loads, &maps, KCO_VIRT, err);
	if (status == KCO_OK)
		elf_facts(img, io, &h, &loads, kept);
	// Its threads are the host's, not CPUs of the machine.
	if (guest)
		img->facts.nr_cpus = 0;
	free(loads.v);
	return status;
}

const struct kco_format_ops kco_format_elf = {
	.name = "elf",
	.description = "ELF core of a kernel (kexec's vmcore, QEMU, makedumpfile -E; User-Mode Linux)",
	.probe = elf_probe,
	.open = elf_open,
	.write = kco_elf_write,
	.write_maps = true,
};
