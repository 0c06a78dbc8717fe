// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of files out of --sysroot DIR, a copy of the crashed machine's files.
 * A file there is taken for the machine's own only when both have the same
 * build-id and the same size.
 */
#ifndef KCO_PROC_SYSROOT_H
#define KCO_PROC_SYSROOT_H

#include <kco/page.h>

#include "session.h"

struct kco_sysroot;

/** @page is KCO_PAGE_FILE, not in memory: make it KCO_PAGE_SYSROOT, or say in page->why what is wrong with the file. */
void kco_sysroot_page(struct kco_session *s, struct kco_page *page);
/** The 4096 bytes of a KCO_PAGE_SYSROOT; zeros behind the end of the file, as the kernel has it. */
enum kco_status kco_sysroot_read(struct kco_session *s, const struct kco_page *page, void *buf,
				 struct kco_err *err) KCO_MUST_USE;
void kco_session_sysroot_fini(struct kco_session *s);

#endif
