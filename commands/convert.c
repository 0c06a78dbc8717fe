// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * convert: write the dump, or a part of it, as another file.
 *
 * With --touched the dump is opened once more in a session that notes every
 * page, the commands run on that one, and its notes become the new file. Core
 * files of processes are those of process save-core.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <kco/convert.h>
#include <kco/format.h>
#include <kco/outfile.h>
#include <kco/record.h>

#include "process.h"
#include "savecore.h"

struct convert_opts {
	const char *touched, *output, *format;
	int64_t level, filter, split, pid;
	int codec;
	bool force, keep_going, has_codec, flatten, has_split, redact, redact_names, has_pid;
};

/* What --redact leaves as it is: whoever hands the dump on should know. */
static const char *const convert_kept[] = {
	"the log, names of the machine, its users' programs and devices",
	"kernel stacks, with the general registers of user mode",
	"the kernel's objects in use: file system metadata, terminal input, keys of disks and connections",
};

static const char *const convert_codecs[] = { "none", "zlib", "lzo", "snappy", "zstd", NULL };

/* The next command of "bt --all; ps", with ';' in quotes left alone; NULL at the end. */
static const char *convert_next(struct kco_arena *arena, const char **p)
{
	const char *start = *p;
	char quote = '\0';

	if (!*start)
		return NULL;
	for (; **p && (quote || **p != ';'); (*p)++) {
		if (quote && **p == quote)
			quote = '\0';
		else if (!quote && (**p == '\'' || **p == '"'))
			quote = **p;
	}
	start += strspn(start, " \t");
	return kco_arena_strndup(arena, start, (size_t)((*p)++ - start));
}

/* Run the commands on the recording session. The cursor may not step over the NUL. */
static enum kco_status convert_record(struct kco_cmd_ctx *ctx, struct kco_session *session, const char *lines,
				      struct kco_err *err)
{
	struct kco_cmd_ctx inner = *ctx;
	size_t n = strlen(lines), ran = 0;
	const char *p = lines;

	inner.session = session;
	inner.failed_rows = 0;
	while (p < lines + n) {
		const char *line = convert_next(ctx->arena, &p);
		enum kco_status status;

		if (!line)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		if (!*line)
			continue;
		status = inner.run_line(&inner, line, err);
		if (status != KCO_OK)
			return kco_context(err, status, "%s", line);
		ran++;
	}
	if (!ran)
		return kco_fail(err, KCO_E_USAGE, "--touched names no command");
	if (inner.failed_rows)
		kco_session_warn(ctx->session,
				 "%zu row%s of the commands could not be made; the new dump has what they could read",
				 inner.failed_rows, inner.failed_rows == 1 ? "" : "s");
	return KCO_OK;
}

/* Where the dump goes, as far as the words tell. */
static enum kco_status convert_target(struct kco_cmd_ctx *ctx, struct kco_dump_target *to, struct kco_err *err)
{
	const struct convert_opts *opts = ctx->opts;
	bool stream = !strcmp(opts->output, "-");

	*to = (struct kco_dump_target){ .path = stream ? NULL : opts->output,
					.replace = opts->force,
					.fd = -1,
					.wrapper = opts->flatten ? "flattened" : NULL,
					.parts = (unsigned)opts->split };
	if (opts->has_split && (opts->split < 2 || opts->split > KCO_DUMP_PARTS_MAX))
		return kco_fail(err, KCO_E_USAGE, "--split takes 2 to %d files", KCO_DUMP_PARTS_MAX);
	if (opts->has_split && opts->touched)
		return kco_fail(err, KCO_E_USAGE, "--touched writes one file, it does not go with --split");
	if (!stream)
		return KCO_OK;
	if (!opts->flatten)
		return kco_fail(err, KCO_E_USAGE, "-o - needs --flatten: other files are not written front to back");
	if (opts->has_split)
		return kco_fail(err, KCO_E_USAGE, "--split needs names for its files, not -o -");
	if (kco_out_json(ctx->out))
		return kco_fail(err, KCO_E_USAGE, "-o - and --json both want standard output");
	to->fd = kco_out_stream(ctx->out);
	return to->fd >= 0 ? KCO_OK : kco_fail(err, KCO_E_CANCELLED, "nobody reads the output");
}

static enum kco_redact_level convert_redact_level(const struct convert_opts *opts)
{
	return opts->redact_names ? KCO_REDACT_NAMES : opts->redact ? KCO_REDACT_SECRETS : KCO_REDACT_NOT;
}

/* What became of memory that others may not see. */
static const struct convert_redacted {
	const char *name, *group, *text; /* group: begins a line */
	size_t offset;
} convert_redacted[] = {
#define CONVERT_REDACTED(member, group, text)                                   \
	{                                                                       \
#member, group, text, offsetof(struct kco_redact_stats, member) \
	}
	CONVERT_REDACTED(user, "pages left out", "processes"),
	CONVERT_REDACTED(cache, NULL, "page cache"),
	CONVERT_REDACTED(compressed, NULL, "compressed"),
	CONVERT_REDACTED(free, NULL, "free"),
	CONVERT_REDACTED(buffers, NULL, "buffers"),
	CONVERT_REDACTED(lost, NULL, "unknown"),
	CONVERT_REDACTED(slab, "pages kept", "objects"),
	CONVERT_REDACTED(tables, NULL, "page tables"),
	CONVERT_REDACTED(mapped, NULL, "stacks and per-CPU data"),
	CONVERT_REDACTED(reserved, NULL, "kernel image and boot"),
	CONVERT_REDACTED(unmanaged, NULL, "firmware"),
	CONVERT_REDACTED(registers, "blank in these", "vector registers"),
	CONVERT_REDACTED(keys, NULL, "keys"),
	CONVERT_REDACTED(pools, NULL, "entropy pools"),
	CONVERT_REDACTED(objects, NULL, "free objects"),
	CONVERT_REDACTED(packets, NULL, "network packets"),
	CONVERT_REDACTED(names, NULL, "file names"),
	CONVERT_REDACTED(bytes, NULL, "bytes in all"),
#undef CONVERT_REDACTED
};

static void convert_redact_show(struct kco_cmd_ctx *ctx, const struct kco_redact_stats *stats)
{
	if (!convert_redact_level(ctx->opts))
		return;
	kco_json_object(ctx->out, "redacted");
	for (size_t i = 0; i < sizeof(convert_redacted) / sizeof(*convert_redacted); i++) {
		const struct convert_redacted *row = &convert_redacted[i];
		uint64_t n = *(const uint64_t *)((const char *)stats + row->offset);

		if (row->group && i)
			kco_text(ctx->out, "\n");
		if (row->group)
			kco_text(ctx->out, "  %s: ", row->group);
		kco_text(ctx->out, "%s%s %" PRIu64, row->group ? "" : ", ", row->text, n);
		kco_json_uint(ctx->out, row->name, n);
	}
	kco_text(ctx->out, "\n");
	for (size_t i = 0; i < sizeof(convert_kept) / sizeof(*convert_kept); i++)
		kco_text(ctx->out, "  kept: %s\n", convert_kept[i]);
	kco_json_array(ctx->out, "not_found");
	for (size_t i = 0; i < stats->nr_kept; i++) {
		kco_text(ctx->out, "  kept, since it could not be found: %s\n", stats->kept[i]);
		kco_json_str(ctx->out, NULL, stats->kept[i]);
		ctx->failed_rows++;
	}
	kco_json_end(ctx->out);
	kco_json_end(ctx->out);
}

/* How many bytes where, unless the dump itself went there. */
static void convert_show(struct kco_cmd_ctx *ctx, const char *path, const char *format,
			 const struct kco_recording_stats *stats)
{
	struct kco_out *out = ctx->out;

	if (!strcmp(path, "-"))
		return;
	kco_text(out, "%s: %s, %" PRIu64 " pages of %" PRIu64 " bytes, %" PRIu64 " bytes\n", path, format, stats->pages,
		 stats->page_size, stats->file_size);
	if (stats->lost)
		kco_text(out, "  %" PRIu64 " pages were read in part only and are not in it\n", stats->lost);
	kco_json_row(out);
	kco_json_str(out, "file", path);
	kco_json_str(out, "format", format);
	kco_json_uint(out, "pages", stats->pages);
	kco_json_uint(out, "page_size", stats->page_size);
	kco_json_uint(out, "bytes", stats->file_size);
	kco_json_uint(out, "lost_pages", stats->lost);
	convert_redact_show(ctx, &stats->redact);
	kco_json_row_end(out);
}

/* What would be refused in the end, before the work is done. */
static enum kco_status convert_check(struct kco_cmd_ctx *ctx, const char *format, struct kco_dump_target *to,
				     struct kco_err *err)
{
	const struct convert_opts *opts = ctx->opts;
	bool known = false;
	enum kco_status status;

	if (opts->filter < 0 || opts->filter > KCO_FILTER_MAX)
		return kco_fail(
			err, KCO_E_USAGE,
			"-d takes 0 to %d, a sum of 1 zero pages, 2 page cache, 4 private page cache, 8 processes, 16 free pages",
			KCO_FILTER_MAX);
	if (!opts->output || ctx->argc)
		return kco_fail(err, KCO_E_USAGE, "wanted is -o FILE");
	if (opts->touched && !ctx->run_line)
		return kco_fail(err, KCO_E_USAGE, "convert cannot be run by another command");
	for (const struct kco_format_ops *const *f = ctx->formats; f && *f; f++)
		known |= (*f)->write && !strcmp((*f)->name, format);
	if (!known)
		return kco_fail(err, KCO_E_USAGE, "'%.40s' is no format that can be written; `help formats` lists them",
				format);
	status = convert_target(ctx, to, err);
	if (status != KCO_OK)
		return status;
	for (unsigned i = 1; !opts->force && to->path && i <= (to->parts ? to->parts : 1); i++) {
		const char *path = to->parts ? kco_arena_printf(ctx->arena, "%s.%u", to->path, i) : to->path;

		if (path && access(path, F_OK) == 0)
			return kco_fail(err, KCO_E_USAGE, "%s exists; --force replaces it", path);
	}
	return kco_dump_target_check(ctx->session, format, to, err);
}

static void convert_damaged(void *arg, uint64_t first, uint64_t last, const struct kco_err *why)
{
	struct kco_cmd_ctx *ctx = arg;
	const struct convert_opts *opts = ctx->opts;
	char text[64];

	snprintf(text, sizeof(text), "%#" PRIx64 " to %#" PRIx64 " left out", first, last);
	if (!strcmp(opts->output, "-")) {
		kco_session_warn(ctx->session, "%s: %s", text, kco_status_name(why->code));
		ctx->failed_rows++;
		return;
	}
	kco_json_row(ctx->out);
	kco_json_addr(ctx->out, "first", first);
	kco_json_addr(ctx->out, "last", last);
	kco_row_failed(ctx, why->code, text);
	kco_json_row_end(ctx->out);
}

static void convert_filter_show(struct kco_cmd_ctx *ctx, const struct kco_filter_stats *f)
{
	const struct {
		const char *name;
		uint64_t pages;
	} rows[] = { { "page cache", f->cache },  { "private page cache", f->cache_private },
		     { "processes", f->user },	  { "free", f->free },
		     { "hwpoison", f->hwpoison }, { "offline", f->offline } };
	bool any = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!rows[i].pages)
			continue;
		kco_text(ctx->out, "%s%s %" PRIu64, any ? ", " : "  pages left out: ", rows[i].name, rows[i].pages);
		any = true;
	}
	if (any)
		kco_text(ctx->out, "\n");
}

static void convert_show_whole(struct kco_cmd_ctx *ctx, const char *format, const struct kco_convert_stats *stats)
{
	const struct convert_opts *opts = ctx->opts;
	const struct kco_filter_stats *filter = &stats->filter;

	if (!strcmp(opts->output, "-"))
		return;
	if (opts->split)
		kco_text(ctx->out, "%s.1 to %s.%" PRId64, opts->output, opts->output, opts->split);
	else
		kco_text(ctx->out, "%s", opts->output);
	kco_text(ctx->out, ": %s, %" PRIu64 " bytes of memory, %" PRIu64 " bytes\n", format, stats->bytes,
		 stats->file_size);
	convert_filter_show(ctx, filter);
	if (stats->damaged)
		kco_text(ctx->out, "  %" PRIu64 " bytes of memory could not be read and are not in it\n",
			 stats->damaged);
	kco_json_row(ctx->out);
	kco_json_str(ctx->out, "file", opts->output);
	kco_json_str(ctx->out, "format", format);
	if (opts->split)
		kco_json_int(ctx->out, "parts", opts->split);
	kco_json_uint(ctx->out, "memory_bytes", stats->bytes);
	kco_json_uint(ctx->out, "bytes", stats->file_size);
	kco_json_uint(ctx->out, "damaged_bytes", stats->damaged);
	kco_json_object(ctx->out, "left_out");
	kco_json_uint(ctx->out, "cache", filter->cache);
	kco_json_uint(ctx->out, "cache_private", filter->cache_private);
	kco_json_uint(ctx->out, "user", filter->user);
	kco_json_uint(ctx->out, "free", filter->free);
	kco_json_uint(ctx->out, "hwpoison", filter->hwpoison);
	kco_json_uint(ctx->out, "offline", filter->offline);
	kco_json_end(ctx->out);
	convert_redact_show(ctx, &stats->redact);
	kco_json_row_end(ctx->out);
}

/* All of the dump. */
static enum kco_status convert_whole(struct kco_cmd_ctx *ctx, const char *format, const struct kco_dump_target *to,
				     struct kco_err *err)
{
	const struct convert_opts *opts = ctx->opts;
	static const enum kco_codec_id ids[] = { KCO_CODEC_NONE, KCO_CODEC_ZLIB, KCO_CODEC_LZO, KCO_CODEC_SNAPPY,
						 KCO_CODEC_ZSTD };
	struct kco_convert_options how = {
		.format = format,
		.to = *to,
		.codec = opts->has_codec ? ids[opts->codec] : KCO_CODEC_ZSTD,
		.level = (int)opts->level,
		.filter = (unsigned)opts->filter,
		.redact = convert_redact_level(opts),
		.keep_going = opts->keep_going,
		.damaged = convert_damaged,
		.damaged_arg = ctx,
	};
	struct kco_convert_stats stats;
	enum kco_status status = kco_convert(ctx->session, &how, &stats, err);

	if (status == KCO_OK)
		convert_show_whole(ctx, format, &stats);
	return status;
}

/* One process, or all into a folder: as `process save-core`. */
static enum kco_status convert_cores(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct convert_opts *opts = ctx->opts;
	struct kco_process *p;
	enum kco_status status;

	if (!opts->output || ctx->argc)
		return kco_fail(err, KCO_E_USAGE, "wanted is -o FILE with -p PID, or -o DIR for all processes");
	if (opts->touched || opts->redact || opts->redact_names || opts->flatten || opts->has_split ||
	    opts->has_codec || opts->filter || opts->keep_going)
		return kco_fail(err, KCO_E_USAGE, "-t core goes with -p, -o and -f only");
	status = kco_session_need(ctx->session, KCO_NEED_OS | KCO_NEED_TASKS, err);
	if (status == KCO_OK)
		status = kco_cmd_check_os(ctx->session, KCO_FEATURE_CORE, "convert -t core", err);
	if (status == KCO_OK && !opts->has_pid)
		return kco_save_cores(ctx, opts->output, opts->force, err);
	if (status == KCO_OK)
		status = kco_current_process(ctx, true, opts->pid, &p, err);
	return status == KCO_OK ? kco_save_core(ctx, p, opts->output, opts->force, err) : status;
}

static enum kco_status convert_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct convert_opts *opts = ctx->opts;
	const char *format = opts->format ? opts->format : "kdump";
	struct kco_recording_stats stats = { 0 };
	struct kco_recording *rec;
	struct kco_dump_target to;
	enum kco_status status;

	if (!strcmp(format, "core"))
		return convert_cores(ctx, err);
	if (opts->has_pid)
		return kco_fail(err, KCO_E_USAGE, "-p is for -t core: other formats have no processes");
	status = convert_check(ctx, format, &to, err);
	if (status != KCO_OK)
		return status;
	if (!opts->touched)
		return convert_whole(ctx, format, &to, err);
	status = kco_recording_new(ctx->session, &rec, err);
	if (status != KCO_OK)
		return status;
	kco_recording_redact(rec, convert_redact_level(opts));
	status = convert_record(ctx, kco_recording_session(rec), opts->touched, err);
	if (status == KCO_OK)
		status = kco_recording_write(rec, format, &to, &stats, err);
	kco_recording_free(rec);
	if (status == KCO_OK)
		convert_show(ctx, opts->output, format, &stats);
	return status;
}

#define CONVERT(field) offsetof(struct convert_opts, field)
static const struct kco_opt convert_optv[] = {
	{ 0, "touched", KCO_OPT_STRING, CONVERT(touched), "COMMANDS", KCO_WORD_TEXT,
	  .help = "only the pages that these commands read: 'bt --all; ps; log'" },
	{ 'o', "output", KCO_OPT_STRING, CONVERT(output), "FILE", KCO_WORD_FILE,
	  .help = "the file to write; - is standard output" },
	{ 't', "to", KCO_OPT_STRING, CONVERT(format), "FORMAT", KCO_WORD_TEXT, .help = "its format (kdump)" },
	{ 'p', "pid", KCO_OPT_INT, CONVERT(pid), "PID", KCO_WORD_TASK,
	  .help = "-t core: this process; all of them without it", .seen = CONVERT(has_pid) },
	{ 'd', "dump-level", KCO_OPT_INT, CONVERT(filter), "LEVEL", KCO_WORD_NUMBER,
	  .help = "leave out, added up: 1 zeros, 2 page cache, 4 private page cache, 8 processes, 16 free pages" },
	{ 'c', "codec", KCO_OPT_CHOICE, CONVERT(codec), "CODEC", KCO_WORD_TEXT, convert_codecs,
	  .help = "how a kdump's pages are compressed: none, zlib, lzo, snappy, zstd (the default)",
	  .seen = CONVERT(has_codec) },
	{ 'l', "level", KCO_OPT_INT, CONVERT(level), "N", KCO_WORD_NUMBER,
	  .help = "how hard zstd and zlib compress (1)" },
	{ 0, "flatten", KCO_OPT_FLAG, CONVERT(flatten),
	  .help = "as makedumpfile's flattened stream, which is written front to back: for -o -" },
	{ 0, "split", KCO_OPT_INT, CONVERT(split), "N", KCO_WORD_NUMBER,
	  .help = "N kdump files with a part of the pages each: FILE.1 to FILE.N", .seen = CONVERT(has_split) },
	{ 'k', "keep-going", KCO_OPT_FLAG, CONVERT(keep_going),
	  .help = "leave out what cannot be read, and say what; all is read once before it is written" },
	{ 0, "redact", KCO_OPT_FLAG, CONVERT(redact),
	  .help = "for others to see: without memory of processes, files and devices, without keys" },
	{ 0, "redact-names", KCO_OPT_FLAG, CONVERT(redact_names), .help = "--redact, and without names of files" },
	{ 'f', "force", KCO_OPT_FLAG, CONVERT(force),
	  .help = "replace an existing file, but no device and not the dump" },
	{ 0 },
};

static const struct kco_json_field convert_json_fields[] = {
	{ "file", "string", "the file written" },
	{ "format", "string", "its format" },
	{ "parts", "integer", "--split: the files are named as file says, with .1 to .parts behind" },
	{ "memory_bytes", "integer", "memory in it" },
	{ "bytes", "integer", "size of the file" },
	{ "damaged_bytes", "integer", "-k: memory that could not be read and is not in it" },
	{ "left_out", "object", "-d: pages that the filter left out, by reason" },
	{ "left_out.cache", "integer", "page cache" },
	{ "left_out.cache_private", "integer", "page cache with private data" },
	{ "left_out.user", "integer", "memory of processes" },
	{ "left_out.free", "integer", "free" },
	{ "left_out.hwpoison", "integer", "of broken memory" },
	{ "left_out.offline", "integer", "given back to a hypervisor" },
	{ "redacted", "object", "--redact: what became of pages, ..." },
	{ "redacted.user", "integer", "left out: memory of processes" },
	{ "redacted.cache", "integer", "left out: page cache" },
	{ "redacted.compressed", "integer", "left out: compressed memory (zram, zswap)" },
	{ "redacted.free", "integer", "left out: free" },
	{ "redacted.buffers", "integer",
	  "left out: taken from the page allocator or kmalloc() for what cannot be told" },
	{ "redacted.lost", "integer", "left out: it cannot be told what they are" },
	{ "redacted.slab", "integer", "kept: objects of the kernel" },
	{ "redacted.tables", "integer", "kept: page tables" },
	{ "redacted.mapped", "integer", "kept: stacks, per-CPU data, modules" },
	{ "redacted.reserved", "integer", "kept: the kernel's image and what it took when it booted" },
	{ "redacted.unmanaged", "integer", "kept: firmware's, which the kernel never gives out" },
	{ "redacted.registers", "integer", "... and what is blank: tasks whose vector registers are" },
	{ "redacted.keys", "integer", "keys of keyrings" },
	{ "redacted.pools", "integer", "pools of entropy" },
	{ "redacted.objects", "integer", "free objects of the kernel" },
	{ "redacted.packets", "integer", "network packets" },
	{ "redacted.names", "integer", "names of files" },
	{ "redacted.bytes", "integer", "bytes of all these" },
	{ "redacted.not_found", "array", "what is not blank since it could not be found" },
	// Of a core file.
	KCO_SAVECORE_JSON,
	{ "first", "address", "-k: a row for each stretch of memory that was left out: its first byte ..." },
	{ "last", "address", "... and its last" },
	{ "pages", "integer", "--touched, -t core: pages in it" },
	{ "page_size", "integer", "--touched: bytes of a page" },
	{ "lost_pages", "integer", "--touched: pages that could be read in part only and are not in it" },
	{ 0 },
};

const struct kco_cmd kco_cmd_convert = {
	.name = "convert",
	.summary = "write the dump, or a part of it, as another dump",
	.description =
		"All memory that the dump holds, with its notes, in another format: an ELF core for gdb, crash and drgn, a "
		"kdump-compressed file, LiME or raw memory. ELF files carry the kernel's virtual addresses, if the kernel "
		"is found. Pages that are packed by the wanted codec already are copied as they are. Every core works, and "
		"what comes out does not depend on their number.\n\n"
		"With --touched, runs the commands and writes the pages of memory that they read, with the dump's notes, "
		"to a new dump. The same commands give the same output on it; what they did not read is \"not saved\" "
		"there. A report about a crash needs a few MB that way, instead of the machine's memory.\n\n"
		"--redact is for dumps that others are to see. What stays is what is certain to be the kernel's own: its "
		"image, objects, stacks, page tables, per-CPU data. Memory of processes, page cache, compressed and free "
		"memory, buffers and pages that nobody can tell the owner of are left out; vector registers, the payload of "
		"keys, entropy and freed objects are blank; --redact-names takes the names of files as well. It says what it "
		"left out and what it kept. Linux on x86_64.\n\n"
		"--flatten makes it a stream that a pipe takes: readers of dumps and makedumpfile -R know it. --split "
		"makes several files, which are opened together.\n\n"
		"-t core writes processes instead: one with -p, or all of them into the folder that -o names, as `process "
		"save-core` does.\n\n"
		"The new file is readable by its owner only: it may hold anything that memory held. It appears under its "
		"name when it is complete.",
	.examples = "convert -t elf -o vmcore.elf vmcore\n    for gdb\n"
		    "convert -c lzo -o small.kdump vmcore.elf\n    compressed\n"
		    "convert --flatten -o - vmcore | ssh host 'cat > vmcore.flat'\n    elsewhere, without a file here\n"
		    "convert --touched 'bt --all; ps; log; mod; sys' -o small.kdump\n    what a bug report needs\n"
		    "convert -t core -o cores vmcore\n    every process, for gdb and LLDB\n"
		    "convert --redact -o vmcore.public\n    for someone who may not see what programs did\n"
		    "convert --touched 'bt -l 1234' -o one.kdump --force\n    one stack, over an older file\n",
	.opts = convert_optv,
	.opts_size = sizeof(struct convert_opts),
	.needs = KCO_NEED_IMAGE,
	.json = convert_json_fields,
	.run = convert_run,
};
