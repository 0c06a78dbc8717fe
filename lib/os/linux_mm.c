// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Facts of an address space that are no areas: members of struct mm_struct.
 */
#include "linux_process.h"

#include <string.h>

#include <kco/endian.h>

#define MM_AUXV_TAG_MAX 4096 /* far above any AT_* */

enum {
	MI_START_CODE,
	MI_END_CODE,
	MI_START_DATA,
	MI_END_DATA,
	MI_START_BRK,
	MI_BRK,
	MI_START_STACK,
	MI_ARG_START,
	MI_ARG_END,
	MI_ENV_START,
	MI_ENV_END,
	MI_TASK_SIZE,
	MI_PGD,
	MI_TOTAL_VM,
	MI_FLAGS,
	MI_EXE,
	MI_RSS_FILE,
	MI_RSS_ANON,
	MI_SWAP,
	MI_RSS_SHMEM,
	MI_AUXV,
	MI_COUNT,
};

static const struct linux_need mm_needs[MI_COUNT] = {
	[MI_START_CODE] = { { "start_code" }, false },
	[MI_END_CODE] = { { "end_code" }, false },
	[MI_START_DATA] = { { "start_data" }, false },
	[MI_END_DATA] = { { "end_data" }, false },
	[MI_START_BRK] = { { "start_brk" }, false },
	[MI_BRK] = { { "brk" }, false },
	[MI_START_STACK] = { { "start_stack" }, false },
	[MI_ARG_START] = { { "arg_start" }, false },
	[MI_ARG_END] = { { "arg_end" }, false },
	[MI_ENV_START] = { { "env_start" }, false },
	[MI_ENV_END] = { { "env_end" }, false },
	[MI_TASK_SIZE] = { { "task_size" }, true },
	[MI_PGD] = { { "pgd" }, true },
	[MI_TOTAL_VM] = { { "total_vm" }, true },
	[MI_FLAGS] = { { "flags", "flags.__mm_flags[0]" }, true },
	[MI_EXE] = { { "exe_file" }, true },
	/* Since Linux f1a7941243c1 (v6.2) an array of struct percpu_counter, before it of atomic_long_t in a struct. */
	[MI_RSS_FILE] = { { "rss_stat[0].count", "rss_stat.count[0].counter" }, true },
	[MI_RSS_ANON] = { { "rss_stat[1].count", "rss_stat.count[1].counter" }, true },
	[MI_SWAP] = { { "rss_stat[2].count", "rss_stat.count[2].counter" }, true },
	/* MM_SHMEMPAGES, since Linux eca56ff906bd (v4.5). */
	[MI_RSS_SHMEM] = { { "rss_stat[3].count", "rss_stat.count[3].counter" }, true },
	[MI_AUXV] = { { "saved_auxv" }, true },
};

struct linux_mm {
	struct kco_lazy lazy;
	struct linux_layout layout;
	uint64_t counters;    /* from a counter's count to percpu_counter.counters, ... */
	bool percpu_counters; /* ... where there are such */
};

static enum kco_status mm_make(struct kco_session *s, struct linux_mm *mm, struct kco_err *err)
{
	struct kco_field field, count;

	mm->percpu_counters = !os_field(s, "mm_struct", &field, NULL, "rss_stat[0].count", NULL) &&
			      !os_field(s, "percpu_counter", &count, NULL, "count", NULL) &&
			      !os_field(s, "percpu_counter", &field, NULL, "counters", NULL) &&
			      field.offset >= count.offset;
	if (mm->percpu_counters)
		mm->counters = field.offset - count.offset;
	return linux_layout_init(s, &mm->layout, "mm_struct", mm_needs, MI_COUNT, err);
}

static enum kco_status mm_load(struct kco_session *s, struct linux_mm *mm, struct kco_err *err)
{
	KCO_LAZY(mm->lazy, mm_make(s, mm, &mm->lazy.err), err);
}

static enum kco_status mm_get(struct kco_session *s, const struct linux_mm **ret, struct kco_err *err)
{
	struct linux_os *os = linux_of(s);

	if (!os->mm)
		os->mm = kco_arena_alloc(&s->arena, sizeof(*os->mm));
	*ret = os->mm;
	return os->mm ? mm_load(s, os->mm, err) : kco_fail(err, KCO_E_NOMEM, "out of memory");
}

/* What CPUs have counted and not yet added: struct percpu_counter.counters, an s32 of each. */
static int64_t mm_percpu_part(struct kco_session *s, const struct linux_mm *mm, const uint8_t *bytes, size_t i)
{
	uint64_t cell, delta, at = mm->layout.f[i].offset + mm->counters;
	unsigned cpus;
	int64_t sum = 0;

	if (at + 8 > mm->layout.size || linux_cpu_count(s, &cpus, NULL))
		return 0;
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		if (!linux_percpu(s, kco_le64(bytes + at), cpu, &cell, NULL) &&
		    !kco_kread_uint(s, cell, 4, &delta, NULL))
			sum += (int32_t)delta;
	return sum;
}

static uint64_t mm_counter(struct kco_session *s, const struct linux_mm *mm, const uint8_t *bytes, size_t i)
{
	int64_t n = (int64_t)linux_layout_get(&mm->layout, bytes, i);

	if (mm->percpu_counters && mm->layout.f[i].size)
		n += mm_percpu_part(s, mm, bytes, i);
	return n > 0 ? (uint64_t)n : 0;
}

/*
 * Words of @size bytes in pairs of a tag and a value, up to the tag 0. 0: these
 * are none. A 32-bit program has them in 32-bit words at the same place.
 */
static size_t mm_auxv_words(const uint8_t *bytes, size_t n, size_t size, uint64_t *ret, size_t max)
{
	size_t words = 0;

	for (size_t at = 0; at + 2 * size <= n && words + 2 <= max; at += 2 * size) {
		uint64_t tag = kco_le_uint(bytes + at, size);

		if (tag > MM_AUXV_TAG_MAX)
			return 0;
		ret[words++] = tag;
		ret[words++] = kco_le_uint(bytes + at + size, size);
		if (!tag)
			return words;
	}
	return words;
}

static void mm_auxv(const struct linux_layout *layout, const uint8_t *bytes, struct kco_mm_info *ret)
{
	const struct kco_field *f = &layout->f[MI_AUXV];

	ret->nr_auxv = mm_auxv_words(bytes + f->offset, f->size, 8, ret->auxv, 64);
	/* An AT_NULL in front means that the low half of the first pair is 64 bits of nothing. */
	if (!ret->nr_auxv)
		ret->nr_auxv = mm_auxv_words(bytes + f->offset, f->size, 4, ret->auxv, 64);
	if (ret->nr_auxv == 2 && !ret->auxv[0])
		ret->nr_auxv = 0;
}

enum kco_status linux_mm_info(struct kco_process *p, struct kco_mm_info *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	const struct linux_mm *mm;
	uint8_t bytes[LINUX_LAYOUT_WINDOW];
	const struct {
		size_t i;
		uint64_t *to;
	} plain[] = {
		{ MI_START_CODE, &ret->start_code },
		{ MI_END_CODE, &ret->end_code },
		{ MI_START_DATA, &ret->start_data },
		{ MI_END_DATA, &ret->end_data },
		{ MI_START_BRK, &ret->start_brk },
		{ MI_BRK, &ret->brk },
		{ MI_START_STACK, &ret->start_stack },
		{ MI_ARG_START, &ret->arg_start },
		{ MI_ARG_END, &ret->arg_end },
		{ MI_ENV_START, &ret->env_start },
		{ MI_ENV_END, &ret->env_end },
		{ MI_TASK_SIZE, &ret->task_size },
		{ MI_PGD, &ret->pgd },
		{ MI_TOTAL_VM, &ret->total_pages },
		{ MI_FLAGS, &ret->flags },
	};
	uint64_t exe;
	enum kco_status st = mm_get(s, &mm, err);

	if (!st)
		st = linux_layout_read(s, &mm->layout, p->mm, bytes, err);
	if (st)
		return st;
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		*plain[i].to = linux_layout_get(&mm->layout, bytes, plain[i].i);
	ret->rss_file = mm_counter(s, mm, bytes, MI_RSS_FILE);
	ret->rss_anon = mm_counter(s, mm, bytes, MI_RSS_ANON);
	ret->rss_shmem = mm_counter(s, mm, bytes, MI_RSS_SHMEM);
	ret->swap = mm_counter(s, mm, bytes, MI_SWAP);
	if (mm->layout.f[MI_AUXV].size)
		mm_auxv(&mm->layout, bytes, ret);
	exe = linux_layout_get(&mm->layout, bytes, MI_EXE);
	return exe ? linux_file(s, exe, &ret->exe, NULL) : KCO_OK;
}
