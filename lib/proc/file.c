// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading files of the crashed machine out of its page cache.
 */
#include <kco/page.h>

#include <inttypes.h>

#include "process_priv.h"

#define FILE_PAGE UINT64_C(4096)

enum kco_status kco_file_read(struct kco_session *s, const struct kco_file *file, uint64_t off, void *buf, size_t n,
			      size_t *done, struct kco_err *err)
{
	enum kco_status (*slot)(struct kco_session *, const struct kco_file *, uint64_t, void *, size_t,
				struct kco_err *) = PROCESS_OS_SLOT(s, file_read);
	enum kco_status st = KCO_OK;
	size_t got = 0;

	if (!slot)
		st = kco_fail(err, KCO_E_UNSUPPORTED, "the page cache: not known on %s", s->os->title);
	else if (off > file->size || n > file->size - off)
		st = kco_fail(err, KCO_E_RANGE, "%s ends at %" PRIu64, file->path, file->size);
	while (!st && got < n) {
		size_t part = (size_t)(FILE_PAGE - ((off + got) & (FILE_PAGE - 1)));

		if (part > n - got)
			part = n - got;
		st = slot(s, file, off + got, (uint8_t *)buf + got, part, err);
		if (!st)
			got += part;
	}
	if (done)
		*done = got;
	return st;
}
