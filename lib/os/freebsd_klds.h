// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is known of FreeBSD's kernel modules beyond their list.
 *
 *   freebsd_klds.c      the list
 *   freebsd_kldsyms.c   a module's symbols: its table in the dump's memory, else of its file
 *   freebsd_kldsects.c  its sections, from the dump's memory
 *   freebsd_kldfiles.c  where its file may lie
 */
#ifndef KCO_OS_FREEBSD_KLDS_H
#define KCO_OS_FREEBSD_KLDS_H

#include "elf_modfile.h"
#include "session.h"

#define FREEBSD_KLD_OBJECT \
	1024u /* bytes of a struct elf_file that are looked through: on 64-bit machines it has about 600 */

/** A module's struct elf_file (sys/kern/link_elf.c, link_elf_obj.c), as far as it can be read. */
struct freebsd_kld_object {
	uint8_t bytes[FREEBSD_KLD_OBJECT];
	size_t n;
};
/** The word at @at, 0 behind the end. */
uint64_t freebsd_kld_word(struct kco_session *s, const struct freebsd_kld_object *object, uint64_t at);

/**
 * The module's sections where the dump has them (modules of objects only, amd64), in the arena of the session. They
 * lie in order and do not overlap. 0: none were found.
 */
size_t freebsd_kld_sections(struct kco_session *s, const struct kco_module *mod,
			    const struct freebsd_kld_object *object, const struct kco_modfile_section **ret);

/**
 * Call @fn with each place where the module's file may lie and a file is. It says KCO_OK when that is the one, which
 * ends it; another answer is warned of, but KCO_DONE: the file is right and has not what is wanted. @fn may take
 * @bytes: then it sets them to NULL. KCO_E_NOSYM: it is nowhere.
 */
enum kco_status freebsd_kld_file(struct kco_session *s, const struct kco_module *mod,
				 enum kco_status (*fn)(void *arg, const char *path, void **bytes, size_t n,
						       struct kco_err *err),
				 void *arg, struct kco_err *err);

/** Find the symbols of a module that was just read, and set its text_size. */
void freebsd_kld_load(struct kco_session *s, struct kco_module *mod);
/** The row's slots. The symbols: what freebsd_kld_load() found, as one source. */
enum kco_status freebsd_kld_symbols(struct kco_session *s, struct kco_symbol_source **ret, struct kco_err *err);
enum kco_status freebsd_kld_module_sections(struct kco_session *s, const struct kco_module *mod,
					    enum kco_status (*add)(void *arg, const char *name, uint64_t addr),
					    void *arg, struct kco_err *err);
enum kco_status freebsd_kld_module_file(struct kco_session *s, const struct kco_module *mod, const char **path,
					void **bytes, size_t *size, struct kco_err *err);
void freebsd_kldsyms_fini(struct kco_session *s);

#endif
