// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads as lines in LLDB's manner.
 */
#include "threadline.h"

#include <inttypes.h>
#include <string.h>

#include <kco/thread.h>
#include <kco/uimage.h>

#include "process.h"

static const char *threadline_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void threadline_kernel_pc(struct kco_cmd_ctx *ctx, struct kco_threadline *line)
{
	struct kco_symbol sym;

	line->has_pc = line->kernel_pc = true;
	line->image = "kernel";
	if (kco_symbols_by_addr(kco_session_symbols(ctx->session), line->pc, &sym, NULL))
		return;
	line->symbol = sym.name;
	line->offset = line->pc - sym.addr;
	if (sym.module)
		line->image = sym.module;
}

static void threadline_user_pc(struct kco_process *p, struct kco_threadline *line)
{
	const struct kco_uimage *image = kco_uimage_at(p, line->pc);
	struct kco_usymbol sym;

	line->has_pc = true;
	if (image) {
		line->image = threadline_base(image->path);
		line->offset = line->pc - image->start;
	}
	if (kco_usymbol_by_addr(p, line->pc, &sym, NULL))
		return;
	line->symbol = sym.name;
	line->offset = line->pc - sym.addr;
}

void kco_threadline_get(struct kco_cmd_ctx *ctx, struct kco_process *p, const struct kco_task *task, bool wchan,
			struct kco_threadline *ret)
{
	const struct kco_arch_ops *arch = kco_session_arch(ctx->session);
	struct kco_err err = KCO_ERR_INIT;
	struct kco_thread_regs regs;
	struct kco_regs cpu;

	*ret = (struct kco_threadline){ .task = task, .number = kco_thread_number(p, task) };
	ret->selected = kco_current_thread(ctx, p) == task;
	if (task->status) {
		ret->status = task->status;
		ret->why = task->why;
		return;
	}
	ret->status = kco_stop_get(p, task, &ret->stop, &err);
	if (ret->status)
		ret->why = kco_arena_strndup(ctx->arena, err.msg, sizeof(err.msg));
	if (task->flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE) || (!ret->status && ret->stop.kind == KCO_STOP_KTHREAD)) {
		if (task->flags & KCO_TASK_ACTIVE && task->cpu >= 0) {
			if (!kco_cpu_regs(ctx->session, (unsigned)task->cpu, &cpu, NULL) &&
			    kco_regs_get(&cpu, arch->pc, &ret->pc))
				threadline_kernel_pc(ctx, ret);
			return;
		}
		ret->stop.wchan = kco_stop_wchan(p, task, &ret->pc);
		if (ret->stop.wchan)
			threadline_kernel_pc(ctx, ret);
		return;
	}
	if (!kco_thread_regs_get(p, task, &regs, NULL) && kco_regs_get(&regs.regs, arch->pc, &ret->pc))
		threadline_user_pc(p, ret);
	if (wchan && !ret->stop.wchan)
		ret->stop.wchan = kco_stop_wchan(p, task, NULL);
}

/* All that is left of it is what its parent may ask for. */
static bool threadline_ended(const struct kco_process *p)
{
	for (size_t i = 0; i < p->nr_threads; i++)
		if (p->threads[i]->state != 'Z' && p->threads[i]->state != 'X')
			return false;
	return p->nr_threads != 0;
}

void kco_processline_text(struct kco_cmd_ctx *ctx, const struct kco_process *p)
{
	kco_style(ctx->out, KCO_STYLE_HEAD);
	kco_text(ctx->out, "Process %" PRId64 " %s\n", p->pid, threadline_ended(p) ? "exited" : "stopped");
	kco_style(ctx->out, KCO_STYLE_PLAIN);
}

void kco_threadline_text(struct kco_cmd_ctx *ctx, const struct kco_threadline *line)
{
	struct kco_out *out = ctx->out;

	kco_text(out, "%s thread #%zu: tid = %" PRId64, line->selected ? "*" : " ", line->number, line->task->tid);
	if (line->has_pc) {
		kco_text(out, ", 0x%016" PRIx64, line->pc);
		if (line->image)
			kco_text(out, " %s", line->image);
		if (line->symbol && line->image)
			kco_text(out, "`");
		else if (line->symbol)
			kco_text(out, " ");
		kco_style(out, KCO_STYLE_NAME);
		kco_text(out, "%s", line->symbol ? line->symbol : "");
		kco_style(out, KCO_STYLE_PLAIN);
		if ((line->symbol || line->image) && line->offset)
			kco_text(out, " + %" PRIu64, line->offset);
	}
	kco_text(out, ", name = '%s'", line->task->comm);
	if (!line->status) {
		kco_text(out, ", stop reason = ");
		if (line->stop.kind == KCO_STOP_PANIC)
			kco_style(out, KCO_STYLE_PANIC);
		kco_text(out, "%s", line->stop.text);
		kco_style(out, KCO_STYLE_PLAIN);
	}
	kco_text(out, "\n");
	if (line->status)
		kco_row_failed(ctx, line->status, line->why);
}

/* @has: the value, else null. */
static void threadline_json_addr(struct kco_out *out, const char *key, bool has, uint64_t v)
{
	if (has)
		kco_json_addr(out, key, v);
	else
		kco_json_null(out, key);
}

static void threadline_json_int(struct kco_out *out, const char *key, bool has, int64_t v)
{
	if (has)
		kco_json_int(out, key, v);
	else
		kco_json_null(out, key);
}

void kco_siginfo_json(struct kco_cmd_ctx *ctx, const char *key, const struct kco_siginfo *info)
{
	struct kco_out *out = ctx->out;

	kco_json_object(out, key);
	kco_json_int(out, "signo", info->signo);
	kco_json_str(out, "signal", kco_signal_name(ctx->session, info->signo));
	kco_json_int(out, "code", info->code);
	kco_json_str(out, "code_name", kco_signal_code_name(ctx->session, info->signo, info->code));
	kco_json_int(out, "errno", info->err);
	if (info->kind == KCO_SIGINFO_KILL || info->kind == KCO_SIGINFO_QUEUE || info->kind == KCO_SIGINFO_CHILD) {
		kco_json_int(out, "pid", info->pid);
		kco_json_uint(out, "uid", info->uid);
	}
	if (info->kind == KCO_SIGINFO_CHILD)
		kco_json_int(out, "status", info->status);
	if (info->kind == KCO_SIGINFO_QUEUE || info->kind == KCO_SIGINFO_TIMER)
		kco_json_addr(out, "value", info->value);
	if (info->kind == KCO_SIGINFO_FAULT || info->kind == KCO_SIGINFO_SYS)
		kco_json_addr(out, "addr", info->addr);
	if (info->kind == KCO_SIGINFO_TIMER) {
		kco_json_int(out, "timer", info->timer);
		kco_json_int(out, "overrun", info->overrun);
	}
	if (info->kind == KCO_SIGINFO_POLL) {
		kco_json_int(out, "band", info->band);
		kco_json_int(out, "fd", info->fd);
	}
	if (info->kind == KCO_SIGINFO_SYS)
		kco_json_int(out, "syscall", info->syscall);
	kco_json_end(out);
}

static void threadline_json_stop(struct kco_cmd_ctx *ctx, const struct kco_stop *stop)
{
	struct kco_out *out = ctx->out;

	kco_json_object(out, "stop");
	kco_json_str(out, "kind", kco_stop_kind_name(stop->kind));
	kco_json_str(out, "reason", stop->text);
	threadline_json_int(out, "signal", stop->signo != 0, stop->signo);
	kco_json_str(out, "signal_name", stop->signo ? kco_signal_name(ctx->session, stop->signo) : NULL);
	kco_json_str(out, "trap", stop->trap);
	kco_json_int(out, "lwp", stop->lwp);
	threadline_json_int(out, "syscall", stop->syscall >= 0, stop->syscall);
	kco_json_str(out, "syscall_name", stop->syscall_name);
	if (stop->syscall >= 0) {
		kco_json_array(out, "args");
		for (unsigned i = 0; i < stop->nr_args && i < 6; i++)
			kco_json_addr(out, NULL, stop->args[i]);
		kco_json_end(out);
	} else {
		kco_json_null(out, "args");
	}
	if (stop->kind == KCO_STOP_TRACE_SYSCALL_EXIT)
		kco_json_int(out, "result", stop->result);
	threadline_json_int(out, "vector", stop->vector >= 0, stop->vector);
	threadline_json_addr(out, "error_code", stop->has_error_code, stop->error_code);
	threadline_json_addr(out, "addr", stop->has_addr, stop->addr);
	kco_json_str(out, "wchan", stop->wchan);
	threadline_json_int(out, "tracer", stop->tracer != 0, stop->tracer);
	threadline_json_int(out, "child", stop->child != 0, stop->child);
	threadline_json_int(out, "status", stop->has_status, stop->status);
	if (stop->has_info)
		kco_siginfo_json(ctx, "siginfo", &stop->info);
	else
		kco_json_null(out, "siginfo");
	kco_json_end(out);
}

void kco_threadline_json(struct kco_cmd_ctx *ctx, const struct kco_threadline *line)
{
	const char state[] = { line->task->state, '\0' };
	struct kco_out *out = ctx->out;

	kco_json_uint(out, "number", line->number);
	kco_json_int(out, "tid", line->task->tid);
	kco_json_str(out, "name", line->task->comm);
	kco_json_addr(out, "task", line->task->addr);
	kco_json_str(out, "state", state);
	kco_json_known(out, "cpu", line->task->cpu);
	kco_json_bool(out, "active", (line->task->flags & KCO_TASK_ACTIVE) != 0);
	kco_json_bool(out, "selected", line->selected);
	threadline_json_addr(out, "pc", line->has_pc, line->pc);
	kco_json_str(out, "image", line->image);
	kco_json_str(out, "symbol", line->symbol);
	kco_json_uint(out, "offset", line->offset);
	if (line->status)
		kco_row_failed(ctx, line->status, line->why);
	else
		threadline_json_stop(ctx, &line->stop);
}

void kco_processline(struct kco_cmd_ctx *ctx, struct kco_process *p, bool wchan)
{
	struct kco_out *out = ctx->out;
	struct kco_threadline line;

	kco_processline_text(ctx, p);
	kco_json_row(out);
	kco_json_int(out, "pid", p->pid);
	kco_json_known(out, "ppid", p->pid && p->leader ? p->leader->ppid : -1);
	kco_json_str(out, "name", p->pid && p->leader ? p->leader->comm : "kernel");
	kco_json_bool(out, "hidden", p->hidden);
	kco_json_uint(out, "nr_threads", p->nr_threads);
	kco_json_array(out, "threads");
	for (size_t i = 0; i < p->nr_threads && !kco_out_closed(out); i++) {
		// The kernel's own threads are those that are no process.
		if (!p->pid && p->threads[i]->tgid > 0)
			continue;
		kco_threadline_get(ctx, p, p->threads[i], wchan, &line);
		kco_threadline_text(ctx, &line);
		kco_json_object(out, NULL);
		if (kco_out_json(out))
			kco_threadline_json(ctx, &line);
		kco_json_end(out);
	}
	kco_json_end(out);
	kco_json_row_end(out);
}
