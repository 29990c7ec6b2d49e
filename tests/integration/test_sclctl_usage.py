# SPDX-License-Identifier: LGPL-2.1-or-later
"""sclctl's command line: parsing, help, suggestions, exit codes, completion files, man pages."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import scltest
from scltest.guest import SOURCE
from scltest.sclctl import program

COMMANDS = ["run", "apply", "plan", "validate", "status", "console NAME", "schema", "completion SHELL",
            "vm list", "vm show NAME", "vm start NAME…", "vm stop [NAME…]", "vm restart [NAME…]", "vm delete NAME…",
            "vm logs NAME", "vm console NAME", "vm attach NAME", "network list", "network show NAME", "network delete NAME…",
            "volume list", "volume show NAME", "volume create NAME", "volume adopt NAME", "volume delete NAME…", "volume prune"]


def call(*words, stdin="", **environment):
    clean = {key: value for key, value in os.environ.items() if key not in ("SCL_URI", "NO_COLOR")}
    return subprocess.run([program(), *words], input=stdin, capture_output=True, text=True, timeout=scltest.bound(30), check=False,
                          env={**clean, "G_DEBUG": "fatal-criticals", "LC_ALL": "C.UTF-8", **environment})


class Usage(scltest.TestCase):
    def refuse(self, words, message):
        """Status 64, nothing on stdout, exactly this one line on stderr."""
        done = call(*words)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (64, "", f"sclctl: {message}\n"), words)

    def test_misspelt(self):
        self.refuse(["aply"], 'unknown command "aply"; did you mean "apply"?')
        self.refuse(["vm", "strat", "x"], 'unknown command "vm strat"; did you mean "vm start"?')
        self.refuse(["list", "vm"], 'unknown command "list"; did you mean "vm list"?')
        self.refuse(["frobnicate"], 'unknown command "frobnicate"; see "sclctl --help"')
        self.refuse(["vm", "frobnicate"], 'unknown command "vm frobnicate"; see "sclctl vm --help"')
        self.refuse(["apply", "--prnue"], "apply: unknown option --prnue; did you mean --prune?")
        self.refuse(["vm", "list", "--prune"], 'vm list: unknown option --prune; see "sclctl vm list --help"')
        self.refuse(["-x", "status"], 'status: unknown option -x; see "sclctl status --help"')

    def test_values(self):
        self.refuse(["status", "--output"], "option --output needs a value")
        self.refuse(["status", "-o", "xml"], "--output xml: it is table, json or, of lists, name")
        self.refuse(["vm", "list", "-o", "yaml"], "--output yaml: give json, which programs that read YAML read, too")
        self.refuse(["vm", "list", "-o", "wide"], '--output wide: the table has all columns; "show NAME" and json have more')
        self.refuse(["status", "-o", "name"], '--output name: only lists have it, such as "vm list"')
        self.refuse(["status", "--timeout", "soon"], "--timeout soon: not a number of seconds from 0 to 86400")
        self.refuse(["status", "--timeout=-1"], "--timeout -1: not a number of seconds from 0 to 86400")
        self.refuse(["status", "--quiet=yes"], "option --quiet takes no value")
        self.refuse(["run", "-f", "/dev/null", "--ready-fd", "77"], "--ready-fd 77: not an open file descriptor")

    def test_arguments(self):
        self.refuse(["vm", "start"], 'vm start: NAME… is missing; see "sclctl vm start --help"')
        self.refuse(["vm", "show", "a", "b"], 'vm show: "b" is one argument too many')
        self.refuse(["status", "x"], 'status: "x" is one argument too many')
        self.refuse(["completion", "csh"], "completion csh: it is bash, zsh or fish")
        for verb in ("apply", "plan", "validate", "run"):
            self.refuse([verb], "which manifest? give -f FILE, a folder, or - for stdin")
        self.refuse(["volume", "adopt", "demo"],
                    "volume adopt needs --from INSTANCE: the prefix of the instance whose the volume is")
        self.refuse(["volume", "adopt", "--from", "scl"], 'volume adopt: NAME is missing; see "sclctl volume adopt --help"')

        for verb in ("apply", "plan", "validate", "run"):
            self.refuse([verb, "x.yaml"], f'{verb}: a manifest is given with -f: "sclctl {verb} -f x.yaml"')

    def test_words_of_other_programs(self):
        self.refuse(["ps"], 'unknown command "ps"; did you mean "vm list"?')
        self.refuse(["version"], 'unknown command "version"; did you mean "--version"?')
        self.refuse(["network", "inspect", "x"], 'unknown command "network inspect"; did you mean "network show"?')
        self.refuse(["list", "vms"], 'unknown command "list"; did you mean "vm list"?')
        self.refuse(["start", "vm", "x"], 'unknown command "start"; did you mean "vm start"?')

    def test_every_such_word_is_answered_with_what_exists(self):
        alone = "ps ls rm inspect describe log top edit ssh exec version info up down get create delete reboot destroy diff"
        words = [[word] for word in alone.split()]
        words += [["vm", word] for word in "ps inspect top edit ssh exec info up down get reboot destroy".split()]
        words += [[noun, word] for noun in ("network", "volume") for word in ("inspect", "remove", "edit")]
        commands = set()
        for asked in words:
            done = call(*asked, "x")
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (64, "", 1), asked)
            self.assertNotIn("--help", done.stderr, asked)
            meant = re.findall(r'"(?:sclctl )?([^"]+)"', done.stderr)[1:]
            self.assertTrue(meant, done.stderr)
            commands.update(meant)
        for command in commands - {"virsh domstats"}:
            path = [word for word in command.split() if word.islower() and not word.startswith("-")]
            self.assertEqual(call(*path, "--help").returncode, 0, command)

    def test_nothing_to_do(self):
        for words in ([], ["vm"], ["sc"]):
            done = call(*words)
            self.assertEqual((done.returncode, done.stdout), (64, ""))
            self.assertIn("Usage: sclctl", done.stderr)

    def test_options_anywhere(self):
        uri = "local:?hypervisor=memory"
        for words in (["-qc", uri, "vm", "list"], ["vm", f"-c{uri}", "list", "-q"],
                      [f"--connect={uri}", "vm", "list", "--quiet"], ["-c", "local:?wrong=1", "vm", "list", "-qc", uri]):
            done = call(*words)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), words)
        done = call("-c", uri, "vm", "show", "--", "-q")
        self.assertEqual(done.returncode, 1)
        self.assertIn('VM "-q"', done.stderr)

    def test_uri_from_environment(self):
        self.assertEqual(call("vm", "list", "-q", SCL_URI="local:?hypervisor=memory").returncode, 0)
        done = call("vm", "list", SCL_URI="local:?hypervisor=memory&prefix=NOT")
        self.assertEqual(done.returncode, 1)
        self.assertIn("NOT", done.stderr)

    def test_prefix_that_nft_cannot_take(self):
        done = call("vm", "list", SCL_URI="local:?hypervisor=memory&prefix=log")
        self.assertEqual((done.returncode, done.stderr), (1, 'sclctl: prefix "log" is a word of nft, which takes no table '
                                                             'of that name: choose another, "log1" for example\n'))
        self.assertEqual(call("vm", "list", "-q", SCL_URI="local:?hypervisor=memory&prefix=log1").returncode, 0)

    def test_version(self):
        done = call("--version")
        self.assertRegex(done.stdout, r"^sclctl \d+\.\d+\.\d+\n$")
        self.assertEqual(done.returncode, 0)

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([program(), "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=scltest.bound(30),
                                  check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (1, "sclctl: cannot write the result: No space left on device\n"))

    def test_not_root(self):
        scltest.require(os.geteuid() == 0 and shutil.which("setpriv"), "root and setpriv")
        state = self.folder()
        for words in (["status"], ["-c", "local:?hypervisor=qemu:///embed", "vm", "list"],
                      ["-c", f"local:?state={state}/new", "plan", "-f", "-"]):
            done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", program(), *words], text=True,
                                  input="version: 1\n", capture_output=True, timeout=scltest.bound(30), check=False)
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (1, "", 1), done.stderr)
            self.assertIn("needs root", done.stderr)
        self.assertFalse((state / "new").exists())


class Help(scltest.TestCase):
    def test_every_command(self):
        overview = call("--help").stdout
        for command in COMMANDS:
            path = [word for word in command.split() if word.islower()]
            done = call(*path, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), command)
            self.assertIn(f"sclctl {' '.join(path)}", done.stdout)
            self.assertIn("Examples:\n", done.stdout)
            self.assertIn("--connect URI", done.stdout)
            self.assertEqual(call("help", *path).stdout, done.stdout)
            self.assertLessEqual(max(map(len, done.stdout.splitlines())), 90, command)
            inner = overview if len(path) == 1 else call(path[0], "--help").stdout
            words = command.removeprefix(path[0] + " ") if len(path) > 1 else command
            self.assertRegex(inner, rf"(?m)^  {re.escape(words)}  ")

    def test_no_command_is_forgotten(self):
        listed = set()
        for words in ([], ["vm"], ["network"], ["volume"]):
            section = call(*words, "--help").stdout.split("Commands:\n", 1)[1].split("\n\n", 1)[0]
            for line in section.splitlines():
                if line.startswith("  ") and line[2] != " ":
                    listed.add(" ".join([*words, line[2:].split("  ")[0]]))
        self.assertEqual(listed, set(COMMANDS))

    def test_what_a_command_needs_is_no_option_in_its_usage(self):
        for command, needed in (("volume adopt", "--from INSTANCE"), ("volume create", "--from-image"), ("apply", "-f FILE"),
                                ("plan", "-f FILE"), ("validate", "-f FILE"), ("run", "-f FILE")):
            usage = " ".join(call(*command.split(), "--help").stdout.split("Usage:\n")[1].split("\n\n")[0].split())
            self.assertIn(f"sclctl {command} {needed}", usage)
            # And it is so: nothing is done without it.
            words = ["x"] if command.startswith("volume") else []
            self.assertEqual(call("-c", "local:?hypervisor=memory", *command.split(), *words).returncode, 64, command)

    def test_alias(self):
        self.assertEqual(call("sc", "list", "--help").stdout, call("network", "list", "--help").stdout)

    def test_alias_of_command(self):
        for alias, command in (("vm ls", "vm list"), ("sc rm", "network delete"), ("volume rm", "volume delete"),
                               ("logs", "vm logs"), ("start", "vm start"), ("stop", "vm stop"), ("restart", "vm restart")):
            text = call(*alias.split(), "--help").stdout
            self.assertEqual(text, call(*command.split(), "--help").stdout)
            self.assertIn(f"sclctl {alias.replace('sc', 'network')} … is the same.\n", text)
        for words in (["stop", "x"], ["vm", "rm", "x"], ["logs", "x"]):
            done = call("-c", "local:?hypervisor=memory", *words)
            self.assertEqual((done.returncode, done.stderr),
                             (1, "sclctl: VM \"x\": there is none; \"sclctl -c 'local:?hypervisor=memory' vm list\" shows what there is\n"), words)


def cut(line):
    """COMP_WORDS, which bash cuts at more than blanks (COMP_WORDBREAKS), but not within quotes."""
    parts = re.findall(r"(?:'[^']*'|\"[^\"]*\"|[^\s:=&'\"])+|[:=&]+", line)
    return [*parts, ""] if line.endswith(" ") else parts


class Completion(scltest.TestCase):
    FILES = {"bash": "sclctl.bash", "zsh": "_sclctl", "fish": "sclctl.fish"}

    def test_files_are_up_to_date(self):
        for shell, name in self.FILES.items():
            wanted = (SOURCE / "tools/completion" / name).read_text(encoding="utf-8")
            self.assertEqual(call("completion", shell).stdout, wanted, f"sclctl completion {shell} > tools/completion/{name}")

    def syntax(self, shell):
        scltest.require(shutil.which(shell), shell)
        done = subprocess.run([shell, "-n", SOURCE / "tools/completion" / self.FILES[shell]], capture_output=True,
                              text=True, timeout=scltest.bound(30), check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_bash_syntax(self):
        self.syntax("bash")

    def test_zsh_syntax(self):
        self.syntax("zsh")

    def test_fish_syntax(self):
        self.syntax("fish")

    def complete(self, *words, folder=None):
        """What bash offers for the last word; sclctl is that of `folder`."""
        line = " ".join(["sclctl", *words])
        script = (f"source {SOURCE}/tools/completion/sclctl.bash; COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}; "
                  f"COMP_WORDS=({shlex.join(cut(line))}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
                  "_sclctl; printf '%s\\n' \"${COMPREPLY[@]}\"")
        path = f"{folder or Path(program()).parent}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=scltest.bound(30), check=True,
                              env={**os.environ, "PATH": path, "SCL_URI": "local:?hypervisor=memory"})
        self.assertEqual(done.stderr, "")
        return list(filter(None, done.stdout.split("\n")))

    def test_bash_answers(self):
        self.assertEqual(self.complete("ap"), ["apply"])
        self.assertIn("network", self.complete(""))
        self.assertNotIn("names", self.complete(""))
        self.assertEqual(self.complete("vm", "sto"), ["stop"])
        self.assertEqual(self.complete("-q", "sc", "sh"), ["show"])
        self.assertEqual(self.complete("vm", "stop", "--f"), ["--force"])
        self.assertEqual(self.complete("stop", "--f"), ["--force"])
        self.assertEqual(self.complete("vm", "ls", "--r"), ["--running"])
        self.assertEqual(self.complete("vm", "start", "--f"), [])
        self.assertEqual(self.complete("-o", "j"), ["json"])
        self.assertEqual(self.complete("-o", "json", "vm", "li"), ["list"])
        self.assertEqual(self.complete("completion", "f"), ["fish"])
        self.assertEqual(self.complete("apply", "-f", "/etc/hostn"), ["/etc/hostname"])

    def asking(self, *answers):
        """A folder with a sclctl that notes what it is asked, and the notes."""
        folder = self.folder()
        fake = folder / "sclctl"
        fake.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >> {folder}/asked\necho >> {folder}/asked\n'
                        f"printf '%s\\n' {shlex.join(answers or ['bios'])}\n", encoding="ascii")
        fake.chmod(0o755)
        return folder, folder / "asked"

    CONNECTIONS = {"-c local:?prefix=lab": "local:?prefix=lab", "-clocal:?prefix=lab": "local:?prefix=lab",
                   "--connect=local:?prefix=lab": "local:?prefix=lab",
                   "--connect 'local:?prefix=lab&state=/a b'": "local:?prefix=lab&state=/a b",
                   '-c "local:?prefix=lab&state=/s"': "local:?prefix=lab&state=/s",
                   "-c local:?prefix=lab\\&state=/s": "local:?prefix=lab&state=/s"}
    LISTS = {"vm start": "vm", "network show": "network", "volume delete": "volume", "volume adopt --from": "instance"}

    def test_bash_asks_where_the_command_goes(self):
        """Names of another instance than that of -c are wrong ones."""
        folder, asked = self.asking()
        for option, uri in self.CONNECTIONS.items():
            self.assertEqual(self.complete(option, "vm", "start", "b", folder=folder), ["bios"], option)
            self.assertEqual(asked.read_text(encoding="utf-8").splitlines()[-1], f"-c|{uri}|names|vm|", option)
        for words, kind in self.LISTS.items():
            self.assertEqual(self.complete(words, "", folder=folder), ["bios"], words)
            self.assertEqual(asked.read_text(encoding="utf-8").splitlines()[-1], f"names|{kind}|")
        self.assertEqual(self.complete("-c local:?prefix=lab vm", "sto"), ["stop"])

    def offered_by_zsh(self, line, folder=None):
        """What a real interactive zsh offers at the end of the line."""
        scltest.require(shutil.which("zsh"), "zsh")
        offered = self.folder() / "offered"
        offered.touch()
        path = f"{folder or Path(program()).parent}:{os.environ['PATH']}"
        done = subprocess.run(["zsh", "-f", SOURCE / "tests/support/complete.zsh", SOURCE / "tools/completion", line, offered],
                              capture_output=True, text=True, timeout=scltest.bound(60), check=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, "PATH": path, "SCL_URI": "local:?hypervisor=memory"})
        self.assertEqual(done.stderr, "")
        return offered.read_text(encoding="utf-8").split()

    def test_zsh_answers(self):
        for line, wanted in (("sclctl -q sc sh", ["show"]), ("sclctl vm stop --f", ["--force"]), ("sclctl vm start --f", [])):
            self.assertEqual(self.offered_by_zsh(line), wanted, line)

    def test_zsh_asks_where_the_command_goes(self):
        folder, asked = self.asking()
        lines = [(f"sclctl {option} vm start b", f"-c|{uri}|names|vm|") for option, uri in list(self.CONNECTIONS.items())[2:5]]
        lines.append(("sclctl volume adopt --from b", "names|instance|"))
        for line, wanted in lines:
            self.assertEqual(self.offered_by_zsh(line, folder), ["bios"], line)
            self.assertEqual(asked.read_text(encoding="utf-8").splitlines()[-1], wanted, line)

    STRANGE = ["two words", "*", "$HOME", "a'b", "bios"]

    def test_bash_expands_no_name(self):
        """Names come from disk and from others' domains: none is a pattern, a variable or two words."""
        folder, _ = self.asking(*self.STRANGE)
        for words in self.LISTS:
            self.assertEqual(self.complete(words, "", folder=folder), self.STRANGE, words)
            self.assertEqual(self.complete(words, "b", folder=folder), ["bios"], words)

    def test_fish_asks_where_the_command_goes(self):
        scltest.require(shutil.which("fish"), "fish")
        folder, asked = self.asking()
        lines = [(f"sclctl {option} vm start ", f"-c|{uri}|names|vm|") for option, uri in self.CONNECTIONS.items() if '"' not in option]
        lines += [(f"sclctl {words} ", f"names|{kind}|") for words, kind in self.LISTS.items()]
        for line, wanted in lines:
            script = f"source {SOURCE}/tools/completion/sclctl.fish; complete -C {shlex.quote(line)}"
            done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, timeout=scltest.bound(30), check=True,
                                  env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
            self.assertIn("bios", done.stdout, line)
            self.assertIn(wanted,
                          asked.read_text(encoding="utf-8").splitlines(), line)

    def test_instances(self):
        """Those with volumes in the same state folder, but for the own one."""
        state = self.folder()
        strange = [f"instances/{name}/volumes" for name in (*self.STRANGE[:4], "Lab", "1a", "longest", "lab\n", "a\nb")]
        for name in ("volumes", "instances/lab/volumes", "instances/run/volumes", "instances/empty", *strange):
            (state / name).mkdir(parents=True)
        for uri, names in ((f"local:?state={state}", ["lab", "run"]), (f"local:?state={state}&prefix=run", ["lab", "scl"]),
                           (f"local:?state={state}/none", [])):
            self.assertEqual(sorted(call("-c", uri, "names", "instance").stdout.split("\n")), ["", *names], uri)
            self.assertEqual(sorted(self.complete("-c", uri.replace("&", "\\&"), "volume adopt --from", "")), names, uri)

    def test_fish_answers(self):
        scltest.require(shutil.which("fish"), "fish")
        script = f"source {SOURCE}/tools/completion/sclctl.fish; complete -C 'sclctl vm sto'; complete -C 'sclctl vm stop --fo'"
        done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, timeout=scltest.bound(30), check=True)
        self.assertEqual([line.split("\t")[0] for line in done.stdout.splitlines()], ["stop", "--force"])


class Manual(scltest.TestCase):
    PAGES = [SOURCE / "doc/man/sclctl.1", SOURCE / "doc/man/scl-manifest.5"]

    def test_commands_are_up_to_date(self):
        text = self.PAGES[0].read_text(encoding="utf-8")
        begin = '.\\" begin of what "sclctl man-commands" prints\n'
        part = text.split(begin, 1)[1].split('.\\" end of what', 1)[0]
        self.assertEqual(call("man-commands").stdout, part)

    def test_roff(self):
        scltest.require(shutil.which("man"), "man")
        for page in self.PAGES:
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], capture_output=True,
                                  text=True, timeout=scltest.bound(30), check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)

    def test_mandoc(self):
        scltest.require(shutil.which("mandoc"), "mandoc")
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *self.PAGES], capture_output=True, text=True,
                              timeout=scltest.bound(30), check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_every_key_is_described(self):

        schema = json.loads(call("schema").stdout)
        page = self.PAGES[1].read_text(encoding="utf-8")
        keys = set(schema["properties"])
        for part in schema["$defs"].values():
            keys |= set(part.get("properties", {}))
        self.assertIn("imageSize", keys)
        missing = [key for key in keys if key not in page]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    scltest.main()
