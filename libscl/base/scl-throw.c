/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scl-throw-private.h"

gboolean
scl_throw (GError **error, SclError code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (SCL_ERROR, code, format, args);
  va_end (args);
  return FALSE;
}

static SclError
code_from_errno (int errno_value)
{
  switch (errno_value)
    {
    case ENOENT:
    case ENODEV:
      return SCL_ERROR_NOT_FOUND;
    case EEXIST:
      return SCL_ERROR_EXISTS;
    case EACCES:
    case EPERM:
      return SCL_ERROR_PERMISSION;
    case EBUSY:
      return SCL_ERROR_IN_USE;
    case ENOSPC:
    case EDQUOT:
      return SCL_ERROR_NO_SPACE;
    case ETIMEDOUT:
      return SCL_ERROR_TIMEOUT;
    case ELOOP:
      return SCL_ERROR_INVALID;
    case EOPNOTSUPP:
    case ENOSYS:
      return SCL_ERROR_UNSUPPORTED;
    default:
      return SCL_ERROR_FAILED;
    }
}

gboolean
scl_throw_errno (GError **error, int errno_value, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  return scl_throw (error, code_from_errno (errno_value), "%s: %s", text,
                    g_strerror (errno_value));
}

gboolean
scl_prefix (GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  if (error == NULL || *error == NULL)
    return FALSE;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_prefix_error (error, "%s: ", text);
  return FALSE;
}
