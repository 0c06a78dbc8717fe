// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stack traces grouped: tasks with the same program counters in the same
 * order, and the same end, make one row.
 *
 * A hash table of traces in the command's arena; a trace is copied once, by
 * the first task that has it, with as many frames as it holds.
 */
#include "stackgroup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The user stack of the first task, and what its frames are in every process. */
struct stackgroup_user {
	struct kco_user_stack *stack; /* all of it, 32 KiB: groups of users are few */
	struct stackgroup_place {
		uint64_t file, pc;
	} * places;
	size_t n;
};

struct stackgroup {
	struct stackgroup *next; /* of the same hash bucket */
	uint64_t hash;
	size_t nr_frames;
	struct kco_frame *frames;
	enum kco_status status;
	char *why;
	struct stackgroup_user *user; /* NULL: none */
	const struct kco_task **tasks;
	size_t n, cap;
	size_t nth; /* in the order they came */
};

#define STACKGROUP_BUCKETS 4096
#define STACKGROUP_COMMS_MAX 12

struct kco_stackgroups {
	struct kco_cmd_ctx *ctx;
	struct stackgroup *buckets[STACKGROUP_BUCKETS];
	size_t n;
};

enum kco_status kco_stackgroups_new(struct kco_cmd_ctx *ctx, struct kco_stackgroups **ret, struct kco_err *err)
{
	struct kco_stackgroups *groups = calloc(1, sizeof(*groups));

	if (!groups)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	groups->ctx = ctx;
	*ret = groups;
	return KCO_OK;
}

void kco_stackgroups_free(struct kco_stackgroups *groups)
{
	free(groups);
}

static bool stackgroup_is_user(const struct kco_frame *f)
{
	return f->kind == KCO_FRAME_USER;
}

/* User registers differ between tasks and are no part of the group; that there are some is. */
static uint64_t stackgroup_pc(const struct kco_frame *f)
{
	return stackgroup_is_user(f) ? 1 : f->pc;
}

/* FNV-1a over words: the counters are addresses of one program and nobody's choice. */
static uint64_t stackgroup_hash(const struct kco_trace *trace, const struct stackgroup_place *places, size_t n,
				enum kco_status status)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)status;

	for (size_t i = 0; i < trace->n; i++)
		h = (h ^ stackgroup_pc(&trace->frames[i])) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < n; i++)
		h = (h ^ places[i].file ^ places[i].pc) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

static bool stackgroup_same_user(const struct stackgroup *g, const struct kco_user_stack *user,
				 const struct stackgroup_place *places)
{
	if (!user || !g->user)
		return !user == !g->user;
	return g->user->n == user->trace.n && g->user->stack->regs_status == user->regs_status &&
	       g->user->stack->trace.status == user->trace.status &&
	       !memcmp(g->user->places, places, user->trace.n * sizeof(*places));
}

static bool stackgroup_same(const struct stackgroup *g, const struct kco_trace *trace, enum kco_status status)
{
	if (g->nr_frames != trace->n || g->status != status)
		return false;
	for (size_t i = 0; i < trace->n; i++)
		if (stackgroup_pc(&g->frames[i]) != stackgroup_pc(&trace->frames[i]) ||
		    g->frames[i].kind != trace->frames[i].kind || g->frames[i].by != trace->frames[i].by)
			return false;
	return true;
}

static struct stackgroup *stackgroup_new(struct kco_arena *arena, const struct kco_trace *trace, enum kco_status status,
					 const char *why, uint64_t hash)
{
	struct stackgroup *g = kco_arena_alloc(arena, sizeof(*g));

	if (!g)
		return NULL;
	g->hash = hash;
	g->nr_frames = trace->n;
	g->status = status;
	g->why = kco_arena_strndup(arena, why, sizeof(trace->why) - 1);
	g->frames = kco_arena_array(arena, trace->n ? trace->n : 1, sizeof(*g->frames));
	if (!g->why || !g->frames)
		return NULL;
	memcpy(g->frames, trace->frames, trace->n * sizeof(*g->frames));
	for (size_t i = 0; i < g->nr_frames; i++)
		g->frames[i].regs = NULL; // they die with the trace and are one task's
	return g;
}

static struct stackgroup_user *stackgroup_user_new(struct kco_arena *arena, const struct kco_user_stack *user,
						   const struct stackgroup_place *places)
{
	struct stackgroup_user *u = kco_arena_alloc(arena, sizeof(*u));
	size_t n = user->trace.n;

	if (!u)
		return NULL;
	u->n = n;
	u->stack = kco_arena_alloc(arena, sizeof(*u->stack));
	u->places = kco_arena_array(arena, n ? n : 1, sizeof(*u->places));
	if (!u->stack || !u->places)
		return NULL;
	*u->stack = *user;
	memcpy(u->places, places, n * sizeof(*places));
	for (size_t i = 0; i < n; i++)
		u->stack->trace.frames[i].regs = NULL;
	return u;
}

static bool stackgroup_add_task(struct kco_arena *arena, struct stackgroup *g, const struct kco_task *task)
{
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 4;
		const struct kco_task **tasks = kco_arena_array(arena, cap, sizeof(*tasks));

		if (!tasks)
			return false;
		if (g->n)
			memcpy(tasks, g->tasks, g->n * sizeof(*tasks));
		g->tasks = tasks;
		g->cap = cap;
	}
	g->tasks[g->n++] = task;
	return true;
}

enum kco_status kco_stackgroups_add(struct kco_stackgroups *groups, const struct kco_task *task,
				    const struct kco_trace *trace, const struct kco_user_stack *user,
				    enum kco_status status, const char *why, struct kco_err *err)
{
	struct stackgroup_place places[KCO_FRAMES_MAX] = { 0 };
	size_t n = user ? user->trace.n : 0;
	struct kco_arena *arena = groups->ctx->arena;
	struct stackgroup **bucket, *g;
	uint64_t hash;

	for (size_t i = 0; i < n; i++)
		places[i].file = kco_user_frame_file(user, &user->trace.frames[i], &places[i].pc);
	hash = stackgroup_hash(trace, places, n, status);
	bucket = &groups->buckets[hash % STACKGROUP_BUCKETS];
	for (g = *bucket; g; g = g->next)
		if (g->hash == hash && stackgroup_same(g, trace, status) && stackgroup_same_user(g, user, places))
			break;
	if (!g) {
		g = stackgroup_new(arena, trace, status, why, hash);
		if (g && user)
			g->user = stackgroup_user_new(arena, user, places);
		if (!g || (user && !g->user))
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		g->nth = groups->n++;
		g->next = *bucket;
		*bucket = g;
	}
	return stackgroup_add_task(arena, g, task) ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");
}

static int stackgroup_compare(const void *a, const void *b)
{
	const struct stackgroup *x = *(struct stackgroup *const *)a, *y = *(struct stackgroup *const *)b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->nth < y->nth ? -1 : x->nth > y->nth;
}

/* The different command names in the group, the first of them if they are many. */
static void stackgroup_comms_text(struct kco_out *out, const struct stackgroup *g)
{
	size_t shown[STACKGROUP_COMMS_MAX], n = 0;

	kco_text(out, "COMMANDS:");
	for (size_t i = 0; i < g->n; i++) {
		bool seen = false;

		for (size_t k = 0; k < n; k++)
			seen |= !strcmp(g->tasks[shown[k]]->comm, g->tasks[i]->comm);
		if (seen)
			continue;
		if (n == STACKGROUP_COMMS_MAX) {
			kco_text(out, " ...");
			break;
		}
		shown[n++] = i;
		kco_text(out, " \"%s\"", g->tasks[i]->comm);
	}
	kco_text(out, "\n");
}

static void stackgroup_head_text(struct kco_out *out, const struct stackgroup *g)
{
	kco_style(out, KCO_STYLE_HEAD);
	kco_text(out, "COUNT: %-5zu  PIDS:", g->n);
	for (size_t i = 0; i < g->n; i++)
		kco_text(out, " %" PRId64, g->tasks[i]->tid);
	kco_style(out, KCO_STYLE_PLAIN);
	kco_text(out, "\n");
	stackgroup_comms_text(out, g);
}

static void stackgroup_head_json(struct kco_out *out, const struct stackgroup *g)
{
	kco_json_uint(out, "count", g->n);
	kco_json_array(out, "pids");
	for (size_t i = 0; i < g->n; i++)
		kco_json_int(out, NULL, g->tasks[i]->tid);
	kco_json_end(out);
	kco_json_array(out, "comms");
	for (size_t i = 0; i < g->n; i++)
		kco_json_str(out, NULL, g->tasks[i]->comm);
	kco_json_end(out);
}

static size_t stackgroup_user_first(const struct kco_trace *trace)
{
	return trace->n && stackgroup_is_user(&trace->frames[trace->n - 1]) ? trace->n - 1 : trace->n;
}

void kco_stackgroups_show(struct kco_stackgroups *groups, const struct kco_frames_style *style)
{
	struct kco_cmd_ctx *ctx = groups->ctx;
	struct stackgroup **sorted = kco_arena_array(ctx->arena, groups->n ? groups->n : 1, sizeof(*sorted));
	struct kco_trace *trace = kco_arena_alloc(ctx->arena, sizeof(*trace));
	size_t n = 0;

	if (!sorted || !trace) {
		kco_row_failed(ctx, KCO_E_NOMEM, "out of memory");
		return;
	}
	for (size_t b = 0; b < STACKGROUP_BUCKETS; b++)
		for (struct stackgroup *g = groups->buckets[b]; g; g = g->next)
			sorted[n++] = g;
	qsort(sorted, n, sizeof(*sorted), stackgroup_compare);
	for (size_t i = 0; i < n && !kco_out_closed(ctx->out); i++) {
		struct stackgroup *g = sorted[i];

		trace->n = g->nr_frames;
		memcpy(trace->frames, g->frames, g->nr_frames * sizeof(*g->frames));
		trace->status = g->status;
		memcpy(trace->why, g->why, strlen(g->why) + 1);
		if (kco_out_json(ctx->out)) {
			kco_json_row(ctx->out);
			stackgroup_head_json(ctx->out, g);
			kco_frames_json(ctx, g->tasks[0], trace, style);
			if (g->user)
				kco_user_stack_json(ctx, g->user->stack, stackgroup_user_first(trace), style);
			kco_json_row_end(ctx->out);
			continue;
		}
		if (i)
			kco_text(ctx->out, "\n");
		stackgroup_head_text(ctx->out, g);
		kco_frames_text(ctx, g->tasks[0], trace, style);
		if (g->user)
			kco_user_stack_text(ctx, g->user->stack, stackgroup_user_first(trace), style);
		else if (!g->nr_frames && g->status == KCO_OK)
			kco_text(ctx->out, "  (no stack)\n");
	}
}
