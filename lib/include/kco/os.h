// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table row of a personality: one operating system's structures.
 *
 * A personality knows symbols and types, not files. Layouts that belong to an
 * OS on one architecture (trap frames, switch frames, exception stacks) are in
 * lib/os/OS_ARCH.c. A NULL slot falls to the base's (UML's base is Linux);
 * with none there, the wrapper answers KCO_E_UNSUPPORTED.
 *
 * How to add one: lib/os/NAME.c with `const struct kco_os_ops kco_os_NAME`
 * and a line X(NAME) in lib/os/os.def.
 */
#ifndef KCO_OS_H
#define KCO_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/arch.h>
#include <kco/err.h>
#include <kco/mem.h>
#include <kco/pagefilter.h>
#include <kco/session.h>
#include <kco/task.h>
#include <kco/write.h>

/** A stack on which a task's frames may lie. */
struct kco_stack_range {
	const char *name; /* "task", "IRQ", "NMI", "#DF", "#DB", "#MC", "#VC", "entry trampoline" */
	uint64_t first;	  /* lowest address */
	uint64_t end;	  /* one past the highest */
};

/**
 * What a personality may have and a command may need beside tasks and memory.
 * Each is one slot (or two) of the tables: kco_os_can() looks at them, so the
 * answer "not on FreeBSD" and docs/support-matrix.md need no list of their own.
 */
enum kco_feature {
	KCO_FEATURE_LOG = 1 << 0,
	KCO_FEATURE_MODULES = 1 << 1,
	KCO_FEATURE_AREAS = 1 << 2, /* what is mapped in a process */
	KCO_FEATURE_PAGES = 1 << 3, /* what became of each page */
	KCO_FEATURE_SIGNALS = 1 << 4,
	KCO_FEATURE_STOP = 1 << 5, /* stop reasons */
	KCO_FEATURE_BREAKPOINTS = 1 << 6,
	KCO_FEATURE_CORE = 1 << 7,	  /* core files of processes */
	KCO_FEATURE_THREAD_REGS = 1 << 8, /* user registers of threads */
	KCO_FEATURE_FILES = 1 << 9,	  /* open files of a process */
	/* What no slot tells and commands read by themselves: kco_os_ops.features. */
	KCO_FEATURE_POLICIES = 1 << 16,	 /* scheduling policies of tasks by Linux's numbers */
	KCO_FEATURE_THREAD_SP = 1 << 19, /* the saved stack pointer as Linux keeps it */
	KCO_FEATURE_TAINTS = 1 << 17,
	KCO_FEATURE_DMI = 1 << 18, /* the firmware's strings */
};

/** The folder in which a kernel file is looked for. */
enum kco_kernel_dir {
	KCO_KERNEL_BESIDE,  /* the dump's own */
	KCO_KERNEL_SYSROOT, /* --sysroot */
	KCO_KERNEL_DEBUG,   /* --debug-dir */
};

/** Where a kernel file may lie when nobody names one. */
struct kco_kernel_place {
	enum kco_kernel_dir dir;
	const char *path; /* below it; '#' stands for the number in the dump's name, "vmcore.3.zst"; NULL ends a list */
};

struct kco_frameset;
struct kco_redact;
struct kco_os_process_ops;
struct kco_unwind_tables;

struct kco_os_ops {
	const char *name;  /* "linux" */
	const char *title; /* as its people write it: "Linux", "FreeBSD" */
	const struct kco_os_ops *base;
	unsigned features; /* enum kco_feature, of those that no slot tells */
	/*
	 * Notes of a dump are no registers of CPUs to it, and memory has no VMCOREINFO: a converted file has to carry
	 * the facts of the old one's headers, and may have a note for each thread.
	 */
	bool facts_in_notes;
	bool own_tids;		  /* thread ids are numbers of their own, no pids (BSD): both are shown */
	const char *const *archs; /* names of the architectures whose registers and stacks it knows, NULL-terminated */
	const struct kco_os_process_ops *process; /* what it knows of processes: os_process.h; may be NULL */
	bool without_types; /* tasks() and modules() make lists with symbols alone, and warn of what they lack */
	/* Could this dump be mine? 0..100. Reads no virtual memory. */
	int (*detect)(struct kco_session *s);
	/*
	 * Find the kernel: relocation, page-table root; sets the session's
	 * kernel space through kco_session_set_kernel() (lib/core/session.h)
	 * and may hang private state on the session.
	 */
	enum kco_status (*init)(struct kco_session *s, struct kco_err *err);
	void (*fini)(struct kco_session *s);
	/* Append the symbol sources that the dump itself carries. */
	enum kco_status (*symbols)(struct kco_session *s, struct kco_symbols *syms, struct kco_err *err);
	/*
	 * The symbols of all modules, as one source behind the kernel's (which may be its file's); os/modsyms.h makes
	 * one. They are not to be read before they are asked for. May be NULL.
	 */
	enum kco_status (*module_symbols)(struct kco_session *s, struct kco_symbol_source **ret, struct kco_err *err);
	/* Types that the dump itself carries. */
	enum kco_status (*types)(struct kco_session *s, struct kco_types **ret, struct kco_err *err);
	/* Unwind tables that the dump itself carries (see lib/image/orc.h). */
	enum kco_status (*unwind_tables)(struct kco_session *s, struct kco_unwind_tables **ret, struct kco_err *err);
	/* Call @add for each task, idle tasks first. */
	enum kco_status (*tasks)(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_task *task),
				 void *arg, struct kco_err *err);
	/* The registers a task has: a CPU's for an active task, else those of its switch frame. Any thread. */
	enum kco_status (*task_regs)(struct kco_session *s, struct kco_mem *mem, const struct kco_task *task,
				     struct kco_regs *regs, struct kco_err *err);
	/* Stacks of a CPU (not the task's own), at most @max; the number is returned. Loaded before workers start. */
	size_t (*cpu_stacks)(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max);
	/* Is @pc kernel or module text? For stack scans and checks. Any thread. */
	bool (*is_text)(struct kco_session *s, uint64_t pc);
	/* The trap frame (Linux: struct pt_regs) and the part the CPU pushes itself. Offsets from the frame's address.
	 */
	const struct kco_regset *(*trap_frame)(struct kco_session *s, bool hardware_part_only);
	/*
	 * The pc of @regs lies in entry code that has a whole trap frame where the
	 * personality knows it: where a call returned to (not @exact), or where a
	 * thread begins (@exact). Then *@interrupted is what the frame holds and
	 * *@frame where it lies. KCO_E_NOSYM: it is other code. KCO_DONE: nothing
	 * was interrupted, a kernel thread began there. NULL: entry code is
	 * described by unwind tables, or guessed. Any thread, with its own @mem.
	 */
	enum kco_status (*entry_frame)(struct kco_session *s, struct kco_mem *mem, const struct kco_regs *regs,
				       bool exact, struct kco_regs *interrupted, uint64_t *frame, struct kco_err *err);
	/*
	 * Address of the user registers saved at the kernel's entry on @task's stack; 0 for kernel threads. Any
	 * thread. With entry_frame: those of a task that was on a CPU may be of an earlier entry.
	 */
	uint64_t (*user_regs)(struct kco_session *s, const struct kco_task *task);
	/* Was the CPU in user mode with these registers? */
	bool (*regs_user)(struct kco_session *s, const struct kco_regs *regs);
	enum kco_status (*cpu_count)(struct kco_session *s, unsigned *ret, struct kco_err *err);
	bool (*cpu_online)(struct kco_session *s, unsigned cpu);
	enum kco_status (*cpu_regs)(struct kco_session *s, unsigned cpu, struct kco_regs *regs, struct kco_err *err);
	enum kco_status (*percpu)(struct kco_session *s, uint64_t addr, unsigned cpu, uint64_t *ret,
				  struct kco_err *err);
	enum kco_status (*modules)(struct kco_session *s,
				   enum kco_status (*add)(void *arg, const struct kco_module *mod), void *arg,
				   struct kco_err *err);
	/* The types that a module adds to the kernel's (whose source is the session's, from the dump). */
	enum kco_status (*module_types)(struct kco_session *s, const struct kco_module *mod, struct kco_types **ret,
					struct kco_err *err);
	/* Where each section of a module was loaded. */
	enum kco_status (*module_sections)(struct kco_session *s, const struct kco_module *mod,
					   enum kco_status (*add)(void *arg, const char *name, uint64_t addr),
					   void *arg, struct kco_err *err);
	/*
	 * The file with a module's debug information, where this system keeps it: its bytes, malloc()ed and handed
	 * over, and a path for messages. It is the one that was loaded, as far as its sections tell. NULL: it is found
	 * by build-id or by its name.
	 */
	enum kco_status (*module_file)(struct kco_session *s, const struct kco_module *mod, const char **path,
				       void **bytes, size_t *size, struct kco_err *err);
	/* The build-id in the ELF notes at @addr; @id_size is the room, then the size. */
	enum kco_status (*read_build_id)(struct kco_session *s, uint64_t addr, uint64_t size, uint8_t *id,
					 size_t *id_size, struct kco_err *err);
	/*
	 * Add to @drop the page frames of @src that @level (enum kco_filter_level)
	 * leaves out; pages of zeros are the writer's.
	 */
	enum kco_status (*page_filter)(struct kco_session *s, const struct kco_write_source *src, unsigned level,
				       struct kco_frameset *drop, struct kco_filter_stats *stats, struct kco_err *err);
	/* Find what others may not see: redact.h. Without it a dump of this system cannot be redacted. */
	enum kco_status (*redact)(struct kco_session *s, struct kco_redact *what, struct kco_err *err);
	/*
	 * Where the kernel maps physical memory: the map of all of it, and its own
	 * image. For files that carry virtual addresses (convert); what is not
	 * known is left out.
	 */
	enum kco_status (*maps)(struct kco_session *s,
				enum kco_status (*add)(void *arg, const struct kco_write_map *map), void *arg,
				struct kco_err *err);
	enum kco_status (*log)(struct kco_session *s, bool (*fn)(void *arg, const struct kco_log_record *rec),
			       void *arg, struct kco_err *err);
	enum kco_status (*system)(struct kco_session *s, struct kco_system_info *info, struct kco_err *err);
	/* The kernel's build-id: @size is the room at @id, then what was found. Reads as little as it can. */
	enum kco_status (*build_id)(struct kco_session *s, uint8_t *id, size_t *size, struct kco_err *err);
	/*
	 * Where its kernel's file may lie, the best place first (the file with types before the one without).
	 * NULL: Linux's places, by release and build-id (lib/image/debuginfo_search.c).
	 */
	const struct kco_kernel_place *kernel_places;
	const char *kernel_whole; /* what to give instead of a kernel's file without debug information, for messages */
	/*
	 * Does @di belong to the dump? Asked once the kernel's memory can be read, unless build-ids have told.
	 * KCO_E_CORRUPT names what differs; any other error: it cannot be told, which is warned of.
	 * NULL: build-ids decide alone. kco_kernel_matches_version() (lib/core/session.h) does for the BSDs.
	 */
	enum kco_status (*kernel_matches)(struct kco_session *s, struct kco_debuginfo *di, struct kco_err *err);
	/* How far the dump's kernel lies from the addresses of its vmlinux (KASLR). */
	enum kco_status (*bias)(struct kco_session *s, struct kco_debuginfo *di, uint64_t *ret, struct kco_err *err);
};

/** Does @os, or its base, have all of @features? */
bool kco_os_can(const struct kco_os_ops *os, unsigned features);

/** All personalities, NULL-terminated. */
extern const struct kco_os_ops *const kco_oses[];

#endif
