/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-paths-private.h"
#include "base/scl-throw-private.h"
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlDoc, xmlFreeDoc)

typedef struct
{
  SclPathFunc func;
  SclPoolFunc pool_func;
  gpointer user_data;
} Walk;

static gboolean
is_element (const xmlNode *node, const char *name)
{
  return node->type == XML_ELEMENT_NODE && strcmp ((const char *) node->name, name) == 0;
}

/* Also within what is handed on to QEMU: "file=/a/b.raw,format=raw". */
static void
tell (Walk *walk, const xmlChar *text)
{
  g_auto (GStrv) words = NULL;

  if (text == NULL)
    return;
  if (g_path_is_absolute ((const char *) text))
    walk->func ((const char *) text, walk->user_data);
  if (strpbrk ((const char *) text, ",=") == NULL)
    return;
  words = g_strsplit_set ((const char *) text, ",=\"", -1);
  for (char **word = words; *word != NULL; word++)
    if (g_path_is_absolute (*word))
      walk->func (*word, walk->user_data);
}

static void
tell_attributes (Walk *walk, const xmlNode *node)
{
  for (const xmlAttr *attribute = node->properties; attribute != NULL; attribute = attribute->next)
    {
      xmlChar *text = xmlNodeListGetString (node->doc, attribute->children, 1);

      tell (walk, text);
      xmlFree (text);
    }
}

static const xmlNode *
child (const xmlNode *parent, const char *name)
{
  for (const xmlNode *node = parent->children; node != NULL; node = node->next)
    if (is_element (node, name))
      return node;
  return NULL;
}

/* A disk that runs as raw has no chain, whatever a guest has written at its beginning. */
static gboolean
has_chain (const xmlNode *disk)
{
  const xmlNode *driver = child (disk, "driver");
  xmlChar *type = driver != NULL ? xmlGetNoNsProp (driver, (const xmlChar *) "type") : NULL;
  gboolean is_raw = type != NULL && strcmp ((const char *) type, "raw") == 0;

  xmlFree (type);
  return !is_raw;
}

static void
tell_disk (Walk *walk, const xmlNode *disk)
{
  const xmlNode *source = child (disk, "source");
  xmlChar *file = source != NULL ? xmlGetNoNsProp (source, (const xmlChar *) "file") : NULL;
  xmlChar *pool = source != NULL ? xmlGetNoNsProp (source, (const xmlChar *) "pool") : NULL;
  xmlChar *volume = source != NULL ? xmlGetNoNsProp (source, (const xmlChar *) "volume") : NULL;

  if (file != NULL && has_chain (disk))
    _scl_backing_chain_foreach ((const char *) file, walk->func, walk->user_data);
  if (pool != NULL && volume != NULL)
    walk->pool_func ((const char *) pool, (const char *) volume, has_chain (disk), walk->user_data);
  xmlFree (file);
  xmlFree (pool);
  xmlFree (volume);
}

static xmlDoc *
read_xml (const char *xml, GError **error)
{
  xmlDoc *document = xmlReadMemory (xml, (int) strlen (xml), "libvirt.xml", NULL,
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING
                                        | XML_PARSE_NOBLANKS | XML_PARSE_COMPACT);

  return document != NULL ? document
                          : scl_null_throw (error, SCL_ERROR_BACKEND, "libvirt's XML cannot be read");
}

gboolean
_scl_domain_paths_read_pool (const char *xml, char **out_folder, GError **error)
{
  g_autoptr (xmlDoc) document = read_xml (xml, error);
  const xmlNode *target = document != NULL ? child (xmlDocGetRootElement (document), "target") : NULL;
  const xmlNode *path = target != NULL ? child (target, "path") : NULL;
  xmlChar *text = path != NULL ? xmlNodeGetContent (path) : NULL;

  *out_folder = g_strdup ((const char *) text);
  xmlFree (text);
  return document != NULL;
}

/* No recursion: the depth is the definition's. */
static const xmlNode *
next_of (const xmlNode *node, const xmlNode *root)
{
  if (node->children != NULL && !is_element (node, "metadata"))
    return node->children;
  while (node != root && node->next == NULL)
    node = node->parent;
  return node == root ? NULL : node->next;
}

gboolean
_scl_domain_paths_foreach (const char *xml, SclPathFunc func, SclPoolFunc pool_func,
                           gpointer user_data, GError **error)
{
  g_autoptr (xmlDoc) document = read_xml (xml, error);
  const xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;
  Walk walk = { func, pool_func, user_data };

  if (root == NULL)
    return FALSE;
  for (const xmlNode *node = root; node != NULL; node = next_of (node, root))
    {
      if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
        tell (&walk, node->content);
      if (node->type != XML_ELEMENT_NODE)
        continue;
      tell_attributes (&walk, node);
      if (is_element (node, "disk"))
        tell_disk (&walk, node);
    }
  return TRUE;
}
