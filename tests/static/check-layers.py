#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The layers of libscl (design: base <- model <- {config, plan, client} ...): includes and symbols."""

import re
import subprocess
import unittest
from pathlib import Path

import scltest
from scltest.tap import require
from sources import BUILD, SOURCE, c_files, code, line_of

# layer: folders whose private headers it may include, besides its own.
ALLOWED = {
    "base": [],
    "model": ["base"],
    "config": ["base", "model"],
    "plan": ["base", "model"],
    "backend": ["base", "model", "plan"],
    "backend/network": ["base", "model", "plan", "backend"],
    "backend/volume": ["base", "model", "plan", "backend"],
    "backend/vm": ["base", "model", "plan", "backend"],
    "backend/memory": ["base", "model", "plan", "backend", "backend/network", "backend/volume", "backend/vm"],
    "client": ["base", "model", "plan"],
    "engine": ["base", "model", "plan", "client", "backend", "backend/network", "backend/volume", "backend/vm",
               "backend/memory"],
}
# An interface's header may be seen where its technology's may not: file, header, why.
EXCEPTIONS = {
    # How work reports: one pair of functions, which every kind of operation hands down to a backend.
    ("libscl/client/scl-operation-private.h", "backend/scl-progress-private.h"),
}
# A source file of libscl that a program compiles, too, because it needs the same: file, header.
SHARED = {("bindings/nix/scl-nix-run.c", "base/scl-child-private.h")}
INTERFACES = re.compile(r"backend/(network/scl-network|volume/scl-volume|vm/scl-vm)-backend-private\.h")

# System headers with a home: regular expression of the header -> the layers that may include it.
FOREIGN = {
    r"libvirt/": ["backend/vm"],
    r"netlink/|linux/(if|rtnetlink|netlink|fib|netfilter|veth|neighbour)": ["backend/network"],
    r"yaml\.h": ["config", "backend/volume"],
    r"json-glib/": ["config", "backend/network", "backend/volume", "backend/vm"],
    r"archive": ["backend/volume"],
    r"sched\.h": ["base", "backend/network"],
}

# Undefined symbols that a layer's objects must not have.
TECHNOLOGY = r"vir[A-Z]\w*|nl_\w+|nla_\w+|nlmsg_\w+|rtnl_\w+|nfnl_\w+|archive_\w+"
KERNEL = (r"setns|unshare|socket|connect|bind|open|open64|openat|openat64|creat|fopen|fopen64|fdopen|popen|system|fork|vfork|"
          r"exec[lv]\w*|posix_spawn\w*|mount|unlink\w*|rename\w*|mkdir\w*|g_file_\w+|g_mkdir\w*|g_spawn_\w+|g_subprocess_\w+|"
          r"g_socket_\w+|g_dir_\w+|g_remove|g_unlink|g_rename|g_open|g_fopen|g_stat|stat|lstat|fstatat|opendir")
YAML = r"yaml_\w+|json_\w+"
FORBIDDEN = {
    "base": f"{TECHNOLOGY}|{YAML}",
    "model": f"{TECHNOLOGY}|{YAML}|{KERNEL}",
    "config": f"{TECHNOLOGY}|setns|unshare|socket|fork|exec[lv]\\w*|g_spawn_\\w+|g_subprocess_\\w+|mount",
    "plan": f"{TECHNOLOGY}|{YAML}|{KERNEL}",
    "client": f"{TECHNOLOGY}|{YAML}|{KERNEL}",
    "engine-core": f"{TECHNOLOGY}|{YAML}|setns|unshare|fork|exec[lv]\\w*|g_spawn_\\w+|g_subprocess_\\w+|mount",
    "engine": f"{TECHNOLOGY}|{YAML}|setns|unshare|fork|exec[lv]\\w*|g_spawn_\\w+|g_subprocess_\\w+|mount",
    "backend": f"{TECHNOLOGY}|{YAML}|{KERNEL}",
    "backend-memory": f"{TECHNOLOGY}|{YAML}|setns|socket|fork|exec[lv]\\w*|g_spawn_\\w+",
    "backend-network": "vir[A-Z]\\w*|yaml_\\w+|archive_\\w+|system|popen",
    "backend-volume": "vir[A-Z]\\w*|nl_\\w+|rtnl_\\w+|nfnl_\\w+|setns|system|popen",
    "backend-vm": "nl_\\w+|rtnl_\\w+|nfnl_\\w+|yaml_\\w+|archive_\\w+|system|popen",
}
# Not I/O of the caller's: the GObject type of a path or of a stream.
HARMLESS = {"g_file_get_type", "g_file_error_quark"}
INCLUDE = re.compile(r'^#include ([<"])([^>"]+)[>"]', re.M)


def layer_of(name):
    parts = name.split("/")[1:-1]
    return "/".join(parts)


def includes(name):
    content = code(name, True)
    for match in INCLUDE.finditer(content):
        yield line_of(content, match.start()), match[1] == "<", match[2]


def include_findings(names):
    """file:line: what, for each include that the layers forbid."""
    found = []
    for name in names:
        layer = layer_of(name)
        if not layer:
            continue
        for line, angle, header in includes(name):
            wrong = angle_finding(layer, header) if angle else quoted_finding(name, layer, header)
            if wrong:
                found.append(f"{name}:{line}: {wrong}")
    return found


def angle_finding(layer, header):
    for pattern, layers in FOREIGN.items():
        if re.match(pattern, header) and layer not in layers:
            return f"<{header}> belongs to {' and '.join(layers)}"
    return None


def quoted_finding(name, layer, header):
    home = header.rpartition("/")[0]
    if home == layer or home in ALLOWED[layer] or (name, header) in EXCEPTIONS:
        return None
    if layer == "backend" and INTERFACES.fullmatch(header):
        return None
    return f'"{header}": {layer} may include only {", ".join(ALLOWED[layer]) or "itself"}'


def frontend_findings(names):
    found = []
    for name in names:
        for line, angle, header in includes(name):
            if (name, header) in SHARED:
                continue
            own = not angle and (SOURCE / name).with_name(header).exists()
            if header.startswith(("scl/", "scl-")) and header != "scl/scl.h" and not own:
                found.append(f"{name}:{line}: a frontend includes <scl/scl.h> only, not {header}")
            if not angle and "/" in header:
                found.append(f'{name}:{line}: "{header}" is not the frontend\'s own header')
            if angle and re.match(r"libvirt|netlink|yaml|archive|linux/", header):
                found.append(f"{name}:{line}: <{header}>: what it is for belongs into libscl")
    return found


def objects(layer):
    return sorted(BUILD.glob(f"libscl/**/CMakeFiles/scl-{layer}.dir/**/*.o"))


def undefined(*paths):
    """(name, symbol) of all that these leave undefined."""
    done = subprocess.run(["nm", "-u", "-P", "-A", *map(str, paths)], capture_output=True, text=True, check=True)
    fields = [line.split() for line in done.stdout.splitlines()]
    return [(Path(words[0].removesuffix(":")).name.removesuffix(".o"), words[1].split("@")[0]) for words in fields]


def symbol_findings(layer):
    pattern = re.compile(FORBIDDEN[layer])
    return [f"{name}: {symbol}" for name, symbol in undefined(*objects(layer)) if pattern.fullmatch(symbol) and symbol not in HARMLESS]


class Layers(scltest.TestCase):
    def check(self, findings):
        self.assertFalse(findings, "\n" + "\n".join(findings))

    def test_every_folder_is_a_known_layer(self):
        self.check([name for name in c_files("libscl") if layer_of(name) and layer_of(name) not in ALLOWED])

    def test_includes_follow_the_layers(self):
        self.check(include_findings(c_files("libscl")))

    def test_public_headers_include_glib_and_each_other_only(self):
        self.check([f"{name}:{line}: {header}" for name in c_files("include") for line, angle, header in includes(name)
                    if not angle or not re.fullmatch(r"(glib|glib-object|gio/gio|scl/[a-z-]+)\.h", header)])

    def test_frontends_use_the_public_api_only(self):
        self.check(frontend_findings(c_files("tools", "bindings")))

    def test_only_tests_and_the_library_see_private_headers(self):
        self.check([f"{name}:{line}: {header}" for name in c_files("tools", "bindings", "include") for line, _, header in includes(name)
                    if header.endswith("-private.h") and (name, header) not in SHARED])


class Symbols(scltest.TestCase):
    """One case per layer: what its objects leave undefined."""

    def test_every_layer_of_the_build_has_a_rule(self):
        built = {path.name.removeprefix("scl-").removesuffix(".dir") for path in BUILD.glob("libscl/**/CMakeFiles/scl-*.dir")}
        self.assertEqual(built - {"generated"}, set(FORBIDDEN))

    def test_sclctl_has_no_private_symbol(self):
        program = next((path for path in BUILD.glob("tools/**/sclctl") if path.is_file()), None)
        require(program is not None, "sclctl is not built")
        self.assertFalse([symbol for _name, symbol in undefined(program) if symbol.startswith("_scl_")])


def symbol_case(layer):
    def test(self):
        require(bool(objects(layer)), f"no objects of {layer} in {BUILD}")
        found = symbol_findings(layer)
        self.assertFalse(found, "\n" + "\n".join(found))
    return test


for _layer in FORBIDDEN:
    setattr(Symbols, f"test_{_layer.replace('-', '_')}", symbol_case(_layer))


class Sees(unittest.TestCase):
    """The rules catch what they are for."""

    def test_a_wrong_include(self):
        self.assertTrue(quoted_finding("libscl/model/x.c", "model", "plan/scl-plan-private.h"))
        self.assertTrue(quoted_finding("libscl/client/x.c", "client", "engine/scl-engine-private.h"))
        self.assertTrue(quoted_finding("libscl/backend/network/x.c", "backend/network", "backend/vm/scl-vm-backend-private.h"))
        self.assertFalse(quoted_finding("libscl/plan/x.c", "plan", "model/scl-list-private.h"))
        self.assertTrue(angle_finding("model", "libvirt/libvirt.h"))
        self.assertFalse(angle_finding("backend/vm", "libvirt/libvirt.h"))

    def test_a_wrong_symbol(self):
        for symbol in ("virConnectOpen", "nl_connect", "rtnl_link_add", "yaml_parser_parse", "setns", "socket", "open64", "execve",
                       "g_file_get_contents"):
            self.assertTrue(re.fullmatch(FORBIDDEN["plan"], symbol), symbol)
        for symbol in ("g_free", "strcmp", "scl_plan_get_type", "g_filename_to_uri"):
            self.assertFalse(re.fullmatch(FORBIDDEN["plan"], symbol), symbol)


if __name__ == "__main__":
    scltest.main()
