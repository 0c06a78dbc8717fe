// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads of NetBSD and OpenBSD, in the order of the kernel's lists: the
 * newest process first, each with its threads, zombies last.
 *
 *   allproc  -> struct proc    --p_list-->  ...     allprocess  -> struct process --ps_list--> ...
 *                  |p_lwps                                            |ps_threads
 *                  v                                                  v
 *               struct lwp --l_sibling--> ...                      struct proc --p_thr_link--> ...
 *   zombproc -> ...                                 zombprocess -> ...
 *
 * The lists lead back: le_prev holds the address of the pointer that led here.
 * What does not, or is of another process, is a torn list: the walk ends
 * there and says so.
 */
#include "bsd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/mem.h>

#include "addrset.h"

#define TASKS_OBJECT_MAX 16384 /* no struct proc or lwp is nearly as large */

struct tasks_group {
	uint64_t addr, pid, stat, flag, parent, vmspace, first_thread;
	char comm[64];
};

struct tasks_walk {
	struct kco_session *s;
	const struct bsd_flavour *f;
	struct kco_field fields[BSD_MEMBERS];
	bool has[BSD_MEMBERS];
	struct kco_field pcb; /* offset of the pcb in what BSD_T_ADDR points to */
	struct kco_field vm_size, pmap, resident;
	bool has_vm_size, has_resident;
	uint64_t dump_sp;
	enum kco_status (*add)(void *arg, const struct kco_task *task);
	void *arg;
	struct kco_addrset groups, threads;
	bool torn;
	size_t broken; /* groups whose list of threads breaks off */
	const char *first_broken;
};

static enum kco_status tasks_layout(struct tasks_walk *w, struct kco_err *err)
{
	for (size_t i = 0; i < BSD_MEMBERS; i++) {
		const char *type = i < BSD_T_NEXT ? w->f->group : w->f->thread;
		const char *const *p = w->f->members[i].paths;
		enum kco_status st;

		if (!p[0])
			continue;
		st = os_field(w->s, type, &w->fields[i], err, p[0], p[1], p[1] ? p[2] : NULL, NULL);
		if (!st && w->fields[i].offset > TASKS_OBJECT_MAX)
			st = kco_fail(err, KCO_E_CORRUPT, "%s.%s at %" PRIu64 " makes no sense", type, p[0],
				      w->fields[i].offset);
		if (st && w->f->members[i].required)
			return kco_context(err, st, "the list of threads");
		w->has[i] = !st;
	}
	if (w->f->pcb[0] && os_field(w->s, "user", &w->pcb, NULL, w->f->pcb[0], w->f->pcb[1], NULL))
		w->pcb.offset = 0;
	w->has_vm_size = !os_field(w->s, "vmspace", &w->vm_size, NULL, "vm_map.size", NULL);
	w->has_resident = !os_field(w->s, "vmspace", &w->pmap, NULL, "vm_map.pmap", NULL) &&
			  !os_field(w->s, "pmap", &w->resident, NULL, "pm_stats.resident_count", NULL);
	return KCO_OK;
}

/* A member of the object at @addr; 0 when this kernel has none, or it cannot be read. */
static uint64_t tasks_get(struct tasks_walk *w, uint64_t addr, enum bsd_member member)
{
	uint64_t v;

	return w->has[member] && !kco_kread_field(w->s, addr, &w->fields[member], &v, NULL) ? v : 0;
}

/* A member that is characters. */
static void tasks_chars(struct tasks_walk *w, uint64_t addr, enum bsd_member member, char *buf, size_t size)
{
	size_t room = w->fields[member].size + 1;

	if (w->has[member] && kco_vread_str(w->s->mem, &w->s->kernel, addr + w->fields[member].offset, buf,
					    room < size ? room : size, NULL))
		buf[0] = '\0';
}

static void tasks_broken(struct tasks_walk *w, const struct tasks_group *g, const char *why)
{
	if (!w->broken++)
		w->first_broken = kco_session_text(w->s, "process %" PRId64 ": %s", (int64_t)g->pid, why);
}

static void tasks_name(struct tasks_walk *w, const struct tasks_group *g, struct kco_task *task)
{
	uint64_t text;

	if (!w->f->name_is_pointer)
		tasks_chars(w, task->addr, BSD_T_NAME, task->comm, sizeof(task->comm));
	else if ((text = tasks_get(w, task->addr, BSD_T_NAME)) != 0 &&
		 kco_vread_str(w->s->mem, &w->s->kernel, text, task->comm, sizeof(task->comm), NULL))
		task->comm[0] = '\0';
	if (!task->comm[0])
		memcpy(task->comm, g->comm, sizeof(task->comm));
	// Until OpenBSD 6.2 the name was the thread's.
	if (!task->comm[0])
		tasks_chars(w, task->addr, BSD_T_COMM, task->comm, sizeof(task->comm));
}

static void tasks_wait(struct tasks_walk *w, struct kco_task *task)
{
	uint64_t text = tasks_get(w, task->addr, BSD_T_WMESG);
	char buf[64] = "";

	if (!tasks_get(w, task->addr, BSD_T_WCHAN) || !text ||
	    kco_vread_str(w->s->mem, &w->s->kernel, text, buf, sizeof(buf), NULL) || !buf[0])
		return;
	task->wait = kco_session_text(w->s, "%s", buf);
}

/* The CPU that it runs on, or ran last. */
static void tasks_cpu(struct tasks_walk *w, struct kco_task *task)
{
	const struct bsd_os *os = bsd_of(w->s);
	uint64_t info = tasks_get(w, task->addr, BSD_T_CPU);

	for (unsigned i = 0; i < os->nr_cpus; i++) {
		if (os->cpus[i].info && info == os->cpus[i].info && task->cpu < 0)
			task->cpu = (int32_t)i;
		if (os->cpus[i].idle_thread == task->addr)
			task->flags |= KCO_TASK_IDLE;
		if (os->cpus[i].curthread == task->addr) {
			task->flags |= KCO_TASK_ACTIVE;
			task->cpu = (int32_t)i;
			if (w->dump_sp && os->cpus[i].intrstack && w->dump_sp <= os->cpus[i].intrstack &&
			    os->cpus[i].intrstack - w->dump_sp < 4096)
				task->flags |= KCO_TASK_PANIC;
		}
	}
}

static enum kco_status tasks_keep(struct tasks_walk *w, const struct bsd_thread *thread)
{
	struct bsd_os *os = bsd_of(w->s);

	if (os->nr_threads == os->cap_threads) {
		size_t cap = os->cap_threads ? 2 * os->cap_threads : 256;
		struct bsd_thread *grown = realloc(os->threads, cap * sizeof(*grown));

		if (!grown)
			return KCO_E_NOMEM;
		os->threads = grown;
		os->cap_threads = cap;
	}
	os->threads[os->nr_threads++] = *thread;
	return KCO_OK;
}

static void tasks_stack(struct tasks_walk *w, struct kco_task *task, struct bsd_thread *thread)
{
	uint64_t base = tasks_get(w, task->addr, BSD_T_ADDR), first, end;

	// The dead do not save what they leave, and their stacks are given back.
	if (!base || task->state == 'Z')
		return;
	thread->pcb = base + w->pcb.offset;
	if (!bsd_stack(w->s, thread->pcb, base, &first, &end))
		return;
	task->stack = first;
	task->stack_size = (uint32_t)(end - first);
	if (w->dump_sp >= first && w->dump_sp < end && task->flags & KCO_TASK_ACTIVE)
		task->flags |= KCO_TASK_PANIC;
}

static void tasks_memory(struct tasks_walk *w, struct kco_task *task)
{
	uint64_t v;

	if (!task->mm)
		return;
	if (w->has_vm_size && !kco_kread_field(w->s, task->mm, &w->vm_size, &v, NULL))
		task->vm_pages = v / w->s->arch->page_size;
	if (w->has_resident && !kco_kread_field(w->s, task->mm, &w->pmap, &v, NULL) &&
	    !kco_kread_field(w->s, v, &w->resident, &v, NULL) && (int64_t)v > 0)
		task->rss_pages = v;
}

static void tasks_time(struct tasks_walk *w, struct kco_task *task)
{
	uint64_t sec = tasks_get(w, task->addr, BSD_T_RUN_SEC), frac = tasks_get(w, task->addr, BSD_T_RUN_FRAC);

	if (sec > UINT32_MAX)
		return;
	// How it is divided between user and system is known of whole processes only.
	task->stime = sec * 1000000000;
	task->stime += w->f->run_is_timespec ? (frac < 1000000000 ? frac : 0) : ((frac >> 32) * 1000000000) >> 32;
}

static void tasks_decode(struct tasks_walk *w, const struct tasks_group *g, struct kco_task *task,
			 struct bsd_thread *thread)
{
	struct bsd_run run = {
		.group_stat = g->stat,
		.group_flag = g->flag,
		.stat = tasks_get(w, task->addr, BSD_T_STAT),
		.flag = tasks_get(w, task->addr, BSD_T_FLAG),
		.slptime = tasks_get(w, task->addr, BSD_T_SLPTIME),
	};

	task->tid = (int32_t)tasks_get(w, task->addr, BSD_T_TID) + w->f->tid_base;
	task->state = w->f->letter(&run);
	task->state_raw = run.stat;
	if (run.flag & w->f->kernel_thread)
		task->flags |= KCO_TASK_KTHREAD;
	if (w->f->idle && run.flag & w->f->idle)
		task->flags |= KCO_TASK_IDLE;
	if (!(task->flags & KCO_TASK_KTHREAD) && task->state != 'Z')
		task->mm = g->vmspace;
	tasks_name(w, g, task);
	tasks_wait(w, task);
	tasks_cpu(w, task);
	tasks_stack(w, task, thread);
	tasks_memory(w, task);
	tasks_time(w, task);
	if (!(task->flags & KCO_TASK_KTHREAD))
		thread->user_regs = tasks_get(w, task->addr, BSD_T_REGS);
}

/* Hand on the thread at @addr. KCO_DONE: known already. */
static enum kco_status tasks_thread(struct tasks_walk *w, const struct tasks_group *g, uint64_t addr)
{
	struct kco_task task = {
		.addr = addr,
		.tid = -1,
		.tgid = (int32_t)g->pid,
		.ppid = -1,
		.group_leader = g->first_thread,
		.cpu = -1,
		.state = '?',
	};
	struct bsd_thread thread = { .addr = addr };
	struct kco_err err = KCO_ERR_INIT;
	uint64_t v;
	enum kco_status st = kco_addrset_add(&w->threads, addr);

	if (st)
		return st;
	if (g->parent) {
		task.parent = tasks_get(w, g->parent, BSD_G_THREADS);
		if (!kco_kread_field(w->s, g->parent, &w->fields[BSD_G_PID], &v, NULL))
			task.ppid = (int32_t)v;
	} else if (w->has[BSD_G_PARENT]) {
		task.ppid = 0;
	}
	st = kco_kread_field(w->s, addr, &w->fields[BSD_T_STAT], &v, &err);
	if (st) {
		memcpy(task.comm, g->comm, sizeof(task.comm));
		task.status = st;
		task.why = kco_session_text(w->s, "struct %s: %s", w->f->thread, err.msg);
	} else {
		tasks_decode(w, g, &task, &thread);
	}
	st = tasks_keep(w, &thread);
	return st ? st : w->add(w->arg, &task);
}

/* Why the thread at @addr cannot be @g's; NULL: it can. */
static const char *tasks_alien(struct tasks_walk *w, const struct tasks_group *g, uint64_t addr)
{
	struct kco_err err = KCO_ERR_INIT;
	uint64_t v;
	enum kco_status st;

	if (!w->has[BSD_T_GROUP])
		return NULL;
	st = kco_kread_field(w->s, addr, &w->fields[BSD_T_GROUP], &v, &err);
	/* A thread whose page was not saved is one. */
	if (st == KCO_E_NOT_SAVED || st == KCO_E_TRUNCATED)
		return NULL;
	if (st)
		return kco_session_text(w->s, "%s", err.msg);
	return v == g->addr ? NULL
			    : kco_session_text(w->s, "the thread at %#" PRIx64 " says that it is of another", addr);
}

static enum kco_status tasks_threads(struct tasks_walk *w, const struct tasks_group *g)
{
	for (uint64_t addr = g->first_thread; addr;) {
		const char *alien = tasks_alien(w, g, addr);
		struct kco_err err = KCO_ERR_INIT;
		enum kco_status st;

		if (alien) {
			tasks_broken(w, g, alien);
			return KCO_OK;
		}
		st = tasks_thread(w, g, addr);
		if (st == KCO_DONE) {
			tasks_broken(w, g, "its threads come back to one that was there before");
			return KCO_OK;
		}
		if (st)
			return st;
		if (kco_kread_field(w->s, addr, &w->fields[BSD_T_NEXT], &addr, &err)) {
			tasks_broken(w, g, err.msg);
			return KCO_OK;
		}
	}
	return KCO_OK;
}

static enum kco_status tasks_group(struct tasks_walk *w, uint64_t addr)
{
	struct tasks_group g = {
		.addr = addr,
		.pid = tasks_get(w, addr, BSD_G_PID),
		.stat = tasks_get(w, addr, BSD_G_STAT),
		.flag = tasks_get(w, addr, BSD_G_FLAG),
		.parent = tasks_get(w, addr, BSD_G_PARENT),
		.vmspace = tasks_get(w, addr, BSD_G_VMSPACE),
		.first_thread = tasks_get(w, addr, BSD_G_THREADS),
	};

	if (w->f->marker && g.flag & w->f->marker)
		return KCO_OK;
	tasks_chars(w, addr, BSD_G_COMM, g.comm, sizeof(g.comm));
	return tasks_threads(w, &g);
}

/* KCO_OK with @torn set: the list broke off. */
static enum kco_status tasks_list(struct tasks_walk *w, uint64_t head, struct kco_err *torn)
{
	uint64_t addr, slot = head, prev, v;

	if (kco_kread_uint(w->s, head, 8, &addr, torn))
		return KCO_OK;
	while (addr) {
		enum kco_status st = kco_addrset_add(&w->groups, addr);

		if (st == KCO_DONE) {
			kco_fail(torn, KCO_E_CORRUPT, "it runs in a circle at %#" PRIx64, addr);
			return KCO_OK;
		}
		if (st)
			return st;
		if (kco_kread_field(w->s, addr, &w->fields[BSD_G_PID], &v, torn))
			return KCO_OK;
		prev = tasks_get(w, addr, BSD_G_PREV);
		if (w->has[BSD_G_PREV] && prev != slot) {
			kco_fail(torn, KCO_E_CORRUPT, "%#" PRIx64 " does not lead back to where it was named", addr);
			return KCO_OK;
		}
		st = tasks_group(w, addr);
		if (st)
			return st;
		slot = addr + w->fields[BSD_G_NEXT].offset;
		if (kco_kread_field(w->s, addr, &w->fields[BSD_G_NEXT], &addr, torn))
			return KCO_OK;
	}
	return KCO_OK;
}

static int tasks_thread_cmp(const void *a, const void *b)
{
	const struct bsd_thread *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static enum kco_status tasks_walk_all(struct tasks_walk *w, struct kco_err *err)
{
	struct bsd_os *os = bsd_of(w->s);
	enum kco_status st = KCO_OK;

	for (size_t i = 0; i < 2 && w->f->lists[i] && !st; i++) {
		struct kco_err torn = KCO_ERR_INIT;
		uint64_t head;

		// Kernels without a second list have zombies on the first.
		st = os_symbol(w->s, &head, i ? NULL : err, w->f->lists[i], NULL);
		if (st && i)
			break;
		if (st)
			return st;
		st = tasks_list(w, head, &torn);
		if (st < 0)
			return kco_fail(err, st, "%s: %s", w->f->lists[i], kco_status_name(st));
		if (torn.code)
			kco_session_warn(w->s, "processes may be missing: the list %s is torn: %s", w->f->lists[i],
					 torn.msg);
		w->torn |= torn.code != KCO_OK;
	}
	if (w->broken)
		kco_session_warn(w->s, "threads may be missing: those of %zu processes, the first of %s", w->broken,
				 w->first_broken);
	if (os->nr_threads)
		qsort(os->threads, os->nr_threads, sizeof(*os->threads), tasks_thread_cmp);
	w->s->tasks_incomplete = w->torn || w->broken;
	return KCO_OK;
}

enum kco_status bsd_tasks(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_task *task),
			  void *arg, struct kco_err *err)
{
	struct tasks_walk w = { .s = s, .f = bsd_of(s)->flavour, .add = add, .arg = arg };
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st = tasks_layout(&w, err);

	if (st)
		return st;
	if (bsd_cpus_load(s, &why))
		kco_session_warn(s, "which threads were running is not known: %s", why.msg);
	w.dump_sp = bsd_dump_sp(s);
	bsd_of(s)->nr_threads = 0;
	st = tasks_walk_all(&w, err);
	kco_addrset_fini(&w.groups);
	kco_addrset_fini(&w.threads);
	return st;
}

const struct bsd_thread *bsd_thread(struct kco_session *s, uint64_t addr)
{
	const struct bsd_os *os = bsd_of(s);
	const struct bsd_thread key = { .addr = addr };

	return os->nr_threads ? bsearch(&key, os->threads, os->nr_threads, sizeof(key), tasks_thread_cmp) : NULL;
}

uint64_t bsd_user_regs(struct kco_session *s, const struct kco_task *task)
{
	const struct bsd_thread *thread = bsd_thread(s, task->addr);

	return thread ? thread->user_regs : 0;
}
