"""An invented directory in our own tables, in bulk: what the services would have left, row by row, in minutes.

    python -m benchmarks.directory_data MAILBOXES DOMAINS CUSTOMERS [--seed 1]

into the empty database of POSTKEEP_HOME (or DATABASE_URL). tests/benchmarks/test_directory_data.py makes a small one
twice, once here and once by the services, and compares all rows; a column that a service fills and this doesn't fails
there. Besides customers, domains and people there are administrators to measure as: see `ADMINISTRATORS`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

import django

from benchmarks.invented import Directory, InventedDomain, Person

BEGINNING = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
DAYS = 900
PASSWORD = "a long row of words for measuring"  # noqa: S105  (of a database that nobody uses)
ONE_DOMAIN, FORTY_DOMAINS, CUSTOMER = "one@bench.example", "forty@bench.example", "customer@bench.example"
ADMINISTRATORS = (ONE_DOMAIN, FORTY_DOMAINS, CUSTOMER)
EVERY_ALIAS_NAME, EVERY_DOMAIN_ADMINISTRATOR = 20, 3
FORTY = 40


@dataclass
class Ids:
    """The numbers rows get, so that tables can be written one after the other and name each other."""

    first_user: int
    first_address: int
    first_mailbox: int
    domains: dict[int, int] = field(default_factory=dict)
    customers: list[int] = field(default_factory=list)
    # by (domain number, local part), only of what groups and aliases name
    addresses: dict[tuple[int, str], int] = field(default_factory=dict)


def moment(share: float) -> dt.datetime:
    """When something was made: `share` of the way from the first to the last day."""
    return BEGINNING + dt.timedelta(days=DAYS * share)


def people(directory: Directory) -> Iterator[tuple[int, InventedDomain, Person]]:
    """All of them, numbered from 0."""
    everybody = ((domain, person) for domain in directory.domains for person in directory.people(domain))
    for number, (domain, person) in enumerate(everybody):
        yield number, domain, person
