// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ELF images of processes: mapped and as files, both word sizes, symbols by
 * address and name, and headers that lie.
 */
#include "uelf.h"

#include <stdlib.h>
#include <string.h>

#include <lzma.h>

#include "uelfmake.h"
#include "unit.h"
#include "usymtab.h"

#define BASE UINT64_C(0x56550000)
#define FUNC(bind) ELF64_ST_INFO(bind, STT_FUNC)
#define OBJECT(bind) ELF64_ST_INFO(bind, STT_OBJECT)

static const struct uelfmake_sym usual[] = {
	{ "_outer", 0x1100, 0x100, FUNC(STB_GLOBAL), UELFMAKE_SHNDX },
	{ "outer", 0x1100, 0x100, FUNC(STB_GLOBAL), UELFMAKE_SHNDX },
	{ "alias", 0x1100, 0x100, FUNC(STB_WEAK), UELFMAKE_SHNDX },
	{ "inner", 0x1140, 0x10, FUNC(STB_LOCAL), UELFMAKE_SHNDX },
	{ "label", 0x1140, 0, STT_NOTYPE, UELFMAKE_SHNDX },
	{ "tail", 0x1300, 0, FUNC(STB_LOCAL), UELFMAKE_SHNDX },
	{ "data", 0x3010, 8, OBJECT(STB_GLOBAL), UELFMAKE_SHNDX },
	{ "bss", 0x3800, 8, OBJECT(STB_LOCAL), UELFMAKE_SHNDX },
	{ "undefined", 0x1000, 4, FUNC(STB_GLOBAL), SHN_UNDEF },
	{ "absolute", 0x1000, 4, FUNC(STB_GLOBAL), SHN_ABS },
	{ "$x", 0x1100, 0, STT_NOTYPE, UELFMAKE_SHNDX },
	{ "file.c", 0x1100, 0, STT_FILE, UELFMAKE_SHNDX },
	{ "beyond", 0x9000, 4, FUNC(STB_GLOBAL), UELFMAKE_SHNDX },
	{ "twice", 0x1400, 4, FUNC(STB_LOCAL), UELFMAKE_SHNDX },
	{ "twice", 0x1500, 4, FUNC(STB_GLOBAL), UELFMAKE_SHNDX },
	{ "version@OLD", 0x1600, 4, FUNC(STB_GLOBAL), UELFMAKE_SHNDX },
	{ "version@@NEW", 0x1700, 4, FUNC(STB_GLOBAL), UELFMAKE_SHNDX },
	{ "warning", 0x1100, 0x100, OBJECT(STB_GLOBAL), 1 }, // a section that is not loaded
};
#define USUAL (sizeof(usual) / sizeof(usual[0]))

struct image {
	struct uelfmake m;
	uint64_t bias;
	struct kco_uelf elf;
	struct kco_usymtab tab;
	struct kco_err err;
};

/* As the file lies, or (mapped) as its segments are loaded. */
static enum kco_status image_read(void *arg, uint64_t at, void *buf, size_t n, size_t *done, struct kco_err *err)
{
	struct image *image = arg;
	uint64_t off = at, size = image->m.file.n;

	*done = 0;
	if (image->elf.io.mapped) {
		off = at - image->bias - image->m.first;
		if (off >= UELFMAKE_DATA_AT && off < UELFMAKE_DATA_AT + 0x1000)
			off -= UELFMAKE_DATA_AT - UELFMAKE_DATA;
		else if (off >= UELFMAKE_DATA)
			return kco_fail(err, KCO_E_UNMAPPED, "nothing is mapped at %#llx", (unsigned long long)at);
		size = UELFMAKE_SIZE;
	}
	if (off >= size || n > size - off)
		return kco_fail(err, KCO_E_UNMAPPED, "%zu bytes at %#llx", n, (unsigned long long)at);
	memcpy(buf, image->m.file.p + off, n);
	*done = n;
	return KCO_OK;
}

static enum kco_status image_init(struct image *image, bool mapped)
{
	const struct kco_uelf_io io = { .read = image_read, .arg = image, .mapped = mapped };
	enum kco_status st;

	image->elf.io.mapped = mapped;
	st = kco_uelf_init(&image->elf, &io, mapped ? image->m.first + image->bias : 0, &image->err);
	image->elf.bias = image->bias;
	return st;
}

/* The usual image, loaded at BASE above its own addresses. */
static void image_make(struct image *image, bool elf32, bool gnu_hash, uint64_t first)
{
	struct uelfmake_sym syms[USUAL];

	*image = (struct image){ .m = { .elf32 = elf32, .gnu_hash = gnu_hash, .first = first }, .bias = BASE };
	memcpy(syms, usual, sizeof(syms));
	for (size_t i = 0; i < USUAL; i++)
		syms[i].value += first;
	uelfmake(&image->m, syms, USUAL);
}

static void image_free(struct image *image)
{
	kco_usymtab_fini(&image->tab);
	kco_uelf_fini(&image->elf);
	free(image->m.file.p);
}

static void image_put(struct image *image, uint64_t at, uint64_t v, size_t n)
{
	memcpy(image->m.file.p + at, &v, n);
}

static const char *at(struct image *image, uint64_t vaddr)
{
	const struct kco_usym *sym = kco_usymtab_by_addr(&image->tab, &image->elf, image->m.first + vaddr);

	return sym ? sym->name : "";
}

static void check_symbols(struct image *image, size_t n)
{
	const struct kco_usym *sym;

	kco_usymtab_sort(&image->tab);
	assert_int_equal(image->tab.n, n);
	assert_string_equal(at(image, 0x10ff), "");
	assert_string_equal(at(image, 0x1100), "outer"); // not _outer, not the weak one
	assert_string_equal(at(image, 0x1140), "inner"); // the narrower of two, and not the label
	assert_string_equal(at(image, 0x1150), "outer"); // behind the inner one
	assert_string_equal(at(image, 0x1200), "");
	assert_string_equal(at(image, 0x1380), "tail"); // without a size, up to the next
	assert_string_equal(at(image, 0x1404), "");
	assert_string_equal(at(image, 0x3017), "data");
	assert_string_equal(at(image, 0x3018), "");
	sym = kco_usymtab_by_name(&image->tab, "twice");
	assert_non_null(sym);
	assert_int_equal(sym->addr, image->m.first + 0x1500);
	assert_int_equal(sym->type, 'T');
	assert_int_equal(kco_usymtab_by_name(&image->tab, "version")->addr, image->m.first + 0x1700);
	assert_string_equal(at(image, 0x1600), "version");
	assert_int_equal(kco_usymtab_by_name(&image->tab, "inner")->type, 't');
	assert_int_equal(kco_usymtab_by_name(&image->tab, "alias")->type, 'W');
	assert_int_equal(kco_usymtab_by_name(&image->tab, "data")->type, 'D');
	assert_int_equal(kco_usymtab_by_name(&image->tab, "bss")->type, 'b');
	assert_null(kco_usymtab_by_name(&image->tab, "undefined"));
	assert_null(kco_usymtab_by_name(&image->tab, "beyond"));
}

static void test_uelf__mapped_images_have_dynamic_symbols(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		uint8_t id[KCO_UELF_BUILD_ID];
		uint64_t bias;
		struct image image;
		size_t n;

		image_make(&image, i & 1, i & 2, i & 4 ? 0x8000 : 0);
		if (i & 8) { // a loader that wrote its bias into PT_DYNAMIC
			free(image.m.file.p);
			image.m = (struct uelfmake){ .elf32 = i & 1, .gnu_hash = i & 2, .relocated = BASE };
			uelfmake(&image.m, usual, USUAL);
		}
		assert_int_equal(image_init(&image, true), KCO_OK);
		assert_true(kco_uelf_bias(&image.elf, image.m.first + BASE, 0, false, &bias));
		assert_int_equal(bias, BASE);
		assert_true(kco_uelf_bias(&image.elf, image.m.first + BASE + 0x3000, 0x2000, false, &bias));
		assert_int_equal(bias, BASE);
		assert_false(kco_uelf_bias(&image.elf, BASE, 0x5000, false, &bias));
		assert_int_equal(kco_uelf_build_id(&image.elf, id, &n, &image.err), KCO_OK);
		assert_int_equal(n, 20);
		assert_memory_equal(id, "abcdefghijklmnopqrst", 20);
		assert_int_equal(kco_usymtab_add_dynamic(&image.tab, &image.elf, &image.err), KCO_OK);
		check_symbols(&image, 13);
		image_free(&image);
	}
}

static void test_uelf__files_have_sections(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct image image;

		image_make(&image, i & 1, false, i & 2 ? 0x8000 : 0);
		assert_int_equal(image_init(&image, false), KCO_OK);
		assert_int_equal(kco_uelf_sections_load(&image.elf, &image.err), KCO_OK);
		assert_null(kco_uelf_section_find(&image.elf, ".nothing", 0));
		assert_int_equal(kco_usymtab_add_section(&image.tab, &image.elf, &image.elf, SHT_SYMTAB, &image.err),
				 KCO_OK);
		check_symbols(&image, 12);
		image_free(&image);
	}
}

static void test_uelf__headers_that_lie_are_refused(void **state)
{
	static const struct {
		uint64_t at, v;
		size_t n;
		enum kco_status status;
	} lies[] = {
		{ 0, 0, 1, KCO_E_BADFILE },
		{ EI_CLASS, 7, 1, KCO_E_CORRUPT },
		{ EI_DATA, 2, 1, KCO_E_UNSUPPORTED },
		{ 16, ET_CORE, 2, KCO_E_UNSUPPORTED },
		{ 32, UINT64_MAX - 8, 8, KCO_E_CORRUPT },	   // e_phoff wraps around
		{ 54, 1, 2, KCO_E_CORRUPT },			   // e_phentsize
		{ 56, 0xffff, 2, KCO_E_CORRUPT },		   // e_phnum
		{ 64 + 16, UINT64_MAX - 0xfff, 8, KCO_E_CORRUPT }, // p_vaddr + p_memsz wraps around
		{ 64 + 32, 0x1001, 8, KCO_E_CORRUPT },		   // p_filesz > p_memsz
		{ 64 + 8, UINT64_MAX, 8, KCO_E_CORRUPT },	   // p_offset + p_filesz wraps around
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct image image;

		image_make(&image, false, false, 0);
		image_put(&image, lies[i].at, lies[i].v, lies[i].n);
		assert_int_equal(image_init(&image, true), lies[i].status);
		image_free(&image);
	}
}

/* Whatever PT_DYNAMIC and the hash tables claim: an error, not a walk without end. */
static void test_uelf__dynamic_sections_that_lie_are_refused(void **state)
{
	struct image image;

	(void)state;
	image_make(&image, false, false, 0);
	image_put(&image, image.m.hash + 4, UINT32_MAX, 4); // DT_HASH: chains
	assert_int_equal(image_init(&image, true), KCO_OK);
	assert_int_equal(kco_usymtab_add_dynamic(&image.tab, &image.elf, &image.err), KCO_E_CORRUPT);
	image_put(&image, image.m.hash + 4, 100000, 4); // more than are mapped
	assert_int_equal(kco_usymtab_add_dynamic(&image.tab, &image.elf, &image.err), KCO_E_UNMAPPED);
	image_put(&image, image.m.hash + 4, USUAL + 1, 4);
	image_put(&image, UELFMAKE_DATA + 3 * 16 + 8, UINT64_MAX, 8); // DT_STRSZ
	assert_int_equal(kco_usymtab_add_dynamic(&image.tab, &image.elf, &image.err), KCO_E_CORRUPT);
	image_put(&image, UELFMAKE_DATA + 16 + 8, 0x123456789, 8); // DT_SYMTAB
	assert_int_equal(kco_usymtab_add_dynamic(&image.tab, &image.elf, &image.err), KCO_E_NOSYM);
	image_free(&image);

	image_make(&image, false, true, 0);
	assert_int_equal(image_init(&image, true), KCO_OK);
	for (size_t i = 0; i <= USUAL; i++) // DT_GNU_HASH: no chain ends before the mapping does
		image_put(&image, image.m.hash + 28 + i * 4, 2, 4);
	for (uint64_t v = image.m.dynsym; v < UELFMAKE_DATA; v += 4)
		image_put(&image, v, 2, 4);
	assert_int_equal(kco_usymtab_add_dynamic(&image.tab, &image.elf, &image.err), KCO_E_UNMAPPED);
	image_put(&image, image.m.hash, UINT32_MAX, 4); // buckets
	assert_int_equal(kco_usymtab_add_dynamic(&image.tab, &image.elf, &image.err), KCO_E_CORRUPT);
	image_free(&image);
}

static void test_uelf__notes_that_lie_have_no_build_id(void **state)
{
	static const uint64_t sizes[][2] = { { UINT32_MAX, 20 }, { 4, UINT32_MAX }, { 4, 0 }, { 4, 65 }, { 0, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t id[KCO_UELF_BUILD_ID];
		struct image image;
		size_t n;

		image_make(&image, false, false, 0);
		image_put(&image, image.m.note, sizes[i][0], 4);
		image_put(&image, image.m.note + 4, sizes[i][1], 4);
		image_put(&image, 64 + 4 * 56 + 32, UINT64_MAX, 8); // p_filesz of the note
		assert_int_equal(image_init(&image, true), KCO_OK);
		assert_int_equal(kco_uelf_build_id(&image.elf, id, &n, &image.err), KCO_E_NOSYM);
		assert_int_equal(n, 0);
		image_free(&image);
	}
}

static void test_uelf__sections_that_lie_are_refused(void **state)
{
	struct image image;
	uint64_t shoff;

	(void)state;
	image_make(&image, false, false, 0);
	memcpy(&shoff, image.m.file.p + 40, 8);
	image_put(&image, shoff + 64 + 32, UINT64_MAX, 8); // .symtab's size
	assert_int_equal(image_init(&image, false), KCO_OK);
	assert_int_equal(kco_uelf_sections_load(&image.elf, &image.err), KCO_OK);
	assert_int_equal(kco_usymtab_add_section(&image.tab, &image.elf, &image.elf, SHT_SYMTAB, NULL), KCO_E_NOMEM);
	kco_uelf_fini(&image.elf);
	image_put(&image, shoff + 64 + 32, 48, 8);
	image_put(&image, shoff + 64 + 40, UINT32_MAX, 4); // its strings
	assert_int_equal(image_init(&image, false), KCO_OK);
	assert_int_equal(kco_uelf_sections_load(&image.elf, &image.err), KCO_OK);
	assert_int_equal(kco_usymtab_add_section(&image.tab, &image.elf, &image.elf, SHT_SYMTAB, NULL), KCO_E_NOSYM);
	kco_uelf_fini(&image.elf);
	image_put(&image, 60, 0, 2); // e_shnum 0: the first header's size, which is absurd
	image_put(&image, shoff + 32, UINT64_MAX, 8);
	assert_int_equal(image_init(&image, false), KCO_OK);
	assert_int_equal(kco_uelf_sections_load(&image.elf, &image.err), KCO_E_CORRUPT);
	image_free(&image);
}

/* Names that all end in the same megabytes would cost their product. */
static void test_uelf__symbols_whose_names_overlap_are_refused(void **state)
{
	enum { SYMS = 4096, NAMES = 65536 };
	struct image image;
	uint8_t *raw = calloc(SYMS, 24);
	char *names = malloc(NAMES + 1);

	(void)state;
	image_make(&image, false, false, 0);
	assert_int_equal(image_init(&image, true), KCO_OK);
	memset(names, 'a', NAMES);
	names[NAMES] = '\0';
	for (uint32_t i = 0; i < SYMS; i++) {
		const uint64_t value = 0x1000;

		memcpy(raw + i * 24, &i, 4);
		raw[i * 24 + 4] = FUNC(STB_GLOBAL);
		raw[i * 24 + 6] = 1;
		memcpy(raw + i * 24 + 8, &value, 8);
	}
	assert_int_equal(kco_usymtab_add(&image.tab, &image.elf, NULL, raw, SYMS * 24, names, NAMES, &image.err),
			 KCO_E_CORRUPT);
	free(raw);
	image_free(&image);
}

static void test_uelf__xz_is_bounded(void **state)
{
	static uint8_t zeros[1 << 20];
	uint8_t packed[65536];
	struct kco_err err = KCO_ERR_INIT;
	size_t n = 0, size;
	void *out;

	(void)state;
	assert_int_equal(
		lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, zeros, sizeof(zeros), packed, &n, sizeof(packed)),
		LZMA_OK);
	assert_int_equal(kco_uelf_unxz_new(packed, n, sizeof(zeros) * 2, &out, &size, &err), KCO_OK);
	assert_int_equal(size, sizeof(zeros));
	assert_memory_equal(out, zeros, size);
	free(out);
	assert_int_equal(kco_uelf_unxz_new(packed, n, sizeof(zeros) / 2, &out, &size, &err), KCO_E_NOMEM);
	assert_null(out);
	assert_int_equal(kco_uelf_unxz_new(packed, n / 2, sizeof(zeros) * 2, &out, &size, &err), KCO_E_CORRUPT);
	packed[n / 2] ^= 0xff;
	assert_int_equal(kco_uelf_unxz_new(packed, n, sizeof(zeros) * 2, &out, &size, &err), KCO_E_CORRUPT);
	assert_int_equal(kco_uelf_unxz_new("", 0, 100, &out, &size, &err), KCO_E_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uelf__mapped_images_have_dynamic_symbols),
		cmocka_unit_test(test_uelf__files_have_sections),
		cmocka_unit_test(test_uelf__headers_that_lie_are_refused),
		cmocka_unit_test(test_uelf__dynamic_sections_that_lie_are_refused),
		cmocka_unit_test(test_uelf__notes_that_lie_have_no_build_id),
		cmocka_unit_test(test_uelf__sections_that_lie_are_refused),
		cmocka_unit_test(test_uelf__symbols_whose_names_overlap_are_refused),
		cmocka_unit_test(test_uelf__xz_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
