// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * log: the kernel's ring buffer as dmesg shows it.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct log_opts {
	bool wall, no_time, level_prefix, caller, dict;
	const char *level;
};

struct log_run {
	struct kco_cmd_ctx *ctx;
	const struct log_opts *opts;
	int64_t boot_ns; /* wall clock at the log's time 0, ns since the epoch; with -T */
	unsigned max_level;
	uint64_t next_seq;
	size_t n;
};

static const char *const log_levels[] = { "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug" };

static enum kco_status log_level_parse(const char *word, unsigned *ret, struct kco_err *err)
{
	for (unsigned i = 0; i < 8; i++) {
		if ((word[0] == (char)('0' + i) && !word[1]) || !strcasecmp(word, log_levels[i])) {
			*ret = i;
			return KCO_OK;
		}
	}
	return kco_fail(err, KCO_E_USAGE,
			"'%.40s' is no log level; they are 0 emerg, 1 alert, 2 crit, 3 err, 4 warn, "
			"5 notice, 6 info, 7 debug",
			word);
}

/* -T: what the clock said when the log's clock was 0. */
static enum kco_status log_boot(struct log_run *run, struct kco_err *err)
{
	const struct kco_system_info *info;
	enum kco_status status = kco_system_get(run->ctx->session, &info, err);

	if (status != KCO_OK)
		return kco_context(err, status, "wall clock");
	if (!info->wall_seconds || !info->uptime_ns)
		return kco_fail(err, KCO_E_NOSYM, "the dump does not tell the wall clock's time");
	run->boot_ns = info->wall_seconds * INT64_C(1000000000) + info->wall_nsec - (int64_t)info->uptime_ns;
	return KCO_OK;
}

/* The wall clock at a record, ns since the epoch; negative when that makes no sense. */
static int64_t log_wall_ns(const struct log_run *run, const struct kco_log_record *rec)
{
	return (int64_t)((uint64_t)run->boot_ns + rec->ts_ns);
}

/* The time of a record as date(1) has it, in the user's time zone. */
static void log_wall_text(const struct log_run *run, const struct kco_log_record *rec, char *buf, size_t size)
{
	int64_t ns = log_wall_ns(run, rec);
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;

	if (ns < 0 || !localtime_r(&s, &tm) || !strftime(buf, size, "%a %b %e %H:%M:%S %Z %Y", &tm))
		snprintf(buf, size, "?");
}

/* The same in ISO 8601, UTC. */
static void log_wall_iso(const struct log_run *run, const struct kco_log_record *rec, char *buf, size_t size)
{
	int64_t ns = log_wall_ns(run, rec);
	time_t s = (time_t)(ns / 1000000000);
	char seconds[32];
	struct tm tm;

	if (ns < 0 || !gmtime_r(&s, &tm) || !strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm))
		snprintf(buf, size, "?");
	else
		snprintf(buf, size, "%s.%06uZ", seconds, (unsigned)(ns / 1000 % 1000000));
}

/* What stands in front of the text; how wide it is goes to continuation lines. */
static size_t log_prefix(const struct log_run *run, const struct kco_log_record *rec, char *buf, size_t size)
{
	char wall[64];
	int n = 0;

	buf[0] = '\0';
	if (run->opts->wall && !rec->no_time) {
		log_wall_text(run, rec, wall, sizeof(wall));
		n = snprintf(buf, size, "[%s] ", wall);
	} else if (!run->opts->no_time && !rec->no_time) {
		n = snprintf(buf, size, "[%5" PRIu64 ".%06" PRIu64 "] ", rec->ts_ns / 1000000000,
			     rec->ts_ns / 1000 % 1000000);
	}
	if (run->opts->caller && rec->has_caller && (size_t)n < size) {
		char caller[16];

		snprintf(caller, sizeof(caller), "%c%" PRIu32, rec->caller & UINT32_C(0x80000000) ? 'C' : 'T',
			 rec->caller & UINT32_C(0x7fffffff));
		n += snprintf(buf + n, size - (size_t)n, "[%6s] ", caller);
	}
	if (run->opts->level_prefix && !rec->no_level && (size_t)n < size)
		n += snprintf(buf + n, size - (size_t)n, "<%u>", rec->level);
	return strlen(buf);
}

/* "KEY=value" after "KEY=value", each ended by a NUL; the record's end ends the last. */
static void log_dict(struct kco_out *out, const struct kco_log_record *rec, size_t indent)
{
	const char *p = rec->dict, *end = rec->dict + rec->dict_len;

	while (p && p < end) {
		size_t n = strnlen(p, (size_t)(end - p));

		if (kco_out_json(out)) {
			kco_json_bytes(out, NULL, p, n);
		} else if (n) {
			kco_text(out, "%*s", (int)indent, "");
			kco_text_bytes(out, p, n, (unsigned)indent);
			kco_text(out, "\n");
		}
		p += n + 1;
	}
}

static void log_json_number(struct kco_out *out, const char *key, uint64_t value, bool known)
{
	if (known)
		kco_json_uint(out, key, value);
	else
		kco_json_null(out, key);
}

static void log_json(struct log_run *run, const struct kco_log_record *rec)
{
	struct kco_out *out = run->ctx->out;
	char text[64];

	kco_json_row(out);
	kco_json_uint(out, "seq", rec->seq);
	log_json_number(out, "ts_ns", rec->ts_ns, !rec->no_time);
	log_json_number(out, "level", rec->level, !rec->no_level);
	log_json_number(out, "facility", rec->facility, !rec->no_level);
	if (rec->has_caller) {
		snprintf(text, sizeof(text), "%c%" PRIu32, rec->caller & UINT32_C(0x80000000) ? 'C' : 'T',
			 rec->caller & UINT32_C(0x7fffffff));
		kco_json_str(out, "caller", text);
	} else {
		kco_json_null(out, "caller");
	}
	kco_json_bytes(out, "text", rec->text, rec->text_len);
	if (run->opts->wall) {
		log_wall_iso(run, rec, text, sizeof(text));
		kco_json_str(out, "time", rec->no_time ? NULL : text);
	}
	if (run->opts->dict) {
		kco_json_array(out, "dict");
		log_dict(out, rec, 0);
		kco_json_end(out);
	}
	kco_json_row_end(out);
}

static void log_text(struct log_run *run, const struct kco_log_record *rec)
{
	struct kco_out *out = run->ctx->out;
	char prefix[128];
	size_t indent = log_prefix(run, rec, prefix, sizeof(prefix));

	kco_text(out, "%s", prefix);
	if (!rec->no_level && rec->level <= 2)
		kco_style(out, KCO_STYLE_PANIC);
	else if (!rec->no_level && rec->level <= 4)
		kco_style(out, KCO_STYLE_WARN);
	kco_text_bytes(out, rec->text, rec->text_len, (unsigned)indent);
	kco_style(out, KCO_STYLE_PLAIN);
	kco_text(out, "\n");
	if (run->opts->dict)
		log_dict(out, rec, indent);
}

static bool log_record(void *arg, const struct kco_log_record *rec)
{
	struct log_run *run = arg;
	struct kco_out *out = run->ctx->out;

	if (kco_out_closed(out))
		return false;
	// Records before the first are gone because the ring is full; a hole later on is a fault worth a line.
	if (run->n++ && rec->seq > run->next_seq) {
		kco_style(out, KCO_STYLE_WARN);
		kco_text(out, "<%" PRIu64 " records lost>\n", rec->seq - run->next_seq);
		kco_style(out, KCO_STYLE_PLAIN);
	}
	run->next_seq = rec->seq + 1;
	if (!rec->no_level && rec->level > run->max_level)
		return true;
	if (kco_out_json(out))
		log_json(run, rec);
	else
		log_text(run, rec);
	return true;
}

static enum kco_status log_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct log_opts *opts = ctx->opts;
	struct log_run run = { .ctx = ctx, .opts = opts, .max_level = UINT8_MAX };
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status status = KCO_OK;

	if (opts->wall && opts->no_time)
		return kco_fail(err, KCO_E_USAGE, "-T and -t exclude each other");
	if (opts->level)
		status = log_level_parse(opts->level, &run.max_level, err);
	if (status == KCO_OK && opts->wall)
		status = log_boot(&run, err);
	if (status != KCO_OK)
		return status;
	status = kco_log_each(ctx->session, log_record, &run, &why);
	if (status == KCO_OK || status == KCO_DONE)
		return KCO_OK;
	if (!run.n || status == KCO_E_CANCELLED) {
		if (err)
			*err = why;
		return status;
	}
	kco_row_failed(ctx, status, why.msg);
	return KCO_OK;
}

#define LOG(field) offsetof(struct log_opts, field)
static const struct kco_opt log_optv[] = {
	{ 'T', "wall", KCO_OPT_FLAG, LOG(wall), .help = "wall clock time, in your time zone" },
	{ 't', "no-time", KCO_OPT_FLAG, LOG(no_time), .help = "no time" },
	{ 'm', "prefix", KCO_OPT_FLAG, LOG(level_prefix), .help = "the level of each record as <4>" },
	{ 0, "level", KCO_OPT_STRING, LOG(level), "LEVEL", KCO_WORD_TEXT,
	  .help = "only records as grave as this or graver: 3 or err" },
	{ 'c', "caller", KCO_OPT_FLAG, LOG(caller), .help = "the thread (T1) or CPU (C1) that logged, if recorded" },
	{ 'd', "dict", KCO_OPT_FLAG, LOG(dict), .help = "the records' properties (SUBSYSTEM=, DEVICE=)" },
	{ 0 },
};

static const struct kco_json_field log_json_fields[] = {
	{ "seq", "integer", "sequence number; gaps are lost records" },
	{ "ts_ns", "integer|null", "time, ns of the log's clock (since boot); null: the system's log has no times" },
	{ "level", "integer|null", "0 emerg to 7 debug; null: it has none" },
	{ "facility", "integer|null", "syslog facility, 0 kernel" },
	{ "caller", "string|null", "T and a thread id, or C and a CPU; null when this kernel does not record it" },
	{ "text", "string", "may hold newlines" },
	{ "time", "string|null", "-T: UTC, 2026-11-21T09:16:14.031845Z" },
	{ "dict", "array", "-d: its properties" },
	{ "dict[]", "string", "KEY=value" },
	{ "error", "string", "in a last row of its own: why the rest cannot be read, as a fixed word" },
	{ "why", "string", "the same in words" },
	{ 0 },
};

static const char *const log_aliases[] = { "dmesg", NULL };

const struct kco_cmd kco_cmd_log = {
	.name = "log",
	.aliases = log_aliases,
	.summary = "the kernel log",
	.description =
		"The records of the kernel's ring buffer, the oldest first: the lockless ring of Linux 5.10 and later, "
		"the variable-length records of 3.5 and later. The lines of a record with several are indented below the "
		"first. Control characters leave as \\x1b and the like.\n\n"
		"With -T the time is the machine's wall clock at the crash less the uptime, plus the record's own time: "
		"wrong before a suspend or a change of the clock.",
	.examples = "log\n    all of it\n"
		    "log -T --level err\n    errors and worse, with wall clock time\n"
		    "log | grep -n BUG:\n    searched\n",
	.opts = log_optv,
	.opts_size = sizeof(struct log_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS,
	.features = KCO_FEATURE_LOG,
	.json = log_json_fields,
	.run = log_run,
};
