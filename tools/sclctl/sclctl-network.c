/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sclctl-objects.h"
#include "sclctl-verbs.h"

int
sclctl_network_list (SclctlContext *context)
{
  return sclctl_list_objects (context, SCL_OBJECT_KIND_NETWORK);
}

int
sclctl_network_show (SclctlContext *context)
{
  return sclctl_show_object (context, SCL_OBJECT_KIND_NETWORK);
}

static SclOperation *
begin_delete (GObject *network, gboolean force G_GNUC_UNUSED)
{
  return scl_network_delete (SCL_NETWORK (network));
}

int
sclctl_network_delete (SclctlContext *context)
{
  return sclctl_delete_arguments (context, SCL_OBJECT_KIND_NETWORK, "delete", begin_delete);
}
