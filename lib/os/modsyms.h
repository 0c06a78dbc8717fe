// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The symbols of all modules as one source, for every personality that knows
 * where a module keeps its own.
 */
#ifndef KCO_OS_MODSYMS_H
#define KCO_OS_MODSYMS_H

#include "session.h"

/** The symbols of one module, handed over. A failure leaves this one without. */
typedef enum kco_status os_modsyms_one(struct kco_session *s, const struct kco_module *mod,
				       struct kco_symbol_source **ret);

/** The source. The list of modules, and @one for each, is asked for on the first miss of the sources before it. */
enum kco_status os_modsyms_new(struct kco_session *s, os_modsyms_one *one, struct kco_symbol_source **ret,
			       struct kco_err *err) KCO_MUST_USE;

#endif
