// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What became of a page: asked of the personality, told in words.
 */
#include <kco/page.h>

#include <inttypes.h>
#include <stdio.h>

#include "process_priv.h"
#include "sysroot.h"

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

enum kco_status kco_page_get(struct kco_process *p, uint64_t va, struct kco_page *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	enum kco_status (*slot)(struct kco_process *, uint64_t, struct kco_page *, struct kco_err *) =
		PROCESS_OS_SLOT(s, page);
	enum kco_status st;

	if (!slot)
		return kco_fail(err, KCO_E_UNSUPPORTED, "pages of processes: not known on %s", s->os->title);
	st = slot(p, va, ret, err);
	if (!st && ret->state == KCO_PAGE_NOT_SAVED && p->pid)
		kco_session_warn(s, "pages of processes were left out of this dump by its filter (makedumpfile -d): "
				    "their contents are missing, all else is shown");
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

	if (!slot)
		return kco_fail(err, KCO_E_UNSUPPORTED, "pages of processes: not known on %s", s->os->title);
	if (!page->readable)
		return page_fail(page, err);
	st = page->state == KCO_PAGE_SYSROOT ? kco_sysroot_read(s, page, buf, err) : slot(p, page, buf, err);
	if (st && err)
		err->addr = page->va;
	return st;
}
