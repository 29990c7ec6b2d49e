# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# To be sourced by what looks at cloud-init's network configuration: packages.sh with cloud-init, and what its renderers make of a text.

# shellcheck disable=SC2034
packages='cloud-init=22.4.2-1+deb12u4 python3-yaml=6.0-3+b2 python3-jinja2 python3-markupsafe python3-configobj python3-six libyaml-0-2'

# shellcheck source=findings/packages.sh
. "$(dirname "$(readlink -f "$0")")/packages.sh"

# rendered eni|networkd WORDS TEXT: the lines that begin with one of WORDS, of all files; or the error.
rendered ()
{
  PYTHONPATH=$folder/root/usr/lib/python3/dist-packages python3 -B - "$folder/out" "$@" <<'PYTHON' 2>&1
import pathlib, shutil, sys
from cloudinit import util
from cloudinit.net import eni, network_state, networkd
folder, name, words, text = sys.argv[1:]
shutil.rmtree(folder, ignore_errors=True)
renderer = networkd.Renderer() if name == "networkd" else eni.Renderer({"eni_path": "interfaces", "netrules_path": None})
try:
    renderer.render_network_state(network_state.parse_net_config_data(util.load_yaml(text)), target=folder)
    lines = [line.strip() for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file() for line in path.read_text().splitlines()]
    print(" ".join(line for line in lines if line.startswith(tuple(words.split()))))
except (AttributeError, ValueError) as error:
    print(error)
PYTHON
}

expect "version" "$(PYTHONPATH=$folder/root/usr/lib/python3/dist-packages python3 -B -c 'import cloudinit.version as v; print(v.__VERSION__)')" "22.4.2"
