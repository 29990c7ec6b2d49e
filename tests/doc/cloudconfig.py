# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of YAML as the pages use: maps, lists, texts, numbers, true, false, null. libscl and cloud-init read the rest of it."""

import json
import re

KEY = re.compile(r"^([A-Za-z0-9_.*-]+):(?: +(.*))?$")


def scalar(text):
    if text.startswith(("[", "{")):
        return flow(text)
    if text.startswith('"'):
        return json.loads(text)
    return {"true": True, "false": False, "null": None}.get(text, int(text) if text.isdigit() else text)


def flow(text):
    """A list or map in one line; its words need no quotes as long as they have no comma in them."""
    inner = [part.strip() for part in text[1:-1].split(",") if part.strip()]
    if text.startswith("["):
        return [scalar(part) for part in inner]
    return {key.strip(): scalar(value.strip()) for key, value in (part.split(":", 1) for part in inner)}


def lines_of(text):
    """(indentation, text) without comments and empty lines."""
    found = []
    for line in text.splitlines():
        content = re.sub(r"(^|\s)#.*$", "", line).rstrip()
        if content:
            found.append((len(content) - len(content.lstrip()), content.lstrip()))
    return found


def value(lines, indent):
    if lines[0][1].startswith("- "):
        return items(lines, indent)
    return mapping(lines, indent)


def mapping(lines, indent):
    result = {}
    while lines and lines[0][0] == indent and not lines[0][1].startswith("- "):
        match = KEY.match(lines[0][1])
        if match is None:
            raise ValueError(f"not understood: {lines[0][1]}")
        lines.pop(0)
        nested = lines and (lines[0][0] > indent or (lines[0][0] == indent and lines[0][1].startswith("- ")))
        result[match[1]] = scalar(match[2]) if match[2] else value(lines, lines[0][0]) if nested else None
    return result


def items(lines, indent):
    result = []
    while lines and lines[0][0] == indent and lines[0][1].startswith("- "):
        text = lines.pop(0)[1][2:]
        if KEY.match(text):
            lines.insert(0, (indent + 2, text))
            result.append(mapping(lines, indent + 2))
        else:
            result.append(scalar(text))
    return result


def read(text):
    if text.lstrip().startswith("{"):
        return json.loads(text)
    lines = lines_of(text)
    result = value(lines, 0)
    if lines:
        raise ValueError(f"not understood: {lines[0][1]}")
    return result
