# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# To be sourced after packages.sh, which has unpacked the headers: makes C programs with the machine's compiler.

# compile NAME LIBRARY…: $folder/NAME of $folder/NAME.c, with GLib and those libraries of the packages.
compile ()
{
  # shellcheck disable=SC2154
  local name=$1 library=$folder/root/usr/lib/x86_64-linux-gnu headers=$folder/root/usr/include
  cc -o "$folder/$name" "$folder/$name.c" -I"$headers/glib-2.0" -I"$headers/json-glib-1.0" -I"$library/glib-2.0/include" \
     -L"$library" "${@:2}" -lglib-2.0 -Wl,--allow-shlib-undefined
}
