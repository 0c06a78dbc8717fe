// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Redacting a Linux dump: what the files behind the slot redact give each other.
 *
 *   linux_redact.c          which pages stay
 *   linux_redact_tables.c   the kernel's own pages, by page tables
 *   linux_redact_slab.c     which slab caches stay, free objects, where an object ends
 *   linux_redact_secrets.c  vector registers, keys, entropy
 *   linux_redact_names.c    names of files
 */
#ifndef KCO_OS_LINUX_REDACT_H
#define KCO_OS_LINUX_REDACT_H

#include "addrset.h"
#include "linux.h"
#include "linux_memmap.h"
#include "redact.h"

struct linux_redact {
	struct kco_session *s;
	struct kco_redact *what;
	struct linux_memmap map;
	uint64_t direct;	    /* where the map of all memory begins */
	struct kco_addrset caches;  /* kmem_caches whose pages go */
	struct kco_frameset kernel; /* page tables, and what the kernel maps besides the direct map */
};

/** The slot redact of struct kco_os_ops. */
enum kco_status linux_redact(struct kco_session *s, struct kco_redact *what, struct kco_err *err);

/** Fill r->kernel. Fails when the kernel's own page tables cannot be followed. */
enum kco_status linux_redact_tables(struct linux_redact *r, struct kco_err *err);
/** Blank what is secret in pages that stay. What cannot be found is noted as kept. */
enum kco_status linux_redact_secrets(struct linux_redact *r, struct kco_err *err);
enum kco_status linux_redact_names(struct linux_redact *r, struct kco_err *err);
/** Blank @n bytes of kernel memory at @va, as far as they are mapped. */
enum kco_status linux_redact_blank(struct linux_redact *r, uint64_t va, uint64_t n, struct kco_err *err);
/** Fill r->caches; blank free objects of the general caches. */
enum kco_status linux_redact_slabs(struct linux_redact *r, struct kco_err *err);
/** The bytes from @va to the end of its slab object (or of its page, when that is not known). */
uint64_t linux_redact_object(struct linux_redact *r, uint64_t va);

#endif
