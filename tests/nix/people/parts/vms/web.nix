# SPDX-License-Identifier: LGPL-2.1-or-later
{ address = "192.168.20.11/24"; cores = 2; }
