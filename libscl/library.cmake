# SPDX-License-Identifier: LGPL-2.1-or-later
# libscl.so: all layers joined once.

get_property (layers GLOBAL PROPERTY SCL_LAYERS)
set (symbol_map ${CMAKE_CURRENT_SOURCE_DIR}/libscl.map)
add_library (scl SHARED)
set_target_properties (scl PROPERTIES SOVERSION ${SCL_ABI} VERSION ${PROJECT_VERSION}
                                      LINK_DEPENDS ${symbol_map} LINKER_LANGUAGE C)
target_link_libraries (scl PRIVATE ${layers})
target_link_libraries (scl INTERFACE PkgConfig::GIO)
target_include_directories (scl INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
# GTypes cannot be unloaded.
target_link_options (scl PRIVATE LINKER:--version-script=${symbol_map} LINKER:--no-undefined-version
                                 LINKER:-z,nodelete)
if (NOT SCL_SANITIZE)
  target_link_options (scl PRIVATE LINKER:-z,defs)
endif ()
install (TARGETS scl LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})

file (GLOB public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/scl/*.h)
set (generated_headers ${PROJECT_BINARY_DIR}/include/scl/scl-version.h ${enum_types_h})
set (include_dir ${CMAKE_INSTALL_INCLUDEDIR}/scl-${SCL_ABI}/scl)
install (FILES ${public_headers} ${generated_headers} DESTINATION ${include_dir})

configure_file (scl.pc.in ${CMAKE_CURRENT_BINARY_DIR}/scl-${SCL_ABI}.pc @ONLY)
install (FILES ${CMAKE_CURRENT_BINARY_DIR}/scl-${SCL_ABI}.pc
         DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if (SCL_INTROSPECTION)
  include (introspection.cmake)
endif ()
