// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of FreeBSD: vnodes, and their paths by the name cache.
 *
 *   vnode --v_cache_dst--> namecache: nc_name, nc_dvp ---> vnode of the directory
 *     \ VV_ROOT: v_mount -> mount.mnt_vnodecovered ------> vnode that it covers
 *
 * up to rootvnode, as vn_fullpath1() goes (sys/kern/vfs_cache.c), which then asks
 * the file system where the cache has nothing: here that is unknown. An entry
 * for ".." leads down, not up (NCF_ISDOTDOT).
 */
#include "freebsd_process.h"

#include <inttypes.h>
#include <string.h>

#include <kco/mem.h>

#define VNODE_PATH 1024	     /* MAXPATHLEN */
#define VNODE_NAME 255	     /* NAME_MAX, and nc_nlen is a byte */
#define VNODE_STEPS 2048     /* directories and mounts on a way up */
#define VNODE_NAMES 4096     /* entries of one vnode that are looked at */
#define VNODE_VV_ROOT 0x1    /* v_vflag, sys/sys/vnode.h: the root of its file system */
#define VNODE_NCF_DOTDOT 0x2 /* nc_flag, sys/kern/vfs_cache.c */

struct vnode_layout {
	struct kco_field dst, vflag, mount;	     /* struct vnode */
	struct kco_field parent, flag, length, next; /* struct namecache */
	uint64_t name;				     /* offset of its characters */
	struct kco_field covered;		     /* struct mount */
	uint64_t root;				     /* rootvnode, 0 unknown */
};

struct vnode_file {
	struct kco_file base;
	struct kco_err err;
};

struct freebsd_vnodes {
	struct kco_lazy lazy;
	struct vnode_layout layout;
	struct kco_addrmap files; /* struct vnode -> struct vnode_file */
};

static enum kco_status vnode_make(struct kco_session *s, struct vnode_layout *l, struct kco_err *err)
{
	const struct {
		struct kco_field *field;
		const char *type, *path;
	} rows[] = {
		{ &l->dst, "vnode", "v_cache_dst.tqh_first" },
		{ &l->vflag, "vnode", "v_vflag" },
		{ &l->mount, "vnode", "v_mount" },
		{ &l->parent, "namecache", "nc_dvp" },
		{ &l->flag, "namecache", "nc_flag" },
		{ &l->length, "namecache", "nc_nlen" },
		{ &l->next, "namecache", "nc_dst.tqe_next" },
		{ &l->covered, "mount", "mnt_vnodecovered" },
	};
	struct kco_field name;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum kco_status st = os_field(s, rows[i].type, rows[i].field, err, rows[i].path, NULL);

		if (st)
			return kco_context(err, st, "names of files");
	}
	/* An array without a size, right behind the length. */
	l->name = os_field(s, "namecache", &name, NULL, "nc_name", NULL) ? l->length.offset + l->length.size
									 : name.offset;
	if (os_variable(s, "rootvnode", 0, &l->root, NULL))
		l->root = 0;
	return KCO_OK;
}

static enum kco_status vnode_load(struct kco_session *s, struct freebsd_vnodes *v, struct kco_err *err)
{
	KCO_LAZY(v->lazy, vnode_make(s, &v->layout, &v->lazy.err), err);
}

static struct freebsd_vnodes *vnode_state(struct kco_session *s)
{
	struct freebsd_process *process = freebsd_process_of(s);

	if (process && !process->vnodes)
		process->vnodes = kco_arena_alloc(&s->arena, sizeof(*process->vnodes));
	return process ? process->vnodes : NULL;
}

void freebsd_vnodes_fini(struct kco_session *s)
{
	struct freebsd_process *process = freebsd_of(s)->process;

	if (process && process->vnodes)
		kco_addrmap_fini(&process->vnodes->files);
}

/* A string that grows to the left. */
struct vnode_path {
	char text[VNODE_PATH];
	size_t at;
};

static bool vnode_prepend(struct vnode_path *p, const char *text, size_t n)
{
	if (n >= p->at)
		return false;
	p->at -= n;
	memcpy(p->text + p->at, text, n);
	p->text[--p->at] = '/';
	return true;
}

/* The entry that names *@vnode in its directory: its name goes in front of @p, and *@vnode becomes the directory. */
static enum kco_status vnode_name(struct kco_session *s, const struct vnode_layout *l, uint64_t *vnode,
				  struct vnode_path *p, struct kco_err *err)
{
	uint64_t entry, flag = 0, length, parent;
	char name[VNODE_NAME + 1];
	enum kco_status st = kco_kread_field(s, *vnode, &l->dst, &entry, err);

	for (uint32_t n = 0; !st && entry; n++) {
		if (n == VNODE_NAMES)
			return kco_fail(err, KCO_E_CORRUPT, "the names of the vnode at 0x%" PRIx64 " do not end",
					*vnode);
		st = kco_kread_field(s, entry, &l->flag, &flag, err);
		if (st || !(flag & VNODE_NCF_DOTDOT))
			break;
		st = kco_kread_field(s, entry, &l->next, &entry, err);
	}
	if (!st && !entry)
		return kco_fail(err, KCO_E_UNMAPPED, "the name cache has no name for the vnode at 0x%" PRIx64, *vnode);
	if (!st)
		st = kco_kread_field(s, entry, &l->length, &length, err);
	if (!st)
		st = kco_kread_field(s, entry, &l->parent, &parent, err);
	if (!st && (!length || length > VNODE_NAME))
		return kco_fail(err, KCO_E_CORRUPT, "a name of %" PRIu64 " bytes", length);
	if (!st)
		st = kco_kread(s, entry + l->name, name, (size_t)length, NULL, err);
	if (st)
		return st;
	if (!vnode_prepend(p, name, strnlen(name, (size_t)length)))
		return kco_fail(err, KCO_E_CORRUPT, "its path is longer than paths can be");
	*vnode = parent;
	return KCO_OK;
}

static enum kco_status vnode_path(struct kco_session *s, const struct vnode_layout *l, uint64_t vnode,
				  struct vnode_path *p, struct kco_err *err)
{
	uint64_t flag, mount;
	enum kco_status st = KCO_OK;

	p->at = sizeof(p->text) - 1;
	p->text[p->at] = '\0';
	for (uint32_t steps = 0; !st && vnode && vnode != l->root; steps++) {
		if (steps == VNODE_STEPS)
			return kco_fail(err, KCO_E_CORRUPT, "the directories above it do not end");
		st = kco_kread_field(s, vnode, &l->vflag, &flag, err);
		if (st || !(flag & VNODE_VV_ROOT)) {
			st = st ? st : vnode_name(s, l, &vnode, p, err);
			continue;
		}
		st = kco_kread_field(s, vnode, &l->mount, &mount, err);
		if (!st && !mount)
			return kco_fail(err, KCO_E_UNMAPPED, "its file system is not mounted any more");
		if (!st)
			st = kco_kread_field(s, mount, &l->covered, &vnode, err);
		// The root of all, when rootvnode is not known; else a file system that was taken away.
		if (!st && !vnode && l->root)
			return kco_fail(err, KCO_E_UNMAPPED, "its file system is not mounted any more");
	}
	if (!st && !vnode && l->root)
		return kco_fail(err, KCO_E_CORRUPT, "a directory above it is no vnode");
	if (!st && !p->text[p->at])
		p->text[--p->at] = '/';
	return st;
}

/* The memory object that caches its pages, and its size as the kernel knows it. */
static void vnode_object(struct kco_session *s, uint64_t vnode, struct kco_file *file)
{
	if (freebsd_member(s, "vnode", vnode, &file->mapping, NULL, "v_bufobj.bo_object", NULL))
		file->mapping = 0;
	if (!file->mapping ||
	    freebsd_member(s, "vm_object", file->mapping, &file->size, NULL, "un_pager.vnp.vnp_size", NULL))
		file->size = 0;
}

enum kco_status freebsd_vnode_file(struct kco_session *s, uint64_t addr, const struct kco_file **ret,
				   struct kco_err *err)
{
	struct freebsd_vnodes *v = vnode_state(s);
	struct vnode_file *file = v ? kco_addrmap_get(&v->files, addr) : NULL;
	struct vnode_path path;
	enum kco_status st;

	if (!v)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (!file) {
		file = kco_arena_alloc(&s->arena, sizeof(*file));
		if (!file || kco_addrmap_put(&v->files, addr, file))
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		file->base = (struct kco_file){ .addr = addr, .inode_addr = addr, .path = "?" };
		file->err = KCO_ERR_INIT;
		st = vnode_load(s, v, &file->err);
		if (!st)
			st = vnode_path(s, &v->layout, addr, &path, &file->err);
		if (!st)
			file->base.path = kco_session_text(s, "%s", path.text + path.at);
		vnode_object(s, addr, &file->base);
	}
	if (file->err.code && err)
		*err = file->err;
	*ret = &file->base;
	return KCO_OK;
}

const char *freebsd_vnode_type(struct kco_session *s, uint64_t addr)
{
	/* enum vtype, sys/sys/vnode.h: by the names of the enumerators where the kernel has types. */
	static const struct {
		const char *enumerator, *word;
		int64_t number;
	} types[] = {
		{ "VREG", "REG", 1 }, { "VDIR", "DIR", 2 },   { "VBLK", "BLK", 3 },   { "VCHR", "CHR", 4 },
		{ "VLNK", "LNK", 5 }, { "VSOCK", "SOCK", 6 }, { "VFIFO", "FIFO", 7 }, { "VBAD", "BAD", 8 },
	};
	uint64_t type;
	int64_t value;

	if (!addr || freebsd_member(s, "vnode", addr, &type, NULL, "v_type", NULL))
		return "?";
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		value = types[i].number;
		(void)!kco_types_enumerator(s->types, types[i].enumerator, &value, NULL);
		if ((uint64_t)value == type)
			return types[i].word;
	}
	return "?";
}
