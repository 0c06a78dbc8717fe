// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of global options. Help, the man page and the completion are made
 * from it.
 */
#include "globals.h"

static const char *const globals_color[] = { "auto", "always", "never", NULL };
static const char *const globals_types[] = { "auto", "btf", "dwarf", "ctf", NULL };

#define FIELD(name) .offset = offsetof(struct kco_globals, name)

/* clang-format off */
#define GLOBALS_LINE \
	{ 0, "json", KCO_OPT_FLAG, FIELD(json), \
	  .help = "write JSON Lines, one object a row" }, \
	{ 0, "color", KCO_OPT_CHOICE, FIELD(color), .metavar = "WHEN", .choices = globals_color, \
	  .help = "auto (on a terminal, unless $NO_COLOR is set), always, or never" }, \
	{ 0, "no-pager", KCO_OPT_FLAG, FIELD(no_pager), \
	  .help = "never put $PAGER (else less) between long output and the terminal" }, \
	{ 0, "stats", KCO_OPT_FLAG, FIELD(stats), \
	  .help = "tell time, memory and page cache use on standard error" }, \
	{ 'h', "help", KCO_OPT_FLAG, FIELD(help), \
	  .help = "describe the command (or, without one, the program) and exit" }

#define GLOBALS_SESSION \
	{ 'c', "core", KCO_OPT_LIST, FIELD(dumps), .metavar = "FILE", .word = KCO_WORD_FILE, \
	  .help = "the dump; repeat it for the members of a split set" }, \
	{ 's', "symbols", KCO_OPT_STRING, FIELD(symbols), .metavar = "FILE", .word = KCO_WORD_FILE, \
	  .help = "the kernel's file (vmlinux, kernel.debug, netbsd.gdb, ...); found by itself when it is installed" }, \
	{ 'x', "execute", KCO_OPT_LIST, FIELD(scripts), .metavar = "FILE", .word = KCO_WORD_FILE, \
	  .help = "run the commands of a file (- is standard input) and exit" }, \
	{ 0, "format", KCO_OPT_STRING, FIELD(format), .metavar = "NAME", \
	  .help = "take the dump for this format instead of looking; see `help formats`" }, \
	{ 0, "raw-base", KCO_OPT_ADDR, FIELD(raw_base), .metavar = "ADDR", \
	  .seen = offsetof(struct kco_globals, has_raw_base), \
	  .help = "the dump is raw memory whose first byte has this physical address" }, \
	{ 0, "vmcoreinfo", KCO_OPT_STRING, FIELD(vmcoreinfo), .metavar = "FILE", .word = KCO_WORD_FILE, \
	  .help = "a text to use instead of the dump's own VMCOREINFO" }, \
	{ 0, "kaslr", KCO_OPT_ADDR, FIELD(kaslr), .metavar = "OFFSET", \
	  .seen = offsetof(struct kco_globals, has_kaslr), \
	  .help = "how far the kernel's virtual addresses were moved" }, \
	{ 0, "phys-base", KCO_OPT_ADDR, FIELD(phys_base), .metavar = "ADDR", \
	  .seen = offsetof(struct kco_globals, has_phys_base), \
	  .help = "how far the kernel was moved in physical memory, in hexadecimal (may be negative)" }, \
	{ 0, "debug-dir", KCO_OPT_STRING, FIELD(debug_dir), .metavar = "DIR", .word = KCO_WORD_FILE, \
	  .help = "where to look for the kernel's file and for programs' debug information (default /usr/lib/debug)" }, \
	{ 0, "sysroot", KCO_OPT_STRING, FIELD(sysroot), .metavar = "DIR", .word = KCO_WORD_FILE, \
	  .help = "a copy of the crashed machine's files: programs and libraries of its processes, a BSD's kernel" }, \
	{ 0, "types", KCO_OPT_CHOICE, FIELD(types), .metavar = "SOURCE", .choices = globals_types, \
	  .help = "where types come from: btf (in the dump), dwarf or ctf (in the kernel's file), or auto (in this order)" }, \
	{ 0, "zero-excluded", KCO_OPT_FLAG, FIELD(zero_excluded), \
	  .help = "read pages that the dump's filter left out as zeros, instead of failing" }, \
	{ 0, "jobs", KCO_OPT_INT, FIELD(jobs), .metavar = "N", .word = KCO_WORD_NUMBER, \
	  .help = "workers for bulk work (default: as many as CPUs)" }, \
	{ 'q', "quiet", KCO_OPT_FLAG, FIELD(quiet), \
	  .help = "no banner and no warnings" }, \
	{ 0, "version", KCO_OPT_FLAG, FIELD(version), \
	  .help = "print the version and exit" }
/* clang-format on */

const struct kco_opt kco_globals_all[] = { GLOBALS_LINE, GLOBALS_SESSION, { 0 } };
const struct kco_opt kco_globals_line[] = { GLOBALS_LINE, { 0 } };
