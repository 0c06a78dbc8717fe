// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers and addresses as users type them. Addresses follow crash: plain
 * hexadecimal, a symbol, or either with an offset.
 */
#include <kco/cmd.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum kco_status kco_parse_int(const char *word, int64_t *ret, struct kco_err *err)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(word, &end, 0);
	if (end == word || *end || isspace((unsigned char)*word))
		return kco_fail(err, KCO_E_USAGE, "'%.60s' is not a number", word);
	if (errno)
		return kco_fail(err, KCO_E_USAGE, "'%.60s' does not fit 64 bits", word);
	*ret = v;
	return KCO_OK;
}

/* All of the @n characters in hexadecimal, at most 16 significant ones; an 0x may precede them. */
static bool parse_hex(const char *word, size_t n, uint64_t *ret)
{
	uint64_t v = 0;

	if (n > 2 && word[0] == '0' && (word[1] | 0x20) == 'x') {
		word += 2;
		n -= 2;
	}
	if (!n)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)word[i];

		if (!isxdigit(c) || v >> 60)
			return false;
		v = v << 4 | (uint64_t)(isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	*ret = v;
	return true;
}

static enum kco_status parse_symbol(struct kco_session *s, const char *name, uint64_t *ret, struct kco_err *err)
{
	struct kco_symbol sym;
	enum kco_status st;

	if (!s)
		return kco_fail(err, KCO_E_USAGE, "'%.60s' is not a hexadecimal address", name);
	st = kco_session_need(s, KCO_NEED_SYMS, err);
	if (!st)
		st = kco_symbols_by_name(kco_session_symbols(s), name, &sym, err);
	if (st)
		return st;
	*ret = sym.addr;
	return KCO_OK;
}

/* The part before the offset. */
static enum kco_status parse_base(struct kco_session *s, const char *word, size_t n, uint64_t *ret, struct kco_err *err)
{
	char name[KCO_SYMBOL_NAME_MAX + 64];
	enum kco_status st;
	uint64_t hex;
	bool is_hex = parse_hex(word, n, &hex);

	/*
	 * "fb" and "add" may be symbols; what begins with a digit or is too
	 * long to be taken for a name never costs a symbol table.
	 */
	if (is_hex && (isdigit((unsigned char)word[0]) || n > 8)) {
		*ret = hex;
		return KCO_OK;
	}
	if (!n || n >= sizeof(name) || isdigit((unsigned char)word[0]))
		return kco_fail(err, KCO_E_USAGE, "'%.60s' is neither an address nor a symbol", word);
	memcpy(name, word, n);
	name[n] = '\0';
	st = parse_symbol(s, name, ret, err);
	if (st && is_hex) {
		*ret = hex;
		return KCO_OK;
	}
	// A name nobody knows is the user's mistake; a dump without any symbols is not.
	if (st == KCO_E_NOSYM && kco_session_symbols(s))
		return kco_fail(err, KCO_E_USAGE, "'%.60s' is neither an address nor a symbol of this kernel", name);
	return st;
}

enum kco_status kco_parse_addr(struct kco_session *s, const char *word, uint64_t *ret, struct kco_err *err)
{
	bool minus = word[0] == '-';
	size_t n;
	int64_t offset = 0;
	uint64_t base;
	enum kco_status st;

	if (minus || word[0] == '+') {
		// A relocation may be negative.
		if (!parse_hex(word + 1, strlen(word + 1), &base))
			return kco_fail(err, KCO_E_USAGE, "'%.60s' is not a hexadecimal address", word);
		*ret = minus ? -base : base;
		return KCO_OK;
	}
	n = strcspn(word, "+-");
	if (word[n]) {
		st = kco_parse_int(word + n + 1, &offset, NULL);
		if (st || word[n + 1] == '-' || word[n + 1] == '+')
			return kco_fail(err, KCO_E_USAGE, "'%.60s' is not an offset (decimal, or 0x...)", word + n + 1);
	}
	st = parse_base(s, word, n, &base, err);
	if (st)
		return st;
	*ret = word[n] == '-' ? base - (uint64_t)offset : base + (uint64_t)offset;
	return KCO_OK;
}
