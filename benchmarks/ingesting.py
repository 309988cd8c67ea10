"""Ingest: how long until all mails are durable and can be found, beside `notmuch new` on the same mails as files.

Ours is the command's own `seconds`; notmuch's is wall clock. Rounds alternate, so that both meet the same machine.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figures import Target, number, table
from benchmarks.house import House
from benchmarks.notmuch import Database
from benchmarks.section import Bench, Result, warm

TITLE = "Ingest"
ONE_PROCESS, TWO_PROCESSES = 8.0, 12.0


def measure(bench: Bench, known: Result) -> Result:
    first, second = bench.corpus.copy(0), bench.corpus.copy(1)
    bench.corpus.forget()
    warm([first.mbox, second.mbox, first.files])
    ones, twos, theirs = list[Result](), list[Result](), list[float]()
    with bench.scratch("ingest") as folder, House(folder / "home") as house:
        for number_ in range(bench.rounds):
            ones.append(
                house.start_import([first.mbox], store=f"one-{number_}", user=f"one@{number_}.example").result()
            )
            bench.say(f"ingest: {ones[-1]['archived']} in {ones[-1]['seconds']:.2f} s")
            if bench.has_notmuch:
                theirs.append(_notmuch(bench, folder / f"notmuch-{number_}"))
                bench.say(f"ingest: notmuch new in {theirs[-1]:.2f} s")
            twos.append(_two(house, [first.mbox, second.mbox], number_))
            bench.say(f"ingest: two processes, {twos[-1]['archived']} in {twos[-1]['seconds']:.2f} s")
    return {"messages": first.messages, "raw_bytes": first.raw_bytes, "one": ones, "two": twos, "notmuch_s": theirs}


def _notmuch(bench: Bench, folder: Path) -> float:
    mails = bench.corpus.mail_set(bench.base)
    return Database.lay_out(folder, mails).index()


def _two(house: House, sources: list[Path], number_: int) -> Result:
    """Both at once, each on a store of its own; the slower one's seconds count."""
    running = [
        house.start_import([source], store=f"two-{number_}-{at}", user=f"two{at}@{number_}.example")
        for at, source in enumerate(sources)
    ]
    results = [each.result() for each in running]
    return {
        "archived": sum(each["archived"] for each in results),
        "bytes": sum(each["bytes"] for each in results),
        "seconds": max(each["seconds"] for each in results),
        "wall": max(each["wall"] for each in results),
    }


def tables(found: Result) -> str:
    rates = _rates(found)
    rows: list[tuple[str, ...]] = []
    for name, key, wanted in (("one process", "one", ONE_PROCESS), ("two processes, two stores", "two", TWO_PROCESSES)):
        runs = found[key]
        rows.append(
            (
                f"Postkeep, {name}",
                f"{runs[0]['archived']:,}",
                number(median(each["seconds"] for each in runs)),
                number(median(each["wall"] for each in runs)),
                f"{rates[key]:,.0f}",
                number(median(each["bytes"] / each["seconds"] / 1e6 for each in runs)),
                f"{number(rates[key] / rates['notmuch'])} ×" if rates["notmuch"] else "–",
                f"{wanted:.0f} ×",
            )
        )
    rows.append(_notmuch_row(found, rates["notmuch"]))
    note = (
        "Until all is durable and found by the index. `seconds` is the command's own figure, `whole` includes the "
        "start of Python and Django. Two processes: the mails and their first variation, each into a store of its "
        "own, the slower one's seconds. Medians of " + str(len(found["one"])) + ".\n\n"
    )
    return note + table(("", "messages", "seconds", "whole", "messages/s", "MB/s", "× notmuch", "target"), rows)


def targets(found: Result) -> list[Target]:
    rates = _rates(found)
    if not rates["notmuch"]:
        return []
    return [
        Target("ingest, one process, × notmuch", rates["one"] / rates["notmuch"], ONE_PROCESS, " ×", at_least=True),
        Target("ingest, two processes, × notmuch", rates["two"] / rates["notmuch"], TWO_PROCESSES, " ×", at_least=True),
    ]


def _rates(found: Result) -> dict[str, float]:
    """Messages per second of each, medians; notmuch 0 where it is missing."""

    def rate(runs: list[dict[str, Any]]) -> float:
        return median(float(each["archived"] / each["seconds"]) for each in runs)

    theirs = found["notmuch_s"]
    return {
        "one": rate(found["one"]),
        "two": rate(found["two"]),
        "notmuch": found["messages"] / median(theirs) if theirs else 0.0,
    }


def _notmuch_row(found: Result, rate: float) -> tuple[str, ...]:
    if not rate:
        return ("notmuch: not installed here", *["–"] * 7)
    seconds = number(median(found["notmuch_s"]))
    speed = number(found["raw_bytes"] / median(found["notmuch_s"]) / 1e6)
    return ("notmuch new", f"{found['messages']:,}", seconds, seconds, f"{rate:,.0f}", speed, "1 ×", "")
