#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write Scl.pyi: what type checkers and editors know about gi.repository.Scl.

    generate-stubs.py Scl-0.gir gi/overrides/Scl.py Scl.pyi

What introspection offers comes from the GIR, the rest from the text of the override. Two rules of the override that
its text does not spell out are repeated here: an exception per error code, an attribute per getter and property.
"""

import ast
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

CORE = "{http://www.gtk.org/introspection/core/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"
PLAIN = {"none": "None", "utf8": "str", "filename": "str", "gboolean": "bool", "gdouble": "float", "gpointer": "Any",
         "GLib.Quark": "int", "Gio.AsyncReadyCallback": "Callable[..., None]",
         **dict.fromkeys(["gint", "guint", "gint64", "guint64", "guint16", "gsize"], "int")}
HEAD = '''\
# SPDX-License-Identifier: LGPL-2.1-or-later
# Made by generate-stubs.py.
"""libscl, the Separation Control Layer."""

import builtins
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar, overload

from gi.repository import Gio, GLib, GObject

T = TypeVar("T")
'''


# --- the GIR ---


def first_sentence(text):
    sentence = re.split(r"(?<=\.)\s|\n\s*\n", text.strip(), maxsplit=1)[0]
    return re.sub(r"\s+", " ", sentence).replace("\\", "\\\\").replace('"""', "'''")


def doc_of(node):
    doc = node.find(CORE + "doc")
    return "" if doc is None else first_sentence(re.sub(r"[#%](?=\w)", "", doc.text))


def type_of(node):
    """The annotation of a parameter, a property or what is returned."""
    array, plain = node.find(CORE + "array"), node.find(CORE + "type")
    name = f"list[{type_of(array)}]" if array is not None else PLAIN.get(plain.get("name"), plain.get("name"))
    return f"{name} | None" if node.get("nullable") == "1" else name


def parameters(node):
    """The parameters that Python sees."""
    found = node.findall(f"{CORE}parameters/{CORE}parameter")
    hidden = {each.get("closure") for each in found}
    return [each for number, each in enumerate(found) if each.get("direction") != "out" and str(number) not in hidden]


def arguments(node):
    """As PyGObject does: nullable ones at the end may be left out; data for a callback are any more arguments."""
    words, optional, more = [], True, []
    for each in reversed(parameters(node)):
        optional = optional and each.get("nullable") == "1"
        if each.get("scope"):
            more = ["*data: Any"]
        words.insert(0, f"{each.get('name')}: {type_of(each)}" + (" = ..." if optional else ""))
    return words + more


def is_method(node):
    return node.tag == CORE + "method"


def function(node, indent=""):
    words = (["self"] if is_method(node) else []) + arguments(node)
    lines = ["@staticmethod"] if indent and not is_method(node) else []
    lines += [f"def {node.get('name')}({', '.join(words)}) -> {type_of(node.find(CORE + 'return-value'))}:"]
    return [indent + line for line in [*lines, f'    """{doc_of(node)}"""', "    ..."]]


def attribute(name, annotation, doc):
    lines = ["@property", f"def {name}(self) -> {annotation}:", f'    """{doc}"""', "    ..."]
    return [f"    {line}" for line in lines]


def constructor(node):
    """g_object_new() with the properties that it takes."""
    words = [f"{name_of(each)}: {type_of(each)} | None = ..." for each in node.findall(CORE + "property")
             if each.get("construct-only") == "1" or each.get("writable") == "1"]
    return [f"    def __init__(self, *, {', '.join(words)}) -> None: ..."] if words else []


def name_of(prop):
    return prop.get("name").replace("-", "_")


def callables(node):
    found = [each for kind in ("constructor", "function", "method") for each in node.findall(CORE + kind)]
    return [each for each in found if each.get("introspectable") != "0"]


def members_of(node):
    """name -> lines of a class."""
    members = {each.get("name"): function(each, "    ") for each in callables(node)}
    for each in callables(node):
        name = each.get("name")
        if name.startswith("get_") and name[4:] not in members:
            members[name[4:]] = attribute(name[4:], type_of(each.find(CORE + "return-value")), doc_of(each))
    for each in node.findall(CORE + "property"):
        if name_of(each) not in members:
            members[name_of(each)] = attribute(name_of(each), type_of(each), doc_of(each))
    return members


def class_lines(name, base, doc, body):
    lines = [f"class {name}({base}):"]
    lines += [f'    """{doc}"""'] if doc else []
    for part in body:
        lines += ["", *part] if len(part) > 1 else part
    return [*lines, *([] if doc or body else ["    ..."])]


def enumeration(node, base):
    values = [[f"    {each.get('name').upper()}: {node.get('name')}"] for each in node.findall(CORE + "member")]
    return class_lines(node.get("name"), base, doc_of(node), values + [function(each, "    ") for each in callables(node)])


# --- the override ---


def stub_of(definition):
    """The head of a function, with the first line of its docstring."""
    doc = ast.get_docstring(definition)
    definition.body = [ast.Expr(ast.Constant(first_sentence(doc)))] if doc else []
    definition.body.append(ast.Expr(ast.Constant(...)))
    arguments_ = definition.args
    arguments_.defaults = [ast.Constant(...) for _ in arguments_.defaults]
    arguments_.kw_defaults = [default and ast.Constant(...) for default in arguments_.kw_defaults]
    return unqualified(definition)


def unqualified(node):
    return [f"    {line}" for line in re.sub(r"\bScl\.", "", ast.unparse(node)).split("\n")]


def is_overload(definition):
    return any(isinstance(each, ast.Name) and each.id == "overload" for each in definition.decorator_list)


def is_public(name):
    return not name.startswith("_") or name.startswith("__")


def overridden_members(node):
    """name -> lines; of an overloaded method its overloads."""
    members, overloaded = {}, set()
    for each in node.body:
        if isinstance(each, ast.AnnAssign):
            members[each.target.id] = unqualified(ast.AnnAssign(each.target, each.annotation, None, 1))
        elif isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and is_public(each.name):
            if is_overload(each):
                overloaded.add(each.name)
                members[each.name] = members.get(each.name, []) + stub_of(each)
            elif each.name not in overloaded:
                members[each.name] = stub_of(each)
    return members


class Override:
    def __init__(self, path):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self.classes = {each.name: each for each in tree.body if isinstance(each, ast.ClassDef) and is_public(each.name)}
        also = next(each.value for each in tree.body if isinstance(each, ast.Assign) and each.targets[0].id == "_ALSO")
        self.also = {key.value: [f"builtins.{each.id}" for each in value.elts] for key, value in zip(also.keys, also.values)}

    def members_of(self, name):
        return overridden_members(self.classes[name]) if name in self.classes else {}

    def new_classes(self, introspected):
        """Those that are not introspected."""
        for name, node in self.classes.items():
            if name not in introspected:
                base = ", ".join(ast.unparse(each) for each in node.bases)
                yield class_lines(name, base, first_sentence(ast.get_docstring(node)), self.members_of(name).values())

    def exceptions(self, error):
        """One per code."""
        for each in error.findall(CORE + "member"):
            name = "".join(word.capitalize() for word in each.get("name").split("_")) + "Error"
            yield class_lines(name, ", ".join(["SclError", *self.also.get(each.get("name"), [])]), doc_of(each), [])


# --- all of it ---


def stubs(gir, override):
    space = ElementTree.parse(gir).getroot().find(CORE + "namespace")
    classes = space.findall(CORE + "class")
    names = {each.get("name") for each in classes}
    yield [f"{each.get('name')}: int" for each in space.findall(CORE + "constant")]
    yield from (function(each) for each in callables(space))
    for node in space.findall(CORE + "enumeration"):
        yield enumeration(node, "GObject.GEnum")
    yield from (enumeration(each, "GObject.GFlags") for each in space.findall(CORE + "bitfield"))
    yield from override.new_classes(names)
    for node in space.findall(CORE + "enumeration"):
        if node.get(GLIB + "error-domain"):
            yield from override.exceptions(node)
    for node in classes:
        members = {**members_of(node), **override.members_of(node.get("name"))}
        body = [part for part in [constructor(node), *members.values()] if part]
        yield class_lines(node.get("name"), node.get("parent"), doc_of(node), body)


def main():
    gir, override, output = map(Path, sys.argv[1:])
    parts = ["\n".join(lines) for lines in stubs(gir, Override(override))]
    output.write_text("\n\n".join([HEAD, *parts]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
