# SPDX-License-Identifier: LGPL-2.1-or-later
"""The documentation as a list of pages, their fenced blocks, headings and links."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from scltest.guest import SOURCE

# What a block of a language may be; the words stand behind the language: ```yaml manifest file=demo.yaml
KINDS = {
    "yaml": {"manifest", "wrong", "data"},
    "json": {"manifest", "wrong", "data"},
    "nix": {"nixos", "module", "option"},
    "console": {"commands"},
    "sh": set(),
    "python": {"program"},
    "c": {"program"},
    "ini": {"unit"},
}
OPTIONS = {"file", "same", "but"}
# Language in which nothing can be run.
PLAIN = {"text"}
HOSTS = {"cloud", "tiny", "simulated"}
# Pages whose text is made or owned elsewhere: what their blocks are, by language.
ELSEWHERE = {
    "doc/python.md": {"python": "program"},
    "doc/api/overview.md": {"python": "program"},
    "doc/options.md": {"nix": "option"},
    "doc/nix-anywhere.md": {"nix": "nixos", "console": "not run: tests/integration/test_scl_nix_sclctl.py runs each of them"},
}
FENCE = re.compile(r"^(`{3,})([^`\n]*)$")
COMMENT = re.compile(r"^<!-- (not run|host|before): (.+?) -->$")
LINK = re.compile(r"(?<!`)!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^()\s]+)\)")


@dataclass
class Block:
    page: str
    line: int
    language: str
    words: list
    text: str
    heading: str = ""
    reason: str = ""
    before: str = ""
    kind: str = ""
    options: dict = field(default_factory=dict)

    @property
    def place(self):
        return f"{self.page}:{self.line}"

    def settle(self):
        """Kind and options from the words, or from what ELSEWHERE says of the page."""
        self.options = dict(word.split("=", 1) for word in self.words if "=" in word)
        kinds = [word for word in self.words if "=" not in word]
        self.kind = " ".join(kinds)
        if self.language == "console" and not kinds:
            self.kind = "commands"
        known = ELSEWHERE.get(self.page, {}).get(self.language)
        if known and not self.words:
            self.reason, self.kind = (known.removeprefix("not run: "), "") if known.startswith("not run") else ("", known)
        return self

    def finding(self, host):
        """What is wrong with how it is marked; None if nothing is."""
        if self.reason or self.language in PLAIN:
            return None
        if self.language not in KINDS:
            return f"{self.place}: a block of language \"{self.language}\": say {', '.join([*KINDS, *PLAIN])}"
        if self.kind not in KINDS[self.language] or set(self.options) - OPTIONS:
            return f"{self.place}: {self.language} {' '.join(self.words)}: not a kind that the tests know"
        if self.kind == "commands" and host not in HOSTS:
            return f"{self.place}: commands, but the page says no <!-- host: … -->"
        return None


@dataclass
class Page:
    name: str
    text: str
    blocks: list = field(default_factory=list)
    headings: list = field(default_factory=list)
    prose: list = field(default_factory=list)
    host: str = ""

    def links(self):
        """(line, target) of every link in the prose; its text may go over the end of a line."""
        text = "\n".join(line for _, line in self.prose)
        return [(self.prose[text.count("\n", 0, match.end())][0], match[1]) for match in LINK.finditer(text)]

    def anchors(self):
        """As GitHub makes them: lower case, no punctuation, hyphens for spaces, numbers for repetitions."""
        found, result = {}, set()
        for heading in self.headings:
            text = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
            count = found.get(text, 0)
            found[text] = count + 1
            result.add(f"{text}-{count}" if count else text)
        return result | set(re.findall(r'<a (?:id|name)="([^"]+)"', self.text))


class Parser:
    """One pass over the lines: in a fence or not."""

    def __init__(self, name, text):
        self.page = Page(name, text)
        self.block = None
        self.fence = ""
        self.said = {}

    def parse(self):
        for number, line in enumerate(self.page.text.splitlines(), 1):
            if self.block is None:
                self.outside(number, line)
            else:
                self.inside(line)
        if self.block is not None:
            raise AssertionError(f"{self.block.place}: the block has no end")
        return self.page

    def outside(self, number, line):
        if match := FENCE.match(line):
            language, *words = match[2].split() or [""]
            heading = self.page.headings[-1] if self.page.headings else ""
            self.block = Block(self.page.name, number, language, words, "", heading, self.said.get("not run", ""),
                               self.said.get("before", ""))
            self.fence = match[1]
        elif match := COMMENT.match(line):
            self.comment(*match.groups())
            return
        elif line.startswith("#"):
            self.page.headings.append(line.lstrip("#").strip())
        self.page.prose.append((number, line))
        self.said = {}

    def comment(self, what, said):
        if what == "host":
            self.page.host = said
        else:
            self.said[what] = said

    def inside(self, line):
        if line == self.fence:
            self.page.blocks.append(self.block.settle())
            self.block = None
        else:
            self.block.text += line + "\n"


def parse(name, text):
    return Parser(name, text).parse()


def names():
    found = sorted(str(path.relative_to(SOURCE)) for path in (SOURCE / "doc").rglob("*.md"))
    return ["README.md", *found]


def page(name):
    return parse(name, (SOURCE / name).read_text(encoding="utf-8"))


def pages():
    return [page(name) for name in names()]


def blocks(*languages):
    """All blocks of these languages that are to be tried."""
    return [block for one in pages() for block in one.blocks if block.language in languages and not block.reason]


def target_of(name, link):
    """(page or file, anchor) of a relative link; None for one that leaves the tree."""
    if re.match(r"[a-z]+:", link):
        return None
    path, _, anchor = link.partition("#")
    if not path:
        return name, anchor
    return str((SOURCE / name).parent.joinpath(path).resolve().relative_to(Path(SOURCE).resolve())), anchor
