// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of --sysroot: nothing that a dump names leads out of the directory, and
 * a file is the crashed machine's only when its build-id and size are.
 */
#include "sysroot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kco/io.h>
#include <kco/os_process.h>

#include "process_priv.h"
#include "uelfmake.h"
#include "unit.h"

#define BAD UINT64_C(0xbad) /* the mapping of a file whose header the dump lacks */

static struct uelfmake elf;

/* The page cache of the dump: the file as it was made. */
static enum kco_status fake_file_read(struct kco_session *s, const struct kco_file *file, uint64_t off, void *buf,
				      size_t n, struct kco_err *err)
{
	(void)s;
	if (file->mapping == BAD)
		return kco_fail(err, KCO_E_UNMAPPED, "not in memory");
	if (off > elf.file.n || n > elf.file.n - off)
		return kco_fail(err, KCO_E_RANGE, "beyond the end");
	memcpy(buf, elf.file.p + off, n);
	return KCO_OK;
}

static const struct kco_os_process_ops fake_process = { .file_read = fake_file_read };
static const struct kco_os_ops fake_os = { .name = "fake", .process = &fake_process };

struct root {
	char dir[96]; /* the sysroot; its parent has a file "outside" */
	const char *outside;
	struct kco_session s;
};

static void root_write(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static const char *root_path(const struct root *r, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	return path;
}

static int root_setup(void **state)
{
	static const struct uelfmake_sym none = { 0 };
	struct root *r = calloc(1, sizeof(*r));

	elf = (struct uelfmake){ 0 };
	uelfmake(&elf, &none, 0);
	r->outside = unit_file(elf.file.p, elf.file.n);
	snprintf(r->dir, sizeof(r->dir), "%s", unit_path());
	assert_int_equal(mkdir(r->dir, 0700), 0);
	r->s.os = &fake_os;
	r->s.opts.sysroot = r->dir;
	kco_arena_init(&r->s.arena);
	*state = r;
	return 0;
}

static const char *const root_names[] = { "lib", "link", "relative", "within", "fifo", "folder" };

static int root_teardown(void **state)
{
	struct root *r = *state;

	for (size_t i = 0; i < sizeof(root_names) / sizeof(*root_names); i++)
		(void)remove(root_path(r, root_names[i]));
	kco_session_sysroot_fini(&r->s);
	kco_arena_fini(&r->s.arena);
	free(elf.file.p);
	free(r);
	return 0;
}

/* What becomes of the page at @off of the file named @path. */
static struct kco_page page_at(struct root *r, struct kco_file *file, const char *path, uint64_t off)
{
	static struct kco_vma vma;
	static uint64_t mapping = 0x1000;
	struct kco_page page = { .state = KCO_PAGE_FILE, .status = KCO_E_NOT_SAVED, .file_offset = off };

	file->path = path;
	if (!file->mapping)
		file->mapping = mapping += 8;
	if (!file->size)
		file->size = elf.file.n;
	vma.file = file;
	page.vma = &vma;
	kco_sysroot_page(&r->s, &page);
	return page;
}

static void refused(struct root *r, const char *path, const char *why)
{
	struct kco_file file = { 0 };
	struct kco_page page = page_at(r, &file, path, 0);
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[4096];

	assert_int_equal(page.state, KCO_PAGE_FILE);
	assert_false(page.readable);
	assert_non_null(page.why);
	if (!strstr(page.why, why))
		fail_msg("%s: \"%s\" is without \"%s\"", path, page.why, why);
	assert_int_not_equal(kco_sysroot_read(&r->s, &page, buf, &err), KCO_OK);
}

static void test_sysroot__the_machines_own_file_is_read(void **state)
{
	struct root *r = *state;
	struct kco_file file = { 0 };
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[4096];
	struct kco_page page;
	uint64_t last = elf.file.n & ~UINT64_C(4095);

	root_write(root_path(r, "lib"), elf.file.p, elf.file.n);
	page = page_at(r, &file, "/lib", 0x1000);
	assert_int_equal(page.state, KCO_PAGE_SYSROOT);
	assert_true(page.readable);
	assert_null(page.why);
	assert_int_equal(kco_sysroot_read(&r->s, &page, buf, &err), KCO_OK);
	assert_memory_equal(buf, elf.file.p + 0x1000, 4096);
	// The last page is filled up with zeros.
	page = page_at(r, &file, "/lib", last);
	memset(buf, 0xff, sizeof(buf));
	assert_int_equal(kco_sysroot_read(&r->s, &page, buf, &err), KCO_OK);
	assert_memory_equal(buf, elf.file.p + last, elf.file.n - last);
	for (size_t i = elf.file.n - last; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
	// Behind it there is nothing.
	page = page_at(r, &file, "/lib", last + 4096);
	assert_int_equal(kco_sysroot_read(&r->s, &page, buf, &err), KCO_E_TRUNCATED);
}

static void test_sysroot__links_end_within(void **state)
{
	struct root *r = *state;
	struct kco_file file = { 0 };
	char up[256];

	// All three are the very file that is asked for, on this machine.
	assert_int_equal(symlink(r->outside, root_path(r, "link")), 0);
	refused(r, "/link", "No such file");
	snprintf(up, sizeof(up), "..%s", strrchr(r->outside, '/'));
	assert_int_equal(symlink(up, root_path(r, "relative")), 0);
	refused(r, "/relative", "No such file");
	refused(r, r->outside, "No such file");
	// An absolute link begins at the sysroot, as it did on the machine.
	root_write(root_path(r, "lib"), elf.file.p, elf.file.n);
	assert_int_equal(symlink("/lib", root_path(r, "within")), 0);
	assert_int_equal(page_at(r, &file, "/within", 0).state, KCO_PAGE_SYSROOT);
}

static void test_sysroot__dots_do_not_lead_out(void **state)
{
	struct root *r = *state;
	char path[256];

	snprintf(path, sizeof(path), "/..%s", strrchr(r->outside, '/'));
	assert_int_equal(access(root_path(r, path), R_OK), 0);
	refused(r, path, "No such file");
	snprintf(path, sizeof(path), "/../../../../..%s", r->outside);
	refused(r, path, "No such file");
}

static void test_sysroot__only_regular_files(void **state)
{
	struct root *r = *state;

	assert_int_equal(mkfifo(root_path(r, "fifo"), 0600), 0);
	refused(r, "/fifo", "is no regular file");
	assert_int_equal(mkdir(root_path(r, "folder"), 0700), 0);
	refused(r, "/folder", "is no regular file");
	refused(r, "/", "is no regular file");
	refused(r, "/nothing", "No such file");
	refused(r, "relative", "no name");
}

static void test_sysroot__another_file_by_that_name(void **state)
{
	struct root *r = *state;
	struct kco_file file = { 0 };
	struct kco_page page;

	root_write(root_path(r, "lib"), elf.file.p, elf.file.n - 1);
	refused(r, "/lib", "bytes, the crashed machine's");
	elf.file.p[elf.note + 20]++; // of the description
	root_write(root_path(r, "lib"), elf.file.p, elf.file.n);
	elf.file.p[elf.note + 20]--;
	refused(r, "/lib", "another build-id");
	elf.file.p[0]++;
	root_write(root_path(r, "lib"), elf.file.p, elf.file.n);
	elf.file.p[0]--;
	refused(r, "/lib", "has no build-id");
	// Nothing to compare with.
	root_write(root_path(r, "lib"), elf.file.p, elf.file.n);
	file.mapping = BAD;
	page = page_at(r, &file, "/lib", 0);
	assert_int_equal(page.state, KCO_PAGE_FILE);
	assert_non_null(strstr(page.why, "no build-id of it to compare"));
}

static void test_sysroot__this_machines_own_names(void **state)
{
	struct root *r = *state;
	struct kco_err err = KCO_ERR_INIT;
	struct kco_io *io;

	assert_int_equal(kco_io_open_in_new(NULL, r->outside, &io, &err), KCO_OK);
	assert_int_equal(io->size, elf.file.n);
	kco_io_unref(io);
	assert_int_equal(mkfifo(root_path(r, "fifo"), 0600), 0);
	assert_int_equal(kco_io_open_in_new(NULL, root_path(r, "fifo"), &io, &err), KCO_E_BADFILE);
	assert_int_equal(kco_io_open_in_new(NULL, "/dev/null", &io, &err), KCO_E_BADFILE);
	assert_int_equal(kco_io_open_in_new(NULL, "/\x1b[31m\n\x01", &io, &err), KCO_E_IO);
	assert_int_equal(kco_io_open_in_new("/nonexistent", "/lib", &io, &err), KCO_E_IO);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, root_setup, root_teardown)
	const struct CMUnitTest tests[] = {
		T(test_sysroot__the_machines_own_file_is_read), T(test_sysroot__links_end_within),
		T(test_sysroot__dots_do_not_lead_out),		T(test_sysroot__only_regular_files),
		T(test_sysroot__another_file_by_that_name),	T(test_sysroot__this_machines_own_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
