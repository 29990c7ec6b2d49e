/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <glib.h>
#include <scl/scl-macros.h>

G_BEGIN_DECLS

/**
 * SCL_ERROR:
 *
 * The error domain of libscl. A cancelled call reports %G_IO_ERROR_CANCELLED
 * of the domain %G_IO_ERROR instead.
 *
 * Since: 0.1
 */
#define SCL_ERROR (scl_error_quark ())

/**
 * SclError:
 * @SCL_ERROR_FAILED: something failed that the caller cannot tell apart further
 * @SCL_ERROR_INVALID: the input is wrong; correct it and call again
 * @SCL_ERROR_NOT_FOUND: the named object does not exist
 * @SCL_ERROR_EXISTS: something foreign has the name that is wanted; it was not touched
 * @SCL_ERROR_BUSY: somebody else is changing the instance, for as long as that takes; try again later
 * @SCL_ERROR_PERMISSION: the caller lacks a privilege
 * @SCL_ERROR_UNSUPPORTED: this build, host or backend cannot do it
 * @SCL_ERROR_MISSING: a program, package or firmware file is not installed
 * @SCL_ERROR_BACKEND: libvirt, the kernel or a helper program refused
 * @SCL_ERROR_NO_SPACE: the file system is full
 * @SCL_ERROR_TIMEOUT: a bounded wait ended without the event it waited for
 * @SCL_ERROR_PARTIAL: a part was done, the report of the operation says which
 * @SCL_ERROR_CONFIRM: the operation removes objects and was not confirmed
 * @SCL_ERROR_WOULD_LOSE_DATA: refused because data on a disk would be lost
 * @SCL_ERROR_IN_USE: something else uses it, or it is not in the state for that; waiting alone does
 *   not change it
 *
 * What a caller can act on. Codes are only ever appended.
 *
 * Since: 0.1
 */
typedef enum {
  SCL_ERROR_FAILED,
  SCL_ERROR_INVALID,
  SCL_ERROR_NOT_FOUND,
  SCL_ERROR_EXISTS,
  SCL_ERROR_BUSY,
  SCL_ERROR_PERMISSION,
  SCL_ERROR_UNSUPPORTED,
  SCL_ERROR_MISSING,
  SCL_ERROR_BACKEND,
  SCL_ERROR_NO_SPACE,
  SCL_ERROR_TIMEOUT,
  SCL_ERROR_PARTIAL,
  SCL_ERROR_CONFIRM,
  SCL_ERROR_WOULD_LOSE_DATA,
  SCL_ERROR_IN_USE,
} SclError;

SCL_PUBLIC GQuark scl_error_quark (void);

SCL_PUBLIC const char *scl_error_to_string (SclError code);

G_END_DECLS
