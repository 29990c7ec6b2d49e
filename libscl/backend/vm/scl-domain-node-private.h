/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Elements and attributes of libvirt's XML. */

#include <glib.h>
#include <libxml/tree.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlDoc, xmlFreeDoc)

gboolean _scl_node_is_element (const xmlNode *node, const char *name);
/* The first of that name; PARENT (nullable). (nullable) */
xmlNode *_scl_node_child (const xmlNode *parent, const char *name);
/* NODE (nullable). (transfer full) (nullable) */
char *_scl_node_attribute (const xmlNode *node, const char *name);
gboolean _scl_node_attribute_is (const xmlNode *node, const char *name, const char *value);
/* The text below NODE (nullable). (transfer full) (nullable) */
char *_scl_node_content (const xmlNode *node);
