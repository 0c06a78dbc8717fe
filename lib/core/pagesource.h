// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What writers read from (write.h), over a session's image: all memory that the
 * dump holds, or some of it.
 */
#ifndef KCO_CORE_PAGESOURCE_H
#define KCO_CORE_PAGESOURCE_H

#include <kco/write.h>

#include "blanks.h"
#include "frameset.h"
#include "session.h"

struct kco_pagesource {
	struct kco_session *session;
	const struct kco_frameset *only;   /* these frames (of facts.block_size); NULL: all that the dump holds */
	const struct kco_frameset *drop;   /* but not these; NULL: none */
	const struct kco_blanks *blanks;   /* zeros for these; NULL: none */
	const struct kco_write_part *part; /* each() goes over these addresses only, next() over all; NULL: both do */
	uint64_t before;		   /* wanted bytes in front of the part */
	const char *what;		   /* told to the session's progress callback; NULL: nothing is told */
	uint64_t total;			   /* wanted bytes, for the same; 0: unknown */
	struct kco_reader *rd;
};

/** Fills @src's functions. The rest of @ps is the caller's to set, before and after. */
enum kco_status kco_pagesource_init(struct kco_pagesource *ps, struct kco_session *s, struct kco_write_source *src,
				    struct kco_err *err) KCO_MUST_USE;
void kco_pagesource_fini(struct kco_pagesource *ps);
/** How many bytes, or bytes of whole blocks, are wanted. */
enum kco_status kco_pagesource_total(const struct kco_write_source *src, bool whole_blocks, uint64_t *ret,
				     struct kco_err *err) KCO_MUST_USE;

#endif
