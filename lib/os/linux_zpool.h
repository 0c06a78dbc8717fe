// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where zram and zswap keep compressed pages: the kernel's allocators of small
 * objects. What the files behind linux_zram.h give each other.
 *
 *   linux_zram.c       the device: its table
 *   linux_zswap.c      the trees and pools in front of swap areas
 *   linux_zsmalloc.c   zsmalloc: objects that lie across two pages
 *   linux_zbud.c       zbud and z3fold: two or three objects a page
 *   linux_zpool.c      what they share; from a found page to its bytes
 */
#ifndef KCO_OS_LINUX_ZPOOL_H
#define KCO_OS_LINUX_ZPOOL_H

#include <kco/codec.h>

#include "linux_zram.h"

#define LINUX_ZPAGE_SIZE 4096u

/** zsmalloc's structures, and how it packs a place into a number. */
struct linux_zsmalloc {
	struct kco_lazy lazy;
	uint64_t vmemmap, struct_page;
	struct kco_field class, magic, huge, first, pool; /* struct zspage; huge, pool: size 0 none */
	struct kco_field size, objs, pages;		  /* struct size_class */
	struct kco_field classes;			  /* zs_pool.size_class, nr_classes pointers */
	uint64_t nr_classes;
	struct kco_field next, zspage; /* of a page: the next one of its zspage (or a handle), and that zspage */
	struct kco_field held;	       /* zs_pool.pages_allocated; size 0: none */
	bool packed;		       /* the two below were proved */
	uint8_t pfn_shift, tag_bits;
};

struct linux_zbud {
	struct kco_lazy lazy;
	struct kco_field first, last;
};

struct linux_z3fold {
	struct kco_lazy lazy;
	struct kco_field first, middle, last, start_middle, first_num;
	uint64_t header; /* bytes */
};

/** One a session, made on first use. */
struct linux_zpools {
	struct kco_codec *codec;
	struct linux_zsmalloc zsmalloc;
	struct linux_zbud zbud;
	struct linux_z3fold z3fold;
	struct linux_zram_device *devices; /* linux_zram.c's, in the session's arena */
};

/** NULL: out of memory. */
struct linux_zpools *linux_zpools_get(struct kco_session *s);
void linux_zpools_fini(struct kco_session *s);

/** The types that have struct @type: the kernel's, or module @module's when it is not built in. */
enum kco_status linux_zpool_types(struct kco_session *s, const char *type, const char *module, struct kco_types **ret,
				  struct kco_err *err);
/** The compressor called @name by the kernel, and that name with static life. False: not one that we read. */
bool linux_zpool_codec(const char *name, enum kco_codec_id *id, const char **ret);

/** The first @n (at most a page) bytes of the object @handle of the zs_pool at @pool. */
enum kco_status linux_zsmalloc_read(struct kco_session *s, uint64_t pool, uint64_t handle, size_t n, void *buf,
				    struct kco_err *err);
/** How many pages of memory the zs_pool at @pool holds. */
enum kco_status linux_zsmalloc_held(struct kco_session *s, uint64_t pool, uint64_t *ret, struct kco_err *err);
/** The same of zbud and z3fold, whose handles know their pool. */
enum kco_status linux_zbud_read(struct kco_session *s, uint64_t handle, size_t n, void *buf, struct kco_err *err);
enum kco_status linux_z3fold_read(struct kco_session *s, uint64_t handle, size_t n, void *buf, struct kco_err *err);

#endif
