/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The planner's working memory, shared by its files. Tables borrow their keys from the
 * manifest and the observation. */

#include "plan/scl-plan-private.h"

typedef struct
{
  SclManifest *desired;
  SclObservation *observed;
  const char *prefix;
  SclApplyFlags flags;
  SclPlan *plan;

  GHashTable *ports;         /* network -> GPtrArray of SclPort: as declared */
  GHashTable *leaving_ports; /* network -> GPtrArray of SclPort: of VMs that are to be removed */
  gboolean has_leaving_ports;
  GHashTable *wanted_port;   /* "VM/INDEX" -> SclPort as declared */
  GHashTable *found_port;    /* "VM/INDEX" -> SclPort that is there */
  GHashTable *port_home;     /* "VM/INDEX" -> network that has the port now */
  GPtrArray *gone_vms;       /* SclObservedVm (borrowed): ours and no longer declared */
  GPtrArray *gone_networks;  /* SclObservedNetwork (borrowed) */

  GHashTable *externals;     /* address as a number -> SclObservedNetwork that has it */
  GPtrArray *groups;         /* GPtrArray of SclNetworkSpec: what is changed together, in order */
  GHashTable *held_networks; /* declared network -> name of a gone one that has its address, or one of its
                              * group: nothing is made for it unless that removal is confirmed */

  SclStep *host_step;        /* before everything else; NULL: nothing to do */
  SclStep *held_host_step;   /* the same for what is held; NULL: nothing is */
  GHashTable *network_steps; /* network -> the step that makes it ready for its VMs */
  GHashTable *removed_vms;   /* VM -> step */
  GHashTable *removed_networks; /* network -> step */
  GHashTable *volume_steps;  /* volume -> step */
  GHashTable *blocked_vms;   /* VM -> step that says why it is left as it is */
  const char *lost_volume;   /* one that is gone; NULL: none is */
} SclPlanner;

char *_scl_planner_port_key (const char *vm, guint index);
/* The declared ports of a network; never NULL (borrowed). */
GPtrArray *_scl_planner_ports_of (GHashTable *table, const char *network);

void _scl_planner_add_ports (GPtrArray *into, GPtrArray *ports);
void _scl_planner_group_networks (SclPlanner *self);

void _scl_planner_plan_host (SclPlanner *self);
void _scl_planner_plan_held_host (SclPlanner *self);
void _scl_planner_plan_networks (SclPlanner *self);
/* What is left to take back when VMs are gone. */
void _scl_planner_plan_network_releases (SclPlanner *self);
void _scl_planner_plan_host_release (SclPlanner *self);

void _scl_planner_plan_vm_removals (SclPlanner *self);
void _scl_planner_plan_volumes (SclPlanner *self);
void _scl_planner_plan_vms (SclPlanner *self);
