// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Linux personality's private state, and what its files give each other.
 *
 *   linux.c             the table row, detection, symbols and types of the dump
 *   linux_boot.c        VMCOREINFO (note, file, or found in memory), page-table root, KASLR
 *   linux_list.c        circular lists, torn ones as well; linux_rbtree.c: trees
 *   linux_cpus.c        per-CPU data, CPU masks
 *   linux_tasks.c       the task list; linux_pids.c: the pid tree it is checked against
 *   linux_state.c       state letters
 *   linux_modules.c     the module list; linux_modsyms.c: modules' symbols,
 *   linux_modbtf.c      and types
 *   linux_sections.c    where modules' sections were loaded, build-ids
 *   linux_vmap.c        areas of the kernel's virtual memory
 *   linux_text.c        where code is, and its ORC tables
 *   linux_log.c         the log; linux_log_old.c: before v5.10
 *   linux_system.c      release, uptime, load, panic message
 *   linux_x86_64.c      what Linux lays out on x86_64
 */
#ifndef KCO_OS_LINUX_H
#define KCO_OS_LINUX_H

#include <stdbool.h>
#include <stdint.h>

#include "names.h"
#include "session.h"

#define LINUX_CPUS_MAX 8192

struct linux_text_range {
	uint64_t first, end;
};

struct linux_entry;
struct uml;

/** What another port of Linux does in its own way; a NULL slot is as on x86_64. */
struct linux_variant {
	/* The virtual addresses of the kernel's image: where to scan for its tables. */
	enum kco_status (*kernel_range)(struct kco_session *s, uint64_t *first, uint64_t *end, struct kco_err *err);
	/* Does VMCOREINFO (s->vmcoreinfo) belong to this memory? KCO_E_CORRUPT: to another kernel. */
	enum kco_status (*prove)(struct kco_session *s, struct kco_err *err);
	/* An entry of a page table that is not present: linux_x86_64_entry() (linux_x86_64_pte.h). */
	struct linux_entry (*entry)(uint64_t entry, unsigned level, uint64_t addr_mask);
};

struct linux_os {
	const struct linux_variant *variant; /* NULL: x86_64 */
	struct uml *uml;		     /* uml.c's, in the session's arena; NULL: this is no User-Mode Linux */
	uint64_t kaslr;			     /* what was added to the linked addresses */
	bool has_kaslr;
	unsigned levels;
	uint64_t *percpu_offset; /* of nr_cpus; loaded by linux_cpus_load() */
	unsigned nr_cpus;
	uint8_t *online; /* one byte a CPU */
	struct kco_lazy lazy_cpus;
	struct linux_text_range *text; /* sorted; kernel and modules; loaded by linux_text_load() */
	size_t nr_text;
	struct kco_lazy lazy_text;
	struct linux_zpools *zpools;	 /* linux_zpool.c's */
	struct linux_pages *pages;	 /* linux_page.c's */
	struct linux_paths *paths;	 /* linux_path.c's */
	struct linux_maple *maple;	 /* linux_maple.c's */
	struct linux_mm *mm;		 /* linux_mm.c's */
	struct linux_areas *areas;	 /* linux_vmas.c's */
	struct linux_x86_64 *x86_64;	 /* linux_x86_64.c's */
	struct linux_stops *stops;	 /* linux_stop.c's */
	struct linux_syscalls *syscalls; /* linux_syscalls.c's, in the session's arena */
};

static inline struct linux_os *linux_of(struct kco_session *s)
{
	return s->os_priv;
}

/* linux_list.c */
/** Called with each node's address: KCO_OK goes on, KCO_DONE says that it was seen before, an error ends the walk. */
typedef enum kco_status linux_list_fn(void *arg, uint64_t node);
/**
 * Walk the circular list whose struct list_head is at @head. Returns @fn's
 * error or KCO_OK; a list that broke off has torn->code set (and was then
 * walked backward from the head as well).
 */
enum kco_status linux_list_each(struct kco_session *s, uint64_t head, linux_list_fn *fn, void *arg,
				struct kco_err *torn);

/* linux_rbtree.c */
/**
 * Each node of the tree whose struct rb_root is at @root; KCO_DONE of @fn: not those below it. Returns @fn's error or
 * KCO_OK; a tree of which parts could not be reached has torn->code set.
 */
enum kco_status linux_rbtree_each(struct kco_session *s, uint64_t root, linux_list_fn *fn, void *arg,
				  struct kco_err *torn);

/* linux.c */
extern const struct kco_os_ops kco_os_linux;
/** The personality's private state, for its init() and those of its variants. */
enum kco_status linux_os_new(struct kco_session *s, struct kco_err *err);
/* linux_boot.c */
enum kco_status linux_boot(struct kco_session *s, struct kco_err *err);
/** Search physical memory for VMCOREINFO; @note: why what is known of it cannot be used, code KCO_OK: nothing is. */
enum kco_status linux_boot_scan(struct kco_session *s, const struct kco_err *note, struct kco_err *err);
/* linux_cpus.c */
enum kco_status linux_cpus_load(struct kco_session *s, struct kco_err *err);
enum kco_status linux_cpu_count(struct kco_session *s, unsigned *ret, struct kco_err *err);
bool linux_cpu_online(struct kco_session *s, unsigned cpu);
enum kco_status linux_percpu(struct kco_session *s, uint64_t addr, unsigned cpu, uint64_t *ret, struct kco_err *err);
/* linux_tasks.c */
enum kco_status linux_tasks(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_task *task),
			    void *arg, struct kco_err *err);
/* linux_state.c */
struct linux_states {
	char letter[24]; /* by fls(state & report) */
	unsigned n;
	uint64_t noload; /* TASK_NOLOAD: with 'D' it makes 'I' */
	char idle;
};
void linux_states_init(struct kco_session *s, struct linux_states *states);
char linux_state_letter(const struct linux_states *states, uint64_t state, uint64_t exit_state);
/* linux_pids.c: each task that the initial pid namespace holds. */
enum kco_status linux_pids_each(struct kco_session *s, enum kco_status (*fn)(void *arg, uint64_t nr, uint64_t task),
				void *arg, struct kco_err *err);
/* linux_modules.c */
enum kco_status linux_modules(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_module *mod),
			      void *arg, struct kco_err *err);
/* linux_modsyms.c */
enum kco_status linux_module_symbols(struct kco_session *s, struct kco_symbol_source **ret, struct kco_err *err);
/* linux_modbtf.c */
enum kco_status linux_module_types(struct kco_session *s, const struct kco_module *mod, struct kco_types **ret,
				   struct kco_err *err);
/** Where the bytes of a module's types lie. KCO_E_NOTYPE: it has none. */
enum kco_status linux_module_btf(struct kco_session *s, const struct kco_module *mod, uint64_t *addr, uint64_t *size,
				 struct kco_err *err);
/* linux_sections.c */
enum kco_status linux_module_sections(struct kco_session *s, const struct kco_module *mod,
				      enum kco_status (*add)(void *arg, const char *name, uint64_t addr), void *arg,
				      struct kco_err *err);
/** The bytes of memory where the kernel keeps that. */
enum kco_status linux_module_sections_where(struct kco_session *s, const struct kco_module *mod, uint64_t *addr,
					    uint64_t *size, struct kco_err *err);
/** The GNU build-id among the ELF notes at @notes; @id_size is the room, then the size. */
bool linux_note_build_id(const uint8_t *notes, size_t size, uint8_t *id, size_t *id_size);
/** The same from the dump's memory, at most a page of notes. */
enum kco_status linux_read_build_id(struct kco_session *s, uint64_t addr, uint64_t size, uint8_t *id, size_t *id_size,
				    struct kco_err *err);
/* linux_text.c */
enum kco_status linux_unwind_tables(struct kco_session *s, struct kco_unwind_tables **ret, struct kco_err *err);
enum kco_status linux_text_load(struct kco_session *s, struct kco_err *err);
bool linux_is_text(struct kco_session *s, uint64_t pc);
/* linux_stop.c */
void linux_stops_fini(struct kco_session *s);
/* linux_log.c */
enum kco_status linux_log(struct kco_session *s, bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg,
			  struct kco_err *err);
/* linux_system.c */
enum kco_status linux_system(struct kco_session *s, struct kco_system_info *info, struct kco_err *err);
enum kco_status linux_build_id(struct kco_session *s, uint8_t *id, size_t *size, struct kco_err *err);

/* linux_maps.c */
/** The virtual address of the map of all memory: physical address 0. */
enum kco_status linux_direct_map(struct kco_session *s, uint64_t *ret, struct kco_err *err);
enum kco_status linux_maps(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_write_map *map),
			   void *arg, struct kco_err *err);

/* linux_vmap.c */
struct linux_vmap_area {
	uint64_t start, end;
	uint64_t caller; /* an address in the function that made it; 0 unknown */
};
/** Each area of the kernel's virtual memory until @fn returns false. What broke off has torn->code set. */
enum kco_status linux_vmap_each(struct kco_session *s, bool (*fn)(void *arg, const struct linux_vmap_area *area),
				void *arg, struct kco_err *torn, struct kco_err *err);
/** Where the area of vmalloc() begins and ends. */
void linux_vmap_range(struct kco_session *s, uint64_t *first, uint64_t *end);

#endif
