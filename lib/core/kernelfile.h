// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of the dump's kernel: where it may lie, and whether it is the one.
 * What personalities call is in session.h.
 */
#ifndef KCO_CORE_KERNELFILE_H
#define KCO_CORE_KERNELFILE_H

#include "debuginfo.h"
#include "session.h"

/** The paths of the row's kernel_places from s->kernel_next on, in the session's arena; NULL when the row has none. */
const char *const *kco_kernel_paths(struct kco_session *s);
/** The row's kernel_matches(), as a kco_debuginfo_request's. Warns when it cannot be told. @arg is the session. */
enum kco_status kco_kernel_matches(void *arg, struct kco_debuginfo *di, struct kco_err *err) KCO_MUST_USE;
/**
 * init() failed with the kernel file that it took, or the file is not the
 * dump's: forget it. False: it was named by the user, or there is no other place.
 */
bool kco_kernel_try_next(struct kco_session *s);

#endif
