// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading a process's memory: by its page tables, and where these end, from
 * wherever the page went.
 *
 *   va -> page tables -> the dump                       (almost always)
 *     \-> kco_page_get() -> swap, page cache, file ...  (when that fails)
 *
 * The last page that had to be fetched is kept: unwinding and string reads
 * come back to it word by word.
 */
#include <kco/page.h>
#include <kco/process.h>

#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>

#include "process_priv.h"

#define READ_PAGE UINT64_C(4096)

enum kco_status kco_process_read(struct kco_process *p, uint64_t va, void *buf, size_t n, size_t *done,
				 struct kco_err *err)
{
	struct kco_mem *mem = p->session->mem;
	enum kco_status status = KCO_OK;
	size_t got = 0;

	while (got < n && !status) {
		size_t part;

		status = kco_vread(mem, &p->space, va + got, (uint8_t *)buf + got, n - got, &part, err);
		got += part;
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
