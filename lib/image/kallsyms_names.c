// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of kallsyms: the kernel's own index, or one made here.
 *
 * kallsyms_seqs_of_names holds the numbers of all symbols sorted by name, then
 * by address. VMCOREINFO does not name it: it is looked for where the order of
 * the arrays puts it, and believed when samples of it are sorted.
 *
 * With CONFIG_LTO_CLANG the kernel sorts by names without their suffix: from
 * the first '.' on (Linux 6.2 to 6.5), or from ".llvm." on (8b3bbb4b1d7a, v6.6).
 * Names cut at the first '.' are in order in every case, so a name that is not
 * found by its full text is looked for among those that are equal when cut.
 */
#include "kallsyms_names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define NAMES_FREE UINT32_MAX
#define NAMES_PROBES 256    /* a longer run of slots is no chance, but a crafted table */
#define NAMES_CUT_MAX 16384 /* names that differ only behind their first '.' */
#define NAMES_FACTOR UINT64_C(0x9e3779b97f4a7c15)

/* What a search compares with: the whole text, or up to its first '.'. */
enum names_cut {
	NAMES_WHOLE,
	NAMES_CUT,
};

static int names_compare(const char *a, const char *b, enum names_cut cut)
{
	size_t na, nb, n;
	int order;

	if (cut == NAMES_WHOLE)
		return strcmp(a, b);
	na = strcspn(a, ".");
	nb = strcspn(b, ".");
	n = na < nb ? na : nb;
	order = memcmp(a, b, n);
	return order ? order : (na > nb) - (na < nb);
}

/* The symbol number at place @rank of the sorted names, and its text. */
static enum kco_status names_at(struct kallsyms_names *names, struct kallsyms_tables *t, uint32_t rank, uint32_t *index,
				char buf[KCO_SYMBOL_NAME_MAX], struct kco_err *err)
{
	uint8_t raw[4];
	char type;
	enum kco_status st;

	st = kco_vread(t->mem, t->space, names->seqs + (uint64_t)rank * names->seq_size, raw, names->seq_size, NULL,
		       err);
	if (st)
		return kco_context(err, st, "kallsyms_seqs_of_names");
	*index = names->seq_size == 3 ? (uint32_t)raw[0] << 16 | (uint32_t)raw[1] << 8 | raw[2] : kco_le32(raw);
	return kallsyms_name(t, *index, buf, &type, err);
}

static bool names_seqs_sorted(struct kallsyms_names *names, struct kallsyms_tables *t)
{
	char before[KCO_SYMBOL_NAME_MAX] = "", buf[KCO_SYMBOL_NAME_MAX];
	uint32_t index;

	for (unsigned i = 0; i <= 16; i++) {
		if (names_at(names, t, (uint32_t)((uint64_t)(t->n - 1) * i / 16), &index, buf, NULL) ||
		    names_compare(before, buf, NAMES_CUT) > 0)
			return false;
		memcpy(before, buf, sizeof(buf));
	}
	return true;
}

static void names_seqs_locate(struct kallsyms_names *names, struct kallsyms_tables *t)
{
	uint64_t mask = ~(uint64_t)(t->align - 1), up = t->align - 1;
	uint64_t places[] = {
		t->gap_first,
		t->at.relative_base ? (t->at.relative_base + 8 + up) & mask : 0,
		t->at.offsets ? (t->at.offsets + (uint64_t)t->n * 4 + up) & mask : 0,
		t->at.addresses ? (t->at.addresses + (uint64_t)t->n * 8 + up) & mask : 0,
	};

	names->tried = true;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		for (names->seq_size = 3; places[i] && names->seq_size <= 4; names->seq_size++) {
			names->seqs = places[i];
			if (names_seqs_sorted(names, t))
				return;
		}
	names->seqs = 0;
}

/* The first place whose name is not below @name. */
static enum kco_status names_lower_bound(struct kallsyms_names *names, struct kallsyms_tables *t, const char *name,
					 enum names_cut cut, uint32_t *ret, struct kco_err *err)
{
	uint32_t low = 0, high = t->n, index;
	char buf[KCO_SYMBOL_NAME_MAX];

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		enum kco_status st = names_at(names, t, mid, &index, buf, err);

		if (st)
			return st;
		if (names_compare(buf, name, cut) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret = low;
	return KCO_OK;
}

static enum kco_status names_search(struct kallsyms_names *names, struct kallsyms_tables *t, const char *name,
				    uint32_t *index, struct kco_err *err)
{
	char buf[KCO_SYMBOL_NAME_MAX];
	uint32_t rank;
	enum kco_status st = names_lower_bound(names, t, name, NAMES_WHOLE, &rank, err);

	if (!st && rank < t->n)
		st = names_at(names, t, rank, index, buf, err);
	if (st || (rank < t->n && strcmp(buf, name) == 0))
		return st;
	st = names_lower_bound(names, t, name, NAMES_CUT, &rank, err);
	for (uint32_t i = 0; !st && rank < t->n && i < NAMES_CUT_MAX; rank++, i++) {
		st = names_at(names, t, rank, index, buf, err);
		if (st || strcmp(buf, name) == 0)
			return st;
		if (names_compare(buf, name, NAMES_CUT) != 0)
			break;
	}
	return st ? st : KCO_E_NOSYM;
}

/*
 * The hash of a text is a polynomial of its characters, so that a packed name
 * is hashed token by token: h(ab) = h(a) * factor^len(b) + h(b).
 */
struct names_hash {
	uint64_t token[KALLSYMS_TOKENS], power[KALLSYMS_TOKENS];
	uint64_t tail[KALLSYMS_TOKENS]; /* of a token without its first character, which is the type */
};

static uint64_t names_hash_text(const char *s, size_t n)
{
	uint64_t h = 0;

	for (size_t i = 0; i < n; i++)
		h = h * NAMES_FACTOR + (uint8_t)s[i] + 1;
	return h;
}

static void names_hash_init(struct names_hash *hash, const struct kallsyms_tables *t)
{
	for (unsigned i = 0; i < KALLSYMS_TOKENS; i++) {
		const char *token = t->tokens + t->token[i];
		size_t len = t->token_len[i];

		hash->token[i] = names_hash_text(token, len);
		hash->tail[i] = len ? names_hash_text(token + 1, len - 1) : 0;
		hash->power[i] = 1;
		for (size_t k = 0; k < len; k++)
			hash->power[i] *= NAMES_FACTOR;
	}
}

/* Spread a hash: the low bits choose the slot, the high byte is the tag. */
static uint64_t names_mix(uint64_t h)
{
	h ^= h >> 32;
	h *= NAMES_FACTOR;
	return h ^ h >> 29;
}

/* Symbols are inserted in order of their addresses, so of equal names the first stays. */
static void names_insert(struct kallsyms_names *names, uint64_t *hashes, uint32_t index)
{
	uint64_t h = hashes[index];
	uint32_t i = (uint32_t)h & names->mask;

	for (unsigned probe = 0; probe < NAMES_PROBES; probe++, i = (i + 1) & names->mask) {
		if (names->slots[i] == NAMES_FREE) {
			names->slots[i] = (uint32_t)(h >> 56) << 24 | index;
			return;
		}
		if (hashes[names->slots[i] & 0xffffff] == h)
			return;
	}
}

static void names_build_block(struct kallsyms_names *names, struct kallsyms_tables *t, const struct names_hash *hash,
			      uint64_t *hashes, uint32_t nr)
{
	uint32_t index = nr * KALLSYMS_BLOCK, end = index + KALLSYMS_BLOCK, pos = 0, size;
	struct kallsyms_packed name;
	const uint8_t *data;

	if (kallsyms_block(t, nr, &data, &size, NULL)) {
		names->nr_lost++;
		return;
	}
	if (end > t->n)
		end = t->n;
	for (; index < end && kallsyms_next_name(data, size, &pos, &name); index++) {
		uint64_t h = name.len ? hash->tail[name.data[0]] : 0;

		for (uint32_t i = 1; i < name.len; i++)
			h = h * hash->power[name.data[i]] + hash->token[name.data[i]];
		hashes[index] = names_mix(h);
		names_insert(names, hashes, index);
	}
}

static enum kco_status names_build(struct kallsyms_names *names, struct kallsyms_tables *t, struct kco_err *err)
{
	uint64_t *hashes = malloc((size_t)t->n * sizeof(*hashes));
	struct names_hash hash;
	uint32_t cap = 256;

	while (cap < t->n + t->n / 2)
		cap *= 2;
	names->slots = malloc((size_t)cap * sizeof(*names->slots));
	if (!hashes || !names->slots) {
		free(hashes);
		kallsyms_names_fini(names);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	memset(names->slots, 0xff, (size_t)cap * sizeof(*names->slots));
	names->mask = cap - 1;
	names_hash_init(&hash, t);
	for (uint32_t nr = 0; nr < t->nr_blocks; nr++)
		names_build_block(names, t, &hash, hashes, nr);
	free(hashes);
	return KCO_OK;
}

static enum kco_status names_lookup(struct kallsyms_names *names, struct kallsyms_tables *t, const char *name,
				    uint32_t *index, struct kco_err *err)
{
	uint64_t h = names_mix(names_hash_text(name, strlen(name)));
	char buf[KCO_SYMBOL_NAME_MAX], type;
	uint32_t i = (uint32_t)h & names->mask;

	for (unsigned probe = 0; probe < NAMES_PROBES && names->slots[i] != NAMES_FREE; probe++) {
		*index = names->slots[i] & 0xffffff;
		if (names->slots[i] >> 24 == h >> 56 && !kallsyms_name(t, *index, buf, &type, NULL) &&
		    strcmp(buf, name) == 0)
			return KCO_OK;
		i = (i + 1) & names->mask;
	}
	if (names->nr_lost)
		return kco_fail(err, KCO_E_NOSYM, "no symbol \"%s\" among the names that could be read", name);
	return kco_fail(err, KCO_E_NOSYM, "no symbol \"%s\"", name);
}

enum kco_status kallsyms_names_find(struct kallsyms_names *names, struct kallsyms_tables *t, const char *name,
				    uint32_t *index, struct kco_err *err)
{
	enum kco_status st;

	if (!names->tried)
		names_seqs_locate(names, t);
	if (names->seqs && !names->slots) {
		st = names_search(names, t, name, index, NULL);
		if (!st)
			return KCO_OK;
		if (st == KCO_E_NOSYM)
			return kco_fail(err, st, "no symbol \"%s\"", name);
		// A page of the kernel's own index is missing: what is left is searched as a whole.
	}
	if (!names->slots) {
		st = names_build(names, t, err);
		if (st)
			return st;
	}
	return names_lookup(names, t, name, index, err);
}

void kallsyms_names_fini(struct kallsyms_names *names)
{
	free(names->slots);
	names->slots = NULL;
}
