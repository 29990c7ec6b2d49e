/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An immutable GListModel: what specs keep their lists in, so that they can cross threads. */

#include <gio/gio.h>

#define SCL_TYPE_LIST (_scl_list_get_type ())
G_DECLARE_FINAL_TYPE (SclList, _scl_list, SCL, LIST, GObject)

/* Copies the array's references; ITEMS may be NULL (an empty list). (transfer full) */
GListModel *_scl_list_new (GType item_type, GPtrArray *items);

/* An SclList with the same items; an SclList is only referenced. MODEL may be NULL. */
GListModel *_scl_list_freeze (GType item_type, GListModel *model);

/* Borrowed: valid as long as the (immutable) list is. NULL behind the end. */
gpointer _scl_list_peek (GListModel *model, guint position);
