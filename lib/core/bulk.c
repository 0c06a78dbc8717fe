// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Large reads of kernel memory: one part a worker, each with its own access to
 * the image. The session's thread reads the first.
 */
#include "bulk.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define BULK_PART_MIN (512u << 10) /* below, starting a thread costs more than it brings */
#define BULK_PARTS_MAX 8
#define BULK_PAGE 4096u

struct bulk_part {
	struct kco_session *s;
	struct kco_mem *mem;
	pthread_t thread;
	uint64_t va;
	uint8_t *buf;
	size_t n;
	enum kco_status status;
	struct kco_err err;
};

unsigned kco_session_jobs(const struct kco_session *s)
{
	long jobs = s->opts.jobs;

	if (!jobs)
		jobs = sysconf(_SC_NPROCESSORS_ONLN);
	/* A recording session is told of each page by one thread only. */
	return jobs < 1 || s->opts.touched ? 1 : (unsigned)jobs;
}

/* How many of the @n bytes at @va lie in one piece of physical memory, which begins at @pa. */
static size_t bulk_run(struct kco_mem *mem, const struct kco_space *space, uint64_t va, size_t n, struct kco_paddr *pa)
{
	size_t run = BULK_PAGE - (va & (BULK_PAGE - 1));
	struct kco_paddr next;

	if (!space->form || kco_translate(mem, space, va, pa, NULL, NULL))
		return 0;
	while (run < n && !kco_translate(mem, space, va + run, &next, NULL, NULL) && next.v == pa->v + run)
		run += BULK_PAGE;
	return run < n ? run : n;
}

enum kco_status kco_vread_once(struct kco_mem *mem, const struct kco_space *space, uint64_t va, void *buf, size_t n,
			       size_t *done, struct kco_err *err)
{
	struct kco_reader *rd = kco_mem_reader(mem);
	uint8_t *to = buf;
	enum kco_status st;
	struct kco_paddr pa;
	size_t got = 0, run, part;

	while (got < n && (run = bulk_run(mem, space, va + got, n - got, &pa)) != 0) {
		if (kco_reader_read_once(rd, KCO_PHYS, pa.v, to + got, run, &part, NULL))
			break;
		got += run;
	}
	// What is left could not be read like that: the plain way tells why.
	st = kco_vread(mem, space, va + got, to + got, n - got, &part, err);
	if (done)
		*done = got + part;
	return st;
}

static void *bulk_work(void *arg)
{
	struct bulk_part *part = arg;

	part->status = kco_vread_once(part->mem, &part->s->kernel, part->va, part->buf, part->n, NULL, &part->err);
	return NULL;
}

/* Start a thread for @part, with its own kco_mem; false: the caller reads it itself. */
static bool bulk_start(struct bulk_part *part)
{
	if (kco_mem_new(part->s->image, &part->mem, NULL))
		return false;
	if (!pthread_create(&part->thread, NULL, bulk_work, part))
		return true;
	kco_mem_free(part->mem);
	return false;
}

static enum kco_status bulk_read(struct kco_session *s, uint64_t va, uint8_t *buf, size_t n, struct kco_err *err)
{
	struct bulk_part parts[BULK_PARTS_MAX] = { 0 };
	size_t most = kco_session_jobs(s), nr = n / BULK_PART_MIN, step, started = 1;
	enum kco_status st = KCO_OK;

	if (nr > most)
		nr = most;
	if (nr > BULK_PARTS_MAX)
		nr = BULK_PARTS_MAX;
	if (nr < 1)
		nr = 1;
	step = (n / nr + BULK_PAGE - 1) & ~(size_t)(BULK_PAGE - 1);
	for (size_t i = 0; i < nr; i++) {
		parts[i] = (struct bulk_part){ .s = s, .va = va + i * step, .buf = buf + i * step, .mem = s->mem };
		parts[i].n = i + 1 < nr ? step : n - i * step;
	}
	while (started < nr && bulk_start(&parts[started]))
		started++;
	bulk_work(&parts[0]);
	for (size_t i = started; i < nr; i++) {
		parts[i].mem = s->mem;
		bulk_work(&parts[i]);
	}
	for (size_t i = 1; i < started; i++) {
		pthread_join(parts[i].thread, NULL);
		kco_mem_free(parts[i].mem);
	}
	for (size_t i = 0; i < nr && !st; i++) {
		st = parts[i].status;
		if (st && err)
			*err = parts[i].err;
	}
	return st;
}

enum kco_status kco_kread_bulk_new(struct kco_session *s, uint64_t va, size_t n, void **ret, struct kco_err *err)
{
	void *buf;
	enum kco_status st;

	if (posix_memalign(&buf, BULK_PAGE, n ? n : 1))
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu bytes", n);
#ifdef MADV_POPULATE_WRITE
	/* All of it will be written: one call instead of a fault a page. Kernels before 5.14 refuse, which is as well.
	 */
	(void)madvise(buf, n & ~(size_t)(BULK_PAGE - 1), MADV_POPULATE_WRITE);
#endif
	st = bulk_read(s, va, buf, n, err);
	if (st)
		free(buf);
	else
		*ret = buf;
	return st;
}
