// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A growing list of physical memory that is to be blank in a new dump.
 */
#ifndef KCO_CORE_BLANKS_H
#define KCO_CORE_BLANKS_H

#include <kco/image.h>

/** Zeroed: empty. Belongs to one thread at a time. */
struct kco_blanks {
	struct kco_blank *ranges;
	size_t n, cap;
};

void kco_blanks_fini(struct kco_blanks *blanks);
/** @n bytes at @pa; none if @n is 0. KCO_E_NOMEM: they are not in it, and what relies on them must not be written. */
enum kco_status kco_blanks_add(struct kco_blanks *blanks, uint64_t pa, uint64_t n, struct kco_err *err) KCO_MUST_USE;
/** Make it as kco_reader_blank() wants it. Returns how many bytes it has. */
uint64_t kco_blanks_settle(struct kco_blanks *blanks);

#endif
