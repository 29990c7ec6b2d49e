# SPDX-License-Identifier: LGPL-2.1-or-later
scl_add_test (NAME scl-nix COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_scl_nix.py LABELS unit TIMEOUT 120)
scl_add_test (NAME scl-nix-errors COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_scl_nix_errors.py LABELS unit TIMEOUT 240)
scl_add_test (NAME scl-nix-restricted COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_scl_nix_restricted.py LABELS unit
              TIMEOUT 240)
scl_add_test (NAME scl-nix-sclctl COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_scl_nix_sclctl.py LABELS unit TIMEOUT 120)
scl_add_test (NAME scl-nix-build COMMAND ${CMAKE_CURRENT_LIST_DIR}/test_scl_nix_build.py LABELS unit TIMEOUT 240)
