// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * .gnu_debugdata: an ELF file with the symbols that are not dynamic, packed
 * with xz (Fedora's "MiniDebugInfo").
 */
#include "uelf.h"

#include <stdlib.h>

#include <lzma.h>

#define UELF_XZ_MEMORY (UINT64_C(256) << 20) /* of the decoder: a dictionary is up to 4 GiB */

enum kco_status kco_uelf_unxz_new(const void *src, size_t n, size_t max, void **ret, size_t *ret_n, struct kco_err *err)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	size_t cap = n < max / 4 ? n * 4 + 4096 : max;
	lzma_ret code = lzma_stream_decoder(&stream, UELF_XZ_MEMORY, LZMA_CONCATENATED);
	uint8_t *out = NULL;

	*ret = NULL;
	*ret_n = 0;
	stream.next_in = src;
	stream.avail_in = n;
	while (code == LZMA_OK) {
		uint8_t *grown;

		if (stream.total_out >= max) {
			code = LZMA_MEMLIMIT_ERROR;
			break;
		}
		cap = out ? cap * 2 : cap;
		cap = cap < max ? cap : max;
		grown = realloc(out, cap + 1);
		if (!grown) {
			code = LZMA_MEM_ERROR;
			break;
		}
		out = grown;
		stream.next_out = out + stream.total_out;
		stream.avail_out = cap - (size_t)stream.total_out;
		code = lzma_code(&stream, LZMA_FINISH);
		if (code == LZMA_BUF_ERROR && !stream.avail_out)
			code = LZMA_OK;
	}
	*ret_n = (size_t)stream.total_out;
	lzma_end(&stream);
	if (code == LZMA_STREAM_END && out) {
		out[*ret_n] = '\0';
		*ret = out;
		return KCO_OK;
	}
	free(out);
	*ret_n = 0;
	if (code == LZMA_MEM_ERROR)
		return kco_fail(err, KCO_E_NOMEM, ".gnu_debugdata: out of memory");
	if (code == LZMA_MEMLIMIT_ERROR)
		return kco_fail(err, KCO_E_NOMEM, ".gnu_debugdata would fill more than %zu bytes", max);
	return kco_fail(err, KCO_E_CORRUPT, ".gnu_debugdata: its xz stream is damaged (%d)", (int)code);
}
