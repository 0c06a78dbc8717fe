// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes what a BSD's ctfconvert would make of a kernel file's DWARF:
 *
 *   mkctf VERSION KERNEL OUT    the bytes of a section .SUNW_ctf, version 2 or 3, compressed
 *
 * The types come through kcodbg's DWARF reader, the encoder is ctfmake.h: no
 * line of the CTF reader is used. Data objects follow KERNEL's symbol table.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gelf.h>

#include "ctfmake.h"
#include "debuginfo.h"

/* A type to be written; its number is its place. @bits: a copy of an integer for a bit-field. */
struct entry {
	uint64_t id;
	uint32_t bits;
	bool void_type;
};

static struct ctfmake make;
static struct kco_types *types;
static struct entry *queue;
static uint32_t nr_queue, cap_queue;

static _Noreturn void die(const char *what, const struct kco_err *err)
{
	fprintf(stderr, "mkctf: %s: %s\n", what, err ? err->msg : "");
	exit(1);
}

static uint32_t number(uint64_t id, uint32_t bits, bool void_type)
{
	for (uint32_t i = 0; i < nr_queue; i++)
		if (queue[i].id == id && queue[i].bits == bits && queue[i].void_type == void_type)
			return i + 1;
	if (nr_queue == cap_queue) {
		cap_queue = cap_queue ? cap_queue * 2 : 1024;
		queue = realloc(queue, cap_queue * sizeof(*queue));
		if (!queue)
			abort();
	}
	queue[nr_queue] = (struct entry){ id, bits, void_type };
	return ++nr_queue;
}

static uint32_t number_of(struct kco_type type)
{
	return number(type.id, 0, type.id == 0);
}

static struct kco_type_info info_of(uint64_t id)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_type_info info;

	if (kco_type_info((struct kco_type){ types, id }, &info, &err))
		die("a type", &err);
	return info;
}

static bool is_root(const struct kco_type_info *info, uint64_t id)
{
	struct kco_type found;

	return info->name[0] && !kco_types_find(types, info->kind, info->name, &found, NULL) && found.id == id;
}

static unsigned encoding_of(const struct kco_type_info *info)
{
	unsigned encoding = info->is_signed ? 1 : 0;

	if (strstr(info->name, "char"))
		encoding |= 2;
	return strstr(info->name, "ool") ? 4 : encoding;
}

static void write_members(uint64_t id, const struct kco_type_info *info)
{
	for (uint32_t i = 0; i < info->nr_members; i++) {
		struct kco_err err = KCO_ERR_INIT;
		struct kco_type strip;
		struct kco_member member;
		uint32_t type;

		if (kco_type_member((struct kco_type){ types, id }, i, &member, &err) ||
		    kco_type_strip(member.type, &strip, &err))
			die("a member", &err);
		type = number_of(member.type);
		// ctfconvert copies the integer that a bit-field is of; of an enum it has nothing to copy.
		if (member.bit_size && info_of(strip.id).kind == KCO_TYPE_INT)
			type = number(strip.id, member.bit_size, false);
		ctfmake_member(&make, member.name, type, member.bit_offset);
	}
}

static void write_enumerators(uint64_t id, const struct kco_type_info *info)
{
	for (uint32_t i = 0; i < info->nr_members; i++) {
		struct kco_err err = KCO_ERR_INIT;
		const char *name;
		int64_t value;

		if (kco_type_enumerator((struct kco_type){ types, id }, i, &name, &value, &err))
			die("an enumerator", &err);
		ctfmake_enumerator(&make, name, (int32_t)value);
	}
}

static void write_qualifier(const struct kco_type_info *info)
{
	// kcodbg does not tell them apart; nor does a reader of what it writes.
	ctfmake_type(&make, "", CTFMAKE_CONST, 0, number_of(info->target));
}

static void write_entry(const struct entry *e)
{
	struct kco_type_info info;

	make.not_root = true;
	if (e->void_type) {
		make.not_root = false;
		ctfmake_int(&make, "void", 0, 1, 0);
		return;
	}
	info = info_of(e->id);
	make.not_root = e->bits || !is_root(&info, e->id);
	switch (info.kind) {
	case KCO_TYPE_INT:
		ctfmake_int(&make, info.name, (uint32_t)info.size, encoding_of(&info),
			    e->bits ? e->bits : (unsigned)info.size * 8);
		break;
	case KCO_TYPE_FLOAT:
		ctfmake_float(&make, info.name, (uint32_t)info.size, info.size == 4 ? 1 : info.size == 8 ? 2 : 6);
		break;
	case KCO_TYPE_POINTER:
		ctfmake_type(&make, "", CTFMAKE_POINTER, 0, number_of(info.target));
		break;
	case KCO_TYPE_ARRAY:
		ctfmake_array(&make, number_of(info.target), number_of(info.target), (uint32_t)info.nr_elements);
		break;
	case KCO_TYPE_STRUCT:
	case KCO_TYPE_UNION:
		ctfmake_type(&make, info.name, info.kind == KCO_TYPE_STRUCT ? CTFMAKE_STRUCT : CTFMAKE_UNION,
			     info.nr_members, info.size);
		write_members(e->id, &info);
		break;
	case KCO_TYPE_ENUM:
		ctfmake_type(&make, info.name, CTFMAKE_ENUM, info.nr_members, info.size);
		write_enumerators(e->id, &info);
		break;
	case KCO_TYPE_TYPEDEF:
		ctfmake_type(&make, info.name, CTFMAKE_TYPEDEF, 0, number_of(info.target));
		break;
	case KCO_TYPE_FUNCTION:
		ctfmake_function(&make, number_of(info.target), NULL, 0);
		break;
	case KCO_TYPE_FORWARD:
		ctfmake_type(&make, info.name, CTFMAKE_FORWARD, 0, 0);
		break;
	default:
		write_qualifier(&info);
	}
}

static bool enlist(void *arg, enum kco_type_kind kind, const char *name, uint64_t id)
{
	(void)arg;
	(void)kind;
	(void)name;
	number(id, 0, false);
	return true;
}

/* The types of data objects, in the order of the symbol table. Of functions (whose types nobody asks for) the least. */
static void write_objects(const char *kernel)
{
	int fd = open(kernel, O_RDONLY | O_CLOEXEC);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	Elf_Scn *scn = NULL;
	GElf_Shdr sh = { 0 };
	Elf_Data *data;
	GElf_Sym sym;

	while ((scn = elf_nextscn(elf, scn)) && gelf_getshdr(scn, &sh) && sh.sh_type != SHT_SYMTAB)
		;
	data = scn ? elf_getdata(scn, NULL) : NULL;
	if (!data)
		die(kernel, NULL);
	for (int i = 0; gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(elf, sh.sh_link, sym.st_name);
		struct kco_type type;

		if (sym.st_shndx == SHN_UNDEF || !sym.st_name || !name)
			continue;
		if (GELF_ST_TYPE(sym.st_info) == STT_FUNC)
			ctfmake_func(&make, number(0, 0, true));
		if (GELF_ST_TYPE(sym.st_info) != STT_OBJECT || (sym.st_shndx == SHN_ABS && !sym.st_value))
			continue;
		ctfmake_object(&make, kco_types_variable(types, name, &type, NULL) ? 0 : number_of(type));
	}
	elf_end(elf);
	close(fd);
}

int main(int argc, char **argv)
{
	struct kco_debuginfo_request req = { .path = argc > 2 ? argv[2] : NULL };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_debuginfo *di;
	uint8_t *section;
	FILE *out;
	size_t n;

	if (argc != 4)
		die("usage: mkctf 2|3 KERNEL OUT", NULL);
	ctfmake_init(&make, atoi(argv[1]) == 2 ? CTFMAKE_2 : CTFMAKE_3);
	make.flags = 1;
	if (kco_debuginfo_open_new(&req, &di, &err) || kco_debuginfo_types_new(di, &types, &err) ||
	    kco_types_each(types, "", enlist, NULL, &err))
		die(argv[2], &err);
	write_objects(argv[2]);
	for (uint32_t i = 0; i < nr_queue; i++) {
		struct entry e = queue[i]; // the queue moves while it grows

		write_entry(&e);
	}
	section = ctfmake_take(&make, &n);
	out = fopen(argv[3], "wb");
	if (!out || fwrite(section, 1, n, out) != n || fclose(out))
		die(argv[3], NULL);
	free(section);
	free(queue);
	ctfmake_fini(&make);
	kco_types_free(types);
	kco_debuginfo_free(di);
	return 0;
}
