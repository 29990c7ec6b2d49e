#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What scl.service runs: scl-service start|reload|stop MANIFEST. The why is in doc/design/nix.md.
set -u

verb=$1
manifest=$2
# There while the service is up. After a start that failed in part, the next one must not start again
# what a user has stopped since.
started=${SCL_STARTED_MARK:-/run/ctrl-os-vms.started}

apply ()
{
  # A VM that is shutting down holds the lock.
  sclctl apply --timeout 600 --prune --allow-empty "$@" -f "$manifest"
}

# A VM that runs has its unit active, whoever started it. The units wait for scl.service, so this
# must not wait for them.
attach ()
{
  sclctl vm list --running -q | while read -r name; do
    systemctl start --no-block "vm-$name.service" || true
  done
}

start ()
{
  if [ -e "$started" ]; then
    apply
  else
    apply --boot
  fi
  status=$?
  # 3: some VM or network is not as declared, all others are.
  if [ "$status" -eq 0 ] || [ "$status" -eq 3 ]; then
    : >"$started"
  fi
}

case $verb in
  start)
    start
    attach
    exit "$status"
    ;;
  reload)
    apply
    status=$?
    attach
    exit "$status"
    ;;
  stop)
    rm -f "$started"
    exec sclctl vm stop --all
    ;;
esac
echo "scl-service: start, reload or stop, not $verb" >&2
exit 64
