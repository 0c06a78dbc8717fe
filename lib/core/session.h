// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inside of a session: for lib/core and lib/os only.
 *
 * Each lazy part has a kco_lazy: not tried, done, or failed with the error
 * that every later call gives again.
 */
#ifndef KCO_CORE_SESSION_H
#define KCO_CORE_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>

#include <kco/arena.h>
#include <kco/os.h>
#include <kco/session.h>
#include <kco/task.h>

struct kco_lazy {
	bool tried;
	struct kco_err err; /* code KCO_OK: it is there */
};

/*
 * The body of a function: make a part once, by the expression @make (which
 * fills @lazy.err), and give its result, good or bad, ever after.
 */
#define KCO_LAZY(lazy, make, ret_err)              \
	do {                                       \
		if (!(lazy).tried) {               \
			(lazy).tried = true;       \
			(lazy).err = KCO_ERR_INIT; \
			(lazy).err.code = (make);  \
		}                                  \
		if ((lazy).err.code && (ret_err))  \
			*(ret_err) = (lazy).err;   \
		return (lazy).err.code;            \
	} while (0)

struct kco_session {
	struct kco_session_options opts;
	struct kco_arena arena; /* lives as long as the session */
	struct kco_image *image;
	struct kco_mem *mem;
	const struct kco_arch_ops *arch;
	const struct kco_os_ops *os;
	void *os_priv; /* the personality's, freed by its fini() */
	struct kco_space kernel;
	char *vmcoreinfo; /* NUL-terminated, NULL none */
	size_t vmcoreinfo_size;
	struct kco_symbols *symbols;
	struct kco_types *types;
	struct kco_debuginfo *debuginfo;
	struct kco_symbol_source
		*kernel_symbols; /* for kco_session_kernel_symbol(): of debuginfo, or put here by init() */
	bool kernel_early;	 /* debuginfo was opened before the kernel's memory could be read */
	size_t kernel_next;	 /* the places before this one hold no kernel that is the dump's */
	struct kco_unwind_tables *unwind_tables;
	struct kco_task *tasks;
	size_t nr_tasks, cap_tasks;
	bool tasks_incomplete,
		modules_incomplete;	      /* set by the personality: a list is torn and nothing makes up for it */
	bool modules_making;		      /* the personality walks the list just now */
	uint32_t *task_by_tid, *task_by_addr; /* sorted indices into tasks */
	struct kco_module *modules;
	size_t nr_modules, cap_modules;
	struct kco_types **module_types; /* of nr_modules, NULL where not loaded; NULL before the first */
	struct kco_system_info system;
	struct kco_lazy lazy_os, lazy_symbols, lazy_types, lazy_debuginfo, lazy_module_lines, lazy_tasks, lazy_modules,
		lazy_unwind, lazy_system;
	atomic_bool cancelled;
	uint32_t next_space_id;
	struct kco_platform *platform;	       /* lib/proc/process.c's, NULL before the first process is asked for */
	struct kco_uimage_files *uimage_files; /* lib/proc/uimage_files.c's, NULL before the first is asked for */
	struct kco_sysroot *sysroot;	       /* lib/proc/sysroot.c's, NULL before the first file is asked for */
	struct kco_session_warning *warnings;  /* texts already given */
	const struct bsd_banner *bsd_banner;   /* lib/os/bsd_boot.c's, NULL before a personality looked for it */
};

/** For a personality's init(): the kernel's own space, from a root table. */
void kco_session_set_kernel(struct kco_session *s, const struct kco_arch_ops *arch, const struct kco_paging *form,
			    struct kco_paddr root, uint64_t addr_mask);
/**
 * For a personality's init(), where translation needs the kernel's symbols: the
 * file that the user named, else the first at the row's kernel_places. Nothing
 * is compared but the machine; whether it is the dump's is found out after
 * init(), which is called again (after fini()) with the next place's when not.
 */
enum kco_status kco_session_kernel_file(struct kco_session *s, struct kco_debuginfo **ret,
					struct kco_err *err) KCO_MUST_USE;
/** A symbol of that file, as it was linked (no relocation). Any of the alternatives in @names, the first that is there.
 */
enum kco_status kco_session_kernel_symbol(struct kco_session *s, const char *const *names, struct kco_symbol *ret,
					  struct kco_err *err) KCO_MUST_USE;
/**
 * The folder of that kind as it was named, borrowed, and of how many bytes it is, without a slash at its end; NULL:
 * nobody named one.
 */
const char *kco_kernel_folder(const struct kco_session *s, enum kco_kernel_dir kind, size_t *n);
/** kernel_matches() by the text `version` in the file and in the dump. */
enum kco_status kco_kernel_matches_version(struct kco_session *s, struct kco_debuginfo *di,
					   struct kco_err *err) KCO_MUST_USE;
/** A text that lives as long as the session; "" when memory is out. */
const char *kco_session_text(struct kco_session *s, const char *fmt, ...) KCO_PRINTF(2, 3);

/** The row of @formats that writes the format @name, or NULL. */
const struct kco_format_ops *kco_format_writer(const struct kco_format_ops *const *formats, const char *name,
					       struct kco_err *err);

/** Unwind tables, loaded on first use on the session's thread; then read-only. */
enum kco_status kco_session_unwind_tables(struct kco_session *s, struct kco_unwind_tables **ret,
					  struct kco_err *err) KCO_MUST_USE;

/** The slot of @os or, when NULL, of its base. */
#define KCO_OS_SLOT(os, slot) ((os)->slot ? (os)->slot : ((os)->base && (os)->base->slot) ? (os)->base->slot : NULL)

/** Tell the options' callback, if there is one, of a count. @session is a struct kco_session; false: it was cancelled.
 */
bool kco_session_progress(void *session, const char *what, uint64_t done, uint64_t total);

#endif
