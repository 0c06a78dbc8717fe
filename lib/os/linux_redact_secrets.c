// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secrets in the kernel's own pages, which stay: they are made blank there.
 *
 *   vector registers   task.thread.fpu: what programs computed with
 *   keys               key_serial_tree -> struct key: what its payload leads to;
 *                      of keyrings nothing, they hold keys and no secrets
 *                      (include/linux/key.h)
 *   entropy            input_pool and what is drawn from it, by the names that
 *                      drivers/char/random.c had for it
 *   zswap              the word that fills a page, kept in struct zswap_entry
 *                      (until v6.11)
 */
#include "linux_redact.h"

#include <inttypes.h>
#include <string.h>

#include "linux_page.h"
#include "linux_x86_64_thread.h"

#define SECRETS_POOL_MAX 65536 /* bytes of one pool */
#define SECRETS_NODES_MAX 1024
#define SECRETS_SWAP_MAX 32 /* MAX_SWAPFILES */

static enum kco_status secrets_registers(struct linux_redact *r, struct kco_err *err)
{
	const struct kco_task *tasks;
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st;
	size_t n, failed = 0;

	st = kco_tasks_get(r->s, &tasks, &n, err);
	for (size_t i = 0; !st && i < n; i++) {
		uint64_t addr, size;

		if (linux_x86_64_xstate_area(r->s, &tasks[i], &addr, &size, &why)) {
			failed++;
			continue;
		}
		st = linux_redact_blank(r, addr, size, err);
		r->what->stats->registers++;
	}
	if (!st && failed)
		kco_redact_keep(r->what, "%zu tasks' vector registers: %s", failed, why.msg);
	return st;
}

struct secrets_keys {
	struct linux_redact *r;
	struct kco_field node, type, name, data;
	uint64_t payloads;
	struct kco_err *err;
};

static enum kco_status secrets_key(void *arg, uint64_t node)
{
	struct secrets_keys *k = arg;
	struct kco_session *s = k->r->s;
	uint64_t key = node - k->node.offset, type, text;
	enum kco_status st = KCO_OK;
	char name[16];

	// A key whose type cannot be read is no keyring.
	if (!kco_kread_field(s, key, &k->type, &type, NULL) && !kco_kread_field(s, type, &k->name, &text, NULL) &&
	    !kco_vread_str(s->mem, &s->kernel, text, name, sizeof(name), NULL) && !strcmp(name, "keyring"))
		return KCO_OK;
	k->r->what->stats->keys++;
	for (uint64_t i = 0; !st && i < k->payloads; i++) {
		uint64_t at;

		if (!kco_kread_uint(s, key + k->data.offset + i * 8, 8, &at, NULL) && at)
			st = linux_redact_blank(k->r, at, linux_redact_object(k->r, at), k->err);
	}
	return st;
}

static enum kco_status secrets_keys(struct linux_redact *r, struct kco_err *err)
{
	struct secrets_keys k = { .r = r, .err = err };
	struct kco_session *s = r->s;
	struct kco_err why = KCO_ERR_INIT, torn = KCO_ERR_INIT;
	uint64_t root;
	enum kco_status st = os_symbol(s, &root, &why, "key_serial_tree", NULL);

	if (!st)
		st = os_field(s, "key", &k.node, &why, "serial_node", NULL);
	if (!st)
		st = os_field(s, "key", &k.type, &why, "type", NULL);
	if (!st)
		st = os_field(s, "key_type", &k.name, &why, "name", NULL);
	if (!st)
		st = os_field(s, "key", &k.data, &why, "payload.data", "payload", NULL);
	if (st) {
		kco_redact_keep(r->what, "keys: %s", why.msg);
		return KCO_OK;
	}
	k.payloads = k.data.size / 8;
	st = linux_rbtree_each(s, root, secrets_key, &k, &torn);
	if (st)
		return err && err->code ? st : kco_fail(err, st, "out of memory");
	if (torn.code)
		kco_redact_keep(r->what, "keys that cannot be reached: %s", torn.msg);
	return KCO_OK;
}

/* @bytes of the variable or per-CPU variable @sym, for each CPU. */
static enum kco_status secrets_variable(struct linux_redact *r, const struct kco_symbol *sym, struct kco_err *err)
{
	struct kco_session *s = r->s;
	uint64_t size = sym->size ? sym->size : 8, addr;
	enum kco_status st = KCO_OK;
	unsigned cpus;

	if (size > SECRETS_POOL_MAX)
		size = SECRETS_POOL_MAX;
	r->what->stats->pools++;
	if (sym->addr >> 63)
		return linux_redact_blank(r, sym->addr, size, err);
	if (linux_cpu_count(s, &cpus, NULL))
		return KCO_OK;
	for (unsigned cpu = 0; !st && cpu < cpus; cpu++)
		if (!linux_percpu(s, sym->addr, cpu, &addr, NULL))
			st = linux_redact_blank(r, addr, size, err);
	return st;
}

/* From v4.8 to v5.17 each memory node had a generator of its own: an array of pointers. */
static enum kco_status secrets_nodes(struct linux_redact *r, struct kco_err *err)
{
	struct kco_session *s = r->s;
	uint64_t array, at, size;
	enum kco_status st = KCO_OK;

	if (os_variable(s, "crng_node_pool", 8, &array, NULL) || !array ||
	    kco_types_sizeof(s->types, "crng_state", &size, NULL) || size > SECRETS_POOL_MAX)
		return KCO_OK;
	for (unsigned i = 0; !st && i < SECRETS_NODES_MAX; i++) {
		if (kco_kread_uint(s, array + UINT64_C(8) * i, 8, &at, NULL) || !(at >> 63))
			break; // as many as there are nodes; what follows is no pointer
		st = linux_redact_blank(r, at, size, err);
		r->what->stats->pools++;
	}
	return st;
}

static enum kco_status secrets_entropy(struct linux_redact *r, struct kco_err *err)
{
	static const char *const names[] = { "input_pool",	    "base_crng",	   "crngs",
					     "irq_randomness",	    "batched_entropy_u8",  "batched_entropy_u16",
					     "batched_entropy_u32", "batched_entropy_u64", "input_pool_data",
					     "blocking_pool",	    "blocking_pool_data",  "primary_crng",
					     "irq_timer_randomness" };
	uint64_t found = r->what->stats->pools;
	enum kco_status st = KCO_OK;

	for (size_t i = 0; !st && i < sizeof(names) / sizeof(*names); i++) {
		struct kco_symbol sym;

		if (!kco_symbols_by_name(r->s->symbols, names[i], &sym, NULL))
			st = secrets_variable(r, &sym, err);
	}
	if (!st)
		st = secrets_nodes(r, err);
	if (!st && r->what->stats->pools == found)
		kco_redact_keep(r->what, "entropy: no symbol of it is known");
	return st;
}

struct secrets_zswap {
	struct linux_redact *r;
	struct kco_field node, value;
	struct kco_err *err;
};

static enum kco_status secrets_zswap_entry(void *arg, uint64_t node)
{
	struct secrets_zswap *z = arg;

	return linux_redact_blank(z->r, node - z->node.offset + z->value.offset, z->value.size, z->err);
}

static enum kco_status secrets_zswap(struct linux_redact *r, struct kco_err *err)
{
	struct secrets_zswap z = { .r = r, .err = err };
	struct kco_session *s = r->s;
	struct kco_err torn = KCO_ERR_INIT;
	struct kco_field root;
	struct kco_symbol trees;
	uint64_t tree;
	enum kco_status st = KCO_OK;

	// Without this member no word of a page is kept.
	if (os_field(s, "zswap_entry", &z.value, NULL, "value", NULL) ||
	    kco_symbols_by_name(s->symbols, "zswap_trees", &trees, NULL))
		return KCO_OK;
	if (os_field(s, "zswap_tree", &root, NULL, "rbroot", NULL) ||
	    os_field(s, "zswap_entry", &z.node, NULL, "rbnode", NULL)) {
		kco_redact_keep(r->what, "the words of pages that zswap found to be one word over and over");
		return KCO_OK;
	}
	for (unsigned type = 0; !st && type < SECRETS_SWAP_MAX && type < trees.size / 8; type++)
		if (!kco_kread_uint(s, trees.addr + UINT64_C(8) * type, 8, &tree, NULL) && tree)
			st = linux_rbtree_each(s, tree + root.offset, secrets_zswap_entry, &z, &torn);
	if (st)
		return err && err->code ? st : kco_fail(err, st, "out of memory");
	if (torn.code)
		kco_redact_keep(r->what, "words of pages in zswap that cannot be reached: %s", torn.msg);
	return KCO_OK;
}

enum kco_status linux_redact_secrets(struct linux_redact *r, struct kco_err *err)
{
	enum kco_status st = secrets_registers(r, err);

	if (!st)
		st = secrets_keys(r, err);
	if (!st)
		st = secrets_entropy(r, err);
	return st ? st : secrets_zswap(r, err);
}
