// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols and build-id of a FreeBSD kernel from the dump's memory.
 */
#ifndef KCO_OS_FREEBSD_SYMBOLS_H
#define KCO_OS_FREEBSD_SYMBOLS_H

#include "session.h"

/** The row's slots. */
enum kco_status freebsd_symbols(struct kco_session *s, struct kco_symbols *syms, struct kco_err *err);
enum kco_status freebsd_build_id(struct kco_session *s, uint8_t *id, size_t *size, struct kco_err *err);
/**
 * For a full dump without a kernel file: look for the table in physical
 * memory, so that kco_session_kernel_symbol() has symbols to find the page
 * tables by. KCO_E_NOSYM: there is none in the lowest 4 GiB.
 */
enum kco_status freebsd_symbols_phys(struct kco_session *s, struct kco_err *err) KCO_MUST_USE;

#endif
