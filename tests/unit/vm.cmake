# SPDX-License-Identifier: LGPL-2.1-or-later
scl_test_program (NAME test-domain-xml LABELS unit SOURCES test-domain-xml.c
                  LAYERS base model plan backend backend-vm TIMEOUT 60)
target_compile_definitions (test-domain-xml
                            PRIVATE SCL_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data/vm")
scl_test_program (NAME test-virt-event LABELS unit threads SOURCES test-virt-event.c
                  LAYERS base model plan backend backend-vm TIMEOUT 60)
scl_test_program (NAME test-virt-call LABELS unit threads SOURCES test-virt-call.c
                  LAYERS base model plan backend backend-vm TIMEOUT 60)
scl_test_program (NAME test-virt-hub LABELS unit SOURCES test-virt-hub.c
                  LAYERS base model plan backend backend-vm TIMEOUT 60)
scl_test_program (NAME test-accel-probe LABELS unit SOURCES test-accel-probe.c
                  LAYERS base model plan backend backend-vm TIMEOUT 60)
scl_test_program (NAME test-console-log LABELS unit SOURCES test-console-log.c
                  LAYERS base model plan backend backend-vm TIMEOUT 60)
scl_test_program (NAME test-stop-owner LABELS unit SOURCES test-stop-owner.c
                  LAYERS base model plan backend backend-vm TIMEOUT 60)
scl_test_program (NAME test-domain-additions LABELS unit SOURCES test-domain-additions.c
                  LAYERS base model plan backend backend-vm TIMEOUT 60)
scl_test_program (NAME test-domain-firmware LABELS unit SOURCES test-domain-firmware.c
                  LAYERS base model plan backend backend-vm TIMEOUT 60)
scl_test_program (NAME test-virt-uri LABELS unit SOURCES test-virt-uri.c
                  LAYERS base model plan backend backend-vm TIMEOUT 60)
