// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files that a FreeBSD process has open.
 *
 *   proc.p_fd -> filedesc
 *     .fd_files -> fdescenttbl: fdt_nfiles, fdt_ofiles[]: struct filedescent.fde_file   since FreeBSD 10
 *     .fd_ofiles -> struct file *[], .fd_nfiles                                        before
 *     .fd_cdir, fd_rdir, fd_jdir                                                        before FreeBSD 13,
 *     .fd_pwd -> pwd: pwd_cdir ...                                                      then,
 *   proc.p_pd -> pwddesc.pd_pwd -> pwd                                                  or there
 *
 * (sys/sys/filedesc.h). What a struct file is, its f_type says: DTYPE_*, macros
 * of sys/sys/file.h. f_flag is what open() was given and one more
 * (FFLAGS(), sys/sys/fcntl.h).
 */
#include "freebsd_process.h"

#include <inttypes.h>
#include <string.h>

#include <kco/mem.h>

#define FILES_MAX (1u << 22) /* far above kern.maxfilesperproc */
#define FILES_LOST_MAX 64    /* unreadable places in a row: the table is not there */
#define FILES_ENTRY_MAX 1024 /* bytes of a struct filedescent */
#define FILES_DTYPE_VNODE 1
#define FILES_DTYPE_SHM 8
#define FILES_ACCMODE 3 /* FREAD | FWRITE */

static const char *const files_dtypes[] = {
	"NONE", "VNODE", "SOCK", "PIPE", "FIFO", "KQUEUE",  "CRYPTO",  "MQ",
	"SHM",	"SEM",	 "PTS",	 "DEV",	 "PROC", "EVENTFD", "TIMERFD",
};

struct files {
	struct kco_session *s;
	bool (*fn)(void *arg, const struct kco_descriptor *fd);
	void *arg;
	bool stopped;
};

static void files_give(struct files *w, const struct kco_descriptor *d)
{
	w->stopped = w->stopped || !w->fn(w->arg, d) || kco_session_cancelled(w->s);
}

/* What @d->node, a vnode, says. */
static enum kco_status files_vnode(struct files *w, struct kco_descriptor *d, struct kco_err *why, struct kco_err *err)
{
	const struct kco_file *file;
	enum kco_status st = freebsd_vnode_file(w->s, d->node, &file, why);

	if (st)
		return kco_fail(err, st, "%s", why->msg);
	d->type = freebsd_vnode_type(w->s, d->node);
	d->path = why->code ? "" : file->path;
	d->status = why->code;
	d->why = why->code ? why->msg : "";
	return KCO_OK;
}

static enum kco_status files_dir(struct files *w, int64_t number, uint64_t vnode, struct kco_err *err)
{
	struct kco_descriptor d = { .fd = number, .node = vnode, .type = "?", .path = "", .why = "" };
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st = KCO_OK;

	if (!vnode || w->stopped)
		return KCO_OK;
	st = files_vnode(w, &d, &why, err);
	if (!st)
		files_give(w, &d);
	return st;
}

static enum kco_status files_dirs(struct files *w, uint64_t proc, uint64_t filedesc, struct kco_err *torn,
				  struct kco_err *err)
{
	static const struct {
		int64_t number;
		const char *old, *member;
	} dirs[] = {
		{ KCO_DESCRIPTOR_ROOT, "fd_rdir", "pwd_rdir" },
		{ KCO_DESCRIPTOR_CWD, "fd_cdir", "pwd_cdir" },
		{ KCO_DESCRIPTOR_JAIL, "fd_jdir", "pwd_jdir" },
	};
	struct kco_session *s = w->s;
	struct kco_err why = KCO_ERR_INIT;
	uint64_t pd, pwd = 0, vnode;
	bool old = !freebsd_member(s, "filedesc", filedesc, &vnode, NULL, "fd_cdir", NULL);
	enum kco_status st = KCO_OK;

	if (!old) {
		st = freebsd_member(s, "filedesc", filedesc, &pwd, NULL, "fd_pwd.__ptr", "fd_pwd");
		if (st)
			st = freebsd_member(s, "proc", proc, &pd, &why, "p_pd", NULL);
		if (st == KCO_OK && !pwd)
			st = freebsd_member(s, "pwddesc", pd, &pwd, &why, "pd_pwd.__ptr", "pd_pwd");
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && !st; i++) {
		st = old ? freebsd_member(s, "filedesc", filedesc, &vnode, &why, dirs[i].old, NULL)
			 : freebsd_member(s, "pwd", pwd, &vnode, &why, dirs[i].member, NULL);
		if (!st && files_dir(w, dirs[i].number, vnode, err))
			return err ? err->code : KCO_E_NOMEM;
	}
	if (st)
		(void)!kco_fail(torn, st, "root and working directory: %s", why.msg);
	return KCO_OK;
}

/* POSIX shared memory has a path of its own, and no vnode. */
static void files_shm(struct files *w, uint64_t shm, char *buf, size_t size, struct kco_descriptor *d)
{
	uint64_t path;

	if (!freebsd_member(w->s, "shmfd", shm, &path, NULL, "shm_path", NULL) && path &&
	    !kco_vread_str(w->s->mem, &w->s->kernel, path, buf, size, NULL))
		d->path = buf;
}

static enum kco_status files_one(struct files *w, uint64_t number, uint64_t addr, struct kco_err *err)
{
	struct kco_descriptor d = { .fd = (int64_t)number, .file = addr, .type = "?", .path = "", .why = "" };
	struct kco_session *s = w->s;
	struct kco_err why = KCO_ERR_INIT;
	uint64_t type = 0, vnode = 0, flag = 0;
	char text[1024];
	enum kco_status st = freebsd_member(s, "file", addr, &type, &why, "f_type", NULL);

	if (!st)
		st = freebsd_member(s, "file", addr, &d.node, &why, "f_data", NULL);
	if (st) {
		d.status = st;
		d.why = why.msg;
		files_give(w, &d);
		return KCO_OK;
	}
	if (freebsd_member(s, "file", addr, &vnode, NULL, "f_vnode", NULL))
		vnode = type == FILES_DTYPE_VNODE ? d.node : 0;
	if (freebsd_member(s, "file", addr, &flag, NULL, "f_flag", NULL))
		flag = 0;
	d.flags = flag & FILES_ACCMODE ? flag - 1 : flag;
	if (freebsd_member(s, "file", addr, &d.offset, NULL, "f_offset", NULL))
		d.offset = 0;
	d.type = type < sizeof(files_dtypes) / sizeof(*files_dtypes) ? files_dtypes[type] : "?";
	if (vnode) {
		d.node = vnode;
		st = files_vnode(w, &d, &why, err);
	} else if (type == FILES_DTYPE_SHM) {
		files_shm(w, d.node, text, sizeof(text), &d);
	}
	if (!st)
		files_give(w, &d);
	return st;
}

struct files_table {
	uint64_t first, n; /* address of the first pointer to a struct file, and how many there are */
	uint64_t stride;   /* bytes from one to the next */
};

static enum kco_status files_table(struct kco_session *s, uint64_t filedesc, struct files_table *t, struct kco_err *err)
{
	struct kco_field entries, file;
	uint64_t table;
	enum kco_status st = freebsd_member(s, "filedesc", filedesc, &table, NULL, "fd_files", NULL);

	if (st == KCO_E_NOTYPE || st == KCO_E_NOSYM) {
		t->stride = s->arch->ptr_size;
		st = freebsd_member(s, "filedesc", filedesc, &t->first, err, "fd_ofiles", NULL);
		return st ? st : freebsd_member(s, "filedesc", filedesc, &t->n, err, "fd_nfiles", NULL);
	}
	if (st)
		return freebsd_member(s, "filedesc", filedesc, &table, err, "fd_files", NULL);
	st = freebsd_member(s, "fdescenttbl", table, &t->n, err, "fdt_nfiles", NULL);
	/* An array without a size, of which not all sources of types tell the place: it is the last member. */
	if (!st && os_field(s, "fdescenttbl", &entries, NULL, "fdt_ofiles", NULL))
		st = kco_types_sizeof(s->types, "fdescenttbl", &entries.offset, err);
	if (!st)
		st = os_field(s, "filedescent", &file, err, "fde_file", NULL);
	if (!st)
		st = kco_types_sizeof(s->types, "filedescent", &t->stride, err);
	if (!st && (t->stride < file.offset + file.size || t->stride > FILES_ENTRY_MAX))
		st = kco_fail(err, KCO_E_CORRUPT, "struct filedescent of %" PRIu64 " bytes makes no sense", t->stride);
	if (!st)
		t->first = table + entries.offset + file.offset;
	return st;
}

static enum kco_status files_all(struct files *w, uint64_t filedesc, struct kco_err *torn, struct kco_err *err)
{
	struct files_table t;
	uint64_t file;
	uint32_t lost = 0;
	enum kco_status st = files_table(w->s, filedesc, &t, err);

	if (st)
		return kco_context(err, st, "table of open files");
	t.n = (uint32_t)t.n;
	if (t.n > FILES_MAX) {
		(void)!kco_fail(torn, KCO_E_CORRUPT, "a table for %" PRIu64 " open files: only the first %u are shown",
				t.n, FILES_MAX);
		t.n = FILES_MAX;
	}
	for (uint64_t i = 0; i < t.n && !st && !w->stopped; i++) {
		struct kco_err why = KCO_ERR_INIT;

		if (kco_kread_uint(w->s, t.first + i * t.stride, w->s->arch->ptr_size, &file, &why)) {
			if (!torn->code)
				(void)!kco_fail(torn, why.code, "descriptor %" PRIu64 ": %s", i, why.msg);
			if (++lost == FILES_LOST_MAX)
				break;
			continue;
		}
		lost = 0;
		if (file)
			st = files_one(w, i, file, err);
	}
	return st;
}

enum kco_status freebsd_files(struct kco_process *p, bool (*fn)(void *arg, const struct kco_descriptor *fd), void *arg,
			      struct kco_err *err)
{
	struct files w = { .s = p->session, .fn = fn, .arg = arg };
	struct kco_err torn = KCO_ERR_INIT;
	uint64_t proc, filedesc;
	enum kco_status st = freebsd_proc_of(p, &proc, err);

	if (!st)
		st = freebsd_member(p->session, "proc", proc, &filedesc, err, "p_fd", NULL);
	/* A process that has ended gave them back. */
	if (st || !filedesc)
		return st;
	st = files_dirs(&w, proc, filedesc, &torn, err);
	if (!st && !w.stopped)
		st = files_all(&w, filedesc, &torn, err);
	if (!torn.code)
		return st;
	if (st)
		return kco_context(err, st, "%.200s; and", torn.msg);
	return kco_fail(err, torn.code, "%s", torn.msg);
}
