// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols: a chain of sources (the kernel's kallsyms, each module's, a
 * vmlinux's symbol table). Belongs to one thread.
 */
#ifndef KCO_SYMBOL_H
#define KCO_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>

#define KCO_SYMBOL_NAME_MAX 512 /* KSYM_NAME_LEN since Linux b8a94bfb3395 (v6.1) */

struct kco_symbol {
	uint64_t addr;
	uint64_t size;	    /* to the next symbol when the source has none; 0 unknown */
	const char *name;   /* lives as long as the session */
	const char *module; /* NULL: the kernel itself; lives as long as the session */
	char type;	    /* as nm: 'T', 't', 'D', ...; '?' unknown */
};

struct kco_symbols;

struct kco_symbol_source;

struct kco_symbol_source_ops {
	const char *name; /* "kallsyms", "elf", "module" */
	/* The symbol that covers @addr (the last at or below it within the source's range). KCO_E_NOSYM. */
	enum kco_status (*by_addr)(struct kco_symbol_source *src, uint64_t addr, struct kco_symbol *ret,
				   struct kco_err *err);
	enum kco_status (*by_name)(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
				   struct kco_err *err);
	/* In address order where the source has one; stops when @fn returns false. The symbol is valid during the call.
	 */
	enum kco_status (*each)(struct kco_symbol_source *src, bool (*fn)(void *arg, const struct kco_symbol *sym),
				void *arg, struct kco_err *err);
	void (*free)(struct kco_symbol_source *src);
};

/** What every source begins with. Names it returns must live as long as the source (intern them in its arena). */
struct kco_symbol_source {
	const struct kco_symbol_source_ops *ops;
	struct kco_symbol_source *next; /* the chain's */
	const char *module;		/* all its symbols are this module's; NULL: the kernel's, or various */
	uint64_t first, last;		/* addresses it may answer for, inclusive */
};

struct kco_symbols *kco_symbols_new(void);
void kco_symbols_free(struct kco_symbols *syms);
/** Append @src, which is handed over (NULL is ignored). Earlier sources win. */
void kco_symbols_add_take(struct kco_symbols *syms, struct kco_symbol_source *src);

/**
 * The symbol that covers @addr. Memoised. KCO_E_NOSYM; when a source could not
 * be read and no other knows, its error.
 */
enum kco_status kco_symbols_by_addr(struct kco_symbols *syms, uint64_t addr, struct kco_symbol *ret,
				    struct kco_err *err) KCO_MUST_USE;
/**
 * By name; "module:name" asks one module, "vmlinux:name" the kernel itself. Memoised.
 * KCO_E_NOSYM names it; when a source could not be read and no other knows, its error.
 */
enum kco_status kco_symbols_by_name(struct kco_symbols *syms, const char *name, struct kco_symbol *ret,
				    struct kco_err *err) KCO_MUST_USE;
/** Every symbol of every source until @fn returns false. A source that fails does not keep the others from coming. */
enum kco_status kco_symbols_each(struct kco_symbols *syms, bool (*fn)(void *arg, const struct kco_symbol *sym),
				 void *arg, struct kco_err *err) KCO_MUST_USE;

#endif
