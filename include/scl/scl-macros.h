/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#if !defined(SCL_INSIDE) && !defined(SCL_COMPILATION)
#error "Only <scl/scl.h> can be included directly."
#endif

#include <glib.h>

/**
 * SCL_PUBLIC: (skip)
 *
 * Marks a declaration that belongs to the stable ABI.
 *
 * Since: 0.1
 */
#define SCL_PUBLIC __attribute__ ((visibility ("default"))) extern
