// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small shared cache of a file's index blocks (page descriptors, bitmaps).
 *
 * Reading one page of a dump costs a 24-byte descriptor next to the page
 * itself; neighbours' descriptors lie side by side, so a block of them is kept.
 * Bounded, direct-mapped, one lock a slot: several threads rarely meet.
 */
#ifndef KCO_METACACHE_H
#define KCO_METACACHE_H

#include <stddef.h>
#include <stdint.h>

#include <kco/io.h>

struct kco_metacache;

/** NULL when memory is out. */
struct kco_metacache *kco_metacache_new(void);
void kco_metacache_free(struct kco_metacache *cache);

/**
 * Read @n bytes at @off of @io through the cache; all of them or an error as
 * kco_io_read(). @id tells the files of a split set apart.
 */
enum kco_status kco_metacache_read(struct kco_metacache *cache, struct kco_io *io, uint32_t id, uint64_t off, void *buf,
				   size_t n, struct kco_err *err) KCO_MUST_USE;

#endif
