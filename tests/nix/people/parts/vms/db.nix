# SPDX-License-Identifier: LGPL-2.1-or-later
{ address = "192.168.20.12/24"; cores = 1; }
