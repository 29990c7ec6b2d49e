# SPDX-License-Identifier: LGPL-2.1-or-later
foreach (name manifest-loader manifest-merge manifest-writer manifest-schema)
  scl_test_program (NAME test-${name} LABELS unit SOURCES test-${name}.c LAYERS base model config)
  target_compile_definitions (test-${name} PRIVATE
    SCL_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data/manifest"
    SCL_TEST_DOC="${PROJECT_SOURCE_DIR}/doc/manifest.md")
endforeach ()
