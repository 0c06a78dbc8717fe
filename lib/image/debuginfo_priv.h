// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inside of a kco_debuginfo: for debuginfo*.c, dwarf_*.c and elf_symbols.c.
 *
 * libdw fills its own caches while it answers and is not thread-safe: what
 * touches di->dwarf, di->elf or what hangs below them holds di->lock. The
 * functions here expect the caller to hold it, unless they say otherwise.
 */
#ifndef KCO_DEBUGINFO_PRIV_H
#define KCO_DEBUGINFO_PRIV_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>
#include <libelf.h>

#include "debuginfo.h"

#define KCO_BUILD_ID_MAX 64 /* bytes; SHA-1's are 20 */

struct kco_debuginfo {
	pthread_mutex_t lock;
	char *path, *debug_dir, *release; /* release: "" unknown */
	char **places;			  /* the request's, NULL-terminated; NULL: none */
	const char *whole;		  /* the request's, or NULL */
	bool pair_tried;
	struct kco_debuginfo *pair; /* the other half of a kernel in two files, or NULL */
	int fd;
	Elf *elf;
	uint16_t machine;
	uint64_t file_size;
	uint8_t build_id[KCO_BUILD_ID_MAX];
	size_t build_id_size;
	char build_id_hex[2 * KCO_BUILD_ID_MAX + 1];
	bool checked;
	uint64_t bias;
	uint64_t first, last; /* addresses it covers, before the bias, inclusive */
	bool (*progress)(void *arg, const char *what, uint64_t done, uint64_t total);
	void *progress_arg;

	bool dwarf_tried;
	Dwarf *dwarf;
	struct kco_err dwarf_err;
	bool cfi_tried;
	Dwarf_CFI *eh_cfi, *debug_cfi;
	struct kco_dwarf_names *names;
	struct kco_dwarf_lines *lines;
	struct kco_dwarf_modules *modules;
};

/** libdw's handle, begun on the first call; the reason why there is none is given again. */
enum kco_status kco_debuginfo_dwarf(struct kco_debuginfo *di, Dwarf **ret, struct kco_err *err) KCO_MUST_USE;
/** The section of this name, or NULL. */
Elf_Scn *kco_debuginfo_section(Elf *elf, const char *name);
/** Whether there is DWARF in this very file. */
bool kco_debuginfo_has_dwarf_section(Elf *elf);
/** The other half of a kernel in two files, looked for by the first call; NULL: none that fits. Owned by @di. */
struct kco_debuginfo *kco_debuginfo_pair(struct kco_debuginfo *di);
/** Tell the caller's callback; false: it gave up. */
bool kco_debuginfo_progress(const struct kco_debuginfo *di, const char *what, uint64_t done, uint64_t total);
void kco_build_id_hex(const uint8_t *id, size_t n, char *hex); /* 2 * n + 1 bytes */
/** Whether a release from a dump may be a part of a path. */
bool kco_release_is_safe(const char *release);

/** Open one file without asking for a build-id. KCO_E_BADFILE: not a vmlinux. No lock. */
enum kco_status kco_debuginfo_file_new(const char *path, struct kco_debuginfo **ret, struct kco_err *err) KCO_MUST_USE;
/** Open one file and compare build-ids. No lock. */
enum kco_status kco_debuginfo_match_new(const struct kco_debuginfo_request *req, const char *path,
					struct kco_debuginfo **ret, struct kco_err *err) KCO_MUST_USE;
/** Look in all the places. No lock. */
enum kco_status kco_debuginfo_search_new(const struct kco_debuginfo_request *req, struct kco_debuginfo **ret,
					 struct kco_err *err) KCO_MUST_USE;
/** Ask debuginfod for the path of a file; free()d by the caller. KCO_E_NOSYM: not asked, or it has none. No lock. */
enum kco_status kco_debuginfo_fetch_new(const struct kco_debuginfo_request *req, char **path,
					struct kco_err *err) KCO_MUST_USE;

/** The payload that was stored under @suffix, malloc()ed, or NULL: absent, damaged or of another file. */
void *kco_debuginfo_cache_load_new(const struct kco_debuginfo *di, const char *suffix, uint32_t version, size_t *size);
/** Store it if possible; nobody needs to know when it is not. */
void kco_debuginfo_cache_store(const struct kco_debuginfo *di, const char *suffix, uint32_t version, const void *data,
			       size_t size);

/* dwarf_die.c */

/** KCO_E_CORRUPT with the path and libdw's reason for what happened last on this thread. */
enum kco_status kco_dwarf_fail(const struct kco_debuginfo *di, struct kco_err *err, const char *what);
/**
 * The next sibling, into the same object. 0: there is one, 1: none, -1: libdw
 * says no. Only ever goes forwards, whatever DW_AT_sibling says.
 */
int kco_dwarf_next(Dwarf_Die *die);
/** A number that @die itself has; false: it has none. */
bool kco_dwarf_uint(Dwarf_Die *die, unsigned name, uint64_t *value);
/** Elements of an array type, of all its dimensions; 0 when that is open. */
enum kco_status kco_dwarf_elements(const struct kco_debuginfo *di, Dwarf_Die *die, uint64_t *ret,
				   struct kco_err *err) KCO_MUST_USE;
uint64_t kco_dwarf_pointer_size(Dwarf_Die *die);
enum kco_type_kind kco_dwarf_type_kind(Dwarf_Die *die);
/** Whether a DW_ATE_ value is a signed integer's. */
bool kco_dwarf_encoding_signed(uint64_t encoding);
enum kco_status kco_dwarf_enumerator_value(const struct kco_debuginfo *di, Dwarf_Die *die, int64_t *value,
					   struct kco_err *err) KCO_MUST_USE;

/*
 * The index of names: what is declared at the top level of each unit. A type
 * is the first complete definition in file order, so that DWARF and BTF agree
 * on names that several units use for different things.
 */
enum kco_dwarf_name_kind {
	KCO_DWARF_STRUCT,
	KCO_DWARF_UNION,
	KCO_DWARF_ENUM,
	KCO_DWARF_TYPEDEF,
	KCO_DWARF_BASE,
	KCO_DWARF_ENUMERATOR,
	KCO_DWARF_VARIABLE, /* when no unit defines it (assembly does), its declaration is found */
	KCO_DWARF_DECLARED, /* ... under this; not to be asked for */
	KCO_DWARF_NAME_KINDS,
};

/** The DIE of that name. KCO_E_NOTYPE without a message worth showing: none. */
enum kco_status kco_dwarf_names_find(struct kco_debuginfo *di, enum kco_dwarf_name_kind kind, const char *name,
				     Dwarf_Die *ret, struct kco_err *err) KCO_MUST_USE;
/**
 * One entry after the other in file order; *@cursor begins at 0. KCO_DONE at
 * the end. Only struct, union, enum and typedef. @die names it.
 */
enum kco_status kco_dwarf_names_next(struct kco_debuginfo *di, size_t *cursor, enum kco_dwarf_name_kind *kind,
				     Dwarf_Die *die, struct kco_err *err) KCO_MUST_USE;
void kco_dwarf_names_free(struct kco_dwarf_names *names);

/* Which unit an address belongs to; zeroed to begin with. */
struct kco_dwarf_units {
	bool tried;
	struct kco_dwarf_range {
		uint64_t first, end, unit; /* unit: offset of its DIE */
	} * ranges;			   /* of all units, sorted; for want of .debug_aranges */
	size_t n, cap;
};
/** The unit of @dwarf, always the same one for @units, that has @pc. */
bool kco_dwarf_unit(struct kco_dwarf_units *units, Dwarf *dwarf, uint64_t pc, Dwarf_Die *unit);
void kco_dwarf_units_fini(struct kco_dwarf_units *units);

/** Lines asked for so far go to the cache. */
void kco_dwarf_lines_free(struct kco_debuginfo *di);
/** Rows for @pc of @dwarf's own address space, in @unit; as kco_debuginfo_lines(). */
enum kco_status kco_dwarf_rows(struct kco_debuginfo *di, Dwarf *dwarf, Dwarf_Die *unit, uint64_t pc,
			       struct kco_source_line *rows, size_t max, size_t *n, struct kco_err *err) KCO_MUST_USE;

/** The module that has @pc, or NULL. */
struct kco_dwarf_module *kco_dwarf_modules_at(struct kco_debuginfo *di, uint64_t pc);
enum kco_status kco_dwarf_module_lines(struct kco_debuginfo *di, struct kco_dwarf_module *module, uint64_t pc,
				       struct kco_source_line *rows, size_t max, size_t *n,
				       struct kco_err *err) KCO_MUST_USE;
void kco_dwarf_modules_free(struct kco_dwarf_modules *modules);

#endif
