/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/vm/scl-virt-uri-private.h"
#include "base/scl-throw-private.h"
#include <libxml/uri.h>
#include <string.h>

#define EMBED_PATH "/embed"

/* Read as libvirt itself reads it: with libxml2, which undoes percent-encoding. What that cannot read, libvirt
 * refuses. A bit more than libvirt takes today, whatever the scheme and the host. */
static gboolean
is_embedded (const char *uri)
{
  xmlURI *parsed = xmlParseURI (uri);
  g_autofree char *path = parsed != NULL && parsed->path != NULL && parsed->path[0] == '/'
                              ? g_canonicalize_filename (parsed->path, "/")
                              : NULL;

  if (parsed != NULL)
    xmlFreeURI (parsed);
  return path != NULL && g_ascii_strcasecmp (path[1] == '/' ? path + 1 : path, EMBED_PATH) == 0;
}

gboolean
_scl_virt_uri_check (const char *uri, GError **error)
{
  return strcmp (uri, SCL_EMBED_URI) == 0 || !is_embedded (uri)
         || scl_throw (error, SCL_ERROR_INVALID,
                       "hypervisor \"%s\": libvirt's embedded driver is " SCL_EMBED_URI
                       " here, written exactly so, and its folder is SCL's own choice (embed in the state folder): "
                       "leave the rest out, and choose the state folder with state=",
                       uri);
}
