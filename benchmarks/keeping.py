"""Retention at a million messages: a preview, working out the days, 100,000 deletions and the room they leave; and ten
simulated years with an exact account.

Each in a house of its own without clock and workers (benchmarks.quiet), on small invented messages.
"""

from __future__ import annotations

import json
from statistics import median

from benchmarks.figures import Target, number, table
from benchmarks.quiet import Quiet
from benchmarks.section import Bench, Result

TITLE = "Retention"
MESSAGES, TRY = 1_000_000, 20_000
PREVIEW_S, DELETIONS, DELETIONS_S = 5.0, 100_000, 60.0


def measure(bench: Bench, known: Result) -> Result:
    messages = TRY if bench.directory else MESSAGES
    found: Result = {}
    with bench.scratch("retention") as folder:
        with Quiet(folder / "home").running() as house:
            found["built"] = json.loads(house.inside(f"from benchmarks.keeping_inside import build; build({messages})"))
            bench.say(f"retention: {found['built']['messages']:,} messages are there")
            code = f"from benchmarks.keeping_inside import measure; measure({bench.rounds})"
            found |= json.loads(house.inside(code))
        with Quiet(folder / "years").running() as house:
            bench.say("retention: ten years begin")
            found["years"] = json.loads(house.inside(f"from benchmarks.decade import run; run({messages})"))
    return found


def tables(found: Result) -> str:
    """Each of the two parts where it was measured."""
    parts = [_at_once(found)] if "preview" in found else []
    return "\n".join(parts + ([_years(found["years"])] if "years" in found else []))


def _at_once(found: Result) -> str:
    count, deleted = found["messages"], found["deleted"]
    lines = [
        ("preview, nothing worked out yet", _median(found["preview"]), count),
        ("preview of a change", _median(found["preview of a change"]), count),
        ("days worked out, two policies, one by words", found["work out"], count),
        (f"{deleted:,} deleted", found["process"], deleted),
        ("compaction afterwards", found["compact"], deleted),
    ]
    rows = [
        (name, number(taken["seconds"]), number(taken["processor_s"]), f"{many / taken['seconds']:,.0f}")
        for name, taken, many in lines
    ]
    before, after = found["stored_bytes"]
    note = (
        f"{count:,} small messages of 40 people in one store. The preview has four policies, two by words of the "
        f"subject, and two holds. Packs: {before / 1e6:,.0f} MB before, {after / 1e6:,.0f} MB after the compaction.\n\n"
    )
    return note + table(("", "seconds", "of processors", "per second"), rows)


def _years(years: Result) -> str:
    return (
        f"Ten simulated years: {years['messages']:,} messages over {years['months']} months into {years['stores']} "
        f"stores, three editions of the policies, three holds, processed every month: {years['deleted']:,} deleted, "
        f"{years['left']:,} left, {years['held_at_the_end']:,} of them only by a hold, in {years['certificates']:,} "
        "certificates. After each month the count, and every year the very messages, were those that an account of its "
        "own (benchmarks/decade_model.py) says; journals and certificates add up to the same, and so it was after "
        "compaction, recovery and verification.\n"
    )


def _median(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(each[name] for each in rounds) for name in rounds[0]}


def targets(found: Result) -> list[Target]:
    if found.get("messages", 0) < MESSAGES * 0.9:
        return []
    previews = [_median(found[name])["seconds"] for name in ("preview", "preview of a change")]
    per_deletion = found["process"]["seconds"] / found["deleted"]
    before, after = found["stored_bytes"]
    return [
        Target("retention preview at 1 M messages", max(previews), PREVIEW_S, " s"),
        Target("100,000 deletions by retention", per_deletion * DELETIONS, DELETIONS_S, " s"),
        Target("stored bytes after compaction ÷ before, a tenth deleted", after / before, 0.95),
    ]
