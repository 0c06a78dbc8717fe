// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of files, on request.
 *
 *   struct dentry       d_iname (since Linux 58cf9c383c5c, v6.14, d_shortname): of
 *                       each object of the dentry cache, used or free
 *                       d_name.name: a longer one, elsewhere (struct external_name)
 *   struct inode        i_link: where a symbolic link leads to, of each inode on
 *                       super_block.s_inodes
 *   kmalloc-rcl-*       long names, of dentries that are gone as well: their pages
 *                       go (linux_redact_slab.c)
 *
 * What d_name.name of a free dentry leads to may be another's by now: it is blanked
 * only if it lies in an object that is not the dentry's and looks like a name of
 * that length.
 */
#include "linux_redact.h"

#include <inttypes.h>
#include <string.h>

#include "linux_slub.h"

#define NAMES_MAX 255	/* NAME_MAX */
#define NAMES_LINK 4096 /* PATH_MAX */
#define NAMES_IFMT 0170000u
#define NAMES_IFLNK 0120000u
#define NAMES_INODES (UINT64_C(1) << 28)

struct names {
	struct linux_redact *r;
	struct kco_field inline_name, name, len;
	uint64_t cache; /* of dentries */
	struct kco_addrset seen;
	struct kco_field inodes, next, sb_list, mode,
		link; /* super_block.s_inodes, .s_list; inode.i_sb_list, .i_mode, .i_link */
	uint64_t nr_inodes;
	struct kco_err torn; /* of a list of inodes */
	struct kco_err *err;
};

static enum kco_status names_layout(struct names *n, struct kco_err *err)
{
	struct kco_session *s = n->r->s;
	enum kco_status st = os_variable(s, "dentry_cache", 8, &n->cache, err);

	if (!st)
		st = os_field(s, "dentry", &n->inline_name, err, "d_iname", "d_shortname", NULL);
	if (!st)
		st = os_field(s, "dentry", &n->name, err, "d_name.name", NULL);
	if (!st)
		st = os_field(s, "dentry", &n->len, err, "d_name.len", NULL);
	return st;
}

/* A long name at @at, if there is one of @len bytes. */
static enum kco_status names_long(struct names *n, uint64_t at, uint64_t len)
{
	char text[NAMES_MAX + 2];

	if (!(at >> 63) || !len || len > NAMES_MAX || kco_kread(n->r->s, at, text, len + 1, NULL, NULL) ||
	    memchr(text, 0, len + 1) != text + len)
		return KCO_OK;
	return linux_redact_blank(n->r, at, len, n->err);
}

static enum kco_status names_dentry(void *arg, const struct linux_slub_object *obj)
{
	struct names *n = arg;
	uint64_t name = 0, len = 0, own = obj->va + n->inline_name.offset;
	enum kco_status st = linux_redact_blank(n->r, own, n->inline_name.size, n->err);

	n->r->what->stats->names++;
	if (st || kco_kread_field(n->r->s, obj->va, &n->name, &name, NULL) ||
	    kco_kread_field(n->r->s, obj->va, &n->len, &len, NULL))
		return st;
	return name == own ? KCO_OK : names_long(n, name, len);
}

static enum kco_status names_dentries(struct names *n)
{
	struct kco_addrset caches = { 0 };
	struct linux_slub_walk walk = { .map = &n->r->map,
					.direct = n->r->direct,
					.src = n->r->what->all,
					.caches = &caches,
					.fn = names_dentry,
					.arg = n };
	enum kco_status st = kco_addrset_add(&caches, n->cache);

	st = st == KCO_E_NOMEM ? kco_fail(n->err, st, "out of memory") : linux_slub_each(&walk, n->err);
	kco_addrset_fini(&caches);
	return st;
}

static enum kco_status names_inode(void *arg, uint64_t node)
{
	struct names *n = arg;
	struct kco_session *s = n->r->s;
	char text[NAMES_LINK + 1];
	uint64_t at, mode;

	if (++n->nr_inodes > NAMES_INODES)
		return KCO_DONE;
	if (kco_session_cancelled(s))
		return kco_fail(n->err, KCO_E_CANCELLED, "interrupted");
	if (kco_kread_field(s, node - n->sb_list.offset, &n->mode, &mode, NULL) || (mode & NAMES_IFMT) != NAMES_IFLNK ||
	    kco_kread_field(s, node - n->sb_list.offset, &n->link, &at, NULL) || !(at >> 63) ||
	    kco_vread_str(s->mem, &s->kernel, at, text, sizeof(text), NULL))
		return KCO_OK;
	n->r->what->stats->names++;
	return linux_redact_blank(n->r, at, strlen(text), n->err);
}

static enum kco_status names_super_block(void *arg, uint64_t node)
{
	struct names *n = arg;
	struct kco_err torn = KCO_ERR_INIT;
	enum kco_status st = kco_addrset_add(&n->seen, node);

	if (st)
		return st;
	st = linux_list_each(n->r->s, node - n->next.offset + n->inodes.offset, names_inode, n, &torn);
	if (!st && torn.code)
		n->torn = torn;
	return st;
}

static enum kco_status names_links(struct names *n)
{
	struct kco_session *s = n->r->s;
	struct kco_err why = KCO_ERR_INIT, torn = KCO_ERR_INIT;
	uint64_t head;
	enum kco_status st = os_symbol(s, &head, &why, "super_blocks", NULL);

	if (!st)
		st = os_field(s, "super_block", &n->next, &why, "s_list", NULL);
	if (!st)
		st = os_field(s, "super_block", &n->inodes, &why, "s_inodes", NULL);
	if (!st)
		st = os_field(s, "inode", &n->sb_list, &why, "i_sb_list", NULL);
	if (!st)
		st = os_field(s, "inode", &n->mode, &why, "i_mode", NULL);
	if (!st)
		st = os_field(s, "inode", &n->link, &why, "i_link", NULL);
	if (st) {
		kco_redact_keep(n->r->what, "where symbolic links lead to: %s", why.msg);
		return KCO_OK;
	}
	n->torn = KCO_ERR_INIT;
	st = linux_list_each(s, head, names_super_block, n, &torn);
	if (!st && (torn.code || n->torn.code))
		kco_redact_keep(n->r->what, "symbolic links that cannot be reached: %s",
				torn.code ? torn.msg : n->torn.msg);
	return st;
}

enum kco_status linux_redact_names(struct linux_redact *r, struct kco_err *err)
{
	struct names n = { .r = r };
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st;

	n.err = err ? err : &why;
	st = names_layout(&n, &why);
	// Names were asked for: a dump that still has them is not what was wanted.
	st = st ? kco_fail(err, st, "%s", why.msg) : names_dentries(&n);
	if (!st)
		st = names_links(&n);
	if (st && !n.err->code)
		st = kco_fail(err, st, "out of memory");
	kco_addrset_fini(&n.seen);
	return st ? kco_context(err, st, "names of files") : KCO_OK;
}
