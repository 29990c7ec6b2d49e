/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ends established connections that the rules would no longer allow: conntrack keeps them alive
 * otherwise. IPv4. */

#include <glib.h>

/* One entry; addresses in host byte order. */
typedef struct
{
  guint32 source, destination; /* of the connection's first packet */
  guint32 reply_source, reply_destination;
  guint16 destination_port, reply_source_port;
  guint8 protocol;
  gboolean translated_source, translated_destination;
} SclFlow;

/* TRUE: the connection shall end. */
typedef gboolean (*SclFlowFunc) (const SclFlow *flow, gconstpointer data);

/* In that namespace (-1: the caller's). A kernel without connection tracking has nothing to end. */
gboolean _scl_conntrack_end (int netns_fd, SclFlowFunc func, gconstpointer data, GError **error);
