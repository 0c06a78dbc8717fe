// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Breakpoints that were alive. Debug registers of x86 belong to perf events:
 *
 *   task_struct.thread.ptrace_bps[4]           set by a tracer
 *   task_struct.perf_event_ctxp -> event_list  all events of a task
 *   per CPU bp_per_reg[4]                      what the CPU's registers hold now
 *
 *   perf_event.attr: type PERF_TYPE_BREAKPOINT, bp_addr, bp_len, bp_type
 *
 * Numbers: include/uapi/linux/perf_event.h and hw_breakpoint.h, an ABI.
 */
#include "linux_breakpoints.h"

#include <stdlib.h>

#define BREAKPOINT_PERF_TYPE 5 /* PERF_TYPE_BREAKPOINT */
#define BREAKPOINT_REGS 4
#define BREAKPOINT_EVENTS_MAX 65536

enum event_field { EV_TYPE, EV_ADDR, EV_LEN, EV_ACCESS, EV_DISABLED, EV_STATE, EV_TARGET, EV_CPU, EV_ENTRY, EV_FIELDS };

static const struct linux_need event_needs[EV_FIELDS] = {
	[EV_TYPE] = { { "attr.type" } },
	[EV_ADDR] = { { "attr.bp_addr" } },
	[EV_LEN] = { { "attr.bp_len" } },
	[EV_ACCESS] = { { "attr.bp_type" } },
	[EV_DISABLED] = { { "attr.disabled" }, .optional = true },
	[EV_STATE] = { { "state" }, .optional = true },
	/* Since Linux 50f16a8bf9d7 (v4.1) for all kinds of events. */
	[EV_TARGET] = { { "hw.target", "hw.bp_target" }, .optional = true },
	[EV_CPU] = { { "cpu" }, .optional = true },
	[EV_ENTRY] = { { "event_entry" } },
};

struct events {
	struct linux_breakpoints *b;
	struct linux_layout layout;
	uint8_t *buf;
	const struct kco_task *task; /* whose list is walked; NULL a CPU's */
	enum kco_breakpoint_kind kind;
	struct kco_addrset nodes; /* of all lists: a node is in one */
	struct kco_err err;	  /* of the list's first event that could not be read */
};

bool linux_breakpoint_add(struct linux_breakpoints *b, const struct kco_breakpoint *bp)
{
	if (!b->stop)
		b->stop = !b->fn(b->arg, bp) || kco_session_cancelled(b->s);
	return !b->stop;
}

void linux_breakpoint_failed(struct linux_breakpoints *b, enum kco_breakpoint_kind kind, const char *what,
			     const struct kco_err *err)
{
	const struct kco_breakpoint bp = { .kind = kind,
					   .status = err->code ? err->code : KCO_E_CORRUPT,
					   .why = kco_session_text(b->s, "%s: %s", what, err->msg),
					   .cpu = -1 };

	(void)linux_breakpoint_add(b, &bp);
}

/* The perf event at @event, if it is a breakpoint and not told yet. */
static enum kco_status events_one(struct events *e, uint64_t event, struct kco_err *err)
{
	struct kco_session *s = e->b->s;
	struct kco_breakpoint bp = { .kind = e->kind, .object = event, .task = e->task, .cpu = -1 };
	enum kco_status st = linux_layout_read(s, &e->layout, event, e->buf, err);

	if (st || linux_layout_get(&e->layout, e->buf, EV_TYPE) != BREAKPOINT_PERF_TYPE)
		return st;
	st = kco_addrset_add(&e->b->seen, event);
	if (st)
		return st == KCO_DONE ? KCO_OK : st;
	bp.addr = linux_layout_get(&e->layout, e->buf, EV_ADDR);
	bp.len = linux_layout_get(&e->layout, e->buf, EV_LEN);
	/* HW_BREAKPOINT_R 1, W 2, X 4 */
	bp.access = (unsigned)linux_layout_get(&e->layout, e->buf, EV_ACCESS) & 7;
	/* PERF_EVENT_STATE_INACTIVE 0: would run when its task does; OFF and worse are negative. */
	bp.enabled = e->layout.f[EV_STATE].size ? (int32_t)linux_layout_get(&e->layout, e->buf, EV_STATE) >= 0
						: !linux_layout_get(&e->layout, e->buf, EV_DISABLED);
	if (e->layout.f[EV_CPU].size)
		bp.cpu = (int32_t)linux_layout_get(&e->layout, e->buf, EV_CPU);
	if (!bp.task)
		bp.task = kco_task_by_addr(s, linux_layout_get(&e->layout, e->buf, EV_TARGET));
	(void)linux_breakpoint_add(e->b, &bp);
	return KCO_OK;
}

static enum kco_status events_node(void *arg, uint64_t node)
{
	struct events *e = arg;

	enum kco_status st = kco_addrset_add(&e->nodes, node);

	if (st)
		return st;
	if (e->b->stop)
		return KCO_E_CANCELLED;
	if (e->nodes.n > BREAKPOINT_EVENTS_MAX)
		return kco_fail(&e->err, KCO_E_CORRUPT, "more than %d events", BREAKPOINT_EVENTS_MAX);
	// The list may go on behind an event that is lost, and ends by itself where it does not.
	st = events_one(e, node - e->layout.first - e->layout.f[EV_ENTRY].offset, e->err.code ? NULL : &e->err);
	return st == KCO_E_NOMEM ? st : KCO_OK;
}

/* Registers that a tracer set: the four of each thread. */
static void breakpoints_ptrace(struct events *e, const struct kco_task *tasks, size_t n)
{
	struct kco_session *s = e->b->s;
	struct kco_field field;

	e->kind = KCO_BREAKPOINT_PTRACE;
	if (os_field(s, "task_struct", &field, NULL, "thread.ptrace_bps", NULL))
		return; // a kernel without CONFIG_HAVE_HW_BREAKPOINT
	for (size_t i = 0; i < n && !e->b->stop; i++) {
		if (tasks[i].status || tasks[i].flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE))
			continue;
		e->task = &tasks[i];
		for (unsigned k = 0; k < BREAKPOINT_REGS; k++) {
			struct kco_err err = KCO_ERR_INIT;
			uint64_t event;

			if (kco_kread_uint(s, tasks[i].addr + field.offset + k * 8ull, 8, &event, NULL) || !event)
				continue;
			if (events_one(e, event, &err))
				linux_breakpoint_failed(e->b, KCO_BREAKPOINT_PTRACE, "a thread's debug register", &err);
		}
	}
}

/* Since Linux bd2756811766 (v6.2) a task has one context, before one for each kind of PMU. */
static void breakpoints_perf(struct events *e, const struct kco_task *tasks, size_t n)
{
	struct kco_session *s = e->b->s;
	struct kco_field ctxp, list;
	size_t nr;

	e->kind = KCO_BREAKPOINT_PERF;
	if (os_field(s, "task_struct", &ctxp, NULL, "perf_event_ctxp", NULL) ||
	    os_field(s, "perf_event_context", &list, NULL, "event_list", NULL))
		return; // a kernel without CONFIG_PERF_EVENTS
	nr = ctxp.size / 8 < 4 ? ctxp.size / 8 : 4;
	for (size_t i = 0; i < n && !e->b->stop; i++) {
		e->task = &tasks[i];
		for (size_t k = 0; k < nr && !tasks[i].status; k++) {
			struct kco_err torn = KCO_ERR_INIT;
			enum kco_status st;
			uint64_t ctx;

			if (kco_kread_uint(s, tasks[i].addr + ctxp.offset + k * 8ull, 8, &ctx, NULL) || !ctx)
				continue;
			e->err = KCO_ERR_INIT;
			st = linux_list_each(s, ctx + list.offset, events_node, e, &torn);
			if (e->err.code && (st || !torn.code))
				torn = e->err;
			if (torn.code && !e->b->stop)
				linux_breakpoint_failed(e->b, KCO_BREAKPOINT_PERF, "a task's perf events", &torn);
			if (st)
				return; // no more is wanted, or no end of it
		}
	}
}

static void breakpoints_cpus(struct events *e)
{
	struct kco_session *s = e->b->s;
	unsigned n;

	e->task = NULL;
	if (linux_cpu_count(s, &n, NULL))
		return;
	for (unsigned cpu = 0; cpu < n && !e->b->stop; cpu++) {
		uint64_t regs, event;

		if (kco_percpu_addr(s, "bp_per_reg", (int)cpu, &regs, NULL))
			return;
		for (unsigned k = 0; k < BREAKPOINT_REGS; k++) {
			struct kco_err err = KCO_ERR_INIT;

			if (kco_kread_uint(s, regs + k * 8ull, 8, &event, NULL) || !event)
				continue;
			if (events_one(e, event, &err))
				linux_breakpoint_failed(e->b, KCO_BREAKPOINT_PERF, "a CPU's debug register", &err);
		}
	}
}

enum kco_status linux_breakpoints(struct kco_session *s, bool (*fn)(void *arg, const struct kco_breakpoint *bp),
				  void *arg, struct kco_err *err)
{
	struct linux_breakpoints b = { .s = s, .fn = fn, .arg = arg };
	struct events e = { .b = &b, .err = KCO_ERR_INIT };
	struct kco_err why = KCO_ERR_INIT;
	const struct kco_task *tasks;
	size_t n;
	enum kco_status st = kco_tasks_get(s, &tasks, &n, err);

	if (st)
		return st;
	if (linux_layout_init(s, &e.layout, "perf_event", event_needs, EV_FIELDS, &why)) {
		linux_breakpoint_failed(&b, KCO_BREAKPOINT_PERF, "debug registers", &why);
	} else {
		e.buf = malloc(e.layout.size);
		if (!e.buf)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		breakpoints_ptrace(&e, tasks, n);
		breakpoints_perf(&e, tasks, n);
		breakpoints_cpus(&e);
	}
	if (!b.stop)
		linux_uprobes(&b);
	if (!b.stop)
		linux_int3(&b);
	if (!b.stop)
		linux_kprobes(&b);
	free(e.buf);
	free(b.uprobes);
	kco_addrset_fini(&e.nodes);
	kco_addrset_fini(&b.seen);
	return kco_session_cancelled(s) ? kco_fail(err, KCO_E_CANCELLED, "cancelled") : KCO_OK;
}
