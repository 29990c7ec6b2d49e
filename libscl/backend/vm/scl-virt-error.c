/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-virt-error-private.h"
#include <libvirt/virterror.h>

/* Of some 30 s each. */
#define BUSY_TRIES 4

static const struct
{
  int number;
  SclError code;
} codes[] = {
  { VIR_ERR_NO_DOMAIN, SCL_ERROR_NOT_FOUND },
  { VIR_ERR_DOM_EXIST, SCL_ERROR_EXISTS },
  { VIR_ERR_AUTH_FAILED, SCL_ERROR_PERMISSION },
  { VIR_ERR_AUTH_CANCELLED, SCL_ERROR_PERMISSION },
  { VIR_ERR_AUTH_UNAVAILABLE, SCL_ERROR_PERMISSION },
  { VIR_ERR_ACCESS_DENIED, SCL_ERROR_PERMISSION },
  { VIR_ERR_OPERATION_DENIED, SCL_ERROR_PERMISSION },
  { VIR_ERR_NO_SUPPORT, SCL_ERROR_UNSUPPORTED },
  { VIR_ERR_CONFIG_UNSUPPORTED, SCL_ERROR_UNSUPPORTED },
  { VIR_ERR_OPERATION_UNSUPPORTED, SCL_ERROR_UNSUPPORTED },
  { VIR_ERR_ARGUMENT_UNSUPPORTED, SCL_ERROR_UNSUPPORTED },
  { VIR_ERR_OPERATION_TIMEOUT, SCL_ERROR_TIMEOUT },
  { VIR_ERR_AGENT_UNRESPONSIVE, SCL_ERROR_TIMEOUT },
  { VIR_ERR_RESOURCE_BUSY, SCL_ERROR_IN_USE },
};

static SclError
code_of_errno (int errno_value)
{
  switch (errno_value)
    {
    case ENOSPC:
    case EDQUOT:
      return SCL_ERROR_NO_SPACE;
    case EACCES:
    case EPERM:
      return SCL_ERROR_PERMISSION;
    default:
      return SCL_ERROR_BACKEND;
    }
}

static SclError
code_of (const virError *last)
{
  if (last->code == VIR_ERR_SYSTEM_ERROR)
    return code_of_errno (last->int1);
  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    if (codes[i].number == last->code)
      return codes[i].code;
  return SCL_ERROR_BACKEND;
}

gboolean
scl_throw_virt (GError **error, const char *format, ...)
{
  const virError *last = virGetLastError ();
  SclError code = last != NULL ? code_of (last) : SCL_ERROR_BACKEND;
  g_autofree char *reason
      = g_strdup (last != NULL && last->message != NULL ? last->message : "libvirt gave no reason");
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  return scl_throw (error, code, "%s: %s", what, g_strchomp (reason));
}

gboolean
_scl_virt_error_is (int number)
{
  const virError *last = virGetLastError ();

  return last != NULL && last->code == number;
}

gboolean
_scl_virt_error_is_refused_xml (void)
{
  static const int numbers[] = { VIR_ERR_XML_ERROR, VIR_ERR_XML_DETAIL, VIR_ERR_XML_INVALID_SCHEMA,
                                 VIR_ERR_CONFIG_UNSUPPORTED };
  const virError *last = virGetLastError ();

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (_scl_virt_error_is (numbers[i]))
      return TRUE;
  /* As where there is no PCI address left; a lost connection is one, too. */
  return _scl_virt_error_is (VIR_ERR_INTERNAL_ERROR) && last->domain == VIR_FROM_DOMAIN;
}

gboolean
_scl_virt_error_is_busy (guint *tries)
{
  return _scl_virt_error_is (VIR_ERR_OPERATION_TIMEOUT) && ++*tries < BUSY_TRIES;
}

static void
ignore_error (void *user_data, virErrorPtr error)
{
}

void
_scl_virt_error_silence (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      virSetErrorFunc (NULL, ignore_error);
      g_once_init_leave (&once, 1);
    }
}
