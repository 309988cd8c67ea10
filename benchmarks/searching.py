"""Search: newest 50 and the exact total, 240 mixed queries, inside the process and as a page, beside notmuch.

For each query the median of the rounds; of these, p50 and p95. notmuch's `search` and `count` are processes: of each
the start is taken off, measured as the count of a Message-ID that nobody has (it opens the database too).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from statistics import median

from archive.mail.extract import extract_many
from benchmarks import notmuch
from benchmarks.corpus import MailSet
from benchmarks.figures import Target, medians, number, percentile, table
from benchmarks.house import ROOT, Browser, House, clean_environment, kept_house
from benchmarks.queries import Query, Vocabulary, draw
from benchmarks.section import Bench, Result

TITLE = "Search"
OF_NOTMUCH, PAGE_MS = 0.25, 80.0
START_EVERY = 6
AGREE = 0.02


def measure(bench: Bench, known: Result) -> Result:
    queries = queries_of(bench)
    found: Result = dict(known)
    for thousands in bench.sizes:
        bench.say(f"search: the set of {thousands} k")
        mails = bench.corpus.mail_set(thousands)
        bench.corpus.forget()
        house = kept_house(bench.corpus, mails)
        one: Result = {"messages": mails.messages, "raw_bytes": mails.raw_bytes, "queries": len(queries)}
        one["inside"] = inside = _inside(bench, house, queries)
        bench.say(f"search: inside the process p95 {inside['p95']:.2f} ms")
        one["page"] = _pages(bench, house, queries)
        bench.say(f"search: the page p95 {one['page']['p95']:.1f} ms")
        if bench.has_notmuch:
            one["notmuch"] = theirs = _notmuch(bench, mails, queries, inside.pop("totals"))
            bench.say(f"search: notmuch p95 {theirs['p95']:.2f} ms")
        inside.pop("totals", None)
        found[str(thousands)] = one
    return found


def queries_of(bench: Bench) -> list[Query]:
    """Drawn once for these mails, then kept beside them (they hold other people's words)."""
    kept = bench.corpus.root / "queries.json"
    if not kept.exists():
        vocabulary = Vocabulary()
        originals = bench.corpus.originals()
        for at in range(0, len(originals), 1000):
            for text in extract_many(originals[at : at + 1000]):
                vocabulary.take(text, _month_of(text.date))
        kept.write_text(json.dumps([[each.kind, each.ours, each.notmuch] for each in draw(vocabulary)]))
    return [Query(*each) for each in json.loads(kept.read_text())]


def _month_of(date: int | None) -> tuple[int, int] | None:
    if date is None or not 0 < date < 4_000_000_000:
        return None
    moment = datetime.fromtimestamp(date, UTC)
    return moment.year, moment.month


def _inside(bench: Bench, house: House, queries: list[Query]) -> Result:
    texts = bench.corpus.root / "queries-ours.json"
    texts.write_text(json.dumps([query.ours for query in queries]))
    argv = [sys.executable, "-m", "benchmarks.inside", str(texts), str(bench.rounds), str(bench.budget_s)]
    environ = clean_environment(POSTKEEP_HOME=str(house.home))
    told = json.loads(subprocess.run(argv, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE).stdout)
    return {**_summary(queries, medians(told["seconds"]), len(told["seconds"][-1])), "totals": told["totals"]}


def _pages(bench: Bench, house: House, queries: list[Query]) -> Result:
    """The whole page over HTTP, in a signed-in session on one kept connection, from the server of `manage.py up`."""
    seconds: list[list[float]] = [[] for _ in queries]
    with house:
        browser = Browser(house.port)
        browser.sign_in()
        sizes = [browser.search(query.ours)[1] for query in queries[:20]]
        until = time.monotonic() + bench.budget_s
        for round_ in range(bench.rounds):
            if round_ and time.monotonic() > until:
                break
            for at, query in enumerate(queries):
                seconds[at].append(browser.search(query.ours)[0])
        summary = _summary(queries, medians(seconds), len(seconds[-1]))
    return {**summary, "page_bytes": median(sizes)}


def _notmuch(bench: Bench, mails: MailSet, queries: list[Query], totals: list[int]) -> Result:
    database = notmuch.built(bench.corpus, mails)
    starts = list[float]()
    summary: list[list[float]] = [[] for _ in queries]
    plain: list[list[float]] = [[] for _ in queries]
    agreeing = 0
    until = time.monotonic() + bench.budget_s
    for round_ in range(bench.rounds):
        if round_ and time.monotonic() > until:
            break
        for at, query in enumerate(queries):
            if at % START_EVERY == 0:
                starts.append(database.start())
            counting, total = database.count(query.notmuch)
            summary[at].append(counting + database.search(query.notmuch))
            plain[at].append(counting + database.search(query.notmuch, output="messages"))
            agreeing += not round_ and abs(total - totals[at]) <= max(2, AGREE * max(total, totals[at]))
    start = median(starts)
    return {
        **_summary(queries, _less(medians(summary), 2 * start), len(summary[-1])),
        "start_ms": start * 1000,
        "only_ids": _summary(queries, _less(medians(plain), 2 * start), len(plain[-1])),
        "totals_agree": agreeing,
    }


def _less(seconds: list[float], start: float) -> list[float]:
    return [max(0.0, one - start) for one in seconds]


def _summary(queries: list[Query], seconds: list[float], rounds: int) -> Result:
    kinds: dict[str, list[float]] = defaultdict(list)
    for query, one in zip(queries, seconds, strict=True):
        kinds[query.kind].append(one * 1000)
    every = [one * 1000 for one in seconds]
    return {
        "p50": percentile(every, 50),
        "p95": percentile(every, 95),
        "max": max(every),
        "rounds": rounds,
        "kinds_p95": {kind: percentile(values, 95) for kind, values in sorted(kinds.items())},
    }


def tables(found: Result) -> str:
    sizes = sorted(found, key=int)
    return "\n".join(["Milliseconds.\n", _by_size(found, sizes), _notes(found, sizes), _by_kind(found, sizes)])


def _by_size(found: Result, sizes: list[str]) -> str:
    rows = []
    for size in sizes:
        one = found[size]
        inside, page, theirs = one["inside"], one["page"], one.get("notmuch")
        rows.append(
            (
                f"{one['messages']:,}{_made(one)}",
                *(number(inside[key]) for key in ("p50", "p95")),
                *((number(theirs[key]) if theirs else "–") for key in ("p50", "p95")),
                number(inside["p95"] / theirs["p95"]) if theirs and theirs["p95"] else "–",
                number(theirs["only_ids"]["p95"]) if theirs else "–",
                *(number(page[key]) for key in ("p50", "p95")),
            )
        )
    head = ("mails", "p50", "p95", "notmuch p50", "notmuch p95", "p95 ÷ notmuch's", "notmuch p95, ids only")
    return table((*head, "page p50", "page p95"), rows)


def _made(one: Result) -> str:
    return "" if one["messages"] < 40_000 else " (made)"


def _notes(found: Result, sizes: list[str]) -> str:
    lines = [
        "“made”: the list mails repeated with changed Message-ID, date and a dozen words each, so that nothing is a "
        "duplicate. notmuch: `search --limit=50 --sort=newest-first --output=summary` plus `count`, less the start of "
        "both processes (`count` of a Message-ID nobody has, with the database opened). It lists threads; beside it "
        "`--output=messages`, which prints Message-IDs only. Ours has the 50 rows with subject, sender and folder."
    ]
    for size in sizes:
        one = found[size]
        rounds = f"{one['inside']['rounds']} rounds inside, {one['page']['rounds']} of pages"
        if theirs := one.get("notmuch"):
            rounds += f", {theirs['rounds']} of notmuch (one start {number(theirs['start_ms'])} ms)"
            rounds += f"; {theirs['totals_agree']} of {one['queries']} totals agree within 2 %"
        lines.append(f"- {one['messages']:,}: {rounds}.")
    return "\n".join(lines) + "\n"


def _by_kind(found: Result, sizes: list[str]) -> str:
    """Of the largest set: where the time goes."""
    one = found[sizes[-1]]
    theirs = one["notmuch"]["kinds_p95"] if "notmuch" in one else {}
    rows = [
        (kind, number(p95), number(theirs[kind]) if theirs else "–", number(one["page"]["kinds_p95"][kind]))
        for kind, p95 in one["inside"]["kinds_p95"].items()
    ]
    return table((f"p95 by kind at {one['messages']:,}", "Postkeep", "notmuch", "page"), rows)


def targets(found: Result) -> list[Target]:
    result = []
    for size in sorted(found, key=int):
        one = found[size]
        if theirs := one.get("notmuch"):
            ratio = one["inside"]["p95"] / max(theirs["p95"], 0.001)
            result.append(Target(f"search p95 at {size} k ÷ notmuch's", ratio, OF_NOTMUCH))
        result.append(Target(f"search page p95 at {size} k", one["page"]["p95"], PAGE_MS, " ms"))
    return result
