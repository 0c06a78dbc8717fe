// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What every writer of dumps does: read a piece of memory, lay out notes.
 */
#include <kco/write.h>

#include <string.h>

#include <kco/endian.h>

#define WRITE_NOTE_HEADER 12u /* sizes of name and contents, type */

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

bool kco_write_note(const struct kco_image *img, size_t i, struct kco_note *ret)
{
	const struct kco_facts *facts = &img->facts;

	if (i < img->nr_notes) {
		*ret = img->notes[i];
		return true;
	}
	*ret = (struct kco_note){ "VMCOREINFO", 0, (uint32_t)facts->vmcoreinfo_size, facts->vmcoreinfo };
	if (i > img->nr_notes || !facts->vmcoreinfo || facts->vmcoreinfo_size > UINT32_MAX)
		return false;
	for (size_t k = 0; k < img->nr_notes; k++)
		if (img->notes[k].desc == (const void *)facts->vmcoreinfo)
			return false;
	return true;
}

static uint64_t write_pad4(uint64_t n)
{
	return (n + 3) & ~UINT64_C(3);
}

uint64_t kco_write_note_size(const struct kco_note *note)
{
	return WRITE_NOTE_HEADER + write_pad4(strlen(note->name) + 1) + write_pad4(note->size);
}

size_t kco_write_note_put(uint8_t *p, const struct kco_note *note)
{
	size_t name = strlen(note->name) + 1, at = WRITE_NOTE_HEADER + (size_t)write_pad4(name);

	kco_put_le32(p, (uint32_t)name);
	kco_put_le32(p + 4, note->size);
	kco_put_le32(p + 8, note->type);
	memcpy(p + WRITE_NOTE_HEADER, note->name, name);
	if (note->size)
		memcpy(p + at, note->desc, note->size);
	return at;
}

bool kco_write_is_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && (n == 1 || !memcmp(p, p + 1, n - 1));
}
