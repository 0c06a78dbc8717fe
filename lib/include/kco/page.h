// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What became of a page of a process: where its bytes are now, or why nobody
 * can have them.
 */
#ifndef KCO_PAGE_H
#define KCO_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/process.h>
#include <kco/vma.h>

enum kco_page_state {
	KCO_PAGE_PRESENT,    /* mapped, and in the dump */
	KCO_PAGE_ZERO,	     /* anonymous and never written, or the zero page: reads as zeros, which is the truth */
	KCO_PAGE_SWAP_CACHE, /* on its way to or from swap, and still in memory */
	KCO_PAGE_SWAP_FILE,  /* in a swap file or partition: not in the dump */
	KCO_PAGE_ZRAM,	     /* in a zram device: decompressed */
	KCO_PAGE_ZSWAP,	     /* in zswap: decompressed */
	KCO_PAGE_CACHE,	     /* of a file, not mapped, found in the page cache */
	KCO_PAGE_SYSROOT,    /* of a file, read from --sysroot after its build-id was compared */
	KCO_PAGE_FILE,	     /* of a file, neither in memory nor readable here */
	KCO_PAGE_MIGRATION,  /* being moved: read from where the entry says that it is */
	KCO_PAGE_PROTNONE,   /* present, but with no access (NUMA hint, mprotect): read all the same */
	KCO_PAGE_POISONED,   /* its memory is broken, or the process may not touch it (guard pages) */
	KCO_PAGE_DEVICE,     /* device memory: not in the dump */
	KCO_PAGE_NOT_SAVED,  /* mapped, but excluded by the dump's filter */
	KCO_PAGE_BEYOND,     /* mapped to a physical address outside of the dump */
	KCO_PAGE_UNMAPPED,   /* no area holds the address */
	KCO_PAGE_UNKNOWN,    /* an entry that means nothing known, or page tables that cannot be read: see why */
};

/**
 * Where one page is. Strings live as long as the session, but for why: that of
 * an error is in one buffer of the session, which the next kco_page_get() or
 * kco_file_read() writes anew.
 */
struct kco_page {
	enum kco_page_state state;
	bool readable;	       /* kco_page_read() can give its bytes */
	uint64_t va;	       /* of the first of the 4096 bytes that hold the address, of large pages, too */
	uint64_t size;	       /* of what one entry maps: 4096, or 2 MiB, 1 GiB; bytes. va need not be a multiple */
	uint64_t pte;	       /* the entry that decided, 0 none */
	struct kco_paddr pa;   /* PRESENT, CACHE, SWAP_CACHE, MIGRATION, NOT_SAVED, BEYOND: of the byte at va */
	unsigned swap_type;    /* SWAP_*, ZRAM, ZSWAP: which swap area ... */
	uint64_t swap_offset;  /* ... and which page of it, of 4096 bytes */
	const char *swap_name; /* "/dev/zram0", "/swap"; NULL unknown */
	const char *codec;     /* ZRAM, ZSWAP: "lzo-rle", "zstd", "same-filled", "huge" (stored as it is) */
	const struct kco_vma *vma;
	uint64_t file_offset;	/* of file-backed pages: of the byte at va */
	enum kco_status status; /* of reading it: KCO_OK when readable */
	const char *why;	/* in words, when it is not; else NULL. Until the next kco_page_get() */
};

/** A word for JSON and people: "present", "swap file", "zram", ... */
const char *kco_page_state_name(enum kco_page_state state);

/** What became of the page at @va. Fails only for memory that runs out; all else is an answer. */
enum kco_status kco_page_get(struct kco_process *p, uint64_t va, struct kco_page *ret,
			     struct kco_err *err) KCO_MUST_USE;
/** The bytes of the 4096-byte page that holds page->va, into @buf. page->status and its reason when there are none. */
enum kco_status kco_page_read(struct kco_process *p, const struct kco_page *page, void *buf,
			      struct kco_err *err) KCO_MUST_USE;

/**
 * @n bytes at @off of @file, mapped or not, as far as the page cache has them.
 * *@done (may be NULL) is the valid prefix. KCO_E_RANGE: beyond its end,
 * KCO_E_UNMAPPED: not in memory.
 */
enum kco_status kco_file_read(struct kco_session *s, const struct kco_file *file, uint64_t off, void *buf, size_t n,
			      size_t *done, struct kco_err *err) KCO_MUST_USE;

#endif
