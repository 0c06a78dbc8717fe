// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libedit's glue. It runs without its own signal handling, which would send
 * SIGINT to the whole process group: our handler makes its read end with EINTR.
 */
#include "edit.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "complete.h"
#include "interrupt.h"
#include "report.h"

#define EDIT_HISTORY_MAX 5000
#define EDIT_SHOW_MAX 200 /* more names than these are only counted */

struct kco_edit {
	struct kco_program *p;
	EditLine *el;
	History *history;
	char *history_path; /* NULL: not kept */
	char *line;
};

static const char *edit_prompt(EditLine *el)
{
	(void)el;
	return "kcodbg> ";
}

/* $XDG_STATE_HOME/kcodbg/history or ~/.local/state/kcodbg/history; folders are made. */
static char *edit_history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int n;

	// The specification wants an absolute path and has others ignored.
	if (state && state[0] == '/')
		n = asprintf(&path, "%s/kcodbg/history", state);
	else if (home && home[0] == '/')
		n = asprintf(&path, "%s/.local/state/kcodbg/history", home);
	else
		return NULL;
	if (n < 0)
		return NULL;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	return path;
}

/* Names in columns below the line. */
static void edit_show(const struct kco_completion *c)
{
	struct winsize size;
	unsigned width = 80, widest = 0, columns, rows;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		width = size.ws_col;
	putchar('\n');
	if (c->total > EDIT_SHOW_MAX || c->n < c->total) {
		printf("%zu names; type a few more letters\n", c->total);
		fflush(stdout);
		return;
	}
	for (size_t i = 0; i < c->n; i++)
		if (strlen(c->names[i]) > widest)
			widest = (unsigned)strlen(c->names[i]);
	columns = width / (widest + 2) ? width / (widest + 2) : 1;
	rows = ((unsigned)c->n + columns - 1) / columns;
	for (unsigned row = 0; row < rows; row++) {
		for (size_t i = row; i < c->n; i += rows)
			printf("%-*s", i + rows < c->n ? (int)widest + 2 : 0, c->names[i]);
		putchar('\n');
	}
	fflush(stdout);
}

/* Put @name in place of the word that is @typed characters long, with what the line's syntax would take wrongly quoted.
 */
static void edit_replace(EditLine *el, size_t typed, const char *name, char end)
{
	char *text = malloc(2 * strlen(name) + 2), *out = text;

	if (!text)
		return;
	for (; *name; name++) {
		if (strchr(" \t\\'\"|>#", *name))
			*out++ = '\\';
		*out++ = *name;
	}
	if (end)
		*out++ = end;
	*out = '\0';
	el_deletestr(el, (int)typed);
	(void)el_insertstr(el, text);
	free(text);
}

/*
 * While a line is typed SIGINT is blocked but where we wait for a key: between the
 * prompt and the read an interrupt would else be over before what it is meant to end.
 */
static void edit_hold_interrupts(bool hold)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* libedit's source of characters: 1, 0 at the end, -1 with EINTR after a signal. */
static int edit_getc(EditLine *el, wchar_t *ret)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	mbstate_t state = { 0 };
	sigset_t open;

	(void)el;
	sigprocmask(SIG_SETMASK, NULL, &open);
	sigdelset(&open, SIGINT);
	for (;;) {
		char byte;
		ssize_t n;
		size_t len;

		if (ppoll(&in, 1, NULL, &open) < 0)
			return -1;
		n = read(STDIN_FILENO, &byte, 1);
		if (n <= 0)
			return (int)n;
		len = mbrtowc(ret, &byte, 1, &state);
		if (len == (size_t)-2)
			continue;
		// What is no character is taken byte by byte.
		if (len == (size_t)-1)
			*ret = (unsigned char)byte;
		return 1;
	}
}

static unsigned char edit_complete(EditLine *el, int ch)
{
	const LineInfo *info = el_line(el);
	struct kco_completion c;
	struct kco_arena arena;
	struct kco_edit *edit;
	unsigned char result = CC_ERROR;
	char *text;
	size_t n = (size_t)(info->cursor - info->buffer), typed;

	(void)ch;
	el_get(el, EL_CLIENTDATA, (void **)&edit);
	kco_arena_init(&arena);
	kco_interrupt_clear();
	edit_hold_interrupts(false);
	text = kco_arena_strndup(&arena, info->buffer, n);
	if (text) {
		kco_complete(edit->p, text, &arena, &c);
		typed = n - (c.word_at < n ? c.word_at : n);
		if (c.total == 1) {
			edit_replace(el, typed, c.common, c.end);
			result = CC_REFRESH;
		} else if (c.common && strlen(c.common) > typed) {
			edit_replace(el, typed, c.common, '\0');
			result = CC_REFRESH;
		} else if (c.total) {
			edit_show(&c);
			result = CC_REDISPLAY;
		}
	}
	kco_arena_fini(&arena);
	edit_hold_interrupts(true);
	return result;
}

static volatile sig_atomic_t edit_continued;

static void edit_sigcont(int sig)
{
	(void)sig;
	edit_continued = 1;
}

struct kco_edit *kco_edit_new(struct kco_program *p)
{
	struct sigaction act = { .sa_handler = edit_sigcont };
	struct kco_edit *edit = calloc(1, sizeof(*edit));
	HistEvent ev;

	if (!edit)
		return NULL;
	edit->p = p;
	sigemptyset(&act.sa_mask);
	sigaction(SIGCONT, &act, NULL);
	edit->el = el_init("kcodbg", stdin, stdout, stderr);
	edit->history = history_init();
	if (!edit->el || !edit->history) {
		kco_edit_free(edit);
		return NULL;
	}
	history(edit->history, &ev, H_SETSIZE, EDIT_HISTORY_MAX);
	history(edit->history, &ev, H_SETUNIQUE, 1);
	el_set(edit->el, EL_CLIENTDATA, edit);
	el_set(edit->el, EL_PROMPT, edit_prompt);
	el_set(edit->el, EL_SIGNAL, 0);
	el_set(edit->el, EL_GETCFN, edit_getc);
	el_set(edit->el, EL_EDITOR, "emacs");
	el_set(edit->el, EL_HIST, history, edit->history);
	// The wide variant: the narrow one leaks its copies of the strings.
	el_wset(edit->el, EL_ADDFN, L"kco-complete", L"complete the word", edit_complete);
	el_set(edit->el, EL_BIND, "^I", "kco-complete", NULL);
	el_set(edit->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	(void)el_source(edit->el, NULL);
	edit->history_path = edit_history_path();
	if (edit->history_path)
		history(edit->history, &ev, H_LOAD, edit->history_path);
	return edit;
}

/* Through a new file, so that a full disk does not cost the history that was. */
static void edit_save(struct kco_edit *edit)
{
	char *tmp = NULL;
	HistEvent ev;

	if (!edit->history_path || asprintf(&tmp, "%s.%d", edit->history_path, (int)getpid()) < 0)
		return;
	if (history(edit->history, &ev, H_SAVE, tmp) < 0 || rename(tmp, edit->history_path) < 0)
		(void)unlink(tmp);
	free(tmp);
}

void kco_edit_free(struct kco_edit *edit)
{
	if (!edit)
		return;
	if (edit->el && edit->history)
		edit_save(edit);
	if (edit->el)
		el_end(edit->el);
	if (edit->history)
		history_end(edit->history);
	free(edit->history_path);
	free(edit->line);
	free(edit);
}

/* Stopped and continued (Ctrl-Z, fg): the read ends with EINTR; begin again with what was typed. */
static const char *edit_gets(struct kco_edit *edit, int *n)
{
	const char *line;

	for (;;) {
		const LineInfo *info;
		char *typed;

		edit_continued = 0;
		line = el_gets(edit->el, n);
		if (line || !edit_continued || kco_interrupt_pending())
			return line;
		info = el_line(edit->el);
		typed = strndup(info->buffer, (size_t)(info->lastchar - info->buffer));
		el_reset(edit->el);
		if (typed)
			el_push(edit->el, typed);
		free(typed);
	}
}

enum kco_edit_result kco_edit_line(struct kco_edit *edit, const char **ret)
{
	const char *line;
	HistEvent ev;
	size_t len;
	int n = 0;

	kco_interrupt_clear();
	edit_hold_interrupts(true);
	el_resize(edit->el);
	// Before the prompt shows: what is typed at its sight is the editor's, not the terminal's.
	el_set(edit->el, EL_PREP_TERM, 1);
	line = edit_gets(edit, &n);
	edit_hold_interrupts(false);
	if (!line || n <= 0) {
		bool again = kco_interrupt_pending() || (n < 0 && errno == EINTR);

		putchar('\n');
		fflush(stdout);
		el_reset(edit->el);
		return again ? KCO_EDIT_INTERRUPTED : KCO_EDIT_END;
	}
	if (line[strspn(line, " \t\n")])
		history(edit->history, &ev, H_ENTER, line);
	len = strcspn(line, "\n");
	free(edit->line);
	edit->line = strndup(line, len);
	*ret = edit->line ? edit->line : "";
	return KCO_EDIT_LINE;
}
