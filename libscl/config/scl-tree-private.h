/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Puts a reader's events together to a tree of nodes, within the bounds of scl-node-private.h, and
 * reports what is wrong in any syntax: duplicate keys, keys that are no text, control characters.
 */

#include "config/scl-report-private.h"

typedef struct _SclTree SclTree;

SclTree *_scl_tree_new (SclReport *report);
void _scl_tree_free (SclTree *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SclTree, _scl_tree_free)

/* All return FALSE if a bound is exceeded, which is reported: stop reading. */
gboolean _scl_tree_begin (SclTree *self, SclNodeKind kind, SclPlace place);
gboolean _scl_tree_scalar (SclTree *self, const char *text, gsize length, gboolean plain,
                           SclPlace place);
/* Stands for something whose error the reader reported. */
gboolean _scl_tree_broken (SclTree *self, SclPlace place);
void _scl_tree_end (SclTree *self);
/* What was begun last is broken; the reader reported why. */
void _scl_tree_break (SclTree *self);

/* Reports what is wrong with the next key or value, unless it is dropped anyway. */
void _scl_tree_report (SclTree *self, SclPlace place, const char *message);
/* Whether the next value is dropped anyway, since its key is wrong. */
gboolean _scl_tree_drops_value (SclTree *self);
/* The path of the next node. (transfer full) */
char *_scl_tree_path (SclTree *self);
/* NULL if nothing was read. (transfer full) */
SclNode *_scl_tree_steal_root (SclTree *self);
