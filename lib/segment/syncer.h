// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file that goes to the disk while it is still being written. What is not on
 * the disk when the last byte was written has to be waited for, and emptying the
 * disk's own cache is most of that: both are done along the way, by a thread that
 * does nothing else.
 *
 *   written      |------------------------------------|
 *   on the disk  |-----------------|                       the thread has synced these
 *   begun        |----------------------------|            and waits for these
 *                                  |<--- at most KCO_SYNCER_BEHIND: then writers wait --->|
 */
#ifndef KCO_SEGMENT_SYNCER_H
#define KCO_SEGMENT_SYNCER_H

#include <stdint.h>

#include <kco/err.h>

/* So much has to be written for the disk to be asked again. Below it no thread is started. */
#define KCO_SYNCER_STEP (UINT64_C(8) << 20)
/* What the disk is behind is waited for at the end, and when the work is cancelled. */
#define KCO_SYNCER_BEHIND (UINT64_C(256) << 20)

struct kco_syncer;

/** For the file @fd, which stays the caller's. NULL: out of memory. */
struct kco_syncer *kco_syncer_new(int fd);
/** @n more bytes were written. Any thread. */
void kco_syncer_wrote(struct kco_syncer *syncer, uint64_t n);
/**
 * Nothing more is written. KCO_E_IO: what was written did not get to the disk,
 * which the kernel may have told here and tells nobody again. What was written
 * last is not on the disk yet.
 */
enum kco_status kco_syncer_end(struct kco_syncer *syncer, struct kco_err *err) KCO_MUST_USE;
/** Takes NULL. Waits for what the thread has begun. */
void kco_syncer_free(struct kco_syncer *syncer);

#endif
