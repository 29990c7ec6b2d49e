/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-node-private.h"

#include <string.h>

gboolean
_scl_node_is_element (const xmlNode *node, const char *name)
{
  return node->type == XML_ELEMENT_NODE && strcmp ((const char *) node->name, name) == 0;
}

xmlNode *
_scl_node_child (const xmlNode *parent, const char *name)
{
  if (parent == NULL)
    return NULL;
  for (xmlNode *node = parent->children; node != NULL; node = node->next)
    if (_scl_node_is_element (node, name))
      return node;
  return NULL;
}

/* (transfer full) */
static char *
take (xmlChar *text)
{
  char *copy = g_strdup ((const char *) text);

  xmlFree (text);
  return copy;
}

char *
_scl_node_attribute (const xmlNode *node, const char *name)
{
  return node != NULL ? take (xmlGetNoNsProp (node, (const xmlChar *) name)) : NULL;
}

gboolean
_scl_node_attribute_is (const xmlNode *node, const char *name, const char *value)
{
  g_autofree char *found = _scl_node_attribute (node, name);

  return g_strcmp0 (found, value) == 0;
}

char *
_scl_node_content (const xmlNode *node)
{
  return node != NULL ? take (xmlNodeGetContent (node)) : NULL;
}
