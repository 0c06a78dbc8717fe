// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads of a FreeBSD kernel, in the order of the kernel's debugger (kgdb's
 * `info threads`): processes as allproc has them, the newest first, then
 * zombies, each with its threads.
 *
 *   allproc  -> struct proc --p_list--> struct proc ... -> proc0
 *                   |p_threads
 *                   v
 *               struct thread --td_plist--> struct thread ...
 *   zombproc -> struct proc ...        (until FreeBSD 13)
 *   pidhashtbl[]: every process once more (freebsd_hash.c)
 *
 * Both lists lead back: le_prev and tqe_prev hold the address of the pointer
 * that led here. What does not, or is not the process's thread, is a torn
 * list: the walk ends there and says so.
 */
#include "freebsd_thread.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "addrset.h"

#define TASKS_KSTACK_PAGES 4 /* KSTACK_PAGES of 64-bit machines, for a kernel that does not say */

struct tasks_walk {
	struct kco_session *s;
	struct freebsd_layout l;
	struct freebsd_thread_reader r;
	uint64_t vmspace0;
	struct kco_field start_sec, start_usec, resident, vm_size;
	bool has_start, has_resident, has_vm_size;
	enum kco_status (*add)(void *arg, const struct kco_task *task);
	void *arg;
	struct kco_addrset procs, threads;
	bool torn;     /* a list of processes breaks off */
	size_t broken; /* processes whose list of threads breaks off */
	const char *first_broken;
	size_t orphans, zombies;
};

/* A member of the object at @addr; false when it cannot be read or is not known. */
static bool tasks_read(struct tasks_walk *w, uint64_t addr, enum freebsd_member member, uint64_t *ret)
{
	return w->l.has[member] && !kco_kread_field(w->s, addr, &w->l.f[member], ret, NULL);
}

/* Hand on the thread at @addr; a row that cannot be read is a row with a reason. KCO_DONE: known already. */
static enum kco_status tasks_thread(struct tasks_walk *w, const struct freebsd_proc *p, uint64_t addr, uint32_t flags)
{
	struct kco_task task = {
		.addr = addr,
		.tid = -1,
		.tgid = p->pid,
		.ppid = p->ppid,
		.parent = p->parent,
		.group_leader = p->first_thread,
		.flags = flags,
		.cpu = -1,
		.state = '?',
	};
	struct kco_err err = KCO_ERR_INIT;
	enum kco_status st = kco_addrset_add(&w->threads, addr);

	if (st)
		return st;
	st = kco_kread(w->s, addr, w->r.buf, w->l.thread_size, NULL, &err);
	if (st) {
		memcpy(task.comm, p->comm, sizeof(task.comm));
		task.status = st;
		task.why = kco_session_text(w->s, "struct thread: %s", err.msg);
	} else {
		st = freebsd_thread_decode(&w->r, p, &task);
		if (st)
			return st;
	}
	return w->add(w->arg, &task);
}

static void tasks_broken(struct tasks_walk *w, const struct freebsd_proc *p, const char *why)
{
	if (!w->broken++)
		w->first_broken = kco_session_text(w->s, "process %" PRId64 ": %s", p->pid, why);
}

/* Why the thread at @addr, to which the pointer at @slot led, cannot be @p's; NULL: it can. */
static const char *tasks_alien(struct tasks_walk *w, const struct freebsd_proc *p, uint64_t addr, uint64_t slot)
{
	const struct {
		enum freebsd_member member;
		uint64_t want;
	} links[] = { { FB_TD_PROC, p->addr }, { FB_TD_PLIST_PREV, slot } };

	for (size_t i = 0; i < 2; i++) {
		struct kco_err err = KCO_ERR_INIT;
		enum kco_status st;
		uint64_t v;

		if (!w->l.has[links[i].member])
			continue;
		st = kco_kread_field(w->s, addr, &w->l.f[links[i].member], &v, &err);
		/* A thread whose page was not saved is one. */
		if (st == KCO_E_NOT_SAVED || st == KCO_E_TRUNCATED)
			continue;
		if (st)
			return kco_session_text(w->s, "%s", err.msg);
		if (v != links[i].want)
			return kco_session_text(w->s, "the thread at %#" PRIx64 " %s", addr,
						i ? "does not lead back to where it was named"
						  : "says that it is of another");
	}
	return NULL;
}

static enum kco_status tasks_threads(struct tasks_walk *w, const struct freebsd_proc *p, uint32_t flags)
{
	uint64_t addr = p->first_thread, slot = p->addr + w->l.f[FB_P_THREADS].offset;

	while (addr) {
		const char *alien = tasks_alien(w, p, addr, slot);
		struct kco_err err = KCO_ERR_INIT;
		enum kco_status st;

		if (alien) {
			tasks_broken(w, p, alien);
			return KCO_OK;
		}
		st = tasks_thread(w, p, addr, flags);
		if (st == KCO_DONE) {
			tasks_broken(w, p, "its threads come back to one that was there before");
			return KCO_OK;
		}
		if (st)
			return st;
		slot = addr + w->l.f[FB_TD_PLIST_NEXT].offset;
		if (kco_kread_field(w->s, addr, &w->l.f[FB_TD_PLIST_NEXT], &addr, &err)) {
			tasks_broken(w, p, err.msg);
			return KCO_OK;
		}
	}
	return KCO_OK;
}

/* Its address space and when it began: what lies outside of struct proc. */
static void tasks_proc_more(struct tasks_walk *w, struct freebsd_proc *p, uint64_t vmspace, uint64_t stats)
{
	const uint64_t page = w->s->arch->page_size;
	uint64_t sec, usec, v;

	if (w->has_start && stats && !kco_kread_field(w->s, stats, &w->start_sec, &sec, NULL) &&
	    !kco_kread_field(w->s, stats, &w->start_usec, &usec, NULL) && sec < UINT32_MAX && usec < 1000000)
		p->start = sec * 1000000000 + usec * 1000;
	/* Kernel processes share proc0's, and the dead have it. */
	if (!vmspace || vmspace == w->vmspace0 || p->flag & FREEBSD_P_KPROC)
		return;
	p->mm = vmspace;
	if (w->has_resident && !kco_kread_field(w->s, vmspace, &w->resident, &v, NULL) && (int64_t)v > 0)
		p->rss = v;
	if (w->has_vm_size && !kco_kread_field(w->s, vmspace, &w->vm_size, &v, NULL))
		p->vm = v / page;
}

static void tasks_parent(struct tasks_walk *w, struct freebsd_proc *p, uint64_t parent)
{
	uint64_t v;

	p->ppid = -1;
	/* proc0 is nobody's child. */
	if (w->l.has[FB_P_PPTR] && !parent)
		p->ppid = 0;
	if (!parent)
		return;
	if (tasks_read(w, parent, FB_P_PID, &v))
		p->ppid = (int32_t)v;
	if (tasks_read(w, parent, FB_P_THREADS, &v))
		p->parent = v;
}

/* The process at @addr and its threads. */
static enum kco_status tasks_proc(struct tasks_walk *w, uint64_t addr, uint32_t flags)
{
	struct freebsd_proc p = { .addr = addr, .pid = -1, .ppid = -1 };
	uint64_t vmspace, stats, parent, v;
	struct kco_err err = KCO_ERR_INIT;
	enum kco_status st = kco_kread(w->s, addr, w->r.buf, w->l.proc_size, NULL, &err);

	if (st) {
		/* Its threads may still be found. */
		if (tasks_read(w, addr, FB_P_PID, &v))
			p.pid = (int32_t)v;
		tasks_broken(w, &p, err.msg);
		if (!tasks_read(w, addr, FB_P_THREADS, &p.first_thread))
			return KCO_OK;
		p.state = (uint64_t)w->r.states.proc_new + 1;
		return tasks_threads(w, &p, flags);
	}
	p.first_thread = freebsd_member_get(&w->r, FB_P_THREADS, 0);
	p.pid = (int32_t)freebsd_member_get(&w->r, FB_P_PID, UINT64_MAX);
	p.flag = freebsd_member_get(&w->r, FB_P_FLAG, 0);
	p.state = freebsd_member_get(&w->r, FB_P_STATE, 0);
	freebsd_member_name(&w->r, FB_P_COMM, p.comm, sizeof(p.comm));
	vmspace = freebsd_member_get(&w->r, FB_P_VMSPACE, 0);
	stats = freebsd_member_get(&w->r, FB_P_STATS, 0);
	parent = freebsd_member_get(&w->r, FB_P_PPTR, 0);
	if (w->l.has[FB_P_STATE] && (int64_t)p.state == w->r.states.proc_zombie) {
		/* That is where the pid hash is the place to be. */
		flags &= ~(uint32_t)KCO_TASK_ORPHAN;
		w->zombies++;
	}
	w->orphans += (flags & KCO_TASK_ORPHAN) != 0;
	tasks_proc_more(w, &p, vmspace, stats);
	tasks_parent(w, &p, parent);
	if (!p.first_thread && (int64_t)p.state != w->r.states.proc_new)
		tasks_broken(w, &p, "it has no thread");
	return tasks_threads(w, &p, flags);
}

static void tasks_torn(struct tasks_walk *w, const char *list, size_t n, const char *why)
{
	w->torn = true;
	kco_session_warn(w->s, "processes may be missing: the list %s is torn after %zu: %s", list, n, why);
}

/* The list whose head is the variable @list. */
static enum kco_status tasks_list(struct tasks_walk *w, const char *list, struct kco_err *err)
{
	struct kco_err mine = KCO_ERR_INIT;
	uint64_t head, proc, back;
	size_t n = 0;
	enum kco_status st = os_symbol(w->s, &head, err, list, NULL);

	if (st)
		return st;
	st = kco_kread_uint(w->s, head, w->s->arch->ptr_size, &proc, &mine);
	for (uint64_t slot = head; !st && proc; n++) {
		back = slot;
		if (w->l.has[FB_P_LIST_PREV])
			st = kco_kread_field(w->s, proc, &w->l.f[FB_P_LIST_PREV], &back, &mine);
		if (st)
			break;
		if (back != slot) {
			tasks_torn(w, list, n, "the next entry does not lead back to where it was named");
			return KCO_OK;
		}
		st = kco_addrset_add(&w->procs, proc);
		if (st == KCO_DONE) {
			tasks_torn(w, list, n, "it comes back to a process that was there before");
			return KCO_OK;
		}
		if (!st)
			st = tasks_proc(w, proc, 0);
		if (st)
			return kco_fail(err, st, "the list %s was left after %zu processes: %s", list, n,
					kco_status_name(st));
		slot = proc + w->l.f[FB_P_LIST_NEXT].offset;
		st = kco_kread_field(w->s, proc, &w->l.f[FB_P_LIST_NEXT], &proc, &mine);
	}
	if (st)
		tasks_torn(w, list, n, mine.msg);
	return KCO_OK;
}

static enum kco_status tasks_hashed(void *arg, uint64_t proc)
{
	struct tasks_walk *w = arg;
	enum kco_status st = kco_addrset_add(&w->procs, proc);

	return st ? st : tasks_proc(w, proc, KCO_TASK_ORPHAN);
}

/* What only the pid hash names: zombies of newer kernels, and what a torn list lost. */
static enum kco_status tasks_cross_check(struct tasks_walk *w, bool has_zombproc, struct kco_err *err)
{
	struct kco_err torn = KCO_ERR_INIT, why = KCO_ERR_INIT;
	enum kco_status st = freebsd_hash_each(w->s, &w->l, tasks_hashed, w, &torn, &why);

	if (st == KCO_E_CANCELLED || st == KCO_E_NOMEM)
		return kco_fail(err, st, "%s", st == KCO_E_CANCELLED ? "interrupted" : "too many processes");
	if (st && (w->torn || !has_zombproc))
		kco_session_warn(w->s, "%s: the pid hash cannot be read: %s",
				 has_zombproc ? "nothing makes up for the torn list" : "zombies may be missing",
				 why.msg);
	if (torn.code)
		kco_session_warn(w->s, "processes may be missing: %s", torn.msg);
	if (w->orphans)
		kco_session_warn(
			w->s, "processes in the pid hash that are not on the list allproc%s: %zu; they are shown too",
			has_zombproc || w->l.has[FB_P_STATE] ? "" : " (zombies, or lost)", w->orphans);
	w->s->tasks_incomplete = w->broken || torn.code || (st && w->torn);
	return KCO_OK;
}

static enum kco_status tasks_walk_all(struct tasks_walk *w, struct kco_err *err)
{
	enum kco_status st = tasks_list(w, "allproc", err);
	uint64_t zombproc;
	bool has_zombproc = !os_symbol(w->s, &zombproc, NULL, "zombproc", NULL);

	if (!st && has_zombproc)
		st = tasks_list(w, "zombproc", err);
	if (!st)
		st = tasks_cross_check(w, has_zombproc, err);
	if (!st && w->broken)
		kco_session_warn(w->s, "threads may be missing: those of %zu processes, the first of %s", w->broken,
				 w->first_broken);
	if (!st)
		freebsd_frames_sort(w->s);
	return st;
}

static void tasks_outside(struct tasks_walk *w)
{
	struct kco_session *s = w->s;

	if (os_symbol(s, &w->vmspace0, NULL, "vmspace0", NULL))
		w->vmspace0 = 0;
	if (os_variable(s, "cpu_tick_frequency", 8, &w->r.tick_frequency, NULL))
		w->r.tick_frequency = 0;
	if (os_variable(s, "kstack_pages", 4, &w->r.kstack_pages, NULL))
		w->r.kstack_pages = TASKS_KSTACK_PAGES;
	w->has_start = !os_field(s, "pstats", &w->start_sec, NULL, "p_start.tv_sec", NULL) &&
		       !os_field(s, "pstats", &w->start_usec, NULL, "p_start.tv_usec", NULL);
	w->has_resident = !os_field(s, "vmspace", &w->resident, NULL, "vm_pmap.pm_stats.resident_count", NULL);
	w->has_vm_size = !os_field(s, "vmspace", &w->vm_size, NULL, "vm_map.size", NULL);
}

enum kco_status freebsd_tasks(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_task *task),
			      void *arg, struct kco_err *err)
{
	struct tasks_walk w = { .s = s, .add = add, .arg = arg };
	enum kco_status st = freebsd_layout_load(s, &w.l, err);

	if (st)
		return st;
	freebsd_tasks_fini(s);
	w.r = (struct freebsd_thread_reader){ .s = s, .l = &w.l, .dump_tid = freebsd_dump_tid(s) };
	w.r.buf_size = w.l.proc_size > w.l.thread_size ? w.l.proc_size : w.l.thread_size;
	w.r.buf = calloc(1, w.r.buf_size);
	if (w.r.buf) {
		freebsd_states_init(s, &w.r.states);
		tasks_outside(&w);
		st = tasks_walk_all(&w, err);
	} else {
		st = kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	free(w.r.buf);
	kco_addrset_fini(&w.procs);
	kco_addrset_fini(&w.threads);
	return st;
}
