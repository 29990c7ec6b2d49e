# SPDX-License-Identifier: LGPL-2.1-or-later
foreach (test seed volume-files)
  scl_test_program (NAME test-${test} LABELS unit SOURCES test-${test}.c
                    LAYERS base model plan backend backend-volume TIMEOUT 60)
endforeach ()
