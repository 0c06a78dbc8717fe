// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A FreeBSD kernel made up for tests: 256 KiB of virtual memory, a table of
 * symbols, and structures of the types in fbsdtypes.h.
 */
#ifndef KCO_UNIT_FBSDMAKE_H
#define KCO_UNIT_FBSDMAKE_H

#include <stdio.h>
#include <string.h>

#include "fbsdtypes.h"
#include "freebsd.h"
#include "freebsd_klds.h"
#include "memimage.h"
#include "session.h"
#include "tasks.h"
#include "unit.h"

#ifndef FBSD_BASE
#define FBSD_BASE UINT64_C(0xffffffff81000000)
#endif
#define FBSD_AT(offset) (FBSD_BASE + (uint64_t)(offset))
#define FBSD_TEXT 0x0	 /* page 0: code; see fbsd_text() */
#define FBSD_DATA 0x1000 /* variables, one every 64 bytes */
#define FBSD_STOPPCBS 0x4000
#define FBSD_OBJECTS 0x8000 /* processes and threads, 512 bytes each */
#define FBSD_STACKS 0x20000 /* kernel stacks, 8 KiB each */
#define FBSD_STRINGS 0x3e000
#define FBSD_SYMBOLS_MAX 64

struct fbsd {
	struct memimage m;
	struct kco_session s;
	struct freebsd_os os;
	struct kco_symbol symbols[FBSD_SYMBOLS_MAX];
	size_t nr_symbols;
	struct kco_symbol_source source;
	uint32_t nr_objects, nr_strings, nr_data;
	char warnings[2048];
	struct kco_err err;
};

static inline enum kco_status fbsd_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
					   struct kco_err *err)
{
	struct fbsd *f = (struct fbsd *)((char *)src - offsetof(struct fbsd, source));

	for (size_t i = 0; i < f->nr_symbols; i++) {
		if (!strcmp(f->symbols[i].name, name)) {
			*ret = f->symbols[i];
			return KCO_OK;
		}
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol '%s'", name);
}

static inline enum kco_status fbsd_each(struct kco_symbol_source *src,
					bool (*fn)(void *arg, const struct kco_symbol *sym), void *arg,
					struct kco_err *err)
{
	struct fbsd *f = (struct fbsd *)((char *)src - offsetof(struct fbsd, source));

	(void)err;
	for (size_t i = 0; i < f->nr_symbols; i++)
		if (!fn(arg, &f->symbols[i]))
			break;
	return KCO_OK;
}

static inline void fbsd_source_free(struct kco_symbol_source *src)
{
	(void)src;
}

static const struct kco_symbol_source_ops fbsd_source_ops = {
	.name = "test", .by_name = fbsd_by_name, .each = fbsd_each, .free = fbsd_source_free
};

static inline void fbsd_put(struct fbsd *f, uint64_t va, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint64_t at = va + i - FBSD_BASE;

		if (at >= MEMIMAGE_SIZE)
			fail_msg("%#llx is not in the memory of this test", (unsigned long long)va);
		else
			f->m.bytes[at] = (uint8_t)(value >> 8 * i);
	}
}

static inline void fbsd_chars(struct fbsd *f, uint64_t va, const char *text)
{
	for (; *text; text++)
		fbsd_put(f, va++, (uint8_t)*text, 1);
	fbsd_put(f, va, 0, 1);
}

static inline uint64_t fbsd_symbol(struct fbsd *f, const char *name, uint64_t va, uint64_t size, char type)
{
	assert_true(f->nr_symbols < FBSD_SYMBOLS_MAX);
	f->symbols[f->nr_symbols++] = (struct kco_symbol){ .addr = va, .size = size, .name = name, .type = type };
	return va;
}

/** A variable of @size bytes with a value. */
static inline uint64_t fbsd_variable(struct fbsd *f, const char *name, uint64_t value, size_t size)
{
	uint64_t va = FBSD_AT(FBSD_DATA + 64 * f->nr_data++);

	fbsd_put(f, va, value, size);
	return fbsd_symbol(f, name, va, size, 'B');
}

static inline uint64_t fbsd_string(struct fbsd *f, const char *text)
{
	uint64_t va = FBSD_AT(FBSD_STRINGS + 64 * f->nr_strings++);

	fbsd_chars(f, va, text);
	return va;
}

static inline void fbsd_warn(void *arg, const char *msg)
{
	struct fbsd *f = arg;
	size_t n = strlen(f->warnings);

	snprintf(f->warnings + n, sizeof(f->warnings) - n, "%s\n", msg);
}

static inline struct kco_lazy fbsd_there(enum kco_status status)
{
	struct kco_lazy lazy = { .tried = true, .err = KCO_ERR_INIT };

	if (status)
		kco_fail(&lazy.err, status, "none in this test");
	return lazy;
}

extern const struct kco_os_ops kco_os_freebsd;

/** A kernel of @cpus CPUs without processes; @typed: its types are known. Then put what it has, then fbsd_open(). */
static inline void fbsd_init(struct fbsd *f, bool typed, unsigned cpus)
{
	memset(f, 0, sizeof(*f));
	f->m.virt = FBSD_BASE;
	f->os.machine = &freebsd_amd64;
	f->source = (struct kco_symbol_source){ .ops = &fbsd_source_ops, .last = UINT64_MAX };
	kco_arena_init(&f->s.arena);
	f->s.opts.image.warn = fbsd_warn;
	f->s.opts.image.warn_arg = f;
	f->s.os = &kco_os_freebsd;
	f->s.os_priv = &f->os;
	f->s.arch = kco_arch_by_machine(62);
	f->s.kernel = (struct kco_space){ .arch = f->s.arch, .addr_mask = f->s.arch->phys_mask, .id = 1 };
	f->s.lazy_os = f->s.lazy_symbols = fbsd_there(KCO_OK);
	f->s.lazy_types = fbsd_there(typed ? KCO_OK : KCO_E_NOTYPE);
	f->s.lazy_modules = f->s.lazy_debuginfo = fbsd_there(KCO_E_UNSUPPORTED);
	if (typed)
		f->s.types = fbsd_types_new();
	assert_true(!typed || f->s.types);
	f->s.symbols = kco_symbols_new();
	kco_symbols_add_take(f->s.symbols, &f->source);
	fbsd_variable(f, "mp_maxid", cpus - 1, 4);
	fbsd_variable(f, "allproc", 0, 8);
}

static inline void fbsd_open(struct fbsd *f)
{
	memimage_open(&f->m);
	f->s.image = f->m.image;
	assert_int_equal(kco_mem_new(f->m.image, &f->s.mem, NULL), KCO_OK);
	f->err = KCO_ERR_INIT;
}

static inline void fbsd_fini(struct fbsd *f)
{
	freebsd_cpus_fini(&f->s);
	freebsd_regs_fini(&f->s);
	freebsd_text_fini(&f->s);
	freebsd_tasks_fini(&f->s);
	freebsd_kldsyms_fini(&f->s);
	kco_session_tasks_fini(&f->s);
	kco_symbols_free(f->s.symbols);
	kco_types_free(f->s.types);
	kco_mem_free(f->s.mem);
	kco_image_free(f->m.image);
	kco_arena_fini(&f->s.arena);
	while (f->s.warnings) {
		// A list whose first word is the next one; see session.c.
		void *next = *(void **)f->s.warnings;

		free(f->s.warnings);
		f->s.warnings = next;
	}
}

static inline uint64_t fbsd_object(struct fbsd *f)
{
	return FBSD_AT(FBSD_OBJECTS + 512 * f->nr_objects++);
}

/** A process at the end of a list whose last pointer is at *@slot, which moves on. */
static inline uint64_t fbsd_proc(struct fbsd *f, uint64_t *slot, int32_t pid, const char *comm)
{
	uint64_t proc = fbsd_object(f);

	fbsd_put(f, *slot, proc, 8);
	fbsd_put(f, proc + P_LIST + 8, *slot, 8);
	*slot = proc + P_LIST;
	fbsd_put(f, proc + P_THREADS + 8, proc + P_THREADS, 8);
	fbsd_put(f, proc + P_PID, (uint32_t)pid, 4);
	fbsd_put(f, proc + P_STATE, 1, 4);
	fbsd_chars(f, proc + P_COMM, comm);
	return proc;
}

/** A thread at the end of @proc's list (whose tqh_last leads there), idle but able to run, on no CPU. */
static inline uint64_t fbsd_thread(struct fbsd *f, uint64_t proc, int32_t tid, const char *name)
{
	uint64_t td = fbsd_object(f), slot = memimage_get(&f->m, proc + P_THREADS + 8 - FBSD_BASE);

	fbsd_put(f, slot, td, 8);
	fbsd_put(f, td + TD_PLIST + 8, slot, 8);
	fbsd_put(f, proc + P_THREADS + 8, td + TD_PLIST, 8);
	fbsd_put(f, td + TD_PROC, proc, 8);
	fbsd_put(f, td + TD_TID, (uint32_t)tid, 4);
	fbsd_put(f, td + TD_ONCPU, UINT32_MAX, 4);
	fbsd_put(f, td + TD_LASTCPU, 0, 4);
	fbsd_put(f, td + TD_STATE, 2, 4);
	fbsd_chars(f, td + TD_NAME, name);
	return td;
}

/* The code is 64 functions of 64 bytes. In each a call of the next ends at byte 32. */
#define FBSD_FUNC(i) FBSD_AT(FBSD_TEXT + 64 * (i))
#define FBSD_RET(i) (FBSD_FUNC(i) + 32)

static inline void fbsd_code(struct fbsd *f)
{
	memset(f->m.bytes + FBSD_TEXT, 0x90, 4096);
	for (int i = 0; i < 64; i++) {
		fbsd_put(f, FBSD_FUNC(i) + 27, 0xe8, 1);
		fbsd_put(f, FBSD_FUNC(i) + 28, 32, 4);
	}
	fbsd_symbol(f, "btext", FBSD_FUNC(0), 64, 'T');
	fbsd_symbol(f, "etext", FBSD_FUNC(64), 0, 'D');
}

#endif
