// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An encoder of kallsyms for tests: the arrays as kernels of several ages lay
 * them out, after scripts/kallsyms.c of Linux. Compression is real, but with a
 * handful of tokens of its own.
 */
#ifndef KCO_UNIT_KSYMMAKE_H
#define KCO_UNIT_KSYMMAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kallsyms.h"
#include "vmem.h"

#define KSYM_BASE UINT64_C(0xffffffff81000000)	 /* the kernel's first symbol */
#define KSYM_TABLES UINT64_C(0xffffffff82000000) /* where the arrays lie */
#define KSYM_MAX 1200

struct ksym {
	uint64_t addr;
	char type;
	char name[300];
};

enum ksym_form { KSYM_ABSOLUTE, KSYM_FROM_BASE, KSYM_PERCPU, KSYM_FROM_PLACE };
enum ksym_seqs { KSYM_NO_SEQS, KSYM_SEQS3, KSYM_SEQS4, KSYM_SEQS_LTO };

struct ksym_shape {
	enum ksym_form form;
	bool addresses_first; /* the older order */
	enum ksym_seqs seqs;
	unsigned align, marker; /* bytes of an entry of markers, and of num_syms */
};

struct ksymmake {
	struct ksym syms[KSYM_MAX];
	uint32_t n;
	struct bytes image;
	struct kco_kallsyms_layout layout;
};

static const char *const ksymmake_texts[] = { "sys_", "__x64_", "per_", "cpu", "Tdo_" };

static inline void ksymmake_add(struct ksymmake *m, uint64_t addr, char type, const char *name)
{
	if (m->n == KSYM_MAX)
		abort();
	m->syms[m->n].addr = addr;
	m->syms[m->n].type = type;
	snprintf(m->syms[m->n++].name, sizeof(m->syms[0].name), "%s", name);
}

/* Symbols as a kernel has them: aliases, long names, names that differ behind a dot, and more than two blocks. */
static inline void ksymmake_usual(struct ksymmake *m, bool percpu)
{
	char name[300];

	memset(m, 0, sizeof(*m));
	if (percpu) {
		ksymmake_add(m, 0, 'A', "__per_cpu_start");
		ksymmake_add(m, 0x1000, 'A', "cpu_info");
	}
	ksymmake_add(m, KSYM_BASE, 'T', "_stext");
	ksymmake_add(m, KSYM_BASE, 'T', "_text");
	for (unsigned i = 0; i < 700; i++) {
		snprintf(name, sizeof(name), i % 3 ? "sys_number_%u" : "__x64_sys_number_%u", i);
		ksymmake_add(m, KSYM_BASE + 0x100 + (uint64_t)i * 0x40, i & 1 ? 't' : 'T', name);
		if (i == 50) {
			ksymmake_add(m, KSYM_BASE + 0x100 + (uint64_t)i * 0x40, 't', "alias_one");
			ksymmake_add(m, KSYM_BASE + 0x100 + (uint64_t)i * 0x40, 'W', "alias_two");
		}
		if (i == 60 || i == 600)
			ksymmake_add(m, KSYM_BASE + 0x110 + (uint64_t)i * 0x40, 't', "twice");
		if (i == 61)
			ksymmake_add(m, KSYM_BASE + 0x110 + (uint64_t)i * 0x40, 't', "do_thing.cold");
		if (i == 300)
			ksymmake_add(m, KSYM_BASE + 0x110 + (uint64_t)i * 0x40, 't', "do_thing");
		if (i == 400) {
			memset(name, 'q', 250);
			name[250] = '\0';
			ksymmake_add(m, KSYM_BASE + 0x110 + (uint64_t)i * 0x40, 'd', name);
		}
	}
	ksymmake_add(m, KSYM_BASE + 0x20000, 'B', "_end");
	ksymmake_add(m, KSYM_BASE + 0x20000, 'B', "__brk_limit");
	ksymmake_add(m, KSYM_BASE + 0x30000, 'D', "__init_scratch_begin");
}

static inline size_t ksymmake_token(const char *s, unsigned *code)
{
	for (unsigned i = 0; i < sizeof(ksymmake_texts) / sizeof(*ksymmake_texts); i++)
		if (strncmp(s, ksymmake_texts[i], strlen(ksymmake_texts[i])) == 0) {
			*code = 128 + i;
			return strlen(ksymmake_texts[i]);
		}
	*code = (uint8_t)*s;
	return 1;
}

static inline void ksymmake_names(struct ksymmake *m, uint32_t markers[])
{
	size_t first = m->image.n;

	for (uint32_t i = 0; i < m->n; i++) {
		char text[310];
		uint8_t packed[310];
		unsigned n = 0, code;

		snprintf(text, sizeof(text), "%c%s", m->syms[i].type, m->syms[i].name);
		for (const char *s = text; *s; n++) {
			s += ksymmake_token(s, &code);
			packed[n] = (uint8_t)code;
		}
		if (i % 256 == 0)
			markers[i / 256] = (uint32_t)(m->image.n - first);
		if (n > 127)
			bytes_uint(&m->image, (n & 127) | 128, 1);
		bytes_uint(&m->image, n > 127 ? n >> 7 : n, 1);
		bytes_put(&m->image, packed, n);
	}
}

static inline void ksymmake_tokens(struct ksymmake *m, const struct ksym_shape *shape)
{
	size_t first = m->image.n;
	uint16_t at[256];

	m->layout.token_table = KSYM_TABLES + first;
	for (unsigned i = 0; i < 256; i++) {
		char one[2] = { (char)i, '\0' };
		const char *text = i >= 128 && i < 133 ? ksymmake_texts[i - 128] : i > 32 && i < 127 ? one : "";

		at[i] = (uint16_t)(m->image.n - first);
		bytes_put(&m->image, text, strlen(text) + 1);
	}
	bytes_align(&m->image, shape->align);
	m->layout.token_index = KSYM_TABLES + m->image.n;
	for (unsigned i = 0; i < 256; i++)
		bytes_uint(&m->image, at[i], 2);
	bytes_align(&m->image, shape->align);
}

static inline void ksymmake_addresses(struct ksymmake *m, const struct ksym_shape *shape)
{
	uint64_t base = KSYM_BASE, place = KSYM_TABLES + m->image.n;

	for (uint32_t i = 0; i < m->n; i++) {
		uint64_t a = m->syms[i].addr;

		switch (shape->form) {
		case KSYM_ABSOLUTE:
			bytes_uint(&m->image, a, 8);
			break;
		case KSYM_FROM_BASE:
			bytes_uint(&m->image, a - base, 4);
			break;
		case KSYM_PERCPU:
			bytes_uint(&m->image, a < KSYM_BASE ? a : base - 1 - a, 4);
			break;
		case KSYM_FROM_PLACE:
			bytes_uint(&m->image, a - (place + (uint64_t)i * 4), 4);
			break;
		}
	}
	if (shape->form == KSYM_ABSOLUTE)
		m->layout.addresses = place;
	else
		m->layout.offsets = place;
	bytes_align(&m->image, shape->align);
	if (shape->form == KSYM_FROM_BASE || shape->form == KSYM_PERCPU) {
		m->layout.relative_base = KSYM_TABLES + m->image.n;
		bytes_uint(&m->image, base, 8);
		bytes_align(&m->image, shape->align);
	}
}

static const struct ksymmake *ksymmake_sorting;
static bool ksymmake_sorting_lto;

static inline int ksymmake_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	char p[300], q[300];
	int order;

	snprintf(p, sizeof(p), "%s", ksymmake_sorting->syms[x].name);
	snprintf(q, sizeof(q), "%s", ksymmake_sorting->syms[y].name);
	if (ksymmake_sorting_lto) {
		p[strcspn(p, ".")] = '\0';
		q[strcspn(q, ".")] = '\0';
	}
	order = strcmp(p, q);
	return order ? order : x < y ? -1 : x > y;
}

static inline void ksymmake_seqs(struct ksymmake *m, const struct ksym_shape *shape)
{
	uint32_t order[KSYM_MAX];

	if (shape->seqs == KSYM_NO_SEQS)
		return;
	for (uint32_t i = 0; i < m->n; i++)
		order[i] = i;
	ksymmake_sorting = m;
	ksymmake_sorting_lto = shape->seqs == KSYM_SEQS_LTO;
	qsort(order, m->n, sizeof(*order), ksymmake_order);
	for (uint32_t i = 0; i < m->n; i++) {
		uint8_t be[3] = { (uint8_t)(order[i] >> 16), (uint8_t)(order[i] >> 8), (uint8_t)order[i] };

		if (shape->seqs == KSYM_SEQS4)
			bytes_uint(&m->image, order[i], 4);
		else
			bytes_put(&m->image, be, 3);
	}
	bytes_align(&m->image, shape->align);
}

static inline void ksymmake_encode(struct ksymmake *m, const struct ksym_shape *shape)
{
	uint32_t markers[KSYM_MAX / 256 + 1];

	// What lies around the arrays is not zero.
	for (unsigned i = 0; i < 64; i++)
		bytes_uint(&m->image, 0x5a5a0101 + i, 8);
	// Where 4 bytes are enough, do not fall on 8 by chance.
	if (shape->align == 4)
		bytes_uint(&m->image, 0x5a5a0101, 4);
	if (shape->addresses_first)
		ksymmake_addresses(m, shape);
	m->layout.num_syms = KSYM_TABLES + m->image.n;
	bytes_uint(&m->image, m->n, shape->marker);
	bytes_align(&m->image, shape->align);
	m->layout.names = KSYM_TABLES + m->image.n;
	ksymmake_names(m, markers);
	bytes_align(&m->image, shape->align);
	m->layout.markers = KSYM_TABLES + m->image.n;
	for (uint32_t i = 0; i < (m->n + 255) / 256; i++)
		bytes_uint(&m->image, markers[i], shape->marker);
	bytes_align(&m->image, shape->align);
	if (shape->addresses_first)
		ksymmake_seqs(m, shape);
	ksymmake_tokens(m, shape);
	if (!shape->addresses_first) {
		ksymmake_addresses(m, shape);
		ksymmake_seqs(m, shape);
	}
	for (unsigned i = 0; i < 128; i++)
		bytes_uint(&m->image, 0x5a5a0101 + i, 8);
}

static const struct ksym_shape ksym_shapes[] = {
	{ KSYM_ABSOLUTE, true, KSYM_NO_SEQS, 8, 8 }, /* before 4.6, and before 5.0 */
	{ KSYM_ABSOLUTE, true, KSYM_NO_SEQS, 8, 4 },
	{ KSYM_PERCPU, true, KSYM_NO_SEQS, 8, 8 },
	{ KSYM_PERCPU, true, KSYM_NO_SEQS, 8, 4 },
	{ KSYM_PERCPU, true, KSYM_SEQS3, 8, 4 }, /* Debian's 6.1 */
	{ KSYM_PERCPU, true, KSYM_SEQS4, 8, 4 },
	{ KSYM_PERCPU, true, KSYM_SEQS_LTO, 8, 4 },
	{ KSYM_PERCPU, false, KSYM_SEQS3, 8, 4 }, /* Debian's 6.12 */
	{ KSYM_ABSOLUTE, false, KSYM_SEQS3, 8, 4 },
	{ KSYM_FROM_BASE, false, KSYM_SEQS3, 8, 4 },  /* without absolute per-CPU symbols */
	{ KSYM_FROM_PLACE, false, KSYM_SEQS3, 4, 4 }, /* without a relative base */
	{ KSYM_FROM_PLACE, false, KSYM_SEQS_LTO, 4, 4 },
};

#define NR_KSYM_SHAPES (sizeof(ksym_shapes) / sizeof(*ksym_shapes))

static inline bool ksym_has_percpu(const struct ksym_shape *shape)
{
	return shape->form == KSYM_PERCPU || shape->form == KSYM_ABSOLUTE;
}

#endif
