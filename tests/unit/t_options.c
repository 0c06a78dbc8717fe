// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What users type: options, numbers, addresses, names of commands, lines of
 * the shell.
 */
#include "options.h"

#include <string.h>

#include "line.h"
#include "unit.h"

struct values {
	bool all, brief;
	int64_t count;
	uint64_t addr;
	bool has_addr;
	const char *file;
	int when;
	struct kco_words names;
};

static const char *const whens[] = { "auto", "always", "never", NULL };
#define AT(field) .offset = offsetof(struct values, field)
static const struct kco_opt table[] = {
	{ 'a', "all", KCO_OPT_FLAG, AT(all), .help = "x" },
	{ 'b', NULL, KCO_OPT_FLAG, AT(brief), .help = "x" },
	{ 'n', "count", KCO_OPT_INT, AT(count), .metavar = "N", .help = "x" },
	{ 0, "addr", KCO_OPT_ADDR, AT(addr), .metavar = "ADDR", .seen = offsetof(struct values, has_addr),
	  .help = "x" },
	{ 'f', "file", KCO_OPT_STRING, AT(file), .metavar = "FILE", .help = "x" },
	{ 0, "32", KCO_OPT_FLAG, AT(brief), .help = "x" },
	{ 'w', "when", KCO_OPT_CHOICE, AT(when), .choices = whens, .help = "x" },
	{ 'i', "name", KCO_OPT_LIST, AT(names), .metavar = "NAME", .help = "x" },
	{ 0 },
};
static const struct kco_opt other[] = {
	{ 'a', "other", KCO_OPT_FLAG, AT(brief), .help = "x" },
	{ 'z', "zero", KCO_OPT_FLAG, AT(brief), .help = "x" },
	{ 0 },
};

static struct values v, w;
static struct kco_err err;
static char *words[32];
static int nwords, used;
static struct kco_arena arena;

/* Parse the words of @line, which blanks separate. */
static enum kco_status parse_how(const char *line, bool stop, bool syntax_only)
{
	struct kco_opt_set sets[] = { { table, &v, syntax_only }, { other, &w, false } };
	struct kco_options how = { .sets = sets, .nr_sets = 2, .stop_at_word = stop, .arena = &arena };
	static char copy[256];
	char *argv[32], *rest = copy, *word;
	int argc = 0;

	v = w = (struct values){ 0 };
	err = KCO_ERR_INIT;
	strcpy(copy, line);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word)
			argv[argc++] = word;
	return kco_options_parse(&how, argc, argv, words, &nwords, &used, &err);
}

static enum kco_status parse(const char *line)
{
	return parse_how(line, false, false);
}

static void test_options__forms_of_each_kind(void **state)
{
	static const char *const lines[] = {
		"--all -b --count 7 --addr 1f --file x --when never",
		"--all -b --count=7 --addr=0x1f --file=x --when=never",
		"-abn7 --addr 0x1F -fx -wnever",
		"-ab -n 7 --addr=1f -f x -w never",
		"-b -a -count 0x7 -addr=1f -f x -w never",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i]), KCO_OK);
		assert_true(v.all && v.brief && v.has_addr);
		assert_int_equal(v.count, 7);
		assert_int_equal(v.addr, 0x1f);
		assert_string_equal(v.file, "x");
		assert_int_equal(v.when, 2);
		assert_int_equal(nwords, 0);
	}
}

static void test_options__words_and_options_mix(void **state)
{
	(void)state;
	assert_int_equal(parse("one -a two -n 3 - -- -b --file"), KCO_OK);
	assert_int_equal(nwords, 5);
	assert_string_equal(words[1], "two");
	assert_string_equal(words[2], "-");
	assert_string_equal(words[3], "-b");
	assert_string_equal(words[4], "--file");
	assert_false(v.brief);
}

static void test_options__stop_at_the_first_word(void **state)
{
	(void)state;
	assert_int_equal(parse_how("-a -n 3 word -b", true, false), KCO_OK);
	assert_int_equal(used, 3);
	assert_int_equal(nwords, 0);
	assert_false(v.brief);
}

static void test_options__earlier_table_wins(void **state)
{
	(void)state;
	assert_int_equal(parse("-a -z"), KCO_OK);
	assert_true(v.all);
	assert_true(w.brief);
	assert_int_equal(parse("--other"), KCO_OK);
	assert_true(w.brief);
	assert_false(v.all);
}

static void test_options__lists_keep_every_occurrence(void **state)
{
	(void)state;
	assert_int_equal(parse("-i a --name=b -ic"), KCO_OK);
	assert_int_equal(v.names.n, 3);
	assert_string_equal(v.names.v[0], "a");
	assert_string_equal(v.names.v[2], "c");
}

static void test_options__numbers_as_names(void **state)
{
	(void)state;
	assert_int_equal(parse("-32"), KCO_OK);
	assert_true(v.brief);
	assert_int_equal(parse("-33"), KCO_E_USAGE);
}

static void test_options__addresses_wait_for_symbols(void **state)
{
	(void)state;
	assert_int_equal(parse_how("--addr=jiffies", false, true), KCO_OK);
	assert_true(v.has_addr);
	assert_int_equal(parse("--addr=jiffies"), KCO_E_USAGE);
	assert_msg(&err, "--addr: 'jiffies'");
}

static void test_options__mistakes_are_named(void **state)
{
	static const struct {
		const char *line, *msg;
	} rows[] = {
		{ "--nosuch", "no option '--nosuch'" },
		{ "--al", "did you mean '--all'?" },
		{ "--coutn=3", "no option '--coutn'; did you mean '--count'?" },
		{ "-x", "no option '-x'" },
		{ "-ax", "no option '-x'" },
		{ "--count", "--count needs a value: N" },
		{ "-f", "--file needs a value: FILE" },
		{ "-n x", "--count: 'x' is not a number" },
		{ "-n 1x", "--count: '1x' is not a number" },
		{ "-n 9223372036854775808", "does not fit 64 bits" },
		{ "--all=1", "--all takes no value" },
		{ "--when=x", "--when: 'x' is none of auto, always, never" },
		{ "--when=", "--when: '' is none of" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].line), KCO_E_USAGE);
		assert_msg(&err, rows[i].msg);
	}
}

static void test_options__no_abbreviations(void **state)
{
	(void)state;
	assert_int_equal(parse("--cou=3"), KCO_E_USAGE);
}

static void test_parse__addresses(void **state)
{
	static const struct {
		const char *word;
		uint64_t addr;
	} good[] = {
		{ "0", 0 },
		{ "1f", 0x1f },
		{ "0x1F", 0x1f },
		{ "ffffffff81000000", 0xffffffff81000000 },
		{ "0xffffffffffffffff", UINT64_MAX },
		{ "1000+10", 0x100a },
		{ "1000+0x10", 0x1010 },
		{ "1000-0x10", 0xff0 },
		{ "-0x1000000", (uint64_t)-0x1000000 },
		{ "abcdef", 0xabcdef }, /* no symbol can have that name without symbols */
	};
	static const char *const bad[] = { "",	   "x", "0x",	    "1g", "10000000000000000", "1+", "1+x",
					   "1++1", "+", "sys_read", "+-1" };
	uint64_t addr;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(kco_parse_addr(NULL, good[i].word, &addr, NULL), KCO_OK);
		assert_true(addr == good[i].addr);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kco_parse_addr(NULL, bad[i], &addr, NULL), KCO_E_USAGE);
}

static const struct kco_cmd cmd_bt = { .name = "bt" }, cmd_break = { .name = "break" }, cmd_sys = { .name = "sys" },
			    cmd_struct = { .name = "struct", .aliases = (const char *const[]){ "union", "st", NULL } };
static const struct kco_cmd *const cmds[] = { &cmd_bt, &cmd_break, &cmd_sys, &cmd_struct, NULL };

static void test_find__names_aliases_and_beginnings(void **state)
{
	(void)state;
	assert_ptr_equal(kco_cmd_find(cmds, "bt", NULL), &cmd_bt);
	assert_ptr_equal(kco_cmd_find(cmds, "st", NULL), &cmd_struct);
	assert_ptr_equal(kco_cmd_find(cmds, "union", NULL), &cmd_struct);
	assert_ptr_equal(kco_cmd_find(cmds, "br", NULL), &cmd_break);
	assert_null(kco_cmd_find(cmds, "b", &err));
	assert_string_equal(err.msg, "command 'b' is ambiguous: bt, break");
	assert_null(kco_cmd_find(cmds, "", NULL));
	assert_null(kco_cmd_find(cmds, "brak", &err));
	assert_msg(&err, "did you mean 'break'?");
	assert_null(kco_cmd_find(cmds, "quux", &err));
	assert_msg(&err, "`help` lists them");
}

static const struct kco_cmd cmd_list = { .name = "process list" },
			    cmd_attach = { .name = "process attach",
					   .aliases = (const char *const[]){ "target open", NULL } },
			    cmd_read = { .name = "memory read" }, cmd_region = { .name = "memory region" },
			    cmd_settings = { .name = "settings set" }, cmd_set = { .name = "set" };
static const struct kco_cmd *const two_words[] = { &cmd_list, &cmd_attach,   &cmd_read, &cmd_region,
						   &cmd_sys,  &cmd_settings, &cmd_set,	NULL };

static void test_find__names_of_two_words(void **state)
{
	static const struct {
		const char *first, *second;
		const struct kco_cmd *cmd;
		int nr;
	} good[] = {
		{ "process", "list", &cmd_list, 2 }, { "pro", "att", &cmd_attach, 2 },
		{ "m", "rea", &cmd_read, 2 },	     { "target", "open", &cmd_attach, 2 },
		{ "ta", "o", &cmd_attach, 2 },	     { "sys", "list", &cmd_sys, 1 },
		{ "set", "set", &cmd_set, 1 },	     { "sett", "se", &cmd_settings, 2 },
	};
	static const struct {
		const char *first, *second, *msg;
	} bad[] = {
		{ "memory", "re", "command 'memory re' is ambiguous: memory read, memory region" },
		{ "mem", NULL, "'mem' wants a second word: read, region" },
		{ "process", "nonsense", "'process' wants a second word: list, attach" },
		{ "process", "-a", "'process' wants a second word: list, attach" },
		{ "quux", "list", "no command 'quux'" },
	};
	int nr;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char *const argv[] = { (char *)good[i].first, (char *)good[i].second };

		assert_ptr_equal(kco_cmd_find_words(two_words, 2, argv, &nr, NULL), good[i].cmd);
		assert_int_equal(nr, good[i].nr);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *const argv[] = { (char *)bad[i].first, (char *)bad[i].second };

		assert_null(kco_cmd_find_words(two_words, bad[i].second ? 2 : 1, argv, &nr, &err));
		assert_msg(&err, bad[i].msg);
	}
}

static void test_find__distance(void **state)
{
	(void)state;
	assert_int_equal(kco_word_distance("", ""), 0);
	assert_int_equal(kco_word_distance("abc", ""), 3);
	assert_int_equal(kco_word_distance("kitten", "sitting"), 3);
	assert_int_equal(kco_word_distance("hepl", "help"), 1);
	assert_true(kco_word_distance("an argument that is longer than any name", "help") > 8);
}

static enum kco_status line(const char *text, bool partial, struct kco_line *ret)
{
	err = KCO_ERR_INIT;
	return kco_line_parse(text, partial, &arena, ret, &err);
}

static void test_line__words_and_quotes(void **state)
{
	struct kco_line l;

	(void)state;
	assert_int_equal(line("  bt  'a b'  \"c \\\" d\" e\\ f g#h '' # comment | x", false, &l), KCO_OK);
	assert_int_equal(l.argc, 6);
	assert_string_equal(l.argv[1], "a b");
	assert_string_equal(l.argv[2], "c \" d");
	assert_string_equal(l.argv[3], "e f");
	assert_string_equal(l.argv[4], "g#h");
	assert_string_equal(l.argv[5], "");
	assert_null(l.argv[6]);
	assert_int_equal(l.to, KCO_LINE_OUT);
	assert_int_equal(line(" # only", false, &l), KCO_OK);
	assert_int_equal(l.argc, 0);
}

static void test_line__where_the_output_goes(void **state)
{
	static const struct {
		const char *text, *target;
		enum kco_line_to to;
	} rows[] = {
		{ "ps|less", "less", KCO_LINE_PIPE },	     { "ps | grep '|' > x ", "grep '|' > x", KCO_LINE_PIPE },
		{ "ps>out", "out", KCO_LINE_FILE },	     { "ps >> 'an out' # x", "an out", KCO_LINE_APPEND },
		{ "! ls | wc ", "ls | wc", KCO_LINE_SHELL }, { "!", NULL, KCO_LINE_SHELL },
		{ "ps '|' x", NULL, KCO_LINE_OUT },
	};
	struct kco_line l;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(line(rows[i].text, false, &l), KCO_OK);
		assert_int_equal(l.to, rows[i].to);
		if (rows[i].target)
			assert_string_equal(l.target, rows[i].target);
		else
			assert_null(l.target);
	}
}

static void test_line__mistakes(void **state)
{
	static const char *const bad[] = { "ps 'x", "ps \"x", "ps |", "ps >", "ps > >", "| x", "> x", "ps > a b" };
	struct kco_line l;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(line(bad[i], false, &l), KCO_E_USAGE);
		assert_int_equal(line(bad[i], true, &l), KCO_OK);
	}
}

static void test_line__where_the_cursor_is(void **state)
{
	static const struct {
		const char *text;
		bool in_word;
		size_t at;
	} rows[] = {
		{ "", false, 0 },	{ "bt", true, 0 },	{ "bt ", false, 0 },   { "bt -", true, 3 },
		{ "bt 'a b", true, 3 }, { "bt > ou", true, 5 }, { "bt > ", false, 5 }, { "bt # x", false, 0 },
	};
	struct kco_line l;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(line(rows[i].text, true, &l), KCO_OK);
		assert_int_equal(l.in_word, rows[i].in_word);
		if (l.in_word)
			assert_int_equal(l.word_at, rows[i].at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options__forms_of_each_kind),
		cmocka_unit_test(test_options__words_and_options_mix),
		cmocka_unit_test(test_options__stop_at_the_first_word),
		cmocka_unit_test(test_options__earlier_table_wins),
		cmocka_unit_test(test_options__lists_keep_every_occurrence),
		cmocka_unit_test(test_options__numbers_as_names),
		cmocka_unit_test(test_options__addresses_wait_for_symbols),
		cmocka_unit_test(test_options__mistakes_are_named),
		cmocka_unit_test(test_options__no_abbreviations),
		cmocka_unit_test(test_parse__addresses),
		cmocka_unit_test(test_find__names_aliases_and_beginnings),
		cmocka_unit_test(test_find__names_of_two_words),
		cmocka_unit_test(test_find__distance),
		cmocka_unit_test(test_line__words_and_quotes),
		cmocka_unit_test(test_line__where_the_output_goes),
		cmocka_unit_test(test_line__mistakes),
		cmocka_unit_test(test_line__where_the_cursor_is),
	};
	int failed;

	kco_arena_init(&arena);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	kco_arena_fini(&arena);
	return failed;
}
