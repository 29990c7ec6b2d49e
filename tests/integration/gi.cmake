# SPDX-License-Identifier: LGPL-2.1-or-later
if (SCL_INTROSPECTION)
  foreach (name connection async leaks)
    scl_add_test (NAME gi-${name} COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_gi_${name}.py LABELS integration
                  TIMEOUT 120 ENVIRONMENT MALLOC_ARENA_MAX=1)
  endforeach ()
endif ()
