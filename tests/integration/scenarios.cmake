# SPDX-License-Identifier: LGPL-2.1-or-later
foreach (name power kill faults foreign changes run missing owner disks removals instances embed full settings)
  scl_add_test (NAME scenario-${name} COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_scenario_${name}.py LABELS integration
                TIMEOUT 300)
endforeach ()

# What is loaded into sclctl and fails in it.
pkg_check_modules (LIBVIRT REQUIRED IMPORTED_TARGET libvirt)
pkg_check_modules (NL REQUIRED IMPORTED_TARGET libnl-3.0)
add_library (fault-inject MODULE ${PROJECT_SOURCE_DIR}/tests/support/fault-inject.c)
target_compile_options (fault-inject PRIVATE -fvisibility=default)
target_link_libraries (fault-inject PRIVATE PkgConfig::GIO PkgConfig::LIBVIRT PkgConfig::NL)

# Only by "tests/run long". What is set here wins over what a person sets: so not how many, which is theirs.
scl_add_test (NAME long-kill COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_scenario_kill.py random_moments LABELS long
              TIMEOUT 3600 ENVIRONMENT SCL_TEST_LONG=1)
scl_add_test (NAME long-faults COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_scenario_faults.py LABELS long
              TIMEOUT 3600 ENVIRONMENT SCL_TEST_LONG=1)
