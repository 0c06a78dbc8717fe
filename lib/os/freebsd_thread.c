// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a struct thread tells of a thread: its row in the list, and where its
 * user registers lie.
 */
#include "freebsd_thread.h"

#include <stdlib.h>
#include <string.h>

#define THREAD_NOCPU_OLD 255 /* NOCPU of kernels whose td_oncpu was a char */

/* Where the registers lie that a thread's user mode left. */
struct freebsd_frame {
	uint64_t thread, frame;
};
struct freebsd_frames {
	struct freebsd_frame *v;
	size_t n, cap;
};

uint64_t freebsd_member_get(const struct freebsd_thread_reader *r, enum freebsd_member member, uint64_t otherwise)
{
	uint64_t v;

	if (r->l->has[member] && kco_field_get(&r->l->f[member], r->buf, r->buf_size, &v))
		return v;
	return otherwise;
}

void freebsd_member_name(const struct freebsd_thread_reader *r, enum freebsd_member member, char *name, size_t size)
{
	const struct kco_field *f = &r->l->f[member];

	name[0] = '\0';
	if (!r->l->has[member])
		return;
	if (size > f->size)
		size = f->size;
	memcpy(name, r->buf + f->offset, size);
	name[size - 1] = '\0';
}

/* What it waits for: a lock is told from a wait channel by a star, as ddb's ps does it. */
static const char *thread_wait(const struct freebsd_thread_reader *r, uint64_t inhibitors)
{
	bool lock = inhibitors & FREEBSD_TDI_LOCK;
	uint64_t text = freebsd_member_get(r, lock ? FB_TD_LOCKNAME : FB_TD_WMESG, 0);
	char buf[64];

	if (!text || (!lock && !freebsd_member_get(r, FB_TD_WCHAN, 0)) ||
	    kco_vread_str(r->s->mem, &r->s->kernel, text, buf, sizeof(buf), NULL) || !*buf)
		return NULL;
	return kco_session_text(r->s, "%s%s", lock ? "*" : "", buf);
}

/*
 * Run time is counted in ticks of the processor's counter; how it divides into
 * user and system time is what the statistics clock saw (calcru1(),
 * sys/kern/kern_resource.c). A thread that it never saw was in the kernel.
 */
static void thread_times(const struct freebsd_thread_reader *r, struct kco_task *task)
{
	uint64_t user = freebsd_member_get(r, FB_TD_UTICKS, 0) + freebsd_member_get(r, FB_TD_RUX_UTICKS, 0);
	uint64_t other = freebsd_member_get(r, FB_TD_STICKS, 0) + freebsd_member_get(r, FB_TD_RUX_STICKS, 0) +
			 freebsd_member_get(r, FB_TD_ITICKS, 0) + freebsd_member_get(r, FB_TD_RUX_ITICKS, 0);
	double ns;

	if (!r->tick_frequency)
		return;
	ns = (double)freebsd_member_get(r, FB_TD_RUNTIME, 0) / (double)r->tick_frequency * 1e9;
	if (!(ns < 9e18))
		return;
	task->utime = user ? (uint64_t)(ns * ((double)user / ((double)user + (double)other))) : 0;
	task->stime = (uint64_t)ns - task->utime;
}

/* The CPU it is on: td_oncpu, unless that says none or what cannot be. */
static int32_t thread_oncpu(const struct freebsd_thread_reader *r)
{
	int64_t cpu = (int64_t)freebsd_member_get(r, FB_TD_ONCPU, UINT64_MAX);

	if (r->l->f[FB_TD_ONCPU].size == 4)
		cpu = (int32_t)cpu;
	if (cpu < 0 || (r->l->f[FB_TD_ONCPU].size == 1 && cpu == THREAD_NOCPU_OLD) ||
	    !freebsd_cpu(r->s, cpu > UINT32_MAX ? UINT32_MAX : (unsigned)cpu))
		return -1;
	return (int32_t)cpu;
}

static void thread_cpu(const struct freebsd_thread_reader *r, struct kco_task *task, uint64_t state)
{
	int32_t cpu = thread_oncpu(r);

	/* Without its state, a thread is where it says. */
	if (cpu >= 0 && (!r->l->has[FB_TD_STATE] || (int64_t)state == r->states.running))
		task->flags |= KCO_TASK_ACTIVE;
	if (cpu < 0) {
		cpu = (int32_t)freebsd_member_get(r, FB_TD_LASTCPU, UINT64_MAX);
		if (cpu < 0 || !freebsd_cpu(r->s, (unsigned)cpu))
			cpu = -1;
	}
	task->cpu = cpu;
}

/*
 * The pcb is the top of the stack's pages, and words in it are no stack's: they
 * end the scan for return addresses. Without td_kstack, the pages around the pcb
 * are all that is known.
 */
static void thread_stack(const struct freebsd_thread_reader *r, struct kco_task *task)
{
	const uint64_t page = r->s->arch->page_size;
	uint64_t pages = freebsd_member_get(r, FB_TD_KSTACK_PAGES, r->kstack_pages),
		 pcb = freebsd_member_get(r, FB_TD_PCB, 0);

	task->stack = freebsd_member_get(r, FB_TD_KSTACK, 0);
	if (pages > 64)
		pages = 64;
	if (!task->stack && pcb && !r->l->has[FB_TD_KSTACK]) {
		uint64_t end = (pcb | (page - 1)) + 1;

		task->stack = end > pages * page ? end - pages * page : 0;
	}
	task->stack_size = task->stack ? (uint32_t)(pages * page) : 0;
	if (pcb > task->stack && pcb - task->stack < task->stack_size && pcb - task->stack >= task->stack_size - page)
		task->stack_size = (uint32_t)(pcb - task->stack);
}

/* Remember where its user registers are: workers ask for them, who may not read. */
static enum kco_status thread_frame(const struct freebsd_thread_reader *r, const struct kco_task *task)
{
	uint64_t frame = freebsd_member_get(r, FB_TD_FRAME, 0);
	struct freebsd_os *os = freebsd_of(r->s);
	struct freebsd_frames *frames = os->frames;

	/* A thread of the kernel was never in user mode. */
	if (!frame || task->flags & KCO_TASK_KTHREAD)
		return KCO_OK;
	if (!frames)
		frames = os->frames = calloc(1, sizeof(*frames));
	if (!frames)
		return KCO_E_NOMEM;
	if (frames->n == frames->cap) {
		size_t cap = frames->cap ? frames->cap * 2 : 128;
		struct freebsd_frame *grown = realloc(frames->v, cap * sizeof(*grown));

		if (!grown)
			return KCO_E_NOMEM;
		frames->v = grown;
		frames->cap = cap;
	}
	frames->v[frames->n++] = (struct freebsd_frame){ task->addr, frame };
	return KCO_OK;
}

enum kco_status freebsd_thread_decode(const struct freebsd_thread_reader *r, const struct freebsd_proc *p,
				      struct kco_task *task)
{
	struct freebsd_run run = {
		.proc_state = p->state,
		.proc_flag = p->flag,
		.state = freebsd_member_get(r, FB_TD_STATE, 0),
		.inhibitors = freebsd_member_get(r, FB_TD_INHIBITORS, 0),
		.flags = freebsd_member_get(r, FB_TD_FLAGS, 0),
		.slptick = (int32_t)freebsd_member_get(r, FB_TD_SLPTICK, 0),
	};

	task->tid = (int32_t)freebsd_member_get(r, FB_TD_TID, UINT64_MAX);
	freebsd_member_name(r, FB_TD_NAME, task->comm, sizeof(task->comm));
	if (!*task->comm)
		memcpy(task->comm, p->comm, sizeof(task->comm));
	if (r->l->has[FB_TD_STATE]) {
		task->state_raw = run.state | run.inhibitors << 8;
		task->state = freebsd_state_letter(&r->states, &run);
	}
	task->flags |= p->flag & FREEBSD_P_KPROC ? KCO_TASK_KTHREAD : 0;
	task->flags |= run.flags & FREEBSD_TDF_IDLETD ? KCO_TASK_IDLE : 0;
	if (r->dump_tid >= 0 ? task->tid == r->dump_tid : (run.flags & FREEBSD_TDF_INPANIC) != 0)
		task->flags |= KCO_TASK_PANIC;
	thread_cpu(r, task, run.state);
	thread_stack(r, task);
	thread_times(r, task);
	task->mm = p->mm;
	task->rss_pages = p->rss;
	task->vm_pages = p->vm;
	task->start_time = p->start;
	task->wait = thread_wait(r, run.inhibitors);
	return thread_frame(r, task);
}

static int thread_frame_cmp(const void *a, const void *b)
{
	const struct freebsd_frame *x = a, *y = b;

	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

void freebsd_frames_sort(struct kco_session *s)
{
	struct freebsd_frames *frames = freebsd_of(s)->frames;

	if (frames && frames->n)
		qsort(frames->v, frames->n, sizeof(*frames->v), thread_frame_cmp);
}

uint64_t freebsd_user_regs(struct kco_session *s, const struct kco_task *task)
{
	const struct freebsd_frames *frames = freebsd_of(s)->frames;
	const struct freebsd_frame key = { .thread = task->addr };
	const struct freebsd_frame *found = NULL;

	if (frames && frames->n)
		found = bsearch(&key, frames->v, frames->n, sizeof(key), thread_frame_cmp);
	return found ? found->frame : 0;
}

void freebsd_tasks_fini(struct kco_session *s)
{
	struct freebsd_frames *frames = freebsd_of(s)->frames;

	if (frames)
		free(frames->v);
	free(frames);
	freebsd_of(s)->frames = NULL;
}
