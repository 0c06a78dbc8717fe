// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Large reads of memory, spread over the session's workers or by one of many.
 */
#ifndef KCO_CORE_BULK_H
#define KCO_CORE_BULK_H

#include "session.h"

/**
 * Read @n bytes at @va into a new buffer (free() it). Decompressing is what takes
 * the time, so from 512 KiB up the parts are read at once on as many threads as the session may use.
 * All of it or an error, the one of the lowest address.
 */
enum kco_status kco_kread_bulk_new(struct kco_session *s, uint64_t va, size_t n, void **ret,
				   struct kco_err *err) KCO_MUST_USE;

/**
 * As kco_vread(), round the page cache: for much memory of which each byte is
 * wanted once. Any thread, with a @mem of its own.
 */
enum kco_status kco_vread_once(struct kco_mem *mem, const struct kco_space *space, uint64_t va, void *buf, size_t n,
			       size_t *done, struct kco_err *err) KCO_MUST_USE;

/** How many workers bulk work may use: --jobs, else the CPUs. */
unsigned kco_session_jobs(const struct kco_session *s);

#endif
