/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Skips that say why, in a line that the reporter joins to the case (scltest/tapfile.py). Include it behind cmocka.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What no machine of this kind can have. */
#define skip_because(reason)                                                                       \
  do                                                                                               \
    {                                                                                              \
      print_message ("# skip: %s\n", reason);                                                      \
      skip ();                                                                                     \
    }                                                                                              \
  while (0)

static inline int
skip_is_failure (void)
{
  const char *required = getenv ("SCL_TEST_REQUIRE");

  return required != NULL && strcmp (required, "1") == 0;
}

/* What may be missing on a developer's machine, and not where SCL_TEST_REQUIRE=1. */
#define skip_unless(condition, what)                                                               \
  do                                                                                               \
    {                                                                                              \
      if (condition)                                                                               \
        break;                                                                                     \
      if (skip_is_failure ())                                                                      \
        fail_msg ("missing here, though SCL_TEST_REQUIRE=1: %s", what);                            \
      skip_because (what);                                                                         \
    }                                                                                              \
  while (0)

/* For main (): the status of a program that cannot run any of its cases. */
static inline int
skip_program (const char *what)
{
  printf ("1..0 # SKIP %s\n", what);
  return skip_is_failure () ? EXIT_FAILURE : EXIT_SUCCESS;
}
