# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The guide: "Prerequisites". Between the marks it is word for word.
_:
{
# >>>
ctrl-os.vms = {
gatewayInterface = "eth0";
};
# <<<
}
