// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Converting: all memory that a dump holds, as another file.
 */
#ifndef KCO_CONVERT_H
#define KCO_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/codec.h>
#include <kco/err.h>
#include <kco/outfile.h>
#include <kco/pagefilter.h>
#include <kco/redact.h>
#include <kco/session.h>

struct kco_verify_stats {
	uint64_t bytes;	  /* of memory that the dump says it holds */
	uint64_t zero;	  /* of these, in blocks of zeros */
	uint64_t damaged; /* of these, in blocks that cannot be read */
	uint64_t lost;	  /* of the damaged ones, those that the dump's writer had no room for */
	/* With kco_verify_options.codecs: blocks that are stored on their own, by codec, and their bytes in the file.
	 */
	uint64_t packed[KCO_CODEC_NR];
	uint64_t packed_bytes;
};

struct kco_verify_options {
	/* Told of each stretch that cannot be read; may be NULL. */
	void (*damaged)(void *arg, uint64_t first, uint64_t last, const struct kco_err *why);
	void *arg;
	bool codecs; /* count them, which takes a second look at each block */
};

/**
 * Read all memory that the dump of @s holds. Damage is no error of this
 * function.
 */
enum kco_status kco_verify(struct kco_session *s, const struct kco_verify_options *opts, struct kco_verify_stats *stats,
			   struct kco_err *err) KCO_MUST_USE;
/** How many bytes of memory the dump holds. Reads bitmaps and headers only. */
enum kco_status kco_saved_bytes(struct kco_session *s, uint64_t *ret, struct kco_err *err) KCO_MUST_USE;

struct kco_convert_options {
	const char *format; /* by name, of those with a writer */
	struct kco_dump_target to;
	enum kco_codec_id codec; /* for formats that compress */
	int level;		 /* 0: the codec's usual */
	unsigned filter;	 /* enum kco_filter_level: what to leave out */
	enum kco_redact_level redact;
	/*
	 * Memory that cannot be read is left out, and @damaged is told of each
	 * stretch. All of it is read once before anything is written. Else the
	 * first such page ends the work.
	 */
	bool keep_going;
	void (*damaged)(void *arg, uint64_t first, uint64_t last, const struct kco_err *why);
	void *damaged_arg;
};

struct kco_convert_stats {
	uint64_t bytes;	    /* of memory written */
	uint64_t damaged;   /* bytes left out, with keep_going */
	uint64_t file_size; /* bytes, of all files */
	struct kco_filter_stats filter;
	struct kco_redact_stats redact;
};

/**
 * Write the dump of @s. New files are made under temporary names and renamed
 * when all is complete (outfile.h). A split set's files have equally many pages. Progress goes to the session's
 * callback. KCO_E_USAGE: the target is refused, or there are fewer pages than parts; KCO_E_IO: among others the disk
 * has no room, which is looked at before the work when it can be told.
 */
enum kco_status kco_convert(struct kco_session *s, const struct kco_convert_options *opts,
			    struct kco_convert_stats *stats, struct kco_err *err) KCO_MUST_USE;

#endif
