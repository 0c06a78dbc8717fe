// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What kcodbg says about itself, on standard error: errors, warnings, notes.
 */
#ifndef KCO_CLI_REPORT_H
#define KCO_CLI_REPORT_H

#include <stdbool.h>

#include <kco/err.h>

/** "kcodbg: ..." on a line of its own, with hostile text escaped. */
void kco_report(const char *fmt, ...) KCO_PRINTF(1, 2);
/** Lines without the prefix (statistics). */
void kco_report_plain(const char *fmt, ...) KCO_PRINTF(1, 2);

/** Where commands come from ("FILE:12"), put in front of each report; NULL: nowhere special. Borrowed. */
void kco_report_origin(const char *origin);

/** The terminal is not UTF-8: nothing but ASCII from now on. */
void kco_report_ascii(bool ascii);

/** Between true and false, while a pager owns the screen, reports wait. */
void kco_report_hold(bool hold);

#endif
