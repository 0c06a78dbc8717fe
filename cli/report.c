// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reports. Messages quote the dump and file names, so they are escaped like
 * any other text before a terminal sees them.
 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "progress.h"

#define REPORT_HELD_MAX (64 * 1024)

static struct {
	const char *origin;
	bool hold, ascii;
	char *text; // what waits, NULL nothing
	size_t len;
} report;

static void report_write(const char *s, size_t n)
{
	if (report.hold && report.len + n < REPORT_HELD_MAX) {
		char *text = realloc(report.text, report.len + n + 1);

		if (text) {
			memcpy(text + report.len, s, n);
			report.text = text;
			report.len += n;
			return;
		}
	}
	fwrite(s, 1, n, stderr);
}

static KCO_PRINTF(2, 0) void report_line(const char *prefix, const char *fmt, va_list ap)
{
	char raw[1024], *safe;
	size_t len;
	int n;

	n = vsnprintf(raw, sizeof(raw), fmt, ap);
	if (n < 0)
		return;
	safe = kco_escape_new(raw, strlen(raw), KCO_ESCAPE_KEEP_TAB | (report.ascii ? KCO_ESCAPE_ASCII : 0), &len);
	if (!safe)
		return;
	kco_progress_end();
	report_write(prefix, strlen(prefix));
	if (*prefix && report.origin) {
		report_write(report.origin, strlen(report.origin));
		report_write(": ", 2);
	}
	report_write(safe, len);
	report_write("\n", 1);
	free(safe);
}

void kco_report(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_line("kcodbg: ", fmt, ap);
	va_end(ap);
}

void kco_report_plain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_line("", fmt, ap);
	va_end(ap);
}

void kco_report_origin(const char *origin)
{
	report.origin = origin;
}

void kco_report_ascii(bool ascii)
{
	report.ascii = ascii;
}

void kco_report_hold(bool hold)
{
	report.hold = hold;
	if (hold || !report.text)
		return;
	fwrite(report.text, 1, report.len, stderr);
	free(report.text);
	report.text = NULL;
	report.len = 0;
}
