/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/scl-list-private.h"

struct _SclList
{
  GObject parent_instance;
  GType item_type;
  GPtrArray *items;
};

static GType
list_get_item_type (GListModel *model)
{
  return SCL_LIST (model)->item_type;
}

static guint
list_get_n_items (GListModel *model)
{
  return SCL_LIST (model)->items->len;
}

static gpointer
list_get_item (GListModel *model, guint position)
{
  gpointer item = _scl_list_peek (model, position);

  return item == NULL ? NULL : g_object_ref (item);
}

static void
scl_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = list_get_item_type;
  iface->get_n_items = list_get_n_items;
  iface->get_item = list_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (SclList, _scl_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, scl_list_model_init))

static void
scl_list_finalize (GObject *object)
{
  g_ptr_array_unref (SCL_LIST (object)->items);
  G_OBJECT_CLASS (_scl_list_parent_class)->finalize (object);
}

static void
_scl_list_class_init (SclListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = scl_list_finalize;
}

static void
_scl_list_init (SclList *self)
{
  self->items = g_ptr_array_new_with_free_func (g_object_unref);
}

GListModel *
_scl_list_new (GType item_type, GPtrArray *items)
{
  SclList *self = g_object_new (SCL_TYPE_LIST, NULL);

  self->item_type = item_type;
  for (guint i = 0; items != NULL && i < items->len; i++)
    g_ptr_array_add (self->items, g_object_ref (items->pdata[i]));
  return G_LIST_MODEL (self);
}

GListModel *
_scl_list_freeze (GType item_type, GListModel *model)
{
  SclList *self = NULL;

  if (SCL_IS_LIST (model))
    return g_object_ref (model);
  self = g_object_new (SCL_TYPE_LIST, NULL);
  self->item_type = item_type;
  for (guint i = 0; model != NULL && i < g_list_model_get_n_items (model); i++)
    g_ptr_array_add (self->items, g_list_model_get_item (model, i));
  return G_LIST_MODEL (self);
}

gpointer
_scl_list_peek (GListModel *model, guint position)
{
  SclList *self = SCL_LIST (model);

  return position < self->items->len ? self->items->pdata[position] : NULL;
}
