#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""nix/checks.nix and what it is made of, with nothing but Nix."""

import ipaddress
import json
import random
import subprocess

import nixtest
import scltest
import wrong
from scltest.sclctl import program


def checked(texts):
    """What checks.nix says about each of several values of ctrl-os.vms."""
    cases = "\n".join(f"(import ../../nix/checks.nix (import ./plain.nix {{ {text} }}))" for text in texts)
    return nixtest.evaluate(f"[ {cases} ]")


class Wrong(scltest.TestCase):
    def test_each_has_its_messages(self):
        found = checked(text for _, text, _ in wrong.CHECKS)
        for (name, _, messages), actual in zip(wrong.CHECKS, found, strict=True):
            with self.subTest(name):
                self.assertEqual(actual, messages)

    def test_there_are_many(self):
        self.assertGreaterEqual(len(wrong.CHECKS), 40)
        names = [name for name, *_ in wrong.CHECKS + wrong.TYPES]
        self.assertEqual(len(names), len(set(names)))

    def test_library_refuses_them_too(self):
        """But for the one that is about units, libscl says the same of the same manifest."""
        folder = self.folder()
        cases = [case for case in wrong.CHECKS if case[0] != "one unit for a VM and a network"]
        manifests = nixtest.evaluate("map (values: import ../../nix/manifest.nix (import ./plain.nix values)) [ "
                                     + " ".join(f"{{ {text} }}" for _, text, _ in cases) + " ]")
        for (name, *_), manifest in zip(cases, manifests, strict=True):
            path = folder / "vms.json"
            path.write_text(json.dumps(manifest), encoding="utf-8")
            done = subprocess.run([program(), "validate", "--allow-empty", "-f", path], capture_output=True, text=True,
                                  timeout=scltest.bound(30), check=False)
            with self.subTest(name):
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)


class Right(scltest.TestCase):
    def test_nothing_is_said(self):
        right = ["", "networks.default = null;", wrong.vm(), wrong.net(wrong.OTHER, "dmz") + wrong.vm('network = "dmz";'),
                 wrong.net('allowedTCPPorts = [ "53:192.168.20.2:53" ]; allowedUDPPorts = [ "53:192.168.20.2:53" ];'),
                 # Equal subnets are separated; the same port on two external IPs is two ports.
                 wrong.net('externalIP = "192.168.11.1"; gatewayIP = "192.168.20.1"; allowedTCPPorts = [ "22:192.168.20.2:22" ];', "b")
                 + wrong.net('allowedTCPPorts = [ "22:192.168.20.2:22" ];'),
                 wrong.vm('mac = "52:54:00:00:00:01";', "a") + wrong.vm('mac = "52:54:00:00:00:02";', "b"),
                 wrong.vm(name="network-prod"), 'virtualMachines.a.image = ./seed/basic.nix;',
                 wrong.net('gatewayIP = "10.255.255.254"; internalNetmask = "255.0.0.0";')]
        self.assertEqual(checked(right), [[]] * len(right))


class Address(scltest.TestCase):
    def test_subnets_are_those_of_python(self):
        source = random.Random(7)
        cases = [(source.getrandbits(32), source.randint(1, 30)) for _ in range(200)]
        pairs = [(ipaddress.IPv4Address(number), ipaddress.IPv4Network((number, length), strict=False)) for number, length in cases]
        calls = " ".join(f'(a.subnet "{address}" "{network.netmask}")' for address, network in pairs)
        found = nixtest.evaluate(f"let a = import ../../nix/address.nix; in [ {calls} ]")
        for (address, network), subnet in zip(pairs, found, strict=True):
            self.assertEqual(subnet, {"gateway": int(address), "mask": int(network.netmask), "text": str(network),
                                      "first": int(network.network_address), "last": int(network.broadcast_address)})

    def test_what_is_no_address(self):
        texts = ["", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", " 1.2.3.4", "1.2.3.4 ", "a.b.c.d", "1.2.3.-4", "::1"]
        found = nixtest.evaluate("map (import ../../nix/address.nix).parse [ " + " ".join(map(json.dumps, texts)) + " ]")
        self.assertEqual(found, [None] * len(texts))


class Suggestions(scltest.TestCase):
    def test_as_the_library(self):
        """As _scl_suggest() of libscl/config."""
        words = '[ "default" "production" "dmz" "web" ]'
        cases = {"defalt": "default", "Default": "default", "prod": "production", "prodcution": "production", "dzm": "dmz",
                 "zzz": None, "": None, "wbe": "web", "x" * 41: None}
        found = nixtest.evaluate("let t = import ../../nix/text.nix; in map (word: t.suggest word "
                                 f"{words}) [ {' '.join(map(json.dumps, cases))} ]")
        self.assertEqual(dict(zip(cases, found, strict=True)), cases)


if __name__ == "__main__":
    scltest.main()
