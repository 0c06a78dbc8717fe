// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The note KCODBG: see facts_note.h for its layout.
 */
#include "facts_note.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define FACTS_ITEM 8u
#define FACTS_NO_USER_MAX 512u
#define FACTS_MSGBUF_MAX (UINT32_C(64) << 20)

/* Texts that are arrays of struct kco_facts. */
static const struct facts_text {
	uint32_t tag;
	size_t offset, room;
} facts_texts[] = {
#define FACTS_TEXT(tag, member)                                                                  \
	{                                                                                        \
		tag, offsetof(struct kco_facts, member), sizeof(((struct kco_facts *)0)->member) \
	}
	FACTS_TEXT(KCO_FACTS_SYSNAME, sysname), FACTS_TEXT(KCO_FACTS_NODENAME, nodename),
	FACTS_TEXT(KCO_FACTS_RELEASE, release), FACTS_TEXT(KCO_FACTS_VERSION, version),
	FACTS_TEXT(KCO_FACTS_MACHINE, machine), FACTS_TEXT(KCO_FACTS_DOMAINNAME, domainname),
	FACTS_TEXT(KCO_FACTS_PANIC, panic),
#undef FACTS_TEXT
};

struct facts_buf {
	uint8_t *p; /* NULL: only count */
	uint64_t n;
};

static void facts_put(struct facts_buf *b, uint32_t tag, const void *bytes, size_t size)
{
	if (b->p) {
		kco_put_le32(b->p + b->n, tag);
		kco_put_le32(b->p + b->n + 4, (uint32_t)size);
		memcpy(b->p + b->n + FACTS_ITEM, bytes, size);
	}
	b->n += FACTS_ITEM + ((size + UINT64_C(3)) & ~UINT64_C(3));
}

static void facts_put_u32(struct facts_buf *b, uint32_t tag, uint32_t v)
{
	uint8_t raw[4];

	kco_put_le32(raw, v);
	facts_put(b, tag, raw, sizeof(raw));
}

static void facts_put_u64s(struct facts_buf *b, uint32_t tag, const uint64_t *v, size_t n)
{
	uint8_t raw[2 * KCO_WRITE_SPANS_MAX * 8];

	for (size_t i = 0; i < n; i++)
		kco_put_le64(raw + 8 * i, v[i]);
	facts_put(b, tag, raw, 8 * n);
}

static void facts_put_maps(struct facts_buf *b, const struct kco_write_source *src)
{
	size_t n = src->nr_spans < KCO_WRITE_SPANS_MAX ? src->nr_spans : KCO_WRITE_SPANS_MAX;
	uint64_t v[2 * KCO_WRITE_SPANS_MAX];

	for (size_t i = 0; i < n; i++) {
		v[2 * i] = src->spans[i].first;
		v[2 * i + 1] = src->spans[i].last;
	}
	facts_put_u64s(b, KCO_FACTS_MAPS, v, 2 * n);
}

static void facts_put_all(struct facts_buf *b, const struct kco_write_source *src)
{
	const struct kco_facts *facts = &src->image->facts;

	for (size_t i = 0; i < sizeof(facts_texts) / sizeof(*facts_texts); i++) {
		const char *text = (const char *)facts + facts_texts[i].offset;

		if (*text)
			facts_put(b, facts_texts[i].tag, text, strnlen(text, facts_texts[i].room));
	}
	if (facts->no_user)
		facts_put(b, KCO_FACTS_NO_USER, facts->no_user, strlen(facts->no_user));
	if (facts->dump_time)
		facts_put_u64s(b, KCO_FACTS_DUMP_TIME, &facts->dump_time, 1);
	if (facts->nr_cpus)
		facts_put_u32(b, KCO_FACTS_NR_CPUS, facts->nr_cpus);
	if (facts->has_root_pa)
		facts_put_u64s(b, KCO_FACTS_ROOT, (const uint64_t[]){ facts->root_pa, facts->root_levels }, 2);
	if (facts->has_kernel_pa)
		facts_put_u64s(b, KCO_FACTS_KERNEL_PA, (const uint64_t[]){ facts->kernel_va, facts->kernel_pa }, 2);
	if (facts->has_phys_base)
		facts_put_u64s(b, KCO_FACTS_PHYS_BASE, &facts->phys_base, 1);
	if (facts->block_size)
		facts_put_u32(b, KCO_FACTS_BLOCK_SIZE, facts->block_size);
	if (facts->elf32)
		facts_put_u32(b, KCO_FACTS_ELF32, 1);
	if (facts->msgbuf && facts->msgbuf_size <= FACTS_MSGBUF_MAX)
		facts_put(b, KCO_FACTS_MSGBUF, facts->msgbuf, facts->msgbuf_size);
	if (src->nr_maps && !facts->has_root_pa)
		facts_put_maps(b, src);
	for (size_t i = 0; i < src->nr_maps; i++) {
		const struct kco_write_map *map = &src->maps[i];

		if (!map->direct)
			continue;
		facts_put_u64s(b, KCO_FACTS_DIRECT, (const uint64_t[]){ map->va, map->va + (map->size - 1) }, 2);
		break;
	}
}

enum kco_status kco_facts_note_new(const struct kco_write_source *src, uint8_t **ret, size_t *size, struct kco_err *err)
{
	struct facts_buf b = { .n = 4 };

	*ret = NULL;
	*size = 0;
	if (!src->keep_facts)
		return KCO_OK;
	facts_put_all(&b, src);
	b.p = calloc(1, (size_t)b.n);
	if (!b.p)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %" PRIu64 " bytes of facts", b.n);
	kco_put_le32(b.p, KCO_FACTS_NOTE_VERSION);
	*size = (size_t)b.n;
	b.n = 4;
	facts_put_all(&b, src);
	*ret = b.p;
	return KCO_OK;
}

/* false: it makes no sense. */
static bool facts_take_numbers(struct kco_facts *facts, uint32_t tag, const uint8_t *p, size_t n)
{
	size_t want = tag == KCO_FACTS_NR_CPUS || tag == KCO_FACTS_BLOCK_SIZE || tag == KCO_FACTS_ELF32 ? 4
		      : tag == KCO_FACTS_DUMP_TIME || tag == KCO_FACTS_PHYS_BASE			? 8
													: 16;

	if (n != want)
		return false;
	switch (tag) {
	case KCO_FACTS_DUMP_TIME:
		facts->dump_time = kco_le64(p);
		break;
	case KCO_FACTS_NR_CPUS:
		facts->nr_cpus = kco_le32(p);
		break;
	case KCO_FACTS_ROOT:
		if (kco_le64(p + 8) > 6)
			return false;
		facts->root_pa = kco_le64(p);
		facts->root_levels = (uint32_t)kco_le64(p + 8);
		facts->has_root_pa = true;
		break;
	case KCO_FACTS_KERNEL_PA:
		facts->kernel_va = kco_le64(p);
		facts->kernel_pa = kco_le64(p + 8);
		facts->has_kernel_pa = true;
		break;
	case KCO_FACTS_PHYS_BASE:
		facts->phys_base = kco_le64(p);
		facts->has_phys_base = true;
		break;
	case KCO_FACTS_ELF32:
		facts->elf32 = kco_le32(p) == 1;
		break;
	case KCO_FACTS_BLOCK_SIZE:
		// Pages of 4 KiB to 64 KiB; what else there may be is no unit of storage.
		if (kco_le32(p) < 4096 || kco_le32(p) > 65536 || (kco_le32(p) & (kco_le32(p) - 1)))
			return false;
		facts->block_size = kco_le32(p);
		break;
	}
	return true;
}

static bool facts_take_maps(struct kco_facts_maps *maps, const uint8_t *p, size_t n)
{
	if (n % 16 || n / 16 > KCO_WRITE_SPANS_MAX)
		return false;
	for (size_t i = 0; i < n / 16; i++) {
		maps->spans[i] = (struct kco_write_run){ kco_le64(p + 16 * i), kco_le64(p + 16 * i + 8) };
		if (maps->spans[i].last < maps->spans[i].first ||
		    maps->spans[i].last - maps->spans[i].first == UINT64_MAX)
			return false;
	}
	maps->nr_spans = n / 16;
	maps->known = true;
	return true;
}

static bool facts_take(struct kco_image *img, struct kco_facts_maps *maps, uint32_t tag, const uint8_t *p, size_t n)
{
	struct kco_facts *facts = &img->facts;

	for (size_t i = 0; i < sizeof(facts_texts) / sizeof(*facts_texts); i++) {
		char *text = (char *)facts + facts_texts[i].offset;

		if (facts_texts[i].tag != tag)
			continue;
		if (n >= facts_texts[i].room)
			return false;
		memcpy(text, p, n);
		text[n] = '\0';
		return true;
	}
	switch (tag) {
	case KCO_FACTS_NO_USER:
		facts->no_user =
			n && n <= FACTS_NO_USER_MAX ? kco_arena_strndup(&img->arena, (const char *)p, n) : NULL;
		return facts->no_user != NULL;
	case KCO_FACTS_MSGBUF:
		if (n > FACTS_MSGBUF_MAX)
			return false;
		facts->msgbuf = p;
		facts->msgbuf_size = n;
		return true;
	case KCO_FACTS_MAPS:
		return facts_take_maps(maps, p, n);
	case KCO_FACTS_DIRECT:
		if (n != 16)
			return false;
		maps->direct = (struct kco_write_run){ kco_le64(p), kco_le64(p + 8) };
		return true;
	case KCO_FACTS_DUMP_TIME:
	case KCO_FACTS_NR_CPUS:
	case KCO_FACTS_ROOT:
	case KCO_FACTS_KERNEL_PA:
	case KCO_FACTS_PHYS_BASE:
	case KCO_FACTS_BLOCK_SIZE:
	case KCO_FACTS_ELF32:
		return facts_take_numbers(facts, tag, p, n);
	}
	return true; // of a later writer
}

bool kco_facts_note_read(struct kco_image *img, struct kco_facts_maps *maps)
{
	const struct kco_note *note = kco_image_note(img, KCO_FACTS_NOTE_NAME, KCO_FACTS_NOTE_TYPE, 0);
	const uint8_t *p = note ? note->desc : NULL;

	*maps = (struct kco_facts_maps){ .direct = { 1, 0 } };
	if (!note)
		return false;
	if (note->size < 4 || kco_le32(p) != KCO_FACTS_NOTE_VERSION) {
		kco_image_warn(img,
			       "the note " KCO_FACTS_NOTE_NAME " (%" PRIu32 " bytes) is of version %" PRIu32
			       ", %u is known: what the original dump's headers said is not used",
			       note->size, note->size < 4 ? 0 : kco_le32(p), KCO_FACTS_NOTE_VERSION);
		return false;
	}
	for (uint64_t at = 4; at < note->size;) {
		uint32_t left = note->size - (uint32_t)at, size;

		if (left < FACTS_ITEM || (size = kco_le32(p + at + 4)) > left - FACTS_ITEM) {
			kco_image_warn(img,
				       "the note " KCO_FACTS_NOTE_NAME " is damaged at %" PRIu64 " of its %" PRIu32
				       " bytes: the rest is left out",
				       at, note->size);
			break;
		}
		if (!facts_take(img, maps, kco_le32(p + at), p + at + FACTS_ITEM, size))
			kco_image_warn(img,
				       "the note " KCO_FACTS_NOTE_NAME " has an item %" PRIu32 " of %" PRIu32
				       " bytes that makes no sense: it is left out",
				       kco_le32(p + at), size);
		at += FACTS_ITEM + ((size + UINT64_C(3)) & ~UINT64_C(3));
	}
	return true;
}
