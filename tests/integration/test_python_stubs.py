#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The type stubs tell the truth, and the installed files work from where they are."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import gi
import scltest
from scltest.gi import Scl

gi.require_version("GIRepository", "2.0")
from gi.repository import GIRepository  # noqa: E402

BUILD = Path(os.environ["SCL_BUILD_DIR"])
SOURCE = Path(os.environ["SCL_SOURCE_DIR"])
SCRIPT = """
import gi
gi.require_version("Scl", "0")
from gi.repository import Scl
import gi.overrides.Scl
with Scl.Connection.open("local:?hypervisor=memory") as conn:
    print(gi.overrides.Scl.__file__, len(conn.vms))
"""


def names_of(body):
    """name -> node of what a module or a class defines."""
    found = {}
    for node in body:
        if isinstance(node, ast.AnnAssign):
            found[node.target.id] = node
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            found[node.name] = node
    return found


class Stubs(scltest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = (BUILD / "bindings/python/Scl.pyi").read_text(encoding="utf-8")
        compile(text, "Scl.pyi", "exec")
        cls.module = names_of(ast.parse(text).body)
        cls.classes = {name: names_of(node.body) for name, node in cls.module.items() if isinstance(node, ast.ClassDef)}

    @staticmethod
    def infos(*kinds):
        repository = GIRepository.Repository.get_default()
        found = [repository.get_info("Scl", number) for number in range(repository.get_n_infos("Scl"))]
        return [info for info in found if info.get_type() in kinds]

    def methods(self):
        """(class, what introspection says of one of its functions)"""
        for info in self.infos(GIRepository.InfoType.OBJECT, GIRepository.InfoType.ENUM):
            for method in getattr(Scl, info.get_name()).__info__.get_methods():
                yield info.get_name(), method

    def test_every_callable(self):
        found = list(self.methods())
        self.assertGreater(len(found), 120)
        for name, method in found:
            self.assertIn(method.get_name(), self.classes[name], name)
        for info in self.infos(GIRepository.InfoType.FUNCTION):
            self.assertIn(info.get_name(), self.module)

    def test_every_class_property_constant(self):
        for info in self.infos(GIRepository.InfoType.CONSTANT):
            self.assertIn(info.get_name(), self.module)
        for info in self.infos(GIRepository.InfoType.OBJECT):
            members = self.classes[info.get_name()]
            for pspec in getattr(Scl, info.get_name()).__info__.get_properties():
                self.assertIn(pspec.get_name().replace("-", "_"), members, info.get_name())

    def test_every_value(self):
        for info in self.infos(GIRepository.InfoType.ENUM, GIRepository.InfoType.FLAGS):
            values = {value.get_name().upper() for value in getattr(Scl, info.get_name()).__info__.get_values()}
            self.assertLessEqual(values, set(self.classes[info.get_name()]), info.get_name())

    def test_nothing_that_is_not_there(self):
        for name, node in self.module.items():
            if name != "T":
                self.assertTrue(hasattr(Scl, name), name)
            for member in self.classes.get(name, []):
                self.assertTrue(hasattr(getattr(Scl, name), member), f"{name}.{member}")

    def test_all_that_the_override_adds(self):
        for name in gi_overrides().__all__:
            with self.subTest(name):
                public = {member for member in vars(getattr(gi_overrides(), name)) if not member.startswith("_")}
                inherited = set(self.classes["SclError"]) if name.endswith("Error") else set()
                self.assertLessEqual(public, set(self.classes[name]) | inherited)

    def test_exceptions(self):
        known = [name for name in self.classes if issubclass(getattr(Scl, name), Scl.SclError)]
        self.assertEqual(len(known), 1 + len(Scl.Error.__info__.get_values()))
        for name in known[1:]:
            bases = [ast.unparse(base).rpartition(".")[2] for base in self.module[name].bases]
            self.assertEqual(bases, [base.__name__ for base in getattr(Scl, name).__bases__])

    def test_docstrings(self):
        """Of each class and each introspected function, and not the same for all."""
        docs = [ast.get_docstring(self.classes[name][method.get_name()]) for name, method in self.methods()]
        docs += [ast.get_docstring(self.module[name]) for name in self.classes]
        self.assertTrue(all(docs))
        self.assertGreater(len(set(docs)), 100)
        self.assertEqual(ast.get_docstring(self.classes["Vm"]["name"]), ast.get_docstring(self.classes["Vm"]["get_name"]))

    def test_parameters(self):
        """As many as introspection says, without those that PyGObject returns or makes itself."""
        for name, method in self.methods():
            if method.get_name() in vars(getattr(gi_overrides(), name, object)):
                continue
            stub = self.classes[name][method.get_name()].args
            hidden = sum(each.get_direction() == GIRepository.Direction.OUT for each in method.get_arguments())
            hidden += stub.vararg is not None
            self.assertEqual(len(stub.args), len(method.get_arguments()) - hidden + method.is_method(), method.get_name())


def gi_overrides():
    return sys.modules["gi.overrides.Scl"]


class Installed(scltest.TestCase):
    def setUp(self):
        self.root = self.folder()
        subprocess.run(["cmake", "--install", str(BUILD / "bindings/python")], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DESTDIR": str(self.root)})

    def only(self, name):
        [path] = self.root.rglob(name)
        return path

    def test_files(self):
        site = self.only("gi").parent
        self.assertEqual(site.name, "dist-packages")
        self.assertEqual(sorted(str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()),
                         ["gi-stubs/repository/Scl.pyi", "gi/overrides/Scl.py"])
        self.assertEqual(self.only("small-fleet.py").parent.parts[-3:], ("doc", "scl", "examples"))
        self.assertTrue(os.access(self.only("small-fleet.py"), os.X_OK))

    def test_the_override_is_found(self):
        override = self.only("Scl.py")
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False,
                              env={**os.environ, "PYTHONPATH": str(override.parents[2])})
        self.assertEqual(done.stdout, f"{override} 0\n", done.stderr)

    def test_without_it(self):
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, env=environment)
        self.assertIn("No module named 'gi.overrides.Scl'", done.stderr)


class Folder(scltest.TestCase):
    """python-site.py"""

    def of(self, prefix):
        program = str(SOURCE / "bindings/python/python-site.py")
        return subprocess.run([sys.executable, program, prefix], capture_output=True, text=True, check=True).stdout.strip()

    def test_own_prefix_is_where_gi_is(self):
        self.assertEqual(f"{sys.prefix}/{self.of(sys.prefix)}/gi", str(Path(gi.__file__).parent))

    def test_a_prefix_that_the_interpreter_looks_into(self):
        self.assertIn(f"/usr/local/{self.of('/usr/local')}", sys.path)

    def test_any_other(self):
        self.assertEqual(self.of("/opt/scl"), self.of(sys.prefix))


if __name__ == "__main__":
    scltest.main()
