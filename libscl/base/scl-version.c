/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <scl/scl-version.h>

/**
 * scl_version_string:
 *
 * The version of the library that is loaded, as "0.1.0".
 *
 * Returns: a static string
 *
 * Since: 0.1
 */
const char *
scl_version_string (void)
{
  return SCL_VERSION;
}
