// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding a Linux kernel in a dump: VMCOREINFO, then the root of its page
 * tables.
 *
 * VMCOREINFO is the user's file, the dump's note, or, failing both, the note
 * page that every kernel keeps in its own memory (a hypervisor's dump without
 * the vmcoreinfo device): a scan of physical memory for
 *
 *   namesz 11 | descsz | type 0 | "VMCOREINFO\0\0" | "OSRELEASE=..."
 *
 * A kdump kernel has one, too, so the first whose page tables prove right is taken.
 */
#include "linux.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "linux_x86_64_mmu.h"

#define BOOT_TEXT_MAX 65536 /* VMCOREINFO_BYTES is a page */
#define BOOT_CHUNK 65536
#define BOOT_OVERLAP 64
/* Notes without page tables that prove right before the scan gives up. */
#define BOOT_CANDIDATES 64

static const char boot_mark[] = "VMCOREINFO\0\0OSRELEASE=";

/* Take @n bytes of text as the session's VMCOREINFO, up to a NUL. */
static enum kco_status boot_take_text(struct kco_session *s, const char *text, size_t n, struct kco_err *err)
{
	char *copy;

	n = strnlen(text, n < BOOT_TEXT_MAX ? n : BOOT_TEXT_MAX);
	copy = malloc(n + 1);
	if (!copy)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	memcpy(copy, text, n);
	copy[n] = '\0';
	free(s->vmcoreinfo);
	s->vmcoreinfo = copy;
	s->vmcoreinfo_size = n;
	return KCO_OK;
}

static enum kco_status boot_read_file(struct kco_session *s, const char *path, struct kco_err *err)
{
	char buf[BOOT_TEXT_MAX];
	struct kco_io *io;
	enum kco_status st = kco_io_open_new(path, &io, err);
	size_t n;

	if (st)
		return kco_context(err, st, "--vmcoreinfo");
	n = io->size < sizeof(buf) ? io->size : sizeof(buf);
	st = kco_io_read(io, buf, n, 0, NULL, err);
	kco_io_unref(io);
	if (st)
		return kco_context(err, st, "--vmcoreinfo %s", path);
	/* A raw note page begins with its header: skip to the text. */
	for (size_t i = 0; i + 10 <= n && i < BOOT_OVERLAP; i++)
		if (!memcmp(buf + i, "OSRELEASE=", 10))
			return boot_take_text(s, buf + i, n - i, err);
	return boot_take_text(s, buf, n, err);
}

/* Which architecture's kernel is it? Only one is known to this personality so far. */
static enum kco_status boot_arch(struct kco_session *s, struct kco_err *err)
{
	const struct kco_facts *facts = &s->image->facts;
	uint16_t machine = facts->elf_machine;

	if (!machine && (!facts->machine[0] || !strcmp(facts->machine, "x86_64")))
		machine = EM_X86_64;
	if (machine == EM_X86_64)
		return KCO_OK;
	if (facts->machine[0])
		return kco_fail(err, KCO_E_UNSUPPORTED, "a Linux kernel of %s: only x86_64 is supported",
				facts->machine);
	return kco_fail(err, KCO_E_UNSUPPORTED, "a Linux kernel of ELF machine %u: only x86_64 is supported", machine);
}

/* The note whose name lies at @pa: is its page table root right? */
static enum kco_status boot_try_note(struct kco_session *s, uint64_t pa, struct kco_err *err)
{
	struct kco_reader *rd = kco_mem_reader(s->mem);
	char text[BOOT_TEXT_MAX];
	uint8_t head[12];
	uint32_t size;
	size_t done;
	enum kco_status st;

	if (pa < sizeof(head))
		return kco_fail(err, KCO_E_CORRUPT, "no room for a note header");
	st = kco_pread(rd, KCO_PADDR(pa - sizeof(head)), head, sizeof(head), NULL, err);
	if (st)
		return st;
	size = kco_le32(head + 4);
	if (kco_le32(head) != sizeof("VMCOREINFO") || kco_le32(head + 8) != 0 || !size || size > sizeof(text))
		return kco_fail(err, KCO_E_CORRUPT, "no note header");
	st = kco_pread(rd, KCO_PADDR(pa + sizeof("VMCOREINFO") + 1), text, size, &done, err);
	if (done < 64)
		return st;
	st = boot_take_text(s, text, done, err);
	if (st)
		return st;
	if (linux_of(s)->variant && linux_of(s)->variant->prove)
		return linux_of(s)->variant->prove(s, err);
	return linux_x86_64_space(s, err);
}

/* The marks in the @n bytes that lie at @pa; KCO_OK as soon as one proves right. */
static enum kco_status boot_scan_chunk(struct kco_session *s, uint64_t pa, const uint8_t *buf, size_t n,
				       unsigned *candidates, struct kco_err *err)
{
	const uint8_t *p = buf;

	// Most of many a memory is zeros, and those are told from text five times as fast as text is searched.
	if (n && !buf[0] && !memcmp(buf, buf + 1, n - 1))
		return KCO_DONE;
	while (n > (size_t)(p - buf) &&
	       (p = memmem(p, n - (size_t)(p - buf), boot_mark, sizeof(boot_mark) - 1)) != NULL) {
		if (!boot_try_note(s, pa + (uint64_t)(p - buf), err))
			return KCO_OK;
		if (++*candidates >= BOOT_CANDIDATES)
			return kco_fail(err, KCO_E_CORRUPT,
					"%u copies of VMCOREINFO in memory and none fits its page tables", *candidates);
		p++;
	}
	return KCO_DONE;
}

/* The first saved page at or after @pa: of a large machine most may be left out. 0: there is none. */
static uint64_t boot_scan_next(struct kco_reader *rd, uint64_t pa)
{
	uint64_t first, last;
	enum kco_status st = pa ? kco_reader_saved(rd, KCO_PHYS, pa, &first, &last, NULL) : KCO_DONE;

	if (st == KCO_DONE)
		return 0;
	return st == KCO_OK && first > pa ? first : pa;
}

enum kco_status linux_boot_scan(struct kco_session *s, const struct kco_err *note, struct kco_err *err)
{
	struct kco_reader *rd = kco_mem_reader(s->mem);
	uint8_t buf[BOOT_CHUNK + BOOT_OVERLAP];
	unsigned candidates = 0;
	uint64_t pa = 0;

	for (const struct kco_segment *seg; (seg = kco_reader_next(rd, KCO_PHYS, pa)) != NULL;) {
		uint64_t last = seg->last;

		for (pa = seg->first; pa <= last;) {
			size_t n = last - pa < sizeof(buf) - 1 ? (size_t)(last - pa) + 1 : sizeof(buf), done;
			enum kco_status st;

			if (kco_session_cancelled(s))
				return kco_fail(err, KCO_E_CANCELLED, "interrupted");
			(void)!kco_reader_read_once(rd, KCO_PHYS, pa, buf, n, &done, NULL);
			st = boot_scan_chunk(s, pa, buf, done, &candidates, err);
			if (st != KCO_DONE)
				return st;
			/* A page that is not there: go on with the next that is, in this segment or another. */
			if (done < n)
				pa = boot_scan_next(rd, ((pa + done) | 4095) + 1);
			else
				pa += n > BOOT_CHUNK ? BOOT_CHUNK : n;
			if (!pa)
				break;
		}
		if (last == UINT64_MAX)
			break;
		if (pa <= last)
			pa = last + 1;
	}
	free(s->vmcoreinfo);
	s->vmcoreinfo = NULL;
	s->vmcoreinfo_size = 0;
	if (note->code)
		return kco_fail(err, note->code, "the dump's VMCOREINFO does not fit its memory: %s", note->msg);
	return kco_fail(err, KCO_E_NOSYM,
			"no VMCOREINFO: the dump carries no such note and none was found in its memory; give one with "
			"--vmcoreinfo, or --kaslr and --phys-base with a vmlinux");
}

enum kco_status linux_boot(struct kco_session *s, struct kco_err *err)
{
	const struct kco_facts *facts = &s->image->facts;
	struct kco_err first = KCO_ERR_INIT;
	enum kco_status st = boot_arch(s, err);

	if (st)
		return st;
	if (s->opts.vmcoreinfo)
		st = boot_read_file(s, s->opts.vmcoreinfo, err);
	else if (facts->vmcoreinfo_size)
		st = boot_take_text(s, facts->vmcoreinfo, facts->vmcoreinfo_size, err);
	if (st)
		return st;
	if (s->vmcoreinfo || (s->opts.vmlinux && s->opts.has_phys_base)) {
		st = linux_x86_64_space(s, &first);
		if (!st)
			return KCO_OK;
		if (s->opts.vmcoreinfo || s->opts.has_phys_base || s->opts.has_kaslr) {
			if (err)
				*err = first;
			return st;
		}
		kco_session_warn(
			s, "the dump's VMCOREINFO note does not fit its memory (%s): searching memory for another",
			first.msg);
	}
	return linux_boot_scan(s, &first, err);
}
