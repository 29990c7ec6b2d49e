# SPDX-License-Identifier: LGPL-2.1-or-later
scl_add_test (NAME sclctl-usage COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_sclctl_usage.py LABELS unit
              TIMEOUT 600)
scl_add_test (NAME sclctl-simulated COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_sclctl_simulated.py
              LABELS unit TIMEOUT 120)
scl_add_test (NAME sclctl-terminal COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_sclctl_terminal.py
              LABELS unit TIMEOUT 120)
scl_add_test (NAME sclctl-console COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_sclctl_console.py
              LABELS integration TIMEOUT 600 HOST)
scl_add_test (NAME sclctl-daemon COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_sclctl_daemon.py
              LABELS integration TIMEOUT 600 HOST)
scl_add_test (NAME sclctl-ends COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_sclctl_ends.py
              LABELS integration TIMEOUT 600)
