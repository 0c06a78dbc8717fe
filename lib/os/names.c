// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols and members by name, for every personality.
 */
#include "names.h"

#include <stdarg.h>

enum kco_status os_symbol(struct kco_session *s, uint64_t *ret, struct kco_err *err, const char *name, ...)
{
	struct kco_symbol sym;
	enum kco_status st;
	va_list ap;

	if (!s->symbols)
		return kco_fail(err, KCO_E_NOSYM, "no symbols: '%s' is not known", name);
	st = kco_symbols_by_name(s->symbols, name, &sym, err);
	va_start(ap, name);
	for (const char *other; st && (other = va_arg(ap, const char *));)
		st = kco_symbols_by_name(s->symbols, other, &sym, NULL);
	va_end(ap);
	if (!st)
		*ret = sym.addr;
	return st;
}

enum kco_status os_field(struct kco_session *s, const char *type, struct kco_field *field, struct kco_err *err,
			 const char *path, ...)
{
	enum kco_status st;
	va_list ap;

	if (!s->types)
		return kco_fail(err, KCO_E_NOTYPE, "no types: %s.%s is not known", type, path);
	st = kco_types_field(s->types, type, path, field, err);
	va_start(ap, path);
	for (const char *other; st && (other = va_arg(ap, const char *));)
		st = kco_types_field(s->types, type, other, field, NULL);
	va_end(ap);
	return st;
}

enum kco_status os_variable(struct kco_session *s, const char *name, size_t size, uint64_t *ret, struct kco_err *err)
{
	uint64_t addr;
	enum kco_status st = os_symbol(s, &addr, err, name, NULL);

	return st ? st : kco_kread_uint(s, addr, size ? size : s->arch->ptr_size, ret, err);
}

enum kco_status os_read(struct kco_session *s, const char *type, uint64_t addr, const char *path, uint64_t *ret,
			struct kco_err *err)
{
	struct kco_field f;
	enum kco_status st = os_field(s, type, &f, err, path, NULL);

	return st ? st : kco_kread_field(s, addr, &f, ret, err);
}
