# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every library that kcodbg builds on, as pkg-config or plain targets. All are
# Debian 12 packages; scripts/packages.txt lists them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LZMA REQUIRED IMPORTED_TARGET liblzma)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(LZO REQUIRED IMPORTED_TARGET lzo2)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ELFUTILS REQUIRED IMPORTED_TARGET libdw libelf)
pkg_check_modules(KDUMPFILE REQUIRED IMPORTED_TARGET libkdumpfile)
pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(SMARTCOLS REQUIRED IMPORTED_TARGET smartcols)
pkg_check_modules(YAJL REQUIRED IMPORTED_TARGET yajl)

# snappy has no pkg-config file in Debian 12.
find_path(SNAPPY_INCLUDE_DIR snappy-c.h REQUIRED)
find_library(SNAPPY_LIBRARY snappy REQUIRED)
add_library(kco_snappy INTERFACE)
target_include_directories(kco_snappy INTERFACE ${SNAPPY_INCLUDE_DIR})
target_link_libraries(kco_snappy INTERFACE ${SNAPPY_LIBRARY})

# The debuginfod client is loaded with dlopen when it is used; only its header is needed.
find_path(DEBUGINFOD_INCLUDE_DIR elfutils/debuginfod.h REQUIRED)
