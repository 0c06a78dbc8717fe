// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Swapped pages that are still in memory, compressed: in zswap's pools in
 * front of a swap area, or in a zram device that is one. What lies there is
 * the kernel's bookkeeping in a crashed machine's memory: every number of it
 * is checked against the others before bytes are believed.
 *
 * The order to ask in is the kernel's: zswap first, then the device.
 */
#ifndef KCO_OS_LINUX_ZRAM_H
#define KCO_OS_LINUX_ZRAM_H

#include "linux.h"

enum linux_zpage_kind {
	LINUX_ZPAGE_SAME,  /* every word of it is @fill */
	LINUX_ZPAGE_PLAIN, /* stored as it is: did not get smaller */
	LINUX_ZPAGE_CODEC, /* compressed by @codec */
};

/** A page found in zram or zswap: where its bytes are, not yet read. */
struct linux_zpage {
	enum linux_zpage_kind kind;
	const char *codec; /* "lzo-rle", "zstd", ..., "same-filled", "huge" (stored as it is); lives with the session */
	const char *device;    /* "zram0", "zswap"; lives with the session */
	uint64_t index;	       /* which page of the device or swap area */
	uint64_t fill;	       /* LINUX_ZPAGE_SAME */
	uint64_t pool;	       /* the allocator's pool structure */
	const char *allocator; /* "zsmalloc", "zbud", "z3fold" */
	uint64_t handle;       /* the allocator's name for the object */
	uint64_t header;       /* what zswap wrote in front of the bytes, when ...*/
	bool has_header;       /* ... it did */
	uint32_t size;	       /* bytes that it holds; 4096 when plain, 0 when same-filled */
};

/**
 * Is page @offset of swap area @type held by zswap? KCO_DONE: it is not (or
 * the kernel has no zswap). Errors: the tree is torn, or what is found there
 * contradicts itself.
 */
enum kco_status linux_zswap_find(struct kco_session *s, unsigned type, uint64_t offset, struct linux_zpage *ret,
				 struct kco_err *err) KCO_MUST_USE;
/**
 * Page @offset of the block device whose struct block_device is at @bdev.
 * KCO_DONE: it is no zram device. KCO_E_SWAPPED: zram wrote the page back to
 * its backing device, so it is not in memory. KCO_E_UNMAPPED: the slot is
 * empty. KCO_E_CORRUPT, KCO_E_RANGE, KCO_E_NOTYPE, ...: the message names
 * the device and the page.
 */
enum kco_status linux_zram_find(struct kco_session *s, uint64_t bdev, uint64_t offset, struct linux_zpage *ret,
				struct kco_err *err) KCO_MUST_USE;
/** The 4096 bytes of a page that one of the above found, into @buf. */
enum kco_status linux_zpage_read(struct kco_session *s, const struct linux_zpage *zp, void *buf,
				 struct kco_err *err) KCO_MUST_USE;

/** What a zram device says of itself. */
struct linux_zram_info {
	const char *name;    /* "zram0" */
	const char *codec;   /* of new pages */
	uint64_t disksize;   /* bytes */
	uint64_t pages;	     /* stored */
	uint64_t compressed; /* bytes of them, compressed */
	uint64_t same, huge; /* pages */
	uint64_t pool_pages; /* of the memory it holds */
};
/** KCO_DONE: @bdev is no zram device. */
enum kco_status linux_zram_info(struct kco_session *s, uint64_t bdev, struct linux_zram_info *ret,
				struct kco_err *err) KCO_MUST_USE;

#endif
