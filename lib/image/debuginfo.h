// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Separate debug information: a vmlinux with DWARF, found or given.
 *
 * Opening maps the file and checks its build-id; DWARF is parsed when types,
 * CFI or lines are asked for, and lines come from an index that is cached
 * under $XDG_CACHE_HOME/kcodbg, keyed by build-id.
 */
#ifndef KCO_DEBUGINFO_H
#define KCO_DEBUGINFO_H

#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>
#include <kco/session.h>
#include <kco/symbol.h>
#include <kco/type.h>

#include "unwind_row.h"

struct kco_debuginfo_request {
	const char *path;	 /* given by the user, or NULL: search */
	const char *debug_dir;	 /* NULL: /usr/lib/debug */
	const char *release;	 /* for DIR/boot/vmlinux-RELEASE and friends; "" unknown */
	const uint8_t *build_id; /* the dump's; NULL unknown */
	size_t build_id_size;
};

/**
 * Find and open. KCO_E_NOSYM: none was found (the message lists the places);
 * KCO_E_CORRUPT "build-id ... is not the dump's ...": names both.
 */
enum kco_status kco_debuginfo_open_new(const struct kco_debuginfo_request *req, struct kco_debuginfo **ret,
				       struct kco_err *err) KCO_MUST_USE;
void kco_debuginfo_free(struct kco_debuginfo *di);
const char *kco_debuginfo_path(const struct kco_debuginfo *di);
/** Its build-id in hex, "" when it has none. */
const char *kco_debuginfo_build_id(const struct kco_debuginfo *di);
/** What to add to its addresses to get the dump's (KASLR). Default 0. */
void kco_debuginfo_set_bias(struct kco_debuginfo *di, uint64_t bias);
/** Its symbol table (not relocated by the bias before it was set). Handed over. */
enum kco_status kco_debuginfo_symbols_new(struct kco_debuginfo *di, struct kco_symbol_source **ret,
					  struct kco_err *err) KCO_MUST_USE;
/** Types from DWARF. @di must outlive them. */
enum kco_status kco_debuginfo_types_new(struct kco_debuginfo *di, struct kco_types **ret,
					struct kco_err *err) KCO_MUST_USE;
/** The CFI row for @pc, .eh_frame or .debug_frame. KCO_E_NOSYM: none. One thread at a time (locked inside). */
enum kco_status kco_debuginfo_cfi(struct kco_debuginfo *di, const struct kco_arch_ops *arch, uint64_t pc,
				  struct kco_unwind_row *row, struct kco_err *err) KCO_MUST_USE;

#endif
