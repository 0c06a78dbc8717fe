// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What every writer of dumps does: read a piece of memory, write bytes.
 */
#include <kco/write.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum kco_status kco_write_read(struct kco_reader *rd, struct kco_write_piece *piece, struct kco_err *err)
{
	uint64_t end = piece->addr + piece->n, first, last;
	size_t done;
	enum kco_status status = kco_reader_read_once(rd, KCO_PHYS, piece->addr, piece->bytes, piece->n, &done, err);

	// Memory that ends within a block: what is beyond it is zeros, and it may go on behind.
	while (status == KCO_E_RANGE) {
		uint64_t at = piece->addr + done;

		status = kco_reader_saved(rd, KCO_PHYS, at, &first, &last, err);
		if (status == KCO_DONE || (status == KCO_OK && first >= end)) {
			memset(piece->bytes + done, 0, piece->n - done);
			return KCO_OK;
		}
		if (status != KCO_OK || first == at)
			return status != KCO_OK ? status : KCO_E_RANGE;
		memset(piece->bytes + done, 0, (size_t)(first - at));
		done = (size_t)(first - piece->addr);
		status = kco_reader_read_once(rd, KCO_PHYS, first, piece->bytes + done, piece->n - done, &done, err);
		done += (size_t)(first - piece->addr);
	}
	return status;
}

enum kco_status kco_write_all(int fd, const void *buf, size_t n, uint64_t off, struct kco_err *err)
{
	while (n) {
		ssize_t r = pwrite(fd, buf, n, (off_t)off);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return kco_fail_errno(err, r < 0 ? errno : EIO, "writing %zu bytes at offset %llu", n,
					      (unsigned long long)off);
		buf = (const uint8_t *)buf + r;
		n -= (size_t)r;
		off += (uint64_t)r;
	}
	return KCO_OK;
}
