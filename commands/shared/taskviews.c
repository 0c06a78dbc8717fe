// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Views of tasks other than the table of ps, and the words for task states.
 */
#include "taskviews.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cpulist.h"

#define TASKVIEW_DEPTH_MAX 1024 /* parents of a task */

/* In the order in which crash counts them. */
static const struct {
	char state;
	char text[3];
} taskview_states[] = {
	{ 'R', "RU" }, { 'S', "IN" }, { 'D', "UN" }, { 'T', "ST" }, { 't', "TR" }, { 'Z', "ZO" }, { 'X', "DE" },
	{ 'W', "WA" }, { 'P', "PA" }, { 'I', "ID" }, { 'N', "NE" }, { 'L', "LO" }, { '?', "??" },
};
#define TASKVIEW_NR_STATES (sizeof(taskview_states) / sizeof(taskview_states[0]))

static size_t taskview_state(char state)
{
	for (size_t i = 0; i < TASKVIEW_NR_STATES; i++)
		if (taskview_states[i].state == state)
			return i;
	return TASKVIEW_NR_STATES - 1;
}

const char *kco_task_state_text(char state)
{
	return taskview_states[taskview_state(state)].text;
}

bool kco_task_state_known(char state)
{
	return state == '?' || taskview_state(state) != TASKVIEW_NR_STATES - 1;
}

bool kco_task_state_by_text(const char *text)
{
	for (size_t i = 0; i < TASKVIEW_NR_STATES; i++)
		if (!strncasecmp(taskview_states[i].text, text, 2))
			return true;
	return false;
}

/* The keys that every JSON row or object of a task has here. */
static void taskview_json(struct kco_out *out, const struct kco_task *task)
{
	const char state[] = { task->state, '\0' };

	kco_json_int(out, "pid", task->tgid);
	kco_json_int(out, "tid", task->tid);
	kco_json_known(out, "cpu", task->cpu);
	kco_json_addr(out, "task", task->addr);
	kco_json_str(out, "state", state);
	kco_json_str(out, "comm", task->comm);
}

enum kco_status kco_taskview_sum(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				 struct kco_err *err)
{
	size_t counts[TASKVIEW_NR_STATES] = { 0 };

	(void)err;
	for (size_t i = 0; i < n; i++)
		counts[taskview_state(tasks[i]->state)]++;
	for (size_t i = 0; i < TASKVIEW_NR_STATES; i++) {
		const char state[] = { taskview_states[i].state, '\0' };

		if (!counts[i])
			continue;
		kco_text(ctx->out, "  %s: %zu\n", taskview_states[i].text, counts[i]);
		kco_json_row(ctx->out);
		kco_json_str(ctx->out, "state", state);
		kco_json_uint(ctx->out, "count", counts[i]);
		kco_json_row_end(ctx->out);
	}
	return KCO_OK;
}

static int taskview_by_last_run(const void *a, const void *b)
{
	const struct kco_task *x = *(const struct kco_task *const *)a, *y = *(const struct kco_task *const *)b;

	if (x->last_run != y->last_run)
		return x->last_run > y->last_run ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/*
 * The scheduler's clock of a CPU when it stopped, on which last_run is
 * measured: the run queue's own, else the latest time that any of its tasks ran.
 */
static uint64_t taskview_clock(struct kco_cmd_ctx *ctx, int cpu)
{
	const struct kco_task *all;
	struct kco_field field;
	uint64_t rq, clock = 0;
	size_t n;

	if (kco_session_need(ctx->session, KCO_NEED_SYMS | KCO_NEED_TYPES, NULL) == KCO_OK &&
	    kco_types_field(kco_session_types(ctx->session), "rq", "clock", &field, NULL) == KCO_OK &&
	    kco_percpu_addr(ctx->session, "runqueues", cpu, &rq, NULL) == KCO_OK &&
	    kco_kread_field(ctx->session, rq, &field, &clock, NULL) == KCO_OK && clock)
		return clock;
	if (kco_tasks_get(ctx->session, &all, &n, NULL) != KCO_OK)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (all[i].cpu == cpu && all[i].last_run > clock)
			clock = all[i].last_run;
	return clock;
}

static void taskview_run_text(struct kco_cmd_ctx *ctx, const struct kco_task *task, const char *when)
{
	kco_text(ctx->out, "[%s] [%s]  ", when, kco_task_state_text(task->state));
	kco_text_task_header(ctx->out, task);
}

static void taskview_run(struct kco_cmd_ctx *ctx, const struct kco_task *task, bool since, uint64_t clock, int width)
{
	uint64_t ago = clock > task->last_run ? clock - task->last_run : 0, s = ago / 1000000000;
	char when[64];

	if (kco_out_json(ctx->out)) {
		kco_json_row(ctx->out);
		taskview_json(ctx->out, task);
		kco_json_uint(ctx->out, "last_run_ns", task->last_run);
		if (since)
			kco_json_uint(ctx->out, "since_ns", ago);
		kco_json_row_end(ctx->out);
		return;
	}
	if (since)
		snprintf(when, sizeof(when), "%" PRIu64 " %02u:%02u:%02u.%03u", s / 86400, (unsigned)(s / 3600 % 24),
			 (unsigned)(s / 60 % 60), (unsigned)(s % 60), (unsigned)(ago / 1000000 % 1000));
	else
		snprintf(when, sizeof(when), "%*" PRIu64, width, task->last_run);
	taskview_run_text(ctx, task, when);
}

enum kco_status kco_taskview_last_run(struct kco_cmd_ctx *ctx, const struct kco_task **tasks, size_t n, bool since,
				      const char *cpus, struct kco_err *err)
{
	enum kco_status status;
	unsigned nr_cpus, blocks = 0;
	uint64_t *clocks;
	bool *set = NULL;
	int width = 1;

	status = kco_cpu_count(ctx->session, &nr_cpus, err);
	if (status == KCO_OK && cpus)
		status = kco_cpulist_parse(ctx, cpus, nr_cpus, &set, err);
	if (status != KCO_OK)
		return status;
	clocks = kco_arena_array(ctx->arena, nr_cpus ? nr_cpus : 1, sizeof(*clocks));
	if (!clocks)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	qsort(tasks, n, sizeof(*tasks), taskview_by_last_run);
	for (uint64_t v = n ? tasks[0]->last_run : 0; v >= 10; v /= 10)
		width++;
	for (unsigned cpu = 0; since && cpu < nr_cpus; cpu++)
		clocks[cpu] = taskview_clock(ctx, (int)cpu);
	for (unsigned cpu = 0; cpu < (set ? nr_cpus : 1); cpu++) {
		if (set && !set[cpu])
			continue;
		if (set && blocks++)
			kco_text(ctx->out, "\n");
		if (set)
			kco_text(ctx->out, "CPU: %u\n", cpu);
		for (size_t i = 0; i < n && !kco_out_closed(ctx->out); i++) {
			int on = tasks[i]->cpu;

			if (!set || on == (int)cpu)
				taskview_run(ctx, tasks[i], since, on >= 0 && on < (int)nr_cpus ? clocks[on] : 0,
					     width);
		}
	}
	return KCO_OK;
}

static void taskview_indented(struct kco_cmd_ctx *ctx, const struct kco_task *task, size_t indent)
{
	kco_text(ctx->out, "%*s", (int)indent, "");
	kco_text_task_header(ctx->out, task);
}

static void taskview_object(struct kco_out *out, const struct kco_task *task)
{
	kco_json_object(out, NULL);
	taskview_json(out, task);
	kco_json_end(out);
}

enum kco_status kco_taskview_parents(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				     struct kco_err *err)
{
	const struct kco_task **line = kco_arena_array(ctx->arena, TASKVIEW_DEPTH_MAX, sizeof(*line));

	if (!line)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n && !kco_out_closed(ctx->out); i++) {
		const struct kco_task *task = tasks[i], *up;
		size_t depth = 0;

		// A task may be its own parent (the first one is); a loop of others is a torn list.
		while (depth < TASKVIEW_DEPTH_MAX && task->parent && task->parent != task->addr) {
			up = kco_task_by_addr(ctx->session, task->parent);
			if (!up)
				break;
			line[depth++] = task = up;
		}
		if (i)
			kco_text(ctx->out, "\n");
		kco_json_row(ctx->out);
		taskview_json(ctx->out, tasks[i]);
		kco_json_array(ctx->out, "parents");
		for (size_t k = 0; k < depth; k++) {
			taskview_indented(ctx, line[depth - 1 - k], k);
			taskview_object(ctx->out, line[depth - 1 - k]);
		}
		kco_json_end(ctx->out);
		taskview_indented(ctx, tasks[i], depth);
		if (depth == TASKVIEW_DEPTH_MAX)
			kco_row_failed(ctx, KCO_E_CORRUPT, "the parents form a loop");
		kco_json_row_end(ctx->out);
	}
	return KCO_OK;
}

/* A task's header and below it those of @all for which @is holds. */
static void taskview_below(struct kco_cmd_ctx *ctx, const struct kco_task *task, const struct kco_task *all, size_t nr,
			   bool (*is)(const struct kco_task *task, const struct kco_task *other), const char *key,
			   const char *none)
{
	size_t found = 0;

	kco_text_task_header(ctx->out, task);
	kco_json_row(ctx->out);
	taskview_json(ctx->out, task);
	kco_json_array(ctx->out, key);
	for (size_t k = 0; k < nr; k++) {
		if (!is(task, &all[k]))
			continue;
		taskview_indented(ctx, &all[k], 2);
		taskview_object(ctx->out, &all[k]);
		found++;
	}
	kco_json_end(ctx->out);
	kco_json_row_end(ctx->out);
	if (!found)
		kco_text(ctx->out, "  (%s)\n", none);
}

static bool taskview_is_child(const struct kco_task *task, const struct kco_task *other)
{
	return other->parent == task->addr && other != task;
}

static bool taskview_is_thread(const struct kco_task *task, const struct kco_task *other)
{
	return other->tgid == task->tgid && other != task && task->tgid;
}

enum kco_status kco_taskview_children(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				      struct kco_err *err)
{
	const struct kco_task *all;
	enum kco_status status;
	size_t nr;

	status = kco_tasks_get(ctx->session, &all, &nr, err);
	for (size_t i = 0; status == KCO_OK && i < n && !kco_out_closed(ctx->out); i++) {
		if (i)
			kco_text(ctx->out, "\n");
		taskview_below(ctx, tasks[i], all, nr, taskview_is_child, "children", "no children");
	}
	return status;
}

enum kco_status kco_taskview_threads(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				     struct kco_err *err)
{
	const struct kco_task *all, **leaders;
	size_t nr, shown = 0;
	enum kco_status status;

	status = kco_tasks_get(ctx->session, &all, &nr, err);
	if (status != KCO_OK)
		return status;
	leaders = kco_arena_array(ctx->arena, n ? n : 1, sizeof(*leaders));
	if (!leaders)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n && !kco_out_closed(ctx->out); i++) {
		const struct kco_task *leader = kco_task_by_addr(ctx->session, tasks[i]->group_leader);
		bool seen = false;

		if (!leader)
			leader = tasks[i];
		for (size_t k = 0; k < shown; k++)
			seen |= leaders[k] == leader;
		if (seen)
			continue;
		leaders[shown++] = leader;
		if (shown > 1)
			kco_text(ctx->out, "\n");
		taskview_below(ctx, leader, all, nr, taskview_is_thread, "threads", "no threads");
	}
	return KCO_OK;
}

static void taskview_duration(struct kco_out *out, const char *label, uint64_t ns)
{
	uint64_t s = ns / 1000000000;

	kco_text(out, "%12s: ", label);
	if (s >= 86400)
		kco_text(out, "%" PRIu64 " days, ", s / 86400);
	kco_text(out, "%02u:%02u:%02u\n", (unsigned)(s / 3600 % 24), (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

enum kco_status kco_taskview_times(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				   struct kco_err *err)
{
	const struct kco_system_info *info;
	uint64_t now = 0;

	(void)err;
	if (kco_system_get(ctx->session, &info, NULL) == KCO_OK)
		now = info->uptime_ns;
	for (size_t i = 0; i < n && !kco_out_closed(ctx->out); i++) {
		const struct kco_task *task = tasks[i];
		uint64_t run = now > task->start_time ? now - task->start_time : 0;

		if (kco_out_json(ctx->out)) {
			kco_json_row(ctx->out);
			taskview_json(ctx->out, task);
			kco_json_uint(ctx->out, "run_ns", run);
			kco_json_uint(ctx->out, "start_ns", task->start_time);
			kco_json_uint(ctx->out, "utime_ns", task->utime);
			kco_json_uint(ctx->out, "stime_ns", task->stime);
			kco_json_row_end(ctx->out);
			continue;
		}
		if (i)
			kco_text(ctx->out, "\n");
		kco_text_task_header(ctx->out, task);
		taskview_duration(ctx->out, "RUN TIME", run);
		kco_text(ctx->out, "  START TIME: %" PRIu64 "\n", task->start_time);
		kco_text(ctx->out, "       UTIME: %" PRIu64 "\n", task->utime);
		kco_text(ctx->out, "       STIME: %" PRIu64 "\n", task->stime);
	}
	return KCO_OK;
}
