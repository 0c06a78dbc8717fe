// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Running commands: parse the options, meet the needs, give the command a sink,
 * and make an exit status of what it did.
 */
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "interrupt.h"
#include "options.h"
#include "out.h"
#include "progress.h"
#include "report.h"
#include "writer.h"

/* What a command's error means to a script. */
static int dispatch_exit_status(enum kco_status st)
{
	switch (st) {
	case KCO_OK:
	case KCO_DONE:
		return KCO_EXIT_OK;
	case KCO_E_USAGE:
		return KCO_EXIT_USAGE;
	case KCO_E_NOMEM:
	case KCO_E_IO:
	case KCO_E_CANCELLED:
	case KCO_E_BUG:
		return KCO_EXIT_ROWS;
	default:
		return KCO_EXIT_MISSING;
	}
}

static bool dispatch_env_is_set(const char *name)
{
	const char *v = getenv(name);

	return v && *v;
}

static bool dispatch_has_program(const char *name)
{
	char path[256], *copy = strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin"), *rest = copy, *dir;
	bool found = false;

	while (!found && rest && (dir = strsep(&rest, ":")) != NULL)
		found = snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) && access(path, X_OK) == 0;
	free(copy);
	return found;
}

/* The pager to use, or NULL: none is wanted. */
static const char *dispatch_pager(const struct kco_globals *g)
{
	const char *pager = getenv("PAGER");

	if (g->no_pager || (pager && (!*pager || strcmp(pager, "cat") == 0)))
		return NULL;
	if (pager)
		return pager;
	return dispatch_has_program("less") ? "less" : dispatch_has_program("more") ? "more" : NULL;
}

static enum kco_status dispatch_writer(const struct kco_program *p, const struct kco_globals *g,
				       const struct kco_line *line, struct kco_writer *w, struct kco_out_options *opts,
				       struct kco_err *err)
{
	struct winsize size = { 0 };
	const char *pager, *term = getenv("TERM");
	enum kco_status st;

	opts->json = g->json;
	opts->color = g->color == KCO_COLOR_ALWAYS;
	if (line && (line->to == KCO_LINE_FILE || line->to == KCO_LINE_APPEND))
		return kco_writer_init_file(w, line->target, line->to == KCO_LINE_APPEND, err);
	if (line && line->to == KCO_LINE_PIPE)
		return kco_writer_init_pipe(w, line->target, err);
	st = kco_writer_init(w, STDOUT_FILENO, err);
	if (st || !isatty(STDOUT_FILENO))
		return st;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	opts->width = size.ws_col;
	opts->ascii = !p->utf8;
	if (g->color == KCO_COLOR_AUTO)
		opts->color = !dispatch_env_is_set("NO_COLOR") && term && *term && strcmp(term, "dumb") != 0;
	pager = dispatch_pager(g);
	if (pager)
		kco_writer_page(w, pager, size.ws_col, size.ws_row);
	return KCO_OK;
}

enum kco_status kco_program_check_args(const struct kco_cmd *cmd, int argc, char **argv, struct kco_err *err)
{
	const struct kco_arg *a = cmd->args;
	const char *missing = NULL;
	bool repeat = false;
	int least = 0, most = 0;

	for (; a && a->word != KCO_WORD_NONE; a++) {
		most++;
		repeat |= a->repeat;
		if (!a->optional && ++least > argc && !missing)
			missing = a->metavar;
	}
	if (missing)
		return kco_fail(err, KCO_E_USAGE, "%s is missing; see `help %s`", missing, cmd->name);
	if (argc > most && !repeat)
		return kco_fail(err, KCO_E_USAGE, "one word too many: '%.60s'; see `help %s`", argv[most], cmd->name);
	return KCO_OK;
}

/* A command about to run, and all that dies with it. */
struct dispatch {
	struct kco_program *p;
	const struct kco_cmd *cmd;
	struct kco_globals globals; /* with what the line says */
	struct kco_arena arena;
	void *opts;
	int argc;
	char **argv;
	bool nested; /* run by another command */
};

static enum kco_status dispatch_parse(struct dispatch *d, int argc, char **argv, int skip, struct kco_err *err)
{
	struct kco_opt_set sets[] = {
		{ .opts = d->cmd->opts },
		{ .opts = d->p->one_shot ? kco_globals_all : kco_globals_line, .values = &d->globals },
	};
	struct kco_options how = {
		.sets = sets,
		.nr_sets = 2,
		.session = d->p->session,
		.arena = &d->arena,
	};
	enum kco_status st;
	int used;

	d->opts = sets[0].values = kco_arena_alloc(&d->arena, d->cmd->opts_size + 1);
	d->argv = kco_arena_array(&d->arena, (size_t)argc + 1, sizeof(*d->argv));
	if (!d->opts || !d->argv)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = kco_options_parse(&how, argc, argv, d->argv, &d->argc, &used, err);
	d->argc = d->argc > skip ? d->argc - skip : 0;
	d->argv[d->argc] = NULL;
	return st;
}

/* `NAME --help` is `help NAME`. */
static enum kco_status dispatch_turn_to_help(struct dispatch *d, struct kco_err *err)
{
	const struct kco_cmd *help = kco_cmd_find(d->p->cmds, "help", err);

	if (!help)
		return KCO_E_BUG;
	d->argc = 1;
	d->argv = kco_arena_array(&d->arena, 2, sizeof(*d->argv));
	d->opts = kco_arena_alloc(&d->arena, help->opts_size + 1);
	if (!d->argv || !d->opts)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	d->argv[0] = kco_arena_printf(&d->arena, "%s", d->cmd->name);
	d->cmd = help;
	return d->argv[0] ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");
}

static enum kco_status dispatch_needs(const struct dispatch *d, struct kco_err *err)
{
	enum kco_status st;

	if (!d->cmd->needs)
		return KCO_OK;
	if (!d->p->session)
		return kco_fail(err, KCO_E_USAGE, "needs a dump, and none is open");
	st = kco_session_need(d->p->session, d->cmd->needs & (KCO_NEED_IMAGE | KCO_NEED_OS), err);
	/* What the OS never has is said before what this dump lacks. */
	if (!st)
		st = kco_cmd_check_os(d->p->session, d->cmd->features, NULL, err);
	return st ? st : kco_session_need(d->p->session, d->cmd->needs, err);
}

static int dispatch_output(struct dispatch *d, const struct kco_line *line, size_t *failed_rows, struct kco_err *err);

/* ctx->run_line: one command for another, on the caller's session, its output thrown away. */
static enum kco_status dispatch_run_line(struct kco_cmd_ctx *ctx, const char *text, struct kco_err *err)
{
	const struct dispatch *outer = ctx->run_line_arg;
	struct kco_line nowhere = { .to = KCO_LINE_FILE, .target = (char[]){ "/dev/null" } }, line;
	struct kco_program p = *outer->p;
	struct dispatch d = { .p = &p, .globals = outer->globals, .nested = true };
	enum kco_status st;
	int used;

	p.session = ctx->session;
	p.context = (struct kco_context){ 0 };
	p.one_shot = false;
	kco_arena_init(&d.arena);
	st = kco_line_parse(text, false, &d.arena, &line, err);
	if (!st && (line.to != KCO_LINE_OUT || !line.argc))
		st = kco_fail(err, KCO_E_USAGE, "one command, without a pipe or a redirection");
	if (!st) {
		d.cmd = kco_cmd_find_words(p.cmds, line.argc, line.argv, &used, err);
		st = d.cmd ? dispatch_parse(&d, line.argc - used, line.argv + used, 0, err) : KCO_E_USAGE;
	}
	if (!st)
		st = kco_program_check_args(d.cmd, d.argc, d.argv, err);
	if (!st)
		st = dispatch_needs(&d, err);
	if (!st && dispatch_output(&d, &nowhere, &ctx->failed_rows, err) && err && err->msg[0])
		st = err->code ? err->code : KCO_E_BUG;
	kco_arena_fini(&d.arena);
	return st;
}

/*
 * Run it with its output going where @line says. @err is filled when not all is
 * well; rows that failed are added to *@failed_rows, which may be NULL.
 */
static int dispatch_output(struct dispatch *d, const struct kco_line *line, size_t *failed_rows, struct kco_err *err)
{
	struct kco_cmd_ctx ctx = {
		.cmd = d->cmd,
		.session = d->p->session,
		.arena = &d->arena,
		.context = &d->p->context,
		.opts = d->opts,
		.argc = d->argc,
		.argv = d->argv,
		.commands = d->p->cmds,
		.formats = d->p->formats,
		.globals = kco_globals_all,
		.run_line = d->nested ? NULL : dispatch_run_line,
		.run_line_arg = d,
	};
	struct kco_out_options opts = { 0 };
	struct kco_err output_err = KCO_ERR_INIT;
	struct kco_writer writer;
	struct kco_out out;
	enum kco_status st;
	int status;

	if (dispatch_writer(d->p, &d->globals, line, &writer, &opts, err))
		return KCO_EXIT_ROWS;
	st = kco_out_init(&out, &writer, &opts, err);
	if (!st) {
		ctx.out = &out;
		kco_progress_end();
		st = d->cmd->run(&ctx, err);
		kco_progress_end();
		if (!st)
			*err = KCO_ERR_INIT; // what was tried and failed on the way is no error of a command that went
					     // well
		status = dispatch_exit_status(st);
		if (failed_rows)
			*failed_rows += ctx.failed_rows;
		if (!status && ctx.failed_rows)
			status = KCO_EXIT_ROWS;
		if (kco_out_fini(&out, st, err->msg, &output_err) && !status)
			status = KCO_EXIT_ROWS;
	} else {
		status = dispatch_exit_status(st);
	}
	if (kco_interrupt_pending()) {
		status = status ? status : KCO_EXIT_ROWS;
	} else if (writer.closed && st == KCO_E_CANCELLED) {
		// The reader went away: nobody waits for the rest, and there is no reason to complain.
		status = ctx.failed_rows ? KCO_EXIT_ROWS : KCO_EXIT_OK;
	}
	if (kco_writer_finish(&writer, &output_err) && !status)
		status = KCO_EXIT_ROWS;
	if (output_err.code)
		kco_report("%s: %s", d->cmd->name, output_err.msg);
	return status;
}

int kco_program_run(struct kco_program *p, int argc, char **argv, int skip, const struct kco_line *line)
{
	struct dispatch d = { .p = p, .globals = p->globals };
	struct kco_err err = KCO_ERR_INIT;
	double start = kco_program_clock();
	int status = KCO_EXIT_USAGE, used;
	enum kco_status st;

	kco_interrupt_clear();
	d.cmd = kco_cmd_find_words(p->cmds, argc, argv, &used, &err);
	if (!d.cmd) {
		kco_report("%s", err.msg);
		kco_program_worsen(p, status);
		return status;
	}
	kco_arena_init(&d.arena);
	st = dispatch_parse(&d, argc - used, argv + used, skip, &err);
	if (!st)
		st = d.globals.help ? dispatch_turn_to_help(&d, &err)
				    : kco_program_check_args(d.cmd, d.argc, d.argv, &err);
	if (!st)
		st = dispatch_needs(&d, &err);
	status = st ? dispatch_exit_status(st) : dispatch_output(&d, line, NULL, &err);
	if (status && err.msg[0])
		kco_report("%s: %s", d.cmd->name, err.msg);
	if (d.globals.stats && !p->one_shot)
		kco_program_stats(p, start);
	kco_arena_fini(&d.arena);
	kco_program_worsen(p, status);
	return status;
}
