// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debug information: found, identified, fetched, its symbols, its cache.
 */
#include "debuginfo.h"

#include <dlfcn.h>
#include <errno.h>
#include <elf.h>

#include "debuginfo_priv.h"
#include "samples.h"

static enum kco_status open_status(const struct kco_debuginfo_request *req, struct kco_err *err)
{
	struct kco_debuginfo *di = NULL;
	enum kco_status st;

	*err = KCO_ERR_INIT;
	st = kco_debuginfo_open_new(req, &di, err);
	if (!st)
		kco_debuginfo_free(di);
	else
		assert_null(di);
	return st;
}

static void test_debuginfo__given_file_is_identified(void **state)
{
	struct kco_debuginfo_request req = { .path = SAMPLE("kernel-5"), .build_id = sample_id, .build_id_size = 20 };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_debuginfo *di;

	(void)state;
	assert_int_equal(kco_debuginfo_open_new(&req, &di, &err), KCO_OK);
	assert_string_equal(kco_debuginfo_path(di), SAMPLE("kernel-5"));
	assert_string_equal(kco_debuginfo_build_id(di), SAMPLE_ID_HEX);
	assert_true(kco_debuginfo_checked(di));
	assert_true(kco_debuginfo_has_dwarf(di));
	kco_debuginfo_free(di);

	req.build_id = NULL;
	assert_int_equal(kco_debuginfo_open_new(&req, &di, &err), KCO_OK);
	assert_false(kco_debuginfo_checked(di));
	kco_debuginfo_free(di);
	kco_debuginfo_free(NULL);
}

static void test_debuginfo__another_build_id_names_both(void **state)
{
	struct kco_debuginfo_request req = { .path = SAMPLE("kernel-other"),
					     .build_id = sample_id,
					     .build_id_size = 20 };
	struct kco_err err;

	(void)state;
	assert_int_equal(open_status(&req, &err), KCO_E_CORRUPT);
	assert_msg(&err, "build-id ffeeddccbbaa99887766554433221100ffeeddcc is not the dump's " SAMPLE_ID_HEX);
	req.path = SAMPLE("kernel-noid");
	assert_int_equal(open_status(&req, &err), KCO_E_CORRUPT);
	assert_msg(&err, "has no build-id, the dump's is " SAMPLE_ID_HEX);
	// Longer or shorter is another one too.
	req.path = SAMPLE("kernel-5");
	req.build_id_size = 19;
	assert_int_equal(open_status(&req, &err), KCO_E_CORRUPT);
}

static void test_debuginfo__what_is_no_vmlinux_is_told_apart(void **state)
{
	static const char gzip[] = "\x1f\x8b\x08 something",
			  xz[] = "\xfd"
				 "7zXZ something",
			  text[] = "hello\n";
	struct kco_debuginfo_request req = { 0 };
	unsigned char image[0x400] = { 0 };
	struct kco_err err;

	(void)state;
	req.path = sample_write("text", text, sizeof(text));
	assert_int_equal(open_status(&req, &err), KCO_E_BADFILE);
	assert_msg(&err, "is not an ELF file");
	req.path = sample_write("empty", text, 0);
	assert_int_equal(open_status(&req, &err), KCO_E_BADFILE);
	req.path = sample_write("vmlinux.gz", gzip, sizeof(gzip));
	assert_int_equal(open_status(&req, &err), KCO_E_BADFILE);
	assert_msg(&err, "compressed (gzip): unpack it first");
	req.path = sample_write("vmlinux.xz", xz, sizeof(xz));
	assert_int_equal(open_status(&req, &err), KCO_E_BADFILE);
	assert_msg(&err, "compressed (xz)");
	memcpy(image + 0x202, "HdrS", 4);
	req.path = sample_write("vmlinuz", image, sizeof(image));
	assert_int_equal(open_status(&req, &err), KCO_E_BADFILE);
	assert_msg(&err, "compressed boot image");
	assert_msg(&err, "linux-image-RELEASE-dbg");
	req.path = sample_scratch;
	assert_int_equal(open_status(&req, &err), KCO_E_BADFILE);
	assert_msg(&err, "not a regular file");
	req.path = SAMPLE("module.o");
	assert_int_equal(open_status(&req, &err), KCO_E_BADFILE);
	assert_msg(&err, "is not a vmlinux");
	req.path = sample_path("fifo");
	assert_int_equal(mkfifo(req.path, 0600), 0);
	assert_int_equal(open_status(&req, &err), KCO_E_BADFILE);
	req.path = sample_path("nothing");
	assert_int_equal(open_status(&req, &err), KCO_E_IO);
	assert_int_equal(err.os_errno, ENOENT);
}

static void test_debuginfo__a_core_dump_is_not_taken_for_a_vmlinux(void **state)
{
	struct kco_debuginfo_request req = { 0 };
	unsigned char *bytes;
	struct kco_err err;
	size_t n;

	(void)state;
	bytes = sample_read(SAMPLE("kernel-5"), &n);
	bytes[16] = ET_CORE;
	req.path = sample_write("core", bytes, n);
	free(bytes);
	assert_int_equal(open_status(&req, &err), KCO_E_BADFILE);
	assert_msg(&err, "is a core dump, not a vmlinux");
}

static void test_debuginfo__a_file_cut_off_anywhere_is_refused(void **state)
{
	struct kco_debuginfo_request req = { 0 };
	unsigned char *bytes;
	struct kco_err err;
	size_t n;

	(void)state;
	bytes = sample_read(SAMPLE("kernel-5"), &n);
	for (size_t cut = 0; cut < n; cut += n / 37 + 1) {
		req.path = sample_write("cut", bytes, cut);
		assert_int_not_equal(open_status(&req, &err), KCO_OK);
		assert_true(err.msg[0]);
	}
	req.path = sample_write("cut", bytes, n - 1); // the last section header
	assert_int_equal(open_status(&req, &err), KCO_E_TRUNCATED);
	assert_msg(&err, "is cut off");
	free(bytes);
}

static void check_found(const struct kco_debuginfo_request *req, const char *want)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_debuginfo *di;

	if (kco_debuginfo_open_new(req, &di, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(kco_debuginfo_path(di), want);
	kco_debuginfo_free(di);
}

static void test_debuginfo__search_knows_the_distributions_places(void **state)
{
	static const char *const places[] = {
		".build-id/00/112233445566778899aabbccddeeff00112233.debug",
		"boot/vmlinux-6.1.0-sample",
		"boot/vmlinux-6.1.0-sample.debug",
		"lib/modules/6.1.0-sample/vmlinux",
		"lib/modules/6.1.0-sample/vmlinux.debug",
		"vmlinux-6.1.0-sample",
		"vmlinux",
	};
	struct kco_debuginfo_request req = {
		.debug_dir = sample_scratch, .release = "6.1.0-sample", .build_id = sample_id, .build_id_size = 20
	};
	size_t n = sizeof(places) / sizeof(places[0]);

	(void)state;
	// From the last choice to the first, each before those that are there already.
	while (n--)
		check_found(&req, sample_copy(SAMPLE("kernel-5"), places[n]));
	// Without a build-id nothing but the release ties a file to the dump.
	req.build_id = NULL;
	check_found(&req, sample_path(places[1]));
}

static void test_debuginfo__search_passes_over_other_builds(void **state)
{
	struct kco_debuginfo_request req = {
		.debug_dir = sample_scratch, .release = "6.1.0-sample", .build_id = sample_id, .build_id_size = 20
	};
	struct kco_err err;

	(void)state;
	sample_copy(SAMPLE("kernel-other"), "boot/vmlinux-6.1.0-sample");
	assert_int_equal(open_status(&req, &err), KCO_E_NOSYM);
	assert_msg(&err, "build-id ffeeddccbbaa99887766554433221100ffeeddcc is not the dump's " SAMPLE_ID_HEX);
	check_found(&req, sample_copy(SAMPLE("kernel-5"), "lib/modules/6.1.0-sample/vmlinux"));
}

static void test_debuginfo__search_says_where_it_looked(void **state)
{
	struct kco_debuginfo_request req = {
		.debug_dir = sample_scratch, .release = "6.1.0-sample", .build_id = sample_id, .build_id_size = 20
	};
	struct kco_err err;

	(void)state;
	assert_int_equal(open_status(&req, &err), KCO_E_NOSYM);
	assert_msg(&err, "no vmlinux for 6.1.0-sample (build-id " SAMPLE_ID_HEX ")");
	assert_msg(&err, sample_scratch);
	assert_msg(&err, "DEBUGINFOD_URLS is not set");
}

static void test_debuginfo__a_release_cannot_leave_its_folder(void **state)
{
	static const char *const releases[] = {
		"../secret", "x/../../secret", "", ".", "a\nb", "a b", "\x1b[31m", "a/b"
	};
	struct kco_debuginfo_request req = { .debug_dir = sample_path("dir") };
	char path[128];
	struct kco_err err;

	(void)state;
	sample_copy(SAMPLE("kernel-5"), "dir/boot/vmlinux-x/y");
	sample_copy(SAMPLE("kernel-5"), "dir/secret");
	for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++) {
		snprintf(path, sizeof(path), "dir/boot/vmlinux-%s", releases[i]);
		if (!strchr(releases[i], '/') && releases[i][0])
			sample_copy(SAMPLE("kernel-5"), path);
		req.release = releases[i];
		assert_false(kco_release_is_safe(releases[i]));
		req.debug_dir = sample_path("dir");
		assert_int_equal(open_status(&req, &err), KCO_E_NOSYM);
		assert_null(strpbrk(err.msg, "\n\x1b"));
	}
	assert_true(kco_release_is_safe("6.12.117+deb12-cloud-amd64"));
	assert_true(kco_release_is_safe("5.14.0-362.8.1.el9_3.x86_64"));
}

static bool debuginfod_is_loaded(void)
{
	void *lib = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_NOLOAD);

	if (lib)
		dlclose(lib);
	return lib != NULL;
}

static bool fetch_progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)what;
	(void)done;
	(void)total;
	++*(unsigned *)arg;
	return true;
}

static void test_debuginfo__debuginfod_only_when_asked_for(void **state)
{
	unsigned told = 0;
	struct kco_debuginfo_request req = { .debug_dir = sample_path("none"),
					     .build_id = sample_id,
					     .build_id_size = 20,
					     .progress = fetch_progress,
					     .progress_arg = &told };
	struct kco_debuginfo *di;
	struct kco_err err;
	char url[128];
	void *lib;

	(void)state;
	assert_int_equal(open_status(&req, &err), KCO_E_NOSYM);
	assert_false(debuginfod_is_loaded());

	lib = dlopen("libdebuginfod.so.1", RTLD_NOW);
	assert_non_null(lib); // libdebuginfod1, see scripts/packages.txt
	// The client takes file: addresses, so no server is needed.
	sample_copy(SAMPLE("kernel-5"), "srv/buildid/" SAMPLE_ID_HEX "/debuginfo");
	snprintf(url, sizeof(url), "file://%s/srv", sample_scratch);
	setenv("DEBUGINFOD_URLS", url, 1);
	setenv("DEBUGINFOD_CACHE_PATH", sample_path("fetched"), 1);
	if (kco_debuginfo_open_new(&req, &di, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(kco_debuginfo_build_id(di), SAMPLE_ID_HEX);
	assert_non_null(strstr(kco_debuginfo_path(di), "/fetched/"));
	kco_debuginfo_free(di);

	// What it serves is checked like everything else.
	sample_copy(SAMPLE("kernel-other"), "srv/buildid/" SAMPLE_ID_HEX "/debuginfo");
	setenv("DEBUGINFOD_CACHE_PATH", sample_path("fetched2"), 1);
	assert_int_equal(open_status(&req, &err), KCO_E_NOSYM);
	assert_msg(&err, "is not the dump's");
	// And what it has not is an ordinary miss.
	snprintf(url, sizeof(url), "file://%s/nothing", sample_scratch);
	setenv("DEBUGINFOD_URLS", url, 1);
	setenv("DEBUGINFOD_CACHE_PATH", sample_path("fetched3"), 1);
	assert_int_equal(open_status(&req, &err), KCO_E_NOSYM);
	assert_msg(&err, "debuginfod");
	unsetenv("DEBUGINFOD_URLS");
	dlclose(lib);
}

static void test_debuginfo__stripped_file_has_symbols_and_says_what_is_missing(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-stripped"));
	struct kco_symbol sym = sample_symbol(di, "sample_plain");
	struct kco_err err = KCO_ERR_INIT;
	struct kco_source_line row;
	struct kco_types *types;
	size_t n;

	(void)state;
	assert_false(kco_debuginfo_has_dwarf(di));
	assert_int_equal(kco_debuginfo_types_new(di, &types, &err), KCO_E_NOTYPE);
	assert_int_equal(err.code, KCO_E_NOTYPE);
	assert_msg(&err, "no debug information (stripped)");
	assert_int_equal(kco_debuginfo_lines(di, sym.addr, &row, 1, &n, &err), KCO_E_NOSYM);
	assert_msg(&err, "no debug information (stripped)");
	kco_debuginfo_free(di);
}

static bool count_symbol(void *arg, const struct kco_symbol *sym)
{
	struct kco_symbol *last = arg;

	assert_true(sym->addr >= last->addr);
	assert_non_null(sym->name);
	last->addr = sym->addr;
	return ++last->size < 10;
}

static void test_debuginfo__symbols_by_address_and_name(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_err err = KCO_ERR_INIT;
	struct kco_symbol_source *src;
	struct kco_symbol sym, at, walk = { 0 };

	(void)state;
	assert_int_equal(kco_debuginfo_symbols_new(di, &src, &err), KCO_OK);
	assert_int_equal(src->ops->by_name(src, "sample_variable", &sym, &err), KCO_OK);
	assert_int_equal(sym.type, 'B');
	assert_int_equal(src->ops->by_name(src, "sample_plain", &sym, &err), KCO_OK);
	assert_int_equal(sym.type, 'T');
	assert_true(sym.size > 0);
	// Of three names for this address the kernel would show the one that sorts first and is not weak.
	assert_int_equal(src->ops->by_addr(src, sym.addr + 1, &at, &err), KCO_OK);
	assert_int_equal(at.addr, sym.addr);
	assert_string_equal(at.name, "pc_plain");
	assert_int_equal(src->ops->by_name(src, "a_weak_sample", &at, &err), KCO_OK);
	assert_int_equal(at.type, 'W');
	// A label has no size of its own: up to the next one.
	assert_int_equal(src->ops->by_name(src, "cfi_pushed", &at, &err), KCO_OK);
	assert_int_equal(at.size, 3);
	assert_int_equal(src->ops->by_name(src, "no_such_symbol", &at, &err), KCO_E_NOSYM);
	assert_msg(&err, "no_such_symbol");
	assert_int_equal(src->ops->by_addr(src, 0x1000, &at, &err), KCO_E_NOSYM);
	assert_int_equal(src->ops->by_addr(src, UINT64_MAX, &at, &err), KCO_E_NOSYM);
	assert_int_equal(src->ops->each(src, count_symbol, &walk, &err), KCO_OK);
	assert_int_equal(walk.size, 10);
	src->ops->free(src);
	kco_debuginfo_free(di);
}

static void test_debuginfo__bias_moves_addresses_but_no_offsets(void **state)
{
	const uint64_t bias = 0x1e000000;
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_symbol plain = sample_symbol(di, "sample_plain"), percpu = sample_symbol(di, "sample_percpu"),
			  line = sample_symbol(di, "line_plain"), at;
	struct kco_symbol_source *src;

	(void)state;
	assert_int_equal(percpu.addr, 64);
	assert_int_equal(percpu.type, 'A');
	kco_debuginfo_set_bias(di, bias);
	assert_int_equal(sample_symbol(di, "sample_plain").addr, plain.addr + bias);
	assert_int_equal(sample_symbol(di, "sample_percpu").addr, percpu.addr);
	assert_int_equal(sample_symbol(di, "line_plain").addr, line.addr);
	assert_int_equal(kco_debuginfo_symbols_new(di, &src, NULL), KCO_OK);
	assert_int_equal(src->ops->by_addr(src, plain.addr + bias, &at, NULL), KCO_OK);
	assert_int_equal(at.addr, plain.addr + bias);
	assert_int_equal(src->ops->by_addr(src, plain.addr, &at, NULL), KCO_E_NOSYM);
	src->ops->free(src);
	kco_debuginfo_free(di);
}

/* The cache */

static const char *cache_file(const char *suffix)
{
	char name[256];
	struct stat sb;

	assert_int_equal(stat(SAMPLE("kernel-5"), &sb), 0);
	snprintf(name, sizeof(name), "cache/kcodbg/" SAMPLE_ID_HEX "-%lld.%s", (long long)sb.st_size, suffix);
	return sample_path(name);
}

static void test_debuginfo__cache_gives_back_what_was_stored(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	size_t size = 1;
	char *got;

	(void)state;
	assert_null(kco_debuginfo_cache_load_new(di, "test", 1, &size));
	kco_debuginfo_cache_store(di, "test", 1, "hello", 6);
	got = kco_debuginfo_cache_load_new(di, "test", 1, &size);
	assert_non_null(got);
	assert_int_equal(size, 6);
	assert_string_equal(got, "hello");
	free(got);
	assert_null(kco_debuginfo_cache_load_new(di, "test", 2, &size));
	assert_int_equal(access(cache_file("test"), R_OK), 0);
	// The same build-id on a file of another size (stripped, say) is another file.
	kco_debuginfo_free(di);
	di = sample_open(SAMPLE("kernel-stripped"));
	assert_null(kco_debuginfo_cache_load_new(di, "test", 1, &size));
	kco_debuginfo_free(di);
	// Without a build-id there is no telling files apart.
	di = sample_open(SAMPLE("kernel-noid"));
	kco_debuginfo_cache_store(di, "test", 1, "hello", 6);
	assert_null(kco_debuginfo_cache_load_new(di, "test", 1, &size));
	kco_debuginfo_free(di);
}

static void test_debuginfo__cache_damaged_anywhere_is_not_there(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	unsigned char *bytes;
	size_t n, size;

	(void)state;
	kco_debuginfo_cache_store(di, "test", 1, "hello", 6);
	bytes = sample_read(cache_file("test"), &n);
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= 0x10;
		sample_write(strstr(cache_file("test"), "cache/"), bytes, n);
		assert_null(kco_debuginfo_cache_load_new(di, "test", 1, &size));
		bytes[i] ^= 0x10;
		sample_write(strstr(cache_file("test"), "cache/"), bytes, i);
		assert_null(kco_debuginfo_cache_load_new(di, "test", 1, &size));
	}
	free(bytes);
	kco_debuginfo_free(di);
}

static void test_debuginfo__cache_does_not_follow_links(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	size_t size;
	void *got;

	(void)state;
	kco_debuginfo_cache_store(di, "test", 1, "hello", 6);
	assert_int_equal(rename(cache_file("test"), sample_path("elsewhere")), 0);
	assert_int_equal(symlink(sample_path("elsewhere"), cache_file("test")), 0);
	assert_null(kco_debuginfo_cache_load_new(di, "test", 1, &size));
	// Stored anew it takes the link's place and leaves alone what that pointed to.
	kco_debuginfo_cache_store(di, "test", 1, "other", 6);
	got = kco_debuginfo_cache_load_new(di, "test", 1, &size);
	assert_non_null(got);
	free(got);
	assert_int_equal(unlink(cache_file("test")), 0);
	assert_int_equal(rename(sample_path("elsewhere"), cache_file("test")), 0);
	got = kco_debuginfo_cache_load_new(di, "test", 1, &size);
	assert_string_equal(got, "hello");
	free(got);
	kco_debuginfo_free(di);
}

static void test_debuginfo__nowhere_to_keep_a_cache_is_no_error(void **state)
{
	static const char *const homes[] = { "/proc/nowhere", "relative", "/dev/null" };
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	size_t size;

	(void)state;
	setenv("HOME", "/proc/nowhere", 1);
	assert_int_equal(chdir(sample_scratch), 0);
	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
		setenv("XDG_CACHE_HOME", homes[i], 1);
		kco_debuginfo_cache_store(di, "test", 1, "hello", 6);
		assert_null(kco_debuginfo_cache_load_new(di, "test", 1, &size));
	}
	assert_int_not_equal(access("relative", F_OK), 0);
	assert_int_equal(chdir("/"), 0);
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	kco_debuginfo_cache_store(di, "test", 1, "hello", 6);
	setenv("HOME", sample_scratch, 1);
	assert_null(kco_debuginfo_cache_load_new(di, "test", 1, &size));
	kco_debuginfo_cache_store(di, "test", 1, "hello", 6);
	assert_int_equal(access(sample_path(".cache/kcodbg"), R_OK), 0);
	kco_debuginfo_free(di);
}

static void test_debuginfo__every_allocation_may_fail(void **state)
{
	struct kco_debuginfo_request req = {
		.debug_dir = sample_scratch, .release = "6.1.0-sample", .build_id = sample_id, .build_id_size = 20
	};
	struct kco_symbol_source *src;
	struct kco_debuginfo *di;
	struct kco_symbol sym;
	bool done = false;

	(void)state;
	sample_copy(SAMPLE("kernel-5"), "boot/vmlinux-6.1.0-sample");
	for (long n = 1; !done; n++) {
		struct kco_err err = KCO_ERR_INIT;

		assert_true(n < 1000);
		unit_fault_arm(n);
		if (!kco_debuginfo_open_new(&req, &di, &err)) {
			if (!kco_debuginfo_symbols_new(di, &src, &err)) {
				if (src->ops->by_name(src, "sample_plain", &sym, &err))
					assert_int_equal(err.code, KCO_E_NOMEM);
				src->ops->free(src);
			}
			kco_debuginfo_free(di);
		}
		done = !unit_fault_fired();
		assert_true(!done || !err.code);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(test_debuginfo__##name, sample_setup, sample_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(given_file_is_identified),
		T(another_build_id_names_both),
		T(what_is_no_vmlinux_is_told_apart),
		T(a_core_dump_is_not_taken_for_a_vmlinux),
		T(a_file_cut_off_anywhere_is_refused),
		T(search_knows_the_distributions_places),
		T(search_passes_over_other_builds),
		T(search_says_where_it_looked),
		T(a_release_cannot_leave_its_folder),
		T(debuginfod_only_when_asked_for),
		T(stripped_file_has_symbols_and_says_what_is_missing),
		T(symbols_by_address_and_name),
		T(bias_moves_addresses_but_no_offsets),
		T(cache_gives_back_what_was_stored),
		T(cache_damaged_anywhere_is_not_there),
		T(cache_does_not_follow_links),
		T(nowhere_to_keep_a_cache_is_no_error),
		T(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
