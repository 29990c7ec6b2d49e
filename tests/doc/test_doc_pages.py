#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages as text: every block is marked, every link leads somewhere, every page is found."""

import re
import shlex
import subprocess
import unittest

import scltest
from scltest.guest import SOURCE
from scltest.sclctl import program

import cloudconfig
import pages
import transcript

LINE_MAX = 140
# How many blocks may stay unrun; each says why.
UNRUN_MAX = 16
# Their owners keep their own lines.
WIDE = {"doc/options.md", "doc/manifest.md", "doc/python.md", "doc/nix-anywhere.md", "doc/json.md", "doc/benchmarks.md"}
# Options with a value behind them.
VALUED = {"-o", "-c", "-f", "--timeout"}
NOUNS = {"vm", "network", "volume", "sc"}
# Tables, pictures, addresses, and comments, which nobody sees.
NARROW = re.compile(r"^\||^<!-- |^!?\[.*\]\(\S+\)|^\S+$")
INLINE = re.compile(r"`(?:sudo )?(sclctl [^`]*)`")


def marking_findings():
    return [finding for page in pages.pages() for block in page.blocks if (finding := block.finding(page.host))]


def link_findings():
    found = []
    for page in pages.pages():
        for line, link in page.links():
            target = pages.target_of(page.name, link)
            if target and not leads(*target):
                found.append(f"{page.name}:{line}: {link} leads nowhere")
    return found


def leads(path, anchor):
    if not (SOURCE / path).exists():
        return False
    return not anchor or (path.endswith(".md") and anchor in pages.page(path).anchors())


def reached(name, seen):
    seen.add(name)
    for _, link in pages.page(name).links():
        target = pages.target_of(name, link)
        if target and target[0].endswith(".md") and target[0] not in seen and (SOURCE / target[0]).is_file():
            reached(target[0], seen)
    return seen


def long_lines():
    return [f"{page.name}:{number}: {len(line)} characters" for page in pages.pages() if page.name not in WIDE
            and not page.name.startswith("doc/design/")
            for number, line in enumerate(page.text.splitlines(), 1)
            if len(line) > LINE_MAX and not NARROW.match(line) and not transcript_line(page, number)]


def transcript_line(page, number):
    """What a program prints is as long as it is."""
    return any(block.language in ("console", "text") and block.line < number <= block.line + block.text.count("\n")
               for block in page.blocks)


def inline_commands():
    """(page, words) of each command of sclctl that stands in the text."""
    for page in pages.pages():
        for _, line in page.prose:
            for match in INLINE.finditer(line):
                yield page.name, shlex.split(match[1].replace("…", ""))[1:]


def help_of(*words):
    done = subprocess.run([program(), *words, "--help"], capture_output=True, text=True, timeout=scltest.bound(30), check=False)
    return done.stdout if done.returncode == 0 else None


def helps(words):
    """Whether --help knows the command and all its options."""
    names = [word for before, word in zip(["", *words], words) if not word.startswith("-") and before not in VALUED]
    count = 2 if names[:1] and names[0] in NOUNS else min(1, len(names))
    text = help_of(*names[:count]) if len(names) >= count else None
    return text is not None and all(re.search(rf"{re.escape(word.split('=')[0])}\b", text + help_of())
                                    for word in words if word.startswith("--"))


class Pages(scltest.TestCase):
    def test_every_block_is_marked(self):
        self.assertEqual([], marking_findings())

    def test_few_blocks_stay_unrun(self):
        unrun = [f"{block.place}: {block.reason}" for page in pages.pages() for block in page.blocks if block.reason]
        for line in unrun:
            print(f"# not run: {line}")
        self.assertLessEqual(len(unrun), UNRUN_MAX)

    def test_no_block_by_indentation(self):
        for page in pages.pages():
            if page.name.startswith(("doc/guide", "doc/how-to")) or page.name == "README.md":
                self.assertEqual([], [f"{page.name}:{n}" for n, line in page.prose if line.startswith("    ")])

    def test_links(self):
        self.assertEqual([], link_findings())

    def test_every_page_is_reached_from_the_index(self):
        self.assertEqual([], sorted(set(pages.names()) - reached("doc/README.md", set())))

    def test_lines(self):
        self.assertEqual([], long_lines())

    def test_inline_commands_exist(self):
        commands = list(inline_commands())
        self.assertGreater(len(commands), 20)
        self.assertEqual([], [f"{name}: {' '.join(words)}" for name, words in commands if not helps(words)])

    def test_pictures_have_words(self):
        for page in pages.pages():
            self.assertEqual([], re.findall(r"!\[\s*\]\(.*?\)", page.text), page.name)

    def test_what_is_said_of_other_owners_pages(self):
        self.assertEqual([], [name for name in pages.ELSEWHERE if not (SOURCE / name).is_file()])


class Sees(unittest.TestCase):
    """The rules find what they are for."""

    def block(self, fence, host=""):
        page = pages.parse("x.md", f"{host}\n{fence}\ntext\n```\n")
        return page.blocks[0].finding(page.host)

    def test_marks(self):
        for fence in ("```yaml", "```yaml manifests", "```nix", "```ruby", "```", "```c", "```sh", "```yaml manifest fiel=x"):
            self.assertIsNotNone(self.block(fence), fence)
        self.assertIn("host", self.block("```console"))
        for fence in ("```yaml manifest file=x same=y", "```text", "```nix module"):
            self.assertIsNone(self.block(fence), fence)
        self.assertIsNone(self.block("```console", "<!-- host: tiny -->"))
        self.assertIsNone(self.block("```ruby", "<!-- not run: no ruby -->"))

    def test_anchors(self):
        page = pages.parse("x.md", "# A `b` c!\n## Same\n## Same\n")
        self.assertEqual(page.anchors(), {"a-b-c", "same", "same-1"})
        self.assertEqual(pages.parse("x.md", "[a\nb](c.md)\n").links(), [(2, "c.md")])
        self.assertEqual(pages.parse("x.md", "see [a](b.md#c) and ![d](e.svg)\n").links(), [(1, "b.md#c"), (1, "e.svg")])
        self.assertFalse(leads("README.md", "no-such-heading"))

    def test_transcripts(self):
        page = pages.parse("x.md", "```console\n$ one  # status 2\nA  …  B\n…\nend\n$ two \\\n>   more\n```\n")
        first, second = transcript.commands(page.blocks[0])
        self.assertEqual((first.status, second.text), (2, "two \\\n  more"))
        self.assertIsNone(first.finding(2, "A  x  B\nfoo\nbar\nend\n"))
        self.assertIsNotNone(first.finding(0, "A  x  B\nend\n"))
        self.assertIsNotNone(first.finding(2, "A  x  C\nend\n"))
        self.assertIsNotNone(second.finding(0, "something"))

    def test_inline_commands(self):
        self.assertTrue(helps(["vm", "stop", "--force", "demo"]))
        self.assertFalse(helps(["vm", "rebuild", "demo"]))
        self.assertFalse(helps(["vm", "stop", "--gently"]))

    def test_cloud_config(self):
        text = "a:\n  b: true   # c\nd:\n- 1\n- x: y\n  z: [1, w]\n"
        self.assertEqual(cloudconfig.read(text), {"a": {"b": True}, "d": [1, {"x": "y", "z": [1, "w"]}]})


if __name__ == "__main__":
    scltest.main()
