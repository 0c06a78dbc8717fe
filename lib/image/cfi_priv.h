// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inside of the CFI reader: a window on the section, and its entries.
 */
#ifndef KCO_CFI_PRIV_H
#define KCO_CFI_PRIV_H

#include "cfi.h"

#define CFI_WINDOW 256		/* bytes read at once */
#define CFI_ENTRY_MAX (1 << 20) /* bytes of one CIE or FDE: the largest known are below 64 KiB */

/*
 * A place in the section and how far it may go. What goes wrong is
 * remembered: every value after that is 0, and the caller asks once.
 */
struct cfi_cursor {
	const struct kco_cfi *cfi;
	uint64_t at, end;
	enum kco_status status; /* KCO_OK, or the first failure */
	uint64_t failed_at;
	uint64_t window_at;
	size_t window_n;
	uint8_t window[CFI_WINDOW];
};

/* DW_EH_PE_*: how a pointer is written. */
#define CFI_PE_ABSPTR 0x00
#define CFI_PE_ULEB128 0x01
#define CFI_PE_UDATA2 0x02
#define CFI_PE_UDATA4 0x03
#define CFI_PE_UDATA8 0x04
#define CFI_PE_SIGNED 0x08
#define CFI_PE_SLEB128 0x09
#define CFI_PE_SDATA2 0x0a
#define CFI_PE_SDATA4 0x0b
#define CFI_PE_SDATA8 0x0c
#define CFI_PE_PCREL 0x10
#define CFI_PE_DATAREL 0x30
#define CFI_PE_INDIRECT 0x80
#define CFI_PE_OMIT 0xff

struct cfi_cie {
	uint64_t code_align;
	int64_t data_align;
	uint8_t ra;
	uint8_t fde_encoding;
	bool augmented; /* 'z': FDEs have augmentation data */
	bool signal;
	uint64_t insns, insns_end;
};

struct cfi_fde {
	uint64_t cie; /* where it lies */
	uint64_t first, end;
	uint64_t insns, insns_end;
};

/** The head of an entry. */
struct cfi_entry {
	uint64_t at, next;   /* where it begins, and the one after it */
	uint64_t body;	     /* behind the CIE pointer */
	uint64_t cie;	     /* of an FDE: where its CIE lies */
	bool is_cie, is_end; /* is_end: a terminator */
	bool dwarf64;
};

/* cfi_read.c */
void cfi_seek(struct cfi_cursor *c, const struct kco_cfi *cfi, uint64_t at, uint64_t end);
/** Fail the cursor, unless it has failed already. */
void cfi_bad(struct cfi_cursor *c, enum kco_status status);
void cfi_bytes(struct cfi_cursor *c, void *buf, size_t n);
void cfi_skip(struct cfi_cursor *c, uint64_t n);
uint64_t cfi_uint(struct cfi_cursor *c, size_t size);
uint64_t cfi_uleb(struct cfi_cursor *c);
int64_t cfi_sleb(struct cfi_cursor *c);
/** A number in the format of @encoding, without what it is relative to. */
uint64_t cfi_raw_pointer(struct cfi_cursor *c, uint8_t encoding);
/** A pointer; @data is what DATAREL is relative to, 0: not known. */
uint64_t cfi_pointer(struct cfi_cursor *c, uint8_t encoding, uint64_t data);
/** How many bytes a pointer takes, 0 when that varies. */
size_t cfi_pointer_size(const struct kco_cfi *cfi, uint8_t encoding);
/** The cursor's failure as an error about @what at @at. */
enum kco_status cfi_fail(const struct cfi_cursor *c, struct kco_err *err, const char *what, uint64_t at);

/* cfi.c */
bool cfi_entry(struct cfi_cursor *c, const struct kco_cfi *cfi, uint64_t at, struct cfi_entry *ret);
enum kco_status cfi_cie(const struct kco_cfi *cfi, uint64_t at, struct cfi_cie *ret, struct kco_err *err) KCO_MUST_USE;
enum kco_status cfi_fde(const struct kco_cfi *cfi, uint64_t at, struct cfi_fde *fde, struct cfi_cie *cie,
			struct kco_err *err) KCO_MUST_USE;

/* cfi_row.c */
enum kco_status cfi_run(const struct kco_cfi *cfi, const struct cfi_fde *fde, const struct cfi_cie *cie, uint64_t pc,
			struct kco_cfi_row *row, struct kco_err *err) KCO_MUST_USE;

#endif
