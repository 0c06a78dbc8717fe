// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What every writer of dumps does: read a piece of memory.
 */
#include <kco/write.h>

#include <string.h>

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
