/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define SCL_INSIDE

#include <scl/scl-address.h>
#include <scl/scl-connection.h>
#include <scl/scl-diagnostic.h>
#include <scl/scl-disk-spec.h>
#include <scl/scl-enum-types.h>
#include <scl/scl-enums.h>
#include <scl/scl-error.h>
#include <scl/scl-forward-spec.h>
#include <scl/scl-macros.h>
#include <scl/scl-manifest-loader.h>
#include <scl/scl-manifest.h>
#include <scl/scl-network-spec.h>
#include <scl/scl-network.h>
#include <scl/scl-nic-spec.h>
#include <scl/scl-operation.h>
#include <scl/scl-plan.h>
#include <scl/scl-step-result.h>
#include <scl/scl-step.h>
#include <scl/scl-version.h>
#include <scl/scl-vm-spec.h>
#include <scl/scl-vm.h>
#include <scl/scl-volume.h>

#undef SCL_INSIDE
