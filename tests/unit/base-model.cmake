# SPDX-License-Identifier: LGPL-2.1-or-later
scl_test_program (NAME test-base LABELS unit SOURCES test-base.c LAYERS base TIMEOUT 60)
scl_test_program (NAME test-own-fd LABELS unit SOURCES test-own-fd.c LAYERS base TIMEOUT 60)
scl_test_program (NAME test-child LABELS unit SOURCES test-child.c LAYERS base TIMEOUT 120)
scl_test_program (NAME test-spawn LABELS unit threads SOURCES test-spawn.c LAYERS base TIMEOUT 120)
scl_test_program (NAME test-names LABELS unit SOURCES test-names.c LAYERS base model TIMEOUT 30)
scl_test_program (NAME test-model LABELS unit SOURCES test-model.c LAYERS base model TIMEOUT 30)
scl_test_program (NAME test-manifest-check LABELS unit SOURCES test-manifest-check.c LAYERS base model
                  TIMEOUT 30)
scl_test_program (NAME test-executor LABELS unit threads SOURCES test-executor.c
                  LAYERS base model plan backend client engine-core TIMEOUT 60)
scl_test_program (NAME test-operation LABELS unit threads SOURCES test-operation.c
                  LAYERS base model plan backend client TIMEOUT 60)
scl_test_program (NAME test-engine-queue LABELS unit threads SOURCES test-engine-queue.c
                  LAYERS base model plan backend client engine-core TIMEOUT 60)
# Through the public interface only.
scl_test_program (NAME test-client-threads LABELS unit threads SOURCES test-client-threads.c LIBRARIES scl
                  TIMEOUT 300)
scl_test_program (NAME test-first-number LABELS unit SOURCES test-first-number.c LIBRARIES scl TIMEOUT 60)
scl_test_program (NAME test-instance-lock LABELS unit SOURCES test-instance-lock.c
                  LAYERS base model plan backend client engine-core TIMEOUT 60)
scl_test_program (NAME test-instance-claim LABELS unit SOURCES test-instance-claim.c
                  LAYERS base model plan backend client engine-core TIMEOUT 60)
scl_test_program (NAME test-state-folder LABELS unit SOURCES test-state-folder.c
                  LAYERS base model plan backend client engine-core TIMEOUT 60)

# The same programs under valgrind. Fewer random cases, and no sanitizer at the same time.
find_program (VALGRIND valgrind)
if (VALGRIND AND NOT SCL_SANITIZE)
  foreach (program planner executor operation model manifest-check)
    scl_add_test (NAME valgrind-${program}
                  COMMAND ${VALGRIND} --quiet --error-exitcode=99 --leak-check=full
                          --show-leak-kinds=definite --errors-for-leak-kinds=definite
                          --suppressions=${PROJECT_SOURCE_DIR}/tests/support/glib.supp
                          $<TARGET_FILE:test-${program}>
                  LABELS sanitize TIMEOUT 300 ENVIRONMENT SCL_TEST_CASES=200 G_SLICE=always-malloc)
  endforeach ()
endif ()
