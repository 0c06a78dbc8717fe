// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The user part of a task's stack, below the registers that the kernel saved:
 *
 *         SYSCALL: read(0x3, 0x7ffe1ddd7fb0, 0x1)
 *      #7 [00007ffe1ddd7f98] read at 00007f64a1b2c19d [libc.so.6]
 *      #8 [00007ffe1ddd7fa0] main at 0000564f1f4e3171 [zoo]
 *         [signal RIP: spin+12]
 *         RIP: ...                              the registers that a signal interrupted
 *     --- <signal stack> ---                    the handler's own stack ended
 *      #9 ...
 */
#include "userframes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/syscall.h>

#include "regs.h"

bool kco_user_stack_possible(const struct kco_task *task)
{
	return !(task->flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE)) && task->mm;
}

void kco_user_stack_get(struct kco_cmd_ctx *ctx, const struct kco_task *task, struct kco_user_stack *ret)
{
	const struct kco_arch_ops *arch = kco_session_arch(ctx->session);
	struct kco_err err = KCO_ERR_INIT;

	ret->task = task;
	ret->trace.n = ret->trace.nr_regs = 0;
	ret->trace.status = KCO_OK;
	ret->trace.why[0] = ret->why[0] = '\0';
	ret->process = kco_user_stack_possible(task) ? kco_process_of(ctx->session, task) : NULL;
	ret->regs_status = KCO_E_RANGE;
	if (!ret->process)
		return;
	ret->regs_status = kco_thread_regs_get(ret->process, task, &ret->regs, &err);
	if (ret->regs_status)
		snprintf(ret->why, sizeof(ret->why), "%.*s", (int)sizeof(ret->why) - 1, err.msg);
	else if (!ret->regs.regs.v[arch->pc] && !ret->regs.regs.v[arch->sp])
		ret->process = NULL; // a helper thread that the kernel made in a process: it never was in user mode
	else
		(void)!kco_unwind_user(ret->process, &ret->regs, &ret->trace, NULL); // its status is the trace's
}

/* Does a signal handler return to @f? Its first instruction was not called: nothing lies before it. */
static bool userframes_trampoline(const struct kco_user_stack *u, const struct kco_frame *f)
{
	return f + 1 < u->trace.frames + u->trace.n && f[1].kind == KCO_FRAME_EXCEPTION;
}

static uint64_t userframes_lookup_pc(const struct kco_user_stack *u, const struct kco_frame *f)
{
	bool exact = f->kind != KCO_FRAME_CALL || (f->by == KCO_BY_REGS && !f->slot) || userframes_trampoline(u, f);

	return exact ? f->pc : f->pc - 1;
}

static bool userframes_symbol(const struct kco_user_stack *u, const struct kco_frame *f, struct kco_usymbol *sym)
{
	return kco_usymbol_by_addr(u->process, userframes_lookup_pc(u, f), sym, NULL) == KCO_OK;
}

bool kco_user_stack_readable(const struct kco_user_stack *u)
{
	struct kco_usymbol sym;

	if (!u->process || u->regs_status || !u->trace.n)
		return false;
	return u->trace.n > 1 || u->trace.status == KCO_OK || userframes_symbol(u, &u->trace.frames[0], &sym);
}

uint64_t kco_user_frame_file(const struct kco_user_stack *u, const struct kco_frame *f, uint64_t *pc)
{
	const struct kco_uimage *image = kco_uimage_at(u->process, userframes_lookup_pc(u, f));

	*pc = f->pc - (image ? image->bias : 0);
	return image && image->vma && image->vma->file ? image->vma->file->inode_addr : 0;
}

static void userframes_function_text(struct kco_cmd_ctx *ctx, const struct kco_user_stack *u, const struct kco_frame *f,
				     bool offsets, bool hex)
{
	struct kco_out *out = ctx->out;
	struct kco_usymbol sym;

	kco_style(out, f->by == KCO_BY_SCAN ? KCO_STYLE_DIM : KCO_STYLE_NAME);
	if (!userframes_symbol(u, f, &sym))
		kco_text(out, "(%s)", userframes_trampoline(u, f) ? "signal trampoline" : "unknown");
	else if (!offsets)
		kco_text(out, "%s", sym.name);
	else if (hex)
		kco_text(out, "%s+0x%" PRIx64, sym.name, f->pc - sym.addr);
	else
		kco_text(out, "%s+%" PRIu64, sym.name, f->pc - sym.addr);
	kco_style(out, KCO_STYLE_PLAIN);
}

static const char *userframes_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void userframes_line_text(struct kco_cmd_ctx *ctx, const struct kco_user_stack *u, size_t i, size_t first,
				 const struct kco_frames_style *style)
{
	const struct kco_frame *f = &u->trace.frames[i];
	const struct kco_uimage *image = kco_uimage_at(u->process, userframes_lookup_pc(u, f));
	struct kco_out *out = ctx->out;

	kco_text(out, "%s#%zu ", first + i < 10 ? " " : "", first + i);
	if (!style->no_stack_addr)
		kco_text(out, "[%016" PRIx64 "] ", f->slot ? f->slot : f->sp);
	userframes_function_text(ctx, u, f, style->offsets, style->hex);
	kco_text(out, " at %016" PRIx64, f->pc);
	if (image && image->path)
		kco_text(out, " [%s]", image->path[0] == '[' ? "vdso" : userframes_basename(image->path));
	kco_text(out, "%s\n", f->by == KCO_BY_SCAN ? " *" : "");
}

void kco_user_syscall_text(struct kco_cmd_ctx *ctx, const struct kco_user_stack *u)
{
	char call[512];

	if (!u->process || u->regs_status || u->regs.entry != KCO_ENTRY_SYSCALL || u->regs.syscall < 0)
		return;
	kco_syscall_text(ctx->session, u->regs.syscall32, u->regs.syscall, u->regs.args, call, sizeof(call));
	kco_text(ctx->out, "    SYSCALL: %s\n", call);
}

void kco_user_stack_text(struct kco_cmd_ctx *ctx, const struct kco_user_stack *u, size_t first,
			 const struct kco_frames_style *style)
{
	if (u->regs_status) {
		kco_row_failed(ctx, u->regs_status, u->why);
		return;
	}
	for (size_t i = 0; i < u->trace.n && !kco_out_closed(ctx->out); i++) {
		const struct kco_frame *f = &u->trace.frames[i];

		if (f->kind == KCO_FRAME_EXCEPTION) {
			kco_text(ctx->out, "    [signal RIP: ");
			userframes_function_text(ctx, u, f, true, style->hex);
			kco_text(ctx->out, "]\n");
			if (f->regs && !style->no_stack_addr)
				kco_regs_text(ctx->out, kco_session_arch(ctx->session), f->regs);
		}
		if (f->stack)
			kco_text(ctx->out, "--- <%s stack> ---\n", f->stack);
		userframes_line_text(ctx, u, i, first, style);
	}
	if (u->trace.status != KCO_OK)
		kco_row_failed(ctx, u->trace.status, u->trace.why);
}

static void userframes_syscall_json(struct kco_cmd_ctx *ctx, const struct kco_user_stack *u)
{
	char call[512];

	if (!u->process || u->regs_status || u->regs.entry != KCO_ENTRY_SYSCALL || u->regs.syscall < 0)
		return;
	kco_syscall_text(ctx->session, u->regs.syscall32, u->regs.syscall, u->regs.args, call, sizeof(call));
	kco_json_object(ctx->out, "syscall");
	kco_json_int(ctx->out, "number", u->regs.syscall);
	kco_json_str(ctx->out, "text", call);
	kco_json_end(ctx->out);
}

static void userframes_frame_json(struct kco_cmd_ctx *ctx, const struct kco_user_stack *u, size_t i, size_t first,
				  const struct kco_frames_style *style)
{
	const struct kco_frame *f = &u->trace.frames[i];
	const struct kco_uimage *image = kco_uimage_at(u->process, userframes_lookup_pc(u, f));
	struct kco_out *out = ctx->out;
	struct kco_usymbol sym;
	bool known = userframes_symbol(u, f, &sym);

	kco_json_object(out, NULL);
	kco_json_uint(out, "n", first + i);
	kco_json_addr(out, "pc", f->pc);
	if (!style->no_stack_addr)
		kco_json_addr(out, "sp", f->sp);
	kco_json_str(out, "function", known ? sym.name : NULL);
	if (known)
		kco_json_uint(out, "offset", f->pc - sym.addr);
	else
		kco_json_null(out, "offset");
	kco_json_str(out, "image", image ? image->path : NULL);
	kco_json_str(out, "by", kco_frame_by_name(f->by));
	if (f->slot && !style->no_stack_addr)
		kco_json_addr(out, "slot", f->slot);
	if (f->stack)
		kco_json_str(out, "stack", f->stack);
	if (f->kind == KCO_FRAME_EXCEPTION) {
		kco_json_str(out, "kind", "signal");
		if (f->regs && !style->no_stack_addr)
			kco_regs_json(out, "regs", kco_session_arch(ctx->session), f->regs);
	}
	kco_json_end(out);
}

void kco_user_stack_json(struct kco_cmd_ctx *ctx, const struct kco_user_stack *u, size_t first,
			 const struct kco_frames_style *style)
{
	enum kco_status status = u->regs_status ? u->regs_status : u->trace.status;

	if (!style->no_stack_addr)
		userframes_syscall_json(ctx, u);
	kco_json_array(ctx->out, "user_frames");
	for (size_t i = 0; i < u->trace.n; i++)
		userframes_frame_json(ctx, u, i, first, style);
	kco_json_end(ctx->out);
	if (!status)
		return;
	// Not "error", which the kernel's stack may have.
	kco_json_str(ctx->out, "user_error", kco_status_name(status));
	kco_json_str(ctx->out, "user_why", u->regs_status ? u->why : u->trace.why);
	ctx->failed_rows++;
}
