// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files that a process has open.
 *
 *   task_struct.fs ------> fs_struct: root, pwd, each a dentry and a mount
 *   task_struct.files ---> files_struct.fdt -> fdtable
 *                            .fd        array of max_fds pointers to struct file
 *                            .open_fds  a bit for each: the number is taken
 *
 * A number is taken before its file is there: open() reserves the bit, and puts
 * the pointer in when the file is open. /proc/PID/fd shows those with a file.
 * The bits say which part of the array is worth reading, so that a table of
 * absurd size costs no more than what is marked in it; when they cannot be
 * read, all of the array is.
 */
#include "linux_process.h"

#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>
#include <kco/mem.h>

#define FILES_MAX (1u << 24)	  /* far above fs.nr_open in practice; more is said to be torn */
#define FILES_CHUNK 512		  /* descriptors that are read at once */
#define FILES_LOST_MAX (1u << 16) /* descriptors whose pointer is lost: no more rows of these */

/* include/uapi/linux/stat.h */
#define FILES_S_IFMT 0170000

enum { DE_DENTRY, DE_FLAGS, DE_POS, DE_COUNT };
static const struct linux_need files_file_needs[DE_COUNT] = {
	[DE_DENTRY] = { { "f_path.dentry", "__f_path.dentry" }, false },
	[DE_FLAGS] = { { "f_flags" }, true },
	[DE_POS] = { { "f_pos" }, true },
};

enum { FT_MAX, FT_FD, FT_OPEN, FT_COUNT };
static const struct linux_need files_table_needs[FT_COUNT] = {
	[FT_MAX] = { { "max_fds" }, false },
	[FT_FD] = { { "fd" }, false },
	[FT_OPEN] = { { "open_fds" }, true },
};

enum { FS_ROOT_DENTRY, FS_ROOT_MNT, FS_PWD_DENTRY, FS_PWD_MNT, FS_COUNT };
static const struct linux_need files_fs_needs[FS_COUNT] = {
	[FS_ROOT_DENTRY] = { { "root.dentry" }, false },
	[FS_ROOT_MNT] = { { "root.mnt" }, false },
	[FS_PWD_DENTRY] = { { "pwd.dentry" }, false },
	[FS_PWD_MNT] = { { "pwd.mnt" }, false },
};

struct files {
	struct kco_session *s;
	bool (*fn)(void *arg, const struct kco_descriptor *fd);
	void *arg;
	bool stopped;
	struct linux_layout file;
	struct kco_field mode, dentry_inode;
	uint32_t lost;
};

static void files_give(struct files *w, const struct kco_descriptor *d)
{
	w->stopped = w->stopped || !w->fn(w->arg, d) || kco_session_cancelled(w->s);
}

/* "REG" by the inode's mode, crash's word for what has none. */
static const char *files_type(struct files *w, uint64_t inode, const char *path)
{
	static const char *const types[16] = { [001] = "FIFO", [002] = "CHR", [004] = "DIR", [006] = "BLK",
					       [010] = "REG",  [012] = "LNK", [014] = "SOCK" };
	const char *type = NULL;
	uint64_t mode;

	if (!inode || !w->mode.size || kco_kread_field(w->s, inode, &w->mode, &mode, NULL))
		return "?";
	type = types[(mode & FILES_S_IFMT) >> 12];
	if (type && !strcmp(type, "FIFO") && !strncmp(path, "pipe:", 5))
		return "PIPE";
	return type ? type : "UNKN";
}

/* A directory of fs_struct. */
static void files_dir(struct files *w, int64_t number, uint64_t dentry, uint64_t mnt)
{
	struct kco_descriptor d = { .fd = number, .dentry = dentry, .path = "", .why = "" };
	struct kco_err err = KCO_ERR_INIT;

	d.status = linux_path(w->s, dentry, mnt, &d.path, &err);
	if (d.status) {
		d.path = "";
		d.why = err.msg;
	}
	if (!w->dentry_inode.size || kco_kread_field(w->s, dentry, &w->dentry_inode, &d.node, NULL))
		d.node = 0;
	d.type = files_type(w, d.node, d.path);
	files_give(w, &d);
}

static void files_dirs(struct files *w, uint64_t task, struct kco_err *torn)
{
	struct linux_layout layout;
	struct kco_field field;
	uint8_t bytes[LINUX_LAYOUT_WINDOW];
	uint64_t fs = 0;
	struct kco_err err = KCO_ERR_INIT;
	enum kco_status st = os_field(w->s, "task_struct", &field, &err, "fs", NULL);

	if (!st)
		st = kco_kread_field(w->s, task, &field, &fs, &err);
	if (!st && !fs) // it is about to end, and gave it back
		return;
	if (!st)
		st = linux_layout_init(w->s, &layout, "fs_struct", files_fs_needs, FS_COUNT, &err);
	if (!st)
		st = linux_layout_read(w->s, &layout, fs, bytes, &err);
	if (st) {
		(void)!kco_fail(torn, st, "root and working directory: %s", err.msg);
		return;
	}
	files_dir(w, KCO_DESCRIPTOR_ROOT, linux_layout_get(&layout, bytes, FS_ROOT_DENTRY),
		  linux_layout_get(&layout, bytes, FS_ROOT_MNT));
	if (!w->stopped)
		files_dir(w, KCO_DESCRIPTOR_CWD, linux_layout_get(&layout, bytes, FS_PWD_DENTRY),
			  linux_layout_get(&layout, bytes, FS_PWD_MNT));
}

static enum kco_status files_one(struct files *w, uint64_t number, uint64_t addr, struct kco_err *err)
{
	struct kco_descriptor d = { .fd = (int64_t)number, .file = addr, .type = "?", .path = "", .why = "" };
	struct kco_err why = KCO_ERR_INIT, file_why = KCO_ERR_INIT;
	uint8_t bytes[LINUX_LAYOUT_WINDOW];
	const struct kco_file *file;
	enum kco_status st = linux_file(w->s, addr, &file, &file_why);

	if (st)
		return kco_fail(err, st, "%s", file_why.msg);
	if (file_why.code)
		why = file_why;
	if (!linux_layout_read(w->s, &w->file, addr, bytes, why.code ? NULL : &why)) {
		d.dentry = linux_layout_get(&w->file, bytes, DE_DENTRY);
		d.flags = linux_layout_get(&w->file, bytes, DE_FLAGS);
		d.offset = linux_layout_get(&w->file, bytes, DE_POS);
	}
	d.node = file->inode_addr;
	if (strcmp(file->path, "?") != 0)
		d.path = file->path;
	d.type = files_type(w, d.node, d.path);
	d.status = why.code;
	d.why = why.code ? why.msg : "";
	files_give(w, &d);
	return KCO_OK;
}

/* A part of the array that cannot be read: what is marked in it is told. */
static void files_unreadable(struct files *w, uint64_t first, size_t n, const uint8_t *bits, const struct kco_err *why)
{
	for (size_t i = 0; bits && i < n && !w->stopped; i++) {
		struct kco_descriptor d = {
			.fd = (int64_t)(first + i), .type = "?", .path = "", .status = why->code, .why = why->msg
		};

		if (!(bits[i / 8] >> i % 8 & 1))
			continue;
		if (w->lost++ >= FILES_LOST_MAX)
			return;
		files_give(w, &d);
	}
}

static bool files_any(const uint8_t *bits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bits[i])
			return true;
	return false;
}

/* Descriptors @first .. @first + @n - 1, @n at most FILES_CHUNK. */
static enum kco_status files_chunk(struct files *w, uint64_t array, uint64_t open, uint64_t first, size_t n,
				   struct kco_err *torn, struct kco_err *err)
{
	uint8_t words[FILES_CHUNK * 8], bits[FILES_CHUNK / 8];
	struct kco_err why = KCO_ERR_INIT;
	bool has_bits = open && !kco_kread(w->s, open + first / 8, bits, (n + 7) / 8, NULL, NULL);
	enum kco_status st;

	if (has_bits && !files_any(bits, (n + 7) / 8))
		return KCO_OK;
	if (kco_kread(w->s, array + first * 8, words, n * 8, NULL, &why)) {
		if (!torn->code)
			(void)!kco_fail(torn, why.code, "descriptors from %" PRIu64 " on: %s", first, why.msg);
		files_unreadable(w, first, n, has_bits ? bits : NULL, &why);
		return KCO_OK;
	}
	for (size_t i = 0; i < n && !w->stopped; i++) {
		uint64_t file = kco_le64(words + i * 8);

		if (!file)
			continue;
		st = files_one(w, first + i, file, err);
		if (st)
			return st;
	}
	return KCO_OK;
}

static enum kco_status files_table(struct files *w, uint64_t files, struct kco_err *torn, struct kco_err *err)
{
	struct linux_layout layout;
	struct kco_field fdt;
	uint8_t bytes[LINUX_LAYOUT_WINDOW];
	uint64_t table, n, array, open;
	enum kco_status st = os_field(w->s, "files_struct", &fdt, err, "fdt", NULL);

	if (!st)
		st = linux_layout_init(w->s, &layout, "fdtable", files_table_needs, FT_COUNT, err);
	if (!st)
		st = linux_layout_init(w->s, &w->file, "file", files_file_needs, DE_COUNT, err);
	if (!st)
		st = kco_kread_field(w->s, files, &fdt, &table, err);
	if (!st)
		st = linux_layout_read(w->s, &layout, table, bytes, err);
	if (st)
		return kco_context(err, st, "table of open files");
	n = linux_layout_get(&layout, bytes, FT_MAX);
	array = linux_layout_get(&layout, bytes, FT_FD);
	open = linux_layout_get(&layout, bytes, FT_OPEN);
	if (n > FILES_MAX) {
		(void)!kco_fail(torn, KCO_E_CORRUPT, "a table for %" PRIu64 " open files: only the first %u are shown",
				n, FILES_MAX);
		n = FILES_MAX;
	}
	for (uint64_t first = 0; first < n && !st && !w->stopped; first += FILES_CHUNK) {
		size_t part = n - first < FILES_CHUNK ? (size_t)(n - first) : FILES_CHUNK;

		if (kco_session_cancelled(w->s))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		st = files_chunk(w, array, open, first, part, torn, err);
		// Neither the marks nor the pointers can be read: the rest of a table of millions is no better.
		if (!st && torn->code && w->lost >= FILES_LOST_MAX)
			break;
	}
	return st;
}

enum kco_status linux_files(struct kco_process *p, bool (*fn)(void *arg, const struct kco_descriptor *fd), void *arg,
			    struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct files w = { .s = s, .fn = fn, .arg = arg };
	struct kco_err torn = KCO_ERR_INIT;
	struct kco_field field;
	uint64_t files = 0, task = p->leader ? p->leader->addr : 0;
	enum kco_status st = kco_session_need(s, KCO_NEED_TYPES, err);

	if (!st)
		st = os_field(s, "task_struct", &field, err, "files", NULL);
	/* A main thread that has ended gave its files back; other threads still have them. */
	for (size_t i = 0; !st && i < p->nr_threads && !files; i++) {
		st = kco_kread_field(s, p->threads[i]->addr, &field, &files, err);
		if (files)
			task = p->threads[i]->addr;
	}
	if (st)
		return st;
	if (os_field(s, "inode", &w.mode, NULL, "i_mode", NULL))
		w.mode.size = 0;
	if (os_field(s, "dentry", &w.dentry_inode, NULL, "d_inode", NULL))
		w.dentry_inode.size = 0;
	files_dirs(&w, task, &torn);
	if (files && !w.stopped)
		st = files_table(&w, files, &torn, err);
	if (!torn.code)
		return st;
	if (st)
		return kco_context(err, st, "%.200s; and", torn.msg);
	return kco_fail(err, torn.code, "%s", torn.msg);
}
