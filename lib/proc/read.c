// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading a process's memory: by its page tables, and where these end, from
 * wherever the page went.
 *
 *   va -> page tables -> the dump                       (almost always)
 *     \-> kco_page_get() -> swap, page cache, file ...  (when that fails)
 *
 * The last pages that had to be fetched are kept: unwinding and string reads
 * come back to them word by word.
 */
#include <kco/page.h>
#include <kco/process.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "process_priv.h"

#define READ_PAGE UINT64_C(4096)
#define READ_KEPT 8

/* Pages that had to be fetched; the oldest gives way. */
struct read_kept {
	unsigned next;
	uint64_t va[READ_KEPT]; /* 1: nothing */
	uint8_t bytes[READ_KEPT][READ_PAGE];
};

static struct read_kept *read_kept(struct kco_process *p)
{
	struct read_kept *kept = process_part(p, PROCESS_PAGES);

	if (kept)
		return kept;
	kept = malloc(sizeof(*kept));
	if (!kept)
		return NULL;
	kept->next = 0;
	for (unsigned i = 0; i < READ_KEPT; i++)
		kept->va[i] = 1;
	process_part_set(p, PROCESS_PAGES, kept, free);
	return kept;
}

/* Up to @n bytes of the one page that holds @va, which its page tables do not give. */
static enum kco_status read_fetched(struct kco_process *p, uint64_t va, void *buf, size_t n, size_t *done,
				    struct kco_err *err)
{
	uint64_t first = va & ~(READ_PAGE - 1);
	size_t left = (size_t)(READ_PAGE - (va - first));
	struct read_kept *kept = read_kept(p);
	struct kco_page page;
	enum kco_status st;
	unsigned i = 0;

	*done = 0;
	if (!kept)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	while (i < READ_KEPT && kept->va[i] != first)
		i++;
	if (i == READ_KEPT) {
		i = kept->next;
		kept->va[i] = 1;
		st = kco_page_get(p, va, &page, err);
		if (!st)
			st = kco_page_read(p, &page, kept->bytes[i], err);
		if (st) {
			if (err)
				err->addr = va;
			return st;
		}
		kept->va[i] = first;
		kept->next = (kept->next + 1) % READ_KEPT;
	}
	*done = left < n ? left : n;
	memcpy(buf, kept->bytes[i] + (va - first), *done);
	return KCO_OK;
}

/* Half of all addresses are the kernel's, which maps itself into every process. */
static bool read_is_kernel(uint64_t va)
{
	return va >> 63;
}

enum kco_status kco_process_read(struct kco_process *p, uint64_t va, void *buf, size_t n, size_t *done,
				 struct kco_err *err)
{
	struct kco_mem *mem = p->session->mem;
	enum kco_status status = KCO_OK;
	size_t got = 0;

	while (got < n && !status) {
		uint64_t at = va + got;
		size_t part = 0;

		status = KCO_E_UNMAPPED;
		if (at < va)
			status = kco_fail(err, KCO_E_RANGE, "the address space ends there");
		else if (!p->pid || (p->space.form && !read_is_kernel(at)))
			status = kco_vread(mem, &p->space, at, (uint8_t *)buf + got, n - got, &part, err);
		got += part;
		// The kernel's own memory is nowhere else.
		if (status && p->pid && at >= va) {
			at += part;
			status = read_fetched(p, at, (uint8_t *)buf + got, n - got, &part, err);
			got += part;
		}
	}
	if (done)
		*done = got;
	return status;
}

enum kco_status kco_process_read_uint(struct kco_process *p, uint64_t va, size_t size, uint64_t *ret,
				      struct kco_err *err)
{
	uint8_t raw[8];
	enum kco_status st;

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return kco_fail(err, KCO_E_BUG, "an integer of %zu bytes at %#" PRIx64, size, va);
	st = kco_process_read(p, va, raw, size, NULL, err);
	if (!st)
		*ret = kco_le_uint(raw, size);
	return st;
}

enum kco_status kco_process_read_str(struct kco_process *p, uint64_t va, char *buf, size_t size, struct kco_err *err)
{
	enum kco_status status = KCO_OK;
	size_t used = 0;

	if (size == 0)
		return kco_fail(err, KCO_E_BUG, "no room for a string");
	while (used < size - 1 && !status) {
		// Up to the next border of 64: a string that ends before memory does must not fail.
		size_t part = 64 - (size_t)((va + used) & 63), done;

		if (part > size - 1 - used)
			part = size - 1 - used;
		status = kco_process_read(p, va + used, buf + used, part, &done, err);
		if (memchr(buf + used, '\0', done))
			return KCO_OK;
		used += done;
	}
	buf[used] = '\0';
	return status;
}
