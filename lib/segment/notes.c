// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ELF notes, as they lie in PT_NOTE segments and in the sub-header of kdump
 * files:
 *
 *   u32 namesz, descsz, type; name, padded; desc, padded
 *
 * (System V ABI, "Note Section"). The padding is to 4 bytes, or to 8 where the
 * program header says so. All sizes are the dump's word and are checked
 * against what is left of the area.
 */
#include <kco/image.h>

#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define NOTES_BYTES_MAX ((uint64_t)64 << 20)
#define NOTES_MAX 65536 /* in one image: 8192 CPUs with eight notes each */
#define NOTES_HEADER 12

/* Append room for one note; grows by doubling, the first time to 16. */
static struct kco_note *notes_append(struct kco_image *img)
{
	size_t n = img->nr_notes;

	if (n == 0 || (n >= 16 && (n & (n - 1)) == 0)) {
		size_t room = n ? 2 * n : 16;
		struct kco_note *notes = realloc(img->notes, room * sizeof(*notes));

		if (!notes)
			return NULL;
		img->notes = notes;
	}
	return &img->notes[img->nr_notes];
}

static void notes_learn(struct kco_image *img, const struct kco_note *note)
{
	struct kco_facts *facts = &img->facts;
	size_t size = note->size;

	// Writers pad the text with NULs.
	while (size && ((const char *)note->desc)[size - 1] == '\0')
		size--;
	if (!size)
		return;
	if (!facts->vmcoreinfo && !strcmp(note->name, "VMCOREINFO")) {
		facts->vmcoreinfo = note->desc;
		facts->vmcoreinfo_size = size;
	} else if (!facts->eraseinfo && !strcmp(note->name, "ERASEINFO")) {
		facts->eraseinfo = note->desc;
		facts->eraseinfo_size = size;
	}
}

static enum kco_status notes_add(struct kco_image *img, const uint8_t *name, uint32_t namesz, const uint8_t *desc,
				 uint32_t descsz, uint32_t type, struct kco_err *err)
{
	struct kco_note *note = notes_append(img);
	const char *text = "";

	// The name in place when its NUL is there.
	if (namesz)
		text = memchr(name, 0, namesz) ? (const char *)name
					       : kco_arena_strndup(&img->arena, (const char *)name, namesz);
	if (!note || !text)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for notes");
	*note = (struct kco_note){ .name = text, .type = type, .size = descsz, .desc = desc };
	img->nr_notes++;
	notes_learn(img, note);
	return KCO_OK;
}

static uint64_t notes_pad(uint64_t n, unsigned align)
{
	return (n + align - 1) & ~(uint64_t)(align - 1);
}

static enum kco_status notes_parse(struct kco_image *img, const uint8_t *area, size_t size, unsigned align,
				   struct kco_err *err)
{
	uint64_t pos = 0;

	while (pos < size && size - pos >= NOTES_HEADER) {
		uint32_t namesz = kco_le32(area + pos), descsz = kco_le32(area + pos + 4);
		uint32_t type = kco_le32(area + pos + 8);
		// Two u32 and two paddings: no overflow in 64 bits.
		uint64_t name = pos + NOTES_HEADER, desc = notes_pad(name + namesz, align), end = desc + descsz;
		enum kco_status status;

		if (name + namesz > size || end > size) {
			kco_image_warn(img,
				       "a note at %#llx of %#zx bytes of notes runs over their end "
				       "(name %u, data %u bytes): it and the rest are left out",
				       (unsigned long long)pos, size, namesz, descsz);
			return KCO_OK;
		}
		pos = notes_pad(end, align);
		// Fill between the notes of CPUs, not a note.
		if (!namesz && !descsz && !type)
			continue;
		if (img->nr_notes == NOTES_MAX) {
			kco_image_warn(img, "more than %d notes: the rest are left out", NOTES_MAX);
			return KCO_OK;
		}
		status = notes_add(img, area + name, namesz, area + desc, descsz, type, err);
		if (status != KCO_OK)
			return status;
	}
	return KCO_OK;
}

enum kco_status kco_image_add_notes(struct kco_image *img, struct kco_io *io, uint64_t off, uint64_t size,
				    unsigned align, struct kco_err *err)
{
	uint64_t there = off < io->size ? io->size - off : 0, want = size;
	enum kco_status status;
	uint8_t *area;
	size_t got;

	if (want > NOTES_BYTES_MAX) {
		kco_image_warn(img, "%#llx bytes of notes: only the first %u MiB are read", (unsigned long long)size,
			       (unsigned)(NOTES_BYTES_MAX >> 20));
		want = NOTES_BYTES_MAX;
	}
	if (want > there) {
		kco_image_warn(img, "the notes are truncated: %#llx of %#llx bytes are in the file",
			       (unsigned long long)there, (unsigned long long)size);
		want = there;
	}
	if (!want)
		return KCO_OK;
	area = kco_arena_alloc(&img->arena, (size_t)want);
	if (!area)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %#llx bytes of notes", (unsigned long long)want);
	status = kco_io_read(io, area, (size_t)want, off, &got, err);
	if (status != KCO_OK && !got)
		return kco_context(err, status, "notes");
	if (status != KCO_OK)
		kco_image_warn(img, "the notes cannot be read to their end: %#zx of %#llx bytes", got,
			       (unsigned long long)size);
	return notes_parse(img, area, got, align == 8 ? 8 : 4, err);
}

const struct kco_note *kco_image_note(const struct kco_image *img, const char *name, uint32_t type, size_t nth)
{
	for (size_t i = 0; i < img->nr_notes; i++) {
		const struct kco_note *note = &img->notes[i];

		if (note->type == type && (!name || !strcmp(name, note->name)) && nth-- == 0)
			return note;
	}
	return NULL;
}
