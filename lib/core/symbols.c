// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The chain of symbol sources: asks one after the other, remembers what
 * addresses gave.
 *
 * Traces ask for few distinct addresses many times; a direct-mapped table of
 * answers (and of refusals) makes those cost one comparison, and has a fixed
 * size however many addresses are asked for. The personality asks for the same
 * few names for each process: there is such a table of names, too. Refusals are
 * not in it, because modules' symbols refuse all names while they are loaded.
 */
#include <kco/symbol.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#define SYMBOLS_MEMO_BITS 10
#define SYMBOLS_NAMES_BITS 8
#define SYMBOLS_NAMES_LEN 48 /* longer names are not remembered */

struct symbols_memo {
	bool used;
	enum kco_status status;
	uint64_t addr;
	struct kco_symbol sym;
};

struct symbols_name {
	char name[SYMBOLS_NAMES_LEN]; /* empty: free */
	struct kco_symbol sym;
};

struct kco_symbols {
	struct kco_symbol_source *first, **end;
	struct symbols_memo memo[1u << SYMBOLS_MEMO_BITS];
	struct symbols_name names[1u << SYMBOLS_NAMES_BITS];
};

struct kco_symbols *kco_symbols_new(void)
{
	struct kco_symbols *syms = calloc(1, sizeof(*syms));

	if (syms)
		syms->end = &syms->first;
	return syms;
}

void kco_symbols_free(struct kco_symbols *syms)
{
	struct kco_symbol_source *src = syms ? syms->first : NULL;

	while (src) {
		struct kco_symbol_source *next = src->next;

		src->ops->free(src);
		src = next;
	}
	free(syms);
}

void kco_symbols_add_take(struct kco_symbols *syms, struct kco_symbol_source *src)
{
	if (!src)
		return;
	src->next = NULL;
	*syms->end = src;
	syms->end = &src->next;
	// What nobody knew so far may be known now.
	memset(syms->memo, 0, sizeof(syms->memo));
	memset(syms->names, 0, sizeof(syms->names));
}

/* Keep the first error that says more than "not here". */
static void symbols_note(enum kco_status st, const struct kco_err *e, enum kco_status *worst, struct kco_err *err)
{
	if (st == KCO_E_NOSYM || *worst != KCO_E_NOSYM)
		return;
	*worst = st;
	if (err)
		*err = *e;
}

enum kco_status kco_symbols_by_addr(struct kco_symbols *syms, uint64_t addr, struct kco_symbol *ret,
				    struct kco_err *err)
{
	uint64_t slot = addr * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SYMBOLS_MEMO_BITS);
	struct symbols_memo *memo = &syms->memo[slot];
	enum kco_status worst = KCO_E_NOSYM, st = KCO_E_NOSYM;
	struct kco_err e = KCO_ERR_INIT;

	if (memo->used && memo->addr == addr) {
		if (memo->status)
			return kco_fail(err, memo->status, "no symbol at %#" PRIx64, addr);
		*ret = memo->sym;
		return KCO_OK;
	}
	for (struct kco_symbol_source *src = syms->first; src && st; src = src->next) {
		if (addr < src->first || addr > src->last)
			continue;
		st = src->ops->by_addr(src, addr, ret, &e);
		if (st)
			symbols_note(st, &e, &worst, err);
	}
	if (st && worst != KCO_E_NOSYM)
		return worst;
	// Only what stays so is remembered, not a read that failed.
	*memo = (struct symbols_memo){ .used = true, .status = st ? KCO_E_NOSYM : KCO_OK, .addr = addr };
	if (!st) {
		memo->sym = *ret;
		return KCO_OK;
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol at %#" PRIx64, addr);
}

/* Split "module:name"; false when there is no module in front. */
static bool symbols_split(const char *name, char module[64], const char **rest)
{
	const char *colon = strchr(name, ':');
	size_t n = colon ? (size_t)(colon - name) : 0;

	if (n == 0 || n >= 64 || colon[1] == '\0')
		return false;
	memcpy(module, name, n);
	module[n] = '\0';
	*rest = colon + 1;
	return true;
}

/* Ask @src for @bare of @module; a source of several modules may also know the whole "module:name". */
static enum kco_status symbols_of_module(struct kco_symbol_source *src, const char *module, const char *bare,
					 const char *name, struct kco_symbol *ret, struct kco_err *err)
{
	enum kco_status st;

	if (src->module && strcmp(src->module, module) != 0)
		return KCO_E_NOSYM;
	st = src->ops->by_name(src, bare, ret, err);
	if (!st && strcmp(ret->module ? ret->module : "vmlinux", module) == 0)
		return KCO_OK;
	if (src->module)
		return st ? st : KCO_E_NOSYM;
	return src->ops->by_name(src, name, ret, err);
}

static enum kco_status symbols_find_name(struct kco_symbols *syms, const char *name, struct kco_symbol *ret,
					 struct kco_err *err)
{
	enum kco_status worst = KCO_E_NOSYM;
	const char *bare = name;
	char module[64];
	bool one = symbols_split(name, module, &bare);
	struct kco_err e = KCO_ERR_INIT;

	for (struct kco_symbol_source *src = syms->first; src; src = src->next) {
		enum kco_status st;

		if (one)
			st = symbols_of_module(src, module, bare, name, ret, &e);
		else
			st = src->ops->by_name(src, name, ret, &e);
		if (!st)
			return KCO_OK;
		symbols_note(st, &e, &worst, err);
	}
	if (worst != KCO_E_NOSYM)
		return worst;
	if (one)
		return kco_fail(err, KCO_E_NOSYM, "no symbol \"%s\" in %s", bare, module);
	return kco_fail(err, KCO_E_NOSYM, "no symbol \"%s\"", name);
}

enum kco_status kco_symbols_by_name(struct kco_symbols *syms, const char *name, struct kco_symbol *ret,
				    struct kco_err *err)
{
	size_t n = strlen(name);
	struct symbols_name *memo = &syms->names[XXH3_64bits(name, n) >> (64 - SYMBOLS_NAMES_BITS)];
	enum kco_status st;

	if (n && strcmp(memo->name, name) == 0) {
		*ret = memo->sym;
		return KCO_OK;
	}
	st = symbols_find_name(syms, name, ret, err);
	if (!st && n < SYMBOLS_NAMES_LEN) {
		memcpy(memo->name, name, n + 1);
		memo->sym = *ret;
	}
	return st;
}

struct symbols_each {
	bool (*fn)(void *arg, const struct kco_symbol *sym);
	void *arg;
	bool stopped;
};

static bool symbols_each_one(void *arg, const struct kco_symbol *sym)
{
	struct symbols_each *e = arg;

	e->stopped = !e->fn(e->arg, sym);
	return !e->stopped;
}

enum kco_status kco_symbols_each(struct kco_symbols *syms, bool (*fn)(void *arg, const struct kco_symbol *sym),
				 void *arg, struct kco_err *err)
{
	struct symbols_each each = { .fn = fn, .arg = arg };
	enum kco_status first = KCO_OK;
	struct kco_err e = KCO_ERR_INIT;

	for (struct kco_symbol_source *src = syms->first; src && !each.stopped; src = src->next) {
		enum kco_status st = src->ops->each(src, symbols_each_one, &each, &e);

		if (st && !first) {
			first = st;
			if (err)
				*err = e;
		}
	}
	return first;
}
