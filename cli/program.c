// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening and closing the session, and what --stats tells about it.
 */
#include "program.h"

#include <sys/resource.h>
#include <time.h>

#include "interrupt.h"
#include "progress.h"
#include "report.h"

#define PROGRAM_JOBS_MAX 1024

void kco_program_worsen(struct kco_program *p, int status)
{
	if (status > p->exit_status)
		p->exit_status = status;
}

static void program_warn(void *arg, const char *msg)
{
	const struct kco_program *p = arg;

	if (!p->globals.quiet)
		kco_report("warning: %s", msg);
}

/* As a session calls them, by enum kco_types_from. */
static const char *const program_types[] = {
	[KCO_TYPES_AUTO] = NULL,
	[KCO_TYPES_BTF] = "btf",
	[KCO_TYPES_DWARF] = "dwarf",
	[KCO_TYPES_CTF] = "ctf",
};

int kco_program_open(struct kco_program *p, const struct kco_target *target)
{
	const struct kco_globals *g = &p->globals;
	struct kco_session_options opts = {
		.dumps = target->dumps,
		.nr_dumps = target->nr_dumps,
		.vmlinux = target->symbols,
		.debug_dir = g->debug_dir,
		.sysroot = g->sysroot,
		.types = program_types[g->types],
		.vmcoreinfo = g->vmcoreinfo,
		.has_kaslr = g->has_kaslr,
		.has_phys_base = g->has_phys_base,
		.kaslr = g->kaslr,
		.phys_base = g->phys_base,
		.jobs = (unsigned)g->jobs,
		.formats = p->formats,
		.progress = kco_progress,
		.image = {
			.format = g->format ? g->format : g->has_raw_base ? "raw" : NULL,
			.raw_base = g->raw_base,
			.zero_excluded = g->zero_excluded,
			.parts_beside = target->parts_beside,
			.warn = program_warn,
			.warn_arg = p,
		},
	};
	struct kco_err err = KCO_ERR_INIT;
	enum kco_status st = KCO_OK;

	if (g->jobs < 0 || g->jobs > PROGRAM_JOBS_MAX)
		st = kco_fail(&err, KCO_E_USAGE, "--jobs: %lld is not between 0 (as many as CPUs) and %d",
			      (long long)g->jobs, PROGRAM_JOBS_MAX);
	if (!st)
		st = kco_target_check(target, &err);
	if (!st)
		st = kco_session_open_new(&opts, &p->session, &err);
	if (!st)
		return KCO_EXIT_OK;
	kco_report("%s", err.msg);
	kco_program_worsen(p, st == KCO_E_USAGE ? KCO_EXIT_USAGE : KCO_EXIT_OPEN);
	return p->exit_status;
}

void kco_program_close(struct kco_program *p)
{
	kco_interrupt_remove();
	kco_session_free(p->session);
	p->session = NULL;
	kco_arena_fini(&p->arena);
}

double kco_program_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void kco_program_stats(const struct kco_program *p, double start)
{
	struct kco_cache_stats cache = { 0 };
	struct rusage ru = { 0 };

	getrusage(RUSAGE_SELF, &ru);
	if (p->session)
		kco_image_cache_stats(kco_session_image(p->session), &cache);
	kco_report_plain("stats: %.3f s, %.3f s on cpu, peak %.1f MiB, page cache %llu hits, %llu misses, %.1f MiB",
			 kco_program_clock() - start,
			 (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
				 (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6,
			 (double)ru.ru_maxrss / 1024, (unsigned long long)cache.hits, (unsigned long long)cache.misses,
			 (double)cache.bytes / (1024 * 1024));
}
