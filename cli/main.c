// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The composition root: the one file that knows both the dump formats and the
 * commands, and ties them to a terminal.
 *
 *   kcodbg [OPTIONS] [VMCORE... [VMLINUX]]             a shell, or a script on standard input
 *   kcodbg [OPTIONS] COMMAND [ARGUMENT...] [VMCORE [VMLINUX]]
 *   kcodbg [OPTIONS] -x FILE [VMCORE... [VMLINUX]]
 */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kco/cmd.h>
#include <kco/formats.h>

#include "interrupt.h"
#include "options.h"
#include "program.h"
#include "report.h"
#include "shell.h"

/*
 * Were standard descriptors closed by our caller, the dump would get their
 * numbers, and output would go astray. One that cannot be written to keeps the
 * error.
 */
static void main_open_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

/* Widths of characters need a UTF-8 locale, even where the terminal is something else. */
static bool main_locale(void)
{
	bool utf8;

	setlocale(LC_CTYPE, "");
	utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (!utf8)
		setlocale(LC_CTYPE, "C.UTF-8");
	return utf8;
}

static int main_fail(struct kco_program *p, const struct kco_err *err, int status)
{
	kco_report("%s", err->msg);
	kco_program_worsen(p, status);
	return p->exit_status;
}

/* `kcodbg --help`: the help command about the program. */
static int main_help(struct kco_program *p)
{
	char help[] = "help", topic[] = "kcodbg";
	char *argv[] = { help, topic, NULL };

	p->globals.help = false;
	return kco_program_run(p, 2, argv, 0, NULL);
}

/* The dump named with -c, found among @words, or the default one, which is told. */
static enum kco_status main_target(struct kco_program *p, const struct kco_cmd *cmd, char **words, int n,
				   struct kco_target *target, int *taken, struct kco_err *err)
{
	const struct kco_target_words from = {
		.cmd = cmd,
		.words = words,
		.n = n,
		.formats = p->formats,
		.format = p->globals.format,
	};
	enum kco_status st = KCO_OK;

	*target = (struct kco_target){ 0 };
	*taken = 0;
	if (p->globals.dumps.n) {
		target->dumps = p->globals.dumps.v;
		target->nr_dumps = p->globals.dumps.n;
		if (!cmd && n)
			return kco_fail(err, KCO_E_USAGE, "no command '%.60s'", words[0]);
	} else {
		st = kco_target_from_words(&p->arena, &from, target, taken, err);
	}
	if (p->globals.symbols)
		target->symbols = p->globals.symbols;
	if (!st && !target->nr_dumps) {
		const char *symbols = target->symbols;

		st = kco_target_default(&p->arena, target, err);
		target->symbols = symbols;
		if (!st)
			kco_report("no dump is named: this is %s", target->dumps[0]);
	}
	return st;
}

/* What standard input, a script or a person says. */
static int main_lines(struct kco_program *p, char **words, int n)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_target target;
	enum kco_status st;
	int taken, status;

	st = main_target(p, NULL, words, n, &target, &taken, &err);
	if (st)
		return main_fail(p, &err, st == KCO_E_IO ? KCO_EXIT_OPEN : KCO_EXIT_USAGE);
	status = kco_program_open(p, &target);
	if (status)
		return status;
	for (size_t i = 0; i < p->globals.scripts.n && !kco_interrupt_pending(); i++)
		(void)kco_shell_script(p, p->globals.scripts.v[i]);
	if (p->globals.scripts.n)
		return p->exit_status;
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? kco_shell_run(p) : kco_shell_script(p, "-");
}

/*
 * One command. Its words are parsed twice: for the dump among them, and again,
 * with the dump's symbols, for what they mean. @nr_name of them are its name.
 */
static int main_one_shot(struct kco_program *p, const struct kco_cmd *cmd, int nr_name, int argc, char **argv)
{
	void *scratch = kco_arena_alloc(&p->arena, cmd->opts_size + 1);
	char **words = kco_arena_array(&p->arena, (size_t)argc + 1, sizeof(*words));
	struct kco_opt_set sets[] = {
		{ .opts = cmd->opts, .values = scratch, .syntax_only = true },
		{ .opts = kco_globals_all, .values = &p->globals },
	};
	struct kco_options how = { .sets = sets, .nr_sets = 2, .arena = &p->arena };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_target target;
	int n = 0, used, taken = 0, status;
	enum kco_status st = KCO_E_NOMEM;

	if (scratch && words)
		st = kco_options_parse(&how, argc - nr_name, argv + nr_name, words, &n, &used, &err);
	if (st) {
		kco_context(&err, st, "%s", cmd->name);
		return main_fail(p, &err, KCO_EXIT_USAGE);
	}
	p->one_shot = true;
	if (cmd->needs && !p->globals.help) {
		st = main_target(p, cmd, words, n, &target, &taken, &err);
		if (st)
			return main_fail(p, &err, st == KCO_E_IO ? KCO_EXIT_OPEN : KCO_EXIT_USAGE);
		st = kco_program_check_args(cmd, n - taken, words, &err);
		if (st) {
			kco_context(&err, st, "%s", cmd->name);
			return main_fail(p, &err, KCO_EXIT_USAGE);
		}
		status = kco_program_open(p, &target);
		if (status)
			return status;
		kco_interrupt_install(p->session, false);
	}
	return kco_program_run(p, argc, argv, taken, NULL);
}

/* Are the first @used of @words the whole name of @cmd, or of an alias? */
static bool main_is_exact(const struct kco_cmd *cmd, char *const *words, int used)
{
	char name[80];

	snprintf(name, sizeof(name), "%s%s%s", words[0], used > 1 ? " " : "", used > 1 ? words[1] : "");
	if (strcmp(cmd->name, name) == 0)
		return true;
	for (const char *const *a = cmd->aliases; a && *a; a++)
		if (strcmp(*a, name) == 0)
			return true;
	return false;
}

/* A command's name comes before a file's, and that before the beginning of a command's. */
static const struct kco_cmd *main_command(struct kco_program *p, int argc, char *const *argv, int *used,
					  struct kco_err *err)
{
	const struct kco_cmd *cmd = kco_cmd_find_words(p->cmds, argc, argv, used, err);

	if (cmd && !main_is_exact(cmd, argv, *used) && kco_target_is_file(argv[0]))
		return NULL;
	return cmd;
}

/* `kcodbg vmcore bt` */
static int main_dump_first(struct kco_program *p, const char *dump, int argc, char *const *argv)
{
	const struct kco_cmd *cmd = NULL;
	int used;

	// Behind all parts of a split set, too.
	for (; argc && kco_target_is_file(argv[0]); argc--)
		argv++;
	if (argc)
		cmd = kco_cmd_find_words(p->cmds, argc, argv, &used, NULL);
	if (!cmd || !main_is_exact(cmd, argv, used))
		return KCO_EXIT_OK;
	kco_report("the command comes before the dump: kcodbg %s ... %s", cmd->name, dump);
	kco_program_worsen(p, KCO_EXIT_USAGE);
	return p->exit_status;
}

static int main_run(struct kco_program *p, int argc, char **argv)
{
	struct kco_opt_set set = { .opts = kco_globals_all, .values = &p->globals };
	struct kco_options how = { .sets = &set, .nr_sets = 1, .stop_at_word = true, .arena = &p->arena };
	char **words = kco_arena_array(&p->arena, (size_t)argc + 1, sizeof(*words));
	const struct kco_cmd *cmd;
	struct kco_err err = KCO_ERR_INIT;
	int n, used = 0, nr_name;

	if (!words)
		return KCO_EXIT_ROWS;
	if (kco_options_parse(&how, argc - 1, argv + 1, words, &n, &used, &err))
		return main_fail(p, &err, KCO_EXIT_USAGE);
	argc -= 1 + used;
	argv += 1 + used;
	if (argc > 0 && !p->globals.scripts.n && !p->globals.version) {
		cmd = main_command(p, argc, argv, &nr_name, &err);
		if (cmd)
			return main_one_shot(p, cmd, nr_name, argc, argv);
		if (!kco_target_is_file(argv[0]) && !strchr(argv[0], '/'))
			return main_fail(p, &err, KCO_EXIT_USAGE);
		if (main_dump_first(p, argv[0], argc - 1, argv + 1))
			return p->exit_status;
	}
	how.stop_at_word = false;
	if (kco_options_parse(&how, argc, argv, words, &n, &used, &err))
		return main_fail(p, &err, KCO_EXIT_USAGE);
	if (p->globals.help)
		return main_help(p);
	if (p->globals.version) {
		printf("kcodbg %s\n", KCO_VERSION);
		return fflush(stdout) ? KCO_EXIT_ROWS : KCO_EXIT_OK;
	}
	return main_lines(p, words, n);
}

int main(int argc, char **argv)
{
	struct kco_program p = { .cmds = kco_cmds, .formats = kco_formats };
	double start = kco_program_clock();
	int status;

	main_open_standard();
	// A reader that goes away is seen as EPIPE, and only output stops.
	signal(SIGPIPE, SIG_IGN);
	// A file beyond its limit (ulimit -f) is EFBIG, and the message names it.
	signal(SIGXFSZ, SIG_IGN);
	p.utf8 = main_locale();
	kco_report_ascii(!p.utf8 && isatty(STDERR_FILENO));
	kco_arena_init(&p.arena);
	status = main_run(&p, argc, argv);
	if (p.globals.stats && p.one_shot)
		kco_program_stats(&p, start);
	kco_program_close(&p);
	if (status && kco_interrupt_pending())
		kco_interrupt_die();
	return status;
}
