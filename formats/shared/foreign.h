// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What must hold before a file is given to libkdumpfile.
 *
 * libkdumpfile 0.5.1 trusts its input: it reads what lies behind the end of a
 * file as zeros without an error, copies a compressed page of any claimed size
 * up to 256 KiB into a buffer of one page (LKCD), and compares section names
 * that need not end (Xen). So the headers, and for LKCD every page header, are
 * checked first.
 */
#ifndef KCO_FOREIGN_H
#define KCO_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

#include <kco/format.h>

enum kco_foreign_kind {
	KCO_FOREIGN_NONE,
	KCO_FOREIGN_LKCD,
	KCO_FOREIGN_S390,
	KCO_FOREIGN_XEN, /* ELF with .xen_pages */
};

/** By the first bytes alone. */
enum kco_foreign_kind kco_foreign_kind(const uint8_t *head, size_t n);
/** "LKCD", ... */
const char *kco_foreign_name(enum kco_foreign_kind kind);
/** Is it safe to hand @io over? KCO_E_TRUNCATED or KCO_E_CORRUPT with the reason if not. */
enum kco_status kco_foreign_check(enum kco_foreign_kind kind, struct kco_io *io, struct kco_err *err) KCO_MUST_USE;

#endif
