// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Completing words. A word is the command, an option, an option's value or an
 * argument; the table's enum kco_word tells what may stand there.
 */
#include "complete.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct complete {
	struct kco_program *p;
	struct kco_arena *arena;
	const char *prefix; /* the word so far */
	size_t len;
	struct kco_completion *ret;
};

static void complete_add(struct complete *c, const char *name)
{
	struct kco_completion *r = c->ret;
	size_t i = 0;

	if (strncmp(name, c->prefix, c->len) != 0)
		return;
	for (i = 0; name[i]; i++)
		if (iscntrl((unsigned char)name[i]) || !isascii((unsigned char)name[i]))
			return; // nothing that a terminal or the line's syntax would trip over
	if (!r->common)
		r->common = kco_arena_strndup(c->arena, name, strlen(name));
	if (!r->common || !r->names)
		return;
	for (i = 0; r->common[i] && r->common[i] == name[i]; i++)
		;
	r->common[i] = '\0';
	// Symbols come in order of address, so that equal names are not neighbours; the few kept ones are compared.
	for (i = 0; i < r->n; i++)
		if (strcmp(r->names[i], name) == 0)
			return;
	r->total++;
	if (r->n < KCO_COMPLETE_MAX) {
		r->names[r->n] = kco_arena_strndup(c->arena, name, strlen(name));
		if (r->names[r->n])
			r->n++;
	}
}

static bool complete_symbol(void *arg, const struct kco_symbol *sym)
{
	struct complete *c = arg;

	complete_add(c, sym->name);
	return !kco_session_cancelled(c->p->session);
}

static bool complete_type(void *arg, enum kco_type_kind kind, const char *name, uint64_t id)
{
	struct complete *c = arg;

	(void)kind;
	(void)id;
	complete_add(c, name);
	return !kco_session_cancelled(c->p->session);
}

/* A module's source knows the kernel's types as well: those are there already. */
static bool complete_module_type(void *arg, enum kco_type_kind kind, const char *name, uint64_t id)
{
	struct complete *c = arg;
	struct kco_type type;

	if (strncmp(name, c->prefix, c->len) == 0 &&
	    !kco_types_find(kco_session_types(c->p->session), kind, name, &type, NULL))
		return true;
	return complete_type(arg, kind, name, id);
}

static bool complete_has(struct complete *c, unsigned needs)
{
	return c->p->session && kco_session_need(c->p->session, needs, NULL) == KCO_OK;
}

/* Pids while digits are typed, names otherwise. */
static void complete_tasks(struct complete *c)
{
	bool digits = isdigit((unsigned char)c->prefix[0]);
	const struct kco_task *tasks;
	size_t n;

	if (!complete_has(c, KCO_NEED_TASKS) || kco_tasks_get(c->p->session, &tasks, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++) {
		char tid[24];

		snprintf(tid, sizeof(tid), "%" PRId64, tasks[i].tid);
		complete_add(c, digits ? tid : tasks[i].comm);
	}
}

static void complete_files(struct complete *c)
{
	const char *slash = strrchr(c->prefix, '/');
	int dir_len = slash ? (int)(slash - c->prefix + 1) : 0;
	char *dir = kco_arena_printf(c->arena, "%.*s", dir_len, c->prefix);
	DIR *d = dir ? opendir(*dir ? dir : ".") : NULL;
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		char *path = kco_arena_printf(c->arena, "%s%s", dir, e->d_name);
		struct stat st;

		if (!path || (e->d_name[0] == '.' && c->prefix[dir_len] != '.') ||
		    strncmp(path, c->prefix, c->len) != 0)
			continue;
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			path = kco_arena_printf(c->arena, "%s/", path);
			c->ret->end = '\0';
		}
		if (path)
			complete_add(c, path);
	}
	if (d)
		closedir(d);
}

/* A command's name, or its first word when it has two. */
static void complete_first_word(struct complete *c, const char *name)
{
	const char *space = strchr(name, ' ');
	const char *word = space ? kco_arena_strndup(c->arena, name, (size_t)(space - name)) : name;

	if (word)
		complete_add(c, word);
}

static void complete_commands(struct complete *c)
{
	for (const struct kco_cmd *const *cmd = c->p->cmds; *cmd; cmd++) {
		complete_first_word(c, (*cmd)->name);
		// Aliases would only clutter the list of all.
		for (const char *const *a = c->len ? (*cmd)->aliases : NULL; a && *a; a++)
			complete_first_word(c, *a);
	}
}

/* The second words of commands whose first one is @first. */
static void complete_second_words(struct complete *c, const char *first)
{
	size_t n = strlen(first);

	for (const struct kco_cmd *const *cmd = c->p->cmds; *cmd; cmd++) {
		const char *space = strchr((*cmd)->name, ' ');

		if (space && strncmp((*cmd)->name, first, n) == 0)
			complete_add(c, space + 1);
		for (const char *const *a = c->len ? (*cmd)->aliases : NULL; a && *a; a++)
			if ((space = strchr(*a, ' ')) != NULL && strncmp(*a, first, n) == 0)
				complete_add(c, space + 1);
	}
}

/* The kernel's types and, as far as they can be had, the modules'. */
static void complete_types(struct complete *c)
{
	struct kco_session *s = c->p->session;
	const struct kco_module *mods;
	struct kco_types *types;
	size_t n;

	if (kco_types_each(kco_session_types(s), c->prefix, complete_type, c, NULL))
		c->ret->total = c->ret->n;
	if (kco_modules_get(s, &mods, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++)
		if (!kco_module_types_get(s, i, &types, NULL) &&
		    kco_types_each(types, c->prefix, complete_module_type, c, NULL))
			c->ret->total = c->ret->n;
}

static void complete_word(struct complete *c, enum kco_word word, const char *const *choices)
{
	for (; choices && *choices; choices++)
		complete_add(c, *choices);
	switch (word) {
	case KCO_WORD_TASK:
		complete_tasks(c);
		break;
	case KCO_WORD_ADDR:
	case KCO_WORD_SYMBOL:
		// Without a letter to begin with it would be every symbol there is.
		if (c->len && complete_has(c, KCO_NEED_SYMS) &&
		    kco_symbols_each(kco_session_symbols(c->p->session), complete_symbol, c, NULL))
			c->ret->total = c->ret->n;
		break;
	case KCO_WORD_TYPE:
		if (c->len && complete_has(c, KCO_NEED_TYPES))
			complete_types(c);
		break;
	case KCO_WORD_COMMAND:
		complete_commands(c);
		break;
	case KCO_WORD_FILE:
		complete_files(c);
		break;
	case KCO_WORD_NONE:
	case KCO_WORD_NUMBER:
	case KCO_WORD_TEXT:
		break;
	}
}

/* The option of @cmd or of every line that @word (with its dashes) is, when it wants a value. */
static const struct kco_opt *complete_option(const struct kco_cmd *cmd, const char *word)
{
	const struct kco_opt *tables[] = { cmd->opts, kco_globals_line };
	size_t n = strlen(word);

	if (word[0] != '-' || n < 2)
		return NULL;
	for (size_t i = 0; i < 2; i++)
		for (const struct kco_opt *o = tables[i]; o && o->help; o++) {
			bool is_short = word[1] != '-' && o->short_name && word[n - 1] == o->short_name;
			bool is_long = word[1] == '-' && o->long_name && strcmp(word + 2, o->long_name) == 0;

			if (is_short || is_long)
				return o->kind == KCO_OPT_FLAG ? NULL : o;
		}
	return NULL;
}

static void complete_options(struct complete *c, const struct kco_cmd *cmd)
{
	const struct kco_opt *tables[] = { cmd->opts, kco_globals_line };

	for (size_t i = 0; i < 2; i++)
		for (const struct kco_opt *o = tables[i]; o && o->help; o++) {
			char name[64];

			if (o->long_name) {
				snprintf(name, sizeof(name), "--%s%s", o->long_name,
					 o->kind == KCO_OPT_FLAG ? "" : "=");
				complete_add(c, name);
			} else {
				snprintf(name, sizeof(name), "-%c", o->short_name);
				complete_add(c, name);
			}
		}
	if (c->ret->n == 1 && strchr(c->ret->names[0], '='))
		c->ret->end = '\0';
}

/* The argument that the word behind @argc others, @nr_name of which are the name, would be. */
static void complete_argument(struct complete *c, const struct kco_cmd *cmd, int nr_name, int argc, char **argv)
{
	const struct kco_arg *arg = cmd->args;
	int nth = 0;

	for (int i = nr_name; i < argc; i++) {
		if (argv[i][0] != '-')
			nth++;
		else if (complete_option(cmd, argv[i]))
			i++;
	}
	while (arg && arg->word != KCO_WORD_NONE && nth && !arg->repeat) {
		arg++;
		nth--;
	}
	if (arg && arg->word != KCO_WORD_NONE)
		complete_word(c, arg->word, NULL);
}

/* The word behind @argc complete ones of a command's line. */
static void complete_in_command(struct complete *c, int argc, char **argv)
{
	int nr_name;
	const struct kco_cmd *cmd = kco_cmd_find_words(c->p->cmds, argc, argv, &nr_name, NULL);
	const struct kco_opt *opt;
	const char *eq;

	if (!cmd) {
		if (argc == 1)
			complete_second_words(c, argv[0]);
		return;
	}
	if (cmd->args && argc == 2 && nr_name == 1 && cmd->args->word == KCO_WORD_COMMAND)
		complete_second_words(c, argv[1]); // help process ...
	opt = argc > nr_name ? complete_option(cmd, argv[argc - 1]) : NULL;
	if (opt) {
		complete_word(c, opt->word, opt->choices);
		return;
	}
	eq = strchr(c->prefix, '=');
	if (strncmp(c->prefix, "--", 2) == 0 && eq) {
		opt = complete_option(cmd, kco_arena_strndup(c->arena, c->prefix, (size_t)(eq - c->prefix)));
		c->ret->word_at += (size_t)(eq + 1 - c->prefix);
		c->prefix = eq + 1;
		c->len = strlen(c->prefix);
		if (opt)
			complete_word(c, opt->word, opt->choices);
	} else if (c->prefix[0] == '-') {
		complete_options(c, cmd);
	} else {
		complete_argument(c, cmd, nr_name, argc, argv);
	}
}

static int complete_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void kco_complete(struct kco_program *p, const char *text, struct kco_arena *arena, struct kco_completion *ret)
{
	struct complete c = { .p = p, .arena = arena, .prefix = "", .ret = ret };
	struct kco_line line;
	int argc;

	*ret = (struct kco_completion){ .word_at = strlen(text), .end = ' ' };
	ret->names = kco_arena_array(arena, KCO_COMPLETE_MAX, sizeof(*ret->names));
	if (!ret->names || kco_line_parse(text, true, arena, &line, NULL) || line.in_comment)
		return;
	argc = line.argc;
	if (line.in_word) {
		ret->word_at = line.word_at;
		if (line.to == KCO_LINE_OUT)
			c.prefix = line.argv[--argc];
		else if (line.target)
			c.prefix = line.target;
	}
	c.len = strlen(c.prefix);
	if (line.to == KCO_LINE_FILE || line.to == KCO_LINE_APPEND) {
		complete_files(&c);
	} else if (line.to != KCO_LINE_OUT) {
		return; // sh's business
	} else if (argc == 0) {
		complete_commands(&c);
		for (const char *const *w = kco_shell_words; *w; w++)
			complete_add(&c, *w);
	} else {
		complete_in_command(&c, argc, line.argv);
	}
	qsort(ret->names, ret->n, sizeof(*ret->names), complete_compare);
}
