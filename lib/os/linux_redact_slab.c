// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Slab caches, as far as redacting has to know them.
 *
 * Most objects are the kernel's bookkeeping, those of the general caches (kmalloc-N)
 * structures of drivers and file systems. They stay, with these exceptions:
 *
 *   a page and more   such objects of general caches are mostly buffers, among them those
 *                     through which zswap compresses and files of /proc and /sys are
 *                     written: their pages go, and structures of drivers with them
 *   names_cache       buffers of a page for paths, of which little is ever written
 *   free objects      were somebody's buffer, or a part of somebody's page that was not
 *                     used since: blank, but for the pointer that leads to the next one
 *   network data      what struct sk_buff leads to: head .. head + end, behind which the
 *                     kernel's own struct skb_shared_info lies
 *
 *   slab_caches       the list of struct kmem_cache
 */
#include "linux_redact.h"

#include <inttypes.h>
#include <string.h>

#include "linux_page.h"
#include "linux_slub.h"

#define SLAB_BUFFER 4096 /* bytes from which on an object is taken for a buffer */
#define SLAB_NAME 32
#define SLAB_OBJECT_MAX (1u << 25) /* bytes; no larger ones can be had (MAX_ORDER) */
#define SLAB_PACKET_MAX (1u << 20) /* bytes of a sk_buff's own data */

struct slab_redact {
	struct linux_redact *r;
	struct kco_field list, object_size, name; /* kmem_cache */
	struct kco_addrset wanted;		  /* caches whose objects are looked at: those that stay */
	uint64_t packets[2];			  /* of sk_buffs, single and in pairs; 0: unknown */
	struct kco_field head, data_end;	  /* sk_buff */
	bool offset_end;			  /* data_end is an offset from head */
	struct kco_addrset seen;		  /* nodes of the list */
	struct kco_err *err;
};

static enum kco_status slab_add(struct slab_redact *w, struct kco_addrset *set, uint64_t cache)
{
	enum kco_status st = cache ? kco_addrset_add(set, cache) : KCO_OK;

	return st == KCO_E_NOMEM ? kco_fail(w->err, st, "out of memory") : KCO_OK;
}

static bool slab_goes(const struct slab_redact *w, const char *name, uint64_t bytes)
{
	// Long names of files are the reclaimable objects of kmalloc() (fs/dcache.c).
	if (!strncmp(name, "kmalloc-rcl-", 12) && w->r->what->names)
		return true;
	if (!strncmp(name, "kmalloc-", 8) || !strncmp(name, "dma-kmalloc-", 12))
		return bytes >= SLAB_BUFFER;
	return !strcmp(name, "names_cache");
}

static enum kco_status slab_cache(void *arg, uint64_t node)
{
	struct slab_redact *w = arg;
	struct linux_redact *r = w->r;
	uint64_t cache = node - w->list.offset, bytes, at;
	char name[SLAB_NAME] = "";
	enum kco_status st = kco_addrset_add(&w->seen, node);

	if (st || kco_kread_field(r->s, cache, &w->object_size, &bytes, NULL))
		return st;
	if (!kco_kread_field(r->s, cache, &w->name, &at, NULL))
		(void)!kco_vread_str(r->s->mem, &r->s->kernel, at, name, sizeof(name), NULL);
	return slab_add(w, slab_goes(w, name, bytes) ? &r->caches : &w->wanted, cache);
}

static enum kco_status slab_caches(struct slab_redact *w)
{
	struct kco_session *s = w->r->s;
	struct kco_err why = KCO_ERR_INIT, torn = KCO_ERR_INIT;
	uint64_t head;
	enum kco_status st = os_symbol(s, &head, &why, "slab_caches", NULL);

	if (!st)
		st = os_field(s, "kmem_cache", &w->list, &why, "list", NULL);
	if (!st)
		st = os_field(s, "kmem_cache", &w->object_size, &why, "object_size", NULL);
	if (!st)
		st = os_field(s, "kmem_cache", &w->name, &why, "name", NULL);
	if (!st) {
		st = linux_list_each(s, head, slab_cache, w, &torn);
		if (st)
			return w->err->code ? st : kco_fail(w->err, st, "out of memory");
		why = torn;
	}
	if (why.code)
		kco_redact_keep(w->r->what, "buffers and free objects of slab caches: %s", why.msg);
	return KCO_OK;
}

/* The cache that a variable points to, or since Linux aa70d2d16f28 (v6.9) a member of net_hotdata. */
static uint64_t slab_packet_cache(struct kco_session *s, const char *name, const char *older, const char *member)
{
	struct kco_field field;
	uint64_t at, cache;

	if (!os_symbol(s, &at, NULL, "net_hotdata", NULL) && !os_field(s, "net_hotdata", &field, NULL, member, NULL) &&
	    !kco_kread_field(s, at, &field, &cache, NULL))
		return cache;
	if (!os_symbol(s, &at, NULL, name, older, NULL) && !kco_kread_uint(s, at, 8, &cache, NULL))
		return cache;
	return 0;
}

static enum kco_status slab_packets(struct slab_redact *w)
{
	struct kco_session *s = w->r->s;
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st = os_field(s, "sk_buff", &w->head, &why, "head", NULL);

	if (!st)
		st = os_field(s, "sk_buff", &w->data_end, &why, "end", NULL);
	w->packets[0] = slab_packet_cache(s, "skbuff_cache", "skbuff_head_cache", "skbuff_cache");
	w->packets[1] = slab_packet_cache(s, "skbuff_fclone_cache", NULL, "skbuff_fclone_cache");
	if (!st && !w->packets[0])
		st = kco_fail(&why, KCO_E_NOSYM, "no cache of them is known");
	if (st) {
		w->packets[0] = w->packets[1] = 0;
		kco_redact_keep(w->r->what, "network data in objects: %s", why.msg);
		return KCO_OK;
	}
	w->offset_end = w->data_end.size == 4; // sk_buff_data_t: an unsigned int on 64-bit machines
	st = slab_add(w, &w->wanted, w->packets[0]);
	return st ? st : slab_add(w, &w->wanted, w->packets[1]);
}

/* The data of the sk_buff at @va; of a pair the second shares those of the first. */
static enum kco_status slab_packet(struct slab_redact *w, uint64_t va)
{
	uint64_t head, end;

	if (kco_kread_field(w->r->s, va, &w->head, &head, NULL) || !(head >> 63) ||
	    kco_kread_field(w->r->s, va, &w->data_end, &end, NULL))
		return KCO_OK;
	if (!w->offset_end)
		end -= head;
	w->r->what->stats->packets++;
	return linux_redact_blank(w->r, head, end < SLAB_PACKET_MAX ? end : SLAB_PACKET_MAX, w->err);
}

static enum kco_status slab_object(void *arg, const struct linux_slub_object *obj)
{
	struct slab_redact *w = arg;
	uint64_t before = obj->next < obj->size ? obj->next : obj->size;
	enum kco_status st;

	if (!obj->free)
		return obj->cache == w->packets[0] || obj->cache == w->packets[1] ? slab_packet(w, obj->va) : KCO_OK;
	w->r->what->stats->objects++;
	st = linux_redact_blank(w->r, obj->va, before, w->err);
	if (st || obj->next + 8 >= obj->size)
		return st;
	return linux_redact_blank(w->r, obj->va + obj->next + 8, obj->size - obj->next - 8, w->err);
}

enum kco_status linux_redact_slabs(struct linux_redact *r, struct kco_err *err)
{
	struct kco_err why = KCO_ERR_INIT;
	struct slab_redact w = { .r = r, .err = err ? err : &why };
	struct linux_slub_walk walk = { .map = &r->map,
					.direct = r->direct,
					.src = r->what->all,
					.caches = &w.wanted,
					.fn = slab_object,
					.arg = &w };
	enum kco_status st = slab_caches(&w);

	if (!st)
		st = slab_packets(&w);
	if (!st)
		st = linux_slub_each(&walk, w.err);
	if (st == KCO_E_NOTYPE || st == KCO_E_NOSYM) {
		kco_redact_keep(r->what, "network data and free objects: %s", w.err->msg);
		st = KCO_OK;
	}
	if (!st && walk.torn)
		kco_redact_keep(r->what, "free objects behind %" PRIu64 " that lead nowhere", walk.torn);
	kco_addrset_fini(&w.wanted);
	kco_addrset_fini(&w.seen);
	return st;
}

uint64_t linux_redact_object(struct linux_redact *r, uint64_t va)
{
	const struct linux_memmap *map = &r->map;
	uint64_t rest = LINUX_PAGE_SIZE - (va & (LINUX_PAGE_SIZE - 1)), head, in, bytes;
	struct linux_mempage p, any;
	struct kco_field size;
	struct kco_paddr pa;

	if (kco_translate(r->s->mem, &r->s->kernel, va, &pa, NULL, NULL) ||
	    !linux_memmap_page(map, r->s->mem, pa.v >> LINUX_PAGE_SHIFT, &any) ||
	    !linux_memmap_head(map, r->s->mem, pa.v >> LINUX_PAGE_SHIFT, &any, &head, &p) || !p.slab_cache ||
	    os_field(r->s, "kmem_cache", &size, NULL, "size", NULL) ||
	    kco_kread_field(r->s, p.slab_cache, &size, &bytes, NULL) || !bytes || bytes > SLAB_OBJECT_MAX)
		return rest;
	in = pa.v - (head << LINUX_PAGE_SHIFT);
	return bytes - in % bytes;
}
