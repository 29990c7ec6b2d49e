/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-domain-paths-private.h"
#include "backend/vm/scl-source-name-private.h"
#include "base/scl-throw-private.h"
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlDoc, xmlFreeDoc)

typedef struct
{
  SclPathFunc func;
  SclPathFunc folder_func;
  SclPoolFunc pool_func;
  gpointer user_data;
  GCancellable *cancellable;
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
  if (text != NULL && strchr ((const char *) text, '/') != NULL)
    _scl_source_options_foreach ((const char *) text, walk->func, walk->user_data);
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

static char *
dup_attribute (const xmlNode *node, const char *name)
{
  xmlChar *text = node != NULL ? xmlGetNoNsProp (node, (const xmlChar *) name) : NULL;
  char *copy = g_strdup ((const char *) text);

  xmlFree (text);
  return copy;
}

/* Elsewhere: what libvirt says of its chain is all that there is. */
static gboolean
check_remote (const xmlNode *disk, const char *type, const char *format, GError **error)
{
  return g_strcmp0 (type, "network") != 0 || g_str_equal (format, "raw")
         || child (disk, "backingStore") != NULL
         || scl_throw (error, SCL_ERROR_BACKEND,
                       "what a network disk of format %s stands on is not known: give it a "
                       "<backingStore/>",
                       format);
}

/* A disk that runs as raw, as it does where nothing is said, has no chain, whatever a guest has
 * written at its beginning. */
static gboolean
tell_disk (Walk *walk, const xmlNode *disk, GError **error)
{
  const xmlNode *source = child (disk, "source");
  g_autofree char *type = dup_attribute (disk, "type");
  g_autofree char *said = dup_attribute (child (disk, "driver"), "type");
  g_autofree char *file = dup_attribute (source, "file");
  g_autofree char *device = dup_attribute (source, "dev");
  g_autofree char *pool = dup_attribute (source, "pool");
  g_autofree char *volume = dup_attribute (source, "volume");
  const char *format = said != NULL ? said : "raw";
  const char *path = file != NULL ? file : device;

  if (path != NULL)
    return _scl_backing_chain_foreach (path, format, walk->func, walk->user_data, walk->cancellable,
                                       error);
  if (pool != NULL && volume != NULL)
    return walk->pool_func (pool, volume, format, walk->user_data, error);
  return check_remote (disk, type, format, error);
}

/* <disk type='dir'>, <filesystem>, and what QEMU itself is told to share. */
static void
tell_folders (Walk *walk, const xmlNode *node)
{
  if (is_element (node, "disk") || is_element (node, "filesystem"))
    {
      g_autofree char *folder = dup_attribute (child (node, "source"), "dir");

      if (folder != NULL)
        walk->folder_func (folder, walk->user_data);
    }
  else if (is_element (node, "arg"))
    {
      g_autofree char *text = dup_attribute (node, "value");

      if (text != NULL && strchr (text, '/') != NULL)
        _scl_source_options_foreach (text, walk->folder_func, walk->user_data);
    }
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
_scl_domain_paths_foreach (const char *xml, SclPathFunc func, SclPathFunc folder_func,
                           SclPoolFunc pool_func, gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr (xmlDoc) document = read_xml (xml, error);
  const xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;
  Walk walk = { func, folder_func, pool_func, user_data, cancellable };

  if (root == NULL)
    return FALSE;
  for (const xmlNode *node = root; node != NULL; node = next_of (node, root))
    {
      if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
        tell (&walk, node->content);
      if (node->type != XML_ELEMENT_NODE)
        continue;
      tell_attributes (&walk, node);
      tell_folders (&walk, node);
      if (is_element (node, "disk") && !tell_disk (&walk, node, error))
        return FALSE;
    }
  return TRUE;
}
