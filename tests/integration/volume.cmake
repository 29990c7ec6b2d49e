# SPDX-License-Identifier: LGPL-2.1-or-later
foreach (test file-volumes file-volumes-preflight file-volumes-seed file-volumes-kill
              file-volumes-mounts file-volumes-removal file-volumes-adoption)
  scl_test_program (NAME test-${test} LABELS integration SOURCES test-${test}.c
                    LAYERS base model plan backend backend-volume TIMEOUT 300)
endforeach ()
