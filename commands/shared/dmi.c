// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The strings that firmware tells about the machine (DMI): dmi_ident[] of
 * Linux drivers/firmware/dmi_scan.c, an array of pointers to text that enum
 * dmi_field names.
 */
#include "dmi.h"

#include <string.h>

/* The string that the pointer at @at points to; nothing when it is NULL: the machine has no such string. */
static void dmi_string(struct kco_cmd_ctx *ctx, const char *name, uint64_t at)
{
	struct kco_session *s = ctx->session;
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status status;
	uint64_t string = 0;
	char text[512] = "";

	status = kco_kread_uint(s, at, 8, &string, &why);
	if (status == KCO_OK && !string)
		return;
	if (status == KCO_OK)
		status = kco_vread_str(kco_session_mem(s), kco_session_kernel_space(s), string, text, sizeof(text),
				       &why);
	kco_text(ctx->out, "%25s: %s\n", name, text);
	kco_json_row(ctx->out);
	kco_json_str(ctx->out, "dmi", name);
	kco_json_str(ctx->out, "value", text);
	if (status != KCO_OK)
		kco_row_failed(ctx, status, why.msg);
	kco_json_row_end(ctx->out);
}

/*
 * One past the last index of dmi_ident[]: DMI_STRING_MAX. What the enum has
 * behind it (DMI_OEM_STRING) is matched elsewhere and is no index.
 */
static int64_t dmi_end(struct kco_type type, uint32_t n)
{
	for (uint32_t i = 0; i < n && i < 256; i++) {
		const char *name;
		int64_t value;

		if (kco_type_enumerator(type, i, &name, &value, NULL) == KCO_OK && !strcmp(name, "DMI_STRING_MAX"))
			return value < 256 ? value : 256;
	}
	return 256;
}

enum kco_status kco_dmi_show(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	struct kco_session *s = ctx->session;
	enum kco_status status = kco_session_need(s, KCO_NEED_SYMS | KCO_NEED_TYPES, err);
	struct kco_type_info info;
	struct kco_symbol sym;
	struct kco_type type;
	int64_t end;

	if (status == KCO_OK)
		status = kco_symbols_by_name(kco_session_symbols(s), "dmi_ident", &sym, err);
	if (status == KCO_OK)
		status = kco_types_find(kco_session_types(s), KCO_TYPE_ENUM, "dmi_field", &type, err);
	if (status == KCO_OK)
		status = kco_type_info(type, &info, err);
	if (status != KCO_OK)
		return status;
	end = dmi_end(type, info.nr_members);
	for (uint32_t i = 0; i < info.nr_members && i < 256 && !kco_out_closed(ctx->out); i++) {
		const char *name;
		int64_t index;

		// The first enumerator stands for none.
		if (kco_type_enumerator(type, i, &name, &index, NULL) == KCO_OK && index >= 0 && index < end &&
		    strcmp(name, "DMI_NONE"))
			dmi_string(ctx, name, sym.addr + (uint64_t)index * 8);
	}
	return KCO_OK;
}
