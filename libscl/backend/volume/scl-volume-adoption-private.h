/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a volume becomes another instance's: the only place that does. The file is renamed, never copied and
 * never put over another; its note goes before it and is bound to this one file, so that a kill leaves
 * one owner and what the same again completes. Who else uses it is the caller's to ask. */

#include <gio/gio.h>

typedef struct
{
  int from; /* the folder that it is in, and that it shall be in: may be the same */
  int to;
  const char *name;
  const char *owner; /* instances: whose it is, */
  const char *taker; /* and who takes it */
  const char *from_vm; /* folders of the VM that it is named after, whose NVRAM goes along; NULL: it does not */
  const char *to_vm;
} SclVolumeAdoption;

typedef enum
{
  SCL_ADOPTION_NOTHING, /* OWNER has no such volume in FROM */
  SCL_ADOPTION_WHOLE,   /* it has */
  SCL_ADOPTION_CUT,     /* who took it over was killed: it is in TO, the rest is to be done */
} SclAdoptionState;

/* Changes nothing. SCL_ERROR_EXISTS if what has the name is not a volume. TO may be -1. */
gboolean _scl_volume_adoption_look (const SclVolumeAdoption *self, SclAdoptionState *out_state,
                                    GError **error);
/* The NVRAM that will go along: a path, NULL if there is none. (transfer full) */
char *_scl_volume_adoption_find_nvram (const SclVolumeAdoption *self);
/* From any state but NOTHING. An NVRAM that cannot be renamed, because TAKER has one or is in another file system,
 * stays, and so does one in a folder that others can write into. SCL_ERROR_IN_USE if a QEMU has one of them open, SCL_ERROR_EXISTS if TO has one of that
 * name, SCL_ERROR_UNSUPPORTED if it cannot be renamed from there to here; then nothing is changed. */
gboolean _scl_volume_adoption_run (const SclVolumeAdoption *self, GError **error);
