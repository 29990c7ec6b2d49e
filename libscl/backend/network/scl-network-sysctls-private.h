/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel settings of a namespace as a whole, as a table: one place says what is written and what
 * observation compares. Those of single links: scl-link-settings-private.h. */

#include <glib.h>

typedef struct
{
  const char *path;  /* below /proc/sys/net */
  const char *value; /* NULL: end of the table */
  enum
  {
    SCL_SYSCTL_CHECKED,
    SCL_SYSCTL_OPTIONAL, /* this kernel may not have it */
  } mode;
} SclNetworkSysctl;

extern const SclNetworkSysctl _scl_sysctls_namespace[];
/* Of a namespace that is new: they are of no effect once its links are there. */
extern const SclNetworkSysctl _scl_sysctls_birth[];

/* In the calling thread's namespace. */
gboolean _scl_sysctls_write (const SclNetworkSysctl *table, GError **error);
/* Appends one sentence for each value of the calling thread's namespace that differs. */
void _scl_sysctls_check (const SclNetworkSysctl *table, GPtrArray *problems);
