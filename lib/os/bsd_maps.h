// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a BSD's kernel maps memory, whichever BSD it is.
 */
#ifndef KCO_OS_BSD_MAPS_H
#define KCO_OS_BSD_MAPS_H

#include "session.h"

/** The maps slot of FreeBSD, NetBSD and OpenBSD. KCO_DONE from @add ends it, and is what it returns then. */
enum kco_status bsd_maps(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_write_map *map),
			 void *arg, struct kco_err *err);

#endif
