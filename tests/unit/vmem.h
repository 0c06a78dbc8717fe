// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual memory for tests and fuzzers: pieces of bytes at chosen addresses,
 * read through a real image and kco_mem. No page tables: the pieces are
 * virtual segments.
 */
#ifndef KCO_UNIT_VMEM_H
#define KCO_UNIT_VMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kco/arch.h>
#include <kco/format.h>
#include <kco/image.h>
#include <kco/mem.h>

#define VMEM_PIECES 16

struct vmem {
	struct {
		uint64_t va;
		const uint8_t *bytes;
		size_t n;
	} pieces[VMEM_PIECES];
	unsigned nr;
	uint64_t phys;		       /* the pieces are physical memory, too, at their address minus this; 0: not */
	uint64_t hole_first, hole_end; /* KCO_E_NOT_SAVED there */
	struct kco_image *image;
	struct kco_mem *mem;
	struct kco_space space;
};

/* Bytes stay the caller's and are read when the code under test reads. */
static inline void vmem_add(struct vmem *v, uint64_t va, const void *bytes, size_t n)
{
	if (v->nr == VMEM_PIECES || n == 0)
		return;
	v->pieces[v->nr].va = va;
	v->pieces[v->nr].bytes = bytes;
	v->pieces[v->nr++].n = n;
}

static inline enum kco_status vmem_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr,
					void *buf, size_t n, size_t *done, struct kco_err *err)
{
	const struct vmem *v = seg->source;

	(void)codec;
	*done = 0;
	for (unsigned i = 0; i < v->nr; i++) {
		if (v->phys && v->pieces[i].va - v->phys == seg->orig_first)
			addr += v->phys;
		else if (v->pieces[i].va != seg->orig_first)
			continue;
		if (addr >= v->hole_first && addr < v->hole_end)
			return kco_fail(err, KCO_E_NOT_SAVED, "not saved");
		if (addr < v->hole_first && addr + n > v->hole_first)
			n = (size_t)(v->hole_first - addr);
		memcpy(buf, v->pieces[i].bytes + (addr - v->pieces[i].va), n);
		*done = n;
		return addr + n == v->hole_first ? kco_fail(err, KCO_E_NOT_SAVED, "not saved") : KCO_OK;
	}
	return kco_fail(err, KCO_E_BUG, "no such piece");
}

static const struct kco_segment_ops vmem_segment_ops = { .read = vmem_read };
static struct vmem *vmem_opening;

static inline int vmem_probe(const struct kco_head *head)
{
	(void)head;
	return 100;
}

static inline enum kco_status vmem_format_open(struct kco_image *img, const struct kco_image_options *opts,
					       struct kco_err *err)
{
	struct vmem *v = vmem_opening;
	enum kco_status st = KCO_OK;

	(void)opts;
	for (unsigned i = 0; i < v->nr && !st; i++) {
		st = kco_image_add_segment(img, KCO_VIRT, v->pieces[i].va, v->pieces[i].n, &vmem_segment_ops, v, 0,
					   err);
		if (!st && v->phys)
			st = kco_image_add_segment(img, KCO_PHYS, v->pieces[i].va - v->phys, v->pieces[i].n,
						   &vmem_segment_ops, v, 0, err);
	}
	return st;
}

static const struct kco_format_ops vmem_format = {
	.name = "pieces",
	.description = "arrays of a test",
	.probe = vmem_probe,
	.open = vmem_format_open,
};

static inline bool vmem_open(struct vmem *v)
{
	static const struct kco_format_ops *const formats[] = { &vmem_format, NULL };
	static char file[64];
	struct kco_image_options opts = { 0 };
	struct kco_io *io;
	bool ok;

	if (kco_io_memory_new(file, sizeof(file), 0, "memory", &io, NULL))
		return false;
	vmem_opening = v;
	v->space = (struct kco_space){ .arch = kco_arch_by_machine(62), .id = 1 };
	ok = !kco_image_open_io_new(io, formats, &opts, &v->image, NULL) && !kco_mem_new(v->image, &v->mem, NULL);
	kco_io_unref(io);
	return ok;
}

static inline void vmem_close(struct vmem *v)
{
	kco_mem_free(v->mem);
	kco_image_free(v->image);
}

/** A growing array of bytes for encoders of tests. */
struct bytes {
	uint8_t *p;
	size_t n, cap;
};

static inline void bytes_put(struct bytes *b, const void *src, size_t n)
{
	if (n == 0)
		return;
	if (b->n + n > b->cap) {
		b->cap = (b->n + n) * 2;
		b->p = realloc(b->p, b->cap);
	}
	memcpy(b->p + b->n, src, n);
	b->n += n;
}

/** Append the low @n bytes of @v, little-endian. */
static inline void bytes_uint(struct bytes *b, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++, v >>= 8)
		bytes_put(b, &(uint8_t){ (uint8_t)v }, 1);
}

static inline void bytes_align(struct bytes *b, size_t align)
{
	while (b->n % align)
		bytes_uint(b, 0, 1);
}

#endif
