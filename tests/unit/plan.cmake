# SPDX-License-Identifier: LGPL-2.1-or-later
scl_test_program (NAME test-planner LABELS unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/test-planner.c
                  LAYERS base model plan backend backend-memory client engine-core TIMEOUT 120)
scl_test_program (NAME test-planner-volumes LABELS unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/test-planner-volumes.c
                  LAYERS base model plan backend backend-memory client engine-core TIMEOUT 120)
scl_test_program (NAME test-engine-planned LABELS unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/test-engine-planned.c
                  LAYERS base model plan backend backend-memory client engine-core TIMEOUT 60)
scl_test_program (NAME test-engine-changes LABELS unit threads SOURCES ${CMAKE_CURRENT_LIST_DIR}/test-engine-changes.c
                  LAYERS base model plan backend backend-memory client engine-core TIMEOUT 60)
scl_test_program (NAME test-engine-adopt LABELS unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/test-engine-adopt.c
                  LAYERS base model plan backend backend-memory client engine-core TIMEOUT 60)
