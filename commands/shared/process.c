// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attached processes and selected threads: struct kco_context, kept in order.
 */
#include "process.h"

#include <ctype.h>
#include <string.h>

#include <kco/uimage.h>

/* Where @pid is among the attached, or nr_attached. */
static size_t process_attached(const struct kco_context *context, int64_t pid)
{
	size_t i = 0;

	while (i < context->nr_attached && context->attached[i].pid != pid)
		i++;
	return i;
}

size_t kco_thread_number(const struct kco_process *p, const struct kco_task *task)
{
	for (size_t i = 0; task && i < p->nr_threads; i++)
		if (p->threads[i] == task)
			return i + 1;
	return 0;
}

enum kco_status kco_current_process(struct kco_cmd_ctx *ctx, bool has_pid, int64_t pid, struct kco_process **ret,
				    struct kco_err *err)
{
	const struct kco_context *context = ctx->context;
	const struct kco_task *task;
	enum kco_status st;

	if (has_pid)
		return kco_process_get(ctx->session, pid, ret, err);
	if (context && context->nr_attached)
		return kco_process_get(ctx->session, context->attached[context->nr_attached - 1].pid, ret, err);
	st = kco_current_task(ctx, &task, err);
	if (st)
		return st;
	*ret = kco_process_of(ctx->session, task);
	return *ret ? KCO_OK : kco_process_get(ctx->session, 0, ret, err);
}

const struct kco_task *kco_current_thread(struct kco_cmd_ctx *ctx, struct kco_process *p)
{
	const struct kco_context *context = ctx->context;
	size_t at = context ? process_attached(context, p->pid) : 0;
	const struct kco_task *task;

	if (!kco_current_task(ctx, &task, NULL) && kco_thread_number(p, task))
		return task;
	if (context && at < context->nr_attached && context->attached[at].task) {
		task = kco_task_by_addr(ctx->session, context->attached[at].task);
		if (kco_thread_number(p, task))
			return task;
	}
	return p->leader;
}

void kco_select_thread(struct kco_cmd_ctx *ctx, struct kco_process *p, const struct kco_task *task)
{
	size_t at = process_attached(ctx->context, p->pid);

	ctx->context->task = task->addr;
	if (at < ctx->context->nr_attached)
		ctx->context->attached[at].task = task->addr;
}

enum kco_status kco_attach(struct kco_cmd_ctx *ctx, struct kco_process *p, struct kco_err *err)
{
	const struct kco_task *thread = kco_current_thread(ctx, p);
	struct kco_context *context = ctx->context;
	size_t at = process_attached(context, p->pid);
	struct kco_attached mine = { .pid = p->pid, .task = thread ? thread->addr : 0 };

	if (at == context->nr_attached && at == KCO_ATTACHED_MAX)
		return kco_fail(err, KCO_E_USAGE, "%d processes are attached; detach from one", KCO_ATTACHED_MAX);
	if (at < context->nr_attached)
		memmove(context->attached + at, context->attached + at + 1,
			(--context->nr_attached - at) * sizeof(mine));
	context->attached[context->nr_attached++] = mine;
	if (thread)
		context->task = thread->addr;
	return KCO_OK;
}

/* The name that @word begins with, up to an offset; false: it is an address, or no name that could be. */
static bool process_name(const char *word, char name[KCO_SYMBOL_NAME_MAX])
{
	// Images have such names: "libstdc++`...", "ld-linux-x86-64.so.2`..."
	const char *tick = strchr(word, '`'), *from = tick ? tick + 1 : word;
	size_t n = (size_t)(from - word) + strcspn(from, "+-");

	if (isdigit((unsigned char)word[0]) || !*from || n == (size_t)(from - word) || n >= KCO_SYMBOL_NAME_MAX)
		return false;
	memcpy(name, word, n);
	name[n] = '\0';
	return true;
}

enum kco_status kco_parse_process_addr(struct kco_process *p, const char *word, uint64_t *ret, struct kco_err *err)
{
	char name[KCO_SYMBOL_NAME_MAX];
	struct kco_err why = KCO_ERR_INIT;
	struct kco_usymbol sym;
	int64_t offset = 0;
	enum kco_status st;

	if (!p->pid || !process_name(word, name))
		return kco_parse_addr(p->session, word, ret, err);
	st = kco_usymbol_by_name(p, name, &sym, &why);
	// "add" may be a symbol, an address, or the kernel's; what names an image is neither of the others.
	if (st && !strchr(word, '`') && kco_parse_addr(p->session, word, ret, NULL) == KCO_OK)
		return KCO_OK;
	if (st)
		return kco_fail(err, st == KCO_E_NOSYM ? KCO_E_USAGE : st, "%s", why.msg);
	word += strlen(name);
	if (*word && (kco_parse_int(word + 1, &offset, NULL) || word[1] == '-' || word[1] == '+'))
		return kco_fail(err, KCO_E_USAGE, "'%.60s' is not an offset (decimal, or 0x...)", word + 1);
	*ret = *word == '-' ? sym.addr - (uint64_t)offset : sym.addr + (uint64_t)offset;
	return KCO_OK;
}
