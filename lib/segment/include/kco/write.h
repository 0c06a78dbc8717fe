// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a format's writer reads from: runs of memory in ascending order, pieces
 * of them read and worked on by every core, and the image they come from for
 * notes and facts.
 *
 *   next()   which memory is wanted        (a writer's layout, its bitmaps)
 *   each()   piece by piece: work() on any thread, deliver() in order
 *
 * What they make of it goes into a kco_sink (sink.h).
 */
#ifndef KCO_WRITE_H
#define KCO_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/codec.h>
#include <kco/image.h>
#include <kco/sink.h>

/*
 * The most bytes of a piece; a multiple of every block size. What a core made of
 * one is to be in its cache still when it is written, with those that wait.
 */
#define KCO_WRITE_PIECE (UINT32_C(1) << 18)

/** Wanted memory: [first, last], physical addresses, or virtual ones where the source says so. */
struct kco_write_run {
	uint64_t first, last;
};

/** A file's part of a split set: the memory [first, last], and how many blocks are wanted there and in all. */
struct kco_write_part {
	uint64_t first, last;
	uint64_t blocks, all;
};

/** A part of a run that one worker handles. */
struct kco_write_piece {
	uint64_t addr;
	size_t n;	 /* at most KCO_WRITE_PIECE */
	uint64_t before; /* wanted bytes in front of it, of all runs (of the part, where there is one) */
	uint8_t *bytes;	 /* room for KCO_WRITE_PIECE; kco_write_read() fills it */
	uint8_t *out;	 /* room for what the writer makes of it: kco_write_work.room */
	size_t out_size; /* the writer's */
};

struct kco_write_work {
	bool whole_blocks; /* as for next() */
	size_t room;	   /* bytes at piece->out */
	void *arg;
	/* What a thread needs for itself; NULL slots: nothing. worker_new runs on the calling thread. */
	void *(*worker_new)(void *arg, struct kco_err *err);
	void (*worker_free)(void *worker);
	/* Any thread. Reads the piece's bytes if it wants them. */
	enum kco_status (*work)(void *arg, void *worker, struct kco_reader *rd, struct kco_write_piece *piece,
				struct kco_err *err);
	/* The calling thread, in order, only when work() went well. May be NULL. */
	enum kco_status (*deliver)(void *arg, struct kco_write_piece *piece, struct kco_err *err);
};

/** Virtual memory of the kernel that lies in physical memory in one piece: for formats that carry both. */
struct kco_write_map {
	uint64_t va, pa, size;
	bool write, exec;
	bool direct; /* the map of all memory: gives each run its virtual address instead of a header of its own */
};

/* The name of the notes in which writers keep facts: those of an earlier conversion are not copied. */
#define KCO_FACTS_NOTE_NAME "KCODBG"
#define KCO_REDACT_NOTE_TYPE 2u /* such a note says that the dump was redacted: lib/core/redact.c */

#define KCO_WRITE_SPANS_MAX 64u /* of a source; readers take as many */

struct kco_write_source {
	const struct kco_image *image; /* notes, facts, block size */
	/*
	 * The first wanted run at or after @addr, not always as far as it
	 * reaches; KCO_DONE when there is none. @whole_blocks: @addr and what comes
	 * out are rounded to facts.block_size, and no block comes twice. May be
	 * called again for earlier addresses (a writer makes its bitmap first and
	 * its pages then).
	 */
	enum kco_status (*next)(void *arg, uint64_t addr, bool whole_blocks, struct kco_write_run *ret,
				struct kco_err *err);
	/* All wanted memory through @work. Ends with the first error, in the order of addresses. */
	enum kco_status (*each)(void *arg, const struct kco_write_work *work, struct kco_err *err);
	void *arg;
	/*
	 * Of a file that is one of a split set: each() gives the memory of this part
	 * only, next() still all of it. NULL: the file is the whole dump. It begins
	 * and ends with whole blocks, the first part at 0, the last at UINT64_MAX.
	 */
	const struct kco_write_part *part;
	const struct kco_write_map *maps;
	size_t nr_maps;
	/*
	 * The image's facts are all that there is to tell the system by, and its
	 * memory will not: for formats that can keep them. Then @spans are the
	 * virtual ranges whose maps are all among @maps, so that what is in none of
	 * these is not mapped.
	 */
	bool keep_facts;
	const struct kco_write_run *spans;
	size_t nr_spans;
	enum kco_codec_id codec; /* for formats that compress: which ... */
	int level;		 /* ... and how hard; 0: the codec's usual */
};

/**
 * Note @i of those that a new file gets: the image's, then VMCOREINFO where the
 * image has its text from elsewhere (a header, memory, the user). false: there
 * are no more.
 */
bool kco_write_note(const struct kco_image *img, size_t i, struct kco_note *ret);
/** Bytes of a note as it lies in a file: header, name and contents, each padded to 4. */
uint64_t kco_write_note_size(const struct kco_note *note);
/** Lay @note out at @p, which has room for that and is zeros. Returns where in it the contents begin. */
size_t kco_write_note_put(uint8_t *p, const struct kco_note *note);

/** Are all of @n bytes (at least one) 0? */
bool kco_write_is_zero(const uint8_t *p, size_t n);
/** The piece's bytes, round the page cache. What belongs to no memory (a block that memory does not fill) is zeros. */
enum kco_status kco_write_read(struct kco_reader *rd, struct kco_write_piece *piece, struct kco_err *err) KCO_MUST_USE;

#endif
