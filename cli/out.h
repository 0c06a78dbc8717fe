// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sink behind <kco/out.h>: one struct for both ways. out_text.c, out_json.c
 * and out_table.c implement the calls; this is what they share, and how the
 * dispatcher makes one.
 */
#ifndef KCO_CLI_OUT_H
#define KCO_CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yajl/yajl_gen.h>

#include <kco/out.h>

#include "writer.h"

#define KCO_OUT_DEPTH_MAX 32 /* nested JSON objects and arrays */

struct kco_out {
	struct kco_writer *writer; /* borrowed */
	bool json, color;
	bool ascii;	/* the terminal is not UTF-8 */
	bool no_memory; /* something is missing from the output */
	unsigned width;
	enum kco_style style;	    /* asked for */
	enum kco_style style_shown; /* the last one written */
	struct kco_table *table;    /* the open one */
	yajl_gen gen;
	unsigned depth;			      /* of open containers in the row */
	bool is_array[KCO_OUT_DEPTH_MAX + 1]; /* [1] the row itself */
	unsigned too_deep;		      /* containers beyond the limit, not written */
};

struct kco_out_options {
	bool json, color, ascii;
	unsigned width;
};

enum kco_status kco_out_init(struct kco_out *out, struct kco_writer *writer, const struct kco_out_options *opts,
			     struct kco_err *err) KCO_MUST_USE;
/** Close what a failed command left open: its row ends with the reason. KCO_E_NOMEM when something is missing. */
enum kco_status kco_out_fini(struct kco_out *out, enum kco_status status, const char *why,
			     struct kco_err *err) KCO_MUST_USE;

/** The escape sequence that begins @style, "" for the plain one. */
const char *kco_out_sgr(enum kco_style style);
/** Text that is safe already, in the style asked for. */
void kco_out_raw(struct kco_out *out, const char *s, size_t n);
/** The digits of @v, base 10 or 16, with a NUL behind; returns how many. Most of what is written are numbers. */
size_t kco_out_digits(char buf[24], uint64_t v, unsigned base);
/** kco_escape_* flags for text without newlines. */
unsigned kco_out_escape_flags(const struct kco_out *out);
/** The table's part of kco_out_reason(); false: there is no row to attach it to. */
bool kco_table_reason(struct kco_table *table, const char *text);

#endif
