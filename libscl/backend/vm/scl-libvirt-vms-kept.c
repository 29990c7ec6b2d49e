/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt keeps of a domain for others, and would forget with it. */
#include "backend/vm/scl-libvirt-vms-parts-private.h"
#include "backend/vm/scl-virt-error-private.h"
#include <libvirt/virterror.h>

/* The guest's memory is as much its data as its disk is. */
static gboolean
check_not_saved (virDomainPtr domain, const char *name, GError **error)
{
  return virDomainHasManagedSaveImage (domain, 0) != 1
         || scl_throw (error, SCL_ERROR_IN_USE,
                       "VM \"%s\": another tool has saved its memory (virsh managedsave), which would be lost: "
                       "let it go on and shut it down (sclctl vm start %s, sclctl vm stop %s), or give that up "
                       "(virsh managedsave-remove %s), then again",
                       name, name, name, virDomainGetName (domain));
}

/* Only the domain says what another tool can go back to, or which blocks it has saved already. */
static gboolean
check_no_snapshots (virDomainPtr domain, const char *name, GError **error)
{
  virDomainSnapshotPtr *snapshots = NULL;
  int n = virDomainListAllSnapshots (domain, &snapshots, 0);
  gboolean ok = n == 0 || (n < 0 && _scl_virt_error_is (VIR_ERR_NO_SUPPORT));

  if (n < 0 && !ok)
    return scl_throw_virt (error, "VM \"%s\": cannot list its snapshots", name);
  if (n > 0)
    ok = scl_throw (error, SCL_ERROR_IN_USE,
                    "VM \"%s\": another tool has made %d snapshot(s) of it (\"%s\"%s), which would be forgotten: if "
                    "nobody goes back to them, forget each (virsh snapshot-delete --metadata %s %s), then again",
                    name, n, virDomainSnapshotGetName (snapshots[0]), n > 1 ? " …" : "",
                    virDomainGetName (domain), virDomainSnapshotGetName (snapshots[0]));
  for (int i = 0; i < n; i++)
    virDomainSnapshotFree (snapshots[i]);
  free (snapshots);
  return ok;
}

static gboolean
check_no_checkpoints (virDomainPtr domain, const char *name, GError **error)
{
  virDomainCheckpointPtr *checkpoints = NULL;
  int n = virDomainListAllCheckpoints (domain, &checkpoints, 0);
  gboolean ok = n == 0 || (n < 0 && _scl_virt_error_is (VIR_ERR_NO_SUPPORT));

  if (n < 0 && !ok)
    return scl_throw_virt (error, "VM \"%s\": cannot list its checkpoints", name);
  if (n > 0)
    ok = scl_throw (error, SCL_ERROR_IN_USE,
                    "VM \"%s\": a backup tool has made %d checkpoint(s) of it (\"%s\"%s), which would be forgotten: "
                    "if no backup goes on from them, forget each (virsh checkpoint-delete --metadata %s %s), then again",
                    name, n, virDomainCheckpointGetName (checkpoints[0]), n > 1 ? " …" : "",
                    virDomainGetName (domain), virDomainCheckpointGetName (checkpoints[0]));
  for (int i = 0; i < n; i++)
    virDomainCheckpointFree (checkpoints[i]);
  free (checkpoints);
  return ok;
}

gboolean
_scl_libvirt_vms_check_nothing_lost (virDomainPtr domain, const char *name, GError **error)
{
  return check_not_saved (domain, name, error) && check_no_snapshots (domain, name, error)
         && check_no_checkpoints (domain, name, error);
}
