// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that hold memory as it is, run by run: ELF, LiME, raw. A table of the
 * runs and where each lies in the file, and the writing of their bytes, on every
 * core; stretches of zeros become holes.
 */
#ifndef KCO_RUNS_WRITE_H
#define KCO_RUNS_WRITE_H

#include <kco/write.h>

struct kco_filed_run {
	uint64_t first, last; /* physical */
	uint64_t offset;      /* in the file; the caller's to set */
};

/** All wanted runs, neighbours joined. free() @ret. KCO_E_NOMEM: more than @max. */
enum kco_status kco_runs_new(const struct kco_write_source *src, size_t max, struct kco_filed_run **ret, size_t *n,
			     struct kco_err *err) KCO_MUST_USE;
/** The run that holds @pa, or the first behind it; @n: none. */
size_t kco_runs_find(const struct kco_filed_run *runs, size_t n, uint64_t pa);
/** Write all bytes to where the runs say, and make the file @size bytes long. */
enum kco_status kco_runs_write(const struct kco_write_source *src, const struct kco_filed_run *runs, size_t n,
			       struct kco_sink *sink, uint64_t size, struct kco_err *err) KCO_MUST_USE;

#endif
