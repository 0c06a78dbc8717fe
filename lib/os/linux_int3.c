// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Breakpoint instructions in the text of processes.
 *
 * A debugger that writes an int3 into text makes the page a private copy. So
 * each executable page of a private file mapping that is not the page cache's
 * own is compared with the page cache, else with the file: a 0xcc where the
 * file has another byte was planted. uprobes do the same, and are told apart
 * by their inode and offset.
 */
#include "linux_breakpoints.h"

#include <stdlib.h>

#include "linux_page.h"

#define INT3 0xcc
#define INT3_PER_PAGE 64 /* a page with more is no text with breakpoints */
#define INT3_PAGES_MAX (UINT64_C(1) << 18)

struct int3_page {
	struct kco_process *p;
	const struct kco_vma *vma;
	uint64_t va;
};

static bool int3_is_uprobe(const struct linux_breakpoints *b, uint64_t inode, uint64_t offset)
{
	for (size_t i = 0; i < b->nr_uprobes; i++)
		if (b->uprobes[i].inode == inode && b->uprobes[i].offset == offset)
			return true;
	return false;
}

static void int3_compare(struct linux_breakpoints *b, const struct int3_page *at, const uint8_t *memory,
			 const uint8_t *file)
{
	uint64_t offset = at->vma->offset + (at->va - at->vma->start);
	unsigned found = 0;

	for (unsigned i = 0; i < LINUX_PAGE_SIZE; i++)
		found += memory[i] == INT3 && file[i] != INT3;
	for (unsigned i = 0; found <= INT3_PER_PAGE && i < LINUX_PAGE_SIZE && !b->stop; i++) {
		const struct kco_breakpoint bp = {
			.kind = KCO_BREAKPOINT_INT3,
			.addr = at->va + i,
			.len = 1,
			.access = KCO_BREAKPOINT_EXEC,
			.enabled = true,
			.task = at->p->leader,
			.cpu = -1,
			.path = at->vma->file->path,
			.inode = at->vma->file->inode_addr,
			.offset = offset + i,
			.original = file[i],
		};

		if (memory[i] == INT3 && file[i] != INT3 && !int3_is_uprobe(b, bp.inode, bp.offset))
			(void)linux_breakpoint_add(b, &bp);
	}
}

/* A page that is present: is it a private copy, and what does its file have there? */
static void int3_page(struct linux_breakpoints *b, const struct linux_pages *pages, const struct int3_page *at)
{
	struct kco_session *s = b->s;
	uint8_t memory[LINUX_PAGE_SIZE], file[LINUX_PAGE_SIZE];
	uint64_t index = (at->vma->offset + (at->va - at->vma->start)) >> LINUX_PAGE_SHIFT;
	struct kco_reader *reader = kco_mem_reader(s->mem);
	struct linux_slot slot;
	struct kco_paddr pa, cached;

	if (kco_translate(s->mem, &at->p->space, at->va, &pa, NULL, NULL) ||
	    linux_mapping_load(s, pages, at->vma->file->mapping, index, &slot, &cached, NULL) ||
	    slot.kind != LINUX_SLOT_POINTER || cached.v == pa.v)
		return;
	if (kco_reader_read(reader, KCO_PHYS, pa.v, memory, sizeof(memory), NULL, NULL) ||
	    kco_reader_read(reader, KCO_PHYS, cached.v, file, sizeof(file), NULL, NULL))
		return;
	int3_compare(b, at, memory, file);
}

void linux_int3(struct linux_breakpoints *b)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_process *const *list;
	struct linux_pages *pages;
	size_t n, nr_vmas;

	if (linux_pages_get(b->s, &pages, &err)) {
		linux_breakpoint_failed(b, KCO_BREAKPOINT_INT3, "pages of processes", &err);
		return;
	}
	if (kco_processes_get(b->s, &list, &n, NULL))
		return;
	for (size_t i = 0; i < n && !b->stop; i++) {
		const struct kco_vma *vmas;
		struct kco_err torn = KCO_ERR_INIT;

		if (!list[i]->space.form || !list[i]->mm || kco_vmas_get(list[i], &vmas, &nr_vmas, &torn))
			continue;
		for (size_t k = 0; k < nr_vmas && !b->stop; k++) {
			struct int3_page at = { list[i], &vmas[k], vmas[k].start };

			if (!vmas[k].file || !vmas[k].file->mapping || !(vmas[k].flags & KCO_VMA_EXEC) ||
			    vmas[k].flags & KCO_VMA_SHARED)
				continue;
			if ((vmas[k].end - vmas[k].start) >> LINUX_PAGE_SHIFT > INT3_PAGES_MAX) {
				(void)!kco_fail(&err, KCO_E_RANGE, "the area at %#llx of process %lld is too large",
						(unsigned long long)vmas[k].start, (long long)list[i]->pid);
				linux_breakpoint_failed(b, KCO_BREAKPOINT_INT3, "text of processes", &err);
				continue;
			}
			for (; at.va < vmas[k].end && !b->stop; at.va += LINUX_PAGE_SIZE)
				int3_page(b, pages, &at);
			b->stop |= kco_session_cancelled(b->s);
		}
	}
}
