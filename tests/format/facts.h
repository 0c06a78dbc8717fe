// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading all of an image: what each page gave. Shared by dumpfacts, which
 * prints it, and breakdump, which compares it with that of the undamaged dump.
 */
#ifndef TEST_FACTS_H
#define TEST_FACTS_H

#include <kco/image.h>

/* A page, or a part of one that is not like the rest of it. */
struct piece {
	enum kco_addr_kind kind;
	uint64_t first, last;
	enum kco_status status;
	uint32_t crc; /* of the bytes, when status is KCO_OK */
	bool zero;
};

struct pieces {
	struct piece *v;
	size_t n, cap;
	bool capped; /* max_pages were not enough */
};

/**
 * Read everything that @img's segments describe, at most @max_pages pages of
 * 4096 bytes a kind. Addresses that are no memory (KCO_E_RANGE) leave no
 * piece. @reason, if not NULL, is told the message of each failed piece.
 */
enum kco_status facts_read(struct kco_image *img, uint64_t max_pages, struct pieces *ret,
			   void (*reason)(void *arg, const struct piece *piece, const struct kco_err *err), void *arg,
			   struct kco_err *err);
/** The same of [@first, @last] only, whatever the segments are. */
enum kco_status facts_read_range(struct kco_image *img, enum kco_addr_kind kind, uint64_t first, uint64_t last,
				 struct pieces *ret,
				 void (*reason)(void *arg, const struct piece *piece, const struct kco_err *err),
				 void *arg, struct kco_err *err) KCO_MUST_USE;
void facts_free(struct pieces *pieces);

#endif
