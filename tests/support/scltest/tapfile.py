# SPDX-License-Identifier: LGPL-2.1-or-later
"""Read what a test program said in TAP: ours, cmocka's dialect, several groups in one output."""

import re
from dataclasses import dataclass, field

PLAN = re.compile(r"^1\.\.(\d+)( *# *SKIP *(.*))?", re.I)
REASON = re.compile(r"^# skip: (.*)")
CASE = re.compile(r"^(not )?ok\b *(\d*) *(?:- )?([^#]*)(?:# *(SKIP|TODO)\b *(.*))?$", re.I)


@dataclass
class Summary:
    passed: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    skipped: list = field(default_factory=list)
    planned: int = 0
    plans: int = 0

    @property
    def cases(self):
        return len(self.passed) + len(self.failed) + len(self.skipped)


def parse(text):
    summary, said = Summary(), None
    for line in text.splitlines():
        plan = PLAN.match(line)
        if plan:
            summary.planned += int(plan[1])
            summary.plans += 1
            if plan[2] and plan[1] == "0":
                add_skip(summary, "all", plan[3])
                summary.planned += 1
            continue
        if reason := REASON.match(line):
            said = reason[1]
        elif case := CASE.match(line):
            add_case(summary, case, said)
            said = None
    return summary


def add_skip(summary, name, reason):
    """A skip that does not say why hides what nobody has looked at."""
    if reason:
        summary.skipped.append(f"{name}: {reason}")
    else:
        summary.failed.append(f"{name}: skipped, and does not say why")


def add_case(summary, case, said):
    """said: the reason of a skip, in a line before it (test-skip.h)."""
    refused, number, name, directive, reason = case.groups()
    name = name.strip() or f"case {number}"
    # cmocka says "not ok 2 # SKIP name"; number 0 is a failed group set-up, which no plan counts.
    if directive and directive.upper() == "SKIP":
        if name == f"case {number}":
            name, reason = reason, said
        add_skip(summary, name, reason)
    elif refused and not directive:
        summary.failed.append(name)
    else:
        summary.passed.append(name)


def judge(text, status, timed_out=None, leftovers=(), changed=()):
    """The summary of a program that ended; what went wrong outside its cases is one failed case more each."""
    summary = parse(text)
    if timed_out:
        summary.failed.append(f"no end within {timed_out} s")
    elif status < 0:
        summary.failed.append(f"killed by signal {-status}")
    elif summary.plans == 0:
        summary.failed.append(f"no TAP plan (exit status {status})")
    elif summary.cases < summary.planned:
        summary.failed.append(f"{summary.cases} of {summary.planned} planned cases ran (exit status {status})")
    elif status != 0 and not summary.failed:
        summary.failed.append(f"exit status {status} without a failed case")
    if leftovers:
        summary.failed.append("left processes behind: " + "; ".join(leftovers))
    if changed:
        summary.failed.append("its host is not as it was: " + "; ".join(changed))
    return summary
