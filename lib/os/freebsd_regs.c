// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of FreeBSD's threads and CPUs.
 *
 * All are kept as a struct pcb, and whose lies where (kgdb asks in this order):
 *
 *   the thread whose td_tid is `dumptid`: it wrote the dump     dumppcb
 *   a thread on a CPU in `stopped_cpus`                         stoppcbs[cpu]
 *   a thread on any other CPU: that never stopped               none: its own pcb is of when it last slept
 *   every other thread                                          td_pcb
 *
 * stoppcbs is an array, in newer kernels (one for as many CPUs as there are) a
 * pointer to one. The dumping CPU's own place in it is empty.
 *
 * The members of struct pcb and struct trapframe are looked up by name; what
 * the machine's row says stands in for a kernel file without types.
 */
#include "freebsd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REGS_PCB_MAX 4096
#define REGS_STACKS_MAX 8
#define REGS_ARGUMENTS_MAX 4 /* that entry code passes on the stack */

struct regs_stacks {
	bool tried;
	size_t n;
	struct kco_stack_range v[REGS_STACKS_MAX];
};

struct freebsd_regs {
	struct kco_regset pcb, frame;
	struct kco_regset_entry pcb_entries[KCO_REGS_MAX], frame_entries[KCO_REGS_MAX];
	struct kco_field td_pcb;
	struct kco_err td_pcb_err;  /* why it is not known, or code KCO_OK */
	int64_t dump_tid;	    /* -1 nobody knows */
	uint64_t dumppcb, stoppcbs; /* 0 unknown */
	uint64_t pcb_stride;	    /* from one to the next in stoppcbs */
	int mode;		    /* the register that tells user mode, -1 none */
	struct regs_stacks *stacks; /* of each CPU */
	unsigned nr_stacks;
};

static void regs_set(struct kco_session *s, const char *type, const struct freebsd_reg *rows, size_t n,
		     struct kco_regset_entry *entries, struct kco_regset *set, uint32_t size)
{
	struct kco_field f;
	uint64_t whole;
	size_t used = 0;
	bool typed = s->types && !kco_types_sizeof(s->types, type, &whole, NULL);

	for (size_t i = 0; i < n && used < KCO_REGS_MAX; i++) {
		int reg = kco_arch_reg(s->arch, rows[i].name);
		uint64_t offset = rows[i].offset;
		uint8_t bytes = rows[i].size;

		if (typed && !os_field(s, type, &f, NULL, rows[i].members[0], rows[i].members[1], NULL)) {
			offset = f.offset;
			bytes = f.size < bytes ? (uint8_t)f.size : bytes;
		} else if (typed || offset == FREEBSD_NO_OFFSET) {
			continue;
		}
		if (reg < 0 || offset + bytes > REGS_PCB_MAX)
			continue;
		entries[used++] = (struct kco_regset_entry){ (uint8_t)reg, (uint16_t)offset, bytes };
		if (offset + bytes > size)
			size = (uint32_t)(offset + bytes);
	}
	*set = (struct kco_regset){ .desc_size = size, .entries = entries, .nr_entries = used };
}

static uint64_t regs_size(struct kco_session *s, const char *type, const char *constant, uint64_t otherwise)
{
	uint64_t size;

	if (s->types && !kco_types_sizeof(s->types, type, &size, NULL) && size && size <= REGS_PCB_MAX)
		return size;
	if (constant && !os_variable(s, constant, 4, &size, NULL) && size && size <= REGS_PCB_MAX)
		return size;
	return otherwise;
}

static void regs_load_pcbs(struct kco_session *s, struct freebsd_regs *r)
{
	uint64_t tid, offset;

	r->dump_tid = -1;
	if (!os_variable(s, "dumptid", 4, &tid, NULL) && (int32_t)tid > 0)
		r->dump_tid = (int32_t)tid;
	if (os_symbol(s, &r->dumppcb, NULL, "dumppcb", NULL))
		r->dumppcb = 0;
	if (os_symbol(s, &r->stoppcbs, NULL, "stoppcbs", NULL) ||
	    (freebsd_is_pointer(s, "stoppcbs") && os_variable(s, "stoppcbs", 0, &r->stoppcbs, NULL)))
		r->stoppcbs = 0;
	if (os_field(s, "thread", &r->td_pcb, &r->td_pcb_err, "td_pcb", NULL) &&
	    !os_variable(s, "thread_off_td_pcb", 4, &offset, NULL)) {
		r->td_pcb = (struct kco_field){ .offset = (uint32_t)offset, .size = s->arch->ptr_size };
		r->td_pcb_err = KCO_ERR_INIT;
	}
}

/* Loaded on the session's thread, whose symbols and types are asked; NULL: out of memory. */
static struct freebsd_regs *regs_load(struct kco_session *s)
{
	struct freebsd_os *os = freebsd_of(s);
	const struct freebsd_machine *m = os->machine;
	struct freebsd_regs *r;

	if (os->regs)
		return os->regs;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	(void)!kco_session_need(s, KCO_NEED_SYMS, NULL);
	(void)!kco_session_need(s, KCO_NEED_TYPES, NULL);
	r->mode = m->mode ? kco_arch_reg(s->arch, m->mode) : -1;
	r->pcb_stride = regs_size(s, "pcb", "pcb_size", m->pcb_size);
	regs_set(s, "pcb", m->pcb, m->nr_pcb, r->pcb_entries, &r->pcb, 0);
	regs_set(s, "trapframe", m->frame, m->nr_frame, r->frame_entries, &r->frame,
		 (uint32_t)regs_size(s, "trapframe", NULL, m->frame_size));
	regs_load_pcbs(s, r);
	if (!freebsd_cpu_count(s, &r->nr_stacks, NULL))
		r->stacks = calloc(r->nr_stacks, sizeof(*r->stacks));
	if (!r->stacks)
		r->nr_stacks = 0;
	return os->regs = r;
}

/* The pcb at @addr. Its stack pointer points to the return address that was taken to be its pc. */
static enum kco_status regs_pcb(struct kco_session *s, const struct freebsd_regs *r, struct kco_mem *mem, uint64_t addr,
				struct kco_regs *regs, struct kco_err *err)
{
	uint8_t bytes[REGS_PCB_MAX];
	uint64_t sp;
	enum kco_status st = kco_vread(mem, &s->kernel, addr, bytes, r->pcb.desc_size, NULL, err);

	if (st)
		return kco_context(err, st, "pcb at %#" PRIx64, addr);
	kco_regset_decode(&r->pcb, bytes, r->pcb.desc_size, regs);
	if (kco_regs_get(regs, s->arch->sp, &sp))
		kco_regs_set(regs, s->arch->sp, sp + freebsd_of(s)->machine->sp_skip);
	return KCO_OK;
}

static bool regs_are_empty(const struct kco_session *s, const struct kco_regs *regs)
{
	return !regs->v[s->arch->pc] && regs->v[s->arch->sp] <= s->arch->ptr_size;
}

static enum kco_status regs_stopped(struct kco_session *s, const struct freebsd_regs *r, struct kco_mem *mem,
				    unsigned cpu, struct kco_regs *regs, struct kco_err *err)
{
	const struct freebsd_os *os = freebsd_of(s);
	enum kco_status st;

	if (cpu >= os->nr_cpus)
		return kco_fail(err, KCO_E_RANGE, "no CPU %u: there are %u", cpu, os->nr_cpus);
	if (!os->cpus[cpu].stopped)
		return kco_fail(err, KCO_E_RANGE, "CPU %u did not stop when the kernel died: it left no registers",
				cpu);
	if (!r->stoppcbs)
		return kco_fail(err, KCO_E_NOSYM, "stoppcbs, the registers of stopped CPUs, is not known");
	st = regs_pcb(s, r, mem, r->stoppcbs + cpu * r->pcb_stride, regs, err);
	if (!st && regs_are_empty(s, regs))
		st = kco_fail(err, KCO_E_RANGE, "CPU %u stopped without saving its registers", cpu);
	return st;
}

enum kco_status freebsd_task_regs(struct kco_session *s, struct kco_mem *mem, const struct kco_task *task,
				  struct kco_regs *regs, struct kco_err *err)
{
	const struct freebsd_regs *r = regs_load(s);
	uint64_t pcb;
	enum kco_status st;

	*regs = (struct kco_regs){ 0 };
	if (!r)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (r->dump_tid >= 0 && task->tid == r->dump_tid && r->dumppcb)
		return regs_pcb(s, r, mem, r->dumppcb, regs, err);
	if (task->flags & KCO_TASK_ACTIVE && task->cpu >= 0)
		return regs_stopped(s, r, mem, (unsigned)task->cpu, regs, err);
	if (task->flags & KCO_TASK_ACTIVE)
		return kco_fail(err, KCO_E_RANGE, "the thread was running, but its CPU is not known");
	if (r->td_pcb_err.code) {
		if (err)
			*err = r->td_pcb_err;
		return r->td_pcb_err.code;
	}
	st = kco_vread_uint(mem, &s->kernel, task->addr + r->td_pcb.offset, s->arch->ptr_size, &pcb, err);
	if (st)
		return kco_context(err, st, "td_pcb");
	if (!pcb)
		return kco_fail(err, KCO_E_RANGE, "the thread has no pcb: it has given its stack back");
	return regs_pcb(s, r, mem, pcb, regs, err);
}

/* The CPU whose current thread wrote the dump has its registers where that thread has them. */
enum kco_status freebsd_cpu_regs(struct kco_session *s, unsigned cpu, struct kco_regs *regs, struct kco_err *err)
{
	const struct freebsd_regs *r = regs_load(s);
	const struct freebsd_cpu *c;
	struct kco_field curthread, td_tid;
	uint64_t thread, tid;
	enum kco_status st = freebsd_cpus_load(s, err);

	*regs = (struct kco_regs){ 0 };
	if (st)
		return st;
	if (!r)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	c = freebsd_cpu(s, cpu);
	if (c && c->pcpu && r->dumppcb && r->dump_tid >= 0 &&
	    !os_field(s, "pcpu", &curthread, NULL, "pc_curthread", NULL) &&
	    !os_field(s, "thread", &td_tid, NULL, "td_tid", NULL) &&
	    !kco_kread_field(s, c->pcpu, &curthread, &thread, NULL) &&
	    !kco_kread_field(s, thread, &td_tid, &tid, NULL) && (int32_t)tid == r->dump_tid)
		return regs_pcb(s, r, s->mem, r->dumppcb, regs, err);
	return regs_stopped(s, r, s->mem, cpu, regs, err);
}

/* Where a kernel that was interrupted had its stack: it did not change it, so nothing was pushed. */
static void regs_short_frame(struct kco_session *s, const struct freebsd_regs *r, uint64_t frame, struct kco_regs *regs)
{
	for (size_t i = 0; i < r->frame.nr_entries; i++)
		if (r->frame.entries[i].reg == s->arch->sp)
			kco_regs_set(regs, s->arch->sp, frame + r->frame.entries[i].offset);
}

/* Where the last frame, which is entry code, has its trap frame. */
static enum kco_status regs_frame_at(struct kco_session *s, const struct freebsd_regs *r, struct kco_mem *mem,
				     const struct kco_regs *regs, uint64_t *ret, struct kco_err *err)
{
	const struct freebsd_machine *m = freebsd_of(s)->machine;
	const unsigned ptr = s->arch->ptr_size;
	uint64_t sp = regs->v[s->arch->sp], word;

	if (m->frame_below_fp) {
		if (!kco_regs_get(regs, s->arch->fp, &word))
			return kco_fail(err, KCO_E_RANGE, "the frame pointer that leads to it is not known");
		*ret = word - r->frame.desc_size;
		return word ? KCO_OK : KCO_DONE; // where threads begin, it is cleared
	}
	*ret = sp;
	for (unsigned i = 1; m->frame_argument && i <= REGS_ARGUMENTS_MAX; i++)
		if (!kco_vread_ptr(mem, &s->kernel, sp + (i - 1) * ptr, &word, NULL) && word == sp + i * ptr) {
			*ret = word;
			break;
		}
	return KCO_OK;
}

enum kco_status freebsd_entry_frame(struct kco_session *s, struct kco_mem *mem, const struct kco_regs *regs, bool exact,
				    struct kco_regs *interrupted, uint64_t *frame, struct kco_err *err)
{
	const struct freebsd_machine *m = freebsd_of(s)->machine;
	const struct freebsd_regs *r = regs_load(s);
	uint8_t bytes[REGS_PCB_MAX];
	enum kco_status st;

	if (!r || !freebsd_is_entry(s, regs->v[s->arch->pc], exact))
		return KCO_E_NOSYM;
	*frame = regs->v[s->arch->sp];
	st = exact ? KCO_OK : regs_frame_at(s, r, mem, regs, frame, err);
	if (st)
		return st;
	st = kco_vread(mem, &s->kernel, *frame, bytes, r->frame.desc_size, NULL, err);
	if (st)
		return st == KCO_E_NOSYM ? KCO_E_CORRUPT : st;
	*interrupted = (struct kco_regs){ 0 };
	kco_regset_decode(&r->frame, bytes, r->frame.desc_size, interrupted);
	if (!interrupted->v[s->arch->pc] && !interrupted->v[s->arch->sp])
		return KCO_DONE;
	if (m->short_kernel_frame && !freebsd_regs_user(s, interrupted))
		regs_short_frame(s, r, *frame, interrupted);
	return KCO_OK;
}

const struct kco_regset *freebsd_trap_frame(struct kco_session *s, bool hardware_part_only)
{
	const struct freebsd_regs *r = regs_load(s);

	return r && !hardware_part_only ? &r->frame : NULL;
}

bool freebsd_regs_user(struct kco_session *s, const struct kco_regs *regs)
{
	const struct freebsd_regs *r = regs_load(s);
	uint64_t mode, pc;

	if (!r)
		return false;
	if (r->mode >= 0 && kco_regs_get(regs, (unsigned)r->mode, &mode))
		return freebsd_of(s)->machine->user_mode(mode);
	/* The kernel has the upper half of addresses. */
	return r->mode < 0 && kco_regs_get(regs, s->arch->pc, &pc) && !(pc >> (8 * s->arch->ptr_size - 1));
}

int64_t freebsd_dump_tid(struct kco_session *s)
{
	const struct freebsd_regs *r = regs_load(s);

	return r ? r->dump_tid : -1;
}

size_t freebsd_cpu_stacks(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max)
{
	const struct freebsd_machine *m = freebsd_of(s)->machine;
	struct freebsd_regs *r = regs_load(s);
	struct regs_stacks *stacks;

	if (!r || cpu >= r->nr_stacks)
		return 0;
	stacks = &r->stacks[cpu];
	if (!stacks->tried) {
		stacks->tried = true;
		stacks->n = m->stacks ? m->stacks(s, cpu, stacks->v, REGS_STACKS_MAX) : 0;
	}
	if (max > stacks->n)
		max = stacks->n;
	memcpy(ranges, stacks->v, max * sizeof(*ranges));
	return max;
}

void freebsd_regs_fini(struct kco_session *s)
{
	struct freebsd_regs *r = freebsd_of(s)->regs;

	if (r)
		free(r->stacks);
	free(r);
	freebsd_of(s)->regs = NULL;
}
