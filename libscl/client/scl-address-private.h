/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <scl/scl-address.h>

/* SOURCE: "declared", "lease", "agent" or "neighbour". */
SclAddress *_scl_address_new (GInetAddress *address, const char *source);
