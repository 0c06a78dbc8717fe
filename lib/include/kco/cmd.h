// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table row of a command, and all that a command may use.
 *
 * How to add a command: write commands/NAME.c with a `const struct kco_cmd
 * kco_cmd_NAME`, add X(NAME) to commands/commands.def, a page
 * docs/commands/NAME.md and a test in tests/command. Options, help, completion,
 * the man page and the JSON schema all come from the row.
 */
#ifndef KCO_CMD_H
#define KCO_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/arena.h>
#include <kco/err.h>
#include <kco/os.h>
#include <kco/out.h>
#include <kco/session.h>
#include <kco/task.h>

enum kco_opt_kind {
	KCO_OPT_FLAG,	/* bool */
	KCO_OPT_INT,	/* int64_t */
	KCO_OPT_ADDR,	/* uint64_t: 0x1f, or hexadecimal without 0x as crash takes it, or a symbol[+offset] */
	KCO_OPT_STRING, /* const char * */
	KCO_OPT_CHOICE, /* int: index into choices */
	KCO_OPT_LIST,	/* struct kco_words: every occurrence */
};

/** The values of an option that may be repeated; the array belongs to the parser's arena. */
struct kco_words {
	const char **v;
	size_t n;
};

/** What an argument or an option's value is: for completion and for parsing. */
enum kco_word {
	KCO_WORD_NONE,
	KCO_WORD_TASK, /* pid, task address or comm */
	KCO_WORD_ADDR, /* address or symbol[+offset] */
	KCO_WORD_SYMBOL,
	KCO_WORD_TYPE,
	KCO_WORD_COMMAND,
	KCO_WORD_FILE,
	KCO_WORD_NUMBER,
	KCO_WORD_TEXT,
};

struct kco_opt {
	char short_name; /* 0: none */
	const char *long_name;
	enum kco_opt_kind kind;
	size_t offset;	     /* in the command's options struct */
	const char *metavar; /* NULL for flags */
	enum kco_word word;
	const char *const *choices; /* NULL-terminated, KCO_OPT_CHOICE */
	const char *help;	    /* one line, lower case, no full stop */
	size_t seen; /* offset of a bool set when the option was given (never the first member); 0: none */
};

struct kco_arg {
	enum kco_word word;
	const char *metavar; /* "PID|TASK|COMM" */
	bool optional, repeat;
};

/**
 * A key of the command's JSON rows: the schema. Nested keys: "frames[].pc".
 * "error" and "why" (kco_row_failed) may be in any row and are not listed.
 */
struct kco_json_field {
	const char *key;
	const char *type; /* "integer", "string", "address", "boolean", "array", "object", "number", with "|null" */
	const char *help;
};

struct kco_cmd_ctx;

struct kco_cmd {
	const char *name;		   /* one word, or two: "process list" */
	const char *const *aliases;	   /* NULL-terminated or NULL; never beginnings of other names */
	const char *summary;		   /* one line */
	const char *description;	   /* paragraphs for `help NAME` and the man page */
	const char *examples;		   /* "command\n    what it does\n" ... */
	const struct kco_arg *args;	   /* ends with word NONE; NULL: none */
	const struct kco_opt *opts;	   /* ends with help NULL; NULL: none */
	size_t opts_size;		   /* of the options struct, zeroed before parsing */
	unsigned needs;			   /* enum kco_need */
	unsigned features;		   /* enum kco_feature: "not on FreeBSD" where the dump's OS lacks one */
	const struct kco_json_field *json; /* ends with key NULL; NULL: no JSON rows */
	enum kco_status (*run)(struct kco_cmd_ctx *ctx, struct kco_err *err);
};

#define KCO_ATTACHED_MAX 64
#define KCO_NO_PROCESS (-1)

/** A process that was attached to: its pid, and the thread that was selected in it (address, 0 none yet). */
struct kco_attached {
	int64_t pid;
	uint64_t task;
};

/** The shell's (or the one-shot's) standing choices. */
struct kco_context {
	uint64_t task; /* address of the current task, 0: none chosen, the panic task */
	struct kco_attached attached[KCO_ATTACHED_MAX]; /* the current one last */
	size_t nr_attached;				/* 0: the current process is the current task's */
	bool show_hidden;				/* the setting target.show-hidden */
};

struct kco_cmd_ctx {
	const struct kco_cmd *cmd;
	struct kco_session *session; /* NULL when the command needs no image and none is open */
	struct kco_out *out;
	struct kco_arena *arena; /* dies when the command returns */
	struct kco_context *context;
	const void *opts; /* the command's options struct */
	int argc;	  /* arguments without the name and the options */
	char **argv;
	size_t failed_rows;
	/* For help: the whole tables. */
	const struct kco_cmd *const *commands;
	const struct kco_format_ops *const *formats;
	const struct kco_opt *globals; /* options that go with every command */
	/*
	 * For commands that run others (convert --touched): run @line, one
	 * command with its options and arguments, on ctx->session. Its output
	 * is thrown away; rows that fail are added to ctx->failed_rows. NULL:
	 * nobody can.
	 */
	enum kco_status (*run_line)(struct kco_cmd_ctx *ctx, const char *line, struct kco_err *err);
	void *run_line_arg; /* the CLI's own */
};

/** All commands in the order of commands.def, NULL-terminated. */
extern const struct kco_cmd *const kco_cmds[];
/**
 * By name, alias, or unambiguous beginning in the NULL-terminated table @cmds.
 * NULL: KCO_E_USAGE, and @err lists the candidates or the nearest name.
 */
const struct kco_cmd *kco_cmd_find(const struct kco_cmd *const *cmds, const char *name, struct kco_err *err);
/**
 * The same for the words of a line, of which a name may take two ("process
 * list"); *@used tells how many it took. A name of one word goes first, the
 * beginning of one last.
 */
const struct kco_cmd *kco_cmd_find_words(const struct kco_cmd *const *cmds, int argc, char *const *argv, int *used,
					 struct kco_err *err);
/** How many edits (insert, delete, replace, swap) lead from @a to @b: for "did you mean". Long words count as far. */
unsigned kco_word_distance(const char *a, const char *b);

/**
 * Does the dump's OS have @features? Else KCO_E_UNSUPPORTED "@what: not on
 * FreeBSD" (@what NULL: the command itself). For options that need more than their command's row says; the OS
 * must be known (KCO_NEED_OS), else the reason why it is not.
 */
enum kco_status kco_cmd_check_os(struct kco_session *s, unsigned features, const char *what,
				 struct kco_err *err) KCO_MUST_USE;

/**
 * A row that could not be made, or not wholly: counts it (exit status 1) and
 * writes the reason with kco_out_reason().
 */
void kco_row_failed(struct kco_cmd_ctx *ctx, enum kco_status status, const char *why);
/**
 * The row of a word that is no address and no symbol, among others that may be
 * (JSON: "word", "error", "why"). A word that selects (a task, a module) and
 * selects nothing is no row but KCO_E_USAGE, before anything is printed.
 */
void kco_word_failed(struct kco_cmd_ctx *ctx, const char *word, enum kco_status status, const char *why);

/**
 * Parse an address as KCO_OPT_ADDR does: digits first or 0x means hexadecimal;
 * else a symbol (or module:symbol), or hexadecimal when no symbol has that
 * name; then +offset or -offset, decimal or 0x. @s NULL: no symbols.
 */
enum kco_status kco_parse_addr(struct kco_session *s, const char *word, uint64_t *ret,
			       struct kco_err *err) KCO_MUST_USE;
/** Parse a number: decimal, 0x hexadecimal, 0 octal as C has it. */
enum kco_status kco_parse_int(const char *word, int64_t *ret, struct kco_err *err) KCO_MUST_USE;
/**
 * The tasks that the words name: a tid in decimal, a task address in
 * hexadecimal, or a command name (which may match several). No words: the
 * current task. 0 names every idle task. The array is in ctx->arena.
 * KCO_E_USAGE names the word that matches nothing.
 */
enum kco_status kco_parse_tasks(struct kco_cmd_ctx *ctx, char **words, int n, const struct kco_task ***ret,
				size_t *nret, struct kco_err *err) KCO_MUST_USE;
/** The current task: chosen by `set`, else the one that panicked, else an active one. Never NULL on KCO_OK. */
enum kco_status kco_current_task(struct kco_cmd_ctx *ctx, const struct kco_task **ret,
				 struct kco_err *err) KCO_MUST_USE;
/** "symbol+0x1c" or "symbol+0x1c [module]"; hexadecimal when nothing covers @addr. In ctx->arena. */
const char *kco_format_symbol(struct kco_cmd_ctx *ctx, uint64_t addr);
/** crash's header line: PID: 1  TASK: ...  CPU: 0  COMMAND: "init" */
void kco_text_task_header(struct kco_out *out, const struct kco_task *task);
/** A JSON integer of which a negative value means unknown: null then (struct kco_task's cpu and ppid). */
void kco_json_known(struct kco_out *out, const char *key, int64_t v);

#endif
