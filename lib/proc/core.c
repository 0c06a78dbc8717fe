// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ELF core files of processes.
 *
 *   0       ELF header
 *   4096    the PT_NOTE segment, written as notes are made
 *   ...     pages in address order, each at a multiple of 4096; those that hold
 *           zeros are holes
 *   end     program headers, then one section header when there are more than
 *           PN_XNUM (65535) of them: its sh_info is their number (elf(5))
 *
 * One pass over memory, whose size does not matter: what a page is, is known
 * once it was read, so the program headers come last. A PT_LOAD is a run of
 * pages with bytes or zeros; what cannot be read is in none.
 */
#include <kco/core.h>

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kco/page.h>
#include <kco/outfile.h>
#include <kco/vma.h>

#include "pagewalk.h"
#include "process_priv.h"

#define CORE_PAGE UINT64_C(4096)
#define CORE_BUFFER (UINT64_C(1) << 20)
/*
 * Pages never written are holes of the file: LLDB 14 takes a segment without
 * bytes in the file for no memory. Where somebody reserved that much at once the
 * file gets none, lest it be larger than a file may be; gdb reads zeros there.
 */
#define CORE_ZERO_RUN (UINT64_C(1) << 32)
#define CORE_SEGMENTS_MAX (UINT32_C(1) << 26)

struct core_segment {
	uint64_t va, offset, file_size, size;
	uint32_t flags; /* PF_* */
};

struct core {
	struct kco_process *p;
	int fd;
	struct kco_core_stats *stats;
	struct kco_err *err; /* for core_note() */
	bool narrow;	     /* ELFCLASS32 */
	uint64_t end;	     /* of what was written so far; a multiple of CORE_PAGE while pages are written */
	uint64_t notes_at, notes_size;
	struct core_segment *segments;
	size_t nr_segments, cap_segments;
	uint8_t *buf; /* pages of the open segment that are not written yet, the last of which would be at end */
	size_t used;
	struct kco_pagewalk walk;
};

/* All of @n bytes at @off. */
static enum kco_status core_write(const struct core *c, uint64_t off, const void *buf, size_t n, struct kco_err *err)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pwrite(c->fd, (const char *)buf + done, n - done, (off_t)(off + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return kco_fail_errno(err, r ? errno : EIO, "writing it");
		done += (size_t)r;
	}
	return KCO_OK;
}

/* The first loss is told. */
static void core_lost(struct core *c, const char *why)
{
	if (!c->stats->why[0])
		snprintf(c->stats->why, sizeof(c->stats->why), "%s", why);
}

static bool core_is_zero(const uint8_t *page)
{
	uint64_t first;

	memcpy(&first, page, sizeof(first));
	return !first && !memcmp(page, page + sizeof(first), CORE_PAGE - sizeof(first));
}

/* Write the buffer's pages where they belong; those of zeros are skipped over. */
static enum kco_status core_flush(struct core *c, struct kco_err *err)
{
	uint64_t at = c->end - c->used;
	enum kco_status st = KCO_OK;

	for (size_t i = 0, first; i < c->used && !st; i += CORE_PAGE) {
		if (core_is_zero(c->buf + i)) {
			c->stats->zero_pages++;
			continue;
		}
		for (first = i; i < c->used && !core_is_zero(c->buf + i); i += CORE_PAGE)
			c->stats->pages++;
		st = core_write(c, at + first, c->buf + first, i - first, err);
		if (i < c->used)
			c->stats->zero_pages++;
	}
	c->used = 0;
	return st;
}

/* The segment that a page at @va belongs to: the last one when it goes on there, else a new one. */
static enum kco_status core_segment(struct core *c, uint64_t va, uint32_t flags, bool bytes, struct core_segment **ret,
				    struct kco_err *err)
{
	struct core_segment *last = c->nr_segments ? &c->segments[c->nr_segments - 1] : NULL;

	if (last && last->va + last->size == va && last->flags == flags && (last->file_size != 0) == bytes) {
		*ret = last;
		return KCO_OK;
	}
	if (c->nr_segments == c->cap_segments) {
		size_t cap = c->cap_segments ? c->cap_segments * 2 : 64;
		struct core_segment *grown =
			cap > CORE_SEGMENTS_MAX ? NULL : reallocarray(c->segments, cap, sizeof(*grown));

		if (!grown)
			return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu segments", c->nr_segments);
		c->segments = grown;
		c->cap_segments = cap;
	}
	*ret = &c->segments[c->nr_segments++];
	**ret = (struct core_segment){ .va = va, .offset = c->end, .flags = flags };
	return KCO_OK;
}

/* Room for the next page in the buffer. */
static enum kco_status core_room(struct core *c, struct kco_err *err)
{
	return c->used == CORE_BUFFER ? core_flush(c, err) : KCO_OK;
}

/* @n bytes, whole pages, that now lie at the end of the buffer are those at @va. */
static enum kco_status core_pages(struct core *c, uint64_t va, uint32_t flags, size_t n, struct kco_err *err)
{
	struct core_segment *segment;
	enum kco_status st = core_segment(c, va, flags, true, &segment, err);

	if (st)
		return st;
	segment->size += n;
	segment->file_size += n;
	c->used += n;
	c->end += n;
	return KCO_OK;
}

/* @n bytes of zeros at @va. */
static enum kco_status core_zeros(struct core *c, uint64_t va, uint32_t flags, uint64_t n, struct kco_err *err)
{
	struct core_segment *segment;
	bool bytes = n < CORE_ZERO_RUN;
	enum kco_status st = core_flush(c, err);

	if (!st)
		st = core_segment(c, va, flags, bytes, &segment, err);
	if (st)
		return st;
	segment->size += n;
	if (bytes) {
		segment->file_size += n;
		c->end += n;
	}
	c->stats->zero_pages += n / CORE_PAGE;
	return KCO_OK;
}

/* One page that the page tables do not give: wherever it went. */
static enum kco_status core_fetched(struct core *c, uint64_t va, uint32_t flags, struct kco_err *err)
{
	struct kco_err why = KCO_ERR_INIT;
	struct kco_page page;
	enum kco_status st = kco_page_get(c->p, va, &page, &why);

	if (!st && page.state == KCO_PAGE_ZERO)
		return core_zeros(c, va, flags, CORE_PAGE, err);
	if (!st)
		st = core_room(c, err);
	if (st)
		return st;
	st = kco_page_read(c->p, &page, c->buf + c->used, &why);
	if (!st)
		return core_pages(c, va, flags, CORE_PAGE, err);
	if (st == KCO_E_NOMEM)
		return kco_fail(err, st, "out of memory");
	c->stats->absent_pages++;
	core_lost(c, why.msg);
	return KCO_OK;
}

/* A run that the page tables give: @n bytes from physical address @pa on. Stops before what the dump does not hold. */
static enum kco_status core_present(struct core *c, uint64_t va, struct kco_paddr pa, uint64_t n, uint32_t flags,
				    struct kco_err *err)
{
	struct kco_reader *reader = kco_mem_reader(c->p->session->mem);
	enum kco_status st = KCO_OK;

	while (n && !st) {
		size_t part = (size_t)(CORE_BUFFER - c->used < n ? CORE_BUFFER - c->used : n), done = 0;

		if (!part) {
			st = core_flush(c, err);
			continue;
		}
		if (kco_reader_read_once(reader, KCO_PHYS, pa.v, c->buf + c->used, part, &done, NULL))
			done &= ~(size_t)(CORE_PAGE - 1); // whole pages only
		if (done)
			st = core_pages(c, va, flags, done, err);
		else
			st = core_fetched(c, va, flags, err); // and says why it is not there
		if (!done)
			done = CORE_PAGE;
		va += done;
		pa.v += done;
		n -= done;
	}
	return st;
}

/* Private memory without a file: where the page tables are empty it was never written. */
static bool core_untouched_is_zero(const struct kco_vma *vma)
{
	return !vma->file && !(vma->flags & KCO_VMA_SHARED) && vma->kind != KCO_VMA_VDSO;
}

static enum kco_status core_area(struct core *c, const struct kco_vma *vma, struct kco_err *err)
{
	uint32_t flags = (vma->flags & KCO_VMA_READ ? PF_R : 0) | (vma->flags & KCO_VMA_WRITE ? PF_W : 0) |
			 (vma->flags & KCO_VMA_EXEC ? PF_X : 0);
	enum kco_status st = KCO_OK;

	for (uint64_t va = vma->start; va < vma->end && !st;) {
		struct kco_pagerun run;

		if (kco_session_cancelled(c->p->session))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		kco_pagewalk_next(&c->walk, va, vma->end, &run);
		if (run.kind == KCO_PAGERUN_PRESENT) {
			st = core_present(c, va, run.pa, run.size, flags, err);
		} else if (run.kind == KCO_PAGERUN_EMPTY && core_untouched_is_zero(vma)) {
			st = core_zeros(c, va, flags, run.size, err);
		} else {
			run.size = CORE_PAGE;
			st = core_fetched(c, va, flags, err);
		}
		va += run.size;
	}
	return st ? st : core_flush(c, err);
}

static enum kco_status core_memory(struct core *c, struct kco_err *err)
{
	struct kco_session *s = c->p->session;
	struct kco_err torn = KCO_ERR_INIT;
	const struct kco_vma *vmas;
	size_t n;
	enum kco_status st = kco_vmas_get(c->p, &vmas, &n, &torn);

	if (st) {
		*err = torn;
		return st;
	}
	c->stats->areas_lost = torn.code != KCO_OK;
	if (torn.code)
		core_lost(c, torn.msg);
	for (size_t i = 0; i < n && !st; i++) {
		(void)kco_session_progress(s, "writing the core file", i, n);
		// Device memory is not in dumps; what the kernel maps for everybody is its own.
		if (vmas[i].flags & KCO_VMA_IO || vmas[i].start >> 63 ||
		    (vmas[i].start | vmas[i].end) & (CORE_PAGE - 1))
			continue;
		st = core_area(c, &vmas[i], err);
	}
	return st;
}

static enum kco_status core_note(void *arg, const char *name, uint32_t type, const void *desc, size_t n)
{
	struct core *c = arg;
	uint8_t head[sizeof(Elf64_Nhdr) + 16] = { 0 };
	Elf64_Nhdr note = { .n_namesz = (uint32_t)strlen(name) + 1, .n_descsz = (uint32_t)n, .n_type = type };
	size_t head_size = sizeof(note) + ((note.n_namesz + 3) & ~3u);
	enum kco_status st;

	if (head_size > sizeof(head))
		return kco_fail(c->err, KCO_E_BUG, "the note name %s", name);
	memcpy(head, &note, sizeof(note));
	memcpy(head + sizeof(note), name, note.n_namesz);
	st = core_write(c, c->end, head, head_size, c->err);
	if (!st)
		st = core_write(c, c->end + head_size, desc, n, c->err);
	c->end += head_size + ((n + 3) & ~(size_t)3);
	return st;
}

/* The program header of segment @i; the notes' is the first. */
static size_t core_phdr(const struct core *c, size_t i, uint8_t *buf)
{
	const struct core_segment notes = { .offset = c->notes_at, .file_size = c->notes_size };
	const struct core_segment *segment = i ? &c->segments[i - 1] : &notes;

	if (c->narrow) {
		Elf32_Phdr ph = { .p_type = i ? PT_LOAD : PT_NOTE,
				  .p_offset = (uint32_t)segment->offset,
				  .p_vaddr = (uint32_t)segment->va,
				  .p_filesz = (uint32_t)segment->file_size,
				  .p_memsz = (uint32_t)segment->size,
				  .p_flags = segment->flags,
				  .p_align = i ? CORE_PAGE : 4 };

		memcpy(buf, &ph, sizeof(ph));
		return sizeof(ph);
	}
	Elf64_Phdr ph = { .p_type = i ? PT_LOAD : PT_NOTE,
			  .p_flags = segment->flags,
			  .p_offset = segment->offset,
			  .p_vaddr = segment->va,
			  .p_filesz = segment->file_size,
			  .p_memsz = segment->size,
			  .p_align = i ? CORE_PAGE : 4 };

	memcpy(buf, &ph, sizeof(ph));
	return sizeof(ph);
}

static enum kco_status core_header(struct core *c, uint64_t phdrs_at, struct kco_err *err)
{
	uint64_t count = c->nr_segments + 1, sections_at = count >= PN_XNUM ? c->end : 0;
	unsigned char ident[EI_NIDENT] = {
		ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, c->narrow ? ELFCLASS32 : ELFCLASS64, ELFDATA2LSB, EV_CURRENT
	};
	Elf64_Ehdr wide = { .e_type = ET_CORE,
			    .e_machine = EM_X86_64,
			    .e_version = EV_CURRENT,
			    .e_phoff = phdrs_at,
			    .e_shoff = sections_at,
			    .e_ehsize = sizeof(wide),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = (uint16_t)(sections_at ? PN_XNUM : count),
			    .e_shentsize = sections_at ? sizeof(Elf64_Shdr) : 0,
			    .e_shnum = sections_at != 0 };
	Elf32_Ehdr narrow = { .e_type = ET_CORE,
			      .e_machine = EM_386,
			      .e_version = EV_CURRENT,
			      .e_phoff = (uint32_t)phdrs_at,
			      .e_shoff = (uint32_t)sections_at,
			      .e_ehsize = sizeof(narrow),
			      .e_phentsize = sizeof(Elf32_Phdr),
			      .e_phnum = wide.e_phnum,
			      .e_shentsize = sections_at ? sizeof(Elf32_Shdr) : 0,
			      .e_shnum = wide.e_shnum };
	Elf64_Shdr wide_section = { .sh_size = 1, .sh_info = (uint32_t)count };
	Elf32_Shdr narrow_section = { .sh_size = 1, .sh_info = (uint32_t)count };
	enum kco_status st = KCO_OK;

	wide.e_machine = c->p->session->arch->elf_machine;
	memcpy(wide.e_ident, ident, sizeof(ident));
	memcpy(narrow.e_ident, ident, sizeof(ident));
	if (sections_at && c->narrow)
		st = core_write(c, c->end, &narrow_section, sizeof(narrow_section), err);
	else if (sections_at)
		st = core_write(c, c->end, &wide_section, sizeof(wide_section), err);
	if (st)
		return st;
	return c->narrow ? core_write(c, 0, &narrow, sizeof(narrow), err) : core_write(c, 0, &wide, sizeof(wide), err);
}

static enum kco_status core_headers(struct core *c, struct kco_err *err)
{
	uint64_t phdrs_at = c->end;
	enum kco_status st = KCO_OK;
	size_t used = 0;

	for (size_t i = 0; i <= c->nr_segments && !st; i++) {
		used += core_phdr(c, i, c->buf + used);
		if (used + sizeof(Elf64_Phdr) <= CORE_BUFFER && i < c->nr_segments)
			continue;
		st = core_write(c, c->end, c->buf, used, err);
		c->end += used;
		used = 0;
	}
	if (!st && c->narrow && c->end + sizeof(Elf32_Shdr) > UINT32_MAX)
		st = kco_fail(err, KCO_E_UNSUPPORTED, "a 32-bit core file cannot hold %" PRIu64 " bytes", c->end);
	c->stats->segments = c->nr_segments;
	return st ? st : core_header(c, phdrs_at, err);
}

static enum kco_status core_make(void *arg, int fd, struct kco_err *err)
{
	struct core *c = arg;
	struct kco_session *s = c->p->session;
	enum kco_status (*notes)(struct kco_process *,
				 enum kco_status(*)(void *, const char *, uint32_t, const void *, size_t), void *,
				 bool *, struct kco_core_stats *, struct kco_err *) = PROCESS_OS_SLOT(s, core_notes);
	enum kco_status st;

	if (!notes)
		return kco_fail(err, KCO_E_UNSUPPORTED, "core files of %s on %s", s->os->title, s->arch->name);
	c->fd = fd;
	c->err = err;
	c->end = c->notes_at = CORE_PAGE;
	st = notes(c->p, core_note, c, &c->narrow, c->stats, err);
	if (st)
		return st;
	c->notes_size = c->end - c->notes_at;
	c->end = (c->end + CORE_PAGE - 1) & ~(CORE_PAGE - 1);
	kco_pagewalk_init(&c->walk, s->mem, &c->p->space);
	st = core_memory(c, err);
	if (!st)
		st = core_headers(c, err);
	if (!st && fsync(fd))
		st = kco_fail_errno(err, errno, "writing it out");
	return st;
}

enum kco_status kco_core_write(struct kco_process *p, const char *path, bool replace, struct kco_core_stats *stats,
			       struct kco_err *err)
{
	struct kco_core_stats local;
	struct core c = { .p = p, .stats = stats ? stats : &local };
	struct kco_err own = KCO_ERR_INIT;
	enum kco_status st;

	memset(c.stats, 0, sizeof(*c.stats));
	if (p->space_status)
		return kco_fail(err, p->space_status, "process %" PRId64 ": %s", p->pid, p->space_why);
	if (!p->mm || !p->space.form)
		return kco_fail(err, KCO_E_RANGE, "process %" PRId64 " has no memory of its own", p->pid);
	c.buf = malloc(CORE_BUFFER);
	if (!c.buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = kco_session_write_file(p->session, path, replace, core_make, &c, &own);
	c.stats->size = c.end;
	free(c.buf);
	free(c.segments);
	if (st && err)
		*err = own;
	return st;
}
