// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * files: what tasks have open, in crash's layout.
 */
#include <kco/cmd.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/descriptor.h>

#include "process.h"

struct files_opts {
	int64_t pid;
	bool has_pid;
	const char *reference;
};

/* What -R asks for: a descriptor, an address, or a name. */
struct files_reference {
	const char *name; /* NULL: everything is shown */
	bool is_addr, is_fd;
	uint64_t addr;
	int64_t fd;
};

/* crash's heading; systems whose files have no directory entry of their own have two columns less. */
#define FILES_HEAD " FD       FILE            DENTRY           INODE       TYPE PATH\n"
#define FILES_HEAD_NODE " FD       FILE            VNODE       TYPE PATH\n"

struct files_show {
	struct kco_cmd_ctx *ctx;
	const struct kco_task *task;
	const struct files_reference *ref;
	bool blank;	    /* a task was shown before */
	bool begun, headed; /* the task's head, the table's */
	bool dentries;
	struct kco_descriptor root, cwd, jail;
	size_t shown;
};

static bool files_wanted(const struct files_reference *ref, const struct kco_descriptor *d)
{
	const char *last = strrchr(d->path, '/');

	if (!ref->name)
		return true;
	if (ref->is_fd && d->fd == ref->fd)
		return true;
	if (ref->is_addr && ref->addr && (d->file == ref->addr || d->dentry == ref->addr || d->node == ref->addr))
		return true;
	return !strcmp(d->path, ref->name) || (last && !strcmp(last + 1, ref->name));
}

static void files_json(struct files_show *show, const char *key, const struct kco_descriptor *d)
{
	struct kco_out *out = show->ctx->out;

	kco_json_object(out, key);
	if (d->fd >= 0) {
		kco_json_int(out, "fd", d->fd);
		kco_json_addr(out, "file", d->file);
	}
	kco_json_addr(out, "dentry", d->dentry);
	kco_json_addr(out, "inode", d->node);
	kco_json_str(out, "type", d->type);
	kco_json_str(out, "path", d->path);
	if (d->fd >= 0) {
		kco_json_uint(out, "offset", d->offset);
		kco_json_addr(out, "flags", d->flags);
	}
	if (d->status)
		kco_row_failed(show->ctx, d->status, d->why);
	kco_json_end(out);
}

/* What stands where a file has no path. */
static const char *files_path(struct files_show *show, const struct kco_descriptor *d)
{
	return d->path[0] || d->status || show->dentries ? d->path : "-";
}

/* The head of the task: its line, ROOT and CWD. Once. */
static void files_begin(struct files_show *show)
{
	struct kco_out *out = show->ctx->out;

	if (show->begun)
		return;
	show->begun = true;
	if (show->blank)
		kco_text(out, "\n");
	kco_text_task_header(out, show->task);
	kco_text(out, "ROOT: %s    CWD: %s", show->root.path[0] ? show->root.path : "(unknown)",
		 show->cwd.path[0] ? show->cwd.path : "(unknown)");
	kco_text(out, show->jail.path[0] ? "    JAIL: %s\n" : "%s\n", show->jail.path);
	if (!kco_out_json(out)) {
		if (show->root.status)
			kco_row_failed(show->ctx, show->root.status, show->root.why);
		if (show->cwd.status && strcmp(show->root.why, show->cwd.why) != 0)
			kco_row_failed(show->ctx, show->cwd.status, show->cwd.why);
		return;
	}
	kco_json_row(out);
	kco_json_int(out, "pid", show->task->tgid);
	kco_json_int(out, "tid", show->task->tid);
	kco_json_str(out, "comm", show->task->comm);
	files_json(show, "root", &show->root);
	files_json(show, "cwd", &show->cwd);
	if (show->jail.path[0])
		files_json(show, "jail", &show->jail);
	kco_json_array(out, "files");
}

static void files_keep(struct files_show *show, struct kco_descriptor *to, const struct kco_descriptor *d)
{
	struct kco_arena *arena = show->ctx->arena;
	const char *path = kco_arena_strndup(arena, d->path, strlen(d->path));
	const char *why = kco_arena_strndup(arena, d->why, strlen(d->why));
	const char *type = kco_arena_strndup(arena, d->type, strlen(d->type));

	*to = *d;
	to->path = path ? path : "";
	to->why = why ? why : "";
	to->type = type ? type : "?";
	// Directories count as references as well: the task is shown for its ROOT and CWD line.
	if (show->ref->name && files_wanted(show->ref, d))
		show->shown++;
}

static void files_row(struct files_show *show, const struct kco_descriptor *d)
{
	struct kco_out *out = show->ctx->out;

	if (!show->headed) {
		show->headed = true;
		show->dentries = d->dentry || d->status;
		kco_style(out, KCO_STYLE_HEAD);
		if (show->dentries)
			kco_text(out, FILES_HEAD);
		else
			kco_text(out, FILES_HEAD_NODE);
		kco_style(out, KCO_STYLE_PLAIN);
	}
	kco_text(out, "%3" PRId64 " %016" PRIx64, d->fd, d->file);
	if (show->dentries)
		kco_text(out, " %016" PRIx64, d->dentry);
	kco_text(out, " %016" PRIx64 " %-4s %s\n", d->node, d->type, files_path(show, d));
	if (d->status)
		kco_row_failed(show->ctx, d->status, d->why);
}

static bool files_each(void *arg, const struct kco_descriptor *d)
{
	struct files_show *show = arg;

	switch (d->fd) {
	case KCO_DESCRIPTOR_ROOT:
		files_keep(show, &show->root, d);
		return true;
	case KCO_DESCRIPTOR_CWD:
		files_keep(show, &show->cwd, d);
		return true;
	case KCO_DESCRIPTOR_JAIL:
		files_keep(show, &show->jail, d);
		return true;
	default:
		break;
	}
	if (!files_wanted(show->ref, d))
		return true;
	files_begin(show);
	if (kco_out_json(show->ctx->out))
		files_json(show, NULL, d);
	else
		files_row(show, d);
	show->shown++;
	return !kco_out_closed(show->ctx->out);
}

/* *@shown: something was printed. */
static enum kco_status files_task(struct kco_cmd_ctx *ctx, const struct kco_task *task,
				  const struct files_reference *ref, bool *shown, struct kco_err *err)
{
	static const struct kco_descriptor none = { .path = "", .why = "", .type = "?" };
	struct files_show show = {
		.ctx = ctx, .task = task, .ref = ref, .blank = *shown, .root = none, .cwd = none, .jail = none
	};
	struct kco_process *p = kco_process_of(ctx->session, task);
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st = p && p->pid ? kco_files_each(p, files_each, &show, &why) : KCO_OK;

	if (st == KCO_E_CANCELLED) {
		*err = why;
		return st;
	}
	if (ref->name && !show.shown && !st)
		return KCO_OK;
	files_begin(&show);
	if (!st && !show.headed && !kco_out_json(ctx->out) && !ref->name)
		kco_text(ctx->out, "No open files\n");
	kco_json_end(ctx->out);
	if (st)
		kco_row_failed(ctx, st, why.msg);
	kco_json_row_end(ctx->out);
	*shown = true;
	return KCO_OK;
}

static enum kco_status files_reference(struct kco_cmd_ctx *ctx, const char *word, struct files_reference *ret,
				       struct kco_err *err)
{
	*ret = (struct files_reference){ .name = word };
	if (!word)
		return KCO_OK;
	if (!*word)
		return kco_fail(err, KCO_E_USAGE, "-R needs a descriptor, an address or a path");
	ret->is_fd = isdigit((unsigned char)word[0]) && !kco_parse_int(word, &ret->fd, NULL);
	ret->is_addr = isxdigit((unsigned char)word[0]) && !kco_parse_addr(ctx->session, word, &ret->addr, NULL);
	return KCO_OK;
}

static enum kco_status files_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct files_opts *opts = ctx->opts;
	const struct kco_task **tasks;
	struct files_reference ref;
	struct kco_process *p;
	bool shown = false;
	size_t n;
	enum kco_status st = files_reference(ctx, opts->reference, &ref, err);

	if (st)
		return st;
	if (!ctx->argc) {
		st = kco_current_process(ctx, opts->has_pid, opts->pid, &p, err);
		if (!st && !p->pid)
			return kco_fail(err, KCO_E_USAGE,
					"the kernel (process 0) has no open files; name a process with -p PID");
		return st ? st : files_task(ctx, kco_current_thread(ctx, p), &ref, &shown, err);
	}
	if (opts->has_pid)
		return kco_fail(err, KCO_E_USAGE, "--pid and tasks by name: choose one");
	st = kco_parse_tasks(ctx, ctx->argv, ctx->argc, &tasks, &n, err);
	for (size_t i = 0; i < n && !st && !kco_out_closed(ctx->out); i++)
		st = files_task(ctx, tasks[i], &ref, &shown, err);
	return st;
}

static const struct kco_arg files_args[] = { { KCO_WORD_TASK, "PID|TASK|COMM", .optional = true, .repeat = true },
					     { 0 } };

static const struct kco_opt files_optv[] = {
	{ 'R', "reference", KCO_OPT_STRING, offsetof(struct files_opts, reference), "REF", KCO_WORD_ADDR,
	  .help = "only what this is: a descriptor, a path or its last part, an address of file, dentry or inode" },
	KCO_PROCESS_OPT(struct files_opts),
	{ 0 },
};

static const struct kco_json_field files_json_fields[] = {
	{ "pid", "integer", "the process" },
	{ "tid", "integer", "the thread that was asked for" },
	{ "comm", "string", "its command name" },
	{ "root", "object", "its root directory" },
	{ "root.dentry", "address", "struct dentry; 0x0 on other systems than Linux" },
	{ "root.inode", "address", "struct inode, struct vnode" },
	{ "root.type", "string", "DIR" },
	{ "root.path", "string", "empty: unknown" },
	{ "cwd", "object", "its working directory" },
	{ "cwd.dentry", "address", "struct dentry" },
	{ "cwd.inode", "address", "struct inode, struct vnode" },
	{ "cwd.type", "string", "DIR" },
	{ "cwd.path", "string", "empty: unknown" },
	{ "jail", "object", "FreeBSD: the root of its jail; absent when it has none" },
	{ "jail.dentry", "address", "0x0" },
	{ "jail.inode", "address", "struct vnode" },
	{ "jail.type", "string", "DIR" },
	{ "jail.path", "string", "empty: unknown" },
	{ "files", "array", "what is open, by number" },
	{ "files[].fd", "integer", "its number" },
	{ "files[].file", "address", "struct file" },
	{ "files[].dentry", "address", "struct dentry" },
	{ "files[].inode", "address", "struct inode, struct vnode, or what else lies behind" },
	{ "files[].type", "string", "REG, DIR, CHR, BLK, LNK, FIFO, PIPE, SOCK, or the kernel's word" },
	{ "files[].path", "string", "as /proc/PID/fd shows it" },
	{ "files[].offset", "integer", "where the next read or write goes" },
	{ "files[].flags", "address", "O_..., the kernel's numbers" },
	{ 0 },
};

const struct kco_cmd kco_cmd_files = {
	.name = "files",
	.summary = "open files of tasks",
	.description =
		"For the current task, or those named: the root and the working directory, then each open file with its "
		"number, the kernel's structures for it, its type and its path. Paths are those of /proc/PID/fd: pipes, "
		"sockets and what else has no place in a file system as \"pipe:[7]\", \"socket:[123]\", "
		"\"anon_inode:[eventpoll]\".\n\n"
		"With -R tasks that do not have the file are not shown.",
	.examples = "files 1\n    of process 1\n"
		    "files -R /dev/null sh\n    which shells have it open\n"
		    "files -R ffff8a9841c18f00\n    is this file the current task's?\n",
	.args = files_args,
	.opts = files_optv,
	.opts_size = sizeof(struct files_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.features = KCO_FEATURE_FILES,
	.json = files_json_fields,
	.run = files_run,
};
