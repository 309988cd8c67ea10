"""Following messages among 10,000,000 passports: every search of the list, for whoever may ask, and the passport.

Over HTTP from two web workers on a house without clock (benchmarks.quiet), in signed-in sessions. What is looked for
comes from messages of all the two years (benchmarks.tracking_data), so that words come as often as they are met.
Each address is asked once before it counts.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from benchmarks.figures import Target, percentile, table
from benchmarks.house import ADDRESS, PASSWORD, Browser
from benchmarks.quiet import Quiet
from benchmarks.section import Bench, Result
from benchmarks.web import Web

TITLE = "Message tracking"
MESSAGES, TRY = 10_000_000, 200_000
TIMES, LIMIT_MS = 2, 200.0
LIST, OWN = "/gateway/messages/", "/messages/"
VERDICTS = ("spam", "virus", "bad_attachment", "clean")
STATES = ("held", "queued", "bounced", "refused", "released", "delivered")
Sample = Mapping[str, Any]


def measure(bench: Bench, known: Result) -> Result:
    """With --work the passports are kept for the next run."""
    messages = TRY if bench.directory else MESSAGES
    home = bench.work / "tracking" / str(messages)
    note = home.with_suffix(".json")
    if not note.exists():
        shutil.rmtree(home, ignore_errors=True)
    with Quiet(home).running() as house:
        if not note.exists():
            note.write_text(house.inside(f"from benchmarks.tracking_data import fill; fill({messages})"))
        bench.say(f"tracking: {messages:,} messages are there")
        facts = json.loads(house.inside("from benchmarks.tracking_data import tell; tell()"))
        found: Result = {"built": json.loads(note.read_text()), "load": [os.getloadavg()[0]]}
        with Web(home) as web:
            found["actors"] = _measured(bench, web.port, facts)
        found["load"].append(os.getloadavg()[0])
    return found


def _measured(bench: Bench, port: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    large, small = facts["large"], facts["small"]
    actors = {
        "server": (ADDRESS, LIST, large["samples"][::2] + small["samples"][::2], small["domain"]),
        "largest domain": (large["administrator"], LIST, large["samples"], ""),
        "small domain": (small["administrator"], LIST, small["samples"], ""),
        "end user": (large["person"], OWN, large["samples"], ""),
    }
    found = {}
    for actor, (email, path, samples, domain) in actors.items():
        browser = Browser(port)
        browser.sign_in(email, PASSWORD)
        mine = [each for each in samples if each["own"] == email] if path == OWN else samples
        ways = {name: [f"{path}?{urlencode(way)}" for way in many] for name, many in _ways(samples, domain)}
        ways["passport"] = [f"/messages/{each['passport']}/" for each in mine]
        found[actor] = {name: _timed(browser, paths) for name, paths in ways.items()}
        worst = max(found[actor], key=lambda name: float(found[actor][name]["p95"]))
        bench.say(f"tracking: {actor}: slowest {worst}, p95 {found[actor][worst]['p95']:.0f} ms")
    return found


def _timed(browser: Browser, paths: Sequence[str]) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {}
    for path in paths:
        browser.get(path).expect(200)
        seconds[path] = [round(browser.get(path).expect(200).seconds * 1000, 1) for _ in range(TIMES)]
    values = [each for many in seconds.values() for each in many]
    worst = max(seconds, key=lambda path: max(seconds[path]))
    return {
        "p50": percentile(values, 50),
        "p95": percentile(values, 95),
        "worst": [max(seconds[worst]), worst],
        "values": values,
    }


def _ways(samples: Sequence[Sample], domain: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """(name, parameters of the address) of all that is looked for."""

    def searched(text: str) -> list[dict[str, str]]:
        return [{"q": text.format(**each, **_words(each))} for each in samples]

    yield "first page", [{}]
    yield "deep page", [{"before": _cursor(each)} for each in samples] + [{"at": "last"}]
    yield "recipient", searched("to:{to}")
    yield "recipient's beginning", searched("{beginning}")
    yield "recipient, month", searched("to:{to} received:{month}")
    yield "recipient's beginning, month", searched("{beginning} received:{month}")
    yield "sender", searched("sender:{sender}")
    yield "sender's beginning", searched("sender:{sender_beginning}")
    yield "sender, recipient", searched("sender:{sender} to:{to}")
    yield "From", searched("from:{sender}")
    yield "word of the subject", searched("subject:{word}") + searched("subject:{other}")
    yield (
        "word of the subject, deep",
        [{"q": f"subject:{_words(each)['word']}", "before": _cursor(each)} for each in samples],
    )
    yield "part of a word, nothing", [{"q": "subject:zzyzx"}]
    yield "two words of the subject", searched("subject:{word} subject:{other}")
    yield "whole subject", searched('subject:"{subject}"')
    yield "word of the subject, month", searched("subject:{other} received:{month}")
    yield "word of the subject, recipient", searched("subject:{other} to:{to}")
    if domain:
        yield "word of the subject, domain", searched("subject:{other} domain:" + domain)
        yield "domain", searched("domain:" + domain)[:1]
    yield "Message-ID", searched("id:{id}")
    yield "key", searched("key:{key}")
    yield "month", searched("received:{month}")
    yield "day", searched("received:{day}")
    yield "verdict", [{"verdict": each} for each in VERDICTS]
    yield "state", [{"state": each} for each in STATES]
    yield "direction", [{"direction": each} for each in ("incoming", "outgoing")]
    yield "verdict, state", [{"verdict": verdict, "state": state} for verdict in VERDICTS for state in STATES[:4]]
    yield "verdict, month", [{"verdict": "virus", **each} for each in searched("received:{month}")]
    yield "state, month", [{"state": "bounced", **each} for each in searched("received:{month}")]
    yield "verdict, word of the subject", [{"verdict": "spam", **each} for each in searched("subject:{other}")]
    yield "state, word of the subject", [{"state": "bounced", **each} for each in searched("subject:{other}")]
    yield "state, sender", [{"state": "bounced", **each} for each in searched("sender:{sender}")]


def _words(sample: Sample) -> dict[str, str]:
    """The longest word of its subject, another, and beginnings of its addresses."""
    words = sorted((each for each in sample["subject"].split() if len(each) > 3), key=len, reverse=True)
    return {
        "word": words[0],
        "other": words[-1],
        "beginning": sample["to"][:6],
        "sender_beginning": sample["sender"].partition("@")[0],
    }


def _cursor(sample: Sample) -> str:
    text = json.dumps([sample["received"], sample["passport"]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def tables(found: Result) -> str:
    built = found["built"]
    names = list(dict.fromkeys(name for ways in found["actors"].values() for name in ways))
    rows = [
        (name, *(_cell(ways[name]) if name in ways else "–" for ways in found["actors"].values())) for name in names
    ]
    before, after = found["load"]
    note = (
        f"{built['messages']:,} passports of two years, {built['bytes'] / 1e9:.1f} GB of database, filled in "
        f"{built['seconds'] / 60:.0f} minutes; 200 domains, of which one has a third of the mail, 20,000 addresses. "
        f"What is looked for comes from messages of all the time. p50 / p95 in ms; the machine's load was {before:.1f} "
        f"at the beginning and {after:.1f} at the end, with {os.cpu_count()} processors.\n\n"
    )
    return note + table(("looked for", *found["actors"]), rows)


def _cell(one: Mapping[str, Any]) -> str:
    return f"{one['p50']:.0f} / {one['p95']:.0f}"


def targets(found: Result) -> list[Target]:
    if found["built"]["messages"] < MESSAGES:
        return []
    return [
        Target(
            f"tracking search, 10 M passports, {actor}, p95",
            percentile([value for one in ways.values() for value in one["values"]], 95),
            LIMIT_MS,
            " ms",
        )
        for actor, ways in found["actors"].items()
    ]
