// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The options of the program itself: a table like those of the commands.
 */
#ifndef KCO_CLI_GLOBALS_H
#define KCO_CLI_GLOBALS_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/cmd.h>

enum kco_color_when { KCO_COLOR_AUTO, KCO_COLOR_ALWAYS, KCO_COLOR_NEVER };
enum kco_types_from { KCO_TYPES_AUTO, KCO_TYPES_BTF, KCO_TYPES_DWARF, KCO_TYPES_CTF };

struct kco_globals {
	bool json, no_pager, stats, help;
	int color; /* enum kco_color_when */

	bool quiet, version, zero_excluded;
	struct kco_words dumps, scripts;
	const char *symbols, *format, *vmcoreinfo, *debug_dir, *sysroot;
	uint64_t raw_base, kaslr, phys_base;
	bool has_kaslr, has_phys_base, has_raw_base;
	int types; /* enum kco_types_from */
	int64_t jobs;
};

/** All of them, offsets in struct kco_globals; ends with help NULL. */
extern const struct kco_opt kco_globals_all[];
/** Those that may go with each command of a shell or script. */
extern const struct kco_opt kco_globals_line[];

#endif
