// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The progress line: text, how far, and the time left by the rate so far.
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

void kco_progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
	double now = kco_program_clock(), took;
	char line[160];
	int n;

	(void)arg;
	if (strncmp(what, progress.what, sizeof(progress.what) - 1)) {
		kco_progress_end();
		snprintf(progress.what, sizeof(progress.what), "%s", what);
		progress.start = progress.shown = now;
	}
	took = now - progress.start;
	if (took < PROGRESS_AFTER || now - progress.shown < PROGRESS_EVERY || !isatty(STDERR_FILENO))
		return;
	progress.shown = now;
	if (total && done)
		n = snprintf(line, sizeof(line), "%s: %u%%, %.0f s left", what, (unsigned)(done * 100 / total),
			     took / (double)done * (double)(total - (done < total ? done : total)));
	else
		n = snprintf(line, sizeof(line), "%s: %" PRIu64, what, done);
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
