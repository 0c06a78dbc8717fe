// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Core files of a process made by hand, read back with libelf: which memory is
 * in which segment, more segments than a 16-bit number counts, areas that lie,
 * and files that cannot be written to their end.
 */
#include <kco/core.h>

#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kco/os_process.h>

#include "memimage.h"
#include "process_priv.h"

#define PAGE UINT64_C(4096)
#define ROOT 0x1000
#define DATA(n) (PAGE * (32 + (n)))
#define AREA UINT64_C(0x400000)
#define SEGMENTS_MAX 16

struct fixture {
	struct memimage m;
	struct kco_session s;
	struct kco_process *p;
	struct kco_vma *areas;
	size_t nr_areas;
	bool torn, no_threads, narrow;
	unsigned cancel_after; /* areas; 0 never */
	struct kco_core_stats stats;
	struct kco_err err;
	const char *path;
	/* What libelf said of the file. */
	int fd;
	Elf *elf;
	size_t nr_headers;
	GElf_Phdr notes, loads[SEGMENTS_MAX];
};

static struct fixture *running;

static enum kco_status fake_tasks(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_task *task),
				  void *arg, struct kco_err *err)
{
	static const struct kco_task task = { .addr = 0x10, .tgid = 7, .tid = 7, .mm = 0x1000 };
	enum kco_status st = add(arg, &task);

	(void)s;
	return st ? kco_fail(err, st, "no more tasks") : KCO_OK;
}

static enum kco_status fake_space(struct kco_process *p, struct kco_space *ret, struct kco_err *err)
{
	const struct kco_arch_ops *arch = p->session->arch;

	(void)err;
	ret->arch = arch;
	ret->form = arch->paging[0];
	ret->root = KCO_PADDR(ROOT);
	ret->addr_mask = arch->phys_mask;
	return KCO_OK;
}

static enum kco_status fake_vmas(struct kco_process *p, enum kco_status (*add)(void *arg, const struct kco_vma *vma),
				 void *arg, struct kco_err *torn, struct kco_err *err)
{
	enum kco_status st = KCO_OK;

	(void)p;
	for (size_t i = 0; i < running->nr_areas && !st; i++)
		st = add(arg, &running->areas[i]);
	if (running->torn)
		(void)kco_fail(torn, KCO_E_CORRUPT, "the list of areas loops");
	return st ? kco_fail(err, st, "out of memory") : KCO_OK;
}

/* Pages that the tables do not give: zeros of areas of the heap's kind, else they are swapped out, those at odd numbers
 * readable. */
static enum kco_status fake_page(struct kco_process *p, uint64_t va, struct kco_page *ret, struct kco_err *err)
{
	const struct kco_vma *vma = kco_vma_at(p, va);

	(void)err;
	*ret = (struct kco_page){ .state = KCO_PAGE_ZRAM, .va = va & ~(PAGE - 1), .readable = va / PAGE & 1 };
	if (vma && vma->kind == KCO_VMA_HEAP)
		ret->state = KCO_PAGE_ZERO;
	ret->status = ret->readable ? KCO_OK : KCO_E_UNMAPPED;
	ret->why = ret->readable ? NULL : "its slot is empty";
	return KCO_OK;
}

static enum kco_status fake_page_read(struct kco_process *p, const struct kco_page *page, void *buf,
				      struct kco_err *err)
{
	(void)p;
	(void)page;
	(void)err;
	memset(buf, 'Z', PAGE);
	return KCO_OK;
}

static enum kco_status fake_notes(struct kco_process *p,
				  enum kco_status (*add)(void *arg, const char *name, uint32_t type, const void *desc,
							 size_t n),
				  void *arg, bool *narrow, struct kco_core_stats *stats, struct kco_err *err)
{
	static uint8_t large[9999];
	enum kco_status st;

	(void)p;
	if (running->no_threads)
		return kco_fail(err, KCO_E_RANGE, "no thread with known registers");
	*narrow = running->narrow;
	stats->threads = 1;
	st = add(arg, "CORE", NT_PRSTATUS, "twelve bytes", 12);
	if (!st)
		st = add(arg, "CORE", NT_SIGINFO, "odd", 3);
	if (!st)
		st = add(arg, "LINUX", NT_X86_XSTATE, large, sizeof(large));
	return st ? st : add(arg, "CORE", NT_AUXV, "", 0);
}

static const struct kco_os_process_ops fake_process = {
	.space = fake_space,
	.vmas = fake_vmas,
	.page = fake_page,
	.page_read = fake_page_read,
	.core_notes = fake_notes,
};
static const struct kco_os_ops fake_os = { .name = "fake", .process = &fake_process, .tasks = fake_tasks };

static void fake_progress(void *arg, const struct kco_progress *progress)
{
	struct fixture *f = arg;

	if (f->cancel_after && progress->done == f->cancel_after)
		kco_session_cancel(&f->s);
}

static void fixture_init(struct fixture *f)
{
	const struct kco_lazy there = { .tried = true, .err = KCO_ERR_INIT };

	memset(f, 0, sizeof(*f));
	running = f;
	f->m.next_table = 2;
	f->err = KCO_ERR_INIT;
	f->path = unit_path();
	f->fd = -1;
	kco_arena_init(&f->s.arena);
	f->s.os = &fake_os;
	f->s.arch = kco_arch_by_machine(EM_X86_64);
	f->s.lazy_os = f->s.lazy_symbols = f->s.lazy_types = there;
	f->s.opts.progress = fake_progress;
	f->s.opts.progress_arg = f;
}

static void map(struct fixture *f, uint64_t va, uint64_t leaf)
{
	memimage_map_at(&f->m, ROOT, 4, va, leaf, 1);
}

static void fixture_open(struct fixture *f, struct kco_vma *areas, size_t n)
{
	f->areas = areas;
	f->nr_areas = n;
	memimage_open(&f->m);
	assert_int_equal(kco_mem_new(f->m.image, &f->s.mem, NULL), KCO_OK);
	f->s.image = f->m.image;
	assert_int_equal(kco_process_get(&f->s, 7, &f->p, NULL), KCO_OK);
}

static enum kco_status save(struct fixture *f, bool replace)
{
	f->err = KCO_ERR_INIT;
	return kco_core_write(f->p, f->path, replace, &f->stats, &f->err);
}

static void fixture_fini(struct fixture *f)
{
	if (f->elf)
		elf_end(f->elf);
	if (f->fd >= 0)
		close(f->fd);
	unlink(f->path);
	kco_session_processes_fini(&f->s);
	free(f->s.tasks);
	free(f->s.task_by_tid);
	free(f->s.task_by_addr);
	kco_arena_fini(&f->s.arena);
	kco_mem_free(f->s.mem);
	kco_image_free(f->m.image);
}

/* The file as libelf sees it: its notes and the first segments. */
static void read_back(struct fixture *f)
{
	GElf_Ehdr head;
	GElf_Phdr ph;
	struct stat st;

	f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
	assert_true(f->fd >= 0 && !fstat(f->fd, &st));
	assert_int_equal(st.st_mode & 0777, 0600);
	elf_version(EV_CURRENT);
	f->elf = elf_begin(f->fd, ELF_C_READ, NULL);
	assert_non_null(f->elf);
	assert_non_null(gelf_getehdr(f->elf, &head));
	assert_int_equal(head.e_type, ET_CORE);
	assert_int_equal(elf_getphdrnum(f->elf, &f->nr_headers), 0);
	assert_non_null(gelf_getphdr(f->elf, 0, &f->notes));
	assert_int_equal(f->notes.p_type, PT_NOTE);
	for (size_t i = 1; i < f->nr_headers; i++) {
		assert_non_null(gelf_getphdr(f->elf, (int)i, &ph));
		assert_int_equal(ph.p_type, PT_LOAD);
		assert_true(ph.p_offset % PAGE == 0 && ph.p_memsz);
		assert_true(ph.p_filesz == ph.p_memsz || !ph.p_filesz);
		assert_true(ph.p_offset + ph.p_filesz <= (uint64_t)st.st_size);
		if (i <= SEGMENTS_MAX)
			f->loads[i - 1] = ph;
	}
}

/* Segment @i; each of its pages holds one byte, that of @bytes. */
static void assert_load(const struct fixture *f, unsigned i, uint64_t va, unsigned flags, const char *bytes)
{
	const GElf_Phdr *ph = &f->loads[i];
	uint8_t page[PAGE];

	assert_true(ph->p_vaddr == va);
	assert_int_equal(ph->p_flags, flags);
	assert_true(ph->p_memsz == strlen(bytes) * PAGE && ph->p_filesz == ph->p_memsz);
	for (uint64_t k = 0; bytes[k]; k++) {
		assert_int_equal(pread(f->fd, page, PAGE, (off_t)(ph->p_offset + k * PAGE)), PAGE);
		assert_int_equal(page[0], bytes[k] == '0' ? 0 : bytes[k]);
		assert_memory_equal(page, page + 1, PAGE - 1);
	}
}

static void assert_nothing_left(const struct fixture *f)
{
	char pattern[512];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s*", f->path);
	assert_int_equal(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
}

#define RW (KCO_VMA_READ | KCO_VMA_WRITE)

static void test_core__present_zero_fetched_and_absent_pages(void **state)
{
	static const struct kco_file file = { .path = "/lib/x" };
	struct kco_vma areas[] = {
		{ .start = AREA, .end = AREA + 6 * PAGE, .flags = RW },
		{ .start = AREA + 6 * PAGE, .end = AREA + 10 * PAGE, .flags = KCO_VMA_READ, .file = &file },
		{ .start = AREA + 16 * PAGE,
		  .end = AREA + 18 * PAGE,
		  .flags = RW | KCO_VMA_SHARED,
		  .kind = KCO_VMA_HEAP },
		{ .start = AREA + 20 * PAGE, .end = AREA + 21 * PAGE, .flags = RW | KCO_VMA_IO },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f);
	memset(f.m.bytes + DATA(0), 'a', PAGE);
	memset(f.m.bytes + DATA(1), 'b', PAGE);
	memset(f.m.bytes + DATA(9), 'c', PAGE);
	memset(f.m.bytes + DATA(3), 'd', PAGE);
	f.m.missing[DATA(5) / PAGE] = 1;
	map(&f, AREA, DATA(0) | 7); // then one that was never written
	map(&f, AREA + 2 * PAGE, DATA(1) | 7);
	map(&f, AREA + 3 * PAGE, DATA(9) | 7);
	map(&f, AREA + 4 * PAGE, DATA(5) | 7); // the dump lacks it, and so has fake_page()
	map(&f, AREA + 5 * PAGE, DATA(6) | 7); // present, and zeros
	map(&f, AREA + 6 * PAGE, DATA(3) | 5); // of a file, and the next three are not mapped
	fixture_open(&f, areas, 4);
	assert_int_equal(save(&f, false), KCO_OK);
	read_back(&f);
	assert_int_equal(f.nr_headers, 1 + 5);
	assert_int_equal(f.stats.segments, 5);
	assert_load(&f, 0, AREA, PF_R | PF_W, "a0bc");
	assert_load(&f, 1, AREA + 5 * PAGE, PF_R | PF_W, "0");
	assert_load(&f, 2, AREA + 6 * PAGE, PF_R, "dZ");
	assert_load(&f, 3, AREA + 9 * PAGE, PF_R, "Z");
	assert_load(&f, 4, AREA + 16 * PAGE, PF_R | PF_W, "00");
	assert_int_equal(f.stats.absent_pages, 2);
	assert_int_equal(f.stats.pages, 6);
	assert_int_equal(f.stats.zero_pages, 4);
	assert_string_equal(f.stats.why, "0x404000: swapped out to area 0, page 0: its slot is empty");
	fixture_fini(&f);
}

static void test_core__notes_have_their_sizes_and_padding(void **state)
{
	static const struct {
		unsigned type, size;
		const char *name;
	} want[] = { { NT_PRSTATUS, 12, "CORE" },
		     { NT_SIGINFO, 3, "CORE" },
		     { NT_X86_XSTATE, 9999, "LINUX" },
		     { NT_AUXV, 0, "CORE" } };
	static struct kco_vma area = { .start = AREA, .end = AREA + PAGE, .flags = RW };

	(void)state;
	for (int narrow = 0; narrow < 2; narrow++) {
		struct fixture f;
		size_t at = 0, name, desc, i = 0;
		GElf_Nhdr note;
		Elf_Data *data;

		fixture_init(&f);
		f.narrow = narrow;
		fixture_open(&f, &area, 1);
		assert_int_equal(save(&f, false), KCO_OK);
		read_back(&f);
		assert_int_equal(gelf_getclass(f.elf), narrow ? ELFCLASS32 : ELFCLASS64);
		data = elf_getdata_rawchunk(f.elf, (int64_t)f.notes.p_offset, f.notes.p_filesz, ELF_T_NHDR);
		assert_non_null(data);
		while ((at = gelf_getnote(data, at, &note, &name, &desc)) && i < 4) {
			assert_int_equal(note.n_type, want[i].type);
			assert_int_equal(note.n_descsz, want[i].size);
			assert_string_equal((const char *)data->d_buf + name, want[i++].name);
		}
		assert_int_equal(i, 4);
		assert_load(&f, 0, AREA, PF_R | PF_W, "0");
		fixture_fini(&f);
	}
}

static void test_core__more_segments_than_pn_xnum(void **state)
{
	const size_t counts[] = { PN_XNUM - 2, PN_XNUM - 1, 70000 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct kco_vma *areas = calloc(counts[i], sizeof(*areas));
		struct fixture f;
		GElf_Ehdr head;
		GElf_Phdr last;
		bool many;

		assert_non_null(areas);
		for (size_t k = 0; k < counts[i]; k++)
			areas[k] = (struct kco_vma){ .start = AREA + 2 * k * PAGE,
						     .end = AREA + (2 * k + 1) * PAGE,
						     .flags = RW };
		fixture_init(&f);
		fixture_open(&f, areas, counts[i]);
		assert_int_equal(save(&f, false), KCO_OK);
		read_back(&f);
		assert_int_equal(f.nr_headers, counts[i] + 1);
		gelf_getehdr(f.elf, &head);
		many = counts[i] + 1 >= PN_XNUM;
		assert_int_equal(head.e_phnum, many ? PN_XNUM : counts[i] + 1);
		assert_int_equal(head.e_shnum, many); // whose sh_info counts, also when the number would just fit
		assert_int_equal(head.e_shoff != 0, many);
		assert_non_null(gelf_getphdr(f.elf, (int)counts[i], &last));
		assert_true(last.p_vaddr == areas[counts[i] - 1].start && last.p_memsz == PAGE);
		fixture_fini(&f);
		free(areas);
	}
}

static void test_core__areas_that_lie(void **state)
{
	const uint64_t huge = UINT64_C(1) << 46;
	struct kco_vma areas[] = {
		{ .start = AREA + 8 * PAGE, .end = AREA, .flags = RW }, // ends before it starts
		{ .start = AREA, .end = AREA, .flags = RW },		// empty
		{ .start = AREA + 1, .end = AREA + PAGE, .flags = RW }, // off a border
		{ .start = AREA, .end = AREA + 2 * PAGE, .flags = RW },
		{ .start = AREA + PAGE, .end = AREA + 3 * PAGE, .flags = RW }, // overlaps
		{ .start = huge - PAGE, .end = huge, .flags = RW },
		{ .start = huge, .end = 2 * huge, .flags = RW },
		{ .start = -UINT64_C(1) << 47, .end = -PAGE, .flags = RW }, // the kernel's half
	};
	struct fixture f;
	struct stat st;

	(void)state;
	fixture_init(&f);
	f.torn = true;
	fixture_open(&f, areas, sizeof(areas) / sizeof(*areas));
	assert_int_equal(save(&f, false), KCO_OK);
	read_back(&f);
	assert_int_equal(f.nr_headers, 1 + 4);
	assert_load(&f, 0, AREA, PF_R | PF_W, "00");
	assert_load(&f, 1, AREA + PAGE, PF_R | PF_W, "00");
	assert_load(&f, 2, huge - PAGE, PF_R | PF_W, "0");
	// As large as an address space: memory, but no bytes of the file.
	assert_true(f.loads[3].p_vaddr == huge && f.loads[3].p_memsz == huge);
	assert_int_equal(f.loads[3].p_filesz, 0);
	assert_true(!fstat(f.fd, &st) && st.st_size < 64 * (off_t)PAGE);
	assert_true(f.stats.areas_lost);
	assert_string_equal(f.stats.why, "the list of areas loops");
	fixture_fini(&f);
}

static void test_core__a_full_disk_leaves_no_file(void **state)
{
	struct kco_vma area = { .start = AREA, .end = AREA + 24 * PAGE, .flags = RW };
	const rlim_t limits[] = { 1, PAGE, PAGE + 100, 4 * PAGE + 1, 20 * PAGE };
	struct rlimit was, limit;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		enum kco_status st;
		struct fixture f;

		fixture_init(&f);
		for (unsigned k = 0; k < 24; k++) {
			memset(f.m.bytes + DATA(k), 0x33, PAGE);
			map(&f, AREA + k * PAGE, DATA(k) | 7);
		}
		fixture_open(&f, &area, 1);
		limit = (struct rlimit){ limits[i], was.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		st = save(&f, false);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		assert_int_equal(st, KCO_E_IO);
		assert_msg(&f.err, "writing it: File too large");
		assert_nothing_left(&f);
		fixture_fini(&f);
	}
}

static void test_core__cancelled_in_the_middle_leaves_no_file(void **state)
{
	struct kco_vma areas[8];
	struct fixture f;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		areas[i] =
			(struct kco_vma){ .start = AREA + 2 * i * PAGE, .end = AREA + (2 * i + 1) * PAGE, .flags = RW };
	fixture_init(&f);
	f.cancel_after = 5;
	fixture_open(&f, areas, 8);
	assert_int_equal(save(&f, false), KCO_E_CANCELLED);
	assert_nothing_left(&f);
	fixture_fini(&f);
}

static void test_core__a_file_that_exists_is_kept_without_replace(void **state)
{
	struct kco_vma area = { .start = AREA, .end = AREA + PAGE, .flags = RW };
	struct fixture f;
	char text[8] = "";
	int fd;

	(void)state;
	fixture_init(&f);
	f.path = unit_file("mine", 4);
	fixture_open(&f, &area, 1);
	assert_int_equal(save(&f, false), KCO_E_USAGE);
	assert_msg(&f.err, "exists");
	f.no_threads = true; // nor by one that fails
	assert_int_equal(save(&f, true), KCO_E_RANGE);
	fd = open(f.path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, sizeof(text)), 4);
	assert_string_equal(text, "mine");
	close(fd);
	f.no_threads = false;
	assert_int_equal(save(&f, true), KCO_OK);
	read_back(&f);
	assert_int_equal(f.nr_headers, 2);
	fixture_fini(&f);
}

static void test_core__memory_that_runs_out_is_an_error_and_leaves_no_file(void **state)
{
	struct kco_vma area = { .start = AREA, .end = AREA + 2 * PAGE, .flags = RW };

	(void)state;
	for (long n = 1;; n++) {
		enum kco_status st;
		struct fixture f;
		bool fired;

		fixture_init(&f);
		map(&f, AREA, DATA(0) | 7);
		fixture_open(&f, &area, 1);
		unit_fault_arm(n);
		st = save(&f, false);
		fired = unit_fault_fired();
		if (st) {
			assert_int_equal(st, KCO_E_NOMEM);
			assert_nothing_left(&f);
		}
		fixture_fini(&f);
		if (!fired) {
			assert_int_equal(st, KCO_OK);
			break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_core__present_zero_fetched_and_absent_pages),
		cmocka_unit_test(test_core__notes_have_their_sizes_and_padding),
		cmocka_unit_test(test_core__more_segments_than_pn_xnum),
		cmocka_unit_test(test_core__areas_that_lie),
		cmocka_unit_test(test_core__a_full_disk_leaves_no_file),
		cmocka_unit_test(test_core__cancelled_in_the_middle_leaves_no_file),
		cmocka_unit_test(test_core__a_file_that_exists_is_kept_without_replace),
		cmocka_unit_test(test_core__memory_that_runs_out_is_an_error_and_leaves_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
