// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What crashed and what the dump is, as labelled rows: for `sys` and `info`.
 */
#ifndef KCO_COMMANDS_SYSROWS_H
#define KCO_COMMANDS_SYSROWS_H

#include <kco/cmd.h>

struct kco_sysrows {
	struct kco_cmd_ctx *ctx;
	const struct kco_image *image;
	const struct kco_system_info *info; /* NULL: the kernel was not found */
	struct kco_err why;		    /* then why */
	char text[512];			    /* scratch */
};

void kco_sysrows_init(struct kco_sysrows *run, struct kco_cmd_ctx *ctx);
/** A label, right-aligned as crash does, and its JSON key (NULL: none) with the same text. */
void kco_sysrow(struct kco_sysrows *run, const char *label, const char *key, const char *text);
/** "255.5 MB", "4 GB": one decimal, none when it is 0. JSON: bytes. 0 bytes: no row, null. */
void kco_sysrow_memory(struct kco_sysrows *run, const char *label, const char *key, uint64_t bytes);
/** crash's labels in crash's order. */
void kco_sysrows_crash(struct kco_sysrows *run);
/** What the file is. */
void kco_sysrows_file(struct kco_sysrows *run);
/** How the kernel was understood. */
void kco_sysrows_found(struct kco_sysrows *run);

/** The keys of all of these. */
#define KCO_SYSROWS_JSON                                                                                              \
	{ "kernel", "string|null", "the vmlinux in use" }, { "dumpfile", "array", "the files of the dump" },          \
		{ "dumpfile[]", "string", "path" }, { "partial", "boolean", "makedumpfile left pages out" },          \
		{ "incomplete", "boolean", "the dump's writer could not finish" },                                    \
		{ "cpus", "integer|null", "CPUs present" },                                                           \
		{ "cpus_online", "integer|null", "CPUs online when it stopped; a panic takes the others offline" },   \
		{ "date", "string|null", "wall clock at the crash, UTC" },                                            \
		{ "uptime_ns", "integer|null", "since boot" },                                                        \
		{ "load_average", "array|null", "over 1, 5 and 15 minutes" },                                         \
		{ "load_average[]", "number", "tasks that ran or wanted to" },                                        \
		{ "tasks", "integer|null", "tasks, idle ones included" }, { "nodename", "string|null", "host name" }, \
		{ "release", "string|null", "kernel release" }, { "version", "string|null", "kernel version" },       \
		{ "machine", "string|null", "architecture as uname has it" },                                         \
		{ "cpu_khz", "integer|null", "clock of the CPUs as the kernel measured it" },                         \
		{ "memory_bytes", "integer|null", "memory of the machine" },                                          \
		{ "panic", "string|null", "why it stopped" },                                                         \
		{ "format", "string", "format of the file, codec, wrappers" },                                        \
		{ "dump_level", "integer|null", "makedumpfile's -d" },                                                \
		{ "build_id", "string|null", "the kernel's build-id" },                                               \
		{ "kaslr", "address|null", "offset of the kernel's addresses" },                                      \
		{ "page_levels", "integer|null", "levels of page tables" },                                           \
	{                                                                                                             \
		"types", "string|null", "where types come from: btf or dwarf"                                         \
	}

#endif
