# SPDX-License-Identifier: LGPL-2.1-or-later
foreach (name power kill foreign changes run missing owner)
  scl_add_test (NAME scenario-${name} COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_scenario_${name}.py LABELS integration
                TIMEOUT 300)
endforeach ()
