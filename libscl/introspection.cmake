# SPDX-License-Identifier: LGPL-2.1-or-later
# Scl-N.gir and .typelib. The scanner is fed the public headers and the sources that document them.

pkg_check_modules (GI REQUIRED gobject-introspection-1.0)
pkg_get_variable (G_IR_SCANNER gobject-introspection-1.0 g_ir_scanner)
pkg_get_variable (G_IR_COMPILER gobject-introspection-1.0 g_ir_compiler)
set (gir ${CMAKE_CURRENT_BINARY_DIR}/Scl-${SCL_ABI}.gir)
set (typelib ${CMAKE_CURRENT_BINARY_DIR}/Scl-${SCL_ABI}.typelib)

# The sources whose headers are public, and the parts that some of them are split into.
set (documented)
foreach (header ${public_headers})
  get_filename_component (stem ${header} NAME_WE)
  file (GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/base/${stem}.c
        ${CMAKE_CURRENT_SOURCE_DIR}/model/${stem}.c ${CMAKE_CURRENT_SOURCE_DIR}/config/${stem}.c
        ${CMAKE_CURRENT_SOURCE_DIR}/plan/${stem}.c ${CMAKE_CURRENT_SOURCE_DIR}/client/${stem}.c)
  list (APPEND documented ${sources})
endforeach ()
list (APPEND documented ${CMAKE_CURRENT_SOURCE_DIR}/base/scl-version.c
      ${CMAKE_CURRENT_SOURCE_DIR}/model/scl-manifest-check.c
      ${CMAKE_CURRENT_SOURCE_DIR}/model/scl-vm-spec-text.c
      ${CMAKE_CURRENT_SOURCE_DIR}/client/scl-connection-async.c
      ${CMAKE_CURRENT_SOURCE_DIR}/client/scl-connection-check.c
      ${CMAKE_CURRENT_SOURCE_DIR}/client/scl-connection-refresh.c
      ${CMAKE_CURRENT_SOURCE_DIR}/client/scl-operation-wait.c
      ${CMAKE_CURRENT_SOURCE_DIR}/client/scl-vm-actions.c ${GIR_EXTRA_SOURCES})
list (REMOVE_DUPLICATES documented)
set (scanned ${public_headers} ${generated_headers} ${documented} ${enum_types_c})
list (FILTER scanned EXCLUDE REGEX "\\.h\\.in$")
list (JOIN scanned "\n" scanned_lines)
file (GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/gir.files CONTENT "${scanned_lines}\n")

set (sanitize_flags)
if (SCL_SANITIZE)
  set (sanitize_flags "CFLAGS=-fsanitize=${SCL_SANITIZE}" "LDFLAGS=-fsanitize=${SCL_SANITIZE}"
       "ASAN_OPTIONS=detect_leaks=0")
endif ()
add_custom_command (
  OUTPUT ${gir}
  COMMAND
    ${CMAKE_COMMAND} -E env CC=${CMAKE_C_COMPILER} ${sanitize_flags} ${G_IR_SCANNER} --quiet --warn-all
    --warn-error --namespace=Scl --nsversion=${SCL_ABI} --identifier-prefix=Scl --symbol-prefix=scl
    --include=Gio-2.0 --pkg=gio-2.0 --pkg-export=scl-${SCL_ABI} --c-include=scl/scl.h --no-libtool
    --library=scl --library-path=$<TARGET_FILE_DIR:scl> -L$<TARGET_FILE_DIR:scl>
    -I${PROJECT_SOURCE_DIR}/include -I${PROJECT_BINARY_DIR}/include -I${CMAKE_CURRENT_SOURCE_DIR}
    --cflags-begin -DSCL_COMPILATION --cflags-end --sources-top-dirs ${PROJECT_SOURCE_DIR} --sources-top-dirs ${PROJECT_BINARY_DIR}
    --filelist=${CMAKE_CURRENT_BINARY_DIR}/gir.files --output=${gir}
  DEPENDS scl ${public_headers} ${generated_headers} ${documented}
  VERBATIM)
add_custom_command (OUTPUT ${typelib} COMMAND ${G_IR_COMPILER} --output=${typelib} ${gir}
                    DEPENDS ${gir} VERBATIM)
add_custom_target (introspection ALL DEPENDS ${typelib})
install (FILES ${gir} DESTINATION ${CMAKE_INSTALL_DATADIR}/gir-1.0)
install (FILES ${typelib} DESTINATION ${CMAKE_INSTALL_LIBDIR}/girepository-1.0)
