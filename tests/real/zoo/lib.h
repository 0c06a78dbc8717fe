// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef ZOO_LIB_H
#define ZOO_LIB_H

typedef long zoolib_fn(void *arg);

extern char zoolib_data[64];
long zoolib_outer(zoolib_fn *fn, void *arg);
long zoolib_probed(long n);
long zoolib_inner(zoolib_fn *fn, void *arg);

#endif
