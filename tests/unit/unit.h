// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the unit tests share beyond cmocka: faults on demand, files made for
 * one test, and a view of an error's text.
 */
#ifndef KCO_UNIT_H
#define KCO_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <kco/err.h>

/**
 * Let the @nth (from 1) allocation, mapping or pread from now on fail, once.
 * 0 disarms. The usual loop:
 *
 *   for (n = 1;; n++) {
 *           unit_fault_arm(n);
 *           ... the operation, which must fail cleanly or succeed ...
 *           if (!unit_fault_fired())
 *                   break;
 *   }
 */
void unit_fault_arm(long nth);
/** Whether it has failed since it was armed. Disarms. */
bool unit_fault_fired(void);

/** A new file with these bytes; the path is valid until the test program ends, which removes it. */
const char *unit_file(const void *bytes, size_t n);
/** A path in the scratch folder that does not exist yet. */
const char *unit_path(void);

/** Repeatable pseudo-random numbers (splitmix64). */
uint64_t unit_random(uint64_t *state);

#define assert_msg(err, text) unit_assert_msg(err, text, __FILE__, __LINE__)
void unit_assert_msg(const struct kco_err *err, const char *text, const char *file, int line);

#endif
