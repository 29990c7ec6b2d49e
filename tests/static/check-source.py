#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Form of the C sources: what a formatter and a compiler do not keep."""

import re
import unittest

import scltest
from sources import SOURCE, c_files, code, files, functions, line_of, text

LINES_MAX = 600
BODY_MAX = 60
ALL = ("libscl", "include", "tools", "bindings", "tests")
# A generated or frozen file: name -> why it may be longer.
LONG = {}
# Exported functions whose file has another name: the prefix is the type's, the file is a part of it.
PARTS = {"scl-version": "scl_version", "scl-error": "scl_error", "scl-manifest-check": "scl_manifest",
         "scl-manifest-loader": "scl_manifest", "scl-writer": "scl_manifest", "scl-schema-json": "scl_manifest",
         "scl-vm-actions": "scl_vm", "scl-vm-spec-text": "scl_vm_spec", "scl-operation-wait": "scl_operation", "scl-connection-async": "scl_connection",
         "scl-connection-refresh": "scl_connection", "scl-throw": "scl_", "scl-fd": "scl_fd"}
SPDX = {".c": "/* SPDX-License-Identifier: LGPL-2.1-or-later */", ".h": "/* SPDX-License-Identifier: LGPL-2.1-or-later */",
        ".py": "# SPDX-License-Identifier: LGPL-2.1-or-later", ".cmake": "# SPDX-License-Identifier: LGPL-2.1-or-later"}
SCRIPT = re.compile(r"\A#!.*\b(bash|sh|python3)\b")
# What no code of ours calls, and what it should call.
BANNED = {"sleep": "wait for the event", "usleep": "wait for the event", "nanosleep": "wait for the event",
          "g_usleep": "wait for the event", "system": "_scl_run", "popen": "_scl_run", "g_spawn_command_line_sync": "_scl_run",
          "g_spawn_command_line_async": "_scl_run", "strcpy": "g_strdup", "sprintf": "g_strdup_printf", "gets": "read",
          "atoi": "g_ascii_string_to_unsigned", "virEventRegisterDefaultImpl": "our own event implementation"}
# The one caller that may: (file, function).
MAY = set()
# Exit status 75, which scripts repeat: where the lock of an instance is waited for.
BUSY = {"libscl/engine/scl-instance-lock.c", "libscl/engine/scl-engine-queue.c"}
THROW = re.compile(r'\b(scl_throw|scl_null_throw)\s*\(\s*error\s*,\s*\w+\s*,\s*("(?:\\.|[^"\\])*")'
                   r'|\b(scl_throw_errno|scl_null_throw_errno)\s*\(\s*error\s*,\s*\w+\s*,\s*("(?:\\.|[^"\\])*")')
UNQUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*\b(?:network|volume|VM) %s')
# Words that are written as they are, wherever they stand.
PROPER = {"KVM", "TCG", "QEMU", "UEFI", "BIOS", "OVMF", "ISO", "MAC", "IP", "IPv4", "IPv6", "DHCP", "DNS", "SCL", "SCL's", "NAT",
          "VM", "VMs", "XML", "JSON", "YAML", "UTF-8", "URI", "Ctrl-C", "NoCloud", "Linux", "Docker", "Debian"}


def sources():
    return c_files(*ALL)


def first_line(name):
    lines = text(name).split("\n")
    return lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]


def spdx_findings():
    found = []
    for name in files():
        if name.startswith("tests/fuzz/corpus/") or name.startswith("tests/data/"):
            continue
        suffix = name[name.rfind("."):] if "." in name.rpartition("/")[2] else ""
        if suffix in SPDX and not first_line(name).startswith(SPDX[suffix].removesuffix(" */")):
            found.append(f"{name}:1: the first line is not the licence")
        elif suffix not in SPDX and is_script(name) and "SPDX-License-Identifier: LGPL-2.1-or-later" not in first_line(name):
            found.append(f"{name}:2: the line below #! is not the licence")
    return found


def is_script(name):
    with open(SOURCE / name, "rb") as file:
        return bool(SCRIPT.match(file.readline(200).decode(errors="replace")))


def pragma_findings():
    return [f"{name}: no #pragma once" for name in sources() if name.endswith(".h") and "\n#pragma once\n" not in text(name)]


def matches(names, pattern, what, where=code):
    found = []
    for name in names:
        content = where(name)
        found += [f"{name}:{line_of(content, match.start())}: {what}" for match in pattern.finditer(content)]
    return found


def comment_findings():
    """// comments: outside of strings and of /* */."""
    token = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(//)', re.S)
    return [f"{name}:{line_of(text(name), match.start())}: // comment" for name in sources()
            for match in token.finditer(text(name)) if match[1]]


def length_findings():
    return [f"{name}: {n} lines (limit {LINES_MAX})" for name in sources()
            if (n := text(name).count("\n")) > LONG.get(name, LINES_MAX)]


def body_findings():
    return [f"{name}:{line}: {function} has a body of {length} lines (limit {BODY_MAX})" for name in sources()
            for function, line, length, _ in functions(name) if length > BODY_MAX]


def banned_findings():
    found = []
    for name in c_files("libscl", "tools"):
        content = code(name)
        for match in re.finditer(r"(?<![\w.>])(\w+) \(", content):
            if match[1] in BANNED and (name, match[1]) not in MAY:
                found.append(f"{name}:{line_of(content, match.start())}: {match[1]} (): {BANNED[match[1]]}")
    return found


def busy_findings():
    """Whatever else is in the way may stay there, and whoever repeats the command would do so for ever."""
    names = [name for name in c_files("libscl") if name.endswith(".c") and name not in BUSY]
    return matches(names, re.compile(r"\bSCL_ERROR_BUSY\b"), "only the lock of an instance is busy: IN_USE or TIMEOUT")


def prefix_of(name):
    stem = name.rpartition("/")[2].removesuffix(".c")
    return PARTS.get(stem, stem.replace("-", "_"))


def name_findings():
    """Not static: carries the library's prefix; exported: the file's."""
    found = []
    for name in c_files("libscl"):
        if not name.endswith(".c"):
            continue
        for function, line, _, static in functions(name):
            if static:
                continue
            if not function.startswith(("scl_", "_scl_")):
                found.append(f"{name}:{line}: {function} is not static and has no prefix")
            elif function in exported() and not function.startswith(prefix_of(name)):
                found.append(f"{name}:{line}: {function} does not carry the prefix {prefix_of(name)} of its file")
    return found


def exported():
    return set(re.findall(r"^  (scl_\w+);", text("libscl/libscl.map"), re.M))


def declared():
    """Functions of the public headers: name -> whether it returns something."""
    found = {}
    for name in [*c_files("include"), "include/scl/scl-version.h.in"]:
        for match in re.finditer(r"SCL_PUBLIC\s+([\w \t\n]*?[\s*]+(?:const \*)?)(scl_\w+) \(", code(name)):
            found[match[2]] = match[1].split() != ["void"]
    return found


def doc_blocks():
    """function -> (file, line, block) of every doc block in libscl."""
    found = {}
    for name in c_files("libscl", "include"):
        for match in re.finditer(r"/\*\*\n \* (scl_\w+):.*?\*/", text(name), re.S):
            found[match[1]] = (name, line_of(text(name), match.start()), match[0])
    return found


def doc_findings():
    found = []
    blocks = doc_blocks()
    for function, returns in sorted(declared().items()):
        if function not in blocks:
            found.append(f"{function}: exported without a doc block")
            continue
        name, line, block = blocks[function]
        if not re.search(r"^ \* Since: \d+\.\d+$", block, re.M):
            found.append(f"{name}:{line}: {function}: no Since:")
        if returns != bool(re.search(r"^ \* Returns:", block, re.M)):
            found.append(f"{name}:{line}: {function}: {'no Returns:' if returns else 'Returns: of a function without a result'}")
    return found


def message_finding(message):
    words = message.split()
    if message.endswith(".") and not message.endswith("…"):
        return "ends with a full stop"
    if message.endswith(("\n", "\\n", "!")):
        return "ends with a newline or an exclamation mark"
    if words and words[0][0].isupper() and words[0].rstrip(":,") not in PROPER:
        return "begins with an upper-case letter"
    return None


def message_findings():
    found = []
    for name in c_files("libscl"):
        content = code(name, True)
        for match in THROW.finditer(content):
            wrong = message_finding(whole_message(content, match.start(2) if match[2] else match.start(4)))
            if wrong:
                found.append(f"{name}:{line_of(content, match.start())}: the message {wrong}")
    return found


def unquoted_findings():
    """Names in quotes: where a message goes up, it is seen by them that it names its object already."""
    return matches(c_files("libscl"), UNQUOTED, "the name of an object without quotes", text)


def whole_message(content, at):
    """The literals that follow each other from AT on, as one text."""
    parts = re.compile(r'\s*(?:"((?:\\.|[^"\\])*)"|(G_G\w+))')
    message = ""
    while match := parts.match(content, at):
        message += match[1] or "0"
        at = match.end()
    return message


class Form(scltest.TestCase):
    def check(self, findings):
        self.assertFalse(findings, "\n" + "\n".join(findings))

    def test_licence_line(self):
        self.check(spdx_findings())

    def test_headers_have_pragma_once(self):
        self.check(pragma_findings())

    def test_no_goto(self):
        self.check(matches(sources(), re.compile(r"\bgoto\b"), "goto"))

    def test_no_cpp_comments(self):
        self.check(comment_findings())

    def test_no_tabs_or_trailing_blanks(self):
        self.check(matches(sources(), re.compile(r"\t|[ ]+$", re.M), "a tab or a trailing blank", text))

    def test_files_are_short(self):
        self.check(length_findings())

    def test_bodies_are_short(self):
        self.check(body_findings())

    def test_banned_functions(self):
        self.check(banned_findings())

    def test_names(self):
        self.check(name_findings())

    def test_documented(self):
        self.check(doc_findings())

    def test_messages(self):
        self.check(message_findings())

    def test_only_the_instance_is_busy(self):
        self.check(busy_findings())
        self.assertTrue(all("SCL_ERROR_BUSY" in code(name) for name in BUSY))

    def test_names_in_messages_are_quoted(self):
        self.check(unquoted_findings())


class Sees(unittest.TestCase):
    """The rules catch what they are for; a tree without findings proves nothing about them."""

    def test_functions_are_found(self):
        found = {function for name in c_files("libscl") for function, _, _, _ in functions(name)}
        self.assertGreater(len(found), 700)
        self.assertTrue({"scl_throw", "check_name", "_scl_planner_plan", "scl_vm_get_property"} <= found)

    def test_declarations_are_found(self):
        missing = exported() - set(declared()) - {name for name in exported() if name.endswith("_get_type")}
        self.assertFalse(missing)
        self.assertFalse(declared()["scl_operation_cancel"])
        self.assertTrue(declared()["scl_vm_get_pending"])

    def test_messages_are_found(self):
        count = sum(len(THROW.findall(code(name, True))) for name in c_files("libscl"))
        self.assertGreater(count, 150)

    def test_wrong_messages(self):
        self.assertTrue(message_finding("Cannot open"))
        self.assertTrue(message_finding("cannot open."))
        self.assertFalse(message_finding("KVM is not there"))
        self.assertFalse(message_finding("%s: cannot open"))

    def test_unquoted_names(self):
        self.assertTrue(UNQUOTED.search(r'"network %s: link"'))
        self.assertTrue(UNQUOTED.search(r'"a \"%s\" of VM %s"'))
        self.assertFalse(UNQUOTED.search(r'"network \"%s\": VM \"%s\""'))

    def test_a_call_in_a_comment_is_none(self):
        self.assertEqual(re.sub(r"\s", "", code("libscl/base/scl-version.c"))[:8], "#include")


if __name__ == "__main__":
    scltest.main()
