// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Separate debug information: a vmlinux with DWARF, found, given or fetched.
 *
 * Opening maps the file and checks its build-id. DWARF is parsed when types,
 * CFI or lines are asked for, unit by unit. What would be slow to find again
 * (an index of names, the lines of addresses once asked) is kept under
 * $XDG_CACHE_HOME/kcodbg, keyed by build-id and file size.
 *
 * Locked inside: a kco_debuginfo may be used from several threads, one of
 * them gets in at a time. It must outlive everything that was made from it.
 */
#ifndef KCO_DEBUGINFO_H
#define KCO_DEBUGINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>
#include <kco/session.h>
#include <kco/symbol.h>
#include <kco/type.h>

#include "unwind_row.h"

struct kco_debuginfo_request {
	const char *path;      /* given by the user, or NULL: search */
	const char *debug_dir; /* NULL: /usr/lib/debug */
	const char *release;   /* for DIR/boot/vmlinux-RELEASE and friends; NULL or "" unknown */
	/* Paths at which this OS's kernels lie, instead of Linux's; NULL ends them. */
	const char *const *places;
	const char *whole; /* what this OS's kernel with debug information is called and where it is; static; or NULL */
	uint16_t machine;  /* ELF machine of the dump, 0 unknown */
	/* Is a file the dump's whose build-id says nothing? NULL: it is taken. KCO_E_CORRUPT: no. Else: unknown. */
	enum kco_status (*matches)(void *arg, struct kco_debuginfo *di, struct kco_err *err);
	void *matches_arg;
	const uint8_t *build_id; /* the dump's; NULL unknown */
	size_t build_id_size;
	/*
	 * Told now and then what takes long: a download, an index made for the
	 * first time. @total 0: not known. Called on the thread that asked.
	 * Returning false gives up with KCO_E_CANCELLED. May be NULL.
	 */
	bool (*progress)(void *arg, const char *what, uint64_t done, uint64_t total);
	void *progress_arg;
};

/**
 * Find and open. The search: the request's places, or DIR/.build-id, DIR/boot, DIR/lib/modules/RELEASE,
 * /boot, /lib/modules/RELEASE, then debuginfod when $DEBUGINFOD_URLS is set.
 * KCO_E_NOSYM: none was found (the message says where it was looked for, and
 * which file has another build-id). For a file that was given:
 * KCO_E_CORRUPT "build-id ... is not the dump's ..." names both,
 * KCO_E_BADFILE: not a vmlinux (a compressed boot image is told apart).
 */
enum kco_status kco_debuginfo_open_new(const struct kco_debuginfo_request *req, struct kco_debuginfo **ret,
				       struct kco_err *err) KCO_MUST_USE;
/** Compare one that was opened when less was known of the dump. As for a file that was given. */
enum kco_status kco_debuginfo_recheck(const struct kco_debuginfo_request *req, struct kco_debuginfo *di,
				      struct kco_err *err) KCO_MUST_USE;
void kco_debuginfo_free(struct kco_debuginfo *di);
const char *kco_debuginfo_path(const struct kco_debuginfo *di);
/** Its build-id in hex, "" when it has none. */
const char *kco_debuginfo_build_id(const struct kco_debuginfo *di);
/** Whether it was compared with the dump: by its build-id, or by the request's matches(). */
bool kco_debuginfo_checked(const struct kco_debuginfo *di);
/** Bytes of its sections at @addr (as linked, plus the bias). KCO_E_RANGE: they are not in the file. */
enum kco_status kco_debuginfo_read(struct kco_debuginfo *di, uint64_t addr, void *buf, size_t n, size_t *done,
				   struct kco_err *err) KCO_MUST_USE;
/** Whether it holds DWARF. A stripped vmlinux still has symbols. */
bool kco_debuginfo_has_dwarf(struct kco_debuginfo *di);
/** What to add to its addresses to get the dump's (KASLR). Default 0. Before anything else is asked. */
void kco_debuginfo_set_bias(struct kco_debuginfo *di, uint64_t bias);
/** Its symbol table, relocated by the bias. Handed over. KCO_E_NOSYM: it has none. */
enum kco_status kco_debuginfo_symbols_new(struct kco_debuginfo *di, struct kco_symbol_source **ret,
					  struct kco_err *err) KCO_MUST_USE;
/** Types from DWARF. KCO_E_NOTYPE: it has no DWARF. */
enum kco_status kco_debuginfo_types_new(struct kco_debuginfo *di, struct kco_types **ret,
					struct kco_err *err) KCO_MUST_USE;
/** Types from its CTF (.SUNW_ctf, .ctf). KCO_E_NOTYPE: it has none. */
enum kco_status kco_debuginfo_ctf_new(struct kco_debuginfo *di, struct kco_types **ret,
				      struct kco_err *err) KCO_MUST_USE;
/**
 * The CFI row for @pc, .eh_frame or .debug_frame. KCO_E_NOSYM: no row covers
 * it. A row that kco_unwind_row cannot express has kind KCO_ROW_UNKNOWN.
 * KCO_E_CORRUPT: another architecture, or a table that contradicts itself.
 */
enum kco_status kco_debuginfo_cfi(struct kco_debuginfo *di, const struct kco_arch_ops *arch, uint64_t pc,
				  struct kco_unwind_row *row, struct kco_err *err) KCO_MUST_USE;

/** A loaded module whose lines may be asked for: where its sections lie in the dump. */
struct kco_debuginfo_module {
	const char *name;	 /* as the kernel spells it: "virtio_net" */
	const uint8_t *build_id; /* NULL unknown: the file is not checked */
	size_t build_id_size;
	uint64_t first, end; /* its text */
	const struct kco_debuginfo_section {
		const char *name; /* ".text" */
		uint64_t addr;
	} * sections;
	size_t nr_sections;
	/*
	 * Where its file is, when no build-id tells: the bytes, malloc()ed and handed over, and a path for messages.
	 * Called at most once, by the thread that asks for lines; it has said that the file is the module's. NULL: the
	 * file is looked for by its name.
	 */
	enum kco_status (*file)(void *arg, const char **path, void **bytes, size_t *size, struct kco_err *err);
	void *file_arg;
};
/**
 * Make kco_debuginfo_lines() answer for a module too. Copies what it is given;
 * the file (DIR/.build-id, then what file() says, or NAME.ko[.debug] below
 * DIR/lib/modules/RELEASE and /lib/modules/RELEASE) is looked for when the
 * first address inside is asked for.
 */
enum kco_status kco_debuginfo_module_add(struct kco_debuginfo *di, const struct kco_debuginfo_module *module,
					 struct kco_err *err) KCO_MUST_USE;

#endif
