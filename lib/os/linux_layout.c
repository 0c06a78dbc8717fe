// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several members of one structure, looked up once and read at once: a table
 * of names with their alternatives becomes a window of the structure.
 */
#include "linux_process.h"

#include <inttypes.h>

enum kco_status linux_layout_init(struct kco_session *s, struct linux_layout *layout, const char *type,
				  const struct linux_need *needs, size_t n, struct kco_err *err)
{
	uint64_t first = UINT64_MAX, end = 0;

	*layout = (struct linux_layout){ .type = type };
	if (n > LINUX_LAYOUT_FIELDS)
		return kco_fail(err, KCO_E_BUG, "%zu members of struct %s are too many", n, type);
	for (size_t i = 0; i < n; i++) {
		const char *const *p = needs[i].paths;
		struct kco_field *f = &layout->f[i];
		enum kco_status st =
			os_field(s, type, f, needs[i].optional ? NULL : err, p[0], p[1], p[1] ? p[2] : NULL, NULL);

		if (st && !needs[i].optional)
			return st;
		if (st) {
			f->size = 0;
			continue;
		}
		first = f->offset < first ? f->offset : first;
		end = f->offset + f->size > end ? f->offset + f->size : end;
	}
	if (end <= first || end - first > LINUX_LAYOUT_WINDOW)
		return kco_fail(err, KCO_E_CORRUPT, "struct %s with %" PRIu64 " bytes from its member at %" PRIu64,
				type, end - first, first);
	layout->first = first;
	layout->size = (size_t)(end - first);
	for (size_t i = 0; i < n; i++)
		layout->f[i].offset -= layout->f[i].size ? first : 0;
	return KCO_OK;
}

enum kco_status linux_layout_read(struct kco_session *s, const struct linux_layout *layout, uint64_t addr, void *buf,
				  struct kco_err *err)
{
	enum kco_status st = kco_kread(s, addr + layout->first, buf, layout->size, NULL, err);

	return st ? kco_context(err, st, "struct %s", layout->type) : KCO_OK;
}

uint64_t linux_layout_get(const struct linux_layout *layout, const void *buf, size_t i)
{
	uint64_t v = 0;

	if (layout->f[i].size)
		(void)!kco_field_get(&layout->f[i], buf, layout->size, &v);
	return v;
}
