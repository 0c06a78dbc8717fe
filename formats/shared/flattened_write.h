// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The writer behind flattened.c's table row: a sink that can be anywhere, over
 * a stream that only goes on.
 */
#ifndef KCO_FLATTENED_WRITE_H
#define KCO_FLATTENED_WRITE_H

#include <kco/sink.h>

/**
 * See the wrap slot of struct kco_format_ops. Same writes in, same bytes out.
 * What is within the announced size and was not written gets no record: it is
 * zeros to readers, and a hole to makedumpfile -R.
 */
enum kco_status kco_flattened_sink_new(struct kco_stream *to, struct kco_sink **ret, struct kco_err *err) KCO_MUST_USE;

#endif
