// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The core of a process in which a mapped file is the memory of a machine.
 */
#include "elf_guest.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define GUEST_PAGE_MIN 4096
#define GUEST_PAGE_MAX (1u << 20)

/* A piece of a file in the address space. */
struct guest_map {
	uint64_t start, end, offset; /* of the file, bytes */
};

struct kco_elf_guest {
	struct kco_io *io;
	struct guest_map *maps; /* pieces of files that may be the memory, later of the one that is: by start */
	size_t nr_maps;
	uint64_t *programs; /* where files begin that are none of these, sorted */
	size_t nr_programs;
	uint64_t base;	     /* the address of physical address 0 */
	uint64_t first, end; /* addresses of the one large piece */
};

/*
 * A machine's memory is a file that nobody else can open: made and unlinked at
 * once (vm_file-XXXXXX), or never linked at all (#INODE): create_tmp_file() of
 * Linux arch/um/os-Linux/mem.c. Both are listed as deleted.
 */
static bool guest_may_be_memory(const char *path, size_t n)
{
	static const char deleted[] = " (deleted)";
	const size_t len = sizeof(deleted) - 1;

	return n > len && !memcmp(path + n - len, deleted, len);
}

static int guest_by_address(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int guest_by_start(const void *a, const void *b)
{
	const struct guest_map *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static int guest_by_base(const void *a, const void *b)
{
	const struct guest_map *x = a, *y = b;
	uint64_t p = x->start - x->offset, q = y->start - y->offset;

	return p != q ? (p > q) - (p < q) : guest_by_start(a, b);
}

/* The pieces of the file in @note, which says of itself how many there are. */
static enum kco_status guest_parse(struct kco_image *img, const struct kco_note *note, size_t word,
				   struct kco_elf_guest *guest, struct kco_err *err)
{
	const uint8_t *desc = note->desc, *row;
	const char *name, *end = (const char *)desc + note->size;
	uint64_t count, page, pages;

	if (note->size < 2 * word)
		return kco_fail(err, KCO_E_CORRUPT, "the note of mapped files has %u bytes", note->size);
	count = kco_le_uint(desc, word);
	page = kco_le_uint(desc + word, word);
	if (count > (note->size - 2 * word) / (3 * word))
		return kco_fail(err, KCO_E_CORRUPT, "the note of mapped files has %u bytes for %" PRIu64 " files",
				note->size, count);
	if (!count)
		return KCO_OK;
	// The kernel counts in its pages, gdb in bytes.
	if (page != 1 && (page < GUEST_PAGE_MIN || page > GUEST_PAGE_MAX || page & (page - 1)))
		return kco_fail(err, KCO_E_CORRUPT, "the note of mapped files counts in pages of %" PRIu64 " bytes",
				page);
	guest->maps = kco_arena_array(&img->arena, (size_t)count + 1, sizeof(*guest->maps));
	guest->programs = kco_arena_array(&img->arena, (size_t)count + 1, sizeof(*guest->programs));
	if (!guest->maps || !guest->programs)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %" PRIu64 " mapped files", count);
	row = desc + 2 * word;
	name = (const char *)row + count * 3 * word;
	for (uint64_t i = 0; i < count && name < end; i++, row += 3 * word) {
		size_t n = strnlen(name, (size_t)(end - name));
		struct guest_map map = { kco_le_uint(row, word), kco_le_uint(row + word, word), 0 };

		if (name + n == end)
			break; // cut off: whose this one is cannot be told
		pages = kco_le_uint(row + 2 * word, word);
		if (map.end > map.start && !__builtin_mul_overflow(pages, page, &map.offset)) {
			if (guest_may_be_memory(name, n))
				guest->maps[guest->nr_maps++] = map;
			else if (!pages)
				guest->programs[guest->nr_programs++] = map.start;
		}
		name += n + 1;
	}
	qsort(guest->programs, guest->nr_programs, sizeof(*guest->programs), guest_by_address);
	return KCO_OK;
}

/*
 * Pieces that lie in one line, which begins where a program does, are the
 * machine's memory as its kernel sees it; the longest such line is.
 */
static void guest_choose(struct kco_elf_guest *guest)
{
	uint64_t best = 0;

	qsort(guest->maps, guest->nr_maps, sizeof(*guest->maps), guest_by_base);
	for (size_t i = 0, next; i < guest->nr_maps; i = next) {
		const struct guest_map *first = &guest->maps[i];
		uint64_t base = first->start - first->offset, size = 0, end = 0;

		for (next = i; next < guest->nr_maps && guest->maps[next].start - guest->maps[next].offset == base;
		     next++) {
			size += guest->maps[next].end - guest->maps[next].start;
			if (guest->maps[next].end > end)
				end = guest->maps[next].end;
		}
		if (size <= best || !first->offset || first->offset > first->start ||
		    !bsearch(&base, guest->programs, guest->nr_programs, sizeof(base), guest_by_address))
			continue;
		best = size;
		guest->base = base;
		guest->first = first->start;
		guest->end = end;
	}
}

/* Where two pieces overlap, which the kernel never writes, the lower one ends. */
static bool guest_untangle(struct kco_elf_guest *guest)
{
	bool tangled = false;

	qsort(guest->maps, guest->nr_maps, sizeof(*guest->maps), guest_by_start);
	for (size_t i = 1; i < guest->nr_maps; i++)
		if (guest->maps[i - 1].end > guest->maps[i].start) {
			guest->maps[i - 1].end = guest->maps[i].start;
			tangled = true;
		}
	return tangled;
}

enum kco_status kco_elf_guest_find(struct kco_image *img, bool class32, struct kco_elf_guest **ret, struct kco_err *err)
{
	const struct kco_note *note = kco_image_note(img, "CORE", NT_FILE, 0);
	struct kco_elf_guest *guest;
	enum kco_status st;

	*ret = NULL;
	if (!note)
		return KCO_OK;
	guest = kco_arena_alloc(&img->arena, sizeof(*guest));
	if (!guest)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = guest_parse(img, note, class32 ? 4 : 8, guest, err);
	if (st)
		return st;
	if (!guest->nr_maps)
		return KCO_OK; // nothing is mapped from a file
	guest_choose(guest);
	if (!guest->end)
		return KCO_OK; // no such file: any process
	if (guest_untangle(guest))
		kco_image_warn(img, "mappings of the machine's memory overlap: the higher one is taken");
	*ret = guest;
	return KCO_OK;
}

static enum kco_status guest_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				  size_t n, size_t *done, struct kco_err *err)
{
	const struct kco_elf_guest *guest = seg->source;

	(void)codec;
	return kco_io_read(guest->io, buf, n, seg->offset + (addr - seg->orig_first), done, err);
}

static enum kco_status guest_read_hole(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				       size_t n, size_t *done, struct kco_err *err)
{
	(void)seg;
	(void)codec;
	(void)addr;
	(void)buf;
	(void)n;
	*done = 0;
	return kco_fail(err, KCO_E_NOT_SAVED,
			"left out by the filter of the host's core dumps (for the next one: echo 0x7f "
			">/proc/PID/coredump_filter)");
}

static enum kco_status guest_translate(const struct kco_segment *seg, struct kco_codec *codec, uint64_t va,
				       struct kco_segment_page *ret, struct kco_err *err)
{
	const struct kco_elf_guest *guest = seg->source;
	size_t lo = 0, hi = guest->nr_maps;

	(void)codec;
	*ret = (struct kco_segment_page){ .write = true, .exec = true };
	if (va >= guest->base && va < guest->end) {
		ret->pa = KCO_PADDR(va - guest->base);
		return KCO_OK;
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (guest->maps[mid].end > va)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo == guest->nr_maps || guest->maps[lo].start > va)
		return kco_fail(err, KCO_E_UNMAPPED, "%#" PRIx64 " is memory of the host, not of the machine", va);
	ret->pa = KCO_PADDR(guest->maps[lo].offset + (va - guest->maps[lo].start));
	ret->size = GUEST_PAGE_MIN;
	return KCO_OK;
}

static const struct kco_segment_ops guest_ops = { .read = guest_read, .translate = guest_translate };
static const struct kco_segment_ops guest_hole_ops = { .read = guest_read_hole, .translate = guest_translate };

/* The part of @p that is the machine's memory, once more as such. */
static enum kco_status guest_add_phys(struct kco_image *img, struct kco_elf_guest *guest, const struct kco_elf_piece *p,
				      uint64_t *saved, struct kco_err *err)
{
	uint64_t first = p->first, last = p->first + (p->size - 1);

	if (last < guest->base || first >= guest->end)
		return KCO_OK;
	if (first < guest->base)
		first = guest->base;
	if (last >= guest->end)
		last = guest->end - 1;
	if (!p->hole && last >= guest->first)
		*saved += last - (first > guest->first ? first : guest->first) + 1;
	return kco_image_add_segment(img, KCO_PHYS, first - guest->base, last - first + 1,
				     p->hole ? &guest_hole_ops : &guest_ops, guest, p->offset + (first - p->first),
				     err);
}

enum kco_status kco_elf_guest_add(struct kco_image *img, struct kco_io *io, struct kco_elf_guest *guest,
				  const struct kco_elf_piece *v, size_t n, struct kco_err *err)
{
	enum kco_status st = KCO_OK;
	uint64_t saved = 0;

	guest->io = io;
	// Holes first: memory without bytes never hides memory with bytes.
	for (int holes = 1; holes >= 0; holes--)
		for (size_t i = 0; !st && i < n; i++) {
			if (v[i].hole != (holes == 1) || !v[i].size || v[i].first + (v[i].size - 1) < v[i].first)
				continue;
			st = kco_image_add_segment(img, KCO_VIRT, v[i].first, v[i].size,
						   v[i].hole ? &guest_hole_ops : &guest_ops, guest, v[i].offset, err);
			if (!st)
				st = guest_add_phys(img, guest, &v[i], &saved, err);
		}
	img->facts.max_pfn = (guest->end - guest->base) / GUEST_PAGE_MIN;
	if (!st && !saved)
		kco_image_warn(img,
			       "the machine's memory is not in the core: the filter of the host's core dumps left it "
			       "out (for the next one: echo 0x7f >/proc/PID/coredump_filter)");
	return st;
}
