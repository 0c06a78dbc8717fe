// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sig: signals of tasks, in crash's layout: handlers, masks, pending queues
 * with their siginfo.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <string.h>

#include <kco/signal.h>
#include <kco/uimage.h>

#include "process.h"
#include "threadline.h"

struct sig_opts {
	bool list, group;
	const char *set;
	int64_t pid;
	bool has_pid;
};

static void sig_list(struct kco_cmd_ctx *ctx)
{
	for (int signo = 1; signo <= KCO_SIGNAL_MAX; signo++) {
		kco_text(ctx->out, "%5s[%d] %s\n", signo < 10 ? " " : "", signo, kco_signal_name(ctx->session, signo));
		kco_json_row(ctx->out);
		kco_json_int(ctx->out, "signo", signo);
		kco_json_str(ctx->out, "signal", kco_signal_name(ctx->session, signo));
		kco_json_row_end(ctx->out);
	}
}

/* -s: the names of a mask's signals on one line, or a row each. */
static enum kco_status sig_set(struct kco_cmd_ctx *ctx, const char *word, struct kco_err *err)
{
	uint64_t set;
	enum kco_status st = kco_parse_addr(NULL, word, &set, err);

	if (st)
		return st;
	for (int signo = 1; signo <= KCO_SIGNAL_MAX; signo++) {
		if (!(set >> (signo - 1) & 1))
			continue;
		kco_text(ctx->out, "%s ", kco_signal_name(ctx->session, signo));
		kco_json_row(ctx->out);
		kco_json_int(ctx->out, "signo", signo);
		kco_json_str(ctx->out, "signal", kco_signal_name(ctx->session, signo));
		kco_json_row_end(ctx->out);
	}
	kco_text(ctx->out, "\n");
	return KCO_OK;
}

static const char *sig_handler_word(const struct kco_sigaction *action)
{
	return action->kind == KCO_SIGACTION_DEFAULT  ? "SIG_DFL"
	       : action->kind == KCO_SIGACTION_IGNORE ? "SIG_IGN"
	       : action->kind == KCO_SIGACTION_ERROR  ? "SIG_ERR"
						      : NULL;
}

/* Handlers of a process have names when its images have symbols. */
static const char *sig_symbol(struct kco_process *p, const struct kco_sigaction *action)
{
	struct kco_usymbol sym;

	if (action->kind != KCO_SIGACTION_HANDLER || kco_usymbol_by_addr(p, action->handler, &sym, NULL))
		return NULL;
	return sym.addr == action->handler ? sym.name : NULL;
}

static void sig_actions_text(struct kco_cmd_ctx *ctx, struct kco_process *p, const struct kco_signals *signals)
{
	struct kco_out *out = ctx->out;

	kco_style(out, KCO_STYLE_HEAD);
	kco_text(out, " SIG    SIGACTION        HANDLER            MASK       FLAGS");
	kco_style(out, KCO_STYLE_PLAIN);
	kco_text(out, "\n");
	for (int i = 0; i < KCO_SIGNAL_MAX; i++) {
		const struct kco_sigaction *action = &signals->actions[i];
		const char *word = sig_handler_word(action), *name = sig_symbol(p, action);
		char flags[160];

		if (!action->addr)
			break;
		kco_text(out, "%s[%d] %016" PRIx64, i < 9 ? " " : "", i + 1, action->addr);
		if (word)
			kco_text(out, "     %s      ", word);
		else
			kco_text(out, " %016" PRIx64 " ", action->handler);
		kco_text(out, "%016" PRIx64 " %" PRIx32, action->mask, action->flags);
		kco_sigaction_flags(action->flags, flags, sizeof(flags));
		if (flags[0])
			kco_text(out, " (%s)", flags);
		if (name)
			kco_text(out, " %s", name);
		kco_text(out, "\n");
	}
	if (signals->actions_status)
		kco_row_failed(ctx, signals->actions_status, signals->actions_why);
}

static void sig_info_text(struct kco_cmd_ctx *ctx, const struct kco_sigqueue *entry)
{
	const struct kco_siginfo *info = &entry->info;
	const char *name = kco_signal_name(ctx->session, info->signo);
	const char *code = kco_signal_code_name(ctx->session, info->signo, info->code);

	kco_text(ctx->out, "             %-3" PRId32 "  %016" PRIx64 "  %s", info->signo, entry->addr,
		 name ? name : "?");
	if (code)
		kco_text(ctx->out, " %s", code);
	else
		kco_text(ctx->out, " code %" PRId32, info->code);
	if (info->pid)
		kco_text(ctx->out, " pid %" PRId32 " uid %" PRIu32, info->pid, info->uid);
	if (info->kind == KCO_SIGINFO_CHILD)
		kco_text(ctx->out, " status %" PRId32, info->status);
	if (info->kind == KCO_SIGINFO_QUEUE || info->kind == KCO_SIGINFO_TIMER)
		kco_text(ctx->out, " value %#" PRIx64, info->value);
	if (info->kind == KCO_SIGINFO_TIMER)
		kco_text(ctx->out, " timer %" PRId32 " overrun %" PRId32, info->timer, info->overrun);
	if (info->kind == KCO_SIGINFO_FAULT || info->kind == KCO_SIGINFO_SYS)
		kco_text(ctx->out, " addr %#" PRIx64, info->addr);
	if (info->kind == KCO_SIGINFO_POLL)
		kco_text(ctx->out, " band %" PRId32 " fd %" PRId32, info->band, info->fd);
	kco_text(ctx->out, "\n");
}

static void sig_pending_text(struct kco_cmd_ctx *ctx, const char *head, const struct kco_sigpending *pending)
{
	kco_text(ctx->out, "%s\n    SIGNAL: %016" PRIx64 "\n  SIGQUEUE: %s\n", head, pending->set,
		 pending->nr_queue ? " SIG  SIGQUEUE" : "(empty)");
	for (size_t i = 0; i < pending->nr_queue; i++)
		sig_info_text(ctx, &pending->queue[i]);
	if (pending->status)
		kco_row_failed(ctx, pending->status, pending->why);
}

static void sig_text(struct kco_cmd_ctx *ctx, struct kco_process *p, const struct kco_signals *signals)
{
	struct kco_out *out = ctx->out;

	kco_text(out, "SIGNAL_STRUCT: %" PRIx64 "  NR_THREADS: %" PRIu32 "\n", signals->signal_addr,
		 signals->nr_threads);
	sig_actions_text(ctx, p, signals);
	kco_text(out, "SIGPENDING: %s\n   BLOCKED: %016" PRIx64 "\n", signals->sigpending ? "yes" : "no",
		 signals->blocked);
	if (signals->has_saved)
		kco_text(out, "     SAVED: %016" PRIx64 "\n", signals->saved);
	if (signals->altstack_size)
		kco_text(out, "  ALTSTACK: %016" PRIx64 "  SIZE: %" PRIu64 "  FLAGS: %" PRIx32 "\n",
			 signals->altstack_sp, signals->altstack_size, signals->altstack_flags);
	sig_pending_text(ctx, "PRIVATE_PENDING", &signals->private_pending);
	sig_pending_text(ctx, "SHARED_PENDING", &signals->shared_pending);
}

static void sig_pending_json(struct kco_cmd_ctx *ctx, const char *key, const struct kco_sigpending *pending)
{
	struct kco_out *out = ctx->out;

	kco_json_object(out, key);
	kco_json_addr(out, "set", pending->set);
	kco_json_array(out, "queue");
	for (size_t i = 0; i < pending->nr_queue; i++) {
		kco_json_object(out, NULL);
		kco_json_addr(out, "addr", pending->queue[i].addr);
		kco_siginfo_json(ctx, "siginfo", &pending->queue[i].info);
		kco_json_end(out);
	}
	kco_json_end(out);
	if (pending->status)
		kco_row_failed(ctx, pending->status, pending->why);
	kco_json_end(out);
}

static void sig_json(struct kco_cmd_ctx *ctx, struct kco_process *p, const struct kco_signals *signals)
{
	struct kco_out *out = ctx->out;

	kco_json_addr(out, "signal_struct", signals->signal_addr);
	kco_json_addr(out, "sighand", signals->sighand_addr);
	kco_json_uint(out, "nr_threads", signals->nr_threads);
	kco_json_bool(out, "sigpending", signals->sigpending);
	kco_json_addr(out, "blocked", signals->blocked);
	kco_json_addr(out, "real_blocked", signals->real_blocked);
	if (signals->has_saved)
		kco_json_addr(out, "saved", signals->saved);
	else
		kco_json_null(out, "saved");
	kco_json_object(out, "altstack");
	kco_json_addr(out, "sp", signals->altstack_sp);
	kco_json_uint(out, "size", signals->altstack_size);
	kco_json_uint(out, "flags", signals->altstack_flags);
	kco_json_end(out);
	kco_json_array(out, "actions");
	for (int i = 0; i < KCO_SIGNAL_MAX && signals->actions[i].addr; i++) {
		const struct kco_sigaction *action = &signals->actions[i];
		const char *word = sig_handler_word(action);

		kco_json_object(out, NULL);
		kco_json_int(out, "signo", i + 1);
		kco_json_str(out, "signal", kco_signal_name(ctx->session, i + 1));
		kco_json_addr(out, "sigaction", action->addr);
		kco_json_str(out, "action", word ? word : "handler");
		kco_json_addr(out, "handler", action->handler);
		kco_json_str(out, "symbol", sig_symbol(p, action));
		kco_json_addr(out, "mask", action->mask);
		kco_json_addr(out, "flags", action->flags);
		kco_json_end(out);
	}
	kco_json_end(out);
	sig_pending_json(ctx, "private_pending", &signals->private_pending);
	sig_pending_json(ctx, "shared_pending", &signals->shared_pending);
	if (signals->actions_status)
		kco_row_failed(ctx, signals->actions_status, signals->actions_why);
}

static void sig_task(struct kco_cmd_ctx *ctx, const struct kco_task *task, bool first)
{
	struct kco_process *p = kco_process_of(ctx->session, task);
	struct kco_err err = KCO_ERR_INIT;
	struct kco_signals *signals = kco_arena_alloc(ctx->arena, sizeof(*signals));
	enum kco_status st = !signals ? KCO_E_NOMEM : !p ? KCO_E_RANGE : kco_signals_get(p, task, signals, &err);

	if (!first)
		kco_text(ctx->out, "\n");
	kco_text_task_header(ctx->out, task);
	kco_json_row(ctx->out);
	kco_json_int(ctx->out, "pid", task->tgid);
	kco_json_int(ctx->out, "tid", task->tid);
	kco_json_addr(ctx->out, "task", task->addr);
	kco_json_str(ctx->out, "comm", task->comm);
	if (st)
		kco_row_failed(ctx, st, err.msg[0] ? err.msg : "it is no thread of a process");
	else if (kco_out_json(ctx->out))
		sig_json(ctx, p, signals);
	else
		sig_text(ctx, p, signals);
	kco_json_row_end(ctx->out);
}

static enum kco_status sig_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct sig_opts *opts = ctx->opts;
	const struct kco_task **tasks;
	struct kco_process *p;
	bool first = true;
	size_t n;
	enum kco_status st;

	if (opts->list) {
		sig_list(ctx);
		return KCO_OK;
	}
	if (opts->set)
		return sig_set(ctx, opts->set, err);
	if (opts->has_pid) {
		st = kco_current_process(ctx, true, opts->pid, &p, err);
		for (size_t i = 0; !st && i < p->nr_threads && !kco_out_closed(ctx->out); i++)
			sig_task(ctx, p->threads[i], i == 0);
		return st;
	}
	st = kco_parse_tasks(ctx, ctx->argv, ctx->argc, &tasks, &n, err);
	for (size_t i = 0; !st && i < n && !kco_out_closed(ctx->out); i++) {
		p = opts->group ? kco_process_of(ctx->session, tasks[i]) : NULL;
		if (!p)
			sig_task(ctx, tasks[i], first);
		for (size_t k = 0; p && k < p->nr_threads; k++)
			sig_task(ctx, p->threads[k], first && k == 0);
		first = false;
	}
	return st;
}

static const struct kco_arg sig_args[] = { { KCO_WORD_TASK, "PID|TASK|COMM", .optional = true, .repeat = true },
					   { 0 } };

static const struct kco_opt sig_optv[] = {
	{ 'l', "list", KCO_OPT_FLAG, offsetof(struct sig_opts, list), .help = "numbers and names of all signals" },
	{ 's', "set", KCO_OPT_STRING, offsetof(struct sig_opts, set), "SET", KCO_WORD_ADDR,
	  .help = "the signals in this mask" },
	{ 'g', "group", KCO_OPT_FLAG, offsetof(struct sig_opts, group), .help = "all threads of each task's process" },
	KCO_PROCESS_OPT(struct sig_opts),
	{ 0 },
};

static const struct kco_json_field sig_json_fields[] = {
	{ "pid", "integer", "the process" },
	{ "tid", "integer", "the thread" },
	{ "task", "address", "its task structure" },
	{ "comm", "string", "command name" },
	{ "signal_struct", "address", "of the process" },
	{ "sighand", "address", "its struct sighand_struct" },
	{ "nr_threads", "integer", "threads of the process" },
	{ "sigpending", "boolean", "the thread was told to look at its signals" },
	{ "blocked", "address", "mask of blocked signals: bit 0 is signal 1" },
	{ "real_blocked", "address", "while sigtimedwait() unblocks some: the mask before" },
	{ "saved", "address|null", "the mask that sigsuspend(), ppoll() and others restore" },
	{ "altstack", "object", "sigaltstack()" },
	{ "altstack.sp", "address", "its lowest address" },
	{ "altstack.size", "integer", "bytes, 0 none" },
	{ "altstack.flags", "integer", "SS_..." },
	{ "actions", "array", "who handles each signal" },
	{ "actions[].signo", "integer", "number" },
	{ "actions[].signal", "string", "name" },
	{ "actions[].sigaction", "address", "the kernel's structure" },
	{ "actions[].action", "string", "SIG_DFL, SIG_IGN, SIG_ERR or handler" },
	{ "actions[].handler", "address", "in the process" },
	{ "actions[].symbol", "string|null", "the function there" },
	{ "actions[].mask", "address", "signals blocked while it runs" },
	{ "actions[].flags", "address", "SA_..." },
	{ "private_pending", "object", "sent to the thread and not delivered yet" },
	{ "private_pending.set", "address", "mask" },
	{ "private_pending.queue", "array", "those with siginfo" },
	{ "private_pending.queue[].addr", "address", "struct sigqueue" },
	{ "private_pending.queue[].siginfo", "object", "what was sent" },
	KCO_SIGINFO_JSON("private_pending.queue[].siginfo"),
	{ "shared_pending", "object", "the same for the process" },
	{ "shared_pending.set", "address", "mask" },
	{ "shared_pending.queue", "array", "those with siginfo" },
	{ "shared_pending.queue[].addr", "address", "struct sigqueue" },
	{ "shared_pending.queue[].siginfo", "object", "what was sent" },
	KCO_SIGINFO_JSON("shared_pending.queue[].siginfo"),
	{ "signo", "integer", "-l, -s: number; the row has signo and signal only" },
	{ "signal", "string", "-l, -s: name" },
	{ 0 },
};

static const char *const sig_aliases[] = { "signals", NULL };

const struct kco_cmd kco_cmd_sig = {
	.name = "sig",
	.aliases = sig_aliases,
	.summary = "signals: pending queues with their siginfo, handlers, masks",
	.description =
		"For the current task, those named, or all threads of a process: who handles each signal, which are blocked, "
		"the alternate stack, and the queues of those that are pending for the thread and for its process, each with "
		"its siginfo. A signal that is in a set and not in its queue was sent without siginfo.\n\n"
		"SIGRTMIN is the kernel's, 32; glibc keeps two for itself and begins at 34.",
	.examples = "sig 230\n    of one task\n"
		    "sig -g 230\n    of all threads of its process\n"
		    "sig -s 8000\n    which signals that mask holds\n",
	.args = sig_args,
	.opts = sig_optv,
	.opts_size = sizeof(struct sig_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.features = KCO_FEATURE_SIGNALS,
	.json = sig_json_fields,
	.run = sig_run,
};
