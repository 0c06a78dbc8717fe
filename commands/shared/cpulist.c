// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lists of CPUs as users write them.
 */
#include "cpulist.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A number at *@p, which is moved on. */
static bool cpulist_number(const char **p, unsigned long *ret)
{
	char *end;

	if (!isdigit((unsigned char)**p))
		return false;
	*ret = strtoul(*p, &end, 10);
	*p = end;
	return true;
}

enum kco_status kco_cpulist_parse(struct kco_cmd_ctx *ctx, const char *words, size_t n, bool **ret, struct kco_err *err)
{
	bool *set = kco_arena_array(ctx->arena, n ? n : 1, sizeof(*set));
	const char *p = words;

	if (!set)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	*ret = set;
	if (!strcmp(words, "all") || !strcmp(words, "a")) {
		memset(set, true, n);
		return KCO_OK;
	}
	for (;;) {
		unsigned long first, last;

		if (!cpulist_number(&p, &first))
			break;
		last = first;
		if (*p == '-') {
			p++;
			if (!cpulist_number(&p, &last))
				break;
		}
		if (last < first)
			break;
		if (last >= n)
			return kco_fail(err, KCO_E_USAGE, "there is no CPU %lu: the dump has CPUs 0 to %zu", last,
					n ? n - 1 : 0);
		memset(set + first, true, last - first + 1);
		if (!*p)
			return KCO_OK;
		if (*p++ != ',')
			break;
	}
	return kco_fail(err, KCO_E_USAGE, "'%.60s' is not a list of CPUs such as 0,2-3 or all", words);
}
