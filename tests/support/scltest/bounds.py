# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long to wait for what must come.

An event ends each wait; its bound only ends a hang. So a bound is what a quiet machine needs at worst, and
bound() makes it one for a busy machine. SCL_TEST_TIMEOUT_FACTOR is for what is slower by nature (sanitizers).
Not for how long a test watches that nothing comes.
"""

import os

BUSY = 4


def factor():
    return BUSY * float(os.environ.get("SCL_TEST_TIMEOUT_FACTOR", "1"))


def bound(seconds):
    return seconds * factor()
