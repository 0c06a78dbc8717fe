// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parsing options. Nothing here knows a single option by name.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

struct options_found {
	const struct kco_opt *opt; /* NULL: no table has it */
	const struct kco_opt_set *set;
};

static struct options_found options_short(const struct kco_options *how, char name)
{
	for (size_t i = 0; i < how->nr_sets; i++)
		for (const struct kco_opt *o = how->sets[i].opts; o && o->help; o++)
			if (o->short_name && o->short_name == name)
				return (struct options_found){ o, &how->sets[i] };
	return (struct options_found){ 0 };
}

/* By the first @n characters of @name. */
static struct options_found options_long(const struct kco_options *how, const char *name, size_t n)
{
	for (size_t i = 0; i < how->nr_sets; i++)
		for (const struct kco_opt *o = how->sets[i].opts; o && o->help; o++)
			if (o->long_name && strncmp(o->long_name, name, n) == 0 && !o->long_name[n])
				return (struct options_found){ o, &how->sets[i] };
	return (struct options_found){ 0 };
}

static enum kco_status options_unknown(const struct kco_options *how, const char *name, int n, struct kco_err *err)
{
	const char *nearest = NULL;
	unsigned best = 3;
	char word[64];

	snprintf(word, sizeof(word), "%.*s", n, name);
	for (size_t i = 0; i < how->nr_sets; i++)
		for (const struct kco_opt *o = how->sets[i].opts; o && o->help; o++) {
			unsigned d = o->long_name ? kco_word_distance(word, o->long_name) : best;

			if (d < best && d < strlen(word)) {
				best = d;
				nearest = o->long_name;
			}
		}
	if (nearest)
		return kco_fail(err, KCO_E_USAGE, "no option '--%s'; did you mean '--%s'?", word, nearest);
	return kco_fail(err, KCO_E_USAGE, "no option '--%s'", word);
}

static const char *options_name(const struct kco_opt *opt, char buf[40])
{
	if (opt->long_name)
		snprintf(buf, 40, "--%s", opt->long_name);
	else
		snprintf(buf, 40, "-%c", opt->short_name);
	return buf;
}

static enum kco_status options_choice(const struct kco_opt *opt, const char *value, int *ret, struct kco_err *err)
{
	char names[160] = "";
	size_t used = 0;

	for (int i = 0; opt->choices[i]; i++) {
		if (strcmp(opt->choices[i], value) == 0) {
			*ret = i;
			return KCO_OK;
		}
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
						 opt->choices[i]);
	}
	return kco_fail(err, KCO_E_USAGE, "'%.60s' is none of %s", value, names);
}

static enum kco_status options_append(const struct kco_options *how, struct kco_words *list, const char *value,
				      struct kco_err *err)
{
	const char **v = kco_arena_array(how->arena, list->n + 1, sizeof(*v));

	if (!v)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (list->n)
		memcpy(v, list->v, list->n * sizeof(*v));
	v[list->n++] = value;
	list->v = v;
	return KCO_OK;
}

static enum kco_status options_store(const struct kco_options *how, struct options_found found, const char *value,
				     struct kco_err *err)
{
	const struct kco_opt *opt = found.opt;
	char *at = (char *)found.set->values + opt->offset, name[40];
	enum kco_status st = KCO_OK;

	switch (opt->kind) {
	case KCO_OPT_FLAG:
		*(bool *)at = true;
		break;
	case KCO_OPT_INT:
		st = kco_parse_int(value, (int64_t *)at, err);
		break;
	case KCO_OPT_ADDR:
		if (!found.set->syntax_only)
			st = kco_parse_addr(how->session, value, (uint64_t *)at, err);
		break;
	case KCO_OPT_STRING:
		*(const char **)at = value;
		break;
	case KCO_OPT_CHOICE:
		st = options_choice(opt, value, (int *)at, err);
		break;
	case KCO_OPT_LIST:
		st = options_append(how, (struct kco_words *)at, value, err);
		break;
	}
	if (st)
		return kco_context(err, st, "%s", options_name(opt, name));
	if (opt->seen)
		*(bool *)((char *)found.set->values + opt->seen) = true;
	return KCO_OK;
}

static enum kco_status options_no_value(const struct kco_opt *opt, struct kco_err *err)
{
	char name[40];

	return kco_fail(err, KCO_E_USAGE, "%s needs a value: %s", options_name(opt, name),
			opt->metavar ? opt->metavar : "VALUE");
}

/* "name" or "name=value" behind the dashes; the value may be the next word. */
static enum kco_status options_parse_long(const struct kco_options *how, const char *name, int argc, char **argv,
					  int *at, struct kco_err *err)
{
	size_t n = strcspn(name, "=");
	struct options_found found = options_long(how, name, n);
	const char *value = name[n] ? name + n + 1 : NULL;

	if (!found.opt)
		return options_unknown(how, name, (int)(n < 60 ? n : 60), err);
	if (found.opt->kind == KCO_OPT_FLAG) {
		if (value)
			return kco_fail(err, KCO_E_USAGE, "--%s takes no value", found.opt->long_name);
	} else if (!value) {
		if (*at + 1 >= argc)
			return options_no_value(found.opt, err);
		value = argv[++*at];
	}
	return options_store(how, found, value, err);
}

/* Would @word be understood as short options? */
static bool options_are_short(const struct kco_options *how, const char *word)
{
	for (; *word; word++) {
		struct options_found found = options_short(how, *word);

		if (!found.opt)
			return false;
		if (found.opt->kind != KCO_OPT_FLAG)
			return true;
	}
	return true;
}

static enum kco_status options_parse_short(const struct kco_options *how, const char *word, int argc, char **argv,
					   int *at, struct kco_err *err)
{
	enum kco_status st = KCO_OK;

	if (!options_are_short(how, word) && word[1] && options_long(how, word, strcspn(word, "=")).opt)
		return options_parse_long(how, word, argc, argv, at, err);
	for (; *word && !st; word++) {
		struct options_found found = options_short(how, *word);

		if (!found.opt)
			return kco_fail(err, KCO_E_USAGE, "no option '-%c'", *word);
		if (found.opt->kind == KCO_OPT_FLAG) {
			st = options_store(how, found, NULL, err);
			continue;
		}
		if (word[1])
			return options_store(how, found, word + 1, err);
		if (*at + 1 >= argc)
			return options_no_value(found.opt, err);
		return options_store(how, found, argv[++*at], err);
	}
	return st;
}

enum kco_status kco_options_parse(const struct kco_options *how, int argc, char **argv, char **words, int *nwords,
				  int *used, struct kco_err *err)
{
	enum kco_status st = KCO_OK;
	bool options_end = false;
	int at;

	*nwords = 0;
	for (at = 0; at < argc && !st; at++) {
		char *word = argv[at];

		if (options_end || word[0] != '-' || !word[1]) {
			if (how->stop_at_word)
				break;
			words[(*nwords)++] = word;
		} else if (strcmp(word, "--") == 0) {
			options_end = true;
		} else if (word[1] == '-') {
			st = options_parse_long(how, word + 2, argc, argv, &at, err);
		} else {
			st = options_parse_short(how, word + 1, argc, argv, &at, err);
		}
	}
	*used = at;
	return st;
}
