// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tasks as users name them: a thread id, a task address, or a command name.
 */
#include <kco/cmd.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TASKS_COMM_MAX 15 /* what the kernel keeps of a name: TASK_COMM_LEN - 1 */

enum kco_status kco_current_task(struct kco_cmd_ctx *ctx, const struct kco_task **ret, struct kco_err *err)
{
	const struct kco_task *task = NULL, *all;
	enum kco_status st;
	size_t n;

	st = kco_tasks_get(ctx->session, &all, &n, err);
	if (st)
		return st;
	if (ctx->context && ctx->context->task)
		task = kco_task_by_addr(ctx->session, ctx->context->task);
	if (!task)
		task = kco_task_panic(ctx->session);
	for (size_t i = 0; !task && i < n; i++)
		if ((all[i].flags & KCO_TASK_ACTIVE) && !(all[i].flags & KCO_TASK_IDLE))
			task = &all[i];
	for (size_t i = 0; !task && i < n; i++)
		if (all[i].flags & KCO_TASK_ACTIVE)
			task = &all[i];
	if (!task && n)
		task = &all[0];
	if (!task)
		return kco_fail(err, KCO_E_CORRUPT, "the dump holds no task");
	*ret = task;
	return KCO_OK;
}

/* Is @word the name of @task, in brackets if it likes, or longer than the kernel keeps? */
static bool tasks_is_comm(const char *word, const struct kco_task *task)
{
	size_t n = strlen(word);

	if (strcmp(word, task->comm) == 0)
		return true;
	if (n > 2 && word[0] == '[' && word[n - 1] == ']' && (task->flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE)))
		return strlen(task->comm) == n - 2 && memcmp(word + 1, task->comm, n - 2) == 0;
	return n > TASKS_COMM_MAX && strlen(task->comm) == TASKS_COMM_MAX &&
	       memcmp(word, task->comm, TASKS_COMM_MAX) == 0;
}

struct tasks_list {
	const struct kco_task **v;
	size_t n, cap;
};

static bool tasks_add(struct kco_arena *arena, struct tasks_list *list, const struct kco_task *task)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 16;
		const struct kco_task **v = kco_arena_array(arena, cap, sizeof(*v));

		if (!v)
			return false;
		if (list->n)
			memcpy(v, list->v, list->n * sizeof(*v));
		list->v = v;
		list->cap = cap;
	}
	list->v[list->n++] = task;
	return true;
}

static bool tasks_are_digits(const char *word)
{
	return *word && word[strspn(word, "0123456789")] == '\0';
}

/* An address is told from a name by 0x or by its length; kernel addresses have 16 digits. */
static bool tasks_is_address(const char *word, uint64_t *addr)
{
	bool prefixed = word[0] == '0' && (word[1] | 0x20) == 'x';
	const char *digits = prefixed ? word + 2 : word;
	size_t n = strlen(digits);

	if (!n || n > 16 || (!prefixed && n < 8))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isxdigit((unsigned char)digits[i]))
			return false;
	*addr = strtoull(digits, NULL, 16);
	return true;
}

/* Where threads have numbers of their own a pid names all threads of its process. False: memory is out. */
static bool tasks_of_pid(struct kco_cmd_ctx *ctx, int64_t pid, const struct kco_task *all, size_t n,
			 struct tasks_list *list)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].tgid == pid && !tasks_add(ctx->arena, list, &all[i]))
			return false;
	return true;
}

/* All tasks that @word names, in the order of the reading: number, address, name. False: memory is out. */
static bool tasks_word(struct kco_cmd_ctx *ctx, const char *word, const struct kco_task *all, size_t n,
		       struct tasks_list *list)
{
	bool digits = tasks_are_digits(word), zero = digits && strspn(word, "0") == strlen(word);
	size_t before = list->n;
	const struct kco_task *task = NULL;
	uint64_t addr;

	if (digits && !zero && strlen(word) < 11) {
		if (n && all[0].flags & KCO_TASK_OWN_TID && !tasks_of_pid(ctx, strtoll(word, NULL, 10), all, n, list))
			return false;
		if (list->n > before)
			return true;
		task = kco_task_by_tid(ctx->session, strtoll(word, NULL, 10));
	}
	if (!task && !zero && tasks_is_address(word, &addr))
		task = kco_task_by_addr(ctx->session, addr);
	if (task)
		return tasks_add(ctx->arena, list, task);
	for (size_t i = 0; zero && i < n; i++)
		if ((all[i].flags & KCO_TASK_IDLE) && !tasks_add(ctx->arena, list, &all[i]))
			return false;
	if (list->n > before)
		return true;
	for (size_t i = 0; i < n; i++)
		if (tasks_is_comm(word, &all[i]) && !tasks_add(ctx->arena, list, &all[i]))
			return false;
	return true;
}

enum kco_status kco_parse_tasks(struct kco_cmd_ctx *ctx, char **words, int n, const struct kco_task ***ret,
				size_t *nret, struct kco_err *err)
{
	struct tasks_list list = { 0 };
	const struct kco_task *all, *current;
	enum kco_status st;
	size_t nr;

	st = kco_tasks_get(ctx->session, &all, &nr, err);
	if (!st && n == 0) {
		st = kco_current_task(ctx, &current, err);
		if (!st && !tasks_add(ctx->arena, &list, current))
			st = kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	for (int i = 0; !st && i < n; i++) {
		size_t before = list.n;

		if (!tasks_word(ctx, words[i], all, nr, &list))
			st = kco_fail(err, KCO_E_NOMEM, "out of memory");
		else if (list.n == before)
			st = kco_fail(err, KCO_E_USAGE, "no task has the pid, address or name '%.60s'", words[i]);
	}
	if (st)
		return st;
	*ret = list.v;
	*nret = list.n;
	return KCO_OK;
}
