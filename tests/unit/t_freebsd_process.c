// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FreeBSD's processes against hand-made structures: areas, names of files,
 * descriptor tables and modules, and what hostile ones do.
 */
#include "fbsdmake.h"

#include "freebsd_process.h"

#define PROC FBSD_AT(0x8000)
#define THREAD FBSD_AT(0x8100)
#define VMSPACE FBSD_AT(0x8200)
#define FILEDESC FBSD_AT(0x8400)
#define TABLE FBSD_AT(0x8500)
#define ENTRY(i) FBSD_AT(0x9000 + 0x80 * (i))
#define OBJECT(i) FBSD_AT(0xb000 + 0x80 * (i))
#define VNODE(i) FBSD_AT(0xc000 + 0x80 * (i))
#define NAME(i) FBSD_AT(0xd000 + 0x80 * (i))
#define MOUNT FBSD_AT(0xe000)
#define FILE_AT(i) FBSD_AT(0xe100 + 0x40 * (i))
#define KLD(i) FBSD_AT(0xf000 + 0x80 * (i))

/* Offsets that no real kernel has. */
enum { V_DST = 8, V_VFLAG = 24, V_MOUNT = 32, V_TYPE = 40 };
enum { NC_DVP = 8, NC_NEXT = 24, NC_FLAG = 40, NC_NLEN = 41, NC_NAME = 42 };
enum { E_LEFT = 0, E_RIGHT = 8 }; /* of trees, which have no next */
enum { E_NEXT = 8, E_START = 24, E_END = 16, E_OBJECT = 32, E_OFFSET = 40, E_FLAGS = 48, E_PROT = 52, E_INHERIT = 53 };
enum { O_TYPE = 8, O_BACKING = 16, O_BACKING_OFFSET = 24, O_HANDLE = 32 };
enum { VS_MAP = 16, MAP_HEADER = 8, MAP_NENTRIES = 72, VS_MAXSADDR = 120 };
enum { F_DATA = 0, F_VNODE = 8, F_TYPE = 16, F_FLAG = 20, F_OFFSET = 24 };
enum { L_LINK = 8, L_NAME = 24, L_ADDRESS = 32, L_SIZE = 40 };

static struct fbsd f;
static struct kco_task task;
static struct kco_process process;

/* @tree: entries of FreeBSD 13, without a list. */
static void types(bool tree)
{
	struct btfmake b;
	uint32_t u64, i32, u32, u16, u8, tqe, tqh;
	size_t n;
	void *data;

	btfmake_init(&b, NULL);
	u64 = btfmake_int(&b, "long", 8, 0, 64);
	i32 = btfmake_int(&b, "int", 4, 1, 32);
	u32 = btfmake_int(&b, "u_int", 4, 0, 32);
	u16 = btfmake_int(&b, "short", 2, 0, 16);
	u8 = btfmake_int(&b, "u_char", 1, 0, 8);
	tqe = fbsd_pair(&b, "tqe", "tqe_next", "tqe_prev", u64);
	tqh = fbsd_pair(&b, "tqh", "tqh_first", "tqh_last", u64);
	const struct fbsd_member proc[] = { { "p_fd", u64, 8 }, { "p_textvp", u64, 16 } };
	const struct fbsd_member thread[] = { { "td_proc", u64, 16 } };
	const struct fbsd_member vnode[] = { { "v_cache_dst", tqh, V_DST },
					     { "v_vflag", u32, V_VFLAG },
					     { "v_mount", u64, V_MOUNT },
					     { "v_type", u32, V_TYPE } };
	const struct fbsd_member name[] = { { "nc_dvp", u64, NC_DVP },
					    { "nc_dst", tqe, NC_NEXT },
					    { "nc_flag", u8, NC_FLAG },
					    { "nc_nlen", u8, NC_NLEN } };
	const struct fbsd_member mount[] = { { "mnt_vnodecovered", u64, 8 } };
	const struct fbsd_member object[] = { { "type", u8, O_TYPE },
					      { "backing_object", u64, O_BACKING },
					      { "backing_object_offset", u64, O_BACKING_OFFSET },
					      { "handle", u64, O_HANDLE } };
	const struct fbsd_member un[] = { { "vm_object", u64, 0 } };
	const struct fbsd_member entry[] = {
		{ tree ? "right" : "next", u64, E_NEXT },
		{ "start", u64, E_START },
		{ "end", u64, E_END },
		{ "object", FBSD_STRUCT(&b, "un", 8, un), E_OBJECT },
		{ "offset", u64, E_OFFSET },
		{ "eflags", u32, E_FLAGS },
		{ "protection", u8, E_PROT },
		{ "inheritance", u8, E_INHERIT },
		{ tree ? "left" : "prev", u64, E_LEFT },
	};
	const struct fbsd_member map[] = { { "header", FBSD_STRUCT(&b, "vm_map_entry", 56, entry), MAP_HEADER },
					   { "nentries", i32, MAP_NENTRIES } };
	const struct fbsd_member vmspace[] = { { "vm_map", FBSD_STRUCT(&b, "vm_map", 80, map), VS_MAP },
					       { "vm_maxsaddr", u64, VS_MAXSADDR } };
	const struct fbsd_member filedesc[] = {
		{ "fd_files", u64, 0 }, { "fd_cdir", u64, 16 }, { "fd_rdir", u64, 24 }, { "fd_jdir", u64, 32 }
	};
	const struct fbsd_member fdt[] = { { "fdt_nfiles", i32, 0 } };
	const struct fbsd_member fde[] = { { "fde_file", u64, 8 } };
	const struct fbsd_member file[] = { { "f_data", u64, F_DATA },
					    { "f_vnode", u64, F_VNODE },
					    { "f_type", u16, F_TYPE },
					    { "f_flag", u32, F_FLAG },
					    { "f_offset", u64, F_OFFSET } };
	const struct fbsd_member kld[] = { { "link", tqe, L_LINK },
					   { "filename", u64, L_NAME },
					   { "address", u64, L_ADDRESS },
					   { "size", u64, L_SIZE } };

	FBSD_STRUCT(&b, "proc", 32, proc);
	FBSD_STRUCT(&b, "thread", 32, thread);
	FBSD_STRUCT(&b, "vnode", 64, vnode);
	FBSD_STRUCT(&b, "namecache", 48, name);
	FBSD_STRUCT(&b, "mount", 16, mount);
	FBSD_STRUCT(&b, "vm_object", 40, object);
	FBSD_STRUCT(&b, "vmspace", 128, vmspace);
	FBSD_STRUCT(&b, "filedesc", 48, filedesc);
	FBSD_STRUCT(&b, "fdescenttbl", 8, fdt);
	FBSD_STRUCT(&b, "filedescent", 24, fde);
	FBSD_STRUCT(&b, "file", 32, file);
	FBSD_STRUCT(&b, "linker_file", 64, kld);
	data = btfmake_take(&b, &n);
	btfmake_fini(&b);
	assert_int_equal(kco_btf_new_take(data, n, NULL, 8, &f.s.types, NULL), KCO_OK);
	f.s.lazy_types = fbsd_there(KCO_OK);
}

static void vnode(int i, int type, int parent, const char *text)
{
	fbsd_put(&f, VNODE(i) + V_TYPE, (uint64_t)type, 4);
	if (!text)
		return;
	fbsd_put(&f, VNODE(i) + V_DST, NAME(i), 8);
	fbsd_put(&f, NAME(i) + NC_DVP, VNODE(parent), 8);
	fbsd_put(&f, NAME(i) + NC_NLEN, strlen(text), 1);
	fbsd_chars(&f, NAME(i) + NC_NAME, text);
}

/* vnodes: 0 the root, 1 /usr, 2 the root of what is mounted there, 3 /usr/bin, 4 /usr/bin/sh, 5 without a name. */
static void setup_kernel(bool tree)
{
	fbsd_init(&f, false, 1);
	types(tree);
	fbsd_variable(&f, "rootvnode", VNODE(0), 8);
	vnode(0, 2, 0, NULL);
	vnode(1, 2, 0, "usr");
	vnode(2, 2, 0, NULL);
	fbsd_put(&f, VNODE(2) + V_VFLAG, 1, 4);
	fbsd_put(&f, VNODE(2) + V_MOUNT, MOUNT, 8);
	fbsd_put(&f, MOUNT + 8, VNODE(1), 8);
	vnode(3, 2, 2, "bin");
	vnode(4, 1, 3, "sh");
	vnode(5, 1, 0, NULL);
	fbsd_put(&f, THREAD + 16, PROC, 8);
	fbsd_put(&f, PROC + 8, FILEDESC, 8);
	fbsd_put(&f, PROC + 16, VNODE(4), 8);
	fbsd_put(&f, FILEDESC, TABLE, 8);
	fbsd_put(&f, FILEDESC + 16, VNODE(3), 8);
	fbsd_put(&f, FILEDESC + 24, VNODE(0), 8);
	task = (struct kco_task){ .addr = THREAD, .tid = 100100, .tgid = 7, .mm = VMSPACE };
	process = (struct kco_process){ .session = &f.s, .pid = 7, .leader = &task, .mm = VMSPACE };
}

static void setup(void)
{
	setup_kernel(false);
}

static void done(void)
{
	freebsd_process_fini(&f.s);
	fbsd_fini(&f);
}

static void entry(int i, uint64_t next, uint64_t start, uint64_t end, uint64_t object, uint64_t flags)
{
	fbsd_put(&f, ENTRY(i) + E_NEXT, next, 8);
	fbsd_put(&f, ENTRY(i) + E_START, start, 8);
	fbsd_put(&f, ENTRY(i) + E_END, end, 8);
	fbsd_put(&f, ENTRY(i) + E_OBJECT, object, 8);
	fbsd_put(&f, ENTRY(i) + E_FLAGS, flags, 4);
	fbsd_put(&f, ENTRY(i) + E_PROT, 5, 1);
	fbsd_put(&f, ENTRY(i) + E_INHERIT, 1, 1);
}

/* A file mapped privately (a shadow of its object), anonymous memory, the stack. */
static void areas(void)
{
	const uint64_t header = VMSPACE + VS_MAP + MAP_HEADER;

	fbsd_put(&f, header + E_NEXT, ENTRY(0), 8);
	fbsd_put(&f, VMSPACE + VS_MAP + MAP_NENTRIES, 3, 4);
	fbsd_put(&f, VMSPACE + VS_MAXSADDR, 0x7fffdffff000, 8);
	entry(0, ENTRY(1), 0x200000, 0x204000, OBJECT(0), 4);
	fbsd_put(&f, ENTRY(0) + E_OFFSET, 0x1000, 8);
	entry(1, ENTRY(2), 0x204000, 0x206000, OBJECT(2), 0);
	entry(2, header, 0x7fffffffe000, 0x7ffffffff000, OBJECT(2), 0x1000);
	fbsd_put(&f, OBJECT(0) + O_TYPE, 0, 1);
	fbsd_put(&f, OBJECT(0) + O_BACKING, OBJECT(1), 8);
	fbsd_put(&f, OBJECT(0) + O_BACKING_OFFSET, 0x3000, 8);
	fbsd_put(&f, OBJECT(1) + O_TYPE, 2, 1);
	fbsd_put(&f, OBJECT(1) + O_HANDLE, VNODE(4), 8);
	fbsd_put(&f, OBJECT(2) + O_TYPE, 1, 1);
}

struct kept {
	struct kco_vma v[16];
	size_t n;
};

static enum kco_status keep(void *arg, const struct kco_vma *vma)
{
	struct kept *kept = arg;

	assert_true(kept->n < 16);
	kept->v[kept->n++] = *vma;
	return KCO_OK;
}

static struct kept walk(struct kco_err *torn)
{
	struct kept kept = { .n = 0 };

	*torn = KCO_ERR_INIT;
	assert_int_equal(freebsd_vmas(&process, keep, &kept, torn, &f.err), KCO_OK);
	return kept;
}

static void test_freebsd_process__areas(void **state)
{
	struct kco_err torn;
	struct kept kept;

	(void)state;
	setup();
	areas();
	fbsd_open(&f);
	kept = walk(&torn);
	assert_int_equal(torn.code, KCO_OK);
	assert_int_equal(kept.n, 3);
	assert_string_equal(kept.v[0].name, "/usr/bin/sh");
	assert_string_equal(kept.v[0].object, "vnode");
	assert_true(kept.v[0].offset == 0x4000);
	assert_true(kept.v[0].flags == (KCO_VMA_READ | KCO_VMA_EXEC));
	assert_string_equal(kept.v[1].object, "swap");
	assert_int_equal(kept.v[1].kind, KCO_VMA_ANON);
	assert_string_equal(kept.v[2].name, "[stack]");
	done();
}

static void node(int i, uint64_t left, uint64_t right)
{
	const uint64_t start = 0x100000 * (uint64_t)(i + 1);

	entry(i, right, start, start + 0x1000, OBJECT(2), 0);
	fbsd_put(&f, ENTRY(i) + E_LEFT, left, 8);
}

/*
 * Entries 0 to 4 in address order; 2 is the root, 0 (whose right child is 1) and 4 (whose left child is 3) are below
 * it. The rest are threads: to the entry before on the left, to the one behind on the right (sys/vm/vm_map.h,
 * vm_map_entry_succ()).
 */
static void tree(void)
{
	const uint64_t header = VMSPACE + VS_MAP + MAP_HEADER;

	fbsd_put(&f, VMSPACE + VS_MAP + MAP_NENTRIES, 5, 4);
	fbsd_put(&f, header + E_RIGHT, ENTRY(0), 8);
	fbsd_put(&f, header + E_LEFT, ENTRY(4), 8);
	fbsd_put(&f, header + E_START, 0x800000000000, 8);
	fbsd_put(&f, OBJECT(2) + O_TYPE, 1, 1);
	node(0, header, ENTRY(1));
	node(1, ENTRY(0), ENTRY(2));
	node(2, ENTRY(0), ENTRY(4));
	node(3, ENTRY(2), ENTRY(4));
	node(4, ENTRY(3), header);
}

static void test_freebsd_process__areas_in_a_threaded_tree(void **state)
{
	struct kco_err torn;
	struct kept kept;

	(void)state;
	setup_kernel(true);
	tree();
	fbsd_open(&f);
	kept = walk(&torn);
	assert_int_equal(torn.code, KCO_OK);
	assert_int_equal(kept.n, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(kept.v[i].addr, ENTRY(i));
	done();
}

/* From 2 the way down to what follows it goes round between 4 and 3. */
static void test_freebsd_process__a_tree_that_circles(void **state)
{
	struct kco_err torn;

	(void)state;
	setup_kernel(true);
	tree();
	fbsd_put(&f, ENTRY(3) + E_LEFT, ENTRY(4), 8);
	fbsd_open(&f);
	assert_int_equal(walk(&torn).n, 3);
	assert_int_equal(torn.code, KCO_E_CORRUPT);
	assert_non_null(strstr(torn.msg, "does not end"));
	done();
}

static void test_freebsd_process__areas_that_circle(void **state)
{
	struct kco_err torn;

	(void)state;
	setup();
	areas();
	fbsd_put(&f, ENTRY(1) + E_NEXT, ENTRY(0), 8);
	fbsd_put(&f, OBJECT(2) + O_BACKING, OBJECT(2), 8);
	fbsd_open(&f);
	assert_int_equal(walk(&torn).n, 2);
	assert_int_equal(torn.code, KCO_E_CORRUPT);
	done();
}

static void test_freebsd_process__areas_that_are_missing(void **state)
{
	struct kco_err torn;

	(void)state;
	setup();
	areas();
	fbsd_put(&f, ENTRY(1) + E_NEXT, VMSPACE + VS_MAP + MAP_HEADER, 8);
	fbsd_open(&f);
	assert_int_equal(walk(&torn).n, 2);
	assert_int_equal(torn.code, KCO_E_CORRUPT);
	done();
}

static void test_freebsd_process__names_that_circle(void **state)
{
	struct kco_err err = KCO_ERR_INIT;
	const struct kco_file *file;

	(void)state;
	setup();
	fbsd_put(&f, NAME(3) + NC_DVP, VNODE(4), 8); // "sh" is in "bin", which is in "sh"
	fbsd_put(&f, NAME(1) + NC_FLAG, 2, 1);
	fbsd_put(&f, NAME(1) + NC_NEXT, NAME(1), 8); // ".." for ever
	fbsd_open(&f);
	assert_int_equal(freebsd_vnode_file(&f.s, VNODE(4), &file, &err), KCO_OK);
	assert_int_equal(err.code, KCO_E_CORRUPT);
	err = KCO_ERR_INIT;
	assert_int_equal(freebsd_vnode_file(&f.s, VNODE(1), &file, &err), KCO_OK);
	assert_int_equal(err.code, KCO_E_CORRUPT);
	done();
}

struct rows {
	char text[4096];
	size_t n;
};

static bool row(void *arg, const struct kco_descriptor *d)
{
	struct rows *rows = arg;
	size_t used = strlen(rows->text);

	rows->n++;
	snprintf(rows->text + used, sizeof(rows->text) - used, "%d %s %s%s\n", (int)d->fd, d->type, d->path,
		 d->status ? " !" : "");
	return true;
}

static void file(int i, int type, uint64_t data, uint64_t node)
{
	fbsd_put(&f, FILE_AT(i) + F_DATA, data, 8);
	fbsd_put(&f, FILE_AT(i) + F_VNODE, node, 8);
	fbsd_put(&f, FILE_AT(i) + F_TYPE, (uint64_t)type, 2);
	fbsd_put(&f, FILE_AT(i) + F_FLAG, 3, 4);
}

static void descriptors(void)
{
	fbsd_put(&f, TABLE, 5, 4);
	file(0, 1, VNODE(4), VNODE(4));
	file(1, 2, 0x1234, 0);
	file(2, 1, VNODE(5), VNODE(5));
	fbsd_put(&f, TABLE + 8 + 8 + 0 * 24, FILE_AT(0), 8);
	fbsd_put(&f, TABLE + 8 + 8 + 2 * 24, FILE_AT(1), 8);
	fbsd_put(&f, TABLE + 8 + 8 + 3 * 24, 0x4141414141414141, 8);
	fbsd_put(&f, TABLE + 8 + 8 + 4 * 24, FILE_AT(2), 8);
}

static void test_freebsd_process__files(void **state)
{
	struct rows rows = { .n = 0 };

	(void)state;
	setup();
	descriptors();
	fbsd_open(&f);
	assert_int_equal(freebsd_files(&process, row, &rows, &f.err), KCO_OK);
	assert_string_equal(rows.text, "-2 DIR /\n-1 DIR /usr/bin\n0 REG /usr/bin/sh\n2 SOCK \n3 ?  !\n4 REG  !\n");
	done();
}

static void test_freebsd_process__absurd_file_table(void **state)
{
	struct rows rows = { .n = 0 };

	(void)state;
	setup();
	descriptors();
	fbsd_put(&f, TABLE, 0x7fffffff, 4);
	fbsd_open(&f);
	assert_int_equal(freebsd_files(&process, row, &rows, &f.err), KCO_E_CORRUPT);
	assert_true(rows.n >= 6);
	done();
}

static enum kco_status count(void *arg, const struct kco_module *mod)
{
	struct rows *rows = arg;
	size_t used = strlen(rows->text);

	rows->n++;
	snprintf(rows->text + used, sizeof(rows->text) - used, "%s %llx+%llx%s\n", mod->name,
		 (unsigned long long)mod->base, (unsigned long long)mod->size, mod->status ? " !" : "");
	return KCO_OK;
}

static void kld(int i, uint64_t next, const char *name, uint64_t address, uint64_t size)
{
	fbsd_put(&f, KLD(i) + L_LINK, next, 8);
	fbsd_put(&f, KLD(i) + L_NAME, fbsd_string(&f, name), 8);
	fbsd_put(&f, KLD(i) + L_ADDRESS, address, 8);
	fbsd_put(&f, KLD(i) + L_SIZE, size, 8);
}

static void test_freebsd_process__modules(void **state)
{
	struct rows rows = { .n = 0 };

	(void)state;
	setup();
	fbsd_variable(&f, "linker_files", KLD(0), 8);
	kld(0, KLD(1), "kernel", FBSD_BASE, 0x40000);
	kld(1, KLD(2), "if_test.ko", 0xffffffff82000000, 0x3000);
	kld(2, KLD(1), "odd.ko", 0xffffffffffff0000, 0x20000);
	fbsd_open(&f);
	assert_int_equal(freebsd_klds(&f.s, count, &rows, &f.err), KCO_OK);
	assert_string_equal(rows.text, "if_test.ko ffffffff82000000+3000\nodd.ko 0+0 !\n");
	assert_true(f.s.modules_incomplete);
	assert_true(strstr(f.warnings, "circle") != NULL);
	done();
}

static void test_freebsd_process__signals(void **state)
{
	(void)state;
	assert_string_equal(freebsd_signal_name(11), "SIGSEGV");
	assert_string_equal(freebsd_signal_name(32), "SIGTHR");
	assert_string_equal(freebsd_signal_name(126), "SIGRTMAX");
	assert_null(freebsd_signal_name(0));
	assert_null(freebsd_signal_name(64));
	assert_null(freebsd_signal_name(127));
}

#define T(name) cmocka_unit_test(test_freebsd_process__##name)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(areas),
		T(areas_in_a_threaded_tree),
		T(a_tree_that_circles),
		T(areas_that_circle),
		T(areas_that_are_missing),
		T(names_that_circle),
		T(files),
		T(absurd_file_table),
		T(modules),
		T(signals),
	};

	return cmocka_run_group_tests_name("freebsd_process", tests, NULL, NULL);
}
