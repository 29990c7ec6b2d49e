# SPDX-License-Identifier: LGPL-2.1-or-later
"""Read what a test program said in TAP: ours, cmocka's dialect, several groups in one output."""

import re
from dataclasses import dataclass, field

PLAN = re.compile(r"^1\.\.(\d+)( *# *SKIP *(.*))?", re.I)
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
    summary = Summary()
    for line in text.splitlines():
        plan = PLAN.match(line)
        if plan:
            summary.planned += int(plan[1])
            summary.plans += 1
            if plan[2] and plan[1] == "0":
                summary.skipped.append(plan[3] or "all")
                summary.planned += 1
            continue
        case = CASE.match(line)
        if case:
            add_case(summary, case)
    return summary


def add_case(summary, case):
    refused, number, name, directive, reason = case.groups()
    name = name.strip() or f"case {number}"
    # cmocka says "not ok 2 # SKIP name"; number 0 is a failed group set-up, which no plan counts.
    if directive and directive.upper() == "SKIP":
        summary.skipped.append(f"{name}: {reason}" if name != f"case {number}" else reason or name)
    elif refused and not directive:
        summary.failed.append(name)
    else:
        summary.passed.append(name)


def judge(text, status, timed_out=None, leftovers=()):
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
    return summary
