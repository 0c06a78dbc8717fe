// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a new kdump file says about itself: main header, sub header, notes.
 */
#include "kdump_writer.h"

#include <stdlib.h>

static bool kdump_is_vmcoreinfo(const struct kco_facts *facts, const struct kco_note *note)
{
	return facts->vmcoreinfo && note->desc == (const void *)facts->vmcoreinfo;
}

uint64_t kco_kdump_notes_size(const struct kco_image *img)
{
	struct kco_note note;
	uint64_t size = 0;

	for (size_t i = 0; kco_write_note(img, i, &note); i++)
		size += kco_write_note_size(&note);
	return size;
}

/* The notes, each padded to 4 bytes; finds out where the text of VMCOREINFO goes. */
enum kco_status kco_kdump_put_notes(struct kco_kdump_writer *w, struct kco_err *err)
{
	const struct kco_image *img = w->src->image;
	uint8_t *buf = calloc(1, w->notes_size ? w->notes_size : 1), *p = buf;
	enum kco_status status;
	struct kco_note note;

	if (!buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for the notes");
	for (size_t i = 0; kco_write_note(img, i, &note); i++) {
		size_t at = kco_write_note_put(p, &note);

		if (kdump_is_vmcoreinfo(&img->facts, &note))
			w->vmcoreinfo_off = w->notes_off + (uint64_t)(p - buf) + at;
		p += kco_write_note_size(&note);
	}
	status = kco_sink_write(w->sink, buf, w->notes_size, w->notes_off, err);
	free(buf);
	if (status == KCO_OK && w->erase_off)
		status = kco_sink_write(w->sink, img->facts.eraseinfo, img->facts.eraseinfo_size, w->erase_off, err);
	return status;
}

/* The value of "KEY=value" in VMCOREINFO, up to the end of its line; false when there is none. */
static bool kdump_info(const struct kco_facts *facts, const char *key, char *buf, size_t size)
{
	const char *p = facts->vmcoreinfo, *end = p ? p + facts->vmcoreinfo_size : NULL;
	size_t len = strlen(key);

	while (p && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t line = (size_t)((nl ? nl : end) - p);

		if (line > len && !memcmp(p, key, len) && p[len] == '=') {
			size_t n = line - len - 1 < size - 1 ? line - len - 1 : size - 1;

			memcpy(buf, p + len + 1, n);
			buf[n] = '\0';
			return true;
		}
		p = nl ? nl + 1 : NULL;
	}
	return false;
}

uint32_t kco_kdump_flag(enum kco_codec_id id)
{
	switch (id) {
	case KCO_CODEC_ZLIB:
		return KCO_KDUMP_ZLIB;
	case KCO_CODEC_LZO:
		return KCO_KDUMP_LZO;
	case KCO_CODEC_SNAPPY:
		return KCO_KDUMP_SNAPPY;
	case KCO_CODEC_ZSTD:
		return KCO_KDUMP_ZSTD;
	default:
		return 0;
	}
}

/* Readers choose the architecture by utsname, and skip one without a sysname: fill what the source lacks. */
static void kdump_put_uts(const struct kco_facts *facts, uint8_t *raw)
{
	const char *machine = kco_kdump_elf_machine(facts->elf_machine);
	const char *have[6] = { facts->sysname, facts->nodename, facts->release,
				facts->version, facts->machine,	 facts->domainname };
	char release[KCO_KDUMP_UTS_LEN] = "";
	const char *spare[6] = { "Linux", "(none)", release, "#1", machine ? machine : "", "(none)" };

	kdump_info(facts, "OSRELEASE", release, sizeof(release));
	for (size_t i = 0; i < 6; i++) {
		const char *s = have[i][0] ? have[i] : spare[i];

		memcpy(raw + KCO_KDUMP_UTS + i * KCO_KDUMP_UTS_LEN, s, strnlen(s, KCO_KDUMP_UTS_LEN - 1));
	}
}

enum kco_status kco_kdump_put_headers(const struct kco_kdump_writer *w, struct kco_err *err)
{
	const struct kco_facts *facts = &w->src->image->facts;
	uint8_t raw[KCO_KDUMP_HEADER_SIZE] = KCO_KDUMP_SIG, sub[KCO_KDUMP_SUB_SIZE] = { 0 };
	uint64_t phys_base = facts->phys_base;
	enum kco_status status;
	char number[32];

	if (!facts->has_phys_base && kdump_info(facts, "NUMBER(phys_base)", number, sizeof(number)))
		phys_base = (uint64_t)strtoll(number, NULL, 10);
	kco_put_le32(raw + KCO_KDUMP_VERSION, 6);
	kdump_put_uts(facts, raw);
	kco_put_le64(raw + KCO_KDUMP_TIME, facts->dump_time);
	kco_put_le32(raw + KCO_KDUMP_STATUS,
		     kco_kdump_flag(w->src->codec) | (facts->incomplete ? KCO_KDUMP_INCOMPLETE : 0));
	kco_put_le32(raw + KCO_KDUMP_BLOCK_SIZE, w->block_size);
	kco_put_le32(raw + KCO_KDUMP_SUB_BLOCKS, (uint32_t)(w->bitmap1 / w->block_size - 1));
	kco_put_le32(raw + KCO_KDUMP_BITMAP_BLOCKS, (uint32_t)(2 * w->bitmap_size / w->block_size));
	kco_put_le32(raw + KCO_KDUMP_MAX_MAPNR, w->max_mapnr < UINT32_MAX ? (uint32_t)w->max_mapnr : UINT32_MAX);
	kco_put_le32(raw + KCO_KDUMP_WRITTEN, w->all < UINT32_MAX ? (uint32_t)w->all : UINT32_MAX);
	kco_put_le32(raw + KCO_KDUMP_NR_CPUS, facts->nr_cpus ? facts->nr_cpus : 1);
	status = kco_sink_write(w->sink, raw, sizeof(raw), 0, err);
	if (status != KCO_OK)
		return status;

	kco_put_le64(sub + KCO_KDUMP_PHYS_BASE, phys_base);
	kco_put_le32(sub + KCO_KDUMP_LEVEL, facts->dump_level > 0 ? (uint32_t)facts->dump_level : 0);
	// Nothing of this is in the main header, which readers want to be the same in all files of a set.
	if (w->src->part) {
		kco_put_le32(sub + KCO_KDUMP_SPLIT, 1);
		kco_put_le64(sub + KCO_KDUMP_START, (uint32_t)w->start_pfn);
		kco_put_le64(sub + KCO_KDUMP_END, (uint32_t)w->end_pfn);
		kco_put_le64(sub + KCO_KDUMP_START_64, w->start_pfn);
		kco_put_le64(sub + KCO_KDUMP_END_64, w->end_pfn);
	}
	if (w->vmcoreinfo_off) {
		kco_put_le64(sub + KCO_KDUMP_VMCOREINFO, w->vmcoreinfo_off);
		kco_put_le64(sub + KCO_KDUMP_VMCOREINFO + 8, facts->vmcoreinfo_size);
	}
	if (w->notes_off) {
		kco_put_le64(sub + KCO_KDUMP_NOTES, w->notes_off);
		kco_put_le64(sub + KCO_KDUMP_NOTES + 8, w->notes_size);
	}
	if (w->erase_off) {
		kco_put_le64(sub + KCO_KDUMP_ERASE, w->erase_off);
		kco_put_le64(sub + KCO_KDUMP_ERASE + 8, facts->eraseinfo_size);
	}
	kco_put_le64(sub + KCO_KDUMP_MAX_MAPNR_64, w->max_mapnr);
	return kco_sink_write(w->sink, sub, sizeof(sub), w->block_size, err);
}
