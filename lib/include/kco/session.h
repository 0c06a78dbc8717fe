// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A session: one dump, opened, and everything that is learned from it.
 *
 * Nothing is done before it is asked for: symbols, types, tasks, modules are
 * loaded by the first call that needs them, and a failure is remembered and
 * given again. A session belongs to one thread; bulk work inside it uses
 * workers of its own. The session owns all that its functions return.
 */
#ifndef KCO_SESSION_H
#define KCO_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/arch.h>
#include <kco/err.h>
#include <kco/image.h>
#include <kco/mem.h>
#include <kco/symbol.h>
#include <kco/type.h>

struct kco_session;
struct kco_os_ops;
struct kco_debuginfo;

/** What takes long, and how far it is. */
struct kco_progress {
	const char *what;
	uint64_t done, total; /* total 0: not known */
	bool bytes;	      /* they are bytes: how many a second is worth telling */
};

struct kco_session_options {
	const char *const *dumps; /* one path, or the members of a split set */
	size_t nr_dumps;
	const char *vmlinux;	/* path, or NULL: looked for when a command needs it */
	const char *debug_dir;	/* NULL: /usr/lib/debug */
	const char *sysroot;	/* a copy of the crashed machine's files, or NULL */
	const char *types;	/* "btf", "dwarf", "ctf", or NULL: the first of these that there is */
	const char *vmcoreinfo; /* path of a text that replaces the dump's own, or NULL */
	bool has_kaslr, has_phys_base;
	uint64_t kaslr; /* offset of the kernel's virtual addresses */
	uint64_t phys_base;
	unsigned jobs; /* workers for bulk work; 0: as many as CPUs */
	const struct kco_format_ops *const *formats;
	struct kco_image_options image;
	/* Each page that is read, see struct kco_image; NULL: not recorded. */
	void (*touched)(void *arg, enum kco_addr_kind kind, uint64_t page_addr, uint32_t size);
	void *touched_arg;
	/*
	 * Told now and then what takes long (an index made for the first time, a download);
	 * NULL: nobody is told. kco_session_cancel() stops such work, too.
	 */
	void (*progress)(void *arg, const struct kco_progress *progress);
	void *progress_arg;
};

/**
 * Open a dump. Reads headers only. Warnings go to opts->image.warn. Errors:
 * those of kco_image_open_new().
 */
enum kco_status kco_session_open_new(const struct kco_session_options *opts, struct kco_session **ret,
				     struct kco_err *err) KCO_MUST_USE;
void kco_session_free(struct kco_session *s);

/** What a command may need; the dispatcher asks for it before the command runs. */
enum kco_need {
	KCO_NEED_IMAGE = 1 << 0,
	KCO_NEED_OS = 1 << 1, /* the kernel's address space is known, virtual memory can be read */
	KCO_NEED_SYMS = 1 << 2,
	KCO_NEED_TYPES = 1 << 3,
	KCO_NEED_TASKS = 1 << 4,
};
/** Make all of @needs available or fail with the reason of the first that cannot be. */
enum kco_status kco_session_need(struct kco_session *s, unsigned needs, struct kco_err *err) KCO_MUST_USE;

struct kco_image *kco_session_image(struct kco_session *s);
/** NULL before the need was met: */
const struct kco_arch_ops *kco_session_arch(struct kco_session *s);
const struct kco_os_ops *kco_session_os(struct kco_session *s);
struct kco_mem *kco_session_mem(struct kco_session *s); /* the session's thread's */
const struct kco_space *kco_session_kernel_space(struct kco_session *s);
struct kco_symbols *kco_session_symbols(struct kco_session *s);
struct kco_types *kco_session_types(struct kco_session *s);

/** Warn through the callback of the options; printf-like. Each distinct text is given once. */
void kco_session_warn(struct kco_session *s, const char *fmt, ...) KCO_PRINTF(2, 3);
/** Ask whatever runs to stop soon (KCO_E_CANCELLED). Async-signal-safe. */
void kco_session_cancel(struct kco_session *s);
void kco_session_cancel_clear(struct kco_session *s);
bool kco_session_cancelled(const struct kco_session *s);

/** Read kernel virtual memory on the session's thread. As kco_vread(). */
enum kco_status kco_kread(struct kco_session *s, uint64_t va, void *buf, size_t n, size_t *done,
			  struct kco_err *err) KCO_MUST_USE;
enum kco_status kco_kread_uint(struct kco_session *s, uint64_t va, size_t size, uint64_t *ret,
			       struct kco_err *err) KCO_MUST_USE;
/** A field of the structure at @va. */
enum kco_status kco_kread_field(struct kco_session *s, uint64_t va, const struct kco_field *field, uint64_t *ret,
				struct kco_err *err) KCO_MUST_USE;

/** The value of "KEY=..." in VMCOREINFO ("SYMBOL(init_top_pgt)", "OSRELEASE"), copied; KCO_E_NOSYM when absent. */
enum kco_status kco_session_vmcoreinfo(struct kco_session *s, const char *key, char *buf, size_t size,
				       struct kco_err *err) KCO_MUST_USE;
/** The same as a number: hexadecimal for SYMBOL(), KERNELOFFSET, decimal for the others. */
enum kco_status kco_session_vmcoreinfo_uint(struct kco_session *s, const char *key, uint64_t *ret,
					    struct kco_err *err) KCO_MUST_USE;

/** The address of CPU @cpu's copy of the per-CPU symbol @name. */
enum kco_status kco_percpu_addr(struct kco_session *s, const char *name, int cpu, uint64_t *ret,
				struct kco_err *err) KCO_MUST_USE;
/** How many CPUs could exist: highest possible number + 1. */
enum kco_status kco_cpu_count(struct kco_session *s, unsigned *ret, struct kco_err *err) KCO_MUST_USE;
bool kco_cpu_online(struct kco_session *s, unsigned cpu);
/** The registers that the dump holds for a CPU (notes, or what the kernel saved); KCO_E_RANGE when there are none. */
enum kco_status kco_cpu_regs(struct kco_session *s, unsigned cpu, struct kco_regs *regs,
			     struct kco_err *err) KCO_MUST_USE;

#define KCO_MODULE_MEM_MAX 8

/** A loaded module. */
struct kco_module {
	uint64_t addr; /* of the module structure */
	const char *name;
	const char *path; /* the file that it was loaded from, on the crashed machine; NULL unknown */
	uint64_t base;	  /* of its text */
	uint64_t size;	  /* all memory it holds, bytes */
	uint64_t text_size;
	/* The pieces of its memory; one in kernels that keep it in one. */
	struct {
		uint64_t base, size;
	} mem[KCO_MODULE_MEM_MAX];
	unsigned nr_mem;
	uint64_t taints;
	char state; /* 'L'ive, 'C'oming, 'G'oing, 'U'nformed, '?' */
	enum kco_status status;
	const char *why;
};
enum kco_status kco_modules_get(struct kco_session *s, const struct kco_module **mods, size_t *n,
				struct kco_err *err) KCO_MUST_USE;
/** Is it known that modules are missing from kco_modules_get()? As kco_tasks_incomplete(). */
bool kco_modules_incomplete(const struct kco_session *s);

/**
 * The kernel's types and those that module @i of kco_modules_get() adds to
 * them (split BTF). Loaded on first use. KCO_E_NOTYPE: it has none, or the
 * kernel's types are not from the dump's BTF.
 */
enum kco_status kco_module_types_get(struct kco_session *s, size_t i, struct kco_types **ret,
				     struct kco_err *err) KCO_MUST_USE;

/** One record of the kernel log. */
struct kco_log_record {
	uint64_t seq;
	uint64_t ts_ns;
	uint8_t level, facility;
	bool no_time, no_level; /* this system's log has none, or this record of it */
	uint32_t caller;	/* bit 31: a CPU number, else a thread id; valid when has_caller */
	bool has_caller;
	const char *text; /* raw bytes of the dump, text_len of them; may hold newlines */
	size_t text_len;
	const char *dict; /* "KEY=value\0..." or NULL */
	size_t dict_len;
};
/** Each record in order until @fn returns false; pointers are valid during the call. Lost ones are told by gaps in seq.
 */
enum kco_status kco_log_each(struct kco_session *s, bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg,
			     struct kco_err *err) KCO_MUST_USE;

/** What `sys` prints. Text is raw bytes of the dump; "" unknown. */
struct kco_system_info {
	char release[72], version[128], machine[65], nodename[72], domainname[72];
	char panic[256];
	unsigned cpus_possible, cpus_online;
	uint64_t uptime_ns;   /* since boot, 0 unknown */
	int64_t wall_seconds; /* at the crash, since the epoch; 0 unknown */
	uint32_t wall_nsec;   /* and the fraction of a second */
	uint64_t load[3];     /* load averages * 100 */
	bool has_load;
	uint64_t memory_bytes;
	uint64_t taints;
	uint64_t kaslr; /* the offset found */
	bool has_kaslr;
	char build_id[41]; /* hex, "" unknown */
	unsigned page_levels;
};
enum kco_status kco_system_get(struct kco_session *s, const struct kco_system_info **ret,
			       struct kco_err *err) KCO_MUST_USE;

/** The separate debug information (vmlinux): found, checked by build-id and opened on first use. */
enum kco_status kco_debuginfo_get(struct kco_session *s, struct kco_debuginfo **ret, struct kco_err *err) KCO_MUST_USE;

/** The path of the vmlinux in use, else of the one that the user named, else NULL. Looks for nothing. */
const char *kco_session_vmlinux(const struct kco_session *s);

/** A source position; strings live as long as the session. */
struct kco_source_line {
	const char *function; /* inlined or containing function, NULL unknown */
	const char *file;     /* as the compiler was told */
	unsigned line;
	bool inlined; /* this row was inlined into the next one */
};
/**
 * The source line of @pc (kernel or module text) and the functions inlined
 * there, innermost first, at most @max rows. KCO_E_NOSYM: no line is known.
 */
enum kco_status kco_debuginfo_lines(struct kco_debuginfo *di, uint64_t pc, struct kco_source_line *rows, size_t max,
				    size_t *n, struct kco_err *err) KCO_MUST_USE;

#endif
