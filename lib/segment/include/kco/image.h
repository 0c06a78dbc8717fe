// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An image: what a dump format makes of its files, and readers of it.
 *
 * A format's open() fills an image with segments, notes and facts; from then
 * on the image is immutable but for its page cache, and many readers (one a
 * thread) read it.
 *
 *   files -> format -> image { segments, notes, facts, page cache }
 *                         ^ ^ ^
 *              reader --- ' | '--- reader       own splay trees, own codec
 */
#ifndef KCO_IMAGE_H
#define KCO_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/arena.h>
#include <kco/io.h>
#include <kco/segment.h>

struct kco_format_ops;
struct kco_page_cache;
struct kco_image;

/** Which address space a segment (or a read) belongs to. */
enum kco_addr_kind {
	KCO_PHYS,
	KCO_VIRT, /* virtual memory carried as such by the file, e.g. an ELF with p_vaddr only */
};

/** A note as the file carries it; all pointers borrowed from the image. */
struct kco_note {
	const char *name; /* NUL-terminated: "CORE", "VMCOREINFO", "QEMU", ... */
	uint32_t type;
	uint32_t size; /* of desc */
	const void *desc;
};

/** What a file says about the machine without anyone reading its memory. Zero means unknown. */
struct kco_facts {
	uint16_t elf_machine; /* EM_* */
	uint8_t elf_osabi;    /* EI_OSABI of an ELF file; BSD's full dumps have 255 (standalone) */
	bool elf32;	      /* an ELFCLASS32 file (big-endian files are refused by name) */
	bool incomplete;      /* the writer says that it could not finish */
	uint32_t block_size;  /* unit of storage and of the page cache, power of two; default 4096 */
	uint64_t max_pfn;     /* one past the highest page frame, in units of block_size */
	uint64_t phys_base;   /* as the header of a kdump has it; a hint, may be negative */
	bool has_phys_base;
	int32_t dump_level; /* makedumpfile -d, -1 unknown */
	uint64_t dump_time; /* seconds since the epoch */
	uint32_t nr_cpus;
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
	const char *vmcoreinfo; /* text, borrowed, not NUL-terminated */
	size_t vmcoreinfo_size;
	const char *eraseinfo;
	size_t eraseinfo_size;
	char panic[256];  /* the panic message, where a header or a file beside the dump has it */
	uint64_t root_pa; /* of the kernel's highest page table, where a header has it (BSD's kcore) */
	bool has_root_pa;
	uint32_t root_levels;	       /* levels of these tables where more than one form is possible; 0: not said */
	uint64_t kernel_va, kernel_pa; /* where a header says that the kernel lies (FreeBSD's full dumps) */
	bool has_kernel_pa;
	const void *msgbuf; /* the kernel's message buffer as a header part of its own (minidumps), borrowed; a ring */
	size_t msgbuf_size;
	const char *no_user; /* why a dump of this kind has no memory of user processes, and what would; NULL: it may */
	char codecs[32];     /* comma-separated page codecs the header announces, "" none */
};

struct kco_image {
	struct kco_io **files; /* after unwrapping; a split set has several */
	size_t nr_files;
	const struct kco_format_ops *format;
	void *priv;			/* the format's own, freed by its close() */
	struct kco_segtree segments[2]; /* by enum kco_addr_kind */
	struct kco_note *notes;
	size_t nr_notes;
	struct kco_facts facts;
	struct kco_arena arena; /* for notes and whatever lives as long as the image */
	struct kco_page_cache *cache;
	char wrappers[64];  /* "gzip, flattened" as peeled off, "" none */
	bool zero_excluded; /* read KCO_E_NOT_SAVED pages as zeros (an explicit wish of the user) */
	/* Set by a recording session before any reader exists, else NULL: each page read, on its reader's thread. */
	void (*touched)(void *arg, enum kco_addr_kind kind, uint64_t page_addr, uint32_t size);
	void *touched_arg;
	void (*warn)(void *arg, const char *msg); /* NULL: nobody listens */
	void *warn_arg;
};

/** For formats: say something the user should see once; printf-like, no newline. */
void kco_image_warn(struct kco_image *img, const char *fmt, ...) KCO_PRINTF(2, 3);

/**
 * For formats: add a segment [first, first+size). @offset is the file offset
 * of @first. Size 0 is ignored; a range that wraps is clipped and warned of.
 */
enum kco_status kco_image_add_segment(struct kco_image *img, enum kco_addr_kind kind, uint64_t first, uint64_t size,
				      const struct kco_segment_ops *ops, void *source, uint64_t offset,
				      struct kco_err *err) KCO_MUST_USE;

/**
 * For formats: parse an ELF note area of @size bytes at @off of @io (at most
 * 64 MiB are read, the rest is refused) and append each note. @align is 4 or
 * 8. A note that runs over the end stops the parse with a warning, what came
 * before is kept. Finds facts.vmcoreinfo as well.
 */
enum kco_status kco_image_add_notes(struct kco_image *img, struct kco_io *io, uint64_t off, uint64_t size,
				    unsigned align, struct kco_err *err) KCO_MUST_USE;

/** How to open an image. */
struct kco_image_options {
	const char *format; /* force a format by name, NULL: detect by content */
	uint64_t raw_base;  /* physical address of the first byte of a raw image */
	bool zero_excluded;
	bool parts_beside;    /* one part of a split set brings the others that lie beside it */
	uint64_t cache_bytes; /* 0: the default, 32 MiB */
	void (*warn)(void *arg, const char *msg);
	void *warn_arg;
};

/** Which part of a split set a file is: the physical memory [first, last] whose pages it has, if the dump has them. */
struct kco_part {
	uint64_t set; /* the same number: parts of the same dump */
	uint64_t first, last;
};
/** The part that the file at @path is. KCO_DONE: it is a whole dump. Errors: it is no dump that opens. */
enum kco_status kco_image_part(const char *path, const struct kco_format_ops *const *formats,
			       const struct kco_image_options *opts, struct kco_part *ret,
			       struct kco_err *err) KCO_MUST_USE;

/**
 * Open the dump that @paths (1, or all members of a split set in any order)
 * hold: peel wrappers off, detect the format by content among @formats
 * (NULL-terminated), call its open. Errors: KCO_E_BADFILE with the names of
 * the formats that came nearest, KCO_E_UNSUPPORTED naming what was recognised,
 * or the format's own.
 */
enum kco_status kco_image_open_new(const char *const *paths, size_t n, const struct kco_format_ops *const *formats,
				   const struct kco_image_options *opts, struct kco_image **ret,
				   struct kco_err *err) KCO_MUST_USE;
/**
 * The same for bytes that are no file: one kco_io (memory, a fuzzer's input, a
 * dump inside something else). Takes its own reference on @io.
 */
enum kco_status kco_image_open_io_new(struct kco_io *io, const struct kco_format_ops *const *formats,
				      const struct kco_image_options *opts, struct kco_image **ret,
				      struct kco_err *err) KCO_MUST_USE;
void kco_image_free(struct kco_image *img);

/** The @nth note with this name and type, or NULL. @name NULL matches any. */
const struct kco_note *kco_image_note(const struct kco_image *img, const char *name, uint32_t type, size_t nth);

struct kco_reader;

/** A reader for one thread: own splay trees, own codec. The image must outlive it. */
enum kco_status kco_reader_new(struct kco_image *img, struct kco_reader **ret, struct kco_err *err) KCO_MUST_USE;
void kco_reader_free(struct kco_reader *rd);
struct kco_image *kco_reader_image(struct kco_reader *rd);

/**
 * Read @n bytes through the page cache. *@done (may be NULL) is the valid
 * prefix. Errors as kco_segtree_read(); the message names the address.
 */
enum kco_status kco_reader_read(struct kco_reader *rd, enum kco_addr_kind kind, uint64_t addr, void *buf, size_t n,
				size_t *done, struct kco_err *err) KCO_MUST_USE;
/**
 * The same round the page cache: for large reads of what will not be read
 * again, which then is in memory once and not twice.
 */
enum kco_status kco_reader_read_once(struct kco_reader *rd, enum kco_addr_kind kind, uint64_t addr, void *buf, size_t n,
				     size_t *done, struct kco_err *err) KCO_MUST_USE;
/** Physical reads, the common case. */
enum kco_status kco_pread(struct kco_reader *rd, struct kco_paddr pa, void *buf, size_t n, size_t *done,
			  struct kco_err *err) KCO_MUST_USE;
/** Where virtual address @va lies, by the segment that holds it. KCO_E_RANGE: none does, KCO_E_UNSUPPORTED: it cannot
 * tell. */
enum kco_status kco_reader_translate(struct kco_reader *rd, uint64_t va, struct kco_segment_page *ret,
				     struct kco_err *err) KCO_MUST_USE;
/**
 * The first bytes at or after @addr that the dump holds: [*first, *last], not
 * always as far as they reach. KCO_DONE: there are no more.
 */
enum kco_status kco_reader_saved(struct kco_reader *rd, enum kco_addr_kind kind, uint64_t addr, uint64_t *first,
				 uint64_t *last, struct kco_err *err) KCO_MUST_USE;
/**
 * The block of facts.block_size bytes at @addr as the file stores it, to be
 * copied without unpacking: see struct kco_segment_ops.packed. *@id is the
 * codec by which it is wanted (KCO_CODEC_NR: @buf is not used), and then the
 * one that it is stored by: only where they are the same is it read. @room
 * of block_size bytes is always enough.
 */
enum kco_status kco_reader_packed(struct kco_reader *rd, uint64_t addr, void *buf, size_t room, size_t *size,
				  enum kco_codec_id *id, struct kco_err *err) KCO_MUST_USE;
/** Physical memory that a reader gives zeros for: [first, last]. */
struct kco_blank {
	uint64_t first, last;
};
/**
 * Give zeros for @blanks, which are sorted, do not overlap and outlive the
 * reader, wherever the bytes come from (what cannot be read stays so). Blocks
 * with a part of one are not given as stored: KCO_E_NOT_SAVED.
 */
void kco_reader_blank(struct kco_reader *rd, const struct kco_blank *blanks, size_t n);
/** The next segment at or after @addr in the reader's own tree, for scans; NULL at the end. */
const struct kco_segment *kco_reader_next(struct kco_reader *rd, enum kco_addr_kind kind, uint64_t addr);

/** Bytes of RAM in the dumped machine, as far as the file says it. May read a bitmap of all of it. */
enum kco_status kco_image_ram(struct kco_image *img, uint64_t *ret, struct kco_err *err) KCO_MUST_USE;

/** Numbers for `kcodbg --stats` and the benchmark. */
struct kco_cache_stats {
	uint64_t hits, misses, bytes;
};
void kco_image_cache_stats(const struct kco_image *img, struct kco_cache_stats *stats);

#endif
