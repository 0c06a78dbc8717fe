// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes the fuzzers' first inputs from the encoders of the unit tests:
 *
 *   mkseeds DIR    makes DIR/kallsyms/, DIR/btf/, DIR/ctf/, DIR/orc/, DIR/cfi/,
 *                  DIR/vma/, DIR/uelf/, DIR/stop/, DIR/uunwind/ and
 *                  DIR/freebsd/, DIR/freebsd_klds/
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "btfmake.h"
#include "cfimake.h"
#include "ctfmake.h"
#include "fbsdtypes.h"
#include "ksymmake.h"
#include "stopmake.h"
#include "uelfmake.h"
#include "vmamake.h"
#include "vmem.h"

static const char *seeds_dir;

static void seeds_write(const char *target, unsigned nr, const struct bytes *b)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", seeds_dir, target);
	if (mkdir(path, 0777) && errno != EEXIST)
		goto failed;
	snprintf(path, sizeof(path), "%s/%s/seed-%02u", seeds_dir, target, nr);
	f = fopen(path, "wb");
	if (!f || fwrite(b->p, 1, b->n, f) != b->n || fclose(f))
		goto failed;
	return;
failed:
	perror(path);
	exit(1);
}

static void seeds_kallsyms(void)
{
	for (unsigned i = 0; i < NR_KSYM_SHAPES; i++) {
		struct ksymmake *m = malloc(sizeof(*m));
		struct bytes b = { 0 };

		if (!m)
			abort();
		ksymmake_usual(m, ksym_has_percpu(&ksym_shapes[i]));
		ksymmake_encode(m, &ksym_shapes[i]);
		const uint64_t places[] = {
			m->layout.num_syms, m->layout.names,	     m->layout.token_table, m->layout.token_index, 0,
			m->layout.offsets,  m->layout.relative_base, m->layout.addresses
		};

		for (size_t k = 0; k < 8; k++)
			bytes_uint(&b, places[k] ? places[k] - KSYM_TABLES : 0, 4);
		bytes_put(&b, m->image.p, m->image.n);
		seeds_write("kallsyms", i, &b);
		free(b.p);
		free(m->image.p);
		free(m);
	}
}

static void seeds_btf_types(struct btfmake *m)
{
	uint32_t i32 = btfmake_int(m, "int", 4, 1, 32), arr = btfmake_array(m, i32, 4), s;

	s = btfmake_type(m, "a", 4, 1, 3, 24);
	btfmake_member(m, "a", arr, 0, 0);
	btfmake_member(m, "", s + 1, 128, 0);
	btfmake_member(m, "bits", i32, 160, 5);
	btfmake_type(m, "", 5, 0, 1, 4);
	btfmake_member(m, "b", i32, 0, 0);
	btfmake_type(m, "e", 6, 1, 1, 4);
	btfmake_enumerator(m, "E", 5);
	btfmake_type(m, "e64", 19, 0, 1, 8);
	btfmake_enumerator64(m, "E64", 5);
	btfmake_type(m, "t", 8, 0, 0, s);
	btfmake_type(m, "", 2, 0, 0, s);
	btfmake_type(m, "", 10, 0, 0, s);
	btfmake_type(m, "current_task", 14, 0, 0, s);
	bytes_uint(&m->types, 1, 4);
	btfmake_type(m, "", 13, 0, 1, i32);
	btfmake_enumerator(m, "arg", i32);
	btfmake_type(m, "f", 12, 0, 0, m->id);
}

static void seeds_btf(void)
{
	struct btfmake base, split;
	struct bytes b = { 0 };
	uint8_t *whole, *behind;
	size_t n, m;

	btfmake_init(&base, NULL);
	seeds_btf_types(&base);
	btfmake_init(&split, &base);
	seeds_btf_types(&split);
	whole = btfmake_take(&base, &n);
	behind = btfmake_take(&split, &m);
	bytes_uint(&b, 0, 2);
	bytes_put(&b, whole, n);
	seeds_write("btf", 0, &b);
	b.n = 0;
	bytes_uint(&b, m, 2);
	bytes_put(&b, whole, n);
	bytes_put(&b, behind, m);
	seeds_write("btf", 1, &b);
	free(b.p);
	free(whole);
	free(behind);
	btfmake_fini(&base);
	btfmake_fini(&split);
}

static void seeds_orc(void)
{
	for (unsigned types3 = 0; types3 < 2; types3++) {
		struct bytes b = { 0 };

		bytes_uint(&b, types3 | 200 << 8, 3);
		for (unsigned i = 0; i < 200; i++)
			bytes_uint(&b, i * 12, 4);
		for (unsigned i = 0; i < 200; i++) {
			bytes_uint(&b, 8 + i % 5 * 8, 2);
			bytes_uint(&b, (uint64_t)-16, 2);
			bytes_uint(&b, (i % 7 ? 5 : i % 10) | (i % 3) << 4 | (types3 ? (i % 11 ? 2 : i % 5) : 0) << 8,
				   2);
		}
		seeds_write("orc", types3, &b);
		free(b.p);
	}
}

/* What fuzz_cfi.c reads: a byte of flags, the section at 0x1000, behind it a header. */
static void seeds_cfi(void)
{
	static const uint8_t cie[] = { 1, 'z', 'R', 'S', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1 };
	static const uint8_t debug[] = { 4, 0, 8, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1 };
	static const uint8_t insns[] = { 0x41, 0x0e, 16,   0x86, 2,    0x02, 3,	   0x0a, 0x0f, 12,   0x77, 8,
					 0x80, 0,    0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22, 0x06, 0x0b, 0x10,
					 3,    2,    0x38, 0x22, 0x16, 12,   5,	   0x31, 0x12, 0x2f, 0xfc, 0xff };

	for (unsigned is_debug = 0; is_debug < 2; is_debug++) {
		struct bytes b = { 0 };
		size_t at;

		bytes_uint(&b, is_debug, 1);
		at = cfimake_begin(&b);
		bytes_uint(&b, is_debug ? UINT32_MAX : 0, 4);
		bytes_put(&b, is_debug ? debug : cie, is_debug ? sizeof(debug) : sizeof(cie));
		cfimake_end(&b, at);
		at = cfimake_begin(&b);
		bytes_uint(&b, is_debug ? 0 : b.n - 1, 4);
		bytes_uint(&b, is_debug ? 0x8000 : 0x8000 - (0x1000 + b.n - 1), is_debug ? 8 : 4);
		bytes_uint(&b, 0x100, is_debug ? 8 : 4);
		if (!is_debug)
			bytes_uint(&b, 0, 1);
		bytes_put(&b, insns, sizeof(insns));
		cfimake_end(&b, at);
		if (!is_debug) {
			bytes_uint(&b, 0, 4); // the terminator
			bytes_uint(&b, 0x3b031b01, 4);
			bytes_uint(&b, 0, 4);
			bytes_uint(&b, 1, 4);
			bytes_uint(&b, 0x8000 - (0x1000 + b.n - 13), 4);
			bytes_uint(&b, at - (b.n - 17), 4);
		}
		seeds_write("cfi", is_debug, &b);
		free(b.p);
	}
}

static void seeds_vma(void)
{
	for (unsigned maple = 0; maple < 2; maple++) {
		struct vmamake *m = malloc(sizeof(*m));
		struct bytes b = { 0 };

		if (!m)
			abort();
		vmamake_init(m);
		vmamake_usual(m, maple);
		bytes_uint(&b, maple, 1);
		bytes_put(&b, m->memory, m->next);
		seeds_write("vma", maple, &b);
		free(b.p);
		free(m);
	}
}

/* What fuzz_uelf.c reads: a byte of flags, then an image. */
static void seeds_uelf(void)
{
	static const struct uelfmake_sym syms[] = {
		{ "outer", 0x1100, 0x100, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), UELFMAKE_SHNDX },
		{ "alias", 0x1100, 0x100, ELF64_ST_INFO(STB_WEAK, STT_FUNC), UELFMAKE_SHNDX },
		{ "inner", 0x1140, 0x10, ELF64_ST_INFO(STB_LOCAL, STT_FUNC), UELFMAKE_SHNDX },
		{ "label", 0x1300, 0, STT_NOTYPE, UELFMAKE_SHNDX },
		{ "data", 0x3010, 8, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), UELFMAKE_SHNDX },
	};

	for (unsigned i = 0; i < 8; i++) {
		struct uelfmake m = { .elf32 = i & 1, .gnu_hash = i & 2 };
		struct bytes b = { 0 };

		uelfmake(&m, syms, sizeof(syms) / sizeof(syms[0]));
		bytes_uint(&b, i & 4 ? 0 : 0x15, 1);
		bytes_put(&b, m.file.p, m.file.n);
		seeds_write("uelf", i, &b);
		free(b.p);
		free(m.file.p);
	}
}

/* What fuzz_stop.c reads: a byte of states, then memory. Thread 100 has the second state. */
static void seeds_stop(void)
{
	static const int codes[] = { 0x305, 0x85, 1, 0x80, 4, 2 };

	for (unsigned i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		struct stopmake *k = malloc(sizeof(*k));
		struct bytes b = { 0 };

		if (!k)
			abort();
		stopmake_init(k);
		stopmake_info(k, SM_STACK + 0x3000, 5, codes[i], 0x401233, 0);
		stopmake_task(k, SM_T_LAST_SIGINFO, SM_VIRT + SM_STACK + 0x3000, 8);
		stopmake_task(k, SM_T_PTRACE, 1, 4);
		stopmake_task(k, SM_T_PARENT, SM_VIRT + SM_TASK, 8);
		stopmake_task(k, SM_T_DR6, 1, 8);
		bytes_uint(&b, i < 4 ? 2 : i, 1);
		bytes_put(&b, k->m.memory, SM_ROOM);
		seeds_write("stop", i, &b);
		free(b.p);
		free(k);
	}
}

/* What fuzz_uunwind.c reads: flags, pc, sp, fp, and three stacks of which each gets every third word. */
static void seeds_uunwind(void)
{
	enum { TEXT, CODE, STACK, ALT, RET = 8 };
	// By rows, by frame pointers, through signal frames of 64 and of 32 bits.
	static const struct {
		uint8_t flags, first[9], nr;
		struct {
			uint8_t at, area;
			uint16_t off;
		} words[5];
	} seeds[] = {
		{ 0,
		  { TEXT, 5, 0, STACK, 0, 0 },
		  3,
		  { { 1, TEXT | RET, 1 }, { 3, TEXT | RET, 0 }, { 5, TEXT | RET, 2 } } },
		{ 1,
		  { TEXT, 5, 0, STACK, 0, 0 },
		  3,
		  { { 1, TEXT | RET, 1 }, { 3, TEXT | RET, 8 }, { 5, TEXT | RET, 2 } } },
		{ 2,
		  { CODE, 5, 0, STACK, 0, 0, STACK, 16, 0 },
		  4,
		  { { 2, STACK, 48 }, { 3, CODE | RET, 1 }, { 6, STACK, 80 }, { 7, CODE | RET, 2 } } },
		{ 4,
		  { TEXT, 5, 0, STACK, 0, 0 },
		  4,
		  { { 1, CODE, 0x810 }, { 22, STACK, 192 }, { 23, TEXT, 5 }, { 25, TEXT | RET, 2 } } },
		{ 1,
		  { TEXT, 5, 0, STACK, 0, 0 },
		  4,
		  { { 1, CODE, 0x890 }, { 10, STACK, 96 }, { 17, TEXT, 5 }, { 25, TEXT | RET, 2 } } },
		{ 0, { TEXT, 5, 2, STACK, 0, 0 }, 2, { { 0, ALT, 64 }, { 1, TEXT | RET, 8 } } },
	};

	for (unsigned i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		struct bytes b = { 0 };

		bytes_uint(&b, seeds[i].flags, 1);
		bytes_put(&b, seeds[i].first, sizeof(seeds[i].first));
		for (unsigned at = 0, k = 0; at < 64; at++) {
			bool set = k < seeds[i].nr && seeds[i].words[k].at == at;

			for (unsigned stack = 0; stack < 3; stack++) {
				bytes_uint(&b, set ? seeds[i].words[k].area : 5, 1);
				bytes_uint(&b, set ? seeds[i].words[k].off : 0, 2);
			}
			k += set;
		}
		seeds_write("uunwind", i, &b);
		free(b.p);
	}
}

static void seeds_ctf_types(struct ctfmake *m)
{
	uint32_t i32 = ctfmake_int(m, "int", 4, 1, 32), bits = ctfmake_int(m, "int", 4, 1, 3), args[2] = { i32, 0 };
	uint32_t arr = ctfmake_array(m, i32, i32, 4), s, e, slice = bits;

	ctfmake_int(m, "void", 0, 1, 0);
	ctfmake_float(m, "double", 8, 2);
	e = ctfmake_type(m, "e", CTFMAKE_ENUM, 2, 4);
	ctfmake_enumerator(m, "E", 5);
	ctfmake_enumerator(m, "F", -1);
	if (m->version == CTFMAKE_GNU)
		slice = ctfmake_slice(m, i32, 0, 5, 1);
	s = ctfmake_type(m, "a", CTFMAKE_STRUCT, 4, 24);
	ctfmake_member(m, "a", arr, 0);
	ctfmake_member(m, "b", slice, 128);
	ctfmake_member(m, "", e, 133);
	ctfmake_member(m, "c", i32, 160);
	ctfmake_type(m, "big", CTFMAKE_UNION, 1, 0x900000000);
	ctfmake_member(m, "x", s, 0x100000000);
	ctfmake_type(m, "later", CTFMAKE_FORWARD, 0, 0);
	ctfmake_type(m, "t", CTFMAKE_TYPEDEF, 0, s);
	ctfmake_type(m, "", CTFMAKE_POINTER, 0, s);
	ctfmake_type(m, "", CTFMAKE_CONST, 0, s);
	ctfmake_function(m, i32, args, 1);
	ctfmake_object(m, s);
	ctfmake_object(m, i32);
}

static void seeds_ctf(void)
{
	static const enum ctfmake_version versions[] = { CTFMAKE_2, CTFMAKE_3, CTFMAKE_GNU };
	unsigned nr = 0;

	for (unsigned v = 0; v < 3; v++) {
		for (unsigned flags = 0; flags < 2; flags++) {
			struct ctfmake parent, child;
			struct bytes b = { 0 };
			uint8_t *whole, *behind;
			size_t n, m;

			ctfmake_init(&parent, versions[v]);
			seeds_ctf_types(&parent);
			ctfmake_init(&child, versions[v]);
			ctfmake_child(&child, "kernel");
			seeds_ctf_types(&child);
			parent.flags = child.flags = (uint8_t)flags;
			whole = v == 2 && !flags ? ctfmake_archive(&parent, 1, &n) : ctfmake_take(&parent, &n);
			behind = ctfmake_take(&child, &m);
			bytes_uint(&b, m, 2);
			bytes_put(&b, whole, n);
			bytes_put(&b, behind, m);
			seeds_write("ctf", nr++, &b);
			free(whole);
			free(behind);
			free(b.p);
			ctfmake_fini(&parent);
			ctfmake_fini(&child);
		}
	}
}

#define FBSD_VA UINT64_C(0xffffffff81000000) /* fuzz_freebsd.c's */
#define FBSD_SEED 0x5000

static void fbsd_put(uint8_t *m, uint32_t at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		m[at + i] = (uint8_t)(value >> 8 * i);
}

static void fbsd_addr(uint8_t *m, uint32_t at, uint32_t to)
{
	fbsd_put(m, at, FBSD_VA + to, 8);
}

/* A thread of the process at @proc, named by the pointer at @slot. */
static void fbsd_seed_thread(uint8_t *m, uint32_t td, uint32_t proc, uint32_t slot, unsigned tid)
{
	fbsd_addr(m, slot, td);
	fbsd_addr(m, td + TD_PLIST + 8, slot);
	fbsd_addr(m, td + TD_PROC, proc);
	fbsd_put(m, td + TD_TID, tid, 4);
	fbsd_put(m, td + TD_ONCPU, UINT32_MAX, 4);
	fbsd_put(m, td + TD_STATE, 1, 4);
	fbsd_put(m, td + TD_INHIBITORS, 2, 4);
	fbsd_addr(m, td + TD_WMESG, 0x240);
	fbsd_put(m, td + TD_WCHAN, 1, 8);
	fbsd_addr(m, td + TD_KSTACK, 0x3000);
	fbsd_put(m, td + TD_KSTACK_PAGES, 1, 4);
	fbsd_addr(m, td + TD_PCB, 0x3f80);
	fbsd_addr(m, td + TD_FRAME, 0x3f00);
	memcpy(m + td + TD_NAME, "thread", 6);
}

/* A process of two threads and one of one, a stack that leads through a trap frame, the symbols of fuzz_freebsd.c. */
static void seeds_freebsd(unsigned nr, bool constants)
{
	static const struct {
		uint32_t at, value;
	} offsets[] = { { 0x500, P_PID },     { 0x520, P_COMM },   { 0x540, P_LIST },  { 0x560, P_HASH },
			{ 0x580, P_THREADS }, { 0x5a0, TD_TID },   { 0x5c0, TD_NAME }, { 0x5e0, TD_ONCPU },
			{ 0x600, TD_PCB },    { 0x620, TD_PLIST }, { 0x640, PCB_SIZE } };
	uint8_t *m = calloc(1, FBSD_SEED);
	struct bytes b = { .p = m, .n = FBSD_SEED };

	if (!m)
		abort();
	fbsd_put(m, 0, constants ? 0x81 : 1, 4); // mp_maxid, and whether there are types
	fbsd_addr(m, 0x20, 0x2000);
	fbsd_addr(m, 0x60, 0x2800);
	fbsd_put(m, 0x80, 1, 8);
	fbsd_put(m, 0xa0, 100003, 4);
	fbsd_put(m, 0xc0, 2, 8);
	fbsd_put(m, 0xe0, 3, 8);
	fbsd_addr(m, 0x140, 0x2900);
	fbsd_addr(m, 0x160, 0x240);
	fbsd_addr(m, 0x1e0, 0x2a00);
	memcpy(m + 0x240, "FreeBSD 12.1", 12);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		fbsd_put(m, offsets[i].at, offsets[i].value, 4);
	memset(m + 0x1000, 0x90, 0x1000);
	for (uint32_t at = 0x1000; at < 0x2000; at += 64)
		m[at + 27] = 0xe8;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t proc = 0x2000 + 0x100 * i, slot = i ? 0x2000 + P_LIST : 0x20;

		fbsd_addr(m, slot, proc);
		fbsd_addr(m, proc + P_LIST + 8, slot);
		fbsd_addr(m, 0x2800 + 8 * i, proc);
		fbsd_addr(m, proc + P_HASH + 8, 0x2800 + 8 * i);
		fbsd_put(m, proc + P_PID, 7 - i, 4);
		fbsd_put(m, proc + P_STATE, 1, 4);
		fbsd_addr(m, proc + P_PPTR, 0x2100);
		fbsd_addr(m, proc + P_VMSPACE, 0x2880);
		fbsd_seed_thread(m, 0x2200 + 0x100 * i, proc, proc + P_THREADS, 100001 + 2 * i);
	}
	fbsd_seed_thread(m, 0x2400, 0x2000, 0x2200 + TD_PLIST, 100002);
	fbsd_addr(m, 0x2900, 0x2b00);
	fbsd_put(m, 0x2908, 0x063062, 4);
	fbsd_put(m, 0x290c, 256, 4);
	fbsd_put(m, 0x2910, 40, 4);
	memcpy(m + 0x2b00, "<6>one\ntwo\n", 11);
	// asleep in a function called by one that an exception's entry called
	fbsd_addr(m, 0x3f80 + PCB_RIP, 0x1320);
	fbsd_addr(m, 0x3f80 + PCB_RSP, 0x3100);
	fbsd_addr(m, 0x3f80 + PCB_RBP, 0x3200);
	fbsd_addr(m, 0x3200, 0x3ef0);
	fbsd_addr(m, 0x3208, 0x1360);
	fbsd_addr(m, 0x3ef8, 0x1120);
	fbsd_put(m, 0x3f00 + TF_RIP, 0x400000, 8);
	fbsd_put(m, 0x3f00 + TF_CS, 0x43, 8);
	fbsd_put(m, 0x3f00 + TF_RSP, 0x7fff0000, 8);
	seeds_write("freebsd", nr, &b);
	free(m);
}

/* A list of the kernel and one module with two symbols, as fuzz_freebsd_klds.c looks for it. */
static void seeds_klds(void)
{
	enum { NEXT = 24, NAME = 40, PATH = 48, ADDRESS = 64, KERNEL = 0x200, MODULE = 0x400, SYMS = 0x800 };
	static const char names[] = "\0first\0second";
	uint8_t *m = calloc(1, FBSD_SEED);
	struct bytes b = { .p = m, .n = 0x2000 };

	if (!m)
		abort();
	fbsd_addr(m, 0x20, KERNEL);
	fbsd_put(m, 0x40, NEXT, 4);
	fbsd_put(m, 0x60, NAME, 4);
	fbsd_put(m, 0x80, PATH, 4);
	fbsd_put(m, 0xa0, ADDRESS, 4);
	fbsd_addr(m, KERNEL + NEXT, MODULE);
	fbsd_addr(m, KERNEL + NAME, 0x100);
	fbsd_addr(m, KERNEL + ADDRESS, 0);
	fbsd_put(m, KERNEL + ADDRESS + 8, 0x1000, 8);
	memcpy(m + 0x100, "kernel", 7);
	memcpy(m + 0x108, "a.ko", 5);
	memcpy(m + 0x110, ".text", 6);
	fbsd_addr(m, MODULE + NAME, 0x108);
	fbsd_addr(m, MODULE + PATH, 0x108);
	fbsd_addr(m, MODULE + ADDRESS, 0x1000);
	fbsd_put(m, MODULE + ADDRESS + 8, 0x800, 8);
	fbsd_addr(m, MODULE + 0x80, 0xc00); // progtab
	fbsd_put(m, MODULE + 0x88, 1, 4);
	fbsd_addr(m, 0xc00, 0x1000);
	fbsd_put(m, 0xc08, 0x400, 8);
	fbsd_addr(m, 0xc18, 0x110);
	fbsd_addr(m, MODULE + 0xa0, SYMS);
	fbsd_put(m, MODULE + 0xa8, 3, 8);
	fbsd_addr(m, MODULE + 0xb0, 0xa00);
	fbsd_put(m, MODULE + 0xb8, sizeof(names), 8);
	memcpy(m + 0xa00, names, sizeof(names));
	for (uint32_t i = 1; i < 3; i++) {
		fbsd_put(m, SYMS + 24 * i, i == 1 ? 1 : 7, 4);
		m[SYMS + 24 * i + 4] = 0x12;
		m[SYMS + 24 * i + 6] = 1;
		fbsd_addr(m, SYMS + 24 * i + 8, 0x1000 + 0x100 * i);
		fbsd_put(m, SYMS + 24 * i + 16, 0x40, 8);
	}
	seeds_write("freebsd_klds", 0, &b);
	free(m);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: mkseeds DIR\n");
		return 2;
	}
	seeds_dir = argv[1];
	if (mkdir(seeds_dir, 0777) && errno != EEXIST) {
		perror(seeds_dir);
		return 1;
	}
	seeds_kallsyms();
	seeds_btf();
	seeds_ctf();
	seeds_orc();
	seeds_cfi();
	seeds_vma();
	seeds_uelf();
	seeds_stop();
	seeds_uunwind();
	seeds_freebsd(0, false);
	seeds_freebsd(1, true);
	seeds_klds();
	return 0;
}
