"""`make run` on a fresh clone: how long until a page answers, the first time and the next.

The clone is of the last commit, without .venv; pip takes what it has in its cache (a first clone, not counted, fills
it). Not for `manage.py up` in a clone that is installed already.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from statistics import median

from benchmarks.figures import Target, number, table
from benchmarks.house import ROOT, answer_of, clean_environment, free_port
from benchmarks.section import Bench, Result

TITLE = "Start"
FIRST_S, NEXT_S = 60.0, 6.0
PATIENCE_S = 600.0
PAGE, HEALTHZ = "/sign-in/", "/healthz"


def measure(bench: Bench, known: Result) -> Result:
    found: Result = {"first": [], "next": []}
    with bench.scratch("start") as folder:
        clone = folder / "postkeep"
        for round_ in range(-1, bench.rounds):
            shutil.rmtree(clone, ignore_errors=True)
            subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
            first = _start(clone)
            if round_ < 0:
                found["warming"] = first
                continue
            found["first"].append(first)
            found["next"].append(_start(clone))
            bench.say(f"start: first {first[PAGE]:.1f} s, next {found['next'][-1][PAGE]:.1f} s")
    return found


def _start(clone: Path) -> dict[str, float]:
    """`make run` until page and health answer 200, then Ctrl-C: the seconds of each."""
    port = free_port()
    reached: dict[str, float] = {}
    with (clone.parent / "said").open("ab") as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=clean_environment(POSTKEEP_PORT=str(port), POSTKEEP_SMTP_PORT=str(free_port())),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            while len(reached) < 2:
                for path in (PAGE, HEALTHZ):
                    if path not in reached and answer_of(port, path) == 200:
                        reached[path] = time.perf_counter() - began
                if process.poll() is not None or time.perf_counter() - began > PATIENCE_S:
                    raise RuntimeError(f"`make run` does not answer:\n{(clone.parent / 'said').read_text()[-2000:]}")
                time.sleep(0.05)
        finally:
            asked = time.perf_counter()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)
            reached["end"] = time.perf_counter() - asked
    return reached


def tables(found: Result) -> str:
    rows = [
        (
            name,
            *(number(median(run[what] for run in found[key])) for what in (PAGE, HEALTHZ, "end")),
            ", ".join(number(run[PAGE]) for run in found[key]),
        )
        for name, key in (("first: fresh clone, warm pip cache", "first"), ("next", "next"))
    ]
    head = ("`make run`", "s to a page", "s to a good /healthz", "s from Ctrl-C to the end", "each")
    return table(head, rows)


def targets(found: Result) -> list[Target]:
    return [
        Target("make run, first, to an answering page", median(run[PAGE] for run in found["first"]), FIRST_S, " s"),
        Target("make run, next, to an answering page", median(run[PAGE] for run in found["next"]), NEXT_S, " s"),
    ]
