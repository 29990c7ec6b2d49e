# SPDX-License-Identifier: LGPL-2.1-or-later
{ name, ... }:
{
  image = "/srv/${name}.raw";
  cores = 4;
}
