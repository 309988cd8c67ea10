"""Judging a message: how well the built-in scorer tells spam from ham, and what inspecting and judging cost.

The labelled mails are those of POSTKEEP_CORPORA (folder spamassassin), where it is set; nothing of them is kept but
counts. DNS is answered from memory, so that only our own work is measured; processor time, not wall-clock time. The
mails are from 2002: of today's mail less is said by headers and more by SPF, DKIM and DMARC, which they don't have.
The measuring itself is `benchmarks.judging_inside`.
"""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.figures import Target, number, table
from benchmarks.house import ROOT
from benchmarks.section import Bench, Result

TITLE = "Judging"
LIMITS = (4.0, 5.0, 6.0)
SPAM = ("spam-1", "spam-2")
HAM = ("easy-ham-1", "easy-ham-2", "hard-ham-1")
MOST_MS, LEAST_PRECISION, LEAST_RECALL = 1.0, 0.95, 0.75


def measure(bench: Bench, known: Result) -> Result:
    argv = [sys.executable, "-m", "benchmarks.judging_inside"]
    found: Result = json.loads(subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    if "told" in known:
        found.setdefault("told", known["told"])
    for name, cost in found["ms"].items():
        bench.say(f"judging, {name}: {cost:.2f} ms")
    return found


def tables(found: Result) -> str:
    text = table(("processor time", "ms"), [(name, number(cost)) for name, cost in found["ms"].items()])
    if "told" not in found:
        return text
    rows = []
    for limit, told in found["told"].items():
        easy = sum(told["taken"][name] for name in HAM[:2])
        of_easy = sum(told["of"][name] for name in HAM[:2])
        hard = f"{told['taken'][HAM[2]]} of {told['of'][HAM[2]]}"
        precision, recall = (f"{told[name]:.1%}" for name in ("precision", "recall"))
        rows.append((limit, precision, recall, f"{easy} of {of_easy:,}", hard))
    heads = ("spam from", "precision", "recall", "letters and lists taken for spam", "newsletters taken for spam")
    return text + "\n" + table(heads, rows)


def targets(found: Result) -> list[Target]:
    listed = [Target("inspecting and judging 7 KB without DNS", found["ms"]["inspect and judge, 7 KB"], MOST_MS, " ms")]
    if "told" in found:
        told = found["told"]["5.0"]
        wanted = (("precision", LEAST_PRECISION), ("recall", LEAST_RECALL))
        for name, least in wanted:
            listed.append(Target(f"{name} of the built-in scorer at 5 points", told[name], least, at_least=True))
    return listed
