// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pokedump IN OUT [POKE...]: write the dump IN as an ELF core with some of its
 * memory changed, to make a kernel that lies about itself.
 *
 * A POKE is a few words:
 *   u64|u32|u8 PLACE VALUE      store VALUE, an expression or a number
 *   fill PLACE BYTE COUNT
 *   text PLACE STRING           with \n \e \x41; no NUL is added
 *   missing PLACE               leave the page out
 *   info KEY=VALUE              put this line in front of VMCOREINFO; "info -" drops the note
 *   info+ TEXT                  append raw text to VMCOREINFO
 *   chaos SEED COUNT            random u64 all over the memory: pointers to elsewhere, zeros, ones, junk
 *   chaos-in|chaos-out SEED COUNT PLACE PLACE   the same in the pages between two virtual addresses, or in all others
 *
 * A PLACE is sym:NAME, task:TID, idle:CPU, percpu:NAME:CPU, pte:LEVEL:NAME (the
 * entry that translates symbol NAME, as p:ADDRESS), table:LEVEL:NAME (the page
 * that entry is in), p:ADDRESS (physical) or a number, followed by any of
 *   @STRUCT.PATH   + the offset of that field
 *   +N
 *   >              the u64 that is there (in the unchanged dump)
 */
#include <kco/endian.h>
#include <kco/formats.h>
#include <kco/session.h>
#include <kco/task.h>

#include <elf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

struct page {
	uint64_t pfn;
	bool missing;
	uint8_t *bytes;
};

static struct kco_session *s;
static struct page *pages;
static size_t nr_pages;
static char *info;
static size_t info_size;
static bool no_info;

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *fmt, ...)
{
	va_list ap;

	fputs("pokedump: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

static void *more(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		die("out of memory");
	return p;
}

/* Memory */

static void pages_load(void)
{
	struct kco_image *img = kco_session_image(s);
	struct kco_reader *rd = kco_mem_reader(kco_session_mem(s));
	const struct kco_segment *seg = kco_reader_next(rd, KCO_PHYS, 0);
	uint8_t buf[PAGE];

	while (seg) {
		uint64_t last = seg->last;

		for (uint64_t at = seg->first & ~(uint64_t)(PAGE - 1); at < last; at += PAGE) {
			if (nr_pages && pages[nr_pages - 1].pfn >= at / PAGE)
				continue;
			if (kco_pread(rd, KCO_PADDR(at), buf, PAGE, NULL, NULL) != KCO_OK)
				continue;
			if ((nr_pages & (nr_pages - 1)) == 0)
				pages = more(pages, (nr_pages ? 2 * nr_pages : 1) * sizeof(*pages));
			pages[nr_pages] = (struct page){ at / PAGE, false, more(NULL, PAGE) };
			memcpy(pages[nr_pages++].bytes, buf, PAGE);
		}
		seg = last == UINT64_MAX ? NULL : kco_reader_next(rd, KCO_PHYS, last + 1);
	}
	info_size = img->facts.vmcoreinfo_size;
	info = more(NULL, info_size + 1);
	memcpy(info, img->facts.vmcoreinfo, info_size);
}

static size_t page_find(uint64_t pa)
{
	size_t lo = 0, hi = nr_pages;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (pages[mid].pfn < pa / PAGE)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct page *page_of(uint64_t pa)
{
	size_t i = page_find(pa);

	if (i == nr_pages || pages[i].pfn != pa / PAGE)
		die("physical %#" PRIx64 " is not in the dump", pa);
	return &pages[i];
}

/* Expressions: a virtual address, or a physical one when *phys. */

static uint64_t atom(char *text, bool *phys)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_symbol sym;
	char *rest = strchr(text, ':');
	uint64_t v = 0;

	*phys = false;
	if (!rest)
		return strtoull(text, NULL, 0);
	*rest++ = '\0';
	if (!strcmp(text, "sym")) {
		if (kco_symbols_by_name(kco_session_symbols(s), rest, &sym, &err) != KCO_OK)
			die("%s", err.msg);
		return sym.addr;
	}
	if (!strcmp(text, "task")) {
		const struct kco_task *task = kco_task_by_tid(s, strtoll(rest, NULL, 0));

		if (!task)
			die("no task %s", rest);
		return task->addr;
	}
	if (!strcmp(text, "percpu")) {
		char *cpu = strchr(rest, ':');

		if (!cpu)
			die("percpu:NAME:CPU");
		*cpu++ = '\0';
		if (kco_percpu_addr(s, rest, atoi(cpu), &v, &err) != KCO_OK)
			die("%s", err.msg);
		return v;
	}
	if (!strcmp(text, "pte") || !strcmp(text, "table")) {
		unsigned level = (unsigned)strtoul(rest, &rest, 10);
		struct kco_walk walk;
		struct kco_paddr pa;

		if (kco_symbols_by_name(kco_session_symbols(s), rest + 1, &sym, &err) != KCO_OK ||
		    kco_translate(kco_session_mem(s), kco_session_kernel_space(s), sym.addr, &pa, &walk, &err) !=
			    KCO_OK)
			die("%s", err.msg);
		for (unsigned i = 0; i < walk.nr_steps; i++)
			if (walk.steps[i].level == level)
				v = walk.steps[i].entry_pa.v;
		v &= text[0] == 't' ? ~(uint64_t)(PAGE - 1) : UINT64_MAX;
		if (!v)
			die("%s has no entry of level %u", rest + 1, level);
	} else if (!strcmp(text, "p")) {
		v = strtoull(rest, NULL, 0);
	} else {
		die("what is '%s'?", text);
	}
	*phys = true;
	return v;
}

static uint64_t field_offset(char *spec)
{
	char *dot = strchr(spec, '.');
	struct kco_err err = KCO_ERR_INIT;
	struct kco_field field;

	if (!dot)
		die("@STRUCT.PATH, not '%s'", spec);
	*dot++ = '\0';
	if (kco_types_field(kco_session_types(s), spec, dot, &field, &err) != KCO_OK)
		die("%s", err.msg);
	return field.offset;
}

static uint64_t eval(const char *expr, bool *phys)
{
	char *text = strdup(expr), *at = text;
	size_t n = strcspn(at, "@+>");
	struct kco_err err = KCO_ERR_INIT;
	uint64_t v;
	char op = at[n];

	at[n] = '\0';
	v = atom(at, phys);
	while (op) {
		char next;

		at += n + 1;
		n = strcspn(at, "@+>");
		next = at[n];
		at[n] = '\0';
		if (op == '@') {
			v += field_offset(at);
		} else if (op == '+') {
			v += strtoull(at, NULL, 0);
		} else {
			if ((*phys ? kco_pread(kco_mem_reader(kco_session_mem(s)), KCO_PADDR(v), &v, 8, NULL, &err)
				   : kco_kread_uint(s, v, 8, &v, &err)) != KCO_OK)
				die("%s: %s", expr, err.msg);
			*phys = false;
		}
		op = next;
	}
	free(text);
	return v;
}

/* The physical address of a place. */
static uint64_t place(const char *expr)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_paddr pa;
	bool phys;
	uint64_t v = eval(expr, &phys);

	if (phys)
		return v;
	if (kco_translate(kco_session_mem(s), kco_session_kernel_space(s), v, &pa, NULL, &err) != KCO_OK)
		die("%s: %s", expr, err.msg);
	return pa.v;
}

static void store(uint64_t pa, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		page_of(pa + i)->bytes[(pa + i) % PAGE] = ((const uint8_t *)bytes)[i];
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A u64 that is wrong in a way that matters. */
static uint64_t wrong(uint64_t *seed, uint64_t old)
{
	uint64_t r = random_next(seed);

	switch (r % 8) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return r;
	case 3:
		return old ^ (UINT64_C(1) << (r >> 8) % 64);
	case 4:
		return old + 8 * ((r >> 8) % 64);
	case 5: // what some other place holds
		return kco_le64(pages[(r >> 8) % nr_pages].bytes + (r >> 40) % (PAGE / 8) * 8);
	case 6:
		return old & UINT64_C(0xffffffff00000000);
	}
	return r >> 40;
}

/* The pages between @first and @end (virtual), or all but those. */
static size_t pages_choose(struct page **ret, uint64_t first, uint64_t end, bool inside)
{
	uint8_t *in = calloc(nr_pages, 1);
	struct kco_paddr pa;
	size_t n = 0;

	if (!in)
		die("out of memory");
	for (uint64_t va = first; va < end; va += PAGE)
		if (kco_translate(kco_session_mem(s), kco_session_kernel_space(s), va, &pa, NULL, NULL) == KCO_OK)
			for (size_t i = page_find(pa.v); i < nr_pages && pages[i].pfn == pa.v / PAGE; i++)
				in[i] = 1;
	for (size_t i = 0; i < nr_pages; i++)
		if (in[i] == inside)
			ret[n++] = &pages[i];
	free(in);
	return n;
}

static void chaos(uint64_t seed, uint64_t count, uint64_t first, uint64_t end, bool inside)
{
	struct page **chosen = more(NULL, nr_pages * sizeof(struct page *));
	size_t n = pages_choose(chosen, first, end, inside);

	if (!n)
		die("no page between %#" PRIx64 " and %#" PRIx64, first, end);
	seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	while (count--) {
		uint64_t r = random_next(&seed), v;
		uint8_t *p = chosen[(r >> 32) % n]->bytes + (r >> 4) % (PAGE / 8) * 8;

		v = wrong(&seed, kco_le64(p));
		memcpy(p, &v, 8);
	}
	free(chosen);
}

/* Text with escapes into @out; its length. */
static size_t unescape(const char *text, char *out)
{
	size_t n = 0;

	for (; *text; text++) {
		char c = *text;

		if (c == '\\' && text[1]) {
			c = *++text;
			if (c == 'x') {
				char two[3] = { text[1], text[1] ? text[2] : '\0', '\0' };

				c = (char)strtoul(two, NULL, 16);
				text += strlen(two);
			} else {
				c = c == 'n' ? '\n' : c == 'e' ? '\x1b' : c == 's' ? ' ' : c == '0' ? '\0' : c;
			}
		}
		out[n++] = c;
	}
	return n;
}

static void info_edit(const char *what, const char *text)
{
	bool front = !strcmp(what, "info");
	char *raw, *edited;
	size_t n;

	if (front && !strcmp(text, "-")) {
		no_info = true;
		return;
	}
	raw = more(NULL, strlen(text) + 2);
	n = unescape(text, raw);
	if (front)
		raw[n++] = '\n';
	edited = more(NULL, info_size + n);
	memcpy(edited + (front ? 0 : info_size), raw, n);
	memcpy(edited + (front ? n : 0), info, info_size);
	free(raw);
	free(info);
	info = edited;
	info_size += n;
}

/* The number of words that the poke at @w took. */
static int poke(char **w, int left)
{
	bool phys;

	if (left >= 3 && w[0][0] == 'u') {
		uint64_t v = eval(w[2], &phys);

		store(place(w[1]), &v, (size_t)atoi(w[0] + 1) / 8);
		return 3;
	}
	if (left >= 4 && !strcmp(w[0], "fill")) {
		uint64_t pa = place(w[1]), count = strtoull(w[3], NULL, 0);
		uint8_t byte = (uint8_t)strtoul(w[2], NULL, 16);

		for (uint64_t i = 0; i < count; i++)
			store(pa + i, &byte, 1);
		return 4;
	}
	if (left >= 3 && !strcmp(w[0], "text")) {
		char *raw = more(NULL, strlen(w[2]) + 1);

		store(place(w[1]), raw, unescape(w[2], raw));
		free(raw);
		return 3;
	}
	if (left >= 2 && !strcmp(w[0], "missing")) {
		page_of(place(w[1]))->missing = true;
		return 2;
	}
	if (left >= 2 && !strncmp(w[0], "info", 4)) {
		info_edit(w[0], w[1]);
		return 2;
	}
	if (left >= 3 && !strcmp(w[0], "chaos")) {
		chaos(strtoull(w[1], NULL, 0), strtoull(w[2], NULL, 0), 0, 0, false);
		return 3;
	}
	if (left >= 5 && !strncmp(w[0], "chaos-", 6)) {
		chaos(strtoull(w[1], NULL, 0), strtoull(w[2], NULL, 0), eval(w[3], &phys), eval(w[4], &phys),
		      !strcmp(w[0], "chaos-in"));
		return 5;
	}
	die("what is '%s'?", w[0]);
}

/* The ELF file */

static void put(FILE *f, const void *p, size_t n)
{
	if (fwrite(p, 1, n, f) != n)
		die("the dump cannot be written");
}

static void put_note(FILE *f, const char *name, uint32_t type, const void *desc, uint32_t size)
{
	static const uint8_t zeros[4];
	Elf64_Nhdr n = { (uint32_t)strlen(name) + 1, size, type };

	put(f, &n, sizeof(n));
	put(f, name, n.n_namesz);
	put(f, zeros, -n.n_namesz & 3);
	put(f, desc, size);
	put(f, zeros, -size & 3);
}

static void put_notes(FILE *f)
{
	const struct kco_image *img = kco_session_image(s);

	for (size_t i = 0; i < img->nr_notes; i++)
		if (strcmp(img->notes[i].name, "VMCOREINFO"))
			put_note(f, img->notes[i].name, img->notes[i].type, img->notes[i].desc, img->notes[i].size);
	if (!no_info)
		put_note(f, "VMCOREINFO", 0, info, (uint32_t)info_size);
}

static void write_elf(const char *path)
{
	Elf64_Phdr *ph = more(NULL, (nr_pages + 1) * sizeof(*ph));
	Elf64_Ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			  .e_type = ET_CORE,
			  .e_machine = EM_X86_64,
			  .e_version = EV_CURRENT,
			  .e_phoff = sizeof(eh),
			  .e_ehsize = sizeof(eh),
			  .e_phentsize = sizeof(*ph) };
	FILE *f = fopen(path, "w");
	uint64_t at, notes;
	size_t n = 1;

	if (!f)
		die("%s cannot be written", path);
	for (size_t i = 0; i < nr_pages; i++) {
		if (pages[i].missing)
			continue;
		if (n == 1 || ph[n - 1].p_paddr + ph[n - 1].p_memsz != pages[i].pfn * PAGE)
			ph[n++] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_paddr = pages[i].pfn * PAGE };
		ph[n - 1].p_memsz += PAGE;
		ph[n - 1].p_filesz += PAGE;
	}
	if (n >= PN_XNUM)
		die("too many pieces of memory");
	eh.e_phnum = (Elf64_Half)n;
	notes = sizeof(eh) + n * sizeof(*ph);
	fseek(f, (long)notes, SEEK_SET);
	put_notes(f);
	ph[0] = (Elf64_Phdr){
		.p_type = PT_NOTE, .p_offset = notes, .p_filesz = (uint64_t)ftell(f) - notes, .p_align = 4
	};
	at = ((uint64_t)ftell(f) + PAGE - 1) / PAGE * PAGE;
	fseek(f, (long)at, SEEK_SET);
	for (size_t i = 1; i < n; i++) {
		ph[i].p_offset = at;
		at += ph[i].p_filesz;
	}
	for (size_t i = 0; i < nr_pages; i++)
		if (!pages[i].missing)
			put(f, pages[i].bytes, PAGE);
	fseek(f, 0, SEEK_SET);
	put(f, &eh, sizeof(eh));
	put(f, ph, n * sizeof(*ph));
	if (fclose(f))
		die("%s cannot be written", path);
	free(ph);
}

int main(int argc, char **argv)
{
	const char *dump = argc > 2 ? argv[1] : NULL;
	struct kco_session_options opts = { .dumps = &dump, .nr_dumps = 1, .formats = kco_formats };
	struct kco_err err = KCO_ERR_INIT;

	if (!dump)
		die("usage: pokedump IN OUT [POKE...]");
	if (kco_session_open_new(&opts, &s, &err) != KCO_OK ||
	    kco_session_need(s, KCO_NEED_OS | KCO_NEED_SYMS | KCO_NEED_TYPES | KCO_NEED_TASKS, &err) != KCO_OK)
		die("%s", err.msg);
	pages_load();
	for (int i = 3; i < argc;)
		i += poke(argv + i, argc - i);
	write_elf(argv[2]);
	kco_session_free(s);
	for (size_t i = 0; i < nr_pages; i++)
		free(pages[i].bytes);
	free(pages);
	free(info);
	return 0;
}
