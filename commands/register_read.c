// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * register read: the registers of a thread, as LLDB lays them out.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/thread.h>

#include "process.h"

struct register_read_opts {
	int64_t pid, tid;
	bool has_pid, has_tid, all, kernel;
};

/* One thread, and what is shown of it. */
struct register_read {
	struct kco_cmd_ctx *ctx;
	const struct kco_arch_ops *arch;
	struct kco_process *p;
	const struct kco_task *task;
	bool user; /* user mode's registers */
	struct kco_thread_regs regs;
	struct kco_xstate *x; /* NULL: not asked for, or it has none */
	const char *set;      /* the heading that was printed last */
};

static enum kco_status register_read_thread(struct register_read *read, struct kco_err *err)
{
	const struct register_read_opts *opts = read->ctx->opts;
	bool by_tid = opts->has_tid && !opts->has_pid;
	enum kco_status st =
		kco_current_process(read->ctx, opts->has_pid || by_tid, by_tid ? opts->tid : opts->pid, &read->p, err);

	if (st)
		return st;
	if (!opts->has_tid)
		read->task = kco_current_thread(read->ctx, read->p);
	for (size_t i = 0; opts->has_tid && i < read->p->nr_threads && !read->task; i++)
		if (read->p->threads[i]->tid == opts->tid)
			read->task = read->p->threads[i];
	if (read->task)
		return KCO_OK;
	return opts->has_tid ? kco_fail(err, KCO_E_USAGE, "process %" PRId64 " has no thread with the tid %" PRId64,
					read->p->pid, opts->tid)
			     : kco_fail(err, KCO_E_USAGE, "process %" PRId64 " has no thread", read->p->pid);
}

/* Is the register asked for? Without words all are. */
static bool register_read_wanted(const struct register_read *read, const char *name)
{
	for (int i = 0; i < read->ctx->argc; i++)
		if (!strcmp(read->ctx->argv[i], name))
			return true;
	return read->ctx->argc == 0;
}

static void register_read_heading(struct register_read *read, const char *set)
{
	if (read->set && !strcmp(read->set, set))
		return;
	if (read->set)
		kco_text(read->ctx->out, "\n");
	kco_style(read->ctx->out, KCO_STYLE_HEAD);
	kco_text(read->ctx->out, "%s:\n", set);
	kco_style(read->ctx->out, KCO_STYLE_PLAIN);
	read->set = set;
}

static void register_read_number(struct register_read *read, const char *set, const char *name, uint64_t value,
				 unsigned size)
{
	if (!register_read_wanted(read, name))
		return;
	if (size < 8)
		value &= (UINT64_C(1) << 8 * size) - 1;
	register_read_heading(read, set);
	kco_text(read->ctx->out, "%10s = 0x%0*" PRIx64 "\n", name, (int)size * 2, value);
	kco_json_addr(read->ctx->out, name, value);
}

static void register_read_general(struct register_read *read)
{
	static const char set[] = "General Purpose Registers";
	const struct kco_arch_ops *arch = read->arch;
	uint64_t value;

	if (read->user && read->regs.compat && arch->narrow) {
		for (size_t i = 0; i < arch->nr_narrow; i++)
			if (kco_regs_get(&read->regs.regs, arch->narrow[i].reg, &value))
				register_read_number(read, set, arch->narrow[i].name, value, arch->narrow[i].size);
		return;
	}
	for (unsigned i = 0; i < arch->nr_regs; i++)
		if (arch->regs[i].name && kco_regs_get(&read->regs.regs, i, &value))
			register_read_number(read, set, arch->regs[i].name, value, arch->regs[i].size);
}

/* As LLDB has vectors: {0x00 0x01 ...} from the lowest byte on. JSON: one number, in a string. */
static void register_read_vector(struct register_read *read, const struct kco_xreg_desc *reg, const uint8_t *value,
				 size_t size)
{
	char text[64 * 5 + 1], number[64 * 2 + 3] = "0x";

	for (size_t i = 0; i < size; i++) {
		snprintf(text + i * 5, sizeof(text) - i * 5, " 0x%02x", value[i]);
		snprintf(number + 2 + i * 2, sizeof(number) - 2 - i * 2, "%02x", value[size - 1 - i]);
	}
	register_read_heading(read, reg->set);
	kco_text(read->ctx->out, "%10s = {%s}\n", reg->name, text + 1);
	kco_json_str(read->ctx->out, reg->name, number);
}

static void register_read_xregs(struct register_read *read)
{
	for (const struct kco_xreg_desc *reg = read->arch->xregs; reg && reg->name; reg++) {
		uint8_t value[64];
		size_t size;

		if (!register_read_wanted(read, reg->name))
			continue;
		size = kco_xstate_register(read->x, reg, value);
		if (size > 8) {
			register_read_vector(read, reg, value, size);
		} else if (size) {
			uint64_t number = 0;

			memcpy(&number, value, size);
			register_read_number(read, reg->set, reg->name, number, (unsigned)size);
		}
	}
}

static const char *const register_read_debug_names[8] = { "dr0", "dr1", "dr2", "dr3", NULL, NULL, "dr6", "dr7" };

static void register_read_debug(struct register_read *read)
{
	struct kco_err err = KCO_ERR_INIT;
	uint64_t dr[8];

	if (kco_thread_debugregs_get(read->p, read->task, dr, &err)) {
		kco_row_failed(read->ctx, err.code, err.msg);
		return;
	}
	for (unsigned i = 0; i < 8; i++)
		if (register_read_debug_names[i])
			register_read_number(read, "Debug Registers", register_read_debug_names[i], dr[i], 8);
}

/* Does a word name a vector register, or a debug register? */
static bool register_read_names(const struct register_read *read, bool debug)
{
	const struct register_read_opts *opts = read->ctx->opts;

	if (read->ctx->argc == 0)
		return opts->all;
	for (const struct kco_xreg_desc *reg = read->arch->xregs; !debug && reg && reg->name; reg++)
		if (register_read_wanted(read, reg->name))
			return true;
	for (unsigned i = 0; debug && i < 8; i++)
		if (register_read_debug_names[i] && register_read_wanted(read, register_read_debug_names[i]))
			return true;
	return false;
}

static void register_read_state(struct register_read *read)
{
	struct kco_err err = KCO_ERR_INIT;

	read->x = kco_arena_alloc(read->ctx->arena, sizeof(*read->x));
	if (!read->x)
		kco_fail(&err, KCO_E_NOMEM, "out of memory");
	if (!read->x || kco_thread_xstate_get(read->p, read->task, read->x, &err)) {
		kco_row_failed(read->ctx, err.code, err.msg);
		return;
	}
	register_read_xregs(read);
	if (read->x->stale)
		kco_text(read->ctx->out, "  (as last saved: the CPU that ran the thread may have newer ones)\n");
}

/* A word that names no register of the architecture. */
static enum kco_status register_read_check(const struct register_read *read, struct kco_err *err)
{
	const struct kco_arch_ops *arch = read->arch;

	for (int i = 0; i < read->ctx->argc; i++) {
		const char *word = read->ctx->argv[i];
		bool known = kco_arch_reg(arch, word) >= 0;

		for (size_t k = 0; k < arch->nr_narrow; k++)
			known |= !strcmp(word, arch->narrow[k].name);
		for (const struct kco_xreg_desc *reg = arch->xregs; reg && reg->name; reg++)
			known |= !strcmp(word, reg->name);
		for (unsigned k = 0; k < 8; k++)
			known |= register_read_debug_names[k] && !strcmp(word, register_read_debug_names[k]);
		if (!known)
			return kco_fail(err, KCO_E_USAGE, "no register of %s is called '%s'", arch->name, word);
	}
	return KCO_OK;
}

static const char *register_read_entry(const struct register_read *read)
{
	static const char *const names[] = {
		[KCO_ENTRY_NONE] = "none",
		[KCO_ENTRY_SYSCALL] = "syscall",
		[KCO_ENTRY_INTERRUPT] = "interrupt",
		[KCO_ENTRY_UNKNOWN] = NULL,
	};

	return read->user ? names[read->regs.entry] : NULL;
}

static void register_read_row(struct register_read *read)
{
	struct kco_out *out = read->ctx->out;

	kco_json_row(out);
	kco_json_int(out, "pid", read->p->pid);
	kco_json_int(out, "tid", read->task->tid);
	kco_json_str(out, "mode", read->user ? "user" : "kernel");
	kco_json_str(out, "entry", register_read_entry(read));
	if (read->user && read->regs.entry == KCO_ENTRY_SYSCALL)
		kco_json_int(out, "syscall", read->regs.syscall);
	else
		kco_json_null(out, "syscall");
	kco_json_bool(out, "compat", read->regs.compat);
	kco_json_object(out, "registers");
	register_read_general(read);
	kco_json_end(out);
	if (read->regs.bases_old && read->ctx->argc == 0)
		kco_text(out, "  (fs_base and gs_base as last saved: the dump does not hold the CPU's)\n");
	kco_json_bool(out, "bases_old", read->regs.bases_old);
	if (read->user && register_read_names(read, false)) {
		kco_json_object(out, "vector");
		register_read_state(read);
		kco_json_end(out);
		kco_json_bool(out, "vector_stale", read->x && read->x->stale);
	}
	if (read->user && register_read_names(read, true)) {
		kco_json_object(out, "debug");
		register_read_debug(read);
		kco_json_end(out);
	}
	kco_json_row_end(out);
}

static enum kco_status register_read_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct register_read_opts *opts = ctx->opts;
	struct register_read read = { .ctx = ctx, .arch = kco_session_arch(ctx->session) };
	enum kco_status st = register_read_thread(&read, err);

	if (!st)
		st = register_read_check(&read, err);
	if (st)
		return st;
	// The kernel's threads are those of process 0: it is its registers that are meant there.
	read.user = read.p->pid != 0 && !opts->kernel && !(read.task->flags & KCO_TASK_KTHREAD);
	if (read.user)
		st = kco_thread_regs_get(read.p, read.task, &read.regs, err);
	else
		st = kco_thread_kernel_regs_get(ctx->session, read.task, &read.regs.regs, err);
	if (st)
		return st;
	register_read_row(&read);
	return KCO_OK;
}

static const struct kco_arg register_read_args[] = { { KCO_WORD_TEXT, "NAME", .optional = true, .repeat = true },
						     { 0 } };

static const struct kco_opt register_read_optv[] = {
	{ 'a', "all", KCO_OPT_FLAG, offsetof(struct register_read_opts, all),
	  .help = "floating-point, vector and debug registers as well" },
	{ 'k', "kernel", KCO_OPT_FLAG, offsetof(struct register_read_opts, kernel),
	  .help = "the registers that the thread has in the kernel" },
	KCO_PROCESS_OPT(struct register_read_opts),
	{ 't', "tid", KCO_OPT_INT, offsetof(struct register_read_opts, tid), "TID", KCO_WORD_TASK,
	  .help = "this thread; default: the selected one", .seen = offsetof(struct register_read_opts, has_tid) },
	{ 0 },
};

static const struct kco_json_field register_read_json_fields[] = {
	{ "pid", "integer", "the process" },
	{ "tid", "integer", "the thread" },
	{ "mode", "string", "whose registers these are: user or kernel" },
	{ "entry", "string|null",
	  "what brought it into the kernel: syscall, interrupt (or fault, exception), none: the CPU was in user mode; "
	  "null: unknown, or mode is kernel" },
	{ "syscall", "integer|null", "the number of the system call" },
	{ "compat", "boolean", "it ran 32-bit code; the registers go by their 32-bit names" },
	{ "registers", "object", "general registers by name, those that are known" },
	{ "bases_old", "boolean", "fs_base and gs_base are as last saved: the dump does not hold the CPU's" },
	{ "vector", "object",
	  "with --all or a name: floating-point and vector registers by name, numbers in hexadecimal" },
	{ "vector_stale", "boolean", "they are as last saved, the CPU may have had newer ones" },
	{ "debug", "object", "with --all or a name: dr0 to dr3, dr6, dr7" },
	{ 0 },
};

const struct kco_cmd kco_cmd_register_read = {
	.name = "register read",
	.summary = "the registers of a thread",
	.description =
		"The registers that a thread of a process has in user mode, as a debugger that had stopped it would show "
		"them: what the kernel saved when the thread entered it, or the CPU's own when it was in user mode. Those "
		"of a kernel thread, or of a thread of process 0 (the kernel), are the kernel's, as are any thread's with "
		"-k.\n\n"
		"Words choose registers by name. --all adds what the kernel saved of floating-point and vector registers, "
		"with components that were in their initial state filled in, and the debug registers that a tracer set. "
		"A thread that was on a CPU may have newer vector registers there, which dumps do not hold: then a line "
		"says so.",
	.examples = "register read -p 108\n    the main thread's of process 108\n"
		    "register read -t 110 rip rsp ymm0\n    three registers of the thread 110\n"
		    "register read -k\n    of the selected thread, in the kernel\n",
	.args = register_read_args,
	.opts = register_read_optv,
	.opts_size = sizeof(struct register_read_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.json = register_read_json_fields,
	.run = register_read_run,
};
