// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Signals of a task.
 *
 *   task_struct.pending         sent to the thread     -> sigqueue -> sigqueue ...
 *   signal_struct.shared_pending   sent to the process -> sigqueue ...
 *   sighand_struct.action[64]   who handles them
 *   task_struct.blocked, real_blocked, saved_sigmask, sas_ss_*
 *
 * A signal may be in the set and not in the queue: when no memory is left for
 * its siginfo, or the process has too many already, it is sent without.
 */
#include "linux_process.h"

#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "addrset.h"
#include "linux_stop.h"

/* TIF_SIGPENDING, arch/x86/include/asm/thread_info.h */
#define SIGNALS_TIF_SIGPENDING 2

struct signals_queue {
	struct kco_session *s;
	struct kco_addrset seen;
	uint64_t list_offset;
	struct kco_field info;
	struct kco_sigqueue *v;
	size_t n, cap;
	struct kco_err err; /* of the first entry that could not be kept */
};

static enum kco_status signals_entry(void *arg, uint64_t node)
{
	struct signals_queue *q = arg;
	enum kco_status st = kco_addrset_add(&q->seen, node);
	struct kco_siginfo info;

	if (st)
		return st;
	if (q->n == KCO_SIGQUEUE_MAX)
		return kco_fail(&q->err, KCO_E_RANGE, "it has more than %d entries, which is all that are kept",
				KCO_SIGQUEUE_MAX);
	// The list may go on where an entry's information is lost, and ends by itself where it is not.
	if (linux_siginfo_read(q->s, node - q->list_offset + q->info.offset, &info, q->err.code ? NULL : &q->err))
		return KCO_OK;
	if (q->n == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 8;
		struct kco_sigqueue *grown = realloc(q->v, cap * sizeof(*grown));

		if (!grown)
			return kco_fail(&q->err, KCO_E_NOMEM, "out of memory");
		q->v = grown;
		q->cap = cap;
	}
	q->v[q->n++] = (struct kco_sigqueue){ .addr = node - q->list_offset, .info = info };
	return KCO_OK;
}

/* Queue entries from the list whose head is at @head. What could be had is kept; its status says what is missing. */
static void signals_walk(struct kco_session *s, uint64_t head, struct kco_sigpending *pending)
{
	struct signals_queue q = { .s = s, .err = KCO_ERR_INIT };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_field list;
	struct kco_sigqueue *kept;
	enum kco_status st = os_field(s, "sigqueue", &list, &err, "list", NULL);

	if (!st)
		st = os_field(s, "sigqueue", &q.info, &err, "info", NULL);
	if (!st) {
		q.list_offset = list.offset;
		st = linux_list_each(s, head, signals_entry, &q, &err);
		if (q.err.code && (st || !err.code))
			err = q.err;
		st = st ? st : err.code;
	}
	if (st) {
		pending->status = st;
		pending->why = kco_session_text(s, "queue of pending signals: %s", err.msg);
	}
	kept = kco_arena_array(&s->arena, q.n ? q.n : 1, sizeof(*kept));
	if (kept && q.n) {
		memcpy(kept, q.v, q.n * sizeof(*kept));
		pending->queue = kept;
		pending->nr_queue = q.n;
	} else if (q.n) {
		pending->status = KCO_E_NOMEM;
		pending->why = "out of memory";
	}
	kco_addrset_fini(&q.seen);
	free(q.v);
}

/* The struct sigpending at member @path of the structure @type at @base. */
static void signals_pending(struct kco_session *s, const char *type, const char *list_path, const char *set_path,
			    uint64_t base, struct kco_sigpending *pending)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_field list, set;
	enum kco_status st = os_field(s, type, &list, &err, list_path, NULL);

	if (!st)
		st = os_field(s, type, &set, &err, set_path, NULL);
	if (!st)
		st = kco_kread_field(s, base, &set, &pending->set, &err);
	if (st) {
		pending->status = st;
		pending->why = kco_session_text(s, "pending signals: %s", err.msg);
		return;
	}
	pending->addr = base + list.offset;
	signals_walk(s, pending->addr, pending);
}

static void signals_action(const struct kco_field *f, const uint8_t *raw, size_t n, struct kco_sigaction *ret)
{
	uint64_t flags = 0;

	(void)kco_field_get(&f[0], raw, n, &ret->handler);
	(void)kco_field_get(&f[1], raw, n, &flags);
	(void)kco_field_get(&f[2], raw, n, &ret->mask);
	(void)kco_field_get(&f[3], raw, n, &ret->restorer);
	ret->flags = (uint32_t)flags;
	/* SIG_DFL, SIG_IGN, SIG_ERR: include/uapi/asm-generic/signal-defs.h */
	ret->kind = ret->handler == 0		 ? KCO_SIGACTION_DEFAULT
		    : ret->handler == 1		 ? KCO_SIGACTION_IGNORE
		    : ret->handler == UINT64_MAX ? KCO_SIGACTION_ERROR
						 : KCO_SIGACTION_HANDLER;
}

static enum kco_status signals_actions(struct kco_session *s, struct kco_signals *ret, struct kco_err *err)
{
	static const char *const members[] = { "sa.sa_handler", "sa.sa_flags", "sa.sa_mask.sig[0]", "sa.sa_restorer" };
	struct kco_field action, f[4];
	uint64_t size;
	uint8_t raw[256];
	enum kco_status st = os_field(s, "sighand_struct", &action, err, "action", NULL);

	for (size_t i = 0; !st && i < 4; i++)
		st = os_field(s, "k_sigaction", &f[i], err, members[i], NULL);
	if (!st)
		st = kco_types_sizeof(s->types, "k_sigaction", &size, err);
	if (!st && (size == 0 || size > sizeof(raw)))
		st = kco_fail(err, KCO_E_CORRUPT, "struct k_sigaction of %llu bytes makes no sense",
			      (unsigned long long)size);
	for (unsigned i = 0; !st && i < KCO_SIGNAL_MAX; i++) {
		ret->actions[i].addr = ret->sighand_addr + action.offset + i * size;
		st = kco_kread(s, ret->actions[i].addr, raw, (size_t)size, NULL, err);
		if (!st)
			signals_action(f, raw, (size_t)size, &ret->actions[i]);
	}
	return st;
}

/* A member of task_struct that need not be there. */
static bool signals_task(struct kco_session *s, const struct kco_task *task, const char *path, uint64_t *ret)
{
	struct kco_field field;

	return !os_field(s, "task_struct", &field, NULL, path, NULL) &&
	       !kco_kread_field(s, task->addr, &field, ret, NULL);
}

static void signals_masks(struct kco_session *s, const struct kco_task *task, struct kco_signals *ret)
{
	uint64_t v;

	(void)signals_task(s, task, "blocked.sig[0]", &ret->blocked);
	(void)signals_task(s, task, "real_blocked.sig[0]", &ret->real_blocked);
	if (signals_task(s, task, "saved_sigmask.sig[0]", &ret->saved) && signals_task(s, task, "restore_sigmask", &v))
		ret->has_saved = v & 1;
	(void)signals_task(s, task, "sas_ss_sp", &ret->altstack_sp);
	(void)signals_task(s, task, "sas_ss_size", &ret->altstack_size);
	if (signals_task(s, task, "sas_ss_flags", &v))
		ret->altstack_flags = (uint32_t)v;
	if (signals_task(s, task, "thread_info.flags", &v))
		ret->sigpending = v >> SIGNALS_TIF_SIGPENDING & 1;
}

enum kco_status linux_signals(struct kco_process *p, const struct kco_task *task, struct kco_signals *ret,
			      struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct kco_field field;
	struct kco_err why = KCO_ERR_INIT;
	uint64_t n;
	enum kco_status st = kco_session_need(s, KCO_NEED_TYPES, err);

	*ret = (struct kco_signals){ 0 };
	if (!st)
		st = os_field(s, "task_struct", &field, err, "sighand", NULL);
	if (!st)
		st = kco_kread_field(s, task->addr, &field, &ret->sighand_addr, err);
	if (!st)
		st = os_field(s, "task_struct", &field, err, "signal", NULL);
	if (!st)
		st = kco_kread_field(s, task->addr, &field, &ret->signal_addr, err);
	if (st)
		return st;
	/* kernel/exit.c: __exit_signal() takes it away. */
	if (!ret->sighand_addr)
		return kco_fail(err, KCO_E_RANGE, "it has ended and gave its signals back");
	signals_masks(s, task, ret);
	if (!os_field(s, "signal_struct", &field, NULL, "nr_threads", NULL) &&
	    !kco_kread_field(s, ret->signal_addr, &field, &n, NULL))
		ret->nr_threads = (uint32_t)n;
	signals_pending(s, "task_struct", "pending.list", "pending.signal.sig[0]", task->addr, &ret->private_pending);
	signals_pending(s, "signal_struct", "shared_pending.list", "shared_pending.signal.sig[0]", ret->signal_addr,
			&ret->shared_pending);
	st = signals_actions(s, ret, &why);
	ret->actions_status = st;
	if (st)
		ret->actions_why = kco_session_text(s, "handlers: %s", why.msg);
	return KCO_OK;
}
