# SPDX-License-Identifier: LGPL-2.1-or-later
# One process per hypervisor URI: libvirt allows no more for the embedded driver.
foreach (name test-libvirt-vms test-libvirt-vms-agent test-libvirt-vms-power test-libvirt-vms-embed
               test-libvirt-vms-edited test-libvirt-vms-undefined test-libvirt-vms-survivor test-libvirt-vms-root test-libvirt-vms-hung test-libvirt-vms-firmware test-libvirt-vms-daemon)
  scl_test_program (NAME ${name} LABELS integration SOURCES ${name}.c
                    LAYERS base model plan backend backend-vm TIMEOUT 600 HOST)
  target_compile_definitions (${name} PRIVATE SCL_TEST_SUPPORT="${PROJECT_SOURCE_DIR}/tests/support")
endforeach ()
