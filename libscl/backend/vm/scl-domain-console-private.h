/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A domain's serial console as a GIOStream: one end of a socket pair, whose
 * other end libvirt's event loop pumps from and to the console. Closing the
 * stream lets the console go; a VM that goes off ends the stream. */

#include "backend/vm/scl-virt-error-private.h"

/* SCL_ERROR_IN_USE if somebody else has it open. */
GIOStream *_scl_domain_console_open (virConnectPtr handle, virDomainPtr domain, const char *vm,
                                     GError **error);
