/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/network/scl-nft-private.h"
#include "base/scl-run-private.h"
#include "base/scl-throw-private.h"
#include <linux/netlink.h>
#include <string.h>

#define TIMEOUT 30

gboolean
_scl_nft_apply (int netns_fd, const char *text, GCancellable *cancellable, GError **error)
{
  const char *const argv[] = { "nft", "-f", "-", NULL };
  g_autoptr (GBytes) input = g_bytes_new_static (text, strlen (text));
  g_autoptr (SclNetlink) sock = _scl_netlink_open (netns_fd, NETLINK_NETFILTER, error);
  guint32 before = sock == NULL ? 0 : _scl_nft_read_generation (sock);
  g_autoptr (GBytes) output
      = sock == NULL ? NULL : _scl_run_checked (argv, input, netns_fd, TIMEOUT, cancellable, error);

  if (output == NULL)
    return FALSE;
  if (before != 0 && before == _scl_nft_read_generation (sock))
    return scl_throw (error, SCL_ERROR_BACKEND,
                      "nft ended as if all were well, but the kernel's rules are those of before: is "
                      "another program of that name in PATH?");
  return TRUE;
}

GPtrArray *
_scl_nft_list (int netns_fd, GCancellable *cancellable, GError **error)
{
  const char *const argv[] = { "nft", "-j", "list", "ruleset", NULL };
  g_autoptr (GBytes) output = _scl_run_asked (argv, netns_fd, TIMEOUT, cancellable, error);
  gsize size = 0;
  const char *text;

  if (output == NULL)
    return NULL;
  text = g_bytes_get_data (output, &size);
  return _scl_nft_parse (text, (gssize)size, error);
}
