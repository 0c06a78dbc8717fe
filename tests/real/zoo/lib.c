// SPDX-License-Identifier: GPL-2.0-or-later
/* libzoo.so: a library of the zoo's own, in the middle of the stacks that pass through it. */
#include "lib.h"
#include "zoo.h"

char zoolib_data[64] = "zoo-marker data of libzoo.so";

/* For a uprobe; nobody calls it. */
ZOO_FN long zoolib_probed(long n)
{
	return n + 1;
}

ZOO_FN long zoolib_inner(zoolib_fn *fn, void *arg)
{
	long r = fn(arg);

	ZOO_KEEP();
	return r + 1;
}

ZOO_FN long zoolib_outer(zoolib_fn *fn, void *arg)
{
	long r = zoolib_inner(fn, arg);

	ZOO_KEEP();
	return r + 1;
}
