// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of a BSD's kernel: where it is looked for, whether it is the dump's,
 * and how its two halves find each other.
 */
#include "kernelfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kco/type.h>

#include "lines.h"
#include "samples.h"
#include "vmem.h"

static const char text_12[] =
	"FreeBSD 12.1-RELEASE #1: Thu Nov 21 10:11:12 UTC 2019\n    root@sample:/usr/obj/SAMPLE\n";

static struct kco_err err;
static char warned[512];

static void warn(void *arg, const char *msg)
{
	(void)arg;
	snprintf(warned, sizeof(warned), "%s", msg);
}

static const struct kco_kernel_place places[] = {
	{ KCO_KERNEL_BESIDE, "bsd.#" },
	{ KCO_KERNEL_BESIDE, "bsd.#.gz" },
	{ KCO_KERNEL_BESIDE, "kernel" },
	{ KCO_KERNEL_SYSROOT, "boot/kernel/kernel" },
	{ KCO_KERNEL_DEBUG, "boot/kernel/kernel.debug" },
	{ 0, NULL },
};

static const struct kco_os_ops bsd = {
	.name = "freebsd",
	.title = "FreeBSD",
	.kernel_places = places,
	.kernel_matches = kco_kernel_matches_version,
};

/* A session whose memory holds @text where the sample kernels have their version. */
struct fixture {
	struct kco_session s;
	struct vmem v;
	char memory[256];
	const char *dump;
};

static uint64_t version_address(const char *kernel)
{
	struct kco_debuginfo *di = sample_open(kernel);
	uint64_t addr = sample_symbol(di, "version").addr;

	kco_debuginfo_free(di);
	return addr;
}

static void fixture_init(struct fixture *f, const char *text)
{
	memset(f, 0, sizeof(*f));
	warned[0] = '\0';
	err = KCO_ERR_INIT;
	if (text)
		snprintf(f->memory, sizeof(f->memory), "%s", text);
	vmem_add(&f->v, version_address(SAMPLE("bsd/kernel")), f->memory, sizeof(f->memory));
	if (!text) {
		f->v.hole_first = f->v.pieces[0].va;
		f->v.hole_end = f->v.hole_first + sizeof(f->memory);
	}
	assert_true(vmem_open(&f->v));
	kco_arena_init(&f->s.arena);
	f->s.image = f->v.image;
	f->s.mem = f->v.mem;
	f->s.kernel = f->v.space;
	f->s.arch = f->v.space.arch;
	f->s.os = &bsd;
	f->s.opts.image.warn = warn;
	f->dump = sample_write("crash/vmcore.3.zst", "", 0);
	f->s.opts.dumps = &f->dump;
	f->s.opts.nr_dumps = 1;
	f->s.opts.debug_dir = sample_path("debug");
}

static void fixture_fini(struct fixture *f)
{
	if (f->s.kernel_symbols)
		f->s.kernel_symbols->ops->free(f->s.kernel_symbols);
	kco_debuginfo_free(f->s.debuginfo);
	kco_arena_fini(&f->s.arena);
	while (f->s.warnings) {
		void *w = f->s.warnings;

		f->s.warnings = *(void **)w;
		free(w);
	}
	vmem_close(&f->v);
}

static void test_kernelfile__version_text_tells_the_kernel(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, text_12);
	f.s.opts.vmlinux = SAMPLE("bsd/kernel");
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_OK);
	assert_true(kco_debuginfo_checked(f.s.debuginfo));
	assert_string_equal(warned, "");
	fixture_fini(&f);

	fixture_init(&f, "FreeBSD 12.1-RELEASE #2: later\n");
	f.s.opts.vmlinux = SAMPLE("bsd/kernel");
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_E_CORRUPT);
	assert_msg(&err, "bsd/kernel is 'FreeBSD 12.1-RELEASE #1: Thu Nov 21 10:11:12 UTC 2019'");
	assert_msg(&err, "the dump's kernel 'FreeBSD 12.1-RELEASE #2: later'");
	assert_null(f.s.debuginfo);
	fixture_fini(&f);

	// Linked anew, the text lies elsewhere.
	fixture_init(&f, "\x01\x02\x03");
	f.s.opts.vmlinux = SAMPLE("bsd/kernel");
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_E_CORRUPT);
	assert_msg(&err, "where it has its version ('FreeBSD 12.1-RELEASE");
	fixture_fini(&f);

	fixture_init(&f, text_12);
	f.s.opts.vmlinux = SAMPLE("kernel-5");
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_E_CORRUPT);
	assert_msg(&err, "no kernel of FreeBSD: it has no symbol 'version'");
	fixture_fini(&f);
}

static void test_kernelfile__what_cannot_be_told_is_warned_of(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, NULL);
	f.s.opts.vmlinux = SAMPLE("bsd/kernel");
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_OK);
	assert_false(kco_debuginfo_checked(f.s.debuginfo));
	assert_non_null(strstr(warned, "may be another kernel than the dump's"));
	assert_non_null(strstr(warned, "not saved"));
	fixture_fini(&f);
}

static void test_kernelfile__what_was_split_off_is_told_by_the_size_of_the_text(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, text_12);
	f.s.opts.vmlinux = sample_copy(SAMPLE("bsd/kernel.debug"), "alone/kernel.debug");
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_OK);
	assert_true(kco_debuginfo_checked(f.s.debuginfo));
	fixture_fini(&f);

	fixture_init(&f, "FreeBSD 12.1-RELEASE-p1 #1: shorter\n");
	f.s.opts.vmlinux = sample_path("alone/kernel.debug");
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_E_CORRUPT);
	assert_msg(&err, "'FreeBSD 12.1-RELEASE-p1 #1: shorter'");
	fixture_fini(&f);
}

static void test_kernelfile__another_machine_is_refused(void **state)
{
	struct kco_debuginfo_request req = { .path = SAMPLE("bsd/kernel"), .machine = 183 };
	struct kco_debuginfo *di;

	(void)state;
	assert_int_equal(kco_debuginfo_open_new(&req, &di, &err), KCO_E_CORRUPT);
	assert_msg(&err, "for another machine (ELF machine 62) than the dump (183)");
}

/* Each place in turn; a file of another kernel is passed over. */
static void test_kernelfile__places_are_searched_in_their_order(void **state)
{
	static const struct {
		const char *file;
		bool sysroot;
	} where[] = {
		{ "debug/boot/kernel/kernel.debug", false },
		{ "root/boot/kernel/kernel", true },
		{ "crash/kernel", false },
		{ "crash/bsd.3", false },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f, text_12);
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_E_NOSYM);
	assert_msg(&err, "no kernel file beside the dump, in --sysroot or in");
	fixture_fini(&f);
	sample_copy(SAMPLE("bsd-other/kernel"), "crash/bsd.4");
	for (size_t i = 0; i < sizeof(where) / sizeof(*where); i++) {
		const char *path = sample_copy(SAMPLE("bsd/kernel"), where[i].file);

		fixture_init(&f, text_12);
		f.s.opts.sysroot = sample_path("root");
		if (kco_session_open_debuginfo(&f.s, &err))
			fail_msg("%s", err.msg);
		assert_string_equal(kco_debuginfo_path(f.s.debuginfo), path);
		fixture_fini(&f);
	}
	sample_copy(SAMPLE("bsd-other/kernel"), "crash/bsd.3");
	fixture_init(&f, text_12);
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_OK);
	assert_string_equal(kco_debuginfo_path(f.s.debuginfo), sample_path("crash/kernel"));
	fixture_fini(&f);
}

static void test_kernelfile__a_packed_kernel_is_named(void **state)
{
	struct fixture f;

	(void)state;
	sample_write("crash/bsd.3.gz", "\x1f\x8b\x08 packed", 10);
	fixture_init(&f, text_12);
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_E_NOSYM);
	assert_msg(&err, "bsd.3.gz is compressed (gzip): unpack it first");
	fixture_fini(&f);
}

static void test_kernelfile__early_files_are_compared_afterwards(void **state)
{
	static const char *const names[] = { "KPML4phys", "allproc", NULL }, *const none[] = { "KPML4phys", NULL };
	struct kco_debuginfo *di, *again;
	struct kco_symbol sym;
	struct fixture f;

	(void)state;
	sample_copy(SAMPLE("bsd-other/kernel"), "crash/bsd.3");
	sample_copy(SAMPLE("bsd/kernel"), "crash/kernel");
	fixture_init(&f, text_12);
	// Nothing of memory is read: the other kernel is taken.
	assert_int_equal(kco_session_kernel_file(&f.s, &di, &err), KCO_OK);
	assert_string_equal(kco_debuginfo_path(di), sample_path("crash/bsd.3"));
	assert_int_equal(kco_session_kernel_file(&f.s, &again, &err), KCO_OK);
	assert_ptr_equal(di, again);
	assert_int_equal(kco_session_kernel_symbol(&f.s, names, &sym, &err), KCO_OK);
	assert_string_equal(sym.name, "allproc");
	assert_int_equal(kco_session_kernel_symbol(&f.s, none, &sym, &err), KCO_E_NOSYM);
	assert_msg(&err, "bsd.3 has no symbol 'KPML4phys'");
	assert_true(f.s.kernel_early);
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_E_CORRUPT);
	assert_msg(&err, "FreeBSD 13.0-RELEASE");
	// Not the dump's: the next place's is.
	assert_true(kco_kernel_try_next(&f.s));
	assert_null(f.s.debuginfo);
	assert_int_equal(kco_session_kernel_file(&f.s, &di, &err), KCO_OK);
	assert_string_equal(kco_debuginfo_path(di), sample_path("crash/kernel"));
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_OK);
	assert_true(kco_debuginfo_checked(di));
	fixture_fini(&f);

	// What the user named is not changed for another.
	fixture_init(&f, text_12);
	f.s.opts.vmlinux = sample_path("crash/bsd.3");
	assert_int_equal(kco_session_kernel_file(&f.s, &di, &err), KCO_OK);
	assert_int_equal(kco_session_open_debuginfo(&f.s, &err), KCO_E_CORRUPT);
	assert_false(kco_kernel_try_next(&f.s));
	fixture_fini(&f);
}

static bool has_proc(const char *path, const char *debug_dir, const char *const *at)
{
	struct kco_debuginfo_request req = { .path = path, .debug_dir = debug_dir, .places = at };
	struct kco_types *types = NULL;
	struct kco_debuginfo *di;
	uint64_t size = 0;
	bool has;

	assert_int_equal(kco_debuginfo_open_new(&req, &di, &err), KCO_OK);
	has = !kco_debuginfo_types_new(di, &types, &err) && !kco_types_sizeof(types, "bsd_proc", &size, &err);
	assert_true(!has || size == 24);
	kco_types_free(types);
	kco_debuginfo_free(di);
	return has;
}

static void test_kernelfile__the_kernel_finds_what_was_split_off_it(void **state)
{
	static const char *const forms[] = { SAMPLE("bsd/"), SAMPLE("bsd-id/") };
	char kernel[256], debug[256], real[256], *resolved;
	char run[256], none[256], place[256];
	const char *at[2] = { place, NULL };

	(void)state;
	snprintf(run, sizeof(run), "%s", sample_path("boot/kernel"));
	snprintf(none, sizeof(none), "%s", sample_path("nowhere"));
	snprintf(place, sizeof(place), "%s", sample_path("places/kernel.debug"));
	for (size_t i = 0; i < 2; i++) {
		snprintf(kernel, sizeof(kernel), "%skernel", forms[i]);
		snprintf(debug, sizeof(debug), "%skernel.debug", forms[i]);
		sample_copy(kernel, "boot/kernel");
		assert_false(has_proc(run, none, NULL));
		assert_msg(&err, "stripped");
		sample_copy(debug, "boot/kernel.debug");
		assert_true(has_proc(run, none, NULL));
		unlink(sample_path("boot/kernel.debug"));
		sample_copy(debug, "boot/.debug/kernel.debug");
		assert_true(has_proc(run, none, NULL));
		unlink(sample_path("boot/.debug/kernel.debug"));
		sample_copy(debug, "places/kernel.debug");
		assert_true(has_proc(run, none, at));
		assert_false(has_proc(run, none, NULL));
		// DIR followed by the kernel's own folder.
		resolved = realpath(run, NULL);
		snprintf(real, sizeof(real), "debug%.*s/kernel.debug", (int)(strrchr(resolved, '/') - resolved),
			 resolved);
		free(resolved);
		sample_copy(debug, real);
		assert_true(has_proc(run, sample_path("debug"), NULL));
		unlink(sample_path(real));
	}
	// Of another build: neither by CRC nor by build-id.
	sample_copy(SAMPLE("bsd/kernel"), "boot/kernel");
	sample_copy(SAMPLE("bsd-other/kernel.debug"), "boot/kernel.debug");
	assert_false(has_proc(run, none, NULL));
	sample_copy(SAMPLE("bsd-id/kernel"), "boot/kernel");
	sample_copy(SAMPLE("kernel-other"), "boot/kernel.debug");
	assert_false(has_proc(run, none, NULL));
}

static void test_kernelfile__what_was_split_off_finds_the_kernel(void **state)
{
	struct kco_debuginfo *di;
	char text[sizeof(text_12)];
	struct kco_symbol sym;
	size_t done;

	(void)state;
	di = sample_open(sample_copy(SAMPLE("bsd/kernel.debug"), "boot/kernel.debug"));
	sym = sample_symbol(di, "version");
	assert_int_equal(sym.size, sizeof(text_12));
	assert_int_equal(kco_debuginfo_read(di, sym.addr, text, sizeof(text), &done, &err), KCO_E_RANGE);
	assert_msg(&err, "holds no bytes");
	kco_debuginfo_free(di);
	sample_copy(SAMPLE("bsd/kernel"), "boot/kernel");
	di = sample_open(sample_path("boot/kernel.debug"));
	assert_int_equal(kco_debuginfo_read(di, sym.addr, text, sizeof(text), &done, &err), KCO_OK);
	assert_string_equal(text, text_12);
	// Moved, and past the end.
	kco_debuginfo_set_bias(di, 0x1000);
	assert_int_equal(kco_debuginfo_read(di, sym.addr + 0x1000, text, sizeof(text), &done, &err), KCO_OK);
	assert_string_equal(text, text_12);
	assert_int_equal(kco_debuginfo_read(di, sym.addr, text, sizeof(text), &done, &err), KCO_E_RANGE);
	kco_debuginfo_free(di);
}

static void test_kernelfile__reading_keeps_to_the_file(void **state)
{
	struct kco_debuginfo *di;
	struct kco_symbol sym;
	char big[8192];
	unsigned char *bytes;
	size_t done, n;

	(void)state;
	di = sample_open(SAMPLE("bsd/kernel"));
	sym = sample_symbol(di, "version");
	assert_int_equal(kco_debuginfo_read(di, sym.addr, big, sizeof(big), &done, &err), KCO_E_RANGE);
	assert_true(done >= sizeof(text_12) && done < sizeof(big));
	assert_string_equal(big, text_12);
	kco_debuginfo_free(di);
	// A link whose CRC lies outside its section.
	bytes = sample_read(SAMPLE("bsd/kernel"), &n);
	for (size_t i = 0; i + 13 < n; i++)
		if (memcmp(bytes + i, "kernel.debug", 13) == 0)
			memset(bytes + i, 'x', 13 + 3 + 4);
	di = sample_open(sample_write("boot/kernel", bytes, n));
	free(bytes);
	assert_false(kco_debuginfo_has_dwarf(di));
	kco_debuginfo_free(di);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kernelfile__version_text_tells_the_kernel),
		TEST(test_kernelfile__what_cannot_be_told_is_warned_of),
		TEST(test_kernelfile__what_was_split_off_is_told_by_the_size_of_the_text),
		TEST(test_kernelfile__another_machine_is_refused),
		TEST(test_kernelfile__places_are_searched_in_their_order),
		TEST(test_kernelfile__a_packed_kernel_is_named),
		TEST(test_kernelfile__early_files_are_compared_afterwards),
		TEST(test_kernelfile__the_kernel_finds_what_was_split_off_it),
		TEST(test_kernelfile__what_was_split_off_finds_the_kernel),
		TEST(test_kernelfile__reading_keeps_to_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
