// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel in 32 pages for tests and fuzzers of compressed swap: a zram device
 * with a page of each kind, and a zswap tree with a page in each allocator.
 *
 *   page 0   block_device, gendisk, zram, strings, zswap's
 *   page 1   zs_pool, classes, zspages, handles
 *   page 2   struct page of all 32
 *   page 3   the table
 *   page 4   zswap's tree and entries, z3fold's slots
 *   from 8   pages of zsmalloc: four of one zspage, one of a huge one
 *   13, 14   a page of zbud and one of z3fold
 *   from 15  for tests of their own: swap areas, page tables
 */
#ifndef KCO_UNIT_ZRAMMAKE_H
#define KCO_UNIT_ZRAMMAKE_H

#include <lz4.h>

#include "linux_page.h"
#include "linux_zpool.h"
#include "vmamake.h"

#define ZM_VIRT UINT64_C(0xffff888000000000)
#define ZM_PAGES 32
#define ZM_MEMORY (ZM_PAGES * 4096)
#define ZM_CLASS_SIZE 3264u /* five objects in four pages */

enum {
	ZM_BDEV = 0x000,
	ZM_DISK = 0x100,
	ZM_ZRAM = 0x200,
	ZM_TREES = 0x400, /* zswap_trees */
	ZM_TREE = 0x500,
	ZM_ZSWAP_POOL = 0x600, /* zbud's, z3fold's: + 0x100 */
	ZM_ZPOOL = 0x800,      /* + 0x40 */
	ZM_DRIVER = 0x900,     /* + 0x20 */
	ZM_TEXT = 0xa00,
	ZM_ZS_POOL = 0x1000,
	ZM_CLASS = 0x1100,  /* + 0x20 */
	ZM_ZSPAGE = 0x1200, /* + 0x40 */
	ZM_HANDLE = 0x1400,
	ZM_VMEMMAP = 0x2000,
	ZM_TABLE = 0x3000,
	ZM_ENTRY = 0x4000, /* + 0x80 */
	ZM_SLOTS = 0x4800,
	ZM_CHAIN = 0x8000,
	ZM_HUGE = 0xc000,
	ZM_ZBUD = 0xd000,
	ZM_Z3FOLD = 0xe000,
	ZM_FREE = 0xf000,
};

/* Pages of the device. */
enum { ZM_LZ4, ZM_SAME, ZM_PLAIN, ZM_WB, ZM_EMPTY, ZM_ACROSS, ZM_NR_PAGES };

struct zrammake {
	uint8_t memory[ZM_MEMORY];
	uint8_t page[4096]; /* what was compressed */
	size_t packed;	    /* to so many bytes */
	struct vmem v;
	struct kco_session s;
};

static inline enum kco_status zrammake_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
					       struct kco_err *err)
{
	(void)src;
	if (strcmp(name, "zswap_trees"))
		return kco_fail(err, KCO_E_NOSYM, "no symbol %s", name);
	*ret = (struct kco_symbol){ .addr = ZM_VIRT + ZM_TREES, .name = "zswap_trees", .type = 'b' };
	return KCO_OK;
}

static const struct kco_symbol_source_ops zrammake_source_ops = {
	.name = "test",
	.by_name = zrammake_by_name,
	.by_addr = vmamake_by_addr,
	.free = vmamake_source_free,
};
static struct kco_symbol_source zrammake_source = { .ops = &zrammake_source_ops, .last = UINT64_MAX };

static inline void zrammake_put(struct zrammake *m, uint64_t at, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		m->memory[at + i] = (uint8_t)(v >> 8 * i);
}

static inline void zrammake_zsmalloc_types(struct btfmake *m, uint32_t u32, uint32_t u64, uint32_t counter)
{
	uint32_t classes = btfmake_array(m, u64, 4);

	btfmake_type(m, "zspage", 4, 1, 5, 40);
	btfmake_member(m, "huge", u32, 0, 1);
	btfmake_member(m, "class", u32, 3, 9);
	btfmake_member(m, "magic", u32, 15, 8);
	btfmake_member(m, "first_page", u64, 64, 0);
	btfmake_member(m, "pool", u64, 128, 0);
	VMAMAKE_STRUCT(m, "size_class", 12, { "size", 0, u32 }, { "objs_per_zspage", 4, u32 },
		       { "pages_per_zspage", 8, u32 });
	VMAMAKE_STRUCT(m, "zs_pool", 40, { "size_class", 0, classes }, { "pages_allocated", 32, counter });
	VMAMAKE_STRUCT(m, "page", 64, { "index", 32, u64 }, { "private", 40, u64 });
}

static inline void zrammake_zram_types(struct btfmake *m, uint32_t u8, uint32_t u32, uint32_t u64, uint32_t counter)
{
	uint32_t name = btfmake_array(m, u8, 32);
	uint32_t stats =
		VMAMAKE_STRUCT(m, "zram_stats", 32, { "compr_data_size", 0, counter }, { "same_pages", 8, counter },
			       { "huge_pages", 16, counter }, { "pages_stored", 24, counter });

	VMAMAKE_STRUCT(m, "block_device", 16, { "bd_disk", 0, u64 }, { "bd_start_sect", 8, u64 });
	VMAMAKE_STRUCT(m, "gendisk", 40, { "disk_name", 0, name }, { "private_data", 32, u64 });
	VMAMAKE_STRUCT(m, "zram", 96, { "table", 0, u64 }, { "mem_pool", 8, u64 }, { "disk", 16, u64 },
		       { "disksize", 24, u64 }, { "compressor", 32, name }, { "stats", 64, stats });
	VMAMAKE_STRUCT(m, "zram_table_entry", 16, { "handle", 0, u64 }, { "flags", 8, u32 });
	btfmake_type(m, "zram_pageflags", 6, 0, 3, 4);
	btfmake_enumerator(m, "ZRAM_LOCK", 13);
	btfmake_enumerator(m, "ZRAM_SAME", 14);
	btfmake_enumerator(m, "ZRAM_WB", 15);
}

static inline void zrammake_swap_types(struct btfmake *m, uint32_t u64, uint32_t node, uint32_t root)
{
	VMAMAKE_STRUCT(m, "swap_info_struct", 48, { "flags", 0, u64 }, { "max", 8, u64 }, { "bdev", 16, u64 },
		       { "swap_file", 24, u64 }, { "zeromap", 32, u64 }, { "swap_extent_root", 40, root });
	VMAMAKE_STRUCT(m, "swap_extent", 48, { "rb_node", 0, node }, { "start_page", 24, u64 }, { "nr_pages", 32, u64 },
		       { "start_block", 40, u64 });
	VMAMAKE_STRUCT(m, "address_space", 16, { "i_pages", 0, u64 });
	btfmake_type(m, "pageflags", 6, 0, 1, 4);
	btfmake_enumerator(m, "PG_anon_exclusive", 17);
}

static inline void zrammake_zswap_types(struct btfmake *m, uint32_t u8, uint32_t u32, uint32_t u64)
{
	uint32_t name = btfmake_array(m, u8, 32);
	uint32_t node = VMAMAKE_STRUCT(m, "rb_node", 24, { "rb_right", 8, u64 }, { "rb_left", 16, u64 });
	uint32_t root = VMAMAKE_STRUCT(m, "rb_root", 8, { "rb_node", 0, u64 });
	uint32_t u16 = btfmake_int(m, "short", 2, 0, 16);

	zrammake_swap_types(m, u64, node, root);
	VMAMAKE_STRUCT(m, "zswap_tree", 16, { "rbroot", 0, root });
	VMAMAKE_STRUCT(m, "zswap_entry", 64, { "rbnode", 0, node }, { "offset", 24, u64 }, { "length", 32, u32 },
		       { "pool", 40, u64 }, { "handle", 48, u64 }, { "value", 48, u64 });
	VMAMAKE_STRUCT(m, "zswap_pool", 40, { "zpool", 0, u64 }, { "tfm_name", 8, name });
	VMAMAKE_STRUCT(m, "zpool", 24, { "driver", 0, u64 }, { "pool", 8, u64 }, { "evictable", 16, u8 });
	VMAMAKE_STRUCT(m, "zpool_driver", 8, { "type", 0, u64 });
	VMAMAKE_STRUCT(m, "zbud_header", 8, { "first_chunks", 0, u32 }, { "last_chunks", 4, u32 });
	VMAMAKE_STRUCT(m, "z3fold_header", 80, { "first_chunks", 0, u16 }, { "middle_chunks", 2, u16 },
		       { "last_chunks", 4, u16 }, { "start_middle", 6, u16 }, { "first_num", 8, u16 });
}

static inline struct kco_types *zrammake_types(void)
{
	struct kco_types *types = NULL;
	struct btfmake m;
	uint32_t u8, u32, u64, counter;
	uint8_t *data;
	size_t n;

	btfmake_init(&m, NULL);
	u64 = btfmake_int(&m, "unsigned long", 8, 0, 64);
	u32 = btfmake_int(&m, "unsigned int", 4, 0, 32);
	u8 = btfmake_int(&m, "char", 1, 0, 8);
	counter = VMAMAKE_STRUCT(&m, "", 8, { "counter", 0, u64 });
	zrammake_zsmalloc_types(&m, u32, u64, counter);
	zrammake_zram_types(&m, u8, u32, u64, counter);
	zrammake_zswap_types(&m, u8, u32, u64);
	data = btfmake_take(&m, &n);
	btfmake_fini(&m);
	return kco_btf_new_take(data, n, NULL, 8, &types, NULL) ? NULL : types;
}

/* Object @index of zspage 0, whose handle is number @index; @bytes of it. */
static inline void zrammake_object(struct zrammake *m, unsigned index, const uint8_t *bytes, size_t n)
{
	uint64_t handle = ZM_VIRT + ZM_HANDLE + 8 * index, at = ZM_CHAIN + (uint64_t)index * ZM_CLASS_SIZE;

	zrammake_put(m, ZM_HANDLE + 8 * index, (at / 4096) << 24 | index << 1, 8);
	zrammake_put(m, at, handle | 1, 8);
	memcpy(m->memory + at + 8, bytes, n);
}

static inline void zrammake_zspage(struct zrammake *m, unsigned i, unsigned page, unsigned pages, bool huge)
{
	zrammake_put(m, ZM_ZS_POOL + 8 * i, ZM_VIRT + ZM_CLASS + 0x20 * i, 8);
	zrammake_put(m, ZM_CLASS + 0x20 * i, huge ? 4096 : ZM_CLASS_SIZE, 4);
	zrammake_put(m, ZM_CLASS + 0x20 * i + 4, huge ? 1 : 5, 4);
	zrammake_put(m, ZM_CLASS + 0x20 * i + 8, pages, 4);
	zrammake_put(m, ZM_ZSPAGE + 0x40 * i, (uint64_t)huge | i << 3 | 0x58 << 15, 4);
	zrammake_put(m, ZM_ZSPAGE + 0x40 * i + 8, ZM_VIRT + ZM_VMEMMAP + 64 * page, 8);
	zrammake_put(m, ZM_ZSPAGE + 0x40 * i + 16, ZM_VIRT + ZM_ZS_POOL, 8);
	for (unsigned k = 0; k < pages; k++) {
		zrammake_put(m, ZM_VMEMMAP + 64 * (page + k) + 40, ZM_VIRT + ZM_ZSPAGE + 0x40 * i, 8);
		zrammake_put(m, ZM_VMEMMAP + 64 * (page + k) + 32,
			     k + 1 < pages ? ZM_VIRT + ZM_VMEMMAP + 64 * (page + k + 1) : 0, 8);
	}
}

static inline void zrammake_zram(struct zrammake *m, const uint8_t *packed)
{
	const struct {
		uint64_t handle;
		uint32_t flags;
	} table[ZM_NR_PAGES] = {
		[ZM_LZ4] = { ZM_VIRT + ZM_HANDLE, (uint32_t)m->packed },
		[ZM_SAME] = { UINT64_C(0x1122334455667788), 1u << 14 },
		[ZM_PLAIN] = { ZM_VIRT + ZM_HANDLE + 0x100, 4096 },
		[ZM_WB] = { 5, 1u << 15 },
		[ZM_ACROSS] = { ZM_VIRT + ZM_HANDLE + 8, (uint32_t)m->packed },
	};

	zrammake_put(m, ZM_BDEV, ZM_VIRT + ZM_DISK, 8);
	memcpy(m->memory + ZM_DISK, "zram0", 6);
	zrammake_put(m, ZM_DISK + 32, ZM_VIRT + ZM_ZRAM, 8);
	zrammake_put(m, ZM_ZRAM, ZM_VIRT + ZM_TABLE, 8);
	zrammake_put(m, ZM_ZRAM + 8, ZM_VIRT + ZM_ZS_POOL, 8);
	zrammake_put(m, ZM_ZRAM + 16, ZM_VIRT + ZM_DISK, 8);
	zrammake_put(m, ZM_ZRAM + 24, ZM_NR_PAGES * 4096, 8);
	memcpy(m->memory + ZM_ZRAM + 32, "lz4", 4);
	for (unsigned i = 0; i < ZM_NR_PAGES; i++) {
		zrammake_put(m, ZM_TABLE + 16 * i, table[i].handle, 8);
		zrammake_put(m, ZM_TABLE + 16 * i + 8, table[i].flags, 4);
	}
	zrammake_zspage(m, 0, ZM_CHAIN / 4096, 4, false);
	zrammake_zspage(m, 1, ZM_HUGE / 4096, 1, true);
	zrammake_object(m, 0, packed, m->packed);
	zrammake_object(m, 1, packed, m->packed);
	zrammake_put(m, ZM_HANDLE + 0x100, (uint64_t)ZM_HUGE / 4096 << 24, 8);
	zrammake_put(m, ZM_VMEMMAP + ZM_HUGE / 64 + 32, (ZM_VIRT + ZM_HANDLE + 0x100) | 1, 8);
	memcpy(m->memory + ZM_HUGE, m->page, 4096);
}

/* Entry @i of the tree, for page 10 + i; number 1 is the root. */
static inline void zrammake_entry(struct zrammake *m, unsigned i, uint64_t length, unsigned pool, uint64_t handle)
{
	uint64_t at = ZM_ENTRY + 0x80 * i;

	zrammake_put(m, at + 24, 10 + i, 8);
	zrammake_put(m, at + 32, length, 4);
	zrammake_put(m, at + 40, ZM_VIRT + ZM_ZSWAP_POOL + 0x100 * pool, 8);
	zrammake_put(m, at + 48, handle, 8);
}

static inline void zrammake_zswap(struct zrammake *m, const uint8_t *packed)
{
	static const char *const kinds[] = { "zbud", "z3fold" };

	zrammake_put(m, ZM_TREES, ZM_VIRT + ZM_TREE, 8);
	zrammake_put(m, ZM_TREE, ZM_VIRT + ZM_ENTRY + 0x80, 8);
	zrammake_put(m, ZM_ENTRY + 0x80 + 8, ZM_VIRT + ZM_ENTRY + 0x100, 8);
	zrammake_put(m, ZM_ENTRY + 0x80 + 16, ZM_VIRT + ZM_ENTRY, 8);
	for (unsigned i = 0; i < 2; i++) {
		zrammake_put(m, ZM_ZSWAP_POOL + 0x100 * i, ZM_VIRT + ZM_ZPOOL + 0x40 * i, 8);
		memcpy(m->memory + ZM_ZSWAP_POOL + 0x100 * i + 8, "lz4", 4);
		zrammake_put(m, ZM_ZPOOL + 0x40 * i, ZM_VIRT + ZM_DRIVER + 0x20 * i, 8);
		zrammake_put(m, ZM_ZPOOL + 0x40 * i + 16, 1, 1);
		zrammake_put(m, ZM_DRIVER + 0x20 * i, ZM_VIRT + ZM_TEXT + 16 * i, 8);
		memcpy(m->memory + ZM_TEXT + 16 * i, kinds[i], strlen(kinds[i]) + 1);
	}
	// 3000 bytes are 47 chunks of 64. Each object begins with its swap entry: type 0.
	zrammake_entry(m, 0, m->packed, 0, ZM_VIRT + ZM_ZBUD + 64);
	zrammake_put(m, ZM_ZBUD, 50, 4);
	zrammake_put(m, ZM_ZBUD + 64, 10, 8);
	memcpy(m->memory + ZM_ZBUD + 72, packed, m->packed);
	zrammake_entry(m, 1, m->packed, 1, ZM_VIRT + ZM_SLOTS);
	zrammake_put(m, ZM_SLOTS, (ZM_VIRT + ZM_Z3FOLD) | 3 | 50 << 2, 8);
	zrammake_put(m, ZM_Z3FOLD + 4, 50, 2);
	zrammake_put(m, ZM_Z3FOLD + 4096 - 50 * 64, 11, 8);
	memcpy(m->memory + ZM_Z3FOLD + 4096 - 50 * 64 + 8, packed, m->packed);
	zrammake_entry(m, 2, 0, 0, UINT64_C(0x4142434445464748));
}

/** The kernel, all of it sound; what a test breaks is broken before zrammake_open(). */
static inline void zrammake_init(struct zrammake *m)
{
	uint8_t packed[8192];
	uint64_t seed = 7;

	memset(m, 0, sizeof(*m));
	for (size_t i = 0; i < 4096; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		m->page[i] = i < 2900 ? (uint8_t)(seed >> 33) : (uint8_t)i / 64;
	}
	m->packed = (size_t)LZ4_compress_default((const char *)m->page, (char *)packed, 4096, sizeof(packed));
	if (m->packed > 3100)
		abort();
	zrammake_zram(m, packed);
	zrammake_zswap(m, packed);
}

static inline bool zrammake_open(struct zrammake *m)
{
	struct linux_os *os = calloc(1, sizeof(*os));
	struct linux_pages *pages = calloc(1, sizeof(*pages));

	if (!os || !pages)
		abort();
	vmem_add(&m->v, ZM_VIRT, m->memory, ZM_MEMORY);
	m->v.phys = ZM_VIRT;
	if (!vmem_open(&m->v))
		return false;
	m->s.image = m->v.image;
	m->s.mem = m->v.mem;
	m->s.arch = m->v.space.arch;
	m->s.kernel = m->v.space;
	kco_arena_init(&m->s.arena);
	m->s.types = zrammake_types();
	m->s.symbols = kco_symbols_new();
	if (!m->s.types || !m->s.symbols)
		return false;
	kco_symbols_add_take(m->s.symbols, &zrammake_source);
	m->s.lazy_modules.tried = true; // there are none
	pages->lazy.tried = pages->zero_tried = true;
	pages->vmemmap = ZM_VIRT + ZM_VMEMMAP;
	pages->struct_page = 64;
	os->pages = pages;
	m->s.os_priv = os;
	return true;
}

static inline void zrammake_close(struct zrammake *m)
{
	linux_zpools_fini(&m->s);
	linux_pages_fini(&m->s);
	free(m->s.os_priv);
	kco_symbols_free(m->s.symbols);
	kco_types_free(m->s.types);
	kco_arena_fini(&m->s.arena);
	vmem_close(&m->v);
}

#endif
