# SPDX-License-Identifier: LGPL-2.1-or-later
"""The public surface as text: from the GIR, the symbol map and the library."""

import hashlib
import os
import re
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = Path(os.environ.get("SCL_SOURCE_DIR", HERE.parents[1]))
BUILD = Path(os.environ.get("SCL_BUILD_DIR", SOURCE / "build"))
MAP = SOURCE / "libscl/libscl.map"
API = HERE / "api.txt"
SEALED = HERE / "released.sha256"

CORE = "{http://www.gtk.org/introspection/core/1.0}"
C = "{http://www.gtk.org/introspection/c/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"
CALLABLE = ("constructor", "method", "function", "virtual-method")


def gir():
    return ElementTree.parse(BUILD / "libscl/Scl-0.gir").getroot().find(f"{CORE}namespace")


def library():
    return BUILD / "libscl/libscl.so.0"


def nodes():
    """[(name, parent or None, [symbols])] of the map, in its order."""
    content = re.sub(r"#.*", "", MAP.read_text(encoding="utf-8"))
    found = []
    for name, body, parent in re.findall(r"(\w[\w.]*)\s*\{(.*?)\}\s*([\w.]*);", content, re.S):
        symbols = re.search(r"global:(.*?)(local:|\Z)", body, re.S)
        found.append((name, parent or None, re.findall(r"(\w+);", symbols[1]) if symbols else []))
    return found


def versions_of_gir():
    """C name of each function, including each type's _get_type: its Since."""
    found = {}
    for element in gir().iter():
        tag = element.tag.removeprefix(CORE)
        if tag in CALLABLE and f"{C}identifier" in element.attrib:
            found[element.get(f"{C}identifier")] = element.get("version")
        get_type = element.get(f"{GLIB}get-type")
        if get_type and get_type != "intern":
            found[get_type] = element.get("version")
    return found


def exported():
    """symbol -> version node, of the built library."""
    done = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", str(library())], capture_output=True, text=True,
                          check=True)
    found = {}
    for line in done.stdout.splitlines():
        name = line.split()[-1]
        symbol, _, node = name.partition("@@")
        if symbol != node and not re.fullmatch(r"SCL_[\d.]+", symbol):
            found[symbol] = node
    return found


def seal():
    """Checksum of all nodes of the map, as they are when a release is made."""
    return hashlib.sha256(repr(nodes()).encode()).hexdigest()


def sealed():
    """[(number of nodes, checksum)], one per release."""
    lines = [line.split() for line in SEALED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [(int(number), checksum) for number, checksum in lines]


def seal_of(count):
    return hashlib.sha256(repr(nodes()[:count]).encode()).hexdigest()


# --- api.txt ---

def kind_of(element):
    """The type of a parameter, a result or a property."""
    array = element.find(f"{CORE}array")
    if array is not None:
        inner = array.find(f"{CORE}type")
        name = array.get("name") or array.get(f"{C}type") or "array"
        extra = "".join(f" {key}={value}" for key, value in sorted(array.attrib.items()) if key in ("length", "zero-terminated"))
        return f"{name}<{inner.get('name')}>{extra}"
    single = element.find(f"{CORE}type")
    if single is None:
        return "..." if element.find(f"{CORE}varargs") is not None else "?"
    inner = [child.get("name") for child in single.findall(f"{CORE}type")]
    return (single.get("name") or "?") + (f"<{','.join(inner)}>" if inner else "")


def annotations(element, keys):
    return "".join(f" {key}={element.get(key)}" for key in keys if element.get(key))


def signature(element):
    parameters = element.find(f"{CORE}parameters")
    said = []
    for parameter in parameters.findall(f"{CORE}parameter") if parameters is not None else ():
        said.append(f"{parameter.get('name')}: {kind_of(parameter)}"
                    + annotations(parameter, ("direction", "transfer-ownership", "nullable", "optional", "scope", "closure")))
    result = element.find(f"{CORE}return-value")
    back = kind_of(result) + annotations(result, ("transfer-ownership", "nullable"))
    throws = " throws" if element.get("throws") == "1" else ""
    return f"({'; '.join(said)}) -> {back}{throws}"


def members(element):
    owner = element.get("name")
    for child in element:
        tag = child.tag.removeprefix(CORE)
        if tag in CALLABLE:
            yield f"{tag} {owner}.{child.get('name')} {child.get(f'{C}identifier')} {signature(child)}"
        elif tag == "property":
            flags = annotations(child, ("readable", "writable", "construct-only", "construct", "transfer-ownership"))
            yield f"property {owner}:{child.get('name')} {kind_of(child)}{flags}"
        elif child.tag == f"{GLIB}signal":
            yield f"signal {owner}::{child.get('name')} {signature(child)}"
        elif tag == "member":
            yield f"value {child.get(f'{C}identifier')} = {child.get('value')} \"{child.get(f'{GLIB}nick')}\""
        elif tag == "implements":
            yield f"implements {owner} {child.get('name')}"


def api():
    """One line for everything that a binding or a program can see."""
    lines = []
    for element in gir():
        tag = element.tag.removeprefix(CORE)
        name = element.get("name")
        if tag in ("class", "interface", "record", "enumeration", "bitfield", "callback"):
            domain = element.get(f"{GLIB}error-domain")
            lines.append(f"{tag} {name}{' of ' + element.get('parent') if element.get('parent') else ''}"
                         f"{' domain ' + domain if domain else ''}{annotations(element, (f'{GLIB}final',)).replace(GLIB, '')}")
            lines += members(element)
        elif tag == "function":
            lines.append(f"function {name} {element.get(f'{C}identifier')} {signature(element)}")
        elif tag == "constant":
            lines.append(f"constant {element.get(f'{C}type')} {kind_of(element)}")
        elif tag == "function-macro":
            lines.append(f"macro {element.get(f'{C}identifier')}")
    # Of a version number its presence is the API, not its value.
    return "".join(f"{line}\n" for line in sorted(lines))


# --- the binary ---

def public_headers(folder):
    """All public headers in one folder, as they are installed."""
    target = Path(folder) / "scl"
    target.mkdir()
    for path in [*SOURCE.glob("include/scl/*.h"), *BUILD.glob("include/scl/*.h")]:
        (target / path.name).write_bytes(path.read_bytes())
    return folder


def write_abi(out):
    # --drop-private-types: without it a change of a private struct counts as a break.
    with tempfile.TemporaryDirectory(prefix="scltest-abi-") as folder:
        subprocess.run(["abidw", "--headers-dir", public_headers(folder), "--drop-private-types", "--no-comp-dir-path",
                        "--no-show-locs", "--no-corpus-path", "--exported-interfaces-only", "--out-file", str(out), str(library())], check=True)
    # Which machine it was built on is nobody's business.
    dump = Path(out).read_text(encoding="utf-8")
    for folder in (BUILD, SOURCE):
        dump = dump.replace(f"path='{folder}/", "path='")
    Path(out).write_text(dump, encoding="utf-8")


def compare_abi(old, new):
    """(exit status, what abidiff says): with neither removed, changed nor added symbols it is 0."""
    done = subprocess.run(["abidiff", str(old), str(new)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def stored_abi():
    """The newest libscl-VERSION.abi."""
    return max(HERE.glob("libscl-*.abi"), key=lambda path: [int(part) for part in re.findall(r"\d+", path.stem)])
