# SPDX-License-Identifier: LGPL-2.1-or-later
if (SCL_INTROSPECTION)
  set (with_override PYTHONPATH=${SCL_TEST_SUPPORT}:${PROJECT_SOURCE_DIR}/bindings/python)
  foreach (name api async example)
    scl_add_test (NAME python-${name} COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_python_${name}.py LABELS integration
                  TIMEOUT 120 ENVIRONMENT ${with_override})
  endforeach ()
  scl_add_test (NAME python-leaks COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_python_leaks.py LABELS integration
                TIMEOUT 300 ENVIRONMENT ${with_override} MALLOC_ARENA_MAX=1)
  scl_add_test (NAME python-guest COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_python_guest.py LABELS integration
                TIMEOUT 600 HOST ENVIRONMENT ${with_override})
  scl_add_test (NAME python-stubs COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_python_stubs.py LABELS integration
                TIMEOUT 120 ENVIRONMENT ${with_override})
  # What works without the override works with it.
  foreach (name connection async leaks)
    scl_add_test (NAME python-gi-${name} COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_gi_${name}.py LABELS integration
                  TIMEOUT 120 ENVIRONMENT ${with_override} MALLOC_ARENA_MAX=1)
  endforeach ()
endif ()
