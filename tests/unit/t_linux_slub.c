// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects of slab caches in a kernel made by hand: which are free, by each way
 * that kernels hide the pointers, and lists that lie.
 *
 *   page 0   two kmem_caches, kmem_cache_cpu
 *   page 1   struct page of all 16
 *   page 4   a slab of one page, of cache 0: 8 objects of 512
 *   page 6   a slab of two pages, of cache 1: 5 objects of 1536
 */
#include "linux_slub.h"

#include "btfmake.h"
#include "linux_page.h"
#include "unit.h"
#include "vmamake.h"
#include "vmem.h"

#define SL_VIRT UINT64_C(0xffff888000000000)
#define SL_PAGES 16u
#define SL_CACHE(i) (0x100u * (i))
#define SL_CPU 0x800u
#define SL_PAGE(pfn) (0x1000u + 64u * (pfn))
#define SL_SMALL 0x4000u
#define SL_LARGE 0x6000u
#define SL_RANDOM UINT64_C(0x1122334455667788)
#define SL_SLAB_BIT 9
#define SL_HEAD_BIT 16

struct slubmake {
	uint8_t memory[SL_PAGES * 4096];
	struct vmem v;
	struct kco_session s;
	struct linux_os os;
	uint64_t percpu;
	bool hardened;
};

static struct slubmake kernel;

static void put(uint64_t at, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		kernel.memory[at + i] = (uint8_t)(v >> 8 * i);
}

static void cache(unsigned i, uint32_t size, uint32_t offset)
{
	put(SL_CACHE(i), SL_VIRT + SL_CPU + 0x40 * i, 8);
	put(SL_CACHE(i) + 8, size, 4);
	put(SL_CACHE(i) + 12, size - 8, 4);
	put(SL_CACHE(i) + 16, offset, 4);
	put(SL_CACHE(i) + 24, SL_RANDOM, 8);
}

/* The free object at @at leads to that at @to (0: none), as kernels since v5.7 write it. */
static void lead(uint64_t at, uint64_t to)
{
	uint64_t next = to ? SL_VIRT + to : 0;

	put(at, kernel.hardened ? next ^ SL_RANDOM ^ __builtin_bswap64(SL_VIRT + at) : next, 8);
}

static void make(bool hardened)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.hardened = hardened;
	cache(0, 512, 256);
	cache(1, 1536, 0);
	put(SL_PAGE(4), UINT64_C(1) << SL_SLAB_BIT, 8);
	put(SL_PAGE(4) + 8, SL_VIRT + SL_CACHE(0), 8);
	put(SL_PAGE(4) + 32, SL_VIRT + SL_SMALL + 512, 8);
	// Free: 1, 5, 2.
	lead(SL_SMALL + 512 + 256, SL_SMALL + 5 * 512);
	lead(SL_SMALL + 5 * 512 + 256, SL_SMALL + 2 * 512);
	lead(SL_SMALL + 2 * 512 + 256, 0);
	put(SL_PAGE(6), UINT64_C(1) << SL_SLAB_BIT | UINT64_C(1) << SL_HEAD_BIT, 8);
	put(SL_PAGE(6) + 8, SL_VIRT + SL_CACHE(1), 8);
	put(SL_PAGE(7) + 8, (SL_VIRT + SL_PAGE(6)) | 1, 8);
	put(SL_PAGE(7) + 24, 1, 1); // the order
	// The CPU has 4 and 0.
	put(SL_CPU + 0x40, SL_VIRT + SL_LARGE + 4 * 1536, 8);
	lead(SL_LARGE + 4 * 1536, SL_LARGE);
	lead(SL_LARGE, 0);
}

static struct kco_types *types(void)
{
	struct kco_types *types = NULL;
	struct btfmake m;
	uint32_t u32, u64;
	uint8_t *data;
	size_t n;

	btfmake_init(&m, NULL);
	u64 = btfmake_int(&m, "unsigned long", 8, 0, 64);
	u32 = btfmake_int(&m, "unsigned int", 4, 0, 32);
	VMAMAKE_STRUCT(&m, "kmem_cache", 64, { "cpu_slab", 0, u64 }, { "size", 8, u32 }, { "object_size", 12, u32 },
		       { "offset", 16, u32 }, { kernel.hardened ? "random" : "unused", 24, u64 });
	VMAMAKE_STRUCT(&m, "kmem_cache_cpu", 16, { "freelist", 0, u64 });
	VMAMAKE_STRUCT(&m, "slab", 64, { "freelist", 32, u64 });
	data = btfmake_take(&m, &n);
	btfmake_fini(&m);
	assert_int_equal(kco_btf_new_take(data, n, NULL, 8, &types, NULL), KCO_OK);
	return types;
}

struct seen {
	char text[64]; /* a letter for each object: f free, u in use */
	size_t n;
	uint64_t last;
};

static enum kco_status see(void *arg, const struct linux_slub_object *obj)
{
	struct seen *seen = arg;

	assert_true(obj->va > seen->last && seen->n + 1 < sizeof(seen->text));
	assert_true(obj->va >= SL_VIRT + SL_SMALL && obj->va + obj->size <= SL_VIRT + SL_LARGE + 2 * 4096);
	seen->last = obj->va;
	seen->text[seen->n++] = obj->free ? 'f' : 'u';
	return KCO_OK;
}

static enum kco_status next_run(void *arg, uint64_t addr, bool whole, struct kco_write_run *ret, struct kco_err *err)
{
	(void)arg;
	(void)whole;
	(void)err;
	*ret = (struct kco_write_run){ addr, sizeof(kernel.memory) - 1 };
	return addr < sizeof(kernel.memory) ? KCO_OK : KCO_DONE;
}

/* What the walk tells of the kernel as it is; @torn lists must break off. */
static void expect(const char *want, uint64_t torn)
{
	struct linux_memmap map = { .s = &kernel.s,
				    .vmemmap = SL_VIRT + 0x1000,
				    .size = 64,
				    .mapping = 24,
				    .private = 40,
				    .compound_head = 8,
				    .mapcount = 48,
				    .refcount = 52,
				    .slab_cache = 8,
				    .slab = SL_SLAB_BIT,
				    .head_mask = INT64_C(1) << SL_HEAD_BIT,
				    .lru = LINUX_MEMMAP_NONE,
				    .buddy = LINUX_MEMMAP_NONE,
				    .slab_type = LINUX_MEMMAP_NONE,
				    .hugetlb_type = LINUX_MEMMAP_NONE,
				    .dtor_hugetlb = LINUX_MEMMAP_NONE,
				    .order = { .offset = 64 + 24, .size = 1 } };
	struct kco_write_source src = { .next = next_run };
	struct kco_addrset caches = { 0 };
	struct seen seen = { 0 };
	struct linux_slub_walk walk = {
		.map = &map, .direct = SL_VIRT, .src = &src, .caches = &caches, .fn = see, .arg = &seen
	};
	struct kco_err err = KCO_ERR_INIT;

	vmem_add(&kernel.v, SL_VIRT, kernel.memory, sizeof(kernel.memory));
	kernel.v.phys = SL_VIRT;
	assert_true(vmem_open(&kernel.v));
	kernel.s.image = kernel.v.image;
	kernel.s.mem = kernel.v.mem;
	kernel.s.arch = kernel.v.space.arch;
	kernel.s.kernel = kernel.v.space;
	kernel.s.opts.jobs = 1;
	kco_arena_init(&kernel.s.arena);
	kernel.s.types = types();
	kernel.s.os_priv = &kernel.os;
	kernel.os.lazy_cpus.tried = true;
	kernel.os.percpu_offset = &kernel.percpu;
	kernel.os.nr_cpus = 1;
	assert_int_equal(kco_addrset_add(&caches, SL_VIRT + SL_CACHE(0)), KCO_OK);
	assert_int_equal(kco_addrset_add(&caches, SL_VIRT + SL_CACHE(1)), KCO_OK);
	if (linux_slub_each(&walk, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(seen.text, want);
	assert_int_equal(walk.torn, torn);
	kco_addrset_fini(&caches);
	kco_types_free(kernel.s.types);
	kco_arena_fini(&kernel.s.arena);
	vmem_close(&kernel.v);
}

static void test_slub__free_objects_are_told_by_each_way_that_pointers_are_kept(void **state)
{
	(void)state;
	make(false);
	expect("uffuufuufuuuf", 0);
	make(true);
	expect("uffuufuufuuuf", 0);
	// Before v5.7 bytes were not swapped.
	make(true);
	put(SL_SMALL + 512 + 256, (SL_VIRT + SL_SMALL + 3 * 512) ^ SL_RANDOM ^ (SL_VIRT + SL_SMALL + 512 + 256), 8);
	put(SL_SMALL + 3 * 512 + 256, SL_RANDOM ^ (SL_VIRT + SL_SMALL + 3 * 512 + 256), 8);
	expect("ufufuuuufuuuf", 0);
}

static void test_slub__lists_that_lie_end_and_are_told(void **state)
{
	static const uint64_t nowhere[] = { 0x20000, SL_SMALL + 100, SL_LARGE, 0x3e00 };

	(void)state;
	// In a circle: what is on it is free.
	make(false);
	lead(SL_SMALL + 2 * 512 + 256, SL_SMALL + 512);
	expect("uffuufuufuuuf", 1);
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		make(i & 1);
		lead(SL_SMALL + 5 * 512 + 256, nowhere[i]);
		expect("ufuuufuufuuuf", 1);
	}
	// The first pointer itself.
	make(true);
	put(SL_PAGE(4) + 32, SL_VIRT + SL_SMALL + 4, 8);
	expect("uuuuuuuufuuuf", 1);
	// A CPU's, which lies in no slab of the cache, is nobody's.
	make(true);
	put(SL_CPU + 0x40, 0x1234, 8);
	expect("uffuufuuuuuuu", 0);
}

static void test_slub__caches_whose_numbers_make_no_sense_have_no_objects(void **state)
{
	static const struct {
		unsigned at;
		uint32_t v;
	} bad[] = { { 8, 0 }, { 8, 4 }, { 8, UINT32_MAX }, { 12, 513 }, { 16, 505 }, { 16, UINT32_MAX } };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		make(false);
		put(SL_CACHE(0) + bad[i].at, bad[i].v, 4);
		expect("fuuuf", 0);
	}
	// A tail that names no head, or another tail.
	make(false);
	put(SL_PAGE(5) + 8, (SL_VIRT + SL_PAGE(9)) | 1, 8);
	put(SL_PAGE(8) + 8, (SL_VIRT + SL_PAGE(7)) | 1, 8);
	put(SL_PAGE(9) + 8, UINT64_MAX, 8);
	expect("uffuufuufuuuf", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slub__free_objects_are_told_by_each_way_that_pointers_are_kept),
		cmocka_unit_test(test_slub__lists_that_lie_end_and_are_told),
		cmocka_unit_test(test_slub__caches_whose_numbers_make_no_sense_have_no_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
