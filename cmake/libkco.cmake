# SPDX-License-Identifier: GPL-2.0-or-later
#
# libkco for other programs: the engine and the formats as a shared and a static library,
# their headers, and kco.pc. kcodbg itself is linked from the same objects.
set(libkco_objects $<TARGET_OBJECTS:kco_segment> $<TARGET_OBJECTS:kco_engine> $<TARGET_OBJECTS:kco_formats>)
set(libkco_needs PkgConfig::ELFUTILS PkgConfig::XXHASH PkgConfig::ZLIB PkgConfig::LZMA PkgConfig::ZSTD PkgConfig::LZO PkgConfig::LZ4 PkgConfig::KDUMPFILE
                 kco_snappy Threads::Threads m ${CMAKE_DL_LIBS})

add_library(kco_shared SHARED ${libkco_objects})
# Until 1.0 every minor version may change the interface.
set_target_properties(kco_shared PROPERTIES OUTPUT_NAME kco LINKER_LANGUAGE C VERSION ${PROJECT_VERSION}
                                            SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                                            LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/libkco.map)
target_link_libraries(kco_shared PRIVATE ${libkco_needs})
target_link_options(kco_shared PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/libkco.map)

add_library(kco_static STATIC ${libkco_objects})
set_target_properties(kco_static PROPERTIES OUTPUT_NAME kco LINKER_LANGUAGE C)

configure_file(cmake/kco.pc.in kco.pc @ONLY)
install(TARGETS kco_shared kco_static LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
# cmd.h and out.h are between kcodbg and its commands; the library has nothing of them.
install(DIRECTORY lib/include/kco lib/segment/include/kco formats/include/kco DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "cmd.h" EXCLUDE PATTERN "out.h" EXCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/kco.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
