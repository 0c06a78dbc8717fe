// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A function that is inlined from another file than the one it is called in.
 */
#ifndef KCO_SAMPLE_INLINED_H
#define KCO_SAMPLE_INLINED_H

#include "mark.h"

static volatile int sample_hidden;

static inline __attribute__((always_inline)) void sample_innermost(int x)
{
	MARK(innermost);
	sample_hidden = x * 3;
}

#endif
