/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

/* g_ascii_string_to_unsigned() looks at errno, and its first call in a process makes GLib's C
 * locale under a lock. A thread that waits there for another one's type has EAGAIN in errno
 * afterwards, and "7" is no number (GLib 2.74). So the locale is made before there is anybody to
 * wait for. */
__attribute__ ((constructor)) static void
make_locale_of_numbers (void)
{
  g_ascii_strtoull ("0", NULL, 10);
}
