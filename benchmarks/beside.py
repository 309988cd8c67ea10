"""Modoboa's account list and account creation, measured as ours are. Where it can't be had, the result says why."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import psycopg

from benchmarks import modoboa, modoboa_rows
from benchmarks.asking import Answer, Api, per_second, times_of
from benchmarks.invented import Directory
from benchmarks.list_pages import SEARCHES
from benchmarks.modoboa import Missing, Modoboa
from benchmarks.section import Bench, Result

PAGE = 50
TIMES, BUDGET_S = 20, 60.0
CLIENTS, CREATED, IMPORTED = 2, 30, 300
DOMAIN = modoboa_rows.DOMAIN
# Passes its rules for passwords.
PASSWORD = "Measuring8rows"  # noqa: S105


def measure(bench: Bench, sizes: Sequence[tuple[int, int, int]]) -> Result:
    """{"version", "sizes": {mailboxes: {…}}}, or {"missing": why}."""
    found: Result = {"version": modoboa.VERSION, "sizes": {}}
    try:
        folder = modoboa.cache(bench.work)
        for mailboxes, domains, customers in sizes:
            bench.say(f"directory: Modoboa with {mailboxes:,} accounts")
            with Modoboa(folder, Directory(mailboxes, domains, customers)).running() as running:
                found["sizes"][str(mailboxes)] = _one(running, mailboxes)
    except (Missing, OSError, RuntimeError, subprocess.SubprocessError, psycopg.Error) as error:
        bench.say(f"directory: Modoboa is not measured: {error}")
        return found if found["sizes"] else {"missing": str(error) or type(error).__name__}
    return found


def _one(running: Modoboa, mailboxes: int) -> dict[str, Any]:
    api = running.api()

    def listed(query: str) -> dict[str, float]:
        path = f"/api/v2/accounts/?page_size={PAGE}&{query}"
        return times_of(lambda: api.get(path), times=TIMES, budget_s=BUDGET_S)

    return {
        "filled": running.facts(),
        "first page": listed("page=1"),
        "last page": listed(f"page={mailboxes // PAGE}"),
        "sort": listed("ordering=-last_name"),
        "filter": listed("role=SimpleUsers"),
        **{kind: listed(f"search={words}") for kind, words in SEARCHES.items()},
        "created per second": _created(running),
        "imported per second": _imported(api),
    }


def _created(running: Modoboa) -> float:
    """Accounts per second through its API by two clients, with a password, as it asks for one."""
    numbers = itertools.count(_next_number(running.api(), "made"))

    def asks(api: Api) -> Iterator[Callable[[], Answer]]:
        for _ in range(CREATED):
            yield partial(api.send, "POST", "/api/v2/accounts/", _account(f"made{next(numbers)}@{DOMAIN}"))

    return per_second([asks(running.api()) for _ in range(CLIENTS)], 201)


def _account(address: str) -> dict[str, object]:
    return {
        "username": address,
        "first_name": "Clara",
        "last_name": "Eriksen",
        "role": "SimpleUsers",
        "password": PASSWORD,
        "is_active": True,
        "language": "en",
        "mailbox": {"use_domain_quota": True},
    }


def _imported(api: Api) -> float:
    """Accounts per second of one CSV file whose passwords are hashed already."""
    first = _next_number(api, "row")
    addresses = [f"row{number}@{DOMAIN}" for number in range(first, first + IMPORTED)]
    rows = "".join(modoboa_rows.csv_row(address, "Clara", "Eriksen") for address in addresses)
    return IMPORTED / modoboa_rows.upload(api, "identities", rows)


def _next_number(api: Api, name: str) -> int:
    """Above all that earlier runs made in a kept database."""
    return 1 + int(api.get(f"/api/v2/accounts/?page_size=1&search={name}").expect(200).json["count"])
