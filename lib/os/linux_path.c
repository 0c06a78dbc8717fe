// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files and their paths: struct file -> dentry and mount -> names up to the
 * root of all mounts, as d_path() (fs/d_path.c) walks.
 *
 *   dentry --d_parent--> dentry = mnt_root of its mount
 *                          mount --mnt_mountpoint--> dentry of the mount above
 *                                --mnt_parent-----> that mount --> ... itself: the root
 *
 * What has no name in a file system (shared memory, pipes, sockets) names
 * itself by a function, dentry_operations.d_dname, which is known by its symbol.
 *
 * A path ends where its mount namespace ends or where pid 1 has its root,
 * whichever comes first: this is what /proc shows to a reader outside of
 * containers and chroots.
 */
#include "linux_process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 4096	 /* PATH_MAX */
#define PATH_NAME 255	 /* NAME_MAX */
#define PATH_STEPS 16384 /* dentries and mounts on a way up */
/* FMODE_BACKING, since Linux 62d53c4a1dfe (v6.5): the file is the first member of a struct backing_file. */
#define PATH_FMODE_BACKING UINT64_C(0x2000000)

enum { FF_DENTRY, FF_MNT, FF_INODE, FF_MAPPING, FF_MODE, FF_COUNT };
static const struct linux_need path_file_needs[FF_COUNT] = {
	[FF_DENTRY] = { { "f_path.dentry", "__f_path.dentry" }, false },
	[FF_MNT] = { { "f_path.mnt", "__f_path.mnt" }, false },
	[FF_INODE] = { { "f_inode" }, true }, /* since Linux dd37978c50bc (v3.9) */
	[FF_MAPPING] = { { "f_mapping" }, true },
	[FF_MODE] = { { "f_mode" }, true },
};

enum { DF_PARENT, DF_LEN, DF_NAME, DF_INODE, DF_OPS, DF_PPREV, DF_COUNT };
static const struct linux_need path_dentry_needs[DF_COUNT] = {
	[DF_PARENT] = { { "d_parent" }, false },  [DF_LEN] = { { "d_name.len" }, false },
	[DF_NAME] = { { "d_name.name" }, false }, [DF_INODE] = { { "d_inode" }, false },
	[DF_OPS] = { { "d_op" }, true },	  [DF_PPREV] = { { "d_hash.pprev" }, true },
};

enum { MF_ROOT, MF_PARENT, MF_MOUNTPOINT, MF_COUNT };
static const struct linux_need path_mount_needs[MF_COUNT] = {
	[MF_ROOT] = { { "mnt.mnt_root" }, false },
	[MF_PARENT] = { { "mnt_parent" }, false },
	[MF_MOUNTPOINT] = { { "mnt_mountpoint" }, false },
};

enum { IF_INO, IF_SIZE, IF_SB, IF_COUNT };
static const struct linux_need path_inode_needs[IF_COUNT] = {
	[IF_INO] = { { "i_ino" }, false },
	[IF_SIZE] = { { "i_size" }, true },
	[IF_SB] = { { "i_sb" }, false },
};

struct path_file {
	struct kco_file base;
	bool pseudo;
	struct kco_err err; /* what could not be read */
};

/* A path that was made. Other mounts may show the same dentry under other names: a list. */
struct path_known {
	uint64_t vfsmount;
	const char *path;
	bool deleted, pseudo;
	struct path_known *next;
};

/* How files of a kind name themselves. */
enum path_dname {
	PATH_DNAME_NONE = 1, /* by their place in a file system */
	PATH_DNAME_SIMPLE,   /* "/NAME (deleted)" */
	PATH_DNAME_INODE,    /* "KIND:[INODE]" */
	PATH_DNAME_NS,	     /* the same of a name space, whose kind is in its operations */
	PATH_DNAME_NAME,     /* "KIND:NAME" */
	PATH_DNAME_TEXT,     /* always the same */
	PATH_DNAME_UNKNOWN,
};

struct path_namer {
	enum path_dname how;
	const char *function, *kind;
};

static const struct path_namer path_namers[] = {
	{ PATH_DNAME_SIMPLE, "simple_dname", NULL },
	{ PATH_DNAME_INODE, "pipefs_dname", "pipe" },
	{ PATH_DNAME_INODE, "sockfs_dname", "socket" },
	{ PATH_DNAME_NS, "ns_dname", NULL },
	{ PATH_DNAME_NAME, "anon_inodefs_dname", "anon_inode" },
	{ PATH_DNAME_TEXT, "pidfs_dname", "anon_inode:[pidfd]" },
	{ PATH_DNAME_NAME, "dmabuffs_dname", "/dmabuf" },
};
static const struct path_namer path_namer_none = { PATH_DNAME_NONE, NULL, NULL };
static const struct path_namer path_namer_unknown = { PATH_DNAME_UNKNOWN, NULL, NULL };

struct linux_paths {
	struct kco_lazy lazy;
	struct linux_layout file, dentry, mount, inode;
	struct kco_field dev;			/* super_block.s_dev */
	struct kco_field dname;			/* dentry_operations.d_dname, size 0: none */
	uint64_t mount_offset;			/* of struct mount.mnt, which is what others point to */
	struct kco_field user_dentry, user_mnt; /* struct backing_file.user_path, size 0: none */
	uint64_t root_dentry, root_mnt;		/* of pid 1, 0 unknown */
	struct kco_addrmap files;		/* struct file -> struct path_file */
	struct kco_addrmap paths;		/* dentry -> struct path_known */
	struct kco_addrmap namers;		/* dentry_operations -> struct path_namer */
};

/* Where pid 1 has its root: fs_struct.root. */
static void path_root(struct kco_session *s, struct linux_paths *paths)
{
	const struct kco_task *init = kco_task_by_tid(s, 1);
	struct kco_field fs, dentry, mnt;
	uint64_t addr;

	if (!init || os_field(s, "task_struct", &fs, NULL, "fs", NULL) ||
	    os_field(s, "fs_struct", &dentry, NULL, "root.dentry", NULL) ||
	    os_field(s, "fs_struct", &mnt, NULL, "root.mnt", NULL))
		return;
	if (kco_kread_field(s, init->addr, &fs, &addr, NULL) || !addr ||
	    kco_kread_field(s, addr, &dentry, &paths->root_dentry, NULL) ||
	    kco_kread_field(s, addr, &mnt, &paths->root_mnt, NULL))
		paths->root_dentry = paths->root_mnt = 0;
}

static enum kco_status path_make(struct kco_session *s, struct linux_paths *paths, struct kco_err *err)
{
	struct kco_field mnt;
	enum kco_status st = linux_layout_init(s, &paths->file, "file", path_file_needs, FF_COUNT, err);

	if (!st)
		st = linux_layout_init(s, &paths->dentry, "dentry", path_dentry_needs, DF_COUNT, err);
	if (!st)
		st = linux_layout_init(s, &paths->mount, "mount", path_mount_needs, MF_COUNT, err);
	if (!st)
		st = linux_layout_init(s, &paths->inode, "inode", path_inode_needs, IF_COUNT, err);
	if (!st)
		st = os_field(s, "super_block", &paths->dev, err, "s_dev", NULL);
	if (!st)
		st = os_field(s, "mount", &mnt, err, "mnt", NULL);
	if (st)
		return st;
	paths->mount_offset = mnt.offset;
	if (os_field(s, "dentry_operations", &paths->dname, NULL, "d_dname", NULL))
		paths->dname.size = 0;
	/*
	 * Since Linux def3ae83da02 (v6.7) a backing file knows its user's path and
	 * has its own in f_path; between v6.5 and that f_path was the user's.
	 */
	if (os_field(s, "backing_file", &paths->user_dentry, NULL, "user_path.dentry", NULL) ||
	    os_field(s, "backing_file", &paths->user_mnt, NULL, "user_path.mnt", NULL))
		paths->user_dentry.size = 0;
	path_root(s, paths);
	return KCO_OK;
}

static enum kco_status path_load(struct kco_session *s, struct linux_paths *paths, struct kco_err *err)
{
	KCO_LAZY(paths->lazy, path_make(s, paths, &paths->lazy.err), err);
}

static enum kco_status path_get(struct kco_session *s, struct linux_paths **ret, struct kco_err *err)
{
	struct linux_os *os = linux_of(s);

	if (!os->paths)
		os->paths = kco_arena_alloc(&s->arena, sizeof(*os->paths));
	*ret = os->paths;
	return *ret ? path_load(s, *ret, err) : kco_fail(err, KCO_E_NOMEM, "out of memory");
}

void linux_paths_fini(struct kco_session *s)
{
	struct linux_paths *paths = linux_of(s)->paths;

	if (!paths)
		return;
	kco_addrmap_fini(&paths->files);
	kco_addrmap_fini(&paths->paths);
	kco_addrmap_fini(&paths->namers);
}

/* How dentries with these operations name themselves. */
static const struct path_namer *path_namer(struct kco_session *s, struct linux_paths *paths, uint64_t ops)
{
	const struct path_namer *namer;
	struct kco_symbol sym;
	uint64_t function;

	if (!ops || !paths->dname.size)
		return &path_namer_none;
	namer = kco_addrmap_get(&paths->namers, ops);
	if (namer)
		return namer;
	namer = &path_namer_unknown;
	if (!kco_kread_field(s, ops, &paths->dname, &function, NULL)) {
		if (!function)
			namer = &path_namer_none;
		else if (!kco_symbols_by_addr(s->symbols, function, &sym, NULL) && sym.addr == function)
			for (size_t i = 0; i < sizeof(path_namers) / sizeof(*path_namers); i++)
				if (!strcmp(sym.name, path_namers[i].function))
					namer = &path_namers[i];
	}
	(void)!kco_addrmap_put(&paths->namers, ops, (void *)(uintptr_t)namer);
	return namer;
}

/* A string that grows to the left. */
struct path_buf {
	char text[PATH_SIZE];
	size_t at; /* of its first byte */
};

static bool path_prepend(struct path_buf *b, const char *text, size_t n)
{
	if (n > b->at)
		return false;
	b->at -= n;
	memcpy(b->text + b->at, text, n);
	return true;
}

static bool path_prepend_str(struct path_buf *b, const char *text)
{
	return path_prepend(b, text, strlen(text));
}

/* The name of a dentry: it ends at a NUL as well (a rename may be under way). */
static enum kco_status path_name(struct kco_session *s, const struct linux_paths *paths, const uint8_t *dentry,
				 char name[PATH_NAME + 1], struct kco_err *err)
{
	uint64_t len = linux_layout_get(&paths->dentry, dentry, DF_LEN);
	uint64_t at = linux_layout_get(&paths->dentry, dentry, DF_NAME);
	enum kco_status st;

	if (len > PATH_NAME)
		return kco_fail(err, KCO_E_CORRUPT, "a name of %" PRIu64 " bytes", len);
	st = kco_kread(s, at, name, len, NULL, err);
	name[len] = '\0';
	// Blank in a redacted dump (convert --redact-names): it had one.
	if (!st && len && !*name)
		memcpy(name, "?", 2);
	return st;
}

/* The kind of the name space that @inode stands for: struct ns_common.ops->name. */
static enum kco_status path_ns(struct kco_session *s, uint64_t inode, char *kind, size_t size, struct kco_err *err)
{
	static const char *const way[][2] = { { "inode", "i_private" },
					      { "ns_common", "ops" },
					      { "proc_ns_operations", "name" } };
	uint64_t at = inode;
	enum kco_status st = KCO_OK;

	for (size_t i = 0; i < sizeof(way) / sizeof(*way) && !st; i++) {
		struct kco_field field;

		st = os_field(s, way[i][0], &field, err, way[i][1], NULL);
		if (!st)
			st = kco_kread_field(s, at, &field, &at, err);
	}
	return st ? st : kco_vread_str(s->mem, &s->kernel, at, kind, size, err);
}

/* A file that names itself. */
static enum kco_status path_self_named(struct kco_session *s, const struct linux_paths *paths,
				       const struct path_namer *namer, const uint8_t *dentry, struct path_buf *b,
				       struct kco_err *err)
{
	char name[PATH_NAME + 1], text[PATH_NAME + 64];
	uint64_t inode = linux_layout_get(&paths->dentry, dentry, DF_INODE), ino = 0;
	enum kco_status st;

	switch (namer->how) {
	case PATH_DNAME_INODE:
		st = kco_kread_uint(s, inode + paths->inode.first + paths->inode.f[IF_INO].offset, 8, &ino, err);
		snprintf(text, sizeof(text), "%s:[%" PRIu64 "]", namer->kind, ino);
		break;
	case PATH_DNAME_NS:
		st = path_ns(s, inode, name, 32, err);
		if (!st)
			st = kco_kread_uint(s, inode + paths->inode.first + paths->inode.f[IF_INO].offset, 8, &ino,
					    err);
		snprintf(text, sizeof(text), "%s:[%" PRIu64 "]", st ? "?" : name, ino);
		break;
	case PATH_DNAME_TEXT:
		snprintf(text, sizeof(text), "%s", namer->kind);
		st = KCO_OK;
		break;
	default:
		st = path_name(s, paths, dentry, name, err);
		if (namer->how == PATH_DNAME_NAME)
			snprintf(text, sizeof(text), "%s:%s", namer->kind, name);
		else
			snprintf(text, sizeof(text), "/%s (deleted)", name);
		break;
	}
	if (!st)
		(void)path_prepend_str(b, text);
	return st;
}

/* One step from a dentry towards the root; KCO_DONE: it was the root. */
struct path_walk {
	struct kco_session *s;
	const struct linux_paths *paths;
	uint64_t dentry, mount, mount_read;
	uint8_t dentry_bytes[LINUX_LAYOUT_WINDOW], mount_bytes[LINUX_LAYOUT_WINDOW];
	struct path_buf *b;
};

static enum kco_status path_step(struct path_walk *w, struct kco_err *err)
{
	const struct linux_paths *paths = w->paths;
	char name[PATH_NAME + 1];
	uint64_t parent;
	enum kco_status st = KCO_OK;

	if (w->dentry == paths->root_dentry && w->mount + paths->mount_offset == paths->root_mnt)
		return KCO_DONE;
	if (w->mount_read != w->mount)
		st = linux_layout_read(w->s, &paths->mount, w->mount, w->mount_bytes, err);
	if (st)
		return st;
	w->mount_read = w->mount;
	if (w->dentry == linux_layout_get(&paths->mount, w->mount_bytes, MF_ROOT)) {
		parent = linux_layout_get(&paths->mount, w->mount_bytes, MF_PARENT);
		if (parent == w->mount)
			return KCO_DONE;
		w->dentry = linux_layout_get(&paths->mount, w->mount_bytes, MF_MOUNTPOINT);
		w->mount = parent;
		return KCO_OK;
	}
	st = linux_layout_read(w->s, &paths->dentry, w->dentry, w->dentry_bytes, err);
	if (st)
		return st;
	parent = linux_layout_get(&paths->dentry, w->dentry_bytes, DF_PARENT);
	/* A root that is not the mount's: what was bound there lies outside of it now. */
	if (parent == w->dentry)
		return KCO_DONE;
	st = path_name(w->s, paths, w->dentry_bytes, name, err);
	if (st)
		return kco_context(err, st, "dentry at 0x%" PRIx64, w->dentry);
	if (!path_prepend_str(w->b, name) || !path_prepend_str(w->b, "/"))
		return kco_fail(err, KCO_E_CORRUPT, "the path of the dentry at 0x%" PRIx64 " does not end", w->dentry);
	w->dentry = parent;
	return KCO_OK;
}

/* Fills @b and says what kind of name it is. */
static enum kco_status path_build(struct kco_session *s, struct linux_paths *paths, uint64_t dentry, uint64_t vfsmount,
				  struct path_buf *b, struct path_known *known, struct kco_err *err)
{
	struct path_walk w = { .s = s, .paths = paths, .dentry = dentry, .b = b };
	const struct path_namer *namer;
	size_t end;
	enum kco_status st = linux_layout_read(s, &paths->dentry, dentry, w.dentry_bytes, err);

	if (st)
		return st;
	w.mount = vfsmount - paths->mount_offset;
	namer = path_namer(s, paths, linux_layout_get(&paths->dentry, w.dentry_bytes, DF_OPS));
	if (namer->how == PATH_DNAME_UNKNOWN) {
		namer = &path_namers[0];
		known->deleted = true;
	}
	if (namer->how != PATH_DNAME_NONE) {
		/* d_path() itself asks for a name unless it is the root of its mount, which these are not. */
		known->pseudo = true;
		known->deleted = namer->how == PATH_DNAME_SIMPLE;
		return path_self_named(s, paths, namer, w.dentry_bytes, b, err);
	}
	known->deleted = paths->dentry.f[DF_PPREV].size &&
			 !linux_layout_get(&paths->dentry, w.dentry_bytes, DF_PPREV) &&
			 linux_layout_get(&paths->dentry, w.dentry_bytes, DF_PARENT) != dentry;
	if (known->deleted)
		(void)path_prepend_str(b, " (deleted)");
	end = b->at;
	for (uint32_t steps = 0; !st; steps++)
		st = steps < PATH_STEPS
			     ? path_step(&w, err)
			     : kco_fail(err, KCO_E_CORRUPT, "the mounts above 0x%" PRIx64 " do not end", vfsmount);
	if (st != KCO_DONE)
		return st;
	if (b->at == end && !path_prepend_str(b, "/"))
		return kco_fail(err, KCO_E_BUG, "no room for a path");
	return KCO_OK;
}

static enum kco_status path_known(struct kco_session *s, struct linux_paths *paths, uint64_t dentry, uint64_t vfsmount,
				  const struct path_known **ret, struct kco_err *err)
{
	struct path_known *first = kco_addrmap_get(&paths->paths, dentry), *known = first;
	struct path_buf b = { .at = PATH_SIZE - 1 };
	enum kco_status st;

	while (known && known->vfsmount != vfsmount)
		known = known->next;
	*ret = known;
	if (known)
		return KCO_OK;
	known = kco_arena_alloc(&s->arena, sizeof(*known));
	if (!known)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	b.text[b.at] = '\0';
	st = path_build(s, paths, dentry, vfsmount, &b, known, err);
	if (st)
		return st;
	known->vfsmount = vfsmount;
	known->next = first;
	known->path = kco_arena_strndup(&s->arena, b.text + b.at, PATH_SIZE);
	if (!known->path || kco_addrmap_put(&paths->paths, dentry, known))
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	*ret = known;
	return KCO_OK;
}

enum kco_status linux_path(struct kco_session *s, uint64_t dentry, uint64_t vfsmount, const char **ret,
			   struct kco_err *err)
{
	const struct path_known *known;
	struct linux_paths *paths;
	enum kco_status st = path_get(s, &paths, err);

	if (!st)
		st = path_known(s, paths, dentry, vfsmount, &known, err);
	if (!st)
		*ret = known->path;
	return st;
}

/* What its inode says of a file. */
static enum kco_status path_inode(struct kco_session *s, const struct linux_paths *paths, uint64_t inode,
				  struct kco_file *file, struct kco_err *err)
{
	uint8_t bytes[LINUX_LAYOUT_WINDOW];
	uint64_t dev;
	enum kco_status st = linux_layout_read(s, &paths->inode, inode, bytes, err);

	if (st)
		return st;
	file->ino = linux_layout_get(&paths->inode, bytes, IF_INO);
	file->size = linux_layout_get(&paths->inode, bytes, IF_SIZE);
	st = kco_kread_field(s, linux_layout_get(&paths->inode, bytes, IF_SB), &paths->dev, &dev, err);
	if (st)
		return kco_context(err, st, "super block of the inode at 0x%" PRIx64, inode);
	/* MINORBITS is 20 inside of the kernel. */
	file->dev_major = (uint32_t)dev >> 20;
	file->dev_minor = (uint32_t)dev & 0xfffff;
	return KCO_OK;
}

/*
 * Of a file that stands in for another (overlayfs), the user is shown that
 * other's path and inode; its pages are in the file's own mapping.
 */
static void path_user(struct kco_session *s, const struct linux_paths *paths, uint64_t addr, uint64_t mode,
		      uint64_t *dentry, uint64_t *mnt, uint64_t *inode)
{
	const struct kco_field *f = &paths->dentry.f[DF_INODE];
	uint64_t user_dentry, user_mnt, user_inode;

	if (!(mode & PATH_FMODE_BACKING) || !paths->user_dentry.size ||
	    kco_kread_field(s, addr, &paths->user_dentry, &user_dentry, NULL) ||
	    kco_kread_field(s, addr, &paths->user_mnt, &user_mnt, NULL) || !user_dentry ||
	    kco_kread_uint(s, user_dentry + paths->dentry.first + f->offset, 8, &user_inode, NULL))
		return;
	*dentry = user_dentry;
	*mnt = user_mnt;
	*inode = user_inode;
}

static enum kco_status path_file(struct kco_session *s, struct linux_paths *paths, struct path_file *file)
{
	uint8_t bytes[LINUX_LAYOUT_WINDOW];
	const struct path_known *known;
	uint64_t dentry, mnt, inode;
	enum kco_status st;

	file->base.path = "?";
	st = linux_layout_read(s, &paths->file, file->base.addr, bytes, &file->err);
	if (st)
		return st;
	dentry = linux_layout_get(&paths->file, bytes, FF_DENTRY);
	mnt = linux_layout_get(&paths->file, bytes, FF_MNT);
	inode = linux_layout_get(&paths->file, bytes, FF_INODE);
	file->base.mapping = linux_layout_get(&paths->file, bytes, FF_MAPPING);
	file->base.inode_addr = inode;
	path_user(s, paths, file->base.addr, linux_layout_get(&paths->file, bytes, FF_MODE), &dentry, &mnt, &inode);
	st = path_known(s, paths, dentry, mnt, &known, &file->err);
	if (!st) {
		file->base.path = known->path;
		file->base.deleted = known->deleted;
		file->pseudo = known->pseudo;
	}
	if (st == KCO_E_NOMEM)
		return st;
	if (!inode) {
		const struct kco_field *f = &paths->dentry.f[DF_INODE];

		if (kco_kread_uint(s, dentry + paths->dentry.first + f->offset, 8, &inode, NULL))
			inode = 0;
		file->base.inode_addr = inode;
	}
	return path_inode(s, paths, inode, &file->base, st ? NULL : &file->err);
}

enum kco_status linux_file(struct kco_session *s, uint64_t addr, const struct kco_file **ret, struct kco_err *err)
{
	struct linux_paths *paths;
	struct path_file *file;
	enum kco_status st = path_get(s, &paths, err);

	if (st)
		return st;
	file = kco_addrmap_get(&paths->files, addr);
	if (!file) {
		file = kco_arena_alloc(&s->arena, sizeof(*file));
		if (!file || kco_addrmap_put(&paths->files, addr, file))
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		file->base.addr = addr;
		st = path_file(s, paths, file);
		if (st == KCO_E_NOMEM)
			return kco_fail(err, st, "out of memory");
	}
	if (file->err.code && err)
		*err = file->err;
	*ret = &file->base;
	return KCO_OK;
}

bool linux_file_pseudo(const struct kco_file *file)
{
	return ((const struct path_file *)file)->pseudo;
}
