// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of dump formats. Only a composition root (cli/main.c, a test, a
 * program that uses libkco) names it and hands it to the session.
 */
#ifndef KCO_FORMATS_H
#define KCO_FORMATS_H

#include <kco/format.h>

/** NULL-terminated, in the order of formats.def. */
extern const struct kco_format_ops *const kco_formats[];

#endif
