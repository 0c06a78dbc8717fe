// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The progress line: text, how far, the rate so far and the time left by it.
 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

#define PROGRESS_AFTER 0.3 /* seconds before the line appears */
#define PROGRESS_EVERY 0.1

static struct {
	char what[80];
	double start, shown;
	int width; /* of the line on the screen, 0 none */
} progress;

/* "convert: 42%, 310 MiB/s, 7 s left" */
static int progress_line(const struct kco_progress *p, double took, char *line, size_t size)
{
	uint64_t left = p->total - (p->done < p->total ? p->done : p->total);
	char rate[32] = "";

	if (p->bytes)
		snprintf(rate, sizeof(rate), " %.0f MiB/s,", (double)p->done / took / (1 << 20));
	if (p->total && p->done)
		return snprintf(line, size, "%s: %u%%,%s %.0f s left", p->what,
				(unsigned)((double)p->done * 100 / (double)p->total), rate,
				took / (double)p->done * (double)left);
	return snprintf(line, size, "%s: %" PRIu64, p->what, p->done);
}

void kco_progress(void *arg, const struct kco_progress *p)
{
	double now = kco_program_clock(), took;
	char line[160];
	int n;

	(void)arg;
	if (strncmp(p->what, progress.what, sizeof(progress.what) - 1)) {
		kco_progress_end();
		snprintf(progress.what, sizeof(progress.what), "%s", p->what);
		progress.start = progress.shown = now;
	}
	took = now - progress.start;
	if (took < PROGRESS_AFTER || now - progress.shown < PROGRESS_EVERY || !isatty(STDERR_FILENO))
		return;
	progress.shown = now;
	n = progress_line(p, took, line, sizeof(line));
	if (n >= (int)sizeof(line))
		n = (int)sizeof(line) - 1;
	fprintf(stderr, "\r%s%*s", line, progress.width > n ? progress.width - n : 0, "");
	fflush(stderr);
	progress.width = n;
}

void kco_progress_end(void)
{
	if (progress.width)
		fprintf(stderr, "\r%*s\r", progress.width, "");
	progress.width = 0;
	progress.what[0] = '\0';
}
