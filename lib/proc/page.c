// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What became of a page: asked of the personality, told in words.
 */
#include <kco/page.h>

#include <inttypes.h>
#include <stdio.h>

#include <kco/redact.h>

#include "process_priv.h"
#include "sysroot.h"

#define PAGE_BYTES UINT64_C(4096)

static const char *const page_state_names[] = {
	[KCO_PAGE_PRESENT] = "present",	    [KCO_PAGE_ZERO] = "zero",		[KCO_PAGE_SWAP_CACHE] = "swap cache",
	[KCO_PAGE_SWAP_FILE] = "swap file", [KCO_PAGE_ZRAM] = "zram",		[KCO_PAGE_ZSWAP] = "zswap",
	[KCO_PAGE_CACHE] = "page cache",    [KCO_PAGE_SYSROOT] = "sysroot",	[KCO_PAGE_FILE] = "file",
	[KCO_PAGE_MIGRATION] = "migration", [KCO_PAGE_PROTNONE] = "no access",	[KCO_PAGE_POISONED] = "poisoned",
	[KCO_PAGE_DEVICE] = "device",	    [KCO_PAGE_NOT_SAVED] = "not saved", [KCO_PAGE_BEYOND] = "beyond the dump",
	[KCO_PAGE_UNMAPPED] = "unmapped",   [KCO_PAGE_UNKNOWN] = "unknown",
};

const char *kco_page_state_name(enum kco_page_state state)
{
	return (size_t)state < sizeof(page_state_names) / sizeof(*page_state_names) ? page_state_names[state]
										    : "unknown";
}

static void page_unreadable(struct kco_page *page, enum kco_page_state state, enum kco_status status, const char *why)
{
	page->state = state;
	page->status = status;
	page->why = why;
}

/*
 * What the page tables alone tell, for personalities that know no more. A page
 * that is in none may be anywhere.
 */
static enum kco_status page_by_tables(struct kco_process *p, uint64_t va, struct kco_page *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct kco_err why = KCO_ERR_INIT;
	struct kco_walk walk = { 0 };
	enum kco_status st;
	uint8_t byte;

	*ret = (struct kco_page){ .va = va & ~(PAGE_BYTES - 1), .size = PAGE_BYTES };
	// Areas come first: they may move the buffer that @why is kept in.
	ret->vma = PROCESS_OS_SLOT(s, vmas) ? kco_vma_at(p, va) : NULL;
	if (ret->vma && ret->vma->file)
		ret->file_offset = ret->vma->offset + (ret->va - ret->vma->start);
	if (p->pid && !p->space.form) {
		page_unreadable(ret, p->space_status ? KCO_PAGE_UNKNOWN : KCO_PAGE_UNMAPPED,
				p->space_status ? p->space_status : KCO_E_UNMAPPED,
				p->space_why ? p->space_why : "the process has no address space");
		return KCO_OK;
	}
	st = kco_translate(s->mem, &p->space, ret->va, &ret->pa, &walk, &why);
	if (st == KCO_E_NOMEM)
		return kco_fail(err, st, "%s", why.msg);
	if (walk.nr_steps)
		ret->pte = walk.steps[walk.nr_steps - 1].entry;
	if (!st) {
		ret->size = walk.page_size ? walk.page_size : PAGE_BYTES;
		st = kco_pread(kco_mem_reader(s->mem), ret->pa, &byte, 1, NULL, &why);
		ret->readable = st == KCO_OK;
		if (st)
			page_unreadable(ret, st == KCO_E_RANGE ? KCO_PAGE_BEYOND : KCO_PAGE_NOT_SAVED, st,
					kco_session_text(s, "%s", why.msg));
	} else {
		page_unreadable(ret, st == KCO_E_UNMAPPED && !ret->vma ? KCO_PAGE_UNMAPPED : KCO_PAGE_UNKNOWN, st,
				kco_session_text(s, "%s", why.msg));
	}
	return KCO_OK;
}

enum kco_status kco_page_get(struct kco_process *p, uint64_t va, struct kco_page *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	enum kco_status (*slot)(struct kco_process *, uint64_t, struct kco_page *, struct kco_err *) =
		PROCESS_OS_SLOT(s, page);
	enum kco_status st;

	if (!slot)
		return page_by_tables(p, va, ret, err);
	st = slot(p, va, ret, err);
	if (!st && ret->state == KCO_PAGE_NOT_SAVED && p->pid)
		kco_session_warn(s,
				 "pages of processes were left out of this dump %s: their contents are missing, all "
				 "else is shown",
				 kco_redact_level(s->image) ? "when it was redacted"
							    : "by its filter (makedumpfile -d)");
	if (!st && ret->state == KCO_PAGE_FILE && ret->status == KCO_E_NOT_SAVED && ret->vma && ret->vma->file) {
		if (s->opts.sysroot)
			kco_sysroot_page(s, ret);
		else
			ret->why = "it is not in the page cache; --sysroot DIR may have it";
	}
	return st;
}

/* Where a page that cannot be read is, for an error message. */
static void page_place(const struct kco_page *page, char *buf, size_t size)
{
	const char *file = page->vma && page->vma->file ? page->vma->file->path : NULL;

	buf[0] = '\0';
	switch (page->state) {
	case KCO_PAGE_SWAP_FILE:
	case KCO_PAGE_ZRAM:
	case KCO_PAGE_ZSWAP:
		if (page->swap_name)
			snprintf(buf, size, "swapped out to %s, page %" PRIu64 ": ", page->swap_name,
				 page->swap_offset);
		else
			snprintf(buf, size, "swapped out to area %u, page %" PRIu64 ": ", page->swap_type,
				 page->swap_offset);
		break;
	case KCO_PAGE_FILE:
		snprintf(buf, size, "file-backed by %s at %#" PRIx64 ": ", file ? file : "?", page->file_offset);
		break;
	default:
		break;
	}
}

static enum kco_status page_fail(const struct kco_page *page, struct kco_err *err)
{
	enum kco_status st = page->status ? page->status : KCO_E_UNMAPPED;
	char place[160];

	page_place(page, place, sizeof(place));
	st = kco_fail(err, st, "%#" PRIx64 ": %s%s", page->va, place, page->why ? page->why : kco_status_name(st));
	if (err)
		err->addr = page->va;
	return st;
}

enum kco_status kco_page_read(struct kco_process *p, const struct kco_page *page, void *buf, struct kco_err *err)
{
	struct kco_session *s = p->session;
	enum kco_status (*slot)(struct kco_process *, const struct kco_page *, void *, struct kco_err *) =
		PROCESS_OS_SLOT(s, page_read);
	enum kco_status st;

	if (!page->readable)
		return page_fail(page, err);
	if (!slot)
		return kco_pread(kco_mem_reader(s->mem), page->pa, buf, PAGE_BYTES, NULL, err);
	st = page->state == KCO_PAGE_SYSROOT ? kco_sysroot_read(s, page, buf, err) : slot(p, page, buf, err);
	if (st && err)
		err->addr = page->va;
	return st;
}
