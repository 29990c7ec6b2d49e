/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <scl/scl-enum-types.h>
#include <scl/scl-error.h>

/**
 * scl_error_quark:
 *
 * The error domain of libscl.
 *
 * Returns: the quark of "scl-error-quark"
 *
 * Since: 0.1
 */
/* By hand: a formatter would rewrite the name inside G_DEFINE_QUARK. */
GQuark
scl_error_quark (void)
{
  return g_quark_from_static_string ("scl-error-quark");
}

/**
 * scl_error_to_string:
 * @code: an error code
 *
 * The short name of an error code, as programs may match it: "not-found".
 *
 * Returns: a static string; "unknown" for a code of a newer libscl
 *
 * Since: 0.1
 */
const char *
scl_error_to_string (SclError code)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (SCL_TYPE_ERROR);
  GEnumValue *value = g_enum_get_value (klass, (int) code);

  return value == NULL ? "unknown" : value->value_nick;
}
