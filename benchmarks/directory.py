"""The directory with 1,000 and with 1,000,000 mailboxes: lists, address expansion, API, CSV; and Modoboa beside it.

The same invented people both times (benchmarks.invented), in our tables by benchmarks.directory_data and in Modoboa's
by benchmarks.modoboa. Pages come from two web workers. Every list that is offered to a system administrator and to
three kinds of delegated administrators is measured with everything it offers.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import beside, list_pages, programs
from benchmarks.asking import Api
from benchmarks.directory_tables import tables, targets
from benchmarks.figures import percentile
from benchmarks.house import ADDRESS, PASSWORD, ROOT, Browser
from benchmarks.invented import LARGEST_GROUP
from benchmarks.quiet import Quiet
from benchmarks.section import Bench, Result
from benchmarks.web import Web

__all__ = ["TITLE", "measure", "tables", "targets"]

TITLE = "Directory"
ACTORS = {
    "system administrator": ADDRESS,
    "of one domain": "one@bench.example",
    "of forty domains": "forty@bench.example",
    "of a customer": "customer@bench.example",
}
TIMES, DELEGATED_TIMES, EXPANDED = 9, 6, 21
IMPORTS = (2_000, 20_000)
LIST_S = 60.0  # after which a list's further sorts and filters are left out


@dataclass(frozen=True, slots=True)
class Size:
    """How large a directory is."""

    mailboxes: int
    domains: int
    customers: int


SMALL, LARGE = Size(1_000, 100, 10), Size(1_000_000, 10_000, 300)
PEER = (SMALL, Size(100_000, 1_000, 30))


def measure(bench: Bench, known: Result) -> Result:
    found: Result = dict(known)
    for size in (SMALL, Size(*bench.directory) if bench.directory else LARGE):
        bench.say(f"directory: {size.mailboxes:,} mailboxes")
        with kept(bench, size) as house:
            found[str(size.mailboxes)] = _ours(bench, house)
    found["modoboa"] = beside.measure(bench, [(size.mailboxes, size.domains, size.customers) for size in PEER])
    return found


@contextmanager
def kept(bench: Bench, size: Size) -> Iterator[Quiet]:
    """The running house with a directory of that size; filled now unless there is one of these models."""
    home = bench.work / "directory" / str(size.mailboxes)
    note = home / "built.json"
    wanted = {"size": [size.mailboxes, size.domains, size.customers], "data": data_hash()}
    if not (note.exists() and json.loads(note.read_text()).items() >= wanted.items()):
        shutil.rmtree(home, ignore_errors=True)
    with Quiet(home).running() as house:
        if not note.exists():
            began = time.monotonic()
            numbers = f"{size.mailboxes}, {size.domains}, {size.customers}"
            house.inside(f"from benchmarks.directory_data import fill; fill({numbers})")
            note.write_text(json.dumps({**wanted, "seconds": time.monotonic() - began}))
            bench.say(f"directory: filled in {time.monotonic() - began:.0f} s")
        yield house


def data_hash() -> str:
    """Names the code that decides what is filled in.

    Later migrations run on what is kept: a column that they add and the services fill changes that code, or its test
    fails.
    """
    digest = hashlib.sha256()
    for name in ("directory_data.py", "directory_events.py", "bulk.py", "invented.py"):
        digest.update((ROOT / "benchmarks" / name).read_bytes())
    return digest.hexdigest()[:16]


def _ours(bench: Bench, house: Quiet) -> Result:
    facts = json.loads(house.inside("from benchmarks.directory_facts import tell; tell()"))
    found: Result = {"counts": facts["counts"], "built": json.loads((house.home / "built.json").read_text())}
    found["lists"], found["queries"] = {}, {}
    with Web(house.home) as web:
        for actor, email in ACTORS.items():
            browser = Browser(web.port)
            browser.sign_in(email, PASSWORD)
            offered = list_pages.find(browser, facts["routes"], facts["objects"])
            found["queries"][actor] = _queries(house, email, offered)
            found["lists"][actor] = _measured(bench, browser, offered, actor)
            bench.say(f"directory: {actor}: {len(offered)} lists")
        found["api"] = {}
        for actor, email in ACTORS.items():
            api = _program(house, web, email)
            found["api"][actor] = _measured(bench, api, programs.lists(api, facts["objects"]), actor)
            bench.say(f"directory: API, {actor}: {len(found['api'][actor])} lists")
        apis = [_program(house, web, ADDRESS) for _ in range(programs.CLIENTS)]
        domain = facts["domain"]
        found["created per second"] = programs.created_per_second(apis, domain, password=True)
        found["created per second, invited"] = programs.created_per_second(apis, domain, password=False)
    with Web(house.home, workers=1) as web:
        apis = [_program(house, web, ADDRESS) for _ in range(programs.CLIENTS)]
        found["reads per second"] = programs.reads_per_second(apis, facts["samples"])
    found["imports"] = [_imported(house, rows) for rows in IMPORTS]
    found["imported per second"] = found["imports"][-1]["rows"] / found["imports"][-1]["seconds"]
    if facts["counts"]["Mailbox"] >= LARGEST_GROUP:
        found["expansion"] = _expansion(house, f"ten-thousand@{facts['domain']}")
    return found


def _measured(
    bench: Bench, client: list_pages.Client, offered: dict[str, list[list_pages.Variant]], actor: str
) -> dict[str, Any]:
    times = TIMES if ACTORS[actor] == ADDRESS else DELEGATED_TIMES
    return {
        name: list_pages.measure(client, variants, times=times, budget_s=min(bench.budget_s, LIST_S))
        for name, variants in offered.items()
    }


def _program(house: Quiet, web: Web, email: str) -> Api:
    """A client with a token of this person's."""
    token = json.loads(house.inside(f"from benchmarks.directory_facts import token; token({email!r})"))
    return Api(web.port, {"Authorization": f"Bearer {token}"})


def _imported(house: Quiet, rows: int) -> dict[str, Any]:
    """One file, in a process of its own."""
    code = f"from benchmarks.directory_import import tell; tell({ADDRESS!r}, {rows})"
    found: dict[str, Any] = json.loads(house.inside(code))
    return found


def _expansion(house: Quiet, address: str) -> dict[str, Any]:
    code = f"from benchmarks.directory_facts import expansion; expansion({address!r}, {EXPANDED})"
    told = json.loads(house.inside(code))
    milliseconds = told["ms"][1:]
    return {
        "deliveries": told["deliveries"],
        "p50": percentile(milliseconds, 50),
        "p95": percentile(milliseconds, 95),
    }


def _queries(house: Quiet, email: str, offered: dict[str, list[list_pages.Variant]]) -> dict[str, dict[str, Any]]:
    """{name: {"first page": {"count", "slow"}, …}} of the first way of each kind."""
    firsts: dict[str, dict[str, str]] = {}
    for name, variants in offered.items():
        for variant in variants:
            firsts.setdefault(name, {}).setdefault(variant.kind, variant.path)
    paths = sorted({path for kinds in firsts.values() for path in kinds.values()})
    code = f"from benchmarks.directory_facts import tell_queries; tell_queries({email!r}, {paths!r})"
    told = json.loads(house.inside(code)) if paths else {}
    return {name: {kind: told[path] for kind, path in kinds.items()} for name, kinds in firsts.items()}
