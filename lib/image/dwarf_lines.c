// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Source lines and inlined functions.
 *
 * Only the line program and the DIEs of the unit that has the address are
 * read: about a millisecond a unit.
 *
 * The walk from a unit down to an address is ours and not dwarf_getscopes():
 * it goes only where the address is, and its depth and the ranges it looks at
 * are bounded whatever the file says.
 */
#include "debuginfo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <gelf.h>

#include "debuginfo_priv.h"
#include "dwarf_memo.h"

#define LINES_DEPTH_MAX 256	      /* blocks in blocks */
#define LINES_ROWS_MAX 64	      /* functions inlined into each other */
#define LINES_RANGES_MAX 1000000      /* looked at for one address */
#define LINES_PROGRAM_MAX (16u << 20) /* bytes; libdw makes up to 50 times that of it */

struct kco_dwarf_lines {
	struct kco_dwarf_memo *memo;
	bool memo_checked; /* an answer from the cache was compared with DWARF's */
	struct kco_dwarf_units units;
};

/* Whether the line program of @unit is of a size that libdw may be given. */
static bool lines_program_fits(Dwarf *dwarf, Dwarf_Die *unit)
{
	Elf *elf = dwarf_getelf(dwarf);
	Elf_Scn *scn = NULL;
	Dwarf_Attribute attr;
	Elf_Data *data = NULL;
	Dwarf_Word offset;
	const char *name;
	size_t strndx;
	GElf_Shdr sh;
	uint32_t size;

	if (!dwarf_attr(unit, DW_AT_stmt_list, &attr) || dwarf_formudata(&attr, &offset) ||
	    elf_getshdrstrndx(elf, &strndx))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		name = gelf_getshdr(scn, &sh) ? elf_strptr(elf, strndx, sh.sh_name) : NULL;
		if (name && (strcmp(name, ".debug_line") == 0 || strcmp(name, ".zdebug_line") == 0))
			break;
	}
	if (scn)
		data = elf_rawdata(scn, NULL);
	if (!data || !data->d_buf || data->d_size < 4 || offset > data->d_size - 4)
		return false;
	if (data->d_size <= LINES_PROGRAM_MAX)
		return true;
	memcpy(&size, (const char *)data->d_buf + offset, sizeof(size));
	if (elf_getident(elf, NULL)[EI_DATA] == ELFDATA2MSB)
		size = be32toh(size);
	else
		size = le32toh(size);
	return size <= LINES_PROGRAM_MAX;
}

/* Scopes */

struct lines_walk {
	uint64_t pc;
	unsigned ranges;		  /* looked at so far */
	Dwarf_Die scopes[LINES_ROWS_MAX]; /* the function, then what was inlined at pc, outermost first */
	size_t n;
	bool failed;
	const char *why; /* the bound that was met; NULL: libdw found the file wrong */
};

static bool lines_has_pc(struct lines_walk *walk, Dwarf_Die *die)
{
	Dwarf_Addr base, first, end;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &first, &end)) > 0) {
		if (++walk->ranges > LINES_RANGES_MAX) {
			walk->failed = true;
			walk->why = "too many address ranges";
			return false;
		}
		if (first <= walk->pc && walk->pc < end)
			return true;
	}
	if (at < 0)
		walk->failed = true;
	return false;
}

/* Whether @pc is to be looked for inside @die; a function is noted. */
static bool lines_enter(struct lines_walk *walk, Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_namespace: // has no addresses of its own
		return walk->n == 0;
	case DW_TAG_lexical_block:
		return walk->n && lines_has_pc(walk, die);
	case DW_TAG_inlined_subroutine:
		if (!walk->n)
			return false;
		break;
	case DW_TAG_subprogram:
		break;
	default:
		return false;
	}
	if (!lines_has_pc(walk, die))
		return false;
	walk->scopes[walk->n++] = *die;
	return true;
}

/* Down to @pc. A namespace may turn out not to have it, so there is a way back. */
static void lines_walk(struct lines_walk *walk, Dwarf_Die *unit)
{
	Dwarf_Die stack[LINES_DEPTH_MAX];
	size_t depth = 0;
	int r = dwarf_child(unit, &stack[0]);

	for (;;) {
		if (r == 0 && lines_enter(walk, &stack[depth])) {
			if (depth + 1 == LINES_DEPTH_MAX || walk->n == LINES_ROWS_MAX) {
				walk->failed = true;
				walk->why = "blocks nested too deep";
				return;
			}
			r = dwarf_child(&stack[depth], &stack[depth + 1]);
			depth++;
			continue;
		}
		if (walk->failed || r < 0) {
			walk->failed = true;
			return;
		}
		if (r > 0) {
			// A function was entered for its addresses: what it holds is all there is.
			if (depth == 0 || walk->n)
				return;
			depth--;
		}
		r = kco_dwarf_next(&stack[depth]);
	}
}

static const char *lines_call_site(Dwarf_Die *unit, Dwarf_Die *scope, unsigned *line)
{
	Dwarf_Attribute attr;
	Dwarf_Files *files;
	Dwarf_Word word;
	size_t n;

	*line = 0;
	if (dwarf_attr(scope, DW_AT_call_line, &attr) && dwarf_formudata(&attr, &word) == 0 && word <= UINT32_MAX)
		*line = (unsigned)word;
	if (!dwarf_attr(scope, DW_AT_call_file, &attr) || dwarf_formudata(&attr, &word) ||
	    dwarf_getsrcfiles(unit, &files, &n) || word >= n)
		return NULL;
	return dwarf_filesrc(files, word, NULL, NULL);
}

enum kco_status kco_dwarf_rows(struct kco_debuginfo *di, Dwarf *dwarf, Dwarf_Die *unit, uint64_t pc,
			       struct kco_source_line *rows, size_t max, size_t *n, struct kco_err *err)
{
	struct lines_walk walk = { .pc = pc };
	struct kco_source_line row = { 0 };
	Dwarf_Line *line;
	int number = 0;

	*n = 0;
	if (!lines_program_fits(dwarf, unit))
		return kco_fail(err, KCO_E_NOSYM, "no line for %#" PRIx64 ": its unit has no usable line table", pc);
	line = dwarf_getsrc_die(unit, pc);
	if (!line || dwarf_lineno(line, &number))
		return kco_fail(err, KCO_E_NOSYM, "no line for %#" PRIx64 ": %s", pc, dwarf_errmsg(-1));
	row.file = dwarf_linesrc(line, NULL, NULL);
	row.line = number > 0 ? (unsigned)number : 0;
	lines_walk(&walk, unit);
	if (walk.why)
		return kco_fail(err, KCO_E_CORRUPT, "%s: the functions of a unit: %s", di->path, walk.why);
	if (walk.failed)
		return kco_dwarf_fail(di, err, "the functions of a unit");
	for (size_t i = walk.n; i-- && *n < max;) {
		row.function = dwarf_diename(&walk.scopes[i]);
		row.inlined = dwarf_tag(&walk.scopes[i]) == DW_TAG_inlined_subroutine;
		rows[(*n)++] = row;
		row.file = lines_call_site(unit, &walk.scopes[i], &row.line);
	}
	if (!walk.n && max)
		rows[(*n)++] = row;
	return KCO_OK;
}

/* Answers, old and new */

static bool lines_same(const struct kco_dwarf_answer *answer, const struct kco_source_line *rows, size_t n)
{
	if (answer->n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct kco_source_line *a = &answer->rows[i], *b = &rows[i];

		if (a->line != b->line || a->inlined != b->inlined || !a->function != !b->function ||
		    !a->file != !b->file || (a->function && strcmp(a->function, b->function) != 0) ||
		    (a->file && strcmp(a->file, b->file) != 0))
			return false;
	}
	return true;
}

static enum kco_status lines_compute(struct kco_debuginfo *di, uint64_t pc, struct kco_source_line *rows, size_t max,
				     size_t *n, struct kco_err *err)
{
	enum kco_status st;
	Dwarf *dwarf;
	Dwarf_Die unit;

	*n = 0;
	st = kco_debuginfo_dwarf(di, &dwarf, err);
	if (st)
		return st;
	if (!kco_dwarf_unit(&di->lines->units, dwarf, pc, &unit))
		return kco_fail(err, KCO_E_NOSYM, "no unit of %s has %#" PRIx64, di->path, pc);
	return kco_dwarf_rows(di, dwarf, &unit, pc, rows, max, n, err);
}

static enum kco_status lines_get(struct kco_debuginfo *di, uint64_t pc, struct kco_source_line *rows, size_t max,
				 size_t *n, struct kco_err *err)
{
	struct kco_source_line all[LINES_ROWS_MAX];
	const struct kco_dwarf_answer *answer;
	enum kco_status st = KCO_OK;
	size_t nr_all;

	answer = kco_dwarf_memo_get(di->lines->memo, pc);
	// The first answer from the cache has to be DWARF's own, or none of them counts.
	if (!answer || (answer->cached && !di->lines->memo_checked)) {
		st = lines_compute(di, pc, all, LINES_ROWS_MAX, &nr_all, err);
		if (st && st != KCO_E_NOSYM)
			return st;
		if (answer) {
			di->lines->memo_checked = true;
			if (!lines_same(answer, all, nr_all)) {
				kco_dwarf_memo_distrust(di->lines->memo);
				answer = NULL;
			}
		}
		if (!answer)
			kco_dwarf_memo_put(di->lines->memo, pc, all, nr_all);
		if (st)
			return st;
	} else {
		if (!answer->n)
			return kco_fail(err, KCO_E_NOSYM, "%s knows no line for %#" PRIx64, di->path, pc);
		nr_all = answer->n;
		memcpy(all, answer->rows, nr_all * sizeof(*all));
	}
	*n = nr_all < max ? nr_all : max;
	memcpy(rows, all, *n * sizeof(*rows));
	return KCO_OK;
}

void kco_dwarf_lines_free(struct kco_debuginfo *di)
{
	if (!di->lines)
		return;
	if (di->lines->memo)
		kco_dwarf_memo_store(di->lines->memo, di);
	kco_dwarf_memo_free(di->lines->memo);
	kco_dwarf_units_fini(&di->lines->units);
	free(di->lines);
	di->lines = NULL;
}

static enum kco_status lines_init(struct kco_debuginfo *di, struct kco_err *err)
{
	enum kco_status st;
	Dwarf *dwarf;

	if (di->lines)
		return KCO_OK;
	st = kco_debuginfo_dwarf(di, &dwarf, err);
	if (st)
		return st;
	di->lines = calloc(1, sizeof(*di->lines));
	if (di->lines)
		di->lines->memo = kco_dwarf_memo_new(di);
	if (di->lines && di->lines->memo)
		return KCO_OK;
	free(di->lines);
	di->lines = NULL;
	return kco_fail(err, KCO_E_NOMEM, "source lines: out of memory");
}

enum kco_status kco_debuginfo_lines(struct kco_debuginfo *di, uint64_t pc, struct kco_source_line *rows, size_t max,
				    size_t *n, struct kco_err *err)
{
	struct kco_dwarf_module *module;
	enum kco_status st;

	*n = 0;
	pthread_mutex_lock(&di->lock);
	module = kco_dwarf_modules_at(di, pc);
	if (module) {
		st = kco_dwarf_module_lines(di, module, pc, rows, max, n, err);
	} else if (pc - di->bias < di->first || pc - di->bias > di->last) {
		st = kco_fail(err, KCO_E_NOSYM, "%#" PRIx64 " lies outside %s", pc, di->path);
	} else {
		st = lines_init(di, err);
		if (!st)
			st = lines_get(di, pc - di->bias, rows, max, n, err);
	}
	pthread_mutex_unlock(&di->lock);
	return st;
}
