"""Upkeep of stores: how fast they are verified, recovered, merged and compacted, and ten searched as one;
and how fast a database takes mail beside a folder (`databases`).

All of it inside this process, on stores made for it, with the mails' own text; no house runs. CPU seconds are this
process's; the disk is warm. Not for importing (`ingesting`) nor for pages.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from archive.query.language import parse
from archive.query.nodes import Node
from archive.store import Ingest, Keys, Store
from archive.store.operations import compact, merge, recover, verify
from archive.store.operations.report import Report
from archive.store.several import Part, Wanted, search_several
from benchmarks import databases
from benchmarks.corpus import MailSet
from benchmarks.figures import Target, medians, percentile, table
from benchmarks.searching import queries_of
from benchmarks.section import Bench, Result, warm
from config.kit import secrets

TITLE = "Upkeep of stores"
VERIFY_MBS, RECOVER_PER_S, MERGE_PER_S, SEVERAL = 300.0, 5000.0, 5000.0, 2.0
STORES = 10
# A verification takes a fraction of a second, and chance more than it: the middle one of so many.
VERIFIED = 5
# So many mails are held in memory, so that reading them isn't measured.
IN_DATABASE = 20_000
KEYS = Keys(master=b"\1" * 32, recovery_public=secrets.public_of(b"\2" * 32))


@dataclass(frozen=True, slots=True)
class Taken:
    """How long something took: by the clock, and of the processor."""

    seconds: float
    cpu_seconds: float


def timed(work: Callable[[], Report]) -> Taken:
    """Time an operation. Raises: RuntimeError where it found something wrong."""
    started, cpu = time.perf_counter(), time.process_time()
    report = work()
    taken = Taken(time.perf_counter() - started, time.process_time() - cpu)
    if not report.ok:
        raise RuntimeError(f"{report.operation}: {report.problems[:3]}")
    return taken


def measure(bench: Bench, known: Result) -> Result:
    mails = bench.corpus.mail_set(bench.base)
    queries = [parse(query.ours) for query in queries_of(bench)]
    with bench.scratch("stores") as place:
        found: Result = {"messages": mails.messages, "raw_bytes": mails.raw_bytes}
        with ExitStack() as stack:
            whole = stack.enter_context(made(place / "whole", messages_of(mails)))
            found |= _upkeep(bench, place, whole)
            found["several"] = _several(bench, place, whole, mails, queries)
            found["merge"] = _merge(bench, place, whole)
            found["compact"] = _compact(bench, whole)
        messages = list(itertools.islice(messages_of(mails), IN_DATABASE))
        found["databases"] = databases.measure(place / "databases", KEYS, messages)
        bench.say(f"stores: a database takes mail at {databases.ratio(found['databases']):.0%} of a folder's speed")
    return found


def messages_of(mails: MailSet) -> Iterator[bytes]:
    for copy in mails.copies:
        for folder in sorted(copy.files.iterdir()):
            for file in sorted(folder.iterdir()):
                yield file.read_bytes()


def made(place: Path, messages: Iterator[bytes], *, index: str = "feed") -> Store:
    store = Store.create(place / "store", place / "work", KEYS)
    store.mailbox(1, "all@example.org")
    with Ingest(store, 1, index=index) as ingest:
        for at, content in enumerate(messages):
            ingest.put(f"Folder {at % 20}", content=content)
    return store


def _upkeep(bench: Bench, place: Path, store: Store) -> Result:
    stored = store.facts().stored_bytes
    warm([place])
    found: Result = {"stored_bytes": stored}
    parts = [part for part in verify.PARTS if part != "index"]
    for name, plan in (
        ("verify", verify.plan(store, parts)),
        ("verify with the index", verify.plan(store)),
        ("verify, deep", verify.plan(store, parts, deep=True)),
        ("recover", recover.plan(store)),
    ):
        run = recover.run if name == "recover" else verify.run
        rounds = VERIFIED if name in ("verify", "verify with the index") else 1
        every = [timed(lambda run=run, plan=plan: run(store, plan)) for _ in range(rounds)]  # type: ignore[misc]
        taken = sorted(every, key=lambda one: one.cpu_seconds)[rounds // 2]
        found[name] = [taken.seconds, taken.cpu_seconds]
        bench.say(f"stores: {name} {stored / 1e6 / taken.seconds:,.0f} MB/s")
    return found


def _merge(bench: Bench, place: Path, source: Store) -> Result:
    with Store.create(place / "into" / "store", place / "into" / "work", KEYS) as store:
        plan = merge.plan(store, source)
        taken = timed(lambda: merge.run(store, source, plan))
        bench.say(f"stores: merge {plan.numbers['messages'] / taken.seconds:,.0f} messages/s")
        return {"messages": plan.numbers["messages"], "taken": [taken.seconds, taken.cpu_seconds]}


def _compact(bench: Bench, store: Store) -> Result:
    """Half of the messages are deleted, here and there; then the room comes back."""
    numbers = list(store.catalogue.numbers())
    gone = random.Random(1).sample(numbers, len(numbers) // 2)  # noqa: S311 - no secret
    started = time.perf_counter()
    store.delete(sorted(gone), reason="a measurement", by="benchmarks")
    deleting = time.perf_counter() - started
    before = store.facts().stored_bytes
    verified = timed(lambda: verify.run(store, verify.plan(store, [p for p in verify.PARTS if p != "index"])))
    plan = compact.plan(store)
    taken = timed(lambda: compact.run(store, plan))
    after = store.facts().stored_bytes
    bench.say(f"stores: compact {(before - after) / 1e6:,.0f} MB given back in {taken.seconds:.1f} s")
    return {
        "deleted": len(gone), "deleting_s": deleting, "before": before, "after": after,
        "wanted": plan.numbers["bytes_freed"], "verified": [verified.seconds, verified.cpu_seconds],
        "taken": [taken.seconds, taken.cpu_seconds],
    }  # fmt: skip


def _several(bench: Bench, place: Path, whole: Store, mails: MailSet, queries: Sequence[Node]) -> Result:
    """The same mails in one store and dealt out to ten; each query by the same code, over one part and over ten."""
    with ExitStack() as stack:
        stores = [stack.enter_context(_dealt(place, mails, number)) for number in range(STORES)]
        one, ten = [Part(1, whole)], [Part(number + 1, store) for number, store in enumerate(stores)]
        found = _asked(bench, {"one": one, "ten": ten}, queries, "date")
        return found | {"by relevance": _asked(bench, {"one": one, "ten": ten}, queries, "relevance")}


def _asked(bench: Bench, sides: dict[str, list[Part]], queries: Sequence[Node], order: str) -> Result:
    """p50 and p95 in ms of each side, in turns. Raises: RuntimeError where their totals differ."""
    seconds: dict[str, list[list[float]]] = {name: [[] for _ in queries] for name in sides}
    until = time.monotonic() + bench.budget_s
    for round_ in range(bench.rounds):
        if round_ and time.monotonic() > until:
            break
        for at, query in enumerate(queries):
            totals = set()
            for name, parts in sides.items():
                started = time.perf_counter()
                found = search_several(parts, query, None, Wanted(order=order))
                seconds[name][at].append(time.perf_counter() - started)
                totals.add(found.total)
            if len(totals) > 1:
                raise RuntimeError(f"query {at}: totals differ: {totals}")
    of = {name: [each * 1000 for each in medians(times)] for name, times in seconds.items()}
    return {name: {"p50": percentile(each, 50), "p95": percentile(each, 95)} for name, each in of.items()}


def _dealt(place: Path, mails: MailSet, number: int) -> Store:
    share = (content for at, content in enumerate(messages_of(mails)) if at % STORES == number)
    return made(place / f"part {number}", share)


def tables(found: Result) -> str:
    stored, messages = found["stored_bytes"], found["messages"]
    rows = []
    for name in ("verify", "verify with the index", "verify, deep", "recover"):
        seconds, cpu = found[name]
        rates = (f"{stored / 1e6 / seconds:,.0f}", f"{stored / 1e6 / cpu:,.0f}", f"{messages / seconds:,.0f}")
        rows.append((name, f"{seconds:.2f}", f"{cpu:.2f}", *rates))
    compacted = found["compact"]
    if "verified" in compacted:
        (seconds, cpu), size = compacted["verified"], compacted["before"] / 1e6
        left = (messages - compacted["deleted"]) / seconds
        row = ("verify, half of them deleted", f"{seconds:.2f}", f"{cpu:.2f}", f"{size / seconds:,.0f}")
        rows.insert(2, (*row, f"{size / cpu:,.0f}", f"{left:,.0f}"))
    merged, (seconds, cpu) = found["merge"]["messages"], found["merge"]["taken"]
    rows.append(("merge into an empty store", f"{seconds:.2f}", f"{cpu:.2f}", f"{stored / 1e6 / seconds:,.0f}",
                 f"{stored / 1e6 / cpu:,.0f}", f"{merged / seconds:,.0f}"))  # fmt: skip
    head = ("", "s", "CPU s", "stored MB/s", "stored MB per CPU s", "messages/s")
    search = found["several"]
    text = (
        f"{messages:,} mails, {stored / 1e6:,.0f} MB stored. Half deleted and compacted: "
        f"{compacted['before'] / 1e6:,.0f} MB became {compacted['after'] / 1e6:,.0f} MB "
        f"in {compacted['taken'][0]:.1f} s.\n\n"
    )
    ms = [
        (f"{what}: {name}", f"{each[key]['p50']:.2f}", f"{each[key]['p95']:.2f}")
        for what, each in (("newest 50", search), ("best 50", search.get("by relevance")))
        for name, key in (("one store", "one"), (f"{STORES} stores", "ten"))
        if each is not None
    ]
    text += table(head, rows) + "\n\n" + table(("with the exact total, ms", "p50", "p95"), ms)
    return text + "\n\n" + databases.tables(found["databases"]) if "databases" in found else text


def targets(found: Result) -> list[Target]:
    stored, messages = found["stored_bytes"], found["messages"]
    search, merge_seconds = found["several"], found["merge"]["taken"][0]
    return [
        Target("verify, stored bytes per core", stored / 1e6 / found["verify"][1], VERIFY_MBS, " MB/s", at_least=True),
        Target("recover", messages / found["recover"][0], RECOVER_PER_S, " messages/s", at_least=True),
        Target("merge", found["merge"]["messages"] / merge_seconds, MERGE_PER_S, " messages/s", at_least=True),
        *(
            Target(f"10 stores searched together ÷ one, {what}", search["ten"][what] / search["one"][what], SEVERAL)
            for what in ("p50", "p95")
        ),
        *(databases.targets(found["databases"]) if "databases" in found else []),
    ]
