/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Follows the console log of a VM as it grows, across cuts and rotation, by file events. Unlike the
 * console itself a log can be read by many at the same time. */

#include <gio/gio.h>

typedef struct _SclctlFeed SclctlFeed;
typedef void (*SclctlFeedFunc) (const char *text, gsize length, gpointer user_data);

/* What the log has already is passed over; it need not be there yet. */
SclctlFeed *sclctl_feed_new (const char *path, SclctlFeedFunc function, gpointer user_data);
void sclctl_feed_free (SclctlFeed *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclctlFeed, sclctl_feed_free)

/* Delivers what is there, without waiting for an event. */
void sclctl_feed_drain (SclctlFeed *self);
