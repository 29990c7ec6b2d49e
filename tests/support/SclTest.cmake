# SPDX-License-Identifier: LGPL-2.1-or-later

# scl_add_test (NAME n COMMAND program … [LABELS unit|integration|e2e|lab|static …] [TIMEOUT seconds]
#               [ENVIRONMENT VAR=value …] [PLAIN] [HOST])
#
# COMMAND's first word is a target, a *.py file (run by Debian's python3) or a program. It prints TAP;
# PLAIN: its exit status is the only case (77: skipped, its last line on stderr says why). All tests run in parallel, those that begin early first that
# may take long. So none may share anything with another: HOST gives it a network, /run, /dev and /sys of its own,
# for what makes no hosts itself. TIMEOUT: what it takes at worst on a quiet machine (see scltest/bounds.py).
set (SCL_TEST_SUPPORT ${CMAKE_CURRENT_LIST_DIR})
set (SCL_TEST_LOGS ${PROJECT_BINARY_DIR}/tests/logs)

function (scl_add_test)
  cmake_parse_arguments (TEST "PLAIN;HOST" "NAME;TIMEOUT" "COMMAND;LABELS;ENVIRONMENT" ${ARGN})
  if (NOT TEST_TIMEOUT)
    set (TEST_TIMEOUT 60)
  endif ()
  if (NOT TEST_LABELS)
    set (TEST_LABELS unit)
  endif ()

  list (POP_FRONT TEST_COMMAND program)
  if (TARGET ${program})
    set (program $<TARGET_FILE:${program}>)
  elseif (program MATCHES "\\.py$")
    cmake_path (ABSOLUTE_PATH program)
    set (program /usr/bin/python3 ${program})
  endif ()
  set (options)
  foreach (option PLAIN HOST)
    if (TEST_${option})
      string (TOLOWER --${option} word)
      list (APPEND options ${word})
    endif ()
  endforeach ()

  add_test (NAME ${TEST_NAME}
            COMMAND ${SCL_TEST_SUPPORT}/tap-run --name ${TEST_NAME} --logs ${SCL_TEST_LOGS}
                    --timeout ${TEST_TIMEOUT} ${options} -- ${program} ${TEST_COMMAND})
  # tap-run keeps the time itself, for a busy machine too; ctest's limit is only for tap-run's own sake.
  math (EXPR limit "${TEST_TIMEOUT} * 16 + 240")
  set (environment
       SCL_BUILD_DIR=${PROJECT_BINARY_DIR} SCL_SOURCE_DIR=${PROJECT_SOURCE_DIR}
       PYTHONPATH=${SCL_TEST_SUPPORT} PYTHONDONTWRITEBYTECODE=1
       LD_LIBRARY_PATH=${PROJECT_BINARY_DIR}/libscl GI_TYPELIB_PATH=${PROJECT_BINARY_DIR}/libscl)
  if (SCL_SANITIZE STREQUAL "thread")
    # The sanitizer's own library comes first.
    execute_process (COMMAND ${CMAKE_C_COMPILER} -print-file-name=libtsan.so OUTPUT_VARIABLE tsan OUTPUT_STRIP_TRAILING_WHITESPACE)
    list (APPEND environment SCL_TEST_PRELOAD=${tsan}:${PROJECT_BINARY_DIR}/tests/libtsan-glib.so G_SLICE=always-malloc
          "TSAN_OPTIONS=history_size=4 suppressions=${SCL_TEST_SUPPORT}/tsan.supp")
  endif ()
  set_tests_properties (${TEST_NAME} PROPERTIES LABELS "${TEST_LABELS}" TIMEOUT ${limit} COST ${TEST_TIMEOUT}
                                                ENVIRONMENT "${environment};${TEST_ENVIRONMENT}")
endfunction ()

# The harness tests itself.
if (NOT TEST scl-support)
  scl_add_test (NAME scl-support COMMAND ${SCL_TEST_SUPPORT}/selftest.py LABELS lab TIMEOUT 480)
endif ()
