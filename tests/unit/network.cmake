# SPDX-License-Identifier: LGPL-2.1-or-later
scl_test_program (NAME test-ruleset LABELS unit SOURCES test-ruleset.c
                  LAYERS base model plan backend backend-network TIMEOUT 60)
