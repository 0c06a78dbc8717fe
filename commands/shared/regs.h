// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers as crash lays them out, and as a JSON object.
 */
#ifndef KCO_COMMANDS_REGS_H
#define KCO_COMMANDS_REGS_H

#include <kco/arch.h>
#include <kco/out.h>

/** Rows of registers, indented by four. Unknown ones are question marks; a row without a known one is left out. */
void kco_regs_text(struct kco_out *out, const struct kco_arch_ops *arch, const struct kco_regs *regs);
/** An object of the known registers by name, as addresses. */
void kco_regs_json(struct kco_out *out, const char *key, const struct kco_arch_ops *arch, const struct kco_regs *regs);

#endif
