// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory as rows of words: what rd, memory read and others print, in the
 * layouts of crash and of lldb.
 *
 * What cannot be read becomes one row a page with the reason, and the rest
 * follows: a hole in a dump is not the end of it.
 */
#ifndef KCO_COMMANDS_MEMROWS_H
#define KCO_COMMANDS_MEMROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/cmd.h>

/** Reads as kco_vread(): *@done is the valid prefix. */
typedef enum kco_status kco_memrows_read(void *arg, uint64_t addr, void *buf, size_t n, size_t *done,
					 struct kco_err *err);

enum kco_memword {
	KCO_MEMWORD_HEX,
	KCO_MEMWORD_SIGNED,
	KCO_MEMWORD_UNSIGNED,
	KCO_MEMWORD_SYMBOL, /* "name+offset" where it points to one, else hexadecimal */
	KCO_MEMWORD_FLOAT,  /* of 4 or 8 bytes */
	KCO_MEMWORD_CHAR,
};

struct kco_memrows {
	struct kco_cmd_ctx *ctx;
	kco_memrows_read *read;
	void *arg;
	unsigned width;	  /* bytes of a word: 1, 2, 4, 8 */
	unsigned per_row; /* words of a row */
	enum kco_memword word;
	bool swap;	 /* words in the other byte order */
	bool characters; /* the bytes as text behind the words */
	bool lldb;	 /* lldb's layout, not crash's */
};

/** @bytes from @addr on. Rows that cannot be read are counted; fails only when interrupted. */
enum kco_status kco_memrows_words(const struct kco_memrows *rows, uint64_t addr, uint64_t bytes,
				  struct kco_err *err) KCO_MUST_USE;
/** Text: up to @max bytes, or, when @to_nul, up to the end of the string. */
enum kco_status kco_memrows_text(const struct kco_memrows *rows, uint64_t addr, uint64_t max, bool to_nul,
				 struct kco_err *err) KCO_MUST_USE;
/** The row of @n bytes that cannot be read. */
void kco_memrows_failed(const struct kco_memrows *rows, uint64_t addr, uint64_t n, enum kco_status status,
			const char *why);
/** The address in front of a row of text. */
void kco_memrows_addr(const struct kco_memrows *rows, uint64_t addr);

#define KCO_MEMROWS_JSON_FIELDS                                                                \
	{ "addr", "address", "of the first word" }, { "width", "integer", "bytes of a word" }, \
		{ "words", "array", "the words" }, { "words[]", "address", "one of them" },    \
	{                                                                                      \
		"bytes", "integer", "in a failed row: how many bytes it stands for"            \
	}

#endif
