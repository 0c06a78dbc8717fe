// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taking lines apart.
 */
#include "line.h"

#include <string.h>

#define LINE_BLANKS " \t\r\n\v\f"

struct line_parser {
	const char *text, *p;
	bool partial;
	struct kco_arena *arena;
};

/* The word at p, unquoted; p ends behind it. */
static enum kco_status line_word(struct line_parser *l, char **ret, struct kco_err *err)
{
	char *word = kco_arena_alloc(l->arena, strlen(l->p) + 1), *out = word, quote = 0;

	if (!word)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (; *l->p; l->p++) {
		char c = *l->p;

		if (quote ? c == quote : (c == '\'' || c == '"')) {
			quote = quote ? 0 : c;
			continue;
		}
		if (!quote && strchr(LINE_BLANKS "|>", c))
			break;
		if (c == '\\' && quote != '\'' && l->p[1])
			c = *++l->p;
		*out++ = c;
	}
	if (quote && !l->partial)
		return kco_fail(err, KCO_E_USAGE, "a %c is not closed", quote);
	*ret = word;
	return KCO_OK;
}

static void line_skip_blanks(struct line_parser *l)
{
	l->p += strspn(l->p, LINE_BLANKS);
}

/* The rest of the line for sh, without blanks around it. */
static enum kco_status line_rest(struct line_parser *l, struct kco_line *line, struct kco_err *err)
{
	size_t n;

	line_skip_blanks(l);
	n = strlen(l->p);
	while (n && strchr(LINE_BLANKS, l->p[n - 1]))
		n--;
	line->word_at = (size_t)(l->p - l->text);
	line->in_word = n > 0;
	line->target = n ? kco_arena_strndup(l->arena, l->p, n) : NULL;
	l->p += strlen(l->p);
	if (n && !line->target)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (!n && line->to == KCO_LINE_PIPE && !l->partial)
		return kco_fail(err, KCO_E_USAGE, "no program follows the |");
	return KCO_OK;
}

static enum kco_status line_redirect(struct line_parser *l, struct kco_line *line, struct kco_err *err)
{
	enum kco_status st;

	line->to = l->p[1] == '>' ? KCO_LINE_APPEND : KCO_LINE_FILE;
	l->p += line->to == KCO_LINE_APPEND ? 2 : 1;
	line_skip_blanks(l);
	line->word_at = (size_t)(l->p - l->text);
	if (!*l->p || strchr("|>", *l->p)) {
		line->in_word = false;
		return l->partial ? KCO_OK : kco_fail(err, KCO_E_USAGE, "no file follows the >");
	}
	st = line_word(l, &line->target, err);
	line->in_word = !*l->p;
	line_skip_blanks(l);
	if (!st && *l->p && *l->p != '#' && !l->partial)
		return kco_fail(err, KCO_E_USAGE, "something follows the file of the >: %.40s", l->p);
	return st;
}

enum kco_status kco_line_parse(const char *text, bool partial, struct kco_arena *arena, struct kco_line *ret,
			       struct kco_err *err)
{
	struct line_parser l = { .text = text, .p = text, .partial = partial, .arena = arena };
	size_t n = strlen(text);
	enum kco_status st = KCO_OK;

	*ret = (struct kco_line){ 0 };
	// There are fewer words than characters.
	ret->argv = kco_arena_array(arena, n / 2 + 2, sizeof(*ret->argv));
	if (!ret->argv)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	line_skip_blanks(&l);
	if (*l.p == '!') {
		l.p++;
		ret->to = KCO_LINE_SHELL;
		return line_rest(&l, ret, err);
	}
	while (!st && *l.p) {
		if (*l.p == '#') {
			ret->in_comment = true;
			ret->in_word = false;
			break;
		}
		if (*l.p == '|') {
			l.p++;
			ret->to = KCO_LINE_PIPE;
			st = line_rest(&l, ret, err);
		} else if (*l.p == '>') {
			st = line_redirect(&l, ret, err);
			break;
		} else {
			ret->word_at = (size_t)(l.p - text);
			st = line_word(&l, &ret->argv[ret->argc], err);
			ret->argc++;
			ret->in_word = !*l.p;
			line_skip_blanks(&l);
		}
	}
	if (!st && !ret->argc && ret->to != KCO_LINE_OUT && !partial)
		return kco_fail(err, KCO_E_USAGE, "no command stands before the %s",
				ret->to == KCO_LINE_PIPE ? "|" : ">");
	return st;
}
