// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The session's separate debug information: finds the vmlinux that belongs to
 * the dump's kernel, and says where the sections of the modules were loaded.
 */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

#include "debuginfo.h"
#include "kernelfile.h"

#define LINES_BUILD_ID_MAX 64
#define LINES_SECTIONS_MAX 512
/* A build-id note: header, "GNU" and up to 64 bytes. */
#define LINES_NOTE_SIZE (12 + 4 + LINES_BUILD_ID_MAX)

/* Was opened before init(): compare now, and not again. */
static enum kco_status lines_recheck(struct kco_session *s, const struct kco_debuginfo_request *req,
				     struct kco_err *err)
{
	return kco_debuginfo_checked(s->debuginfo) ? KCO_OK : kco_debuginfo_recheck(req, s->debuginfo, err);
}

enum kco_status kco_session_open_debuginfo(struct kco_session *s, struct kco_err *err)
{
	struct kco_debuginfo_request req = {
		.path = s->opts.vmlinux,
		.debug_dir = s->opts.debug_dir,
		.places = kco_kernel_paths(s),
		.whole = KCO_OS_SLOT(s->os, kernel_whole),
		.machine = s->arch ? s->arch->elf_machine : 0,
		.matches = KCO_OS_SLOT(s->os, kernel_matches) ? kco_kernel_matches : NULL,
		.matches_arg = s,
		.progress = kco_session_progress,
		.progress_arg = s,
	};
	uint8_t id[LINES_BUILD_ID_MAX];
	size_t n = sizeof(id);
	char release[72];
	uint64_t bias;
	enum kco_status st;

	if (!kco_session_vmcoreinfo(s, "OSRELEASE", release, sizeof(release), NULL))
		req.release = release;
	if (KCO_OS_SLOT(s->os, build_id) && !KCO_OS_SLOT(s->os, build_id)(s, id, &n, NULL)) {
		req.build_id = id;
		req.build_id_size = n;
	}
	st = s->debuginfo ? lines_recheck(s, &req, err) : kco_debuginfo_open_new(&req, &s->debuginfo, err);
	if (st || !KCO_OS_SLOT(s->os, bias))
		return st;
	st = KCO_OS_SLOT(s->os, bias)(s, s->debuginfo, &bias, err);
	if (!st)
		kco_debuginfo_set_bias(s->debuginfo, bias);
	return st;
}

struct lines_module {
	struct kco_session *s;
	struct kco_debuginfo_section sections[LINES_SECTIONS_MAX];
	size_t n;
	uint8_t id[LINES_BUILD_ID_MAX];
	size_t id_size;
};

static enum kco_status lines_section(void *arg, const char *name, uint64_t addr)
{
	struct lines_module *m = arg;

	if (m->n == LINES_SECTIONS_MAX)
		return KCO_E_NOMEM;
	m->sections[m->n++] = (struct kco_debuginfo_section){ kco_session_text(m->s, "%s", name), addr };
	if (!strcmp(name, ".note.gnu.build-id") && KCO_OS_SLOT(m->s->os, read_build_id)) {
		m->id_size = sizeof(m->id);
		if (KCO_OS_SLOT(m->s->os, read_build_id)(m->s, addr, LINES_NOTE_SIZE, m->id, &m->id_size, NULL))
			m->id_size = 0;
	}
	return KCO_OK;
}

struct lines_file {
	struct kco_session *s;
	const struct kco_module *mod;
};

static enum kco_status lines_file(void *arg, const char **path, void **bytes, size_t *size, struct kco_err *err)
{
	const struct lines_file *file = arg;

	return KCO_OS_SLOT(file->s->os, module_file)(file->s, file->mod, path, bytes, size, err);
}

/* As struct kco_debuginfo_module wants it, where the personality knows files. */
static void lines_set_file(struct kco_session *s, const struct kco_module *mod, struct kco_debuginfo_module *add)
{
	struct lines_file *file = KCO_OS_SLOT(s->os, module_file) ? kco_arena_alloc(&s->arena, sizeof(*file)) : NULL;

	if (!file)
		return;
	*file = (struct lines_file){ s, mod };
	add->file = lines_file;
	add->file_arg = file;
}

enum kco_status kco_session_add_module_lines(struct kco_session *s, struct kco_err *err)
{
	const struct kco_module *mods;
	struct lines_module *m;
	size_t n;
	enum kco_status st = kco_modules_get(s, &mods, &n, err);

	if (st || !KCO_OS_SLOT(s->os, module_sections))
		return st;
	m = malloc(sizeof(*m));
	if (!m)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct kco_debuginfo_module add = {
			.name = mods[i].name,
			.first = mods[i].base,
			.end = mods[i].base + mods[i].text_size,
			.sections = m->sections,
		};

		m->s = s;
		m->n = m->id_size = 0;
		if (mods[i].status || KCO_OS_SLOT(s->os, module_sections)(s, &mods[i], lines_section, m, err))
			continue;
		lines_set_file(s, &mods[i], &add);
		add.nr_sections = m->n;
		add.build_id = m->id_size ? m->id : NULL;
		add.build_id_size = m->id_size;
		st = kco_debuginfo_module_add(s->debuginfo, &add, err);
		if (st)
			break;
	}
	free(m);
	return st;
}
