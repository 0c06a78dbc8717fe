// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Areas and facts of an address space: made once for each process by the
 * personality, and kept.
 */
#include <kco/vma.h>

#include <stdlib.h>
#include <string.h>

#include "process_priv.h"

/* As many as Linux can be told to allow a process is 2^31 - 1; what is real has far fewer. */
#define VMA_MAX (4u << 20)

struct process_vmas {
	struct kco_lazy lazy;
	struct kco_err torn;
	struct kco_vma *v;
	size_t n, cap;
};

struct process_mm {
	struct kco_lazy lazy;
	struct kco_mm_info info;
};

static void vma_fini(void *data)
{
	struct process_vmas *vmas = data;

	free(vmas->v);
	free(vmas);
}

static enum kco_status vma_add(void *arg, const struct kco_vma *vma)
{
	struct process_vmas *vmas = arg;

	if (vmas->n == vmas->cap) {
		size_t cap = vmas->cap ? vmas->cap * 2 : 32;
		struct kco_vma *grown = cap > VMA_MAX ? NULL : realloc(vmas->v, cap * sizeof(*grown));

		if (!grown)
			return KCO_E_NOMEM;
		vmas->v = grown;
		vmas->cap = cap;
	}
	vmas->v[vmas->n++] = *vma;
	return KCO_OK;
}

static enum kco_status vma_make(struct kco_process *p, struct process_vmas *vmas, struct kco_err *err)
{
	struct kco_session *s = p->session;
	enum kco_status (*slot)(struct kco_process *, enum kco_status(*)(void *, const struct kco_vma *), void *,
				struct kco_err *, struct kco_err *) = PROCESS_OS_SLOT(s, vmas);

	if (!p->mm)
		return KCO_OK;
	if (!slot)
		return kco_fail(err, KCO_E_UNSUPPORTED, "areas of processes: not known on %s", s->os->title);
	return slot(p, vma_add, vmas, &vmas->torn, err);
}

static enum kco_status vma_load(struct kco_process *p, struct process_vmas *vmas, struct kco_err *err)
{
	KCO_LAZY(vmas->lazy, vma_make(p, vmas, &vmas->lazy.err), err);
}

enum kco_status kco_vmas_get(struct kco_process *p, const struct kco_vma **ret, size_t *n, struct kco_err *err)
{
	struct process_vmas *vmas = process_part(p, PROCESS_VMAS);
	enum kco_status st;

	*ret = NULL;
	*n = 0;
	if (!vmas) {
		vmas = calloc(1, sizeof(*vmas));
		if (!vmas)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		process_part_set(p, PROCESS_VMAS, vmas, vma_fini);
	}
	st = vma_load(p, vmas, err);
	if (st)
		return st;
	if (vmas->torn.code && err)
		*err = vmas->torn;
	*ret = vmas->v;
	*n = vmas->n;
	return KCO_OK;
}

const struct kco_vma *kco_vma_at(struct kco_process *p, uint64_t va)
{
	const struct kco_vma *v;
	size_t n, low = 0, high;

	if (kco_vmas_get(p, &v, &n, NULL))
		return NULL;
	high = n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v[mid].end <= va)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && v[low].start <= va ? &v[low] : NULL;
}

const char *kco_vma_flag_name(struct kco_session *s, unsigned bit)
{
	const char *(*slot)(unsigned) = PROCESS_OS_SLOT(s, vma_flag);

	return slot ? slot(bit) : NULL;
}

static enum kco_status vma_mm_make(struct kco_process *p, struct process_mm *mm, struct kco_err *err)
{
	struct kco_session *s = p->session;
	enum kco_status (*slot)(struct kco_process *, struct kco_mm_info *, struct kco_err *) =
		PROCESS_OS_SLOT(s, mm_info);
	enum kco_status st;

	if (!p->mm)
		return kco_fail(err, KCO_E_UNSUPPORTED, "process %lld has no address space of its own",
				(long long)p->pid);
	if (!slot)
		return kco_fail(err, KCO_E_UNSUPPORTED, "address spaces: not known on %s", s->os->title);
	st = slot(p, &mm->info, err);
	if (!st && !mm->info.rss_mixed)
		mm->info.rss = mm->info.rss_file + mm->info.rss_anon + mm->info.rss_shmem;
	return st;
}

static enum kco_status vma_mm_load(struct kco_process *p, struct process_mm *mm, struct kco_err *err)
{
	KCO_LAZY(mm->lazy, vma_mm_make(p, mm, &mm->lazy.err), err);
}

enum kco_status kco_mm_get(struct kco_process *p, const struct kco_mm_info **ret, struct kco_err *err)
{
	struct process_mm *mm = process_part(p, PROCESS_MM);

	if (!mm) {
		mm = calloc(1, sizeof(*mm));
		if (!mm)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		process_part_set(p, PROCESS_MM, mm, free);
	}
	*ret = &mm->info;
	return vma_mm_load(p, mm, err);
}
