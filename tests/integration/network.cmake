# SPDX-License-Identifier: LGPL-2.1-or-later
foreach (test kernel-network kernel-network-bounds kernel-network-deleted kernel-network-flush kernel-network-guard kernel-network-kill kernel-network-others
              kernel-network-preflight kernel-network-settings kernel-network-spoof kernel-network-policy kernel-network-traffic nft-read)
  scl_test_program (NAME test-${test} LABELS integration SOURCES test-${test}.c
                    LAYERS base model plan backend backend-network TIMEOUT 300)
endforeach ()
