// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The shell and scripts: both read lines and run them alike. An error ends
 * neither.
 */
#include "shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "complete.h"
#include "edit.h"
#include "interrupt.h"
#include "report.h"

const char *const kco_shell_words[] = { "exit", "quit", "q", NULL };

static bool shell_is_end(const char *word)
{
	for (const char *const *w = kco_shell_words; *w; w++)
		if (strcmp(*w, word) == 0)
			return true;
	return false;
}

/* `! program`, or a shell when there is none. */
static void shell_escape(struct kco_program *p, const char *command)
{
	const char *sh = getenv("SHELL");
	struct kco_err err;
	pid_t pid;

	if (!command)
		command = sh && *sh ? sh : "/bin/sh";
	if (kco_child_start(command, NULL, &pid, NULL, &err)) {
		kco_report("%s", err.msg);
		kco_program_worsen(p, KCO_EXIT_ROWS);
		return;
	}
	(void)kco_child_wait(pid);
}

/* False: the user wants to leave. */
static bool shell_line(struct kco_program *p, const char *text)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_arena arena;
	struct kco_line line;
	bool more = true;

	kco_arena_init(&arena);
	if (kco_line_parse(text, false, &arena, &line, &err)) {
		kco_report("%s", err.msg);
		kco_program_worsen(p, KCO_EXIT_USAGE);
	} else if (line.to == KCO_LINE_SHELL) {
		shell_escape(p, line.target);
	} else if (line.argc && shell_is_end(line.argv[0])) {
		more = false;
	} else if (line.argc) {
		(void)kco_program_run(p, line.argc, line.argv, 0, &line);
	}
	kco_arena_fini(&arena);
	return more;
}

/* A command by name, when it exists, for the banner. */
static void shell_run_word(struct kco_program *p, const char *word)
{
	char *name = strdup(word);
	char *argv[] = { name, NULL };

	if (name && kco_cmd_find(p->cmds, name, NULL))
		(void)kco_program_run(p, 1, argv, 0, NULL);
	free(name);
}

/* What the dump is, and what it lacks. */
static void shell_banner(struct kco_program *p)
{
	static const struct {
		unsigned need;
		const char *what;
	} needs[] = {
		{ KCO_NEED_OS, "no virtual memory" },
		{ KCO_NEED_SYMS, "no symbols" },
		{ KCO_NEED_TYPES, "no types" },
		{ KCO_NEED_TASKS, "no tasks" },
	};
	bool json = p->globals.json;
	struct kco_err err;

	printf("kcodbg %s: `help` lists the commands, `help NAME` explains one, `quit` leaves.\n\n", KCO_VERSION);
	fflush(stdout);
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		err = KCO_ERR_INIT;
		// What follows only repeats the first reason.
		if (kco_session_need(p->session, needs[i].need, &err)) {
			kco_report("%s: %s", needs[i].what, err.msg);
			return;
		}
	}
	p->globals.json = false;
	shell_run_word(p, "sys");
	shell_run_word(p, "set");
	p->globals.json = json;
}

int kco_shell_run(struct kco_program *p)
{
	struct kco_edit *edit = kco_edit_new(p);
	bool more = true;

	if (!edit) {
		kco_report("the terminal cannot be used for editing lines");
		return kco_shell_script(p, "-");
	}
	kco_interrupt_install(p->session, true);
	if (!p->globals.quiet)
		shell_banner(p);
	while (more) {
		const char *text;
		enum kco_edit_result got = kco_edit_line(edit, &text);

		if (got == KCO_EDIT_LINE)
			more = shell_line(p, text);
		else
			more = got == KCO_EDIT_INTERRUPTED;
	}
	kco_edit_free(edit);
	// The user has seen how each command went.
	return KCO_EXIT_OK;
}

int kco_shell_script(struct kco_program *p, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0, more = true;
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	const char *name = is_stdin ? "standard input" : path;
	char *text = NULL, origin[300];
	size_t cap = 0, number = 0;
	ssize_t n = 0;

	if (!f) {
		kco_report("%s: %s", path, strerror(errno));
		kco_program_worsen(p, KCO_EXIT_USAGE);
		return p->exit_status;
	}
	kco_interrupt_install(p->session, false);
	kco_report_origin(origin);
	while (more && (n = getline(&text, &cap, f)) >= 0) {
		snprintf(origin, sizeof(origin), "%s:%zu", name, ++number);
		text[strcspn(text, "\n")] = '\0';
		if (strlen(text) + 1 < (size_t)n) {
			kco_report("a NUL byte in the line");
			kco_program_worsen(p, KCO_EXIT_USAGE);
			continue;
		}
		more = shell_line(p, text);
		// Ctrl-C stops the script, not only the command of the moment.
		more = more && !kco_interrupt_pending();
	}
	kco_report_origin(NULL);
	if (n < 0 && ferror(f)) {
		kco_report("%s: %s", name, strerror(errno));
		kco_program_worsen(p, KCO_EXIT_ROWS);
	}
	free(text);
	if (!is_stdin)
		fclose(f);
	return p->exit_status;
}
