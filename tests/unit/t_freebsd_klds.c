// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols of FreeBSD's kernel modules: a module that a compiler made is put
 * into memory as the kernel's linker does, and where each of its symbols has
 * to be is what the compiler's linker says of the same object.
 */
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "debuginfo.h"
#include "elf_modfile.h"
#include "fbsdmake.h"
#include "freebsd_process.h"
#include "lines.h"
#include "unit.h"

#define MODULE FBSD_AT(0x20000) /* where sample.elf is linked */
#define KERNEL_SIZE 0x20000
#define SYMS FBSD_AT(0xa000)
#define NAMES FBSD_AT(0xc000)
#define SECTS FBSD_AT(0xd000)
#define KLD(i) FBSD_AT(0x6000 + 0x400 * (i))

/* Offsets that no real kernel has. */
enum {
	L_PATH = 16,
	L_LINK = 24,
	L_ADDRESS = 40,
	L_SIZE = 48,
	L_NAME = 56,
	E_SHAPE = 128,	 /* of the four members, side by side ... */
	E_PROGTAB = 176, /* of the two */
	E_SYMTAB = 208,	 /* ... or of each, when they are elsewhere */
	E_SYMCNT = 232,
	E_STRTAB = 264,
	E_STRCNT = 296,
	PE_ADDR = 8, /* Elf_progent, where types tell */
	PE_SIZE = 24,
	PE_NAME = 0,
	PE_ENTRY = 40,
};

enum kind {
	UNTYPED, /* only the offsets that the kernel keeps */
	TYPED,	 /* struct elf_file is that of objects, and its members are not side by side */
	OTHER,	 /* it is that of link_elf.c, of which no module is */
};

/* sample.ko, and what sample.elf says. */
static struct {
	uint8_t *ko, *debug;
	size_t ko_size, debug_size;
	struct truth {
		char name[48];
		uint64_t addr, size;
		unsigned section; /* of sample.elf */
	} syms[64];
	size_t n;
	struct place {
		char name[32];
		uint64_t addr, size;
	} places[32];
	size_t nr_places;
	uint64_t end; /* of the module */
} sample;

static struct fbsd f;

static uint8_t *slurp(const char *name, size_t *n)
{
	char path[512];
	struct stat sb;
	uint8_t *bytes;
	int fd;

	snprintf(path, sizeof(path), "%s/kld/%s", KCO_SAMPLES, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &sb) == 0);
	bytes = malloc((size_t)sb.st_size);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, (size_t)sb.st_size), sb.st_size);
	close(fd);
	*n = (size_t)sb.st_size;
	return bytes;
}

static Elf_Scn *section_of_type(Elf *elf, unsigned type, GElf_Shdr *sh)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, sh) && sh->sh_type == type)
			return scn;
	fail_msg("no section of type %u", type);
	return NULL;
}

static void learn_places(Elf *elf)
{
	Elf_Scn *scn = NULL;
	size_t strndx;
	GElf_Shdr sh;

	assert_int_equal(elf_getshdrstrndx(elf, &strndx), 0);
	while ((scn = elf_nextscn(elf, scn))) {
		struct place *place = &sample.places[sample.nr_places];

		if (!gelf_getshdr(scn, &sh) || !(sh.sh_flags & SHF_ALLOC) || !sh.sh_size)
			continue;
		snprintf(place->name, sizeof(place->name), "%s", elf_strptr(elf, strndx, sh.sh_name));
		place->addr = sh.sh_addr;
		place->size = sh.sh_size;
		sample.nr_places++;
		sample.end = sh.sh_addr + sh.sh_size;
	}
}

static int learn(void **state)
{
	size_t n;
	uint8_t *linked = slurp("sample.elf", &n);
	Elf *elf;
	GElf_Shdr sh;
	GElf_Sym sym;
	Elf_Data *data;

	(void)state;
	sample.ko = slurp("sample.ko", &sample.ko_size);
	sample.debug = slurp("sample.ko.debug", &sample.debug_size);
	elf_version(EV_CURRENT);
	elf = elf_memory((char *)linked, n);
	learn_places(elf);
	data = elf_getdata(section_of_type(elf, SHT_SYMTAB, &sh), NULL);
	for (int i = 1; gelf_getsym(data, i, &sym); i++) {
		struct truth *t = &sample.syms[sample.n];

		if (GELF_ST_TYPE(sym.st_info) == STT_FILE || GELF_ST_TYPE(sym.st_info) == STT_SECTION ||
		    sym.st_shndx == SHN_UNDEF)
			continue;
		snprintf(t->name, sizeof(t->name), "%s", elf_strptr(elf, sh.sh_link, sym.st_name));
		t->addr = sym.st_value;
		t->size = sym.st_size;
		t->section = sym.st_shndx;
		sample.n++;
	}
	elf_end(elf);
	free(linked);
	assert_true(sample.n > 8 && sample.nr_places > 6 && sample.places[0].addr == MODULE);
	return 0;
}

static int forget(void **state)
{
	(void)state;
	free(sample.ko);
	free(sample.debug);
	return 0;
}

/* The linked address of a symbol. */
static uint64_t truth(const char *name)
{
	for (size_t i = 0; i < sample.n; i++)
		if (!strcmp(sample.syms[i].name, name))
			return sample.syms[i].addr;
	fail_msg("no %s", name);
	return 0;
}

static void put_types(enum kind kind)
{
	struct btfmake b;
	uint32_t u64, u32, tqe;
	size_t n;
	void *data;

	btfmake_init(&b, NULL);
	u64 = btfmake_int(&b, "long", 8, 0, 64);
	u32 = btfmake_int(&b, "u_int", 4, 0, 32);
	tqe = fbsd_pair(&b, "tqe", "tqe_next", "tqe_prev", u64);
	{
		const struct fbsd_member kld[] = { { "link", tqe, L_LINK },
						   { "filename", u64, L_NAME },
						   { "pathname", u64, L_PATH },
						   { "address", u64, L_ADDRESS },
						   { "size", u64, L_SIZE } };
		const struct fbsd_member object[] = {
			{ "progtab", u64, E_PROGTAB },	{ "nprogtab", u32, E_PROGTAB + 8 },
			{ "ddbsymtab", u64, E_SYMTAB }, { "ddbsymcnt", u64, E_SYMCNT },
			{ "ddbstrtab", u64, E_STRTAB }, { "ddbstrcnt", u64, E_STRCNT },
		};
		const struct fbsd_member other[] = { { "ddbsymtab", u64, 72 },
						     { "ddbsymcnt", u64, 80 },
						     { "ddbstrtab", u64, 88 },
						     { "ddbstrcnt", u64, 96 } };
		const struct fbsd_member progent[] = { { "addr", u64, PE_ADDR },
						       { "size", u64, PE_SIZE },
						       { "name", u64, PE_NAME } };

		FBSD_STRUCT(&b, "linker_file", 64, kld);
		if (kind == TYPED) {
			FBSD_STRUCT(&b, "elf_file", 512, object);
			FBSD_STRUCT(&b, "Elf_progent", PE_ENTRY, progent);
		} else {
			FBSD_STRUCT(&b, "elf_file", 512, other);
		}
	}
	data = btfmake_take(&b, &n);
	btfmake_fini(&b);
	assert_int_equal(kco_btf_new_take(data, n, NULL, 8, &f.s.types, NULL), KCO_OK);
	f.s.lazy_types = fbsd_there(KCO_OK);
}

static void put_kld(int i, uint64_t next, const char *name, const char *path, uint64_t address, uint64_t size)
{
	fbsd_put(&f, KLD(i) + L_LINK, next, 8);
	fbsd_put(&f, KLD(i) + L_NAME, fbsd_string(&f, name), 8);
	fbsd_put(&f, KLD(i) + L_PATH, fbsd_string(&f, path), 8);
	fbsd_put(&f, KLD(i) + L_ADDRESS, address, 8);
	fbsd_put(&f, KLD(i) + L_SIZE, size, 8);
}

/* Where the linker puts the symbol: its section's address and the offset. sample.elf's value is the answer to that. */
static uint64_t placed(const char *name, const GElf_Sym *sym)
{
	for (size_t i = 0; i < sample.n; i++)
		if (!strcmp(sample.syms[i].name, name))
			return sample.syms[i].addr;
	return sym->st_value;
}

/* The module's table as the kernel holds it; @bias is what values lack. */
static void put_table(uint64_t bias, size_t *count, size_t *names_size)
{
	Elf *elf = elf_memory((char *)sample.ko, sample.ko_size);
	Elf_Data *data, *names;
	GElf_Shdr sh;
	GElf_Sym sym;
	int i;

	data = elf_getdata(section_of_type(elf, SHT_SYMTAB, &sh), NULL);
	names = elf_getdata(elf_getscn(elf, sh.sh_link), NULL);
	for (i = 0; gelf_getsym(data, i, &sym); i++) {
		uint64_t at = SYMS + 24 * (uint64_t)i, value;

		value = placed(elf_strptr(elf, sh.sh_link, sym.st_name), &sym);
		if (sym.st_shndx != SHN_UNDEF && sym.st_shndx < SHN_LORESERVE && value >= MODULE)
			value -= bias;
		fbsd_put(&f, at, sym.st_name, 4);
		fbsd_put(&f, at + 4, sym.st_info, 1);
		fbsd_put(&f, at + 6, sym.st_shndx, 2);
		fbsd_put(&f, at + 8, value, 8);
		fbsd_put(&f, at + 16, sym.st_size, 8);
	}
	for (size_t k = 0; k < names->d_size; k++)
		fbsd_put(&f, NAMES + k, ((uint8_t *)names->d_buf)[k], 1);
	*count = (size_t)i;
	*names_size = names->d_size;
	elf_end(elf);
}

static void put_sections(enum kind kind)
{
	for (size_t i = 0; i < sample.nr_places; i++) {
		uint64_t name = fbsd_string(&f, sample.places[i].name);
		uint64_t at = SECTS + (kind == TYPED ? PE_ENTRY : 32) * i;

		fbsd_put(&f, at + (kind == TYPED ? PE_ADDR : 0), sample.places[i].addr, 8);
		fbsd_put(&f, at + (kind == TYPED ? PE_SIZE : 8), sample.places[i].size, 8);
		fbsd_put(&f, at + (kind == TYPED ? PE_NAME : 24), name, 8);
	}
	fbsd_put(&f, KLD(1) + E_PROGTAB, SECTS, 8);
	fbsd_put(&f, KLD(1) + E_PROGTAB + 8, sample.nr_places, 4);
}

/* A kernel with the sample loaded. Then put more, or break something, and open it. */
static void setup(enum kind kind, uint64_t bias)
{
	size_t count, names;
	uint64_t e = KLD(1);

	fbsd_init(&f, false, 1);
	f.source.last = FBSD_BASE + KERNEL_SIZE - 1;
	if (kind != UNTYPED) {
		put_types(kind);
	} else {
		fbsd_variable(&f, "kld_off_next", L_LINK, 4);
		fbsd_variable(&f, "kld_off_filename", L_NAME, 4);
		fbsd_variable(&f, "kld_off_pathname", L_PATH, 4);
		fbsd_variable(&f, "kld_off_address", L_ADDRESS, 4);
	}
	fbsd_variable(&f, "linker_files", KLD(0), 8);
	put_kld(0, KLD(1), "kernel", "/boot/kernel/kernel", FBSD_BASE, KERNEL_SIZE);
	put_kld(1, 0, "sample.ko", "/boot/kernel/sample.ko", MODULE, sample.end - MODULE);
	put_table(bias, &count, &names);
	put_sections(kind);
	fbsd_put(&f, e + (kind == TYPED ? E_SYMTAB : E_SHAPE), SYMS, 8);
	fbsd_put(&f, e + (kind == TYPED ? E_SYMCNT : E_SHAPE + 8), count, 8);
	fbsd_put(&f, e + (kind == TYPED ? E_STRTAB : E_SHAPE + 16), NAMES, 8);
	fbsd_put(&f, e + (kind == TYPED ? E_STRCNT : E_SHAPE + 24), names, 8);
}

static void no_table(void)
{
	fbsd_put(&f, KLD(1) + E_SHAPE, 0, 8);
	fbsd_put(&f, KLD(1) + E_SYMTAB, 0, 8);
}

static void no_sections(void)
{
	fbsd_put(&f, KLD(1) + E_PROGTAB, 0, 8);
}

static void start(void)
{
	struct kco_symbol_source *src;

	fbsd_open(&f);
	f.s.lazy_modules = (struct kco_lazy){ 0 };
	assert_int_equal(freebsd_kld_symbols(&f.s, &src, NULL), KCO_OK);
	kco_symbols_add_take(f.s.symbols, src);
}

static void done(void)
{
	free(f.s.modules);
	fbsd_fini(&f);
}

static const struct kco_module *module(void)
{
	const struct kco_module *mods;
	size_t n;

	assert_int_equal(kco_modules_get(&f.s, &mods, &n, &f.err), KCO_OK);
	assert_int_equal(n, 1);
	return mods;
}

/* Each symbol is where the linker has it, by its name and by its address; @but: these are not known. */
static void assert_symbols(const char *but)
{
	struct kco_symbol sym;
	char name[64];

	for (size_t i = 0; i < sample.n; i++) {
		const struct truth *t = &sample.syms[i];

		snprintf(name, sizeof(name), "sample.ko:%s", t->name);
		if (but && strstr(t->name, but)) {
			assert_int_equal(kco_symbols_by_name(f.s.symbols, name, &sym, NULL), KCO_E_NOSYM);
			continue;
		}
		if (kco_symbols_by_name(f.s.symbols, name, &sym, &f.err))
			fail_msg("%s: %s", name, f.err.msg);
		assert_string_equal(sym.name, t->name);
		assert_string_equal(sym.module, "sample.ko");
		assert_int_equal(sym.addr, t->addr);
		if (t->size)
			assert_int_equal(sym.size, t->size);
		if (t->section == SHN_ABS)
			continue;
		assert_int_equal(kco_symbols_by_addr(f.s.symbols, t->addr + t->size / 2, &sym, NULL), KCO_OK);
		assert_int_equal(sym.addr, t->addr);
	}
}

static void assert_no_symbols(void)
{
	struct kco_symbol sym;

	assert_int_equal(kco_symbols_by_name(f.s.symbols, "kld_modevent", &sym, NULL), KCO_E_NOSYM);
	assert_int_equal(kco_symbols_by_addr(f.s.symbols, truth("kld_modevent"), &sym, NULL), KCO_E_NOSYM);
	assert_int_equal(module()->text_size, 0);
}

/* From the dump's memory */

static void from_memory(enum kind kind, uint64_t bias)
{
	struct kco_symbol sym;

	setup(kind, bias);
	start();
	assert_symbols(NULL);
	assert_int_equal(module()->text_size, sample.places[0].size);
	assert_string_equal(module()->path, "/boot/kernel/sample.ko");
	assert_int_equal(kco_symbols_by_name(f.s.symbols, "kld_hook", &sym, NULL), KCO_OK);
	assert_int_equal(sym.type, 'W');
	assert_int_equal(kco_symbols_by_name(f.s.symbols, "kld_step", &sym, NULL), KCO_OK);
	assert_int_equal(sym.type, 't');
	assert_int_equal(kco_symbols_by_name(f.s.symbols, "printf", &sym, NULL), KCO_E_NOSYM);
	assert_true(freebsd_is_text(&f.s, truth("kld_step") + 3));
	assert_false(freebsd_is_text(&f.s, truth("kld_limit")));
	assert_string_equal(f.warnings, "");
	done();
}

static void test_freebsd_klds__members_by_name(void **state)
{
	(void)state;
	from_memory(TYPED, 0);
}

static void test_freebsd_klds__members_by_shape_when_types_are_of_the_other_struct(void **state)
{
	(void)state;
	from_memory(OTHER, 0);
}

static void test_freebsd_klds__no_types_at_all(void **state)
{
	(void)state;
	from_memory(UNTYPED, 0);
}

static void test_freebsd_klds__neither_types_nor_offsets(void **state)
{
	const struct kco_module *mods;
	size_t n;

	(void)state;
	setup(UNTYPED, 0);
	f.symbols[f.nr_symbols - 2].name = "another"; // before linker_files is kld_off_address
	start();
	assert_int_equal(kco_modules_get(&f.s, &mods, &n, &f.err), KCO_E_NOTYPE);
	done();
}

static void test_freebsd_klds__values_of_a_shared_object_lack_the_base(void **state)
{
	(void)state;
	from_memory(UNTYPED, MODULE);
}

static void test_freebsd_klds__text_ends_with_code_where_sections_are_not_known(void **state)
{
	(void)state;
	setup(OTHER, 0);
	no_sections();
	start();
	assert_symbols(NULL);
	assert_in_range(module()->text_size, truth("kld_hook") + 1 - MODULE, sample.places[0].size);
	done();
}

static void test_freebsd_klds__a_table_with_holes(void **state)
{
	const unsigned kept = 40; /* bytes of names, with the first two or three of them */
	struct kco_symbol sym;
	size_t known = 0;

	(void)state;
	setup(UNTYPED, 0);
	/* The names move to the end of a page; the next is not saved. */
	for (unsigned i = 0; i < 4096; i++)
		fbsd_put(&f, FBSD_AT(0x10000) - kept + i, f.m.bytes[NAMES - FBSD_BASE + i], 1);
	fbsd_put(&f, KLD(1) + E_SHAPE + 16, FBSD_AT(0x10000) - kept, 8);
	fbsd_put(&f, KLD(1) + E_SHAPE + 24, kept + 4096 + 2, 8);
	f.m.missing[0x10] = 1;
	start();
	for (size_t i = 0; i < sample.n; i++) {
		if (kco_symbols_by_name(f.s.symbols, sample.syms[i].name, &sym, NULL))
			continue;
		assert_int_equal(sym.addr, sample.syms[i].addr);
		known++;
	}
	assert_in_range(known, 1, 4);
	assert_true(strstr(f.warnings, "some symbols are missing") != NULL);
	done();
}

/* What lies */

static void test_freebsd_klds__counts_that_lie(void **state)
{
	static const uint64_t counts[] = { 0, 1, 5000000, UINT64_MAX / 24 + 2, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(counts) / sizeof(counts[0]); i++) {
		setup(UNTYPED, 0);
		fbsd_put(&f, KLD(1) + E_SHAPE + (i % 2 ? 8 : 24), counts[i / 2], 8);
		start();
		assert_no_symbols();
		done();
	}
}

static void test_freebsd_klds__names_beyond_their_table(void **state)
{
	(void)state;
	setup(UNTYPED, 0);
	fbsd_put(&f, SYMS + 24 * 3, 0x7fffffff, 4);
	start();
	assert_no_symbols();
	done();
}

static void test_freebsd_klds__section_numbers_beyond_the_file(void **state)
{
	(void)state;
	setup(UNTYPED, 0);
	for (unsigned i = 1; i < 24; i++)
		if (f.m.bytes[SYMS - FBSD_BASE + 24 * i + 6] && f.m.bytes[SYMS - FBSD_BASE + 24 * i + 7] != 0xff)
			fbsd_put(&f, SYMS + 24 * i + 6, 0xfe00 + i, 2);
	start();
	assert_symbols(NULL);
	done();
}

static void test_freebsd_klds__a_table_of_another_module(void **state)
{
	(void)state;
	setup(UNTYPED, 0);
	fbsd_put(&f, KLD(1) + L_ADDRESS, MODULE + 0x10000, 8);
	start();
	assert_no_symbols();
	done();
}

/* Is it noticed that the sections lie? Then the text ends with its last function. */
static void assert_sections_refused(void)
{
	uint64_t last = truth("kld_hook") - MODULE;

	start();
	assert_symbols(NULL);
	assert_in_range(module()->text_size, last + 1, sample.places[0].size);
	done();
}

static void test_freebsd_klds__sections_that_overlap_or_leave_the_module(void **state)
{
	const struct kco_modfile_section *secs = NULL;
	static const struct {
		unsigned at;
		uint64_t value;
	} lies[] = {
		{ 32, MODULE + 8 }, { 32, UINT64_MAX - 4 }, { 32 + 8, 0x10000 },	   { 32 + 8, UINT64_MAX },
		{ 32 + 24, 1 },	    { 32 * 3, FBSD_BASE },  { 0, UINT64_C(0x8000000000) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct freebsd_kld_object object = { .n = 512 };

		setup(UNTYPED, 0);
		fbsd_put(&f, SECTS + lies[i].at, lies[i].value, 8);
		fbsd_open(&f);
		memcpy(object.bytes, f.m.bytes + (KLD(1) - FBSD_BASE), object.n);
		assert_int_equal(
			freebsd_kld_sections(&f.s, &(struct kco_module){ .base = MODULE, .size = sample.end - MODULE },
					     &object, &secs),
			0);
		kco_mem_free(f.s.mem);
		kco_image_free(f.m.image);
		assert_sections_refused();
	}
}

/* From the file */

static char dir[64];

/* DIR/PATH with these bytes; folders are made. */
static void put_file(const char *path, const void *bytes, size_t n)
{
	char full[512], *slash;
	int fd;

	if (!*dir) {
		snprintf(dir, sizeof(dir), "%s.klds", unit_path());
		assert_int_equal(mkdir(dir, 0700), 0);
	}
	snprintf(full, sizeof(full), "%s/%s", dir, path);
	for (slash = full + strlen(dir) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(full, 0700);
	}
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void drop_files(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	if (*dir)
		assert_int_equal(system(command), 0);
	*dir = '\0';
}

static void from_file(bool sections, const char *but)
{
	setup(sections ? OTHER : UNTYPED, 0);
	no_table();
	if (!sections)
		no_sections();
	f.s.opts.sysroot = dir;
	start();
	assert_symbols(but);
	assert_int_equal(module()->text_size, sample.places[0].size);
	assert_string_equal(f.warnings, "");
	done();
}

static void test_freebsd_klds__file_below_the_sysroot(void **state)
{
	(void)state;
	put_file("boot/kernel/sample.ko", sample.ko, sample.ko_size);
	from_file(true, NULL);
	/* By the loader's rule: where the copy of its per-CPU variables lies, only the dump could tell. */
	from_file(false, "pcpu_entry");
	drop_files();
}

static void test_freebsd_klds__only_what_was_split_off(void **state)
{
	(void)state;
	put_file("usr/lib/debug/boot/kernel/sample.ko.debug", sample.debug, sample.debug_size);
	from_file(true, NULL);
	from_file(false, "pcpu_entry");
	drop_files();
}

static void test_freebsd_klds__file_beside_the_dump_or_the_kernel(void **state)
{
	char path[128];
	const char *dumps[] = { path };

	(void)state;
	for (int kernel = 0; kernel < 2; kernel++) {
		put_file("sample.ko", sample.ko, sample.ko_size);
		snprintf(path, sizeof(path), "%s/vmcore.0", dir);
		setup(OTHER, 0);
		no_table();
		if (kernel) {
			f.s.opts.vmlinux = path;
			f.s.lazy_debuginfo = fbsd_there(KCO_OK);
		}
		f.s.opts.dumps = kernel ? NULL : dumps;
		f.s.opts.nr_dumps = kernel ? 0 : 1;
		start();
		assert_symbols(NULL);
		done();
		drop_files();
	}
}

static void test_freebsd_klds__names_do_not_lead_out(void **state)
{
	(void)state;
	put_file("sample.ko", sample.ko, sample.ko_size);
	put_file("root/empty", "", 1);
	setup(OTHER, 0);
	no_table();
	snprintf(dir + strlen(dir), sizeof(dir) - strlen(dir), "/root");
	f.s.opts.sysroot = dir;
	fbsd_put(&f, KLD(1) + L_PATH, fbsd_string(&f, "/../sample.ko"), 8);
	start();
	assert_no_symbols();
	done();
	*strrchr(dir, '/') = '\0';
	drop_files();
}

static void test_freebsd_klds__another_file_is_refused(void **state)
{
	(void)state;
	put_file("boot/kernel/sample.ko", sample.ko, sample.ko_size);
	for (int sections = 0; sections < 2; sections++) {
		setup(OTHER, 0);
		no_table();
		if (sections)
			fbsd_put(&f, SECTS + 8, sample.places[0].size - 1, 8);
		else
			no_sections();
		if (!sections)
			fbsd_put(&f, KLD(1) + L_SIZE, sample.end - MODULE + 1, 8);
		f.s.opts.sysroot = dir;
		start();
		assert_no_symbols();
		assert_true(strstr(f.warnings, "is not the file that was loaded") != NULL);
		assert_true(strstr(f.warnings, sections ? ".text has" : "it takes") != NULL);
		done();
	}
	drop_files();
}

/* What stand/common/load_elf_obj.c makes of the sample: @times 2 is that of FreeBSD 12. */
static uint64_t loader_size(unsigned times)
{
	Elf *elf = elf_memory((char *)sample.ko, sample.ko_size);
	uint64_t end = sample.end, names;
	Elf_Scn *scn = NULL;
	size_t strndx;
	GElf_Shdr sh, sym;

	section_of_type(elf, SHT_SYMTAB, &sym);
	assert_int_equal(elf_getshdrstrndx(elf, &strndx), 0);
	end = (end + (times - 1) * sym.sh_size + 7) / 8 * 8 + sym.sh_size;
	assert_non_null(gelf_getshdr(elf_getscn(elf, sym.sh_link), &sh));
	names = sh.sh_size;
	assert_non_null(gelf_getshdr(elf_getscn(elf, strndx), &sh));
	end += names + sh.sh_size;
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_RELA)
			end = (end + 7) / 8 * 8 + sh.sh_size;
	elf_end(elf);
	return end - MODULE;
}

static void test_freebsd_klds__file_that_the_loader_brought(void **state)
{
	(void)state;
	put_file("boot/kernel/sample.ko", sample.ko, sample.ko_size);
	for (unsigned times = 1; times < 3; times++) {
		setup(UNTYPED, 0);
		no_table();
		no_sections();
		fbsd_put(&f, KLD(1) + L_SIZE, loader_size(times), 8);
		f.s.opts.sysroot = dir;
		start();
		assert_symbols("pcpu_entry");
		done();
	}
	drop_files();
}

/* Source lines */

/* The number of the first line of @path that has @text. */
static unsigned line_of(const char *path, const char *text)
{
	FILE *in = fopen(path, "r");
	char line[256];
	unsigned n = 0;
	bool found = false;

	assert_non_null(in);
	while (!found && fgets(line, sizeof(line), in)) {
		found = strstr(line, text);
		n++;
	}
	fclose(in);
	assert_true(found);
	return n;
}

static void put_debug_files(void)
{
	put_file("usr/lib/debug/boot/kernel/sample.ko.debug", sample.debug, sample.debug_size);
	put_file("boot/kernel/sample.ko", sample.ko, sample.ko_size);
}

/* A session that asks for lines; false: there is none for @pc. */
static bool line_at(uint64_t pc, struct kco_source_line *row)
{
	struct kco_debuginfo_request req = { .path = KCO_SAMPLES "/kernel-4" };
	size_t n = 0;

	f.s.opts.sysroot = dir;
	start();
	assert_int_equal(kco_debuginfo_open_new(&req, &f.s.debuginfo, &f.err), KCO_OK);
	assert_int_equal(kco_session_add_module_lines(&f.s, &f.err), KCO_OK);
	return !kco_debuginfo_lines(f.s.debuginfo, pc, row, 1, &n, &f.err) && n;
}

static void test_freebsd_klds__lines_of_the_file_that_was_split_off(void **state)
{
	struct kco_source_line row;
	unsigned first;

	(void)state;
	put_debug_files();
	for (int memory = 0; memory < 3; memory++) {
		setup(OTHER, 0);
		if (memory < 2)
			no_table();
		if (memory < 1)
			no_sections();
		if (!line_at(truth("kld_modevent") + 4, &row))
			fail_msg("%s", f.err.msg);
		assert_string_equal(row.function, "kld_modevent");
		first = line_of(row.file, "int kld_modevent(int what)");
		assert_in_range(row.line, first, first + 5);
		assert_string_equal(f.warnings, "");
		kco_debuginfo_free(f.s.debuginfo);
		done();
	}
	drop_files();
}

static void test_freebsd_klds__lines_of_another_file_are_refused(void **state)
{
	struct kco_source_line row;

	(void)state;
	put_debug_files();
	setup(OTHER, 0);
	fbsd_put(&f, SECTS + 8, sample.places[0].size - 1, 8);
	assert_false(line_at(truth("kld_modevent") + 4, &row));
	assert_true(strstr(f.warnings, "is not the file that was loaded: its section .text has") != NULL);
	kco_debuginfo_free(f.s.debuginfo);
	done();
	drop_files();
}

/* Files that lie */

static void try_file(const uint8_t *bytes, size_t n)
{
	struct kco_modfile_request req = { .path = "sample.ko",
					   .size = n,
					   .machine = EM_X86_64,
					   .mod_base = MODULE,
					   .mod_size = sample.end - MODULE };
	struct kco_symbol_source *src;
	struct kco_modfile *file;
	uint64_t last;

	/* Of just that size, so that a read beyond is noticed. */
	req.bytes = malloc(n ? n : 1);
	assert_non_null(req.bytes);
	memcpy(req.bytes, bytes, n);
	if (!kco_modfile_open_new(&req, &file, NULL)) {
		if (!kco_modfile_symbols_new(file, "sample.ko", &src, &last, NULL))
			src->ops->free(src);
		kco_modfile_free(file);
	}
	free(req.bytes);
}

static void test_freebsd_klds__files_that_are_cut_or_changed(void **state)
{
	uint8_t *copy = malloc(sample.ko_size);
	uint64_t seed = 1;

	(void)state;
	assert_non_null(copy);
	for (size_t n = 0; n < sample.ko_size; n += n < 64 ? 1 : 13)
		try_file(sample.ko, n);
	for (int round = 0; round < 3000; round++) {
		memcpy(copy, sample.ko, sample.ko_size);
		for (int i = 0; i < 4; i++)
			copy[unit_random(&seed) % sample.ko_size] = (uint8_t)unit_random(&seed);
		try_file(copy, sample.ko_size);
	}
	free(copy);
}

/* The header of the section whose name is @name. */
static Elf64_Shdr *header_of(uint8_t *bytes, const char *name)
{
	Elf64_Ehdr *eh = (Elf64_Ehdr *)bytes;
	Elf64_Shdr *sh = (Elf64_Shdr *)(bytes + eh->e_shoff);

	for (unsigned i = 0; i < eh->e_shnum; i++)
		if (!strcmp((char *)bytes + sh[eh->e_shstrndx].sh_offset + sh[i].sh_name, name))
			return &sh[i];
	fail_msg("no section %s", name);
	return NULL;
}

static void assert_refused(uint8_t *copy, enum kco_status status, const char *text)
{
	struct kco_modfile_request req = { .path = "sample.ko",
					   .bytes = copy,
					   .size = sample.ko_size,
					   .machine = EM_X86_64,
					   .mod_base = MODULE,
					   .mod_size = sample.end - MODULE };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_modfile *file = NULL;

	assert_int_equal(kco_modfile_open_new(&req, &file, &err), status);
	assert_null(file);
	assert_msg(&err, text);
	memcpy(copy, sample.ko, sample.ko_size);
}

static void test_freebsd_klds__sizes_and_alignments_that_make_no_sense(void **state)
{
	uint8_t *copy = malloc(sample.ko_size);

	(void)state;
	assert_non_null(copy);
	memcpy(copy, sample.ko, sample.ko_size);
	header_of(copy, ".bss")->sh_size = UINT64_MAX;
	assert_refused(copy, KCO_E_BADFILE, "sample.ko: its sections have sizes or alignments that make no sense");
	header_of(copy, ".text")->sh_addralign = 3;
	assert_refused(copy, KCO_E_BADFILE, "sample.ko: its sections have sizes or alignments that make no sense");
	header_of(copy, ".data")->sh_addralign = UINT64_C(1) << 63;
	assert_refused(copy, KCO_E_BADFILE, "sample.ko: its sections have sizes or alignments that make no sense");
	((Elf64_Ehdr *)copy)->e_machine = EM_AARCH64;
	assert_refused(copy, KCO_E_BADFILE, "sample.ko is no kernel module of this machine (ELF type 1, machine 183)");
	((Elf64_Ehdr *)copy)->e_type = ET_CORE;
	assert_refused(copy, KCO_E_BADFILE, "sample.ko is no kernel module of this machine (ELF type 4, machine 62)");
	free(copy);
}

static void test_freebsd_klds__memory_running_out(void **state)
{
	(void)state;
	put_file("boot/kernel/sample.ko", sample.ko, sample.ko_size);
	for (int file = 0; file < 2; file++) {
		bool more = true;

		for (long n = 1; more; n++) {
			const struct kco_module *mods;
			struct kco_symbol sym;
			size_t count;

			setup(OTHER, 0);
			if (file)
				no_table();
			f.s.opts.sysroot = dir;
			start();
			unit_fault_arm(n);
			(void)!kco_modules_get(&f.s, &mods, &count, NULL);
			(void)!kco_symbols_by_name(f.s.symbols, "kld_step", &sym, NULL);
			more = unit_fault_fired();
			unit_fault_arm(0);
			done();
		}
	}
	drop_files();
}

#define T(name) cmocka_unit_test(test_freebsd_klds__##name)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(members_by_name),
		T(members_by_shape_when_types_are_of_the_other_struct),
		T(no_types_at_all),
		T(neither_types_nor_offsets),
		T(values_of_a_shared_object_lack_the_base),
		T(text_ends_with_code_where_sections_are_not_known),
		T(a_table_with_holes),
		T(counts_that_lie),
		T(names_beyond_their_table),
		T(section_numbers_beyond_the_file),
		T(a_table_of_another_module),
		T(sections_that_overlap_or_leave_the_module),
		T(file_below_the_sysroot),
		T(only_what_was_split_off),
		T(file_beside_the_dump_or_the_kernel),
		T(names_do_not_lead_out),
		T(another_file_is_refused),
		T(file_that_the_loader_brought),
		T(lines_of_the_file_that_was_split_off),
		T(lines_of_another_file_are_refused),
		T(files_that_are_cut_or_changed),
		T(sizes_and_alignments_that_make_no_sense),
		T(memory_running_out),
	};

	return cmocka_run_group_tests_name("freebsd_klds", tests, learn, forget);
}
