/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* cmocka 1 has assert_in_range() only, cmocka 2 warns of it. Include it behind cmocka.h. */

#define assert_between(value, least, most)                                                         \
  do                                                                                               \
    {                                                                                              \
      const long long between_value = (long long) (value);                                         \
                                                                                                   \
      if (between_value < (long long) (least) || between_value > (long long) (most))               \
        fail_msg ("%s is %lld, not between %lld and %lld", #value, between_value,                  \
                  (long long) (least), (long long) (most));                                        \
    }                                                                                              \
  while (0)
