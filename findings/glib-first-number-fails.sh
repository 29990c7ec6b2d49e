#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GLib 2.74.6-2+deb12u9 (Debian 12); the compiler is the machine's.
#
# Guessed: g_ascii_string_to_unsigned ("7", …) depends on its arguments only, so it may be called in any thread.
# Seen: the first call of a process now and then says "“7” is not an unsigned number", when other threads are in g_once_init_enter() (which is what
# registering a type does); every later call is right. It takes errno for the answer of strtoull, but the first call makes the "C" locale under a lock,
# and waiting for a contended lock leaves EAGAIN in errno.
# So: a program with threads calls it, or g_ascii_strtoull(), once before it starts them.
set -euo pipefail
packages='libglib2.0-0=2.74.6-2+deb12u9 libglib2.0-dev=2.74.6-2+deb12u9 libpcre2-8-0'

# shellcheck source=findings/packages.sh
. "$(dirname "$(readlink -f "$0")")/packages.sh"
# shellcheck source=findings/c-program.sh
. "$(dirname "$(readlink -f "$0")")/c-program.sh"

cat > "$folder/number.c" <<'E'
#include <glib.h>
#include <stdlib.h>

static gint n_running, stop;

static gpointer
enter_once (gpointer data)
{
  g_atomic_int_inc (&n_running);
  while (!g_atomic_int_get (&stop))
    {
      gsize once = 0;

      if (g_once_init_enter (&once))
        g_once_init_leave (&once, 1);
    }
  return data;
}

/* 1: the first call failed; 2: a later one did. With an argument, a number has been read before. */
int
main (int argc, char **argv)
{
  GThread *threads[4];
  int status = 0;

  if (argc > 1)
    g_ascii_strtoull (argv[1], NULL, 10);
  for (int i = 0; i < 4; i++)
    threads[i] = g_thread_new ("once", enter_once, NULL);
  while (g_atomic_int_get (&n_running) < 4)
    g_thread_yield ();
  for (int i = 0; i < 1000; i++)
    if (!g_ascii_string_to_unsigned ("7", 10, 0, 100, NULL, NULL))
      status |= i == 0 ? 1 : 2;
  g_atomic_int_set (&stop, 1);
  for (int i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  return status;
}
E
compile number

# statuses N ARGUMENT…: which ones N processes end with.
statuses ()
{
  for _ in $(seq "$1"); do
    status=0
    "$folder/number" "${@:2}" || status=$?
    echo "$status"
  done | sort -u | xargs
}

expect "of 300 processes: right, or the first call is wrong" "$(statuses 300)" "0 1"
expect "the same when a number was read before" "$(statuses 300 0)" "0"
exit "$failed"
