# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# To be sourced when `packages` is set: goes on in a network namespace, with the programs of these packages first and $folder to write to.

if [ "${1-}" != inside ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  # shellcheck disable=SC2086,SC2154
  (cd "$folder" && apt-get download -q $packages > /dev/null 2>&1) || { echo "cannot download $packages"; exit 2; }
  for file in "$folder"/*.deb; do dpkg-deb -x "$file" "$folder/root"; done
  export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu
  export PATH=$folder/root/usr/sbin:$folder/root/bin:$folder/root/sbin:$PATH
  status=0
  unshare --net bash "$(readlink -f "$0")" inside "$folder" || status=$?
  exit "$status"
fi

# shellcheck disable=SC2034
folder=$2
failed=0
expect ()
{
  echo "$1: $2"
  # shellcheck disable=SC2034
  [ "$2" = "$3" ] || { echo "  CHANGED, it was: $3"; failed=1; }
}
